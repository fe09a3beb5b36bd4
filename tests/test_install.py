"""The ways in agree with each other: pyproject.toml, environment.yml, the pinned sets, make, the workflows."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from rattler import MatchSpec

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
NEWEST, OLDEST = ROOT / "constraints.txt", ROOT / "constraints-oldest.txt"

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def needs(*extras):
    """The project's requirements, with those of some extras and of the extras that these name, by name."""
    found = {need.name: need for need in map(Requirement, PROJECT["dependencies"])}
    for extra in extras:
        for need in map(Requirement, PROJECT["optional-dependencies"][extra]):
            found |= needs(*need.extras) if need.name == "mllayers" else {need.name: need}
    return found


def pins(path):
    """Every version that a pinned set has for each package."""
    found = {}
    for line in path.read_text().splitlines():
        (only,) = Requirement(line).specifier
        assert only.operator == "==", line
        found.setdefault(Requirement(line).name.lower(), []).append(Version(only.version))
    return found


# the core and its extras


def test_the_core_is_what_the_layers_need():
    assert set(needs()) == {"numpy", "pandas", "scipy", "scikit-learn", "narwhals"}
    assert set(needs("figures")) - set(needs()) == {"matplotlib", "seaborn", "pillow"}
    assert set(needs("ledger")) - set(needs()) == {"sqlalchemy"}
    assert set(needs("figures", "ledger")) < set(needs("course"))


def test_a_requirement_has_one_bound_wherever_it_is_named():
    bounds = {}
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        for need in map(Requirement, lines):
            if need.name != "mllayers":
                bounds.setdefault(need.name, set()).add(str(need))
    assert {name: said for name, said in bounds.items() if len(said) > 1} == {}


def test_tests_can_build_the_wheel_without_asking_another_machine():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert set(build) <= {str(need) for need in needs("test").values()}


# environment.yml


def conda_lines():
    return [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]


def test_conda_and_pip_install_the_same():
    theirs = {str(Requirement(line)) for line in conda_lines() if not re.match(r"python=|pip$", line)}
    assert theirs == {str(need) for need in needs("course").values()}
    assert {"pip": ["-e ."]} in ENVIRONMENT["dependencies"]


@pytest.mark.parametrize("line", conda_lines())
def test_conda_reads_each_line(line):
    spec = MatchSpec(line)
    assert spec.name is not None
    assert spec.name.normalized == re.match(r"[\w-]+", line).group()


def test_conda_python_is_supported():
    (version,) = [line.removeprefix("python=") for line in conda_lines() if line.startswith("python=")]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)


def test_binder_accepts_the_repository(tmp_path):
    for name in ("environment.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "conda environment for python=3.12" in said.stdout + said.stderr


# The pinned sets


@pytest.mark.parametrize("path", [NEWEST, OLDEST], ids=lambda path: path.name)
def test_pinned_sets_hold_names_and_versions_alone(path):
    assert not re.search(r"://|--|@", path.read_text())


@pytest.mark.parametrize(("path", "extras"), [(NEWEST, list(PROJECT["optional-dependencies"])), (OLDEST, ["test"])])
def test_pinned_sets_fit_the_bounds(path, extras):
    pinned = pins(path)
    for name, need in needs("course", "engines", *extras).items():
        assert all(map(need.specifier.contains, pinned[name.lower()])), (
            f"{need}; {path.name} has {pinned[name.lower()]}"
        )


def test_the_oldest_set_is_the_lower_bounds():
    pinned = pins(OLDEST)
    for name, need in needs("course", "engines", "test").items():
        (bound,) = need.specifier
        (version,) = pinned[name.lower()]
        assert bound.operator == ">="
        assert version.release[: len(Version(bound.version).release)] == Version(bound.version).release, need


# make, its helper, the workflows


def run(*words, cwd=ROOT, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(words, cwd=cwd, env=clean | environment, capture_output=True, text=True, timeout=60)


def targets():
    return re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@needs_make
def test_help_is_the_default_and_lists_every_command():
    said = run("make").stdout
    assert [line.split()[1] for line in said.splitlines()] == targets()
    assert {"course", "test", "check", "help"} <= set(targets())
    assert max(map(len, said.splitlines())) <= 120


@needs_make
@pytest.mark.parametrize("target", targets())
def test_every_command_can_be_planned(target):
    assert run("make", "--dry-run", target).returncode == 0


@needs_make
def test_a_python_that_does_not_fit_is_one_line(tmp_path):
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    said = run("make", "--no-print-directory", "course", "PYTHON=python2.6", cwd=tmp_path)
    first, *rest = said.stderr.splitlines()
    assert "No Python 3.11 or newer among python2.6" in first
    assert "install" in first
    assert all(line.startswith("make: ***") for line in rest)
    assert not (tmp_path / ".venv").exists()


PRETENDER = """#!/bin/sh
echo "$@" >> "{calls}"
case "$*" in
    *ensurepip*) exit {without_venv} ;;
    "-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """A folder with a space in its name, and a Python that writes down what it is asked for."""
    if shutil.which("sh") is None:
        pytest.skip("sh is not installed")
    folder = tmp_path / "my projects"
    folder.mkdir()
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "constraints.txt", folder)

    def install(without_venv=0):
        python = folder / "python"
        python.write_text(PRETENDER.format(calls=folder / "calls", without_venv=without_venv))
        python.chmod(0o755)
        (folder / "calls").write_text("")
        script = ["sh", str(ROOT / ".ci" / "venv"), ".venv", "constraints.txt", "course"]
        said = run(*script, "no-such-python", "./python", cwd=folder)
        calls = (folder / "calls").read_text().splitlines()
        return said, [call.split()[1] for call in calls if call.startswith("-m")]

    install.folder = folder
    return install


def test_install_happens_once(project):
    said, calls = project()
    assert (said.returncode, calls) == (0, ["venv", "pip"]), said.stderr
    assert project()[1] == []


def test_a_changed_pin_is_installed_again(project):
    project()
    with (project.folder / "constraints.txt").open("a") as pinned:
        pinned.write("another==1.0\n")
    assert project()[1] == ["pip"]


def test_a_broken_environment_is_made_again(project):
    project()
    (project.folder / ".venv" / "bin" / "python").unlink()
    assert project()[1] == ["venv", "pip"]


def test_a_moved_project_is_installed_again(project):
    project()
    stamp = project.folder / ".venv" / ".installed-course"
    stamp.write_text(stamp.read_text().replace("my projects", "elsewhere"))
    assert project()[1] == ["pip"]


def test_a_python_without_venv_is_one_line(project):
    said, calls = project(without_venv=1)
    assert said.returncode == 1
    assert calls == []
    assert said.stderr.count("\n") == 1
    assert "python3-venv" in said.stderr


@pytest.mark.parametrize("name", ["test.yml", "release.yml"])
def test_workflow_and_devcontainer_call_what_exists(name):
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = "\n".join(step.get("run", "") for step in steps)
    assert commands.strip()
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", f"{commands}\n{container['postCreateCommand']}"):
        assert f"\n{target}:" in makefile
    for path in re.findall(r"-c (constraints\S*)|@([\w/.]+)", commands):
        assert (ROOT / "".join(path)).is_file()
    extras = {extra for group in re.findall(r"\[([a-z,]+)\]", commands) for extra in group.split(",")}
    assert extras <= set(PROJECT["optional-dependencies"])


def test_notebooks_are_compared_strictly():
    words = (ROOT / "tests" / "suite.args").read_text().split()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert "--nbval" in words
    assert "notebooks" in words
    assert "nbval" not in settings["addopts"]  # --nbval-lax there would win in silence
    assert words[words.index("--dist") + 1] == "loadfile"  # the cells of a notebook share a kernel


def test_the_files_that_begin_first_exist():
    slowest = re.findall(r'^    "((?:tests|notebooks)/[^"]+)",$', (ROOT / "conftest.py").read_text(), re.MULTILINE)
    assert slowest
    assert [name for name in slowest if not (ROOT / name).is_file()] == []

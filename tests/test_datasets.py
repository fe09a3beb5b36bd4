"""The committed tables are what their seed makes, and anything else is told with the line that mends it."""

import os
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from mllayers import datasets, shop

LOADERS = {
    "orders": datasets.load_orders,
    "customers": datasets.load_customers,
    "pilot": datasets.load_pilot,
    "leads": datasets.load_leads,
    "practice": datasets.load_practice,
}


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(datasets.FOLDER, tmp_path / "datasets")


def test_committed_files_are_made_again_byte_for_byte(tmp_path):
    written = datasets.rebuild(tmp_path)
    assert len(written) == 10
    for path in [*written, tmp_path / "SHA256SUMS"]:
        assert path.read_bytes() == (datasets.FOLDER / path.name).read_bytes(), path.name
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written} | {"SHA256SUMS"}


def test_orders_load_as_the_shop_makes_them():
    made = shop.make_orders(range(6), per_month=4_000)
    loaded = datasets.load_orders(truth=True)
    pd.testing.assert_frame_equal(loaded[made.columns], made, check_exact=True)
    seen = shop.observe(made, np.where(shop.legacy_rule(made), "review", "ship"), day=180)
    assert loaded["label"].equals(seen["label"])


def test_customers_load_as_the_shop_makes_them():
    pd.testing.assert_frame_equal(datasets.load_customers(truth=True), shop.make_customers(10_000), check_exact=True)
    pd.testing.assert_frame_equal(datasets.load_pilot(truth=True), shop.make_pilot(10_000), check_exact=True)


@pytest.mark.parametrize("name", LOADERS)
def test_truth_is_only_there_when_asked_for(name):
    plain, full = LOADERS[name](), LOADERS[name](truth=True)
    assert not [column for column in plain.columns if column.startswith("_")]
    assert [column for column in full.columns if column.startswith("_")]
    assert full[plain.columns].equals(plain)


@pytest.mark.parametrize("name", LOADERS)
def test_missing_file_is_answered_with_the_line_that_mends_it(copy, name):
    (copy / f"{name}.csv").unlink()
    with pytest.raises(FileNotFoundError, match=rf"datasets/{name}.csv is missing: run `python -m mllayers data"):
        LOADERS[name](folder=copy)
    assert datasets.verify(copy) == [
        f"datasets/{name}.csv is missing: run `python -m mllayers data --out {copy}` to write the tables again"
    ]


def test_the_published_tables_are_mended_by_the_shortest_line(copy, monkeypatch):
    monkeypatch.setattr(datasets, "FOLDER", copy)
    (copy / "leads.csv").unlink()
    assert datasets.verify() == [
        "datasets/leads.csv is missing: run `python -m mllayers data` to write the tables again"
    ]


def test_tables_that_came_with_the_package_are_not_written_over(copy, monkeypatch):
    monkeypatch.setattr(datasets, "FOLDER", copy)
    monkeypatch.setattr(datasets, "_SHIPPED", copy)
    with pytest.raises(ValueError, match=r"came with the package and stay as they are: name a folder \(--out FOLDER\)"):
        datasets.rebuild()
    (copy / "leads.csv").unlink()
    (problem,) = datasets.verify()
    assert "pip install --force-reinstall --no-deps mllayers==" in problem


def test_a_blank_line_in_the_checksums_is_no_fault(copy):
    sums = (copy / "SHA256SUMS").read_text()
    (copy / "SHA256SUMS").write_text("\n" + sums.replace("\n", "\n\n") + "a line of another kind\n")
    assert datasets.verify(copy) == []
    (copy / "SHA256SUMS").write_bytes(b"\xff\xfe nothing\n")
    assert len(datasets.verify(copy)) == 10


def test_altered_file_is_refused(copy):
    path = copy / "customers.csv"
    path.write_bytes(path.read_bytes().replace(b"37", b"73", 1))
    with pytest.raises(ValueError, match=r"datasets/customers\.csv is not as published"):
        datasets.load_customers(folder=copy)
    assert len(datasets.load_pilot(folder=copy)) == 10_000
    datasets.rebuild(copy)
    assert datasets.verify(copy) == []


def test_missing_checksums_are_told(copy):
    (copy / "SHA256SUMS").unlink()
    assert len(datasets.verify(copy)) == 10
    with pytest.raises(ValueError, match="SHA256SUMS is missing"):
        datasets.load_leads(folder=copy)


def test_interrupted_write_leaves_the_old_file(copy, monkeypatch):
    before = (copy / "leads.csv").read_bytes()

    def power_cut(self, file, **options):
        file.write("lead_id\n1\n")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", power_cut)
    with pytest.raises(KeyboardInterrupt):
        datasets.write_table(pd.DataFrame({"a": [1]}), copy / "leads.csv")
    assert (copy / "leads.csv").read_bytes() == before
    assert not list(copy.glob(".leads*"))


def test_a_long_table_is_written_in_parts_and_progress_is_told(tmp_path, monkeypatch):
    frame = shop.make_orders(0, per_month=1_000)
    frame.to_csv(tmp_path / "whole.csv", index=False, lineterminator="\n")
    monkeypatch.setattr(datasets, "_ROWS", 300)
    told = []
    datasets.write_table(frame, tmp_path / "parts.csv", progress=lambda done, total: told.append((done, total)))
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert told == [(300, 1_000), (600, 1_000), (900, 1_000), (1_000, 1_000)]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: datasets.write_table(pd.DataFrame({"a": [1]}), f / "x.xlsx"), ValueError, "must end in .csv or"),
        (
            lambda f: datasets.write_table(pd.DataFrame({"a": [1]}), f / "no" / "x.csv"),
            OSError,
            "path must lie in a folder that",
        ),
        (
            lambda f: datasets.rebuild(f / "file" / "inside"),
            OSError,
            "folder must be one that can be .*Not a directory",
        ),
        (lambda f: datasets.write_table([1], f / "x.csv"), TypeError, "frame must be a DataFrame .*; got a list"),
        (lambda f: datasets.write_table(pd.DataFrame({"a": [1]}), None), TypeError, "path must be a path; got None"),
        (lambda f: datasets.load_orders(folder=3), TypeError, "folder must be a path; got 3"),
        (lambda f: datasets.load_orders(truth="yes"), TypeError, "truth must be True or False; got 'yes'"),
    ],
)
def test_refusals(tmp_path, call, error, message):
    (tmp_path / "file").touch()
    with pytest.raises(error, match=message):
        call(tmp_path)


def test_a_name_that_the_disk_does_not_take_is_refused_in_words(tmp_path):
    with pytest.raises(OSError, match=r"path must be a file that can be written; got .*\(3\d\d characters\)"):
        datasets.write_table(pd.DataFrame({"a": [1]}), tmp_path / f"{'x' * 300}.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_stays_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(ValueError, match="is a pipe or a device"):
        datasets.write_table(pd.DataFrame({"a": [1]}), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.csv").touch()
    (tmp_path / "x.csv").symlink_to(tmp_path / "real.csv")
    datasets.write_table(pd.DataFrame({"a": [1]}), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "a\n1\n"


def test_target_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        datasets.write_table(pd.DataFrame({"a": [1]}), tmp_path / "x.csv")

"""Runs code the way a stranger would: in a process of its own, in a folder of its own, without mllayers."""

import subprocess
import sys

_WITHOUT_MLLAYERS = """
import sys

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mllayers":
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Nowhere())
sys.path.insert(0, ".")
"""


def run_bare(code, folder):
    """Run code in a bare process that starts in the folder; what it printed, and whether it failed, as one text."""
    script = folder / "bare_script.py"
    script.write_text(_WITHOUT_MLLAYERS + code, encoding="utf-8")
    command = [sys.executable, "-I", "-W", "error", script.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=300)
    return "" if done.returncode == 0 else f"exit code {done.returncode}\n{done.stdout}{done.stderr}"

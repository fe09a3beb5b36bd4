"""A PostgreSQL server of our own, on a socket in a temporary folder, for the tests and the benchmark of the ledger."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


class NoServer(RuntimeError):
    """There is no PostgreSQL here; the message says what is missing."""


@contextmanager
def own_server(*settings):
    """Start it, give an address with ``{}`` where the database's name goes, and leave nothing behind."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    initdb = debian[-1] if debian else shutil.which("initdb")
    if not initdb:
        raise NoServer("no PostgreSQL server is installed (Debian's package is postgresql)")
    if not find_spec("psycopg"):
        raise NoServer("psycopg is not installed (mllayers[postgres])")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    run = {"check": True, "capture_output": True, "cwd": "/"}
    control = [Path(initdb).parent / "pg_ctl", "-D", folder / "data", "-w"]
    options = " ".join([f"-k {folder} -c listen_addresses=", *(f"-c {setting}" for setting in settings)])
    try:
        if os.getuid() == 0:  # the server refuses to run as root
            run["user"] = "postgres"
            shutil.chown(folder, "postgres")
        make = ["-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([initdb, "-D", folder / "data", *make], **run)
        subprocess.run([*control, "-o", options, "-l", folder / "log", "start"], **run)
        try:
            yield f"postgresql://tester@/{{}}?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder)

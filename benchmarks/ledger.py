"""Decisions written per second, beside the plain driver that writes the same rows into the same kind of place.

    python benchmarks/ledger.py

The driver's ``executemany`` gets rows that are ready for it, and writes them into a file (or database) that a ledger
has made: same tables, types, constraints and triggers, a commit that is on the disk after every batch. The ledger gets
frames, checks them, and says how many were new. Both take turns; seconds are the wall's, the median of several rounds.
PostgreSQL is a server of its own in a temporary folder, where one is installed.
"""

import os
import sqlite3
import statistics
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd

from mllayers.action import Limits, act
from mllayers.ledger import Ledger

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from own_postgres import NoServer, own_server

COLUMNS = (
    *("case", "time", "segment", "score", "planned", "action", "idle", "drawn"),
    *("propensity", "cost", "expected_value", "model", "policy"),
)
INSERT = "INSERT INTO decisions VALUES ({}) ON CONFLICT DO NOTHING"
ROUNDS, BATCHES = 5, {1_000: 30, 10_000: 6}
NOON = pd.Timestamp("2026-03-01 12:00")


def decisions(size, batch):
    """A batch of decisions as a frame."""
    rng = np.random.default_rng([1, batch])
    frame = {"case": np.arange(size) + size * batch, "time": NOON, "model": "boosting 3", "policy": "v7"}
    frame |= {"score": rng.random(size), "action": np.where(rng.random(size) < 0.5, "voucher", "none")}
    frame |= {"propensity": 0.9, "expected_value": rng.normal(size=size), "cost": 5.0, "idle": "none", "segment": "a"}
    return pd.DataFrame(frame).assign(planned=frame["action"], drawn="")


def driver_rows(frame, time_of):
    """The same batch as the driver takes it."""
    frame = frame.assign(case=frame["case"].astype(str), time=time_of(NOON.to_pydatetime()))
    return list(frame[list(COLUMNS)].astype(object).itertuples(index=False, name=None))


def sqlite_driver(address):
    """Write one batch with the standard library's driver, and the settings of the ledger's own connections."""
    connection = sqlite3.connect(address, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")

    def write(rows):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT.format(", ".join("?" * len(COLUMNS))), rows)
        connection.execute("COMMIT")

    return write, connection.close


def postgres_driver(address):
    """Write one batch with psycopg."""
    import psycopg

    connection = psycopg.connect(address)

    def write(rows):
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(INSERT.format(", ".join(["%s"] * len(COLUMNS))), rows)

    return write, connection.close


def seconds(write, batches):
    start = time.perf_counter()
    for batch in batches:
        write(batch)
    return time.perf_counter() - start


def compare(new_place, driver, time_of):
    """Rows per second of both, for each size of batch, in fresh places, taking turns."""
    for size, many in BATCHES.items():
        frames = [decisions(size, batch) for batch in range(many)]
        rows, took = [driver_rows(frame, time_of) for frame in frames], {"ledger": [], "driver": []}
        for _ in range(ROUNDS):
            address = new_place()
            with Ledger(address) as ledger:
                took["ledger"].append(seconds(ledger.record_decisions, frames))
                assert len(ledger.decisions()) == size * many
            address = new_place()
            Ledger(address).close()
            write, close = driver(address)
            took["driver"].append(seconds(write, rows))
            close()
            with Ledger(address) as ledger:
                assert len(ledger.decisions()) == size * many
        ours, theirs = (size * many / statistics.median(took[who]) for who in ("ledger", "driver"))
        print(f"{f'{size:,} a batch':16}{ours:>14,.0f}{theirs:>14,.0f}{ours / theirs:>9.2f}")


def how_long_it_takes_again(address, size=40_000):
    """Seconds for decisions of many days, and for the same in another order, which changes nothing."""
    days = pd.to_timedelta(np.arange(size) % 365, unit="D")
    frame = decisions(size, 0).assign(time=NOON + days)
    with Ledger(address) as ledger:
        first = seconds(ledger.record_decisions, [frame])
        again = seconds(ledger.record_decisions, [frame.sample(frac=1, random_state=1)])
        assert len(ledger.decisions()) == size
    print(f"{size:,} decisions once {first:.2f} s, the same shuffled {again:.2f} s: {again / first:.1f} times")


def how_fast_act_is(address, driver, time_of, size=100):
    """Decisions done per second by an action that takes no time, beside two commits of the driver for each.

    Two, since every decision is claimed before and ended after; what a commit takes is the disk's business.
    """
    limits, took = Limits(budget=1e9, per_day=10**9), {"act": [], "act with limits": [], "driver": []}
    with Ledger(address) as ledger:
        write, close = driver(address)
        for turn in range(ROUNDS):
            same = {"action": "voucher", "planned": "voucher"}
            frames = [decisions(size, 10 * turn + k).assign(**same) for k in range(4)]
            rows = driver_rows(pd.concat(frames[2:]), time_of)
            for name, frame, most in zip(("act", "act with limits"), frames, (None, limits), strict=False):
                run = {"do": lambda one: None, "limits": most, "dry_run": False}
                took[name].append(seconds(lambda frame, run=run: act(frame, ledger, **run), [frame]))
            took["driver"].append(seconds(write, [[row] for row in rows]))
        assert (ledger.attempts()["state"] == "done").sum() == 2 * ROUNDS * size
        close()
    rates = {name: size / statistics.median(times) for name, times in took.items()}
    for name in ("act", "act with limits"):
        print(f"{name:16}{rates[name]:>14,.0f}{rates['driver']:>14,.0f}{rates[name] / rates['driver']:>9.2f}")


def main():
    """Print rows per second and their ratio for SQLite, and for PostgreSQL where it is there."""
    heading = f"{'':16}{'ledger':>14}{'driver':>14}{'ratio':>9}"
    with tempfile.TemporaryDirectory() as folder:
        files = (str(Path(folder) / f"{number}.db") for number in count())
        print(f"SQLite {sqlite3.sqlite_version}, decisions per second\n{heading}")
        kind = (sqlite_driver, lambda moment: moment.isoformat(" ", "microseconds"))
        compare(lambda: next(files), *kind)
        how_fast_act_is(next(files), *kind)
        how_long_it_takes_again(next(files))
    try:
        with own_server() as pattern:
            import psycopg

            numbers = count()

            def new_place():
                name = f"bench{next(numbers)}"
                with psycopg.connect(pattern.format("postgres"), autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
                return pattern.format(name)

            print(f"\nPostgreSQL, psycopg {psycopg.__version__}, decisions per second\n{heading}")
            kind = (postgres_driver, lambda moment: moment)
            compare(new_place, *kind)
            how_fast_act_is(new_place(), *kind)
            how_long_it_takes_again(new_place())
    except NoServer as why:
        print(f"\nPostgreSQL was not timed: {why}")


if __name__ == "__main__":
    main()

"""A ledger of ten million decisions: how fast it is filled and acted on, and how long its own questions take then.

    python benchmarks/ledger_size.py [--rows 10000000] [--cases rising|random] [--address postgresql://…]

Decisions come in parts of 200,000, as a day's list does. Half of the parts are recorded only (`record_decisions`), the
other half recorded and carried out in batches of 10,000 by a `do` that takes no time (`act(…, batch=10_000)`: claimed
and ended with one commit each). One in five gets an outcome. ``rising`` are ids that grow, as order numbers do;
``random`` are pseudonyms, which land all over the tables. Seconds are the wall's; CPU seconds are this process's own.
"""

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd

from mllayers.action import Limits, act
from mllayers.ledger import Ledger

PART, BATCH, A_POLICY = 200_000, 10_000, 10_000
START = pd.Timestamp("2026-01-01")
LIMITS = Limits(budget=1e12, per_day=10**9)


def decisions(part, cases):
    """A day's list; the first 10,000 of it under a policy of their own."""
    rng = np.random.default_rng([1, part])
    ids = 10**9 + part * PART + np.arange(PART) if cases == "rising" else rng.integers(10**17, 10**18, PART)
    frame = {"case": ids, "time": START + pd.Timedelta(days=part), "model": "boosting 3", "policy": "v7"}
    frame |= {"score": rng.random(PART), "action": "voucher", "planned": "voucher", "drawn": "", "segment": "a"}
    frame |= {"propensity": 0.9, "expected_value": rng.normal(size=PART), "cost": 5.0, "idle": "none"}
    frame = pd.DataFrame(frame)
    frame.loc[: A_POLICY - 1, "policy"] = f"trial {part}"
    return frame


def clocked(call):
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def fill(ledger, rows, cases):
    """Fill it part by part; rates of the first fifth and of the last."""
    took = {"record_decisions": [], "act": []}
    for part in range(rows // PART):
        frame = decisions(part, cases)
        if part % 2:
            run = {"do": lambda letters: None, "batch": BATCH, "limits": LIMITS, "dry_run": False}
            took["act"].append(clocked(lambda frame=frame, run=run: act(frame, ledger, **run)))
        else:
            took["record_decisions"].append(clocked(lambda frame=frame: ledger.record_decisions(frame)))
        came = frame.iloc[::5][["case", "time"]]
        arrival = came["time"] + pd.to_timedelta(1 + np.arange(len(came)) % 30, unit="D")
        ledger.record_outcomes(came.assign(kind="stayed", arrival=arrival))
    print(f"{'decisions per second':34}{'first fifth':>14}{'last fifth':>14}{'all':>14}{'all, CPU':>14}")
    for name, times in took.items():
        fifth = max(len(times) // 5, 1)
        rates = [PART / statistics.mean(wall for wall, _ in some) for some in (times[:fifth], times[-fifth:], times)]
        rates.append(PART / statistics.mean(cpu for _, cpu in times))
        print(f"{name:34}" + "".join(f"{rate:>14,.0f}" for rate in rates))


def ask(ledger, rows, cases):
    """Milliseconds of the ledger's own questions, each asked of several parts."""
    parts = range(1, rows // PART, 2)
    a_case = {part: decisions(part, cases)["case"].iloc[77] for part in list(parts)[:5]}
    few = decisions(parts[-1], cases)[["case", "time"]].sample(A_POLICY, random_state=1)
    last = START + pd.Timedelta(days=rows // PART + 26)
    asked = {
        "attempts(case=…)": [lambda case=case: ledger.attempts(case=case) for case in a_case.values()],
        "attempts(of=…), 10,000": [lambda: ledger.attempts(of=few)] * 3,
        "attempts(batch=…), 10,000": [lambda n=n: ledger.attempts(batch=n) for n in ("1-10000", "50001-60000")],
        "decisions(policy=…), 10,000": [lambda part=part: ledger.decisions(policy=f"trial {part}") for part in a_case],
        "outcomes(since=…)": [lambda: ledger.outcomes(since=last)] * 3,
        "spending(), a second time": [ledger.spending] * 4,
    }
    print(f"\n{'milliseconds':34}{'median':>14}{'rows':>14}")
    for name, calls in asked.items():
        if name.startswith("spending"):
            calls[0]()
        times, found = [], 0
        for call in calls:
            begin = time.perf_counter()
            found = len(call())
            times.append(1_000 * (time.perf_counter() - begin))
        print(f"{name:34}{statistics.median(times):>14,.1f}{found:>14,}")


def main():
    """Fill a ledger, ask it, and say how large it is."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--rows", type=int, default=10_000_000)
    given.add_argument("--cases", choices=("rising", "random"), default="rising")
    given.add_argument("--address", help="a ledger that is empty; by default a file in a temporary folder")
    told = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        where = "PostgreSQL" if told.address else f"SQLite {sqlite3.sqlite_version}"
        print(f"{where}, {told.rows:,} decisions, {told.cases} cases\n")
        with Ledger(told.address or file) as ledger:
            fill(ledger, told.rows, told.cases)
            ask(ledger, told.rows, told.cases)
        if file.exists():
            print(f"\n{file.stat().st_size / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()

"""A program that writes into a ledger, for the tests that kill it or let two of them write at once.

``ledger_writer.py ADDRESS NAME BATCHES SIZE`` writes batches of decisions; ``ledger_writer.py ADDRESS act FILE`` acts
on decisions and appends each case it "does" to a file.
"""

import sys
import time
from pathlib import Path

import pandas as pd

from mllayers.action import act
from mllayers.ledger import Ledger

address, name, *rest = sys.argv[1:]
with Ledger(address, timeout=60) as ledger:
    if name == "act":

        def do(row):
            with Path(rest[0]).open("a") as file:
                file.write(f"{row['case']}\n")
            time.sleep(0.002)

        cases = pd.DataFrame({"case": range(200), "time": pd.Timestamp("2026-03-01"), "action": "voucher"})
        print("ready", flush=True)
        act(cases.assign(propensity=0.9, cost=5.0), ledger, do=do, dry_run=False)
    else:
        batches, size = map(int, rest)
        print("ready", flush=True)
        for batch in range(batches):
            cases = [f"{name}-{batch}-{k}" for k in range(size)]
            frame = pd.DataFrame({"case": cases, "time": pd.Timestamp("2026-03-01"), "action": "voucher"})
            ledger.record_decisions(frame.assign(propensity=0.9, cost=5.0))

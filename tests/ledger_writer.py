"""A program that writes into a ledger, for the tests that kill it or let two of them write at once.

``ledger_writer.py ADDRESS NAME BATCHES SIZE`` writes batches of decisions and says after each how many were new.
``ledger_writer.py ADDRESS act FILE CASES`` acts on decisions, appends each case it "does" to a file, and says how many
it has dealt with, and at the end how many it has done.
Both say "ready" and wait for a line before they begin.
"""

import sys
import time
from pathlib import Path

import pandas as pd

from mllayers.ledger import Ledger


def decisions(cases):
    frame = pd.DataFrame({"case": cases, "time": pd.Timestamp("2026-03-01"), "action": "voucher"})
    return frame.assign(propensity=0.9, cost=5.0)


def write(ledger, name, batches, size):
    for batch in range(int(batches)):
        label = f"{name}-{batch}"
        print(label, ledger.record_decisions(decisions([f"{label}-{k}" for k in range(int(size))])), flush=True)


def act_on(ledger, file, cases):
    def do(row):
        with Path(file).open("a") as done:
            done.write(f"{row['case']}\n")
        time.sleep(0.002)

    def say(*progress):
        print(*progress, flush=True)

    say(act(decisions(range(int(cases))), ledger, do=do, dry_run=False, idle=None, progress=say).done)


if __name__ == "__main__":  # the suite imports it when it looks for examples
    address, name, *rest = sys.argv[1:]
    if name == "act":
        from mllayers.action import act
    with Ledger(address, timeout=60) as ledger:
        print("ready", flush=True)
        sys.stdin.readline()
        if name == "act":
            act_on(ledger, *rest)
        else:
            write(ledger, name, *rest)

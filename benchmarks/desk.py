"""All baselines at the desk, in three worlds: ``python benchmarks/desk.py [SEEDS]`` writes ``docs/desk-scores.md``.

One table a world, with paired intervals over seeds. About 25 CPU minutes with 30 seeds of 5,000 orders a month.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from mllayers._words import dollars
from mllayers.desk import BASELINES, WORLDS, score

TARGET = Path(__file__).resolve().parent.parent / "docs" / "desk-scores.md"
PER_MONTH = 5_000
SPENT = ["fraud shipped", "honest blocked", "reviews", "audits"]
HEAD = ["team", "lost", "regret", "better than greedy", *SPENT, "CPU s"]
MEANING = {
    "standing": "Nothing changes in the year.",
    "drifting": "A new market, a new ring of fraudsters, a peak, a fraudster who changes his form.",
    "reacting": "As drifting, but the loud fraudster changes his form where he is stopped; other teams, other orders.",
}
TOLD = """# Scores at the desk

Dollars a year, means over {seeds} seeds of {per_month:,} orders a month, with 95 % intervals, paired over seeds.
*lost* is short of the clairvoyant, *regret* short of *every label*. Written by `benchmarks/desk.py`; how it is done:
[the desk as a benchmark](desk.md)."""


def between(mean, low, high):
    """A number with its interval."""
    return f"{dollars(mean, 0)} ({dollars(low, 0)} to {dollars(high, 0)})"


def rows(board):
    """One line a team: what it lost, against *every label* and against *greedy*, and to what."""
    for name, row in board.table.iterrows():
        ahead = board.difference(name, "greedy")
        regret = "–" if name == "every label" else between(row["regret"], row["regret_low"], row["regret_high"])
        better = "–" if name == "greedy" else between(ahead["better"], ahead["low"], ahead["high"])
        spent = [dollars(row[x], 0) for x in SPENT]
        yield [name, dollars(row["lost"], 0), regret, better, *spent, f"{row['seconds']:.1f}"]


def told(done, of):
    """Where it is."""
    print(f"\r{done} of {of} years", end="" if done < of else "\n", file=sys.stderr, flush=True)


def main(seeds):
    """Run the years and write the page."""
    page = [TOLD.format(seeds=seeds, per_month=PER_MONTH)]
    for world in WORLDS:
        board = score(against=list(BASELINES), seeds=seeds, world=world, per_month=PER_MONTH, progress=told)
        versions = ", ".join(f"{name} {number}" for name, number in board.versions.items())
        lines = [HEAD, ["---"] * len(HEAD), *rows(board)]
        page += [f"## {world.capitalize()}", MEANING[world], "\n".join(f"| {' | '.join(x)} |" for x in lines)]
        page += [f"{versions}; digest `{board.digest}`."]
        TARGET.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)

"""All baselines at the desk, in three worlds: ``python benchmarks/desk.py [WORLD …]`` writes ``docs/desk-scores.md``.

One table a world, 30 seeds of 5,000 orders a month, with paired intervals. About 8 CPU minutes a world. What is done is
kept in ``build/desk``, and taken from there as long as a small score still comes out as it did; so it can be run world
by world, and the page be written again in seconds.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd

from mllayers._words import dollars, percent
from mllayers.desk import BASELINES, WORLDS, Scoreboard, score

ROOT = Path(__file__).resolve().parent.parent
TARGET, KEPT = ROOT / "docs" / "desk-scores.md", ROOT / "build" / "desk"
SEEDS, PER_MONTH = 30, 5_000
SPENT = ["fraud shipped", "honest blocked", "reviews", "audits"]
HEAD = ["team", "lost", "regret", "better than greedy", *SPENT, "CPU s"]
BY_TYPE = {"A": "loud", "A'": "new form", "B": "quiet", "C": "ring"}
BY_GROUP = {"L": "usual buyers", "G": "gift buyers"}
MEANING = {
    "standing": "Nothing changes in the year.",
    "drifting": "A new market, a new ring of fraudsters, a peak, a fraudster who changes his form.",
    "reacting": "As drifting, but the loud fraudster changes his form where he is stopped; other teams, other orders.",
}
TOLD = """# Scores at the desk

Dollars a year, means over {seeds} seeds of {per_month:,} orders a month, with 95 % intervals, paired over seeds.
*lost* is short of the clairvoyant, *regret* short of *every label*; *CPU s* is one year of one team, on one core.
Written by `make bench-desk`; how it is done: [the desk as a benchmark](desk.md)."""


def scored(world):
    """The scoreboard of a world: as it was kept, or played now."""
    small = score(against=list(BASELINES), seeds=2, world=world, per_month=1_000).digest
    path = KEPT / f"{world}-{SEEDS}-{PER_MONTH}.json"
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept.pop("small") == small:
            return board_of(kept)
    board = score(against=list(BASELINES), seeds=SEEDS, world=world, per_month=PER_MONTH, progress=told)
    KEPT.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"small": small, **board.to_dict()}), encoding="utf-8")
    return board


def board_of(kept):
    """A scoreboard out of its file."""
    frames = {name: pd.DataFrame(kept[name]) for name in ("table", "runs", "kinds", "told")}
    frames["table"] = frames["table"].set_index("team")
    frames["kinds"] = frames["kinds"].set_index(["team", "kind"])
    return Scoreboard(**{**kept, **frames, "seeds": tuple(kept["seeds"])})


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


def who_pays(board):
    """One line a team: dollars lost to each type of fraud that shipped, the share of each group's orders blocked."""
    for name in board.table.index:
        kinds = board.kinds.loc[name].reindex([*BY_TYPE, *BY_GROUP]).fillna(0.0)
        shipped = [dollars(kinds.loc[kind, "fraud shipped"], 0) for kind in BY_TYPE]
        yield [name, *shipped, *(percent(kinds.loc[kind, "blocked"]) for kind in BY_GROUP)]


def table(head, lines):
    """A table in Markdown, numbers to the right."""
    rule = [":---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(x)} |" for x in [head, rule, *lines])


def told(done, of):
    """Where it is."""
    print(f"\r{done} of {of} years", end="" if done < of else "\n", file=sys.stderr, flush=True)


PAIRS = {  # what is asked, one team, the other
    "Does a random audit pay, where nothing changes too?": ("two frames", "greedy"),
    "Is it better to audit where the model is unsure?": ("uncertainty audit", "two frames"),
    "Or where fraud is expected to vary most (Neyman)?": ("Neyman audit", "two frames"),
    "Is trying blocks as well as shipping at random worth its price?": ("ε-random", "greedy"),
    "Is drawing the model at random enough?": ("Thompson", "greedy"),
    "Does weighting for late chargebacks replace an audit?": ("delayed feedback", "greedy"),
    "Does it matter that a reported fraud is counted once?": ("two frames", "inverse propensity"),
    "Do six months of memory beat three?": ("two frames", "three months"),
    "Is it enough to learn again when drift is noticed?": ("on drift", "two frames"),
    "Is boosting better than a regression, with the same labels?": ("boosting", "two frames"),
}


def compared(board, one, other):
    """One team against another, in words: a difference counts where its interval excludes zero."""
    found = board.difference(one, other)
    if found["low"] <= 0 <= found["high"]:
        return f"no difference that {SEEDS} years show, {between(*found[:3])}"
    if found["better"] > 0:
        return f"better by {between(*found[:3])}"
    return f"worse by {between(-found['better'], -found['high'], -found['low'])}"


def surprised(boards):
    """What was asked beforehand and what came out, from the numbers."""
    for question, (one, other) in PAIRS.items():
        told = "; ".join(f"{world}: {compared(board, one, other)}" for world, board in boards.items())
        yield f"- **{question}** *{one}* against *{other}*: {told}."
    best = {world: board.table.index.drop("every label")[0] for world, board in boards.items()}
    bounds = "; ".join(f"{world}: *{name}*" for world, name in best.items())
    yield f"- **Which team that can exist loses least?** {bounds}."
    quiet = {world: board.kinds.loc[best[world], "fraud shipped"] for world, board in boards.items()}
    shares = "; ".join(f"{world}: {percent(lost['B'] / lost.sum(), 0)}" for world, lost in quiet.items())
    yield f"- **What is left to lose?** The quiet fraud, which nobody reports: of its loss to shipped fraud, {shares}."


def page(boards):
    """The page, from the scoreboards of all worlds."""
    parts = [TOLD.format(seeds=SEEDS, per_month=PER_MONTH), "## What surprised", "\n".join(surprised(boards))]
    for world, board in boards.items():
        versions = ", ".join(f"{name} {number}" for name, number in board.versions.items())
        parts += [f"## {world.capitalize()}", MEANING[world], table(HEAD, rows(board))]
        parts += ["Fraud shipped by type, and the share of honest orders blocked by group:"]
        parts += [table(["team", *BY_TYPE.values(), *BY_GROUP.values()], who_pays(board))]
        parts += [f"{versions}; digest `{board.digest}`."]
    return "\n\n".join(parts) + "\n"


def main(worlds):
    """Play the worlds that are asked for; write the page once all three are there."""
    for world in worlds:
        print(f"{world}: {scored(world)}")
    if set(worlds) == set(WORLDS):
        TARGET.write_text(page({world: scored(world) for world in WORLDS}), encoding="utf-8")
        print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(WORLDS))

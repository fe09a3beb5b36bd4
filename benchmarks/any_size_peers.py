"""Sums of Parquet files beside what people would pick instead: scikit-learn, obp, nannyml and evidently.

    python benchmarks/any_size_peers.py [--rows 1000000,10000000] [--folder FOLDER]

Each question and size is asked in a process of its own, from the file to the answer: by `mllayers.sums` through Polars
and DuckDB, where the rows stay, and by the peer, to which pandas reads the columns. A peer that is not installed is
named as absent; evidently needs pandas below 3, so that an environment of its own is best. Imports are not counted.
Seconds are CPU seconds of all threads; memory is the most that the process held, imports included. The
answers agree where both give the same numbers, to 1e-9; a drift report gives others (PSI beside its own choice).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("POLARS_MAX_THREADS", "2")
os.environ["NML_DISABLE_USAGE_LOGGING"] = os.environ["DO_NOT_TRACK"] = "1"

import numpy as np
import pandas as pd

from mllayers.sums import calibration_sums, policy_sums, profile_sums, threshold_sums

GROUP = 1_000_000  # rows of a row group
BANDS = [band / 10 for band in range(10)]
NUMBERS = [f"x{place}" for place in range(6)]


def write_table(path, rows, moved):
    """Scores with labels, a log with known chances, and six columns of numbers, the first of which may have moved."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, out = np.random.default_rng(int(moved)), None
    for start in range(0, rows, GROUP):
        n = min(GROUP, rows - start)
        score = np.floor(rng.beta(0.5, 3, n) * 1e6) / 1e6 + 5e-7  # a million distinct ones, none on an edge
        best, wanted = rng.integers(0, 3, n), rng.integers(0, 3, n)
        took = np.where(rng.random(n) < 0.8, best, rng.integers(0, 3, n))
        columns = {
            "score": score, "y": (rng.random(n) < score).astype(np.int8), "reward": np.round(rng.lognormal(3, 1, n), 2),
            "propensity": np.where(took == best, 0.8 + 0.2 / 3, 0.2 / 3), "target": (took == wanted).astype(float),
        }  # fmt: skip
        columns |= {name: rng.normal(size=n) + (0.1 if moved and name == "x0" else 0) for name in NUMBERS}
        table = pa.table(columns)
        out = out or pq.ParquetWriter(path, table.schema)
        out.write_table(table, row_group_size=GROUP)
    out.close()


def opened(engine, path):
    """The file in an engine that reads it when it is asked."""
    if engine == "polars":
        import polars as pl

        return pl.scan_parquet(path)
    import duckdb

    return duckdb.connect(config={"threads": 2}).read_parquet(path)


# each question: asked of sums (old and new file), and of a peer; each answers with numbers to be compared


def calibration(old, new):
    """Promised and happened in ten bands."""
    table = calibration_sums(old, y="y", p="score", bands=BANDS).result().frame()
    return [*table["promised"], *table["happened"]]


def calibration_peer(old, new):
    """calibration_curve of scikit-learn."""
    from sklearn.calibration import calibration_curve

    rows = pd.read_parquet(old, columns=["y", "score"])
    happened, promised = calibration_curve(rows["y"], rows["score"], n_bins=10)
    return [*promised, *happened]


def thresholds(old, new):
    """The largest gain of any threshold, every distinct score asked."""
    return [threshold_sums(old, y="y", p="score", gain_tp=45, cost_fp=5).result().profit.max()]


def thresholds_peer(old, new):
    """roc_curve of scikit-learn, and the same prices."""
    from sklearn.metrics import roc_curve

    rows = pd.read_parquet(old, columns=["y", "score"])
    wrongly, rightly, _ = roc_curve(rows["y"], rows["score"], drop_intermediate=False)
    ones = int(rows["y"].sum())
    return [float((45 * rightly * ones - 5 * wrongly * (len(rows) - ones)).max())]


def challenger(old, new):
    """IPS and SNIPS of a challenger, with their intervals."""
    table = policy_sums(old, reward="reward", propensity="propensity", target="target").result().frame()
    return [*table.loc[["IPS", "SNIPS"], "value"]]


def challenger_peer(old, new):
    """The same two estimators of obp, without intervals."""
    from obp.ope import InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting

    rows = pd.read_parquet(old, columns=["reward", "propensity", "target"])
    given = {
        "reward": rows["reward"].to_numpy(),
        "action": np.zeros(len(rows), dtype=int),
        "pscore": rows["propensity"].to_numpy(),
        "action_dist": np.stack([rows["target"], 1 - rows["target"]], axis=1)[:, :, None],
    }
    both = InverseProbabilityWeighting(), SelfNormalizedInverseProbabilityWeighting()
    return [float(each.estimate_policy_value(**given)) for each in both]


def drift(old, new):
    """Six columns of numbers beside a kept profile: PSI and total variation, each with its limit."""
    kept = profile_sums(old, columns=NUMBERS)
    profile_sums(new, columns=NUMBERS, like=kept).result(kept)


def nannyml_peer(old, new):
    """Jensen–Shannon distance of nannyml, 10 chunks."""
    import nannyml

    before, after = (pd.read_parquet(path, columns=NUMBERS) for path in (old, new))
    asked = nannyml.UnivariateDriftCalculator(
        column_names=NUMBERS, continuous_methods=["jensen_shannon"], chunk_number=10
    )
    asked.fit(before).calculate(after)


def evidently_peer(old, new):
    """The drift preset of evidently, by PSI."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    before, after = (pd.read_parquet(path, columns=NUMBERS) for path in (old, new))
    Report([DataDriftPreset(method="psi")]).run(after, before)


QUESTIONS = {
    "calibration in ten bands": (calibration, {"scikit-learn": calibration_peer}),
    "money at every distinct score": (thresholds, {"scikit-learn": thresholds_peer}),
    "value of a challenger": (challenger, {"obp": challenger_peer}),
    "drift of six columns": (drift, {"nannyml": nannyml_peer, "evidently": evidently_peer}),
}
MODULES = {"scikit-learn": "sklearn"}


def ask(question, who, old, new):
    """Ask one question in this process; seconds, memory and numbers."""
    sums, peers = QUESTIONS[question]
    if who in peers:
        work, files = peers[who], (old, new)
        __import__(MODULES.get(who, who))
        if who == "evidently":
            __import__("evidently.presets")
    else:
        work, files = sums, (opened(who, old), opened(who, new))
    begun = time.process_time()
    numbers = work(*files)
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "peak": peak, "numbers": None if numbers is None else [float(x) for x in numbers]}


def main():
    """Print a row per size, question and contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000000,10000000")
    parser.add_argument("--folder", help="where the tables are kept, and found again")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        path, rows, moved = arguments.write
        write_table(path, int(rows), moved == "new")
        return
    if arguments.one:
        print("\n" + json.dumps(ask(*arguments.one)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        absent = {who for _, peers in QUESTIONS.values() for who in peers if find_spec(MODULES.get(who, who)) is None}
        there = {who for _, peers in QUESTIONS.values() for who in peers} - absent
        print(", ".join(f"{who} {version(who)}" for who in sorted({"polars", "duckdb", "pandas"} | there)))
        print("| rows | question | asked of | CPU seconds | peak GiB | agrees |")
        print("| ---: | --- | --- | ---: | ---: | --- |")
        for rows in map(int, arguments.rows.split(",")):
            old, new = (folder / f"peers_{side}_{rows}.parquet" for side in ("old", "new"))
            for path, side in ((old, "old"), (new, "new")):
                if not path.exists():  # in a process of its own: a child begins with the memory of its parent
                    subprocess.run([sys.executable, __file__, "--write", str(path), str(rows), side], check=True)
            for question, (_, peers) in QUESTIONS.items():
                numbers = None
                for who in ("polars", "duckdb", *peers):
                    if who in absent:
                        print(f"| {rows:,} | {question} | {who} | not installed | | |")
                        continue
                    one = [sys.executable, __file__, "--one", question, who, str(old), str(new)]
                    done = subprocess.run(one, capture_output=True, text=True, check=False)
                    if done.returncode:
                        said = (done.stderr.strip().splitlines() or ["stopped"])[-1][:100]
                        print(f"| {rows:,} | {question} | {who} | failed: {said} | | |")
                        continue
                    found = json.loads(done.stdout.strip().splitlines()[-1])
                    numbers = numbers or found["numbers"]
                    same = (
                        "" if numbers is None else "yes" if np.allclose(numbers, found["numbers"], rtol=1e-9) else "no"
                    )
                    print(f"| {rows:,} | {question} | {who} | {found['seconds']:.2f} | {found['peak']:.2f} | {same} |")


if __name__ == "__main__":
    main()

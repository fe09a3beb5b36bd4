"""One policy on 10 million rows: each engine beside an expression written for it by hand.

    python benchmarks/engines.py [--rows 10000000] [--engines polars_lazy,duckdb,…]

Each engine runs in a process of its own, reads the same Parquet file, decides and sums money by action; `tiers` is a
policy of three tiers, `menu` the expected-value form with three actions. Seconds are the shortest of several runs of
policy and hand-written expression in turn: CPU seconds of the process with all its threads, which a busy machine
disturbs less than wall time; wall time for PySpark, whose work is done by another process. Peak memory is that of the
process after the first run of the policy (of Python alone for PySpark). Agreement is on the number of cases by action
and on the money to the cent.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

from mllayers.decision import Action, Menu, Policy, Tier, Tiers

SHIP, REVIEW, BLOCK = (
    Action(name, cost=cost, owner="desk") for name, cost in [("ship", 0), ("review", 4), ("block", 12)]
)
TIERS = Policy(
    Tiers(Tier(0, 0.05, SHIP), Tier(0.05, 0.8, REVIEW), Tier(0.8, 1, BLOCK)),
    missing="review",
    idle="ship",
    holdout=0.01,
)
MENU = Policy(
    Menu(Action("nothing", 0, 0), Action("email", 0.02, 0.1, "CRM"), Action("call", 0.3, 15, "sales")),
    missing="nothing",
    idle="nothing",
    holdout=0.1,
)
ENGINES = ("polars_lazy", "duckdb", "polars", "pyarrow", "pandas", "pyspark")


def write_table(path, rows):
    """Scores with 1 % missing and heavy-tailed values, as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    score = rng.beta(0.5, 3, rows)
    value = np.round(rng.lognormal(5, 1.2, rows), 2)
    table = pa.table({"score": pa.array(score, mask=rng.random(rows) < 0.01), "value": value})
    pq.write_table(table, path)


def polars_engine(path, lazy):
    """Polars, lazy from the file or eager in memory."""
    import polars as pl

    frame = pl.scan_parquet(path) if lazy else pl.read_parquet(path)
    p, v = pl.col("score"), pl.col("value")
    gone = p.is_null() | p.is_nan()
    email, call = p * (v * 0.02) - 0.1, p * (v * 0.3) - 15.0
    best = pl.max_horizontal(p * (v * 0.0), email, call)
    by_hand = {
        "tiers": {"action": pl.when(gone).then(pl.lit("review")).when(p < 0.05).then(pl.lit("ship"))
                  .when(p < 0.8).then(pl.lit("review")).otherwise(pl.lit("block"))},
        "menu": {"action": pl.when(gone).then(pl.lit("nothing")).when(call >= best).then(pl.lit("call"))
                 .when(email >= best).then(pl.lit("email")).otherwise(pl.lit("nothing")),
                 "action_value": pl.when(~gone).then(best)},
    }  # fmt: skip

    def total(decided, money):
        summed = decided.lazy().group_by("action").agg(n=pl.len(), money=pl.col(money).sum()).collect()
        return {action: (n, m) for action, n, m in summed.rows()}

    return frame, {kind: (lambda x, kind=kind: x.with_columns(**by_hand[kind])) for kind in by_hand}, total


def duckdb_engine(path):
    """DuckDB, from the file."""
    import duckdb

    frame = duckdb.read_parquet(path)
    gone = "score is null or isnan(score)"
    email, call = "score * (value * 0.02::double) - 0.1::double", "score * (value * 0.3::double) - 15::double"
    by_hand = {
        "tiers": f"*, case when {gone} then 'review' when score < 0.05 then 'ship' when score < 0.8 then 'review' "
        "else 'block' end as action",
        "menu": f"*, greatest(score * (value * 0::double), {email}, {call}) as best, case when {gone} then 'nothing' "
        f"when {call} >= best then 'call' when {email} >= best then 'email' else 'nothing' end as action, "
        f"case when not ({gone}) then best end as action_value",
    }

    def total(decided, money):
        rows = decided.aggregate(f"action, count(*), sum({money})").fetchall()
        return {action: (n, m) for action, n, m in rows}

    return frame, {kind: (lambda x, kind=kind: x.project(by_hand[kind])) for kind in by_hand}, total


def pandas_engine(path):
    """Pandas in memory, with NumPy's select written by hand."""
    import pandas as pd

    def tiers(x):
        p = x["score"].to_numpy()
        return x.assign(action=np.select([np.isnan(p), p < 0.05, p < 0.8], ["review", "ship", "review"], "block"))

    def menu(x):
        p, v = x["score"].to_numpy(), x["value"].to_numpy()
        email, call = p * (v * 0.02) - 0.1, p * (v * 0.3) - 15
        best = np.maximum(np.maximum(p * (v * 0.0), email), call)
        names = np.select([np.isnan(p), call >= best, email >= best], ["nothing", "call", "email"], "nothing")
        return x.assign(action=names, action_value=best)

    def total(decided, money):
        grouped = decided.groupby("action")[money]
        return {a: (int(n), m) for a, n, m in zip(grouped.size().index, grouped.size(), grouped.sum(), strict=True)}

    return pd.read_parquet(path), {"tiers": tiers, "menu": menu}, total


def pyarrow_engine(path):
    """PyArrow in memory, with its own compute functions."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def tiers(x):
        p = x["score"]
        rest = pc.if_else(pc.less(p, 0.05), "ship", pc.if_else(pc.less(p, 0.8), "review", "block"))
        return x.append_column(
            "action", pc.if_else(pc.fill_null(pc.is_null(p, nan_is_null=True), True), "review", rest)
        )

    def menu(x):
        p, v = x["score"], x["value"]
        email, call = (pc.subtract(pc.multiply(p, pc.multiply(v, g)), c) for g, c in ((0.02, 0.1), (0.3, 15.0)))
        best = pc.max_element_wise(pc.multiply(p, pc.multiply(v, 0.0)), email, call)
        rest = pc.if_else(
            pc.greater_equal(call, best), "call", pc.if_else(pc.greater_equal(email, best), "email", "nothing")
        )
        names = pc.if_else(pc.is_null(p, nan_is_null=True), "nothing", rest)
        return x.append_column("action", names).append_column("action_value", best)

    def total(decided, money):
        rows = (
            decided.group_by("action").aggregate([(money, "count", pc.CountOptions("all")), (money, "sum")]).to_pydict()
        )
        return {a: (n, m) for a, n, m in zip(rows["action"], rows[f"{money}_count"], rows[f"{money}_sum"], strict=True)}

    return pq.read_table(path), {"tiers": tiers, "menu": menu}, total


def pyspark_engine(path):
    """PySpark on two local cores, from the file."""
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    p, v = F.col("score"), F.col("value")
    gone = p.isNull() | F.isnan(p)
    email, call = p * (v * 0.02) - 0.1, p * (v * 0.3) - 15.0
    best = F.greatest(p * (v * 0.0), email, call)
    by_hand = {
        "tiers": {"action": F.when(gone, "review").when(p < 0.05, "ship").when(p < 0.8, "review").otherwise("block")},
        "menu": {"action": F.when(gone, "nothing").when(call >= best, "call").when(email >= best, "email")
                 .otherwise("nothing"), "action_value": F.when(~gone, best)},
    }  # fmt: skip

    def total(decided, money):
        rows = decided.groupBy("action").agg(F.count("*"), F.sum(money)).collect()
        return {action: (n, m) for action, n, m in rows}

    return (
        spark.read.parquet(path),
        {kind: (lambda x, kind=kind: x.withColumns(by_hand[kind])) for kind in by_hand},
        total,
    )


def run(engine, path, repeats):
    """Time one engine in this process; the measurements as a dictionary."""
    makers = {
        "polars_lazy": lambda: polars_engine(path, lazy=True),
        "polars": lambda: polars_engine(path, lazy=False),
        "duckdb": lambda: duckdb_engine(path),
        "pandas": lambda: pandas_engine(path),
        "pyarrow": lambda: pyarrow_engine(path),
        "pyspark": lambda: pyspark_engine(path),
    }
    frame, by_hand, total = makers[engine]()
    policies = {
        "tiers": (lambda x: TIERS.decide(x, score="score"), "value"),
        "menu": (lambda x: MENU.decide(x, score="score", value="value"), "action_value"),
    }
    clock = time.perf_counter if engine == "pyspark" else time.process_time
    out = {}
    for kind, (decide, money) in policies.items():
        seconds = {"policy": [], "native": []}
        for _ in range(repeats):
            for who, what in (("policy", decide), ("native", by_hand[kind])):
                begun = clock()
                found = total(what(frame), money)
                seconds[who].append(clock() - begun)
                out[f"{kind} {who} found"] = {a: (n, round(m or 0.0, 2)) for a, (n, m) in found.items()}
                if "peak GiB" not in out:
                    out["peak GiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        out |= {f"{kind} {who}": min(times) for who, times in seconds.items()}
    return out


def main():
    """Print a row per engine and kind of policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--one", help=argparse.SUPPRESS, nargs=2, metavar=("ENGINE", "PATH"))
    arguments = parser.parse_args()
    if arguments.one:
        name, path = arguments.one
        print(json.dumps(write_table(path, arguments.rows) if name == "write" else run(name, path, arguments.repeats)))
        return
    first = None
    print("| engine | policy | rows | seconds | by hand | ratio | peak GiB | agrees |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "cases.parquet")
        itself = [sys.executable, __file__, "--rows", str(arguments.rows), "--repeats", str(arguments.repeats), "--one"]
        subprocess.run([*itself, "write", path], check=True, capture_output=True)  # its memory is not the engines'
        for engine in arguments.engines.split(","):
            done = subprocess.run([*itself, engine, path], capture_output=True, text=True)
            if done.returncode:
                print(f"| {engine} | – | did not run: {done.stderr.strip().splitlines()[-1]} |")
                continue
            out = json.loads(done.stdout.splitlines()[-1])
            first = first or out
            for kind in ("tiers", "menu"):
                policy, native = out[f"{kind} policy"], out[f"{kind} native"]
                same = out[f"{kind} policy found"] == out[f"{kind} native found"] == first[f"{kind} policy found"]
                print(
                    f"| {engine} | {kind} | {arguments.rows:,} | {policy:.2f} | {native:.2f} | {policy / native:.2f} "
                    f"| {out['peak GiB']:.2f} | {'to the cent' if same else 'NO'} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

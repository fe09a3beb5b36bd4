"""Sums of 1, 10 and 100 million rows, asked of Polars and DuckDB, each beside a query written for it by hand.

    python benchmarks/any_size.py [--rows 1000000,10000000,100000000] [--engines polars,duckdb] [--folder FOLDER]
    python benchmarks/any_size.py --checkup …      # the whole checkup in the engine, eleven roles, and nothing by hand

Each engine, size and question runs in a process of its own on two threads and reads one Parquet file; PySpark
(``--engines pyspark``) runs on two local cores and tells wall seconds. Seconds are the shortest of several runs of
package and hand-written query in turn: CPU seconds of the process with all its threads. The hand-written query gives
the same sums, without asking whether the rows keep the rules. Peak memory is that of the process after the first run of
the package. They agree where every number of the two answers is the same to 1e-9 of the sum of its absolute terms.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("POLARS_MAX_THREADS", "2")

import numpy as np

from mllayers.checkup import checkup
from mllayers.sums import (
    best_threshold,
    calibration_sums,
    capacity_sums,
    coverage_sums,
    effect_sums,
    matured_sums,
    policy_sums,
    profile_sums,
    promise_sums,
    rate_sums,
    rule_sums,
    segment_sums,
    threshold_sums,
    value_sums,
)

GROUP = 1_000_000  # rows of a row group
GRID = 4096
EDGES = {"score": [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8], "value": [5.0, 8, 12, 16, 20, 26, 35, 46, 72]}
TENTHS = {
    "value": [5.55, 8.62, 11.83, 15.57, 20.1, 25.93, 33.94, 46.63, 72.3],
    "recency": [3.0, 7, 11, 15, 21, 27, 36, 48, 69],
}
MONEY = {"y": "y", "gain_tp": 45, "cost_fp": 5}
PRICED = {"y": "y", "gain_tp": "value", "cost_fp": 5}
RULE = {"reward": "reward", "action": "treated", "propensity": "lot", "target": "wanted", "instead": 0}
POLICY = {"reward": "reward", "propensity": "lot", "target": "follows"}
ASKED = {
    "promise_sums": lambda x: promise_sums(x, p="score", y="label", propensity="propensity", when="month"),
    "effect_sums": lambda x: effect_sums(x, y="y", treated="treated", value="value"),
    "threshold_sums": lambda x: threshold_sums(x, p="score", grid=GRID, **MONEY),
    "profile_sums": lambda x: profile_sums(x, columns=list(EDGES), edges=EDGES),
    "rate_sums": lambda x: rate_sums(x, y="label", propensity="propensity"),
    "coverage_sums": lambda x: coverage_sums(
        x, labelled="treated", columns=["value", "recency", "region"], edges=TENTHS
    ),
    "calibration_sums": lambda x: calibration_sums(x, y="y", p="score", bands=[band / 10 for band in range(10)]),
    "threshold_sums by score": lambda x: threshold_sums(x, p="score_4", **MONEY),
    "threshold_sums by case": lambda x: threshold_sums(x, p="score", grid=GRID, **PRICED),
    "value_sums": lambda x: value_sums(x, p="score", threshold=0.1, **MONEY),
    "value_sums by case": lambda x: value_sums(x, p="score", threshold=0.1, rate=0.14, **PRICED),
    "capacity_sums": lambda x: capacity_sums(x, gain="reward", grid=GRID, most=1e6),
    "rule_sums": lambda x: rule_sums(x, usual=-0.5, **RULE),
    "policy_sums": lambda x: policy_sums(x, usual=0.0, **POLICY),
    "segment_sums": lambda x: segment_sums(x, segment="region"),
    "matured_sums": lambda x: matured_sums(x, time="day", arrival="came"),
}
# what takes more than one query, without one by hand (--others): how long, how much memory
OTHERS = {
    "best_threshold": lambda x: best_threshold(x, p="score", **MONEY),
    "best_threshold by case": lambda x: best_threshold(x, p="score", **PRICED),
    "coverage_sums with edges": lambda x: coverage_sums(x, labelled="treated", columns=["value", "recency", "region"]),
    "profile_sums with edges": lambda x: profile_sums(x, columns=list(EDGES)),
    "value_sums with the rate": lambda x: value_sums(x, p="score", threshold=0.1, **PRICED),
    "rule_sums with the usual": lambda x: rule_sums(x, **RULE),
    "policy_sums with the usual": lambda x: policy_sums(x, **POLICY),
}
ROLES = {
    "score": "score", "outcome": "label", "outcome_is": "loss", "audit": "propensity", "period": "month",
    "segment": "region", "amount": "value", "action": "treated", "propensity": {0: 0.2, 1: 0.8}, "reward": "reward",
    "challenger": "target", "columns": ["value", "recency"], "gain_tp": "value", "cost_fp": 5.0, "capacity": 100_000,
}  # fmt: skip


# the groups and the columns of each answer that the query by hand gives, too
SAME = {
    "promise_sums": (["part", "y"], ["rows", "promised", "weight", "weight2", "max_weight"]),
    "effect_sums": (["treated", "y"], ["rows", "x_01", "x_02", "x_03", "x_04", "n_paid", "min_x", "max_x"]),
    "threshold_sums": (["cell"], ["rows", "n_ones", "min_p", "max_p"]),
    "rate_sums": (["state", "y"], ["rows", "weight", "weight2", "max_weight"]),
    "coverage_sums": (["column", "cell"], ["rows", "n_labels"]),
    "calibration_sums": (["band", "y"], ["rows", "promised", "min_p", "max_p"]),
    "threshold_sums by score": (["cell"], ["rows", "n_ones", "min_p", "max_p"]),
    "threshold_sums by case": (
        ["cell"], ["rows", "change", "gains", "n_ones", "min_p", "max_p", "min_a", "max_a"]
    ),
    "value_sums": (["acts", "y"], ["rows"]),
    "value_sums by case": (
        ["acts", "y", "base"],
        ["rows", "a", "b", "a2", "b2", "ab", "e1", "e2", "e3", "e4", "min_a", "max_a", "min_e", "max_e"],
    ),
    "capacity_sums": (["cell"], ["rows", "gain", "n_pays", "min_ratio", "max_ratio"]),
    "rule_sums": (
        ["side", "given"],
        ["rows", *(f"x_{i}{j}" for i in range(1, 5) for j in range(i + 1)), "n_usual", "max_weight"],
    ),
    "policy_sums": (
        ["part"],
        ["rows", *(f"x_{i}{j}" for i in range(5) for j in range(5) if i or j),
         "n_usual", "n_events", "n_no_term", "n_no_gain", "max_weight"],
    ),
    "segment_sums": (["segment"], ["rows"]),
    "matured_sums": (["day", "arrival"], ["rows"]),
}  # fmt: skip


def write_table(path, rows):
    """Scores, rare labels with known chances, months, money with a tail and a hold-out, group by group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, more, out = np.random.default_rng(0), np.random.default_rng(1), None
    for start in range(0, rows, GROUP):
        n = min(GROUP, rows - start)
        score, propensity = rng.beta(0.5, 3, n), rng.choice([0.05, 0.2, 1.0], n, p=[0.8, 0.15, 0.05])
        happened, seen = rng.random(n) < score, rng.random(n) < propensity
        table = pa.table({
            "score": score, "y": happened.astype(np.int8), "label": pa.array(happened.astype(np.int8), mask=~seen),
            "propensity": propensity, "month": rng.integers(1, 13, n).astype(np.int8),
            "value": np.round(rng.lognormal(3, 1, n), 2), "treated": (rng.random(n) < 0.8).astype(np.int8),
            "region": np.array(["north", "south", "east", "west"])[more.integers(0, 4, n)],
            "recency": more.exponential(30, n).astype(np.float32), "target": more.choice([0.0, 0.5, 1.0], n),
        })  # fmt: skip
        paid = np.where(more.random(n) < 0.1, np.round(more.lognormal(3, 1, n), 2), 0.0)
        treated, wanted = table["treated"].to_numpy(), (score > 0.1).astype(np.int8)
        day = np.datetime64("2026-01-01") + more.integers(0, 180, n)
        came = np.where(more.random(n) < 0.05, day + more.integers(1, 60, n), np.datetime64("NaT"))
        table = pa.table({
            **dict(zip(table.column_names, table.columns, strict=True)), "reward": paid - 0.5 * treated,
            "score_4": np.round(score, 4), "lot": np.where(treated == 1, 0.8, 0.2), "wanted": wanted,
            "follows": (wanted == treated).astype(np.float64), "day": day, "came": came,
        })  # fmt: skip
        out = out or pq.ParquetWriter(path, table.schema)
        out.write_table(table, row_group_size=GROUP)
    out.close()


def in_sql():
    """Queries that Polars and DuckDB both understand; each gives the groups, then the columns of `SAME`."""
    cells = {name: " + ".join(f"cast({name} > {edge} as int)" for edge in TENTHS[name]) for name in TENTHS}
    band = " + ".join(f"cast(score >= {edge / 10} as int)" for edge in range(10))
    w = "w, w * w as w2, w * w * w as w3, w * w * w * w as w4"
    r = "r, r * r as r2, r * r * r as r3, r * r * r * r as r4"
    power = {0: "", 1: "", 2: "2", 3: "3", 4: "4"}
    terms = {f"x_{i}0": f"sum(w{power[i]})" for i in range(1, 5)} | {
        f"x_0{j}": f"sum(r{power[j]})" for j in range(1, 5)
    }
    terms |= {f"x_{i}{j}": f"sum(w{power[i]} * r{power[j]})" for i in range(1, 5) for j in range(1, 5)}
    powers = {
        name: ", ".join(terms[one] for one in SAME[name][1] if one in terms) for name in ("rule_sums", "policy_sums")
    }
    stakes = "case when y = 1 then value else -5.0 end"
    return {
        "rate_sums": [
            "select state, seen, count(*), sum(w), sum(w * w), max(w) from (select case when propensity = 1 then "
            "'certain' when propensity = 0 then 'never' else 'drawn' end as state, coalesce(label, -1) as seen, "
            "1 / propensity as w from x) as t group by state, seen"
        ],
        "coverage_sums": [
            "select '', null, count(*), sum(treated) from x",
            *(
                f"select '{name}', cell, count(*), sum(treated), min({name}), max({name}) from "
                f"(select {name}, treated, {cells[name]} as cell from x) as t group by cell"
                for name in TENTHS
            ),
            "select 'region', region, count(*), sum(treated) from x group by region",
        ],
        "calibration_sums": [
            "select band, y, count(*), sum(score), min(score), max(score) from (select y, score, "
            f"{band} as band from x) as t group by band, y"
        ],
        "threshold_sums by score": [
            "select score_4, count(*), sum(cast(y = 1 as int)), min(score_4), max(score_4) from x group by score_4"
        ],
        "threshold_sums by case": [
            "select cell, count(*), sum(change), sum(case when change > 0 then change else 0 end), "
            "sum(cast(y = 1 as int)), min(score), max(score), min(value), max(value) from (select score, y, value, "
            f"{stakes} as change, cast(floor(score * {GRID}) as bigint) as cell from x) as t group by cell"
        ],
        "value_sums": [
            "select acts, y, count(*) from (select cast(score >= 0.1 as int) as acts, y from x) as t group by acts, y"
        ],
        "value_sums by case": [
            "select acts, y, base, count(*), sum(a), sum(b), sum(a * a), sum(b * b), sum(a * b), sum(e), sum(e * e), "
            "sum(e * e * e), sum(e * e * e * e), min(a), max(a), min(e), max(e) from (select "
            "cast(score >= 0.1 as int) as acts, y, cast(value * 0.14 - 5.0 * 0.86 >= 0 as int) as base, value as a, "
            "-5.0 as b, value + 5.0 as e from x) as t group by acts, y, base"
        ],
        "capacity_sums": [
            "select cell, count(*), sum(gain), sum(pays), min(ratio), max(ratio) from (select "
            f"case when reward > 0 then floor(reward * {GRID / 1e6!r}) else -1.0 end as cell, "
            "case when reward > 0 then reward else 0.0 end as gain, cast(reward > 0 as int) as pays, "
            "case when reward > 0 then reward else -1.0 end as ratio from x) as t group by cell"
        ],
        "rule_sums": [
            f"select side, wanted, count(*), {powers['rule_sums']}, sum(cast(r = -0.5 as int)), max(w) from (select "
            f"side, wanted, {w}, {r} from (select wanted, 1 / lot as w, reward as r, case when wanted = 0 then 'agree' "
            "when treated = wanted then 'target' when treated = 0 then 'instead' else 'neither' end as side from x) "
            "as s) as t group by side, wanted"
        ],
        "policy_sums": [
            f"select 'all', count(*), {powers['policy_sums']}, sum(cast(r = 0 as int)), "
            "sum(cast(r <> 0 and w > 0 as int)), sum(cast(r = 0 or w = 0 as int)), sum(cast(r = 0 or w = 1 as int)), "
            f"max(w) from (select {w}, {r} from (select follows / lot as w, reward as r from x) as s) as t"
        ],
        "segment_sums": ["select region, count(*) from x group by region"],
        "matured_sums": ["select day, came, count(*) from x group by day, came"],
    }


def polars_by_hand(path):
    """The four queries in Polars; each gives the rows, then the sums, of its groups."""
    import polars as pl

    x = pl.scan_parquet(path)
    w, label = 1 / pl.col("propensity"), pl.col("label").cast(pl.Float64)
    money = pl.when(pl.col("y") == 1).then(pl.col("value")).otherwise(0.0)
    cells = [(pl.col(name) <= edge).sum().alias(f"{name}_{edge}") for name in EDGES for edge in EDGES[name]]
    queries = {
        "promise_sums": x.group_by("month", label.fill_null(-1).alias("seen")).agg(
            pl.len(), promised=pl.col("score").sum(), weight=w.sum(), weight2=(w * w).sum(), max_weight=w.max()
        ),
        "effect_sums": x.group_by("treated", "y").agg(
            pl.len(), money.sum().alias("x1"), (money**2).sum().alias("x2"), (money**3).sum().alias("x3"),
            (money**4).sum().alias("x4"), (money != 0).sum().alias("paid"), money.min().alias("low"),
            money.max().alias("high"),
        ),
        "threshold_sums": x.group_by((pl.col("score") * GRID).floor().cast(pl.Int64).alias("cell")).agg(
            pl.len(), (pl.col("y") == 1).sum().alias("ones"), pl.col("score").min().alias("low"),
            pl.col("score").max().alias("high"),
        ),
        "profile_sums": x.select(pl.len(), *(pl.col(name).count().alias(f"there_{name}") for name in EDGES), *cells),
    }  # fmt: skip
    sql = pl.SQLContext(x=x)
    queries = {name: [query] for name, query in queries.items()}
    queries |= {name: [sql.execute(one) for one in some] for name, some in in_sql().items()}
    return {
        name: (lambda q=some: [row for one in q for row in one.collect(engine="streaming").rows()])
        for name, some in queries.items()
    }, x


def duckdb_by_hand(path):
    """The four queries in SQL."""
    import duckdb

    link = duckdb.connect(config={"threads": 2, "memory_limit": "1500MB"})
    cells = ", ".join(f"count_if({name} <= {edge})" for name in EDGES for edge in EDGES[name])
    there = ", ".join(f"count({name})" for name in EDGES)
    queries = {
        "promise_sums": "select month, coalesce(label, -1), count(*), sum(score), sum(w), sum(w * w), max(w) from "
        "(select *, 1 / propensity as w from x) group by all",
        "effect_sums": "select treated, y, count(*), sum(m), sum(m * m), sum(m * m * m), sum(m * m * m * m), "
        "count_if(m <> 0), min(m), max(m) from (select *, case when y = 1 then value else 0 end as m from x) "
        "group by all",
        "threshold_sums": f"select cast(floor(score * {GRID}) as bigint) as cell, count(*), count_if(y = 1), "
        "min(score), max(score) from x group by cell",
        "profile_sums": f"select count(*), {there}, {cells} from x",
    }
    link.execute(f"create view x as select * from '{path}'")
    queries = {name: [query] for name, query in queries.items()} | in_sql()
    run = {
        name: (lambda q=some: [row for one in q for row in link.sql(one).fetchall()]) for name, some in queries.items()
    }
    return run, link.read_parquet(path)


def pyspark_by_hand(path):
    """The four queries in Spark SQL, on two local cores."""
    from pyspark.sql import SparkSession

    made = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = made.config("spark.sql.shuffle.partitions", "8").config("spark.driver.memory", "1g").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    frame = spark.read.parquet(path)
    frame.createOrReplaceTempView("x")
    cells = ", ".join(f"count_if({name} <= {edge})" for name in EDGES for edge in EDGES[name])
    there = ", ".join(f"count({name})" for name in EDGES)
    queries = {
        "promise_sums": "select month, coalesce(label, -1) as seen, count(*), sum(score), sum(w), sum(w * w), max(w) "
        "from (select *, 1 / propensity as w from x) group by month, coalesce(label, -1)",
        "effect_sums": "select treated, y, count(*), sum(m), sum(m * m), sum(m * m * m), sum(m * m * m * m), "
        "count_if(m <> 0), min(m), max(m) from (select *, case when y = 1 then value else 0 end as m from x) "
        "group by treated, y",
        "threshold_sums": f"select cast(floor(score * {GRID}) as bigint) as cell, count(*), count_if(y = 1), "
        f"min(score), max(score) from x group by cast(floor(score * {GRID}) as bigint)",
        "profile_sums": f"select count(*), {there}, {cells} from x",
    }
    return {name: (lambda q=query: spark.sql(q).collect()) for name, query in queries.items()}, frame


def agrees(name, sums, rows):
    """Whether the two answers hold the same numbers."""
    table = sums.table
    if name == "profile_sums":
        n, *there = rows[0][:3]
        below = iter(rows[0][3:])
        wanted = {("", None): n}
        for column, known in zip(EDGES, there, strict=True):
            counts = np.diff([0, *(next(below) for _ in EDGES[column]), known]).tolist()
            wanted |= {(column, place): count for place, count in enumerate(counts) if count}
            wanted |= {(column, None): n - known} if n > known else {}
        found = zip(table["column"], table["cell"], table["rows"], strict=True)
        return {(column, cell): count for column, cell, count in found} == wanted
    keys, columns = SAME[name]
    mine = {
        tuple(map(as_text, row[: len(keys)])): row[len(keys) :] for row in table[keys + columns].to_numpy().tolist()
    }
    theirs = {tuple(map(as_text, row[: len(keys)])): row[len(keys) :] for row in rows}
    return set(mine) == set(theirs) and all(
        np.allclose(np.asarray(mine[key], float), np.asarray(theirs[key][: len(columns)], float), rtol=1e-9, atol=0)
        for key in mine
    )


def as_text(key):
    """A group's name, so that 1, 1.0 and True are the same, and a day is one in every type."""
    if key is None or key != key:  # nothing, or NaN
        return ""
    return str(float(key)) if isinstance(key, (int, float)) else str(key).removesuffix(" 00:00:00")


def run(engine, path, name, repeats):
    """Time one question to one engine in this process; the measurements as a dictionary."""
    if name in OTHERS:
        return alone(engine, path, name, repeats)
    by_hand, frame = {"polars": polars_by_hand, "duckdb": duckdb_by_hand, "pyspark": pyspark_by_hand}[engine](path)
    if name == "checkup":
        return whole_page(frame)
    clock = time.perf_counter if engine == "pyspark" else time.process_time
    seconds = {"package": [], "by hand": []}
    for _ in range(repeats):
        begun = clock()
        sums = ASKED[name](frame)
        seconds["package"].append(clock() - begun)
        if not seconds["by hand"]:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # before the query by hand
        begun = clock()
        rows = by_hand[name]()
        seconds["by hand"].append(clock() - begun)
    return {who: min(each) for who, each in seconds.items()} | {"agrees": bool(agrees(name, sums, rows)), "peak": peak}


def alone(engine, path, name, repeats):
    """Time one question without a query by hand."""
    frame = {"polars": polars_by_hand, "duckdb": duckdb_by_hand}[engine](path)[1]
    seconds = []
    for _ in range(repeats):
        begun = time.process_time()
        OTHERS[name](frame)
        seconds.append(time.process_time() - begun)
    return {"package": min(seconds), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def whole_page(frame):
    """The whole checkup, once: CPU seconds, seconds of the clock, memory, and what was answered."""
    begun = time.process_time(), time.perf_counter()
    report = checkup(frame, **ROLES, in_engine=True)
    cpu, clock = time.process_time() - begun[0], time.perf_counter() - begun[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    broken = [str(gap) for gap in report.gaps if "needs the rows themselves" not in gap.why]
    return {"cpu": cpu, "clock": clock, "peak": peak, "answers": len(report.answers), "other gaps": broken}


def main():
    """Print a row per engine, size and question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000000,10000000,100000000")
    parser.add_argument("--engines", default="polars,duckdb")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--folder", help="where the tables are kept, and found again")
    parser.add_argument("--questions", default=",".join(ASKED))
    parser.add_argument("--others", action="store_true", help="ask the other questions, without queries by hand")
    parser.add_argument("--checkup", action="store_true", help="time the whole checkup instead of single questions")
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "PATH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        engine, path = arguments.one
        rows, repeats = int(arguments.rows), arguments.repeats
        print(
            json.dumps(
                write_table(path, rows) if engine == "write" else run(engine, path, arguments.questions, repeats)
            )
        )
        return
    if arguments.checkup:
        arguments.questions = "checkup"
        print("| engine | rows | answers | CPU seconds | seconds of the clock | peak GiB |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
    elif arguments.others:
        print("| engine | rows | question | seconds | million rows a second | peak GiB |")
        print("| --- | ---: | --- | ---: | ---: | ---: |")
    else:
        print("| engine | rows | question | seconds | by hand | ratio | million rows a second | peak GiB | agrees |")
        print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        for rows in map(int, arguments.rows.split(",")):
            path = folder / f"cases_{rows}.parquet"
            itself = [sys.executable, __file__, "--rows", str(rows), "--repeats", str(arguments.repeats), "--one"]
            if not path.exists():
                subprocess.run([*itself, "write", str(path)], check=True, capture_output=True)
            questions = OTHERS if arguments.others else arguments.questions.split(",")
            for engine, name in product(arguments.engines.split(","), questions):
                done = subprocess.run([*itself, engine, str(path), "--questions", name], capture_output=True, text=True)
                if done.returncode:
                    print(f"| {engine} | {rows:,} | did not run: {done.stderr.strip().splitlines()[-1]} |")
                    continue
                one = json.loads(done.stdout.splitlines()[-1])
                if name == "checkup":
                    told = f"{one['cpu']:.0f} | {one['clock']:.0f} | {one['peak']:.2f}"
                    print(f"| {engine} | {rows:,} | {one['answers']} | {told} |", *one["other gaps"], flush=True)
                    continue
                if name in OTHERS:
                    mine = one["package"]
                    print(
                        f"| {engine} | {rows:,} | `{name}` | {mine:.2f} | {rows / mine / 1e6:.0f} | {one['peak']:.2f} |"
                    )
                    continue
                mine, theirs = one["package"], one["by hand"]
                print(
                    f"| {engine} | {rows:,} | `{name}` | {mine:.2f} | {theirs:.2f} | {mine / theirs:.2f} "
                    f"| {rows / mine / 1e6:.0f} | {one['peak']:.2f} | {'yes' if one['agrees'] else 'NO'} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""The monthly job on rows that stay where they are: what is kept of them is a file of sums.

A shop scores its orders, audits a few at random and holds out part of its offers. January is read with Polars, February
with DuckDB, and neither month is fetched; on Spark the frame is ``spark.read.parquet(path)`` and nothing else changes.
"""

import json
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from mllayers.sums import Sums, effect_sums, profile_sums, promise_sums, segment_sums, threshold_sums

COLUMNS, EDGES = ["score", "basket"], {"score": [0.01, 0.05, 0.1, 0.2, 0.4], "basket": [10.0, 20, 40, 80, 160]}


def month(number, shift):
    """A month of orders, as a warehouse would have them. Yours are there already."""
    rng, n = np.random.default_rng(number), 60_000
    score = rng.beta(0.4, 8, n)
    fraud, offered = rng.random(n) < score * (1 + shift), rng.random(n) < 0.8
    audited = rng.random(n) < 0.05
    bought = rng.random(n) < np.where(offered, 0.12, 0.10)
    return pl.DataFrame({
        "month": f"2026-{number:02}", "score": score, "basket": np.round(rng.lognormal(3.2 + shift, 1, n), 2),
        "found": pl.Series(fraud.astype(np.int8)).set(pl.Series(~audited), None), "fraud": fraud.astype(np.int8),
        "bought": bought.astype(np.int8), "offered": offered.astype(np.int8),
        "segment": rng.choice(["new", "loyal", "asleep"], n, p=[0.2 + shift, 0.5, 0.3 - shift]),
    })  # fmt: skip


def job(orders, reference=None):
    """What is kept of a month: a few hundred numbers, whatever the number of orders."""
    return {
        "promise": promise_sums(orders, p="score", y="found", propensity=0.05, when="month"),
        "money": threshold_sums(orders, y="fraud", p="score", gain_tp=45, cost_fp=4, grid=1024),
        "offer": effect_sums(orders, y="bought", treated="offered", value="basket"),
        "profile": profile_sums(orders, columns=COLUMNS, edges=EDGES, like=reference),
        "segments": segment_sums(orders, segment="segment"),
    }


with tempfile.TemporaryDirectory() as folder:
    store = Path(folder)
    for number, shift in ((1, 0.0), (2, 0.15)):
        month(number, shift).write_parquet(store / f"orders_{number}.parquet")

    print("--- January, by Polars: the job runs where the rows are, and its sums are kept as JSON")
    kept = job(pl.scan_parquet(store / "orders_1.parquet"))
    text = json.dumps({name: sums.to_dict() for name, sums in kept.items()})
    (store / "january.json").write_text(text, encoding="utf-8")
    print(f"{sum(len(sums.table) for sums in kept.values()):,} rows of sums instead of {kept['promise'].n:,} orders")

    print("--- February, by DuckDB: January's rows are not needed again")
    before = {name: Sums.from_dict(each) for name, each in json.loads(text).items()}
    now = job(duckdb.read_parquet(str(store / "orders_2.parquet")), before["profile"])
    print("moved:", now["profile"].result(before["profile"]))
    print("sizes:", now["segments"].result({"new": 0.2, "loyal": 0.5}, ratio=1.5))

    print("--- both months: sums add up")
    both = {name: before[name] + now[name] for name in now}
    print("promise:", both["promise"].result())
    print("offer:", both["offer"].result())
    print("money:", both["money"].result())
    print(f"a finer grid could earn ${both['money'].missed():,.0f} more at most")

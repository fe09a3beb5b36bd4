"""How fast the retailer is made, beside the generator of the Fraud Detection Handbook.

    python benchmarks/shop.py [--handbook PATH]

PATH is a checkout of the handbook's repository (Fraud-Detection-Handbook/fraud-detection-handbook); its chapter
"Simulator" is a notebook, whose functions are run as they are, with their own defaults at a smaller size. Without the
path only the retailer is timed. CPU seconds of one process on one thread.
"""

import argparse
import json
import os
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pandas as pd

from mllayers import shop


def cpu_seconds(call, repeats):
    """The shortest of several runs, and what the last one made."""
    shortest, made = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        made = call()
        shortest = min(shortest, time.process_time() - start)
    return shortest, made


def handbook_rate(checkout, customers=500, terminals=1_000, days=60):
    """Rows per CPU second of the handbook's ``generate_dataset``, fraud scenarios included."""
    notebook = next(Path(checkout).rglob("SimulatedDataset.ipynb"))
    parts = ("# Necessary imports", "def generate_", "def get_list_terminals", "def add_frauds")
    namespace = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.lstrip().startswith(parts):
            lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
            exec("\n".join(lines), namespace)

    def run():
        tables = namespace["generate_dataset"](
            n_customers=customers, n_terminals=terminals, nb_days=days, start_date="2018-04-01", r=5
        )
        return namespace["add_frauds"](*tables)

    seconds, rows = cpu_seconds(run, repeats=1)
    return len(rows) / seconds, len(rows)


def main():
    """Print rows per CPU second for each generator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handbook", help="checkout of the handbook's repository")
    arguments = parser.parse_args()
    shop.make_orders(0)
    seconds, orders = cpu_seconds(lambda: shop.make_orders(range(18)), repeats=5)
    order_rate = len(orders) / seconds
    print(f"{'generator':34}{'rows':>12}{'rows / CPU s':>16}")
    print(f"{'mllayers orders':34}{len(orders):>12,}{order_rate:>16,.0f}")
    seconds, customers = cpu_seconds(lambda: shop.make_customers(1_000_000), repeats=3)
    print(f"{'mllayers customers':34}{len(customers):>12,}{len(customers) / seconds:>16,.0f}")
    if arguments.handbook and pd.__version__ >= "3":
        print(f"the handbook's generator was not run: it needs pandas before 3.0; this is {pd.__version__}")
    elif arguments.handbook:
        rate, rows = handbook_rate(arguments.handbook)
        print(f"{'handbook transactions':34}{rows:>12,}{rate:>16,.0f}")
        print(f"orders per handbook transaction: {order_rate / rate:,.0f}×")
    else:
        print("the handbook's generator was not run: pass --handbook PATH")


if __name__ == "__main__":
    main()

"""The drift report beside what people would pick instead: CPU seconds on numeric columns that did not move.

    python benchmarks/drift_report.py                 # 2 × 1,000,000 rows × 20 columns, minutes with all peers
    python benchmarks/drift_report.py --rows 100000   # smaller
    python benchmarks/drift_report.py --kinds         # and columns of other kinds, ours alone

scipy is always there; nannyml, evidently and frouros are timed where they are installed, best in an environment of
their own, and named as absent otherwise (evidently 0.7 needs pandas below 3). Imports are not counted. Every figure is
the smallest of three runs (one run where that takes over 20 s), in CPU seconds over all threads, beside the time it
takes to add up both frames: the floor of the machine.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[_name] = "1"
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"

import numpy as np
import pandas as pd
from scipy import stats

from mllayers.data import drift_report, label_coverage


def nannyml_js(old: pd.DataFrame, new: pd.DataFrame) -> None:
    """Jensen–Shannon distance, 10 chunks."""
    import nannyml

    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(old), continuous_methods=["jensen_shannon"], chunk_number=10
    )
    calculator.fit(old).calculate(new)


def evidently_psi(old: pd.DataFrame, new: pd.DataFrame) -> None:
    """Data drift preset with PSI."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    Report([DataDriftPreset(method="psi")]).run(new, old)


def frouros_psi(old: pd.DataFrame, new: pd.DataFrame) -> None:
    """PSI, column by column."""
    from frouros.detectors.data_drift import PSI

    for name in old:
        detector = PSI()
        detector.fit(X=old[name].to_numpy())
        detector.compare(X=new[name].to_numpy())


def scipy_ks(old: pd.DataFrame, new: pd.DataFrame) -> None:
    """Two-sample Kolmogorov–Smirnov test, column by column."""
    for name in old:
        stats.ks_2samp(old[name], new[name], method="asymp")


CONTENDERS: dict[str, tuple[str, Callable[[pd.DataFrame, pd.DataFrame], object]]] = {
    "drift_report: PSI and total variation": ("numpy", drift_report),
    "drift_report: with KS": ("numpy", lambda old, new: drift_report(old, new, ks=True)),
    "scipy ks_2samp": ("scipy", scipy_ks),
    "frouros PSI": ("frouros", frouros_psi),
    "nannyml Jensen–Shannon": ("nannyml", nannyml_js),
    "evidently drift preset, PSI": ("evidently", evidently_psi),
}


def cpu_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The smallest CPU time of a few runs."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
        if best > 20:
            break
    return float(best)


def other_kinds(rows: int, rng: np.random.Generator) -> None:
    """Drift report and label coverage on one column of each kind."""
    merchants = np.array([f"m{i}" for i in range(3_000)])
    columns = {
        "float32": lambda: rng.normal(size=rows).astype("f4"),
        "float64 with gaps": lambda: np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
        "whole numbers": lambda: rng.integers(0, 1_000_000, rows),
        "booleans": lambda: rng.random(rows) < 0.1,
        "text, 3,000 values": lambda: merchants[rng.integers(0, 3_000, rows)],
        "categories, 3,000 values": lambda: pd.Categorical.from_codes(rng.integers(0, 3_000, rows), merchants),
    }
    print(f"{f'one column of 2 × {rows:,} rows':40s}{'drift':>9s}{'coverage':>10s}")
    for title, draw in columns.items():
        old, new = (pd.DataFrame({"x": draw()}) for _ in range(2))
        seconds = [
            cpu_seconds(work)
            for work in (
                lambda old=old, new=new: drift_report(old, new),
                lambda old=old, new=new: label_coverage(new[::7], old, columns=["x"]),
            )
        ]
        print(f"{title:40s}{seconds[0]:9.3f}{seconds[1]:10.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--kinds", action="store_true", help="time columns of other kinds as well")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(options.columns)]
    old, new = (pd.DataFrame({name: rng.normal(size=options.rows) for name in names}) for _ in range(2))
    floor = cpu_seconds(lambda: [side[name].to_numpy().sum() for side in (old, new) for name in names], 7)
    print(f"2 × {options.rows:,} rows × {options.columns} columns; adding up both frames: {floor:.4f} CPU s")
    print(f"{'':40s}{'CPU s':>9s}{'× floor':>9s}")
    for title, (package, work) in CONTENDERS.items():
        if find_spec(package) is None:
            print(f"{title:40s}   absent: {package} is not installed")
            continue
        try:
            work(old[:200], new[:200])
        except ImportError as error:
            print(f"{title:40s}   does not import here: {error}"[:120])
            continue
        seconds = cpu_seconds(lambda work=work: work(old, new))
        print(f"{title:40s}{seconds:9.2f}{seconds / floor:9.0f}   {package} {version(package)}", flush=True)
    if options.kinds:
        other_kinds(options.rows, rng)


if __name__ == "__main__":
    main()

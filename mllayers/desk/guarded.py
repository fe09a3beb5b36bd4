"""What a mistake costs a team: the month, and a sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mllayers._check import as_probabilities
from mllayers.decision import Action, Menu, Policy
from mllayers.loop import Team, decide
from mllayers.shop import Prices

LOOKS = ("review", "audit")
_SHIP = Policy(Menu(Action("ship", gain=0, cost=0, owner="the shop")), missing="ship", holdout=0)


class Guarded:
    """A team whose mistakes cost it the month: then every order ships, and `told` says what happened.

    Parameters
    ----------
    team : Team
        Whose mistakes are caught.

    Attributes
    ----------
    told : list of (int, str)
        Month, counted from the first one at the desk, and what went wrong in it.
    """

    def __init__(self, team: Team) -> None:
        self.team, self.told = team, list[tuple[int, str]]()
        self._month, self._lost = 0, False
        self._shares: Any = {}

    @property
    def retrain(self) -> bool:
        """Whether it learns each month."""
        return bool(getattr(self.team, "retrain", True))

    @property
    def sees_truth(self) -> bool:
        """Whether it is a bound and not a team."""
        return getattr(self.team, "sees_truth", False) is True

    @property
    def silence_days(self) -> float:
        """How old silence must be, for the columns of what it believes."""
        found = getattr(self.team, "silence_days", 60.0)
        return float(found) if isinstance(found, (int, float)) else 60.0

    def learn(self, past: pd.DataFrame, day: float, *, seed: list[int]) -> Any:
        """What it learns, or a model that says nothing."""
        try:
            return _Checked(self, self.team.learn(past, day, seed=seed))
        except Exception as error:
            return _Checked(self, None, f"learn stopped: {_said(error)}")

    def decide(self, orders: pd.DataFrame, reviews: float, *, prices: Prices) -> Policy:
        """Its policy, tried before it is used; or every order ships."""
        self._shares = {}
        if not self._lost:
            try:
                policy = self.team.decide(orders.copy(), reviews, prices=prices)
                shares = self.team.try_at_random(orders.copy(), prices=prices)
                _tried(policy, shares, orders, reviews, prices)
            except Exception as error:
                self.lose(f"its decisions could not be used: {_said(error)}")
            else:
                self._shares = shares
                self._month += 1
                return policy
        self._lost = False
        self._month += 1
        return _SHIP

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices) -> Any:
        """What it said when it decided."""
        return self._shares

    def lose(self, why: str) -> None:
        """The month is lost."""
        self._lost = True
        self.told.append((self._month, why))


class _Checked:
    """A model whose probabilities are probabilities, one for each order; else the month is lost."""

    def __init__(self, team: Guarded, model: Any, why: str = "") -> None:
        self.team, self.model, self.why = team, model, why

    def predict_proba(self, orders: pd.DataFrame) -> Any:
        try:
            if self.why:
                raise RuntimeError(self.why)
            found = np.asarray(self.model.predict_proba(orders), dtype=float)
            if found.shape != (len(orders), 2):
                raise ValueError(f"predict_proba must give {len(orders):,} rows of 2; got shape {found.shape}")
            as_probabilities(found[:, 1], "predict_proba(orders)[:, 1]")
            return found
        except Exception as error:
            self.team.lose(self.why or f"its model could not be asked: {_said(error)}")
            return np.column_stack([np.ones(len(orders)), np.zeros(len(orders))])


class _Said:
    """A policy and shares that were said already, as a team that only decides: `decide` never asks it to learn."""

    def __init__(self, policy: Policy, shares: Any) -> None:
        self.policy, self.shares = policy, shares

    def learn(self, past: pd.DataFrame, day: float, *, seed: list[int]) -> Any:
        raise RuntimeError("a policy that was said already learns nothing")

    def decide(self, orders: pd.DataFrame, reviews: float, *, prices: Prices) -> Policy:
        return self.policy

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices) -> Any:
        return self.shares


def _tried(policy: Any, shares: Any, orders: pd.DataFrame, reviews: float, prices: Prices) -> None:
    """Plan the month once, and refuse what has no room."""
    rows = decide(orders, orders["score"], _Said(policy, shares), prices=prices)
    planned = rows["planned"]
    looks = float(planned.isin(LOOKS).sum())
    if isinstance(shares, Mapping):
        for name, targets in shares.items():
            here = (planned == name).to_numpy()
            each = [
                np.broadcast_to(share, len(here))[here].sum() for to, share in targets.items() if _name(to) in LOOKS
            ]
            looks += float(np.sum(each)) if name not in LOOKS else 0.0
    elif shares:
        looks += float(shares) * (~planned.isin(LOOKS)).sum()
    if looks > reviews + 1:
        raise ValueError(
            f"{looks:,.0f} reviews are planned, those drawn at random counted as expected; there is room for "
            f"{reviews:,.0f}"
        )


def _name(action: Any) -> str:
    return str(getattr(action, "name", action))


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' + text[:300] if text else ''}"

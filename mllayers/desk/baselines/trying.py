"""Teams that differ in what they try at random."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers.loop import Arm
from mllayers.loop.desk import blocks, review_action
from mllayers.shop import PRICES, Prices


@dataclass(frozen=True)
class Epsilon(Arm):
    """Does something else with a small share of the orders, whatever the score: ε-greedy.

    A blocked order that ships all the same shows its outcome, weeks later, and costs what it costs.

    References
    ----------
    Sutton and Barto (2018), "Reinforcement Learning", section 2.2.
    """

    epsilon: float = 0.01

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices = PRICES) -> Any:
        """Each other action with half of ε; a review needs its place."""
        each = self.epsilon / 2
        return {
            "ship": {"review": each, "block": each},
            "review": {"ship": each, "block": each},
            "block": {"ship": each, "review": each},
        }


@dataclass(frozen=True)
class _ByOrder(Arm, ABC):
    """An audit whose share depends on the order; as many audits as an equal share would make."""

    blocks: str = "review"
    silence: str = "ignore"
    audit_share: float = 0.01

    @abstractmethod
    def wish(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much an audit of each order is wanted, up to a factor."""

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices = PRICES) -> Any:
        """Shares in proportion to the wish, at most one half each."""
        shares: Any = super().try_at_random(orders, prices=prices)
        p = orders["score"].to_numpy(float)
        ships = ~blocks(orders, p, prices=prices)
        wish, wanted = np.where(ships, self.wish(p), 0.0), self.audit_share * ships.sum()
        share = np.minimum(wish * wanted / max(wish.sum(), 1e-300), 0.5)
        return {**shares, "ship": {review_action(prices): share}}


@dataclass(frozen=True)
class Uncertain(_ByOrder):
    """Audits where the model is least sure, and hardly anywhere else.

    It finds what the model half knows, and gives a quiet fraud, of which the model is sure, next to no chance.

    References
    ----------
    Lewis and Gale (1994), "A Sequential Algorithm for Training Text Classifiers", SIGIR: uncertainty sampling.
    """

    def wish(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """The variance of the outcome."""
        return p * (1 - p)


@dataclass(frozen=True)
class Neyman(_ByOrder):
    """Audits in proportion to the standard deviation of the outcome, and nowhere less than a quarter of the mean share.

    Neyman's allocation is best for the rate of all orders *if* the model's standard deviations are right; the floor is
    for the part of the world about which it is wrong.

    References
    ----------
    Neyman (1934), "On the Two Different Aspects of the Representative Method", JRSS 97(4), section V.
    """

    def wish(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """The standard deviation of the outcome, with a floor."""
        spread = np.sqrt(p * (1 - p))
        return np.asarray(np.maximum(spread, spread.mean() / 4))

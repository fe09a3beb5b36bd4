"""The sales team's leads: how likely they reply, and what a reply is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mllayers._check import as_integer

_STREAM = 4


def make_leads(n: int = 300, *, seed: int = 2026) -> pd.DataFrame:
    """Sales leads in which the likely ones are small and the large ones are unlikely.

    Parameters
    ----------
    n : int
        Number of leads.
    seed : int
        Same seed, same leads.

    Returns
    -------
    DataFrame, one row per lead
        ``lead_id``, ``value_usd`` (what a won lead brings, $100 to $250,000), ``reply_score`` (what the sales team's
        model says: the true reply probability with noise of standard deviation 1 on the logit scale), and the truth:
        ``_p_reply`` and ``_replies``. Money is rounded to cents, probabilities to six decimals.

    Raises
    ------
    TypeError, ValueError
        If `n` or `seed` is not a whole number in its range.

    Examples
    --------
    >>> leads = make_leads()
    >>> len(leads), int(leads["value_usd"].median())
    (300, 3798)
    """
    n = as_integer(n, "n", ge=1)
    rng = np.random.default_rng([as_integer(seed, "seed", ge=0), _STREAM])
    value = np.clip(np.exp(np.log(3000) + 1.5 * rng.standard_normal(n)), 100, 250_000).round(2)
    logit = -0.55 * np.log(value / 3000) + rng.standard_normal(n)
    p_reply = np.round(1 / (1 + np.exp(-logit)), 6)
    return pd.DataFrame(
        {
            "lead_id": np.arange(n),
            "value_usd": value,
            "reply_score": np.round(1 / (1 + np.exp(-(logit + rng.standard_normal(n)))), 6),
            "_p_reply": p_reply,
            "_replies": rng.random(n) < p_reply,
        }
    )

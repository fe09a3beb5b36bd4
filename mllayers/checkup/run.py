"""One call: the five questions, asked of a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mllayers._check import as_columns, as_integer, as_number, as_text, describe, one_of
from mllayers.checkup.action import ask_action
from mllayers.checkup.answers import Checkup, Gap, Section
from mllayers.checkup.data import ask_data
from mllayers.checkup.decision import ask_decision
from mllayers.checkup.desk import COLUMN_ROLES, PRICES, Desk, Roles, open_desk
from mllayers.checkup.engine import open_engine
from mllayers.checkup.feedback import ask_feedback
from mllayers.checkup.prediction import ask_prediction
from mllayers.checkup.reading import open_source

__all__ = ["PRACTICE_ROLES", "SECTIONS", "checkup"]

# Which column of `mllayers.datasets.load_practice` plays which role; a voucher costs $5 and keeps a quarter of those
# who would leave.
PRACTICE_ROLES: dict[str, Any] = {
    "score": "p_leave",
    "outcome": "left",
    "outcome_is": "loss",
    "amount": "clv_usd",
    "time": "decided_on",
    "arrival": "left_on",
    "as_of": "2026-06-30",
    "period": "month",
    "case": "customer_id",
    "action": "action",
    "control": "none",
    "propensity": "propensity",
    "columns": ["tenure_months", "recency_days", "orders_12m", "open_rate", "tickets_90d", "clv_usd"],
    "gain_tp": 40.0,
    "cost_fp": 5.0,
}

SECTIONS: dict[str, tuple[Callable[[Desk], None], str]] = {
    "data": (ask_data, "1 Data: is what you learned from like what comes?"),
    "prediction": (ask_prediction, "2 Prediction: what does the score say, and what is it worth?"),
    "decision": (ask_decision, "3 Decision: what follows each output?"),
    "action": (ask_action, "4 Action: what does acting change, and is it worth it?"),
    "feedback": (ask_feedback, "5 Feedback: what came back, and can it be believed?"),
}


def checkup(
    data: Any,
    *,
    score: str | None = None,
    outcome: str | None = None,
    positive: Any = None,
    amount: str | None = None,
    time: str | None = None,
    arrival: str | None = None,
    as_of: Any = None,
    period: str | None = None,
    segment: str | None = None,
    case: str | None = None,
    action: str | None = None,
    control: Any = None,
    propensity: str | Mapping[Any, float] | None = None,
    reward: str | None = None,
    challenger: str | None = None,
    rival: str | None = None,
    audit: str | None = None,
    before: str | None = None,
    weights: str | None = None,
    inspected: str | None = None,
    report_rate: float | tuple[float, float] | None = None,
    columns: Sequence[str] | None = None,
    gain_tp: float | str | None = None,
    cost_fp: float | str | None = None,
    cost_fn: float | str | None = None,
    gain_tn: float | str | None = None,
    outcome_is: str | None = None,
    capacity: float | None = None,
    least: float | None = None,
    least_money: float | None = None,
    currency: str = "$",
    only: str | Sequence[str] | None = None,
    level: float = 0.95,
    max_rows: int = 200_000,
    seed: int = 0,
    separator: str | None = None,
    encoding: str = "utf-8",
    decimal: str = ".",
    progress: Callable[[str], object] | None = None,
    in_engine: bool = False,
) -> Checkup:
    """Ask the five questions of a file: what can it answer, how far to trust that, and what can it not answer?

    No role is guessed. Name the columns that play one; each question is answered where its columns are there, and
    otherwise the page says what is missing and which column would answer it.

    Parameters
    ----------
    data : frame or path
        pandas (NumPy, nullable or Arrow-backed), Polars (eager or lazy), PyArrow or DuckDB; or the path of a ``.csv``
        (``.tsv``, ``.txt``, ``.gz``) or ``.parquet`` file. One row per case.
    score, rival : str, optional
        Columns with the probability of the outcome; a second one to be compared with the first.
    outcome : str, optional
        Column with what happened: 0 and 1, or the words of which `positive` names the outcome. Leave it empty where
        nobody looked.
    positive : value, optional
        The value of `outcome` that is the outcome, such as ``"Yes"``.
    amount : str, optional
        Column with the money that hangs on the outcome of each case.
    time, arrival : str, optional
        Columns with the moment at which each case was decided and its outcome arrived: dates, times, ISO text, or
        numbers of days. Times with a zone become UTC.
    as_of : date, text or number, optional
        The moment from which to look back; by default the last that the file shows.
    period : str, optional
        Column that orders the cases in time, such as a month; made from `time` where that holds dates.
    segment, case : str, optional
        Columns with a group of each case, and with its id.
    action : str, optional
        Column with what was done; `control` names the action that leaves a case alone (0 where actions are 0 and 1).
    control : value, optional
        See `action`.
    propensity : str or mapping, optional
        Column with the chance of the action **that was taken**; or the chance of each action, where it was the same for
        all cases.
    reward : str, optional
        Column with the money that came back from each case under the action it got, the action's cost taken off.
    challenger : str, optional
        Column with another policy: the chance with which it takes the logged action, or the name of its action.
    audit : str, optional
        Column with the chance with which each case was drawn to be labelled (1 where it was certain to be).
    before : str, optional
        Column with a number that was known before chance decided and goes with the outcome, such as last year's spend:
        what it explains is taken out of the effects, which narrows their intervals.
    weights : str, optional
        Column with how many cases of the population each row stands for (1 / the share of its kind that was kept),
        where the file is not the population. What a score says and is worth is weighted; a number whose estimator takes
        no weights is refused, by name.
    inspected : str, optional
        Column that says of each row whether somebody looked (True or False, 1 or 0). Outcomes of 1 in other rows are
        reports; outcomes of 0 there say only that nothing was heard.
    report_rate : float or (float, float), optional
        Which share of the events in rows that nobody inspected is reported, in (0, 1], or from which to which: a claim
        that somebody signs. Needs `inspected`.
    columns : list of str, optional
        Columns that were known of each case **before** it was decided. They are compared between periods, between
        labelled and other cases, and between treated and held out. Left out, all columns without a role are compared
        between periods and for labels, and none between treated and held out.
    gain_tp, cost_fp, cost_fn, gain_tn : float or str, optional
        What the four outcomes are worth: a number, or a column. Money in its usual sense, costs as positive numbers.
    outcome_is : {"gain", "loss"}, optional
        Whether the outcome is what one wants (a sale) or what one wants to prevent (a customer who leaves).
    capacity : float, optional
        How many of the cases in the file could have been acted on (with `weights`, of the population).
    least, least_money : float, optional
        The smallest difference that matters, above 0: of a rate (0.01 is one point), and in money a case. Then the page
        says not only whether a difference is sure but also whether it is large enough.
    currency : str, default "$"
        The sign before amounts.
    only : str or list of str, optional
        Layers to ask: data, prediction, decision, action, feedback.
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the truth.
    max_rows : int, default 200,000
        Questions that fit a model or compare many columns look at no more rows than this, drawn with `seed`; the answer
        says so.
    seed : int, default 0
        See `max_rows`.
    separator, encoding, decimal : str, optional
        How a CSV file is read, where it is not comma-separated UTF-8 with decimal points.
    progress : callable, optional
        Called with each question as it is asked.
    in_engine : bool, default False
        Leave the rows where they are (also PySpark; a ``.parquet`` file is opened by Polars or DuckDB): each question
        that `mllayers.sums` answers is asked by sums, for any number of rows; each other one is left open.

    Returns
    -------
    Checkup
        Prints as a page of text, shows itself in a notebook; `Checkup.to_html` and `Checkup.to_json` write it.

    Raises
    ------
    TypeError, ValueError, OSError
        In one sentence, when there is no table to be read or a named column is not in it. What is wrong inside a column
        stands on the page, and only the questions that need it stay open.

    Notes
    -----
    Each answer shows the lines of this package that produced it: they are carried out exactly as they are shown, with
    ``frame`` as the file in pandas.
    Taught in notebook 01, *Your own system*.

    Examples
    --------
    >>> import pandas as pd
    >>> calls = pd.DataFrame({"p": [0.1, 0.2, 0.7, 0.9] * 50, "sold": [0, 0, 1, 1] * 50})
    >>> report = checkup(calls, score="p", outcome="sold", gain_tp=50, cost_fp=20, only="decision")
    >>> print(report["threshold"])
    Acting pays from a score of 0.286; 50.0 % of the 200 cases reach it.
    """
    wanted = [only] if isinstance(only, str) else list(SECTIONS) if only is None else list(only)
    layers = [one_of(name, "only", SECTIONS) for name in wanted]
    given = {role: value for role, value in locals().items() if role in Roles.__dataclass_fields__}
    for role in COLUMN_ROLES:
        if given[role] is not None and not (role == "propensity" and isinstance(given[role], Mapping)):
            as_text(given[role], role, "the name of a column")
    for name in PRICES:
        if given[name] is not None and not isinstance(given[name], str):
            as_number(given[name], name)
    if outcome_is is not None:
        one_of(outcome_is, "outcome_is", ("gain", "loss"))
    given["columns"] = None if columns is None else tuple(as_text(c, "columns") for c in as_columns(columns, "columns"))
    given["capacity"] = None if capacity is None else as_number(capacity, "capacity", ge=0)
    for name in ("least", "least_money"):
        given[name] = None if given[name] is None else as_number(given[name], name, gt=0)
    given["report_rate"] = _as_report_rate(report_rate)
    level = as_number(level, "level", gt=0, lt=1)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be a function that takes a question; got {describe(progress)}")
    one_of(decimal, "decimal", (".", ","))
    if isinstance(data, os.PathLike):
        data = os.fspath(data)
    if not isinstance(in_engine, bool):
        raise TypeError(f"in_engine must be True or False; got {describe(in_engine)}")
    settings: dict[str, Any] = {
        "level": level,
        "max_rows": as_integer(max_rows, "max_rows", ge=1_000),
        "seed": as_integer(seed, "seed", ge=0, le=2**32 - 1),
        "currency": as_text(currency, "currency"),
        "progress": progress or (lambda question: None),
    }
    desk: Desk
    if in_engine:
        desk = open_engine(data, Roles(**given), **settings)
    else:
        source = open_source(data, separator=separator, encoding=encoding, decimal=decimal)
        desk = open_desk(source, Roles(**given), **settings)
    sections = _with_unused([_asked(desk, name) for name in layers], desk)
    roles = {role: value for role, value in given.items() if value is not None and role != "columns"}
    left_out = dict(desk.left_out)
    return Checkup(desk.source.name, desk.source.rows, roles, left_out, desk.opening, sections, in_engine)


def _with_unused(sections: list[Section], desk: Desk) -> tuple[Section, ...]:
    """The sections, and in the first of them what kept a named column from playing its role, where none says so yet."""
    said = " ".join(gap.why for section in sections for gap in section.gaps)
    unused = [
        Gap(f"Can {getattr(desk.roles, role)!r} play the role {role}?", told.rstrip("."), "")
        for role, told in desk.problems.items()
        if told.rstrip(".") not in said
    ]
    return (replace(sections[0], gaps=(*sections[0].gaps, *unused)), *sections[1:]) if sections else ()


def _as_report_rate(x: Any) -> float | tuple[float, float] | None:
    """One share, or the least and the largest."""
    if x is None:
        return None
    if not isinstance(x, (list, tuple)):
        return as_number(x, "report_rate", gt=0, le=1)
    if len(x) != 2 or not x[0] <= x[1]:
        raise ValueError(f"report_rate must be one share, or two from the smaller to the larger; got {describe(x)}")
    low, high = (as_number(end, "report_rate", gt=0, le=1) for end in x)
    return low, high


def _asked(desk: Desk, name: str) -> Section:
    """One section; where it breaks, what it had found until then, and a word about it."""
    ask, title = SECTIONS[name]
    try:
        ask(desk)
    except Exception as error:  # the other sections still have something to say
        told = " ".join(str(error).split()) or "no more is known"
        desk.gap("What else does this layer say?", f"the section stopped half-way, {type(error).__name__}: {told}")
    return desk.section(name, title)

"""What follows every output, and a missing one: the part of a system that a manager can read and sign."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mllayers._check import as_number, as_text, describe, is_said
from mllayers._frames import FrameT, column_name, opened
from mllayers._words import exact, plain
from mllayers.decision.brief import Brief
from mllayers.decision.deciding import decide_menu, decide_segments, decide_tiers
from mllayers.decision.gaps import effect_gaps, never_paying, refuse_gaps, rule_gaps, signed_gaps, volume_gaps
from mllayers.decision.rules import Menu, Segments
from mllayers.decision.saved import policy_text, read_policy
from mllayers.decision.serving import OneMenu, OneSegment, OneTier, ready_to_serve
from mllayers.decision.thresholds import CostWarning
from mllayers.decision.tiers import Action, Tier, Tiers, amount_told, as_action

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Policy"]


@dataclass(frozen=True, repr=False)
class Policy:
    """What follows every score or segment, and a missing one; who does it, what it costs, who is left alone at random.

    A draft with holes can be built, so that `gaps` can list them; `decide`, `plan` and `to_json` refuse while there are
    any.

    Parameters
    ----------
    rule : Tiers, Menu or Segments
        `Tiers`: the action follows from the score. `Menu`: the action with the highest expected value, case by case.
        `Segments`: the action follows from the segment.
    missing : Action or str, optional
        What follows a case without a score or segment (NULL or NaN); a name finds its action in the rule.
    idle : Action or str, optional
        The action that leaves a case alone: the name of an action of the rule, or an action beside it. It needs no
        owner and costs nothing. ``None``: there is none.
    holdout : float, optional
        Share of the cases that are left alone at random, so that the effect can be measured. It is part of the page
        that is signed; `plan` draws it, `decide` draws nothing. 0 is only possible without an idle action.
    brief : Brief, optional
        The sentence the policy answers.
    name : str, optional
        What it is called; with the `fingerprint` it is written into every row of a plan.

    Raises
    ------
    TypeError, ValueError
        For anything that is not even a draft: a rule that is none, an idle action that the rule does not have, a
        hold-out outside [0, 1).

    Notes
    -----
    Taught in notebook 03, *A policy is data*.

    Examples
    --------
    >>> import pandas as pd
    >>> ship, review = Action("ship"), Action("review", cost=4, owner="fraud desk")
    >>> draft = Policy(Tiers(Tier(0, 0.5, ship), Tier(0.6, 1, review)), idle="ship", holdout=0.01)
    >>> for problem in draft.gaps():
    ...     print(problem)
    no tier takes scores in [0.5, 0.6)
    no rule for a missing score: say which action follows, missing='…'
    >>> rule = Tiers(Tier(0, 0.5, ship), Tier(0.5, 1, review))
    >>> policy = Policy(rule, missing="review", idle="ship", holdout=0.01, name="desk")
    >>> print(policy)
    [0, 0.5) ship; [0.5, 1] review; no score: review
    >>> policy.decide(pd.DataFrame({"p": [0.2, 0.5, None]}), score="p")["action"].to_list()
    ['ship', 'review', 'review']

    A rule by segment:

    >>> call = Action("call", cost=15, owner="sales")
    >>> cards = Policy(Segments({0: "nothing", 1: call}), missing="nothing", idle="nothing", holdout=0.1)
    >>> cards.decide(pd.DataFrame({"cluster": [1, 0]}), segment="cluster")["action"].to_list()
    ['call', 'nothing']
    >>> cards.gaps(volumes={0: 900, 1: 80, 2: 20})
    ['segment 2 has 20 cases and no action']
    """

    rule: Tiers | Menu | Segments
    missing: Action | None = None
    idle: Action | None = None
    holdout: float | None = None
    brief: Brief | None = None
    name: str = ""

    def __init__(
        self,
        rule: Tiers | Menu | Segments,
        *,
        missing: Action | str | None = None,
        idle: Action | str | None = None,
        holdout: float | None = None,
        brief: Brief | None = None,
        name: str = "",
    ) -> None:
        if not isinstance(rule, (Tiers, Menu, Segments)):
            raise TypeError(f"rule must be Tiers(…), Menu(…) or Segments({{…}}); got {describe(rule)}")
        known = {action.name: action for action in rule.actions}
        if isinstance(idle, str) and idle not in known:
            raise ValueError(
                f"idle must be the name of an action of the rule ({', '.join(known)}), or an Action beside it; "
                f"got {describe(idle)}"
            )
        left_alone = None if idle is None else known[idle] if isinstance(idle, str) else as_action(idle, "idle")
        if left_alone is not None:
            known.setdefault(left_alone.name, left_alone)
        fallback = known.get(missing, missing) if isinstance(missing, str) else missing
        if not (brief is None or isinstance(brief, Brief)):
            raise TypeError(f"brief must be a Brief; got {describe(brief)}")
        if not isinstance(name, str):
            raise TypeError(f"name must be text; got {describe(name)}")
        parts = {
            "rule": rule,
            "missing": None if fallback is None else as_action(fallback, "missing"),
            "idle": left_alone,
            "holdout": None if holdout is None else as_number(holdout, "holdout", ge=0, lt=1) + 0.0,
            "brief": brief,
            "name": as_text(name, "name") if name else "",
        }
        for part, x in parts.items():
            object.__setattr__(self, part, x)

    @property
    def actions(self) -> list[Action]:
        """Every action that the policy may take, each once, in the order of the rule."""
        beside = [action for action in (self.missing, self.idle) if action is not None]
        return list(dict.fromkeys([*self.rule.actions, *beside]))

    @property
    def fingerprint(self) -> str:
        """Twelve characters that stand for everything that `to_json` writes: another policy has others."""
        return hashlib.blake2b(policy_text(self, indent=None).encode(), digest_size=6).hexdigest()

    def gaps(
        self, volumes: Mapping[Any, float] | None = None, effects: Mapping[Any, float] | Sequence[float] | None = None
    ) -> list[str]:
        """List what still keeps the policy from being used, one readable problem a line; empty means ready.

        Parameters
        ----------
        volumes : mapping, optional
            Expected number of cases by action name (by segment, where the rule is one of segments), to hold against the
            capacities; a segment without an action is a gap.
        effects : mapping by action name (or segment), or sequence with one number per tier, optional
            Dollars per case that the action brings compared with doing nothing, before its cost.

        Returns
        -------
        list of str
            Holes, overlaps, boundaries that belong to nobody or to two, no rule for a missing score or segment, actions
            without owner, cost or (in a menu) gain, an idle action that costs something, no hold-out, an incomplete
            brief; and with `volumes` and `effects`, actions above their capacity and tiers that lose money.

        Raises
        ------
        TypeError, ValueError
            For volumes or effects of something the policy does not have, or that are no numbers.
        """
        problems = rule_gaps(self.rule, self.idle, self.missing)
        problems += signed_gaps(self.actions, self.idle, self.holdout, self.brief)
        if volumes is not None:
            problems += volume_gaps(self.rule, self.actions, volumes)
        if effects is not None:
            problems += effect_gaps(self.rule, effects)
        return problems

    def decide(
        self,
        frame: FrameT,
        *,
        score: str | None = None,
        value: str | None = None,
        segment: str | None = None,
        into: str = "action",
    ) -> FrameT:
        """Add a column with the action that follows each case.

        Parameters
        ----------
        frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame
            One row per case; a lazy frame stays lazy. Dask: ``frame.map_partitions(policy.decide, score=…)``.
        score : str
            The column with the probabilities, for tiers and menus.
        value : str, optional
            A column that every gain is multiplied with, for a menu whose gains are per dollar at stake.
        segment : str
            The column with the segments, for a rule of segments.
        into : str, default 'action'
            Name of the new column. A menu also adds ``into + '_value'``, the expected dollars.

        Returns
        -------
        frame
            Of the caller's own type, with the same rows.

        Raises
        ------
        ValueError
            While the policy has gaps; for a column that is absent or already there; for a score outside [0, 1], an
            infinite value, a segment without an action. A lazy frame meets its numbers only when it runs: then the
            engine raises its own conversion error, with the sentence in it (Spark with ``spark.sql.ansi.enabled`` off
            gives NULL instead of an action).
        TypeError
            For an argument that the rule has no use for, a column of another kind, and for a Dask frame.

        Notes
        -----
        Scores are compared as 64-bit floats, p ≥ low acts: 0.7 stored in 32 bits is 0.699999988 and falls below a tier
        that starts at 0.7, on every engine. NULL and NaN are both missing; in a menu, so is a case without a value,
        gain or cost. Equal expected values go to the later listed action. Segments that are whole numbers are compared
        as whole numbers.
        """
        refuse_gaps(self.gaps())
        self._check_arguments("decide", score=score, value=value, segment=segment)
        column_name(into, "into")
        data = opened(frame)
        fallback = self.missing
        assert fallback is not None
        if isinstance(self.rule, Segments):
            decided = decide_segments(data, self.rule, fallback, str(segment), into)
        elif isinstance(self.rule, Tiers):
            decided = decide_tiers(data, self.rule, fallback, str(score), into)
        else:
            menu = [self._priced(action) for action in self.rule]
            decided = decide_menu(data, menu, fallback, str(score), value, into)
        native: FrameT = decided.to_native()
        return native

    @cached_property
    def _serve(self) -> OneTier | OneMenu | OneSegment:
        """The rule in the form in which single cases are decided; refused while the policy has gaps."""
        refuse_gaps(self.gaps())
        assert self.missing is not None
        menu = [self._priced(action) for action in self.rule] if isinstance(self.rule, Menu) else []
        return ready_to_serve(self.rule, menu, self.missing)

    def action(
        self, score: Any = ..., *, value: Any = ..., segment: Any = ..., columns: Mapping[str, Any] | None = None
    ) -> str:
        """Name the action that follows one case, in microseconds: for a service that decides case by case.

        Parameters
        ----------
        score : float or None
            The probability, for tiers and menus; None, NaN or NA where it is missing.
        value : float or None, optional
            What every gain is multiplied with, for a menu whose gains are per dollar at stake. None means that it is
            missing; leave it out where gains are in dollars.
        segment : int, str or None
            The segment, for a rule of segments.
        columns : mapping, optional
            The case's own gains and costs, for a menu that reads them from columns.

        Returns
        -------
        str
            The name of the action: the one that `decide` gives the case in a frame.

        Raises
        ------
        ValueError
            While the policy has gaps; for a score outside [0, 1], an infinite amount, a segment without an action.
        TypeError
            For an argument that the rule has no use for, the lack of one that it needs, and anything but a number.

        Examples
        --------
        >>> rule = Tiers(Tier(0, 0.5, "ship"), Tier(0.5, 1, Action("review", cost=4, owner="desk")))
        >>> policy = Policy(rule, missing="review", idle="ship", holdout=0.01)
        >>> policy.action(0.3), policy.action(0.5), policy.action(None)
        ('ship', 'review', 'review')
        """
        serve = self._serve
        if isinstance(serve, OneTier) and score is not ... and value is segment is ... and columns is None:
            return serve(score, {})
        if isinstance(serve, OneMenu) and score is not ... and segment is ...:
            return serve(score, columns or {}, value)
        if isinstance(serve, OneSegment) and segment is not ... and score is value is ... and columns is None:
            return serve(segment)
        needed = "segment" if isinstance(serve, OneSegment) else "score"
        given = {"score": score, "value": value, "segment": segment, "columns": ... if columns is None else columns}
        useless = [name for name, x in given.items() if x is not ... and name != needed]
        if given[needed] is ...:
            raise TypeError(f"say {needed}: the rule is {self._kind_of_rule}")
        raise TypeError(f"action has no use for {' and '.join(useless)}: the rule is {self._kind_of_rule}")

    @property
    def _kind_of_rule(self) -> str:
        return {
            Tiers: "tiers: the action follows from the score",
            Menu: "a menu: the action follows from the score and what the actions bring",
            Segments: "segments: the action follows from the segment",
        }[type(self.rule)]

    def plan(
        self,
        frame: Any,
        *,
        case: str,
        time: Any,
        score: str | None = None,
        value: str | None = None,
        segment: str | None = None,
        explore: float | Mapping[Any, Mapping[Any, float | str]] = 0.0,
        seed: int,
        model: str = "",
        keep: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Turn cases into rows of a ledger: what is done with each, with which probability, at which cost, and why.

        Parameters
        ----------
        frame : pandas, Polars, PyArrow, DuckDB or PySpark frame
            One row per case; a lazy frame is collected, with the columns that are needed.
        case : str
            The column with the cases' ids, text or whole numbers.
        time : str, date or datetime
            A column of the frame, or one point in time for all cases (ISO text, a date: its first moment).
        score, value, segment : str, optional
            Columns, as in `decide`. A `segment` beside a rule by score is only written down; `score` beside a rule of
            segments is written down and says who goes first where room is short. `value` multiplies gains.
        explore : float or mapping, default 0
            Which share of the cases tries another action at random. A number: one of the policy's actions, each with
            the same probability. A mapping from planned action to shares: ``{"ship": {"review": 0.01}}``; the action
            that is tried may be an `Action` that the policy does not have, and the share may be the name of a column
            with a share for each case (a stratified audit).
        seed : int
            Of the lots. The same case has the same lot with the same seed, in whatever order or part it comes; take
            another seed to draw the hold-out anew.
        model : str, optional
            Which model the scores come from.
        keep : list of str, optional
            More columns to carry along, for whoever carries the actions out.

        Returns
        -------
        DataFrame
            A row per case, in the frame's order (and with its index, if it is a pandas frame): ``case``, ``time``,
            ``segment``, ``score``; ``planned``, the action after capacity and before lots; ``action``, what is to be
            done; ``idle``, the action that leaves a case alone; ``drawn``, the lot that changed the action ('holdout',
            'explore' or ''); ``propensity``, the exact probability of this action given the planned one; ``cost`` of
            the action; ``expected_value``, dollars that it is expected to bring beyond the idle action (0 for that
            one, missing where the policy cannot know); ``model``; ``policy``, its name and fingerprint.

        Raises
        ------
        TypeError, ValueError
            As in `decide`, all of it at once, since the rows are here; and for ids that are missing or come twice at
            one time, costs that are missing or below 0, shares that add up to more than 1, cases that fit nowhere, and
            exploration that alone would need more room than there is.

        Warns
        -----
        CostWarning
            Where no score can make an action pay, because its gain is at most its cost, and there is no `value`: gains
            per dollar at stake would be read as dollars.

        Notes
        -----
        *Capacity.* Who does not fit gets the next best action. In a menu a full action keeps those who would lose most
        by their next best (with one limited action that is the best that can be done); with tiers the highest scores
        stay and the others go to the tier below, at last to the idle action; with segments the highest expected value
        stays (else the highest score, else whom a keyed hash puts first) and the others are left alone. Cases without a
        score come last. Equal ones: a keyed hash of the case, so the order of the rows never matters.

        *Lots.* One number u per case: below `holdout` the case is left alone, in the next stretch of length e (its
        exploration) another action is tried. Given the planned action a, with h the hold-out and e_b the share of
        exploration that goes to b: P(b) = (1 − h − e)·1[b = a] + h·1[b = idle] + e_b. Room for exploration is set aside
        beforehand, as much as is enough with probability 0.999 per action, so the planned action does not depend on
        lots, and the probability above is exact. Taught in notebook 03, *A policy is data*.

        Examples
        --------
        >>> import pandas as pd
        >>> menu = Menu(Action("nothing", gain=0), Action("call", gain=100, cost=15, owner="sales", capacity=2))
        >>> policy = Policy(menu, missing="nothing", idle="nothing", holdout=0.1, name="retention")
        >>> customers = pd.DataFrame({"id": [11, 12, 13, 14], "p": [0.5, 0.9, 0.1, 0.7]})
        >>> plan = policy.plan(customers, case="id", time="2026-03-01", score="p", seed=7)
        >>> print(plan[["case", "planned", "action", "drawn", "propensity", "expected_value"]].to_string(index=False))
        case planned  action   drawn  propensity  expected_value
          11 nothing nothing                 1.0             0.0
          12    call    call                 0.9            75.0
          13 nothing nothing                 1.0             0.0
          14    call nothing holdout         0.1             0.0
        """
        from mllayers.decision.plan import planned_rows

        refuse_gaps(self.gaps())
        self._check_arguments("plan", score=score, value=value, segment=segment)
        if score is not None and value is None and self.idle is not None:
            alone, *others = [self._priced(x) for x in (self.idle, *(x for x in self.actions if x != self.idle))]
            told = never_paying(others, alone)
            if told:
                warnings.warn(told, CostWarning, stacklevel=2)
        return planned_rows(
            self,
            frame,
            case=case,
            time=time,
            score=score,
            value=value,
            segment=segment,
            explore=explore,
            seed=seed,
            model=model,
            keep=keep,
        )

    def _check_arguments(self, door: str, **columns: str | None) -> None:
        """Refuse an argument that the rule has no use for, or the lack of one that it needs."""
        given = {name for name, x in columns.items() if x is not None}
        for name in given:
            column_name(columns[name], name)
        needed, kind = ("segment" if isinstance(self.rule, Segments) else "score"), self._kind_of_rule
        useless = given - {needed} - ({"value"} if isinstance(self.rule, Menu) else set())
        if needed not in given:
            instead = f", not {' and '.join(sorted(useless))}" if useless else ""
            raise TypeError(f"say {needed}='…', a column{instead}: the rule is {kind}")
        if door == "decide" and useless:
            raise TypeError(f"decide has no use for {' and '.join(sorted(useless))}: the rule is {kind}")

    def _priced(self, action: Action) -> Action:
        """The action as it counts: the idle one brings and costs nothing unless something else is said."""
        if action != self.idle:
            return action
        return replace(action, gain=0.0 if action.gain is None else action.gain, cost=0.0)

    def describe(self) -> str:
        """Give the page a manager signs: what follows each output, who does it, what it costs, what is still open."""
        by_value, problems = isinstance(self.rule, Menu), self.gaps()
        if isinstance(self.rule, Segments):
            rows = [(f"segment {x}", action) for x, action in self.rule.pairs]
        elif isinstance(self.rule, Tiers):
            rows = [(_tier_row(tier), tier.action) for tier in self.rule]
        else:
            rows = [("highest value", action) for action in self.rule]
        fallback = (f"no {'segment' if isinstance(self.rule, Segments) else 'score'}", self.missing)
        cells: list[tuple[str, ...]] = [("When", "Action", "Owner", "Cost a case", "Room", "Gain")]
        for when, action in [*rows, fallback]:
            if action is None:
                cells.append((when, "?", "?", "?", "?", "?"))
                continue
            owner = action.owner if is_said(action.owner) else "–" if action == self.idle else "?"
            known = self._priced(action)
            room = "no limit" if action.capacity is None else f"{action.capacity:,.0f}"
            gain = exact(known.gain) if isinstance(known.gain, float) else amount_told(known.gain)
            cells.append((when, action.name, owner or "?", amount_told(known.cost), room, gain))
        if not by_value:  # the action follows from the interval or the segment, whatever it gains
            cells = [row[:-1] for row in cells]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self.name, ""] if self.name else []
        lines += [str(self.brief), ""] if self.brief else []
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        lines += ["", _BY_VALUE] if by_value else []
        lines += ["", f"Hold-out: {self._holdout_told()}"]
        lines += ["Still open:", *(f"- {problem}" for problem in problems)] if problems else ["Still open: nothing"]
        return "\n".join([*lines, "", "Signed: ____________  Date: ____________"])

    def _holdout_told(self) -> str:
        if self.holdout and self.idle is not None:
            return (
                f"{plain(100 * self.holdout)} % of the cases, drawn at random, get {self.idle.name!r} and nothing else"
            )
        return "none, and no action leaves a case alone" if self.holdout == 0 and self.idle is None else "?"

    def __str__(self) -> str:
        what = "segment" if isinstance(self.rule, Segments) else "score"
        return f"{self.rule}; no {what}: {self.missing.name if self.missing else '?'}"

    def __repr__(self) -> str:
        return f"Policy({self.name + ': ' if self.name else ''}{self})"

    def to_json(self) -> str:
        """Write the policy as plain JSON, for version control and review; a policy with gaps is refused."""
        refuse_gaps(self.gaps())
        return policy_text(self)

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """Read a policy written by `to_json`.

        A text that was edited into a draft with gaps is read, so that `gaps` can list them.

        Raises
        ------
        ValueError
            For text that is no such policy: a field that is absent, unknown or there twice, an action or a segment that
            is described twice, a number that is none, another version. The message names the place.
        """
        policy: Policy = read_policy(text, cls)
        return policy


_BY_VALUE = """\
Each case gets the action with the highest expected value: its score times the gain, less the cost.
A gain counts per dollar where the cases come with a value. Equal ones: the action further down."""


def _tier_row(tier: Tier) -> str:
    """The interval of a tier in the notation of a form, rounded to four digits."""
    if tier.low == tier.high:
        return f"score {tier.low:.4g}"
    left, right = ("≤" if closed else "<" for closed in (tier.takes_low, tier.takes_high))
    return f"{tier.low:.4g} {left} score {right} {tier.high:.4g}"

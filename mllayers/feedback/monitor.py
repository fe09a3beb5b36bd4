"""Has a rate or a mean moved? An alarm designed from the false alarms that one can bear."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_banded
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import log_ndtr, ndtri

from mllayers._check import Floats, as_binary, as_number, as_numbers
from mllayers._words import exact

__all__ = ["Monitor"]

_LONGEST = 1e100  # cases between two false alarms; nobody has more
_RARE = 2.0**16  # steps up for one step down, beyond which several cases share a step
_STATES = 3_000  # for which one set of equations is solved in milliseconds
_NEAR_ENOUGH = 1e-3  # how far two ways to the same run length may lie apart


class Monitor:
    """An alarm for a rate or a mean that has moved, designed from the false alarms one can bear (CUSUM).

    Parameters
    ----------
    usual : float
        The rate, in (0, 1), or with `sd` the mean, while all is well.
    moved : float
        The rate or mean that it should find fastest, above or below `usual`; it watches that side alone.
    run_length : float
        How many cases, on average, may pass between two false alarms: cases a day × days. At least 2.
    sd : float, optional
        Standard deviation of one case, for means of normal numbers; without it, cases are 0 or 1.

    Attributes
    ----------
    limit : float
        Alarm when the statistic reaches it.
    run_length : float
        Average number of cases to a false alarm, computed for this limit. For rates at least what was asked for (there
        the statistic moves in steps).
    delay : float
        Average number of cases to the alarm when the rate or mean is `moved` from the first case on.
    statistic : float
        Where it stands now.

    Raises
    ------
    TypeError, ValueError
        For a rate outside (0, 1), `moved` equal to `usual`, a run length so short that every case would have to raise
        an alarm, and designs for which nobody can say how long they run: the message says what to change.

    Notes
    -----
    S = max(0, S + increment), with the increments of the log-likelihood ratio of `moved` against `usual`: for means
    ``|x − usual| / sd`` less half the shift (S in standard deviations), for rates the steps are rounded to multiples
    of one unit, within 2 % and so that S still falls while all is well and rises when it is not. Run lengths are exact,
    not simulated: a Markov chain for rates, Brook and Evans' integral equation for means, both solved for one cycle,
    from zero to zero or to the limit (Page). The chance of an alarm is found where alarms are frequent and weighted
    back (Wald), so that long run lengths are as exact as short ones. Far from zero neither end feels the other, and
    the run length is a + b h + c exp(θ h) with known b and θ; a and c are found from two limits that are near enough
    (for rates within 0.1 %, which is checked at a third). For rates below 1 in 60,000 or so several cases share a step
    (within 0.02 %).

    Run lengths hold for independent cases with the `usual` that was given: estimate it from many more cases than
    `run_length` would need to notice an error in it. For both sides take two monitors, each with twice the run length.
    After an alarm the statistic goes on; `reset` it when somebody has looked.
    Taught in notebook 05, *Optional: which alarm sees what*.

    References
    ----------
    Page (1954), Biometrika 41; Brook and Evans (1972), Biometrika 59(3); Siegmund (1985), "Sequential Analysis";
    Reynolds and Stoumbos (1999), Journal of Quality Technology 31(1).

    Examples
    --------
    Reviews find fraud in 5 % of the orders; a rise to 8 % matters; one false alarm in 10,000 orders is bearable:

    >>> monitor = Monitor(0.05, 0.08, run_length=10_000)
    >>> print(monitor)
    alarm at 4.08: by chance once in 10,169 cases, after 415 on average when 0.05 has become 0.08
    >>> path = monitor.update([0, 1, 1, 0])
    >>> path.round(2).tolist(), bool((path >= monitor.limit).any())
    ([0.0, 0.47, 0.94, 0.91], False)
    """

    usual: float
    moved: float
    sd: float | None
    limit: float
    run_length: float
    delay: float

    def __init__(self, usual: float, moved: float, *, run_length: float, sd: float | None = None) -> None:
        asked = as_number(run_length, "run_length", ge=2, le=_LONGEST)
        within = {} if sd is not None else {"gt": 0.0, "lt": 1.0}
        self.usual, self.moved = as_number(usual, "usual", **within), as_number(moved, "moved", **within)
        if self.usual == self.moved:
            raise ValueError(f"moved must differ from usual; both are {self.usual:g}")
        self.sd = None if sd is None else as_number(sd, "sd", gt=0)
        self._side = 1 if self.moved > self.usual else -1
        if self.sd is None:
            self._design_rate(asked)
        else:
            self._design_mean(asked, self._shift())
        self._total = self._least = 0.0

    def _shift(self) -> float:
        """The distance that matters, in standard deviations."""
        assert self.sd is not None
        return (
            abs(self.moved / self.sd - self.usual / self.sd) if self.sd > 1 else abs(self.moved - self.usual) / self.sd
        )

    def _design_rate(self, asked: float) -> None:
        """Whole steps up and down, and the lowest limit that bears the run length."""
        p0 = self.usual if self._side > 0 else 1 - self.usual
        q0 = 1 - self.usual if self._side > 0 else self.usual
        shift = abs(self.moved - self.usual)
        steps = _Steps.of(p0, q0, shift)
        calm, other = _RateChain(p0, q0, steps), _RateChain(p0 + shift, q0 - shift, steps)
        n = calm.lowest_limit(asked)
        self._unit, self._up, self._down = steps.unit, steps.up / steps.hits, steps.down / steps.misses
        self.limit = n * self._unit
        self.run_length, self.delay = calm.run_length(n), other.run_length(n)

    def _design_mean(self, asked: float, shift: float) -> None:
        """The limit, in standard deviations, at which the integral equation gives the run length."""
        half = shift / 2
        if half == 0 or not math.isfinite(shift):
            raise ValueError(f"moved must differ from usual by a number of sd that can be told; got {shift:g} sd")
        shortest = math.exp(min(-float(log_ndtr(-half)), 700.0))
        if asked <= shortest:
            most = math.floor(-20 * float(ndtri(1 / asked))) / 10
            raise ValueError(
                f"run_length must be above {shortest:.3g} for a shift of {shift:g} sd; got {asked:g}: let moved lie "
                f"at most {most:g} sd from usual, larger shifts are found all the sooner"
            )
        high, target = 1.0, math.log(asked)
        while _log_run_of_mean(half, high) < target:
            high *= 2
        self.limit = brentq(lambda h: _log_run_of_mean(half, h) - target, 0.0, high, xtol=1e-11, rtol=1e-14)
        self.run_length, self.delay = (math.exp(_log_run_of_mean(k, self.limit)) for k in (half, -half))
        self._unit = 1.0

    def update(self, x: ArrayLike) -> Floats:
        """Take one case, or a series in its order; the same however it is cut into pieces.

        Parameters
        ----------
        x : number or array of shape (n,)
            0 or 1 for rates, numbers for means. What is none of them is refused, and the statistic stays.

        Returns
        -------
        array of shape (n,)
            The statistic after each case; an alarm where it is at or above ``limit``.
        """
        column = [x] if np.ndim(x) == 0 and not isinstance(x, (str, bytes, dict)) else x
        if self.sd is None:
            hit = as_binary(column, "x") == (self._side > 0)
            step = np.where(hit, self._up, -self._down)
        else:
            with np.errstate(over="ignore"):
                step = self._side * (as_numbers(column, "x") - self.usual) / self.sd - self._shift() / 2
            if not np.isfinite(step).all():
                row = int(np.argmin(np.isfinite(step)))
                raise ValueError(f"x must lie within 1e308 sd of usual; got one that does not at row {row}")
        if self.sd is not None and np.abs(step).sum() + abs(self._total) > 1e9:
            return self._one_by_one(step)
        total = np.cumsum(np.r_[self._total, step])
        least = np.minimum.accumulate(np.r_[self._least, total[1:]])
        self._total, self._least = float(total[-1]), float(least[-1])
        return (total - least)[1:] * self._unit

    def _one_by_one(self, step: Floats) -> Floats:
        """The textbook's line, for numbers so large that small ones would vanish beside their sum."""
        now, path = self._total - self._least, np.empty(len(step))
        for row, one in enumerate(step.tolist()):
            now = min(max(0.0, now + one), 1e308)
            path[row] = now
        self._total, self._least = now, 0.0
        return path * self._unit

    def reset(self) -> None:
        """Start again at zero."""
        self._total = self._least = 0.0

    @property
    def statistic(self) -> float:
        """Where it stands now."""
        return (self._total - self._least) * self._unit

    def __repr__(self) -> str:
        often = f"{self.run_length:,.0f}" if self.run_length < 1e15 else f"{self.run_length:.3g}"
        told = f"alarm at {self.limit:.2f}: by chance once in {often} cases"
        return f"{told}, after {self.delay:,.0f} on average when {exact(self.usual)} has become {exact(self.moved)}"


# far from zero: one formula for both ------------------------------------------------------------------------------


def _bulk_curve(n: float, theta: float, drift: float) -> tuple[float, float]:
    """The run length over limits that are far from zero is the first of these, plus b times the second, plus c.

    (exp(θ n) − 1 − θ n) / (θ · −drift) and (exp(θ n) − 1) / θ, also where θ or the product is next to nothing.
    """
    x = theta * n
    if x > 690:
        return math.inf, math.inf
    square = 0.5 + x / 6 + x * x / 24 if abs(x) < 1e-3 else (math.expm1(x) - x) / (x * x)
    line = 1 + x / 2 if abs(x) < 1e-9 else math.expm1(x) / x
    return n * n * square * (theta / -drift), n * line


def _beyond(points: list[tuple[float, float]], theta: float, drift: float) -> Callable[[float], float]:
    """The run length as a function of the limit, through two limits where it is known."""
    (n1, l1), (n2, l2) = points
    (s1, g1), (s2, g2) = _bulk_curve(n1, theta, drift), _bulk_curve(n2, theta, drift)
    b = ((l2 - s2) - (l1 - s1)) / (g2 - g1) if g2 != g1 else 0.0  # equal: it no longer moves, and c holds it
    c = l1 - s1 - b * g1

    def run_length(n: float) -> float:
        square, line = _bulk_curve(n, theta, drift)
        return math.inf if math.isinf(square) else square + b * line + c

    return run_length


# means --------------------------------------------------------------------------------------------------------------


def _log_run_of_mean(half: float, limit: float) -> float:
    """Log of the average cases to S ≥ limit from 0, S = max(0, S + z − half) with standard normal z."""
    if abs(half) > 1 or limit <= 40:
        return _log_run_by_cycle(half, limit)
    beyond = _beyond([(h, math.exp(_log_run_by_cycle(half, h))) for h in (20.0, 30.0)], 2 * half, -half)
    return math.log(beyond(limit))


@lru_cache(maxsize=4096)
def _log_run_by_cycle(half: float, limit: float) -> float:
    """The mean length of a cycle (from 0 to 0 or below, or to the limit) over the chance that it ends in the alarm.

    The chance is found under drift +half, where it is not small, and weighted back by exp(−θ · where it ends).
    """
    theta, (x, w) = max(2 * half, 0.0), _legendre(max(48, 16 * math.ceil(4 * limit / 16)))
    x, w = np.r_[0.0, limit * (x + 1) / 2], limit * w / 2
    to = x[None, 1:] - x[:, None]

    def solved(drift: float, right: Floats) -> float:
        kernel = np.exp(-((to - drift) ** 2) / 2) / math.sqrt(2 * math.pi) * w
        return float(right[0] + kernel[0] @ np.linalg.solve(np.eye(len(w)) - kernel[1:], right[1:]))

    length = solved(-half, np.ones(len(x)))
    chance = solved(theta - half, np.exp(log_ndtr(x - limit - half) + theta * (limit - x)))
    return math.log(length) + theta * limit - math.log(chance)


@lru_cache(maxsize=64)
def _legendre(n: int) -> tuple[Floats, Floats]:
    """Gauss and Legendre's nodes and weights."""
    x, w = np.polynomial.legendre.leggauss(n)
    return x, w


# rates --------------------------------------------------------------------------------------------------------------


class _Steps:
    """Whole steps: `up` for so many hits, `down` for so many misses, one of which is 1 where the other is shared."""

    def __init__(self, up: int, down: int, unit: float, hits: int = 1, misses: int = 1) -> None:
        self.up, self.down, self.unit, self.hits, self.misses = up, down, unit, hits, misses

    @classmethod
    def of(cls, p0: float, q0: float, shift: float) -> _Steps:
        """The smallest steps that keep the ratio within 2 %, and the drift on its side of zero for both rates."""
        gain, loss = math.log1p(shift / p0), -math.log1p(-shift / q0)
        ratio = gain / loss
        if max(ratio, 1 / ratio) > _RARE:
            share = 2 ** math.ceil(math.log2(max(ratio, 1 / ratio) / _RARE))
            if ratio > 1:
                up = round(ratio / share)
                return cls(up, 1, gain / up, misses=share)
            down = round(1 / ratio / share)
            return cls(1, down, gain * share, hits=share)
        down = max(1, math.floor(0.98 / ratio)) + np.arange(4_000)
        up = np.maximum(np.rint(down * ratio), 1)
        even, middle = down / (up + down), loss / (gain + loss)  # the rate at which S neither rises nor falls
        off = np.abs(even - middle) / min(middle - p0, p0 + shift - middle)
        long, short = np.maximum(up, down), np.minimum(up, down)
        small = (short == 1) | ((long <= 400) & (long * short <= 6_000))
        fits = small & (np.abs(up / (down * ratio) - 1) < 0.02) & (off <= 0.5)
        if (fits & (off <= 0.25)).any():
            fits &= off <= 0.25
        if not fits.any():
            raise ValueError(
                f"moved must be further from usual than {shift:.3g}: no small steps tell the two apart; for shifts as "
                f"small as that give the standard deviation of one case, sd={math.sqrt(p0 * q0):.6g}, as for a mean"
            )
        first = int(np.argmax(fits))
        return cls(int(up[first]), int(down[first]), gain / float(up[first]))


class _RateChain:
    """Average cases to S ≥ limit from 0, S = max(0, S + up) with probability p, else max(0, S − down)."""

    def __init__(self, p: float, q: float, steps: _Steps) -> None:
        self.share = steps.hits * steps.misses
        self.up, self.down = steps.up, steps.down
        if steps.misses > 1:
            p = p * steps.misses
            q = 1 - p
        elif steps.hits > 1:
            q = q * steps.hits
            p = 1 - q
        self.p, self.q = p, q
        self.drift = p * self.up - q * self.down
        self.theta = _other_root(p, q, self.up, self.down)
        self.long = max(self.up, self.down)
        self.reach = max(16 * self.long, _STATES) if self._banded else 16 * self.long
        self._path: Floats | None = None

    @property
    def _banded(self) -> bool:
        return min(self.up, self.down) > 1 or self.long <= 60

    def run_length(self, n: int) -> float:
        """In cases, for a limit of n steps."""
        return self.share * (math.exp(self._log(n)) if n <= self.reach else self._far()(n))

    def lowest_limit(self, asked: float) -> int:
        """The lowest limit, in steps, that bears the run length."""
        target = asked / self.share
        if not self._banded:
            path = self._solved_path()
            enough = np.flatnonzero(path >= math.log(target))
            if enough.size:
                return int(enough[0])
            self._log(self.reach)  # or the sentence that no more can be told
        low, high = 0, 1
        while high < self.reach and self._log(high) < math.log(target):
            low, high = high, min(2 * high, self.reach)
        if self._log(high) < math.log(target):
            at = self._far()
            low, high = high, 2 * high
            while at(high) < target:
                low, high = high, 2 * high
        else:
            at = None
        while high - low > 1:
            middle = (low + high) // 2
            short = self._log(middle) < math.log(target) if at is None else at(middle) < target
            low, high = (middle, high) if short else (low, middle)
        return high

    def _far(self) -> Callable[[float], float]:
        """Beyond the limits that are solved; it must agree with a third that is."""
        n = [round(share * self.reach) for share in (0.75, 0.9, 1.0)]
        known = [math.exp(self._log(one)) for one in n]
        at = _beyond([(n[0], known[0]), (n[2], known[2])], self.theta, self.drift)
        if not math.isclose(at(n[1]), known[1], rel_tol=_NEAR_ENOUGH):
            raise ValueError(_too_long(known[2] * self.share))
        return at

    def _log(self, n: int) -> float:
        """The log of the run length in steps."""
        if self.up >= n:
            return -math.log(self.p)  # the first step up reaches it from anywhere
        if self._banded:
            return self._log_by_equations(n)
        path = self._solved_path()
        if math.isnan(path[n]):
            raise ValueError(_too_long(math.exp(float(np.nanmax(path))) * self.share))
        return float(path[n])

    def _solved_path(self) -> Floats:
        """The log run length of each limit from 0 to `reach`."""
        if self._path is None:
            self._path = self._rising() if self.up == 1 else self._falling()
        return self._path

    def _log_by_equations(self, n: int) -> float:
        """One cycle from 0: its mean length, and the chance that it ends in the alarm (under the drift of alarms)."""
        theta, s = max(self.theta, 0.0), np.arange(1, n)
        length = self._solved(self.p, self.q, np.ones(n - 1))
        p, q = self.p * math.exp(theta * self.up), self.q * math.exp(-theta * self.down)
        right = np.where(s + self.up >= n, p * np.exp(theta * (n - s - self.up)), 0.0)
        chance = self._solved(p, q, right)
        return math.log1p(self.p * length) + theta * n - math.log(p * chance)

    def _solved(self, p: float, q: float, right: Floats) -> float:
        """The x with x = right + p x(s + up) + q x(s − down) within 1 … n − 1, and 0 outside: its value at s = up."""
        size, (up, down) = len(right), (self.up, self.down)
        if size == 1:  # older SciPy looks for the diagonal in another row
            return float(right[0])
        band = np.zeros((down + up + 1, size))  # row up + i - j, column j holds the entry of row i, column j
        band[up] = 1.0
        band[0, up:] = -p
        band[up + down, : max(size - down, 0)] = -q
        if down > up:  # the narrow side below: states counted from the top
            return float(solve_banded((up, down), band[::-1, ::-1], right[::-1])[::-1][up - 1])
        return float(solve_banded((down, up), band, right)[up - 1])

    def _rising(self) -> Floats:
        """The log run lengths of all limits where S rises by one: from the bottom, state after state."""
        theta, n, lag = max(self.theta, 0.0), self.reach, self.down
        p, q = self.p * math.exp(theta), self.q * math.exp(-theta * lag)
        hits = _recurrence(n, lag, p, q, first=1.0, right=np.zeros(n))  # [s - 1]: how likely s is reached before 0
        right = -np.exp(-theta * np.arange(n))
        cost = _recurrence(n, lag, p, q, first=0.0, right=right)
        with np.errstate(divide="ignore"):
            tail = np.log1p(-self.p * cost / hits) + np.log(hits) + theta * np.arange(n) - math.log(self.p)
        return np.concatenate([[-np.inf], tail])

    def _falling(self) -> Floats:
        """The log run lengths of all limits where S falls by one: from the top, whose own is found at the end.

        NaN beyond 10⁸ hits between two alarms: there the difference of two large numbers is all that is left.
        """
        n, up = self.reach, self.up
        slope = _recurrence(n, up, self.q, self.p, first=1.0, right=np.zeros(n))  # L = known + slope · L(top)
        known = _recurrence(n, up, self.q, self.p, first=0.0, right=-np.ones(n))
        below = np.r_[np.zeros(up), slope[:-up]], np.r_[np.zeros(up), known[:-up]]
        with np.errstate(divide="ignore", invalid="ignore"):
            top = (1 / self.p + below[1] - known) / (slope - below[0])
            found = known + slope * top
            growth = found * self.p
            bad = ~(growth > 0) | (growth > 1e8) | (np.maximum(np.abs(known), np.abs(slope * top)) > 1e9 * found)
            found[np.maximum.accumulate(bad)] = np.nan
            return np.concatenate([[-np.inf], np.log(found)])


def _recurrence(n: int, lag: int, here: float, back: float, first: float, right: Floats) -> Floats:
    """The x with x(0) = first and here · x(k + 1) = x(k) + right(k) − back · x(k − lag), a block after the other."""
    x = np.zeros(lag + n)  # x(k) stands at lag + k; before the first there is nothing
    x[lag] = first
    for start in range(0, n - 1, lag):
        k = np.arange(start, min(start + lag, n - 1))
        force = (right[k] - back * x[k]) / here
        x[lag + k + 1], _ = lfilter([1.0], [1.0, -1 / here], force, zi=np.array([x[lag + start] / here]))
    return x[lag:]


def _other_root(p: float, q: float, up: int, down: int) -> float:
    """The θ other than 0 with p exp(θ up) + q exp(−θ down) = 1: above 0 where the drift is below."""
    rises = p * up > q * down
    if rises:
        p, q, up, down = q, p, down, up
    theta = -math.log(p) / up
    for _ in range(200):
        value = p * math.expm1(up * theta) + q * math.expm1(-down * theta)
        slope = p * up * math.exp(up * theta) - q * down * math.exp(-down * theta)
        step = value / slope if slope > 0 else 0.0
        theta -= step
        if abs(step) <= 1e-15 * theta:
            break
    return -theta if rises else theta


def _too_long(known: float) -> str:
    """For run lengths that the equations cannot tell from each other."""
    told = "run_length must be shorter, or moved nearer to usual"
    return f"{told}: between these two it is computed up to {known:.3g} cases"

"""Layer 5, Feedback: alarms, and how long they run."""

import math
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mllayers.feedback import Monitor
from mllayers.feedback.monitor import _bulk_curve, _log_run_of_mean, _RateChain, _Steps


def recursion(monitor, x):
    """The textbook's line, one case after the other."""
    s, path = 0.0, []
    for one in x:
        if monitor.sd is None:
            hit = bool(one) == (monitor.moved > monitor.usual)
            step = monitor._unit * (monitor._up if hit else -monitor._down)
        else:
            z = (one - monitor.usual) / monitor.sd * (1 if monitor.moved > monitor.usual else -1)
            step = z - abs(monitor.moved - monitor.usual) / monitor.sd / 2
        s = max(0.0, s + step)
        path.append(s)
    return path


MONITORS = [
    {"usual": 0.05, "moved": 0.08, "run_length": 500},
    {"usual": 0.79, "moved": 0.65, "run_length": 300},
    {"usual": 0.8, "moved": 0.9, "run_length": 400},
    {"usual": 0.0, "moved": 0.5, "run_length": 300, "sd": 1.0},
    {"usual": 20.0, "moved": 17.0, "run_length": 200, "sd": 4.0},
]


def draws(monitor, rng, shape, at):
    return rng.random(shape) < at if monitor.sd is None else rng.normal(at, monitor.sd, shape)


@pytest.mark.parametrize("design", MONITORS)
@pytest.mark.parametrize("name", ["run_length", "delay"])
def test_run_lengths_are_what_simulation_finds(design, name):
    """4,000 runs side by side: the standard error of the mean run length is about 1.6 %."""
    monitor = Monitor(**design)
    at = monitor.usual if name == "run_length" else monitor.moved
    rng = np.random.default_rng([11, 5, int(100 * abs(monitor.moved)), int(name == "delay")])
    s, runs, step = np.zeros(4_000), np.zeros(4_000), 0
    alive = np.ones(4_000, bool)
    while alive.any():
        step += 1
        x = draws(monitor, rng, 4_000, at)
        side = 1 if monitor.moved > monitor.usual else -1
        if monitor.sd is None:
            move = monitor._unit * np.where(x == (side > 0), monitor._up, -monitor._down)
        else:
            move = side * (x - monitor.usual) / monitor.sd - abs(monitor.moved - monitor.usual) / monitor.sd / 2
        s = np.maximum(0, s + move)
        runs[alive] = step
        alive &= s < monitor.limit - 1e-9
    assert getattr(monitor, name) == pytest.approx(runs.mean(), rel=4.5 * runs.std() / math.sqrt(4_000) / runs.mean())


def test_published_run_lengths():
    """k = ½: limits 4 and 5 have run lengths 168 and 465 on both sides together (Montgomery, table 9.3); 8.38, 10.4."""
    monitor = Monitor(0, 1, sd=1, run_length=2 * 465)
    assert monitor.limit == pytest.approx(5, abs=0.01)
    assert monitor.delay == pytest.approx(10.4, abs=0.05)
    four = Monitor(0, 1, sd=1, run_length=2 * 168)
    assert four.limit == pytest.approx(4, abs=0.01)
    assert four.delay == pytest.approx(8.38, abs=0.03)


def test_siegmunds_approximation_is_near():
    b = 5 + 1.166
    assert Monitor(0, 1, sd=1, run_length=930).run_length == pytest.approx(2 * (math.exp(b) - 1 - b), rel=0.02)


@given(st.floats(0.003, 0.9), st.floats(0.2, 0.9), st.booleans(), st.floats(20, 1_000))
def test_run_length_of_a_rate_solves_the_chain(usual, further, up, asked):
    moved = usual + (1 - usual) * further * 0.8 if up else usual * (1 - further)
    monitor = Monitor(usual, moved, run_length=asked)
    p, n = (usual if up else 1 - usual), round(monitor.limit / monitor._unit)
    chain = np.eye(n)
    for s in range(n):
        if s + monitor._up < n:
            chain[s, s + int(monitor._up)] -= p
        chain[s, max(s - int(monitor._down), 0)] -= 1 - p
    assert monitor.run_length == pytest.approx(np.linalg.solve(chain, np.ones(n))[0], rel=1e-6)
    assert monitor.run_length >= asked * (1 - 1e-12)
    exact = math.log(monitor.moved / usual) / math.log((1 - moved) / (1 - usual))
    assert -monitor._up / monitor._down / exact == pytest.approx(1, abs=0.02) or not up


@pytest.mark.parametrize("design", MONITORS)
def test_statistic_is_the_textbooks_line_however_the_series_is_cut(design):
    rng = np.random.default_rng([12, 5])
    monitor = Monitor(**design)
    x = draws(monitor, rng, 700, (monitor.usual + monitor.moved) / 2)
    path = Monitor(**design).update(x)
    np.testing.assert_allclose(path, recursion(monitor, x), atol=1e-9)
    pieces = [monitor.update(piece) for piece in np.split(x, [1, 2, 300, 300, 650])]
    np.testing.assert_array_equal(np.concatenate(pieces), path)
    assert monitor.statistic == path[-1]
    monitor.reset()
    assert monitor.statistic == 0
    np.testing.assert_array_equal([monitor.update(one)[0] for one in x], path)


def test_run_length_of_a_rare_rate_is_what_simulation_finds():
    """Simulated from event to event, since hardly any case is one."""
    monitor = Monitor(1e-4, 3e-4, run_length=300_000)
    p, up, n = 1e-4, int(monitor._up), round(monitor.limit / monitor._unit)
    rng = np.random.default_rng([13, 5])
    runs = []
    for _ in range(1_500):
        cases = s = 0
        while s < n:
            gap = int(rng.geometric(p))
            cases, s = cases + gap, max(0, s - gap + 1) + up
        runs.append(cases)
    assert monitor.run_length == pytest.approx(np.mean(runs), rel=4.5 / math.sqrt(1_500))


def test_longer_run_lengths_have_higher_limits_and_longer_delays():
    for sd in (None, 0.2):
        designs = [Monitor(0.05, 0.1, run_length=n, sd=sd) for n in (100, 1_000, 10_000, 100_000)]
        assert np.all(np.diff([one.limit for one in designs]) > 0)
        assert np.all(np.diff([one.delay for one in designs]) > 0)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"usual": 0}, ValueError, "usual must be > 0 and < 1; got 0"),
        ({"moved": 1.0}, ValueError, "moved must be > 0 and < 1; got 1"),
        ({"moved": 0.05}, ValueError, "moved must differ from usual; both are 0.05"),
        ({"run_length": 1}, ValueError, r"run_length must be ≥ 2 and .*; got 1"),
        ({"sd": 0}, ValueError, "sd must be > 0; got 0"),
        (
            {"sd": 0.01, "run_length": 5},
            ValueError,
            r"run_length must be above 15 for a shift of 3 sd; got 5: let moved lie",
        ),
        ({"run_length": 1e101}, ValueError, r"run_length must be ≥ 2 and ≤ 1e\+100"),
        (
            {"usual": 0.05, "moved": 0.05000001},
            ValueError,
            r"moved must be further .* give the standard .* sd=0.217945",
        ),
        ({"sd": 1e-300, "moved": 1e300}, ValueError, "a number of sd that can be told; got inf sd"),
        ({"sd": True}, TypeError, "sd must be a number; got True"),
        ({"usual": "5 %"}, TypeError, "usual must be a number"),
    ],
)
def test_monitor_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        Monitor(**{"usual": 0.05, "moved": 0.08, "run_length": 1_000} | wrong)


def test_update_refuses_in_words_and_keeps_its_place():
    monitor = Monitor(0.05, 0.08, run_length=1_000)
    monitor.update([1, 1, 0])
    before = monitor.statistic
    wrongs = ([0, 2], ["yes"], [0, np.nan], "01", "1", b"1", None, {}, 0.5, [[0, 1]], [pd.NaT], [1j], [True, "0"])
    masked = np.ma.masked_array([0, 1], mask=[False, True])
    for wrong in (*wrongs, masked):
        with pytest.raises((TypeError, ValueError), match="x must"):
            monitor.update(wrong)
        assert monitor.statistic == before
    assert monitor.update([]).size == 0
    mean = Monitor(0, 1e-200, sd=1e-200, run_length=1_000)
    with pytest.raises(ValueError, match="x must lie within 1e308 sd of usual; got one that does not at row 1"):
        mean.update([0.0, 1e200])
    assert mean.statistic == 0


# rare events, small shifts, long run lengths ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usual", "moved", "run_length", "sd"),
    [
        (1e-6, 2e-6, 1e9, None),
        (2e-6, 1e-6, 1e9, None),
        (1e-9, 2e-9, 1e12, None),
        (1e-6, 1.01e-6, 1e9, None),
        (1e-4, 0.9, 1e13, None),
        (0.3, 0.301, 1e5, None),
        (0.5, 0.51, 1e15, None),
        (0.05, 0.08, 1e30, None),
        (0.375, 0.5, 4e43, None),
        (0.9999, 0.99999, 1e6, None),
        (0.99999, 0.9999, 1e6, None),
        (0, 1e-4, 1e6, 1.0),
        (0, 1e-300, 1e6, 1.0),
        (0, 1, 1e15, 1.0),
        (0, 0.01, 1e100, 1.0),
        (0, 9, 1e6, 1.0),
    ],
)
def test_every_design_has_an_answer_within_a_second_or_so(usual, moved, run_length, sd):
    start = time.process_time()
    monitor = Monitor(usual, moved, run_length=run_length, sd=sd)
    assert time.process_time() - start < 3, "a second on a machine of its own"
    assert monitor.run_length >= run_length * (1 - 1e-6)
    assert 0 < monitor.limit < math.inf
    assert 1 <= monitor.delay < monitor.run_length * 1.001


@pytest.mark.parametrize(
    ("usual", "moved", "run_length", "sd", "says"),
    [
        (0.05, 0.05000001, 1e5, None, "moved must be further from usual"),
        (1e-4, 0.01, 1e14, None, "run_length must be shorter, or moved nearer to usual"),
        (0, 20, 1e6, 1.0, r"run_length must be above 1.31e\+23 for a shift of 20 sd; .* at most 9.5 sd from usual"),
        (0, 100, 1e6, 1.0, "run_length must be above"),
        (0, 1e9, 1e6, 1.0, "run_length must be above"),
    ],
)
def test_designs_without_an_answer_are_refused_at_once(usual, moved, run_length, sd, says):
    start = time.process_time()
    with pytest.raises(ValueError, match=says):
        Monitor(usual, moved, run_length=run_length, sd=sd)
    assert time.process_time() - start < 3


@given(
    st.floats(1e-12, 1 - 1e-12), st.floats(1e-12, 1 - 1e-12), st.floats(2, 1e100), st.sampled_from([None, 0.01, 1.0])
)
def test_no_design_hangs_or_ends_in_anything_but_a_sentence(usual, moved, run_length, sd):
    said, monitor = "", None
    try:
        monitor = Monitor(usual, moved, run_length=run_length, sd=sd)
    except ValueError as refused:
        said = str(refused)
    assert said.startswith(("run_length must", "moved must")) or monitor is not None
    if monitor is not None:
        assert monitor.run_length >= run_length * (1 - 1e-6)
        assert 1 - 1e-9 <= monitor.delay <= monitor.run_length * 1.001


def nystroem(half, limit, nodes):
    """Brook and Evans' integral equation in its plain form, without cycles or tilting."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    x, w = np.r_[0.0, limit * (x + 1) / 2], limit * w / 2
    density = stats.norm.pdf(x[None, 1:] - x[:, None] + half) * w
    moves = np.column_stack([stats.norm.cdf(half - x), density])
    return np.linalg.solve(np.eye(len(x)) - moves, np.ones(len(x)))[0]


@pytest.mark.parametrize(("half", "limit"), [(0.5, 5.0), (0.05, 45.0), (0.001, 60.0), (1e-9, 70.0), (0.25, 20.0)])
def test_limits_far_from_zero_agree_with_the_whole_equation(half, limit):
    """Beyond 40 sd the package uses two smaller limits; here the large equation is solved."""
    for side in (half, -half):
        assert math.exp(_log_run_of_mean(side, limit)) == pytest.approx(nystroem(side, limit, 400), rel=1e-7)


def chain(p, up, down, n):
    """The Markov chain of a rate, in whole numbers: one equation a state."""
    moves = np.eye(n)
    for s in range(n):
        if s + up < n:
            moves[s, s + up] -= p
        moves[s, max(s - down, 0)] -= 1 - p
    return np.linalg.solve(moves, np.ones(n))[0]


@pytest.mark.parametrize(
    ("p", "steps"), [(0.003, _Steps(300, 1, 0.01)), (0.9967, _Steps(1, 280, 0.01)), (0.1, _Steps(8, 1, 0.1))]
)
@pytest.mark.parametrize("n", [2, 250, 301, 650, 1_500])
def test_every_way_to_the_run_length_of_a_rate_agrees_with_the_chain(p, steps, n):
    found = _RateChain(p, 1 - p, steps).run_length(n)
    plain = chain(p, steps.up, steps.down, n)
    if plain < 1e9:  # beyond, the plain solution has no digits left
        assert found == pytest.approx(plain, rel=1e-6)


def test_beyond_the_solved_limits_the_formula_agrees_with_the_chain():
    small = _RateChain(0.31, 0.69, _Steps(13, 6, 0.01))
    small.reach = 400
    for n in (500, 900, 1_400):
        assert small.run_length(n) == pytest.approx(chain(0.31, 13, 6, n), rel=1e-6)


@given(st.floats(0.02, 0.5), st.floats(1.3, 3), st.floats(10, 14))
def test_long_run_lengths_are_exact_in_fractions(usual, times, digits):
    """Solved with 50 digits, for chains of a few dozen states."""
    monitor = Monitor(usual, min(usual * times, 0.95), run_length=10**digits)
    up, down, n = int(monitor._up), int(monitor._down), round(monitor.limit / monitor._unit)
    if n > 60:
        return
    p = Fraction(usual)
    rows = [[Fraction(int(i == j)) for j in range(n)] + [Fraction(1)] for i in range(n)]
    for s in range(n):
        if s + up < n:
            rows[s][s + up] -= p
        rows[s][max(s - down, 0)] -= 1 - p
    for i in range(n):  # Gauss and Jordan
        pivot = next(r for r in range(i, n) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [Fraction(x / rows[i][i]).limit_denominator(10**40) for x in rows[i]]
        for r in range(n):
            if r != i and rows[r][i]:
                factor = rows[r][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    assert monitor.run_length == pytest.approx(float(rows[0][n]), rel=1e-6)


@pytest.mark.parametrize("rates", [(5e-6, 15e-6), (1 - 1e-5, 1 - 1e-6)])
def test_cases_that_share_a_step_change_next_to_nothing(rates):
    """Against the same chain with a step for each case."""
    p, moved = rates
    monitor = Monitor(p, moved, run_length=1e7)
    up, down = monitor._up, monitor._down
    scale = round(1 / min(up, down))
    assert scale > 1
    own = _RateChain(p, 1 - p, _Steps(round(up * scale), round(down * scale), 1.0))
    assert own.run_length(round(monitor.limit / monitor._unit * scale)) == pytest.approx(monitor.run_length, rel=2e-4)


def test_one_huge_number_does_not_stop_the_watch():
    monitor = Monitor(0, 1, sd=1, run_length=1_000)
    monitor.update([-1e17])
    path = monitor.update([2.0, 2.0, 2.0])
    np.testing.assert_allclose(path, [1.5, 3.0, 4.5])
    assert (Monitor(0, 1, sd=1, run_length=1_000).update([1e300, 1.0, -2e300, 2.0])[[0, 2, 3]] == [1e300, 0, 1.5]).all()


def test_small_shifts_still_fall_while_all_is_well():
    """The steps are rounded, but never so far that S rises by itself."""
    for usual, moved in ((0.31, 0.3101 + 0.002), (0.3, 0.301), (0.01, 0.0101), (0.6, 0.59), (0.05, 0.051)):
        monitor = Monitor(usual, moved, run_length=1e5)
        hit = usual if moved > usual else 1 - usual
        assert hit * monitor._up < (1 - hit) * monitor._down
        hit = moved if moved > usual else 1 - moved
        assert hit * monitor._up > (1 - hit) * monitor._down


@pytest.mark.parametrize(
    ("usual", "moved"),
    [(0.02, 0.04), (0.04, 0.02), (1e-7, 2e-7), (1e-7, 5e-8), (1 - 1e-7, 1 - 5e-8), (1 - 1e-7, 1 - 2e-7)],
)
def test_a_case_moves_the_sum_by_its_log_likelihood_ratio(usual, moved):
    monitor = Monitor(usual, moved, run_length=1e9)
    hit, miss = math.log(moved / usual), math.log1p((usual - moved) / (1 - usual))
    up, down = (hit, miss) if moved > usual else (miss, hit)
    assert monitor._unit * monitor._up == pytest.approx(up, rel=0.02)
    assert -monitor._unit * monitor._down == pytest.approx(down, rel=0.02)


@pytest.mark.parametrize("x", [9e-4, -9e-4, 1.1e-3, 1e-10, 0.5])
def test_the_curve_far_from_zero_is_its_power_series(x):
    square = sum(x**k / math.factorial(k + 2) for k in range(12))
    line = sum(x**k / math.factorial(k + 1) for k in range(12))
    assert _bulk_curve(10.0, x / 10, -0.5) == pytest.approx((100 * square * x / 5, 10 * line), rel=1e-9)

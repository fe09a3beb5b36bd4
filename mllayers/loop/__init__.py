"""The whole system: the five layers wired together on the simulated fraud desk, month by month.

Each month goes the same way, and each step stands on its own: what is known that day (`known_on`), what may be
learned from it (`learnable`, `fit`), what to do with every order (`decide`: the team's policy, planned and drawn), and
what came of it. `run_loop` repeats them for a `Team`; a `Run` takes them one at a time. What is done decides what gets
known: a blocked order never shows an outcome, a chargeback takes weeks, and silence is not innocence.
"""

from mllayers.loop.desk import desk_policy, features, fit, with_stakes
from mllayers.loop.run import LoopResult, Run, decide, known_on, run_loop
from mllayers.loop.team import ARMS, Arm, Team, learnable
from mllayers.loop.world import reacting_orders

__all__ = [
    "ARMS",
    "Arm",
    "LoopResult",
    "Run",
    "Team",
    "decide",
    "desk_policy",
    "features",
    "fit",
    "known_on",
    "learnable",
    "reacting_orders",
    "run_loop",
    "with_stakes",
]

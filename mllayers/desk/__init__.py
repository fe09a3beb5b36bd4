"""The year at the desk: any team's loop, measured against the standard ones.

A team is what `loop.run_loop` takes: what to learn from, what to do with each order, what to try at random. `score`
lets it run the fraud desk for a year, many times, beside the standard arms and the `BASELINES`, on the same orders. A
team from a file sits in a process of its own (`Isolated`) and sees what a desk would see.
"""

from mllayers.desk.baselines import BASELINES
from mllayers.desk.guarded import Guarded
from mllayers.desk.isolated import Isolated
from mllayers.desk.scoring import Scoreboard, score
from mllayers.desk.worlds import WORLDS, orders_of

__all__ = ["BASELINES", "WORLDS", "Guarded", "Isolated", "Scoreboard", "orders_of", "score"]

"""A year at the desk, to be played: the engine, without widgets (those are in `mllayers.desk.board`).

A year (`FraudYear`, `RetentionYear`) takes the choices of one month after the other and shows of each what a team would
see, and nothing else. Once it is over, `Debrief` turns the lights on: what was true, what each ignorance cost, which
alarm would have sounded, how others did in the same year, and what would have helped most.
"""

from mllayers.desk.game.choices import Choices
from mllayers.desk.game.debrief import Debrief
from mllayers.desk.game.fraud import FraudChoices, FraudYear
from mllayers.desk.game.retention import RetentionChoices, RetentionYear
from mllayers.desk.game.teams import TeamTable
from mllayers.desk.game.year import Year

YEARS: dict[str, type[Year]] = {year.desk: year for year in (FraudYear, RetentionYear)}
"""The desks that can be played."""

__all__ = [
    "YEARS",
    "Choices",
    "Debrief",
    "FraudChoices",
    "FraudYear",
    "RetentionChoices",
    "RetentionYear",
    "TeamTable",
    "Year",
]

"""The table of a workshop's teams: names and scores, as records for a file that stays on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mllayers._check import as_text
from mllayers.desk.game.debrief import Debrief

_COLUMNS = ["team", "play", "short", "of", "low", "high", "year", "size"]


class TeamTable:
    """Teams and how far each was short of the clairvoyant, with the spread of its choices over other years.

    Only those who played the same orders or customers can be compared: the same year of the same size, and first plays
    before replays, whose players knew what would happen.

    Parameters
    ----------
    records : mapping, optional
        What `records` gave before.

    Examples
    --------
    >>> blue = {"desk": "fraud", "year": 7, "size": 500, "team": "blue", "play": "", "short": 9e4, "of": 5e5}
    >>> table = TeamTable({"fraud 7 blue": {**blue, "low": 8e4, "high": 1e5}})
    >>> table.frame("fraud", year=7, size=500)["team"].to_list()
    ['blue']
    """

    def __init__(self, records: Mapping[str, Any] | None = None) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        for key, record in (records or {}).items():
            if isinstance(record, Mapping) and {*_COLUMNS, "desk"} <= set(record):
                self.records[str(key)] = dict(record)

    def enter(self, team: str, found: Debrief) -> None:
        """Enter a team with its year; the same team and year again replaces the entry.

        Raises
        ------
        TypeError, ValueError
            If the name is empty, or longer than 40 letters.
        """
        name = " ".join(as_text(team, "the team's name").split())
        if not name or len(name) > 40:
            raise ValueError(f"the team's name must have 1 to 40 letters; got {len(name)}")
        year, luck = found.year, found.luck
        self.records[f"{year.desk} {year.seed} {year.size} {name} {year.name}".strip()] = {
            "desk": year.desk,
            "year": year.seed,
            "size": year.size,
            "team": name,
            "play": year.name,
            "short": found.short,
            "of": float(found.waterfall["clairvoyant"]),
            "low": float(luck.min()),
            "high": float(luck.max()),
        }

    def frame(self, desk: str, *, year: int, size: int) -> pd.DataFrame:
        """The teams that played a year: first plays before replays, the one least short first.

        ``short`` of the clairvoyant, who makes ``of``; ``low`` and ``high``: the same choices in other years.
        """
        same = [x for x in self.records.values() if (x["desk"], x["year"], x["size"]) == (desk, year, size)]
        table = pd.DataFrame(same, columns=_COLUMNS)
        order = table.assign(again=table["play"] != "").sort_values(["again", "short"], kind="stable")
        return order.drop(columns="again").reset_index(drop=True)

"""The table of a workshop's teams: names and scores, as records for a file that stays on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mllayers._check import as_text
from mllayers.desk.game.debrief import Debrief

_COLUMNS = ["team", "short", "low", "high", "year"]


class TeamTable:
    """Teams and how far each was short of the clairvoyant, with the spread of its choices over other years.

    Parameters
    ----------
    records : mapping, optional
        What `records` gave before.

    Examples
    --------
    >>> table = TeamTable({"fraud 7 blue": {"desk": "fraud", "year": 7, "team": "blue", "short": 9e4, "low": 8e4,
    ...                                     "high": 1e5}})
    >>> table.frame("fraud")["team"].to_list()
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
        self.records[f"{year.desk} {year.seed} {year.size} {name}"] = {
            "desk": year.desk,
            "year": year.seed,
            "team": name,
            "short": found.short,
            "low": float(luck.min()),
            "high": float(luck.max()),
        }

    def frame(self, desk: str) -> pd.DataFrame:
        """The teams at a desk, the one least short first."""
        rows = [record for record in self.records.values() if record["desk"] == desk]
        table = pd.DataFrame(rows, columns=[*_COLUMNS, "desk"]).drop(columns="desk")
        return table.sort_values("short", kind="stable", ignore_index=True)

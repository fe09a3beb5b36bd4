"""The year at the desk in a notebook: the board, with the year kept in the learner's own folder."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from mllayers.course import learner

if TYPE_CHECKING:
    from mllayers.desk.board import Board

YEARS = "desk_years.json"
TEAMS = "desk_teams.json"
_NOW = "now"  # the record that says which year is played at each desk


def play(desk: str = "fraud", *, seed: int | None = None, size: int | None = None) -> Board:
    """Play twelve months at a desk; what was begun goes on, after a restart of the kernel too.

    The first play of a year stays as it was played; each replay is kept beside it under a name of its own.

    Parameters
    ----------
    desk : {'fraud', 'retention'}
        Which desk: orders to ship, review or block; or customers to send a voucher, to call or to leave alone.
    seed : int, optional
        Which year: a workshop in which all teams give the same number plays the same year. By default the one that was
        begun here, or a new one.
    size : int, optional
        Orders or customers a month; by default 10,000.

    Returns
    -------
    Board
        It is on the page already; ``.year`` is the year as it stands.

    Raises
    ------
    TypeError, ValueError
        For another desk, or a number out of range.
    """
    from mllayers._check import one_of
    from mllayers.desk.board import Board
    from mllayers.desk.game import YEARS as KINDS
    from mllayers.desk.game.year import label_of

    kind = KINDS[one_of(desk, "desk", KINDS)]
    records, told = learner.read_records(YEARS), ""
    kept = records.get(str(records.get(_NOW, {}).get(desk)) if seed is None else f"{desk} {seed}")
    year = None
    if kept is not None and (size is None or kept.get("size") == size):
        try:
            year = kind.from_dict(kept)
            told = f"Your year goes on: {year.done} of 12 months are decided." if year.done else ""
        except (TypeError, ValueError) as error:
            told = f"The year that was kept could not be played again ({error}). A new one begins."
    if year is None:
        more: dict[str, Any] = {} if size is None else {"size": size}
        year = kind(seed=secrets.randbelow(1_000_000) if seed is None else seed, **more)
    kept_here = [x for key, x in records.items() if key != _NOW and x.get("desk") == desk]
    plays = {label_of(x): x for x in kept_here if x.get("size") == year.size}
    board = Board(year, keep=_keep, plays=plays, teams=learner.read_records(TEAMS), enter=_enter, told=told)
    board.show()
    return board


def _keep(year: dict[str, Any]) -> str:
    """Keep a year, and that it is the one that is played."""
    key = f"{year['desk']} {year['seed']} {year['name']}".strip()

    def change(records: dict[str, dict[str, Any]]) -> None:
        records[key] = year
        records.setdefault(_NOW, {})[year["desk"]] = key

    return learner.update_records(YEARS, change)


def _enter(teams: dict[str, Any]) -> str:
    """Keep the table of teams; those that another notebook entered meanwhile stay."""
    return learner.update_records(TEAMS, lambda records: records.update(teams))

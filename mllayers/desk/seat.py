"""The process in which a team from a file sits: ``python -m mllayers.desk.seat mine.py``, started by `Isolated`.

It is sent what a desk would see, and nothing else is in its memory: no truth, no seed, no later month.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mllayers.desk.parcels import frame_of, receive, send, shares_told
from mllayers.loop import Team
from mllayers.shop import Prices


def team_in(path: Path) -> Team:
    """The team that a file defines under the name ``team``: an object, or what makes one.

    Parameters
    ----------
    path : Path
        A Python file.

    Returns
    -------
    Team

    Raises
    ------
    TypeError, ValueError
        If the file defines no ``team``, or it has not the three methods.
    """
    spec = importlib.util.spec_from_file_location("team_of_the_desk", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} must be a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "team"):
        raise ValueError(f"{path.name} must define team: an object with learn, decide and try_at_random, or its class")
    team = module.team() if isinstance(module.team, type) else module.team
    if not isinstance(team, Team):
        raise TypeError(f"team in {path.name} must have the methods learn, decide and try_at_random; got {team!r}")
    return team


def _answer(team: Team, models: list[Any], told: dict[str, Any], columns: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """What the team says to one question."""
    if told["ask"] == "learn":
        models.append(team.learn(frame_of(columns), told["day"], seed=told["seed"]))
        return {"model": len(models) - 1}, {}
    if told["ask"] == "predict":
        found = np.asarray(models[told["model"]].predict_proba(frame_of(columns)), dtype=float)
        return {}, {"p": found}
    orders, prices = frame_of(columns), Prices(**told["prices"])
    policy = team.decide(orders, told["reviews"], prices=prices)
    shares, arrays = shares_told(team.try_at_random(orders, prices=prices))
    return {"policy": policy.to_json(), "shares": shares}, arrays


def main() -> None:
    """Answer until nobody asks any more; what the team prints goes to the error stream."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    questions = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    try:
        team = team_in(Path(sys.argv[1]))
    except BaseException as error:
        send(answers, {"error": _said(error)})
        return
    flags = {name: getattr(team, name) for name in ("retrain",) if isinstance(getattr(team, name, None), bool)}
    send(answers, {"name": str(getattr(team, "name", "")), "flags": flags})
    models: list[Any] = []
    while True:
        try:
            told, columns = receive(questions)
        except EOFError:
            return
        try:
            said, arrays = _answer(team, models, told, columns)
        except Exception as error:
            said, arrays = {"error": _said(error)}, {}
        send(answers, {**said, "cpu": time.process_time()}, arrays)


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' + text[:300] if text else ''}"


if __name__ == "__main__":
    main()

"""A team in a process of its own: it sees what a desk would see, and its time is limited."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from mllayers._check import as_number
from mllayers.decision import Policy
from mllayers.desk.parcels import columns_of, receive, send, shares_read
from mllayers.shop import Prices

_START = 120.0  # seconds to start the process, which loads what a team may need


class Isolated:
    """A team from a file, in a process of its own, asked over a pipe.

    What comes back is text and numbers: nothing in it can run here. A question that takes too long ends the process;
    the next one starts it anew, without what it remembered.

    Parameters
    ----------
    path : str or path
        A Python file that defines ``team``: an object with the three methods of `loop.Team`, or its class.
    seconds : float, default 60
        How long it may take over one question.

    Attributes
    ----------
    name : str
        What the team calls itself; the file's name if it says nothing.
    spent : float
        Seconds of CPU of its processes so far, as they tell.

    Raises
    ------
    TypeError, ValueError
        If the file is none, or defines no team.

    Notes
    -----
    This keeps honest people honest and mistakes apart. It is no jail: the process may read files and use the network
    as any program may. Who grades strangers runs it in a container, on seeds from a passphrase.
    """

    def __init__(self, path: str | os.PathLike[str], *, seconds: float = 60.0) -> None:
        self.path = Path(path).absolute()
        if not self.path.is_file():
            raise ValueError(f"path must be a Python file that exists; got {path}")
        self.seconds = as_number(seconds, "seconds", gt=0)
        self._process: subprocess.Popen[bytes] | None = None
        self.spent, self._before = 0.0, 0.0
        self._answers: queue.Queue[Any] = queue.Queue()
        self._folder = tempfile.TemporaryDirectory(prefix="mllayers-seat-")
        try:
            told, _ = self._started()
        except ValueError:
            self._folder.cleanup()
            raise
        self.name, self._flags = told["name"] or self.path.stem, told["flags"]

    @property
    def retrain(self) -> bool:
        """Whether it learns each month."""
        return bool(self._flags.get("retrain", True))

    def learn(self, past: pd.DataFrame, day: float, *, seed: list[int]) -> Any:
        """A model that lives over there."""
        told, _ = self._ask({"ask": "learn", "day": float(day), "seed": [int(x) for x in seed]}, columns_of(past))
        return _Model(self, int(told["model"]), self._process)

    def decide(self, orders: pd.DataFrame, reviews: float, *, prices: Prices) -> Policy:
        """Its policy; what it tries at random is asked at the same time."""
        question = {"ask": "decide", "reviews": float(reviews), "prices": {**asdict(prices), "more": dict(prices.more)}}
        told, arrays = self._ask(question, columns_of(orders))
        self._shares = shares_read(told["shares"], arrays)
        return Policy.from_json(told["policy"])

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices) -> Any:
        """What it said when it decided."""
        return self._shares

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            self._process = None

    def __enter__(self) -> Isolated:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._folder.cleanup()

    def _started(self) -> tuple[dict[str, Any], dict[str, Any]]:
        one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        self._answers, self._before = queue.Queue(), 0.0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mllayers.desk.seat", str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder.name,
            env={**os.environ, **one},
        )
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()
        try:
            return self._next(max(self.seconds, _START))
        except Exception as error:
            self.close()
            raise ValueError(f"{self.path.name} cannot be used: {error}") from None

    def _ask(self, question: dict[str, Any], arrays: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        if self._process is None:
            self._started()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, question, arrays)  # type: ignore[arg-type]
            return self._next(self.seconds)
        except (OSError, EOFError, TimeoutError):
            self.close()
            raise

    def _next(self, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            found = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"no answer within {seconds:g} seconds") from None
        if isinstance(found, BaseException):
            raise EOFError(f"its process ended: {found}")
        told, arrays = found
        now = told.get("cpu", self._before)
        self.spent, self._before = self.spent + max(0.0, now - self._before), now
        if "error" in told:
            raise RuntimeError(str(told["error"]))
        return told, arrays


class _Model:
    """A model in the other process."""

    def __init__(self, team: Isolated, number: int, process: Any) -> None:
        self.team, self.number, self.process = team, number, process

    def predict_proba(self, orders: pd.DataFrame) -> Any:
        if self.team._process is not self.process:
            raise RuntimeError("the process that knew this model was ended")
        return self.team._ask({"ask": "predict", "model": self.number}, columns_of(orders))[1]["p"]


def _listen(stream: Any, answers: queue.Queue[Any]) -> None:
    while True:
        try:
            answers.put(receive(stream))
        except Exception as error:
            answers.put(error)
            return

"""Tables and answers on their way between two processes: a line of JSON, then arrays. Nothing in them can run."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from mllayers.decision import Action

_MOST = 2**28  # bytes in one parcel


def send(stream: BinaryIO, told: Mapping[str, Any], arrays: Mapping[str, Any] | None = None) -> None:
    """Write one parcel."""
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **{name: np.asarray(x) for name, x in (arrays or {}).items()})
    data = body.getvalue()
    stream.write(json.dumps({**told, "size": len(data)}).encode() + b"\n" + data)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read one parcel.

    Raises
    ------
    EOFError
        When the other side is gone.
    ValueError
        When it is no parcel.
    """
    line = stream.readline(1_000_000)
    if not line:
        raise EOFError("the other side has gone")
    told = json.loads(line)
    size = told.pop("size")
    if not (isinstance(size, int) and 0 <= size < _MOST):
        raise ValueError(f"a parcel must say its size in bytes; got {size!r}")
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other side has gone in the middle of a parcel")
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return told, dict(found)


def columns_of(frame: pd.DataFrame) -> dict[str, Any]:
    """The columns of a table as arrays that need no Python objects."""
    out = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column.dtype):
            dated = pd.api.types.is_datetime64_any_dtype(column.dtype)
            out[str(name)] = column.to_numpy() if dated else column.astype(str).to_numpy(dtype=str)
        else:
            out[str(name)] = column.to_numpy()
    return out


def frame_of(columns: Mapping[str, Any]) -> pd.DataFrame:
    """The table again."""
    return pd.DataFrame({name: column.copy() for name, column in columns.items()})


def shares_told(shares: Any) -> tuple[Any, dict[str, Any]]:
    """What is tried at random: numbers and actions as JSON, shares by order as arrays."""
    if not isinstance(shares, Mapping):
        return shares, {}
    told: list[Any] = []
    arrays: dict[str, Any] = {}
    for planned, targets in shares.items():
        if not isinstance(targets, Mapping):
            raise TypeError(f"try_at_random: {planned!r} must lead to a mapping from action to share; got {targets!r}")
        for action, share in targets.items():
            to = asdict(action) if isinstance(action, Action) else str(action)
            if np.ndim(share):
                arrays[f"share{len(arrays)}"] = np.asarray(share, dtype=float)
                share = f"share{len(arrays) - 1}"
            told.append([str(getattr(planned, "name", planned)), to, share if isinstance(share, str) else float(share)])
    return told, arrays


def shares_read(told: Any, arrays: Mapping[str, Any]) -> Any:
    """The shares again."""
    if not isinstance(told, list):
        return told
    out: dict[str, dict[Any, Any]] = {}
    for planned, to, share in told:
        action = Action(**to) if isinstance(to, dict) else to
        out.setdefault(planned, {})[action] = arrays[share] if isinstance(share, str) else share
    return out

"""The course's tables as plain files, for people who want files: loading, checking and writing them.

``datasets/`` (in an installed package ``mllayers/tables/``) holds the retailer at reading size as CSV, each table with
a ``*_truth.csv`` beside it that holds what the retailer never sees. `mllayers.shop` makes the same tables, and far
larger ones, from a seed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from mllayers import __version__, shop
from mllayers._check import as_flag, as_frame, as_path
from mllayers._extras import this_python
from mllayers._files import write_text, write_whole

_HOUSE = Path(__file__).resolve().parent
_SHIPPED = _HOUSE / "tables"  # where a wheel brings them; a checkout has one copy, beside the package
FOLDER = _SHIPPED if _SHIPPED.is_dir() else _HOUSE.parent / "datasets"
SEED = 2026

_SUMS = "SHA256SUMS"
_ROWS = 100_000  # written between two words of progress


def _orders(per_month: int = 4_000) -> pd.DataFrame:
    orders = shop.make_orders(range(6), seed=SEED, per_month=per_month)
    inspected = shop.legacy_rule(orders)
    seen = shop.observe(orders, np.where(inspected, "review", "ship"), day=180)
    return orders.assign(inspected=inspected, label=seen["label"], label_source=seen["source"])


def _customers(n: int = 10_000) -> pd.DataFrame:
    return shop.make_customers(n, seed=SEED)


def _pilot(n: int = 10_000) -> pd.DataFrame:
    return shop.make_pilot(n, seed=SEED)


def _leads(n: int = 300) -> pd.DataFrame:
    worked_example = pd.DataFrame(
        {
            "lead_id": [n, n + 1, n + 2],
            "name": ["A", "B", "C"],
            "value_usd": [5_000.0, 48_000.0, 500.0],
            "reply_score": [0.60, 0.30, 0.90],
            "_p_reply": [0.60, 0.30, 0.90],
        }
    )
    leads = shop.make_leads(n, seed=SEED)
    leads.insert(1, "name", "")
    return pd.concat([leads.drop(columns="_replies"), worked_example], ignore_index=True)


def _practice(per_month: int = 1_000) -> pd.DataFrame:
    """Half a year of a retention desk: its score, what it did, and what had come back by the end of June."""
    months, drawn = range(6), ("none", "voucher")
    parts = [shop.make_pilot(per_month, seed=SEED + 1, month=month, actions=drawn) for month in months]
    desk = pd.concat([part.assign(month=month) for month, part in zip(months, parts, strict=True)], ignore_index=True)
    rng, n = np.random.default_rng([SEED, 1]), len(desk)
    desk["customer_id"] = np.arange(n) + 100_000
    desk["action"] = desk["action"].astype(str)
    first = np.array([f"2026-{month + 1:02d}-01" for month in months], dtype="datetime64[D]")[desk["month"]]
    decided = first + rng.integers(0, 28, n)
    left = decided + np.round(10 + 80 * rng.beta(1.5, 2.5, n)).astype(int)  # a churned customer is gone within 90 days
    today = np.datetime64("2026-06-30", "D")
    gone = desk["churned"].to_numpy(bool)
    known, old = gone & (left <= today), today - decided >= np.timedelta64(90, "D")
    followed = desk["tenure_months"].to_numpy() >= 3  # nobody asks what becomes of the newest customers
    odds = np.log(desk["_p_none"] / (1 - desk["_p_none"]))  # the score: last year's model, too sure of itself by now
    desk["p_leave"] = (1 / (1 + np.exp(-(0.3 + 1.25 * odds + rng.normal(0, 0.5, n))))).round(4)
    desk["decided_on"], desk["left_on"] = decided.astype(str), np.where(known & followed, left.astype(str), "")
    desk["left"] = np.where(followed & old, known.astype(float), np.nan)
    names = ["customer_id", "month", "decided_on", "tenure_months", "recency_days", "orders_12m", "open_rate",
             "tickets_90d", "clv_usd", "p_leave", "action", "propensity", "left", "left_on"]  # fmt: skip
    return desk[[*names, "_p_none", "_p_voucher", "_churn_none", "_churn_voucher"]]


_TABLES: dict[str, tuple[str, Callable[..., pd.DataFrame]]] = {
    "orders": ("order_id", _orders),
    "customers": ("customer_id", _customers),
    "pilot": ("customer_id", _pilot),
    "leads": ("lead_id", _leads),
    "practice": ("customer_id", _practice),
}


def load_orders(*, truth: bool = False, folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """24,000 orders of months 0 to 5, with what the fraud desk knows about them at the end of month 5.

    Parameters
    ----------
    truth : bool
        Add the columns that the retailer never sees; their names begin with ``_``.
    folder : path, optional
        Where the files are; by default the published tables.

    Returns
    -------
    DataFrame
        The columns of `shop.make_orders`, and ``inspected``, ``label`` and ``label_source`` (see `shop.observe`).

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or was altered; the message says how to mend it.

    Examples
    --------
    >>> int(load_orders()["label_source"].eq("review").sum())
    522
    """
    return _load("orders", truth, folder)


def load_customers(*, truth: bool = False, folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """10,000 customers of the retention desk, as `shop.make_customers` makes them.

    Parameters, errors: as for `load_orders`.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> load_customers().shape
    (10000, 10)
    """
    return _load("customers", truth, folder)


def load_pilot(*, truth: bool = False, folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """A randomised pilot on 10,000 customers: nothing, an e-mail, a voucher or a call, at random.

    Parameters, errors: as for `load_orders`.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> sorted(load_pilot()["action"].unique())
    ['call', 'email', 'none', 'voucher']
    """
    return _load("pilot", truth, folder)


def load_leads(*, truth: bool = False, folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """300 sales leads, and the three of the worked example (``name`` A, B and C) at the end.

    Parameters, errors: as for `load_orders`.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> load_leads().tail(3)[["name", "value_usd", "reply_score"]].to_dict("list")
    {'name': ['A', 'B', 'C'], 'value_usd': [5000.0, 48000.0, 500.0], 'reply_score': [0.6, 0.3, 0.9]}
    """
    return _load("leads", truth, folder)


def load_practice(*, truth: bool = False, folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """6,000 decisions of a retention desk in half a year, to practise on what `mllayers.checkup.checkup` asks.

    Parameters, errors: as for `load_orders`.

    Returns
    -------
    DataFrame
        The score ``p_leave``; ``action``, drawn with ``propensity``; ``left`` and ``left_on`` as known at the end of
        June, empty where it is too early to say or nobody followed up.

    Examples
    --------
    >>> practice = load_practice()
    >>> practice[["action", "left"]].notna().sum().to_dict()
    {'action': 6000, 'left': 2715}
    """
    return _load("practice", truth, folder)


def verify(folder: str | os.PathLike[str] | None = None) -> list[str]:
    """Everything that is wrong with the committed tables, one line each; empty when they are as published.

    Parameters
    ----------
    folder : path, optional
        Where the files are; by default the published tables.

    Returns
    -------
    list of str

    Examples
    --------
    >>> verify()
    []
    """
    where = FOLDER if folder is None else as_path(folder, "folder")
    return [problem for name in _TABLES for file in _files(name) if (problem := _problem(where, file))]


def rebuild(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Write the committed tables, their truth files and the checksums again, from the seed.

    Parameters
    ----------
    folder : path, optional
        Where to write; by default the published tables. Must be given where the package is installed: what an
        installer put there is not written over.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ValueError
        If no folder is given and the tables came with the installed package.
    OSError
        If the folder cannot be written; files that are already there stay as they are.
    """
    if folder is None and FOLDER == _SHIPPED:
        raise ValueError(
            f"the tables in {FOLDER} came with the package and stay as they are: name a folder (--out FOLDER)"
        )
    where = FOLDER if folder is None else as_path(folder, "folder")
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"folder must be one that can be written; got {where} ({error.strerror})") from None
    written = []
    for name, (key, make) in _TABLES.items():
        frame = make()
        hidden = [column for column in frame.columns if column.startswith("_")]
        flags = {column: np.int8 for column in frame.columns if frame[column].dtype == bool}
        frame = frame.astype(flags)  # 0 and 1 read the same in every language
        for part, file in zip((frame.drop(columns=hidden), frame[[key, *hidden]]), _files(name), strict=True):
            write_table(part, where / file)
            written.append(where / file)
    sums = "".join(f"{_sha256(path)}  {path.name}\n" for path in written)
    write_text(where / _SUMS, sums)
    return written


def write_table(
    frame: pd.DataFrame, path: str | os.PathLike[str], *, progress: Callable[[int, int], object] | None = None
) -> None:
    """Write a frame as CSV or Parquet, whole or not at all.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is not written.
    path : path ending in ``.csv`` or ``.parquet``
        The rows go to a temporary file in the same folder, which takes this name when it is complete.
    progress : callable, optional
        For CSV: called as ``progress(rows_written, rows)`` after every 100,000.

    Raises
    ------
    ValueError
        If the ending is neither ``.csv`` nor ``.parquet``, or the target is a folder, a pipe or a device.
    ModuleNotFoundError
        If Parquet is asked for and pyarrow is not installed.
    OSError
        If the folder does not exist or cannot be written, or the name is one that the disk does not take.
    """
    frame = as_frame(frame, "frame")
    target = as_target(path, "path")
    if target.suffix == ".parquet":
        if find_spec("pyarrow") is None:
            raise ModuleNotFoundError("Parquet files need pyarrow: run `pip install pyarrow`, or write .csv")
        write_whole(target, lambda temporary: frame.to_parquet(temporary, index=False))
    else:
        write_whole(target, lambda temporary: _write_csv(frame, temporary, progress))


def as_target(path: str | os.PathLike[str], name: str) -> Path:
    """A path that a table can be written to: looked at before the work begins.

    Raises
    ------
    ValueError, OSError
        As `write_table`.
    """
    target = as_path(path, name)
    if target.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{name} must end in .csv or .parquet; got {_short(target.name)!r}")
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise type(error)(
            f"{name} must be a file that can be written; got {_short(str(target))} ({error.strerror})"
        ) from None
    if stat.S_ISDIR(mode):
        raise ValueError(f"{name} must be a file; {target} is a folder")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{name} must be a file; {target} is a pipe or a device")
    folder = target.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise FileNotFoundError(
            f"{name} must lie in a folder that exists and can be written; got {_short(str(target))}"
        )
    return target.resolve()  # through links, so that these stay what they are


def _short(text: str) -> str:
    """A name as it is told."""
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


def _write_csv(frame: pd.DataFrame, path: Path, progress: Callable[[int, int], object] | None) -> None:
    """Write a frame part by part, and tell how far it got."""
    with path.open("w", encoding="utf-8", newline="") as file:
        for start in range(0, len(frame), _ROWS):
            part = frame.iloc[start : start + _ROWS]
            part.to_csv(file, index=False, header=start == 0, lineterminator="\n")
            if progress is not None:
                progress(start + len(part), len(frame))


def _load(name: str, truth: bool, folder: str | os.PathLike[str] | None) -> pd.DataFrame:
    """The checked table, with the types it was made with."""
    truth = as_flag(truth, "truth")
    where = FOLDER if folder is None else as_path(folder, "folder")
    key, make = _TABLES[name]
    types = make(1).dtypes
    frame: pd.DataFrame | None = None
    for file in _files(name)[: 1 + truth]:
        problem = _problem(where, file)
        if problem:
            raise (ValueError if (where / file).exists() else FileNotFoundError)(problem)
        part = pd.read_csv(where / file, keep_default_na=False, na_values={c: [""] for c in types.index if c != "name"})
        part = part.astype({column: types[column] for column in part.columns})
        frame = part if frame is None else frame.merge(part, on=key, validate="one_to_one")
    assert frame is not None
    return frame


def _files(name: str) -> tuple[str, str]:
    return f"{name}.csv", f"{name}_truth.csv"


def _problem(where: Path, file: str) -> str:
    """What is wrong with one file, or nothing."""
    place, mend = where.name, _mend(where)
    if not (where / file).exists():
        return f"{place}/{file} is missing: {mend}"
    if not (where / _SUMS).exists():
        return f"{place}/{_SUMS} is missing, so {place}/{file} cannot be checked: {mend}"
    lines = (line.split() for line in (where / _SUMS).read_text(encoding="utf-8", errors="replace").splitlines())
    sums = {words[1]: words[0] for words in lines if len(words) == 2}
    if sums.get(file) != _sha256(where / file):
        return f"{place}/{file} is not as published: {mend}"
    return ""


def _mend(where: Path) -> str:
    """How the tables of a folder are had again."""
    if where == _SHIPPED:
        return f"run `{this_python()} -m pip install --force-reinstall --no-deps mllayers=={__version__}`"
    out = "" if where == FOLDER else f" --out {where}"
    return f"run `python -m mllayers data{out}` to write the tables again"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

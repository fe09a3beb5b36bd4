"""The ledger: decisions, attempts and outcomes on disk, in SQLite or PostgreSQL. Nothing in it is changed or deleted.

Five tables. ``decisions``: what was planned and done, by which model and policy, at which cost, and with which
probability that action was chosen. ``attempts`` and ``endings``: what was begun and how it ended; an attempt without
an ending is under way, and after a while in doubt. ``outcomes``: what came back, and when it arrived. ``overrides``:
where a person decided otherwise.
"""

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401
except ModuleNotFoundError as _error:
    from mllayers._extras import absent

    raise absent("mllayers.ledger", "ledger", _error) from None

from mllayers.ledger.book import Ledger
from mllayers.ledger.place import LedgerWarning
from mllayers.ledger.schema import LedgerError

__all__ = ["Ledger", "LedgerError", "LedgerWarning"]

"""
Trouble of the store and the exchange that passes: a restart, a failover, a half-done upgrade.

Whoever meets it waits, keeps what it has in hand, and tries again. Everything else that a database
says is a bug, or is about the data at hand (`is_about_data`).
"""

from __future__ import annotations

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from broker.port import BrokerError

STORE_TROUBLE = (DBAPIError, NoConnectionFree)
"""What the store may raise; which of it passes, `passes` tells."""
PASSING = (
    # It cannot be reached, ended our transaction, or two of us ran into each other.
    OperationalError,
    # The connection was lost before.
    InterfaceError,
    # PostgreSQL ended a transaction of ours that stood still for too long, or is a standby (25006).
    InternalError,
    # It is a standby, which does not know BEGIN READ WRITE (0A000): a failover is going on.
    NotSupportedError,
    # Two of us made the same row; the one who was later does it again, and finds it.
    IntegrityError,
    # All connections of the pool are in use, or waiting for a server that does not answer.
    NoConnectionFree,
    BrokerError,
)
PASSING_STATES = frozenset({"42501", "42P01"})
"""A right or a table is missing: an upgrade, or a restored copy, is not complete yet."""
DATA_STATES = frozenset({"54000"})
"""SQLSTATEs, beside those of DataError, that speak of a value: it is too large for a limit."""


def passes(error: BaseException) -> bool:
    """Return whether waiting helps."""
    if isinstance(error, PASSING):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or sqlstate_of(error) in PASSING_STATES


def is_about_data(error: DBAPIError) -> bool:
    """Return whether the same data would fail again, in whatever state the store is."""
    if error.connection_invalidated:
        return False
    return isinstance(error, DataError) or sqlstate_of(error) in DATA_STATES


def sqlstate_of(error: BaseException) -> str | None:
    """Return PostgreSQL's code for what went wrong; None where there is none."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else None

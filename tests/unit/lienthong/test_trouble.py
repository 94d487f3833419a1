"""What a store says: what passes by itself, what is about the data, and what is a bug."""

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from broker.port import BrokerUnavailable
from lienthong.trouble import is_about_data, passes


def said(error):
    """Wrap a driver's error as SQLAlchemy does."""
    return DBAPIError.instance("INSERT", {}, error, psycopg.Error)


@pytest.mark.parametrize(
    "error",
    [
        errors.FeatureNotSupported("cannot set transaction read-write mode during recovery"),
        errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"),
        errors.AdminShutdown("terminating connection"),
        errors.CannotConnectNow("the database system is starting up"),
        errors.DiskFull("could not extend file"),
        errors.TooManyConnections("too many clients"),
        errors.IdleInTransactionSessionTimeout("terminating connection"),
        errors.DeadlockDetected("deadlock"),
        errors.UniqueViolation("duplicate key"),
        errors.InsufficientPrivilege("permission denied"),
        errors.UndefinedTable("relation does not exist"),
        psycopg.InterfaceError("the connection is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_is_waited_for_and_blames_no_data(error):
    assert passes(said(error))
    assert not is_about_data(said(error))


def test_a_pool_that_is_used_up_and_an_exchange_that_is_away_pass():
    assert passes(NoConnectionFree("QueuePool limit"))
    assert passes(BrokerUnavailable("no server"))


@pytest.mark.parametrize(
    "error",
    [errors.UndefinedColumn("no such column"), errors.SyntaxError("at or near")],
    ids=lambda error: type(error).__name__,
)
def test_a_bug_in_a_statement_neither_passes_nor_blames_the_data(error):
    assert not passes(said(error))
    assert not is_about_data(said(error))


def test_a_bug_of_the_program_does_not_pass():
    assert not passes(LookupError("a bug"))
    assert not passes(ProgrammingError("SELECT", {}, Exception("no such column")))


@pytest.mark.parametrize(
    "error",
    [
        errors.CharacterNotInRepertoire("invalid byte sequence"),
        psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"),
        errors.ProgramLimitExceeded("index row size exceeds maximum"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_value_that_is_never_taken_is_about_data(error):
    assert is_about_data(said(error))


def test_a_lost_connection_is_never_about_data():
    error = said(errors.CharacterNotInRepertoire("invalid byte sequence"))
    error.connection_invalidated = True

    assert not is_about_data(error)
    assert passes(error)

"""
What the databases of agencies need each: a driver, a time limit, and a transaction that only reads.

PostgreSQL and MariaDB (MySQL) are tested on real servers. SQL Server and Oracle are reached by
their address where the operator has installed a driver; nobody has tested them here.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING, Any

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError

from schemas.errors import ConfigError, LienthongError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

    from lienthong.pull.sql_profile import SqlPull

DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    # The server says by itself which of the two it is.
    "mariadb": "mysql+pymysql",
}
"""Those that come with the product."""
PACKAGES = {"mssql": "pyodbc", "oracle": "oracledb"}
"""What to install for an address that names no driver."""
LOCK_SECONDS = 5
"""Longest wait for somebody who changes the table itself."""
GRACE_SECONDS = 10
"""After the database should have ended a statement, before we end the connection."""

_REFUSED_LOGIN = frozenset({1044, 1045, 1049, 1698})
_WRONG_QUERY = frozenset({1051, 1052, 1054, 1055, 1060, 1064, 1109, 1142, 1143, 1146, 1305})
_TOO_SLOW = frozenset({1969, 3024})
"""MariaDB's and MySQL's numbers; what they say names columns, tables and users, no values."""


def open_engine(profile: SqlPull) -> Engine:
    """
    Return the engine of a source; it keeps no connection.

    Raises:
        ConfigError: its driver is not installed.
    """
    address = make_url(profile.url)
    driver = DRIVERS.get(address.drivername, address.drivername)
    address = address.set(drivername=driver)
    if password := profile.password.get_secret_value():
        address = address.set(password=password)
    try:
        return create_engine(
            address,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args=_connect_arguments(address, profile),
        )
    except (ModuleNotFoundError, NoSuchModuleError, ArgumentError) as error:
        raise _no_driver(address, error) from error


def _connect_arguments(address: URL, profile: SqlPull) -> dict[str, Any]:
    connect = int(profile.connect_timeout_seconds)
    if address.drivername == "postgresql+psycopg":
        return {
            "connect_timeout": connect,
            "application_name": "lienthong",
            "client_encoding": address.query.get("client_encoding", "utf8"),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }
    if address.drivername.endswith("+pymysql"):
        silence = int(profile.statement_timeout_seconds) + GRACE_SECONDS
        return {
            "connect_timeout": connect,
            "read_timeout": silence,
            "write_timeout": silence,
            "program_name": "lienthong",
        } | ({} if "charset" in address.query else {"charset": "utf8mb4"})
    return {}


@contextmanager
def reading_only(engine: Engine, profile: SqlPull) -> Iterator[Connection]:
    """
    Open a connection and a transaction in it that cannot change anything, nor last.

    Raises:
        PeerError: it cannot be reached, does not answer in time, or is too slow.
        ConfigError: it refuses us, or the query is wrong.
    """
    with translating(engine), engine.connect() as connection:
        with _ended_in_time(connection, profile):
            _begin(connection, profile)
            yield connection
        connection.rollback()


def _begin(connection: Connection, profile: SqlPull) -> None:
    dialect = connection.dialect
    milliseconds = int(profile.statement_timeout_seconds * 1000)
    if dialect.name == "postgresql":
        # Of this transaction only: a pooler in between may give the session to others.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY"))
        for name, value in (
            ("statement_timeout", milliseconds),
            ("idle_in_transaction_session_timeout", milliseconds),
            ("lock_timeout", LOCK_SECONDS * 1000),
        ):
            connection.execute(text(f"SET LOCAL {name} = {value}"))
    elif dialect.name in ("mysql", "mariadb"):
        limit = (
            f"max_statement_time = {milliseconds / 1000}"
            if getattr(dialect, "is_mariadb", False)
            else f"max_execution_time = {milliseconds}"
        )
        connection.execute(text(f"SET SESSION {limit}, lock_wait_timeout = {LOCK_SECONDS}"))
        connection.execute(text("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"))
        connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        # They hold from the next transaction on, which the query begins.
        connection.rollback()
    elif dialect.name == "oracle":
        connection.execute(text("SET TRANSACTION READ ONLY"))


@contextmanager
def _ended_in_time(connection: Connection, profile: SqlPull) -> Iterator[None]:
    """Cut the connection to a server that stands still: its own time limit stands still, too."""
    handle = getattr(connection.connection.driver_connection, "fileno", None)
    if handle is None:
        # Other drivers have a limit of their own.
        yield
        return
    copy = socket.fromfd(handle(), socket.AF_INET, socket.SOCK_STREAM)
    timer = Timer(profile.statement_timeout_seconds + GRACE_SECONDS, _cut, [copy])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        copy.close()


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


@contextmanager
def translating(engine: Engine) -> Iterator[None]:
    """Turn what a source's database says into words. Raises as `reading_only` does."""
    try:
        yield
    except DBAPIError as error:
        raise explain(error, shown_address(engine.url)) from error
    except (UnicodeError, ValueError, OverflowError) as error:
        # A driver's, on a value that it cannot read; its words may hold the value.
        raise _unreadable(shown_address(engine.url), type(error).__name__) from error


def shown_address(url: URL) -> str:
    """Return an address as people may see it."""
    return url.set(drivername=url.get_backend_name(), query={}).render_as_string(hide_password=True)


def explain(error: DBAPIError, shown: str) -> LienthongError:
    """Return what an error of a database means for the operator; it quotes no value."""
    state = getattr(error.orig, "sqlstate", None) or ""
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    number = number if isinstance(number, int) else None
    # PostgreSQL's first line names what is missing, and those after it repeat the query; MariaDB's
    # words are the last of its arguments.
    words = str(error.orig.args[-1] if number else error.orig) if error.orig else ""
    said = words.splitlines()[0] if words and state else " ".join(words.split())
    if state == "57014" or number in _TOO_SLOW:
        return _too_slow(shown)
    if state.startswith("28") or number in _REFUSED_LOGIN or _is_refusal(said, state):
        return _refused(shown, said)
    if state.startswith("42") or number in _WRONG_QUERY:
        return _wrong_query(shown, said)
    if isinstance(error, DataError) or state.startswith("22"):
        return _unreadable(shown, type(error.orig).__name__)
    cause = f"{type(error.orig).__name__} {state or number or ''}".rstrip()
    return PeerError(
        Text(
            vi=f"Không đọc được nguồn {shown} ({cause}); sẽ tự thử lại",
            en=f"the source {shown} cannot be read ({cause}); it is tried again",
        ),
        retryable=True,
        code="pull.unreachable",
    )


def _is_refusal(said: str, state: str) -> bool:
    """Whether PostgreSQL itself, which gives no SQLSTATE while connecting, turned us away."""
    passing = ("starting up", "shutting down", "recovery", "too many", "remaining connection")
    return not state and "FATAL" in said and not any(words in said for words in passing)


def _too_slow(shown: str) -> PeerError:
    return PeerError(
        Text(
            vi=f"Nguồn {shown} không trả lời trong thời hạn (statement_timeout_seconds); tạo chỉ "
            "mục trên cột mốc và khóa, hoặc giảm page_rows",
            en=f"the source {shown} did not answer in time (statement_timeout_seconds); make an "
            "index on the watermark and the key, or lower page_rows",
        ),
        retryable=True,
        code="pull.too_slow",
    )


def _wrong_query(shown: str, said: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Nguồn {shown} không nhận câu truy vấn: {said}; có thể cấu trúc bảng đã đổi: sửa "
            "query, table hoặc columns trong [pull], hoặc cấp quyền SELECT",
            en=f"the source {shown} does not take the query: {said}; its tables may have changed: "
            "mend query, table or columns in [pull], or grant SELECT",
        ),
        code="pull.query",
    )


def _refused(shown: str, said: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Nguồn {shown} từ chối: {said}; kiểm tra người dùng, LIENTHONG_PULL__TÊN__PASSWORD "
            "và tên cơ sở dữ liệu",
            en=f"the source {shown} refuses us: {said}; check the user, "
            "LIENTHONG_PULL__NAME__PASSWORD and the name of the database",
        ),
        code="pull.refused",
    )


def _unreadable(shown: str, kind: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Nguồn {shown} có giá trị không đọc được ({kind}), chưa nhận gì của trang này; "
            "chuyển kiểu cột đó trong query (CAST … AS text), hoặc kiểm tra bảng mã kết nối",
            en=f"the source {shown} has a value that cannot be read ({kind}), nothing of this page "
            "was taken over; convert its column in the query (CAST … AS text), or check the "
            "connection's encoding",
        ),
        code="pull.value",
    )


def _no_driver(address: URL, error: Exception) -> ConfigError:
    backend = address.get_backend_name()
    package = PACKAGES.get(backend)
    if package is None:
        return ConfigError(
            Text(
                vi=f"Không biết loại cơ sở dữ liệu «{address.drivername}»; dùng được: "
                "postgresql, mariadb, mysql; mssql và oracle nếu cài thêm trình điều khiển",
                en=f"the kind of database '{address.drivername}' is not known; there are "
                "postgresql, mariadb, mysql, and with a driver installed mssql and oracle",
            ),
            code="pull.no_driver",
        )
    missing = getattr(error, "name", None) or package
    return ConfigError(
        Text(
            vi=f"Chưa cài trình điều khiển cho «{backend}»: pip install {missing} trong môi trường "
            "của Lienthong",
            en=f"no driver for '{backend}' is installed: pip install {missing} in the environment "
            "of Lienthong",
        ),
        code="pull.no_driver",
    )

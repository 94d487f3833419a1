"""
Making the tables of a store, and bringing an older store to this program's version.

Everything happens in one transaction, on both databases: a process that is killed in the middle
leaves the old version whole. One upgrades at a time; another waits, for a while, and finds the
work done. Only this module and the migrations load Alembic, which takes long.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DatabaseError

from lienthong.store import audit
from lienthong.store.data_keys import data_keys
from lienthong.store.database import BUSY_SECONDS, translating
from lienthong.store.versions import (
    CURRENT,
    UNNUMBERED,
    alembic_version,
    check_version,
    read_version,
    write_version,
)
from schemas.errors import ConfigError, PeerError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    Progress = Callable[[str, int, int], object]
    """Is told a table, how many of its rows are done, and how many it has."""

_FOLDER = Path(__file__).parent / "migrations"
_UPGRADER = 0x4C54_0002
"""Name of the upgraders' lock on PostgreSQL; any number that nothing else there uses."""
_METADATA = data_keys.metadata
_OF_THE_FIRST = ("submissions", "dossiers", "messages", "attempts", "audit", "seals")
"""Tables by which a store without a number of its version is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version that the tables had or have."""

    number: str
    about: str
    """In one line."""


def history() -> tuple[Version, ...]:
    """Return every version this program knows, the first one first."""
    revisions = ScriptDirectory(str(_FOLDER)).walk_revisions()
    found = [Version(number=one.revision, about=one.doc) for one in revisions]
    return tuple(reversed(found))


def _silent(_table: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def upgrade(
    engine: Engine, *, at: datetime, actor: str = "lienthong", progress: Progress = _silent
) -> str | None:
    """
    Bring the store behind `engine` to this program's version; an empty database gets its tables.

    Workers must have been stopped, and a backup made: there is no other way back. Raw bytes that
    an older version kept in a folder are for `lienthong.store.spool.bring_in`, afterwards.

    Args:
        engine: Of `open_sqlite` or `open_postgresql`.
        at: For the audit log.
        actor: For the audit log.
        progress: Is told how far the rows of a table are.

    Returns:
        The version that was found; None for an empty database.

    Raises:
        ConfigError: the store is newer than this program, or is none of ours, or the database
            cannot be used; nothing was changed.
        PeerError: PostgreSQL cannot be reached, or others hold the store; trying again helps.
    """
    with _telling(engine), engine.begin() as connection:
        _keep_others_away(connection)
        found = read_version(connection)
        if found == CURRENT:
            return found
        if found is None:
            _check_free(connection)
        elif found in {version.number for version in history()}:
            _check_ours(connection)
        else:
            check_version(connection)
        _run(connection, found, progress=progress)
        if found is not None:
            step = audit.Entry(
                action="store.upgraded", subject="store", detail={"from": found, "to": CURRENT}
            )
            audit.append(connection, [step], actor=actor, at=at)
        return found


def _run(connection: Connection, found: str | None, *, progress: Progress) -> None:
    alembic_version.create(connection, checkfirst=True)
    if found == UNNUMBERED:
        write_version(connection, UNNUMBERED)
    config = Config()
    # The file format of these options takes a percent sign for the beginning of a name.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes |= {"connection": connection, "progress": progress}
    command.upgrade(config, "head")


def _keep_others_away(connection: Connection) -> None:
    """SQLite's write lock does it from the beginning of the transaction."""
    if connection.dialect.name == "postgresql":
        # Also for tables that workers still hold.
        connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'"))
        connection.execute(select(func.pg_advisory_xact_lock(_UPGRADER)))


def _check_free(connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(_METADATA.tables))
    if taken:
        raise _foreign(connection, ", ".join(taken))


def _check_ours(connection: Connection) -> None:
    missing = set(_OF_THE_FIRST) - set(inspect(connection).get_table_names())
    if missing:
        raise _foreign(connection, "messages")


def _foreign(connection: Connection, tables: str) -> ConfigError:
    shown = _shown(connection.engine)
    return ConfigError(
        Text(
            vi=f"Cơ sở dữ liệu {shown} có bảng của chương trình khác ({tables}), chưa thay đổi gì; "
            "dùng một cơ sở dữ liệu riêng cho Liên thông",
            en=f"the database {shown} has tables of another program ({tables}), nothing was "
            "changed; give Lienthong a database of its own",
        ),
        code="store.foreign",
    )


def check(engine: Engine) -> None:
    """
    Return when the tables are what this program works with, to the column and the index.

    Raises:
        ConfigError: the store is empty, older or newer, or its tables were changed by somebody;
            `problems` names each difference.
        PeerError: PostgreSQL cannot be reached.
    """
    with (
        _telling(engine),
        engine.connect().execution_options(lienthong_reading=True) as connection,
    ):
        check_version(connection)
        found = find_differences(connection)
    if found:
        raise ConfigError(
            Text(
                vi="Các bảng của kho thông điệp đã bị thay đổi ngoài chương trình; sửa lại như "
                "liệt kê, hoặc lấy lại kho từ bản sao lưu",
                en="the tables of the message store were changed from outside; mend them as "
                "listed, or take the store from a backup",
            ),
            problems=found,
            code="store.drifted",
        )


def find_differences(connection: Connection) -> tuple[Problem, ...]:
    """Return what is missing, too much or different in the tables; others' tables do not count."""

    def is_ours(_thing: object, name: str | None, kind: str, reflected: bool, _: object) -> bool:
        return not (kind == "table" and reflected and name not in _METADATA.tables)

    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "include_object": is_ours}
    )
    differences = compare_metadata(context, _METADATA)
    return tuple(_problem(*_flat(difference)) for difference in differences)


def _flat(difference: Any) -> tuple[str, str]:
    """Return the kind of an Alembic difference, and the name of what differs."""
    # Changes of one column stand in a list of their own.
    entry = difference[0] if isinstance(difference, list) else difference
    kind: str = entry[0]
    if kind.startswith("modify_"):
        return kind, f"{entry[2]}.{entry[3]}"
    thing = entry[-1]
    if kind.endswith("_column"):
        return kind, f"{entry[2]}.{thing.name}"
    return kind, str(thing.name or thing.table.name)


def _problem(kind: str, name: str) -> Problem:
    what = {"add": ("thiếu", "missing"), "remove": ("thừa", "not ours")}
    vi, en = what.get(kind.partition("_")[0], ("khác", "different"))
    thing = kind.partition("_")[2]
    return Problem(
        code="store.drifted",
        message=Text(vi=f"{vi} ({thing}): {name}", en=f"{en} {thing}: {name}"),
        suggestion=Text(
            vi="Ai đó đã sửa bảng bằng tay: sửa lại, hoặc phục hồi từ bản sao lưu",
            en="Somebody changed the tables by hand: undo it, or restore a backup",
        ),
    )


def _shown(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=True)


@contextmanager
def _telling(engine: Engine) -> Iterator[None]:
    """
    Turn what the database says into words; what is not known here `translating` knows.

    Raises:
        ConfigError: no right to make tables, no such database, no disk left.
        PeerError: others hold the store.
    """
    with translating(engine):
        try:
            yield
        except DatabaseError as error:
            told = _tell(engine, error)
            if told is None:
                raise
            raise told from error


def _tell(engine: Engine, error: DatabaseError) -> ConfigError | PeerError | None:
    shown, cause = _shown(engine), str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if state == "55P03" or "database is locked" in cause:
        return PeerError(
            Text(
                vi=f"Kho thông điệp {shown} đang được tiến trình khác giữ, chưa thay đổi gì; dừng "
                "các tiến trình (lienthong run), đợi lệnh nâng cấp khác xong rồi thử lại",
                en=f"the message store {shown} is held by another process, nothing was changed; "
                "stop the workers (lienthong run), let another upgrade end, then try again",
            ),
            retryable=True,
            code="store.busy",
        )
    if state == "53100" or "disk is full" in cause:
        return ConfigError(
            Text(
                vi=f"Hết dung lượng đĩa khi nâng cấp kho {shown}, kho vẫn như cũ; cần chỗ trống "
                "bằng khoảng hai lần kho, rồi chạy lại",
                en=f"the disk is full, and the store {shown} is as it was; free about twice the "
                "size of the store, then run it again",
            ),
            code="store.disk_full",
        )
    if state == "42501":
        return ConfigError(
            Text(
                vi=f"Tài khoản không có quyền tạo hoặc đổi bảng trong {shown}; quản trị viên chạy: "
                f'ALTER DATABASE "{engine.url.database}" OWNER TO "{engine.url.username}"',
                en=f"the user has no right to make or change tables in {shown}; have the "
                "administrator run: "
                f'ALTER DATABASE "{engine.url.database}" OWNER TO "{engine.url.username}"',
            ),
            code="store.no_right",
        )
    if "FATAL" in cause and f'database "{engine.url.database}" does not exist' in cause:
        return ConfigError(
            Text(
                vi=f"Chưa có cơ sở dữ liệu {shown}; quản trị viên tạo bằng: "
                f"createdb -O {engine.url.username} {engine.url.database}",
                en=f"there is no database {shown}; have the administrator make it: "
                f"createdb -O {engine.url.username} {engine.url.database}",
            ),
            code="store.no_database",
        )
    return None

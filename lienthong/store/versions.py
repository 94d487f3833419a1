"""
Which version of the tables a database has, told without loading the migrations.

The number is Alembic's own, in its own table, so that its tools see the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, delete, insert, inspect, select

from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

CURRENT = "0026"
"""The version this program works with; the newest migration, as a test sees to."""
UNNUMBERED = "0001"
"""The version of stores made before versions were written down."""

alembic_version = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
)


def read_version(connection: Connection) -> str | None:
    """Return the version of the tables, or None where there are none yet."""
    tables = inspect(connection).get_table_names()
    if alembic_version.name in tables:
        found: str | None = connection.execute(select(alembic_version.c.version_num)).scalar()
        if found is not None:
            return found
    return UNNUMBERED if "messages" in tables else None


def write_version(connection: Connection, version: str = CURRENT) -> None:
    """Write down which version the tables have."""
    alembic_version.create(connection, checkfirst=True)
    connection.execute(delete(alembic_version))
    connection.execute(insert(alembic_version).values(version_num=version))


def check_version(connection: Connection) -> None:
    """
    Return when this program and the tables fit together.

    Raises:
        ConfigError: the database is empty, older or newer.
    """
    found = read_version(connection)
    if found == CURRENT:
        return
    if found is None:
        raise ConfigError(
            Text(
                vi="Cơ sở dữ liệu chưa có bảng nào của Liên thông; "
                "tạo bằng: lienthong store upgrade",
                en="the database has no tables of Lienthong yet; "
                "make them: lienthong store upgrade",
            ),
            code="store.empty",
        )
    if found < CURRENT:
        raise ConfigError(
            Text(
                vi=f"Kho thông điệp có phiên bản {found}, chương trình cần {CURRENT}; dừng các "
                "tiến trình, sao lưu, rồi chạy: lienthong store upgrade",
                en=f"the message store has version {found}, this program needs {CURRENT}; stop the "
                "workers, make a backup, then run: lienthong store upgrade",
            ),
            code="store.older",
        )
    raise ConfigError(
        Text(
            vi=f"Kho thông điệp có phiên bản {found}, mới hơn chương trình này ({CURRENT}); "
            "cài bản chương trình mới hơn",
            en=f"the message store has version {found}, newer than this program ({CURRENT}); "
            "install a newer release of the program",
        ),
        code="store.newer",
    )

"""
Alembic's entry. Connection and transaction are those of `lienthong.store.migrating`, which knows
which store this is, keeps others away meanwhile and puts errors into words.
"""

from __future__ import annotations

from alembic import context

from lienthong.store.data_keys import data_keys
from schemas.errors import ConfigError
from schemas.problem import Text

connection = context.config.attributes.get("connection")
if connection is None:
    raise ConfigError(
        Text(
            vi="Không gọi alembic trực tiếp; dùng: lienthong store upgrade",
            en="alembic is not to be called by itself; use: lienthong store upgrade",
        ),
        code="store.not_by_alembic",
    )
context.configure(
    connection=connection,
    # The tables of the whole store: whoever knows the keys knows the others.
    target_metadata=data_keys.metadata,
    # Alembic takes SQLite for a database that cannot; with our BEGIN it can.
    transactional_ddl=True,
)
context.run_migrations()

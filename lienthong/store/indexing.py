"""
By what messages are found: identity numbers in them, as keyed digests, and codes of their problems.

A message is indexed by its numbers as long as it has a document, in the transaction that writes the
document; its codes follow `messages.problems`, in the transaction that changes them. Neither
table holds a number or a text of anybody.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from lienthong.store.bulk import among, insert_rows
from lienthong.store.tables import backfills, message_problems, person_index
from schemas.identities import normalise_identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from lienthong.store.vault import Vault
    from lienthong.store.work import Work
    from schemas.problem import Problem

BACKFILL = "index"
"""Name of what is still to be done for messages from before the index (`lienthong store index`)."""
AUDIT_SALT_BYTES = 16
_FIELD = re.compile(r"[A-Za-z0-9_.]{1,200}", re.ASCII)
_ITEM = re.compile(r"\[\d+\]")
_FORGET_PERSONS = delete(person_index).where(among(person_index.c.message_id, "_ids"))
_FORGET_PROBLEMS = delete(message_problems).where(among(message_problems.c.message_id, "_ids"))


def person_digest(vault: Vault, typed: str) -> bytes | None:
    """Return by what messages with a number are found; None for what is no number."""
    number = normalise_identity(typed)
    return vault.search_digest(number) if number else None


class IndexRows:
    """Rows of the index of several messages, written together."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._persons: list[dict[str, Any]] = []
        self._problems: list[dict[str, Any]] = []

    def add_persons(self, message_id: str, identities: Iterable[str]) -> None:
        """Have a message found by numbers, each given once as it is compared."""
        self._persons += [
            {"digest": self._vault.search_digest(number), "message_id": message_id}
            for number in identities
        ]

    def add_problems(self, message_id: str, problems: Sequence[Problem]) -> None:
        """Have a message found by the codes of all its problems."""
        # An error before a warning of the same code and field.
        by_severity = sorted(problems, key=lambda one: one.severity.value, reverse=True)
        found = {(one.code, _field_of(one)): one.severity.value for one in by_severity}
        self._problems += [
            {"code": code, "message_id": message_id, "field": field, "severity": severity}
            for (code, field), severity in found.items()
        ]

    def write(self, connection: Connection) -> None:
        """Write them; no message may have any of them."""
        insert_rows(connection, person_index, self._persons)
        insert_rows(connection, message_problems, self._problems)


def replace_problems(work: Work, message_id: str, problems: Sequence[Problem]) -> None:
    """Have a message found by the codes of these problems, and of no others."""
    forget_problems(work.connection, [message_id])
    rows = IndexRows(work.vault)
    rows.add_problems(message_id, problems)
    rows.write(work.connection)


def forget_persons(connection: Connection, message_ids: Sequence[str]) -> None:
    """Have messages found by no number any more."""
    connection.execute(_FORGET_PERSONS, {"_ids": list(message_ids)})


def forget_problems(connection: Connection, message_ids: Sequence[str]) -> None:
    """Have messages found by no code of a problem any more."""
    connection.execute(_FORGET_PROBLEMS, {"_ids": list(message_ids)})


def note_search(work: Work, typed: str, *, found: int) -> None:
    """
    Have it written down that somebody looked for a person.

    The digest is by the search key and a salt of its own: who has the key can tell whether it was a
    certain number, and no two rows are alike.
    """
    salt = secrets.token_bytes(AUDIT_SALT_BYTES)
    digest = work.vault.search_digest(normalise_identity(typed), salt=salt)
    work.note("message.searched", "person", found=found, salt=salt.hex(), digest=digest.hex())


def is_indexed(connection: Connection) -> bool:
    """Tell whether every message is in the index, those from before it too."""
    query = select(backfills.c.name).where(backfills.c.name == BACKFILL)
    return connection.execute(query).first() is None


def _field_of(problem: Problem) -> str:
    """Return the field of a problem; what cannot be a published name may quote something."""
    field = _ITEM.sub("", problem.field or "")
    return field if _FIELD.fullmatch(field) else ""

"""
What the portal said of a message it did not take, as a finding at the agency's own place.

An answer often is a sentence and nothing more. Where a field of the message stands in it by its
published name, the finding is that field's, at the column that the mapping makes it of; else it is
the record's. Nothing is guessed from other words.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from sqlalchemy import bindparam, select

from lienthong.channels.port import Packet
from lienthong.store.sealed import words_context
from lienthong.store.tables import attempts, in_slices
from schemas.model import load_version, version_names
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Row

    from lienthong.store.vault import Vault

    Columns: TypeAlias = Callable[[str, str, str], str | None]
    """From a message's mapping, packet and field to the agency's own name of it, if it has one."""

MOST_FIELDS = 5
"""Of one answer: one that lists more says nothing of any of them."""
_IDENTITY = "MaHoSo"
"""The field that an answer names to say which dossier it is about."""
_NAME = re.compile(r"[A-Za-z]\w*(?:\[\d{1,6}\])?(?:\.[A-Za-z]\w*(?:\[\d{1,6}\])?)*", re.ASCII)
_WORDS = (
    select(
        attempts.c.message_id,
        attempts.c.kind,
        attempts.c.number,
        attempts.c.code,
        attempts.c.message,
    )
    .where(
        attempts.c.message_id.in_(bindparam("_ids", expanding=True)),
        attempts.c.ended_at.is_not(None),
    )
    .order_by(attempts.c.started_at, attempts.c.number)
)


def no_columns(_mapping: str, _packet: str, _field: str) -> str | None:
    """Return None: where the mappings are not at hand."""
    return None


def load_words(connection: Connection, message_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the last that the portal said of each message, sealed."""
    words: dict[str, Row[Any]] = {}
    for part in in_slices(message_ids):
        words |= {row.message_id: row for row in connection.execute(_WORDS, {"_ids": part})}
    return words


def portal_problems(
    words: Row[Any], *, message: Row[Any], vault: Vault, columns: Columns
) -> tuple[Problem, ...]:
    """
    Return what the portal said as findings, one for each field that it names.

    Args:
        words: Of `load_words`.
        message: Its place, packet and mapping.
        vault: Opens the portal's words.
        columns: Knows the agencies' names of fields.

    Raises:
        SealBroken: the words cannot be opened.
    """
    if message.packet == Packet.INBOUND.value:
        # What its own receiver answered, which names no field of the portal's.
        return ()
    if words.code is None and words.message is None:
        return ()
    said = ""
    if words.message is not None:
        context = words_context(words.message_id, words.kind, words.number)
        said = vault.open(words.message, context=context).decode()
    place = msgspec.json.decode(message.place, type=Place)
    answer = ": ".join(part for part in (words.code, said) if part)
    fields: list[str] | list[None] = fields_named(said, packet=message.packet) or [None]
    return tuple(
        Problem(
            code="portal.answer",
            message=Text(vi=f"Cổng trả lời: {answer}", en=f"The portal answered: {answer}"),
            place=_narrowed(
                place, columns(message.mapping, message.packet, field) if field else None
            ),
            field=field,
            suggestion=Text(
                vi="Sửa hồ sơ theo trả lời của Cổng rồi gửi bản mới, hoặc chờ người vận hành xử lý",
                en="Mend the dossier as the portal says and send it anew, or wait for the operator",
            ),
        )
        for field in fields
    )


def fields_named(words: str, *, packet: str) -> list[str]:
    """Return the fields of a packet that stand in a text by their names, in its order."""
    known = _fields(packet)
    tokens = dict.fromkeys(found[0] for found in _NAME.finditer(words))
    named = [token for token in tokens if re.split(r"[.\[]", token, maxsplit=1)[0] in known]
    others = [field for field in named if field != _IDENTITY]
    found = others or named
    return found if len(found) <= MOST_FIELDS else []


@cache
def _fields(packet: str) -> frozenset[str]:
    versions = [load_version(name) for name in version_names()]
    return frozenset(name for version in versions for name in version.packets[packet].fields)


def _narrowed(place: Place, name: str | None) -> Place:
    if name is None:
        return place
    if place.row is not None:
        return place.at(column=name)
    return place.at(path=name if place.path is None else f"{place.path}.{name}")

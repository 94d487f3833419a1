"""Payloads that are derived from the signed document: reading it, and why none can be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Outcome
from schemas.errors import InputError
from schemas.parser import XmlRefused, parse_xml
from schemas.reading import read_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.channels.port import SendRequest
    from schemas.model import SchemaVersion
    from schemas.portal_json import ValuesRefused
    from schemas.reading import Document

MOST_CHARACTERS = 4000
"""Of the reasons why a document cannot be sent: all of them, of any document that makes sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What is sent of one document."""

    data: bytes
    digest: str


def read_signed(request: SendRequest, *, versions: Sequence[SchemaVersion]) -> Document | Answer:
    """Return the document of a request, or what it means that it cannot be sent to a target."""
    try:
        document = read_document(parse_xml(request.document))
    except (InputError, XmlRefused) as error:
        if error.code == "document.namespace":
            return _of_no_version(versions)
        return _unsendable(f"the document cannot be read: {error.code}")
    if document.version.namespace not in {version.namespace for version in versions}:
        return _of_no_version(versions)
    if document.packet != request.packet.value:
        return _unsendable(f"the document is a {document.packet}")
    return document


def refuse_values(error: ValuesRefused) -> Answer:
    """Return what it means that a target does not take values of a document."""
    return _unsendable("; ".join(one.message.en for one in error.problems))


def _of_no_version(versions: Sequence[SchemaVersion]) -> Answer:
    return Answer(
        outcome=Outcome.WITHHELD,
        detail="nothing was sent: the document is of no schema version of this target "
        f"({', '.join(version.name for version in versions)})",
    )


def _unsendable(why: str) -> Answer:
    words = " ".join(why.split())[:MOST_CHARACTERS]
    return Answer(outcome=Outcome.UNSENDABLE, detail=f"nothing was sent: {words}")

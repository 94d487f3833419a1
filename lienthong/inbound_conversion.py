"""
From one record of a peer's message to the file that its agency gets, or to every problem it has.

The file is made once and handed over byte for byte, as signed documents are to the portal.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from adapters.record import UnreadableRecord
from lienthong.channels.port import HandedFile, Packet
from lienthong.conversion import Prepared, PreparedEvent, indexable, stored_key
from lienthong.ids import make_id
from schemas.identities import identity_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from adapters.record import SourceRecord
    from mappings import InboundConverter


class InboundPipeline:
    """The way of one service's messages to one agency. Thread-safe."""

    def __init__(self, converter: InboundConverter) -> None:
        self._converter = converter

    def prepare(self, record: SourceRecord | UnreadableRecord, *, now: datetime) -> Prepared:
        """Return the file of one record, with its identity."""
        if isinstance(record, UnreadableRecord):
            return Prepared(
                record=record.number,
                place=record.problems[0].place,
                dossier_code=None,
                events=(),
                problems=tuple(record.problems),
            )
        found = self._converter.convert(record, now=now)
        code = indexable(found.dossier_code)
        events: tuple[PreparedEvent, ...] = ()
        if found.document is not None and code is not None:
            message_id = make_id(now)
            media_type = found.media_type
            if found.charset is not None:
                media_type = f"{media_type}; charset={found.charset}"
            events = (
                PreparedEvent(
                    message_id=message_id,
                    packet=Packet.INBOUND,
                    dossier_code=code,
                    key=None if found.event_key is None else stored_key(found.event_key),
                    version=None,
                    content_digest=_digest(record.values),
                    document=found.document,
                    document_digest=hashlib.sha256(found.document).hexdigest(),
                    procedure=indexable(found.procedure),
                    file=HandedFile(
                        name=found.name_for(message_id),
                        media_type=media_type,
                        service=self._converter.service,
                    ),
                    identities=identity_numbers(record.values),
                ),
            )
        return Prepared(
            record=record.number,
            place=record.place,
            dossier_code=code,
            events=events,
            problems=found.problems,
            deadline=found.deadline,
        )


def _digest(values: Mapping[str, object]) -> str:
    """Return the digest of what a peer said, whatever a mapping makes of it."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

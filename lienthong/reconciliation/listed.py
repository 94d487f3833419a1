"""
What an agency says it has, as a list in its own format, read through its own mapping.

Nothing of the list is kept or sent: its dossiers are compared with what the agency handed in
before. Of what differs the names of the fields are told, never their values.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from typing import TYPE_CHECKING

from sqlalchemy import select

from adapters import read_records
from adapters.record import UnreadableRecord
from lienthong.channels.port import Packet
from lienthong.differences import flat, without_indices
from lienthong.discrepancies import Discrepancy, FieldDifference, Kind
from lienthong.store.sealed import document_context
from lienthong.store.tables import messages
from lienthong.store.vault import SealBroken
from schemas.errors import InputError
from schemas.parser import parse_xml
from schemas.reading import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from adapters.record import SourceRecord
    from lienthong.store.standings import Ours
    from lienthong.store.vault import Vault
    from mappings import Converter

MOST_FIELDS = 50
"""Of one dossier that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDossier:
    """One dossier of the list."""

    dossier_code: str
    agency: str
    content_digest: str
    content: Mapping[str, str]
    """Field, with item numbers, to text."""


class Listed:
    """One agency's list; read anew each time, never in memory as a whole."""

    def __init__(
        self, path: Path, *, converter: Converter, vault: Vault, clock: Callable[[], datetime]
    ) -> None:
        self._path = path
        self._converter = converter
        self._vault = vault
        self._clock = clock

    def digest(self) -> str:
        """Return the SHA-256 of the list, by which it is known again."""
        with self._path.open("rb") as source:
            return file_digest(source, "sha256").hexdigest()

    def count(self) -> int:
        """Return how many records there are. Raises InputError where it cannot be read."""
        return sum(1 for _ in self._records())

    def groups(self, *, after: int, size: int) -> Iterator[tuple[int, list[ListedDossier | None]]]:
        """
        Give the records behind one, so many at a time, each group with the number of its last.

        None stands for a record that cannot be read or has errors. What the mapping leaves out is
        not there.
        """
        group: list[ListedDossier | None] = []
        number = after
        for record in self._records():
            if record.number <= after:
                continue
            number = record.number
            if isinstance(record, UnreadableRecord):
                group.append(None)
            else:
                group += self._convert(record)
            if len(group) >= size:
                yield number, group
                group = []
        yield number, group

    def _records(self) -> Iterator[SourceRecord | UnreadableRecord]:
        options = self._converter.source
        with self._path.open("rb") as source:
            records = read_records(
                source,
                file_name=self._path.name,
                options=options,
                read_columns=self._converter.columns_read,
            )
            yield from records

    def _convert(self, record: SourceRecord) -> list[ListedDossier | None]:
        conversion = self._converter.convert(record)
        if conversion.is_left_out:
            return []
        snapshots = [one for one in conversion.events if one.packet == Packet.DOSSIER.value]
        if not snapshots:
            return [None]
        (event,) = snapshots
        return [
            ListedDossier(
                dossier_code=event.dossier_code,
                agency=self._converter.name,
                content_digest=event.digest,
                content=dict(flat(event.values)),
            )
        ]

    def differences(
        self,
        connection: Connection,
        group: Sequence[ListedDossier | None],
        known: Mapping[str, Ours],
    ) -> dict[str, Discrepancy]:
        """Return, by dossier, what the list says otherwise than what was handed in last."""
        found = {}
        for one in group:
            ours = None if one is None else known.get(one.dossier_code)
            if one is None or ours is None or ours.latest_content is None:
                continue
            message_id, digest = ours.latest_content
            if digest == one.content_digest or ours.agency != one.agency:
                continue
            found[one.dossier_code] = Discrepancy(
                dossier_code=one.dossier_code,
                agency=one.agency,
                kind=Kind.OUTDATED,
                message_id=message_id,
                fields=self._fields(connection, message_id, one.content),
                detail="the agency's list says otherwise",
                found_at=self._clock(),
            )
        return found

    def _fields(
        self, connection: Connection, message_id: str, content: Mapping[str, str]
    ) -> tuple[FieldDifference, ...]:
        """Return the names of the fields that differ; none where the document is gone."""
        query = select(messages.c.document).where(messages.c.id == message_id)
        sealed = connection.execute(query).scalar_one()
        if sealed is None:
            return ()
        try:
            document = self._vault.open(sealed, context=document_context(message_id))
            before = dict(flat(read_document(parse_xml(document)).values))
        except (SealBroken, InputError):
            return ()
        names = (*before, *content)
        differing = (without_indices(n) for n in names if before.get(n) != content.get(n))
        return tuple(FieldDifference(field=n) for n in list(dict.fromkeys(differing))[:MOST_FIELDS])

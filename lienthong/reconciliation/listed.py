"""
What an agency says it has, as a list in its own format, read through its own mapping.

Nothing of the list is kept or sent: its dossiers are compared with what the agency handed in
before. Of what differs the names of the fields are told, never their values.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from hashlib import file_digest
from typing import TYPE_CHECKING

from sqlalchemy import select

from adapters import read_records
from adapters.record import UnreadableRecord
from lienthong.admission import issue_order
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
    version: str | None
    """The agency's own order of snapshots, where it has one."""
    content_digest: str
    content: Mapping[str, str]
    """Field, with item numbers, to text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one row of the list says of its dossier, beside what was handed in last."""

    outdated: Discrepancy | None = None
    """It says something else."""
    agrees_about: str | None = None
    """The dossier of which it says the same; where the agency has no order, the last row counts."""


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

        None stands for a record that cannot be read or has errors, or that says something else of
        a dossier than a row before it, where the mapping allows one row of each. What the mapping
        leaves out is not there, nor is what a row repeats.
        """
        group: list[ListedDossier | None] = []
        number = after
        with closing(_Rows()) as rows:
            for record in self._records():
                converted = self._convert(record)
                if self._converter.one_row_per_dossier:
                    # Also of rows that were compared before: they are what later ones repeat.
                    converted = [rows.first(one) for one in converted if rows.is_new(one)]
                if record.number <= after:
                    continue
                number = record.number
                group += converted
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

    def _convert(self, record: SourceRecord | UnreadableRecord) -> list[ListedDossier | None]:
        if isinstance(record, UnreadableRecord):
            return [None]
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
                version=event.version,
                content_digest=event.digest,
                content=dict(flat(event.values)),
            )
        ]

    def judge(
        self,
        connection: Connection,
        group: Sequence[ListedDossier | None],
        known: Mapping[str, Ours],
    ) -> list[Content]:
        """Return, for each row in order, what it says beside what was handed in last."""
        return [
            Content() if one is None else self._judge(connection, one, known.get(one.dossier_code))
            for one in group
        ]

    def _judge(self, connection: Connection, one: ListedDossier, ours: Ours | None) -> Content:
        latest = None if ours is None else ours.latest
        if latest is None or latest.agency != one.agency:
            return Content()
        has_order = one.version is not None and latest.version is not None
        if has_order and issue_order(one.version or "") < issue_order(latest.version or ""):
            return Content()
        if latest.is_of(one.content_digest):
            return Content(agrees_about=None if has_order else one.dossier_code)
        return Content(
            outdated=Discrepancy(
                dossier_code=one.dossier_code,
                agency=one.agency,
                kind=Kind.OUTDATED,
                message_id=latest.id,
                fields=self._fields(connection, latest.id, one.content),
                detail="the agency's list says otherwise",
                found_at=self._clock(),
            )
        )

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


class _Rows:
    """The dossiers of one list, on disk, because it may hold millions."""

    def __init__(self) -> None:
        # An empty name is SQLite's temporary database: on disk once it grows, gone when closed.
        self._connection = sqlite3.connect("")
        self._connection.execute(
            "CREATE TABLE rows (code TEXT PRIMARY KEY, digest TEXT) WITHOUT ROWID"
        )

    def is_new(self, one: ListedDossier | None) -> bool:
        """Tell whether a row is no mere repetition of one before it."""
        return one is None or self._digest(one) != one.content_digest

    def first(self, one: ListedDossier | None) -> ListedDossier | None:
        """Return the row, or None where its dossier stood in another one before it."""
        if one is None or self._digest(one) is not None:
            return None
        row = (one.dossier_code, one.content_digest)
        self._connection.execute("INSERT INTO rows VALUES (?, ?)", row)
        return one

    def close(self) -> None:
        self._connection.close()

    def _digest(self, one: ListedDossier) -> str | None:
        query = "SELECT digest FROM rows WHERE code = ?"
        found = self._connection.execute(query, (one.dossier_code,)).fetchone()
        return None if found is None else str(found[0])

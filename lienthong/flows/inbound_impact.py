"""
What a changed section `inbound` does to messages that came down: what agencies would get.

Both versions write the file of each message, and nothing is handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from adapters import read_records
from adapters.record import UnreadableRecord
from lienthong.differences import flat
from lienthong.flows.impact import Outcome, options_of, unreadable
from mappings.inbound import InboundConverter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import BinaryIO

    from adapters import SourceOptions, SourceRecord
    from adapters.writers.cells import Row
    from mappings import MappingFile
    from mappings.inbound import Inbound
    from mappings.language import InboundService


class InboundMaker:
    """One service of one of the two mappings at work."""

    def __init__(self, service: InboundService, *, now: datetime) -> None:
        self._converter = InboundConverter(service)
        self._now = now

    @property
    def source(self) -> SourceOptions:
        """How messages are read."""
        return self._converter.source

    def read(self, source: BinaryIO, file_name: str) -> Iterator[SourceRecord | UnreadableRecord]:
        """Yield the messages of a file."""
        return read_records(
            source,
            file_name=file_name,
            options=self._converter.source,
            read_columns=self._converter.read_columns,
        )

    def make(self, item: SourceRecord | UnreadableRecord) -> Outcome:
        """Return what the agency would get of one message."""
        if isinstance(item, UnreadableRecord):
            return unreadable(item)
        found = self._converter.convert(item, now=self._now)
        return Outcome(
            record=item.number,
            place=item.place,
            dossier_code=found.dossier_code,
            content=dict(_cells(found.rows)) | dict(_identities(found)),
            problems=found.problems,
            document=None if found.document is None else sha256(found.document).hexdigest(),
        )


def _cells(rows: tuple[Row, ...]) -> Iterator[tuple[str, str]]:
    """Give every text of a file under its column, with the number of rows but the first."""
    for number, row in enumerate(rows, start=1):
        for name, text in flat(row, ""):
            yield (name if number == 1 else f"{name}[{number}]"), text


def _identities(found: Inbound) -> Iterator[tuple[str, str]]:
    """Give what a message is filed and ordered by, under names that no column has."""
    deadline = found.deadline
    named = {
        "file_name": found.file_name,
        "event_key": found.event_key,
        "dossier_code": found.dossier_code,
        "procedure": found.procedure,
        "status": found.status,
        "deadline": None if deadline is None else deadline.isoformat(timespec="seconds"),
    }
    for name, text in named.items():
        yield f"inbound.{name}", text or ""


def changed_services(old: MappingFile, new: MappingFile) -> list[str]:
    """Return the services of which two mappings make other files, or only one makes any."""
    before, after = ({one.service: one for one in file.inbound} for file in (old, new))
    return [
        name
        for name in (*before, *(name for name in after if name not in before))
        if not _is_same(before.get(name), after.get(name))
    ]


def _is_same(one: object, other: object) -> bool:
    """Compare rules, wherever in their files they stand."""
    if type(one) is not type(other):
        return False
    if is_dataclass(one) and not isinstance(one, type):
        names = [each.name for each in fields(one) if each.name != "line"]
        return all(_is_same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(_is_same(one[key], other[key]) for key in one)
    return one == other


def inbound_heads(old: InboundService, new: InboundService) -> dict[str, tuple[str, str]]:
    """Return what differs in how messages are read and files written, by its key."""
    pairs = options_of("source", old.source, new.source)
    pairs |= options_of("target", old.target, new.target)
    return {f"inbound.{key}": pair for key, pair in pairs.items() if pair[0] != pair[1]}

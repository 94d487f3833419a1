"""
Which services of the catalogue are connected: by a mapping, and by what was really delivered.

A mapping that takes the procedure's code from the record may bring any procedure; only a delivery
shows that it does. One whose codes are written down connects those.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mappings.catalogue import load_groups
from mappings.language import DOSSIER, FieldRule
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from lienthong.store.deliveries import Delivered
    from mappings.catalogue import Catalogue, Group, Service
    from mappings.language import MappingFile

_PROCEDURE = "MaTTHC"


class Connection(Enum):
    """How far a service is connected; the values are those of JSON."""

    DELIVERED = "delivered"
    MAPPED = "mapped"
    """A mapping writes its code down, and nothing has been delivered yet."""
    NONE = "none"

    @property
    def text(self) -> Text:
        """Say it in words."""
        return _WORDS[self]


_WORDS = {
    Connection.DELIVERED: Text(vi="đã gửi", en="delivered"),
    Connection.MAPPED: Text(vi="đã ánh xạ", en="mapped"),
    Connection.NONE: Text(vi="chưa kết nối", en="not connected"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One service and what connects it."""

    service: Service
    mappings: tuple[str, ...]
    delivered: int
    last_at: datetime | None

    @property
    def connection(self) -> Connection:
        """How far it is connected."""
        if self.delivered:
            return Connection.DELIVERED
        return Connection.MAPPED if self.mappings else Connection.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLine:
    """One group and how many of its services are connected."""

    group: Group
    counts: dict[Connection, int]

    @property
    def total(self) -> int:
        """How many services it has."""
        return sum(self.counts.values())


def cover(
    catalogue: Catalogue,
    mappings: Iterable[MappingFile],
    delivered: Iterable[Delivered],
    *,
    day: date,
) -> list[Line]:
    """Return a line for every service that is on the list on `day`."""
    files = list(mappings)
    groups = {file.name: file.agency_group for file in files}
    written = {file.name: procedures_of(file) for file in files}
    counted: dict[str, list[Delivered]] = {}
    for one in delivered:
        counted.setdefault(one.procedure, []).append(one)
    lines = []
    for service in catalogue.services:
        if not service.covers(day):
            continue
        # A mapping that names no group counts for each that has the procedure.
        own = {name for name, group in groups.items() if group in (None, service.group)}
        done = [
            one
            for one in counted.get(service.code, ())
            if one.agency in own or one.agency not in groups
        ]
        names = {name for name in own if service.code in written[name]}
        lines.append(
            Line(
                service=service,
                mappings=tuple(sorted(names | {one.agency for one in done})),
                delivered=sum(one.messages for one in done),
                last_at=max((one.last_at for one in done), default=None),
            )
        )
    return lines


def by_group(lines: Sequence[Line]) -> list[GroupLine]:
    """Return a line for every group, those without services too."""
    return [
        GroupLine(
            group=group,
            counts={
                each: sum(
                    line.connection is each for line in lines if line.service.group == group.code
                )
                for each in Connection
            },
        )
        for group in load_groups()
    ]


def procedures_of(file: MappingFile) -> frozenset[str]:
    """Return the procedures whose codes are written down in a mapping."""
    assert DOSSIER in file.schema.packets
    rule = file.dossier.get(_PROCEDURE)
    if not isinstance(rule, FieldRule):
        return frozenset()
    found = {rule.default}
    for way in rule.ways:
        found |= {way.constant, way.default}
        if way.codes is not None:
            found |= {entry.target for entry in way.codes.entries}
    return frozenset(code for code in found if code)

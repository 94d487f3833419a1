"""Where every value of a file for an agency comes from: notes on the ordinary conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mappings.dates import VIETNAM
from mappings.explaining import TracedScope, Tracing
from mappings.inbound import Inbound, InboundConverter
from mappings.lineage import PacketLineage, problems_in
from mappings.source_leaves import leaves_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from adapters import SourceRecord
    from mappings.language import InboundService
    from mappings.lineage import Leaf, Lineage
    from schemas.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundExplanation:
    """One message beside the file it becomes."""

    inbound: Inbound
    packet: PacketLineage
    """The file: its columns in their order, those of entries after them."""
    problems: tuple[Problem, ...]
    """Those of no single rule: the identity, and what the format cannot hold."""
    source: tuple[Leaf, ...]
    """Everything that stands in the message, in its order."""


class InboundExplainer:
    """A service compiled a second time, with somebody looking on; its values are the same."""

    def __init__(self, service: InboundService) -> None:
        self._converter = InboundConverter(service, watch=Tracing())
        self.source = self._converter.source
        """Of `adapters.read_records`."""
        self.read_columns = self._converter.read_columns
        """Of `adapters.read_records`."""

    def explain(self, record: SourceRecord, *, now: datetime) -> InboundExplanation:
        """Convert one message and tell where each value comes from."""
        day = now.astimezone(VIETNAM).date()
        scope = TracedScope(record, find_day=lambda _: day)
        inbound = self._converter.convert_in(scope)
        fields = tuple(_fields(scope))
        told = {id(problem) for problem in problems_in(fields)}
        return InboundExplanation(
            inbound=inbound,
            packet=PacketLineage(name=inbound.file_name, is_left_out=False, fields=fields),
            problems=tuple(each for each in inbound.problems if id(each) not in told),
            source=leaves_of(record, used=self.read_columns),
        )


def _fields(scope: TracedScope) -> Iterator[Lineage]:
    yield from scope.fields
    for inner in scope.children:
        yield from _fields(inner)

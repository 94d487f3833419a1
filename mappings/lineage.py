"""
Where every value of a dossier comes from: the notes on one conversion, as values.

Notes are taken while the ordinary rules run (`explaining`), so they tell what happened and not what
should have; words for the reader are made from them in `step_words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters import SourceRecord
    from mappings.converter import Conversion
    from mappings.leaving import Ground
    from schemas.problem import Place, Problem, Text


class StepKind(Enum):
    """What a step did; the values stand in `--json`."""

    SOURCE = "source"
    CONSTANT = "constant"
    TEMPLATE = "template"
    ALTERNATIVE = "first"
    """An alternative was tried; the steps after it are its own, and `after` is what it gave."""
    DATE_CELL = "date_cell"
    TEXT = "text"
    DATE = "date"
    WORKING_DAYS = "working_days"
    NUMBER = "number"
    KIND = "kind"
    CODES = "codes"
    LOOKUP = "lookup"
    OTHER = "conversion"
    DEFAULT = "default"
    CONDITION = "when"
    """The condition of the rule failed, so that nothing else of it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done on the way from the source to one field."""

    kind: StepKind
    line: int
    """In the mapping file; of the entry, where a code list has the word."""
    before: str | None
    """The text that went in; None where a text begins."""
    after: str | None
    """What came out: "" nothing, None a problem."""
    words: Text
    """What was done, for the reader."""
    path: str | None = None
    """For SOURCE and DATE_CELL: the path as the mapping has it."""
    place: Place | None = None
    """For SOURCE and DATE_CELL: where that stands in the agency's own input."""
    whole_path: str | None = None
    """`path` from the root of the record, with the positions of items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLineage:
    """How one field of the portal got its value, or why it has none."""

    name: str
    """As published."""
    about: Text
    """What the schema says of it."""
    field: str
    """With its group and 1-based item, as problems name it: "TaiLieuNop[2].TenGiayTo"."""
    line: int
    """Of the rule in the mapping file."""
    value: str | None
    """None: the field is absent, or refused."""
    steps: tuple[Step, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLineage:
    """One item of a repeated group, also one that was left out because nothing stood in it."""

    number: int
    """From 1, as problems count them."""
    is_left_out: bool
    fields: tuple[Lineage, ...]
    """Empty: the condition of the item failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLineage:
    """How one repeated group came about."""

    name: str
    about: Text
    field: str
    line: int
    items: tuple[ItemLineage, ...]
    problems: tuple[Problem, ...]
    """Of the group itself; those of fields stand with them."""


Lineage: TypeAlias = FieldLineage | GroupLineage


def fields_in(lineages: Iterable[Lineage]) -> Iterator[FieldLineage]:
    """Yield every single field, also those inside groups, in their order."""
    for each in lineages:
        if isinstance(each, FieldLineage):
            yield each
        else:
            for item in each.items:
                yield from fields_in(item.fields)


def problems_in(lineages: Iterable[Lineage]) -> Iterator[Problem]:
    """Yield the problems of fields and groups, and of the fields inside groups."""
    for each in lineages:
        yield from each.problems
        if isinstance(each, GroupLineage):
            for item in each.items:
                yield from problems_in(item.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketLineage:
    """The dossier, or one progress row."""

    name: str
    """"DongBoHoSoMC" or "CapNhatTienDoHoSoMC"."""
    is_left_out: bool
    """Whether the condition of the progress rows left it out."""
    fields: tuple[Lineage, ...]
    """Of every rule that ran, in the order of the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value of the source."""

    path: str
    place: Place
    text: str
    is_used: bool
    """Whether any rule of the mapping reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One record beside what became of it."""

    record: SourceRecord
    conversion: Conversion
    packets: tuple[PacketLineage, ...]
    """The dossier first, then its progress rows."""
    problems: tuple[Problem, ...]
    """Those of no single field: keys, and progress rows of other dossiers."""
    source: tuple[Leaf, ...]
    """Everything that stands in the record, in its order."""
    left_out: tuple[Ground, ...]
    """Why the record is left out; empty for one that is not."""

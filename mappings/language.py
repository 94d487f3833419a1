"""
The mapping language as values: what a file says, checked but not yet made to run.

`loading` makes these from YAML, `compiling` turns them into a `Converter`. Every part keeps the
line it stands in, because every later complaint must name it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, time, timezone
    from pathlib import Path as FilePath

    from adapters import SourceOptions
    from adapters.writers import TargetOptions
    from mappings.regexes import Regex
    from mappings.yaml_nodes import PlainValue
    from schemas.model import SchemaVersion
    from schemas.problem import Problem, Severity

DOSSIER = "DongBoHoSoMC"
PROGRESS = "CapNhatTienDoHoSoMC"
UNFINISHED = "?"
"""What a draft writes where a person must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Where a value stands in a record."""

    text: str
    """As written, without the leading slash."""
    is_rooted: bool
    """Whether it starts at the record even inside a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """True when something stands at `path` (or nothing, for `wanted` False)."""

    path: Path
    wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """True when the text at `path` is one of `values`."""

    path: Path
    values: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """True when `pattern` is found in the text at `path`."""

    path: Path
    pattern: Regex


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """True when all `parts` are."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """True when one of `parts` is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """True when `part` is not."""

    part: Condition


Condition: TypeAlias = Present | OneOf | Matches | Every | AnyOf | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Text with paths in braces; an empty part makes the whole empty."""

    parts: tuple[str | Path, ...]
    line: int

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths in it, in order."""
        return tuple(part for part in self.parts if isinstance(part, Path))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule:
    """One step on a text; which of the arguments is used depends on `name`."""

    line: int
    name: str
    pattern: Regex | None = None
    argument: str = ""
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRule:
    """How a date is written."""

    formats: tuple[str, ...]
    """Tried in this order."""
    empty: frozenset[str] = frozenset()
    """Values that mean "no date"."""
    working_days: Path | int | None = None
    """So many working days later; a path says where the number stands."""
    at: time | None = None
    """When offices close on that day; None keeps the time of day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEntry:
    """What some of the agency's words become, and when; both days included."""

    sources: tuple[str, ...]
    target: str
    """Empty: the value means "nothing"."""
    valid_from: date | None = None
    valid_to: date | None = None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """The agency's words and the portal's codes."""

    name: str
    """Empty for one written into its field."""
    entries: tuple[CodeEntry, ...]
    ignore_case: bool = False
    source: str | None = None
    """Where it is from, for people."""
    version: str | None = None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One column of a packaged table."""

    table: str
    column: str
    key: Path | None
    """None: the text that the rule has so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """A value of a kind that has rules of its own."""

    name: str
    """One of `mappings.kinds.KINDS`."""
    writing: str = ""
    """Of an agency's code: one of `mappings.kinds.codes.WRITINGS`."""
    born: Path | None = None
    """Where a date or year of birth stands."""
    sex: Path | None = None
    male: frozenset[str] = frozenset()
    """What stands at `sex` for a man, compared without regard to case."""
    female: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """By the code of the rule; those that are not in it stay what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateWriting:
    """How a date is written for an agency."""

    read: tuple[str, ...]
    """How it comes; tried in this order."""
    write: str
    zone: timezone
    """Whose clock it is written by."""
    empty: frozenset[str] = frozenset()
    """Values that mean "no date"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The agency's word for a code: a code list looked up backwards."""

    codes: CodeList
    prefer: Mapping[str, str] = field(default_factory=dict)
    """Code to word, where the list has several words for it, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberWriting:
    """How a number is written for an agency."""

    name: str
    """One of `mappings.texts.NUMBER_FORMATS`."""


Writing: TypeAlias = DateWriting | NumberWriting | Words


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """How one field gets its value: one source, text rules, at most one conversion."""

    line: int
    first: tuple[FieldRule, ...] = ()
    """Alternatives, as the source: the first that gives something or is refused decides."""
    sources: tuple[Path, ...] = ()
    constant: str | None = None
    template: Template | None = None
    text: tuple[TextRule, ...] = ()
    date: DateRule | None = None
    number: str | None = None
    kind: KindRule | None = None
    codes: CodeList | None = None
    lookup: Lookup | None = None
    """The source when there is no other, else the conversion."""
    write: Writing | None = None
    """The conversion of a value that goes to the agency."""
    default: str | None = None
    required: bool = False
    """Whether nothing is an error; a field that the schema asks for is missed anyhow."""
    when: Condition | None = None

    @property
    def ways(self) -> tuple[FieldRule, ...]:
        """The rules that make a value: the alternatives, or this rule itself."""
        return self.first or (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRule:
    """How one item of a repeated group is made."""

    line: int
    fields: Mapping[str, FieldRule | GroupRule]
    when: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EachGroup:
    """One item for each entry of a list in the record."""

    line: int
    path: Path
    item: ItemRule


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitGroup:
    """One item for each part of a text."""

    line: int
    path: Path
    separator: str
    item: ItemRule


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedGroup:
    """Items written out, from fields of the record itself."""

    line: int
    items: tuple[ItemRule, ...]


GroupRule: TypeAlias = EachGroup | SplitGroup | FixedGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRule:
    """How progress rows are made, after the dossier."""

    line: int
    each: Path | None
    """None: the record itself is one row."""
    event_key: Template | None
    item: ItemRule


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOut:
    """Which records are not for the portal at all."""

    line: int
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundColumn:
    """One column of a file for an agency: a single value, joined texts, or rows of its own."""

    line: int
    to: str
    """The agency's own name of it."""
    kind: str = "text"
    """How it is written where the format tells kinds apart."""
    rule: FieldRule | None = None
    """Of the value, or of each text that is joined; None for rows."""
    each: Path | None = None
    """The list whose entries are joined, or become rows."""
    join: str | None = None
    """What stands between the joined texts."""
    when: Condition | None = None
    """Which entries are taken."""
    columns: tuple[InboundColumn, ...] = ()
    """Of the rows."""
    required: bool = False
    max_length: int | None = None
    """In characters; what is longer is refused, never cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """How a file for an agency is called."""

    parts: tuple[str | Path | None, ...]
    """Texts, values of the record, and None for the id of the message."""
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundService:
    """What becomes of the messages of one service that come for the agency."""

    line: int
    service: str
    """As published."""
    source: SourceOptions
    """How a message is read."""
    dossier_code: FieldRule | None
    procedure: FieldRule | None
    status: FieldRule | None
    deadline: FieldRule | None
    event_key: Template | None
    target: TargetOptions
    """How the file is written."""
    file_name: FileName
    each: Path | None
    """None: the record itself is one row."""
    when: Condition | None
    """Which entries of `each` are rows."""
    columns: tuple[InboundColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedProblem:
    """A problem that a test wants."""

    code: str
    field: str | None


Expected: TypeAlias = "str | tuple[Mapping[str, Expected], ...] | None"
"""A field's text, None for "must be absent", or the items of a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingTest:
    """One record and what must come of it."""

    name: str
    line: int
    record: Mapping[str, PlainValue]
    dossier: Mapping[str, Expected] | None
    progress: tuple[Mapping[str, Expected], ...] | None
    problems: tuple[ExpectedProblem, ...]
    left_out: bool
    """Whether `leave_out` must hold for the record, so that nothing comes of it."""
    inbound: str | None = None
    """The service that the record is a message of; None: it is one of the agency's own."""
    rows: tuple[Mapping[str, Expected], ...] | None = None
    """Of a message: columns of the file that must come."""
    file_name: str | None = None
    """Of a message: with {message} where its id will stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """One agency's mapping, free of mistakes that can be seen without a record."""

    path: FilePath
    digest: str
    """Hex SHA-256 of the file's bytes."""
    name: str
    version: int
    schema: SchemaVersion
    agency_code: str
    agency_name: str
    agency_group: str | None
    """One of the 23 groups, where the mapping says which."""
    source: SourceOptions
    dossier: Mapping[str, FieldRule | GroupRule]
    progress: ProgressRule | None
    leave_out: LeaveOut | None
    event_key: Template | None
    order_by: Template | None
    one_row_per_dossier: bool
    attachments: tuple[GroupRule, ...]
    """Where the files of a dossier stand, and what is declared of them."""
    valid_at: FieldRule
    """The day for code lists and tables."""
    severities: Mapping[str, Severity]
    """Of what the fields of a dossier say together, by code; the rest are warnings."""
    code_lists: Mapping[str, CodeList]
    inbound: tuple[InboundService, ...]
    """What comes for the agency, by service."""
    tests: tuple[MappingTest, ...]
    warnings: tuple[Problem, ...]

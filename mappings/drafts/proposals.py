"""What is proposed for the fields of the portal, and what is doubtful about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mappings.drafts.profiles import ColumnProfile, SampleProfile
    from schemas.model import Field
    from schemas.problem import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSource:
    """Where the items of a group may stand; nothing more than names speaks for it."""

    path: str
    """Of a list of objects, or of one; "" for columns of the record itself."""
    fields: Mapping[str, str]
    """Field of the group -> path from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSample:
    """A further sheet of a workbook."""

    name: str
    header_row: int
    profile: SampleProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSource:
    """A further sheet whose rows seem to belong to the records."""

    name: str
    """Of the list that its rows become."""
    sheet: SheetSample
    key: str
    """The column of the main sheet that they name."""
    own_key: str
    """The column that names it."""
    matching: int
    """How many of its rows name a record of the sample."""
    filled: int
    """How many name any."""
    shared: int
    """How many keys stand at several records, each of which then has the rows."""


@dataclass(slots=True, kw_only=True)
class Proposal:
    """One portal field and the rule that is proposed for it."""

    target: Field
    column: ColumnProfile | None = None
    others: tuple[str, ...] = ()
    """Columns that may be meant as well."""
    formats: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    """The agency's words with the portal's codes, "" where nobody knows."""
    remarks: Mapping[str, Text] = field(default_factory=dict)
    """What is to be said beside a word of `codes`."""
    kind: str = ""
    is_extracted: bool = False
    """Whether `codes` or the table know the procedure's code without its local end."""
    table_column: str = ""
    """Of the table of procedures, by the code in `column`."""
    items: ItemSource | None = None
    """Of a group."""
    doubts: list[Text] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Dossier codes that come several times."""

    codes: Mapping[str, int]
    """With how often; most often first."""
    different: int
    """How many different codes there are."""
    are_updates: bool
    """Whether repetition is the rule of the file: each row is then an event of its dossier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mapping as far as a sample tells it."""

    proposals: tuple[Proposal, ...]
    """One for every field and group of a dossier, in the order of the schema."""
    unused: tuple[str, ...]
    """Columns that no field takes."""
    elsewhere: Mapping[str, Mapping[str, str]]
    """Other schema version -> column -> the field that only that version has."""
    kinds: Mapping[str, str]
    """Column -> the kind that its values have the form of."""
    sheets: Sequence[SheetSample]
    """Further ones of the workbook."""
    children: Sequence[ChildSource]
    repeats: Repeats | None
    """Dossier codes that come several times."""
    profile: SampleProfile

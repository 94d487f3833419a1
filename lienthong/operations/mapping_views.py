"""What operations show of one mapping: what it fills, its versions, what a change would do."""

from __future__ import annotations

from datetime import datetime

from lienthong.operations.site_views import MappingView
from lienthong.operations.views import Finding, View, WherePlace, Words
from schemas.problem import Severity


class UnfilledField(View):
    """A field of the portal that a mapping does not fill."""

    packet: str
    field: str
    """With its groups, as published."""
    about: Words
    is_mandatory: bool


class MappingDetail(MappingView):
    """One mapping as it is installed now, with what it leaves empty."""

    not_filled: list[UnfilledField]
    """Of the fields that `mandatory` and `optional` count."""


class VersionView(View):
    """One version of a mapping, by the messages that it made."""

    mapping: str
    """As it stands with each message: name@version sha256:…."""
    version: int | None
    sha256: str | None
    first_at: datetime
    """When it made the first of these messages."""
    last_at: datetime
    messages: int
    is_installed: bool
    """Whether it is the one that is installed now."""


class VersionsView(View):
    """Which versions of a mapping made the messages that changed lately."""

    agency: str
    installed: str | None
    """The one installed now, as `mapping` of a version; null: it cannot be used."""
    trouble: Words | None
    """Why it cannot be used."""
    since: datetime
    """Messages that have not changed since then are not counted."""
    is_whole: bool
    """False: more messages changed since then than are looked at; the latest 100,000 are."""
    versions: list[VersionView]
    """The one that was used last first."""


class MappingFinding(View):
    """Something wrong or doubtful in the text of a mapping."""

    code: str
    """Stable; `docs/mapping-language.md` explains each."""
    severity: Severity
    line: int | None
    key: str | None
    message: Words
    """It may quote the text."""
    suggestion: Words | None


class ComparedView(View):
    """One submission that was compared."""

    id: str
    file: str
    received_at: datetime
    size: int
    """Bytes."""
    records: int
    is_whole: bool
    """False: only the records before the time was over, or before a fault."""


class LeftOutView(View):
    """One submission that was not compared."""

    id: str
    file: str
    received_at: datetime
    size: int
    """Bytes."""
    code: str
    """too_large, no_time or erased."""
    words: Words


class SideView(View):
    """One of the two mappings."""

    version: int
    sha256: str


class TotalView(View):
    """How many records fared so."""

    key: str
    name: Words
    records: int
    is_bad: bool


class HeadView(View):
    """What differs beside the rules."""

    key: str
    """In the file."""
    before: str
    after: str


class ExampleView(View):
    """One value that changed; "" for nothing. Masked, unless it is a code of the portal's."""

    field: str
    """With its item number."""
    place: WherePlace
    before: str
    after: str


class FieldChangeView(View):
    """One field that changed in dossiers that stay valid."""

    field: str
    dossiers: int
    filled: int
    """Of these: nothing stood there before."""
    emptied: int
    examples: list[ExampleView]


class ProblemCountView(View):
    """A problem that only one of the two mappings finds."""

    code: str
    field: str | None
    records: int


class CodeView(View):
    """A problem without its words, which quote values."""

    code: str
    field: str | None


class TurnView(View):
    """One record that fares otherwise."""

    place: WherePlace
    dossier: str | None
    """Masked, where the installed mapping takes something else for the code."""
    problems: list[CodeView]
    """Of the mapping that rejects it, where one does."""


class ImpactView(View):
    """What a changed mapping would do to what the agency sent lately."""

    agency: str
    old: SideView
    """The one installed now."""
    new: SideView
    compared: list[ComparedView]
    """The latest first."""
    left_out: list[LeftOutView]
    erased: int
    """Of the latest thousand submissions: those that cannot be read again."""
    records: int
    is_harmless: bool
    """Nothing that was accepted is so no longer, and every file can still be read."""
    totals: list[TotalView]
    heads: list[HeadView]
    notices: list[Words]
    warnings: list[MappingFinding]
    """Doubts about the text of the new mapping."""
    fields: list[FieldChangeView]
    """Those that changed most often first."""
    new_problems: list[ProblemCountView]
    gone_problems: list[ProblemCountView]
    rejected_now: list[TurnView]
    """Three examples at most, as of each that follows."""
    left_out_now: list[TurnView]
    vanished: list[TurnView]
    accepted_now: list[TurnView]
    taken_now: list[TurnView]
    errors: list[Finding]
    """Why files could not be read to their end."""

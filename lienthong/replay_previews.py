"""
What a resend or a reissue would do to one message, and to many of them: values, nothing read.

Changes and findings quote values, which may be personal data: whoever shows them decides about
that. `masked` gives what may be shown to everybody.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from lienthong.channels.port import Found
from lienthong.differences import Differences, shape_of
from lienthong.discrepancies import Kind
from schemas.problem import Place

if TYPE_CHECKING:
    from datetime import datetime

    from lienthong.channels.port import Packet
    from lienthong.discrepancies import Discrepancy
    from lienthong.states import State
    from schemas.problem import Problem


class Verb(Enum):
    """What would be done; as the command is called."""

    RESEND = "resend"
    REISSUE = "reissue"


class Document(Enum):
    """What there is of the document that was, or should have been, sent."""

    KEPT = "kept"
    NONE = "none"
    """There never was one: its record was rejected."""
    ERASED = "erased"
    UNREADABLE = "unreadable"
    """What is stored does not open, or has another digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that the new document says otherwise."""

    field: str
    """With its item number."""
    before: str
    """"" for nothing."""
    after: str
    is_code: bool
    """Whether it holds a code, which tells nothing of a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAttempt:
    """What the last attempt brought."""

    kind: str
    started_at: datetime
    outcome: str | None
    """None: it is out."""
    code: str | None
    http_status: int | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One message as it is kept."""

    agency: str
    dossier_code: str | None
    packet: Packet
    state: State
    mapping: str
    """By which it was made: name@version sha256:…."""
    digest: str | None
    """SHA-256 of its document, which stays when that is erased."""
    attempts: int
    """Sends so far."""
    last_attempt: LastAttempt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known here of the dossier; empty for a message that is of none."""

    acknowledged: bool = False
    """Whether the portal has taken a snapshot of it."""
    newer_snapshots: tuple[str, ...] = ()
    """Messages behind this one that say all of the dossier."""
    progress_behind: int = 0
    """Progress rows behind it."""
    is_turn: bool | None = None
    """Whether it would be its turn at once; None where nothing would be done."""
    waits_for: str | None = None
    """The message that would go before it."""
    awaits_files: bool = False
    """Whether its files are fetched first."""
    is_updating: bool | None = None
    """Whether a snapshot would go as an update; None for anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSays:
    """What a look-up brought."""

    found: Found
    detail: str = ""
    """Why there is no answer, in our words."""
    status: str | None = None
    """TrangThaiHoSo, where the portal shows it."""
    message_id: str | None = None
    """Message whose snapshot is in effect, where the portal shows it."""
    discrepancy: Discrepancy | None = None
    """What does not agree with what was delivered from here."""

    @property
    def proves(self) -> bool:
        """Whether the answer says anything about the dossier."""
        is_unproven = self.discrepancy is not None and self.discrepancy.kind is Kind.UNPROVEN
        return self.found in (Found.PRESENT, Found.ABSENT) and not is_unproven


class Asks(Protocol):
    """Asks the portal."""

    def ask(self, code: str, *, agency: str) -> PortalSays:
        """Return what it says of a dossier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What one verb would do to one message."""

    message_id: str
    verb: Verb
    problem: Problem | None = None
    """Why nothing would be done; None: it would be."""
    stored: Stored | None = None
    """None: there is no such message."""
    made_now_by: str | None = None
    """Of a reissue: the mapping of now; None where it could not be asked."""
    findings: tuple[Problem, ...] = ()
    """Of a reissue: everything that mapping and schema find now, warnings among it."""
    document: Document = Document.NONE
    """What is left of the document that would go again, or that the new one is compared with."""
    new_documents: int = 0
    """Of a reissue: how many the record would give."""
    changes: tuple[Change, ...] = ()
    """Of a reissue, against the document that is kept; all of it where there never was one."""
    outlook: Outlook = field(default_factory=Outlook)
    portal: PortalSays | None = None
    """Where it was asked."""
    judged_without: str | None = None
    """A message of the same dossier that the order would act on before: what it brings is not
    counted in."""

    @property
    def refused_by(self) -> str | None:
        """The code by which it would be refused; None: it would not be."""
        return None if self.problem is None else self.problem.code

    @property
    def is_compared(self) -> bool:
        """Whether `changes` says all that differs."""
        return self.new_documents > 0 and self.document in (Document.KEPT, Document.NONE)


def masked(change: Change) -> Change:
    """Return a change without what it says, unless it is of a code."""
    if change.is_code:
        return change
    return replace(change, before=shape_of(change.before), after=shape_of(change.after))


@dataclass(slots=True, kw_only=True)
class Totals:
    """What an order would do, over all its messages."""

    would_go: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the code of the problem."""
    changed: int = 0
    """Messages that would go and say something else."""
    differences: Differences = field(default_factory=Differences)
    """Fields that change in those that would go."""

    def add(self, one: Preview) -> None:
        """Count one in."""
        if one.problem is not None:
            self.refused[one.problem.code] += 1
            return
        self.would_go += 1
        if one.changes:
            self.changed += 1
            self.differences.add(
                {change.field: change.before for change in one.changes},
                {change.field: change.after for change in one.changes},
                place=Place(),
                examples=0,
            )

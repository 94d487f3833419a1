"""
Whether an event enters its dossier, and which message of a dossier may go: values in, values out.

Theory. A dossier's messages stand in a row, by `sequence`. An event is a repeat, a conflict, or a
new message. Its identity is the agency's own event key; without one, a snapshot is a repeat only
of the *latest* snapshot (statuses do go 4 → 5 → 4), while a progress row, which carries its own
moment, is a repeat of any equal row of its dossier, and so is what goes to an agency.

One message at a time may go. While the portal has not acknowledged the dossier, that is the first
unfinished snapshot: progress rows wait, also those that stand before it because an earlier
snapshot was superseded. Afterwards it is the first unfinished message of the row. A message that
needs somebody keeps the later ones of its dossier waiting, and nobody else's.

What goes down to an agency is judged by the same rules, by what it says (the service that it came
by) and by who says it: a peer's snapshot is newer than that peer's own only, because another
says other things. Its progress rows wait only where a snapshot of that peer is on its way or was
rejected: an agency may be told of the progress alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from lienthong.channels.port import TO_PORTAL, Packet
from lienthong.states import UNFINISHED, State
from schemas.problem import Language, Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Mapping


Keyed: TypeAlias = "tuple[str, tuple[str | None, ...]]"
"""The id of the message with an event key, and the digests of what it says."""
_BY_SERVICE = {packet.value: packet for packet in TO_PORTAL}


def said_in(packet: Packet, service: str | None) -> Packet:
    """
    Return what a message says of its dossier, whichever way it goes.

    INBOUND for what is neither a snapshot nor a progress row, but says something of its own.
    """
    return _BY_SERVICE.get(service or "", packet) if packet is Packet.INBOUND else packet


@dataclass(slots=True, kw_only=True)
class Known:
    """One message of a dossier as the store knows it; `state` changes as the batch goes on."""

    id: str
    agency: str
    sequence: int
    """Place in its dossier from 1; 0 for an event that was refused and holds nobody up."""
    packet: Packet
    state: State
    content_digest: str | None
    """None for a message that was never admitted."""
    version: str | None
    submission_id: str
    record: int
    status: str | None = None
    """TrangThaiHoSo of a snapshot, where it was kept."""
    awaits_files: int | None = None
    """How often its files were looked for in vain; None when it waits for none."""
    service: str | None = None
    """Of what goes to an agency: by which it came."""
    sender: str | None = None
    """Of what goes to an agency: from whom; None for what the agency says itself."""
    source_digest: str | None = None
    """What its record says as it came, where it was corrected: the agency's own event."""

    @property
    def said(self) -> Packet:
        """What it says of its dossier."""
        return said_in(self.packet, self.service)

    def is_of(self, digest: str) -> bool:
        """Whether an event with this content is this one, as it came or as it was corrected."""
        return digest in (self.content_digest, self.source_digest)

    @property
    def is_snapshot(self) -> bool:
        """Whether it says all of its dossier, so that a newer one stands for it."""
        return self.said is Packet.DOSSIER

    @property
    def may_be_superseded(self) -> bool:
        """Whether a newer valid snapshot takes its place: it cannot go by itself."""
        return self.state in (State.REJECTED, State.PARKED) or (
            self.state is State.HELD and bool(self.awaits_files)
        )


_LET_GO = frozenset({State.READY, State.SENDING, State.RETRYING, State.UNKNOWN})


@dataclass(slots=True, kw_only=True)
class Ledger:
    """One dossier with all its messages, in sequence; a working copy inside one transaction."""

    code: str
    agency: str
    next_sequence: int = 1
    acknowledged: bool = False
    is_new: bool = True
    messages: list[Known] = field(default_factory=list)
    repeated: list[tuple[str, int]] = field(default_factory=list)
    """Records (submission id, number) of the files at hand whose snapshot was a repeat."""

    def next_to_go(self) -> Known | None:
        """Return the message whose turn it is, which may still need somebody, or None."""
        for message in self.messages:
            if message.said is Packet.PROGRESS and self._is_early(message):
                continue
            if message.state in UNFINISHED:
                return message
            if message.state is State.REJECTED and message.sequence > 0:
                return message
        return None

    def _is_early(self, progress: Known) -> bool:
        """Tell whether whom a progress row goes to must have a snapshot of the dossier first."""
        if progress.sender is None:
            return not self.acknowledged
        if progress.state in _LET_GO:
            # A snapshot that came after it takes no turn before it.
            return False
        of_sender = [m for m in self.messages if m.is_snapshot and m.sender == progress.sender]
        if any(m.state is State.DELIVERED for m in of_sender):
            return False
        return any(m.state in UNFINISHED or m.state is State.REJECTED for m in of_sender)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One mapped event that asks to be admitted."""

    agency: str
    said: Packet
    """What it says of its dossier; see `said_in`."""
    key: str | None
    version: str | None
    content_digest: str
    submission_id: str
    record: int
    one_row_per_dossier: bool
    sender: str | None = None
    """As `Known.sender`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The event came before; it is acknowledged with the answer of that message."""

    message_id: str
    supersedes: tuple[Known, ...] = ()
    """Rejected snapshots that came in between: the agency has gone back to what is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The event contradicts what was accepted."""

    problem: Problem
    earlier: int | None = None
    """For a second row: the record of the same submission that the dossier stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The event is new."""

    supersedes: tuple[Known, ...] = ()
    superseded_by: Known | None = None
    """Set for a snapshot that came late: a newer one is already in the row."""
    follows: Known | None = None
    """The snapshot before it in the agency's own order, where that is known for sure."""


def admit(
    candidate: Candidate, *, ledger: Ledger, keyed: Mapping[str, Keyed]
) -> Repeat | Refusal | Entry:
    """
    Decide on one event.

    Args:
        candidate: The event.
        ledger: Its dossier, with everything this batch has admitted so far.
        keyed: The agency's event keys seen so far, to the message of each.
    """
    if ledger.agency != candidate.agency:
        return _refuse_foreign(ledger)
    if candidate.key is not None and candidate.key in keyed:
        message_id, digests = keyed[candidate.key]
        if candidate.content_digest in digests:
            return Repeat(message_id=message_id)
        return _refuse_conflict(candidate.key)
    earlier = [
        m
        for m in ledger.messages
        if _is_like(m, candidate)
        and m.content_digest is not None
        and m.state not in (State.DISCARDED, State.REISSUED)
    ]
    if candidate.said is Packet.DOSSIER:
        return _admit_snapshot(candidate, earlier, ledger)
    return _admit_single(candidate, earlier)


def _is_like(message: Known, candidate: Candidate) -> bool:
    """Tell whether both say the same of the dossier, and the same one says it."""
    return message.said is candidate.said and message.sender == candidate.sender


def _admit_single(candidate: Candidate, earlier: list[Known]) -> Repeat | Entry:
    if candidate.key is None:
        for message in earlier:
            if message.is_of(candidate.content_digest):
                return Repeat(message_id=message.id)
    return Entry()


def _admit_snapshot(
    candidate: Candidate, earlier: list[Known], ledger: Ledger
) -> Repeat | Refusal | Entry:
    in_row = [message for message in earlier if message.state is not State.SUPERSEDED]
    latest = in_row[-1] if in_row else None
    is_same = latest is not None and latest.is_of(candidate.content_digest)
    if latest is not None and is_same and candidate.key is None:
        return Repeat(message_id=latest.id, supersedes=_rejected_since(latest, candidate, ledger))
    if candidate.one_row_per_dossier:
        # A row that repeats what came before counts as well: otherwise the file would be taken
        # in another way when it is sent again, and its refused second row would go out.
        rows = [m.record for m in earlier if m.submission_id == candidate.submission_id]
        rows += [n for submission, n in ledger.repeated if submission == candidate.submission_id]
        if rows:
            return Refusal(problem=second_row(rows[0]), earlier=rows[0])
    if candidate.version is not None:
        for message in in_row:
            if message.version is None:
                continue
            if issue_order(message.version) > issue_order(candidate.version):
                return _admit_late(candidate, earlier, ledger, newer=message)
            if message.version == candidate.version and not is_same:
                return _refuse_conflict(f"{ledger.code} @ {candidate.version}")
    return Entry(
        supersedes=tuple(
            m for m in ledger.messages if _is_like(m, candidate) and m.may_be_superseded
        ),
        follows=_before(candidate, earlier, ledger),
    )


def _admit_late(
    candidate: Candidate, earlier: list[Known], ledger: Ledger, *, newer: Known
) -> Repeat | Entry:
    for message in earlier:
        is_same = message.is_of(candidate.content_digest)
        if is_same and message.version == candidate.version and candidate.key is None:
            return Repeat(message_id=message.id)
    return Entry(superseded_by=newer, follows=_before(candidate, earlier, ledger))


def _before(candidate: Candidate, earlier: list[Known], ledger: Ledger) -> Known | None:
    """
    Return the snapshot before this one, by the agency's order or, without one, as they came.

    None also where a rejected record came since: nobody knows what it would have said.
    """
    if candidate.version is None:
        before = earlier[-1] if earlier else None
    else:
        own = issue_order(candidate.version)
        older = [m for m in earlier if m.version is not None and issue_order(m.version) < own]
        before = max(older, key=lambda m: (issue_order(m.version or ""), m.sequence), default=None)
    if before is None or any(
        m.content_digest is None and _is_like(m, candidate) and m.sequence > before.sequence
        for m in ledger.messages
    ):
        return None
    return before


def _rejected_since(latest: Known, candidate: Candidate, ledger: Ledger) -> tuple[Known, ...]:
    if candidate.version is not None:
        # The same version again is the same event again: it says nothing about what came since.
        return ()
    return tuple(
        message
        for message in ledger.messages
        if message.state is State.REJECTED
        and _is_like(message, candidate)
        and message.sequence > latest.sequence
    )


def issue_order(version: str) -> tuple[int, str]:
    """Return what versions sort by: whole numbers by size, all else as text before them."""
    if version.isascii() and version.isdigit():
        digits = version.lstrip("0")
        return len(digits), digits
    return -1, version


def _refuse_foreign(ledger: Ledger) -> Refusal:
    return Refusal(
        problem=Problem(
            code="event.foreign_dossier",
            field="MaHoSo",
            message=Text(
                vi=f"Hồ sơ {ledger.code} đã do cơ quan khác gửi lên",
                en=f"Dossier {ledger.code} was sent before by another agency",
            ),
            suggestion=Text(
                vi="Kiểm tra mã hồ sơ; nếu đúng, liên hệ người vận hành",
                en="Check the dossier code; if it is right, ask the operator",
            ),
        )
    )


def _refuse_conflict(key: str) -> Refusal:
    return Refusal(
        problem=Problem(
            code="event.conflict",
            message=Text(
                vi=f"Sự kiện «{key}» đã được nhận trước đó với nội dung khác",
                en=f"Event '{key}' was received before with other content",
            ),
            suggestion=Text(
                vi="Gửi thay đổi dưới một khóa sự kiện mới",
                en="Send the change under a new event key",
            ),
        )
    )


def second_row(record: int, *, place: Place | None = None, here: Place | None = None) -> Problem:
    """
    Return the finding for a dossier that stood in the same file before, with other content.

    Args:
        record: The earlier one.
        place: Its place, where it is known.
        here: That of the second row.
    """
    where = name_row(record, place=place, here=here)
    return Problem(
        code="dossier.duplicate",
        field="MaHoSo",
        place=here or Place(),
        message=Text(
            vi=f"Hồ sơ này đã có ở {where.vi} của cùng tệp, với nội dung khác",
            en=f"This dossier stands already in {where.en} of the same file, with other content",
        ),
        suggestion=Text(
            vi="Giữ lại một dòng đúng cho mỗi hồ sơ rồi gửi lại",
            en="Keep the one right row of the dossier and send it again",
        ),
    )


def name_row(record: int, *, place: Place | None, here: Place | None) -> Text:
    """Return what an agency calls an earlier row: its sheet and row, or its number in the file."""
    if place is not None:
        is_same_file = here is not None and place.file == here.file
        row = replace(place, file=None if is_same_file else place.file, column=None)
        if replace(row, file=None, sheet=None) != Place():
            return Text(vi=row.say(Language.VI), en=row.say(Language.EN))
    return Text(vi=f"bản ghi số {record}", en=f"record {record}")

"""
A portal as the delivery flow sees it: send one signed document, look one dossier up.

A channel never retries a delivery and never guesses. Whatever happened becomes one `Answer`;
trouble of the peer or the network is an outcome, not an exception. What follows from an outcome
is decided in `lienthong.states`, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from signing import Signer


class Packet(Enum):
    """What a message is; of the portal's services that take a document the published names."""

    DOSSIER = "DongBoHoSoMC"
    PROGRESS = "CapNhatTienDoHoSoMC"
    INBOUND = "inbound"
    """To an agency, in its own format: whatever a peer sent; its service stands with the file."""


TO_PORTAL = (Packet.DOSSIER, Packet.PROGRESS)
"""What goes to the portal."""


class Direction(Enum):
    """Whom one deliverer brings messages to."""

    TO_PORTAL = "portal"
    TO_AGENCIES = "agencies"


class Outcome(Enum):
    """What is known after one attempt."""

    DELIVERED = "delivered"
    """A success answer from the allow-list, and, where the channel has receipts, a valid one."""
    EXISTS = "exists"
    """Refused because the portal has this dossier already: the next attempt must update."""
    MISSING = "missing"
    """Refused because the portal has no such dossier to update: the next attempt must add."""
    REJECTED = "rejected"
    """Refused for good: this very document will never be accepted."""
    BUSY = "busy"
    """An answer that says nothing was done and a later attempt may succeed."""
    NOT_SENT = "not_sent"
    """No byte of the request left (refused connection, connect timeout, unknown host)."""
    UNKNOWN = "unknown"
    """Bytes left and no usable answer came: the portal must be asked before anything is sent."""
    UNRECOGNISED = "unrecognised"
    """A well-formed answer that no list of the target's profile knows: quarantine."""
    WITHHELD = "withheld"
    """Not sent for a reason of our own (settings, a short lease): it says nothing of the target."""
    UNSENDABLE = "unsendable"
    """Not sent, and never can be as it is: it holds values that the target does not take."""
    TARGET = "target"
    """The target refuses us as a whole (login, certificate, TLS): not this message's fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedFile:
    """What a document for an agency is, beside its bytes."""

    name: str
    """Of the file, safe as one."""
    media_type: str
    """With its charset, where it has one."""
    service: str
    """As it is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """One attempt to deliver one document."""

    packet: Packet
    message_id: str
    dossier_code: str
    document: bytes
    """The signed document: sent exactly as it is, or what the payload is derived from."""
    is_updating: bool
    attempt: int
    """1-based number of this attempt."""
    sent_at: datetime
    """What time it is; the answer's time is judged by it."""
    agency: str
    """Whose message it is: to the portal its sender, else its receiver."""
    file: HandedFile | None = None
    """Of what goes to an agency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutAnswer:
    """What an answer was of which only the beginning is kept."""

    size: int
    """Bytes that were read."""
    digest: str
    """SHA-256 of all of them, lower-case hexadecimal."""
    is_whole: bool
    """False: there was more, and nobody read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one attempt brought; kept with the attempt, whole."""

    outcome: Outcome
    code: str | None = None
    """The peer's own code (`error_code`, fault code) where there was one."""
    detail: str = ""
    """One line for an operator and the log, in our words; never a payload."""
    message: str | None = None
    """The peer's own words, one line; they may quote personal data, so they are never logged."""
    http_status: int | None = None
    raw: bytes | None = None
    """The peer's answer as received, up to the channel's limit."""
    receipt: bytes | None = None
    """The verified receipt document, exactly as verified; only with DELIVERED."""
    receipt_signer: Signer | None = None
    """Who signed it."""
    cut: CutAnswer | None = None
    """Where `raw` is only the beginning of what came."""
    payload_digest: str | None = None
    """
    Hex SHA-256 of the payload that was sent, derived from the document, or from those of all rows
    of the call; None where the document went itself.
    """
    headers: bytes | None = None
    """The headers that went with the attempt, its secrets taken out; None where nothing left."""
    retry_after: timedelta | None = None
    """How long the peer asked to be left alone, within the profile's limit; above zero."""
    rows: int = 1
    """How many messages the call held; an answer to several says of none which it means."""


class Found(Enum):
    """What a look-up could establish."""

    PRESENT = "present"
    ABSENT = "absent"
    FAILED = "failed"
    """No usable answer: ask again later."""
    WITHHELD = "withheld"
    """Not asked for a reason of our own: ask later; it says nothing of the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """What the portal says about one dossier."""

    found: Found
    detail: str = ""
    message_id: str | None = None
    """Message whose snapshot is in effect, where the portal shows it."""
    digest: str | None = None
    """Hex SHA-256 of the document in effect, where the portal shows it."""
    progress_digests: frozenset[str] = frozenset()
    """Hex SHA-256 of every progress document the portal shows for this dossier."""
    repeated_progress: int = 0
    """How many of these it shows once more than once."""
    status: str | None = None
    """TrangThaiHoSo, where the portal shows it."""
    copies: int = 0
    """How many dossiers of this code the portal shows, where that is known; several FAILED."""
    raw: bytes | None = None
    http_status: int | None = None
    """Where an answer came."""
    cut: CutAnswer | None = None
    """As of an answer."""
    headers: bytes | None = None
    """As of an answer."""
    retry_after: timedelta | None = None
    """As of an answer; only with FAILED."""


class Channel(Protocol):
    """The port. Thread-safe: several attempts run at once over kept-alive connections."""

    def send(self, request: SendRequest) -> Answer:
        """Make exactly one attempt, bounded by the profile's connect and read timeouts."""

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:
        """Ask for one dossier; repeats inside are allowed because asking is harmless."""

    def close(self) -> None:
        """Close kept-alive connections."""


@runtime_checkable
class RowsChannel(Protocol):
    """What a channel also does whose target may take several progress rows in a call."""

    def send_rows(self, requests: Sequence[SendRequest]) -> list[Answer]:
        """
        Make exactly one attempt for several messages; return the answer for each, in order.

        What cannot be sent is left out of the call, and has an answer of its own.
        """

"""
The sandbox's judgement of one request: what it checks, in which order, and what it answers.

The error codes are the sandbox's own, apart from 0 and 3, which implementers of the real portal
report; `docs/sandbox.md` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING

from lienthong.sandbox.config import LookUpShows
from lienthong.sandbox.judging import finding
from lienthong.sandbox.memory import Memory
from lienthong.sandbox.misbehaviour import Mode
from lienthong.sandbox.store import (
    Arrival,
    Effect,
    add_arrival,
    add_effect,
    count_arrivals_of,
    delete_effects_on,
    effects_on,
    first_effect_of,
    set_outcome,
)
from schemas.building import LookUpResult, build_look_up_response, build_receipt, build_response
from schemas.errors import InputError
from schemas.problem import Text
from schemas.reading import read_document, read_request
from signing import NoCanonicalForm, SignatureRefused, canonical_bytes, verify

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from lienthong.sandbox.misbehaviour import Misbehaviour
    from lienthong.sandbox.store import SandboxStore
    from schemas.model import SchemaVersion
    from schemas.problem import Problem
    from schemas.reading import Document, Request
    from schemas.validation import Validator
    from signing import VerificationPolicy, XadesSigner

DOSSIER = "DongBoHoSoMC"
PROGRESS = "CapNhatTienDoHoSoMC"
LOOK_UP = "TraCuuHoSo"
UNREADABLE = "unreadable"
"""Outcome of what is no request of the portal's."""


class Code(Enum):
    """The sandbox's error codes."""

    OK = "0"
    INVALID = "-1"
    EXISTS = "3"
    EXISTS_NEGATIVE = "-3"
    """The same, as some write it; only when told to misbehave."""
    MISSING = "4"
    CONFLICT = "5"
    SIGNATURE = "6"
    AGENCY = "7"
    REJECTED = "8"
    SESSION = "10"
    LOGIN = "11"
    UNKNOWN = "9999"
    """Stands for a code that nobody has told us about."""


TEXTS = {
    Code.OK: "Thành công",
    Code.INVALID: "Dữ liệu không đúng cấu trúc",
    Code.EXISTS: "Hồ sơ đã tồn tại",
    Code.EXISTS_NEGATIVE: "Hồ sơ đã tồn tại",
    Code.MISSING: "Hồ sơ chưa có trên hệ thống",
    Code.CONFLICT: "Mã bản tin đã được dùng cho nội dung khác",
    Code.SIGNATURE: "Chữ ký số không hợp lệ",
    Code.AGENCY: "Mã đơn vị không khớp với chứng thư số",
    Code.REJECTED: "Hồ sơ bị từ chối",
    Code.SESSION: "Phiên làm việc đã hết hạn",
    Code.LOGIN: "Sai tên đăng nhập hoặc mật khẩu",
    Code.UNKNOWN: "Mã lỗi thử nghiệm chưa được công bố",
}


_SIGN_AGAIN = Text(
    vi="Ký bằng khóa mà chứng thư dẫn tới gốc của Cổng này, và không sửa bản tin sau khi ký",
    en="sign with a key whose certificate leads to this portal's root, and change nothing after",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a delivery is not accepted."""

    code: Code
    detail: str = ""
    problems: tuple[Problem, ...] = ()
    """Every finding; the detail is of the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A delivery that passed every check that needs no memory."""

    document: Document
    digest: str
    is_updating: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One request on its way through the portal."""

    element: _Element
    request: Request | None
    """None for a look-up, and for what cannot be read as a delivery."""
    received: bytes
    """The document as it arrived, in canonical form; empty without one."""
    dossier_code: str | None
    message_id: str | None = None
    arrival_id: int = 0
    """Of the row that it was written down in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """Answers the operations of the WSDL; thread-safe."""

    store: SandboxStore
    versions: Mapping[str, tuple[SchemaVersion, Validator]]
    """By namespace."""
    policy: VerificationPolicy
    signer: XadesSigner
    idempotent: bool
    look_up_shows: LookUpShows
    memory: Memory = field(default_factory=Memory)
    """The last requests in full, with the reasons of refusals."""

    def record(self, element: _Element, *, now: datetime) -> Incoming:
        """Write one request down, whatever it is; it is durable when this returns."""
        incoming, arrival = describe(element, now=now)
        number = self.store.run(lambda connection: add_arrival(connection, arrival))
        return replace(incoming, arrival_id=number)

    def record_unreadable(self, operation: str | None, *, now: datetime) -> int:
        """Write down that something came which is no request of ours."""
        arrival = Arrival(
            at=now.isoformat(),
            operation=operation,
            message_id=None,
            dossier_code=None,
            digest=None,
            is_updating=None,
            attempt=None,
        )

        def add(connection: sqlite3.Connection) -> int:
            number = add_arrival(connection, arrival)
            set_outcome(connection, number, outcome=UNREADABLE)
            return number

        return self.store.run(add)

    def read_again(self, incoming: Incoming, element: _Element, *, now: datetime) -> Incoming:
        """Return a request that was written down as it was proven: from `element`."""
        proven, _ = describe(element, now=now)
        return replace(proven, arrival_id=incoming.arrival_id)

    def note(self, arrival_id: int, *, outcome: str) -> None:
        """Note how an arrival ended that was not judged."""
        self.store.run(lambda connection: set_outcome(connection, arrival_id, outcome=outcome))

    def refuse(self, arrival_id: int, refusal: Refusal) -> None:
        """Note that an arrival is refused, and why."""
        self.memory.explain(arrival_id, refusal.problems)
        self.note(arrival_id, outcome=refusal.code.value)

    def deliver(self, incoming: Incoming, *, now: datetime, strike: Misbehaviour | None) -> bytes:
        """Judge one delivery that was written down before, and return the response element."""
        version, validator = self.versions[namespace(incoming.element)]
        checked = forced(strike) or self._check(incoming, validator, now=now)
        if isinstance(checked, Accepted):
            note = checked.document.values.get("GhiChu")
            checked = refuse_note(strike, note) or checked
        if isinstance(checked, Accepted):
            answer = self._accept(checked, incoming, version, now=now)
            code = self.another_code(strike, checked.document.message_id)
            if code is None:
                return answer
            return _respond(version, local_name(incoming.element), Refusal(code=code))
        self.refuse(incoming.arrival_id, checked)
        return _respond(version, local_name(incoming.element), checked)

    def another_code(self, strike: Misbehaviour | None, message_id: str) -> Code | None:
        """Return the code to answer with in place of that of an accepted message, or None."""
        if strike is None:
            return None
        if strike.mode is Mode.UNKNOWN_SUCCESS:
            return Code.UNKNOWN
        if strike.mode is Mode.ANSWERS_DIFFER and self.times_seen(message_id) == 2:
            return Code.EXISTS
        return None

    def times_seen(self, message_id: str) -> int:
        """Return how often a message arrived so far."""
        return self.store.run(lambda connection: count_arrivals_of(connection, message_id))

    def forget(self, dossier_code: str | None) -> None:
        """Forget a dossier, with its progress rows."""
        self.store.run(lambda connection: delete_effects_on(connection, dossier_code or ""))

    def look_up(self, incoming: Incoming) -> bytes:
        """Answer a look-up."""
        version, validator = self.versions[namespace(incoming.element)]
        problems = validator.problems_of_element(incoming.element)
        if problems:
            self.refuse(incoming.arrival_id, invalid(problems))
            return build_look_up_response(
                version, error_code=Code.INVALID.value, message=problems[0].message.vi
            )
        results = self.find(incoming.arrival_id, incoming.dossier_code or "")
        return build_look_up_response(
            version, error_code=Code.OK.value, message=TEXTS[Code.OK], results=results
        )

    def find(self, arrival_id: int, dossier_code: str) -> tuple[LookUpResult, ...]:
        """Return what is shown of a dossier, and note that it was asked for."""

        def read(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
            set_outcome(connection, arrival_id, outcome="looked_up")
            return effects_on(connection, dossier_code)

        return self._results(dossier_code, self.store.run(read))

    def take(
        self, connection: sqlite3.Connection, effect: Effect, *, is_updating: bool
    ) -> Refusal | None:
        """Write an effect down, or return why it may not take place."""
        exists = any(row[0] == DOSSIER for row in effects_on(connection, effect.dossier_code))
        if effect.packet == DOSSIER and not is_updating:
            if exists:
                return Refusal(code=Code.EXISTS)
        elif not exists:
            return Refusal(code=Code.MISSING)
        add_effect(connection, effect)
        return None

    def _check(
        self, incoming: Incoming, validator: Validator, *, now: datetime
    ) -> Accepted | Refusal:
        problems = validator.problems_of_element(incoming.element)
        if problems:
            return invalid(problems)
        if incoming.request is None:
            # The reader is stricter than the schema's types: "+1" is an integer to them.
            return Refusal(code=Code.INVALID)
        try:
            verified = verify(incoming.received, policy=self.policy, now=now)
            document = read_document(verified.element)
        except SignatureRefused as error:
            detail = ", ".join(reason.code for reason in error.reasons)
            problems = [
                finding(
                    f"signature_{one.code}",
                    Text(vi=one.vi, en=one.en),
                    path="BanTin/Signature",
                    suggestion=_SIGN_AGAIN,
                )
                for one in error.reasons
            ]
            return Refusal(code=Code.SIGNATURE, detail=detail, problems=tuple(problems))
        except InputError as error:
            # A date that the schema's pattern cannot refuse, for one.
            return Refusal(
                code=Code.INVALID, detail=error.problem.message.vi, problems=(error.problem,)
            )
        if document.packet != incoming.request.packet:
            return Refusal(code=Code.INVALID, detail=f"{document.packet} trong yêu cầu khác")
        if verified.signer.agency_code != document.agency_code:
            return Refusal(code=Code.AGENCY)
        return Accepted(
            document=document,
            digest=verified.digest,
            is_updating=bool(incoming.request.is_updating),
        )

    def _accept(
        self,
        accepted: Accepted,
        incoming: Incoming,
        version: SchemaVersion,
        *,
        now: datetime,
    ) -> bytes:
        document = accepted.document
        # Signed before the decision: the one thread that writes should not wait for a signature.
        receipt = self.signer.sign(
            build_receipt(
                version,
                message_id=document.message_id,
                dossier_code=document.dossier_code,
                digest=accepted.digest,
                received_at=now,
            ),
            signed_at=now,
        )
        status = document.values.get("TrangThaiHoSo", document.values.get("TrangThai"))
        effect = Effect(
            arrival_id=incoming.arrival_id,
            at=now.isoformat(),
            message_id=document.message_id,
            dossier_code=document.dossier_code,
            packet=document.packet,
            digest=accepted.digest,
            status=str(status) if status is not None else None,
            receipt=receipt,
        )

        def decide(connection: sqlite3.Connection) -> bytes | Refusal:
            decided = self._decide(connection, effect, is_updating=accepted.is_updating)
            outcome = decided.code if isinstance(decided, Refusal) else Code.OK
            set_outcome(connection, effect.arrival_id, outcome=outcome.value)
            return decided

        decided = self.store.run(decide)
        if isinstance(decided, Refusal):
            return _respond(version, document.packet, decided)
        return build_response(
            version,
            document.packet,
            error_code=Code.OK.value,
            message=TEXTS[Code.OK],
            receipt=decided,
        )

    def _decide(
        self, connection: sqlite3.Connection, effect: Effect, *, is_updating: bool
    ) -> bytes | Refusal:
        """Return the receipt to answer with, having written the effect, or a refusal."""
        first = first_effect_of(connection, effect.message_id)
        if first is not None:
            digest, receipt = first
            if digest != effect.digest:
                return Refusal(code=Code.CONFLICT)
            if self.idempotent:
                return receipt
        return self.take(connection, effect, is_updating=is_updating) or effect.receipt

    def _results(
        self, dossier_code: str, effects: list[tuple[str, ...]]
    ) -> tuple[LookUpResult, ...]:
        snapshots = [row for row in effects if row[0] == DOSSIER]
        if not snapshots or self.look_up_shows is LookUpShows.NOTHING:
            return ()
        shows_content = self.look_up_shows is LookUpShows.CONTENT
        _, message_id, digest, status, at = snapshots[-1]
        progress = tuple((row[1], row[2]) for row in effects if row[0] == PROGRESS)
        return (
            LookUpResult(
                dossier_code=dossier_code,
                status=status,
                message_id=message_id if shows_content else None,
                digest=digest if shows_content else None,
                received_at=datetime.fromisoformat(at),
                progress=progress if shows_content else (),
            ),
        )


def describe(element: _Element, *, now: datetime) -> tuple[Incoming, Arrival]:
    """Return a request and what can be said of it before anything is checked."""
    ns = namespace(element)
    request, received, message_id = None, b"", None
    dossier_code = element.findtext(f"{{{ns}}}mahoso")
    try:
        request = read_request(element)
        received = canonical_bytes(request.document_element)
        message_id = request.document_element.findtext(f"{{{ns}}}MaBanTin")
        dossier_code = request.document_element.findtext(f"*/{{{ns}}}MaHoSo")
    except (InputError, NoCanonicalForm):
        pass  # a look-up, or not a delivery that can be read: it arrived all the same
    arrival = Arrival(
        at=now.isoformat(),
        operation=local_name(element),
        message_id=message_id,
        dossier_code=dossier_code,
        digest=sha256(received).hexdigest() if received else None,
        is_updating=None if request is None else request.is_updating,
        attempt=None if request is None else request.attempt,
    )
    incoming = Incoming(
        element=element,
        request=request,
        received=received,
        dossier_code=dossier_code,
        message_id=message_id,
    )
    return incoming, arrival


def local_name(element: _Element) -> str:
    """Return the name of `element` without its namespace."""
    return str(element.tag).rpartition("}")[2]


def namespace(element: _Element) -> str:
    """Return the namespace of `element`, or an empty string."""
    return str(element.tag).rpartition("}")[0].lstrip("{")


def forced(strike: Misbehaviour | None) -> Refusal | None:
    """Return the refusal a misbehaviour demands, or None."""
    codes = {
        Mode.UNKNOWN_CODE: Code.UNKNOWN,
        Mode.REJECT: Code.REJECTED,
        Mode.EXISTS: Code.EXISTS,
        Mode.EXISTS_NEGATIVE: Code.EXISTS_NEGATIVE,
        # The text of success is put over it.
        Mode.SUCCESS_TEXT: Code.INVALID,
    }
    code = None if strike is None else codes.get(strike.mode)
    return None if code is None else Refusal(code=code)


def refuse_note(strike: Misbehaviour | None, note: object) -> Refusal | None:
    """Return the refusal of a GhiChu that is longer than a misbehaviour allows, or None."""
    if strike is None or strike.mode is not Mode.NOTE_LIMIT or not isinstance(note, str):
        return None
    if len(note) <= strike.limit:
        return None
    problem = finding(
        "note_too_long",
        Text(
            vi=f"GhiChu dài {len(note)} ký tự, Cổng chỉ nhận {strike.limit}",
            en=f"GhiChu has {len(note)} characters, and {strike.limit} are taken",
        ),
        path="GhiChu",
        suggestion=Text(
            vi="Rút ngắn, hoặc đặt max_lengths trong [target.json]",
            en="shorten it, or set max_lengths in [target.json]",
        ),
    )
    return invalid((problem,))


def invalid(problems: Sequence[Problem]) -> Refusal:
    """Return the refusal of what is not as published."""
    first = problems[0]
    field = "" if first.message.vi.startswith(first.field or "") else first.field
    detail = f"{field} {first.message.vi}".strip()
    return Refusal(code=Code.INVALID, detail=detail, problems=tuple(problems))


def _respond(version: SchemaVersion, operation: str, refusal: Refusal) -> bytes:
    text = TEXTS[refusal.code]
    return build_response(
        version,
        operation,
        error_code=refusal.code.value,
        message=f"{text}: {refusal.detail}" if refusal.detail else text,
        receipt=None,
    )

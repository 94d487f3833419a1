"""
What was sent in one attempt, and what came back, byte for byte, for who may see personal data.

A channel that sends the signed document itself puts an envelope around it, which is not kept; of
one that derives its payload, the payload is made again and given only where its digest is that of
what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.access.rights import Right
from lienthong.channels.payloads import derive_again, is_derived
from lienthong.channels.port import Outcome, Packet
from lienthong.operations.downloads import Download
from lienthong.operations.messages import agency_of_message, note_reveal
from lienthong.store.database import reading
from lienthong.store.delivery import LOOK_UP, SEND
from lienthong.store.queries import read_answer
from lienthong.store.sealed import document_context
from lienthong.store.tables import attempts, messages
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.operations.messages import Reveal
    from lienthong.wiring import Installation

MEDIA_TYPE = "application/octet-stream"
"""Whatever it is: it is kept, and opened by nothing of ours."""
_NOT_SENT = (Outcome.WITHHELD.value, Outcome.UNSENDABLE.value)


class Kind(Enum):
    """What an attempt was."""

    SEND = SEND
    LOOK_UP = LOOK_UP


class Part(Enum):
    """What of it."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """One half of one attempt."""

    message: str
    kind: Kind
    number: int
    """1-based for each kind."""
    part: Part

    def __str__(self) -> str:
        return f"{self.kind.value} {self.number} {self.part.value}"


def take_attempt(
    installation: Installation, principal: Principal, which: Which, reveal: Reveal
) -> Download:
    """
    Return what was sent, or what came back, as a file; a row of the audit log says who took it.

    Raises:
        Forbidden: it may be seen, but not revealed.
        InputError: there is none that whoever asks may see, it was erased, or it cannot be had.
    """
    agency = agency_of_message(installation, principal, which.message)
    principal.need(Right.REVEAL, agency)
    found = _find(installation, which)
    look = _answer if which.part is Part.ANSWER else _request
    data = look(installation, which, found)
    note_reveal(installation, principal, which.message, reveal, what=str(which))
    return Download(
        name=f"{which.message}-{str(which).replace(' ', '-')}.bin",
        media_type=MEDIA_TYPE,
        size=len(data),
        file=BytesIO(data),
    )


def _find(installation: Installation, which: Which) -> Any:
    query = (
        select(
            attempts.c.ended_at,
            attempts.c.outcome,
            attempts.c.answer_size,
            attempts.c.payload_digest,
            messages.c.packet,
            messages.c.document,
            messages.c.document_digest,
        )
        .join(messages, messages.c.id == attempts.c.message_id)
        .where(
            attempts.c.message_id == which.message,
            attempts.c.kind == which.kind.value,
            attempts.c.number == which.number,
        )
    )
    with reading(installation.store) as connection:
        found: Any = connection.execute(query).first()
    if found is None:
        raise _refusal("attempt.not_found")
    return found


def _answer(installation: Installation, which: Which, found: Any) -> bytes:
    store = installation.store
    with reading(store) as connection:
        kind, number = which.kind.value, which.number
        kept = read_answer(connection, which.message, kind=kind, number=number, vault=store.vault)
    if kept is None:
        raise _refusal(
            "attempt.answer_not_found" if not found.answer_size else "attempt.payload_erased"
        )
    return kept


def _request(installation: Installation, which: Which, found: Any) -> bytes:
    if which.kind is Kind.LOOK_UP:
        raise _refusal("attempt.look_up_not_found")
    if found.ended_at is None or found.outcome in _NOT_SENT:
        raise _refusal("attempt.request_not_found")
    if found.document is None:
        raise _refusal("attempt.payload_erased")
    context = document_context(which.message)
    document = installation.store.vault.open(found.document, context=context)
    target = installation.settings.target
    is_up = found.packet != Packet.INBOUND.value
    if found.payload_digest is None:
        if is_up and is_derived(target):
            # Of what goes to such a target the digest is there as long as the answer is.
            raise _refusal("attempt.payload_erased")
        sent, digest = document, found.document_digest
    else:
        again = None if target is None else derive_again(target, document)
        sent, digest = again or b"", found.payload_digest
    if sha256(sent).hexdigest() != digest:
        raise _refusal("attempt.request_changed")
    return sent


_WORDS = {
    "attempt.not_found": (
        Text(vi="Thông điệp không có lần này", en="The message has no such attempt"),
        Text(
            vi="Xem các lần gửi (send) và tra cứu (lookup) của thông điệp",
            en="See the message's attempts (send) and look-ups (lookup)",
        ),
    ),
    "attempt.answer_not_found": (
        Text(vi="Lần này không có câu trả lời nào", en="No answer came to this attempt"),
        Text(vi="Xem kết quả của lần đó", en="See how that attempt ended"),
    ),
    "attempt.look_up_not_found": (
        Text(
            vi="Yêu cầu tra cứu không được giữ: nó chỉ có mã đơn vị và mã hồ sơ",
            en="What a look-up asked is not kept: it has the codes of agency and dossier alone",
        ),
        Text(vi="Tải câu trả lời của lần tra cứu", en="Take the answer to the look-up"),
    ),
    "attempt.request_not_found": (
        Text(
            vi="Lần này không gửi gì đi, hoặc chưa kết thúc",
            en="Nothing was sent in this attempt, or it has not ended",
        ),
        Text(vi="Xem kết quả của lần đó", en="See how that attempt ended"),
    ),
    "attempt.payload_erased": (
        Text(
            vi="Nội dung đã xóa khi hết thời hạn lưu, hoặc chưa kịp ghi lại",
            en="It was erased when its retention ended, or was never written down",
        ),
        Text(
            vi="Dấu vết còn trong nhật ký và gói chứng cứ đã xuất trước đó",
            en="The log, and packs of evidence of before, have what is left of it",
        ),
    ),
    "attempt.request_changed": (
        Text(
            vi="Không lập lại được đúng dữ liệu đã gửi: giá trị băm khác",
            en="What was sent cannot be made again: its digest is another",
        ),
        Text(
            vi="Cấu hình Cổng đã đổi từ đó, hoặc nhiều dòng tiến độ đi chung một lần gọi; văn bản "
            "đã ký có trong gói chứng cứ",
            en="The target's settings have changed since, or several progress rows went in one "
            "call; the signed document is in the evidence pack",
        ),
    ),
}


def _refusal(code: str) -> InputError:
    message, suggestion = _WORDS[code]
    return InputError(Problem(code=code, message=message, suggestion=suggestion))

"""
Why a peer's message is not taken over: a status, and every reason in both languages.

Reasons have stable codes and never quote a secret. Those of 422 and 409 are about what a message
says and answered in the peer's own words; all others end before that and are faults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.problem import Language, Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_REASONS = 50
LONGEST_ANSWER = 4000
"""Characters of what a peer is told."""
MALFORMED, UNPROVEN, UNKNOWN, CONFLICT = 400, 401, 404, 409
MEDIA, INVALID, BUSY, LATER = 415, 422, 429, 503


@dataclass(eq=False)
class NotTaken(Exception):
    """A message that was not taken over; nothing of it is kept."""

    status: int
    problems: tuple[Problem, ...]
    service: str | None = None
    """Which of the peer's services it was, where that is known to be one."""
    fault: tuple[str, str] | None = None
    """A published fault code (namespace, local name) that says more."""
    soap: str | None = None
    """Namespace of the SOAP version it came in, where that was seen."""
    signature: bytes | None = None
    """Of the request, which a signed answer can confirm."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_about_content(self) -> bool:
        """Whether the peer was understood and its message judged."""
        return self.status in (INVALID, CONFLICT)

    @property
    def codes(self) -> str:
        """The codes of the reasons, for logs and audit."""
        return ", ".join(dict.fromkeys(one.code for one in self.problems[:MOST_REASONS]))[:500]

    def say(self, language: Language) -> str:
        """Return all reasons in one text of bounded length."""
        said = _bounded(_sentence(one, language) for one in self.problems)
        remedy = self.problems[0].suggestion
        if len(self.problems) > 1 or remedy is None:
            return said
        return f"{said}. {_shown(remedy.say(language))}"


def _bounded(sentences: Iterable[str]) -> str:
    kept: list[str] = []
    room = LONGEST_ANSWER
    for one in sentences:
        if len(kept) == MOST_REASONS or len(one) > room:
            kept.append("…")
            break
        kept.append(one)
        room -= len(one) + 2
    return "; ".join(kept)


def _sentence(problem: Problem, language: Language) -> str:
    words = problem.message.say(language)
    if problem.field and problem.field not in words:
        words = f"{problem.field}: {words}"
    return _shown(words)


def _shown(words: str) -> str:
    # They may quote what was sent, and XML holds less than JSON can name.
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in words)


def not_taken(status: int, code: str, vi: str, en: str, *, name: str | None = None) -> NotTaken:
    """Return a refusal for one reason."""
    return NotTaken(status, (finding(code, vi, en, name=name),))


def finding(code: str, vi: str, en: str, *, name: str | None = None) -> Problem:
    """Return one reason, with what to do about it; `name` is the field it is about."""
    return Problem(
        code=code,
        message=Text(vi=vi, en=en),
        field=name,
        place=Place(path=name),
        suggestion=_REMEDIES.get(code, _MEND),
    )


_MEND = Text(
    vi="Sửa bản tin rồi gửi lại",
    en="Mend the message, and send it again",
)
_AGAIN = Text(
    vi="Gửi lại đúng bản tin này sau",
    en="Send the very same message again later",
)
_REMEDIES = {
    "inbound.unproven": Text(
        vi="Kiểm tra mã truy cập, khóa bảo mật; xin người vận hành mã mới nếu cần",
        en="Check the token and the security key; ask the operator for new ones if need be",
    ),
    "inbound.address": Text(vi="Hỏi người vận hành địa chỉ", en="Ask the operator for the address"),
    "inbound.service_unknown": Text(
        vi="Kiểm tra tên dịch vụ; xin người vận hành cho phép nếu cần",
        en="Check the service's name; ask the operator to allow it if need be",
    ),
    "inbound.agency_unknown": Text(
        vi="Kiểm tra mã đơn vị và mã thủ tục", en="Check the unit's code and the procedure"
    ),
    "inbound.operation": Text(vi="Xem WSDL tại ?wsdl", en="See the WSDL at ?wsdl"),
    "inbound.request": Text(vi="Xem WSDL tại ?wsdl", en="See the WSDL at ?wsdl"),
    "inbound.field_empty": Text(
        vi="Điền các trường này rồi gửi lại", en="Fill these fields, and send it again"
    ),
    "submission.key_conflict": Text(
        vi="Mỗi nội dung mới cần một mã mới", en="Give new content a new id"
    ),
    "inbound.later": _AGAIN,
    "inbound.paused": _AGAIN,
    "inbound.busy": _AGAIN,
    "inbound.failed": _AGAIN,
}


def invalid(problems: Sequence[Problem], *, service: str) -> NotTaken:
    """Return the refusal of a message for everything that is wrong with it."""
    return NotTaken(INVALID, tuple(problems), service=service)


def unproven() -> NotTaken:
    """Say that nobody can tell who sends; one reason, so that nobody learns what was wrong."""
    return not_taken(
        UNPROVEN,
        "inbound.unproven",
        "Không xác thực được bên gửi: thiếu mã truy cập hoặc khóa bảo mật, hoặc sai, hết hạn",
        "The sender is not proven: its token or security key is missing, wrong or has expired",
    )


def service_unknown() -> NotTaken:
    """Say that the peer may not send this service."""
    return not_taken(
        INVALID,
        "inbound.service_unknown",
        "Bên gửi không được phép gửi dịch vụ này, hoặc không có dịch vụ này",
        "There is no such service, or the sender may not send it",
    )


def agency_unknown() -> NotTaken:
    """Say that the message names nobody who is here."""
    return not_taken(
        INVALID,
        "inbound.agency_unknown",
        "Không có cơ quan nào ở đây nhận bản tin này",
        "No agency here is the receiver of this message",
    )


def later(retry_after: int) -> NotTaken:
    """Say that nothing can be made durable, or answered, now."""
    refused = not_taken(
        LATER,
        "inbound.later",
        "Chưa tiếp nhận được vào lúc này",
        "It cannot be taken over now",
    )
    refused.headers = {"Retry-After": str(retry_after)}
    return refused


def paused(retry_after: int) -> NotTaken:
    """Say that an operator keeps what is for the agency out for now."""
    refused = not_taken(
        LATER,
        "inbound.paused",
        "Người vận hành đang tạm dừng tiếp nhận cho cơ quan này; chưa nhận gì",
        "An operator has paused intake for this agency; nothing was taken",
    )
    refused.headers = {"Retry-After": str(retry_after)}
    return refused

"""
Who must act about a cause, and what helps: one table, by the beginning of its code.

The longest beginning counts. What no line names is the agency's where it sent the record, and its
sender's where a peer did: findings are about what came in.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping


class Owner(Enum):
    """Who must act; the values are those of the API."""

    AGENCY = "agency"
    US = "us"
    """Whoever runs this installation or writes its mappings."""
    PORTAL = "portal"
    """Whoever runs the portal, or another peer that sends to agencies."""
    AUTHORITY = "certificate_authority"


class Step(Enum):
    """What helps; the values are those of the API."""

    CORRECT = "correct"
    RESEND = "resend"
    REISSUE = "reissue"
    DISCARD = "discard"
    RECONCILE = "reconcile"
    CONFIGURE = "configure"
    RENEW = "renew_certificate"
    ASK_PORTAL = "ask_portal"
    WAIT = "wait"


STEP_WORDS: Mapping[Step, Text] = MappingProxyType(
    {
        Step.CORRECT: Text(
            vi="Cơ quan sửa tại nguồn và gửi lại hồ sơ",
            en="The agency corrects it at the source and sends the dossier again",
        ),
        Step.RESEND: Text(vi="Gửi lại đúng tài liệu đã ký", en="Resend the same signed document"),
        Step.REISSUE: Text(
            vi="Lập lại từ nguồn theo ánh xạ hiện nay",
            en="Reissue from the source by the present mapping",
        ),
        Step.DISCARD: Text(vi="Hủy thông điệp", en="Discard the message"),
        Step.RECONCILE: Text(
            vi="Đối chiếu hồ sơ với Cổng", en="Compare the dossier with the portal"
        ),
        Step.CONFIGURE: Text(
            vi="Sửa cấu hình hoặc máy chủ; kiểm tra bằng doctor",
            en="Mend settings or server; doctor checks them",
        ),
        Step.RENEW: Text(vi="Gia hạn hoặc thay chứng thư", en="Renew or replace the certificate"),
        Step.ASK_PORTAL: Text(vi="Hỏi đơn vị vận hành Cổng", en="Ask whoever runs the portal"),
        Step.WAIT: Text(vi="Chờ: hệ thống tự thử lại", en="Wait: it is tried again by itself"),
    }
)

_OWNERS: Mapping[str, Owner] = MappingProxyType(
    {
        "attachment.store": Owner.US,
        "certificate.": Owner.AUTHORITY,
        "conversion.": Owner.US,
        "key.": Owner.US,
        "output.": Owner.US,
        "revocation.": Owner.AUTHORITY,
        "submission.": Owner.US,
        "target.": Owner.US,
        "timestamp.": Owner.AUTHORITY,
    }
)
"""Of findings; those of deliveries are in `lienthong.delivery_causes`."""
_STEPS: Mapping[Owner, tuple[Step, ...]] = MappingProxyType(
    {
        Owner.AGENCY: (Step.CORRECT,),
        Owner.US: (Step.CONFIGURE, Step.REISSUE),
        Owner.PORTAL: (Step.ASK_PORTAL,),
        Owner.AUTHORITY: (Step.RENEW, Step.REISSUE),
    }
)


def owner_of_finding(code: str, *, is_down: bool) -> Owner:
    """Return who must act about findings of a code, of what an agency sent or of what came down."""
    beginnings = [beginning for beginning in _OWNERS if code.startswith(beginning)]
    if beginnings:
        return _OWNERS[max(beginnings, key=len)]
    return Owner.PORTAL if is_down else Owner.AGENCY


def steps_of_finding(owner: Owner, *, by_mapping: bool) -> tuple[Step, ...]:
    """Return what helps; `by_mapping`: whoever writes the mapping can do something, too."""
    steps = _STEPS[owner]
    return (*steps, Step.REISSUE) if by_mapping and Step.REISSUE not in steps else steps

"""The page of an evidence pack for people: what happened when, what is proven and what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lienthong.pages import render_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas.problem import Language

MOST_STEPS = 1_000
"""Rows of the log that are shown; all of them are in the pack."""
_STEPS = {
    "submission.received": ("Đã nhận tệp của cơ quan", "the agency's file was received"),
    "submission.expanded": ("Đã đọc hết tệp", "the file was read to its end"),
    "submission.repeated": ("Tệp được gửi lại", "the file came again"),
    "message.ready": ("Đã ký, sẵn sàng gửi", "signed, ready to be sent"),
    "message.held": ("Đã ký, chờ thông điệp trước", "signed, waits for one before it"),
    "message.sending": ("Bắt đầu gửi tới Cổng", "it is being sent"),
    "message.delivered": ("Cổng đã nhận", "delivered"),
    "message.unknown": ("Chưa rõ Cổng đã nhận hay chưa", "whether it arrived is not known"),
    "message.looked_up": ("Hỏi Cổng xem đã nhận chưa", "the portal was asked"),
    "message.retrying": ("Sẽ gửi lại", "it is sent again later"),
    "message.rejected": ("Bản ghi bị từ chối", "the record was rejected"),
    "message.superseded": ("Được thay bằng bản mới hơn", "a newer one takes its place"),
    "message.parked": ("Dừng lại, chờ người xử lý", "parked: somebody must decide"),
    "message.quarantined": ("Cách ly, chờ người xử lý", "quarantined: somebody must decide"),
    "message.reissued": ("Được lập lại", "it was made again"),
    "message.discarded": ("Bị bỏ", "it was discarded"),
    "message.viewed": ("Có người xem nội dung", "somebody looked at it"),
    "event.repeated": ("Sự kiện được gửi lại", "the event came again"),
    "evidence.exported": ("Xuất gói chứng cứ", "its evidence was exported"),
}


def write_summary(
    manifest: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], *, language: Language
) -> Iterator[str]:
    """Yield the page; `steps` are rows of the log with their proofs."""
    return render_page(
        "evidence.html",
        pack=manifest,
        steps=[_step(row) for row in steps],
        more=manifest["audit"]["rows"] - len(steps),
        lang=language,
    )


def _step(row: Mapping[str, Any]) -> dict[str, Any]:
    vi, en = _STEPS.get(row["action"], ("", ""))
    detail = None if "detail" not in row else json.loads(row["detail"])
    return {
        "at": row["at"][:19].replace("T", " "),
        "vi": vi or row["action"],
        "en": en or row["action"],
        "action": row["action"],
        "subject": row["subject"],
        "actor": row["actor"],
        "row": row["row"],
        "seal": row["seal"],
        "detail": None
        if detail is None
        else ", ".join(
            f"{key}: {value}" for key, value in detail.items() if value not in (None, "")
        ),
    }

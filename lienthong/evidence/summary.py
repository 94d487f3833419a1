"""The page of an evidence pack for people: what happened when, what is proven and what is not."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from lienthong.pages import render_page
from schemas.problem import Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_STEPS = 1_000
"""Rows of the log that are shown; all of them are in the pack."""
_WORDS = {
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
    "receipt.made": ("Đã ký biên nhận cho cơ quan", "a receipt was signed for the agency"),
    "evidence.exported": ("Xuất gói chứng cứ", "its evidence was exported"),
    "send": ("gửi", "send"),
    "lookup": ("hỏi", "look-up"),
    "delivered": ("Cổng đã nhận", "delivered"),
    "exists": ("Cổng đã có hồ sơ", "the portal has it already"),
    "rejected": ("Cổng từ chối", "refused"),
    "busy": ("Cổng bận, chưa nhận", "busy, nothing was done"),
    "not_sent": ("chưa gửi được", "not sent"),
    "unknown": ("chưa rõ", "not known"),
    "unrecognised": ("câu trả lời lạ", "an answer never seen before"),
    "withheld": ("chưa gửi", "withheld"),
    "target": ("Cổng từ chối kết nối", "the portal refuses us"),
    "present": ("có ở Cổng", "it is there"),
    "absent": ("không có ở Cổng", "it is not there"),
    "failed": ("không hỏi được", "no answer"),
}
"""Of steps in the log, kinds of attempts and their outcomes."""


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
        word=partial(_word, language=language),
    )


def _word(code: str, *, language: Language) -> str:
    vi, en = _WORDS.get(code, (code, code))
    return vi if language is Language.VI else en


def _step(row: Mapping[str, Any]) -> dict[str, Any]:
    vi, en = _WORDS.get(row["action"], (row["action"], row["action"]))
    detail = None if "detail" not in row else json.loads(row["detail"])
    return {
        "at": row["at"][:19].replace("T", " "),
        "vi": vi,
        "en": en,
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

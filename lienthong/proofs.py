"""What proves that a message was delivered: a signed receipt, a bare answer, or being asked."""

from __future__ import annotations

from enum import Enum

from schemas.problem import Text


class Proof(Enum):
    """The kinds of proof, the strongest first; the values are stored, shown and published."""

    RECEIPT = "receipt"
    """A receipt of the portal's: signed, verified, for the very bytes that were sent."""
    ANSWER = "answer"
    """Its answer as it came, of a channel or a target that gives no receipts."""
    QUERY = "query"
    """What it answered when it was asked for the dossier, after an answer that never came."""


HANDED_OVER = Text(
    vi="cơ quan nhận đã nhận (thư mục, hàng đợi hoặc câu trả lời của hook)",
    en="taken by the agency's folder, queue or hook, as its last attempt says",
)
"""What stands for a proof of what went to an agency."""
WORDS: dict[Proof, Text] = {
    Proof.RECEIPT: Text(
        vi="biên nhận có chữ ký của Cổng, đã kiểm tra, đúng từng byte đã gửi",
        en="the portal's signed receipt, verified, for the very bytes that were sent",
    ),
    Proof.ANSWER: Text(
        vi="câu trả lời nguyên văn của Cổng, không có chữ ký (kênh này không có biên nhận)",
        en="the portal's answer as it came, unsigned (this channel has no receipts)",
    ),
    Proof.QUERY: Text(
        vi="câu trả lời của Cổng khi được hỏi (TraCuuHoSo), không có chữ ký",
        en="what the portal answered when it was asked (TraCuuHoSo), unsigned",
    ),
}

"""The coverage of the portal's fields: its words and signs, and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.pages import render_page
from mappings import Cover, Need
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mappings import Coverage

SIGNS = {
    Cover.MAPPED: "●",
    Cover.CONSTANT: "◆",
    Cover.UNFINISHED: "?",
    Cover.ABSENT: "·",
    Cover.MISSING: "✗",
    Cover.UNKNOWN: "",
}
COVERS = {
    Cover.MAPPED: Text(vi="lấy từ hồ sơ nguồn", en="from the record"),
    Cover.CONSTANT: Text(vi="giá trị cố định", en="constant"),
    Cover.UNFINISHED: Text(vi='còn chỗ "?" trong bản nháp', en='"?" left in a draft'),
    Cover.ABSENT: Text(vi="không gửi", en="absent"),
    Cover.MISSING: Text(vi="thiếu trường bắt buộc", en="mandatory and missing"),
    Cover.UNKNOWN: Text(vi="lược đồ không có", en="not in its schema"),
}
MARKS = {Need.ALWAYS: "**", Need.WITHIN: "*", Need.OPTIONAL: ""}
NEEDS = {
    Need.ALWAYS: Text(vi="bắt buộc", en="mandatory"),
    Need.WITHIN: Text(
        vi="bắt buộc trong mỗi mục hoặc dòng tiến độ", en="mandatory in each item or progress row"
    ),
    Need.OPTIONAL: Text(vi="không bắt buộc", en="optional"),
}
_TOTALS = {
    Need.ALWAYS: Text(vi="Bắt buộc: có / cần", en="Mandatory: filled / of"),
    Need.OPTIONAL: Text(vi="Không bắt buộc: có / tất cả", en="Optional: filled / of"),
}


def coverage_page(coverage: Coverage, *, made_at: datetime) -> Iterator[str]:
    """Yield the page piece by piece; `made_at` is what it says about its age."""
    agencies = range(len(coverage.files))
    totals = [
        (words, [coverage.count(number, need) for number in agencies])
        for need, words in _TOTALS.items()
    ]
    return render_page(
        "coverage.html",
        coverage=coverage,
        signs=SIGNS,
        covers=COVERS,
        marks=MARKS,
        needs=NEEDS,
        totals=totals,
        made_at=made_at,
    )

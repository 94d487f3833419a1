"""Facts as the portal writes them, for the expected values: never taken from a written record."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from lienthong.samples.expectations import PortalValues

STATUS_NAMES = {
    "1": "Mới đăng ký",
    "2": "Được tiếp nhận",
    "3": "Không được tiếp nhận",
    "4": "Đang xử lý",
    "5": "Yêu cầu bổ sung giấy tờ",
    "6": "Yêu cầu thực hiện nghĩa vụ tài chính",
    "7": "Công dân yêu cầu rút hồ sơ",
    "8": "Dừng xử lý",
    "9": "Đã xử lý xong",
    "10": "Đã trả kết quả",
}
"""The portal's statuses with their names (reference, §1.5)."""
ENDED = frozenset(("9", "10"))
"""Statuses in which there is a result."""
RETURNED = "10"
_TRADES = ("THƯƠNG MẠI", "DỊCH VỤ", "XÂY DỰNG", "VẬN TẢI", "CÔNG NGHỆ")


def portal_time(when: datetime | None) -> str | None:
    """Return yyyyMMddHHmmss of a local moment; None for none."""
    return when.strftime("%Y%m%d%H%M%S") if when is not None else None


def portal_day(when: datetime | None) -> str | None:
    """Return what the portal gets of a moment of which the agency keeps the day only."""
    return when.strftime("%Y%m%d000000") if when is not None else None


def identity(number: str) -> PortalValues:
    """
    Return the two fields that say who the owner is; `number` "" for nobody knows.

    Only the lengths of citizens' papers make an item: 12 digits a CCCD, 9 a CMND (§1.3).
    """
    kind = {12: "1", 9: "2"}.get(len(number))
    return {
        "SoGiayToChuHoSo": number or None,
        "DinhDanhCHS": [{"LoaiDinhDanh": kind, "SoDinhDanh": number}] if kind else None,
    }


def summary(text: str) -> str:
    """Return `text` as TrichYeuHoSo: a run of spaces is one, what is beyond the limit is cut."""
    return " ".join(text.split())[:1000]


def company_name(random: Random, number: int) -> str:
    """Return the name of a company that does not exist."""
    return f"CÔNG TY TNHH {random.choice(_TRADES)} MẪU SỐ {number}"

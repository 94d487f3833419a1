"""
Tax codes: 10 digits with a check digit, 13 for dependent units, 12 as the person's own number.

Since 2025-07-01 the personal number is the tax code of persons, households and household businesses
(Circular 86/2024/TT-BTC).
"""

from __future__ import annotations

import re
from datetime import date

from stdnum.exceptions import ValidationError
from stdnum.vn import mst

from mappings.kinds.persons import read_personal_id
from mappings.kinds.rules import Finding, Reading, finding

PERSONAL_FROM = date(2025, 7, 1)
_SHAPE = re.compile(r"(\d{10})(?:-?(\d{3}))?", re.ASCII)
_BLANKS = re.compile(r"[\s.]+")


def read_tax_code(text: str, *, day: date | None = None) -> Reading:
    """Read a tax code; the 13-digit form is written with its hyphen."""
    plain = _BLANKS.sub("", text)
    if len(plain) == 12 and plain.isascii() and plain.isdigit():
        early = day is not None and day < PERSONAL_FROM
        findings = read_personal_id(plain, day=day).findings
        return Reading(plain, (*findings, _early()) if early else findings)
    shape = _SHAPE.fullmatch(plain)
    if shape is None:
        return Reading(text, (_form(text, plain),))
    base, unit = shape.groups()
    standard = base if unit is None else f"{base}-{unit}"
    try:
        mst.validate(standard)
    except ValidationError:
        return Reading(standard, (_wrong(base, unit),))
    return Reading(standard)


def _form(text: str, plain: str) -> Finding:
    shown = repr(text[:40])
    lost = len(plain) == 9 and plain.isascii() and plain.isdigit() and mst.is_valid(f"0{plain}")
    return finding(
        "value.tax_code_form",
        vi=f"cần mã số thuế 10, 13 hoặc 12 chữ số, nhận được {shown}",
        en=f"expected a tax code of 10, 13 or 12 digits, found {shown}",
        mend_vi=f"có lẽ bảng tính đã bỏ số 0 đứng đầu: 0{plain}" if lost else "sửa tại nguồn",
        mend_en=f"a spreadsheet may have dropped the leading zero: 0{plain}"
        if lost
        else "mend it at the source",
    )


def _wrong(base: str, unit: str | None) -> Finding:
    if unit == "000" or base[2:9] == "0000000":
        vi, en = "phần số thứ tự toàn số 0", "its running number is all zeros"
    else:
        vi, en = "chữ số kiểm tra (chữ số thứ 10) không đúng", "its check digit (the 10th) is wrong"
    return finding(
        "value.tax_code_check_digit",
        vi=f"mã số thuế không thể có: {vi}",
        en=f"no such tax code can exist: {en}",
        mend_vi="một chữ số bị gõ sai hoặc đổi chỗ; đối chiếu với giấy chứng nhận",
        mend_en="a digit is mistyped or swapped; compare it with the certificate",
    )


def _early() -> Finding:
    return finding(
        "value.tax_code_early",
        vi="số định danh chỉ thay mã số thuế từ 01/07/2025",
        en="personal numbers are tax codes only from 2025-07-01 on",
        mend_vi="ghi mã số thuế 10 chữ số của thời điểm đó",
        mend_en="write the tax code of 10 digits of that time",
    )

"""Fees: whole amounts of đồng in the writings of offices."""

from __future__ import annotations

import re

from mappings.kinds.rules import Finding, Reading, finding

_UNIT = re.compile(r"(?:\s*(?:đồng|đ|₫|vnđ|vnd)\.?)?$", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:[.,\s]\d{3})+(?:[.,]0+)?", re.ASCII)
_PLAIN = re.compile(r"(\d+)(?:[.,]0+)?", re.ASCII)
_FREE = frozenset({"miễn phí", "không", "không thu", "miễn"})
MAX_DIGITS = 15
"""A rule of our own: no fee that was seen comes near, and what a spreadsheet keeps exactly ends at
fifteen. The portal's schema takes any text."""


def read_fee(text: str) -> Reading:
    """Read 100000, 100.000, 100,000 đ and "miễn phí" (0); thousands have exactly three digits."""
    amount = _UNIT.sub("", text.strip())
    if text.strip().casefold() in _FREE:
        return Reading("0")
    plain = _PLAIN.fullmatch(amount)
    if _GROUPED.fullmatch(amount):
        # A point or comma before three digits parts thousands; before anything else zeros only.
        head = re.sub(r"[.,]0{1,2}$|[.,]0{4,}$", "", amount)
        digits = re.sub(r"\D", "", head)
    elif plain is not None:
        digits = plain[1]
    else:
        digits = ""
    if digits:
        found = digits.lstrip("0") or "0"
        too_large = fee_size(found)
        return Reading(found) if too_large is None else Reading(text, (too_large,))
    return Reading(
        text,
        (
            finding(
                "value.fee_form",
                vi=f"cần số tiền nguyên không âm, nhận được {text[:40]!r}",
                en=f"expected a whole amount, zero or more, found {text[:40]!r}",
                mend_vi="ghi số tiền bằng đồng, ví dụ 150000 hoặc 150.000",
                mend_en="write the amount in đồng, for example 150000 or 150.000",
            ),
        ),
    )


def fee_size(amount: str) -> Finding | None:
    """Return what is wrong with an amount that no fee has; None for every other text."""
    if len(amount) <= MAX_DIGITS:
        return None
    digits = sum(character.isdigit() for character in amount.partition(".")[0].lstrip("0"))
    if digits <= MAX_DIGITS:
        return None
    return finding(
        "value.fee_size",
        vi=f"số tiền có {digits} chữ số, không lệ phí nào quá {MAX_DIGITS}: {amount[:40]!r}",
        en=f"an amount of {digits} digits, no fee has more than {MAX_DIGITS}: {amount[:40]!r}",
        mend_vi="sửa số tiền tại nguồn; có thể cột này là mã hoặc số tài khoản",
        mend_en="mend the amount at the source; perhaps the column is a code or an account",
    )

"""Fees: whole amounts of đồng in the writings of offices."""

from __future__ import annotations

import re

from mappings.kinds.rules import Reading, finding

_UNIT = re.compile(r"(?:\s*(?:đồng|đ|₫|vnđ|vnd)\.?)?$", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:[.,\s]\d{3})+(?:[.,]0+)?", re.ASCII)
_PLAIN = re.compile(r"(\d+)(?:[.,]0+)?", re.ASCII)
_FREE = frozenset({"miễn phí", "không", "không thu", "miễn"})
MAX_DIGITS = 15


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
    if digits and len(digits) <= MAX_DIGITS:
        return Reading(digits.lstrip("0") or "0")
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

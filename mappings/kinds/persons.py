"""
Numbers of persons: the 12-digit personal number, and the 9-digit identity card before it.

Of the 12 digits the first three are the province or country of the birth registration, the fourth
is century and sex, the next two are the year of birth (Circular 07/2016/TT-BCA art. 7). There is no
check digit. Births were registered anew, and wrongly, so what does not agree is only a warning.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from mappings.kinds.rules import Finding, Reading, finding
from mappings.tables import load_column
from schemas.problem import Text

LAST_DAY_OF_CARDS = date(2024, 12, 31)
_BLANKS = re.compile(r"[\s.\-]+")
_SEXES = (Text(vi="nam", en="male"), Text(vi="nữ", en="female"))


def read_personal_id(
    text: str, *, day: date | None = None, born: str = "", sex: str = ""
) -> Reading:
    """
    Read a personal number or an old card's number; blanks, points and hyphens go.

    Args:
        text: As the agency wrote it.
        day: The dossier's day.
        born: Year of birth, four digits; empty where it is not known.
        sex: "0" male, "1" female; empty where it is not known.
    """
    digits = _BLANKS.sub("", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (9, 12):
        return Reading(text, (_form(text, digits),))
    if len(digits) == 9:
        retired = day is not None and day > LAST_DAY_OF_CARDS
        return Reading(digits, (_retired(),) if retired else ())
    found = (_province(digits), _birth(digits, day=day, born=born), _sex(digits, sex))
    return Reading(digits, tuple(one for one in found if one is not None))


@cache
def birth_places() -> frozenset[str]:
    """Return the three digits of every province; those of countries are not published."""
    spans = load_column("provinces", "cccd_code").values()
    return frozenset(span.target for entry in spans for span in entry if span.target)


def birth_year(digits: str) -> int:
    """Return the year of birth that a 12-digit number tells."""
    return 1900 + 100 * (int(digits[3]) // 2) + int(digits[4:6])


def _form(text: str, digits: str) -> Finding:
    lost = len(digits) in (8, 11) and digits.isascii() and digits.isdigit()
    if lost and (len(digits) == 8 or f"0{digits}"[:3] in birth_places()):
        return finding(
            "value.personal_id_form",
            vi=f"số định danh có {len(digits)} chữ số; có lẽ bảng tính đã bỏ số 0 đứng đầu",
            en=f"the personal number has {len(digits)} digits; a spreadsheet may have dropped the "
            "leading zero",
            mend_vi=f"nếu đúng vậy, ghi 0{digits} và định dạng cột là văn bản",
            mend_en=f"if so, write 0{digits} and format the column as text",
        )
    return finding(
        "value.personal_id_form",
        vi=f"cần số định danh 12 chữ số hoặc CMND 9 chữ số, nhận được {_shown(text)}",
        en=f"expected a personal number of 12 digits or a card of 9, found {_shown(text)}",
        mend_vi="sửa tại nguồn; hộ chiếu và giấy tờ khác không thuộc ô này",
        mend_en="mend it at the source; passports and other papers do not belong here",
        for_integrator=Text(
            vi="hộ chiếu và giấy tờ khác cần quy tắc riêng (`when`)",
            en="passports and others need a rule of their own (`when`)",
        ),
    )


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}…"


def _retired() -> Finding:
    return finding(
        "value.personal_id_retired",
        vi="CMND 9 chữ số đã hết giá trị sau 31/12/2024",
        en="cards of 9 digits are no longer valid after 2024-12-31",
        mend_vi="ghi số định danh cá nhân 12 chữ số",
        mend_en="write the personal number of 12 digits",
    )


def _province(digits: str) -> Finding | None:
    if digits[:3] in birth_places():
        return None
    return finding(
        "value.personal_id_province",
        vi=f"ba chữ số đầu {digits[:3]} không phải mã tỉnh nào; có thể là mã nước nơi sinh",
        en=f"the first three digits {digits[:3]} are no province; it may be a country of birth",
        mend_vi="đối chiếu với thẻ căn cước",
        mend_en="compare it with the card",
    )


def _birth(digits: str, *, day: date | None, born: str) -> Finding | None:
    year = birth_year(digits)
    if born and born.isdigit() and int(born) != year:
        vi, en = f"năm sinh {born} khác năm {year} trong số", f"born {born}, the number says {year}"
    elif day is not None and year > day.year:
        vi, en = f"số này cho năm sinh {year}", f"the number says born {year}"
    else:
        return None
    return finding(
        "value.personal_id_birth",
        vi=f"số định danh không khớp ngày sinh: {vi}",
        en=f"the personal number does not fit the birth: {en}",
        mend_vi="đối chiếu số và ngày sinh với thẻ căn cước",
        mend_en="compare number and birth with the card",
    )


def _sex(digits: str, sex: str) -> Finding | None:
    told = int(digits[3]) % 2
    if sex not in ("0", "1") or int(sex) == told:
        return None
    return finding(
        "value.personal_id_sex",
        vi=f"giới tính khác với số định danh: số ghi {_SEXES[told].vi}",
        en=f"the sex differs from the personal number, which says {_SEXES[told].en}",
        mend_vi="đối chiếu số và giới tính với thẻ căn cước",
        mend_en="compare number and sex with the card",
    )

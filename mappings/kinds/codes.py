"""
Codes of agencies, procedures, fields and dossiers, in every writing that was seen.

An agency has two writings: 000.00.15.H29 (QCVN 102:2016, read from the right) and H29.15 (Decision
20/2020/QĐ-TTg, from the left). Only zeros are dropped or added between them; where that is not
enough, nobody knows and a code list must say.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from mappings.kinds.rules import Finding, Reading, finding
from mappings.tables import load_column
from schemas.problem import Text

WRITINGS = ("decision20", "qcvn102")
MAX_AGENCY_CODE = 35
_OLD = re.compile(r"(?:(?:(\d{3})\.)?(\d{2})\.)?(\d{2})\.([A-Z]\d{2})", re.ASCII)
_NEW = re.compile(r"[A-Z]\d{2}(?:\.[0-9A-Z]{1,10})*", re.ASCII)
_PROCEDURE = re.compile(r"(\d\.\d{6})(?:\.[0-9A-Za-z.]*[A-Z]\d{2})?", re.ASCII)
_FIELD = re.compile(r"[A-Z]\d{2}-[A-Z]{2}\d{2}", re.ASCII)
_AGENCY = r"(?:\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}|(?:\d{2}\.){1,2}[A-Z]\d{2}|[A-Z]\d{2}(?:\.\d{1,3})*)"
_DOSSIER = re.compile(rf"({_AGENCY})-(\d{{6}}|\d{{8}})-(\d{{4,7}})", re.ASCII)
_WIDTHS = (2, 2, 3)
"""Digits of the groups of levels 2, 3 and 4 in the writing of QCVN 102."""


def read_agency_code(text: str, *, writing: str = "decision20") -> Reading:
    """Read an agency's code and write it as `writing` (one of `WRITINGS`) does."""
    code = text.replace(" ", "").upper()
    groups = _groups(code)
    if groups is None:
        return Reading(text, (_form_of_agency(text),))
    if writing == "decision20":
        return Reading(".".join(groups))
    body, *levels = groups
    if len(levels) > len(_WIDTHS) or any(
        len(level) != width or not level.isdigit()
        for level, width in zip(levels, _WIDTHS, strict=False)
    ):
        return Reading(text, (_no_old_writing(code),))
    padded = [*levels, *("0" * width for width in _WIDTHS[len(levels) :])]
    return Reading(".".join([*reversed(padded), body]))


def _groups(code: str) -> list[str] | None:
    """Return the groups from the highest level down, without the unused ones."""
    old = _OLD.fullmatch(code)
    if old is not None:
        level4, level3, level2, body = old.groups()
        levels = [level2, level3 or "00", level4 or "000"]
        while levels and not levels[-1].strip("0"):
            levels.pop()
        return [body, *levels]
    if len(code) <= MAX_AGENCY_CODE and _NEW.fullmatch(code):
        return code.split(".")
    return None


def read_procedure_code(text: str) -> Reading:
    """Read a procedure's code; a local ending such as .000.00.00.H29 goes."""
    found = _PROCEDURE.fullmatch(text.replace(" ", ""))
    if found is None:
        return Reading(
            text,
            (
                finding(
                    "value.procedure_code_form",
                    vi=f"cần mã TTHC dạng d.dddddd, nhận được {text[:60]!r}",
                    en=f"expected a procedure code d.dddddd, found {text[:60]!r}",
                    mend_vi="ghi mã thủ tục quốc gia, ví dụ 1.001612",
                    mend_en="write the national code of the procedure, for example 1.001612",
                    for_integrator=Text(
                        vi="mã nội bộ của đơn vị cần một danh mục mã (`codes`) sang mã quốc gia",
                        en="an agency's own code needs a code list (`codes`) to the national one",
                    ),
                ),
            ),
        )
    code = found[1]
    unknown = _unknown_procedure(code)
    return Reading(code, () if unknown is None else (unknown,))


@lru_cache(maxsize=1024)
def _unknown_procedure(code: str) -> Finding | None:
    if code in load_column("procedures", "title"):
        return None
    # No other code is suggested: a neighbour in the list is another procedure.
    return finding(
        "value.procedure_code_unknown",
        vi=f"danh mục TTHC đóng gói không có mã {code}",
        en=f"the packaged list of procedures does not have {code}",
        mend_vi="kiểm tra mã; danh mục đóng gói có thể chưa đủ",
        mend_en="check the code; the packaged list may not be complete",
    )


def read_field_code(text: str) -> Reading:
    """Read the code of a field of procedures, such as G03-GD10."""
    code = text.replace(" ", "").upper()
    if _FIELD.fullmatch(code):
        return Reading(code)
    return Reading(
        text,
        (
            finding(
                "value.field_code_form",
                vi=f"cần mã lĩnh vực như G03-GD10, nhận được {text[:60]!r}",
                en=f"expected a field code such as G03-GD10, found {text[:60]!r}",
                mend_vi="ghi mã lĩnh vực như trên Cổng",
                mend_en="write the code of the field as the portal has it",
                for_integrator=Text(
                    vi="dùng danh mục mã (`codes`) để đổi tên lĩnh vực sang mã",
                    en="turn names of fields into codes by a code list (`codes`)",
                ),
            ),
        ),
    )


def read_dossier_code(text: str) -> Reading:
    """Read a dossier's code in any form that was seen; its date must be one."""
    code = text.replace(" ", "")
    found = _DOSSIER.fullmatch(code)
    if found is None:
        return Reading(
            text,
            (
                finding(
                    "value.dossier_code_form",
                    vi=f"không phải mã hồ sơ của Cổng: {text[:60]!r}",
                    en=f"not a dossier code of the portal: {text[:60]!r}",
                    mend_vi="cần mã đơn vị-yymmdd-số thứ tự, ví dụ H29.15-250707-0001",
                    mend_en="expected agency-yymmdd-number, for example H29.15-250707-0001",
                    for_integrator=Text(
                        vi="số biên nhận nội bộ phải được đổi bằng `template` hoặc `text`",
                        en="an agency's own receipt number must be turned into one (`template`, "
                        "`text`)",
                    ),
                ),
            ),
        )
    if _is_day(found[2]):
        return Reading(code)
    return Reading(
        code,
        (
            finding(
                "value.dossier_code_date",
                vi=f"phần ngày {found[2]} trong mã hồ sơ không phải một ngày có thật",
                en=f"the date {found[2]} in the dossier code is no date that exists",
                mend_vi="đối chiếu với giấy tiếp nhận",
                mend_en="compare it with the receipt",
            ),
        ),
    )


def _is_day(digits: str) -> bool:
    year, rest = (f"20{digits[:2]}", digits[2:]) if len(digits) == 6 else (digits[:4], digits[4:])
    try:
        date(int(year), int(rest[:2]), int(rest[2:]))
    except ValueError:
        return False
    return True


def _form_of_agency(text: str) -> Finding:
    return finding(
        "value.agency_code_form",
        vi=f"không phải mã định danh cơ quan: {text[:60]!r}",
        en=f"not an agency code: {text[:60]!r}",
        mend_vi="cần 000.00.15.H29 (QCVN 102) hoặc H29.15 (Quyết định 20/2020)",
        mend_en="expected 000.00.15.H29 (QCVN 102) or H29.15 (Decision 20/2020)",
    )


def _no_old_writing(code: str) -> Finding:
    return finding(
        "value.agency_code_writing",
        vi=f"không suy được dạng QCVN 102 của {code}",
        en=f"the writing of QCVN 102 cannot be told from {code}",
        mend_vi="ghi mã ở dạng 000.00.15.H29, hoặc báo cho người phụ trách kết nối",
        mend_en="write the code as 000.00.15.H29, or tell whoever set up the connection",
        for_integrator=Text(
            vi="thêm một danh mục mã (`codes`) cho đơn vị này",
            en="add a code list (`codes`) for this agency",
        ),
    )

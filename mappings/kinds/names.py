"""
Names of people and organisations: what was destroyed on the way, and what can be no name.

Nothing is published about the form of names; these rules are our own, from files that were seen. An
error is only what nobody is called: letters that were lost. The rest is a warning.
"""

from __future__ import annotations

import re

from adapters.doctor.syllables import WORD, Spelling, spelling
from mappings.kinds.rules import Finding, Reading, finding

_LOST = re.compile("[^\\W\\d_][?\ufffd]|[?\ufffd][^\\W\\d_]|(?:^|(?<=\\s))[?\ufffd]+(?=\\s|$)")
"""At a letter, or a word of its own; "(?)" behind a name is a clerk's remark."""
_DIGIT = re.compile(r"\d")
_ORGANISATION = re.compile(
    "(?:công ty|cty|c\\.ty|doanh nghiệp|xí nghiệp|tập đoàn|tổng|hợp tác xã|hộ|liên danh|chi nhánh|"
    "văn phòng|trung tâm|trường|viện|bệnh viện|phòng|trạm|nhà|quầy|cửa hàng|cửa hiệu|tiệm|quán|"
    "tạp hóa|tạp hoá|cơ sở|xưởng|kho|khách sạn|chợ|siêu thị|chung cư|ngân hàng|quỹ|sở|cục|chi cục|"
    "ban|bộ|ủy ban|uỷ ban|hội|hiệp hội|liên đoàn|đoàn thanh niên|công đoàn|đảng|tổ|đội|khu|ấp|thôn|"
    "xã|phường|thị trấn|quận|huyện|chùa|đình|giáo xứ|mầm non|lớp|nhóm|dự án|báo|tòa|toà|công an|"
    "đồn|bến|trại|vườn|gara|karaoke|cà phê|đại lý)(?!\\w)"
)
"""What names of organisations begin with; their numbers belong to them (Trường Tiểu học 3)."""


def read_name(text: str) -> Reading:
    """Read a name; it gets single blanks, and is what it is in all else."""
    name = " ".join(text.split())
    found = _lost(name) or _without_letters(name) or _digits(name)
    return Reading(name, (found,) if found is not None else ())


def _lost(name: str) -> Finding | None:
    if not _LOST.search(name):
        return None
    return finding(
        "value.name_lost_letters",
        vi=f"tên {_shown(name)} bị mất chữ khi lưu tệp",
        en=f"letters of the name {_shown(name)} were lost when the file was saved",
        mend_vi="lấy lại tên từ nguồn và lưu tệp dạng UTF-8; dấu hỏi không đổi lại thành chữ được",
        mend_en="take the name from the source again and save the file in UTF-8; nothing turns the "
        "question marks back into letters",
    )


def _without_letters(name: str) -> Finding | None:
    if any(map(str.isalpha, name)):
        return None
    return finding(
        "value.name_no_letters",
        vi=f"tên {_shown(name)} không có chữ cái nào",
        en=f"the name {_shown(name)} has no letter at all",
        mend_vi="ghi họ tên hoặc tên tổ chức tại nguồn",
        mend_en="write the name of the person or organisation at the source",
    )


def _digits(name: str) -> Finding | None:
    if not _DIGIT.search(name) or not _is_person(name):
        return None
    return finding(
        "value.name_digits",
        vi=f"tên người {_shown(name)} có chữ số",
        en=f"the name of a person {_shown(name)} has digits in it",
        mend_vi="đối chiếu với giấy tờ; bỏ chữ số nếu gõ nhầm",
        mend_en="compare it with the papers; take the digits out if they were mistyped",
    )


def _is_person(name: str) -> bool:
    """Return whether all words are Vietnamese, and the first ones not those of an organisation."""
    if _ORGANISATION.match(name.casefold()):
        return False
    words = [word for word in name.split() if not _DIGIT.search(word)]
    letters = [part for word in words for part in WORD.findall(word)]
    return all(spelling(part) is Spelling.LEGAL or len(part) == 1 for part in letters)


def _shown(name: str) -> str:
    return repr(name) if len(name) <= 40 else f"{name[:40]!r}…"

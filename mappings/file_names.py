"""
Names of the files that an agency gets, made from values of a peer that may be hostile.

A value gives letters without marks, digits and `. _ -`; whatever else stands in it becomes `_`. So
no name leaves its folder, hides, is an option or a device, or differs between file systems.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from mappings.language import FileName, Path
from mappings.parts import read_template
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.mistakes import Section

MESSAGE = "{message}"
"""What stands in a name for the id of the message until it is known."""
MAX_VALUE = 64
MAX_NAME = 180
"""Characters, the id included: file systems take 255, and a hook or a folder may add to it."""
MAX_ID = 64
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_FIXED = re.compile(r"[A-Za-z0-9._ -]*", re.ASCII)
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10))}
)


def read_file_name(section: Section, *, service: str, suffix: str) -> FileName | None:
    """Return the name under `file_name`, by default that of the service and the message's id."""
    if "file_name" not in section:
        return FileName(parts=(f"{safe_part(service)}-", None, suffix), line=section.line)
    template = read_template(section, "file_name")
    if template is None:
        return None
    parts = tuple(
        None if isinstance(part, Path) and part == _ID else part for part in template.parts
    )
    wrong = [part for part in parts if isinstance(part, str) and not _FIXED.fullmatch(part)]
    count = sum(1 for part in parts if part is None)
    fixed = sum(len(part) for part in parts if isinstance(part, str))
    values = sum(isinstance(part, Path) for part in parts)
    if wrong or count != 1:
        section.complain("mapping.file_name_invalid", _INVALID, key="file_name")
        return None
    if fixed + values * MAX_VALUE + MAX_ID > MAX_NAME:
        section.complain("mapping.file_name_invalid", _TOO_LONG, key="file_name")
        return None
    return FileName(parts=parts, line=template.line)


def safe_part(value: str) -> str:
    """Return what of a value may stand in a file's name; never empty."""
    plain = unicodedata.normalize("NFKD", value.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return _UNSAFE.sub("_", letters)[:MAX_VALUE] or "_"


def make_name(parts: Sequence[str | None]) -> str:
    """Return the name of safe parts, with `MESSAGE` where the id will stand."""
    name = "".join(MESSAGE if part is None else part for part in parts)
    # Hidden files, options of programs, and what Windows drops at an end.
    name = name.strip(" .")
    while ".." in name:
        name = name.replace("..", "_")
    stem = name.partition(".")[0].strip().casefold()
    return f"_{name}" if name.startswith("-") or stem in _DEVICES else name


def fill_in(name: str, message_id: str) -> str:
    """Return a name with the id of its message."""
    return name.replace(MESSAGE, safe_part(message_id), 1)


_ID = Path(text="message", is_rooted=False)
_INVALID = Text(
    vi="tên tệp gồm chữ không dấu, chữ số, dấu cách và . _ -, các {đường dẫn}, và đúng một lần "
    "{message}",
    en="a file's name is made of letters a-z, digits, spaces and . _ -, of {paths}, and of "
    "{message} exactly once",
)
_TOO_LONG = Text(
    vi=f"tên tệp có thể dài quá {MAX_NAME} ký tự (mỗi giá trị tối đa {MAX_VALUE}): bỏ bớt",
    en=f"the file's name may be longer than {MAX_NAME} characters (each value up to {MAX_VALUE}): "
    "shorten it",
)

"""What writers write: columns, rows of texts, and what is said of a text that cannot be written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

from schemas.problem import Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row: TypeAlias = "Mapping[str, str | Sequence[Row]]"
"""Name of a column -> its text, or the rows below it; what is absent is empty."""

KINDS = ("text", "number", "boolean")
"""How a mapping may ask for a value to be written where the format tells them apart."""
DATE = "date"
"""A date cell of a workbook; its text is yyyyMMddHHmmss."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_MAX_DIGITS = 300
# What XML 1.0 cannot carry at all, escaped or not (XML 1.0, section 2.2).
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table, key of an object, or element."""

    name: str
    kind: str = "text"
    """One of `KINDS`, or `DATE`."""
    columns: tuple[Column, ...] = ()
    """Of the rows below it; empty for a single value."""


class Fault(NamedTuple):
    """Why a text cannot be written so that it reads back as the same."""

    code: str
    text: Text
    remedy: Remedy


class ValueRefused(ValueError):
    """A text was given to a writer that its `fault` refuses: whoever writes asks first."""


class Writer(Protocol):
    """Writes documents of one format, options and columns."""

    media_type: str
    suffix: str
    """Of file names, with its full stop."""
    encoding: str | None
    """None: the format has no choice of it."""
    is_single: bool
    """Whether a document has one row, no more and no less."""

    def fault(self, column: Column, text: str) -> Fault | None:
        """Return why `text`, which is not empty, cannot stand in `column`; None: it can."""

    def write(self, rows: Sequence[Row]) -> bytes:
        """
        Return the whole document; the same rows give the same bytes.

        Raises:
            ValueRefused: a text has a fault.
        """


@runtime_checkable
class JudgesRows(Protocol):
    """A writer of a format where values must also be right together."""

    def faults_of(self, rows: Sequence[Row]) -> Sequence[tuple[str, Fault]]:
        """Return why rows without faults of their texts cannot be written, each with a column."""


def kind_fault(column: Column, text: str) -> Fault | None:
    """Return why `text` is not a value of its column's kind."""
    if column.kind == "number" and (not _NUMBER.fullmatch(text) or len(text) > _MAX_DIGITS):
        vi, en = f"cần một số như 12 hoặc 12.5, có {_shown(text)}", "expected a number like 12 or "
        return Fault("target.not_a_number", Text(vi=vi, en=f"{en}12.5, found {_shown(text)}"), MEND)
    if column.kind == "boolean" and text not in ("true", "false"):
        vi, en = f"cần true hoặc false, có {_shown(text)}", "expected true or false, found "
        return Fault("target.not_a_boolean", Text(vi=vi, en=en + _shown(text)), MEND)
    return None


def control_fault(text: str) -> Fault | None:
    """Return why `text` holds a control character that no file of an agency should."""
    if text.isprintable():
        return None
    found = _CONTROL.search(text)
    if found is None:
        return None
    return Fault(
        "target.control_character",
        Text(
            vi=f"ký tự thứ {found.start() + 1} là ký tự điều khiển U+{ord(found[0]):04X}",
            en=f"character {found.start() + 1} is the control character U+{ord(found[0]):04X}",
        ),
        MEND,
    )


def xml_fault(text: str) -> Fault | None:
    """Return why XML cannot hold `text`."""
    bad = _NOT_IN_XML.search(text)
    if bad is None:
        return None
    vi = f"có ký tự U+{ord(bad[0]):04X} mà XML không chứa được"
    en = f"holds the character U+{ord(bad[0]):04X}, which XML cannot"
    return Fault("target.control_character", Text(vi=vi, en=en), MEND)


def check(writer: Writer, column: Column, text: str) -> None:
    """Raise ValueRefused for a text that cannot be written."""
    found = writer.fault(column, text) if text else None
    if found is not None:
        raise ValueRefused(f"{column.name}: {found.text.en}")


def text_of(row: Row, column: Column) -> str:
    """Return the text of a single value, "" for nothing."""
    value = row.get(column.name, "")
    if not isinstance(value, str):
        raise ValueRefused(f"{column.name}: expected a text, found rows")
    return value


def rows_of(row: Row, column: Column) -> Sequence[Row]:
    """Return the rows below a column."""
    value = row.get(column.name, ())
    if isinstance(value, str):
        raise ValueRefused(f"{column.name}: expected rows, found a text")
    return value


def name_faults(columns: Sequence[Column]) -> list[tuple[str, Text]]:
    """Return the names of a table's columns that would not read back as they are."""
    faults: list[tuple[str, Text]] = []
    seen: set[str] = set()
    for column in columns:
        name = column.name
        if name in seen:
            faults.append((name, Text(vi="tên cột bị lặp", en="the name is used twice")))
        if not name or name != " ".join(name.split()):
            vi, en = (
                "tên cột trống, hoặc có khoảng trắng thừa",
                "a name is empty or has extra space",
            )
            faults.append((name, Text(vi=vi, en=en)))
        seen.add(name)
    return faults


def flat_faults(columns: Sequence[Column]) -> list[tuple[str, Text]]:
    """Return what a table of one sheet cannot have among its columns."""
    faults = name_faults(columns)
    for column in columns:
        if column.columns:
            faults.append((column.name, _NO_ROWS))
        if column.kind == DATE:
            faults.append((column.name, NO_DATES))
    return faults


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 80 else f"{text[:80]!r}…"


_NO_ROWS = Text(
    vi="tệp này không chứa được danh sách: nối lại bằng `join`, hoặc dùng `each` của dịch vụ để "
    "mỗi phần tử là một dòng",
    en="this file cannot hold a list: join it by `join`, or use the service's `each` for a row of "
    "each entry",
)
NO_DATES = Text(
    vi="chỉ sổ tính mới có ô ngày: chọn một dạng ngày khác `workbook`",
    en="only workbooks have date cells: choose another form than `workbook`",
)
MEND = Remedy(
    Text(
        vi="sửa giá trị tại nguồn; nếu giá trị đúng, báo cho người phụ trách kết nối",
        en="mend the value at the source; if it is right, tell whoever set up the connection",
    ),
    Text(
        vi="nếu giá trị đúng, đổi nó bằng `text` hay `codes` của cột này",
        en="if it is right, change it by `text` or `codes` of this column",
    ),
)

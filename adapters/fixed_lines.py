"""
Lines with fields at fixed positions: which type a line is of, and what its fields hold.

Positions count characters, or bytes where the file was made by a program that counted those. In
bytes a field is decoded by itself, so that a letter cut in two by a boundary (a VNI letter and its
mark, half of a UTF-8 letter) shows up as a byte without a letter, at its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters import charsets
from adapters import text as texts
from adapters.lines import bounded_lines
from adapters.options import FixedType
from adapters.refusal import TOO_LARGE, problem
from schemas.problem import Remedy, Text

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping

    from adapters.options import FixedField, FixedOptions
    from schemas.problem import Place, Problem

_END_OF_FILE = "\x1a"
"""What DOS programs put at the end."""

_REMEDY_LENGTH = {
    "characters": Remedy(
        Text(vi="sửa việc xuất tệp", en="mend the export"),
        Text(
            vi="nếu dấu cách cuối dòng bị cắt, khai báo trimmed: true; nếu vị trí tính theo byte, "
            "khai báo unit: bytes",
            en="if spaces at the ends of lines were cut off, declare trimmed: true; if positions "
            "count bytes, declare unit: bytes",
        ),
    ),
    "bytes": Remedy(
        Text(vi="sửa việc xuất tệp", en="mend the export"),
        Text(
            vi="nếu dấu cách cuối dòng bị cắt, khai báo trimmed: true",
            en="if spaces at the ends of lines were cut off, declare trimmed: true",
        ),
    ),
}
_REMEDY_CUT = Remedy(
    Text(
        vi="sửa ở hệ thống nguồn: vị trí của trường có thể cắt đôi một chữ",
        en="mend it at the source: a boundary may cut a letter in two",
    ),
    Text(
        vi="hoặc kiểm tra encoding, unit và vị trí", en="or check encoding, unit and the positions"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line that is not blank."""

    number: int
    """Physical line, 1-based."""
    text: str
    """Without its line end."""
    is_whole: bool
    """False: it is longer than a record may be, and `text` is its beginning."""


def read_lines(stream: io.TextIOWrapper, *, limit: int) -> Iterator[tuple[Line, str]]:
    """Yield every line that is not blank, and what was read for it, its line end included."""
    for number, raw in enumerate(bounded_lines(stream, limit=limit), 1):
        text = raw.rstrip("\r\n")
        if text.strip(f" \t{_END_OF_FILE}"):
            yield Line(number=number, text=text, is_whole=len(raw) <= limit), raw


class Cutter:
    """Cuts lines of one source into their fields."""

    def __init__(self, options: FixedOptions) -> None:
        self.types = dict(options.types) or {"": FixedType(fields=options.fields)}
        self._type_at = options.type_at
        self._options = options
        self._codec = options.encoding if options.unit == "bytes" else None
        self._labels = {
            key: {name: _label(name, one) for name, one in kind.fields.items()}
            for key, kind in self.types.items()
        }

    def type_of(self, line: Line) -> str | None:
        """Return the type of a line; None: it is none of those declared."""
        if self._type_at is None:
            return ""
        first, last = self._type_at
        found = line.text[first - 1 : last].strip()
        return found if found in self.types else None

    def labels(self, key: str) -> Mapping[str, str]:
        """Return field name -> what the agency finds it by, for example "3-14 (SoHoSo)"."""
        return self._labels[key]

    def cut(self, line: Line, key: str, *, place: Place) -> tuple[dict[str, str], list[Problem]]:
        """Return the values of a line of type `key`, and what is wrong with it."""
        kind = self.types[key]
        text, problems = line.text, []
        if not line.is_whole:
            return {}, [self._too_large(place)]
        found = self._check_length(text, kind)
        if found is not None:
            code, sentence = found
            remedy = _REMEDY_LENGTH[self._options.unit]
            return {}, [problem(code, sentence, place=place, remedy=remedy)]
        values = {}
        for name, one in kind.fields.items():
            value = self.value(text, one)
            if not texts.is_clean(value):
                fault = texts.fault(value)
                if fault is not None:
                    where = place.at(column=self._labels[key][name])
                    cuts = self._codec is not None and fault[0] == "undecodable"
                    remedy = _REMEDY_CUT if cuts else texts.REMEDIES[fault[0]]
                    problems.append(
                        problem(f"fixed.{fault[0]}", fault[1], place=where, remedy=remedy)
                    )
                value = texts.nfc(value)
            values[name] = value
        return values, problems

    def value(self, text: str, one: FixedField) -> str:
        """Return what one field of a line holds, without its fill."""
        first, last = one.at
        value = text[first - 1 : last]
        if self._codec is not None and not value.isascii():
            value = value.encode("latin-1").decode(self._codec, charsets.UNDECODABLE)
        if one.fill == " ":
            return value.strip(" ")
        if one.align == "left":
            return value.rstrip(one.fill).strip(" ")
        # A number of nothing but fill is a zero, not an empty field.
        return (value.lstrip(one.fill) or value[-1:]).strip(" ")

    def _check_length(self, text: str, kind: FixedType) -> tuple[str, Text] | None:
        declared = kind.length or self._options.length
        wanted = declared or max(one.at[1] for one in kind.fields.values())
        found, unit = len(text), self._options.unit
        if found < wanted and not self._options.trimmed:
            vi = f"dòng có {found}, cần {wanted} ({_UNITS[unit].vi}): bị cắt cụt"
            en = f"the line has {found} {_UNITS[unit].en}, expected {wanted}: it is cut short"
            return "fixed.short", Text(vi=vi, en=en)
        if declared and found > wanted and text[wanted:].strip(f" {_END_OF_FILE}"):
            vi = f"dòng có {found}, cần {wanted} ({_UNITS[unit].vi}): thừa"
            en = f"the line has {found} {_UNITS[unit].en}, expected {wanted}: it is too long"
            return "fixed.long", Text(vi=vi, en=en)
        return None

    def _too_large(self, place: Place) -> Problem:
        limit = self._options.max_record_bytes
        vi, en = f"dòng dài hơn giới hạn {limit}", f"line longer than the limit of {limit}"
        return problem("fixed.too_large", Text(vi=vi, en=en), place=place, remedy=TOO_LARGE)


_UNITS = {
    "characters": Text(vi="ký tự", en="characters"),
    "bytes": Text(vi="byte", en="bytes"),
}


def _label(name: str, one: FixedField) -> str:
    first, last = one.at
    return f"{first} ({name})" if first == last else f"{first}-{last} ({name})"

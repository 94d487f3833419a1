"""Rows -> lines with fields at fixed positions: the reverse of `adapters.fixed`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.fixed_lines import Cutter
from adapters.options import FixedField, FixedOptions
from adapters.options.faults import OptionsWrong
from adapters.writers.cells import (
    MEND,
    Fault,
    check,
    control_fault,
    flat_faults,
    kind_fault,
    text_of,
)
from adapters.writers.encoding import Encoder
from adapters.writers.targets import NEWLINES
from schemas.problem import Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.writers.cells import Column, Row
    from adapters.writers.targets import FixedTarget


def make(target: FixedTarget, columns: Sequence[Column]) -> FixedWriter:
    """Return the writer; see `adapters.writers.make_writer`."""
    return FixedWriter(target, columns)


class FixedWriter:
    """Writes lines; what stands between fields is spaces."""

    media_type = "text/plain"
    suffix = ".txt"
    is_single = False

    def __init__(self, target: FixedTarget, columns: Sequence[Column]) -> None:
        self.encoding: str | None = target.encoding
        self._columns = tuple(columns)
        self._fields = target.fields
        self._encoder = Encoder(target.encoding, fold_capitals=target.fold_capitals)
        # Its reader counts marks apart from their letters: each of both is a byte.
        unit = "bytes" if target.encoding == "windows-1258" else target.unit
        self._counts_bytes = unit == "bytes"
        self._length = target.length or max(one.at[1] for one in target.fields.values())
        self._newline = NEWLINES[target.newline]
        self._cutter = Cutter(
            FixedOptions(encoding=target.encoding, unit=unit, fields=target.fields)
        )
        faults = [*flat_faults(self._columns), *self._position_faults()]
        if faults:
            raise OptionsWrong(tuple(faults))

    def fault(self, column: Column, text: str) -> Fault | None:
        """Return why `text` cannot stand in its field."""
        found = kind_fault(column, text) or control_fault(text) or self._encoder.fault(text)
        if found is not None:
            return found
        if not text.isprintable() and any(sign in text for sign in "\t\r\n"):
            vi, en = "có dấu xuống dòng hoặc tab", "holds a line break or a tab"
            return Fault("target.line_break", Text(vi=vi, en=en), _REMEDY)
        one = self._fields[column.name]
        size, length = one.at[1] - one.at[0] + 1, self._size(text)
        if length > size:
            unit_vi, unit_en = ("byte", "bytes") if self._counts_bytes else ("ký tự", "characters")
            vi = f"dài {length} {unit_vi}, trường có {size}"
            en = f"{length} {unit_en} long, the field has {size}"
            return Fault("target.too_long", Text(vi=vi, en=en), _REMEDY)
        if self._cutter.value(" " * (one.at[0] - 1) + self._unit_text(text, one), one) != (
            self._encoder.folded(text)
        ):
            vi = f"bắt đầu hoặc kết thúc bằng ký tự điền {one.fill!r}: đọc lại sẽ mất"
            en = f"begins or ends with the fill {one.fill!r}, which would be lost when it is read"
            return Fault("target.fill_in_value", Text(vi=vi, en=en), _REMEDY)
        return None

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the lines; see `Writer.write`."""
        lines = [self._line(row) for row in rows]
        if self._counts_bytes:
            newline = self._newline.encode()
            return self._encoder.mark + b"".join(line.encode("latin-1") + newline for line in lines)
        return self._encoder.encode_document("".join(line + self._newline for line in lines))

    def _line(self, row: Row) -> str:
        line = [" "] * self._length
        for column in self._columns:
            text = text_of(row, column)
            check(self, column, text)
            one = self._fields[column.name]
            # Nothing is spaces: a field of zeros would be a zero.
            if text:
                line[one.at[0] - 1 : one.at[1]] = self._unit_text(text, one)
        return "".join(line)

    def _unit_text(self, text: str, one: FixedField) -> str:
        """Return a field as long as it is; where bytes count, a character for each byte."""
        units = self._encoder.encode(text).decode("latin-1") if self._counts_bytes else text
        size = one.at[1] - one.at[0] + 1
        return units.ljust(size, one.fill) if one.align == "left" else units.rjust(size, one.fill)

    def _size(self, text: str) -> int:
        return len(self._encoder.encode(text)) if self._counts_bytes else len(text)

    def _position_faults(self) -> list[tuple[str, Text]]:
        faults: list[tuple[str, Text]] = []
        names = {column.name for column in self._columns}
        for name in names - set(self._fields):
            vi, en = "target.fields không có vị trí của cột này", "target.fields has no such field"
            faults.append((name, Text(vi=vi, en=en)))
        for name in set(self._fields) - names:
            vi, en = "trường trong target.fields không có cột nào", "a field without a column"
            faults.append((name, Text(vi=vi, en=en)))
        for name, one in self._fields.items():
            if not one.fill.isascii():
                vi, en = "fill phải là ký tự ASCII", "fill must be an ASCII character"
                faults.append((name, Text(vi=vi, en=en)))
        last, before = 0, ""
        for name, one in sorted(self._fields.items(), key=lambda item: item[1].at):
            if one.at[0] <= last:
                vi, en = f"đè lên vị trí của {before!r}", f"lies on the positions of {before!r}"
                faults.append((name, Text(vi=vi, en=en)))
            last, before = one.at[1], name
        if last > self._length:
            vi, en = f"vượt quá length {self._length}", f"goes beyond length {self._length}"
            faults.append((before, Text(vi=vi, en=en)))
        return sorted(faults)


_REMEDY = Remedy(
    MEND.agency,
    Text(
        vi="đổi nó bằng `text` của cột này; nếu phần mềm của đơn vị cho phép, sửa target.fields",
        en="change it by `text` of this column, or mend target.fields if the agency's program can",
    ),
)

"""
What the header and the trailer of a file say about all of it, checked before any record goes out.

A count, a sum or a digest that disagrees means that lines were lost, doubled or changed; nobody
knows which. So the file is read once for this alone, and refused as a whole with the difference.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from decimal import Context, Decimal
from typing import TYPE_CHECKING

from adapters.fixed_lines import read_lines
from adapters.refusal import refuse
from schemas.problem import Place, Text

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from adapters.fixed_lines import Cutter, Line
    from adapters.options import FixedCheck, FixedOptions
    from schemas.errors import InputError

_REMEDY = Text(
    vi="tệp bị thiếu, thừa hoặc sai dòng: kiểm tra việc xuất và truyền tệp, rồi gửi lại cả tệp",
    en="lines are missing, added or wrong: check the export and transfer, then send the whole file",
)
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?", re.ASCII)
_MAX_DIGITS = 40
"""Of a number that is added up; no total of a dossier needs more."""
_EXACT = Context(prec=200)
"""The usual 28 digits would round a sum, and let pass what was lost in them."""


def needs_control(options: FixedOptions) -> bool:
    """Return whether the file says something about itself that must be checked first."""
    return any(kind.role in ("header", "trailer") for kind in options.types.values())


def check_control(
    stream: io.TextIOWrapper, *, cutter: Cutter, file: Place, options: FixedOptions
) -> None:
    """
    Read the whole file and return if it is as its header and trailer say.

    Raises:
        InputError: It is not; every difference is named.
    """
    totals = _Totals(cutter, file=file)
    for line, raw in read_lines(stream, limit=options.max_record_bytes):
        totals.add(line, raw)
    totals.check()


class _Totals:
    """What is counted and added up while the lines go by."""

    def __init__(self, cutter: Cutter, *, file: Place) -> None:
        self._cutter = cutter
        self._file = file
        self._role = {key: kind.role for key, kind in cutter.types.items()}
        asked = [check for kind in cutter.types.values() for check in kind.checks]
        self._counts = dict.fromkeys(cutter.types, 0)
        self._sums = {check.sum: Decimal(0) for check in asked if check.sum}
        self._summed = {
            key: [name for name in self._sums if name.partition(".")[0] == key]
            for key in cutter.types
        }
        self._digests = {check.digest: _Digest(check.digest) for check in asked if check.digest}
        self._ends: dict[str, tuple[Line, dict[str, str]]] = {}
        """The header and trailer by their types: line, and digests of what stood before it."""
        self._trailer: Line | None = None
        self._lines = 0

    def add(self, line: Line, raw: str) -> None:
        self._lines += 1
        if self._trailer is not None:
            vi = f"còn dòng sau dòng cuối tệp (dòng {self._trailer.number})"
            en = f"a line stands after the trailer (line {self._trailer.number})"
            raise self._refuse("fixed.after_trailer", Text(vi=vi, en=en), line)
        key = self._cutter.type_of(line)
        if key is not None:
            role = self._role[key]
            if role == "header" and self._lines > 1:
                vi, en = "dòng đầu tệp không ở đầu tệp", "the header is not the first line"
                raise self._refuse("fixed.header_misplaced", Text(vi=vi, en=en), line)
            if role in ("header", "trailer"):
                digests = {name: digest.shown() for name, digest in self._digests.items()}
                self._ends[key] = line, digests
                self._trailer = line if role == "trailer" else None
            self._counts[key] += 1
            for name in self._summed[key]:
                number = self._number(line, key, name.partition(".")[2])
                self._sums[name] = _EXACT.add(self._sums[name], number)
        for digest in self._digests.values():
            digest.add(raw.encode("latin-1"))

    def check(self) -> None:
        for key, role in self._role.items():
            if role in ("header", "trailer") and key not in self._ends:
                what = Text(vi="dòng đầu tệp", en="header")
                if role == "trailer":
                    what = Text(vi="dòng cuối tệp", en="trailer")
                vi = f"không có {what.vi} (loại '{key}'): tệp bị cắt cụt?"
                en = f"there is no {what.en} (type '{key}'): is the file cut short?"
                code = f"fixed.{role}_missing"
                raise refuse(code, Text(vi=vi, en=en), place=self._file, remedy=_REMEDY)
        for key, (line, digests) in self._ends.items():
            found = list(self._differences(key, line, digests))
            if found:
                vi, en = "; ".join(t.vi for t in found), "; ".join(t.en for t in found)
                raise self._refuse("fixed.control_wrong", Text(vi=vi, en=en), line)

    def _differences(self, key: str, line: Line, digests: dict[str, str]) -> Iterator[Text]:
        for check in self._cutter.types[key].checks:
            said = self._said(line, key, check)
            label = self._cutter.labels(key)[check.field]
            if check.digest:
                if said.lower().removeprefix("0x").zfill(8) != digests[check.digest].zfill(8):
                    vi = f"{label} ghi {said!r}, {check.digest} của tệp là {digests[check.digest]}"
                    en = f"{label} says {said!r}, the file's {check.digest} is "
                    yield Text(vi=vi, en=en + digests[check.digest])
                continue
            told = self._number(line, key, check.field)
            found = self._sums[check.sum] if check.sum else self._count(check)
            if told != found:
                what = check.sum or ", ".join(check.count)
                difference = f"{_EXACT.subtract(found, told):+}"
                yield Text(
                    vi=f"{label} ghi {told}, tệp có {found} ({what}): chênh lệch {difference}",
                    en=f"{label} says {told}, the file has {found} ({what}): off by {difference}",
                )

    def _count(self, check: FixedCheck) -> Decimal:
        return Decimal(sum(self._counts[name] for name in check.count))

    def _said(self, line: Line, key: str, check: FixedCheck) -> str:
        return self._cutter.value(line.text, self._cutter.types[key].fields[check.field])

    def _number(self, line: Line, key: str, name: str) -> Decimal:
        said = self._cutter.value(line.text, self._cutter.types[key].fields[name])
        if not said and self._role[key] not in ("header", "trailer"):
            return Decimal(0)
        number = _read_number(said)
        if number is None:
            label = self._cutter.labels(key)[name]
            vi = f"không cộng được: cần một số, tìm thấy {said[:_MAX_DIGITS]!r}"
            en = f"cannot be added up: expected a number, found {said[:_MAX_DIGITS]!r}"
            raise self._refuse("fixed.number_invalid", Text(vi=vi, en=en), line, column=label)
        return number

    def _refuse(
        self, code: str, text: Text, line: Line, *, column: str | None = None
    ) -> InputError:
        place = Place(file=self._file.file, row=line.number, line=line.number, column=column)
        return refuse(code, text, place=place, remedy=_REMEDY)


def _read_number(said: str) -> Decimal | None:
    found = _NUMBER.fullmatch(said)
    if found is None or len(said) > _MAX_DIGITS:
        return None
    return Decimal(said.replace(",", "."))


class _Digest:
    """A digest of the bytes that went by."""

    def __init__(self, name: str) -> None:
        self._crc: int | None = 0 if name == "crc32" else None
        self._hash = None if name == "crc32" else hashlib.new(name, usedforsecurity=False)

    def add(self, data: bytes) -> None:
        if self._crc is not None:
            self._crc = zlib.crc32(data, self._crc)
        if self._hash is not None:
            self._hash.update(data)

    def shown(self) -> str:
        return f"{self._crc:08x}" if self._hash is None else self._hash.hexdigest()

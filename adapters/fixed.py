"""
Fixed width: lines whose fields stand at fixed positions, one record per line.

Where lines have types, those of detail lines become lists in the record above them, and the
header's values are in every record. What header and trailer say about the file is checked first
(see fixed_control), so such a file is read twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, cast

from adapters.fixed_control import check_control, needs_control
from adapters.fixed_lines import Cutter, read_lines
from adapters.record import Part, SourceRecord, UnreadableRecord
from adapters.refusal import AGREED, MAX_PROBLEMS, TOO_LARGE, problem, refuse
from adapters.source import open_text, with_places
from schemas.errors import InputError
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from adapters.fixed_lines import Line
    from adapters.options import FixedOptions
    from adapters.record import Value
    from schemas.problem import Problem

_HOPELESS = 100
"""Unreadable records at the start, with no good one, after which the positions must be wrong."""

_LINE_OVERHEAD = 200
"""What a detail line costs in memory beside its text; many short ones count for what they take."""

_REMEDY_TYPE = Remedy(
    Text(
        vi="sửa dòng này ở hệ thống nguồn; nếu là loại dòng mới, báo cho người phụ trách kết nối",
        en="mend the line at its source; if its type is new, tell whoever set up the connection",
    ),
    Text(
        vi="loại dòng mới phải được khai báo trong types",
        en="a new type of line must be declared in types",
    ),
)


def read(
    source: BinaryIO, *, file_name: str, options: FixedOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    cutter = Cutter(options)
    if not needs_control(options):
        yield from _read(source, cutter=cutter, file=file, options=options)
        return
    with with_places(source) as whole:
        with _open(whole, file=file, options=options) as stream:
            check_control(stream, cutter=cutter, file=file, options=options)
        whole.seek(0)
        yield from _read(whole, cutter=cutter, file=file, options=options)


def _open(source: BinaryIO, *, file: Place, options: FixedOptions) -> io.TextIOWrapper:
    as_bytes = options.unit == "bytes"
    return open_text(source, encoding=options.encoding, place=file, as_bytes=as_bytes)


def _read(
    source: BinaryIO, *, cutter: Cutter, file: Place, options: FixedOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    with _open(source, file=file, options=options) as stream:
        grouping = _Grouping(cutter, file=file, options=options)
        some_good = False
        for line, _ in read_lines(stream, limit=options.max_record_bytes):
            for record in grouping.add(line):
                yield record
                some_good = some_good or isinstance(record, SourceRecord)
                if not some_good and record.number == _HOPELESS:
                    raise _hopeless(record.number, file)
        yield from grouping.finish()


class _Grouping:
    """Puts the lines of one record together."""

    def __init__(self, cutter: Cutter, *, file: Place, options: FixedOptions) -> None:
        self._cutter = cutter
        self._file = file
        self._options = options
        details = [(key, one) for key, one in cutter.types.items() if one.role == "detail"]
        self._children = {
            key: [(child, one.name or child) for child, one in details if one.parent == key]
            for key in cutter.types
        }
        self._head: dict[str, Value] = {}
        self._head_parts: dict[str, Part] = {}
        self._number = 0
        self._record: _Open | None = None

    def add(self, line: Line) -> Iterator[SourceRecord | UnreadableRecord]:
        """Take one line; yield what is complete now."""
        key = self._cutter.type_of(line)
        place = Place(file=self._file.file, row=line.number, line=line.number)
        role = None if key is None else self._cutter.types[key].role
        if key is None or role == "detail":
            yield from self._add_inside(line, key, place)
        elif role == "record":
            yield from self.finish()
            values, problems = self._cutter.cut(line, key, place=place)
            self._record = _Open(key, self._with_lists(key, values), place, problems)
            self._record.room = self._options.max_record_bytes - len(line.text)
        elif role == "header":
            self._take_header(line, key, place)

    def finish(self) -> Iterator[SourceRecord | UnreadableRecord]:
        """Yield the record that is still open."""
        record, self._record = self._record, None
        if record is None:
            return
        self._number += 1
        if record.problems:
            yield UnreadableRecord(number=self._number, problems=tuple(record.problems))
            return
        yield SourceRecord(
            number=self._number,
            values={**record.values, **self._head},
            place=record.place,
            columns=self._cutter.labels(record.key),
            parts={**record.parts, **self._head_parts},
        )

    def _with_lists(self, key: str, values: dict[str, str]) -> dict[str, Value]:
        lists: dict[str, Value] = {name: [] for _, name in self._children[key]}
        return {**values, **lists}

    def _add_inside(
        self, line: Line, key: str | None, place: Place
    ) -> Iterator[SourceRecord | UnreadableRecord]:
        """Put a line into the record above it; without one it stands for a bad record."""
        found = self._misplaced(line, key, place)
        if found is None and key is not None:
            self._attach(line, key, place)
        elif found is not None and self._record is not None:
            # What the line was nobody knows: the record may miss it.
            self._record.add_problems([found])
        elif found is not None:
            self._number += 1
            yield UnreadableRecord(number=self._number, problems=(found,))

    def _misplaced(self, line: Line, key: str | None, place: Place) -> Problem | None:
        if key is None:
            first, last = self._options.type_at or (1, 1)
            shown = line.text[first - 1 : last].encode("ascii", "replace").decode()
            known = ", ".join(f"'{one}'" for one in self._cutter.types)
            vi = f"không có loại dòng '{shown[:20]}'; các loại: {known}"
            en = f"there is no type of line '{shown[:20]}'; types: {known}"
            return problem(
                "fixed.type_unknown", Text(vi=vi, en=en), place=place, remedy=_REMEDY_TYPE
            )
        parent = self._cutter.types[key].parent
        if self._record is not None and parent in self._record.open:
            return None
        vi = f"dòng loại '{key}' không có dòng '{parent}' ở trên"
        en = f"a line of type '{key}' without a line '{parent}' above it"
        return problem("fixed.orphan", Text(vi=vi, en=en), place=place, remedy=_REMEDY_TYPE)

    def _attach(self, line: Line, key: str, place: Place) -> None:
        record, kind = self._record, self._cutter.types[key]
        assert record is not None
        record.room -= len(line.text) + _LINE_OVERHEAD
        if record.room < 0:
            record.let_go(self._too_large(record.place))
            return
        values, problems = self._cutter.cut(line, key, place=place)
        record.add_problems(problems)
        above, path = record.open[kind.parent]
        name = kind.name or key
        items = cast("list[Value]", above[name])
        below = self._with_lists(key, values)
        base = f"{path}{name}[{len(items)}]"
        items.append(below)
        record.parts[base] = Part(place=place, columns=self._cutter.labels(key))
        self._close_below(key)
        record.open[key] = below, f"{base}."

    def _close_below(self, key: str) -> None:
        assert self._record is not None
        for child, _ in self._children[key]:
            if self._record.open.pop(child, None) is not None:
                self._close_below(child)

    def _too_large(self, place: Place) -> Problem:
        limit = self._options.max_record_bytes
        vi = f"bản ghi cùng các dòng chi tiết dài hơn giới hạn {limit}"
        en = f"the record with its detail lines is longer than {limit}"
        return problem("fixed.too_large", Text(vi=vi, en=en), place=place, remedy=TOO_LARGE)

    def _take_header(self, line: Line, key: str, place: Place) -> None:
        values, problems = self._cutter.cut(line, key, place=place)
        if problems:
            first = problems[0]
            raise InputError(first)
        name = self._cutter.types[key].name
        if name:
            self._head = {name: cast("Value", values)}
            self._head_parts = {name: Part(place=place, columns=self._cutter.labels(key))}


class _Open:
    """A record whose details may still come."""

    def __init__(
        self, key: str, values: dict[str, Value], place: Place, problems: list[Problem]
    ) -> None:
        self.key = key
        self.values = values
        self.place = place
        self.problems = problems
        self.parts: dict[str, Part] = {}
        self.open: dict[str, tuple[dict[str, Value], str]] = {key: (values, "")}
        """Type -> the last line of it, and the path of what is inside."""
        self.room = 0
        self._is_too_large = False

    def add_problems(self, found: list[Problem]) -> None:
        """Add what is wrong with its lines."""
        self.problems += found[: max(MAX_PROBLEMS - len(self.problems), 0)]

    def let_go(self, found: Problem) -> None:
        """Keep nothing of a record that is too large but that it is."""
        if self._is_too_large:
            return
        self._is_too_large = True
        self.problems.append(found)
        for values, _ in self.open.values():
            values.clear()
        self.parts.clear()


def _hopeless(number: int, file: Place) -> InputError:
    vi = f"không dòng nào trong {number} bản ghi đầu đọc được"
    en = f"none of the first {number} records can be read"
    remedy = Remedy(
        AGREED,
        Text(
            vi="kiểm tra vị trí các trường, type_at, unit, encoding và format",
            en="check the positions of the fields, type_at, unit, encoding and format",
        ),
    )
    return refuse("fixed.none_readable", Text(vi=vi, en=en), place=file, remedy=remedy)

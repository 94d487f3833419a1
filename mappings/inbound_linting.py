"""
What is wrong or suspicious in `inbound`, as far as it can be seen without a message.

What would spoil every message is an error; what some messages would be stopped by is a warning.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from adapters.writers import Column, make_writer
from mappings.inbound_reading import written_columns
from mappings.language import DOSSIER, Words
from mappings.mistakes import closest, listed
from mappings.source_paths import without_indices
from mappings.words import words_of
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from adapters.writers import Writer
    from mappings.language import FieldRule, InboundColumn, InboundService, MappingFile, Path
    from mappings.mistakes import Mistakes
    from mappings.tables import Span
    from schemas.model import Field, Group

    Placed = tuple[FieldRule, Path, int]


def lint_inbound(file: MappingFile, mistakes: Mistakes) -> None:
    """Write down what is wrong with the services of `file`."""
    for service in file.inbound:
        _Linter(file, service, mistakes).lint()


def words_in(file: MappingFile) -> Iterator[Words]:
    """Yield what looks code lists up backwards."""
    for service in file.inbound:
        for column in _every(service.columns):
            yield from _words(column)


class _Linter:
    def __init__(self, file: MappingFile, service: InboundService, mistakes: Mistakes) -> None:
        self._file = file
        self._service = service
        self._mistakes = mistakes
        self._key = f"inbound.{service.service}"
        packet = file.schema.packets.get(service.service)
        # Only where a record is what the schema describes.
        records = getattr(service.source, "records", None)
        element = "" if packet is None else file.schema.element_of(service.service)
        is_whole = records in ("", "data") or str(records).endswith(f":{element}")
        self._group: Group | None = packet if is_whole else None

    def lint(self) -> None:
        service = self._service
        if service.dossier_code is None:
            self._add("mapping.inbound_unidentified", _UNIDENTIFIED, service.line, is_warning=True)
        self._check_required()
        group = self._group
        if group is not None:
            for rule in (service.dossier_code, service.procedure, service.status, service.deadline):
                self._check_paths(() if rule is None else _paths(rule), group, group, service.line)
        inner = group if service.each is None else self._inside(service.each, group, service.line)
        writer = make_writer(service.target, written_columns(service.columns))
        self._check_columns(service.columns, inner, writer)

    def _check_columns(
        self, columns: Sequence[InboundColumn], group: Group | None, writer: Writer
    ) -> None:
        for column in columns:
            inner = group
            if column.each is not None:
                inner = self._inside(column.each, group, column.line)
            if column.rule is not None:
                if inner is not None and self._group is not None:
                    self._check_paths(_paths(column.rule), inner, self._group, column.line)
                self._check_words(column, inner)
                self._check_written(column, writer)
            self._check_columns(column.columns, inner, writer)

    def _inside(self, each: Path, group: Group | None, line: int) -> Group | None:
        if group is None or self._group is None:
            return None
        field = self._find(each, group, self._group, line)
        return field.group if field is not None else None

    def _check_paths(self, paths: Sequence[Path], group: Group, root: Group, line: int) -> None:
        for path in paths:
            self._find(path, group, root, line)

    def _find(self, path: Path, group: Group, root: Group, line: int) -> Field | None:
        level: Group | None = root if path.is_rooted else group
        field: Field | None = None
        for step in without_indices(path.text).split("."):
            if level is None or step[:1] in "@#" or path.text == "value":
                return None
            field = level.fields.get(step)
            if field is None:
                text = Text(
                    vi=f"Cổng không có trường {step!r} trong {level.name}",
                    en=f"the portal has no field {step!r} in {level.name}",
                )
                self._add("mapping.field_unknown", text, line, closest(step, level.fields))
                return None
            level = field.group
        return field

    def _check_words(self, column: InboundColumn, group: Group | None) -> None:
        for way in column.rule.ways if column.rule is not None else ():
            if not isinstance(way.write, Words):
                continue
            spans, prefer = words_of(way.write.codes), way.write.prefer
            several = [
                code for code, found in spans.items() if code not in prefer and _overlap(found)
            ]
            if several:
                self._add(
                    "mapping.codes_ambiguous",
                    Text(
                        vi=f"cột {column.to!r}: nhiều từ cho các mã {listed(several)}; thông điệp "
                        "có mã đó bị chặn",
                        en=f"column {column.to!r}: several words for the codes {listed(several)}; "
                        "messages with these are stopped",
                    ),
                    column.line,
                    Text(
                        vi=f"chọn bằng `prefer`, ví dụ {_example(spans, several[0])}",
                        en=f"choose by `prefer`, for example {_example(spans, several[0])}",
                    ),
                    is_warning=True,
                )
            if group is not None and self._group is not None and way.sources and not way.text:
                self._check_unmapped(column, way.sources[0], group, {*spans, *prefer})

    def _check_unmapped(
        self, column: InboundColumn, path: Path, group: Group, known: set[str]
    ) -> None:
        root = self._group
        field = None if root is None else self._quietly(path, root if path.is_rooted else group)
        missing = [code for code in (field.codes if field is not None else ()) if code not in known]
        if missing:
            text = Text(
                vi=f"cột {column.to!r}: không có từ cho các mã {listed(missing)} của Cổng; thông "
                "điệp có mã đó bị chặn",
                en=f"column {column.to!r}: no word for the portal's codes {listed(missing)}; "
                "messages with these are stopped",
            )
            mend = Text(
                vi="thêm vào danh mục mã hoặc `prefer`, nếu đơn vị có từ cho chúng",
                en="add them to the code list or to `prefer`, if the agency has words for them",
            )
            self._add("mapping.codes_unmapped", text, column.line, mend, is_warning=True)

    def _quietly(self, path: Path, group: Group) -> Field | None:
        return group.fields.get(path.text)

    def _check_written(self, column: InboundColumn, writer: Writer) -> None:
        """Look for what the mapping itself says and the file cannot hold."""
        if column.rule is None:
            return
        for way in (*column.rule.first, column.rule):
            said = [way.default or ""]
            if way.constant is not None and not way.text and way.write is None:
                said.append(way.constant)
            if isinstance(way.write, Words):
                said += _said(way.write)
            for text in dict.fromkeys(filter(None, said)):
                found = writer.fault(_cell(column), text)
                limit = column.max_length
                if found is not None:
                    why, mend = found.text, found.remedy.integrator
                elif limit is not None and len(text) > limit:
                    why = Text(vi=f"dài quá {limit} ký tự", en=f"longer than {limit} characters")
                    mend = None
                else:
                    continue
                told = Text(
                    vi=f"cột {column.to!r}, {text!r}: {why.vi}",
                    en=f"column {column.to!r}, {text!r}: {why.en}",
                )
                self._add("mapping.written_refused", told, way.line, mend)

    def _check_required(self) -> None:
        """Compare with the columns that the agency's own files of this format always have."""
        is_dossier = self._service.service == DOSSIER
        if not is_dossier or _format_of(self._file.source) != _format_of(self._service.target):
            return
        required: tuple[str, ...] = getattr(self._file.source, "required", ())
        written = {column.to for column in self._service.columns}
        missing = [name for name in required if name not in written]
        if missing:
            text = Text(
                vi=f"không viết cột {listed(missing)}, mà tệp của chính đơn vị luôn có "
                "(`source.required`)",
                en=f"the columns {listed(missing)} are not written, which the agency's own files "
                "always have (`source.required`)",
            )
            mend = Text(
                vi="thêm cột, nếu phần mềm của đơn vị cũng cần nó khi nhận",
                en="add the column if the agency's program needs it of what it gets, too",
            )
            self._add(
                "mapping.inbound_column_missing", text, self._service.line, mend, is_warning=True
            )

    def _add(
        self,
        code: str,
        text: Text,
        line: int,
        suggestion: Text | None = None,
        *,
        is_warning: bool = False,
    ) -> None:
        self._mistakes.add(
            code, text, line=line, key=self._key, suggestion=suggestion, is_warning=is_warning
        )


def _every(columns: Sequence[InboundColumn]) -> Iterator[InboundColumn]:
    for column in columns:
        yield column
        yield from _every(column.columns)


def _words(column: InboundColumn) -> Iterator[Words]:
    for way in column.rule.ways if column.rule is not None else ():
        if isinstance(way.write, Words):
            yield way.write


def _paths(rule: FieldRule) -> tuple[Path, ...]:
    return tuple(
        path
        for way in rule.ways
        for path in (*way.sources, *(way.template.paths if way.template is not None else ()))
    )


def _said(words: Words) -> list[str]:
    """Return the words that may be written."""
    spans = words_of(words.codes)
    open_codes = [code for code in spans if code not in words.prefer]
    return [*words.prefer.values(), *(s.target for code in open_codes for s in spans[code])]


def _overlap(spans: Sequence[Span]) -> bool:
    """Return whether two different words are in force on one day."""
    return any(
        one.target != other.target
        and _starts(one.valid_from, other.valid_to)
        and _starts(other.valid_from, one.valid_to)
        for one, other in combinations(spans, 2)
    )


def _starts(start: date | None, end: date | None) -> bool:
    return start is None or end is None or start <= end


def _example(spans: Mapping[str, Sequence[Span]], code: str) -> str:
    return f'{{"{code}": {spans[code][0].target!r}}}'


def _cell(column: InboundColumn) -> Column:
    return Column(name=column.to, kind=column.kind)


def _format_of(options: object) -> str:
    return type(options).__name__.removesuffix("Options").removesuffix("Target")


_UNIDENTIFIED = Text(
    vi="không có `dossier_code`: thông điệp không được xếp theo hồ sơ nào",
    en="there is no `dossier_code`: messages are not put in the order of a dossier",
)

"""Running the tests that a mapping file carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from adapters import SourceRecord, UnreadableRecord, open_documents
from mappings.converter import Conversion, compile_mapping
from mappings.language import DOSSIER, PROGRESS
from schemas.problem import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mappings.converter import Converter
    from mappings.inbound import InboundConverter
    from mappings.language import Expected, ExpectedProblem, MappingFile, MappingTest
    from schemas.problem import Problem

_INBOUND_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Tests come out the same on every day; words with a validity must be in force on this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What one test of a mapping file found."""

    __test__: ClassVar[bool] = False

    name: str
    line: int
    differences: tuple[Text, ...]
    """Empty: everything came out as expected."""


def run_tests(file: MappingFile) -> tuple[TestResult, ...]:
    """Return one result for every test of `file`, in its order."""
    converter = compile_mapping(file)
    return tuple(_run(test, converter, file_name=file.path.name) for test in file.tests)


def _run(test: MappingTest, converter: Converter, *, file_name: str) -> TestResult:
    place = Place(file=file_name, line=test.line)
    record = SourceRecord(number=1, values=test.record, place=place)
    if test.inbound is not None:
        found = _inbound_differences(test, record, converter.inbound[test.inbound])
        return TestResult(name=test.name, line=test.line, differences=tuple(found))
    (opened,) = open_documents(iter([record]), options=converter.source)
    if isinstance(opened, UnreadableRecord):
        conversion = Conversion(events=(), problems=tuple(opened.problems), dossier_code=None)
    else:
        conversion = converter.convert(opened)
    return TestResult(
        name=test.name, line=test.line, differences=tuple(_differences(test, conversion))
    )


def _inbound_differences(
    test: MappingTest, record: SourceRecord, converter: InboundConverter
) -> Iterator[Text]:
    (opened,) = open_documents(iter([record]), options=converter.source)
    if isinstance(opened, UnreadableRecord):
        yield from _compare_problems(test.problems, opened.problems)
        return
    inbound = converter.convert(opened, now=_INBOUND_DAY)
    yield from _compare_problems(test.problems, inbound.problems)
    if inbound.document is not None and test.rows is not None:
        yield from _compare_rows(test.rows, inbound.rows, where="rows")
    if test.file_name not in (None, inbound.file_name):
        yield _difference("file_name", test.file_name, inbound.file_name)


def _differences(test: MappingTest, conversion: Conversion) -> Iterator[Text]:
    if test.left_out or conversion.is_left_out:
        yield from _compare_fates(test, conversion)
        return
    yield from _compare_problems(test.problems, conversion.problems)
    if not conversion.events:
        if (test.dossier is not None or test.progress is not None) and not conversion.problems:
            yield Text(vi="không có kết quả", en="nothing came of the record")
        return
    if test.dossier is not None:
        dossier = next(event for event in conversion.events if event.packet == DOSSIER)
        yield from _compare(test.dossier, dossier.values, where="")
    if test.progress is not None:
        rows = [event.values for event in conversion.events if event.packet == PROGRESS]
        yield from _compare_rows(test.progress, rows, where="progress")


def _compare_fates(test: MappingTest, conversion: Conversion) -> Iterator[Text]:
    if not test.left_out:
        yield Text(
            vi="`leave_out` bỏ qua bản ghi này; nếu đúng như vậy: `left_out: true`",
            en="`leave_out` leaves the record out; if that is right: `left_out: true`",
        )
    elif not conversion.is_left_out:
        yield Text(
            vi="`leave_out` phải bỏ qua bản ghi này, nhưng không bỏ qua",
            en="`leave_out` must leave the record out, and does not",
        )
        yield from _compare_problems((), conversion.problems)


def _compare_problems(
    expected: Sequence[ExpectedProblem], found: Sequence[Problem]
) -> Iterator[Text]:
    """Compare as multisets; an expectation without a field takes any field, last."""
    left = list(found)
    for wanted in sorted(expected, key=lambda problem: problem.field is None):
        match = next((problem for problem in left if _fits(wanted, problem)), None)
        if match is None:
            where = f" ({wanted.field})" if wanted.field else ""
            yield Text(
                vi=f"thiếu lỗi {wanted.code}{where}", en=f"missing problem {wanted.code}{where}"
            )
        else:
            left.remove(match)
    for problem in left:
        where = f" ({problem.field})" if problem.field else ""
        yield Text(
            vi=f"lỗi ngoài dự kiến {problem.code}{where}: {problem.message.vi}",
            en=f"unexpected problem {problem.code}{where}: {problem.message.en}",
        )


def _fits(wanted: ExpectedProblem, problem: Problem) -> bool:
    return problem.code == wanted.code and wanted.field in (None, problem.field)


def _compare(
    expected: Mapping[str, Expected], found: Mapping[str, object], *, where: str
) -> Iterator[Text]:
    for name, wanted in expected.items():
        place, value = f"{where}{name}", found.get(name)
        if isinstance(wanted, tuple):
            rows = [] if value is None or isinstance(value, str) else cast("list[Any]", value)
            yield from _compare_rows(wanted, rows, where=place)
        elif wanted != value:
            yield _difference(place, wanted, value)


def _compare_rows(
    expected: Sequence[Mapping[str, Expected]], found: Sequence[Mapping[str, object]], *, where: str
) -> Iterator[Text]:
    if len(expected) != len(found):
        yield Text(
            vi=f"{where}: cần {len(expected)} mục, có {len(found)}",
            en=f"{where}: expected {len(expected)} items, found {len(found)}",
        )
        return
    for number, (wanted, row) in enumerate(zip(expected, found, strict=True)):
        yield from _compare(wanted, row, where=f"{where}[{number}].")


def _difference(place: str, wanted: str | None, value: object) -> Text:
    expected_vi = "không có" if wanted is None else repr(wanted)
    expected_en = "nothing" if wanted is None else repr(wanted)
    return Text(
        vi=f"{place}: cần {expected_vi}, có {'không có gì' if value is None else repr(value)}",
        en=f"{place}: expected {expected_en}, found {'nothing' if value is None else repr(value)}",
    )

"""JSON Lines: one object per line. A bad line is one bad record; the next line is a new start."""

from __future__ import annotations

from json import JSONDecodeError
from typing import TYPE_CHECKING, BinaryIO

from adapters import text as texts
from adapters.json_values import Cleaner, NumberTooLong, Strictly
from adapters.lines import bounded_lines
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import AGREED, TOO_LARGE, problem, refuse
from adapters.source import open_text
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from adapters.options import JsonLinesOptions
    from adapters.record import Value
    from schemas.errors import InputError
    from schemas.problem import Problem

_HOPELESS = 100
"""Lines at the start that are no JSON, with no good one, after which nothing else will come."""


def read(
    source: BinaryIO, *, file_name: str, options: JsonLinesOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    with open_text(source, encoding=options.encoding, place=file) as stream:
        yield from _records(stream, file=file, options=options)


def _records(
    stream: io.TextIOWrapper, *, file: Place, options: JsonLinesOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    parser = Strictly()
    number, some_good = 0, False
    for line_number, text, problems in _lines(stream, limit=options.max_record_bytes):
        place = Place(file=file.file, line=line_number)
        if not text and not problems:
            continue
        number += 1
        if number == 1 and not problems:
            _check_first(text, place=place)
        cleaner = Cleaner(place=place, code="jsonl", max_depth=options.max_depth)
        cleaner.problems += [item.moved_to(place) for item in problems]
        values = {} if problems else _decode(parser, text, cleaner=cleaner, place=place)
        if cleaner.problems:
            yield UnreadableRecord(number=number, problems=tuple(cleaner.problems))
            if not some_good and number == _HOPELESS:
                vi = f"không dòng nào trong {number} dòng đầu đọc được"
                raise _not_json_lines(vi, f"none of the first {number} lines can be read", place)
        else:
            some_good = True
            yield SourceRecord(number=number, values=values, place=place)


def _lines(stream: io.TextIOWrapper, *, limit: int) -> Iterator[tuple[int, str, list[Problem]]]:
    """Yield line number, line without blanks around, and what is wrong with it as text."""
    for number, line in enumerate(bounded_lines(stream, limit=limit), 1):
        if len(line) > limit:
            vi, en = f"dòng dài hơn giới hạn {limit} ký tự", f"line longer than {limit} characters"
            yield number, "", [problem("jsonl.too_large", Text(vi=vi, en=en), remedy=TOO_LARGE)]
            continue
        # A break inside the line is whatever a text holds; only JSON's own blanks may go.
        text = line.strip(" \t\r\n")
        found = None if texts.is_clean(text) else texts.fault(text)
        if found is None:
            yield number, text, []
        else:
            remedy = texts.REMEDIES[found[0]]
            yield number, text, [problem(f"jsonl.{found[0]}", found[1], remedy=remedy)]


def _decode(parser: Strictly, text: str, *, cleaner: Cleaner, place: Place) -> dict[str, Value]:
    try:
        value = parser.decode(text)
    except RecursionError:
        cleaner.report_too_deep()
        return {}
    except NumberTooLong:
        cleaner.report_number_too_long()
        return {}
    except ValueError as error:
        said = str(error)
        if isinstance(error, JSONDecodeError):
            said = f"{error.msg}, column {error.colno}"
        vi, en = f"dòng không phải JSON đúng cú pháp: {said}", f"line is not JSON: {said}"
        remedy = Text(vi="sửa dòng này ở hệ thống nguồn", en="mend the line at its source")
        found = problem("jsonl.syntax", Text(vi=vi, en=en), place=place, remedy=remedy)
        cleaner.problems.append(found)
        return {}
    values = cleaner.record(value)
    cleaner.report_repeated(parser.repeated)
    return values


def _check_first(text: str, *, place: Place) -> None:
    if text.startswith("{") and text != "{":
        return
    raise _not_json_lines(
        "dòng đầu tiên không phải một đối tượng JSON trên một dòng",
        "the first line is not one JSON object on one line",
        place,
    )


def _not_json_lines(vi: str, en: str, place: Place) -> InputError:
    return refuse(
        "jsonl.not_json_lines",
        Text(vi=vi, en=en),
        place=place,
        remedy=Remedy(
            AGREED,
            Text(
                vi="mỗi dòng phải là một đối tượng; nếu cả tệp là một tài liệu, khai báo format: "
                "json",
                en="each line must be one object; if the file is one document, declare format: "
                "json",
            ),
        ),
    )

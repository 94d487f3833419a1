from __future__ import annotations

import io

import pytest

from adapters.lines import bounded_lines

LIMIT = 1024


def lines_of(text):
    stream = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")
    return list(bounded_lines(stream, limit=4))


def test_of_a_line_that_is_too_long_the_beginning_is_left():
    assert lines_of("abc\nabcdefghijkl\nabc") == ["abc\n", "abcde", "abc"]


@pytest.mark.parametrize("length", range(4, 20))
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_wherever_a_long_line_is_cut_the_next_ones_are_whole(length, end):
    long = "x" * length + end

    assert lines_of(f"{long}ab{end}{end}{long}{long}cd{end}") == [
        long[:5], f"ab{end}", end, long[:5], long[:5], f"cd{end}",
    ]  # fmt: skip


@pytest.mark.parametrize("length", [LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT, 2 * LIMIT + 1])
@pytest.mark.parametrize(
    ("good", "settings", "places"),
    [
        ("ab", {"format": "csv"}, ["row 2", "row 4"]),
        ('{"a":1}', {"format": "jsonl"}, ["line 2", "line 4"]),
        ("ab", {"format": "fixed", "fields": {"A": "1-2"}}, ["row 2", "row 4"]),
    ],
    ids=["csv", "jsonl", "fixed"],
)
def test_rows_keep_their_numbers_behind_a_line_that_is_too_long(
    read, good, settings, places, length
):
    data = f"{good}\r\n{'x' * length}\r\n{good}\r\n\0\r\n".encode()

    found = read(data, max_record_bytes=LIMIT, **settings)

    assert [place.split(", ")[1] for _, place in found.problems] == places

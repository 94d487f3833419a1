from __future__ import annotations

import json
import math

import pytest


def test_numbers_stay_exact(read):
    data = b'[{"a": 12345678901234567890123, "b": 84.50, "c": 0.12345678901234567890, "d": 1e400}]'

    assert read(data, format="json").values == [
        {"a": 12345678901234567890123, "b": 84.5, "c": "0.12345678901234567890", "d": "1E+400"}
    ]
    assert read(data[1:-1] + b"\n", format="jsonl").values == [
        {"a": 12345678901234567890123, "b": 84.5, "c": "0.12345678901234567890", "d": "1e400"}
    ]


TOO_LONG = {
    "digits": "1" + "0" * 5000,
    "negative": "-" + "9" * 4301,
    "exponent": "1e999999999999999999999",
    "tiny": "1e-99999999999999999999",
}


@pytest.mark.parametrize("number", list(TOO_LONG.values()), ids=list(TOO_LONG))
def test_a_number_nobody_can_hold_is_refused_at_its_place(read, number):
    lines = f'{{"a": 1}}\n{{"a": {number}}}\n{{"a": 3}}\n'.encode()
    whole = f'[{{"a": 1}}, {{"a": {number}}}, {{"a": 3}}]'.encode()

    by_line, document = read(lines, format="jsonl"), read(whole, format="json")

    assert by_line.problems == [("jsonl.number_too_long", "f, line 2")]
    assert by_line.values == [{"a": 1}, {"a": 3}]
    assert document.code == "json.number_too_long"
    assert document.values == [{"a": 1}]
    assert str(document.refusal.place) == "f, [1]"


def test_a_fault_of_syntax_is_placed_at_its_record(read):
    many = b",".join(b'{"a": %d}' % n for n in range(500))

    found = read(b'{"d": [' + many + b', {"a": NaN}]}', format="json", records="d")

    assert len(found.values) == 500
    assert (found.code, str(found.refusal.place)) == ("json.syntax", "f, d[500]")


def test_the_longest_number_is_still_exact(read):
    assert read(b'[{"a": ' + b"9" * 4300 + b"}]", format="json").values == [{"a": 10**4300 - 1}]


def test_nested_values_booleans_and_null_are_kept(read):
    data = b'[{"a": {"b": [1, {"c": null}]}, "d": true}]'

    assert read(data, format="json").values == [{"a": {"b": [1, {"c": None}]}, "d": True}]


PATHS = [
    (b'[{"a": 1}]', "", [{"a": 1}], "f, [0]"),
    (b'{"a": 1}', "", [{"a": 1}], "f"),
    (b'{"x": [{"a": 9}], "d": {"x": 1, "y": [{"a": 1}]}}', "d.y", [{"a": 1}], "f, d.y[0]"),
    (b'{"d": {"a": 1}}', "d", [{"a": 1}], "f, d"),
    (b'{"e": {"d": [3]}, "d": [{"a": 1}], "z": [[{}]]}', "d", [{"a": 1}], "f, d[0]"),
]


@pytest.mark.parametrize(("data", "path", "values", "place"), PATHS)
def test_records_are_found_at_their_path_only(read, data, path, values, place):
    found = read(data, format="json", records=path)

    assert found.values == values
    assert found.code is None
    assert str(found.records[0].place) == place


def test_an_empty_array_has_no_records(read):
    found = read(b'{"d": []}', format="json", records="d")

    assert (found.records, found.code) == ([], None)


NO_RECORDS = [
    (b'{"a": 1}', "d", "json.records_missing"),
    (b'{"d": {"a": 1}}', "d.e", "json.records_missing"),
    (b'{"d": null}', "d", "json.records_wrong"),
    (b'{"d": "x"}', "d", "json.records_wrong"),
    (b'{"d": [{"e": [1]}]}', "d.e", "json.records_wrong"),
    (b"[1]", "d", "json.records_wrong"),
    (b'"x"', "", "json.records_wrong"),
]


@pytest.mark.parametrize(("data", "path", "code"), NO_RECORDS)
def test_a_path_that_leads_nowhere_is_refused(read, data, path, code):
    found = read(data, format="json", records=path)

    assert (found.records, found.code) == ([], code)


def test_the_keys_that_are_there_are_named(read):
    found = read(b'{"meta": 1, "items": []}', format="json", records="data")

    assert found.refusal.message.en == "the document has no 'data'; keys found: 'meta', 'items'"


def test_two_arrays_at_the_path_are_refused(read):
    found = read(b'{"d": [{"a": 1}], "d": [{"a": 2}]}', format="json", records="d")

    assert (found.values, found.code) == ([{"a": 1}], "json.records_repeated")


BAD_RECORDS = [
    ('{"a": 1, "a": 2}', "key_repeated", "a"),
    ('{"x": {"\\u00e9": 1, "e\\u0301": 2}}', "key_repeated", "é"),
    ('["a"]', "not_object", None),
    ("null", "not_object", None),
    ('{"a": ["\\u0000"]}', "nul", "a[0]"),
    ('{"a": ' + "[" * 70 + "]" * 70 + "}", "too_deep", None),
    ('{"a": "' + "x" * 3000 + '"}', "too_large", None),
]


@pytest.mark.parametrize(
    ("bad", "code", "path"), BAD_RECORDS, ids=[b[1] + b[0][:8] for b in BAD_RECORDS]
)
def test_a_bad_element_is_one_bad_record(read, bad, code, path):
    data = f'[{{"n": 1}}, {bad}, {{"n": 2}}]'.encode()

    found = read(data, format="json", max_record_bytes=2048)

    place = "f, [1]" if path is None else f"f, [1].{path}"
    assert found.problems == [(f"json.{code}", place)]
    assert found.values == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("bad", "code", "path"), BAD_RECORDS, ids=[b[1] + b[0][:8] for b in BAD_RECORDS]
)
def test_a_bad_line_is_one_bad_record(read, bad, code, path):
    data = f'{{"n": 1}}\n{bad}\n{{"n": 2}}\n'.encode()

    found = read(data, format="jsonl", max_record_bytes=2048)

    place = "f, line 2" if path is None else f"f, line 2, {path}"
    assert found.problems == [(f"jsonl.{code}", place)]
    assert found.values == [{"n": 1}, {"n": 2}]


def test_a_record_tells_a_hundred_of_its_faults(read):
    halves = b",".join([b'"\\ud800"'] * 50_000)
    keys = b",".join(b'"%d":1,"%d":1' % (n, n) for n in range(50_000))

    assert len(read(b'{"a":[' + halves + b"]}\n", format="jsonl").problems) == 100
    assert len(read(b"[{" + keys + b"}]", format="json").problems) == 100


def test_deep_nesting_does_not_overflow_the_stack(read):
    bomb = b'{"a":' + b"[" * 500_000

    assert read(bomb, format="jsonl").problems == [("jsonl.too_deep", "f, line 1")]
    assert read(bomb, format="json").code == "json.truncated"


def test_one_endless_value_does_not_eat_memory(read):
    data = b'[{"a": 1}, {"b": "' + b"x" * 400_000 + b'"}]'

    found = read(data, format="json", max_record_bytes=1024)

    assert (found.values, found.code) == ([{"a": 1}], "json.too_large")


HALF_PAIRS = ["\\ud83d", "\\ud83dx", "\\ud83d\\ud83d\\ude00", "\\ude00", "\\\\\\ud83d"]


@pytest.mark.parametrize("half", HALF_PAIRS)
@pytest.mark.parametrize("before", [0, 65_500, 65_510, 65_520, 65_530, 131_050])
def test_half_a_character_is_never_swallowed(read, half, before):
    # The blanks move the escape across the borders of the chunks.
    data = f'[{{"n": 1}},{" " * before}{{"a": "{half}"}}]'.encode()

    assert read(data, format="json").code == "json.surrogate"
    line = b'{"n": 1}\n' + f'{{"a": "{half}"}}'.encode()
    assert read(line, format="jsonl").problems == [("jsonl.surrogate", "f, line 2, a")]


@pytest.mark.parametrize("before", list(range(65_490, 65_540)))
def test_pairs_and_escaped_backslashes_are_not_halves_wherever_a_chunk_ends(read, before):
    data = f'[{{"a": "{"x" * before}\\\\\\\\ud83d \\ud83d\\ude00\\u1ea5\\u1ea5"}}]'.encode()

    found = read(data, format="json")

    assert found.values == [{"a": "x" * before + "\\\\ud83d 😀ấấ"}]


def test_bad_bytes_end_a_document_after_what_was_good(read):
    found = read(b'[{"a": 1}, {"b": "\xff"}]', format="json")

    assert (found.values, found.code) == ([{"a": 1}], "input.encoding_wrong")


def test_bad_bytes_cost_one_line(read):
    found = read(b'{"a": 1}\n{"b": "\xff"}\n{"c": 1}', format="jsonl")

    assert found.problems == [("jsonl.undecodable", "f, line 2")]
    assert found.values == [{"a": 1}, {"c": 1}]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_other_unicode_encodings_are_read(read, encoding):
    data = json.dumps([{"tên": "ế"}], ensure_ascii=False).encode(encoding)

    assert read(data, format="json", encoding=encoding).values == [{"tên": "ế"}]


def test_a_legacy_charset_is_read(read):
    assert read(b'{"a": "M\xad\xeang"}', format="json", encoding="tcvn3").values == [{"a": "Mường"}]


BROKEN = [
    b'[{"a": NaN}]',
    b'[{"a": 01}]',
    b"[{'a': 1}]",
    b'[{"a": 1},]',
    b"[{}] x",
    b'// x\n[{"a":1}]',
]


@pytest.mark.parametrize("data", BROKEN)
def test_what_only_some_parsers_take_is_refused(read, data):
    assert read(data, format="json").code == "json.syntax"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_json_lines_have_no_words_for_numbers(read, word):
    found = read(f'{{"n": 1}}\n{{"a": {word}}}'.encode(), format="jsonl")

    assert found.problems == [("jsonl.syntax", "f, line 2")]
    assert not any(math.isnan(v) for values in found.values for v in values.values())


def test_blank_lines_count_as_lines_and_not_as_records(read):
    found = read(b'\n{"a": 1}\r\n\r\n{"a": 2}\n', format="jsonl")

    assert [(r.number, r.place.line) for r in found.records] == [(1, 2), (2, 4)]


def test_a_separator_of_lines_inside_a_text_does_not_split(read):
    data = '{"a": "x\u2028y\u0085z"}\n'.encode()

    assert read(data, format="jsonl").values == [{"a": "x\u2028y\u0085z"}]


def test_a_file_without_any_readable_line_ends(read):
    found = read(b'{"a"\n' * 500, format="jsonl")

    assert len(found.records) == 100
    assert found.code == "jsonl.not_json_lines"

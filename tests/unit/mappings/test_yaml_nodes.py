from __future__ import annotations

import tracemalloc
from datetime import datetime

import pytest

from mappings.yaml_nodes import MAX_BYTES, YamlRefused, parse_yaml, plain_value

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
REFUSED = {
    "an aliases bomb": (BOMB, "mapping.yaml_alias", 1),
    "an alias": ("a: 1\nb: *a", "mapping.yaml_alias", 2),
    "a merge key": ("a: &x {b: 1}\nc: {<<: *x}", "mapping.yaml_alias", 1),
    "a Python object": (
        "a: !!python/object/apply:os.system ['echo']",
        "mapping.yaml_tag",
        1,
    ),
    "a Python name": ("a: 1\nb: !!python/name:os.system", "mapping.yaml_tag", 2),
    "a harmless tag": ("a: !!str 1", "mapping.yaml_tag", 1),
    "a custom tag": ("a: !include /etc/passwd", "mapping.yaml_tag", 1),
    "a duplicate key": ("a: 1\nb: 2\na: 3", "mapping.yaml_duplicate_key", 3),
    "a duplicate key deep inside": ("a:\n  b: {c: 1, c: 2}", "mapping.yaml_duplicate_key", 2),
    "lists in lists": ("a: " + "[" * 500 + "]" * 500, "mapping.yaml_too_deep", 1),
    "maps in maps": ("{a: " * 500 + "1" + "}" * 500, "mapping.yaml_too_deep", 1),
    "a list as key": ("? [a, b]\n: 1", "mapping.yaml_key", 1),
    "two documents": ("a: 1\n---\nb: 2", "mapping.yaml_documents", 2),
    "nothing": ("", "mapping.yaml_empty", None),
    "only a comment": ("# ghi chú\n", "mapping.yaml_empty", None),
    "an unclosed quote": ('a: "x\nb: 1', "mapping.yaml_syntax", 2),
    "a tab as indent": ("a:\n\tb: 1", "mapping.yaml_syntax", 2),
    "a wrong indent": ("a: 1\n  b: 2", "mapping.yaml_syntax", 2),
}


@pytest.mark.parametrize(("text", "code", "line"), list(REFUSED.values()), ids=list(REFUSED))
def test_refuses(text, code, line):
    with pytest.raises(YamlRefused) as caught:
        parse_yaml(text.encode())

    assert (caught.value.code, caught.value.line) == (code, line)
    assert caught.value.text.vi
    assert caught.value.text.en


@pytest.mark.parametrize(
    ("text", "likely"),
    [
        ("a: }", "dấu ngoặc"),
        ('a: "x\nb: 1', "dấu nháy mở mà chưa đóng"),
        ("a:\n\tb: 1", "tab"),
        ("a: 1\n  b: 2", "thụt lề sai"),
        ("a: [1 2\nb: 3", "thiếu dấu phẩy"),
        ("- a\nb: 1", "mục của danh sách"),
        ("a: - b", "xuống dòng"),
        ("a: 'x' y", "chữ thừa"),
        ('a: "\\q"', "nháy kép"),
        ("a\x00b", "ký tự điều khiển"),
    ],
)
def test_what_is_likely_wrong_is_said_in_vietnamese_before_the_parsers_own_words(text, likely):
    with pytest.raises(YamlRefused) as caught:
        parse_yaml(text.encode())

    ours, _, theirs = caught.value.text.vi.partition("«")
    assert likely in ours
    assert theirs.endswith("»)")


def test_refuses_lists_deeper_than_the_parser_itself_goes():
    with pytest.raises(YamlRefused) as caught:
        parse_yaml(b"[" * 100_000)

    # libyaml has a limit of its own, the parser in Python leaves it to ours.
    assert caught.value.code in ("mapping.yaml_syntax", "mapping.yaml_too_deep")


def test_refuses_a_control_character():
    with pytest.raises(YamlRefused) as caught:
        parse_yaml(b"a: x\x00y")

    assert caught.value.code == "mapping.yaml_syntax"


def test_refuses_a_file_over_the_limit_before_reading_it():
    with pytest.raises(YamlRefused) as caught:
        parse_yaml(b"a" * (MAX_BYTES + 1))

    assert caught.value.code == "mapping.yaml_too_large"


def test_names_the_line_of_a_byte_that_is_not_utf_8():
    with pytest.raises(YamlRefused) as caught:
        parse_yaml(b"a: 1\nb: \xb5\n")

    assert (caught.value.code, caught.value.line) == ("mapping.yaml_encoding", 2)


def test_a_bomb_takes_no_memory():
    tracemalloc.start()
    try:
        with pytest.raises(YamlRefused):
            parse_yaml(BOMB.encode())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_reads_plain_values_without_the_surprises_of_yaml_1_1():
    text = (
        "{a: 1, b: '1', c: 007, d: no, e: true, f: ~, g: 1.50, h: 12:30, i: 2021-03-05, "
        "j: 2021-03-05 08:15:00, k: '2021-03-05', l: -3, m: 1_000, n: 2021-02-30}"
    )

    assert plain_value(parse_yaml(text.encode())) == {
        "a": 1,
        "b": "1",
        "c": "007",
        "d": "no",
        "e": True,
        "f": None,
        "g": 1.5,
        "h": "12:30",
        "i": datetime.fromisoformat("2021-03-05"),
        "j": datetime.fromisoformat("2021-03-05T08:15:00"),
        "k": "2021-03-05",
        "l": -3,
        "m": "1_000",
        "n": "2021-02-30",
    }


def test_text_is_nfc_whatever_the_editor_wrote():
    decomposed = "Tie\u0302\u0301p nha\u0323\u0302n: 'Mo\u031b\u0301i'"

    assert plain_value(parse_yaml(decomposed.encode())) == {"Tiếp nhận": "Mới"}


def test_a_byte_order_mark_is_not_part_of_the_first_key():
    assert plain_value(parse_yaml(b"\xef\xbb\xbfa: x")) == {"a": "x"}

from __future__ import annotations

import re
import time

import pytest

from mappings.regexes import MAX_REGEX_INPUT, Regex, RegexRefused

# Python's own engine needs hours to years for each of these.
ENDLESS = {
    "nested": (r"(a+)+$", "a" * 20_000 + "b"),
    "nested with a tail": (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 20_000),
    "two ways for one letter": (r"^(a|a)*$", "a" * 20_000 + "b"),
    "two neighbours": (r"(x+x+)+y", "x" * 20_000),
    "nothing many times": (r"(a?){500}a{500}$", "a" * 999),
    "words and spaces": (r"^(\w+\s?)*$", "Nguyễn " * 2_800 + "!"),
    "several dots": (r"số\s*(.*?)\s*ngày\s*(.*)\s*tháng", "số   " * 4_000),
    "spaces before the end": (r"\s+$", " " * 19_999 + "x"),
}


@pytest.mark.parametrize(("pattern", "text"), list(ENDLESS.values()), ids=list(ENDLESS))
def test_no_value_makes_an_expression_run_for_ever(pattern, text):
    regex = Regex(pattern)
    replace = regex.replacer("-")
    began = time.process_time()

    regex.is_in(text[:MAX_REGEX_INPUT])
    regex.extract(text[:MAX_REGEX_INPUT])
    replace(text[:MAX_REGEX_INPUT])

    assert time.process_time() - began < 20


REFUSED = {
    "look-ahead": (r"\d+(?=/)", "group 1 is taken"),
    "look-behind": (r"(?<=số )\d+", "group 1 is taken"),
    "back-reference": (r"(\d)\1", "only the replacement"),
    "possessive": (r"\d++", "one repeat sign"),
    "boundary": (r"\bsố", r"(^|[^\pL\pN])"),
    "unknown escape": (r"\h", "before punctuation"),
    "single bytes": (r"\C", "before punctuation"),
    "quoting": (r"\Qa.b\E", "before punctuation"),
    "no letter inside a class": (r"[\W]", "before punctuation"),
    "too many times": (r"a{1,2000}", "at most 1000"),
    "too large altogether": (r"((a{99}){99}){99}", "at most 1000"),
}


@pytest.mark.parametrize(("pattern", "remedy"), list(REFUSED.values()), ids=list(REFUSED))
def test_what_cannot_be_bounded_is_refused_with_what_to_write_instead(pattern, remedy):
    with pytest.raises(RegexRefused) as caught:
        Regex(pattern)

    assert caught.value.reason
    assert remedy in caught.value.remedy.en
    assert caught.value.remedy.vi != caught.value.remedy.en


@pytest.mark.parametrize("pattern", ["(", "[", "*", "\\", "\ud800"])
def test_what_is_no_expression_is_refused(pattern):
    with pytest.raises(RegexRefused) as caught:
        Regex(pattern)

    assert caught.value.reason


SAME = {
    "the end of a code": (r"\.000\.00\.00\.H29$", "1.001612.000.00.00.H29"),
    "digits": (r"^\d{12}$", "079000000042"),
    "a name of a file": (r"[^/]+$", "/tep/đơn xin phép.pdf"),
    "a Vietnamese word": (r"\w+", "Đặng Thị Ánh"),
    "no word": (r"\W+", "Đặng, Ánh"),
    "words in a class": (r"[\w.]+", "ngày.05 tháng 3"),
    "not words in a class": (r"[^\w]+", "Phường 12/Quận"),
    "spaces": (r"\s+", "a\u00a0\u3000 b"),
    "no spaces": (r"\S+$", "hồ sơ\u00a0số"),
    "a bracket in a class": (r"[]a]+", "x]a]"),
    "a class with an opening bracket": (r"[a[^]+", "x[^a"),
    "a backslash and a letter": (r"\\w", r"a\w"),
    "letters of either case": (r"(?i)đặng", "ĐẶNG"),
    "the first group": (r"số (\d+)/(\d+)", "hồ sơ số 12/34"),
    "the end": (r"\d\Z", "12"),
    "nothing": (r"x?", "aaa"),
}


@pytest.mark.parametrize(("pattern", "text"), list(SAME.values()), ids=list(SAME))
def test_finds_what_python_finds(pattern, text):
    expected = re.search(pattern, text)

    assert Regex(pattern).is_in(text)
    assert Regex(pattern).extract(text) == expected[1 if expected.re.groups else 0]


REPLACED = {
    "groups change places": (r"(\d+)/(\d+)", r"\2-\1", "5/3", "3-5"),
    "Vietnamese letters stay": ("[?]", "Đường số ẩ", "a?b", "aĐường số ẩb"),
    "by name": (r"(?P<so>\d+)", r"số \g<so>", "12", "số 12"),
    "by number": (r"(\d+)", r"\g<1>0", "12", "120"),
    "the whole match": (r"\d+", r"<\g<0>>", "a1b22", "a<1>b<22>"),
    "a backslash": ("/", r"\\", "a/b", r"a\b"),
    "a group that took no part": ("(x)|y", r"[\1]", "xy", "[x][]"),
    "nothing between Vietnamese letters": ("x*", "-", "ađx", "-a-đ--"),
    "no match": ("x", "y", "ađ", "ađ"),
}


@pytest.mark.parametrize(
    ("pattern", "template", "text", "expected"), list(REPLACED.values()), ids=list(REPLACED)
)
def test_replaces_every_match(pattern, template, text, expected):
    assert Regex(pattern).replacer(template)(text) == expected


@pytest.mark.parametrize("template", [r"\2", r"\g<x>", r"\n", "a\\", r"\0", r"\g<9>"])
def test_a_replacement_that_means_nothing_is_refused(template):
    with pytest.raises(RegexRefused) as caught:
        Regex(r"(\d+)").replacer(template)

    assert caught.value.remedy is not None


@pytest.mark.parametrize(
    "pattern", [".", "a", "x*", r"[^a]", r"\w", r"\W", "(?s).+", r"[^\x00-\x7f]"]
)
@pytest.mark.parametrize("text", ["a\ud800", "\udfff\ud800", "a\x00b", "\U0010ffff", "\ufffd"])
def test_text_that_no_field_takes_is_no_crash(pattern, text):
    regex = Regex(pattern)

    assert regex.is_in(text) in (True, False)
    assert regex.extract(text) is None or regex.is_in(text)
    assert isinstance(regex.replacer("b")(text), str)


def test_an_expression_keeps_what_was_written():
    assert Regex(r"[\w]+\s").text == r"[\w]+\s"

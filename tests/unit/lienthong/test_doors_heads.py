"""The head of an upload: whatever it says, it is understood or refused, and never a crash."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers, QueryParams

from adapters import CsvOptions, JsonLinesOptions, JsonOptions, XlsxOptions, XmlOptions
from lienthong.doors.heads import clean_name, read_head
from lienthong.flows.incoming import CONTENT_TYPES
from lienthong.web.refusal import Refused, body_of

LATIN = st.text(st.characters(max_codepoint=255), max_size=300)
NAMES = st.sampled_from(
    [
        "content-type",
        "content-encoding",
        "content-length",
        "content-disposition",
        "idempotency-key",
        "transfer-encoding",
    ]
)


def read(*pairs, query="", source=None, limit=1000):
    headers = Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in pairs])
    return read_head(headers, QueryParams(query), source=source, limit=limit)


def outcome(*pairs, **more):
    """Return the head, or the refusal."""
    try:
        return read(*pairs, **more)
    except Refused as refused:
        return refused


def code(*pairs, **more):
    with pytest.raises(Refused) as caught:
        read(*pairs, **more)
    return caught.value.problem.code


LENGTH = ("content-length", "5")


@given(st.lists(st.tuples(NAMES, LATIN), max_size=8), LATIN)
def test_any_head_is_read_or_refused_in_words(pairs, query):
    found = outcome(*pairs, query=query, source=CsvOptions())

    if isinstance(found, Refused):
        assert 400 <= found.status < 500
        assert body_of(found)
        return
    assert found.size is None or 0 <= found.size <= 1000
    assert found.key is None or 1 <= len(found.key) <= 255
    assert found.file_name is None or clean_name(found.file_name) == found.file_name


@given(st.text(max_size=300))
def test_a_clean_name_names_one_file_in_no_folder(name):
    clean = clean_name(name)

    if clean is not None:
        assert not set(clean) & set("/\\\n\r\0")
        assert clean not in ("", ".", "..")


@given(st.text(string.digits, min_size=1, max_size=40))
def test_a_length_is_within_the_limit_or_refused(digits):
    found = outcome(("content-length", digits))

    if isinstance(found, Refused):
        assert found.status in (413, 422)
        assert int(digits) > 1000 or len(digits) > 19
    else:
        assert found.size == int(digits) <= 1000


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('attachment; filename="a b.csv"', "a b.csv"),
        ("attachment; filename*=UTF-8''h%E1%BB%93%20s%C6%A1.csv", "hồ sơ.csv"),
        ('attachment; filename="hồ sơ.csv"', "hồ sơ.csv"),
        ('attachment; filename="C:\\\\thang 3\\\\x.csv"', "x.csv"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment", None),
    ],
)
def test_the_file_name_is_found_however_it_is_written(value, name):
    said = value.encode().decode("latin-1")

    assert read(LENGTH, ("content-disposition", said)).file_name == name


def test_the_name_in_the_address_goes_first():
    pairs = (LENGTH, ("content-disposition", "attachment; filename=a.csv"))

    assert read(*pairs, query="file_name=b.csv").file_name == "b.csv"


@pytest.mark.parametrize("key", ["", " ", '"', "a\x7f", "é", "x" * 256, "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused(key):
    if key == '"':
        assert read(LENGTH, ("idempotency-key", key)).key == '"'
        return
    assert code(LENGTH, ("idempotency-key", key)) == "http.idempotency_key"


def test_two_keys_are_none():
    pair = ("idempotency-key", "a")

    assert code(LENGTH, pair, pair) == "http.idempotency_key"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (CsvOptions(), "csv"),
        (JsonOptions(), "json"),
        (JsonLinesOptions(), "jsonl"),
        (XlsxOptions(), "xlsx"),
        (XmlOptions(records="/a/b"), "xml"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_every_format_takes_its_own_types_and_no_other(source, name):
    for media in CONTENT_TYPES[name]:
        read(LENGTH, ("content-type", f" {media.upper()} ; charset=x"), source=source)
    read(LENGTH, ("content-type", "application/octet-stream"), source=source)
    read(LENGTH, source=source)

    assert code(LENGTH, ("content-type", "text/html"), source=source) == "http.content_type"


def test_a_mapping_that_cannot_be_used_lets_every_type_in():
    read(LENGTH, ("content-type", "text/html"), source=None)

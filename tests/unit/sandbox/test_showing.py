"""Requests are shown without secrets, whatever they are made of, and quickly."""

import time

import pytest

from lienthong.sandbox.showing import SHOWN_CHARACTERS, show_body, show_headers


@pytest.mark.parametrize(
    "body",
    [
        b'{"username": "a", "password": "bi-mat"}',
        b'{"data": [{"SecurityKey": "bi-mat", "x": {"access_token": "bi-mat"}}]}',
        b'{"password": "bi-mat", broken',
        b"grant_type=client_credentials&client_secret=bi-mat&a=b",
        b'<e xmlns:w="urn:w"><w:Password Type="x">bi-mat</w:Password></e>',
        b'<e><w:Password Type="x">bi-mat</w:Password>',
        b"SESSION = 'bi-mat'",
    ],
)
def test_secrets_are_hidden_in_json_xml_forms_and_in_what_is_broken(body):
    shown = show_body(body)

    assert "bi-mat" not in shown
    assert "***" in shown


def test_json_and_xml_are_indented():
    assert (
        show_body(b'{"a":[1,{"b":""}]}')
        == '{\n  "a": [\n    1,\n    {\n      "b": ""\n    }\n  ]\n}'
    )
    assert show_body("<a><b>ư</b><c/></a>".encode()) == "<a>\n  <b>ư</b>\n  <c/>\n</a>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        pytest.param(b"[" * 100_000, id="deep lists"),
        pytest.param(b'{"a": ' * 5_000, id="deep objects"),
        b"9" * 200_000,
        b"<Password " * 25_000,
        b"password" + b" " * 250_000,
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b'{"a": "\\ud800"}',
    ],
)
def test_what_is_hostile_is_shown_within_bounds(body):
    began = time.perf_counter()

    shown = show_body(body)

    assert time.perf_counter() - began < 2
    assert len(shown) <= SHOWN_CHARACTERS + 20


def test_only_headers_that_hold_no_secret_keep_their_value():
    headers = [("Host", "a"), ("authorization", "b"), ("X-Own", "c"), ("lgspaccesstoken", "d")]

    assert show_headers(headers) == [
        ("Host", "a"),
        ("authorization", "***"),
        ("X-Own", "***"),
        ("lgspaccesstoken", "***"),
    ]

from __future__ import annotations

import pytest

from adapters import CsvOptions, JsonOptions, OptionsWrong, XmlOptions, make_options


def faults_of(**settings):
    with pytest.raises(OptionsWrong) as caught:
        make_options(settings)
    assert all(text.vi and text.en for _, text in caught.value.faults)
    return {key: text.en for key, text in caught.value.faults}


def test_defaults_need_nothing_but_the_format():
    assert make_options({"format": "csv"}) == CsvOptions()
    assert make_options({"format": "json"}) == JsonOptions()


def test_settings_reach_their_options():
    options = make_options({"format": "csv", "encoding": "tcvn3", "required": ["So"]})

    assert options == CsvOptions(encoding="tcvn3", required=("So",))


def test_namespaces_are_kept():
    options = make_options({"format": "xml", "records": "/h:a/h:b", "namespaces": {"h": "u"}})

    assert options == XmlOptions(records="/h:a/h:b", namespaces={"h": "u"})


def test_every_fault_is_reported_at_once():
    found = faults_of(
        format="csv", delimeter=";", quote="''", header="yes", header_row=0, encoding="tcvn"
    )

    assert set(found) == {"delimeter", "quote", "header", "header_row", "encoding"}
    assert "did you mean 'delimiter'?" in found["delimeter"]
    assert "did you mean 'tcvn3'?" in found["encoding"]


WRONG = [
    ({}, "format"),
    ({"format": 3}, "format"),
    ({"format": "excel"}, "format"),
    ({"format": "csv", "delimiter": ""}, "delimiter"),
    ({"format": "csv", "delimiter": "\n"}, "delimiter"),
    ({"format": "csv", "delimiter": '"'}, "quote"),
    ({"format": "csv", "header": False}, "columns"),
    ({"format": "csv", "columns": ["a"]}, "columns"),
    ({"format": "csv", "columns": ["a", "a"], "header": False}, "columns"),
    ({"format": "csv", "required": "So"}, "required"),
    ({"format": "csv", "header_row": True}, "header_row"),
    ({"format": "csv", "max_record_bytes": 1}, "max_record_bytes"),
    ({"format": "xlsx", "encoding": "utf-8"}, "encoding"),
    ({"format": "xlsx", "sheet": " "}, "sheet"),
    ({"format": "xml"}, "records"),
    ({"format": "xml", "records": "a/b"}, "records"),
    ({"format": "xml", "records": "/a//b"}, "records"),
    ({"format": "xml", "records": "/h:a"}, "records"),
    ({"format": "xml", "records": "/a", "namespaces": ["h"]}, "namespaces"),
    ({"format": "json", "records": None}, "records"),
]


@pytest.mark.parametrize(("settings", "key"), WRONG)
def test_an_impossible_setting_is_named(settings, key):
    assert set(faults_of(**settings)) == {key}


def test_an_unknown_format_suggests_a_near_one():
    assert "did you mean 'jsonl'?" in faults_of(format="jsonll")["format"]

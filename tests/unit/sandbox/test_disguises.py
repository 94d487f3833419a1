"""Answers that are written as somebody else might."""

import json

import pytest

from lienthong.sandbox import Misbehaviour
from lienthong.sandbox.disguises import disguise_element, disguise_json, recode

ADAPTER = '{"error_code": "0", "message": "Thành công"}'.encode()
LGSP = '{"Status": 0, "Message": "Thành công"}'.encode()
CITY = '{"StatusCode": "200", "Status": "SUCCESS", "Description": "Thành công"}'.encode()
XML = (
    '<R xmlns="urn:x"><error_code>0</error_code><message>Thành công</message>'
    '<BienNhan Id="a"><b/></BienNhan></R>'
).encode()


def order(mode, **values):
    return Misbehaviour.model_validate({"mode": mode, **values})


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        ("success_text", {"error_code": "0", "message": "Thành công"}),
        ("code_number", {"error_code": 0, "message": "Thành công"}),
        ("wrapped", {"response_code": "0", "response_data": ADAPTER.decode()}),
        ("slow", {"error_code": "0", "message": "Thành công"}),
    ],
)
def test_an_answer_in_json(mode, values):
    body, content_type = disguise_json(ADAPTER, order(mode))

    assert json.loads(body) == values
    assert content_type == "application/json; charset=utf-8"


def test_other_shapes_have_other_names():
    assert json.loads(disguise_json(LGSP, order("success_text"))[0])["Message"] == "Thành công"
    assert json.loads(disguise_json(CITY, order("code_number"))[0])["StatusCode"] == 200


def test_a_sentence_is_no_json():
    body, content_type = disguise_json(ADAPTER, order("text_answer"))

    assert body.decode() == "Đồng bộ hồ sơ thành công"
    assert content_type.startswith("text/plain")


def test_an_answer_in_xml_is_changed_in_its_text_only():
    refused = XML.replace("Thành công".encode(), b"x")

    assert disguise_element(refused, order("success_text")) == XML
    assert disguise_element(XML, order("wrapped")) == XML


def test_another_charset_is_not_utf8():
    assert recode("Đã tồn".encode(), "windows-1258") == b"\xd0a\xde t\xf4\xccn"
    assert recode(b"a", "utf-16") in (b"\xff\xfea\x00", b"\xfe\xff\x00a")

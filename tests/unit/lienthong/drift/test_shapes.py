"""The shape of an answer: names, types and codes, and nothing that could be somebody's."""

import json

import pytest

from lienthong.drift.comparing import compare, merge
from lienthong.drift.shapes import Looks, read_shape
from lienthong.drifts import Kind

LOOKS = Looks(
    code_names=frozenset({"error_code"}),
    listed={"TrangThaiHoSo": frozenset({"1", "2"})},
)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def shape(value, **options):
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return read_shape(body, looks=LOOKS, **options)


def learn(*values):
    learnt = {}
    for value in values:
        learnt = merge(learnt, shape(value))
    return learnt


def found(learnt, value):
    drifts = compare(learnt, shape(value), subject="answer X success")
    return [(one.kind, one.place, one.before, one.after) for one in drifts]


def envelope(inside):
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def test_a_json_answer_is_its_keys_its_types_and_its_code():
    seen = shape({"error_code": 0, "message": "Thành công", "result": [{"MaHoSo": "H29-1"}]})

    assert seen.form == "json"
    assert seen.codes == ("0",)
    assert seen.features == {
        "type  object": "sometimes",
        "key error_code": "always",
        "type error_code number": "sometimes",
        "code error_code 0": "sometimes",
        "key message": "always",
        "type message text": "sometimes",
        "key result": "always",
        "type result list": "sometimes",
        "type result[] object": "sometimes",
        "key result[].MaHoSo": "always",
        "type result[].MaHoSo text": "sometimes",
        "size": "7",
    }


def test_a_soap_answer_is_its_elements_and_their_namespaces():
    seen = shape(envelope('<A xmlns="urn:x"><error_code>0</error_code><B/></A>'))

    assert seen.form == "xml"
    assert seen.codes == ("0",)
    assert 'code Envelope.Body.A.error_code "0"' in seen.features
    assert "namespace Envelope.Body.A urn:x" in seen.features
    assert "type Envelope.Body.A.B empty" in seen.features


def test_what_is_inside_a_signature_is_no_part_of_the_contract():
    inside = '<A><Signature xmlns="urn:ds"><KeyInfo>{}</KeyInfo></Signature></A>'

    one, other = shape(envelope(inside.format("a"))), shape(envelope(inside.format("<X/>")))

    assert one.features == other.features


def test_that_a_dossier_has_progress_rows_is_no_change_of_the_contract():
    inside = "<TraCuuHoSoResponse><result><MaHoSo>H29-1</MaHoSo>{}</result></TraCuuHoSoResponse>"
    row = "<TienDo><MaBanTin>m</MaBanTin><GiaTriBam>{}</GiaTriBam></TienDo>"
    learnt = learn(*[envelope(inside.format(""))] * 3)

    assert found(learnt, envelope(inside.format(row.format("ab") * 2))) == []
    assert found(learnt, envelope(inside.format("<Khac/>"))) != []


@pytest.mark.parametrize(
    "value",
    [
        {"result": {"079201001234": {"HoTen": "Nguyễn Văn An"}}},
        {"Nguyễn Văn An": 1},
        {"error_code": "079201001234"},
        {"error_code": "Hồ sơ của Nguyễn Văn An"},
        {"result": [{"TrangThaiHoSo": "Nguyễn Văn An 0912345678"}]},
        {"message": '{"079201001234": "Nguyễn Văn An", "error_code": "0912345678"}'},
        envelope("<error_code>079201001234</error_code>"),
        envelope("<H079201001234><HoTen>Nguyễn Văn An</HoTen></H079201001234>"),
        envelope('<A xmlns="urn:x:Nguyễn Văn An"/>'),
        envelope('<A So_079201001234="Nguyễn Văn An"/>'),
    ],
)
def test_no_value_that_could_be_somebodys_is_kept(value):
    seen = shape(value)

    told = f"{seen.features} {seen.codes}"
    for part in ("079201001234", "0912345678", "Văn An", "H29"):
        assert part not in told


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"<!DOCTYPE html><html></html>", "html"),
        (b"<HTML><body>", "html"),
        (b"<a>", "text"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "text"),
        (b'{"a": ', "text"),
        (b"[" * 100_000, "text"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "text"),
        (b"\xff\xfe{", "text"),
        (b"OK", "text"),
        (b'\xef\xbb\xbf{"a": 1}', "json"),
        (envelope(f'<s:Fault xmlns:s="{SOAP}"><faultcode>a</faultcode></s:Fault>'), "fault"),
    ],
)
def test_whatever_came_has_a_form(body, form):
    assert shape(body).form == form


def test_an_answer_with_endless_names_costs_a_bounded_number_of_features():
    seen = shape({f"k{chr(97 + a)}{chr(97 + b)}{chr(97 + c)}": 1 for a in range(20)
                  for b in range(20) for c in range(20)})  # fmt: skip

    assert seen.is_partial
    assert len(seen.features) < 1_100
    assert found(learn({"error_code": "0"}), {"error_code": "0"}) == []


OK = {"error_code": "0", "message": "Thành công", "result": []}


def test_the_same_answer_with_other_values_fits():
    assert found(learn(OK), OK | {"message": "Đã nhận hồ sơ"}) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (OK | {"error_code": "00"}, [(Kind.CODE, "error_code", '"0"', '"00"')]),
        (
            OK | {"error_code": 0},
            [
                (Kind.CODE, "error_code", '"0"', "0"),
                (Kind.TYPE, "error_code", "text", "number"),
            ],
        ),
        ({"error_code": "0", "result": []}, [(Kind.KEY_GONE, "message", "", "")]),
        (OK | {"trace": {"id": "x"}}, [(Kind.KEY_NEW, "trace", "", "")]),
        (OK | {"result": None}, [(Kind.TYPE, "result", "list", "null")]),
        (
            OK | {"message": "x" * 900},
            [(Kind.LARGER, "size", "64 byte", "1024 byte")],
        ),
        (
            OK | {"result": [{"TrangThaiHoSo": "99"}]},
            [(Kind.TYPE, "result[]", "", "object")],
        ),
    ],
    ids=["success spelled otherwise", "a number", "dropped", "added", "null", "large", "filled"],
)
def test_each_change_is_named_once(changed, expected):
    assert found(learn(OK), changed) == expected


def test_a_code_outside_its_list_is_told_where_the_field_is_known():
    known = {"result": [{"TrangThaiHoSo": "1"}]}

    assert found(learn(known), {"result": [{"TrangThaiHoSo": "2"}]}) == []
    assert found(learn(known), {"result": [{"TrangThaiHoSo": "11"}]}) == [
        (Kind.VALUE, "result[].TrangThaiHoSo", "", "11")
    ]


def test_a_key_that_was_not_always_there_is_not_missed():
    learnt = learn(OK, {"error_code": "0", "result": []})

    assert found(learnt, {"error_code": "0", "result": []}) == []


def test_a_key_is_missed_inside_a_list_only_where_there_is_an_item():
    learnt = learn({"result": [{"MaHoSo": "a", "So": "1"}]})

    assert found(learnt, {"result": []}) == []
    assert found(learnt, {"result": [{"MaHoSo": "a"}]}) == [(Kind.KEY_GONE, "result[].So", "", "")]
    half = {"result": [{"MaHoSo": "a"}, {"MaHoSo": "b", "So": "1"}]}
    assert found(learnt, half) == [(Kind.KEY_GONE, "result[].So", "", "")]


def test_accepting_a_change_makes_it_fit():
    learnt, changed = learn(OK), OK | {"trace": {"ids": [{"a": 1}]}, "result": None}
    drifts = compare(learnt, shape(changed), subject="s")

    patched = dict(learnt)
    for one in drifts:
        patched |= one.patch

    assert found(patched, changed) == []
    assert found(patched, OK) == []


def test_of_a_cut_answer_only_its_size_is_told():
    seen = shape(b'{"error_code": "0", "mess', is_whole=False)

    assert (seen.form, dict(seen.features)) == ("cut", {"size": "5"})

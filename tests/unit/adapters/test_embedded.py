from __future__ import annotations

import base64
import json
import tracemalloc

import openpyxl
import pytest

from adapters.options import OptionsWrong, make_options

BIRTH = (
    "<hoTich><nksHoTen>TRẦN BÉ BA</nksHoTen><nksNgaySinh>01.03.2021</nksNgaySinh>"
    "<me loai='1'><meHoTen>Lê Thị Bốn</meHoTen></me></hoTich>"
)
JSON = {"format": "json"}


def feed(inner):
    return json.dumps([{"id": 1, "data": inner}]).encode()


def test_xml_inside_json_inside_json_is_read_from_the_outside_in(read):
    found = read(
        feed(json.dumps({"maGCS": "7", "data": BIRTH})),
        **JSON,
        embedded={"data.data": "xml", "data": "json"},
    )

    assert found.values == [
        {
            "id": 1,
            "data": {
                "maGCS": "7",
                "data": {
                    "nksHoTen": "TRẦN BÉ BA",
                    "nksNgaySinh": "01.03.2021",
                    "me": {"@loai": "1", "meHoTen": "Lê Thị Bốn"},
                },
            },
        }
    ]
    place = found.records[0].place_of("data.data.me.meHoTen")
    assert str(place) == "f, [0].data.data.me.meHoTen"


def test_xml_inside_the_text_of_xml(read):
    inner = "<ExtentData><TaiLieu><Ten>Đơn.pdf</Ten></TaiLieu></ExtentData>"
    escaped = inner.replace("<", "&lt;")
    data = (
        f"<ds><hs><So>1</So><Them>{escaped}</Them></hs>"
        f"<hs><So>2</So><Them><![CDATA[{inner}]]></Them></hs></ds>"
    ).encode()

    found = read(data, format="xml", records="/ds/hs", embedded={"Them": "xml"})

    assert [values["Them"] for values in found.values] == [
        {"TaiLieu": {"Ten": "Đơn.pdf"}},
        {"TaiLieu": {"Ten": "Đơn.pdf"}},
    ]
    assert str(found.records[1].place_of("Them.TaiLieu.Ten")) == (
        "f, line 1, /ds/hs[2].Them.TaiLieu.Ten"
    )


def test_a_document_inside_a_cell_has_the_place_of_its_cell(read, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["So", "Chi tiết"])
    book.active.append([1, '{"phi": [{"muc": 5}]}'])
    book.save(tmp_path / "a.xlsx")

    found = read((tmp_path / "a.xlsx").read_bytes(), format="xlsx", embedded={"Chi tiết": "json"})

    assert found.values == [{"So": 1, "Chi tiết": {"phi": [{"muc": 5}]}}]
    assert str(found.records[0].place_of("Chi tiết.phi[0].muc")) == (
        "f, sheet Sheet, row 2, column B (Chi tiết), phi[0].muc"
    )


def test_every_item_of_a_list_on_the_way_has_its_document(read):
    record = {"tep": [{"nd": '{"a": 1}'}, {"nd": "[2]"}, {"khac": 1}, {"nd": "x"}]}

    found = read(json.dumps([record]).encode(), **JSON, embedded={"tep.nd": "json"})
    good = read(
        json.dumps([{"tep": record["tep"][:3]}]).encode(), **JSON, embedded={"tep.nd": "json"}
    )

    assert found.problems == [("embedded.json_syntax", "f, [0].tep[3].nd")]
    assert good.values == [{"tep": [{"nd": {"a": 1}}, {"nd": [2]}, {"khac": 1}]}]


@pytest.mark.parametrize("empty", [None, "", "  ", {"a": 1}, [{"a": 1}]])
def test_what_is_empty_or_open_already_stays_as_it_is(read, empty):
    assert read(feed(empty), **JSON, embedded={"data": "json"}).values == [{"id": 1, "data": empty}]


def test_a_declaration_and_a_mark_in_the_text_do_not_count(read):
    text = '\ufeff<?xml version="1.0" encoding="utf-16"?>\n<a><b>ộ</b></a>'

    assert read(feed(text), **JSON, embedded={"data": "xml"}).values == [
        {"id": 1, "data": {"b": "ộ"}}
    ]


def test_half_a_character_in_an_outer_document_is_told_of_and_no_crash(read):
    inner = json.dumps({"data": "<a><b>\ud800</b></a>"})

    found = read(feed(inner), **JSON, embedded={"data": "json", "data.data": "xml"})

    assert found.problems == [("embedded.surrogate", "f, [0].data.data")]


def test_a_list_of_bad_documents_tells_a_hundred_of_its_faults_and_keeps_no_more(read):
    data = json.dumps([{"a": ["["] * 50_000}]).encode()
    tracemalloc.start()

    found = read(data, **JSON, embedded={"a": "json"})
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(found.problems) == 100
    assert peak_bytes < 12_000_000


def test_text_inside_comes_out_composed(read):
    inner = '{"ten": "Nguye\\u0302\\u0303n"}'

    assert read(feed(inner), **JSON, embedded={"data": "json"}).values[0]["data"] == {
        "ten": "Nguyễn"
    }


DEEP = "[" * 100_000 + "]" * 100_000
BOMB = '<!DOCTYPE a [<!ENTITY b "bbb">]><a>&b;</a>'


@pytest.mark.parametrize(
    ("kind", "inner", "code", "where"),
    [
        ("json", '{"a": 1', "embedded.json_syntax", "data"),
        ("json", '{"a": NaN}', "embedded.json_syntax", "data"),
        ("json", '{"a": 1, "a": 2}', "embedded.key_repeated", "data.a"),
        ("json", '{"a": ["\\ud800"]}', "embedded.surrogate", "data.a[0]"),
        ("json", '{"a": "\\u0000"}', "embedded.nul", "data.a"),
        ("json", '{"a": ' + "9" * 5000 + "}", "embedded.number_too_long", "data"),
        ("json", DEEP, "embedded.too_deep", "data"),
        ("json", "[" * 70 + "]" * 70, "embedded.too_deep", "data"),
        ("json", 12, "embedded.not_text", "data"),
        ("xml", "<a><b></a>", "embedded.xml_syntax", "data"),
        ("xml", "không phải XML", "embedded.xml_syntax", "data"),
        ("xml", BOMB, "embedded.xml_doctype", "data"),
        ("xml", "<a>" * 100 + "</a>" * 100, "embedded.xml_too_deep", "data"),
        ("xml", "<a>" * 100_000, "embedded.xml_too_deep", "data"),
        ("xml", True, "embedded.not_text", "data"),
        ("xml-base64", "<a/>", "embedded.base64_syntax", "data"),
        ("xml-base64", "PGE+", "embedded.xml_syntax", "data"),
        ("xml-base64", "PGE", "embedded.base64_syntax", "data"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_wrong_inside_is_reported_at_its_field(read, kind, inner, code, where):
    found = read(feed(inner), **JSON, embedded={"data": kind})

    assert found.problems == [(code, f"f, [0].{where}")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_in_base64_is_read_in_the_encoding_that_it_declares(read, encoding):
    xml = f'<?xml version="1.0" encoding="{encoding}"?><DATA><TEN>Lệ phí</TEN></DATA>'
    text = base64.encodebytes(xml.encode(encoding)).decode()

    found = read(feed(text), **JSON, embedded={"data": "xml-base64"})

    assert [values["data"] for values in found.values] == [{"TEN": "Lệ phí"}]


def test_a_wrong_document_does_not_harm_other_records(read):
    data = b'{"n": 1, "d": "{}"}\n{"n": 2, "d": "{"}\n{"n": 3, "d": "{}"}\n'

    found = read(data, format="jsonl", embedded={"d": "json"})

    assert found.problems == [("embedded.json_syntax", "f, line 2, d")]
    assert "line 1, column 2" in found.records[1].problems[0].message.en
    assert [values["n"] for values in found.values] == [1, 3]


def test_a_column_whose_name_has_a_dot_is_found(read):
    found = read(b'a.b\n"{""x"": 1}"\n', format="csv", embedded={"a.b": "json"})

    assert found.values == [{"a.b": {"x": 1}}]


@pytest.mark.parametrize("depth", [100_000, 2_000_000])
def test_a_record_nested_without_end_costs_itself_alone(read, depth):
    deep = b"[" * depth + b"]" * depth

    lines = read(b'{"a": 1}\n{"a": ' + deep + b'}\n{"a": 3}\n', format="jsonl")
    assert [code for code, _ in lines.problems] == ["jsonl.too_deep"]
    assert [values["a"] for values in lines.values] == [1, 3]

    array = read(b'[{"a": 1}, {"a": ' + deep + b'}, {"a": 3}]', format="json")
    if depth > 1_000_000:
        assert array.code == "json.too_deep"
    else:
        assert [code for code, _ in array.problems] == ["json.too_deep"]
        assert [values["a"] for values in array.values] == [1, 3]


@pytest.mark.parametrize(
    "wrong", [{}, {"data": "yaml"}, {"data..x": "json"}, {3: "json"}, ["data"], {"data": None}]
)
def test_an_impossible_setting_is_named(wrong):
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "json", "embedded": wrong})

    assert {key for key, _ in caught.value.faults} == {"embedded"}

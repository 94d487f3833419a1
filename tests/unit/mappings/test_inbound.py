"""A message of the portal becomes a file in the agency's own format, or all that is wrong."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import SourceRecord, read_records
from mappings import compile_mapping, run_tests
from mappings.explaining_inbound import InboundExplainer
from schemas.errors import InputError
from schemas.problem import Place

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
LISTS = (
    '{trang_thai: {entries: [{from: "Mới", to: "2"}, {from: ["Đang xử lý", "Thẩm tra"], to: "4"}, '
    '{from: "Cũ", to: "9", valid_to: 2025-12-31}, '
    '{from: "Xong", to: "9", valid_from: 2026-01-01}]}}'
)
MESSAGE = {
    "MaHoSo": "H29.15-260305-0001",
    "MaTTHC": "1.012784",
    "ChuHoSo": "Nguyễn Văn Mẫu",
    "TrangThaiHoSo": "2",
    "NgayTiepNhan": "20260305081500",
    "NgayHenTra": "20260310170000",
    "TaiLieuNop": [{"TenTepDinhKem": "don.pdf"}, {"TenTepDinhKem": "phu-luc.pdf"}],
}
_XML = (
    '<BanTin xmlns="{namespace}" Id="x"><MaBanTin>1</MaBanTin><HoSo>'
    "<MaHoSo>H29.15-260305-0001</MaHoSo><TaiLieuNop><TenTepDinhKem>don.pdf</TenTepDinhKem>"
    "</TaiLieuNop><TaiLieuNop><TenTepDinhKem>phu-luc.pdf</TenTepDinhKem></TaiLieuNop></HoSo>"
    "</BanTin>"
)


@pytest.fixture
def service(mapping_text, load):
    """Compile one service whose columns and keys are given as YAML in one line."""

    def make(*columns, service="DongBoHoSoMC", target="{format: csv}", **top):
        lines = [f"  - service: {service}", f"    target: {target}"]
        lines += [f"    {key}: {value}" for key, value in top.items()]
        lines += ["    columns:", *(f"      - {column}" for column in columns)]
        dossier = {"TrangThaiHoSo": "{from: tt, codes: trang_thai}"}
        text = mapping_text(dossier, code_lists=LISTS) + "inbound:\n" + "\n".join(lines) + "\n"
        return compile_mapping(load(text)).inbound[service]

    return make


@pytest.fixture
def convert(service):
    def run(*columns, message=MESSAGE, **top):
        record = SourceRecord(number=1, values=message, place=Place(file="m.json"))
        return service(*columns, **top).convert(record, now=NOW)

    return run


def codes(inbound):
    return [problem.code for problem in inbound.problems]


def test_an_agency_without_the_section_gets_nothing(mapping_text, load):
    assert dict(compile_mapping(load(mapping_text())).inbound) == {}


def test_a_dossier_becomes_a_row_in_the_agencys_own_words(convert):
    inbound = convert(
        "{to: SoHoSo, from: MaHoSo, required: true, max_length: 50}",
        '{to: MaThuTuc, from: MaTTHC, text: [{suffix: ".000.00.00.H29"}]}',
        "{to: TenThuTuc, from: MaTTHC, lookup: {table: procedures, column: title}}",
        "{to: NgayNhan, from: NgayTiepNhan, date: dd/MM/yyyy HH:mm}",
        "{to: TrangThai, from: TrangThaiHoSo, codes: trang_thai}",
        '{to: Tep, each: TaiLieuNop, join: "##", from: TenTepDinhKem}',
        '{to: NguonGoc, constant: "Cổng DVCQG"}',
        event_key='"{MaHoSo}/{TrangThaiHoSo}"',
    )

    assert inbound.problems == ()
    assert inbound.document.decode() == (
        "SoHoSo,MaThuTuc,TenThuTuc,NgayNhan,TrangThai,Tep,NguonGoc\r\n"
        "H29.15-260305-0001,1.012784.000.00.00.H29,Tách thửa hoặc hợp thửa đất.,05/03/2026 08:15,"
        "Mới,don.pdf##phu-luc.pdf,Cổng DVCQG\r\n"
    )
    assert (inbound.media_type, inbound.charset) == ("text/csv", "utf-8")
    assert inbound.dossier_code == "H29.15-260305-0001"
    assert inbound.event_key == "H29.15-260305-0001/2"
    assert (inbound.procedure, inbound.status) == ("1.012784", "2")
    assert inbound.deadline == datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
    assert inbound.name_for("01JB-7") == "DongBoHoSoMC-01JB-7.csv"


def test_everything_wrong_is_told_at_once_with_its_place_and_column(convert):
    message = MESSAGE | {"TrangThaiHoSo": "4", "NgayTiepNhan": "20260231000000", "ChuHoSo": ""}

    inbound = convert(
        "{to: TrangThai, from: TrangThaiHoSo, codes: trang_thai}",
        "{to: NgayNhan, from: NgayTiepNhan, date: dd/MM/yyyy}",
        "{to: HoTen, from: ChuHoSo, required: true}",
        "{to: So, from: MaHoSo, max_length: 10}",
        message=message,
    )

    assert inbound.document is None
    assert [(p.code, p.field) for p in inbound.problems] == [
        ("mapping.code_ambiguous", "TrangThai"),
        ("mapping.date_invalid", "NgayNhan"),
        ("mapping.field_missing", "HoTen"),
        ("mapping.too_long", "So"),
    ]
    assert [p.place.path for p in inbound.problems] == [
        "TrangThaiHoSo",
        "NgayTiepNhan",
        "ChuHoSo",
        "MaHoSo",
    ]
    assert all(p.suggestion and p.message.vi != p.message.en for p in inbound.problems)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("2", "Mới"), ("4", "Thẩm tra"), ("9", "Xong"), ("10", "Trả"), ("", None)],
)
def test_a_code_becomes_the_word_in_force_or_the_one_the_mapping_prefers(convert, status, expected):
    inbound = convert(
        '{to: T, from: TrangThaiHoSo, codes: trang_thai, prefer: {"4": Thẩm tra, "10": Trả}}',
        "{to: So, from: MaHoSo}",
        message=MESSAGE | {"TrangThaiHoSo": status},
    )

    assert inbound.problems == ()
    assert inbound.rows[0].get("T") == expected


@pytest.mark.parametrize(
    ("column", "status", "code"),
    [
        ("codes: trang_thai", "7", "mapping.code_unknown"),
        ("codes: trang_thai", "4", "mapping.code_ambiguous"),
        ('codes: {"2": A}', "4", "mapping.code_unknown"),
    ],
)
def test_a_code_without_one_word_blocks_and_is_never_guessed(convert, column, status, code):
    inbound = convert(
        f"{{to: T, from: TrangThaiHoSo, {column}}}", message=MESSAGE | {"TrangThaiHoSo": status}
    )

    assert (codes(inbound), inbound.document) == ([code], None)


def test_codes_written_in_a_column_go_from_left_to_right(convert):
    inbound = convert(
        '{to: A, from: TrangThaiHoSo, codes: {"2": X, "4": X}}',
        '{to: B, from: TrangThaiHoSo, codes: {"2": ""}, default: không}',
    )

    assert inbound.rows == ({"A": "X", "B": "không"},)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("dd/MM/yyyy", "05/03/2026"),
        ("yyyy-MM-dd HH:mm:ss", "2026-03-05 08:15:00"),
        ("MM/dd/yyyy", "03/05/2026"),
        ("iso", "2026-03-05T08:15:00+07:00"),
        ('{write: iso, zone: "Z"}', "2026-03-05T01:15:00Z"),
        ('{write: "dd/MM/yyyy HH:mm", zone: "+00:00"}', "05/03/2026 01:15"),
        ("iso_local_labelled_utc", "2026-03-05T08:15:00Z"),
        ("epoch_ms", "1772673300000"),
        ("dotnet", "/Date(1772673300000+0700)/"),
        ("excel_serial", "46086.34375"),
    ],
)
def test_a_date_is_written_in_the_agencys_format_and_zone(convert, date, expected):
    inbound = convert(f"{{to: N, from: NgayTiepNhan, date: {date}}}")

    assert inbound.rows == ({"N": expected},)


def test_a_date_of_another_sender_is_read_as_the_mapping_says(convert):
    inbound = convert(
        "{to: N, from: Ngay, date: {write: yyyyMMdd, read: [dd-MM-yyyy], empty: ['00-00-0000']}}",
        "{to: K, from: Khac, date: {write: yyyyMMdd, read: [dd-MM-yyyy], empty: ['00-00-0000']}}",
        service="ThongBaoThue",
        source="{format: json, records: Data}",
        message={"Ngay": "05-03-2026", "Khac": "00-00-0000"},
    )

    assert inbound.rows == ({"N": "20260305"},)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("1250000", "1.250.000"), ("999", "999"), ("-1234.5", "-1.234,5"), ("-0.5", "-0,5")],
)
def test_a_number_is_written_as_the_agency_writes_it(convert, amount, expected):
    inbound = convert(
        "{to: Tien, from: GhiChu, number: vietnamese}", message=MESSAGE | {"GhiChu": amount}
    )

    assert inbound.rows == ({"Tien": expected},)


def test_a_joined_text_that_could_not_be_taken_apart_blocks_with_its_entry(convert):
    inbound = convert(
        '{to: Tep, each: TaiLieuNop, join: ";", from: TenTepDinhKem}',
        message=MESSAGE | {"TaiLieuNop": [{"TenTepDinhKem": "a"}, {"TenTepDinhKem": "b;c"}]},
    )

    assert codes(inbound) == ["mapping.separator_in_value"]
    assert inbound.problems[0].place.path == "TaiLieuNop[1].TenTepDinhKem"


def test_only_entries_that_meet_the_condition_are_joined(convert):
    files = [{"TenTepDinhKem": "a", "IsDeleted": "True"}, {"TenTepDinhKem": "b"}, {}]

    inbound = convert(
        '{to: Tep, each: TaiLieuNop, join: "##", from: TenTepDinhKem, '
        'when: {not: {path: IsDeleted, equals: "True"}}}',
        "{to: Ma, from: MaHoSo}",
        message=MESSAGE | {"TaiLieuNop": files},
    )

    assert inbound.rows[0]["Tep"] == "b"


def test_each_entry_becomes_a_row_with_values_of_the_whole_message(convert):
    inbound = convert(
        "{to: So, from: /MaHoSo}",
        "{to: Tep, from: TenTepDinhKem}",
        each="TaiLieuNop",
        target="{format: csv, header: false}",
    )

    assert inbound.document == (b"H29.15-260305-0001,don.pdf\r\nH29.15-260305-0001,phu-luc.pdf\r\n")


def test_a_message_without_the_entries_it_is_about_is_no_empty_file(convert):
    inbound = convert("{to: So, from: /MaHoSo}", each="TaiLieuNop", message={"MaHoSo": "H29"})

    assert (codes(inbound), inbound.document) == (["mapping.field_missing"], None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("../../etc/passwd", "____etc_passwd"),
        ("C:\\x\x00\n", "C_x_"),
        ("CON", "CON"),
        ("250303/TĐ/0042", "250303_TD_0042"),
        ("{message}", "_message_"),
        ("漢", "_"),
        ("x" * 500, "x" * 64),
    ],
)
def test_a_hostile_value_makes_a_safe_name(convert, value, expected):
    inbound = convert(
        "{to: So, from: MaHoSo}",
        file_name='"hs-{ChuHoSo}-{message}.csv"',
        message=MESSAGE | {"ChuHoSo": value},
    )

    assert inbound.file_name == f"hs-{expected}-{{message}}.csv"
    assert len(inbound.name_for("m" * 64)) <= 180


@pytest.mark.parametrize("value", ["nul", "-rf", ".htaccess", "com1"])
def test_a_name_is_no_device_option_or_hidden_file(convert, value):
    name = convert(
        "{to: So, from: MaHoSo}",
        file_name='"{ChuHoSo}.{message}.csv"',
        message=MESSAGE | {"ChuHoSo": value},
    ).name_for("1")

    assert name in {"_nul.1.csv", "_-rf.1.csv", "htaccess.1.csv", "_com1.1.csv"}


def test_a_dossier_code_that_is_named_and_empty_blocks(convert):
    inbound = convert("{to: T, from: TrangThaiHoSo}", message={"TrangThaiHoSo": "2"})

    assert [(p.code, p.field) for p in inbound.problems] == [
        ("mapping.field_missing", "dossier_code")
    ]


@pytest.mark.parametrize(
    "message",
    [
        json.dumps(MESSAGE),
        "\ufeff \n" + json.dumps([MESSAGE]),
        _XML.format(namespace="urn:lienthong:dvcqg:2020"),
        _XML.format(namespace="urn:lienthong:dvcqg:2022"),
    ],
    ids=["JSON", "JSON with a mark, in an array", "XML", "XML of a later version"],
)
def test_a_message_of_the_portal_is_read_whichever_way_it_came(service, message):
    made = service(
        "{to: So, from: MaHoSo}", '{to: Tep, each: TaiLieuNop, join: "#", from: TenTepDinhKem}'
    )

    (record,) = read_records(
        io.BytesIO(message.encode()),
        file_name="m",
        options=made.source,
        read_columns=made.read_columns,
    )
    assert made.convert(record, now=NOW).rows == (
        {"So": "H29.15-260305-0001", "Tep": "don.pdf#phu-luc.pdf"},
    )


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "input.empty"),
        (b"<a/>", "xml.records_missing"),
        (b"<html><body>502</body></html>", "xml.records_missing"),
        (b"<BanTin><HoSo>", "xml.syntax"),
        (b"xin chao", "json.syntax"),
        (b"PK\x03\x04 a workbook", "input.not_text"),
    ],
)
def test_what_is_no_message_is_refused_with_its_reason(service, message, code):
    made = service("{to: So, from: MaHoSo}")

    with pytest.raises(InputError) as caught:
        list(read_records(io.BytesIO(message), file_name="m", options=made.source))

    assert caught.value.problem.code == code


WRONG = "mapping.target_wrong"
MISTAKES = {
    "no source": ("{to: A, from: MaHoSo}", {"service": "ChungTuThue"}, ["mapping.key_missing"]),
    "a blank name of a service": (
        "{to: A, from: MaHoSo}",
        {"service": "' '", "source": "{format: json}"},
        ["mapping.type_wrong"],
    ),
    "a condition of nothing": (
        "{to: A, from: MaHoSo}",
        {"when": "{path: GhiChu, present: true}"},
        ["mapping.key_unknown"],
    ),
    "no column": ("{from: MaHoSo}", {}, ["mapping.key_missing"]),
    "a source too many": ("{to: A, from: MaHoSo, constant: c}", {}, ["mapping.rule_sources"]),
    "an unknown key": ("{to: A, from: MaHoSo, length: 5}", {}, ["mapping.key_unknown"]),
    "a format that has no day": (
        "{to: A, from: MaHoSo, date: MM/yyyy}",
        {},
        ["mapping.date_format_unknown"],
    ),
    "a zone": (
        "{to: A, from: MaHoSo, date: {write: iso, zone: Asia/Ho_Chi_Minh}}",
        {},
        ["mapping.type_wrong"],
    ),
    "a word the list does not have": (
        '{to: A, from: MaHoSo, codes: trang_thai, prefer: {"4": Đang xử lí}}',
        {},
        ["mapping.prefer_unknown"],
    ),
    "prefer without a list": (
        "{to: A, from: MaHoSo, prefer: {x: y}}",
        {},
        ["mapping.prefer_alone"],
    ),
    "each alone": ("{to: A, each: TaiLieuNop, from: IsDeleted}", {}, ["mapping.column_invalid"]),
    "join alone": ("{to: A, join: '#', from: MaHoSo}", {}, ["mapping.column_invalid"]),
    "rows in a table": (
        "{to: A, each: TaiLieuNop, columns: [{to: B, from: IsDeleted}]}",
        {},
        [WRONG],
    ),
    "an option": (
        "{to: A, from: MaHoSo}",
        {"target": "{format: csv, sep: x}"},
        [WRONG],
    ),
    "a folder": (
        "{to: A, from: MaHoSo}",
        {"file_name": "'out/{message}.csv'"},
        ["mapping.file_name_invalid"],
    ),
    "a name without the message": (
        "{to: A, from: MaHoSo}",
        {"file_name": "'{MaHoSo}.csv'"},
        ["mapping.file_name_invalid"],
    ),
    "a name without an end": (
        "{to: A, from: MaHoSo}",
        {"file_name": "'{a}{b}{c}{message}.csv'"},
        ["mapping.file_name_invalid"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_without_a_message_is_found_when_the_file_loads(mapping_text, mistakes, name):
    column, top, expected = MISTAKES[name]
    text = inbound_text(mapping_text, column, top, code_lists=LISTS)

    assert [problem.code for problem in mistakes(text)] == expected


def test_a_service_stands_once(mapping_text, mistakes):
    one = "{service: DongBoHoSoMC, target: {format: csv}, columns: [{to: A, from: MaHoSo}]}"

    found = mistakes(mapping_text() + f"inbound: [{one}, {one}]\n")

    assert [problem.code for problem in found] == ["mapping.inbound_duplicate"]


WARNED = {
    "several words for a code": (
        "{to: A, from: GhiChu, codes: trang_thai}",
        {},
        "mapping.codes_ambiguous",
    ),
    "no word for codes of the portal": (
        '{to: A, from: TrangThaiHoSo, codes: {"2": Mới}}',
        {},
        "mapping.codes_unmapped",
    ),
    "no dossier": (
        "{to: A, from: b}",
        {"service": "ThongBaoThue", "source": "{format: json, records: Data}"},
        "mapping.inbound_unidentified",
    ),
}
REFUSED = {
    "a field of no dossier": ("{to: A, from: MaHoso}", {}, "mapping.field_unknown"),
    "a field of no file": (
        "{to: A, each: TaiLieuNop, join: '#', from: MaHoSo}",
        {},
        "mapping.field_unknown",
    ),
    "a list of no dossier": (
        "{to: A, each: TaiLieu, join: '#', from: b}",
        {},
        "mapping.field_unknown",
    ),
    "a constant without letters in the charset": (
        "{to: A, constant: ẨN}",
        {"target": "{format: csv, encoding: tcvn3}"},
        "mapping.written_refused",
    ),
    "a word that the agency cannot take": (
        '{to: A, from: TrangThaiHoSo, codes: {"2": Mới tiếp nhận}, max_length: 5}',
        {},
        "mapping.written_refused",
    ),
    "several rows in a document of one": (
        "{to: A, from: MaHoSo}",
        {"target": "{format: json}", "each": "TaiLieuNop"},
        WRONG,
    ),
}


def inbound_text(mapping_text, column, top, **more):
    top = {"service": "DongBoHoSoMC", "target": "{format: csv}"} | top
    lines = [f"    {key}: {value}" for key, value in top.items()]
    lines[0] = "  - " + lines[0].lstrip()
    text = mapping_text({"TrangThaiHoSo": "{from: tt, codes: trang_thai}"}, **more)
    return text + "inbound:\n" + "\n".join([*lines, "    columns:", f"      - {column}"]) + "\n"


@pytest.mark.parametrize("name", WARNED)
def test_what_would_stop_some_messages_is_a_warning(mapping_text, load, name):
    column, top, code = WARNED[name]

    file = load(inbound_text(mapping_text, column, top, code_lists=LISTS))

    assert code in [problem.code for problem in file.warnings]


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_spoil_every_message_is_an_error(mapping_text, mistakes, name):
    column, top, code = REFUSED[name]

    found = mistakes(inbound_text(mapping_text, column, top, code_lists=LISTS))

    assert code in [problem.code for problem in found]


def test_a_column_that_the_agencys_own_files_always_have_is_missed(mapping_text, load):
    source = "{format: csv, required: [so, ngay, tt]}"
    text = inbound_text(mapping_text, "{to: so, from: MaHoSo}", {}, code_lists=LISTS, source=source)

    (found,) = [p for p in load(text).warnings if p.code == "mapping.inbound_column_missing"]
    assert "'ngay', 'tt'" in found.message.en


def test_a_list_that_is_only_looked_up_backwards_is_used(mapping_text, load):
    lists = '{trang_thai: {entries: [{from: A, to: "2"}]}, khac: {entries: [{from: B, to: b}]}}'
    text = inbound_text(mapping_text, "{to: T, from: GhiChu, codes: khac}", {}, code_lists=lists)

    assert "mapping.codes_unused" not in [problem.code for problem in load(text).warnings]


def test_a_test_of_a_message_names_what_differs(mapping_text, load):
    tests = """tests:
  - name: đúng
    inbound: DongBoHoSoMC
    record: {MaHoSo: "H29-1"}
    rows: [{A: "H29-1"}]
    file_name: "DongBoHoSoMC-{message}.csv"
  - name: sai
    inbound: DongBoHoSoMC
    record: {MaHoSo: "H29-1"}
    rows: [{A: "H29-2"}]
    file_name: "x"
  - name: có lỗi
    inbound: DongBoHoSoMC
    record: {TrangThaiHoSo: "2"}
    problems: [{code: mapping.field_missing, field: dossier_code}]
"""
    text = inbound_text(mapping_text, "{to: A, from: MaHoSo}", {}, code_lists=LISTS)

    results = run_tests(load(text + tests))

    assert [[text.en for text in result.differences] for result in results] == [
        [],
        [
            "rows[0].A: expected 'H29-2', found 'H29-1'",
            "file_name: expected 'x', found 'DongBoHoSoMC-{message}.csv'",
        ],
        [],
    ]


def test_a_test_of_a_message_does_not_speak_of_a_dossier(mapping_text, mistakes):
    tests = """tests:
  - {name: a, inbound: DongBoHoSoMC, record: {MaHoSo: "1"}, dossier: {MaHoSo: "1"}}
  - {name: b, inbound: DongBoHoSo, record: {MaHoSo: "1"}}
  - {name: c, inbound: DongBoHoSoMC, record: {MaHoSo: "1"}, rows: [{B: "1"}]}
  - {name: d, record: {so: "1"}, rows: [{A: "1"}]}
"""
    text = inbound_text(mapping_text, "{to: A, from: MaHoSo}", {}, code_lists=LISTS)

    assert [problem.code for problem in mistakes(text + tests)] == [
        "mapping.test_contradicts",
        "mapping.inbound_unknown",
        "mapping.column_unknown",
        "mapping.test_contradicts",
    ]


def test_an_explanation_has_the_same_values_as_the_conversion(service, mapping_text, load):
    column = (
        "{to: N, from: NgayTiepNhan, date: dd/MM/yyyy}",
        '{to: Tep, each: TaiLieuNop, join: "#", from: TenTepDinhKem}',
    )
    text = inbound_text(mapping_text, "\n      - ".join(column), {}, code_lists=LISTS)
    record = SourceRecord(number=1, values=MESSAGE, place=Place(file="m.json"))

    explanation = InboundExplainer(load(text).inbound[0]).explain(record, now=NOW)

    assert explanation.inbound.rows == ({"N": "05/03/2026", "Tep": "don.pdf#phu-luc.pdf"},)
    assert [(each.field, each.value) for each in explanation.packet.fields] == [
        ("N", "05/03/2026"),
        ("Tep", "don.pdf"),
        ("Tep", "phu-luc.pdf"),
    ]
    assert [step.words.en for step in explanation.packet.fields[0].steps] == [
        "read 'NgayTiepNhan'",
        "date written dd/MM/yyyy",
    ]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
TARGETS = [
    "{format: csv, encoding: tcvn3}",
    "{format: csv, encoding: vni, delimiter: x, quote: ''}",
    "{format: csv, encoding: windows-1258, formulas: keep}",
    "{format: fixed, fields: {A: 1-8, B: 9-16, C: 17-40}}",
    "{format: fixed, encoding: viscii, unit: bytes, fields: {A: 1-8, B: 9-16, C: 17-40}}",
    "{format: json, encoding: utf-16}",
    "{format: xml, records: /a/b}",
    "{format: xlsx}",
]


@pytest.mark.parametrize("target", TARGETS)
def test_no_message_whatever_it_holds_breaks_the_conversion(service, target):
    made = service(
        "{to: A, from: MaHoSo}",
        "{to: B, from: NgayTiepNhan, date: dd/MM/yyyy, default: y}",
        '{to: C, each: TaiLieuNop, join: "#", from: TenTepDinhKem}',
        target=target,
        file_name='"{ChuHoSo}-{message}"',
        deadline="{first: [NgayHenTra, NgayTiepNhan], default: '20260101000000'}",
    )

    @given(a=ANY, b=ANY, c=ANY, d=ANY)
    def never_breaks(a, b, c, d):
        values = {"MaHoSo": a, "ChuHoSo": b, "NgayTiepNhan": c, "NgayHenTra": c, "TaiLieuNop": d}
        record = SourceRecord(number=1, values=values, place=Place(file="m"))

        inbound = made.convert(record, now=NOW)

        name = inbound.name_for("01")
        assert name == name.strip(". ")
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,179}", name)
        has_error = any(p.severity.value == "error" for p in inbound.problems)
        assert (inbound.document is None) == has_error

    never_breaks()


@pytest.mark.parametrize("text", ["\u0301a", "\u0338"])
def test_a_mark_that_would_join_the_letter_before_it_is_refused(convert, text):
    inbound = convert("{to: So, from: ChuHoSo}", message=MESSAGE | {"ChuHoSo": text})

    assert codes(inbound) == ["target.unencodable"]


def test_a_deadline_that_is_no_moment_is_found_when_the_file_loads(mapping_text, mistakes):
    top = {"deadline": "{from: NgayHenTra, default: mai}"}

    found = mistakes(inbound_text(mapping_text, "{to: A, from: MaHoSo}", top, code_lists=LISTS))

    assert [problem.code for problem in found] == ["mapping.default_refused"]

"""Documents are their own canonical form, whatever stands in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from schemas.building import (
    SOAP_11,
    SOAP_12,
    DocumentBuilder,
    LookUpResult,
    build_envelope,
    build_look_up,
    build_look_up_response,
    build_receipt,
    build_request,
    build_response,
)
from schemas.errors import InputError
from schemas.model import load_version
from schemas.parser import parse_xml

NS = "urn:lienthong:dvcqg:2020"
ID = "01935f8e-7c00-7a3b-8f00-1234567890ab"
AT = datetime(2021, 3, 5, 18, 30, 0, tzinfo=UTC)
OLD = load_version("dvcqg-2020")
BUILDER = DocumentBuilder(OLD, "DongBoHoSoMC")


def canonical(data: bytes) -> bytes:
    root = etree.fromstring(data)
    return etree.tostring(root, method="c14n", exclusive=True, with_comments=True)


# What XML 1.0 can hold, with a liking for what needs care.
NASTY = st.sampled_from(
    ["&", "<", ">", '"', "'", "]]>", "&amp;", "<!--", "-->", "<![CDATA[", "\r\n", "ữ", "ư\u0303"]
) | st.sampled_from("Đệ\r\n\t \u0309\u00a0\u200b\ufeff\x7f\x85\u2028\ufffd\U0001f600")
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
    lambda character: character >= " " or character in "\t\n\r"
)
TEXTS = st.lists(NASTY | ANY, max_size=20).map("".join)


@given(name=TEXTS, note=TEXTS, files=st.lists(TEXTS, max_size=3), agency=TEXTS)
def test_a_document_is_its_own_canonical_form(name, note, files, agency):
    document = BUILDER.build(
        {
            "TenTTHC": name,
            "GhiChu": note,
            "TaiLieuNop": [{"TenTepDinhKem": file, "IsDeleted": "False"} for file in files],
        },
        message_id=ID,
        agency_code=agency,
        created_at=AT,
    )

    assert canonical(document) == document
    root = parse_xml(document)
    assert (root.findtext(f".//{{{NS}}}TenTTHC") or "") == name
    assert (root.findtext(f".//{{{NS}}}GhiChu") or "") == note
    assert [e.text or "" for e in root.iter(f"{{{NS}}}TenTepDinhKem")] == files


def test_a_document_looks_as_decided(build):
    document = build(OLD, {"TenTTHC": "A & B", "MaHoSo": "H29-210305-0042"})

    assert document.decode() == (
        f'<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-{ID}"><MaBanTin>{ID}</MaBanTin>'
        "<MaDonVi>000.19.26.H29</MaDonVi><ThoiDiemTao>20210306013000</ThoiDiemTao>"
        "<HoSo><MaHoSo>H29-210305-0042</MaHoSo><TenTTHC>A &amp; B</TenTTHC></HoSo></BanTin>"
    )


def test_a_progress_row_stands_in_its_own_element(version, build, progress):
    document = build(version, progress, packet="CapNhatTienDoHoSoMC")

    assert b"</ThoiDiemTao><TienDo><MaHoSo>" in document
    assert document.endswith(b"<TrangThai>4</TrangThai></TienDo></BanTin>")


def test_fields_follow_the_schema_whatever_their_order_was(version, build, dossier):
    backwards = dict(reversed(dossier.items()))

    assert build(version, backwards) == build(version, dossier)


def test_nested_arrays_repeat_their_published_name(build):
    document = build(
        OLD,
        {
            "DanhSachHoSoBoSung": [
                {"HoSoBoSungId": "1", "DanhSachLePhiBoSung": [{"Gia": "5"}, {"Gia": "6"}]},
                {"HoSoBoSungId": "2"},
            ]
        },
    )

    assert (
        b"<HoSo><DanhSachHoSoBoSung><HoSoBoSungId>1</HoSoBoSungId>"
        b"<DanhSachLePhiBoSung><Gia>5</Gia></DanhSachLePhiBoSung>"
        b"<DanhSachLePhiBoSung><Gia>6</Gia></DanhSachLePhiBoSung></DanhSachHoSoBoSung>"
        b"<DanhSachHoSoBoSung><HoSoBoSungId>2</HoSoBoSungId></DanhSachHoSoBoSung></HoSo>"
    ) in document


def test_an_empty_array_leaves_no_trace(build):
    assert build(OLD, {"TaiLieuNop": []}).endswith(b"<HoSo></HoSo></BanTin>")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Khac": "1"}, "unknown fields"),
        ({"NoiNopHoSo": "1"}, "unknown fields"),
        ({"TaiLieuNop": [{"Khac": "1"}]}, "unknown fields"),
        ({"TaiLieuNop": "1"}, "nested array, not a text"),
        ({"MaHoSo": [{}]}, "text, not a nested array"),
    ],
)
def test_what_no_mapping_may_produce_is_a_bug(build, values, message):
    with pytest.raises(ValueError, match=message):
        build(OLD, values)


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1f", "\ud800", "\uffff"])
def test_a_character_that_xml_cannot_hold_is_an_error_of_the_input(build, character):
    with pytest.raises(InputError) as caught:
        build(OLD, {"TaiLieuNop": [{"TenTepDinhKem": f"a&b{character}"}]})

    problem = caught.value.problem
    assert caught.value.code == "xml.forbidden_character"
    assert problem.place.path == problem.field == "TaiLieuNop[1].TenTepDinhKem"
    assert f"U+{ord(character):04X}" in problem.message.vi
    assert "character 4" in problem.message.en


def test_an_item_without_any_field_is_an_error_of_the_input(build):
    with pytest.raises(InputError) as caught:
        build(OLD, {"TaiLieuNop": [{"TepDinhKemId": "1"}, {}]})

    assert caught.value.code == "document.empty_group"
    assert caught.value.problem.field == "TaiLieuNop[2]"


@pytest.mark.parametrize("message_id", ["", 'x" y="', "a b", "<"])
def test_a_message_id_cannot_break_out_of_its_attribute(build, message_id):
    with pytest.raises(ValueError, match="not a message id"):
        build(OLD, {}, message_id=message_id)


def test_times_are_written_in_vietnamese_time():
    tokyo = datetime(2021, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=9)))

    document = BUILDER.build({}, message_id=ID, agency_code="H29", created_at=tokyo)

    assert b"<ThoiDiemTao>20211231213000</ThoiDiemTao>" in document


def test_a_naive_time_is_a_bug():
    with pytest.raises(ValueError, match="no zone"):
        BUILDER.build({}, message_id=ID, agency_code="H29", created_at=datetime(2021, 1, 1))  # noqa: DTZ001


def test_a_request_goes_around_the_document_without_touching_it():
    document = b"<BanTin  any = 'bytes'/>"

    add = build_request(
        "DongBoHoSoMC", version=OLD, document=document, attempt=2, sent_at=AT, is_updating=False
    )
    row = build_request(
        "CapNhatTienDoHoSoMC",
        version=OLD,
        document=document,
        attempt=1,
        sent_at=AT,
        is_updating=None,
    )

    assert add == (
        b'<DongBoHoSoMC xmlns="urn:lienthong:dvcqg:2020"><isUpdating>False</isUpdating>'
        b"<LanGui>2</LanGui><ThoiDiemGui>20210306013000</ThoiDiemGui>"
        b"<data><BanTin  any = 'bytes'/></data></DongBoHoSoMC>"
    )
    assert row == (
        b'<CapNhatTienDoHoSoMC xmlns="urn:lienthong:dvcqg:2020">'
        b"<LanGui>1</LanGui><ThoiDiemGui>20210306013000</ThoiDiemGui>"
        b"<data><BanTin  any = 'bytes'/></data></CapNhatTienDoHoSoMC>"
    )


@pytest.mark.parametrize(
    ("packet", "is_updating"), [("DongBoHoSoMC", None), ("CapNhatTienDoHoSoMC", True)]
)
def test_the_flag_belongs_to_dossiers_only(packet, is_updating):
    with pytest.raises(ValueError, match="is_updating"):
        build_request(
            packet, version=OLD, document=b"", attempt=1, sent_at=AT, is_updating=is_updating
        )


def test_the_other_messages_look_as_decided():
    receipt = build_receipt(
        OLD, message_id=ID, dossier_code="H29-210305-0042", digest="ab", received_at=AT
    )
    result = LookUpResult(
        dossier_code="H29-210305-0042", status="4", received_at=AT, progress=((ID, "cd"),)
    )

    assert receipt.decode() == (
        f'<BienNhan xmlns="urn:lienthong:dvcqg:2020" Id="bn-{ID}"><MaBanTin>{ID}</MaBanTin>'
        "<MaHoSo>H29-210305-0042</MaHoSo><GiaTriBam>ab</GiaTriBam>"
        "<ThoiDiemNhan>20210306013000</ThoiDiemNhan></BienNhan>"
    )
    assert canonical(receipt) == receipt
    assert build_look_up(OLD, agency_code="H29", dossier_code="<x>").decode() == (
        '<TraCuuHoSo xmlns="urn:lienthong:dvcqg:2020"><madonvi>H29</madonvi>'
        "<mahoso>&lt;x&gt;</mahoso></TraCuuHoSo>"
    )
    assert build_response(
        OLD, "DongBoHoSoMC", error_code="0", message="Tốt", receipt=b"<r/>"
    ).decode() == (
        '<DongBoHoSoMCResponse xmlns="urn:lienthong:dvcqg:2020"><error_code>0</error_code>'
        "<message>Tốt</message><r/></DongBoHoSoMCResponse>"
    )
    assert build_look_up_response(OLD, error_code="0", message="", results=[result]).decode() == (
        '<TraCuuHoSoResponse xmlns="urn:lienthong:dvcqg:2020"><error_code>0</error_code>'
        "<message></message><result><MaHoSo>H29-210305-0042</MaHoSo>"
        "<TrangThaiHoSo>4</TrangThaiHoSo><ThoiDiemNhan>20210306013000</ThoiDiemNhan>"
        f"<TienDo><MaBanTin>{ID}</MaBanTin><GiaTriBam>cd</GiaTriBam></TienDo>"
        "</result></TraCuuHoSoResponse>"
    )


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
def test_an_envelope_holds_the_body_as_it_is(soap):
    envelope = build_envelope(b"<a  b='1'/>", soap=soap)

    assert b"<soap:Body><a  b='1'/></soap:Body>" in envelope
    assert parse_xml(envelope).tag == f"{{{soap}}}Envelope"


def test_only_the_two_envelopes_exist():
    with pytest.raises(ValueError, match="SOAP"):
        build_envelope(b"<a/>", soap="urn:other")


def test_a_document_inside_an_envelope_keeps_its_canonical_form(build, dossier):
    document = build(OLD, dossier)
    body = build_request(
        "DongBoHoSoMC", version=OLD, document=document, attempt=1, sent_at=AT, is_updating=True
    )

    root = parse_xml(build_envelope(body, soap=SOAP_12))

    (inside,) = root.iter(f"{{{NS}}}BanTin")
    assert etree.tostring(inside, method="c14n", exclusive=True, with_tail=False) == document

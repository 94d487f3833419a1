"""Messages read back as built; any other shape is an InputError that names the element."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from schemas.building import (
    DocumentBuilder,
    LookUpResult,
    build_look_up,
    build_look_up_response,
    build_receipt,
    build_request,
    build_response,
)
from schemas.errors import InputError
from schemas.model import load_version
from schemas.parser import parse_xml
from schemas.reading import (
    read_document,
    read_look_up,
    read_look_up_response,
    read_receipt,
    read_request,
    read_response,
)

ID = "01935f8e-7c00-7a3b-8f00-1234567890ab"
AT = datetime(2021, 3, 5, 18, 30, 0, tzinfo=UTC)
OLD = load_version("dvcqg-2020")
SIGNATURE = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X/></ds:Signature>'


def test_a_dossier_reads_back(version, build, dossier):
    values = {**dossier, "TaiLieuNop": [{"TepDinhKemId": "1"}, {"TenTepDinhKem": "a & b"}]}

    document = read_document(parse_xml(build(version, values)))

    assert document.version is version
    assert document.packet == "DongBoHoSoMC"
    assert document.message_id == ID
    assert document.agency_code == "000.19.26.H29"
    assert document.created_at == AT
    assert document.dossier_code == "000.19.26.H29-210305-0042"
    assert document.values == values


def test_a_progress_row_reads_back(version, build, progress):
    document = read_document(parse_xml(build(version, progress, packet="CapNhatTienDoHoSoMC")))

    assert document.packet == "CapNhatTienDoHoSoMC"
    assert document.values == progress


def test_a_signature_is_stepped_over(build, dossier):
    signed = build(OLD, dossier).replace(b"</BanTin>", SIGNATURE.encode() + b"</BanTin>")

    assert read_document(parse_xml(signed)).values == dossier


def test_requests_read_back(version, build, dossier, progress):
    documents = {
        "DongBoHoSoMC": (build(version, dossier), True),
        "CapNhatTienDoHoSoMC": (build(version, progress, packet="CapNhatTienDoHoSoMC"), None),
    }

    for packet, (document, flag) in documents.items():
        body = build_request(
            packet, version=version, document=document, attempt=3, sent_at=AT, is_updating=flag
        )
        request = read_request(parse_xml(body))
        assert (request.version, request.packet) == (version, packet)
        assert (request.is_updating, request.attempt, request.sent_at) == (flag, 3, AT)
        assert read_document(request.document_element).message_id == ID


def test_a_look_up_reads_back(version):
    question = read_look_up(parse_xml(build_look_up(version, agency_code="H29", dossier_code="x")))

    assert (question.version, question.agency_code, question.dossier_code) == (version, "H29", "x")


def test_a_receipt_and_its_answer_read_back(version):
    receipt = build_receipt(
        version, message_id=ID, dossier_code="x", digest="ab" * 32, received_at=AT
    )
    body = build_response(version, "DongBoHoSoMC", error_code="0", message="Tốt", receipt=receipt)

    response = read_response(parse_xml(body))
    read = read_receipt(response.receipt_element)

    assert (response.operation, response.error_code, response.message) == (
        "DongBoHoSoMC",
        "0",
        "Tốt",
    )
    assert (read.message_id, read.dossier_code, read.digest) == (ID, "x", "ab" * 32)
    assert read.received_at == AT


def test_an_answer_may_come_without_a_receipt(version):
    body = build_response(version, "CapNhatTienDoHoSoMC", error_code="-1", message="")

    assert read_response(parse_xml(body)).receipt_element is None


@pytest.mark.parametrize(
    "results",
    [
        (),
        (LookUpResult(dossier_code="x", status="4", received_at=AT),),
        (
            LookUpResult(
                dossier_code="x",
                status="10",
                received_at=AT,
                message_id=ID,
                digest="ab" * 32,
                progress=((ID, "cd" * 32), (ID, "ef" * 32)),
            ),
            LookUpResult(dossier_code="y", status="1", received_at=AT, digest="ab" * 32),
        ),
    ],
    ids=["nothing", "existence", "content"],
)
def test_the_answer_to_a_look_up_reads_back(version, results):
    body = build_look_up_response(version, error_code="0", message="Tốt", results=results)

    answer = read_look_up_response(parse_xml(body))

    assert answer.error_code == "0"
    assert answer.results == results


NS = 'xmlns="urn:lienthong:dvcqg:2020"'
HEAD = f"<MaBanTin>{ID}</MaBanTin><MaDonVi>H29</MaDonVi><ThoiDiemTao>20210306013000</ThoiDiemTao>"
HOSO = "<HoSo><MaHoSo>x</MaHoSo></HoSo>"


def bantin(inside: str, *, attributes: str = f'{NS} Id="bt-{ID}"') -> str:
    return f"<BanTin {attributes}>{inside}</BanTin>"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<BanTin/>", "document.namespace"),
        (bantin(HEAD + HOSO, attributes='xmlns="urn:other"'), "document.namespace"),
        (f"<HoSo {NS}/>", "document.root"),
        (bantin(""), "document.element_missing"),
        (bantin(HEAD), "document.element_missing"),
        (bantin(HEAD + "<Khac/>"), "document.element_missing"),
        (bantin(HEAD + "<HoSo/>"), "document.element_missing"),
        (bantin(HEAD + "<HoSo><MaHoSo/></HoSo>"), "document.element_missing"),
        (bantin(HOSO + HEAD), "document.element_missing"),
        (bantin(HEAD + HOSO + HOSO), "document.element_unexpected"),
        (bantin(HEAD + HOSO + "<TienDo/>"), "document.element_unexpected"),
        (bantin(HEAD + SIGNATURE + HOSO), "document.element_unexpected"),
        (bantin(HEAD + HOSO + SIGNATURE + SIGNATURE), "document.element_unexpected"),
        (bantin(HEAD + HOSO, attributes=NS), "document.id"),
        (bantin(HEAD + HOSO, attributes=f'{NS} Id="bt-x"'), "document.id"),
        (bantin(HEAD.replace("20210306013000", "20211306013000") + HOSO), "document.value"),
        (bantin(HEAD.replace("20210306013000", "2021030601300") + HOSO), "document.value"),
        (bantin(HEAD.replace("20210306013000", "00010101000000") + HOSO), "document.value"),
        (bantin(HEAD.replace("H29", "<b>H29</b>") + HOSO), "document.value"),
        (bantin(HEAD.replace("H29", "H<?p?>29") + HOSO), "document.value"),
        (bantin(HEAD + "<HoSo><MaHoSo>x</MaHoSo><Khac/></HoSo>"), "document.field_unknown"),
        (bantin(HEAD + "<HoSo><NoiNopHoSo>2</NoiNopHoSo></HoSo>"), "document.field_unknown"),
        (
            bantin(HEAD + "<HoSo><MaHoSo>x</MaHoSo><MaHoSo>y</MaHoSo></HoSo>"),
            "document.field_repeated",
        ),
        (
            bantin(HEAD + '<HoSo><MaHoSo xmlns="">x</MaHoSo></HoSo>'),
            "document.element_unexpected",
        ),
        (bantin(HEAD + "<HoSo><?p?></HoSo>"), "document.element_unexpected"),
    ],
)
def test_a_document_of_another_shape_is_refused(text, code):
    with pytest.raises(InputError) as caught:
        read_document(parse_xml(text.encode()))

    assert caught.value.code == code
    assert caught.value.problem.message.vi.startswith("cần ")
    assert caught.value.problem.message.en.startswith("expected ")


REQUEST = "<isUpdating>True</isUpdating><LanGui>1</LanGui><ThoiDiemGui>20210306013000</ThoiDiemGui>"


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("", "document.element_missing"),
        (REQUEST, "document.element_missing"),
        (REQUEST + "<data/>", "document.element_missing"),
        (REQUEST + "<data><Khac/></data>", "document.element_missing"),
        (REQUEST + "<data><BanTin/><BanTin/></data>", "document.element_unexpected"),
        (REQUEST + "<data><BanTin/></data><x/>", "document.element_unexpected"),
        (REQUEST.replace("True", "true") + "<data><BanTin/></data>", "document.value"),
        (REQUEST.replace(">1<", ">0<") + "<data><BanTin/></data>", "document.value"),
        (REQUEST.replace(">1<", f">{'9' * 5000}<") + "<data><BanTin/></data>", "document.value"),
        (REQUEST.replace(">1<", ">١<") + "<data><BanTin/></data>", "document.value"),
    ],
)
def test_a_request_of_another_shape_is_refused(inside, code):
    with pytest.raises(InputError) as caught:
        read_request(parse_xml(f"<DongBoHoSoMC {NS}>{inside}</DongBoHoSoMC>".encode()))

    assert caught.value.code == code


@pytest.mark.parametrize(
    "read",
    [
        read_document,
        read_request,
        read_receipt,
        read_response,
        read_look_up,
        read_look_up_response,
    ],
)
def test_every_reader_refuses_a_foreign_root(read):
    with pytest.raises(InputError) as caught:
        read(parse_xml(b'<x xmlns="urn:lienthong:dvcqg:2020"/>'))

    assert caught.value.code == "document.root"
    assert caught.value.problem.place.path == "/x"


READERS = [
    (
        read_document,
        DocumentBuilder(OLD, "DongBoHoSoMC").build(
            {"MaHoSo": "x", "TaiLieuNop": [{"TepDinhKemId": "1"}]},
            message_id=ID,
            agency_code="H29",
            created_at=AT,
        ),
    ),
    (read_receipt, build_receipt(OLD, message_id=ID, dossier_code="x", digest="a", received_at=AT)),
    (
        read_response,
        build_response(OLD, "DongBoHoSoMC", error_code="0", message="", receipt=b"<r/>"),
    ),
    (
        read_look_up_response,
        build_look_up_response(
            OLD,
            error_code="0",
            message="",
            results=[
                LookUpResult(dossier_code="x", status="1", received_at=AT, progress=((ID, "a"),))
            ],
        ),
    ),
]


@given(
    sample=st.sampled_from(READERS),
    at=st.integers(0, 20),
    act=st.sampled_from(["drop", "double", "rename", "empty", "nest", "foreign"]),
)
def test_a_mutilated_message_is_read_or_refused_but_never_a_crash(sample, at, act):
    read, data = sample
    root = parse_xml(data)
    nodes = list(root.iter())
    node = nodes[at % len(nodes)]
    parent = node.getparent()
    if act == "drop" and parent is not None:
        parent.remove(node)
    elif act == "double" and parent is not None:
        parent.append(etree.fromstring(etree.tostring(node)))
    elif act == "rename":
        node.tag = "{urn:lienthong:dvcqg:2020}Khac"
    elif act == "empty":
        node.clear()
    elif act == "nest":
        etree.SubElement(node, node.tag)
    else:
        node.tag = "x"

    with contextlib.suppress(InputError):
        read(root)

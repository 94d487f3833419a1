"""What the schema refuses is refused, and every mistake is named at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
import xmlschema

from schemas.building import (
    SOAP_11,
    LookUpResult,
    build_envelope,
    build_look_up,
    build_look_up_response,
    build_receipt,
    build_request,
    build_response,
)
from schemas.model import Kind, load_version
from schemas.parser import parse_xml
from schemas.validation import Validator

ID = "01935f8e-7c00-7a3b-8f00-1234567890ab"
AT = datetime(2021, 3, 5, 18, 30, 0, tzinfo=UTC)
SIGNATURE = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X/></ds:Signature>'

SAMPLES = {
    Kind.TEXT: "Chữ",
    Kind.DATETIME: "20240229235959",
    Kind.INTEGER: "3",
    Kind.BOOLEAN: "True",
}


def value_of(field):
    if field.group is not None:
        return [{inner.name: value_of(inner) for inner in field.group.fields.values()}] * 2
    if field.kind is Kind.CODE:
        return next(iter(field.codes))
    return {"MaHoSo": "H29.14-210305-0042", "MaTTHC": "1.001193"}.get(
        field.name, SAMPLES[field.kind]
    )


def codes_of(problems):
    return [(problem.code, problem.field) for problem in problems]


@pytest.fixture(params=["DongBoHoSoMC", "CapNhatTienDoHoSoMC"])
def packet(request):
    return request.param


def test_every_field_of_the_version_is_accepted(version, packet, build):
    fields = version.packets[packet].fields.values()
    document = build(version, {field.name: value_of(field) for field in fields}, packet=packet)

    assert Validator(version).problems(document) == []


def test_every_required_field_is_missed_and_no_other(version, packet, build):
    group = version.packets[packet]
    full = {field.name: value_of(field) for field in group.fields.values()}
    validator = Validator(version)

    for name, field in group.fields.items():
        less = {key: value for key, value in full.items() if key != name}
        found = codes_of(validator.problems(build(version, less, packet=packet)))
        assert found == ([("schema.field_missing", name)] if field.required else []), name


def test_every_code_is_accepted_and_another_is_not(version, packet, build):
    group = version.packets[packet]
    full = {field.name: value_of(field) for field in group.fields.values()}
    validator = Validator(version)

    for name, field in group.fields.items():
        for code in field.codes:
            assert not validator.problems(build(version, {**full, name: code}, packet=packet))
        if field.codes:
            problems = validator.problems(build(version, {**full, name: "99"}, packet=packet))
            assert codes_of(problems) == [("schema.code_unknown", name)]


def test_every_length_is_accepted_to_the_last_character(version, packet, build):
    group = version.packets[packet]
    full = {field.name: value_of(field) for field in group.fields.values()}
    validator = Validator(version)

    for name, field in group.fields.items():
        if field.max_length is None or field.pattern is not None:
            continue
        longest = {**full, name: "ữ" * field.max_length}
        longer = {**full, name: "ữ" * (field.max_length + 1)}
        assert not validator.problems(build(version, longest, packet=packet))
        (problem,) = validator.problems(build(version, longer, packet=packet))
        assert (problem.code, problem.field) == ("schema.too_long", name)
        assert f"at most {field.max_length} characters" in problem.message.en
        assert f"found {field.max_length + 1}" in problem.message.en


def test_text_may_not_be_blank(version, packet, build):
    group = version.packets[packet]
    full = {field.name: value_of(field) for field in group.fields.values()}
    validator = Validator(version)

    for name, field in group.fields.items():
        for blank in ("", " \t\n"):
            if field.kind is Kind.TEXT:
                problems = validator.problems(build(version, {**full, name: blank}, packet=packet))
                assert codes_of(problems) == [("schema.blank", name)]


@pytest.mark.parametrize(
    "value", ["20230229000000", "20211301000000", "20210101240000", "20210101", ""]
)
def test_impossible_times_are_refused(version, build, dossier, value):
    problems = Validator(version).problems(build(version, {**dossier, "NgayHenTra": value}))

    assert [problem.field for problem in problems] == ["NgayHenTra"]


BAD = {
    "MaHoSo": "H29",
    "TenTTHC": " ",
    "MaLinhVuc": "x" * 60,
    "TenLinhVuc": "Hộ tịch",
    "LoaiDoiTuong": "CN",
    "NgayTiepNhan": "05/03/2021",
    "TrangThaiHoSo": "11",
    "HinhThuc": "0",
    "DonViXuLy": "UBND",
    "TaiLieuNop": [{"IsDeleted": "True"}, {"IsDeleted": "0"}],
    "DanhSachTepDinhKemKhac": [{"SoLuong": "hai"}],
}


def test_all_mistakes_are_named_at_once_in_the_order_of_the_document(version, build):
    problems = Validator(version).problems(build(version, BAD))

    assert [(p.code, p.field, p.place.path) for p in problems] == [
        ("schema.field_missing", "MaTTHC", "/BanTin/HoSo/MaTTHC"),
        ("schema.pattern", "MaHoSo", "/BanTin/HoSo/MaHoSo"),
        ("schema.blank", "TenTTHC", "/BanTin/HoSo/TenTTHC"),
        ("schema.too_long", "MaLinhVuc", "/BanTin/HoSo/MaLinhVuc"),
        ("schema.code_unknown", "LoaiDoiTuong", "/BanTin/HoSo/LoaiDoiTuong"),
        ("schema.pattern", "NgayTiepNhan", "/BanTin/HoSo/NgayTiepNhan"),
        ("schema.code_unknown", "TrangThaiHoSo", "/BanTin/HoSo/TrangThaiHoSo"),
        ("schema.code_unknown", "TaiLieuNop[2].IsDeleted", "/BanTin/HoSo/TaiLieuNop[2]/IsDeleted"),
        (
            "schema.value",
            "DanhSachTepDinhKemKhac[1].SoLuong",
            "/BanTin/HoSo/DanhSachTepDinhKemKhac/SoLuong",
        ),
    ]


def test_every_mistake_says_expected_found_and_remedy_in_both_languages(version, build):
    problems = Validator(version).problems(build(version, BAD))

    for problem in problems:
        for text in (problem.message, problem.suggestion):
            assert text.vi
            assert text.en
            assert text.vi != text.en
    messages = {problem.field: problem.message for problem in problems}
    assert messages["LoaiDoiTuong"].vi == (
        "LoaiDoiTuong: cần một trong 1 (Công dân, cá nhân), 2 (Doanh nghiệp), "
        "3 (Cơ quan nhà nước), 4 (Tổ chức, khác); thấy “CN”"
    )
    assert messages["MaLinhVuc"].vi == "MaLinhVuc: tối đa 50 ký tự, thấy 60 ký tự"
    assert messages["NgayTiepNhan"].en == (
        "NgayTiepNhan: expected the form: yyyyMMddHHmmss, in the zone Asia/Ho_Chi_Minh; "
        "found “05/03/2021”"
    )
    assert messages["MaTTHC"].vi == (
        "MaTTHC: thiếu trường bắt buộc (Mã thủ tục hành chính quốc gia)"
    )


def test_fields_unknown_doubled_and_out_of_order_are_told_apart(version, build, dossier):
    document = build(version, dossier).replace(
        b"<DonViXuLy>",
        b"<Khac>1</Khac><HinhThuc>1</HinhThuc><Email>a</Email><DonViXuLy>",
    )

    assert codes_of(Validator(version).problems(document)) == [
        ("schema.field_unknown", "Khac"),
        ("schema.field_repeated", "HinhThuc"),
        ("schema.field_misplaced", "Email"),
    ]


def test_a_field_of_the_later_version_is_unknown_to_the_earlier_one(build, dossier):
    old = load_version("dvcqg-2020")
    document = build(old, dossier).replace(b"</HoSo>", b"<NoiNopHoSo>2</NoiNopHoSo></HoSo>")

    assert codes_of(Validator(old).problems(document)) == [("schema.field_unknown", "NoiNopHoSo")]


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        (b"<MaDonVi>000.19.26.H29</MaDonVi>", b"", "schema.element", "/BanTin/ThoiDiemTao"),
        (b"<MaDonVi>000", b"<MaDonVi>h", "schema.pattern", "/BanTin/MaDonVi"),
        (b' Id="bt-', b' Id="xx-', "schema.attribute", "/BanTin"),
        (b' Id="', b' x="1" Id="', "schema.attribute", "/BanTin"),
        (b"</HoSo>", b"</HoSo><x/>", "schema.element", "/BanTin/x"),
        (b"<HoSo>", b"<HoSo>text", None, "/BanTin/HoSo"),
    ],
)
def test_mistakes_around_the_fields_are_named_too(version, build, dossier, old, new, code, path):
    document = build(version, dossier)
    assert old in document

    problems = Validator(version).problems(document.replace(old, new, 1))

    assert problems
    assert problems[0].place.path == path
    assert code is None or problems[0].code == code


def test_a_signed_document_and_a_whole_file_are_accepted(version, build, dossier):
    document = build(version, dossier)
    signed = document.replace(b"</BanTin>", SIGNATURE + b"</BanTin>")
    file = b'<?xml version="1.0" encoding="UTF-8"?>\n' + signed.replace(b"><", b">\n  <") + b"\n"
    wide = b'<?xml version="1.0" encoding="UTF-16"?>' + document

    validator = Validator(version)
    assert validator.problems(signed) == []
    assert validator.problems(file) == []
    assert validator.problems(wide.decode().encode("utf-16")) == []


def test_two_signatures_are_one_too_many(version, build, dossier):
    document = build(version, dossier).replace(b"</BanTin>", SIGNATURE * 2 + b"</BanTin>")

    assert Validator(version).problems(document) != []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<a>", "xml.syntax"),
        (b"<!DOCTYPE a><a/>", "xml.doctype"),
        (b"<a>\xff</a>", "xml.encoding"),
        (b"<a/>", "schema.root_unknown"),
        (b'<BanTin xmlns="urn:other"/>', "schema.root_unknown"),
    ],
)
def test_what_is_no_message_at_all_is_one_problem(version, data, code):
    (problem,) = Validator(version).problems(data)

    assert problem.code == code
    assert problem.message.vi
    assert problem.suggestion.en


def test_the_other_version_is_no_message_of_this_one(build, dossier):
    old, new = load_version("dvcqg-2020"), load_version("dvcqg-2022")

    (problem,) = Validator(old).problems(build(new, dossier))

    assert problem.code == "schema.root_unknown"


def test_every_built_message_is_valid(version, build, dossier):
    document = build(version, dossier)
    receipt = build_receipt(
        version, message_id=ID, dossier_code=dossier["MaHoSo"], digest="ab" * 32, received_at=AT
    )
    result = LookUpResult(
        dossier_code=dossier["MaHoSo"],
        status="4",
        received_at=AT,
        message_id=ID,
        digest="ab" * 32,
        progress=((ID, "cd" * 32),),
    )
    messages = [
        build_request(
            "DongBoHoSoMC",
            version=version,
            document=document,
            attempt=1,
            sent_at=AT,
            is_updating=True,
        ),
        build_request(
            "CapNhatTienDoHoSoMC",
            version=version,
            document=document,
            attempt=1,
            sent_at=AT,
            is_updating=None,
        ),
        receipt,
        build_response(version, "DongBoHoSoMC", error_code="0", message="", receipt=receipt),
        build_response(version, "CapNhatTienDoHoSoMC", error_code="-1", message="Lỗi"),
        build_look_up(version, agency_code="H29", dossier_code="x"),
        build_look_up_response(version, error_code="0", message="", results=[result]),
        build_look_up_response(version, error_code="0", message=""),
    ]

    assert [Validator(version).problems(message) for message in messages] == [[]] * len(messages)


def test_mistakes_inside_a_request_are_explained_like_those_of_a_document(version, build, dossier):
    body = build_request(
        "DongBoHoSoMC",
        version=version,
        document=build(version, {**dossier, "TrangThaiHoSo": "x"}),
        attempt=1,
        sent_at=AT,
        is_updating=True,
    )

    (problem,) = Validator(version).problems(body)

    assert (problem.code, problem.field) == ("schema.code_unknown", "TrangThaiHoSo")
    assert problem.place.path == "/DongBoHoSoMC/data/BanTin/HoSo/TrangThaiHoSo"


def test_an_element_inside_an_envelope_can_be_validated_in_place(version, build, dossier):
    good, bad = (build(version, {**dossier, "HinhThuc": code}) for code in ("0", "7"))
    validator = Validator(version)

    for document, expected in ((good, []), (bad, ["/BanTin/HoSo/HinhThuc"])):
        root = parse_xml(build_envelope(document, soap=SOAP_11))
        problems = validator.problems_of_element(root[0][0])
        assert [problem.place.path for problem in problems] == expected


def test_lines_of_a_file_are_told(version, build, dossier):
    document = build(version, {**dossier, "HinhThuc": "7"}).replace(b"><", b">\n<")

    (problem,) = Validator(version).problems(document)

    assert problem.place.line == 14


def test_both_validators_agree(version, packet, build):
    other = xmlschema.XMLSchema(str(version.folder / "messages.xsd"), allow="local")
    validator = Validator(version)
    fields = version.packets[packet].fields
    full = {field.name: value_of(field) for field in fields.values()}

    for name, field in fields.items():
        for value in ("", " ", "0", "1", "x" * 5000, "20240229000000", "H29-210305-0042", "True"):
            if field.group is None:
                document = build(version, {**full, name: value}, packet=packet)
                expected = other.is_valid(parse_xml(document))
                assert (validator.problems(document) == []) is expected, (name, value)


def test_a_document_full_of_mistakes_is_answered_with_a_bounded_list(version, build, dossier):
    files = [{"IsDeleted": "0"}] * 2000

    problems = Validator(version).problems(build(version, {**dossier, "TaiLieuNop": files}))

    assert 0 < len(problems) <= 400


def test_one_validator_serves_many_threads(version, build, dossier):
    validator = Validator(version)
    good = build(version, dossier)
    bad = build(version, {**dossier, "HinhThuc": "7"})
    wrong = []

    def work() -> None:
        for _ in range(50):
            if validator.problems(good) != []:
                wrong.append("good")
            if codes_of(validator.problems(bad)) != [("schema.code_unknown", "HinhThuc")]:
                wrong.append("bad")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []

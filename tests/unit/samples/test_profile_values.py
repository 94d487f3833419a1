"""The expected values: fit for the portal, written out where it matters, and strict to compare."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from importlib import resources

import pytest

from lienthong.samples import ExpectedDossier
from mappings.judging import make_judge
from schemas.model import Kind, load_version

SCHEMAS = {
    "criminal-record": "dvcqg-2022",
    "lgsp-documents": "dvcqg-2022",
    "ministry-profile": "dvcqg-2022",
    "opencps-one-stop": "dvcqg-2020",
    "provincial-portal-td": "dvcqg-2022",
    "school-enrolment": "dvcqg-2022",
    "social-insurance": "dvcqg-2022",
    "transport": "dvcqg-2022",
}


def refusals(group, values):
    """Yield what the portal's schema does not take."""
    for name, field in group.fields.items():
        if field.required and not values.get(name):
            yield f"{name} is missing"
    for name, value in values.items():
        if value is None:
            # Absent on purpose, also where the schema of the version has no such field.
            continue
        field = group.fields.get(name)
        if field is None:
            yield f"{name} is no field"
        elif field.kind is Kind.GROUP:
            assert value, f"{name}: no items are written as None"
            for item in value:
                yield from refusals(field.group, item)
        elif (refusal := make_judge(field)(value)) is not None:
            yield f"{name}: {refusal.text.en}"


@pytest.mark.parametrize("agency", SCHEMAS)
def test_every_expected_value_is_one_that_the_portal_takes(profiles, agency):
    packet = load_version(SCHEMAS[agency]).packets["DongBoHoSoMC"]

    wrong = [
        (expected.record, refusal)
        for expected in profiles.of(agency).truth
        for refusal in refusals(packet, expected.values)
    ]

    assert wrong == []


@pytest.mark.parametrize("agency", SCHEMAS)
def test_titles_and_fields_are_those_of_the_catalogue(profiles, agency):
    with (
        resources.files("mappings").joinpath("data/procedures.csv").open(encoding="utf-8") as table
    ):
        titles = {
            row["ma_tthc"]: (row["ten_tthc"], row["linh_vuc"]) for row in csv.DictReader(table)
        }

    for expected in profiles.of(agency).truth:
        values = expected.values
        assert titles[values["MaTTHC"]] == (values["TenTTHC"], values["TenLinhVuc"])


@pytest.mark.parametrize("agency", SCHEMAS)
def test_no_expected_text_has_spaces_that_a_mapping_might_change(profiles, agency):
    texts = [
        value
        for expected in profiles.of(agency).truth
        for value in expected.values.values()
        if isinstance(value, str)
    ]

    assert [text for text in texts if text != " ".join(text.split())] == []


@pytest.mark.parametrize("agency", SCHEMAS)
def test_no_date_is_before_the_day_of_receipt(profiles, agency):
    for expected in profiles.of(agency).truth:
        for name in ("NgayHenTra", "NgayTra", "NgayKetThucXuLy"):
            later = expected.values.get(name)
            assert later is None or later[:8] >= expected.values["NgayTiepNhan"][:8]


def test_the_manifest_is_that_of_the_inline_papers(profiles):
    file = profiles.of("lgsp-documents")
    records = json.loads(file.path.read_bytes())

    for expected in file.truth:
        papers = records[expected.record - 1]["Attachments"]
        contents = [base64.b64decode(paper["Base64"], validate=True) for paper in papers]
        assert [paper.name for paper in expected.attachments] == [
            paper["AttachmentName"] for paper in papers
        ]
        assert [paper.size for paper in expected.attachments] == [len(each) for each in contents]
        assert [paper.sha256 for paper in expected.attachments] == [
            hashlib.sha256(each).hexdigest() for each in contents
        ]


def test_only_inline_papers_have_a_manifest(profiles):
    having = {
        file.agency for file in profiles.files if any(each.attachments for each in file.truth)
    }

    assert having == {"lgsp-documents"}


EXPECTED = ExpectedDossier(
    record=3,
    values={
        "MaHoSo": "H29.14-250707-0042",
        "ChuHoSo": None,
        "TaiLieuNop": [{"TenTepDinhKem": "a.pdf", "MaThanhPhanHoSo": None}, {"IsDeleted": "True"}],
        "DanhSachLePhi": None,
    },
)
FOUND = {
    "MaHoSo": "H29.14-250707-0042",
    "GhiChu": "not judged",
    "TaiLieuNop": [{"TenTepDinhKem": "a.pdf", "TepDinhKemId": "7"}, {"IsDeleted": "True"}],
}


def test_what_is_as_expected_differs_in_nothing():
    assert EXPECTED.dossier == "H29.14-250707-0042"
    assert EXPECTED.differences(FOUND) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"MaHoSo": "H29"}, "MaHoSo: expected 'H29.14-250707-0042', found 'H29'"),
        ({"ChuHoSo": "Ai đó"}, "ChuHoSo: expected None, found 'Ai đó'"),
        ({"ChuHoSo": ""}, "ChuHoSo: expected None, found ''"),
        ({"TaiLieuNop": []}, "TaiLieuNop: expected 2 items, found 0"),
        (
            {"TaiLieuNop": [{"TenTepDinhKem": "b.pdf"}, {"IsDeleted": "True"}]},
            "TaiLieuNop[1].TenTepDinhKem: expected 'a.pdf', found 'b.pdf'",
        ),
        (
            {"TaiLieuNop": [{"TenTepDinhKem": "a.pdf", "MaThanhPhanHoSo": "x"}, FOUND]},
            "TaiLieuNop[1].MaThanhPhanHoSo: expected None, found 'x'",
        ),
        ({"DanhSachLePhi": [{"Gia": "1"}]}, "DanhSachLePhi: expected None, found [{'Gia': '1'}]"),
    ],
)
def test_whatever_differs_is_said_at_its_field(change, said):
    differences = EXPECTED.differences(FOUND | change)

    assert differences[0] == said


def test_a_group_that_is_missing_differs():
    found = {name: FOUND[name] for name in FOUND if name != "TaiLieuNop"}

    assert EXPECTED.differences(found) == ("TaiLieuNop: expected 2 items, found 0",)

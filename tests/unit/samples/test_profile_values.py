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
    "business-registration": "dvcqg-2020",
    "criminal-record": "dvcqg-2022",
    "district-portalqh": "dvcqg-2020",
    "health-department": "dvcqg-2020",
    "igate-one-stop": "dvcqg-2022",
    "land-registration": "dvcqg-2020",
    "lgsp-documents": "dvcqg-2022",
    "ministry-profile": "dvcqg-2022",
    "opencps-one-stop": "dvcqg-2020",
    "provincial-portal-td": "dvcqg-2022",
    "school-enrolment": "dvcqg-2022",
    "social-insurance": "dvcqg-2022",
    "transport": "dvcqg-2022",
    "ward-civil-status": "dvcqg-2020",
}
OWN_TITLES = {"district-portalqh", "health-department"}
"""Agencies that send titles in their own words."""


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
def test_every_expected_value_is_one_that_the_portal_takes(every, agency):
    packets = load_version(SCHEMAS[agency]).packets
    dossier, progress = packets["DongBoHoSoMC"], packets["CapNhatTienDoHoSoMC"]

    wrong = [
        (expected.record, refusal)
        for expected in every[agency].truth
        for packet, values in (
            (dossier, expected.values),
            *((progress, row) for row in expected.progress),
        )
        for refusal in refusals(packet, values)
    ]

    assert wrong == []


@pytest.mark.parametrize("agency", sorted(SCHEMAS.keys() - OWN_TITLES))
def test_titles_and_fields_are_those_of_the_catalogue(every, agency):
    with (
        resources.files("mappings").joinpath("data/procedures.csv").open(encoding="utf-8") as table
    ):
        titles = {
            row["ma_tthc"]: (row["ten_tthc"], row["linh_vuc"]) for row in csv.DictReader(table)
        }

    for expected in every[agency].truth:
        values = expected.values
        assert titles[values["MaTTHC"]] == (values["TenTTHC"], values["TenLinhVuc"])


@pytest.mark.parametrize("agency", SCHEMAS)
def test_no_expected_text_has_spaces_that_a_mapping_might_change(every, agency):
    texts = [
        value
        for expected in every[agency].truth
        for value in expected.values.values()
        if isinstance(value, str)
    ]

    assert [text for text in texts if text != text.strip() or "  " in text] == []


@pytest.mark.parametrize("agency", SCHEMAS)
def test_no_date_is_before_the_day_of_receipt(every, agency):
    for expected in every[agency].truth:
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


def test_only_inline_papers_have_a_manifest(every):
    having = {agency for agency in every if any(each.attachments for each in every[agency].truth)}

    assert having == {"lgsp-documents"}


def test_only_igate_has_progress_rows_and_they_end_in_the_status_of_the_dossier(every):
    having = {agency for agency in every if any(each.progress for each in every[agency].truth)}

    assert having == {"igate-one-stop"}
    for expected in every["igate-one-stop"].truth:
        assert expected.progress[0]["ThoiDiemXuLy"] == expected.values["NgayTiepNhan"]
        assert expected.progress[-1]["TrangThai"] == expected.values["TrangThaiHoSo"]


def test_snapshots_of_a_company_differ_in_their_status_alone(every):
    snapshots = {}
    for expected in every["business-registration"].truth:
        snapshots.setdefault(expected.dossier, []).append(dict(expected.values))

    assert max(map(len, snapshots.values())) == 4
    for values in snapshots.values():
        statuses = {each.pop("TrangThaiHoSo") for each in values}
        assert statuses == set(("2", "4", "9", "10")[: len(values)])
        assert values == values[:1] * len(values)


def test_what_the_old_charset_cannot_hold_is_expected_as_it_was_typed(every):
    file = every["land-registration"]
    owners = {expected.values["ChuHoSo"] for expected in file.truth}

    assert any("ánh" in name for name in owners)
    assert not any("Ánh" in name for name in owners)
    assert any("Ưng" in name for name in owners)
    assert any("Đ" in name for name in owners)


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


def test_a_group_is_right_or_wrong_with_all_the_fields_of_its_items():
    missing = {name: FOUND[name] for name in FOUND if name != "TaiLieuNop"}

    whole, part = EXPECTED.compare(FOUND), EXPECTED.compare(missing)

    assert (whole.fields, whole.right) == (6, 6)
    assert (part.fields, part.right) == (6, 3)


def test_what_came_out_unasked_is_named_at_its_place():
    found = EXPECTED.compare(FOUND)

    assert found.unnamed == ("GhiChu", "TaiLieuNop[1].TepDinhKemId")


WITH_PROGRESS = ExpectedDossier(
    record=1,
    values={"MaHoSo": "H29.14-250707-0042"},
    progress=({"NguoiXuLy": "Cán bộ mẫu 1", "ChucDanh": None}, {"NguoiXuLy": "Cán bộ mẫu 2"}),
)


@pytest.mark.parametrize(
    ("progress", "right", "said"),
    [
        ([{"NguoiXuLy": "Cán bộ mẫu 1"}, {"NguoiXuLy": "Cán bộ mẫu 2"}], 4, ()),
        (
            [{"NguoiXuLy": "Cán bộ mẫu 1"}, {"NguoiXuLy": "Ai đó"}],
            3,
            ("progress[2].NguoiXuLy: expected 'Cán bộ mẫu 2', found 'Ai đó'",),
        ),
        (
            [],
            1,
            (
                "progress[1]: expected a row, found none",
                "progress[2]: expected a row, found none",
            ),
        ),
        (
            [{"NguoiXuLy": "Cán bộ mẫu 1"}, {"NguoiXuLy": "Cán bộ mẫu 2"}, {"NguoiXuLy": "x"}],
            4,
            ("progress[3]: expected no more",),
        ),
    ],
    ids=["as expected", "another officer", "no rows", "a row too many"],
)
def test_progress_rows_are_compared_in_their_order(progress, right, said):
    comparison = WITH_PROGRESS.compare({"MaHoSo": "H29.14-250707-0042"}, progress=progress)

    assert comparison.right == right
    assert comparison.differences == said

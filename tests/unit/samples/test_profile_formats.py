"""Each profile's file read by other means than ours: its shape and quirks are really in it."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone

import pytest

LOCAL = timezone(timedelta(hours=7))


def load(file):
    return json.loads(file.path.read_bytes())


def good(file, records):
    """Yield good records with what is expected of them."""
    for expected in file.truth:
        yield records[expected.record - 1], expected.values


@pytest.mark.parametrize(
    ("agency", "path"),
    [
        ("criminal-record", "data"),
        ("ministry-profile", "profileOutmodel"),
        ("opencps-one-stop", "data"),
        ("social-insurance", "DSThuTuc"),
        ("transport", "result"),
    ],
)
def test_records_stand_where_the_page_says(profiles, agency, path):
    file = profiles.of(agency)

    page = load(file)

    assert len(page[path]) == file.records
    elements = [error.record for error in file.expected if error.code == "json.not_object"]
    assert [type(page[path][number - 1]) for number in elements] != []
    assert not any(isinstance(page[path][number - 1], dict) for number in elements)


def test_lgsp_documents_are_an_array_at_the_root(profiles):
    file = profiles.of("lgsp-documents")

    assert len(load(file)) == file.records


def test_opencps_writes_moments_in_milliseconds_and_no_moment_as_zero_or_null(profiles):
    file = profiles.of("opencps-one-stop")
    records = load(file)["data"]

    pairs = list(good(file, records))

    for record, expected in pairs:
        received = datetime.fromtimestamp(record["receiveDate"] / 1000, LOCAL)
        assert f"{received:%Y%m%d%H%M%S}" == expected["NgayTiepNhan"]
    assert {record["finishDate"] for record, _ in pairs} >= {0, None}
    assert {record["viaPostal"] for record, _ in pairs} == {0, 1, 2, None}
    statuses = {(record["dossierStatus"], record["dossierSubStatus"]) for record, _ in pairs}
    assert statuses >= {("waiting", ""), ("waiting", "waiting_tax"), ("done", "")}


def test_opencps_addresses_carry_the_time_of_asking(profiles):
    file = profiles.of("opencps-one-stop")
    files = [entry for record in load(file)["data"] if record for entry in record["dossierFiles"]]

    assert {entry["partType"] for entry in files} == {0, 1, 2}
    stored = [entry["fileUrl"] for entry in files if entry["fileEntryId"]]
    assert [url for url in stored if "?t=1" not in url] == []
    assert {entry["fileUrl"] for entry in files if not entry["fileEntryId"]} == {None}


def test_the_provincial_table_is_utf_8_with_a_mark_and_semicolons(profiles):
    file = profiles.of("provincial-portal-td")
    data = file.path.read_bytes()

    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))

    assert data.startswith(b"\xef\xbb\xbfMaHoSo;MaHoSoKhac;")
    assert len(rows) == 1 + file.records
    ragged = next(error for error in file.expected if error.code == "csv.ragged")
    assert len(rows[ragged.place.row - 1]) == 30
    assert sum(len(row) == 29 for row in rows) > 130
    types = {row[7] for row in rows[1:]}
    assert types >= {"Công dân", "Doanh nghiệp", "Cơ quan nhà nước", "Tổ chức", "Khác", ""}
    assert any("##" in row[24] for row in rows[1:])


def test_provincial_errors_name_letter_and_column(profiles):
    errors = profiles.of("provincial-portal-td").expected

    error = next(error for error in errors if error.field == "LoaiDoiTuong")

    assert error.place.column == "H (LoaiDoiTuong)"


def test_criminal_records_nest_the_declaration(profiles):
    file = profiles.of("criminal-record")
    records = load(file)["data"]

    for record, expected in good(file, records):
        form = record["toKhai"]
        assert form["nycHoTen"] == form["nycHoTen"].upper() == expected["ChuHoSo"]
        assert ("ketQuaXuLy" in record) == (expected["TrangThaiHoSo"] in ("9", "10"))
    assert {type(record["toKhai"]["loaiPhieu"]) for record, _ in good(file, records)} == {int}


def test_transport_counts_channels_from_zero(profiles):
    file = profiles.of("transport")
    records = load(file)["result"]

    channels = {
        (record["KenhThucHien"], expected["KenhThucHien"])
        for record, expected in good(file, records)
    }

    assert channels == {("0", "1"), ("1", "2"), ("", None)}
    assert all("EmaiNguoiNop" in record for record, _ in good(file, records))


def test_school_lines_have_no_dossier_code(profiles):
    file = profiles.of("school-enrolment")
    lines = file.path.read_text("utf-8").splitlines()

    records = [json.loads(lines[expected.record - 1]) for expected in file.truth]

    assert len(lines) == file.records
    assert list(records[0]) == [
        "FCode", "MaDichVu", "HoTenNguoiNop", "SoGiayTo", "FCreateTime", "MaDonVi", "TrangThaiHS",
        "NoiDungYKien", "TrungTuyen",
    ]  # fmt: skip
    assert not {record["FCode"] for record in records} & set(file.dossiers)


def test_social_insurance_writes_ids_and_totals_as_floats(profiles):
    file = profiles.of("social-insurance")
    page = load(file)

    records = [record for record, _ in good(file, page["DSThuTuc"])]

    assert page["TotalRecords"] == 133.0
    assert '"id": 88001.0' in file.path.read_text("utf-8")
    assert {type(record["id"]) for record in records} == {float}
    assert any(record["soHoSo"] is None for record in records)
    assert {record["maCoQuan"] for record in records} == {"07906", "07911"}


def test_lgsp_times_are_local_under_a_letter_that_says_otherwise(profiles):
    file = profiles.of("lgsp-documents")
    records = load(file)

    pairs = list(good(file, records))

    for record, expected in pairs:
        written = record["DateReceived"].removesuffix(".000Z")
        assert datetime.fromisoformat(written).strftime("%Y%m%d%H%M%S") == expected["NgayTiepNhan"]
        assert (record["SuccessDate"][:4] == "0000") == (expected["NgayKetThucXuLy"] is None)
        assert record["ReturnedDate"] == record["DateAppointed"] or expected["NgayTra"]
    assert {type(record["IsReturned"]) for record, _ in pairs} == {bool, str}
    keys = {key for record, _ in pairs for paper in record["Attachments"] for key in paper}
    assert keys >= {"AttachmentId", "Attachmentld", "Base64"}


def test_ministry_profiles_write_booleans_as_text_and_the_year_first(profiles):
    file = profiles.of("ministry-profile")
    records = [record for record, _ in good(file, load(file)["profileOutmodel"])]

    assert {record["is_update"] for record in records} == {"true", "false"}
    assert {record["creation_date"][4] for record in records} == {"/"}
    assert any(record["appointment_date"] == "" for record in records)
    assert {len(record["applicants_id"]) for record in records} == {10, 12}


def test_codes_that_are_put_together_hold_unit_day_and_number(profiles):
    school, bhxh, ministry = (
        profiles.of(agency)
        for agency in ("school-enrolment", "social-insurance", "ministry-profile")
    )
    lines = school.path.read_text("utf-8").splitlines()

    for expected in school.truth:
        record = json.loads(lines[expected.record - 1])
        day = record["FCreateTime"][2:10].replace("-", "")
        assert expected.dossier == f"{record['MaDonVi']}-{day}-{record['FCode'][8:]}"
    for record, values in good(bhxh, load(bhxh)["DSThuTuc"]):
        day = record["ngayTao"][2:10].replace("-", "")
        assert values["MaHoSo"] == f"000.00.79.H29-{day}-{record['id']:.0f}"
    for record, values in good(ministry, load(ministry)["profileOutmodel"]):
        day = record["creation_date"][2:10].replace("/", "")
        number = record["source_id"].split("-")[2]
        assert values["MaHoSo"] == f"{record['from_unit_code']}-{day}-{number}"

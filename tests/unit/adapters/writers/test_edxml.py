"""A row becomes a packet that is read back as it was written; a wrong one is never written."""

from __future__ import annotations

import base64
import io

import pytest

from adapters import OptionsWrong, make_options, read_records
from adapters.writers import Column, ValueRefused, make_target, make_writer
from tests.unit.schemas.edxml.conftest import FIELDS, PDF

AGENCY = ("OrganId", "OrganName")
SINGLE = (
    "From/OrganId",
    "From/OrganName",
    "Code/CodeNumber",
    "Code/CodeNotation",
    "PromulgationInfo/PromulgationDate",
    "DocumentType/Type",
    "DocumentType/TypeName",
    "Subject",
    "TraceHeaderList/TraceHeader/OrganId",
    "TraceHeaderList/TraceHeader/Timestamp",
)
TO = Column(name="To", columns=tuple(Column(name=name) for name in AGENCY))
PLACES = Column(name="ToPlaces/Place", columns=(Column(name="Place"),))
FILES = Column(
    name="AttachmentEncoded/Attachment",
    columns=(
        Column(name="AttachmentName"),
        Column(name="ContentType"),
        Column(name="ContentTransferEncoded"),
    ),
)
COLUMNS = (*(Column(name=name) for name in SINGLE), TO, PLACES, FILES)
ROW = {
    "From/OrganId": "000.00.15.H29",
    "From/OrganName": "Sở Xây dựng",
    "Code/CodeNumber": "12",
    "Code/CodeNotation": "SXD-VP",
    "PromulgationInfo/PromulgationDate": "2026/11/20",
    "DocumentType/Type": "18",
    "DocumentType/TypeName": "Công văn",
    "Subject": "V/v lấy ý kiến",
    "TraceHeaderList/TraceHeader/OrganId": "000.00.15.H29",
    "TraceHeaderList/TraceHeader/Timestamp": "2026/11/20 08:00:00",
    "To": [dict(one) for one in FIELDS["To"]],
    "ToPlaces/Place": [{"Place": "Như trên"}, {"Place": "Lưu: VT"}],
    "AttachmentEncoded/Attachment": [
        {
            "AttachmentName": "cv.pdf",
            "ContentType": "application/pdf",
            "ContentTransferEncoded": base64.b64encode(PDF).decode(),
        }
    ],
}


def writer(columns=COLUMNS, **options):
    return make_writer(make_target({"format": "edxml", **options}), columns)


def read(data):
    (found,) = read_records(
        io.BytesIO(data), file_name="x", options=make_options({"format": "edxml"})
    )
    return found.values


def wrong(columns, **options):
    with pytest.raises(OptionsWrong) as caught:
        writer(columns, **options)
    return {key: text.en for key, text in caught.value.faults}


def faults(row):
    return [(name, fault.code) for name, fault in writer().faults_of([row])]


def test_a_row_comes_back_as_a_record():
    values = read(writer().write([ROW]))

    assert values["To"] == FIELDS["To"]
    assert values["ToPlaces"] == {"Place": ["Như trên", "Lưu: VT"]}
    assert values["DocumentId"] == FIELDS["DocumentId"]
    assert values["TraceHeaderList"]["TraceHeader"] == [
        {"OrganId": "000.00.15.H29", "Timestamp": "2026/11/20 08:00:00"}
    ]
    (file,) = values["Attachments"]
    assert (file["name"], file["type"], file["size"]) == ("cv.pdf", "application/pdf", len(PDF))


def test_the_same_row_gives_the_same_bytes():
    assert writer().write([ROW]) == writer().write([dict(reversed(ROW.items()))])


def test_a_single_receiver_may_be_named_by_path():
    columns = (
        *(one for one in COLUMNS if one.name != "To"),
        *(Column(name=f"To/{name}") for name in AGENCY),
    )
    row = {name: value for name, value in ROW.items() if name != "To"}

    values = read(
        writer(columns).write([row | {"To/OrganId": "000.00.01.H29", "To/OrganName": "VP"}])
    )

    assert values["To"] == [{"OrganId": "000.00.01.H29", "OrganName": "VP"}]


def test_a_status_is_written_as_one():
    columns = [
        Column(name=name)
        for name in (
            "ResponseFor/DocumentId",
            "From/OrganId",
            "From/OrganName",
            "StatusCode",
            "Timestamp",
        )
    ]
    row = {
        "ResponseFor/DocumentId": FIELDS["DocumentId"],
        "From/OrganId": "000.00.01.H29",
        "From/OrganName": "VP",
        "StatusCode": "03",
        "Timestamp": "2026/11/20 09:30:00",
    }

    made = writer(columns, packet="status")

    assert read(made.write([row]))["StatusCode"] == "03"
    assert [(name, fault.code) for name, fault in made.faults_of([row | {"StatusCode": "07"}])] == [
        ("StatusCode", "edxml.status_unknown")
    ]


def test_columns_that_are_no_elements_are_named_with_near_ones():
    found = wrong([*COLUMNS, Column(name="Form/OrganId"), Column(name="Code")])

    assert "similar: 'From/OrganId'" in found["Form/OrganId"]
    assert "Code/CodeNumber" in found["Code"]


def test_columns_that_are_missing_are_named():
    without = [one for one in COLUMNS if one.name not in ("Subject", "To", "Code/CodeNumber")]

    assert sorted(wrong(without)) == [
        "Code/CodeNumber",
        "DocumentId",
        "Subject",
        "To/OrganId",
        "To/OrganName",
    ]


def test_a_status_has_no_files_and_no_receivers():
    found = wrong([FILES, TO], packet="status")

    assert set(found) == {"AttachmentEncoded/Attachment", "To"}


def test_what_does_not_repeat_cannot_be_a_list():
    columns = [*COLUMNS, Column(name="SignerInfo", columns=(Column(name="FullName"),))]

    assert wrong(columns) == {"SignerInfo": "this element does not repeat"}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Subject", "", "edxml.field_missing"),
        ("PromulgationInfo/PromulgationDate", "20/11/2026", "edxml.field_form"),
        ("DocumentType/Type", "CV", "edxml.field_form"),
    ],
)
def test_a_row_that_is_not_as_the_schema_says_is_told_and_not_written(name, value, code):
    row = ROW | {name: value}

    assert faults(row) == [(name, code)]
    with pytest.raises(ValueRefused):
        writer().write([row])


@pytest.mark.parametrize("rows", [[], [ROW, ROW]])
def test_one_packet_is_one_row(rows):
    with pytest.raises(ValueRefused):
        writer().write(rows)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("!!", "target.not_base64"),
        ("QQ=", "target.not_base64"),
        ("A" * 10_000_000, "target.file_too_large"),
    ],
)
def test_content_that_cannot_be_enclosed_has_a_fault(text, code):
    found = writer().fault(Column(name="ContentTransferEncoded"), text)

    assert found.code == code


@pytest.mark.parametrize("text", ["a\x01", "a\ufffe", "a\ud800", "\u0301a"])
@pytest.mark.parametrize("name", ["Subject", "AttachmentName"])
def test_what_would_not_come_back_has_a_fault(name, text):
    assert writer().fault(Column(name=name), text) is not None


@pytest.mark.parametrize("name", ["a/b.pdf", "..\\b.pdf", ".."])
def test_a_name_with_folders_has_a_fault(name):
    assert writer().fault(Column(name="AttachmentName"), name).code == "target.file_name"


def test_a_file_without_name_or_content_is_told():
    row = ROW | {"AttachmentEncoded/Attachment": [{"ContentType": "application/pdf"}]}

    assert faults(row) == [
        ("AttachmentEncoded/Attachment/AttachmentName", "edxml.field_missing"),
        ("AttachmentEncoded/Attachment/ContentTransferEncoded", "edxml.field_missing"),
    ]

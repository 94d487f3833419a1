"""Receipts for hand-overs as XML: what is stated is read back, and hostile names stop nobody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas.errors import InputError
from schemas.parser import parse_xml
from schemas.receipts import (
    MOST_CODES,
    Statement,
    SubmissionReceipt,
    build_submission_receipt,
    read_submission_receipt,
)
from signing import canonical_bytes

RECEIPT = SubmissionReceipt(
    installation="Sở Thông tin",
    agency="land-registration",
    agency_code="000.00.15.H29",
    door="http",
    sender="http:t1",
    submission_id="0193a5c2-0000-7000-8000-000000000001",
    digest="ab" * 32,
    size=48213,
    received_at=datetime(2026, 3, 2, 1, 2, 3, 456789, tzinfo=UTC),
    statement=Statement.RECEIVED,
)
DOCUMENT = (
    '<BienNhanTiepNhan xmlns="urn:lienthong:receipt:1" '
    'Id="tn-0193a5c2-0000-7000-8000-000000000001"><HeThong>Sở Thông tin</HeThong>'
    "<CoQuan>land-registration</CoQuan><MaDonVi>000.00.15.H29</MaDonVi><Cua>http</Cua>"
    "<NguoiGui>http:t1</NguoiGui><MaLanGui>0193a5c2-0000-7000-8000-000000000001</MaLanGui>"
    f"<GiaTriBam>{'ab' * 32}</GiaTriBam><KichThuoc>48213</KichThuoc>"
    "<ThoiDiemNhan>2026-03-02T01:02:03.456789Z</ThoiDiemNhan><KetQua>received</KetQua>"
    "</BienNhanTiepNhan>"
)


def read(document):
    return read_submission_receipt(parse_xml(document))


def test_a_receipt_says_what_was_received_in_canonical_form():
    document = build_submission_receipt(RECEIPT)

    assert document.decode() == DOCUMENT
    assert canonical_bytes(parse_xml(document)) == document


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT,
        replace(RECEIPT, agency_code=None),
        replace(RECEIPT, size=0),
        replace(RECEIPT, statement=Statement.REFUSED, codes=("csv.empty", "csv.header")),
        replace(RECEIPT, sender="<&>\"'"),
    ],
)
def test_what_is_stated_is_read_back(receipt):
    assert read(build_submission_receipt(receipt)) == receipt


def test_another_zone_is_written_in_utc():
    hanoi = RECEIPT.received_at.astimezone(timezone(timedelta(hours=7)))

    assert build_submission_receipt(replace(RECEIPT, received_at=hanoi)).decode() == DOCUMENT


@pytest.mark.parametrize(
    "sender", ["\x00\x1b[2J", "a\nb\rc\td", "\ud800", "\ufffe", "x" * 5000, ""]
)
def test_a_sender_that_xml_cannot_hold_gets_a_receipt_all_the_same(sender):
    document = build_submission_receipt(replace(RECEIPT, sender=sender))

    assert read(document).size == 48213
    assert canonical_bytes(parse_xml(document)) == document


def test_codes_are_bounded():
    many = replace(RECEIPT, statement=Statement.REFUSED, codes=("a.b",) * 1000)

    assert len(read(build_submission_receipt(many)).codes) == MOST_CODES


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<KetQua>received</KetQua>", "<KetQua>delivered</KetQua>"),
        ("<KichThuoc>48213</KichThuoc>", "<KichThuoc>-1</KichThuoc>"),
        ("ab" * 32, "AB" * 32),
        ("<CoQuan>land-registration</CoQuan>", ""),
        ("<CoQuan>land-registration</CoQuan>", "<CoQuan>a</CoQuan><CoQuan>b</CoQuan>"),
        ("urn:lienthong:receipt:1", "urn:lienthong:receipt:2"),
        ('Id="tn-', 'Id="tc-'),
        ('Id="tn-0193a5c2', 'Id="tn-0193a5c3'),
        ("456789Z", "456789"),
        ("<Cua>http</Cua>", "<Cua>ht<b/>tp</Cua>"),
    ],
)
def test_another_shape_is_no_receipt(old, new):
    changed = DOCUMENT.replace(old, new, 1)

    assert changed != DOCUMENT
    with pytest.raises(InputError) as caught:
        read(changed.encode())
    assert caught.value.code == "receipt.shape"

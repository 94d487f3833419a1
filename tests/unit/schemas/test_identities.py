"""Identity numbers: which fields hold one, and when two are the same."""

import pytest

from schemas.identities import (
    IDENTITY_FIELDS,
    identity_numbers,
    identity_numbers_of,
    normalise_identity,
)
from schemas.model import load_version, version_names
from schemas.parser import parse_xml


@pytest.mark.parametrize(
    ("typed", "compared"),
    [
        ("079185000123", "079185000123"),
        (" 079 185.000-123 ", "079185000123"),
        ("079\u00a0185\u2013000123", "079185000123"),
        ("c1234567", "C1234567"),
        ("0301234567-001", "0301234567001"),
        ("\uff10\uff17\uff19", "079"),
        ("", ""),
        ("  -", ""),
        ("*********123", ""),
        ("không rõ", ""),
        ("1" * 101, ""),
    ],
)
def test_numbers_are_compared_without_what_people_put_between_the_digits(typed, compared):
    assert normalise_identity(typed) == compared


def test_every_number_of_a_packet_is_found_once_at_any_depth():
    values = {
        "MaHoSo": "000.00.15.H29-250303-0042",
        "SoDienThoai": "0909000111",
        "SoGiayToChuHoSo": "079 185 000 123",
        "DinhDanhCHS": [
            {"LoaiDinhDanh": "1", "SoDinhDanh": "079185000123"},
            {"LoaiDinhDanh": "2", "SoDinhDanh": "024000000"},
        ],
        "Data": {"MaSoThue": ["0301234567", {"@loai": "x", "#text": "0301234567-001"}]},
        "SoCMTNguoiNopTien": 24000001,
        "SoCMNDNguoiNop": None,
    }

    assert identity_numbers(values) == (
        "079185000123",
        "024000000",
        "0301234567",
        "0301234567001",
        "24000001",
    )


def test_a_document_gives_the_same_numbers():
    document = parse_xml(
        b'<b:BanTin xmlns:b="urn:x"><b:SoGiayToChuHoSo>079185000123</b:SoGiayToChuHoSo>'
        b"<b:DinhDanhCHS><b:SoDinhDanh>024 000 000</b:SoDinhDanh></b:DinhDanhCHS>"
        b"<b:SoDienThoai>0909000111</b:SoDienThoai></b:BanTin>"
    )

    assert identity_numbers_of(document) == ("079185000123", "024000000")


def fields_of(group):
    for field in group.fields.values():
        yield field.name
        if field.group is not None:
            yield from fields_of(field.group)


def test_the_portals_packets_have_these_and_no_others():
    found = {
        name: IDENTITY_FIELDS & {f for group in packets.values() for f in fields_of(group)}
        for name in version_names()
        if (packets := load_version(name).packets)
    }

    assert found == {"dvcqg-2020": set(), "dvcqg-2022": {"SoGiayToChuHoSo", "SoDinhDanh"}}

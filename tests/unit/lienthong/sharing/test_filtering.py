"""Nothing leaves an agency that its profile does not name."""

import json
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from lxml import etree
from pydantic import ValidationError

from lienthong.channels.port import Packet
from lienthong.evidence import verify_evidence as verifier
from lienthong.sharing.filtering import Filter
from lienthong.sharing.profile import SharingProfile
from schemas.building import DocumentBuilder
from schemas.errors import ConfigError
from schemas.model import load_version

AT = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
ID = "01935f8e-7c00-7a3b-8f00-1234567890ab"
NS = "{urn:lienthong:dvcqg:2022}"


def profile(**more):
    given = {
        "from": "land",
        "to": "tax",
        "procedures": ["1.001193"],
        "fields": ["MaTTHC", "ChuHoSo"],
        "purpose": "thuế",
        "legal_basis": "Nghị định 47/2020/NĐ-CP",
        "until": "2027-12-31",
    }
    return SharingProfile.model_validate(given | more)


@pytest.fixture
def dossier():
    builder = DocumentBuilder(load_version("dvcqg-2022"), "DongBoHoSoMC")
    values = {
        "MaHoSo": "H29.14-260305-0042",
        "MaTTHC": "1.001193",
        "ChuHoSo": "Nguyễn Thị Bưởi",
        "SoDienThoai": "0900000000",
        "SoGiayToChuHoSo": "079000000123",
        "TaiLieuNop": [
            {"TepDinhKemId": "1", "TenTepDinhKem": "don.pdf", "IsDeleted": "False"},
            {"TepDinhKemId": "2", "TenTepDinhKem": "anh.jpg", "IsDeleted": "False"},
        ],
    }
    document = builder.build(values, message_id=ID, agency_code="000.00.14.H29", created_at=AT)
    return etree.tostring(document) if not isinstance(document, bytes) else document


def fields_of(shared):
    root = etree.fromstring(shared)
    return {
        f"{etree.QName(parent).localname}.{etree.QName(leaf).localname}": leaf.text
        for leaf in root.iter()
        if len(leaf) == 0 and (parent := leaf.getparent()) is not None
    }


def test_only_what_is_named_is_shared_and_the_code_always(dossier):
    shared = Filter("x", profile()).apply(dossier, packet=Packet.DOSSIER)

    assert fields_of(shared) == {
        "HoSo.MaHoSo": "H29.14-260305-0042",
        "HoSo.MaTTHC": "1.001193",
        "HoSo.ChuHoSo": "Nguyễn Thị Bưởi",
    }
    assert b"0900000000" not in shared
    assert ID.encode() not in shared


def test_a_field_of_a_list_is_shared_without_its_neighbours(dossier):
    chosen = profile(fields=["TaiLieuNop.TenTepDinhKem"])

    shared = Filter("x", chosen).apply(dossier, packet=Packet.DOSSIER)

    root = etree.fromstring(shared)
    assert [node.text for node in root.iter(f"{NS}TenTepDinhKem")] == ["don.pdf", "anh.jpg"]
    assert not list(root.iter(f"{NS}TepDinhKemId"))


def test_a_masked_list_is_masked_whole(dossier):
    chosen = profile(fields=["TaiLieuNop"], masked=["TaiLieuNop"])

    shared = Filter("x", chosen).apply(dossier, packet=Packet.DOSSIER)

    root = etree.fromstring(shared)
    assert [node.text for node in root.iter(f"{NS}TenTepDinhKem")] == ["****pdf", "****jpg"]
    assert [node.text for node in root.iter(f"{NS}TepDinhKemId")] == ["*", "*"]


def test_one_field_of_a_list_that_is_shared_whole_can_be_masked(dossier):
    chosen = profile(fields=["TaiLieuNop"], masked=["TaiLieuNop.TenTepDinhKem"])

    shared = Filter("x", chosen).apply(dossier, packet=Packet.DOSSIER)

    root = etree.fromstring(shared)
    assert [node.text for node in root.iter(f"{NS}TenTepDinhKem")] == ["****pdf", "****jpg"]
    assert [node.text for node in root.iter(f"{NS}TepDinhKemId")] == ["1", "2"]


def test_the_name_of_a_list_shares_all_of_it(dossier):
    shared = Filter("x", profile(fields=["TaiLieuNop"])).apply(dossier, packet=Packet.DOSSIER)

    root = etree.fromstring(shared)
    assert [node.text for node in root.iter(f"{NS}TepDinhKemId")] == ["1", "2"]
    assert len(list(root.iter(f"{NS}IsDeleted"))) == 2


def test_masked_values_keep_their_last_three_characters_and_short_ones_none(dossier):
    chosen = profile(
        fields=["SoGiayToChuHoSo", "TaiLieuNop"],
        masked=["SoGiayToChuHoSo"],
    )

    shared = Filter("x", chosen).apply(dossier, packet=Packet.DOSSIER)

    assert fields_of(shared)["HoSo.SoGiayToChuHoSo"] == "*********123"
    assert b"079000000123" not in shared


def test_the_same_document_gives_the_same_bytes(dossier):
    one, two = (Filter("x", profile()).apply(dossier, packet=Packet.DOSSIER) for _ in range(2))

    assert one == two


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"fields": ["ChuHoSo", "SoGiayToChuHoSo"], "masked": ["SoGiayToChuHoSo"]},
        {"fields": ["TaiLieuNop"]},
        {"fields": ["TaiLieuNop"], "masked": ["TaiLieuNop"]},
        {"fields": ["TaiLieuNop"], "masked": ["TaiLieuNop.TenTepDinhKem"]},
        {"fields": ["TaiLieuNop.TenTepDinhKem"]},
        {"fields": ["DanhSachGiayToKetQua.TenGiayTo"]},
        {"fields": ["MaTTHC"], "since": "2026-03-05", "until": "2026-03-05"},
    ],
)
def test_the_verifier_of_evidence_finds_what_is_shared_within_its_profile(dossier, more):
    given = profile(**more)
    shared = Filter("x", given).apply(dossier, packet=Packet.DOSSIER)

    more_of_it = shared.replace(b"</HoSo>", b"<SoDienThoai>0900000000</SoDienThoai></HoSo>")

    judge(dossier, shared, given)
    with pytest.raises(verifier.Refused, match="does not allow it: SoDienThoai"):
        judge(dossier, more_of_it, given)
    with pytest.raises(verifier.Refused, match="the receiver or the day"):
        judge(dossier, shared, given, at="2028-01-01T00:00:00.000000+00:00")


def judge(document, shared, given, *, at="2026-03-05T08:00:00.000000+00:00"):
    """Judge it as the verifier does, which shares no code with what filters."""
    files = {"shared": shared, "document": document}
    pack = SimpleNamespace(read=lambda name, _limit: files[name])
    verifier._check_within(
        pack,
        {"file": "shared", "agency": "tax", "service": "DongBoHoSoMC"},
        json.loads(given.model_dump_json(by_alias=True)),
        {"at": at},
        verifier.Origin(pack, "document"),
    )


def test_a_field_that_no_schema_has_is_refused_by_name():
    with pytest.raises(ConfigError) as caught:
        Filter("land-to-tax", profile(fields=["ChuHoSo", "SoNha", "TaiLieuNop.Ten"]))

    assert caught.value.code == "sharing.field_unknown"
    assert "SoNha, TaiLieuNop.Ten" in caught.value.text.vi


def test_progress_is_shared_only_where_its_fields_are_named():
    assert not Filter("x", profile()).shares(Packet.PROGRESS)
    assert Filter("x", profile(progress=["TrangThai"])).shares(Packet.PROGRESS)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"to": "land"}, "same agency"),
        ({"procedures": ["*", "1.001193"]}, "stands alone"),
        ({"since": "2028-01-01"}, "since is after until"),
        ({"masked": ["SoDienThoai"]}, "not shared at all"),
        ({"masked": ["MaHoSo"], "fields": ["MaHoSo"]}, "which dossier"),
        ({"purpose": ""}, "purpose"),
        ({"fields": []}, "fields"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(more, word):
    with pytest.raises(ValidationError, match=word):
        profile(**more)


def test_a_profile_is_in_force_from_its_first_day_to_its_last():
    chosen = profile(since="2026-03-01", until="2026-03-31")

    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    assert [chosen.is_in_force(day) for day in days] == [False, True, True, False]


def test_statuses_concern_snapshots_and_procedures_everything():
    chosen = profile(statuses=["9", "10"])

    assert chosen.covers(procedure="1.001193", status="9")
    assert not chosen.covers(procedure="1.001193", status="4")
    assert chosen.covers(procedure="1.001193", status=None)
    assert not chosen.covers(procedure="2.000001", status="9")
    assert not chosen.covers(procedure=None, status="9")
    assert profile(procedures=["*"]).covers(procedure=None, status="4")

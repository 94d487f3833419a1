"""WSDL and XSD: what makes a difference is told in words, what makes none is not."""

import pytest

from lienthong.drift.differing import differ, gather
from lienthong.drift.documents import bundled_like, read_document
from lienthong.drift.impact import codes_written, rules_of, touched_by
from lienthong.drifts import Drift, Kind
from mappings import load_agencies, load_mapping
from schemas.errors import PeerError
from schemas.model import load_version, read_file

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x">
  <xs:complexType name="HoSo"><xs:sequence>
    <xs:element name="MaHoSo" type="Ma"/>
    <xs:element name="GhiChu" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string">
      <xs:maxLength value="2000"/></xs:restriction></xs:simpleType></xs:element>
    <xs:element name="TrangThaiHoSo"><xs:simpleType><xs:restriction base="xs:string">
      <xs:enumeration value="1"/><xs:enumeration value="9"/>
    </xs:restriction></xs:simpleType></xs:element>
    <xs:element name="LePhi" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="Gia" type="xs:int"/></xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType>
  <xs:simpleType name="Ma"><xs:restriction base="xs:string"><xs:maxLength value="50"/>
  </xs:restriction></xs:simpleType>
</xs:schema>"""


def found(changed, before=XSD):
    one, other = (read_document(each.encode(), name="x") for each in (before, changed))
    return [
        (drift.kind, drift.place, drift.before, drift.after)
        for drift in differ(one, other, subject="document x")
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '"2000"',
            '"500"',
            (Kind.ITEM_CHANGED, "element HoSo.GhiChu maxLength", "2000", "500"),
        ),
        (' minOccurs="0"', "", (Kind.ITEM_CHANGED, "element HoSo.GhiChu required", "no", "yes")),
        (
            '<xs:enumeration value="9"/>',
            "",
            (Kind.ITEM_GONE, "value HoSo.TrangThaiHoSo 9", "", ""),
        ),
        (
            '<xs:enumeration value="9"/>',
            '<xs:enumeration value="9"/><xs:enumeration value="11"/>',
            (Kind.ITEM_NEW, "value HoSo.TrangThaiHoSo 11", "", ""),
        ),
        ('"50"', '"30"', (Kind.ITEM_CHANGED, "type Ma maxLength", "50", "30")),
        ('type="xs:int"', 'type="xs:string"', (
            Kind.ITEM_CHANGED, "element HoSo.LePhi.Gia type", "int", "string")),
        ('"unbounded"', '"5"', (Kind.ITEM_CHANGED, "element HoSo.LePhi most", "unbounded", "5")),
        ('"urn:x"', '"urn:y"', (Kind.ITEM_CHANGED, "namespace", "urn:x", "urn:y")),
        (
            '<xs:element name="LePhi"',
            '<xs:element name="Moi" type="Ma"/><xs:element name="LePhi"',
            (Kind.ITEM_NEW, "element HoSo.Moi", "", "required"),
        ),
        ('<xs:element name="MaHoSo" type="Ma"/>', "", (
            Kind.ITEM_GONE, "element HoSo.MaHoSo", "", "")),
    ],
    ids=["length", "required", "value gone", "value new", "type", "kind", "repeats", "namespace",
         "element new", "element gone"],
)  # fmt: skip
def test_a_difference_is_told_once_in_words(old, new, expected):
    assert old in XSD
    assert found(XSD.replace(old, new, 1)) == [expected]


def test_a_group_that_goes_is_told_without_what_was_inside():
    cut = XSD[: XSD.index('<xs:element name="LePhi"')] + XSD[XSD.index("  </xs:sequence></xs:c") :]

    assert found(cut) == [(Kind.ITEM_GONE, "element HoSo.LePhi", "", "")]


def test_the_order_of_a_sequence_is_part_of_it():
    ma, moved = '<xs:element name="MaHoSo" type="Ma"/>', XSD.replace('type="Ma"/>', "@", 1)
    moved = moved.replace('<xs:element name="MaHoSo" @', "").replace(
        "  </xs:sequence></xs:complexType>\n  <xs:s", f"{ma}</xs:sequence></xs:complexType><xs:s"
    )

    assert found(moved) == [
        (
            Kind.ITEM_CHANGED,
            "order HoSo",
            "MaHoSo GhiChu TrangThaiHoSo LePhi",
            "GhiChu TrangThaiHoSo LePhi MaHoSo",
        )
    ]


def test_space_comments_prefixes_and_notes_make_no_difference():
    changed = XSD.replace("xs:", "xsd:").replace("xmlns:xs=", "xmlns:xsd=").replace("\n", "\r\n\t")
    changed = changed.replace(
        '<xsd:complexType name="HoSo">',
        "<!-- v2 --><xsd:annotation><xsd:documentation>mới</xsd:documentation></xsd:annotation>"
        '<xsd:complexType name="HoSo">',
    )

    assert found(changed) == []


def test_operations_of_a_wsdl_are_told():
    wsdl = read_file(load_version("dvcqg-2020"), "portal.wsdl").decode()
    changed = wsdl.replace('"TraCuuHoSo"', '"TraCuuHoSoV2"')
    changed = changed.replace('2020:DongBoHoSoMC"', '2020:DongBo"')

    told = found(changed, before=wsdl)

    assert (Kind.ITEM_GONE, "operation TraCuuHoSo", "", "") in told
    assert (Kind.ITEM_NEW, "operation TraCuuHoSoV2", "", "") in told
    assert (
        Kind.ITEM_CHANGED,
        "action Soap11.DongBoHoSoMC",
        "urn:lienthong:dvcqg:2020:DongBoHoSoMC",
        "urn:lienthong:dvcqg:2020:DongBo",
    ) in told


@pytest.mark.parametrize("version", ["dvcqg-2020", "dvcqg-2022"])
@pytest.mark.parametrize("file", ["dossier.xsd", "messages.xsd", "portal.wsdl"])
def test_each_of_our_own_files_is_found_again_by_its_namespace(version, file):
    ours = read_document(read_file(load_version(version), file), name=file)

    assert bundled_like(ours) == ours


def test_a_document_of_another_namespace_has_none_of_ours():
    assert bundled_like(read_document(XSD.encode(), name="x")) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"<html/>", b"{}", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"\x00" * 50],
    ids=["empty", "a page", "JSON", "a document type", "bytes"],
)
def test_what_is_no_document_is_refused_in_words(data):
    with pytest.raises(PeerError, match="x is no WSDL and no XSD"):
        read_document(data, name="x")


def test_accepting_every_difference_gives_the_new_document():
    before = read_document(XSD.encode(), name="x")
    changed = XSD.replace('<xs:element name="MaHoSo" type="Ma"/>', '<xs:element name="A"/>')
    changed = changed.replace('<xs:enumeration value="9"/>', "").replace('"50"', '"51"')
    after = read_document(changed.encode(), name="x")

    patched = dict(before)
    for drift in differ(before, after, subject="s"):
        for name, value in drift.patch.items():
            if value is None:
                patched.pop(name, None)
            else:
                patched[name] = value

    assert patched == after


def test_another_document_altogether_is_one_event_and_not_hundreds():
    before = {f"element HoSo.A{number}": "" for number in range(100)}
    drifts = differ(before, {"element HoSo.B": ""}, subject="s")

    (told,) = gather(drifts, touching=set(), subject="s")

    assert (told.kind, told.after) == (Kind.MANY, "101")
    kept = gather(drifts, touching={drifts[0]}, subject="s")
    assert [one.kind for one in kept] == [Kind.ITEM_GONE, Kind.MANY]


@pytest.fixture(scope="module")
def files():
    agencies = load_agencies(None)
    return [load_mapping(agencies.path(name)) for name in agencies.names()]


def touched(files, old, new):
    version = load_version("dvcqg-2020")
    ours = read_file(version, "dossier.xsd").decode()
    assert old in ours
    one, other = (
        read_document(each.encode(), name="x") for each in (ours, ours.replace(old, new, 1))
    )
    (drift,) = differ(one, other, subject="document x")
    return {each.mapping: each.fields for each in touched_by(drift, files)}


def test_a_code_that_is_gone_touches_the_mappings_that_write_it(files):
    drift = Drift(subject="document x", kind=Kind.ITEM_GONE, place="value HoSo.HinhThuc 1")

    found = {one.mapping for one in touched_by(drift, files)}

    assert found == {
        file.name
        for file in files
        if any(
            path == "HinhThuc" and "1" in codes_written(rule) for _, path, rule in rules_of(file)
        )
    }
    assert 0 < len(found) < len(files)


def test_a_field_that_is_demanded_now_touches_the_mappings_that_do_not_fill_it(files):
    found = touched(
        files,
        '<xs:element name="SoBienNhan" type="VanBan" minOccurs="0">',
        '<xs:element name="SoBienNhan" type="VanBan">',
    )

    assert found["ward-civil-status"] == ("SoBienNhan ← ?",)
    assert "land-registration" not in found


def test_a_shorter_field_touches_the_mappings_that_fill_it_with_their_column(files):
    found = touched(
        files,
        '<xs:element name="SoBienNhan" type="VanBan" minOccurs="0">',
        '<xs:element name="SoBienNhan" type="MaHoSo" minOccurs="0">',
    )

    assert "ward-civil-status" not in found
    assert found["land-registration"][0].startswith("SoBienNhan ← ")

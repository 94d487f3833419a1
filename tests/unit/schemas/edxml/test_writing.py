"""Packets are written in one order, and are as the XSD says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

import schemas
from schemas.edxml.building import NewAttachment, NewPacket, build_packet
from schemas.edxml.model import load_statuses, schema_complaint
from schemas.edxml.names import QCVN, Packet
from tests.unit.schemas.edxml.conftest import FIELDS, packet

FOLDER = Path(schemas.__file__).parent / "edxml_2016"
FILE = NewAttachment(
    content_id="f1", content_type="application/pdf", description="", name="a.pdf", encoded="QQ=="
)


def built(fields=FIELDS, **changes):
    return build_packet(
        NewPacket(packet=Packet.DOCUMENT, fields=fields, attachments=(FILE,), **changes)
    )


def test_what_is_written_is_read_again():
    read = packet(built())

    assert read.fields == FIELDS
    assert read.problems == ()
    assert (read.references[0].content_id, read.enclosed[0].content_id) == ("f1", "f1")


def test_the_bytes_do_not_depend_on_the_order_of_the_fields():
    assert built(dict(reversed(FIELDS.items()))) == built()


@pytest.mark.parametrize("place", ["after-to", "last"])
def test_document_id_stands_where_it_is_wanted(place):
    root = etree.fromstring(built(document_id=place))
    header = root.find(f".//{{{QCVN}}}MessageHeader")

    names = [etree.QName(one).localname for one in header]
    assert names.index("DocumentId") == (3 if place == "after-to" else len(names) - 1)


def test_prefixes_are_those_that_libraries_write():
    text = built().decode()

    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="http://www.mic')
    assert "<edXML:MessageHeader><From><OrganId>000.00.15.H29</OrganId>" in text
    assert '<edXML:edXMLManifest version="1.0"><Reference><ContentId>cid:f1</ContentId>' in text
    assert "<AttachmentEncoded><Attachment><ContentId>f1</ContentId>" in text


def test_markup_and_line_ends_in_values_come_back():
    fields = {**FIELDS, "Subject": "a < b & c\r\nd ]]>"}

    assert packet(built(fields)).fields["Subject"] == "a < b & c\r\nd ]]>"


def test_both_validators_take_what_is_written():
    other = xmlschema.XMLSchema(str(FOLDER / "edxml.xsd"), allow="local")

    assert schema_complaint(built()) is None
    assert other.is_valid(built().decode().partition("?>")[2])
    assert schema_complaint(built().replace(b"<Subject>", b"<Khac/><Subject>")) is not None


def test_the_manifest_tells_the_truth():
    manifest = json.loads((FOLDER / "manifest.json").read_bytes())

    assert manifest["files"] == {
        name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
        for name in ("edxml.xsd", "statuses.json")
    }


def test_the_statuses_are_those_that_are_published():
    assert list(load_statuses()) == ["01", "02", "03", "04", "05", "06", "13", "15", "16"]
    assert load_statuses()["13"].meaning.vi == "Yêu cầu lấy lại"
    assert all(one.meaning.vi and one.meaning.en for one in load_statuses().values())

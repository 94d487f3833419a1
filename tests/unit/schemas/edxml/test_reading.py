"""Packets are read by name, in whatever order and spelling they come, and hostile ones refused."""

from __future__ import annotations

import pytest

from schemas.edxml.judging import judge_fields
from schemas.edxml.names import E_DOC, GO_VN, QCVN, XMLDSIG, Packet
from schemas.edxml.reading import SignatureKind
from schemas.errors import InputError
from schemas.problem import Place, Severity
from tests.unit.schemas.edxml.conftest import (
    FIELDS,
    HEADER,
    NO_FILES,
    STATUS,
    Sample,
    attachment,
    go_vn,
    packet,
    reference,
    status,
)


def refusal(data, **options):
    with pytest.raises(InputError) as caught:
        packet(data, **options)
    found = caught.value.problem
    assert found.message.vi
    assert found.message.en
    assert found.suggestion is not None
    return found


def codes(read):
    return [one.code for one in read.problems]


def faults(kind, fields):
    found = judge_fields(kind, fields, place_at=lambda path: Place(path=path))
    return [(one.code, one.place.path) for one in found]


def test_a_document_says_its_fields_by_their_published_names():
    read = packet(Sample().data())

    assert read.packet is Packet.DOCUMENT
    assert read.problems == ()
    assert {name: read.fields[name] for name in FIELDS} == FIELDS
    assert read.fields["TraceHeaderList"]["Bussiness"] == {"BussinessDocType": "0"}
    assert read.signature is SignatureKind.NONE


def test_every_value_has_its_path_and_line():
    read = packet(Sample().data())

    place = read.places["To[1].OrganId"]
    assert str(place) == (
        "cv.edxml, line 4, /edXML/edXMLEnvelope/edXMLHeader/MessageHeader/To[2]/OrganId"
    )
    assert read.places["TraceHeaderList.Bussiness"].path == (
        "/edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness"
    )


def test_the_order_of_fields_says_nothing():
    identifier = "<DocumentId>000.00.15.H29,2026/11/20,12/SXD-VP</DocumentId>"
    last = HEADER.replace(identifier, "") + identifier

    read = packet(Sample(header=last).data())

    assert {name: read.fields[name] for name in FIELDS} == FIELDS
    assert faults(Packet.DOCUMENT, read.fields) == []


def test_a_single_receiver_is_a_list_too():
    second = HEADER.index("<To>", HEADER.index("<To>") + 1)
    single = HEADER[:second] + HEADER[HEADER.index("<DocumentId>") :]

    assert len(packet(Sample(header=single).data()).fields["To"]) == 1


def test_a_status_is_a_packet_of_its_own():
    read = packet(status())

    assert read.packet is Packet.STATUS
    assert read.fields["StatusCode"] == "03"
    assert read.fields["ResponseFor"]["Code"] == "12/SXD-VP"
    assert faults(Packet.STATUS, read.fields) == []


@pytest.mark.parametrize("namespace", [E_DOC, "urn:khac"])
def test_another_namespace_is_read_only_where_it_is_asked_for(namespace):
    data = Sample(namespace=namespace).data()

    assert refusal(data).code == "edxml.root"
    read = packet(data, namespaces=(QCVN, namespace))
    assert read.fields["Subject"] == "V/v lấy ý kiến"


def test_the_withdrawn_root_is_read_only_where_it_is_asked_for():
    assert refusal(go_vn()).code == "edxml.root"
    assert packet(go_vn(), namespaces=(GO_VN,)).fields["Subject"] == "V/v lấy ý kiến"


def test_a_field_of_a_foreign_namespace_is_no_field():
    foreign = '<x:Subject xmlns:x="urn:x">khác</x:Subject>'

    read = packet(Sample(header=HEADER + foreign).data())

    assert codes(read) == ["edxml.namespace_foreign"]
    assert read.fields["Subject"] == "V/v lấy ý kiến"


def test_a_field_that_stands_twice_is_not_chosen_from():
    read = packet(Sample(header=HEADER + "<Subject>khác</Subject>").data())

    (found,) = read.problems
    assert found.code == "edxml.field_repeated"
    assert found.place.path.endswith("/MessageHeader/Subject[2]")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("<Subject>V/v lấy ý kiến</Subject>", "<Subject><b>x</b></Subject>"), "edxml.field_shape"),
        (("<To><OrganId>", "<To>xin<OrganId>"), "edxml.text_between"),
        (("<Code><CodeNumber>12</CodeNumber><CodeNotation>SXD-VP</CodeNotation></Code>",
          "<Code>12/SXD-VP</Code>"), "edxml.field_shape"),
    ],
    ids=["elements in a text", "text in a group", "a text for a group"],
)  # fmt: skip
def test_a_field_of_another_shape_is_told(change, code):
    assert code in codes(packet(Sample(header=HEADER.replace(*change)).data()))


def test_what_is_unknown_is_kept_and_told():
    read = packet(Sample(header=HEADER + "<MaRieng>7</MaRieng>").data())

    assert read.fields["MaRieng"] == "7"
    found = judge_fields(Packet.DOCUMENT, read.fields, place_at=read.place_at)
    assert [(one.code, one.severity) for one in found] == [
        ("edxml.field_unknown", Severity.WARNING)
    ]


def test_everything_wrong_with_the_fields_is_told_at_once():
    wrong = {
        **FIELDS,
        "PromulgationInfo": {"PromulgationDate": "20/11/2026"},
        "DocumentType": {"Type": "công văn", "TypeName": "Công văn"},
        "To": [{"OrganId": "000.00.01.H29"}],
        "Subject": " ",
    }

    assert faults(Packet.DOCUMENT, wrong) == [
        ("edxml.field_missing", "To[0].OrganName"),
        ("edxml.field_form", "PromulgationInfo.PromulgationDate"),
        ("edxml.field_form", "DocumentType.Type"),
        ("edxml.field_missing", "Subject"),
    ]


@pytest.mark.parametrize("code", ["07", "14", "99"])
def test_a_status_that_nobody_published_is_blocked(code):
    read = packet(status(header=STATUS.replace("<StatusCode>03", f"<StatusCode>{code}")))

    assert faults(Packet.STATUS, read.fields) == [("edxml.status_unknown", "StatusCode")]


@pytest.mark.parametrize(
    ("signature", "kind"),
    [
        ("", SignatureKind.NONE),
        ("<DigitalSignature/>", SignatureKind.NONE),
        ("<Signature> </Signature>", SignatureKind.NONE),
        ("<DigitalSignature>abc</DigitalSignature>", SignatureKind.UNOFFICIAL),
        ("<Signature><SignedInfo/></Signature>", SignatureKind.UNOFFICIAL),
        (f'<Signature xmlns="{XMLDSIG}"><SignedInfo/></Signature>', SignatureKind.STANDARD),
    ],
)
def test_the_kinds_of_signatures_are_told_apart(signature, kind):
    assert packet(Sample(signature=signature).data()).signature is kind


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "xml.syntax"),
        (b"<edXML", "xml.syntax"),
        (b"<html/>", "edxml.root"),
        (Sample(before="<!DOCTYPE edXML [<!ENTITY a 'b'>]>").data(), "xml.doctype"),
        (f'<edXML xmlns="{QCVN}"/>'.encode(), "edxml.element_missing"),
        (f'<edXML xmlns="{QCVN}"><edXMLEnvelope/></edXML>'.encode(), "edxml.element_missing"),
        (Sample(packet="Khac").data(), "edxml.packet_unclear"),
        (
            Sample(traces=f"<MessageStatus>{STATUS}</MessageStatus>").data(),
            "edxml.packet_unclear",
        ),
        (
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
            "edxml.root",
        ),
    ],
    ids=["empty", "cut", "html", "entities", "no envelope", "no header", "other", "both", "soap"],
)
def test_what_is_no_packet_is_refused(data, code):
    assert refusal(data).code == code


def test_a_file_beyond_its_limit_is_refused_with_what_to_do():
    found = refusal(Sample(attachments=attachment("A" * 5000)).data(), max_bytes=4000)

    assert found.code == "xml.too_large"
    assert "max_record_bytes" in found.suggestion.en


def test_attachments_elsewhere_are_no_attachments():
    hidden = f"<AttachmentEncoded>{attachment('QQ==')}</AttachmentEncoded>"

    read = packet(Sample(traces=hidden, **NO_FILES).data())

    assert codes(read) == ["edxml.attachment_misplaced"]
    assert read.enclosed == ()


def test_what_stands_beside_the_parts_is_told_and_not_read():
    (found,) = packet(Sample(traces="<Khac><Subject>x</Subject></Khac>").data()).problems

    assert (found.code, found.severity) == ("edxml.element_unknown", Severity.WARNING)
    assert found.place.path == "/edXML/edXMLEnvelope/edXMLHeader/Khac"


def test_a_reference_with_two_ids_is_told():
    linked = ' xmlns:x="http://www.w3.org/1999/xlink" x:href="cid:f2"'

    read = packet(Sample(references=reference(extra=linked)).data())

    assert codes(read) == ["edxml.reference_unclear"]


def test_a_hundred_thousand_receivers_take_no_time_that_matters():
    many = "<To><OrganId>1</OrganId></To>" * 60_000

    read = packet(Sample(header=many, **NO_FILES).data())

    assert len(read.fields["To"]) == 60_000

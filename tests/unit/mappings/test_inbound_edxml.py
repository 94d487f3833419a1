"""What the portal or another agency sends reaches an agency as edXML, and edXML as anything."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from adapters import make_options, read_records
from mappings import compile_mapping
from schemas.errors import ConfigError
from tests.unit.schemas.edxml.conftest import FIELDS, PDF, Sample

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
COLUMNS = """
      - {to: From/OrganId, from: From.OrganId}
      - {to: From/OrganName, from: From.OrganName}
      - to: To
        each: To
        columns: [{to: OrganId, from: OrganId}, {to: OrganName, from: OrganName}]
      - {to: Code/CodeNumber, from: Code.CodeNumber}
      - {to: Code/CodeNotation, from: Code.CodeNotation}
      - to: PromulgationInfo/PromulgationDate
        from: PromulgationInfo.PromulgationDate
        date: {read: yyyy/MM/dd, write: yyyy/MM/dd}
      - {to: DocumentType/Type, from: DocumentType.Type}
      - {to: DocumentType/TypeName, from: DocumentType.TypeName}
      - {to: Subject, from: Subject}
      - to: AttachmentEncoded/Attachment
        each: Attachments
        columns:
          - {to: AttachmentName, from: name}
          - {to: ContentType, from: type}
          - {to: ContentTransferEncoded, from: data}
"""
HEAD = """inbound:
  - service: VanBan
    source: {format: edxml}
    target: {format: edxml, document_id: last}
    dossier_code: DocumentId
"""


@pytest.fixture
def compiled(mapping_text, load):
    def make(text=HEAD, columns=COLUMNS):
        return compile_mapping(load(f"{mapping_text()}{text}    columns:{columns}"))

    return make


def convert(service, data):
    (record,) = read_records(io.BytesIO(data), file_name="cv.edxml", options=service.source)
    return service.convert(record, now=NOW)


def test_a_document_goes_through_and_comes_out_the_same(compiled):
    service = compiled().inbound["VanBan"]

    made = convert(service, Sample().data())

    assert made.problems == ()
    assert (made.media_type, made.dossier_code) == ("application/xml", FIELDS["DocumentId"])
    assert made.name_for("7") == "VanBan-7.edxml"
    (again,) = read_records(
        io.BytesIO(made.document), file_name="x", options=make_options({"format": "edxml"})
    )
    fields = {name: value for name, value in again.values.items() if name in FIELDS}
    without_place = {"PromulgationDate": "2026/11/20"}
    assert fields == FIELDS | {"PromulgationInfo": without_place}
    assert again.values["Attachments"][0]["size"] == len(PDF)


def test_the_same_message_gives_the_same_bytes(compiled):
    service = compiled().inbound["VanBan"]

    assert convert(service, Sample().data()).document == convert(service, Sample().data()).document


def test_a_document_that_would_not_be_valid_is_not_made_and_said_why(compiled):
    service = compiled().inbound["VanBan"]
    data = Sample().data().replace(b"<Type>18</Type>", "<Type>Công văn</Type>".encode())

    made = convert(service, data)

    assert made.document is None
    (found,) = made.problems
    assert (found.code, found.field) == ("edxml.field_form", "DocumentType/Type")
    assert "'Công văn'" in found.message.en
    assert found.suggestion is not None


def test_a_mapping_that_leaves_a_needed_element_out_is_no_mapping(compiled):
    columns = COLUMNS.replace("      - {to: Subject, from: Subject}\n", "")

    with pytest.raises(ConfigError) as caught:
        compiled(columns=columns)
    found = [one for one in caught.value.problems if one.code == "mapping.target_wrong"]
    assert [one.message.en for one in found] == [
        "'Subject': this element must be there, and no column writes it"
    ]


def test_one_message_cannot_become_several_packets(compiled):
    with pytest.raises(ConfigError) as caught:
        compiled(HEAD + "    each: To\n")
    assert "mapping.target_wrong" in [one.code for one in caught.value.problems]

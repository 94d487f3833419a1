"""One packet is one record, with its files; a file that is not what is declared stops it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

import pytest

from adapters import OptionsWrong, SourceRecord, UnreadableRecord, make_options, read_records
from adapters.edxml_files import pack_file
from schemas.edxml.names import E_DOC, GO_VN
from schemas.errors import InputError
from schemas.problem import Severity
from tests.unit.schemas.edxml.conftest import (
    FIELDS,
    HEADER,
    NO_FILES,
    PDF,
    Sample,
    attachment,
    go_vn,
    plain,
    records,
    reference,
    status,
    zipped,
)

MIB = 1024 * 1024


def record(data, **options):
    (found,) = records(data, **options)
    assert isinstance(found, SourceRecord), found
    return found


def faults(data, **options):
    (found,) = records(data, **options)
    assert isinstance(found, UnreadableRecord), found
    errors = [one for one in found.problems if one.severity is Severity.ERROR]
    assert all(one.message.vi and one.suggestion and one.place.path for one in errors)
    return [one.code for one in errors]


def with_file(content, **changes):
    given = {key: changes.pop(key) for key in ("name", "kind") if key in changes}
    named = {"name": given["name"]} if "name" in given else {}
    return Sample(
        attachments=attachment(content, **given), references=reference(**named), **changes
    ).data()


def test_a_document_is_one_record_with_its_files():
    found = record(Sample().data())

    assert {name: found.values[name] for name in FIELDS} == FIELDS
    assert found.values["Packet"] == "MessageHeader"
    assert found.values["Attachments"] == [
        {
            "name": "cv.pdf",
            "type": "application/pdf",
            "description": "-",
            "data": base64.b64encode(PDF).decode(),
            "size": len(PDF),
            "sha256": hashlib.sha256(PDF).hexdigest(),
        }
    ]


def test_every_value_of_the_record_has_its_place():
    found = record(Sample().data())

    assert found.place_of("To[1].OrganId").path.endswith("/MessageHeader/To[2]/OrganId")
    assert found.place_of("Attachments[0].data").path.startswith(
        "/edXML/AttachmentEncoded/Attachment[1]"
    )


def test_a_status_is_a_record_that_says_so():
    found = record(status())

    assert (found.values["Packet"], found.values["StatusCode"]) == ("MessageStatus", "03")
    assert found.values["Attachments"] == []


def test_an_element_called_like_a_key_of_ours_is_not_taken_for_it():
    forged = HEADER + "<Packet>MessageStatus</Packet><Attachments>x</Attachments>"

    found = record(Sample(header=forged).data())

    assert found.values["Packet"] == "MessageHeader"
    assert len(found.values["Attachments"]) == 1


@pytest.mark.parametrize(
    ("content", "name", "kind", "expected"),
    [
        (zipped(("khac.pdf", PDF)), "cv.pdf", "application/zip", PDF),
        (zipped(("cv.pdf", PDF)), "cv.pdf", "application/pdf", PDF),
        (plain(PDF), "cv.pdf", "application/pdf", PDF),
        ("\n  " + plain(PDF)[:8] + "\n" + plain(PDF)[8:], "cv.pdf", "", PDF),
        (zipped(("../../x", PDF)), "cv.pdf", "application/zip", PDF),
    ],
    ids=["zip", "zip called pdf", "plain", "plain in lines", "a path inside is nothing"],
)
def test_a_file_comes_out_of_every_wrapping(content, name, kind, expected):
    found = record(with_file(content, name=name, kind=kind))

    assert found.values["Attachments"][0]["data"] == base64.b64encode(expected).decode()


def test_a_workbook_that_is_a_zip_itself_stays_one():
    book = base64.b64decode(zipped(("[Content_Types].xml", b"<a/>"), ("xl/a.xml", b"<b/>")))

    found = record(with_file(plain(book), name="b.xlsx", kind="application/x"))

    assert found.values["Attachments"][0]["sha256"] == hashlib.sha256(book).hexdigest()


def test_a_map_that_is_a_zip_of_one_file_is_not_taken_out_of_itself():
    # KMZ: one KML in a ZIP, under another name.
    kmz = zipped(("doc.kml", b"<kml/>"))
    wrapped = zipped(("ranh.kmz", base64.b64decode(kmz)))

    for content, kind in ((kmz, "application/vnd.google-earth.kmz"), (wrapped, "application/zip")):
        found = record(with_file(content, name="ranh.kmz", kind=kind))
        assert found.values["Attachments"][0]["data"] == kmz


def test_an_archive_as_a_file_is_not_taken_out_of_itself():
    inner = zipped(("a.pdf", PDF))
    wrapped = zipped(("a.zip", base64.b64decode(inner)))

    assert record(with_file(inner, name="a.zip")).values["Attachments"][0]["data"] == inner
    assert record(with_file(wrapped, name="a.zip")).values["Attachments"][0]["data"] == inner


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("../../etc/cron.d/x.pdf", "x.pdf"),
        ("C:\\Users\\a\\cv.pdf", "cv.pdf"),
        ("..", "_"),
        ("a\tb.pdf", "a_b.pdf"),
    ],
)
def test_a_name_is_never_a_path(name, taken):
    found = record(with_file(plain(PDF), name=name, kind="application/pdf"))

    assert found.values["Attachments"][0]["name"] == taken
    assert [one.code for one in found.warnings] == ["edxml.attachment_path"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"attachments": ""}, "edxml.attachment_missing"),
        ({"references": ""}, "edxml.attachment_undeclared"),
        ({"references": reference(name="khac.pdf")}, "edxml.manifest_differs"),
        ({"references": reference() * 2}, "edxml.content_id_repeated"),
        (
            {"attachments": attachment(zipped(("cv.pdf", PDF))) * 2},
            "edxml.content_id_repeated",
        ),
        ({"attachments": attachment("!!!!")}, "edxml.attachment_base64"),
        ({"attachments": attachment(plain(PDF)[:-3])}, "edxml.attachment_base64"),
        ({"attachments": attachment("")}, "edxml.attachment_empty"),
        ({"attachments": attachment(zipped(("cv.pdf", b"")))}, "edxml.attachment_empty"),
        ({"attachments": attachment(plain(PDF))}, "edxml.attachment_no_zip"),
        (
            {"attachments": attachment(zipped(("a", PDF), ("b", PDF)))},
            "edxml.attachment_several",
        ),
        ({"attachments": attachment(zipped(("a", PDF))[:-40])}, "edxml.zip.truncated"),
    ],
)
def test_a_manifest_that_lies_and_a_broken_file_stop_the_record(changes, code):
    assert code in faults(Sample(**changes).data())


def test_everything_wrong_is_told_at_once():
    data = Sample(
        header=HEADER + "<Subject>hai</Subject>",
        references=reference() + reference("cid:f2", "hai.pdf"),
        attachments=attachment("!"),
    ).data()

    assert faults(data) == [
        "edxml.field_repeated",
        "edxml.attachment_missing",
        "edxml.attachment_base64",
    ]


def test_a_bomb_is_refused_while_it_unpacks():
    bomb = zipped(("cv.pdf", bytes(40 * MIB)))
    assert len(bomb) < 100_000

    assert faults(with_file(bomb)) == ["edxml.zip.too_large"]


def test_many_files_share_one_limit():
    noise = zipped(("cv.pdf", bytes(700 * 1024)))
    references = "".join(reference(f"cid:{n}") for n in range(3))
    attachments = "".join(attachment(noise, str(n)) for n in range(3))
    data = Sample(references=references, attachments=attachments).data()

    assert faults(data, max_unpacked_bytes=MIB) == ["edxml.zip.too_large"] * 2


def test_a_file_with_a_password_is_named():
    data = bytearray(base64.b64decode(zipped(("cv.pdf", PDF))))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1

    assert faults(with_file(plain(bytes(data)))) == ["edxml.zip.encrypted"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "input.empty"),
        (b"PK\x03\x04....", "input.not_text"),
        (b"{}", "xml.syntax"),
        (go_vn(), "edxml.root"),
    ],
)
def test_what_is_no_packet_refuses_the_input(data, code):
    with pytest.raises(InputError) as caught:
        records(data)
    assert caught.value.problem.code == code


def test_more_than_a_record_may_hold_is_never_read():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"<" + b"a" * (size - 1)

    source = Endless()
    with pytest.raises(InputError) as caught:
        records_of(source, max_record_bytes=2048)
    assert caught.value.problem.code == "edxml.too_large"
    assert source.given <= 2049


def records_of(source, **options):
    made = make_options({"format": "edxml", **options})
    return list(read_records(source, file_name="x", options=made))


@pytest.mark.parametrize("namespace", [E_DOC, "urn:khac"])
def test_other_namespaces_are_a_setting(namespace):
    found = record(Sample(namespace=namespace).data(), namespaces=[namespace])

    assert found.values["Subject"] == "V/v lấy ý kiến"


def test_the_withdrawn_form_is_a_setting():
    assert record(go_vn(), namespaces=[GO_VN]).values["Subject"] == "V/v lấy ý kiến"


def test_a_source_of_no_namespace_is_no_source():
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "edxml", "namespaces": [], "max_ratio": 1})
    assert [key for key, _ in caught.value.faults] == ["namespaces", "max_ratio"]


def test_packing_gives_the_same_bytes_whenever_it_is_done():
    packed = base64.b64decode(pack_file("công văn.pdf", PDF))

    assert (
        hashlib.sha256(packed).hexdigest()
        == hashlib.sha256(base64.b64decode(pack_file("công văn.pdf", PDF))).hexdigest()
    )
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (info,) = archive.infolist()
        assert (info.filename, info.date_time) == ("công văn.pdf", (1980, 1, 1, 0, 0, 0))
        assert archive.read(info) == PDF


def test_a_document_without_files_needs_no_manifest():
    assert record(Sample(**NO_FILES).data()).values["Attachments"] == []


@pytest.mark.parametrize("repair", ["report", "on"])
def test_the_bytes_of_a_file_are_no_text_to_be_repaired(repair):
    # In base64: "Nguye+n/a+", which as VIQR would be letters with marks.
    data = base64.b64decode("Nguye+n/a+" * 400 + "AA==")

    found = record(with_file(plain(data), kind="application/pdf"), repair=repair)

    assert found.values["Attachments"][0]["data"] == base64.b64encode(data).decode()
    assert found.warnings == ()

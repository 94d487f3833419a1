"""The commands for edXML, in this process: what they print, write and return."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lxml import etree

from lienthong.cli import main
from lienthong.edxml import examine_packet, examine_signature
from lienthong.policies import Policies
from schemas.edxml.names import GO_VN, QCVN, XMLDSIG
from schemas.edxml.reading import SignatureKind
from tests.unit.schemas.edxml.conftest import (
    HEADER,
    PDF,
    STATUS,
    Sample,
    attachment,
    go_vn,
    packet,
    plain,
    reference,
    status,
)
from tests.unit.signing.conftest import Workshop
from tests.unit.signing.test_holders import signed

DESCRIPTION = """
From: {OrganId: 000.00.15.H29, OrganName: Sở Xây dựng}
To:
  - {OrganId: 000.00.01.H29, OrganName: Văn phòng UBND Thành phố}
Code: {CodeNumber: 012, CodeNotation: SXD-VP}
PromulgationInfo: {PromulgationDate: 2026/11/20}
DocumentType: {Type: 18, TypeName: Công văn}
Subject: V/v lấy ý kiến
Attachments:
  - file: cong-van.pdf
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(tmp_path, monkeypatch, capsysbinary):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cv.edxml").write_bytes(Sample().data())
    (tmp_path / "cong-van.pdf").write_bytes(PDF)

    def command(*words, lang="en"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--lang", lang, "edxml", *map(str, words)])
        shown = capsysbinary.readouterr()
        return Result(ended.value.code or 0, shown.out.decode(), shown.err.decode())

    return command


def test_show_says_header_files_and_signature(run):
    shown = run("show", "cv.edxml")

    assert shown.code == 0
    assert re.search(r"^To\[1\]\.OrganName +UBND Phường Bến Nghé$", shown.out, re.MULTILINE)
    assert f"cv.pdf  application/pdf  {len(PDF)}  {hashlib.sha256(PDF).hexdigest()}" in shown.out
    assert "not signed" in shown.out
    assert "không có chữ ký" in run("show", "cv.edxml", lang="vi").out


def test_show_gives_the_same_to_machines(run):
    values = run("show", "cv.edxml", "--json").json

    assert values["packet"] == "MessageHeader"
    assert values["fields"]["Code"] == {"CodeNumber": "12", "CodeNotation": "SXD-VP"}
    assert values["signature"]["kind"] == "none"
    assert values["errors"] == []


def test_show_says_what_a_status_means(run):
    Path("tt.edxml").write_bytes(status())

    assert "03 (received)" in run("show", "tt.edxml").out
    assert "03 (Đã tiếp nhận)" in run("show", "tt.edxml", lang="vi").out


def test_an_unofficial_signature_is_worth_nothing_and_said_to_be(run):
    written = "<Signature><SignedInfo/><SignatureValue>QQ==</SignatureValue></Signature>"
    Path("cv.edxml").write_bytes(Sample(signature=written).data())

    shown = run("show", "cv.edxml")

    assert shown.code == 1
    assert "cannot be verified: signature of an unofficial kind" in shown.out
    assert (
        "không kiểm tra được: chữ ký loại không chính thức"
        in run("check", "cv.edxml", lang="vi").out
    )


def test_an_empty_signature_is_none(run):
    Path("cv.edxml").write_bytes(Sample(signature="<DigitalSignature/>").data())

    assert run("check", "cv.edxml").code == 0


@pytest.mark.parametrize("signature", ["", "<DigitalSignature/>"])
def test_an_unsigned_packet_is_an_error_only_where_a_signature_is_demanded(run, signature):
    Path("cv.edxml").write_bytes(Sample(signature=signature).data())

    refused = run("check", "cv.edxml", "--signed")

    assert run("check", "cv.edxml").code == 0
    assert refused.code == 1
    assert "The packet is valid" not in refused.out
    assert "is not signed" in refused.err + refused.out
    assert run("check", "cv.edxml", "--signed", "--json").json["good"] is False


@pytest.fixture(scope="module")
def workshop():
    return Workshop()


def signed_packet(workshop, **changes):
    before, after = Sample(signature="§").data().decode().partition("?>")[2].strip().split("§")
    return signed(workshop, parts=(before, after), **changes)


def judged(workshop, data, *, trusted=True):
    anchors = (workshop.root.certificate,) if trusted else ()
    policies = Policies({}, pinned=lambda: replace(workshop.policy, trust_anchors=anchors))
    found = examine_packet(data, file_name="cv.edxml", namespaces=(QCVN,))
    return examine_signature(
        data,
        found.packet,
        load_policy=lambda: policies.load("edxml-legacy"),
        at=workshop.now,
    )


@pytest.mark.parametrize("is_old", [False, True], ids=["sha256", "sha1"])
def test_a_standard_signature_in_the_header_is_verified(workshop, is_old):
    data = signed_packet(workshop, is_old=is_old)

    found = judged(workshop, data)

    assert found.kind is SignatureKind.STANDARD
    assert found.is_good
    assert found.words.en == "right and trusted, of the whole document"
    assert not judged(workshop, data, trusted=False).is_good


def test_a_changed_attachment_breaks_the_signature(workshop):
    data = signed_packet(workshop)
    start = data.index(b"<ContentTransferEncoded>") + len(b"<ContentTransferEncoded>")

    found = judged(workshop, data[:start] + b"QQ==" + data[data.index(b"<", start) :])

    assert not found.is_good
    assert [one.code for one in found.document.inspection.reasons] == ["signature.digest_differs"]


def test_renaming_a_signature_into_another_namespace_proves_nothing(workshop):
    data = signed_packet(workshop).replace(XMLDSIG.encode() + b'"', QCVN.encode() + b'"')

    found = judged(workshop, data)

    assert found.kind is SignatureKind.UNOFFICIAL
    assert not found.is_good


def test_unpack_writes_the_files(run, tmp_path):
    done = run("unpack", "cv.edxml", "--out", "tep", "--json")

    assert done.code == 0
    assert (tmp_path / "tep/cv.pdf").read_bytes() == PDF
    assert done.json["written"][0]["sha256"] == hashlib.sha256(PDF).hexdigest()


def test_unpack_never_leaves_its_folder(run, tmp_path):
    hostile = ["../../thoat.pdf", "/etc/x.pdf", "..", "CON.pdf", "-rf", ".an", "a.PDF", "A.pdf"]
    Path("x.edxml").write_bytes(
        Sample(
            references="".join(reference(f"cid:{n}", one) for n, one in enumerate(hostile)),
            attachments="".join(
                attachment(plain(PDF), str(n), one, "application/pdf")
                for n, one in enumerate(hostile)
            ),
        ).data()
    )

    assert run("unpack", "x.edxml", "--out", "tep").code == 0

    names = sorted(path.name for path in (tmp_path / "tep").iterdir())
    assert names == ["8-A.pdf", "_", "_-rf", "_CON.pdf", "a.PDF", "an", "thoat.pdf", "x.pdf"]
    assert not (tmp_path.parent / "thoat.pdf").exists()


def test_unpack_writes_nothing_of_a_packet_with_a_wrong_file(run, tmp_path):
    Path("x.edxml").write_bytes(
        Sample(
            references=reference() + reference("cid:f2", "hai.pdf"),
            attachments=attachment(plain(PDF), kind="application/pdf")
            + attachment("!", "f2", "hai.pdf"),
        ).data()
    )

    done = run("unpack", "x.edxml", "--out", "tep")

    assert done.code == 1
    assert "edxml.attachment_base64" in done.err
    assert not (tmp_path / "tep").exists()


def test_what_is_made_can_be_shown_and_unpacked(run, tmp_path):
    Path("mo-ta.yaml").write_text(DESCRIPTION, encoding="utf-8")

    assert run("make", "mo-ta.yaml", "--out", "moi.edxml").code == 0

    values = run("show", "moi.edxml", "--json").json
    assert values["errors"] == []
    assert values["fields"]["DocumentId"] == "000.00.15.H29,2026/11/20,012/SXD-VP"
    (traced,) = values["fields"]["TraceHeaderList"]["TraceHeader"]
    assert traced["OrganId"] == "000.00.15.H29"
    assert values["attachments"][0]["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert run("check", "moi.edxml").code == 0


def test_make_puts_document_id_last_where_that_is_wanted(run):
    Path("mo-ta.yaml").write_text(DESCRIPTION, encoding="utf-8")

    made = run("make", "mo-ta.yaml", "--document-id", "last").out

    header = etree.fromstring(made.encode()).find(f".//{{{QCVN}}}MessageHeader")
    assert etree.QName(header[-1]).localname == "DocumentId"


def test_a_status_may_be_described_too_in_json(run):
    fields = {
        "packet": "status",
        "ResponseFor": {"DocumentId": "000.00.15.H29,2026/11/20,12/SXD-VP"},
        "From": {"OrganId": "000.00.01.H29", "OrganName": "Văn phòng"},
        "StatusCode": "03",
        "Timestamp": "2026/11/20 09:30:00",
    }
    Path("mo-ta.json").write_text(json.dumps(fields), encoding="utf-8")

    assert run("make", "mo-ta.json", "--out", "tt.edxml").code == 0
    assert run("check", "tt.edxml", "--document", "cv.edxml").code == 0
    with_file = fields | {"Attachments": [{"file": "cong-van.pdf"}]}
    Path("mo-ta.json").write_text(json.dumps(with_file), encoding="utf-8")
    assert "a status has no attachments" in run("make", "mo-ta.json").err


def test_make_tells_everything_that_is_wrong(run):
    wrong = DESCRIPTION.replace("2026/11/20", "20/11/2026").replace("Subject:", "Trich_yeu:")
    Path("mo-ta.yaml").write_text(wrong, encoding="utf-8")

    done = run("make", "mo-ta.yaml")

    assert done.code == 2
    assert done.out == ""
    for path in ("PromulgationInfo.PromulgationDate", "Subject", "Trich_yeu"):
        assert path in done.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("cong-van.pdf", "khong-co.pdf"), "khong-co.pdf"),
        (("- file: cong-van.pdf", "- tep: x"), "expected a list of files"),
        (("From:", "packet: khac\nFrom:"), "expected document or status"),
        (("From:", "From: &a"), "mapping.yaml"),
    ],
)
def test_a_description_that_cannot_be_read_is_a_mistake_in_words(run, change, said):
    Path("mo-ta.yaml").write_text(DESCRIPTION.replace(*change), encoding="utf-8")

    done = run("make", "mo-ta.yaml")

    assert (done.code, done.out) == (2, "")
    assert said in done.err


ANSWER = ("--from", "000.00.01.H29", "--name", "Văn phòng UBND Thành phố")


def test_a_status_answers_its_document_and_no_other(run):
    done = run("status", "cv.edxml", "--code", "03", *ANSWER, "--out", "tt.edxml")
    other = HEADER.replace("<CodeNumber>12<", "<CodeNumber>13<").replace(",12/", ",13/")
    Path("khac.edxml").write_bytes(Sample(header=other).data())

    assert done.code == 0
    assert packet(Path("tt.edxml").read_bytes()).fields["Description"] == "Đã tiếp nhận"
    assert run("check", "tt.edxml", "--document", "cv.edxml").code == 0
    refused = run("check", "tt.edxml", "--document", "khac.edxml", "--json")
    assert refused.code == 1
    assert {one["code"] for one in refused.json["errors"]} == {"edxml.answers_another"}


def test_a_status_that_nobody_published_is_not_made(run):
    done = run("status", "cv.edxml", "--code", "07", *ANSWER)

    assert (done.code, done.out) == (2, "")
    assert "edxml.status_unknown" in done.err


def test_an_unusual_order_is_told_and_stops_nothing(run):
    done = run("status", "cv.edxml", "--code", "15", "--after", "03", *ANSWER)

    assert done.code == 0
    assert "does not usually come after 03" in done.err


def test_a_status_cannot_be_answered(run):
    Path("tt.edxml").write_bytes(status())

    assert "cannot be answered" in run("status", "tt.edxml", "--code", "03", *ANSWER).err


def test_check_says_everything_at_its_place(run):
    Path("x.edxml").write_bytes(
        status(header=STATUS.replace("<StatusCode>03", "<StatusCode>77") + "<La>1</La>")
    )

    done = run("check", "x.edxml", "--json")

    assert done.code == 1
    assert [(one["code"], one["severity"]) for one in done.json["errors"]] == [
        ("edxml.field_unknown", "warning"),
        ("edxml.status_unknown", "error"),
    ]
    assert done.json["errors"][1]["source"]["path"].endswith("/MessageStatus/StatusCode")


def test_other_namespaces_are_asked_for(run):
    Path("x.edxml").write_bytes(go_vn())

    assert "edxml.root" in run("show", "x.edxml").err
    assert run("show", "x.edxml", "--namespace", GO_VN).code == 0

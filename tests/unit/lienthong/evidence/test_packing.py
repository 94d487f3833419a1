"""What a pack holds, and what it says of what it does not hold."""

import io
import json
from datetime import timedelta
from threading import Event
from zipfile import ZIP_STORED, ZipFile

import pytest
from sqlalchemy import select, update

from lienthong.attachments.inspecting import FoundFile
from lienthong.attachments.manifest import PreparedFile
from lienthong.evidence import verify_evidence as verifier
from lienthong.evidence.packing import Wanted
from lienthong.flows.erase import erase_details
from lienthong.flows.replay import Missing, Order, Replayer
from lienthong.flows.retain import PayloadClass, retain
from lienthong.proving import Proving
from lienthong.roles import Role, Workers
from lienthong.store.attachments import write_files
from lienthong.store.audit_search import Wanted as WantedRows
from lienthong.store.database import reading
from lienthong.store.spans import spans_have, spans_of
from lienthong.store.tables import attachments, audit, messages, receipts, seals, submissions
from lienthong.store.work import begin
from lienthong.testing.evidence_site import QuietSite, land_rows
from mappings.attachments import DeclaredFile
from schemas.errors import InputError
from schemas.problem import Language, Place


class Site:
    """An installation, and short words for packs of it."""

    def __init__(self, folder, *, dossiers=1, receipts=True):
        self.site = QuietSite(folder, receipts=receipts)
        head, *rows = land_rows(folder, size_bytes=2_000).split(b"\r\n")
        self.source = b"\r\n".join((head, *rows[:dossiers], b""))
        self.site.hand_in(self.source)
        with reading(self.site.store) as connection:
            query = select(messages.c.dossier_code).order_by(messages.c.id)
            self.dossiers = list(connection.execute(query).scalars())
        self.root = verifier.read_roots([folder / "keys" / "root.cert.pem"])

    def pack(self, **wanted):
        target = io.BytesIO()
        wanted.setdefault("dossier", self.dossiers[0])
        self.packed = Proving(self.site).make_packer().pack(target, Wanted(**wanted))
        return target

    def report(self, pack, **means):
        report = verifier.verify(pack, verifier.Means(roots=self.root, **means))
        assert [one.en for one in report.lines if one.kind == verifier.FALSE] == []
        return report

    def change(self, statement):
        with self.site.store.engine.begin() as connection:
            connection.execute(statement)

    def retain(self, *classes):
        retain(
            self.site.store,
            ages=dict.fromkeys(classes, timedelta()),
            unqueued=(),
            clock=self.site.clock,
            apply=True,
            actor="an",
        )


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def told(report, code):
    return [one.en for one in report.lines if one.code == code]


def manifest_of(pack):
    with ZipFile(pack) as archive:
        return json.loads(archive.read("manifest.json"))


def test_the_container_has_the_form_of_its_standard(site):
    pack = site.pack()

    data = pack.getvalue()
    assert data[30:69] == b"mimetypeapplication/vnd.etsi.asic-e+zip"
    with ZipFile(pack) as archive:
        first, *files = archive.infolist()
        assert (first.filename, first.compress_type) == ("mimetype", ZIP_STORED)
        assert [one.filename for one in files[-2:]] == [
            "META-INF/manifest.xml",
            "META-INF/signatures.xml",
        ]
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_two_packs_of_the_same_moment_hold_the_same_files_in_the_same_order(site):
    def contents(pack):
        with ZipFile(pack) as archive:
            return [
                (name, archive.read(name))
                for name in archive.namelist()
                # These say when the pack was made.
                if name not in ("manifest.json", "summary.html", "META-INF/signatures.xml")
            ]

    assert contents(site.pack()) == contents(site.pack())


def test_a_file_with_this_dossier_alone_is_in_it_byte_for_byte(site):
    with ZipFile(site.pack()) as archive:
        assert archive.read("submissions/1/source") == site.source
        record = json.loads(archive.read("submissions/1/record-1.json"))
    assert record["values"]["MaHoSoMotCua"] == site.dossiers[0]
    assert site.packed.left_out == []


def test_the_headers_that_went_with_an_attempt_are_in_it(site):
    pack = site.pack()

    (attempt,) = manifest_of(pack)["messages"][0]["attempts"]
    with ZipFile(pack) as archive:
        headers = archive.read(attempt["headers"])
    assert attempt["headers"].endswith("/attempts/send-1-headers")
    assert headers == b"Accept: a\n\n<h>1</h>"
    assert site.report(pack).verdict == verifier.PROVEN


def test_nothing_of_others_is_in_it(tmp_path):
    site = Site(tmp_path, dossiers=2)

    with ZipFile(site.pack()) as archive:
        everything = b"".join(map(archive.read, archive.namelist()))

    assert site.dossiers[0].encode() in everything
    assert site.dossiers[1].encode() not in everything
    assert told(site.report(site.pack()), "source.not_included")
    with ZipFile(site.pack(whole_files=True)) as archive:
        assert archive.read("submissions/1/source") == site.source


def test_what_was_erased_is_told_with_who_did_it_and_the_rest_is_proven(site):
    site.site.clock()
    site.retain(PayloadClass.SUBMISSIONS, PayloadClass.DOCUMENTS, PayloadClass.ANSWERS)
    Proving(site.site).make_sealer().step()

    report = site.report(site.pack())

    assert report.verdict == verifier.PROVEN
    erased = told(report, "content.erased")
    assert len(erased) == 2
    assert all("an: hết thời hạn lưu trữ" in one and ", #" in one for one in erased)
    # When the file came, and when the message was delivered.
    assert len(told(report, "log.since")) == 2
    manifest = manifest_of(site.pack())
    assert [one["document"]["file"] for one in manifest["messages"]] == [None]
    assert [one["answer"] for one in manifest["messages"][0]["attempts"]] == [None]
    assert [one["headers"] for one in manifest["messages"][0]["attempts"]] == [None]
    # The portal's receipt is no payload that is erased.
    assert manifest["messages"][0]["receipt"] is not None


def test_erased_details_are_told_with_their_reason_and_their_rows_stay_proven(site):
    erase_details(
        site.site.store,
        WantedRows(dossier=site.dossiers[0]),
        actor="an",
        reason="quyết định 12",
        clock=site.site.clock,
    )
    Proving(site.site).make_sealer().step()

    report = site.report(site.pack())

    assert told(report, "row.erased") == [
        "3 rows of the log had their detail erased (an: quyết định 12); they stay proven"
    ]
    assert told(report, "log.rows")[0].startswith("6 rows of the log are as they were sealed")
    assert len(told(report, "document.not_logged")) == 1


def test_rows_that_have_no_seal_yet_are_told(site):
    with reading(site.site.store) as connection:
        message = connection.execute(select(messages.c.id)).scalar_one()
    with begin(site.site.store, at=site.site.clock) as work:
        work.note("message.viewed", message)

    report = site.report(site.pack())

    assert told(report, "row.unsealed") == [
        "1 rows of the log are not sealed yet: the operator's word only"
    ]
    assert (site.packed.rows, site.packed.unsealed) == (7, 1)


def test_a_log_without_any_seal_gives_a_pack_that_says_so(tmp_path):
    site = Site(tmp_path)
    site.change(update(audit).values(seal_id=None))
    site.change(seals.delete())

    report = site.report(site.pack())

    assert len(told(report, "row.unsealed")) == 1
    assert told(report, "log.rows") == []


def test_a_channel_without_receipts_is_told_as_that(tmp_path):
    site = Site(tmp_path, receipts=False)

    report = site.report(site.pack())

    assert report.verdict == verifier.PROVEN
    assert len(told(report, "receipt.none")) == 1
    assert len(told(report, "answer.unsigned")) == 1


def test_a_long_chain_is_left_out_unless_it_is_asked_for(site, monkeypatch):
    monkeypatch.setattr("lienthong.evidence.packing.LONGEST_CHAIN", 2)
    for number in range(5):
        with begin(site.site.store, at=site.site.clock) as work:
            work.note("test.done", f"t{number}")
        Proving(site.site).make_sealer().step()
    with reading(site.site.store) as connection:
        rows = connection.execute(select(seals.c.id, seals.c.digest)).all()
    witness = {row.id: row.digest.hex() for row in rows}

    left_out = site.report(site.pack(), witness=witness)
    whole = site.report(site.pack(whole_chain=True), witness={rows[3].id: rows[3].digest.hex()})

    assert "it has 6 seals" in told(left_out, "chain.not_included")[0]
    # The seals that rows are in are compared with the witness all the same.
    assert told(left_out, "witness.agrees")
    assert told(whole, "chain.linked") == ["6 seals follow each other up to number 6"]
    assert told(whole, "witness.agrees") == ["Seals up to number 4 are as the witness has them"]
    assert told(whole, "witness.earlier")


def test_a_witness_that_knows_none_of_these_seals_proves_nothing(site):
    report = site.report(site.pack(), witness={999: "00" * 32})

    assert len(told(report, "witness.elsewhere")) == 1


def test_a_document_that_does_not_open_is_told_and_the_rest_is_packed(site):
    site.change(update(messages).values(document=b"\x01damaged"))

    report = site.report(site.pack())

    assert "damaged in the store" in told(report, "content.erased")[0]


def test_a_mapping_that_is_gone_leaves_the_record_out_and_says_so(site):
    site.change(update(messages).values(agency="gone"))
    site.change(update(submissions).values(agency="gone"))

    [submission] = manifest_of(site.pack())["submissions"]

    assert (submission["records"], submission["file"]) == ({}, None)
    assert submission["records_why_en"].startswith("it cannot be read again (")


def test_a_dossier_that_nobody_has_and_one_that_two_have_are_told_apart(tmp_path):
    site = Site(tmp_path, dossiers=2)

    with pytest.raises(InputError) as none:
        site.pack(dossier="H29-none")
    site.change(update(messages).values(dossier_code="X"))
    with reading(site.site.store) as connection:
        first = connection.execute(select(messages.c.id).limit(1)).scalar_one()
    site.change(update(messages).where(messages.c.id == first).values(agency="other"))
    with pytest.raises(InputError) as several:
        site.pack(dossier="X")

    assert none.value.problem.code == "evidence.no_dossier"
    assert several.value.problem.code == "evidence.several_agencies"
    assert manifest_of(site.pack(dossier="X", agency="other"))["agency"] == "other"


def test_the_summary_is_one_page_in_the_language_asked_for_without_scripts(site):
    def page(language):
        with ZipFile(site.pack(language=language)) as archive:
            return archive.read("summary.html").decode()

    vietnamese, english = page(Language.VI), page(Language.EN)

    assert "Gói này chứng minh gì" in vietnamese
    assert "What this pack proves" in english
    assert "Gói này" not in english
    for text in (vietnamese, english):
        assert "<script" not in text
        assert "default-src 'none'" in text
        assert site.dossiers[0] in text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([4], "4"), ([1, 2, 3, 7, 9, 10], "1-3,7,9-10")],
)
def test_numbers_in_short_have_exactly_these(numbers, text):
    assert spans_of(numbers) == text
    assert [one for one in range(12) if spans_have(text, one)] == numbers


def test_no_name_in_a_pack_leads_out_of_the_folder_that_it_is_unpacked_to(site):
    """Kinds of attempts and fingerprints come from the database, which may be anybody's."""
    with site.site.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE attempts SET kind = '../../../kind'")
        connection.exec_driver_sql("UPDATE seals SET signer = '../../../signer'")
        connection.exec_driver_sql("UPDATE seal_signers SET fingerprint = '../../../signer'")

    pack = site.pack()

    with ZipFile(pack) as source:
        names = source.namelist()
    assert [name for name in names if ".." in name or name.startswith("/")] == []
    assert any("seal-signer" in name for name in names)


def test_a_dossier_that_the_portal_lost_and_got_again_is_proven_with_its_first_receipt(tmp_path):
    its = Site(tmp_path)
    site = its.site
    with reading(site.store) as connection:
        first = connection.execute(select(receipts.c.digest)).scalar_one()
        message_id = connection.execute(select(messages.c.id)).scalar_one()
    lost = Missing(message_id=message_id, since=site.clock())
    order = Order(actor="an", reason="the portal lost it")
    with site.open_broker() as broker:
        replayer = Replayer(store=site.store, broker=broker, clock=site.clock)
        (acted,) = replayer.resend_missing([lost], order=order, run_id="r1")
    assert acted.problem is None

    assert Workers(site, (Role.DELIVER,), Event(), until_idle=True).run()
    # Until it is sealed, too, the second answer makes nothing false.
    assert len(told(its.report(its.pack()), "receipt.signed")) == 1
    Proving(site).make_sealer().step()

    with reading(site.store) as connection:
        row = connection.execute(select(messages)).one()
        assert (row.state, row.attempts, row.proof) == ("delivered", 2, "receipt")
        assert connection.execute(select(receipts.c.digest)).scalar_one() == first
    report = its.report(its.pack())
    assert [one.en for one in report.lines if "a receipt for exactly the bytes sent" in one.en]


def complete_files(site, *names):
    """Give the dossier's message a manifest, as if its mapping had named files."""
    with reading(site.site.store) as connection:
        message_id = connection.execute(select(messages.c.id)).scalars().first()
    found = FoundFile(size=9, sha256="ab" * 32, kind="pdf")
    files = [
        PreparedFile(
            declared=DeclaredFile(
                number=number, place=Place(), name=name, way="data", source="", sha256=None
            ),
            found=found,
        )
        for number, name in enumerate(names, start=1)
    ]
    with begin(site.site.store, at=site.site.clock) as work:
        write_files(work, [(message_id, "land-registration", files)], to_fetch=())
    return message_id


def test_the_manifest_of_its_files_is_in_the_pack_as_the_log_knows_it(site):
    complete_files(site, "Đơn.pdf", "CCCD.jpg")

    pack = site.pack()

    with ZipFile(pack) as archive:
        [name] = [one for one in archive.namelist() if one.endswith("attachments.json")]
        entries = json.loads(archive.read(name))
    assert [entry["name"] for entry in entries] == ["Đơn.pdf", "CCCD.jpg"]
    # It was delivered before; a pack may not say that its files were there then.
    report = verifier.verify(pack, verifier.Means(roots=site.root))
    assert [one.code for one in report.lines if one.kind == verifier.FALSE] == ["attachments.late"]


def test_a_manifest_that_was_changed_since_is_found_out(site):
    complete_files(site, "Đơn.pdf")
    with begin(site.site.store, at=site.site.clock) as work:
        work.connection.execute(update(attachments).values(size=10))

    report = verifier.verify(site.pack(), verifier.Means(roots=site.root))

    found = [one.code for one in report.lines if one.kind == verifier.FALSE]
    assert found == ["attachments.other_than_logged"]


def test_a_manifest_that_was_erased_is_told_with_what_is_left(site):
    complete_files(site, "Đơn.pdf")
    site.retain(PayloadClass.DOCUMENTS)

    report = site.report(site.pack())

    assert len(told(report, "attachments.not_included")) == 1

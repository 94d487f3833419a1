"""Packs of what came down to agencies, and of what agencies share: what they prove, and forged."""

import io
import json
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from lienthong.evidence import verify_evidence as verifier
from lienthong.evidence.alarms import open_alarms
from lienthong.evidence.gathering import gather
from lienthong.evidence.packing import Wanted
from lienthong.flows.retain import PayloadClass, retain
from lienthong.proving import Proving
from lienthong.store.database import reading
from lienthong.store.tables import messages
from lienthong.testing.evidence_site import AGENCY, NEIGHBOUR, TownSite, dossier_in, land_rows
from schemas.errors import InputError
from schemas.problem import Language
from signing import read_signer

FILED_ONLY = "000.00.15.H29-260302-0001"


class Town:
    """A dossier that was filed at the portal, went up with its status, and was shared."""

    def __init__(self, folder):
        self.folder, self.site = folder, TownSite(folder)
        head, row, *_ = land_rows(folder, size_bytes=2_000).split(b"\r\n")
        self.dossier = dossier_in(head, row)
        self.site.send_down(self.dossier)
        self.site.hand_in(b"\r\n".join((head, row, b"")))
        self.root = verifier.read_roots([folder / "keys" / "root.cert.pem"])

    def pack(self, dossier=None, **wanted):
        target = io.BytesIO()
        wanted = Wanted(dossier=dossier or self.dossier, **wanted)
        Proving(self.site).make_packer().pack(target, wanted)
        return target

    def report(self, pack):
        report = verifier.verify(pack, verifier.Means(roots=self.root))
        assert [one.en for one in report.lines if one.kind == verifier.FALSE] == []
        assert report.verdict == verifier.PROVEN
        return report

    def handed_to(self, agency):
        """Return the id of the message that came down to an agency."""
        with reading(self.site.store) as connection:
            query = select(messages.c.id).where(
                messages.c.agency == agency, messages.c.packet == "inbound"
            )
            return connection.execute(query).scalar_one()

    def handed(self, agency):
        (file,) = (self.folder / agency).iterdir()
        return file.read_bytes()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("town"))


def told(report, code):
    return [one.en for one in report.lines if one.code == code]


def contents(pack):
    with ZipFile(pack) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def manifest_of(pack):
    return json.loads(contents(pack)["manifest.json"])


def parts_of(manifest):
    """Return what came down, went up and was shared: each a message and what it is made of."""
    files = {one["id"]: one for one in manifest["submissions"]}
    ways = {(one["agency"], one["packet"]): one for one in manifest["messages"]}
    keys = ((AGENCY, "inbound"), (AGENCY, "DongBoHoSoMC"), (NEIGHBOUR, "inbound"))
    return [(ways[key], files[ways[key]["submission"]]) for key in keys if key in ways]


def test_a_pack_has_what_came_down_what_was_made_of_it_and_what_was_shared(town):
    pack = town.pack()

    files, manifest = contents(pack), manifest_of(pack)
    assert manifest["type"] == "lienthong-evidence/2"
    (down, filed), _, (shared, share) = parts_of(manifest)
    assert files[down["document"]["file"]] == town.handed(AGENCY)
    assert files[shared["document"]["file"]] == town.handed(NEIGHBOUR)
    assert [one["outcome"] for one in (*down["attempts"], *shared["attempts"])] == ["delivered"] * 2
    assert b"<ChuHoSo>Nguy" in files[filed["file"]]
    assert b"<ChuHoSo>***" in files[share["file"]]
    assert json.loads(files[share["shared"]["file"]])["purpose"] == "Thử nghiệm"


def test_the_verifier_says_in_words_what_each_of_its_parts_proves(town):
    report = town.report(town.pack())

    portal = read_signer(town.site.keyring.portal_key().certificate).fingerprint
    (sender,) = told(report, "sender.logged")
    assert f"from portal, proven at the door by a WS-Security signature ({portal})" in sender
    assert len(told(report, "source.whole")) == 3
    assert len(told(report, "handed.whole")) == len(told(report, "handed.made")) == 2
    by = [one.partition("by mapping ")[2].partition("@")[0] for one in told(report, "handed.made")]
    assert sorted(by) == [AGENCY, NEIGHBOUR]
    attempts = told(report, "attempts.logged")
    assert [one.partition(": ")[2] for one in attempts] == [
        "1 attempts, all that the log knows (written into its folder)"
    ] * 2
    (terms,) = told(report, "sharing.terms")
    assert "land-registration → ministry-profile, for 'Thử nghiệm', on the basis of" in terms
    assert len(told(report, "sharing.within")) == 1
    assert len(told(report, "handed.unsigned")) == 2
    assert len(told(report, "sender.operator_word")) == 1


def test_a_dossier_that_only_came_down_has_a_pack(tmp_path):
    site = TownSite(tmp_path)
    site.send_down(FILED_ONLY)
    target = io.BytesIO()
    Proving(site).make_packer().pack(target, Wanted(dossier=FILED_ONLY))

    root = verifier.read_roots([tmp_path / "keys" / "root.cert.pem"])
    report = verifier.verify(target, verifier.Means(roots=root))

    assert report.verdict == verifier.PROVEN
    assert (report.dossier, len(told(report, "handed.whole"))) == (FILED_ONLY, 1)
    assert told(report, "document.signed") == []


def test_one_message_has_a_pack_of_its_own(town):
    id_ = town.handed_to(NEIGHBOUR)

    pack = town.pack(id_)

    assert [one["id"] for one in manifest_of(pack)["messages"]] == [id_]
    assert len(told(town.report(pack), "sharing.within")) == 1


def test_an_agency_that_was_told_gets_nothing_but_what_it_was_told(town):
    pack = town.pack(agency=NEIGHBOUR)

    everything = b"".join(contents(pack).values())
    assert town.report(pack)
    assert [one["agency"] for one in manifest_of(pack)["messages"]] == [NEIGHBOUR]
    assert "Nguyễn Thị Bưởi".encode() not in everything
    assert town.handed_to(AGENCY).encode() not in everything


def test_an_agency_has_what_was_shared_of_its_own(town):
    manifest = manifest_of(town.pack(agency=AGENCY))

    assert manifest["agency"] == AGENCY
    assert len(parts_of(manifest)) == 3


def test_what_was_erased_is_told_by_its_digest_and_the_chain_stays_proven(tmp_path):
    town = Town(tmp_path)
    town.site.clock()
    classes = (PayloadClass.SUBMISSIONS, PayloadClass.DOCUMENTS, PayloadClass.ANSWERS)
    retain(
        town.site.store,
        ages=dict.fromkeys(classes, timedelta()),
        unqueued=(),
        clock=town.site.clock,
        apply=True,
        actor="an",
    )
    Proving(town.site).make_sealer().step()

    pack = town.pack()
    report = town.report(pack)

    (down, _), _, (shared, _) = parts_of(manifest_of(pack))
    digests = [sha256(town.handed(one)).hexdigest() for one in (AGENCY, NEIGHBOUR)]
    assert [one["document"]["sha256"] for one in (down, shared)] == digests
    assert [one["document"]["file"] for one in (down, shared)] == [None, None]
    assert len([one for one in told(report, "content.erased") if ", file: its content" in one]) == 2
    assert len(told(report, "handed.made")) == 2
    assert len(told(report, "sharing.terms")) == 1


def test_our_own_checks_take_what_came_down_for_no_fault(tmp_path):
    site = TownSite(tmp_path)
    site.send_down(FILED_ONLY)

    assert Proving(site).make_reverifier().step() > 0

    with reading(site.store) as connection:
        assert open_alarms(connection) == []


def test_a_dossier_of_which_there_is_nothing_is_told_in_both_languages(town):
    with pytest.raises(InputError) as none:
        town.pack("H29-none", agency=NEIGHBOUR)

    words = none.value.problem.message
    assert "không gì gửi xuống cơ quan" in words.vi
    assert "nothing came down to an agency" in words.en
    assert "at the agency ministry-profile" in words.en


def test_the_page_for_people_says_what_came_down_in_words_of_its_own(town):
    page = contents(town.pack(language=Language.EN))["summary.html"].decode()

    assert "down to ministry-profile" in page
    assert "a message for the agency was received" in page
    assert "by mapping land-registration@" in page
    assert "What file went to an agency" in page


def test_a_message_alone_has_a_pack_and_no_timeline_as_if_it_were_its_dossier(town):
    id_ = town.handed_to(AGENCY)

    with reading(town.site.store) as connection:
        assert gather(connection, id_).dossier == town.dossier
        with pytest.raises(InputError):
            gather(connection, id_, for_pack=False)


def test_a_share_that_the_log_knows_and_the_pack_lacks_is_told(town):
    with reading(town.site.store) as connection:
        query = select(messages.c.id).where(messages.c.packet == "DongBoHoSoMC")
        id_ = connection.execute(query).scalar_one()

    alone = town.report(town.pack(id_))

    (words,) = told(alone, "sharing.not_included")
    assert words.endswith("was shared (ministry-profile), and 1 of these shares are not here")
    assert told(town.report(town.pack()), "sharing.not_included") == []
    assert told(town.report(town.pack(agency=AGENCY)), "sharing.not_included") == []


def test_a_signed_document_is_read_once_for_all_its_shares():
    reads = []

    def read(name, _limit):
        reads.append(name)
        return b"<a><HoSo><MaHoSo>1</MaHoSo></HoSo></a>" if name == "good" else b"<a>"

    good, bad = (verifier.Origin(SimpleNamespace(read=read), name) for name in ("good", "bad"))

    assert [good.fields() for _ in range(3)] == [[("MaHoSo", "1")]] * 3
    for _ in range(3):
        with pytest.raises(verifier.Refused):
            bad.fields()
    assert reads == ["good", "bad"]


def test_a_packet_of_more_values_than_any_dossier_has_is_refused():
    fields = "<a/>" * (verifier.MAX_FIELDS + 1)

    with pytest.raises(verifier.Refused, match="it is no such message"):
        verifier._fields_of(verifier.parse_xml(f"<x><HoSo>{fields}</HoSo></x>".encode()))

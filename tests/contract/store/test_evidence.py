"""Evidence packs out of each database: gathered, proven, and checked again."""

import io
import json
import zipfile
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select, update

from lienthong.corrections import Wish
from lienthong.evidence import verify_evidence as verifier
from lienthong.evidence.alarms import open_alarms
from lienthong.evidence.packing import Wanted
from lienthong.evidence.reverifying import Pace, Reverifier, Roots
from lienthong.flows.replay import Order, Replayer
from lienthong.flows.retain import PayloadClass, retain
from lienthong.proving import Proving
from lienthong.store.database import reading
from lienthong.store.tables import audit, messages
from lienthong.testing.evidence_site import QuietSite, land_rows


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, tmp_path):
    """Give an installation that has delivered two dossiers, on each database."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")(tables=True)
    made = QuietSite(tmp_path, store_url=url)
    head, *rows = land_rows(tmp_path, size_bytes=1_500).split(b"\r\n")
    for row in rows[:2]:
        made.hand_in(b"\r\n".join((head, row, b"")))
    yield made
    made.engine.dispose()


def first_dossier(site):
    with reading(site.store) as connection:
        query = select(messages.c.dossier_code).where(messages.c.dossier_code.endswith("0001"))
        return connection.execute(query).scalar_one()


def check(site, **wanted):
    target = io.BytesIO()
    packed = Proving(site).make_packer().pack(target, Wanted(dossier=first_dossier(site), **wanted))
    roots = verifier.read_roots([site.keyring.folder / "root.cert.pem"])
    return packed, verifier.verify(target, verifier.Means(roots=roots))


def test_a_pack_is_proven(site):
    packed, report = check(site)

    assert (packed.messages, packed.documents, packed.receipts, packed.unsealed) == (1, 1, 1, 0)
    assert (report.verdict, [one for one in report.lines if one.kind == "false"]) == ("proven", [])
    assert {"log.rows", "chain.linked", "source.whole", "receipt.signed"} <= {
        one.code for one in report.lines if one.kind == "proven"
    }


def test_what_retention_erased_is_named_with_its_row(site):
    retain(
        site.store,
        ages={PayloadClass.DOCUMENTS: timedelta(), PayloadClass.SUBMISSIONS: timedelta()},
        unqueued=(),
        clock=lambda: site.clock() + timedelta(days=999),
        apply=True,
    )
    with reading(site.store) as connection:
        rows = connection.execute(
            select(audit.c.id).where(audit.c.action == "retention.erased").order_by(audit.c.id)
        ).scalars()
        rows = list(rows)

    _, report = check(site)

    told = [one.en for one in report.lines if one.code == "content.erased"]
    assert len(told) == 2
    assert all(any(f", #{row})" in one for row in rows) for one in told)


def test_a_change_is_found_by_checking_again(site):
    now = site.clock()
    reverifier = Reverifier(
        site.store,
        packer=Proving(site).make_packer(),
        policy=site.keyring.policy,
        roots=lambda: Roots(documents=site.keyring.policy().trust_anchors),
        pace=Pace(period=timedelta(seconds=1), sample=timedelta(days=1)),
        clock=lambda: now,
        random=Random(1),
    )
    with site.store.engine.begin() as connection:
        connection.execute(update(audit).where(audit.c.seal_id == 1).values(actor="other"))

    for _ in range(20):
        now += timedelta(milliseconds=130)
        reverifier.step()

    with reading(site.store) as connection:
        found = open_alarms(connection)
    assert {(one.code, one.seal) for one in found if one.seal is not None} == {("row.changed", 1)}


def test_a_pack_of_a_corrected_record_is_proven_and_has_who_corrected_it(site, tmp_path):
    head, *rows = land_rows(tmp_path, size_bytes=1_500).split(b"\r\n")
    cells = rows[2].split(b";")
    cells[head.split(b";").index(b"TrangThai")] = b"nowhere"
    source = b"\r\n".join((head, b";".join(cells), b""))
    site.hand_in(source)
    with reading(site.store) as connection:
        query = select(messages.c.id, messages.c.dossier_code)
        rejected = connection.execute(query.where(messages.c.state == "rejected")).one()
    with site.open_broker() as broker:
        acted = Replayer(store=site.store, broker=broker, clock=site.clock).correct(
            rejected.id,
            [Wish(path="TrangThai", value="Đang xử lý")],
            order=Order(actor="an", reason="by telephone"),
            agencies=site.agency,
        )
    site.work()
    Proving(site).make_sealer().step()

    target = io.BytesIO()
    Proving(site).make_packer().pack(target, Wanted(dossier=rejected.dossier_code))
    roots = verifier.read_roots([site.keyring.folder / "root.cert.pem"])
    report = verifier.verify(target, verifier.Means(roots=roots))

    assert acted.problem is None
    assert (report.verdict, [one for one in report.lines if one.kind == "false"]) == ("proven", [])
    with zipfile.ZipFile(target) as pack:
        log = [json.loads(line) for line in pack.read("audit/rows.jsonl").splitlines()]
    (row,) = [one for one in log if one.get("action") == "message.corrected"]
    assert (row["actor"], row["subject"]) == ("an", acted.new_id)

"""Receipts for agencies: one for each hand-over, made off the way in, the same bytes for ever."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO

import pytest
from sqlalchemy import select

from lienthong.flows.acknowledge import Acknowledger
from lienthong.flows.receive import Offer, receive
from lienthong.flows.reseal import reseal
from lienthong.store.database import reading
from lienthong.store.results import pending
from lienthong.store.submission_receipts import (
    SignedReceipt,
    due_receipts,
    read_backlog,
    read_receipts,
    write_receipts,
)
from lienthong.store.tables import audit, submission_receipts
from lienthong.store.work import begin
from schemas.errors import ConfigError
from schemas.problem import Text
from schemas.receipts import Statement, read_submission_receipt
from signing import KeyUnusable, Reason, XadesSigner, load_pem, load_policy, verify
from signing.devpki import make_development_pki

BODY = b"dossier,content\nD-1,a\n"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "pki"
    make_development_pki(folder, agencies={}, now=datetime(2026, 3, 1, tzinfo=UTC), kind="ec")
    return folder


@pytest.fixture
def signer(pki):
    files = (pki / "operator.key.pem", pki / "operator.cert.pem")
    return XadesSigner(load_pem(*files, passphrase=None))


@pytest.fixture
def make(exchange, signer):
    """Make what makes receipts, with the operator's key or whatever is given."""

    def make_(signer=lambda: signer, *, codes=lambda _name: "000.00.15.H29", name=None):
        return Acknowledger(
            store=exchange.store,
            signer=signer,
            installation=name,
            agency_codes=codes,
            clock=exchange.clock,
        )

    return make_


def hand_over(exchange, body=BODY, *, key=None, sender="http:t1", agency="land"):
    offer = Offer(
        source=BytesIO(body),
        file_name="a.csv",
        agency=agency,
        door="http",
        sender=sender,
        key=key,
    )
    parts = {"store": exchange.store, "broker": exchange.broker}
    return receive(offer, clock=exchange.clock, **parts).submission_id


def receipts_of(exchange, submission_id):
    with reading(exchange.store) as connection:
        return read_receipts(connection, submission_id, vault=exchange.store.vault)


def stated(exchange, pki, document):
    policy = load_policy([pki / "operator.cert.pem"])
    verified = verify(document, policy=policy, now=exchange.clock())
    return read_submission_receipt(verified.element)


def told(exchange):
    with reading(exchange.store) as connection:
        return pending(connection, vault=exchange.store.vault, limit=1000)


def backlog(exchange):
    with reading(exchange.store) as connection:
        return read_backlog(connection)


def rows(exchange, table):
    with reading(exchange.store) as connection:
        return connection.execute(select(table)).all()


def locked():
    raise KeyUnusable(Reason(code="key.locked", vi="khóa bị khóa", en="the key is locked"))


def test_what_was_received_is_signed_with_everything_that_proves_it(exchange, make, pki):
    submission_id = hand_over(exchange)
    received_at = exchange.clock()
    exchange.clock.tick(seconds=3)

    assert make(name="Sở").step() == 1

    (found,) = receipts_of(exchange, submission_id)
    receipt = stated(exchange, pki, found.document)
    assert receipt.statement is Statement.RECEIVED
    assert (receipt.submission_id, receipt.agency) == (submission_id, "land")
    assert (receipt.agency_code, receipt.installation) == ("000.00.15.H29", "Sở")
    assert (receipt.door, receipt.sender) == ("http", "http:t1")
    assert (receipt.digest, receipt.size) == (sha256(BODY).hexdigest(), len(BODY))
    assert receipt.received_at == received_at
    assert found.digest == sha256(found.document).hexdigest()


def test_there_is_nothing_to_do_twice(exchange, make):
    submission_id = hand_over(exchange)
    assert make().step() == 1
    first = receipts_of(exchange, submission_id)

    assert make().step() == 0
    assert make().make(submission_id)

    assert receipts_of(exchange, submission_id) == first
    assert backlog(exchange).count == 0


def test_the_agency_is_told_once_and_a_repeat_gets_the_same_bytes(exchange, make):
    submission_id = hand_over(exchange, key="k")
    make().step()
    hand_over(exchange, key="k")
    make().step()

    (document,) = (one.document for one in receipts_of(exchange, submission_id))
    found = [(one.kind, one.is_again, one.state, one.receipt) for one in told(exchange)]
    assert sorted(found, key=str) == [
        ("receipt", False, "received", document),
        ("received", False, "received", None),
        ("received", True, "received", document),
    ]


def test_it_is_in_the_log_with_its_digest_and_signer(exchange, make, signer):
    submission_id = hand_over(exchange)
    make().step()

    (found,) = receipts_of(exchange, submission_id)
    (line,) = (row for row in rows(exchange, audit) if row.action == "receipt.made")
    assert line.subject == submission_id
    assert json.loads(line.detail) == {
        "statement": "received",
        "digest": found.digest,
        "signer": found.signer,
    }


def test_a_key_that_cannot_sign_holds_nobody_up_and_shows_a_backlog(exchange, make):
    first, since = hand_over(exchange), exchange.clock()
    exchange.clock.tick(seconds=9)
    hand_over(exchange)
    acknowledger = make(locked)

    assert acknowledger.step() == 0
    assert not acknowledger.make(first)

    assert acknowledger.trouble == Text(vi="khóa bị khóa", en="the key is locked")
    assert (backlog(exchange).count, backlog(exchange).oldest) == (2, since)
    assert receipts_of(exchange, first) == []


def test_receipts_come_by_themselves_once_the_key_can_sign(exchange, make, signer):
    keys = [locked, lambda: signer]
    submission_id = hand_over(exchange)

    def key():
        return keys.pop(0)()

    acknowledger = make(key)

    assert acknowledger.step() == 0
    assert acknowledger.step() == 1

    assert acknowledger.trouble is None
    assert len(receipts_of(exchange, submission_id)) == 1


def test_an_expired_certificate_is_trouble_of_the_key(exchange, make):
    hand_over(exchange)
    exchange.clock.tick(days=20_000)

    acknowledger = make()

    assert acknowledger.step() == 0
    assert acknowledger.trouble is not None
    assert backlog(exchange).count == 1


def test_a_mapping_that_is_gone_keeps_no_agency_from_its_receipt(exchange, make, pki):
    def gone(_name):
        raise ConfigError(Text(vi="không có", en="gone"), code="mapping.unknown")

    submission_id = hand_over(exchange)
    make(codes=gone).step()

    (found,) = receipts_of(exchange, submission_id)
    assert stated(exchange, pki, found.document).agency_code is None


def test_a_strange_sender_gets_a_receipt_and_holds_up_nobody(exchange, make):
    ids = [hand_over(exchange, sender=sender) for sender in ("a\x1bb\x07", "<&>", "good")]

    assert make().step() == 3

    assert [len(receipts_of(exchange, one)) for one in ids] == [1, 1, 1]


def test_a_file_that_is_refused_as_a_whole_gets_a_second_statement_with_the_codes(
    exchange, desk, make, pki
):
    submission_id = hand_over(exchange, b"\xff\xfe\x00")
    make().step()
    desk.run()
    assert desk.submissions()[0][0] == "refused"

    assert make().step() == 1

    received, refused = receipts_of(exchange, submission_id)
    assert (received.statement, refused.statement) == (Statement.RECEIVED, Statement.REFUSED)
    said = stated(exchange, pki, refused.document)
    assert said.statement is Statement.REFUSED
    assert said.codes
    assert said.digest == sha256(b"\xff\xfe\x00").hexdigest()
    states = [one.state for one in told(exchange) if one.kind == "receipt"]
    assert states == ["received", "refused"]


def test_both_are_made_where_it_was_refused_before_the_first_was_signed(exchange, desk, make):
    submission_id = hand_over(exchange, b"\xff\xfe\x00")
    desk.run()

    make().step()

    found = receipts_of(exchange, submission_id)
    assert [one.statement for one in found] == [Statement.RECEIVED, Statement.REFUSED]
    assert backlog(exchange).count == 0


def test_a_refusal_while_the_first_is_being_signed_is_not_forgotten(exchange, desk, make):
    submission_id = hand_over(exchange, b"\xff\xfe\x00")
    with reading(exchange.store) as connection:
        due = due_receipts(connection, vault=exchange.store.vault, limit=10)
    desk.run()

    with begin(exchange.store, at=exchange.clock) as work:
        write_receipts(work, [(due[0], [signed(submission_id)])])
    assert backlog(exchange).count == 1
    make().step()

    statements = [one.statement for one in receipts_of(exchange, submission_id)]
    assert statements == [Statement.RECEIVED, Statement.REFUSED]
    assert receipts_of(exchange, submission_id)[0].document == b"<first/>"


def test_of_two_that_sign_at_once_one_is_kept(exchange):
    submission_id = hand_over(exchange)
    with reading(exchange.store) as connection:
        due = due_receipts(connection, vault=exchange.store.vault, limit=10)

    for document in (b"<first/>", b"<second/>"):
        with begin(exchange.store, at=exchange.clock) as work:
            write_receipts(work, [(due[0], [signed(submission_id, document)])])

    assert [one.document for one in receipts_of(exchange, submission_id)] == [b"<first/>"]
    assert [one.kind for one in told(exchange)].count("receipt") == 1


def test_more_than_one_batch_is_made_oldest_first(exchange, make, monkeypatch):
    monkeypatch.setattr("lienthong.flows.acknowledge.BATCH", 2)
    ids = []
    for _ in range(5):
        ids.append(hand_over(exchange))
        exchange.clock.tick(seconds=1)
    acknowledger = make()

    assert acknowledger.step() == 2
    assert [len(receipts_of(exchange, one)) for one in ids] == [1, 1, 0, 0, 0]
    assert [acknowledger.step() for _ in range(3)] == [2, 1, 0]


def test_receipts_are_encrypted_and_sealed_anew_with_everything_else(exchange, make):
    submission_id = hand_over(exchange)
    make().step()
    before = receipts_of(exchange, submission_id)
    (row,) = rows(exchange, submission_receipts)
    assert row.document[:1] == b"\x01"
    plain = replace(exchange.store, vault=exchange.store.vault)
    plain.vault.encrypt = False

    reseal(plain, clock=exchange.clock)

    (row,) = rows(exchange, submission_receipts)
    assert row.document == b"\x00" + before[0].document
    assert receipts_of(exchange, submission_id) == before


def signed(submission_id, document=b"<first/>"):
    return SignedReceipt(
        submission_id=submission_id,
        statement=Statement.RECEIVED,
        document=document,
        digest=sha256(document).hexdigest(),
        signer="ab" * 32,
    )

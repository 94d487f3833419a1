"""What proves a delivery is kept and named: a receipt, a bare answer, or being asked."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select

from lienthong.channels.port import Answer, CutAnswer, Found, LookUp, Outcome
from lienthong.flows.hints import DELIVER, hint
from lienthong.proofs import WORDS, Proof
from lienthong.store.database import reading
from lienthong.store.queries import read_answer, show_message
from lienthong.store.tables import attempts, audit
from signing import Signer

SIGNER = Signer(
    common_name="Portal",
    organization=None,
    agency_code=None,
    serial="1f",
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    not_after=datetime(2027, 1, 1, tzinfo=UTC),
    fingerprint="ab" * 32,
)
RECEIPT = b"<BienNhan>r</BienNhan>"
RAW = b"<Envelope>ok</Envelope>"
WITH_RECEIPT = Answer(
    outcome=Outcome.DELIVERED, raw=RAW, receipt=RECEIPT, receipt_signer=SIGNER, code="0"
)
BARE = Answer(outcome=Outcome.DELIVERED, raw=RAW, code="0")
LOST = Answer(
    outcome=Outcome.UNKNOWN,
    raw=b"<half",
    cut=CutAnswer(size=5, digest=sha256(b"<half").hexdigest(), is_whole=False),
)


def deliver(exchange, event, record, *answers, look_ups=()):
    exchange.portal.answers, exchange.portal.look_ups = list(answers), list(look_ups)
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    exchange.step(6)
    with reading(exchange.store) as connection:
        view = show_message(connection, "m1", vault=exchange.store.vault)
        told = connection.execute(
            select(audit.c.detail).where(audit.c.action == "message.delivered")
        ).scalars()
        # Its clock stands still: at one moment the send was before the look-up.
        tries = tuple(sorted(view.attempts, key=lambda one: (one.started_at, one.kind == "lookup")))
        return replace(view, attempts=tries), [json.loads(detail) for detail in told]


def kept(exchange, kind, number):
    with reading(exchange.store) as connection:
        vault = exchange.store.vault
        return read_answer(connection, "m1", kind=kind, number=number, vault=vault)


def test_a_receipt_is_kept_with_its_signer_and_digest_and_is_in_the_log(exchange, event, record):
    view, told = deliver(exchange, event, record, WITH_RECEIPT)

    assert view.proof is Proof.RECEIPT
    assert (view.receipt.document, view.receipt.digest) == (RECEIPT, sha256(RECEIPT).hexdigest())
    assert (view.receipt.signer, view.receipt.signer_name) == ("ab" * 32, "Portal")
    assert [attempt.proof for attempt in view.attempts] == [Proof.RECEIPT]
    assert told == [
        {
            "was": "sending",
            "reason": "",
            "proof": "receipt",
            "answer": sha256(RAW).hexdigest(),
            "receipt": sha256(RECEIPT).hexdigest(),
            "signer": "ab" * 32,
        }
    ]
    assert kept(exchange, "send", 1) == RAW


def test_the_digest_of_what_was_sent_instead_of_the_document_is_kept(exchange, event, record):
    done = replace(BARE, payload_digest="34" * 32)

    view, _ = deliver(exchange, event, record, done)

    assert [attempt.payload_digest for attempt in view.attempts] == ["34" * 32]


def test_without_receipts_the_answer_is_the_proof_and_is_called_so(exchange, event, record):
    view, told = deliver(exchange, event, record, BARE)

    assert (view.proof, view.receipt) == (Proof.ANSWER, None)
    (attempt,) = view.attempts
    assert (attempt.proof, attempt.answer_kept) == (Proof.ANSWER, len(RAW))
    assert (attempt.answer_size, attempt.answer_digest) == (len(RAW), sha256(RAW).hexdigest())
    assert told[0]["proof"] == "answer"
    assert told[0]["answer"] == sha256(RAW).hexdigest()
    assert "receipt" not in told[0]
    assert kept(exchange, "send", 1) == RAW


def test_what_was_settled_by_asking_says_so_and_keeps_both_answers(exchange, event, record):
    asked = LookUp(found=Found.PRESENT, raw=b"<present/>")

    view, told = deliver(exchange, event, record, LOST, look_ups=[asked])

    assert (view.proof, view.receipt) == (Proof.QUERY, None)
    lost, look_up = view.attempts
    assert (lost.kind, lost.proof, look_up.kind, look_up.proof) == (
        "send",
        None,
        "lookup",
        Proof.QUERY,
    )
    assert (lost.answer_size, lost.is_answer_whole) == (5, False)
    assert (told[0]["proof"], told[0]["answer"]) == ("query", sha256(b"<present/>").hexdigest())
    assert kept(exchange, "send", 1) == b"<half"
    assert kept(exchange, "lookup", 1) == b"<present/>"


def test_every_failed_attempt_keeps_its_answer_and_proves_nothing(exchange, event, record):
    strange = Answer(outcome=Outcome.UNRECOGNISED, raw=b"<html/>", http_status=200)

    view, told = deliver(exchange, event, record, strange)

    assert (view.line.state.value, view.proof, told) == ("quarantined", None, [])
    (attempt,) = view.attempts
    assert (attempt.proof, attempt.answer_size, attempt.is_answer_whole) == (None, 7, True)
    assert kept(exchange, "send", 1) == b"<html/>"


def test_of_an_answer_that_was_cut_the_whole_size_and_digest_are_kept(exchange, event, record):
    cut = CutAnswer(size=5000, digest="cd" * 32, is_whole=True)
    large = Answer(outcome=Outcome.UNKNOWN, raw=b"x" * 1024, cut=cut)

    view, _ = deliver(exchange, event, record, large)

    first = view.attempts[0]
    assert (first.answer_size, first.answer_digest, first.answer_kept) == (5000, "cd" * 32, 1024)


def test_an_attempt_without_any_answer_keeps_none(exchange, event, record):
    view, _ = deliver(exchange, event, record, Answer(outcome=Outcome.NOT_SENT))

    first = view.attempts[0]
    assert (first.answer_size, first.answer_digest, first.answer_kept) == (None, None, None)


def test_every_kind_of_proof_has_words_in_both_languages():
    assert set(WORDS) == set(Proof)
    assert all(words.vi and words.en and words.vi != words.en for words in WORDS.values())


def test_the_headers_that_went_with_an_attempt_are_kept_with_it_and_sealed(exchange, event, record):
    lost = replace(LOST, headers=b"Accept: a")
    asked = LookUp(found=Found.PRESENT, headers=b"Accept: b")

    view, _ = deliver(exchange, event, record, lost, look_ups=[asked])

    assert [attempt.headers for attempt in view.attempts] == ["Accept: a", "Accept: b"]
    with reading(exchange.store) as connection:
        kept_bytes = connection.execute(select(attempts.c.headers)).scalars().all()
    assert not any(b"Accept" in value for value in kept_bytes)

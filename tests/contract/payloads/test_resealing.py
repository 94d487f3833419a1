"""Resealing reaches every sealed value, beside running workers, and may be cut off anywhere."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import LargeBinary, insert, update

from lienthong.flows.reseal import reseal
from lienthong.store.pieces import PieceReader
from lienthong.store.sealed import document_context, piece_context
from lienthong.store.tables import (
    accounts,
    attachments,
    attempts,
    messages,
    metadata,
    pulls,
    receipts,
    search_keys,
    submission_pieces,
    submission_receipts,
    submissions,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SEALED = [
    submissions.c.problems,
    submission_pieces.c.body,
    messages.c.document,
    messages.c.problems,
    messages.c.corrections,
    attachments.c.declared,
    attempts.c.message,
    attempts.c.answer,
    attempts.c.headers,
    receipts.c.document,
    submission_receipts.c.document,
    pulls.c.salt,
    search_keys.c.secret,
    accounts.c.totp,
    accounts.c.totp_next,
]
SIZE = 2_500_000


def run(payloads, **options):
    return reseal(payloads.store, clock=lambda: NOW, actor="lan", **options)


def beginnings(payloads):
    """Return how the values of all sealed columns begin: scheme and data key."""
    return {value[:5] for column in SEALED for value in payloads.column(column)}


@pytest.fixture
def filled(payloads):
    """Give a store where every sealed column has a value."""
    payloads.submission("s1", size=SIZE)
    payloads.message("m1")
    payloads.message("m2")
    payloads.attachment("m1")
    payloads.receipt("s1")
    payloads.pull("land")
    payloads.account("a1")
    return payloads


def test_every_sealed_column_is_among_those_of_this_test():
    named = {
        column
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and "sealed" in (column.comment or "")
    }

    assert named == set(SEALED)


def test_after_a_rotation_everything_is_sealed_with_the_newest_key(filled):
    filled.rotate()

    done = run(filled)

    assert (done.values, done.left, done.broken) == (24, 0, ())
    assert beginnings(filled) == {b"\x01\x00\x00\x00\x02"}
    reader = PieceReader(filled.store, "s1", size=SIZE)
    assert reader.read() == b"x" * SIZE
    sealed = filled.column(messages.c.document)[0]
    assert filled.store.vault.open(sealed, context=document_context("m1")) == b"<m1/>"
    assert filled.logged("vault.resealed") == [
        ("lan", "store", '{"broken":0,"key":2,"left":0,"values":24}')
    ]


def test_what_was_stored_plainly_is_encrypted_and_back(payloads):
    payloads.open(encrypt=False)
    payloads.submission("s1", size=0)
    payloads.message("m1")
    assert all(value.startswith(b"\x00") for value in payloads.column(messages.c.document))

    payloads.open(encrypt=True)
    assert run(payloads).values == 8
    assert beginnings(payloads) == {b"\x01\x00\x00\x00\x01"}

    payloads.open(encrypt=False)
    assert run(payloads).values == 9
    assert payloads.column(messages.c.document) == [b"\x00<m1/>"]


def test_what_is_sealed_with_the_newest_key_is_not_touched(filled):
    before = filled.column(messages.c.document)

    done = run(filled)

    assert done.values == 0
    assert filled.column(messages.c.document) == before


def test_a_run_that_was_cut_off_is_gone_on_with(filled):
    class Stop(Exception):
        pass

    def stop(done, _total):
        if done >= 3:
            raise Stop

    filled.rotate()
    with pytest.raises(Stop):
        run(filled, on_progress=stop)

    done = run(filled)

    assert 0 < done.values < 22
    assert beginnings(filled) == {b"\x01\x00\x00\x00\x02"}


def test_progress_is_told(filled):
    told = []
    filled.rotate()

    run(filled, on_progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (24, 24)
    assert {total for _, total in told} == {24}


def test_what_does_not_open_is_named_and_left_and_the_rest_goes_on(filled):
    filled.rotate()
    with filled.engine.begin() as connection:
        moved = filled.column(messages.c.document)[1]
        connection.execute(update(messages).where(messages.c.id == "m1").values(document=moved))

    done = run(filled)

    assert [error.context for error in done.broken] == ["messages.document:m1"]
    assert (done.values, done.left) == (23, 0)
    assert filled.column(messages.c.document)[0] == moved


def test_pieces_of_a_submission_that_is_still_coming_in_are_left_alone(payloads):
    body = payloads.seal(b"x", piece_context("coming", 0, is_last=False))
    with payloads.engine.begin() as connection:
        connection.execute(
            insert(submission_pieces).values(
                submission_id="coming", number=0, body=body, taken_at=NOW
            )
        )
    payloads.rotate()

    done = run(payloads)

    # The key of the index alone.
    assert (done.values, done.left, done.broken) == (1, 0, ())
    assert payloads.column(submission_pieces.c.body) == [body]


def test_what_a_worker_is_holding_is_not_waited_for(filled):
    if filled.engine.dialect.name == "sqlite":
        pytest.skip("has one writer at a time")
    filled.rotate()

    with filled.engine.begin() as connection:
        connection.execute(update(messages).where(messages.c.id == "m1").values(reason="x"))
        held = run(filled)
    rest = run(filled)

    assert (held.values, held.left) == (21, 3)
    assert (rest.values, rest.left) == (3, 0)

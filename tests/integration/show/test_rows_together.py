"""Several progress rows in one call to the JSON side: the real roles, on both stores."""

from __future__ import annotations

from hashlib import sha256

import pytest
from sqlalchemy import select

from lienthong.states import State
from lienthong.store.database import make_tables, reading
from lienthong.store.sealed import document_context
from lienthong.store.tables import messages
from lienthong.testing.portal_site import dossier_code, record, step
from schemas.model import load_version
from schemas.parser import parse_xml
from schemas.portal_json import JsonForm, JsonWriter
from schemas.reading import read_document

ROWS = 5
PROGRESS = "CapNhatTienDoHoSoMC"
DELIVERED, PARKED, UNKNOWN = State.DELIVERED, State.PARKED, State.UNKNOWN


@pytest.fixture(params=["sqlite", "postgresql"])
def together(request, both):
    """Start a portal that takes five rows in a call, and an installation with either store."""

    def start(**target):
        store = {}
        if request.param == "postgresql":
            store = {"store": {"url": request.getfixturevalue("make_database")(tables=True)}}
        here = both("dvcqg-json", sandbox={"progress_rows": ROWS}, target=target, **store)
        make_tables(here.site.installation.engine)
        return here

    return start


def submit_rows(here, *numbers, rows=1):
    """Have dossiers delivered, and hand progress rows of each in."""
    here.site.submit(*(record(number) for number in numbers))
    here.site.work()
    here.site.submit(
        *(record(n, quaTrinh=[step(n, row) for row in range(1, rows + 1)]) for n in numbers)
    )


def calls(here):
    """Return the outcomes of the calls with progress rows, as they came."""
    return [one.outcome for one in here.portal.ledger.arrivals if one.operation == PROGRESS]


def rows_of(here, number):
    lines = here.site.messages(dossier_code(number))
    return [line for line in lines if line.packet.value == PROGRESS]


def effects(here, number):
    """Return what took effect of a dossier's progress, in that order."""
    found = here.portal.ledger.effects_by_dossier.get(dossier_code(number), ())
    return [one.digest for one in found if one.packet == PROGRESS]


def digest_of(here, line):
    """Return what the portal knows a row by."""
    store = here.site.installation.store
    with reading(store) as connection:
        query = select(messages.c.document).where(messages.c.id == line.id)
        sealed = connection.execute(query).scalar_one()
    document = read_document(parse_xml(store.vault.open(sealed, context=document_context(line.id))))
    writer = JsonWriter(load_version("dvcqg-2020"), PROGRESS, form=JsonForm())
    return sha256(b"[" + writer.write(document).item + b"]").hexdigest()


def test_rows_of_many_dossiers_arrive_once_each_in_fewer_calls(together):
    here = together()
    submit_rows(here, *range(1, 26))
    here.site.work()

    assert set(here.site.states()) == {DELIVERED}
    for number in range(1, 26):
        (line,) = rows_of(here, number)
        assert effects(here, number) == [digest_of(here, line)]
    assert set(calls(here)) == {"0"}
    assert len(calls(here)) <= 15
    by_call = {arrival.digest for arrival in here.portal.ledger.arrivals}
    for number in range(1, 26):
        (attempt,) = here.site.show(rows_of(here, number)[0]).attempts
        # The digest kept with each attempt is of the very bytes that came.
        assert attempt.payload_digest in by_call


def test_rows_of_mixed_dossiers_keep_the_order_of_each(together):
    here = together()
    submit_rows(here, *range(1, 7), rows=4)
    # Among them are new dossiers with rows of their own, which wait for these.
    here.site.submit(*(record(n, quaTrinh=[step(n, 1), step(n, 2)]) for n in (7, 8)))
    here.site.work()

    assert set(here.site.states()) == {DELIVERED}
    for number in range(1, 9):
        assert effects(here, number) == [digest_of(here, line) for line in rows_of(here, number)]
        packets = here.portal.ledger.effects_by_dossier[dossier_code(number)]
        assert packets[0].packet != PROGRESS
    assert set(calls(here)) == {"0"}
    assert len(calls(here)) < 28


def test_of_five_rows_with_a_bad_one_four_arrive_once_and_the_bad_one_is_refused(together):
    here = together()
    submit_rows(here, 1, 2, 3, 4, 5)
    here.portal.misbehave("reject", pattern=dossier_code(3))
    here.site.work()

    lines = {number: rows_of(here, number)[0] for number in (1, 2, 3, 4, 5)}
    assert {number: line.state for number, line in lines.items()} == {
        1: DELIVERED,
        2: DELIVERED,
        3: PARKED,
        4: DELIVERED,
        5: DELIVERED,
    }
    assert [len(effects(here, number)) for number in (1, 2, 3, 4, 5)] == [1, 1, 0, 1, 1]
    attempts = here.site.show(lines[3]).attempts
    assert [(one.outcome, one.code) for one in attempts] == [("rejected", "8")] * 2
    assert "in one call" in attempts[0].detail
    assert "in one call" not in attempts[1].detail
    assert lines[3].reason == "refused by the portal"


def test_rows_whose_answer_is_lost_after_the_commit_are_there_once_and_wait_for_a_person(together):
    here = together()
    submit_rows(here, 1, 2, 3, 4, 5)
    here.portal.misbehave("commit_then_drop")
    here.site.work()

    # As a single row: nothing that this portal shows proves it.
    assert [rows_of(here, number)[0].state for number in (1, 2, 3, 4, 5)] == [UNKNOWN] * 5
    assert [len(effects(here, number)) for number in (1, 2, 3, 4, 5)] == [1] * 5


def test_lost_rows_of_a_target_that_lets_them_go_again_go_alone_and_once(together):
    here = together(resend_unproven_progress=True)
    submit_rows(here, 1, 2, 3, 4, 5)
    here.portal.misbehave("commit_then_drop", count=1)
    here.site.work()

    tries = {n: here.site.show(rows_of(here, n)[0]).attempts for n in (1, 2, 3, 4, 5)}
    assert set(here.site.states()) == {DELIVERED}
    for number, attempts in tries.items():
        sends = [one for one in attempts if one.kind == "send"]
        # What went again is what was lost, each once, as with single rows.
        assert len(effects(here, number)) == len(sends)
        assert [one.outcome for one in sends] in (["delivered"], ["unknown", "delivered"])
        if len(sends) == 2:
            assert "in one call" not in sends[1].detail
    assert any(len(effects(here, number)) == 2 for number in tries)


def test_a_portal_that_takes_one_row_in_a_call_refuses_several_and_gets_them_one_by_one(both):
    here = both("dvcqg-json", target={"progress_rows_per_call": 3})
    submit_rows(here, 1, 2, 3)
    here.site.work()

    assert set(here.site.states()) == {DELIVERED}
    assert [len(effects(here, number)) for number in (1, 2, 3)] == [1, 1, 1]
    assert "-1" in calls(here)

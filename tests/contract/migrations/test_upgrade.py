"""From version 0001 to the present one: nothing is lost, nothing changed, and the work goes on."""

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random

import pytest
from sqlalchemy import func, select

from broker.memory import MemoryBroker
from lienthong.breaker import Breaker
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.decisions import LookUpRules
from lienthong.failures import Cause
from lienthong.flows.deliver import Deliverer, DeliveryRules
from lienthong.flows.expand import Expander
from lienthong.flows.index import index_messages
from lienthong.flows.reread import Source
from lienthong.pacing import Pacer
from lienthong.retry import Backoff
from lienthong.settings import load_settings
from lienthong.store import spool, tables
from lienthong.store.database import reading
from lienthong.store.expansions import Opened
from lienthong.store.indexing import is_indexed
from lienthong.store.migrating import upgrade
from lienthong.store.pieces import open_source
from lienthong.store.problem_groups import load_groups
from lienthong.store.problems import open_problems
from lienthong.store.queries import count_agencies, show_message
from lienthong.store.sealed import (
    answer_context,
    document_context,
    problems_context,
    receipt_context,
    submission_problems_context,
    words_context,
)
from lienthong.store.tables import NO_DEADLINE
from lienthong.store.versions import CURRENT
from lienthong.testing.notary import make_notary
from lienthong.wiring import Installation
from signing import make_development_pki

NOW = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
STATES = {
    "delivered": 148,
    "held": 29,
    "quarantined": 22,
    "rejected": 21,
    "superseded": 12,
    "retrying": 8,
    "unknown": 7,
    "parked": 7,
    "discarded": 6,
    "ready": 4,
    "sending": 3,
}

PROOFS = {("receipt", "receipt"): 100, ("lookup", "answer"): 40, ("lookup", "query"): 8}
"""What was written before, and what is now, with how often."""
SUBMISSION_ONLY = {"problems", "hinted_at", "lease_until", "fence"}
"""Columns that went, or are told apart."""


@pytest.fixture
def upgraded(site):
    """Give the store after its upgrade; raw bytes are still in their folder."""
    upgrade(site.engine, at=NOW, actor="an")
    store = site.open()
    yield store
    store.dispose()


def rows_of(store, table):
    with reading(store) as connection:
        query = select(table).order_by(*table.primary_key)
        return connection.execute(query).mappings().all()


def aware(value):
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def same(new, old, names):
    """Whether the named columns are what they were."""
    return [{name: row[name] for name in names} for row in new] == [
        {name: aware(row[name]) for name in names} for row in old
    ]


def test_every_message_is_there_in_its_state(upgraded, old):
    with reading(upgraded) as connection:
        counted = count_agencies(connection)

    states = Counter()
    for agency in counted:
        states.update({state.value: count for state, count in agency.states.items()})
    assert states == STATES == Counter(row["state"] for row in old["messages"])
    assert sum(agency.repeats for agency in counted) == 55


def test_every_document_and_every_problem_opens_as_it_was(upgraded, old):
    vault = upgraded.vault
    rows = rows_of(upgraded, tables.messages)

    assert sum(row["document"] is not None for row in rows) == 246
    for row, before in zip(rows, old["messages"], strict=True):
        if before["document"] is None:
            assert row["document"] is None
        else:
            document = vault.open(row["document"], context=document_context(row["id"]))
            assert document == before["document"]
            assert hashlib.sha256(document).hexdigest() == row["document_digest"]
        if before["problems"] == "[]":
            assert row["problems"] is None
        else:
            problems = vault.open(row["problems"], context=problems_context(row["id"]))
            assert problems.decode() == before["problems"]


def test_what_a_message_was_otherwise_it_still_is(upgraded, old):
    changed = {"document", "problems", "due_at", "hinted_at", "proof"}
    names = [name for name in old["messages"][0] if name not in changed]

    rows = rows_of(upgraded, tables.messages)

    assert same(rows, old["messages"], names)
    others = [row for row in rows if row["state"] != "sending"]
    assert same(others, [row for row in old["messages"] if row["state"] != "sending"], ["due_at"])
    assert {row["abandons"] for row in rows} == {0}
    assert {(row["reissue_of"], row["reissued_as"]) for row in rows} == {(None, None)}


def test_attempts_that_nobody_ended_are_due(upgraded):
    due = [row["due_at"] for row in rows_of(upgraded, tables.messages) if row["state"] == "sending"]

    assert len(due) == 3
    assert all(moment < NOW for moment in due)


def test_what_may_still_go_has_the_deadline_of_its_record(upgraded, old):
    rows = rows_of(upgraded, tables.messages)
    ended = {"delivered", "superseded", "discarded", "rejected"}

    assert {row["deadline"] for row in rows if row["state"] in ended} == {NO_DEADLINE}
    open_ones = [row for row in rows if row["state"] not in ended]
    with_one = [row for row in open_ones if row["deadline"] != NO_DEADLINE]
    assert len(with_one) == 80
    documents = {(row["submission_id"], row["record"], row["item"]): row for row in old["messages"]}
    for row in with_one:
        snapshot = documents[row["submission_id"], row["record"], 0]["document"]
        local = row["deadline"] + timedelta(hours=7)
        assert f"<NgayHenTra>{local:%Y%m%d%H%M%S}</NgayHenTra>".encode() in snapshot


def test_bare_answers_are_told_from_look_ups(upgraded, old):
    was = {row["id"]: row["proof"] for row in old["messages"]}
    rows = rows_of(upgraded, tables.messages)
    proven = {row["id"]: row["proof"] for row in rows if row["proof"] is not None}

    assert Counter((was[key], proof) for key, proof in proven.items()) == PROOFS
    of_attempts = {}
    for row in rows_of(upgraded, tables.attempts):
        if row["proof"] is not None:
            kinds = of_attempts.setdefault(row["message_id"], [])
            kinds.append((row["kind"], row["outcome"], row["proof"]))
    assert of_attempts.keys() == proven.keys()
    ways = {("send", "delivered", "receipt"), ("send", "delivered", "answer")}
    ways.add(("lookup", "present", "query"))
    for key, (way,) in of_attempts.items():
        assert way in ways
        assert way[2] == proven[key]


def test_nobody_waits_for_receipts_of_what_came_before(upgraded):
    assert {row["receipt_due_at"] for row in rows_of(upgraded, tables.submissions)} == {None}
    assert rows_of(upgraded, tables.submission_receipts) == []


def test_attempts_receipts_and_repeats_are_what_they_were(upgraded, old):
    vault = upgraded.vault
    before = {(row["message_id"], row["kind"], row["number"]): row for row in old["attempts"]}
    names = [name for name in old["attempts"][0] if name not in {"id", "message", "answer"}]

    rows = rows_of(upgraded, tables.attempts)

    assert len(rows) == len(before) == 280
    for row in rows:
        key = (row["message_id"], row["kind"], row["number"])
        assert same([row], [before[key]], names)
        words = row["message"] and vault.open(row["message"], context=words_context(*key)).decode()
        answer = row["answer"] and vault.open(row["answer"], context=answer_context(*key))
        assert (words, answer) == (before[key]["message"], before[key]["answer"])
    receipts = [
        vault.open(row["document"], context=receipt_context(row["message_id"]))
        for row in rows_of(upgraded, tables.receipts)
    ]
    assert receipts == [row["document"] for row in old["receipts"]]
    assert rows_of(upgraded, tables.repeats) == old["repeats"]


def test_submissions_have_their_place_by_the_order_in_which_they_came(upgraded, old):
    names = [name for name in old["submissions"][0] if name not in SUBMISSION_ONLY]

    rows = rows_of(upgraded, tables.submissions)

    assert same(rows, old["submissions"], names)
    came = sorted(rows, key=lambda row: (row["agency"], row["received_at"], row["id"]))
    for _, of_agency in groupby(came, key=lambda row: row["agency"]):
        arrivals = [row["arrival"] for row in of_agency]
        assert arrivals == list(range(1, len(arrivals) + 1))
    for row, before in zip(rows, old["submissions"], strict=True):
        context = submission_problems_context(row["id"])
        found = upgraded.vault.open(row["problems"], context=context) if row["problems"] else b"[]"
        assert json.loads(found) == json.loads(before["problems"])
    assert {row["name"]: row["next_arrival"] for row in rows_of(upgraded, tables.agencies)} == {
        "business-registration": 2,
        "district-portalqh": 2,
        "health-department": 2,
        "igate-one-stop": 2,
        "land-registration": 4,
        "ward-civil-status": 3,
    }
    assert {row["lease_until"] for row in rows_of(upgraded, tables.expansions)} == {None}


def test_dossiers_are_what_they_were(upgraded, old):
    assert same(rows_of(upgraded, tables.dossiers), old["dossiers"], list(old["dossiers"][0]))


def test_the_log_holds_and_tells_of_the_upgrade(upgraded, old):
    rows = rows_of(upgraded, tables.audit)
    count = len(old["audit"])

    found = make_notary().check(upgraded)

    assert found.faults == []
    # The first key of the vault is one more row. Old seals were signed by nobody.
    assert (found.rows, found.seals, found.unsealed) == (count + 2, 0, count + 2)
    kept = ["id", "at", "actor", "action", "subject", "detail", "salt"]
    assert same(rows[:count], old["audit"], kept)
    assert (rows[count]["actor"], rows[count]["action"]) == ("an", "store.upgraded")
    assert json.loads(rows[count]["detail"]) == {"from": "0001", "to": CURRENT}
    while make_notary().seal(upgraded.engine, now=NOW):
        pass
    found = make_notary().check(upgraded)
    assert (found.faults, found.unsealed) == ([], 0)


def test_a_log_that_was_tampered_with_before_is_still_found_out(site):
    with site.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE id = 100")

    upgrade(site.engine, at=NOW)

    found = make_notary().check(site.open())
    assert [(fault.code, fault.row) for fault in found.faults] == [("row.changed", 100)]


def test_every_message_can_be_shown_to_people(upgraded):
    with reading(upgraded) as connection:
        ids = connection.execute(select(tables.messages.c.id)).scalars().all()
        views = [show_message(connection, key, vault=upgraded.vault) for key in ids]

    assert sum(len(view.attempts) for view in views) == 280
    words = {attempt.message for view in views for attempt in view.attempts}
    assert words == {None, "Hồ sơ đã tồn tại: Nguyễn Văn Ắ"}


def test_raw_bytes_come_into_the_store_sealed(site, upgraded, original):
    told = []

    brought = spool.bring_in(
        upgraded, site.spool, clock=lambda: NOW, progress=lambda *how: told.append(how)
    )

    # The ninth complete one is of a submission; so is the empty one. The half one is removed.
    assert brought.files == 10
    assert (brought.damaged, brought.unknown) == ((), ("0192-nobody-knows",))
    assert [path.name for path in site.spool.iterdir()] == ["0192-nobody-knows"]
    assert (told[0], told[-1]) == ((0, 11), (11, 11))
    for row in rows_of(upgraded, tables.submissions):
        opened = Opened(
            id=row["id"],
            agency=row["agency"],
            arrival=row["arrival"],
            file_name=row["file_name"],
            size=row["size"],
            records_done=0,
            left_out=0,
            due_at=NOW,
            tries=0,
        )
        assert (
            open_source(upgraded, opened, {}).read()
            == (original / "spool" / row["id"]).read_bytes()
        )
    pieces = rows_of(upgraded, tables.submission_pieces)
    assert len(pieces) == 11
    assert {row["body"][:1] for row in pieces} == {b"\x01"}


def test_a_file_whose_bytes_are_there_already_only_goes(site, upgraded, original):
    spool.bring_in(upgraded, site.spool, clock=lambda: NOW)
    before = rows_of(upgraded, tables.submission_pieces)
    # As when the process is killed after the last piece, and before the file is removed.
    for path in (original / "spool").iterdir():
        shutil.copy(path, site.spool)

    brought = spool.bring_in(upgraded, site.spool, clock=lambda: NOW)

    assert brought.files == 10
    assert rows_of(upgraded, tables.submission_pieces) == before
    assert [path.name for path in site.spool.iterdir()] == ["0192-nobody-knows"]


def test_a_damaged_file_is_left_and_told(site, upgraded):
    path = next(path for path in site.spool.iterdir() if path.stat().st_size > 2_000_000)
    path.write_bytes(b"y" + path.read_bytes()[1:])

    for _ in range(2):
        brought = spool.bring_in(upgraded, site.spool, clock=lambda: NOW)
        assert brought.damaged == (path.name,)

    assert path.exists()
    ids = {row["submission_id"] for row in rows_of(upgraded, tables.submission_pieces)}
    assert len(ids) == 8
    assert path.name not in ids


def test_bytes_that_were_erased_since_do_not_come_back(site, upgraded):
    with upgraded.engine.begin() as connection:
        connection.execute(tables.submissions.update().values(erased_at=NOW))

    spool.bring_in(upgraded, site.spool, clock=lambda: NOW)

    assert rows_of(upgraded, tables.submission_pieces) == []
    assert [path.name for path in site.spool.iterdir()] == ["0192-nobody-knows"]


def test_an_empty_folder_goes_and_none_is_no_trouble(site, upgraded, tmp_path):
    (site.spool / "0192-nobody-knows").unlink()

    first = spool.bring_in(upgraded, site.spool, clock=lambda: NOW)
    second = spool.bring_in(upgraded, site.spool, clock=lambda: NOW)

    assert (first.files, second.files) == (10, 0)
    assert not site.spool.exists()


class Clock:
    now = NOW

    def __call__(self):
        self.now += timedelta(milliseconds=5)
        return self.now


class Portal:
    """Takes everything; knows of nothing that was sent before."""

    def __init__(self):
        self.sent = []

    def send(self, request):
        self.sent.append(request)
        return Answer(outcome=Outcome.DELIVERED, receipt=b"<BienNhan/>")

    def look_up(self, *, agency_code, dossier_code):
        return LookUp(found=Found.ABSENT)

    def close(self):
        pass


def test_the_work_goes_on_where_the_old_program_left_it(site, upgraded, tmp_path, old):
    installation = Installation(load_settings(file=None, data_dir=tmp_path / "other"))
    named = {name: installation.mappings.get(name) for name in installation.mappings.names()}
    make_development_pki(
        tmp_path / "other" / "keys",
        agencies={name: (one.agency_code, one.agency_name) for name, one in named.items()},
        now=NOW - timedelta(days=1),
        kind="ec",
    )
    clock, portal = Clock(), Portal()
    # Keys of that time are good at that time.
    installation.clock = clock
    spool.bring_in(upgraded, site.spool, clock=lambda: NOW)
    store = replace(upgraded, has_clock=False)
    broker = MemoryBroker(clock=clock, sleep=lambda _seconds: None)
    expander = Expander(
        store=store,
        broker=broker,
        agencies=installation.agency,
        clock=clock,
        lease=timedelta(minutes=2),
        retry_after=timedelta(minutes=1),
    )
    backoff = Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=5))
    deliverer = Deliverer(
        store=store,
        broker=broker,
        channel=portal,
        rules=DeliveryRules(
            slots=50,
            lease=timedelta(seconds=120),
            longest_call=timedelta(seconds=60),
            crash_limit=3,
            backoff=backoff,
            look_ups=LookUpRules(
                shows_content=False,
                quiet_period=timedelta(minutes=10),
                resend_unproven_progress=True,
            ),
        ),
        pacer=Pacer(breaker=Breaker(threshold=10_000, backoff=backoff, random=Random(1))),
        agency_codes=installation.agency_code,
        clock=clock,
        steady=lambda: clock().timestamp(),
        random=Random(1),
    )

    while expander.step():
        pass
    with deliverer.open_calls() as calls:
        for _ in range(40):
            deliverer.step(calls)
            deliverer.drain()
            clock.now += timedelta(minutes=2)

    with reading(store) as connection:
        waiting = connection.execute(
            select(func.count())
            .select_from(tables.submissions)
            .where(tables.submissions.c.due_at.is_not(None))
        ).scalar_one()
        ids_and_states = select(tables.messages.c.id, tables.messages.c.state)
        states = dict(connection.execute(ids_and_states).all())
    assert make_notary().check(store).faults == []
    assert waiting == 0
    assert len(states) > 400
    moving = {"ready", "sending", "retrying", "unknown"}
    assert moving.isdisjoint(states.values())
    was = {row["id"]: row["state"] for row in old["messages"]}
    assert {states[key] for key, state in was.items() if state in moving} == {"delivered"}
    done = {key for key, state in was.items() if state == "delivered"}
    assert done.isdisjoint(request.message_id for request in portal.sent)


def test_what_was_there_is_not_in_the_index_until_it_is_gone_through(upgraded):
    told = {
        (problem.code, row["id"])
        for row in rows_of(upgraded, tables.messages)
        for problem in open_problems(
            upgraded.vault, row["problems"], context=problems_context(row["id"])
        )
    }
    with reading(upgraded) as connection:
        assert not is_indexed(connection)
    assert rows_of(upgraded, tables.message_problems) == []

    # Nothing went to agencies then, so that no record is to be read again.
    source = Source(upgraded, no_agency, clock=lambda: NOW)
    done = index_messages(upgraded, source, clock=lambda: NOW, actor="an")

    found = rows_of(upgraded, tables.message_problems)
    assert (done.messages, done.unread) == (sum(STATES.values()), ())
    assert {(row["code"], row["message_id"]) for row in found} == told
    assert len({message_id for _, message_id in told}) >= STATES["rejected"]
    with reading(upgraded) as connection:
        assert is_indexed(connection)


def test_what_stands_in_trouble_is_counted_by_its_cause_from_the_beginning(upgraded):
    def counted():
        with reading(upgraded) as connection:
            groups = load_groups(connection, agencies=None)
        found = Counter()
        for one in groups:
            found[one.cause.code] += one.counts.affected
        return found

    at_once = counted()
    source = Source(upgraded, no_agency, clock=lambda: NOW)
    index_messages(upgraded, source, clock=lambda: NOW, actor="an")

    assert {code.partition(".")[0] for code in at_once} == {"delivery"}
    assert sum(at_once.values()) == sum(
        STATES[state] for state in ("quarantined", "retrying", "unknown", "parked")
    )
    whole = counted()
    assert {code: whole[code] for code in at_once} == at_once
    with reading(upgraded) as connection:
        rejected = select(func.count(tables.failures.c.message_id.distinct()))
        rejected = rejected.join(
            tables.messages, tables.messages.c.id == tables.failures.c.message_id
        )
        rejected = rejected.where(tables.messages.c.state == "rejected")
        assert connection.execute(rejected).scalar_one() == STATES["rejected"]


def test_a_cause_is_called_as_the_program_calls_it(upgraded):
    for row in rows_of(upgraded, tables.problem_groups):
        named = {name: row[name] for name in ("agency", "direction", "code", "field", "answer")}
        assert Cause(**named).id == row["id"]


def no_agency(name, service):
    raise AssertionError(f"{name} was asked for, for {service}")

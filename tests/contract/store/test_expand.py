"""Expanding: in order, resumably, and never stopped for others by one file or record."""

from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from adapters import make_options, read_records
from broker.port import BrokerUnavailable
from lienthong.flows.expand import BATCH, GIVE_UP_TRIES, SKIP_TRIES
from lienthong.flows.hints import DELIVER
from lienthong.store.database import reading
from lienthong.store.expansions import claim_expansion, take_tries_back
from lienthong.store.intake import take_in
from lienthong.store.queries import list_messages, troubled_submissions
from lienthong.store.selection import Selection
from lienthong.store.tables import messages, submission_pieces, submissions
from lienthong.store.work import begin


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


def many(count):
    return [f"D-{n},a" for n in range(1, count + 1)]


def test_the_store_says_at_what_time_is_signed_and_not_the_worker(desk):
    """A portal refuses signatures of the future for good, and a worker's clock may be wrong."""
    if desk.exchange.store.engine.dialect.name == "sqlite":
        pytest.skip("it has no clock of its own")
    desk.receive("D-1,a")
    desk.exchange = replace(desk.exchange, store=replace(desk.exchange.store, has_clock=True))

    desk.run()

    (moment,) = desk.pipeline.moments
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_every_record_becomes_a_message(desk):
    desk.receive("D-1,a", "D-2,b")

    desk.run()

    assert desk.records() == [(1, "D-1", "ready"), (2, "D-2", "ready")]
    assert desk.submissions() == [("expanded", 2)]


@pytest.mark.parametrize("killed_at", [1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH, 2 * BATCH + 1])
def test_a_killed_worker_s_successor_goes_on_where_it_ended(desk, killed_at):
    desk.receive(*many(2 * BATCH + 1))
    desk.pipeline.surprises[f"D-{killed_at}"] = Killed()
    with pytest.raises(Killed):
        desk.run()
    desk.pipeline.surprises.clear()

    desk.wait(minutes=3)

    assert [record for record, *_ in desk.records()] == list(range(1, 2 * BATCH + 2))
    assert desk.submissions() == [("expanded", 2 * BATCH + 1)]


COUNTED = {
    "format": "fixed",
    "type_at": "1-2",
    "types": {
        "do": {"role": "header", "fields": {"title": "1-15"}},
        "D-": {"fields": {"dossier": "1-6", "content": "8-8"}},
        "TR": {
            "role": "trailer",
            "fields": {"count": "4-6"},
            "checks": [{"field": "count", "count": ["D-"]}],
        },
    },
}


def test_nothing_of_a_file_goes_out_whose_trailer_disagrees(desk):
    """It stands at the end: by then whole batches would have gone out."""
    desk.source = make_options(COUNTED)
    count = 2 * BATCH + 1
    rows = [f"D-{n:04} a" for n in range(count)]
    desk.receive(*rows, f"TR {count + 1}")
    desk.receive(*rows, f"TR {count}")

    desk.run()

    assert desk.submissions() == [("refused", 0), ("expanded", count)]
    assert len(desk.records()) == count


def test_a_batch_that_ends_on_an_unreadable_record_is_resumed_behind_it(desk):
    rows = many(BATCH + 2)
    rows[BATCH - 1] = "too,many,columns"
    desk.receive(*rows)
    desk.pipeline.surprises[f"D-{BATCH + 1}"] = Killed()
    with pytest.raises(Killed):
        desk.run()
    desk.pipeline.surprises.clear()

    desk.wait(minutes=3)

    assert [record for record, *_ in desk.records()] == list(range(1, BATCH + 3))
    assert desk.records()[BATCH - 1] == (BATCH, None, "rejected")


def test_a_file_that_breaks_off_keeps_what_stood_before(desk):
    desk.receive("D-1,a", 'D-2,"b')

    desk.run()

    assert desk.records() == [(1, "D-1", "ready")]
    with reading(desk.exchange.store) as connection:
        (troubled,) = troubled_submissions(connection, vault=desk.exchange.store.vault)
    assert (troubled.state, troubled.due_at) == ("expanded", None)


def test_a_file_that_cannot_be_read_at_all_is_refused(desk):
    desk.receive('D-1,"a')

    desk.run()

    assert desk.submissions() == [("refused", 0)]


def test_of_many_troubled_files_the_held_and_the_latest_are_told(desk):
    desk.unusable.add("land")
    desk.receive("D-1,a")
    for _ in range(3):
        desk.receive('D-2,"a', agency="health")
    desk.run()

    with reading(desk.exchange.store) as connection:
        vault = desk.exchange.store.vault
        every = troubled_submissions(connection, vault=vault)
        some = troubled_submissions(connection, vault=vault, limit=2)

    assert [file.state for file in every] == ["held", "refused", "refused", "refused"]
    assert [file.id for file in some] == [every[0].id, every[3].id]


def test_a_held_submission_goes_on_by_itself(desk):
    desk.unusable.add("land")
    desk.receive("D-1,a")
    desk.run()
    assert desk.submissions() == [("held", 0)]

    desk.unusable.clear()
    desk.wait(seconds=100)

    assert desk.submissions() == [("expanded", 1)]


def test_a_held_submission_is_not_tried_again_by_every_spare_hint(desk):
    desk.unusable.add("land")
    desk.receive("D-1,a")
    desk.run()
    desk.unusable.clear()

    desk.run()

    assert desk.submissions() == [("held", 0)]


def test_a_later_file_of_the_agency_waits_for_the_earlier_one(desk):
    desk.unusable.add("land")
    desk.receive("D-1,old")
    desk.run()
    desk.unusable.clear()
    desk.receive("D-1,new")
    desk.run()
    assert desk.records() == []

    desk.wait(seconds=100)

    with reading(desk.exchange.store) as connection:
        rows = connection.execute(select(messages).order_by(messages.c.sequence)).all()
    assert [row.content_digest for row in rows] == ["old", "new"]
    assert desk.submissions() == [("expanded", 1), ("expanded", 1)]


def test_another_worker_cannot_overtake_with_a_later_file(desk):
    desk.receive("D-1,old")
    with begin(desk.exchange.store, at=desk.exchange.clock) as work:
        claim_expansion(work, "land", lease=timedelta(minutes=2))
    desk.receive("D-1,new")

    desk.run()
    assert desk.records() == []

    desk.wait(minutes=3)
    assert desk.submissions() == [("expanded", 1), ("expanded", 1)]


def test_other_agencies_do_not_wait(desk):
    desk.unusable.add("land")
    desk.receive("D-1,a")
    desk.receive("D-2,a", agency="health")

    desk.run()

    assert desk.records() == [(1, "D-2", "ready")]


def test_a_bug_in_one_record_rejects_this_record_only(desk):
    desk.pipeline.surprises["D-2"] = KeyError("Nguyễn Văn An")
    desk.receive("D-1,a", "D-2,a", "D-3,a")

    desk.run()

    assert desk.records() == [(1, "D-1", "ready"), (2, None, "rejected"), (3, "D-3", "ready")]
    with reading(desk.exchange.store) as connection:
        lines = list_messages(connection, Selection(limit=10_000), vault=desk.exchange.store.vault)
    rejected = [line for line in lines if line.problems]
    assert [(line.problems[0].code, line.place.row) for line in rejected] == [
        ("conversion.failed", 3)
    ]


def test_a_bug_in_a_reader_ends_this_file_and_no_other(desk, monkeypatch):
    def stumble(source, *, file_name, options, read_columns):
        records = read_records(source, file_name=file_name, options=options)
        for record in records:
            if record.values["dossier"] == "D-2":
                raise SystemError("Nguyễn Văn An")
            yield record

    monkeypatch.setattr("lienthong.flows.records.read_records", stumble)
    desk.receive("D-1,a", "D-2,a")
    desk.receive("D-3,a")

    desk.run()

    assert desk.submissions() == [("expanded", 1), ("expanded", 1)]
    assert desk.records() == [(1, "D-1", "ready"), (1, "D-3", "ready")]
    with reading(desk.exchange.store) as connection:
        (troubled,) = troubled_submissions(connection, vault=desk.exchange.store.vault)
    assert [problem.code for problem in troubled.problems] == ["submission.reader_failed"]
    assert "Nguyễn" not in str(troubled.problems[0])


def test_stored_bytes_that_cannot_be_read_hold_the_file_and_say_so(desk):
    desk.receive("D-1,a")
    engine = desk.exchange.store.engine
    with engine.begin() as connection:
        connection.execute(update(submission_pieces).values(number=1))
    desk.run()
    with reading(desk.exchange.store) as connection:
        (troubled,) = troubled_submissions(connection, vault=desk.exchange.store.vault)
    assert troubled.problems[0].code == "submission.bytes_unreadable"

    with engine.begin() as connection:
        connection.execute(update(submission_pieces).values(number=0))
    desk.wait(seconds=100)

    assert desk.submissions() == [("expanded", 1)]


def test_a_worker_that_lost_its_claim_changes_nothing(desk):
    desk.receive(*many(2))
    expander = desk.expander()
    prepare = desk.pipeline.prepare

    def overtaken(item, *, now):
        desk.pipeline.prepare = prepare
        desk.exchange.clock.tick(minutes=3)
        desk.run()
        return prepare(item, now=now)

    desk.pipeline.prepare = overtaken
    expander.step()

    assert [record for record, *_ in desk.records()] == [1, 2]
    assert desk.submissions() == [("expanded", 2)]


def test_a_worker_that_is_told_to_stop_gives_the_rest_to_another(desk):
    desk.receive(*many(BATCH + 1))
    expander = desk.expander()
    expander.step()
    expander.close()
    assert desk.submissions() == [("received", BATCH)]

    desk.run()

    assert desk.submissions() == [("expanded", BATCH + 1)]


def test_a_large_file_of_one_agency_keeps_no_other_waiting(desk):
    desk.receive(*many(3 * BATCH))
    desk.receive("H-1,a", agency="health")
    expander = desk.expander()

    expander.step()

    assert desk.submissions() == [("expanded", 1), ("received", BATCH)]
    assert (1, "H-1", "ready") in desk.records()
    expander.close()


@pytest.fixture
def small_steps(monkeypatch):
    """Have two agencies open at once, two records to a batch and two batches to a turn."""
    for name, value in {"OPEN_LINES": 2, "BATCH": 2, "TURN": 2}.items():
        monkeypatch.setattr(f"lienthong.flows.expand.{name}", value)


def records_done(desk):
    with reading(desk.exchange.store) as connection:
        rows = connection.execute(select(submissions.c.agency, submissions.c.records_done))
        return {row.agency: row.records_done for row in rows}


@pytest.mark.usefixtures("small_steps")
def test_large_files_of_many_agencies_keep_no_other_waiting(desk):
    for agency in ("a", "b"):
        desk.receive(*[f"{agency}-{n},a" for n in range(40)], agency=agency)
    expander = desk.expander()
    expander.step()
    desk.receive("H-1,a", agency="health")

    for _ in range(2):
        expander.step()

    assert records_done(desk) == {"a": 4, "b": 6, "health": 1}
    while expander.step():
        pass
    assert records_done(desk) == {"a": 40, "b": 40, "health": 1}
    assert len(desk.records()) == 81


@pytest.mark.usefixtures("small_steps")
def test_all_who_wait_have_their_turn(desk):
    agencies = ("a", "b", "c", "d", "e", "f")
    for agency in agencies:
        desk.receive(*[f"{agency}-{n},a" for n in range(40)], agency=agency)
    expander = desk.expander()

    for _ in range(9):
        expander.step()

    assert set(records_done(desk)) == set(agencies)
    assert min(records_done(desk).values()) >= 2
    expander.close()


@pytest.mark.usefixtures("small_steps")
def test_who_comes_back_far_on_in_its_file_stays_longer(desk):
    for agency in ("a", "b", "c"):
        desk.receive(*[f"{agency}-{n},a" for n in range(200)], agency=agency)
    prepared = desk.pipeline.prepare
    order = []

    def note(item, *, now):
        agency = item.values["dossier"][0]
        if agency not in order[-2:]:
            order.append(agency)
        return prepared(item, now=now)

    desk.pipeline.prepare = note
    desk.run()

    assert records_done(desk) == {"a": 200, "b": 200, "c": 200}
    # Turns of two batches each would be fifty of every agency.
    assert order.count("a") < 25


def test_many_small_submissions_share_a_transaction_and_keep_their_order(desk):
    for number in range(5):
        desk.receive(f"D-1,{number}")
    expander = desk.expander()

    expander.step()

    assert desk.submissions() == [("expanded", 1)] * 5
    with reading(desk.exchange.store) as connection:
        rows = connection.execute(select(messages).order_by(messages.c.sequence)).all()
    assert [row.content_digest for row in rows] == ["0", "1", "2", "3", "4"]


def test_a_record_that_kills_its_worker_again_and_again_is_left_out(desk):
    desk.receive("D-1,a", "D-2,a", "D-3,a")
    desk.receive("D-4,a")
    desk.pipeline.surprises["D-2"] = Killed()
    # Twice whole batches, once as far as the record before it, then until it is skipped.
    for _ in range(SKIP_TRIES + 2):
        with suppress(Killed):
            desk.wait(minutes=3)

    desk.wait(minutes=3)

    assert sorted(desk.records()) == [
        (1, "D-1", "ready"),
        (1, "D-4", "ready"),
        (2, None, "rejected"),
        (3, "D-3", "ready"),
    ]
    with reading(desk.exchange.store) as connection:
        lines = list_messages(connection, Selection(limit=10_000), vault=desk.exchange.store.vault)
    codes = [problem.code for line in lines for problem in line.problems]
    assert codes == ["conversion.kills_worker"]


def test_a_file_whose_reading_kills_its_worker_again_and_again_is_refused(desk, monkeypatch):
    def kill(source, *, file_name, options, read_columns):
        raise Killed
        yield

    desk.receive("D-1,a")
    with monkeypatch.context() as patched:
        patched.setattr("lienthong.flows.records.read_records", kill)
        for _ in range(GIVE_UP_TRIES - 1):
            with pytest.raises(Killed):
                desk.wait(minutes=3)
        desk.wait(minutes=3)

    assert desk.submissions() == [("refused", 0)]
    desk.receive("D-2,a")
    desk.run()
    assert desk.records() == [(1, "D-2", "ready")]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        DataError("INSERT", {}, Exception("invalid byte sequence")),
        IntegrityError("INSERT", {}, Exception("violates check")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_record_that_cannot_be_written_again_and_again_is_left_out(desk, monkeypatch, error):
    def picky(work, records):
        if any(prepared.dossier_code == "D-2" for _, prepared in records):
            raise error
        return take_in(work, records)

    monkeypatch.setattr("lienthong.flows.expand.take_in", picky)
    desk.receive("D-1,a", "D-2,a", "D-3,a")
    for _ in range(SKIP_TRIES + 3):
        with closing(desk.expander()) as expander, suppress(type(error)):
            while expander.step():
                pass

    assert sorted(desk.records()) == [
        (1, "D-1", "ready"),
        (2, None, "rejected"),
        (3, "D-3", "ready"),
    ]


def test_a_store_that_fails_again_and_again_leaves_nothing_out(desk, monkeypatch):
    def away(_work, _records):
        raise OperationalError("INSERT", {}, Exception("the server is going down"))

    desk.receive(*many(2))
    with monkeypatch.context() as patched:
        patched.setattr("lienthong.flows.expand.take_in", away)
        expander = desk.expander()
        for _ in range(GIVE_UP_TRIES + 1):
            with pytest.raises(OperationalError):
                expander.step()

    desk.run()

    assert {state for *_, state in desk.records()} == {"ready"}
    assert desk.submissions() == [("expanded", 2)]


def test_a_store_that_fails_while_a_line_is_given_back_leaves_nothing_out(desk, monkeypatch):
    def away(_work, _claim, *, lease_until):
        raise OperationalError("UPDATE", {}, Exception("no space left on device"))

    desk.receive(*many(2))
    expander = desk.expander()
    with monkeypatch.context() as patched:
        patched.setattr("lienthong.flows.expand.keep_claim", away)
        for _ in range(GIVE_UP_TRIES + 1):
            with pytest.raises(OperationalError):
                expander.step()
            desk.exchange.clock.tick(minutes=3)

    expander.step()

    assert {state for *_, state in desk.records()} == {"ready"}


def test_a_claim_whose_answer_is_lost_leaves_nothing_out(desk, monkeypatch):
    @contextmanager
    def committed_in_silence(store, *, at):
        with begin(store, at=at) as work:
            yield work
        raise OperationalError("COMMIT", {}, Exception("the connection is closed"))

    desk.receive(*many(2))
    expander = desk.expander()
    for _ in range(GIVE_UP_TRIES + 1):
        with monkeypatch.context() as patched:
            patched.setattr("lienthong.flows.expand.begin", committed_in_silence)
            with pytest.raises(OperationalError):
                expander.step()
        desk.exchange.clock.tick(minutes=3)

    desk.run()

    assert {state for *_, state in desk.records()} == {"ready"}


def lose_the_line(desk):
    """Have the lease of whoever has the line end, and another take it who comes to nothing."""
    desk.exchange.clock.tick(minutes=3)
    with begin(desk.exchange.store, at=desk.exchange.clock) as work:
        assert claim_expansion(work, "land", lease=timedelta(minutes=2))
        take_tries_back(work, {"land": 1})


def test_workers_that_lose_the_line_again_and_again_leave_nothing_out(desk, monkeypatch):
    """On a slow machine, with a lease that is too short for it; none of them was killed."""
    prepared = desk.pipeline.prepare

    def slowly(item, *, now):
        lose_the_line(desk)
        return prepared(item, now=now)

    desk.receive("D-1,a")
    expander = desk.expander()
    with monkeypatch.context() as patched:
        patched.setattr(desk.pipeline, "prepare", slowly)
        for _ in range(GIVE_UP_TRIES + 1):
            expander.step()
            desk.exchange.clock.tick(minutes=3)
    assert desk.records() == []

    expander.step()

    assert desk.records() == [(1, "D-1", "ready")]


def test_a_record_that_is_worked_on_past_the_lease_again_and_again_is_left_out(desk, monkeypatch):
    used = 0.0
    prepared = desk.pipeline.prepare

    def endlessly(item, *, now):
        nonlocal used
        if item.values["dossier"] == "D-1":
            used += 200
            lose_the_line(desk)
        return prepared(item, now=now)

    monkeypatch.setattr("lienthong.flows.expand.thread_time", lambda: used)
    monkeypatch.setattr(desk.pipeline, "prepare", endlessly)
    desk.receive("D-1,a", "D-2,a")
    expander = desk.expander()
    for _ in range(SKIP_TRIES):
        expander.step()
        desk.exchange.clock.tick(minutes=3)

    desk.run()

    assert sorted(desk.records()) == [(1, None, "rejected"), (2, "D-2", "ready")]


def test_a_line_is_kept_however_long_its_batch_and_the_way_to_it_take(desk, monkeypatch):
    """A file that is read again up to where it was, or a slow machine: nobody takes it away."""
    desk.receive(*many(3 * BATCH))
    first = desk.expander()
    first.step()
    first.close()
    time = monotonic()

    def tell_time():
        nonlocal time
        time += 5
        desk.exchange.clock.tick(seconds=5)
        if time % 25 < 5 and desk.submissions()[0][0] == "received":
            with begin(desk.exchange.store, at=desk.exchange.clock) as work:
                assert claim_expansion(work, "land", lease=timedelta(minutes=2)) is None
        return time

    expander = desk.expander()
    expander._claim_more()
    with monkeypatch.context() as patched:
        patched.setattr("lienthong.flows.expand.monotonic", tell_time)
        while expander.step():
            pass

    assert [record for record, *_ in desk.records()] == list(range(1, 3 * BATCH + 1))


def test_a_worker_that_is_told_to_stop_counts_as_no_kill(desk):
    desk.receive(*many(2))
    for _ in range(GIVE_UP_TRIES + 1):
        expander = desk.expander()
        expander._claim_more()
        expander.close()

    desk.run()

    assert desk.submissions() == [("expanded", 2)]


def test_an_exchange_that_fails_after_the_commit_is_only_a_delay(desk, monkeypatch):
    desk.receive("D-1,a")

    def fail(*_args):
        raise BrokerUnavailable("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(desk.exchange.broker, "publish", fail)
        desk.run()
    assert desk.exchange.broker.depth(DELIVER) == 0
    desk.exchange.clock.tick(seconds=2)
    desk.exchange.step()

    assert desk.records() == [(1, "D-1", "delivered")]


def test_what_does_not_fit_into_memory_at_once_is_read_in_its_turn(desk, monkeypatch):
    monkeypatch.setattr("lienthong.store.pieces.SMALL_BYTES", 100)
    for number in range(6):
        desk.receive(f"D-{number},{'a' * 40}")

    desk.run()

    assert desk.submissions() == [("expanded", 1)] * 6

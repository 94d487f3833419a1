"""Identity, order and first state of what comes in."""

from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import select

from lienthong.channels.port import Packet
from lienthong.flows.hints import DELIVER, hint
from lienthong.store.database import reading
from lienthong.store.intake import Origin, _Batch
from lienthong.store.queries import count_agencies, count_dossiers, list_messages
from lienthong.store.selection import Selection
from lienthong.store.tables import messages
from lienthong.store.work import begin
from schemas.problem import Place


def test_a_first_snapshot_is_ready_and_due(exchange, event, record):
    due = exchange.take(record(1, event("m1")))

    assert due == ["D-1"]
    assert exchange.states() == [("m1", "ready")]


def test_a_second_snapshot_waits_for_the_first(exchange, event, record):
    exchange.take(record(1, event("m1")))
    exchange.take(record(1, event("m2", content="b")))

    assert exchange.states() == [("m1", "ready"), ("m2", "held")]


def test_a_repeat_of_the_latest_snapshot_is_not_a_message(exchange, event, record):
    exchange.take(record(1, event("m1")))
    exchange.take(record(1, event("m2")))

    assert exchange.states() == [("m1", "ready")]
    with reading(exchange.store) as connection:
        assert count_agencies(connection)[0].repeats == 1


def test_a_snapshot_that_goes_back_to_an_earlier_content_is_new(exchange, event, record):
    for number, content in enumerate(["4", "5", "4"], start=1):
        exchange.take(record(1, event(f"m{number}", content=content)))

    assert [state for _, state in exchange.states()] == ["ready", "held", "held"]


def test_the_same_key_with_other_content_is_refused_and_holds_nobody_up(exchange, event, record):
    exchange.take(record(1, event("m1", key="k1")))
    due = exchange.take(record(1, event("m2", content="b", key="k1")))

    with reading(exchange.store) as connection:
        refused = [
            line
            for line in list_messages(
                connection, Selection(limit=10_000), vault=exchange.store.vault
            )
            if line.state.value == "rejected"
        ]
    assert [problem.code for problem in refused[0].problems] == ["event.conflict"]
    assert due == []
    assert exchange.state_of("m1") == "ready"


def test_the_same_dossier_twice_in_one_file_with_other_data_is_refused(exchange, event, record):
    exchange.take(record(1, event("m1")), record(2, event("m2", content="b")), one_row=True)

    exchange.broker.publish(DELIVER, [hint("D-1", at=exchange.clock())])
    exchange.step()

    with reading(exchange.store) as connection:
        refused = [
            line
            for line in list_messages(
                connection, Selection(limit=10_000), vault=exchange.store.vault
            )
            if line.state.value == "rejected"
        ]
    assert [(line.problems[0].code, line.place.row) for line in refused] == [
        ("dossier.duplicate", 3)
    ]
    assert exchange.state_of("m1") == "delivered"


@pytest.mark.parametrize("apart", [False, True], ids=["one batch", "two batches"])
def test_a_refused_second_row_names_the_first_by_its_place(exchange, event, record, apart):
    second = replace(
        record(5, event("m2", content="b")),
        code_place=Place(file="a.csv", row=6, column="A (Số hồ sơ)"),
    )
    exchange.take(record(2, event("m1")), second, one_row=True, apart=apart)

    with reading(exchange.store) as connection:
        lines = list_messages(connection, Selection(limit=10_000), vault=exchange.store.vault)
    (problem,) = [problem for line in lines for problem in line.problems]
    assert problem.message.vi == ("Hồ sơ này đã có ở dòng 3 của cùng tệp, với nội dung khác")
    assert (problem.place.row, problem.place.column) == (6, "A (Số hồ sơ)")


@pytest.mark.parametrize("keys", [(None, None), ("k1", "k2")], ids=["no keys", "keys"])
@pytest.mark.parametrize("apart", [False, True], ids=["one batch", "two batches"])
def test_a_refused_second_row_is_refused_again_with_the_same_file(
    exchange, event, record, keys, apart
):
    for sending in ("a", "b"):
        first = record(1, event(f"{sending}1", key=keys[0]))
        second = record(2, event(f"{sending}2", content="b", key=keys[1]))
        exchange.take(first, second, one_row=True, apart=apart)

    with reading(exchange.store) as connection:
        lines = list_messages(connection, Selection(limit=10_000), vault=exchange.store.vault)
    assert sorted(line.state.value for line in lines) == ["ready", "rejected", "rejected"]


def test_a_dossier_of_another_agency_is_refused(exchange, event, record):
    exchange.take(record(1, event("m1")), agency="land")
    exchange.take(record(1, event("m2", content="b")), agency="health")

    with reading(exchange.store) as connection:
        codes = [
            line.problems[0].code
            for line in list_messages(
                connection, Selection(agency="health"), vault=exchange.store.vault
            )
        ]
    assert codes == ["event.foreign_dossier"]


def test_a_rejected_record_claims_no_dossier_for_its_agency(exchange, event, record):
    exchange.take(record(1, dossier="D-1"), agency="health")
    exchange.take(record(1, event("m1")), agency="land")

    assert exchange.state_of("m1") == "ready"
    with reading(exchange.store) as connection:
        assert count_dossiers(connection) == 1


def test_a_newer_snapshot_supersedes_a_rejected_one(exchange, event, record):
    exchange.take(record(1, dossier="D-1"))
    exchange.take(record(1, event("m1")))

    assert sorted(state for _, state in exchange.states()) == ["ready", "superseded"]


def test_a_correction_in_the_same_file_supersedes_the_rejected_row(exchange, event, record):
    exchange.take(record(1, dossier="D-1"), record(2, event("m1")))

    assert sorted(state for _, state in exchange.states()) == ["ready", "superseded"]


def test_a_late_older_version_is_superseded_on_arrival(exchange, event, record):
    exchange.take(record(1, event("m1", version="10")))
    exchange.take(record(1, event("m2", content="b", version="9")))

    assert exchange.states() == [("m1", "ready"), ("m2", "superseded")]


def test_progress_waits_for_its_dossier(exchange, event, record):
    exchange.take(
        record(1, event("m1"), event("m2", content="p", packet=Packet.PROGRESS)),
    )

    assert exchange.states() == [("m1", "ready"), ("m2", "held")]


def test_an_equal_progress_row_is_a_repeat_wherever_it_stands(exchange, event, record):
    rows = [event(f"m{n}", content=c, packet=Packet.PROGRESS) for n, c in ((2, "p"), (3, "q"))]
    exchange.take(record(1, event("m1"), *rows))
    exchange.take(record(1, event("m4"), event("m5", content="p", packet=Packet.PROGRESS)))

    assert [message_id for message_id, _ in exchange.states()] == ["m1", "m2", "m3"]


@pytest.mark.parametrize("count", [1, 3, 700])
def test_a_batch_of_many_dossiers_is_due_in_full(exchange, event, record, count):
    batch = [record(n, event(f"m{n:04}", f"D-{n}")) for n in range(count)]

    assert len(exchange.take(*batch)) == count


def test_going_back_to_the_content_in_force_supersedes_a_rejected_row(exchange, event, record):
    exchange.take(record(1, event("m1")))
    exchange.take(record(1, dossier="D-1"))
    exchange.take(record(1, event("m2")), record(2, event("m3", "D-2")))

    assert sorted(state for _, state in exchange.states("D-1")) == ["ready", "superseded"]


def test_an_old_event_that_is_sent_again_corrects_nothing(exchange, event, record):
    exchange.take(record(1, event("m1", key="k1")))
    exchange.take(record(1, dossier="D-1"))
    exchange.take(record(1, event("m2", key="k1")))

    assert sorted(state for _, state in exchange.states()) == ["ready", "rejected"]


def test_a_repeat_after_a_late_older_version_is_a_repeat_and_no_conflict(exchange, event, record):
    exchange.take(record(1, event("m1", version="10")))
    exchange.take(record(1, event("m2", content="b", version="9")))
    exchange.take(record(1, event("m3", version="10")))
    exchange.take(record(1, event("m4", content="b", version="9")))

    assert exchange.states() == [("m1", "ready"), ("m2", "superseded")]


@pytest.mark.parametrize("version", ["²", "٣", "1" * 5000], ids=["superscript", "arabic", "long"])
def test_a_strange_version_is_compared_and_not_stumbled_over(exchange, event, record, version):
    exchange.take(record(1, event("m1", version="1")))
    exchange.take(record(1, event("m2", content="b", version=version)))

    assert [message_id for message_id, _ in exchange.states()] == ["m1", "m2"]


def test_what_was_due_before_is_not_hinted_at_with_every_new_event(exchange, event, record):
    exchange.take(record(1, event("m1")))

    assert exchange.take(record(1, event("m2", content="b"))) == []


def test_an_operator_and_a_correction_of_a_rejected_row_do_not_run_into_each_other(
    exchange, clock, event, record
):
    exchange.take(record(1, dossier="D-1"))
    ((rejected, _),) = exchange.states()
    origin = Origin(submission_id="s1", agency="land", mapping="l@1", one_row_per_dossier=False)
    correction = record(2, event("m2", "D-1", content="b"))
    acted = []
    operator = Thread(target=lambda: acted.extend(exchange.act("discard", rejected)))

    with begin(exchange.store, at=clock()) as work:
        batch = _Batch(work, [(origin, correction)])
        operator.start()
        operator.join(0.5)
        batch.take(origin, correction)
        batch.write()
    operator.join()

    assert [one.problem.code for one in acted] == ["message.wrong_state"]
    assert dict(exchange.states()) == {rejected: "superseded", "m2": "ready"}


@pytest.mark.parametrize("dossier", [None, "D-1"], ids=["no_dossier", "rejected_dossier"])
def test_two_operators_do_not_run_into_each_other(
    exchange, clock, monkeypatch, event, record, dossier
):
    exchange.take(record(1, dossier=dossier))
    ((rejected, _),) = exchange.states()
    acted = []
    other = Thread(target=lambda: acted.extend(exchange.act("discard", rejected)))

    with begin(exchange.store, at=clock()) as work:
        held = select(messages.c.id).where(messages.c.id == rejected).with_for_update()
        work.connection.execute(held).all()
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join()

    assert [one.problem for one in acted] == [None]
    assert exchange.act("discard", rejected)[0].problem.code == "message.wrong_state"

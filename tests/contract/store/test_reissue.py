"""Reissuing: a new message from the same source, in its place, linked, the old one untouched."""

import pytest
from sqlalchemy import select, update

from adapters import read_records
from lienthong.channels.port import Answer, Outcome
from lienthong.store.database import reading
from lienthong.store.tables import attempts, messages, submission_pieces, submissions

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
STRANGE = Answer(outcome=Outcome.UNRECOGNISED, code="77", http_status=200)


def rows(desk):
    with reading(desk.exchange.store) as connection:
        return connection.execute(
            select(messages).order_by(messages.c.dossier_code, messages.c.sequence, messages.c.id)
        ).all()


def deliver(desk, *answers, rounds=4):
    desk.exchange.portal.answers = list(answers)
    desk.exchange.clock.tick(seconds=2)
    desk.exchange.step(rounds)


def reissue(desk, *ids):
    return desk.exchange.act("reissue", *ids, agencies=desk.agency)


@pytest.mark.parametrize("answer", [REJECTED, STRANGE], ids=["parked", "quarantined"])
def test_what_the_portal_refused_goes_again_as_a_new_document(desk, answer):
    desk.receive("D-1,a", "D-2,a")
    desk.run()
    deliver(desk, answer)
    (old,) = [row for row in rows(desk) if row.state in ("parked", "quarantined")]
    desk.pipeline.mapped = "mended-{}"

    (acted,) = reissue(desk, old.id)
    deliver(desk)

    new = next(row for row in rows(desk) if row.id == acted.new_id)
    was = next(row for row in rows(desk) if row.id == old.id)
    assert (new.state, new.content_digest, new.reissue_of) == ("delivered", "mended-a", old.id)
    assert (was.state, was.reissued_as, was.document) == ("reissued", new.id, old.document)
    assert new.sequence == old.sequence
    sent = [request.document for request in desk.exchange.portal.sent]
    assert sent.count(b"<mended-a/>") == 1


def test_the_attempts_of_the_old_message_stay_as_they_were(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, REJECTED)
    (old,) = rows(desk)
    with reading(desk.exchange.store) as connection:
        before = connection.execute(select(attempts)).all()

    reissue(desk, old.id)
    deliver(desk)

    with reading(desk.exchange.store) as connection:
        after = connection.execute(select(attempts).where(attempts.c.message_id == old.id)).all()
    assert after == before


def test_a_later_snapshot_waits_for_the_reissued_one(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, STRANGE)
    desk.receive("D-1,b")
    desk.run()
    (old, later) = rows(desk)
    assert (old.state, later.state) == ("quarantined", "held")

    reissue(desk, old.id)
    deliver(desk, rounds=6)

    sent = [request.document for request in desk.exchange.portal.sent]
    assert sent == [b"<a/>", b"<a/>", b"<b/>"]


def test_a_rejected_record_is_made_anew_once_the_mapping_is_mended(desk):
    desk.pipeline.surprises["D-1"] = KeyError("a bug")
    desk.receive("D-1,a", "D-2,a")
    desk.run()
    (old,) = [row for row in rows(desk) if row.state == "rejected"]
    desk.pipeline.surprises.clear()

    (acted,) = reissue(desk, old.id)
    deliver(desk)

    assert acted.problem is None
    states = {row.id: row.state for row in rows(desk)}
    assert states[acted.new_id] == "delivered"
    assert states[old.id] == "reissued"


def test_what_still_has_errors_stays_as_it_is(desk):
    desk.receive("too,many,columns", "D-2,a")
    desk.run()
    (old,) = [row for row in rows(desk) if row.state == "rejected"]

    (acted,) = reissue(desk, old.id)

    assert acted.problem.code.startswith("csv.")
    assert [row.state for row in rows(desk) if row.id == old.id] == ["rejected"]


def test_what_came_again_in_the_meantime_is_not_made_twice(desk):
    desk.pipeline.surprises["D-1"] = KeyError("a bug")
    desk.receive("D-1,a")
    desk.run()
    (old,) = rows(desk)
    desk.pipeline.surprises.clear()
    desk.receive("D-1,a")
    desk.run()

    (acted,) = reissue(desk, old.id)

    assert acted.problem.code == "reissue.there_already"
    assert sum(row.content_digest == "a" for row in rows(desk)) == 1


def test_the_latest_delivered_snapshot_can_be_reissued(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk)
    (old,) = rows(desk)
    desk.pipeline.mapped = "mended-{}"

    (acted,) = reissue(desk, old.id)
    deliver(desk)

    assert acted.problem is None
    last = desk.exchange.portal.sent[-1]
    assert (last.document, last.is_updating) == (b"<mended-a/>", True)


def test_an_older_delivered_snapshot_cannot_go_over_a_newer_one(desk):
    for content in "ab":
        desk.receive(f"D-1,{content}")
        desk.run()
        deliver(desk)
    older = rows(desk)[0]

    (acted,) = reissue(desk, older.id)

    assert acted.problem.code == "reissue.not_latest"
    assert [row.state for row in rows(desk)] == ["delivered", "delivered"]


def test_a_source_that_gives_another_dossier_now_is_refused(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, REJECTED)
    (old,) = rows(desk)
    prepare = desk.pipeline.prepare

    def other(item, *, now):
        item.values["dossier"] = "D-9"
        return prepare(item, now=now)

    desk.pipeline.prepare = other

    (acted,) = reissue(desk, old.id)

    assert acted.problem.code == "reissue.other_event"


def test_a_source_that_was_erased_is_told_in_words(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, REJECTED)
    (old,) = rows(desk)
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(update(submissions).values(erased_at=desk.exchange.clock()))

    (acted,) = reissue(desk, old.id)

    assert acted.problem.code == "reissue.source_erased"
    assert [row.state for row in rows(desk)] == ["parked"]


def test_a_bug_that_one_record_meets_stops_no_other(desk):
    desk.pipeline.surprises = {"D-1": KeyError("Nguyễn Văn An"), "D-2": KeyError("a bug")}
    desk.receive("D-1,a", "D-2,a")
    desk.run()
    first, second = (row.id for row in rows(desk))
    del desk.pipeline.surprises["D-2"]

    acted = {one.message_id: one for one in reissue(desk, first, second)}

    assert acted[first].problem.code == "conversion.failed"
    assert "Nguyễn" not in str(acted[first].problem)
    assert acted[second].problem is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"body": b"\x01" + bytes(60)}, "vault.seal_broken"),
        ({"number": 7}, "submission.bytes_unreadable"),
    ],
    ids=["damaged", "missing"],
)
def test_a_source_that_cannot_be_read_stops_no_other(desk, change, code):
    desk.pipeline.surprises = {"D-1": KeyError("a bug"), "D-2": KeyError("a bug")}
    submission = desk.receive("D-1,a")
    desk.receive("D-2,a")
    desk.run()
    ids = [row.id for row in rows(desk)]
    desk.pipeline.surprises.clear()
    of_one = submission_pieces.c.submission_id == submission
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(update(submission_pieces).where(of_one).values(**change))

    acted = reissue(desk, *ids)

    assert sorted(one.problem.code for one in acted if one.problem) == [code]
    assert sum(one.new_id is not None for one in acted) == 1


def test_a_bug_in_a_reader_stops_no_other_file(desk, monkeypatch):
    desk.pipeline.surprises = {"D-1": KeyError("a bug"), "D-2": KeyError("a bug")}
    desk.receive("D-1,a")
    desk.receive("D-2,a")
    desk.run()
    ids = [row.id for row in rows(desk)]
    desk.pipeline.surprises.clear()

    def stumble(source, *, file_name, options, read_columns):
        for record in read_records(source, file_name=file_name, options=options):
            if record.values["dossier"] == "D-1":
                raise SystemError("Nguyễn Văn An")
            yield record

    monkeypatch.setattr("lienthong.flows.records.read_records", stumble)

    acted = reissue(desk, *ids)

    assert [one.problem.code for one in acted if one.problem] == ["submission.reader_failed"]
    assert sum(one.new_id is not None for one in acted) == 1


def test_an_agency_that_cannot_be_used_stops_no_other(desk):
    desk.pipeline.surprises = {"D-1": KeyError("a bug"), "D-2": KeyError("a bug")}
    desk.receive("D-1,a")
    desk.receive("D-2,a", agency="health")
    desk.run()
    ids = [row.id for row in rows(desk)]
    desk.pipeline.surprises.clear()
    desk.unusable.add("land")

    acted = reissue(desk, *ids)

    assert [one.problem.code for one in acted if one.problem] == ["key.expired"]
    assert sum(one.new_id is not None for one in acted) == 1


def test_the_agency_s_next_repeat_is_a_repeat_of_the_new_message(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, REJECTED)
    (old,) = rows(desk)
    desk.pipeline.mapped = "mended-{}"
    reissue(desk, old.id)
    deliver(desk)

    desk.receive("D-1,a")
    desk.run()
    deliver(desk)

    assert [row.state for row in rows(desk)] == ["reissued", "delivered"]
    assert len(desk.exchange.portal.sent) == 2

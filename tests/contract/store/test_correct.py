"""Correcting: a reissue of a record some of whose values a person has corrected."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, update

from lienthong.channels.port import Answer, Outcome, Packet
from lienthong.conversion import Prepared
from lienthong.corrections import LONGEST_CORRECTION, MOST_CORRECTIONS, Wish
from lienthong.flows.replay import Order, Replayer
from lienthong.flows.replay_preview import Previewer
from lienthong.flows.retain import PayloadClass, retain
from lienthong.store.database import reading
from lienthong.store.queries import show_message
from lienthong.store.results import list_results, result_values
from lienthong.store.tables import audit, messages, metadata, submission_pieces, submissions
from lienthong.timeline import tell_timeline
from schemas.errors import InputError
from schemas.problem import Problem, Text

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
STRANGE = Answer(outcome=Outcome.UNRECOGNISED, code="77", http_status=200)


class Picky:
    """What the desk's pipeline makes of a record, unless its content is wrong."""

    def __init__(self, inner):
        self.inner = inner
        self.keys = {}
        """Event key by dossier."""
        self.key_of = None
        """Makes the event key of a content."""
        self.progress = None
        """Makes the digest of a progress row of a content."""

    def prepare(self, item, *, now):
        prepared = self.inner.prepare(item, now=now)
        if not prepared.events:
            return prepared
        if item.values["content"].startswith("wrong"):
            problem = Problem(
                code="field.wrong",
                field="ChuHoSo",
                place=item.place_of("content"),
                value=item.values["content"],
                message=Text(vi="sai", en="wrong"),
            )
            return Prepared(
                record=item.number,
                place=item.place,
                dossier_code=prepared.dossier_code,
                events=(),
                problems=(problem,),
            )
        key = self.keys.get(prepared.dossier_code)
        if self.key_of is not None:
            key = self.key_of(item.values["content"])
        events = [replace(event, key=key) for event in prepared.events]
        if self.progress is not None:
            said = self.progress(item.values["content"])
            events.append(
                replace(
                    events[0],
                    message_id=f"{events[0].message_id}-1",
                    packet=Packet.PROGRESS,
                    content_digest=said,
                    key=None,
                )
            )
        return replace(prepared, events=tuple(events))


@pytest.fixture
def desk(desk):
    desk.pipeline = Picky(desk.pipeline)
    return desk


def rows(desk):
    with reading(desk.exchange.store) as connection:
        return connection.execute(
            select(messages).order_by(messages.c.dossier_code, messages.c.sequence, messages.c.id)
        ).all()


def deliver(desk, *answers, rounds=4):
    desk.exchange.portal.answers = list(answers)
    desk.exchange.clock.tick(seconds=2)
    desk.exchange.step(rounds)


def come(desk, *lines, answers=()):
    desk.receive(*lines)
    desk.run()
    deliver(desk, *answers)


def correct(desk, message_id, **values):
    exchange = desk.exchange
    replayer = Replayer(store=exchange.store, broker=exchange.broker, clock=exchange.clock)
    return replayer.correct(
        message_id,
        [Wish(path=path, value=value) for path, value in values.items()],
        order=Order(actor="an", reason="theo điện thoại"),
        agencies=desk.agency,
    )


def logged(desk, action):
    with reading(desk.exchange.store) as connection:
        found = connection.execute(
            select(audit).where(audit.c.action == action).order_by(audit.c.id)
        ).all()
    return [(row.actor, row.subject, json.loads(row.detail)) for row in found]


def pieces(desk):
    store = desk.exchange.store
    with reading(store) as connection:
        return connection.execute(select(submission_pieces)).all()


def shown(desk, message_id):
    store = desk.exchange.store
    with reading(store) as connection:
        return show_message(connection, message_id, vault=store.vault)


def the_one(desk, *states):
    (found,) = [row for row in rows(desk) if row.state in states]
    return found


def test_a_rejected_record_goes_as_it_was_corrected(desk):
    come(desk, "D-1,wrong", "D-2,a")
    old = the_one(desk, "rejected")
    before = pieces(desk)

    acted = correct(desk, old.id, content="right")
    deliver(desk)

    assert acted.problem is None
    new = next(row for row in rows(desk) if row.id == acted.new_id)
    was = next(row for row in rows(desk) if row.id == old.id)
    assert (new.state, new.content_digest, new.reissue_of) == ("delivered", "right", old.id)
    assert (was.state, was.reissued_as) == ("reissued", new.id)
    assert desk.exchange.portal.sent[-1].document == b"<right/>"
    assert pieces(desk) == before


@pytest.mark.parametrize("answer", [REJECTED, STRANGE], ids=["parked", "quarantined"])
def test_what_the_portal_refused_goes_again_corrected_in_its_place(desk, answer):
    come(desk, "D-1,a", answers=[answer])
    old = the_one(desk, "parked", "quarantined")

    acted = correct(desk, old.id, content="b")
    deliver(desk)

    new = the_one(desk, "delivered")
    assert (new.id, new.sequence) == (acted.new_id, old.sequence)


def test_the_log_has_path_and_digests_and_no_value(desk):
    come(desk, "D-1,wrong-Nguyễn")
    old = the_one(desk, "rejected")

    acted = correct(desk, old.id, content="Trần-Thị")

    ((actor, subject, detail),) = logged(desk, "message.corrected")
    (one,) = shown(desk, acted.new_id).corrections
    assert (actor, subject) == ("an", acted.new_id)
    assert detail == {
        "reissue_of": old.id,
        "reason": "theo điện thoại",
        "path": "content",
        "before": "sha256:"
        + sha256(bytes.fromhex(one.salt) + b"wrong-Nguy\xe1\xbb\x85n").hexdigest(),
        "after": f"sha256:{one.digest('Trần-Thị')}",
    }
    assert (one.before, one.after) == ("wrong-Nguyễn", "Trần-Thị")
    with reading(desk.exchange.store) as connection:
        everything = [
            repr(row)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table)).all()
        ]
    # The fake's digest is the content itself.
    told = [each.replace("content_digest", "") for each in everything]
    assert not any("wrong-Nguyễn" in each for each in told)


def test_the_agency_is_told_what_was_corrected(desk):
    come(desk, "D-1,wrong")
    acted = correct(desk, the_one(desk, "rejected").id, content="right")
    deliver(desk)

    exchange = desk.exchange
    told = list_results(exchange.store, agency="land", after=0, limit=50, clock=exchange.clock)

    (result,) = [one for one in map(result_values, told) if one["kind"] == "delivered"]
    assert result["message_id"] == acted.new_id
    ((error),) = result["errors"]
    assert (error["code"], error["severity"]) == ("record.corrected", "warning")
    assert (error["source"]["column"], error["value"]) == ("B (content)", "wrong")
    assert "right" in error["message"]["vi"]
    assert "right" in error["message"]["en"]


@pytest.mark.parametrize("keyed", [False, True], ids=["by digest", "by key"])
def test_the_same_snapshot_again_is_a_repeat_of_the_corrected_one(desk, keyed):
    if keyed:
        desk.pipeline.keys["D-1"] = "E-1"
    come(desk, "D-1,a", answers=[REJECTED])
    acted = correct(desk, the_one(desk, "parked").id, content="b")
    deliver(desk)
    sent = len(desk.exchange.portal.sent)

    come(desk, "D-1,a")
    come(desk, "D-1,b")

    assert len(desk.exchange.portal.sent) == sent
    assert sorted(row.state for row in rows(desk)) == ["delivered", "reissued"]
    exchange = desk.exchange
    told = list_results(exchange.store, agency="land", after=0, limit=50, clock=exchange.clock)
    assert [one.message_id for one in told if one.kind == "repeated"] == [acted.new_id] * 2


def test_another_snapshot_is_new_as_ever_and_the_old_value_may_come_back_after_it(desk):
    come(desk, "D-1,a", answers=[REJECTED])
    correct(desk, the_one(desk, "parked").id, content="b")
    deliver(desk)

    come(desk, "D-1,c")
    come(desk, "D-1,a")

    sent = [request.document for request in desk.exchange.portal.sent]
    assert sent == [b"<a/>", b"<b/>", b"<c/>", b"<a/>"]


def test_a_reissue_of_a_corrected_message_carries_its_corrections_on(desk):
    come(desk, "D-1,a", answers=[REJECTED])
    first = correct(desk, the_one(desk, "parked").id, content="b")
    deliver(desk, REJECTED)
    desk.pipeline.inner.mapped = "mended-{}"

    (acted,) = desk.exchange.act("reissue", first.new_id, agencies=desk.agency)
    deliver(desk)

    assert desk.exchange.portal.sent[-1].document == b"<mended-b/>"
    (one,) = shown(desk, acted.new_id).corrections
    assert (one.path, one.before, one.after) == ("content", "a", "b")
    assert logged(desk, "message.corrected")[-1][2]["carried_from"] == first.new_id


def test_a_correction_is_taken_back_by_the_agencys_own_value(desk):
    come(desk, "D-1,a", answers=[REJECTED])
    first = correct(desk, the_one(desk, "parked").id, content="b")
    deliver(desk, REJECTED)

    acted = correct(desk, first.new_id, content="a")
    deliver(desk)

    assert desk.exchange.portal.sent[-1].document == b"<a/>"
    assert shown(desk, acted.new_id).corrected_paths == ()


def test_a_preview_says_the_same_and_writes_nothing(desk):
    come(desk, "D-1,a", answers=[REJECTED])
    old = the_one(desk, "parked")
    exchange = desk.exchange
    before = rows(desk)
    previewer = Previewer(store=exchange.store, agencies=desk.agency, clock=exchange.clock)

    told = previewer.correct(old.id, [Wish(path="content", value="b")])

    assert told.problem is None
    assert told.new_documents == 1
    assert [one.code for one in told.findings] == ["record.corrected"]
    assert rows(desk) == before
    assert logged(desk, "message.corrected") == []


@pytest.mark.parametrize("state", ["delivered", "held"])
def test_other_states_allow_no_correction(desk, state):
    come(desk, "D-1,a", answers=[STRANGE] if state == "held" else [])
    if state == "held":
        come(desk, "D-1,b")
    message = the_one(desk, state)

    acted = correct(desk, message.id, content="c")

    assert acted.problem.code == "message.wrong_state"
    assert message in rows(desk)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "correction.count"),
        ({f"p{n}": "x" for n in range(MOST_CORRECTIONS + 1)}, "correction.count"),
        ({"content": "x" * (LONGEST_CORRECTION + 1)}, "correction.too_long"),
        ({"content": "x\x00"}, "correction.character"),
        ({"content": "x\ny"}, "correction.character"),
        ({"content": "x\u202ey"}, "correction.character"),
    ],
)
def test_what_cannot_be_tried_is_refused(desk, values, code):
    come(desk, "D-1,wrong")

    with pytest.raises(InputError) as refused:
        correct(desk, the_one(desk, "rejected").id, **values)

    assert refused.value.problem.code == code
    assert [row.state for row in rows(desk)] == ["rejected"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"nothing": "x"}, "correction.path_unknown"),
        ({"content.more": "x"}, "correction.path_unknown"),
        ({"content": "wrong"}, "correction.unchanged"),
        ({"content": "wrong again"}, "field.wrong"),
        ({"content": "right", "dossier": "D-9"}, "reissue.other_event"),
    ],
)
def test_what_the_record_does_not_take_leaves_it_as_it_is(desk, values, code):
    come(desk, "D-1,wrong")

    acted = correct(desk, the_one(desk, "rejected").id, **values)

    assert acted.problem.code == code
    assert [row.state for row in rows(desk)] == ["rejected"]
    assert logged(desk, "message.corrected") == []


def test_a_record_that_cannot_be_read_has_nothing_to_correct(desk):
    come(desk, "too,many,columns")

    acted = correct(desk, the_one(desk, "rejected").id, content="x")

    assert acted.problem.code == "correction.unreadable"


def test_a_correction_that_reaches_other_messages_of_the_record_is_refused(desk):
    desk.pipeline.progress = lambda content: f"row-{content}"
    come(desk, "D-1,a", answers=[REJECTED])

    acted = correct(desk, the_one(desk, "parked").id, content="b")

    assert acted.problem.code == "correction.other_events"
    assert sorted(row.state for row in rows(desk)) == ["held", "parked"]


def test_one_that_concerns_its_own_message_alone_is_made(desk):
    desk.pipeline.progress = lambda _content: "row"
    come(desk, "D-1,a", answers=[REJECTED])

    acted = correct(desk, the_one(desk, "parked").id, content="b")
    deliver(desk, rounds=6)

    assert acted.problem is None
    assert sorted(row.state for row in rows(desk)) == ["delivered", "delivered", "reissued"]


def test_a_whole_rejected_record_is_corrected_with_its_progress_rows(desk):
    desk.pipeline.progress = lambda content: f"row-{content}"
    come(desk, "D-1,wrong")

    acted = correct(desk, the_one(desk, "rejected").id, content="b")
    deliver(desk, rounds=6)

    assert acted.problem is None
    made = [row for row in rows(desk) if row.state == "delivered"]
    assert [row.content_digest for row in made] == ["b", "row-b"]
    assert {row.corrected_paths for row in made} == {'["content"]'}


def test_values_go_with_the_document_and_without_them_nothing_is_made_again(desk):
    come(desk, "D-1,a", answers=[REJECTED])
    acted = correct(desk, the_one(desk, "parked").id, content="b")
    deliver(desk)
    exchange = desk.exchange
    exchange.clock.tick(days=40)

    ages = dict.fromkeys(PayloadClass) | {PayloadClass.DOCUMENTS: timedelta(days=30)}
    retain(exchange.store, ages=ages, unqueued=(), clock=exchange.clock, apply=True)
    (again,) = exchange.act("reissue", acted.new_id, agencies=desk.agency)

    view = shown(desk, acted.new_id)
    assert (view.corrected_paths, view.corrections) == (("content",), ())
    assert again.problem.code == "correction.values_erased"


def test_the_timeline_tells_that_the_record_was_corrected_and_where(desk):
    come(desk, "D-1,wrong")
    acted = correct(desk, the_one(desk, "rejected").id, content="right")

    store = desk.exchange.store
    with reading(store) as connection:
        told = tell_timeline(connection, "D-1", agency=None, vault=store.vault, limit=50)

    (step,) = [step for step in told.steps if step.name == "message.corrected"]
    assert (step.actor, step.message) == ("an", acted.new_id)
    assert step.text.vi == "Lập từ bản ghi đã sửa"
    assert "chỗ content" in step.detail.vi
    assert "theo điện thoại" in step.detail.vi
    assert "right" not in step.detail.vi


def test_another_event_is_not_made_of_it(desk):
    desk.pipeline.key_of = lambda content: f"E-{content}"
    come(desk, "D-1,a", answers=[REJECTED])

    acted = correct(desk, the_one(desk, "parked").id, content="b")

    assert acted.problem.code == "correction.identity"
    assert [row.state for row in rows(desk)] == ["parked"]


def test_what_came_down_is_not_corrected(desk):
    come(desk, "D-1,wrong")
    old = the_one(desk, "rejected")
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(update(submissions).values(service="DongBoHoSoMC"))

    acted = correct(desk, old.id, content="right")

    assert acted.problem.code == "correction.inbound"
    assert [row.state for row in rows(desk)] == ["rejected"]


def test_of_two_who_correct_at_once_one_is_told_that_it_was_done(desk, together):
    come(desk, "D-1,wrong")
    old = the_one(desk, "rejected")

    acted = together(
        lambda: correct(desk, old.id, content="one"), lambda: correct(desk, old.id, content="two")
    )

    codes = sorted("" if one.problem is None else one.problem.code for one in acted)
    assert codes == ["", "message.wrong_state"]
    assert sorted(row.state for row in rows(desk)) == ["ready", "reissued"]

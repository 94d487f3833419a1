"""What peers send to the agencies, in the store: lines, ledgers, pace and replay of its own."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from random import Random
from threading import Event
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from adapters import CsvOptions
from lienthong.breaker import Breaker
from lienthong.channels.port import (
    Answer,
    Direction,
    Found,
    HandedFile,
    LookUp,
    Outcome,
    Packet,
)
from lienthong.cli.machine import view_values
from lienthong.conversion import Prepared, PreparedEvent
from lienthong.decisions import LookUpRules
from lienthong.flows import replay
from lienthong.flows.deliver import Deliverer, DeliveryRules
from lienthong.flows.expand import Expander
from lienthong.flows.receive import KeyConflict, receive_many, small_offer
from lienthong.flows.records import rejected
from lienthong.flows.replay_preview import Previewer
from lienthong.flows.retain import PayloadClass, retain
from lienthong.ids import make_id
from lienthong.pacing import Pacer
from lienthong.proofs import HANDED_OVER
from lienthong.receivers.channel import AgencyChannel
from lienthong.receivers.lanes import Lane, Lanes
from lienthong.retry import Backoff
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.findings import find_submitted, submission_findings
from lienthong.store.hand_overs import submission_values
from lienthong.store.paces import read_flow
from lienthong.store.portal_answers import no_columns
from lienthong.store.queries import count_agencies, count_down, show_message, troubled_submissions
from lienthong.store.tables import attempts, audit, messages, results, submissions
from lienthong.timeline import tell_timeline
from schemas.errors import ConfigError
from schemas.problem import Language, Text

HEAD = ("subject", "detail")
BACKOFF = Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=5))
SOON = timedelta(0)


@dataclass
class FakeReceiver:
    answers: list = field(default_factory=list)
    taken: list = field(default_factory=list)

    def hand_over(self, request):
        self.taken.append(request)
        return self.answers.pop(0) if self.answers else Answer(outcome=Outcome.DELIVERED)

    def close(self):
        pass


@dataclass
class FileMaker:
    """Makes a file for an agency of each row `dossier,content`."""

    version: int = 1
    fails: bool = False
    service: str = "ChungTuThue"

    def prepare(self, item, *, now):
        dossier, content = item.values["dossier"], item.values["content"]
        if self.fails or content == "bad":
            text = Text(vi="không đọc được", en="it cannot be read")
            prepared = rejected(item, code="test.failed", message=text, suggestion=text)
            return replace(prepared, dossier_code=dossier)
        document = f"{content} v{self.version}".encode()
        event = PreparedEvent(
            message_id=make_id(now),
            packet=Packet.INBOUND,
            dossier_code=dossier,
            key=None,
            version=None,
            content_digest=content,
            document=document,
            document_digest=sha256(document).hexdigest(),
            file=HandedFile(name=f"{dossier}.csv", media_type="text/csv", service=self.service),
        )
        return Prepared(
            record=item.number,
            place=item.place,
            dossier_code=dossier,
            events=(event,),
            problems=(),
        )


class Town:
    """An exchange with agencies that get files."""

    def __init__(self, exchange, desk):
        self.exchange, self.desk = exchange, desk
        self.maker = FileMaker()
        self.services = {"ChungTuThue", "DongBoHoSoMC", "CapNhatTienDoHoSoMC"}
        self.receivers = {"land": FakeReceiver(), "health": FakeReceiver()}
        lanes = {
            name: Lane(
                receiver=receiver,
                pacer=Pacer(breaker=Breaker(threshold=2, backoff=BACKOFF, random=Random(1))),
                slots=4,
            )
            for name, receiver in self.receivers.items()
        }
        channel = AgencyChannel(Lanes(lanes))
        self.deliverer = Deliverer(
            store=exchange.store,
            broker=exchange.broker,
            channel=channel,
            rules=DeliveryRules(
                slots=channel.lanes.slots,
                lease=timedelta(seconds=120),
                longest_call=timedelta(seconds=60),
                crash_limit=3,
                backoff=BACKOFF,
                look_ups=LookUpRules(
                    shows_content=False,
                    quiet_period=timedelta(0),
                    resend_unproven_progress=True,
                ),
                direction=Direction.TO_AGENCIES,
            ),
            pacer=channel.lanes,
            agency_codes=lambda _name: "000.00.15.H29",
            clock=exchange.clock,
            steady=exchange.clock.steady,
            random=Random(1),
        )

    def agency(self, name, service=None):
        if service is None:
            return self.desk.agency(name)
        if service not in self.services:
            raise ConfigError(Text(vi="chưa có ánh xạ", en="no mapping yet"), code="mapping.none")
        return SimpleNamespace(
            source=CsvOptions(),
            read_columns=frozenset({"dossier", "content"}),
            pipeline=replace(self.maker, service=service),
            mapping_stamp=f"land@{self.maker.version}",
            one_row_per_dossier=False,
        )

    def receive(
        self, *rows, to="land", key="k1", service="ChungTuThue", peer="tax", door="portal-json"
    ):
        body = "\n".join(("dossier,content", *rows)).encode()
        offer = small_offer(
            body,
            file_name=f"{service}.csv",
            agency=to,
            door=door,
            sender=peer,
            key=key,
            service=service,
        )
        exchange = self.exchange
        (outcome,) = receive_many(
            [offer], store=exchange.store, broker=exchange.broker, clock=exchange.clock
        )
        return outcome

    def expand(self):
        expander = Expander(
            store=self.exchange.store,
            broker=self.exchange.broker,
            agencies=self.agency,
            clock=self.exchange.clock,
            lease=timedelta(minutes=2),
            retry_after=timedelta(minutes=1),
        )
        while expander.step():
            pass
        expander.close()

    def hand_over(self, rounds=3):
        with self.deliverer.open_calls() as calls:
            for _ in range(rounds):
                self.deliverer.step(calls)
                self.deliverer.drain()
                self.exchange.clock.tick(seconds=2)

    def rows(self, table, *columns):
        with reading(self.exchange.store) as connection:
            chosen = [table.c[name] for name in columns]
            return connection.execute(select(*chosen).order_by(table.c.id)).all()

    def states(self):
        return [row.state for row in self.rows(messages, "state")]


@pytest.fixture
def town(exchange, desk):
    return Town(exchange, desk)


def test_what_a_peer_sends_reaches_its_agency_as_its_file_once(town):
    town.receive("H1,paid", key="k1")
    town.receive("H1,paid", key="k1")
    town.expand()

    town.hand_over()

    (request,) = town.receivers["land"].taken
    assert (request.document, request.dossier_code) == (b"paid v1", "H1")
    assert request.file == HandedFile(name="H1.csv", media_type="text/csv", service="ChungTuThue")
    assert town.states() == ["delivered"]
    assert town.receivers["health"].taken == []


def test_the_agency_is_told_nothing_of_it_and_gets_no_receipt(town):
    town.receive("H1,paid")
    town.expand()
    town.hand_over()

    assert town.rows(results, "kind") == []
    assert [row.receipt_due_at for row in town.rows(submissions, "receipt_due_at")] == [None]


def test_the_same_key_with_other_content_is_a_conflict_and_of_another_peer_another_message(town):
    town.receive("H1,paid", key="k1", peer="tax")

    assert isinstance(town.receive("H1,other", key="k1", peer="tax"), KeyConflict)
    assert not town.receive("H1,other", key="k1", peer="portal").is_repeat
    assert len(town.rows(submissions, "id")) == 2


def test_the_keys_of_an_agency_and_of_a_peer_do_not_meet(town):
    town.desk.receive("H1,a", key="k1")

    assert not town.receive("H1,paid", key="k1").is_repeat


def test_an_agency_without_a_key_gets_what_is_sent_to_it(town):
    town.desk.unusable.add("land")
    town.desk.receive("H1,a")
    town.receive("H2,paid")

    town.expand()
    town.hand_over()

    assert [request.dossier_code for request in town.receivers["land"].taken] == ["H2"]


def test_a_service_without_a_mapping_waits_and_holds_up_nothing_of_the_agencys_own(town):
    town.services.clear()
    town.receive("H2,paid")
    town.desk.receive("H1,a")
    town.expand()
    assert [row.state for row in town.rows(submissions, "state")] == ["held", "expanded"]
    with reading(town.exchange.store) as connection:
        (held,) = troubled_submissions(connection, vault=town.exchange.store.vault)
    assert (held.agency, held.is_down) == ("land", True)

    town.services.add("ChungTuThue")
    town.exchange.clock.tick(minutes=2)
    town.expand()
    town.hand_over()

    assert [request.dossier_code for request in town.receivers["land"].taken] == ["H2"]


def test_what_goes_down_and_what_goes_up_do_not_wait_for_each_other(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    town.receive("H1,refused", key="k1")
    town.receive("H1,behind it", key="k2")
    town.desk.receive("H1,a")
    town.expand()
    town.hand_over()

    town.exchange.step(rounds=2)

    assert town.states() == ["parked", "held", "delivered"]
    assert [request.packet for request in town.exchange.portal.sent] == [Packet.DOSSIER]


def test_one_agency_may_be_told_of_the_dossier_of_another(town):
    town.desk.receive("H1,a", agency="health")
    town.receive("H1,paid", to="land")
    town.receive("H1,paid", to="health")
    town.expand()
    town.hand_over()

    assert len(town.receivers["land"].taken) == len(town.receivers["health"].taken) == 1


@pytest.mark.parametrize(
    ("service", "door", "peer", "is_update"),
    [
        ("DongBoHoSoMC", "portal-json", "portal", True),
        ("DongBoHoSoMC", "portal-json", "tax", False),
        ("ChungTuThue", "portal-json", "portal", False),
        ("DongBoHoSoMC", "sharing", "portal", False),
    ],
)
def test_the_first_word_about_a_dossier_that_was_filed_at_the_portal_is_an_update(
    town, service, door, peer, is_update
):
    town.receive("H1,filed", service=service, door=door, peer=peer)
    town.desk.receive("H1,received")
    town.expand()

    town.exchange.step(rounds=2)

    assert [request.is_updating for request in town.exchange.portal.sent] == [is_update]


def test_what_another_agency_was_told_of_that_code_makes_no_update_of_an_add(town):
    town.receive("H1,filed", to="health", service="DongBoHoSoMC", peer="portal")
    town.desk.receive("H1,received", agency="land")
    town.expand()

    town.exchange.step(rounds=2)

    assert [request.is_updating for request in town.exchange.portal.sent] == [False]


def updates(town, *, rounds=1):
    """Let what is due go, and return whether each went as an update."""
    for _ in range(rounds):
        town.exchange.step(rounds=2)
        town.exchange.clock.tick(minutes=15)
    return [request.is_updating for request in town.exchange.portal.sent]


def test_a_dossier_that_the_portal_says_it_has_not_goes_as_an_add(town):
    town.exchange.portal.answers.append(Answer(outcome=Outcome.MISSING))
    town.receive("H1,filed", service="DongBoHoSoMC", peer="portal")
    town.desk.receive("H1,received")
    town.expand()

    assert updates(town, rounds=2) == [True, False]
    town.desk.receive("H1,in work", key="k2")
    town.expand()
    assert updates(town) == [True, False, True]


def test_an_absence_that_is_proven_makes_an_add_of_what_was_filed(town):
    town.exchange.portal.answers.append(Answer(outcome=Outcome.UNKNOWN))
    town.exchange.portal.look_ups += [LookUp(found=Found.ABSENT)] * 2
    town.receive("H1,filed", service="DongBoHoSoMC", peer="portal")
    town.desk.receive("H1,received")
    town.expand()

    assert updates(town, rounds=3) == [True, False]


def test_what_is_filed_again_after_it_was_missing_is_an_update_again(town):
    busy = Answer(outcome=Outcome.BUSY)
    town.exchange.portal.answers += [Answer(outcome=Outcome.MISSING), busy]
    town.receive("H1,filed", service="DongBoHoSoMC", peer="portal")
    town.desk.receive("H1,received")
    town.expand()
    assert updates(town, rounds=2) == [True, False]

    town.receive("H1,filed again", service="DongBoHoSoMC", peer="portal", key="k9")
    town.expand()

    assert updates(town) == [True, False, True]


def test_an_agency_that_is_away_costs_nothing_and_holds_up_no_other(town):
    away = Answer(outcome=Outcome.NOT_SENT)
    town.receivers["land"].answers += [away] * 40
    for number in range(40):
        town.receive(f"L{number},paid", key=f"l{number}")
    town.receive("H1,paid", to="health")
    town.expand()

    for _ in range(60):
        town.hand_over(rounds=1)

    assert len(town.receivers["health"].taken) == 1
    tries = len(town.receivers["land"].taken)
    assert 4 <= tries < 20
    with reading(town.exchange.store) as connection:
        assert len(connection.execute(select(attempts.c.number)).all()) < 40 + tries


class SlowReceiver(FakeReceiver):
    """Takes everything, and answers once somebody lets it."""

    def __init__(self):
        super().__init__()
        self.answers_now = Event()

    def hand_over(self, request):
        self.taken.append(request)
        assert self.answers_now.wait(timeout=30)
        return Answer(outcome=Outcome.DELIVERED)


@pytest.mark.parametrize("hinted", [True, False], ids=["hinted", "backlog"])
def test_an_agency_that_is_slow_fills_its_own_lane_and_no_other(town, hinted):
    slow = town.deliverer._channel.lanes.by_agency["land"].receiver = SlowReceiver()
    for number in range(20):
        town.receive(f"L{number},paid", key=f"l{number}")
    town.expand()
    town.exchange.clock.tick(seconds=1)
    for number in range(6):
        town.receive(f"H{number},paid", key=f"h{number}", to="health")
    town.expand()
    if not hinted:
        town.exchange.clock.tick(seconds=5)
        broker = town.exchange.broker
        broker.ack(broker.receive("hand-over", limit=100, lease=timedelta(minutes=1), wait=SOON))

    with town.deliverer.open_calls() as calls:
        for _ in range(20):
            town.deliverer.step(calls)
            town.exchange.clock.tick(seconds=2)
        reached = sorted(request.dossier_code for request in town.receivers["health"].taken)
        in_hand = len(slow.taken)
        slow.answers_now.set()
        town.deliverer.drain()

    assert reached == [f"H{number}" for number in range(6)]
    assert in_hand == 4
    town.hand_over(rounds=30)
    assert set(town.states()) == {"delivered"}
    assert len(slow.taken) == 20


def test_who_is_back_gets_everything_by_itself(town):
    town.receivers["land"].answers += [Answer(outcome=Outcome.BUSY)] * 3
    for number in range(12):
        town.receive(f"L{number},paid", key=f"l{number}")
    town.expand()

    for _ in range(300):
        town.hand_over(rounds=1)

    assert set(town.states()) == {"delivered"}
    delivered = [request.dossier_code for request in town.receivers["land"].taken[3:]]
    assert sorted(delivered) == sorted(f"L{number}" for number in range(12))


def test_what_a_worker_that_died_had_in_hand_goes_again_under_its_id(town):
    town.receive("H1,paid")
    town.expand()
    town.receivers["land"].answers.append(Answer(outcome=Outcome.UNKNOWN))

    town.hand_over(rounds=6)

    first, again = town.receivers["land"].taken
    assert (first.message_id, first.document) == (again.message_id, again.document)
    assert town.states() == ["delivered"]


def test_one_message_whose_answer_never_comes_is_not_sent_in_a_circle(town):
    taken = town.receivers["land"].taken

    class NeverAnswersOne(FakeReceiver):
        def hand_over(self, request):
            taken.append(request)
            is_it = request.dossier_code == "H1"
            return Answer(outcome=Outcome.UNKNOWN if is_it else Outcome.DELIVERED)

    # What is delivered in between keeps the breaker closed.
    town.deliverer._channel.lanes.by_agency["land"].receiver = NeverAnswersOne()
    town.receive("H1,paid")
    for number in range(30):
        town.receive(f"G{number},paid", key=f"g{number}")
        town.expand()
        town.hand_over(rounds=1)

    times = sum(request.dossier_code == "H1" for request in taken)
    assert 2 <= times <= 5


def test_an_agency_that_nobody_said_the_way_to_waits_for_one_and_costs_nothing(town):
    town.receive("H1,paid", to="planning")
    town.expand()

    town.hand_over(rounds=30)

    assert town.states() == ["ready"]
    with reading(town.exchange.store) as connection:
        assert connection.execute(select(attempts.c.number)).all() == []

    lanes, way = town.deliverer._channel.lanes.by_agency, FakeReceiver()
    lanes["planning"] = replace(lanes["health"], receiver=way)
    town.hand_over(rounds=3)

    assert [request.dossier_code for request in way.taken] == ["H1"]


def test_a_file_that_its_agency_refused_is_no_finding_of_the_portals(town):
    refused = Answer(outcome=Outcome.REJECTED, code="422", http_status=422)
    town.receivers["land"].answers.append(refused)
    submission = town.receive("H1,paid").submission_id
    town.expand()
    town.hand_over()

    assert town.states() == ["parked"]
    store = town.exchange.store
    assert list(submission_findings(store, submission, columns=no_columns)) == []


def test_the_name_of_a_file_is_erased_with_it(town):
    town.receive("H1,paid")
    town.expand()
    town.hand_over()
    town.exchange.clock.tick(days=40)

    retain(
        town.exchange.store,
        ages={PayloadClass.DOCUMENTS: timedelta(days=30)},
        unqueued=(),
        clock=town.exchange.clock,
        apply=True,
    )

    (row,) = town.rows(messages, "document", "file", "document_digest")
    assert (row.document, row.file) == (None, None)
    assert row.document_digest == sha256(b"paid v1").hexdigest()
    with reading(town.exchange.store) as connection:
        message_id = town.rows(messages, "id")[0].id
        view = show_message(connection, message_id, vault=town.exchange.store.vault)
    said = view_values(view, Language.EN)
    assert (said["handed_file"], said["proof_words"]) == (None, HANDED_OVER.en)


def test_resend_is_the_same_file_and_reissue_one_by_the_mapping_of_now(town):
    town.receivers["land"].answers += [Answer(outcome=Outcome.REJECTED)] * 2
    town.receive("H1,paid")
    town.expand()
    town.hand_over()
    (row,) = town.rows(messages, "id")

    town.exchange.act("resend", row.id)
    town.hand_over()
    town.maker.version = 2
    (acted,) = town.exchange.act("reissue", row.id, agencies=town.agency)
    town.hand_over()

    assert acted.problem is None
    documents = [request.document for request in town.receivers["land"].taken]
    assert documents == [b"paid v1", b"paid v1", b"paid v2"]
    assert town.states() == ["reissued", "delivered"]


def test_a_preview_says_what_the_agency_would_get_and_the_act_does_it(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    town.receive("H1,paid")
    town.expand()
    town.hand_over()
    (row,) = town.rows(messages, "id")
    town.maker.version = 2
    exchange = town.exchange
    previewer = Previewer(store=exchange.store, agencies=town.agency, clock=exchange.clock)

    (told,) = previewer.reissue([row.id])
    (acted,) = exchange.act("reissue", row.id, agencies=town.agency)

    assert (told.problem, acted.problem) == (None, None)
    assert (told.stored.mapping, told.made_now_by) == ("land@1", "land@2")
    [change] = told.changes
    assert (change.before, change.after) == tuple(
        sha256(one).hexdigest() for one in (b"paid v1", b"paid v2")
    )
    assert (told.outlook.is_turn, told.outlook.is_updating) == (True, None)


def test_the_log_says_by_which_mapping_a_file_was_made_of_what_and_how_it_was_taken(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    town.receive("H1,paid")
    town.expand()
    town.hand_over()
    (old,) = town.rows(messages, "id", "submission_id")
    town.receivers["land"].answers.append(Answer(outcome=Outcome.DELIVERED, detail="in it"))
    town.maker.version = 2

    (acted,) = town.exchange.act("reissue", old.id, agencies=town.agency)
    assert acted.problem is None
    town.hand_over()

    said = [json.loads(row.detail) | {"of": row.subject} for row in town.rows(audit, *HEAD)]
    made = [one for one in said if "mapping" in one]
    assert [(one["mapping"], one["submission"], one["record"]) for one in made] == [
        ("land@1", old.submission_id, 1),
        ("land@2", old.submission_id, 1),
    ]
    assert [one["digest"] for one in made] == [
        sha256(one).hexdigest() for one in (b"paid v1", b"paid v2")
    ]
    taken = [(one["of"], one["taken"]) for one in said if "taken" in one]
    assert taken == [(made[1]["of"], "in it")]


def test_each_attempt_is_in_the_log_at_the_very_moment_it_began(town):
    answers = town.receivers["land"].answers
    answers += [Answer(outcome=Outcome.NOT_SENT), Answer(outcome=Outcome.UNKNOWN)]
    town.receive("H1,paid")
    town.expand()
    for _ in range(8):
        town.hand_over()
        town.exchange.clock.tick(minutes=1)

    kinds = {"message.sending": "send", "message.looked_up": "lookup"}
    with reading(town.exchange.store) as connection:
        tried = connection.execute(select(attempts.c.kind, attempts.c.started_at)).all()
        logged = connection.execute(
            select(audit.c.action, audit.c.at).where(audit.c.action.in_(kinds))
        ).all()
    assert sorted(map(tuple, tried)) == sorted((kinds[action], at) for action, at in logged)
    assert [kind for kind, _ in sorted(tried)] == ["lookup", "send", "send", "send"]


def test_hints_of_one_direction_are_not_taken_by_the_other(town):
    town.receive("H1,paid")
    town.expand()

    town.exchange.step(rounds=3)

    assert town.exchange.portal.sent == []
    assert town.exchange.broker.depth("hand-over") == 1
    assert town.exchange.broker.depth("deliver") == 0


def test_its_identity_stands_with_the_message(town):
    town.receive("H1,paid", key="k1")
    town.expand()

    (row,) = town.rows(messages, "packet", "event_key", "file", "agency")

    assert (row.packet, row.agency) == ("inbound", "land")
    assert row.event_key == "tax\x1fk1#1"
    assert json.loads(row.file)["name"] == "H1.csv"


def test_the_timeline_tells_what_came_down_in_words_of_its_own(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED, detail="no such column"))
    town.receive("H1,refused", key="k1")
    town.expand()
    town.hand_over()
    store = town.exchange.store

    with reading(store) as connection:
        told = tell_timeline(connection, "H1", agency=None, limit=50, vault=store.vault)

    assert told.now.en.startswith("It came down, and its agency sent nothing up yet")
    assert {step.text.en for step in told.steps} == {
        "a message for the agency was received",
        "its file is made, ready to be handed over",
        "the message was read",
        "hand-over 1: refused",
        "parked: somebody must decide",
    }
    (following,) = told.next
    assert "chooses: resend, reissue or discard" in following.en


def test_several_ledgers_of_one_dossier_are_held_in_the_order_of_everybody(town, monkeypatch):
    # As others hold them: by the code of the ledger, whatever stands first in each.
    for to, rows in (("land", 1), ("health", 2)):
        town.receivers[to].answers += [Answer(outcome=Outcome.REJECTED)] * rows
        for number in range(rows):
            town.receive(f"H1,{number}", to=to, key=f"k{number}")
    town.expand()
    town.hand_over()
    stands = town.rows(messages, "id", "agency", "sequence")
    found = {(row.agency, row.sequence): row.id for row in stands}
    land, second = found["land", 1], found["health", 2]
    town.exchange.act("discard", found["health", 1])
    town.hand_over()
    held = []
    real = replay.load_ledgers

    def watched(connection, codes, **named):
        held.extend(codes)
        return real(connection, codes, **named)

    monkeypatch.setattr(replay, "load_ledgers", watched)

    town.exchange.act("resend", land, second)

    assert held == ["H1\x1fhealth", "H1\x1fland"]


def test_what_came_down_is_no_hand_over_of_the_agency(town):
    taken = town.receive("H1,paid")
    store = town.exchange.store

    with reading(store) as connection:
        found = find_submitted(connection, taken.submission_id, agency="land")
        values = submission_values(
            connection, taken.submission_id, agency="land", vault=store.vault
        )

    assert (found, values) == (None, None)


def test_what_an_agency_sent_and_what_goes_down_to_it_are_counted_apart(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    town.receive("H1,refused", "H2,bad", "H3,paid")
    town.desk.receive("H1,a", "H4,b")
    town.receive("H5,paid", to="health", key="k2")
    town.receive("H6,paid", to="health", key="k3", peer="police")
    town.expand()
    town.receivers["health"].answers.append(Answer(outcome=Outcome.NOT_SENT))
    now = town.exchange.clock() + timedelta(seconds=1)

    with reading(town.exchange.store) as connection:
        before = read_flow(connection, now=now)
    town.hand_over()
    with reading(town.exchange.store) as connection:
        own, down = count_agencies(connection), count_down(connection)

    assert (before.backlog, before.to_agencies) == (2, 4)
    assert [(one.agency, one.submissions, one.records, one.states) for one in own] == [
        ("land", 1, 2, {State.READY: 2})
    ]
    parked = {State.DELIVERED: 1, State.PARKED: 1, State.REJECTED: 1}
    assert [(one.agency, one.submissions, one.records, one.states) for one in down] == [
        ("health", 2, 2, {State.DELIVERED: 1, State.RETRYING: 1}),
        ("land", 1, 3, parked),
    ]


@pytest.mark.parametrize(
    ("content", "code"), [("bad", "message.wrong_state"), ("old", "reissue.not_latest")]
)
def test_an_older_snapshot_made_anew_does_not_follow_a_newer_one(town, content, code):
    town.receive(f"H1,{content}", key="k1", service="DongBoHoSoMC")
    town.expand()
    town.exchange.clock.tick(seconds=5)
    town.receive("H1,new", key="k2", service="DongBoHoSoMC")
    town.expand()
    town.hand_over(rounds=6)
    town.maker.version = 2
    old = min(town.rows(messages, "id", "created_at"), key=lambda row: row.created_at)

    (acted,) = town.exchange.act("reissue", old.id, agencies=town.agency)
    town.hand_over()

    assert acted.problem.code == code
    assert [request.document for request in town.receivers["land"].taken][-1] == b"new v1"


def test_a_payment_made_anew_goes_also_behind_a_later_one(town):
    town.maker.fails = True
    town.receive("H1,first", key="k1")
    town.expand()
    town.maker.fails = False
    town.exchange.clock.tick(seconds=5)
    town.receive("H1,second", key="k2")
    town.expand()
    town.hand_over(rounds=6)
    old = min(town.rows(messages, "id", "created_at"), key=lambda row: row.created_at)

    (acted,) = town.exchange.act("reissue", old.id, agencies=town.agency)
    town.hand_over()

    assert acted.problem is None
    assert [request.document for request in town.receivers["land"].taken] == [
        b"second v1",
        b"first v1",
    ]


def come(town, *said, peer="portal", service="DongBoHoSoMC"):
    """Have a peer say this of the dossier H1, one after the other."""
    for content in said:
        town.exchange.clock.tick(seconds=5)
        key = f"{peer}-{service}-{content}-{town.exchange.clock().timestamp()}"
        town.receive(f"H1,{content}", key=key, peer=peer, service=service)
        town.expand()


def reached(town):
    return [request.document.decode() for request in town.receivers["land"].taken]


def test_a_newer_snapshot_supersedes_one_that_its_agency_refused(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    come(town, "wrong")
    town.hand_over()
    assert town.states() == ["parked"]

    come(town, "right")
    town.hand_over()

    assert town.states() == ["superseded", "delivered"]
    assert reached(town)[-1] == "right v1"
    assert town.rows(results, "kind") == []


def test_a_snapshot_that_is_refused_gives_way_to_one_that_waits_behind_it(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    come(town, "wrong", "right")

    town.hand_over(rounds=4)

    assert town.states() == ["superseded", "delivered"]


def test_a_newer_snapshot_supersedes_one_that_could_not_be_written(town):
    come(town, "first")
    town.hand_over()
    come(town, "bad", "right")

    town.hand_over()

    assert town.states() == ["delivered", "superseded", "delivered"]
    assert reached(town) == ["first v1", "right v1"]


def test_of_one_hand_over_the_agency_is_told_nothing_either(town):
    town.receive("H1,bad", "H1,right", service="DongBoHoSoMC")
    town.expand()

    assert town.states() == ["superseded", "ready"]
    assert town.rows(results, "kind") == []


def test_a_snapshot_whose_fate_is_open_is_never_superseded(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.UNKNOWN))
    come(town, "first")
    town.hand_over(rounds=1)
    assert town.states() == ["unknown"]

    come(town, "second")
    town.hand_over(rounds=6)

    assert town.states() == ["delivered", "delivered"]
    assert reached(town) == ["first v1", "first v1", "second v1"]


@pytest.mark.parametrize(
    ("peer", "service"), [("tax", "DongBoHoSoMC"), ("portal", "ChungTuThue")], ids=["peer", "kind"]
)
def test_what_another_peer_says_or_what_is_no_snapshot_supersedes_nothing(town, peer, service):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    come(town, "wrong")
    town.hand_over()

    come(town, "other", peer=peer, service=service)
    town.hand_over()

    assert town.states() == ["parked", "held"]


def test_a_payment_that_was_refused_is_not_superseded_by_a_later_one(town):
    town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    come(town, "paid", service="ChungTuThue")
    town.hand_over()

    come(town, "paid more", service="ChungTuThue")
    town.hand_over()

    assert town.states() == ["parked", "held"]


@pytest.mark.parametrize("is_first_refused", [True, False], ids=["refused", "not written"])
def test_progress_waits_for_the_snapshot_that_takes_the_place_of_the_first(town, is_first_refused):
    if is_first_refused:
        town.receivers["land"].answers.append(Answer(outcome=Outcome.REJECTED))
    come(town, "wrong" if is_first_refused else "bad")
    come(town, "step", service="CapNhatTienDoHoSoMC")
    town.hand_over()
    assert town.states()[1:] == ["held"]

    come(town, "right")
    town.hand_over(rounds=4)

    assert town.states() == ["superseded", "delivered", "delivered"]
    assert reached(town)[-2:] == ["right v1", "step v1"]


def test_progress_that_came_before_a_snapshot_goes_before_it_whatever_becomes_of_that(town):
    come(town, "step", service="CapNhatTienDoHoSoMC")
    come(town, "bad")

    town.hand_over(rounds=4)

    assert town.states() == ["delivered", "rejected"]
    assert reached(town) == ["step v1"]


def test_progress_goes_alone_where_no_snapshot_was_ever_sent(town):
    come(town, "snapshot of another", peer="tax")
    come(town, "step", service="CapNhatTienDoHoSoMC")

    town.hand_over(rounds=4)

    assert reached(town) == ["snapshot of another v1", "step v1"]


def test_progress_goes_on_once_somebody_discards_the_snapshot_it_waits_for(town):
    come(town, "bad")
    come(town, "step", service="CapNhatTienDoHoSoMC")
    first = min(row.id for row in town.rows(messages, "id"))

    town.exchange.act("discard", first)
    town.hand_over()

    assert reached(town) == ["step v1"]

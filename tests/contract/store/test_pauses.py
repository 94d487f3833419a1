"""Pauses: what a person stopped stands, loses nothing, keeps its order, and is seen."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.app import make_app
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.flows.hints import DELIVER, hint
from lienthong.flows.sweep import sweep
from lienthong.pauses import TARGET, What
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import reading
from lienthong.store.paces import read_flow
from lienthong.store.pauses import (
    count_left,
    end_pauses,
    make_pause,
    read_endless,
    read_pauses,
)
from lienthong.store.queries import is_idle
from lienthong.store.tables import audit, dossiers, messages, submissions
from lienthong.store.work import begin

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
UNKNOWN = Answer(outcome=Outcome.UNKNOWN)
PROVEN = LookUp(found=Found.PRESENT)


class Steering:
    """Stopping things in the store, and what the exchange does then."""

    def __init__(self, exchange):
        self.exchange = exchange

    def stop(self, subject, what, *, reason="bảo trì", lasts=None, actor="an"):
        with begin(self.exchange.store, at=self.exchange.clock, actor=actor) as work:
            until = None if lasts is None else work.at + lasts
            made = make_pause(work, subject, What(what), reason=reason, until=until)
        self.exchange.clock.tick(seconds=1)
        return made

    def resume(self, subject, *whats):
        with begin(self.exchange.store, at=self.exchange.clock, actor="binh") as work:
            ended = end_pauses(work, subject, whats or tuple(What), reason="xong")
        self.exchange.clock.tick(seconds=1)
        return ended

    def in_force(self):
        with reading(self.exchange.store) as connection:
            found = read_pauses(connection, now=self.exchange.clock()).in_force
        return [(one.subject, one.what.value) for one in found]

    def hint(self, *codes):
        hints = [hint(code, at=self.exchange.clock()) for code in codes]
        self.exchange.broker.publish(DELIVER, hints)

    def step(self, rounds=6):
        for _ in range(rounds):
            self.exchange.step()
            self.exchange.clock.tick(seconds=1)

    def sent(self):
        return [request.message_id for request in self.exchange.portal.sent]

    def logged(self):
        with reading(self.exchange.store) as connection:
            query = select(audit).where(audit.c.action.startswith("pause.")).order_by(audit.c.id)
            rows = connection.execute(query).all()
        return [(row.actor, row.action, row.subject, json.loads(row.detail)) for row in rows]


@pytest.fixture
def steering(exchange):
    return Steering(exchange)


@pytest.fixture
def taken(exchange, record, event):
    """Have messages of dossiers ready: taken("land", m1="D-1")."""

    def take(agency, **dossiers_by_id):
        made = [
            record(number, event(id_, code, content=f"c{id_}"))
            for number, (id_, code) in enumerate(dossiers_by_id.items(), start=1)
        ]
        due = exchange.take(*made, agency=agency)
        read_to_the_end(exchange)
        return due

    return take


def read_to_the_end(exchange):
    """Have what `exchange.take` took in be no submission that is still to be expanded."""
    with begin(exchange.store, at=exchange.clock) as work:
        ours = submissions.c.sender == "test", submissions.c.sha256 == "00"
        work.connection.execute(update(submissions).where(*ours).values(due_at=None))


def test_of_a_paused_agency_nothing_is_sent_and_everybody_else_flows(steering, taken, exchange):
    taken("land", m1="D-1", m2="D-2")
    taken("civil", n1="E-1", n2="E-2")
    steering.stop("land", "delivery")
    steering.hint("D-1", "E-1", "D-2")

    steering.step()

    assert sorted(steering.sent()) == ["n1", "n2"]
    assert dict(exchange.states()) == {
        "m1": "ready",
        "m2": "ready",
        "n1": "delivered",
        "n2": "delivered",
    }
    steering.resume("land")
    steering.step()
    assert sorted(steering.sent()) == ["m1", "m2", "n1", "n2"]


def test_hints_of_what_is_paused_are_let_go_once_and_no_claim_is_made_again(
    steering, taken, exchange
):
    taken("land", m1="D-1", m2="D-2")
    steering.stop("land", "delivery")
    steering.hint("D-1", "D-1", "D-2")
    steering.step(2)
    with reading(exchange.store) as connection:
        before = connection.execute(select(func.sum(dossiers.c.fence))).scalar_one()

    steering.step(10)

    with reading(exchange.store) as connection:
        assert connection.execute(select(func.sum(dossiers.c.fence))).scalar_one() == before
        leases = connection.execute(select(dossiers.c.lease_until)).scalars().all()
    assert set(leases) == {None}
    assert exchange.broker.depth(DELIVER) == 0
    assert exchange.broker.parked() == []
    assert steering.sent() == []


def test_the_order_of_each_dossier_stays_over_a_pause(steering, exchange, record, event):
    first = event("m1", "D-1", content="a")
    exchange.take(record(1, first))
    steering.stop("land", "delivery")
    for number in range(2, 6):
        row = event(f"m{number}", "D-1", content=f"p{number}", packet=Packet.PROGRESS)
        exchange.take(record(number, row))
        steering.hint("D-1")
        steering.step(2)
    steering.resume("land")

    steering.step(12)

    assert steering.sent() == ["m1", "m2", "m3", "m4", "m5"]


def test_an_attempt_under_way_ends_and_its_fate_is_looked_up_but_nothing_goes_again(
    steering, taken, exchange
):
    taken("land", m1="D-1", m2="D-2")
    exchange.portal.answers = [UNKNOWN, UNKNOWN]
    steering.hint("D-1", "D-2")
    exchange.step()
    assert set(dict(exchange.states()).values()) == {"unknown"}
    steering.stop("land", "delivery")
    # One is there; the other is not, and would be sent again.
    exchange.portal.look_ups = [PROVEN, *[LookUp(found=Found.ABSENT)] * 60]

    for _ in range(40):
        exchange.step()
        exchange.clock.tick(seconds=30)

    assert len(exchange.portal.asked) >= 2
    assert len(exchange.portal.sent) == 2
    assert sorted(dict(exchange.states()).values()) == ["delivered", "ready"]
    steering.resume("land")
    steering.step()
    assert len(exchange.portal.sent) == 3
    assert set(dict(exchange.states()).values()) == {"delivered"}


def test_a_worker_that_died_in_a_pause_is_cleared_up_by_asking_not_by_sending(
    steering, taken, exchange
):
    taken("land", m1="D-1")
    # Its worker claimed it, wrote the attempt down, and is gone.
    exchange.start("D-1")
    steering.stop("land", "delivery")
    exchange.portal.look_ups = [PROVEN]

    exchange.clock.tick(seconds=150)
    steering.step()

    assert (steering.sent(), exchange.portal.asked) == ([], ["D-1"])
    assert exchange.state_of("m1") == "delivered"


def test_a_portal_that_is_paused_is_not_called_at_all_and_says_so(steering, taken, exchange):
    taken("land", m1="D-1", m2="D-2")
    exchange.portal.answers = [UNKNOWN]
    steering.hint("D-1")
    exchange.step()
    called = len(exchange.portal.sent), len(exchange.portal.asked)
    steering.stop(TARGET, "delivery", lasts=timedelta(hours=1))
    steering.hint(*["D-2"] * 20)

    for _ in range(40):
        exchange.step()
        exchange.clock.tick(seconds=30)

    # Twenty minutes: long after the look-up was due.
    assert (len(exchange.portal.sent), len(exchange.portal.asked)) == called
    assert exchange.broker.depth(DELIVER) == 0
    with reading(exchange.store) as connection:
        (worker,) = read_flow(connection, now=exchange.clock()).workers
    assert (worker.pace.value, worker.allowed) == ("paused", 0)
    exchange.portal.look_ups = [PROVEN]
    exchange.clock.tick(hours=1)
    steering.step()
    assert set(dict(exchange.states()).values()) == {"delivered"}


def test_a_pause_ends_by_itself_at_its_time_and_the_log_has_both(steering, taken, exchange):
    taken("land", m1="D-1")
    made = steering.stop("land", "delivery", lasts=timedelta(minutes=10))
    steering.step(3)
    assert (steering.sent(), steering.in_force()) == ([], [("land", "delivery")])

    exchange.clock.tick(minutes=10)
    steering.step(3)

    assert (steering.sent(), steering.in_force()) == (["m1"], [])
    for _ in range(2):
        sweep(exchange.store, clock=exchange.clock)
    said = {"what": "delivery", "reason": "bảo trì", "until": made.until.isoformat()}
    over = {"what": "delivery", "reason": "its time is over", "since": made.since.isoformat()}
    assert steering.logged() == [
        ("an", "pause.made", "land", said),
        ("lienthong", "pause.ended", "land", over),
    ]


def test_the_same_again_changes_nothing_and_another_end_is_said_without_a_new_beginning(
    steering, exchange
):
    first = steering.stop("land", "intake")

    again = steering.stop("land", "intake", actor="binh")
    longer = steering.stop("land", "intake", actor="binh", lasts=timedelta(hours=1))

    assert again == first
    assert (longer.since, longer.by) == (first.since, "binh")
    assert [line[:3] for line in steering.logged()] == [
        ("an", "pause.made", "land"),
        ("binh", "pause.changed", "land"),
    ]
    assert [one.what for one in steering.resume("land")] == [What.INTAKE]
    assert steering.resume("land") == ()
    assert steering.in_force() == []


def test_one_that_is_over_and_was_not_swept_yet_begins_anew(steering, exchange):
    first = steering.stop("land", "intake", lasts=timedelta(seconds=5))
    exchange.clock.tick(seconds=10)

    second = steering.stop("land", "intake")

    assert second.since > first.since
    assert [line[1] for line in steering.logged()] == ["pause.made", "pause.ended", "pause.made"]


def test_two_who_stop_the_same_at_once_stop_it_once(steering, exchange, together):
    def stop():
        with begin(exchange.store, at=exchange.clock, actor="an") as work:
            return make_pause(work, "land", What.INTAKE, reason="bảo trì", until=None)

    first, second = together(stop, stop)

    assert first == second
    assert [line[1] for line in steering.logged()] == ["pause.made"]


def test_a_drain_tells_what_is_left_until_nothing_moves(
    steering, taken, exchange, desk, record, event
):
    desk.receive("D-9,x")
    taken("land", m1="D-1", m2="D-2")
    exchange.take(record(5, event("m3", "D-2", content="p", packet=Packet.PROGRESS)))
    read_to_the_end(exchange)
    steering.stop("land", "drain")

    def left():
        with reading(exchange.store) as connection:
            found = count_left(connection, "land")
            assert count_left(connection, TARGET) == found
            assert count_left(connection, "civil").is_drained
        return found.submissions, found.moving, found.waiting, found.is_drained

    # m3 stands behind m2.
    assert left() == (1, 2, 1, False)
    desk.run()
    assert left() == (0, 3, 1, False)
    exchange.portal.answers = [REJECTED] * 3
    steering.step()

    # What was refused needs a person, and so does what stands behind it.
    assert left() == (0, 0, 4, True)
    assert steering.in_force() == [("land", "drain")]


def test_what_is_paused_for_good_does_not_keep_a_run_until_idle_from_ending(
    steering, taken, exchange
):
    taken("land", m1="D-1")

    def is_over():
        with reading(exchange.store) as connection:
            return is_idle(connection, pauses=read_endless(connection))

    assert not is_over()
    steering.stop("land", "delivery", lasts=timedelta(hours=1))
    # It goes on by itself in an hour.
    assert not is_over()
    steering.stop("land", "delivery")
    assert is_over()
    steering.resume("land")
    steering.stop(TARGET, "delivery")
    assert is_over()


def test_urgent_messages_of_a_paused_agency_keep_nobody_else_waiting(steering, taken, exchange):
    taken("land", **{f"m{n:03}": f"D-{n:03}" for n in range(60)})
    with begin(exchange.store, at=exchange.clock) as work:
        work.connection.execute(update(messages).values(deadline=work.at))
    taken("civil", n1="E-1")
    steering.stop("land", "delivery")

    steering.step(2)

    assert steering.sent() == ["n1"]


class Office:
    """People at the API."""

    def __init__(self, exchange):
        self.exchange = exchange
        names = ("land", "civil")
        self.installation = SimpleNamespace(
            store=exchange.store,
            clock=exchange.clock,
            mappings=SimpleNamespace(names=lambda: names),
        )
        app = make_app(self.installation, publisher=exchange.broker)
        self.client = TestClient(app, raise_server_exceptions=False)
        self.tokens = {}

    def token(self, role, *agencies):
        known = self.tokens.get((role, agencies))
        if known is None:
            some = frozenset(agencies) if agencies else EVERY
            with begin(self.exchange.store, at=self.exchange.clock, actor="root") as work:
                name = f"{role.value}-{'-'.join(agencies)}"
                grants = [Grant(role=role, agencies=some)]
                known = make_access_token(work, name, grants=grants, expires_at=None)
            self.tokens[role, agencies] = known
        return known

    def ask(self, path, *who, key=None, **said):
        headers = {"Authorization": f"Bearer {self.token(*who)}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        if said:
            return self.client.post(f"/v1{path}", headers=headers, json=said)
        return self.client.get(f"/v1{path}", headers=headers)

    def stop(self, *who, **said):
        key = said.pop("key", None)
        return self.ask("/pauses", *who, key=key, **{"reason": "bảo trì"} | said)


@pytest.fixture
def office(exchange):
    return Office(exchange)


LAND = (Role.OPERATOR, "land")
ALL = (Role.OPERATOR,)


def test_who_steers_an_agency_stops_it_and_sees_it_and_nothing_of_others(office):
    made = office.stop(*LAND, agency="land", what="intake", until="2026-03-02T18:00")

    assert made.status_code == 200, made.text
    shown = made.json()
    assert (shown["agency"], shown["target"], shown["what"]) == ("land", None, "intake")
    assert (shown["by"], shown["reason"]) == ("operator-land", "bảo trì")
    # Without a zone it is Việt Nam's.
    assert shown["until"] == "2026-03-02T11:00:00Z"
    assert shown["words"]["en"] == "land: intake is paused"
    assert office.ask("/pauses", *LAND).json() == {"pauses": [shown]}
    assert office.ask("/overview", *LAND).json()["pauses"] == [shown]
    assert office.ask("/pauses", Role.VIEWER, "civil").json() == {"pauses": []}


@pytest.mark.parametrize(
    ("who", "said", "status", "code"),
    [
        (LAND, {"agency": "civil", "what": "intake"}, 404, "agency.not_found"),
        (ALL, {"agency": "nobody", "what": "intake"}, 404, "agency.not_found"),
        ((Role.VIEWER,), {"agency": "land", "what": "intake"}, 403, "access.forbidden"),
        (LAND, {"target": "portal", "what": "delivery"}, 403, "access.forbidden"),
        ((Role.APPROVER,), {"target": "portal", "what": "drain"}, 403, "access.forbidden"),
        (ALL, {"what": "delivery"}, 422, "api.request"),
        (ALL, {"agency": "land", "target": "portal", "what": "drain"}, 422, "api.request"),
        (ALL, {"agency": "land", "what": "everything"}, 422, "api.request"),
        (
            ALL,
            {"agency": "land", "what": "drain", "until": "2026-03-01T00:00"},
            422,
            "pause.until_past",
        ),
    ],
)
def test_what_may_not_or_cannot_be_stopped_is_refused(office, steering, who, said, status, code):
    answer = office.stop(*who, **said)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert steering.in_force() == []


def test_a_pause_of_the_portal_is_seen_by_all_and_what_is_left_by_who_sees_all(office):
    made = office.stop(*ALL, target="portal", what="drain")

    assert made.json()["left"]["is_drained"] is True
    (seen,) = office.ask("/pauses", Role.VIEWER, "land").json()["pauses"]
    assert (seen["target"], seen["agency"], seen["left"]) == ("portal", None, None)
    refused = office.ask("/pauses/resume", *LAND, target="portal", reason="vội")
    assert refused.status_code == 403
    assert "for every agency" in refused.json()["message"]["en"]


def test_resuming_ends_all_or_only_what_is_named(office, steering):
    for what in ("intake", "delivery", "drain"):
        office.stop(*LAND, agency="land", what=what)

    some = office.ask("/pauses/resume", *LAND, agency="land", what=["drain"], reason="xong rồi")
    rest = office.ask("/pauses/resume", *LAND, agency="land", reason="xong rồi")
    none = office.ask("/pauses/resume", *LAND, agency="land", reason="xong rồi")

    assert [one["what"] for one in some.json()["ended"]] == ["drain"]
    assert [one["what"] for one in rest.json()["ended"]] == ["delivery", "intake"]
    assert none.json() == {"ended": []}
    assert steering.in_force() == []


def test_under_the_same_key_it_is_done_once(office, steering):
    first = office.stop(*LAND, agency="land", what="intake", key="k1")
    office.ask("/pauses/resume", *LAND, agency="land", reason="xong rồi")

    again = office.stop(*LAND, agency="land", what="intake", key="k1")
    other = office.stop(*LAND, agency="land", what="drain", key="k1")

    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (409, "api.key_conflict")
    assert steering.in_force() == []


def test_who_may_audit_the_agency_finds_its_pauses_and_no_others(office):
    office.stop(*LAND, agency="land", what="intake")
    office.stop(Role.OPERATOR, "civil", agency="civil", what="intake")

    rows = office.ask("/audit?event=pause.", Role.AUDITOR, "land").json()["rows"]

    assert [(row["action"], row["subject"]) for row in rows] == [("pause.made", "land")]


def test_an_agency_whose_mapping_is_gone_can_still_be_stopped(office, taken):
    taken("closed", m1="D-1")

    assert office.stop(*ALL, agency="closed", what="delivery").status_code == 200

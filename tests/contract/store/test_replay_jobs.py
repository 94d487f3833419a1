"""Bulk replay: frozen, approved by a second person, acted on once, and stopped in time."""

import json
from contextlib import suppress
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from lienthong import roles
from lienthong.access.rights import EVERY, Grant, Role
from lienthong.agencies import stamp_of
from lienthong.api.app import make_app
from lienthong.channels.port import Answer, Outcome
from lienthong.flows import replay_jobs as flow
from lienthong.flows.hints import DELIVER, hint
from lienthong.flows.replay_jobs import ReplayRunner
from lienthong.replay_states import JOB_TRANSITIONS, JobState
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import reading
from lienthong.store.replay_jobs import enter, read_job
from lienthong.store.tables import attempts, audit, messages, replay_jobs, submissions
from lienthong.store.work import begin
from schemas.errors import InputError

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
WHY = {"reason": "Cổng đã sửa"}
EVERY_PARKED = {"states": ["parked"]}


class Killed(BaseException):
    """What a process is ended with in the middle: nothing catches it."""


class Office:
    """Two people at the API, and runners."""

    def __init__(self, desk):
        self.exchange = desk.exchange
        self.desk = desk
        self.version = 1
        installation = SimpleNamespace(
            store=self.exchange.store,
            clock=self.exchange.clock,
            mappings=SimpleNamespace(get=self.mapping),
        )
        app = make_app(installation, publisher=self.exchange.broker)
        self.client = TestClient(app, raise_server_exceptions=False)
        self.asker = self.token("an", Role.OPERATOR)
        self.approver = self.token("binh", Role.APPROVER)

    def mapping(self, name):
        return SimpleNamespace(name=name, version=self.version, digest="00")

    def agency(self, name, service=None):
        agency = self.desk.agency(name, service)
        agency.mapping_stamp = stamp_of(self.mapping(name))
        return agency

    def token(self, name, *roles, agencies=EVERY):
        with begin(self.exchange.store, at=self.exchange.clock, actor="root") as work:
            some = agencies if agencies is EVERY else frozenset(agencies)
            grants = [Grant(role=role, agencies=some) for role in roles]
            return make_access_token(work, name, grants=grants, expires_at=None)

    def call(self, path, token, method="GET", key=None, **more):
        headers = {"Authorization": f"Bearer {token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.client.request(method, f"/v1/replay-jobs{path}", headers=headers, **more)

    def ask(self, selection=None, *, token=None, verb="resend", key=None, **more):
        said = {"selection": selection or EVERY_PARKED, "verb": verb} | WHY | more
        return self.call("", token or self.asker, "POST", key=key, json=said)

    def decide(self, job, *, token=None, **said):
        said = {"digest": job["digest"]} | said
        return self.call(f"/{job['id']}/approve", token or self.approver, "POST", json=said)

    def steer(self, job, how, token=None):
        return self.call(f"/{job['id']}/{how}", token or self.asker, "POST", json=WHY)

    def approved(self, selection=None, **more):
        job = self.ask(selection, **more).json()
        answer = self.decide(job)
        assert answer.status_code == 200, answer.text
        return job

    def show(self, job, token=None):
        return self.call(f"/{job['id']}", token or self.asker).json()

    def runner(self):
        return ReplayRunner(
            store=self.exchange.store,
            broker=self.exchange.broker,
            agencies=self.agency,
            clock=self.exchange.clock,
        )

    def run(self, runner=None, *, steps=10):
        runner = runner or self.runner()
        for _ in range(steps):
            runner.step()
            self.exchange.clock.tick(seconds=1)
        return runner

    def logged(self, begins):
        with reading(self.exchange.store) as connection:
            query = select(audit).where(audit.c.action.startswith(begins)).order_by(audit.c.id)
            rows = connection.execute(query).all()
        return [(row.actor, row.action, json.loads(row.detail)) for row in rows]

    def touch(self, message_id):
        """Have one message changed by somebody else."""
        with begin(self.exchange.store, at=self.exchange.clock) as work:
            change = update(messages).where(messages.c.id == message_id)
            work.connection.execute(change.values(updated_at=work.at))


@pytest.fixture
def run_until_idle(office, monkeypatch):
    """Run a process with the role that works on jobs, as long as something moves by itself."""

    def loop(_installation, stop):
        runner = office.runner()
        while not stop.wait(2 * roles.WATCH_PAUSE_SECONDS):
            runner.step()
            office.exchange.clock.tick(seconds=1)

    monkeypatch.setattr(roles, "_LOOPS", {roles.Role.REPLAY: loop})

    def run():
        with office.exchange.store.engine.begin() as connection:
            # Their messages were made without it.
            connection.execute(update(submissions).values(due_at=None))
        installation = SimpleNamespace(store=office.exchange.store)
        assert roles.Workers(installation, [roles.Role.REPLAY], Event(), until_idle=True).run()

    return run


@pytest.fixture
def office(desk):
    return Office(desk)


@pytest.fixture
def park(exchange, record, event):
    """Have so many messages refused by the portal."""

    def make(count, *, agency="land", first=1):
        exchange.portal.answers = [REJECTED] * count
        numbers = range(first, first + count)
        made = [record(n, event(f"m{n:04}", f"D-{n:04}", content=f"c{n}")) for n in numbers]
        due = exchange.take(*made, agency=agency)
        exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
        for _ in range(count):
            if exchange.portal.answers:
                exchange.step(2)
                exchange.clock.tick(seconds=1)
        exchange.clock.tick(seconds=1)
        return [f"m{n:04}" for n in numbers]

    return make


@pytest.fixture
def shelve(exchange, record, event):
    """Have many messages parked, without the portal."""

    def make(count, *, agency="land", first=1):
        numbers = range(first, first + count)
        made = [record(n, event(f"m{n:04}", f"D-{n:04}", content=f"c{n}")) for n in numbers]
        exchange.take(*made, agency=agency)
        with begin(exchange.store, at=exchange.clock) as work:
            work.connection.execute(
                update(messages)
                .where(messages.c.agency == agency)
                .values(state="parked", due_at=None)
            )
        exchange.clock.tick(seconds=1)
        return [f"m{n:04}" for n in numbers]

    return make


def states(exchange):
    return dict(exchange.states())


def test_what_one_asks_another_approves_and_every_item_cites_the_job(office, park, exchange):
    ids = park(3)
    job = office.ask().json()
    assert (job["count"], job["state"], len(job["digest"])) == (3, "asked", 64)
    office.run()
    assert set(states(exchange).values()) == {"parked"}

    assert office.decide(job).json()["state"] == "running"
    office.run()

    assert [states(exchange)[each] for each in ids] == ["ready"] * 3
    assert office.show(job)["progress"] == {
        "done": 3,
        "refused": {},
        "failed_again": 0,
        "left": 0,
        "estimate_seconds": None,
    }
    acted = [one for one in office.logged("message.ready") if one[0] == "an"]
    assert [one[2]["reason"] for one in acted] == [f"Cổng đã sửa [{job['id']}]"] * 3
    told = [(actor, action, detail["count"]) for actor, action, detail in office.logged("replay.")]
    assert told == [
        ("an", "replay.asked", 3),
        ("binh", "replay.approved", 3),
        ("lienthong", "replay.ended", 3),
    ]


def test_after_any_one_message_changed_the_approval_is_refused(office, shelve, exchange):
    ids = shelve(3)
    for changed in ids:
        job = office.ask().json()
        exchange.clock.tick(seconds=1)
        office.touch(changed)

        answer = office.decide(job)

        assert (answer.status_code, answer.json()["code"]) == (409, "replay.stale")
        assert changed in answer.json()["message"]["en"]
        assert office.show(job)["state"] == "stale"
        assert office.decide(job).json()["code"] == "replay.wrong_state"
    office.run()
    assert set(states(exchange).values()) == {"parked"}


@pytest.mark.parametrize("name", ["an", "An", "AN "])
def test_nobody_approves_what_they_asked_for_themselves(office, shelve, name):
    shelve(1)
    job = office.ask().json()
    both = office.token(name, Role.OPERATOR, Role.APPROVER)

    answer = office.decide(job, token=both)

    assert (answer.status_code, answer.json()["code"]) == (403, "replay.own")
    assert office.show(job)["state"] == "asked"


def test_an_approval_of_another_digest_is_none(office, shelve):
    shelve(1)
    job = office.ask().json()

    answer = office.decide(job, digest="0" * 64)

    assert (answer.status_code, answer.json()["code"]) == (409, "replay.digest")
    assert office.show(job)["state"] == "asked"


def test_only_messages_of_ones_own_agencies_are_frozen_seen_and_approved(office, shelve):
    shelve(2)
    shelve(3, agency="health", first=10)
    of_land = office.token("chi", Role.OPERATOR, agencies=["land"])
    approves_land = office.token("dung", Role.APPROVER, agencies=["land"])
    sees_both = office.token("em", Role.VIEWER)

    mine = office.ask(token=of_land).json()
    both = office.ask().json()

    assert (mine["count"], mine["agencies"]) == (2, ["land"])
    assert (both["count"], both["agencies"]) == (5, ["health", "land"])
    seen = office.call("", of_land).json()["jobs"]
    assert [each["id"] for each in seen] == [mine["id"]]
    for path in (f"/{both['id']}", f"/{both['id']}/items"):
        assert office.call(path, of_land).json()["code"] == "replay.not_found"
    assert office.decide(both, token=approves_land).status_code == 404
    assert office.steer(both, "cancel", of_land).status_code == 404
    assert office.decide(mine, token=sees_both).status_code == 403
    assert office.steer(mine, "cancel", sees_both).status_code == 403
    assert office.ask(token=sees_both).status_code == 403
    assert office.ask({"states": ["parked"], "agency": "health"}, token=of_land).status_code == 422
    assert office.decide(mine, token=approves_land).status_code == 200


@pytest.mark.parametrize(
    ("selection", "code"),
    [
        ({"states": ["quarantined"]}, "replay.nothing"),
        ({"states": ["delivered"]}, "replay.states"),
        ({"agency": "land"}, "replay.states"),
        ({"ids": ["nobody"]}, "replay.nothing"),
    ],
)
def test_what_selects_nothing_or_leaves_it_open_is_refused(office, shelve, selection, code):
    shelve(1)

    answer = office.ask(selection)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert office.call("", office.asker).json()["jobs"] == []


def test_asking_twice_under_one_key_makes_one_job(office, shelve):
    shelve(1)

    answers = [office.ask(key="k-1").json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(office.call("", office.asker).json()["jobs"]) == 1


def test_an_item_that_changed_since_is_refused_and_not_touched(office, shelve, exchange):
    shelve(3)
    job = office.approved()
    exchange.clock.tick(seconds=1)
    exchange.act("discard", "m0002")

    office.run()

    assert states(exchange) == {"m0001": "ready", "m0002": "discarded", "m0003": "ready"}
    shown = office.show(job)
    assert shown["state"] == "done"
    assert shown["progress"]["refused"] == {"replay.changed": 1}


def test_a_job_goes_at_its_rate_and_rests_and_ends_at_a_word(office, shelve, exchange):
    shelve(30)
    job = office.approved(rate=2)
    runner = office.run(steps=3)
    assert office.show(job)["progress"]["done"] == 6

    assert office.steer(job, "pause").json()["state"] == "paused"
    office.run(runner, steps=3)
    assert office.show(job)["progress"]["done"] == 6

    assert office.steer(job, "resume").json()["state"] == "running"
    office.run(runner, steps=2)
    running = office.show(job)["progress"]
    assert (running["done"], running["left"], running["estimate_seconds"]) == (10, 20, 10)

    assert office.steer(job, "cancel").json()["state"] == "cancelled"
    office.run(runner, steps=3)
    assert office.show(job)["progress"]["left"] == 20
    assert list(states(exchange).values()).count("parked") == 20
    assert office.steer(job, "resume").status_code == 409


def test_pausing_between_reading_a_part_and_acting_on_it_does_nothing_of_it(
    office, shelve, exchange, monkeypatch
):
    shelve(3)
    job = office.approved()
    usual = flow.next_items

    def then_paused(connection, *given, **named):
        found = usual(connection, *given, **named)
        connection.rollback()
        monkeypatch.setattr(flow, "next_items", usual)
        assert office.steer(job, "pause").json()["state"] == "paused"
        return found

    monkeypatch.setattr(flow, "next_items", then_paused)
    office.runner().step()

    assert set(states(exchange).values()) == {"parked"}


def test_a_clock_that_was_set_back_stops_no_job(office, shelve, exchange):
    shelve(4)
    job = office.approved(verb="discard", rate=1)
    exchange.clock.jump(days=30)
    runner = office.run(steps=2)
    exchange.clock.jump(days=-30)

    office.run(runner, steps=4)

    assert office.show(job)["state"] == "done"


def test_a_job_whose_messages_fail_again_stops_and_says_why(office, shelve, exchange):
    shelve(60)
    job = office.approved(rate=25, stop_percent=20)
    runner = office.run(steps=1)
    exchange.portal.answers = [REJECTED] * 25
    for _ in range(12):
        exchange.step(2)
        exchange.clock.tick(seconds=1)

    office.run(runner, steps=4)

    shown = office.show(job)
    assert shown["state"] == "stopped"
    assert "of the last 25 failed" in shown["why"]
    assert "trong 25 thông điệp gần nhất bị lỗi, quá mức 20 %" in shown["why_words"]["vi"]
    assert shown["why_words"]["en"] == shown["why"]
    assert shown["progress"]["failed_again"] > 5
    assert shown["progress"]["left"] == 35
    items = office.call(f"/{job['id']}/items?limit=500", office.asker).json()["items"]
    assert sum(each["failed_again"] for each in items) == shown["progress"]["failed_again"]
    assert not any(each["failed_again"] for each in items if each["outcome"] is None)

    assert office.steer(job, "resume").json()["state"] == "running"
    office.run(runner)
    assert office.show(job)["state"] == "done"


def test_what_a_job_did_names_it_to_who_sees_every_agency_in_it(office, shelve):
    shelve(1)
    shelve(1, agency="health", first=2)
    job = office.approved()
    office.run()
    of_land = office.token("chi", Role.VIEWER, agencies=["land"])

    def named(path, rows, token):
        found = office.client.get(f"/v1/{path}", headers={"Authorization": f"Bearer {token}"})
        return {one["job"] for one in found.json()[rows]} - {None}

    for path, rows in (("dossiers/D-0001", "steps"), ("messages/m0001", "history")):
        assert named(path, rows, office.asker) == {job["id"]}
        assert named(path, rows, of_land) == set()


def test_fewer_than_twenty_refused_stop_nothing(office, shelve, exchange):
    ids = shelve(19)
    job = office.approved()
    exchange.clock.tick(seconds=1)
    for each in ids:
        office.touch(each)

    office.run()

    shown = office.show(job)
    assert (shown["state"], shown["progress"]["refused"]) == ("done", {"replay.changed": 19})


def test_what_waits_behind_what_is_discarded_with_it_never_goes(office, exchange, record, event):
    exchange.take(record(1, event("m1")), record(2, event("m2", content="b")))
    assert set(states(exchange).values()) == {"ready", "held"}

    office.approved({"states": ["ready", "held"]}, verb="discard")
    office.run()

    assert set(states(exchange).values()) == {"discarded"}
    assert readied(exchange) == []


@pytest.mark.parametrize("moment", ["keep_outcomes", "hint_due", "next_items"])
def test_two_runners_that_are_killed_again_and_again_do_each_item_once(
    office, shelve, exchange, monkeypatch, moment
):
    ids = shelve(1_000)
    documents = documents_of(exchange)
    job = office.approved(rate=1_000, stop_percent=100)
    usual = getattr(flow, moment)
    calls = []

    def killed(*given, **named):
        result = usual(*given, **named)
        calls.append(1)
        if len(calls) % 3 == 0:
            raise Killed
        return result

    monkeypatch.setattr(flow, moment, killed)
    for turn in range(200):
        runners = [office.runner(), office.runner()]
        # One that is killed lets nothing go: its lease must end.
        for runner in runners:
            with suppress(Killed):
                runner.step()
                runner.step()
        exchange.clock.tick(minutes=6)
        if turn % 3 == 0 and office.show(job)["state"] == "done":
            break

    assert office.show(job)["state"] == "done"
    assert office.show(job)["progress"]["done"] == 1_000
    assert sorted(readied(exchange)) == ids
    assert documents_of(exchange) == documents


def documents_of(exchange):
    with reading(exchange.store) as connection:
        query = select(messages.c.id, messages.c.document, messages.c.document_digest)
        return connection.execute(query.order_by(messages.c.id)).all()


def first_attempts(exchange):
    with reading(exchange.store) as connection:
        query = select(attempts).where(attempts.c.number == 1).order_by(attempts.c.message_id)
        return connection.execute(query).all()


def readied(exchange):
    """Return the subjects of what was let go in the asker's name, as often as it was."""
    with reading(exchange.store) as connection:
        query = select(audit.c.subject).where(
            audit.c.action == "message.ready", audit.c.actor == "an"
        )
        return list(connection.execute(query).scalars())


def test_two_runners_at_the_same_time_do_each_item_once(office, shelve, exchange):
    ids = shelve(1_000)
    job = office.approved(rate=1_000)

    def work():
        runner = office.runner()
        for _ in range(30):
            runner.step()
            exchange.clock.tick(seconds=1)

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert office.show(job)["state"] == "done"
    assert sorted(readied(exchange)) == ids


def test_the_first_attempts_of_what_is_replayed_stay_as_they_were(office, park, exchange):
    park(3)
    before, documents = first_attempts(exchange), documents_of(exchange)
    assert [row.outcome for row in before] == ["rejected"] * 3
    office.approved()

    office.run()
    exchange.step(4)

    assert (first_attempts(exchange), documents_of(exchange)) == (before, documents)
    assert set(states(exchange).values()) == {"delivered"}


def test_a_job_of_nobody_is_not_looked_for_with_a_writing_transaction(office, monkeypatch):
    def fail(*_given, **_named):
        raise AssertionError("it wrote")

    monkeypatch.setattr(flow, "begin", fail)

    assert office.runner().step() > 0


def test_every_pair_of_states_of_a_job_is_allowed_or_refused(office, shelve, exchange):
    shelve(1)
    job = office.ask().json()
    for old in JobState:
        for new in JobState:
            with begin(exchange.store, at=exchange.clock) as work:
                work.connection.execute(update(replay_jobs).values(state=old.value))
                found = read_job(work.connection, job["id"])
                if new in JOB_TRANSITIONS[old]:
                    enter(work, found, new, note="replay.tried")
                    assert read_job(work.connection, job["id"]).state is new
                else:
                    with pytest.raises(InputError):
                        enter(work, found, new, note="replay.tried")


@pytest.fixture
def received(desk, exchange):
    """Have three records of a file parked, which are there to be read again."""
    desk.receive("D-1,a", "D-2,a", "D-3,a")
    desk.run()
    with begin(exchange.store, at=exchange.clock) as work:
        work.connection.execute(update(messages).values(state="parked", due_at=None))


def test_a_reissue_goes_by_the_mapping_that_was_approved(office, received, exchange):
    stale = office.ask(verb="reissue").json()
    assert stale["mappings"] == {"land": "land@1 sha256:00"}
    office.version = 2

    answer = office.decide(stale)

    assert (answer.status_code, answer.json()["code"]) == (409, "replay.stale")
    assert "other mappings: land" in answer.json()["message"]["en"]
    late = office.approved(verb="reissue")
    office.version = 3
    office.run()
    assert office.show(late)["progress"]["refused"] == {"replay.mapping_changed": 3}
    assert set(states(exchange).values()) == {"parked"}

    job = office.approved(verb="reissue")
    office.run()

    assert office.show(job)["progress"]["done"] == 3
    items = office.call(f"/{job['id']}/items", office.asker).json()["items"]
    assert [states(exchange)[each["message"]] for each in items] == ["reissued"] * 3
    assert [states(exchange)[each["new_id"]] for each in items] == ["ready"] * 3


def test_a_page_of_items_goes_on_where_the_one_before_ended(office, shelve):
    ids = shelve(5)
    job = office.ask().json()
    seen, after = [], 0
    for _ in range(3):
        page = office.call(f"/{job['id']}/items?limit=2&after={after}", office.asker).json()
        seen += [each["message"] for each in page["items"]]
        after = page["next"]

    assert (seen, after) == (ids, None)


def test_declining_and_cancelling_end_what_was_asked_for(office, shelve, exchange):
    shelve(1)
    declined, cancelled = office.ask().json(), office.ask().json()

    assert office.steer(declined, "decline", office.approver).json()["state"] == "declined"
    assert office.steer(cancelled, "cancel").json()["state"] == "cancelled"

    for job in (declined, cancelled):
        assert office.decide(job).json()["code"] == "replay.wrong_state"
    assert office.steer(office.ask().json(), "resume").json()["code"] == "replay.wrong_state"
    assert set(states(exchange).values()) == {"parked"}


def test_a_run_until_idle_waits_for_the_end_of_a_job(office, park, run_until_idle):
    park(4)
    job = office.approved(verb="discard", rate=1)

    run_until_idle()

    found = office.show(job)
    assert (found["state"], found["progress"]["done"]) == ("done", 4)


def test_a_run_until_idle_waits_for_no_job_that_waits_for_somebody(office, park, run_until_idle):
    park(4)
    job = office.approved(verb="discard", rate=1)
    office.steer(job, "pause")

    run_until_idle()

    assert office.show(job)["state"] == "paused"

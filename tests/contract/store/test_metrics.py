"""What is told to whoever watches: the store's own numbers, nobody's data, whatever happens."""

import re
from datetime import timedelta
from importlib.metadata import version
from threading import Event

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event as events
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.evidence.stamps import StampRules
from lienthong.keyring import Keyring
from lienthong.metrics import gate as gates
from lienthong.metrics.gate import Gate
from lienthong.metrics.measures import read_measures
from lienthong.metrics.page import MetricsPage
from lienthong.metrics.serving import watching_routes
from lienthong.metrics.watch import Watch
from lienthong.pacing import Pace, PaceState
from lienthong.settings import Settings
from lienthong.store.access_tokens import KIND, make_access_token, revoke_access_token
from lienthong.store.database import reading
from lienthong.store.paces import write_pace
from lienthong.store.tables import messages
from lienthong.store.tokens import id_in
from lienthong.store.versions import CURRENT
from lienthong.store.work import begin
from lienthong.tallies import TALLIES
from lienthong.web.standing import Standing

SECRET = "Nguyễn Văn Bí Mật"
RULES = StampRules(
    every=timedelta(hours=1), warn_after=timedelta(hours=2), within=timedelta(hours=24)
)
HERE = ("127.0.0.1", 50_000)


class Steady:
    now = 1_000.0

    def __call__(self):
        return self.now


class Site:
    """The page of an installation, and what it says."""

    def __init__(self, exchange, folder):
        self.exchange = exchange
        self.is_away = False
        self.steady = Steady()
        self.installation = SiteInstallation(self, folder)
        self.watch = Watch(self.installation, stamps=RULES, steady=self.steady)

    def client(self, *, is_open=True, client=HERE, **more):
        gate = Gate(self.installation, open_to_loopback=is_open, steady=self.steady)
        page = MetricsPage(gate, self.watch, **more)
        standing = Standing(dict, needs=())
        app = Starlette(routes=list(watching_routes(standing, page)))
        return TestClient(app, base_url="http://127.0.0.1:8590", client=client)

    def scrape(self):
        self.steady.now += 60
        answer = self.client().get("/metrics")
        assert answer.status_code == 200
        return Told(answer.text)

    def token(self, role=Role.VIEWER, agencies=EVERY):
        with begin(self.exchange.store, at=self.exchange.clock, actor="root") as work:
            grants = [Grant(role=role, agencies=agencies)]
            return make_access_token(work, "prometheus", grants=grants, expires_at=None)


class SiteInstallation:
    settings = Settings()

    def __init__(self, site, folder):
        self.site = site
        self.clock = site.exchange.clock
        self.keyring = Keyring(folder, may_make_development_keys=False, clock=self.clock)

    @property
    def store(self):
        if self.site.is_away:
            raise OperationalError("SELECT 1", {}, Exception("no route to host"))
        return self.site.exchange.store


class Told:
    """A page, read by Prometheus's own parser."""

    def __init__(self, text):
        self.text = text
        self.samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __getitem__(self, name):
        """Return the values of one metric by the values of its labels, in the labels' order."""
        return {
            tuple(value for _, value in labels): value
            for (found, *labels), value in self.samples.items()
            if found == name
        }


@pytest.fixture
def site(exchange, tmp_path):
    return Site(exchange, tmp_path / "keys")


def test_it_says_what_the_store_says(site, desk, clock):
    exchange = site.exchange
    exchange.portal.answers += [
        Answer(outcome=Outcome.DELIVERED),
        Answer(outcome=Outcome.REJECTED, code="-1"),
        Answer(outcome=Outcome.UNKNOWN),
    ]
    desk.receive("H1,a", "H2,b", "H3,c")
    desk.run()
    before = TALLIES.seen()
    exchange.step()
    received_at = clock()
    desk.receive("H1,d", "H9,e", agency="health")
    waiting_since = clock()
    told = site.scrape()

    up = ("land", "up")
    assert told["lienthong_up"] == {(): 1}
    assert told["lienthong_messages"] == {
        (*up, "delivered"): 1,
        (*up, "parked"): 1,
        (*up, "unknown"): 1,
    }
    assert told["lienthong_backlog_messages"] == {up: 1}
    assert set(told["lienthong_oldest_message_timestamp_seconds"]) == {
        (*up, "parked"),
        (*up, "unknown"),
    }
    assert told["lienthong_submissions_received_total"] == {up: 1, ("health", "up"): 1}
    assert told["lienthong_submissions_waiting"] == {("health", "up"): 1}
    assert told["lienthong_submissions_held"] == {("health", "up"): 0}
    assert told["lienthong_oldest_submission_timestamp_seconds"] == {
        ("health", "up"): waiting_since.timestamp()
    }
    assert told["lienthong_receipts_waiting"] == {(): 2}
    assert told["lienthong_audit_unsealed_rows"][()] == told["lienthong_audit_rows_total"][()] > 5
    assert told["lienthong_audit_oldest_unsealed_timestamp_seconds"][()] < received_at.timestamp()
    assert told["lienthong_audit_seals_total"] == {(): 0}
    assert told["lienthong_alarms_open"] == told["lienthong_drifts_open"] == {(): 0}
    after = TALLIES.seen()
    brought = {tuple(one): count for one, count in (after.attempts - before.attempts).items()}
    assert brought == {
        ("up", "send", "delivered"): 1,
        ("up", "send", "rejected"): 1,
        ("up", "send", "unknown"): 1,
    }
    counted = told["lienthong_attempts_total"]
    assert counted == {tuple(one): count for one, count in after.attempts.items()}
    calls = ("up", "call")
    assert told["lienthong_stage_seconds_count"][calls] == sum(
        count for (direction, *_), count in counted.items() if direction == "up"
    )


def test_stages_are_timed_and_retries_counted(site, desk, clock):
    before = TALLIES.seen()
    site.exchange.portal.answers += [Answer(outcome=Outcome.UNKNOWN)]
    site.exchange.portal.look_ups += [LookUp(found=Found.ABSENT)] * 9
    desk.receive("H1,a")
    clock.tick(seconds=7)
    desk.run()
    for _ in range(60):
        site.exchange.step()
        clock.tick(seconds=60)
    after = TALLIES.seen()

    assert site.exchange.states() == [("m0001", "delivered")]
    assert after.retries["up"] - before.retries["up"] == 1

    def grown(stage):
        both = [
            {name.value: timing for (way, name), timing in seen.timings.items() if way == "up"}
            for seen in (before, after)
        ]
        old = both[0].get(stage)
        total, count = both[1][stage].total, sum(both[1][stage].counts)
        return total - (old.total if old else 0), count - (sum(old.counts) if old else 0)

    assert grown("expand") == (pytest.approx(7), 1)
    assert grown("first_attempt")[1] == 1
    seconds, count = grown("deliver")
    assert (count, seconds > 60) == (1, True)


def test_a_deadline_is_told_until_its_dossier_is_delivered(site, exchange, record, event, clock):
    for number, (code, hours) in enumerate(
        [("D-1", -1), ("D-2", 3), ("D-3", 30), ("D-4", -5)], start=1
    ):
        exchange.take(record(1, event(f"m{number}", code)))
        with begin(exchange.store, at=clock) as work:
            late = {"deadline": clock() + timedelta(hours=hours)}
            which = messages.c.id == f"m{number}"
            work.connection.execute(update(messages).where(which).values(**late))
            if code == "D-4":
                ended = {"state": "delivered", "due_at": None}
                work.connection.execute(update(messages).where(which).values(**ended))

    told = site.scrape()

    assert told["lienthong_dossiers_overdue"] == {("land",): 1}
    assert told["lienthong_dossiers_due_soon"] == {("land",): 1}
    assert told["lienthong_due_messages"] == {("portal",): 3, ("agencies",): 0}


def test_the_pace_of_each_worker_is_told(site, exchange, clock):
    state = PaceState(pace=Pace.OPEN, until=None, allowed=0, is_suspect=False)
    with begin(exchange.store, at=clock) as work:
        write_pace(work, 'host"1\n:7', state, delivered=12)

    told = site.scrape()

    worker = 'host"1\n:7'
    paces = told["lienthong_worker_pace"]
    assert {pace for (pace, _), value in paces.items() if value} == {"open"}
    assert told["lienthong_worker_delivered_recently"] == {(worker,): 12}


def test_nothing_of_a_dossier_is_told(site, desk):
    site.exchange.portal.answers += [
        Answer(outcome=Outcome.REJECTED, code=SECRET, message=SECRET, raw=SECRET.encode())
    ]
    desk.receive(f"079200001234,{SECRET}", "H-000-2,b", key="key-of-a-hand-over")
    desk.run()
    site.exchange.step(rounds=3)

    text = site.scrape().text

    for secret in (SECRET, "079200001234", "H-000-2", "key-of-a-hand-over", "a.csv", "m0001"):
        assert secret not in text


HOSTILE = 'x"} 1\nlienthong_up 7\\n{a="\u2028é'


def test_a_hostile_name_stays_a_value_of_its_label(site, exchange, record, event):
    exchange.take(record(1, event("m1")), agency=HOSTILE)

    told = site.scrape()

    assert told["lienthong_messages"] == {(HOSTILE, "up", "ready"): 1}
    assert told["lienthong_up"] == {(): 1}
    assert "\nlienthong_up 7" not in told.text


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=1.0.0", "text/plain"])
def test_both_forms_are_spoken(site, accept):
    answer = site.client().get("/metrics", headers={"Accept": accept})

    assert answer.headers["Content-Type"].startswith(accept.partition(";")[0])
    assert answer.text.endswith("# EOF\n") is accept.startswith("application")
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_its_store_it_says_so_and_what_it_knew(site, exchange, record, event):
    exchange.take(record(1, event("m1")))
    site.is_away = True
    never = site.scrape()
    site.is_away = False
    known = site.scrape()
    site.is_away = True
    told = site.scrape()

    assert never["lienthong_up"] == told["lienthong_up"] == {(): 0}
    assert "lienthong_messages" not in never.text
    assert never["lienthong_role_turned_timestamp_seconds"] is not None
    assert told["lienthong_messages"] == known["lienthong_messages"] == {("land", "up", "ready"): 1}


def test_a_store_that_hangs_keeps_nobody_waiting(site):
    over = Event()
    site.scrape()
    site.watch.look = lambda: over.wait(60)
    client = site.client(patience_seconds=0.05)
    for _ in range(4):
        answer = client.get("/metrics")
        assert (answer.status_code, Told(answer.text)["lienthong_up"]) == (200, {(): 0})
    over.set()


def test_many_scrapes_are_one_look_at_the_store(site, exchange):
    asked = []
    events.listen(exchange.store.engine, "begin", asked.append)
    client = site.client()
    for _ in range(10):
        client.get("/metrics")
        site.steady.now += 0.1

    assert len(asked) == 1


class TestWhoMaySeeIt:
    """A token that may view every agency, or this machine where the settings say so."""

    def asked(self, site, token=None, is_open=False, client=HERE, **headers):
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = site.client(is_open=is_open, client=client).get("/metrics", headers=named)
        if answer.status_code != 200:
            assert "lienthong_" not in answer.text
            assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code

    def test_by_token(self, site):
        assert self.asked(site) == 401
        assert self.asked(site, "nonsense") == 401
        assert self.asked(site, site.token()) == 200
        assert self.asked(site, site.token(Role.AUDITOR)) == 200
        assert self.asked(site, site.token(agencies=frozenset({"land"}))) == 403
        assert self.asked(site, site.token(Role.ADMINISTRATOR)) == 403

    def test_a_machine_that_may_ask_without(self, site):
        assert self.asked(site, is_open=True) == 200
        assert self.asked(site, is_open=True, client=("::1", 1)) == 200
        assert self.asked(site, is_open=True, client=("10.0.0.7", 1)) == 401
        assert self.asked(site, is_open=True, X_Forwarded_For="10.0.0.7") == 401
        assert self.asked(site, is_open=True, Forwarded="for=10.0.0.7") == 401
        assert self.asked(site, is_open=True, Host="lienthong.example") == 401
        assert self.asked(site, is_open=True, Host="[::1") == 401

    def test_a_token_that_was_good_is_good_while_the_store_is_away(self, site):
        token, other = site.token(), site.token()
        gate = Gate(site.installation, open_to_loopback=False, steady=site.steady)
        gate.check(token)
        site.is_away = True
        gate.check(token)
        with pytest.raises(gates.Refused) as refused:
            gate.check(other)
        assert refused.value.status == 503
        site.steady.now += gates.KNOWN_SECONDS + 1
        with pytest.raises(gates.Refused):
            gate.check(token)

    def test_a_token_that_was_revoked_is_not_remembered(self, site):
        token = site.token()
        gate = Gate(site.installation, open_to_loopback=False, steady=site.steady)
        gate.check(token)
        with begin(site.exchange.store, at=site.exchange.clock, actor="root") as work:
            revoke_access_token(work, id_in(token, kind=KIND))
        with pytest.raises(gates.Refused):
            gate.check(token)
        site.is_away = True
        with pytest.raises(gates.Refused):
            gate.check(token)


_WHOLE = re.compile(r"SCAN (?:messages|dossiers|submissions|attempts|repeats|audit)\b(?! USING)")


def test_no_look_reads_what_has_ended(site, exchange, desk):
    if exchange.store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by what stands in its tables")
    desk.receive("H1,a", "H2,b")
    desk.run()
    asked = {}

    def note(_connection, _cursor, statement, parameters, _context, _many):
        asked[statement] = parameters

    events.listen(exchange.store.engine, "before_cursor_execute", note)
    with reading(exchange.store) as connection:
        read_measures(connection, now=exchange.clock() + timedelta(days=9_999), stamps=None)
        events.remove(exchange.store.engine, "before_cursor_execute", note)
        plans = {
            statement: [
                row.detail
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
            for statement, parameters in asked.items()
            if statement.startswith("SELECT")
        }

    assert len(plans) > 10
    assert {
        statement: plan for statement, plan in plans.items() if _WHOLE.search(" ".join(plan))
    } == {}


def test_what_runs_is_told(site):
    (labels,) = site.scrape()["lienthong_build_info"]

    assert CURRENT in labels
    assert version("lienthong") in labels

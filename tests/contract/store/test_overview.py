"""What the first page and the overview say: whether messages flow, what waits, since when."""

import re
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Principal, Role
from lienthong.api.app import make_app
from lienthong.channels.port import Answer, Outcome, Packet
from lienthong.flowing import Flowing
from lienthong.flows.hints import DELIVER, hint
from lienthong.operations.deadlines import see_deadlines
from lienthong.operations.flow_watch import FlowWatch
from lienthong.operations.overview import see_overview
from lienthong.pacing import Pace, PaceState
from lienthong.pauses import TARGET, What
from lienthong.states import State
from lienthong.store.access_tokens import make_access_token
from lienthong.store.paces import write_pace
from lienthong.store.pauses import make_pause
from lienthong.store.tables import messages, submissions
from lienthong.store.work import begin
from tests.contract.store.accounts_site import Accounts
from tests.contract.store.test_console import Browser

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")


class Site:
    """An installation with messages, and what is seen of it."""

    def __init__(self, exchange, record, event):
        self.exchange, self.record, self.event = exchange, record, event
        self.steady = 0.0
        self.accounts = Accounts(exchange.store, exchange.clock, totp_required=False)
        self.watch = FlowWatch(
            self.accounts.installation, fresh=0, patience=60, steady=lambda: self.steady
        )
        self.made = 0

    def send(self, dossier, *, agency="land", answer=None, deliver=True, **more):
        """Have a message taken in, and answered by the portal; return its id."""
        self.made += 1
        message_id = f"m{self.made:03}"
        made = self.event(message_id, dossier, content=message_id, **more)
        due = self.exchange.take(self.record(1, made), agency=agency)
        with begin(self.exchange.store, at=self.exchange.clock) as work:
            read = {"state": "expanded", "due_at": None}
            work.connection.execute(update(submissions).values(**read))
        if deliver:
            self.exchange.portal.answers = [answer] if answer else []
            clock = self.exchange.clock
            self.exchange.broker.publish(DELIVER, [hint(code, at=clock()) for code in due])
            self.exchange.step(2)
        return message_id

    def set(self, message_id, **values):
        with begin(self.exchange.store, at=self.exchange.clock) as work:
            which = update(messages).where(messages.c.id == message_id)
            work.connection.execute(which.values(**values))

    def pace(self, pace):
        """Have a worker say how it delivers."""
        state = PaceState(pace=pace, until=None, allowed=1, is_suspect=False)
        with begin(self.exchange.store, at=self.exchange.clock) as work:
            write_pace(work, "host:1", state, delivered=3)

    def pause(self, subject, what):
        with begin(self.exchange.store, at=self.exchange.clock, actor="an") as work:
            make_pause(work, subject, what, reason="bảo trì", until=None)

    def see(self, agencies=EVERY):
        self.steady += 60
        return see_overview(self.watch, viewer(agencies))

    def one(self, agency="land", direction="up"):
        found = self.see().agencies
        return next(one for one in found if (one.agency, one.direction) == (agency, direction))


def viewer(agencies=EVERY):
    some = agencies if agencies is EVERY else frozenset(agencies)
    return Principal(name="an", grants=(Grant(role=Role.VIEWER, agencies=some),))


@pytest.fixture
def site(exchange, record, event):
    return Site(exchange, record, event)


def test_an_agency_is_quiet_flows_stalls_and_stands_as_the_rules_say(site, clock):
    site.pace(Pace.CLOSED)
    site.send("D-1")
    assert site.one().flow is Flowing.FLOWING

    clock.tick(minutes=30)
    site.pace(Pace.CLOSED)
    assert site.one().flow is Flowing.QUIET

    site.send("D-2", deliver=False)
    assert site.one().flow is Flowing.FLOWING
    clock.tick(minutes=10)
    site.pace(Pace.CLOSED)
    stalled = site.one()
    assert stalled.flow is Flowing.STALLED
    assert stalled.flow_since < clock() - timedelta(minutes=30)
    assert stalled.words.en == "messages wait, and nothing was delivered for long"

    clock.tick(minutes=5)
    assert site.one().flow is Flowing.UNATTENDED
    site.pace(Pace.OPEN)
    assert site.one().flow is Flowing.RESTING

    site.set("m002", state="parked", due_at=None)
    assert site.one().flow is Flowing.STANDING


@pytest.mark.parametrize("subject", ["land", TARGET])
def test_what_a_person_paused_is_paused(site, subject):
    site.send("D-1", agency="land")
    site.send("D-2", agency="health")
    site.pause(subject, What.DELIVERY)

    flows = {one.agency: one.flow for one in site.see().agencies}

    others = Flowing.PAUSED if subject == TARGET else Flowing.FLOWING
    assert flows == {"land": Flowing.PAUSED, "health": others}


def test_each_direction_stands_for_itself_and_a_pause_of_the_portal_is_none_of_an_agency(site):
    site.send("D-1")
    site.send("D-2", packet=Packet.INBOUND, deliver=False)
    site.pause(TARGET, What.DRAIN)

    seen = [(one.agency, one.direction, one.flow, one.backlog) for one in site.see().agencies]

    assert seen == [
        ("land", "up", Flowing.PAUSED, 0),
        ("land", "down", Flowing.FLOWING, 1),
    ]


def test_what_was_delivered_in_the_last_hour_is_told_in_five_minutes_each(site, clock):
    clock.tick(seconds=30)
    for number, minutes in enumerate((0, 20, 31, 7, 1)):
        clock.tick(minutes=minutes)
        site.send(f"D-{number}")
    site.send("D-9", answer=REJECTED)

    told = site.one()

    # Sixty minutes end with this one: the first, of an hour ago all but a minute, is among them.
    assert told.delivered == [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2]
    assert told.delivered_last_hour == 5
    clock.tick(minutes=1)
    assert site.one().delivered_last_hour == 4
    clock.tick(hours=2)
    assert site.one().delivered == [0] * 12


def test_a_delivery_that_is_written_down_late_is_counted_at_the_next_look(site, clock):
    site.send("D-1")
    assert site.one().delivered_last_hour == 1
    begun = clock()
    clock.tick(seconds=70)
    assert site.one().delivered_last_hour == 1
    # Its transaction began before the look, and ended after it.
    late = site.send("D-2")
    site.set(late, updated_at=begun)

    assert site.one().delivered_last_hour == 2


def test_what_waits_is_counted_with_the_oldest_of_it_and_what_ended_is_not(site, clock):
    site.send("D-1")
    clock.tick(minutes=1)
    began = clock()
    oldest = site.send("D-2", answer=REJECTED)
    clock.tick(minutes=1)
    site.send("D-2", packet=Packet.PROGRESS, deliver=False)
    site.send("D-3", deliver=False)
    rejected = site.send("D-4", deliver=False)
    site.set(rejected, state="rejected", due_at=None)

    told = site.one()

    assert told.states == {State.PARKED: 1, State.HELD: 1, State.READY: 1, State.REJECTED: 1}
    assert (told.waiting, told.backlog, told.needs_somebody) == (3, 1, 2)
    assert (told.oldest_at, told.oldest_message) == (began, oldest)
    assert told.submissions == 5
    # One in ten minutes was delivered, and one waits.
    assert told.estimate_seconds == 600


def test_a_backlog_without_a_delivery_has_no_end_in_sight(site):
    site.send("D-1", deliver=False)

    assert (site.one().backlog, site.one().estimate_seconds) == (1, None)


def test_dossiers_at_risk_are_counted_and_listed_once_each(site, clock):
    for dossier, hours in [("D-1", -1), ("D-2", 3), ("D-3", 30), ("D-4", -5), ("D-5", -2)]:
        message_id = site.send(dossier, deliver=False)
        site.set(message_id, deadline=clock() + timedelta(hours=hours))
    second = site.send("D-1", deliver=False)
    site.set(second, deadline=clock() - timedelta(hours=3))
    site.set("m004", state="delivered", due_at=None)
    site.set("m005", state="parked", due_at=None, reason="refused by the portal")
    other = site.send("D-9", agency="health", deliver=False)
    site.set(other, deadline=clock() - timedelta(days=1))

    told = site.one()
    assert (told.overdue, told.due_soon) == (2, 1)

    installation = site.accounts.installation
    listed = see_deadlines(installation, viewer(["land"]))
    assert [(one.dossier, one.is_past, one.waiting, one.message) for one in listed.deadlines] == [
        ("D-1", True, 2, "m001"),
        ("D-5", True, 1, "m005"),
        ("D-2", False, 1, "m002"),
    ]
    assert listed.deadlines[1].state is State.PARKED
    assert listed.deadlines[1].reason.vi == "Cổng từ chối"
    assert see_deadlines(installation, viewer(["land"]), agency="health").deadlines == []
    everywhere = see_deadlines(installation, viewer(), limit=1)
    assert ([one.dossier for one in everywhere.deadlines], everywhere.is_all) == (["D-9"], False)


def test_failures_are_of_today_in_viet_nam(site, clock):
    site.send("D-1", answer=REJECTED)
    site.send("D-2", answer=REJECTED)
    site.send("D-3")
    assert site.one().failures_today == 2

    # It is 15:00 in Việt Nam: nine hours until tomorrow.
    clock.tick(hours=8, minutes=58)
    assert site.one().failures_today == 2
    clock.tick(minutes=2)
    site.send("D-4", agency="health", answer=REJECTED)
    assert (site.one().failures_today, site.one("health").failures_today) == (0, 1)


def test_what_needs_a_person_soonest_comes_first(site, clock):
    site.pace(Pace.CLOSED)
    for agency in ("a-stalled", "b-flows", "c-parked", "d-late"):
        site.send(f"D-{agency}", agency=agency, deliver=agency == "b-flows")
    site.set("m003", state="parked", due_at=None)
    clock.tick(minutes=20)
    site.pace(Pace.CLOSED)
    late = site.send("D-late", agency="d-late", deliver=False)
    site.set("m004", state="delivered", due_at=None)
    site.set(late, deadline=clock())
    now = site.send("D-now", agency="b-flows", deliver=False)
    site.set(now, state="delivered", due_at=None)

    order = [one.agency for one in site.see().agencies]

    assert order == ["a-stalled", "d-late", "c-parked", "b-flows"]


def test_whoever_sees_one_agency_sees_its_numbers_and_no_others(site):
    site.pace(Pace.CLOSED)
    site.send("D-1", answer=REJECTED)
    site.send("D-2", agency="health", deliver=False)

    whole, part = site.see(), site.see(["land"])

    assert {one.agency for one in whole.agencies} == {"land", "health"}
    assert (whole.backlog, whole.per_minute) == (1, 0.6)
    assert "host:1" in {one.worker for one in whole.workers}
    assert whole.failures_today == 0
    assert [one.agency for one in part.agencies] == ["land"]
    of_all = (part.backlog, part.backlog_to_agencies, part.per_minute, part.estimate_seconds)
    assert (*of_all, part.failures_today, part.workers) == (None,) * 5 + ([],)


def test_the_api_says_the_same_and_lists_what_is_at_risk(site, clock):
    late = site.send("D-1", deliver=False)
    site.set(late, deadline=clock())
    installation = site.accounts.installation
    client = TestClient(make_app(installation, publisher=None, flow=site.watch))
    with begin(site.exchange.store, at=clock, actor="root") as work:
        token = make_access_token(work, "an", grants=viewer().grants, expires_at=None)
    headers = {"Authorization": f"Bearer {token}"}

    told = client.get("/v1/overview", headers=headers).json()
    listed = client.get("/v1/deadlines?agency=land", headers=headers).json()

    assert told == site.see().model_dump(mode="json")
    assert [one["dossier"] for one in listed["deadlines"]] == ["D-1"]
    assert client.get("/v1/deadlines?limit=0", headers=headers).status_code == 422


def test_the_page_shows_it_with_words_beside_every_picture(site, clock):
    site.send("D-1")
    parked = site.send("D-2", answer=REJECTED)
    site.set(parked, deadline=clock())
    browser = Browser(site.accounts)
    site.accounts.account(site.accounts.first().json()["token"], agencies=["land"])
    browser.sign_in()

    page = browser.open("/").text
    listed = browser.open("/deadlines?agency=land").text

    assert f'href="/messages/{parked}"' in page
    assert 'href="/deadlines?agency=land"' in page
    pictures = re.findall(r'role="img" aria-label="([^"]+)"', page)
    assert pictures == [
        "Đã giao trong giờ qua: 1; mỗi 5 phút, cũ trước: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1"
    ]
    assert "đang chảy" in page
    assert "Cầu dao tới Cổng" not in page
    assert re.search(r'href="/dossiers/D-2\?agency=land"', listed)


class Slow(FlowWatch):
    """Looks only when it is told to, and counts."""

    looks = 0
    go = None
    error = None

    def _read(self):
        self.looks += 1
        if self.go is not None:
            assert self.go.wait(60)
        if self.error is not None:
            raise self.error
        return super()._read()


def slow(site, **more):
    return Slow(site.accounts.installation, steady=lambda: site.steady, **more)


def test_one_look_serves_everybody_for_a_while(site):
    watch = slow(site, fresh=3, patience=60)
    first = watch.look()
    site.steady += 2.9

    assert watch.look() is first
    site.steady += 0.2
    assert watch.look() is not first
    assert watch.looks == 2


def test_nobody_looks_while_another_does_and_what_was_known_is_told_meanwhile(site):
    watch = slow(site, fresh=0, patience=0)
    watch.go = Event()
    got = []
    asking = [Thread(target=lambda: got.append(watch.look())) for _ in range(4)]
    for each in asking:
        each.start()
    watch.go.set()
    for each in asking:
        each.join()
    assert (watch.looks, len({id(one) for one in got})) == (1, 1)

    watch.go = Event()
    site.steady += 29
    assert watch.look() is watch.look() is got[0]
    watch.go.set()
    # Too old to be told: whoever asks waits.
    site.steady += 31
    assert watch.look() is not got[0]


def test_a_store_that_is_away_is_said_and_the_next_look_finds_it_again(site):
    watch = slow(site, fresh=0, patience=60)
    watch.error = OperationalError("SELECT 1", {}, Exception("no route to host"))
    with pytest.raises(OperationalError):
        watch.look()

    watch.error = None
    assert watch.look().sides == ()

"""What was delivered for one agency becomes a submission to another, once, and nothing else."""

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, update

from lienthong.channels.port import Answer, Outcome, Packet
from lienthong.flows.sweep import sweep_shares
from lienthong.sharing.profile import SharingProfile
from lienthong.sharing.sharer import Sharer
from lienthong.store.database import reading
from lienthong.store.expansions import open_submissions
from lienthong.store.pieces import open_source
from lienthong.store.queries import is_idle
from lienthong.store.shares import TERMS
from lienthong.store.submissions import line_of
from lienthong.store.tables import audit, messages, submissions
from lienthong.store.work import begin
from schemas.errors import ConfigError
from schemas.problem import Text


@dataclass
class FakeFilter:
    packets: tuple = (Packet.DOSSIER,)

    def shares(self, packet):
        return packet in self.packets

    def apply(self, document, *, packet):
        return b"shared " + document


def profile(**more):
    given = {
        "from": "land",
        "to": "tax",
        "procedures": ["*"],
        "fields": ["MaTTHC"],
        "purpose": "thuế",
        "legal_basis": "Nghị định 47/2020/NĐ-CP",
        "until": "2027-12-31",
    }
    return SharingProfile.model_validate(given | more)


class Neighbours:
    def __init__(self, exchange, desk):
        self.exchange, self.desk = exchange, desk
        rules = exchange.deliverer._rules
        exchange.deliverer._rules = type(rules)(
            **{name: getattr(rules, name) for name in rules.__slots__ if name != "shared"},
            shared=frozenset({"land"}),
        )
        self.profiles = {"land-to-tax": (profile(), FakeFilter())}

    def sharer(self, publisher=None):
        return Sharer(
            store=self.exchange.store,
            publisher=publisher or self.exchange.broker,
            profiles=self.profiles,
            clock=self.exchange.clock,
        )

    def deliver(self, *rows, agency="land"):
        self.desk.receive(*rows, agency=agency)
        self.desk.run()
        self.exchange.step(rounds=4)

    def shared(self, to="tax", profile="land-to-tax"):
        with reading(self.exchange.store) as connection:
            line = line_of(to, service="DongBoHoSoMC", sender=profile)
            opened = open_submissions(connection, line, after=0, limit=100)
        found = []
        for one in opened:
            with closing(open_source(self.exchange.store, one, {})) as source:
                found.append((one.key, source.read()))
        return found

    def notes(self, action):
        with reading(self.exchange.store) as connection:
            query = select(audit.c.subject).where(audit.c.action == action).order_by(audit.c.id)
            return list(connection.execute(query).scalars())

    def due(self):
        with reading(self.exchange.store) as connection:
            query = select(messages.c.id).where(messages.c.share_due_at.is_not(None))
            return list(connection.execute(query).scalars())


class Outdated(FakeFilter):
    """Does not know the schema version of one document."""

    def apply(self, document, *, packet):
        if document == b"<new/>":
            text = Text(vi="không có phiên bản", en="no schema version of urn:x is installed")
            raise ConfigError(text, code="schema.unknown_version")
        return super().apply(document, packet=packet)


@pytest.fixture
def town(exchange, desk):
    return Neighbours(exchange, desk)


def test_what_was_delivered_is_shared_once_under_the_id_of_its_message(town):
    town.deliver("H1,a")
    sharer = town.sharer()

    assert (sharer.step(), sharer.step()) == (1, 0)

    ((_, document),) = [(r.message_id, r.document) for r in town.exchange.portal.sent]
    assert town.shared() == [(town.exchange.states()[0][0], b"shared " + document)]
    assert town.notes("dossier.shared") == [town.exchange.states()[0][0]]
    assert town.due() == []


def test_the_log_has_the_whole_terms_before_anything_is_shared_by_them(town):
    town.deliver("H1,a")
    town.sharer().step()
    town.deliver("H2,a")
    town.sharer().step()

    with reading(town.exchange.store) as connection:
        rows = connection.execute(select(audit).order_by(audit.c.id)).all()
    (terms,) = [row for row in rows if row.action == TERMS]
    text = json.loads(terms.detail)["text"]
    assert sha256(text.encode()).hexdigest() == terms.subject
    assert json.loads(text)["legal_basis"] == "Nghị định 47/2020/NĐ-CP"
    came = [row for row in rows if '"sender":"land-to-tax"' in (row.detail or "")]
    said = [json.loads(row.detail) for row in came]
    assert [(one["terms"], one["shared"]) for one in said] == [
        (terms.subject, message) for message in town.notes("dossier.shared")
    ]
    assert terms.id < came[0].id


def test_what_was_not_delivered_is_not_shared(town):
    town.exchange.portal.answers.append(Answer(outcome=Outcome.REJECTED))
    town.deliver("H1,a")

    assert town.sharer().step() == 0
    assert town.shared() == []


def test_dossiers_of_other_agencies_are_not_looked_at(town):
    town.deliver("H1,a", agency="health")

    assert town.sharer().step() == 0


def test_a_profile_that_has_ended_shares_nothing_and_that_is_written_down(town):
    town.profiles = {"land-to-tax": (profile(until="2026-03-01"), FakeFilter())}
    town.deliver("H1,a")

    town.sharer().step()

    assert town.shared() == []
    assert len(town.notes("dossier.not_shared")) == 1
    assert town.due() == []


def test_a_profile_that_has_not_begun_is_not_said_to_have_ended(town):
    town.profiles = {"land-to-tax": (profile(since="2027-01-01"), FakeFilter())}
    town.deliver("H1,a")

    town.sharer().step()

    assert town.shared() == []
    with reading(town.exchange.store) as connection:
        query = select(audit.c.detail).where(audit.c.action == "dossier.not_shared")
        assert "not_begun" in connection.execute(query).scalar_one()


def test_its_last_day_is_one_of_vietnam(town):
    # 18:30 in UTC is the next day there.
    town.exchange.clock.tick(hours=10, minutes=30)
    today = town.exchange.clock().date()
    town.profiles = {"land-to-tax": (profile(until=today.isoformat()), FakeFilter())}
    town.deliver("H1,a")

    town.sharer().step()

    assert town.shared() == []


@pytest.mark.parametrize(("status", "count"), [(None, 0), ("4", 0), ("9", 1)])
def test_only_named_statuses_are_shared_and_none_that_nobody_knows(town, status, count):
    town.profiles = {"land-to-tax": (profile(statuses=["9", "10"]), FakeFilter())}
    town.deliver("H1,a")
    # As of messages from before statuses were kept, which `sharing send` may ask for.
    change(town, town.exchange.states()[0][0], status=status)

    town.sharer().step()

    assert len(town.shared()) == count


def test_another_procedure_is_not_shared_and_nobody_writes_about_it(town):
    town.profiles = {"land-to-tax": (profile(procedures=["1.001193"]), FakeFilter())}
    town.deliver("H1,a")

    town.sharer().step()

    assert town.shared() == []
    assert town.notes("dossier.not_shared") == []


def test_a_crash_before_the_flag_goes_costs_a_repeat_and_no_second_message(town, monkeypatch):
    town.deliver("H1,a")

    def crash(*_args, **_named):
        raise RuntimeError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr("lienthong.sharing.sharer.settle_shares", crash)
        with pytest.raises(RuntimeError):
            town.sharer().step()
    town.sharer().step()

    assert len(town.shared()) == 1
    assert len(town.notes("dossier.shared")) == 1


def test_a_profile_that_changed_after_a_crash_does_not_share_the_same_message_twice(
    town, monkeypatch
):
    town.deliver("H1,a")
    with monkeypatch.context() as patch:
        patch.setattr("lienthong.sharing.sharer.settle_shares", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            town.sharer().step()

    class Wider(FakeFilter):
        def apply(self, document, *, packet):
            return b"more " + document

    town.profiles = {"land-to-tax": (profile(), Wider())}
    town.sharer().step()

    ((_, body),) = town.shared()
    assert body.startswith(b"shared ")
    assert len(town.notes("dossier.shared_before")) == 1


def test_two_who_share_at_once_share_and_write_once(town):
    town.deliver("H1,a", "H2,b")
    slow, quick = town.sharer(), town.sharer()

    class Between:
        """A publisher that lets the other one work while the first is between its two steps."""

        def publish(self, *_args):
            quick.step()

    slow = town.sharer(Between())
    slow.step()

    assert len(town.shared()) == 2
    assert len(town.notes("dossier.shared")) == 2


def test_the_snapshots_of_a_dossier_are_shared_in_their_order(town):
    for content in "abc":
        town.deliver(f"H1,{content}")
        town.exchange.clock.tick(seconds=5)

    town.sharer().step()

    assert [body for _, body in town.shared()] == [
        b"shared <a/>",
        b"shared <b/>",
        b"shared <c/>",
    ]


def test_several_profiles_share_the_same_message_each_in_its_way(town):
    town.profiles["land-to-health"] = (profile(to="health"), FakeFilter())
    town.deliver("H1,a")

    town.sharer().step()

    assert len(town.shared()) == len(town.shared("health", "land-to-health")) == 1


def idle(town):
    with reading(town.exchange.store) as connection:
        return is_idle(connection)


def codes(town, action="dossier.not_shared"):
    with reading(town.exchange.store) as connection:
        query = select(audit.c.detail).where(audit.c.action == action).order_by(audit.c.id)
        return [json.loads(detail)["code"] for detail in connection.execute(query).scalars()]


def test_what_no_profile_is_there_for_any_more_is_due_no_longer_and_that_is_written_down(town):
    town.deliver("H1,a", "H2,b")
    assert not idle(town)

    swept = sweep_shares(town.exchange.store, clock=town.exchange.clock, shared={"health"})

    assert (swept, town.due(), idle(town)) == (2, [], True)
    assert len(town.notes("dossier.not_shared")) == 2
    assert codes(town) == ["no_profile", "no_profile"]


def test_what_a_profile_is_there_for_is_not_swept_away(town):
    town.deliver("H1,a")

    swept = sweep_shares(town.exchange.store, clock=town.exchange.clock, shared={"land"})

    assert (swept, len(town.due())) == (0, 1)


def test_who_shares_for_others_writes_down_whose_profile_is_gone(town):
    town.deliver("H1,a")
    town.profiles = {"health-to-tax": (profile(**{"from": "health"}), FakeFilter())}

    town.sharer().step()

    assert (town.due(), codes(town)) == ([], ["no_profile"])


def test_a_document_of_a_version_that_is_not_installed_holds_up_no_other(town):
    town.profiles = {"land-to-tax": (profile(), Outdated())}
    town.deliver("H1,new", "H2,b")
    ids = [message_id for message_id, _ in town.exchange.states()]

    assert town.sharer().step() == 2

    assert [key for key, _ in town.shared()] == ids[1:]
    assert (town.notes("dossier.not_shared"), codes(town)) == (ids[:1], ["schema.unknown_version"])
    assert (town.due(), idle(town)) == ([], False)


def test_it_is_shared_by_request_once_the_version_is_there(town):
    town.profiles = {"land-to-tax": (profile(), Outdated())}
    town.deliver("H1,new", "H2,b")
    town.sharer().step()
    told = []
    since = town.exchange.clock() - timedelta(days=1)

    again = list(town.sharer().share_past("land-to-tax", since=since, tell=told.append))
    town.profiles = {"land-to-tax": (profile(), FakeFilter())}
    later = share_past(town, "land-to-tax")

    assert (again, later) == ([False, False], [True, False])
    assert [error.code for error in told] == ["schema.unknown_version"]
    assert {body for _, body in town.shared()} == {b"shared <b/>", b"shared <new/>"}


def share_past(town, name, *, days=1):
    since = town.exchange.clock() - timedelta(days=days)
    told = []
    found = list(town.sharer().share_past(name, since=since, tell=told.append))
    assert told == []
    return found


def test_what_was_delivered_before_is_shared_when_somebody_asks_and_by_that_profile_alone(town):
    town.deliver("H1,a", "H2,b")
    town.sharer().step()
    town.profiles = {
        "land-to-health": (profile(to="health"), FakeFilter()),
        "land-to-planning": (profile(to="planning"), FakeFilter()),
    }

    assert share_past(town, "land-to-health") == [True, True]
    assert share_past(town, "land-to-health") == [False, False]
    assert [body for _, body in town.shared("health", "land-to-health")] == [
        b"shared <a/>",
        b"shared <b/>",
    ]
    assert town.shared("planning", "land-to-planning") == []
    assert len(town.notes("dossier.shared")) == 2 + 2


def test_what_is_older_than_what_the_receiver_has_stays(town):
    town.deliver("H1,a")
    town.sharer().step()
    town.profiles = {"land-to-health": (profile(to="health"), FakeFilter())}
    town.exchange.clock.tick(seconds=5)
    town.deliver("H1,b")
    town.sharer().step()

    assert share_past(town, "land-to-health") == [False, False]
    assert [body for _, body in town.shared("health", "land-to-health")] == [b"shared <b/>"]


def test_what_no_profile_covers_stays_also_when_somebody_asks(town):
    town.deliver("H1,a")
    town.sharer().step()
    town.profiles = {
        "land-to-health": (profile(to="health", procedures=["1.001193"]), FakeFilter())
    }

    assert share_past(town, "land-to-health") == [False]
    assert town.shared("health", "land-to-health") == []


def test_the_receiver_gets_no_receipt_for_what_it_did_not_send(town):
    town.deliver("H1,a")
    town.sharer().step()

    with reading(town.exchange.store) as connection:
        query = select(submissions.c.receipt_due_at).where(submissions.c.door == "sharing")
        assert list(connection.execute(query).scalars()) == [None]


def change(town, message_id, **columns):
    with begin(town.exchange.store, at=town.exchange.clock) as work:
        work.connection.execute(
            update(messages).where(messages.c.id == message_id).values(**columns)
        )


@pytest.mark.parametrize(("document", "why"), [(None, "erased"), (b"\x01damaged", "unreadable")])
def test_what_cannot_be_opened_any_more_is_written_down_and_holds_up_nothing(town, document, why):
    town.deliver("H1,a", "H2,b")
    (first, _), (second, _) = town.exchange.states()
    change(town, first, document=document)

    town.sharer().step()

    assert [key for key, _ in town.shared()] == [second]
    assert town.notes("dossier.not_shared") == [first]
    with reading(town.exchange.store) as connection:
        query = select(audit.c.detail).where(audit.c.action == "dossier.not_shared")
        assert f'"code":"{why}"' in connection.execute(query).scalar_one().replace(" ", "")
    assert town.due() == []


@pytest.mark.parametrize(
    ("procedures", "rows"),
    [(["1.000001"], ["before", "between"]), (["1.000002"], ["after"])],
)
def test_a_progress_row_is_shared_by_the_procedure_of_its_own_time(town, procedures, rows):
    town.profiles = {
        "land-to-tax": (profile(procedures=procedures), FakeFilter((Packet.PROGRESS,)))
    }
    # One that was written down before its first snapshot, which went before it all the same.
    for content in ("before", "one", "between", "two", "after"):
        town.deliver(f"H1,{content}")
    ids = [message_id for message_id, _ in town.exchange.states()]
    for message_id in (ids[0], ids[2], ids[4]):
        change(town, message_id, packet=Packet.PROGRESS.value)
    change(town, ids[1], procedure="1.000001")
    change(town, ids[3], procedure="1.000002")

    town.sharer().step()

    with reading(town.exchange.store) as connection:
        line = line_of("tax", service="CapNhatTienDoHoSoMC", sender="land-to-tax")
        opened = open_submissions(connection, line, after=0, limit=100)
    named = dict(zip(ids, ("before", "one", "between", "two", "after"), strict=True))
    assert [named[one.key] for one in opened] == rows

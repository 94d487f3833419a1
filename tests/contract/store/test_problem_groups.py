"""Problems: failures grouped by cause, what people decide about them, and who sees which."""

import json
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.event import listen, remove
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.app import make_app
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.delivery_causes import DeliveryCause
from lienthong.failures import causes_of_delivery, causes_of_findings
from lienthong.flows.hints import DELIVER, hint
from lienthong.problem_states import Act
from lienthong.store import failures as writing
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import reading
from lienthong.store.problem_groups import count_ever, decide, hold_group, load_groups
from lienthong.store.queries import select_ids
from lienthong.store.selection import Selection
from lienthong.store.tables import audit, failures, problem_groups
from lienthong.store.work import begin
from mappings import load_agencies
from schemas.problem import Problem, Severity, Text

SECRET = "079185000123"
REFUSED = Answer(outcome=Outcome.REJECTED, code="-17", message=f"Sai NgayTiepNhan của {SECRET}")
NO_WAY = Answer(outcome=Outcome.NOT_SENT)


def finding(code="mapping.code_unknown", field="MaTTHC", **more):
    message = Text(vi=f"không có «{SECRET}» trong danh mục mã", en=f"'{SECRET}' is in no code list")
    more = {"suggestion": Text(vi="Sửa mã tại nguồn", en="Mend the code")} | more
    return Problem(code=code, message=message, field=field, value=SECRET, **more)


class Office:
    """An exchange with problems, and people at the API."""

    def __init__(self, exchange, record, event):
        self.exchange = exchange
        self.store = exchange.store
        self._record, self._event = record, event
        self._records = 0
        installation = SimpleNamespace(
            store=self.store, clock=exchange.clock, mappings=load_agencies(None)
        )
        app = make_app(installation, publisher=exchange.broker)
        self.client = TestClient(app, raise_server_exceptions=False)

    def reject(self, *problems, agency="land", dossier=None):
        """Have one record rejected."""
        self._records += 1
        made = self._record(self._records, dossier=dossier)
        self.exchange.take(replace(made, problems=problems), agency=agency)
        self.exchange.clock.tick(seconds=1)

    def deliver(self, message_id, *answers, agency="land", dossier=None):
        """Have one message tried, with these answers of the portal."""
        self.exchange.portal.answers = list(answers)
        made = self._event(message_id, dossier or f"D-{message_id}", content=message_id)
        self._records += 1
        self.go(self.exchange.take(self._record(self._records, made), agency=agency))

    def go(self, due, rounds=2):
        self.exchange.broker.publish(
            DELIVER, [hint(code, at=self.exchange.clock()) for code in due]
        )
        self.exchange.step(rounds)
        self.exchange.clock.tick(seconds=1)

    def resend(self, message_id, *answers):
        self.exchange.portal.answers = list(answers)
        (acted,) = self.exchange.act("resend", message_id)
        assert acted.problem is None
        self.exchange.step(3)
        self.exchange.clock.tick(seconds=1)

    def groups(self, agencies=EVERY):
        """Return groups by (agency, code, field, answer)."""
        with reading(self.store) as connection:
            found = load_groups(connection, agencies=agencies)
        return {
            (one.cause.agency, one.cause.code, one.cause.field, one.cause.answer): one
            for one in found
        }

    def only(self):
        (one,) = self.groups().values()
        return one

    def stands(self):
        """Return state and number of messages of the only group."""
        one = self.only()
        return one.standing.state.value, one.counts.affected

    def decide(self, act, **more):
        with begin(self.store, at=self.exchange.clock, actor="an") as work:
            group = hold_group(work, self.only().id)
            decide(work, group, act, reason="đã rõ", **{"version": None} | more)

    def token(self, *roles, agencies=EVERY, name="an"):
        with begin(self.store, at=self.exchange.clock, actor="root") as work:
            some = agencies if agencies is EVERY else frozenset(agencies)
            grants = [Grant(role=role, agencies=some) for role in roles]
            return make_access_token(work, name, grants=grants, expires_at=None)

    def ask(self, path, token, method="GET", key=None, **more):
        headers = {"Authorization": f"Bearer {token}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.client.request(method, f"/v1{path}", headers=headers, **more)

    def act(self, group_id, act, token, version=0, key=None, reason="đã rõ"):
        said = {"reason": reason, "version": version}
        return self.ask(f"/problems/{group_id}/{act}", token, "POST", key=key, json=said)

    def logged(self):
        with reading(self.store) as connection:
            query = select(audit).where(audit.c.action.startswith("problem.")).order_by(audit.c.id)
            rows = connection.execute(query).all()
        return [(row.actor, row.action, row.subject, json.loads(row.detail)) for row in rows]


@pytest.fixture
def office(exchange, record, event):
    return Office(exchange, record, event)


def test_what_fails_alike_is_one_problem_whatever_the_values(office):
    office.reject(finding(), dossier="D-1")
    office.reject(replace(finding(), value="khác"), dossier="D-2")
    office.reject(finding(), finding("mapping.date_invalid", "DanhSachLePhi[3].Ngay"))
    office.reject(finding(severity=Severity.WARNING), finding("csv.ragged", None))
    office.reject(finding(), agency="health")

    found = {key: one.counts for key, one in office.groups().items()}

    assert found == {
        ("land", "mapping.code_unknown", "MaTTHC", ""): (3, 2),
        ("land", "mapping.date_invalid", "DanhSachLePhi.Ngay", ""): (1, 0),
        ("land", "csv.ragged", "", ""): (1, 0),
        ("health", "mapping.code_unknown", "MaTTHC", ""): (1, 0),
    }


def test_a_refusal_is_told_apart_by_the_code_and_the_fields_that_the_portal_names(office):
    office.deliver("m1", REFUSED)
    office.deliver("m2", REFUSED)
    office.deliver("m3", replace(REFUSED, message="không rõ"))
    office.deliver("m4", replace(REFUSED, code=SECRET, message=None))
    office.deliver("m5", Answer(outcome=Outcome.UNRECOGNISED, code="???"))

    found = {key: one.counts.affected for key, one in office.groups().items()}

    assert found == {
        ("land", "delivery.refused", "NgayTiepNhan", "-17"): 2,
        ("land", "delivery.refused", "", "-17"): 1,
        # What may be somebody's number is no code.
        ("land", "delivery.refused", "", ""): 1,
        ("land", "delivery.unrecognised", "", "???"): 1,
    }


def test_what_the_portal_does_to_everybody_is_of_no_agency(office):
    office.deliver("m1", NO_WAY)
    office.deliver("m2", NO_WAY, agency="health")
    office.deliver("m3", Answer(outcome=Outcome.UNKNOWN))

    found = {key[:2]: one for key, one in office.groups().items()}

    assert {key: one.counts.affected for key, one in found.items()} == {
        (None, "delivery.unreachable"): 2,
        # The look-up that failed after it is what it stands in now.
        (None, "delivery.no_answer"): 0,
        (None, "delivery.look_up_failed"): 1,
    }
    with reading(office.store) as connection:
        ever = count_ever(connection, [one.id for one in found.values()])
    assert sorted(ever.values()) == [1, 1, 2]


def test_a_message_that_arrives_in_the_end_stands_in_nothing(office):
    office.deliver("m1", NO_WAY)
    assert office.stands() == ("open", 1)
    office.exchange.clock.tick(minutes=10)

    office.exchange.step(3)

    assert office.exchange.states() == [("m1", "delivered")]
    assert office.stands() == ("resolved", 0)
    assert office.only().standing.is_by_itself
    with reading(office.store) as connection:
        assert connection.execute(select(func.count()).where(failures.c.is_open)).scalar() == 0


def test_a_message_that_never_failed_is_written_down_nowhere(office):
    office.deliver("m1")

    with reading(office.store) as connection:
        assert connection.execute(select(failures)).all() == []
        assert connection.execute(select(problem_groups)).all() == []


def test_a_lost_answer_that_a_look_up_proves_is_settled(office):
    office.exchange.portal.look_ups = [LookUp(found=Found.PRESENT)]

    office.deliver("m1", Answer(outcome=Outcome.UNKNOWN))

    assert office.exchange.states() == [("m1", "delivered")]
    assert office.stands() == ("resolved", 0)


def test_a_correction_of_the_agency_settles_its_problem(office, record, event):
    office.deliver("m1", REFUSED, dossier="D-1")
    assert office.stands() == ("open", 1)

    office.go(office.exchange.take(record(2, event("m2", "D-1", content="right"))))

    assert office.exchange.states() == [("m1", "superseded"), ("m2", "delivered")]
    assert office.stands() == ("resolved", 0)


def test_one_that_is_resent_and_refused_otherwise_stands_in_the_new_problem(office):
    office.deliver("m1", REFUSED)

    office.resend("m1", replace(REFUSED, code="-18", message=None))

    found = {key[3]: one.counts.affected for key, one in office.groups().items()}
    assert found == {"-17": 0, "-18": 1}


def test_a_resolved_problem_is_open_again_with_the_next_failure(office):
    office.reject(finding())
    office.decide(Act.RESOLVE)
    assert office.stands() == ("resolved", 1)
    assert not office.only().standing.is_by_itself

    office.reject(finding())

    assert office.stands() == ("open", 2)
    assert office.only().standing.is_reopened
    office.decide(Act.RESOLVE)
    assert office.stands() == ("resolved", 2)


def test_it_is_open_again_also_when_an_old_message_fails_again(office):
    office.deliver("m1", REFUSED)
    office.decide(Act.RESOLVE)

    office.resend("m1", REFUSED)

    assert office.stands() == ("open", 1)


def test_a_failure_after_a_decision_is_later_whatever_the_clock_says(office):
    office.reject(finding())
    office.exchange.clock.tick(hours=1)
    office.decide(Act.RESOLVE)

    office.exchange.clock.tick(hours=-3)
    office.reject(finding())

    assert office.stands() == ("open", 2)
    office.decide(Act.RESOLVE)
    assert office.stands() == ("resolved", 2)


@pytest.mark.parametrize(
    ("act", "state"), [(Act.ACKNOWLEDGE, "acknowledged"), (Act.IGNORE, "ignored")]
)
def test_what_is_known_or_ignored_does_not_open_with_new_failures_but_counts(office, act, state):
    office.reject(finding())
    office.decide(act)

    office.reject(finding())

    assert office.stands() == (state, 2)


def test_what_nobody_stands_in_any_more_is_resolved_by_itself_unless_a_person_keeps_it(office):
    office.deliver("m1", REFUSED)
    office.decide(Act.ACKNOWLEDGE)

    office.resend("m1")

    assert office.stands() == ("resolved", 0)
    assert office.only().standing.is_by_itself
    office.decide(Act.IGNORE)
    office.decide(Act.REOPEN)
    assert office.stands() == ("open", 0)


def test_a_failure_that_comes_while_somebody_decides_is_not_covered_by_it(office):
    office.reject(finding())
    group_id = office.only().id

    def fail():
        office.reject(finding())

    failing = Thread(target=fail)
    with begin(office.store, at=office.exchange.clock, actor="an") as work:
        group = hold_group(work, group_id)
        failing.start()
        # It may get as far as it can; the group's row is held.
        failing.join(timeout=0.3)
        decide(work, group, Act.RESOLVE, reason="đã rõ", version=None)
    failing.join()

    assert office.stands() == ("open", 2)


def test_a_portal_that_makes_up_a_code_for_each_answer_fills_no_list(office, monkeypatch):
    monkeypatch.setattr(writing, "MOST_ANSWERS", 2)

    for number in range(5):
        office.deliver(f"m{number}", Answer(outcome=Outcome.REJECTED, code=f"E{number}"))

    found = {key[3]: one.counts.affected for key, one in office.groups().items()}
    assert found == {"E0": 1, "E1": 1, "": 3}


def test_each_decision_is_in_the_audit_log(office):
    office.reject(finding())
    group_id = office.only().id

    for act in (Act.ACKNOWLEDGE, Act.RESOLVE, Act.REOPEN, Act.IGNORE):
        office.decide(act)

    said = [(actor, action, subject, d["was"]) for actor, action, subject, d in office.logged()]
    assert said == [
        ("an", "problem.acknowledged", group_id, "open"),
        ("an", "problem.resolved", group_id, "acknowledged"),
        ("an", "problem.reopened", group_id, "resolved"),
        ("an", "problem.ignored", group_id, "open"),
    ]
    detail = office.logged()[-1][3]
    assert (detail["reason"], detail["agency"], detail["affected"]) == ("đã rõ", "land", 1)


def test_a_problem_is_listed_with_what_is_wrong_who_must_act_and_what_helps(office):
    office.reject(finding(for_integrator=Text(vi="thêm mã", en="add the code")), dossier="D-1")
    office.exchange.clock.tick(hours=1)
    office.deliver("m1", NO_WAY)
    token = office.token(Role.OPERATOR)

    listed = office.ask("/problems", token)
    far, near = listed.json()["problems"]
    shown = office.ask(f"/problems/{near['id']}", token)

    assert SECRET not in listed.text + shown.text
    assert (far["code"], far["agency"], far["owner"]) == ("delivery.unreachable", None, "portal")
    assert [step["step"] for step in far["next"]] == ["wait", "configure"]
    assert (near["code"], near["field"], near["owner"]) == (
        "mapping.code_unknown",
        "MaTTHC",
        "agency",
    )
    assert near["title"] == {
        "vi": "không có «999999999999» trong danh mục mã",
        "en": "'999999999999' is in no code list",
    }
    assert near["remedy"] == {"vi": "Sửa mã tại nguồn", "en": "Mend the code"}
    assert [step["step"] for step in near["next"]] == ["correct", "reissue"]
    assert (near["state"], near["affected"], near["affected_ever"], near["dossiers"]) == (
        "open",
        1,
        1,
        1,
    )
    assert near["may"] == ["acknowledge", "resolve", "ignore"]
    assert [one["dossier"] for one in shown.json()["examples"]] == ["D-1"]
    assert {**shown.json(), "examples": None} == near | {
        "examples": None,
        "other_mapping": None,
    }


def test_filters_of_the_list_go_together(office):
    office.reject(finding())
    office.exchange.clock.tick(hours=1)
    office.reject(finding("csv.ragged", None), agency="health")
    office.deliver("m1", NO_WAY)
    token = office.token(Role.OPERATOR)
    since = (office.exchange.clock() - timedelta(minutes=30)).isoformat().replace("+", "%2B")

    def codes(query):
        answer = office.ask(f"/problems?{query}", token)
        assert answer.status_code == 200, answer.text
        return sorted(one["code"] for one in answer.json()["problems"])

    assert codes("agency=health") == ["csv.ragged"]
    assert codes("owner=agency") == ["csv.ragged", "mapping.code_unknown"]
    assert codes("owner=portal&state=open") == ["delivery.unreachable"]
    assert codes("state=resolved&state=ignored") == []
    assert codes("code=mapping.*") == codes("code=mapping.code_unknown")
    assert codes("code=mapping.") == []
    assert codes(f"since={since}") == ["csv.ragged", "delivery.unreachable"]
    assert codes("text=khong ket noi") == ["delivery.unreachable"]
    assert codes("agency=nobody") == []


def test_pages_of_the_list_follow_each_other(office):
    for number in range(7):
        office.reject(finding(field=f"F{number % 5}"), agency=f"a{number % 2}")
    token = office.token(Role.VIEWER)

    seen, cursor = [], ""
    while cursor is not None:
        page = office.ask(f"/problems?limit=2{cursor}", token).json()
        seen += [one["id"] for one in page["problems"]]
        cursor = page["next"] and f"&cursor={page['next']}"

    every = office.ask("/problems?limit=200", token).json()["problems"]
    assert seen == [one["id"] for one in every]
    assert len(seen) == len(set(seen)) == 7
    assert office.ask("/problems?cursor=x", token).json()["code"] == "list.cursor"


def test_messages_of_a_problem_are_those_that_stand_in_it_and_no_others(office):
    office.reject(finding(), dossier="D-1")
    office.reject(finding("mapping.code_unknown", "MaLinhVuc"))
    office.reject(finding(), agency="health")
    for name in ("m1", "m2"):
        office.deliver(name, REFUSED)
    office.resend("m2")
    token = office.token(Role.OPERATOR)
    groups = office.groups()

    def listed(key):
        answer = office.ask(f"/messages?problem={groups[key].id}", token).json()
        return [(one["agency"], one["dossier"]) for one in answer["messages"]]

    assert listed(("land", "mapping.code_unknown", "MaTTHC", "")) == [("land", "D-1")]
    assert listed(("land", "delivery.refused", "NgayTiepNhan", "-17")) == [("land", "D-m1")]
    assert office.ask(f"/messages?problem={'0' * 32}", token).json()["messages"] == []


def test_messages_are_found_by_the_words_of_their_error_with_and_without_marks(office):
    office.reject(finding(), dossier="D-1")
    office.deliver("m1", NO_WAY)
    office.deliver("m2", REFUSED)
    office.exchange.clock.tick(minutes=10)
    office.exchange.step(3)
    token = office.token(Role.VIEWER, agencies=["land"])

    def found(words):
        answer = office.ask("/messages", token, params={"text": words})
        return sorted(one["dossier"] for one in answer.json()["messages"])

    assert found("danh mục mã") == found("DANH MUC  ma") == ["D-1"]
    assert found("code list MaTTHC") == ["D-1"]
    # Marks that are typed count, and so does every word.
    assert found("dánh mục") == found("danh mục ngày") == []
    # Also what has arrived since.
    assert found("không kết nối") == ["D-m1"]
    assert found("từ chối -17") == ["D-m2"]
    # Nobody's number is looked for, nor the portal's own words.
    assert found(SECRET) == found("Sai") == []
    searched = office.ask("/messages/search", token, "POST", json={"text": "danh muc"})
    assert [one["dossier"] for one in searched.json()["messages"]] == ["D-1"]


def test_an_agency_sees_no_problem_of_another_and_cannot_tell_that_it_is_there(office):
    office.reject(finding(), dossier="D-1")
    office.reject(finding(), agency="health")
    office.deliver("m1", NO_WAY, agency="health")
    token = office.token(Role.OPERATOR, agencies=["health"])
    groups = office.groups()
    nobodys = "f" * 32
    theirs = [
        groups["land", "mapping.code_unknown", "MaTTHC", ""].id,
        groups[None, "delivery.unreachable", "", ""].id,
    ]

    listed = office.ask("/problems", token).json()["problems"]
    by_id = [office.ask(f"/problems/{group_id}", token) for group_id in [nobodys, *theirs]]
    acted = [office.act(group_id, "ignore", token) for group_id in [nobodys, *theirs]]

    assert [one["agency"] for one in listed] == ["health"]
    assert office.ask("/problems?agency=land", token).json()["problems"] == []
    assert office.ask(f"/messages?problem={theirs[0]}", token).json()["messages"] == []
    assert {answer.status_code for answer in by_id + acted} == {404}
    assert len({answer.text for answer in by_id}) == len({answer.text for answer in acted}) == 1
    assert office.logged() == []


def test_whoever_only_looks_decides_nothing(office):
    office.reject(finding())
    office.deliver("m1", NO_WAY)
    viewer = office.token(Role.VIEWER)
    some = [
        Grant(role=Role.VIEWER, agencies=EVERY),
        Grant(role=Role.OPERATOR, agencies=frozenset({"land"})),
    ]
    with begin(office.store, at=office.exchange.clock, actor="root") as work:
        of_land = make_access_token(work, "binh", grants=some, expires_at=None)
    groups = office.groups()
    land = groups["land", "mapping.code_unknown", "MaTTHC", ""].id
    target = groups[None, "delivery.unreachable", "", ""].id

    answers = [office.act(land, "ignore", viewer), office.act(target, "ignore", of_land)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert office.ask(f"/problems/{land}", viewer).json()["may"] == []
    assert office.act(land, "ignore", of_land).status_code == 200
    assert office.ask("/problems", office.token(Role.ADMINISTRATOR)).status_code == 403


def test_of_two_operators_at_once_one_is_told_what_the_other_decided(office, together):
    office.reject(finding())
    group_id = office.only().id
    one, two = (office.token(Role.OPERATOR, name=name) for name in ("an", "binh"))

    answers = together(
        lambda: office.act(group_id, "acknowledge", one),
        lambda: office.act(group_id, "ignore", two),
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (done,) = (answer.json() for answer in answers if answer.status_code == 200)
    (told,) = (answer.json() for answer in answers if answer.status_code == 409)
    assert told["code"] == "problem.changed"
    assert f"the problem is {done['state']}" in told["message"]["en"]
    assert f"by {done['decision']['by']} at" in told["message"]["en"]
    assert len(office.logged()) == 1
    assert done["version"] == office.only().version == 1


def test_what_is_not_possible_where_it_stands_is_refused_and_changes_nothing(office):
    office.reject(finding())
    group_id = office.only().id
    token = office.token(Role.OPERATOR)

    assert office.act(group_id, "reopen", token).json()["code"] == "problem.wrong_state"
    first = office.act(group_id, "resolve", token).json()
    again = office.act(group_id, "resolve", token, version=1)

    assert (first["state"], first["version"], first["may"]) == (
        "resolved",
        1,
        ["ignore", "reopen"],
    )
    assert first["decision"]["reason"] == "đã rõ"
    assert (again.status_code, again.json()["code"]) == (409, "problem.wrong_state")


def test_a_decision_under_a_key_is_made_once(office):
    office.reject(finding())
    group_id = office.only().id
    token = office.token(Role.OPERATOR)

    first = office.act(group_id, "acknowledge", token, key="k")
    again = office.act(group_id, "acknowledge", token, key="k")
    other = office.act(group_id, "acknowledge", token, key="k", reason="another")

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (other.status_code, other.json()["code"]) == (409, "api.key_conflict")
    assert len(office.logged()) == 1


HOSTILE = ["..%2F..", "%00", "x" * 64, "'; DROP TABLE failures; --", "F" * 32, "%F0%9F%92%A9", "*"]


@pytest.mark.parametrize("given", HOSTILE)
def test_what_is_no_id_is_answered_as_one_that_is_not_there(office, given):
    office.reject(finding())
    token = office.token(Role.OPERATOR)

    answers = [office.ask(f"/problems/{given}", token), office.act(given, "ignore", token)]
    listed = [
        office.ask(f"/{path}?{name}={given}", token)
        for path in ("problems", "messages")
        for name in ("code", "text", "problem", "agency")
    ]

    assert {answer.status_code for answer in answers} <= {404, 405}
    assert {answer.status_code for answer in listed} <= {200, 422}
    assert office.stands() == ("open", 1)


def test_long_filters_are_refused_or_find_nothing(office):
    office.reject(finding())
    token = office.token(Role.OPERATOR)

    def ask(path, **given):
        return office.ask(path, token, params=given)

    assert ask("/problems", text="a " * 100).json()["problems"] != []
    assert ask("/problems", text="ab " * 66).json()["problems"] == []
    assert ask("/messages", text="đ̉" * 100).json()["messages"] == []
    for given in ({"text": "x" * 201}, {"code": "x" * 101}, {"agency": "x" * 201}, {"limit": 201}):
        assert ask("/problems", **given).status_code == 422
    assert office.ask(f"/problems/{'x' * 65}", token).status_code == 422


def test_what_is_erased_leaves_a_problem_its_code(office):
    office.reject(finding())
    with begin(office.store, at=office.exchange.clock) as work:
        work.connection.execute(text("UPDATE messages SET problems = NULL"))

    (one,) = office.ask("/problems", office.token(Role.VIEWER)).json()["problems"]

    assert one["title"]["en"] == "Error mapping.code_unknown (MaTTHC)"
    assert (one["remedy"], one["affected"]) == (None, 1)


def test_an_auditor_of_an_agency_sees_what_was_decided_about_its_problems(office):
    office.reject(finding())
    office.decide(Act.IGNORE)

    def rows(agency):
        token = office.token(Role.AUDITOR, agencies=[agency])
        return office.ask("/audit?event=problem.", token).json()["rows"]

    assert [row["action"] for row in rows("land")] == ["problem.ignored"]
    assert rows("health") == []


def test_a_problem_is_what_many_messages_are_resent_by(office):
    office.deliver("m1", REFUSED)
    office.deliver("m2", replace(REFUSED, code="-18"))
    group_id = office.groups()["land", "delivery.refused", "NgayTiepNhan", "-17"].id
    token = office.token(Role.OPERATOR)

    def frozen(**selection):
        selection = {"states": ["parked"]} | selection
        said = {"selection": selection, "verb": "resend", "reason": "Cổng đã sửa"}
        job = office.ask("/replay-jobs", token, "POST", json=said).json()
        items = office.ask(f"/replay-jobs/{job['id']}/items", token).json()["items"]
        return [item["message"] for item in items]

    assert frozen(problem=group_id) == ["m1"]
    assert frozen(text="tu choi -18") == ["m2"]
    assert frozen(text="tu choi") == ["m1", "m2"]


def test_a_text_that_nobody_has_looked_up_selects_nothing_by_mistake(office):
    with reading(office.store) as connection, pytest.raises(RuntimeError, match="causes"):
        select_ids(connection, Selection(text="x"), vault=office.store.vault)


MANY = 20_000


@pytest.fixture
def crowd(office):
    """Give a store with many messages, of which few stand in anything."""
    office.reject(finding())
    office.deliver("z", NO_WAY)
    postgresql = office.store.engine.dialect.name == "postgresql"
    numbers = (
        "SELECT n FROM generate_series(1, :many) n"
        if postgresql
        else "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :many) "
        "SELECT n FROM c"
    )
    first, second = (one.id for one in office.groups().values())
    with office.store.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO messages (id, submission_id, record, item, agency, dossier_code, "
                "packet, state, reason, place, mapping, deadline, attempts, failures, abandons, "
                "was_update, created_at, updated_at) "
                "SELECT 'm' || (10000000 + n), 's1', n, 0, 'a' || n % 10, 'D-' || n, "
                "'DongBoHoSoMC', CASE WHEN n % 1000 = 0 THEN 'parked' ELSE 'delivered' END, '', "
                "'{}', 'x', '2026-03-02 08:00:00', 1, 0, 0, false, '2026-03-02 08:00:00', "
                f"'2026-03-02 08:00:00' FROM ({numbers}) AS numbers"
            ),
            {"many": MANY},
        )
        connection.execute(
            text(
                "INSERT INTO failures (message_id, cause, last_at, is_open) "
                "SELECT 'm' || (10000000 + n), CASE WHEN n % 2 = 0 THEN :first ELSE :second END, "
                f"'2026-03-02 08:00:00', n % 1000 = 0 FROM ({numbers}) AS numbers WHERE n % 10 = 0"
            ),
            {"many": MANY, "first": first, "second": second},
        )
    if postgresql:
        with office.store.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return office


def test_groups_and_their_messages_are_found_by_indexes(crowd):
    engine = crowd.store.engine
    is_postgresql = engine.dialect.name == "postgresql"
    asked = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        if statement.startswith("SELECT") and "failures" in statement:
            asked.append((statement, parameters))

    listen(engine, "before_cursor_execute", note)
    groups = crowd.groups()
    some = crowd.groups(agencies={"land"})
    with reading(crowd.store) as connection:
        count_ever(connection, [one.id for one in groups.values()])
        for one in groups.values():
            select_ids(connection, Selection(problem=one.id), vault=crowd.store.vault)
    remove(engine, "before_cursor_execute", note)

    explain = "EXPLAIN ANALYZE" if is_postgresql else "EXPLAIN QUERY PLAN"
    with reading(crowd.store) as connection:
        plans = [
            "\n".join(
                " ".join(map(str, row))
                for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)
            )
            for statement, parameters in asked
        ]
    assert sum(one.counts.affected for one in groups.values()) == 22
    assert len(some) == 1
    assert len(plans) >= 7
    whole = ("Seq Scan on messages", "Seq Scan on failures") if is_postgresql else ()
    whole += ("SCAN messages\n", "SCAN failures\n", "SCAN failures USING INDEX sqlite")
    assert not [plan for plan in plans if any(bad in f"{plan}\n" for bad in whole)]
    counting = [plan for plan, (said, _) in zip(plans, asked, strict=True) if "dossier" in said]
    assert counting
    assert all("failures_open" in plan for plan in counting)


def test_causes_are_the_same_in_every_process():
    (found,) = causes_of_findings("land", [finding()], is_down=False)

    assert found.id == "b591c87691190cc90e894d7f64719200"
    assert causes_of_findings("land", [finding()], is_down=True)[0].id != found.id


def test_a_record_with_very_many_errors_has_a_bounded_number_of_causes():
    found = causes_of_findings("land", [finding(field=f"F{n}") for n in range(500)], is_down=False)

    assert len(found) == 20


def test_on_the_way_to_an_agency_every_cause_is_of_that_agency():
    found = causes_of_delivery(DeliveryCause.UNREACHABLE, "land", is_down=True)

    assert [(one.agency, one.direction) for one in found] == [("land", "down")]

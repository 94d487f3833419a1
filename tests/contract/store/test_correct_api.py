"""Correcting over the operators' API: who may, what is asked for, what is shown."""

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.app import make_app
from lienthong.channels.port import Answer, Outcome
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import reading
from lienthong.store.tables import api_requests, audit, messages
from lienthong.store.work import begin

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
NAME = "Nguyễn-Thị-Mẫu"
ASKED = {"reason": "theo điện thoại", "corrections": [{"path": "content", "value": NAME}]}


class Api:
    def __init__(self, desk):
        self.exchange = desk.exchange
        installation = SimpleNamespace(
            store=desk.exchange.store,
            clock=desk.exchange.clock,
            agency=desk.agency,
            portals=frozenset(),
        )
        app = make_app(installation, publisher=desk.exchange.broker)
        self.client = TestClient(app, raise_server_exceptions=False)

    def token(self, role, agencies=EVERY):
        some = agencies if agencies is EVERY else frozenset(agencies)
        with begin(self.exchange.store, at=self.exchange.clock, actor="root") as work:
            grants = [Grant(role=role, agencies=some)]
            return make_access_token(work, "an", grants=grants, expires_at=None)

    def ask(self, path, token, asked=None, **headers):
        headers["Authorization"] = f"Bearer {token}"
        if asked is None:
            return self.client.get(f"/v1{path}", headers=headers)
        return self.client.post(f"/v1{path}", json=asked, headers=headers)


@pytest.fixture
def api(desk):
    desk.receive("D-1,a")
    desk.run()
    desk.exchange.portal.answers = [REJECTED]
    desk.exchange.clock.tick(seconds=2)
    desk.exchange.step(4)
    return Api(desk)


@pytest.fixture
def parked(api):
    (row,) = rows(api)
    assert row.state == "parked"
    return row.id


def rows(api, table=messages):
    with reading(api.exchange.store) as connection:
        return connection.execute(select(table)).all()


def test_a_correction_is_made_once_and_shown_masked(api, parked):
    token = api.token(Role.OPERATOR)
    key = {"Idempotency-Key": "k-1"}

    first = api.ask(f"/messages/{parked}/correct", token, ASKED, **key)
    again = api.ask(f"/messages/{parked}/correct", token, ASKED, **key)
    other = ASKED | {"corrections": [{"path": "content", "value": "other"}]}
    conflict = api.ask(f"/messages/{parked}/correct", token, other, **key)

    assert first.status_code == 200
    assert again.json() == first.json()
    assert (conflict.status_code, conflict.json()["code"]) == (409, "api.key_conflict")
    assert len(rows(api)) == 2
    new_id = first.json()["new_id"]
    shown = api.ask(f"/messages/{new_id}", token).json()
    (one,) = shown["corrections"]
    assert (shown["reissue_of"], one["path"], one["after"]) == (parked, "content", "Xxxxxx-Xxx-Xxx")
    revealed = api.ask(f"/messages/{new_id}/reveal", token, {"reason": "kiểm tra"}).json()
    assert [(one["before"], one["after"]) for one in revealed["corrections"]] == [("a", NAME)]
    assert not any(NAME in repr(row) for table in (audit, api_requests) for row in rows(api, table))
    logged = [row for row in rows(api, audit) if row.action == "message.corrected"]
    assert [(row.actor, json.loads(row.detail)["reason"]) for row in logged] == [
        ("an", "theo điện thoại")
    ]


def test_a_preview_of_it_writes_nothing(api, parked):
    token = api.token(Role.OPERATOR)
    asked = {"verb": "reissue", "corrections": ASKED["corrections"]}

    answer = api.ask(f"/messages/{parked}/preview", token, asked)

    told = answer.json()
    assert (answer.status_code, told["would_be_done"], told["new_documents"]) == (200, True, 1)
    assert [each["code"] for each in told["findings"]] == ["record.corrected"]
    assert NAME not in answer.text
    assert [row.id for row in rows(api)] == [parked]


@pytest.mark.parametrize("path", ["correct", "preview"])
def test_it_is_for_who_may_edit_of_that_agency(api, parked, path):
    asked = ASKED
    if path == "preview":
        asked = {"verb": "reissue", "corrections": ASKED["corrections"]}
    approver, elsewhere = api.token(Role.APPROVER), api.token(Role.OPERATOR, ["health"])

    answers = [api.ask(f"/messages/{parked}/{path}", who, asked) for who in (approver, elsewhere)]

    assert [answer.status_code for answer in answers] == [403, 404]
    assert "`edit`" in answers[0].json()["message"]["en"]
    assert [row.id for row in rows(api)] == [parked]


@pytest.mark.parametrize(
    ("corrections", "status", "code"),
    [
        ([], 422, "api.request"),
        ([{"path": "content", "value": "x"}] * 21, 422, "api.request"),
        ([{"path": "content", "value": "x\u0007"}], 422, "correction.character"),
        ([{"path": "content", "value": "x"}] * 2, 422, "correction.path_twice"),
        ([{"path": "fees", "value": "x"}], 422, "correction.path_unknown"),
        ([{"path": "content", "value": "a"}], 422, "correction.unchanged"),
    ],
)
def test_what_cannot_be_corrected_is_told_in_both_languages(api, parked, corrections, status, code):
    asked = ASKED | {"corrections": corrections}

    answer = api.ask(f"/messages/{parked}/correct", api.token(Role.OPERATOR), asked)

    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert told["message"]["vi"] != told["message"]["en"]
    assert [row.state for row in rows(api)] == ["parked"]


def test_a_resend_takes_no_corrections(api, parked):
    asked = {"verb": "resend", "corrections": ASKED["corrections"]}

    answer = api.ask(f"/messages/{parked}/preview", api.token(Role.OPERATOR), asked)

    assert answer.status_code == 422

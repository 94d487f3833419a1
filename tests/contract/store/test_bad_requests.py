"""What must not happen on pages and over the API, whatever agencies write and operators click."""

import re
from datetime import timedelta

import pytest

from lienthong.access.rights import Role
from lienthong.console.app import make_console
from lienthong.flows.retain import PayloadClass, retain
from lienthong.operations import previewing
from lienthong.operations.signing_in import make_first_code
from lienthong.pacing import Pacer
from tests.contract.store.accounts_site import PASSWORD
from tests.contract.store.town import OURS, PAPERS, WHY, Hall, Town, rows_of

SCRIPT = "<script>alert(1)</script>"
GOOD = f"H29.15-260305-0002,{SCRIPT},{PAPERS[OURS]},02/03/2026,moi,{SCRIPT}"
"""A row that is only odd to look at; the portal refuses it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def hall(request, tmp_path):
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")(tables=True)
    town = Town(tmp_path, store_url=url)
    yield Hall(town)
    town.engine.dispose()


def test_a_script_in_any_field_is_text_on_every_page(hall):
    odd = f"{SCRIPT},{PAPERS[OURS]},02/03/2026,{SCRIPT},{SCRIPT}"
    hall.town.bring(OURS, *rows_of(OURS), f"{SCRIPT},{odd}", f"H29.15-260302-0009,{odd}", GOOD)
    code = make_first_code(hall.town).code
    said = {"code": code, "name": "chi", "full_name": SCRIPT, "password": PASSWORD}
    first = hall.do("/session/first", "", **said)["token"]
    roles = [role for role in Role if role is not Role.ADMINISTRATOR]
    grants = [{"role": role.value, "agencies": None} for role in roles]
    made = hall.do("/accounts", first, name="dung", full_name=SCRIPT, grants=grants)
    token = hall.do("/session/code", "", code=made["code"], password=PASSWORD)["token"]
    found = hall.messages(token)
    problems = hall.ask("GET", "/problems", token).json()["problems"]
    hall.app.mount("", make_console(hall.app.state.site))
    hall.client.cookies.set("lienthong", token)
    pages = [
        "/",
        "/messages",
        "/problems",
        "/audit",
        f"/find?q={SCRIPT}",
        f"/messages?why={SCRIPT}",
    ]
    pages += [f"/problems/{one['id']}" for one in problems]
    pages += [f"/dossiers/{one['dossier']}" for one in found if one["dossier"]]
    for one in found:
        here = f"/messages/{one['id']}"
        pages += [here, f"{here}/record", f"{here}/preview?verb=reissue", f"{here}/correct"]

    answers = [hall.client.get(path) for path in pages]
    for one in found:
        form = re.search(r'name="form" value="([^"]*)"', answers[0].text)[1]
        given = {"form": form, "reason": SCRIPT, "verb": "reissue"}
        answers += [
            hall.client.post(f"/messages/{one['id']}/{what}", data=given)
            for what in ("reveal", "preview")
        ]

    assert {answer.status_code for answer in answers} <= {200, 404, 409, 422}
    assert not [str(one.url) for one in answers if SCRIPT in one.text]
    assert any("&lt;script&gt;alert(1)&lt;/script&gt;" in one.text for one in answers[-20:])


def test_of_two_operators_the_second_is_told_what_became_of_the_message(hall):
    hall.town.bring(OURS, *rows_of(OURS))
    first, second = (hall.token(Role.OPERATOR, name=name) for name in ("binh", "chi"))
    (parked,) = hall.messages(first, state="parked")

    done = hall.ask("POST", f"/messages/{parked['id']}/discard", first, json={"reason": WHY})
    late = hall.ask("POST", f"/messages/{parked['id']}/resend", second, json={"reason": WHY})
    seen = hall.ask("GET", f"/messages/{parked['id']}", second).json()

    assert (done.status_code, late.status_code) == (200, 409)
    assert late.json()["code"] == "message.wrong_state"
    assert "discarded" in late.json()["message"]["en"]
    assert late.json()["suggestion"]["vi"]
    assert (seen["state"], seen["may"]) == ("discarded", [])
    history = str(hall.ask("GET", f"/dossiers/{parked['dossier']}", second).json())
    assert "binh" in history
    assert WHY in history


def test_a_message_whose_content_was_erased_is_not_sent_again_and_says_why(hall):
    hall.town.bring(OURS, rows_of(OURS)[0])
    token = hall.token(Role.OPERATOR)
    (sent,) = hall.messages(token, state="delivered")
    gone = {PayloadClass.SUBMISSIONS: timedelta(), PayloadClass.DOCUMENTS: timedelta()}
    later = hall.town.clock() + timedelta(days=999)
    retain(hall.town.store, ages=gone, unqueued=[OURS], clock=lambda: later, apply=True)

    again = hall.ask("POST", f"/messages/{sent['id']}/reissue", token, json={"reason": WHY})

    assert (again.status_code, again.json()["code"]) == (410, "reissue.source_erased")
    assert hall.ask("GET", f"/messages/{sent['id']}", token).json()["state"] == "delivered"


def test_pages_lead_from_a_message_to_its_problem_and_to_what_helps_all_of_it(hall):
    hall.town.bring(OURS, *rows_of(OURS))
    code = make_first_code(hall.town).code
    said = {"code": code, "name": "chi", "full_name": "Chị", "password": PASSWORD}
    first = hall.do("/session/first", "", **said)["token"]
    grants = [{"role": "operator", "agencies": [OURS]}]
    made = hall.do("/accounts", first, name="dung", full_name="Dũng", grants=grants)
    token = hall.do("/session/code", "", code=made["code"], password=PASSWORD)["token"]
    (rejected,) = hall.messages(token, state="rejected")
    hall.app.mount("", make_console(hall.app.state.site))
    hall.client.cookies.set("lienthong", token)

    message = hall.client.get(f"/messages/{rejected['id']}").text
    asking = hall.client.get("/jobs/new?problem=mapping.code_unknown&verb=reissue").text

    assert re.search(r'href="/problems\?agency=ours&amp;code=mapping.code_unknown"', message)
    chosen = re.findall(r'name="(?:verb|state)" value="(\w+)"[^>]* checked', asking)
    assert sorted(chosen) == ["parked", "quarantined", "reissue", "rejected"]


def test_a_corrected_record_is_shown_as_it_is_corrected(hall):
    hall.town.bring(OURS, *rows_of(OURS))
    token = hall.token(*Role)
    (rejected,) = hall.messages(token, state="rejected")
    before = hall.ask("GET", f"/messages/{rejected['id']}/record", token).json()

    corrections = [{"path": "status", "value": "moi"}]
    here = f"/messages/{rejected['id']}/correct"
    made = hall.do(here, token, reason=WHY, corrections=corrections)
    after = hall.ask("GET", f"/messages/{made['new_id']}/record", token).json()

    def of(record):
        (field,) = [one for one in record["fields"] if one["field"] == "TrangThaiHoSo"]
        return field["value"], [one["code"] for one in record["findings"]]

    assert of(before) == (None, ["mapping.code_unknown"])
    assert of(after) == ("2", [])


def test_a_portal_that_rests_is_not_waited_for_by_who_previews(hall, monkeypatch):
    hall.town.bring(OURS, *rows_of(OURS))
    token = hall.token(*Role)
    (parked,) = [
        one for one in hall.messages(token, state="parked") if one["dossier"].endswith("0002")
    ]
    monkeypatch.setattr(previewing, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(Pacer, "allowance", lambda *_, **__: 0)
    asked = {"verb": "resend", "ask_portal": True}

    answer = hall.ask("POST", f"/messages/{parked['id']}/preview", token, json=asked)

    assert (answer.status_code, answer.json()["code"]) == (409, "preview.portal_rests")


ENDS = [
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01",
]


@pytest.mark.parametrize("moment", ENDS)
def test_a_moment_at_either_end_of_the_calendar_is_looked_for_as_any(hall, moment):
    token = hall.token(*Role)
    wanted = {"since": moment}
    kept = hall.ask("PUT", "/filters/messages/x", token, json=wanted | {"until": moment}).json()

    lists = ["/messages", "/problems", "/audit"]
    found = [hall.ask("GET", path, token, params=wanted) for path in lists]
    found += [hall.ask("GET", f"{path}/export", token, params=wanted) for path in lists]
    found.append(hall.ask("GET", f"/messages?{kept['query']}", token))

    assert [one.status_code for one in found] == [200] * 7


def test_a_pause_until_the_end_of_the_calendar_breaks_no_page(hall):
    code = make_first_code(hall.town).code
    said = {"code": code, "name": "chi", "full_name": "Chi", "password": PASSWORD}
    first = hall.do("/session/first", "", **said)["token"]
    token = hall.token(*Role)
    for what, until in zip(("intake", "delivery"), ENDS, strict=False):
        hall.do("/pauses", token, agency=OURS, what=what, until=until, reason=WHY)
    hall.app.mount("", make_console(hall.app.state.site))
    hall.client.cookies.set("lienthong", first)

    page = hall.client.get("/")

    assert page.status_code == 200
    assert len(hall.ask("GET", "/pauses", token).json()["pauses"]) == 2

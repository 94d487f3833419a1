"""What proves, over the API and the console: who gets it, what is in it, what the log says."""

import io
import json
import re
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.app import make_app
from lienthong.api.giving import disposition
from lienthong.evidence import verify_evidence as verifier
from lienthong.flows.retain import PayloadClass, retain
from lienthong.operations import auditing, evidence
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import reading
from lienthong.store.sealed import answer_context, document_context
from lienthong.store.tables import attempts, audit, messages
from lienthong.store.work import begin
from lienthong.testing.evidence_site import AGENCY, QuietSite, land_rows
from tests.contract.store.accounts_site import Accounts, Browser

WHY = {"reason": "thanh tra hỏi"}
AUDITOR = (Role.AUDITOR, AGENCY)


class Office:
    """An installation that has delivered two dossiers, and its API."""

    def __init__(self, site):
        self.site = site
        app = make_app(site, publisher=SimpleNamespace())
        self.client = TestClient(app, raise_server_exceptions=False)
        with reading(site.store) as connection:
            query = select(messages).order_by(messages.c.dossier_code)
            self.message, self.other = connection.execute(query).all()

    def ask(self, path, *who, method="POST", **more):
        role, *agencies = who
        some = frozenset(agencies) if agencies else EVERY
        with begin(self.site.store, at=self.site.clock, actor="root") as work:
            grants = [Grant(role=role, agencies=some)]
            token = make_access_token(work, "an", grants=grants, expires_at=None)
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.request(method, f"/v1{path}", headers=headers, **more)

    def logged(self, action):
        with reading(self.site.store) as connection:
            rows = connection.execute(select(audit).where(audit.c.action == action)).all()
        return [(row.actor, row.subject, json.loads(row.detail)) for row in rows]


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request, tmp_path):
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")(tables=True)
    console = {"totp_required": False}
    site = QuietSite(tmp_path, store_url=url, console=console)
    head, *rows = land_rows(tmp_path, size_bytes=1_500).split(b"\r\n")
    site.hand_in(b"\r\n".join((head, *rows[:2], b"")))
    yield Office(site)
    site.engine.dispose()


@pytest.fixture
def sign_in(office):
    """Sign somebody in who has a role for an agency; return their browser."""
    accounts = Accounts(office.site.store, office.site.clock, installation=office.site)
    browser = Browser(accounts)
    by = accounts.first().json()["token"]

    def open_as(role, agency=AGENCY):
        accounts.account(by, role.value, role.value, agencies=None if agency is None else [agency])
        browser.sign_in(role.value)
        return browser

    return open_as


def verified(office, answer):
    roots = verifier.read_roots([office.site.keyring.folder / "root.cert.pem"])
    return verifier.verify(io.BytesIO(answer.content), verifier.Means(roots=roots))


def test_a_pack_comes_whole_is_proven_and_tells_of_its_own_export(office):
    code = office.message.dossier_code

    answer = office.ask(f"/dossiers/{code}/evidence", *AUDITOR, json=WHY)

    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/vnd.etsi.asic-e+zip"
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{code}.asice"')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    report = verified(office, answer)
    assert (report.verdict, report.dossier) == ("proven", code)
    told = {"whole_files": False, "reason": WHY["reason"]}
    assert office.logged("evidence.exported") == [("an", office.message.id, told)]
    assert list((office.site.settings.data_dir).glob("tmp*")) == []


def test_a_pack_is_also_of_one_message_by_its_id(office):
    answer = office.ask(f"/dossiers/{office.message.id}/evidence", *AUDITOR, json=WHY)

    assert verified(office, answer).verdict == "proven"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ((Role.VIEWER, AGENCY), 403),
        ((Role.OPERATOR, AGENCY), 403),
        ((Role.ADMINISTRATOR,), 403),
        ((Role.AUDITOR, "health"), 404),
    ],
    ids=["viewer", "operator", "administrator", "auditor of another"],
)
def test_packs_are_for_who_may_audit_that_agency(office, who, status):
    for name in (office.message.dossier_code, office.message.id):
        for more in ({}, {"agency": AGENCY}):
            answer = office.ask(f"/dossiers/{name}/evidence", *who, json=WHY | more)
            assert answer.status_code == status

    assert office.logged("evidence.exported") == []


def test_an_auditor_of_another_agency_does_not_get_it_by_naming_their_own(office):
    for name in (office.message.dossier_code, office.message.id):
        asked = WHY | {"agency": "health"}
        answer = office.ask(f"/dossiers/{name}/evidence", Role.AUDITOR, json=asked)
        assert (answer.status_code, answer.json()["code"]) == (404, "dossier.not_found")


@pytest.mark.parametrize(
    "asked",
    [{}, {"reason": "a"}, WHY | {"whole_files": True}, WHY | {"language": "fr"}],
    ids=["no reason", "short reason", "whole files", "no such language"],
)
def test_a_pack_needs_a_reason_and_never_has_whole_files(office, asked):
    answer = office.ask(f"/dossiers/{office.message.dossier_code}/evidence", *AUDITOR, json=asked)

    assert answer.status_code == 422
    assert office.logged("evidence.exported") == []


@pytest.mark.parametrize("code", ["%00", "a%0D%0Ab", "..%2F..%2Fx", "'--", "%F0%9F%92%A9"])
def test_hostile_codes_are_no_dossiers(office, code):
    answer = office.ask(f"/dossiers/{code}/evidence", *AUDITOR, json=WHY)

    assert answer.status_code in (404, 422)


def test_no_more_packs_are_made_at_once_than_there_are_turns(office):
    path = f"/dossiers/{office.message.dossier_code}/evidence"
    with evidence._TURNS.taking(), evidence._TURNS.taking():
        answer = office.ask(path, *AUDITOR, json=WHY)

    assert (answer.status_code, answer.json()["code"]) == (409, "download.busy")
    assert office.ask(path, *AUDITOR, json=WHY).status_code == 200


def test_a_key_that_cannot_sign_is_told_and_nothing_is_written_down(office):
    (office.site.keyring.folder / "operator.key.pem").unlink()

    answer = office.ask(f"/dossiers/{office.message.dossier_code}/evidence", *AUDITOR, json=WHY)

    assert (answer.status_code, answer.json()["code"]) == (503, "api.not_configured")
    assert office.logged("evidence.exported") == []


def test_the_console_gives_a_pack_from_the_pages_of_a_message_and_a_dossier(office, sign_in):
    browser = sign_in(Role.AUDITOR)
    code = office.message.dossier_code

    for path in (f"/messages/{office.message.id}", f"/dossiers/{code}"):
        page = browser.open(path)
        assert 'action="/evidence"' in page.text
        answer = browser.send("/evidence", code=code, agency=AGENCY, **WHY)
        assert verified(office, answer).verdict == "proven"

    said = [(actor, detail["reason"]) for actor, _, detail in office.logged("evidence.exported")]
    assert said == [("auditor", WHY["reason"])] * 2


def test_who_may_not_audit_finds_no_form_for_a_pack_and_gets_none(office, sign_in):
    browser = sign_in(Role.OPERATOR)

    assert "/evidence" not in browser.open(f"/messages/{office.message.id}").text
    answer = browser.send("/evidence", code=office.message.dossier_code, **WHY)
    assert answer.status_code == 403
    assert browser.send("/evidence", form="0" * 64, code="x", **WHY).status_code == 403


def test_the_console_gives_each_list_as_csv_with_the_search_of_its_page(office, sign_in):
    browser = sign_in(Role.AUDITOR)
    code = office.message.dossier_code

    link = f"/messages/export?dossier={code}"
    assert f'href="{link}"' in browser.open(f"/messages?dossier={code}").text
    rows = browser.open(link).content.decode("utf-8-sig").splitlines()
    assert [row.split(",")[0] for row in rows] == ["Mã thông điệp", office.message.id]
    assert 'href="/audit/export"' in browser.open("/audit").text
    assert office.message.id in browser.open("/audit/export").text
    assert browser.open("/problems/export").headers["Content-Type"] == "text/csv; charset=utf-8"
    refused = browser.open("/messages/export?person=012345678901")
    assert (refused.status_code, "012345678901" in refused.text) == (422, False)


REVEALER = (Role.OPERATOR, AGENCY)


def take(office, part, *who, number=1, message=None, **asked):
    path = f"/messages/{message or office.message.id}/attempts/{number}/{part}"
    return office.ask(path, *(who or REVEALER), json=WHY | asked)


def change(office, table, where, **values):
    with office.site.store.engine.begin() as connection:
        connection.execute(update(table).where(where).values(**values))


def test_what_was_sent_and_what_came_are_given_byte_for_byte_and_written_down(office):
    request, answer = take(office, "request"), take(office, "answer")

    assert sha256(request.content).hexdigest() == office.message.document_digest
    assert request.content.startswith(b"<BanTin ")
    assert answer.content == b"<ok/>"
    for got in (request, answer):
        assert got.headers["Content-Type"] == "application/octet-stream"
        assert got.headers["Content-Disposition"].startswith("attachment;")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in got.headers["Content-Security-Policy"]
    assert office.logged("message.viewed") == [
        ("an", office.message.id, WHY | {"what": f"send 1 {part}"})
        for part in ("request", "answer")
    ]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ((Role.VIEWER, AGENCY), 403),
        ((Role.AUDITOR, AGENCY), 403),
        ((Role.ADMINISTRATOR,), 404),
        ((Role.OPERATOR, "health"), 404),
    ],
    ids=["viewer", "auditor", "administrator", "operator of another"],
)
@pytest.mark.parametrize("part", ["request", "answer"])
def test_attempts_are_for_who_may_reveal_that_agency(office, who, status, part):
    assert take(office, part, *who).status_code == status
    assert office.logged("message.viewed") == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"number": 2}, 404),
        ({"number": 0}, 422),
        ({"number": 2**31}, 422),
        ({"number": "1%00"}, 422),
        ({"kind": "lookup"}, 404),
        ({"kind": "other"}, 422),
        ({"reason": ""}, 422),
        ({"message": "nothing"}, 404),
        ({"message": "..%2F..%2Fsettings"}, 404),
    ],
)
@pytest.mark.parametrize("part", ["request", "answer"])
def test_what_is_no_attempt_is_not_found(office, asked, status, part):
    answer = take(office, part, **asked)

    assert answer.status_code == status
    assert office.logged("message.viewed") == []


def test_a_look_up_is_another_attempt_than_the_send_of_its_number(office):
    with office.site.store.engine.begin() as connection:
        key = (office.message.id, "lookup", 1)
        found = office.site.store.vault.seal(b"<found/>", context=answer_context(*key))
        connection.execute(
            insert(attempts).values(
                message_id=key[0],
                kind=key[1],
                number=key[2],
                started_at=office.site.clock(),
                ended_at=office.site.clock(),
                outcome="present",
                answer=found,
                answer_size=8,
            )
        )

    assert take(office, "answer", kind="lookup").content == b"<found/>"
    assert take(office, "answer", kind="send").content == b"<ok/>"
    refused = take(office, "request", kind="lookup")
    assert (refused.status_code, refused.json()["code"]) == (404, "attempt.look_up_not_found")


def test_what_retention_erased_is_gone(office):
    gone = {PayloadClass.DOCUMENTS: timedelta(), PayloadClass.ANSWERS: timedelta()}
    later = office.site.clock() + timedelta(days=999)
    retain(office.site.store, ages=gone, unqueued=(), clock=lambda: later, apply=True)

    for part in ("request", "answer"):
        answer = take(office, part)
        assert (answer.status_code, answer.json()["code"]) == (410, "attempt.payload_erased")
    signature = office.ask(f"/messages/{office.message.id}/signature", *REVEALER, method="GET")
    assert (signature.status_code, signature.json()["code"]) == (410, "message.document_erased")


def test_a_request_that_is_not_what_was_sent_is_not_given(office):
    change(office, attempts, attempts.c.message_id == office.message.id, payload_digest="00" * 32)
    answer = take(office, "request")
    assert (answer.status_code, answer.json()["code"]) == (409, "attempt.request_changed")

    change(office, attempts, attempts.c.message_id == office.other.id, outcome="withheld")
    answer = take(office, "request", message=office.other.id)
    assert (answer.status_code, answer.json()["code"]) == (404, "attempt.request_not_found")
    assert office.logged("message.viewed") == []


def test_the_signature_of_a_document_is_explained_without_its_values(office):
    path = f"/messages/{office.message.id}/signature"

    found = office.ask(path, Role.VIEWER, AGENCY, method="GET").json()

    assert (found["is_intact"], found["is_trusted"]) == (True, True)
    assert (found["covered"], found["agency_code"]) == ("BanTin", "000.00.15.H29")
    # Its certificate is of another agency than the one that the mapping names.
    assert [one["code"] for one in found["faults"]] == ["document.other_agency"]
    assert {one["step"]: one["result"] for one in found["steps"]}["value"] == "passed"
    assert office.ask(path, Role.VIEWER, "health", method="GET").status_code == 404


def test_a_document_that_was_changed_in_the_store_is_told_to_be_not_good(office):
    context = document_context(office.message.id)
    vault = office.site.store.vault
    document = vault.open(office.message.document, context=context)
    other = vault.seal(document.replace(b"<MaHoSo>", b"<MaHoSo>9", 1), context=context)
    change(office, messages, messages.c.id == office.message.id, document=other)

    path = f"/messages/{office.message.id}/signature"
    found = office.ask(path, *REVEALER, method="GET").json()

    assert (found["is_good"], found["is_intact"], found["covered"]) == (False, False, None)
    assert take(office, "request").json()["code"] == "attempt.request_changed"


def test_the_console_gives_requests_and_answers_and_explains_the_signature(office, sign_in):
    browser = sign_in(Role.OPERATOR)
    path = f"/messages/{office.message.id}"

    assert f'action="{path}/attempts"' in browser.open(path).text
    asked = WHY | {"kind": "send", "number": "1", "part": "answer"}
    assert browser.send(f"{path}/attempts", **asked).content == b"<ok/>"
    assert browser.open(path).status_code == 200
    assert browser.send(f"{path}/attempts", **asked | {"reason": ""}).status_code == 422
    page = browser.open(f"{path}/signature").text
    assert "document.other_agency" in page
    assert "đạt" in page


def test_the_whole_log_is_checked_as_the_command_checks_it(office):
    found = office.ask("/audit/verify", Role.AUDITOR).json()

    assert (found["is_whole"], found["faults"], found["more_faults"]) == (True, [], 0)
    assert found["rows"] > found["unsealed"] > 0
    assert [one["seals"] for one in found["witnesses"]] == [found["seals"]]
    assert found["words"][-1] == {
        "words": {"vi": "Không có thay đổi nào", "en": "Nothing was changed"},
        "tone": "good",
    }


def test_a_row_that_was_changed_is_found(office):
    change(office, audit, audit.c.subject == office.message.id, actor="other")

    found = office.ask("/audit/verify", Role.AUDITOR).json()

    assert found["is_whole"] is False
    assert "row.changed" in {one["code"] for one in found["faults"]}
    assert {one["tone"] for one in found["words"]} >= {"bad"}


@pytest.mark.parametrize(
    "who", [AUDITOR, (Role.OPERATOR,), (Role.ADMINISTRATOR,)], ids=lambda who: who[0].value
)
def test_the_whole_log_is_checked_for_who_may_audit_every_agency(office, who):
    assert office.ask("/audit/verify", *who).status_code == 403


def test_one_check_runs_at_a_time_and_not_for_ever(office, monkeypatch):
    with auditing._TURNS.taking():
        busy = office.ask("/audit/verify", Role.AUDITOR)
    assert (busy.status_code, busy.json()["code"]) == (409, "audit.busy")

    monkeypatch.setattr(auditing, "LONGEST_SECONDS", -1)
    long = office.ask("/audit/verify", Role.AUDITOR)
    assert (long.status_code, long.json()["code"]) == (422, "audit.too_long")
    monkeypatch.undo()
    assert office.ask("/audit/verify", Role.AUDITOR).status_code == 200


def test_the_console_checks_the_log_on_its_page(office, sign_in):
    browser = sign_in(Role.AUDITOR, None)

    assert 'action="/audit/verify"' in browser.open("/audit").text
    page = browser.send("/audit/verify")
    assert page.status_code == 200
    assert "Không có thay đổi nào" in page.text
    assert browser.send("/audit/verify", form="0" * 64).status_code == 403


def test_who_audits_one_agency_finds_no_check_on_the_page(office, sign_in):
    browser = sign_in(Role.AUDITOR)

    assert "/audit/verify" not in browser.open("/audit").text
    assert browser.send("/audit/verify").status_code == 403


@pytest.mark.parametrize(
    ("name", "plain"),
    [('a"; filename="b.exe', "a___filename__b.exe"), ("hồ sơ\r\n.asice", "h__s___.asice")],
)
def test_the_name_of_a_file_breaks_no_header(name, plain):
    header = disposition(name)

    assert header.isascii()
    assert re.fullmatch(r"attachment; filename=\"[\w.-]+\"; filename\*=UTF-8''[\w.%~-]+", header)
    assert f'"{plain}"' in header

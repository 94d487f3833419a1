"""The operators' HTTP API: who sees what, who may do what, and what bad requests get."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from openapi_spec_validator import validate
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, RIGHTS, Grant, Right, Role
from lienthong.api.app import make_app
from lienthong.channels.port import Answer, Outcome
from lienthong.flows.hints import DELIVER, hint
from lienthong.store.access_tokens import make_access_token, revoke_access_token
from lienthong.store.api_requests import claim_request
from lienthong.store.database import reading
from lienthong.store.tables import audit, submissions
from lienthong.store.tokens import make_token
from lienthong.store.work import begin
from mappings import load_agencies
from schemas.errors import ConfigError
from schemas.problem import Place, Problem, Text

ROOT = Path(__file__).parents[3]
SECRET = "Nguyễn Văn Bí Mật"
MAPPING = """
mapping: land
version: 1
schema: dvcqg-2020
agency: {code: "000.00.15.H29", name: "Sở Thử nghiệm"}
source: {format: csv}
dossier:
  MaHoSo: dossier
  ChuHoSo: {from: content, text: [collapse_spaces]}
  LoaiDoiTuong: {constant: "1"}
  MaTTHC: {constant: "1.001612"}
  TenTTHC: {constant: "Thủ tục"}
  MaLinhVuc: {constant: "G07-KH02"}
  TenLinhVuc: {constant: "Lĩnh vực"}
  NgayTiepNhan: {constant: "20250707081500"}
  TrangThaiHoSo: {constant: "2"}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: "Sở Thử nghiệm"}
tests:
  - name: a record
    record: {dossier: "H29.15-250707-0001", content: "Nguyễn Thị  Mẫu"}
    dossier: {ChuHoSo: "Nguyễn Thị Mẫu"}
"""
REJECTED = Answer(outcome=Outcome.REJECTED, code="-1", message=SECRET)
WHY = {"reason": "đã sửa ở Cổng"}


class Api:
    """The application in this process, and tokens for it."""

    def __init__(self, exchange, mappings, data_dir=None):
        self.exchange = exchange
        self.installation = SimpleNamespace(
            settings=SimpleNamespace(data_dir=data_dir),
            store=exchange.store,
            clock=exchange.clock,
            agency=self._agency,
            mappings=mappings,
            services={},
            portals=frozenset(),
        )
        app = make_app(self.installation, publisher=exchange.broker)
        self.client = TestClient(app, raise_server_exceptions=False)

    @staticmethod
    def _agency(_name, _service=None):
        raise ConfigError(Text(vi="khóa hết hạn", en="key expired"), code="key.expired")

    def token(self, *roles, agencies=EVERY, name="an", **more):
        with begin(self.exchange.store, at=self.exchange.clock, actor="root") as work:
            expires_at = work.at + more["lasts"] if "lasts" in more else None
            some = agencies if agencies is EVERY else frozenset(agencies)
            grants = [Grant(role=role, agencies=some) for role in roles]
            return make_access_token(work, name, grants=grants, expires_at=expires_at)

    def ask(self, path, token, method="GET", **more):
        headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
        return self.client.request(method, f"/v1{path}", headers=headers, **more)

    def act(self, path, token, key=None, **said):
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.ask(path, token, "POST", json=WHY | said, headers=headers)

    def logged(self, action):
        with reading(self.exchange.store) as connection:
            rows = connection.execute(select(audit).where(audit.c.action == action)).all()
        return [(row.actor, row.subject, json.loads(row.detail)) for row in rows]


@pytest.fixture
def api(exchange, tmp_path):
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "land.yaml").write_text(MAPPING, encoding="utf-8")
    return Api(exchange, load_agencies(tmp_path / "mappings"))


@pytest.fixture
def parked(exchange, record, event):
    """Have m1 of land refused by the portal, and m2 of health delivered."""
    exchange.portal.answers = [REJECTED]
    for agency, made in (("land", event("m1")), ("health", event("m2", "D-2"))):
        due = exchange.take(record(1, made), agency=agency)
        exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
        exchange.step(2)
        exchange.clock.tick(seconds=1)
    assert exchange.states() == [("m1", "parked"), ("m2", "delivered")]


def test_who_asks_is_told_what_they_may(api):
    token = api.token(Role.VIEWER, agencies=["land"], name="binh")

    answer = api.ask("/me", token)

    assert answer.status_code == 200
    assert answer.json() == {
        "name": "binh",
        "grants": [{"role": "viewer", "agencies": ["land"], "rights": ["view"]}],
    }
    assert answer.headers["Cache-Control"] == "no-store"


def bad_tokens(api):
    yield ""
    yield "lto_0000000000000000_" + "A" * 43
    yield api.token(Role.VIEWER)[:-1]
    yield api.token(Role.VIEWER) + "\u0301"
    with begin(api.exchange.store, at=api.exchange.clock) as work:
        yield make_token(work, "land", expires_at=None)
    late = api.token(Role.VIEWER, lasts=timedelta(hours=1))
    api.exchange.clock.tick(hours=2)
    yield late
    ended = api.token(Role.VIEWER)
    with begin(api.exchange.store, at=api.exchange.clock) as work:
        revoke_access_token(work, ended.split("_")[1])
    yield ended


def test_whatever_is_no_token_opens_nothing(api):
    answers = [
        api.client.get("/v1/me", headers={"Authorization": f"Bearer {token}".encode()})
        for token in bad_tokens(api)
    ]
    answers.append(api.client.get("/v1/me"))
    answers.append(api.client.get("/v1/me", headers={"Authorization": "Basic YTpi"}))

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["code"] for answer in answers} == {"http.token"}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


def test_an_agency_sees_nothing_of_another_and_cannot_tell_that_it_is_there(api, parked):
    token = api.token(Role.OPERATOR, agencies=["health"])

    listed = api.ask("/messages", token).json()["messages"]
    asked = [
        lambda name: api.ask(f"/messages/{name}", token),
        lambda name: api.act(f"/messages/{name}/reveal", token),
        lambda name: api.act(f"/messages/{name}/resend", token),
        lambda name: api.act(f"/messages/{name}/reissue", token),
        lambda name: api.act(f"/messages/{name}/discard", token, key="k"),
    ]
    pairs = [(ask("m1"), ask("m0")) for ask in asked]
    pairs.append((api.ask("/dossiers/D-1", token), api.ask("/dossiers/D-0", token)))

    assert [one["id"] for one in listed] == ["m2"]
    assert api.ask("/messages?agency=land", token).json()["messages"] == []
    assert api.ask("/dossiers/D-1?agency=land", token).status_code == 404
    assert [one["agency"] for one in api.ask("/overview", token).json()["agencies"]] == ["health"]
    for theirs, nobodys in pairs:
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.text.replace("m1", "m0").replace("D-1", "D-0") == nobodys.text
    assert api.exchange.state_of("m1") == "parked"
    assert api.logged("message.viewed") == []


def test_a_right_is_needed_for_the_agency_at_hand(api, parked):
    token = api.token(Role.VIEWER, agencies=["land"])

    answers = [api.act(f"/messages/m1/{verb}", token) for verb in ("resend", "discard", "reveal")]

    assert {answer.status_code for answer in answers} == {403}
    assert "replay_one" in answers[0].json()["message"]["en"]
    assert "operator" in answers[0].json()["suggestion"]["vi"]
    assert api.exchange.state_of("m1") == "parked"


def test_who_gives_rights_has_none_over_dossiers(api, parked):
    token = api.token(Role.ADMINISTRATOR)

    answers = [api.ask("/messages", token), api.ask("/overview", token), api.ask("/me", token)]

    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert api.ask("/messages/m1", token).status_code == 404


def test_no_role_may_both_ask_for_many_and_approve_them():
    assert not [role for role in Role if {Right.REPLAY_MANY, Right.APPROVE} <= RIGHTS[role]]


def test_a_parked_message_goes_again_in_the_name_of_who_asked(api, parked):
    token = api.token(Role.OPERATOR, agencies=["land"], name="binh")

    done = api.act("/messages/m1/resend", token)
    again = api.act("/messages/m1/resend", token)

    assert (done.status_code, done.json()) == (200, {"id": "m1", "new_id": None})
    assert again.status_code == 409
    assert again.json()["code"] == "message.wrong_state"
    assert api.exchange.state_of("m1") == "ready"
    acts = [entry for entry in api.logged("message.ready") if entry[0] == "binh"]
    assert [(subject, detail["reason"]) for _, subject, detail in acts] == [("m1", WHY["reason"])]


def test_a_request_under_a_key_is_carried_out_once(api, parked):
    token = api.token(Role.OPERATOR, name="binh")

    first = api.act("/messages/m1/discard", token, key="k-1")
    again = api.act("/messages/m1/discard", token, key="k-1")
    other = api.act("/messages/m1/discard", token, key="k-1", reason="another reason")
    plain = api.act("/messages/m1/discard", token)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "api.key_conflict")
    assert (plain.status_code, plain.json()["code"]) == (409, "message.wrong_state")
    assert len(api.logged("message.discarded")) == 1


def test_a_key_is_its_users_own(api, parked):
    one, two = (api.token(Role.OPERATOR, name=name) for name in ("binh", "chi"))

    assert api.act("/messages/m1/resend", one, key="k").status_code == 200
    assert api.act("/messages/m1/resend", two, key="k").json()["code"] == "message.wrong_state"


def test_what_was_refused_under_a_key_may_be_asked_for_again(api, parked):
    token = api.token(Role.OPERATOR)

    refused = api.act("/messages/m2/resend", token, key="k")
    again = api.act("/messages/m2/resend", token, key="k")

    assert (refused.json()["code"], again.json()["code"]) == ("message.wrong_state",) * 2


def test_a_request_that_broke_off_is_not_carried_out_again(api, parked):
    token = api.token(Role.OPERATOR)
    asked = {"verb": "resend", "message": "m1", "reason": WHY["reason"]}
    with begin(api.exchange.store, at=api.exchange.clock) as work:
        written = json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()
        assert claim_request(work, "an", "k", asked=written) is None

    answer = api.act("/messages/m1/resend", token, key="k")

    assert (answer.status_code, answer.json()["code"]) == (409, "api.not_ended")
    assert api.exchange.state_of("m1") == "parked"


def test_what_the_portal_said_is_shown_to_whom_gives_a_reason(api, parked):
    token = api.token(Role.OPERATOR, name="binh")

    masked = api.ask("/messages/m1", token)
    shown = api.act("/messages/m1/reveal", token, reason="cơ quan hỏi")

    assert SECRET not in masked.text
    assert masked.json()["tries"][0]["code"] == "-1"
    assert masked.json()["may"] == ["resend", "reissue", "correct", "discard"]
    assert shown.json()["tries"][0]["message"] == SECRET
    assert api.logged("message.viewed") == [("binh", "m1", {"reason": "cơ quan hỏi"})]


def test_values_in_findings_are_masked_wherever_they_stand(api, record):
    found = Problem(
        code="value.date",
        message=Text(vi=f"«{SECRET}» không phải ngày dd/MM", en=f"'{SECRET}' is no 'dd/MM'"),
        suggestion=Text(vi=f'Sửa "{SECRET}" ở cột "Ngày"', en='Mend column "Ngày"'),
        value=SECRET,
        place=Place(row=2, column="Ngày"),
    )
    rejected = record(1, dossier="D-9")
    object.__setattr__(rejected, "problems", (found,))
    api.exchange.take(rejected)
    token = api.token(Role.OPERATOR)

    listed = api.ask("/messages", token)
    (finding,) = listed.json()["messages"][0]["findings"]
    where = f"/messages/{listed.json()['messages'][0]['id']}"

    assert SECRET not in listed.text + api.ask(where, token).text
    assert finding["value"] == "Xxxxxx Xxx Xx Xxx"[: len(finding["value"])]
    assert finding["message"]["en"].endswith("is no 'dd/MM'")
    assert finding["suggestion"]["vi"].endswith('ở cột "Ngày"')
    assert SECRET in api.act(f"{where}/reveal", token).text


def test_a_record_stands_beside_what_becomes_of_it(api, desk):
    desk.receive(f"H29.15-250707-0001,{SECRET}", f"H29.15-250707-0002,{SECRET}  An")
    desk.run()
    token = api.token(Role.OPERATOR, agencies=["land"], name="binh")
    (_, second) = (name for name, _ in api.exchange.states())

    masked = api.ask(f"/messages/{second}/record", token)
    shown = api.act(f"/messages/{second}/record/reveal", token)

    (owner,) = (one for one in shown.json()["fields"] if one["field"] == "ChuHoSo")
    assert owner["value"] == f"{SECRET} An"
    assert owner["steps"][0]["place"]["row"] == 3
    assert owner["steps"][0]["place"]["column"] == "B (content)"
    assert SECRET not in masked.text
    assert "Xxxxxx Xxx Xx Xxx" in masked.text
    (hidden, status) = (
        one for one in masked.json()["fields"] if one["field"] in ("ChuHoSo", "TrangThaiHoSo")
    )
    assert "'content'" in hidden["steps"][0]["words"]["en"]
    assert status["value"] == "2"
    assert (masked.json()["made_by"], masked.json()["is_same_mapping"]) == ("fake@1", False)
    assert [finding["code"] for finding in owner["findings"]] == []
    assert api.logged("message.viewed") == [("binh", second, {"reason": WHY["reason"]})]


def test_a_record_whose_source_was_erased_is_said_to_be(api, desk):
    desk.receive(f"H29.15-250707-0001,{SECRET}")
    desk.run()
    token = api.token(Role.OPERATOR)
    ((message, _),) = api.exchange.states()
    with begin(api.exchange.store, at=api.exchange.clock) as work:
        work.connection.execute(update(submissions).values(erased_at=work.at))

    answer = api.ask(f"/messages/{message}/record", token)

    assert (answer.status_code, answer.json()["code"]) == (410, "reissue.source_erased")


def test_a_mapping_that_cannot_be_used_is_the_servers_matter(api, desk, tmp_path):
    desk.receive(f"H29.15-250707-0001,{SECRET}")
    desk.run()
    ((message, _),) = api.exchange.states()
    (tmp_path / "mappings" / "land.yaml").write_text("mapping: [", encoding="utf-8")

    answer = api.ask(f"/messages/{message}/record", api.token(Role.VIEWER))

    assert (answer.status_code, answer.json()["code"]) == (503, "api.not_configured")
    assert str(tmp_path) not in answer.text


def test_a_preview_says_what_would_be_done_and_does_nothing(api, parked):
    token = api.token(Role.OPERATOR, agencies=["land"])
    before = api.exchange.states(), api.logged("message.ready")

    resend = api.ask("/messages/m1/preview", token, "POST", json={"verb": "resend"}).json()
    reissue = api.ask("/messages/m1/preview", token, "POST", json={"verb": "reissue"}).json()

    assert (resend["would_be_done"], resend["document"]) == (True, "kept")
    assert resend["outlook"]["is_turn"] is True
    assert (reissue["would_be_done"], reissue["problem"]["code"]) == (False, "key.expired")
    assert (api.exchange.states(), api.logged("message.ready")) == before


def test_a_preview_is_for_who_may_act(api, parked):
    say = {"json": {"verb": "resend"}}
    viewer = api.token(Role.VIEWER, agencies=["land"])
    other = api.token(Role.OPERATOR, agencies=["health"])

    answers = [api.ask("/messages/m1/preview", who, "POST", **say) for who in (viewer, other)]

    assert [answer.status_code for answer in answers] == [403, 404]


def test_whoever_has_values_shown_in_a_preview_stands_in_the_log(api, parked):
    token = api.token(Role.OPERATOR, name="binh")
    say = {"verb": "resend", "reveal": "kiểm tra"}

    answer = api.ask("/messages/m1/preview", token, "POST", json=say)

    assert answer.json()["is_revealed"]
    assert api.logged("message.viewed") == [("binh", "m1", {"reason": "kiểm tra"})]


def test_an_auditor_of_some_agencies_sees_what_is_about_theirs(api, parked):
    with begin(api.exchange.store, at=api.exchange.clock) as work:
        work.note("key.installed", "land")
    one, every = api.token(Role.AUDITOR, agencies=["land"]), api.token(Role.AUDITOR)

    theirs = api.ask("/audit?limit=500", one).json()["rows"]
    whole = api.ask("/audit?limit=500", every).json()["rows"]

    assert {row["subject"] for row in theirs} == {"s1", "m1"}
    assert {"s2", "m2", "land"} <= {row["subject"] for row in whole}
    assert [row["row"] for row in whole] == sorted((row["row"] for row in whole), reverse=True)
    assert api.ask("/audit?subject=m2", one).json() == {"rows": [], "next": None}
    assert api.ask("/audit", api.token(Role.OPERATOR)).status_code == 403


def test_the_audit_log_is_searched_page_by_page(api, parked):
    token = api.token(Role.AUDITOR)
    wanted = [row["row"] for row in api.ask("/audit?event=message.", token).json()["rows"]]
    seen, more = [], ""
    while more is not None:
        page = api.ask(f"/audit?event=message.&limit=2{more}", token).json()
        seen += [row["row"] for row in page["rows"]]
        more = page["next"] and f"&before={page['next']}"

    assert seen == wanted
    assert api.ask("/audit?since=2026-03-02T15:00:03", token).json()["rows"]
    assert not api.ask("/audit?since=2027-01-01T00:00:00Z", token).json()["rows"]
    assert api.ask("/audit?before=99999999999999999999", token).status_code == 422


def test_a_list_goes_on_where_the_page_before_ended(api, record, event):
    ids = [f"m{number}" for number in range(5)]
    for number, name in enumerate(ids):
        api.exchange.take(record(number + 1, event(name, f"D-{number}")))
        api.exchange.clock.tick(seconds=number % 2)
    token = api.token(Role.VIEWER)
    seen, cursor = [], ""
    for _ in range(3):
        page = api.ask(f"/messages?limit=2{cursor}", token).json()
        seen += [one["id"] for one in page["messages"]]
        cursor = f"&cursor={page['next']}"

    assert sorted(seen) == ids
    assert page["next"] is None


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/messages?dossier=" + "9" * 10_000, "query.dossier"),
        ("/messages?limit=0", "query.limit"),
        ("/messages?limit=999999999999999999999999", "query.limit"),
        ("/messages?state=Nguyen", "query.state.0"),
        ("/messages?" + "state=parked&" * 14 + "state=ready", "query.state"),
        ("/messages/export?until=1772409600", "query.until"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named_and_not_repeated(api, path, field):
    answer = api.ask(path, api.token(Role.VIEWER))

    assert (answer.status_code, answer.json()["code"]) == (422, "api.request")
    assert field in answer.json()["message"]["vi"]
    assert path.rpartition("=")[2] not in answer.text


def test_messages_are_found_by_the_number_of_a_person(api, record, event):
    named = event("m1", identities=("079080001234",))
    api.exchange.take(record(1, named), record(2, event("m2", "D-2")))
    token = api.token(Role.VIEWER, name="binh")
    theirs = api.token(Role.VIEWER, agencies=["health"])
    asked = {"person": "079.080 001234"}

    found = api.ask("/messages/search", token, "POST", json=asked)
    nothing = api.ask("/messages/search", theirs, "POST", json=asked)

    assert [one["id"] for one in found.json()["messages"]] == ["m1"]
    assert nothing.json()["messages"] == []
    ((actor, subject, detail), _) = api.logged("message.searched")
    assert (actor, subject, detail["found"]) == ("binh", "person", 1)
    assert "079080001234" not in json.dumps(detail)


def test_a_name_is_no_number_to_look_for(api):
    token = api.token(Role.VIEWER)

    answer = api.ask("/messages/search", token, "POST", json={"person": SECRET})

    assert (answer.status_code, answer.json()["code"]) == (422, "list.person")
    assert SECRET not in answer.text
    assert api.logged("message.searched") == []


def test_messages_are_found_by_what_is_wrong_with_them_and_when(api, record, event):
    api.exchange.take(record(1, event("m1")), record(2, dossier="D-9"))
    token = api.token(Role.VIEWER)

    def found(query):
        return len(api.ask(f"/messages?{query}", token).json()["messages"])

    assert found("problem=mapping.field_missing") == found("problem=mapping.*") == 1
    assert found("problem=value.*") == 0
    assert found("since=2026-03-02T15:00:00") == 2
    assert found("until=2026-03-02T08:00:00Z") == 0


@pytest.mark.parametrize("cursor", ["x", "====", "MjAyNiAxMg", "\u00e9", "%00"])
def test_a_cursor_of_somebody_elses_making_is_refused(api, cursor):
    answer = api.ask(f"/messages?cursor={cursor}", api.token(Role.VIEWER))

    assert (answer.status_code, answer.json()["code"]) == (422, "list.cursor")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"reason": ""}', b'{"reason": "why", "as": "root"}', b"\xff\xfe", b"\x80"],
)
def test_a_body_that_cannot_be_used_does_nothing(api, parked, body):
    answer = api.ask(
        "/messages/m1/discard",
        api.token(Role.OPERATOR),
        "POST",
        content=body,
        headers={"Content-Type": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "api.request")
    assert api.exchange.state_of("m1") == "parked"


def test_a_body_without_end_is_not_read_to_its_end(api, parked):
    given = []

    def endless():
        while len(given) < 1_000:
            given.append(1)
            yield b" " * 10_000

    answer = api.ask("/messages/m1/discard", api.token(Role.OPERATOR), "POST", content=endless())

    assert (answer.status_code, answer.json()["code"]) == (413, "http.too_much")


def test_nothing_is_at_another_address(api):
    token = api.token(Role.VIEWER)

    answers = [api.ask("/nothing", token), api.ask("/me", token, "DELETE")]

    assert [answer.json()["code"] for answer in answers] == ["http.address", "http.method"]
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}


def test_a_store_that_is_away_is_said_to_be(api, monkeypatch):
    token = api.token(Role.VIEWER)

    def fail(*_args, **_more):
        raise OperationalError("SELECT 'Nguyễn'", {}, Exception("gone"))

    monkeypatch.setattr("lienthong.operations.messages.list_messages", fail)
    answer = api.ask("/messages", token)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Nguyễn" not in answer.text


def test_an_error_of_ours_says_nothing_of_what_it_was_about(api, monkeypatch):
    token = api.token(Role.VIEWER)

    def fail(*_args, **_more):
        raise LookupError(SECRET)

    monkeypatch.setattr("lienthong.operations.messages.list_messages", fail)
    answer = api.ask("/messages", token)

    assert (answer.status_code, answer.json()["code"]) == (500, "http.failed")
    assert SECRET not in answer.text


DESCRIBED = json.loads((ROOT / "docs/operators-api.json").read_text(encoding="utf-8"))


def test_the_description_is_kept(api):
    found = api.client.get("/v1/openapi.json").json()

    assert found == DESCRIBED, "write it to docs/operators-api.json: scripts/operators_api.py"


def test_the_kept_description_is_valid_openapi():
    validate(DESCRIBED)
    assert DESCRIBED["openapi"].startswith("3.1")

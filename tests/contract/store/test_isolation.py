"""Nothing of an agency reaches who has rights for another alone, by any operation or page."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lienthong.access.rights import Role
from lienthong.console.app import make_console
from lienthong.operations.signing_in import make_first_code
from tests.contract.store.accounts_site import PASSWORD
from tests.contract.store.town import (
    DATES,
    MARKS,
    OURS,
    PAPERS,
    SHARED,
    THEIRS,
    WHY,
    Hall,
    Town,
    fill,
    kept,
)

ROOT = Path(__file__).parents[3]
DESCRIBED = json.loads((ROOT / "docs/operators-api.json").read_text(encoding="utf-8"))
OPERATIONS = [
    (method.upper(), path) for path, item in DESCRIBED["paths"].items() for method in item
]
OF_PEOPLE = ("/v1/session", "/v1/accounts")
"""About who signs in; no agency's, and tried in tests of their own."""
OF_ONESELF = ("/v1/filters",)
"""What everybody has for themselves, whatever their agencies; who asks has none of anybody else."""
ROLES = [role for role in Role if role is not Role.ADMINISTRATOR]
PAGES = (
    "/",
    "/home/now",
    "/find",
    "/messages",
    "/messages/export",
    "/problems",
    "/problems/export",
    "/jobs",
    "/jobs/new",
    "/deadlines",
    "/traffic",
    "/site",
    "/site/mappings",
    "/site/mappings/{agency}",
    "/site/catalogue",
    "/site/sources",
    "/site/queues",
    "/site/keys",
    "/audit",
    "/audit/export",
    "/account",
    "/messages/{message_id}",
    "/messages/{message_id}/record",
    "/messages/{message_id}/preview",
    "/messages/{message_id}/discard",
    "/messages/{message_id}/correct",
    "/messages/{message_id}/signature",
    "/problems/{problem_id}",
    "/jobs/{job_id}",
    "/jobs/{job_id}/now",
    "/jobs/{job_id}/preview",
    "/dossiers/{code:path}",
)
SIGNING_IN = {"/sign-in", "/sign-in/provider", "/sign-in/provider/return", "/code", "/first"}
FOR_ANYBODY = SIGNING_IN | {"/account/password", "/accounts", "/accounts/{name}"}


class Sides:
    """A filled town, and who has every right for one of its agencies."""

    def __init__(self, hall):
        self.hall = hall
        self.root = fill(hall)
        self.ours = hall.token(*ROLES, agencies=[OURS], name="binh")
        self.ids = {name: self._ids(name) for name in (OURS, THEIRS)}
        self._keep_theirs()
        self.secrets = (*MARKS, *(one for some in self.ids[THEIRS].values() for one in some))

    def _ids(self, agency):
        """Return what an agency's things are called, by the parameter that takes it."""
        hall = self.hall
        token = hall.token(*ROLES, agencies=[agency], name=f"of-{agency}")
        found = hall.messages(token)
        problems = hall.ask("GET", "/problems", token).json()["problems"]
        jobs = hall.ask("GET", "/replay-jobs", token).json()["jobs"]
        return {
            "agency": [agency],
            "message_id": [one["id"] for one in found],
            "problem_id": [one["id"] for one in problems if one["agency"] == agency],
            "job_id": [one["id"] for one in jobs],
            "code": [one["dossier"] for one in found if one["dossier"] != SHARED],
        }

    def _keep_theirs(self):
        """Have who has rights for the other agency keep searches under a name of it."""
        token = self.hall.token(*ROLES, agencies=[THEIRS], name=f"of-{THEIRS}")
        for page in ("messages", "problems"):
            said = {"text": THEIRS, "agency": THEIRS}
            path = f"/filters/{page}/{THEIRS}"
            assert self.hall.ask("PUT", path, token, json=said).is_success

    def look(self, answer, asked=()):
        """Fail where an answer tells anything of theirs that was not asked with."""
        said = (answer.text + json.dumps(dict(answer.headers))).lower()
        for one in asked:
            said = said.replace(one.lower(), "")
        found = [one for one in self.secrets if one.lower() in said]
        assert not found, f"{answer.request.method} {answer.request.url} tells {found}"


@pytest.fixture(params=["sqlite", "postgresql"])
def sides(request, tmp_path):
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("make_database")(tables=True)
    town = Town(tmp_path, store_url=url)
    yield Sides(Hall(town))
    town.engine.dispose()


def described(method, path):
    return DESCRIBED["paths"][path][method.lower()]


def body_of(operation, ids):
    """Return a body that an operation takes, about what is called so."""
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return None
    name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
    if name not in BODIES:
        pytest.fail(f"the body {name} is new: say in BODIES what it asks for of another agency")
    return BODIES[name](ids)


BODIES = {
    "Asked": lambda ids: {"reason": WHY},
    "AttemptAsked": lambda ids: {"reason": WHY},
    "PackAsked": lambda ids: {"reason": WHY, "language": "en"},
    "Wish": lambda ids: {"person": PAPERS[THEIRS]},
    "PreviewAsked": lambda ids: {"verb": "reissue", "reveal": WHY},
    "CorrectAsked": lambda ids: {
        "reason": WHY,
        "corrections": [{"path": "owner", "value": "Lê"}],
    },
    "Decision": lambda ids: {"reason": WHY, "version": 1},
    "ChosenReplay": lambda ids: {"selection": {"ids": ids["message_id"]}, "verb": "resend"},
    "AskedReplay": lambda ids: {
        "selection": {"ids": ids["message_id"]},
        "verb": "resend",
        "reason": WHY,
    },
    "Approval": lambda ids: {"digest": "0" * 64},
    "WhyReplay": lambda ids: {"reason": WHY},
    "AskedPause": lambda ids: {"agency": THEIRS, "what": "intake", "reason": WHY},
    "ImpactAsked": lambda ids: {"yaml": f"mapping: {THEIRS}"},
    "AskedResume": lambda ids: {"agency": THEIRS, "reason": WHY},
}
NUMBERS = {"number": ["1"]}
FILTERS = {
    "state": [None],
    "agency": [None, OURS, THEIRS],
    "dossier": [None, SHARED, f"H29.15-{DATES[THEIRS]}-0001"],
    "problem": ["problem_id"],
    "text": [None, THEIRS, "a"],
    "why": [None, "a"],
    "since": [None, "2020-01-01T00:00:00Z"],
    "until": [None, "2090-01-01T00:00:00Z"],
    "format": [None],
    "language": [None, "en"],
    "limit": [None, "1", "200"],
    "cursor": [None],
    "count": [None, "true"],
    "before": ["job_id"],
    "after": [None, "0"],
    "owner": [None],
    "code": [None, "*"],
    "page": [None, "messages", "problems"],
    "subject": ["message_id"],
    "actor": [None, "root", f"{THEIRS}-sender"],
    "event": [None, "message.", "submission."],
}
"""Values of each parameter of an address; in place of a word for ids, those of both agencies."""


def values_of(name, sides):
    """Return what a parameter of an address may be given."""
    if name not in FILTERS:
        pytest.fail(f"the parameter {name} is new: say in FILTERS what it may be given")
    values = []
    for one in FILTERS[name]:
        both = [] if one is None else [ids[one] for ids in sides.ids.values() if one in ids]
        values += [each for some in both for each in some[:2]] if both else [one]
    return [None, *(one for one in values if one is not None)]


def places(path, ids):
    """Return the addresses of a path for what is called so."""
    found = [path.removeprefix("/v1")]
    for name in re.findall(r"{(\w+)", path):
        known = (ids | NUMBERS).get(name)
        if known is None:
            pytest.fail(f"the parameter {name} is new: say whose it is")
        found = [
            re.sub("{" + name + "[^}]*}", one, each, count=1) for each in found for one in known
        ]
    return found


def asked_of(method, path):
    operation = described(method, path)
    return [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]


def test_what_is_another_agencys_is_as_if_it_were_not_there_and_stays_as_it_is(sides):
    before = kept(sides.hall.town.store)
    theirs = sides.ids[THEIRS]
    nobodys = {name: ["0" * len(some[0])] for name, some in theirs.items()}

    for method, path in OPERATIONS:
        if path.startswith((*OF_PEOPLE, *OF_ONESELF)) or "{" not in path:
            continue
        body = body_of(described(method, path), theirs)
        (nothing,) = places(path, nobodys)
        for place in places(path, theirs):
            answer = sides.hall.ask(method, place, sides.ours, json=body)
            other = sides.hall.ask(method, nothing, sides.ours, json=body)
            sides.look(answer, place.split("/"))
            assert answer.status_code == other.status_code == 404, (method, place, answer.text)
            assert without(answer.text, place) == without(other.text, nothing), (method, place)

    assert kept(sides.hall.town.store) == before


def without(text, place):
    """Return a text without what was asked for."""
    for part in place.split("/"):
        if len(part) > 8:
            text = text.replace(part, "…")
    return text


def test_what_somebody_keeps_for_themselves_is_nobody_elses(sides):
    before = kept(sides.hall.town.store)

    mine = sides.hall.ask("GET", "/filters", sides.ours)
    gone = [
        sides.hall.ask("DELETE", f"/filters/{page}/{name}", sides.ours)
        for page in ("messages", "problems")
        for name in (THEIRS, "nobody's")
    ]

    assert mine.json() == {"filters": []}
    assert [one.status_code for one in gone] == [404] * 4
    assert len({one.text for one in gone}) == 1
    assert kept(sides.hall.town.store) == before


def test_acts_on_all_at_once_take_nothing_of_another_agency(sides):
    theirs = sides.ids[THEIRS]

    def rows():
        found = kept(sides.hall.town.store)
        secret = tuple(sides.secrets)
        return {
            name: [row for row in some if any(one in row.lower() for one in secret)]
            for name, some in found.items()
        }

    before = rows()
    for method, path in OPERATIONS:
        if path.startswith(OF_PEOPLE) or "{" in path or method == "GET":
            continue
        answer = sides.hall.ask(
            method,
            path.removeprefix("/v1"),
            sides.ours,
            json=body_of(described(method, path), theirs),
        )
        sides.look(answer)
        if path not in ("/v1/messages/search", "/v1/replay-jobs/selection"):
            assert answer.status_code in (403, 404, 422), (path, answer.text)
    assert rows() == before


def test_no_combination_of_filters_finds_anything_of_another_agency(sides):
    lists = [
        (path.removeprefix("/v1"), asked_of(method, path))
        for method, path in OPERATIONS
        if method == "GET" and "{" not in path and not path.startswith(OF_PEOPLE)
    ]

    @settings(
        max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck
    )
    @given(st.data())
    def ask(data):
        path, names = data.draw(st.sampled_from(lists))
        chosen = {name: data.draw(st.sampled_from(values_of(name, sides))) for name in names}
        given_ = {name: one for name, one in chosen.items() if one is not None}
        sides.look(sides.hall.ask("GET", path, sides.ours, params=given_))

    for path, _ in lists:
        sides.look(sides.hall.ask("GET", path, sides.ours))
    for place in places_of_ours(sides):
        sides.look(sides.hall.ask("GET", place, sides.ours))
    ask()


def places_of_ours(sides):
    return [
        place
        for method, path in OPERATIONS
        if method == "GET" and "{" in path and not path.startswith(OF_PEOPLE)
        for place in places(path, sides.ids[OURS] | {"code": [SHARED, *sides.ids[OURS]["code"]]})
    ]


def test_no_page_shows_anything_of_another_agency(sides):
    hall, town = sides.hall, sides.hall.town
    console = make_console(hall.app.state.site)
    known = {
        route.path
        for pages in console.routes
        if hasattr(pages, "original_router")
        for route in pages.original_router.routes
        if "GET" in route.methods
    }
    assert known - FOR_ANYBODY == set(PAGES), "a page is new: say in PAGES what it is about"
    hall.app.mount("", console)
    code = make_first_code(town).code
    said = {"code": code, "name": "chi", "full_name": "Chị", "password": PASSWORD}
    first = hall.do("/session/first", "", **said)["token"]
    grants = [{"role": role.value, "agencies": [OURS]} for role in ROLES]
    made = hall.do("/accounts", first, name="dung", full_name="Dũng", grants=grants)
    token = hall.do("/session/code", "", code=made["code"], password=PASSWORD)["token"]
    hall.client.cookies.set("lienthong", token)

    for path in PAGES:
        query = "?verb=reissue" if path.endswith("/preview") else ""
        for place in places(path, sides.ids[OURS] | {"code": [SHARED]}):
            answer = hall.client.get(place + query)
            assert answer.status_code in (200, 403, 404, 409, 410, 422), (place, answer.text)
            sides.look(answer)
        for place in places(path, sides.ids[THEIRS]) if "{" in path else ():
            answer = hall.client.get(place + query)
            assert answer.status_code == 404, (place, answer.text)
            sides.look(answer, place.split("/"))
    for name in FILTERS:
        for value in values_of(name, sides):
            for path in ("/messages", "/problems", "/audit", "/jobs/new", "/find"):
                given_ = {name if path != "/find" else "q": value}
                sides.look(hall.client.get(path, params=given_), filter(None, [value]))

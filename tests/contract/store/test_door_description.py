"""The agencies' HTTP door does what its description says, whatever is sent to it."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from sqlalchemy import func, select

from broker.memory import MemoryBroker
from lienthong.doors.app import HttpDoor
from lienthong.flows.incoming import CONTENT_TYPES, SAYS_NOTHING
from lienthong.store.database import reading
from lienthong.store.tables import submissions
from lienthong.store.tokens import make_token
from lienthong.store.work import begin
from tests.contract.store.described import Described, each_once, operations_of
from tests.contract.store.town import CODES, MARKS, OURS, THEIRS, Town, rows_of

ROOT = Path(__file__).parents[3]
DESCRIBED = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
OF_PEERS = "/v1/peers/"
SOAP = "/v1/peers/{peer}/soap"
MISREAD = {"http.after", "http.limit", "http.statement", "http.lang"}
"""Answers to what does not fit."""
WORDS = ("message", "suggestion")
PEERS = {
    "tax": {
        "soap": {"token": True},
        "json": {"security_key": "bi-mat-cua-thue-2026"},
        "services": {"ChungTuThue": {}},
        "routes": {"otherwise": OURS},
    }
}
PARTICULAR = [
    ("POST", "/v1/agencies/{agency}/records"),
    ("GET", "/v1/agencies/{agency}/results"),
    ("GET", "/v1/agencies/{agency}/submissions/{submission}/annotated"),
    ("GET", "/v1/agencies/{agency}/submissions/{submission}/receipt"),
    ("POST", "/v1/peers/{peer}/json"),
    ("GET", "/v1/peers/{peer}/soap"),
]
"""Those that say more of what they take than that it is text."""
FILES = (*(types[0] for types in CONTENT_TYPES.values()), SAYS_NOTHING)
for media_type in {*FILES, "text/xml", "application/soap+xml"} - {"application/json"}:
    schemathesis.openapi.media_type(media_type, st.binary(max_size=300))


@pytest.fixture(scope="module")
def make_door(request, tmp_path_factory):
    """Give what makes the door of a town on either store; each once."""
    yield from each_once(request, tmp_path_factory, Door)


@pytest.fixture(params=["sqlite", "postgresql"])
def door(request, make_door):
    return make_door(request.param)


class Door(Described):
    """The door of a town whose agencies have handed over, and the token of one of them."""

    def __init__(self, folder, url, ends):
        self.town = Town(folder, store_url=url, peers=PEERS)
        ends.callback(self.town.engine.dispose)
        for agency in (OURS, THEIRS):
            self.town.bring(agency, *rows_of(agency))
        with begin(self.town.store, at=self.town.clock) as work:
            self.token = make_token(work, OURS, expires_at=None)
        http = HttpDoor(self.town, publisher=MemoryBroker(clock=self.town.clock))
        ends.callback(http.close)
        super().__init__(http.app(), ends)
        handed = select(submissions.c.id, submissions.c.agency)
        with reading(self.town.store) as connection:
            rows = connection.execute(handed).all()
        self.theirs = [row.id for row in rows if row.agency == THEIRS]
        self.kept = len(rows)
        self.real = {
            "agency": [OURS, CODES[OURS]],
            "submission": [row.id for row in rows],
            "peer": list(PEERS),
            "folder": ["inbound-1", "dvcqg-2022"],
            "name": ["inbound.xsd", "messages.xsd"],
        }

    def who(self, path):
        return self.token

    def ask(self, path):
        return self.client.get(path, headers={"Authorization": f"Bearer {self.token}"})

    def count(self):
        with reading(self.town.store) as connection:
            return connection.execute(select(func.count()).select_from(submissions)).scalar_one()

    def look(self, case, answer, mode):
        is_fault = case.path == SOAP and answer.status_code == 500 and "Client<" in answer.text
        assert answer.status_code < 500 or is_fault, answer.text
        before, self.kept = self.kept, self.count()
        if answer.status_code >= 400:
            assert self.kept == before
            if not case.path.startswith(OF_PEERS):
                assert not (mode.is_positive and answer.json()["code"] in MISREAD), answer.text
                told = answer.json()
                assert all(told[what][language] for what in WORDS for language in ("vi", "en"))
        asked = unquote(answer.request.url)
        told = answer.text.lower().replace(asked.lower(), "")
        secrets = [*MARKS, *(one for one in self.theirs if one not in asked)]
        assert not [one for one in secrets if one in told]


@pytest.mark.parametrize(("method", "path"), operations_of(DESCRIBED))
def test_what_fits_the_description_is_answered_as_it_says(door, method, path):
    door.try_out(method, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize(("method", "path"), PARTICULAR)
def test_what_does_not_fit_the_description_is_refused_as_it_says(door, method, path):
    door.try_out(method, path, GenerationMode.NEGATIVE)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("/results?limit=0", "http.limit"),
        ("/results?limit=", "http.limit"),
        ("/results?after=-1", "http.after"),
        ("/submissions/x/annotated?only_bad=", "http.only_bad"),
        ("/submissions/x/annotated?errors_only=", "http.errors_only"),
    ],
)
def test_a_number_that_is_none_or_too_small_is_refused_and_not_guessed(door, query, code):
    answer = door.ask(f"/v1/agencies/{OURS}{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_list_of_results_may_begin_with_an_empty_number(door):
    empty = door.ask(f"/v1/agencies/{OURS}/results?after=&limit=2")
    without = door.ask(f"/v1/agencies/{OURS}/results?limit=2")

    assert len(empty.json()["results"]) == 2
    assert empty.json() == without.json()


@pytest.mark.parametrize("part", ["", "/receipt", "/annotated"])
@pytest.mark.parametrize("name", ["%00", "x%00y", "%F0%9F%98%80", "%ED%A0%80", "%FF", "9" * 5000])
def test_a_submission_of_an_impossible_name_is_not_there(door, name, part):
    answer = door.ask(f"/v1/agencies/{OURS}/submissions/{name}{part}")

    assert (answer.status_code, answer.json()["code"]) == (404, "http.submission_unknown")

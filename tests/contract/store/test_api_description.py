"""The operators' API does what its description says, whatever is sent to it."""

import json
from pathlib import Path

import pytest
from schemathesis import GenerationMode

from lienthong.operations.people import session_times
from lienthong.operations.signing_in import make_first_code
from lienthong.store.access_sessions import make_session
from lienthong.store.accounts import find_account
from lienthong.store.work import begin
from tests.contract.store.accounts_site import PASSWORD
from tests.contract.store.described import Described, each_once, operations_of, taking_of
from tests.contract.store.town import OURS, SHARED, THEIRS, Hall, Town, fill

ROOT = Path(__file__).parents[3]
DESCRIBED = json.loads((ROOT / "docs/operators-api.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def make_described(request, tmp_path_factory):
    """Give what makes the API of a filled town on either store; each once."""
    yield from each_once(request, tmp_path_factory, Operators)


@pytest.fixture(params=["sqlite", "postgresql"])
def described(request, make_described):
    """Give the API of a filled town as its description has it, with who asks and real ids."""
    return make_described(request.param)


class Operators(Described):
    """The API of a filled town, and who asks."""

    def __init__(self, folder, url, ends):
        town = Town(folder, store_url=url)
        ends.callback(town.engine.dispose)
        self.hall = hall = Hall(town)
        self.token = token = fill(hall)
        super().__init__(hall.app, ends)
        self.real = {
            "message_id": [one["id"] for one in hall.messages(token)],
            "problem_id": self.listed("problems", "problems"),
            "job_id": self.listed("replay-jobs", "jobs"),
            "code": [SHARED, *(one["dossier"] for one in hall.messages(token))],
            "number": [1, 2],
            "name": ["an"],
            "page": ["messages", "problems"],
            "agency": [OURS, THEIRS],
        }
        code = make_first_code(hall.town).code
        said = {"code": code, "name": "an", "full_name": "An", "password": PASSWORD}
        hall.do("/session/first", token, **said)
        assert hall.ask("PUT", "/filters/messages/an", token, json={}).is_success

    def listed(self, path, field):
        return [one["id"] for one in self.hall.ask("GET", f"/{path}", self.token).json()[field]]

    def who(self, path):
        """Return the token by which an operation is asked for."""
        if not path.startswith("/v1/session"):
            return self.token
        # Not by a login: what is tried here locks the account.
        town = self.hall.town
        with begin(town.store, at=town.clock) as work:
            account = find_account(work.connection, "an")
            times = session_times(town.settings.console)
            return make_session(work, account, times=times, totp_done=True).token

    def look(self, case, answer, mode):
        assert answer.status_code < 500, answer.text
        if mode.is_positive and answer.status_code == 422:
            assert answer.json()["code"] != "api.request", answer.text


@pytest.mark.parametrize(("method", "path"), operations_of(DESCRIBED))
def test_what_fits_the_description_is_answered_as_it_says(described, method, path):
    described.try_out(method, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize(("method", "path"), taking_of(DESCRIBED))
def test_what_does_not_fit_the_description_is_refused_as_it_says(described, method, path):
    described.try_out(method, path, GenerationMode.NEGATIVE)


def test_a_request_that_is_too_long_is_refused_as_the_description_says(described):
    long = {"reason": "x" * 70_000}

    answer = described.hall.ask("POST", "/pauses", described.token, json=long)

    assert (answer.status_code, answer.json()["code"]) == (413, "http.too_much")
    assert "413" in DESCRIBED["paths"]["/v1/pauses"]["post"]["responses"]

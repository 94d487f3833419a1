"""The operators' API does what its description says, whatever is sent to it."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lienthong.operations.people import session_times
from lienthong.operations.signing_in import make_first_code
from lienthong.store.access_sessions import make_session
from lienthong.store.accounts import find_account
from lienthong.store.work import begin
from tests.contract.store.accounts_site import PASSWORD
from tests.contract.store.town import OURS, SHARED, THEIRS, Hall, Town, fill

ROOT = Path(__file__).parents[3]
DESCRIBED = json.loads((ROOT / "docs/operators-api.json").read_text(encoding="utf-8"))
OPERATIONS = [
    (method.upper(), path) for path, item in DESCRIBED["paths"].items() for method in item
]
TAKING = [
    (method, path)
    for method, path in OPERATIONS
    if {"parameters", "requestBody"} & DESCRIBED["paths"][path][method.lower()].keys()
]
"""Those that take anything, and so what does not fit."""
EXAMPLES = int(os.environ.get("LIENTHONG_API_EXAMPLES", "4"))
"""Of each operation and kind; 100 is a long search."""
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
_LOOK = settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def make_described(request, tmp_path_factory):
    """Give what makes the API of a filled town on either store; each once."""
    made = {}

    with ExitStack() as ends:

        def make(kind):
            if kind not in made:
                made[kind] = _describe(request, tmp_path_factory.mktemp(kind), kind, ends)
            return made[kind]

        yield make


def _describe(request, folder, kind, ends):
    url = None
    if kind == "postgresql":
        postgresql, name = request.getfixturevalue("postgresql"), f"t{uuid4().hex}"
        like = request.getfixturevalue("_store_to_copy")
        url = postgresql.create_database(name, like=like)
        ends.callback(postgresql.remove_database, name)
    town = Town(folder, store_url=url)
    ends.callback(town.engine.dispose)
    hall = Hall(town)
    token = fill(hall)
    config = SchemathesisConfig(seed=1)
    config.projects.default.generation.with_security_parameters = False
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", hall.app, config=config)
    return Described(hall, schema, ends.enter_context(asgi.get_client(hall.app)), token)


@pytest.fixture(params=["sqlite", "postgresql"])
def described(request, make_described):
    """Give the API of a filled town as its description has it, with who asks and real ids."""
    return make_described(request.param)


class Described:
    """An API, its description, and what there is."""

    def __init__(self, hall, schema, client, token):
        self.hall, self.schema, self.client, self.token = hall, schema, client, token
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

    def try_out(self, method, path, mode):
        """Ask for an operation in ways that fit its description, or do not."""
        strategy = self.schema[path][method].as_strategy(generation_mode=mode)
        token = self.who(path)

        @_LOOK
        @given(strategy, st.integers(0, 100))
        def ask(case, number):
            if mode.is_positive and number % 3:
                for name in case.path_parameters or {}:
                    known = self.real[name]
                    case.path_parameters[name] = known[number % len(known)]
            answer = case.call(
                session=self.client, headers={"Authorization": f"Bearer {token}"}, timeout=60
            )
            assert answer.status_code < 500, answer.text
            if mode.is_positive and answer.status_code == 422:
                assert answer.json()["code"] != "api.request", answer.text
            case.validate_response(answer, checks=CHECKS)

        ask()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_fits_the_description_is_answered_as_it_says(described, method, path):
    described.try_out(method, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize(("method", "path"), TAKING)
def test_what_does_not_fit_the_description_is_refused_as_it_says(described, method, path):
    described.try_out(method, path, GenerationMode.NEGATIVE)

"""Services held against their own descriptions: whatever is sent, they do as these say."""

import os
from abc import ABC, abstractmethod
from contextlib import ExitStack
from uuid import uuid4

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

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


def operations_of(document):
    """Return the operations of a description: (method, path)."""
    return [(method.upper(), path) for path, item in document["paths"].items() for method in item]


def taking_of(document):
    """Return the operations that take anything, and so what does not fit."""
    return [
        (method, path)
        for method, path in operations_of(document)
        if {"parameters", "requestBody"} & document["paths"][path][method.lower()].keys()
    ]


def each_once(request, tmp_path_factory, make):
    """Yield what makes a service on either store, each once: `make(folder, url, ends)`."""
    made = {}

    with ExitStack() as ends:

        def get(kind):
            if kind not in made:
                folder = tmp_path_factory.mktemp(kind)
                made[kind] = make(folder, _store_url(request, kind, ends), ends)
            return made[kind]

        yield get


def _store_url(request, kind, ends):
    if kind == "sqlite":
        return None
    postgresql, name = request.getfixturevalue("postgresql"), f"t{uuid4().hex}"
    url = postgresql.create_database(name, like=request.getfixturevalue("_store_to_copy"))
    ends.callback(postgresql.remove_database, name)
    return url


class Described(ABC):
    """A service in this process, and its description."""

    real: dict
    """Values that are there, by the name of a parameter of an address."""

    def __init__(self, app, ends):
        config = SchemathesisConfig(seed=1)
        default = config.projects.default
        default.generation.with_security_parameters = False
        # What does not fit may also be too long to be read at all.
        refusing = default.checks.negative_data_rejection
        refusing.expected_statuses = [*refusing.expected_statuses, "413"]
        self.schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app, config=config)
        self.client = ends.enter_context(asgi.get_client(app))

    @abstractmethod
    def who(self, path):
        """Return the token by which an operation is asked for."""

    @abstractmethod
    def look(self, case, answer, mode):
        """Fail where an answer is not what is promised beside the description."""

    def try_out(self, method, path, mode):
        """Ask for an operation in ways that fit its description, or do not."""
        strategy = self.schema[path][method].as_strategy(generation_mode=mode)
        token = self.who(path)

        @_LOOK
        @given(strategy, st.integers(0, 100))
        def ask(case, number):
            address = case.meta.components.get(ParameterLocation.PATH)
            if number % 3 != 1 and address is not None and address.mode.is_positive:
                for name in case.path_parameters or {}:
                    known = self.real[name]
                    case.path_parameters[name] = known[number % len(known)]
            answer = case.call(
                session=self.client, headers={"Authorization": f"Bearer {token}"}, timeout=60
            )
            self.look(case, answer, mode)
            case.validate_response(answer, checks=CHECKS)

        ask()

"""
How long people wait in front of a full store: searches, the first page, one dossier.

Everything is asked of the real application on a socket of this machine, by two kinds of callers: a
token, as programs have it, and a session, as browsers have it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import urllib3

from broker.memory import MemoryBroker
from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.app import make_app
from lienthong.benchmarks.measuring import percentile
from lienthong.console.app import make_console
from lienthong.operations.signing_in import make_first_code
from lienthong.store.access_sessions import form_secret
from lienthong.store.access_tokens import make_access_token
from lienthong.store.work import begin
from lienthong.web.listening import listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from lienthong.benchmarks.full_store import Wanted
    from lienthong.wiring import Installation

HOME_LIMIT, SEARCH_LIMIT = 0.2, 0.3
"""Seconds that 19 of 20 may take: for the first page, and for a dossier or a person."""
ROUNDS = 40
START_SECONDS = 30.0
TIMEOUT = 600.0
_PASSWORD = "bốn con mèo trên mái"  # noqa: S105 - of an account that ends with the database


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question, asked many times about different things."""

    name: str
    method: str
    paths: Sequence[str]
    """Asked in turn."""
    bodies: Sequence[dict[str, Any] | None] = (None,)
    is_page: bool = False
    """By the session of a person."""
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How long the answers took, in seconds."""

    name: str
    cold: float
    """The first, after server and application were started and what they read was dropped."""
    median: float
    p95: float
    longest: float
    limit: float | None

    @property
    def is_met(self) -> bool:
        """Whether 19 of 20 were quick enough."""
        return self.limit is None or self.p95 <= self.limit


def questions(wanted: Wanted, *, now: datetime) -> list[Asked]:
    """Return what is asked; the limits are those of the product."""
    since = (now - timedelta(days=31)).isoformat().replace("+", "%2B")
    until = (now - timedelta(days=30)).isoformat().replace("+", "%2B")
    return [
        Asked(name="home page", method="GET", paths=["/"], is_page=True, limit=HOME_LIMIT),
        Asked(name="overview", method="GET", paths=["/v1/overview"], limit=HOME_LIMIT),
        Asked(
            name="dossier code",
            method="GET",
            paths=[f"/v1/messages?dossier={code}" for code in wanted.dossiers],
            limit=SEARCH_LIMIT,
        ),
        Asked(
            name="citizen id",
            method="POST",
            paths=["/v1/messages/search"],
            bodies=[{"person": number} for number in wanted.people],
            limit=SEARCH_LIMIT,
        ),
        Asked(
            name="citizen id, page",
            method="POST",
            paths=["/messages"],
            bodies=[{"person": number} for number in wanted.people],
            is_page=True,
            limit=SEARCH_LIMIT,
        ),
        Asked(
            name="dossier page",
            method="GET",
            paths=[f"/dossiers/{code}" for code in wanted.dossiers],
            is_page=True,
        ),
        Asked(
            name="agency and state",
            method="GET",
            paths=[
                f"/v1/messages?agency={agency}&state={state}"
                for state in ("parked", "rejected", "delivered", "quarantined")
                for agency in wanted.agencies
            ],
        ),
        Asked(
            name="state, every agency",
            method="GET",
            paths=[f"/v1/messages?state={state}" for state in ("parked", "unknown", "rejected")],
        ),
        Asked(
            name="state, counted",
            method="GET",
            paths=[
                f"/v1/messages?count=true&state={state}{more}"
                for state in ("parked", "rejected", "delivered")
                for more in ("", f"&since={since}")
            ],
        ),
        Asked(
            name="time window", method="GET", paths=[f"/v1/messages?since={since}&until={until}"]
        ),
        Asked(name="latest", method="GET", paths=["/v1/messages"]),
        Asked(
            name="error code",
            method="GET",
            paths=[f"/v1/messages?problem={code}" for code in (*wanted.codes, "mapping.*")],
        ),
        Asked(name="error text", method="GET", paths=["/v1/messages?text=khong+dung"]),
        Asked(name="problems", method="GET", paths=["/v1/problems"]),
        Asked(name="deadlines", method="GET", paths=["/v1/deadlines"]),
    ]


@dataclass(frozen=True, slots=True)
class Caller:
    """A program and a browser in front of the application."""

    root: str
    pool: urllib3.PoolManager
    token: str
    session: str
    form: str

    def ask(self, asked: Asked, number: int) -> float:
        """Ask once; return the seconds."""
        path = asked.paths[number % len(asked.paths)]
        body = asked.bodies[number % len(asked.bodies)]
        headers = {"Authorization": f"Bearer {self.token}"}
        more: dict[str, Any] = {"json": body} if body is not None else {}
        if asked.is_page:
            headers = {"Cookie": f"lienthong={self.session}", "Accept": "text/html"}
            more = {} if body is None else {"fields": {**body, "form": self.form}}
            more |= {"encode_multipart": False} if body is not None else {}
        begun = time.perf_counter()
        answer = self.pool.request(
            asked.method,
            f"{self.root}{path}",
            headers=headers,
            redirect=False,
            retries=False,
            timeout=TIMEOUT,
            **more,
        )
        seconds = time.perf_counter() - begun
        if answer.status != 200:
            raise RuntimeError(f"{asked.name}: {answer.status} {answer.data[:500]!r}")
        return seconds


@contextmanager
def serving(installation: Installation, known: tuple[str, str]) -> Iterator[Caller]:
    """Run API and console as a process just started has them; `known`: a token and a session."""
    settings = installation.settings.console
    stop = Event()
    app = make_app(installation, publisher=MemoryBroker(clock=installation.clock))
    app.mount("", make_console(app.state.site))
    thread = Thread(target=listen, args=(app, settings, stop), kwargs={"section": "console"})
    thread.start()
    root = f"http://{settings.host}:{settings.port}"
    token, session = known
    try:
        with urllib3.PoolManager() as pool:
            _await(pool, root)
            yield Caller(root, pool, token, session, form_secret(session))
    finally:
        stop.set()
        thread.join()


def _await(pool: urllib3.PoolManager, root: str) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        with suppress(urllib3.exceptions.HTTPError):
            pool.request("GET", f"{root}/v1/openapi.json", retries=False, timeout=TIMEOUT)
            return
        time.sleep(0.05)
    raise RuntimeError("the application does not listen")


def sign_in(installation: Installation) -> tuple[str, str]:
    """Return a token that sees every agency, and the session of somebody who does."""
    grants = [Grant(role=role, agencies=EVERY) for role in (Role.VIEWER, Role.OPERATOR)]
    with begin(installation.store, at=installation.clock, actor="bench") as work:
        token = make_access_token(work, "bench", grants=grants, expires_at=None)
    first = make_first_code(installation)
    assert first is not None
    with serving(installation, (token, "")) as caller:
        root, pool = f"{caller.root}/v1", caller.pool
        chief = _sign(pool, f"{root}/session/first", first.code, name="chi", full_name="chi")
        said = {
            "name": "an",
            "full_name": "an",
            "grants": [{"role": role.value, "agencies": None} for role in (Role.VIEWER,)],
        }
        by = {"Authorization": f"Bearer {chief}"}
        made = pool.request("POST", f"{root}/accounts", json=said, headers=by, timeout=TIMEOUT)
        return token, _sign(pool, f"{root}/session/code", made.json()["code"])


def _sign(pool: urllib3.PoolManager, address: str, code: str, **said: str) -> str:
    body = {"code": code, "password": _PASSWORD, **said}
    answer = pool.request("POST", address, json=body, retries=False, timeout=TIMEOUT)
    token: str = answer.json()["token"]
    return token


def measure(
    installation: Installation,
    asked: Asked,
    known: tuple[str, str],
    *,
    forget: Callable[[], None],
    rounds: int = ROUNDS,
) -> Waited:
    """
    Ask one question again and again, and return how long it took.

    Args:
        installation: On a full store.
        asked: The question.
        known: Of `sign_in`.
        forget: Starts the database anew, with nothing of its files in memory.
        rounds: How often, beside the first.
    """
    installation.store.dispose()
    forget()
    with serving(installation, known) as caller:
        cold = caller.ask(asked, 0)
        took = [caller.ask(asked, number) for number in range(1, rounds + 1)]
    return Waited(
        name=asked.name,
        cold=cold,
        median=percentile(took, 0.5),
        p95=percentile(took, 0.95),
        longest=max(took),
        limit=asked.limit,
    )

"""
The HTTP door: `/v1/agencies/{agency}/records` and what an agency asks about what it handed over.

Everything goes through one boundary, which answers errors as problem+json and logs codes and ids,
never an address, a header or a payload. What `docs/doors.md` promises is decided here.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from lienthong.doors import refusal
from lienthong.doors.annotated import AnnotatedFiles
from lienthong.doors.arriving import SenderGone
from lienthong.doors.directory import Directory
from lienthong.doors.heads import read_head
from lienthong.doors.openapi import document
from lienthong.doors.peers import PeerDoors
from lienthong.doors.receipts import ReceiptFiles
from lienthong.doors.uploads import Arrival, Uploads
from lienthong.flows.incoming import format_of
from lienthong.flows.receive import receive
from lienthong.health import HealthCheck
from lienthong.logs import kind_and_place
from lienthong.store.database import reading
from lienthong.store.hand_overs import submission_values
from lienthong.store.results import list_results, result_values
from lienthong.store.tokens import find_token
from lienthong.traces.context import HEADER, parse_only
from lienthong.trouble import STORE_TROUBLE
from lienthong.web import refusal as answers
from lienthong.web.answer import Answer, Body
from lienthong.web.refusal import Refused
from schemas.errors import InputError, PeerError
from schemas.problem import Language
from schemas.receipts import Statement

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from starlette.requests import Request

    from lienthong.flows.hints import Publisher
    from lienthong.flows.receive import Offer, Taken
    from lienthong.store.tokens import Token
    from lienthong.wiring import Installation

    Handler: TypeAlias = Callable[[Request, Body], Awaitable[Response]]

T = TypeVar("T")

log = structlog.get_logger()

THREADS = 8
"""For questions to the store; uploads have threads of their own."""
MOST_RESULTS = 500
"""In one page."""
LARGEST_NUMBER = 2**63 - 1


class HttpDoor:
    """The application of one process, and what it holds."""

    def __init__(self, installation: Installation, *, publisher: Publisher) -> None:
        self._installation = installation
        self._publisher = publisher
        self._settings = installation.settings.http
        self._directory = Directory(installation.mappings)
        self._uploads = Uploads(self._settings, take=self._take)
        self._annotated = AnnotatedFiles(installation, self._directory)
        self._receipts = ReceiptFiles(installation)
        self._standing = HealthCheck(installation).standing()
        self._peers = PeerDoors(installation, publisher=publisher, uploads=self._uploads)
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="http")

    def close(self) -> None:
        """Wait for the threads."""
        self._peers.close()
        self._uploads.close()
        self._standing.close()
        self._pool.shutdown()

    def app(self) -> Starlette:
        """Return the ASGI application."""
        agency = "/v1/agencies/{agency}"
        return Starlette(
            routes=[
                self._route(f"{agency}/records", self._records, "POST"),
                self._route(f"{agency}/results", self._results, "GET"),
                self._route(f"{agency}/submissions/{{submission}}", self._submission, "GET"),
                self._route(
                    f"{agency}/submissions/{{submission}}/annotated", self._annotate, "GET"
                ),
                self._route(f"{agency}/submissions/{{submission}}/receipt", self._receipt, "GET"),
                *self._peers.routes(),
                self._route("/v1/openapi.json", self._openapi, "GET"),
                *(self._route(path, self._live, "GET") for path in ("/live", "/health/live")),
                *(self._route(path, self._ready, "GET") for path in ("/ready", "/health/ready")),
            ],
            exception_handlers={HTTPException: _not_found},
        )

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            body = Body(request)
            try:
                return await handler(request, body)
            except SenderGone:
                log.info("http.sender_left")
                return Response(status_code=499)
            except Refused as refused:
                return self._refuse(refused, body)
            except (*STORE_TROUBLE, PeerError) as error:
                log.warning("http.store", cause=type(error).__name__)
                return self._refuse(answers.store_away(self._settings.retry_after_seconds), body)
            except Exception as error:  # noqa: BLE001 - the boundary of one request
                # Its words may quote the request, so only its kind and its place are logged.
                log.error("http.failed", **kind_and_place(error))  # noqa: TRY400 - see above
                return self._refuse(answers.failed(), body)

        return Route(path, endpoint, methods=[method])

    def _refuse(self, refused: Refused, body: Body) -> Answer:
        log.info("http.refused", status=refused.status, code=refused.problem.code)
        return Answer(
            answers.body_of(refused),
            status=refused.status,
            media_type=answers.MEDIA_TYPE,
            headers=dict(refused.headers),
            unread=body,
        )

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def _admit(self, request: Request) -> tuple[str, Token]:
        """Return whose hand-over it is, and the token that says so."""
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise answers.no_token()
        token = await self._in_thread(partial(self._find_token, presented.strip()))
        if token is None:
            raise answers.no_token()
        called = request.path_params["agency"]
        if await self._in_thread(partial(self._directory.is_named, token.agency, called)):
            return token.agency, token
        if await self._in_thread(partial(self._directory.find, called)):
            raise refusal.not_yours()
        raise refusal.no_agency()

    def _find_token(self, presented: str) -> Token | None:
        with reading(self._installation.store) as connection:
            return find_token(connection, presented, now=self._installation.clock())

    async def _records(self, request: Request, body: Body) -> Answer:
        agency, token = await self._admit(request)
        pauses = await self._in_thread(self._installation.pauses.look)
        if pauses.closed_to(agency) is not None:
            raise refusal.paused(self._settings.retry_after_seconds)
        source = await self._in_thread(partial(self._directory.source, agency))
        head = read_head(
            request.headers,
            request.query_params,
            source=source,
            limit=self._settings.max_body_bytes,
        )
        named = head.file_name or (agency if source is None else f"{agency}.{format_of(source)}")
        arrival = Arrival(
            agency=agency,
            sender=f"http:{token.id}",
            head=head,
            file_name=named,
            trace=parse_only(request.headers.getlist(HEADER)),
        )
        with self._uploads.place(agency):
            try:
                taken = await self._uploads.take(arrival, body.receive)
            except InputError as error:
                raise self._not_taken(error) from error
        log.info(
            "http.received",
            submission=taken.submission_id,
            agency=agency,
            size=taken.size,
            repeated=taken.is_repeat,
            **({} if taken.trace is None else taken.trace.ids),
        )
        where = f"/v1/agencies/{agency}/submissions/{taken.submission_id}"
        return _json(
            {
                "submission": taken.submission_id,
                "agency": agency,
                "sha256": taken.sha256,
                "bytes": taken.size,
                "repeated": taken.is_repeat,
                "receipt": f"{where}/receipt",
            },
            status=200 if taken.is_repeat else 201,
            headers={"Location": where},
        )

    def _take(self, offer: Offer) -> Taken:
        installation = self._installation
        return receive(
            offer, store=installation.store, broker=self._publisher, clock=installation.clock
        )

    def _not_taken(self, error: InputError) -> Refused:
        if error.code == "submission.key_conflict":
            return Refused(409, error.problem)
        if error.code == "submission.not_taken":
            again = str(self._settings.retry_after_seconds)
            return Refused(503, error.problem, {"Retry-After": again})
        return Refused(422, error.problem)

    async def _results(self, request: Request, _body: Body) -> Answer:
        agency, _ = await self._admit(request)
        after = 0
        if request.query_params.get("after"):
            after = _number(request, "after", otherwise=0, most=LARGEST_NUMBER)
        limit = _number(request, "limit", otherwise=100, least=1, most=MOST_RESULTS)
        found = await self._in_thread(
            partial(
                list_results,
                self._installation.store,
                agency=agency,
                after=after,
                limit=limit,
                clock=self._installation.clock,
                columns=self._installation.column_of,
            )
        )
        return _json(
            {
                "results": [result_values(result) for result in found],
                "next": str(found[-1].number if found else after),
            }
        )

    async def _submission(self, request: Request, _body: Body) -> Answer:
        agency, _ = await self._admit(request)
        values = await self._in_thread(
            partial(self._read_submission, _submission_id(request), agency)
        )
        if values is None:
            raise refusal.no_submission()
        return _json(values)

    def _read_submission(self, submission_id: str, agency: str) -> dict[str, Any] | None:
        store = self._installation.store
        with reading(store) as connection:
            return submission_values(connection, submission_id, agency=agency, vault=store.vault)

    async def _annotate(self, request: Request, _body: Body) -> Response:
        agency, _ = await self._admit(request)
        lang = request.query_params.get("lang", Language.VI.value)
        if lang not in {language.value for language in Language}:
            raise answers.unusable("http.lang", "lang")
        return await self._in_thread(
            partial(
                self._annotated.answer,
                _submission_id(request),
                agency=agency,
                language=Language(lang),
                only_bad=_number(request, "only_bad", otherwise=0, most=1) == 1,
                errors_only=_number(request, "errors_only", otherwise=0, most=1) == 1,
            )
        )

    async def _receipt(self, request: Request, _body: Body) -> Answer:
        agency, _ = await self._admit(request)
        statement = request.query_params.get("statement", Statement.RECEIVED.value)
        if statement not in {one.value for one in Statement}:
            raise answers.unusable("http.statement", "statement")
        return await self._in_thread(
            partial(
                self._receipts.answer,
                _submission_id(request),
                agency=agency,
                statement=Statement(statement),
            )
        )

    async def _openapi(self, _request: Request, _body: Body) -> Answer:
        return _json(document())

    async def _live(self, _request: Request, _body: Body) -> Answer:
        return await self._standing.live()

    async def _ready(self, _request: Request, _body: Body) -> Answer:
        return await self._standing.ready()


def _submission_id(request: Request) -> str:
    given: str = request.path_params["submission"]
    if "\0" in given:
        # PostgreSQL does not even look for it.
        raise refusal.no_submission()
    return given


def _number(request: Request, name: str, *, otherwise: int, most: int, least: int = 0) -> int:
    given = request.query_params.get(name)
    if given is None:
        return otherwise
    is_number = given.isascii() and given.isdigit() and len(given) < 20
    if not (is_number and least <= int(given) <= most):
        raise answers.unusable(f"http.{name}", name)
    return int(given)


def _json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(body, status=status, media_type="application/json", headers=headers or {})


async def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    headers = dict(getattr(error, "headers", None) or {})
    return Answer(
        answers.body_of(answers.no_such_page(status)),
        status=status,
        media_type=answers.MEDIA_TYPE,
        headers=headers,
        unread=Body(request),
    )

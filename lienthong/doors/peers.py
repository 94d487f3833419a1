"""
The HTTP side of what peers send: `/v1/peers/{peer}/soap` and `/v1/peers/{peer}/json`.

A request is read whole, within the peer's limit and the pace of uploads, and holds one of their
places: what is in memory is bounded. One whose head is wrong already takes none. Whatever happens
is answered in the form that was asked in.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from email.message import Message as Head
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog
from starlette.responses import Response
from starlette.routing import Route

from lienthong.doors.arriving import Arriving, SenderGone
from lienthong.doors.heads import check_encoding, read_size
from lienthong.inbound.answers import JSON_TYPE, Answered, write_fault, write_json
from lienthong.inbound.profile import PeerAnswers
from lienthong.inbound.refusals import MEDIA, UNKNOWN, NotTaken, later, not_taken
from lienthong.inbound.soap_requests import soap_of
from lienthong.inbound.taking import JSON_DOOR, SOAP_DOOR, holder_of
from lienthong.inbound.wsdl import FOLDER, XML_TYPE, describe, read_schema
from lienthong.logs import kind_and_place
from lienthong.moving import Moving
from lienthong.soap import CONTENT_TYPES
from lienthong.traces.context import HEADER, parse_only
from lienthong.traces.recording import TRACES, within
from lienthong.trouble import STORE_TROUBLE
from lienthong.web.answer import Answer, Body
from lienthong.web.refusal import Refused
from schemas.building import build_envelope
from schemas.errors import PeerError
from schemas.problem import Language

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import TypeAlias

    from starlette.requests import Request

    from lienthong.doors.uploads import Uploads
    from lienthong.flows.hints import Publisher
    from lienthong.inbound.peer import Peer
    from lienthong.wiring import Installation

    Call: TypeAlias = Callable[[Request, Body], Awaitable[Answered]]
    Refusing: TypeAlias = Callable[[Request, NotTaken], Answered]

log = structlog.get_logger()
T = TypeVar("T")

TYPES = {
    JSON_DOOR: frozenset({"application/json", "text/json"}),
    SOAP_DOOR: frozenset({"text/xml", "application/xml", "application/soap+xml"}),
}
UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})


class PeerDoors:
    """The peers of one process."""

    def __init__(
        self, installation: Installation, *, publisher: Publisher, uploads: Uploads
    ) -> None:
        """Prepare; `uploads` has the places, which peers share with agencies."""
        self._settings = installation.settings.http
        self._profiles = installation.settings.peers
        self._peers = Moving(installation).make_peers(publisher)
        self._uploads = uploads
        self._pool = ThreadPoolExecutor(
            max_workers=self._settings.uploads_at_once, thread_name_prefix="peer"
        )

    def close(self) -> None:
        """Wait for what is being written down."""
        self._pool.shutdown()

    def routes(self) -> list[Route]:
        """Return what is served; nothing where there are no peers."""
        if not self._profiles:
            return []
        base = "/v1/peers/{peer}"
        return [
            self._route(f"{base}/soap", self._soap, tell=self._refuse_soap),
            self._route(f"{base}/json", self._json, tell=self._refuse_json),
            Route(f"{base}/soap", self._describe, methods=["GET"]),
            Route(f"{base}/{FOLDER}/{{folder}}/{{name}}", self._schema, methods=["GET"]),
        ]

    def _route(self, path: str, call: Call, *, tell: Refusing) -> Route:
        again = self._settings.retry_after_seconds

        async def endpoint(request: Request) -> Response:
            body = Body(request)
            try:
                answered = await call(request, body)
            except SenderGone:
                log.info("http.sender_left")
                return Response(status_code=499)
            except NotTaken as refused:
                answered = tell(request, refused)
            except Refused as refused:
                answered = tell(request, _as_not_taken(refused))
            except (*STORE_TROUBLE, PeerError) as error:
                log.warning("http.store", cause=type(error).__name__)
                answered = tell(request, later(again))
            except Exception as error:  # noqa: BLE001 - the boundary of one request
                # Its words may quote the request, so only its kind and its place are logged.
                log.error("http.failed", **kind_and_place(error))  # noqa: TRY400 - see above
                answered = tell(request, _failed())
            return Answer(
                answered.content,
                status=answered.status,
                media_type=answered.media_type,
                headers=dict(answered.headers),
                unread=body,
            )

        return Route(path, endpoint, methods=["POST"])

    async def _json(self, request: Request, body: Body) -> Answered:
        peer = self._find(request, form="json")
        await self._look(peer, request, door=JSON_DOOR)
        # Held until the answer is there: whatever waits for a thread is in memory.
        with self._place(peer):
            data = await self._read(peer, body, door=JSON_DOOR)
            call = partial(peer.answer_json, data, bearer=_bearer(request))
            return await self._in_thread(partial(_traced, request, call))

    async def _soap(self, request: Request, body: Body) -> Answered:
        peer = self._find(request, form="soap")
        await self._look(peer, request, door=SOAP_DOOR)
        with self._place(peer):
            data = await self._read(peer, body, door=SOAP_DOOR)
            call = partial(
                peer.answer_soap,
                data,
                bearer=_bearer(request),
                content_type=_content_type(request),
            )
            return await self._in_thread(partial(_traced, request, call))

    def _find(self, request: Request, *, form: str) -> Peer:
        name = request.path_params["peer"]
        profile = self._profiles.get(name)
        if profile is None or (profile.soap if form == "soap" else profile.json_) is None:
            raise _no_peer()
        peer = self._peers.get(name)
        if peer is None:
            raise later(self._settings.retry_after_seconds)
        return peer

    async def _look(self, peer: Peer, request: Request, *, door: str) -> None:
        """Refuse what its head shows to be too large, of another type, or from nobody we know."""
        async with self._noting(peer, door):
            check_encoding(request.headers)
            _check_type(request, TYPES[door])
            read_size(request.headers, peer.profile.max_message_bytes)
            await self._in_thread(partial(peer.check_bearer, door, _bearer(request)))

    async def _read(self, peer: Peer, body: Body, *, door: str) -> bytes:
        """Return the whole body; refuse what turns out too large, or too slow."""
        limit = peer.profile.max_message_bytes
        async with self._noting(peer, door):
            arriving = Arriving(body.receive, settings=self._settings, limit=limit)
            return b"".join([part async for part in arriving])

    @asynccontextmanager
    async def _noting(self, peer: Peer, door: str) -> AsyncIterator[None]:
        """Have it written down why a request is not read to its end."""
        try:
            yield
        except Refused as early:
            refused = _as_not_taken(early)
        except NotTaken as other:
            refused = other
        else:
            return
        await self._in_thread(partial(peer.note_unread, door, refused))
        raise refused

    @contextmanager
    def _place(self, peer: Peer) -> Iterator[None]:
        """Hold one of the places, and say in a peer's words that there is none."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._uploads.place(holder_of(peer.name)))
            except Refused as refused:
                raise _busy(refused) from refused
            yield

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def _refuse_json(self, request: Request, refused: NotTaken) -> Answered:
        peer = self._peers.get(request.path_params["peer"])
        if peer is not None and peer.profile.json_ is not None:
            return peer.refuse_json(refused)
        answers = PeerAnswers()
        content = write_json(answers, answers.refused_code, refused.say(Language.VI))
        return Answered(
            status=refused.status,
            content=content,
            media_type=JSON_TYPE,
            headers=dict(refused.headers),
        )

    def _refuse_soap(self, request: Request, refused: NotTaken) -> Answered:
        peer = self._peers.get(request.path_params["peer"])
        content_type = _content_type(request)
        if peer is not None and peer.profile.soap is not None:
            return peer.refuse_soap(refused, content_type=content_type)
        soap = soap_of(content_type)
        status, body = write_fault(refused, soap=soap)
        return Answered(
            status=status,
            content=build_envelope(body, soap=soap),
            media_type=CONTENT_TYPES[soap],
            headers=dict(refused.headers),
        )

    async def _describe(self, request: Request) -> Response:
        profile = self._profiles.get(request.path_params["peer"])
        wanted = request.query_params.get("wsdl")
        if profile is None or profile.soap is None or wanted is None:
            return self._page(None)
        address = profile.soap.address or str(request.url.replace(query=""))
        return self._page(describe(profile, version=wanted or None, address=address))

    async def _schema(self, request: Request) -> Response:
        profile = self._profiles.get(request.path_params["peer"])
        folder, name = request.path_params["folder"], request.path_params["name"]
        if profile is None:
            return self._page(None)
        return self._page(read_schema(profile, folder=folder, name=name))

    def _page(self, content: bytes | None) -> Answer:
        if content is None:
            words = b"?wsdl"
            return Answer(words, status=404, media_type="text/plain", headers={})
        return Answer(content, status=200, media_type=XML_TYPE, headers={})


def _traced(request: Request, call: Callable[[], T]) -> T:
    """Call within the peer's own span, where it named one."""
    with within(parse_only(request.headers.getlist(HEADER)) if TRACES.is_on else None):
        return call()


def _bearer(request: Request) -> str | None:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    return presented.strip() if scheme.lower() == "bearer" else None


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_type(request: Request, types: frozenset[str]) -> None:
    """Refuse another type or charset than ours; who says nothing is judged by the bytes."""
    for value in request.headers.getlist("content-type"):
        head = Head()
        head["Content-Type"] = value
        charset = str(head.get_param("charset") or "utf-8").strip().lower()
        if value.partition(";")[0].strip().lower() not in types or charset not in UTF_8:
            shown = ", ".join(sorted(types))
            raise not_taken(
                MEDIA,
                "inbound.content_type",
                f"Content-Type phải là một trong {shown}, charset=utf-8, không có tệp đính kèm",
                f"Content-Type must be one of {shown}, charset=utf-8, without attachments",
            )


def _as_not_taken(refused: Refused) -> NotTaken:
    return NotTaken(refused.status, (refused.problem,), headers=refused.headers)


def _busy(refused: Refused) -> NotTaken:
    busy = not_taken(
        refused.status,
        "inbound.busy",
        "Đang nhận quá nhiều bản tin cùng lúc",
        "As many messages are being taken as can be",
    )
    busy.headers = refused.headers
    return busy


def _no_peer() -> NotTaken:
    return not_taken(
        UNKNOWN,
        "inbound.address",
        "Không có địa chỉ này cho bên gửi",
        "There is no such address for a peer",
    )


def _failed() -> NotTaken:
    return not_taken(
        500,
        "inbound.failed",
        "Lỗi bên trong của hệ thống",
        "An error inside the system",
    )

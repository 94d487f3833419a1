"""
A witness for others: keeps the seals that it is handed, in a folder, and never changes one.

It runs on a machine that the operators of the database cannot write to, and knows nothing of
them but a token. What it says is only ever what it was handed.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lienthong.evidence.witnesses import (
    LONGEST_LINE,
    FolderWitness,
    WitnessAway,
    WitnessDisagrees,
    read_certificates,
    read_line,
    write_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


def make_app(witness: FolderWitness, *, token: str) -> Starlette:
    """Return the application; whoever has no `token` is sent away."""
    return Starlette(
        routes=[
            Route("/seals", _Handler(witness, token).put, methods=["POST"]),
            Route("/seals", _Handler(witness, token).every, methods=["GET"]),
        ]
    )


class _Handler:
    def __init__(self, witness: FolderWitness, token: str) -> None:
        self._witness = witness
        self._expected = f"Bearer {token}".encode()

    async def put(self, request: Request) -> Response:
        """Keep one seal."""
        if not self._may(request):
            return _say(HTTPStatus.UNAUTHORIZED)
        text = b""
        async for part in request.stream():
            text += part
            if len(text) > LONGEST_LINE:
                return _say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            line = text.decode("ascii")
            seal, certificates = read_line(line), read_certificates(line)
        except ValueError:
            return _say(HTTPStatus.BAD_REQUEST)
        try:
            await run_in_threadpool(self._witness.put, seal, certificates=certificates)
        except WitnessDisagrees:
            return _say(HTTPStatus.CONFLICT)
        except WitnessAway:
            return _say(HTTPStatus.SERVICE_UNAVAILABLE)
        return _say(HTTPStatus.CREATED)

    async def every(self, request: Request) -> Response:
        """Give every seal, a line each."""
        if not self._may(request):
            return _say(HTTPStatus.UNAUTHORIZED)
        return StreamingResponse(self._lines(), media_type="application/jsonl")

    def _lines(self) -> Iterator[str]:
        for seal in self._witness.seals():
            yield write_line(seal)

    def _may(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(given, self._expected)


def _say(status: HTTPStatus) -> Response:
    return PlainTextResponse(f"{status.phrase}\n", status_code=status)

"""
The application of the operators' HTTP API: its boundary, where every error becomes problem+json.

Logs have codes and ids, never an address, a header or a payload; answers quote nothing of what was
sent. What a request may say is in the description at `/v1/openapi.json`.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from broker.port import BrokerError
from lienthong.access.attempts import Attempts, TooMany
from lienthong.access.rights import Forbidden
from lienthong.api.account_routes import router as account_router
from lienthong.api.asking import Site
from lienthong.api.limits import LARGEST_BODY, TOO_LARGE, Limits
from lienthong.api.replay_routes import router as replay_router
from lienthong.api.routes import router
from lienthong.api.session_routes import router as session_router
from lienthong.logs import kind_and_place
from lienthong.operations.masking import masked
from lienthong.trouble import STORE_TROUBLE
from lienthong.web import refusal
from lienthong.web.refusal import Refused
from schemas.errors import ConfigError, InputError, PeerError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.flows.hints import Publisher
    from lienthong.wiring import Installation

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 5
_CONFLICTS = (
    "message.wrong_state",
    "reissue.",
    "dossier.several",
    "access.name_taken",
    "access.last_administrator",
    "replay.wrong_state",
    "replay.digest",
    "replay.stale",
)
"""What another state of things would have allowed."""
_UNKNOWN = ("access.login", "access.code_needed", "access.wrong_code")
"""What leaves open who asks."""
_ERRORS = {
    "401": "Nobody can tell who asks.",
    "403": "A right is missing.",
    "404": "It is not there, or not for whoever asks.",
    "409": "Not in its present state, or not under this Idempotency-Key.",
    "410": "What it needs was erased when its retention ended.",
    "429": "Too many logins have failed from this address; ask again after Retry-After.",
    "422": "The request cannot be used as it is.",
    "503": "The store cannot be reached now; ask again after Retry-After.",
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "message"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable."},
        "message": {"$ref": "#/components/schemas/Words"},
        "suggestion": {"$ref": "#/components/schemas/Words"},
    },
}


def make_app(
    installation: Installation, *, publisher: Publisher, attempts: Attempts | None = None
) -> FastAPI:
    """
    Return the ASGI application.

    Args:
        installation: What is seen and acted on.
        publisher: Takes hints.
        attempts: Counts logins that fail; None: as many as settings have by default.
    """
    app = FastAPI(
        title="Lienthong, operators' API",
        version="1.0.0",
        summary="What operators see and do; the console uses the same operations.",
        description=f"Lienthong {version('lienthong')}. Errors are application/problem+json.",
        openapi_url="/v1/openapi.json",
        generate_unique_id_function=lambda route: route.name,
        # Their pages load programs from elsewhere.
        docs_url=None,
        redoc_url=None,
        responses={
            status: {
                "description": words,
                "content": {refusal.MEDIA_TYPE: {"schema": _PROBLEM}},
            }
            for status, words in _ERRORS.items()
        },
    )
    app.state.site = Site(installation, publisher, attempts or Attempts())
    for routes in (router, replay_router, session_router, account_router):
        app.include_router(routes)
    app.add_middleware(Limits)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(InputError, _not_usable)
    app.add_exception_handler(ConfigError, _not_configured)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _by_status)
    for trouble in (*STORE_TROUBLE, BrokerError, PeerError):
        app.add_exception_handler(trouble, _away)
    app.add_exception_handler(Exception, _failed)
    return app


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _answer(error)


async def _not_usable(_request: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    return _answer(Refused(_status_of(error), masked(error.problem), headers))


def _status_of(error: InputError) -> int:
    if isinstance(error, TooMany):
        return 429
    if isinstance(error, Forbidden) or error.code in ("access.unfinished", "replay.own"):
        return 403
    if error.code in _UNKNOWN:
        return 401
    if error.code.endswith(".not_found"):
        return 404
    if error.code.endswith("_erased"):
        return 410
    return 409 if error.code.startswith(_CONFLICTS) else 422


async def _not_configured(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ConfigError)
    # Its words name files and settings of the machine, which is for its operator.
    log.warning("api.not_configured", code=error.code)
    return _answer(
        refusal.refuse(
            503,
            "api.not_configured",
            Text(
                vi=f"Cấu hình hiện không dùng được ({error.code})",
                en=f"The configuration cannot be used now ({error.code})",
            ),
            Text(
                vi="Báo người quản trị máy chủ; kiểm tra bằng: lienthong doctor",
                en="Tell whoever runs the server; lienthong doctor says what is wrong",
            ),
        )
    )


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Where, and what was expected; never what was sent.
    wrong = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['type']}"
        for each in error.errors()[:10]
    ]
    found = "; ".join(wrong)[:500]
    return _answer(
        refusal.refuse(
            422,
            "api.request",
            Text(vi=f"Yêu cầu không dùng được: {found}", en=f"The request cannot be used: {found}"),
            Text(vi="Sửa theo /v1/openapi.json", en="Mend it as /v1/openapi.json says"),
        )
    )


async def _by_status(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refused = refusal.no_such_page(error.status_code)
    if error.status_code == TOO_LARGE:
        refused = refusal.too_much(LARGEST_BODY)
    return _answer(refused, **dict(error.headers or {}))


async def _away(_request: Request, error: Exception) -> Response:
    log.warning("api.store", cause=type(error).__name__)
    return _answer(refusal.store_away(RETRY_AFTER_SECONDS))


async def _failed(_request: Request, error: Exception) -> Response:
    # Its words may quote the request, so only its kind and its place are logged.
    log.error("api.failed", **kind_and_place(error))
    return _answer(refusal.failed())


def _answer(refused: Refused, **headers: str) -> Response:
    problem: Problem = refused.problem
    log.info("api.refused", status=refused.status, code=problem.code)
    return Response(
        refusal.body_of(refused),
        status_code=refused.status,
        media_type=refusal.MEDIA_TYPE,
        headers={**refused.headers, **headers},
    )

"""
The application of the operators' HTTP API: its boundary, where every error becomes problem+json.

Logs have codes and ids, never an address, a header or a payload; answers quote nothing of what was
sent. What a request may say is in the description at `/v1/openapi.json`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from lienthong.access.attempts import Attempts
from lienthong.api.account_routes import router as account_router
from lienthong.api.asking import Site
from lienthong.api.errors import answer_errors
from lienthong.api.export_routes import router as export_router
from lienthong.api.filter_routes import router as filter_router
from lienthong.api.limits import Limits
from lienthong.api.live_routes import router as live_router
from lienthong.api.mapping_routes import router as mapping_router
from lienthong.api.pause_routes import router as pause_router
from lienthong.api.problem_routes import router as problem_router
from lienthong.api.proof_routes import router as proof_router
from lienthong.api.replay_routes import router as replay_router
from lienthong.api.routes import router
from lienthong.api.session_routes import router as session_router
from lienthong.api.site_routes import router as site_router
from lienthong.operations.flow_watch import FlowWatch
from lienthong.web import refusal
from lienthong.web.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import BaseRoute

    from lienthong.flows.hints import Publisher
    from lienthong.wiring import Installation

log = structlog.get_logger()

_ERRORS = {
    "401": "Nobody can tell who asks.",
    "403": "A right is missing.",
    "404": "It is not there, or not for whoever asks.",
    "409": "Not in its present state, or not under this Idempotency-Key.",
    "410": "What it needs was erased when its retention ended.",
    "413": "More is said than may be said at this address.",
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
    installation: Installation,
    *,
    publisher: Publisher,
    attempts: Attempts | None = None,
    flow: FlowWatch | None = None,
    is_stopping: Callable[[], bool] = bool,
) -> FastAPI:
    """
    Return the ASGI application.

    Args:
        installation: What is seen and acted on.
        publisher: Takes hints.
        attempts: Counts logins that fail; None: as many as settings have by default.
        flow: Looks at how messages flow; None: as seldom as is usual.
        is_stopping: Tells whether the service ends.
    """
    app = FastAPI(
        title="Lienthong, operators' API",
        version="1.0.0",
        summary="What operators see and do; the console uses the same operations.",
        description=f"Lienthong {version('lienthong')}. Errors are application/problem+json.",
        openapi_url="/v1/openapi.json",
        # Their pages load programs from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    watch = flow or FlowWatch(installation)
    app.state.site = Site(installation, publisher, attempts or Attempts(), watch, is_stopping)
    app.router.routes += _routes()
    app.add_middleware(Limits)
    answer_errors(app, _answer)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Give the routes of every application: what each takes is worked out once in a process."""
    every = APIRouter(
        generate_unique_id_function=lambda route: route.name,
        responses={
            status: {
                "description": words,
                "content": {refusal.MEDIA_TYPE: {"schema": _PROBLEM}},
            }
            for status, words in _ERRORS.items()
        },
    )
    for routes in (
        # First: what it has stands beside ids.
        export_router,
        proof_router,
        router,
        live_router,
        problem_router,
        filter_router,
        replay_router,
        pause_router,
        site_router,
        mapping_router,
        session_router,
        account_router,
    ):
        every.include_router(routes)
    return tuple(every.routes)


def _answer(_request: Request, refused: Refused) -> Response:
    log.info("api.refused", status=refused.status, code=refused.problem.code)
    return Response(
        refusal.body_of(refused),
        status_code=refused.status,
        media_type=refusal.MEDIA_TYPE,
        headers=dict(refused.headers),
    )

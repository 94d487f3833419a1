"""Live state: server-sent events that say what `GET /v1/overview` says, whenever it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from lienthong.access.rights import Right
from lienthong.api.asking import AtSite, Caller, Presented, identify
from lienthong.operations.overview import see_overview
from lienthong.web.refusal import Refused, refuse
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.api.asking import Site
    from lienthong.operations.views import Overview

router = APIRouter(prefix="/v1", tags=["overview"])

LOOK_SECONDS = 3.0
LONGEST_SECONDS = 600.0
"""Then the client asks again, as every client of such streams does by itself."""
QUIET_LOOKS = 5
"""After so many looks at which nothing was new, a line says that the stream lives."""
MOST_STREAMS = 64
"""Of one process."""
_places = BoundedSemaphore(MOST_STREAMS)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events named `overview`, whose data is as GET /v1/overview answers.",
            "content": {"text/event-stream": {}},
        }
    },
)
def events(site: AtSite, caller: Caller, presented: Presented) -> StreamingResponse:
    """
    Follow the overview: an event at once, and one whenever it changes; at most ten minutes long.

    The token is looked at each time, so the stream ends with it.
    """
    caller.need(Right.VIEW)
    if not _places.acquire(blocking=False):
        raise _too_many()
    return StreamingResponse(
        _stream(site, lambda: see_overview(site.flow, identify(site, presented))),
        media_type="text/event-stream",
        # A proxy that gathers an answer before it hands it on would keep every event.
        headers={"X-Accel-Buffering": "no"},
    )


async def _stream(site: Site, look: Callable[[], Overview]) -> AsyncIterator[str]:
    try:
        said, quiet = "", 0
        for number in range(int(LONGEST_SECONDS / LOOK_SECONDS)):
            if number and site.is_stopping():
                return
            seen = await run_in_threadpool(look)
            # That it was seen later is no news.
            now = seen.model_dump_json(exclude={"at"})
            if now != said:
                said, quiet = now, 0
                yield f"id: {number}\nevent: overview\ndata: {seen.model_dump_json()}\n\n"
            elif quiet == QUIET_LOOKS:
                quiet = 0
                yield ":\n\n"
            quiet += 1
            await _rest(site)
    except Refused:
        # The token is over: whoever asks again is told so.
        return
    finally:
        _places.release()


async def _rest(site: Site) -> None:
    for _ in range(int(LOOK_SECONDS / 0.25)):
        if site.is_stopping():
            return
        await asyncio.sleep(0.25)


def _too_many() -> Refused:
    return refuse(
        503,
        "api.streams",
        Text(
            vi=f"Đã có {MOST_STREAMS} luồng sự kiện đang mở",
            en=f"{MOST_STREAMS} streams of events are open already",
        ),
        Text(
            vi="Thử lại sau, hoặc hỏi GET /v1/overview theo chu kỳ",
            en="Try again later, or ask GET /v1/overview from time to time",
        ),
        retry_after="30",
    )

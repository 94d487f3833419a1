"""Telling what is watched: beside the operators' API, or at a port of one process's own."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from lienthong.health import HealthCheck
from lienthong.metrics.gate import Gate
from lienthong.metrics.page import MetricsPage
from lienthong.metrics.watch import Watch
from lienthong.proving import Proving
from lienthong.web.listening import listen

if TYPE_CHECKING:
    from threading import Event

    from starlette.requests import Request
    from starlette.responses import Response

    from lienthong.web.standing import Standing
    from lienthong.wiring import Installation


def whole_page(installation: Installation) -> MetricsPage:
    """Return the page that tells of the whole installation."""
    return MetricsPage(
        Gate(installation, open_to_loopback=installation.settings.console.open_metrics),
        Watch(installation, stamps=Proving(installation).stamp_rules),
    )


def watching_routes(standing: Standing, page: MetricsPage) -> list[Route]:
    """Return what machines that watch ask for."""

    async def live(_request: Request) -> Response:
        return await standing.live()

    async def ready(_request: Request) -> Response:
        return await standing.ready()

    async def metrics(request: Request) -> Response:
        return await page.answer(request)

    return [Route("/live", live), Route("/ready", ready), Route("/metrics", metrics)]


def serve(installation: Installation, stop: Event) -> None:
    """Tell what this process saw until `stop` is set. Raises as `listen`."""
    # The whole installation is told by the console, once: here it would be told many times.
    page = MetricsPage(Gate(installation, open_to_loopback=True), watch=None)
    with closing(HealthCheck(installation).standing()) as standing:
        app = Starlette(routes=list(watching_routes(standing, page)))
        listen(app, installation.settings.metrics, stop, section="metrics")

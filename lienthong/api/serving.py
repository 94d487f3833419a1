"""Running the operators' HTTP API."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from lienthong.api.app import make_app
from lienthong.health import HealthCheck
from lienthong.metrics.serving import watching_routes, whole_page
from lienthong.web.listening import listen
from lienthong.web.relay import Relay

if TYPE_CHECKING:
    from threading import Event

    from lienthong.wiring import Installation


def serve(installation: Installation, stop: Event) -> None:
    """Run the API until `stop` is set, then let requests under way end. Raises as `listen`."""
    with (
        closing(Relay(installation.open_broker)) as relay,
        closing(HealthCheck(installation).standing()) as standing,
    ):
        app = make_app(installation, publisher=relay)
        # For machines that watch, and no part of the API that is described.
        app.router.routes += watching_routes(standing, whole_page(installation))
        listen(app, installation.settings.console, stop, section="console")

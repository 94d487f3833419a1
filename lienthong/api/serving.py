"""Running the operators' HTTP API."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from lienthong.api.app import make_app
from lienthong.web.listening import listen
from lienthong.web.relay import Relay

if TYPE_CHECKING:
    from threading import Event

    from lienthong.wiring import Installation


def serve(installation: Installation, stop: Event) -> None:
    """Run the API until `stop` is set, then let requests under way end. Raises as `listen`."""
    with closing(Relay(installation.open_broker)) as relay:
        app = make_app(installation, publisher=relay)
        listen(app, installation.settings.console, stop, section="console")

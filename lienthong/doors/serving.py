"""Running the HTTP door."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from lienthong.doors.app import HttpDoor
from lienthong.web.listening import listen
from lienthong.web.relay import Relay

if TYPE_CHECKING:
    from threading import Event

    from lienthong.wiring import Installation


def serve(installation: Installation, stop: Event) -> None:
    """Run the HTTP door until `stop` is set, then let uploads end. Raises as `listen`."""
    settings = installation.settings.http
    with (
        closing(Relay(installation.open_broker)) as relay,
        closing(HttpDoor(installation, publisher=relay)) as door,
    ):
        listen(door.app(), settings, stop, section="http")

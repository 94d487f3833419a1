"""Running the operators' HTTP API and console."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.access.attempts import Attempts
from lienthong.api.app import make_app
from lienthong.console.app import make_console
from lienthong.health import HealthCheck
from lienthong.metrics.serving import watching_routes, whole_page
from lienthong.operations.signing_in import make_first_code
from lienthong.web.listening import listen
from lienthong.web.relay import Relay

if TYPE_CHECKING:
    from threading import Event

    from lienthong.settings import ConsoleSettings
    from lienthong.wiring import Installation


def serve(installation: Installation, stop: Event) -> None:
    """Run the API until `stop` is set, then let requests under way end. Raises as `listen`."""
    settings = installation.settings.console
    attempts = Attempts(
        most=settings.login_attempts, window=timedelta(seconds=settings.login_window_seconds)
    )
    welcome(installation)
    with (
        closing(Relay(installation.open_broker)) as relay,
        closing(HealthCheck(installation).standing()) as standing,
    ):
        app = make_app(installation, publisher=relay, attempts=attempts, is_stopping=stop.is_set)
        app.state.site.flow.begin()
        # For machines that watch, and no part of the API that is described.
        app.router.routes += watching_routes(standing, whole_page(installation))
        # Last: it has every address that is left.
        app.mount("", make_console(app.state.site))
        listen(app, settings, stop, section="console")


def welcome(installation: Installation) -> None:
    """Where nobody has an account, print the code for the first one; no log has it."""
    settings = installation.settings.console
    made = make_first_code(installation)
    if made is None:
        return
    until = made.expires_at.astimezone().isoformat(timespec="minutes")
    sys.stderr.write(
        f"\nChưa có tài khoản nào. Mã một lần để tạo quản trị viên đầu tiên (đến {until}):\n"
        "There is no account yet. One-time code for the first administrator "
        f"(until {until}):\n\n    {_root(settings)}/first#{made.code}\n\n"
    )
    sys.stderr.flush()


def _root(settings: ConsoleSettings) -> str:
    # What comes after "#" no browser sends, and no proxy sees.
    scheme = "http" if settings.tls_certificate is None else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}"

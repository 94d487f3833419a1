"""
The sandbox's two addresses: the portal (SOAP, WSDL and schemas) and its control on loopback.

`serve` runs both until it is told to stop. Refusing connections is real: the listening socket is
closed for the time and opened again on the same port.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from random import Random
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

from lienthong.sandbox.adapter import Adapter
from lienthong.sandbox.control import ControlServer
from lienthong.sandbox.counter import Counter
from lienthong.sandbox.description import describe_service
from lienthong.sandbox.filing import SoapMessages
from lienthong.sandbox.handlers import App, PortalServer
from lienthong.sandbox.headers import CLIENT, SERVICE
from lienthong.sandbox.lgsp import LGSP_PATH, SUCCESS, Lgsp
from lienthong.sandbox.orders import Misbehaviours
from lienthong.sandbox.portal import Code, Portal
from lienthong.sandbox.pushing import Pusher
from lienthong.sandbox.security import Guard
from lienthong.sandbox.stage import Stage
from lienthong.sandbox.store import SandboxStore
from schemas.model import load_version
from schemas.validation import Validator
from signing import XadesSigner, load_pem, load_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.sandbox.config import AdapterLogin, LgspClient, SandboxConfig
    from lienthong.sandbox.headers import HeaderDemands
    from lienthong.sandbox.security import SecurityDemands

PORTAL_PATH = "/portal"
ADAPTER_PATH = "/adapter"
REFUSALS = (
    Code.INVALID,
    Code.CONFLICT,
    Code.SIGNATURE,
    Code.AGENCY,
    Code.REJECTED,
    Code.MISSING,
)
"""Codes after which a message will never be accepted."""
PUSHER_SECONDS = 40
"""How long an attempt to send something down may take to end; more than its own timeouts."""
TICK_SECONDS = 0.05
"""How often orders that begin or end by themselves are noticed."""


class Front:
    """The portal's listening socket: there, or truly not there."""

    def __init__(self, config: SandboxConfig, *, app: App) -> None:
        self._app = app
        self._lock = Lock()
        self._server: PortalServer | None = None
        self._address = (config.host, config.port)
        self._open()

    @property
    def url(self) -> str:
        """Where the portal is."""
        host, port = self._address
        return f"http://{host}:{port}{PORTAL_PATH}"

    def apply(self) -> None:
        """Listen, or stop listening, as is ordered now."""
        with self._lock:
            refusing = self._app.misbehaviours.is_refusing(monotonic())
            if refusing and self._server is not None:
                self._close()
            elif not refusing and self._server is None:
                self._open()

    def close(self) -> None:
        """Stop listening for good."""
        with self._lock:
            if self._server is not None:
                self._close()

    def _open(self) -> None:
        server = PortalServer(self._address, app=self._app)
        # A port that was free is from now on the port.
        self._address = (self._address[0], server.server_address[1])
        Thread(target=server.serve_forever, args=(0.02,), name="sandbox", daemon=True).start()
        self._server = server

    def _close(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None


def system_clock() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def serve(
    config: SandboxConfig,
    *,
    stop: Event,
    ready: Callable[[str, str], None],
    clock: Callable[[], datetime] = system_clock,
) -> None:
    """
    Run a sandbox until `stop` is set.

    Args:
        config: Of the sandbox.
        stop: Ends it; what was answered is on the disk.
        ready: Called once with the URLs of the portal and of the control address.
        clock: Tells receipts' and arrivals' time.

    Raises:
        OSError: when an address cannot be had.
        ConfigError, SigningError: for schema versions, keys or trust that cannot be used.
    """
    with ExitStack() as stack:
        app = _make_app(config, stack, stop=stop, clock=clock)
        front = Front(config, app=app)
        stack.callback(front.close)
        versions = [version for version, _ in app.portal.versions.values()]
        app.pages.update(describe_service(versions, url=front.url))
        control = ControlServer(config.control_port, app=app, apply=front.apply)
        stack.callback(control.server_close)
        Thread(
            target=control.serve_forever, args=(0.02,), name="sandbox-control", daemon=True
        ).start()
        stack.callback(control.shutdown)
        pusher = Thread(target=app.pusher.run, name="sandbox-pusher", daemon=True)
        pusher.start()
        stack.callback(pusher.join, PUSHER_SECONDS)
        stack.callback(stop.set)
        start = monotonic()
        for wish in config.schedule:
            app.misbehaviours.add(wish, now=start)
        front.apply()
        ready(front.url, f"http://127.0.0.1:{control.server_address[1]}")
        while not stop.wait(TICK_SECONDS):
            front.apply()


def target_settings(url: str, *, config: SandboxConfig) -> dict[str, object]:
    """
    Return the `[target]` settings that fit a sandbox at `url`.

    Trust in receipts is the sandbox's very certificate, so no agency's key can sign one.
    """
    settings: dict[str, object] = {
        "endpoint": url,
        "schema_versions": list(config.schema_versions),
        "rejected_codes": [code.value for code in REFUSALS],
        "quiet_period_seconds": 2,
    }
    if config.channel == "dvcqg-json":
        if config.progress_rows > 1:
            settings["progress_rows_per_call"] = config.progress_rows
        return settings | {
            "endpoint": url.removesuffix(PORTAL_PATH) + ADAPTER_PATH,
            "channel": config.channel,
            "json": _adapter_settings(config.adapter),
        }
    if config.channel == "lgsp":
        success = Code.OK.value if config.lgsp.answer == "mresult" else SUCCESS
        return settings | {
            "endpoint": url.removesuffix(PORTAL_PATH) + LGSP_PATH,
            "channel": config.channel,
            "success_codes": [success],
            "lgsp": _lgsp_settings(config.lgsp),
        }
    settings |= {
        "receipt_trust": [str(config.receipt_certificate)],
        "shows_content": config.look_up_shows.value == "content",
    }
    if config.headers is not None:
        settings |= _header_settings(config.headers)
    if config.security is not None:
        settings["security"] = _security_settings(config.security, config=config)
    return settings


def _adapter_settings(login: AdapterLogin) -> dict[str, object]:
    return {
        "auth_endpoint": "/auth",
        "integration_endpoint": "/integration",
        "username": login.username,
        "password": login.password,
        "madonvi": "000.00.00.H29",
        "session_seconds": login.session_lifetime.total_seconds(),
        "expired_codes": [Code.SESSION.value],
        "expired_texts": ["hết hạn"],
    }


def _lgsp_settings(client: LgspClient) -> dict[str, object]:
    unknown = "0000-00-00T00:00:00.000+0700"
    names = {
        "AppName": "app_name",
        "AccessKey": "access_key",
        "SecretKey": "secret_key",
        "PartnerCode": "partner_code",
        "PartnerCodeCus": "partner_code_cus",
    }
    access = {names[name]: value for name, value in client.access.items()}
    settings: dict[str, object] = {
        "token_endpoint": "/token",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "look_up_endpoint": "/Document/Find",
        "answer": client.answer,
        "dossier": {
            "constants": {
                "CitizenName": "-",
                "ApplicantsId": "-",
                "Phone": "-",
                "DateAppointed": unknown,
                "ReturnedDate": unknown,
                "Attachments.IsVerified": "false",
                "Supplementaries.SendComment": "-",
                "Supplementaries.SendUser": "-",
                "Supplementaries.ReceivedDate": unknown,
                "Supplementaries.IsReceived": "false",
                "Supplementaries.OldDateAppointed": unknown,
                "Supplementaries.Papers.Amount": "1",
                "Supplementaries.Papers.PaperType": "1",
            },
            "codes": {"ApplicantsType": {"1": "1", "2": "2", "3": "3", "4": "4"}},
        },
        "progress": {
            "sources": {"DocumentId": ["MaHoSo"], "OrganizationInchargeName": ["@MaDonVi"]},
            "constants": {"UserPosition": "-"},
        },
    }
    return settings | ({"access": access} if access else {})


def _header_settings(demands: HeaderDemands) -> dict[str, object]:
    settings: dict[str, object] = {}
    if demands.addressing:
        settings["addressing"] = {"answers_relate": True}
    if demands.xroad:
        names = ("instance", "member_class", "member_code", "subsystem_code")
        settings["xroad"] = {
            "client": dict(zip(names, CLIENT, strict=True)),
            "service": dict(zip(names, SERVICE, strict=True)),
        }
    return settings


def _security_settings(demands: SecurityDemands, *, config: SandboxConfig) -> dict[str, object]:
    settings: dict[str, object] = {"signature": bool(demands.trust)}
    for username, password in demands.logins.items():
        settings |= {"username": username, "password": password}
    if demands.signs_answers:
        settings |= {
            "signed_answers": True,
            "answer_trust": [str(config.receipt_certificate)],
            "answers_confirm": bool(demands.trust),
        }
    return settings


def _make_app(
    config: SandboxConfig, stack: ExitStack, *, stop: Event, clock: Callable[[], datetime]
) -> App:
    versions = [load_version(name) for name in config.schema_versions]
    key = load_pem(config.receipt_key, config.receipt_certificate, passphrase=None)
    policy = load_policy(
        config.trust, elements=frozenset((version.namespace, "BanTin") for version in versions)
    )
    store = SandboxStore(config.ledger)
    stack.callback(store.close)
    portal = Portal(
        store=store,
        versions={version.namespace: (version, Validator(version)) for version in versions},
        policy=policy,
        signer=XadesSigner(key),
        idempotent=config.idempotent,
        look_up_shows=config.look_up_shows,
    )
    counter = Counter(portal=portal, door=config.door)
    return App(
        portal=portal,
        counter=counter,
        pusher=Pusher(
            counter=counter, soap=SoapMessages(versions[0], key=key), clock=clock, stop=stop
        ),
        adapter=Adapter(portal=portal, login=config.adapter, progress_rows=config.progress_rows),
        lgsp=Lgsp(portal=portal, client=config.lgsp),
        misbehaviours=Misbehaviours(
            random=Random(config.seed),  # noqa: S311 - no secret
            stage=None
            if config.scenario is None
            else Stage(config.scenario, seed=config.seed, now=monotonic()),
        ),
        clock=clock,
        guard=None if config.security is None else Guard(config.security, key=key),
        demands=config.headers,
        max_request_bytes=config.max_request_bytes,
        idle_timeout_seconds=config.idle_timeout_seconds,
        stopping=stop,
    )

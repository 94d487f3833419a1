"""
The private RabbitMQ and PostgreSQL of `demo --broker rabbitmq`, set up as a site would have them.

Workers and agencies have users of their own with the least they need; each agency sends its file
as one message to its own exchange and reads what became of it from its own queue.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from broker.rabbitmq import (
    AgencySender,
    Outgoing,
    RabbitSettings,
    Secret,
    declare,
    make_permissions,
    permission_definitions,
)
from lienthong.store.migrating import upgrade
from lienthong.testing.machine import ServerFailed
from lienthong.testing.postgresql import PrivatePostgres
from lienthong.testing.rabbitmq import PrivateRabbit
from schemas.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lienthong.samples import SampleSet
    from lienthong.wiring import Installation

VHOST = "lienthong"
DATABASE = "lienthong"


@dataclass(slots=True, kw_only=True)
class Servers:
    """Two running servers."""

    rabbit: PrivateRabbit
    postgres: PrivatePostgres
    _passwords: dict[str, str] = field(default_factory=dict)

    @property
    def management_url(self) -> str:
        """The address of RabbitMQ's management page."""
        return self.rabbit.management_url

    @property
    def settings(self) -> str:
        """The lines of lienthong.toml that lead the workers here."""
        password = self._password("lienthong-worker")
        return "\n".join(
            (
                "",
                "[store]",
                f"url = {json.dumps(self.postgres.create_database(DATABASE))}",
                "[broker]",
                'kind = "rabbitmq"',
                f"urls = [{json.dumps(self.rabbit.url_of(VHOST))}]",
                'user = "lienthong-worker"',
                f"password = {json.dumps(password)}",
                "",
            )
        )

    def prepare(self, installation: Installation) -> None:
        """Make tables, queues and users, as an installer would."""
        upgrade(installation.engine, at=installation.clock())
        settings = installation.rabbit_settings
        permissions = make_permissions(settings.plan)
        definitions = {
            "vhosts": [{"name": VHOST}],
            "users": [self._user(permission.user) for permission in permissions],
            **permission_definitions(permissions, vhost=VHOST),
        }
        file = self.rabbit.folder / "users.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(definitions), encoding="utf-8")
        self.rabbit.ctl("import_definitions", str(file))
        admin = "lienthong-topology"
        declare(replace(settings, user=admin, password=Secret(self._password(admin))))

    def send(self, installation: Installation, sample_set: SampleSet) -> None:
        """Send every agency's file as a message, with the agency's own user."""
        for file in sample_set.files:
            settings = self.of_agency(installation, file.agency)
            with closing(AgencySender(settings, agency=file.agency)) as sender:
                sender.send([Outgoing(id=file.path.stem, body=file.path.read_bytes())])

    def of_agency(self, installation: Installation, agency: str) -> RabbitSettings:
        """Return how an agency reaches RabbitMQ, as its own user."""
        user = f"lienthong-{agency}"
        password = Secret(self._password(user))
        return replace(installation.rabbit_settings, user=user, password=password)

    def _user(self, name: str) -> dict[str, str]:
        # As RabbitMQ keeps it: a salt of four bytes, and SHA-256 over it and the password.
        salt = secrets.token_bytes(4)
        digest = hashlib.sha256(salt + self._password(name).encode()).digest()
        return {
            "name": name,
            "password_hash": base64.b64encode(salt + digest).decode(),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": "",
        }

    def _password(self, user: str) -> str:
        return self._passwords.setdefault(user, secrets.token_hex(12))


@contextmanager
def run_servers(folder: Path) -> Iterator[Servers]:
    """
    Run both servers until the context ends.

    Raises:
        PeerError: one of them is not installed or does not start.
    """
    with ExitStack() as stack:
        try:
            rabbit = PrivateRabbit(folder=folder / "rabbitmq", with_management=True)
            stack.callback(rabbit.stop)
            rabbit.start()
            postgres = PrivatePostgres()
            stack.callback(postgres.stop)
            postgres.start()
        except (OSError, ServerFailed) as error:
            raise PeerError(str(error), retryable=False, code="demo.servers") from error
        yield Servers(rabbit=rabbit, postgres=postgres)

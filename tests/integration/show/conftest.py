"""Sandbox portals, scripted peers, and installations whose real roles deliver to them."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from lienthong.sandbox import SandboxConfig
from lienthong.sandbox.server import system_clock
from lienthong.store.database import reading
from lienthong.store.sealed import document_context
from lienthong.store.tables import messages
from lienthong.testing.portal_site import AGENCY, AGENCY_CODE, Portal, PortalSite
from schemas.parser import parse_xml
from schemas.reading import read_document
from signing import make_development_pki
from tests.contract.peers import http, peer, read_request
from tests.integration.show.relay import relaying


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show") / "keys"
    agencies = {AGENCY: (AGENCY_CODE, "Một cửa thử nghiệm")}
    return make_development_pki(folder, agencies=agencies, now=datetime.now(UTC), kind="ec")


@pytest.fixture
def open_portal(pki, tmp_path):
    """Start sandboxes; each ends with the test."""
    with ExitStack() as stack:
        made = []

        def start(channel="soap", *, clock=system_clock, **changes):
            made.append(tmp_path / f"portal-{len(made)}.sqlite")
            portal = Portal(
                SandboxConfig(
                    ledger=made[-1],
                    trust=(pki.root.certificate,),
                    receipt_key=pki.portal.key,
                    receipt_certificate=pki.portal.certificate,
                    channel=channel,
                    **changes,
                ),
                clock=clock,
            )
            stack.callback(portal.close)
            return portal

        yield start


@pytest.fixture
def open_site(pki, tmp_path):
    """Put installations together that deliver to a portal; `tables` are of lienthong.toml."""
    with ExitStack() as stack:
        made = []

        def open_(portal, /, **tables):
            folder = tmp_path / f"site-{len(made)}"
            keys = pki.root.certificate.parent
            made.append(PortalSite(folder, keys, portal, tables))
            stack.callback(made[-1].close)
            return made[-1]

        yield open_


@pytest.fixture
def both(open_portal, open_site):
    """Start a sandbox and an installation that delivers to it."""

    def start(channel="soap", *, sandbox=None, **tables):
        portal = open_portal(channel, **(sandbox or {}))
        return SimpleNamespace(portal=portal, site=open_site(portal.target, **tables))

    return start


@pytest.fixture
def json_peer():
    """Serve JSON as a target: each call is answered by `say(call)`; logins give a session."""
    with ExitStack() as stack:

        def serve(say):
            def script(connection, seen):
                while (request := read_request(connection)) is not None:
                    head, body = request
                    path = head.split(b" ")[1].decode()
                    call = SimpleNamespace(path=path, head=head.decode().lower(), body=body)
                    seen.append(call)
                    is_login = path.endswith("/auth")
                    said = b'{"session":"s","error_code":"0"}' if is_login else say(call)
                    connection.sendall(said if said.startswith(b"HTTP/") else http(200, said))

            return stack.enter_context(peer(script))

        yield serve


@pytest.fixture
def spoiling():
    """Put a relay before a sandbox that changes the answers to its next deliveries."""
    with ExitStack() as stack:
        yield lambda portal, spoil: stack.enter_context(relaying(portal.target, spoil))


@pytest.fixture
def values_of():
    """Return the fields of the document that a message carries to the portal."""

    def read(site, line):
        store = site.installation.store
        with reading(store) as connection:
            query = select(messages.c.document).where(messages.c.id == line.id)
            sealed = connection.execute(query).scalar_one()
        document = store.vault.open(sealed, context=document_context(line.id))
        return read_document(parse_xml(document)).values

    return read

"""The operators' API with accounts, in this process, and short words for those who sign in."""

import re
from types import SimpleNamespace

from pyotp import TOTP
from sqlalchemy import select
from starlette.testclient import TestClient

from lienthong.access.attempts import Attempts
from lienthong.access.rights import EVERY, Grant, Principal, Role
from lienthong.api.app import make_app
from lienthong.console.app import make_console
from lienthong.operations.signing_in import make_first_code
from lienthong.settings import ConsoleSettings
from lienthong.store.database import reading
from lienthong.store.tables import audit, metadata

PASSWORD = "bốn con mèo trên mái"
OTHER = "năm con chim ngoài sân"
ROOT = Principal(name="root", grants=(Grant(role=Role.ADMINISTRATOR, agencies=EVERY),))


class Accounts:
    """An installation with a store, and its API."""

    def __init__(self, store, clock, *, installation=None, **settings):
        self.store, self.clock = store, clock
        console = ConsoleSettings(**settings)
        self.installation = installation or SimpleNamespace(
            store=store,
            clock=clock,
            settings=SimpleNamespace(console=console),
            mappings=SimpleNamespace(
                names=lambda: ("health", "land"), title={"land": "Đất đai <&>"}.get
            ),
        )
        self.attempts = Attempts(most=console.login_attempts)
        self.app = make_app(self.installation, publisher=None, attempts=self.attempts)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def ask(self, method, path, token=None, **said):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        more = {"json": said} if method in ("POST", "PUT") else {}
        return self.client.request(method, f"/v1{path}", headers=headers, **more)

    def first(self, name="chi", password=PASSWORD, code=None):
        code = code or make_first_code(self.installation).code
        return self.ask(
            "POST", "/session/first", code=code, name=name, full_name="Chị", password=password
        )

    def administrator(self, name="chi"):
        """Make the first administrator, with an app; return token, secret and codes in reserve."""
        token = self.first(name).json()["token"]
        secret, codes = self.enrol(token)
        return token, secret, codes

    def enrol(self, token, password=PASSWORD):
        secret = self.ask("POST", "/session/totp", token, password=password).json()["secret"]
        confirmed = self.ask("POST", "/session/totp/confirm", token, code=self.code(secret))
        return secret, confirmed.json()["codes"]

    def account(self, by, name="an", role="viewer", password=PASSWORD, agencies=None):
        """Make an account that has a password; return the token of its first session."""
        grants = [{"role": role, "agencies": agencies}]
        made = self.ask("POST", "/accounts", by, name=name, full_name=name, grants=grants)
        assert made.status_code == 201, made.text
        answer = self.ask("POST", "/session/code", code=made.json()["code"], password=password)
        return answer.json()["token"]

    def login(self, name="an", password=PASSWORD, code=None):
        said = {"name": name, "password": password} | ({} if code is None else {"code": code})
        return self.ask("POST", "/session", **said)

    def code(self, secret):
        return TOTP(secret).at(int(self.clock().timestamp()))

    def act(self, verb, name, by, **said):
        return self.ask("POST", f"/accounts/{name}/{verb}", by, reason="thử", **said)

    def logged(self):
        with reading(self.store) as connection:
            rows = connection.execute(select(audit).order_by(audit.c.id)).all()
        return [(row.actor, row.action, row.detail) for row in rows]

    def dumped(self):
        """Return everything that the store has, as text."""
        with reading(self.store) as connection:
            return "\n".join(
                repr(tuple(row))
                for table in metadata.sorted_tables
                for row in connection.execute(select(table))
            )


def signed_in(installation, *, role, agency):
    """Return the browser of somebody who has a role for one agency."""
    accounts = Accounts(installation.store, installation.clock, installation=installation)
    browser = Browser(accounts)
    accounts.account(accounts.first().json()["token"], role=role, agencies=[agency])
    browser.sign_in()
    return browser


class Browser:
    """Keeps cookies, fills forms in as a person would, and follows where it is sent."""

    def __init__(self, site):
        site.app.mount("", make_console(site.app.state.site))
        self.client = site.client
        self.client.headers["Accept"] = "text/html"
        self.page = None

    def open(self, path, **more):
        self.page = self.client.get(path, **more)
        return self.page

    def send(self, path, *, form=None, **fields):
        if form is None:
            form = re.search(r'name="form" value="([^"]*)"', self.page.text)[1]
        given = {"form": form, **fields}
        self.page = self.client.post(path, data=given, follow_redirects=False)
        return self.page

    def sign_in(self, name="an", password=PASSWORD, **fields):
        self.open("/sign-in")
        return self.send("/sign-in", name=name, password=password, **fields)

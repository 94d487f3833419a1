"""The console and its API while their database is away: clear words, nothing lost."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from lienthong.console.app import make_console
from lienthong.store.database import make_tables, open_postgresql, open_store, reading
from lienthong.store.tables import audit
from tests.contract.store.accounts_site import Accounts

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
def site(private_postgresql, tmp_path):
    url = private_postgresql.create_database("console_away")
    engine = open_postgresql(url)
    make_tables(engine)
    store = open_store(engine, key_file=tmp_path / "store.keys", now=NOW)
    site = Accounts(replace(store, has_clock=False), lambda: NOW, totp_required=False)
    site.app.mount("", make_console(site.app.state.site))
    yield site
    store.dispose()


def rows(site):
    with reading(site.store) as connection:
        return connection.execute(select(func.count()).select_from(audit)).scalar_one()


def test_a_database_that_goes_away_and_comes_back(site, private_postgresql):
    token = site.first().json()["token"]
    page = {"Accept": "text/html", "Cookie": f"lienthong={token}"}
    before = rows(site)
    made = {"name": "an", "full_name": "An", "grants": [{"role": "viewer", "agencies": ["land"]}]}
    key = {"Idempotency-Key": "only-once", "Authorization": f"Bearer {token}"}

    private_postgresql.kill()
    try:
        shown = site.client.get("/accounts", headers=page)
        answers = [
            site.ask("GET", "/accounts", token),
            site.client.post("/v1/accounts", json=made, headers=key),
            site.ask("POST", "/session", name="chi", password="mật khẩu nào đó"),
        ]
    finally:
        private_postgresql.start()

    assert (shown.status_code, "Chưa tới được cơ sở dữ liệu" in shown.text) == (503, True)
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "http.store_unreachable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "postgres" not in answer.text.lower()
    assert rows(site) == before

    assert site.client.get("/accounts", headers=page).status_code == 200
    assert site.client.post("/v1/accounts", json=made, headers=key).status_code == 201
    names = [one["name"] for one in site.ask("GET", "/accounts", token).json()["accounts"]]
    assert names == ["an", "chi"]

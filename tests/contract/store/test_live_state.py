"""The stream of live state: what it says, to whom, and when it ends."""

import asyncio
import json
from threading import BoundedSemaphore

import pytest
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api import live_routes
from lienthong.api.app import make_app
from lienthong.pauses import TARGET, What
from lienthong.store.access_tokens import make_access_token, revoke_access_token
from lienthong.store.pauses import make_pause
from lienthong.store.work import begin
from tests.contract.store.accounts_site import Accounts


class Watcher:
    """Follows the stream; `between` is done at each rest, until it says that the service ends."""

    def __init__(self, store, clock, monkeypatch):
        self.store, self.clock = store, clock
        self.between = []
        monkeypatch.setattr(live_routes, "_rest", self._rest)
        site = Accounts(store, clock)
        app = make_app(
            site.installation, publisher=None, is_stopping=lambda: not self.between and self.rested
        )
        self.rested = False
        self.client = TestClient(app, raise_server_exceptions=False)

    async def _rest(self, _site):
        self.rested = True
        if self.between:
            self.between.pop(0)()

    def token(self, agencies=EVERY):
        with begin(self.store, at=self.clock, actor="root") as work:
            grants = [Grant(role=Role.VIEWER, agencies=agencies)]
            return make_access_token(work, "an", grants=grants, expires_at=None)

    def follow(self, token):
        answer = self.client.get("/v1/events", headers={"Authorization": f"Bearer {token}"})
        events = [
            json.loads(each.partition("data: ")[2])
            for each in answer.text.split("\n\n")
            if "event: overview" in each
        ]
        return answer, events


@pytest.fixture
def watcher(store, clock, monkeypatch):
    return Watcher(store, clock, monkeypatch)


def nothing():
    pass


def test_the_overview_comes_at_once_and_then_only_when_it_changes(watcher, store, clock):
    def stop():
        with begin(store, at=clock, actor="an") as work:
            make_pause(work, TARGET, What.DELIVERY, reason="bảo trì", until=None)

    watcher.between = [nothing, stop, nothing]

    answer, events = watcher.follow(watcher.token())

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert [[one["reason"] for one in event["pauses"]] for event in events] == [[], ["bảo trì"]]


def test_a_stream_ends_with_its_token(watcher, store, clock):
    token = watcher.token()

    def revoke():
        with begin(store, at=clock, actor="root") as work:
            revoke_access_token(work, token.split("_")[1])

    watcher.between = [nothing, revoke, *[nothing] * 1_000]

    answer, events = watcher.follow(token)

    assert (answer.status_code, len(events)) == (200, 1)
    assert len(watcher.between) > 900
    assert watcher.follow(token)[0].status_code == 401


def test_nobody_follows_without_a_right_and_not_too_many_at_once(watcher, monkeypatch):
    assert watcher.follow("lto_0000000000000000_" + "A" * 43)[0].status_code == 401

    monkeypatch.setattr(live_routes, "_places", BoundedSemaphore(1))
    token = watcher.token()
    live_routes._places.acquire()
    full, _ = watcher.follow(token)
    live_routes._places.release()
    free, _ = watcher.follow(token)

    assert (full.status_code, full.json()["code"], free.status_code) == (503, "api.streams", 200)
    assert full.headers["Retry-After"] == "30"
    assert live_routes._places.acquire(blocking=False)


def test_who_leaves_before_the_stream_begins_leaves_no_place_taken(watcher, monkeypatch):
    monkeypatch.setattr(live_routes, "_places", BoundedSemaphore(1))
    bearer = f"Bearer {watcher.token()}".encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "root_path": "",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "query_string": b"",
        "headers": [(b"authorization", bearer)],
        "server": ("here", 1),
        "client": ("it", 1),
    }

    async def gone():
        return {"type": "http.disconnect"}

    async def send(_message):
        pass

    for _ in range(3):
        asyncio.run(watcher.client.app(dict(scope), gone, send))

    assert watcher.follow(watcher.token())[0].status_code == 200

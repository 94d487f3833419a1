"""What the API shows of an installation: to whom, and nothing that is secret or of others."""

import json
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.app import make_app
from lienthong.settings import Settings
from lienthong.store.access_tokens import make_access_token
from lienthong.store.pulls import claim, let_go
from lienthong.store.work import begin
from lienthong.wiring import Installation
from signing import make_development_pki

LAND, CIVIL = "land-registration", "igate-one-stop"
SECRET = "mat-khau-bi-mat"
WEB = {"kind": "rest", "url": "https://nguon.example/hoso", "records": "data", "key": ["ma"]}


class Site(Installation):
    """A real installation on the store and the clock of the test."""

    def __init__(self, settings, exchange):
        super().__init__(settings)
        self.exchange = exchange
        self.__dict__["store"] = exchange.store

    def clock(self):
        return self.exchange.clock()


class Office:
    def __init__(self, exchange, here, **settings):
        self.exchange = exchange
        values = {"data_dir": here / "data", "keys_dir": here / "keys"} | settings
        self.installation = Site(Settings(**values), exchange)
        app = make_app(self.installation, publisher=exchange.broker)
        self.client = TestClient(app, raise_server_exceptions=False)

    def ask(self, path, *who):
        role, *agencies = who
        some = frozenset(agencies) if agencies else EVERY
        with begin(self.exchange.store, at=self.exchange.clock, actor="root") as work:
            grants = [Grant(role=role, agencies=some)]
            token = make_access_token(work, "an", grants=grants, expires_at=None)
        return self.client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "keys"
    named = {LAND: ("000.15.29.H29", "Đất đai"), CIVIL: ("000.00.15.H29", "Một cửa")}
    now = datetime(2026, 3, 2, 7, tzinfo=UTC)
    make_development_pki(folder, agencies=named, now=now, kind="ec")
    return folder


@pytest.fixture
def make_office(exchange, tmp_path, keys):
    made = []

    def make(**settings):
        made.append(Office(exchange, tmp_path, **{"keys_dir": keys} | settings))
        return made[-1]

    return make


@pytest.fixture
def office(make_office):
    return make_office()


@pytest.mark.parametrize("path", ["/mappings", "/catalogue/coverage"])
def test_mappings_are_for_who_may_see_them(office, path):
    assert office.ask(path, Role.VIEWER).status_code == 403
    assert office.ask(path, Role.INTEGRATOR).status_code == 200


def test_mappings_are_told_with_their_digest_and_what_they_fill(office):
    every = office.ask("/mappings", Role.INTEGRATOR).json()["mappings"]
    (own,) = office.ask("/mappings", Role.INTEGRATOR, LAND).json()["mappings"]

    assert [one["name"] for one in every] == list(office.installation.mappings.names())
    assert own in every
    converter = office.installation.mappings.get(LAND)
    assert (own["sha256"], own["version"]) == (converter.digest, converter.version)
    assert own["mandatory"]["filled"] == own["mandatory"]["of"] > 0
    assert own["optional"]["filled"] < own["optional"]["of"]
    assert own["trouble"] is None


def test_a_mapping_that_is_wrong_is_told_without_the_files_of_the_machine(make_office, tmp_path):
    folder = tmp_path / "mappings"
    folder.mkdir()
    good = (files("mappings") / "agencies" / f"{LAND}.yaml").read_text("utf-8")
    (folder / f"{LAND}.yaml").write_text(good.replace("MaHoSo:", "MaHoSoo:"), encoding="utf-8")
    office = make_office(mappings_dir=folder)

    answer = office.ask("/mappings", Role.INTEGRATOR, LAND)

    (own,) = answer.json()["mappings"]
    assert own["version"] is None
    assert "mapping check" in own["trouble"]["en"]
    assert str(tmp_path) not in answer.text


def test_the_catalogue_is_told_by_its_groups(office):
    found = office.ask("/catalogue/coverage", Role.INTEGRATOR).json()

    assert len(found["groups"]) == 23
    assert all(
        one["delivered"] + one["mapped"] + one["none"] == one["total"] for one in found["groups"]
    )


def test_sources_tell_ways_and_when_and_nothing_secret(make_office, exchange, desk, tmp_path):
    office = make_office(
        folder={"path": tmp_path},
        pull={"old-system": WEB | {"agency": LAND, "headers": {"X-Api-Key": SECRET}}},
        receivers={
            LAND: {"hook": {"url": "https://co-quan.example/nhan", "secret": SECRET * 3}},
        },
    )
    desk.receive("D-1,x", agency=LAND)
    with begin(exchange.store, at=exchange.clock) as work:
        held = claim(work, "old-system", lease=work.at - work.at)
        let_go(work, held, due_at=work.at, whole=False, trouble="pull.unreachable")

    answer = office.ask("/sources", Role.VIEWER, LAND)

    (source,) = answer.json()["sources"]
    assert (source["agency"], source["waiting"], source["backlog"]) == (LAND, 1, 0)
    assert [door["kind"] for door in source["doors"]] == ["http", "folder", "pull"]
    pulled = source["doors"][-1]
    assert (pulled["name"], pulled["trouble"], pulled["read_at"]) == (
        "old-system",
        "pull.unreachable",
        None,
    )
    assert source["receiver"]["kind"] == "hook"
    assert source["last_up"]["door"] == "file"
    assert source["last_down"] is None
    for hidden in (SECRET, "example", str(tmp_path)):
        assert hidden not in answer.text
    names = {one["agency"] for one in office.ask("/sources", Role.VIEWER).json()["sources"]}
    assert {LAND, CIVIL} <= names


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ((Role.VIEWER,), 200),
        ((Role.ADMINISTRATOR,), 200),
        ((Role.VIEWER, LAND), 403),
        ((Role.OPERATOR, LAND), 403),
    ],
)
def test_queues_are_for_who_sees_the_whole(office, who, status):
    answer = office.ask("/queues", *who)

    assert answer.status_code == status
    if status == 200:
        found = answer.json()
        assert (found["kind"], found["is_reachable"], found["drifts"]) == ("sqlite", True, [])
        assert [one["name"] for one in found["queues"]] == ["expand", "deliver", "hand-over"]


def test_an_exchange_that_is_away_is_an_answer(make_office):
    office = make_office(
        broker={
            "kind": "rabbitmq",
            "urls": ["amqp://127.0.0.1:1"],
            "user": "worker",
            "password": SECRET,
        }
    )

    answer = office.ask("/queues", Role.VIEWER)

    assert answer.status_code == 200
    found = answer.json()
    assert (found["is_reachable"], found["is_checked"], found["queues"]) == (False, False, [])
    assert found["trouble"]["vi"]
    assert SECRET not in answer.text


def test_keys_are_told_with_their_ends_and_without_what_is_secret(office, keys):
    every = office.ask("/keys", Role.ADMINISTRATOR)
    own = office.ask("/keys", Role.VIEWER, LAND)

    found = every.json()
    assert {one["holder"] for one in found["keys"]} == {"operator", LAND, CIVIL}
    (mine,) = [one for one in found["keys"] if one["holder"] == LAND]
    assert (mine["state"], mine["is_development"], mine["trouble"]) == ("in use", True, None)
    ends = {one["holder"]: one["ends_at"] for one in found["holders"]}
    assert ends[LAND] == mine["not_after"]
    assert {one["use"] for one in found["trust"]} == {"documents", "timestamps"}
    assert own.json() == {
        "holders": [{"holder": LAND, "ends_at": ends[LAND]}],
        "keys": [mine],
        "trust": [],
        "unreadable": [],
    }
    for answer in (every, own):
        assert str(keys) not in answer.text
        assert "PRIVATE" not in json.dumps(answer.json())


def test_a_key_that_cannot_be_read_is_told_by_its_code(make_office, tmp_path, keys):
    folder = tmp_path / "broken"
    (folder / "agencies").mkdir(parents=True)
    (folder / "agencies" / f"{LAND}.key.pem").write_text("x")

    answer = make_office(keys_dir=folder).ask("/keys", Role.VIEWER, LAND)

    (mine,) = answer.json()["keys"]
    assert mine["state"] == "unusable"
    assert "keys list" in mine["trouble"]["en"]
    assert str(folder) not in answer.text

"""An agency whose key is in a token: its files are read, signed, held, and go on by themselves."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from threading import Event, Thread

import pytest
import structlog

from lienthong.flows.receive import Offer, receive
from lienthong.health import HealthCheck
from lienthong.key_checks import check_keys, keys_in_trouble, report_keys
from lienthong.key_rotation import NewKey, install_key
from lienthong.key_watch import KeyWatch
from lienthong.keyring import Keyring
from lienthong.roles import Role, Workers
from lienthong.samples import generate_large_csv
from lienthong.settings import load_settings
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.queries import count_agencies, troubled_submissions
from lienthong.wiring import Installation
from signing import KeyUnusable, add_development_key, make_development_pki, token_module

LAND = "land-registration"
_numbers = count()


@pytest.fixture
def folder(tmp_path):
    """A folder of keys with a root and an operator, and the agency's key not in it."""
    keys = tmp_path / "keys"
    make_development_pki(keys, agencies={}, now=datetime.now(UTC))
    return keys


def made(folder, name, *, begin=-1, end=400):
    now = datetime.now(UTC)
    term = (now + timedelta(days=begin), now + timedelta(days=end))
    return add_development_key(
        folder, f"elsewhere/{name}", title="Văn phòng", agency_code=None, term=term
    )


@pytest.fixture
def token(softhsm, folder, monkeypatch):
    """The agency's key in a token, and the file that stands for it."""
    monkeypatch.setattr(token_module, "RESTART_SECONDS", 0.0)
    monkeypatch.setattr("lienthong.keyring.TOKEN_PATIENCE_SECONDS", 0)
    found = softhsm.add_token(f"agency-{next(_numbers)}")
    files = made(folder, "first")
    found.add_key(files.key, label=LAND)
    found.add_certificate(files.certificate, label=LAND)
    found.write(folder / "agencies" / LAND, key=LAND)
    return found


@pytest.fixture
def installation(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("LIENTHONG_EXPANSION__RETRY_SECONDS", "1")
    monkeypatch.setenv("LIENTHONG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(folder))
    found = Installation(load_settings(file=None))
    yield found
    found.store.dispose()


def hand_in(installation, tmp_path):
    path = tmp_path / "one.csv"
    generate_large_csv(path, size_bytes=3_000)
    with installation.open_broker() as broker:
        offer = Offer(
            source=BytesIO(path.read_bytes() + b"\n" * next(_numbers)),
            file_name="one.csv",
            agency=LAND,
            door="file",
            sender="tester",
        )
        receive(offer, store=installation.store, broker=broker, clock=installation.clock)


def troubles(installation):
    with reading(installation.store) as connection:
        return troubled_submissions(connection, vault=installation.store.vault)


def states(installation):
    with reading(installation.store) as connection:
        return [one.states for one in count_agencies(connection)]


def until(condition):
    deadline = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_files_wait_while_the_token_is_away_and_go_on_by_themselves(installation, token, tmp_path):
    """In one process, that has signed before: nobody restarts anything."""
    stop = Event()
    workers = Workers(installation=installation, roles=[Role.EXPAND], stop=stop)
    running = Thread(target=workers.run)
    running.start()
    try:
        hand_in(installation, tmp_path)
        until(lambda: any(one.get(State.READY, 0) for one in states(installation)))
        before = states(installation)[0][State.READY]

        token.pull_out()
        hand_in(installation, tmp_path)
        [held] = until(lambda: troubles(installation))
        token.put_back()
        until(lambda: not troubles(installation))
    finally:
        stop.set()
        running.join()

    assert (held.state, held.problems[0].code) == ("held", "key.token_absent")
    assert set(states(installation)[0]) <= {State.READY, State.HELD, State.SUPERSEDED}
    assert before > 0


def test_a_wrong_pin_holds_files_until_it_is_right(installation, token, folder, tmp_path):
    (folder / "agencies" / f"{LAND}.pass").write_text("1111")
    stop = Event()
    running = Thread(target=Workers(installation=installation, roles=[Role.EXPAND], stop=stop).run)
    running.start()
    try:
        hand_in(installation, tmp_path)
        [held] = until(lambda: troubles(installation))
        (folder / "agencies" / f"{LAND}.pass").write_text(token.pin)
        until(lambda: not troubles(installation))
    finally:
        stop.set()
        running.join()

    assert held.problems[0].code == "key.pin_wrong"
    assert "1111" not in json.dumps([str(one.message) for one in held.problems])


def test_keys_in_tokens_are_listed_checked_and_seen_when_they_are_away(installation, token):
    [_operator, listed] = report_keys(installation)
    assert (listed.holder, listed.state.value, listed.is_in_token) == (LAND, "in use", True)
    assert check_keys(installation) == []
    assert HealthCheck(installation).look().signing_key

    token.pull_out()
    try:
        [found] = keys_in_trouble(installation.keyring, now=installation.clock())
        [checked] = check_keys(installation)
        assert not HealthCheck(installation).look().signing_key
    finally:
        token.put_back()

    assert (found.holder, found.code, found.is_urgent) == (LAND, "key.token_absent", True)
    assert checked.code == "key.token_absent"
    assert HealthCheck(installation).look().signing_key


def test_the_log_tells_once_that_a_key_is_away_and_once_that_it_is_back(installation, token):
    watch = KeyWatch(installation.keyring)
    now = installation.clock()

    with structlog.testing.capture_logs() as told:
        watch.look(now=now)
        token.pull_out()
        watch.look(now=now)
        watch.look(now=now)
        token.put_back()
        watch.look(now=now)

    assert [(one["event"], one["code"]) for one in told] == [
        ("keys.trouble", "key.token_absent"),
        ("keys.well_again", "key.token_absent"),
    ]
    assert told[0]["log_level"] == "error"


def test_a_token_that_comes_after_the_program_is_found(folder, token):
    token.pull_out()
    keyring = Keyring(folder, may_make_development_keys=False, clock=lambda: datetime.now(UTC))
    with pytest.raises(KeyUnusable) as away:
        keyring.agency_key(LAND, "", "")

    token.put_back()

    assert keyring.agency_key(LAND, "", "").certificate is not None
    assert away.value.code == "key.token_absent"


def test_a_new_key_in_a_token_takes_over_on_its_first_day(installation, token, folder, tmp_path):
    files = made(folder, "second", begin=10, end=800)
    token.add_key(files.key, label="second", key_id="02")
    token.add_certificate(files.certificate, label="second", key_id="02")
    place = token.write(tmp_path / "new", key="second", key_id="02")

    installed = install_key(
        installation, LAND, NewKey(token=place, passphrase=tmp_path / "new.pass"), actor="tester"
    )

    held = installation.keyring.held(LAND)
    assert [one.is_in_token for one in held] == [True, True]
    assert all(one.key is not None for one in held)
    assert (folder / "agencies" / LAND / f"{installed.serial}.pkcs11.toml").exists()
    later = Keyring(
        folder,
        may_make_development_keys=False,
        clock=lambda: datetime.now(UTC) + timedelta(days=20),
    )
    now = installation.keyring.agency_key(LAND, "", "").certificate
    assert now.serial_number != later.agency_key(LAND, "", "").certificate.serial_number
    assert f"{later.agency_key(LAND, '', '').certificate.serial_number:x}" == installed.serial

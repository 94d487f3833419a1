"""The roles of a process: what they survive, and what ends all of them."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Event
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from broker.port import BrokerUnavailable
from lienthong import roles
from lienthong.keyring import Keyring
from lienthong.roles import Role, Workers
from lienthong.stopping import set_from_signal
from lienthong.store.master_keys import StoreKeyMissing
from schemas.errors import ConfigError, PeerError
from schemas.problem import Text


@pytest.fixture(autouse=True)
def short_pause(monkeypatch):
    monkeypatch.setattr(roles, "PAUSE_SECONDS", 0.001)


def workers(store=None, **fields):
    return Workers(SimpleNamespace(store=store), [Role.SWEEP, Role.SEAL], Event(), **fields)


def loops(monkeypatch, *, sweep, seal):
    monkeypatch.setattr(roles, "_LOOPS", {Role.SWEEP: sweep, Role.SEAL: seal})


def until_stopped(_installation, stop):
    stop.wait(10)


def test_a_role_that_fails_stops_the_others_and_the_process(monkeypatch, capsys):
    def fail(_installation, _stop):
        raise LookupError("a bug")

    loops(monkeypatch, sweep=fail, seal=until_stopped)

    assert workers().run() is False


def test_what_ended_a_process_is_told_without_its_words(monkeypatch, capsys):
    def fail(_installation, _stop):
        raise ValueError("Nguyễn Văn An")

    loops(monkeypatch, sweep=fail, seal=until_stopped)

    assert workers().run() is False
    told = "".join(capsys.readouterr())
    assert "ValueError" in told
    assert "lienthong/roles.py:" in told
    assert "Văn An" not in told


def test_wrong_settings_that_end_a_process_are_told_in_words(monkeypatch, capsys):
    def fail(_installation, _stop):
        raise ConfigError("target.url: expected an address")

    loops(monkeypatch, sweep=fail, seal=until_stopped)

    assert workers().run() is False
    assert "target.url: expected an address" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "error",
    [StoreKeyMissing(Text(vi="thiếu khóa", en="no key")), ConfigError("unreadable", code="vault")],
    ids=["another machine rotated", "unreadable for a moment"],
)
def test_keys_that_cannot_be_loaded_again_keep_the_sweep_going(monkeypatch, tmp_path, error):
    rounds = []
    stop = Event()

    def refresh():
        raise error

    def swept(*_args, **_named):
        rounds.append(1)
        if len(rounds) == 2:
            stop.set()
        return 0

    retained = []
    monkeypatch.setattr(roles, "SWEEP_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(roles, "sweep", swept)
    monkeypatch.setattr(roles, "retain", lambda *_args, **_named: retained.append(1) or [])
    monkeypatch.setattr(roles, "sweep_files", lambda *_args, **_named: 0)
    monkeypatch.setattr(roles, "sweep_shares", lambda *_args, **_named: 0)
    monkeypatch.setattr(roles, "sweep_leavings", lambda *_args, **_named: 0)
    installation = SimpleNamespace(
        blobs=None,
        store=SimpleNamespace(vault=SimpleNamespace(refresh=refresh)),
        clock=lambda: datetime(2026, 3, 2, tzinfo=UTC),
        retention={},
        unqueued_agencies=(),
        shared_agencies=frozenset(),
        keyring=Keyring(tmp_path, may_make_development_keys=False, clock=lambda: None),
    )

    roles._sweep(installation, stop)

    assert (len(rounds), len(retained)) == (2, 1)


def test_settings_that_are_wrong_for_a_while_are_waited_for():
    rounds = []
    stop = Event()

    def one_round():
        rounds.append(1)
        if len(rounds) < 3:
            raise ConfigError("the key file is being replaced")
        stop.set()

    roles._repeat(one_round, stop, pause_seconds=0)

    assert len(rounds) == 3


def test_roles_that_are_told_to_stop_end_well(monkeypatch):
    loops(monkeypatch, sweep=until_stopped, seal=lambda _installation, stop: stop.set())

    assert workers().run() is True


@pytest.mark.parametrize(
    "trouble",
    [
        OperationalError("BEGIN", {}, Exception("locked")),
        NoConnectionFree("QueuePool limit"),
        BrokerUnavailable("disk full"),
    ],
    ids=["store", "pool", "exchange"],
)
def test_trouble_of_store_or_exchange_is_survived(monkeypatch, trouble):
    rounds = []

    def sweep(_installation, stop):
        def one_round():
            rounds.append(1)
            if len(rounds) < 3:
                raise trouble
            stop.set()

        roles._repeat(one_round, stop, pause_seconds=0)

    loops(monkeypatch, sweep=sweep, seal=until_stopped)

    assert workers().run() is True
    assert len(rounds) == 3


def test_a_role_whose_server_is_not_there_yet_begins_when_it_is(monkeypatch):
    tries = []

    def sweep(_installation, stop):
        tries.append(1)
        if len(tries) < 3:
            raise PeerError("not yet", retryable=True)
        stop.set()

    loops(monkeypatch, sweep=sweep, seal=until_stopped)

    assert workers().run() is True
    assert len(tries) == 3


def test_a_bug_that_the_database_tells_ends_the_process(monkeypatch):
    def fail(_installation, _stop):
        raise ProgrammingError("SELECT", {}, Exception("no such column"))

    loops(monkeypatch, sweep=fail, seal=until_stopped)

    assert workers().run() is False


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Nguyễn Văn An"),
        ProgrammingError("SELECT", {}, Exception("Nguyễn Văn An")),
        PeerError("a witness refuses", retryable=False),
    ],
    ids=["unthought-of", "a value in the database", "somebody else"],
)
def test_a_role_that_only_makes_evidence_stops_nobody_and_begins_anew(monkeypatch, capsys, error):
    monkeypatch.setattr(roles, "BROKEN_PAUSE_SECONDS", 0.001)
    begun = []

    def seal(_installation, stop):
        begun.append(1)
        if len(begun) < 3:
            raise error
        stop.set()

    loops(monkeypatch, sweep=until_stopped, seal=seal)

    assert workers().run() is True
    assert len(begun) == 3
    told = "".join(capsys.readouterr())
    assert told.count("role.broken") == 2
    assert "Văn An" not in told


def test_wrong_settings_of_a_role_that_only_makes_evidence_are_told_and_stop_nobody(
    monkeypatch, capsys
):
    monkeypatch.setattr(roles, "BROKEN_PAUSE_SECONDS", 0.001)
    begun = []

    def seal(_installation, stop):
        begun.append(1)
        if len(begun) > 1:
            stop.set()
            return
        raise ConfigError("audit.witnesses: expected an address")

    loops(monkeypatch, sweep=until_stopped, seal=seal)

    assert workers().run() is True
    assert "audit.witnesses: expected an address" in "".join(capsys.readouterr())


def test_a_role_that_does_not_end_in_time_is_left(monkeypatch):
    go_on = Event()

    def sweep(_installation, stop):
        stop.set()
        go_on.wait(10)

    loops(monkeypatch, sweep=sweep, seal=until_stopped)
    process = workers(stop_within=timedelta(0))

    process.run()
    go_on.set()

    assert "sweep" in process.left


def test_a_process_that_ends_when_idle_ends(monkeypatch, store):
    loops(monkeypatch, sweep=until_stopped, seal=until_stopped)

    assert workers(store, until_idle=True).run() is True


def test_trouble_while_looking_for_rest_is_survived(monkeypatch, store):
    answers = [OperationalError("SELECT", {}, Exception("I/O error")), False, True]

    def is_idle(_connection, *, pauses):
        assert pauses.in_force == ()
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    loops(monkeypatch, sweep=until_stopped, seal=until_stopped)
    monkeypatch.setattr(roles, "is_idle", is_idle)

    assert workers(store, until_idle=True).run() is True
    assert answers == []


def test_a_bug_while_looking_for_rest_leaves_no_thread_running(monkeypatch, store):
    def fail(_connection, **_more):
        raise LookupError("a bug")

    stop = Event()
    loops(monkeypatch, sweep=until_stopped, seal=until_stopped)
    monkeypatch.setattr(roles, "is_idle", fail)

    with pytest.raises(LookupError):
        Workers(SimpleNamespace(store=store), [Role.SWEEP], stop, until_idle=True).run()

    assert stop.is_set()


def test_a_signal_inside_the_handler_of_another_stops_all_the_same():
    stop = Event()

    with stop._cond:  # as the interrupted handler, or an interrupted wait, holds it
        set_from_signal(stop)

    assert stop.wait(10)


DEAF_MAIN_THREAD = """
import signal, sys, threading, time
from types import SimpleNamespace
from lienthong import roles
from lienthong.roles import Role, Workers
from lienthong.stopping import stop_on_signals

def loop(_installation, stop):
    print("ready", flush=True)
    while not stop.is_set():
        time.sleep(0.01)

roles._LOOPS = {Role.SWEEP: loop}
stop = stop_on_signals()
waiting = threading.Thread(target=time.sleep, args=(60,), daemon=True)
waiting.start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
Workers(SimpleNamespace(store=None), [Role.SWEEP], stop).run()
"""


def test_a_signal_that_the_system_gives_to_another_thread_stops_the_process():
    # As it may do when the process was frozen. Python runs the handler in the main thread, which
    # nothing wakes then.
    with subprocess.Popen(
        [sys.executable, "-c", DEAF_MAIN_THREAD], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()

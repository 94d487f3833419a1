"""
The roles of a worker process, each a loop in a thread of its own.

A loop survives trouble of the store and the exchange that passes, and settings that are wrong for
a while (it waits and goes on); anything else is a bug, ends the process with a line in the log, and
leaves the rest to the leases.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial
from threading import Event, Thread, current_thread, main_thread
from time import monotonic, time
from typing import TYPE_CHECKING

import structlog

from broker.port import BrokerError
from lienthong.drift.profile import has_dictionaries
from lienthong.flows.hints import EXPAND
from lienthong.flows.retain import retain
from lienthong.flows.sweep import sweep, sweep_shares
from lienthong.flows.sweep_files import sweep_files, sweep_leavings
from lienthong.flows.used import note_used
from lienthong.key_checks import keys_that_end
from lienthong.key_watch import KeyWatch
from lienthong.logs import kind_and_place
from lienthong.moving import Moving
from lienthong.proving import Proving
from lienthong.reaching import Reaching
from lienthong.store.database import reading
from lienthong.store.pauses import read_endless
from lienthong.store.queries import is_idle
from lienthong.store.replay_jobs import is_any_running
from lienthong.tallies import TALLIES
from lienthong.trouble import STORE_TROUBLE, passes, sqlstate_of
from lienthong.watching import Watching
from schemas.errors import ConfigError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Connection

    from lienthong.pauses import Pauses
    from lienthong.settings import Settings
    from lienthong.wiring import Installation

log = structlog.get_logger()

HINT_LEASE = timedelta(seconds=30)
HINTS = 1_000
"""Hints that one look takes: a wake-up is a wake-up, however many there are."""
IDLE = timedelta(milliseconds=500)
LISTEN_SECONDS = 0.5
"""How late a request to stop may be heard."""
PAUSE_SECONDS = 1.0
"""After trouble, and between two looks at files."""
FETCH_PAUSE_SECONDS = 1.0
"""Before the next look for files to fetch where there were none."""
WATCH_PAUSE_SECONDS = 0.1
"""Somebody waits for `--until-idle` to end."""
SWEEP_PAUSE_SECONDS = 60.0
VERIFY_PAUSE_SECONDS = 5.0
RESULTS_PAUSE_SECONDS = 0.1
"""Before the next look for results where there were few."""
TAKE_PAUSE_SECONDS = 0.03
"""Before the next look for messages where there were few."""
RECEIPTS_PAUSE_SECONDS = 0.5
"""Before the next look for receipts to sign where there were few."""
FEW = 50
"""What a transaction should have to do: most of its cost is the same for one as for many."""
STAMP_PAUSE_SECONDS = 5.0
"""Between two looks whether a time-stamp is due."""
BROKEN_PAUSE_SECONDS = 60.0
"""Before a role that only makes evidence begins anew after an error that nobody thought of."""
RECONCILE_PAUSE_SECONDS = 30.0
"""Between two looks whether a comparison is due."""
DRIFT_PAUSE_SECONDS = 60.0
"""Between two looks whether a document or dictionary is due."""
RETAIN_SECONDS = 24 * 3600.0


class Role(Enum):
    """What a worker process can do; the values are those of `run --roles`."""

    TAKE = "take"
    """Takes what agencies send to their queues (RabbitMQ)."""
    EXPAND = "expand"
    """Makes messages of what was received."""
    FETCH = "fetch"
    """Fetches and checks the files that dossiers wait for."""
    DELIVER = "deliver"
    """Brings them to the portal."""
    HAND_OVER = "hand-over"
    """Brings what peers sent to the agencies, in their own formats."""
    SHARE = "share"
    """Lets agencies have what a profile shares of other agencies' delivered dossiers."""
    RESULTS = "results"
    """Publishes what became of them to the agencies' queues (RabbitMQ)."""
    REPLAY = "replay"
    """Carries out bulk replays that one person asked for and another approved."""
    SWEEP = "sweep"
    """Removes what is over: left-over bytes, and payloads whose retention has ended."""
    SEAL = "seal"
    """Seals the audit log and tells its witnesses."""
    RECEIPTS = "receipts"
    """Signs receipts for the agencies, for what was received from them."""
    VERIFY = "verify"
    """Checks the installation's own seals and packs again, slowly, and raises alarms."""
    STAMP = "stamp"
    """Has the audit log time-stamped; never in the way of the role that seals it."""
    RECONCILE = "reconcile"
    """Compares each day what was sent with what the portal has."""
    ALERTS = "alerts"
    """Tells somebody, by e-mail and webhook, what needs them."""
    DRIFT = "drift"
    """Looks each day at the portal's documents and dictionaries."""
    HTTP = "http"
    """The HTTP door, for files of any size."""
    CONSOLE = "console"
    """The operators' HTTP API."""
    METRICS = "metrics"
    """What this process saw, for Prometheus."""
    FOLDER = "folder"
    """The folder door: files that appear in the agencies\' folders."""
    PULL = "pull"
    """Reads the sources that are configured under [pull]."""


_BESIDE_TRAFFIC = frozenset(
    {
        Role.SEAL,
        Role.STAMP,
        Role.RECEIPTS,
        Role.VERIFY,
        Role.DRIFT,
        Role.METRICS,
        Role.REPLAY,
        Role.ALERTS,
    }
)
"""They read what anybody with the database's password, or at the portal, may have written, only
tell, or do what operators want done beside traffic, and never stop it."""


def usual_roles(settings: Settings) -> tuple[Role, ...]:
    """Return the roles of a process that is told none."""
    on_rabbitmq = (Role.TAKE, Role.RESULTS) if settings.broker.kind == "rabbitmq" else ()
    with_folder = (Role.FOLDER,) if settings.folder.path is not None else ()
    with_pull = (Role.PULL,) if settings.pull else ()
    with_stamps = (Role.STAMP,) if settings.audit.timestamp_url is not None else ()
    with_portal = (Role.RECONCILE,) if settings.reconcile.at is not None else ()
    with_drift = (Role.DRIFT,) if _looks_for_drift(settings) else ()
    with_alerts = (Role.ALERTS,) if settings.alerts.channels else ()
    with_receivers = (Role.HAND_OVER,) if settings.receivers else ()
    doors = (*on_rabbitmq, *with_folder, *with_pull)
    log_keepers = (Role.SEAL, *with_stamps, Role.RECEIPTS, Role.VERIFY)
    with_sharing = (Role.SHARE,) if settings.sharing else ()
    deliveries = (Role.DELIVER, *with_receivers, *with_sharing)
    ours = (*log_keepers, *with_portal, *with_drift, *with_alerts)
    return (Role.EXPAND, Role.FETCH, *deliveries, Role.REPLAY, Role.SWEEP, *ours, *doors)


def _looks_for_drift(settings: Settings) -> bool:
    drift, target = settings.drift, settings.target
    return target is not None and bool(drift.documents or has_dictionaries(drift, target))


@dataclass(slots=True)
class Workers:
    """The roles of this process."""

    installation: Installation
    roles: Collection[Role]
    stop: Event
    until_idle: bool = False
    """End when the store has nothing left that moves by itself."""
    stop_within: timedelta = timedelta(seconds=30)
    """How long the roles have to finish, or hand back, what they have in hand."""
    left: tuple[str, ...] = ()
    """Roles that did not end in time: their process must be ended, and their leases will end."""

    def run(self) -> bool:
        """Run every role until `stop` is set; return False when one of them failed."""
        failed = Event()
        threads = [
            Thread(target=self._guard, args=(role, failed), name=role.value, daemon=True)
            for role in self.roles
        ]
        for thread in threads:
            thread.start()
        try:
            if self.until_idle:
                self._watch()
            while not self.stop.wait(LISTEN_SECONDS):
                # Only this thread runs signal handlers, and the system may give a signal to
                # another one, as it does after a freeze: a wait without end would never hear of it.
                pass
        finally:
            # Also after an error here: a process that waits for its threads for ever ends never.
            self.stop.set()
            ends = monotonic() + self.stop_within.total_seconds()
            for thread in threads:
                thread.join(max(ends - monotonic(), 0))
            self.left = tuple(thread.name for thread in threads if thread.is_alive())
        if self.left:
            log.warning("role.left", roles=self.left)
        return not failed.is_set()

    def _watch(self) -> None:
        """Set `stop` when the store has come to rest."""

        def one_round() -> None:
            with reading(self.installation.store) as connection:
                pauses = read_endless(connection)
                is_over = is_idle(connection, pauses=pauses) and not self._has_jobs(connection)
            if is_over and not self._has_files(pauses):
                self.stop.set()

        _repeat(one_round, self.stop, pause_seconds=WATCH_PAUSE_SECONDS)

    def _has_jobs(self, connection: Connection) -> bool:
        return Role.REPLAY in self.roles and is_any_running(connection)

    def _has_files(self, pauses: Pauses) -> bool:
        if Role.FOLDER not in self.roles:
            return False
        from lienthong.doors.folder import has_files  # noqa: PLC0415 - a door is for its role

        return has_files(self.installation, pauses=pauses)

    def _guard(self, role: Role, failed: Event) -> None:
        try:
            while not self.stop.is_set():
                try:
                    _LOOPS[role](self.installation, self.stop)
                except Exception as error:
                    if _will_pass(error):
                        # It could not even begin: a server that is not there yet will be.
                        log.warning("role.waits", role=role.value, cause=type(error).__name__)
                        self.stop.wait(PAUSE_SECONDS)
                    elif role in _BESIDE_TRAFFIC:
                        _tell("role.broken", role, error)
                        self.stop.wait(BROKEN_PAUSE_SECONDS)
                    else:
                        raise
        except Exception as error:  # noqa: BLE001 - the boundary of the process
            # Nobody above could do better than stop all of it.
            _tell("role.failed", role, error)
            failed.set()
            self.stop.set()


def _will_pass(error: Exception) -> bool:
    if isinstance(error, PeerError):
        return error.retryable
    return isinstance(error, (*STORE_TROUBLE, BrokerError)) and passes(error)


def _tell(event: str, role: Role, error: Exception) -> None:
    # What we tell an operator quotes nobody's data; other words may, so of them only the kind and
    # the place are logged.
    words = str(error) if isinstance(error, ConfigError | PeerError) else None
    log.error(event, role=role.value, words=words, **kind_and_place(error))


def _expand(installation: Installation, stop: Event) -> None:
    note_used(installation.store, installation.in_use, clock=installation.clock)
    with (
        installation.open_broker() as broker,
        closing(Moving(installation).make_expander(broker)) as expander,
    ):

        def one_round() -> None:
            if expander.step():
                return
            # A hint only ends the wait: the store says which agency is due.
            broker.ack(broker.receive(EXPAND, limit=HINTS, lease=HINT_LEASE, wait=IDLE))

        _repeat(one_round, stop, pause_seconds=0)


def _fetch(installation: Installation, stop: Event) -> None:
    with (
        installation.open_broker() as broker,
        closing(Moving(installation).make_fetcher(broker)) as fetcher,
    ):

        def one_round() -> None:
            if not fetcher.step():
                stop.wait(FETCH_PAUSE_SECONDS)

        _repeat(one_round, stop, pause_seconds=0)


def _deliver(installation: Installation, stop: Event) -> None:
    with (
        installation.open_broker() as broker,
        closing(installation.open_channel()) as channel,
    ):
        deliverer = Moving(installation).make_deliverer(broker, channel)
        with deliverer.open_calls() as calls:

            def one_round() -> None:
                deliverer.step(calls)
                installation.revocation_sources.renew()

            _repeat(one_round, stop, pause_seconds=0)
            deliverer.drain()


def _hand_over(installation: Installation, stop: Event) -> None:
    with (
        installation.open_broker() as broker,
        closing(Moving(installation).open_agency_channel()) as ways,
    ):
        deliverer = Moving(installation).make_agency_deliverer(broker, ways)
        with deliverer.open_calls() as calls:
            _repeat(partial(deliverer.step, calls), stop, pause_seconds=0)
            deliverer.drain()


def _share(installation: Installation, stop: Event) -> None:
    with installation.open_broker() as broker:
        sharer = Moving(installation).make_sharer(broker)

        def one_round() -> None:
            if not sharer.step():
                stop.wait(PAUSE_SECONDS)

        _repeat(one_round, stop, pause_seconds=0)


def _take(installation: Installation, stop: Event) -> None:
    with (
        installation.open_broker() as broker,
        closing(installation.open_inbox()) as inbox,
    ):
        taker = Moving(installation).make_taker(broker, inbox)

        def one_round() -> None:
            if 0 < taker.step(wait=IDLE) < FEW:
                stop.wait(TAKE_PAUSE_SECONDS)

        _repeat(one_round, stop, pause_seconds=0)


def _results(installation: Installation, stop: Event) -> None:
    with closing(installation.open_outbox()) as outbox:
        teller = Moving(installation).make_teller(outbox)

        def one_round() -> None:
            teller.sort_out()
            if teller.step() < FEW:
                stop.wait(RESULTS_PAUSE_SECONDS)

        _repeat(one_round, stop, pause_seconds=0)


def _replay(installation: Installation, stop: Event) -> None:
    with (
        installation.open_broker() as broker,
        closing(Moving(installation).make_replay_runner(broker)) as runner,
    ):
        _repeat(lambda: stop.wait(runner.step()), stop, pause_seconds=0)


def _sweep(installation: Installation, stop: Event) -> None:
    retained_at: float | None = None
    watch = KeyWatch(installation.keyring)

    def one_round() -> None:
        nonlocal retained_at
        removed = sweep(installation.store, clock=installation.clock)
        if removed:
            log.info("sweep.orphans_removed", pieces=removed)
        shared = installation.shared_agencies
        unshared = sweep_shares(installation.store, clock=installation.clock, shared=shared)
        if unshared:
            log.warning("sweep.profiles_gone", messages=unshared)
        sweep_files(installation.store, installation.blobs, clock=installation.clock)
        # Keys that another process has made since are used for what is written from now on.
        try:
            installation.store.vault.refresh()
        except ConfigError as error:
            # Another machine changed the master key, and this one's file is not here yet or is
            # just being replaced: what is known stays in use.
            log.warning("sweep.keys_unusable", code=error.code, words=str(error))
        now = installation.clock()
        watch.look(now=now)
        if retained_at is None or monotonic() - retained_at >= RETAIN_SECONDS:
            ages = installation.retention
            for erased in retain(
                installation.store,
                ages=ages,
                unqueued=installation.unqueued_agencies,
                clock=installation.clock,
                apply=True,
            ):
                if erased.erased:
                    log.info("sweep.erased", payloads=erased.payloads.value, count=erased.erased)
            retained_at = monotonic()
            _sweep_leavings(installation)
            for ends in keys_that_end(installation.keyring, now=now):
                log.warning("keys.ends_soon", holder=ends.holder, words=ends.words.en)

    _repeat(one_round, stop, pause_seconds=SWEEP_PAUSE_SECONDS)


def _sweep_leavings(installation: Installation) -> None:
    """Remove what a fetch that was killed left in the file store."""
    try:
        removed = sweep_leavings(installation.store, installation.blobs, clock=installation.clock)
    except OSError as error:
        log.warning("sweep.files_unreadable", cause=type(error).__name__)
        return
    if removed:
        log.info("sweep.files_removed", count=removed)


def _seal(installation: Installation, stop: Event) -> None:
    sealer = Proving(installation).make_sealer()
    _repeat(sealer.step, stop, pause_seconds=installation.settings.audit.seal_seconds)
    # What the other roles did last.
    sealer.step()


def _receipts(installation: Installation, stop: Event) -> None:
    acknowledger = Moving(installation).make_acknowledger()

    def one_round() -> None:
        begun = monotonic()
        is_quiet = acknowledger.step() < FEW
        # In a burst no more than half of a processor: what goes to the portal comes first.
        stop.wait(RECEIPTS_PAUSE_SECONDS if is_quiet else monotonic() - begun)

    _repeat(one_round, stop, pause_seconds=0)
    # What was received last, where the process is to end when all is done.
    acknowledger.step()


def _verify(installation: Installation, stop: Event) -> None:
    _repeat(Proving(installation).make_reverifier().step, stop, pause_seconds=VERIFY_PAUSE_SECONDS)


def _stamp(installation: Installation, stop: Event) -> None:
    stamper = Proving(installation).make_stamper()
    _repeat(stamper.step, stop, pause_seconds=STAMP_PAUSE_SECONDS)


def _reconcile(installation: Installation, stop: Event) -> None:
    _repeat(
        Reaching(installation).make_nightly(stop).step, stop, pause_seconds=RECONCILE_PAUSE_SECONDS
    )


def _drift(installation: Installation, stop: Event) -> None:
    with Reaching(installation).open_looker() as looker:

        def one_round() -> None:
            if installation.pauses.look().of_portal is None:
                looker.step()

        _repeat(one_round, stop, pause_seconds=DRIFT_PAUSE_SECONDS)


def _alerts(installation: Installation, stop: Event) -> None:
    watch = Watching(installation).make_alert_watch()
    every = installation.settings.alerts.every_seconds
    _repeat(watch.step, stop, pause_seconds=every)


def _http(installation: Installation, stop: Event) -> None:
    # A web server is not for those who only expand and deliver.
    from lienthong.doors.serving import serve  # noqa: PLC0415

    serve(installation, stop)


def _console(installation: Installation, stop: Event) -> None:
    from lienthong.console.serving import serve  # noqa: PLC0415 - see _http

    serve(installation, stop)


def _metrics(installation: Installation, stop: Event) -> None:
    from lienthong.metrics.serving import serve  # noqa: PLC0415 - see _http

    serve(installation, stop)


def _folder(installation: Installation, stop: Event) -> None:
    from lienthong.doors.folder import FolderDoor  # noqa: PLC0415

    with installation.open_broker() as broker:
        door = FolderDoor(installation, publisher=broker)
        _repeat(door.step, stop, pause_seconds=PAUSE_SECONDS)


def _pull(installation: Installation, stop: Event) -> None:
    from lienthong.doors.pull import PullDoor  # noqa: PLC0415 - drivers are not for everybody

    with installation.open_broker() as broker:
        door = PullDoor(installation, publisher=broker, must_stop=stop.is_set)
        _repeat(door.step, stop, pause_seconds=PAUSE_SECONDS)


def _repeat(one_round: Callable[[], object], stop: Event, *, pause_seconds: float) -> None:
    # A role has its thread; the main thread waits for the others.
    role = None if current_thread() is main_thread() else current_thread().name
    while not stop.is_set():
        if role is not None:
            TALLIES.turned(role, at=time())
        try:
            one_round()
        except (*STORE_TROUBLE, BrokerError) as error:
            if not passes(error):
                raise
            # Not the words: PostgreSQL quotes values in them.
            log.warning("role.waits", cause=type(error).__name__, sqlstate=sqlstate_of(error))
            stop.wait(PAUSE_SECONDS)
        except ConfigError as error:
            # It was right when the role began: a file is just being replaced, or another machine
            # has a key that this one does not have yet. An operator mends it while we wait.
            log.warning("role.waits", cause=type(error).__name__, code=error.code, words=str(error))
            stop.wait(PAUSE_SECONDS)
        if pause_seconds:
            stop.wait(pause_seconds)


_LOOPS: dict[Role, Callable[[Installation, Event], None]] = {
    Role.TAKE: _take,
    Role.HAND_OVER: _hand_over,
    Role.SHARE: _share,
    Role.RESULTS: _results,
    Role.EXPAND: _expand,
    Role.FETCH: _fetch,
    Role.DELIVER: _deliver,
    Role.REPLAY: _replay,
    Role.SWEEP: _sweep,
    Role.SEAL: _seal,
    Role.RECEIPTS: _receipts,
    Role.VERIFY: _verify,
    Role.STAMP: _stamp,
    Role.RECONCILE: _reconcile,
    Role.DRIFT: _drift,
    Role.ALERTS: _alerts,
    Role.HTTP: _http,
    Role.CONSOLE: _console,
    Role.METRICS: _metrics,
    Role.FOLDER: _folder,
    Role.PULL: _pull,
}

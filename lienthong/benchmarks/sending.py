"""
The senders: every agency's records as its back-end would send them.

Over RabbitMQ each agency has a connection and a user of its own; on an embedded exchange the
records are handed in as the other doors do it, in this process.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Protocol

from lienthong.flows.receive import receive_many, small_offer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from broker.rabbitmq import AgencySender
    from lienthong.benchmarks.site import Site
    from lienthong.samples import SingleRecord

BATCH = 100


class Door(Protocol):
    """Where records are handed over."""

    def send(self, records: Sequence[SingleRecord]) -> None:
        """Return when all of them are safe."""

    def close(self) -> None:
        """Release what it holds."""


def open_door(site: Site) -> Door:
    """Open the door of a site."""
    return _EmbeddedDoor(site) if site.servers is None else _QueueDoor(site)


class PacedSender:
    """
    Sends one record after the other at a steady rate, in a thread of its own.

    A record's time is the moment at which it was to be sent: what a slow exchange holds up is
    counted as its delay, and not forgotten.
    """

    def __init__(self, site: Site, records: Iterable[SingleRecord], *, per_second: float) -> None:
        self._site = site
        self._records = records
        self._period = timedelta(seconds=1 / per_second)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="sender")
        self._failure: Exception | None = None
        self.sent_at: dict[str, datetime] = {}
        """By the keys of the records."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the record in the hand."""
        self._stop.set()
        self.join()

    def join(self) -> None:
        """Return when everything is sent; raises what went wrong."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            with closing(open_door(self._site)) as door:
                self._send_all(door)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: `join` raises it
            self._failure = error

    def _send_all(self, door: Door) -> None:
        clock = self._site.installation.clock
        begun = clock()
        for number, record in enumerate(self._records):
            due = begun + number * self._period
            if self._stop.wait(max((due - clock()).total_seconds(), 0)):
                return
            self.sent_at[record.key] = due
            door.send([record])


class _EmbeddedDoor:
    def __init__(self, site: Site) -> None:
        self._installation = site.installation
        self._broker = site.installation.open_broker()

    def send(self, records: Sequence[SingleRecord]) -> None:
        for start in range(0, len(records), BATCH):
            offers = [
                small_offer(
                    record.body,
                    file_name=record.file_name,
                    agency=record.agency,
                    door="bench",
                    sender=record.agency,
                    key=record.key,
                )
                for record in records[start : start + BATCH]
            ]
            receive_many(
                offers,
                store=self._installation.store,
                broker=self._broker,
                clock=self._installation.clock,
            )

    def close(self) -> None:
        self._broker.close()


class _QueueDoor:
    def __init__(self, site: Site) -> None:
        assert site.servers is not None
        self._site = site
        self._servers = site.servers
        self._senders: dict[str, AgencySender] = {}

    def send(self, records: Sequence[SingleRecord]) -> None:
        from broker.rabbitmq import Outgoing  # noqa: PLC0415 - see measure_rabbitmq

        for start in range(0, len(records), BATCH):
            by_agency: dict[str, list[Outgoing]] = {}
            for record in records[start : start + BATCH]:
                outgoing = Outgoing(id=record.key, body=record.body)
                by_agency.setdefault(record.agency, []).append(outgoing)
            for agency, messages in by_agency.items():
                self._sender(agency).send(messages)

    def close(self) -> None:
        for sender in self._senders.values():
            sender.close()

    def _sender(self, agency: str) -> AgencySender:
        from broker.rabbitmq import AgencySender  # noqa: PLC0415 - see measure_rabbitmq

        if agency not in self._senders:
            settings = self._servers.of_agency(self._site.installation, agency)
            self._senders[agency] = AgencySender(settings, agency=agency)
        return self._senders[agency]

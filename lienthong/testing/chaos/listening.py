"""Agencies that read what they are told from their results queues, whatever breaks meanwhile."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from lienthong.testing.chaos.doors import parameters
from lienthong.testing.chaos.load import AGENCIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pika.adapters.blocking_connection import BlockingChannel
    from pika.spec import Basic

    from lienthong.testing.chaos.site import Site

PREFETCH = 500
PAUSE_SECONDS = 0.3
QUIET_SECONDS = 2.0
MISSING_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One result as an agency read it."""

    id: str
    kind: str
    queue_of: str
    """The agency whose queue it came by."""
    agency: str
    """The agency that it says it is for."""
    file: str | None
    record: int | None
    item: int | None
    message_id: str | None


class Listening:
    """One thread that reads every agency's results queue until `finish`."""

    def __init__(self, site: Site) -> None:
        self.told: dict[str, Told] = {}
        """By id: the same result may come twice."""
        self.doubled = 0
        """How many came again."""
        self.failures: list[Exception] = []
        self._urls: Sequence[str] = site.amqp_urls
        self._prefix = site.wish.name
        self._over = Event()
        self._heard_at = time.monotonic()
        self._thread = Thread(target=self._guard, name="listen", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def finish(self, published: int) -> None:
        """
        Read until nothing has come for a moment, and stop.

        Args:
            published: How many results are known to be in the queues or read; while some are
                missing, the moment is long: a cluster may be finding itself, and the machine busy.
        """
        while self._thread.is_alive():
            patience = QUIET_SECONDS if len(self.told) >= published else MISSING_SECONDS
            if time.monotonic() - self._heard_at > patience:
                break
            time.sleep(PAUSE_SECONDS)
        self._over.set()
        self._thread.join()

    def _guard(self) -> None:
        try:
            while not self._over.is_set():
                try:
                    self._read()
                except (AMQPError, AMQPConnectorException, OSError):
                    time.sleep(PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - told at the end, in the thread that asks
            self.failures.append(error)

    def _read(self) -> None:
        connection = pika.BlockingConnection([parameters(url) for url in self._urls])
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=PREFETCH)
            for agency in AGENCIES:
                channel.basic_consume(
                    f"{self._prefix}.results.{agency}", partial(self._take, agency)
                )
            while not self._over.is_set():
                connection.process_data_events(time_limit=PAUSE_SECONDS)
        finally:
            if connection.is_open:
                connection.close()

    def _take(
        self,
        agency: str,
        channel: BlockingChannel,
        method: Basic.Deliver,
        _properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        self._heard_at = time.monotonic()
        values = json.loads(body)
        told = Told(
            id=values["id"],
            kind=values["kind"],
            queue_of=agency,
            agency=values["agency"],
            file=values["file"],
            record=values["record"],
            item=values["item"],
            message_id=values["message_id"],
        )
        if told.id in self.told:
            self.doubled += 1
        self.told[told.id] = told
        channel.basic_ack(method.delivery_tag or 0)

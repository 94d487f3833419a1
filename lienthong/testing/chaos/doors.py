"""The doors through which the load comes, each used as an agency uses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING

import pika
import urllib3
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError
from sqlalchemy.exc import DBAPIError

from broker.port import BrokerError
from lienthong.failpoints import VARIABLE
from lienthong.flows.receive import receive, small_offer
from lienthong.testing.chaos.site import PAST_THE_LEASE_SECONDS, plain_environment
from lienthong.testing.forked import Popen
from schemas.errors import InputError, PeerError

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

    from lienthong.testing.chaos.feeding import Door
    from lienthong.testing.chaos.load import Submission
    from lienthong.testing.chaos.site import Site, Snare

SUBMIT_SECONDS = 90.0
ANSWER_SECONDS = 10.0
FOLDER_SECONDS = 300.0
LOOK_SECONDS = 0.05


def open_door(site: Site, agency: str) -> Door:
    """Open the door that an agency uses at a site."""
    return _DOORS[site.doors[agency]](site, agency)


class FileDoor:
    """
    The door of files: `receive` in this process, as `lienthong submit` does it.

    Where a snare waits, the next hand-over is made by the command itself, in a process of its own
    that the trap kills or freezes.
    """

    def __init__(self, site: Site, _agency: str) -> None:
        self._site = site
        self._installation = site.installation
        self._store = self._installation.store
        self._broker = self._installation.open_broker()

    def hand_over(self, submission: Submission) -> bool:
        """See `Door`."""
        snare = self._snare()
        return self._receive(submission) if snare is None else self._submit(submission, snare)

    def close(self) -> None:
        """See `Door`."""
        self._broker.close()
        self._store.dispose()

    def _snare(self) -> Snare | None:
        try:
            return self._site.snares.get_nowait()
        except Empty:
            return None

    def _receive(self, submission: Submission) -> bool:
        offer = small_offer(
            submission.content,
            file_name=submission.file_name,
            agency=submission.agency,
            door="file",
            sender="chaos",
            key=submission.key,
        )
        try:
            receive(offer, store=self._store, broker=self._broker, clock=self._installation.clock)
        except (DBAPIError, BrokerError, PeerError):
            return False
        except InputError as error:
            if error.code != "submission.not_taken":
                raise
            return False
        return True

    def _submit(self, submission: Submission, snare: Snare) -> bool:
        path = self._site.folder / submission.file_name
        path.write_bytes(submission.content)
        words = ("--settings", str(self._site.through), "submit", str(path))
        options = ("--agency", submission.agency, "--key", submission.key)
        with (self._site.folder / "submit.log").open("ab") as log:
            process: Popen[bytes] = Popen(
                [sys.executable, "-m", "lienthong", *words, *options],
                env=plain_environment() | {VARIABLE: snare.trap},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            code = _wait(process, snare)
        path.unlink()
        snare.over.set()
        return code == 0


class QueueDoor:
    """AMQP: published to the agency's own exchange, and confirmed."""

    def __init__(self, site: Site, agency: str) -> None:
        self._urls = site.amqp_urls
        self._exchange = f"{site.wish.name}.in.{agency}"
        self._channel: BlockingChannel | None = None

    def hand_over(self, submission: Submission) -> bool:
        """See `Door`."""
        try:
            self._open().basic_publish(
                exchange=self._exchange,
                routing_key="records",
                body=submission.content,
                properties=pika.BasicProperties(message_id=submission.key, delivery_mode=2),
                mandatory=True,
            )
        except (AMQPError, AMQPConnectorException, OSError):
            self.close()
            return False
        return True

    def close(self) -> None:
        """See `Door`."""
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(AMQPError, OSError):
                channel.connection.close()

    def _open(self) -> BlockingChannel:
        if self._channel is None:
            connection = pika.BlockingConnection([parameters(url) for url in self._urls])
            self._channel = connection.channel()
            self._channel.confirm_delivery()
        return self._channel


def parameters(url: str) -> pika.URLParameters:
    """Return how an agency connects that has little patience."""
    found = pika.URLParameters(url)
    found.credentials = pika.PlainCredentials("guest", "guest")
    found.heartbeat = 10
    found.blocked_connection_timeout = 4
    found.socket_timeout = 5
    found.stack_timeout = 5
    return found


class HttpDoor:
    """POST to the HTTP door, with a key."""

    def __init__(self, site: Site, agency: str) -> None:
        self._url = f"http://127.0.0.1:{site.http_port}/v1/agencies/{agency}/records"
        self._token = site.tokens[agency]
        self._pool = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)

    def hand_over(self, submission: Submission) -> bool:
        """See `Door`."""
        try:
            answer = self._pool.request(
                "POST",
                f"{self._url}?file_name={submission.file_name}",
                body=submission.content,
                headers={
                    "Authorization": f"Bearer {self._token}",
                    "Idempotency-Key": submission.key,
                },
            )
        except (urllib3.exceptions.HTTPError, OSError):
            return False
        if answer.status in (200, 201):
            return True
        if answer.status in (408, 429) or answer.status >= 500:
            return False
        raise RuntimeError(f"the HTTP door answered {answer.status}: {answer.data[:500]!r}")

    def close(self) -> None:
        """See `Door`."""
        self._pool.clear()


class FolderDoor:
    """A file in the agency's folder; it was taken over when it lies in the archive."""

    def __init__(self, site: Site, agency: str) -> None:
        self._folder = site.agencies_folder / agency
        (self._folder / "in").mkdir(parents=True, exist_ok=True)
        self._leaving = site.leaving

    def hand_over(self, submission: Submission) -> bool:
        """See `Door`. Waits as long as it takes: a second file would be a second hand-over."""
        name = submission.file_name
        partial = self._folder / "in" / f"{name}.part"
        partial.write_bytes(submission.content)
        partial.rename(self._folder / "in" / name)
        ends = time.monotonic() + FOLDER_SECONDS
        while not any(self._folder.glob(f"archive/*/{name}")):
            if any(self._folder.glob(f"error/{name}*")):
                raise RuntimeError(f"the folder door refused {name}")
            if time.monotonic() > ends or self._leaving.is_set():
                raise TimeoutError(f"the folder door does not take {name}")
            time.sleep(LOOK_SECONDS)
        return True

    def close(self) -> None:
        """See `Door`."""


_DOORS: dict[str, type[FileDoor | QueueDoor | HttpDoor | FolderDoor]] = {
    "file": FileDoor,
    "amqp": QueueDoor,
    "http": HttpDoor,
    "folder": FolderDoor,
}


def _wait(process: subprocess.Popen[bytes], snare: Snare) -> int:
    """Wait for the command; let it go on a good while after the trap froze it."""
    ends = time.monotonic() + SUBMIT_SECONDS
    while (code := process.poll()) is None:
        options = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        try:
            is_stopped = os.waitid(os.P_PID, process.pid, options) is not None
        except ChildProcessError:
            continue
        if is_stopped:
            snare.sprang.set()
            time.sleep(PAST_THE_LEASE_SECONDS)
            process.send_signal(signal.SIGCONT)
        if time.monotonic() > ends:
            process.kill()
        time.sleep(LOOK_SECONDS)
    if code == -signal.SIGKILL:
        snare.sprang.set()
    return code

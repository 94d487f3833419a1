"""
Sending what was filed down to an installation until it is acknowledged.

One thread, one message at a time. A dossier's messages keep their order: while one waits, those
after it wait as well, and other dossiers go on. Only an answer that says so ends the trying.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

import urllib3
from urllib3.exceptions import HTTPError

from lienthong.channels.json_replies import NotJson, plain_line, read_object
from lienthong.sandbox.filing import SoapMessages, json_message
from lienthong.sandbox.filings import FilingState, due_filings, note_try
from lienthong.soap import NotSoap, open_envelope

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from threading import Event

    from lienthong.sandbox.counter import Counter
    from lienthong.sandbox.filing import Door
    from lienthong.sandbox.filings import Due

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 30.0
MOST_ANSWER_BYTES: Final = 64 * 1024
TAKEN: Final = frozenset({"0", "1"})
"""Codes of what is acknowledged; 1: it was there already, as provinces say."""
_LATER: Final = frozenset({401, 403, 404, 408, 425, 429})
"""Statuses that say nothing about the message: somebody will mend the door, or it has time then."""
_TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=30.0)


@dataclass(slots=True, kw_only=True)
class Pusher:
    """Sends filings; `run` is its thread."""

    counter: Counter
    soap: SoapMessages
    clock: Callable[[], datetime]
    stop: Event
    _not_before: dict[int, float] = field(default_factory=dict)
    """Monotonic time of the next attempt, by the filing's number."""

    def run(self) -> None:
        """Send what is filed until it is told to stop."""
        with urllib3.PoolManager(retries=False, timeout=_TIMEOUT) as pool:
            while not self.stop.is_set():
                self.counter.wake.clear()
                self._push_all(pool)
                self.counter.wake.wait(0.2)

    def _push_all(self, pool: urllib3.PoolManager) -> None:
        door = self.counter.door
        if door is None:
            return
        store, held = self.counter.portal.store, set[str]()
        for due in store.run(due_filings):
            if self.stop.is_set():
                return
            if due.dossier_code is not None and due.dossier_code in held:
                continue
            state, answer = FilingState.WAITING, ""
            if self._not_before.get(due.id, 0) <= monotonic():
                state, answer = self._push(pool, due, door)
                store.run(partial(note_try, number=due.id, state=state, answer=answer))
            if state is not FilingState.WAITING:
                self._not_before.pop(due.id, None)
                continue
            if answer:
                wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(due.tries, 10))
                self._not_before[due.id] = monotonic() + wait
            held.update(filter(None, (due.dossier_code,)))

    def _push(self, pool: urllib3.PoolManager, due: Due, door: Door) -> tuple[FilingState, str]:
        """Return what one attempt came to, and the answer in words."""
        try:
            body, headers = (
                self.soap.write(due.filing, door, attempt=due.tries + 1, now=self.clock())
                if door.is_soap
                else json_message(due.filing, door)
            )
        except ValueError as error:
            return FilingState.REFUSED, f"SOAP: {plain_line(str(error))}"
        try:
            reply = pool.request(
                "POST",
                door.url,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            with closing(reply):
                status, data = reply.status, reply.read(MOST_ANSWER_BYTES)
        except (HTTPError, OSError, ValueError) as error:
            # ValueError: of a host's name that cannot be one.
            return FilingState.WAITING, type(error).__name__
        return _judge(status, data, is_soap=door.is_soap)


def _judge(status: int, data: bytes, *, is_soap: bool) -> tuple[FilingState, str]:
    code, words = _read_soap(data) if is_soap else _read_json(data)
    said = plain_line(f"HTTP {status}, {code or '?'}: {words}")
    if code in TAKEN and status == 200:
        return FilingState.ACKNOWLEDGED, said
    if code is None or status >= 500 or status in _LATER:
        return FilingState.WAITING, said
    return FilingState.REFUSED, said


def _read_json(data: bytes) -> tuple[str | None, str]:
    try:
        values = read_object(data)
    except NotJson as error:
        return None, str(error)
    code, words = values.get("error_code"), values.get("message")
    return (code if isinstance(code, str) else None), str(words or "")


def _read_soap(data: bytes) -> tuple[str | None, str]:
    try:
        _, element, _ = open_envelope(data)
    except NotSoap as error:
        return None, str(error)
    texts = {str(one.tag).rpartition("}")[2]: one.text or "" for one in element.iter("{*}*")}
    return texts.get("error_code"), texts.get("message") or texts.get("faultstring") or ""

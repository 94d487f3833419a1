"""What a process knows of the pauses: looked up once a second, whoever asks how often."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from lienthong.pauses import NONE, Pauses
from lienthong.store.database import reading
from lienthong.store.pauses import read_pauses
from lienthong.store.work import tell_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.store.database import Store

FRESH_SECONDS = 1.0
"""How long a worker goes on by what it knew."""


class PauseWatch:
    """Thread-safe."""

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        clock: Callable[[], datetime],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady
        self._lock = Lock()
        self._known = NONE
        self._next: float | None = None

    def look(self) -> Pauses:
        """
        Return what is stopped now, or was a second ago.

        Raises:
            DBAPIError, TimeoutError: the store cannot be reached: whether something was paused
                meanwhile is not known, and nothing could be written down anyway.
        """
        with self._lock:
            if self._next is None or self._steady() >= self._next:
                self._known = self._read()
                self._next = self._steady() + FRESH_SECONDS
            return self._known

    def _read(self) -> Pauses:
        store = self._store()
        with reading(store) as connection:
            return read_pauses(connection, now=tell_time(store, connection, at=self._clock))

"""
Looking at how messages flow, once for everybody who asks: seldom enough to cost little.

One look is of all agencies; whoever asks gets their part of it. Nobody looks while another does. A
look that takes long is waited for only a moment: then what was known is told, with its time.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillLooking
from threading import Lock
from typing import TYPE_CHECKING

from lienthong.store.database import reading
from lienthong.store.deliveries_lately import Lately
from lienthong.store.flow_picture import Picture, read_picture
from lienthong.store.work import tell_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.wiring import Installation

FRESH_SECONDS = 2.0
"""How long a look is told again."""
SHARE = 0.1
"""Of the time that may go into looking: the more there is to look at, the longer it is kept."""
PATIENCE_SECONDS = 0.1
"""How long a new look is waited for where there is one that may still be told."""
OLD_SECONDS = 30.0
"""From this age on a look is not told any more: whoever asks waits for the next."""


class FlowWatch:
    """Looks at most every few seconds, whoever asks how often. Thread-safe."""

    def __init__(
        self,
        installation: Installation,
        *,
        fresh: float = FRESH_SECONDS,
        patience: float = PATIENCE_SECONDS,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Prepare to look.

        Args:
            installation: At what.
            fresh: Seconds for which a look is told again.
            patience: Seconds for which a new one is waited for.
            steady: Tells seconds.
        """
        self.installation = installation
        self._fresh, self._patience, self._steady = fresh, patience, steady
        self._lately = Lately()
        self._lock = Lock()
        self._looker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flow")
        self._looking: Future[Picture] | None = None
        self._known: Picture | None = None
        self._known_at = self._next = 0.0

    def look(self) -> Picture:
        """
        Return how messages flow, as it was seen a moment ago.

        Raises:
            Whatever the store raises where it cannot be read.
        """
        with self._lock:
            now, known = self._steady(), self._known
            if known is not None and now < self._next:
                return known
            looking = self._looking = self._looking or self._looker.submit(self._look)
            may_wait = known is None or now - self._known_at >= OLD_SECONDS
        try:
            return looking.result(timeout=None if may_wait else self._patience)
        except StillLooking:
            assert known is not None
            return known

    def begin(self) -> None:
        """Begin with the first look, so that it is there when somebody asks."""
        with self._lock:
            self._looking = self._looking or self._looker.submit(self._look)

    def _look(self) -> Picture:
        begun = self._steady()
        picture = None
        try:
            picture = self._read()
            return picture
        finally:
            with self._lock:
                self._looking = None
                if picture is not None:
                    ended = self._steady()
                    self._known, self._known_at = picture, begun
                    self._next = ended + max(self._fresh, (ended - begun) / SHARE)

    def _read(self) -> Picture:
        store = self.installation.store
        with reading(store) as connection:
            now = tell_time(store, connection, at=self.installation.clock)
            return read_picture(connection, self._lately, now=now)

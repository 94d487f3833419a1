"""
The session that a login gives: one for all threads of a process, and for its neighbours.

It is renewed before it ends and when the target says that it has ended, by one login at a time:
who waits for it meanwhile takes the new one, or shares the refusal, because logging in again and
again with a wrong password locks an account. Processes of one machine share it in a file that is
sealed with the store's key; where the store does not encrypt, each process has its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import structlog

from lienthong.channels.port import Answer, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lienthong.channels.logins import Login

log = structlog.get_logger()

RENEWED_AT = 0.9
"""Share of its lifetime after which a session is not used any more."""
LOOK_AGAIN_SECONDS = 0.05
MAX_FILE_BYTES = 64 * 1024


class Sealing(Protocol):
    """Closes what must lie nowhere in the open."""

    def seal(self, plain: bytes) -> bytes | None:
        """Return `plain` sealed; None where it must not be kept."""

    def open(self, sealed: bytes) -> bytes | None:
        """Return what was sealed; None for anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session and when the login for it began."""

    value: str
    made_at: datetime
    lifetime: timedelta | None = None
    """As the login said; None: it said none."""

    def __repr__(self) -> str:
        return f"Session(***, made_at={self.made_at!r})"

    def lives(self, *, now: datetime, lifetime: timedelta) -> bool:
        """Whether it may be used; one from the future is of a clock that was wrong."""
        return timedelta(0) <= now - self.made_at < (self.lifetime or lifetime) * RENEWED_AT


class SessionFile:
    """Where the processes of one machine share a session, and take turns at logging in."""

    def __init__(self, path: Path, *, sealing: Sealing) -> None:
        self._path = path
        self._sealing = sealing

    @contextmanager
    def turn(self, *, deadline: float) -> Iterator[bool]:
        """Give whether it is our turn, before `deadline` on the monotonic clock."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            # Then this process goes by itself: a login more is better than no delivery.
            log.warning("session.no_file", error=error.strerror)
            yield True
            return
        try:
            # The kernel gives it back when a process dies.
            yield _lock(handle, deadline=deadline)
        finally:
            os.close(handle)

    def read(self, owner: str) -> Session | None:
        """Return the session of `owner`; None where there is none that can be used."""
        try:
            with self._path.open("rb") as file:
                plain = self._sealing.open(file.read(MAX_FILE_BYTES))
            found = None if plain is None else json.loads(plain)
            if not isinstance(found, dict) or found.get("owner") != owner:
                return None
            made_at = datetime.fromtimestamp(found["made_at"], UTC)
            seconds = found.get("lifetime")
            return Session(
                value=str(found["session"]),
                made_at=made_at,
                lifetime=None if seconds is None else timedelta(seconds=float(seconds)),
            )
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    def write(self, session: Session, owner: str) -> None:
        """Keep `session` for the others, if it can be sealed."""
        made_at = session.made_at.timestamp()
        lifetime = None if session.lifetime is None else session.lifetime.total_seconds()
        plain = json.dumps(
            {
                "owner": owner,
                "session": session.value,
                "made_at": made_at,
                "lifetime": lifetime,
            }
        )
        sealed = self._sealing.seal(plain.encode())
        if sealed is None:
            return
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
            draft.replace(self._path)
        except OSError as error:
            log.warning("session.not_kept", error=error.strerror)


class Sessions:
    """The session of one target. Thread-safe."""

    def __init__(
        self,
        *,
        log_in: Callable[[float], Login | Answer],
        owner: str,
        lifetime: timedelta,
        file: SessionFile,
        clock: Callable[[], datetime],
    ) -> None:
        """
        Begin without a session.

        Args:
            log_in: Logs in before a deadline on the monotonic clock: a session, or what the
                failure amounts to for a delivery.
            owner: Tells whose session it is; another target or user has another.
            lifetime: Of a session whose login says none.
            file: Shared with other processes.
            clock: Tells the aware time, of this machine.
        """
        self._log_in = log_in
        self._owner = owner
        self._lifetime = lifetime
        self._file = file
        self._clock = clock
        self._lock = Lock()
        self._held: Session | None = None
        self._refusals = 0
        self._refusal: Answer | None = None

    def get(self, *, deadline: float, stale: str | None = None) -> str | Answer:
        """
        Return a session that should live, or what its absence amounts to for a delivery.

        Args:
            deadline: On the monotonic clock.
            stale: A session that the target has just refused.
        """
        if held := self._good(self._held, stale):
            return held.value
        seen = self._refusals
        if not self._lock.acquire(timeout=max(deadline - time.monotonic(), 0)):
            return _no_turn()
        try:
            if held := self._good(self._held, stale):
                return held.value
            if self._refusals != seen and self._refusal is not None:
                return self._refusal
            return self._renew(stale, deadline)
        finally:
            self._lock.release()

    def _renew(self, stale: str | None, deadline: float) -> str | Answer:
        with self._file.turn(deadline=deadline) as is_ours:
            if not is_ours:
                return _no_turn()
            if shared := self._good(self._file.read(self._owner), stale):
                self._held = shared
                return shared.value
            begun = self._clock()
            result = self._log_in(deadline)
            if isinstance(result, Answer):
                self._refusals += 1
                self._refusal = result
                return result
            self._held = Session(value=result.value, made_at=begun, lifetime=result.lifetime)
            self._file.write(self._held, self._owner)
            log.info("session.renewed")
            return result.value

    def _good(self, session: Session | None, stale: str | None) -> Session | None:
        if session is None or session.value == stale:
            return None
        is_alive = session.lives(now=self._clock(), lifetime=self._lifetime)
        return session if is_alive else None


def _lock(handle: int, *, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_AGAIN_SECONDS)
        else:
            return True


def _no_turn() -> Answer:
    detail = "nothing was sent: another call is logging in, and took too long"
    return Answer(outcome=Outcome.WITHHELD, detail=detail)

"""
The lists and answers that were fetched: in memory, and on disk for the next process.

One file each, a line of JSON and the bytes after it, replaced whole. Several processes may share
the folder: each sees what another fetched. What is kept proves itself, so a file that somebody
changed is merely useless.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from lienthong.revocation.addresses import Address
from signing import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024
"""Held in memory; what is dropped is read again from disk."""
LONGEST_LINE = 8192
KEPT_FOR = timedelta(days=90)
"""On disk after it was fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One list or answer."""

    address: Address
    data: bytes
    fetched_at: datetime
    refresh_at: datetime
    """When a newer one shall be fetched; this one may still be fresh then."""


class Shelf:
    """Keeps what was fetched, in `folder`. Thread-safe."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, tuple[int, Held]] = OrderedDict()
        """With the file's modification time, in nanoseconds; the latest used stands last."""
        self._lock = Lock()

    def get(self, address: Address) -> Held | None:
        """Return what is held of an address; None: nothing, or nothing that can be read."""
        file = self._folder / address.key
        try:
            stamp = file.stat().st_mtime_ns
        except OSError:
            return None
        with self._lock:
            known = self._held.get(address.key)
            if known is not None and known[0] == stamp:
                self._held.move_to_end(address.key)
                return known[1]
        held = self._read(file)
        if held is None or held.address != address:
            return None
        self._remember(stamp, held)
        return held

    def put(self, held: Held) -> None:
        """
        Keep one, in place of an earlier one of that address.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._folder / held.address.key
        temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            temporary.write_bytes(_head(held) + held.data)
            stamp = temporary.stat().st_mtime_ns
            os.replace(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
        self._remember(stamp, held)

    def all(self) -> Iterator[Held]:
        """Give everything on disk, one at a time."""
        with suppress(OSError):
            for file in sorted(self._folder.iterdir()):
                held = None if file.name.startswith(".") else self._read(file)
                if held is not None:
                    yield held

    def remove_old(self, *, now: datetime) -> None:
        """Remove what was fetched long ago."""
        with suppress(OSError):
            for file in list(self._folder.iterdir()):
                if file.stat().st_mtime < (now - KEPT_FOR).timestamp():
                    file.unlink(missing_ok=True)

    def _read(self, file: Path) -> Held | None:
        try:
            with file.open("rb") as stream:
                head = json.loads(stream.readline(LONGEST_LINE))
                data = stream.read(self._max_bytes + 1)
            address = Address(kind=Kind(head["kind"]), url=head["url"], about=head["about"])
            fetched_at = datetime.fromisoformat(head["fetched_at"])
            refresh_at = datetime.fromisoformat(head["refresh_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if len(data) > self._max_bytes or None in (fetched_at.tzinfo, refresh_at.tzinfo):
            return None
        return Held(address=address, data=data, fetched_at=fetched_at, refresh_at=refresh_at)

    def _remember(self, stamp: int, held: Held) -> None:
        with self._lock:
            self._held[held.address.key] = (stamp, held)
            self._held.move_to_end(held.address.key)
            total = sum(len(one.data) for _, one in self._held.values())
            while total > MOST_BYTES and len(self._held) > 1:
                _, (_, dropped) = self._held.popitem(last=False)
                total -= len(dropped.data)


def _head(held: Held) -> bytes:
    address = held.address
    head = {
        "kind": address.kind.value,
        "url": address.url,
        "about": address.about,
        "fetched_at": held.fetched_at.isoformat(),
        "refresh_at": held.refresh_at.isoformat(),
    }
    return json.dumps(head).encode() + b"\n"

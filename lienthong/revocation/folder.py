"""
A folder of revocation lists that somebody keeps up to date: for networks that are closed.

Every file that ends in .crl, .der or .pem is a list, DER or PEM. It is looked at again every few
seconds, so that a list that is put there counts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from signing import Evidence, Found, Kind, Reason
from signing.crl import times_of_list

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

ENDINGS = frozenset({".crl", ".der", ".pem"})
MOST_BYTES = 128 * 1024 * 1024
"""Of all lists together."""
LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One list; `issuer` None: it cannot be read."""

    stamp: tuple[int, int]
    evidence: Evidence
    issuer: x509.Name | None


class FolderSource:
    """The lists in a folder. Thread-safe."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._files: dict[Path, _File] = {}
        self._troubles: tuple[Reason, ...] = ()
        self._looked_at: float | None = None
        self._lock = Lock()

    def find(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> Found:  # noqa: ARG002
        """Return the lists of the issuer, and what is wrong with the folder."""
        with self._lock:
            self._look()
            files, troubles = list(self._files.values()), self._troubles
        return Found(
            evidence=tuple(one.evidence for one in files if one.issuer in (None, issuer.subject)),
            reasons=troubles,
        )

    def lists(self) -> Iterator[Evidence]:
        """Give every list there is."""
        with self._lock:
            self._look()
            files = list(self._files.values())
        for one in files:
            yield one.evidence

    @property
    def troubles(self) -> tuple[Reason, ...]:
        """What was wrong when the folder was last looked at."""
        return self._troubles

    def _look(self) -> None:
        if self._looked_at is not None and monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = monotonic()
        found: dict[Path, _File] = {}
        troubles: list[Reason] = []
        total = 0
        try:
            names = sorted(one for one in self._folder.iterdir() if one.suffix.lower() in ENDINGS)
        except OSError as error:
            names = []
            troubles.append(_trouble(self._folder, error.strerror or "I/O"))
        for name in names:
            try:
                status = name.stat()
                total += status.st_size
                if status.st_size > self._max_bytes or total > MOST_BYTES:
                    troubles.append(_trouble(name, f"{status.st_size} B > {self._max_bytes} B"))
                    continue
                stamp = (status.st_mtime_ns, status.st_size)
                known = self._files.get(name)
                is_same = known is not None and known.stamp == stamp
                found[name] = known if known is not None and is_same else _load(name, stamp)
            except OSError as error:
                troubles.append(_trouble(name, error.strerror or "I/O"))
        self._files, self._troubles = found, tuple(troubles)


def _load(file: Path, stamp: tuple[int, int]) -> _File:
    data = file.read_bytes()
    times = times_of_list(data)
    return _File(
        stamp=stamp,
        evidence=Evidence(kind=Kind.CRL, data=data, origin=str(file)),
        issuer=None if times is None else times[0],
    )


def _trouble(place: Path, detail: str) -> Reason:
    return Reason(
        code="revocation.folder",
        vi=f"Không đọc được danh sách thu hồi {place}: {detail}",
        en=f"Revocation list {place} cannot be read: {detail}",
    )

"""
The file store: a port, a folder of this machine or one that several share, and sealing.

A file is sealed as the store seals payloads, in parts, each bound to its name, its number and to
whether it is the last: none can be moved, left out, doubled or cut off. A name is never used for
other bytes, so what is there under a name is whole or not there.

    a file = parts, each: length (4 bytes) · sealed value of the vault
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


PART_BYTES = 1024 * 1024
_LENGTH_BYTES = 4
_LONGEST_PART = PART_BYTES + 1024


def blob_context(name: str, number: int, *, is_last: bool) -> str:
    """
    Return the context of one part of a kept file, as the vault binds what it seals to its place.

    With its number and its end in it no part can be moved, left out or cut off.
    """
    return f"blobs:{name}:{number}:{int(is_last)}"


class Vault(Protocol):
    """What seals: `lienthong.store.vault.Vault`."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Return what is to be stored at `context`."""

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return what was sealed for `context`. Raises SealBroken."""


class BlobBroken(OSError):
    """A kept file is cut off, or damaged where no seal says so."""


class BlobStore(Protocol):
    """Where bytes are kept by name."""

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """
        Keep what `parts` yields, durably and as a whole; memory is a few parts.

        Raises:
            OSError: it cannot be kept; as when `parts` raises, nothing of it is there then.
        """

    def read(self, name: str) -> Iterator[bytes]:
        """Yield what is kept, in parts of any length. Raises OSError."""

    def remove(self, name: str) -> None:
        """Remove it; what is not there is no error. Raises OSError."""

    def names(self, *, before: float) -> Iterator[str]:
        """Yield what was written before a moment, in seconds of the epoch. Raises OSError."""

    def check(self) -> None:
        """Return if files can be kept, read and removed. Raises OSError or ConfigError."""


class FolderBlobs:
    """Files in a folder; each is written beside its place and moved there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """Keep a file."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{name}.part")
        try:
            with partial.open("xb") as target:
                for part in parts:
                    target.write(part)
                target.flush()
                os.fsync(target.fileno())
            partial.replace(path)
            _sync(path.parent)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a file."""
        with self._path(name).open("rb") as source:
            while part := source.read(PART_BYTES):
                yield part

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._path(name).unlink(missing_ok=True)

    def names(self, *, before: float) -> Iterator[str]:
        """Yield what was written before, what was never finished too."""
        if not self.folder.is_dir():
            return
        for shelf in sorted(self.folder.iterdir()):
            for path in sorted(shelf.iterdir()) if shelf.is_dir() else ():
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        yield path.name

    def check(self) -> None:
        """Write, read and remove a small file."""
        try:
            check_blobs(self)
        except OSError as error:
            raise unusable(str(self.folder), error.strerror or str(error)) from error

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name


def unusable(shown: str, cause: str) -> ConfigError:
    """Return what to tell of a file store that cannot be used."""
    return ConfigError(
        Text(
            vi=f"Kho tệp {shown} không dùng được: {cause}; sửa quyền hoặc đặt [attachments] store",
            en=f"the file store {shown} cannot be used: {cause}; mend its permissions or set "
            "[attachments] store",
        ),
        code="attachments.store",
    )


def check_blobs(blobs: BlobStore) -> None:
    """Write, read and remove a small file. Raises OSError."""
    name = f"zz-check-{os.urandom(8).hex()}"
    blobs.write(name, [b"lienthong"])
    try:
        if b"".join(blobs.read(name)) != b"lienthong":
            raise OSError("what was written is not what is read")
    finally:
        blobs.remove(name)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sealed_parts(parts: Iterable[bytes], *, name: str, vault: Vault) -> Iterator[bytes]:
    """Yield what is to be kept under `name` of a file that comes in parts of any length."""
    number = 0
    held = bytearray()
    for part in parts:
        held += part
        # The last part is told as such, so one is always held back.
        while len(held) > PART_BYTES:
            yield _sealed(bytes(held[:PART_BYTES]), name, number, vault, is_last=False)
            del held[:PART_BYTES]
            number += 1
    yield _sealed(bytes(held), name, number, vault, is_last=True)


def _sealed(plain: bytes, name: str, number: int, vault: Vault, *, is_last: bool) -> bytes:
    sealed = vault.seal(plain, context=blob_context(name, number, is_last=is_last))
    return len(sealed).to_bytes(_LENGTH_BYTES) + sealed


def opened_parts(blobs: BlobStore, *, name: str, size: int, vault: Vault) -> Iterator[bytes]:
    """
    Yield the bytes of a kept file.

    Args:
        blobs: Where it is.
        name: Its name.
        size: Of its bytes, as its manifest says.
        vault: Opens it.

    Raises:
        SealBroken: it is not what was kept under this name.
        BlobBroken, OSError: it is cut off, or not there.
    """
    source = _Reader(blobs.read(name))
    last = max(-(-size // PART_BYTES) - 1, 0)
    for number in range(last + 1):
        length = int.from_bytes(source.take(_LENGTH_BYTES, name))
        if length > _LONGEST_PART:
            raise BlobBroken(f"part {number} of the kept file {name} is damaged")
        context = blob_context(name, number, is_last=number == last)
        yield vault.open(source.take(length, name), context=context)


def begins_with(blobs: BlobStore, name: str, prefix: bytes) -> bool:
    """Tell whether the first sealed value of a kept file begins so. Raises OSError."""
    parts = blobs.read(name)
    head = b""
    for part in parts:
        head += part
        if len(head) >= _LENGTH_BYTES + len(prefix):
            break
    # A generator that is not read to its end holds its file open.
    getattr(parts, "close", lambda: None)()
    return head[_LENGTH_BYTES:].startswith(prefix)


class _Reader:
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._held = bytearray()

    def take(self, length: int, name: str) -> bytes:
        while len(self._held) < length:
            part = next(self._parts, b"")
            if not part:
                raise BlobBroken(f"the kept file {name} is cut off")
            self._held += part
        taken = bytes(self._held[:length])
        del self._held[:length]
        return taken

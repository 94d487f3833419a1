"""
Files that an agency drops on an SFTP server: which are whole, their bytes, and where they go then.
"""

from __future__ import annotations

import hashlib
import io
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import paramiko

from lienthong.pull.sftp_session import translating
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from _typeshed import WriteableBuffer

    from lienthong.pull.sftp_profile import SftpPull

REQUEST_BYTES = 128 * 1024
"""Asked for at once, because every answer takes a way there and back; a server may give less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One file, as a look at its folder shows it."""

    name: str
    size: int
    mtime: int
    """Seconds since 1970, of the server's clock."""

    @property
    def state(self) -> str:
        """What tells it from another file that had its name."""
        return f"{self.size}-{self.mtime}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is in the folder."""

    files: Mapping[str, Drop]
    """That match, whether they are whole or not."""
    marked: frozenset[str]
    """Names of files that a marker says are whole."""
    names: frozenset[str]
    """Of all files."""


class DropFolder:
    """The folder of one profile, over a session that is open."""

    def __init__(self, profile: SftpPull, session: paramiko.SFTPClient) -> None:
        self._profile = profile
        self._session = session

    def look(self) -> Look:
        """
        Return what is there.

        Raises:
            PeerError, ConfigError: as `sftp_session.connected`.
        """
        profile = self._profile
        found: dict[str, Drop] = {}
        with translating(profile):
            for number, entry in enumerate(self._session.listdir_iter(profile.folder), start=1):
                if number > profile.max_files:
                    raise _too_many(profile.max_files)
                name = entry.filename
                # Neither links nor names that lead elsewhere.
                if stat.S_ISREG(entry.st_mode or 0) and "/" not in name and "\0" not in name:
                    found[name] = Drop(
                        name=name, size=entry.st_size or 0, mtime=entry.st_mtime or 0
                    )
        marker = profile.done_marker
        return Look(
            files={name: drop for name, drop in found.items() if self._is_wanted(name)},
            marked=frozenset(name for name in found if marker and name + marker in found),
            names=frozenset(found),
        )

    def whole(self, look: Look, before: Look | None) -> Sequence[Drop]:
        """
        Return the files that may be taken, the earliest first.

        Args:
            look: The last one.
            before: One some time before it; where files are marked it is not needed.
        """
        if self._profile.done_marker is not None:
            found = [drop for name, drop in look.files.items() if name in look.marked]
        else:
            known = {} if before is None else before.files
            found = [drop for name, drop in look.files.items() if known.get(name) == drop]
        # One without a byte is just being made.
        return sorted(
            (drop for drop in found if drop.size), key=lambda drop: (drop.mtime, drop.name)
        )

    def open(self, drop: Drop, *, beat: Callable[[], None]) -> DropReader:
        """
        Return the bytes of a file.

        Args:
            drop: The file.
            beat: Called with every answer, so that nobody takes us for dead.

        Raises:
            OSError: it cannot be opened.
        """
        return DropReader(self._session.open(self._path(drop.name), "rb"), drop=drop, beat=beat)

    def put_away(self, drop: Drop) -> bool:
        """
        Move a file into the archive that the profile names; nothing there is written over.

        Returns:
            False: another file has its name by now, and stays.

        Raises:
            PeerError, ConfigError: as `look`; it may stay where it was.
        """
        with translating(self._profile):
            now = self._session.lstat(self._path(drop.name))
            if (now.st_size, now.st_mtime) != (drop.size, drop.mtime):
                return False
            self._make(self._profile.archive or "")
            marker = self._profile.done_marker
            if marker is not None and self._is_there(self._path(drop.name + marker)):
                # First: one that is left behind would call the next file of this name whole.
                self._move(drop.name + marker, drop)
            self._move(drop.name, drop)
        return True

    def _move(self, name: str, drop: Drop) -> None:
        archive = f"{(self._profile.archive or '').rstrip('/')}/{name}"
        source, target = self._path(name), archive
        number = 0
        while self._is_there(target):
            number += 1
            target = f"{archive}~{drop.state}" + (f"~{number}" if number > 1 else "")
        self._session.rename(source, target)

    def _make(self, folder: str) -> None:
        if not self._is_there(folder):
            self._session.mkdir(folder)

    def _is_there(self, path: str) -> bool:
        try:
            self._session.lstat(path)
        except FileNotFoundError:
            return False
        return True

    def _path(self, name: str) -> str:
        return f"{self._profile.folder.rstrip('/') or ''}/{name}"

    def _is_wanted(self, name: str) -> bool:
        profile = self._profile
        if name.startswith(".") or name.endswith(profile.unfinished):
            return False
        if profile.done_marker is not None and name.endswith(profile.done_marker):
            return False
        return any(fnmatchcase(name, pattern) for pattern in profile.files)


class DropReader(io.RawIOBase):
    """The bytes of one file. Its end is given only if it is as it was at the look."""

    def __init__(self, file: paramiko.SFTPFile, *, drop: Drop, beat: Callable[[], None]) -> None:
        super().__init__()
        file.MAX_REQUEST_SIZE = REQUEST_BYTES
        self._file = file
        self._drop = drop
        self._beat = beat
        self._digest = hashlib.sha256()
        self._count = 0
        self.failure: Exception | None = None
        """What kept it from being read."""

    @property
    def sha256(self) -> str:
        """Of what was read."""
        return self._digest.hexdigest()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """
        Read on.

        Raises:
            OSError: it cannot be read, or at its end it is another than it was.
        """
        self._beat()
        room = memoryview(buffer).cast("B")
        try:
            data = self._file.read(min(len(room), REQUEST_BYTES))
            self._count += len(data)
            if not data or self._count > self._drop.size:
                self._check()
        except (paramiko.SSHException, EOFError, OSError) as error:
            self.failure = error
            raise OSError(0, type(error).__name__) from error
        self._digest.update(data)
        room[: len(data)] = data
        return len(data)

    def _check(self) -> None:
        now = self._file.stat()
        if (self._count, now.st_size, now.st_mtime) != (
            self._drop.size,
            self._drop.size,
            self._drop.mtime,
        ):
            raise FileChanged(0, "it changed while it was read")

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            self._file.close()
        super().close()


class FileChanged(OSError):
    """A file is being written; at a later look it may be whole."""


def _too_many(limit: int) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Thư mục có hơn {limit} mục; đặt archive để tệp đã nhận được chuyển đi, hoặc tăng "
            "max_files",
            en=f"the folder has more than {limit} entries; set archive so that files are moved "
            "away, or raise max_files",
        ),
        code="pull.too_many_files",
    )

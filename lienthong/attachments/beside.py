"""
Files beside a submission: under one folder of the agency's, whatever their path says.

Every step of a path is opened by itself, from the folder on, and none through a link: a path or a
link made while we look leads nowhere else.
"""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lienthong.attachments.words import away, too_large, wrong
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mappings.attachments import DeclaredFile

PART_BYTES = 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def steps_of(path: str) -> list[str] | None:
    """Return the steps of a path as an agency writes it, or None for one that leads elsewhere."""
    text = path.strip().replace("\\", "/")
    steps = [step for step in text.split("/") if step not in ("", ".")]
    is_wrong = (
        text.startswith("/")
        or (len(text) > 1 and text[1] == ":")
        or not steps
        or ".." in steps
        or any(unicodedata.category(letter)[0] == "C" for letter in text)
    )
    return None if is_wrong else steps


class FolderFiles:
    """One folder that files are read from."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    @contextmanager
    def open(self, declared: DeclaredFile, *, limit: int) -> Iterator[Iterator[bytes]]:
        """
        Give the bytes of one file, part by part.

        Raises:
            FileWrong: it is not there, leads elsewhere, is no file, or is too large.
            FileAway: the folder cannot be read now.
        """
        steps = steps_of(declared.source)
        if steps is None:
            raise wrong("path", declared, _ELSEWHERE)
        try:
            descriptor = self._find(steps, declared)
        except OSError as error:
            raise self._unreadable(declared, error) from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise wrong("missing", declared, _NO_FILE)
            if found.st_size > limit:
                raise too_large(declared, limit=limit, size=found.st_size)
            yield self._parts(descriptor, declared)
        finally:
            os.close(descriptor)

    def _parts(self, descriptor: int, declared: DeclaredFile) -> Iterator[bytes]:
        while True:
            try:
                part = os.read(descriptor, PART_BYTES)
            except OSError as error:
                raise self._unreadable(declared, error) from error
            if not part:
                return
            yield part

    def _find(self, steps: list[str], declared: DeclaredFile) -> int:
        at = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for number, step in enumerate(steps, start=1):
                flags = _FILE if number == len(steps) else _FOLDER
                inner = _open_step(step, flags, at)
                os.close(at)
                at = inner
        except BaseException as error:
            with suppress(OSError):
                os.close(at)
            if isinstance(error, FileNotFoundError):
                if not os.listdir(self._folder):
                    # So looks the place of a share that is not mounted: it says nothing of files.
                    raise OSError(errno.ENOENT, "the folder is empty") from error
                raise wrong("missing", declared, _missing(self._name)) from error
            raise
        return at

    def _unreadable(self, declared: DeclaredFile, error: OSError) -> Exception:
        cause = error.strerror or type(error).__name__
        text = Text(
            vi=f"chưa đọc được trong thư mục «{self._name}» ({cause})",
            en=f"cannot be read in the folder '{self._name}' now ({cause})",
        )
        return away("unreadable", declared, text, remedy=_OPERATOR)


def _open_step(step: str, flags: int, at: int) -> int:
    """Return one step opened, in either writing of its marks. Raises FileNotFoundError, OSError."""
    for name in dict.fromkeys((step, unicodedata.normalize("NFD", step))):
        try:
            return os.open(name, flags, dir_fd=at)
        except FileNotFoundError:
            continue
        except OSError as error:
            # A link, or a file where a folder should be.
            if isinstance(error, NotADirectoryError) or error.errno in _NO_FILES:
                break
            raise
    raise FileNotFoundError(errno.ENOENT, "not there", step)


_NO_FILES = (errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO)
"""A link, which must not be followed; no name; a pipe that nobody writes to."""
_ELSEWHERE = Text(
    vi="có đường dẫn ra ngoài thư mục của cơ quan", en="has a path that leads out of its folder"
)
_NO_FILE = Text(vi="không phải là tệp", en="is no file")
_OPERATOR = Text(
    vi="Người vận hành kiểm tra thư mục và quyền đọc; hệ thống tự thử lại",
    en="The operator checks the folder and its permissions; it is tried again by itself",
)


def _missing(name: str) -> Text:
    return Text(vi=f"không có trong thư mục «{name}»", en=f"is not in the folder '{name}'")

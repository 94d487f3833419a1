"""
The files that xmlsec may read while it verifies detached signatures: those handed in, no others.

xmlsec keeps how references are opened for the whole process. So what comes with it, which opens
files and hosts by themselves, is taken away, and a name means what the asking thread has given it.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import xmlsec

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Given(threading.local):
    """The one file of this thread."""

    name: bytes | None = None
    content: bytes = b""


_GIVEN = _Given()


@contextmanager
def given(name: str, content: bytes) -> Iterator[None]:
    """Let references to `name` mean `content`, in this thread."""
    _GIVEN.name, _GIVEN.content = name.encode(), content
    try:
        yield
    finally:
        _GIVEN.name, _GIVEN.content = None, b""


def _matches(name: bytes) -> bool:
    return _GIVEN.name is not None and name == _GIVEN.name


def _open(_name: bytes) -> io.BytesIO:
    return io.BytesIO(_GIVEN.content)


def _read(source: io.BytesIO, buffer: memoryview) -> int:
    return source.readinto(buffer)


def _close(source: io.BytesIO) -> None:
    source.close()


xmlsec.cleanup_callbacks()
xmlsec.register_callbacks(_matches, _open, _read, _close)

"""
Files that operations make for whoever asks: whole or not at all, and kept nowhere.

They are written to a file without a name, which is gone with the request, whatever becomes of it:
memory stays bounded, and what goes wrong is told as an error and not as half a file.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from schemas.errors import ConfigError, InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from lienthong.wiring import Installation

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file for whoever asked."""

    name: str
    media_type: str
    size: int
    """Bytes."""
    file: IO[bytes]
    """Open at its beginning; whoever gives it closes it."""

    def pieces(self) -> Iterator[bytes]:
        """Give its bytes, and close it."""
        with self.file:
            while piece := self.file.read(PIECE):
                yield piece


def make_download(
    installation: Installation, *, name: str, media_type: str, write: Callable[[IO[bytes]], object]
) -> Download:
    """
    Return what `write` writes.

    Raises:
        ConfigError: there is no room for it in the data directory.
        and whatever `write` raises.
    """
    # Not the system's place for such files, which may be in memory.
    folder = installation.settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = TemporaryFile(dir=folder)  # noqa: SIM115 - it is given on
        try:
            write(file)
            size = file.seek(0, 2)
            file.seek(0)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise ConfigError(
            Text(
                vi=f"Không ghi được tệp tạm trong thư mục dữ liệu: {error.strerror}",
                en=f"no temporary file can be written in the data directory: {error.strerror}",
            ),
            code="download.unwritable",
        ) from error
    return Download(name=name, media_type=media_type, size=size, file=file)


class Turns:
    """How many may do something costly at once, in one process."""

    def __init__(self, most: int, *, code: str = "download.busy") -> None:
        """Let `most` in; who finds no turn is told `code`."""
        self._code = code
        self._free = BoundedSemaphore(most)

    @contextmanager
    def taking(self) -> Iterator[None]:
        """
        Take a turn.

        Raises:
            InputError: there is none now.
        """
        if not self._free.acquire(blocking=False):
            raise _busy(self._code)
        try:
            yield
        finally:
            self._free.release()


def _busy(code: str) -> InputError:
    return InputError(
        Problem(
            code=code,
            message=Text(
                vi="Đang có yêu cầu nặng khác chạy; chưa làm gì cả",
                en="Other requests of this kind are under way; nothing was done",
            ),
            suggestion=Text(vi="Thử lại sau một phút", en="Ask again in a minute"),
        )
    )

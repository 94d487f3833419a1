"""Lines of a text, of which none takes more memory than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lines(Protocol):
    """Text line by line, as `io.TextIOBase` gives it."""

    def readline(self, size: int, /) -> str:
        """Return the next line with its end, or as many characters of it; "" after the last."""


def bounded_lines(lines: Lines, *, limit: int) -> Iterator[str]:
    """
    Yield every line with its end; of one longer than `limit` characters its beginning.

    The beginning of a line that is too long is itself longer than `limit`.
    """
    ahead = ""
    while line := ahead or lines.readline(limit + 1):
        ahead = _read_on(lines, line, limit) if len(line) > limit else ""
        yield line


def _read_on(lines: Lines, part: str, limit: int) -> str:
    """Read to the end of a line; return what was read of the one after it."""
    while part and not part.endswith(("\n", "\r")):
        part = lines.readline(limit + 1)
    if not part.endswith("\r") or len(part) != limit + 1:
        return ""
    # Here "\r\n" may have been cut in two; its half is no line.
    following = lines.readline(limit + 1)
    return "" if following == "\n" else following

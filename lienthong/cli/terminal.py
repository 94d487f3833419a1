"""
A terminal that obeys us alone.

What is printed quotes agencies' files: values, names of columns, sheets and members. A terminal
takes some characters for orders (clear the screen, rename the window, write from right to left), so
these are shown by their numbers instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTIONS = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SHOWN = {n: f"\\x{n:02x}" for n in _CONTROLS if chr(n) not in "\t\n"} | {
    n: f"\\u{n:04x}" for n in _DIRECTIONS
}


class Terminal(Console):
    """A console that shows the orders in what it prints, and follows none of them."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the pieces of `renderable` with every character visible."""
        for piece in super().render(renderable, options):
            if piece.control or piece.text.isprintable():
                yield piece
            else:
                yield Segment(piece.text.translate(_SHOWN), piece.style)

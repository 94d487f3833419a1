"""
Pages for people: one HTML file each, complete in itself, that opens offline and prints.

`templates/page.html` is the skeleton with the look; a page extends it and gets values, which are
escaped. Its content security policy forbids everything that would have to be loaded or run, so a
value that slipped through could still do nothing.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from lienthong.flows.convert import check_target, unwritable
from schemas.problem import Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Self

SHOWN_CHARACTERS = 2_000
"""A longer value is cut in a page; nobody reads more of a cell."""


def cut(text: str) -> str:
    """Return a value as pages show it: not too long, and with controls that one can see."""
    shown = text
    if len(text) > SHOWN_CHARACTERS:
        shown = f"{text[:SHOWN_CHARACTERS]}… ({len(text)})"
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], shown)


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lienthong"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cut"] = cut
    environment.globals["VI"] = Language.VI
    return environment


def render_page(template: str, **values: object) -> Iterator[str]:
    """Yield a page piece by piece; what it iterates over is never in memory as a whole."""
    return _environment().get_template(template).generate(**values)


class PageFile:
    """The file that gets a page: opened at once, so that nobody waits for a bad path, or not."""

    def __init__(self, path: Path) -> None:
        """
        Begin the page beside `path`, under a name of its own.

        Raises:
            ConfigError: nothing can be written there.
        """
        self._path = path
        self._partial = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            check_target(path)
            self._target = self._partial.open("w", encoding="utf-8")
        except OSError as error:
            raise unwritable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._target.close()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def write(self, pieces: Iterable[str]) -> None:
        """
        Put the whole page in place.

        Raises:
            ConfigError: it cannot be written; what stood there before still does.
        """
        for piece in pieces:
            self._write(piece)
        try:
            self._target.close()
            self._partial.replace(self._path)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def _write(self, piece: str) -> None:
        try:
            # What no character set can hold came out of the source; it must not stop the page.
            self._target.write(piece.encode("utf-8", "replace").decode("utf-8"))
        except OSError as error:
            raise unwritable(self._path, error) from error

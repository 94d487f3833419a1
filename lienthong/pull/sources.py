"""Opening a source of records by its profile; what one kind needs is imported only for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lienthong.pull.soap_profile import SoapPull
from lienthong.pull.sql_profile import SqlPull

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from datetime import datetime

    from lienthong.pull.marks import Mark
    from lienthong.pull.page import Page, PulledRow
    from lienthong.pull.profile import RecordPull
    from lienthong.pull.tokens import Tokens


class Source(Protocol):
    """One system whose records are read."""

    @property
    def address(self) -> str:
        """Where it is, as people may see it."""

    def pages(self, *, low: Mark | None) -> Generator[Page]:
        """
        Yield what there is from `low` on, to the end.

        Raises:
            PeerError: it cannot be reached, broke off, or is too slow: later helps.
            ConfigError: the request or a value is wrong; pages before it are right.
        """

    def lines(self, rows: Sequence[PulledRow]) -> list[bytes]:
        """
        Return the lines of the first of `rows`, as many as one submission holds, at least one.

        Raises:
            PeerError, ConfigError: as `pages`.
        """

    def probe(self) -> None:
        """
        Ask, to see whether it would be read.

        Raises:
            PeerError, ConfigError: as `pages`.
        """

    def close(self) -> None:
        """Give back what it holds."""


def open_source(profile: RecordPull, *, clock: Callable[[], datetime], tokens: Tokens) -> Source:
    """
    Return the source of a profile; nothing is asked yet.

    Raises:
        ConfigError: its driver is not installed, or a file that it names cannot be used.
    """
    if isinstance(profile, SqlPull):
        from lienthong.pull.sql import SqlSource  # noqa: PLC0415

        return SqlSource(profile)
    if isinstance(profile, SoapPull):
        from lienthong.pull.soap import SoapSource  # noqa: PLC0415

        return SoapSource(profile, clock=clock, tokens=tokens)
    from lienthong.pull.rest import RestSource  # noqa: PLC0415

    return RestSource(profile, clock=clock, tokens=tokens)

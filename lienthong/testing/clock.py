"""
Processes of ours that live at another time, and can be moved while they run.

    python -m lienthong.testing.clock FILE run --roles deliver

is `lienthong run --roles deliver` with the clock that FILE says put in the place of the
installation's own; everything of ours asks that one. The monotonic clock stays true, as when a
machine's clock is set. (libfaketime cannot do that for Python: with a true monotonic clock its
`clock_nanosleep` refuses every sleep.)
"""

from __future__ import annotations

import runpy
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lienthong.wiring import Installation


@dataclass(frozen=True, slots=True)
class FalseClock:
    """The true time and an offset; `file` has the offset in seconds."""

    file: Path

    def __call__(self) -> datetime:
        """Tell the time as it is here."""
        return datetime.now(UTC) + timedelta(seconds=float(self.file.read_text()))

    def jump(self, offset: timedelta) -> None:
        """Let it be true time plus `offset`, at once."""
        partial = self.file.with_suffix(".part")
        partial.write_text(str(offset.total_seconds()))
        partial.replace(self.file)


def run(file: Path, words: list[str]) -> None:
    """Run the command line at the time that `file` says."""
    clock = FalseClock(file)
    setattr(Installation, "clock", lambda _installation: clock())  # noqa: B010 - a method's place
    sys.argv[1:] = words
    # Not an import of the command line, which may import what is here.
    runpy.run_module("lienthong", run_name="__main__")


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])

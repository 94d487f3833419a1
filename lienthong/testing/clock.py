"""
Processes that live at another time, by libfaketime, and can be moved while they run.

Only the clock of the wall is false; the monotonic one goes on, as when a machine's clock is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

LIBRARIES = (
    Path("/usr/lib"),
    Path("/usr/local/lib"),
    Path("/usr/lib64"),
)
NAME = "faketime/libfaketimeMT.so.1"


def find_library() -> Path | None:
    """Return the library, in Debian's package faketime, or None where it is not installed."""
    for folder in LIBRARIES:
        for found in (folder / NAME, *folder.glob(f"*/{NAME}")):
            if found.exists():
                return found
    return None


@dataclass(frozen=True, slots=True)
class FalseClock:
    """The time of those processes that are started with `environment`; `file` says it."""

    file: Path
    library: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to live at this time."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            # The file is read at every look at the clock: with a cache a jump was not noticed.
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, offset: timedelta) -> None:
        """Let it be true time plus `offset`; noticed at once."""
        partial = self.file.with_suffix(".part")
        partial.write_text(f"{offset.total_seconds():+.3f}\n")
        partial.replace(self.file)

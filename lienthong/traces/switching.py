"""Switching the traces of this process on, where the settings say to whom they are sent."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lienthong.traces.recording import TRACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.traces.profile import TraceSettings


@contextmanager
def recording(settings: TraceSettings) -> Iterator[None]:
    """
    Record traces meanwhile.

    Raises:
        ConfigError: a file of the settings cannot be used.
    """
    if settings.endpoint is None:
        yield
        return
    # Only here: it takes a third of a second, and memory, of which a process without traces has
    # nothing.
    from lienthong.traces.exporting import OtlpRecorder  # noqa: PLC0415

    recorder = OtlpRecorder(settings)
    TRACES.use(recorder)
    try:
        yield
    finally:
        TRACES.use(None)
        recorder.close()

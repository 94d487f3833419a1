"""Asking a process to stop: Ctrl-C and SIGTERM set an event, which its loops look at."""

from __future__ import annotations

import _thread
import signal
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def stop_on_signals() -> Event:
    """Return an event that Ctrl-C or SIGTERM sets. Call it from the main thread."""
    stop = Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        set_from_signal(stop)

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    return stop


def set_from_signal(event: Event) -> None:
    """
    Set `event` from a signal handler, which may have interrupted anything.

    The event's lock may be held by the very code that was interrupted: a wait, or the handler of
    a signal just before. Taking it here would then wait for ever, so another thread takes it; the
    plain function because starting a `Thread` takes locks as well.
    """
    _thread.start_new_thread(event.set, ())

"""Logging: one JSON line per outcome on standard error, and nothing personal in it."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, cast

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import TextIO

PERSONAL = re.compile(
    r"(?<![\w-])(?<!\w\.)(?:\d{12}|\d{9}|(?:\+84|0)\d{9,10})(?![\w-]|\.\w)"
    r"|[\w.+-]+@[\w-]+\.[\w.]+"
)
"""Personal numbers, phones and mail addresses, should a peer's words carry one into a log line."""
MASK = "***"
ROOT = Path(__file__).parents[1]
PACKAGES = ("adapters", "broker", "lienthong", "mappings", "schemas", "signing")
FRAMES = 3
"""Of ours that a line names, the innermost last."""


def mask_personal(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Replace what looks personal in every text of a log line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = PERSONAL.sub(MASK, value)
    return event


def kind_and_place(error: BaseException) -> dict[str, str]:
    """
    Return what a log line may say of a bug: its class, and where in our program it arose.

    Never its words, nor those of its causes: they may quote what was read, and PostgreSQL's do.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _is_ours(frame.filename)] or frames[-1:]
    places = [f"{_short(frame.filename)}:{frame.lineno}" for frame in ours[-FRAMES:]]
    return {"error": type(error).__name__, "at": " > ".join(places)}


def _is_ours(file: str) -> bool:
    return any(Path(file).is_relative_to(ROOT / name) for name in PACKAGES)


def _short(file: str) -> str:
    return str(Path(file).relative_to(ROOT)) if _is_ours(file) else file


class _StandardError:
    """Standard error as it is when a line is written: a progress bar stands in for it at times."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logs(*, verbose: bool) -> None:
    """Send log lines to standard error; without `verbose` only those that may need a person."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_personal,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.INFO if verbose else logging.WARNING
        ),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        cache_logger_on_first_use=True,
    )

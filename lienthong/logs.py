"""Logging: one JSON line per outcome on standard error, and nothing personal in it."""

from __future__ import annotations

import logging
import re
import sys
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


def mask_personal(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Replace what looks personal in every text of a log line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = PERSONAL.sub(MASK, value)
    return event


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

"""
Where in a trace something happens, as W3C Trace Context writes it; and whether a trace goes on.

What a sender writes is believed only as far as it has the form: an id can do no harm, and one
that is wrong is as none. `tracestate` is not carried on, which the recommendation allows.
Source: W3C Trace Context (Recommendation, 23 November 2021), 3.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

HEADER = "traceparent"
"""Of a message or an HTTP request."""
LONGEST = 512
"""Characters of a version that is not known yet; of ours there are 55."""
STAYS_WITHIN = timedelta(hours=1)
"""
After so long, work that waited begins a trace of its own, which is linked to the first: who keeps
traces has closed that one by then.
"""
MOST_RECORDS = 100
"""Records of one submission that are parts of its trace; each behind them begins one of its own,
linked to it: nobody looks at a trace of ten thousand spans."""
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_FIRST_VERSION = "00"
_NO_VERSION = "ff"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """One span, as others name it."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    is_sampled: bool
    """Whether who wrote it keeps it."""

    @property
    def header(self) -> str:
        """The value of `traceparent`."""
        flags = "01" if self.is_sampled else "00"
        return f"{_FIRST_VERSION}-{self.trace_id}-{self.span_id}-{flags}"

    @property
    def ids(self) -> dict[str, str]:
        """What log lines say of it."""
        return {"trace_id": self.trace_id, "span_id": self.span_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The span in which a submission was received, and when that was."""

    context: TraceContext
    at: datetime

    def goes_on(self, *, now: datetime, record: int = 1) -> bool:
        """Tell whether what happens now, to this record of it, is a part of its trace."""
        return now - self.at <= STAYS_WITHIN and record <= MOST_RECORDS


def parse_traceparent(value: object) -> TraceContext | None:
    """Return what a header says, or None where it does not have the form."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    found = _FORM.fullmatch(value.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == _NO_VERSION or (version == _FIRST_VERSION and more is not None):
        return None
    if not (int(trace_id, 16) and int(span_id, 16)):
        return None
    return TraceContext(trace_id=trace_id, span_id=span_id, is_sampled=bool(int(flags, 16) & 1))


def parse_only(values: Sequence[str]) -> TraceContext | None:
    """Return what the one header of this name says; several say nothing."""
    return parse_traceparent(values[0]) if len(values) == 1 else None

"""
Recording spans: nothing at all where traces are off, and never in the way where they are on.

`TRACES` is this process's; `switching` switches it on, and only then is anything of OpenTelemetry
imported. A span that is current gives its ids to the log lines of its thread, and its `traceparent`
to the calls that are made meanwhile.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from structlog.contextvars import bound_contextvars

from lienthong.traces.context import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from lienthong.traces.context import TraceContext

    Value: TypeAlias = str | int | bool | None


class Kind(Enum):
    """What a span is to others; OpenTelemetry's words."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Protocol):
    """One step that takes time. Thread-safe."""

    @property
    def context(self) -> TraceContext | None:
        """Which it is; None where traces are off."""

    def note(self, **attributes: Value) -> None:
        """Add attributes, `_` standing for a dot after `lienthong`; None adds nothing."""

    def fail(self, code: str) -> None:
        """Mark it as failed, by a code of ours."""

    def end(self, *, at: datetime | None = None) -> None:
        """End it, now or at a moment; only the first time counts."""


class _NoSpan:
    """What there is where traces are off."""

    context = None

    def note(self, **attributes: Value) -> None:
        """Do nothing."""

    def fail(self, code: str) -> None:
        """Do nothing."""

    def end(self, *, at: datetime | None = None) -> None:
        """Do nothing."""


NO_SPAN: Span = _NoSpan()


class Recorder(Protocol):
    """What makes spans, and sends them away; never raises."""

    def begin(
        self,
        name: str,
        *,
        kind: Kind,
        parent: TraceContext | None,
        links: Sequence[TraceContext],
        attributes: Mapping[str, Value],
        at: datetime | None,
    ) -> Span:
        """Begin a span, a new trace where it has no parent."""

    def close(self) -> None:
        """Send what is left, within seconds."""


class Traces:
    """The traces of one process."""

    def __init__(self) -> None:
        self._recorder: Recorder | None = None

    @property
    def is_on(self) -> bool:
        """Whether spans are recorded."""
        return self._recorder is not None

    def begin(
        self,
        name: str,
        *,
        kind: Kind = Kind.INTERNAL,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
        attributes: Mapping[str, Value] | None = None,
        at: datetime | None = None,
    ) -> Span:
        """
        Begin a span.

        Args:
            name: Of the step; no id or code, for spans are grouped by it.
            kind: What it is to others.
            parent: Of which span it is a part; None: a trace begins.
            links: Spans that led to it without being its parent.
            attributes: Ids, codes and numbers by their whole names; never what a person is named
                by, and nothing of a payload.
            at: When it began; None: now.
        """
        recorder = self._recorder
        if recorder is None:
            return NO_SPAN
        return recorder.begin(
            name, kind=kind, parent=parent, links=links, attributes=attributes or {}, at=at
        )

    def use(self, recorder: Recorder | None) -> None:
        """Record with `recorder`; None: not at all."""
        self._recorder = recorder


TRACES = Traces()
"""Of this process."""
_CURRENT: ContextVar[TraceContext | None] = ContextVar("trace", default=None)


@contextmanager
def within(context: TraceContext | None) -> Iterator[None]:
    """Let a span be current in this thread: for the log, and for calls that go out."""
    if context is None:
        yield
        return
    token = _CURRENT.set(context)
    try:
        with bound_contextvars(**context.ids):
            yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def ending(span: Span) -> Iterator[None]:
    """Let a span be current, and end with what is done in it; an error is told by its code."""
    try:
        with within(span.context):
            yield
    except BaseException as error:
        span.fail(getattr(error, "code", type(error).__name__))
        raise
    finally:
        span.end()


def current() -> TraceContext | None:
    """Return the span that is current in this thread, if one is."""
    return _CURRENT.get()


def outgoing(context: TraceContext | None) -> dict[str, str]:
    """Return the headers that tell others of a span."""
    return {} if context is None else {HEADER: context.header}

"""
The steps that are spans, and what is said of each: ids, codes, states and sizes, and no more.

Names and `messaging.` attributes follow OpenTelemetry's semantic conventions for messaging: what
takes up one message is a part of the trace that the message names; what takes up several, or what
waited long, begins a trace of its own with links. No dossier's code, name of a file or sender's own
id stands in a span: they may be a person's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lienthong.traces.recording import NO_SPAN, TRACES, Kind, current

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lienthong.traces.context import Origin, TraceContext
    from lienthong.traces.recording import Span

AMQP = "amqp"
HTTP_DOORS = ("http", "portal-soap", "portal-json")


def receive_span(
    *, door: str, agency: str, parent: TraceContext | None, queue: str | None = None
) -> Span:
    """Begin the receiving of one submission: the trace of its sender goes on, or one begins."""
    if not TRACES.is_on:
        return NO_SPAN
    attributes: dict[str, Any] = {"lienthong.door": door, "lienthong.agency": agency}
    kind = Kind.INTERNAL
    if door == AMQP:
        kind = Kind.CONSUMER
        attributes |= _messaging("receive", "process", queue)
    elif door in HTTP_DOORS:
        kind = Kind.SERVER
    return TRACES.begin(
        f"receive {door}", kind=kind, parent=parent or current(), attributes=attributes
    )


def expand_span(
    submission_id: str, *, agency: str, origin: Origin | None, begun_at: datetime, now: datetime
) -> Span:
    """Begin, afterwards, the expansion of one submission."""
    if not TRACES.is_on:
        return NO_SPAN
    return TRACES.begin(
        "expand",
        attributes={"lienthong.submission": submission_id, "lienthong.agency": agency},
        at=begun_at,
        **_after(origin, now=now),
    )


def deliver_span(
    attributes: Mapping[str, str | int | bool | None],
    *,
    is_look_up: bool,
    origin: Origin | None,
    record: int,
    now: datetime,
) -> Span:
    """Begin one attempt to bring a message to where it goes, or to learn what became of it."""
    if not TRACES.is_on:
        return NO_SPAN
    return TRACES.begin(
        "look up" if is_look_up else "deliver",
        attributes={f"lienthong.{name}": value for name, value in attributes.items()},
        **_after(origin, now=now, record=record),
    )


def call_span(*, to: str, operation: str, attempts: Sequence[Span]) -> Span:
    """Begin the call of one attempt, or of several that share it: then linked to all of them."""
    if not TRACES.is_on:
        return NO_SPAN
    contexts = [span.context for span in attempts if span.context is not None]
    return TRACES.begin(
        f"call {to}",
        kind=Kind.CLIENT,
        parent=contexts[0] if contexts else None,
        links=contexts[1:],
        attributes={"lienthong.operation": operation, "lienthong.messages": len(attempts)},
    )


def receipt_span(submission_id: str, *, origin: Origin | None, now: datetime) -> Span:
    """Begin the signing of an agency's receipts for one submission."""
    if not TRACES.is_on:
        return NO_SPAN
    return TRACES.begin(
        "receipt",
        attributes={"lienthong.submission": submission_id},
        **_after(origin, now=now),
    )


def result_span(
    *,
    kind: str,
    result_id: str,
    queue: str,
    origin: Origin | None,
    record: int | None,
    now: datetime,
) -> Span:
    """Begin the publishing of one result; who gets it may go on from there."""
    if not TRACES.is_on:
        return NO_SPAN
    return TRACES.begin(
        "send result",
        kind=Kind.PRODUCER,
        attributes={
            **_messaging("send", "send", queue),
            "messaging.message.id": result_id,
            "lienthong.result": kind,
        },
        **_after(origin, now=now, record=record or 1),
    )


def _messaging(name: str, type_: str, queue: str | None) -> dict[str, str | None]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": name,
        "messaging.operation.type": type_,
        "messaging.destination.name": queue,
    }


def _after(origin: Origin | None, *, now: datetime, record: int = 1) -> dict[str, Any]:
    """Return how a step hangs together with the receiving of its submission."""
    if origin is None:
        return {}
    if origin.goes_on(now=now, record=record):
        return {"parent": origin.context}
    return {"links": (origin.context,)}

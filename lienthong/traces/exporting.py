"""
Spans by OpenTelemetry's own kit, sent to a collector over OTLP/HTTP by a thread of its own.

Whatever the collector does, nothing waits for it: ended spans stand in a queue of a fixed length,
and those that find it full push out the oldest. What goes wrong is in the log once, and once more
when it is well again. Which traces are kept is decided by their ids alone, so that every process
keeps the same ones; that a sender marked its trace as sampled does not make us keep it.
"""

from __future__ import annotations

import logging
import ssl
import threading
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from os import getpid
from socket import gethostname
from typing import TYPE_CHECKING

import requests
import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from lienthong.logs import MASK, PERSONAL
from lienthong.traces.context import TraceContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span as OtelSpan

    from lienthong.traces.profile import TraceSettings
    from lienthong.traces.recording import Kind, Span, Value

log = structlog.get_logger()

EVERY = timedelta(seconds=2)
"""How often what has ended is sent."""
CLOSE_WITHIN = timedelta(seconds=5)
"""How long the end of a process may wait for the collector."""
LONGEST_VALUE = 256
"""Characters of an attribute; codes of peers may be of any length."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OtlpRecorder:
    """The port `Recorder`; one per process."""

    def __init__(self, settings: TraceSettings) -> None:
        """Prepare; nothing is connected yet. Raises ConfigError for the file of headers."""
        assert settings.endpoint is not None
        # It tells each failure there, and each span that finds no room; `_Telling` tells it once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        exporter = _Telling(
            OTLPSpanExporter(
                endpoint=settings.endpoint,
                certificate_file=_roots(settings),
                headers=settings.read_headers(),
                timeout=settings.timeout_seconds,
                compression=Compression.Gzip,
                session=_session(),
            )
        )
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(settings.ratio),
            resource=Resource(
                {
                    "service.name": "lienthong",
                    "service.version": version("lienthong"),
                    "service.instance.id": f"{gethostname()}:{getpid()}",
                }
            ),
            # Ends are told by `close`, whose patience is ours.
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attribute_length=LONGEST_VALUE),
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=settings.queue_spans,
                schedule_delay_millis=EVERY.total_seconds() * 1000,
                max_export_batch_size=settings.batch_spans,
                export_timeout_millis=settings.timeout_seconds * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("lienthong", version("lienthong"))

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
        """See the port."""
        around = None if parent is None else set_span_in_context(NonRecordingSpan(_of(parent)))
        span = self._tracer.start_span(
            name,
            # Never what fastapi may have made current: an empty context has no parent.
            context=Context() if around is None else around,
            kind=SpanKind[kind.name],
            attributes=_clean(attributes),
            links=[Link(_of(one)) for one in links],
            start_time=_nanoseconds(at),
        )
        return _Recorded(span)

    def close(self) -> None:
        """See the port."""
        # The kit's own patience is half a minute; what a collector does not take by then is lost.
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(CLOSE_WITHIN.total_seconds())


class _Recorded:
    """The port `Span`."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        own = span.get_span_context()
        self.context: TraceContext | None = TraceContext(
            trace_id=f"{own.trace_id:032x}",
            span_id=f"{own.span_id:016x}",
            is_sampled=own.trace_flags.sampled,
        )

    def note(self, **attributes: Value) -> None:
        self._span.set_attributes(
            _clean({f"lienthong.{name}": value for name, value in attributes.items()})
        )

    def fail(self, code: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR))
        self._span.set_attribute("error.type", _text(code))

    def end(self, *, at: datetime | None = None) -> None:
        if self._span.is_recording():
            self._span.end(end_time=_nanoseconds(at))


class _Telling(SpanExporter):
    """An exporter that tells in the log when the collector goes away, and when it is back."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread that sends
            # A library that fails here must cost nothing but these spans.
            self._went(cause=type(error).__name__)
            return SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            if self._is_away:
                log.info("traces.collector_back")
            self._is_away = False
        else:
            self._went(cause="not taken")
        return result

    def _went(self, *, cause: str) -> None:
        if not self._is_away:
            log.warning("traces.collector_away", cause=cause)
        self._is_away = True

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _session() -> requests.Session:
    session = requests.Session()
    # No proxy, and no password, of the environment.
    session.trust_env = False
    return session


def _roots(settings: TraceSettings) -> str | None:
    if settings.ca_file is not None:
        return str(settings.ca_file)
    system = ssl.get_default_verify_paths()
    return system.cafile or system.capath


def _of(context: TraceContext) -> SpanContext:
    flags = TraceFlags.SAMPLED if context.is_sampled else TraceFlags.DEFAULT
    return SpanContext(
        trace_id=int(context.trace_id, 16),
        span_id=int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(flags),
    )


def _clean(attributes: Mapping[str, Value]) -> dict[str, str | int | bool]:
    return {
        name: _text(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }


def _text(value: str) -> str:
    # As in the log: a peer's code could carry one.
    return PERSONAL.sub(MASK, value[:LONGEST_VALUE])


def _nanoseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1) * 1000

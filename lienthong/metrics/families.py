"""
Which metrics there are, and what each says.

Moments are seconds since 1970. What the store counts is one truth however many processes are
asked; what `process_families` tells is of one process, and begins anew with it.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

from lienthong.pacing import Pace
from lienthong.store.paces import MINUTES
from lienthong.store.versions import CURRENT
from lienthong.tallies import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from prometheus_client.metrics_core import Metric

    from lienthong.metrics.certificates import Ends
    from lienthong.metrics.measures import Measures
    from lienthong.metrics.watch import Look
    from lienthong.tallies import Seen, Timing

Labels = TypeVar("Labels", bound=tuple[str, ...])

SIDE = ("agency", "direction")


def look_families(look: Look) -> Iterator[Metric]:
    """Tell how things stand, as far as is known; without a look at the store only that."""
    yield _build()
    yield _gauge("lienthong_up", "Whether the store was read just now.", {(): int(look.is_up)})
    measures = look.measures
    read_at = None if measures is None else measures.at
    yield _moment("lienthong_store_read", "When the store was last read.", {(): read_at})
    yield _gauge(
        "lienthong_store_read_seconds", "How long reading it took.", {(): look.took_seconds}
    )
    if measures is not None:
        yield from _messages(measures)
        yield from _submissions(measures)
        yield from _flow(measures)
        yield from _evidence(measures)
        yield from _others(measures)
    yield from _ends(look.ends)


def process_families(seen: Seen) -> Iterator[Metric]:
    """Tell what one process saw since it began."""
    attempts = CounterMetricFamily(
        "lienthong_attempts",
        "Attempts and look-ups of this process that ended, by what they brought.",
        labels=("direction", "kind", "outcome"),
    )
    for one, count in sorted(seen.attempts.items()):
        attempts.add_metric(one, count)
    yield attempts
    retries = CounterMetricFamily(
        "lienthong_retries",
        "Of these, sends of messages that had been sent before.",
        labels=("direction",),
    )
    for direction in ("up", "down"):
        retries.add_metric((direction,), seen.retries[direction])
    yield retries
    stages = HistogramMetricFamily(
        "lienthong_stage_seconds",
        "How long a part of a dossier's way took, in this process.",
        labels=("direction", "stage"),
    )
    for (direction, stage), timing in seen.timings.items():
        stages.add_metric((direction, stage.value), _buckets(timing), timing.total)
    yield stages
    yield _gauge(
        "lienthong_role_turned_timestamp_seconds",
        "When the loop of a role of this process last turned.",
        {(role,): at for role, at in seen.turned_at.items()},
        "role",
    )
    yield _gauge(
        "lienthong_sealing_trouble",
        "1: what the sealing role of this process cannot do now: key, log, or a witness.",
        {(of,): 1 for of in sorted(seen.troubles)},
        "of",
    )


def _build() -> Metric:
    family = InfoMetricFamily("lienthong_build", "What runs here.")
    program = {
        "version": version("lienthong"),
        "store_version": CURRENT,
        "python": platform.python_version(),
    }
    family.add_metric((), program)
    return family


def _messages(measures: Measures) -> Iterator[Metric]:
    yield _gauge(
        "lienthong_messages",
        "Messages in the store.",
        {(*which[:2], which.state.value): count for which, count in measures.messages.items()},
        *SIDE,
        "state",
    )
    yield _moment(
        "lienthong_oldest_message",
        "When the oldest message that has not ended was made.",
        {(*which[:2], which.state.value): at for which, at in measures.since.items()},
        *SIDE,
        "state",
    )
    yield _gauge(
        "lienthong_backlog_messages",
        "Messages on their way: ready, sending, retrying or unknown.",
        measures.backlog,
        *SIDE,
    )
    for name, words, counts in (
        ("overdue", "is past", measures.overdue),
        ("due_soon", "is within 24 hours", measures.due_soon),
    ):
        yield _gauge(
            f"lienthong_dossiers_{name}",
            f"Dossiers with a message that has not ended and whose NgayHenTra {words}.",
            {(agency,): count for agency, count in counts.items()},
            "agency",
        )


def _submissions(measures: Measures) -> Iterator[Metric]:
    received = CounterMetricFamily(
        "lienthong_submissions_received", "Submissions taken over, ever.", labels=SIDE
    )
    for side, count in measures.received.items():
        received.add_metric(side, count)
    yield received
    queued = measures.queued
    yield _gauge(
        "lienthong_submissions_waiting",
        "Submissions that are not expanded to the end.",
        {side: one.count for side, one in queued.items()},
        *SIDE,
    )
    yield _gauge(
        "lienthong_submissions_held",
        "Of these, those that wait for a key or a mapping.",
        {side: one.held for side, one in queued.items()},
        *SIDE,
    )
    yield _moment(
        "lienthong_oldest_submission",
        "When the first of these was received.",
        {side: one.oldest for side, one in queued.items()},
        *SIDE,
    )


def _flow(measures: Measures) -> Iterator[Metric]:
    flow = measures.flow
    yield _gauge(
        "lienthong_due_messages",
        "Messages whose turn it is now.",
        {("portal",): flow.backlog, ("agencies",): flow.to_agencies},
        "target",
    )
    estimate = flow.estimate
    yield _gauge(
        "lienthong_catch_up_seconds",
        "How long what is due to the portal takes at the pace of late; none: no end in sight.",
        {} if estimate is None else {(): estimate.total_seconds()},
    )
    yield _gauge(
        "lienthong_worker_pace",
        "1: what decides how many calls a worker may start.",
        {
            (worker.worker, pace.value): int(worker.pace is pace)
            for worker in flow.workers
            for pace in Pace
        },
        "worker",
        "pace",
    )
    yield _gauge(
        "lienthong_worker_calls_allowed",
        "Calls at once.",
        {(worker.worker,): worker.allowed for worker in flow.workers},
        "worker",
    )
    yield _gauge(
        "lienthong_worker_delivered_recently",
        f"Messages delivered to the portal in the last {MINUTES} minutes.",
        {(worker.worker,): worker.delivered for worker in flow.workers},
        "worker",
    )


def _evidence(measures: Measures) -> Iterator[Metric]:
    sealed = measures.sealed
    yield _counter("lienthong_audit_rows", "Rows of the audit log, ever.", sealed.rows)
    yield _counter("lienthong_audit_seals", "Seals of it.", sealed.newest_seal)
    yield _gauge("lienthong_audit_unsealed_rows", "Rows without a seal.", {(): sealed.unsealed})
    yield _moment(
        "lienthong_audit_oldest_unsealed",
        "When the first row without a seal was written.",
        {(): sealed.oldest_unsealed},
    )
    yield _moment(
        "lienthong_audit_last_seal", "When the newest seal was made.", {(): sealed.sealed_at}
    )
    lack = sealed.countdown
    yield _gauge(
        "lienthong_stamp_missing_rows",
        "Sealed rows without a time-stamp, where time-stamps are asked for.",
        {} if lack is None else {(): lack.rows},
    )
    yield _moment(
        "lienthong_stamp_warned",
        "From when on their lack is no longer usual.",
        {(): None if lack is None else lack.warned_at},
    )
    yield _moment(
        "lienthong_stamp_due",
        "By when they must have one.",
        {(): None if lack is None else lack.due_by},
    )
    yield _gauge(
        "lienthong_alarms_open", "What does not hold of our own evidence.", {(): measures.alarms}
    )


def _others(measures: Measures) -> Iterator[Metric]:
    yield _gauge(
        "lienthong_fetches_waiting", "Messages that wait for files.", {(): measures.fetching}
    )
    yield _gauge(
        "lienthong_receipts_waiting",
        "Receipts for agencies that are to be signed.",
        {(): measures.receipts.count},
    )
    yield _moment(
        "lienthong_oldest_receipt", "Since when the first is due.", {(): measures.receipts.oldest}
    )
    yield _gauge(
        "lienthong_drifts_open",
        "Differences of the portal from its contract that nobody accepted.",
        {(): measures.drifts},
    )
    yield _gauge(
        "lienthong_discrepancies",
        "Dossiers of the last comparison with the portal that do not agree.",
        {
            (run.agency, kind): count
            for run in measures.compared
            for kind, count in run.found.items()
        },
        "agency",
        "kind",
    )
    yield _moment(
        "lienthong_reconciled",
        "When the last comparison ended, of one agency or (empty) of all.",
        {(run.agency,): run.ended_at for run in measures.compared},
        "agency",
    )
    yield _moment(
        "lienthong_pause",
        "Since when a person has stopped something of an agency (target:portal: for the portal).",
        {(one.subject, one.what.value): one.since for one in measures.pauses},
        "of",
        "what",
    )
    yield _moment(
        "lienthong_pause_ends",
        "When that ends by itself; none: when somebody ends it.",
        {(one.subject, one.what.value): one.until for one in measures.pauses},
        "of",
        "what",
    )
    pulled = CounterMetricFamily(
        "lienthong_pull_rows", "Rows taken over from a source, ever.", labels=("source",)
    )
    for one in measures.pulled:
        pulled.add_metric((one.source,), one.rows)
    yield pulled
    yield _moment(
        "lienthong_pull_read",
        "When a source was last read to its end.",
        {(one.source,): one.read_at for one in measures.pulled},
        "source",
    )
    yield _gauge(
        "lienthong_pull_trouble",
        "Whether something keeps a source from being read.",
        {(one.source,): int(one.is_in_trouble) for one in measures.pulled},
        "source",
    )
    yield _gauge(
        "lienthong_alerts_told",
        "Alerts of the role alerts that hold and that somebody was told of.",
        {(rule,): count for rule, count in measures.told.items()},
        "alert",
    )
    yield _gauge(
        "lienthong_alert_notices_waiting",
        "Notices of alerts that are not sent yet.",
        {(channel,): one.count for channel, one in measures.untold.items()},
        "channel",
    )
    yield _moment(
        "lienthong_oldest_alert_notice",
        "When the first of these was made.",
        {(channel,): one.oldest for channel, one in measures.untold.items()},
        "channel",
    )


def _ends(ends: Ends) -> Iterator[Metric]:
    yield _moment(
        "lienthong_key_ends",
        "Until when a holder has a key that signs.",
        {(holder,): at for holder, at in ends.keys.items()},
        "holder",
    )
    yield _moment(
        "lienthong_trust_ends",
        "Until when a certificate that is trusted is valid.",
        ends.trust,
        "use",
        "certificate",
        "fingerprint",
    )
    yield _gauge(
        "lienthong_keys_unreadable",
        "1: holders of keys, and uses of trust, whose files cannot be read.",
        {(of,): 1 for of in sorted(ends.unreadable)},
        "of",
    )


def _gauge(
    name: str, words: str, values: Mapping[Labels, float], *labels: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _moment(
    name: str, words: str, values: Mapping[Labels, datetime | None], *labels: str
) -> GaugeMetricFamily:
    known = {of: at.timestamp() for of, at in values.items() if at is not None}
    return _gauge(f"{name}_timestamp_seconds", words, known, *labels)


def _counter(name: str, words: str, value: int) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=())
    family.add_metric((), value)
    return family


def _buckets(timing: Timing) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, count in zip((*BOUNDS, float("inf")), timing.counts, strict=True):
        total += count
        found.append(("+Inf" if bound == float("inf") else str(float(bound)), float(total)))
    return found

"""A dossier's way as traces tell it: from the agency's message to the receipt and back."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress

import pika
import pytest
import urllib3
from sqlalchemy import select
from structlog.testing import capture_logs
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import MaxRetryError

from broker.rabbitmq.settings import connection_parameters
from lienthong.flows.hints import EXPAND
from lienthong.roles import Role
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.tables import submissions
from lienthong.store.tokens import make_token
from lienthong.store.work import begin
from lienthong.testing.machine import free_ports
from lienthong.testing.portal_site import AGENCY, dossier_code, record, step
from lienthong.traces.switching import recording
from tests.integration.traces.conftest import values_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
ALL = (Role.TAKE, Role.EXPAND, Role.DELIVER, Role.RECEIPTS, Role.RESULTS)
HOSTILE = [
    "00-" + "0" * 32 + "-" + SPAN + "-01",
    "00-" + TRACE + "-" + "0" * 16 + "-01",
    "ff-" + TRACE + "-" + SPAN + "-01",
    "00-" + TRACE.upper() + "-" + SPAN + "-01",
    "00-" + TRACE + "-" + SPAN + "-01-more",
    "00-" + "g" * 32 + "-" + SPAN + "-01",
    PARENT + "x" * 100_000,
    "' OR 1=1 --\r\nX: y",
    b"\xff\xfe\x00binary",
    {"a": {"b": [1, 2, 3]}},
    17,
    True,
    "",
]


@contextmanager
def channel_of(site):
    settings = site.installation.rabbit_settings
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        yield connection.channel(), settings.plan


def send(site, *records, key, headers=None):
    body = json.dumps({"data": records}, ensure_ascii=False).encode()
    with channel_of(site) as (channel, plan):
        properties = pika.BasicProperties(message_id=key, headers=headers)
        channel.basic_publish(plan.inbound(AGENCY), "records", body, properties)


def results(site):
    found = []
    with channel_of(site) as (channel, plan):
        while True:
            _, properties, body = channel.basic_get(plan.results_queue(AGENCY), auto_ack=True)
            if properties is None:
                return found
            found.append((properties.headers or {}, json.loads(body)))


def has_trace(span, trace):
    """Tell whether a span is in a trace, or linked to it."""
    wanted = bytes.fromhex(trace)
    return span.trace_id == wanted or any(link.trace_id == wanted for link in span.links)


@pytest.fixture
def traced(open_site, collector):
    def open_(**tables):
        return open_site(traces={"endpoint": collector.endpoint}, **tables)

    return open_


def run(site, *, until, roles=ALL):
    with recording(site.installation.settings.traces):
        site.work(until, roles=roles)


def told(site, *, count):
    """Return what tells whether so many results are in the queue, and keeps them."""
    found = []

    def are_there():
        found.extend(results(site))
        return len(found) >= count and site.is_idle()

    return found, are_there


def test_one_message_is_followed_from_the_agency_to_the_receipt_and_back(traced, collector):
    site = traced(target={"trace_header": True})
    send(site, record(1, quaTrinh=[step(1, 1)]), key="kb-1", headers={"traceparent": PARENT})
    found, are_there = told(site, count=4)

    with capture_logs(processors=[]) as logs:
        run(site, until=are_there)

    assert site.states() == [State.DELIVERED, State.DELIVERED]
    names = sorted({span.name for span in collector.spans})
    assert names == [
        *("call portal", "deliver", "expand", "receipt", "receive amqp", "send result"),
    ]
    assert all(has_trace(span, TRACE) for span in collector.spans)
    (received,) = collector.named("receive amqp")
    assert (received.trace_id.hex(), received.parent_span_id.hex()) == (TRACE, SPAN)
    calls = {span.span_id: span for span in collector.named("call portal")}
    attempts = {span.span_id: span for span in collector.named("deliver")}
    assert {call.parent_span_id for call in calls.values()} == set(attempts)
    assert all(values_of(call.attributes)["lienthong.receipt"] for call in calls.values())
    assert {headers["traceparent"][3:35] for headers, _ in found} == {TRACE}
    assert {kind for _, body in found for kind in [body["kind"]]} == {
        *("received", "receipt", "delivered"),
    }
    assert logs


def test_what_the_portal_is_told_is_the_span_of_its_call(traced, collector):
    site = traced(target={"trace_header": True})
    send(site, record(1), key="kb-1", headers={"traceparent": PARENT})

    run(site, until=lambda: site.states() == [State.DELIVERED])

    (message,) = site.messages()
    (attempt,) = site.show(message).attempts
    (call,) = collector.named("call portal")
    assert f"traceparent: 00-{TRACE}-{call.span_id.hex()}-01" in attempt.headers


@pytest.mark.parametrize("channel", ["soap", "dvcqg-json"])
def test_a_portal_that_did_not_ask_is_told_nothing(open_site, collector, channel):
    site = open_site(channel, traces={"endpoint": collector.endpoint})
    send(site, record(1), key="kb-1", headers={"traceparent": PARENT})

    run(site, until=lambda: site.states() == [State.DELIVERED])

    (message,) = site.messages()
    (attempt,) = site.show(message).attempts
    assert attempt.headers
    assert "traceparent" not in attempt.headers.lower()


def test_without_the_header_a_trace_begins_with_us_and_the_hint_carries_it(traced, collector):
    site = traced()
    send(site, record(1), key="kb-1")

    run(site, until=lambda: bool(stored(site)), roles=(Role.TAKE,))

    (received,) = collector.named("receive amqp")
    assert received.parent_span_id == b""
    (trace,) = stored(site)
    assert trace == f"00-{received.trace_id.hex()}-{received.span_id.hex()}-01"
    with channel_of(site) as (channel, plan):
        _, properties, _ = channel.basic_get(plan.work_queue(EXPAND), auto_ack=True)
    assert properties.headers["traceparent"] == trace


def stored(site):
    with reading(site.installation.store) as connection:
        return connection.execute(select(submissions.c.trace)).scalars().all()


def test_headers_that_are_none_begin_a_trace_and_stop_nothing(traced, collector):
    site = traced()
    for number, value in enumerate(HOSTILE, start=1):
        send(site, record(number), key=f"kb-{number}", headers={"traceparent": value})

    run(site, until=lambda: len(stored(site)) == len(HOSTILE), roles=(Role.TAKE,))

    spans = collector.named("receive amqp")
    assert len({span.trace_id for span in spans}) == len(HOSTILE)
    assert all(span.parent_span_id == b"" and span.trace_id.hex() != TRACE for span in spans)


@pytest.mark.parametrize("headers", [[PARENT], [PARENT, PARENT], [HOSTILE[4]], []])
def test_the_http_door_goes_on_with_the_trace_of_its_sender(traced, collector, headers):
    (port,) = free_ports(1)
    site = traced(http={"port": port})
    with begin(site.installation.store, at=site.installation.clock) as work:
        token = make_token(work, AGENCY, expires_at=None)
    answers = []

    def hand_over():
        head = HTTPHeaderDict({"authorization": f"Bearer {token}"})
        for value in headers:
            head.add("traceparent", value)
        body = json.dumps({"data": [record(1)]}).encode()
        with suppress(MaxRetryError):
            url = f"http://127.0.0.1:{port}/v1/agencies/{AGENCY}/records"
            answers.append(urllib3.request("POST", url, body=body, headers=head, retries=0))
        return bool(answers)

    run(site, until=hand_over, roles=(Role.HTTP,))

    assert answers[0].status == 201
    (received,) = collector.named("receive http")
    goes_on = headers == [PARENT]
    assert (received.trace_id.hex() == TRACE) is goes_on
    assert (received.parent_span_id.hex() == SPAN) is goes_on


def test_a_sender_cannot_have_more_traces_kept_than_the_settings_say(open_site, collector):
    site = open_site(traces={"endpoint": collector.endpoint, "ratio": 0})
    send(site, record(1), key="kb-1", headers={"traceparent": PARENT})

    run(site, until=lambda: site.states() == [State.DELIVERED])

    assert collector.spans == []
    (trace,) = stored(site)
    assert (trace[3:35], trace[-2:]) == (TRACE, "00")


def test_nothing_personal_is_in_a_span(traced, collector):
    site = traced(target={"trace_header": True})
    person = {"chuHoSo": "Trần Thị Bí Mật", "ghiChu": "079190001234, 0908123456, a@b.vn"}
    send(site, record(1, **person), key="079190001234", headers={"traceparent": PARENT})
    send(site, record(2, trangThai="079190001234"), key="kb-2")
    found, are_there = told(site, count=5)

    run(site, until=are_there)

    assert found
    said = "\n".join(str(span) for span in collector.spans) + str(collector.resources)
    for word in ("079190001234", "0908123456", "a@b.vn", "Bí Mật", "B\\303", dossier_code(1)):
        assert word not in said


def test_progress_rows_that_share_a_call_are_linked_to_it(open_site, collector):
    traces = {"endpoint": collector.endpoint}
    site = open_site("dvcqg-json", traces=traces, target={"progress_rows_per_call": 10})
    dossiers = [record(number, quaTrinh=[step(number, 1)]) for number in range(1, 5)]
    send(site, *dossiers, key="kb-1", headers={"traceparent": PARENT})

    run(site, until=lambda: len(site.states()) == 8 and set(site.states()) == {State.DELIVERED})

    attempts = {span.span_id for span in collector.named("deliver")}
    led = [
        {call.parent_span_id, *(link.span_id for link in call.links)}
        for call in collector.named("call portal")
    ]
    assert set().union(*led) == attempts
    assert sum(map(len, led)) == len(attempts)
    assert max(map(len, led)) > 1

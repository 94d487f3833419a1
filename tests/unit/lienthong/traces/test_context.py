"""What is believed of a `traceparent`, and when a trace goes on."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.traces.context import Origin, TraceContext, parse_only, parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
RECEIVED = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "is_sampled"),
    [
        (GOOD, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"  {GOOD}\t", True),
        (f"01-{TRACE}-{SPAN}-01-what-comes-later", True),
        (f"cc-{TRACE}-{SPAN}-00", False),
    ],
)
def test_what_has_the_form_is_read(value, is_sampled):
    found = parse_traceparent(value)

    assert found == TraceContext(trace_id=TRACE, span_id=SPAN, is_sampled=is_sampled)
    assert found.header == f"00-{TRACE}-{SPAN}-0{int(is_sampled)}"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"00-" + TRACE.encode() + b"-" + SPAN.encode() + b"-01",
        17,
        "",
        "00",
        GOOD.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{GOOD}-more",
        f"{GOOD}\n",
        f"{GOOD}\r\nX-Other: 1",
        f"01-{TRACE}-{SPAN}-01x",
        f"01-{TRACE}-{SPAN}-01-" + "x" * 1_000,
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
        GOOD * 10_000,
    ],
)
def test_what_has_not_is_as_none(value):
    assert parse_traceparent(value) is None


@given(st.one_of(st.text(), st.binary(), st.from_regex(r"[0-9a-f]{2}-[0-9a-f-]{0,60}")))
def test_whatever_comes_is_read_or_left(value):
    found = parse_traceparent(value)

    assert found is None or parse_traceparent(found.header) == found


def test_two_headers_of_the_name_say_nothing():
    assert parse_only([GOOD]) is not None
    assert parse_only([GOOD, GOOD]) is None
    assert parse_only([]) is None


@pytest.mark.parametrize(
    ("waited", "record", "goes_on"),
    [
        (timedelta(0), 1, True),
        (timedelta(minutes=59), 100, True),
        (timedelta(minutes=61), 1, False),
        (timedelta(days=3), 1, False),
        (timedelta(0), 101, False),
    ],
)
def test_what_waited_long_or_is_one_of_many_has_a_trace_of_its_own(waited, record, goes_on):
    context = TraceContext(trace_id=TRACE, span_id=SPAN, is_sampled=True)
    origin = Origin(context=context, at=RECEIVED)

    assert origin.goes_on(now=RECEIVED + waited, record=record) is goes_on

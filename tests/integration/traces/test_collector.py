"""A collector that is away, slow or ill costs nothing but spans, and is told of once."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from time import monotonic, sleep

import pytest
from structlog.testing import capture_logs

from lienthong.states import State
from lienthong.testing import forked
from lienthong.testing.portal_site import record
from lienthong.traces.profile import TraceSettings
from lienthong.traces.recording import TRACES, ending
from lienthong.traces.switching import recording

AWAY = "http://127.0.0.1:1/v1/traces"
PATIENCE = 20


def wait_until(holds):
    ends = monotonic() + PATIENCE
    while not holds():
        assert monotonic() < ends, "not within its time"
        sleep(0.02)


def told_of(logs, event):
    return [line for line in logs if line["event"] == event]


@pytest.mark.parametrize("ill", ["away", "answers 500", "slow"])
def test_a_collector_that_does_not_take_spans_stops_nothing(open_site, collector, ill):
    collector.status = 500
    if ill == "slow":
        collector.hold.clear()
    endpoint = AWAY if ill == "away" else collector.endpoint
    site = open_site(traces={"endpoint": endpoint, "timeout_seconds": 0.5})
    site.submit(*(record(number) for number in range(1, 6)))

    with capture_logs() as logs, recording(site.installation.settings.traces):
        site.work()
        wait_until(lambda: told_of(logs, "traces.collector_away"))
        for _ in range(3):
            with ending(TRACES.begin("more")):
                pass
            sleep(0.5)

    assert site.states() == [State.DELIVERED] * 5
    assert len(told_of(logs, "traces.collector_away")) == 1


def test_it_is_told_when_the_collector_is_back(collector):
    collector.status = 400
    settings = TraceSettings(endpoint=collector.endpoint)

    with capture_logs() as logs, recording(settings):
        TRACES.begin("first").end()
        wait_until(lambda: told_of(logs, "traces.collector_away"))
        collector.status = 200
        TRACES.begin("second").end()
        wait_until(lambda: told_of(logs, "traces.collector_back"))

    assert [span.name for span in collector.spans] == ["second"]


def test_spans_that_nobody_takes_are_bounded_in_memory(collector):
    collector.hold.clear()
    settings = TraceSettings(endpoint=collector.endpoint, queue_spans=1_000, batch_spans=100)
    tracemalloc.start()
    try:
        with recording(settings):
            sizes = []
            for _ in range(4):
                for number in range(10_000):
                    TRACES.begin("step", attributes={"lienthong.number": number}).end()
                sizes.append(tracemalloc.get_traced_memory()[0])
            collector.hold.set()
    finally:
        tracemalloc.stop()

    assert max(sizes) < 8_000_000
    assert sizes[-1] < sizes[0] * 1.5


def test_secrets_go_to_the_collector_and_nowhere_else(collector, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", AWAY)
    monkeypatch.setenv("http_proxy", AWAY)
    secret = tmp_path / "headers"
    secret.write_text("# of the collector\nX-Scope: city\n")
    settings = TraceSettings(
        endpoint=collector.endpoint, headers={"Authorization": "Bearer s3cret"}, headers_file=secret
    )

    with recording(settings):
        TRACES.begin("step").end()

    (headers,) = collector.headers
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["X-Scope"] == "city"
    assert "s3cret" not in repr(settings)


def test_log_lines_name_the_span_in_which_they_are_written(open_site, collector):
    site = open_site(traces={"endpoint": collector.endpoint})
    site.submit(record(1))
    process = forked.run(
        [
            *(sys.executable, "-m", "lienthong", "--verbose", "--settings", site.file),
            *("run", "--roles", "expand,deliver", "--until-idle"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    lines = [json.loads(line) for line in process.stderr.splitlines() if line.startswith("{")]
    (expanded,) = told_of(lines, "submission.ended")
    (attempted,) = told_of(lines, "delivery.attempted")
    ids = {(span.trace_id.hex(), span.span_id.hex()) for span in collector.spans}
    assert {(line["trace_id"], line["span_id"]) for line in (expanded, attempted)} <= ids
    assert site.states() == [State.DELIVERED]


def test_a_process_without_traces_imports_nothing_of_them(open_site):
    site = open_site()
    site.submit(record(1))
    script = (
        "import sys\n"
        "from lienthong.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(sorted(m for m in sys.modules if m.startswith(('opentelemetry', 'google.proto'))))\n"
    )
    words = ("--settings", str(site.file), "run", "--roles", "expand,deliver", "--until-idle")

    process = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert process.stdout.splitlines()[-1] == "[]"
    assert site.states() == [State.DELIVERED]
    assert "trace_id" not in process.stderr

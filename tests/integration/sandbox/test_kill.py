"""What the sandbox answered survives `kill -9`."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

from lienthong.channels.port import Outcome
from lienthong.sandbox import read_ledger

SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from lienthong.sandbox import SandboxConfig, serve

ledger, root, key, certificate = map(Path, sys.argv[1:])
serve(
    SandboxConfig(ledger=ledger, trust=(root,), receipt_key=key, receipt_certificate=certificate),
    stop=Event(),
    ready=lambda *urls: print(*urls, flush=True),
    clock=lambda: datetime(2026, 11, 24, 3, 0, tzinfo=UTC),
)
"""


@contextmanager
def killed_at_the_end(config):
    """Run a sandbox as a process of its own, and kill it without a word."""
    files = (config.ledger, *config.trust, config.receipt_key, config.receipt_certificate)
    command = [sys.executable, "-c", SCRIPT, *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url, control_url = process.stdout.readline().split()
        yield SimpleNamespace(url=url, control_url=control_url, config=config)
        process.kill()


def test_what_was_answered_survives_and_a_repeat_gets_the_first_receipt(config, connect, agency):
    requests = [agency.request(n, MaHoSo=f"H29.14-261124-{n:04d}") for n in range(1, 21)]

    with killed_at_the_end(config) as sandbox:
        channel = connect(sandbox)
        answers = [channel.send(request) for request in requests]

    assert {answer.outcome for answer in answers} == {Outcome.DELIVERED}
    ledger = read_ledger(config.ledger)
    assert [effect.message_id for effect in ledger.effects] == [
        request.message_id for request in requests
    ]
    with killed_at_the_end(config) as sandbox:
        again = connect(sandbox).send(requests[7])
    assert again.receipt == answers[7].receipt
    ledger = read_ledger(config.ledger)
    assert (len(ledger.arrivals), len(ledger.effects), ledger.repeats) == (21, 20, 1)

"""What is told late is heard; what is never told is not waited for without end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lienthong.testing.chaos import listening
from lienthong.testing.chaos.listening import Listening


class SlowExchange(Listening):
    """Stands for an exchange that gives its one result after a silence."""

    def _read(self):
        self._over.wait(1.0)
        self.told["r1"] = "a result"
        self._over.wait()


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(listening, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(listening, "PAUSE_SECONDS", 0.05)
    site = SimpleNamespace(amqp_urls=(), wish=SimpleNamespace(name="slow"))
    made = SlowExchange(site)
    made.start()
    return made


def test_a_result_that_is_published_is_waited_for_through_a_silence(slow):
    slow.finish(published=1)

    assert set(slow.told) == {"r1"}


def test_a_result_that_never_comes_ends_the_wait(slow, monkeypatch):
    monkeypatch.setattr(listening, "MISSING_SECONDS", 0.2)

    slow.finish(published=2)

    assert len(slow.told) < 2

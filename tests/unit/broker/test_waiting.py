from __future__ import annotations

from datetime import timedelta

import pytest

from broker.waiting import naps


def test_naps_grow_and_stay_polite():
    first = list(naps(timedelta(seconds=60)))[:8]

    assert first == pytest.approx([0.02, 0.03, 0.045, 0.0675, 0.1, 0.1, 0.1, 0.1])


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.05, 0.5, 3.0])
def test_naps_make_up_the_whole_wait(seconds):
    assert sum(naps(timedelta(seconds=seconds))) == pytest.approx(seconds)


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_wait_no_nap(seconds):
    assert list(naps(timedelta(seconds=seconds))) == []

"""The short form of the crash matrix; `make crash-matrix` is the long one."""

from __future__ import annotations

import pytest

from lienthong.testing import postgresql, rabbitmq
from lienthong.testing.chaos.matrix import SHORT, Scale, prepared

SEED = 1
EFFECTS = 400
PER_SECOND = 20
"""As much as there is time for beside the faults; the long form has as much as there is."""


@pytest.fixture(scope="session")
def ground(tmp_path_factory, need):
    """Give the servers of all chapters; they are killed here, so they are nobody else's."""
    need(is_there=rabbitmq.is_installed(), name="RabbitMQ")
    need(is_there=postgresql.is_installed(), name="PostgreSQL")
    with prepared(tmp_path_factory.mktemp("chaos")) as made:
        yield made


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("chapter", "idempotent"), SHORT, ids=[chapter.name for chapter, _ in SHORT]
)
def test_nothing_is_lost_doubled_out_of_order_or_wrongly_told(chapter, idempotent, ground):
    said = []
    scale = Scale(
        seed=SEED,
        effects=EFFECTS,
        rounds=1,
        idempotent=idempotent,
        per_second=PER_SECOND,
        tell=said.append,
    )
    siege = chapter.besiege(ground, scale)

    assert siege.findings.counts == dict.fromkeys(siege.findings.counts, 0), siege.findings
    assert siege.errors == ()
    assert {fault: struck.missed for fault, struck in siege.struck.items() if struck.missed} == {}
    assert siege.effects == siege.truth.expected >= EFFECTS

"""The store that searches are measured on: it is as full as it says, and answers what is asked."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from lienthong.benchmarks.full_store import fill, wanted
from lienthong.benchmarks.searching import measure, questions, serving, sign_in
from lienthong.settings import ConsoleSettings, Settings, StoreSettings
from lienthong.states import State
from lienthong.store.tables import messages
from lienthong.testing.machine import free_ports
from lienthong.wiring import Installation

COUNT = 900


@pytest.fixture
def installation(make_database, tmp_path):
    url = make_database()
    (port,) = free_ports(1)
    console = ConsoleSettings(port=port, totp_required=False)
    store = StoreSettings(url=url, encrypt=False)
    installation = Installation(Settings(data_dir=tmp_path, store=store, console=console))
    fill(installation.engine, count=COUNT, now=datetime.now(UTC))
    yield installation
    installation.engine.dispose()


def test_what_is_asked_of_a_full_store_is_found_in_it(installation):
    looked_for = wanted(installation.engine, installation.store.vault, count=COUNT)
    with installation.engine.connect() as connection:
        query = select(messages.c.state, func.count()).group_by(messages.c.state)
        states = dict(connection.execute(query).all())
        indexes = text("SELECT count(*) FROM pg_indexes WHERE tablename = 'messages'")
        assert connection.execute(indexes).scalar_one() == 1 + len(messages.indexes)
    assert sum(states.values()) == COUNT
    assert states[State.DELIVERED.value] > 0.9 * COUNT

    known = sign_in(installation)
    with serving(installation, known) as caller:
        headers = {"Authorization": f"Bearer {caller.token}"}
        by_person = caller.pool.request(
            "POST",
            f"{caller.root}/v1/messages/search",
            json={"person": looked_for.people[1]},
            headers=headers,
        ).json()["messages"]
        by_dossier = caller.pool.request(
            "GET",
            f"{caller.root}/v1/messages?dossier={looked_for.dossiers[0]}",
            headers=headers,
        ).json()["messages"]
    assert by_person
    assert len(by_dossier) == 3

    home, *others = questions(looked_for, now=installation.clock())
    assert len(others) > 10
    with serving(installation, known) as caller:
        assert all(caller.ask(asked, number) > 0 for asked in others for number in range(3))
    forgotten = []
    waited = measure(installation, home, known, forget=lambda: forgotten.append(1), rounds=2)
    assert forgotten == [1]
    assert 0 < waited.median <= waited.p95 <= waited.longest
    assert waited.limit == home.limit

"""What is done for every message is found by an index, however many there are."""

import re

import pytest
from sqlalchemy import event

from lienthong.channels.port import Answer, Found, LookUp, Outcome

_WHOLE = re.compile(r"SCAN (?:messages|dossiers|submissions|attempts|repeats)\b(?! USING)")


@pytest.fixture
def statements(store):
    """Give what is asked of an SQLite store from now on."""
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by what stands in its tables")
    found = {}

    def note(_connection, _cursor, statement, parameters, _context, many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            found.setdefault(statement, parameters[0] if many else parameters)

    event.listen(store.engine, "before_cursor_execute", note)
    yield found
    event.remove(store.engine, "before_cursor_execute", note)


def test_no_step_of_a_message_looks_at_all_of_them(exchange, desk, statements):
    exchange.portal.answers.append(Answer(outcome=Outcome.UNKNOWN))
    exchange.portal.look_ups.append(LookUp(found=Found.PRESENT))
    desk.receive("H1,a", "H2,b", key="k1")
    desk.run()
    exchange.step(rounds=6)

    asked = dict(statements)
    assert {state for _, state in exchange.states()} == {"delivered"}
    with exchange.store.engine.connect() as connection:
        plans = {
            statement: connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            for statement, parameters in asked.items()
        }
        slow = {
            statement: rows
            for statement, plan in plans.items()
            if (rows := [row.detail for row in plan if _WHOLE.search(row.detail)])
        }
    assert len(plans) > 10
    assert slow == {}

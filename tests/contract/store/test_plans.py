"""What is done for every message is found by an index, however many there are."""

import re
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import event as events
from sqlalchemy import text

from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.ids import SEPARATOR
from lienthong.store.bulk import insert_rows
from lienthong.store.delivery import Claiming, start
from lienthong.store.sealed import document_context
from lienthong.store.tables import NO_DEADLINE, dossiers, messages
from lienthong.store.work import begin

CLAIMING = Claiming(lease=timedelta(minutes=2), crash_limit=3, grace=timedelta(seconds=1))
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

    events.listen(store.engine, "before_cursor_execute", note)
    yield found
    events.remove(store.engine, "before_cursor_execute", note)


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


RESTING = 2_000
"""Messages that wait for an agency of which nothing is to be taken."""


@pytest.fixture
def crowd(exchange, clock, record, event):
    """Have very much due for one agency that rests, and a little for one that does not."""
    exchange.take(record(1, event("m")))
    rows = []
    for number in range(RESTING + 3):
        agency = "land" if number < RESTING else "health"
        code = f"H{number}"
        sealed = exchange.store.vault.seal(b"x", context=document_context(f"m{number}"))
        rows.append(
            {
                "id": f"m{number}",
                "submission_id": "s1",
                "record": number,
                "item": 0,
                "agency": agency,
                "dossier_code": code,
                "packet": "inbound",
                "sequence": 1,
                "state": "ready",
                "document": sealed if agency == "health" else None,
                "document_digest": sha256(b"x").hexdigest(),
                "place": "{}",
                "mapping": "m@1",
                "deadline": NO_DEADLINE,
                "due_at": clock(),
                "created_at": clock(),
                "updated_at": clock(),
            }
        )
    with begin(exchange.store, at=clock) as work:
        insert_rows(work.connection, messages, rows)
        ledgers = [f"{row['dossier_code']}{SEPARATOR}{row['agency']}" for row in rows]
        named = zip(ledgers, rows, strict=True)
        found = [{"code": code, "agency": row["agency"]} for code, row in named]
        insert_rows(work.connection, dossiers, found)
    with exchange.store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    clock.tick(seconds=5)
    return exchange


def test_no_message_of_an_agency_that_rests_is_looked_at(crowd, clock):
    asked = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT") and "'inbound'" in statement and "due_at" in statement:
            asked.append((statement, parameters))

    engine = crowd.store.engine
    events.listen(engine, "before_cursor_execute", note)
    with begin(crowd.store, at=clock) as work:
        started = start(work, [], backlog={"health": 2}, claiming=CLAIMING)
    events.remove(engine, "before_cursor_execute", note)

    assert [task.agency for task in started.backlog] == ["health", "health"]
    assert started.full == {"health"}
    due = asked[:2]
    is_sqlite = engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    with engine.connect() as connection:
        plans = [
            "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + sql, given))
            for sql, given in due
        ]
    assert len(plans) == 2
    for plan in plans:
        index = "USING INDEX messages_due_inbound" if is_sqlite else "using messages_due_inbound"
        assert re.search(index + r"[^\n]*\s*(?:Index Cond: \(+|\()agency ?=", plan)
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan

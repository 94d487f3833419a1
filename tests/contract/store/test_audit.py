"""The audit log finds every change, wherever it is made."""

import pytest
from sqlalchemy import event, text

from lienthong.store import audit
from lienthong.store.database import reading
from lienthong.store.work import begin

INSERT_BEFORE = (
    "INSERT INTO audit (id, at, actor, action, subject, detail, salt, digest, seal_id) "
    "SELECT -1, at, actor, action, subject, detail, salt, digest, 1 FROM audit WHERE id = 1"
)


@pytest.fixture
def log(store, clock):
    """Write six rows behind the one of the store's first key; the last two are unsealed."""
    for number in range(3):
        with begin(store, at=clock(), actor="an") as work:
            work.note("message.ready", f"m{number}", reason="Đúng hạn")
            work.note("message.sending", f"m{number}")
        if number < 2:
            audit.seal(store.engine, now=clock())
    return store


def verification(store):
    with reading(store) as connection:
        return audit.verify(connection)


def test_an_untouched_log_holds(log):
    found = verification(log)

    assert (found.rows, found.seals, found.unsealed, found.faults) == (7, 2, 2, ())


def test_the_log_is_never_in_memory_as_a_whole(log, monkeypatch):
    monkeypatch.setattr(audit, "AT_ONCE", 2)
    cursors = []

    def note(_connection, cursor, statement, *_rest):
        if statement.startswith(("SELECT audit.id, audit.at", "SELECT seals.")):
            cursors.append(type(cursor).__name__)

    event.listen(log.engine, "after_cursor_execute", note)

    found = verification(log)

    assert (found.rows, found.faults) == (7, ())
    # Any other cursor of psycopg has fetched everything before its first row is read.
    in_parts = "ServerCursor" if log.engine.dialect.name == "postgresql" else "Cursor"
    assert cursors == [in_parts, in_parts]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'other' WHERE id = 2",
        "UPDATE audit SET detail = '[]' WHERE id = 1",
        "UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 3",
        "DELETE FROM audit WHERE id = 2",
        "DELETE FROM audit WHERE id = 1",
        "UPDATE audit SET id = 99 WHERE id = 1",
        "UPDATE audit SET seal_id = 2 WHERE id = 1",
        "UPDATE audit SET seal_id = NULL WHERE id = 1",
        "UPDATE audit SET seal_id = 9 WHERE id = 6",
        "DELETE FROM seals WHERE id = 1",
        "UPDATE seals SET hash = CAST('00' AS {blob}) WHERE id = 1",
        "UPDATE seals SET previous = CAST('01' AS {blob}) WHERE id = 2",
        INSERT_BEFORE,
    ],
    ids=[
        "actor",
        "detail",
        "time",
        "row deleted",
        "first row deleted",
        "row moved",
        "row in another seal",
        "row unsealed",
        "row in a seal that is not there",
        "seal deleted",
        "seal changed",
        "link changed",
        "row inserted before",
    ],
)
def test_a_change_behind_our_back_is_found(log, change):
    with log.engine.begin() as connection:
        blob = "bytea" if log.engine.dialect.name == "postgresql" else "blob"
        connection.execute(text(change.format(blob=blob)))

    assert verification(log).faults


def test_a_step_that_fails_leaves_no_row(store, clock):
    before = verification(store).rows

    def step():
        with begin(store, at=clock()) as work:
            work.note("message.ready", "m1")
            raise LookupError

    with pytest.raises(LookupError):
        step()

    assert verification(store).rows == before

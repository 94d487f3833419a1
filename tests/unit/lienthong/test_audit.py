"""The audit log finds every change, wherever it is made."""

import pytest
from sqlalchemy import text

from lienthong.store import audit
from lienthong.store.database import reading
from lienthong.store.work import begin

INSERT_BEFORE = (
    "INSERT INTO audit (id, at, actor, action, subject, detail, salt, digest) "
    "SELECT -1, at, actor, action, subject, detail, salt, digest FROM audit WHERE id = 1"
)


@pytest.fixture
def log(engine, clock):
    """Write six rows, sealed two and two, the last two unsealed."""
    for number in range(3):
        with begin(engine, at=clock(), actor="an") as work:
            work.note("message.ready", f"m{number}", reason="Đúng hạn")
            work.note("message.sending", f"m{number}")
        if number < 2:
            audit.seal(engine, now=clock())
    return engine


def verification(engine):
    with reading(engine) as connection:
        return audit.verify(connection)


def test_an_untouched_log_holds(log):
    found = verification(log)

    assert (found.rows, found.seals, found.unsealed, found.faults) == (6, 2, 2, ())


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'other' WHERE id = 2",
        "UPDATE audit SET detail = '{}' WHERE id = 1",
        "UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 3",
        "DELETE FROM audit WHERE id = 2",
        "DELETE FROM audit WHERE id = 1",
        "UPDATE audit SET id = 99 WHERE id = 1",
        "DELETE FROM seals WHERE id = 1",
        "UPDATE seals SET hash = x'00' WHERE id = 1",
        "UPDATE seals SET previous = x'01' WHERE id = 2",
        INSERT_BEFORE,
    ],
    ids=[
        "actor",
        "detail",
        "time",
        "row deleted",
        "first row deleted",
        "row moved",
        "seal deleted",
        "seal changed",
        "link changed",
        "row inserted before",
    ],
)
def test_a_change_behind_our_back_is_found(log, change):
    with log.begin() as connection:
        connection.execute(text(change))

    assert verification(log).faults


def test_a_step_that_fails_leaves_no_row(engine, clock):
    def step():
        with begin(engine, at=clock()) as work:
            work.note("message.ready", "m1")
            raise LookupError

    with pytest.raises(LookupError):
        step()

    assert verification(engine).rows == 0

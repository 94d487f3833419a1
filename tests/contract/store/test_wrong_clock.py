"""A machine whose clock is wrong by years, beside a store that has a clock of its own."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from lienthong.attachments.blobs import FolderBlobs
from lienthong.channels.port import Found, LookUp
from lienthong.discrepancies import Kind
from lienthong.flows.retain import PayloadClass, retain
from lienthong.flows.sweep_files import sweep_leavings
from lienthong.proving import Proving
from lienthong.reaching import Reaching
from lienthong.store.database import reading
from lienthong.store.submission_receipts import read_receipts
from lienthong.store.tables import messages, seals, submissions
from lienthong.store.work import StoreTime
from lienthong.testing.evidence_site import QuietSite, SigningPortal, land_rows

WRONG = timedelta(days=3650)


@pytest.fixture
def site(make_database, tmp_path):
    """Give an installation that has delivered a dossier, with a clock that is years ahead."""
    made = QuietSite(
        tmp_path, store_url=make_database(tables=True), now=datetime.now(UTC) + timedelta(days=300)
    )
    head, row, *_ = land_rows(tmp_path, size_bytes=1_500).split(b"\r\n")
    made.hand_in(b"\r\n".join((head, row, b"")))
    yield made
    made.engine.dispose()


def is_now(moment):
    return abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


def test_the_store_is_asked_for_the_time_now_and_then_and_seconds_count_between(site):
    passed, asked = 50.0, []
    time = StoreTime(lambda: site.store, clock=site.clock, steady=lambda: passed)
    event.listen(site.engine, "begin", lambda _connection: asked.append(1))

    first = time()
    assert is_now(first)
    passed += 9
    assert time() - first == timedelta(seconds=9)
    assert len(asked) == 1
    passed += 1
    assert is_now(time())
    assert len(asked) == 2


def test_nothing_is_erased_early(site):
    ages = dict.fromkeys(PayloadClass, timedelta(days=30))

    def erased(wrong):
        done = retain(
            site.store, ages=ages, unqueued=(), clock=lambda: site.clock() + wrong, apply=True
        )
        return sum(line.erased for line in done)

    assert erased(WRONG) == 0
    ages = dict.fromkeys(PayloadClass, timedelta(0))
    assert erased(-WRONG) > 0


@pytest.mark.parametrize("wrong", [WRONG, -WRONG], ids=["ahead", "behind"])
def test_no_file_that_is_being_fetched_is_removed(site, tmp_path, wrong):
    blobs = FolderBlobs(tmp_path / "files")
    blobs.write("ab" * 16, [b"on its way"])

    removed = sweep_leavings(site.store, blobs, clock=lambda: datetime.now(UTC) + wrong)

    assert (removed, list(blobs.names(before=datetime.now(UTC).timestamp() + 60))) == (
        0,
        ["ab" * 16],
    )


def test_receipts_and_seals_state_the_time_of_the_store(site):
    with reading(site.store) as connection:
        submission = connection.execute(select(submissions.c.id)).scalar_one()
        receipts = read_receipts(connection, submission, vault=site.store.vault)
        sealed = connection.execute(select(seals.c.at)).scalars().all()
    signed = [
        datetime.fromisoformat(moment)
        for receipt in receipts
        for moment in re.findall(r"SigningTime>([^<]+)<", receipt.document.decode())
    ]

    assert len(signed) == len(receipts) > 0
    assert sealed
    assert all(is_now(moment) for moment in [*signed, *sealed])


def test_what_was_just_delivered_is_not_said_to_be_missing(site, monkeypatch):
    """Who sends again what is said to be missing could have it twice at the portal."""
    monkeypatch.setattr(SigningPortal, "look_up", lambda *_, **_more: LookUp(found=Found.ABSENT))
    monkeypatch.setattr(Reaching, "_open_channel", lambda _: SigningPortal(None))
    with reading(site.store) as connection:
        code = connection.execute(select(messages.c.dossier_code)).scalar_one()

    with Reaching(site).open_portal_view(wait=lambda _seconds: False) as view:
        says = view.ask(code, agency="land-registration")

    assert (says.found, says.discrepancy.kind) == (Found.ABSENT, Kind.UNPROVEN)


def test_the_log_that_was_sealed_holds(site):
    with reading(site.store) as connection:
        assert Proving(site).check_log(connection).faults == []

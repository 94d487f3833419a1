"""Our own evidence, checked again and again, under somebody who changes the store meanwhile."""

from dataclasses import asdict
from datetime import timedelta
from random import Random
from shutil import copytree

import pytest
from sqlalchemy import select, update

from lienthong.cli import main
from lienthong.doctor import State, examine
from lienthong.evidence.alarms import Alarm, open_alarms
from lienthong.evidence.reverifying import Pace, Reverifier, Roots
from lienthong.proving import Proving
from lienthong.store.database import reading
from lienthong.store.sealed import document_context
from lienthong.store.tables import audit, messages, seals
from lienthong.store.work import begin
from lienthong.testing.evidence_site import MADE_AT, QuietSite, land_rows
from schemas.errors import ConfigError

SEALS = 30


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Give the folder of an installation with one delivered dossier and thirty seals, and when."""
    folder = tmp_path_factory.mktemp("made")
    site = QuietSite(folder)
    head, row, *_ = land_rows(folder, size_bytes=1_000).split(b"\r\n")
    site.hand_in(b"\r\n".join((head, row, b"")))
    for number in range(SEALS - 1):
        with begin(site.store, at=site.clock) as work:
            work.note("test.done", f"t{number}")
        Proving(site).make_sealer().step()
    site.store.dispose()
    return folder, site.clock()


@pytest.fixture
def site(made, tmp_path):
    """Give an installation of the test's own, as it was made."""
    folder, now = made
    copytree(folder, tmp_path, dirs_exist_ok=True)
    return QuietSite(tmp_path, now=now)


class Watch:
    """A clock that only tests move, and what is checked by it."""

    def __init__(self, site, *, sample=timedelta(days=365)):
        # The beginning of a period of a day.
        self.now = MADE_AT + timedelta(hours=16)
        self.site = site
        self.reverifier = Reverifier(
            site.store,
            packer=Proving(site).make_packer(),
            policy=site.keyring.policy,
            roots=lambda: Roots(documents=site.keyring.policy().trust_anchors),
            pace=Pace(period=timedelta(days=1), sample=sample),
            clock=lambda: self.now,
            random=Random(1),
            steady=self.steady,
        )

    def steady(self):
        return self.now.timestamp()

    def pass_a_day(self):
        """Let a day pass, hour by hour; return how much was checked."""
        done = 0
        for _ in range(24):
            self.now += timedelta(hours=1)
            done += self.reverifier.step()
        return done

    def alarms(self):
        with reading(self.site.store) as connection:
            return open_alarms(connection)


def change(site, statement):
    with site.store.engine.begin() as connection:
        connection.execute(statement)


def row_of(site, seal):
    query = select(audit.c.id, audit.c.actor).where(audit.c.seal_id == seal).limit(1)
    with reading(site.store) as connection:
        return connection.execute(query).one()


def test_every_seal_is_checked_in_a_period_and_nothing_is_wrong(site):
    watch = Watch(site)
    watch.pass_a_day()

    checked = watch.pass_a_day()

    assert (checked, watch.alarms()) == (SEALS, [])


def test_a_row_that_was_changed_is_an_alarm_once_and_until_it_is_right_again(site, monkeypatch):
    watch = Watch(site)
    row = row_of(site, 17)
    change(site, update(audit).where(audit.c.id == row.id).values(actor="other"))

    watch.pass_a_day()
    watch.pass_a_day()

    alarm = Alarm(code="row.changed", row=row.id, seal=17)
    assert watch.alarms() == [alarm]
    with reading(site.store) as connection:
        query = select(audit.c.id).where(audit.c.action == "evidence.fault_found")
        assert len(connection.execute(query).all()) == 1
    assert_is_told(site, alarm, monkeypatch)

    change(site, update(audit).where(audit.c.id == row.id).values(actor=row.actor))
    watch.pass_a_day()
    watch.pass_a_day()

    assert watch.alarms() == []


def test_a_time_stamp_that_somebody_put_in_is_an_alarm(site):
    watch = Watch(site)
    change(site, update(seals).where(seals.c.id == 9).values(stamp=b"garbage"))
    watch.pass_a_day()
    watch.pass_a_day()

    assert Alarm(code="seal.stamp_wrong", seal=9) in watch.alarms()


def assert_is_told(site, alarm, monkeypatch):
    findings = [one for one in examine(site) if one.name.en == "Evidence"]
    assert [one.state for one in findings] == [State.FAULT]
    assert str(alarm) in findings[0].found.en
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(site.settings.keys_dir))
    printed = []
    monkeypatch.setattr("sys.stdout.write", printed.append)
    with pytest.raises(SystemExit):
        main(["--data-dir", str(site.settings.data_dir), "status", "--json"])
    assert '"alarms": [' in "".join(printed)
    assert str(asdict(alarm)["row"]) in "".join(printed)


def test_a_document_that_was_changed_is_found_by_its_pack(site):
    watch = Watch(site, sample=timedelta(hours=4))
    with reading(site.store) as connection:
        row = connection.execute(select(messages.c.id, messages.c.document)).one()
    forged = site.store.vault.seal(b"<BanTin/>", context=document_context(row.id))
    change(site, update(messages).values(document=forged))

    watch.pass_a_day()

    assert watch.alarms() == [Alarm(code="document.changed", message=row.id)]
    change(site, update(messages).values(document=row.document))
    watch.pass_a_day()
    assert watch.alarms() == []


def test_one_that_begins_in_the_middle_of_a_period_begins_there(site):
    watch = Watch(site)
    watch.now += timedelta(hours=12)

    # The sample, and the one seal that is due now.
    assert watch.reverifier.step() == 2


def test_a_key_that_cannot_sign_stops_nothing(site):
    watch = Watch(site, sample=timedelta(hours=4))
    (site.keyring.folder / "operator.key.pem").unlink()

    watch.pass_a_day()

    assert watch.alarms() == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE seals SET body = '{}' WHERE id = 2",
        "UPDATE seals SET body = 7 WHERE id = 3",
        "UPDATE audit SET at = 'garbage' WHERE seal_id = 1",
        "UPDATE audit SET salt = 'text' WHERE seal_id = 1",
        "UPDATE audit SET subject = 'evidence', action = 'evidence.fault_gone', detail = '[1]'",
        "UPDATE attempts SET started_at = 'garbage'",
        "UPDATE messages SET updated_at = 'garbage'",
        "UPDATE messages SET document = 5",
        "UPDATE messages SET proof = 'x'",
        "UPDATE seal_signers SET certificates = 'x'",
        "UPDATE receipts SET document = 5",
        "UPDATE submission_receipts SET document = 5",
    ],
)
def test_nothing_that_somebody_writes_to_the_store_ends_the_check(site, damage):
    """The role runs beside the delivery of dossiers, in one process."""
    watch = Watch(site, sample=timedelta(hours=4))
    with site.store.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql(damage)

    watch.pass_a_day()
    watch.pass_a_day()

    assert watch.alarms() != []


def test_while_no_root_is_pinned_nothing_is_checked_and_nothing_ends(site):
    """The role is on by default, and shares its process with those that deliver."""

    def nobody():
        raise ConfigError("no root is pinned", code="keys.no_trust")

    round_ = Reverifier(
        site.store,
        packer=Proving(site).make_packer(),
        policy=nobody,
        roots=Roots,
        pace=Pace(period=timedelta(seconds=1), sample=timedelta(days=365)),
        clock=lambda: MADE_AT + timedelta(milliseconds=990),
        random=Random(1),
    )

    assert round_.step() == 0

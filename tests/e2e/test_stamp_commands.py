"""The audit log and a time-stamp authority, as an operator and an auditor use them."""

import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.samples import generate_large_csv
from lienthong.testing.authority import Authority, Mood, served
from signing import load_pem

LAND = ("--agency", "land-registration")
USER, PASSWORD = "lienthong", "a password of the tests"


@pytest.fixture
def authority(site):
    folder = site.cli.folder / "keys"
    key = load_pem(folder / "timestamps.key.pem", folder / "timestamps.cert.pem", passphrase=None)
    return Authority(key=key, clock=lambda: datetime.now(UTC), credentials=(USER, PASSWORD))


@pytest.fixture
def worked(site, authority):
    """Give an installation that has delivered a few dossiers, with an authority that is up."""
    with served(authority) as url, (site.cli.folder / "lienthong.toml").open("a") as settings:
        settings.write(
            f'[audit]\ntimestamp_url = "{url}"\ntimestamp_user = "{USER}"\n'
            f'timestamp_password = "{PASSWORD}"\n'
        )
        settings.flush()
        generate_large_csv(site.cli.folder / "few.csv", size_bytes=2_000)
        assert site.cli("submit", "few.csv", *LAND).code == 0
        yield site.cli


def test_a_time_stamp_is_asked_for_shown_and_proves(worked, authority):
    assert worked("run", "--until-idle").code == 0
    assert worked("audit", "seal").code == 0
    stamped = worked("audit", "stamp")

    assert (stamped.code, "Development time-stamps" in stamped.out) == (0, True)
    found = worked("audit", "verify", "--json").json
    assert (found["faults"], found["stamps"] > 0) == ([], True)
    at = datetime.fromisoformat(found["proven"]["at"])
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=2)
    words = worked("audit", "verify").out
    assert "Time-stamp of Development time-stamps: seals 1 to" in words
    assert "Dấu thời gian của Development" in worked("audit", "verify", lang="vi").out


def test_an_authority_that_is_away_stops_nothing_and_is_counted_down(worked, authority):
    authority.mood = Mood.BROKEN
    assert worked("run", "--until-idle").code == 0

    assert worked("audit", "verify", "--json").json["faults"] == []
    failed = worked("audit", "stamp")
    assert (failed.code, "HTTP 500" in failed.err) == (1, True)
    for words in (
        failed.out,
        worked("status").out,
        worked("audit", "seal").out,
        worked("doctor").out,
    ):
        assert "Without time-stamp since" in words
    assert "Chưa có dấu thời gian từ" in worked("status", lang="vi").out
    lack = worked("status", "--json").json["time_stamps"]
    assert (lack["state"], lack["rows"] > 0) == ("usual", True)
    assert PASSWORD not in failed.out + failed.err

    authority.mood = Mood.WELL
    assert worked("audit", "stamp").code == 0
    assert worked("audit", "verify", "--json").json["proven"]["seal"] > 0


def test_without_a_root_that_is_pinned_for_them_none_is_believed(worked):
    (worked.folder / "keys" / "trust-timestamp" / "development.cert.pem").unlink()
    assert worked("run", "--until-idle").code == 0

    failed = worked("audit", "stamp")

    assert (failed.code, "no root is pinned for time-stamps" in failed.err) == (1, True)
    assert worked("doctor").code == 2


def test_a_time_stamp_of_the_log_can_be_checked_with_openssl(worked, tmp_path):
    assert worked("run", "--until-idle").code == 0
    worked("audit", "seal")
    worked("audit", "stamp")
    with sqlite3.connect(worked.folder / "data" / "store.sqlite") as store:
        query = "SELECT digest, stamp FROM seals WHERE stamp IS NOT NULL ORDER BY id DESC"
        digest, token = store.execute(query).fetchone()
    store.close()
    (tmp_path / "token").write_bytes(token)

    done = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token",
         "-digest", digest.hex(), "-CAfile", worked.folder / "keys" / "root.cert.pem"],
        capture_output=True, check=False, timeout=30,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_settings_that_do_not_fit_are_told_together(site):
    with (site.cli.folder / "lienthong.toml").open("a") as settings:
        settings.write('[audit]\ntimestamp_url = "ftp://tsa"\n[signing]\nsecond_check_every = 0\n')

    told = site.cli("status")

    assert told.code == 2
    assert "no address" in told.err
    assert "second_check_every" in told.err

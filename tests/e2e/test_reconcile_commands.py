"""Agency, store and portal compared, with a real portal that has lost and spoilt dossiers."""

import csv
import json
import signal
import sqlite3
import time

import pytest

from lienthong.sandbox import (
    corrupt_dossiers,
    delete_dossiers,
    double_progress,
    read_ledger,
    set_back_dossiers,
)

LAND = "land-registration"
QUICK = '[reconcile]\nat = "00:00"\nrate = 1000\nagain_seconds = 0\n'


def forget_waiting(site):
    """Let what counts as a moment ago be over."""
    settings = site.cli.folder / "lienthong.toml"
    text = settings.read_text().replace("[target]\n", f"{QUICK}[target]\n")
    text = "\n".join(line for line in text.splitlines() if "quiet_period" not in line)
    settings.write_text(f"{text}\nquiet_period_seconds = 0\n")


@pytest.fixture(scope="module")
def delivered_once(site_in, sample_set, tmp_path_factory):
    """Deliver six agencies' files to a portal that works; return where."""
    folder = tmp_path_factory.mktemp("delivered")
    with site_in(folder) as site:
        forget_waiting(site)
        for sample in sample_set.files:
            assert site.cli("submit", sample.path, "--agency", sample.agency).code == 0
        assert site.cli("run", "--roles", "expand,deliver", "--until-idle").code == 0
    return folder


@pytest.fixture
def delivered(site_in, delivered_once, tmp_path):
    """Give a site of the test's own with the same, at the portal, too."""
    with site_in(tmp_path, like=delivered_once) as site:
        forget_waiting(site)
        yield site


def codes(site):
    return sorted(read_ledger(site.ledger).latest_snapshots)


def found(result):
    return {(one["kind"], one["dossier"]) for one in result.json["findings"]}


def test_deleted_and_spoilt_dossiers_are_named_and_nothing_else(delivered):
    site = delivered
    every = codes(site)
    assert len(every) >= 100
    half = len(every) // 2
    deleted, spoilt = set(every[:50]), set(every[half : half + 50])
    assert not deleted & spoilt
    before = site.cli("reconcile", "--json")
    assert before.json["agrees"] is ({"waiting"} >= {kind for kind, _ in found(before)})
    waiting = {one for one in found(before) if one[0] == "waiting"}
    delete_dossiers(site.ledger, deleted)
    corrupt_dossiers(site.ledger, spoilt)

    result = site.cli("reconcile", "--json", "--csv", "found.csv", "--html", "found.html")

    assert result.code == 1, result.err
    expected = {("missing", code) for code in deleted} | {("different", code) for code in spoilt}
    assert found(result) == expected | waiting
    for one in result.json["findings"]:
        if one["kind"] == "different":
            assert {each["field"] for each in one["fields"]} >= {"GiaTriBam"}
        assert one["next"]
    with (site.cli.folder / "found.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["kind"], row["dossier"]) for row in rows} == found(result)
    page = (site.cli.folder / "found.html").read_text(encoding="utf-8")
    assert all(code in page for code in deleted | spoilt)
    assert site.cli("audit", "verify").code == 0

    looked = site.cli("reconcile", "--resume", "--send-missing", "--dry-run")
    wrong = site.cli("reconcile", "--resume", "--send-missing", "-r", "x", "--expect", 3, "--yes")
    assert "50 are proven missing" in looked.err
    assert wrong.code == 2
    sent = site.cli("reconcile", "--resume", "--send-missing", "-r", "lost", "--yes")
    assert "50 will go again" in sent.err, sent.err
    assert site.cli("run", "--roles", "deliver", "--until-idle").code == 0
    after = site.cli("reconcile", "--json")
    assert found(after) == {("different", code) for code in spoilt} | waiting
    assert site.cli("audit", "verify").code == 0


def test_an_older_snapshot_and_a_doubled_progress_row_are_told_apart(delivered):
    site = delivered
    with sqlite3.connect(site.ledger) as ledger:
        twice = "SELECT dossier_code FROM effects WHERE packet = ? GROUP BY 1 HAVING count(*) > ?"
        updated = ledger.execute(twice, ("DongBoHoSoMC", 1)).fetchall()
        progressed = ledger.execute(twice, ("CapNhatTienDoHoSoMC", 0)).fetchall()
    stale = [code for (code,) in updated][:1]
    doubled = [code for (code,) in progressed if code not in stale][:1]
    set_back_dossiers(site.ledger, stale)
    double_progress(site.ledger, doubled)

    result = site.cli("reconcile", "--json")

    expected = {("stale", code) for code in stale} | {("doubled", code) for code in doubled}
    assert expected
    assert {one for one in found(result) if one[0] != "waiting"} == expected


def test_an_agencys_own_list_is_compared_and_nothing_of_it_is_sent(delivered, sample_set):
    site = delivered
    path = sample_set.of(LAND).path
    arrivals = len(read_ledger(site.ledger).arrivals_by_message)

    same = site.cli("reconcile", "--against", path, "--agency", LAND, "--json")

    assert same.json["list_sha256"]
    assert not {kind for kind, _ in found(same)} & {"outdated", "not_received", "missing"}

    listed = site.cli("messages", "list", "--agency", LAND, "--state", "delivered", "--json").json
    code = next(m["dossier"].encode() for m in listed if m["dossier"].encode() in path.read_bytes())
    other = code[:-4] + b"9876"
    more = site.cli.folder / "more.csv"
    more.write_bytes(path.read_bytes().replace(code, other))
    changed = site.cli("reconcile", "--against", more, "--agency", LAND, "--json")
    assert ("not_received", other.decode()) in found(changed)
    assert len(read_ledger(site.ledger).arrivals_by_message) == arrivals


def test_what_is_wrong_with_the_call_is_said_before_anything_is_asked(site):
    assert site.cli("reconcile", "--send-missing").code == 2
    assert site.cli("reconcile", "--against", "a.csv").code == 2
    assert site.cli("reconcile", "--agency", "nobody").code == 2
    assert site.cli("reconcile", "--against", "gone.csv", "--agency", LAND).code == 2
    (site.cli.folder / "folder.csv").mkdir()
    assert site.cli("reconcile", "--csv", "folder.csv").code == 2
    assert [a for a in read_ledger(site.ledger).arrivals if a.outcome == "looked_up"] == []


def test_one_dossiers_timeline_tells_of_the_loss(delivered):
    site = delivered
    code = codes(site)[0]
    delete_dossiers(site.ledger, [code])
    sent = site.cli("reconcile", "--send-missing", "-r", "mất ở Cổng", "--yes")
    assert "1 will go again" in sent.err, sent.err
    assert site.cli("run", "--roles", "deliver", "--until-idle").code == 0

    told = site.cli("dossier", code, "--json")

    assert told.code == 0
    assert [s["detail"] for s in told.json["steps"] if s["detail"] == "mất ở Cổng"]
    assert told.json["acknowledged"] is True
    assert json.dumps(told.json)
    assert site.cli("dossier", code, lang="vi").code == 0


def test_each_day_it_is_compared_by_itself_and_the_result_is_an_alarm(delivered):
    site = delivered
    code = codes(site)[-1]
    delete_dossiers(site.ledger, [code])
    worker = site.cli.start("run", "--roles", "reconcile")

    deadline = time.monotonic() + 90
    while not (results := site.cli("status", "--json").json["reconciliation"]):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    worker.stdout.close()

    assert [one["counts"]["missing"] for one in results] == [1]
    assert results[0]["started_by"] == "lienthong"
    assert "ALARM" in site.cli("status").out
    assert "missing at the portal: 1" in site.cli("doctor").out


def looked_up(site):
    asked = [a for a in read_ledger(site.ledger).arrivals if a.outcome == "looked_up"]
    return [arrival.dossier_code for arrival in asked]


def test_a_comparison_that_was_killed_goes_on_and_asks_little_twice(delivered):
    site = delivered
    every = codes(site)
    lost = [every[0], every[-1]]
    delete_dossiers(site.ledger, lost)
    before = len(looked_up(site))
    process = site.cli.start("reconcile", "--rate", "6", "--json")
    deadline = time.monotonic() + 60
    while len(looked_up(site)) - before < 45:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.kill()
    process.wait(30)
    process.stdout.close()
    assert site.cli("reconcile", "--resume").code == 1  # its lease has not ended
    with sqlite3.connect(site.cli.folder / "data" / "store.sqlite") as store:
        store.execute("UPDATE reconciliations SET lease_until = NULL")
        (kept,) = store.execute("SELECT compared FROM reconciliations").fetchone()
    assert 0 < kept < len(every)

    result = site.cli("reconcile", "--resume", "--json")

    assert {one for one in found(result) if one[0] != "waiting"} == {
        ("missing", code) for code in lost
    }
    asked = looked_up(site)[before:]
    assert set(asked) >= set(every)
    # What was asked in the seconds before the kill, and the lost ones once more.
    assert len(asked) <= len(every) + 6 * 8 + len(lost)

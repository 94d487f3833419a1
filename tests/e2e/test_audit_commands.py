"""The audit log as an auditor uses it: verify, search, export, erase, print, and a witness."""

import json
import shutil
import signal
import sqlite3
from hashlib import sha256

import pytest

from lienthong.samples import generate_large_csv

LAND = ("--agency", "land-registration")


@pytest.fixture(scope="module")
def worked_once(site_in, tmp_path_factory):
    """Deliver a few dossiers; return where."""
    folder = tmp_path_factory.mktemp("worked")
    with site_in(folder) as site:
        generate_large_csv(folder / "few.csv", size_bytes=2_000)
        assert site.cli("submit", "few.csv", *LAND).code == 0
        assert site.cli("run", "--until-idle").code == 0
    return folder


@pytest.fixture
def worked(site_in, worked_once, tmp_path):
    """Give an installation of the test's own that has done so."""
    with site_in(tmp_path, like=worked_once) as site:
        yield site.cli


def database(cli):
    return cli.folder / "data" / "store.sqlite"


def dossier_of(cli):
    return cli("messages", "list", "--json").json[0]["dossier"]


def test_what_a_run_did_is_sealed_when_it_ends_and_its_witness_knows(worked):
    found = worked("audit", "verify", "--json").json

    assert (found["faults"], found["unsealed"], found["seals"] > 0) == ([], 0, True)
    [witness] = found["witnesses"]
    assert (witness["newest"], witness["trouble"]) == (found["seals"], None)
    assert "Nothing was changed" in worked("audit", "verify", lang="en").out


def test_a_store_that_is_put_back_to_an_old_backup_is_told(worked):
    backup = worked.folder / "backup.sqlite"
    with sqlite3.connect(database(worked)) as store, sqlite3.connect(backup) as copy:
        store.backup(copy)
    generate_large_csv(worked.folder / "more.csv", size_bytes=3_000, seed=2)
    assert worked("submit", "more.csv", *LAND).code == 0
    assert worked("run", "--until-idle").code == 0
    for left in database(worked).parent.glob("store.sqlite*"):
        left.unlink()
    shutil.copy(backup, database(worked))

    found = worked("audit", "verify", "--json")

    assert found.code == 1
    assert {fault["code"] for fault in found.json["faults"]} == {"log.cut_off"}
    sealing = worked("audit", "seal", lang="en")
    assert worked("audit", "verify").code == 1
    assert sealing.code in (0, 1)


def test_rows_are_found_by_dossier_actor_event_and_time(worked):
    dossier = dossier_of(worked)

    of_dossier = worked("audit", "search", "--dossier", dossier, "--json").json
    actions = {line["action"] for line in of_dossier}
    assert {"message.delivered", "submission.received"} <= actions
    delivered = worked("audit", "search", "--event", "message.delivered", "--json").json
    assert {line["action"] for line in delivered} == {"message.delivered"}
    assert worked("audit", "search", "--actor", "nobody", "--json").json == []
    assert worked("audit", "search", "--until", "2020-01-01", "--json").json == []
    limited = worked("audit", "search", "--limit", "2", lang="en")
    assert len(limited.out.splitlines()) == 2
    assert "There are more" in limited.err


def test_what_was_in_use_and_who_looked_is_in_the_log(worked):
    def search(event):
        return worked("audit", "search", "--event", event, "--json").json

    used = {line["subject"]: line["detail"] for line in search("mapping.used")}
    listed = {one["name"]: one for one in worked("mapping", "list", "--json").json}
    assert used["land-registration"]["sha256"] == listed["land-registration"]["sha256"]
    assert used.keys() == listed.keys()
    assert len(search("settings.used")) == 1
    [message, *_] = worked("messages", "list", "--json").json
    assert worked("messages", "show", message["id"]).code == 0
    [viewed] = search("message.viewed")
    assert (viewed["subject"], bool(viewed["actor"])) == (message["id"], True)


def test_an_export_can_be_checked_by_whoever_has_nothing_but_it(worked):
    assert worked("audit", "export", "--out", "log.jsonl").code == 0
    lines = [json.loads(line) for line in (worked.folder / "log.jsonl").read_text().splitlines()]

    assert list(lines[0]) == ["signer", "certificates"]
    rows = [line for line in lines if "row" in line]
    for row in rows:
        of_detail = sha256(bytes.fromhex(row["salt"]) + row["detail"].encode()).digest()
        head = json.dumps(
            [row["at"], row["actor"], row["action"], row["subject"]],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        assert sha256(head.encode() + of_detail).hexdigest() == row["digest"]
    sealed = [json.loads(line["seal"]) for line in lines if "seal" in line]
    assert sum(seal["entries"] for seal in sealed) == len(rows)
    assert worked("audit", "export").out == (worked.folder / "log.jsonl").read_text()


def test_details_are_erased_with_the_proof_kept_and_the_erasure_told(worked):
    dossier = dossier_of(worked)
    reason = ("--reason", "decision 12")
    assert worked("audit", "erase", *reason).code == 2
    told = worked("audit", "erase", "--dossier", dossier, *reason, "--dry-run", lang="en").out

    assert worked("audit", "erase", "--dossier", dossier, *reason).code == 0

    found = worked("audit", "verify", "--json").json
    assert (found["faults"], f"{found['erased']} details would go" in told) == ([], True)
    lines = worked("audit", "search", "--dossier", dossier, "--json").json
    assert [line["detail"] for line in lines if line["action"] == "message.delivered"] == [None]
    [erasure] = worked("audit", "search", "--event", "audit.erased", "--json").json
    assert erasure["detail"]["reason"] == "decision 12"


def test_a_printed_seal_tells_a_log_that_lacks_it(worked):
    assert worked("audit", "print", "--out", "seal.html").code == 0
    page = (worked.folder / "seal.html").read_text()
    printed = page.partition('--printed "')[2].partition('"')[0]

    assert worked("audit", "verify", "--printed", printed).code == 0
    number, _, digest = printed.partition(":")
    other = f"{number}:{digest[:-1]}{'0' if digest[-1] != '0' else '1'}"
    assert worked("audit", "verify", "--printed", other).code == 1
    assert worked("audit", "verify", "--printed", "nonsense").code == 2


def test_a_witness_on_another_machine_is_told_and_asked(worked):
    cli, folder = worked, worked.folder
    assert cli("audit", "witness", "elsewhere").code == 2
    token = "0123456789abcdef0123456789abcdef"
    (folder / "token").write_text(token)
    words = ("elsewhere", "--port", "0", "--token-file", "token")
    witness = cli.start("audit", "witness", *words, log="witness.log")
    try:
        url = witness.stdout.readline().strip()
        with (folder / "lienthong.toml").open("a") as settings:
            settings.write(f'[audit]\nwitnesses = ["{url}"]\nwitness_token = "{token}"\n')

        assert cli("audit", "seal").code == 0

        [found] = cli("audit", "verify", "--json").json["witnesses"]
        assert (found["name"], found["seals"], found["trouble"]) == (url, 1, None)
        with sqlite3.connect(database(cli)) as store:
            store.execute("DELETE FROM seals")
            store.execute("UPDATE audit SET seal_id = NULL")
        store.close()
        sealing = cli("audit", "seal", lang="vi")
        assert (sealing.code, "đã bị đưa về bản cũ" in sealing.err) == (1, True)
        assert cli("audit", "verify").code == 1
    finally:
        witness.send_signal(signal.SIGTERM)
        witness.wait(10)
        witness.stdout.close()
    gone = cli("audit", "verify", "--json", "--witness", url)
    assert gone.json["witnesses"][0]["trouble"]
    assert token not in gone.out + gone.err + (folder / "witness.log").read_text()

"""Files go the whole way over the JSON adapter; nothing is lost or doubled when answers are."""

import json
import re
import time

import pytest
import urllib3

from lienthong.samples import generate_large_csv
from lienthong.sandbox import read_ledger
from tests.contract.peers import answering, http, peer

PASSWORD = "mat-khau-rat-bi-mat"
LAND = ("--agency", "land-registration")


@pytest.fixture
def portal(cli):
    """A sandbox, and settings that fit its JSON side; the login is the sandbox's."""
    keys = cli.folder / "keys"
    assert cli("--data-dir", "data", "keys", "make", "--out", "keys").code == 0
    (cli.folder / "lienthong.toml").write_text(f'keys_dir = "{keys}"\n')
    words = ("--data-dir", "portal", "sandbox", "portal", "--port", 0, "--json")
    process = cli.start(*words, "--channel", "dvcqg-json", log="portal.log")
    ready = json.loads(process.stdout.readline())
    write_settings(cli, ready["target"])
    yield ready
    process.kill()
    process.wait()
    process.stdout.close()


def write_settings(cli, target, **changes):
    """Write the settings of a target; `changes` are of its table `json`."""
    table = target["json"] | changes
    lengths = table.pop("max_lengths", {})
    tables = {
        "delivery": {"backoff_first_seconds": 0.1},
        "target": {key: value for key, value in target.items() if key != "json"},
        "target.json": table,
        "target.json.max_lengths": lengths,
    }
    text = f'data_dir = "data"\nkeys_dir = "{cli.folder / "keys"}"\n'
    for name, own in tables.items():
        text += f"[{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in own.items())
    (cli.folder / "lienthong.toml").write_text(text)


def misbehave(portal, **order):
    urllib3.request("POST", f"{portal['control']}/misbehave", json=order)


def states(cli):
    return [one["state"] for one in cli("messages", "list", "--limit", 500, "--json").json]


def ledger(cli):
    return read_ledger(cli.folder / "portal" / "sandbox.sqlite")


def submit_and_run(cli):
    generate_large_csv(cli.folder / "few.csv", size_bytes=4_000)
    assert cli("submit", "few.csv", *LAND).code == 0
    return cli("--verbose", "run", "--until-idle")


def test_dossiers_are_delivered_and_answers_are_the_proof(cli, portal):
    ran = submit_and_run(cli)

    assert ran.code == 0
    assert set(states(cli)) == {"delivered"}
    found = ledger(cli)
    logins = [row for row in found.arrivals if row.operation == "login"]
    assert len(logins) == 1
    assert found.doubled_effects == ()
    (first, *_) = cli("messages", "list", "--json").json
    shown = cli("messages", "show", first["id"])
    assert "answer: the portal's answer as it came, unsigned" in shown.out
    digest = re.search("JSON as sent, SHA-256 ([0-9a-f]{64})", shown.out)[1]
    assert digest in {effect.digest for effect in found.effects}


def test_answers_that_are_lost_after_the_commit_double_nothing(cli, portal):
    misbehave(portal, mode="commit_then_drop", count=3)
    misbehave(portal, mode="session_expired", count=1)

    ran = submit_and_run(cli)

    assert ran.code == 0
    assert set(states(cli)) == {"delivered"}
    found = ledger(cli)
    snapshots = [effect for effect in found.effects if effect.packet == "DongBoHoSoMC"]
    adds = [row for row in found.arrivals if row.operation == "DongBoHoSoMC"]
    assert len(snapshots) == len({effect.dossier_code for effect in snapshots})
    assert {row.outcome for row in adds} <= {"0", "10"}
    assert "TraCuuHoSo" in {row.operation for row in found.arrivals}
    assert found.doubled_effects == ()


def test_a_value_the_target_does_not_take_parks_its_own_dossier_only(cli, portal):
    write_settings(cli, portal["target"], max_lengths={"ChuHoSo": 1})

    submit_and_run(cli)

    (one, *_) = cli("messages", "list", "--json").json
    assert one["state"] == "parked"
    assert "this target takes 1" in cli("messages", "show", one["id"]).out
    assert ledger(cli).effects == ()


def test_neither_the_password_nor_the_session_is_kept_in_the_open(cli, portal):
    ran = submit_and_run(cli)

    kept = cli.folder / "data" / "portal-session"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"session" not in kept.read_bytes()
    assert re.search("session.renewed", ran.out + ran.err)
    for file in (cli.folder / "data").rglob("*"):
        if file.is_file():
            assert b'"session":' not in file.read_bytes(), file


def test_after_a_wrong_login_everything_waits_and_resumes_by_itself(cli, portal):
    write_settings(cli, portal["target"], password=PASSWORD)
    generate_large_csv(cli.folder / "few.csv", size_bytes=2_000)
    assert cli("submit", "few.csv", *LAND).code == 0

    worker = cli.start("--verbose", "run", log="worker.log")
    ends = time.monotonic() + 60
    while "retrying" not in states(cli) and time.monotonic() < ends:
        time.sleep(0.2)
    worker.terminate()
    worker.wait()
    worker.stdout.close()
    waiting, logins = states(cli), ledger(cli).arrivals
    write_settings(cli, portal["target"])
    ran = cli("run", "--until-idle")

    assert "retrying" in waiting
    assert set(waiting) <= {"retrying", "ready", "held"}
    assert {(row.operation, row.outcome) for row in logins} == {("login", "11")}
    assert PASSWORD not in (cli.folder / "worker.log").read_text()
    assert ran.code == 0
    assert set(states(cli)) == {"delivered"}


def test_a_dictionary_is_fetched_into_a_file_or_nothing_is_written(cli):
    login = http(200, b'{"session":"s","error_code":"0"}')
    rows = http(200, b'{"error_code":0,"result":[{"MATTHC":"1.001193","TENTTHC":"Khai sinh"}]}')
    refusal = http(200, b'{"error_code":"-1"}')
    table = {
        "auth_endpoint": "/auth",
        "integration_endpoint": "/call",
        "share_endpoint": "/share",
        "username": "u",
        "password": PASSWORD,
        "madonvi": "H29",
    }
    with peer(answering(login, rows), answering(refusal)) as server:
        target = {"endpoint": server.url, "channel": "dvcqg-json", "json": table}
        write_settings(cli, target)
        fetched = cli("catalogue", "fetch", "procedures", "--out", "a.json")
        refused = cli("catalogue", "fetch", "agencies", "--out", "b.json")

    assert fetched.code == 0
    assert fetched.err.endswith("a.json: 1 entries\n")
    kept = json.loads((cli.folder / "a.json").read_text())
    assert kept == [{"MATTHC": "1.001193", "TENTTHC": "Khai sinh"}]
    assert refused.code == 3
    assert "LayDanhMucCoQuan" in refused.err
    assert not (cli.folder / "b.json").exists()

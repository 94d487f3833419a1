"""Files go the whole way over an LGSP, and over SOAP with the headers of X-Road."""

import json
import time
import tomllib

import pytest
import urllib3

from lienthong.samples import generate_large_csv
from lienthong.sandbox import read_ledger

LAND = ("--agency", "land-registration")


@pytest.fixture
def start(cli):
    """Start sandboxes, with settings that fit them: exactly those that they print."""
    processes = []

    def start_(*options):
        keys = cli.folder / "keys"
        head = f'data_dir = "data"\nkeys_dir = "{keys}"\n[delivery]\nbackoff_first_seconds = 0.1\n'
        assert cli("--data-dir", "data", "keys", "make", "--out", "keys").code == 0
        (cli.folder / "lienthong.toml").write_text(head)
        words = ("--data-dir", "portal", "sandbox", "portal", "--port", 0, *options)
        process = cli.start(*words, "--json", log="portal.log")
        processes.append(process)
        ready = json.loads(process.stdout.readline())
        (cli.folder / "lienthong.toml").write_text(head + write_table("target", ready["target"]))
        return ready

    yield start_
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def write_table(name, values):
    own = {key: value for key, value in values.items() if not isinstance(value, dict)}
    text = f"[{name}]\n" + "".join(f"{json.dumps(k)} = {json.dumps(v)}\n" for k, v in own.items())
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    return text + "".join(write_table(f"{name}.{key}", table) for key, table in tables.items())


def submit_and_run(cli):
    generate_large_csv(cli.folder / "few.csv", size_bytes=4_000)
    assert cli("submit", "few.csv", *LAND).code == 0
    return cli("--verbose", "run", "--until-idle")


def states(cli):
    return {one["state"] for one in cli("messages", "list", "--limit", 500, "--json").json}


def ledger(cli):
    return read_ledger(cli.folder / "portal" / "sandbox.sqlite")


def show_first(cli):
    (first, *_) = cli("messages", "list", "--json").json
    return first["id"], cli("messages", "show", first["id"]).out


def test_dossiers_reach_an_lgsp_and_nothing_is_doubled_when_answers_are_lost(cli, start):
    ready = start("--channel", "lgsp")
    for mode, count in (("commit_then_drop", 3), ("session_expired", 1)):
        order = {"mode": mode, "count": count}
        urllib3.request("POST", f"{ready['control']}/misbehave", json=order)

    ran = submit_and_run(cli)

    assert ran.code == 0
    assert states(cli) == {"delivered"}
    found = ledger(cli)
    assert found.doubled_effects == ()
    _, shown = show_first(cli)
    assert "JSON as sent, SHA-256" in shown
    assert "\n      Authorization: ***\n" in shown
    kept = cli.folder / "data" / "portal-session"
    assert kept.stat().st_mode & 0o777 == 0o600
    for file in (cli.folder / "data").rglob("*"):
        if file.is_file():
            assert b"Bearer" not in file.read_bytes(), file
    assert "thu-nghiem" not in ran.out + ran.err


def test_an_lgsp_without_look_ups_leaves_a_lost_answer_to_a_person(cli, start):
    ready = start("--channel", "lgsp")
    file = cli.folder / "lienthong.toml"
    file.write_text(file.read_text().replace('"/Document/Find"', '""'))
    order = {"mode": "commit_then_drop", "count": 1}
    urllib3.request("POST", f"{ready['control']}/misbehave", json=order)
    generate_large_csv(cli.folder / "one.csv", size_bytes=300)
    assert cli("submit", "one.csv", *LAND).code == 0

    worker = cli.start("run", log="worker.log")
    try:
        ends = time.monotonic() + 60
        while "unknown" not in states(cli) and time.monotonic() < ends:
            time.sleep(0.2)
    finally:
        worker.terminate()
        worker.wait()
        worker.stdout.close()

    assert "unknown" in states(cli)
    assert len(ledger(cli).effects) == len({row.message_id for row in ledger(cli).effects})


def test_the_headers_of_xroad_go_with_each_attempt_and_are_shown(cli, start):
    start("--needs-addressing", "--needs-xroad", "--needs-signature", "--signs-answers")

    ran = submit_and_run(cli)

    assert ran.code == 0
    assert states(cli) == {"delivered"}
    message_id, shown = show_first(cli)
    lines = [line.strip() for line in shown.splitlines()]
    named = [line.split(" ", 1)[0].split(">", 1)[0] for line in lines if line.startswith("<")]
    assert named[:9] == [
        "<wsa:MessageID",
        "<wsa:To",
        "<wsa:Action",
        "<wsa:ReplyTo",
        "<xroad:client",
        "<xroad:service",
        "<xroad:id",
        "<xroad:protocolVersion",
        "<wsse:Security",
    ]
    assert f">urn:uuid:{message_id}</wsa:MessageID>" in shown
    assert "…</wsse:BinarySecurityToken>" in shown


def test_the_settings_that_a_sandbox_prints_can_be_read(cli):
    keys = cli.folder / "keys"
    assert cli("--data-dir", "data", "keys", "make", "--out", "keys").code == 0
    (cli.folder / "lienthong.toml").write_text(f'keys_dir = "{keys}"\n')
    words = ("--data-dir", "portal", "sandbox", "portal", "--port", 0)
    process = cli.start(*words, "--channel", "lgsp", "--needs-xroad", log="portal.log")
    try:
        text, ends = "", time.monotonic() + 30
        while "progress.constants" not in text and time.monotonic() < ends:
            time.sleep(0.1)
            text = (cli.folder / "portal.log").read_text()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

    settings = tomllib.loads(text[text.index("[target]") :])["target"]
    assert settings["lgsp"]["dossier"]["constants"]["Phone"] == "-"
    assert settings["channel"] == "lgsp"

"""Files go to a portal that demands WS-Security; its password is nowhere but in the settings."""

import json

import pytest

from lienthong.samples import generate_large_csv
from lienthong.sandbox import read_ledger

SECRET = "mat-khau-rat-bi-mat"
LAND = ("--agency", "land-registration")


@pytest.fixture
def portal(cli):
    """A sandbox that demands a signature and a login, and signs; settings that fit it."""
    keys = cli.folder / "keys"
    assert cli("--data-dir", "data", "keys", "make", "--out", "keys").code == 0
    (cli.folder / "lienthong.toml").write_text(f'keys_dir = "{keys}"\n')
    words = ("--data-dir", "portal", "sandbox", "portal", "--port", 0, "--json")
    demands = ("--needs-signature", "--needs-login", f"tich-hop:{SECRET}", "--signs-answers")
    process = cli.start(*words, *demands, log="portal.log")
    yield json.loads(process.stdout.readline())["target"]
    process.kill()
    process.wait()
    process.stdout.close()


def write_settings(cli, target, **security):
    tables = {"target": target, "target.security": target["security"] | security}
    text = f'data_dir = "data"\nkeys_dir = "{cli.folder / "keys"}"\n'
    for table, values in tables.items():
        flat = {key: value for key, value in values.items() if key != "security"}
        text += f"[{table}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in flat.items())
    (cli.folder / "lienthong.toml").write_text(text)


def test_dossiers_are_delivered_and_the_password_is_kept_nowhere(cli, portal):
    write_settings(cli, portal)
    generate_large_csv(cli.folder / "few.csv", size_bytes=2_000)
    assert cli("submit", "few.csv", *LAND).code == 0

    ran = cli("--verbose", "run", "--until-idle")

    assert ran.code == 0
    states = {one["state"] for one in cli("messages", "list", "--json").json}
    assert states == {"delivered"}
    ledger = read_ledger(cli.folder / "portal" / "sandbox.sqlite")
    assert {row.outcome for row in ledger.arrivals} == {"0"}
    kept = [one for one in cli.folder.rglob("*") if one.is_file() and one.suffix != ".toml"]
    assert len(kept) > 5
    assert [one for one in kept if SECRET.encode() in one.read_bytes()] == []
    assert SECRET not in ran.out + ran.err


def test_the_doctor_names_a_signer_that_is_nobody(cli, portal):
    write_settings(cli, portal, signed_by="khong-co")

    told = cli("doctor")

    assert "khong-co" in told.out + told.err

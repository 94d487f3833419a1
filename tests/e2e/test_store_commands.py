"""The store's own commands: its keys, sealing anew, and what is erased when."""

import tarfile
from pathlib import Path

import pytest

FIRST_VERSION = Path(__file__).parents[1] / "data" / "store_0001" / "store.tar.xz"


@pytest.fixture
def filled(cli, keys, sample_set):
    """Give an installation with one submission in its store."""
    cli.keys = keys
    sample = sample_set.of("land-registration")
    done = cli("submit", sample.path, "--agency", sample.agency)
    assert done.code == 0, done.err
    return cli


@pytest.fixture
def key_file(filled):
    return filled.folder / "lienthong-data" / "store.keys"


def test_the_key_file_is_made_once_and_announced_with_its_path(filled, key_file):
    again = filled("store", "check")

    assert again.code == 0
    assert "vault.key_made" not in again.err
    assert str(key_file) in again.out
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_an_upgrade_makes_a_new_store_and_does_nothing_to_one_that_fits(cli):
    made = cli("store", "upgrade", "--json")
    again = cli("store", "upgrade", "--json")

    assert (made.code, made.json["from"]) == (0, None)
    assert (again.code, again.json["from"]) == (0, made.json["version"])
    assert cli("status").code == 0


def test_a_store_of_the_first_version_is_refused_upgraded_and_encrypted(cli):
    folder = cli.folder / "lienthong-data"
    with tarfile.open(FIRST_VERSION) as old:
        old.extractall(folder, filter="data")

    refused = cli("status")
    upgraded = cli("store", "upgrade")
    resealed = cli("store", "reseal", "--json").json

    assert refused.code == 2
    assert "store.older" in refused.err
    assert upgraded.code == 0, upgraded.err
    assert "from version 0001 to" in upgraded.out
    assert "0192-nobody-knows" in upgraded.out
    assert "lienthong store reseal" in upgraded.err
    assert resealed["values"] > 0
    assert (resealed["left"], resealed["broken"]) == (0, [])
    assert cli("status").code == 0


def test_a_raw_file_that_was_damaged_before_the_upgrade_is_told_and_left(cli):
    folder = cli.folder / "lienthong-data"
    with tarfile.open(FIRST_VERSION) as old:
        old.extractall(folder, filter="data")
    (damaged, *_) = sorted((folder / "spool").glob("019cac0f-*"))
    damaged.write_bytes(damaged.read_bytes()[:-1])

    upgraded = cli("store", "upgrade", "--json")

    assert upgraded.code == 1
    assert upgraded.json["files_damaged"] == [damaged.name]
    assert damaged.exists()


def test_a_store_that_is_not_there_fails_its_check(cli):
    result = cli("store", "check")

    assert result.code == 2
    assert "lienthong store upgrade" in result.err


def test_a_rotation_is_told_and_everything_can_be_sealed_with_the_new_key(filled, key_file):
    rotated = filled("store", "rotate-key", "--json").json
    resealed = filled("store", "reseal", "--json")
    again = filled("store", "reseal", "--json")

    assert (rotated["key"], rotated["rewrapped"], len(rotated["unneeded"])) == (2, 1, 1)
    assert rotated["master"] in key_file.read_text(encoding="utf-8")
    assert resealed.code == again.code == 0
    assert resealed.json["values"] > 0
    assert again.json == {
        "values": 0,
        "left": 0,
        "broken": [],
        "attachments": 0,
        "attachments_broken": [],
    }


def test_a_prepared_key_waits_for_the_rotation(filled):
    prepared = filled("store", "rotate-key", "--prepare", "--json").json["prepared"]

    assert filled("store", "check", "--json").json["key"] == 1
    assert filled("store", "rotate-key", "--json").json["master"] == prepared


def test_retention_counts_and_erases_only_when_told(filled):
    shown = filled("store", "retain", "--json").json
    applied = filled("store", "retain", "--apply", "--json").json

    assert {line["class"] for line in shown} == {"submissions", "documents", "answers", "results"}
    assert all(line["would_erase"] == 0 for line in shown)
    assert all(line["erased"] == 0 for line in applied)


@pytest.mark.parametrize(
    ("spoil", "code", "remedy"),
    [
        (lambda file: file.unlink(), "vault.key_missing", "put the file back"),
        (lambda file: file.chmod(0o644), "vault.key_file_open_to_others", "chmod 600"),
        (lambda file: file.write_text("x\n"), "vault.key_file_malformed", "line 1"),
    ],
    ids=["missing", "open to others", "malformed"],
)
def test_a_key_file_that_cannot_be_used_stops_everything_with_the_remedy(
    filled, key_file, spoil, code, remedy
):
    spoil(key_file)

    for words in (("store", "check"), ("status",), ("store", "rotate-key")):
        result = filled(*words)
        assert result.code == 2
        assert code in result.err
        assert remedy in result.err
        assert "Traceback" not in result.err

"""Receipts as an agency and an operator use them: submit, receipts show, verify, status, doctor."""

import shutil
import sqlite3
from hashlib import sha256

import pytest

CSV = b"a,b\n1,2\n"
LAND = ("--agency", "land-registration")


@pytest.fixture
def sent(quick, tmp_path):
    """Give the command, after a file was handed over and its receipt written."""
    (tmp_path / "f.csv").write_bytes(CSV)
    assert quick("submit", "f.csv", *LAND, "--key", "k", "--receipt", "r.xml").code == 0
    return quick


@pytest.fixture
def without_key(quick, tmp_path, keys, monkeypatch):
    """Give the command where the operator's key is damaged."""
    own = tmp_path / "own-keys"
    shutil.copytree(keys, own)
    (own / "operator.key.pem").write_bytes(b"no key")
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(own))
    (tmp_path / "f.csv").write_bytes(CSV)
    return quick


def test_a_receipt_verifies_and_says_for_which_file_it_is(sent):
    found = sent("verify", "r.xml", "--content", "f.csv", "--json")

    assert found.code == 0
    assert (found.json["signed"], found.json["trusted"]) == ("BienNhanTiepNhan", True)
    assert found.json["signer"]["name"] == "Development operator"
    receipt = found.json["receipt"]
    assert (receipt["sha256"], receipt["bytes"]) == (sha256(CSV).hexdigest(), len(CSV))
    assert (receipt["statement"], receipt["door"]) == ("received", "file")
    assert receipt["same_content"] is True
    assert "this very file" in sent("verify", "r.xml", "--content", "f.csv").out


def test_another_file_is_told_apart(sent, tmp_path):
    (tmp_path / "other.csv").write_bytes(CSV + b"\n")

    found = sent("verify", "r.xml", "--content", "other.csv", "--json")

    assert found.code == 1
    assert found.json["receipt"]["same_content"] is False
    assert (found.json["intact"], found.json["trusted"], found.json["valid"]) == (True, True, False)
    assert "KHÔNG phải tệp này" in sent("verify", "r.xml", "--content", "other.csv", lang="vi").out


def test_a_changed_receipt_does_not_verify(sent, tmp_path):
    document = (tmp_path / "r.xml").read_text(encoding="utf-8")
    changed = document.replace("<KichThuoc>8<", "<KichThuoc>9<")
    (tmp_path / "changed.xml").write_text(changed, encoding="utf-8")

    found = sent("verify", "changed.xml", "--json")

    assert found.code == 1
    assert not found.json["intact"]
    assert [one["code"] for one in found.json["reasons"]] == ["signature.digest_differs"]


def test_a_file_that_is_not_there_is_told(sent):
    found = sent("verify", "r.xml", "--content", "nowhere.csv")

    assert found.code == 1
    assert "nowhere.csv, which the receipt is held against, cannot be read" in found.err


def test_a_repeat_gets_the_same_bytes(sent, tmp_path):
    again = sent("submit", "f.csv", *LAND, "--key", "k", "--receipt", "again.xml", "--json")

    assert again.json["repeated"] is True
    first = (tmp_path / "r.xml").read_bytes()
    assert (tmp_path / "again.xml").read_bytes() == first
    assert again.json["receipt_sha256"] == sha256(first).hexdigest()


def test_an_operator_finds_it_by_the_submission(sent, tmp_path):
    first = (tmp_path / "r.xml").read_bytes()
    submission = first.partition(b"<MaLanGui>")[2].partition(b"<")[0].decode()

    shown = sent("receipts", "show", submission, "--json").json
    written = sent("receipts", "show", submission, "--out", "out.xml")

    assert (shown["submission"], shown["statement"]) == (submission, "received")
    assert (shown["receipt"].encode(), written.code) == (first, 0)
    assert (tmp_path / "out.xml").read_bytes() == first
    assert submission in sent("receipts", "show", submission).out
    assert sent("receipts", "show", submission, "--statement", "refused").code == 1
    assert sent("receipts", "show", "nobody-knows").code == 1


def test_without_a_key_the_file_is_taken_and_the_receipt_comes_later(
    without_key, tmp_path, keys, monkeypatch
):
    taken = without_key("submit", "f.csv", *LAND, "--receipt", "r.xml", "--json")

    assert (taken.code, taken.json["receipt_sha256"]) == (0, None)
    assert "The file is safe" in taken.err
    assert not (tmp_path / "r.xml").exists()
    assert without_key("status", "--json").json["receipts"]["waiting"] == 1
    assert "1 receipts for agencies wait to be signed" in without_key("status").out
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(keys))
    shown = without_key("receipts", "show", taken.json["submission"], "--out", "r.xml")
    assert shown.code == 0
    assert without_key("verify", "r.xml", "--content", "f.csv").code == 0
    assert without_key("status", "--json").json["receipts"] == {"waiting": 0, "oldest": None}


def test_the_doctor_tells_of_receipts_that_wait_for_long(without_key, tmp_path):
    assert without_key("submit", "f.csv", *LAND).code == 0
    with sqlite3.connect(tmp_path / "lienthong-data" / "store.sqlite") as store:
        store.execute("UPDATE submissions SET receipt_due_at = '2026-01-01 00:00:00.000000'")

    found = without_key("doctor").out

    assert "1 wait to be signed, the first since 2026-01-01" in " ".join(found.split())


def test_the_doctor_warns_where_any_agency_could_sign_the_portals_receipts(quick, tmp_path, keys):
    settings = tmp_path / "lienthong.toml"
    target = '[target]\nendpoint = "http://127.0.0.1:1/"\nreceipt_trust = ["{}"]\n'
    settings.write_text(target.format(keys / "root.cert.pem"), encoding="utf-8")
    words = "any agency could sign the portal's receipts"

    assert words in " ".join(quick("doctor").out.split())
    settings.write_text(target.format(keys / "portal.cert.pem"), encoding="utf-8")
    assert words not in " ".join(quick("doctor").out.split())


def test_a_worker_makes_what_waits_before_it_ends(sent, tmp_path):
    assert sent("submit", "f.csv", *LAND).code == 0

    assert sent("run", "--roles", "receipts,expand", "--until-idle").code == 0

    assert sent("status", "--json").json["receipts"]["waiting"] == 0

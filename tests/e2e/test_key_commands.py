"""Keys as an operator handles them: list, check, rotate without a gap."""

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.samples import generate_large_csv
from signing import (
    Passphrase,
    Withdrawn,
    add_development_key,
    export_pkcs12,
    load_development_authority,
    load_pem,
    make_development_pki,
)

LAND = "land-registration"
CODE = "000.00.12.H29"


@pytest.fixture
def keys(tmp_path, quick, monkeypatch):
    """A folder with keys of one agency and the operator, which ends in 20 days."""
    folder = tmp_path / "keys"
    make_development_pki(folder, agencies={}, now=datetime.now(UTC))
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(folder))
    add(folder, f"agencies/{LAND}", days=20)
    return folder


def add(folder, name, *, days, begin=-1, code=None):
    now = datetime.now(UTC)
    term = (now + timedelta(days=begin), now + timedelta(days=days))
    return add_development_key(
        folder, name, title="Văn phòng", agency_code=code, term=term, kind="ec"
    )


def states(quick):
    return [(one["holder"], one["state"]) for one in quick("keys", "list", "--json").json]


def test_what_ends_soon_is_told_until_a_new_key_is_there(keys, quick):
    before = quick("keys", "check", lang="vi")
    assert (before.code, "còn 19 ngày" in before.out or "còn 20 ngày" in before.out) == (0, True)

    rotated = quick("keys", "rotate", LAND, "--development")

    assert rotated.code == 0
    assert states(quick) == [("operator", "in use"), (LAND, "spare"), (LAND, "in use")]
    assert "Every key in use can sign" in quick("keys", "check").out
    [installed] = quick("audit", "search", "--event", "key.installed", "--json").json
    assert installed["subject"] == LAND


def test_a_revoked_key_of_ours_is_told(keys, quick, tmp_path, monkeypatch):
    lists = tmp_path / "lists"
    lists.mkdir()
    monkeypatch.setenv("LIENTHONG_REVOCATION__FOLDER", str(lists))
    now = datetime.now(UTC)
    authority = load_development_authority(keys)
    assert "no revocation list" not in quick("keys", "check").out
    monkeypatch.setenv("LIENTHONG_REVOCATION__DEMAND", "required")
    assert "no revocation list" in quick("keys", "check").out

    (lists / "root.crl").write_bytes(authority.make_list(now=now - timedelta(hours=1)))
    assert "revoked" not in quick("keys", "check").out

    files = keys / "agencies" / LAND
    key = load_pem(
        files.with_name(f"{LAND}.key.pem"), files.with_name(f"{LAND}.cert.pem"), passphrase=None
    )
    gone = Withdrawn(serial=key.certificate.serial_number, at=now - timedelta(hours=2))
    (lists / "root.crl").write_bytes(authority.make_list([gone], now=now - timedelta(minutes=1)))
    checked = quick("keys", "check", "--json")
    assert checked.code == 1
    [told] = [one for one in checked.json if one["code"] == "certificate.revoked_when_signed"]
    assert (told["holder"], told["urgent"]) == (LAND, True)

    doctor = quick("doctor")
    assert "Revocation lists" in doctor.out
    assert "0 hours old" in doctor.out


def test_a_key_is_taken_from_pkcs12_and_signs_at_once(keys, quick, tmp_path):
    files = add(keys, "elsewhere/new", days=400, begin=0)
    key = load_pem(files.key, files.certificate, passphrase=None)
    (tmp_path / "new.p12").write_bytes(export_pkcs12(key, passphrase=Passphrase("bí mật")))
    (tmp_path / "new.pass").write_text("bí mật")
    words = ("keys", "rotate", LAND, "--p12", "new.p12", "--passphrase-file", "new.pass")

    assert quick(*words).code == 0

    listed = quick("keys", "list", "--json").json
    [used] = [one for one in listed if (one["holder"], one["state"]) == (LAND, "in use")]
    assert used["serial"] == f"{key.certificate.serial_number:x}"
    for file in (keys / "agencies" / LAND).iterdir():
        assert file.stat().st_mode & 0o077 == 0
    generate_large_csv(tmp_path / "one.csv", size_bytes=600)
    assert quick("convert", "one.csv", "--agency", LAND, "--out", "xml").code == 0
    document = next((tmp_path / "xml").glob("*.xml"))
    assert quick("verify", document, "--json").json["signer"]["serial"] == used["serial"]
    again = quick(*words)
    assert (again.code, "has this key already" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("flaw", "word"),
    [
        ("code", "agency code"),
        ("expired", "expired"),
        ("untrusted", "trusted root"),
        ("mismatch", "does not belong"),
        ("missing", "cannot be read"),
    ],
)
def test_a_wrong_key_is_not_taken_and_leaves_nothing(keys, quick, tmp_path, flaw, word):
    folder = keys
    if flaw == "untrusted":
        folder = tmp_path / "foreign"
        make_development_pki(folder, agencies={}, now=datetime.now(UTC))
    spans = {"days": -1, "begin": -30} if flaw == "expired" else {"days": 400}
    files = add(folder, "elsewhere/new", code="H99" if flaw == "code" else None, **spans)
    key = keys / f"agencies/{LAND}.key.pem" if flaw == "mismatch" else files.key
    certificate = tmp_path / "none.pem" if flaw == "missing" else files.certificate

    refused = quick("keys", "rotate", LAND, "--key", key, "--certificate", certificate)

    assert (refused.code, word in refused.err) == (2, True), refused.err
    assert not list((keys / "agencies" / LAND).iterdir())
    assert states(quick)[1:] == [(LAND, "in use")]


def test_rotating_for_nobody_or_with_nothing_is_told(keys, quick):
    assert quick("keys", "rotate", "land-registratio", "--development").code == 2
    assert "--p12" in quick("keys", "rotate", LAND).err


def test_a_locked_key_is_seen(keys, quick):
    (keys / f"agencies/{LAND}.key.pem").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----")

    checked = quick("keys", "check", "--json")

    assert checked.code == 1
    assert [one["holder"] for one in checked.json if one["urgent"]] == [LAND, LAND][:1]
    assert states(quick)[1:] == [(LAND, "unusable")]

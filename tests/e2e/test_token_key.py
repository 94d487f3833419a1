"""The whole way of an agency whose key is in a PKCS#11 token, as its operator sees it."""

import os

import pytest

LAND = "land-registration"


@pytest.fixture
def token(site, softhsm):
    """The agency's key, moved out of its files into a token."""
    agencies = site.cli.folder / "keys" / "agencies"
    key, certificate = agencies / f"{LAND}.key.pem", agencies / f"{LAND}.cert.pem"
    found = softhsm.add_token("whole-way")
    found.add_key(key, label=LAND)
    found.add_certificate(certificate, label=LAND)
    key.unlink()
    certificate.unlink()
    found.write(agencies / LAND, key=LAND)
    return found


def test_a_token_signs_what_the_portal_takes_and_its_absence_is_seen(site, token, sample_set):
    cli = site.cli
    sample = sample_set.of(LAND)
    listed = cli("keys", "list", "--json").json
    [land] = [one for one in listed if one["holder"] == LAND]
    assert (land["state"], land["token"]) == ("in use", True)

    assert cli("submit", sample.path, "--agency", LAND).code == 0
    ended = cli("run", "--until-idle")
    assert ended.code == 0, ended.err
    shown = cli("status", "--json").json
    assert (shown["keys"], shown["agencies"][0]["states"]["delivered"] > 20) == ([], True)
    assert cli("keys", "check").code == 0

    token.pull_out()
    try:
        checked, told, doctor = cli("keys", "check"), cli("status", lang="vi"), cli("doctor")
        converted = cli("convert", sample.path, "--agency", LAND, "--out", "xml")
    finally:
        token.put_back()

    assert checked.code == 1
    assert f"{LAND}: Token 'whole-way'" in " ".join(checked.out.split())
    assert "Không thấy thiết bị giữ khóa" in told.out
    assert doctor.code != 0
    assert (converted.code, "whole-way" in converted.err) == (2, True)
    assert cli("convert", sample.path, "--agency", LAND, "--out", "xml").code in (0, 1)
    assert len(os.listdir(cli.folder / "xml")) > 20

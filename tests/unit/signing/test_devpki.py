"""Development keys: complete, marked, private, and never written over."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from signing import (
    DEVELOPMENT_MARK,
    KeyUnusable,
    SignatureRefused,
    XadesSigner,
    is_development,
    load_pem,
    load_policy,
    make_development_pki,
    verify,
)

AGENCIES = {
    "so-tu-phap": ("H29.5", "Sở Tư pháp Thành phố Hồ Chí Minh"),
    "so-xay-dung": ("H29.7", "Sở Xây dựng Thành phố Hồ Chí Minh"),
}


def load(files):
    return load_pem(files.key, files.certificate, passphrase=None)


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_every_key_signs_and_is_trusted_through_the_root(tmp_path, workshop):
    pki = make_development_pki(tmp_path / "keys", agencies=AGENCIES, now=workshop.now)
    policy = load_policy([pki.root.certificate])

    codes = []
    for files in (pki.operator, pki.portal, *pki.agencies.values()):
        signed = XadesSigner(load(files)).sign(workshop.document, signed_at=workshop.now)
        codes.append(verify(signed, policy=policy, now=workshop.now).signer.agency_code)

    assert codes == [None, None, "H29.5", "H29.7"]
    assert pki.created == (
        "root",
        "operator",
        "portal",
        "timestamps",
        "agencies/so-tu-phap",
        "agencies/so-xay-dung",
    )


def test_the_authority_of_time_stamps_signs_nothing_else(tmp_path, workshop):
    pki = make_development_pki(tmp_path / "keys", agencies={}, now=workshop.now)
    signed = XadesSigner(load(pki.timestamps)).sign(workshop.document, signed_at=workshop.now)

    with pytest.raises(SignatureRefused) as refused:
        verify(signed, policy=load_policy([pki.root.certificate]), now=workshop.now)

    assert refused.value.code == "certificate.not_for_signing"


def test_the_files_have_the_names_that_the_keyring_expects(tmp_path, workshop):
    folder = tmp_path / "keys"

    make_development_pki(folder, agencies={"a": ("1", "A")}, now=workshop.now)

    assert sorted(str(file.relative_to(folder)) for file in contents(folder)) == [
        "agencies/a.cert.pem",
        "agencies/a.key.pem",
        "operator.cert.pem",
        "operator.key.pem",
        "portal.cert.pem",
        "portal.key.pem",
        "root.cert.pem",
        "root.key.pem",
        "timestamps.cert.pem",
        "timestamps.key.pem",
        "trust-timestamp/development.cert.pem",
    ]


def test_keys_are_readable_by_their_owner_only(tmp_path, workshop):
    folder = tmp_path / "keys"
    old = os.umask(0)
    try:
        make_development_pki(folder, agencies=AGENCIES, now=workshop.now)
    finally:
        os.umask(old)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "agencies").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in contents(folder)} == {0o600}


def test_every_certificate_is_marked_as_for_development(tmp_path, workshop):
    pki = make_development_pki(tmp_path / "keys", agencies=AGENCIES, now=workshop.now)

    for files in (pki.root, pki.operator, pki.portal, *pki.agencies.values()):
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        assert is_development(certificate)
        assert DEVELOPMENT_MARK in certificate.subject.rfc4514_string()
    assert not is_development(workshop.agency.certificate)


def test_existing_keys_are_kept_and_missing_agencies_are_added(tmp_path, workshop):
    folder = tmp_path / "keys"
    make_development_pki(folder, agencies={"so-tu-phap": AGENCIES["so-tu-phap"]}, now=workshop.now)
    before = contents(folder)

    later = workshop.now + timedelta(days=40)
    pki = make_development_pki(folder, agencies=AGENCIES, now=later)

    assert pki.created == ("agencies/so-xay-dung",)
    after = contents(folder)
    assert {file: after[file] for file in before} == before
    policy = load_policy([pki.root.certificate])
    signed = XadesSigner(load(pki.agencies["so-xay-dung"])).sign(workshop.document, signed_at=later)
    assert verify(signed, policy=policy, now=later)


def test_a_call_that_finds_everything_changes_nothing(tmp_path, workshop):
    folder = tmp_path / "keys"
    make_development_pki(folder, agencies=AGENCIES, now=workshop.now)
    before = contents(folder)

    pki = make_development_pki(folder, agencies=AGENCIES, now=workshop.now)

    assert pki.created == ()
    assert contents(folder) == before


def test_a_run_that_was_cut_off_after_the_key_is_completed(tmp_path, workshop):
    folder = tmp_path / "keys"
    pki = make_development_pki(folder, agencies=AGENCIES, now=workshop.now)
    files = pki.agencies["so-tu-phap"]
    key = files.key.read_bytes()
    files.certificate.unlink()

    make_development_pki(folder, agencies=AGENCIES, now=workshop.now)

    assert files.key.read_bytes() == key
    assert load(files)


def test_a_certificate_whose_key_is_gone_is_not_written_over(tmp_path, workshop):
    folder = tmp_path / "keys"
    pki = make_development_pki(folder, agencies=AGENCIES, now=workshop.now)
    files = pki.agencies["so-tu-phap"]
    certificate = files.certificate.read_bytes()
    files.key.unlink()

    with pytest.raises(KeyUnusable) as unusable:
        make_development_pki(folder, agencies=AGENCIES, now=workshop.now)

    assert unusable.value.code == "key.missing"
    assert files.certificate.read_bytes() == certificate
    assert not files.key.exists()


def test_nothing_is_added_where_the_root_key_is_gone(tmp_path, workshop):
    folder = tmp_path / "keys"
    pki = make_development_pki(folder, agencies={}, now=workshop.now)
    pki.root.key.unlink()

    with pytest.raises(KeyUnusable) as unusable:
        make_development_pki(folder, agencies=AGENCIES, now=workshop.now)

    assert unusable.value.code == "key.missing"


def test_makers_at_the_same_time_agree_on_the_keys(tmp_path, workshop):
    folder = tmp_path / "keys"

    def make(_):
        return make_development_pki(folder, agencies={"a": ("1", "A")}, now=workshop.now, kind="ec")

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4)))

    policy = load_policy([made[0].root.certificate])
    signed = XadesSigner(load(made[0].agencies["a"])).sign(
        workshop.document, signed_at=workshop.now
    )
    assert verify(signed, policy=policy, now=workshop.now)
    assert len(contents(folder)) == 11


def test_agencies_get_rsa_keys_unless_curves_are_asked_for(tmp_path, workshop):
    kinds = {
        kind: load(
            make_development_pki(
                tmp_path / kind, agencies={"a": ("1", "A")}, now=workshop.now, kind=kind
            ).agencies["a"]
        ).private_key
        for kind in ("rsa", "ec")
    }

    assert isinstance(kinds["rsa"], rsa.RSAPrivateKey)
    assert kinds["rsa"].key_size == 2048
    assert isinstance(kinds["ec"], ec.EllipticCurvePrivateKey)


@pytest.mark.parametrize("name", ["../evil", "", "A", "a/b", ".hidden", "sở"])
def test_a_name_that_cannot_be_a_file_is_refused(tmp_path, workshop, name):
    with pytest.raises(ValueError, match="file names"):
        make_development_pki(tmp_path / "keys", agencies={name: ("1", "A")}, now=workshop.now)

    assert not (tmp_path / "keys").exists()


def test_a_long_title_is_cut_to_what_certificates_hold(tmp_path, workshop):
    pki = make_development_pki(
        tmp_path / "keys", agencies={"a": ("1", "Ủy ban nhân dân " * 9)}, now=workshop.now
    )

    (name,) = load(pki.agencies["a"]).certificate.subject.get_attributes_for_oid(
        x509.NameOID.COMMON_NAME
    )
    assert name.value == "Ủy ban nhân dân Ủy ban nhân dân Ủy ban nhân dân Ủy"


@pytest.mark.parametrize("ending", ["p12", "pkcs11.toml"])
def test_nothing_is_made_beside_a_key_in_a_bundle_or_a_token(tmp_path, ending):
    folder = tmp_path / "keys"
    (folder / "agencies").mkdir(parents=True)
    (folder / f"agencies/so-tu-phap.{ending}").write_text("")
    (folder / "agencies/so-tu-phap.cert.pem").write_text("its own")

    made = make_development_pki(
        folder, agencies={"so-tu-phap": ("H29.5", "Sở")}, now=datetime(2026, 11, 24, tzinfo=UTC)
    )

    assert "agencies/so-tu-phap" not in made.created
    assert not (folder / "agencies/so-tu-phap.key.pem").exists()
    assert (folder / "agencies/so-tu-phap.cert.pem").read_text() == "its own"

"""Keys that cannot sign are refused when they are loaded, in words; secrets are never shown."""

from __future__ import annotations

import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from signing import (
    KeyUnusable,
    Passphrase,
    SigningKey,
    XadesSigner,
    export_pkcs12,
    load_pem,
    load_pkcs12,
    verify,
)

SECRET = Passphrase("mật khẩu bí mật")


def key_pem(key, passphrase: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def certificate_pem(*holders) -> bytes:
    return b"".join(one.certificate.public_bytes(Encoding.PEM) for one in holders)


@pytest.fixture
def files(tmp_path, workshop):
    """Key and certificate files of the agency; the test may write them anew."""
    key_file, certificate_file = tmp_path / "a.key.pem", tmp_path / "a.cert.pem"
    key_file.write_bytes(key_pem(workshop.rsa_key))
    certificate_file.write_bytes(certificate_pem(workshop.agency))
    return key_file, certificate_file


def test_a_key_is_loaded_from_pem_files(files, workshop):
    key = load_pem(*files, passphrase=None)

    assert key.certificate == workshop.agency.certificate
    assert key.chain == ()


def test_a_locked_pem_key_opens_with_its_passphrase_only(files, workshop):
    files[0].write_bytes(key_pem(workshop.rsa_key, SECRET.reveal()))

    assert load_pem(*files, passphrase=SECRET).certificate == workshop.agency.certificate
    for wrong in (None, Passphrase("khác")):
        with pytest.raises(KeyUnusable) as unusable:
            load_pem(*files, passphrase=wrong)
        assert unusable.value.code == "key.locked"
        assert "a.key.pem" in unusable.value.vi


def test_a_passphrase_for_an_open_key_does_no_harm(files):
    assert load_pem(*files, passphrase=SECRET)


def test_the_certificate_file_may_hold_the_chain_in_any_order(files, workshop):
    middle = workshop.issue("CA con", issuer=workshop.root, is_ca=True)
    leaf = workshop.issue("Sở Y tế", issuer=middle, key=workshop.rsa_key)
    files[1].write_bytes(certificate_pem(workshop.root, middle, leaf))

    key = load_pem(*files, passphrase=None)

    assert key.certificate == leaf.certificate
    assert key.chain == (middle.certificate,)
    signed = XadesSigner(key).sign(workshop.document, signed_at=workshop.now)
    assert verify(signed, policy=workshop.policy, now=workshop.now).content == workshop.document


@pytest.mark.parametrize("absent", [0, 1], ids=["key", "certificate"])
def test_an_absent_file_is_named(files, absent):
    files[absent].unlink()

    with pytest.raises(KeyUnusable) as unusable:
        load_pem(*files, passphrase=None)

    assert unusable.value.code == "key.missing"
    assert files[absent].name in str(unusable.value)


@pytest.mark.parametrize("broken", [0, 1], ids=["key", "certificate"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"-----BEGIN X-----\nAA\n-----END X-----"])
def test_a_file_that_is_no_pem_is_named(files, broken, content):
    files[broken].write_bytes(content)

    with pytest.raises(KeyUnusable) as unusable:
        load_pem(*files, passphrase=None)

    assert unusable.value.code == "key.format"
    assert files[broken].name in str(unusable.value)


def test_a_certificate_of_another_key_is_refused(files, workshop):
    files[1].write_bytes(certificate_pem(workshop.other_agency))

    with pytest.raises(KeyUnusable) as unusable:
        load_pem(*files, passphrase=None)

    assert unusable.value.code == "key.mismatch"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda: rsa.generate_private_key(65537, 1024), "key.weak", id="rsa-1024"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP521R1()), "key.weak", id="p-521"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, "key.format", id="ed25519"),
    ],
)
def test_keys_outside_the_allowed_kinds_are_refused(files, workshop, make, code):
    key = make()
    files[0].write_bytes(key_pem(key))
    files[1].write_bytes(certificate_pem(workshop.issue("A", issuer=workshop.root, key=key)))

    with pytest.raises(KeyUnusable) as unusable:
        load_pem(*files, passphrase=None)

    assert unusable.value.code == code


def test_a_certificate_that_is_not_for_signing_is_refused(workshop):
    holder = workshop.issue("Máy chủ", issuer=workshop.root, usage="key_encipherment")

    with pytest.raises(KeyUnusable) as unusable:
        holder.signing_key()

    assert unusable.value.code == "key.not_for_signing"


def test_a_pkcs12_file_gives_key_certificate_and_chain(tmp_path, workshop):
    middle = workshop.issue("CA con", issuer=workshop.root, is_ca=True)
    leaf = workshop.issue("Sở Y tế", issuer=middle)
    file = tmp_path / "a.p12"
    key = leaf.signing_key(middle.certificate)
    file.write_bytes(export_pkcs12(key, passphrase=SECRET))

    loaded = load_pkcs12(file, passphrase=SECRET)

    assert loaded.certificate == leaf.certificate
    assert loaded.chain == (middle.certificate,)
    signed = XadesSigner(loaded).sign(workshop.document, signed_at=workshop.now)
    assert verify(signed, policy=workshop.policy, now=workshop.now).content == workshop.document


@pytest.mark.parametrize("wrong", [None, Passphrase("khác")], ids=["none", "wrong"])
def test_a_pkcs12_file_stays_locked_without_its_passphrase(tmp_path, workshop, wrong):
    file = tmp_path / "a.p12"
    file.write_bytes(export_pkcs12(workshop.agency.signing_key(), passphrase=SECRET))

    with pytest.raises(KeyUnusable) as unusable:
        load_pkcs12(file, passphrase=wrong)

    assert unusable.value.code == "key.locked"


def test_a_file_that_is_no_pkcs12_is_refused(tmp_path):
    file = tmp_path / "a.p12"
    file.write_bytes(b"PK")

    with pytest.raises(KeyUnusable) as unusable:
        load_pkcs12(file, passphrase=SECRET)

    assert unusable.value.code == "key.format"
    with pytest.raises(KeyUnusable) as unusable:
        load_pkcs12(tmp_path / "absent.p12", passphrase=SECRET)
    assert unusable.value.code == "key.missing"


def test_a_key_shows_its_subject_and_serial_and_nothing_else(workshop):
    key = workshop.agency.signing_key()

    serial = f"{workshop.agency.certificate.serial_number:x}"
    assert repr(key) == f"SigningKey(subject='CN=Sở Tư pháp', serial={serial})"


def test_a_passphrase_is_not_shown():
    assert repr(SECRET) == str(SECRET) == f"{SECRET}" == "Passphrase(***)"
    assert SECRET.reveal() == "mật khẩu bí mật".encode()


def test_a_signing_key_is_not_pickled_by_accident(workshop):
    with pytest.raises(TypeError):
        pickle.dumps(workshop.agency.signing_key())


def test_a_key_needs_named_arguments(workshop):
    with pytest.raises(TypeError):
        SigningKey(workshop.rsa_key, workshop.agency.certificate)

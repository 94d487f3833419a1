"""Keys in a real PKCS#11 token: SoftHSM signs, our verifier and xmlsec judge."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pkcs11.mechanisms import Mechanism

from signing import (
    KeyUnusable,
    RsaPadding,
    XadesSigner,
    load_pem,
    load_policy,
    prove,
    token_module,
    verify,
)
from signing.devpki import KeyFiles
from signing.profile import Algorithm
from signing.second import SecondOpinion

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RSA_PKCS, RSA_PKCS_PSS = Mechanism.RSA_PKCS, Mechanism.RSA_PKCS_PSS
DOCUMENT = '<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-1"><Ten>Nguyễn Thị Ứng</Ten></BanTin>'


@pytest.fixture(scope="session")
def ec_files(tmp_path_factory):
    """Give self-signed keys on the two curves; nobody trusts them."""
    folder = tmp_path_factory.mktemp("curves")
    found = {}
    for curve in (ec.SECP256R1(), ec.SECP384R1()):
        key = ec.generate_private_key(curve)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, curve.name)])
        usage = x509.KeyUsage(True, *[False] * 8)
        builder = x509.CertificateBuilder(issuer_name=name, subject_name=name)
        certificate = (
            builder.public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=1))
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        files = KeyFiles(key=folder / f"{curve.name}.key", certificate=folder / curve.name)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.key.write_bytes(pem)
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        found[curve.name] = files
    return found


def refusal_of(work):
    with pytest.raises(KeyUnusable) as refused:
        work()
    return refused.value


@pytest.mark.parametrize("algorithm", list(Algorithm), ids=lambda one: one.name)
def test_a_token_signs_with_every_algorithm(place, ec_files, algorithm):
    is_ec = algorithm.name.startswith("ECDSA")
    curve = "secp384r1" if algorithm is Algorithm.ECDSA_SHA384 else "secp256r1"
    place.fill(ec_files[curve] if is_ec else None)
    key = place.load()

    signature = key.sign(b"what is signed", algorithm)

    padding = ec.ECDSA(algorithm.hash) if is_ec else algorithm.padding
    methods = (padding,) if is_ec else (padding, algorithm.hash)
    key.certificate.public_key().verify(signature, b"what is signed", *methods)
    with pytest.raises(InvalidSignature):
        key.certificate.public_key().verify(signature, b"something else", *methods)


@pytest.mark.parametrize("padding", list(RsaPadding))
def test_a_document_that_a_token_signed_is_accepted_by_both_verifiers(place, padding):
    place.fill()
    key = place.load()
    second = SecondOpinion(key.certificate)

    signed = XadesSigner(key, rsa_padding=padding, second=second).sign(
        DOCUMENT.encode(), signed_at=NOW
    )

    verified = verify(signed, policy=load_policy([place.pki.root.certificate]), now=NOW)
    assert verified.signer.agency_code == "H29.5"


def test_a_document_signed_on_p_384_is_accepted_by_xmlsec(place, ec_files):
    place.fill(ec_files["secp384r1"])
    key = place.load()

    signed = XadesSigner(key, second=SecondOpinion(key.certificate)).sign(
        DOCUMENT.encode(), signed_at=NOW
    )

    assert b"ecdsa-sha384" in signed


def test_the_certificate_may_be_a_file_beside_and_then_is_the_one(place):
    place.fill(with_certificate=False)
    (place.folder / "agency.cert.pem").write_bytes(place.agency.certificate.read_bytes())

    key = place.load()

    prove(key)
    assert key.chain == ()


def test_of_several_certificates_in_a_token_the_key_s_own_is_found(place):
    other = place.pki.agencies["so-y-te"]
    place.token.add_certificate(other.certificate, label="other", key_id="02")
    place.fill(key_id="03")

    key = place.load()

    assert key.certificate.subject.rfc4514_string().startswith("2.5.4.97=H29.5")


def test_many_threads_sign_with_two_keys_of_one_token(place, ec_files):
    place.fill(key_id="01")
    place.fill(ec_files["secp256r1"], label="curve", key_id="02")
    keys = [place.load(), place.load("curve", key="curve")]

    with ThreadPoolExecutor(16) as threads:
        done = list(threads.map(lambda number: prove(keys[number % 2]), range(400)))

    assert len(done) == 400


def test_a_token_that_was_away_goes_on_by_itself(place):
    place.fill()
    key = place.load()

    place.token.pull_out()
    assert refusal_of(lambda: prove(key)).code == "key.token_absent"
    assert refusal_of(lambda: place.load("second")).code == "key.token_absent"
    place.token.put_back()

    prove(key)
    prove(place.load("second"))


def test_a_token_that_is_away_does_not_keep_another_of_the_same_module_from_signing(
    place, softhsm, monkeypatch
):
    place.fill()
    other = softhsm.add_token("steady")
    other.add_key(place.agency.key, label="steady")
    other.add_certificate(place.agency.certificate, label="steady")
    away, there = (
        place.load(),
        place.load_again(other.write(place.folder / "steady", key="steady")),
    )
    place.token.pull_out()
    for _ in range(3):
        assert refusal_of(lambda: prove(away)).code == "key.token_absent"
        prove(there)

    # And it is not started again and again by a token that is away.
    monkeypatch.setattr(token_module, "RESTART_SECONDS", 3600.0)
    before = away.private_key._module.generation
    for _ in range(3):
        assert refusal_of(lambda: prove(away)).code == "key.token_absent"
        prove(there)
    assert away.private_key._module.generation == before


def test_a_child_of_a_fork_signs_and_so_does_its_parent(place):
    place.fill()
    key = place.load()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            prove(key)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    prove(key)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_process_with_a_key_in_a_token_ends_well(place, softhsm):
    place.fill()
    file = place.token.write(place.folder / "agency", key="agency")
    program = (
        "import sys; from pathlib import Path; from signing import prove; "
        "from signing.token_key import load_token_key; here = Path(sys.argv[1]); "
        "prove(load_token_key(here, pin_file=here.with_name('agency.pass'), "
        "certificate_file=here.with_name('none'), memory=here.parent))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def tries_of(monkeypatch):
    """Count how often a token is asked to take a PIN."""
    tries = []
    real = token_module.TokenModule._log_in

    def counted(self, place, pin_file, *, token, pin):
        tries.append(pin.reveal().decode())
        return real(self, place, pin_file, token=token, pin=pin)

    monkeypatch.setattr(token_module.TokenModule, "_log_in", counted)
    return tries


def test_a_wrong_pin_is_tried_once_until_its_file_changes(place, monkeypatch):
    place.fill()
    tries = tries_of(monkeypatch)
    file = place.token.write(place.folder / "agency", key="agency", pin="9999")

    for _ in range(5):
        refused = refusal_of(lambda: place.load_again(file))
        assert refused.code == "key.pin_wrong"
        assert "9999" not in refused.en + refused.vi + repr(refused.__cause__)
    assert tries == ["9999"]

    (place.folder / "agency.pass").write_text("2468\n")
    prove(place.load_again(file))
    assert tries == ["9999", "2468"]


def test_another_process_does_not_try_the_wrong_pin_again(place, monkeypatch):
    place.fill()
    file = place.token.write(place.folder / "agency", key="agency", pin="9999")
    refusal_of(lambda: place.load_again(file))

    # What a process of tomorrow knows: nothing but the files.
    monkeypatch.setattr("signing.pin_file._refused_here", {})
    monkeypatch.setattr(token_module, "_modules", {})
    tries = tries_of(monkeypatch)

    assert refusal_of(lambda: place.load_again(file)).code == "key.pin_wrong"
    assert tries == []
    [mark] = place.memory.iterdir()
    assert "9999" not in mark.read_text()


def test_where_nothing_can_be_remembered_on_disk_the_process_remembers(place, monkeypatch):
    place.fill()
    place.memory = place.folder / "nowhere"
    tries = tries_of(monkeypatch)
    file = place.token.write(place.folder / "agency", key="agency", pin="9999")

    for _ in range(3):
        assert refusal_of(lambda: place.load_again(file)).code == "key.pin_wrong"
    assert tries == ["9999"]


def test_the_same_wrong_pin_of_another_key_of_the_token_is_not_tried(place, monkeypatch):
    place.fill()
    tries = tries_of(monkeypatch)

    assert refusal_of(lambda: place.load("one", pin="9999")).code == "key.pin_wrong"
    assert refusal_of(lambda: place.load("two", pin="9999")).code == "key.pin_wrong"

    assert tries == ["9999"]


def test_a_wrong_pin_beside_one_key_does_not_stop_another_of_the_token(place):
    place.fill()
    good = place.load()

    assert refusal_of(lambda: place.load("two", pin="9999")).code == "key.pin_wrong"

    prove(good)


def test_a_token_with_one_try_left_is_not_tried(place, monkeypatch):
    place.fill()
    tries = tries_of(monkeypatch)
    real = token_module.TokenModule._find

    class AtItsLast:
        def __init__(self, token, flag):
            self.slot, self.serial, self.flags = token.slot, token.serial, token.flags | flag

    for flag, code in (
        (token_module.TokenFlag.USER_PIN_FINAL_TRY, "key.pin_final_try"),
        (token_module.TokenFlag.USER_PIN_LOCKED, "key.pin_locked"),
    ):
        # SoftHSM counts no tries; a device says so in these flags.
        monkeypatch.setattr(
            token_module.TokenModule,
            "_find",
            lambda self, place, flag=flag: AtItsLast(real(self, place), flag),
        )
        assert refusal_of(place.load).code == code
    assert tries == []


def test_a_key_that_wants_its_pin_before_every_signature_signs(place):
    place.fill(asks=True)
    key = place.load()

    assert key.private_key._found.asks_each_time
    for _ in range(3):
        prove(key)


def test_a_missing_pin_says_where_it_belongs(place):
    place.fill()
    file = place.token.write(place.folder / "agency", key="agency")
    for text in ("", " \n"):
        (place.folder / "agency.pass").write_text(text)
        assert refusal_of(lambda: place.load_again(file)).code == "key.pin_missing"
    (place.folder / "agency.pass").unlink()

    refused = refusal_of(lambda: place.load_again(file))

    assert refused.code == "key.pin_missing"
    assert "agency.pass" in refused.vi


def test_a_key_that_is_not_there_says_so(place):
    place.fill()

    refused = refusal_of(lambda: place.load(key="another"))

    assert refused.code == "key.missing"
    assert "another" in refused.en


def test_two_keys_of_one_label_are_told_apart_by_their_id(place, ec_files):
    place.fill(key_id="01")
    place.fill(ec_files["secp256r1"], key_id="02")

    assert refusal_of(place.load).code == "key.ambiguous"

    assert place.load(key_id="02").certificate.subject.rfc4514_string() == "CN=secp256r1"
    assert "H29.5" in place.load(key_id="01").certificate.subject.rfc4514_string()


def test_two_tokens_of_one_label_are_not_guessed(place, softhsm):
    place.fill()
    softhsm.add_token(place.token.label)

    assert refusal_of(place.load).code == "key.token_ambiguous"


@pytest.mark.parametrize("other", ["so-y-te", "secp256r1"])
def test_a_certificate_of_another_key_is_refused(place, ec_files, other):
    place.fill(with_certificate=False)
    assert refusal_of(place.load).code == "key.certificate_missing"
    files = ec_files.get(other) or place.pki.agencies[other]
    (place.folder / "agency.cert.pem").write_bytes(files.certificate.read_bytes())

    assert refusal_of(place.load).code == "key.mismatch"


def test_a_key_that_was_exchanged_meanwhile_does_not_sign(place):
    place.fill()
    key = place.load()
    place.token.remove_key(label="agency")
    assert refusal_of(lambda: prove(key)).code == "key.missing"

    place.token.add_key(place.pki.agencies["so-y-te"].key, label="agency")

    assert refusal_of(lambda: prove(key)).code == "key.mismatch"


def test_an_expired_certificate_of_a_token_does_not_sign(place):
    place.fill()
    late = NOW + timedelta(days=5_000)

    refused = refusal_of(lambda: XadesSigner(place.load()).sign(DOCUMENT.encode(), signed_at=late))

    assert refused.code == "key.expired"


def test_a_file_that_is_no_module_says_so(place):
    wrong = place.folder / "module.so"
    wrong.write_bytes(b"not a library")
    file = place.token.write(place.folder / "agency", key="agency")
    file.write_text(file.read_text().replace(str(place.token.module), str(wrong)))

    assert refusal_of(lambda: place.load_again(file)).code == "key.module"


def test_the_key_itself_is_nowhere_in_what_is_shown(place):
    place.fill()
    key = place.load()
    file_key = load_pem(place.agency.key, place.agency.certificate, passphrase=None)

    assert key.certificate == file_key.certificate
    assert "2468" not in repr(key) + repr(key.private_key)


@pytest.mark.parametrize(
    "algorithm", [one for one in Algorithm if one.name.startswith("RSA")], ids=lambda one: one.name
)
def test_a_token_that_only_hashes_by_itself_signs_the_same(place, algorithm):
    place.fill()
    key = place.load()
    found = key.private_key._find()
    found.offered = {one for one in found.offered if one not in (RSA_PKCS, RSA_PKCS_PSS)}
    found._methods.clear()

    signature = key.sign(b"what is signed", algorithm)

    method = found._methods[algorithm].mechanism
    assert method.name.startswith(algorithm.hash.name.upper())
    key.certificate.public_key().verify(
        signature, b"what is signed", algorithm.padding, algorithm.hash
    )


def test_a_method_that_a_token_does_not_offer_is_named(place):
    place.fill()
    key = place.load()
    key.private_key._find().offered = set()
    key.private_key._find()._methods.clear()

    assert refusal_of(lambda: key.sign(b"x", Algorithm.RSA_SHA512)).code == "key.mechanism"
    assert refusal_of(lambda: key.sign(b"x", Algorithm.ECDSA_SHA256)).code == "key.mechanism"

"""xmlsec looks at what we signed before it leaves, and shares no code with what signed it."""

from datetime import UTC, datetime

import pytest
import xmlsec
from lxml import etree

from signing import Form, Hash, PlainSigner, RsaPadding, XadesSigner, load_pem, make_development_pki
from signing.composing import Composer
from signing.second import SecondOpinion, SignatureUnproven

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
DOCUMENT = '<BanTin xmlns="urn:x" Id="b1"><Ten>Nguyễn Văn Mẫu</Ten><So>5</So></BanTin>'.encode()


@pytest.fixture(scope="module", params=["rsa", "ec"])
def key(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    agencies = {"a": ("H29.1", "Sở Mẫu")}
    pki = make_development_pki(folder, agencies=agencies, now=NOW, kind=request.param)
    files = pki.agencies["a"]
    return load_pem(files.key, files.certificate, passphrase=None)


@pytest.fixture(params=list(RsaPadding), ids=lambda padding: padding.value)
def signed(key, request):
    return XadesSigner(key, rsa_padding=request.param).sign(DOCUMENT, signed_at=NOW)


def test_what_we_signed_is_accepted(key, signed):
    SecondOpinion(key.certificate)(signed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Mẫu<", "Mẩu<"),
        ("<So>5", "<So>6"),
        ("2026-03-02T08", "2026-03-02T09"),
        ("text/xml", "text/xm1"),
        ("#b1", "#b2"),
    ],
    ids=["name", "number", "signing time", "signed properties", "reference"],
)
def test_what_was_changed_after_signing_is_refused(key, signed, old, new):
    text = signed.decode()
    assert old in text

    with pytest.raises(SignatureUnproven) as refused:
        SecondOpinion(key.certificate)(text.replace(old, new, 1).encode())

    assert refused.value.code == "signature.unproven"
    assert "Mẫu" not in refused.value.en + refused.value.vi


FILE = b"%PDF-1.7 \x00" * 9000


@pytest.mark.parametrize("digest", [None, *Hash])
def test_every_form_and_hash_is_accepted(key, digest):
    second = SecondOpinion(key.certificate)
    signer = XadesSigner(key, digest=digest, second=second)

    signer.sign(DOCUMENT, signed_at=NOW)
    signer.sign_file(FILE, name="a/b%20c.pdf", signed_at=NOW)
    PlainSigner(key, digest=digest, second=second).sign(DOCUMENT, at=NOW)


@pytest.mark.parametrize(
    "file",
    [("a.pdf", FILE + b"x"), ("a.pdf", b""), ("b.pdf", FILE), None],
    ids=["changed", "empty", "another name", "not given"],
)
def test_a_file_that_was_not_signed_is_refused(key, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdf").write_bytes(FILE)  # on the disk it would be right: nobody looks there
    signature = XadesSigner(key).sign_file(FILE, name="a.pdf", signed_at=NOW)

    with pytest.raises(SignatureUnproven):
        SecondOpinion(key.certificate)(signature, form=Form.DETACHED, file=file)


def test_a_signature_of_another_form_is_refused(key):
    enveloped = XadesSigner(key).sign(DOCUMENT, signed_at=NOW)
    plain = PlainSigner(key).sign(DOCUMENT, at=NOW)

    for document, form in [(enveloped, Form.PLAIN), (plain, Form.ENVELOPED)]:
        with pytest.raises(SignatureUnproven):
            SecondOpinion(key.certificate)(document, form=form)


def test_another_key_is_refused(key, signed, tmp_path):
    other = make_development_pki(tmp_path, agencies={}, now=NOW).operator
    certificate = load_pem(other.key, other.certificate, passphrase=None).certificate

    with pytest.raises(SignatureUnproven):
        SecondOpinion(certificate)(signed)


@pytest.mark.parametrize(
    "document", [b"", b"<a/>", DOCUMENT, b"<a" * 3], ids=["nothing", "empty", "unsigned", "no XML"]
)
def test_what_is_not_signed_is_refused(key, document):
    with pytest.raises(SignatureUnproven):
        SecondOpinion(key.certificate)(document)


def test_a_signer_that_composes_wrongly_lets_nothing_out(key, monkeypatch):
    digest = Composer.digest
    monkeypatch.setattr(Composer, "digest", lambda self, data: digest(self, data + b" "))
    signer = XadesSigner(key, second=SecondOpinion(key.certificate))

    with pytest.raises(SignatureUnproven):
        signer.sign(DOCUMENT, signed_at=NOW)


def test_of_so_many_one_is_looked_at(key, signed):
    second = SecondOpinion(key.certificate, every=3)
    broken = signed.replace("Mẫu<".encode(), "Mẩu<".encode())
    found = []
    for number in range(7):
        try:
            second(broken)
        except SignatureUnproven:
            found.append(number)

    assert found == [0, 3, 6]


def test_lxml_and_xmlsec_bring_the_same_libxml2():
    """With two of them in one process a document of the one is no document of the other."""
    assert xmlsec.get_libxml_version() == etree.LIBXML_VERSION
    assert xmlsec.get_libxml_compiled_version() == etree.LIBXML_COMPILED_VERSION

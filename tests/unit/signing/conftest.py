"""A small workshop: real keys, real certificates, and the tools of a forger."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from signing import (
    Algorithm,
    Form,
    Inspection,
    SigningKey,
    VerificationPolicy,
    XadesSigner,
    canonical_bytes,
    inspect,
    inspect_detached,
    inspect_plain,
)
from signing.composing import Composer, Content
from signing.methods import make_value
from signing.values import algorithm_of
from signing.xades import put_inside

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
DOCUMENT = (
    '<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-7f0c">'
    "<MaBanTin>7f0c</MaBanTin><MaDonVi>H29.5</MaDonVi>"
    "<HoSo><MaHoSo>H29.5-261124-0001</MaHoSo><TenHoSo>Nguyễn Thị Ứng &amp; con</TenHoSo></HoSo>"
    "</BanTin>"
).encode()

NAME = "giay-phep.pdf"
FILE = b"%PDF-1.7 \x00\xff"


@dataclass(frozen=True)
class Holder:
    """A key with its certificate."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def signing_key(self, *chain: x509.Certificate) -> SigningKey:
        return SigningKey(private_key=self.key, certificate=self.certificate, chain=chain)


@dataclass(frozen=True)
class ForgersKey:
    """Signs like a SigningKey, and refuses nothing."""

    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def public_key(self):
        return self.private_key.public_key()

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        if algorithm.padding is not None:
            return self.private_key.sign(data, algorithm.padding, algorithm.hash)
        return self.private_key.sign(data, ec.ECDSA(algorithm.hash))


class Workshop:
    """Makes certificates of every quality, and signatures that leave the profile."""

    now = NOW
    document = DOCUMENT

    def __init__(self) -> None:
        self.rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.root = self.issue("Gốc thử", issuer=None, is_ca=True)
        self.agency = self.issue("Sở Tư pháp", issuer=self.root, key=self.rsa_key)
        self.other_agency = self.issue("Sở Xây dựng", issuer=self.root)
        self.policy = VerificationPolicy(trust_anchors=(self.root.certificate,))

    def issue(
        self,
        name: str,
        *,
        issuer: Holder | None,
        key: object = None,
        is_ca: bool = False,
        path_length: int | None = None,
        usage: str | None = "by kind",
        begin: datetime = NOW - timedelta(days=30),
        end: datetime = NOW + timedelta(days=300),
        code: str | None = None,
        constraints: bool = True,
        hash_algorithm: hashes.HashAlgorithm | None = None,
        purposes: tuple[x509.ObjectIdentifier, ...] = (),
        filler: int = 0,
    ) -> Holder:
        own = key or ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if code is not None:
            subject.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code))
        names = x509.Name(subject)
        builder = (
            x509.CertificateBuilder()
            .subject_name(names)
            .issuer_name(names if issuer is None else issuer.certificate.subject)
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )
        if constraints:
            builder = builder.add_extension(
                x509.BasicConstraints(ca=is_ca, path_length=path_length), critical=True
            )
        if usage == "by kind":
            usage = "key_cert_sign" if is_ca else "digital_signature"
        if usage is not None:
            flags = dict.fromkeys(USAGES, False)
            builder = builder.add_extension(x509.KeyUsage(**{**flags, usage: True}), critical=True)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if filler:
            padding = x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.3.6.1.4.1.32473.9"), bytes(filler)
            )
            builder = builder.add_extension(padding, critical=False)
        signer = own if issuer is None else issuer.key
        return Holder(own, builder.sign(signer, hash_algorithm or hashes.SHA256()))

    def sign(self, document: bytes = DOCUMENT, *, by: Holder | None = None) -> bytes:
        return XadesSigner((by or self.agency).signing_key()).sign(document, signed_at=NOW)

    def sign_whole(self, document: bytes) -> bytes:
        """Sign without XAdES by the empty URI, as partners do whose roots have no Id."""
        key = self.agency.signing_key()
        content = Content(digest=sha256(document), uri="", media_type="text/xml", is_inside=True)
        return put_inside(document, Composer(key, algorithm=algorithm_of(key)).plain(content))

    def make(self, form: Form, *, by=None, chain: tuple[x509.Certificate, ...] = ()) -> bytes:
        """Return a signature of a form, made without any look at the key or its certificate."""
        holder = by or self.agency
        key = ForgersKey(holder.key, holder.certificate, chain)
        composer = Composer(key, algorithm=algorithm_of(key))
        if form is Form.DETACHED:
            content = Content(
                digest=composer.digest(FILE),
                uri=NAME,
                media_type="application/pdf",
                is_inside=False,
            )
            return composer.xades([content], identifier="f-1", moment=NOW).encode()
        content = Content(
            digest=composer.digest(DOCUMENT), uri="#bt-7f0c", media_type="text/xml", is_inside=True
        )
        if form is Form.PLAIN:
            return put_inside(DOCUMENT, composer.plain(content))
        return put_inside(DOCUMENT, composer.xades([content], identifier="bt-7f0c", moment=NOW))

    def judge(self, form: Form, text: bytes, **changes) -> Inspection:
        """Look at a signature of a form, under a policy that may be changed."""
        policy = replace(self.policy, **changes)
        if form is Form.DETACHED:
            return inspect_detached(text, FILE, name=NAME, policy=policy, now=NOW)
        if form is Form.PLAIN:
            return inspect_plain(text, policy=policy, at=NOW)
        return inspect(text, policy=policy, now=NOW)

    def rework(self, signed: bytes, change, *, by: Holder | None = None) -> bytes:
        """Apply `change(root)`, then make digests and signature value right again."""
        root = etree.fromstring(signed)
        change(root)
        self.restore(root, (by or self.agency))
        return canonical_bytes(root)

    def restore(self, root, by: Holder) -> None:
        """Make digests and value right again, in a signature of any form."""
        is_beside = root.tag == f"{DS}Signature"
        signature = root if is_beside else root.find(f".//{DS}Signature")
        references = signature.findall(f"{DS}SignedInfo/{DS}Reference")
        properties = signature.find(f".//{XADES}SignedProperties")
        if properties is not None and len(references) > 1:
            made = sha256(canonical_bytes(properties))
            references[1].find(f"{DS}DigestValue").text = b64(made)
        if not is_beside and references:
            bare = etree.fromstring(canonical_bytes(root))
            bare.remove(bare.find(f"{DS}Signature"))
            references[0].find(f"{DS}DigestValue").text = b64(sha256(canonical_bytes(bare)))
        info = canonical_bytes(signature.find(f"{DS}SignedInfo"))
        key = by.signing_key()
        value = make_value(key, info, algorithm=algorithm_of(key))
        signature.find(f"{DS}SignatureValue").text = b64(value)

    def use_certificate(self, root, holder: Holder, *, named: bool) -> None:
        """Put another certificate into KeyInfo, and into the signed properties if `named`."""
        der = holder.certificate.public_bytes(Encoding.DER)
        root.find(f".//{DS}X509Certificate").text = b64(der)
        if named:
            cert = root.find(f".//{XADES}Cert")
            cert.find(f"{XADES}CertDigest/{DS}DigestValue").text = b64(sha256(der))
            cert.remove(cert.find(f"{XADES}IssuerSerialV2"))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    return Workshop()

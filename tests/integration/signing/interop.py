"""
Other implementations of XML Signature, each asked to verify what we signed, and to sign for us.

xmlsec1 (the program; where its version knows no PSS, the library of 1.3), the JDK, and signxml.
Each gets its jobs all at once, because a JDK takes a second to start.
"""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import new
from pathlib import Path

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import SignatureConfiguration, SignatureMethod, XMLSigner, XMLVerifier
from signxml.exceptions import SignXMLException

from signing import Algorithm, Form, Hash, RsaPadding, SigningKey
from signing.second_files import given
from signing.values import algorithm_of

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
NAME = "giay-phep.pdf"
FILE = b"%PDF-1.7 \x00\xff\r\n" * 100
DOCUMENT = (
    '<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-7f0c"><MaBanTin>7f0c</MaBanTin><HoSo>'
    "<TenHoSo>Nguyễn Thị Ứng &amp; con\nsố &lt;1&gt; &#xD;</TenHoSo></HoSo></BanTin>"
).encode()


_USAGES = (
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


@dataclass(frozen=True)
class Keys:
    """One key of each kind, with its files."""

    folder: Path
    keys: dict[str, SigningKey]
    root: x509.Certificate


@dataclass(frozen=True)
class Way:
    """One way to sign."""

    kind: str
    """rsa, rsa-pss, p-256 or p-384."""
    digest: Hash
    form: Form

    @property
    def key(self) -> str:
        return self.kind.removesuffix("-pss")

    @property
    def padding(self) -> RsaPadding:
        return RsaPadding.PSS if self.kind == "rsa-pss" else RsaPadding.PKCS1

    def algorithm(self, keys: Keys) -> Algorithm:
        return algorithm_of(keys.keys[self.key], rsa_padding=self.padding, digest=self.digest)

    def __str__(self) -> str:
        return f"{self.kind}-{self.digest.value}-{self.form.value}"


WAYS = [
    Way(kind, digest, form)
    for kind in ("rsa", "rsa-pss", "p-256", "p-384")
    for digest in Hash
    for form in Form
]


def make_keys(folder: Path) -> Keys:
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = _issue("Gốc", root_key, None, root_key)
    private = {
        "rsa": rsa.generate_private_key(65537, 2048),
        "p-256": ec.generate_private_key(ec.SECP256R1()),
        "p-384": ec.generate_private_key(ec.SECP384R1()),
    }
    keys = {}
    for name, key in private.items():
        certificate = _issue("Sở Tư pháp", key, root, root_key)
        keys[name] = SigningKey(private_key=key, certificate=certificate)
        pkcs8 = (PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, *pkcs8))
        (folder / f"{name}.der").write_bytes(key.private_bytes(Encoding.DER, *pkcs8))
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "root.crt").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / NAME).write_bytes(FILE)
    return Keys(folder, keys, root)


def _issue(name, key, issuer, issuer_key) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(_USAGES, False)
    usage["key_cert_sign" if issuer is None else "digital_signature"] = True
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def qualifying(way: Way, keys: Keys) -> str:
    """Return XAdES properties as another product would write them, signed certificate included."""
    der = keys.keys[way.key].certificate.public_bytes(Encoding.DER)
    named = b64encode(new(way.digest.value, der).digest()).decode()
    return (
        f'<xades:QualifyingProperties xmlns:xades="{XADES}" xmlns:ds="{DS}" Target="#sig-1">'
        '<xades:SignedProperties Id="sp-1"><xades:SignedSignatureProperties>'
        "<xades:SigningTime>2026-11-24T15:00:00+07:00</xades:SigningTime>"
        "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f'<ds:DigestMethod Algorithm="{way.digest.uri}"/><ds:DigestValue>{named}</ds:DigestValue>'
        "</xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
        "</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties>"
    )


def template(way: Way, keys: Keys) -> bytes:
    """Return what xmlsec fills in: digests, value and certificate are empty."""
    exclusive = f'<ds:Transform Algorithm="{C14N}"/>'
    empty = f'<ds:DigestMethod Algorithm="{way.digest.uri}"/><ds:DigestValue/>'
    if way.form is Form.DETACHED:
        references = f'<ds:Reference URI="{NAME}">{empty}</ds:Reference>'
    else:
        references = (
            f'<ds:Reference URI="#bt-7f0c"><ds:Transforms><ds:Transform '
            f'Algorithm="{DS}enveloped-signature"/>{exclusive}</ds:Transforms>{empty}'
            "</ds:Reference>"
        )
    held = ""
    if way.form is not Form.PLAIN:
        references += (
            '<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#sp-1">'
            f"<ds:Transforms>{exclusive}</ds:Transforms>{empty}</ds:Reference>"
        )
        held = f"<ds:Object>{qualifying(way, keys)}</ds:Object>"
    signature = (
        f'<ds:Signature xmlns:ds="{DS}" Id="sig-1"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{way.algorithm(keys).value}"/>{references}</ds:SignedInfo>'
        "<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data>"
        f"</ds:KeyInfo>{held}</ds:Signature>"
    )
    if way.form is Form.DETACHED:
        return signature.encode()
    return DOCUMENT.replace(b"</BanTin>", signature.encode() + b"</BanTin>")


class Xmlsec:
    """The program xmlsec1, or for PSS the library, for Debian's program is too old for it."""

    name = "xmlsec"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def verify(self, documents: dict[Way, Path]) -> dict[Way, str]:
        return {way: self._verify(way, file) for way, file in documents.items()}

    def sign(self, ways: list[Way]) -> dict[Way, bytes | str]:
        return {way: self._sign(way) for way in ways}

    def _verify(self, way: Way, file: Path) -> str:
        if way.kind == "rsa-pss":
            return _by_library(way, self._keys, file.read_bytes(), is_new=False)[0]
        words = ["--verify", "--enabled-key-data", "x509", "--trusted-pem", "root.crt"]
        words += ["--verification-gmt-time", "2026-11-24 08:00:00"]
        return self._run([*words, *_IDS, str(file)])

    def _sign(self, way: Way) -> bytes | str:
        if way.kind == "rsa-pss":
            result, signed = _by_library(way, self._keys, template(way, self._keys), is_new=True)
            return signed or result
        file = self._keys.folder / "template.xml"
        file.write_bytes(template(way, self._keys))
        out = self._keys.folder / "signed-by-xmlsec.xml"
        pair = f"{way.key}.pem,{way.key}.crt"
        words = ["--sign", "--privkey-pem", pair, *_IDS, "--output", str(out), str(file)]
        result = self._run(words)
        return out.read_bytes() if result == "valid" else result

    def _run(self, words: list[str]) -> str:
        done = subprocess.run(
            ["xmlsec1", *words],
            cwd=self._keys.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return "valid" if done.returncode == 0 else done.stderr[:300]


_IDS = [
    "--id-attr:Id",
    "urn:lienthong:dvcqg:2020:BanTin",
    "--id-attr:Id",
    f"{XADES}:SignedProperties",
]


def _by_library(way: Way, keys: Keys, text: bytes, *, is_new: bool) -> tuple[str, bytes]:
    root = etree.fromstring(text)
    context = xmlsec.SignatureContext()
    files = [str(keys.folder / f"{way.key}.{ending}") for ending in ("pem", "crt")]
    if is_new:
        context.key = xmlsec.Key.from_file(files[0], xmlsec.constants.KeyDataFormatPem)
        context.key.load_cert_from_file(files[1], xmlsec.constants.KeyDataFormatPem)
    else:
        context.key = xmlsec.Key.from_file(files[1], xmlsec.constants.KeyDataFormatCertPem)
    for one in (root, *root.iter(f"{{{XADES}}}SignedProperties")):
        context.register_id(one, "Id")
    signature = next(root.iter(f"{{{DS}}}Signature"))
    try:
        with given(NAME, FILE):
            (context.sign if is_new else context.verify)(signature)
    except xmlsec.Error as error:
        return str(error), b""
    return "valid", etree.tostring(root)


class Jdk:
    """javax.xml.crypto."""

    name = "JDK"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        source = str(HERE / "Interop.java")
        subprocess.run(
            ["javac", "-d", str(keys.folder), source], check=True, capture_output=True, timeout=120
        )

    def verify(self, documents: dict[Way, Path]) -> dict[Way, str]:
        return self._run(
            "verify",
            {
                way: [f"{way.key}.crt", str(file), *self._beside(way)]
                for way, file in documents.items()
            },
        )

    def sign(self, ways: list[Way]) -> dict[Way, bytes | str]:
        folder = self._keys.folder
        (folder / "document.xml").write_bytes(DOCUMENT)
        jobs = {}
        for way in ways:
            held = "-"
            if way.form is not Form.PLAIN:
                held = f"{way}.properties"
                (folder / held).write_text(qualifying(way, self._keys), encoding="utf-8")
            methods = [way.algorithm(self._keys).value, way.digest.uri]
            inputs = [f"{way.key}.crt", f"{way.key}.der", *methods, "document.xml"]
            jobs[way] = [*inputs, *self._beside(way), held, f"{way}.jdk"]
        results = self._run("sign", jobs)
        return {
            way: (folder / f"{way}.jdk").read_bytes() if result == "signed" else result
            for way, result in results.items()
        }

    def _beside(self, way: Way) -> list[str]:
        return [NAME, NAME] if way.form is Form.DETACHED else ["-", "-"]

    def _run(self, command: str, jobs: dict[Way, list[str]]) -> dict[Way, str]:
        listed = self._keys.folder / f"{command}.jobs"
        listed.write_text("".join("\t".join(job) + "\n" for job in jobs.values()), encoding="utf-8")
        done = subprocess.run(
            ["java", "-cp", ".", "Interop", command, listed.name],
            cwd=self._keys.folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        return dict(zip(jobs, done.stdout.splitlines(), strict=True))


class Signxml:
    """signxml; its XAdES cannot digest properties by exclusive c14n, so it signs plainly only."""

    name = "signxml"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def verify(self, documents: dict[Way, Path]) -> dict[Way, str]:
        return {way: self._verify(way, file) for way, file in documents.items()}

    def sign(self, ways: list[Way]) -> dict[Way, bytes | str]:
        return {way: self._sign(way) for way in ways if way.form is Form.PLAIN}

    def _verify(self, way: Way, file: Path) -> str:
        count = 1 if way.form is Form.PLAIN else 2
        try:
            XMLVerifier().verify(
                file.read_bytes(),
                x509_cert=self._keys.keys[way.key].certificate,
                id_attribute="Id",
                uri_resolver={NAME: FILE}.get,
                expect_config=SignatureConfiguration(expect_references=count),
            )
        except SignXMLException as error:
            return repr(error)
        return "valid"

    def _sign(self, way: Way) -> bytes:
        signer = XMLSigner(
            signature_algorithm=SignatureMethod(way.algorithm(self._keys).value),
            digest_algorithm=way.digest.value,
            c14n_algorithm=C14N,
        )
        key = self._keys.keys[way.key]
        root = signer.sign(
            etree.fromstring(DOCUMENT),
            key=key.private_key,
            cert=[key.certificate],
            reference_uri="#bt-7f0c",
            id_attribute="Id",
        )
        return etree.tostring(root)


OTHERS = (Xmlsec, Jdk, Signxml)

"""
Keys for trying the product out: a root, an operator, a portal, a time-stamp authority, agencies.

Every certificate says in its subject that it is for development. Existing files are never
written over; what is missing is added, so the folder may grow by an agency at a time.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.errors import KeyUnusable, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from signing.keys import FileKey, Passphrase, SigningKey

DEVELOPMENT_MARK = "FOR DEVELOPMENT ONLY / CHỈ DÙNG ĐỂ THỬ NGHIỆM"
"""Stands as organizational unit in every development certificate."""

TIMESTAMP_TRUST = "trust-timestamp"
"""Folder of the roots that are pinned for time-stamps, beside those for signatures."""
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_ROOT_LIFE = timedelta(days=3650)
_MAX_NAME = 64
"""Upper bound of commonName and organizationName, RFC 5280 appendix A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """Where one key and its certificate lie."""

    key: Path
    certificate: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DevelopmentPki:
    """The development keys of one folder."""

    folder: Path
    root: KeyFiles
    operator: KeyFiles
    portal: KeyFiles
    timestamps: KeyFiles
    """Of an authority of time-stamps; its root is pinned for these apart, see `TIMESTAMP_TRUST`."""
    agencies: Mapping[str, KeyFiles]
    """By name; those asked for, whether made now or before."""
    created: tuple[str, ...]
    """Names of what was made by this call, for example "root" and "agencies/so-xay-dung"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """For whom a certificate is made."""

    common_name: str
    organization: str
    agency_code: str | None = None
    is_authority: bool = False
    """Of time-stamps, which excludes every other use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    """How long certificates hold."""

    begin: datetime
    end: datetime


def make_development_pki(
    folder: Path,
    *,
    agencies: Mapping[str, tuple[str, str]],
    now: datetime,
    days: int = 825,
    kind: Literal["rsa", "ec"] = "rsa",
) -> DevelopmentPki:
    """
    Make the development keys that `folder` does not have yet, and return where all of them are.

    Args:
        folder: Made if it is not there, readable by its owner only.
        agencies: Name (becomes a file name) to agency code and title.
        now: Aware; the certificates begin one day before.
        days: How long the certificates hold; the root holds for ten years.
        kind: Of the agencies' keys: RSA with 2048 bits, as agency cards have, or P-256.

    Raises:
        ValueError: a name cannot be a file name.
        KeyUnusable: a certificate is there whose key is gone; nothing is written over.
    """
    wrong = [name for name in agencies if _FILE_NAME.fullmatch(name) is None]
    if wrong:
        raise ValueError(f"Agency names must be lower-case file names: {', '.join(wrong)}")
    for place in (folder, folder / "agencies"):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A day early, for clocks that are behind.
    term = _Term(begin=now - timedelta(days=1), end=now + timedelta(days=days))
    issuer = _Issuer(folder, term=term)
    operator = issuer.issue(
        "operator", _Holder(common_name="Development operator", organization="Lienthong"), kind="ec"
    )
    portal = issuer.issue(
        "portal", _Holder(common_name="Development portal", organization="Lienthong"), kind="ec"
    )
    timestamps = issuer.issue(
        "timestamps",
        _Holder(common_name="Development time-stamps", organization="Lienthong", is_authority=True),
        kind="ec",
    )
    _pin_for_timestamps(folder, issuer.files)
    made = {
        name: issuer.issue(
            f"agencies/{name}",
            _Holder(common_name=title, organization=title, agency_code=code),
            kind=kind,
        )
        for name, (code, title) in agencies.items()
    }
    return DevelopmentPki(
        folder=folder,
        root=issuer.files,
        operator=operator,
        portal=portal,
        timestamps=timestamps,
        agencies=made,
        created=tuple(issuer.created),
    )


def add_development_key(
    folder: Path,
    name: str,
    *,
    title: str,
    agency_code: str | None,
    term: tuple[datetime, datetime],
    kind: Literal["rsa", "ec"] = "rsa",
) -> KeyFiles:
    """
    Make one more development key, to rehearse a change of keys.

    Args:
        folder: Has the development root.
        name: Of its files below `folder`, without ending; nothing stands there yet.
        title: Of its holder.
        agency_code: None for a holder that is no agency.
        term: From when to when its certificate is valid; aware.
        kind: RSA with 2048 bits, or P-256.

    Raises:
        KeyUnusable: there is no development root here.
    """
    begin, end = term
    if not (folder / "root.key.pem").exists():
        raise KeyUnusable(
            Reason(
                code="key.missing",
                vi=f"Không có khóa gốc thử nghiệm trong {folder}: xin chứng thư mới ở tổ chức cấp "
                "rồi đưa vào bằng --p12 hoặc --key và --certificate",
                en=f"There is no development root in {folder}: ask the authority for a new "
                "certificate, and hand it in with --p12, or --key and --certificate",
            )
        )
    (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    issuer = _Issuer(folder, term=_Term(begin=begin, end=end))
    holder = _Holder(common_name=title, organization=title, agency_code=agency_code)
    return issuer.issue(name, holder, kind=kind)


def is_development(certificate: x509.Certificate) -> bool:
    """Tell whether the certificate, or who issued it, is marked as for development only."""
    return any(
        attribute.value == DEVELOPMENT_MARK
        for name in (certificate.subject, certificate.issuer)
        for attribute in name.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    )


def export_pkcs12(key: SigningKey, *, passphrase: Passphrase) -> bytes:
    """Return a key that was made here, with its certificates, as one PKCS#12 file."""
    private_key = key.private_key
    assert isinstance(private_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return pkcs12.serialize_key_and_certificates(
        b"lienthong",
        private_key,
        key.certificate,
        list(key.chain),
        BestAvailableEncryption(passphrase.reveal()),
    )


class _Issuer:
    """The development root of one folder."""

    def __init__(self, folder: Path, *, term: _Term) -> None:
        self._folder = folder
        self._term = term
        self.created: list[str] = []
        self.files = self._files("root")
        _check_key_there(self.files)
        self._key = _key_in(self.files.key, kind="ec")
        if not self.files.certificate.exists():
            _write_new(self.files.certificate, _pem(self._make_root()))
            self.created.append("root")
        self._certificate = x509.load_pem_x509_certificate(self.files.certificate.read_bytes())

    def issue(self, name: str, holder: _Holder, *, kind: Literal["rsa", "ec"]) -> KeyFiles:
        """Make key and certificate `name`, unless they are there."""
        files = self._files(name)
        others = (self._folder / f"{name}.{ending}" for ending in ("p12", "pkcs11.toml"))
        if any(other.exists() for other in others):
            # Its key is in a bundle or a token: a second one beside it would have its certificate.
            return files
        if files.key.exists() and files.certificate.exists():
            return files
        _check_key_there(files)
        key = _key_in(files.key, kind=kind)
        _write_new(files.certificate, _pem(self._make_leaf(holder, key)))
        self.created.append(name)
        return files

    def _files(self, name: str) -> KeyFiles:
        return KeyFiles(
            key=self._folder / f"{name}.key.pem", certificate=self._folder / f"{name}.cert.pem"
        )

    def _make_root(self) -> x509.Certificate:
        subject = _subject(
            _Holder(common_name="Lienthong development root", organization="Lienthong")
        )
        usage = _usage(key_cert_sign=True, crl_sign=True)
        return (
            self._builder(subject, issuer=subject, key=self._key)
            .not_valid_after(self._term.begin + _ROOT_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _make_leaf(self, holder: _Holder, key: FileKey) -> x509.Certificate:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self._certificate.public_key()  # type: ignore[arg-type]
        )
        usage = _usage(digital_signature=True, content_commitment=True)
        builder = self._builder(_subject(holder), issuer=self._certificate.subject, key=key)
        if holder.is_authority:
            only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(only, critical=True)
        return (
            builder.not_valid_after(self._term.end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _builder(
        self, subject: x509.Name, *, issuer: x509.Name, key: FileKey
    ) -> x509.CertificateBuilder:
        public_key = key.public_key()
        identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._term.begin)
            .add_extension(identifier, critical=False)
        )


def _pin_for_timestamps(folder: Path, root: KeyFiles) -> None:
    pinned = folder / TIMESTAMP_TRUST / "development.cert.pem"
    if not pinned.exists():
        pinned.parent.mkdir(mode=0o700, exist_ok=True)
        _write_new(pinned, root.certificate.read_bytes())


def _check_key_there(files: KeyFiles) -> None:
    # The certificate is looked for first: it is written last, so with it the key must be there.
    if files.certificate.exists() and not files.key.exists():
        raise KeyUnusable(
            Reason(
                code="key.missing",
                vi=f"Không có {files.key}, nhưng chứng thư của khóa còn đó: hãy khôi phục khóa "
                "hoặc dời chứng thư đi",
                en=f"{files.key} is not there, but its certificate is: restore the key or move "
                "the certificate away",
            )
        )


def _subject(holder: _Holder) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, holder.organization[:_MAX_NAME]),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, DEVELOPMENT_MARK),
        x509.NameAttribute(NameOID.COMMON_NAME, _cut(holder.common_name)),
    ]
    if holder.agency_code is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, holder.agency_code))
    return x509.Name(attributes)


def _cut(text: str) -> str:
    # The library counts UTF-8 bytes, so a Vietnamese name holds fewer letters than 64.
    return text.encode()[:_MAX_NAME].decode(errors="ignore").strip()


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _key_in(file: Path, *, kind: Literal["rsa", "ec"]) -> FileKey:
    """Return the key in `file`, which is made first if it is not there."""
    if not file.exists():
        made = _make_key(kind)
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_new(file, pem)
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def _make_key(kind: Literal["rsa", "ec"]) -> FileKey:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _write_new(file: Path, data: bytes) -> None:
    """
    Write `file` whole or not at all, readable by its owner only, never over an existing one.

    When another process was faster, its file stays and ours is dropped: callers read the file.
    """
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, file)
        except FileExistsError:
            return
    finally:
        temporary.unlink()

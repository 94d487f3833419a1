"""
Signing keys: loaded once, checked once, never shown.

A key is an RSA key of at least 2048 bits or a key on P-256 or P-384, together with the
certificate that belongs to it and the intermediate certificates that go out with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

from signing.certificates import (
    is_for_signing,
    load_certificate,
    load_certificates,
    subject_text,
    weakness_of,
)
from signing.errors import KeyUnusable, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from signing.profile import Algorithm

PublicKey: TypeAlias = "rsa.RSAPublicKey | ec.EllipticCurvePublicKey"


class KeptKey(Protocol):
    """A private key that never leaves where it is kept, and signs there."""

    def public_key(self) -> PublicKey:
        """Return its public half."""

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        """
        Return the signature of `data`, one on an elliptic curve in DER.

        Raises:
            KeyUnusable: it cannot sign now; what is to be done is in the words.
        """


FileKey: TypeAlias = "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey"
"""One that was read from a file, and is in memory."""
PrivateKey: TypeAlias = "FileKey | KeptKey"


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A secret that opens a key file; repr and str show ***."""

    _value: str = field(repr=False)

    def reveal(self) -> bytes:
        """Return the secret as UTF-8, for the one call that needs it."""
        return self._value.encode("utf-8")

    def __repr__(self) -> str:
        return "Passphrase(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """
    A private key with its certificate; construction refuses what could not sign.

    Raises:
        KeyUnusable: "key.format", "key.weak", "key.mismatch" or "key.not_for_signing".
    """

    private_key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    """Intermediate certificates to send along, nearest issuer first; never the root's key."""

    def __post_init__(self) -> None:
        if not isinstance(self.public_key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise _unusable(
                "key.format",
                vi="Khóa ký phải là khóa RSA hoặc khóa trên đường cong P-256, P-384",
                en="The signing key must be an RSA key or a key on the curve P-256 or P-384",
            )
        if self.public_key != self.certificate.public_key():
            raise _unusable(
                "key.mismatch",
                vi=f"Chứng thư {self._shown} không thuộc về khóa này: hãy kiểm tra lại cặp tệp",
                en=f"Certificate {self._shown} does not belong to this key: check the two files",
            )
        weakness = weakness_of(self.certificate)
        if weakness is not None:
            raise _unusable("key.weak", vi=weakness.vi, en=weakness.en)
        if not is_for_signing(self.certificate):
            raise _unusable(
                "key.not_for_signing",
                vi=f"Chứng thư {self._shown} không dùng để ký số (keyUsage không cho phép)",
                en=f"Certificate {self._shown} is not meant for signing (keyUsage forbids it)",
            )

    @property
    def _shown(self) -> str:
        return f"{subject_text(self.certificate)} ({self.certificate.serial_number:x})"

    def __repr__(self) -> str:
        subject = self.certificate.subject.rfc4514_string()
        return f"SigningKey(subject={subject!r}, serial={self.certificate.serial_number:x})"

    @property
    def public_key(self) -> PublicKey:
        """The public half of the key."""
        return self.private_key.public_key()

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        """
        Return the signature of `data`, one on an elliptic curve in DER; an RSA method needs an RSA
        key.

        Raises:
            KeyUnusable: the key is kept elsewhere and cannot sign now.
        """
        private_key = self.private_key
        if isinstance(private_key, rsa.RSAPrivateKey):
            assert algorithm.padding is not None
            return private_key.sign(data, algorithm.padding, algorithm.hash)
        if isinstance(private_key, ec.EllipticCurvePrivateKey):
            return private_key.sign(data, ec.ECDSA(algorithm.hash))
        return private_key.sign(data, algorithm)

    def check_usable_at(self, at: datetime) -> None:
        """
        Return if the certificate is valid at `at`.

        Raises:
            KeyUnusable: "key.expired" or "key.not_yet_valid"; a new certificate is needed.
        """
        if at < self.certificate.not_valid_before_utc:
            day = self.certificate.not_valid_before_utc.date()
            raise _unusable(
                "key.not_yet_valid",
                vi=f"Chứng thư {self._shown} chỉ có hiệu lực từ {day}",
                en=f"Certificate {self._shown} is valid only from {day}",
            )
        if at > self.certificate.not_valid_after_utc:
            day = self.certificate.not_valid_after_utc.date()
            raise _unusable(
                "key.expired",
                vi=f"Chứng thư {self._shown} đã hết hạn ngày {day}: hãy thay chứng thư mới",
                en=f"Certificate {self._shown} expired on {day}: install a new one",
            )


def load_pem(
    key_file: Path, certificate_file: Path, *, passphrase: Passphrase | None
) -> SigningKey:
    """
    Load a key and its certificate from PEM files.

    The certificate file may hold intermediates too, in any order. Loading checks an RSA key for
    some 30 ms: do it once per process.

    Raises:
        KeyUnusable: a file is missing, locked or unreadable, or the two do not fit.
    """
    private_key = _load_private_key(key_file, passphrase=passphrase)
    try:
        certificates = load_certificates(_read(certificate_file))
    except ValueError as exc:
        raise _bad_format(certificate_file) from exc
    return _assemble(private_key, certificates)


def load_pkcs12(file: Path, *, passphrase: Passphrase | None) -> SigningKey:
    """
    Load a key, its certificate and intermediates from one PKCS#12 file (.p12, .pfx).

    Raises:
        KeyUnusable: the file is missing, locked, unreadable or incomplete.
    """
    data = _read(file)
    secret = None if passphrase is None else passphrase.reveal()
    try:
        bundle = pkcs12.load_pkcs12(data, secret)
    except ValueError as exc:
        # The library tells a wrong passphrase from a broken file only by its words.
        raise (_locked(file) if "password" in str(exc).lower() else _bad_format(file)) from exc
    if bundle.key is None or bundle.cert is None:
        raise _bad_format(file)
    enclosed = [one.certificate for one in (bundle.cert, *bundle.additional_certs)]
    try:
        certificates = [load_certificate(one.public_bytes(Encoding.DER)) for one in enclosed]
    except ValueError as exc:
        raise _bad_format(file) from exc
    return _assemble(bundle.key, certificates)


def _load_private_key(file: Path, *, passphrase: Passphrase | None) -> object:
    data = _read(file)
    secret = None if passphrase is None else passphrase.reveal()
    if secret is not None and b"ENCRYPTED" not in data:
        # A passphrase that happens to be configured for an open key file is no mistake.
        secret = None
    try:
        return load_pem_private_key(data, secret)
    except TypeError as exc:
        raise _locked(file) from exc
    except ValueError as exc:
        raise (_locked(file) if secret is not None else _bad_format(file)) from exc


def _assemble(private_key: object, certificates: Sequence[x509.Certificate]) -> SigningKey:
    if not isinstance(private_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _unusable(
            "key.format",
            vi="Khóa ký phải là khóa RSA hoặc khóa trên đường cong P-256, P-384",
            en="The signing key must be an RSA key or a key on the curve P-256 or P-384",
        )
    public_key = private_key.public_key()
    own = next((one for one in certificates if one.public_key() == public_key), certificates[0])
    chain = tuple(one for one in certificates if one != own and one.issuer != one.subject)
    return SigningKey(private_key=private_key, certificate=own, chain=chain)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise _unusable(
            "key.missing",
            vi=f"Không đọc được tệp khóa hoặc chứng thư {file}: {exc.strerror}",
            en=f"Key or certificate file {file} cannot be read: {exc.strerror}",
        ) from exc


def _locked(file: Path) -> KeyUnusable:
    return _unusable(
        "key.locked",
        vi=f"Không mở được khóa {file}: thiếu mật khẩu hoặc mật khẩu sai",
        en=f"Key {file} cannot be opened: its passphrase is missing or wrong",
    )


def _bad_format(file: Path) -> KeyUnusable:
    return _unusable(
        "key.format",
        vi=f"Tệp {file} không chứa khóa hoặc chứng thư ở dạng đọc được (PEM hoặc PKCS#12)",
        en=f"File {file} does not hold a readable key or certificate (PEM or PKCS#12)",
    )


def _unusable(code: str, *, vi: str, en: str) -> KeyUnusable:
    return KeyUnusable(Reason(code=code, vi=vi, en=en))

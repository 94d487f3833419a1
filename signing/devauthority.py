"""
What a development authority says about certificates it has withdrawn: CRLs and OCSP answers.

For tests and the sandbox. It keeps no book: the caller says what was revoked, and when it speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from signing.keys import FileKey

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """One certificate that the authority has revoked."""

    serial: int
    at: datetime
    cause: x509.ReasonFlags | None = None
    invalid_since: datetime | None = None
    """When its key is thought to have got into other hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevelopmentAuthority:
    """Whoever holds an authority's key, or a responder's to whom it gave a certificate."""

    key: FileKey
    certificate: x509.Certificate

    def make_list(
        self,
        withdrawn: Sequence[Withdrawn] = (),
        *,
        now: datetime,
        life: timedelta | None = _DAY,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """
        Return a CRL, DER.

        Args:
            withdrawn: What is on it.
            now: When it is made.
            life: Until the next one.
            extensions: Of the list, with whether they are critical.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(now + (life or _DAY))
        )
        for value, critical in extensions:
            builder = builder.add_extension(value, critical=critical)
        for one in withdrawn:
            builder = builder.add_revoked_certificate(_entry(one))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def make_answer(
        self,
        certificate: x509.Certificate,
        *,
        issuer: x509.Certificate,
        now: datetime,
        withdrawn: Withdrawn | None = None,
        is_known: bool = True,
        life: timedelta | None = _DAY,
    ) -> bytes:
        """
        Return an OCSP answer about `certificate`, DER; it carries the certificate of who signs.

        Args:
            certificate: Which is asked about.
            issuer: Who issued it; a delegated responder speaks for it.
            now: When the answer is made.
            withdrawn: How the certificate was revoked; None: it was not.
            is_known: Whether the authority knows the certificate.
            life: Until the next one; None: it does not say.
        """
        status = ocsp.OCSPCertStatus.GOOD if is_known else ocsp.OCSPCertStatus.UNKNOWN
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=certificate,
                issuer=issuer,
                algorithm=hashes.SHA1(),  # noqa: S303 - names the issuer, proves nothing
                cert_status=status if withdrawn is None else ocsp.OCSPCertStatus.REVOKED,
                this_update=now,
                next_update=None if life is None else now + life,
                revocation_time=None if withdrawn is None else withdrawn.at,
                revocation_reason=None if withdrawn is None else withdrawn.cause,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
            .certificates([self.certificate])
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def make_responder(
        self,
        *,
        term: tuple[datetime, datetime],
        may_answer: bool = True,
        is_unchecked: bool = True,
    ) -> DevelopmentAuthority:
        """
        Return a responder that may answer in this authority's name.

        Args:
            term: From when to when its certificate is valid.
            may_answer: Whether that certificate is for answering (id-kp-OCSPSigning).
            is_unchecked: Whether it says that nobody need ask about itself (ocsp-nocheck).
        """
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = (
            ExtendedKeyUsageOID.OCSP_SIGNING if may_answer else ExtendedKeyUsageOID.CLIENT_AUTH
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Development responder")])
            )
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(term[0])
            .not_valid_after(term[1])
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if is_unchecked:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return DevelopmentAuthority(key=key, certificate=builder.sign(self.key, hashes.SHA256()))


def load_development_authority(folder: Path) -> DevelopmentAuthority:
    """
    Return the root of a folder of development keys.

    Raises:
        OSError: its key or certificate is not there.
    """
    key = load_pem_private_key((folder / "root.key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate((folder / "root.cert.pem").read_bytes())
    return DevelopmentAuthority(key=key, certificate=certificate)


def _entry(one: Withdrawn) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.at)
    if one.cause is not None:
        builder = builder.add_extension(x509.CRLReason(one.cause), critical=False)
    if one.invalid_since is not None:
        builder = builder.add_extension(x509.InvalidityDate(one.invalid_since), critical=False)
    return builder.build()

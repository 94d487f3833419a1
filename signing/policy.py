"""
What a verifier accepts. Everything has a safe default, except trust: nobody is trusted unless
their root (or their very certificate) is pinned here.

There is one policy for each use, to be given its roots: an agency's certificate must be worth
nothing under a portal's receipt, and SHA-1 nothing outside of what old systems have signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from signing.certificates import AGENCY_ATTRIBUTE, load_certificates
from signing.errors import Reason, SigningError
from signing.profile import MIN_RSA_BITS, Algorithm, Form, LegacyAlgorithm
from signing.revocation import Revocation
from signing.timestamp_policy import TimestampPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cryptography import x509


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationPolicy:
    """One way to judge signed documents; narrow it with `dataclasses.replace`."""

    trust_anchors: tuple[x509.Certificate, ...] = ()
    """Pinned roots; a chain of certificates must end in one of them."""
    algorithms: frozenset[Algorithm] = frozenset(Algorithm)
    legacy: frozenset[LegacyAlgorithm] = frozenset()
    """Accepted too, and with any of them SHA-1 digests: in the plain form, in no other."""
    forms: frozenset[Form] = frozenset(Form)
    """A signature of another form is refused, whoever asks."""
    canonical_only: bool = True
    """False: a text in the plain form need not be its own canonical form; XAdES always must."""
    elements: frozenset[tuple[str, str]] | None = None
    """(namespace, local name) of the roots that are accepted; None: any, the caller looks."""
    holders: frozenset[tuple[tuple[str, str], ...]] = frozenset()
    """Paths of (namespace, local name) from the root to elements in which a plain signature may
    stand, too; the whole document must be what it signs, wherever it stands."""
    max_bytes: int = 16 * 1024 * 1024
    """Of the whole signed document."""
    min_rsa_bits: int = MIN_RSA_BITS
    max_intermediates: int = 3
    clock_skew: timedelta = timedelta(minutes=5)
    """How far in the future a signing time may lie."""
    agency_attribute: str = AGENCY_ATTRIBUTE
    """Attribute type (dotted) of the subject that carries the agency's code."""
    needs_agency_code: bool = False
    """Refuse signers whose certificate names no agency code; receipts of a portal have none."""
    signers: frozenset[str] | None = None
    """SHA-256 of the only certificates that may have signed, lower-case hexadecimal; None: of any
    that lead to a pinned root."""
    revocation: Revocation = field(default_factory=Revocation)
    """Whether certificates withdrawn by their issuer are looked for."""
    timestamps: TimestampPolicy = field(default_factory=TimestampPolicy)
    """Which signature time-stamps are believed; without a root a time-stamp is not judged."""
    judges_at_timestamp: bool = False
    """Whether certificates must have been valid at the time-stamp, not at the stated time: what a
    signer says of the time is not taken for proof. Refuses documents that were stamped too late."""
    timestamp_delay: timedelta = timedelta(days=1)
    """How long after the stated signing time a time-stamp is usual; a later one is said."""
    anchor_files: Mapping[x509.Certificate, str] = field(default_factory=dict, compare=False)
    """From which file a pinned certificate came, for people."""


AGENCY_DOCUMENT = VerificationPolicy()
"""What agencies sign."""
PORTAL_RECEIPT = VerificationPolicy(forms=frozenset({Form.ENVELOPED}))
"""What a portal signs when it has received something."""
EDXML_LEGACY = VerificationPolicy(
    forms=frozenset({Form.PLAIN}),
    legacy=frozenset(LegacyAlgorithm),
    canonical_only=False,
)
"""
Documents that went between administrations by edXML: to verify only. How they are signed is not
known for sure. Accepted is a standard XML signature inside the document; the libraries that write
`Signature` in the namespace of QCVN 102 make none that a standard verifier could read.
"""


class TrustUnusable(SigningError):
    """The files that should hold pinned certificates do not ("trust.missing", "trust.format")."""


def load_policy(
    files: Iterable[Path],
    *,
    elements: frozenset[tuple[str, str]] | None = None,
    base: VerificationPolicy = AGENCY_DOCUMENT,
) -> VerificationPolicy:
    """
    Return a policy that trusts the certificates in `files` (PEM, one or more in each) alone.

    Args:
        files: Hold the certificates.
        elements: Roots that are accepted; None: those of `base`.
        base: Says everything else.

    Raises:
        TrustUnusable: a file cannot be read or holds no certificate; names every such file.
    """
    anchors: list[x509.Certificate] = []
    anchor_files: dict[x509.Certificate, str] = {}
    faults: list[Reason] = []
    for file in files:
        try:
            loaded = load_certificates(file.read_bytes())
            anchors += loaded
            anchor_files |= dict.fromkeys(loaded, str(file))
        except OSError as exc:
            faults.append(_missing(file, exc))
        except ValueError:
            faults.append(_no_certificate(file))
    if faults:
        raise TrustUnusable(
            Reason(
                code=faults[0].code,
                vi="; ".join(fault.vi for fault in faults),
                en="; ".join(fault.en for fault in faults),
            )
        )
    return replace(
        base,
        trust_anchors=tuple(dict.fromkeys(anchors)),
        elements=base.elements if elements is None else elements,
        anchor_files=anchor_files,
    )


def _missing(file: Path, exc: OSError) -> Reason:
    return Reason(
        code="trust.missing",
        vi=f"Không đọc được tệp chứng thư tin cậy {file}: {exc.strerror}",
        en=f"Trusted certificate file {file} cannot be read: {exc.strerror}",
    )


def _no_certificate(file: Path) -> Reason:
    return Reason(
        code="trust.format",
        vi=f"Tệp {file} không chứa chứng thư PEM đọc được",
        en=f"File {file} holds no readable certificate in PEM",
    )

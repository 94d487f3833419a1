"""
Read the XAdES properties that a signature does not cover: what was added to it later.

Exactly one signature time-stamp (ETSI EN 319 132-1, section 5.3), behind it perhaps the values of
baseline LT, and nothing else. Everybody can add and take away what stands here; only what proves
itself means anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signing.canonical import canonical_bytes
from signing.enclosed_values import EnclosedValues, read_values
from signing.parts import Departure, bytes_of, children_of, forbidden_algorithm
from signing.profile import EXCLUSIVE_C14N, XADES

if TYPE_CHECKING:
    from lxml.etree import _Element


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampClaim:
    """A signature time-stamp as it stands there."""

    token: bytes
    stamped: bytes
    """What it must be over: the exclusive canonical form of `ds:SignatureValue`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedClaims:
    """All that was added to a signature."""

    timestamp: TimestampClaim
    values: EnclosedValues | None
    """None: baseline T."""


def read_unsigned(unsigned: _Element, value: _Element) -> UnsignedClaims:
    """
    Return what `UnsignedProperties` hold: exactly one time-stamp, or this and the values.

    Args:
        unsigned: The element.
        value: The `ds:SignatureValue` of the same signature.
    """
    (about_signature,) = children_of(unsigned, "UnsignedSignatureProperties", namespace=XADES)
    if len(about_signature) == 1:
        (stamp,) = children_of(about_signature, "SignatureTimeStamp", namespace=XADES)
        return UnsignedClaims(timestamp=_read_timestamp(stamp, value), values=None)
    stamp, certificates, revocation = children_of(
        about_signature, "SignatureTimeStamp CertificateValues RevocationValues", namespace=XADES
    )
    return UnsignedClaims(
        timestamp=_read_timestamp(stamp, value), values=read_values(certificates, revocation)
    )


def _read_timestamp(stamp: _Element, value: _Element) -> TimestampClaim:
    names = [str(child.tag).rpartition("}")[2] for child in stamp]
    if names != ["CanonicalizationMethod", "EncapsulatedTimeStamp"]:
        raise _wrong(" ".join(names)[:200] or "-")
    method, token = stamp
    if method.get("Algorithm") != EXCLUSIVE_C14N or len(method):
        raise forbidden_algorithm(method)
    if token.tag != f"{{{XADES}}}EncapsulatedTimeStamp" or token.attrib:
        raise _wrong("EncapsulatedTimeStamp")
    return TimestampClaim(token=bytes_of(token), stamped=canonical_bytes(value))


def _wrong(found: str) -> Departure:
    return Departure(
        "signature.structure",
        vi="SignatureTimeStamp phải gồm CanonicalizationMethod và một EncapsulatedTimeStamp (DER), "
        f"thực tế là {found}",
        en="SignatureTimeStamp must hold CanonicalizationMethod and one EncapsulatedTimeStamp (DER)"
        f", found {found}",
    )

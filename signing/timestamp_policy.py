"""Which time-stamps are believed; nobody's are unless their root is pinned here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from signing.profile import MIN_RSA_BITS

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampPolicy:
    """Which time-stamps are believed."""

    trust_anchors: tuple[x509.Certificate, ...] = ()
    """Roots (self-signed) pinned for time-stamps, never those for signatures."""
    min_rsa_bits: int = MIN_RSA_BITS
    max_intermediates: int = 3
    clock_skew: timedelta = timedelta(minutes=5)
    """How far in the future a stated time may lie."""

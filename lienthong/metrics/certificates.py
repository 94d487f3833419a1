"""When keys and trusted certificates end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lienthong.held_keys import end_of_cover
from lienthong.key_checks import holders
from schemas.errors import LienthongError
from signing import SigningError, load_policy, read_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from cryptography import x509

    from lienthong.wiring import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """When what is signed with, and what is believed, ends."""

    keys: dict[str, datetime] = field(default_factory=dict)
    """By holder: until when one of its keys can sign, the moment itself where none can."""
    trust: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    """By use, name and fingerprint of the certificate."""
    unreadable: frozenset[str] = frozenset()
    """Holders and uses whose files cannot be read now."""


def read_ends(installation: Installation) -> Ends:
    """Return when keys and trust end; nothing signs, and what cannot be read is named."""
    now, keyring = installation.clock(), installation.keyring
    keys: dict[str, datetime] = {}
    unreadable: set[str] = set()
    for holder in holders(keyring):
        try:
            keys[holder] = end_of_cover(keyring.held(holder), now=now)
        except (LienthongError, SigningError, OSError):
            unreadable.add(holder)
    target = installation.settings.target
    files = () if target is None else target.receipt_trust
    uses: dict[str, Callable[[], Iterable[x509.Certificate]]] = {
        "documents": lambda: keyring.policy().trust_anchors,
        "timestamps": lambda: keyring.believed_timestamps().trust_anchors,
        "receipts": lambda: load_policy(files).trust_anchors if files else (),
    }
    trust: dict[tuple[str, str, str], datetime] = {}
    for use, load in uses.items():
        # Nobody pinned is a matter of `doctor`, and ends never.
        with suppress(LienthongError):
            try:
                found = list(load())
            except (SigningError, OSError):
                unreadable.add(use)
                continue
            for one in found:
                signer = read_signer(one)
                trust[use, signer.common_name or "", signer.fingerprint] = one.not_valid_after_utc
    return Ends(keys=keys, trust=trust, unreadable=frozenset(unreadable))

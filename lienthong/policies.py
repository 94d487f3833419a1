"""
By which policy each use judges signatures: what the product has, narrowed by settings.

Two anchors exist: agencies of the State hold certificates under the Government's official-duty
authority, everybody else under the public one. So every use pins its own roots.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lienthong.policy_settings import (
    AGENCY_DOCUMENT,
    EDXML_LEGACY,
    PORTAL_RECEIPT,
    PolicySettings,
)
from schemas.edxml.names import signature_places
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import (
    AGENCY_DOCUMENT as AGENCY_DOCUMENT_POLICY,
)
from signing import (
    EDXML_LEGACY as EDXML_LEGACY_POLICY,
)
from signing import (
    PORTAL_RECEIPT as PORTAL_RECEIPT_POLICY,
)
from signing import Algorithm, Demand, Form, LegacyAlgorithm, Revocation, load_policy
from signing.timestamps import TimestampPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lienthong.policy_settings import PolicyName
    from lienthong.revocation.sources import RevocationSources
    from signing import VerificationPolicy

_BASES: dict[PolicyName, VerificationPolicy] = {
    AGENCY_DOCUMENT: AGENCY_DOCUMENT_POLICY,
    PORTAL_RECEIPT: PORTAL_RECEIPT_POLICY,
    EDXML_LEGACY: replace(EDXML_LEGACY_POLICY, holders=signature_places()),
}


class Policies:
    """The policies of one installation."""

    def __init__(
        self,
        settings: Mapping[PolicyName, PolicySettings],
        *,
        pinned: Callable[[], VerificationPolicy],
        timestamps: Callable[[], TimestampPolicy] = TimestampPolicy,
        revocation: RevocationSources | None = None,
        receipt_trust: Sequence[Path] = (),
    ) -> None:
        """
        Remember what was set; nothing is read yet.

        Args:
            settings: By policy; a policy that is not set is as the product has it.
            pinned: Returns what the installation trusts where a policy has no roots of its own.
            timestamps: Returns which time-stamps are believed.
            revocation: What authorities have revoked; None: nobody is asked.
            receipt_trust: The target's certificates, which go before a policy's roots.
        """
        self._settings = settings
        self._pinned = pinned
        self._timestamps = timestamps
        self._revocation = revocation
        self._receipt_trust = tuple(receipt_trust)

    def load(
        self, name: PolicyName, *, roots: Sequence[Path] = (), waits: bool = False
    ) -> VerificationPolicy:
        """
        Return the policy of one use.

        Args:
            name: The use.
            roots: Trust these, whatever was set.
            waits: For what authorities say, as a command may; deliveries do not.

        Raises:
            ConfigError: nobody is pinned for it.
            signing.TrustUnusable: a file of roots cannot be read, or holds none.
        """
        settings = self._settings.get(name, PolicySettings())
        policy = replace(
            _narrowed(_BASES[name], settings),
            timestamps=self._timestamps(),
            revocation=self._asked(settings, waits=waits),
        )
        files = tuple(roots) or self._roots(name, settings)
        if files:
            return load_policy(files, base=policy)
        if name == PORTAL_RECEIPT:
            # Not the keyring's roots: an agency's certificate may lead to the same ones, and
            # no agency may sign the portal's receipts.
            raise ConfigError(
                Text(
                    vi="target.receipts là 'required' nhưng thiếu target.receipt_trust: ghi tệp "
                    "chứng thư của Cổng (hoặc policies.portal-receipt.roots), hoặc đặt "
                    "receipts = 'none'",
                    en="target.receipts is 'required', but target.receipt_trust is missing: name "
                    "the portal's certificate file (or policies.portal-receipt.roots), or set "
                    "receipts = 'none'",
                ),
                code="target.receipt_trust",
            )
        return replace(policy, trust_anchors=self._pinned().trust_anchors)

    def _asked(self, settings: PolicySettings, *, waits: bool) -> Revocation:
        if self._revocation is None:
            return Revocation()
        demand = None if settings.revocation is None else Demand(settings.revocation)
        return self._revocation.at_once(demand) if waits else self._revocation.beside(demand)

    def _roots(self, name: PolicyName, settings: PolicySettings) -> tuple[Path, ...]:
        if name == PORTAL_RECEIPT and self._receipt_trust:
            return self._receipt_trust
        return settings.roots


def _narrowed(base: VerificationPolicy, settings: PolicySettings) -> VerificationPolicy:
    changes: dict[str, Any] = {
        "min_rsa_bits": settings.min_rsa_bits,
        "max_bytes": settings.max_bytes,
        "needs_agency_code": settings.needs_agency_code,
        "judges_at_timestamp": settings.judges_at_timestamp,
    }
    if settings.agency_attribute is not None:
        changes["agency_attribute"] = settings.agency_attribute
    if settings.forms is not None:
        changes["forms"] = frozenset(Form(one) for one in settings.forms)
    if settings.algorithms is not None:
        wanted = set(settings.algorithms)
        changes["algorithms"] = frozenset(one for one in Algorithm if setting_name(one) in wanted)
        changes["legacy"] = frozenset(one for one in LegacyAlgorithm if setting_name(one) in wanted)
    return replace(base, **changes)


def setting_name(algorithm: Algorithm | LegacyAlgorithm) -> str:
    """Return how settings call a signature method, for example rsa-pss-sha256."""
    return algorithm.name.lower().replace("_", "-")

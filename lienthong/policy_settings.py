"""The settings of the policies by which signatures are judged, one table for each use."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PolicyName = Literal["agency-document", "portal-receipt", "edxml-legacy"]
AGENCY_DOCUMENT: PolicyName = "agency-document"
PORTAL_RECEIPT: PolicyName = "portal-receipt"
EDXML_LEGACY: PolicyName = "edxml-legacy"

StrongName = Literal[
    "rsa-sha256",
    "rsa-sha384",
    "rsa-sha512",
    "rsa-pss-sha256",
    "rsa-pss-sha384",
    "rsa-pss-sha512",
    "ecdsa-sha256",
    "ecdsa-sha384",
    "ecdsa-sha512",
]
LegacyName = Literal["rsa-sha1"]
FormName = Literal["enveloped", "detached", "plain"]


class PolicySettings(BaseModel):
    """What is said of one policy; what is not said is as the product has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roots: tuple[Path, ...] = Field(
        default=(), description="PEM; none: what keys_dir pins (receipts: the target's)"
    )
    algorithms: tuple[Literal[StrongName, LegacyName], ...] | None = Field(
        default=None, min_length=1, description="of signatures; rsa-sha1 in edxml-legacy only"
    )
    forms: tuple[FormName, ...] | None = Field(
        default=None, min_length=1, description="of signatures"
    )
    min_rsa_bits: int = Field(
        default=2048, ge=2048, le=16384, description="of a signer's key and its authorities'"
    )
    max_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, le=128 * 1024 * 1024, description="of a signed document"
    )
    agency_attribute: str | None = Field(
        default=None,
        pattern=r"^[0-2](\.(0|[1-9][0-9]*))+$",
        description="of a subject, dotted, that carries the agency's code",
    )
    needs_agency_code: bool = Field(
        default=False, description="refuse signers whose certificate names no agency"
    )
    revocation: Literal["off", "when-available", "required"] | None = Field(
        default=None, description="of certificates; none: as [revocation] demand says"
    )
    judges_at_timestamp: bool = Field(
        default=False,
        description="certificates must be valid at a signature's time-stamp, if it has one",
    )


def check_policies(policies: dict[PolicyName, PolicySettings]) -> None:
    """
    Refuse what is broken wherever it is not for old documents.

    Raises:
        ValueError: names each policy.
    """
    wrong = [
        f"{name}.algorithms: rsa-sha1 is for {EDXML_LEGACY} only"
        for name, policy in policies.items()
        if name != EDXML_LEGACY and "rsa-sha1" in (policy.algorithms or ())
    ]
    if wrong:
        raise ValueError("; ".join(wrong))


def join_names(value: object) -> object:
    """Let LIENTHONG_POLICIES__AGENCY_DOCUMENT__… mean its table: shells know no '-'."""
    if not isinstance(value, dict):
        return value
    joined: dict[Any, Any] = {}
    for name, table in value.items():
        meant = name.replace("_", "-") if isinstance(name, str) else name
        known = joined.get(meant)
        if isinstance(known, dict) and isinstance(table, dict):
            joined[meant] = {**known, **table}
        else:
            joined[meant] = table
    return joined

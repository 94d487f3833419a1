"""What can be set about revocation: `[revocation]` of the settings."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads annotations
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lienthong.revocation.addresses import is_callable

MIB = 1024 * 1024


class RevocationSettings(BaseModel):
    """Whether certificates that their issuer has withdrawn are looked for, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    demand: Literal["off", "when-available", "required"] = Field(
        default="when-available",
        description="where nothing is known that is said, no more; policies may differ",
    )
    max_age_hours: float = Field(
        default=168, gt=0, le=8784, description="how old what is said of a signer may be"
    )
    authority_max_age_days: float = Field(
        default=366, gt=0, le=1830, description="the same of an authority; roots speak seldom"
    )
    believe_stated_time: bool = Field(
        default=True,
        description="false: who was revoked later counts as revoked, whatever time is stated",
    )
    folder: Path | None = Field(
        default=None, description="lists (CRL) that somebody puts there, for closed networks"
    )
    fetch: bool = Field(
        default=True, description="from the addresses in certificates that lead to a pinned root"
    )
    lists: tuple[str, ...] = Field(
        default=(), description="addresses of lists that certificates do not name"
    )
    timeout_seconds: float = Field(default=20, gt=0, le=300, description="for a whole call")
    max_bytes: int = Field(default=20 * MIB, ge=1024, le=20 * MIB, description="of one list")

    @field_validator("lists")
    @classmethod
    def _check_lists(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not is_callable(one):
                raise ValueError(f"{one!r} is not an address: http:// or https://, without a user")
        return value

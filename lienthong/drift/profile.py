"""What can be set about drift: `[drift]` of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

MIB = 1024 * 1024

if TYPE_CHECKING:
    from lienthong.channels.profile import TargetProfile


class DriftSettings(BaseModel):
    """How a target's contract is watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answers: bool = Field(default=True, description="watch the answers as they arrive")
    learn_answers: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="of each kind that are learnt from, before what differs counts",
    )
    code_names: tuple[str, ...] = Field(
        default=(),
        description="fields of answers that say how a call ended; empty: those of the channel",
    )
    returned_after_hours: float = Field(
        default=24,
        gt=0,
        le=8760,
        description="how long the old shape must be back before a drift ends by itself",
    )
    documents: tuple[str, ...] = Field(
        default=(),
        description="WSDL and XSD of the target, addresses or files; looked at by the role `drift`",
    )
    dictionaries: bool = Field(
        default=True, description="look at the target's dictionaries, where its channel has them"
    )
    check_hours: float = Field(
        default=24, gt=0, le=8760, description="between two looks at documents and dictionaries"
    )
    timeout_seconds: float = Field(default=20, gt=0, le=300, description="for a whole document")
    max_bytes: int = Field(default=4 * MIB, ge=1024, le=16 * MIB, description="of one document")

    @model_validator(mode="after")
    def _check_documents(self) -> Self:
        for one in self.documents:
            parts = urlsplit(one)
            if not one.strip() or parts.username is not None or parts.password is not None:
                raise ValueError(
                    f"documents: {parts.hostname or one!r} is no file or address without a login"
                )
        if len(set(self.documents)) != len(self.documents):
            raise ValueError("documents: one is named twice")
        return self


def has_dictionaries(settings: DriftSettings, target: TargetProfile) -> bool:
    """Return whether a target hands out dictionaries that are to be looked at."""
    adapter = target.json_adapter
    return settings.dictionaries and adapter is not None and bool(adapter.share_endpoint)

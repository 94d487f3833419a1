"""What one agency lets another have: `[sharing.NAME]`."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1, max_length=200)]
DOSSIER_CODE = "MaHoSo"
"""Always shared: without it nobody knows which dossier is meant."""


class SharingProfile(BaseModel):
    """The `[sharing.NAME]` table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: Name = Field(alias="from", description="whose dossiers, by name of its mapping")
    to: Name = Field(description="who gets them, by name of its mapping")
    procedures: tuple[Name, ...] = Field(
        min_length=1, description='MaTTHC of what is shared; "*" alone: all'
    )
    statuses: tuple[Name, ...] = Field(
        default=(), description="TrangThaiHoSo of the snapshots that are shared; empty: all"
    )
    fields: tuple[Name, ...] = Field(
        min_length=1,
        description="of HoSo that are shared, by path: ChuHoSo, DanhSachGiayToKetQua.TenGiayTo; "
        "a list's own name shares all of it",
    )
    progress: tuple[Name, ...] = Field(
        default=(), description="of TienDo that are shared; empty: no progress rows"
    )
    masked: tuple[Name, ...] = Field(
        default=(), description="of these, whose values but the last three characters become *"
    )
    purpose: str = Field(min_length=1, max_length=1000, description="what they are for")
    legal_basis: str = Field(min_length=1, max_length=1000, description="that allows it")
    since: date | None = Field(default=None, description="first day; None: from now on")
    until: date = Field(description="last day")

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        if self.sender == self.to:
            problems.append("from and to are the same agency")
        if "*" in self.procedures and len(self.procedures) > 1:
            problems.append('procedures: "*" stands alone')
        if self.since is not None and self.since > self.until:
            problems.append("since is after until")
        if strange := sorted(set(self.masked) - {*self.fields, *self.progress}):
            problems.append(f"masked: not shared at all: {', '.join(strange)}")
        if DOSSIER_CODE in self.masked:
            problems.append(f"masked: {DOSSIER_CODE} says which dossier is meant")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def is_in_force(self, day: date) -> bool:
        """Tell whether anything is shared on a day, in Vietnam."""
        return day <= self.until and (self.since is None or self.since <= day)

    def covers(self, *, procedure: str | None, status: str | None) -> bool:
        """
        Tell whether what is said of a dossier is shared.

        Args:
            procedure: MaTTHC.
            status: TrangThaiHoSo of a snapshot; None for a progress row.
        """
        if self.procedures != ("*",) and procedure not in self.procedures:
            return False
        return status is None or not self.statuses or status in self.statuses

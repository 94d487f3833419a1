"""What one agency lets another have: `[sharing.NAME]`."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Collection

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
        default=(),
        description="of these, whose values but the last three characters become *; a list's own "
        "name masks all of it",
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
        shared = {*self.fields, *self.progress}
        if strange := sorted(path for path in self.masked if not _is_in(path, shared)):
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


def _is_in(path: str, shared: Collection[str]) -> bool:
    """Tell whether a path is shared by its own name or by that of a list it stands in."""
    steps = path.split(".")
    return any(".".join(steps[:count]) in shared for count in range(1, len(steps) + 1))

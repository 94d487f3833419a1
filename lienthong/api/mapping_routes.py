"""The routes about one mapping: what it fills, its versions, and what a change would do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from lienthong.api.asking import AtSite, Caller
from lienthong.operations.impact import MOST_SUBMISSIONS, see_impact
from lienthong.operations.mapping_views import ImpactView, MappingDetail, VersionsView
from lienthong.operations.mappings import see_mapping, see_versions

router = APIRouter(prefix="/v1/mappings", tags=["installation"])

AgencyName = Annotated[
    str, Field(max_length=64, description="As the list of installed mappings has it.")
]


class ImpactAsked(BaseModel):
    """A changed mapping, and over how much it is compared."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    yaml: str = Field(min_length=1)
    """Its text, 256 KiB as UTF-8 at most; with the name and the agency's code of the one
    installed."""
    submissions: int = Field(default=5, ge=1, le=MOST_SUBMISSIONS)
    """How many of the latest that are not erased are read."""


@router.get("/{agency}")
def mapping(site: AtSite, caller: Caller, agency: AgencyName) -> MappingDetail:
    """Show one installed mapping, and which of the portal's fields it does not fill."""
    return see_mapping(site.installation, caller, agency)


@router.get("/{agency}/versions")
def mapping_versions(site: AtSite, caller: Caller, agency: AgencyName) -> VersionsView:
    """Tell which versions made the messages that changed in the last 30 days."""
    return see_versions(site.installation, caller, agency)


@router.post("/{agency}/impact")
def mapping_impact(
    site: AtSite, caller: Caller, agency: AgencyName, asked: ImpactAsked
) -> ImpactView:
    """
    Tell what a changed mapping would do to the latest submissions; nothing is written.

    A text that cannot be used is answered 422, with `findings` like those under `warnings`.
    """
    return see_impact(
        site.installation, caller, agency, text=asked.yaml, submissions=asked.submissions
    )

"""The page of one mapping: what it fills, its versions, and what a change would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.api.limits import LARGEST_WITH_MAPPING
from lienthong.api.mapping_routes import AgencyName
from lienthong.console.asking import Form, Page, SignedInPage, check_form
from lienthong.operations.impact import MOST_SUBMISSIONS, MappingRefused, see_impact
from lienthong.operations.mappings import see_mapping, see_versions

if TYPE_CHECKING:
    from lienthong.operations.mapping_views import ImpactView

router = APIRouter(prefix="/site/mappings")


class ImpactForm(Form):
    """The text of a changed mapping; what is too long for one is told in words."""

    yaml: str = Field(default="", max_length=LARGEST_WITH_MAPPING)
    submissions: int = Field(default=5, ge=1, le=MOST_SUBMISSIONS)


@router.get("/{agency}")
def mapping_page(page: SignedInPage, agency: AgencyName) -> Response:
    """Show one mapping."""
    return _show(page, agency, ImpactForm())


@router.post("/{agency}", dependencies=[Depends(check_form)])
def impact_form(
    page: SignedInPage, agency: AgencyName, form: Annotated[ImpactForm, FormBody()]
) -> Response:
    """Show what a changed mapping would do, or what is wrong in it, with the text as it was."""
    # Browsers send the ends of lines as CR LF, whatever stood in the file.
    text = form.yaml.replace("\r\n", "\n")
    try:
        impact = see_impact(
            page.site.installation, page.caller, agency, text=text, submissions=form.submissions
        )
    except MappingRefused as refused:
        return _show(page, agency, form, refused=refused)
    return _show(page, agency, form, impact=impact)


def _show(
    page: Page,
    agency: str,
    form: ImpactForm,
    *,
    impact: ImpactView | None = None,
    refused: MappingRefused | None = None,
) -> Response:
    installation, caller = page.site.installation, page.caller
    return page.show(
        "site_mapping.html",
        200 if refused is None else 422,
        mapping=see_mapping(installation, caller, agency),
        versions=see_versions(installation, caller, agency),
        asked=form,
        most=MOST_SUBMISSIONS,
        impact=impact,
        refused=refused,
    )

"""What proves, for a browser to keep: evidence packs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.api.giving import give
from lienthong.console.asking import Because, SignedInPage, check_form
from lienthong.operations.evidence import Wanted, export_evidence

router = APIRouter()
_CHECKED = [Depends(check_form)]


class PackForm(Because):
    """Which pack."""

    code: str = Field(max_length=200)
    """Of a dossier, or id of a message."""
    agency: str | None = Field(default=None, max_length=200)


@router.post("/evidence", dependencies=_CHECKED)
def pack_form(page: SignedInPage, form: Annotated[PackForm, FormBody()]) -> Response:
    """Give the evidence pack of a dossier or a message."""
    wanted = Wanted(dossier=form.code, agency=form.agency, language=page.look.language)
    made = export_evidence(page.site.installation, page.caller, wanted, reason=form.reason)
    return give(made)

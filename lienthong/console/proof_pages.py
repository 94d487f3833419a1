"""What proves: evidence packs, what attempts sent and brought, and what a signature is worth."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.api.giving import give
from lienthong.api.routes import MessageId
from lienthong.console.asking import Because, SignedInPage, check_form
from lienthong.operations.attempts import Kind, Part, Which, take_attempt
from lienthong.operations.evidence import Wanted, export_evidence
from lienthong.operations.messages import Reveal
from lienthong.operations.signatures import see_signature

router = APIRouter()
_CHECKED = [Depends(check_form)]


class PackForm(Because):
    """Which pack."""

    code: str = Field(max_length=200)
    """Of a dossier, or id of a message."""
    agency: str | None = Field(default=None, max_length=200)


class AttemptForm(Because):
    """Which half of which attempt."""

    kind: Kind
    number: int = Field(ge=1, le=2**31 - 1)
    part: Part


@router.post("/evidence", dependencies=_CHECKED)
def pack_form(page: SignedInPage, form: Annotated[PackForm, FormBody()]) -> Response:
    """Give the evidence pack of a dossier or a message."""
    wanted = Wanted(dossier=form.code, agency=form.agency, language=page.look.language)
    made = export_evidence(page.site.installation, page.caller, wanted, reason=form.reason)
    return give(made)


@router.post("/messages/{message_id}/attempts", dependencies=_CHECKED)
def attempt_form(
    page: SignedInPage, message_id: MessageId, form: Annotated[AttemptForm, FormBody()]
) -> Response:
    """Give what was sent in an attempt, or what came back."""
    which = Which(message=message_id, kind=form.kind, number=form.number, part=form.part)
    reveal = Reveal(reason=form.reason)
    return give(take_attempt(page.site.installation, page.caller, which, reveal))


@router.get("/messages/{message_id}/signature")
def signature_part(page: SignedInPage, message_id: MessageId) -> Response:
    """Explain the signature of a message's document, as a part of the page or as a page."""
    found = see_signature(page.site.installation, page.caller, message_id)
    template = "signature_part.html" if page.is_part else "signature.html"
    return page.show(template, signature=found, message_id=message_id)

"""What proves: packs, what attempts sent and brought, what signatures and the log are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import StreamingResponse

from lienthong.api.asking import AtSite, Caller
from lienthong.api.giving import file_of, give
from lienthong.api.routes import Asked, MessageId
from lienthong.operations import attempts
from lienthong.operations.attempts import Kind, Part, Which, take_attempt
from lienthong.operations.audit_views import CheckedView
from lienthong.operations.auditing import verify_audit
from lienthong.operations.evidence import MEDIA_TYPE, Wanted, export_evidence
from lienthong.operations.messages import Reveal
from lienthong.operations.signature_views import SignatureView
from lienthong.operations.signatures import see_signature
from schemas.problem import Language

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.api.asking import Site

router = APIRouter(prefix="/v1")
Number = Annotated[int, Field(ge=1, le=2**31 - 1, description="Of the attempt, for its kind.")]


class AttemptAsked(Asked):
    """Of which kind an attempt is, and why it is looked at."""

    kind: Kind = Kind.SEND


class PackAsked(Asked):
    """Which pack, and why."""

    agency: str | None = Field(default=None, max_length=200)
    """Where several agencies have a dossier of that code."""
    whole_chain: bool = False
    """The chain of seals, however long."""
    language: Language = Language.VI
    """Of the summary."""


@router.post(
    "/dossiers/{code}/evidence",
    tags=["dossiers"],
    response_class=StreamingResponse,
    responses=file_of(MEDIA_TYPE),
)
def evidence(
    site: AtSite,
    caller: Caller,
    code: Annotated[str, Field(max_length=200, description="Of a dossier, or id of a message.")],
    asked: PackAsked,
) -> StreamingResponse:
    """Give everything that proves what became of a dossier, as one signed file (ASiC-E)."""
    wanted = Wanted(
        dossier=code,
        agency=asked.agency,
        whole_chain=asked.whole_chain,
        language=asked.language,
    )
    return give(export_evidence(site.installation, caller, wanted, reason=asked.reason))


@router.post(
    "/messages/{message_id}/attempts/{number}/request",
    tags=["messages"],
    response_class=StreamingResponse,
    responses=file_of(attempts.MEDIA_TYPE),
)
def attempt_request(
    site: AtSite, caller: Caller, message_id: MessageId, number: Number, asked: AttemptAsked
) -> StreamingResponse:
    """Give what was sent in one attempt, without the envelope; the audit log says who took it."""
    return _take(site, caller, message_id, number, Part.REQUEST, asked)


@router.post(
    "/messages/{message_id}/attempts/{number}/answer",
    tags=["messages"],
    response_class=StreamingResponse,
    responses=file_of(attempts.MEDIA_TYPE),
)
def attempt_answer(
    site: AtSite, caller: Caller, message_id: MessageId, number: Number, asked: AttemptAsked
) -> StreamingResponse:
    """Give what came back in one attempt or look-up, as it came."""
    return _take(site, caller, message_id, number, Part.ANSWER, asked)


@router.get("/messages/{message_id}/signature", tags=["messages"])
def signature(site: AtSite, caller: Caller, message_id: MessageId) -> SignatureView:
    """Say who signed a message's document, when, what is covered, and if it is trusted, and why."""
    return see_signature(site.installation, caller, message_id)


@router.post("/audit/verify", tags=["audit"])
def audit_verify(site: AtSite, caller: Caller) -> CheckedView:
    """Check every row and seal of the audit log against each other and the witnesses."""
    return verify_audit(site.installation, caller)


def _take(
    site: Site,
    caller: Principal,
    message_id: str,
    number: int,
    part: Part,
    asked: AttemptAsked,
) -> StreamingResponse:
    which = Which(message=message_id, kind=asked.kind, number=number, part=part)
    return give(take_attempt(site.installation, caller, which, Reveal(reason=asked.reason)))

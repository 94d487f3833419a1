"""What proves, as files: evidence packs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import StreamingResponse

from lienthong.api.asking import AtSite, Caller
from lienthong.api.giving import file_of, give
from lienthong.api.routes import Asked
from lienthong.operations.evidence import MEDIA_TYPE, Wanted, export_evidence
from schemas.problem import Language

router = APIRouter(prefix="/v1")


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

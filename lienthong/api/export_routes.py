"""The routes of lists as files."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from lienthong.api.asking import AtSite, Caller
from lienthong.api.giving import file_of, give
from lienthong.operations.exporting import export_audit, export_messages, export_problems
from lienthong.operations.moments import Moment
from lienthong.operations.searches import MessageSearch, ProblemSearch
from lienthong.store.audit_search import Wanted
from schemas.problem import Language

router = APIRouter(prefix="/v1", default_response_class=StreamingResponse)
Format = Annotated[Literal["csv"], Field(description="The only one.")]
_CSV = file_of("text/csv")


class MessagesAsked(MessageSearch):
    """Which messages, and how; what is not of these is refused, so that no number of a person
    stands in an address."""

    format: Format = "csv"
    language: Language = Language.VI
    """Of the words."""


class ProblemsAsked(ProblemSearch):
    """Which problems, and how."""

    format: Format = "csv"
    language: Language = Language.VI


class RowsAsked(BaseModel):
    """Which rows of the audit log, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    dossier: str | None = Field(default=None, max_length=200)
    subject: str | None = Field(default=None, max_length=200)
    actor: str | None = Field(default=None, max_length=200)
    event: str | None = Field(default=None, max_length=100)
    since: Moment | None = None
    until: Moment | None = None
    format: Format = "csv"
    language: Language = Language.VI


@router.get("/messages/export", tags=["messages"], responses=_CSV)
def messages_file(
    site: AtSite, caller: Caller, asked: Annotated[MessagesAsked, Query()]
) -> StreamingResponse:
    """Give what `GET /v1/messages` lists as a file, values masked as there."""
    return give(
        export_messages(site.installation, caller, asked.selection(), language=asked.language)
    )


@router.get("/problems/export", tags=["problems"], responses=_CSV)
def problems_file(
    site: AtSite, caller: Caller, asked: Annotated[ProblemsAsked, Query()]
) -> StreamingResponse:
    """Give what `GET /v1/problems` lists as a file."""
    return give(export_problems(site.installation, caller, asked.wanted(), language=asked.language))


@router.get("/audit/export", tags=["audit"], responses=_CSV)
def audit_file(
    site: AtSite, caller: Caller, asked: Annotated[RowsAsked, Query()]
) -> StreamingResponse:
    """Give what `GET /v1/audit` finds as a file."""
    wanted = Wanted(
        dossier=asked.dossier,
        with_submissions=True,
        subject=asked.subject,
        actor=asked.actor,
        event=asked.event,
        since=asked.since,
        until=asked.until,
    )
    return give(export_audit(site.installation, caller, wanted, language=asked.language))

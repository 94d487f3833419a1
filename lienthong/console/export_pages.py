"""Lists for a browser to keep, as CSV: what the page beside them lists."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from lienthong.api.giving import give
from lienthong.console.asking import SignedInPage
from lienthong.console.audit_pages import LogFilter
from lienthong.console.message_pages import Filter
from lienthong.console.problem_pages import ProblemFilter
from lienthong.operations.exporting import export_audit, export_messages, export_problems

router = APIRouter()


@router.get("/messages/export")
def messages_file(page: SignedInPage, wanted: Annotated[Filter, Query()]) -> Response:
    """Give messages."""
    installation, language = page.site.installation, page.look.language
    return give(export_messages(installation, page.caller, wanted.selection(), language=language))


@router.get("/problems/export")
def problems_file(page: SignedInPage, wanted: Annotated[ProblemFilter, Query()]) -> Response:
    """Give problems."""
    installation, language = page.site.installation, page.look.language
    return give(export_problems(installation, page.caller, wanted.wanted(), language=language))


@router.get("/audit/export")
def rows_file(page: SignedInPage, wanted: Annotated[LogFilter, Query()]) -> Response:
    """Give rows of the audit log."""
    installation, language = page.site.installation, page.look.language
    return give(export_audit(installation, page.caller, wanted.wanted(), language=language))

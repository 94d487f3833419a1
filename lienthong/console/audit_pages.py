"""Pages on the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from lienthong.console.asking import Form, SignedInPage
from lienthong.operations.auditing import search_audit
from lienthong.store.audit_search import Wanted

router = APIRouter(prefix="/audit")
Short = Annotated[str | None, Field(max_length=200)]


class LogFilter(Form):
    """Which rows."""

    dossier: Short = None
    subject: Short = None
    actor: Short = None
    event: Short = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = Field(default=None, ge=1, le=2**63 - 1)

    def wanted(self) -> Wanted:
        """Return what is looked for."""
        return Wanted(
            dossier=self.dossier,
            with_submissions=True,
            subject=self.subject,
            actor=self.actor,
            event=self.event,
            since=self.since,
            until=self.until,
            before=self.before,
        )


@router.get("")
def log_page(page: SignedInPage, wanted: Annotated[LogFilter, Query()]) -> Response:
    """Search the audit log."""
    found = search_audit(page.site.installation, page.caller, wanted.wanted(), limit=100)
    return page.show("audit.html", found=found, wanted=wanted)

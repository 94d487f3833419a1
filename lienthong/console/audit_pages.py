"""Pages on the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from lienthong.access.rights import EVERY, Right
from lienthong.console.asking import Form, Page, SignedInPage, check_form
from lienthong.operations.audit_views import CheckedView
from lienthong.operations.auditing import search_audit, verify_audit
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
    return _log(page, wanted)


@router.post("/verify", dependencies=[Depends(check_form)])
def verify_form(page: SignedInPage) -> Response:
    """Check the whole audit log, and show what was found above its latest rows."""
    return _log(page, LogFilter(), checked=verify_audit(page.site.installation, page.caller))


def _log(page: Page, wanted: LogFilter, checked: CheckedView | None = None) -> Response:
    found = search_audit(page.site.installation, page.caller, wanted.wanted(), limit=100)
    return page.show(
        "audit.html",
        found=found,
        wanted=wanted,
        checked=checked,
        audits_every=page.caller.agencies(Right.AUDIT) is EVERY,
    )

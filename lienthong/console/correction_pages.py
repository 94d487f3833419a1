"""Pages on correcting values of a source record: which, what comes of it, and doing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.access.rights import Right
from lienthong.api.once import once
from lienthong.api.routes import MessageId
from lienthong.console.asking import Form, Page, SignedInPage, check_form
from lienthong.corrections import LONGEST_CORRECTION, LONGEST_PATH, Wish
from lienthong.operations.acts import Verb, correct_message
from lienthong.operations.lineage import see_record
from lienthong.operations.messages import see_message
from lienthong.operations.previewing import preview_correction
from lienthong.operations.views import ActedView

if TYPE_CHECKING:
    from lienthong.operations.views import AllowedValue, RecordView

router = APIRouter()
_CHECKED = [Depends(check_form)]
MOST_FIELDS = 1_000
"""Of the page: one for each value of the record that is read."""


class CorrectionForm(Form):
    """What is to stand where; a value that was left empty is not touched."""

    path: list[Annotated[str, Field(max_length=LONGEST_PATH)]] = Field(max_length=MOST_FIELDS)
    value: list[Annotated[str, Field(max_length=LONGEST_CORRECTION)]] = Field(
        default=[], max_length=MOST_FIELDS
    )

    @property
    def wishes(self) -> list[Wish]:
        """Return what was filled in."""
        pairs = zip(self.path, self.value, strict=False)
        return [Wish(path=path, value=value) for path, value in pairs if value.strip()]


class CorrectForm(CorrectionForm):
    """The same, with why."""

    reason: str = Field(min_length=3, max_length=500)
    """It goes into the audit log, so it names no citizen."""


@router.get("/messages/{message_id}/correct")
def correct_page(page: SignedInPage, message_id: MessageId) -> Response:
    """Ask which values are to be corrected."""
    return _ask(page, message_id)


@router.post("/messages/{message_id}/correct/preview", dependencies=_CHECKED)
def preview_form(
    page: SignedInPage, message_id: MessageId, form: Annotated[CorrectionForm, FormBody()]
) -> Response:
    """Show what would become of the message; nothing is sent or written."""
    wishes = form.wishes
    if not wishes:
        return _ask(page, message_id)
    preview = preview_correction(page.site.installation, page.caller, message_id, wishes)
    return page.show("preview.html", preview=preview, verb=Verb.REISSUE, wishes=wishes)


@router.post("/messages/{message_id}/correct", dependencies=_CHECKED)
def correct_form(
    page: SignedInPage, message_id: MessageId, form: Annotated[CorrectForm, FormBody()]
) -> Response:
    """Reissue the message, these values corrected."""
    acted = once(
        page.site,
        page.caller,
        form.key or None,
        asked={"act": "correct", "message": message_id, "asked": form.model_dump_json()},
        answer=ActedView,
        do=lambda: correct_message(
            page.site.installation,
            page.caller,
            message_id,
            form.wishes,
            reason=form.reason,
            publisher=page.site.publisher,
        ),
    )
    return page.go(page.link(f"/messages/{acted.new_id}", done="correct"))


def _ask(page: Page, message_id: str) -> Response:
    installation = page.site.installation
    view = see_message(installation, page.caller, message_id)
    page.caller.need(Right.EDIT, view.agency)
    record = see_record(installation, page.caller, message_id)
    return page.show("correct.html", message=view, record=record, values=_values(record))


@dataclass(slots=True)
class _Value:
    """One value of a record that may be corrected."""

    path: str
    value: str | None = None
    is_wrong: bool = False
    """Whether a finding is about it."""
    allowed: list[AllowedValue] = field(default_factory=list)
    """What it may be, where that is known."""


def _values(record: RecordView) -> list[_Value]:
    """Return what may be corrected, first what a finding is about."""
    refused = {finding.field for finding in record.findings}
    values: dict[str, _Value] = {}
    for origin in record.fields:
        is_wrong = bool(origin.findings) or origin.field in refused
        for step in origin.steps:
            if step.whole_path is not None:
                value = values.setdefault(step.whole_path, _Value(step.whole_path))
                value.is_wrong |= is_wrong
                value.allowed = value.allowed or origin.allowed
    for each in record.used:
        values.setdefault(each.path, _Value(each.path)).value = each.value
    return sorted(values.values(), key=lambda each: not each.is_wrong)

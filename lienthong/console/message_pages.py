"""Pages on messages and dossiers: finding, understanding, previewing, acting on one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi import Form as FormBody
from pydantic import ConfigDict, Field, model_validator
from starlette.responses import Response

from lienthong import replay_previews as previews
from lienthong.access.rights import Right
from lienthong.api.once import once
from lienthong.api.routes import MessageId, Wish
from lienthong.console.asking import (
    Because,
    Form,
    Page,
    SignedInPage,
    check_form,
    without_empty,
)
from lienthong.operations.acts import Verb, act_on_message
from lienthong.operations.dossiers import see_dossier
from lienthong.operations.filters import find_filters
from lienthong.operations.lineage import see_record
from lienthong.operations.messages import Reveal, find_messages, see_message
from lienthong.operations.overview import see_agencies
from lienthong.operations.previewing import preview_message
from lienthong.operations.searches import ListPage, write_query
from lienthong.operations.views import ActedView
from lienthong.states import State
from schemas.errors import InputError

router = APIRouter()
_CHECKED = [Depends(check_form)]
Code = Annotated[str, Query(max_length=200)]


class Filter(Wish):
    """Which messages, as an address says it: a parameter that is empty is not there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _forget_empty(cls, given: Any) -> Any:
        return without_empty(given)


class PersonForm(Form):
    """A person's number, which stands in no address."""

    person: str = Field(min_length=1, max_length=100)
    cursor: str | None = Field(default=None, max_length=200)


class PreviewForm(Form):
    """What is previewed, and what may be shown."""

    verb: previews.Verb
    ask_portal: bool = False
    reason: str | None = Field(default=None, min_length=3, max_length=500)
    """Why values are to be shown."""


@router.get("/messages")
def list_page(page: SignedInPage, wanted: Annotated[Filter, Query()]) -> Response:
    """List messages."""
    return _list(page, wanted)


@router.post("/messages", dependencies=_CHECKED)
def person_page(page: SignedInPage, form: Annotated[PersonForm, FormBody()]) -> Response:
    """List messages about a person."""
    return _list(page, Filter(person=form.person, cursor=form.cursor))


@router.get("/find")
def find(page: SignedInPage, q: Code = "") -> Response:
    """Go to what a code is of: a message or a dossier, else to the list."""
    code = q.strip()
    if not code:
        return page.go("/messages")
    for look in (_look_for_message, _look_for_dossier):
        path = look(page, code)
        if path is not None:
            return page.go(path)
    return page.go(page.link("/messages", dossier=code))


@router.get("/messages/{message_id}")
def message_page(
    page: SignedInPage, message_id: MessageId, done: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Show one message."""
    view = see_message(page.site.installation, page.caller, message_id)
    return _message(page, view=view, record=None, done=done)


@router.post("/messages/{message_id}/reveal", dependencies=_CHECKED)
def reveal_form(
    page: SignedInPage, message_id: MessageId, form: Annotated[Because, FormBody()]
) -> Response:
    """Show one message and its record with personal data; the audit log says who looked and why."""
    installation, reveal = page.site.installation, Reveal(reason=form.reason)
    view = see_message(installation, page.caller, message_id, reveal=reveal)
    try:
        record = see_record(installation, page.caller, message_id, reveal=reveal)
    except InputError:
        # The page says why by itself when it asks for the record without values.
        record = None
    return _message(page, view=view, record=record, done="")


@router.get("/messages/{message_id}/record")
def record_part(page: SignedInPage, message_id: MessageId) -> Response:
    """Show the record beside the document, as a part of the page or as a page."""
    record = see_record(page.site.installation, page.caller, message_id)
    template = "record_part.html" if page.is_part else "record.html"
    return page.show(template, record=record, message_id=message_id)


@router.get("/messages/{message_id}/preview")
def preview_page(page: SignedInPage, message_id: MessageId, verb: previews.Verb) -> Response:
    """Show what a resend or a reissue would do."""
    return _preview(page, message_id, PreviewForm(verb=verb))


@router.post("/messages/{message_id}/preview", dependencies=_CHECKED)
def preview_form(
    page: SignedInPage, message_id: MessageId, form: Annotated[PreviewForm, FormBody()]
) -> Response:
    """Show the same with what the portal has now, or with values."""
    return _preview(page, message_id, form)


@router.get("/messages/{message_id}/discard")
def discard_page(page: SignedInPage, message_id: MessageId) -> Response:
    """Ask why a message is to end."""
    view = see_message(page.site.installation, page.caller, message_id)
    return page.show("discard.html", message=view)


@router.post("/messages/{message_id}/{verb}", dependencies=_CHECKED)
def act_form(
    page: SignedInPage, message_id: MessageId, verb: Verb, form: Annotated[Because, FormBody()]
) -> Response:
    """Resend, reissue or discard one message."""
    acted = once(
        page.site,
        page.caller,
        form.key or None,
        asked={"verb": verb.value, "message": message_id, "reason": form.reason},
        answer=ActedView,
        do=lambda: act_on_message(
            page.site.installation,
            page.caller,
            message_id,
            verb,
            reason=form.reason,
            publisher=page.site.publisher,
        ),
    )
    return page.go(page.link(f"/messages/{acted.new_id or acted.id}", done=verb.value))


@router.get("/dossiers/{code:path}")
def dossier_page(
    page: SignedInPage,
    code: Annotated[str, Field(max_length=200)],
    agency: Code | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> Response:
    """Show everything that happened to a dossier."""
    view = see_dossier(
        page.site.installation, page.caller, code, agency=agency or None, limit=limit
    )
    may_audit = page.caller.may(Right.AUDIT, view.agency)
    return page.show("dossier.html", dossier=view, limit=limit, may_audit=may_audit)


def _list(page: Page, wanted: Filter) -> Response:
    installation = page.site.installation
    found = find_messages(
        installation, page.caller, wanted.selection(), cursor=wanted.cursor, counts=True
    )
    return page.show(
        "messages.html",
        found=found,
        wanted=wanted,
        # A person's number is kept nowhere.
        query=None if wanted.person else write_query(wanted),
        kept=find_filters(installation, page.caller, ListPage.MESSAGES).filters,
        agencies=see_agencies(installation, page.caller),
        states=[state for state in State if state is not State.RECEIVED],
    )


def _message(page: Page, **values: Any) -> Response:
    agency = values["view"].agency
    rights = {right.value for right in Right if page.caller.may(right, agency)}
    return page.show("message.html", rights=rights, message=values.pop("view"), **values)


def _preview(page: Page, message_id: str, form: PreviewForm) -> Response:
    preview = preview_message(
        page.site.installation,
        page.caller,
        message_id,
        form.verb,
        asks_portal=form.ask_portal,
        reveal=None if form.reason is None else Reveal(reason=form.reason),
    )
    return page.show(
        "preview.html",
        preview=preview,
        message_id=message_id,
        verb=Verb(form.verb.value),
        wishes=(),
    )


def _look_for_message(page: Page, code: str) -> str | None:
    try:
        return f"/messages/{see_message(page.site.installation, page.caller, code).id}"
    except InputError:
        return None


def _look_for_dossier(page: Page, code: str) -> str | None:
    try:
        found = see_dossier(page.site.installation, page.caller, code, limit=1)
    except InputError:
        return None
    return page.link(f"/dossiers/{found.dossier}", agency=found.agency)

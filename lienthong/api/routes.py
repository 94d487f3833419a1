"""The routes of the API, version 1: each is one operation, and decides nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from lienthong import replay_previews as previews
from lienthong.api.asking import AtSite, Caller, RequestKey
from lienthong.api.once import once
from lienthong.corrections import LONGEST_CORRECTION, LONGEST_PATH, MOST_CORRECTIONS
from lienthong.corrections import Wish as WishOfValue
from lienthong.operations.acts import Verb, act_on_message, correct_message
from lienthong.operations.auditing import search_audit
from lienthong.operations.deadlines import see_deadlines
from lienthong.operations.dossiers import see_dossier
from lienthong.operations.lineage import see_record
from lienthong.operations.messages import Reveal, find_messages, see_message
from lienthong.operations.moments import Moment
from lienthong.operations.overview import see_overview
from lienthong.operations.people import grant_views
from lienthong.operations.previewing import preview_correction, preview_message
from lienthong.operations.searches import MessageSearch
from lienthong.operations.views import (
    ActedView,
    DeadlinesView,
    DossierView,
    LogPage,
    Me,
    MessageDetail,
    MessagePage,
    Overview,
    PreviewView,
    RecordView,
)
from lienthong.states import State
from lienthong.store.audit_search import Wanted
from lienthong.store.selection import Selection

router = APIRouter(prefix="/v1")

MessageId = Annotated[str, Field(max_length=64, description="As a list of messages has it.")]
Short = Annotated[str | None, Query(max_length=200)]


class Asked(BaseModel):
    """What a request says beside its address."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    reason: str = Field(min_length=3, max_length=500)
    """Why; it goes into the audit log under your name, so it names no citizen."""


class Wish(MessageSearch):
    """The same, also by a person, and a part of what is found."""

    person: str | None = Field(default=None, min_length=1, max_length=100)
    """Number of a person's paper or a tax code; blanks, dots and dashes do not matter."""
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=200)
    """`next` of the page before."""
    count: bool = False
    """Also tell how many there are."""

    def selection(self) -> Selection:
        """Return what is looked for."""
        return replace(super().selection(), person=self.person, limit=self.limit)


class CorrectionAsked(BaseModel):
    """One value of the source record."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    path: str = Field(min_length=1, max_length=LONGEST_PATH)
    """From the root of the record, as `source` and the steps of the record's fields have it."""
    value: str = Field(max_length=LONGEST_CORRECTION)
    """What is to stand there; the agency's own value takes an earlier correction back."""

    def wish(self) -> WishOfValue:
        """Return it as operations take it."""
        return WishOfValue(path=self.path, value=self.value)


class CorrectAsked(Asked):
    """What is to be corrected, and why."""

    corrections: list[CorrectionAsked] = Field(min_length=1, max_length=MOST_CORRECTIONS)


_REISSUE_IF_CORRECTED: dict[str, JsonValue] = {
    "anyOf": [
        {"properties": {"corrections": {"maxItems": 0}}},
        {"properties": {"verb": {"const": previews.Verb.REISSUE.value}}},
    ]
}


class PreviewAsked(BaseModel):
    """What is to be previewed, and what may be shown of it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_extra=_REISSUE_IF_CORRECTED,
    )

    verb: previews.Verb
    ask_portal: bool = False
    """Also ask the portal what it has of the dossier now."""
    corrections: list[CorrectionAsked] = Field(default=[], max_length=MOST_CORRECTIONS)
    """For a reissue: values of the source record that would be corrected."""
    reveal: str | None = Field(default=None, min_length=3, max_length=500)
    """Why values are to be shown; it goes into the audit log. Without it they are masked."""

    @model_validator(mode="after")
    def _reissue_if_corrected(self) -> PreviewAsked:
        if self.corrections and self.verb is not previews.Verb.REISSUE:
            raise ValueError("corrections need the verb reissue: a resend is the same document")
        return self


@router.get("/me", tags=["access"])
def me(caller: Caller) -> Me:
    """Say who asks, and what they may do for which agencies."""
    return Me(name=caller.name, grants=grant_views(caller.grants))


@router.get("/overview", tags=["overview"])
def overview(site: AtSite, caller: Caller) -> Overview:
    """
    Tell for each agency and direction whether messages flow, and what waits.

    It counts what has not ended, and what was delivered in the last hour: `lienthong status` counts
    everything that ever was.
    """
    return see_overview(site.flow, caller)


@router.get("/deadlines", tags=["overview"])
def deadlines(
    site: AtSite,
    caller: Caller,
    agency: Short = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> DeadlinesView:
    """List dossiers that the portal does not have all of, due within a day or overdue."""
    return see_deadlines(site.installation, caller, agency=agency, limit=limit)


@router.get("/messages", tags=["messages"])
def messages(  # noqa: PLR0913 - each is a parameter of the address
    site: AtSite,
    caller: Caller,
    state: Annotated[
        list[State] | None,
        Query(max_length=len(State), description="May be given several times."),
    ] = None,
    agency: Short = None,
    dossier: Short = None,
    why: Annotated[
        str | None,
        Query(max_length=200, description="Part of its reason, Vietnamese or English."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    problem: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Code of a finding, or its beginning and `*`; or the id of a problem: what "
            "stands in it now.",
        ),
    ] = None,
    text: Annotated[
        str | None,
        Query(max_length=200, description="Words of an error, marks optional: what ever had it."),
    ] = None,
    since: Annotated[Moment | None, Query(description="Last changed since then.")] = None,
    until: Annotated[Moment | None, Query(description="Last changed before then.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next` of the page before.")
    ] = None,
    count: Annotated[bool, Query(description="Also tell how many there are.")] = False,
) -> MessagePage:
    """List messages, the latest change first; what is not given does not matter."""
    wanted = Wish(
        state=state or [],
        agency=agency,
        dossier=dossier,
        why=why,
        problem=problem,
        text=text,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
        count=count,
    )
    return _list(site, caller, wanted)


@router.post("/messages/search", tags=["messages"])
def search(site: AtSite, caller: Caller, wanted: Wish) -> MessagePage:
    """
    List messages as `GET /v1/messages` does, also by the number of a person's paper.

    A number stands in the body and in no address; the audit log has who looked, not for whom.
    """
    return _list(site, caller, wanted)


def _list(site: AtSite, caller: Caller, wanted: Wish) -> MessagePage:
    return find_messages(
        site.installation,
        caller,
        wanted.selection(),
        cursor=wanted.cursor,
        counts=wanted.count,
    )


@router.get("/messages/{message_id}", tags=["messages"])
def message(site: AtSite, caller: Caller, message_id: MessageId) -> MessageDetail:
    """Show one message with everything that is known of it, personal data masked."""
    return see_message(site.installation, caller, message_id)


@router.post("/messages/{message_id}/reveal", tags=["messages"])
def reveal(site: AtSite, caller: Caller, message_id: MessageId, asked: Asked) -> MessageDetail:
    """Show one message with its personal data; who looked, and why, goes into the audit log."""
    return see_message(site.installation, caller, message_id, reveal=Reveal(reason=asked.reason))


@router.get("/messages/{message_id}/record", tags=["messages"])
def record(site: AtSite, caller: Caller, message_id: MessageId) -> RecordView:
    """Show the agency's record beside the document it becomes, field by field, values masked."""
    return see_record(site.installation, caller, message_id)


@router.post("/messages/{message_id}/record/reveal", tags=["messages"])
def reveal_record(site: AtSite, caller: Caller, message_id: MessageId, asked: Asked) -> RecordView:
    """Show the same with its values; who looked, and why, goes into the audit log."""
    return see_record(site.installation, caller, message_id, reveal=Reveal(reason=asked.reason))


@router.post("/messages/{message_id}/preview", tags=["replay"])
def preview(
    site: AtSite, caller: Caller, message_id: MessageId, asked: PreviewAsked
) -> PreviewView:
    """Say what a resend or a reissue would do, field by field; nothing is sent or written."""
    reveal = None if asked.reveal is None else Reveal(reason=asked.reveal)
    if asked.corrections:
        return preview_correction(
            site.installation,
            caller,
            message_id,
            [each.wish() for each in asked.corrections],
            asks_portal=asked.ask_portal,
            reveal=reveal,
        )
    return preview_message(
        site.installation,
        caller,
        message_id,
        asked.verb,
        asks_portal=asked.ask_portal,
        reveal=reveal,
    )


@router.post("/messages/{message_id}/resend", tags=["replay"])
def resend(
    site: AtSite, caller: Caller, message_id: MessageId, asked: Asked, key: RequestKey = None
) -> ActedView:
    """Let the same signed document go again, under the same id."""
    return _act(site, caller, message_id, Verb.RESEND, asked, key)


@router.post("/messages/{message_id}/reissue", tags=["replay"])
def reissue(
    site: AtSite, caller: Caller, message_id: MessageId, asked: Asked, key: RequestKey = None
) -> ActedView:
    """Make a new message of the same source by the mapping as it is now, linked to the old one."""
    return _act(site, caller, message_id, Verb.REISSUE, asked, key)


@router.post("/messages/{message_id}/correct", tags=["replay"])
def correct(
    site: AtSite, caller: Caller, message_id: MessageId, asked: CorrectAsked, key: RequestKey = None
) -> ActedView:
    """
    Make a new message of the same source, some of whose values are corrected.

    What the agency sent stays as it is. Of the values the audit log has digests; the agency is
    told which were corrected.
    """
    return once(
        site,
        caller,
        key,
        asked={"act": "correct", "message": message_id, "asked": asked.model_dump_json()},
        answer=ActedView,
        do=lambda: correct_message(
            site.installation,
            caller,
            message_id,
            [each.wish() for each in asked.corrections],
            reason=asked.reason,
            publisher=site.publisher,
        ),
    )


@router.post("/messages/{message_id}/discard", tags=["replay"])
def discard(
    site: AtSite, caller: Caller, message_id: MessageId, asked: Asked, key: RequestKey = None
) -> ActedView:
    """End a message for good without sending it; what waits behind it goes on."""
    return _act(site, caller, message_id, Verb.DISCARD, asked, key)


@router.get("/dossiers/{code}", tags=["dossiers"])
def dossier(
    site: AtSite,
    caller: Caller,
    code: Annotated[str, Field(max_length=200, description="Or the agency's key of an event.")],
    agency: Short = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="At most so many steps.")] = 200,
) -> DossierView:
    """Tell everything that ever happened to a dossier, oldest first, and what happens next."""
    return see_dossier(site.installation, caller, code, agency=agency, limit=limit)


@router.get("/audit", tags=["audit"])
def audit(  # noqa: PLR0913 - each is a parameter of the address
    site: AtSite,
    caller: Caller,
    dossier: Short = None,
    subject: Short = None,
    actor: Short = None,
    event: Annotated[
        str | None,
        Query(max_length=100, description="Name of an event, or its beginning with a dot."),
    ] = None,
    since: Annotated[Moment | None, Query(description="Without a zone: Việt Nam's.")] = None,
    until: Annotated[Moment | None, Query(description="Not included.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="`next` of the page before.")
    ] = None,
) -> LogPage:
    """Search the audit log, the latest row first; what is not given does not matter."""
    wanted = Wanted(
        dossier=dossier,
        with_submissions=True,
        subject=subject,
        actor=actor,
        event=event,
        since=since,
        until=until,
        before=before,
    )
    return search_audit(site.installation, caller, wanted, limit=limit)


def _act(
    site: AtSite, caller: Caller, message_id: str, verb: Verb, asked: Asked, key: str | None
) -> ActedView:
    return once(
        site,
        caller,
        key,
        asked={"verb": verb.value, "message": message_id, "reason": asked.reason},
        answer=ActedView,
        do=lambda: act_on_message(
            site.installation,
            caller,
            message_id,
            verb,
            reason=asked.reason,
            publisher=site.publisher,
        ),
    )

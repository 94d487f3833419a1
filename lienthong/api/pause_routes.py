"""The routes of pausing: what is stopped, stopping something, and letting it go on."""

from __future__ import annotations

from typing import Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from lienthong.api.asking import AtSite, Caller, RequestKey
from lienthong.api.once import once
from lienthong.operations.moments import Moment
from lienthong.operations.pausing import Asking, What, pause, resume, see_pauses
from lienthong.operations.views import PausesView, PauseView, ResumedView
from schemas.building import in_vietnam

router = APIRouter(prefix="/v1/pauses", tags=["pauses"])


_NOBODY: JsonValue = {"type": "null"}
_EITHER: dict[str, JsonValue] = {
    "oneOf": [
        {"required": ["agency"], "properties": {"agency": {"type": "string"}, "target": _NOBODY}},
        {"required": ["target"], "properties": {"target": {"type": "string"}, "agency": _NOBODY}},
    ]
}


class _OfWhom(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, json_schema_extra=_EITHER
    )

    agency: str | None = Field(default=None, min_length=1, max_length=200)
    """Name of its mapping; this or `target`."""
    target: Literal["portal"] | None = None
    reason: str = Field(min_length=3, max_length=500)
    """Why; it is shown to everybody who sees the pause, and goes into the audit log."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.agency is None) == (self.target is None):
            raise PydanticCustomError("agency_or_target", "one of agency and target")
        return self


class AskedPause(_OfWhom):
    """What is to be stopped."""

    what: What
    """intake: nothing is taken in. delivery: nothing is sent. drain: nothing is taken in, and what
    was comes to its end."""
    until: Moment | None = None
    """When it ends by itself; without a zone: Việt Nam's."""


class AskedResume(_OfWhom):
    """What is to go on."""

    what: list[What] = Field(default=[], max_length=len(What))
    """Only these; without any: all that is stopped."""


@router.get("")
def pauses(site: AtSite, caller: Caller) -> PausesView:
    """List what people have stopped, the longest first; of a drain with what is left."""
    return see_pauses(site.installation, caller)


@router.post("")
def stop(site: AtSite, caller: Caller, asked: AskedPause, key: RequestKey = None) -> PauseView:
    """Pause or drain an agency or the portal; what is so already is left alone."""
    asking = Asking(
        agency=asked.agency,
        what=asked.what,
        reason=asked.reason,
        until=in_vietnam(asked.until),
    )
    return once(
        site,
        caller,
        key,
        asked={"act": "pauses", "asked": asked.model_dump_json()},
        answer=PauseView,
        do=lambda: pause(site.installation, caller, asking),
    )


@router.post("/resume")
def go_on(site: AtSite, caller: Caller, asked: AskedResume, key: RequestKey = None) -> ResumedView:
    """Let an agency or the portal go on; where nothing is stopped, nothing is done."""
    return once(
        site,
        caller,
        key,
        asked={"act": "pauses/resume", "asked": asked.model_dump_json()},
        answer=ResumedView,
        do=lambda: resume(
            site.installation, caller, asked.agency, whats=asked.what, reason=asked.reason
        ),
    )

"""The ways in which a sandbox misbehaves, and what one order to do so says."""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lienthong.sandbox.changing import Change  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Sequence


class Mode(Enum):
    """The ways to misbehave; the values are those of the control address."""

    REFUSE = "refuse"
    """Nobody listens: connections are refused."""
    SLOW = "slow"
    """Everything is done, `delay_seconds` late."""
    COMMIT_THEN_DROP = "commit_then_drop"
    """A delivery takes effect, then the connection is closed without an answer."""
    DROP_BEFORE = "drop_before"
    """The request is read, then the connection is closed; nothing takes effect."""
    FAULT = "fault"
    """A SOAP fault of the server; nothing takes effect."""
    UNAVAILABLE = "unavailable"
    """HTTP 503 with a web page, as from a proxy; nothing takes effect."""
    TOO_MANY = "too_many"
    """HTTP 429 with a web page, as from a gateway that counts calls; nothing takes effect."""
    MAINTENANCE = "maintenance"
    """HTTP 200 with a web page that says the portal is in maintenance; nothing takes effect."""
    UNKNOWN_CODE = "unknown_code"
    """HTTP 200 with an error_code nobody knows; nothing takes effect."""
    UNKNOWN_SUCCESS = "unknown_success"
    """A delivery takes effect, then the answer is the error_code nobody knows, without receipt."""
    REJECT = "reject"
    """A refusal for good of the dossiers that match `pattern`."""
    EXISTS = "exists"
    """The answer "exists already" to every delivery; nothing takes effect."""
    WRONG_ECHO = "wrong_echo"
    """Everything is done, and the headers of the answer name another message (SOAP only)."""
    PROXY_FAULT = "proxy_fault"
    """A fault as of an X-Road security server that forwarded nothing (SOAP only)."""
    SESSION_EXPIRED = "session_expired"
    """Every session ends, and the answer says so (JSON only); nothing takes effect."""
    CHANGED = "changed"
    """Everything is done, and the answer is changed as `change` says."""
    FAULT_200 = "fault_200"
    """What FAULT says, with HTTP 200; nothing takes effect."""
    SUCCESS_TEXT = "success_text"
    """A refusal (-1) whose text is that of success; nothing takes effect."""
    EXISTS_NEGATIVE = "exists_negative"
    """As EXISTS, with the code -3."""
    NOTE_LIMIT = "note_limit"
    """A dossier with a GhiChu of more than `limit` characters is refused; others are as usual."""
    EMPTY = "empty"
    """A delivery takes effect, and the answer is HTTP 200 with nothing in it."""
    TRUNCATED = "truncated"
    """A delivery takes effect, and half of the announced answer comes."""
    WRONG_CHARSET = "wrong_charset"
    """A delivery takes effect, and the answer says that it is UTF-8 and is in `charset`."""
    SLOW_DRIP = "slow_drip"
    """Everything is done, and the answer comes bit by bit, over `delay_seconds`."""
    CLOCK_AHEAD = "clock_ahead"
    """Everything is done with a clock that is `ahead_seconds` ahead: receipts, look-ups, Date."""
    CODE_NUMBER = "code_number"
    """A delivery takes effect, and the code is a number where it was a text (JSON only)."""
    TEXT_ANSWER = "text_answer"
    """A delivery takes effect, and the answer is a sentence and no JSON (JSON only)."""
    WRAPPED = "wrapped"
    """A delivery takes effect, and the answer is a text inside a façade's (JSON only)."""
    ANSWERS_DIFFER = "answers_differ"
    """A delivery takes effect; its first answer is a fault, its second "exists", then as usual."""
    FORGETS = "forgets"
    """A delivery is accepted as usual, and then its dossier is forgotten."""


OF_DELIVERIES = frozenset(
    {
        Mode.COMMIT_THEN_DROP,
        Mode.DROP_BEFORE,
        Mode.UNKNOWN_CODE,
        Mode.UNKNOWN_SUCCESS,
        Mode.REJECT,
        Mode.EXISTS,
        Mode.WRONG_ECHO,
        Mode.PROXY_FAULT,
        Mode.SESSION_EXPIRED,
        Mode.FAULT_200,
        Mode.SUCCESS_TEXT,
        Mode.EXISTS_NEGATIVE,
        Mode.NOTE_LIMIT,
        Mode.EMPTY,
        Mode.TRUNCATED,
        Mode.WRONG_CHARSET,
        Mode.CODE_NUMBER,
        Mode.TEXT_ANSWER,
        Mode.WRAPPED,
        Mode.ANSWERS_DIFFER,
        Mode.FORGETS,
    }
)
"""Modes that leave look-ups alone, so that a client can find out what happened."""

MAY_NAME_A_WAIT = frozenset({Mode.UNAVAILABLE, Mode.TOO_MANY})
"""Modes whose answer may carry Retry-After."""


class Misbehaviour(BaseModel):
    """One order to misbehave; without `for_seconds` and `count` it holds until it is cleared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode
    after_seconds: float = Field(default=0, ge=0, description="before it begins")
    for_seconds: float | None = Field(default=None, gt=0)
    count: int | None = Field(default=None, ge=1, description="requests it hits at most")
    share: float = Field(default=1, gt=0, le=1, description="of the requests it hits")
    delay_seconds: float = Field(default=1, gt=0, le=3600, description="of 'slow' and 'slow_drip'")
    ahead_seconds: int = Field(default=10_800, ge=1, le=86_400, description="of 'clock_ahead'")
    charset: Literal["windows-1258", "utf-16"] = Field(
        default="windows-1258", description="of 'wrong_charset'"
    )
    limit: int = Field(default=2000, ge=0, description="characters, of 'note_limit'")
    retry_after_seconds: int | None = Field(
        default=None, ge=0, description="in a Retry-After of 'unavailable' and 'too_many'"
    )
    retry_after_form: Literal["seconds", "date"] = "seconds"
    pattern: str = Field(default="*", description="dossier codes, with * and ?")
    change: Change | None = Field(default=None, description="of 'changed': what is changed")

    @model_validator(mode="after")
    def _check_retry_after(self) -> Self:
        if self.retry_after_seconds is not None and self.mode not in MAY_NAME_A_WAIT:
            raise ValueError("retry_after_seconds belongs to 'unavailable' and 'too_many'")
        return self

    @model_validator(mode="after")
    def _check_change(self) -> Self:
        if (self.change is not None) != (self.mode is Mode.CHANGED):
            raise ValueError("'changed' needs change, and change belongs to 'changed'")
        return self

    @model_validator(mode="after")
    def _check_refuse(self) -> Self:
        if self.mode is Mode.REFUSE and (self.count is not None or self.share != 1):
            raise ValueError("'refuse' sees no requests: it takes for_seconds, not count or share")
        return self


def concerns(dossier_codes: Sequence[str], *, pattern: str) -> bool:
    """Return whether a call is about a dossier of a pattern; one about none is, of `*`."""
    return any(fnmatchcase(code, pattern) for code in dossier_codes or ("",))

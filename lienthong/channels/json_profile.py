"""
What is particular to a target that speaks the JSON adapter's protocol.

Two forms are known. `adapter` is the national one: a login gives a session, and every call is an
object with session, unit, service and data. `facade` is how provinces pass it on: an address for
each kind of call, and a bare array. What no public source settles is a setting here.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from schemas.portal_json import JsonForm

_is_path = re.compile(r"/[!-~]*").fullmatch
OF_ADAPTER = ("auth_endpoint", "integration_endpoint", "username", "password")
"""What the adapter needs; a façade has none of it."""
OF_FACADE = ("dossier_endpoint", "progress_endpoint")
FAILURE_TEXTS = ("không thành công", "chưa thành công", "thất bại")
"""Words that contradict a code of success, on any channel; the first holds the words of success."""

_Length = Annotated[int, Field(ge=1)]


class JsonProfile(BaseModel):
    """The `[target.json]` table. Paths stand behind `target.endpoint`; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal["adapter", "facade"] = "adapter"
    madonvi: str = Field(min_length=1, description="code of the unit that sends: 000.00.00.H29")
    dstcode: str = Field(default="", description="header of every call; blank: the test system")

    auth_endpoint: str = Field(default="", description="path of the login")
    integration_endpoint: str = Field(default="", description="path of dossiers and look-ups")
    share_endpoint: str = Field(default="", description="path of the dictionaries, if it has them")
    username: str = ""
    password: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_TARGET__JSON__PASSWORD"
    )
    session_seconds: float = Field(
        default=600, ge=10, le=86_400, description="a session older than nine tenths is renewed"
    )
    expired_codes: tuple[str, ...] = Field(
        default=(), description="the session has ended, and nothing was done"
    )
    expired_texts: tuple[str, ...] = Field(
        default=(), description="one of them must stand beside an expired code, where given"
    )

    dossier_endpoint: str = Field(default="", description="of a façade")
    update_endpoint: str = Field(
        default="",
        description="of a façade with an address for updates; blank: ?MaDinhDanhDV=…&isUpdating=…",
    )
    progress_endpoint: str = Field(default="", description="of a façade")
    look_up_endpoint: str = Field(
        default="", description="of a façade that tells of a dossier by GET ?mahoso=…"
    )

    failure_texts: tuple[str, ...] = Field(
        default=FAILURE_TEXTS,
        description="beside a success code: the two contradict each other",
    )
    absent_codes: tuple[str, ...] = Field(
        default=(), description="of a look-up: there is no such dossier"
    )
    null_is_absent: bool = Field(
        default=False, description='a look-up may say "result": null for an empty list'
    )

    blanks: bool = Field(default=True, description='absent texts and times go out as ""')
    numbers_as_text: bool = True
    booleans_as_text: bool = True
    left_out: tuple[str, ...] = Field(
        default=(), description="optional fields that the target does not know, by path"
    )
    max_lengths: dict[str, _Length] = Field(
        default={}, description="in characters, by path, where it takes less than the schema"
    )
    too_long: Literal["refuse", "leave_out"] = Field(
        default="refuse", description="what becomes of a longer value, if it is optional"
    )
    codes: dict[str, dict[str, str]] = Field(
        default={}, description="by path, what the target writes for each of our values"
    )

    @field_validator(
        "auth_endpoint",
        "integration_endpoint",
        "share_endpoint",
        "dossier_endpoint",
        "update_endpoint",
        "progress_endpoint",
        "look_up_endpoint",
    )
    @classmethod
    def _check_path(cls, value: str) -> str:
        if value and (not _is_path(value) or set(value) & set("?#")):
            raise ValueError("expected a path like /auth: ASCII, no spaces, no ? and no #")
        return value

    @field_validator("madonvi", "dstcode", "username")
    @classmethod
    def _check_line(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()) or value != value.strip():
            raise ValueError("expected one line of ASCII without spaces at its ends")
        return value

    @field_validator("expired_texts", "failure_texts")
    @classmethod
    def _check_texts(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value.strip() for value in values):
            raise ValueError("an empty text is part of every answer")
        return values

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        needed: tuple[str, ...] = OF_ADAPTER
        strange: tuple[str, ...] = (*OF_FACADE, "update_endpoint", "look_up_endpoint")
        if self.form == "facade":
            needed, strange = OF_FACADE, (*OF_ADAPTER, "share_endpoint")
        problems = [f"form '{self.form}' needs {name}" for name in needed if not self._has(name)]
        problems += [f"{name} is not for form '{self.form}'" for name in strange if self._has(name)]
        if self.expired_texts and not self.expired_codes:
            problems.append("expired_texts without expired_codes")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _has(self, name: str) -> bool:
        value = getattr(self, name)
        return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)

    def conflicts_with(self, lists: dict[str, tuple[str, ...]]) -> list[str]:
        """Return where this table contradicts lists of the target's codes, by their names."""
        success = {"success_codes": lists["success_codes"]}
        # A text tells an ended session from other refusals: "-1" is used for many things.
        of_expired = success if self.expired_texts else lists
        return [
            f"code {code!r} stands in both json.{name} and {other}"
            for name, codes, others in (
                ("expired_codes", self.expired_codes, of_expired),
                ("absent_codes", self.absent_codes, success),
            )
            for other in others
            for code in sorted(set(codes) & set(others[other]))
        ]

    @cached_property
    def json_form(self) -> JsonForm:
        """How the fields are written."""
        return JsonForm(
            blanks=self.blanks,
            numbers_as_text=self.numbers_as_text,
            booleans_as_text=self.booleans_as_text,
            left_out=frozenset(self.left_out),
            max_lengths=self.max_lengths,
            leaves_out_too_long=self.too_long == "leave_out",
            codes=self.codes,
        )

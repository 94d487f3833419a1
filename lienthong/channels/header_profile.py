"""What a target wants of SOAP headers besides WS-Security: WS-Addressing, and X-Road's."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

_is_code = re.compile(r"[^\x00-\x20\x7f:;/\\%](?:[^\x00-\x1f\x7f:;/\\%]*[^\x00-\x20\x7f:;/\\%])?")
"""X-Road's identifiers are also written with these separators, so no code may hold one."""
_is_fault = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+").fullmatch


class AddressingProfile(BaseModel):
    """The `[target.addressing]` table; without it messages have no WS-Addressing headers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str = Field(default="", description="wsa:To; blank: the endpoint")
    must_understand: bool = Field(
        default=False, description="a target that knows no WS-Addressing has to refuse the message"
    )
    answers_relate: bool = Field(
        default=False, description="an answer must have wsa:RelatesTo; else it may lack it"
    )

    @field_validator("to")
    @classmethod
    def _check_to(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise ValueError("expected a URI: ASCII, no spaces")
        return value


class XRoadMember(BaseModel):
    """Who somebody is in X-Road: a member, or one of its subsystems."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance: str = Field(description="xRoadInstance")
    member_class: str = Field(description="memberClass")
    member_code: str = Field(description="memberCode")
    subsystem_code: str = Field(default="", description="subsystemCode; blank: the member itself")

    @field_validator("instance", "member_class", "member_code")
    @classmethod
    def _check_code(cls, value: str) -> str:
        return check_code(value)

    @field_validator("subsystem_code")
    @classmethod
    def _check_subsystem(cls, value: str) -> str:
        return check_code(value) if value else value


class XRoadProfile(BaseModel):
    """The `[target.xroad]` table: the headers of X-Road's message protocol 4.0, on SOAP 1.1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client: XRoadMember = Field(description="who we are")
    service: XRoadMember = Field(description="who offers the services; their codes are operations")
    service_version: str = Field(default="", description="serviceVersion; blank: none")
    user_id: str = Field(default="", description="userId, as VN012345678901; blank: none")
    issue: str = Field(default="", description="blank: none")
    protocol_version: str = Field(default="4.0", pattern=r"^4\.\d$")
    refused_faults: tuple[str, ...] = Field(
        default=(),
        description="dotted fault codes, or their beginnings, with which a security server refuses "
        "us before anything is forwarded: Server.ClientProxy.UnknownMember",
    )

    @field_validator("service_version")
    @classmethod
    def _check_version(cls, value: str) -> str:
        return check_code(value) if value else value

    @field_validator("user_id", "issue")
    @classmethod
    def _check_line(cls, value: str) -> str:
        if not value.isprintable() or value != value.strip():
            raise ValueError("expected one line without spaces at its ends")
        return value

    @field_validator("refused_faults")
    @classmethod
    def _check_faults(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not _is_fault(value):
                # "Server" alone is also what a portal says that failed after its commit.
                raise ValueError(f"expected a code with a dot like Server.ClientProxy: {value!r}")
        return values


def check_code(value: str) -> str:
    """Return a code of X-Road; raise ValueError, in words, for what cannot be one."""
    if not _is_code.fullmatch(value):
        raise ValueError("expected a code of X-Road: none of : ; / \\ % and no control characters")
    return value

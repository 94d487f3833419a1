"""
What is particular to a target that speaks the LGSP document schema.

Of the schema one public file is known, of its use one implementer; what the two leave open (codes,
times, spellings, what a success is) is a setting here. Paths stand behind `target.endpoint`.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cached_property
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from lienthong.channels.json_profile import FAILURE_TEXTS
from schemas.lgsp import LgspForm, Zone
from schemas.lgsp_fields import LgspKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_is_path = re.compile(r"/[!-~]*").fullmatch
_is_header = re.compile(r"[A-Za-z][A-Za-z0-9-]*").fullmatch
_Length = Annotated[int, Field(ge=1)]
_Kind = Literal["text", "integer", "number", "boolean", "time"]


class LgspFields(BaseModel):
    """How one message is written: `[target.lgsp.dossier]`, `[target.lgsp.progress]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, tuple[str, ...]] = Field(
        default={}, description="by LGSP path, fields of ours, the first that is there"
    )
    constants: dict[str, str] = Field(
        default={}, description="by LGSP path, what is written where no source gives anything"
    )
    codes: dict[str, dict[str, str]] = Field(
        default={}, description="by LGSP path, what is written for each value; * for all others"
    )
    kinds: dict[str, _Kind] = Field(
        default={}, description='by LGSP path: IsReturned = "text", as the XSD says'
    )
    left_out: tuple[str, ...] = Field(default=(), description="optional fields, by LGSP path")
    max_lengths: dict[str, _Length] = Field(default={}, description="in characters, by LGSP path")


class AccessKeys(BaseModel):
    """The `[target.lgsp.access]` table: keys of every call, as base64 of JSON in a header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: str = "lgspaccesstoken"
    app_name: str = Field(description="AppName")
    access_key: SecretStr = Field(description="LIENTHONG_TARGET__LGSP__ACCESS__ACCESS_KEY")
    secret_key: SecretStr = Field(description="LIENTHONG_TARGET__LGSP__ACCESS__SECRET_KEY")
    partner_code: str = Field(default="", description="PartnerCode; blank: left out")
    partner_code_cus: str = Field(default="", description="PartnerCodeCus; blank: left out")

    @field_validator("header")
    @classmethod
    def _check_header(cls, value: str) -> str:
        if not _is_header(value):
            raise ValueError("expected the name of a header like lgspaccesstoken")
        return value

    @cached_property
    def value(self) -> str:
        """The header's value: a secret."""
        keys = {
            "AppName": self.app_name,
            "AccessKey": self.access_key.get_secret_value(),
            "SecretKey": self.secret_key.get_secret_value(),
            "PartnerCode": self.partner_code,
            "PartnerCodeCus": self.partner_code_cus,
        }
        given = {name: value for name, value in keys.items() if value}
        return b64encode(json.dumps(given, separators=(",", ":")).encode()).decode()


class LgspProfile(BaseModel):
    """The `[target.lgsp]` table. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token_endpoint: str = Field(
        default="", description="of client credentials: a path or a whole URL; blank: no token"
    )
    client_id: str = ""
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_TARGET__LGSP__CLIENT_SECRET"
    )
    client_login: Literal["body", "basic"] = Field(
        default="body", description="client_id and client_secret in the body, or HTTP Basic"
    )
    scope: str = ""
    token_seconds: float = Field(
        default=600, ge=10, le=86_400, description="of a token whose answer has no expires_in"
    )
    token_client_certificate: Path | None = Field(
        default=None,
        description="PEM, for mutual TLS with a token_endpoint at another host, which is not shown "
        "the target's",
    )
    token_client_key: Path | None = Field(
        default=None, description="PEM; None: beside token_client_certificate"
    )
    access: AccessKeys | None = None

    dossier_endpoint: str = "/Document/SyncDocument"
    progress_endpoint: str = "/Document/UpdateDocumentTraces"
    look_up_endpoint: str = Field(
        default="", description="GET ?DocCode=…; none is published: blank, nobody is asked"
    )

    answer: Literal["mresult", "hcm"] = Field(
        default="mresult", description="Status and Message, or StatusCode, Status, ThrowException"
    )
    success_words: tuple[str, ...] = Field(
        default=("SUCCESS",), min_length=1, description="Status of a success, with answer 'hcm'"
    )
    failure_texts: tuple[str, ...] = Field(
        default=FAILURE_TEXTS,
        description="beside a success code: the two contradict each other",
    )

    attachments: Literal["names", "left_out"] = Field(
        default="names", description="names: without Base64"
    )
    attachment_id: Literal["AttachmentId", "Attachmentld"] = Field(
        default="AttachmentId", description="the published XSD has a letter l in it"
    )
    time_format: str = Field(default="%Y-%m-%dT%H:%M:%S.000", min_length=2)
    time_zone: Literal["local_z", "utc_z", "offset", "bare_offset", "none"] = Field(
        default="local_z",
        description="local_z: Vietnamese time with a literal Z, as implementers send it",
    )
    dossier: LgspFields = LgspFields()
    progress: LgspFields = LgspFields()

    @field_validator("dossier_endpoint", "progress_endpoint", "look_up_endpoint")
    @classmethod
    def _check_path(cls, value: str) -> str:
        if value and (not _is_path(value) or set(value) & set("?#")):
            raise ValueError("expected a path like /token: ASCII, no spaces, no ? and no #")
        return value

    @field_validator("token_endpoint")
    @classmethod
    def _check_token_endpoint(cls, value: str) -> str:
        if not value or (_is_path(value) and not set(value) & set("?#")):
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ValueError("expected a path like /token, or a URL without a login")
        return value

    @field_validator("client_id", "scope")
    @classmethod
    def _check_line(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()) or value != value.strip():
            raise ValueError("expected one line of ASCII without spaces at its ends")
        return value

    @field_validator("failure_texts", "success_words")
    @classmethod
    def _check_texts(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value.strip() for value in values):
            raise ValueError("an empty text is part of every answer")
        return values

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        problems = []
        login = (bool(self.client_id), bool(self.client_secret.get_secret_value()))
        if bool(self.token_endpoint) != all(login) or any(login) != all(login):
            problems.append("token_endpoint, client_id and client_secret belong together")
        if not self.token_endpoint and self.access is None:
            problems.append("a token_endpoint or the table access is needed")
        is_taken = self.access is not None and self.access.header.casefold() == "authorization"
        if self.token_endpoint and is_taken:
            problems.append("access.header: Authorization is the token's")
        if self.token_client_key is not None and self.token_client_certificate is None:
            problems.append("token_client_key needs token_client_certificate")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def secret_headers(self) -> tuple[str, ...]:
        """Names of headers that are secrets."""
        return () if self.access is None else (self.access.header,)

    def form_of(self, fields: LgspFields, *, is_dossier: bool) -> LgspForm:
        """Return how the fields of one message are written."""
        left_out, names = set(fields.left_out), dict[str, str]()
        if is_dossier:
            names = {"Attachments.AttachmentId": self.attachment_id}
            if self.attachments == "left_out":
                left_out.add("Attachments")
        kinds: Mapping[str, LgspKind] = {
            path: LgspKind(kind) for path, kind in fields.kinds.items()
        }
        return LgspForm(
            sources=fields.sources,
            constants=fields.constants,
            codes=fields.codes,
            kinds=kinds,
            left_out=frozenset(left_out),
            names=names,
            max_lengths=fields.max_lengths,
            time_format=self.time_format,
            zone=Zone(self.time_zone),
        )

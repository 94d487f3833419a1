"""What is set of one peer: `[peers.NAME]`, everything unsure about its messages included."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from schemas.model import version_names

MIB = 1024 * 1024
LARGEST_BYTES = 64 * MIB
SHORTEST_KEY = 8
_CLOSED = ConfigDict(extra="forbid", frozen=True)
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
"""Of a service, a field or a key, as it is published."""


class PeerSoap(BaseModel):
    """`[peers.NAME.soap]`: the SOAP service for this peer. Times in seconds."""

    model_config = _CLOSED

    versions: tuple[Literal["1.1", "1.2"], ...] = Field(default=("1.1", "1.2"), min_length=1)
    trust: tuple[Path, ...] = Field(
        default=(), description="certificates (PEM) that its WS-Security signatures must lead to"
    )
    signers: tuple[str, ...] = Field(
        default=(), description="common names that may sign; empty: whoever trust vouches for"
    )
    validity_seconds: float = Field(default=300, gt=0, le=3600, description="of a message")
    clock_skew_seconds: float = Field(default=60, ge=0, le=3600)
    needs_signed_tokens: bool = Field(
        default=False, description="the certificate's own element must be signed, too"
    )
    username: str | None = Field(default=None, description="of its UsernameToken")
    password: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_PEERS__NAME__SOAP__PASSWORD"
    )
    password_form: Literal["digest", "text"] = "digest"  # noqa: S105 - a word of the profile
    token: bool = Field(default=False, description="it sends Authorization: Bearer, too")
    message_id: Literal["element", "addressing", "x-road"] = Field(
        default="element",
        description="where its message id is: MaBanTin, wsa:MessageID or X-Road's id",
    )
    signed_answers: bool = Field(
        default=False, description="answers and faults are signed with the operator's key"
    )
    address: str | None = Field(
        default=None, description="of the service in its WSDL; None: as it was asked for"
    )

    @model_validator(mode="after")
    def _check_proof(self) -> Self:
        problems = []
        if not (self.trust or self.username or self.token):
            problems.append("it proves itself by nothing: give trust, username or token = true")
        if bool(self.username) != bool(self.password.get_secret_value()):
            problems.append("username and password belong together")
        if self.signers and not self.trust:
            problems.append("signers needs trust")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class PeerJson(BaseModel):
    """`[peers.NAME.json]`: the JSON endpoint for this peer, and how it spells its envelope."""

    model_config = _CLOSED

    token: bool = Field(
        default=False, description="it sends a token of ours: Authorization: Bearer, or token_name"
    )
    security_key: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_PEERS__NAME__JSON__SECURITY_KEY"
    )
    security_key_name: Name = "SecurityKey"
    token_name: Name = "session"  # noqa: S105 - where it stands, not what it is
    service_names: tuple[Name, ...] = Field(default=("service", "Service"), min_length=1)
    data_names: tuple[Name, ...] = Field(default=("data", "Data"), min_length=1)
    message_id_name: Name | None = Field(
        default=None, description="of the envelope's key with the message id, where there is one"
    )
    takes_unknown_fields: bool = Field(
        default=False, description="of services with a schema: fields that the schema lacks"
    )

    @model_validator(mode="after")
    def _check_proof(self) -> Self:
        key = self.security_key.get_secret_value()
        if not (self.token or key):
            raise ValueError("it proves itself by nothing: give token = true or security_key")
        if key and len(key) < SHORTEST_KEY:
            # It is looked for in what is stored; a short one would be found everywhere.
            raise ValueError(f"security_key: at least {SHORTEST_KEY} characters")
        return self


class PeerService(BaseModel):
    """`[peers.NAME.services.SERVICE]`: a service that the peer may send."""

    model_config = _CLOSED

    required: tuple[str, ...] = Field(
        default=(), description="paths (Data.X as X, with dots) that must have a value"
    )
    every_field: bool = Field(default=False, description="no field may be empty, whatever its name")
    id_field: Name | None = Field(
        default=None, description="JSON: the field with the message id; None: its content is its id"
    )


class PeerRoutes(BaseModel):
    """`[peers.NAME.routes]`: which agency a message is for, by names of mappings."""

    model_config = _CLOSED

    unit_field: Name = Field(
        default="madonvi", description="whose value `units` knows, in any letter case"
    )
    units: dict[str, str] = Field(default={}, description="agency by the unit's code")
    procedure_field: Name = "MaTTHC"
    procedures: dict[str, str] = Field(default={}, description="agency by procedure")
    otherwise: str | None = Field(default=None, description="agency of all others; None: refused")

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if not (self.units or self.procedures or self.otherwise):
            raise ValueError("no message would reach anybody: give units, procedures or otherwise")
        return self

    @property
    def agencies(self) -> frozenset[str]:
        """Everybody a message may be for."""
        named = {*self.units.values(), *self.procedures.values()}
        return frozenset(named | {self.otherwise} if self.otherwise else named)


class PeerAnswers(BaseModel):
    """`[peers.NAME.answers]`: how the peer wants to be answered."""

    model_config = _CLOSED

    code_name: Name = "error_code"
    message_name: Name = "message"
    numbers: bool = Field(default=False, description="JSON: codes as numbers")
    success_code: str = "0"
    success_text: str = "Thành công"
    repeat_code: str | None = Field(
        default=None, description="None: a repeat is answered as the first was"
    )
    repeat_text: str = "Bản tin đã được tiếp nhận trước đó"
    refused_code: str = "-1"
    http_status: Literal["always-200", "by-kind"] = Field(
        default="always-200",
        description="of answers about what a message says; by-kind: 422, 409",
    )
    language: Literal["vi", "en"] = Field(default="vi", description="of the reasons")

    @model_validator(mode="after")
    def _check_codes(self) -> Self:
        codes = [self.success_code, self.refused_code, self.repeat_code or self.success_code]
        problems = []
        if self.refused_code in (self.success_code, self.repeat_code):
            problems.append("refused_code must differ from success_code and repeat_code")
        if self.numbers and not all(one.removeprefix("-").isdecimal() for one in codes):
            problems.append("numbers = true needs codes that are whole numbers")
        if self.code_name == self.message_name:
            problems.append("code_name and message_name must differ")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class PeerProfile(BaseModel):
    """The `[peers.NAME]` table."""

    model_config = _CLOSED

    soap: PeerSoap | None = None
    json_: PeerJson | None = Field(default=None, alias="json")
    services: dict[Name, PeerService] = Field(
        min_length=1, description="that it may send, by published name; no others"
    )
    routes: PeerRoutes
    answers: PeerAnswers = PeerAnswers()
    is_portal: bool = Field(
        default=False, description="it is the target's portal: a dossier that it files is there"
    )
    schema_versions: tuple[str, ...] = Field(
        default=version_names(), min_length=1, description="of services that have a schema"
    )
    max_message_bytes: int = Field(
        default=16 * MIB, ge=1024, le=LARGEST_BYTES, description="of one request, whole"
    )

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        problems = []
        if self.soap is None and self.json_ is None:
            problems.append("give soap or json: how it sends")
        if unknown := set(self.schema_versions) - set(version_names()):
            problems.append(f"unknown schema_versions: {', '.join(sorted(unknown))}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

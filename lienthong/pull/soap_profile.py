"""The profile of a SOAP service that is read by us: an operation, and where the records are."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import ClassVar, Literal, Self

from pydantic import Field, JsonValue, model_validator

from lienthong.pull.marked import WrongPull
from lienthong.pull.web_profile import WebPull


class SoapPull(WebPull):
    """A service that answers in SOAP. Times in seconds."""

    kind: Literal["soap"]
    wsdl: Path = Field(description="a file; what it imports lies beside it, nothing is fetched")
    operation: str
    soap: Literal["1.1", "1.2"] = "1.1"
    parameters: dict[str, JsonValue] = Field(default={}, description="of the operation, by name")
    soap_headers: dict[str, JsonValue] = Field(
        default={}, description="elements of the SOAP header that the WSDL declares"
    )
    username_token: Literal["text", "digest"] | None = Field(
        default=None, description="user and password by WS-Security; None: as HTTP Basic"
    )
    records: str = Field(min_length=1, description="path of the records in the Body")
    lists: frozenset[str] = Field(
        default=frozenset(), description="names of elements that are lists also where one comes"
    )
    key: tuple[str, ...] = Field(
        default=(), description="paths in a record that name it; none: all of it does"
    )

    asks: ClassVar[tuple[str, ...]] = ("url", "parameters", "soap_headers")

    @model_validator(mode="after")
    def _check_soap(self) -> Self:
        if self.username_token is not None and not self.user:
            raise WrongPull(vi="username_token cần user", en="username_token needs user")
        if self.paging is not None and self.paging.kind == "next":
            raise WrongPull(
                vi='SOAP không có paging.kind = "next"', en='SOAP has no paging.kind = "next"'
            )
        return self

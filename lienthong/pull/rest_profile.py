"""The profile of a REST service that is read by us: what is asked, and where the records are."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from lienthong.pull.marked import WrongPull
from lienthong.pull.web_profile import WebPull

Method = Literal["GET", "POST"]


class Detail(BaseModel):
    """One more call per record, whose reply completes it; holes are fields of the record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="https://host/path/{MaHoSo}")
    method: Method = "GET"
    query: dict[str, str] = {}
    body: dict[str, JsonValue] = {}
    record: str = Field(default="", description="path of the record in the reply")


class RestPull(WebPull):
    """A service that answers in JSON. Times in seconds."""

    kind: Literal["rest"]
    method: Method = "GET"
    query: dict[str, str] = Field(default={}, description="parameters of the address")
    body: dict[str, JsonValue] = Field(default={}, description="of a POST, as JSON")
    detail: Detail | None = None

    asks: ClassVar[tuple[str, ...]] = ("url", "query", "body")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that is called, besides the next pages'."""
        own = super().addresses
        return own if self.detail is None else (*own, self.detail.url)

    @model_validator(mode="after")
    def _check_bodies(self) -> Self:
        for each in (self, self.detail):
            if each is not None and each.method == "GET" and each.body:
                raise WrongPull(vi='body cần method = "POST"', en='body needs method = "POST"')
        return self

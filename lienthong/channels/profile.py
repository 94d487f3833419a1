"""
The profile of a target: everything about one portal that no source settles for every portal.

It is the `[target]` table of the settings. Codes and texts are lists of the operator's, because
the portal's own list is not public; what no list knows is quarantined, never guessed.
"""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, timedelta
from functools import cached_property
from itertools import combinations
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lienthong.channels.header_profile import (
    AddressingProfile,  # noqa: TC001 - pydantic reads the annotations
    XRoadProfile,  # noqa: TC001 - pydantic reads the annotations
)
from lienthong.channels.headers import OF_ADDRESSING, OF_XROAD
from lienthong.channels.json_profile import (
    FAILURE_TEXTS,
    JsonProfile,
)
from lienthong.channels.lgsp_profile import (
    LgspProfile,  # noqa: TC001 - pydantic reads the annotations
)
from lienthong.channels.security_profile import (
    SecurityProfile,  # noqa: TC001 - pydantic reads the annotations
)
from lienthong.channels.windows import Windows, WrongWindow, parse_windows
from schemas.problem import Text

MIB = 1024 * 1024
OF_SOAP = (
    "soap",
    "security",
    "addressing",
    "xroad",
    "rejected_faults",
    "busy_faults",
    "receipt_trust",
    "receipt_signers",
    "shows_content",
)
"""Settings that say nothing of a channel without SOAP, signatures and receipts."""
ROWS = "progress_rows_per_call"


class TargetProfile(BaseModel):
    """How one portal is reached, and what its answers mean. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field(
        description="URL of the portal's SOAP service or of the JSON adapter, http or https"
    )
    channel: Literal["soap", "dvcqg-json", "lgsp"] = "soap"
    schema_versions: tuple[str, ...] = Field(
        default=("dvcqg-2020",), min_length=1, description="of the documents it takes"
    )
    soap: Literal["1.1", "1.2"] = "1.1"

    connect_timeout_seconds: float = Field(default=5, gt=0, le=300)
    read_timeout_seconds: float = Field(default=30, gt=0, le=600, description="between two bytes")
    call_timeout_seconds: float = Field(
        default=60, gt=0, le=900, description="for a whole call, however steadily bytes drip in"
    )
    max_answer_bytes: int = Field(default=MIB, ge=1024, le=64 * MIB)
    keep_alive_seconds: float = Field(
        default=15, ge=0, le=300, description="an idle connection older than this is not used again"
    )
    look_up_attempts: int = Field(default=3, ge=1, le=10)

    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    client_certificate: Path | None = Field(default=None, description="PEM, for mutual TLS")
    client_key: Path | None = Field(default=None, description="PEM; None: beside the certificate")

    success_codes: tuple[str, ...] = Field(default=("0", "00"), min_length=1)
    success_texts: tuple[str, ...] = Field(
        default=(), description="where given, a success must also say one of these"
    )
    exists_codes: tuple[str, ...] = ("3", "-3")
    exists_texts: tuple[str, ...] = Field(
        default=("đã tồn tại",), description="one of them must stand beside an exists code"
    )
    missing_codes: tuple[str, ...] = Field(
        default=(), description="an update is refused because there is no such dossier"
    )
    missing_texts: tuple[str, ...] = Field(
        default=("chưa tồn tại",), description="one of them must stand beside a missing code"
    )
    rejected_codes: tuple[str, ...] = Field(default=(), description="permanent refusals")
    busy_codes: tuple[str, ...] = Field(default=(), description="nothing was done, later may help")
    busy_statuses: tuple[int, ...] = Field(
        default=(429, 503), description="HTTP statuses that say the request was turned away"
    )
    rejected_faults: tuple[str, ...] = Field(
        default=("Client", "Sender"), description="SOAP fault codes that refuse the message"
    )
    busy_faults: tuple[str, ...] = Field(
        default=(), description="SOAP fault codes after which certainly nothing was done"
    )

    progress_rows_per_call: int = Field(
        default=1,
        ge=1,
        le=100,
        description="progress rows that may go together in one call of channel dvcqg-json; only "
        "for a target that takes all rows of a call or none",
    )

    rate_per_second: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        description="calls that one worker process starts each second: the portal's limit divided "
        "by the number of processes that deliver; None: no limit",
    )
    rate_burst: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="calls that may start at once after a quiet time, in one worker process; "
        "None: those of one second",
    )
    maintenance_windows: tuple[str, ...] = Field(
        default=(),
        description="when nothing is sent and nothing counts as trouble: 'Sun 22:00-04:00', "
        "'Mon-Fri 12:00-12:30', 'daily 23:30-00:15', '2026-12-01T22:00/2026-12-02T04:00'",
    )
    time_zone: str = Field(
        default="Asia/Ho_Chi_Minh", description="of the maintenance windows, by its IANA name"
    )
    retry_after_limit_seconds: float = Field(
        default=3600, gt=0, le=86_400, description="longest Retry-After that is honoured"
    )

    trace_header: bool = Field(
        default=False,
        description="tell it the span of each call (`traceparent`), where traces are on; only for "
        "a target that asked for it",
    )

    receipts: Literal["required", "none"] = "required"
    receipt_trust: tuple[Path, ...] = Field(
        default=(), description="certificates (PEM) that receipts must lead to"
    )
    receipt_signers: tuple[str, ...] = Field(
        default=(),
        description="common names that may sign receipts; empty: whoever receipt_trust vouches for",
    )

    shows_content: bool = Field(
        default=False, description="the look-up shows the digests of what is in effect"
    )
    quiet_period_seconds: float = Field(
        default=600, ge=0, description="longer than the portal's slowest commit"
    )
    resend_unproven_progress: bool = Field(
        default=False, description="send a progress row again that no look-up can prove"
    )

    security: SecurityProfile | None = Field(
        default=None, description="the WS-Security header of messages; None: they have none"
    )

    addressing: AddressingProfile | None = Field(
        default=None, description="the WS-Addressing headers of messages; None: they have none"
    )
    xroad: XRoadProfile | None = Field(
        default=None, description="X-Road's headers of messages; None: they have none"
    )

    json_adapter: JsonProfile | None = Field(
        default=None, alias="json", description="of channel dvcqg-json"
    )
    lgsp: LgspProfile | None = Field(default=None, description="of channel lgsp")

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("expected a URL like https://portal.example/service")
        if parts.username is not None or parts.password is not None:
            raise ValueError("no login belongs in the URL: it would be logged")
        if parts.fragment:
            raise ValueError("a fragment (#…) never reaches the portal")
        _ = parts.port  # raises ValueError, in words, where the port is not a number
        return value

    @field_validator("success_texts", "exists_texts", "missing_texts")
    @classmethod
    def _check_texts(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value.strip() for value in values):
            raise ValueError("an empty text is part of every answer")
        return values

    @field_validator("maintenance_windows")
    @classmethod
    def _check_windows(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        parse_windows(values, zone=UTC)  # raises WrongWindow, in words, whatever the zone
        return values

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        _load_zone(value)
        return value

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        _ = self.windows  # raises WrongWindow where their zone, a default, is not on this machine
        problems = [
            *self._channel_conflicts(),
            *self._code_conflicts(),
            *self._timeout_conflicts(),
            *self._header_conflicts(),
        ]
        if self.client_key is not None and self.client_certificate is None:
            problems.append("client_key without client_certificate")
        is_open = urlsplit(self.endpoint).scheme == "http"
        if is_open and self.security is not None and self.security.shows_password:
            problems.append("security.password_form 'text' shows the password: use https or digest")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _channel_conflicts(self) -> list[str]:
        tables = {"dvcqg-json": ("json", self.json_adapter), "lgsp": ("lgsp", self.lgsp)}
        problems = [
            f"the table {name} belongs to channel {channel!r}, and channel is {self.channel!r}"
            for channel, (name, table) in tables.items()
            if table is not None and channel != self.channel
        ]
        if self.channel != "dvcqg-json" and ROWS in self.model_fields_set:
            problems.append(f"{ROWS}: on channel {self.channel!r} each row is a call, leave it out")
        if self.channel == "soap":
            return problems
        problems += [
            f"{name} belongs to channel 'soap': leave it out"
            for name in OF_SOAP
            if name in self.model_fields_set
        ]
        if "receipts" in self.model_fields_set and self.receipts == "required":
            problems.append(
                f"receipts: channel {self.channel!r} has none, its answers are the proof"
            )
        if urlsplit(self.endpoint).query:
            problems.append("endpoint: without a query, paths are put behind it")
        name, table = tables[self.channel]
        if table is None:
            problems.append(f"channel {self.channel!r} needs the table [target.{name}]")
        if self.channel == "lgsp" and "success_codes" not in self.model_fields_set:
            problems.append("success_codes: no source says what an LGSP's success is; name it")
        if self.json_adapter is None or self.channel != "dvcqg-json":
            return problems
        lists = {
            "success_codes": self.success_codes,
            "exists_codes": self.exists_codes,
            "missing_codes": self.missing_codes,
            "rejected_codes": self.rejected_codes,
            "busy_codes": self.busy_codes,
        }
        return problems + self.json_adapter.conflicts_with(lists)

    def _code_conflicts(self) -> list[str]:
        lists = {
            "success_codes": self.success_codes,
            "rejected_codes": self.rejected_codes,
            "busy_codes": self.busy_codes,
            "exists_codes": self.exists_codes,
            "missing_codes": self.missing_codes,
        }
        # A code may both exist and reject where a text tells the two apart: "3" is used for both.
        told_apart = []
        if self.exists_texts:
            told_apart.append({"rejected_codes", "exists_codes"})
        if self.missing_texts:
            told_apart.append({"rejected_codes", "missing_codes"})
        if self.exists_texts and self.missing_texts:
            told_apart.append({"exists_codes", "missing_codes"})
        return [
            f"code {code!r} stands in both {one} and {other}"
            for one, other in combinations(lists, 2)
            if {one, other} not in told_apart
            for code in sorted(set(lists[one]) & set(lists[other]))
        ]

    def _timeout_conflicts(self) -> list[str]:
        parts = self.connect_timeout_seconds + self.read_timeout_seconds
        if self.call_timeout_seconds < parts:
            return [f"call_timeout_seconds is less than connecting and reading need: {parts:g}"]
        return []

    def _header_conflicts(self) -> list[str]:
        problems = []
        if self.xroad is not None and self.soap != "1.1":
            problems.append("xroad: X-Road's message protocol 4.0 is of SOAP 1.1")
        if self.xroad is not None:
            lists = {"rejected_faults": self.rejected_faults, "busy_faults": self.busy_faults}
            problems += [
                f"fault {code!r} stands in both xroad.refused_faults and {name}"
                for name, codes in lists.items()
                for code in sorted(set(codes) & set(self.xroad.refused_faults))
            ]
        chosen = () if self.security is None else self.security.signed_headers or ()
        written = (
            *(OF_ADDRESSING if self.addressing is not None else ()),
            *(OF_XROAD if self.xroad is not None else ()),
        )
        problems += [
            f"security.signed_headers: {name!r} is not written; those that are: "
            f"{', '.join(written) or 'none'}"
            for name in chosen
            if name not in written
        ]
        return problems

    @property
    def wants_receipts(self) -> bool:
        """Whether a success must bring a receipt; channels other than SOAP have none."""
        return self.channel == "soap" and self.receipts == "required"

    @property
    def longest_call(self) -> timedelta:
        """The longest any call takes, name resolution apart; a lease must be longer."""
        return timedelta(seconds=self.call_timeout_seconds)

    @property
    def quiet_period(self) -> timedelta:
        """How long an absence in a look-up proves nothing."""
        return timedelta(seconds=self.quiet_period_seconds)

    @cached_property
    def windows(self) -> Windows:
        """The maintenance windows."""
        if not self.maintenance_windows:
            return Windows()
        return parse_windows(self.maintenance_windows, zone=_load_zone(self.time_zone))

    @property
    def burst(self) -> int:
        """How many calls may start at once after a quiet time."""
        return self.rate_burst or math.ceil(self.rate_per_second or 1)

    @property
    def retry_after_limit(self) -> timedelta:
        """The longest Retry-After that is honoured."""
        return timedelta(seconds=self.retry_after_limit_seconds)


SUCCESS_TEXTS = ("thành công",)
"""What implementers look for; where no text is demanded, it still contradicts a refusal."""


def says(message: str, *, texts: tuple[str, ...]) -> bool:
    """Return whether `message` contains one of `texts`, whatever the case and Unicode form."""
    plain = _plain(message)
    return any(_plain(text) in plain for text in texts)


def says_success(
    message: str, *, profile: TargetProfile, failure_texts: tuple[str, ...] = FAILURE_TEXTS
) -> bool:
    """Return whether a text is one of success, and not one that only holds its words."""
    plain = _plain(message)
    # "Không thành công" contains the word of success.
    for text in failure_texts:
        plain = plain.replace(_plain(text), " ")
    return says(plain, texts=profile.success_texts or SUCCESS_TEXTS)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _load_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongWindow(
            Text(
                vi=f"không có múi giờ '{name}': cần tên IANA như Asia/Ho_Chi_Minh, và gói tzdata "
                "của hệ điều hành",
                en=f"there is no time zone '{name}': expected an IANA name like Asia/Ho_Chi_Minh, "
                "and the operating system's package tzdata",
            )
        ) from None

"""The settings of traces: to whom they are sent, and how many."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from lienthong.loopback import is_loopback
from schemas.errors import ConfigError
from schemas.problem import Text

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_LONGEST_FILE = 64 * 1024


class TraceSettings(BaseModel):
    """To which collector traces go; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str | None = Field(
        default=None,
        description="of a collector, OTLP over HTTP: https://host:4318/v1/traces; None: no traces",
    )
    headers: dict[str, SecretStr] = Field(
        default={}, description="that go with every request, such as Authorization"
    )
    headers_file: Path | None = Field(
        default=None, description="further ones, `Name: value` line by line, for secrets"
    )
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    ratio: float = Field(default=1, ge=0, le=1, description="of the traces that are kept")
    timeout_seconds: float = Field(default=10, gt=0, le=60, description="for one request")
    queue_spans: int = Field(
        default=8192,
        ge=64,
        le=262_144,
        description="that wait for the collector, about 2 KiB each; more push out the oldest",
    )
    batch_spans: int = Field(default=512, ge=1, le=8192, description="in one request at most")

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        if value is not None and not (
            value.startswith(("https://", "http://")) and urlsplit(value).hostname
        ):
            raise ValueError(f"{value!r} is no address: give https://… or http://…")
        return value

    @model_validator(mode="after")
    def _check_secrets(self) -> Self:
        url = urlsplit(self.endpoint or "")
        has_secrets = bool(self.headers) or self.headers_file is not None
        if url.scheme == "http" and has_secrets and not is_loopback(url.hostname or ""):
            raise ValueError("headers go openly to http://: use https://")
        if self.batch_spans > self.queue_spans:
            raise ValueError("batch_spans cannot be more than queue_spans")
        if wrong := [name for name in self.headers if not _NAME.fullmatch(name)]:
            raise ValueError(f"{', '.join(wrong)}: no names of headers")
        return self

    def read_headers(self) -> dict[str, str]:
        """
        Return all headers, with their secrets.

        Raises:
            ConfigError: the file cannot be read, or is of another form.
        """
        given = {name: value.get_secret_value() for name, value in self.headers.items()}
        return given if self.headers_file is None else given | _read(self.headers_file)


def _read(file: Path) -> dict[str, str]:
    try:
        with file.open(encoding="utf-8") as opened:
            lines = opened.read(_LONGEST_FILE).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise _unusable(file, f"{cause}") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        # The line itself is not quoted: it may be the secret.
        if not colon or not _NAME.fullmatch(name.strip()):
            raise _unusable(file, f"{number}: 'Name: value'")
        found[name.strip()] = value.strip()
    return found


def _unusable(file: Path, cause: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"traces.headers_file: không dùng được {file}: {cause}",
            en=f"traces.headers_file: {file} cannot be used: {cause}",
        ),
        code="traces.headers_file",
    )

"""
Where the files of dossiers may be fetched from, and how much of it: the table `[attachments]`.

A server is an address that begins every address it is asked for. Nothing else is ever fetched:
what a record names is the agency's word, and not a reason to call it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from lienthong.attachments.addresses import AddressWrong, Root, read_root

MIB = 1024 * 1024
GIB = 1024 * MIB
ServerName = Annotated[str, StringConstraints(pattern="^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$")]


class FileServer(BaseModel):
    """One place of files. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        description="https://host/path/ that begins its addresses, or file:///folder for files "
        "beside the submission"
    )
    agencies: tuple[str, ...] = Field(
        min_length=1, description="by the names of their mappings: only theirs are fetched there"
    )
    allow_http: bool = Field(default=False, description="unencrypted, in a network of your own")
    allow_private: bool = Field(
        default=False, description="the host may have an address that is not of the internet"
    )
    user: str | None = Field(default=None, description="HTTP Basic, with password")
    password: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_ATTACHMENTS__SERVERS__NAME__PASSWORD"
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_ATTACHMENTS__SERVERS__NAME__TOKEN"
    )
    token_header: str = Field(
        default="Authorization", pattern="^[A-Za-z0-9-]{1,64}$", description="that carries token"
    )
    token_prefix: str = Field(default="Bearer ", description="before the token; may be empty")
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    client_certificate: Path | None = Field(default=None, description="PEM, for mutual TLS")
    client_key: Path | None = Field(default=None, description="PEM; None: beside the certificate")
    connect_timeout_seconds: float = Field(default=10, gt=0, le=300)
    read_timeout_seconds: float = Field(default=30, gt=0, le=600, description="between two bytes")
    call_timeout_seconds: float = Field(
        default=3600, gt=0, le=86_400, description="for one whole file"
    )
    rate: float = Field(default=20, gt=0, le=1000, description="files begun in a second")
    connections: int = Field(default=2, ge=1, le=32, description="files at once, in one process")
    missing_after_seconds: float = Field(
        default=0,
        ge=0,
        le=7 * 86_400,
        description="how long a file that is not there is waited for, from its dossier's arrival",
    )

    @property
    def root(self) -> Root:
        """The address, taken apart."""
        return read_root(self.url)

    @property
    def folder(self) -> Path | None:
        """The folder, for one on this machine."""
        parts = urlsplit(self.url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme == "file":
            if parts.netloc or not parts.path.startswith("/"):
                raise ValueError("a folder is written file:///absolute/path")
            return self
        try:
            root = self.root
        except AddressWrong as error:
            raise ValueError(f"expected https://host/path/ or file:///folder: {error}") from error
        if root.scheme == "http" and not self.allow_http:
            raise ValueError("http is not encrypted: use https, or allow_http = true")
        if self.token.get_secret_value() and self.user is not None:
            raise ValueError("give user and password, or token, not both")
        if self.client_key is not None and self.client_certificate is None:
            raise ValueError("client_key needs client_certificate")
        if not re.fullmatch(r"[\x20-\x7e]*", self.token_prefix + self.token.get_secret_value()):
            raise ValueError("a token is one line of ASCII")
        return self


class S3Settings(BaseModel):
    """A bucket of an S3-compatible store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    access_key: str = Field(default="", description="of the account that may use the bucket")
    secret_key: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_ATTACHMENTS__S3__SECRET_KEY"
    )
    region: str = "us-east-1"
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")


class AttachmentSettings(BaseModel):
    """The files of dossiers; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str | None = Field(
        default=None,
        description="file:///folder, or s3+https://host/bucket/prefix; None: a folder in data_dir",
    )
    s3: S3Settings = S3Settings()
    servers: dict[ServerName, FileServer] = Field(
        default={}, description="where files may be fetched from, by name"
    )
    max_file_bytes: int = Field(default=4 * GIB, ge=1, description="of one file")
    max_dossier_bytes: int = Field(default=8 * GIB, ge=1, description="of all files of a dossier")
    slots: int = Field(default=8, ge=1, le=64, description="dossiers at once, in one process")
    slots_per_agency: int = Field(default=2, ge=1, le=64, description="of them")
    tell_after_seconds: float = Field(
        default=3600,
        ge=0,
        description="how long a dossier may wait for its files before its agency is told",
    )
    lease_seconds: float = Field(default=120, ge=10, le=3600)
    backoff_first_seconds: float = Field(default=10, gt=0)
    backoff_longest_seconds: float = Field(default=3600, gt=0)

    @model_validator(mode="after")
    def _check_folders(self) -> Self:
        """A path says nothing of its folder: with two, files of the second would never be found."""
        folders: dict[str, list[str]] = {}
        for name, server in self.servers.items():
            for agency in server.agencies if server.folder is not None else ():
                folders.setdefault(agency, []).append(name)
        problems = [
            f"{agency!r} has several folders: {', '.join(names)}"
            for agency, names in folders.items()
            if len(names) > 1
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _check_store(self) -> Self:
        if self.store is None:
            return self
        parts = urlsplit(self.store)
        if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
            return self
        bucket = parts.path.strip("/").partition("/")[0]
        if parts.scheme in ("s3+https", "s3+http") and parts.hostname and bucket:
            if parts.username is not None:
                raise ValueError("no keys in the address: set attachments.s3.access_key")
            return self
        raise ValueError("expected file:///folder or s3+https://host/bucket/prefix")

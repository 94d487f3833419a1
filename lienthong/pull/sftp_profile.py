"""The profile of an SFTP server on which an agency drops files."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from lienthong.pull.marked import AnyPull, WrongPull


class SftpPull(AnyPull):
    """A folder on an SFTP server; every file is a submission. Times in seconds."""

    kind: Literal["sftp"]
    host: str = Field(min_length=1)
    port: int = Field(default=22, ge=1, le=65_535)
    user: str
    password: SecretStr = Field(default=SecretStr(""), description="LIENTHONG_PULL__NAME__PASSWORD")
    private_key: Path | None = Field(default=None, description="OpenSSH or PEM; or a password")
    key_password: SecretStr = Field(
        default=SecretStr(""), description="of the key: LIENTHONG_PULL__NAME__KEY_PASSWORD"
    )
    host_key: str | None = Field(
        default=None, description="'ssh-ed25519 AAAA…' of the server, as ssh-keyscan shows it"
    )
    known_hosts: Path | None = Field(default=None, description="a file of OpenSSH, instead")

    folder: str = Field(default=".", description="on the server; folders in it are not looked into")
    files: tuple[str, ...] = Field(
        default=("*",), min_length=1, description="patterns of names: *.csv, hoso-2026*"
    )
    unfinished: tuple[str, ...] = Field(
        default=(".part", ".tmp", ".filepart"), description="endings of files still being written"
    )
    done_marker: str | None = Field(
        default=None,
        min_length=1,
        description="ending of a file that says that the file of its name is whole: '.done'",
    )
    unchanged_seconds: float = Field(
        default=10, ge=0, le=600, description="between the two looks at which a file must be equal"
    )
    archive: str | None = Field(
        default=None,
        description="folder on the server for what was taken over; None: it stays, remembered",
    )

    connect_timeout_seconds: float = Field(default=10, gt=0, le=300)
    read_timeout_seconds: float = Field(default=60, gt=0, le=600, description="for one answer")
    max_file_bytes: int = Field(default=2 * 1024**3, ge=1)
    max_files: int = Field(default=10_000, ge=1, le=1_000_000, description="in the folder, of all")

    @property
    def longest_page_seconds(self) -> float:
        """The longest that anything takes between two signs of life."""
        return self.connect_timeout_seconds + self.unchanged_seconds + 3 * self.read_timeout_seconds

    @field_validator("host_key")
    @classmethod
    def _check_host_key(cls, value: str | None) -> str | None:
        if value is not None and len(value.split()) < 2:
            raise WrongPull(
                vi="host_key cần loại và khóa, như ssh-keyscan cho: ssh-ed25519 AAAA…",
                en="host_key needs kind and key, as ssh-keyscan gives them: ssh-ed25519 AAAA…",
            )
        return value

    @model_validator(mode="after")
    def _check_trust(self) -> Self:
        if (self.host_key is None) == (self.known_hosts is None):
            raise WrongPull(
                vi="cần host_key (ssh-keyscan MÁY, sau khi kiểm tra vân tay) hoặc known_hosts: máy "
                "chủ lạ không bao giờ được tự chấp nhận",
                en="give either host_key (ssh-keyscan HOST, its fingerprint checked) or "
                "known_hosts: a server is never trusted at first sight",
            )
        if self.archive is not None and self.archive.rstrip("/") == self.folder.rstrip("/"):
            raise WrongPull(
                vi="archive phải khác folder", en="archive must be another folder than folder"
            )
        return self

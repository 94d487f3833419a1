"""
The file of master keys: what opens the data keys, and so everything the store keeps sealed.

A text file apart from the data, for its owner only, one key per line: `name base64`. The newest
stands last and wraps; the others only open. A name stands for its key for ever: lines are added,
and taken away only by a person. A file is never half written: it is made beside and moved over.
"""

from __future__ import annotations

import binascii
import fcntl
import os
import re
import secrets
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from schemas.errors import ConfigError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

KEY_BYTES = 32
"""AES-256."""
HEADER = """\
# KHÓA CHÍNH CỦA KHO THÔNG ĐIỆP. Mất tệp này là mất hồ sơ: không ai mở lại được.
# Sao lưu tệp này riêng, không để cùng bản sao lưu dữ liệu; chỉ chủ sở hữu được đọc (chmod 600).
# MASTER KEYS OF THE MESSAGE STORE. A lost key is lost dossiers: nobody can open them again.
# Back this file up apart from the data and its backups; only its owner may read it (chmod 600).
# Mỗi dòng một khóa, khóa mới nhất ở cuối · one key per line, the newest last
"""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_OTHERS = 0o077

log = structlog.get_logger()


class StoreKeyMissing(ConfigError):
    """What is sealed cannot be opened with the keys that are here; bring the right key file."""

    code = "vault.key_missing"

    def __init__(self, message: Text) -> None:
        super().__init__(message, code=self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """One line of the file."""

    id: str
    secret: bytes = field(repr=False)


class MasterKeyFile:
    """Reads and extends the file at `path`; safe for several processes of one machine at once."""

    def __init__(self, path: Path) -> None:
        # A link is followed once, so that a new version replaces the file and not the link.
        self.path = path.resolve()

    def read(self) -> list[MasterKey]:
        """
        Return the keys, the newest last; at least one.

        Raises:
            StoreKeyMissing: there is no such file.
            ConfigError: others may read it, or lines of it are not keys; all are named.
        """
        return _parse(self.path, self._text())

    def read_or_make(self, *, now: datetime) -> list[MasterKey]:
        """
        Return the keys; make the file with a first one if there is none.

        Raises:
            ConfigError: as `read`, or the file cannot be made.
        """
        if self.path.exists():
            return self.read()
        with self._alone():
            # Another process may have made it while this one waited.
            if not self.path.exists():
                self._write([_new_key(now)])
                log.warning(
                    "vault.key_made",
                    path=str(self.path),
                    hint="back this file up apart from the data: a lost key is lost dossiers",
                )
        return self.read()

    def add(self, *, now: datetime, after: Sequence[MasterKey]) -> list[MasterKey]:
        """
        Append a new key, if the file still ends as in `after`; return what it holds now.

        Two who add at once add one key: the second finds the first's.
        """
        with self._alone():
            keys = self.read()
            if keys[-1].id == after[-1].id:
                keys.append(_new_key(now))
                self._write(keys)
        return keys

    def _text(self) -> str:
        try:
            with self.path.open(encoding="ascii", errors="replace") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read()
        except FileNotFoundError as error:
            raise StoreKeyMissing(
                Text(
                    vi=f"Không có tệp khóa của kho {self.path}, mà kho đã có dữ liệu mã hóa: đặt "
                    "lại tệp khóa từ bản sao lưu, hoặc sửa [store] key_file cho đúng chỗ",
                    en=f"the key file of the store {self.path} is not there, and the store holds "
                    "sealed data: put the file back from its backup, or mend [store] key_file",
                )
            ) from error
        except OSError as error:
            raise _unusable(self.path, error) from error
        if mode & _OTHERS:
            raise ConfigError(
                Text(
                    vi=f"Tệp khóa của kho {self.path} để người khác đọc hoặc ghi được (quyền "
                    f"{mode & 0o777:03o}): chạy chmod 600 {self.path}",
                    en=f"the key file of the store {self.path} is open to others (mode "
                    f"{mode & 0o777:03o}): run chmod 600 {self.path}",
                ),
                code="vault.key_file_open_to_others",
            )
        return text

    def _write(self, keys: Sequence[MasterKey]) -> None:
        lines = [f"{key.id} {b64encode(key.secret).decode()}\n" for key in keys]
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            # Nobody else can read it at any moment, and nobody can put a file in its way.
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.writelines([HEADER, *lines])
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(self.path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            _make_durable(self.path.parent)
        except OSError as error:
            raise _unusable(self.path, error) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the file meanwhile."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600
            )
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _new_key(now: datetime) -> MasterKey:
    return MasterKey(
        id=f"{now:%Y%m%d}-{secrets.token_hex(4)}", secret=secrets.token_bytes(KEY_BYTES)
    )


def _parse(path: Path, text: str) -> list[MasterKey]:
    keys: dict[str, MasterKey] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key = _parse_line(line)
        if key is None:
            problems.append(_malformed(path, number))
        elif key.id in keys:
            problems.append(_twice(path, number, key.id))
        else:
            keys[key.id] = key
    if problems or not keys:
        raise ConfigError(
            Text(
                vi=f"Tệp khóa của kho {path} không dùng được: "
                f"{'có dòng sai' if problems else 'không có khóa nào'}; đặt lại từ bản sao lưu",
                en=f"the key file of the store {path} cannot be used: "
                f"{'lines are wrong' if problems else 'it has no key'}; put it back from its "
                "backup",
            ),
            problems=tuple(problems),
            code="vault.key_file_malformed",
        )
    return list(keys.values())


def _parse_line(line: str) -> MasterKey | None:
    name, _, encoded = line.strip().partition(" ")
    try:
        secret = b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    if _NAME.fullmatch(name) is None or len(secret) != KEY_BYTES:
        return None
    return MasterKey(id=name, secret=secret)


def _malformed(path: Path, number: int) -> Problem:
    # What stands there may be a key with a slip in it: it is not quoted.
    return Problem(
        code="vault.key_file_malformed",
        message=Text(
            vi="cần «tên base64» với khóa 32 byte, mỗi khóa một dòng",
            en="expected 'name base64' with a key of 32 bytes, one key per line",
        ),
        place=Place(file=str(path), line=number),
        suggestion=Text(
            vi="lấy lại tệp khóa từ bản sao lưu", en="put the key file back from its backup"
        ),
    )


def _twice(path: Path, number: int, name: str) -> Problem:
    return Problem(
        code="vault.key_file_malformed",
        message=Text(
            vi=f"khóa «{name}» đã có ở dòng trên; mỗi tên chỉ một khóa",
            en=f"the key '{name}' stands in a line above; a name has one key",
        ),
        place=Place(file=str(path), line=number),
        suggestion=Text(
            vi="so với bản sao lưu, rồi bỏ dòng thừa",
            en="compare with the backup, then take the line too many out",
        ),
    )


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không đọc hoặc ghi được tệp khóa của kho {path} ({error.strerror}): sửa quyền "
            "truy cập, hoặc chọn chỗ khác bằng [store] key_file",
            en=f"the key file of the store {path} cannot be read or written ({error.strerror}): "
            "mend its permissions, or name another place with [store] key_file",
        ),
        code="vault.key_file_unusable",
    )


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

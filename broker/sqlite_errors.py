"""
What SQLite says, in the port's errors and an operator's words.

Passing trouble (a lock, a full disk, permissions) is `BrokerUnavailable`; a damaged file is a
`BrokerError` that trying again does not mend. Wrong use of SQLite is a bug and stays one.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from broker.port import BrokerError, BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Words(NamedTuple):
    """What happened and what to do about it."""

    vi: str
    en: str


_LOCKED = _Words(
    vi="một tiến trình khác đang giữ khóa tệp; hãy tìm tiến trình bị treo đang dùng tệp này",
    en="another process keeps it locked; look for a stuck process that uses it",
)
_DENIED = _Words(
    vi="không ghi được; hãy kiểm tra quyền của tệp và của thư mục chứa tệp",
    en="it cannot be written; check the permissions of the file and of its directory",
)
_PASSING = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _DENIED,
    sqlite3.SQLITE_PERM: _DENIED,
    sqlite3.SQLITE_CANTOPEN: _Words(
        vi="không mở được; hãy kiểm tra thư mục có tồn tại và người dùng này có quyền ghi vào đó",
        en="it cannot be opened; check that its directory exists and may be written by this user",
    ),
    sqlite3.SQLITE_FULL: _Words(
        vi="đĩa đã đầy; hãy giải phóng dung lượng", en="the disk is full; free some space"
    ),
    sqlite3.SQLITE_IOERR: _Words(
        vi="đĩa báo lỗi đọc hoặc ghi; hãy kiểm tra đĩa và hệ thống tệp",
        en="the disk reports an error; check the disk and the file system",
    ),
    sqlite3.SQLITE_NOMEM: _Words(vi="không đủ bộ nhớ", en="there is not enough memory"),
}
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_DAMAGED_WORDS = _Words(
    vi="bị hỏng; hãy chuyển tệp này cùng tệp -wal của nó sang nơi khác rồi khởi động lại: "
    "kho bản tin sẽ phát lại các việc chưa xong",
    en="is damaged; move it and its -wal file away and start again: the message store publishes "
    "its unfinished work anew",
)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Run what uses the broker file at `path`, and raise its errors as the port's."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = primary_code(error)
        if code in _DAMAGED:
            raise BrokerError(
                f"the broker file {path} {_DAMAGED_WORDS.en} ({error})",
                vi=f"tệp hàng đợi {path} {_DAMAGED_WORDS.vi} ({error})",
            ) from error
        if code not in _PASSING:
            raise
        words = _PASSING[code]
        raise BrokerUnavailable(
            f"the broker file {path}: {words.en} ({error})",
            vi=f"tệp hàng đợi {path}: {words.vi} ({error})",
        ) from error


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or 0 for an error of the driver itself."""
    # The upper bytes only refine the lowest one.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

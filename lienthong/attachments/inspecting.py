"""
Judging one file against what its record declares, while its bytes pass by.

Memory is its beginning and its end, whatever its size.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.attachments.ends import is_cut_off
from lienthong.attachments.kinds import (
    ALLOWED,
    HEAD_BYTES,
    TAIL_BYTES,
    ending_of,
    kind_of,
)
from lienthong.attachments.words import too_large, wrong
from schemas.problem import Text

if TYPE_CHECKING:
    from mappings.attachments import DeclaredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """What a file really is."""

    size: int
    sha256: str
    """In small hex digits."""
    kind: str
    """One of `kinds`; "" when nobody knows."""


class Inspector:
    """Sees one file pass by, part by part."""

    def __init__(self, declared: DeclaredFile, *, limit: int) -> None:
        """
        Begin.

        Args:
            declared: By its record.
            limit: In bytes; more is refused while it passes.
        """
        self._declared = declared
        self._limit = limit
        self._digest = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._tail = b""

    def feed(self, part: bytes) -> None:
        """
        Take the next part.

        Raises:
            FileWrong: it is longer than it may be, or than declared.
        """
        self._digest.update(part)
        self._size += len(part)
        if self._size > self._limit:
            raise too_large(self._declared, limit=self._limit, size=self._size)
        if self._declared.size is not None and self._size > self._declared.size:
            raise wrong("wrong_size", self._declared, _longer(self._declared.size))
        if len(self._head) < HEAD_BYTES:
            self._head += part[: HEAD_BYTES - len(self._head)]
        self._tail = part[-TAIL_BYTES:] if len(part) >= TAIL_BYTES else self._tail + part
        if len(self._tail) > 4 * TAIL_BYTES:
            self._tail = self._tail[-TAIL_BYTES:]

    def finish(self) -> FoundFile:
        """
        Return what passed by, once all of it has.

        Raises:
            FileWrong: it is empty, or not what is declared, or lacks its end.
        """
        declared, size = self._declared, self._size
        if size == 0:
            raise wrong("empty", declared, _EMPTY)
        tail = self._tail[-TAIL_BYTES:]
        found = FoundFile(
            size=size, sha256=self._digest.hexdigest(), kind=kind_of(self._head, tail)
        )
        self._check_kind(found.kind)
        if declared.size is not None and size != declared.size:
            raise wrong("wrong_size", declared, _shorter(size, declared.size))
        if is_cut_off(found.kind, head=self._head, tail=tail, size=size):
            raise wrong("truncated", declared, _cut_off(found.kind))
        if declared.sha256 is not None and found.sha256 != declared.sha256:
            raise wrong("wrong_sha256", declared, _OTHER_DIGEST)
        return found

    def _check_kind(self, kind: str) -> None:
        declared = self._declared
        endings = dict.fromkeys(
            ending for text in (declared.type, declared.name) if (ending := ending_of(text))
        )
        if kind == "html" and "html" not in endings:
            raise wrong("html", declared, _HTML)
        for ending in endings:
            if kind not in ALLOWED[ending]:
                raise wrong("wrong_type", declared, _other_kind(kind, ending))


def _longer(size: int) -> Text:
    return Text(vi=f"dài hơn {size} byte đã khai báo", en=f"is longer than the declared {size}")


def _shorter(size: int, declared: int) -> Text:
    return Text(
        vi=f"có {size} byte, khai báo {declared}", en=f"has {size} bytes, declared are {declared}"
    )


def _cut_off(kind: str) -> Text:
    return Text(vi=f"bị cắt cụt: tệp {kind} thiếu phần cuối", en=f"is cut off: {kind} without end")


def _other_kind(kind: str, ending: str) -> Text:
    return Text(
        vi=f"khai báo là {ending}, nội dung " + (f"là {kind}" if kind else "không phải"),
        en=f"is declared as {ending}, its content " + (f"is {kind}" if kind else "is not"),
    )


_EMPTY = Text(vi="rỗng (0 byte)", en="is empty (0 bytes)")
_HTML = Text(
    vi="là một trang HTML, thường là trang báo lỗi hoặc trang đăng nhập, không phải tệp",
    en="is an HTML page, usually an error or login page, and no file",
)
_OTHER_DIGEST = Text(vi="có SHA-256 khác khai báo", en="has another SHA-256 than declared")

"""
The bytes of a source before any format: a look at the beginning, then a plain stream.

A byte order mark settles the encoding or contradicts it; a workbook under the name of a text
file is recognised by its first bytes.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import charsets
from adapters.refusal import AGREED, empty_input, refuse
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_HEAD_BYTES = 8
_BUFFER_BYTES = 64 * 1024
_SPOOL_BYTES = 8 * 1024 * 1024
_MARKS = (
    (b"\xef\xbb\xbf", ("utf-8", "utf-8-sig"), "utf-8"),
    (b"\xff\xfe", ("utf-16", "utf-16-le"), "utf-16-le"),
    (b"\xfe\xff", ("utf-16", "utf-16-be"), "utf-16-be"),
)


class _Stream(io.RawIOBase):
    """`head` and then the rest of `source`; closing it leaves `source` open."""

    def __init__(self, head: bytes, source: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._read = getattr(source, "read1", source.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        chunk = self._head[: len(view)] or self._read(len(view)) or b""
        self._head = self._head[len(chunk) :]
        view[: len(chunk)] = chunk
        return len(chunk)


def read_head(source: BinaryIO) -> bytes:
    """Return the first bytes, as many as a recognition needs; fewer only at the end."""
    head = b""
    while len(head) < _HEAD_BYTES:
        chunk = source.read(_HEAD_BYTES - len(head))
        if not chunk:
            break
        head += chunk
    return head


@contextmanager
def with_places(source: BinaryIO) -> Iterator[BinaryIO]:
    """Give `source` as a stream that can be read from any place; a pipe is first copied."""
    if source.seekable():
        yield source
        return
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        shutil.copyfileobj(source, spool)
        spool.seek(0)
        yield cast("BinaryIO", spool)


def open_beside(source: BinaryIO, suffix: str) -> BinaryIO | None:
    """
    Return the file of the same name with another suffix that came with `source`; None: none did.

    Streams out of an archive answer themselves; a file on disk has its neighbours.
    """
    ask = getattr(source, "open_beside", None)
    if ask is not None:
        return cast("BinaryIO | None", ask(suffix))
    name = getattr(source, "name", None)
    if not isinstance(name, str | Path):
        return None
    path = Path(name)
    for other in path.parent.iterdir():
        if other.stem.lower() == path.stem.lower() and other.suffix.lower() == suffix:
            return other.open("rb")
    return None


def is_encrypted_office(source: BinaryIO) -> bool:
    """
    Return whether an OLE file holds a workbook under a password ([MS-OFFCRYPTO] 2.3).

    Names in its directory are UTF-16; the directory may stand anywhere.
    """
    name = "EncryptedPackage".encode("utf-16-le")
    source.seek(0)
    kept = b""
    while chunk := source.read(_BUFFER_BYTES):
        if name in kept + chunk:
            return True
        kept = chunk[-len(name) :]
    return False


def open_bytes(source: BinaryIO, *, head: bytes) -> io.BufferedReader:
    """Return all bytes, `head` included, as one buffered stream."""
    return io.BufferedReader(_Stream(head, source), _BUFFER_BYTES)


def open_text(
    source: BinaryIO, *, encoding: str, place: Place, as_bytes: bool = False
) -> io.TextIOWrapper:
    """
    Return `source` as text with its line ends untouched, byte order mark removed.

    Undecodable bytes become lone surrogates (see `charsets.UNDECODABLE`). Text is not yet NFC:
    that needs whole fields. With `as_bytes` nothing is decoded: each byte becomes the character
    of its number (`latin-1` turns it back).

    Raises:
        InputError: The source is empty, is a workbook or an old Office file, or its byte order
            mark contradicts `encoding`.
    """
    head = read_head(source)
    if not head:
        raise empty_input(place)
    refuse_workbook(head, place)
    codec, mark = settle_encoding(head, encoding, place)
    charsets.register()
    stream = open_bytes(source, head=head[len(mark) :])
    if as_bytes:
        return io.TextIOWrapper(stream, encoding="latin-1", newline="")
    return io.TextIOWrapper(stream, encoding=codec, errors=charsets.UNDECODABLE, newline="")


def refuse_workbook(head: bytes, place: Place) -> None:
    """Raise InputError when a source that should be text starts like a workbook or archive."""
    if not head.startswith((ZIP_MAGIC, OLE_MAGIC)):
        return
    raise refuse(
        "input.not_text",
        Text(
            vi="đây là tệp Excel hoặc tệp nén, không phải tệp văn bản",
            en="this is a workbook or an archive, not a text file",
        ),
        place=place,
        remedy=Remedy(
            AGREED,
            Text(
                vi="khai báo format: xlsx, xls, ods hay zip, nếu tệp luôn như vậy",
                en="declare format: xlsx, xls, ods or zip, if files are always so",
            ),
        ),
    )


def settle_encoding(head: bytes, encoding: str, place: Place) -> tuple[str, bytes]:
    """
    Return the codec of a text that begins so, and its byte order mark, which may be empty.

    Raises:
        InputError: the byte order mark contradicts `encoding`, or is missing where it is needed.
    """
    for mark, declared, codec in _MARKS:
        if not head.startswith(mark):
            continue
        # VISCII has a letter at every one of these bytes, but no text begins with such a run.
        if encoding in declared:
            return codec, mark
        raise refuse(
            "input.encoding_wrong",
            Text(
                vi=f"tệp bắt đầu bằng dấu BOM của {codec}, nhưng bảng mã đã khai báo là {encoding}",
                en=f"the file starts with the byte order mark of {codec}, "
                f"but the declared encoding is {encoding}",
            ),
            place=place,
            remedy=Remedy(
                AGREED, Text(vi=f"khai báo encoding: {codec}", en=f"declare encoding: {codec}")
            ),
        )
    if encoding == "utf-16":
        raise refuse(
            "input.encoding_wrong",
            Text(
                vi="tệp UTF-16 không có dấu BOM, nên không biết thứ tự byte",
                en="a UTF-16 file without byte order mark does not tell its byte order",
            ),
            place=place,
            remedy=Remedy(
                AGREED,
                Text(
                    vi="khai báo encoding: utf-16-le (thường gặp trên Windows) hoặc utf-16-be",
                    en="declare encoding: utf-16-le (usual on Windows) or utf-16-be",
                ),
            ),
        )
    return ("utf-8" if encoding == "utf-8-sig" else encoding), b""

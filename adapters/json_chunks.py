"""
The bytes of a JSON document as its parser may have them: UTF-8, in chunks that cut no escape.

Where the text stops being readable (a byte without a letter, half a surrogate pair) the good part
is handed out first, together with the refusal that follows it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters import text as texts
from adapters.refusal import AGREED, refuse
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from schemas.errors import InputError

_CHUNK_CHARACTERS = 64 * 1024
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_ESCAPE_BYTES = 12
_HIGH_HALVES = (b"\\ud8", b"\\ud9", b"\\uda", b"\\udb")


def utf8_chunks(
    stream: io.TextIOWrapper, *, file: Place
) -> Iterator[tuple[bytes, InputError | None]]:
    """Yield the document in UTF-8, an empty chunk last; with the fault that follows a chunk."""
    held = b""
    while True:
        text = stream.read(_CHUNK_CHARACTERS)
        fault = None
        try:
            data = held + text.encode()
        except UnicodeEncodeError as error:
            data = held + text[: error.start].encode()
            fault = _undecodable(text[error.start], file=file)
        data, held = _apart(data, whole=not text or fault is not None)
        half = _half_pair(data)
        if half is not None:
            found = half[0].decode()
            vi, en = f"nửa ký tự {found} đứng một mình", f"half a character, {found}, alone"
            data = data[: half.start()]
            remedy = texts.REMEDIES["surrogate"]
            fault = refuse("json.surrogate", Text(vi=vi, en=en), place=file, remedy=remedy)
        if data or fault is not None:
            yield data, fault
        if not text and fault is None:
            yield b"", None
        if not text or fault is not None:
            return


def _apart(data: bytes, *, whole: bool) -> tuple[bytes, bytes]:
    """Split `data` so that no escape, nor a pair of them, is cut; the rest comes next."""
    at = data.find(b"\\", max(len(data) - _ESCAPE_BYTES, 0))
    if whole or at < 0:
        return data, b""
    if data[at - 6 : at - 2].lower() in _HIGH_HALVES:
        at -= 6
    while at > 0 and data[at - 1] == ord("\\"):
        at -= 1
    return data[:at], data[at:]


def _half_pair(data: bytes) -> re.Match[bytes] | None:
    """
    Return the first escape that is half of a surrogate pair without its other half.

    yajl would write "?" for it, in silence.
    """
    if b"\\ud" not in data and b"\\uD" not in data:
        return None
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(data):
        code = int(escape[1] or b"0", 16)
        is_low = 0xDC00 <= code <= 0xDFFF
        if high is not None and not (is_low and escape.start() == high.end()):
            return high
        if is_low and high is None:
            return escape
        high = escape if 0xD800 <= code <= 0xDBFF else None
    return high


def _undecodable(marked: str, *, file: Place) -> InputError:
    byte = f"{ord(marked) - 0xDC00:02X}"
    return refuse(
        "input.encoding_wrong",
        Text(
            vi=f"byte {byte} không có trong bảng mã đã khai báo",
            en=f"byte {byte} has no letter in the declared encoding",
        ),
        place=file,
        remedy=Remedy(AGREED, Text(vi="kiểm tra khóa encoding", en="check the key encoding")),
    )

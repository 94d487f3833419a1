"""
What the head of an upload says: the key of the hand-over, the file's name, its type, its size.

Nothing here looks at the bytes. What a header says about the character set is not looked at
either: libraries put it there by themselves, and the agency's mapping knows.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING

from lienthong.doors.refusal import no_length, packed, too_large, wrong_type
from lienthong.flows.incoming import CONTENT_TYPES, SAYS_NOTHING, format_of
from lienthong.web.refusal import unusable

if TYPE_CHECKING:
    from starlette.datastructures import Headers, QueryParams

    from adapters import SourceOptions

_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
LONGEST_NAME = 200
"""Characters of a file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """An upload before its first byte."""

    key: str | None
    file_name: str | None
    size: int | None
    """Bytes, where the sender knows."""


def read_head(
    headers: Headers, query: QueryParams, *, source: SourceOptions | None, limit: int
) -> Head:
    """
    Return what the head says.

    Args:
        headers: Of the request.
        query: Of its address.
        source: The agency's format; None when its mapping cannot be used now.
        limit: Of the body, in bytes.

    Raises:
        Refused: the body must not be read.
    """
    check_encoding(headers)
    if source is not None:
        _check_type(headers, source)
    return Head(
        key=_key(headers),
        file_name=_file_name(headers, query),
        size=read_size(headers, limit),
    )


def check_encoding(headers: Headers) -> None:
    """Raise Refused for a body that is compressed."""
    if any(value.strip().lower() != "identity" for value in headers.getlist("content-encoding")):
        raise packed()


def _check_type(headers: Headers, source: SourceOptions) -> None:
    expected = CONTENT_TYPES[format_of(source)]
    for value in headers.getlist("content-type"):
        said = value.partition(";")[0].strip().lower()
        if said not in (*expected, SAYS_NOTHING):
            raise wrong_type(expected)


def _key(headers: Headers) -> str | None:
    given = headers.getlist("idempotency-key")
    if not given:
        return None
    key = given[0].strip(" \t")
    # A structured string (draft-ietf-httpapi-idempotency-key-header) is quoted; most are not.
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise unusable("http.idempotency_key", "Idempotency-Key")
    return key


def read_size(headers: Headers, limit: int) -> int | None:
    """Return how many bytes the sender says will come, None where it does not; raises Refused."""
    given = headers.get("content-length")
    if given is None:
        if "transfer-encoding" not in headers:
            raise no_length()
        return None
    if not _DIGITS.fullmatch(given):
        raise unusable("http.content_length", "Content-Length")
    size = int(given)
    if size > limit:
        raise too_large(limit)
    return size


def _file_name(headers: Headers, query: QueryParams) -> str | None:
    given = query.get("file_name")
    if given is None:
        disposition = headers.get("content-disposition")
        if disposition is None:
            return None
        given = _in_disposition(disposition)
        if given is None:
            return None
    name = clean_name(given)
    if name is None:
        raise unusable("http.file_name", "file_name")
    return name


def _in_disposition(value: str) -> str | None:
    """Return the file name of a Content-Disposition; RFC 6266 and what clients really send."""
    message = Message()
    message["Content-Disposition"] = value
    try:
        name = message.get_filename()
    except (LookupError, UnicodeError, ValueError, TypeError):
        # An unknown character set, or parts that do not fit together.
        raise unusable("http.file_name", "Content-Disposition") from None
    if name is None:
        return None
    try:
        # Headers come as Latin-1; what many put there is UTF-8.
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def clean_name(name: str) -> str | None:
    """Return the last part of a file's name as it can be shown, or None when there is none."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1].strip()
    if last in ("", ".", "..") or len(last) > LONGEST_NAME:
        return None
    if any(unicodedata.category(letter)[0] == "C" for letter in last):
        return None
    return last

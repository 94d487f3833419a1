"""Requests and answers as people read them: indented, of bounded length, and without secrets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from schemas.parser import XmlRefused, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_CHARACTERS: Final = 60_000
HIDDEN: Final = "***"
PLAIN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "dstcode",
        "expect",
        "host",
        "soapaction",
        "transfer-encoding",
        "user-agent",
    }
)
"""What no secret stands in; the value of any other is hidden."""
_SECRET_KEYS: Final = frozenset(
    {
        "password",
        "session",
        "securitykey",
        "client_secret",
        "access_token",
        "refresh_token",
        "token",
        "accesskey",
        "secretkey",
    }
)
_IN_TEXT: Final = re.compile(
    r"""((?:password|session|security_?key|client_secret|access_token|refresh_token|token)"""
    r"""["']?\s{0,20}[:=]\s{0,20}["']?|<(?:[\w.-]{1,50}:)?Password\b[^>]{0,500}>)[^"'&<\s]+""",
    re.IGNORECASE,
)
"""In what is neither JSON nor XML; bounded, because anybody may have written it."""


def show_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers with the values that may be shown."""
    return [(name, value if name.lower() in PLAIN_HEADERS else HIDDEN) for name, value in headers]


def show_body(body: bytes) -> str:
    """Return a body to read."""
    text = _json(body) or _xml(body) or _IN_TEXT.sub(rf"\g<1>{HIDDEN}", _decode(body))
    if len(text) > SHOWN_CHARACTERS:
        return f"{text[:SHOWN_CHARACTERS]}… ({len(text)})"
    return text


def _decode(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def _json(body: bytes) -> str | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict | list):
        return None
    try:
        return json.dumps(_hide(value), ensure_ascii=False, indent=2)
    except RecursionError:
        return None


def _hide(value: Any) -> Any:
    if isinstance(value, list):
        return [_hide(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: HIDDEN if name.lower() in _SECRET_KEYS and one else _hide(one)
        for name, one in value.items()
    }


def _xml(body: bytes) -> str | None:
    try:
        root = parse_xml(body)
    except XmlRefused:
        return None
    for element in root.iter("{*}Password"):
        element.text = HIDDEN
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")

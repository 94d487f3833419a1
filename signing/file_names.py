"""
The name by which a signature beside a file refers to it: a relative URI that leads nowhere else.

Source: RFC 3986, section 4.2, without what a name of a file does not need: no scheme, host, query
or fragment, no way up, nothing that XML would escape.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_SEGMENT = r"(?:[A-Za-z0-9._~!$()*+,;=@-]|%[0-9A-F]{2})+"
_RELATIVE = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*", re.ASCII)
_WAYS = frozenset({"", ".", ".."})
_MAX_LENGTH = 1024


def is_relative_uri(text: str) -> bool:
    """Tell whether `text` can name a file beside a signature."""
    if len(text) > _MAX_LENGTH or _RELATIVE.fullmatch(text) is None:
        return False
    # Looked at unescaped, for a way up may be written as %2E%2E%2F.
    name = unquote(text)
    return name.isprintable() and "\\" not in name and _WAYS.isdisjoint(name.split("/"))


def relative_uri(name: str) -> str:
    """Return the URI of a file's name, with "/" between folders; the rest is escaped."""
    return quote(name, safe="/!$()*+,;=@~")

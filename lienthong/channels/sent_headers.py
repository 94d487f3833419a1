"""
What is kept of the headers that went with an attempt: all of them, and none of their secrets.

A resend is the same document under other headers, so they belong to the attempt and are stored
with it. Passwords, tokens and keys are taken out before anything is stored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lienthong.traces.recording import current, outgoing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lienthong.channels.profile import TargetProfile

MASK: Final = "***"
SECRET: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
"""HTTP headers whose value is a secret, whatever the target."""
# A digest is masked, too: whoever reads it can try passwords on it.
_PASSWORD: Final = re.compile(rb"(<wsse:Password [^>]*>)[^<]*")
_BODY: Final = b"<soap:Body"


def trace_headers(profile: TargetProfile) -> dict[str, str]:
    """Return the headers that tell a target of the span of this call, where it is to know it."""
    return outgoing(current()) if profile.trace_header else {}


def keep_headers(
    http: Mapping[str, str], *, envelope: bytes = b"", secret: Collection[str] = ()
) -> bytes:
    """
    Return what is kept: HTTP headers, line by line, then the SOAP header of `envelope`, if any.

    Args:
        http: As they were sent.
        envelope: Written here, so that its header is found by position; b"" without one.
        secret: Names of further HTTP headers whose value is one.
    """
    hidden = SECRET.union(name.casefold() for name in secret)
    lines = [
        f"{name}: {MASK if name.casefold() in hidden else value}" for name, value in http.items()
    ]
    start, _, rest = envelope.partition(b"<soap:Header>")
    header = b""
    if rest and _BODY not in start:
        inside = rest[: rest.index(_BODY)].removesuffix(b"</soap:Header>")
        header = b"\n\n" + _PASSWORD.sub(rb"\g<1>" + MASK.encode(), inside)
    return "\n".join(lines).encode() + header

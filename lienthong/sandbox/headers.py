"""The sandbox's side of WS-Addressing and X-Road: what it demands of a request, and its echo."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4
from xml.sax.saxutils import escape

from lienthong.channels.headers import WSA, XROAD, name_of, read_service
from signing import canonical_bytes
from signing.wss.names import WSU_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

SERVICE: Final = ("VN-THU", "GOV", "G22", "dvcqg")
"""Where its services are in X-Road: instance, member class, member code, subsystem code."""
CLIENT: Final = ("VN-THU", "GOV", "H29", "motcua")
"""Who may use them."""
MISSING: Final = "MessageAddressingHeaderRequired"
_NEEDED: Final = ("xroad:client", "xroad:service", "xroad:id", "xroad:protocolVersion")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderDemands:
    """What a sandbox demands of every request; can be handed to another process."""

    addressing: bool = False
    """MessageID and Action, once each, and Action that of the operation."""
    xroad: bool = False
    """The headers of message protocol 4.0, once each, for a service that is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderFault:
    """Why the headers of a request are refused."""

    reason: str
    particular: tuple[str, str] | None = None
    """A published code: namespace and local name."""
    dotted: str | None = None
    """As a security server of X-Road names it."""


def refuse_headers(
    demands: HeaderDemands, headers: Sequence[_Element], *, operation: str
) -> HeaderFault | None:
    """Return why a request for `operation` with these headers is refused, or None."""
    counts = Counter(map(name_of, headers))
    if demands.addressing:
        for name in ("wsa:MessageID", "wsa:Action"):
            if counts[name] != 1:
                words = f"expected one {name}, found {counts[name]}"
                return HeaderFault(reason=words, particular=(WSA, MISSING))
        action = _text(headers, "wsa:Action")
        if not action.endswith(operation):
            words = "wsa:Action is not that of the operation"
            return HeaderFault(reason=words, particular=(WSA, "ActionNotSupported"))
    return _refuse_xroad(headers, counts, operation=operation) if demands.xroad else None


def _refuse_xroad(
    headers: Sequence[_Element], counts: Counter[str], *, operation: str
) -> HeaderFault | None:
    for name in _NEEDED:
        if counts[name] != 1:
            dotted = "Client.MissingHeaderField" if not counts[name] else "Client.DuplicateHeader"
            return HeaderFault(reason=f"{name}: {counts[name]}", dotted=dotted)
    codes = {name: read_service(_first(headers, name)) for name in _NEEDED[:2]}
    if _text(headers, "xroad:protocolVersion") != "4.0":
        return HeaderFault(reason="protocolVersion", dotted="Client.InvalidProtocolVersion")
    if codes["xroad:client"] != (*CLIENT, "", ""):
        return HeaderFault(reason="client", dotted="Server.ClientProxy.UnknownMember")
    if codes["xroad:service"] != (*SERVICE, operation, ""):
        return HeaderFault(reason="service", dotted="Server.ServerProxy.UnknownService")
    return None


def echo_headers(headers: Sequence[_Element], *, is_wrong: bool = False) -> tuple[bytes, ...]:
    """
    Return the header blocks of the answer to a request with these.

    Args:
        headers: Of the request.
        is_wrong: Name another message than this.
    """
    blocks = []
    for header in headers:
        name = name_of(header)
        value = f"urn:uuid:{uuid4()}" if is_wrong else (header.text or "").strip()
        if name == "wsa:MessageID":
            text = f'<wsa:RelatesTo xmlns:wsa="{WSA}">{escape(value)}</wsa:RelatesTo>'
            blocks.append(text.encode())
        elif name == "wsa:Action":
            action = escape(f"{(header.text or '').strip()}Response")
            blocks.append(f'<wsa:Action xmlns:wsa="{WSA}">{action}</wsa:Action>'.encode())
        elif name.startswith("xroad:"):
            copy = deepcopy(header)
            # The request's: in the answer, ids are the answer's own.
            copy.attrib.pop(WSU_ID, None)
            copy.tail = None
            if is_wrong and header.tag == f"{{{XROAD}}}id":
                copy.text = value
            blocks.append(canonical_bytes(copy))
    return tuple(blocks)


def _first(headers: Sequence[_Element], name: str) -> _Element:
    return next(one for one in headers if name_of(one) == name)


def _text(headers: Sequence[_Element], name: str) -> str:
    return (_first(headers, name).text or "").strip()

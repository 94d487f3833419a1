"""
The header blocks of one SOAP call, and what the answer's must say: plain functions, no I/O.

An answer to another message is never a success, and never a refusal either: it says nothing of
what became of ours. One that lacks what the protocol makes it carry is an answer nobody knows.

Sources: W3C WS-Addressing 1.0 Core and SOAP Binding; X-Road Message Protocol 4.0 (PR-MESS),
section 2: "the service MUST copy all the header fields from the request to the response".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from lienthong.channels.port import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element

    from lienthong.channels.header_profile import AddressingProfile, XRoadMember, XRoadProfile

WSA: Final = "http://www.w3.org/2005/08/addressing"
ANONYMOUS: Final = f"{WSA}/anonymous"
XROAD: Final = "http://x-road.eu/xsd/xroad.xsd"
XROAD_IDS: Final = "http://x-road.eu/xsd/identifiers"
OF_ADDRESSING: Final = ("wsa:MessageID", "wsa:To", "wsa:Action", "wsa:ReplyTo")
OF_XROAD: Final = (
    "xroad:client",
    "xroad:service",
    "xroad:userId",
    "xroad:id",
    "xroad:issue",
    "xroad:protocolVersion",
)
NAMES: Final = OF_ADDRESSING + OF_XROAD
"""Of all blocks that are written here, as settings name them."""
_NAMESPACES: Final = {WSA: "wsa", XROAD: "xroad"}
_REPLY: Final = frozenset({None, f"{WSA}/reply"})
_NOBODY: Final = f"{WSA}/unspecified"
"""What a fault relates to whose sender could not read the message's id."""
_ID_PARTS: Final = (
    "xRoadInstance",
    "memberClass",
    "memberCode",
    "subsystemCode",
    "serviceCode",
    "serviceVersion",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One header block, in its canonical form."""

    name: str
    """One of NAMES."""
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeaders:
    """The header blocks of one call, and what its answer must say."""

    blocks: tuple[Block, ...] = ()
    message_id: str | None = None
    """wsa:MessageID, which wsa:RelatesTo of the answer names; None: none was sent."""
    needs_relation: bool = False
    """Whether an answer without wsa:RelatesTo is one nobody knows."""
    xroad_id: str | None = None
    """None: no headers of X-Road were sent."""
    service: tuple[str, ...] = ()
    """What the answer's X-Road service must be: codes in the order of the protocol."""

    def judge(self, headers: Sequence[_Element], *, is_fault: bool) -> tuple[Outcome, str] | None:
        """Return why an answer with these headers is none to this call, or None if it is one."""
        if self.message_id is not None:
            related = [relation for relation in _relations(headers) if relation != _NOBODY]
            if any(one != self.message_id for one in related):
                return Outcome.UNKNOWN, "the answer is to another message (wsa:RelatesTo)"
            if not related and self.needs_relation and not is_fault:
                return Outcome.UNRECOGNISED, "an answer without wsa:RelatesTo"
        return None if self.xroad_id is None else self._judge_xroad(headers, is_fault=is_fault)

    def _judge_xroad(
        self, headers: Sequence[_Element], *, is_fault: bool
    ) -> tuple[Outcome, str] | None:
        ids = [_text(one) for one in headers if one.tag == f"{{{XROAD}}}id"]
        services = [read_service(one) for one in headers if one.tag == f"{{{XROAD}}}service"]
        if any(one != self.xroad_id for one in ids):
            return Outcome.UNKNOWN, "the answer is to another message (X-Road id)"
        if any(one != self.service for one in services):
            return Outcome.UNKNOWN, "the answer is of another service (X-Road service)"
        if is_fault:
            # Section 2.5: a fault MAY contain the headers.
            return None
        if len(ids) != 1 or len(services) != 1:
            return Outcome.UNRECOGNISED, "an answer without X-Road's id and service, once each"
        return None


def write_addressing(
    profile: AddressingProfile, *, soap: str, endpoint: str, message_id: str, action: str
) -> tuple[Block, ...]:
    """Return the blocks of WS-Addressing; `message_id` is a URI."""
    must = profile.must_understand

    def write(name: str, content: str, *, must: bool = False) -> Block:
        of_soap, flag = (f' xmlns:soap="{soap}"', ' soap:mustUnderstand="1"') if must else ("", "")
        start = f'<wsa:{name}{of_soap} xmlns:wsa="{WSA}"{flag}>'
        return Block(name=f"wsa:{name}", text=f"{start}{content}</wsa:{name}>".encode())

    return (
        write("MessageID", escape(message_id)),
        write("To", escape(profile.to or endpoint)),
        write("Action", escape(action), must=must),
        write("ReplyTo", f"<wsa:Address>{ANONYMOUS}</wsa:Address>"),
    )


def write_xroad(profile: XRoadProfile, *, message_id: str, operation: str) -> tuple[Block, ...]:
    """Return the blocks of X-Road."""
    codes = _codes(profile.client)
    kind = "SUBSYSTEM" if profile.client.subsystem_code else "MEMBER"
    service = service_of(profile, operation)
    texts = {
        "userId": profile.user_id,
        "id": message_id,
        "issue": profile.issue,
        "protocolVersion": profile.protocol_version,
    }
    return (
        _write_identifier("client", codes, kind=kind),
        _write_identifier("service", service, kind="SERVICE"),
        *(
            Block(
                name=f"xroad:{name}",
                text=f'<xroad:{name} xmlns:xroad="{XROAD}">{escape(value)}</xroad:{name}>'.encode(),
            )
            for name, value in texts.items()
            if value
        ),
    )


def service_of(profile: XRoadProfile, operation: str) -> tuple[str, ...]:
    """Return the codes of one service, blank where there is none."""
    # Section 2.3: the element in the body is named as the service's code.
    return (*_codes(profile.service), operation, profile.service_version)


def read_service(element: _Element) -> tuple[str, ...]:
    """Return the codes of an identifier, blank where there is none."""
    return tuple((element.findtext(f"{{{XROAD_IDS}}}{part}") or "").strip() for part in _ID_PARTS)


def name_of(element: _Element) -> str:
    """Return the name of a block as settings name it; blank for a block that is not ours."""
    namespace, _, name = str(element.tag).lstrip("{").rpartition("}")
    prefix = _NAMESPACES.get(namespace)
    return f"{prefix}:{name}" if prefix else ""


def _codes(member: XRoadMember) -> tuple[str, ...]:
    return (member.instance, member.member_class, member.member_code, member.subsystem_code)


def _write_identifier(name: str, codes: Iterable[str], *, kind: str) -> Block:
    inside = "".join(
        f"<id:{part}>{escape(code)}</id:{part}>"
        for part, code in zip(_ID_PARTS, codes, strict=False)
        if code
    )
    start = f'<xroad:{name} xmlns:id="{XROAD_IDS}" xmlns:xroad="{XROAD}" id:objectType="{kind}">'
    return Block(name=f"xroad:{name}", text=f"{start}{inside}</xroad:{name}>".encode())


def _relations(headers: Sequence[_Element]) -> list[str]:
    return [
        _text(one)
        for one in headers
        if one.tag == f"{{{WSA}}}RelatesTo" and one.get("RelationshipType") in _REPLY
    ]


def _text(element: _Element) -> str:
    return (element.text or "").strip()

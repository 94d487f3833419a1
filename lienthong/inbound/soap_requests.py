"""
Reading what a peer sends over SOAP: envelope, headers, and the one element that is proven.

Where WS-Security is demanded, only what its signature covers is looked at, parsed from the very
bytes that were digested; a repeat is no replay here, for the store knows every message by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from lienthong.channels.headers import WSA, XROAD
from lienthong.inbound.refusals import MALFORMED, UNPROVEN, NotTaken, finding, not_taken
from schemas.building import SOAP_11, SOAP_12
from schemas.parser import Limits, XmlRefused, parse_xml
from signing.wss import SecurityRefused, verify_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from lienthong.inbound.profile import PeerSoap
    from signing.wss import SecurityPolicy

VERSIONS = {SOAP_11: "1.1", SOAP_12: "1.2"}
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
ID_HEADERS = {"addressing": (WSA, "MessageID"), "x-road": (XROAD, "id")}
"""Where a message id stands that is no element of the message."""
_UNDERSTOOD = frozenset({WSA, XROAD})
_TRUE = ("1", "true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request whose sender is proven, as far as SOAP can."""

    soap: str
    """Namespace of the SOAP version."""
    element: _Element
    """The body's only one."""
    headers: Mapping[tuple[str, str], _Element]
    """By namespace and local name; where a signature is demanded, those it covers."""
    signature: bytes | None = None
    """Its value, which an answer can confirm."""
    signer: str | None = None
    """SHA-256 of the certificate that signed, which is trusted."""
    has_password: bool = False
    """Whether it came with the peer's login."""


def soap_of(content_type: str) -> str:
    """Return in which version of SOAP a sender is answered who has not been read yet."""
    return SOAP_12 if content_type.startswith("application/soap+xml") else SOAP_11


def read_request(
    data: bytes,
    *,
    profile: PeerSoap,
    policy: SecurityPolicy | None,
    max_bytes: int,
    now: datetime,
) -> Request:
    """
    Return the request.

    Args:
        data: The whole envelope.
        profile: How the peer sends.
        policy: What is demanded of its WS-Security header; None: nothing.
        max_bytes: Of the envelope.
        now: Aware.

    Raises:
        NotTaken: it is no envelope, of another version of SOAP, or not proven.
    """
    root, soap = _open(data, max_bytes=max_bytes)
    if VERSIONS[soap] not in profile.versions:
        raise _mismatch(profile.versions)
    try:
        return _read(data, root, soap=soap, policy=policy, now=now)
    except NotTaken as error:
        error.soap = soap
        raise


def _read(
    data: bytes, root: _Element, *, soap: str, policy: SecurityPolicy | None, now: datetime
) -> Request:
    header, body = _parts(root, soap)
    blocks = [one for one in header if isinstance(one.tag, str)] if header is not None else []
    _check_understood(blocks, soap, has_security=policy is not None)
    if policy is not None:
        return _proven(data, blocks, policy=policy, now=now)
    if next(root.iter(etree.ProcessingInstruction), None) is not None:
        raise _no_envelope("<?…?>")
    elements = [one for one in body if isinstance(one.tag, str)]
    if len(elements) != 1:
        raise _no_envelope(f"Body: {len(elements)}")
    return Request(soap=soap, element=elements[0], headers=_named(blocks))


def _open(data: bytes, *, max_bytes: int) -> tuple[_Element, str]:
    try:
        root = parse_xml(data, limits=Limits(max_bytes=max_bytes))
    except XmlRefused as error:
        raise not_taken(MALFORMED, error.code, error.vi, error.en) from error
    name = etree.QName(root)
    if name.localname == "Envelope" and name.namespace not in VERSIONS:
        raise _mismatch(tuple(VERSIONS.values()))
    if name.localname != "Envelope":
        raise _no_envelope("Envelope")
    return root, str(name.namespace)


def _parts(root: _Element, soap: str) -> tuple[_Element | None, _Element]:
    children = [one for one in root if isinstance(one.tag, str)]
    tags = [one.tag for one in children]
    if tags == [f"{{{soap}}}Body"]:
        return None, children[0]
    if tags == [f"{{{soap}}}Header", f"{{{soap}}}Body"]:
        return children[0], children[1]
    raise _no_envelope("Header, Body")


def _check_understood(blocks: list[_Element], soap: str, *, has_security: bool) -> None:
    """Refuse what a sender demands to be understood and is not. Source: SOAP 1.2 part 1, 2.4."""
    for block in blocks:
        namespace = etree.QName(block).namespace
        is_known = namespace in _UNDERSTOOD or (namespace == WSSE and has_security)
        if block.get(f"{{{soap}}}mustUnderstand") in _TRUE and not is_known:
            refused = not_taken(
                MALFORMED,
                "inbound.must_understand",
                "Phần đầu có mustUnderstand mà ở đây không hiểu: bỏ phần đầu đó, hoặc báo người "
                "vận hành",
                "A header with mustUnderstand is not understood here: leave it out, or tell the "
                "operator",
            )
            refused.fault = (soap, "MustUnderstand")
            raise refused


def _proven(
    data: bytes, blocks: list[_Element], *, policy: SecurityPolicy, now: datetime
) -> Request:
    try:
        verified = verify_message(data, policy=policy, memory=None, now=now)
    except SecurityRefused as error:
        problems = tuple(finding(one.code, one.vi, one.en) for one in error.reasons)
        raise NotTaken(UNPROVEN, problems, fault=error.fault, signature=error.signature) from error
    signed = verified.headers
    return Request(
        soap=verified.soap,
        element=verified.body,
        # A login alone covers nothing, so that there is nothing to choose from.
        headers=signed if policy.certificates is not None else _named(blocks),
        signature=verified.signature,
        signer=None if verified.signer is None else verified.signer.fingerprint,
        has_password=verified.username is not None,
    )


def _named(blocks: list[_Element]) -> dict[tuple[str, str], _Element]:
    named: dict[tuple[str, str], _Element] = {}
    for block in blocks:
        name = etree.QName(block)
        key = (name.namespace or "", name.localname)
        if key in named:
            raise _no_envelope(name.localname[:64])
        named[key] = block
    return named


def _no_envelope(found: str) -> NotTaken:
    return not_taken(
        MALFORMED,
        "inbound.envelope",
        f"Không phải bản tin SOAP gồm nhiều nhất một Header, rồi một Body có đúng một phần tử "
        f"({found})",
        f"It is no SOAP message of at most one Header, then one Body with exactly one element "
        f"({found})",
    )


def _mismatch(taken: Sequence[str]) -> NotTaken:
    shown = ", ".join(taken)
    refused = not_taken(
        MALFORMED,
        "inbound.soap_version",
        f"Phiên bản SOAP này không được nhận; ở đây nhận SOAP {shown}",
        f"This version of SOAP is not taken; SOAP {shown} is",
    )
    refused.soap = SOAP_11 if "1.1" in taken else SOAP_12
    refused.fault = (refused.soap, "VersionMismatch")
    return refused

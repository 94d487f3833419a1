"""
Read a secured message by position: what stands where, never what an id leads to.

The envelope has one header and one body, the header one security header for us, and that one of
each thing at most. Nothing is proven here.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import etree

from schemas.parser import Limits, XmlRefused, parse_xml
from signing.certificates import load_certificate
from signing.nodes import has_instructions
from signing.parts import Departure
from signing.profile import DS
from signing.wss.names import (
    ACTORS,
    BASE64,
    PASSWORD_DIGEST,
    PASSWORD_TEXT,
    PKI_PATH,
    SECURITY,
    WSSE,
    WSSE11,
    WSU,
    X509_V3,
)
from signing.wss.pki_path import read_pki_path

if TYPE_CHECKING:
    from cryptography import x509
    from lxml.etree import _Element

    from signing.wss.policy import SecurityPolicy

TIMESTAMP = f"{{{WSU}}}Timestamp"
TOKEN = f"{{{WSSE}}}BinarySecurityToken"
LOGIN = f"{{{WSSE}}}UsernameToken"
SIGNATURE = f"{{{DS}}}Signature"
CONFIRMATION = f"{{{WSSE11}}}SignatureConfirmation"
_KNOWN = (TIMESTAMP, TOKEN, LOGIN, SIGNATURE, CONFIRMATION)
MAX_HEADERS = 32
MAX_NONCE_BYTES = 64
MAX_TOKEN_BYTES = 64 * 1024
"""Of certificates; what has been read is kept for a while, so it must be small."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A secured message in its parts; all of it claims."""

    soap: str
    root: _Element
    body: _Element
    blocks: tuple[_Element, ...]
    """Header blocks besides the security header."""
    parts: dict[str, _Element]
    """What the security header holds, by tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What the timestamp says."""

    created: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginClaim:
    """What the login says."""

    username: str
    secret: str
    is_text: bool
    nonce: bytes | None
    created: str | None
    """As it is written: it is part of the digest."""
    created_at: datetime | None


def read_message(data: bytes, *, policy: SecurityPolicy) -> Message:
    """
    Return the parts of a message.

    Raises:
        Departure: it is no SOAP message with one security header for us.
    """
    try:
        root = parse_xml(data, limits=Limits(max_bytes=policy.max_bytes))
    except XmlRefused as exc:
        raise Departure(exc.code, vi=exc.vi, en=exc.en) from exc
    if has_instructions(root):
        raise Departure(
            "wss.instruction",
            vi="Bản tin không được có chỉ thị xử lý (<?…?>)",
            en="The message must not hold processing instructions (<?…?>)",
        )
    soap = next((one for one in ACTORS if root.tag == f"{{{one}}}Envelope"), None)
    tags = [child.tag for child in root]
    if soap is None or tags[-1:] != [f"{{{soap}}}Body"] or len(tags) > 2:
        raise _envelope_wrong()
    if len(tags) == 1:
        raise _no_security(0)
    if tags[0] != f"{{{soap}}}Header":
        raise _envelope_wrong()
    header, body = root
    if len(header) > MAX_HEADERS:
        raise _envelope_wrong()
    security = _find_security(header, actor_name=ACTORS[soap], actor=policy.actor)
    return Message(
        soap=soap,
        root=root,
        body=body,
        blocks=tuple(one for one in header if one.tag != SECURITY),
        parts=_read_parts(security),
    )


def only_child(body: _Element) -> _Element:
    """Return the only element of the body."""
    if len(body) != 1:
        raise Departure(
            "wss.body",
            vi=f"Thân SOAP phải có đúng một phần tử, thực tế là {len(body)}",
            en=f"The SOAP body must hold exactly one element, found {len(body)}",
        )
    return body[0]


def read_times(timestamp: _Element) -> Times:
    """Return what a timestamp says."""
    tags = [child.tag for child in timestamp]
    wanted = [f"{{{WSU}}}Created", f"{{{WSU}}}Expires"]
    if tags not in (wanted, wanted[:1]):
        raise Departure(
            "wss.timestamp",
            vi="Timestamp phải gồm một Created, rồi nhiều nhất một Expires",
            en="The Timestamp must hold one Created, then at most one Expires",
        )
    created, *expires = (read_instant(child.text) for child in timestamp)
    return Times(created=created, expires=expires[0] if expires else None)


def read_instant(text: str | None) -> datetime:
    """Return an aware time in UTC."""
    stated = (text or "").strip()
    if _INSTANT.fullmatch(stated):
        try:
            return datetime.fromisoformat(stated).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Departure(
        "wss.timestamp",
        vi="Thời điểm phải có dạng 2026-11-24T08:00:00Z",
        en="A time must be written like 2026-11-24T08:00:00Z",
    )


def read_certificates(token: _Element) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a BinarySecurityToken, the signer's first."""
    kind = token.get("ValueType")
    if kind not in (X509_V3, PKI_PATH) or token.get("EncodingType", BASE64) != BASE64:
        raise Departure(
            "wss.unsupported",
            vi="BinarySecurityToken phải là X509v3 hoặc X509PKIPathv1, dạng Base64Binary",
            en="The BinarySecurityToken must be an X509v3 or X509PKIPathv1, in Base64Binary",
        )
    der = read_base64(token, token.text)
    if len(der) > MAX_TOKEN_BYTES:
        raise _certificate_unreadable()
    try:
        return _load_path(der) if kind == PKI_PATH else (_load_one(der),)
    except ValueError as exc:
        raise _certificate_unreadable() from exc


def read_login(login: _Element) -> LoginClaim:
    """Return what a UsernameToken says: exactly a name, a password, and a nonce with its time."""
    found = {str(child.tag): child for child in login}
    name, secret = found.get(f"{{{WSSE}}}Username"), found.get(f"{{{WSSE}}}Password")
    nonce, created = found.get(f"{{{WSSE}}}Nonce"), found.get(f"{{{WSU}}}Created")
    known = sum(one is not None for one in (name, secret, nonce, created))
    if name is None or secret is None or known != len(login) or any(len(one) for one in login):
        raise _login_wrong_shape()
    # Without a Type the password is text: UsernameToken Profile 1.1, section 3.1.
    kind = secret.get("Type", PASSWORD_TEXT)
    if kind not in (PASSWORD_TEXT, PASSWORD_DIGEST):
        raise Departure(
            "wss.unsupported",
            vi="Password phải là PasswordDigest hoặc PasswordText",
            en="The Password must be a PasswordDigest or a PasswordText",
        )
    nonce_bytes = None if nonce is None else read_base64(nonce, nonce.text)
    if nonce_bytes is not None and not 1 <= len(nonce_bytes) <= MAX_NONCE_BYTES:
        raise _login_wrong_shape()
    stated = "" if created is None else (created.text or "")
    # Nonce and time are digested without a border between them: a nonce that ends in white space
    # could be shown again under another name, the white space moved to the time.
    if stated != stated.strip():
        raise _login_wrong_shape()
    return LoginClaim(
        username=(name.text or "").strip(),
        secret=secret.text or "",
        is_text=kind == PASSWORD_TEXT,
        nonce=nonce_bytes,
        created=None if created is None else stated,
        created_at=None if created is None else read_instant(stated),
    )


def read_confirmation(confirmation: _Element) -> bytes:
    """Return the signature value that an answer confirms."""
    return read_base64(confirmation, confirmation.get("Value"))


def read_base64(element: _Element, text: str | None) -> bytes:
    """Return the bytes that `text`, of `element`, stands for."""
    plain = "<" if len(element) else "".join((text or "").split())
    try:
        return b64decode(plain, validate=True)
    except ValueError as exc:
        name = etree.QName(element).localname
        raise Departure(
            "wss.structure",
            vi=f"{name} phải là chuỗi base64",
            en=f"{name} must be base64",
        ) from exc


# Fast path: a peer sends the same certificate with every message.
_load_one = lru_cache(maxsize=256)(load_certificate)
_load_path = lru_cache(maxsize=256)(read_pki_path)


def _find_security(header: _Element, *, actor_name: str, actor: str | None) -> _Element:
    found = [one for one in header if one.tag == SECURITY]
    if len(found) != 1:
        raise _no_security(len(found))
    (security,) = found
    # Both spellings of "for whoever receives the message": the attribute is absent or empty.
    if (security.get(actor_name) or None) != actor:
        raise Departure(
            "wss.other_actor",
            vi="Phần đầu wsse:Security dành cho bên khác (actor/role)",
            en="The wsse:Security header is for somebody else (actor/role)",
        )
    return security


def _read_parts(security: _Element) -> dict[str, _Element]:
    parts: dict[str, _Element] = {}
    for child in security:
        name = str(child.tag).rpartition("}")[2][:80]
        if child.tag not in _KNOWN:
            raise Departure(
                "wss.unsupported",
                vi=f"wsse:Security chứa {name}, loại không được hỗ trợ",
                en=f"wsse:Security holds a {name}, which is not supported",
            )
        if child.tag in parts:
            raise Departure(
                "wss.repeated",
                vi=f"wsse:Security chứa nhiều hơn một {name}",
                en=f"wsse:Security holds more than one {name}",
            )
        parts[str(child.tag)] = child
    return parts


def _envelope_wrong() -> Departure:
    return Departure(
        "wss.envelope",
        vi="Bản tin SOAP phải gồm đúng một Header, rồi đúng một Body",
        en="A SOAP message must hold exactly one Header, then exactly one Body",
    )


def _no_security(number: int) -> Departure:
    if number == 0:
        return Departure(
            "wss.missing",
            vi="Bản tin không có phần đầu wsse:Security",
            en="The message has no wsse:Security header",
        )
    return Departure(
        "wss.repeated",
        vi=f"Bản tin có {number} phần đầu wsse:Security, chỉ nhận một",
        en=f"The message has {number} wsse:Security headers, only one is accepted",
    )


def _login_wrong_shape() -> Departure:
    return Departure(
        "wss.structure",
        vi="UsernameToken phải gồm Username, Password, và có thể Nonce (tối đa "
        f"{MAX_NONCE_BYTES} byte), Created (không có khoảng trắng ở hai đầu), mỗi loại một lần",
        en="A UsernameToken must hold Username, Password and perhaps Nonce (at most "
        f"{MAX_NONCE_BYTES} bytes), Created (without white space around it), each once",
    )


def _certificate_unreadable() -> Departure:
    return Departure(
        "certificate.unreadable",
        vi="Chứng thư trong BinarySecurityToken không đọc được, hoặc dài hơn "
        f"{MAX_TOKEN_BYTES} byte",
        en="A certificate in the BinarySecurityToken cannot be read, or is longer than "
        f"{MAX_TOKEN_BYTES} bytes",
    )

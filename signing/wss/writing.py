"""
Write SOAP messages with a WS-Security header: time, certificate, login and one signature.

The header is composed as text, each signed part in its own exclusive canonical form; what stands
in the body reaches the wire byte for byte as it was handed in. Only its digest needs the canonical
form of the whole body: inside an envelope that is another text, for a namespace that is declared
twice is written once there.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import new as new_hash
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from schemas.parser import XmlRefused, parse_xml
from signing.canonical import canonical_bytes
from signing.errors import DocumentUnsignable, Reason
from signing.methods import make_value
from signing.nodes import has_instructions, ids_in
from signing.profile import DS, EXCLUSIVE_C14N, Hash, RsaPadding
from signing.values import algorithm_of
from signing.wss.login import NONCE_BYTES, Login, PasswordForm, password_digest
from signing.wss.names import (
    BASE64,
    PASSWORD_DIGEST,
    PASSWORD_TEXT,
    PKI_PATH,
    SOAP_11,
    SOAP_12,
    WSSE,
    WSSE11,
    WSU,
    WSU_ID,
    X509_V3,
)
from signing.wss.pki_path import build_pki_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element

    from signing.keys import SigningKey

_PREFIX = "wss-"
"""Begins every id that is given here; nothing inside the message may begin with it."""
_NS_WSSE = f' xmlns:wsse="{WSSE}"'
_NS_WSU = f' xmlns:wsu="{WSU}"'
_EXCLUSIVE = f'Algorithm="{EXCLUSIVE_C14N}"'
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuredMessage:
    """A message as it goes to the wire."""

    envelope: bytes
    signature: bytes | None
    """The signature's value, which the answer may confirm; None: it is not signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What is signed by its id."""

    identifier: str
    canonical: bytes


class SecurityWriter:
    """Puts messages into envelopes with a security header. Safe for threads."""

    def __init__(  # noqa: PLR0913 - what one header may hold
        self,
        *,
        soap: str,
        key: SigningKey | None,
        login: Login | None = None,
        validity: timedelta | None = timedelta(minutes=5),
        rsa_padding: RsaPadding = RsaPadding.PKCS1,
        digest: Hash | None = None,
        actor: str | None = None,
        must_understand: bool = True,
        second: Callable[[bytes], object] | None = None,
    ) -> None:
        """
        Prepare what is the same in every message.

        Args:
            soap: Namespace of the SOAP version.
            key: Signs body, time, certificate, login and headers; None: nothing is signed.
            login: Name and password, for partners that want them.
            validity: How long a message may be on its way; None writes no time.
            rsa_padding: Where the key is an RSA key.
            digest: Of the signature and of what it covers; None: as `algorithm_of` says, over
                SHA-256 of the parts.
            actor: For whom the header is (SOAP 1.2: role); None: whoever receives the message.
            must_understand: A receiver that knows no WS-Security has to refuse the message.
            second: Is shown every signed envelope, and raises if it has anything against it; see
                `signing.wss.second`.
        """
        if soap not in (SOAP_11, SOAP_12):
            raise ValueError(f"unknown SOAP namespace {soap!r}")
        self._key = key
        self._login = login
        self._validity = validity
        self._second = second
        self._soap = soap
        self._hash = digest or Hash.SHA256
        self._start = (
            f'<soap:Envelope xmlns:soap="{soap}"><soap:Header>',
            f"<wsse:Security{_NS_WSSE}{_NS_WSU}{_aim(soap, actor, must_understand)}>",
        )
        self._body = f'<soap:Body xmlns:soap="{soap}"{_NS_WSU} wsu:Id="{_PREFIX}body">'.encode()
        if key is not None:
            self._algorithm = algorithm_of(key, rsa_padding=rsa_padding, digest=digest)
            self._token, self._token_part = _write_token(key)

    def write(
        self,
        body: bytes,
        *,
        at: datetime,
        headers: Sequence[bytes] = (),
        unsigned: Sequence[bytes] = (),
        confirms: bytes | None = None,
    ) -> SecuredMessage:
        """
        Return the message around `body`, whose bytes stay as they are.

        Two messages are never the same, even of the same body at the same time.

        Args:
            body: One element, without a declaration.
            at: Aware; when it leaves.
            headers: Further header blocks, one element each; they are signed where a key signs,
                and written in canonical form.
            unsigned: Header blocks that are not signed, and stay as they are.
            confirms: Signature of the request that this answers (SignatureConfirmation).

        Raises:
            KeyUnusable: the certificate is not valid at `at`.
            DocumentUnsignable: body or a header is not well-formed, or has ids of this header's.
        """
        if self._key is not None:
            self._key.check_usable_at(at)
        texts: list[str] = []
        parts: list[_Part] = []

        def add(text: str, part: _Part) -> None:
            texts.append(text)
            parts.append(part)

        if self._validity is not None:
            add(*_write_timestamp(at, self._validity))
        if self._key is not None:
            add(self._token, self._token_part)
        if self._login is not None:
            add(*_write_login(self._login, at))
        if confirms is not None:
            add(*_write_confirmation(confirms))
        blocks = [_Block(text, number=number) for number, text in enumerate(headers, start=1)]
        value = None
        if self._key is not None:
            content = self._canonical_body(body)
            parts += [_Part(identifier=f"{_PREFIX}body", canonical=content)]
            parts += [_Part(identifier=one.identifier, canonical=one.text) for one in blocks]
            signature, value = self._sign(self._key, parts)
            texts.append(signature)
        envelope = b"".join(
            (
                self._start[0].encode(),
                *unsigned,
                *(one.text for one in blocks),
                f"{self._start[1]}{''.join(texts)}</wsse:Security></soap:Header>".encode(),
                self._body,
                body,
                b"</soap:Body></soap:Envelope>",
            )
        )
        if self._second is not None and value is not None:
            self._second(envelope)
        return SecuredMessage(envelope=envelope, signature=value)

    def _canonical_body(self, body: bytes) -> bytes:
        root = _parse(b"%b%b</soap:Body>" % (self._body, body))
        if len(root) != 1:
            raise _unsignable(
                "wss.body",
                vi=f"Thân SOAP phải có đúng một phần tử, thực tế là {len(root)}",
                en=f"A SOAP body must hold exactly one element, found {len(root)}",
            )
        _check_free_of_ids(root, given=1)
        return canonical_bytes(root)

    def _sign(self, key: SigningKey, parts: Sequence[_Part]) -> tuple[str, bytes]:
        info = (
            f"<ds:CanonicalizationMethod {_EXCLUSIVE}></ds:CanonicalizationMethod>"
            f'<ds:SignatureMethod Algorithm="{self._algorithm.value}"></ds:SignatureMethod>'
            f"{''.join(_reference(part, method=self._hash) for part in parts)}</ds:SignedInfo>"
        )
        canonical = f'<ds:SignedInfo xmlns:ds="{DS}">{info}'.encode()
        value = make_value(key, canonical, algorithm=self._algorithm)
        return (
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{info}'
            f"<ds:SignatureValue>{b64encode(value).decode()}</ds:SignatureValue>"
            f"<ds:KeyInfo><wsse:SecurityTokenReference>"
            f'<wsse:Reference URI="#{_PREFIX}token" ValueType="{_value_type(key)}">'
            f"</wsse:Reference></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>"
        ), value


class _Block:
    """A header block with an id of ours, in canonical form."""

    def __init__(self, text: bytes, *, number: int) -> None:
        root = _parse(text)
        _check_free_of_ids(root, given=0)
        self.identifier = f"{_PREFIX}header-{number}"
        root.set(WSU_ID, self.identifier)
        self.text = canonical_bytes(root)


def format_instant(at: datetime) -> str:
    """Return the time as WS-Security writes it: UTC, to the millisecond, with a Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _aim(soap: str, actor: str | None, must_understand: bool) -> str:
    """Return the attributes that say for whom the header is."""
    must = ' soap:mustUnderstand="1"' if must_understand else ""
    if actor is None:
        return must
    name = "actor" if soap == SOAP_11 else "role"
    value = actor.translate(_ESCAPES).replace('"', "&quot;")
    return f'{must} soap:{name}="{value}"'


def _write_timestamp(at: datetime, validity: timedelta) -> tuple[str, _Part]:
    # The id is drawn: it makes every message another one, which receivers that remember need.
    identifier = f"{_PREFIX}time-{secrets.token_hex(8)}"
    text = (
        f'<wsu:Timestamp%s wsu:Id="{identifier}"><wsu:Created>{format_instant(at)}</wsu:Created>'
        f"<wsu:Expires>{format_instant(at + validity)}</wsu:Expires></wsu:Timestamp>"
    )
    return text % "", _part(identifier, text % _NS_WSU)


def _write_token(key: SigningKey) -> tuple[str, _Part]:
    der = (
        build_pki_path(key.certificate, chain=key.chain)
        if key.chain
        else key.certificate.public_bytes(Encoding.DER)
    )
    identifier = f"{_PREFIX}token"
    text = (
        f'<wsse:BinarySecurityToken%s EncodingType="{BASE64}" ValueType="{_value_type(key)}"'
        f' wsu:Id="{identifier}">{b64encode(der).decode()}</wsse:BinarySecurityToken>'
    )
    return text % "", _part(identifier, text % (_NS_WSSE + _NS_WSU))


def _value_type(key: SigningKey) -> str:
    return PKI_PATH if key.chain else X509_V3


def _write_login(login: Login, at: datetime) -> tuple[str, _Part]:
    nonce, created = secrets.token_bytes(NONCE_BYTES), format_instant(at)
    if login.form is PasswordForm.DIGEST:
        digest = password_digest(nonce=nonce, created=created, password=login.password)
        kind, secret = PASSWORD_DIGEST, b64encode(digest).decode()
    else:
        kind, secret = PASSWORD_TEXT, login.password.reveal().decode().translate(_ESCAPES)
    identifier = f"{_PREFIX}login"
    start = f' wsu:Id="{identifier}"><wsse:Username>{login.username.translate(_ESCAPES)}'
    rest = (
        f'{start}</wsse:Username><wsse:Password Type="{kind}">{secret}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{BASE64}">{b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken>"
    )
    canonical = f"<wsse:UsernameToken{_NS_WSSE}{_NS_WSU}{rest}"
    return f"<wsse:UsernameToken{rest}", _part(identifier, canonical)


def _write_confirmation(value: bytes) -> tuple[str, _Part]:
    identifier = f"{_PREFIX}confirmation"
    ns = f' xmlns:wsse11="{WSSE11}"'
    text = (
        f'<wsse11:SignatureConfirmation{ns}%s Value="{b64encode(value).decode()}"'
        f' wsu:Id="{identifier}"></wsse11:SignatureConfirmation>'
    )
    return text % "", _part(identifier, text % _NS_WSU)


def _part(identifier: str, canonical: str) -> _Part:
    return _Part(identifier=identifier, canonical=canonical.encode())


def _reference(part: _Part, *, method: Hash) -> str:
    digest = b64encode(new_hash(method.value, part.canonical).digest()).decode()
    return (
        f'<ds:Reference URI="#{part.identifier}"><ds:Transforms>'
        f"<ds:Transform {_EXCLUSIVE}></ds:Transform></ds:Transforms>"
        f'<ds:DigestMethod Algorithm="{method.uri}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )


def _parse(text: bytes) -> _Element:
    try:
        return parse_xml(text)
    except XmlRefused as exc:
        raise DocumentUnsignable(Reason(code=exc.code, vi=exc.vi, en=exc.en)) from exc


def _check_free_of_ids(root: _Element, *, given: int) -> None:
    """Refuse ids that could be taken for ours; `given` of them are ours already."""
    if sum(one.startswith(_PREFIX) for one in ids_in(root)) != given:
        raise _unsignable(
            "signature.duplicate_id",
            vi=f"Không phần tử nào trong bản tin được mang Id bắt đầu bằng {_PREFIX}",
            en=f"No element of a message may carry an Id that begins with {_PREFIX}",
        )
    if has_instructions(root):
        raise _unsignable(
            "document.instruction",
            vi="Bản tin cần ký không được có chỉ thị xử lý (<?…?>)",
            en="A message to sign must not hold processing instructions (<?…?>)",
        )


def _unsignable(code: str, *, vi: str, en: str) -> DocumentUnsignable:
    return DocumentUnsignable(Reason(code=code, vi=vi, en=en))

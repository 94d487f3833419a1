"""Keys in PKCS#11 tokens: found, fitted to their certificates, and found again after trouble."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import Attribute, ObjectClass, SignMixin

from signing.certificates import load_certificate, load_certificates
from signing.errors import KeyUnusable, Reason
from signing.keys import PublicKey, SigningKey
from signing.pin_file import PinFile, Refusal
from signing.token_errors import (
    LASTING,
    PIN_REFUSED,
    Error,
    no_certificate,
    no_fit,
    not_for_signing,
    pin_refused,
    translate,
)
from signing.token_methods import Method, method_for
from signing.token_module import TokenModule, module_at
from signing.token_place import TokenPlace, read_place
from signing.values import algorithm_for, is_signed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from cryptography import x509
    from pkcs11 import Mechanism, PrivateKey, Session

    from signing.profile import Algorithm

T = TypeVar("T")


def load_token_key(
    file: Path, *, pin_file: Path, certificate_file: Path, memory: Path
) -> SigningKey:
    """
    Return the key for which `file` stands, with its certificate.

    Args:
        file: See `signing.token_place`.
        pin_file: With the token's PIN.
        certificate_file: With the certificate and those between; where there is none they are
            read from the token.
        memory: See `PinFile`.

    Raises:
        KeyUnusable: what is wrong, and what to do.
    """
    place = read_place(file)
    key = TokenKey(module_at(place.module), place=place, pin_file=PinFile(pin_file, memory=memory))
    return key.with_certificate(
        _read_certificates(certificate_file) if certificate_file.exists() else None
    )


class TokenKey:
    """A private key in a token. Thread-safe; finds itself again when the token was away."""

    def __init__(self, module: TokenModule, *, place: TokenPlace, pin_file: PinFile) -> None:
        self._module = module
        self._place = place
        self._pin_file = pin_file
        self._found: _Found | None = None
        self._certificate: x509.Certificate | None = None
        self._public_key: PublicKey | None = None

    def __repr__(self) -> str:
        return f"TokenKey(token={self._place.token!r}, key={self._place.key!r})"

    def public_key(self) -> PublicKey:
        """Return the public half, as the certificate has it."""
        assert self._public_key is not None
        return self._public_key

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        """
        Return the signature of `data`, one on an elliptic curve in DER.

        Raises:
            KeyUnusable: the token is away, locked or in trouble, or the key is no longer in it.
        """
        return self._insisting(lambda: self._find().sign(data, algorithm))

    def with_certificate(self, given: Sequence[x509.Certificate] | None) -> SigningKey:
        """
        Return this key with the one of the certificates that is its own.

        Args:
            given: In any order, with those between; None looks for them in the token.

        Raises:
            KeyUnusable: there is none, or none fits, or the key cannot sign.
        """
        return self._insisting(lambda: self._fit(given))

    def _fit(self, given: Sequence[x509.Certificate] | None) -> SigningKey:
        found = self._find()
        held = found.certificates() if given is None else list(given)
        if not held:
            raise no_certificate(self._place)
        for own in held:
            if (public_key := _fitting(found, own)) is not None:
                break
        else:
            # A token may hold those of others only; a file was put beside this key.
            raise no_certificate(self._place) if given is None else no_fit(self._place)
        self._certificate, self._public_key = own, public_key
        return SigningKey(private_key=self, certificate=own, chain=_chain(own, held))

    def _find(self) -> _Found:
        """Return the key's handle; one that was found anew must fit the certificate still."""
        if self._found is not None and self._found.generation == self._module.generation:
            return self._found
        session = self._module.open(self._place, self._pin_file)
        found = _Found(
            session=session,
            key=_private_key(session, self._place),
            offered=session.token.slot.get_mechanisms(),
            generation=self._module.generation,
            place=self._place,
            pin_file=self._pin_file,
        )
        if self._certificate is not None and _fitting(found, self._certificate) is None:
            raise no_fit(self._place)
        self._found = found
        return found

    def _insisting(self, work: Callable[[], T]) -> T:
        """Do something with the token, and once more after a fresh start of its module."""
        with _translated(self._place), self._module.alone():
            try:
                return work()
            except LASTING:
                self._found = None
                raise
            except Error:
                self._found = None
                if not self._module.restart():
                    raise
            return work()


@dataclass(slots=True, kw_only=True)
class _Found:
    """A key in an open session."""

    session: Session
    key: PrivateKey
    offered: Collection[Mechanism | int]
    generation: int
    place: TokenPlace
    pin_file: PinFile
    signer: SignMixin = field(init=False)
    asks_each_time: bool = field(init=False)
    """The token wants the PIN before every signature, as keys of qualified certificates may."""
    _methods: dict[Algorithm, Method] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.key, SignMixin):
            raise not_for_signing(self.place)
        self.signer = self.key
        try:
            self.asks_each_time = bool(self.key[Attribute.ALWAYS_AUTHENTICATE])
        except pkcs11.AttributeTypeInvalid:
            self.asks_each_time = False

    def sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        method = self._methods.get(algorithm)
        if method is None:
            method = method_for(algorithm, key_type=self.key.key_type, offered=self.offered)
            self._methods[algorithm] = method
        try:
            value = self.signer.sign(
                method.prepare(data),
                mechanism=method.mechanism,
                mechanism_param=method.parameter,
                pin=self._pin() if self.asks_each_time else None,
            )
        except PIN_REFUSED as error:
            # It was changed after the session had begun.
            self.pin_file.remember_refusal()
            raise pin_refused(self.place, self.pin_file) from error
        return method.finish(value)

    def certificates(self) -> list[x509.Certificate]:
        """Return the certificates in the token that can be read, those with the key's id first."""
        wanted = {Attribute.CLASS: ObjectClass.CERTIFICATE}
        identifier = self.key.id
        held = list(self.session.get_objects(wanted))
        held.sort(key=lambda one: one[Attribute.ID] != identifier)
        found = []
        for one in held:
            try:
                found.append(load_certificate(one[Attribute.VALUE]))
            except ValueError:
                # Tokens hold many things; what is not this key's is no concern of ours.
                continue
        return found

    def _pin(self) -> str:
        if self.pin_file.refusal() is Refusal.THIS:
            raise pin_refused(self.place, self.pin_file)
        return self.pin_file.read().reveal().decode()


def _private_key(session: Session, place: TokenPlace) -> PrivateKey:
    wanted: dict[Attribute, object] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    if place.key_label is not None:
        wanted[Attribute.LABEL] = place.key_label
    if place.key_id is not None:
        wanted[Attribute.ID] = place.key_id
    found = list(session.get_objects(wanted))
    if not found:
        raise pkcs11.NoSuchKey
    if len(found) > 1:
        raise pkcs11.MultipleObjectsReturned
    (key,) = found
    assert isinstance(key, pkcs11.PrivateKey)
    return key


def _fitting(found: _Found, certificate: x509.Certificate) -> PublicKey | None:
    """
    Return the certificate's key if it is the other half of the one that was found.

    Told by a signature over random bytes: not every token shows the public half of a key.
    """
    public_key = certificate.public_key()
    is_rsa = found.key.key_type is pkcs11.KeyType.RSA
    if not isinstance(public_key, rsa.RSAPublicKey if is_rsa else ec.EllipticCurvePublicKey):
        return None
    data = os.urandom(32)
    signature = found.sign(data, algorithm_for(public_key))
    return public_key if is_signed_by(certificate, data, signature) else None


def _chain(own: x509.Certificate, held: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Return those between, nearest issuer first; a token holds those of other keys too."""
    chain: list[x509.Certificate] = []
    current = own
    while True:
        issuer = next(
            (
                one
                for one in held
                if one.subject == current.issuer
                and one.subject != one.issuer
                and one not in (own, *chain)
            ),
            None,
        )
        if issuer is None:
            return tuple(chain)
        chain.append(issuer)
        current = issuer


def _read_certificates(file: Path) -> list[x509.Certificate]:
    try:
        return load_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyUnusable(
            Reason(
                code="key.format",
                vi=f"Không đọc được chứng thư trong {file} (PEM)",
                en=f"File {file} holds no readable certificate (PEM)",
            )
        ) from error


@contextmanager
def _translated(place: TokenPlace) -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise translate(error, place=place) from error

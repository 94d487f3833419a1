"""
Whether an ID token is the provider's, for us, for this sign-in, and of now. Pure.

Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725 (no algorithm but those listed, each
with keys of its own kind); RFC 8176 (`amr`).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from lienthong.oidc.trouble import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

ALGORITHMS = ("RS256", "ES256", "PS256")
_KINDS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
_PARTS = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y")}
MOST_KEYS = 100
SMALLEST_RSA_BYTES = 256
LARGEST_RSA_BYTES = 1024
LONGEST_SUBJECT = 255


class UnknownKey(Exception):
    """A token names a key that the provider did not show: it may have a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """One key by which tokens may be signed."""

    id: str | None
    kind: str
    algorithm: str | None
    """The only one it is for; None: any of its kind."""
    key: RSAKey | ECKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    at: datetime
    leeway: timedelta


def read_keys(values: Mapping[str, Any]) -> tuple[ProviderKey, ...]:
    """
    Return the keys of a JWK set that can have signed a token; others are passed over.

    Raises:
        ProviderError: there is none, or far too many.
    """
    given = values.get("keys")
    if not isinstance(given, list) or len(given) > MOST_KEYS:
        raise wrong("jwks: it is no set of keys")
    keys = tuple(key for one in given if (key := _read_key(one)) is not None)
    if not keys:
        raise wrong("jwks: it has no key of RSA from 2048 bits or EC P-256")
    return keys


def read_id_token(token: str, keys: Sequence[ProviderKey], *, expected: Expected) -> dict[str, Any]:
    """
    Return the claims of a token once everything about it was checked.

    Raises:
        ProviderError: something is wrong with it.
        UnknownKey: it names a key that is not among `keys`.
    """
    header = _header_of(token)
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise wrong("id token: its algorithm is none of RS256, ES256, PS256")
    key = _choose(keys, header, algorithm)
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        payload = jws.deserialize_compact(token, key.key, [algorithm], registry).payload
        claims = json.loads(payload or b"")
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise wrong(f"id token: {type(error).__name__}") from error
    if not isinstance(claims, dict):
        raise wrong("id token: it has no claims")
    _check_parties(claims, expected)
    _check_times(claims, expected)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(errors="replace"), expected.nonce.encode()
    ):
        raise wrong("id token: its nonce is not that of this sign-in")
    return claims


def _header_of(token: str) -> Mapping[str, Any]:
    try:
        part = token.split(".", 1)[0]
        header = json.loads(_decoded(part))
    except (ValueError, RecursionError) as error:
        raise wrong("id token: its header cannot be read") from error
    if not isinstance(header, dict):
        raise wrong("id token: its header cannot be read")
    return header


def _choose(keys: Sequence[ProviderKey], header: Mapping[str, Any], algorithm: str) -> ProviderKey:
    fitting = [
        key for key in keys if key.kind == _KINDS[algorithm] and key.algorithm in (None, algorithm)
    ]
    named = header.get("kid")
    if named is None:
        # Without a name there may be only one: Core, section 10.1.
        if len(fitting) == 1:
            return fitting[0]
        raise wrong("id token: it names no key, and there are several")
    found = [key for key in fitting if key.id == named]
    if len(found) == 1:
        return found[0]
    if found:
        raise wrong("id token: several keys have the name that it gives")
    raise UnknownKey


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise wrong("id token: it is of another issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        raise wrong("id token: it is not for this client (aud)")
    for_whom = claims.get("azp")
    if (len(audiences) > 1 or for_whom is not None) and for_whom != expected.client_id:
        raise wrong("id token: it was given to another client (azp)")
    subject = claims.get("sub")
    if not (
        isinstance(subject, str)
        and 0 < len(subject) <= LONGEST_SUBJECT
        and subject.isascii()
        and subject.isprintable()
    ):
        raise wrong("id token: its sub cannot be used")


def _check_times(claims: Mapping[str, Any], expected: Expected) -> None:
    now, leeway = expected.at.timestamp(), expected.leeway.total_seconds()
    ends, made = _seconds(claims, "exp"), _seconds(claims, "iat")
    if now >= ends + leeway:
        raise wrong("id token: it is over (exp); look at the clocks of both")
    if made > now + leeway:
        raise wrong("id token: it was made in the future (iat); look at the clocks of both")
    if "nbf" in claims and _seconds(claims, "nbf") > now + leeway:
        raise wrong("id token: it is not good yet (nbf); look at the clocks of both")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise wrong(f"id token: its {name} is no time")
    return value


def _read_key(given: Any) -> ProviderKey | None:
    if not isinstance(given, dict) or given.get("use", "sig") != "sig":
        return None
    kind, named, only = given.get("kty"), given.get("kid"), given.get("alg")
    if kind not in _PARTS or (named is not None and not isinstance(named, str)):
        return None
    if only is not None and _KINDS.get(str(only)) != kind:
        return None
    # Nothing but what makes the key: what else stands there decides nothing.
    parts = {name: part for name in _PARTS[kind] if isinstance(part := given.get(name), str)}
    if len(parts) < len(_PARTS[kind]) or not all(part.isascii() for part in parts.values()):
        return None
    try:
        key: RSAKey | ECKey
        if kind == "RSA":
            size = len(_decoded(parts["n"]).lstrip(b"\0"))
            if not SMALLEST_RSA_BYTES <= size <= LARGEST_RSA_BYTES:
                return None
            key = RSAKey.import_key({**parts})
        elif parts["crv"] == "P-256":
            key = ECKey.import_key({**parts})
        else:
            return None
        assert key.public_key is not None
    except (JoseError, ValueError, TypeError):
        return None
    return ProviderKey(id=named, kind=kind, algorithm=only, key=key)


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error

"""
What an identity provider says of itself, checked.

Source: OpenID Connect Discovery 1.0, sections 3 and 4; RFC 8414; RFC 9207, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lienthong.oidc.profile import is_usable_address
from lienthong.oidc.tokens import ALGORITHMS
from lienthong.oidc.trouble import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Where a provider is asked for what."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    says_issuer: bool
    """Whether every answer by way of the browser names the issuer (RFC 9207)."""
    secret_in_body: bool
    """Whether it takes the client's secret in the form alone, and not as HTTP Basic."""


def discovery_url(issuer: str) -> str:
    """Return where an issuer's document is."""
    return issuer.rstrip("/") + WELL_KNOWN


def read_discovery(values: Mapping[str, Any], *, issuer: str) -> Discovery:
    """
    Return what a document says.

    Args:
        values: The document.
        issuer: As the settings have it; the document must say the very same.

    Raises:
        ProviderError: it is another issuer's, or something in it cannot be used.
    """
    if values.get("issuer") != issuer:
        raise wrong(f"discovery: its issuer is not {issuer!r}, as console.oidc.issuer says")
    _need_one_of(values, "response_types_supported", ("code",))
    _need_one_of(values, "code_challenge_methods_supported", ("S256",))
    _need_one_of(values, "id_token_signing_alg_values_supported", ALGORITHMS)
    ways = ("client_secret_basic", "client_secret_post")
    _need_one_of(values, "token_endpoint_auth_methods_supported", ways)
    taken = values.get("token_endpoint_auth_methods_supported")
    return Discovery(
        authorization_endpoint=_address(values, "authorization_endpoint", issuer=issuer),
        token_endpoint=_address(values, "token_endpoint", issuer=issuer),
        jwks_uri=_address(values, "jwks_uri", issuer=issuer),
        says_issuer=values.get("authorization_response_iss_parameter_supported") is True,
        # Without a word of it, it is HTTP Basic: Discovery, section 3.
        secret_in_body=taken is not None and ways[0] not in taken,
    )


def _need_one_of(values: Mapping[str, Any], name: str, wanted: tuple[str, ...]) -> None:
    found = values.get(name)
    if found is not None and not (isinstance(found, list) and any(one in found for one in wanted)):
        raise wrong(f"discovery: {name} has none of {', '.join(wanted)}")


def _address(values: Mapping[str, Any], name: str, *, issuer: str) -> str:
    found = values.get(name)
    if not (isinstance(found, str) and is_usable_address(found) and "#" not in found):
        raise wrong(f"discovery: {name} is no address that can be used")
    if issuer.startswith("https:") and not found.startswith("https:"):
        raise wrong(f"discovery: {name} is not https")
    return found

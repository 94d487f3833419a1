"""
Addresses of files: which are under a server that is allowed, and which machines may be called.

An address that could be read in two ways is refused: user and password in it, backslashes, dots
that go up, a fragment. What is compared is what is called.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_SAFE = "/%:@!$&'()*+,;=~-._"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = tuple(ipaddress.IPv6Network(one) for one in ("::/16", "64:ff9b:1::/48", "fec0::/10"))
"""What the library takes for the internet's: IPv4 in IPv6 of old, a local NAT64, sites of old."""


class AddressWrong(ValueError):
    """An address cannot be meant, or could be read in two ways; the words are for people."""


class AddressPrivate(OSError):
    """A host has an address that may not be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """What an address is before its query."""

    scheme: str
    host: str
    port: int
    path: str
    """Begins with a slash; percent-encoded."""
    query: str = ""

    @property
    def target(self) -> str:
        """What is asked for in a request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def covers(self, other: Root) -> bool:
        """Tell whether `other` is under this address."""
        within = self.path if self.path.endswith("/") else self.path + "/"
        return (
            (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
            and unquote(other.path).startswith(unquote(within))
        )  # fmt: skip


def read_root(address: str) -> Root:
    """
    Take an http or https address apart.

    Raises:
        AddressWrong: it is none, or could be read in two ways.
    """
    text = address.strip()
    if _CONTROLS.search(text) or "\\" in text:
        raise AddressWrong("it has control characters or backslashes")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressWrong("it is no address") from error
    if parts.scheme not in _PORTS or not host:
        raise AddressWrong("it is no https address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressWrong("it has a user, a password or a fragment")
    path = parts.path or "/"
    # Decoded twice: a server behind a proxy may do so.
    steps = unquote(unquote(path)).replace("\\", "/").split("/")
    # What follows ";" is no part of a name to servers of applications: "..;" goes up there.
    names = [step.partition(";")[0] for step in steps]
    if any(name in (".", "..") for name in names) or _CONTROLS.search("".join(steps)):
        raise AddressWrong("its path goes up")
    try:
        name = host.encode("idna").decode() if not host.isascii() else host.lower()
    except UnicodeError as error:
        raise AddressWrong("its host is no name") from error
    return Root(
        scheme=parts.scheme,
        host=name.rstrip("."),
        port=port or _PORTS[parts.scheme],
        path=quote(path, safe=_SAFE),
        query=quote(parts.query, safe=_SAFE + "?"),
    )


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """
    Return the address to connect to; the name is not asked again, so it cannot change meanwhile.

    Raises:
        AddressPrivate: one of its addresses is not of the internet, and that is not allowed.
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise OSError(f"{host} has no address")
    if not allow_private and not all(_is_public(one) for one in addresses):
        raise AddressPrivate(f"{host} has an address that is not of the internet")
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if any(address in one for one in _NOT_PUBLIC):
            return False
    return address.is_global and not address.is_multicast

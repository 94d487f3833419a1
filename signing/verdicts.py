"""What verifying hands on: only bytes that were proven, and who signed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signing.profile import Form

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from signing.certificates import Signer
    from signing.enclosed_values import ValuesFindings
    from signing.errors import Reason
    from signing.profile import Algorithm, LegacyAlgorithm
    from signing.timestamps import Timestamp
    from signing.trust import CertificateFindings


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A document whose signature is right and trusted. Use `content` or `element`, nothing else."""

    content: bytes
    """Exclusive canonical form of the signed element, without the signature."""
    element: _Element
    """Parsed from exactly `content`."""
    digest: str
    """SHA-256 of the received document, signature included; lower-case hexadecimal."""
    signer: Signer
    signed_at: datetime
    """As the signer states it, UTC."""
    timestamp: Timestamp | None = None
    """What proves by when it was signed; None: nothing does, or it was not judged."""
    notices: tuple[Reason, ...] = ()
    """What does not count against it and is to be said, such as of revocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedFile:
    """A file whose detached signature is right and trusted."""

    content: bytes
    """The very bytes that were handed in."""
    name: str
    """The relative URI under which they were signed."""
    signature_digest: str
    """SHA-256 of the signature's document; lower-case hexadecimal."""
    signer: Signer
    signed_at: datetime
    """As the signer states it, UTC."""
    timestamp: Timestamp | None = None
    """What proves by when it was signed; None: nothing does, or it was not judged."""
    notices: tuple[Reason, ...] = ()
    """What does not count against it and is to be said, such as of revocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPlain:
    """A document whose plain XML signature is right and trusted; nobody says when it was signed."""

    content: bytes
    """Exclusive canonical form of the signed element, without the signature."""
    element: _Element
    """Parsed from exactly `content`."""
    digest: str
    """SHA-256 of the received document, signature included; lower-case hexadecimal."""
    signer: Signer
    notices: tuple[Reason, ...] = ()
    """What does not count against it and is to be said, such as of revocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a signed document says, and what is wrong with it; for people to read."""

    element: tuple[str, str] | None
    """(namespace, local name) of the root; None: no XML."""
    id: str | None
    """The root's `Id`, which the signature must cover."""
    signer: Signer | None
    """As its certificate says: a mere claim unless `intact` and `trusted`."""
    signed_at: datetime | None
    """None: it could not be read, or the form states none."""
    timestamp: Timestamp | None
    """What proves by when it was signed; None: nothing does, or not rightly."""
    intact: bool
    """The document and the signature belong together: nothing was changed since signing."""
    trusted: bool
    """The certificate leads to a pinned root and was right for signing at that time."""
    reasons: tuple[Reason, ...]
    """Everything that speaks against the document; empty means that it is accepted."""
    notices: tuple[Reason, ...] = ()
    """What does not count against it and is to be said, such as of revocation."""
    algorithm: Algorithm | LegacyAlgorithm | None = None
    """By which it claims to be signed; None: it follows no profile."""
    certificate: CertificateFindings | None = None
    """How the signer's certificate was judged; None: there is none that can be read."""
    values: ValuesFindings | None = None
    """What was used of the values that the document encloses; None: it encloses none."""
    form: Form = Form.ENVELOPED
    """As what it was judged."""
    file: str | None = None
    """Name of the file beside which a detached signature stands."""

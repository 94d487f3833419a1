"""What an examination of a signed document has found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signing.errors import Reason

if TYPE_CHECKING:
    from lxml.etree import _Element

    from signing.enclosed_values import ValuesFindings
    from signing.reading import Claims
    from signing.timestamps import Timestamp
    from signing.trust import CertificateFindings


@dataclass(slots=True)
class Findings:
    """Filled by each step of an examination; every step adds what it has against the document."""

    reasons: list[Reason] = field(default_factory=list)
    root: _Element | None = None
    content: bytes | None = None
    claims: Claims | None = None
    intact: bool = False
    trusted: bool = False
    certificate: CertificateFindings | None = None
    timestamp: Timestamp | None = None
    of_timestamp: list[Reason] = field(default_factory=list)
    """What is to be said of the time-stamp and does not count against the document."""

    values: ValuesFindings | None = None
    of_values: list[Reason] = field(default_factory=list)
    """The same of the values beside it."""

    @property
    def notices(self) -> tuple[Reason, ...]:
        """What does not count against the document and is to be said."""
        of_certificate = () if self.certificate is None else self.certificate.notices
        return (*of_certificate, *self.of_timestamp, *self.of_values)

    def add(self, code: str, *, vi: str, en: str) -> None:
        """Note a reason to refuse."""
        self.reasons.append(Reason(code=code, vi=vi, en=en))

"""What an examination of a signed document has found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signing.errors import Reason

if TYPE_CHECKING:
    from lxml.etree import _Element

    from signing.reading import Claims


@dataclass(slots=True)
class Findings:
    """Filled by each step of an examination; every step adds what it has against the document."""

    reasons: list[Reason] = field(default_factory=list)
    root: _Element | None = None
    content: bytes | None = None
    claims: Claims | None = None
    intact: bool = False
    trusted: bool = False

    def add(self, code: str, *, vi: str, en: str) -> None:
        """Note a reason to refuse."""
        self.reasons.append(Reason(code=code, vi=vi, en=en))

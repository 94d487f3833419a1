"""What operations show of the signature of a document."""

from __future__ import annotations

from datetime import datetime

from lienthong.operations.views import Finding, View, Words
from signing import StepResult


class SignatureStep(View):
    """One thing that was looked at in a signature."""

    step: str
    """Stable, for machines."""
    title: Words
    result: StepResult
    found: list[Words]
    reasons: list[Words]
    """What speaks against it, or, where the result is `noted`, what is to be known."""


class SignatureView(View):
    """What the signature of a document is worth now."""

    is_good: bool
    """Signed, intact, trusted, and valid by its schema."""
    covered: str | None
    """The element that is signed, whole; null: nothing is."""
    signer: str | None
    """As the certificate says."""
    agency_code: str | None
    not_after: datetime | None
    """When the certificate ends."""
    signed_at: datetime | None
    stamped_at: datetime | None
    stamped_by: str | None
    is_intact: bool
    is_trusted: bool
    faults: list[Finding]
    """Of the document itself, values masked; a signature says nothing about them."""
    steps: list[SignatureStep]

"""The hints in the broker: which queue, and what a hint says. The store decides what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.port import Message
from lienthong.ids import make_id

if TYPE_CHECKING:
    from datetime import datetime

EXPAND = "expand"
"""Hints to expand a submission; the body is its identifier."""
DELIVER = "deliver"
"""Hints that a dossier may have something to deliver; the body is its code."""


def hint(subject: str, *, at: datetime) -> Message:
    """Return a hint about one submission or dossier."""
    return Message(id=make_id(at), body=subject.encode())

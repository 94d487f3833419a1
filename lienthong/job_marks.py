"""Which bulk replay something was done in: its id stands at the end of the reason."""

from __future__ import annotations

import re

_MARK = re.compile(r" \[([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\]\Z")


def with_mark(reason: str, job_id: str) -> str:
    """Return the reason of what a job does to a message."""
    return f"{reason} [{job_id}]"


def job_in(reason: str) -> str | None:
    """Return the id of a job that a reason ends with; whether there is one is for the store."""
    found = _MARK.search(reason)
    return None if found is None else found[1]

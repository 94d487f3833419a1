"""Places in a reply, written with dots: `data.items`; the empty path is the whole reply."""

from __future__ import annotations

from typing import Any, Final

ABSENT: Final = object()
"""What stands at a path that is not there; null is something else."""


def look(reply: Any, path: str) -> Any:
    """Return what stands at a path, or ABSENT; a number is a place in a list, from 0 on."""
    here = reply
    for part in path.split(".") if path else ():
        if isinstance(here, dict):
            here = here.get(part, ABSENT)
        elif isinstance(here, list) and part.isascii() and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return ABSENT
    return here


def shown_names(reply: Any) -> str:
    """Return the names that a reply has at its top, for people; no values."""
    if isinstance(reply, dict):
        return ", ".join(str(name)[:40] for name in list(reply)[:20]) or "{}"
    return type(reply).__name__

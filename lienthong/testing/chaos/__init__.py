"""The crash matrix: every fault at every step boundary, and what the portal's list says after."""

from __future__ import annotations

__all__: list[str] = []

"""Servers that tests start for themselves; nothing of the product uses this."""

from __future__ import annotations

__all__: list[str] = []

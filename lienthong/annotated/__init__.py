"""An agency's own file, given back with what is wrong with it at its place; see docs/errors.md."""

from __future__ import annotations

from lienthong.annotated.annotate import Annotated, annotate
from lienthong.annotated.marks import Marks

__all__ = ["Annotated", "Marks", "annotate"]

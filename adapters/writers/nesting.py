"""Columns with dots in their names, as objects or elements inside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from adapters.writers.cells import DATE, NO_DATES
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.writers.cells import Column

    Tree: TypeAlias = "Mapping[str, Column | Tree]"


def nest(columns: Sequence[Column]) -> tuple[Tree, list[tuple[str, Text]]]:
    """Return the columns by the steps of their names, in their order, and what is wrong there."""
    tree: dict[str, Column | Tree] = {}
    faults: list[tuple[str, Text]] = []
    for column in columns:
        *above, last = steps = column.name.split(".")
        level = tree
        for step in above:
            inner = level.setdefault(step, {})
            level = inner if isinstance(inner, dict) else {last: column}
        if not all(steps):
            faults.append((column.name, Text(vi="đường dẫn sai", en="not a path")))
        elif last in level:
            faults.append((column.name, _TWICE))
        if column.kind == DATE:
            faults.append((column.name, NO_DATES))
        level.setdefault(last, column)
    return tree, faults


_TWICE = Text(
    vi="đã có giá trị ở chỗ này, hoặc ở trên hay dưới nó",
    en="there is a value here already, or above or below it",
)

"""Numbers in short: "3-7,9"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def spans_of(numbers: Sequence[int]) -> str:
    """Return rising numbers in short, as "3-7,9"; `spans_have` reads it."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def spans_have(spans: str, number: int) -> bool:
    """Tell whether a number is among those that `spans_of` wrote."""
    return any(first <= number <= last for first, last in read_spans(spans))


def read_spans(spans: str) -> list[tuple[int, int]]:
    """
    Return the first and the last number of each span that `spans_of` wrote.

    Raises:
        ValueError: it wrote something else.
    """
    found = []
    for span in spans.split(","):
        first, _, last = span.partition("-")
        if first:
            found.append((int(first), int(last or first)))
    return found

"""
Which tasks share a call, where a target takes several progress rows in one.

A row shares only its first attempt. Whatever became of that, it goes alone from then on, so that an
answer is about this row and no other. A claim gives one message of a dossier, so no two rows of a
dossier share a call: the second would go before it is known what became of the first. Rows of two
agencies share none either: an answer is kept with each message, and may name its dossiers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lienthong.channels.port import Answer, Packet
from lienthong.pacing import OF_OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.channels.port import LookUp
    from lienthong.store.delivery import Task

Led = TypeVar("Led")
"""What led to a task; it stays beside it."""


def may_share(task: Task) -> bool:
    """Return whether a task may share its call."""
    return task.packet is Packet.PROGRESS and not task.is_look_up and task.number == 1


def group(tasks: Sequence[tuple[Task, Led]], *, rows: int) -> list[list[tuple[Task, Led]]]:
    """
    Return tasks by the calls that they go in, in their order.

    Args:
        tasks: One of each dossier at most.
        rows: Most that a call may have.
    """
    calls: list[list[tuple[Task, Led]]] = []
    open_: dict[str, list[tuple[Task, Led]]] = {}
    for one in tasks:
        task, _ = one
        call = open_.get(task.agency) if may_share(task) else None
        if call is not None and len(call) < rows:
            call.append(one)
            continue
        calls.append([one])
        if may_share(task):
            open_[task.agency] = calls[-1]
    return calls


def spare_rows(tasks: Sequence[tuple[Task, Led]], *, rows: int) -> dict[str, int]:
    """Return how many rows of each agency the calls of `tasks` could have besides."""
    found: dict[str, int] = {}
    for call in group(tasks, rows=rows):
        task, _ = call[0]
        if may_share(task):
            found[task.agency] = rows - len(call)
    return {agency: count for agency, count in found.items() if count}


def said_by_target(results: Sequence[Answer | LookUp]) -> Answer | LookUp:
    """Return what a call brought: not the answer of a row that was left out of it."""
    return min(results, key=lambda one: isinstance(one, Answer) and one.outcome in OF_OURS)

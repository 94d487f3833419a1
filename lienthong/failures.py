"""
The cause of a failure, by which failures are one problem: agency, direction, code, field, answer.

Nothing in it is a value of anybody: a field is a published name, an answer is the portal's own
code, and what could be something else is left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from lienthong.delivery_causes import ABOUT
from schemas.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lienthong.delivery_causes import DeliveryCause
    from schemas.problem import Problem

UP, DOWN = "up", "down"
MOST_FIELDS = 20
"""Causes that one message has at once; a record with more has the rest in its findings only."""
GROUP_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z0-9_.]{1,200}", re.ASCII)
_ITEM = re.compile(r"\[\d+\]")
_ANSWER = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What failures have in common that are one problem."""

    agency: str | None
    """None: of the target, whoever's messages they are."""
    direction: str
    code: str
    field: str = ""
    """The portal's, without numbers of items; may be blank."""
    answer: str = ""
    """The other side's own code; may be blank."""

    @property
    def id(self) -> str:
        """What it is called: the same in every process, for ever."""
        said = [self.agency, self.direction, self.code, self.field, self.answer]
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()[:32]

    @property
    def plain(self) -> Cause:
        """The same without the other side's code."""
        return replace(self, answer="")


def causes_of_findings(
    agency: str, problems: Iterable[Problem], *, is_down: bool
) -> tuple[Cause, ...]:
    """Return the causes that errors are of, each once; warnings stop nothing."""
    direction = DOWN if is_down else UP
    found = dict.fromkeys(
        Cause(agency=agency, direction=direction, code=one.code, field=plain_field(one.field))
        for one in problems
        if one.severity is Severity.ERROR
    )
    return tuple(found)[:MOST_FIELDS]


def causes_of_delivery(
    cause: DeliveryCause,
    agency: str,
    *,
    is_down: bool,
    answer: str | None = None,
    fields: Sequence[str] = (),
) -> tuple[Cause, ...]:
    """Return the causes of one attempt: one for each field that the portal names, else one."""
    is_of_target = ABOUT[cause].is_of_target and not is_down
    of = Cause(
        agency=None if is_of_target else agency,
        direction=DOWN if is_down else UP,
        code=cause.value,
        answer="" if is_of_target else plain_answer(answer),
    )
    names = dict.fromkeys(plain_field(field) for field in fields)
    return tuple(replace(of, field=name) for name in names) or (of,)


def plain_field(field: str | None) -> str:
    """Return a published field without numbers; blank for what may quote something."""
    name = _ITEM.sub("", field or "")
    return name if _FIELD.fullmatch(name) else ""


def plain_answer(answer: str | None) -> str:
    """Return the other side's code; blank for what may be somebody's number or text."""
    if answer is None or not _ANSWER.fullmatch(answer) or _LONG_NUMBER.search(answer):
        return ""
    return answer

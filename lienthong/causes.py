"""
Findings of one file by their cause, so that 4,000 errors of one kind are one line with a count.

A cause is a code at a field and a column; what stood there is counted by its form, digits apart.
Repairs of texts ask for nothing: they are one cause in all, counted by their encoding.
Memory is bounded whatever the file holds: so many causes, so many forms of each, a few places.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from dataclasses import field as factory
from typing import TYPE_CHECKING, Any, TypeAlias

from adapters.doctor import REPAIRED, Repair

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.problem import Place, Problem, Severity, Text

    Key: TypeAlias = tuple[str, Severity, str | None, str | None]

MOST_CAUSES = 1_000
MOST_FORMS = 50
"""Of one cause; what comes later in another form is counted, but not by it."""
SHOWN_FORMS = 5
SHOWN_PLACES = 5
LONGEST_FORM = 60
_NUMBER = re.compile(r"\[\d+\]")
_DIGIT = re.compile(r"\d")


@dataclass(slots=True, kw_only=True)
class Cause:
    """Everything of one kind in one file."""

    code: str
    severity: Severity
    field: str | None
    """The portal's field; items of a list are one: "DanhSachLePhi[].Gia"."""
    column: str | None
    """Column, or path with the numbers of its items left out."""
    message: Text
    """Of the first finding, as an example."""
    suggestion: Text | None
    """Of the first finding."""
    for_integrator: Text | None
    """Of the first finding."""
    count: int = 0
    places: list[tuple[Place, str | None]] = factory(default_factory=list)
    """The first few, each with what the agency knows its dossier by."""
    forms: Counter[str] = factory(default_factory=Counter)
    """How the values look, every digit a 9, with their counts; not of those without a value. Of
    repairs their encoding."""

    @property
    def is_repair(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.code == REPAIRED

    def add(self, problem: Problem) -> None:
        """Count one more."""
        self.count += 1
        if len(self.places) < SHOWN_PLACES:
            self.places.append((problem.place, problem.dossier))
        if isinstance(problem, Repair):
            form = problem.encoding
        elif problem.value is None or self.is_repair:
            return
        else:
            form = _DIGIT.sub("9", problem.value[:LONGEST_FORM])
        if form in self.forms or len(self.forms) < MOST_FORMS:
            self.forms[form] += 1


class Causes:
    """The causes of one file, while its findings come in."""

    def __init__(self) -> None:
        self._causes: dict[Key, Cause] = {}
        self.left_out = 0
        """Findings whose causes were too many; they stand in the report one by one."""

    def add(self, problem: Problem) -> None:
        """Put one finding to its cause."""
        where = problem.place.column or problem.place.path
        key = (problem.code, problem.severity, _plain(problem.field), _plain(where))
        is_repair = problem.code == REPAIRED
        if is_repair:
            key = (problem.code, problem.severity, None, None)
        cause = self._causes.get(key)
        if cause is None:
            # Repairs are one cause, for which there is always room.
            if len(self._causes) >= MOST_CAUSES and not is_repair:
                self.left_out += 1
                return
            cause = self._causes[key] = Cause(
                code=problem.code,
                severity=problem.severity,
                field=key[2],
                column=key[3],
                message=problem.message,
                suggestion=problem.suggestion,
                for_integrator=problem.for_integrator,
            )
        cause.add(problem)

    def by_count(self) -> list[Cause]:
        """Return the causes: errors, warnings, then repairs; the most frequent first."""
        return sorted(
            self._causes.values(),
            key=lambda cause: (cause.is_repair, cause.severity.value, -cause.count),
        )


def cause_values(cause: Cause, say: Callable[[Text], Any]) -> dict[str, Any]:
    """
    Return a cause as values for JSON, as the agency may read them.

    Args:
        cause: Of one file.
        say: Puts a sentence into the reader's language.
    """
    return {
        "code": cause.code,
        "severity": cause.severity.value,
        "field": cause.field,
        "column": cause.column,
        "count": cause.count,
        "values": [
            {"form": form, "count": count} for form, count in cause.forms.most_common(SHOWN_FORMS)
        ],
        "places": [
            {
                name: value
                for name, value in {**asdict(place), "dossier": dossier}.items()
                if value is not None
            }
            for place, dossier in cause.places
        ],
        "message": say(cause.message),
        "suggestion": say(cause.suggestion) if cause.suggestion else None,
    }


def _plain(path: str | None) -> str | None:
    return None if path is None else _NUMBER.sub("[]", path)

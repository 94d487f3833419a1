"""Where a conversion stands: the record, the item of a group, and what was found wrong so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mappings.remedies import REMEDIES
from mappings.values import NotAValue, as_text, is_present, make_getter, make_obstacle_finder
from mappings.watching import UNWATCHED
from schemas.problem import LONGEST_VALUE, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from adapters.record import SourceRecord, Value
    from mappings.language import Path
    from mappings.values import Getter, Record
    from mappings.watching import Watch
    from schemas.problem import Place

    FindDay: TypeAlias = Callable[["Scope"], date | None]


class Scope:
    """One record, or one item inside it, while it is converted."""

    __slots__ = (
        "_day",
        "_find_day",
        "base",
        "field",
        "is_leaf",
        "item",
        "outer",
        "problems",
        "record",
        "root",
    )

    def __init__(self, record: SourceRecord, *, find_day: FindDay) -> None:
        self.record = record
        self.root: Record = record.values
        self.item: Record = record.values
        self.base = ""
        """Path of the item in the record, "" for the record itself."""
        self.is_leaf = False
        """Whether the item is a single value and `base` its path."""
        self.field = ""
        """The portal's group and 1-based item, for example "TaiLieuNop[2].", "" outside."""
        self.problems: list[Problem] = []
        self._find_day = find_day
        self.outer: Scope | None = None
        """That of the record, for an item of it."""
        self._day: tuple[date | None] | None = None

    def inside(self, item: Record, *, base: str, field: str, is_leaf: bool = False) -> Scope:
        """Return the scope of one item; it adds to the same problems."""
        inner = self.__class__(self.record, find_day=self._find_day)
        inner.item = item
        inner.base = base
        inner.is_leaf = is_leaf
        inner.field = field
        inner.problems = self.problems
        inner.outer = self.outer or self
        return inner

    def day(self) -> date | None:
        """
        Return the day on which codes must be valid, found once for a record.

        None: the record does not say, and that is among the problems already.
        """
        if self.outer is not None:
            return self.outer.day()
        if self._day is None:
            self._day = (self._find_day(self),)
        return self._day[0]

    def place_of(self, path: Path | None) -> Place:
        """Return the place of `path` in the agency's own input."""
        return self.record.place if path is None else self.record.place_of(self.whole(path))

    def whole(self, path: Path) -> str:
        """Return `path` from the root of the record."""
        if path.is_rooted or (not self.base and not self.is_leaf):
            return path.text
        return self.base if self.is_leaf else f"{self.base}.{path.text}"


class Site:
    """One rule's place in the mapping: names the field and the paths when something is wrong."""

    __slots__ = ("_finders", "name", "watch")

    def __init__(self, name: str, paths: tuple[Path, ...], *, watch: Watch = UNWATCHED) -> None:
        self.name = name
        self.watch = watch
        """Is shown what is compiled for this rule."""
        self._finders = tuple((path, make_finder(path)) for path in paths)

    def report(  # noqa: PLR0913 - what is said, and where
        self,
        scope: Scope,
        code: str,
        text: Text,
        *,
        suggestion: Text | None = None,
        for_integrator: Text | None = None,
        place: Place | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a problem; its place is the first path that holds something, else the first path."""
        there, value = self.source(scope) if place is None else (place, None)
        known = REMEDIES.get(code)
        if known is not None:
            suggestion = suggestion or known.agency
            for_integrator = for_integrator or known.integrator
        scope.problems.append(
            Problem(
                code=code,
                message=text,
                severity=severity,
                place=there,
                field=f"{scope.field}{self.name}" if self.name else None,
                value=value,
                suggestion=suggestion,
                for_integrator=for_integrator,
            )
        )

    def source(self, scope: Scope) -> tuple[Place, str | None]:
        """Return the place of the first path that holds something, else of the first, and what."""
        for path, find in self._finders:
            value = find(scope.root if path.is_rooted else scope.item)
            if is_present(value):
                return scope.place_of(path), shown(value)
        return scope.place_of(self._finders[0][0] if self._finders else None), None

    def names(self) -> str:
        """Return the paths for a sentence."""
        return ", ".join(repr(path.text) for path, _ in self._finders)

    def empty_place(self, scope: Scope) -> Place:
        """Return the place of the first path with nothing at it, else of the first path."""
        for path, find in self._finders:
            if not is_present(find(scope.root if path.is_rooted else scope.item)):
                return scope.place_of(path)
        return self.source(scope)[0]

    def holds_fraction(self, scope: Scope, text: str) -> bool:
        """Return whether `text` is, unchanged, a decimal number of the source (not its text)."""
        for path, find in self._finders:
            value = find(scope.root if path.is_rooted else scope.item)
            if is_present(value):
                return isinstance(value, float) and as_text(value) == text
        return False


def shown(value: Value) -> str | None:
    """Return what an agency recognises its cell by; None for a list or an object."""
    try:
        return as_text(value)[:LONGEST_VALUE]
    except NotAValue:
        return None


def make_finder(path: Path) -> Getter:
    """Return the function that finds `path` in a record or item."""
    return make_getter(path.text)


def make_text_reader(
    path: Path, site: Site, *, is_alone: bool = False
) -> Callable[[Scope], str | None]:
    """
    Return a function from a scope to the text at `path`; None after a reported problem.

    Args:
        path: Of a single value.
        site: The field's.
        is_alone: Whether no other path is tried, so that what this one runs into would be lost.
    """
    get = make_getter(path.text)
    find_obstacle = make_obstacle_finder(path.text) if is_alone else _no_obstacle
    is_rooted = path.is_rooted

    def read(scope: Scope) -> str | None:
        start = scope.root if is_rooted else scope.item
        value = get(start)
        if value is None:
            obstacle = find_obstacle(start)
            if obstacle is None:
                return ""
            report_obstacle(scope, path, *obstacle, name=site.name)
            return None
        try:
            return as_text(value)
        except NotAValue:
            report_not_a_value(site, scope, path)
            return None

    return site.watch.source(read, origin=path)


def _no_obstacle(_: Record) -> None:
    return None


def report_obstacle(scope: Scope, path: Path, way: str, value: Value, *, name: str) -> None:
    """Say that `path` goes on into what is no object; `way` is the path up to there."""
    outer = "" if path.is_rooted or not scope.base else f"{scope.base}."
    scope.problems.append(
        Problem(
            code="mapping.not_an_object",
            message=Text(
                vi=f"đường dẫn {path.text!r} phải đi vào đây, nhưng đây không phải là nhóm",
                en=f"the path {path.text!r} goes into this, and this is no object",
            ),
            place=scope.record.place_of(f"{outer}{way}"),
            field=f"{scope.field}{name}" or None,
            value=shown(value),
            suggestion=Text(vi="sửa tại nguồn", en="mend it at the source"),
            for_integrator=Text(
                vi="tài liệu JSON hay XML: khai báo trong `source.embedded`; danh sách: `a[0].b`",
                en="a JSON or XML document: name it in `source.embedded`; a list: `a[0].b`",
            ),
        )
    )


def report_not_a_value(site: Site, scope: Scope, path: Path) -> None:
    """Say that a list or an object stands at `path`."""
    site.report(
        scope,
        "mapping.not_a_value",
        Text(
            vi=f"{path.text!r} chứa một danh sách hoặc nhóm, cần một giá trị đơn",
            en=f"{path.text!r} holds a list or an object, expected a single value",
        ),
        suggestion=Text(
            vi="gửi một giá trị đơn ở đây; nếu luôn gửi như vậy, báo cho người phụ trách kết nối",
            en="send a single value here; if it is always so, tell whoever set up the connection",
        ),
        for_integrator=Text(
            vi="trỏ đường dẫn vào bên trong, ví dụ `a.b` hoặc `a[0].b`",
            en="point the path inside it, for example `a.b` or `a[0].b`",
        ),
    )

"""
Writes the fields of a document as the portal's JSON, always in the same bytes.

Which fields there are, in which order, what is an array and what a number follows from the schema
version alone; how the unsure parts are written (absent fields, numbers, booleans) is the caller's
`JsonForm`. Nothing of ours goes along: of a document, only the fields inside `HoSo` or `TienDo`.

    {"MaHoSo":"…","Fax":"","DanhSachLePhi":[{…}],"DinhDanhCHS":[]}

UTF-8, no spaces, fields in the order of the schema, only '"', '\\' and control characters escaped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from schemas.errors import InputError
from schemas.model import Kind
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas.building import Values
    from schemas.model import Field, Group, SchemaVersion
    from schemas.reading import Document

_BLANK_KINDS: Final = frozenset({Kind.TEXT, Kind.DATETIME})
"""Of the others a blank is no value at all: it is in none of their lists."""
_TRUE: Final = "True"
_ADD_CODE: Final = Text(
    vi="Thêm giá trị vào [target.json.codes]", en="add the value to [target.json.codes]"
)
_Json: TypeAlias = "str | int | bool | list[_Json] | dict[str, _Json]"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonForm:
    """How one target wants the fields; paths have dots: "TaiLieuNop.IsDeleted"."""

    blanks: bool = True
    """Whether texts and times that are absent go out as ""; else they are left out."""
    numbers_as_text: bool = True
    booleans_as_text: bool = True
    left_out: frozenset[str] = frozenset()
    """Paths of optional fields that the target does not know."""
    max_lengths: Mapping[str, int] = field(default_factory=dict)
    """In characters, by path, where the target takes less than the schema allows."""
    leaves_out_too_long: bool = False
    """Whether an optional value that is longer is left out; else the document is refused."""
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By path, what the target writes for each value; a value that is not there is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One document as JSON."""

    item: bytes
    """One object."""
    left_out: tuple[str, ...] = ()
    """Paths of values that were too long and are not in it."""


class ValuesRefused(InputError):
    """A document holds values that this target does not take; `problems` has all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0])
        self.problems = problems


class JsonWriter:
    """Writes the documents of one packet for one target."""

    def __init__(self, version: SchemaVersion, packet: str, *, form: JsonForm) -> None:
        self._group = version.packets[packet]
        self._form = form

    def write(self, document: Document) -> Written:
        """
        Return the fields of `document` as JSON; the same bytes each time.

        Raises:
            ValuesRefused: values that this target does not take, all of them.
        """
        run = _Run(self._form)
        item = run.object_of(document.values, self._group, prefix="", place="")
        if run.problems:
            raise ValuesRefused(tuple(run.problems))
        data = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()
        return Written(item=data, left_out=tuple(run.left_out))


def wrong_paths(form: JsonForm, version: SchemaVersion) -> Iterator[Text]:
    """Tell which paths of `form` are no field of `version`, or none that may be left out."""
    known = {path: one for group in version.packets.values() for path, one in _paths(group)}
    for path in sorted({*form.left_out, *form.max_lengths, *form.codes} - known.keys()):
        yield Text(
            vi=f"{path}: không phải trường của {version.name}",
            en=f"{path}: not a field of {version.name}",
        )
    for path in sorted(form.left_out & known.keys()):
        if known[path].required:
            yield Text(
                vi=f"{path}: {version.name} bắt buộc trường này, không bỏ được",
                en=f"{path}: required by {version.name}, so it cannot be left out",
            )
    for path in sorted((form.max_lengths.keys() | form.codes.keys()) & known.keys()):
        if known[path].group is not None:
            yield Text(
                vi=f"{path}: là mảng, không phải một giá trị",
                en=f"{path}: an array, not a value",
            )


def _paths(group: Group, prefix: str = "") -> Iterator[tuple[str, Field]]:
    for one in group.fields.values():
        yield f"{prefix}{one.name}", one
        if one.group is not None:
            yield from _paths(one.group, f"{prefix}{one.name}.")


class _Run:
    """The writing of one document; what is wrong is collected on the way."""

    def __init__(self, form: JsonForm) -> None:
        self._form = form
        self.problems: list[Problem] = []
        self.left_out: list[str] = []

    def object_of(
        self, values: Values, group: Group, *, prefix: str, place: str
    ) -> dict[str, _Json]:
        written: dict[str, _Json] = {}
        for one in group.fields.values():
            path = f"{prefix}{one.name}"
            if path in self._form.left_out:
                continue
            value = values.get(one.name)
            if one.group is not None:
                written[one.name] = [
                    self.object_of(
                        item, one.group, prefix=f"{path}.", place=f"{place}{one.name}[{number}]."
                    )
                    for number, item in enumerate(_items(value), start=1)
                ]
                continue
            scalar = self._scalar(value, one, path=path, place=f"{place}{one.name}")
            if scalar is not None:
                written[one.name] = scalar
        return written

    def _scalar(self, value: object, one: Field, *, path: str, place: str) -> _Json | None:
        if value is None:
            return "" if self._form.blanks and one.kind in _BLANK_KINDS else None
        assert isinstance(value, str), "a field that is no array is one text"
        longest = self._form.max_lengths.get(path)
        if longest is not None and len(value) > longest:
            if self._form.leaves_out_too_long and not one.required:
                self.left_out.append(place)
            else:
                self.problems.append(too_long(place, len(value), longest=longest, prefix="json"))
            return None
        codes = self._form.codes.get(path)
        if codes is not None:
            if value not in codes:
                self.problems.append(unmapped(place, prefix="json", remedy=_ADD_CODE))
                return None
            return codes[value]
        if one.kind is Kind.INTEGER and not self._form.numbers_as_text:
            return int(value)
        if one.kind is Kind.BOOLEAN and not self._form.booleans_as_text:
            return value == _TRUE
        return value


def _items(value: object) -> list[Values]:
    # Also of a group that stands only once: the portal's nested fields are all arrays.
    if value is None:
        return []
    assert isinstance(value, list), "reading gives arrays as lists"
    return value


def too_long(place: str, length: int, *, longest: int, prefix: str) -> Problem:
    """Return what is wrong with a value that the target does not take whole, as "{prefix}.…"."""
    return Problem(
        code=f"{prefix}.too_long",
        message=Text(
            vi=f"{place}: dài {length} ký tự, nơi nhận này chỉ nhận {longest}",
            en=f"{place}: {length} characters, and this target takes {longest}",
        ),
        place=Place(path=place),
        field=place,
        suggestion=Text(
            vi="Rút ngắn ở dữ liệu nguồn rồi gửi lại",
            en="shorten it at the source and submit it again",
        ),
    )


def unmapped(place: str, *, prefix: str, remedy: Text) -> Problem:
    """Return what is wrong with a value that the target's codes lack, as "{prefix}.…"."""
    # The value itself may be personal, and this text is logged.
    return Problem(
        code=f"{prefix}.unmapped",
        message=Text(
            vi=f"{place}: bảng mã của nơi nhận này không có giá trị của trường này",
            en=f"{place}: the code list of this target does not have the field's value",
        ),
        place=Place(path=place),
        field=place,
        suggestion=remedy,
    )

"""Options of lines with fields at fixed positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.embedded import RecordOptions
from adapters.options.faults import Fault, inside, unknown_choice
from adapters.options.parts import build, each
from schemas.problem import Text

_POSITIONS = re.compile(r"([1-9][0-9]{0,6})(?:-([1-9][0-9]{0,6}))?", re.ASCII)
_BYTES_ONLY = ("utf-16", "utf-16-le", "utf-16-be")


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedField:
    """One field of a line."""

    at: tuple[int, int]
    """First and last position, counted from 1; written "3-14", or "5" for a single one."""
    fill: str = " "
    """The character that makes a value as long as its field; spaces go at both ends."""
    align: str = "left"
    """"left": the fill stands after the value; "right": before it. Spaces go at both ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCheck:
    """What one field of a header or trailer says about the whole file; exactly one of the three."""

    field: str
    """The field of this line that says it."""
    count: tuple[str, ...] = ()
    """It is the number of lines of these types."""
    sum: str = ""
    """It is the sum of a field over all lines of a type; written "10.LePhi"."""
    digest: str = ""
    """It is the crc32, md5, sha1 or sha256 (hexadecimal) of every byte before this line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedType:
    """Lines of one type."""

    fields: Mapping[str, FixedField]
    role: str = "record"
    """"record", "detail" (belongs to the line of its parent above it), "header" or "trailer"."""
    parent: str = ""
    """For a detail: the type of the lines that it belongs to."""
    name: str = ""
    """For a detail: the list in its parent, else its type; for a header: where records have it."""
    length: int = 0
    """Of every line of this type; 0: as the file's."""
    checks: tuple[FixedCheck, ...] = ()
    """For a header or trailer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedOptions(RecordOptions):
    """Lines with fields at fixed positions: one record per line, or per line and its details."""

    encoding: str = "utf-8"
    unit: str = "characters"
    """What positions and lengths count: "characters", or "bytes" as stored in `encoding`."""
    fields: Mapping[str, FixedField] = field(default_factory=dict)
    """For a file whose lines are all of one kind."""
    type_at: tuple[int, int] | None = None
    """Where a line says its type."""
    types: Mapping[str, FixedType] = field(default_factory=dict)
    """By what stands at `type_at`; quoted in YAML, because 01 is a number there."""
    length: int = 0
    """Of every line; 0: only as much as the fields need."""
    trimmed: bool = False
    """Whether the spaces at the end of lines may have been cut off."""
    max_record_bytes: int = MIB
    """Limit of one record with its details; counted in units."""


def _positions(value: object) -> tuple[int, int]:
    found = _POSITIONS.fullmatch(str(value)) if isinstance(value, int | str) else None
    if isinstance(value, bool) or found is None or int(found[2] or found[1]) < int(found[1]):
        en = f"expected positions like '3-14' or '5', found {value!r}"
        raise Fault.of(f"cần vị trí dạng '3-14' hoặc '5', không phải {value!r}", en)
    return int(found[1]), int(found[2] or found[1])


def _field(value: object) -> FixedField:
    if not isinstance(value, Mapping):
        return FixedField(at=_positions(value))
    return build(FixedField, _FIELD, value)


def _checks(value: object) -> tuple[FixedCheck, ...]:
    if not isinstance(value, list | tuple):
        raise Fault.of("cần một danh sách", "expected a list")
    found: list[FixedCheck] = []
    texts: list[Text] = []
    for number, item in enumerate(value, 1):
        try:
            found.append(build(FixedCheck, _CHECK, item))
            if sum(map(bool, (found[-1].count, found[-1].sum, found[-1].digest))) != 1:
                raise Fault.of(
                    "cần đúng một trong: count, sum, digest", "exactly one of: count, sum, digest"
                )
        except Fault as fault:
            texts += inside(f"[{number}]", fault.texts)
    if texts:
        raise Fault(*texts)
    return tuple(found)


_FIELDS = each(_field, Text(vi="các cặp tên: vị trí", en="pairs of name: positions"))
_FIELD: Mapping[str, checks.Check] = {
    "at": _positions,
    "fill": checks.character(blank=True),
    "align": checks.choice("left", "right"),
}
_CHECK: Mapping[str, checks.Check] = {
    "field": checks.filled_text,
    "count": checks.names,
    "sum": checks.filled_text,
    "digest": checks.choice("crc32", "md5", "sha1", "sha256"),
}
_TYPE: Mapping[str, checks.Check] = {
    "fields": _FIELDS,
    "role": checks.choice("record", "detail", "header", "trailer"),
    "parent": checks.filled_text,
    "name": checks.filled_text,
    "length": checks.whole_number(1, MIB),
    "checks": _checks,
}
CHECKS: Mapping[str, checks.Check] = {
    "encoding": checks.encoding,
    "unit": checks.choice("characters", "bytes"),
    "fields": _FIELDS,
    "type_at": _positions,
    "types": each(
        lambda value: build(FixedType, _TYPE, value),
        Text(vi="các loại dòng", en="the types of lines"),
    ),
    "length": checks.whole_number(1, MIB),
    "trimmed": checks.boolean,
}


def contradictions(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    """Return what does not fit together."""
    faults: list[tuple[str, Text]] = []
    types = values.get("types") or {}
    assert isinstance(types, Mapping)
    if bool(values.get("fields")) == bool(types):
        vi, en = "cần đúng một trong: fields, types", "needs exactly one of: fields, types"
        faults.append(("fields", Text(vi=vi, en=en)))
    if bool(values.get("type_at")) != bool(types):
        vi, en = "type_at và types đi cùng nhau", "type_at and types go together"
        faults.append(("type_at", Text(vi=vi, en=en)))
    if values["unit"] == "bytes" and values["encoding"] in _BYTES_ONLY:
        vi, en = "UTF-16 phải đếm theo ký tự", "UTF-16 is counted in characters"
        faults.append(("unit", Text(vi=vi, en=en)))
    for key, kind in types.items():
        faults += [("types", text) for text in inside(key, tuple(_faults(key, kind, types)))]
        if values["unit"] != "bytes" and any(check.digest for check in kind.checks):
            vi, en = "digest cần unit: bytes", "digest needs unit: bytes"
            faults += [("types", text) for text in inside(key, (Text(vi=vi, en=en),))]
    for role in ("header", "trailer"):
        if sum(kind.role == role for kind in types.values()) > 1:
            vi, en = f"chỉ một loại dòng là {role}", f"only one type may be {role}"
            faults.append(("types", Text(vi=vi, en=en)))
    if types and not any(kind.role == "record" for kind in types.values()):
        faults.append(("types", Text(vi="không loại nào là record", en="no type is a record")))
    return faults


def _faults(key: str, kind: FixedType, types: Mapping[str, FixedType]) -> list[Text]:
    found = []
    if kind.role == "detail":
        found += _parent_faults(key, kind, types)
    elif kind.parent:
        found.append(Text(vi="parent chỉ dùng với role: detail", en="parent is for role: detail"))
    if kind.checks and kind.role not in ("header", "trailer"):
        vi, en = "checks chỉ dùng với header hoặc trailer", "checks are for a header or trailer"
        found.append(Text(vi=vi, en=en))
    name = kind.name or key if kind.role == "detail" else ""
    owner = types.get(kind.parent)
    if owner is not None and name in owner.fields:
        vi, en = f"'{name}' đã là trường của {kind.parent}", f"'{name}' is a field of {kind.parent}"
        found.append(Text(vi=vi, en=en))
    if kind.role == "header" and any(check.digest for check in kind.checks):
        found.append(Text(vi="digest chỉ dùng với trailer", en="digest is for a trailer"))
    for check in kind.checks:
        found += _check_faults(check, kind, types)
    return found


def _parent_faults(key: str, kind: FixedType, types: Mapping[str, FixedType]) -> list[Text]:
    seen = {key}
    above: FixedType | None = kind
    while above is not None and above.role == "detail":
        if above.parent in seen:
            vi, en = "parent đi thành vòng", "its parents go in a circle"
            return [Text(vi=vi, en=en)]
        seen.add(above.parent)
        above = types.get(above.parent)
    if above is not None and above.role == "record":
        return []
    choices = tuple(name for name, one in types.items() if one.role in ("record", "detail"))
    return inside("parent", (unknown_choice(kind.parent or None, choices),))


def _check_faults(check: FixedCheck, kind: FixedType, types: Mapping[str, FixedType]) -> list[Text]:
    found = []
    if check.field not in kind.fields:
        found += inside("field", (unknown_choice(check.field, tuple(kind.fields)),))
    for name in check.count:
        if name not in types:
            found += inside("count", (unknown_choice(name, tuple(types)),))
    if check.sum:
        name, _, item = check.sum.partition(".")
        known = tuple(f"{k}.{f}" for k, one in types.items() for f in one.fields)
        if name not in types or item not in types[name].fields:
            found += inside("sum", (unknown_choice(check.sum, known),))
    return found

"""Judging one item in JSON by the published schema: every finding, with its place and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.building import DocumentBuilder
from schemas.errors import InputError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from schemas.model import Group, SchemaVersion
    from schemas.validation import Validator

_ANY_ID: Final = "00000000-0000-7000-8000-000000000000"
"""Of the document in which an item is judged; nobody sees it."""
MOST_FINDINGS: Final = 100


def judge_item(
    item: Mapping[str, Any],
    packet: str,
    *,
    version: SchemaVersion,
    validator: Validator,
    unit: str,
    now: datetime,
) -> tuple[Problem, ...]:
    """Return everything that is wrong with an item: its shape first, then its values."""
    group = version.packets[packet]
    problems = list(_shape(item, group, where=""))
    wrong = {problem.field for problem in problems}
    try:
        document = DocumentBuilder(version, packet).build(
            values_of(_sound(item, group)), message_id=_ANY_ID, agency_code=unit, created_at=now
        )
    except InputError as error:
        problems.append(error.problem)
    else:
        # What was left out for its shape is not missing.
        found = validator.problems(document)
        problems += [problem for problem in found if problem.field not in wrong]
    return tuple(problems[:MOST_FINDINGS])


def finding(code: str, text: Text, *, path: str, suggestion: Text) -> Problem:
    """Return one finding of the sandbox's own."""
    return Problem(
        code=f"sandbox.{code}",
        message=text,
        place=Place(path=path or None),
        field=path or None,
        suggestion=suggestion,
    )


def _shape(item: Mapping[str, Any], group: Group, *, where: str) -> Iterator[Problem]:
    for name, value in item.items():
        path = f"{where}{name}"
        known = group.fields.get(name)
        if known is None:
            yield finding(
                "field_unknown",
                Text(vi=f"{path}: trường không có trong quy định", en=f"{path}: no such field"),
                path=path,
                suggestion=Text(
                    vi="Xem lại tên trường, phân biệt chữ hoa và chữ thường, hoặc bỏ trường này",
                    en="look at the field's name, capitals included, or leave the field out",
                ),
            )
        elif known.group is not None:
            if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                yield finding(
                    "not_a_list",
                    Text(vi=f"{path}: cần một mảng", en=f"{path}: expected a list of objects"),
                    path=path,
                    suggestion=Text(
                        vi="Đặt trong [ ], mỗi phần tử là một đối tượng { }; [] nếu không có gì",
                        en="put it into [ ], each item an object { }; [] where there is nothing",
                    ),
                )
                continue
            for number, one in enumerate(value, start=1):
                if not one:
                    yield _empty(f"{path}[{number}]")
                yield from _shape(one, known.group, where=f"{path}[{number}].")
        elif not isinstance(value, str):
            yield finding(
                "not_a_text",
                Text(vi=f"{path}: cần một chuỗi", en=f"{path}: expected a text"),
                path=path,
                suggestion=Text(
                    vi='Đặt giá trị trong dấu nháy kép; "" nếu không có gì',
                    en='put the value into double quotes; "" where there is nothing',
                ),
            )


def _empty(path: str) -> Problem:
    return finding(
        "empty_item",
        Text(vi=f"{path}: mục này không có trường nào", en=f"{path}: this item has no field"),
        path=path,
        suggestion=Text(vi="Bỏ mục trống", en="leave the empty item out"),
    )


def _sound(item: Mapping[str, Any], group: Group) -> dict[str, Any]:
    """Return an item without what is not of the schema's shape."""
    sound: dict[str, Any] = {}
    for name, value in item.items():
        known = group.fields.get(name)
        if known is None:
            continue
        if known.group is None:
            if isinstance(value, str):
                sound[name] = value
        elif isinstance(value, list):
            items = [_sound(one, known.group) for one in value if isinstance(one, dict)]
            sound[name] = [one for one in items if one]
    return sound


def values_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as values of a document; a blank text is an absent one."""
    return {
        name: [values_of(one) for one in value] if isinstance(value, list) else value
        for name, value in item.items()
        if value != ""
    }

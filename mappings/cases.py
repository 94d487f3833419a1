"""Reading the `tests:` of a mapping file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings import keys
from mappings.language import DOSSIER, PROGRESS, ExpectedProblem, MappingTest
from mappings.mistakes import complain_unknown_field
from mappings.yaml_nodes import Items, Scalar, Table, plain_value
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.language import Expected
    from mappings.mistakes import Section
    from mappings.yaml_nodes import Node
    from schemas.model import Field, Group


def read_tests(
    section: Section, packets: Mapping[str, Group], *, key: str = "tests"
) -> tuple[MappingTest, ...]:
    """Return the tests; a file without any gets a warning, an unknown portal field a complaint."""
    found = [_test(inner, packets) for inner in section.sections(key)]
    if not found:
        section.mistakes.add(
            "mapping.no_tests",
            Text(
                vi="ánh xạ chưa có `tests`: thêm ít nhất một hồ sơ mẫu và kết quả phải có",
                en="the mapping has no `tests`: add at least one record and what must come of it",
            ),
            line=section.line_of(key),
            key=key,
            is_warning=True,
        )
    return tuple(test for test in found if test is not None)


def _test(section: Section, packets: Mapping[str, Group]) -> MappingTest | None:
    section.expect(keys.TEST)
    name, record = section.text("name"), section.section("record")
    if name is None or record is None:
        return None
    dossier = section.section("dossier")
    left_out = section.flag("left_out", default=False)
    others = [key for key in ("dossier", "progress", "problems") if key in section]
    if left_out and others:
        _complain_of_both(section, others[0])
    return MappingTest(
        name=name,
        line=section.line,
        record={key: plain_value(node) for key in record if (node := record.node(key)) is not None},
        dossier=None if dossier is None else _expected_fields(dossier, packets[DOSSIER]),
        progress=_progress(section, packets[PROGRESS]),
        problems=_problems(section),
        left_out=left_out,
    )


def _complain_of_both(section: Section, other: str) -> None:
    section.complain(
        "mapping.test_contradicts",
        Text(
            vi=f"một bản ghi bị bỏ qua thì không có `{other}`",
            en=f"of a record that is left out comes no `{other}`",
        ),
        key=other,
        suggestion=Text(
            vi=f"chỉ giữ `left_out: true`, hoặc `{other}`",
            en=f"keep either `left_out: true` or `{other}`",
        ),
    )


def _progress(section: Section, group: Group) -> tuple[Mapping[str, Expected], ...] | None:
    if "progress" not in section:
        return None
    return tuple(_expected_fields(row, group) for row in section.sections("progress"))


def _expected_fields(section: Section, group: Group) -> dict[str, Expected]:
    expected: dict[str, Expected] = {}
    for key in section:
        field, node = group.fields.get(key), section.node(key)
        if field is None:
            complain_unknown_field(section, key, group)
        elif node is not None:
            expected[key] = _expected(node, section, field)
    return expected


def _expected(node: Node, section: Section, field: Field) -> Expected:
    key = field.name
    if isinstance(node, Scalar):
        return None if node.is_null else node.text
    if isinstance(node, Items) and field.group is not None:
        return tuple(_expected_fields(item, field.group) for item in section.sections(key))
    section.wrong_type(key, vi="văn bản hoặc danh sách", en="a text or a list", line=node.line)
    return None


def _problems(section: Section) -> tuple[ExpectedProblem, ...]:
    node = section.node("problems")
    if isinstance(node, Items) and not all(isinstance(each, Table) for each in node.nodes):
        section.wrong_type("problems", vi="danh sách {code, field}", en="a list of {code, field}")
        return ()
    expected = []
    for inner in section.sections("problems"):
        inner.expect(keys.EXPECTED_PROBLEM)
        code = inner.text("code")
        if code is not None:
            expected.append(ExpectedProblem(code=code, field=inner.text("field")))
    return tuple(expected)

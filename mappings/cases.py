"""Reading the `tests:` of a mapping file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.language import ExpectedProblem, MappingTest
from mappings.yaml_nodes import Items, Scalar, Table, plain_value
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.language import Expected
    from mappings.mistakes import Section
    from mappings.yaml_nodes import Node


def read_tests(section: Section, key: str = "tests") -> tuple[MappingTest, ...]:
    """Return the tests; a file without any gets a warning."""
    found = [_test(inner) for inner in section.sections(key)]
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


def _test(section: Section) -> MappingTest | None:
    section.allow("dossier", "progress", "problems", required=("name", "record"))
    name, record = section.text("name"), section.section("record")
    if name is None or record is None:
        return None
    dossier = section.section("dossier")
    return MappingTest(
        name=name,
        line=section.line,
        record={key: plain_value(node) for key in record if (node := record.node(key)) is not None},
        dossier=None if dossier is None else _expected_fields(dossier),
        progress=_progress(section),
        problems=_problems(section),
    )


def _progress(section: Section) -> tuple[Mapping[str, Expected], ...] | None:
    if "progress" not in section:
        return None
    return tuple(_expected_fields(row) for row in section.sections("progress"))


def _expected_fields(section: Section) -> dict[str, Expected]:
    return {
        key: _expected(node, section, key)
        for key in section
        if (node := section.node(key)) is not None
    }


def _expected(node: Node, section: Section, key: str) -> Expected:
    if isinstance(node, Scalar):
        return None if node.is_null else node.text
    if isinstance(node, Items):
        inner = section.sections(key)
        return tuple(_expected_fields(item) for item in inner)
    section.wrong_type(key, vi="văn bản hoặc danh sách", en="a text or a list", line=node.line)
    return None


def _problems(section: Section) -> tuple[ExpectedProblem, ...]:
    node = section.node("problems")
    if isinstance(node, Items) and not all(isinstance(each, Table) for each in node.nodes):
        section.wrong_type("problems", vi="danh sách {code, field}", en="a list of {code, field}")
        return ()
    expected = []
    for inner in section.sections("problems"):
        inner.allow("field", required=("code",))
        code = inner.text("code")
        if code is not None:
            expected.append(ExpectedProblem(code=code, field=inner.text("field")))
    return tuple(expected)

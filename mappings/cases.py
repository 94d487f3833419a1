"""Reading the `tests:` of a mapping file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings import keys
from mappings.language import DOSSIER, PROGRESS, ExpectedProblem, MappingTest
from mappings.mistakes import closest, complain_unknown_field, listed
from mappings.yaml_nodes import Items, Scalar, Table, plain_value
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mappings.language import Expected, InboundColumn, InboundService
    from mappings.mistakes import Section
    from mappings.yaml_nodes import Node, PlainValue
    from schemas.model import Field, Group


def read_tests(
    section: Section,
    packets: Mapping[str, Group],
    *,
    inbound: Sequence[InboundService] = (),
    key: str = "tests",
) -> tuple[MappingTest, ...]:
    """Return the tests; a file without any gets a warning, an unknown portal field a complaint."""
    services = {service.service: service for service in inbound}
    found = [
        _inbound_test(inner, services) if "inbound" in inner else _test(inner, packets)
        for inner in section.sections(key)
    ]
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
    _complain_of_stray(section, ("rows", "file_name"), _ONLY_INBOUND)
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
        record=_record(record),
        dossier=None if dossier is None else _expected_fields(dossier, packets[DOSSIER]),
        progress=_progress(section, packets[PROGRESS]),
        problems=_problems(section),
        left_out=left_out,
    )


def _inbound_test(section: Section, services: Mapping[str, InboundService]) -> MappingTest | None:
    section.expect(keys.TEST)
    _complain_of_stray(section, ("dossier", "progress", "left_out"), _NOT_INBOUND)
    name, record, called = section.text("name"), section.section("record"), section.text("inbound")
    service = services.get(called or "")
    if service is None and called is not None:
        section.complain(
            "mapping.inbound_unknown",
            Text(
                vi=f"`inbound` không có dịch vụ {called!r}; có: {listed(services)}",
                en=f"`inbound` has no service {called!r}; there are {listed(services)}",
            ),
            key="inbound",
            suggestion=closest(called, services),
        )
    if name is None or record is None or service is None:
        return None
    return MappingTest(
        name=name,
        line=section.line,
        record=_record(record),
        dossier=None,
        progress=None,
        problems=_problems(section),
        left_out=False,
        inbound=service.service,
        rows=_rows(section, service.columns, key="rows"),
        file_name=section.text("file_name"),
    )


def _rows(
    section: Section, columns: Sequence[InboundColumn], *, key: str
) -> tuple[Mapping[str, Expected], ...] | None:
    if key not in section:
        return None
    return tuple(_expected_row(row, columns) for row in section.sections(key))


def _expected_row(section: Section, columns: Sequence[InboundColumn]) -> dict[str, Expected]:
    known = {column.to: column for column in columns}
    expected: dict[str, Expected] = {}
    for name in section:
        column, node = known.get(name), section.node(name)
        if column is None:
            section.complain(
                "mapping.column_unknown",
                Text(
                    vi=f"tệp không có cột {name!r}; các cột: {listed(known)}",
                    en=f"the file has no column {name!r}; the columns are {listed(known)}",
                ),
                key=name,
                suggestion=closest(name, known),
            )
        elif isinstance(node, Scalar):
            expected[name] = None if node.is_null else node.text
        else:
            expected[name] = _rows(section, column.columns, key=name) or ()
    return expected


def _record(section: Section) -> dict[str, PlainValue]:
    return {key: plain_value(node) for key in section if (node := section.node(key)) is not None}


def _complain_of_stray(section: Section, names: tuple[str, ...], text: Text) -> None:
    for name in names:
        if name in section:
            section.complain("mapping.test_contradicts", text, key=name)


_ONLY_INBOUND = Text(
    vi="chỉ dùng cùng `inbound`: phép thử của một thông điệp từ Cổng",
    en="only together with `inbound`: a test of a message of the portal",
)
_NOT_INBOUND = Text(
    vi="không dùng cùng `inbound`: một thông điệp từ Cổng thành các dòng (`rows`)",
    en="not together with `inbound`: a message of the portal becomes `rows`",
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

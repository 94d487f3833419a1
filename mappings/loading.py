"""
Loading one mapping file: everything that can be wrong without a record is found here, at once.

What a record does to a rule is found when it is converted (`converter`); what a file means is in
`language`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from mappings import keys
from mappings.attachments import read_attachments
from mappings.cases import read_tests
from mappings.catalogue import load_groups
from mappings.codes import read_code_lists
from mappings.consistency import FINDINGS
from mappings.inbound_reading import read_inbound
from mappings.language import (
    DOSSIER,
    PROGRESS,
    UNFINISHED,
    FieldRule,
    LeaveOut,
    MappingFile,
    ProgressRule,
)
from mappings.linting import lint
from mappings.mistakes import Mistakes, Section, closest, listed
from mappings.parts import parse_path, read_condition, read_path, read_template
from mappings.rules import RuleReader
from mappings.severities import read_severities
from mappings.sources import read_source
from mappings.yaml_nodes import Scalar, Table, YamlRefused, parse_yaml
from schemas.errors import ConfigError
from schemas.model import load_version, version_names
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mappings.language import GroupRule
    from schemas.model import SchemaVersion

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_DEFAULT_DAY_FIELD = "NgayTiepNhan"


def load_mapping(path: Path, *, is_draft: bool = False) -> MappingFile:
    """
    Return the mapping in `path`, checked against the schema it names.

    Args:
        path: The file.
        is_draft: Mandatory fields may have no rule yet, and "?" may stand for what nobody knew;
            such a mapping is looked at, never run. `warnings` has these errors too.

    Raises:
        ConfigError: code "mapping.invalid"; `problems` lists every mistake with its line.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        mistakes = Mistakes(str(path))
        mistakes.add("mapping.unreadable", _unreadable(exc), line=None)
        raise _invalid(path, mistakes) from exc
    return _read_once(data, path=path, is_draft=is_draft)


def read_mapping(data: bytes, *, path: Path, is_draft: bool = False) -> MappingFile:
    """
    Return the mapping that `data` is, which need not lie in a file.

    Args:
        data: YAML, UTF-8.
        path: What it is called where it is spoken of; nothing is read there.
        is_draft: As in `load_mapping`.

    Raises:
        ConfigError: code "mapping.invalid"; `problems` lists every mistake with its line.
    """
    mistakes = Mistakes(str(path))
    try:
        root = parse_yaml(data)
    except YamlRefused as exc:
        mistakes.add(exc.code, exc.text, line=exc.line)
        raise _invalid(path, mistakes) from exc
    section = Section(
        root if isinstance(root, Table) else Table(entries={}, line=root.line),
        key="",
        mistakes=mistakes,
    )
    file = _read(section, path=path, digest=hashlib.sha256(data).hexdigest())
    if file is not None:
        lint(file, mistakes)
    tolerated = ("mapping.field_unmapped", "mapping.unfinished") if is_draft else ()
    if file is None or mistakes.has_errors(but=tolerated):
        raise _invalid(path, mistakes)
    return replace(file, warnings=tuple(mistakes.problems))


_read_once = lru_cache(maxsize=64)(read_mapping)
"""What a file is depends on its bytes and its name alone; pages ask for all of them, each time."""


def _read(section: Section, *, path: Path, digest: str) -> MappingFile | None:
    section.expect(keys.TOP)
    name, version = _name(section), _version(section)
    agency = section.section("agency")
    schema, source = _schema(section), read_source(section)
    code_lists_section = section.section("code_lists")
    code_lists = {} if code_lists_section is None else read_code_lists(code_lists_section)
    reader = RuleReader(code_lists)
    dossier_section = _dossier(section)
    agency_code, agency_name, agency_group = _agency(agency)
    leave_out = _leave_out(section)
    event_key, order_by = read_template(section, "event_key"), read_template(section, "order_by")
    severities = read_severities(section, "severity", codes=FINDINGS, words=("error",))
    if schema is None or dossier_section is None:
        return None
    inbound = read_inbound(section, code_lists, schema=schema)
    tests = read_tests(section, schema.packets, inbound=inbound)
    dossier = reader.fields(dossier_section, schema.packets[DOSSIER])
    progress = _progress(section, reader, schema)
    attachments = read_attachments(section, reader)
    valid_at = _valid_at(section, reader, dossier)
    if source is None or valid_at is None:
        return None
    return MappingFile(
        path=path,
        digest=digest,
        name=name,
        version=version,
        schema=schema,
        agency_code=agency_code,
        agency_name=agency_name,
        agency_group=agency_group,
        source=source,
        dossier=dossier,
        progress=progress,
        leave_out=leave_out,
        event_key=event_key,
        order_by=order_by,
        attachments=attachments,
        one_row_per_dossier=section.flag("one_row_per_dossier", default=True),
        valid_at=valid_at,
        severities=severities,
        code_lists=code_lists,
        inbound=inbound,
        tests=tests,
        warnings=(),
    )


def _dossier(section: Section) -> Section | None:
    """Return the fields of the dossier; a key with nothing but comments below has none yet."""
    node = section.node("dossier")
    if isinstance(node, Scalar) and node.is_null:
        return section.section_of(Table(entries={}, line=node.line), "dossier")
    return section.section("dossier")


def is_mapping_name(text: str) -> bool:
    """Return whether a mapping may be called so: a-z, digits, hyphens within, 64 at most."""
    return _NAME.fullmatch(text) is not None


def _name(section: Section) -> str:
    name = section.text("mapping")
    if name is not None and not is_mapping_name(name):
        section.wrong_type(
            "mapping",
            vi="tên gồm chữ thường không dấu, chữ số và gạch nối",
            en="a name of small letters a-z, digits and hyphens",
        )
    return name or ""


def _version(section: Section) -> int:
    version = section.number("version")
    if version is not None and version < 1:
        section.wrong_type("version", vi="một số nguyên từ 1", en="a whole number from 1")
    return version or 0


def _agency(section: Section | None) -> tuple[str, str, str | None]:
    if section is None:
        return "", "", None
    section.expect(keys.AGENCY)
    code, name = section.text("code"), section.text("name")
    for key, text in (("code", code), ("name", name)):
        if text is not None and not text.strip():
            section.wrong_type(key, vi="văn bản không rỗng", en="text that is not empty")
        if text == UNFINISHED:
            section.complain(
                "mapping.unfinished",
                Text(
                    vi=f'còn "{UNFINISHED}": điền như trong giấy tờ của đơn vị',
                    en=f'"{UNFINISHED}" still stands here: write what the agency is called by',
                ),
                key=key,
            )
    return (code or "").strip(), (name or "").strip(), _group(section)


def _group(section: Section) -> str | None:
    group = section.text("group")
    known = [each.code for each in load_groups()] if group is not None else []
    if group is None or group in known:
        return group
    section.complain(
        "mapping.group_of_agency_unknown",
        Text(
            vi=f"không có nhóm đơn vị {group!r}; các nhóm: {listed(known, limit=30)}",
            en=f"there is no group of agencies {group!r}; there are {listed(known, limit=30)}",
        ),
        key="group",
        suggestion=closest(group, known),
    )
    return None


def _schema(section: Section) -> SchemaVersion | None:
    name = section.text("schema")
    if name is None:
        return None
    if name not in version_names():
        section.complain(
            "mapping.schema_unknown",
            Text(
                vi=f"không có phiên bản lược đồ {name!r}; có: {listed(version_names())}",
                en=f"there is no schema version {name!r}; there are {listed(version_names())}",
            ),
            key="schema",
            suggestion=closest(name, version_names()),
        )
        return None
    return load_version(name)


def _progress(section: Section, reader: RuleReader, schema: SchemaVersion) -> ProgressRule | None:
    inner = section.section("progress")
    if inner is None:
        return None
    inner.expect(keys.PROGRESS_ROWS)
    return ProgressRule(
        line=inner.line,
        each=read_path(inner, "each"),
        event_key=read_template(inner, "event_key"),
        item=reader.item_fields(inner, schema.packets[PROGRESS]),
    )


def _leave_out(section: Section) -> LeaveOut | None:
    condition = read_condition(section, "leave_out")
    if condition is None:
        return None
    return LeaveOut(line=section.line_of("leave_out"), condition=condition)


def _valid_at(
    section: Section, reader: RuleReader, dossier: Mapping[str, FieldRule | GroupRule]
) -> FieldRule | None:
    """Return the rule for the day on which codes must be valid."""
    node = section.node("valid_at")
    if node is None:
        found = dossier.get(_DEFAULT_DAY_FIELD)
        # Without it the file is refused already, or a draft that no record is converted by.
        return found if isinstance(found, FieldRule) else FieldRule(line=section.line)
    if not isinstance(node, Scalar):
        rule = reader.field(section, "valid_at", None)
        if rule is not None and not all(way.date for way in rule.ways):
            _complain_no_format(section)
        return rule
    text = section.text("valid_at")
    if text is None:
        return None
    path = parse_path(text)
    for name, known in dossier.items():
        if not isinstance(known, FieldRule):
            continue
        if name == text and all(way.date for way in known.ways):
            return known
        for way in known.ways:
            if way.date is not None and path in way.sources:
                return FieldRule(line=way.line, sources=(path,), text=way.text, date=way.date)
    _complain_no_format(section)
    return None


def _complain_no_format(section: Section) -> None:
    section.complain(
        "mapping.valid_at_invalid",
        Text(
            vi="`valid_at` cần định dạng ngày: {from: đường dẫn, date: [định dạng]}",
            en="`valid_at` needs a date format: {from: path, date: [format]}",
        ),
        key="valid_at",
    )


def _unreadable(error: OSError) -> Text:
    reason = error.strerror or str(error)
    return Text(
        vi=f"không đọc được tệp ánh xạ: {reason}", en=f"the mapping cannot be read: {reason}"
    )


def _invalid(path: Path, mistakes: Mistakes) -> ConfigError:
    problems = tuple(sorted(mistakes.problems, key=lambda problem: problem.place.line or 0))
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    first = errors[0]
    return ConfigError(
        f"mapping {path}: {len(errors)} mistakes, the first in line {first.place.line}: "
        f"{first.message.en}",
        problems=problems,
        code="mapping.invalid",
    )

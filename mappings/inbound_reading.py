"""Reading `inbound`: what becomes of the messages that come from the portal to the agency."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adapters import OptionsWrong
from adapters.options import MessageOptions
from adapters.writers import Column, make_writer
from adapters.writers.cells import DATE, KINDS
from mappings import keys
from mappings.file_names import read_file_name
from mappings.inbound_rules import InboundRuleReader
from mappings.language import (
    DOSSIER,
    PROGRESS,
    DateRule,
    DateWriting,
    FieldRule,
    InboundColumn,
    InboundService,
)
from mappings.mistakes import closest, listed
from mappings.parts import parse_path, read_condition, read_path, read_template
from mappings.rules import RuleReader
from mappings.sources import read_source, read_target
from mappings.values import as_text
from mappings.writings import DATE_CELL, PORTAL, moment_of
from schemas.model import load_version, version_names
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters import SourceOptions
    from adapters.writers import TargetOptions, Writer
    from mappings.language import CodeList
    from mappings.mistakes import Section
    from schemas.model import SchemaVersion

IDENTITY: Mapping[str, Mapping[str, str]] = {
    DOSSIER: {
        "dossier_code": "MaHoSo",
        "procedure": "MaTTHC",
        "status": "TrangThaiHoSo",
        "deadline": "NgayHenTra",
    },
    PROGRESS: {
        "dossier_code": "MaHoSo",
        "status": "TrangThai",
        "deadline": "NgayKetThucTheoQuyDinh",
    },
}
"""Where the identity of a message stands in the services whose fields are known."""
_MAX_LENGTH = 1_000_000


def read_inbound(
    section: Section, code_lists: Mapping[str, CodeList], *, schema: SchemaVersion
) -> tuple[InboundService, ...]:
    """Return the services under `inbound`, each once."""
    found: dict[str, InboundService] = {}
    for inner in section.sections("inbound"):
        service = _Reader(inner, code_lists, schema).service()
        if service is None:
            continue
        if service.service in found:
            text = Text(
                vi=f"dịch vụ {service.service!r} đã có ở dòng {found[service.service].line}",
                en=f"service {service.service!r} stands already in line "
                f"{found[service.service].line}",
            )
            inner.complain("mapping.inbound_duplicate", text, key="service")
        found[service.service] = service
    return tuple(found.values())


class _Reader:
    """Reads one service."""

    def __init__(
        self, section: Section, code_lists: Mapping[str, CodeList], schema: SchemaVersion
    ) -> None:
        self._section = section
        self._schema = schema
        self._plain = RuleReader(code_lists)
        self._rules = InboundRuleReader(code_lists)

    def service(self) -> InboundService | None:
        section = self._section
        section.expect(keys.INBOUND)
        name = (section.text("service") or "").strip()
        if "service" in section and not name:
            section.wrong_type("service", vi="tên dịch vụ", en="the name of a service")
        if "when" in section and "each" not in section:
            section.complain("mapping.key_unknown", _WHEN_ALONE, key="when")
        source, target = self._source(name), read_target(section)
        rules = {key: self._identity(key, name) for key in ("dossier_code", "procedure", "status")}
        deadline = self._deadline(name)
        event_key = read_template(section, "event_key")
        columns = self._columns(section)
        writer = None if target is None else self._writer(target, columns)
        if writer is not None and writer.is_single and "each" in section:
            section.complain("mapping.target_wrong", _ONE_ROW, key="each")
        if not name or source is None or target is None or writer is None:
            return None
        file_name = read_file_name(section, service=name, suffix=writer.suffix)
        if file_name is None:
            return None
        return InboundService(
            line=section.line,
            service=name,
            source=source,
            dossier_code=rules["dossier_code"],
            procedure=rules["procedure"],
            status=rules["status"],
            deadline=deadline,
            event_key=event_key,
            target=target,
            file_name=file_name,
            each=read_path(section, "each"),
            when=read_condition(section),
            columns=columns,
        )

    def _source(self, service: str) -> SourceOptions | None:
        packet = self._schema.packets.get(service)
        if "source" in self._section:
            return read_source(self._section)
        if packet is not None:
            return _message_options(service, self._schema)
        self._section.complain(
            "mapping.key_missing",
            Text(
                vi=f"dịch vụ {service!r} cần `source`: chỉ {listed(self._schema.packets)} có "
                "mặc định",
                en=f"service {service!r} needs `source`: only {listed(self._schema.packets)} have "
                "a default",
            ),
        )
        return None

    def _identity(self, key: str, service: str) -> FieldRule | None:
        known = IDENTITY.get(service, {}).get(key)
        if key in self._section:
            return self._plain.field(self._section, key, None)
        if known is None:
            return None
        return FieldRule(line=self._section.line, sources=(parse_path(known),))

    def _deadline(self, service: str) -> FieldRule | None:
        """Return the rule of the deadline, with the portal's own writing where it names none."""
        rule = self._identity("deadline", service)
        if rule is None:
            return None
        for way in (*rule.first, rule):
            if way.default and not _is_moment(way.default):
                wrong = Text(vi="cần dạng yyyyMMddHHmmss", en="expected yyyyMMddHHmmss")
                self._section.complain("mapping.default_refused", wrong, key="deadline")
        if rule.first:
            return replace(rule, first=tuple(map(_dated, rule.first)))
        return _dated(rule)

    def _columns(self, section: Section) -> tuple[InboundColumn, ...]:
        read = [self._column(inner) for inner in section.sections("columns")]
        if not read and "columns" in section:
            section.wrong_type("columns", vi="ít nhất một cột", en="at least one column")
        return tuple(column for column in read if column is not None)

    def _column(self, section: Section) -> InboundColumn | None:
        to = as_text(section.text("to") or "")
        if not to:
            section.complain(
                "mapping.key_missing", Text(vi="thiếu khóa 'to'", en="missing key 'to'")
            )
        each, join = read_path(section, "each"), section.text("join")
        column = InboundColumn(
            line=section.line,
            to=to,
            each=each,
            join=join,
            required=section.flag("required", default=False),
            max_length=self._max_length(section),
            when=read_condition(section) if each is not None else None,
        )
        if (each is None) != (join is None and "columns" not in section):
            section.complain("mapping.column_invalid", _EACH_WITH, key="each" if each else "")
            return None
        if "columns" in section:
            section.allow("each", "columns", "when", "required", required=("to",))
            columns = self._columns(section)
            return replace(column, columns=columns) if to and columns else None
        rule = self._rules.rule(section, None, beside=_BESIDE)
        if rule is None or not to:
            return None
        if each is not None:
            rule = replace(rule, required=False, when=None)
        return replace(column, rule=rule, kind=self._kind(section, rule))

    def _kind(self, section: Section, rule: FieldRule) -> str:
        cells = [
            isinstance(way.write, DateWriting) and way.write.write == DATE_CELL for way in rule.ways
        ]
        name = section.text("type")
        if name is None:
            return DATE if all(cells) else KINDS[0]
        if name not in KINDS:
            section.wrong_type(
                "type", vi=f"một trong {listed(KINDS)}", en=f"one of {listed(KINDS)}"
            )
        return name

    def _max_length(self, section: Section) -> int | None:
        length = section.number("max_length")
        if length is not None and not 1 <= length <= _MAX_LENGTH:
            section.wrong_type("max_length", vi="số ký tự từ 1", en="a number of characters from 1")
        return length

    def _writer(self, target: TargetOptions, columns: Sequence[InboundColumn]) -> Writer | None:
        """Return the writer, made here to hear what it says of the columns."""
        try:
            return make_writer(target, written_columns(columns))
        except OptionsWrong as exc:
            lines = {column.to: column.line for column in columns}
            for name, text in exc.faults:
                self._section.mistakes.add(
                    "mapping.target_wrong",
                    Text(vi=f"{name!r}: {text.vi}", en=f"{name!r}: {text.en}"),
                    line=lines.get(name, self._section.line_of("target")),
                    key=self._section.inner("columns" if name in lines else "target"),
                    suggestion=closest(name, lines) if name not in lines else None,
                )
            return None


def _dated(rule: FieldRule) -> FieldRule:
    return rule if rule.date is not None else replace(rule, date=DateRule(formats=(PORTAL,)))


def _is_moment(text: str) -> bool:
    try:
        moment_of(text)
    except ValueError:
        return False
    return True


def written_columns(columns: Sequence[InboundColumn]) -> tuple[Column, ...]:
    """Return the columns as a writer needs them."""
    return tuple(
        Column(name=one.to, kind=one.kind, columns=written_columns(one.columns)) for one in columns
    )


def _message_options(packet: str, schema: SchemaVersion) -> MessageOptions:
    """Return how a message of the portal's own services is read, whichever way it came."""
    others = (load_version(name).namespace for name in version_names())
    return MessageOptions(
        elements=("BanTin", schema.element_of(packet)),
        namespaces=tuple(dict.fromkeys((schema.namespace, *others))),
    )


_BESIDE = ("to", "type", "max_length", "each", "join")
_ONE_ROW = Text(
    vi="`each` cho nhiều dòng, mà tệp này chỉ chứa một: `array: true` (JSON), hoặc `records` có "
    "phần tử bao ngoài (XML)",
    en="`each` makes several rows, and this document holds one: `array: true` (JSON), or `records` "
    "with an element around (XML)",
)
_WHEN_ALONE = Text(
    vi="`when` của dịch vụ chọn phần tử của `each`, mà ở đây không có `each`",
    en="a service's `when` chooses entries of `each`, and there is no `each` here",
)
_NO_NAME = Text(
    vi="thiếu khóa 'to': tên cột của đơn vị",
    en="missing key 'to': the agency's own name of the column",
)
_EACH_WITH = Text(
    vi="`each` đi cùng đúng một trong `join` (nối thành một văn bản) và `columns` (các dòng riêng)",
    en="`each` goes with exactly one of `join` (one joined text) and `columns` (rows of their own)",
)

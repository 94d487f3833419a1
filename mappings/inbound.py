"""From a message of the portal to the file that an agency gets, in the agency's own format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, TypeAlias

from adapters.writers import JudgesRows, make_writer
from mappings.compiling import make_rule, paths_of, report_missing
from mappings.conditions import make_test
from mappings.dates import VIETNAM
from mappings.file_names import fill_in, make_name, safe_part
from mappings.groups import each_scope
from mappings.inbound_reading import written_columns
from mappings.judging import quoted
from mappings.keyed import MAX_KEY_LENGTH, make_key_reader
from mappings.language import FieldRule, ItemRule, Path
from mappings.scope import Scope, Site, make_text_reader
from mappings.source_paths import inbound_columns_read
from mappings.values import as_text
from mappings.watching import UNWATCHED
from mappings.writings import moment_of
from schemas.problem import Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from adapters import SourceOptions, SourceRecord
    from adapters.writers import Column, Fault, Row, Writer
    from mappings.compiling import Read
    from mappings.language import Condition, FileName, InboundColumn, InboundService
    from mappings.watching import Watch

    Build: TypeAlias = "Callable[[Scope], str | list[Row] | None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One message as its agency gets it."""

    document: bytes | None
    """The finished file; None with an error among the problems."""
    file_name: str
    """Safe on every file system; holds "{message}" for the id of the message."""
    media_type: str
    charset: str | None
    """In which the file is written, by the name of mappings; None where the format has none."""
    dossier_code: str | None
    event_key: str | None
    """The sender's own key, where the mapping names one."""
    procedure: str | None
    status: str | None
    """As they came, in the portal's codes."""
    deadline: datetime | None
    """In UTC."""
    problems: tuple[Problem, ...]
    """Everything that was found, at its place in the message."""
    rows: tuple[Row, ...] = ()
    """What the document says: column to text, or rows below it."""

    def name_for(self, message_id: str) -> str:
        """Return the name of the file, with the id of its message."""
        return fill_in(self.file_name, message_id)


class InboundConverter:
    """The compiled rules of one service; keeps nothing between records, used by every thread."""

    def __init__(self, service: InboundService, *, watch: Watch = UNWATCHED) -> None:
        self.service = service.service
        self.source: SourceOptions = service.source
        """Of `adapters.read_records`."""
        self.read_columns = inbound_columns_read(service)
        """Of `adapters.read_records`."""
        columns = written_columns(service.columns)
        self._writer = make_writer(service.target, columns)
        self._build = _make_row(service.columns, columns, self._writer, watch)
        self._judge = self._writer.faults_of if isinstance(self._writer, JudgesRows) else None
        self._rows = _make_rows(service)
        self._read_dossier = _make_identity(service.dossier_code, "dossier_code", is_needed=True)
        self._read_procedure = _make_identity(service.procedure, "procedure")
        self._read_status = _make_identity(service.status, "status")
        self._read_deadline = _make_identity(service.deadline, "deadline")
        self._read_key = make_key_reader(service.event_key, "event_key")
        self._name = _make_name(service.file_name)

    def convert(self, record: SourceRecord, *, now: datetime) -> Inbound:
        """
        Return the file of one message, or everything that is wrong with it.

        Args:
            record: As `adapters.read_records` gives it.
            now: Aware; words of code lists must be in force on its day.
        """
        day = now.astimezone(VIETNAM).date()
        return self.convert_in(Scope(record, find_day=lambda _: day))

    def convert_in(self, scope: Scope) -> Inbound:
        """Do the same in a scope of the caller's, which is not used again."""
        dossier_code = self._read_dossier(scope)
        procedure, status = self._read_procedure(scope), self._read_status(scope)
        deadline, event_key = self._read_deadline(scope), self._read_key(scope)
        file_name = self._name(scope)
        rows = tuple(self._build(inner) for inner in self._rows(scope))
        if self._judge is not None and not _has_errors(scope.problems):
            for column, fault in self._judge(rows):
                _report(scope, column, fault)
        problems = _once((*scope.record.warnings, *scope.problems))
        is_good = not _has_errors(problems)
        return Inbound(
            document=self._writer.write(rows) if is_good else None,
            file_name=file_name,
            media_type=self._writer.media_type,
            charset=self._writer.encoding,
            dossier_code=dossier_code,
            event_key=event_key,
            procedure=procedure,
            status=status,
            deadline=moment_of(deadline).astimezone(UTC) if deadline else None,
            problems=problems,
            rows=rows,
        )


def _has_errors(problems: Sequence[Problem]) -> bool:
    return any(each.severity is Severity.ERROR for each in problems)


def _report(scope: Scope, column: str, fault: Fault) -> None:
    text = fault.text
    if column:
        text = Text(vi=f"cột {column!r}: {text.vi}", en=f"column {column!r}: {text.en}")
    Site(column, ()).report(
        scope,
        fault.code,
        text,
        suggestion=fault.remedy.agency,
        for_integrator=fault.remedy.integrator,
        place=scope.record.place,
    )


def _once(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Leave out what the identity and a column say of one value in the same words."""
    seen: dict[tuple[object, ...], Problem] = {}
    for each in problems:
        seen.setdefault((each.code, each.place, each.message, each.value), each)
    return tuple(seen.values())


def _make_identity(rule: FieldRule | None, name: str, *, is_needed: bool = False) -> Read:
    """Return a function to one part of the identity; named and empty, what is needed is wrong."""
    if rule is None:
        return lambda _: None
    read = make_rule(rule, name=name, field=None)
    site = Site(name, paths_of(rule))

    def run(scope: Scope) -> str | None:
        text = read(scope)
        if text == "" and is_needed:
            report_missing(site, scope, name)
        elif text and len(text) > MAX_KEY_LENGTH:
            site.report(scope, "mapping.too_long", _too_long(name, text, MAX_KEY_LENGTH))
            return None
        return text or None

    return run


def _make_name(name: FileName) -> Callable[[Scope], str]:
    readers = tuple(
        make_text_reader(part, Site("file_name", (part,))) if isinstance(part, Path) else part
        for part in name.parts
    )

    def run(scope: Scope) -> str:
        count = len(scope.problems)
        parts = [
            part if part is None or isinstance(part, str) else safe_part(part(scope) or "")
            for part in readers
        ]
        # A name is never a reason to stop a message: what is wrong with a value, its column says.
        del scope.problems[count:]
        return make_name(parts)

    return run


def _make_rows(service: InboundService) -> Callable[[Scope], Iterator[Scope]]:
    if service.each is None:
        return lambda scope: iter((scope,))
    entries = _make_entries(service.each, service.columns, "", service.when)
    site = Site("", (service.each,))

    def rows(scope: Scope) -> Iterator[Scope]:
        count, is_empty = len(scope.problems), True
        for inner in entries(scope):
            is_empty = False
            yield inner
        if is_empty and len(scope.problems) == count:
            report_missing(site, scope, str(site.names()))

    return rows


def _make_entries(
    each: Path, columns: Sequence[InboundColumn], name: str, when: Condition | None
) -> Callable[[Scope], Iterator[Scope]]:
    """Return a function to the entries of a list that are taken."""
    fields = {one.to: one.rule for one in columns if one.rule is not None and one.each is None}
    item = ItemRule(line=0, fields=fields, when=when)
    scopes = each_scope(each, name, item)
    test = None if item.when is None else make_test(item.when)

    def entries(scope: Scope) -> Iterator[Scope]:
        return (inner for inner in scopes(scope) if test is None or test(inner))

    return entries


def _make_row(
    rules: Sequence[InboundColumn], columns: Sequence[Column], writer: Writer, watch: Watch
) -> Callable[[Scope], Row]:
    builders = tuple(
        (column.name, _make_column(rule, column, writer, watch))
        for rule, column in zip(rules, columns, strict=True)
    )

    def build(scope: Scope) -> Row:
        row: dict[str, str | Sequence[Row]] = {}
        for name, function in builders:
            value = function(scope)
            if value:
                row[name] = value
        return row

    return build


def _make_column(rule: InboundColumn, column: Column, writer: Writer, watch: Watch) -> Build:
    if rule.rule is None:
        return _make_list(rule, column, writer, watch)
    if rule.each is None:
        read = make_rule(rule.rule, name=rule.to, field=None, watch=watch)
        site = Site(rule.to, paths_of(rule.rule))
    else:
        read = _make_joined(rule, watch)
        site = Site(rule.to, (rule.each,))
    return _checked(read, rule, column, writer, site)


def _checked(
    read: Read, rule: InboundColumn, column: Column, writer: Writer, site: Site
) -> Callable[[Scope], str | None]:
    limit = rule.max_length

    def build(scope: Scope) -> str | None:
        text = read(scope)
        if not text:
            return text
        text = as_text(text)
        if limit is not None and len(text) > limit:
            site.report(scope, "mapping.too_long", _too_long(rule.to, text, limit))
            return None
        found = writer.fault(column, text)
        if found is None:
            return text
        site.report(
            scope,
            found.code,
            Text(vi=f"cột {rule.to!r}: {found.text.vi}", en=f"column {rule.to!r}: {found.text.en}"),
            suggestion=found.remedy.agency,
            for_integrator=found.remedy.integrator,
        )
        return None

    return build


def _make_joined(rule: InboundColumn, watch: Watch) -> Read:
    assert rule.rule is not None
    assert rule.each is not None
    assert rule.join is not None
    separator = rule.join
    read = make_rule(rule.rule, name=rule.to, field=None, watch=watch)
    entries = _make_entries(rule.each, (_entry_of(rule),), "", rule.when)
    site, item_site = Site(rule.to, (rule.each,)), Site(rule.to, paths_of(rule.rule))

    def run(scope: Scope) -> str | None:
        texts: list[str] = []
        count = len(scope.problems)
        for inner in entries(scope):
            text = read(inner)
            if text and separator in text:
                item_site.report(inner, "mapping.separator_in_value", _holds(separator, text))
            elif text:
                texts.append(text)
        if len(scope.problems) > count:
            return None
        if not texts and rule.required:
            report_missing(site, scope, rule.to)
        return separator.join(texts)

    return run


def _entry_of(rule: InboundColumn) -> InboundColumn:
    """Return the column of one entry, whose keys are looked at to see what an entry must be."""
    return type(rule)(line=rule.line, to=rule.to, rule=rule.rule)


def _make_list(rule: InboundColumn, column: Column, writer: Writer, watch: Watch) -> Build:
    assert rule.each is not None
    entries = _make_entries(rule.each, rule.columns, rule.to, rule.when)
    build = _make_row(rule.columns, column.columns, writer, watch)
    site = Site(rule.to, (rule.each,))

    def run(scope: Scope) -> list[Row]:
        count = len(scope.problems)
        rows = [row for inner in entries(scope) if (row := build(inner))]
        if not rows and rule.required and len(scope.problems) == count:
            report_missing(site, scope, rule.to)
        return rows

    return run


def _too_long(name: str, text: str, limit: int) -> Text:
    return Text(
        vi=f"{name!r} dài {len(text)} ký tự, đơn vị nhận tối đa {limit}: {quoted(text)}",
        en=f"{name!r} is {len(text)} characters long, the agency takes {limit}: {quoted(text)}",
    )


def _holds(separator: str, text: str) -> Text:
    return Text(
        vi=f"giá trị chứa chính chuỗi nối {separator!r}, nên không tách lại được: {quoted(text)}",
        en=f"the value holds the separator {separator!r} itself, so that it could not be taken "
        f"apart again: {quoted(text)}",
    )

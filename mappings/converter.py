"""From a record to the events the portal is told of: the dossier, then its progress rows."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from mappings.attachments import make_file_reader, ways_of
from mappings.compiling import make_rule, paths_of
from mappings.consistency import make_dossier_check, make_progress_check, site_of
from mappings.groups import each_scope, make_fields, make_item
from mappings.inbound import InboundConverter
from mappings.keyed import make_key_reader
from mappings.language import DOSSIER, PROGRESS, FieldRule
from mappings.leaving import make_leaver
from mappings.scope import Scope, Site
from mappings.source_paths import columns_read
from mappings.statuses import FIELD, Status
from mappings.tracing import column_of, trace_field
from mappings.watching import UNWATCHED
from schemas.problem import LONGEST_VALUE, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from adapters import SourceOptions, SourceRecord
    from mappings.attachments import DeclaredFile
    from mappings.compiling import Read
    from mappings.groups import Built
    from mappings.language import GroupRule, MappingFile, ProgressRule
    from mappings.watching import Watch
    from schemas.model import SchemaVersion
    from schemas.problem import Place

    BuildRows: TypeAlias = "Callable[[Scope, str | None], Iterator[tuple[str | None, Built]]]"

_KEY = "MaHoSo"
_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a dossier, in the portal's own fields."""

    packet: str
    """"DongBoHoSoMC" or "CapNhatTienDoHoSoMC"."""
    dossier_code: str
    key: str | None
    """The agency's own key of this event, where the mapping names one."""
    version: str | None
    """Order among the snapshots of a dossier, where the mapping names one; never for progress."""
    digest: str
    """Hex SHA-256 of the content; the same content has the same digest under every mapping."""
    values: Built
    """Portal field to text, repeated groups as lists; what is absent is absent."""
    status: Status | None = None
    """Of a snapshot; None for a progress row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What became of one record; with an error there is no event."""

    events: tuple[Event, ...]
    problems: tuple[Problem, ...]
    dossier_code: str | None
    """As far as it is known, also of a record with problems, and of one that is left out."""
    files: tuple[DeclaredFile, ...] = ()
    """Of the dossier; with an error those that could be read."""
    is_left_out: bool = False
    """Whether the mapping's `leave_out` holds: no event, no problem, and nothing is wrong."""


def compile_mapping(file: MappingFile) -> Converter:
    """Return the converter of a mapping; compiled once, used for every record and thread."""
    return Converter(file)


def digest_of(values: Built) -> str:
    """Return the hex SHA-256 of the values as JSON with sorted keys."""
    return hashlib.sha256(_ENCODER.encode(values)).hexdigest()


def digest_with(values: Built, files: tuple[DeclaredFile, ...]) -> str:
    """
    Return the digest of a dossier with its files, as far as its record says what is in them.

    A file that is another now makes it another dossier, though the portal's fields are the same.
    """
    digests = [
        hashlib.sha256(one.source.encode()).hexdigest() if one.way == "data" else one.sha256
        for one in files
    ]
    if not any(digests):
        return digest_of(values)
    return hashlib.sha256(_ENCODER.encode([values, digests])).hexdigest()


class Converter:
    """A compiled mapping; keeps nothing between records."""

    def __init__(self, file: MappingFile, *, watch: Watch = UNWATCHED) -> None:
        self.name = file.name
        self.version = file.version
        self.digest = file.digest
        self.agency_code = file.agency_code
        self.agency_name = file.agency_name
        self.agency_group = file.agency_group
        self.schema: SchemaVersion = file.schema
        self.source: SourceOptions = file.source
        self.one_row_per_dossier = file.one_row_per_dossier
        self.find_day = _make_day_finder(file)
        self._build_dossier = watch.packet(
            make_fields(file.dossier, group=file.schema.packets[DOSSIER], watch=watch),
            name=DOSSIER,
        )
        self._read_name = _make_name_reader(file.dossier.get(_KEY))
        self._leaves_out = make_leaver(file.leave_out)
        self._read_code = _make_code_reader(file)
        self._read_key = make_key_reader(file.event_key, "event_key")
        self._read_order = make_key_reader(file.order_by, "order_by")
        self._build_rows = _make_rows(file.progress, file.schema, watch)
        self.file_ways = ways_of(file.attachments)
        """How bytes of files come that do not stand in the record: "url", "file"."""
        self._read_files = make_file_reader(file.attachments)
        self._check_dossier = make_dossier_check(file)
        self._check_progress = make_progress_check(file)
        self._status_site = site_of(FIELD, file.dossier)
        self.inbound: Mapping[str, InboundConverter] = {
            service.service: InboundConverter(service, watch=watch) for service in file.inbound
        }
        """By the name of the service whose messages come for the agency."""
        self._file = file

    def convert(self, record: SourceRecord) -> Conversion:
        """Return the events of one record, or everything that is wrong with it."""
        return self.convert_in(Scope(record, find_day=self.find_day))

    def convert_in(self, scope: Scope) -> Conversion:
        """Do the same in a scope of the caller's, which is not used again."""
        if self._leaves_out(scope):
            return Conversion(
                events=(), problems=(), dossier_code=self._read_code(scope), is_left_out=True
            )
        values = self._build_dossier(scope)
        code = values.get(_KEY)
        dossier_code = code if isinstance(code, str) else None
        key, order = self._read_key(scope), self._read_order(scope)
        rows = tuple(self._build_rows(scope, dossier_code))
        files = () if self._read_files is None else self._read_files(scope)
        self._check_dossier(scope, values)
        self._check_progress(scope, [row for _, row in rows])
        problems = (*scope.record.warnings, *scope.problems)
        if dossier_code is None or any(each.severity is Severity.ERROR for each in problems):
            return Conversion(events=(), problems=problems, dossier_code=dossier_code, files=files)
        dossier = Event(
            packet=DOSSIER,
            dossier_code=dossier_code,
            key=key,
            version=order,
            digest=digest_with(values, files) if files else digest_of(values),
            values=values,
            status=self._status(scope, values),
        )
        progress = tuple(
            Event(
                packet=PROGRESS,
                dossier_code=dossier_code,
                key=row_key,
                version=None,
                digest=digest_of(row),
                values=row,
            )
            for row_key, row in rows
        )
        return Conversion(
            events=(dossier, *progress),
            problems=problems,
            dossier_code=dossier_code,
            files=files,
        )

    def name_dossier(self, record: SourceRecord) -> str | None:
        """
        Return what an agency knows the dossier of a record by, also of one with problems.

        It is what the mapping makes of it before that is judged, else what stands where it is read
        from, cut to `LONGEST_VALUE`. None: nothing stands there, or it is put together of several
        fields and could not be.
        """
        name = self._read_name(Scope(record, find_day=self.find_day))
        return name[:LONGEST_VALUE] if name else None

    def _status(self, scope: Scope, values: Built) -> Status | None:
        code = values.get(FIELD)
        if not isinstance(code, str):
            return None
        place, value = self._status_site.source(scope)
        return Status(code=code, place=place, value=value)

    def trace(self, record: SourceRecord, field: str, *, row: int = 0) -> tuple[Place, str | None]:
        """
        Return the place of what a portal field was made of, and what stands there.

        Args:
            record: The one that was converted.
            field: As in problems, for example "DanhSachLePhi[1].Gia".
            row: 1-based among the progress rows of the record; 0 for the dossier itself.

        Returns:
            The place of the record alone where no path of it made the field.
        """
        scope = Scope(record, find_day=self.find_day)
        return trace_field(self._file, scope, field, row=row)

    @property
    def columns_read(self) -> frozenset[str]:
        """The paths of the texts that some rule reads, without positions in lists."""
        return columns_read(self._file)

    def column_of(self, packet: str, field: str) -> str | None:
        """Return the path that a top-level field of a packet is made of, or None for no single."""
        return column_of(self._file, packet, field)


def _make_name_reader(rule: FieldRule | GroupRule | None) -> Read:
    if not isinstance(rule, FieldRule):
        return lambda _: None
    read = make_rule(rule, name=_KEY, field=None)
    is_joined = rule.template is not None and len(rule.template.paths) > 1
    site = Site(_KEY, () if is_joined else paths_of(rule))
    return lambda scope: read(scope) or site.source(scope)[1]


def _make_code_reader(file: MappingFile) -> Read:
    """Return a function to the code of a dossier that is left out; what is wrong is not told."""
    rule = file.dossier.get(_KEY)
    if not isinstance(rule, FieldRule):
        return lambda _: None
    read = make_rule(rule, name=_KEY, field=file.schema.packets[DOSSIER].fields[_KEY])

    def run(scope: Scope) -> str | None:
        text = read(scope)
        scope.problems.clear()
        return text or None

    return run


def _make_rows(rule: ProgressRule | None, schema: SchemaVersion, watch: Watch) -> BuildRows:
    if rule is None:
        return lambda _scope, _code: iter(())
    build = watch.packet(
        make_item(rule.item, group=schema.packets[PROGRESS], watch=watch), name=PROGRESS
    )
    read_key = make_key_reader(rule.event_key, "progress.event_key")
    each = None if rule.each is None else each_scope(rule.each, "", rule.item)
    key_rule = rule.item.fields.get(_KEY)
    site = Site(_KEY, getattr(key_rule, "sources", ()))

    def rows(scope: Scope, code: str | None) -> Iterator[tuple[str | None, Built]]:
        for inner in [scope] if each is None else each(scope):
            row = build(inner)
            if row is None:
                continue
            if code is not None and row.get(_KEY, code) != code:
                _report_other_dossier(site, inner, str(row[_KEY]), code)
            yield read_key(inner), row

    return rows


def _report_other_dossier(site: Site, scope: Scope, found: str, code: str) -> None:
    site.report(
        scope,
        "mapping.progress_other_dossier",
        Text(
            vi=f"dòng tiến độ thuộc hồ sơ {found!r}, không phải {code!r}",
            en=f"the progress row belongs to dossier {found!r}, not to {code!r}",
        ),
    )


def _make_day_finder(file: MappingFile) -> Callable[[Scope], date | None]:
    """Return a function to the day of a record; when it has none, that is reported once."""
    name = next((name for name, rule in file.dossier.items() if rule is file.valid_at), None)
    read = make_rule(file.valid_at, name=name or "valid_at", field=None)
    site = Site("valid_at", paths_of(file.valid_at))
    is_reported = name is not None and file.schema.packets[DOSSIER].fields[name].required

    def find(scope: Scope) -> date | None:
        count = len(scope.problems)
        text = read(scope)
        if name is not None:
            # The field itself says what is wrong with its value.
            del scope.problems[count:]
        day = _day_of(text)
        if day is None and text is not None and not is_reported:
            _report_no_day(site, scope)
        return day

    return find


def _day_of(text: str | None) -> date | None:
    if not text or not re.fullmatch(r"[0-9]{14}", text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _report_no_day(site: Site, scope: Scope) -> None:
    site.report(
        scope,
        "mapping.valid_at_missing",
        Text(
            vi=f"không có ngày để biết mã nào có hiệu lực; lấy từ {site.names()}",
            en=f"there is no day that says which codes are in force; it comes from {site.names()}",
        ),
    )

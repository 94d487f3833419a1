"""
Writes the fields of a document as the LGSP document schema has them, always in the same bytes.

What neither a field of ours, a source that the settings name nor a constant gives is a problem of
the document, never a guess; all of them are told at once.

    {"DocTypeCode":"1.001612",…,"IsSuccess":false,"SuccessDate":"0000-00-00T00:00:00.000+0700",…}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from schemas.building import VIETNAM
from schemas.lgsp_fields import AGENCY, CONSTANTS, FIELDS, MESSAGE, OTHERS, LgspField, LgspKind
from schemas.portal_json import ValuesRefused, too_long, unmapped
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas.building import Values
    from schemas.model import Group, SchemaVersion
    from schemas.reading import Document

_is_integer: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII).fullmatch
# "100.000" is a hundred thousand to whoever typed it, and a hundred to a program.
_is_number: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?", re.ASCII).fullmatch
_BOOLEANS: Final = {"True": True, "False": False, "true": True, "false": False}
_ADD_CODE: Final = Text(
    vi="Thêm giá trị vào codes trong [target.lgsp]",
    en="add the value to codes in [target.lgsp]",
)
_Json: TypeAlias = "str | int | float | bool | list[dict[str, _Json]] | dict[str, _Json]"


class Zone(Enum):
    """How a time tells its zone."""

    LOCAL_Z = "local_z"
    """Vietnamese time with a literal Z behind it, as implementers send: labelled wrongly."""
    UTC_Z = "utc_z"
    OFFSET = "offset"
    """+07:00"""
    BARE_OFFSET = "bare_offset"
    """+0700"""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class LgspForm:
    """How one target wants one message; paths have dots: "Attachments.IsVerified"."""

    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By path, fields of ours in place of the default; AGENCY and MESSAGE stand for the head's."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """By path, what is written where no source gives anything."""
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By path, what is written for each value, OTHERS for the rest; another value is refused."""
    kinds: Mapping[str, LgspKind] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    """Paths that are not written at all."""
    names: Mapping[str, str] = field(default_factory=dict)
    """By path, another spelling of the last name."""
    max_lengths: Mapping[str, int] = field(default_factory=dict)
    time_format: str = "%Y-%m-%dT%H:%M:%S.000"
    zone: Zone = Zone.LOCAL_Z


class LgspWriter:
    """Writes the documents of one packet for one target."""

    def __init__(self, packet: str, *, form: LgspForm) -> None:
        self._fields = FIELDS[packet]
        self._form = form
        self._constants = {**CONSTANTS, **form.constants}

    def write(self, document: Document) -> bytes:
        """
        Return the fields of `document` as one JSON object; the same bytes each time.

        Raises:
            ValuesRefused: values that are missing or that this target does not take, all of them.
        """
        head = {AGENCY: document.agency_code, MESSAGE: document.message_id}
        run = _Run(self._form, self._constants, {**document.values, **head})
        written = run.object_of({**document.values, **head}, self._fields, path="", place="")
        if run.problems:
            raise ValuesRefused(tuple(run.problems))
        return json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()


def wrong_lgsp_paths(form: LgspForm, packet: str, versions: Sequence[SchemaVersion]) -> list[Text]:
    """Tell which paths of `form` are no field of the message, and which sources none of ours."""
    known = dict(_paths(FIELDS[packet]))
    named = (form.sources, form.constants, form.codes, form.kinds, form.names, form.max_lengths)
    wrong = sorted({path for table in named for path in table} | form.left_out)
    problems = [
        Text(
            vi=f"{path}: không phải trường của LGSP ({packet})",
            en=f"{path}: not a field of the LGSP's schema ({packet})",
        )
        for path in wrong
        if path not in known
    ]
    problems += [
        Text(
            vi=f"{path}: LGSP bắt buộc trường này, không bỏ được",
            en=f"{path}: required by the LGSP's schema, so it cannot be left out",
        )
        for path in sorted(form.left_out & known.keys())
        if known[path].required
    ]
    ours = {AGENCY, MESSAGE}.union(*(_names(version.packets[packet]) for version in versions))
    for path, sources in sorted(form.sources.items()):
        holder = known.get(path.rpartition(".")[0])
        # Inside an array, of the item first; else of the document as a whole.
        inside = {f"{source}." for source in holder.sources} if holder is not None else set()
        candidates = ours | {name.removeprefix(one) for one in inside for name in ours}
        problems += [
            Text(
                vi=f"{path}: nguồn {source} không phải trường của hồ sơ",
                en=f"{path}: its source {source} is no field of a dossier",
            )
            for source in sources
            if source not in candidates
        ]
    return problems


def _paths(fields: tuple[LgspField, ...], prefix: str = "") -> Iterator[tuple[str, LgspField]]:
    for one in fields:
        yield f"{prefix}{one.name}", one
        yield from _paths(one.fields, f"{prefix}{one.name}.")


def _names(group: Group, prefix: str = "") -> Iterator[str]:
    for one in group.fields.values():
        yield f"{prefix}{one.name}"
        if one.group is not None:
            yield from _names(one.group, f"{prefix}{one.name}.")


class _Run:
    """The writing of one document; what is wrong is collected on the way."""

    def __init__(self, form: LgspForm, constants: Mapping[str, str], whole: Values) -> None:
        self._form = form
        self._constants = constants
        self._whole = whole
        self.problems: list[Problem] = []

    def object_of(
        self, values: Values, fields: tuple[LgspField, ...], *, path: str, place: str
    ) -> dict[str, _Json]:
        written: dict[str, _Json] = {}
        for one in fields:
            inside, at = f"{path}{one.name}", f"{place}{one.name}"
            if inside in self._form.left_out:
                continue
            name = self._form.names.get(inside, one.name)
            if one.fields:
                items = self._items(values, one, inside)
                if items:
                    written[name] = [
                        self.object_of(
                            item, one.fields, path=f"{inside}.", place=f"{at}[{number}]."
                        )
                        for number, item in enumerate(items, start=1)
                    ]
                continue
            value = self._scalar(values, one, path=inside, place=at)
            if value is not None:
                written[name] = value
        return written

    def _items(self, values: Values, one: LgspField, path: str) -> Sequence[Values]:
        for source in self._form.sources.get(path, one.sources):
            found = values.get(source)
            if found and not isinstance(found, str):
                return found
        return ()

    def _scalar(self, values: Values, one: LgspField, *, path: str, place: str) -> _Json | None:
        sources = self._form.sources.get(path, one.sources)
        found = next(filter(None, (self._find(values, source) for source in sources)), "")
        codes = self._form.codes.get(path, one.codes)
        if found and codes is not None:
            if found not in codes and OTHERS not in codes:
                self._refuse(unmapped(place, prefix="lgsp", remedy=_ADD_CODE))
                return None
            found = codes.get(found, codes.get(OTHERS, ""))
        is_constant = not found
        found = found or self._constants.get(path, "")
        if not found:
            if one.required:
                self._refuse(_missing(place, sources))
            return None
        longest = self._form.max_lengths.get(path)
        if longest is not None and len(found) > longest:
            self._refuse(too_long(place, len(found), longest=longest, prefix="lgsp"))
            return None
        kind = self._form.kinds.get(path, one.kind)
        if kind is LgspKind.TIME and is_constant:
            # As it stands: the zeros are no date at all.
            return found
        written = self._written(found, kind)
        if written is None:
            self._refuse(_of_no_kind(place, kind))
        return written

    def _find(self, values: Values, source: str) -> str:
        """Return what a source gives, blank for nothing; an array that is there gives true."""
        holder, _, name = source.rpartition(".")
        if holder and holder in self._whole:
            items = self._whole[holder]
            # Several identities are several answers: which is meant is not to be guessed.
            values = items[0] if not isinstance(items, str) and len(items) == 1 else {}
        elif holder:
            return ""
        found = values.get(name, "" if values is self._whole else self._whole.get(name, ""))
        if isinstance(found, str):
            return found
        return "true" if found else ""

    def _written(self, value: str, kind: LgspKind) -> _Json | None:
        if kind is LgspKind.TEXT:
            return value
        if kind is LgspKind.INTEGER:
            return int(value) if _is_integer(value) else None
        if kind is LgspKind.NUMBER:
            if not _is_number(value):
                return None
            return float(value) if "." in value else int(value)
        if kind is LgspKind.BOOLEAN:
            return _BOOLEANS.get(value)
        return _write_time(value, self._form)

    def _refuse(self, problem: Problem) -> None:
        self.problems.append(problem)


def _write_time(value: str, form: LgspForm) -> str | None:
    try:
        at = datetime.strptime(value, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
    except ValueError:
        return None
    if form.zone is Zone.UTC_Z:
        at = at.astimezone(UTC)
    ending = {
        Zone.LOCAL_Z: "Z",
        Zone.UTC_Z: "Z",
        Zone.OFFSET: "+07:00",
        Zone.BARE_OFFSET: "+0700",
        Zone.NONE: "",
    }
    return at.strftime(form.time_format) + ending[form.zone]


def _missing(place: str, sources: Sequence[str]) -> Problem:
    ours = ", ".join(sources)
    return Problem(
        code="lgsp.missing",
        message=Text(
            vi=f"{place}: LGSP bắt buộc, hồ sơ không có ({ours or 'không có trường nguồn'})",
            en=f"{place}: required by the LGSP, and the dossier has none "
            f"({ours or 'no field of ours gives it'})",
        ),
        place=Place(path=place),
        field=place,
        suggestion=Text(
            vi="Bổ sung ở dữ liệu nguồn, hoặc đặt sources hay constants trong [target.lgsp]",
            en="give it at the source, or name sources or constants in [target.lgsp]",
        ),
    )


def _of_no_kind(place: str, kind: LgspKind) -> Problem:
    words = {
        LgspKind.INTEGER: ("một số nguyên", "an integer"),
        LgspKind.NUMBER: ("một số như 150000 hoặc 0.5", "a number like 150000 or 0.5"),
        LgspKind.BOOLEAN: ("True hoặc False", "True or False"),
        LgspKind.TIME: ("một ngày giờ có thật", "a date and time that exist"),
    }
    vi, en = words[kind]
    return Problem(
        code="lgsp.value",
        message=Text(vi=f"{place}: cần {vi}", en=f"{place}: expected {en}"),
        place=Place(path=place),
        field=place,
        suggestion=Text(
            vi="Sửa ở dữ liệu nguồn rồi gửi lại",
            en="mend it at the source and submit it again",
        ),
    )

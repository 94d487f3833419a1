"""
Reading the annex of a decision: a table of services as an office keeps it.

Columns go by many names, titles stand above them, and groups stand in a column or in rows of their
own ("III. Sở Xây dựng"). What cannot be understood is reported at its cell, all of it, and then
nothing is imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from mappings.catalogue import Group, Level, Service, load_groups
from mappings.kinds import RULES
from mappings.kinds.codes import read_procedure_code
from mappings.mistakes import closest, listed
from mappings.tables import load_column
from mappings.texts import fold_name
from mappings.values import as_text
from schemas.problem import Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from adapters import SourceRecord

COLUMNS = {
    "code": ("ma tthc", "ma thu tuc", "ma thu tuc hanh chinh", "ma so tthc", "ma so", "ma dvc"),
    "title": (
        "ten tthc", "ten thu tuc", "ten thu tuc hanh chinh", "thu tuc hanh chinh",
        "ten dich vu cong", "dich vu cong", "ten dich vu",
    ),
    "group": (
        "nhom", "nhom don vi", "don vi", "don vi thuc hien", "co quan", "co quan thuc hien",
        "co quan giai quyet",
    ),
    "level": ("muc do", "muc", "muc do dvc", "muc do dich vu cong", "muc do dvctt"),
    "components": ("thanh phan ho so", "ma thanh phan", "ma thanh phan ho so", "thanh phan"),
    "assurance": ("muc do xac thuc", "muc do dinh danh", "muc xac thuc", "muc do bao dam"),
}  # fmt: skip
"""By what is meant: the names seen, folded; a user may name others."""
_LEVELS = {
    "3": Level.THREE, "muc 3": Level.THREE, "muc do 3": Level.THREE, "iii": Level.THREE,
    "4": Level.FOUR, "muc 4": Level.FOUR, "muc do 4": Level.FOUR, "iv": Level.FOUR,
    "mot phan": Level.PARTIAL, "toan trinh": Level.FULL,
}  # fmt: skip
_NUMBERING = re.compile(r"^\s*(?:[IVXLC]+|[A-Z]|\d+(?:\.\d+)*)\s*[.)\-–:]\s*")


def is_known(column: str) -> bool:
    """Return whether annexes call a column so."""
    return any(fold_name(column) in names for names in COLUMNS.values())


def find_columns(names: Iterable[str], *, given: Mapping[str, str]) -> dict[str, str]:
    """Return which of the file's columns holds what; `given` is what the user said."""
    folded = {fold_name(name): name for name in names}
    found = {
        meaning: next((folded[name] for name in known if name in folded), "")
        for meaning, known in COLUMNS.items()
    }
    return {meaning: name for meaning, name in (found | dict(given)).items() if name}


@dataclass(slots=True, kw_only=True)
class Annex:
    """What was read so far."""

    columns: Mapping[str, str]
    valid_from: date
    group: Group | None = None
    """Of the last row that names one for those below it."""
    services: dict[tuple[str, str], Service] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def take(self, record: SourceRecord) -> None:
        """Read one row."""
        texts = {
            meaning: as_text(record.values.get(name)) for meaning, name in self.columns.items()
        }
        filled = [text for value in record.values.values() if (text := as_text(value))]
        heading = self._heading(filled) if not texts.get("code") and len(filled) <= 2 else None
        if heading is not None:
            self.group = heading
            return
        if not texts.get("code") and not texts.get("title"):
            return
        code = self._code(texts, record)
        group = self._group(texts, record)
        level = self._level(texts, record)
        assurance = self._assurance(texts, record)
        if code is None or group is None or level is _WRONG or assurance is _WRONG:
            return
        key = (code, group.code)
        if key in self.services:
            self._warn(
                record,
                "code",
                "catalogue.repeated",
                Text(
                    vi=f"{code} đã có trong nhóm {group.name} ở một dòng trước",
                    en=f"{code} stood in group {group.name} in a row before",
                ),
            )
        titles = load_column("procedures", "title")
        title = titles[code][0].target if code in titles else texts.get("title", "")
        self.services[key] = Service(
            code=code,
            title=title,
            group=group.code,
            level=level if isinstance(level, Level) else None,
            components=_listed_codes(texts.get("components", "")),
            assurance=assurance if isinstance(assurance, int) else None,
            valid_from=self.valid_from,
        )

    def _heading(self, filled: Sequence[str]) -> Group | None:
        return next((group for text in filled if (group := group_of(text)) is not None), None)

    def _code(self, texts: Mapping[str, str], record: SourceRecord) -> str | None:
        if not texts.get("code"):
            return self._code_by_title(texts["title"], record)
        reading = read_procedure_code(texts["code"])
        severities = [RULES[found.code].severity for found in reading.findings]
        for found, severity in zip(reading.findings, severities, strict=True):
            self._complain(
                record, "code", found.code, found.text, found.suggestion, severity=severity
            )
        return None if Severity.ERROR in severities else reading.text

    def _code_by_title(self, title: str, record: SourceRecord) -> str | None:
        codes = _codes_by_title().get(fold_name(_NUMBERING.sub("", title)), ())
        if len(codes) == 1:
            return codes[0]
        what = (
            Text(
                vi=f"tên này có nhiều mã: {listed(codes)}",
                en=f"several codes have this title: {listed(codes)}",
            )
            if codes
            else Text(
                vi="không có mã, và tên không có trong danh mục TTHC",
                en="there is no code, and no procedure has this title",
            )
        )
        self._complain(
            record,
            "title",
            "catalogue.code_missing",
            what,
            Text(vi="điền mã TTHC vào tệp", en="fill the procedure's code in"),
        )
        return None

    def _group(self, texts: Mapping[str, str], record: SourceRecord) -> Group | None:
        text = texts.get("group", "")
        group = group_of(text) if text else self.group
        if group is not None:
            return group
        names = [one.name for one in load_groups()]
        self._complain(
            record,
            "group",
            "catalogue.group_unknown",
            Text(
                vi=f"không biết nhóm {text!r}" if text else "dòng này không thuộc nhóm nào",
                en=f"there is no group {text!r}" if text else "this row belongs to no group",
            ),
            closest(text, names)
            or Text(vi=f"các nhóm: {listed(names, limit=30)}", en=f"groups: {listed(names)}"),
        )
        return None

    def _level(self, texts: Mapping[str, str], record: SourceRecord) -> Level | _Wrong | None:
        text = texts.get("level", "")
        level = _LEVELS.get(fold_name(text))
        if level is not None or not text:
            return level
        self._complain(
            record,
            "level",
            "catalogue.level_unknown",
            Text(vi=f"không biết mức độ {text!r}", en=f"there is no level {text!r}"),
            Text(vi="ghi 3, 4, một phần hoặc toàn trình", en="write 3, 4, một phần or toàn trình"),
        )
        return _WRONG

    def _assurance(self, texts: Mapping[str, str], record: SourceRecord) -> int | _Wrong | None:
        text = texts.get("assurance", "")
        found = re.fullmatch(r"\D*([1-4])", text)
        if found is not None:
            return int(found[1])
        if not text:
            return None
        self._complain(
            record,
            "assurance",
            "catalogue.assurance_unknown",
            Text(
                vi=f"không biết mức xác thực {text!r}",
                en=f"there is no level of identity assurance {text!r}",
            ),
            Text(vi="ghi 1 đến 4", en="write 1 to 4"),
        )
        return _WRONG

    def _warn(
        self,
        record: SourceRecord,
        meaning: str,
        code: str,
        message: Text,
        suggestion: Text | None = None,
    ) -> None:
        self._complain(record, meaning, code, message, suggestion, severity=Severity.WARNING)

    def _complain(
        self,
        record: SourceRecord,
        meaning: str,
        code: str,
        message: Text,
        suggestion: Text | None,
        *,
        severity: Severity = Severity.ERROR,
    ) -> None:
        column = self.columns.get(meaning)
        self.problems.append(
            Problem(
                code=code,
                message=message,
                severity=severity,
                place=record.place if column is None else record.place_of(column),
                suggestion=suggestion,
            )
        )


class _Wrong:
    """A value that was reported."""


_WRONG = _Wrong()


def group_of(text: str) -> Group | None:
    """Return the group that a text names, with or without a number before it."""
    known = _groups_by_name()
    return known.get(fold_name(text)) or known.get(fold_name(_NUMBERING.sub("", text)))


@cache
def _groups_by_name() -> dict[str, Group]:
    return {
        fold_name(name): group
        for group in load_groups()
        for name in (group.code, group.name, *group.aliases)
    }


@cache
def _codes_by_title() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for code, spans in load_column("procedures", "title").items():
        title = fold_name(spans[0].target)
        found[title] = (*found.get(title, ()), code)
    return found


def _listed_codes(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s;,|]+", text) if part)

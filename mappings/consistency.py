"""
What the fields of one dossier say together: dates in order, statuses that follow each other.

Nobody published such rules for the portal, so whatever is found is a warning and the record goes
on, unless the mapping makes it an error.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from mappings.compiling import paths_of
from mappings.language import FieldRule
from mappings.scope import Site
from mappings.statuses import is_known
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mappings.groups import Built
    from mappings.language import GroupRule, MappingFile
    from mappings.scope import Scope

    CheckDossier: TypeAlias = Callable[[Scope, Built], None]
    CheckProgress: TypeAlias = Callable[[Scope, Sequence[Built]], None]

_DATE_ORDER = "value.date_order"
_TRANSITION = "value.status_transition"
FINDINGS = (_DATE_ORDER, _TRANSITION)
"""What is looked for; a mapping may make each an error."""
_RECEIVED = "NgayTiepNhan"
_LATER = ("NgayHenTra", "NgayTra", "NgayKetThucXuLy")
_STATUS = "TrangThai"


def make_dossier_check(file: MappingFile) -> CheckDossier:
    """Return a function that looks at the values of one dossier."""
    sites = [(name, site_of(name, file.dossier)) for name in _LATER if name in file.dossier]
    severity = file.severities.get(_DATE_ORDER, Severity.WARNING)

    def check(scope: Scope, values: Built) -> None:
        received = values.get(_RECEIVED)
        if not isinstance(received, str):
            return
        for name, site in sites:
            later = values.get(name)
            # Whole days: many systems keep no time of day for one of the two.
            if isinstance(later, str) and later[:8] < received[:8]:
                site.report(
                    scope,
                    _DATE_ORDER,
                    Text(
                        vi=f"{name} {_day(later)} trước ngày tiếp nhận {_day(received)}",
                        en=f"{name} {_day(later)} is before the day of receipt {_day(received)}",
                    ),
                    suggestion=Text(
                        vi="đối chiếu hai ngày tại nguồn; có thể ngày và tháng bị đổi chỗ",
                        en="compare the two days at the source; day and month may be swapped",
                    ),
                    severity=severity,
                )

    return check


def make_progress_check(file: MappingFile) -> CheckProgress:
    """Return a function that looks at the progress rows of one dossier, in their order."""
    if file.progress is None or _STATUS not in file.progress.item.fields:
        return lambda _scope, _rows: None
    site = Site(f"CapNhatTienDoHoSoMC.{_STATUS}", ())
    severity = file.severities.get(_TRANSITION, Severity.WARNING)

    def check(scope: Scope, rows: Sequence[Built]) -> None:
        statuses = [status for row in rows if isinstance(status := row.get(_STATUS), str)]
        for number, (before, after) in enumerate(pairwise(statuses), 2):
            if not is_known(before, after):
                site.report(
                    scope,
                    _TRANSITION,
                    Text(
                        vi=f"dòng tiến độ {number}: trạng thái {before} → {after} chưa từng gặp",
                        en=f"progress row {number}: status {before} → {after} was never seen",
                    ),
                    suggestion=Text(
                        vi="kiểm tra trạng thái và thứ tự các dòng tại nguồn",
                        en="check the statuses and the order of the rows at the source",
                    ),
                    for_integrator=Text(
                        vi="kiểm tra danh mục trạng thái", en="check the code list of statuses"
                    ),
                    severity=severity,
                )

    return check


def site_of(name: str, rules: Mapping[str, FieldRule | GroupRule]) -> Site:
    """Return where a field of these rules comes from, for a finding that concerns it."""
    rule = rules.get(name)
    return Site(name, paths_of(rule) if isinstance(rule, FieldRule) else ())


def _day(moment: str) -> str:
    return f"{moment[6:8]}/{moment[4:6]}/{moment[:4]}"

"""Making deadlines run: a date, so many working days later, with words where that is not sure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from mappings.calendar import MAX_DAYS, load_calendar
from mappings.dates import DateImplausible, format_moment
from mappings.judging import quoted
from mappings.language import Path
from mappings.scope import make_text_reader
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mappings.language import DateRule
    from mappings.scope import Scope, Site

_WHOLE = re.compile(r"([0-9]{1,4})(?:[.,]0+)?")


def with_deadline(
    run: Callable[[Scope], str | None], rule: DateRule, site: Site
) -> Callable[[Scope], str | None]:
    """Return the function of a date rule that counts working days from the date it reads."""
    count = _make_counter(rule.working_days, site)

    def convert(scope: Scope) -> str | None:
        text = run(scope)
        days = count(scope) if text else None
        if not text or days is None:
            return text and None
        start = datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - wall clock
        deadline = load_calendar().add_working_days(start.date(), days)
        if not deadline.is_certain:
            _report_uncertain(site, scope)
        try:
            return format_moment(datetime.combine(deadline.day, rule.at or start.time()))
        except DateImplausible:
            _report_count(site, scope, str(days))
            return None

    return convert


def _make_counter(days: Path | int | None, site: Site) -> Callable[[Scope], int | None]:
    if not isinstance(days, Path):
        return lambda _: days
    read = make_text_reader(days, site)

    def count(scope: Scope) -> int | None:
        text = read(scope)
        if text is None:
            return None
        found = _WHOLE.fullmatch(text)
        if found is None or int(found[1]) > MAX_DAYS:
            _report_count(site, scope, text)
            return None
        return int(found[1])

    return count


def _report_count(site: Site, scope: Scope, text: str) -> None:
    site.report(
        scope,
        "mapping.days_invalid",
        Text(
            vi=f"cần số ngày làm việc 0..{MAX_DAYS}, nhận được {quoted(text)}",
            en=f"expected working days 0..{MAX_DAYS}, found {quoted(text)}",
        ),
        suggestion=Text(
            vi="điền số ngày giải quyết tại nguồn", en="fill the number of days at the source"
        ),
    )


def _report_uncertain(site: Site, scope: Scope) -> None:
    site.report(
        scope,
        "mapping.deadline_uncertain",
        Text(
            vi="ngày hẹn trả tính qua những ngày chưa rõ là ngày nghỉ hay ngày làm việc",
            en="the deadline was counted over days of which it is not sure whether they are worked",
        ),
        suggestion=Text(
            vi="kiểm tra ngày hẹn trả: chưa có thông báo chính thức về ngày nghỉ của năm đó",
            en="check the deadline: the official notice of that year's days off is not known",
        ),
        severity=Severity.WARNING,
    )

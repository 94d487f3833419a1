"""Making conversions run: dates, numbers, code lists and tables, each with its words of refusal."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from mappings.codes import as_written, folding, spans_of
from mappings.dates import (
    FIRST_YEAR,
    LAST_YEAR,
    DateImplausible,
    DateInvalid,
    make_date_reader,
)
from mappings.judging import quoted
from mappings.kinds import RULES, make_kind_reader
from mappings.language import DateRule, DateWriting, NumberWriting, Words
from mappings.mistakes import Neighbours, closest_word, listed
from mappings.scope import make_text_reader
from mappings.tables import load_column
from mappings.texts import NumberInvalid, make_number_reader
from mappings.words import make_words
from mappings.writings import make_date_writer, make_number_writer
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mappings.language import CodeList, FieldRule, KindRule, Lookup, Writing
    from mappings.scope import Scope, Site
    from mappings.tables import Span

    Conversion: TypeAlias = Callable[[str, Scope], str | None]
    Refuse: TypeAlias = Callable[[str, Scope], None]

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?=\d{10}$|(?!\d))", re.ASCII)
"""In 1985, 1985-03-01, 01/03/1985 and yyyyMMddHHmmss; eight digits may be read two ways."""
MAX_SUGGESTIONS = 1024
MAX_SUGGESTED_LENGTH = 100
"""Nobody mistyped a longer value, and comparing it would cost more than converting the record."""
MANY_WORDS = 200
"""So many are not compared one by one."""


def make_conversion(rule: FieldRule, site: Site) -> Conversion | None:
    """
    Return the conversion of a rule, from a text and a scope to a text; None when it has none.

    The function returns "" for nothing, and None after it reported a problem.
    """
    if rule.write is not None:
        return _writing(rule.write, site)
    if rule.date is not None:
        return _date(rule.date, site)
    if rule.number is not None:
        return _number(rule.number, site)
    if rule.kind is not None:
        return _kind(rule.kind, site)
    if rule.codes is not None:
        return _codes(rule.codes, site)
    if rule.lookup is not None and (rule.sources or rule.template or rule.constant):
        return _keyed(rule.lookup, site)
    return None


def _writing(write: Writing, site: Site) -> Conversion:
    """Return the conversion of a value that goes to the agency; it is read as strictly."""
    match write:
        case Words():
            return make_words(write, site)
        case NumberWriting(name=name):
            return _then(_number("plain", site), make_number_writer(name))
        case DateWriting(read=formats, empty=empty):
            return _then(
                _date(DateRule(formats=formats, empty=empty), site), make_date_writer(write)
            )


def _then(read: Conversion, write: Callable[[str], str]) -> Conversion:
    def convert(text: str, scope: Scope) -> str | None:
        found = read(text, scope)
        return write(found) if found else found

    return convert


def make_lookup(lookup: Lookup, site: Site) -> Conversion:
    """Return the function from a code to a column of a packaged table."""

    def refuse(text: str, scope: Scope) -> None:
        site.report(
            scope,
            "mapping.lookup_unknown",
            Text(
                vi=f"bảng {lookup.table} không có mã {quoted(text)}",
                en=f"table {lookup.table} has no code {quoted(text)}",
            ),
            suggestion=suggest(text),
        )

    # Built on first use: the tables are big and many commands need none.
    @lru_cache(maxsize=1)
    def find() -> Conversion:
        return _finder(load_column(lookup.table, lookup.column), as_written, refuse, site)

    suggest = _make_suggester(lambda: load_column(lookup.table, lookup.column))

    def convert(text: str, scope: Scope) -> str | None:
        return find()(text, scope)

    return convert


def _make_suggester(words: Callable[[], Iterable[str]]) -> Callable[[str], Text | None]:
    """Return a function to "did you mean"; a file often repeats one wrong value many times."""

    @lru_cache(maxsize=1)
    def find() -> Callable[[str], Text | None]:
        known = list(words())
        if len(known) > MANY_WORDS:
            return Neighbours(known).closest_word
        return lambda text: closest_word(text, known)

    @lru_cache(maxsize=MAX_SUGGESTIONS)
    def suggest(text: str) -> Text | None:
        return find()(text)

    return lambda text: suggest(text) if len(text) <= MAX_SUGGESTED_LENGTH else None


def _keyed(lookup: Lookup, site: Site) -> Conversion:
    find = make_lookup(lookup, site)
    if lookup.key is None:
        return find
    read = make_text_reader(lookup.key, site)

    def convert(_: str, scope: Scope) -> str | None:
        key = read(scope)
        return find(key, scope) if key else key

    return convert


def _date(rule: DateRule, site: Site) -> Conversion:
    read, empty, formats = make_date_reader(rule.formats), rule.empty, listed(rule.formats)

    def convert(text: str, scope: Scope) -> str | None:
        if text in empty:
            return ""
        try:
            return read(text)
        except DateInvalid:
            site.report(
                scope,
                "mapping.date_invalid",
                Text(
                    vi=f"cần một ngày có thật theo dạng {formats}, nhận được {quoted(text)}",
                    en=f"expected a date that exists, written {formats}, found {quoted(text)}",
                ),
            )
        except DateImplausible:
            report_implausible(site, scope, text)
        return None

    return convert


def report_implausible(site: Site, scope: Scope, text: str) -> None:
    """Say that a date lies outside the years a dossier can have."""
    site.report(
        scope,
        "mapping.date_implausible",
        Text(
            vi=f"ngày {quoted(text)} nằm ngoài {FIRST_YEAR}..{LAST_YEAR}",
            en=f"date {quoted(text)} lies outside {FIRST_YEAR}..{LAST_YEAR}",
        ),
    )


def _number(name: str, site: Site) -> Conversion:
    read, read_plain = make_number_reader(name), make_number_reader("plain")
    takes_decimals = name != "integer"

    def convert(text: str, scope: Scope) -> str | None:
        # A numeric cell is no text of the agency: its point is never a thousands separator.
        is_number = takes_decimals and site.holds_fraction(scope, text)
        try:
            return read_plain(text) if is_number else read(text)
        except NumberInvalid:
            site.report(
                scope,
                "mapping.number_invalid",
                Text(
                    vi=f"cần một số theo dạng {name!r}, nhận được {quoted(text)}",
                    en=f"expected a number of the form {name!r}, found {quoted(text)}",
                ),
            )
            return None

    return convert


def _kind(rule: KindRule, site: Site) -> Conversion:
    read = make_kind_reader(rule.name, writing=rule.writing)
    about = _about(rule, site)
    severities = {code: known.severity for code, known in RULES.items()} | dict(rule.severities)

    def convert(text: str, scope: Scope) -> str | None:
        reading = read(text, scope.day, about(scope))
        if not reading.findings:
            return reading.text
        for code, what, mend, for_integrator in reading.findings:
            source = RULES[code].source
            site.report(
                scope,
                code,
                what,
                suggestion=Text(vi=f"{mend.vi} ({source.vi})", en=f"{mend.en} ({source.en})"),
                for_integrator=for_integrator,
                severity=severities[code],
            )
        stops = any(severities[found.code] is Severity.ERROR for found in reading.findings)
        return None if stops else reading.text

    return convert


def _about(rule: KindRule, site: Site) -> Callable[[Scope], Mapping[str, str]]:
    """Return a function to what the record says of the person, in the words of `kinds`."""
    if rule.born is None and rule.sex is None:
        return lambda _: {}
    born = None if rule.born is None else make_text_reader(rule.born, site)
    sex = None if rule.sex is None else make_text_reader(rule.sex, site)
    sexes = {word.casefold(): "0" for word in rule.male}
    sexes |= {word.casefold(): "1" for word in rule.female}

    def read(scope: Scope) -> Mapping[str, str]:
        year = _YEAR.search(born(scope) or "") if born is not None else None
        told = (sex(scope) or "").casefold() if sex is not None else ""
        return {"born": year[0] if year else "", "sex": sexes.get(told, "")}

    return read


def _codes(code_list: CodeList, site: Site) -> Conversion:
    words = [word for entry in code_list.entries for word in entry.sources]

    suggest = _make_suggester(lambda: words)

    def refuse(text: str, scope: Scope) -> None:
        name = code_list.name
        vi = f"danh mục mã {name!r}" if name else "danh mục mã của trường này"
        en = f"code list {name!r}" if name else "the code list of this field"
        site.report(
            scope,
            "mapping.code_unknown",
            Text(
                vi=f"{vi} không có giá trị {quoted(text)}; đã biết: {listed(words)}",
                en=f"{en} has no value {quoted(text)}; known are {listed(words)}",
            ),
            suggestion=suggest(text),
        )

    return _finder(spans_of(code_list), folding(code_list), refuse, site)


def _finder(
    spans: Mapping[str, Sequence[Span]],
    compare: Callable[[str], str],
    refuse: Refuse,
    site: Site,
) -> Conversion:
    # Most entries have no dates: those need no day.
    timeless = {
        key: found[0].target
        for key, found in spans.items()
        if len(found) == 1 and found[0].valid_from is None and found[0].valid_to is None
    }

    def find(text: str, scope: Scope) -> str | None:
        key = compare(text)
        target = timeless.get(key)
        if target is not None:
            return target
        dated = spans.get(key)
        if dated is None:
            if text:
                refuse(text, scope)
                return None
            return ""
        return _on_day(dated, text, scope, site)

    return find


def _on_day(spans: Sequence[Span], text: str, scope: Scope, site: Site) -> str | None:
    day = scope.day()
    if day is None:
        return None
    for span in spans:
        if span.covers(day):
            return span.target
    validity = "; ".join(f"{span.valid_from or '…'} – {span.valid_to or '…'}" for span in spans)
    site.report(
        scope,
        "mapping.code_not_valid",
        Text(
            vi=f"giá trị {quoted(text)} không có hiệu lực vào ngày {day}; hiệu lực: {validity}",
            en=f"value {quoted(text)} was not in force on {day}; it is in force {validity}",
        ),
    )
    return None

"""Code lists: reading them from a file, and the one form in which values are looked up."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from mappings import keys
from mappings.language import UNFINISHED, CodeEntry, CodeList
from mappings.mistakes import Section, closest, listed
from mappings.tables import Span
from mappings.texts import collapse_spaces
from mappings.yaml_nodes import Items, Scalar, Table
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mappings.judging import Judge
    from mappings.mistakes import Mistakes


def fold(text: str) -> str:
    """Return `text` for comparing without case; accents stay, spaces are collapsed."""
    return collapse_spaces(text.strip()).casefold()


def as_written(text: str) -> str:
    """Return `text` for comparing exactly; records are trimmed too."""
    return text.strip()


def folding(code_list: CodeList) -> Callable[[str], str]:
    """Return how the values of this list are compared."""
    return fold if code_list.ignore_case else as_written


def spans_of(code_list: CodeList) -> Mapping[str, tuple[Span, ...]]:
    """Return what each of the agency's words becomes, and when."""
    compare = folding(code_list)
    spans: dict[str, tuple[Span, ...]] = {}
    for entry in code_list.entries:
        span = Span(entry.valid_from, entry.valid_to, entry.target)
        for source in entry.sources:
            spans[compare(source)] = (*spans.get(compare(source), ()), span)
    return spans


def read_code_lists(section: Section) -> dict[str, CodeList]:
    """Return the named lists under `code_lists`."""
    lists: dict[str, CodeList] = {}
    for name in section:
        inner = section.section(name)
        if inner is None:
            continue
        inner.expect(keys.CODE_LIST)
        entries = tuple(
            entry for item in inner.sections("entries") if (entry := _entry(item)) is not None
        )
        lists[name] = CodeList(
            name=name,
            entries=entries,
            ignore_case=inner.flag("ignore_case", default=False),
            source=inner.text("source"),
            version=inner.text("version"),
            line=inner.line,
        )
        _check_overlaps(lists[name], inner.mistakes, key=inner.inner("entries"))
        _check_finished(lists[name], inner.mistakes, key=inner.inner("entries"))
    return lists


def _entry(section: Section) -> CodeEntry | None:
    section.expect(keys.CODE_ENTRY)
    valid_from, valid_to = section.day("valid_from"), section.day("valid_to")
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        section.complain(
            "mapping.codes_validity",
            Text(
                vi=f"valid_to {valid_to} trước valid_from {valid_from}",
                en=f"valid_to {valid_to} lies before valid_from {valid_from}",
            ),
            key="valid_to",
        )
        return None
    sources, target = section.texts("from"), section.text("to")
    if not sources or target is None:
        return None
    return CodeEntry(
        sources=sources,
        target=target.strip(),
        valid_from=valid_from,
        valid_to=valid_to,
        line=section.line,
    )


def read_inline(section: Section, key: str) -> CodeList | None:
    """Return the list written into a field as `{word: code}`."""
    inner = section.section(key)
    if inner is None:
        return None
    entries = tuple(
        CodeEntry(sources=(word,), target=target.strip(), line=inner.line_of(word))
        for word in inner
        if (target := inner.text(word)) is not None
    )
    code_list = CodeList(name="", entries=entries, line=inner.line)
    _check_overlaps(code_list, inner.mistakes, key=inner.key)
    _check_finished(code_list, inner.mistakes, key=inner.key)
    return code_list


def read_codes(
    section: Section, lists: Mapping[str, CodeList], *, key: str = "codes"
) -> CodeList | None:
    """Return the list that a field names or holds."""
    node = section.node(key)
    if node is None:
        return None
    if isinstance(node, Table):
        return read_inline(section, key)
    if isinstance(node, Items) or not isinstance(node, Scalar):
        section.wrong_type(key, vi="tên một danh mục mã", en="the name of a code list")
        return None
    found = lists.get(node.text)
    if found is None:
        section.complain(
            "mapping.codes_unknown",
            Text(
                vi=f"không có danh mục mã {node.text!r}; có: {listed(lists)}",
                en=f"there is no code list {node.text!r}; there are {listed(lists)}",
            ),
            key=key,
            suggestion=closest(node.text, lists),
        )
    return found


def check_targets(code_list: CodeList, judge: Judge, *, section: Section, field: str) -> None:
    """Complain about every target that the portal's field `field` does not take."""
    for entry in code_list.entries:
        refusal = judge(entry.target) if entry.target not in ("", UNFINISHED) else None
        if refusal is not None:
            section.mistakes.add(
                "mapping.codes_target_refused",
                Text(
                    vi=f"mã đích của {listed(entry.sources)} không dùng được cho {field}: "
                    f"{refusal.text.vi}",
                    en=f"the target of {listed(entry.sources)} cannot stand in {field}: "
                    f"{refusal.text.en}",
                ),
                line=entry.line,
                key=section.inner("codes"),
                suggestion=refusal.advice,
            )


def unfinished_words(code_list: CodeList) -> tuple[str, ...]:
    """Return the words that a draft has no code for."""
    return tuple(
        word for entry in code_list.entries if entry.target == UNFINISHED for word in entry.sources
    )


def _check_finished(code_list: CodeList, mistakes: Mistakes, *, key: str) -> None:
    words = unfinished_words(code_list)
    if words:
        mistakes.add(
            "mapping.unfinished",
            Text(
                vi=f'còn "{UNFINISHED}" ở {listed(words)}: điền mã hoặc văn bản',
                en=f'"{UNFINISHED}" still stands at {listed(words)}: give the code or text',
            ),
            line=code_list.line,
            key=key,
            suggestion=Text(
                vi="một giá trị là lỗi của đơn vị thì bỏ dòng của nó: bản ghi sẽ bị báo lỗi",
                en="take the line of a value out that is the agency's mistake: its record is then "
                "reported",
            ),
        )


def _check_overlaps(code_list: CodeList, mistakes: Mistakes, *, key: str) -> None:
    compare = folding(code_list)
    seen: dict[str, list[CodeEntry]] = {}
    for entry in code_list.entries:
        for source in entry.sources:
            for earlier in seen.setdefault(compare(source), []):
                if _overlap(earlier, entry):
                    mistakes.add(*_overlapping(source, earlier), line=entry.line, key=key)
            seen[compare(source)].append(entry)


def _overlap(one: CodeEntry, other: CodeEntry) -> bool:
    return (one.valid_from or date.min) <= (other.valid_to or date.max) and (
        other.valid_from or date.min
    ) <= (one.valid_to or date.max)


def _overlapping(source: str, earlier: CodeEntry) -> tuple[str, Text]:
    if earlier.valid_from is None and earlier.valid_to is None:
        return "mapping.codes_duplicate", Text(
            vi=f"{source!r} đã có ở dòng {earlier.line}",
            en=f"{source!r} stands already in line {earlier.line}",
        )
    return "mapping.codes_overlap", Text(
        vi=f"{source!r} đã có ở dòng {earlier.line} với thời hạn chồng lên nhau",
        en=f"{source!r} stands already in line {earlier.line}, for days that overlap",
    )

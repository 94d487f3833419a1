"""
The files of a dossier: where an agency's record says that they stand, and what it says of them.

Nothing of this goes to the portal, whose packet has addresses only: it is what is fetched and
checked before the dossier may go (`lienthong.attachments`). A rule has the same words as one of a
repeated group, so a mapping reads its files as it reads anything else.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mappings.compiling import paths_of
from mappings.file_fields import FILE, KEY, WAYS
from mappings.groups import make_item, make_item_scopes
from mappings.language import FieldRule, FixedGroup
from mappings.scope import Site
from mappings.yaml_nodes import Items
from schemas.problem import Place, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mappings.groups import Built
    from mappings.language import GroupRule, ItemRule
    from mappings.mistakes import Section
    from mappings.rules import RuleReader
    from mappings.scope import Scope

    ReadFiles = Callable[[Scope], "tuple[DeclaredFile, ...]"]

MOST_FILES = 200
"""Of one dossier."""
LONGEST_NAME = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFile:
    """One file as its record declares it; the texts as the mapping made them, or empty."""

    number: int
    """1-based, in the dossier."""
    place: Place
    """Of what its bytes come from."""
    name: str
    way: str
    """One of `WAYS`."""
    source: str
    """The address, the base64 text, or the path."""
    size: int | None = None
    """In bytes."""
    sha256: str | None = None
    """In small hex digits."""
    type: str = ""
    component: str = ""


def read_attachments(section: Section, reader: RuleReader) -> tuple[GroupRule, ...]:
    """Return the rules under `attachments`: one group, or a list of them."""
    node = section.node(KEY)
    if node is None:
        return ()
    inner = section.sections(KEY) if isinstance(node, Items) else [section.section(KEY)]
    rules = [(one, reader.group(one, FILE)) for one in inner if one is not None]
    for one, rule in rules:
        for item in () if rule is None else items_of(rule):
            ways = [way for way in WAYS if way in item.fields]
            if len(ways) != 1:
                one.complain(
                    "mapping.attachment_ways",
                    Text(
                        vi="mỗi tệp cần đúng một trong `url`, `data`, `file`: nội dung lấy từ đâu",
                        en="a file needs exactly one of `url`, `data` and `file`: where its bytes "
                        "come from",
                    ),
                )
    return tuple(rule for _, rule in rules if rule is not None)


def items_of(rule: GroupRule) -> tuple[ItemRule, ...]:
    """Return the rules of the items of a group."""
    return rule.items if isinstance(rule, FixedGroup) else (rule.item,)


def ways_of(rules: tuple[GroupRule, ...]) -> frozenset[str]:
    """Return how bytes come that do not stand in the record."""
    items = (item for rule in rules for item in items_of(rule))
    return frozenset(way for item in items for way in ("url", "file") if way in item.fields)


def make_file_reader(rules: tuple[GroupRule, ...]) -> ReadFiles | None:
    """Return a function to the files of a record, or None for a mapping that has none."""
    if not rules:
        return None
    readers = tuple(reader for rule in rules for reader in _readers(rule))

    def read(scope: Scope) -> tuple[DeclaredFile, ...]:
        found: list[DeclaredFile] = []
        for scopes, build, site in readers:
            for inner in scopes(scope):
                values = build(inner)
                # Nothing by a condition is meant; an entry of nothing is a file that is missing.
                if values is not None:
                    declared = _declare(values, inner, site, number=len(found) + 1)
                    if declared is not None:
                        found.append(declared)
        if len(found) > MOST_FILES:
            _FIRST.report(scope, "attachment.too_many", _too_many(len(found)), suggestion=_JOIN)
        return tuple(found)

    return read


_FIRST = Site(KEY, ())


def _readers(
    rule: GroupRule,
) -> Iterator[
    tuple[Callable[[Scope], Iterator[Scope]], Callable[[Scope], Built | None], tuple[str, Site]]
]:
    scopes = make_item_scopes(rule, name=KEY)
    for item, of_item in zip(items_of(rule), scopes, strict=True):
        way = next(way for way in WAYS if way in item.fields)
        bytes_rule = item.fields[way]
        assert isinstance(bytes_rule, FieldRule)
        yield of_item, make_item(item, group=FILE), (way, Site(way, paths_of(bytes_rule)))


def _declare(
    values: Built, scope: Scope, site: tuple[str, Site], *, number: int
) -> DeclaredFile | None:
    way, where = site
    texts = {key: value for key, value in values.items() if isinstance(value, str)}
    source = texts.get(way)
    name = _shown(texts.get("name") or ("" if way == "data" else source or ""))
    if not source:
        # What could not be read was reported; a paper without a file is what must never go out.
        field = f"{scope.field}{way}"
        if all(problem.field != field for problem in scope.problems):
            where.report(
                scope, "attachment.no_source", _no_source(name, number), suggestion=_ATTACH
            )
        return None
    size = texts.get("size")
    return DeclaredFile(
        number=number,
        place=where.source(scope)[0],
        name=name,
        way=way,
        source=source,
        size=None if size is None else int(size),
        sha256=texts["sha256"].lower() if "sha256" in texts else None,
        type=texts.get("type", ""),
        component=texts.get("component", ""),
    )


def _shown(name: str) -> str:
    """Return the last part of a name, in one line."""
    last = name.partition("?")[0] if "://" in name else name
    last = last.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in last)
    return plain.strip()[:LONGEST_NAME]


def _no_source(name: str, number: int) -> Text:
    return Text(
        vi=f"tệp đính kèm số {number} «{name}» không có nội dung và không có nơi để lấy",
        en=f"attachment {number} '{name}' has no content and no place to take it from",
    )


_ATTACH = Text(
    vi="đính kèm tệp tại nguồn rồi gửi lại hồ sơ",
    en="attach the file at the source, and send the dossier again",
)
_JOIN = Text(vi="ghép các tệp lại rồi gửi lại hồ sơ", en="join the files, and send it again")


def _too_many(count: int) -> Text:
    return Text(
        vi=f"hồ sơ có {count} tệp đính kèm, tối đa {MOST_FILES}",
        en=f"the dossier has {count} attachments, at most {MOST_FILES}",
    )

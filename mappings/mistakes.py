"""
Collecting what is wrong in a mapping file, all of it, each with its line and key.

A `Section` is one YAML mapping being read: it answers with values of the wanted type and writes
down whatever is not one, so that the code reading the language only says what it wants.
"""

from __future__ import annotations

import difflib
import re
from datetime import date
from typing import TYPE_CHECKING

from mappings.yaml_nodes import Items, Scalar, Table
from schemas.problem import Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mappings.keys import Keys
    from mappings.yaml_nodes import Node
    from schemas.model import Group

_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}")


class Mistakes:
    """The mistakes of one file, in the order they were found."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.problems: list[Problem] = []

    def add(
        self,
        code: str,
        text: Text,
        *,
        line: int | None,
        key: str = "",
        suggestion: Text | None = None,
        is_warning: bool = False,
    ) -> None:
        """Write one mistake down; a key under `dossier` or `progress` names its portal field."""
        self.problems.append(
            Problem(
                code=code,
                message=text,
                severity=Severity.WARNING if is_warning else Severity.ERROR,
                place=Place(file=self._file, line=line, path=key or None),
                field=_portal_field(key),
                suggestion=suggestion,
            )
        )

    def has_errors(self, *, but: tuple[str, ...] = ()) -> bool:
        """Return whether the file cannot be used, the codes in `but` apart."""
        return any(
            problem.severity is Severity.ERROR and problem.code not in but
            for problem in self.problems
        )


def _portal_field(key: str) -> str | None:
    parts = [re.sub(r"\[\d+\]$", "", part) for part in key.split(".")]
    if len(parts) > 1 and parts[0] == "dossier":
        return ".".join(_without_words(parts[1:]))
    if len(parts) > 2 and parts[:2] == ["progress", "fields"]:
        return ".".join(_without_words(parts[2:]))
    return None


def _without_words(parts: list[str]) -> Iterator[str]:
    """Portal fields start with a capital (or are one); the words of the language do not."""
    return (part for part in parts if part[:1].isupper())


def closest(word: str, known: Iterable[str]) -> Text | None:
    """Return "did you mean" for the nearest of `known`, if one is near."""
    choices = {choice.casefold(): choice for choice in known if choice}
    found = difflib.get_close_matches(word.casefold(), choices, n=1, cutoff=0.6)
    return _did_you_mean(choices[found[0]]) if found else None


class Neighbours:
    """
    "Did you mean" among thousands of codes: those with one character missing, added or wrong.

    `closest` compares with each of them, 15 ms for the procedures: too long for every record of a
    file whose codes are all unknown.
    """

    def __init__(self, codes: Iterable[str]) -> None:
        self._by_rest: dict[str, str] = {}
        for code in codes:
            for rest in _rests(code):
                self._by_rest.setdefault(rest, code)

    def closest(self, word: str) -> Text | None:
        """Return the question for a neighbour of `word`, if there is one."""
        found = next((self._by_rest[rest] for rest in _rests(word) if rest in self._by_rest), None)
        return None if found is None else _did_you_mean(found)

    def closest_word(self, text: str) -> Text | None:
        """Return the same for a value, as `closest_word` does."""
        return self.closest(text) if _has_letters(text) else None


def _rests(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _did_you_mean(word: str) -> Text:
    return Text(vi=f"có phải là {word!r}?", en=f"did you mean {word!r}?")


def closest_word(text: str, known: Iterable[str]) -> Text | None:
    """Return `closest` of a value; None for one without letters: any code is near to another."""
    return closest(text, known) if _has_letters(text) else None


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


def listed(words: Iterable[str], *, limit: int = 20) -> str:
    """Return the words as a list for a sentence, cut after `limit`."""
    everything = list(words)
    shown = ", ".join(repr(word) for word in everything[:limit])
    return shown if len(everything) <= limit else f"{shown}, … ({len(everything)})"


class Section:
    """One YAML mapping while it is read."""

    def __init__(
        self, table: Table, *, key: str, mistakes: Mistakes, line: int | None = None
    ) -> None:
        self._table = table
        self.key = key
        self.line = line or table.line
        """Line of the key that holds the section, else of its first entry."""
        self.mistakes = mistakes

    def __contains__(self, key: str) -> bool:
        return key in self._table.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.entries)

    def node(self, key: str) -> Node | None:
        """Return the node under `key`, or None."""
        entry = self._table.entries.get(key)
        return None if entry is None else entry[1]

    def line_of(self, key: str) -> int:
        """Return the line of `key`, or of the section when it is not there."""
        entry = self._table.entries.get(key)
        return self.line if entry is None else entry[0].line

    def inner(self, key: str) -> str:
        """Return the whole key of `key` in here."""
        return f"{self.key}.{key}" if self.key else key

    def complain(
        self, code: str, text: Text, *, key: str = "", suggestion: Text | None = None
    ) -> None:
        """Write a mistake down at `key`, or at the section itself."""
        self.mistakes.add(
            code,
            text,
            line=self.line_of(key) if key else self.line,
            key=self.inner(key) if key else self.key,
            suggestion=suggestion,
        )

    def allow(self, *known: str, required: tuple[str, ...] = ()) -> None:
        """Complain about every key that is not known and every required one that is missing."""
        for key in self._table.entries:
            if key not in known and key not in required:
                self.complain(
                    "mapping.key_unknown",
                    Text(
                        vi=f"không có khóa {key!r} ở đây; các khóa có thể dùng: "
                        f"{listed((*required, *known))}",
                        en=f"there is no key {key!r} here; the keys are "
                        f"{listed((*required, *known))}",
                    ),
                    key=key,
                    suggestion=closest(key, (*required, *known)),
                )
        for key in required:
            if key not in self._table.entries:
                self.complain(
                    "mapping.key_missing", Text(vi=f"thiếu khóa {key!r}", en=f"missing key {key!r}")
                )

    def expect(self, keys: Keys) -> None:
        """Complain about every key that is not among `keys` and every required one missing."""
        self.allow(*keys.optional, required=tuple(keys.required))

    def text(self, key: str) -> str | None:
        """Return a text as written; None when absent or, with a complaint, when it is no text."""
        node = self.node(key)
        return None if node is None else self.text_of(node, key)

    def text_of(self, node: Node, key: str) -> str | None:
        """Return the text of a node that belongs to `key`."""
        if isinstance(node, Scalar) and not node.is_null:
            return node.text
        self.wrong_type(key, vi="một văn bản", en="a text", line=node.line)
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return one text or a list of them; () when absent or wrong."""
        node = self.node(key)
        if node is None:
            return ()
        nodes = node.nodes if isinstance(node, Items) else (node,)
        if not nodes:
            self.wrong_type(key, vi="ít nhất một giá trị", en="at least one value")
        found = [self.text_of(each, key) for each in nodes]
        return tuple(text for text in found if text is not None)

    def number(self, key: str) -> int | None:
        """Return a whole number, zero or more."""
        node = self.node(key)
        if node is None:
            return None
        if isinstance(node, Scalar) and _INTEGER.fullmatch(node.text):
            return int(node.text)
        self.wrong_type(key, vi="một số nguyên", en="a whole number")
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        node = self.node(key)
        if node is None:
            return default
        if isinstance(node, Scalar) and node.text in ("true", "false"):
            return node.text == "true"
        self.wrong_type(key, vi="true hoặc false", en="true or false")
        return default

    def day(self, key: str) -> date | None:
        """Return a day written yyyy-MM-dd; None (no bound) when absent or null."""
        node = self.node(key)
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return None
        if isinstance(node, Scalar) and re.fullmatch(r"\d{4}-\d\d-\d\d", node.text):
            try:
                return date.fromisoformat(node.text)
            except ValueError:
                pass
        self.wrong_type(key, vi="một ngày yyyy-MM-dd", en="a day yyyy-MM-dd")
        return None

    def section(self, key: str) -> Section | None:
        """Return the mapping under `key`."""
        node = self.node(key)
        return None if node is None else self.section_of(node, key)

    def section_of(self, node: Node, key: str) -> Section | None:
        """Return a node that belongs to `key` as a mapping."""
        if isinstance(node, Table):
            line = self.line_of(key) if key in self else node.line
            return Section(node, key=self.inner(key), mistakes=self.mistakes, line=line)
        self.wrong_type(key, vi="một nhóm khóa: giá trị", en="a mapping of keys", line=node.line)
        return None

    def sections(self, key: str) -> list[Section]:
        """Return a list of mappings; [] when absent or wrong."""
        node = self.node(key)
        if node is None:
            return []
        if not isinstance(node, Items):
            self.wrong_type(key, vi="một danh sách", en="a list")
            return []
        found = [self.section_of(each, f"{key}[{n}]") for n, each in enumerate(node.nodes)]
        return [section for section in found if section is not None]

    def wrong_type(self, key: str, *, vi: str, en: str, line: int | None = None) -> None:
        """Complain that `key` holds something else than what is wanted here."""
        self.mistakes.add(
            "mapping.type_wrong",
            Text(vi=f"{key!r} phải là {vi}", en=f"{key!r} must be {en}"),
            line=line or self.line_of(key),
            key=self.inner(key),
        )


def complain_unknown_field(section: Section, name: str, group: Group) -> None:
    """Complain that the portal has no field `name` among those of `group`."""
    section.complain(
        "mapping.field_unknown",
        Text(
            vi=f"Cổng không có trường {name!r} trong {group.name}",
            en=f"the portal has no field {name!r} in {group.name}",
        ),
        key=name,
        suggestion=closest(name, group.fields),
    )

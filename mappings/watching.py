"""
Where somebody may look on while a mapping is compiled: every part is shown before it is used.

`Watch` hands each part back as it got it, so a converter runs exactly what was compiled. What
explains a conversion (`explaining`) puts a note-taker around the same parts: it sees every value
pass and makes none, so it cannot disagree with the conversion.
"""
# ruff: noqa: ARG002 - whoever looks at nothing needs no arguments

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mappings.language import FieldRule, GroupRule, Path, Template, TextRule

T = TypeVar("T")
# The scope is Any here: whoever makes scopes must be able to import this module.
Read: TypeAlias = "Callable[[Any], str | None]"
Convert: TypeAlias = "Callable[[str, Any], str | None]"


class Watch:
    """Looks at nothing; each method returns its first argument."""

    def field(self, run: Read, *, name: str, rule: FieldRule) -> Read:
        """Show one whole field."""
        return run

    def constants(
        self, build: Callable[[Any], T], *, rules: Mapping[str, FieldRule]
    ) -> Callable[[Any], T]:
        """Show the building of several fields, some of which are only constants."""
        return build

    def group(self, build: Callable[[Any], T], *, name: str, rule: GroupRule) -> Callable[[Any], T]:
        """Show one repeated group."""
        return build

    def packet(self, build: Callable[[Any], T], *, name: str) -> Callable[[Any], T]:
        """Show the building of a whole packet."""
        return build

    def source(self, read: Read, *, origin: Path | Template | str) -> Read:
        """Show where a text comes from: a path, a template, or a constant."""
        return read

    def alternative(self, run: Read, *, rule: FieldRule, number: int) -> Read:
        """Show one alternative of a field, with its place among them from 1."""
        return run

    def date_cells(self, run: Read, *, rule: FieldRule) -> Read:
        """Show a reading that takes a workbook's date cells before it reads a text."""
        return run

    def deadline(self, run: Read, *, rule: FieldRule) -> Read:
        """Show a reading that counts working days from the date it reads."""
        return run

    def text(self, step: Convert, *, rule: TextRule) -> Convert:
        """Show one text rule."""
        return step

    def conversion(self, convert: Convert, *, rule: FieldRule) -> Convert:
        """Show the conversion of a field."""
        return convert


UNWATCHED: Final = Watch()

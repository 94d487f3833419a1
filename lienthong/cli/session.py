"""What every command gets: the language, the settings, the installation, and how to speak."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from lienthong.cli.terminal import Terminal
from schemas.problem import Language, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lienthong.proving import Proving
    from lienthong.remarks import Remark
    from lienthong.settings import Settings
    from lienthong.wiring import Installation

PIPE_WIDTH = 120


class Exit(Enum):
    """What the exit code of a command says."""

    DONE = 0
    PARTLY = 1
    """Done, but some records were rejected, or a verification failed."""
    USAGE = 2
    """Wrong usage or configuration."""
    UNREACHABLE = 3
    """A service cannot be reached."""


@dataclass(kw_only=True)
class Session:
    """One run of the command line."""

    language: Language
    settings_file: Path | None
    data_dir: Path | None

    @cached_property
    def settings(self) -> Settings:
        """The settings of this run, loaded when first needed."""
        from lienthong.settings import load_settings

        return load_settings(file=self.settings_file, data_dir=self.data_dir)

    @cached_property
    def installation(self) -> Installation:
        """The installation of this run, put together when first needed."""
        made: Installation = import_module("lienthong.wiring").Installation(self.settings)
        return made

    @cached_property
    def proving(self) -> Proving:
        """What makes and checks its evidence."""
        made: Proving = import_module("lienthong.proving").Proving(self.installation)
        return made

    @cached_property
    def out(self) -> Terminal:
        """Where results go."""
        # Into a file or a pipe, tables get the width they need instead of a terminal's 80 columns.
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        return Terminal(highlight=False, soft_wrap=True, width=width, emoji=False)

    @cached_property
    def err(self) -> Terminal:
        """Where everything else goes: progress, warnings, errors."""
        return Terminal(stderr=True, highlight=False, soft_wrap=True, emoji=False)

    def say(self, text: Text, *, style: str | None = None) -> None:
        """Print one sentence as a result."""
        self.out.print(escape(text.say(self.language)), style=style)

    def tell(self, text: Text, *, style: str | None = None) -> None:
        """Print one sentence beside the result."""
        self.err.print(escape(text.say(self.language)), style=style)

    def word(self, vi: str, en: str) -> str:
        """Return a word of a table or label in the user's language."""
        return Text(vi=vi, en=en).say(self.language)

    def advice(self, suggestion: Text | None, for_integrator: Text | None) -> list[str]:
        """Return what to do about a finding, in lines; the integrator's part says that it is."""
        lines = [] if suggestion is None else [suggestion.say(self.language)]
        if for_integrator is not None:
            label = self.word("ánh xạ", "mapping")
            lines.append(f"{label}: {for_integrator.say(self.language)}")
        return lines

    def json(self, value: Any) -> None:
        """Print a result for machines: one JSON document, nothing else on standard output."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")

    def problems(self, problems: Iterable[Problem], *, to_err: bool = False) -> None:
        """Print findings, each with its place and what to do."""
        console = self.err if to_err else self.out
        for problem in problems:
            style = "red" if problem.severity is Severity.ERROR else "yellow"
            place = problem.place.say(self.language)
            where = f"{place}: " if place else ""
            sentence = problem.message.say(self.language)
            console.print(f"[{style}]{problem.code}[/]  {escape(where + sentence)}")
            for advice in self.advice(problem.suggestion, problem.for_integrator):
                console.print(f"    → {escape(advice)}")


def finish_remarks(
    session: Session,
    found: Sequence[tuple[str, Remark]],
    *,
    what: str,
    well: Text,
    as_json: bool,
) -> None:
    """
    Show what there is to say about settings, and end: PARTLY where something cannot work.

    Args:
        session: Of the command.
        found: Each with the name of what it is about.
        what: The name of that name, for machines.
        well: Said where there is nothing else to say.
        as_json: For a machine.
    """
    if as_json:
        session.json(
            [
                {
                    what: name,
                    "fault": remark.is_fault,
                    "found": remark.found._asdict(),
                    "remedy": remark.remedy._asdict(),
                }
                for name, remark in found
            ]
        )
    else:
        for name, remark in found:
            session.say(Text(*(f"{name}: {words}" for words in remark.found)))
            session.say(Text(*(f"  {words}" for words in remark.remedy)))
        if not found:
            session.say(well)
    finish(Exit.PARTLY if any(remark.is_fault for _, remark in found) else Exit.DONE)


def finish(code: Exit) -> None:
    """End the command with an exit code."""
    if code is not Exit.DONE:
        raise typer.Exit(code.value)

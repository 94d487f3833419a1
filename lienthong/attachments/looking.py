"""Fetching files only to look at them, for who checks a file of records before handing it in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lienthong.attachments.inspecting import Inspector
from lienthong.attachments.summing import TOO_MUCH, FileSum
from lienthong.attachments.words import FileAway, FileWrong
from schemas.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.attachments.inspecting import FoundFile
    from lienthong.attachments.manifest import FileLimits, PreparedFile
    from lienthong.attachments.packed import PackedFiles
    from lienthong.attachments.sources import FileSources
    from schemas.problem import Problem


class FileLooker:
    """Fetches the files of one agency's records and keeps none."""

    def __init__(
        self,
        sources: FileSources,
        *,
        agency: str,
        limits: FileLimits,
        archive: PackedFiles | None = None,
    ) -> None:
        self._archive = archive
        self._sources = sources
        self._agency = agency
        self._limits = limits

    def look(self, files: Sequence[PreparedFile]) -> tuple[list[Problem], int]:
        """Return what is wrong with files, and how many of them could not be had now."""
        problems: list[Problem] = []
        away = 0
        known = FileSum(self._limits)
        for one in files:
            try:
                known.add(one.declared, self._look(one, limit=known.room).size)
            except FileWrong as error:
                problems.append(known.judge(error, one.declared))
                if problems[-1].code == TOO_MUCH:
                    break
            except FileAway as error:
                # Later it may be there, and the exchange would wait for it.
                problems.append(replace(error.problem, severity=Severity.WARNING))
                away += 1
        return problems, away

    def _look(self, one: PreparedFile, *, limit: int) -> FoundFile:
        inspector = Inspector(one.declared, limit=limit)
        opened = self._sources.open(
            one.declared, agency=self._agency, limit=limit, archive=self._archive
        )
        with opened as parts:
            for part in parts:
                inspector.feed(part)
        return inspector.finish()

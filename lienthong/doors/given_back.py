"""
Annotated files in `results/annotated/`: what an agency put into its folder, with what is wrong.

Which submissions have something to say is noted in the worker's folder before their results are
written down, so a crash leaves none out; a file is written once its submission is read to the end,
and again, in the same place, when the portal has refused more of it.
"""

from __future__ import annotations

import json
import os
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, cast

import structlog

from lienthong.doors.moves import fitting, shown, write_json
from lienthong.flows.annotate import Annotator, name_of
from lienthong.logs import kind_and_place
from lienthong.store.database import reading
from lienthong.store.findings import find_submitted
from lienthong.trouble import STORE_TROUBLE
from schemas.problem import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from _typeshed import ReadableBuffer

    from lienthong.doors.directory import Directory
    from lienthong.store.database import Store
    from lienthong.store.findings import Submitted
    from lienthong.store.portal_answers import Columns

log = structlog.get_logger()

FOLDER = "annotated"
"""Inside `results`."""
NOTED = "annotate.json"
"""In the worker's folder: ids of submissions that are to be given back."""
TOLD = frozenset({"refused", "broken_off", "rejected", "held", "parked", "quarantined"})
"""Kinds of results after which a file is given back."""


class GivenBack:
    """The annotated files of one installation's folders."""

    def __init__(self, *, store: Store, directory: Directory, columns: Columns) -> None:
        self._store = store
        self._directory = directory
        self._annotator = Annotator(store=store, columns=columns)

    @staticmethod
    def is_due(folder: Path) -> bool:
        """Return whether something is noted."""
        return (folder / ".work" / NOTED).exists()

    @staticmethod
    def note(folder: Path, submissions: Iterable[str]) -> None:
        """
        Note submissions that are to be given back.

        Raises:
            OSError: it cannot be noted.
        """
        before = _noted(folder)
        wanted = sorted({*before, *submissions})
        if wanted != before:
            write_json(folder / ".work" / NOTED, wanted)

    def write(self, folder: Path, agency: str, *, progress: Callable[[], object]) -> None:
        """
        Write the files of those that are read to their end; the others stay noted.

        Args:
            folder: The agency's, which this worker holds.
            agency: Name of its mapping.
            progress: Is told that this worker lives.

        Raises:
            OSError: one cannot be written; it stays noted.
        """
        for submission_id in _noted(folder):
            with reading(self._store) as connection:
                submitted = find_submitted(connection, submission_id, agency=agency)
            is_kept = submitted is not None and not submitted.is_erased
            if submitted is not None and is_kept:
                if not submitted.is_read:
                    continue
                self._try_to_write(folder / "results" / FOLDER, submitted, progress)
            self._forget(folder, submission_id)

    def _try_to_write(
        self, place: Path, submitted: Submitted, progress: Callable[[], object]
    ) -> None:
        try:
            self._write(place, submitted, progress)
        except (OSError, *STORE_TROUBLE):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of one file: it is left out
            # Its words may quote the file, so only its kind and its place are logged.
            log.error(  # noqa: TRY400 - see above
                "folder.not_annotated", submission=submitted.id, **kind_and_place(error)
            )

    def _write(self, place: Path, submitted: Submitted, progress: Callable[[], object]) -> None:
        options = self._directory.source(submitted.agency)
        if options is None:
            return
        place.mkdir(parents=True, exist_ok=True)
        draft = place / f".{submitted.id}.part"
        try:
            with draft.open("wb+") as file:
                done = self._annotator.write(
                    submitted,
                    target=cast("BinaryIO", _Lively(file, progress)),
                    options=options,
                    language=Language.VI,
                )
                file.flush()
                os.fsync(file.fileno())
            name = PurePath(shown(name_of(submitted, done))).name
            draft.replace(place / fitting(name, f"-{submitted.id[-12:]}", before_ending=True))
        finally:
            draft.unlink(missing_ok=True)
        log.info("folder.annotated", submission=submitted.id, copy=done.is_copy)

    @staticmethod
    def _forget(folder: Path, submission_id: str) -> None:
        left = [other for other in _noted(folder) if other != submission_id]
        if left:
            write_json(folder / ".work" / NOTED, left)
        else:
            (folder / ".work" / NOTED).unlink(missing_ok=True)


class _Lively:
    """A file that gives a sign of life with whatever is written to it."""

    def __init__(self, file: BinaryIO, progress: Callable[[], object]) -> None:
        self._file = file
        self._progress = progress

    def write(self, data: ReadableBuffer) -> int:
        self._progress()
        return self._file.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


def _noted(folder: Path) -> list[str]:
    try:
        found = json.loads((folder / ".work" / NOTED).read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    return sorted({id_ for id_ in found if isinstance(id_, str)} if isinstance(found, list) else ())

"""
The folder door: files that appear in `{path}/{agency}/in` are taken over and moved away.

    in/        files of the agency: moved here, or written under a name of the `unfinished` endings
    archive/   YYYY-MM-DD/…, what was taken over
    error/     what was refused, each with its `.error.json`
    results/   YYYY-MM-DD.jsonl, what the agency is told
               annotated/…, its files with what is wrong in them

The key of a hand-over is the identity of its file, so a crash between the commit and the move does
no harm. Files go in the order of their times, then of their names. While intake is paused they lie
where they are.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import closing, suppress
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from lienthong.doors.directory import Directory
from lienthong.doors.given_back import TOLD, GivenBack
from lienthong.doors.hold import Hold, HoldLost
from lienthong.doors.moves import fitting, move, shown, write_json
from lienthong.doors.receipt_files import write_receipts
from lienthong.doors.result_files import append, last_number, note_number, noted_number
from lienthong.doors.watched import KEY, NotAFile, WatchedFile
from lienthong.failpoints import Point, reached
from lienthong.flows.receive import Offer, receive
from lienthong.ids import make_id
from lienthong.store.results import list_results, problem_values
from lienthong.trouble import STORE_TROUBLE
from schemas.errors import ConfigError, InputError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lienthong.flows.hints import Publisher
    from lienthong.pauses import Pauses
    from lienthong.store.results import Result
    from lienthong.wiring import Installation

log = structlog.get_logger()

BUFFER_BYTES = 256 * 1024
RESULTS = 200
"""That one round writes down for one agency."""
NOTE = ".error.json"
_SAID_BESIDE = ("refused", "broken_off")
"""Kinds of results that are also said in `error`: the file is in the archive by then."""
WARN_SECONDS = 300.0
"""Between two warnings of the same trouble."""


def has_files(installation: Installation, *, pauses: Pauses) -> bool:
    """
    Return whether a finished file waits in a folder, or is in hand; False without folders.

    Args:
        installation: Whose folders.
        pauses: What is stopped: those files do not wait for us.
    """
    settings = installation.settings.folder
    if settings.path is None:
        return False
    directory = Directory(installation.mappings)
    return any(
        _has_files(folder, settings.unfinished)
        for folder in _folders(_root(settings.path))
        if not any(map(pauses.closed_to, directory.find(folder.name)))
    )


def _has_files(folder: Path, unfinished: tuple[str, ...]) -> bool:
    try:
        return _has_leavings(folder) or any(
            not entry.is_dir(follow_symlinks=False) for entry in _finished(folder, unfinished)
        )
    except OSError:
        # One without an inbox is nobody's, and what cannot be read is warned about by the door.
        return False


def _finished(folder: Path, unfinished: tuple[str, ...]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder / "in") as entries:
        for entry in entries:
            if not entry.name.startswith(".") and not entry.name.endswith(unfinished):
                yield entry


class FolderDoor:
    """
    The folders of all agencies, as one worker sees them.

    Raises:
        ConfigError: no folder is configured, or it is not there.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        publisher: Publisher,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installation = installation
        self._settings = installation.settings.folder
        self._root = _root(self._settings.path)
        self._publisher = publisher
        self._steady = steady
        self._directory = Directory(installation.mappings)
        self._given_back = GivenBack(
            store=installation.store,
            directory=self._directory,
            columns=installation.column_of,
        )
        self._seen: dict[Path, tuple[tuple[int, ...], float]] = {}
        self._warned: dict[tuple[str, str], float] = {}
        self._taken: dict[str, str] = {}
        """Keys of files that are durable and not moved away yet, and their submissions."""
        self._told: dict[Path, int] = {}
        """The last result that was written down, as far as this worker knows."""

    def step(self) -> None:
        """
        Look through every folder once.

        Raises:
            DBAPIError, TimeoutError: the store cannot be reached; nothing is lost.
        """
        here: set[Path] = set()
        for folder in _folders(self._root):
            try:
                here |= self._visit(folder)
            except HoldLost:
                log.warning("folder.hold_lost", folder=shown(folder.name))
            except OSError as error:
                self._warn(folder, error)
        self._seen = {path: seen for path, seen in self._seen.items() if path in here}

    def _visit(self, folder: Path) -> set[Path]:
        if not (folder / "in").is_dir():
            return set()
        named = self._directory.find(folder.name)
        there = self._look(folder)
        ready = [path for path in there if self._is_unchanged(path, there[path])]
        has_news = len(named) == 1 and self._has_news(folder, named[0])
        is_due = len(named) == 1 and self._given_back.is_due(folder)
        is_open = len(named) != 1 or self._is_open(named[0])
        is_work = is_open and (ready or _has_leavings(folder))
        if is_work or has_news or is_due:
            hold = Hold(folder)
            if hold.take(silence=self._settings.claim_seconds):
                with closing(hold):
                    if is_open:
                        self._work(folder, hold, named, ready)
                    if has_news:
                        self._try_to_tell(folder, named[0])
                    if has_news or is_due:
                        self._try_to_give_back(folder, hold, named[0])
        return set(there)

    def _is_open(self, agency: str) -> bool:
        return self._installation.pauses.look().closed_to(agency) is None

    def _work(self, folder: Path, hold: Hold, named: Sequence[str], ready: list[Path]) -> None:
        for held in hold.left_over():
            self._handle(folder, hold, named, held)
        for path in ready:
            held_now = hold.claim(path)
            if held_now is not None:
                self._handle(folder, hold, named, held_now)

    def _look(self, folder: Path) -> dict[Path, os.stat_result]:
        """Return what may be taken, the earliest first."""
        found: dict[Path, os.stat_result] = {}
        for entry in _finished(folder, self._settings.unfinished):
            with suppress(FileNotFoundError):
                seen = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(seen.st_mode):
                    self._point_out(folder, entry.name)
                else:
                    found[Path(entry.path)] = seen
        return dict(sorted(found.items(), key=lambda item: (item[1].st_mtime_ns, item[0])))

    def _is_unchanged(self, path: Path, now: os.stat_result) -> bool:
        looks = (now.st_size, now.st_mtime_ns, now.st_ino)
        before = self._seen.get(path)
        if before is None or before[0] != looks:
            self._seen[path] = before = (looks, self._steady())
        return self._steady() - before[1] >= self._settings.unchanged_seconds

    def _handle(self, folder: Path, hold: Hold, named: Sequence[str], held: Path) -> None:
        """Take one held file over and archive it, or refuse it, or put it back."""
        hold.touch()
        if len(named) != 1:
            self._refuse(folder, held, _no_agency(folder.name, named))
            return
        try:
            file = WatchedFile(held)
        except FileNotFoundError:
            raise HoldLost from None
        except NotAFile:
            self._refuse(folder, held, _unreadable(held, "not a regular file"))
            return
        except OSError as error:
            self._refuse(folder, held, _unreadable(held, error.strerror or "?"))
            return
        with closing(file):
            self._take(folder, hold, named[0], held, file)

    def _take(self, folder: Path, hold: Hold, agency: str, held: Path, file: WatchedFile) -> None:
        name = shown(held.name)
        reached(Point.FOLDER_CLAIMED)
        if not file.size:
            self._refuse(folder, held, _empty(name))
            return
        key = file.key(name)
        if key in self._taken:
            self._archive(folder, held, key)
            return
        offer = Offer(
            source=BufferedReader(file, BUFFER_BYTES),
            file_name=name,
            agency=agency,
            door="folder",
            sender="folder",
            key=key,
        )
        try:
            taken = receive(
                offer,
                store=self._installation.store,
                broker=self._publisher,
                clock=self._installation.clock,
                progress=lambda _bytes: hold.touch(),
            )
        except InputError as error:
            if file.failure is not None:
                self._refuse(folder, held, _unreadable(held, file.failure.strerror or "?"))
            elif error.code == "submission.not_taken":
                self._put_back(folder, held)
            else:
                self._refuse(folder, held, error.problem)
            return
        except STORE_TROUBLE:
            self._put_back(folder, held)
            raise
        log.info(
            "folder.received",
            submission=taken.submission_id,
            agency=agency,
            size=taken.size,
            repeated=taken.is_repeat,
        )
        self._taken[key] = taken.submission_id
        reached(Point.FOLDER_TAKEN)
        self._archive(folder, held, key)
        reached(Point.FOLDER_ARCHIVED)

    def _archive(self, folder: Path, held: Path, key: str) -> None:
        """Move a file away that is durable here; until that succeeds it is not read again."""
        day = self._installation.clock().astimezone().date()
        try:
            move(held, folder / "archive" / f"{day:%Y-%m-%d}", mark=self._taken[key][-12:])
        except FileNotFoundError:
            raise HoldLost from None
        del self._taken[key]

    def _put_back(self, folder: Path, held: Path) -> None:
        try:
            move(held, folder / "in", mark=make_id(self._installation.clock())[-12:])
        except FileNotFoundError:
            raise HoldLost from None

    def _refuse(self, folder: Path, held: Path, problem: Problem) -> None:
        """Move a file into `error`, and say beside it why."""
        try:
            moved = move(held, folder / "error", mark=make_id(self._installation.clock())[-12:])
        except FileNotFoundError:
            raise HoldLost from None
        log.warning("folder.refused", folder=shown(folder.name), code=problem.code)
        self._note(folder, moved.name, [problem])

    def _note(self, folder: Path, name: str, problems: Sequence[Problem], **more: str) -> None:
        place = folder / "error"
        place.mkdir(exist_ok=True)
        write_json(
            place / fitting(name, NOTE),
            {
                "file": shown(name),
                "at": self._installation.clock().isoformat(),
                **more,
                "errors": [problem_values(problem) for problem in problems],
            },
        )

    def _point_out(self, folder: Path, name: str) -> None:
        """Say once that a folder inside `in` is not looked into."""
        if not (folder / "error" / fitting(name, NOTE)).exists():
            log.warning("folder.refused", folder=shown(folder.name), code="folder.is_folder")
            self._note(folder, name, [_is_folder(name)])

    def _has_news(self, folder: Path, agency: str) -> bool:
        told = self._told.get(folder)
        return told is None or bool(self._list(agency, after=told, limit=1))

    def _list(self, agency: str, *, after: int, limit: int) -> list[Result]:
        return list_results(
            self._installation.store,
            agency=agency,
            after=after,
            limit=limit,
            clock=self._installation.clock,
            columns=self._installation.column_of,
        )

    def _try_to_tell(self, folder: Path, agency: str) -> None:
        try:
            self._tell(folder, agency)
        except OSError as error:
            # The results wait; what is in `in` does not.
            self._warn(folder, error)

    def _try_to_give_back(self, folder: Path, hold: Hold, agency: str) -> None:
        try:
            self._given_back.write(folder, agency, progress=hold.touch)
        except OSError as error:
            self._warn(folder, error)

    def _tell(self, folder: Path, agency: str) -> None:
        """Write down what the agency is told; only who holds the folder may."""
        place, work = folder / "results", folder / ".work"
        noted = noted_number(work)
        # The files know more after a crash, the note where they were taken away.
        number = max(last_number(place), noted)
        found = self._list(agency, after=number, limit=RESULTS)
        if found:
            ours = [result for result in found if (result.key or "").startswith(KEY)]
            wrong = (result.submission_id for result in ours if result.kind in TOLD)
            self._given_back.note(folder, [found_id for found_id in wrong if found_id])
            for result in found:
                if result.kind in _SAID_BESIDE and (result.key or "").startswith(KEY):
                    name = result.file_name or result.id
                    self._note(folder, name, result.problems, submission=result.submission_id or "")
            write_receipts(place, found)
            append(place, found, day=self._installation.clock().astimezone().date())
            number = found[-1].number or number
        if number != noted:
            note_number(work, number)
        self._told[folder] = number

    def _warn(self, folder: Path, error: OSError) -> None:
        """Log a trouble, the same one not again and again."""
        cause = error.strerror or type(error).__name__
        now = self._steady()
        last = self._warned.get((folder.name, cause))
        if last is None or now - last >= WARN_SECONDS:
            self._warned[(folder.name, cause)] = now
            log.warning("folder.trouble", folder=shown(folder.name), cause=cause)


def _root(path: Path | None) -> Path:
    if path is None:
        raise ConfigError(
            Text(
                vi="Chưa cấu hình thư mục nhận tệp: thêm [folder] path vào lienthong.toml",
                en="no folder is configured: give [folder] path in lienthong.toml",
            ),
            code="folder.no_path",
        )
    if not path.is_dir():
        raise ConfigError(
            Text(
                vi=f"Không có thư mục {path} (folder.path), hoặc không vào được",
                en=f"there is no folder {path} (folder.path), or it cannot be entered",
            ),
            code="folder.missing",
        )
    return path


def _folders(root: Path) -> list[Path]:
    with os.scandir(root) as entries:
        return sorted(
            Path(entry.path)
            for entry in entries
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
        )


def _has_leavings(folder: Path) -> bool:
    work = folder / ".work"
    return work.is_dir() and any(
        path.name.startswith(("lock-", "left-")) for path in work.iterdir()
    )


def _no_agency(name: str, named: Sequence[str]) -> Problem:
    if named:
        said = ", ".join(named)
        return Problem(
            code="folder.agency_ambiguous",
            message=Text(
                vi=f"Mã «{shown(name)}» là của nhiều ánh xạ: {said}",
                en=f"The code '{shown(name)}' is of several mappings: {said}",
            ),
            suggestion=Text(
                vi="Đặt tên thư mục theo tên ánh xạ", en="Name the folder after the mapping"
            ),
        )
    return Problem(
        code="agency.unknown",
        message=Text(
            vi=f"Không có cơ quan «{shown(name)}»", en=f"There is no agency '{shown(name)}'"
        ),
        suggestion=Text(
            vi="Đặt tên thư mục theo tên ánh xạ hoặc mã đơn vị (xem: lienthong mapping list), "
            "rồi chuyển tệp lại vào in",
            en="Name the folder after the mapping or the agency's code (see: lienthong mapping "
            "list), then move the file into in again",
        ),
    )


def _unreadable(held: Path, cause: str) -> Problem:
    return Problem(
        code="folder.unreadable",
        message=Text(vi=f"Không đọc được tệp: {cause}", en=f"The file cannot be read: {cause}"),
        place=Place(file=shown(held.name)),
        suggestion=Text(
            vi="Chép chính tệp đó (không phải liên kết), cho phép đọc, rồi đưa lại vào in",
            en="Put the file itself (no link) into in again, and let it be read",
        ),
    )


def _empty(name: str) -> Problem:
    return Problem(
        code="folder.empty",
        message=Text(vi="Tệp rỗng", en="The file is empty"),
        place=Place(file=name),
        suggestion=Text(
            vi="Ghi dưới tên tạm .part rồi đổi tên khi đã ghi xong",
            en="Write it under a name that ends in .part, and rename it when it is whole",
        ),
    )


def _is_folder(name: str) -> Problem:
    return Problem(
        code="folder.is_folder",
        message=Text(
            vi="Thư mục con trong in không được đọc", en="Folders inside in are not looked into"
        ),
        place=Place(file=shown(name)),
        suggestion=Text(vi="Đặt từng tệp trực tiếp vào in", en="Put the files themselves into in"),
    )

"""
Converting a file without the exchange: signed documents into a folder, and a report.

Records go through the same pipeline as in the exchange. Memory stays bounded whatever the size of
the file: documents leave one by one, findings go to a temporary file until the counts that stand
before them in the report are known, and the dossiers seen are remembered in a temporary database.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from errno import EINVAL, EISDIR
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, TypeVar

from adapters import read_records
from lienthong.admission import name_row, second_row
from lienthong.causes import Causes, cause_values
from lienthong.channels.port import Packet
from lienthong.flows.seen import Seen
from mappings.statuses import unseen_transition
from schemas.errors import ConfigError, InputError
from schemas.problem import Language, Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Self, TextIO

    from lienthong.agencies import Agency
    from lienthong.annotated import Marks
    from lienthong.attachments.manifest import PreparedFile
    from lienthong.conversion import Prepared, PreparedEvent

T = TypeVar("T")
LookAtFiles: TypeAlias = "Callable[[Sequence[PreparedFile]], tuple[list[Problem], int]]"
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass(slots=True, kw_only=True)
class Totals:
    """What became of one file."""

    records: int = 0
    accepted: int = 0
    rejected: int = 0
    left_out: int = 0
    """By the mapping's `leave_out`: not sent, and nothing wrong with them."""
    documents: int = 0
    files: int = 0
    """Attachments of accepted records that were looked at."""
    files_to_fetch: int = 0
    """Those that were not: they are fetched before their dossier goes."""
    refusal: Problem | None = None
    """Why the file could not be read to its end, where it could not."""

    @property
    def is_whole(self) -> bool:
        """Whether the file was read to its end."""
        return self.refusal is None


class Report:
    """
    The report of one file: `{"file", "agency", "mapping", "records", …, "groups", "errors": […]}`.

    Use as a context manager; findings are kept in a temporary file, their causes in memory.
    """

    def __init__(
        self,
        *,
        file_name: str,
        agency: Agency,
        language: Language,
        marks: Marks | None = None,
        errors_only: bool = False,
    ) -> None:
        """
        Begin the report.

        Args:
            file_name: As the agency knows it.
            agency: Whose file it is.
            language: Of the sentences.
            marks: Get the findings too, for an annotated copy.
            errors_only: Only count warnings.
        """
        self._marks = marks
        self._errors_only = errors_only
        self.warnings_left_out = 0
        self._head = {
            "file": file_name,
            "agency": agency.code,
            "mapping": {"name": agency.name, "version": agency.version},
        }
        self._language = language
        self._findings = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - __exit__
        self._count = 0
        self.causes = Causes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Closing writes what is still in memory; nobody needs it any more.
        with suppress(OSError):
            self._findings.close()

    def add(self, problem: Problem, *, record: int | None) -> None:
        """
        Write one finding down.

        Raises:
            ConfigError: the folder for temporary files is full.
        """
        if self._marks is not None:
            self._marks.add(problem, record=record)
        if self._errors_only and problem.severity is Severity.WARNING:
            self.warnings_left_out += 1
            return
        finding = {
            "code": problem.code,
            "severity": problem.severity.value,
            "message": problem.message.say(self._language),
            "record": record,
            "dossier": problem.dossier,
            "source": asdict(problem.place),
            "field": problem.field,
            "value": problem.value,
            "suggestion": self._told(problem.suggestion),
            "for_integrator": self._told(problem.for_integrator),
        }
        separator = ",\n  " if self._count else "\n  "
        try:
            self._findings.write(separator + json.dumps(finding, ensure_ascii=False))
        except OSError as error:
            raise unwritable(Path(tempfile.gettempdir()), error) from error
        self._count += 1
        self.causes.add(problem)

    def write_bytes(self, target: BinaryIO, totals: Totals) -> None:
        """Write the whole report as JSON in UTF-8."""
        text = io.TextIOWrapper(target, encoding="utf-8")
        self.write(text, totals)
        text.detach()

    def write(self, target: TextIO, totals: Totals) -> None:
        """Write the whole report as JSON."""
        counts = {
            "records": totals.records,
            "accepted": totals.accepted,
            "rejected": totals.rejected,
            "left_out": totals.left_out,
            "warnings_left_out": self.warnings_left_out,
        }
        groups = [
            cause_values(cause, self._say) | {"for_integrator": self._told(cause.for_integrator)}
            for cause in self.causes.by_count()
        ]
        if totals.files or totals.files_to_fetch:
            counts |= {
                "files_checked": totals.files,
                "files_to_fetch": totals.files_to_fetch,
            }
        head = json.dumps({**self._head, **counts}, ensure_ascii=False)
        target.write(head[:-1] + ', "groups": [')
        target.write(",".join("\n  " + json.dumps(one, ensure_ascii=False) for one in groups))
        target.write('\n], "errors": [' if groups else '], "errors": [')
        self._findings.flush()
        self._findings.seek(0)
        shutil.copyfileobj(self._findings, target)
        target.write("\n]}\n" if self._count else "]}\n")

    def _told(self, text: Text | None) -> str | None:
        return None if text is None else self._say(text)

    def _say(self, text: Text) -> str:
        return text.say(self._language)


class OutFolder:
    """The folder that gets one document per dossier, each whole or not at all."""

    def __init__(self, folder: Path) -> None:
        """
        Make the folder if it is not there.

        Raises:
            ConfigError: it cannot be made.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error

    def write(self, name: str, document: bytes) -> None:
        """
        Write one document.

        Raises:
            ConfigError: the folder cannot be written or is full; nothing half written remains.
        """
        partial = self._folder / f".{name}.part"
        try:
            check_target(self._folder / name)
            partial.write_bytes(document)
            partial.replace(self._folder / name)
        except OSError as error:
            raise unwritable(self._folder, error) from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


class DraftFile:
    """A file that is there as a whole or not; opened at once, so that nobody waits for a path."""

    def __init__(self, path: Path) -> None:
        """
        Begin it beside `path`, under a name of its own.

        Raises:
            ConfigError: nothing can be written there.
        """
        self._path = path
        self._partial = path.with_name(f".{path.name}.part")
        try:
            check_target(path)
            self._target = self._partial.open("wb+")
        except OSError as error:
            raise unwritable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._target.close()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def write(self, fill: Callable[[BinaryIO], T]) -> T:
        """
        Put the whole file in place, and return what `fill` does.

        Raises:
            ConfigError: it cannot be written; what stood there before still does.
        """
        try:
            result = fill(self._target)
            self._target.close()
            self._partial.replace(self._path)
        except OSError as error:
            raise unwritable(self._path, error) from error
        return result


def convert_file(  # noqa: PLR0913 - one argument per thing it works with
    source: BinaryIO,
    *,
    file_name: str,
    agency: Agency,
    out: OutFolder | None,
    report: Report,
    clock: Callable[[], datetime],
    look: LookAtFiles | None = None,
) -> Totals:
    """
    Convert every record of `source`; findings go to `report`, documents to `out`.

    `look` fetches the files that do not stand in a record and returns what is wrong with them, and
    how many could not be had; without it they are only counted.

    Raises:
        ConfigError: `out` cannot be written.
        signing.SigningError: the agency's key cannot sign.
    """
    conversion = _FileConversion(agency, out, report, look)
    try:
        records = read_records(
            source,
            file_name=file_name,
            options=agency.source,
            read_columns=agency.read_columns,
        )
        for record in records:
            conversion.take(agency.pipeline.prepare(record, now=clock()))
    except InputError as error:
        conversion.totals.refusal = error.problem
        report.add(error.problem, record=None)
    finally:
        conversion.close()
    return conversion.totals


class _FileConversion:
    def __init__(
        self, agency: Agency, out: OutFolder | None, report: Report, look: LookAtFiles | None
    ) -> None:
        self._look = look
        self.totals = Totals()
        self._agency = agency
        self._out = out
        self._report = report
        self._seen = Seen()
        self._several = not agency.one_row_per_dossier
        """Whether a dossier may have several snapshots in the file."""

    def close(self) -> None:
        self._seen.close()

    def take(self, record: Prepared) -> None:
        self.totals.records += 1
        if record.is_left_out:
            self.totals.left_out += 1
            return
        problems = list(record.problems)
        snapshot = 1
        if record.events:
            snapshot, finding = self._place(record.events[0], record)
            if finding is not None:
                problems.append(finding.about(record.dossier_code))
        elif self._several and record.dossier_code is not None:
            self._seen.note_rejected(record.dossier_code, record=record.record)
        if record.files and not any(p.severity is Severity.ERROR for p in problems):
            problems += self._look_at_files(record)
        for problem in problems:
            self._report.add(problem, record=record.record)
        if not record.events or any(p.severity is Severity.ERROR for p in problems):
            self.totals.rejected += 1
            return
        self.totals.accepted += 1
        self._write(record, snapshot)

    def _look_at_files(self, record: Prepared) -> tuple[Problem, ...]:
        to_fetch = [one for one in record.files if one.found is None]
        self.totals.files += len(record.files) - len(to_fetch)
        if self._look is None or not to_fetch:
            self.totals.files_to_fetch += len(to_fetch)
            return ()
        problems, away = self._look(to_fetch)
        self.totals.files += len(to_fetch) - away
        self.totals.files_to_fetch += away
        return tuple(one.about(record.dossier_code) for one in problems)

    def _place(self, event: PreparedEvent, record: Prepared) -> tuple[int, Problem | None]:
        """Return the number of this snapshot in its dossier, 0 for one that need not be written."""
        before = self._seen.find(event.dossier_code)
        snapshots = 1
        if before is not None:
            digest, earlier, place, snapshots = before
            here = record.code_place or record.place
            if digest == event.content_digest:
                return 0, _repeated(name_row(earlier, place=place, here=here), here)
            if self._agency.one_row_per_dossier:
                return 0, second_row(earlier, place=place, here=here)
            snapshots += 1
        self._seen.note(event, record=record.record, place=record.place, snapshots=snapshots)
        return snapshots, self._judge_status(event, record) if self._several else None

    def _judge_status(self, event: PreparedEvent, record: Prepared) -> Problem | None:
        before = self._seen.status_before(event, record=record.record)
        self._seen.note_status(event, record=record.record)
        return unseen_transition(before, event.status)

    def _write(self, record: Prepared, snapshot: int) -> None:
        for number, event in enumerate(record.events):
            parts = [safe_name(event.dossier_code)]
            if event.packet is Packet.PROGRESS:
                parts.append(f"tien-do-{record.record}-{number}")
            elif snapshot == 0:
                continue
            elif snapshot > 1:
                parts.append(str(snapshot))
            self.totals.documents += 1
            if self._out is not None:
                self._out.write(".".join([*parts, "xml"]), event.document)


def safe_name(code: str) -> str:
    """Return a dossier code as a file name; codes that need a change stay apart by a digest."""
    if PLAIN_NAME.fullmatch(code):
        return code
    digest = hashlib.sha256(code.encode()).hexdigest()[:8]
    return re.sub(r"[^A-Za-z0-9-]", "_", code)[:100] + "-" + digest


def _repeated(earlier: Text, place: Place) -> Problem:
    return Problem(
        code="dossier.repeated",
        severity=Severity.WARNING,
        field="MaHoSo",
        place=place,
        message=Text(
            vi=f"Hồ sơ này đã có ở {earlier.vi} của cùng tệp, nội dung giống hệt",
            en=f"This dossier stands already in {earlier.en} of the same file, unchanged",
        ),
        suggestion=Text(
            vi="Không cần làm gì; có thể bỏ dòng lặp này ở lần xuất sau",
            en="Nothing has to be done; the next export may leave the repeated row out",
        ),
    )


def check_target(path: Path) -> None:
    """
    Return if a file may take the place of what stands at `path`.

    Raises:
        OSError: a folder stands there, or a device (/dev/null, /dev/stdout), which would be gone.
    """
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "a device or pipe, no file")


def unwritable(folder: Path, error: OSError) -> ConfigError:
    """Return what to tell when something under `folder` cannot be written."""
    cause = error.strerror or type(error).__name__
    return ConfigError(
        Text(
            vi=f"Không ghi được vào {folder}: {cause}; "
            "giải phóng dung lượng đĩa, sửa quyền ghi hoặc chọn nơi khác",
            en=f"{folder} cannot be written: {cause}; "
            "free disk space, mend the permissions or give another place",
        ),
        code="output.unwritable",
    )

"""Commands that work on files and need no exchange: convert, validate."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from errno import EBADF
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError, InputError
from schemas.problem import Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from _typeshed import WriteableBuffer

    from adapters import SourceOptions
    from lienthong.causes import Cause, Causes
    from lienthong.flows.convert import LookAtFiles, Totals

AgencyName = Annotated[
    str, typer.Option("--agency", "-a", help="Name of the agency's mapping; see: mapping list")
]
AgencyOrFile = Annotated[
    str, typer.Option("--agency", "-a", help="Name of the agency's mapping, or its .yaml file")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON")]
InputFile = Annotated[Path, typer.Argument(help="The file to read; - for standard input")]
OneDocument = Annotated[Path, typer.Argument(help="One XML document; - for standard input")]
SHOWN_CAUSES = 20
"""On the terminal; the report has all."""
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(convert)
    app.command()(validate)


def convert(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: InputFile,
    agency: AgencyOrFile,
    out: Annotated[
        Path | None, typer.Option(help="Folder that gets one signed XML document per dossier")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="File that gets the report as JSON; - for standard output")
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="File that gets the agency's own file with its faults")
    ] = None,
    only_bad: Annotated[
        bool, typer.Option("--only-bad", help="Only rows with faults in the annotated CSV")
    ] = False,
    errors_only: Annotated[
        bool, typer.Option("--errors-only", help="Leave out warnings, which stop nothing")
    ] = False,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Also fetch the attachments, only to check them")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Convert an agency's file to signed portal XML, with a report of every fault at its place.

    Example: lienthong convert thang-3.csv --agency land-registration --out xml --report loi.json
    """
    from lienthong.flows.convert import DraftFile, OutFolder, Report, convert_file

    session: Session = context.obj
    if agency.endswith((".yaml", ".yml")):
        agency = session.installation.mappings.adopt(Path(agency))
    converter = session.installation.agency(agency)
    to_stdout = as_json or str(report) == "-"
    name = "-" if str(file) == "-" else file.name
    with ExitStack() as stack:
        # Everything that can be wrong with the places is told before the work.
        source = stack.enter_context(opened(file))
        folder = None if out is None else OutFolder(out)
        target = copy = None
        if report is not None and str(report) != "-":
            target = stack.enter_context(DraftFile(report))
        if annotated is not None:
            copy = stack.enter_context(
                _AnnotatedFile(annotated, of=file, source=source, errors_only=errors_only)
            )
            source = copy.source
        findings = stack.enter_context(
            Report(
                file_name=name,
                agency=converter,
                language=session.language,
                marks=copy.marks if copy else None,
                errors_only=errors_only,
            )
        )
        with progress_of(session, file, source) as watched:
            totals = convert_file(
                watched,
                file_name=name,
                agency=converter,
                out=folder,
                report=findings,
                clock=session.installation.clock,
                look=_looker(session, converter.name, file) if fetch else None,
            )
        if target is not None:
            target.write(lambda place: findings.write_bytes(place, totals))
        if copy is not None:
            copy.write(session, options=converter.source, only_bad=only_bad)
        if to_stdout:
            findings.write(sys.stdout, totals)
    if not to_stdout:
        _summarise(session, totals, out=out, report=report)
        if findings.causes.by_count():
            show_causes(session, findings.causes)
        if findings.warnings_left_out:
            session.say(_left_out(findings.warnings_left_out))
    finish(Exit.DONE if totals.is_whole and not totals.rejected else Exit.PARTLY)


def _looker(session: Session, agency: str, file: Path) -> LookAtFiles:
    from lienthong.attachments.looking import FileLooker
    from lienthong.attachments.packed import PackedFiles

    installation = session.installation
    ratio = installation.archive_ratio(agency)
    archive = None
    if ratio is not None:
        archive = PackedFiles(lambda: file.open("rb"), max_ratio=ratio)
    return FileLooker(
        installation.file_sources,
        agency=agency,
        limits=installation.file_limits,
        archive=archive,
    ).look


class _AnnotatedFile:
    """The agency's file with its faults; a context manager. The file is read twice for it."""

    def __init__(self, path: Path, *, of: Path, source: BinaryIO, errors_only: bool) -> None:
        """
        Begin it.

        Raises:
            ConfigError: nothing can be written there, or it is the agency's file itself.
        """
        from lienthong.annotated import Marks
        from lienthong.flows.convert import DraftFile

        self._path = path
        self._stack = ExitStack()
        if path.resolve() == of.resolve():
            raise ConfigError(
                Text(
                    vi=f"{path} là chính tệp cần đọc: chọn tên khác cho --annotated",
                    en=f"{path} is the file that is read: give --annotated another name",
                ),
                code="output.is_input",
            )
        self._draft = self._stack.enter_context(DraftFile(path))
        self.marks = self._stack.enter_context(Marks(file_name=of.name, errors_only=errors_only))
        self.source = source if str(of) != "-" else self._stack.enter_context(_spooled(source))
        """To read the file from, and again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, session: Session, *, options: SourceOptions, only_bad: bool) -> None:
        """Put it in place, and say beside the result what it is."""
        from lienthong.annotated import annotate

        self.source.seek(0)
        done = self._draft.write(
            lambda target: annotate(
                self.source,
                target=target,
                options=options,
                marks=self.marks,
                language=session.language,
                only_bad=only_bad,
            )
        )
        if done.why is None:
            session.tell(
                Text(vi=f"Tệp có ghi lỗi: {self._path}", en=f"With its faults: {self._path}")
            )
            return
        vi, en = f"{self._path}: {done.why.vi}", f"{self._path}: {done.why.en}"
        ending = f".{done.format or 'json'}"
        if self._path.suffix.lower() != ending:
            vi, en = f"{vi}; đổi đuôi tên tệp thành {ending}", f"{en}; rename it to end in {ending}"
        session.tell(Text(vi=vi, en=en), style="yellow")


@contextmanager
def _spooled(source: BinaryIO) -> Iterator[BinaryIO]:
    """Give what comes from standard input as a file that can be read twice."""
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(source, file)
        file.seek(0)
        yield cast("BinaryIO", file)


def _summarise(session: Session, totals: Totals, *, out: Path | None, report: Path | None) -> None:
    session.say(
        Text(
            vi=f"{totals.records} bản ghi: {totals.accepted} đạt, {totals.rejected} bị từ chối",
            en=f"{totals.records} records: {totals.accepted} accepted, {totals.rejected} rejected",
        )
    )
    if totals.left_out:
        session.say(
            Text(
                vi=f"Bỏ qua theo ánh xạ: {totals.left_out}",
                en=f"Left out by the mapping: {totals.left_out}",
            )
        )
    if totals.files_to_fetch:
        session.say(
            Text(
                vi=f"{totals.files_to_fetch} tệp đính kèm chưa xem (--fetch để lấy và kiểm tra)",
                en=f"{totals.files_to_fetch} attachments not looked at (--fetch does)",
            )
        )
    if out is not None:
        session.say(
            Text(
                vi=f"{totals.documents} tài liệu XML trong {out}",
                en=f"{totals.documents} XML documents in {out}",
            )
        )
    if totals.refusal is not None:
        session.say(
            Text(
                vi="Không đọc được tệp đến hết; các bản ghi trước chỗ lỗi không bị ảnh hưởng",
                en="The file could not be read to its end; the records before the fault stand",
            ),
            style="red",
        )
        session.problems([totals.refusal])
    if report is not None:
        session.say(Text(vi=f"Báo cáo lỗi: {report}", en=f"Report: {report}"))
    elif totals.rejected:
        session.say(
            Text(
                vi="Xem từng lỗi tại chỗ của nó: thêm --report loi.json",
                en="See every fault at its place: add --report faults.json",
            )
        )


def _left_out(count: int) -> Text:
    return Text(
        vi=f"{count} cảnh báo không được hiện (--errors-only)",
        en=f"{count} warnings are not shown (--errors-only)",
    )


def show_causes(session: Session, causes: Causes) -> None:
    """Print the causes of a file's findings: errors, warnings, then in one line all repairs."""
    from rich.markup import escape

    found = [cause for cause in causes.by_count() if not cause.is_repair]
    words = {
        Severity.ERROR: session.word("lỗi", "error"),
        Severity.WARNING: session.word("cảnh báo", "warning"),
    }
    for cause in found[:SHOWN_CAUSES]:
        style = "red" if cause.severity is Severity.ERROR else "yellow"
        where = ", ".join(part for part in (cause.field, cause.column) if part)
        head = f"{words[cause.severity]}: {cause.code}"
        session.out.print(f"[{style}]{cause.count:>6} × {head}[/]  {escape(where)}")
        session.out.print(f"         {escape(_examples(session, cause))}")
        for advice in session.advice(cause.suggestion, cause.for_integrator):
            session.out.print(f"         → {escape(advice)}")
    left = sum(cause.count for cause in found[SHOWN_CAUSES:]) + causes.left_out
    if left:
        session.say(
            Text(
                vi=f"và {left} lỗi do các nguyên nhân khác: xem --report",
                en=f"and {left} findings of other causes: see --report",
            )
        )
    for cause in causes.by_count():
        if cause.is_repair:
            session.say(_repaired(cause))


def _repaired(cause: Cause) -> Text:
    encodings = ", ".join(f"{name} {count}" for name, count in cause.forms.most_common())
    return Text(
        vi=f"{cause.count:>6} × đã tự sửa chữ khi đọc, không cần làm gì: {encodings}",
        en=f"{cause.count:>6} × repaired while it was read, nothing to be done: {encodings}",
    )


def _examples(session: Session, cause: Cause) -> str:
    """Return in one line how the first of a cause reads, and where the next ones are."""
    (first, dossier), *others = cause.places
    where = first.say(session.language)
    if dossier is not None:
        where += session.word(", hồ sơ ", ", dossier ") + dossier
    message = cause.message.say(session.language)
    line = f"{where}: {message}" if where else message
    numbers = [_numbered(place, dossier) for place, dossier in others]
    if numbers:
        more = ", …" if cause.count > len(cause.places) else ""
        line += session.word(" (cũng ở: ", " (also at: ") + ", ".join(numbers) + more + ")"
    return line


def _numbered(place: Place, dossier: str | None) -> str:
    """Return where one more of a cause is; a path alone tells an agency little."""
    number = place.row or place.line
    if number is not None or dossier is None:
        return str(number or place.path)
    return f"{place.path} ({dossier})"


def validate(
    context: typer.Context,
    file: OneDocument,
    as_json: AsJson = False,
) -> None:
    """
    Check one XML document against the schema of its version and explain every fault.

    Example: lienthong validate xml/H29.15-210305-0001.xml
    """
    from lienthong.documents import check_document

    session: Session = context.obj
    version, problems = check_document(read_document(file), file_name=str(file))
    if as_json:
        from lienthong.cli.machine import problem_values

        session.json(
            {
                "file": str(file),
                "schema": version,
                "valid": not problems,
                "errors": [problem_values(found, session.language) for found in problems],
            }
        )
    elif problems:
        session.problems(problems)
    else:
        session.say(Text(vi=f"Hợp lệ theo {version}", en=f"Valid: {version}"), style="green")
    finish(Exit.PARTLY if problems else Exit.DONE)


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """
    Open a file, or standard input for `-`.

    Raises:
        ConfigError: it cannot be opened. Reading raises InputError where the bytes do not come.
    """
    if str(file) == "-":
        if sys.stdin is None:
            raise _unopened(file, OSError(EBADF, os.strerror(EBADF)))
        yield sys.stdin.buffer
        return
    try:
        raw = _File(file)
    except OSError as error:
        raise _unopened(file, error) from error
    with io.BufferedReader(raw) as source:
        yield source


class _File(io.FileIO):
    """A file whose faults while reading are the file's, and not a bug."""

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        with self._telling():
            return super().readinto(buffer)

    def readall(self) -> bytes:
        with self._telling():
            return super().readall()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(_unreadable(Path(str(self.name)), error)) from error


@contextmanager
def progress_of(session: Session, file: Path, source: BinaryIO) -> Iterator[BinaryIO]:
    """Show how far reading has come, where somebody is looking and the size is known."""
    if str(file) == "-" or not session.err.is_terminal:
        yield source
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=session.err, transient=True) as progress,
        progress.wrap_file(source, total=file.stat().st_size, description=file.name) as watched,
    ):
        yield watched


def read_document(file: Path) -> bytes:
    """Return one document. Raises as `opened` does, and InputError where it is too large."""
    with opened(file) as source:
        data = source.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(
            Problem(
                code="document.too_large",
                message=Text(
                    vi=f"Tài liệu lớn hơn {MAX_DOCUMENT_BYTES} byte",
                    en=f"The document is larger than {MAX_DOCUMENT_BYTES} bytes",
                ),
                place=Place(file=str(file)),
                suggestion=Text(
                    vi="Kiểm tra lại tệp: lệnh này nhận một tài liệu, không phải cả tệp",
                    en="Check the file: this command takes one document, no agency's file",
                ),
            )
        )
    return data


def _unopened(file: Path, error: OSError) -> ConfigError:
    problem = _unreadable(file, error)
    return ConfigError(problem.message, problems=(problem,), code=problem.code)


def _unreadable(file: Path, error: OSError) -> Problem:
    cause = error.strerror or type(error).__name__
    return Problem(
        code="file.unreadable",
        message=Text(vi=f"Không đọc được tệp: {cause}", en=f"The file cannot be read: {cause}"),
        place=Place(file=str(file)),
        suggestion=Text(
            vi="Kiểm tra đường dẫn và quyền đọc", en="Check the path and the permission to read"
        ),
    )

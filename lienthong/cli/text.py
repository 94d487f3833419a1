"""Commands for texts: text check."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, cast

import typer

from lienthong.cli.files import AsJson, InputFile, opened
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self, TextIO

    from adapters import SourceRecord, Value
    from lienthong.text_check import ColumnFindings, FileFindings, Finding

text = typer.Typer(help="Find Vietnamese text that was typed or read wrong.", no_args_is_help=True)
_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(text, name="text")


@text.command()
def check(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    file: InputFile,
    agency: Annotated[
        str | None,
        typer.Option("--agency", "-a", help="Read the file as this agency's mapping says"),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the file; default: the mapping's, or judged")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Look at this column only; may be repeated")
    ] = None,
    repaired: Annotated[
        Path | None,
        typer.Option(
            help="File that gets the repaired records (of a workbook those of its first sheet): "
            ".csv, or .jsonl; with a list of all changes beside it"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Say of every column, in every sheet, what its text is, what is to be repaired or doubtful.

    Example: lienthong text check ho-so.xlsx --repaired ho-so-sua.csv
    """
    from lienthong.text_check import check_sheets, given_options, guess_options, guess_sheets

    session: Session = context.obj
    name = "-" if str(file) == "-" else file.name
    _check_encoding(encoding)
    with ExitStack() as stack:
        source = stack.enter_context(_seekable(stack.enter_context(opened(file))))
        if agency is None:
            options = guess_options(source, file_name=name, encoding=encoding)
            sheets = guess_sheets(source, file_name=name, options=options)
        else:
            converter = session.installation.mappings.get(agency)
            options = given_options(converter.source, encoding=encoding)
            sheets = [("", options)]
        out = None if repaired is None else stack.enter_context(_Repaired(repaired))
        found = check_sheets(
            source,
            file_name=name,
            sheets=sheets,
            columns=column or (),
            write=None if out is None else out.write,
        )
        if out is not None:
            out.keep()
    if as_json:
        session.json(_values(found, name, getattr(options, "encoding", None), session))
    else:
        if len(sheets) > 1:
            listed = ", ".join(sheet for sheet, _ in sheets)
            session.say(Text(vi=f"Các trang tính: {listed}", en=f"Sheets: {listed}"))
        _show(session, found, encoding=getattr(options, "encoding", None))
        if repaired is not None:
            session.say(
                Text(
                    vi=f"Bản đã sửa: {repaired}; mọi thay đổi: {_list_of(repaired)}",
                    en=f"Repaired: {repaired}; all changes: {_list_of(repaired)}",
                )
            )
    finish(Exit.DONE if found.is_clean else Exit.PARTLY)


def _check_encoding(encoding: str | None) -> None:
    from adapters.options import ENCODINGS

    if encoding is not None and encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise typer.BadParameter(f"{encoding!r}: {known}", param_hint="--encoding")


@contextmanager
def _seekable(source: BinaryIO) -> Iterator[BinaryIO]:
    """Give what can be read twice: a pipe is copied to a temporary file."""
    if source.seekable():
        yield source
        return
    with tempfile.SpooledTemporaryFile(max_size=8 * 1024 * 1024) as spool:
        shutil.copyfileobj(source, spool)
        spool.seek(0)
        yield cast("BinaryIO", spool)


def _list_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.changes.jsonl")


class _Repaired:
    """The repaired records, and beside them every change with its original; whole or not at all."""

    def __init__(self, path: Path) -> None:
        from lienthong.flows.convert import unwritable

        self._paths = (path, _list_of(path))
        self._parts = tuple(each.with_name(f".{each.name}.part") for each in self._paths)
        self._is_table = path.suffix.lower() != ".jsonl"
        self._names: list[str] | None = None
        try:
            self._records, self._changes = (
                part.open("w", encoding="utf-8", newline="") for part in self._parts
            )
        except OSError as error:
            raise unwritable(path, error) from error
        self._rows = csv.writer(self._records)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for target, part in zip((self._records, self._changes), self._parts, strict=True):
            with suppress(OSError):
                target.close()
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def write(
        self, record: SourceRecord, values: dict[str, Value], findings: list[Finding]
    ) -> None:
        """Write one record and the changes in it."""
        if self._is_table:
            if self._names is None:
                self._names = list(values)
                self._rows.writerow(self._names)
            self._rows.writerow([_cell(values.get(name)) for name in self._names])
        else:
            _write_line(self._records, values)
        for finding in findings:
            if finding.diagnosis.steps:
                _write_line(self._changes, {"record": record.number, **_finding_values(finding)})

    def keep(self) -> None:
        """Put both files in place."""
        from lienthong.flows.convert import unwritable

        try:
            self._records.close()
            self._changes.close()
            for part, path in zip(self._parts, self._paths, strict=True):
                part.replace(path)
        except OSError as error:
            raise unwritable(self._paths[0], error) from error


def _write_line(target: TextIO, value: object) -> None:
    target.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def _cell(value: Value) -> object:
    if value is None or isinstance(value, (str, int, float)):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _finding_values(finding: Finding) -> dict[str, Any]:
    from dataclasses import asdict

    diagnosis = finding.diagnosis
    return {
        "source": {k: v for k, v in asdict(finding.place).items() if v is not None},
        "verdict": diagnosis.verdict.value,
        "original": diagnosis.original,
        "text": diagnosis.text,
        "steps": list(diagnosis.steps),
        "alternatives": list(diagnosis.alternatives),
        "letters_lost": diagnosis.is_lossy,
    }


def _judged(column: ColumnFindings) -> str:
    return " + ".join(kind.value for kind in column.judgement.misreadings)


def _values(
    found: FileFindings, name: str, encoding: str | None, session: Session
) -> dict[str, Any]:
    from lienthong.cli.machine import problem_values

    return {
        "file": name,
        "encoding": encoding,
        "records": found.records,
        "unreadable": found.unreadable_records,
        "columns": [
            {
                "column": label,
                "misread_from": _judged(column) or None,
                "is_pure": column.judgement.is_pure,
                "values": sum(column.counts.values()),
                **{verdict.value: count for verdict, count in column.counts.items()},
                "findings": [_finding_values(finding) for finding in column.findings],
            }
            for label, column in found.columns.items()
        ],
        "errors": [problem_values(problem, session.language) for problem in found.unreadable],
    }


def _show(session: Session, found: FileFindings, *, encoding: str | None) -> None:
    from adapters.doctor import Verdict

    if encoding is not None:
        session.say(Text(vi=f"Bảng mã của tệp: {encoding}", en=f"Encoding of the file: {encoding}"))
    for label, column in found.columns.items():
        counts = column.counts
        judged = _judged(column)
        right = session.word("đúng như đang có", "right as it stands")
        session.out.print(
            f"{label}: {f'{judged} →' if judged else right}"
            f"  {session.word('sửa', 'repaired')} {counts[Verdict.REPAIRED]}"
            f" · {session.word('nghi ngờ', 'doubtful')} {counts[Verdict.DOUBTFUL]}"
            f" · {session.word('giữ nguyên', 'left alone')} {counts[Verdict.RIGHT]}",
            markup=False,
            style="yellow" if column.findings else None,
        )
        for finding in column.findings[:_SHOWN]:
            session.out.print(f"    {_line(session, finding)}", markup=False)
        more = counts[Verdict.REPAIRED] + counts[Verdict.DOUBTFUL] - _SHOWN
        if more > 0:
            note = Text(vi=f"và {more} giá trị nữa", en=f"and {more} more")
            session.out.print(f"    … {note.say(session.language)}", markup=False)
    session.problems(found.unreadable)


def _line(session: Session, finding: Finding) -> str:
    place, found = finding.place.say(session.language), finding.diagnosis
    if found.steps:
        return f"{place}: {found.original!r} → {found.text!r} ({', '.join(found.steps)})"
    if found.is_lossy:
        return f"{place}: {found.original!r} {session.word('mất chữ', 'letters were lost')}"
    others = " / ".join(map(repr, found.alternatives))
    return f"{place}: {found.original!r} ? {others}"

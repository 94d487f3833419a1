"""The command mapping impact: what a changed mapping would do to real past inputs."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from lienthong.cli.files import AsJson, opened, progress_of
from lienthong.cli.mapping_preview import load_named, service_of
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from lienthong.impact_report import ImpactReport, TurnRow
    from schemas.problem import Language

Which = Annotated[str, typer.Argument(help="Name of an agency, or path of a YAML file")]


def register(group: typer.Typer) -> None:
    """Add the command to `mapping`."""
    group.command()(impact)


def impact(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    old: Which,
    new: Which,
    files: Annotated[list[Path], typer.Argument(help="Real past inputs", metavar="FILE…")],
    examples: Annotated[int, typer.Option(min=0, help="How many examples of each finding")] = 3,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show values, not only their shape")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write one self-contained page for a browser")
    ] = None,
    inbound: Annotated[
        str | None,
        typer.Option(
            help="The files are messages of this service from the portal: compare what the agency "
            "gets",
            metavar="SERVICE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Say what a changed mapping does to past inputs: what stays, what changes, what is rejected.

    Example: lienthong mapping impact land-registration moi.yaml thang-2.csv thang-3.csv
    """
    from lienthong.flows.impact import Comparison
    from lienthong.flows.inbound_impact import InboundMaker
    from lienthong.impact_report import make_report
    from lienthong.pages import PageFile, render_page

    session: Session = context.obj
    before, after = load_named(session, old), load_named(session, new)
    now = session.installation.clock()
    pair = None
    if inbound is not None:
        pair = service_of(before, inbound), service_of(after, inbound)
    comparison = Comparison(
        before,
        after,
        services=session.installation.services,
        examples=examples,
        now=now,
        makers=None
        if pair is None
        else (InboundMaker(pair[0], now=now), InboundMaker(pair[1], now=now)),
    )
    if not comparison.reads_once and Path("-") in files:
        raise _read_twice()
    with ExitStack() as stack:
        page = None if html is None else stack.enter_context(PageFile(html))
        for file in files:
            comparison.compare(_Source(session, file), file_name=file.name)
        report = make_report(
            comparison.impact,
            old=before,
            new=after,
            files=[file.name for file in files],
            show_values=show_values,
            inbound=pair,
        )
        if page is not None:
            page.write(render_page("impact.html", report=report))
    if as_json:
        session.json(_values(report, session.language))
    else:
        _show(session, report)
        if html is not None:
            session.say(Text(vi=f"Trang so sánh: {html}", en=f"Page: {html}"))
    finish(Exit.DONE if report.is_harmless else Exit.PARTLY)


class _Source:
    """One file, opened as often as it is read, with its progress where somebody is looking."""

    def __init__(self, session: Session, file: Path) -> None:
        self._session = session
        self._file = file

    @contextmanager
    def __call__(self) -> Iterator[BinaryIO]:
        with (
            opened(self._file) as source,
            progress_of(self._session, self._file, source) as watched,
        ):
            yield watched


def _read_twice() -> ConfigError:
    return ConfigError(
        Text(
            vi="Hai ánh xạ đọc tệp theo cách khác nhau (`source`), nên tệp phải đọc hai lần; "
            "ghi đầu vào chuẩn ra một tệp trước",
            en="The two mappings read files in different ways (`source`), so a file is read twice; "
            "write standard input into a file first",
        ),
        code="impact.read_twice",
    )


def _show(session: Session, report: ImpactReport) -> None:
    session.say(
        Text(
            vi=f"{report.old.name}@{report.old.version} → {report.new.name}@{report.new.version}, "
            f"{report.records} bản ghi:",
            en=f"{report.old.name}@{report.old.version} → {report.new.name}@{report.new.version}, "
            f"{report.records} records:",
        )
    )
    for total in report.totals:
        if total.records:
            style = "red" if total.is_bad else None
            session.out.print(
                f"{total.records:>9}  {total.name.say(session.language)}", style=style
            )
    for notice in report.notices:
        session.say(notice, style="yellow")
    for key, before, after in report.heads:
        session.out.print(f"{key}: {before} → {after}", markup=False)
    if report.fields:
        session.out.print(_fields_table(session, report), soft_wrap=False)
    if report.new_problems or report.gone_problems:
        session.out.print(_problems_table(session, report), soft_wrap=False)
    for vi, en, turns in (
        ("Trở thành bị từ chối, ví dụ:", "Become invalid, for example:", report.rejections),
        ("Nay bị bỏ qua, ví dụ:", "Are left out now, for example:", report.departures),
        ("Không còn hồ sơ, ví dụ:", "Give no dossier any more, for example:", report.losses),
        ("Trở thành hợp lệ, ví dụ:", "Become valid, for example:", report.acceptances),
        ("Không còn bị bỏ qua, ví dụ:", "Are not left out any more:", report.arrivals),
    ):
        _show_turns(session, Text(vi=vi, en=en), turns)
    if report.refusals:
        session.say(
            Text(
                vi="Không đọc được đến hết; chỉ các bản ghi trước chỗ lỗi được so sánh:",
                en="Not read to the end; only the records before the fault were compared:",
            ),
            style="red",
        )
        session.problems(report.refusals)
    if report.fields and not report.shows_values:
        session.say(
            Text(
                vi="Giá trị được che (chữ: x, số: 9), trừ mã; xem giá trị: thêm --show-values",
                en="Values are masked (letters x, digits 9) except codes; to see them: "
                "add --show-values",
            )
        )


def _table(session: Session, title: Text, *headings: tuple[str, str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        title=title.say(session.language),
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    for vi, en in headings:
        table.add_column(session.word(vi, en), overflow="fold")
    return table


def _fields_table(session: Session, report: ImpactReport) -> Table:
    from rich.text import Text as Styled

    from lienthong.cli.preview_tables import shown

    table = _table(
        session,
        Text(vi="Trường thay đổi", en="Fields that change"),
        ("Trường", "Field"),
        ("Hồ sơ", "Dossiers"),
        ("Trước", "Before"),
        ("Sau", "After"),
        ("Ví dụ tại", "Example at"),
    )
    for row in report.fields:
        name, count = row.field, str(row.dossiers)
        for example in row.examples:
            cells = (
                name,
                count,
                shown(example.before) or "∅",
                shown(example.after) or "∅",
                example.place.say(session.language),
            )
            table.add_row(*map(Styled, cells))
            name = count = ""
        if name:
            table.add_row(Styled(name), count)
    return table


def _problems_table(session: Session, report: ImpactReport) -> Table:
    table = _table(
        session,
        Text(vi="Lỗi mới và lỗi không còn", en="New problems and problems that are gone"),
        ("", ""),
        ("Bản ghi", "Records"),
        ("Lỗi", "Problem"),
        ("Trường", "Field"),
    )
    for sign, rows in (("+", report.new_problems), ("-", report.gone_problems)):
        for row in rows:
            table.add_row(sign, str(row.records), row.code, row.field)
    return table


def _show_turns(session: Session, title: Text, turns: Sequence[TurnRow]) -> None:
    from lienthong.cli.preview_tables import shown

    if not turns:
        return
    session.say(title, style="bold")
    for turn in turns:
        code = f" · {shown(turn.dossier)}" if turn.dossier else ""
        session.out.print(f"  {turn.place.say(session.language)}{code}", markup=False)
        for code_, field, message in turn.problems:
            said = f": {shown(message.say(session.language))}" if message else ""
            session.out.print(f"    {code_} {field}{said}", markup=False)


def _values(report: ImpactReport, language: Language) -> dict[str, Any]:
    from lienthong.cli.machine import problem_values

    def turns(rows: Sequence[TurnRow]) -> list[dict[str, Any]]:
        return [
            {
                "source": asdict(row.place),
                "dossier": row.dossier,
                "problems": [
                    {
                        "code": code,
                        "field": field or None,
                        "message": message.say(language) if message else None,
                    }
                    for code, field, message in row.problems
                ],
            }
            for row in rows
        ]

    return {
        **{
            side: {"name": file.name, "version": file.version, "sha256": file.digest}
            for side, file in (("old", report.old), ("new", report.new))
        },
        "files": list(report.files),
        "records": report.records,
        "harmless": report.is_harmless,
        "totals": report.records_by_fate,
        "heads": {key: {"old": before, "new": after} for key, before, after in report.heads},
        "notices": [notice.say(language) for notice in report.notices],
        "fields": [
            {
                **row._asdict(),
                "examples": [
                    {**example._asdict(), "place": asdict(example.place)}
                    for example in row.examples
                ],
            }
            for row in report.fields
        ],
        "new_problems": [row._asdict() for row in report.new_problems],
        "gone_problems": [row._asdict() for row in report.gone_problems],
        "rejected_now": turns(report.rejections),
        "accepted_now": turns(report.acceptances),
        "left_out_now": turns(report.departures),
        "taken_now": turns(report.arrivals),
        "vanished": turns(report.losses),
        "errors": [problem_values(problem, language) for problem in report.refusals],
    }

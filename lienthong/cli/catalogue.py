"""Commands for the catalogue of services: catalogue list, fetch, import, coverage."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson, opened
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from datetime import date

    from lienthong.catalogue_coverage import Line
    from mappings.annex import Annex
    from mappings.catalogue import Catalogue, Service

catalogue = typer.Typer(help="The services that are to be connected.", no_args_is_help=True)
GroupName = Annotated[str | None, typer.Option(help="Only this group, by its code")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(catalogue, name="catalogue")


@catalogue.command("list")
def list_(
    context: typer.Context,
    group: GroupName = None,
    search: Annotated[
        str | None, typer.Option(help="Search all procedures by code or words of the title")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    List the groups and the services that were imported, or search the procedures that ship.

    Example: lienthong catalogue list --search "khai sinh"
    """
    session: Session = context.obj
    if search is not None:
        _search(session, search, as_json=as_json)
        return
    found = _load(session)
    services = [one for one in found.services if group in (None, one.group)]
    if as_json:
        session.json(
            {
                "decisions": [
                    {"number": one.number, "day": one.day, "source": one.source}
                    for one in found.decisions
                ],
                "services": [_values(one) for one in services],
            }
        )
        return
    if group is None:
        _print_groups(session, found)
        return
    _check_group(group)
    for service in services:
        session.out.print(
            f"{service.code:<12}{_level(session, service):<12}{service.title}", markup=False
        )


@catalogue.command()
def fetch(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="procedures, agencies, fields, or procedure with --code")
    ],
    code: Annotated[str, typer.Option(help="Of the procedure: 1.001193")] = "",
    out: Annotated[Path | None, typer.Option(help="File to write; default: print")] = None,
) -> None:
    """
    Fetch a dictionary from the portal, as JSON in the portal's own names.

    Example: lienthong catalogue fetch procedures --out thu-tuc.json
    """
    from lienthong.channels.dictionaries import Dictionary
    from lienthong.flows.convert import DraftFile
    from lienthong.reaching import Reaching

    session: Session = context.obj
    known = {one.name.lower(): one for one in Dictionary}
    if name not in known:
        raise typer.BadParameter(f"choose from {', '.join(known)}", param_hint="NAME")
    if bool(code) != (known[name] is Dictionary.PROCEDURE):
        raise typer.BadParameter("it belongs to 'procedure', and that to it", param_hint="--code")
    with ExitStack() as stack:
        # A file that cannot be written is told before the portal is asked.
        draft = None if out is None else stack.enter_context(DraftFile(out))
        channel = Reaching(session.installation).open_dictionaries()
        stack.callback(channel.close)
        found = channel.fetch(known[name], code=code)
        if draft is None:
            session.json(list(found))
            return
        text = json.dumps(found, ensure_ascii=False, indent=1)
        draft.write(lambda target: target.write(text.encode(errors="replace")))
    session.tell(Text(vi=f"{out}: {len(found)} mục", en=f"{out}: {len(found)} entries"))


@catalogue.command("import")
def import_(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The annex, as CSV or XLSX")],
    decision: Annotated[str, typer.Option(help="Number of the decision")],
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Its day")],
    valid_from: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day on the list; default --date"),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Name a column: code|title|group|level|components|assurance=NAME"),
    ] = None,
    sheet: Annotated[str, typer.Option(help="Sheet of a workbook; default the first")] = "",
    encoding: Annotated[
        str | None, typer.Option(help="Of a text file; default: judged by its words")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the file")] = False,
    as_json: AsJson = False,
) -> None:
    """
    Take the services of a decision's annex onto the list; all of them, or none when one is wrong.

    Example: lienthong catalogue import phu-luc.xlsx --decision 1234/QĐ-UBND --date 2020-04-06
    """
    from mappings.catalogue import Decision, save_catalogue

    session: Session = context.obj
    annex = _read_annex(
        file,
        columns=_named_columns(column or []),
        valid_from=(valid_from or day).date(),
        sheet=sheet,
        encoding=encoding,
    )
    errors = [one for one in annex.problems if one.severity is Severity.ERROR]
    services = list(annex.services.values())
    is_done = not errors and bool(services) and not dry_run
    if is_done:
        entry = Decision(number=decision, day=day.date(), source=file.name)
        save_catalogue(
            session.installation.catalogue_file, _load(session).with_decision(entry, services)
        )
    if as_json:
        from lienthong.cli.machine import problem_values

        session.json(
            {
                "imported": len(services) if is_done else 0,
                "read": len(services),
                "problems": [problem_values(one, session.language) for one in annex.problems],
            }
        )
    else:
        session.problems(annex.problems)
        _say_imported(session, len(services), len(errors), is_done=is_done, dry_run=dry_run)
    finish(Exit.PARTLY if errors or not services else Exit.DONE)


@catalogue.command()
def coverage(
    context: typer.Context,
    group: GroupName = None,
    picture: Annotated[Path | None, typer.Option(help="Also draw it into this SVG file")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Show which services of which group are connected, by which mapping, and the last delivery.

    Example: lienthong catalogue coverage --picture coverage.svg
    """
    from lienthong.catalogue_coverage import by_group, cover
    from lienthong.catalogue_picture import draw
    from lienthong.store.database import reading
    from lienthong.store.deliveries import count_delivered
    from mappings import load_mapping

    session: Session = context.obj
    installation = session.installation
    if group is not None:
        _check_group(group)
    with reading(installation.store) as connection:
        delivered = count_delivered(connection)
    agencies = installation.mappings
    files = [load_mapping(agencies.path(name)) for name in agencies.names()]
    lines = cover(_load(session), files, delivered, day=installation.clock().date())
    if picture is not None:
        picture.write_text(draw(by_group(lines), language=session.language), encoding="utf-8")
    shown = [line for line in lines if group in (None, line.service.group)]
    if as_json:
        session.json([_line_values(line) for line in shown])
        return
    if not lines:
        _tell_empty(session)
    elif group is None:
        _print_coverage(session, lines)
    else:
        _print_services(session, shown)


def _load(session: Session) -> Catalogue:
    from mappings.catalogue import load_catalogue

    return load_catalogue(session.installation.catalogue_file)


def _check_group(group: str) -> None:
    from mappings.catalogue import load_groups
    from mappings.mistakes import closest, listed

    known = [one.code for one in load_groups()]
    if group not in known:
        near = closest(group, known) or Text(vi="", en="")
        raise ConfigError(
            Text(
                vi=f"không có nhóm {group!r}; {near.vi or 'các nhóm: ' + listed(known, limit=30)}",
                en=f"there is no group {group!r}; {near.en or 'groups: ' + listed(known)}",
            ),
            code="catalogue.group_unknown",
        )


def _named_columns(given: list[str]) -> dict[str, str]:
    from mappings.annex import COLUMNS

    named = dict(one.partition("=")[::2] for one in given)
    wrong = [key for key, name in named.items() if key not in COLUMNS or not name]
    if wrong:
        raise ConfigError(
            Text(
                vi=f"--column {wrong[0]}: cần một trong {', '.join(COLUMNS)} rồi =TÊN CỘT",
                en=f"--column {wrong[0]}: expected one of {', '.join(COLUMNS)}, then =NAME",
            ),
            code="catalogue.column",
        )
    return named


def _read_annex(
    file: Path, *, columns: dict[str, str], valid_from: date, sheet: str, encoding: str | None
) -> Annex:
    from adapters import SourceRecord, read_records
    from adapters.guessing import FormatUnknown, find_source
    from mappings.annex import Annex, find_columns, is_known

    named = set(columns.values())
    annex: Annex | None = None
    with opened(file) as source:
        try:
            options, _ = find_source(
                source,
                file_name=file.name,
                is_known=lambda name: name in named or is_known(name),
                encoding=encoding,
                sheet=sheet,
            )
        except FormatUnknown as unknown:
            raise _no_columns(file) from unknown
        for item in read_records(source, file_name=file.name, options=options):
            if isinstance(item, SourceRecord):
                if annex is None:
                    found = find_columns(item.values, given=columns)
                    annex = Annex(columns=found, valid_from=valid_from)
                annex.take(item)
            elif annex is not None:
                annex.problems.extend(item.problems)
    if annex is None or not {"code", "title"} & annex.columns.keys() or len(annex.columns) < 2:
        raise _no_columns(file)
    return annex


def _no_columns(file: Path) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"{file.name}: không có dòng tên cột nào nhận ra được; "
            "chỉ rõ bằng --column code=… --column group=…",
            en=f"{file.name}: no row of column names was recognised; "
            "name them with --column code=… --column group=…",
        ),
        code="catalogue.no_columns",
    )


def _search(session: Session, words: str, *, as_json: bool) -> None:
    from mappings.tables import load_rows
    from mappings.texts import fold_name

    wanted = fold_name(words)
    found = [
        row
        for row in load_rows("procedures")
        if row["ma_tthc"].startswith(words.strip()) or wanted in fold_name(row["ten_tthc"])
    ]
    if as_json:
        session.json(
            [
                {"code": row["ma_tthc"], "title": row["ten_tthc"], "field": row["linh_vuc"]}
                for row in found
            ]
        )
        return
    for row in found:
        session.out.print(f"{row['ma_tthc']:<12}{row['ten_tthc']}", markup=False)
    session.tell(Text(vi=f"{len(found)} thủ tục", en=f"{len(found)} procedures"))


def _print_groups(session: Session, found: Catalogue) -> None:
    from mappings.catalogue import load_groups

    for decision in found.decisions:
        session.say(
            Text(
                vi=f"Quyết định {decision.number} ngày {decision.day:%d/%m/%Y}, {decision.source}",
                en=f"Decision {decision.number} of {decision.day}, {decision.source}",
            )
        )
    table = _table(
        session.word("Nhóm", "Group"),
        session.word("Tên", "Name"),
        session.word("Dịch vụ", "Services"),
    )
    for group in load_groups():
        table.add_row(group.code, group.name, str(len(found.of_group(group.code))))
    session.out.print(table)
    if not found.services:
        _tell_empty(session)


def _print_coverage(session: Session, lines: list[Line]) -> None:
    from lienthong.catalogue_coverage import Connection, by_group

    table = _table(
        session.word("Nhóm", "Group"), *(each.text.say(session.language) for each in Connection)
    )
    for group in by_group(lines):
        if group.total:
            table.add_row(group.group.name, *(str(group.counts[each]) for each in Connection))
    session.out.print(table)
    connected = sum(line.connection is not Connection.NONE for line in lines)
    session.say(
        Text(
            vi=f"{connected} / {len(lines)} dịch vụ đã kết nối; --group NHÓM để xem từng dịch vụ",
            en=f"{connected} / {len(lines)} services are connected; --group NAME shows each",
        )
    )


def _print_services(session: Session, lines: list[Line]) -> None:
    table = _table(
        session.word("Mã TTHC", "Procedure"),
        session.word("Tên", "Title"),
        session.word("Mức độ", "Level"),
        session.word("Kết nối", "Connection"),
        session.word("Ánh xạ", "Mappings"),
        session.word("Gửi gần nhất", "Last delivery"),
    )
    for line in lines:
        table.add_row(
            line.service.code,
            line.service.title,
            _level(session, line.service),
            line.connection.text.say(session.language),
            ", ".join(line.mappings),
            f"{line.last_at:%Y-%m-%d %H:%M}" if line.last_at else "",
        )
    session.out.print(table)


def _say_imported(
    session: Session, services: int, errors: int, *, is_done: bool, dry_run: bool
) -> None:
    if is_done:
        text = Text(vi=f"Đã nhập {services} dịch vụ", en=f"{services} services imported")
    elif errors:
        text = Text(
            vi=f"{errors} lỗi; chưa nhập gì. Sửa tệp rồi chạy lại",
            en=f"{errors} errors; nothing was imported. Mend the file and run this again",
        )
    elif dry_run:
        text = Text(vi=f"{services} dịch vụ, không có lỗi", en=f"{services} services, no errors")
    else:
        text = Text(vi="Tệp không có dịch vụ nào", en="There are no services in the file")
    session.say(text, style="green" if is_done or (dry_run and not errors) else "red")


def _tell_empty(session: Session) -> None:
    session.tell(
        Text(
            vi="Chưa có dịch vụ nào; nhập phụ lục của quyết định bằng `catalogue import`",
            en="There are no services yet; take the decision's annex in with `catalogue import`",
        )
    )


def _level(session: Session, service: Service) -> str:
    from mappings.catalogue import LEVELS

    return "" if service.level is None else LEVELS[service.level].say(session.language)


def _values(service: Service) -> dict[str, Any]:
    return {
        "code": service.code,
        "title": service.title,
        "group": service.group,
        "level": service.level.value if service.level else None,
        "components": list(service.components),
        "assurance": service.assurance,
        "valid_from": service.valid_from,
        "valid_to": service.valid_to,
    }


def _line_values(line: Line) -> dict[str, Any]:
    return _values(line.service) | {
        "connection": line.connection.value,
        "mappings": list(line.mappings),
        "delivered": line.delivered,
        "last_delivery": line.last_at.isoformat() if line.last_at else None,
    }


def _table(*names: str) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in names:
        table.add_column(name)
    return table

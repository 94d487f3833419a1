"""Commands on the sources that are read by us: pull list, check, run, rewind."""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.pull.profile import PullProfile
    from lienthong.pull.sftp_profile import SftpPull
    from lienthong.store.pulls import PullState

pull = typer.Typer(help="Sources that are read by us.", no_args_is_help=True)
SourceName = Annotated[str, typer.Argument(help="Name of the source: [pull.NAME]")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(pull, name="pull")


@pull.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List the sources: when each was read, how many rows it gave, and what keeps it from being read.

    Example: lienthong pull list --json
    """
    from lienthong.store.database import reading
    from lienthong.store.pulls import list_pulls

    session: Session = context.obj
    profiles = session.settings.pull
    with reading(session.installation.store) as connection:
        states = list_pulls(connection)
    if as_json:
        session.json([_values(name, p, states.get(name)) for name, p in profiles.items()])
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for vi, en in (
        ("Nguồn", "Source"),
        ("Ánh xạ", "Mapping"),
        ("Đọc xong lúc", "Read to its end"),
        ("Số dòng", "Rows"),
        ("Mốc", "Watermark"),
        ("Trục trặc", "Trouble"),
    ):
        table.add_column(session.word(vi, en), no_wrap=True)
    for name, profile in profiles.items():
        state = states.get(name)
        if state is None:
            table.add_row(name, profile.agency or name, "-", "0", "-", "")
            continue
        read_at = "-" if state.read_at is None else f"{state.read_at:%Y-%m-%d %H:%M}"
        mark = "-" if state.mark is None else str(state.mark)
        trouble = state.trouble or ""
        table.add_row(name, profile.agency or name, read_at, str(state.rows), mark, trouble)
    session.out.print(table)


@pull.command()
def check(context: typer.Context, name: SourceName, as_json: AsJson = False) -> None:
    """
    Connect to a source and show what the next page would be, without its values; takes nothing.

    Example: lienthong pull check land-registration
    """
    from contextlib import closing

    from lienthong.doors.pull import agency_of, low_mark
    from lienthong.pull.sources import open_source
    from lienthong.pull.tokens import Tokens
    from lienthong.store.database import reading
    from lienthong.store.pulls import list_pulls

    session: Session = context.obj
    profile = _profile(session, name)
    agency_of(session.installation, name, profile)
    if profile.kind == "sftp":
        _check_drops(session, profile, as_json=as_json)
        return
    with reading(session.installation.store) as connection:
        state = list_pulls(connection).get(name)
    low = low_mark(profile, None if state is None else state.mark)
    opened = open_source(profile, clock=session.installation.clock, tokens=Tokens())
    with closing(opened) as source, closing(source.pages(low=low)) as pages:
        page = next(pages, None)
        rows = [] if page is None else page.rows
        # One of them as it would go on, with what a detail of it adds.
        whole = source.lines(rows[:1]) if rows else []
        address = source.address
    marks = [str(row.mark) for row in rows if row.mark is not None]
    names = [] if page is None else [*page.columns, *(json.loads(whole[0]) if whole else ())]
    columns = list(dict.fromkeys(names))
    found = {
        "source": address,
        "from": None if low is None else str(low),
        "rows": len(rows),
        "bytes": sum(len(row.line) for row in rows),
        "first": marks[0] if marks else None,
        "last": marks[-1] if marks else None,
        "columns": columns,
    }
    if as_json:
        session.json(found)
        return
    session.say(Text(vi=f"Đã kết nối {address}", en=f"Connected to {address}"))
    if not rows:
        session.say(Text(vi="Không có dòng nào từ mốc này", en="There are no rows from here on"))
        return
    session.say(
        Text(
            vi=f"Trang kế tiếp: {len(rows)} dòng, {found['bytes']} byte, mốc từ {found['first']} "
            f"đến {found['last']} (kể cả dòng đã nhận trong khoảng chồng lấn)",
            en=f"Next page: {len(rows)} rows, {found['bytes']} bytes, watermarks from "
            f"{found['first']} to {found['last']} (rows of the overlap that were taken over count)",
        )
    )
    shown = ", ".join(columns)
    session.say(Text(vi=f"Các cột: {shown}", en=f"Columns: {shown}"))


@pull.command()
def run(context: typer.Context, name: SourceName, as_json: AsJson = False) -> None:
    """
    Read a source once, now, and take over what is new.

    Example: lienthong pull run land-registration
    """
    from lienthong.doors.pull import PullDoor
    from lienthong.pauses import IntakePaused

    session: Session = context.obj
    profile = _profile(session, name)
    agency = profile.agency or name
    if (closed := session.installation.pauses.look().closed_to(agency)) is not None:
        raise IntakePaused(closed)
    with session.installation.open_broker() as broker:
        door = PullDoor(session.installation, publisher=broker)
        done = door.read(name, even_if_not_due=True)
    if done is None:
        raise ConfigError(
            Text(
                vi=f"Nguồn «{name}» đang được tiến trình khác đọc; thử lại sau",
                en=f"the source '{name}' is being read by another process; try later",
            ),
            code="pull.busy",
        )
    if as_json:
        session.json(
            {
                "rows": done.rows,
                "repeated": done.repeated,
                "submissions": done.submissions,
                "trouble": None if done.trouble is None else done.trouble.code,
            }
        )
    else:
        what = ("tệp", "files") if profile.kind == "sftp" else ("dòng", "rows")
        session.say(
            Text(
                vi=f"Đã nhận {done.rows} {what[0]} mới ({done.submissions} lần gửi); "
                f"{done.repeated} {what[0]} đã có",
                en=f"{done.rows} new {what[1]} taken over ({done.submissions} submissions); "
                f"{done.repeated} were there",
            )
        )
    if done.trouble is not None:
        if as_json or done.rows:
            session.tell(done.trouble.text)
            finish(Exit.PARTLY)
        raise done.trouble


@pull.command()
def rewind(
    context: typer.Context,
    name: SourceName,
    to: Annotated[
        str | None,
        typer.Option(help="Watermark to read from: a number, a day or a time; default its start"),
    ] = None,
) -> None:
    """
    Read a source again from an earlier (or later) watermark; what is not new is not sent again.

    Example: lienthong pull rewind land-registration --to 2026-01-01
    """
    from lienthong.pull.marks import parse_start
    from lienthong.store.pulls import rewind as set_mark
    from lienthong.store.work import begin

    session: Session = context.obj
    _profile(session, name)
    try:
        mark = None if to is None else parse_start(to)
    except ValueError:
        raise typer.BadParameter(
            f"{to!r}: a number, a day or a time: 2026-01-31T08:00", param_hint="--to"
        ) from None
    installation = session.installation
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        is_done = set_mark(work, name, to=mark)
    if not is_done:
        raise ConfigError(
            Text(
                vi=f"Nguồn «{name}» chưa đọc lần nào, hoặc đang được đọc; thử lại sau",
                en=f"the source '{name}' was never read, or is being read now; try later",
            ),
            code="pull.busy",
        )
    session.say(
        Text(
            vi=f"Nguồn «{name}» sẽ được đọc lại từ {to or 'đầu'}",
            en=f"The source '{name}' is read again from {to or 'its start'}",
        )
    )


def _check_drops(session: Session, profile: SftpPull, *, as_json: bool) -> None:
    from lienthong.pull.sftp import DropFolder
    from lienthong.pull.sftp_session import connected, shown_server

    with connected(profile) as opened:
        look = DropFolder(profile, opened).look()
    files = look.files.values()
    found = {
        "source": shown_server(profile),
        "files": len(files),
        "bytes": sum(drop.size for drop in files),
        "marked": len(look.marked & look.files.keys()) if profile.done_marker else None,
        "others": len(look.names) - len(files),
    }
    if as_json:
        session.json(found)
        return
    address = found["source"]
    session.say(Text(vi=f"Đã kết nối {address}", en=f"Connected to {address}"))
    session.say(
        Text(
            vi=f"{found['files']} tệp khớp files, {found['bytes']} byte (kể cả tệp đang ghi dở và "
            f"tệp đã nhận mà còn ở đó); {found['others']} tệp khác",
            en=f"{found['files']} files match, {found['bytes']} bytes (those being written, and "
            f"those that were taken over and still lie there, count); {found['others']} others",
        ),
    )
    if profile.done_marker:
        session.say(
            Text(
                vi=f"{found['marked']} tệp có {profile.done_marker}",
                en=f"{found['marked']} of them have their {profile.done_marker}",
            )
        )


def _profile(session: Session, name: str) -> PullProfile:
    found = session.settings.pull.get(name)
    if found is not None:
        return found
    known = ", ".join(session.settings.pull) or "-"
    raise ConfigError(
        Text(
            vi=f"Không có [pull.{name}] trong cấu hình; có: {known}",
            en=f"there is no [pull.{name}] in the settings; there are: {known}",
        ),
        code="pull.unknown",
    )


def _values(name: str, profile: PullProfile, state: PullState | None) -> dict[str, object]:
    return {
        "source": name,
        "kind": profile.kind,
        "mapping": profile.agency or name,
        "read_at": None if state is None else state.read_at,
        "tried_at": None if state is None else state.tried_at,
        "rows": 0 if state is None else state.rows,
        "watermark": None if state is None or state.mark is None else str(state.mark),
        "trouble": None if state is None else state.trouble,
    }

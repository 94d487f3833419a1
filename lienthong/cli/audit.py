"""Commands for the audit log: audit verify, seal, stamp, search, export, erase, print, witness."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.evidence.checking import Checked
    from lienthong.evidence.stamp_checking import Proven
    from lienthong.evidence.witnesses import Memory
    from lienthong.store.audit import AuditLine

audit = typer.Typer(help="The audit log.", no_args_is_help=True)

Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="From then on")
]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Before then")
]
Actor = Annotated[str | None, typer.Option(help="Who did it")]
Event = Annotated[str | None, typer.Option(help='What happened; "message." is all that begin so')]
Dossier = Annotated[str | None, typer.Option(help="Of the messages of this dossier")]
Subject = Annotated[str | None, typer.Option(help="Id of a message or submission")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(audit, name="audit")


@audit.command()
def verify(
    context: typer.Context,
    witness: Annotated[
        list[str] | None,
        typer.Option(help="Folder or address of a witness; default those in the settings"),
    ] = None,
    printed: Annotated[
        list[str] | None, typer.Option(help="Number and digest from a printed page: 12:9f86d0…")
    ] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option(help="SHA-256 of a certificate that may seal; default the operator's here"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Recompute the whole audit log and say where it was changed, if anywhere.

    Example: lienthong audit verify --witness /mnt/elsewhere/witness
    """
    from lienthong.evidence.witnesses import PrintedWitness, open_witness
    from lienthong.store.database import reading

    session: Session = context.obj
    installation = session.installation
    witnesses: list[Memory] = list(session.proving.witnesses)
    if witness:
        token = session.settings.audit.witness_token.get_secret_value()
        witnesses = [open_witness(one, token=token) for one in witness]
    if printed:
        witnesses.append(PrintedWitness.read(printed))
    with reading(installation.store) as connection, _bar(session) as bar:
        task = bar.add_task(session.word("đang kiểm tra", "checking"), total=None)
        found = session.proving.check_log(
            connection,
            witnesses=witnesses,
            operators=[one.lower().replace(":", "") for one in operator or ()],
            progress=lambda rows: bar.update(task, completed=rows),
        )
    if as_json:
        session.json(_values(found, session))
    else:
        _show(session, found)
    finish(Exit.DONE if found.is_whole else Exit.PARTLY)


@audit.command()
def seal(context: typer.Context) -> None:
    """
    Seal every row now and tell the witnesses; the role `seal` does it by itself.

    Example: lienthong audit seal
    """
    session: Session = context.obj
    sealer = session.proving.make_sealer()
    made = sealer.step()
    session.say(Text(vi=f"Đã niêm phong {made} lần", en=f"{made} seals were made"))
    for trouble in sealer.troubles.values():
        session.tell(trouble, style="red")
    show_countdown(session)
    finish(Exit.PARTLY if sealer.troubles else Exit.DONE)


@audit.command()
def stamp(context: typer.Context) -> None:
    """
    Have the newest seal time-stamped now; the role `stamp` does it by itself.

    Example: lienthong audit stamp
    """
    session: Session = context.obj
    stamper = session.proving.make_stamper()
    got = stamper.step(at_once=True)
    if got is not None:
        session.say(
            Text(
                vi=f"Đã có dấu thời gian {got.at:%Y-%m-%d %H:%M:%S} UTC của "
                f"{got.authority.common_name} cho mọi dòng đã niêm phong",
                en=f"Every row that is sealed has the time-stamp {got.at:%Y-%m-%d %H:%M:%S} UTC of "
                f"{got.authority.common_name}",
            )
        )
    elif stamper.trouble is None:
        session.say(
            Text(
                vi="Mọi dòng đã niêm phong đều có dấu thời gian",
                en="Every row that is sealed has a time-stamp",
            )
        )
    else:
        session.tell(stamper.trouble, style="red")
        show_countdown(session)
        finish(Exit.PARTLY)


@audit.command()
def search(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    dossier: Dossier = None,
    subject: Subject = None,
    actor: Actor = None,
    event: Event = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most; the first ones")] = 100,
    as_json: AsJson = False,
) -> None:
    """
    List rows of the audit log: of a dossier, of a person, of a time, of a kind.

    Example: lienthong audit search --dossier H29.15-250707-0001
    """
    from lienthong.store.audit import read_lines
    from lienthong.store.audit_search import Wanted, condition_of
    from lienthong.store.database import reading

    session: Session = context.obj
    wanted = Wanted(
        dossier=dossier,
        with_submissions=True,
        subject=subject,
        actor=actor,
        event=event,
        since=since,
        until=until,
    )
    with reading(session.installation.store) as connection:
        lines = list(read_lines(connection, condition_of(wanted), limit=limit + 1))
    if as_json:
        session.json([_line_values(line) for line in lines[:limit]])
        return
    for line in lines[:limit]:
        session.out.print(_line_text(session, line), markup=False)
    if len(lines) > limit:
        session.tell(
            Text(
                vi=f"Còn nữa; chỉ hiện {limit} dòng đầu: thêm --limit",
                en=f"There are more; the first {limit} are shown: give --limit",
            )
        )


@audit.command()
def export(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="File; default standard output")] = None,
) -> None:
    """
    Write the whole log as JSON lines: signers, seals and rows, for checking elsewhere.

    Example: lienthong audit export --out log.jsonl
    """
    from lienthong.evidence.exporting import export_log
    from lienthong.store.database import reading

    session: Session = context.obj
    with reading(session.installation.store) as connection:
        if out is None:
            for line in export_log(connection):
                sys.stdout.write(line)
            return
        try:
            with out.open("w", encoding="utf-8") as file:
                for line in export_log(connection):
                    file.write(line)
        except OSError as error:
            raise _unwritable(out, error) from error
    session.say(Text(vi=f"Đã ghi {out}", en=f"{out} was written"))


@audit.command()
def erase(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the audit log")],
    dossier: Dossier = None,
    subject: Subject = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many, do nothing")] = False,
) -> None:
    """
    Erase details of rows for good, where a law demands it; that the rows are true stays proven.

    Example: lienthong audit erase --dossier H29.15-250707-0001 --reason "decision 12/QĐ"
    """
    from lienthong.flows.erase import count_erasable, erase_details
    from lienthong.store.audit_search import Wanted

    session: Session = context.obj
    wanted = Wanted(dossier=dossier, subject=subject, until=until)
    if wanted == Wanted():
        raise ConfigError(
            Text(
                vi="Chọn dòng cần xóa bằng --dossier, --subject hoặc --until",
                en="say which rows: --dossier, --subject or --until",
            ),
            code="audit.nothing_selected",
        )
    installation = session.installation
    if dry_run:
        count = count_erasable(installation.store, wanted)
        session.say(Text(vi=f"Sẽ xóa chi tiết của {count} dòng", en=f"{count} details would go"))
        return
    count = erase_details(
        installation.store,
        wanted,
        actor=getpass.getuser(),
        reason=reason,
        clock=installation.clock,
    )
    session.say(
        Text(
            vi=f"Đã xóa chi tiết của {count} dòng; bằng chứng về các dòng vẫn còn. Bản sao lưu cũ "
            "của cơ sở dữ liệu vẫn chứa chúng",
            en=f"{count} details are gone; their rows stay proven. Old backups of the database "
            "still have them",
        )
    )


@audit.command("print")
def print_page(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="HTML file to print and put into a safe")] = Path(
        "niem-phong.html"
    ),
) -> None:
    """
    Write the newest seal as a page to print, sign and keep: a witness that needs no machine.

    Example: lienthong audit print --out seal.html
    """
    from lienthong.evidence.printing import write_seal_page
    from lienthong.evidence.sealing import certificates_of, newest_seal
    from lienthong.store.database import reading

    session: Session = context.obj
    with reading(session.installation.store) as connection:
        newest = newest_seal(connection)
        if newest is None:
            raise ConfigError(
                Text(
                    vi="Chưa có niêm phong nào: chạy lienthong audit seal",
                    en="there is no seal yet: run lienthong audit seal",
                ),
                code="audit.no_seal",
            )
        certificates = certificates_of(connection, newest.signer)
    write_seal_page(out, newest, certificates=certificates)
    session.say(Text(vi=f"Đã ghi {out}", en=f"{out} was written"))


@audit.command()
def witness(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where the seals are kept")],
    host: Annotated[str, typer.Option(help="Address it listens on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8590,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that who asks must have")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS: PEM with its chain")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS: PEM")] = None,
) -> None:
    """
    Be a witness for others: keep the seals that they hand in, and never change one.

    Run it on a machine that the operators of the database cannot write to.
    Example: lienthong audit witness /var/lib/witness --token-file token
    """
    from lienthong.evidence.witness_server import serve_witness

    session: Session = context.obj
    serve_witness(
        folder,
        host=host,
        port=port,
        token_file=token_file,
        certificate=certificate,
        key=key,
        ready=session.out.print,
    )


def show_countdown(session: Session) -> None:
    """Say which rows have no time-stamp yet, where somebody is asked for them."""
    from lienthong.evidence.stamps import Lack

    found = session.proving.countdown()
    if found is not None:
        styles = {Lack.USUAL: None, Lack.LATE: "yellow", Lack.OVERDUE: "red"}
        session.say(found.words, style=styles[found.lack])


def _bar(session: Session) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=session.err,
        transient=True,
        disable=not session.err.is_terminal,
    )


def _values(found: Checked, session: Session) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "seals": found.seals,
        "unsealed": found.unsealed,
        "unsealed_since": found.tail_since.isoformat() if found.tail_since else None,
        "erased": found.erased,
        "untagged": found.untagged,
        "signers": found.signers,
        "stamps": found.stamps,
        "proven": None if found.proven is None else _proven_values(found.proven),
        "witnesses": [
            {
                "name": one.name,
                "seals": one.seals,
                "newest": one.newest,
                "trouble": one.trouble.say(session.language) if one.trouble else None,
            }
            for one in found.witnesses
        ],
        "faults": [
            {
                "code": fault.code,
                "row": fault.row,
                "seal": fault.seal,
                "message": fault.words.say(session.language),
            }
            for fault in found.faults
        ],
        "more_faults": found.more_faults,
    }


def _proven_values(proven: Proven) -> dict[str, Any]:
    accuracy = proven.accuracy
    return asdict(proven) | {
        "at": proven.at.isoformat(),
        "accuracy": None if accuracy is None else accuracy.total_seconds(),
    }


_STYLES = {"plain": None, "good": "green", "warn": "yellow", "bad": "red"}


def _show(session: Session, found: Checked) -> None:
    from lienthong.evidence.telling import tell_checked

    for one in tell_checked(found):
        session.say(one.text, style=_STYLES[one.tone.value])


def _line_values(line: AuditLine) -> dict[str, Any]:
    detail = None if line.detail is None else json.loads(line.detail)
    return asdict(line) | {"at": line.at.isoformat(), "detail": detail}


def _line_text(session: Session, line: AuditLine) -> str:
    sealed = "" if line.seal is not None else session.word(" (chưa niêm)", " (unsealed)")
    detail = session.word("(đã xóa)", "(erased)") if line.detail is None else line.detail
    return (
        f"#{line.id} {line.at:%Y-%m-%d %H:%M:%S}  {line.action}  {line.subject}  {line.actor}"
        f"{sealed}  {detail if detail != '{}' else ''}"
    ).rstrip()


def _unwritable(file: Path, error: OSError) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không ghi được {file}: {error.strerror}",
            en=f"{file} cannot be written: {error.strerror}",
        ),
        code="audit.unwritable",
    )

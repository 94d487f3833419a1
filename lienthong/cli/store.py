"""Commands for the message store: store upgrade, check, rotate-key, reseal, index, retain."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lienthong.flows.retain import Retained
    from lienthong.store.rotation import Rotation
    from lienthong.store.spool import BroughtIn

store = typer.Typer(
    help="The message store: its version, its keys, how long it keeps what.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(store, name="store")


@store.command()
def upgrade(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Make the tables of a new store, or bring an older store to this program's version.

    Stop the workers and make a backup first; nothing happens to a store that fits.
    Example: lienthong store upgrade
    """
    from lienthong.store import migrating, spool
    from lienthong.store.versions import CURRENT

    session: Session = context.obj
    installation = session.installation
    actor = getpass.getuser()
    with _progress(session, session.word("nâng cấp", "upgrading")) as on_progress:
        found = migrating.upgrade(
            installation.engine,
            at=installation.clock(),
            actor=actor,
            progress=lambda _table, done, total: on_progress(done, total),
        )
        # Opening it makes the keys of a new store, so that the file can be backed up at once.
        opened = installation.store
        brought = spool.bring_in(
            opened,
            installation.settings.data_dir / spool.SPOOL,
            clock=installation.clock,
            actor=actor,
            progress=on_progress,
        )
    key_file = opened.vault.file.path
    if as_json:
        session.json(
            {
                "from": found,
                "version": CURRENT,
                "key_file": str(key_file),
                "files_brought_in": brought.files,
                "files_damaged": list(brought.damaged),
                "files_unknown": list(brought.unknown),
            }
        )
    else:
        session.say(_upgraded(found, CURRENT, key_file), style="green")
        _tell_spool(session, brought)
        if found not in (None, CURRENT):
            session.tell(
                Text(
                    vi="Những gì kho cũ lưu không mã hóa vẫn mở được; mã hóa bằng: "
                    "lienthong store reseal",
                    en="What the older store kept plainly still opens; encrypt it with: "
                    "lienthong store reseal",
                )
            )
    finish(Exit.PARTLY if brought.damaged else Exit.DONE)


def _upgraded(found: str | None, version: str, key_file: Path) -> Text:
    if found == version:
        done = Text(vi=f"Kho đã có phiên bản {version}", en=f"The store has version {version}")
    elif found is None:
        done = Text(
            vi=f"Đã tạo kho, phiên bản {version}", en=f"The store was made, version {version}"
        )
    else:
        done = Text(
            vi=f"Đã nâng kho từ phiên bản {found} lên {version}",
            en=f"The store was brought from version {found} to {version}",
        )
    return Text(
        vi=f"{done.vi}; tệp khóa: {key_file}, hãy sao lưu riêng với dữ liệu",
        en=f"{done.en}; its key file: {key_file}, back it up apart from the data",
    )


def _tell_spool(session: Session, brought: BroughtIn) -> None:
    if brought.files:
        session.say(
            Text(
                vi=f"Đã chuyển {brought.files} tệp gốc vào kho",
                en=f"{brought.files} raw files were brought into the store",
            )
        )
    if brought.damaged:
        names = ", ".join(brought.damaged)
        session.say(
            Text(
                vi=f"Tệp gốc không đúng mã băm đã ghi lúc nhận, được để lại: {names}. Đặt bản đúng "
                "từ bản sao lưu vào chỗ đó rồi chạy lại",
                en=f"Raw files that are not what was received, by their digest, were left: "
                f"{names}. Put the right ones there from a backup and run this again",
            ),
            style="red",
        )
    if brought.unknown:
        names = ", ".join(brought.unknown)
        session.say(
            Text(
                vi=f"Tệp không thuộc lần nộp nào, được để lại: {names}",
                en=f"Files that belong to no submission were left: {names}",
            ),
            style="yellow",
        )


@store.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Say whether the store fits this program and whether its keys open it.

    Example: lienthong store check
    """
    from lienthong.store import migrating
    from lienthong.store.versions import CURRENT

    session: Session = context.obj
    migrating.check(session.installation.engine)
    vault = session.installation.store.vault
    if as_json:
        session.json(
            {
                "version": CURRENT,
                "encrypts": vault.encrypt,
                "key": vault.newest_key_id,
                "key_file": str(vault.file.path),
            }
        )
        return
    sealing = (
        Text(
            vi=f"giá trị mới được mã hóa bằng khóa dữ liệu số {vault.newest_key_id}, "
            f"tệp khóa {vault.file.path}",
            en=f"new values are sealed with data key number {vault.newest_key_id}, "
            f"key file {vault.file.path}",
        )
        if vault.encrypt
        else Text(
            vi="giá trị mới KHÔNG được mã hóa ([store] encrypt = false)",
            en="new values are NOT encrypted ([store] encrypt = false)",
        )
    )
    session.say(
        Text(
            vi=f"Kho thông điệp có phiên bản {CURRENT}, khóa mở được; {sealing.vi}",
            en=f"The message store has version {CURRENT} and its keys open; {sealing.en}",
        ),
        style="green" if vault.encrypt else "yellow",
    )


@store.command("rotate-key")
def rotate_key(
    context: typer.Context,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare",
            help="Only add the new key to the file, to copy it to the other machines first",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Protect the store with a new master key; what is there opens as before.

    Several machines: use --prepare, copy the key file to each, then run it without.
    Example: lienthong store rotate-key
    """
    from lienthong.store import rotation
    from lienthong.store.data_keys import SqlKeyStore

    session: Session = context.obj
    installation = session.installation
    file = installation.store.vault.file
    keys = SqlKeyStore(installation.engine, actor=getpass.getuser())
    now = installation.clock()
    if prepare:
        master = rotation.prepare(file, keys, now=now)
        if as_json:
            session.json({"file": str(file.path), "prepared": master.id})
        else:
            session.say(_prepared(master.id, file.path))
        return
    done = rotation.rotate(file, keys, now=now)
    if as_json:
        session.json(
            {
                "file": str(file.path),
                "master": done.master_id,
                "key": done.key_id,
                "rewrapped": done.rewrapped,
                "unneeded": list(done.unneeded),
            }
        )
        return
    session.say(_rotated(done, file.path), style="green")
    if done.unneeded:
        session.tell(_unneeded(", ".join(done.unneeded)))
    session.tell(
        Text(
            vi="Dữ liệu đã có vẫn mở được. Muốn mã hóa lại tất cả bằng khóa mới: khởi động lại các "
            "tiến trình, rồi chạy: lienthong store reseal",
            en="What is there opens as before. To encrypt all of it with the new key: start the "
            "workers again, then run: lienthong store reseal",
        )
    )


def _prepared(name: str, path: Path) -> Text:
    return Text(
        vi=f"Khóa «{name}» đã có trong {path}, chưa dùng cho gì. Sao lưu tệp, chép sang các máy "
        "khác, rồi chạy: lienthong store rotate-key",
        en=f"The key '{name}' is in {path}, and nothing uses it yet. Back the file up, copy it to "
        "the other machines, then run: lienthong store rotate-key",
    )


def _rotated(done: Rotation, path: Path) -> Text:
    return Text(
        vi=f"Kho dùng khóa chính «{done.master_id}» và khóa dữ liệu số {done.key_id}. "
        f"Sao lưu ngay {path}, để riêng với dữ liệu",
        en=f"The store uses the master key '{done.master_id}' and data key number {done.key_id}. "
        f"Back up {path} now, apart from the data",
    )


def _unneeded(names: str) -> Text:
    return Text(
        vi=f"Kho không cần nữa: {names}. Các bản sao lưu cũ của kho vẫn cần chúng: hãy cất giữ, "
        "đừng hủy",
        en=f"The store does not need any more: {names}. Its older backups do: put them away, do "
        "not destroy them",
    )


@store.command()
def reseal(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Encrypt everything that is stored with the newest key; may be stopped and begun again.

    Also encrypts what was stored plainly. Workers may go on running.
    Example: lienthong store reseal
    """
    from lienthong.flows.reseal import reseal as seal_again
    from lienthong.flows.reseal_files import reseal_files

    session: Session = context.obj
    installation = session.installation
    with _progress(session, session.word("mã hóa lại", "sealing")) as on_progress:
        done = seal_again(
            installation.store,
            clock=installation.clock,
            actor=getpass.getuser(),
            on_progress=on_progress,
        )
    files = reseal_files(
        installation.store,
        installation.blobs,
        clock=installation.clock,
        actor=getpass.getuser(),
    )
    if as_json:
        session.json(
            {
                "values": done.values,
                "left": done.left,
                "attachments": files.files,
                "attachments_broken": list(files.broken),
                "broken": [
                    {"place": error.context, "message": error.text.say(session.language)}
                    for error in done.broken
                ],
            }
        )
    else:
        session.say(
            Text(vi=f"Đã mã hóa lại {done.values} giá trị", en=f"{done.values} values sealed anew")
        )
        if files.files:
            session.say(
                Text(
                    vi=f"Đã mã hóa lại {files.files} tệp đính kèm",
                    en=f"{files.files} attachments sealed anew",
                )
            )
        if files.broken:
            names = ", ".join(files.broken[:10])
            session.say(
                Text(
                    vi=f"{len(files.broken)} tệp đính kèm không mở được: {names}",
                    en=f"{len(files.broken)} attachments do not open: {names}",
                ),
                style="red",
            )
        for error in done.broken:
            session.say(error.text, style="red")
        if done.left:
            session.say(
                Text(
                    vi=f"Còn {done.left} giá trị các tiến trình đang giữ hoặc vừa ghi bằng khóa "
                    "cũ; chạy lại lệnh này",
                    en=f"{done.left} values are left that workers held, or wrote with an older key "
                    "just now; run this again",
                ),
                style="yellow",
            )
    finish(Exit.PARTLY if done.broken or done.left or files.broken else Exit.DONE)


@store.command()
def index(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="Go through all messages anew")] = False,
    as_json: AsJson = False,
) -> None:
    """
    Put messages from before an upgrade into the index by identity number and error.

    Workers may go on running; it may be stopped and begun again.
    Example: lienthong store index
    """
    from lienthong.flows.index import begin_again, index_messages
    from lienthong.flows.reread import Source

    session: Session = context.obj
    installation = session.installation
    actor, clock = getpass.getuser(), installation.clock
    if again:
        begin_again(installation.store, clock=clock, actor=actor)
    with _progress(session, session.word("lập chỉ mục", "indexing")) as on_progress:
        done = index_messages(
            installation.store,
            Source(installation.store, installation.agency, clock=clock),
            clock=clock,
            actor=actor,
            on_progress=on_progress,
        )
    if as_json:
        session.json({"messages": done.messages, "unread": list(done.unread)})
    else:
        session.say(
            Text(
                vi=f"Đã lập chỉ mục {done.messages} thông điệp",
                en=f"{done.messages} messages were indexed",
            )
        )
        if done.unread:
            names = ", ".join(done.unread[:10])
            session.say(
                Text(
                    vi=f"Không đọc được số giấy tờ của {len(done.unread)} thông điệp (không tìm "
                    f"được theo người): {names}",
                    en=f"The identity numbers of {len(done.unread)} messages cannot be read (they "
                    f"are not found by person): {names}",
                ),
                style="yellow",
            )
    finish(Exit.PARTLY if done.unread else Exit.DONE)


@contextmanager
def _progress(session: Session, name: str) -> Iterator[Callable[[int, int], object]]:
    if not session.err.is_terminal:
        yield lambda _done, _total: None
        return
    from rich.progress import Progress

    with Progress(console=session.err, transient=True) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@store.command()
def retain(
    context: typer.Context,
    apply: Annotated[
        bool, typer.Option("--apply", help="Erase; without it, only count what would be erased")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """
    Erase payloads whose retention is over; digests, states and the log stay.

    Nothing is touched of a message that has not ended. `run --roles sweep` does it every day.
    Example: lienthong store retain --apply
    """
    from lienthong.flows.retain import retain as erase

    session: Session = context.obj
    installation = session.installation
    lines = erase(
        installation.store,
        ages=installation.retention,
        unqueued=installation.unqueued_agencies,
        clock=installation.clock,
        apply=apply,
        actor=getpass.getuser(),
    )
    if as_json:
        session.json([_values(line, applied=apply) for line in lines])
        return
    session.out.print(_table(session, lines, applied=apply))
    if not apply and any(line.erased for line in lines):
        session.tell(
            Text(
                vi="Chưa xóa gì; để xóa: lienthong store retain --apply",
                en="Nothing was erased yet; to erase: lienthong store retain --apply",
            )
        )


def _values(line: Retained, *, applied: bool) -> dict[str, str | int | bool]:
    return {
        "class": line.payloads.value,
        "before": line.before.isoformat(),
        "erased" if applied else "would_erase": line.erased,
        "kept": line.kept,
    }


def _table(session: Session, lines: list[Retained], *, applied: bool) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(session.word("Loại", "Class"), no_wrap=True)
    table.add_column(session.word("Kết thúc trước", "Ended before"), no_wrap=True)
    erased = ("Đã xóa", "Erased") if applied else ("Sẽ xóa", "Would erase")
    table.add_column(session.word(*erased), justify="right")
    table.add_column(session.word("Giữ, chưa kết thúc", "Kept, not ended"), justify="right")
    words = {
        "submissions": ("dữ liệu gốc", "submissions"),
        "documents": ("tài liệu đã ký", "documents"),
        "answers": ("trả lời của Cổng", "answers"),
        "results": ("kết quả đã báo", "results"),
    }
    for line in lines:
        table.add_row(
            session.word(*words[line.payloads.value]),
            f"{line.before:%Y-%m-%d}",
            str(line.erased),
            str(line.kept),
        )
    return table

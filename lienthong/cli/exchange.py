"""Commands on the exchange: submit, run, status, messages."""

from __future__ import annotations

import getpass
import math
import os
import re
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli import correcting, listing, replay_jobs, replay_preview, replaying
from lienthong.cli.files import AgencyName, AsJson, InputFile, opened, progress_of
from lienthong.cli.listing import reason_of
from lienthong.cli.session import Exit, Session, finish
from lienthong.states import State
from schemas.errors import PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.store.attachments import KeptFile
    from lienthong.store.paces import Flow
    from lienthong.store.queries import (
        AgencyCounts,
        AttemptLine,
        MessageView,
        TroubledSubmission,
    )

MessageId = Annotated[str, typer.Argument(help="Message id; see: messages list")]
messages = typer.Typer(help="See, resend, reissue or discard messages.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(submit)
    app.command()(run)
    app.command()(status)
    listing.register(messages)
    replaying.register(messages)
    replay_preview.register(messages)
    correcting.register(messages)
    replay_jobs.register(messages)
    app.add_typer(messages, name="messages")


def submit(
    context: typer.Context,
    file: InputFile,
    agency: AgencyName,
    key: Annotated[
        str | None,
        typer.Option(help="Your own id of this hand-over: with it, trying again is harmless"),
    ] = None,
    receipt: Annotated[
        Path | None, typer.Option(help="Where to write the signed receipt for it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Put a file into the exchange; once this returns it cannot be lost.

    Example: lienthong submit thang-3.csv --agency land-registration
    """
    from lienthong.cli.receipts import receipt_now
    from lienthong.flows.receive import Offer, receive
    from lienthong.pauses import IntakePaused
    from lienthong.traces.switching import recording

    session: Session = context.obj
    installation = session.installation
    installation.mappings.get(agency)
    if (closed := installation.pauses.look().closed_to(agency)) is not None:
        raise IntakePaused(closed)
    with (
        recording(session.settings.traces),
        installation.open_broker() as broker,
        opened(file) as source,
        progress_of(session, file, source) as watched,
    ):
        taken = receive(
            Offer(
                source=watched,
                file_name=file.name,
                agency=agency,
                door="file",
                sender=getpass.getuser(),
                key=key,
            ),
            store=installation.store,
            broker=broker,
            clock=installation.clock,
        )
    signed = None if receipt is None else receipt_now(session, taken.submission_id, out=receipt)
    if as_json:
        session.json(
            {
                "submission": taken.submission_id,
                "sha256": taken.sha256,
                "bytes": taken.size,
                "repeated": taken.is_repeat,
                "receipt_sha256": None if signed is None else signed.digest,
            }
        )
        return
    session.say(
        Text(
            vi=f"Đã nhận {file.name} ({taken.size} byte), mã {taken.submission_id}",
            en=f"Received {file.name} ({taken.size} bytes) as {taken.submission_id}",
        )
    )
    session.tell(
        Text(
            vi="Xem tiến độ: lienthong status (cần có: lienthong run)",
            en="See how it goes: lienthong status (something must run: lienthong run)",
        )
    )


def run(
    context: typer.Context,
    roles: Annotated[
        str,
        typer.Option(
            help="Comma-separated: take, expand, fetch, deliver, hand-over, share, results, sweep, "
            "seal, receipts, verify, stamp, reconcile, drift, replay, http, console, metrics, "
            "folder, pull; default: all that fit the settings but http, console and metrics",
            show_default=False,
        ),
    ] = "",
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when nothing moves by itself any more")
    ] = False,
    stop_within: Annotated[
        float, typer.Option(min=0, help="Seconds to finish or hand back what is in hand")
    ] = 30,
    metrics: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port at which Prometheus reads what this process saw"),
    ] = None,
) -> None:
    """
    Run the workers until they are asked to stop (Ctrl-C or SIGTERM).

    Example: lienthong run --roles expand,deliver
    """
    from lienthong.roles import Role, Workers, usual_roles
    from lienthong.stopping import stop_on_signals
    from lienthong.traces.switching import recording

    session: Session = context.obj
    known = {role.value: role for role in Role}
    installation = session.installation
    usual = ",".join(role.value for role in usual_roles(session.settings))
    wanted = [name.strip() for name in (roles or usual).split(",") if name.strip()]
    wrong = [name for name in wanted if name not in known]
    if wrong or not wanted:
        raise typer.BadParameter(
            f"{', '.join(wrong) or roles!r}: choose from {', '.join(known)}", param_hint="--roles"
        )
    chosen = [known[name] for name in dict.fromkeys(wanted)]
    if metrics is not None:
        there = session.settings.metrics.model_copy(update={"port": metrics})
        installation.settings = session.settings.model_copy(update={"metrics": there})
        chosen = list(dict.fromkeys([*chosen, Role.METRICS]))
    if {Role.TAKE, Role.RESULTS} & set(chosen):
        # Told now as well.
        _ = installation.rabbit_settings
    if Role.DELIVER in chosen:
        # A wrong target is told now, not by a worker that cannot start. Nothing is connected yet.
        installation.open_channel().close()
    with suppress(PeerError):
        # So is a store of another version; one that cannot be reached now is waited for.
        _ = installation.store
    stop = stop_on_signals()
    session.tell(
        Text(
            vi=f"Đang chạy: {', '.join(wanted)} (Ctrl-C để dừng)",
            en=f"Running: {', '.join(wanted)} (Ctrl-C to stop)",
        )
    )
    workers = Workers(
        installation=installation,
        roles=chosen,
        stop=stop,
        until_idle=until_idle,
        stop_within=timedelta(seconds=stop_within),
    )
    with recording(session.settings.traces):
        ended_well = workers.run()
    if workers.left:
        # Its calls that are out cannot be called back, and the interpreter would wait for them. As
        # after a kill, leases end and the portal is asked.
        sys.stdout.flush()
        os._exit(Exit.PARTLY.value)
    if not ended_well:
        finish(Exit.UNREACHABLE)


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """
    Show per agency what was read, what waits, what went through and what needs somebody.

    Every key in use signs a few bytes, so that one that is locked or away is seen here too.

    Example: lienthong status --json
    """
    from lienthong.cli.audit import show_countdown
    from lienthong.cli.drift import open_words
    from lienthong.cli.machine import countdown_values, counts_values, flow_values, key_values
    from lienthong.cli.traffic import pause_values, say_pause, seen_pauses
    from lienthong.evidence.alarms import open_alarms
    from lienthong.key_checks import keys_in_trouble
    from lienthong.reconciliation.results import run_values, tell_result
    from lienthong.store.contracts import count_open
    from lienthong.store.database import reading
    from lienthong.store.paces import read_flow
    from lienthong.store.queries import count_agencies, count_down, troubled_submissions
    from lienthong.store.reconciliations import latest_results
    from lienthong.store.submission_receipts import read_backlog

    session: Session = context.obj
    store = session.installation.store
    with reading(store) as connection:
        counts, down = count_agencies(connection), count_down(connection)
        troubled = troubled_submissions(connection, vault=store.vault)
        flow = read_flow(connection, now=session.installation.clock())
        unsigned = read_backlog(connection)
        alarms = open_alarms(connection)
        compared = latest_results(connection)
        drifts = count_open(connection)
    files_up = [file for file in troubled if not file.is_down]
    files_down = [file for file in troubled if file.is_down]
    keys = keys_in_trouble(session.installation.keyring, now=session.installation.clock())
    pauses = seen_pauses(session)
    if as_json:
        session.json(
            {
                "agencies": [
                    counts_values(line, troubled=files_up, language=session.language)
                    for line in counts
                ],
                "down": [
                    counts_values(line, troubled=files_down, language=session.language)
                    for line in down
                ],
                "delivery": flow_values(flow),
                "pauses": [pause_values(each) for each in pauses],
                "receipts": {
                    "waiting": unsigned.count,
                    "oldest": unsigned.oldest.isoformat() if unsigned.oldest else None,
                },
                "keys": [key_values(one, language=session.language) for one in keys],
                "reconciliation": [run_values(run, counts) for run, counts in compared],
                "drifts": drifts,
                "alarms": [asdict(alarm) for alarm in alarms],
                "time_stamps": countdown_values(session.proving.countdown()),
            }
        )
        return
    for one in keys:
        session.say(one.words, style="red" if one.is_urgent else "yellow")
    for each in pauses:
        say_pause(session, each)
    for alarm in alarms:
        session.say(
            Text(
                vi=f"BÁO ĐỘNG: chứng cứ không còn đúng ({alarm}); giữ nguyên hiện trạng, chạy: "
                "lienthong audit verify",
                en=f"ALARM: evidence does not hold ({alarm}); keep everything as it is, run: "
                "lienthong audit verify",
            ),
            style="red",
        )
    for run, found in compared:
        words, is_alarm = tell_result(run, found)
        session.say(words, style="red" if is_alarm else None)
    if drifts:
        session.say(open_words(drifts), style="yellow")
    if not counts and not down:
        session.say(
            Text(
                vi="Chưa có hồ sơ nào. Gửi tệp đầu tiên: lienthong submit TỆP --agency TÊN",
                en="Nothing yet. Send a first file: lienthong submit FILE --agency NAME",
            )
        )
        return
    if counts:
        session.out.print(status_table(session, counts))
    if down:
        session.out.print(status_table(session, down, is_down=True))
    _print_flow(session, flow)
    if unsigned.oldest is not None:
        since = f"{unsigned.oldest.astimezone():%Y-%m-%d %H:%M:%S}"
        session.say(
            Text(
                vi=f"{unsigned.count} biên nhận cho cơ quan đang chờ ký, từ {since}",
                en=f"{unsigned.count} receipts for agencies wait to be signed, since {since}",
            )
        )
    show_countdown(session)
    for file in troubled:
        session.say(_trouble(file))
        session.problems(file.problems)


def _print_flow(session: Session, flow: Flow) -> None:
    from lienthong.pacing import WORDS, Pace

    waiting = Text(vi=f"{flow.backlog} thông điệp đến hạn gửi", en=f"{flow.backlog} messages due")
    if flow.to_agencies:
        session.say(
            Text(
                vi=f"{flow.to_agencies} thông điệp đến hạn chuyển cho cơ quan",
                en=f"{flow.to_agencies} messages due to be handed over to agencies",
            )
        )
    if not flow.workers:
        session.say(
            Text(
                vi=f"{waiting.vi}; không có tiến trình nào đang gửi (chạy: lienthong run)",
                en=f"{waiting.en}; nobody delivers (run: lienthong run)",
            )
        )
        return
    minutes = None if flow.estimate is None else math.ceil(flow.estimate.total_seconds() / 60)
    ends = Text(vi="chưa ước được", en="no end in sight")
    if minutes is not None:
        ends = Text(vi=f"còn khoảng {minutes} phút", en=f"about {minutes} min to go")
    rate = f"{flow.per_minute:.0f}"
    session.say(
        Text(
            vi=f"{waiting.vi}, {rate} mỗi phút, {ends.vi if flow.backlog else 'không tồn đọng'}",
            en=f"{waiting.en}, {rate} a minute, {ends.en if flow.backlog else 'nothing waits'}",
        )
    )
    for worker in flow.workers:
        if worker.pace is not Pace.CLOSED:
            until = f" → {worker.until.astimezone():%H:%M:%S}" if worker.until else ""
            words = WORDS[worker.pace].say(session.language)
            session.out.print(f"  {worker.worker}: {words}{until}", markup=False)


def _trouble(file: TroubledSubmission) -> Text:
    name = f"{file.file_name} ({file.agency}, {file.id})"
    if file.state == "held":
        return Text(
            vi=f"Tệp {name} đang chờ, sẽ được thử lại:", en=f"File {name} is held, and tried again:"
        )
    if file.state == "refused":
        return Text(
            vi=f"Tệp {name} không đọc được bản ghi nào:", en=f"No record of {name} could be read:"
        )
    return Text(
        vi=f"Tệp {name} chỉ đọc được {file.records} bản ghi:",
        en=f"Only {file.records} records of {name} could be read:",
    )


def status_table(session: Session, counts: list[AgencyCounts], *, is_down: bool = False) -> Table:
    """Return a table of `status`, one line per agency: what it sent, or what goes down to it."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    first = ("Gửi xuống cơ quan", "Down to agency") if is_down else ("Cơ quan", "Agency")
    table.add_column(session.word(*first), no_wrap=True)
    delivered = ("Đã chuyển", "Handed over") if is_down else ("Đến Cổng", "Delivered")
    headings = (
        ("Đã đọc", "Read"),
        ("Từ chối", "Rejected"),
        ("Đang chờ", "Waiting"),
        delivered,
        ("Chưa rõ", "Unknown"),
        ("Cần xử lý", "To handle"),
        ("Thay/hủy", "Ended"),
        ("Lặp", "Repeats"),
        ("Bỏ qua", "Left out"),
    )
    for vi, en in headings:
        table.add_column(session.word(vi, en), justify="right")
    for line in counts:
        states = line.states

        def total(*of: State, states: dict[State, int] = states) -> str:
            return str(sum(states.get(state, 0) for state in of))

        table.add_row(
            line.agency,
            str(line.records) + ("…" if line.waiting_submissions else ""),
            total(State.REJECTED),
            total(State.HELD, State.READY, State.SENDING, State.RETRYING),
            total(State.DELIVERED),
            total(State.UNKNOWN),
            total(State.PARKED, State.QUARANTINED),
            total(State.SUPERSEDED, State.DISCARDED, State.REISSUED),
            str(line.repeats),
            str(line.left_out),
        )
    return table


@messages.command()
def show(context: typer.Context, message_id: MessageId, as_json: AsJson = False) -> None:
    """
    Show one message: its source, its errors, every attempt, its history.

    Example: lienthong messages show 0193a5c2-…
    """
    from lienthong.cli.machine import view_values
    from lienthong.store.database import reading
    from lienthong.store.queries import show_message
    from lienthong.store.work import begin

    session: Session = context.obj
    store = session.installation.store
    with reading(store) as connection:
        view = show_message(connection, message_id, vault=store.vault)
    # Values and the portal's words are shown: who saw them is part of the log.
    with begin(store, at=session.installation.clock, actor=getpass.getuser()) as work:
        work.note("message.viewed", message_id)
    if as_json:
        session.json(view_values(view, session.language))
        return
    _print_view(session, view)


def _service(session: Session, view: MessageView) -> str:
    """Say what it is, and of what goes to an agency the file."""
    file = view.file
    if file is None:
        return view.line.packet.value
    way = session.word("gửi xuống cơ quan", "down to the agency")
    return f"{file.service} ({way}: {file.name}, {file.media_type})"


def _proof(session: Session, view: MessageView) -> str:
    from lienthong.channels.port import Packet
    from lienthong.proofs import HANDED_OVER, WORDS

    if view.proof is None:
        return "-"
    if view.line.packet is Packet.INBOUND:
        return HANDED_OVER.say(session.language)
    words = f"{view.proof.value}: {WORDS[view.proof].say(session.language)}"
    if view.receipt is None:
        return words
    name, signer = view.receipt.signer_name or "-", view.receipt.signer or "-"
    return f"{words}; {name} (sha256:{signer}), SHA-256 {view.receipt.digest}"


def _file(file: KeptFile) -> Text:
    """Say what is known of one attachment."""
    name = "" if file.declared is None else f" «{file.declared.name}»"
    found = file.found
    if found is None:
        return Text(
            vi=f"tệp {file.number}{name}: chưa có", en=f"file {file.number}{name}: not there yet"
        )
    facts = f"{found.size} byte, {found.kind or '?'}, SHA-256 {found.sha256}"
    return Text(vi=f"tệp {file.number}{name}: {facts}", en=f"file {file.number}{name}: {facts}")


def _answer(attempt: AttemptLine) -> Text:
    """Say what came, and what of it is kept."""
    size, kept = attempt.answer_size, attempt.answer_kept
    digest = attempt.answer_digest
    if kept is None:
        return Text(
            vi=f"trả lời {size} byte, đã xóa theo thời hạn lưu",
            en=f"an answer of {size} bytes, erased by retention",
        )
    ended = "" if attempt.is_answer_whole else " +"
    if kept == size:
        cut = Text(vi="giữ nguyên văn", en="kept as it came")
    else:
        cut = Text(vi=f"giữ {kept} byte đầu", en=f"its first {kept} bytes are kept")
    if not attempt.is_answer_whole:
        cut = Text(vi=f"không đọc được đến hết, {cut.vi}", en=f"not read to its end, {cut.en}")
    return Text(
        vi=f"trả lời {size}{ended} byte, {cut.vi}, SHA-256 {digest}",
        en=f"an answer of {size}{ended} bytes, {cut.en}, SHA-256 {digest}",
    )


_BASE64 = re.compile(r"[A-Za-z0-9+/=]{80,}")
_BETWEEN_BLOCKS = re.compile(r"(?<=>)(?=<(?:wsa|xroad):\w+ xmlns|<wsse:Security)")


def _shown_headers(attempt: AttemptLine) -> list[str]:
    """Return the headers of an attempt, one a line; certificates and signatures cut short."""
    http, _, soap = (attempt.headers or "").partition("\n\n")
    blocks = _BETWEEN_BLOCKS.split(soap) if soap else []
    shorter = (_BASE64.sub(lambda found: f"{found[0][:16]}…", block) for block in blocks)
    return [*http.splitlines(), *shorter]


def _print_view(session: Session, view: MessageView) -> None:
    line = view.line
    facts = (
        (session.word("Thông điệp", "Message"), line.id),
        (session.word("Hồ sơ", "Dossier"), line.dossier_code or "-"),
        (session.word("Dịch vụ", "Packet"), _service(session, view)),
        (
            session.word("Trạng thái", "State"),
            f"{line.state.value}  {reason_of(session, line)}".strip(),
        ),
        (session.word("Cơ quan", "Agency"), line.agency),
        (
            session.word("Nguồn", "Source"),
            f"{view.file_name} ({line.place.say(session.language)})",
        ),
        (session.word("Ánh xạ", "Mapping"), view.mapping),
        ("SHA-256", view.document_digest or "-"),
        (session.word("Bằng chứng", "Proof"), _proof(session, view)),
    )
    for label, value in facts:
        session.out.print(f"{label:<12}{value}", markup=False)
    session.problems(line.problems)
    for file in view.files:
        session.out.print(f"  {_file(file).say(session.language)}", markup=False)
    for attempt in view.attempts:
        session.out.print(
            f"  {attempt.started_at:%Y-%m-%d %H:%M:%S}  {attempt.kind} {attempt.number}"
            f"{' isUpdating' if attempt.is_updating else ''}: {attempt.outcome or '…'} "
            f"{attempt.code or ''} {attempt.detail}",
            markup=False,
        )
        if attempt.payload_digest is not None:
            sent = session.word("đã gửi JSON", "JSON as sent")
            session.out.print(f"      {sent}, SHA-256 {attempt.payload_digest}", markup=False)
        for part in _shown_headers(attempt):
            session.out.print(f"      {part}", markup=False)
        if attempt.message:
            session.out.print(f"      «{attempt.message}»", markup=False)
        if attempt.answer_size is not None:
            session.out.print(f"      {_answer(attempt).say(session.language)}", markup=False)
    for step in view.history:
        sealed = "" if step.seal is not None else session.word(" (chưa niêm)", " (unsealed)")
        session.out.print(
            f"  #{step.id} {step.at:%Y-%m-%d %H:%M:%S}  {step.action}  {step.actor}{sealed}",
            markup=False,
        )

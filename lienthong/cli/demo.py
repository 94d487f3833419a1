"""
The whole job on one machine: six agencies' files, two workers, and a portal that has a bad time.

Every part is what a site would run: the same commands in processes of their own, the same store
and exchange. Only the portal is a sandbox, told to misbehave, and not idempotent, so that nothing
but our own care keeps an event from taking effect twice.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from lienthong.agreement import Agreement, compare
from lienthong.cli.demo_servers import Servers, run_servers
from lienthong.flows.receive import Offer, receive
from lienthong.processes import portal_beside, run_beside
from lienthong.samples import write_samples
from lienthong.sandbox import read_ledger
from lienthong.settings import load_settings
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.queries import (
    count_agencies,
    count_attempts,
    delivered_events,
    is_idle,
    list_messages,
)
from lienthong.store.selection import Selection
from lienthong.wiring import Installation
from schemas.errors import ConfigError, PeerError
from schemas.problem import Language, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lienthong.cli.session import Session
    from lienthong.samples import SampleSet
    from lienthong.store.queries import AgencyCounts

MARKER = ".lienthong-demo"
SETTINGS = "lienthong.toml"
WORKERS = ("expand,deliver,sweep,seal,receipts", "expand,deliver")
WORKERS_ON_SERVERS = (
    "take,expand,deliver,sweep,seal,receipts,results",
    "take,expand,deliver,results",
)
LONGEST_SECONDS = 75
"""After which what is left is reported as it stands."""
COMMONEST = 8
REFUSED = "land-registration"
"""The agency of which the portal refuses one dossier for good."""
NEXT = ("messages list --state parked --state rejected --limit 5", "status", "audit verify")
"""The commands to try next."""

BAD_PATCH: tuple[dict[str, Any], ...] = (
    {"mode": "refuse", "after_seconds": 3, "for_seconds": 3},
    {"mode": "commit_then_drop", "after_seconds": 6, "for_seconds": 5, "share": 0.15},
    {"mode": "slow", "after_seconds": 6, "for_seconds": 6, "share": 0.2, "delay_seconds": 0.4},
    {"mode": "drop_before", "after_seconds": 7, "for_seconds": 4, "share": 0.1},
    {"mode": "unavailable", "after_seconds": 9, "for_seconds": 3, "share": 0.3},
    {"mode": "fault", "after_seconds": 10, "for_seconds": 2, "share": 0.1},
)
"""What the portal goes through, counted from the moment the files are handed in."""

PATIENT_AS_A_DEMO = """
[delivery]
slots = 8
lease_seconds = 30
backoff_first_seconds = 0.3
backoff_longest_seconds = 2
breaker_threshold = 8
"""
PATIENCE_WITH_THE_PORTAL = {
    "connect_timeout_seconds": 2,
    "read_timeout_seconds": 5,
    "call_timeout_seconds": 15,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFolder:
    """Where the demo keeps its things."""

    path: Path

    @property
    def samples(self) -> Path:
        """The agencies' files."""
        return self.path / "files"

    @property
    def settings(self) -> Path:
        """The settings that the workers run with."""
        return self.path / SETTINGS

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.path / "data"

    @property
    def keys(self) -> Path:
        """Development keys."""
        return self.path / "keys"

    @property
    def ledger(self) -> Path:
        """The sandbox's own record."""
        return self.path / "portal.sqlite"

    def empty(self) -> None:
        """
        Make the folder, or empty one that a demo made.

        Raises:
            ConfigError: the folder is somebody else's, or cannot be written.
        """
        if self.path.exists() and not (self.path / MARKER).exists():
            raise ConfigError(
                Text(
                    vi=f"{self.path} không phải do demo tạo; chọn thư mục khác bằng --folder",
                    en=f"{self.path} was not made by a demo; choose another with --folder",
                ),
                code="demo.folder",
            )
        try:
            shutil.rmtree(self.path, ignore_errors=True)
            self.path.mkdir(parents=True)
            (self.path / MARKER).touch()
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be written: {error.strerror}", code="demo.folder"
            ) from error


def run_demo(session: Session, *, folder: Path, dossiers: int, on_servers: bool) -> bool:
    """
    Run the demo and print what came of it; return whether portal and store agree.

    Args:
        session: The command's.
        folder: Where the demo keeps its things.
        dossiers: Good ones per agency.
        on_servers: Whether exchange and store are on a private RabbitMQ and PostgreSQL, and the
            agencies send messages, instead of everything being embedded and files handed in.
    """
    begun = time.monotonic()
    home = DemoFolder(path=folder.absolute())
    home.empty()
    session.say(
        Text(
            vi="1. Tạo tệp mẫu của sáu cơ quan và khóa ký thử nghiệm",
            en="1. Writing the files of six agencies, and development keys",
        )
    )
    sample_set = write_samples(home.samples, dossiers=dossiers)
    _make_keys(home)
    with ExitStack() as stack:
        servers = stack.enter_context(run_servers(home.path)) if on_servers else None
        if servers is not None:
            _say_servers(session, servers)
        session.say(
            Text(
                vi="2. Khởi động cổng thử nghiệm và hai tiến trình xử lý",
                en="2. Starting the sandbox portal and two workers",
            )
        )
        control = stack.enter_context(_portal(home, servers))
        installation = Installation(load_settings(file=home.settings))
        if servers is not None:
            servers.prepare(installation)
        _start_workers(home, stack, roles=WORKERS if servers is None else WORKERS_ON_SERVERS)
        session.say(
            Text(
                vi="3. Gửi các tệp vào trong lúc Cổng gặp sự cố: mất kết nối, chậm, "
                "ghi nhận rồi ngắt, báo 503",
                en="3. Handing the files in while the portal is down, slow, drops connections "
                "after committing, and answers 503",
            )
        )
        _order_bad_patch(control, rejected=sample_set.of(REFUSED).dossiers[0])
        if servers is None:
            _submit(installation, sample_set)
        else:
            servers.send(installation, sample_set)
        _watch(session, installation, files=len(sample_set.files))
        is_good = _report(session, home, installation)
        if servers is not None and sys.stdin.isatty():
            _wait_for_enter(session, servers)
    _print_next(session, folder, embedded=servers is None, seconds=time.monotonic() - begun)
    return is_good


def _say_servers(session: Session, servers: Servers) -> None:
    session.say(
        Text(
            vi="   RabbitMQ và PostgreSQL riêng đang chạy trên máy này; trang quản trị: "
            f"{servers.management_url} (guest/guest)",
            en="   A private RabbitMQ and PostgreSQL run on this machine; management page: "
            f"{servers.management_url} (guest/guest)",
        )
    )


def _wait_for_enter(session: Session, servers: Servers) -> None:
    _say_servers(session, servers)
    session.say(Text(vi="   Nhấn Enter để dừng các máy chủ", en="   Press Enter to stop them"))
    sys.stdin.readline()


def _make_keys(home: DemoFolder) -> None:
    _run_cli("--data-dir", str(home.data), "keys", "make", "--out", str(home.keys))


def _run_cli(*words: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "lienthong", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PeerError(done.stderr.strip(), retryable=False, code="demo.command")


@contextmanager
def _portal(home: DemoFolder, servers: Servers | None) -> Iterator[str]:
    """Run the sandbox; write the settings that fit it; yield its control address."""
    folders = f"data_dir = {_quoted(home.data)}\nkeys_dir = {_quoted(home.keys)}\n"
    home.settings.touch(mode=0o600)
    home.settings.write_text(folders, encoding="utf-8")
    options = ("--ledger", str(home.ledger), "--no-idempotent")
    log = home.path / "portal.log"
    with portal_beside(*options, settings=home.settings, log=log) as (_, ready):
        profile = ready["target"] | PATIENCE_WITH_THE_PORTAL
        target = "\n".join(f"{key} = {json.dumps(value)}" for key, value in profile.items())
        home.settings.write_text(
            f"{folders}{servers.settings if servers else ''}{PATIENT_AS_A_DEMO}\n"
            f"[target]\n{target}\n",
            encoding="utf-8",
        )
        yield ready["control"]


def _quoted(path: Path) -> str:
    """Return a path as a TOML string, whatever characters it has."""
    return json.dumps(str(path), ensure_ascii=False)


def _start_workers(home: DemoFolder, stack: ExitStack, *, roles: Sequence[str]) -> None:
    for number, of_one in enumerate(roles, start=1):
        words = ("--settings", str(home.settings), "--verbose", "run", "--roles", of_one)
        stack.enter_context(run_beside(*words, log=home.path / f"worker-{number}.log"))


def _order_bad_patch(control: str, *, rejected: str) -> None:
    # The refusal first: of several orders that fit a request, the earliest counts.
    orders = [{"mode": "reject", "pattern": rejected}, *BAD_PATCH]
    for order in orders:
        answer = urllib3.request("POST", f"{control}/misbehave", json=order, timeout=5.0)
        if answer.status >= 400:
            raise PeerError(answer.data.decode(), retryable=False, code="demo.control")


def _submit(installation: Installation, sample_set: SampleSet) -> None:
    with installation.open_broker() as broker:
        for file in sample_set.files:
            with file.path.open("rb") as source:
                receive(
                    Offer(
                        source=source,
                        file_name=file.path.name,
                        agency=file.agency,
                        door="file",
                        sender="demo",
                    ),
                    store=installation.store,
                    broker=broker,
                    clock=installation.clock,
                )


def _watch(session: Session, installation: Installation, *, files: int) -> None:
    """Show how it goes until all files are in and nothing moves any more, or the time is over."""
    until = time.monotonic() + LONGEST_SECONDS
    said = ""
    while time.monotonic() < until:
        with reading(installation.store) as connection:
            counts = count_agencies(connection)
            came = sum(agency.submissions for agency in counts)
            done = came >= files and is_idle(connection)
        line = _progress_line(session, counts)
        if line != said:
            session.out.print(f"   {line}", markup=False)
            said = line
        if done:
            return
        time.sleep(1)


def _progress_line(session: Session, counts: list[AgencyCounts]) -> str:
    states: Counter[State] = Counter()
    for agency in counts:
        states.update(agency.states)
    waiting = sum(states[state] for state in (State.HELD, State.READY, State.SENDING))
    parts = (
        (sum(agency.records for agency in counts), "đã đọc", "read"),
        (states[State.DELIVERED], "đã đến Cổng", "delivered"),
        (waiting, "đang chờ", "waiting"),
        (states[State.RETRYING], "chờ gửi lại", "retrying"),
        (states[State.UNKNOWN], "chưa rõ kết quả", "unknown"),
        (states[State.REJECTED], "bị từ chối", "rejected"),
    )
    return ", ".join(f"{number} {session.word(vi, en)}" for number, vi, en in parts)


def _report(session: Session, home: DemoFolder, installation: Installation) -> bool:
    with reading(installation.store) as connection:
        counts = count_agencies(connection)
        attempts = count_attempts(connection)
        agreement = compare(delivered_events(connection), read_ledger(home.ledger))
        done = is_idle(connection)
    session.out.print()
    session.out.print(_table(session, counts))
    _print_errors(session, installation)
    _print_agreement(session, agreement, attempts)
    return agreement.holds and done


def _table(session: Session, counts: list[AgencyCounts]) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(session.word("Cơ quan", "Agency"), no_wrap=True)
    for vi, en in (
        ("Đã đọc", "Read"),
        ("Từ chối", "Rejected"),
        ("Sự kiện", "Events"),
        ("Đến Cổng", "Delivered"),
        ("Bị thay", "Replaced"),
        ("Dừng", "Parked"),
        ("Chưa rõ", "Unknown"),
        ("Lặp", "Repeats"),
    ):
        table.add_column(session.word(vi, en), justify="right", overflow="fold")
    for agency in counts:
        states = Counter(agency.states)
        numbers = (
            agency.records,
            states[State.REJECTED],
            states.total() - states[State.REJECTED],
            states[State.DELIVERED],
            states[State.SUPERSEDED],
            states[State.PARKED] + states[State.QUARANTINED],
            states[State.UNKNOWN],
            agency.repeats,
        )
        table.add_row(agency.agency, *(str(number) for number in numbers))
    return table


def _print_errors(session: Session, installation: Installation) -> None:
    with reading(installation.store) as connection:
        rejected = list_messages(
            connection,
            Selection(states=[State.REJECTED], limit=1000),
            vault=installation.store.vault,
        )
    found = [problem for line in rejected for problem in line.problems]
    session.out.print(
        f"\n[bold]{session.word('Lỗi thường gặp nhất', 'The commonest errors')}[/] ({len(found)})"
    )
    examples = {problem.code: problem for problem in reversed(found)}
    for code, count in Counter(problem.code for problem in found).most_common(COMMONEST):
        example = examples[code]
        # In Vietnamese whatever the language: these are the agencies' words.
        where = example.place.say(Language.VI)
        session.out.print(
            f"  {count:>3} × {code}: {escape(example.message.say(Language.VI))}\n"
            f"        {escape(where)}"
        )


def _print_agreement(session: Session, agreement: Agreement, attempts: Counter[str]) -> None:
    session.out.print(f"\n[bold]{session.word('Đối chiếu với Cổng', 'Agreement')}[/]")
    faults = (
        (agreement.missing, "không có ở Cổng", "missing at the portal"),
        (agreement.unannounced, "có ở Cổng mà kho không biết", "at the portal, not known here"),
        (agreement.doubled, "có hiệu lực hai lần", "in effect twice"),
        (agreement.differing, "khác nội dung", "different"),
        (agreement.disordered, "sai thứ tự", "out of order"),
    )
    session.say(
        Text(
            vi=f"  {agreement.dossiers} hồ sơ được so từng cái: "
            + ", ".join(f"{len(found)} {vi}" for found, vi, _ in faults),
            en=f"  {agreement.dossiers} dossiers compared one by one: "
            + ", ".join(f"{len(found)} {en}" for found, _, en in faults),
        ),
        style="green" if agreement.holds else "red",
    )
    troubles = ", ".join(f"{outcome} {count}" for outcome, count in sorted(attempts.items()))
    session.say(
        Text(vi=f"  Kết quả các lần gọi: {troubles}", en=f"  What the calls brought: {troubles}")
    )
    session.say(
        Text(
            vi=f"  {agreement.repeats} lần gửi lặp lại đến Cổng do sự cố:",
            en=f"  {agreement.repeats} repeats reached the portal because of the bad patch:",
        )
    )
    for chain, count in sorted(agreement.fates.items(), key=lambda item: -item[1]):
        session.out.print(f"    {count:>4} × {' → '.join(_say_outcomes(session, chain))}")


_OUTCOMES = {
    "0": ("có hiệu lực", "took effect"),
    "commit_then_drop": ("có hiệu lực rồi ngắt kết nối", "took effect, connection dropped"),
    "drop_before": ("ngắt kết nối, chưa ghi nhận", "dropped before anything took effect"),
    "unavailable": ("báo 503, chưa ghi nhận", "503, nothing took effect"),
    "fault": ("lỗi SOAP, chưa ghi nhận", "SOAP fault, nothing took effect"),
}


def _say_outcomes(session: Session, chain: tuple[str, ...]) -> list[str]:
    return [session.word(*_OUTCOMES.get(outcome, (outcome, outcome))) for outcome in chain]


def _print_next(session: Session, folder: Path, *, embedded: bool, seconds: float) -> None:
    session.out.print()
    if not embedded:
        session.say(Text(vi=f"Xong sau {seconds:.0f} giây.", en=f"Done in {seconds:.0f} s."))
        return
    session.say(
        Text(vi=f"Xong sau {seconds:.0f} giây. Thử tiếp:", en=f"Done in {seconds:.0f} s. Try next:")
    )
    # As it was called, so that the lines can be pasted: a checkout has it in .venv/bin.
    command = sys.argv[0] if sys.argv[0].endswith("lienthong") else "lienthong"
    for words in NEXT:
        session.out.print(f"  {command} --settings {folder / SETTINGS} {words}", markup=False)

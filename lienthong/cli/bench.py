"""The command bench: conversion alone, or the whole way on servers and processes of its own."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from lienthong.benchmarks.measuring import Primitive, Stage
    from lienthong.benchmarks.report import WayReport
    from lienthong.benchmarks.scenarios import Latency
    from lienthong.benchmarks.site import Servers


class Way(Enum):
    """Over what the whole way leads."""

    EMBEDDED = "embedded"
    RABBITMQ = "rabbitmq"


class Scenario(Enum):
    """What the whole way is put through."""

    SUSTAINED = "sustained"
    LATENCY = "latency"
    CATCH_UP = "catch-up"
    POISON = "poison"


class Key(Enum):
    """What agencies sign with."""

    RSA = "rsa"
    EC = "ec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything a run of the whole way has."""

    stages: int
    sustained: int
    latency_seconds: int
    held: int
    poison: int


SHORT = Sizes(stages=600, sustained=2_000, latency_seconds=15, held=2_000, poison=1_000)
FULL = Sizes(stages=2_000, sustained=20_000, latency_seconds=60, held=50_000, poison=10_000)
CONVERTED = 3_000
LATENCY_PER_SECOND = 50
POISON_PER_SECOND = 100
FIRST = 1_000_001
"""Number of the first dossier of the scenarios; the stages have those before."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(bench)


def bench(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    way: Annotated[
        Way | None,
        typer.Option(help="Measure the whole way, on processes of its own; else conversion alone"),
    ] = None,
    scenario: Annotated[
        list[Scenario] | None, typer.Option(help="Only this scenario; may be repeated")
    ] = None,
    dossiers: Annotated[
        int | None, typer.Option(min=100, help="How many to convert, or to send all at once")
    ] = None,
    held: Annotated[
        int | None, typer.Option(min=100, help="How many wait for the portal in catch-up")
    ] = None,
    key: Annotated[Key, typer.Option(help="What agencies sign with on the whole way")] = Key.RSA,
    slots: Annotated[int, typer.Option(min=1, max=256, help="Calls at once per worker")] = 16,
    full: Annotated[
        bool, typer.Option("--full", help="With the sizes of the published figures; ~15 minutes")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the logs of the processes in this new folder")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Also draw the stages and targets into this SVG file")
    ] = None,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Signing and verifying alone, with both keys")
    ] = False,
    large_csv: Annotated[
        int | None, typer.Option(min=1, help="Also convert a CSV of so many MiB; see its memory")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Measure conversion, or the whole way, against the bare primitives, in one run.

    Example: lienthong bench --way rabbitmq --picture bench.svg
    """
    session: Session = context.obj
    if signatures:
        _bench_signatures(session, dossiers or CONVERTED, as_json=as_json)
        return
    if way is None:
        _bench_conversion(session, dossiers or CONVERTED, large_csv=large_csv, as_json=as_json)
        return
    sizes = FULL if full else SHORT
    plan = Plan(
        way=way,
        key=key,
        slots=slots,
        scenarios=frozenset(scenario or Scenario),
        sizes=Sizes(
            stages=min(sizes.stages, dossiers or sizes.stages),
            sustained=dossiers or sizes.sustained,
            latency_seconds=sizes.latency_seconds,
            held=held or sizes.held,
            poison=sizes.poison,
        ),
    )
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        report = _measure_way(session, plan, place.absolute())
    if picture is not None:
        from lienthong.benchmarks.picture import draw

        picture.write_text(draw(report, language=session.language), encoding="utf-8")
    if as_json:
        session.json(report.values())
    else:
        _print_way(session, report)
    finish(Exit.DONE if report.holds else Exit.PARTLY)


def _bench_conversion(
    session: Session, dossiers: int, *, large_csv: int | None, as_json: bool
) -> None:
    from lienthong.benchmarks.conversion import MIB, measure_conversion, measure_large_file

    found = measure_conversion(session.installation, dossiers=dossiers)
    stage = found.stage
    large = (
        None
        if large_csv is None
        else measure_large_file(session.installation, size_bytes=large_csv * MIB)
    )
    if as_json:
        session.json(
            {
                "dossiers": found.dossiers,
                "primitives_microseconds": {one.key: one.cost.cpu for one in stage.primitives},
                "whole_microseconds": stage.cost.cpu,
                "ratio": stage.ratio,
                "without_second_microseconds": found.once.cost.cpu,
                "without_second_ratio": found.once.ratio,
                "large_csv": asdict(large) if large else None,
            }
        )
        return
    session.out.print(_primitives_table(session, stage.primitives))
    session.out.print(_stages_table(session, [stage, found.once]))
    if large is not None:
        session.out.print(
            f"CSV {large.size_bytes / MIB:.0f} MiB: {large.records} "
            f"{session.word('bản ghi', 'records')}, {large.seconds:.0f} s, "
            f"{large.records / large.seconds:.0f}/s, "
            f"{session.word('bộ nhớ đỉnh', 'peak memory')} {large.peak_bytes / MIB:.0f} MiB"
        )


def _bench_signatures(session: Session, dossiers: int, *, as_json: bool) -> None:
    from lienthong.benchmarks.conversion import make_documents
    from lienthong.benchmarks.signatures import measure_signatures

    installation = session.installation
    documents = make_documents(installation, dossiers=dossiers)
    stages = measure_signatures(documents, now=installation.clock())
    if as_json:
        session.json(
            {
                one.key: {
                    "microseconds": one.cost.cpu,
                    "primitives_microseconds": {two.key: two.cost.cpu for two in one.primitives},
                    "ratio": one.ratio,
                    "per_second": 1e6 / one.cost.wall,
                }
                for one in stages
            }
        )
        return
    session.out.print(_stages_table(session, stages))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure."""

    way: Way
    key: Key
    slots: int
    scenarios: Collection[Scenario]
    sizes: Sizes


def _measure_way(session: Session, plan: Plan, folder: Path) -> WayReport:
    from lienthong.benchmarks.report import WayReport
    from lienthong.benchmarks.scenarios import Runner
    from lienthong.benchmarks.site import Wishes, open_site
    from lienthong.benchmarks.stages import measure_limits, measure_stages, stage_of
    from lienthong.samples import single_records

    folder.mkdir(parents=True, exist_ok=True)
    sizes = plan.sizes
    with ExitStack() as stack:
        watch = stack.enter_context(_progress(session))
        watch(Text(vi="khởi động", en="starting"), 0, 1)
        servers = stack.enter_context(_servers(plan, folder))
        wishes = Wishes(folder=folder, key=plan.key.value, slots=plan.slots)
        site = stack.enter_context(open_site(wishes, servers=servers))
        records = list(single_records(sizes.stages))
        watch(Text(vi="các thao tác gốc", en="primitives"), 0, 1)
        primitives = measure_limits(site, records)
        stages = measure_stages(site, records, primitives, progress=lambda name: watch(name, 0, 1))
        report = WayReport(
            way=plan.way.value,
            key=plan.key.value,
            slots=plan.slots,
            primitives=tuple(primitives.values()),
            stages=stages,
        )
        stack.enter_context(site.workers())
        runner = Runner(site, first=FIRST, watch=watch)
        runner.warm_up()
        if Scenario.SUSTAINED in plan.scenarios:
            report.sustained = runner.sustain(sizes.sustained)
            stages.append(stage_of("way", report.sustained.cost, primitives))
        if Scenario.LATENCY in plan.scenarios:
            report.steady = runner.keep_pace(
                per_second=LATENCY_PER_SECOND, seconds=sizes.latency_seconds
            )
        if Scenario.POISON in plan.scenarios:
            report.poisoned = runner.poison(sizes.poison, per_second=POISON_PER_SECOND)
        if Scenario.CATCH_UP in plan.scenarios:
            report.caught_up = runner.catch_up(sizes.held)
        report.agreement = runner.compare()
    return report


@contextmanager
def _servers(plan: Plan, folder: Path) -> Iterator[Servers | None]:
    if plan.way is Way.EMBEDDED:
        yield None
        return
    from lienthong.cli.demo_servers import run_servers

    with run_servers(folder) as servers:
        yield servers


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[Text, int, int], None]]:
    """Yield what shows how far it is, where somebody is looking."""
    if not session.err.is_terminal:
        yield lambda _what, _done, _of: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=session.err, transient=True) as progress:
        task = progress.add_task("", total=1)

        def watch(what: Text, done: int, of: int) -> None:
            words = what.say(session.language)
            progress.update(task, description=words, completed=done, total=of)

        yield watch


def _print_way(session: Session, report: WayReport) -> None:
    session.out.print(_primitives_table(session, report.primitives))
    session.out.print(_stages_table(session, report.stages))
    if report.sustained is not None:
        parts = ", ".join(f"{name} {spent:.0f}" for name, spent in report.sustained.cpu.items())
        session.out.print(
            f"{session.word('CPU mỗi hồ sơ (µs)', 'CPU per dossier (µs)')}: {parts}", markup=False
        )
    latencies = (
        (report.steady and report.steady.receipt, "đến biên nhận", "until the receipt"),
        (report.steady and report.steady.told, "đến hàng đợi của cơ quan", "until told"),
        (report.poisoned and report.poisoned.before, "trước hồ sơ hỏng", "before the poison"),
        (report.poisoned and report.poisoned.beside, "bên hồ sơ hỏng", "beside the poison"),
        (report.caught_up and report.caught_up.fresh, "mới khi gửi bù", "fresh in catch-up"),
    )
    for latency, vi, en in latencies:
        if latency:
            session.out.print(f"{session.word(vi, en):<26}{_say_latency(latency)}", markup=False)
    if report.poisoned is not None:
        session.out.print(
            f"{report.poisoned.delivered} / {report.poisoned.dossiers} "
            f"{session.word('đến Cổng; hồ sơ hỏng', 'delivered; the poison dossier is')}: "
            f"{report.poisoned.poison}",
            markup=False,
        )
    for target in report.targets:
        mark = "[green]✓[/]" if target.is_met else "[red]✗[/]"
        session.out.print(
            f"{mark} {target.name.say(session.language)}: {target.found} ({target.asked})"
        )
    _print_agreement(session, report)


def _print_agreement(session: Session, report: WayReport) -> None:
    if report.agreement is None:
        return
    found = report.agreement
    faults = (
        (found.missing, "không có ở Cổng", "missing at the portal"),
        (found.unannounced, "có ở Cổng mà kho không biết", "not known here"),
        (found.doubled, "có hiệu lực hai lần", "in effect twice"),
        (found.differing, "khác nội dung", "different"),
        (found.disordered, "sai thứ tự", "out of order"),
    )
    session.say(
        Text(
            vi=f"{found.dossiers} hồ sơ: " + ", ".join(f"{len(ids)} {vi}" for ids, vi, _ in faults),
            en=f"{found.dossiers} dossiers: "
            + ", ".join(f"{len(ids)} {en}" for ids, _, en in faults),
        ),
        style="green" if found.holds else "red",
    )


def _say_latency(latency: Latency) -> str:
    return (
        f"p50 {latency.p50 * 1000:.0f}  p95 {latency.p95 * 1000:.0f}  "
        f"p99 {latency.p99 * 1000:.0f}  max {latency.longest * 1000:.0f} ms  ({latency.count})"
    )


def _primitives_table(session: Session, primitives: Iterable[Primitive]) -> Table:
    table = _table(session.word("Thao tác gốc", "Primitive"), "CPU µs", "µs")
    for primitive in primitives:
        cost = primitive.cost
        table.add_row(primitive.name.say(session.language), f"{cost.cpu:.1f}", f"{cost.wall:.1f}")
    return table


def _stages_table(session: Session, stages: Iterable[Stage]) -> Table:
    table = _table(
        session.word("Chặng", "Stage"),
        "CPU µs",
        "µs",
        session.word("tổng gốc", "primitives"),
        session.word("tỷ lệ", "ratio"),
        session.word("mỗi giây", "per second"),
    )
    for stage in stages:
        table.add_row(
            stage.name.say(session.language),
            f"{stage.cost.cpu:.0f}",
            f"{stage.cost.wall:.0f}",
            f"{stage.limit.cpu:.0f}",
            f"{stage.ratio:.0%}",
            f"{1e6 / stage.cost.wall:.0f}",
        )
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table

"""A preview on a terminal: one table for each packet, then what of the source nobody uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text as Styled

from mappings.lineage import FieldLineage, StepKind, fields_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from lienthong.cli.session import Session
    from lienthong.flows.preview import Preview
    from mappings.leaving import Ground
    from mappings.lineage import GroupLineage, Leaf, Lineage, Step
    from schemas.problem import Problem

    Row: TypeAlias = tuple[Styled, Styled, Styled, str]

LONGEST_SHOWN = 200
"""Characters of a value."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FATES = {
    "accepted": ("đạt", "accepted"),
    "rejected": ("bị từ chối", "rejected"),
    "left_out": ("bỏ qua theo ánh xạ", "left out by the mapping"),
}
_PORTAL_FIELD = ("Trường của Cổng", "Portal field")
_COLOURS = {"accepted": "green", "rejected": "red", "left_out": "yellow"}


def show_preview(session: Session, preview: Preview) -> None:
    """Print one record beside what becomes of it."""
    session.out.print(
        _title(session, preview),
        markup=False,
        style=f"bold {_COLOURS[_fate(preview)]}",
    )
    for ground in preview.left_out:
        session.out.print(_ground(session, preview, ground), markup=False, soft_wrap=False)
    session.problems(preview.others)
    for number, packet in enumerate(preview.packets):
        # The console leaves long lines to the terminal, but cells must be wrapped.
        session.out.print(_packet(session, preview, number), soft_wrap=False)
        empty = [each.field for each in fields_in(packet.fields) if _is_empty(each)]
        if empty:
            words = session.word("Trống: ", "Empty: ") + ", ".join(empty)
            session.out.print(words, markup=False, style="dim", soft_wrap=False)
    unused = [leaf for leaf in preview.source if not leaf.is_used]
    if unused:
        session.out.print(_unused(session, preview, unused), soft_wrap=False)
    session.out.print()


def shown(text: str) -> str:
    """Return a value as a terminal may show it: cut, and with nothing that steers it."""
    cut = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… ({len(text)})"
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], cut)


def _title(session: Session, preview: Preview) -> str:
    parts = [
        session.word(f"Bản ghi {preview.record}", f"Record {preview.record}"),
        preview.place.say(session.language),
        shown(preview.dossier_code or ""),
        session.word(*_FATES[_fate(preview)]),
    ]
    return " · ".join(part for part in parts if part)


def _fate(preview: Preview) -> str:
    if preview.left_out:
        return "left_out"
    return "accepted" if preview.is_accepted else "rejected"


def _ground(session: Session, preview: Preview, ground: Ground) -> str:
    line = session.word(f"dòng {ground.line}", f"line {ground.line}")
    seen = ", ".join(
        shown(preview.where(each.place))
        + (": …" if each.value is None else f": {shown(each.value)!r}")
        for each in ground.seen
    )
    return f"leave_out ({line}): {shown(ground.condition)}; {seen}"


def _packet(session: Session, preview: Preview, number: int) -> Table:
    packet = preview.packets[number]
    table = Table(
        title=packet.name if number == 0 else f"{packet.name} ({number})",
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    field = ("Cột của đơn vị", "Agency's column") if preview.inbound else _PORTAL_FIELD
    table.add_column(session.word(*field), ratio=3, overflow="fold")
    table.add_column(session.word("Giá trị", "Value"), ratio=3, overflow="fold")
    table.add_column(
        session.word("Lấy từ đâu, theo quy tắc nào", "From where, by which rule"),
        ratio=5,
        overflow="fold",
    )
    table.add_column(session.word("Dòng", "Line"), justify="right", no_wrap=True)
    if packet.is_left_out:
        table.add_row("", "", _left_out(session, "`when`"), "")
    for row in _rows(session, preview, packet.fields):
        table.add_row(*row)
    return table


def _rows(session: Session, preview: Preview, fields: Iterable[Lineage]) -> Iterator[Row]:
    for each in fields:
        if isinstance(each, FieldLineage):
            if not _is_empty(each):
                yield _field(session, preview, each)
            continue
        yield _group(session, each)
        for item in each.items:
            if item.is_left_out:
                reason = session.word("trống", "empty") if item.fields else "`when`"
                name = Styled(f"{each.field}[{item.number}]")
                yield name, Styled(), Styled(_left_out(session, reason)), ""
            yield from _rows(session, preview, item.fields)


def _left_out(session: Session, reason: str) -> str:
    return f"{session.word('bỏ qua', 'left out')}: {reason}"


def _is_empty(field: FieldLineage) -> bool:
    return field.value is None and not field.problems


def _field(session: Session, preview: Preview, field: FieldLineage) -> Row:
    value = Styled("✗", style="red") if field.value is None else Styled(shown(field.value))
    lineage = Styled("\n→ ".join(_step(session, preview, field, step) for step in field.steps))
    _append_problems(session, lineage, field.problems)
    return Styled(field.field, style="bold"), value, lineage, str(field.line)


def _group(session: Session, group: GroupLineage) -> Row:
    count = len(group.items)
    text = Styled(session.word(f"{count} mục", f"items: {count}"))
    _append_problems(session, text, group.problems)
    return Styled(group.field, style="bold"), Styled(), text, str(group.line)


def _step(session: Session, preview: Preview, field: FieldLineage, step: Step) -> str:
    words = step.words.say(session.language)
    if step.place is not None:
        where = shown(preview.where(step.place))
        if step.kind is StepKind.DATE_CELL:
            return f"{where}: {words}"
        return where if step.after is None else f"{where}: {step.after and repr(shown(step.after))}"
    line = session.word(f"dòng {step.line}", f"line {step.line}")
    return " ".join(
        part
        for part in (
            shown(words),
            _made(session, step, is_last=step is field.steps[-1]),
            f"({line})" if step.line != field.line else "",
        )
        if part
    )


def _made(session: Session, step: Step, *, is_last: bool) -> str:
    if step.kind is StepKind.ALTERNATIVE:
        # Its own steps follow.
        return ""
    if step.after is None:
        return "✗"
    if step.kind is StepKind.TEXT and step.after == step.before:
        return session.word("(không đổi)", "(unchanged)")
    return "" if is_last else repr(shown(step.after))


def _append_problems(session: Session, text: Styled, problems: Iterable[Problem]) -> None:
    for problem in problems:
        message = shown(problem.message.say(session.language))
        text.append(f"\n{problem.code}: {message}", style="red")
        for advice in session.advice(problem.suggestion, problem.for_integrator):
            text.append(f"\n→ {shown(advice)}")


def _unused(session: Session, preview: Preview, leaves: Iterable[Leaf]) -> Table:
    table = Table(
        title=session.word("Cột nguồn không quy tắc nào dùng", "Source columns that no rule uses"),
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    table.add_column(session.word("Cột hoặc đường dẫn", "Column or path"), overflow="fold")
    table.add_column(session.word("Giá trị", "Value"), overflow="fold")
    for leaf in leaves:
        table.add_row(Styled(shown(preview.where(leaf.place))), Styled(shown(leaf.text)))
    return table

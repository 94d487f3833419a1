"""An impact as it is shown: the same rows everywhere, values masked unless they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lienthong.differences import coded_fields, shape_of, without_indices
from lienthong.flows.impact import BYTES, heads
from lienthong.flows.inbound_impact import changed_services, inbound_heads
from schemas.problem import Text

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Sequence

    from lienthong.flows.impact import Impact, Turn
    from mappings import MappingFile
    from mappings.language import InboundService
    from schemas.problem import Place, Problem


_FATES = (
    ("same", "giữ nguyên", "stay as they are"),
    ("changed", "đổi nội dung", "change"),
    ("accepted_now", "trở thành hợp lệ", "become valid"),
    ("rejected_now", "trở thành bị từ chối", "become invalid"),
    ("left_out_now", "nay bị bỏ qua (leave_out)", "are left out now (leave_out)"),
    ("excused_now", "trước bị từ chối, nay bỏ qua", "were invalid, are left out now"),
    ("taken_now", "trước bỏ qua, nay hợp lệ", "were left out, are valid now"),
    ("still_rejected", "vẫn bị từ chối", "stay invalid"),
    ("still_left_out", "vẫn được bỏ qua", "stay left out"),
    ("vanished", "không còn hồ sơ", "give no dossier any more"),
    ("appeared", "chỉ nay mới có hồ sơ", "give a dossier only now"),
)
_BAD = frozenset({"rejected_now", "left_out_now", "vanished"})


class Total(NamedTuple):
    """How many records fared so."""

    key: str
    name: Text
    records: int
    is_bad: bool


class ExampleRow(NamedTuple):
    """One value that changed, as it may be shown."""

    field: str
    place: Place
    before: str
    after: str


class FieldRow(NamedTuple):
    """One field that changed."""

    field: str
    dossiers: int
    filled: int
    emptied: int
    examples: tuple[ExampleRow, ...]


class ProblemRow(NamedTuple):
    """A problem that only one of the two mappings finds."""

    code: str
    field: str
    records: int


class TurnRow(NamedTuple):
    """One record that fares otherwise, and why; `problems` is empty where nothing is wrong."""

    place: Place
    dossier: str | None
    problems: tuple[tuple[str, str, Text | None], ...]
    """(code, field, message), the message only where values are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactReport:
    """What comes of a change, in rows."""

    old: MappingFile
    new: MappingFile
    files: tuple[str, ...]
    records: int
    is_harmless: bool
    shows_values: bool
    totals: tuple[Total, ...]
    heads: tuple[tuple[str, str, str], ...]
    """(key, old, new) of what differs beside the rules."""
    notices: tuple[Text, ...]
    fields: tuple[FieldRow, ...]
    new_problems: tuple[ProblemRow, ...]
    gone_problems: tuple[ProblemRow, ...]
    rejections: tuple[TurnRow, ...]
    acceptances: tuple[TurnRow, ...]
    departures: tuple[TurnRow, ...]
    arrivals: tuple[TurnRow, ...]
    losses: tuple[TurnRow, ...]
    refusals: tuple[Problem, ...]

    @property
    def records_by_fate(self) -> dict[str, int]:
        """Return how many records fared how."""
        return {total.key: total.records for total in self.totals}


def make_report(
    impact: Impact,
    *,
    old: MappingFile,
    new: MappingFile,
    files: Sequence[str],
    show_values: bool,
    inbound: tuple[InboundService, InboundService] | None = None,
) -> ImpactReport:
    """Put an impact into rows; `inbound` is what made them, where it was no dossiers."""
    codes = coded_fields(old.schema) | coded_fields(new.schema)
    beside = heads(old, new)
    if inbound is not None:
        # Columns are the agency's own: nobody knows which of them hold codes.
        codes = frozenset({BYTES})
        named = {"mapping", "version"}
        beside = {key: pair for key, pair in beside.items() if key in named}
        beside |= inbound_heads(*inbound)

    def value(field: str, text: str) -> str:
        is_open = show_values or without_indices(field) in codes
        return text if is_open else shape_of(text)

    def turns(found: Iterable[Turn]) -> tuple[TurnRow, ...]:
        return tuple(_turn(turn, show_values=show_values) for turn in found)

    return ImpactReport(
        old=old,
        new=new,
        files=tuple(files),
        records=impact.records,
        is_harmless=impact.is_harmless,
        shows_values=show_values,
        totals=_totals(impact),
        heads=tuple((key, *pair) for key, pair in beside.items()),
        notices=(*_notices(old, new), *_not_compared(old, new, inbound)),
        fields=tuple(
            FieldRow(
                name,
                change.dossiers,
                change.filled,
                change.emptied,
                tuple(
                    ExampleRow(
                        each.field,
                        each.place,
                        value(each.field, each.before),
                        value(each.field, each.after),
                    )
                    for each in change.examples
                ),
            )
            for name, change in impact.differences.by_weight()
        ),
        new_problems=_problems(impact.new_problems),
        gone_problems=_problems(impact.gone_problems),
        rejections=turns(impact.rejections),
        acceptances=turns(impact.acceptances),
        departures=turns(impact.departures),
        arrivals=turns(impact.arrivals),
        losses=turns(impact.losses),
        refusals=tuple(each.problem for each in impact.refusals),
    )


def _totals(impact: Impact) -> tuple[Total, ...]:
    return tuple(
        Total(key, Text(vi=vi, en=en), getattr(impact, key), key in _BAD) for key, vi, en in _FATES
    )


def _notices(old: MappingFile, new: MappingFile) -> tuple[Text, ...]:
    if old.digest == new.digest:
        return (Text(vi="Hai tệp ánh xạ giống hệt nhau", en="Both mapping files are the same"),)
    if old.name == new.name and new.version <= old.version:
        return (
            Text(
                vi=f"`version` {new.version} không lớn hơn {old.version}: hãy tăng, để biết "
                "thông điệp nào do bản nào tạo ra",
                en=f"`version` {new.version} is not above {old.version}: raise it, so that each "
                "message says which of the two made it",
            ),
        )
    return ()


def _not_compared(
    old: MappingFile, new: MappingFile, compared: tuple[InboundService, InboundService] | None
) -> Iterator[Text]:
    """Yield what changed in the section `inbound` and was not looked at."""
    done = () if compared is None else (compared[0].service,)
    left = [name for name in changed_services(old, new) if name not in done]
    if left:
        names = ", ".join(left)
        yield Text(
            vi=f"`inbound` cũng thay đổi ({names}) và KHÔNG được so sánh ở đây: chạy lại với bản "
            f"tin của Cổng và --inbound {left[0]}",
            en=f"`inbound` changed, too ({names}), and is NOT compared here: run it again with "
            f"messages of the portal and --inbound {left[0]}",
        )


def _problems(found: Counter[tuple[str, str]]) -> tuple[ProblemRow, ...]:
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return tuple(ProblemRow(code, field, count) for (code, field), count in ordered)


def _turn(turn: Turn, *, show_values: bool) -> TurnRow:
    code = turn.dossier_code
    is_open = show_values or code is None or code == turn.old_code
    return TurnRow(
        turn.place,
        code if code is None or is_open else shape_of(code),
        tuple(
            (problem.code, problem.field or "", problem.message if show_values else None)
            for problem in turn.problems
        ),
    )

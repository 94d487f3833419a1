"""
What the agencies send while everything around it fails, and what must come of it.

Four agencies with formats of their own: XML with keys and versions, nested JSON with progress
rows, a table with keys, a table without. Dossiers have histories in which a status comes back
(4 → 5 → 4), snapshots are repeated, some records cannot be converted, and some dossiers are
refused by the portal for good. The same seed gives the same submissions in the same order.

What must take effect is known here, from the agencies' side alone: nothing of the product is asked
for it.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from lienthong.samples.business import BUSINESS
from lienthong.samples.district import DISTRICT
from lienthong.samples.igate import IGATE
from lienthong.samples.land import LAND
from lienthong.samples.shapes import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lienthong.samples.shapes import Record, Shape

DOSSIER = "DongBoHoSoMC"
PROGRESS = "CapNhatTienDoHoSoMC"
HISTORIES = (
    ("2", "4", "5", "4", "9", "10"),
    ("4", "5", "4", "5", "10"),
    ("2", "4", "10"),
    ("4", "5", "4"),
    ("2",),
)
"""Statuses of the portal's list, as one dossier goes through them."""
REFUSED_ENDING = "9990999"
"""How the codes end of the dossiers that the portal refuses for good."""
IMPOSSIBLE = "no such status"
REPEATED = 0.1
"""How often an agency sends its last snapshot again instead of the next."""
BAD_RECORD = 0.02
"""How often a record cannot be converted; the next snapshot of its dossier corrects it."""
REFUSED = 0.01
"""How many dossiers the portal refuses for good."""
LARGE_EVERY = 4
"""Every so many submissions of the agency with XML is one of more than a MiB."""
LARGE_PADDING = "x" * 1_200_000
OPEN_DOSSIERS = 3
"""Dossiers under way per record of a submission: how far apart two events of one stand."""


class Effect(NamedTuple):
    """One change that must happen at the portal: which operation, and the status it carries."""

    packet: str
    status: str


class Fate(Enum):
    """What becomes of one record that an agency sent."""

    EFFECT = "effect"
    REPEAT = "repeat"
    REJECTED = "rejected"
    """Here: it cannot be converted."""
    REFUSED = "refused"
    """There: the portal refuses its dossier for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One record of a submission and what must come of it."""

    dossier: str
    fate: Fate
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One hand-over of an agency."""

    agency: str
    number: int
    """1-based, per agency."""
    file_name: str
    content: bytes
    records: tuple[Sent, ...]

    @property
    def key(self) -> str:
        """The agency's own identifier of this hand-over."""
        return f"{self.agency}-{self.number}"


@dataclass(slots=True, kw_only=True)
class _Dossier:
    code: str
    base: Record
    history: tuple[str, ...]
    is_refused: bool
    turn: int = 0
    last: Record | None = None
    was_corrected: bool = True
    steps: list[Record] = field(default_factory=list)
    steps_in_effect: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """How one agency writes a snapshot."""

    shape: Shape
    statuses: Mapping[str, str]
    """From the status of a history to the agency's."""
    write: Callable[[_Dossier, str], Record]
    """One snapshot with the agency's status."""
    has_progress: bool = False
    at_portal: Mapping[str, str] = field(default_factory=dict)
    """From the status of a history to the portal's, where the agency has no word for it."""


def _business(dossier: _Dossier, status: str) -> Record:
    turn = str(dossier.turn)
    return dossier.base | {"@lanCapNhat": turn, "TrangThai": {"@ma": status, "#text": status}}


def _land(dossier: _Dossier, status: str) -> Record:
    return dossier.base | {"LanCapNhat": str(dossier.turn), "TrangThai": status}


def _district(dossier: _Dossier, status: str) -> Record:
    return dossier.base | {"MATINHTRANG": status}


def _igate(dossier: _Dossier, status: str) -> Record:
    return dossier.base | {
        "MaSuKien": f"{dossier.code}/{dossier.turn}",
        "TrangThaiHoSo": status,
        "NgayTra": "",
        "TienTrinh": list(dossier.steps),
    }


_STYLES: Mapping[str, _Style] = {
    style.shape.agency: style
    for style in (
        _Style(
            shape=BUSINESS,
            statuses={
                "2": "TIEPNHAN",
                "4": "XULY",
                "5": "BOSUNG",
                "9": "COKETQUA",
                "10": "TRAKETQUA",
            },
            write=_business,
        ),
        _Style(
            shape=IGATE,
            statuses={status: status for status in ("2", "4", "5", "9", "10")},
            write=_igate,
            has_progress=True,
        ),
        _Style(
            shape=LAND,
            statuses={
                "2": "Mới tiếp nhận",
                "4": "Đang xử lý",
                "5": "Chờ bổ sung",
                "9": "Đã ký giấy",
                "10": "Đã trả kết quả",
            },
            write=_land,
        ),
        _Style(
            shape=DISTRICT,
            statuses={"2": "DTN", "4": "CCV", "5": "BHS", "9": "HUY", "10": "TDXP"},
            write=_district,
            at_portal={"9": "8"},
        ),
    )
}
AGENCIES = tuple(_STYLES)


def submissions(agency: str, *, seed: int, batch: int) -> Iterator[Submission]:
    """
    Yield one agency's submissions without an end, in the order it issues them.

    Args:
        agency: One of `AGENCIES`.
        seed: Another one gives other dossiers and another order.
        batch: Records per submission.
    """
    style = _STYLES[agency]
    random = Random(f"{seed}/{agency}")  # noqa: S311 - to be repeated, not to be secret
    numbers = itertools.count(1)
    under_way: list[_Dossier] = []
    for number in itertools.count(1):
        while len(under_way) < OPEN_DOSSIERS * batch:
            under_way.append(_open(style, random, next(numbers)))
        # Distinct ones: most formats have one row per dossier.
        chosen = random.sample(under_way, batch)
        made = [_next(style, random, dossier) for dossier in chosen]
        under_way = [dossier for dossier in under_way if not _is_over(dossier)]
        yield Submission(
            agency=agency,
            number=number,
            file_name=f"{agency}-{number}{Path(style.shape.file_name).suffix}",
            content=_padded(style, number, _bytes_of(style.shape, [record for record, _ in made])),
            records=tuple(sent for _, sent in made),
        )


def _open(style: _Style, random: Random, number: int) -> _Dossier:
    base = style.shape.make(random, number)[0]
    is_refused = random.random() < REFUSED
    code = str(base[style.shape.key]) + (REFUSED_ENDING if is_refused else "")
    return _Dossier(
        code=code,
        base=base | {style.shape.key: code},
        history=random.choice(HISTORIES),
        is_refused=is_refused,
    )


def _is_over(dossier: _Dossier) -> bool:
    return dossier.turn >= len(dossier.history) and dossier.was_corrected


def _next(style: _Style, random: Random, dossier: _Dossier) -> tuple[Record, Sent]:
    if dossier.last is not None and dossier.was_corrected and random.random() < REPEATED:
        return dossier.last, Sent(dossier=dossier.code, fate=Fate.REPEAT, effects=())
    if random.random() < BAD_RECORD:
        dossier.was_corrected = False
        bad = style.write(_at_turn(dossier, 900 + random.randrange(100)), IMPOSSIBLE)
        return bad, Sent(dossier=dossier.code, fate=Fate.REJECTED, effects=())
    if dossier.turn < len(dossier.history):
        dossier.turn += 1
    status = dossier.history[dossier.turn - 1]
    if style.has_progress:
        dossier.steps.append(_step(dossier, status))
    dossier.was_corrected = True
    dossier.last = style.write(dossier, style.statuses[status])
    new_steps = dossier.steps[dossier.steps_in_effect :]
    dossier.steps_in_effect = len(dossier.steps)
    effects = (
        Effect(DOSSIER, style.at_portal.get(status, status)),
        *(Effect(PROGRESS, str(step["TrangThai"])) for step in new_steps),
    )
    if dossier.is_refused:
        return dossier.last, Sent(dossier=dossier.code, fate=Fate.REFUSED, effects=())
    return dossier.last, Sent(dossier=dossier.code, fate=Fate.EFFECT, effects=effects)


def _at_turn(dossier: _Dossier, turn: int) -> _Dossier:
    return _Dossier(
        code=dossier.code,
        base=dossier.base,
        history=dossier.history,
        is_refused=dossier.is_refused,
        turn=turn,
        steps=dossier.steps,
    )


def _step(dossier: _Dossier, status: str) -> Record:
    return {
        "Id": f"{dossier.code}/b{dossier.turn}",
        "NguoiXuLy": "Cán bộ mẫu",
        "ChucDanh": "Chuyên viên",
        "ThoiDiemXuLy": f"2026-02-{dossier.turn:02d}T08:15:00.000+07:00",
        "PhongBanXuLy": "Bộ phận một cửa",
        "NoiDungXuLy": f"Bước {dossier.turn}",
        "TrangThai": status,
    }


def _padded(style: _Style, number: int, content: bytes) -> bytes:
    if style.shape is not BUSINESS or number % LARGE_EVERY:
        return content
    return content + f"<!-- {LARGE_PADDING} -->\n".encode()


def _bytes_of(shape: Shape, records: list[Record]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / shape.file_name
        shape.write(path, [Entry(content=record, dossier=None) for record in records])
        return path.read_bytes()

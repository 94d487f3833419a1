"""What a check of the audit log found, in the sentences of the command, the API and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.evidence.checking import Checked


class Tone(Enum):
    """How a sentence is meant."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence."""

    text: Text
    tone: Tone = Tone.PLAIN


def tell_checked(found: Checked) -> Iterator[Told]:
    """Give what was found, the faults last."""
    yield Told(
        Text(
            vi=f"{found.rows} dòng, {found.seals} niêm phong, {found.erased} dòng đã xóa chi tiết",
            en=f"{found.rows} rows, {found.seals} seals, {found.erased} rows with their detail "
            "erased",
        )
    )
    if found.unsealed and found.tail_since:
        yield Told(
            Text(
                vi=f"{found.unsealed} dòng chưa niêm phong, từ "
                f"{found.tail_since:%Y-%m-%d %H:%M:%S} UTC: dòng bị xóa trong đoạn này không "
                "phát hiện được",
                en=f"{found.unsealed} rows not yet sealed, since "
                f"{found.tail_since:%Y-%m-%d %H:%M:%S} UTC: a row deleted there is not noticed",
            ),
            Tone.WARN,
        )
    yield from _stamps(found)
    for one in found.witnesses:
        if one.trouble is not None:
            yield Told(one.trouble, Tone.WARN)
            continue
        newest = "–" if one.newest is None else str(one.newest)
        yield Told(
            Text(
                vi=f"Nhân chứng {one.name}: {one.seals} niêm phong, mới nhất số {newest}",
                en=f"Witness {one.name}: {one.seals} seals, the newest is {newest}",
            )
        )
    for fault in found.faults:
        yield Told(fault.words, Tone.BAD)
    if found.more_faults:
        more = found.more_faults
        yield Told(Text(vi=f"… và {more} sai lệch nữa", en=f"… and {more} more"), Tone.BAD)
    if found.is_whole:
        yield Told(Text(vi="Không có thay đổi nào", en="Nothing was changed"), Tone.GOOD)


def _stamps(found: Checked) -> Iterator[Told]:
    proven = found.proven
    if proven is not None:
        accuracy = proven.accuracy
        within = "" if accuracy is None else f" ± {accuracy.total_seconds():g} s"
        yield Told(
            Text(
                vi=f"Dấu thời gian của {proven.authority}: niêm phong số 1 đến {proven.seal} "
                f"({proven.rows} dòng, dòng cuối số {proven.last_row}) đã có lúc "
                f"{proven.at:%Y-%m-%d %H:%M:%S} UTC{within}",
                en=f"Time-stamp of {proven.authority}: seals 1 to {proven.seal} ({proven.rows} "
                f"rows, the last is {proven.last_row}) were there at "
                f"{proven.at:%Y-%m-%d %H:%M:%S} UTC{within}",
            )
        )
    later = found.rows - found.unsealed - (0 if proven is None else proven.rows)
    if found.stamps and later > 0:
        yield Told(
            Text(
                vi=f"{later} dòng đã niêm phong sau đó chưa có dấu thời gian; dấu tới sẽ bao trùm "
                "chúng, vì mỗi niêm phong nối với niêm phong trước",
                en=f"{later} rows that were sealed since have no time-stamp yet; the next one "
                "covers them, for each seal links to the one before",
            )
        )

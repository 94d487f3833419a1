"""Where things are filed: judged as a portal would, put into the record, and sent down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from lienthong.ids import make_id
from lienthong.sandbox.filing import (
    SAMPLE_UNIT,
    Door,
    Filing,
    FilingWish,
    dossier_code_of,
    sample_item,
)
from lienthong.sandbox.filings import add_filing, count_filings
from lienthong.sandbox.judging import finding, judge_item
from lienthong.sandbox.portal import DOSSIER, TEXTS, Refusal
from lienthong.sandbox.store import Effect
from schemas.problem import Text

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from lienthong.sandbox.portal import Portal
    from schemas.problem import Problem


class NotFiled(Exception):
    """It cannot be filed; `problems` has every finding."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message.en for problem in problems))
        self.problems = problems


@dataclass(slots=True, kw_only=True)
class Counter:
    """Takes filings; thread-safe."""

    portal: Portal
    door: Door | None = None
    """Where they go: the last one that an order named."""
    wake: Event = field(default_factory=Event)
    """Set when there is something to send."""
    _lock: Lock = field(default_factory=Lock)

    def file(self, wish: FilingWish, *, now: datetime) -> dict[str, Any]:
        """
        File something and return its number, dossier code and message id; it is durable then.

        Raises:
            NotFiled: there is no door to send it to, or it is not as published.
        """
        with self._lock:
            if wish.door is not None:
                self.door = Door(
                    url=wish.door.url,
                    token=wish.door.token,
                    security_key=wish.door.security_key,
                )
            if self.door is None:
                raise NotFiled(_NO_DOOR)
            item, unit = self._item(wish, now=now)
            self._judge(item, wish, unit=unit, now=now)
            filing = Filing(
                service=wish.service,
                unit=unit,
                message_id=make_id(now),
                filed_at=now,
                item=json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode(),
                is_updating=wish.is_updating,
            )
            number = self._keep(filing, dossier_code_of(item), item, repeats=wish.repeats)
        self.wake.set()
        return {
            "id": number,
            "dossier_code": dossier_code_of(item),
            "message_id": filing.message_id,
        }

    def _item(self, wish: FilingWish, *, now: datetime) -> tuple[dict[str, Any], str]:
        if wish.item is None:
            number = self.portal.store.run(count_filings) + 1
            unit = wish.unit or SAMPLE_UNIT
            return sample_item(wish.service, unit=unit, number=number, now=now), unit
        code = dossier_code_of(wish.item)
        unit = wish.unit or (code or "").partition("-")[0]
        if not unit:
            raise NotFiled(_NO_UNIT)
        return wish.item, unit

    def _judge(self, item: dict[str, Any], wish: FilingWish, *, unit: str, now: datetime) -> None:
        version, validator = list(self.portal.versions.values())[-1]
        if wish.service not in version.packets:
            return
        problems = judge_item(
            item, wish.service, version=version, validator=validator, unit=unit, now=now
        )
        if problems:
            raise NotFiled(*problems)

    def _keep(self, filing: Filing, code: str | None, item: dict[str, Any], *, repeats: int) -> int:
        def keep(connection: sqlite3.Connection) -> int | Refusal:
            refused = None
            if filing.service == DOSSIER:
                effect = Effect(
                    arrival_id=0,
                    at=filing.filed_at.isoformat(),
                    message_id=filing.message_id,
                    dossier_code=code or "",
                    packet=DOSSIER,
                    digest=sha256(filing.item).hexdigest(),
                    status=item.get("TrangThaiHoSo"),
                    receipt=b"",
                )
                refused = self.portal.take(connection, effect, is_updating=filing.is_updating)
            return refused or add_filing(connection, filing, dossier_code=code, repeats=repeats)

        kept = self.portal.store.run(keep)
        if isinstance(kept, Refusal):
            raise NotFiled(_not_taken(kept))
        return kept


def _not_taken(refusal: Refusal) -> Problem:
    return finding(
        f"code_{refusal.code.name.lower()}",
        Text(vi=TEXTS[refusal.code], en=f"the portal says: {refusal.code.name.lower()}"),
        path="MaHoSo",
        suggestion=Text(
            vi="Hồ sơ đã có thì nộp với is_updating, chưa có thì không",
            en="file with is_updating what is there already, and without it what is not",
        ),
    )


_NO_DOOR = finding(
    "no_door",
    Text(vi="Chưa biết cửa nào để gửi xuống", en="it is not known where to send it"),
    path="door.url",
    suggestion=Text(
        vi="Thêm --door http://…/v1/peers/TÊN/json, và --token",
        en="give --door http://…/v1/peers/NAME/json, and --token",
    ),
)
_NO_UNIT = finding(
    "no_unit",
    Text(vi="Không biết gửi cho đơn vị nào", en="it is not known which unit it is for"),
    path="MaHoSo",
    suggestion=Text(vi="Thêm --unit, hoặc MaHoSo", en="give --unit, or a MaHoSo"),
)

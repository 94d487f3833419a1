"""
The sandbox's JSON side: login, dossiers, progress rows and look-ups, as the adapter has them.

It keeps the same ledger and obeys the same orders as the SOAP side. There are no message ids, no
signatures and no receipts here: a delivery is known by the SHA-256 of its payload, a repeated add
"exists", a repeated update or progress row takes effect again. The schema is asked what an item may
hold, so a field that is unknown, missing or no text is refused.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from hashlib import sha256
from hmac import compare_digest
from threading import Lock
from typing import TYPE_CHECKING, Any

from lienthong.channels.json_replies import NotJson, read_object
from lienthong.sandbox.judging import finding, judge_item
from lienthong.sandbox.misbehaviour import Mode
from lienthong.sandbox.portal import (
    DOSSIER,
    LOOK_UP,
    PROGRESS,
    TEXTS,
    Code,
    Refusal,
    forced,
    invalid,
    refuse_note,
)
from lienthong.sandbox.store import Arrival, Effect, add_arrival, set_outcome
from schemas.problem import Text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lienthong.sandbox.config import AdapterLogin
    from lienthong.sandbox.misbehaviour import Misbehaviour
    from lienthong.sandbox.portal import Portal
    from schemas.problem import Problem

LOGIN = "login"
PATHS = {"/adapter/auth": LOGIN, "/adapter/integration": ""}
"""What is at each path; blank: the body names its service."""
SERVICES = (DOSSIER, PROGRESS, LOOK_UP)
_FLAGS = {"True": True, "False": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, written down and not judged yet."""

    operation: str | None
    values: Mapping[str, Any]
    """Empty where it is not JSON."""
    payload: bytes
    """What was in `data`, as a client writes it; empty without it."""
    dossier_codes: tuple[str, ...]
    """Of a look-up or of the items, those that the ledger can hold."""
    arrival_id: int = 0

    @property
    def dossier_code(self) -> str | None:
        """The first of them: of a call with several rows, the ledger names one."""
        return self.dossier_codes[0] if self.dossier_codes else None

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the payload: what the message is known by."""
        return sha256(self.payload).hexdigest()

    @property
    def is_delivery(self) -> bool:
        """Whether it would change something."""
        return self.operation in (DOSSIER, PROGRESS)


@dataclass(slots=True, kw_only=True)
class Adapter:
    """Answers the services of the adapter; thread-safe."""

    portal: Portal
    login: AdapterLogin
    progress_rows: int = 1
    """How many progress rows a call may have; all of them take effect, or none."""
    _sessions: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def record(self, path: str, data: bytes, *, now: datetime) -> Asked:
        """Write one request down, whatever it is; it is durable when this returns."""
        asked = _read(path, data)
        flag = asked.values.get("isUpdating")
        digest = asked.digest if asked.payload else None
        arrival = Arrival(
            at=now.isoformat(),
            operation=asked.operation,
            message_id=digest if asked.is_delivery else None,
            dossier_code=asked.dossier_code,
            digest=digest,
            is_updating=_FLAGS.get(flag) if isinstance(flag, str) else None,
            attempt=None,
        )
        number = self.portal.store.run(lambda connection: add_arrival(connection, arrival))
        return replace(asked, arrival_id=number)

    def answer(self, asked: Asked, *, now: datetime, strike: Misbehaviour | None) -> bytes:
        """Judge one request that was written down before, and return the answer's body."""
        if asked.operation == LOGIN:
            return self._log_in(asked, now=now)
        if strike is not None and strike.mode is Mode.SESSION_EXPIRED:
            with self._lock:
                self._sessions.clear()
        refusal = self._refuse_session(asked, now=now) or forced(strike)
        if refusal is None and asked.operation not in SERVICES:
            refusal = _wrong("service", "Không có dịch vụ này", "there is no such service")
        if refusal is None:
            if asked.operation == LOOK_UP:
                return self._look_up(asked)
            refusal = self._deliver(asked, now=now, strike=strike)
        if refusal is None:
            return _say(self.portal.another_code(strike, asked.digest) or Code.OK)
        self.portal.refuse(asked.arrival_id, refusal)
        return _say(refusal.code, detail=refusal.detail)

    def _log_in(self, asked: Asked, *, now: datetime) -> bytes:
        given = [str(asked.values.get(name, "")) for name in ("username", "password")]
        wanted = [self.login.username, self.login.password]
        if not compare_digest("\n".join(given).encode(), "\n".join(wanted).encode()):
            self.portal.note(asked.arrival_id, outcome=Code.LOGIN.value)
            return _say(Code.LOGIN)
        session = secrets.token_hex(16)
        with self._lock:
            alive = {one: at for one, at in self._sessions.items() if at > now}
            self._sessions = alive | {session: now + self.login.session_lifetime}
        self.portal.note(asked.arrival_id, outcome=Code.OK.value)
        return _say(Code.OK, session=session)

    def _refuse_session(self, asked: Asked, *, now: datetime) -> Refusal | None:
        session = asked.values.get("session")
        with self._lock:
            ends = self._sessions.get(session) if isinstance(session, str) else None
        return None if ends is not None and now < ends else Refusal(code=Code.SESSION)

    def _deliver(
        self, asked: Asked, *, now: datetime, strike: Misbehaviour | None
    ) -> Refusal | None:
        items, refusal = self._check(asked, now=now)
        for item in items:
            refusal = refusal or refuse_note(strike, item.get("GhiChu"))
        if refusal is not None:
            return refusal
        effects = [_effect(item, asked, now=now) for item in items]
        is_updating = asked.values.get("isUpdating") == "True"

        def decide(connection: sqlite3.Connection) -> Refusal | None:
            connection.execute("SAVEPOINT call")
            taken = (self.portal.take(connection, one, is_updating=is_updating) for one in effects)
            refused = next((refusal for refusal in taken if refusal is not None), None)
            if refused is not None:
                connection.execute("ROLLBACK TO call")
            connection.execute("RELEASE call")
            outcome = Code.OK if refused is None else refused.code
            set_outcome(connection, asked.arrival_id, outcome=outcome.value)
            return refused

        return self.portal.store.run(decide)

    def _check(
        self, asked: Asked, *, now: datetime
    ) -> tuple[Sequence[dict[str, str]], Refusal | None]:
        unit, data = asked.values.get("madonvi"), asked.values.get("data")
        if not isinstance(unit, str) or not unit:
            return (), _wrong(
                "madonvi", "Thiếu mã đơn vị gửi", "the code of the sending unit is missing"
            )
        if asked.operation == DOSSIER and asked.values.get("isUpdating") not in _FLAGS:
            return (), _wrong(
                "isUpdating",
                'isUpdating phải là "True" hoặc "False"',
                'isUpdating must be "True" or "False"',
            )
        most = self.progress_rows if asked.operation == PROGRESS else 1
        if not isinstance(data, list) or not _are_items(data, most=most):
            return (), _wrong_data(most)
        version, validator = list(self.portal.versions.values())[-1]
        problems: list[Problem] = []
        for item in data:
            problems += judge_item(
                item,
                asked.operation or "",
                version=version,
                validator=validator,
                unit=unit,
                now=now,
            )
        return data, invalid(problems) if problems else None

    def _look_up(self, asked: Asked) -> bytes:
        found = self.portal.find(asked.arrival_id, asked.dossier_code or "")
        results = [{"MaHoSo": one.dossier_code, "TrangThaiHoSo": one.status} for one in found]
        return _say(Code.OK, result=results)


def _read(path: str, data: bytes) -> Asked:
    try:
        values = read_object(data)
        # Only to tell texts from numbers: an item that has a number is refused.
        values["data"] = json.loads(data).get("data")
    except (NotJson, ValueError, RecursionError):
        values = {}
    items = values.get("data")
    payload = b"" if items is None else _write(items)
    found = items if isinstance(items, list) else []
    codes = [item.get("MaHoSo") for item in found if isinstance(item, dict)]
    if "mahoso" in values:
        codes = [values["mahoso"]]
    service = values.get("service")
    return Asked(
        operation=PATHS[path] or _printable(service),
        values=values,
        payload=payload,
        dossier_codes=tuple(text for code in codes if (text := _printable(code)) is not None),
    )


def _are_items(data: list[Any], *, most: int) -> bool:
    return 1 <= len(data) <= most and all(isinstance(item, dict) for item in data)


def _effect(item: Mapping[str, str], asked: Asked, *, now: datetime) -> Effect:
    """Return what one item changes; it is known by the digest of a call with it alone."""
    digest = sha256(_write([item])).hexdigest()
    return Effect(
        arrival_id=asked.arrival_id,
        at=now.isoformat(),
        message_id=digest,
        dossier_code=item["MaHoSo"],
        packet=asked.operation or "",
        digest=digest,
        status=item.get("TrangThaiHoSo", item.get("TrangThai")),
        receipt=b"",
    )


def _write(items: object) -> bytes:
    """Return what a client writes for `data`."""
    text = json.dumps(items, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


def _printable(value: object) -> str | None:
    """Return what the ledger can hold: half a surrogate pair it cannot."""
    return value if isinstance(value, str) and value.isprintable() else None


def _wrong(name: str, vi: str, en: str) -> Refusal:
    """Return the refusal of an envelope that is not as the protocol has it."""
    suggestion = Text(
        vi="Cần {session, madonvi, service, isUpdating, data: [một hồ sơ]}",
        en="expected {session, madonvi, service, isUpdating, data: [one item]}",
    )
    problem = finding(f"envelope_{name}", Text(vi=vi, en=en), path=name, suggestion=suggestion)
    return Refusal(code=Code.INVALID, detail=name, problems=(problem,))


def _wrong_data(most: int) -> Refusal:
    if most == 1:
        return _wrong(
            "data",
            "data phải là một mảng có đúng một hồ sơ",
            "data must be a list with exactly one item",
        )
    return _wrong(
        "data",
        f"data phải là một mảng có từ 1 đến {most} dòng tiến độ",
        f"data must be a list with 1 to {most} progress rows",
    )


def _say(code: Code, *, detail: str = "", **more: object) -> bytes:
    text = f"{TEXTS[code]}: {detail}" if detail else TEXTS[code]
    return json.dumps(
        {"error_code": code.value, "message": text, **more}, ensure_ascii=False
    ).encode(errors="replace")


def say_fault() -> bytes:
    """Return what a server that failed says."""
    words = "Lỗi hệ thống (thử nghiệm)"
    return json.dumps({"error_code": "500", "message": words}, ensure_ascii=False).encode()

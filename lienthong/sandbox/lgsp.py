"""
The sandbox's LGSP side: tokens, SyncDocument, UpdateDocumentTraces, and a look-up of its own.

It keeps the same ledger and obeys the same orders as the other sides. There are no message ids, no
signatures, no receipts and no flag for updates: a delivery is known by the SHA-256 of its payload,
and a dossier that is there is updated. The published schema is asked what an object may hold. The
look-up (`/lgsp/Document/Find?DocCode=…`) is the sandbox's own invention: none is published.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64decode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from hmac import compare_digest
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from lienthong.sandbox.judging import MOST_FINDINGS, finding
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
)
from lienthong.sandbox.store import Arrival, Effect, add_arrival, effects_on, set_outcome
from schemas.lgsp_fields import FIELDS, NEVER, LgspField, LgspKind
from schemas.problem import Text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from lienthong.sandbox.config import LgspClient
    from lienthong.sandbox.misbehaviour import Misbehaviour
    from lienthong.sandbox.portal import Portal
    from schemas.problem import Problem

LGSP_PATH: Final = "/lgsp"
LOGIN: Final = "token"
PATHS: Final = {
    ("POST", f"{LGSP_PATH}/token"): LOGIN,
    ("POST", f"{LGSP_PATH}/Document/SyncDocument"): DOSSIER,
    ("POST", f"{LGSP_PATH}/Document/UpdateDocumentTraces"): PROGRESS,
    ("GET", f"{LGSP_PATH}/Document/Find"): LOOK_UP,
}
ACCESS_HEADER: Final = "lgspaccesstoken"
SUCCESS: Final = "200"
"""StatusCode of a success in the city's shape; its other codes are the sandbox's."""
_is_time = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:?\d\d)?", re.ASCII
).fullmatch
_SPELLINGS: Final = {"Attachmentld": "AttachmentId"}
_INLINE: Final = LgspField("Base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class LgspAsked:
    """One request, written down and not judged yet."""

    operation: str
    body: bytes
    headers: Mapping[str, str]
    """By name in lower case."""
    values: Mapping[str, Any]
    """Of the JSON object; empty where it is none."""
    dossier_code: str | None
    arrival_id: int = 0

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the body: what the message is known by."""
        return sha256(self.body).hexdigest()

    @property
    def is_delivery(self) -> bool:
        """Whether it would change something."""
        return self.operation in (DOSSIER, PROGRESS)


@dataclass(slots=True, kw_only=True)
class Lgsp:
    """Answers the services of an LGSP; thread-safe."""

    portal: Portal
    client: LgspClient
    _tokens: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def record(
        self, method: str, target: str, data: bytes, *, headers: Mapping[str, str], now: datetime
    ) -> LgspAsked:
        """Write one request down, whatever it is; it is durable when this returns."""
        parts = urlsplit(target)
        operation = PATHS[method, parts.path]
        values = _read(data) if operation in FIELDS else {}
        code = values.get("DocCode")
        if operation == LOOK_UP:
            code = parse_qs(parts.query).get("DocCode", [""])[0]
        asked = LgspAsked(
            operation=operation,
            body=data,
            headers=headers,
            values=values,
            dossier_code=code if isinstance(code, str) and code.isprintable() else None,
        )
        digest = sha256(data).hexdigest() if asked.is_delivery else None
        arrival = Arrival(
            at=now.isoformat(),
            operation=operation,
            message_id=digest,
            dossier_code=asked.dossier_code,
            digest=digest,
            is_updating=None,
            attempt=None,
        )
        number = self.portal.store.run(lambda connection: add_arrival(connection, arrival))
        return replace(asked, arrival_id=number)

    def answer(
        self, asked: LgspAsked, *, now: datetime, strike: Misbehaviour | None
    ) -> tuple[int, bytes]:
        """Judge one request that was written down before; return status and body of the answer."""
        if asked.operation == LOGIN:
            return self._log_in(asked, now=now)
        if strike is not None and strike.mode is Mode.SESSION_EXPIRED:
            with self._lock:
                self._tokens.clear()
        if not self._is_let_in(asked, now=now):
            self.portal.note(asked.arrival_id, outcome=Code.SESSION.value)
            return 401, b'{"error":"invalid_token"}'
        refusal = forced(strike)
        if refusal is None:
            if asked.operation == LOOK_UP:
                found = self.portal.find(asked.arrival_id, asked.dossier_code or "")
                results = [{"DocCode": one.dossier_code, "Status": one.status} for one in found]
                return 200, self.say(Code.OK, results=results)
            refusal = self._deliver(asked, now=now)
        if refusal is None:
            code = self.portal.another_code(strike, asked.digest)
            return 200, self.say(code or Code.OK)
        self.portal.refuse(asked.arrival_id, refusal)
        return 200, self.say(refusal.code, detail=refusal.detail)

    def say(self, code: Code, *, detail: str = "", results: object = None) -> bytes:
        """Return an answer in the shape that is configured."""
        text = f"{TEXTS[code]}: {detail}" if detail else TEXTS[code]
        more = {} if results is None else {"ResultObject": results}
        values: dict[str, object] = {"Status": int(code.value), "Message": text, **more}
        if self.client.answer == "hcm":
            is_ok = code is Code.OK
            values = {
                "StatusCode": SUCCESS if is_ok else code.value,
                "Status": "SUCCESS" if is_ok else "FAIL",
                "ThrowException": None,
                "Description": text,
                "ResultObject": results,
            }
        return json.dumps(values, ensure_ascii=False).encode(errors="replace")

    def _log_in(self, asked: LgspAsked, *, now: datetime) -> tuple[int, bytes]:
        given = {name: values[-1] for name, values in parse_qs(_text(asked.body)).items()}
        kind, _, basic = asked.headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            client_id, _, secret = _unbase64(basic).partition(":")
            given |= {"client_id": unquote(client_id), "client_secret": unquote(secret)}
        wanted = {
            "grant_type": "client_credentials",
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
        }
        if not all(
            compare_digest(given.get(name, "").encode(), value.encode())
            for name, value in wanted.items()
        ):
            self.portal.note(asked.arrival_id, outcome=Code.LOGIN.value)
            return 401, b'{"error":"invalid_client"}'
        token = secrets.token_hex(16)
        with self._lock:
            alive = {one: at for one, at in self._tokens.items() if at > now}
            self._tokens = alive | {token: now + self.client.token_lifetime}
        self.portal.note(asked.arrival_id, outcome=Code.OK.value)
        seconds = int(self.client.token_lifetime.total_seconds())
        values = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
        return 200, json.dumps({**values, "scope": "default"}).encode()

    def _is_let_in(self, asked: LgspAsked, *, now: datetime) -> bool:
        if self.client.access:
            keys = _read(_unbase64(asked.headers.get(ACCESS_HEADER, "")).encode())
            if dict(keys) != dict(self.client.access):
                return False
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        with self._lock:
            ends = self._tokens.get(token) if kind == "Bearer" else None
        return ends is not None and now < ends

    def _deliver(self, asked: LgspAsked, *, now: datetime) -> Refusal | None:
        wrong = tuple(islice(_wrong_in(asked.values, FIELDS[asked.operation]), MOST_FINDINGS))
        if wrong:
            return invalid(wrong)
        digest = asked.digest
        effect = Effect(
            arrival_id=asked.arrival_id,
            at=now.isoformat(),
            message_id=digest,
            dossier_code=asked.values["DocCode"],
            packet=asked.operation,
            digest=digest,
            status=str(asked.values.get("Status", "")),
            receipt=b"",
        )

        def decide(connection: sqlite3.Connection) -> Refusal | None:
            rows = effects_on(connection, effect.dossier_code)
            exists = any(row[0] == DOSSIER for row in rows)
            refused = self.portal.take(connection, effect, is_updating=exists)
            outcome = Code.OK if refused is None else refused.code
            set_outcome(connection, effect.arrival_id, outcome=outcome.value)
            return refused

        return self.portal.store.run(decide)


def _read(data: bytes) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _unbase64(text: str) -> str:
    try:
        return _text(b64decode(text, validate=True))
    except ValueError:
        return ""


def _wrong_in(
    values: Mapping[str, Any], fields: tuple[LgspField, ...], *, where: str = ""
) -> Iterator[Problem]:
    """Tell what is not as published in an object."""
    known = {one.name: one for one in fields}
    if where.startswith("Attachments"):
        known["Base64"] = _INLINE
    named = {_SPELLINGS.get(name, name): value for name, value in values.items()}
    for name in named:
        if name not in known:
            yield _wrong(f"{where}{name}", "trường không có trong lgsp_schema", "no such field")
    for name, one in known.items():
        if name in named:
            yield from _wrong_value(named[name], one, where=f"{where}{name}")
        elif one.required:
            yield _wrong(f"{where}{name}", "thiếu", "missing")


def _wrong_value(value: object, one: LgspField, *, where: str) -> Iterator[Problem]:
    if not one.fields:
        if not _is_of(value, one):
            kind = one.kind.name.lower()
            yield _wrong(where, f"sai kiểu, cần {kind}", f"wrong type, expected {kind}")
    elif not isinstance(value, list) or not value:
        yield _wrong(where, "cần một mảng có phần tử", "expected a list that is not empty")
    else:
        for item in value:
            if isinstance(item, dict):
                yield from _wrong_in(item, one.fields, where=f"{where}.")
            else:
                yield _wrong(where, "cần các đối tượng", "expected objects")


def _wrong(path: str, vi: str, en: str) -> Problem:
    suggestion = Text(
        vi="So với lgsp_schema.xsd: tên, kiểu và trường bắt buộc",
        en="compare with lgsp_schema.xsd: names, types and required fields",
    )
    text = Text(vi=f"{path}: {vi}", en=f"{path}: {en}")
    return finding("lgsp", text, path=path, suggestion=suggestion)


def _is_of(value: object, one: LgspField) -> bool:
    if one.kind is LgspKind.BOOLEAN:
        # The XSD has IsReturned as a string, and implementers send a boolean.
        return isinstance(value, bool) or (one.name == "IsReturned" and value in ("true", "false"))
    if isinstance(value, bool):
        return False
    if one.kind is LgspKind.INTEGER:
        return isinstance(value, int)
    if one.kind is LgspKind.NUMBER:
        return isinstance(value, int | float)
    if not isinstance(value, str) or not value:
        return False
    return one.kind is not LgspKind.TIME or value == NEVER or _is_time(value) is not None

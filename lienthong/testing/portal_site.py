"""
One installation and a sandbox portal in this process: the real store, exchange, roles and channel.

The settings are a file, as an operator writes it, and impatient: pauses are parts of a second.
Records are those of one agency whose mapping makes snapshots and progress rows; another mapping
may be given.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import urllib3
from sqlalchemy import select

from lienthong.flows.receive import Offer, receive
from lienthong.roles import Role, Workers
from lienthong.sandbox import SandboxConfig, read_ledger, serve, target_settings
from lienthong.sandbox.server import system_clock
from lienthong.settings import load_settings
from lienthong.store.database import reading
from lienthong.store.queries import is_idle, list_messages, show_message
from lienthong.store.selection import Selection
from lienthong.store.tables import messages
from lienthong.wiring import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from lienthong.sandbox.ledger import Ledger
    from lienthong.states import State
    from lienthong.store.queries import MessageLine, MessageView

AGENCY = "mot-cua-thu"
AGENCY_CODE = "000.00.00.H29"
LOOK_SECONDS = 0.02
START_SECONDS = 30.0
LIMIT = 100_000
"""Messages that are listed at most."""
MAPPING = """\
mapping: mot-cua-thu
version: 1
schema: dvcqg-2020
agency: {code: "000.00.00.H29", name: "Một cửa thử nghiệm"}
source: {format: json, records: data}
event_key: "{sk}"
order_by: "{sk}"
one_row_per_dossier: false
code_lists:
  trang_thai:
    entries:
      - {from: "mới", to: "2"}
      - {from: "đang xử lý", to: "4"}
      - {from: "bổ sung", to: "5"}
      - {from: "xong", to: "9"}
dossier:
  MaHoSo: so
  MaTTHC: thuTuc
  TenTTHC: {from: thuTuc, lookup: {table: procedures, column: title}}
  MaLinhVuc: {constant: "G15-TP08"}
  TenLinhVuc: {constant: "Hộ tịch"}
  ChuHoSo: chuHoSo
  LoaiDoiTuong: {from: loai, codes: {"CN": "1", "DN": "2"}, default: "1"}
  NgayTiepNhan: {from: ngayNhan, date: [iso]}
  TrangThaiHoSo: {from: trangThai, codes: trang_thai}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: "Một cửa thử nghiệm"}
  GhiChu: ghiChu
progress:
  each: quaTrinh
  event_key: "{id}"
  fields:
    MaHoSo: /so
    NguoiXuLy: ten
    ThoiDiemXuLy: {from: luc, date: [iso]}
    NoiDungXuLy: noiDung
    TrangThai: {from: trangThai, codes: trang_thai}
"""
IMPATIENT: Mapping[str, Mapping[str, Any]] = {
    "delivery": {
        "lease_seconds": 6,
        "backoff_first_seconds": 0.05,
        "backoff_longest_seconds": 0.2,
        "breaker_longest_seconds": 0.2,
        "breaker_busy_longest_seconds": 0.2,
    },
    "target": {
        "connect_timeout_seconds": 1,
        "read_timeout_seconds": 3,
        "call_timeout_seconds": 4,
        "quiet_period_seconds": 0.5,
        "look_up_attempts": 1,
    },
}


def write_toml(values: Mapping[str, Any], name: str = "") -> str:
    """Return settings as lienthong.toml has them."""
    own = {key: value for key, value in values.items() if not isinstance(value, dict)}
    head = f"[{name}]\n" if name else ""
    lines = "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in own.items())
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    quoted = {key: key if key.replace("_", "").isalnum() else json.dumps(key) for key in tables}
    parts = [
        write_toml(table, f"{name}.{quoted[key]}" if name else quoted[key])
        for key, table in tables.items()
    ]
    return head + lines + "".join(parts)


def overlay(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables laid over each other; what comes later counts, table by table."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            under = merged.get(key)
            if isinstance(value, dict) and isinstance(under, dict):
                merged[key] = overlay(under, value)
            else:
                merged[key] = value
    return merged


class Portal:
    """A sandbox in a thread of its own; `clock` is what it takes for the time."""

    def __init__(
        self, config: SandboxConfig, *, clock: Callable[[], datetime] = system_clock
    ) -> None:
        self.config = config
        self._clock = clock
        self._stop, self._ready = Event(), SimpleQueue[tuple[str, str]]()
        self._thread = Thread(target=self._serve, name="sandbox-portal", daemon=True)
        self._thread.start()
        self._http = urllib3.PoolManager()
        self.url, self._control = self._ready.get(timeout=START_SECONDS)

    @property
    def target(self) -> dict[str, object]:
        """The `[target]` settings that fit it."""
        return target_settings(self.url, config=self.config)

    @property
    def ledger(self) -> Ledger:
        """What it has written down."""
        return read_ledger(self.config.ledger)

    def misbehave(self, mode: str, **order: object) -> None:
        """Order it to misbehave, until `behave`."""
        self._order("misbehave", {"mode": mode, **order})

    def behave(self) -> None:
        """Let it be as it should be."""
        self._order("clear", {})

    def hits(self) -> int:
        """Return how often the orders that hold now have struck."""
        state = self._http.request("GET", f"{self._control}/state").json()
        return sum(one["hits"] for one in state["misbehaviour"])

    def close(self) -> None:
        """End it; what it answered is on the disk."""
        self._stop.set()
        self._thread.join(START_SECONDS)
        self._http.clear()

    def _serve(self) -> None:
        serve(
            self.config,
            stop=self._stop,
            clock=self._clock,
            ready=lambda url, control: self._ready.put((url, control)),
        )

    def _order(self, what: str, order: dict[str, object]) -> None:
        answer = self._http.request("POST", f"{self._control}/{what}", json=order)
        assert answer.status < 400, answer.data


@dataclass(slots=True)
class PortalSite:
    """An installation in a folder; its roles run in threads of this process."""

    folder: Path
    keys: Path
    """Development keys, those of the agency among them."""
    target: Mapping[str, Any]
    """`[target]`, laid over by what is impatient and by `settings`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Tables of lienthong.toml that lie over all others."""
    mapping: str = MAPPING
    agency: str = AGENCY
    installation: Installation = field(init=False)
    _submitted: int = 0

    def __post_init__(self) -> None:
        mappings = self.folder / "mappings"
        mappings.mkdir(parents=True, exist_ok=True)
        (mappings / f"{self.agency}.yaml").write_text(self.mapping, encoding="utf-8")
        self.open()

    @property
    def file(self) -> Path:
        """Its lienthong.toml."""
        return self.folder / "lienthong.toml"

    def open(self, **changes: Mapping[str, Any]) -> None:
        """Write the settings, with `changes` laid over them, and put the installation together."""
        self.settings = overlay(self.settings, changes)
        head = {
            "data_dir": str(self.folder / "data"),
            "keys_dir": str(self.keys),
            "mappings_dir": str(self.folder / "mappings"),
        }
        settings = overlay(head, {"target": dict(self.target)}, IMPATIENT, self.settings)
        self.file.touch(mode=0o600)
        self.file.write_text(write_toml(settings), encoding="utf-8")
        self.installation = Installation(load_settings(file=self.file))

    def close(self) -> None:
        """Let the store go."""
        self.installation.store.dispose()

    def submit(self, *records: Mapping[str, Any]) -> str:
        """Hand a file with records in; return the submission's id."""
        body = json.dumps({"data": records}, ensure_ascii=False).encode()
        self._submitted += 1
        offer = Offer(
            source=BytesIO(body),
            file_name=f"hs-{self._submitted}.json",
            agency=self.agency,
            door="test",
            sender=self.agency,
        )
        here = self.installation
        with closing(here.open_broker()) as broker:
            taken = receive(offer, store=here.store, broker=broker, clock=here.clock)
        return taken.submission_id

    def work(
        self,
        until: Callable[[], bool] | None = None,
        *,
        roles: Collection[Role] = (Role.EXPAND, Role.DELIVER),
        seconds: float = 60,
    ) -> None:
        """
        Run roles until `until` says so, or until nothing is left that moves by itself.

        Raises:
            AssertionError: a role failed, or the time is over.
        """
        stop, ended = Event(), SimpleQueue[bool]()
        workers = Workers(installation=self.installation, roles=roles, stop=stop)
        thread = Thread(target=lambda: ended.put(workers.run()), name="workers")
        thread.start()
        ends = monotonic() + seconds
        try:
            while not (until or self.is_idle)():
                assert not stop.is_set(), "a role failed; its log says why"
                assert monotonic() < ends, f"not done in {seconds} s: {self.states()}"
                sleep(LOOK_SECONDS)
        finally:
            stop.set()
            thread.join()
        assert ended.get(), "a role failed; its log says why"

    def is_idle(self) -> bool:
        """Return whether nothing is left that moves by itself."""
        with reading(self.installation.store) as connection:
            return is_idle(connection)

    def messages(self, dossier: str | None = None) -> list[MessageLine]:
        """Return the messages, in the order of the records that they were made of."""
        store = self.installation.store
        selection = Selection(dossier_code=dossier, limit=LIMIT)
        order = (messages.c.submission_id, messages.c.record, messages.c.sequence)
        with reading(store) as connection:
            lines = list_messages(connection, selection, vault=store.vault)
            ids = connection.execute(select(messages.c.id).order_by(*order)).scalars().all()
        found = {line.id: line for line in lines}
        return [found[id_] for id_ in ids if id_ in found]

    def states(self, dossier: str | None = None) -> list[State]:
        """Return the states of the messages, in the same order."""
        return [line.state for line in self.messages(dossier)]

    def show(self, message: MessageLine) -> MessageView:
        """Return everything that is known of a message."""
        store = self.installation.store
        with reading(store) as connection:
            return show_message(connection, message.id, vault=store.vault)


def record(number: int, *, event: int = 1, **changes: Any) -> dict[str, Any]:
    """Return one record of the agency: an event of the dossier `number`."""
    return {
        "sk": f"{number:05}-{event}",
        "so": dossier_code(number),
        "thuTuc": "1.001193",
        "chuHoSo": "Nguyễn Thị Mẫu",
        "loai": "CN",
        "ngayNhan": "2026-11-24T08:15:00+07:00",
        "trangThai": "mới",
        "ghiChu": f"lần {event}",
        "quaTrinh": [],
    } | changes


def step(dossier: int, number: int, **changes: Any) -> dict[str, Any]:
    """Return one step of a dossier's processing."""
    return {
        "id": f"{dossier:05}-buoc-{number}",
        "ten": "Trần Văn Mẫu",
        "luc": f"2026-11-24T{9 + number // 60:02}:{number % 60:02}:00+07:00",
        "noiDung": f"Bước {number}",
        "trangThai": "đang xử lý",
    } | changes


def dossier_code(number: int) -> str:
    """Return the code of a dossier."""
    return f"H29.14-261124-{number:05}"

"""How a sandbox is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lienthong.sandbox.filing import Door
    from lienthong.sandbox.headers import HeaderDemands
    from lienthong.sandbox.misbehaviour import Misbehaviour
    from lienthong.sandbox.scenario import Scenario
    from lienthong.sandbox.security import SecurityDemands

MIB = 1024 * 1024


class LookUpShows(Enum):
    """What TraCuuHoSo tells about a dossier that is there."""

    NOTHING = "nothing"
    """Always an empty result, as if the dossier were not there."""
    EXISTENCE = "existence"
    CONTENT = "content"
    """Also the ids and digests of what is in effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterLogin:
    """Who may log in to the JSON side, and for how long."""

    username: str = "thu-nghiem"
    password: str = field(default="thu-nghiem", repr=False)
    session_lifetime: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class LgspClient:
    """Who may use the LGSP side, and how it answers."""

    client_id: str = "thu-nghiem"
    client_secret: str = field(default="thu-nghiem", repr=False)
    token_lifetime: timedelta = timedelta(minutes=10)
    access: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What lgspaccesstoken must hold; empty: it is not looked at."""
    answer: str = "mresult"
    """Or hcm: the city's shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """Everything one sandbox needs; all of it can be handed to another process."""

    ledger: Path
    """SQLite file of arrivals and effects; made when it is not there."""
    trust: tuple[Path, ...]
    """Certificates (PEM) that the agencies' signatures must lead to."""
    receipt_key: Path
    receipt_certificate: Path
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port."""
    control_port: int = 0
    """Of the control address, which is always on loopback; 0 takes any free port."""
    schema_versions: tuple[str, ...] = ("dvcqg-2020", "dvcqg-2022")
    idempotent: bool = True
    """False: a repeat of an accepted message takes effect again, as portals without keys do."""
    look_up_shows: LookUpShows = LookUpShows.CONTENT
    seed: int = 0
    """Of the generators that draw which requests a share hits."""
    scenario: Scenario | None = None
    """Played from the start on, before any order."""
    schedule: tuple[Misbehaviour, ...] = ()
    """Misbehaviour from the start on; `after_seconds` places each."""
    security: SecurityDemands | None = None
    """What is demanded and given of WS-Security; None: a security header is not looked at."""
    headers: HeaderDemands | None = None
    """What is demanded of WS-Addressing and X-Road; such headers are echoed all the same."""
    channel: str = "soap"
    """Which of its sides the settings of a target that fit it name: as `[target] channel`."""
    adapter: AdapterLogin = field(default_factory=AdapterLogin)
    """Of the JSON side."""
    progress_rows: int = 1
    """How many progress rows the JSON side takes in a call: all of them, or none."""
    lgsp: LgspClient = field(default_factory=LgspClient)
    """Of the LGSP side."""
    door: Door | None = None
    """Where what is filed here goes, until an order names another."""
    max_request_bytes: int = 16 * MIB
    idle_timeout_seconds: float = 60
    """After which a silent connection is closed."""

"""A portal to try things on: it checks, signs receipts, misbehaves on demand and keeps a ledger."""

from __future__ import annotations

from lienthong.sandbox.config import AdapterLogin, LgspClient, LookUpShows, SandboxConfig
from lienthong.sandbox.filing import Door
from lienthong.sandbox.headers import HeaderDemands
from lienthong.sandbox.ledger import Ledger, read_ledger
from lienthong.sandbox.misbehaviour import Misbehaviour, Mode
from lienthong.sandbox.scenario import Scenario, load_scenario
from lienthong.sandbox.security import SecurityDemands
from lienthong.sandbox.server import serve, target_settings
from lienthong.sandbox.tampering import (
    corrupt_dossiers,
    delete_dossiers,
    double_progress,
    set_back_dossiers,
)

__all__ = [
    "AdapterLogin",
    "Door",
    "HeaderDemands",
    "Ledger",
    "LgspClient",
    "LookUpShows",
    "Misbehaviour",
    "Mode",
    "SandboxConfig",
    "Scenario",
    "SecurityDemands",
    "corrupt_dossiers",
    "delete_dossiers",
    "double_progress",
    "load_scenario",
    "read_ledger",
    "serve",
    "set_back_dossiers",
    "target_settings",
]

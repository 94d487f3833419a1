"""A portal to try things on: it checks, signs receipts, misbehaves on demand and keeps a ledger."""

from __future__ import annotations

from lienthong.sandbox.config import LookUpShows, SandboxConfig
from lienthong.sandbox.ledger import Ledger, read_ledger
from lienthong.sandbox.misbehaviour import Misbehaviour, Mode
from lienthong.sandbox.security import SecurityDemands
from lienthong.sandbox.server import serve, target_settings

__all__ = [
    "Ledger",
    "LookUpShows",
    "Misbehaviour",
    "Mode",
    "SandboxConfig",
    "SecurityDemands",
    "read_ledger",
    "serve",
    "target_settings",
]

"""The command line; see `lienthong --help`."""

from __future__ import annotations

from lienthong.cli.app import main

__all__ = ["main"]

"""A worker's eye on the keys: that one cannot sign is told once, and that it can again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from lienthong.key_checks import ENDS_SOON, keys_in_trouble

if TYPE_CHECKING:
    from datetime import datetime

    from lienthong.keyring import Keyring

log = structlog.get_logger()


class KeyWatch:
    """Remembers what it has told."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._told: set[tuple[str, str]] = set()

    def look(self, *, now: datetime) -> None:
        """Let every key in use sign, and log what has changed since the last look."""
        found = {
            (one.holder, one.code): one
            for one in keys_in_trouble(self._keyring, now=now)
            # Told once a day, by itself.
            if one.code != ENDS_SOON
        }
        for holder, code in self._told - found.keys():
            log.info("keys.well_again", holder=holder, code=code)
        for (holder, code), one in found.items():
            if (holder, code) not in self._told:
                log.error("keys.trouble", holder=holder, code=code, words=one.words.en)
        self._told = set(found)

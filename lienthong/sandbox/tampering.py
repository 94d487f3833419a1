"""
Spoiling a sandbox's record, as a portal's own accidents would: for tests of what finds them.

The file may be spoilt while the sandbox runs; it answers from it at once.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from lienthong.sandbox.ledger import DOSSIER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 30
STRANGE_STATUS = "99"
PROGRESS = "CapNhatTienDoHoSoMC"


def delete_dossiers(ledger: Path, codes: Collection[str]) -> None:
    """Make the sandbox forget dossiers, with their progress rows."""
    with _open(ledger) as connection:
        connection.executemany(
            "DELETE FROM effects WHERE dossier_code = ?", [(code,) for code in codes]
        )


def corrupt_dossiers(ledger: Path, codes: Collection[str]) -> None:
    """Put something that nobody sent in the place of each dossier's snapshot in effect."""
    with _open(ledger) as connection:
        connection.executemany(
            f"UPDATE effects SET digest = ?, status = ? WHERE id = ({_LATEST})",  # noqa: S608
            [(sha256(code.encode()).hexdigest(), STRANGE_STATUS, code, DOSSIER) for code in codes],
        )


def set_back_dossiers(ledger: Path, codes: Collection[str]) -> None:
    """Forget each dossier's snapshot in effect, so that the one before it is again."""
    with _open(ledger) as connection:
        connection.executemany(
            f"DELETE FROM effects WHERE id = ({_LATEST})",  # noqa: S608
            [(code, DOSSIER) for code in codes],
        )


def double_progress(ledger: Path, codes: Collection[str]) -> None:
    """Let the latest progress row of each dossier take effect once more."""
    with _open(ledger) as connection:
        connection.executemany(
            "INSERT INTO effects (arrival_id, at, message_id, dossier_code, packet, digest,"  # noqa: S608
            " status, receipt) SELECT arrival_id, at, message_id, dossier_code, packet, digest,"
            f" status, receipt FROM effects WHERE id = ({_LATEST})",
            [(code, PROGRESS) for code in codes],
        )


_LATEST = "SELECT max(id) FROM effects WHERE dossier_code = ? AND packet = ?"


@contextmanager
def _open(ledger: Path) -> Iterator[sqlite3.Connection]:
    if not ledger.is_file():
        raise FileNotFoundError(ledger)
    with closing(sqlite3.connect(ledger, timeout=PATIENCE_SECONDS)) as connection, connection:
        yield connection

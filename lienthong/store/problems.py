"""Problems as a column holds them: sealed, because they quote values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from schemas.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.store.vault import Vault


def seal_problems(vault: Vault, problems: Sequence[Problem], *, context: str) -> bytes | None:
    """Return problems, which quote values, as a column holds them; None for none."""
    if not problems:
        return None
    plain = json.dumps([msgspec.to_builtins(problem) for problem in problems], ensure_ascii=False)
    return vault.seal(plain.encode(), context=context)


def open_problems(vault: Vault, sealed: bytes | None, *, context: str) -> tuple[Problem, ...]:
    """Return the problems that a column holds."""
    if sealed is None:
        return ()
    return msgspec.json.decode(vault.open(sealed, context=context), type=tuple[Problem, ...])

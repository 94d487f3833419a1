"""
Which rows of the audit log had their detail erased by us: each erasure is a row of the log itself.

An erasure is believed that is as it was written and has our tag. What an erasure named whose own
detail was erased, as could be done once, is not known: of rows before it nothing is said then.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.store.as_found import columns_of
from lienthong.store.audit import ERASED, ERASED_SUBJECT, is_as_written
from lienthong.store.spans import read_spans
from lienthong.store.tables import audit

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from lienthong.store.vault import Vault


class Erasures:
    """What the log says was erased; read when it is first asked."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def have(self, number: int) -> bool:
        """Tell whether a row was erased by us, or may have been."""
        spans, unknown_before = self._known
        return number < unknown_before or _is_in(spans, number)

    @cached_property
    def _known(self) -> tuple[list[tuple[int, int]], int]:
        every = select(*columns_of(audit)).where(
            audit.c.subject == ERASED_SUBJECT, audit.c.action == ERASED
        )
        spans: list[tuple[int, int]] = []
        silent: list[int] = []
        for row in self._connection.execute(every.execution_options(yield_per=1_000)):
            if not self._is_ours(row):
                continue
            if row.detail is None:
                silent.append(row.id)
                continue
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                spans += read_spans(json.loads(row.detail)["numbers"])
        merged = _merged(spans)
        return merged, max((one for one in silent if _is_in(merged, one)), default=0)

    def _is_ours(self, row: Row[Any]) -> bool:
        if not is_as_written(row):
            return False
        if row.tag is None:
            return not self._vault.encrypt
        return self._vault.has_tagged(row.tag, row.digest)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _is_in(spans: list[tuple[int, int]], number: int) -> bool:
    place = bisect_right(spans, (number, 2**63)) - 1
    return place >= 0 and spans[place][0] <= number <= spans[place][1]

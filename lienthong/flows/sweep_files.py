"""Removing from the file store what no manifest names any more, and what was never finished."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from lienthong.store.attachments import forget_blobs, known_blobs
from lienthong.store.database import reading
from lienthong.store.work import begin, tell_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.attachments.blobs import BlobStore
    from lienthong.store.database import Store

log = structlog.get_logger()

BATCH = 100
OVER = timedelta(days=2)
"""Longer than any file takes to come: what is older and has no row belongs to nobody."""


def sweep_files(store: Store, blobs: BlobStore, *, clock: Callable[[], datetime]) -> int:
    """Remove what is not named any more; return how many there were."""
    removed = 0
    while True:
        with begin(store, at=clock) as work:
            names = forget_blobs(work, limit=BATCH)
            if names:
                work.note("attachments.removed", "blobs", count=len(names))
        for name in names:
            try:
                blobs.remove(name)
            except OSError as error:
                # It has no row any more, so `sweep_leavings` finds it.
                log.warning("sweep.file_stays", cause=type(error).__name__)
        removed += len(names)
        if len(names) < BATCH:
            return removed


def sweep_leavings(store: Store, blobs: BlobStore, *, clock: Callable[[], datetime]) -> int:
    """
    Remove what lies in the file store and no row speaks of; return how many there were.

    Raises:
        OSError: the file store cannot be read.
    """
    with reading(store) as connection:
        # Files have the time of a machine, and any clock may be wrong: the earlier one is safe.
        now = min(clock(), tell_time(store, connection, at=clock))
    lying = blobs.names(before=(now - OVER).timestamp())
    removed = 0
    while names := list(islice(lying, BATCH)):
        with reading(store) as connection:
            known = known_blobs(connection, names)
        for name in names:
            if name not in known:
                blobs.remove(name)
                removed += 1
    return removed

"""
Sealing kept files as new ones are sealed: the counterpart of `reseal` for the file store.

A file is written anew under a new name before its rows name that; it may be stopped at any moment
and begun again, and what was half done is swept up.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import select

from lienthong.attachments.blobs import begins_with, opened_parts, sealed_parts
from lienthong.store.attachments import rename_blob
from lienthong.store.database import reading
from lienthong.store.tables import blobs as rows
from lienthong.store.vault import SealBroken
from lienthong.store.work import PRODUCT, begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from lienthong.attachments.blobs import BlobStore
    from lienthong.store.database import Store

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ResealedFiles:
    """What one run did."""

    files: int
    broken: tuple[str, ...]
    """Names of files that do not open, or are not there; they were left as they are."""


def reseal_files(
    store: Store,
    blobs: BlobStore,
    *,
    clock: Callable[[], datetime],
    actor: str = PRODUCT,
) -> ResealedFiles:
    """
    Seal with the newest data key every kept file that is not; plainly, where encryption is off.

    Raises:
        StoreKeyMissing: a data key cannot be opened.
        OSError: the file store cannot be written.
    """
    store.vault.refresh()
    done = 0
    broken: list[str] = []
    for name, size in _kept(store):
        try:
            if begins_with(blobs, name, store.vault.prefix):
                continue
            parts = opened_parts(blobs, name=name, size=size, vault=store.vault)
            new = uuid4().hex
            blobs.write(new, sealed_parts(parts, name=new, vault=store.vault))
        except (SealBroken, FileNotFoundError):
            broken.append(name)
            continue
        with begin(store, at=clock, actor=actor) as work:
            is_there = rename_blob(work, name, new)
        # Where it was erased meanwhile, the new one is not wanted.
        with suppress(OSError):
            blobs.remove(name if is_there else new)
        done += int(is_there)
    if done or broken:
        with begin(store, at=clock, actor=actor) as work:
            work.note("attachments.resealed", "blobs", files=done, broken=len(broken))
    return ResealedFiles(files=done, broken=tuple(broken))


def _kept(store: Store) -> Iterator[tuple[str, int]]:
    after = ""
    while True:
        query = select(rows).where(rows.c.sha256 > after).order_by(rows.c.sha256).limit(BATCH)
        with reading(store) as connection:
            page = connection.execute(query).all()
        for row in page:
            yield row.name, row.size
        if len(page) < BATCH:
            return
        after = page[-1].sha256

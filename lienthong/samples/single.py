"""One record per message, as back-ends that publish each change at once send them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from lienthong.samples.business import BUSINESS
from lienthong.samples.health import HEALTH
from lienthong.samples.land import LAND
from lienthong.samples.shapes import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.samples.shapes import Record, Shape

SHAPES = (LAND, HEALTH, BUSINESS)
"""Three formats (CSV, JSON, XML) whose records make one portal message each."""
UPDATE_EVERY = 5
"""Of the land office's messages each fifth is the next snapshot of the dossier before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleRecord:
    """One message of an agency."""

    key: str
    """The sender's own id of it."""
    agency: str
    file_name: str
    dossier: str
    body: bytes


def single_records(count: int, *, first: int = 1, seed: int = 2020) -> Iterator[SingleRecord]:
    """
    Yield `count` records of three agencies in turn, all good, some of them later snapshots.

    Args:
        count: How many.
        first: Number of the first dossier: other numbers are other dossiers.
        seed: Another seed gives other people and dates, and other codes with them.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = [_stream(shape, Path(folder), first=first, seed=seed) for shape in SHAPES]
        turns = cycle(streams)
        yield from islice((next(stream) for stream in turns), count)


def _stream(shape: Shape, folder: Path, *, first: int, seed: int) -> Iterator[SingleRecord]:
    random = Random(f"{seed}/{shape.agency}/{first}")  # noqa: S311 - not a secret
    number = first
    sent = 0
    while True:
        # A message that comes after a later one of its dossier would only be superseded.
        snapshots = sorted(shape.make(random, number), key=_turn)
        if shape is LAND and sent % UPDATE_EVERY == UPDATE_EVERY - 2:
            snapshots.append(_updated(snapshots[-1]))
        for record in snapshots:
            sent += 1
            yield _single(shape, record, folder, key=f"{first}-{sent}-{shape.agency}")
        number += 1


def _turn(record: Record) -> int:
    return int(str(record.get("@lanCapNhat", 1)))


def _updated(record: Record) -> Record:
    return record | {"LanCapNhat": "9", "GhiChu": "Cập nhật lần sau"}


def _single(shape: Shape, record: Record, folder: Path, *, key: str) -> SingleRecord:
    path = folder / shape.file_name
    shape.write(path, [Entry(content=record, dossier=None)])
    return SingleRecord(
        key=key,
        agency=shape.agency,
        file_name=shape.file_name,
        dossier=str(record[shape.key]),
        body=path.read_bytes(),
    )

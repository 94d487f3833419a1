"""One call that writes the sample files of every agency."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from lienthong.samples.business import BUSINESS
from lienthong.samples.district import DISTRICT
from lienthong.samples.expectations import SampleSet
from lienthong.samples.health import HEALTH
from lienthong.samples.igate import IGATE
from lienthong.samples.land import LAND
from lienthong.samples.shapes import fill
from lienthong.samples.ward import WARD

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = (BUSINESS, DISTRICT, HEALTH, IGATE, LAND, WARD)


def write_samples(
    folder: Path, *, dossiers: int = 260, bad: int = 12, seed: int = 2020
) -> SampleSet:
    """
    Write one file per agency into `folder`, which is made if it is missing.

    The same arguments give the same bytes on every machine and day.

    Args:
        folder: Files of the same names in it are replaced.
        dossiers: Good dossiers per file, at least one.
        bad: Spoilt records per file, mixed among the good ones.
        seed: Another seed gives other people, dates and order, never other kinds of flaws.
    """
    if dossiers < 1 or bad < 0:
        raise ValueError(f"dossiers must be at least 1 and bad at least 0, not {dossiers}, {bad}")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for shape in SHAPES:
        # A generator of its own per agency: a change in one file leaves the others as they are.
        random = Random(f"{seed}/{shape.agency}")  # noqa: S311 - not a secret
        files.append(fill(shape, folder=folder, dossiers=dossiers, bad=bad, random=random))
    return SampleSet(files=tuple(files))

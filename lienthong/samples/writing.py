"""One call that writes the sample files of every agency, and one for those of the profiles."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from lienthong.samples.business import BUSINESS
from lienthong.samples.district import DISTRICT
from lienthong.samples.expectations import SampleSet
from lienthong.samples.health import HEALTH
from lienthong.samples.igate import IGATE
from lienthong.samples.land import LAND
from lienthong.samples.profiles import PROFILES
from lienthong.samples.shapes import fill
from lienthong.samples.ward import WARD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lienthong.samples.shapes import Shape

SHAPES = (BUSINESS, DISTRICT, HEALTH, IGATE, LAND, WARD)


def write_samples(
    folder: Path, *, dossiers: int = 260, bad: int = 12, seed: int = 2020
) -> SampleSet:
    """
    Write one file for each of the six agencies into `folder`, which is made if it is missing.

    The same arguments give the same bytes on every machine and day. The set says what was put in
    on purpose, and what the portal must get for each good record (`SampleFile.truth`).

    Args:
        folder: Files of the same names in it are replaced.
        dossiers: Good dossiers per file, at least one.
        bad: Spoilt records per file, mixed among the good ones.
        seed: Another seed gives other people, dates and order, never other kinds of flaws.
    """
    return _write(SHAPES, folder=folder, dossiers=dossiers, bad=bad, seed=seed)


def write_profiles(
    folder: Path, *, dossiers: int = 120, bad: int = 13, seed: int = 2020
) -> SampleSet:
    """
    Write one file for each of the eight profiles that came later.

    Arguments and promises are those of `write_samples`.
    """
    return _write(PROFILES, folder=folder, dossiers=dossiers, bad=bad, seed=seed)


def _write(
    shapes: Sequence[Shape], *, folder: Path, dossiers: int, bad: int, seed: int
) -> SampleSet:
    if dossiers < 1 or bad < 0:
        raise ValueError(f"dossiers must be at least 1 and bad at least 0, not {dossiers}, {bad}")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for shape in shapes:
        # A generator of its own per agency: a change in one file leaves the others as they are.
        random = Random(f"{seed}/{shape.agency}")  # noqa: S311 - not a secret
        files.append(fill(shape, folder=folder, dossiers=dossiers, bad=bad, random=random))
    return SampleSet(files=tuple(files))

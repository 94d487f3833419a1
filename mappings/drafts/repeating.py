"""Dossiers that come several times in a sample: the rule of the file, or a mistake in it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from mappings.drafts.proposals import Repeats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mappings.drafts.profiles import SampleProfile
    from mappings.drafts.proposals import Proposal

_IDENTIFYING = frozenset({"MaTTHC", "ChuHoSo", "MaDoiTuong", "SoGiayToChuHoSo", "NgayTiepNhan"})
"""What stays the same while a dossier goes its way."""


def find_repeats(proposals: Sequence[Proposal], profile: SampleProfile) -> Repeats | None:
    """Return which dossier codes come several times, None where none does."""
    paths = {one.target.name: one.column.path for one in proposals if one.column is not None}
    if "MaHoSo" not in paths:
        return None
    column = profile.columns[paths["MaHoSo"]]
    codes = {word: count for word, count in column.words.most_common() if count > 1}
    if not codes:
        return None
    identifying = [path for name, path in paths.items() if name in _IDENTIFYING]
    own = [*identifying, column.path]
    rows = defaultdict(list)
    names = {hash(word): word for word in codes}
    for row in profile.rows:
        word = names.get(row.get(column.path, 0))
        if word is not None:
            rows[word].append(row)
    agreeing = sum(_are_updates(rows[word], identifying, own) for word in codes)
    is_rule = len(codes) * 2 > len(column.words) or agreeing * 2 > len(codes)
    return Repeats(codes=codes, different=len(column.words), are_updates=is_rule)


def _are_updates(
    rows: Sequence[Mapping[str, int]], identifying: Sequence[str], own: Sequence[str]
) -> bool:
    """Return whether rows agree in what identifies a dossier, and differ in something else."""
    if len(rows) < 2 or not identifying:
        return False
    same = {tuple(row.get(path) for path in identifying) for row in rows}
    rest = {
        frozenset((path, value) for path, value in row.items() if path not in own) for row in rows
    }
    return len(same) == 1 and len(rest) > 1

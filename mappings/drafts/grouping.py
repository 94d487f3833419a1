"""Where the items of the portal's groups may stand: lists, objects and columns of their names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mappings.drafts.naming import item_names, leaf_of, plain
from mappings.drafts.proposals import ItemSource
from schemas.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mappings.drafts.profiles import SampleProfile
    from mappings.drafts.proposals import ChildSource
    from schemas.model import Field

_ENOUGH = 2
"""So many fields of a group are not there by chance."""


def find_items(
    groups: Iterable[Field],
    profile: SampleProfile,
    *,
    children: Iterable[ChildSource],
    unused: Iterable[str],
) -> dict[str, ItemSource]:
    """
    Return where the items of `groups` may stand, by the name of the group.

    Args:
        groups: Of the dossier.
        profile: Of the sample.
        children: Sheets whose rows belong to its records.
        unused: Columns that no field takes.
    """
    chosen = list(groups)
    places = {**profile.objects, **profile.lists}
    columns = {leaf_of(path): path for path in reversed(list(unused))}
    owners = Counter(name for each in chosen for name in _scalars(each))
    found = {}
    for child in children:
        # The rows of one sheet are of one kind; the portal's first group that fits best has them.
        rows = {child.name: tuple(p for p in child.sheet.profile.columns if p != child.own_key)}
        fits = {each.name: _best(each, rows) for each in chosen if each.name not in found}
        scores = {name: len(source.fields) for name, source in fits.items() if source is not None}
        if scores:
            name = max(scores, key=lambda name: scores[name])
            found[name] = fits[name]
    for each in chosen:
        source = found.get(each.name) or _best(each, places)
        if source is None:
            # A name that several groups have tells nothing by itself.
            own = {n: _among(columns, item_names(each, n)) for n in _scalars(each)}
            own = {name: path for name, path in own.items() if path and owners[name] == 1}
            source = ItemSource(path="", fields=own) if own else None
        if source is not None:
            found[each.name] = source
    return {name: source for name, source in found.items() if source is not None}


def _best(group: Field, places: Mapping[str, tuple[str, ...]]) -> ItemSource | None:
    best, most = None, 0
    for path, keys in places.items():
        names = {plain(key): key for key in reversed(keys)}
        fields = {name: _among(names, item_names(group, name)) for name in _scalars(group)}
        fields = {name: key for name, key in fields.items() if key}
        is_named = leaf_of(path) == plain(group.name)
        score = len(fields) + (_ENOUGH if is_named else 0)
        if score >= _ENOUGH and score > most:
            best, most = ItemSource(path=path, fields=fields), score
    return best


def _among(places: Mapping[str, str], names: Iterable[str]) -> str:
    return next((places[name] for name in names if name in places), "")


def _scalars(group: Field) -> list[str]:
    assert group.group is not None
    return [each.name for each in group.group.fields.values() if each.kind is not Kind.GROUP]

"""Where the items of the portal's groups may stand: lists, objects and columns of their names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mappings.drafts.naming import leaf_of, plain
from mappings.drafts.proposals import ItemSource
from schemas.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mappings.drafts.profiles import SampleProfile
    from schemas.model import Field

_ENOUGH = 2
"""So many fields of a group are not there by chance."""


def find_items(
    groups: Iterable[Field], profile: SampleProfile, *, unused: Iterable[str]
) -> dict[str, ItemSource]:
    """
    Return where the items of `groups` may stand, by the name of the group.

    Args:
        groups: Of the dossier.
        profile: Of the sample.
        unused: Columns that no field takes.
    """
    chosen = list(groups)
    places = {**profile.objects, **profile.lists}
    columns = {leaf_of(path): path for path in reversed(list(unused))}
    owners = Counter(name for each in chosen for name in _scalars(each))
    found = {}
    for each in chosen:
        source = _best(each, places)
        if source is None:
            # A name that several groups have tells nothing by itself.
            own = {n: columns[plain(n)] for n in _scalars(each) if plain(n) in columns}
            own = {name: path for name, path in own.items() if owners[name] == 1}
            source = ItemSource(path="", fields=own) if own else None
        if source is not None:
            found[each.name] = source
    return found


def _best(group: Field, places: Mapping[str, tuple[str, ...]]) -> ItemSource | None:
    best, most = None, 0
    for path, keys in places.items():
        names = {plain(key): key for key in reversed(keys)}
        fields = {name: names[plain(name)] for name in _scalars(group) if plain(name) in names}
        is_named = leaf_of(path) == plain(group.name)
        score = len(fields) + (_ENOUGH if is_named else 0)
        if score >= _ENOUGH and score > most:
            best, most = ItemSource(path=path, fields=fields), score
    return best


def _scalars(group: Field) -> list[str]:
    assert group.group is not None
    return [each.name for each in group.group.fields.values() if each.kind is not Kind.GROUP]

"""Two fingerprints of a document or a dictionary side by side: what is new, gone or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.drift.documents import ORDER
from lienthong.drift.listing import ENTRY
from lienthong.drifts import Drift, Kind

if TYPE_CHECKING:
    from lienthong.drifts import Fingerprint

MOST_TOLD = 40
"""Differences of one subject that are told one by one; beyond, only those that touch a mapping."""
_IN_ENTRIES = (Kind.ENTRY_NEW, Kind.ENTRY_GONE, Kind.ENTRY_RENAMED)
_IN_ITEMS = (Kind.ITEM_NEW, Kind.ITEM_GONE, Kind.ITEM_CHANGED)


def differ(before: Fingerprint, after: Fingerprint, *, subject: str) -> list[Drift]:
    """Return how a document or dictionary differs; what belongs to something new is not told."""
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    roots = {name for name in changed if _is_root(name) and (name in before) != (name in after)}
    # Orders that differ because something came or went.
    moved = {_order_of(one) for one in roots if one.startswith("element ")}
    drifts = []
    for name in changed:
        if name in moved or _belongs(name, roots):
            continue
        patch = {name: after.get(name)}
        if name in roots:
            patch |= {one: after.get(one) for one in changed if _belongs(one, {name})}
        if name.partition(" ")[0] in {"element", "value"} and name in roots:
            order = _order_of(name)
            patch |= {order: after.get(order)} if before.get(order) != after.get(order) else {}
        drifts.append(_drift(name, before, after, subject=subject, patch=patch))
    return drifts


def gather(drifts: list[Drift], *, touching: set[Drift], subject: str) -> list[Drift]:
    """Return what is told: one by one what touches a mapping, the rest together if it is much."""
    rest = [one for one in drifts if one not in touching]
    if len(rest) <= MOST_TOLD:
        return drifts
    patch = {name: value for one in rest for name, value in one.patch.items()}
    many = Drift(subject=subject, kind=Kind.MANY, place="*", after=str(len(rest)), patch=patch)
    return [*(one for one in drifts if one in touching), many]


def _drift(
    name: str,
    before: Fingerprint,
    after: Fingerprint,
    *,
    subject: str,
    patch: dict[str, str | None],
) -> Drift:
    is_entry = name.startswith(f"{ENTRY} ")
    new, gone, changed = _IN_ENTRIES if is_entry else _IN_ITEMS
    kind = changed
    if (name in before) != (name in after):
        kind = new if name in after else gone
    return Drift(
        subject=subject,
        kind=kind,
        place=name.partition(" ")[2] if is_entry else name,
        before=before.get(name, ""),
        after=after.get(name) or _need(name, after),
        patch=patch,
        fields=_fields_of_type(name, {**before, **after}),
    )


def _need(name: str, after: Fingerprint) -> str:
    """Return whether something new has to be there."""
    need = after.get(f"{name} required")
    return {"yes": "required", "no": "optional"}.get(need or "", "")


def _is_root(name: str) -> bool:
    """Tell whether a feature is a thing by itself, and not something said of one."""
    what, _, rest = name.partition(" ")
    return what in {"element", "type", "operation"} and " " not in rest


def _belongs(name: str, roots: set[str]) -> bool:
    """Tell whether a feature is said of, or lies inside, something that is new or gone."""
    what, _, rest = name.partition(" ")
    owner = rest.partition(" ")[0]
    if what in {"value", ORDER}:
        return f"element {owner}" in roots or f"type {owner}" in roots
    if what not in {"element", "type", "operation"}:
        return False
    outer = [owner.rsplit(".", steps)[0] for steps in range(1, owner.count(".") + 1)]
    own = [owner] if " " in rest else []
    return any(f"{what} {one}" in roots for one in (*own, *outer))


def _order_of(name: str) -> str:
    return f"{ORDER} {name.partition(' ')[2].rpartition('.')[0]}"


def _fields_of_type(name: str, features: Fingerprint) -> tuple[str, ...]:
    """Return the elements of a named type that something is said of."""
    what, _, rest = name.partition(" ")
    owner = rest.partition(" ")[0]
    if what not in {"type", "value"} or f"type {owner}" not in features:
        return ()
    return tuple(
        sorted(
            key.split(" ")[1]
            for key, value in features.items()
            if value == owner and key.startswith("element ") and key.endswith(" type")
        )
    )

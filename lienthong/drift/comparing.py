"""
An answer's shape beside what was learnt of its kind: plain functions of fingerprints.

A key that stood in every object at its place is missed where it is not; a key, type, code or
namespace that never stood there is new. What stands inside something new is told with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.drift.shapes import ALWAYS, SOMETIMES
from lienthong.drifts import Drift, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.drift.shapes import Shape
    from lienthong.drifts import Fingerprint

SIZE = "size"
MUCH_LARGER = 3
"""In powers of two: surely noticed at eight times the largest that was learnt, never below four."""
_STEPS = frozenset({".", "[", ":"})
_HOLDERS = (" object", " list", " text/json")
"""How the types end that hold something."""
_KINDS = {
    "key": Kind.KEY_NEW,
    "type": Kind.TYPE,
    "code": Kind.CODE,
    "value": Kind.VALUE,
    "namespace": Kind.NAMESPACE,
}


def merge(learnt: Fingerprint, shape: Shape) -> dict[str, str]:
    """Return what is learnt with one more answer; `learnt` is empty before the first."""
    found = shape.features
    if not learnt:
        return dict(found)
    merged = dict(learnt)
    for name, state in found.items():
        if name == SIZE:
            merged[SIZE] = str(max(int(state), int(learnt.get(SIZE, "0"))))
        elif name not in learnt:
            is_seldom = name.startswith("key ") and _has_object(learnt, _parent(name))
            merged[name] = SOMETIMES if is_seldom else state
        elif state == SOMETIMES:
            merged[name] = SOMETIMES
    for name in _missing(learnt, found):
        merged[name] = SOMETIMES
    return merged


def compare(learnt: Fingerprint, shape: Shape, *, subject: str) -> list[Drift]:
    """Return how an answer differs from what was learnt of its kind."""
    found = shape.features
    drifts = list(_new(learnt, found, subject))
    if not shape.is_partial:
        for name in _missing(learnt, found):
            key = name.removeprefix("key ")
            drifts.append(
                Drift(subject=subject, kind=Kind.KEY_GONE, place=key, patch={name: SOMETIMES})
            )
    return drifts + list(_larger(learnt, found, subject))


def _new(learnt: Fingerprint, found: Fingerprint, subject: str) -> Iterator[Drift]:
    new = [name for name in found if name not in learnt and name != SIZE]
    new_keys = {name.removeprefix("key ") for name in new if name.startswith("key ")}
    # What is new with everything inside it.
    roots = new_keys | {_place(name) for name in new if name.endswith(_HOLDERS)}
    for name in sorted(new):
        what, place = name.partition(" ")[0], _place(name)
        if _is_in_one(place, roots) or (what != "key" and place in new_keys):
            continue
        inside = [one for one in new if _starts_inside(_place(one), place)]
        if what == "key":
            inside += [one for one in new if _place(one) == place]
        yield Drift(
            subject=subject,
            kind=_KINDS[what],
            place=place,
            before="" if what == "key" else ", ".join(_others(learnt, what, place)),
            after="" if what == "key" else name.rpartition(" ")[2],
            patch=dict.fromkeys([name, *inside], SOMETIMES),
        )


def _larger(learnt: Fingerprint, found: Fingerprint, subject: str) -> Iterator[Drift]:
    before, after = int(learnt.get(SIZE, "0")), int(found[SIZE])
    if before and after >= before + MUCH_LARGER:
        yield Drift(
            subject=subject,
            kind=Kind.LARGER,
            place=SIZE,
            before=f"{2**before} byte",
            after=f"{2**after} byte",
            patch={SIZE: str(after)},
        )


def _missing(learnt: Fingerprint, found: Fingerprint) -> list[str]:
    """Return the keys that always stood where they do not always stand now."""
    return [
        name
        for name, state in sorted(learnt.items())
        if state == ALWAYS
        and name.startswith("key ")
        and found.get(name) != ALWAYS
        and _has_object(found, _parent(name))
    ]


def _parent(name: str) -> str:
    return name.removeprefix("key ").rpartition(".")[0]


def _has_object(features: Fingerprint, path: str) -> bool:
    return f"type {path} object" in features


def _place(name: str) -> str:
    what, _, rest = name.partition(" ")
    return rest if what == "key" else rest.rpartition(" ")[0]


def _is_in_one(place: str, roots: set[str]) -> bool:
    return any(_starts_inside(place, root) for root in roots)


def _starts_inside(place: str, root: str) -> bool:
    return place.startswith(root) and place[len(root) : len(root) + 1] in _STEPS


def _others(learnt: Fingerprint, what: str, place: str) -> list[str]:
    start = f"{what} {place} "
    return sorted(name.removeprefix(start) for name in learnt if name.startswith(start))

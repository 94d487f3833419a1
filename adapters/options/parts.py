"""Values of a source section that have parts of their own; everything wrong in them is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, TypeVar

from adapters.options.faults import Fault, inside, required_key, unknown_key
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.options.checks import Check

Part = TypeVar("Part")


def build(cls: type[Part], known: Mapping[str, Check], value: object) -> Part:
    """Return one part of the options from its mapping; raise Fault with all that is wrong."""
    if not isinstance(value, Mapping):
        names = ", ".join(known)
        raise Fault.of(f"cần các khóa: {names}", f"expected the keys: {names}")
    texts: list[Text] = []
    values = {}
    for key, item in value.items():
        if key not in known:
            texts += inside(str(key), (unknown_key(str(key), tuple(known)),))
            continue
        try:
            values[key] = known[key](item)
        except Fault as fault:
            texts += inside(key, fault.texts)
    for item in fields(cls):  # type: ignore[arg-type]
        is_required = item.default is MISSING and item.default_factory is MISSING
        if is_required and item.name not in value:
            texts += inside(item.name, (required_key(),))
    if texts:
        raise Fault(*texts)
    return cls(**values)


def each(check: Callable[[object], Part], what: Text) -> Callable[[object], Mapping[str, Part]]:
    """Return a check for a mapping of names to parts."""

    def check_each(value: object) -> Mapping[str, Part]:
        if not isinstance(value, Mapping) or not value:
            raise Fault.of(f"cần {what.vi}", f"expected {what.en}")
        texts: list[Text] = []
        found = {}
        for key, item in value.items():
            if not isinstance(key, str) or not key.strip():
                vi, en = "phải là chuỗi, đặt trong dấu nháy", "must be a text, in quotation marks"
                texts += inside(str(key), (Text(vi=vi, en=en),))
                continue
            try:
                found[key.strip()] = check(item)
            except Fault as fault:
                texts += inside(key, fault.texts)
        if texts:
            raise Fault(*texts)
        return found

    return check_each

"""Reading what a mapping says of the files it reads and of those it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from adapters import OptionsWrong, make_options
from adapters.writers import make_target
from mappings.yaml_nodes import plain_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters import SourceOptions
    from adapters.writers import TargetOptions
    from mappings.mistakes import Section

T = TypeVar("T")


def read_source(section: Section) -> SourceOptions | None:
    """Return the options under `source`; None with complaints."""
    return _options(section, "source", make_options, code="mapping.source_wrong")


def read_target(section: Section) -> TargetOptions | None:
    """Return the options under `target`; None with complaints."""
    return _options(section, "target", make_target, code="mapping.target_wrong")


def _options(
    section: Section, key: str, make: Callable[[Mapping[str, object]], T], *, code: str
) -> T | None:
    inner = section.section(key)
    if inner is None:
        return None
    values = {name: plain_value(node) for name in inner if (node := inner.node(name)) is not None}
    try:
        return make(values)
    except OptionsWrong as exc:
        for name, text in exc.faults:
            inner.complain(code, text, key=name if name in inner else "")
        return None

"""Keys of events: templates whose result must be there and be short enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.compiling import make_template
from mappings.judging import quoted
from mappings.scope import Site
from schemas.problem import Text

if TYPE_CHECKING:
    from mappings.compiling import Read
    from mappings.language import Template
    from mappings.scope import Scope

MAX_KEY_LENGTH = 255


def make_key_reader(template: Template | None, name: str) -> Read:
    """Return a function to the key; a named key that is empty is a problem, never a guess."""
    if template is None:
        return lambda _: None
    site = Site("", template.paths)
    read = make_template(template, site)

    def run(scope: Scope) -> str | None:
        text = read(scope)
        if text == "":
            place = site.empty_place(scope)
            # One empty cell is one problem: it may be the dossier's own code.
            if all(problem.place != place for problem in scope.problems):
                site.report(scope, "mapping.key_empty", _key_empty(name, site), place=place)
        elif text is not None and len(text) > MAX_KEY_LENGTH:
            site.report(scope, "mapping.too_long", _key_too_long(name, text))
        return text or None

    return run


def _key_empty(name: str, site: Site) -> Text:
    return Text(
        vi=f"`{name}` trống; lấy từ {site.names()}",
        en=f"`{name}` is empty; it comes from {site.names()}",
    )


def _key_too_long(name: str, text: str) -> Text:
    return Text(
        vi=f"`{name}` dài {len(text)} ký tự, tối đa {MAX_KEY_LENGTH}: {quoted(text)}",
        en=f"`{name}` is {len(text)} characters long, at most {MAX_KEY_LENGTH}: {quoted(text)}",
    )

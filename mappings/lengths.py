"""How short and how long the text of a rule can be, as far as the rule alone says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.texts import AFFIX_RULES, LENGTH_RULES

if TYPE_CHECKING:
    from mappings.language import FieldRule, Template, TextRule

_MAY_GROW = ("replace", "upper", "lower")
"""Case too: the capital of one letter may be two."""
_KEEPS_LENGTH = ("upper", "lower")


def bounds_of(rule: FieldRule) -> tuple[int, int | None]:
    """
    Return the least and the greatest length of the text that the text rules of `rule` make.

    The least is that of a text which is not empty. The greatest is None where nothing limits it.
    """
    shortest = 1 if rule.template is None else _of_template(rule.template)
    longest: int | None = None
    for step in rule.text:
        shortest, longest = _after(step, shortest, longest)
    return shortest, longest


def _of_template(template: Template) -> int:
    fixed = sum(len(part) for part in template.parts if isinstance(part, str))
    # A value may stand in place of nothing, but not be nothing; the ends are trimmed.
    ends = (template.parts[0], template.parts[-1])
    loose = sum(len(part) - len(part.strip()) for part in ends if isinstance(part, str))
    return fixed + len(template.paths) - loose


def _after(step: TextRule, shortest: int, longest: int | None) -> tuple[int, int | None]:
    if step.name in AFFIX_RULES:
        added = len(step.argument)
        # An affix may be trimmed away at its outer end.
        return shortest + len(step.argument.strip()), None if longest is None else longest + added
    if step.name in LENGTH_RULES:
        kept = step.length
        return min(shortest, kept), kept if longest is None else min(longest, kept)
    return (
        shortest if step.name in _KEEPS_LENGTH else 1,
        None if step.name in _MAY_GROW else longest,
    )

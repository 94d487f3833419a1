"""Reading which findings are errors and which are warnings, by the codes of their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.mistakes import closest, listed
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.mistakes import Section

BOTH = tuple(severity.value for severity in Severity)


def read_severities(
    section: Section, key: str, *, codes: Sequence[str], words: Sequence[str] = BOTH
) -> dict[str, Severity]:
    """
    Return the severities under `key`, `{code: severity}`; {} when absent.

    Args:
        section: Where `key` stands.
        key: Of the severities.
        codes: Those that may be named.
        words: What they may be made.
    """
    inner = section.section(key)
    if inner is None:
        return {}
    found: dict[str, Severity] = {}
    for code in inner:
        word = inner.text(code)
        if code not in codes:
            inner.complain(
                "mapping.severity_unknown",
                _unknown(code, codes),
                key=code,
                suggestion=closest(code, codes),
            )
        elif word is not None and word not in words:
            inner.wrong_type(code, vi=f"một trong {listed(words)}", en=f"one of {listed(words)}")
        elif word is not None:
            found[code] = Severity(word)
    return found


def _unknown(code: str, codes: Sequence[str]) -> Text:
    return Text(
        vi=f"không đặt được mức cho {code!r} ở đây; đặt được cho {listed(codes)}",
        en=f"no severity can be given to {code!r} here; it can to {listed(codes)}",
    )

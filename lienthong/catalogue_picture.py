"""The coverage of the catalogue as a picture: a bar for each of the 23 groups."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lienthong.catalogue_coverage import Connection
from schemas.problem import Language, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.catalogue_coverage import GroupLine

WIDTH = 912
LEFT = 340
BAR = 440
ROW = 26
HEIGHT_OF_BAR = 16
MARGIN = 24
HEAD = 76
_STYLE = """
  .page { fill: #ffffff; } .text { fill: #1f2328; } .quiet { fill: #59636e; }
  .delivered { fill: #1a7f37; } .mapped { fill: #0969da; } .none { fill: #d0d7de; }
  text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .title { font-size: 17px; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } .text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
    .delivered { fill: #3fb950; } .mapped { fill: #4493f8; } .none { fill: #484f58; }
  }
"""
_TITLE = Text(vi="Dịch vụ ưu tiên đã kết nối, theo nhóm", en="Priority services, by group")


def draw(groups: Sequence[GroupLine], *, language: Language) -> str:
    """Return the picture as an SVG document."""
    height = HEAD + ROW * len(groups) + MARGIN
    longest = max((line.total for line in groups), default=0) or 1
    parts = [
        _opening(height, language),
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        _text(MARGIN, 34, _TITLE.say(language), "text title"),
        *_legend(groups, language),
    ]
    for number, line in enumerate(groups):
        parts += _row(line, HEAD + ROW * number, longest)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _opening(height: int, language: Language) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(_TITLE.say(language))}">'
    )


def _legend(groups: Sequence[GroupLine], language: Language) -> list[str]:
    parts, x = [], MARGIN
    for each in Connection:
        total = sum(line.counts[each] for line in groups)
        words = f"{each.text.say(language)}: {total}"
        parts += [
            f'<rect class="{each.value}" x="{x}" y="48" width="12" height="12"/>',
            _text(x + 18, 59, words, "quiet"),
        ]
        x += 40 + 8 * len(words)
    return parts


def _row(line: GroupLine, y: int, longest: int) -> list[str]:
    name = line.group.name if len(line.group.name) <= 44 else f"{line.group.name[:43]}…"
    parts = [_text(MARGIN, y + 13, name, "text")]
    x = float(LEFT)
    for each in Connection:
        width = BAR * line.counts[each] / longest
        if width:
            parts.append(
                f'<rect class="{each.value}" x="{x:.1f}" y="{y}" width="{width:.1f}" '
                f'height="{HEIGHT_OF_BAR}"/>'
            )
        x += width
    done = line.counts[Connection.DELIVERED]
    return [*parts, _text(x + 8, y + 13, f"{done} / {line.total}", "quiet")]


def _text(x: float, y: float, words: str, style: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'

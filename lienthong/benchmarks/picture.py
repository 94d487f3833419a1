"""
A run as a picture: every stage as a bar against the sum of its primitives, and the targets.

SVG by hand: it is a few rectangles, and it is legible on light and dark pages because it brings its
own background and follows the reader's scheme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lienthong.benchmarks.measuring import Stage
    from lienthong.benchmarks.report import Target, WayReport
    from schemas.problem import Language

WIDTH = 912
LEFT = 312
"""Where the bars begin."""
BAR = 360
"""Length of the longest bar."""
ROW = 34
HEIGHT_OF_BAR = 18
MARGIN = 24
LEGEND_STEP = 20
_STYLE = """
  .page { fill: #ffffff; } .text { fill: #1f2328; } .quiet { fill: #59636e; }
  .cost { fill: #c9d1d9; } .limit { fill: #0969da; } .rule { stroke: #59636e; }
  .met { fill: #1a7f37; } .missed { fill: #bc4c00; }
  text { font: 14px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .small { font-size: 12px; } .title { font-size: 17px; font-weight: 600; }
  .head { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } .text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
    .cost { fill: #484f58; } .limit { fill: #4493f8; } .rule { stroke: #9198a1; }
    .met { fill: #3fb950; } .missed { fill: #db6d28; }
  }
"""


def draw(report: WayReport, *, language: Language) -> str:
    """Return the picture of `report` as an SVG document."""
    canvas = _Canvas(language)
    canvas.title(report)
    canvas.stages(report.stages)
    if report.targets:
        canvas.targets(report.targets)
    return canvas.document()


class _Canvas:
    """Parts of a picture, put one below the other."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._parts: list[str] = []
        self._y = MARGIN

    def title(self, report: WayReport) -> None:
        over = {"embedded": "SQLite", "rabbitmq": "RabbitMQ + PostgreSQL"}[report.way]
        self._y += 14
        title = f"lienthong bench: {over}, {report.key.upper()}"
        self._text(MARGIN, title, "text title")
        self._y += 12

    def stages(self, stages: Iterable[Stage]) -> None:
        words = self._pick(
            "Thời gian xử lý (CPU) mỗi hồ sơ, so với tổng các thao tác gốc",
            "Processor time per dossier, against the sum of its primitives",
        )
        self._head(words)
        rows = list(stages)
        longest = max(max(stage.cost.cpu, stage.limit.cpu) for stage in rows)
        for stage in rows:
            self._bar(
                stage.name.say(self._language),
                cost=stage.cost.cpu / longest,
                limit=stage.limit.cpu / longest,
                label=f"{stage.limit.cpu:.0f} / {stage.cost.cpu:.0f} µs = {stage.ratio:.0%}",
            )
        self._legend()

    def targets(self, targets: Iterable[Target]) -> None:
        self._y += 8
        self._head(
            self._pick("Phần đã dùng của mức cho phép", "Share of what is allowed that was used")
        )
        top = self._y
        allowed = BAR / 2
        for target in targets:
            length = min(target.share, 2) * allowed
            style = "met" if target.is_met else "missed"
            self._row_name(target.name.say(self._language))
            self._rectangle(LEFT, length, style)
            self._text(
                LEFT + BAR + 12,
                f"{'✓' if target.is_met else '✗'} {target.found}  ({target.asked})",
                "text",
                y=self._y + 14,
            )
            self._y += ROW
        x = LEFT + allowed
        self._parts.append(
            f'<line class="rule" x1="{x:g}" x2="{x:g}" y1="{top - 4}" y2="{self._y - 10}" '
            'stroke-width="2" stroke-dasharray="4 3"/>'
        )
        self._text(x, "100 %", "quiet small", y=self._y + 6, anchor="middle")
        self._y += 14

    def document(self) -> str:
        height = self._y + MARGIN
        body = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">\n<style>{_STYLE}</style>\n'
            f'<rect class="page" width="{WIDTH}" height="{height}"/>\n{body}\n</svg>\n'
        )

    def _bar(self, name: str, *, cost: float, limit: float, label: str) -> None:
        self._row_name(name)
        self._rectangle(LEFT, cost * BAR, "cost")
        self._rectangle(LEFT, limit * BAR, "limit", inset=4)
        self._text(LEFT + BAR + 12, label, "text", y=self._y + 14)
        self._y += ROW

    def _legend(self) -> None:
        words = (
            ("limit", "tổng các thao tác gốc", "the sum of its primitives"),
            ("cost", "thực tế", "what it takes"),
        )
        x = LEFT
        for style, vi, en in words:
            self._rectangle(x, 12, style, inset=3)
            word = self._pick(vi, en)
            self._text(x + LEGEND_STEP, word, "quiet small", y=self._y + 13)
            x += LEGEND_STEP + 8 * len(word)
        self._y += ROW

    def _head(self, words: str) -> None:
        self._y += 18
        self._text(MARGIN, words, "text head")
        self._y += 14

    def _row_name(self, name: str) -> None:
        self._text(LEFT - 12, name, "text", y=self._y + 14, anchor="end")

    def _rectangle(self, x: float, length: float, style: str, *, inset: int = 0) -> None:
        self._parts.append(
            f'<rect class="{style}" x="{x:g}" y="{self._y + inset}" width="{max(length, 1):.1f}" '
            f'height="{HEIGHT_OF_BAR - 2 * inset}" rx="2"/>'
        )

    def _text(
        self, x: float, words: str, style: str, *, y: int | None = None, anchor: str = "start"
    ) -> None:
        self._parts.append(
            f'<text class="{style}" x="{x:g}" y="{self._y if y is None else y}" '
            f'text-anchor="{anchor}">{escape(words)}</text>'
        )

    def _pick(self, vi: str, en: str) -> str:
        return vi if self._language.value == "vi" else en

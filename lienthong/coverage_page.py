"""
The coverage of the portal's fields as one HTML page: no scripts, nothing from elsewhere.

It can be mailed, printed and opened from a disk; light or dark as the reader's system is.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mappings import Cover, Need
from schemas.problem import Language, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mappings import Coverage

SIGNS = {
    Cover.MAPPED: "●",
    Cover.CONSTANT: "◆",
    Cover.ABSENT: "·",
    Cover.MISSING: "✗",
    Cover.UNKNOWN: "",
}
COVERS = {
    Cover.MAPPED: Text(vi="lấy từ hồ sơ nguồn", en="from the record"),
    Cover.CONSTANT: Text(vi="giá trị cố định", en="constant"),
    Cover.ABSENT: Text(vi="không gửi", en="absent"),
    Cover.MISSING: Text(vi="thiếu trường bắt buộc", en="mandatory and missing"),
    Cover.UNKNOWN: Text(vi="lược đồ không có", en="not in its schema"),
}
MARKS = {Need.ALWAYS: "**", Need.WITHIN: "*", Need.OPTIONAL: ""}
NEEDS = {
    Need.ALWAYS: Text(vi="bắt buộc", en="mandatory"),
    Need.WITHIN: Text(
        vi="bắt buộc trong mỗi mục hoặc dòng tiến độ", en="mandatory in each item or progress row"
    ),
    Need.OPTIONAL: Text(vi="không bắt buộc", en="optional"),
}
_TITLE = Text(vi="Độ phủ trường dữ liệu của Cổng", en="Coverage of the portal's fields")
_FIELD = Text(vi="Trường của Cổng", en="Portal field")
_FILLED = Text(vi="Bắt buộc: có / cần", en="Mandatory: filled / of")
_OPTIONAL = Text(vi="Không bắt buộc: có / tất cả", en="Optional: filled / of")
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d0d7de; --soft: #57606a;
  --mapped: #1a7f37; --constant: #8250df; --missing: #cf222e; --band: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --line: #30363d;
  --soft: #9198a1; --mapped: #3fb950; --constant: #bc8cff; --missing: #ff7b72; --band: #161b22; } }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 2rem; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: center; }
thead th { background: var(--band); position: sticky; top: 0; vertical-align: bottom; }
thead th.agency span { writing-mode: vertical-rl; transform: rotate(180deg); }
th[scope=row] { text-align: left; font-weight: normal; }
tr.packet th { text-align: left; background: var(--band); font-weight: bold; }
code { font: 13px ui-monospace, monospace; }
small, .absent { color: var(--soft); }
.mapped { color: var(--mapped); }
.constant { color: var(--constant); }
.missing { color: var(--missing); font-weight: bold; }
tfoot td, tfoot th { font-weight: bold; background: var(--band); }
@media print { body { margin: 0; } thead th { position: static; } }
"""


def coverage_page(coverage: Coverage, *, language: Language, made_at: datetime) -> str:
    """Return the page; `made_at` is what it says about its age."""
    title = escape(_TITLE.say(language))
    return "\n".join(
        (
            f'<!DOCTYPE html>\n<html lang="{language.value}">\n<head>\n<meta charset="utf-8">',
            _POLICY,
            '<meta name="viewport" content="width=device-width">',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
            f"<p>{_legend(language)}</p>",
            f"<p><small>{made_at:%Y-%m-%d %H:%M} UTC</small></p>",
            "<table>",
            *_head(coverage, language),
            "<tbody>",
            *_body(coverage, language),
            "</tbody>",
            *_foot(coverage, language),
            "</table>\n</body>\n</html>\n",
        )
    )


def _legend(language: Language) -> str:
    covers = [
        f'<span class="{cover.value}">{SIGNS[cover]}</span> {escape(COVERS[cover].say(language))}'
        for cover in Cover
        if SIGNS[cover]
    ]
    needs = [
        f"{MARKS[need]} {escape(NEEDS[need].say(language))}" for need in (Need.ALWAYS, Need.WITHIN)
    ]
    return " &nbsp; ".join((*covers, *needs))


def _head(coverage: Coverage, language: Language) -> Iterator[str]:
    yield f'<thead><tr><th scope="col">{escape(_FIELD.say(language))}</th>'
    for file in coverage.files:
        about = escape(f"{file.agency_name} ({file.agency_code}), {file.schema.name}", quote=True)
        name = escape(file.name)
        yield f'<th scope="col" class="agency" title="{about}"><span>{name}</span></th>'
    yield "</tr></thead>"


def _body(coverage: Coverage, language: Language) -> Iterator[str]:
    packet = ""
    for row in coverage.rows:
        if row.packet != packet:
            packet = row.packet
            width = len(coverage.files) + 1
            yield f'<tr class="packet"><th colspan="{width}">{escape(packet)}</th></tr>'
        mark = f" {MARKS[row.need]}" if MARKS[row.need] else ""
        yield (
            f'<tr><th scope="row"><code>{escape(row.field)}</code>{mark} '
            f"<small>{escape(row.about.say(language))}</small></th>"
        )
        yield "".join(_cell(cover, language) for cover in row.covers) + "</tr>"


def _cell(cover: Cover, language: Language) -> str:
    words = escape(COVERS[cover].say(language), quote=True)
    return f'<td class="{cover.value}" title="{words}">{SIGNS[cover]}</td>'


def _foot(coverage: Coverage, language: Language) -> Iterator[str]:
    yield "<tfoot>"
    for label, need in ((_FILLED, Need.ALWAYS), (_OPTIONAL, Need.OPTIONAL)):
        yield f'<tr><th scope="row">{escape(label.say(language))}</th>'
        for number in range(len(coverage.files)):
            filled, known = coverage.count(number, need)
            yield f"<td>{filled}/{known}</td>"
        yield "</tr>"
    yield "</tfoot>"

"""What a mail says of notices: both languages, the worst first, and never too much of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lienthong.alerting import Kind, Severity
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.alerting import Notice

MOST_SHOWN = 40
"""Notices that one mail shows; the others are counted."""
_KINDS = {
    Kind.BEGAN: Text(vi="CẢNH BÁO", en="ALERT"),
    Kind.REMINDER: Text(vi="NHẮC LẠI", en="STILL SO"),
    Kind.ENDED: Text(vi="ĐÃ HẾT", en="RESOLVED"),
    Kind.TEST: Text(vi="THỬ", en="TEST"),
}
_SEVERITIES = {
    Severity.CRITICAL: Text(vi="nghiêm trọng", en="critical"),
    Severity.WARNING: Text(vi="cảnh báo", en="warning"),
}
_ORDER = (Kind.BEGAN, Kind.REMINDER, Kind.ENDED, Kind.TEST)


def subject_of(notices: Sequence[Notice], *, name: str) -> str:
    """Return the subject of a mail."""
    if len(notices) == 1:
        (one,) = notices
        return f"[{name}] {_KINDS[one.kind].vi}: {one.words.vi}"[:180]
    counts = Counter(notice.kind for notice in notices)
    parts = [f"{counts[kind]} {_KINDS[kind].vi.lower()}" for kind in _ORDER if counts[kind]]
    return f"[{name}] {', '.join(parts)}"


def body_of(notices: Sequence[Notice], *, name: str) -> str:
    """Return the text of a mail: of at most `MOST_SHOWN` everything, of others how many."""
    worst = sorted(
        notices,
        key=lambda one: (_ORDER.index(one.kind), one.severity is not Severity.CRITICAL, one.since),
    )
    shown, left = worst[:MOST_SHOWN], worst[MOST_SHOWN:]
    blocks = [_block(one) for one in shown]
    if left:
        blocks.append(_left_out(left))
    blocks.append(f"-- \n{name}; lienthong alerts list")
    return "\n\n".join(blocks) + "\n"


def _block(one: Notice) -> str:
    kind, severity = _KINDS[one.kind], _SEVERITIES[one.severity]
    since = f"{one.since:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"{kind.vi} ({severity.vi}): {one.words.vi}",
        f"{kind.en} ({severity.en}): {one.words.en}",
        f"    {one.rule}; từ / since {since}",
    ]
    if one.kind in (Kind.BEGAN, Kind.REMINDER):
        lines += [f"    → {one.step.vi}", f"    → {one.step.en}"]
    return "\n".join(lines)


def _left_out(left: Sequence[Notice]) -> str:
    counts = Counter((one.rule, one.kind) for one in left)
    lines = [f"Còn {len(left)} thông báo không liệt kê / {len(left)} more are not listed:"]
    for (rule, kind), count in sorted(counts.items(), key=lambda item: (-item[1], item[0][0])):
        lines.append(f"    {count} × {rule} ({_KINDS[kind].vi} / {_KINDS[kind].en})")
    return "\n".join(lines)

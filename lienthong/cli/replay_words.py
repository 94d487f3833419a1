"""A preview of a resend or a reissue in words, line by line; none of them quotes a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.discrepancies import WORDS
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.replay_previews import Outlook, PortalSays, Preview, Stored

_SHORT = len("sha256:") + 12
"""Characters of a digest that are enough to tell mappings apart."""


def facts(one: Preview, stored: Stored) -> Iterator[Text]:
    """Give what is known of a message, its mapping and its document."""
    yield Text(*(f"{stored.dossier_code or '-'}  {stored.agency}  {stored.state.value}",) * 2)
    yield from _facts(one, stored)


def prospects(one: Preview) -> Iterator[Text]:
    """Give what it would meet: here, at the portal, in the same order."""
    yield from _outlook(one.outlook)
    yield from _portal(one.portal)
    yield from _order(one)


def _short(stamp: str) -> str:
    name, space, digest = stamp.partition(" ")
    return name + space + digest[:_SHORT]


def verdict(one: Preview) -> Text:
    """Return what would become of a message."""
    if one.problem is not None:
        return Text(vi="sẽ bị từ chối", en="would be refused")
    if one.verb.value == "resend":
        return Text(vi="sẽ gửi lại", en="would go again")
    return Text(vi="sẽ được lập lại", en="would be reissued")


def _facts(one: Preview, stored: Stored) -> Iterator[Text]:
    if one.verb.value == "reissue":
        made = f"{_short(stored.mapping)} → {_short(one.made_now_by or '-')}"
        yield Text(vi=f"ánh xạ: {made}", en=f"mapping: {made}")
    left = {
        "kept": Text(vi="tài liệu", en="document"),
        "none": Text(vi="chưa từng có tài liệu", en="there never was a document"),
        "erased": Text(
            vi="tài liệu đã xóa theo thời hạn lưu trữ, không so sánh được",
            en="its document was erased when its retention ended: not compared",
        ),
        "unreadable": Text(
            vi="không mở được tài liệu đã lưu, không so sánh được",
            en="its stored document cannot be opened: not compared",
        ),
    }[one.document.value]
    digest = "" if stored.digest is None else f" sha256:{stored.digest}"
    yield Text(vi=left.vi + digest, en=left.en + digest)
    if one.is_compared and not one.changes:
        yield Text(vi="nội dung không đổi", en="its content stays the same")
    last = stored.last_attempt
    if last is not None:
        code = f" ({last.code})" if last.code else ""
        said = f"{last.started_at.astimezone():%Y-%m-%d %H:%M:%S} {last.kind} {last.outcome}{code}"
        yield Text(
            vi=f"đã gửi {stored.attempts} lần, lần cuối: {said}",
            en=f"sent {stored.attempts} times, last: {said}",
        )


def _outlook(outlook: Outlook) -> Iterator[Text]:
    if outlook.acknowledged:
        yield Text(vi="Cổng đã nhận hồ sơ này", en="the portal has taken this dossier")
    if outlook.newer_snapshots:
        ids = ", ".join(outlook.newer_snapshots)
        yield Text(vi=f"phía sau có bản mới hơn: {ids}", en=f"newer snapshots behind it: {ids}")
    if outlook.progress_behind:
        yield Text(
            vi=f"phía sau có {outlook.progress_behind} bản tiến độ",
            en=f"{outlook.progress_behind} progress rows behind it",
        )
    if outlook.waits_for is not None:
        yield Text(vi=f"sẽ chờ {outlook.waits_for}", en=f"would wait for {outlook.waits_for}")
    if outlook.awaits_files:
        yield Text(vi="sẽ tải tệp đính kèm trước", en="its files would be fetched first")
    if outlook.is_updating is not None:
        yield Text(*(f"isUpdating: {outlook.is_updating}",) * 2)


def _portal(says: PortalSays | None) -> Iterator[Text]:
    if says is None:
        return
    words = " ".join(
        filter(
            None, [says.found.value, says.status and f"TrangThaiHoSo {says.status}", says.detail]
        )
    )
    yield Text(vi=f"Cổng trả lời: {words}", en=f"the portal says: {words}")
    if not says.proves:
        yield Text(vi="câu trả lời này chưa chứng minh điều gì", en="this answer proves nothing")
    elif says.discrepancy is not None:
        kind = WORDS[says.discrepancy.kind]
        yield Text(
            vi=f"không khớp với những gì đã gửi: {kind.vi} {says.discrepancy.detail}",
            en=f"not as delivered from here: {kind.en} {says.discrepancy.detail}",
        )


def _order(one: Preview) -> Iterator[Text]:
    if one.judged_without is not None:
        yield Text(
            vi=f"cùng hồ sơ với {one.judged_without} trong lệnh này, chưa tính thông điệp đó",
            en=f"of the dossier of {one.judged_without} of this order, which is not counted in",
        )

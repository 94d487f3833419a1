"""What there is to say about sharing profiles: whether each can work, now and with its receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.port import Packet
from lienthong.remarks import Remark
from lienthong.sharing.filtering import Filter
from lienthong.sharing.profile import DOSSIER_CODE
from schemas.errors import ConfigError, LienthongError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    from lienthong.sharing.profile import SharingProfile
    from mappings import Agencies


def examine_sharing(
    name: str,
    profile: SharingProfile,
    *,
    mappings: Agencies,
    receivers: Collection[str],
    today: date,
) -> Iterator[Remark]:
    """
    Yield what is wrong or about to end; nothing when all is well.

    Args:
        name: Of the profile.
        profile: The profile.
        mappings: Those there are.
        receivers: Agencies of which it is set how they get files.
        today: In Vietnam.
    """
    try:
        Filter(name, profile)
    except ConfigError as error:
        yield Remark(is_fault=True, found=error.text, remedy=_MEND_FIELDS)
    known = set(mappings.names())
    for agency in sorted({profile.sender, profile.to} - known):
        yield Remark(
            is_fault=True,
            found=Text(vi=f"không có ánh xạ {agency}", en=f"there is no mapping {agency}"),
            remedy=Text(vi="Sửa tên trong from hoặc to", en="Mend the name in from or to"),
        )
    if profile.to in known:
        yield from _examine_receiver(profile, mappings=mappings)
    if profile.to not in receivers:
        yield Remark(
            is_fault=True,
            found=Text(
                vi=f"chưa đặt [receivers.{profile.to}]: tệp chờ, không đến nơi",
                en=f"[receivers.{profile.to}] is not set: files wait and do not arrive",
            ),
            remedy=Text(
                vi="Đặt folder, hook hoặc queue cho cơ quan nhận; xem docs/inbound.md",
                en="Give the receiver folder, hook or queue; see docs/inbound.md",
            ),
        )
    if not profile.is_in_force(today):
        yield Remark(
            is_fault=False,
            found=Text(
                vi=f"hôm nay không chia sẻ gì: hiệu lực đến {profile.until:%d/%m/%Y}",
                en=f"nothing is shared today: it is in force until {profile.until:%Y-%m-%d}",
            ),
            remedy=Text(
                vi="Gia hạn until khi có căn cứ mới, hoặc xóa hồ sơ chia sẻ này",
                en="Extend until on a new legal basis, or remove the profile",
            ),
        )


def _examine_receiver(profile: SharingProfile, *, mappings: Agencies) -> Iterator[Remark]:
    """Say what the receiver's mapping lacks, or reads and does not get."""
    try:
        written = mappings.get(profile.to).inbound
    except LienthongError:
        return  # a mapping that is wrong is told of by itself
    shared = {Packet.DOSSIER: profile.fields}
    if profile.progress:
        shared[Packet.PROGRESS] = profile.progress
    for packet, fields in shared.items():
        service = packet.value
        if service not in written:
            yield Remark(
                is_fault=True,
                found=Text(
                    vi=f"ánh xạ {profile.to} không có mục `inbound` cho {service}",
                    en=f"mapping {profile.to} has no section `inbound` for {service}",
                ),
                remedy=Text(
                    vi="Thêm dịch vụ vào mục `inbound`; điều đã chia sẻ không mất, nó chờ",
                    en="Add the service to `inbound`; what was shared is not lost, it waits",
                ),
            )
            continue
        lacking = sorted(
            path for path in written[service].read_columns if not _is_shared(path, fields)
        )
        if lacking:
            listed = ", ".join(lacking)
            yield Remark(
                is_fault=False,
                found=Text(
                    vi=f"ánh xạ {profile.to} đọc trường không được chia sẻ: {listed}",
                    en=f"mapping {profile.to} reads fields that are not shared: {listed}",
                ),
                remedy=Text(
                    vi="Chúng sẽ trống; cột bắt buộc sẽ chặn thông điệp. Chia sẻ thêm nếu có căn "
                    "cứ, hoặc sửa ánh xạ",
                    en="They will be empty, and a required column blocks the message. Share them "
                    "where the law allows it, or mend the mapping",
                ),
            )


def _is_shared(path: str, fields: Collection[str]) -> bool:
    steps = path.split(".")
    above = {".".join(steps[:count]) for count in range(1, len(steps) + 1)}
    is_above = any(field.startswith(f"{path}.") for field in fields)
    return path == DOSSIER_CODE or is_above or bool(above & set(fields)) or path.endswith("#text")


_MEND_FIELDS = Text(
    vi="Viết đúng tên trường như trong lược đồ: docs/schemas.md",
    en="Name the fields as the schema does: docs/schemas.md",
)

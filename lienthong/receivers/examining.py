"""What there is to say about receivers before the first file goes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lienthong.receivers.hook import HookReceiver
from lienthong.remarks import Remark
from schemas.errors import LienthongError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lienthong.receivers.profile import ReceiverProfile
    from mappings import Agencies


def examine_receiver(
    name: str, profile: ReceiverProfile, *, mappings: Agencies
) -> Iterator[Remark]:
    """Yield what is wrong with one receiver; nothing is sent to it."""
    if name not in mappings.names():
        yield Remark(
            is_fault=True,
            found=Text(
                vi=f"không có ánh xạ {name}: không thông điệp nào tới đây",
                en=f"there is no mapping {name}: no message will ever come here",
            ),
            remedy=Text(
                vi="Đặt tên bảng theo tên ánh xạ", en="Name the table after the agency's mapping"
            ),
        )
    if profile.folder is not None and (found := _folder_fault(profile.folder)) is not None:
        yield found
    if profile.hook is not None:
        try:
            HookReceiver(profile.hook, name=name).close()
        except LienthongError as error:
            yield Remark(is_fault=True, found=error.text, remedy=_MEND_TLS)


def _folder_fault(folder: Path) -> Remark | None:
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return None
    return Remark(
        is_fault=True,
        found=Text(
            vi=f"không ghi được vào thư mục {folder}", en=f"folder {folder} cannot be written to"
        ),
        remedy=Text(
            vi="Tạo thư mục và cấp quyền ghi cho tài khoản chạy Liên thông; tệp chờ tới lúc đó",
            en="Make it, and let the account that runs Lienthong write; the files wait until then",
        ),
    )


_MEND_TLS = Text(
    vi="Sửa các tệp chứng thư của hook", en="Mend the files of certificates of the hook"
)

"""Whether people can sign in through the identity provider that is set: asked now, for `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.oidc.provider import Provider
from lienthong.oidc.trouble import AWAY, ProviderError
from lienthong.remarks import Remark
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from lienthong.oidc.profile import OidcSettings


def examine_provider(
    settings: OidcSettings, *, totp_required: bool, clock: Callable[[], datetime]
) -> Iterator[Remark]:
    """Yield what is wrong; its document and keys are fetched anew."""
    try:
        Provider(settings, clock=clock).look()
    except ConfigError as error:
        yield Remark(is_fault=True, found=error.text, remedy=_SEE)
    except ProviderError as error:
        found = Text(
            vi=f"{error.problem.message.vi} ({error.detail})",
            en=f"{error.problem.message.en} ({error.detail})",
        )
        remedy = _MEND_WAY if error.code == AWAY else _SEE
        yield Remark(is_fault=True, found=found, remedy=remedy)
    if totp_required and not (settings.second_factor_acr or settings.second_factor_amr):
        yield Remark(
            is_fault=False,
            found=Text(
                vi="không giá trị amr, acr nào được tính là yếu tố thứ hai: ai có quyền duyệt, làm "
                "hàng loạt hoặc quản trị không đăng nhập được qua đây",
                en="no value of amr or acr counts as a second factor: who approves, asks for many "
                "or administers cannot sign in through it",
            ),
            remedy=Text(
                vi="Điền second_factor_acr hoặc second_factor_amr; xem docs/console.md",
                en="Set second_factor_acr or second_factor_amr; see docs/console.md",
            ),
        )


_SEE = Text(
    vi="Sửa [console.oidc], hoặc máy chủ định danh; xem docs/console.md",
    en="Mend [console.oidc], or the identity provider; see docs/console.md",
)
_MEND_WAY = Text(
    vi="Kiểm tra đường mạng, tên miền, chứng thư (ca_file) tới máy chủ định danh; mật khẩu tại đây "
    "vẫn dùng được",
    en="See to the way, the name and the certificate (ca_file) of the provider; passwords of here "
    "go on working",
)

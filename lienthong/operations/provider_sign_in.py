"""
Signing in through the identity provider: it proves who somebody is; what they may do is ours.

The account is there beforehand, by its name. The first login pins it to one person of the
provider's, and whoever has that name afterwards is somebody else. Every outcome is in the audit
log, without names of people who have no account, and without anything the provider said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from lienthong.oidc.provider import Proven
from lienthong.oidc.trouble import ProviderError
from lienthong.operations.people import needs_second_factor
from lienthong.operations.signing_in import begin_session
from lienthong.store.accounts import (
    Pin,
    change_account,
    find_account,
    find_pinned,
    lock_account,
    set_pin,
)
from lienthong.store.database import reading
from lienthong.store.work import PRODUCT, begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lienthong.access.attempts import Source
    from lienthong.oidc.provider import Begun, Provider, Returned
    from lienthong.operations.account_views import SignedIn
    from lienthong.store.accounts import Account
    from lienthong.wiring import Installation

log = structlog.get_logger()


def begin_provider_sign_in(provider: Provider, *, to: str) -> Begun:
    """
    Return where a browser goes to sign in, and what it keeps.

    Raises:
        ProviderError: the provider cannot be asked, or says what cannot be used.
    """
    try:
        return provider.begin(to=to)
    except ProviderError as error:
        _log(error)
        raise


def finish_provider_sign_in(
    installation: Installation, provider: Provider, returned: Returned, *, source: Source
) -> tuple[SignedIn, str]:
    """
    Make a session for whoever comes back from the provider; return it and where they wanted to go.

    Raises:
        InputError: they did not come from there, it says no, or they have no account that fits.
        ProviderError: the provider cannot be asked, or its answer cannot be trusted.
        TooMany: too much has failed from there.
    """
    with source.counted(at=installation.clock()):
        proven = _prove(installation, provider, returned)
        if isinstance(proven, Proven):
            return _let_in(installation, proven), proven.to
    # Nobody's failure: others at the same address can still sign in by a password.
    raise proven


def _prove(
    installation: Installation, provider: Provider, returned: Returned
) -> Proven | ProviderError:
    """Return who somebody is, or that the provider is away; raise for everything else."""
    try:
        return provider.finish(returned)
    except ProviderError as error:
        _log(error)
        if error.retryable:
            return error
        _note(installation, error.code)
        raise
    except InputError as error:
        _note(installation, error.code)
        raise


def _let_in(installation: Installation, proven: Proven) -> SignedIn:
    found = _decide(installation, proven)
    if isinstance(found, InputError):
        raise found
    return found


def _decide(installation: Installation, proven: Proven) -> SignedIn | InputError:
    with reading(installation.store) as connection:
        account, why = _judge(installation, connection, proven)
    actor = account.name if account is not None and why is None else PRODUCT
    with begin(installation.store, at=installation.clock, actor=actor) as work:
        if account is not None:
            lock_account(work, account.id)
        account, why = _judge(installation, work.connection, proven)
        if account is None or why is not None:
            why = why or _unknown(proven)
            named = {} if account is None else {"name": account.name}
            subject = "unknown" if account is None else account.id
            work.note("access.login_refused", subject, why=why.code, **named)
            return why
        if account.pin is None:
            set_pin(work, account, _pin_of(proven))
        change_account(work, account, last_login_at=work.at)
        return begin_session(
            installation, work, lock_account(work, account.id), totp_done=proven.second_factor
        )


def _judge(
    installation: Installation, connection: Connection, proven: Proven
) -> tuple[Account | None, InputError | None]:
    """Return the account that somebody asks for, and why they do not get it, if they do not."""
    pin = _pin_of(proven)
    named = None
    if proven.name is not None and "\0" not in proven.name:
        named = find_account(connection, proven.name)
    pinned = find_pinned(connection, pin)
    if pinned is not None and (named is None or named.id != pinned.id):
        return pinned, _renamed()
    if named is None or not named.by_provider:
        return named, _unknown(proven)
    if named.pin is not None and named.pin != pin:
        log.warning("access.provider_other_person", account=named.id)
        return named, _other_person()
    if named.disabled_at is not None:
        return named, _disabled()
    settings = installation.settings.console
    if not proven.second_factor and needs_second_factor(named.grants, settings):
        return named, _no_second_factor()
    return named, None


def _pin_of(proven: Proven) -> Pin:
    return Pin(proven.issuer, proven.subject)


def _note(installation: Installation, code: str) -> None:
    with begin(installation.store, at=installation.clock) as work:
        work.note("access.login_refused", "unknown", why=code)


def _log(error: ProviderError) -> None:
    log.warning("access.provider_trouble", code=error.code, detail=error.detail)


def _unknown(proven: Proven) -> InputError:
    name = proven.name
    vi = "" if name is None else f" «{name}»"
    en = "" if name is None else f" '{name}'"
    return InputError(
        Problem(
            code="access.provider_unknown",
            message=Text(
                vi=f"Máy chủ định danh biết bạn{vi}, nhưng tại đây chưa ai cấp cho bạn tài khoản "
                "đăng nhập theo cách này",
                en=f"The identity provider knows you{en}, but nobody gave you an account here that "
                "signs in this way",
            ),
            suggestion=Text(
                vi="Nhờ quản trị viên tạo tài khoản đúng tên đó: lienthong access account make "
                "--by-provider",
                en="Ask an administrator for an account of just that name: lienthong access "
                "account make --by-provider",
            ),
        )
    )


def _other_person() -> InputError:
    return InputError(
        Problem(
            code="access.provider_other_person",
            message=Text(
                vi="Tài khoản tên này đã gắn với một người khác của máy chủ định danh; bạn chưa "
                "được đăng nhập, và việc này đã ghi vào nhật ký kiểm toán",
                en="The account of this name is another person's at the identity provider; you are "
                "not signed in, and the audit log has it",
            ),
            suggestion=Text(
                vi="Nếu máy chủ định danh đã tạo lại người dùng của bạn, nhờ quản trị viên kiểm "
                "tra rồi gỡ gắn: lienthong access account release",
                en="If the identity provider made your user anew, ask an administrator to make "
                "sure and release it: lienthong access account release",
            ),
        )
    )


def _renamed() -> InputError:
    return InputError(
        Problem(
            code="access.provider_renamed",
            message=Text(
                vi="Máy chủ định danh nay gọi bạn bằng tên khác với tên tài khoản của bạn tại đây",
                en="The identity provider now calls you by another name than your account has here",
            ),
            suggestion=Text(
                vi="Nhờ quản trị viên: đổi lại tên tại máy chủ định danh, hoặc gỡ gắn tài khoản "
                "cũ (lienthong access account release) và tạo tài khoản theo tên mới",
                en="Ask an administrator: name it back at the identity provider, or release the "
                "old account (lienthong access account release) and make one of the new name",
            ),
        )
    )


def _disabled() -> InputError:
    return InputError(
        Problem(
            code="access.provider_disabled",
            message=Text(vi="Tài khoản của bạn đã bị khóa", en="Your account is disabled"),
            suggestion=Text(
                vi="Hỏi quản trị viên; mở lại: lienthong access account enable",
                en="Ask an administrator, who can enable it: lienthong access account enable",
            ),
        )
    )


def _no_second_factor() -> InputError:
    return InputError(
        Problem(
            code="access.provider_second_factor",
            message=Text(
                vi="Quyền của bạn cần yếu tố xác thực thứ hai, mà máy chủ định danh không cho biết "
                "bạn đã dùng",
                en="Your rights need a second factor, and the identity provider does not say that "
                "you used one",
            ),
            suggestion=Text(
                vi="Bật xác thực hai bước tại máy chủ định danh rồi đăng nhập lại; nếu đã bật, "
                "nhờ quản trị viên xem [console.oidc] second_factor_acr, second_factor_amr",
                en="Set up two-step verification at the identity provider and sign in again; if "
                "you have it, an administrator looks at [console.oidc] second_factor_acr and "
                "second_factor_amr",
            ),
        )
    )

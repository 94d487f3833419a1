"""What administrators do to how an account signs in: by a password, or through the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.operations.accounts import (
    check_provider,
    keep_administrator,
    lock_with_others,
    new_code,
)
from lienthong.store.access_codes import make_code
from lienthong.store.accounts import change_account, forget_pin, forget_proofs
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.operations.account_views import NewCode
    from lienthong.wiring import Installation


def move_account(
    installation: Installation,
    principal: Principal,
    name: str,
    *,
    by_provider: bool,
    reason: str,
) -> NewCode:
    """
    Let an account sign in the other way from now on; what proved it before counts no more.

    Its sessions end. One that signs in by a password gets a code to set it.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: there is none of this name, it signs in so already, there is no provider, or it
            is the last administrator who has a password.
    """
    principal.need(Right.ADMINISTER)
    if by_provider:
        check_provider(installation)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account, others = lock_with_others(work, name)
        if account.by_provider is by_provider:
            raise _signs_in_so(by_provider=by_provider)
        keep_administrator(account, others)
        forget_proofs(work, account)
        forget_pin(work, account)
        change_account(work, account, by_provider=by_provider)
        work.note(
            "access.account_moved",
            account.id,
            name=account.name,
            by_provider=by_provider,
            reason=reason,
        )
        made = None if by_provider else make_code(work, account.id)
    return new_code(account.name, made)


def release_account(
    installation: Installation, principal: Principal, name: str, *, reason: str
) -> None:
    """
    Let an account be whose the provider proves next by its name: it made the person anew.

    Its sessions end; one that nobody has signed in by stays as it is.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: there is none of this name, or it signs in by a password.
    """
    principal.need(Right.ADMINISTER)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account, _ = lock_with_others(work, name)
        if not account.by_provider:
            raise _signs_in_so(by_provider=False)
        if account.pin is None:
            return
        forget_pin(work, account)
        work.note("access.provider_released", account.id, name=account.name, reason=reason)


def _signs_in_so(*, by_provider: bool) -> InputError:
    if by_provider:
        message = Text(
            vi="Tài khoản này đã đăng nhập qua máy chủ định danh",
            en="This account signs in through the identity provider already",
        )
    else:
        message = Text(
            vi="Tài khoản này đăng nhập bằng mật khẩu", en="This account signs in by a password"
        )
    return InputError(
        Problem(
            code="access.wrong_way",
            message=message,
            suggestion=Text(
                vi="Xem cách đăng nhập: lienthong access account list",
                en="See how it signs in: lienthong access account list",
            ),
        )
    )

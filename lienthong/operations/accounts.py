"""What administrators do to accounts. The last one of them can neither be disabled nor demoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.names import account_name
from lienthong.access.rights import Principal, Right
from lienthong.operations.account_views import AccountList, AccountView, NewCode
from lienthong.operations.people import grant_views, no_password_here
from lienthong.store.access_codes import make_code
from lienthong.store.access_tokens import written_grants
from lienthong.store.accounts import (
    change_account,
    end_sessions_of,
    forget_proofs,
    get_account,
    insert_account,
    list_accounts,
    lock_accounts,
)
from lienthong.store.database import reading
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.access.rights import Grant
    from lienthong.store.access_codes import Code
    from lienthong.store.accounts import Account
    from lienthong.store.work import Work
    from lienthong.wiring import Installation


def find_accounts(installation: Installation, principal: Principal) -> AccountList:
    """
    Return everybody who may sign in.

    Raises:
        Forbidden: the right to administer is missing.
    """
    principal.need(Right.ADMINISTER)
    with reading(installation.store) as connection:
        found = list_accounts(connection)
    return AccountList(accounts=[_view(account) for account in found])


def see_account(installation: Installation, principal: Principal, name: str) -> AccountView:
    """
    Return one of them.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: there is none of this name.
    """
    principal.need(Right.ADMINISTER)
    with reading(installation.store) as connection:
        return _view(get_account(connection, name))


def make_account(
    installation: Installation,
    principal: Principal,
    name: str,
    *,
    full_name: str,
    grants: Sequence[Grant],
    by_provider: bool = False,
) -> NewCode:
    """
    Make an account, and a code by which its owner sets the password.

    With `by_provider` there is no password and no code: who proves by the identity provider that
    the name is theirs signs in, and from then on nobody else.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: the name is taken or no name, an agency is not known, or there is no provider.
    """
    principal.need(Right.ADMINISTER)
    if by_provider:
        check_provider(installation)
    kept_name = account_name(name)
    _check_agencies(installation, grants)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account_id = insert_account(
            work, kept_name, full_name=full_name, grants=grants, by_provider=by_provider
        )
        made = None if by_provider else make_code(work, account_id)
    return new_code(kept_name, made)


def disable_account(
    installation: Installation, principal: Principal, name: str, *, reason: str
) -> None:
    """
    Let somebody sign in no longer, and end their sessions; one who is disabled already stays so.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: there is none of this name, or it is the last administrator.
    """
    principal.need(Right.ADMINISTER)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account, others = lock_with_others(work, name)
        if account.disabled_at is not None:
            return
        keep_administrator(account, others)
        change_account(work, account, disabled_at=work.at)
        end_sessions_of(work, account)
        work.note("access.account_disabled", account.id, name=account.name, reason=reason)


def enable_account(
    installation: Installation, principal: Principal, name: str, *, reason: str
) -> None:
    """
    Let somebody sign in who was disabled, or locked by failures.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: there is none of this name.
    """
    principal.need(Right.ADMINISTER)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account, _ = lock_with_others(work, name)
        if account.disabled_at is None and account.failures == 0:
            return
        change_account(work, account, disabled_at=None, failures=0, locked_until=None)
        work.note("access.account_enabled", account.id, name=account.name, reason=reason)


def reset_account(
    installation: Installation, principal: Principal, name: str, *, reason: str
) -> NewCode:
    """
    Take away somebody's password and app, end their sessions, and make a code for a new password.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: there is none of this name, or it has no password.
    """
    principal.need(Right.ADMINISTER)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account, _ = lock_with_others(work, name)
        if account.by_provider:
            raise no_password_here()
        forget_proofs(work, account)
        work.note("access.account_reset", account.id, name=account.name, reason=reason)
        made = make_code(work, account.id)
    return new_code(account.name, made)


def grant_account(
    installation: Installation,
    principal: Principal,
    name: str,
    *,
    grants: Sequence[Grant],
    reason: str,
) -> None:
    """
    Give somebody these roles in place of those they have; their sessions end where that changes.

    Raises:
        Forbidden: the right to administer is missing.
        InputError: there is none of this name, it is the last administrator and would be none,
            or an agency is not known.
    """
    principal.need(Right.ADMINISTER)
    _check_agencies(installation, grants)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account, others = lock_with_others(work, name)
        if account.grants == tuple(grants):
            return
        if not Principal(name=account.name, grants=tuple(grants)).has(Right.ADMINISTER):
            keep_administrator(account, others)
        kept = written_grants(grants)
        change_account(work, account, grants=kept)
        end_sessions_of(work, account)
        work.note(
            "access.account_granted", account.id, name=account.name, grants=kept, reason=reason
        )


def new_code(name: str, made: Code | None) -> NewCode:
    """Return what is shown of a code, or that there is none."""
    if made is None:
        return NewCode(name=name, code=None, expires_at=None)
    return NewCode(name=name, code=made.code, expires_at=made.expires_at)


def check_provider(installation: Installation) -> None:
    """
    See that somebody can sign in through an identity provider.

    Raises:
        InputError: there is none.
    """
    if installation.settings.console.oidc is None:
        raise InputError(
            Problem(
                code="access.no_provider",
                message=Text(
                    vi="Chưa cấu hình máy chủ định danh", en="There is no identity provider"
                ),
                suggestion=Text(
                    vi="Điền [console.oidc] trong lienthong.toml; xem docs/console.md",
                    en="Fill in [console.oidc] of lienthong.toml; see docs/console.md",
                ),
            )
        )


def lock_with_others(work: Work, name: str) -> tuple[Account, list[Account]]:
    """Return an account and all others, so that two changes cannot end the last administrator."""
    every = lock_accounts(work)
    account = get_account(work.connection, name)
    return account, [other for other in every if other.id != account.id]


def keep_administrator(account: Account, others: Sequence[Account]) -> None:
    """
    See that somebody else administers, before an account no longer does.

    Whoever has a password counts only by others who have one: the provider may be away.

    Raises:
        InputError: nobody else does.
    """
    if not (account.administers and account.disabled_at is None):
        return
    if any(
        other.administers and other.can_sign_in and (account.by_provider or not other.by_provider)
        for other in others
    ):
        return
    raise InputError(
        Problem(
            code="access.last_administrator",
            message=Text(
                vi="Đây là quản trị viên cuối cùng còn đăng nhập được",
                en="This is the last administrator who can sign in",
            ),
            suggestion=Text(
                vi="Trước hết cấp vai trò administrator cho một tài khoản khác đã có mật khẩu",
                en="First give the role administrator to another account that has a password",
            ),
        )
    )


def _check_agencies(installation: Installation, grants: Sequence[Grant]) -> None:
    known = set(installation.mappings.names())
    if all(grant.agencies is None or grant.agencies <= known for grant in grants):
        return
    raise InputError(
        Problem(
            code="access.agency",
            message=Text(vi="Có cơ quan không có ánh xạ", en="An agency has no mapping"),
            suggestion=Text(
                vi="Xem các cơ quan: lienthong mapping list",
                en="List the agencies: lienthong mapping list",
            ),
        )
    )


def _view(account: Account) -> AccountView:
    return AccountView(
        name=account.name,
        full_name=account.full_name,
        grants=grant_views(account.grants),
        by_provider=account.by_provider,
        is_pinned=account.pin is not None,
        has_password=account.password is not None,
        has_totp=account.has_totp,
        recovery_left=account.recovery_left,
        locked_until=account.locked_until,
        disabled_at=account.disabled_at,
        made_at=account.made_at,
        made_by=account.made_by,
        last_login_at=account.last_login_at,
    )

"""
Who is signed in, and what they still have to do: until that is done they have no rights.

Here is also where a person's password is asked for, whatever for: failures are counted, and lock
the account for longer and longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.access.passwords import is_password
from lienthong.access.rights import RIGHTS, Principal, Right
from lienthong.operations.account_views import Need, SessionView
from lienthong.operations.views import GrantView
from lienthong.store.access_sessions import SessionTimes, find_session
from lienthong.store.accounts import change_account, get_account, lock_account
from lienthong.store.database import reading
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.access.rights import Grant
    from lienthong.settings import ConsoleSettings
    from lienthong.store.access_sessions import Session
    from lienthong.store.accounts import Account
    from lienthong.store.work import Work
    from lienthong.wiring import Installation

STRONG = frozenset({Right.REPLAY_MANY, Right.APPROVE, Right.ADMINISTER})
"""Rights for which a password alone is not enough."""
FREE_FAILURES = 5
"""In a row, before an account is locked."""
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in."""

    principal: Principal
    """Without rights while something is needed of them."""
    session: Session
    needs: tuple[Need, ...]


def session_times(settings: ConsoleSettings) -> SessionTimes:
    """Return how long sessions last."""
    return SessionTimes(
        longest=timedelta(seconds=settings.session_seconds),
        idle=timedelta(seconds=settings.idle_seconds),
    )


def find_person(
    installation: Installation, token: str, *, is_by_hand: bool = True
) -> Person | None:
    """
    Return whose session a token is of, or None when it is of none.

    What a page asks for by itself (not `is_by_hand`) does not keep a session from ending.
    """
    settings = installation.settings.console
    session = find_session(
        installation.store,
        token,
        clock=installation.clock,
        times=session_times(settings),
        is_used=is_by_hand,
    )
    if session is None:
        return None
    account = session.account
    needs = needs_of(account, settings, totp_done=session.totp_done)
    grants = () if needs else account.grants
    principal = Principal(name=account.name, grants=grants)
    return Person(principal=principal, session=session, needs=needs)


def needs_of(account: Account, settings: ConsoleSettings, *, totp_done: bool) -> tuple[Need, ...]:
    """Return what somebody has to do before anything else."""
    needs = [Need.PASSWORD] if account.must_change else []
    if not totp_done and (account.has_totp or needs_second_factor(account.grants, settings)):
        needs.append(Need.TOTP)
    return tuple(needs)


def see_session(person: Person) -> SessionView:
    """Return who is signed in."""
    account, session = person.session.account, person.session
    return SessionView(
        name=account.name,
        full_name=account.full_name,
        grants=grant_views(account.grants),
        made_at=session.made_at,
        expires_at=session.expires_at,
        needs=list(person.needs),
        by_provider=account.by_provider,
        has_totp=account.has_totp,
        recovery_left=account.recovery_left,
    )


def grant_views(grants: Sequence[Grant]) -> list[GrantView]:
    """Return grants with the rights that each gives."""
    return [
        GrantView(
            role=grant.role.value,
            agencies=None if grant.agencies is None else sorted(grant.agencies),
            rights=sorted(right.value for right in RIGHTS[grant.role]),
        )
        for grant in grants
    ]


def prove_password(installation: Installation, principal: Principal, password: str) -> Account:
    """
    Return the account of whoever asks, once they have shown that they know its password.

    Raises:
        InputError: they have not, or have no account, or too many have failed before.
    """
    store = installation.store
    with reading(store) as connection:
        account = get_account(connection, principal.name)
    if account.by_provider:
        raise no_password_here()
    is_right = is_password(password, account.password)
    with begin(store, at=installation.clock, actor=principal.name) as work:
        now = lock_account(work, account.id)
        is_open = now.password == account.password and not now.is_locked(work.at)
        if is_open and not is_right:
            count_failure(work, now)
    if not (is_open and is_right):
        raise wrong_login()
    return now


def count_failure(work: Work, account: Account) -> None:
    """Count a failure of an account that is locked by the transaction; too many lock it."""
    failures = account.failures + 1
    until = None
    if failures >= FREE_FAILURES:
        doublings = min(failures - FREE_FAILURES, 10)
        until = work.at + min(FIRST_LOCK * 2**doublings, LONGEST_LOCK)
    change_account(work, account, failures=failures, locked_until=until)
    work.note(
        "access.login_failed",
        account.id,
        name=account.name,
        failures=failures,
        locked_until=None if until is None else until.isoformat(),
    )


def wrong_login() -> InputError:
    """Return the error for a login that failed, whatever failed in it."""
    return InputError(
        Problem(
            code="access.login",
            message=Text(
                vi="Sai tên, mật khẩu hoặc mã xác thực, hoặc tài khoản đang bị khóa",
                en="The name, password or code is wrong, or the account is locked for now",
            ),
            suggestion=Text(
                vi=f"Kiểm tra rồi thử lại; sau {FREE_FAILURES} lần sai liên tiếp phải chờ; quên "
                "mật khẩu: nhờ quản trị viên cấp mã đặt lại",
                en=f"Look at them and try again; after {FREE_FAILURES} failures in a row there is "
                "a wait; if it is forgotten, an administrator can reset it",
            ),
        )
    )


def unfinished() -> InputError:
    """Return the error for somebody who asks for more than what is still needed of them."""
    return InputError(
        Problem(
            code="access.unfinished",
            message=Text(
                vi="Đã đăng nhập, nhưng còn phải đổi mật khẩu hoặc thiết lập ứng dụng xác thực",
                en="Signed in, but another password or an authenticator app is needed first",
            ),
            suggestion=Text(
                vi="Xem `needs` của GET /v1/session, rồi POST /v1/session/password hoặc "
                "/v1/session/totp",
                en="See `needs` of GET /v1/session, then POST /v1/session/password or "
                "/v1/session/totp",
            ),
        )
    )


def no_password_here() -> InputError:
    """Return the error for what is about passwords, where the provider proves who somebody is."""
    return InputError(
        Problem(
            code="access.by_provider",
            message=Text(
                vi="Tài khoản này đăng nhập qua máy chủ định danh, không có mật khẩu tại đây",
                en="This account signs in through the identity provider and has no password here",
            ),
            suggestion=Text(
                vi="Đổi mật khẩu và yếu tố thứ hai tại máy chủ định danh; quản trị viên có thể "
                "chuyển cách đăng nhập: lienthong access account move",
                en="Passwords and second factors are changed at the identity provider; an "
                "administrator can change the way it signs in: lienthong access account move",
            ),
        )
    )


def needs_second_factor(grants: Sequence[Grant], settings: ConsoleSettings) -> bool:
    """Tell whether a password alone is not enough for these roles."""
    return settings.totp_required and any(STRONG & RIGHTS[grant.role] for grant in grants)

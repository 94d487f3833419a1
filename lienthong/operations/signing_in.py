"""
Signing in and out: by name, password and the code of an app, or by a code that sets a password.

An unknown name, a wrong password, a locked and a disabled account cost the same and are answered
alike. Passwords are computed outside of transactions: it takes long, by intention.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lienthong.access.names import account_name
from lienthong.access.passwords import check_password, hash_password, is_outdated, is_password
from lienthong.access.rights import EVERY, Grant, Role
from lienthong.access.totp import find_step, recovery_digest
from lienthong.operations.account_views import SignedIn
from lienthong.operations.people import count_failure, needs_of, session_times, wrong_login
from lienthong.store.access_codes import find_code, make_code, use_code
from lienthong.store.access_sessions import end_session, make_session
from lienthong.store.accounts import (
    change_account,
    find_account,
    has_accounts,
    insert_account,
    lock_account,
    read_account,
    set_new_password,
    use_recovery,
)
from lienthong.store.database import reading
from lienthong.store.work import PRODUCT, begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.access.attempts import Source
    from lienthong.operations.people import Person
    from lienthong.store.access_codes import Code
    from lienthong.store.access_sessions import NewSession
    from lienthong.store.accounts import Account
    from lienthong.store.work import Work
    from lienthong.wiring import Installation

_CODE_NEEDED = "access.code_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What somebody signs in with."""

    name: str
    password: str = field(repr=False)
    code: str | None = field(default=None, repr=False)
    """Of the app, or one in reserve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """What the first administrator is made of."""

    code: str = field(repr=False)
    """As it was printed when the program started."""
    name: str
    full_name: str
    password: str = field(repr=False)


def sign_in(installation: Installation, login: Login, *, source: Source) -> SignedIn:
    """
    Make a session, always a new one.

    Raises:
        InputError: something is wrong or missing.
        TooMany: too much has failed from there.
    """
    with source.counted(at=installation.clock()):
        found = _try(installation, login)
        if isinstance(found, InputError) and found.code != _CODE_NEEDED:
            raise found
    if isinstance(found, InputError):
        raise found
    return found


def sign_out(installation: Installation, person: Person) -> None:
    """End the session that somebody is signed in by."""
    actor = person.principal.name
    with begin(installation.store, at=installation.clock, actor=actor) as work:
        end_session(work, person.session.id)


def set_password(
    installation: Installation, code: str, password: str, *, source: Source
) -> SignedIn:
    """
    Set the password of a new or reset account by its code, which is used up, and sign in.

    Raises:
        InputError: the code does not count, or the password is not good enough.
        TooMany: too much has failed from there.
    """
    store = installation.store
    with source.counted(at=installation.clock()):
        with reading(store) as connection:
            found = find_code(connection, code, at=installation.clock())
            if found is None or found.account_id is None:
                raise _wrong_code()
            account = read_account(connection, found.account_id)
        check_password(password, name=account.name)
        kept = hash_password(password)
        with begin(store, at=installation.clock, actor=account.name) as work:
            account = lock_account(work, account.id)
            is_shut = account.disabled_at is not None or account.by_provider
            if not use_code(work, found) or is_shut:
                raise _wrong_code()
            set_new_password(work, account, kept)
            account = lock_account(work, account.id)
            return begin_session(installation, work, account, totp_done=False)


def make_first_code(installation: Installation) -> Code | None:
    """Make the code by which the first administrator is made; None: there are accounts."""
    with begin(installation.store, at=installation.clock) as work:
        return None if has_accounts(work.connection) else make_code(work, None)


def make_first_administrator(
    installation: Installation, first: First, *, source: Source
) -> SignedIn:
    """
    Make the first account, an administrator's, by the code for it, and sign in.

    Raises:
        InputError: the code does not count, there is an account, or something is not usable.
        TooMany: too much has failed from there.
    """
    store = installation.store
    with source.counted(at=installation.clock()):
        with reading(store) as connection:
            found = find_code(connection, first.code, at=installation.clock())
            if found is None or found.account_id is not None or has_accounts(connection):
                raise _wrong_code()
        name = account_name(first.name)
        check_password(first.password, name=name)
        kept = hash_password(first.password)
        grants = [Grant(role=Role.ADMINISTRATOR, agencies=EVERY)]
        with begin(store, at=installation.clock, actor=name) as work:
            if not use_code(work, found) or has_accounts(work.connection):
                raise _wrong_code()
            account_id = insert_account(
                work, name, full_name=first.full_name, grants=grants, password=kept
            )
            account = lock_account(work, account_id)
            return begin_session(installation, work, account, totp_done=False)


def _try(installation: Installation, login: Login) -> SignedIn | InputError:
    store = installation.store
    account = None
    if "\0" not in login.name:
        with reading(store) as connection:
            account = find_account(connection, login.name)
    is_right = is_password(login.password, None if account is None else account.password)
    changes = _renewed(account, login.password) if account is not None and is_right else None
    actor = PRODUCT if account is None or changes is None else account.name
    with begin(store, at=installation.clock, actor=actor) as work:
        return _judge(installation, work, account, login, changes)


def _judge(
    installation: Installation,
    work: Work,
    account: Account | None,
    login: Login,
    changes: dict[str, object] | None,
) -> SignedIn | InputError:
    """Decide by what the account is now; `changes` are written where the password is right."""
    if account is None:
        # What was typed may be a password in the wrong field: it is not written down.
        work.note("access.login_failed", "unknown")
        return wrong_login()
    now = lock_account(work, account.id)
    if now.by_provider:
        # Nothing is counted: nobody can lock it by guessing at a password that it has not.
        work.note("access.login_refused", now.id, name=now.name, why="by_provider")
        return wrong_login()
    if now.is_locked(work.at) or not now.can_sign_in or now.password != account.password:
        why = "locked" if now.is_locked(work.at) else "disabled"
        work.note("access.login_refused", now.id, name=now.name, why=why)
        return wrong_login()
    if changes is None:
        count_failure(work, now)
        return wrong_login()
    if now.has_totp and not login.code:
        return _code_needed()
    if now.has_totp and not _is_code(work, now, login.code or ""):
        count_failure(work, now)
        return wrong_login()
    change_account(work, now, failures=0, locked_until=None, last_login_at=work.at, **changes)
    return begin_session(installation, work, lock_account(work, now.id), totp_done=now.has_totp)


def _renewed(account: Account, password: str) -> dict[str, object]:
    """Return what changes in an account when its right password is at hand."""
    changes: dict[str, object] = {"must_change": False}
    try:
        check_password(password, name=account.name)
    except InputError:
        # It was good enough by rules of before.
        changes["must_change"] = True
    if account.password is not None and is_outdated(account.password):
        changes["password"] = hash_password(password)
    return changes


def _is_code(work: Work, account: Account, code: str) -> bool:
    """Use a code of the app, or one in reserve; tell whether it was one."""
    typed = code.replace(" ", "")
    secret = account.totp(work.vault)
    assert secret is not None
    step = find_step(secret, typed, at=work.at, after=account.row.totp_step)
    if step is not None:
        change_account(work, account, totp_step=step)
        return True
    return use_recovery(work, account, recovery_digest(account.id, typed))


def begin_session(
    installation: Installation, work: Work, account: Account, *, totp_done: bool
) -> SignedIn:
    """Sign somebody in of whom everything was proven; `totp_done`: a second factor, too."""
    settings = installation.settings.console
    made: NewSession = make_session(
        work, account, times=session_times(settings), totp_done=totp_done
    )
    more = {"by_provider": True} if account.by_provider else {}
    work.note("access.login", account.id, name=account.name, totp=totp_done, **more)
    return SignedIn(
        name=account.name,
        token=made.token,
        expires_at=made.expires_at,
        needs=list(needs_of(account, settings, totp_done=totp_done)),
    )


def _code_needed() -> InputError:
    return InputError(
        Problem(
            code=_CODE_NEEDED,
            message=Text(
                vi="Cần mã của ứng dụng xác thực", en="A code of the authenticator app is needed"
            ),
            suggestion=Text(
                vi="Gửi lại kèm mã 6 chữ số, hoặc một mã dự phòng",
                en="Sign in again with its six digits, or with a code in reserve",
            ),
        )
    )


def _wrong_code() -> InputError:
    return InputError(
        Problem(
            code="access.wrong_code",
            message=Text(
                vi="Mã một lần sai, đã dùng hoặc đã hết hạn",
                en="The one-time code is wrong, used or over",
            ),
            suggestion=Text(
                vi="Nhờ quản trị viên cấp mã mới: lienthong access account reset",
                en="Ask an administrator for a new one: lienthong access account reset",
            ),
        )
    )

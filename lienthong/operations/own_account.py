"""What people do to their own accounts: another password, an authenticator app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.passwords import check_password, hash_password
from lienthong.access.totp import (
    find_step,
    new_recovery_codes,
    new_totp_secret,
    recovery_digest,
    totp_uri,
)
from lienthong.operations.account_views import RecoveryCodes, TotpView
from lienthong.operations.people import prove_password, wrong_login
from lienthong.store.access_sessions import finish_session
from lienthong.store.accounts import (
    end_sessions_of,
    get_account,
    lock_account,
    seal_next_totp,
    seal_totp,
    set_new_password,
)
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.wiring import Installation


def change_password(
    installation: Installation, principal: Principal, *, password: str, new: str
) -> None:
    """
    Set another password of whoever asks; all their sessions end, also the one that asks.

    Raises:
        InputError: the password is wrong, or the new one not good enough.
    """
    proven = prove_password(installation, principal, password)
    check_password(new, name=proven.name)
    kept = hash_password(new)
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account = lock_account(work, proven.id)
        if account.password != proven.password:
            raise wrong_login()
        set_new_password(work, account, kept)


def begin_totp(installation: Installation, principal: Principal, *, password: str) -> TotpView:
    """
    Return what an authenticator app is set up with; the one of before counts until it is confirmed.

    Raises:
        InputError: the password is wrong.
    """
    proven = prove_password(installation, principal, password)
    secret = new_totp_secret()
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account = lock_account(work, proven.id)
        if account.password != proven.password:
            raise wrong_login()
        seal_next_totp(work, account, secret)
        work.note("access.totp_begun", account.id, name=account.name)
    return TotpView(uri=totp_uri(secret, account.name), secret=secret)


def confirm_totp(
    installation: Installation, principal: Principal, *, code: str, session_id: str
) -> RecoveryCodes:
    """
    Let the app that was set up count from now on, by its first code, and make codes in reserve.

    Args:
        installation: Where.
        principal: Who asks.
        code: Of the app.
        session_id: Of the session that asks; every other one ends.

    Raises:
        InputError: the code is not one of the app.
    """
    codes = new_recovery_codes()
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        account = get_account(work.connection, principal.name, lock=True)
        secret = account.next_totp(work.vault)
        step = None
        if secret is not None:
            step = find_step(secret, code.replace(" ", ""), at=work.at, after=None)
        if secret is None or step is None:
            raise _not_confirmed()
        digests = [recovery_digest(account.id, each) for each in codes]
        seal_totp(work, account, secret, step=step, recovery=digests)
        finish_session(work, session_id)
        end_sessions_of(work, account, but=session_id)
        work.note("access.totp_set", account.id, name=account.name)
    return RecoveryCodes(codes=codes)


def _not_confirmed() -> InputError:
    return InputError(
        Problem(
            code="access.totp",
            message=Text(
                vi="Mã không phải của ứng dụng xác thực đang thiết lập",
                en="The code is not one of the authenticator app that is being set up",
            ),
            suggestion=Text(
                vi="Kiểm tra giờ của điện thoại, nhập mã đang hiện; hoặc thiết lập lại từ đầu",
                en="Look at the clock of the phone and type the code it shows now; or set it up "
                "from the beginning",
            ),
        )
    )

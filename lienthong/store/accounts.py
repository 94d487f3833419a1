"""
The accounts of people who sign in: who they are, what they may do, and what proves them.

Passwords are kept as Argon2id, the secret of an authenticator app sealed, codes in reserve as
digests. Whatever decides by what an account is now locks it first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from lienthong.access.names import account_not_found, name_taken, normal_name
from lienthong.access.rights import Principal, Right
from lienthong.ids import make_id
from lienthong.store.access_tokens import list_access_tokens, read_grants, written_grants
from lienthong.store.saved_filters import forget_filters
from lienthong.store.sealed import next_totp_context, totp_context
from lienthong.store.tables import access_codes, accounts, sessions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.access.rights import Grant
    from lienthong.store.vault import Vault
    from lienthong.store.work import Work


@dataclass(frozen=True, slots=True)
class Pin:
    """One person, as an identity provider knows them: for ever, whatever they are called."""

    issuer: str
    subject: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is known of one account."""

    id: str
    name: str
    full_name: str
    grants: tuple[Grant, ...]
    has_totp: bool
    recovery_left: int
    must_change: bool
    failures: int
    locked_until: datetime | None
    disabled_at: datetime | None
    made_at: datetime
    made_by: str
    last_login_at: datetime | None
    password: str | None
    """As it is kept; None: none is set."""
    by_provider: bool
    """Whether it signs in through the identity provider, and never by a password."""
    pin: Pin | None
    """Whom the provider proved at the first login; nobody else signs in by it afterwards."""
    row: Row[Any]
    """With what is sealed."""

    def __repr__(self) -> str:
        """Name it, and nothing that is secret."""
        return f"Account({self.name!r})"

    @property
    def can_sign_in(self) -> bool:
        """Whether it may, and has what it takes."""
        has_proof = self.pin is not None if self.by_provider else self.password is not None
        return self.disabled_at is None and has_proof

    @property
    def administers(self) -> bool:
        """Whether it gives rights."""
        return Principal(name=self.name, grants=self.grants).has(Right.ADMINISTER)

    def is_locked(self, at: datetime) -> bool:
        """Tell whether too many logins have failed for it to be tried now."""
        return self.locked_until is not None and at < self.locked_until

    def totp(self, vault: Vault) -> str | None:
        """Return the secret of its authenticator app."""
        if self.row.totp is None:
            return None
        return vault.open(self.row.totp, context=totp_context(self.id)).decode()

    def next_totp(self, vault: Vault) -> str | None:
        """Return the secret of one whose first code has not come yet."""
        if self.row.totp_next is None:
            return None
        return vault.open(self.row.totp_next, context=next_totp_context(self.id)).decode()


def insert_account(
    work: Work,
    name: str,
    *,
    full_name: str,
    grants: Sequence[Grant],
    password: str | None = None,
    by_provider: bool = False,
) -> str:
    """
    Make an account and return its id.

    Args:
        work: The transaction.
        name: As `account_name` returned it.
        full_name: As it is shown.
        grants: What it may do.
        password: As it is kept; None: it is set by a code.
        by_provider: Whether it signs in through the identity provider instead.

    Raises:
        InputError: an account, or a token of somebody, has this name.
    """
    lock_accounts(work)
    if find_account(work.connection, name) is not None or _has_token(work, name):
        raise name_taken()
    account_id = make_id(work.at)
    kept = written_grants(grants)
    work.connection.execute(
        insert(accounts).values(
            id=account_id,
            name=name,
            full_name=full_name,
            password=password,
            grants=kept,
            recovery="[]",
            must_change=False,
            failures=0,
            made_at=work.at,
            made_by=work.actor,
            by_provider=by_provider,
        )
    )
    # A token that was revoked may have had this name, and somebody else.
    forget_filters(work, name)
    # Of before there was a choice, nothing is said of it.
    more = {"by_provider": True} if by_provider else {}
    work.note("access.account_made", account_id, name=name, grants=kept, **more)
    return account_id


def find_account(connection: Connection, name: str, *, lock: bool = False) -> Account | None:
    """Return the account of a name, however it is written; with `lock` nobody else changes it."""
    query = select(accounts).where(accounts.c.name == normal_name(name))
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _account(row)


def find_pinned(connection: Connection, pin: Pin) -> Account | None:
    """Return the account whose person this is."""
    which = (accounts.c.provider_issuer == pin.issuer) & (
        accounts.c.provider_subject == pin.subject
    )
    row = connection.execute(select(accounts).where(which)).first()
    return None if row is None else _account(row)


def get_account(connection: Connection, name: str, *, lock: bool = False) -> Account:
    """
    Return the account of a name.

    Raises:
        InputError: there is none.
    """
    found = None if "\0" in name else find_account(connection, name, lock=lock)
    if found is None:
        raise account_not_found()
    return found


def read_account(connection: Connection, account_id: str) -> Account:
    """Return an account that is there."""
    return _account(connection.execute(select(accounts).where(accounts.c.id == account_id)).one())


def lock_account(work: Work, account_id: str) -> Account:
    """Return an account that nobody else changes before the transaction ends."""
    query = select(accounts).where(accounts.c.id == account_id).with_for_update()
    return _account(work.connection.execute(query).one())


def list_accounts(connection: Connection) -> list[Account]:
    """Return the accounts, by name."""
    return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]


def lock_accounts(work: Work) -> list[Account]:
    """Return all accounts; nobody else changes one before the transaction ends."""
    query = select(accounts).order_by(accounts.c.id).with_for_update()
    return [_account(row) for row in work.connection.execute(query)]


def has_accounts(connection: Connection) -> bool:
    """Tell whether anybody has an account."""
    return connection.execute(select(accounts.c.id).limit(1)).first() is not None


def change_account(work: Work, account: Account, **values: object) -> None:
    """Write columns of an account."""
    which = accounts.c.id == account.id
    work.connection.execute(update(accounts).where(which).values(**values))


def seal_next_totp(work: Work, account: Account, secret: str) -> None:
    """Keep the secret of an authenticator app until its first code comes."""
    sealed = work.vault.seal(secret.encode(), context=next_totp_context(account.id))
    change_account(work, account, totp_next=sealed)


def seal_totp(work: Work, account: Account, secret: str, *, step: int, recovery: list[str]) -> None:
    """Keep the secret of the app from now on, with the step of its first code and new digests."""
    change_account(
        work,
        account,
        totp=work.vault.seal(secret.encode(), context=totp_context(account.id)),
        totp_next=None,
        totp_step=step,
        recovery=json.dumps(recovery),
    )


def use_recovery(work: Work, account: Account, digest: str) -> bool:
    """Use up a code in reserve; tell whether there was such a one."""
    left: list[str] = json.loads(account.row.recovery)
    if digest not in left:
        return False
    left.remove(digest)
    change_account(work, account, recovery=json.dumps(left))
    work.note("access.recovery_used", account.id, name=account.name, left=len(left))
    return True


def set_new_password(work: Work, account: Account, kept: str) -> None:
    """Keep another password of an account, and end its sessions."""
    change_account(work, account, password=kept, must_change=False, failures=0, locked_until=None)
    end_sessions_of(work, account)
    work.note("access.password_set", account.id, name=account.name)


def forget_proofs(work: Work, account: Account) -> None:
    """Take away all that proves whose an account is, and end its sessions."""
    change_account(
        work,
        account,
        password=None,
        totp=None,
        totp_next=None,
        totp_step=None,
        recovery="[]",
        must_change=False,
        failures=0,
        locked_until=None,
    )
    end_sessions_of(work, account)


def set_pin(work: Work, account: Account, pin: Pin) -> None:
    """Let an account be one person's from now on."""
    change_account(work, account, provider_issuer=pin.issuer, provider_subject=pin.subject)
    work.note("access.provider_pinned", account.id, name=account.name, issuer=pin.issuer)


def forget_pin(work: Work, account: Account) -> None:
    """Let an account be whose the provider proves next by its name; its sessions end."""
    change_account(work, account, provider_issuer=None, provider_subject=None)
    end_sessions_of(work, account)


def end_sessions_of(work: Work, account: Account, *, but: str | None = None) -> None:
    """End the sessions of an account, all or all but one, and what codes were made for it."""
    which = sessions.c.account_id == account.id
    if but is not None:
        which &= sessions.c.id != but
    ended = work.connection.execute(delete(sessions).where(which)).rowcount
    of_account = access_codes.c.account_id == account.id
    work.connection.execute(delete(access_codes).where(of_account))
    if ended:
        work.note("access.sessions_ended", account.id, name=account.name, sessions=ended)


def _has_token(work: Work, name: str) -> bool:
    return any(
        token.is_valid(work.at) and normal_name(token.name) == name
        for token in list_access_tokens(work.connection)
    )


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        full_name=row.full_name,
        grants=read_grants(row.grants),
        has_totp=row.totp is not None,
        recovery_left=len(json.loads(row.recovery)),
        must_change=row.must_change,
        failures=row.failures,
        locked_until=row.locked_until,
        disabled_at=row.disabled_at,
        made_at=row.made_at,
        made_by=row.made_by,
        last_login_at=row.last_login_at,
        password=row.password,
        by_provider=row.by_provider,
        pin=None
        if row.provider_subject is None
        else Pin(row.provider_issuer, row.provider_subject),
        row=row,
    )

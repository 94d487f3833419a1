"""The routes of the API by which administrators see and change accounts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from lienthong.access.rights import Grant, Role
from lienthong.api.asking import AtSite, Caller
from lienthong.api.routes import Asked
from lienthong.api.session_routes import FullName, Named
from lienthong.operations.account_views import AccountList, AccountView, NewCode
from lienthong.operations.accounts import (
    disable_account,
    enable_account,
    find_accounts,
    grant_account,
    make_account,
    reset_account,
    see_account,
)
from lienthong.operations.provider_accounts import move_account, release_account

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

Name = Annotated[str, Field(max_length=64)]


class GrantAsked(BaseModel):
    """One role for some agencies."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    role: Role
    agencies: Annotated[list[str], Field(min_length=1, max_length=1_000)] | None
    """Null: every agency, also those still to come."""

    def read(self) -> Grant:
        """Return it."""
        agencies = None if self.agencies is None else frozenset(self.agencies)
        return Grant(role=self.role, agencies=agencies)


Grants = Annotated[list[GrantAsked], Field(min_length=1, max_length=20)]


class AccountAsked(BaseModel):
    """A new account."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: Named
    """As the audit log is to call them: letters, digits, `.`, `_`, `@`, `-`; kept in lower case."""
    full_name: FullName
    grants: Grants
    by_provider: bool = False
    """They sign in through the identity provider under this name: no password, no code."""


class MoveAsked(Asked):
    """Another way to sign in."""

    by_provider: bool
    """True: through the identity provider; false: by a password."""


class GrantsAsked(Asked):
    """Roles in place of those that an account has."""

    grants: Grants


@router.get("")
def accounts(site: AtSite, caller: Caller) -> AccountList:
    """List everybody who may sign in."""
    return find_accounts(site.installation, caller)


@router.post("", status_code=201)
def make(site: AtSite, caller: Caller, asked: AccountAsked) -> NewCode:
    """Make an account; its owner sets the password by the code that is answered, within a day."""
    return make_account(
        site.installation,
        caller,
        asked.name,
        full_name=asked.full_name,
        grants=[grant.read() for grant in asked.grants],
        by_provider=asked.by_provider,
    )


@router.get("/{name}")
def account(site: AtSite, caller: Caller, name: Name) -> AccountView:
    """Show one account."""
    return see_account(site.installation, caller, name)


@router.post("/{name}/disable", status_code=204)
def disable(site: AtSite, caller: Caller, name: Name, asked: Asked) -> None:
    """Let somebody sign in no longer; their sessions end, and tokens of their name open nothing."""
    disable_account(site.installation, caller, name, reason=asked.reason)


@router.post("/{name}/enable", status_code=204)
def enable(site: AtSite, caller: Caller, name: Name, asked: Asked) -> None:
    """Let somebody sign in who was disabled, or locked by failures."""
    enable_account(site.installation, caller, name, reason=asked.reason)


@router.post("/{name}/reset")
def reset(site: AtSite, caller: Caller, name: Name, asked: Asked) -> NewCode:
    """Take away somebody's password and app; the code that is answered sets a new password."""
    return reset_account(site.installation, caller, name, reason=asked.reason)


@router.post("/{name}/move")
def move(site: AtSite, caller: Caller, name: Name, asked: MoveAsked) -> NewCode:
    """Let somebody sign in the other way from now on; what proved it before counts no more."""
    return move_account(
        site.installation, caller, name, by_provider=asked.by_provider, reason=asked.reason
    )


@router.post("/{name}/release", status_code=204)
def release(site: AtSite, caller: Caller, name: Name, asked: Asked) -> None:
    """Let an account be whose the identity provider proves next by its name."""
    release_account(site.installation, caller, name, reason=asked.reason)


@router.post("/{name}/grant", status_code=204)
def grant(site: AtSite, caller: Caller, name: Name, asked: GrantsAsked) -> None:
    """Give somebody these roles in place of those they have; their sessions end."""
    grants = [each.read() for each in asked.grants]
    grant_account(site.installation, caller, name, grants=grants, reason=asked.reason)

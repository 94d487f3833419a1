"""Pages on accounts, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.account_routes import Name
from lienthong.api.session_routes import FullName, Named
from lienthong.console.asking import Because, Form, Page, SignedInPage, check_form
from lienthong.operations.account_views import NewCode
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

router = APIRouter(prefix="/accounts")
_CHECKED = [Depends(check_form)]


class GrantForm(Form):
    """Roles for agencies: all that are chosen, for all that are named."""

    role: list[Role] = Field(min_length=1, max_length=len(Role))
    agencies: str = Field(default="", max_length=100_000)
    """Names, apart by commas or blanks; empty: every agency."""
    every_agency: bool = False

    def grants(self) -> list[Grant]:
        """Return them."""
        named = frozenset(self.agencies.replace(",", " ").split())
        return [
            Grant(role=role, agencies=EVERY if self.every_agency else named) for role in self.role
        ]


class NewForm(GrantForm):
    """A new account."""

    name: Named
    full_name: FullName
    by_provider: bool = False


class GrantsForm(GrantForm, Because):
    """Other roles."""


@router.get("")
def list_page(page: SignedInPage) -> Response:
    """List everybody who may sign in."""
    found = find_accounts(page.site.installation, page.caller)
    return page.show("accounts.html", accounts=found.accounts, roles=Role, agencies=_agencies(page))


@router.post("", dependencies=_CHECKED)
def make_form(page: SignedInPage, form: Annotated[NewForm, FormBody()]) -> Response:
    """Make an account, and show the code for its owner this once."""
    made = make_account(
        page.site.installation,
        page.caller,
        form.name,
        full_name=form.full_name,
        grants=form.grants(),
        by_provider=form.by_provider,
    )
    return _code(page, made)


@router.get("/{name}")
def account_page(page: SignedInPage, name: Name) -> Response:
    """Show one account."""
    view = see_account(page.site.installation, page.caller, name)
    return page.show("account.html", account=view, roles=Role, agencies=_agencies(page))


@router.post("/{name}/disable", dependencies=_CHECKED)
def disable_form(page: SignedInPage, name: Name, form: Annotated[Because, FormBody()]) -> Response:
    """Let somebody sign in no longer."""
    disable_account(page.site.installation, page.caller, name, reason=form.reason)
    return page.go(page.link(f"/accounts/{name}"))


@router.post("/{name}/enable", dependencies=_CHECKED)
def enable_form(page: SignedInPage, name: Name, form: Annotated[Because, FormBody()]) -> Response:
    """Let somebody sign in again."""
    enable_account(page.site.installation, page.caller, name, reason=form.reason)
    return page.go(page.link(f"/accounts/{name}"))


@router.post("/{name}/reset", dependencies=_CHECKED)
def reset_form(page: SignedInPage, name: Name, form: Annotated[Because, FormBody()]) -> Response:
    """Take away a password, and show the code for another this once."""
    made = reset_account(page.site.installation, page.caller, name, reason=form.reason)
    return _code(page, made)


@router.post("/{name}/release", dependencies=_CHECKED)
def release_form(page: SignedInPage, name: Name, form: Annotated[Because, FormBody()]) -> Response:
    """Let an account be whose the provider proves next by its name."""
    release_account(page.site.installation, page.caller, name, reason=form.reason)
    return page.go(page.link(f"/accounts/{name}"))


@router.post("/{name}/to-provider", dependencies=_CHECKED)
def to_provider_form(
    page: SignedInPage, name: Name, form: Annotated[Because, FormBody()]
) -> Response:
    """Let somebody sign in through the identity provider from now on."""
    return _move(page, name, form, by_provider=True)


@router.post("/{name}/to-password", dependencies=_CHECKED)
def to_password_form(
    page: SignedInPage, name: Name, form: Annotated[Because, FormBody()]
) -> Response:
    """Let somebody sign in by a password from now on, and show the code for it this once."""
    return _move(page, name, form, by_provider=False)


@router.post("/{name}/grant", dependencies=_CHECKED)
def grant_form(page: SignedInPage, name: Name, form: Annotated[GrantsForm, FormBody()]) -> Response:
    """Give somebody other roles."""
    grant_account(
        page.site.installation, page.caller, name, grants=form.grants(), reason=form.reason
    )
    return page.go(page.link(f"/accounts/{name}"))


def _move(page: Page, name: str, form: Because, *, by_provider: bool) -> Response:
    made = move_account(
        page.site.installation, page.caller, name, by_provider=by_provider, reason=form.reason
    )
    return _code(page, made)


def _code(page: Page, made: NewCode) -> Response:
    if made.code is None:
        return page.go(page.link(f"/accounts/{made.name}"))
    return page.show("account_code.html", made=made)


def _agencies(page: Page) -> list[str]:
    return sorted(page.site.installation.mappings.names())

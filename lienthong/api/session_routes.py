"""The routes of the API by which people sign in and out, and change what is their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from lienthong.access.attempts import Source
from lienthong.api.asking import AtSite, SomebodySignedIn
from lienthong.operations.account_views import RecoveryCodes, SessionView, SignedIn, TotpView
from lienthong.operations.own_account import begin_totp, change_password, confirm_totp
from lienthong.operations.people import see_session
from lienthong.operations.signing_in import (
    First,
    Login,
    make_first_administrator,
    set_password,
    sign_in,
    sign_out,
)

router = APIRouter(prefix="/v1/session", tags=["session"])


def _readable(secret: SecretStr) -> SecretStr:
    # JSON can name half a character, which nobody can type and no bytes stand for.
    secret.get_secret_value().encode()
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=1_000), AfterValidator(_readable)]
Named = Annotated[str, Field(min_length=1, max_length=64)]
FullName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Said(BaseModel):
    """What every request here has."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class LoginAsked(Said):
    """What somebody signs in with."""

    name: Annotated[str, Field(max_length=200)]
    password: Secret
    code: Secret | None = None
    """Six digits of the authenticator app, or a code in reserve."""


class CodeAsked(Said):
    """A one-time code, and the password that is set by it."""

    code: Secret
    password: Secret
    """12 characters at least, 256 bytes at most; not a common one, not with the name in it."""


class FirstAsked(CodeAsked):
    """The first administrator."""

    name: Named
    full_name: FullName


class PasswordAsked(Said):
    """Another password."""

    password: Secret
    """As it is now."""
    new_password: Secret


class TotpAsked(Said):
    """An authenticator app."""

    password: Secret
    """As it is now."""


class ConfirmAsked(Said):
    """The first code of the app."""

    code: Secret


@router.post("")
def login(site: AtSite, request: Request, asked: LoginAsked) -> SignedIn:
    """Sign in; the token is good for every route, as one of `lienthong access token make` is."""
    code = None if asked.code is None else asked.code.get_secret_value()
    return sign_in(
        site.installation,
        Login(name=asked.name, password=asked.password.get_secret_value(), code=code),
        source=source_of(site, request),
    )


@router.get("")
def session(person: SomebodySignedIn) -> SessionView:
    """Tell who is signed in, until when, and what is needed of them before anything else."""
    return see_session(person)


@router.delete("", status_code=204)
def logout(site: AtSite, person: SomebodySignedIn) -> None:
    """Sign out; the token is worth nothing from now on."""
    sign_out(site.installation, person)


@router.post("/first")
def first(site: AtSite, request: Request, asked: FirstAsked) -> SignedIn:
    """Make the first administrator, by the code that the program printed when it started."""
    return make_first_administrator(
        site.installation,
        First(
            code=asked.code.get_secret_value(),
            name=asked.name,
            full_name=asked.full_name,
            password=asked.password.get_secret_value(),
        ),
        source=source_of(site, request),
    )


@router.post("/code")
def by_code(site: AtSite, request: Request, asked: CodeAsked) -> SignedIn:
    """Set the password of a new or reset account by its code, and sign in."""
    return set_password(
        site.installation,
        asked.code.get_secret_value(),
        asked.password.get_secret_value(),
        source=source_of(site, request),
    )


@router.post("/password", status_code=204)
def password(site: AtSite, person: SomebodySignedIn, asked: PasswordAsked) -> None:
    """Set another password; all your sessions end, this one too."""
    change_password(
        site.installation,
        person.principal,
        password=asked.password.get_secret_value(),
        new=asked.new_password.get_secret_value(),
    )


@router.post("/totp")
def totp(site: AtSite, person: SomebodySignedIn, asked: TotpAsked) -> TotpView:
    """Begin to set an authenticator app up; one of before counts until this is confirmed."""
    return begin_totp(
        site.installation, person.principal, password=asked.password.get_secret_value()
    )


@router.post("/totp/confirm")
def confirm(site: AtSite, person: SomebodySignedIn, asked: ConfirmAsked) -> RecoveryCodes:
    """Confirm the app by its first code; your other sessions end."""
    return confirm_totp(
        site.installation,
        person.principal,
        code=asked.code.get_secret_value(),
        session_id=person.session.id,
    )


def source_of(site: AtSite, request: Request) -> Source:
    """Return where a request comes from, as far as that can be known."""
    address = "" if request.client is None else request.client.host
    header = site.installation.settings.console.client_header
    if header is not None:
        # The proxy adds its own word at the end; what stands before is the caller's.
        said = ",".join(request.headers.getlist(header)).rpartition(",")[2].strip()
        address = said or address
    return Source(address, site.attempts)

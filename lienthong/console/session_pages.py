"""Pages on who is signed in: signing in and out, the first administrator, one's own account."""

from __future__ import annotations

from typing import Annotated, Literal

import segno
from fastapi import APIRouter, Depends, Query, Request
from fastapi import Form as FormBody
from markupsafe import Markup
from pydantic import Field, SecretStr
from starlette.responses import Response

from lienthong.api.session_routes import FullName, Named, Secret, source_of
from lienthong.console.asking import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    AnyPage,
    Form,
    OwnPage,
    Page,
    check_form,
    cookie_name,
    is_secure,
    own_path,
)
from lienthong.operations.account_views import SignedIn
from lienthong.operations.own_account import begin_totp, change_password, confirm_totp
from lienthong.operations.signing_in import (
    First,
    Login,
    make_first_administrator,
    set_password,
    sign_in,
    sign_out,
)
from lienthong.store.accounts import has_accounts
from lienthong.store.database import reading
from schemas.errors import InputError
from schemas.problem import Language, Problem, Text

router = APIRouter()
_CHECKED = [Depends(check_form)]
_A_YEAR = 366 * 86_400


class LoginForm(Form):
    """What somebody signs in with."""

    name: Annotated[str, Field(max_length=200)]
    password: Secret
    code: Secret | None = None
    to: Annotated[str, Field(max_length=4_000)] | None = None


class CodeForm(Form):
    """A one-time code and a new password."""

    code: Secret
    password: Secret
    again: Secret


class FirstForm(CodeForm):
    """The first administrator."""

    name: Named
    full_name: FullName


class PasswordForm(Form):
    """Another password."""

    password: Secret
    new_password: Secret
    again: Secret


class TotpForm(Form):
    """The password, before an app is set up."""

    password: Secret


class ConfirmForm(Form):
    """The first code of an app."""

    code: Secret


class LookForm(Form):
    """How somebody wants pages to be."""

    language: Language | None = None
    theme: Literal["auto", "light", "dark"] | None = None
    to: str | None = None


@router.get("/sign-in")
def sign_in_page(
    page: AnyPage, to: Annotated[str | None, Query(max_length=4_000)] = None
) -> Response:
    """Ask who is there."""
    if page.person is not None:
        return page.go(own_path(to))
    with reading(page.site.installation.store) as connection:
        is_new = not has_accounts(connection)
    return show_sign_in(page, to=to, is_new=is_new)


@router.post("/sign-in", dependencies=_CHECKED)
def sign_in_form(
    page: AnyPage, request: Request, form: Annotated[LoginForm, FormBody()]
) -> Response:
    """Sign in."""
    code = None if form.code is None else form.code.get_secret_value()
    login = Login(name=form.name, password=form.password.get_secret_value(), code=code)
    try:
        signed_in = sign_in(page.site.installation, login, source=source_of(page.site, request))
    except InputError as error:
        return show_sign_in(
            page,
            401,
            to=form.to,
            name=form.name,
            problem=error.problem,
            asks_code=error.code == "access.code_needed" or code is not None,
        )
    return begin_in_browser(page, signed_in, own_path(form.to))


@router.post("/sign-out", dependencies=_CHECKED)
def sign_out_form(page: OwnPage) -> Response:
    """Sign out."""
    assert page.person is not None
    sign_out(page.site.installation, page.person)
    answer = page.go("/sign-in")
    answer.delete_cookie(cookie_name(page.site), secure=is_secure(page.site), httponly=True)
    return answer


@router.get("/first")
def first_page(page: AnyPage) -> Response:
    """Ask for the first administrator."""
    return page.show("first.html", problem=None, name="", full_name="")


@router.post("/first", dependencies=_CHECKED)
def first_form(page: AnyPage, request: Request, form: Annotated[FirstForm, FormBody()]) -> Response:
    """Make the first administrator."""
    first = First(
        code=form.code.get_secret_value().strip(),
        name=form.name,
        full_name=form.full_name,
        password=form.password.get_secret_value(),
    )
    try:
        _same(form.password, form.again)
        made = make_first_administrator(
            page.site.installation, first, source=source_of(page.site, request)
        )
    except InputError as error:
        return page.show(
            "first.html", 422, problem=error.problem, name=form.name, full_name=form.full_name
        )
    return begin_in_browser(page, made, "/account")


@router.get("/code")
def code_page(page: AnyPage) -> Response:
    """Ask for a one-time code of an administrator."""
    return page.show("code.html", problem=None)


@router.post("/code", dependencies=_CHECKED)
def code_form(page: AnyPage, request: Request, form: Annotated[CodeForm, FormBody()]) -> Response:
    """Set a password by a one-time code."""
    try:
        _same(form.password, form.again)
        signed_in = set_password(
            page.site.installation,
            form.code.get_secret_value().strip(),
            form.password.get_secret_value(),
            source=source_of(page.site, request),
        )
    except InputError as error:
        return page.show("code.html", 422, problem=error.problem)
    return begin_in_browser(page, signed_in, "/account")


@router.get("/account")
def account_page(page: OwnPage) -> Response:
    """Show what is one's own, and what is still needed."""
    return page.show("own_account.html", problem=None)


@router.post("/account/password", dependencies=_CHECKED)
def password_form(page: OwnPage, form: Annotated[PasswordForm, FormBody()]) -> Response:
    """Set another password; everybody who is signed in by the old one is out."""
    try:
        _same(form.new_password, form.again)
        change_password(
            page.site.installation,
            page.caller,
            password=form.password.get_secret_value(),
            new=form.new_password.get_secret_value(),
        )
    except InputError as error:
        return page.show("own_account.html", 422, problem=error.problem)
    return page.go("/sign-in")


@router.post("/account/totp", dependencies=_CHECKED)
def totp_form(page: OwnPage, form: Annotated[TotpForm, FormBody()]) -> Response:
    """Begin to set an authenticator app up."""
    try:
        made = begin_totp(
            page.site.installation, page.caller, password=form.password.get_secret_value()
        )
    except InputError as error:
        return page.show("own_account.html", 422, problem=error.problem)
    picture = Markup(segno.make(made.uri).svg_inline(scale=5, border=4, dark="#000", light="#fff"))  # noqa: S704 - made by us of our own address
    return page.show("totp.html", problem=None, picture=picture, secret=made.secret)


@router.post("/account/totp/confirm", dependencies=_CHECKED)
def confirm_form(page: OwnPage, form: Annotated[ConfirmForm, FormBody()]) -> Response:
    """Let the app count, and show codes in reserve this once."""
    assert page.person is not None
    try:
        reserve = confirm_totp(
            page.site.installation,
            page.caller,
            code=form.code.get_secret_value(),
            session_id=page.person.session.id,
        )
    except InputError as error:
        return page.show("totp.html", 422, problem=error.problem, picture=None, secret=None)
    return page.show("recovery.html", codes=reserve.codes)


@router.post("/look", dependencies=_CHECKED)
def look_form(page: AnyPage, form: Annotated[LookForm, FormBody()]) -> Response:
    """Remember the language, and light or dark, in the browser."""
    answer = page.go(own_path(form.to))
    chosen = {
        LANGUAGE_COOKIE: None if form.language is None else form.language.value,
        THEME_COOKIE: form.theme,
    }
    for name, value in chosen.items():
        if value is not None:
            answer.set_cookie(
                name, value, max_age=_A_YEAR, secure=is_secure(page.site), samesite="lax"
            )
    return answer


def show_sign_in(
    page: Page,
    status: int = 200,
    *,
    to: str | None = None,
    name: str = "",
    problem: Problem | None = None,
    **more: bool,
) -> Response:
    """Ask who is there, with what was wrong the last time; `more`: asks_code, is_new."""
    said = {"asks_code": False, "is_new": False, **more}
    # Not the address: that of a sign-in that failed has a code in it.
    here = page.link("/sign-in", to=to)
    return page.show("sign_in.html", status, to=to, name=name, problem=problem, here=here, **said)


def begin_in_browser(page: Page, signed_in: SignedIn, path: str) -> Response:
    """Give the browser the session that was just made, and send it on to `path`, of ours."""
    answer = page.go("/account" if signed_in.needs else path)
    answer.set_cookie(
        cookie_name(page.site),
        signed_in.token,
        secure=is_secure(page.site),
        httponly=True,
        # Links from elsewhere open; forms are guarded by what they carry.
        samesite="lax",
    )
    return answer


def _same(one: SecretStr, other: SecretStr) -> None:
    if one != other:
        raise InputError(
            Problem(
                code="access.not_same",
                message=Text(
                    vi="Hai lần nhập mật khẩu mới không giống nhau",
                    en="The new password is not the same both times",
                ),
                suggestion=Text(vi="Nhập lại cả hai ô", en="Type it into both fields again"),
            )
        )

"""Forms of kept searches; the lists that are searched show them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi import Form as FormBody
from pydantic import Field
from starlette.responses import Response

from lienthong.console.asking import Form, SignedInPage, check_form, own_path
from lienthong.operations.filters import LONGEST_NAME, delete_filter, save_filter
from lienthong.operations.searches import ListPage, read_query

router = APIRouter(prefix="/filters")
_CHECKED = [Depends(check_form)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class KeepForm(Form):
    """A search as it was on the page, and what it is to be called."""

    name: Name
    query: str = Field(default="", max_length=20_000)
    """Of the address; what is too long to be kept is told in words."""


class ForgetForm(Form):
    """Which of one's own."""

    name: Name
    to: str = Field(default="/", max_length=20_000)
    """The page on which it was."""


@router.post("/{which}", dependencies=_CHECKED)
def keep_form(
    page: SignedInPage, which: ListPage, form: Annotated[KeepForm, FormBody()]
) -> Response:
    """Keep a search, and show the list as it finds it."""
    search = read_query(which, form.query)
    kept = save_filter(page.site.installation, page.caller, form.name, search)
    return page.go(f"/{which.value}?{kept.query}" if kept.query else f"/{which.value}")


@router.post("/{which}/delete", dependencies=_CHECKED)
def forget_form(
    page: SignedInPage, which: ListPage, form: Annotated[ForgetForm, FormBody()]
) -> Response:
    """Forget one."""
    delete_filter(page.site.installation, page.caller, which, form.name)
    return page.go(own_path(form.to))

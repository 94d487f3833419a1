"""
Making a page: templates, the words that they say in the reader's language, and what protects them.

Every value is escaped, and the content security policy lets nothing run but the console's own
files, so a script in a dossier's field is text, and would do nothing if it slipped through.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from lienthong.access.rights import ROLE_NAMES, Role
from lienthong.console import words
from lienthong.detail_words import attempt_words, detail_name, detail_value
from lienthong.pages import cut
from lienthong.step_words import word_of
from schemas.building import VIETNAM
from schemas.problem import Language, Text

if TYPE_CHECKING:
    import os
    from enum import Enum

    from jinja2.runtime import Context
    from starlette.responses import Response
    from starlette.types import Scope

    from lienthong.operations.views import WherePlace, Words

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
THEMES = ("auto", "light", "dark")
_AS_IT_IS_KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody wants pages to be."""

    language: Language = Language.VI
    theme: str = "auto"


class Static(StaticFiles):
    """Files of the console, under an address that changes with them: kept by browsers for good."""

    def __init__(self) -> None:
        """Take them from the package."""
        super().__init__(packages=[("lienthong.console", "static")])

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Answer with one file."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = _AS_IT_IS_KEPT
        return response


@cache
def static_root() -> str:
    """Return where the files are: an address with their digest in it."""
    digest = hashlib.sha256()
    for file in sorted(files("lienthong.console").joinpath("static").iterdir(), key=str):
        digest.update(file.read_bytes())
    return f"/static/{digest.hexdigest()[:16]}"


def render(template: str, look: Look, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page; `values` are what its template names."""
    page = _environment().get_template(template).render(look=look, **values)
    headers = {
        "Content-Security-Policy": POLICY,
        "Content-Language": look.language.value,
        # What a page shows differs by its reader, and by whether htmx asked for a part of it.
        "Vary": "Cookie, HX-Request",
    }
    return HTMLResponse(page, status_code=status, headers=headers)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lienthong.console"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cut": cut,
        "say": _say,
        "when": _when,
        "name": _name,
        "tone": _tone,
        "number": _number,
        "lasts": _lasts,
        "place": _place,
        "step": word_of,
        "role": _role,
        "detail_name": detail_name,
        "detail_value": detail_value,
        "attempt": attempt_words,
    }
    environment.globals |= {"t": _text, "words": words, "static": static_root(), "EN": Language.EN}
    # All of them now: a release that is installed under a running process is not half of it.
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


@pass_context
def _text(context: Context, vi: str, en: str) -> str:
    """Say one of two sentences."""
    return en if context["look"].language is Language.EN else vi


@pass_context
def _say(context: Context, both: Words | Text) -> str:
    """Say a sentence that there is in both languages."""
    return _text(context, both.vi, both.en)


@pass_context
def _name(context: Context, value: Enum) -> str:
    """Say what something is called."""
    for table in words.NAMES:
        if value in table:
            return _say(context, table[value])
    return str(value.value)


def _role(value: str) -> Text:
    """Return what a role is called that is known by its code."""
    return ROLE_NAMES[Role(value)]


def _tone(value: Enum) -> str:
    """Return how something looks: good, bad, warn or quiet."""
    return next((table[value] for table in words.ALL_TONES if value in table), "quiet")


def _when(moment: datetime | str) -> str:
    """Write a moment as people in Việt Nam do; one that somebody typed without a zone is theirs."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    aware = at if at.tzinfo is not None else at.replace(tzinfo=VIETNAM)
    return aware.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")


@pass_context
def _number(context: Context, value: float) -> str:
    """Write a number with its thousands apart."""
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    if context["look"].language is Language.EN:
        return shown
    return shown.translate(str.maketrans(",.", ".,"))


@pass_context
def _lasts(context: Context, seconds: float) -> str:
    """Write how long something takes, as coarsely as anybody needs it."""
    for size, vi, en in ((86_400, "ngày", "d"), (3_600, "giờ", "h"), (60, "phút", "min")):
        if seconds >= size:
            return f"{_number(context, round(seconds / size, 1))} {_text(context, vi, en)}"
    return f"{round(seconds)} {_text(context, 'giây', 's')}"


@pass_context
def _place(context: Context, place: WherePlace) -> str:
    """Say where something stands in the agency's input."""
    parts = [
        (place.file, "tệp", "file"),
        (place.sheet, "trang tính", "sheet"),
        (place.row, "dòng", "row"),
        (place.line, "dòng văn bản", "line"),
        (place.column, "cột", "column"),
        (place.path, "vị trí", "path"),
    ]
    said = [f"{_text(context, vi, en)} {value}" for value, vi, en in parts if value is not None]
    return ", ".join(said)

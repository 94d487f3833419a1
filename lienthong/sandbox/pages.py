"""
The page of the control address: what arrived, why it was refused, and what the portal has.

Everything that came from a request is text to the page. Forms carry a token that only the page
knows, so that nobody else's page can fill them in.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from lienthong.pages import render_page
from lienthong.sandbox.changing import Change
from lienthong.sandbox.counter import NotFiled
from lienthong.sandbox.explaining import explain
from lienthong.sandbox.filing import DOSSIER, PAYMENT, FilingWish
from lienthong.sandbox.filings import list_dossiers, list_filings
from lienthong.sandbox.misbehaviour import Misbehaviour, Mode
from lienthong.sandbox.portal import TEXTS, Code
from lienthong.sandbox.showing import show_body, show_headers
from lienthong.sandbox.store import find_arrival, last_arrivals
from lienthong.sandbox.tampering import corrupt_dossiers, delete_dossiers
from schemas.building import VIETNAM
from schemas.problem import Language, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lienthong.sandbox.handlers import App

MOST_SHOWN: Final = 100
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # A browser that told no origin at all would send "null" with a form.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_is_arrival: Final = re.compile(r"/arrivals/([0-9]{1,18})", re.ASCII).fullmatch
_MODES: Final = tuple(mode.value for mode in Mode)
_CHOICES: Final = (
    *(mode for mode in _MODES if mode != Mode.CHANGED.value),
    *(f"{Mode.CHANGED.value}:{change.value}" for change in Change),
)
_SERVICES: Final = (DOSSIER, PAYMENT)


class FormRefused(Exception):
    """A form is not one of this page's, or says what cannot be done; in both languages."""

    def __init__(self, text: Text, *, status: int = 422) -> None:
        super().__init__(text.en)
        self.text = text
        self.status = status


class Tone(Enum):
    """How an outcome is shown."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Renders the pages of one sandbox, and does what their forms say."""

    app: App
    apply: Callable[[], None]
    """Makes the portal listen, or not, as is ordered now."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def show(self, target: str) -> tuple[int, bytes] | None:
        """Return status and page at a target, or None where there is none."""
        parts = urlsplit(target)
        lang = _language(parse_qs(parts.query).get("lang", [""])[0])
        if parts.path == "/":
            return 200, self.overview(lang)
        found = _is_arrival(parts.path)
        if found is None:
            return None
        page = self._arrival(int(found[1]), lang)
        return None if page is None else (200, page)

    def overview(self, lang: Language, *, complaint: Text | None = None) -> bytes:
        """Return the first page."""
        run, now = self.app.portal.store.run, monotonic()
        rows = run(lambda one: last_arrivals(one, limit=MOST_SHOWN))
        arrivals = [self._row(row, lang) for row in rows]
        return self._render(
            "sandbox.html",
            lang,
            arrivals=arrivals,
            dossiers=run(lambda one: list_dossiers(one, limit=MOST_SHOWN)),
            filings=run(lambda one: list_filings(one, limit=MOST_SHOWN)),
            orders=self.app.misbehaviours.describe(now),
            stage=self.app.misbehaviours.describe_stage(now),
            door=self.app.counter.door,
            modes=_CHOICES,
            services=_SERVICES,
            complaint=complaint,
        )

    def _row(self, row: dict[str, Any], lang: Language) -> dict[str, Any]:
        exchange = self.app.portal.memory.find(row["id"])
        mode = None if exchange is None else exchange.mode
        return row | {
            "tone": _tone(row["outcome"]),
            "says": _say_outcome(row["outcome"], lang),
            "at": _local(row["at"]),
            "channel": "" if exchange is None else exchange.channel,
            "mode": "" if mode == row["outcome"] else mode or "",
        }

    def _arrival(self, number: int, lang: Language) -> bytes | None:
        row = self.app.portal.store.run(lambda one: find_arrival(one, number))
        if row is None:
            return None
        exchange = self.app.portal.memory.find(number)
        mode = None if exchange is None else exchange.mode
        findings = (() if exchange is None else exchange.findings) or explain(
            row["outcome"], mode=mode
        )
        return self._render(
            "sandbox_arrival.html",
            lang,
            row=self._row(row, lang),
            exchange=exchange,
            headers=() if exchange is None else show_headers(exchange.headers),
            request="" if exchange is None else show_body(exchange.request),
            answer="" if exchange is None else show_body(exchange.answer),
            findings=findings,
        )

    def _render(self, template: str, lang: Language, **values: object) -> bytes:
        def say(vi: str, en: str) -> str:
            return Text(vi=vi, en=en).say(lang)

        pieces = render_page(template, lang=lang, say=say, local=_local, token=self.token, **values)
        return "".join(pieces).encode("utf-8", "replace")

    def obey(self, path: str, data: bytes) -> str:
        """
        Do what a form says; return where to go from there.

        Raises:
            FormRefused: it has not the page's token, or it cannot be done.
        """
        try:
            fields = parse_qs(data.decode(), max_num_fields=20)
        except ValueError as error:
            raise FormRefused(_NOT_READ, status=400) from error
        form = {name: values[-1].strip() for name, values in fields.items()}
        if not secrets.compare_digest(form.get("token", "").encode(), self.token.encode()):
            raise FormRefused(_NO_TOKEN, status=403)
        try:
            self._do(path, form)
        except ValidationError as error:
            words = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise FormRefused(Text(vi=words, en=words)) from error
        except NotFiled as error:
            raise FormRefused(_join([problem.message for problem in error.problems])) from error
        self.apply()
        return f"/?lang={_language(form.get('lang', '')).value}"

    def _do(self, path: str, form: Mapping[str, str]) -> None:
        app, code = self.app, form.get("dossier_code", "")
        match path:
            case "/page/misbehave":
                mode, _, change = form.get("mode", "").partition(":")
                wish: dict[str, Any] = {"mode": mode} | ({"change": change} if change else {})
                names = ("count", "share", "for_seconds", "pattern")
                wish |= {name: form[name] for name in names if form.get(name)}
                app.misbehaviours.add(Misbehaviour.model_validate(wish), now=monotonic())
            case "/page/clear":
                app.misbehaviours.clear()
            case "/page/restart":
                app.misbehaviours.restart(monotonic())
            case "/page/delete":
                delete_dossiers(app.portal.store.file, [code])
            case "/page/corrupt":
                corrupt_dossiers(app.portal.store.file, [code])
            case "/page/file":
                order: dict[str, Any] = {"service": form.get("service", "")}
                if form.get("unit"):
                    order["unit"] = form["unit"]
                if form.get("door"):
                    order["door"] = {"url": form["door"], "token": form.get("door_token", "")}
                app.counter.file(FilingWish.model_validate(order), now=app.clock())
            case _:
                raise FormRefused(_NOT_READ, status=404)


def _language(word: str) -> Language:
    return Language.EN if word == Language.EN.value else Language.VI


def _local(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")


def _say_outcome(outcome: str, lang: Language) -> str:
    """Return an outcome with the portal's words for its code."""
    code = next((one for one in Code if one.value == outcome), None)
    if code is None:
        return outcome
    words = Text(vi=TEXTS[code], en=code.name.lower().replace("_", " ")).say(lang)
    return f"{outcome} · {words}"


def _tone(outcome: str) -> str:
    if outcome in ("0", "looked_up"):
        return Tone.GOOD.value
    return Tone.WARN.value if outcome in ("pending", *_MODES) else Tone.BAD.value


def _join(texts: list[Text]) -> Text:
    return Text(vi="; ".join(one.vi for one in texts), en="; ".join(one.en for one in texts))


_NO_TOKEN: Final = Text(
    vi="Biểu mẫu không phải của trang này: tải lại trang rồi thử lại",
    en="the form is not of this page: load the page again, then try again",
)
_NOT_READ: Final = Text(vi="Không có biểu mẫu này", en="there is no such form")

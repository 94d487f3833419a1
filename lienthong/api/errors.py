"""
Every error of an operation as what is refused: one table for the API and for the console's pages.

The words quote nothing of what was sent; logs have codes and kinds, never an address or a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from broker.port import BrokerError
from lienthong.access.attempts import TooMany
from lienthong.access.rights import Forbidden
from lienthong.api.limits import TooLong
from lienthong.logs import kind_and_place
from lienthong.operations.impact import MappingRefused
from lienthong.operations.masking import masked
from lienthong.trouble import STORE_TROUBLE, is_about_data
from lienthong.web import refusal
from lienthong.web.refusal import Refused
from schemas.errors import ConfigError, InputError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 5
UNREADABLE = 400
"""What FastAPI says of a body that is not even text."""
_CONFLICTS = (
    "message.wrong_state",
    "reissue.",
    "dossier.several",
    "access.name_taken",
    "access.last_administrator",
    "access.by_provider",
    "access.no_provider",
    "access.wrong_way",
    "replay.wrong_state",
    "replay.digest",
    "replay.stale",
    "problem.changed",
    "problem.wrong_state",
    "download.busy",
    "audit.busy",
    "impact.busy",
    "attempt.request_changed",
    "preview.portal_rests",
    "preview.busy",
    "replay.no_preview",
    "filter.too_many",
)
"""What another state of things would have allowed."""
_UNKNOWN = ("access.login", "access.code_needed", "access.wrong_code")
"""What leaves open who asks."""


def answer_errors(app: FastAPI, answer: Callable[[Request, Refused], Response]) -> None:
    """Have every error of `app` answered by `answer`."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer(request, refused_for(error))

    known = (Refused, InputError, ConfigError, RequestValidationError, HTTPException)
    for kind in (*known, *STORE_TROUBLE, BrokerError, PeerError, Exception):
        app.add_exception_handler(kind, handle)


def refused_for(error: Exception) -> Refused:
    """Return what is answered to an error, and log what was no fault of the caller."""
    match error:
        case Refused():
            return error
        case MappingRefused():
            # They quote a text that whoever asks has just written.
            findings = [each.model_dump(mode="json") for each in error.findings]
            return Refused(422, masked(error.problem), more={"findings": findings})
        case InputError():
            headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
            return Refused(_status_of(error), masked(error.problem), headers)
        case ConfigError():
            return _not_configured(error)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _by_status(error)
        case BrokerError() | PeerError():
            return _away(error)
        case DBAPIError() if is_about_data(error):
            return _unholdable()
        case _ if isinstance(error, STORE_TROUBLE):
            return _away(error)
        case _:
            # Its words may quote the request, so only its kind and its place are logged.
            log.error("api.failed", **kind_and_place(error))
            return refusal.failed()


def _status_of(error: InputError) -> int:
    if isinstance(error, TooMany):
        return 429
    if isinstance(error, Forbidden) or error.code in ("access.unfinished", "replay.own"):
        return 403
    if error.code in _UNKNOWN:
        return 401
    if error.code.endswith((".not_found", "_not_found")):
        return 404
    if error.code.endswith("_erased"):
        return 410
    return 409 if error.code.startswith(_CONFLICTS) else 422


def _not_configured(error: ConfigError) -> Refused:
    # Its words name files and settings of the machine, which is for its operator.
    log.warning("api.not_configured", code=error.code)
    return refusal.refuse(
        503,
        "api.not_configured",
        Text(
            vi=f"Cấu hình hiện không dùng được ({error.code})",
            en=f"The configuration cannot be used now ({error.code})",
        ),
        Text(
            vi="Báo người quản trị máy chủ; kiểm tra bằng: lienthong doctor",
            en="Tell whoever runs the server; lienthong doctor says what is wrong",
        ),
    )


def _invalid(error: RequestValidationError) -> Refused:
    # Where, and what was expected; never what was sent.
    return _unusable(
        f"{'.'.join(str(part) for part in each['loc'])}: {each['type']}"
        for each in error.errors()[:10]
    )


def _unusable(wrong: Iterable[str]) -> Refused:
    found = "; ".join(wrong)[:500]
    return refusal.refuse(
        422,
        "api.request",
        Text(vi=f"Yêu cầu không dùng được: {found}", en=f"The request cannot be used: {found}"),
        Text(vi="Sửa theo /v1/openapi.json", en="Mend it as /v1/openapi.json says"),
    )


def _by_status(error: HTTPException) -> Refused:
    if error.status_code == UNREADABLE:
        return _unusable(["body: unreadable"])
    refused = refusal.no_such_page(error.status_code)
    if isinstance(error, TooLong):
        refused = refusal.too_much(error.limit)
    headers = {**refused.headers, **(error.headers or {})}
    return Refused(refused.status, refused.problem, headers)


def _unholdable() -> Refused:
    # PostgreSQL says so of U+0000 and of numbers that are too large.
    return refusal.refuse(
        422,
        "api.value",
        Text(vi="Có giá trị không lưu hay tìm được", en="A value cannot be kept or looked for"),
        Text(
            vi="Bỏ ký tự điều khiển và số quá lớn",
            en="Leave out control characters and numbers that are too large",
        ),
    )


def _away(error: Exception) -> Refused:
    log.warning("api.store", cause=type(error).__name__)
    return refusal.store_away(RETRY_AFTER_SECONDS)

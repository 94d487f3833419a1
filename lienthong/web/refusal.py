"""
What an HTTP service answers instead of what it was asked for: problem+json, in both languages.

Every answer has a stable code and nothing of what was sent. Source: RFC 9457.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:lienthong:problem:"


@dataclass(eq=False)
class Refused(Exception):
    """A request that is answered with an error."""

    status: int
    problem: Problem
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the answer, as RFC 9457, section 3.2 allows."""


def refuse(
    status: int,
    code: str,
    message: Text,
    suggestion: Text | None = None,
    **headers: str,
) -> Refused:
    """Return a refusal; `headers` are named with underscores."""
    return Refused(
        status,
        Problem(code=code, message=message, suggestion=suggestion),
        {name.replace("_", "-").title(): value for name, value in headers.items()},
    )


def body_of(refused: Refused) -> bytes:
    """Return the answer's body."""
    problem = refused.problem
    values: dict[str, Any] = {
        "type": TYPE + problem.code,
        "title": problem.message.en,
        "status": refused.status,
        "code": problem.code,
        "message": problem.message._asdict(),
    }
    if problem.suggestion is not None:
        values["suggestion"] = problem.suggestion._asdict()
    values |= refused.more
    return json.dumps(values, ensure_ascii=False).encode()


def no_token() -> Refused:
    """Nobody can tell who asks."""
    return refuse(
        401,
        "http.token",
        Text(
            vi="Thiếu mã truy cập, hoặc mã sai, hết hạn, đã thu hồi",
            en="The token is missing, wrong, expired or revoked",
        ),
        Text(
            vi="Gửi header Authorization: Bearer <mã>; xin mã từ người vận hành",
            en="Send the header Authorization: Bearer <token>; ask the operator for one",
        ),
        www_authenticate="Bearer",
    )


def unusable(code: str, what: str) -> Refused:
    """A header or parameter cannot be used."""
    return refuse(
        422,
        code,
        Text(vi=f"{what} không dùng được", en=f"{what} cannot be used as it is"),
        Text(vi="Sửa theo /v1/openapi.json", en="Mend it as /v1/openapi.json says"),
    )


def store_away(retry_after: int) -> Refused:
    """Nothing can be made durable now."""
    return refuse(
        503,
        "http.store_unreachable",
        Text(
            vi="Chưa ghi được lâu bền vào lúc này; có thể chưa nhận được gì",
            en="Nothing can be made durable now; it may not have been taken over",
        ),
        Text(
            vi="Gửi lại sau với cùng Idempotency-Key",
            en="Send it again later, with the same Idempotency-Key",
        ),
        retry_after=str(retry_after),
    )


def failed() -> Refused:
    """A bug of ours."""
    return refuse(
        500,
        "http.failed",
        Text(vi="Lỗi bên trong của hệ thống", en="An error inside the system"),
        Text(
            vi="Gửi lại với cùng Idempotency-Key; nếu còn lỗi, báo người vận hành",
            en="Send it again with the same Idempotency-Key; tell the operator if it stays",
        ),
    )


def no_such_page(status: int) -> Refused:
    """Nothing is at this address, or not by this method."""
    return refuse(
        status,
        "http.method" if status == 405 else "http.address",
        Text(
            vi="Không có gì ở địa chỉ này theo phương thức này; xem /v1/openapi.json",
            en="Nothing is at this address by this method; see /v1/openapi.json",
        ),
        Text(
            vi="Kiểm tra địa chỉ và phương thức (GET, POST)",
            en="Check the address and the method (GET, POST)",
        ),
    )


def too_much(limit: int) -> Refused:
    """The request says more than may be said."""
    return refuse(
        413,
        "http.too_much",
        Text(
            vi=f"Yêu cầu dài hơn {limit} byte",
            en=f"The request is longer than {limit} bytes",
        ),
        Text(vi="Gửi ít hơn trong một yêu cầu", en="Say less in one request"),
    )

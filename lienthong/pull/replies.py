"""What a web service answers: read with its numbers whole, and judged by its result code."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lienthong.pull.http import shown_address
from lienthong.pull.paths import ABSENT, look, shown_names
from schemas.errors import ConfigError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Collection


class ResultRefused(PeerError):
    """The result code is none that means success; `result` is the code."""

    def __init__(self, message: Text, *, result: str) -> None:
        super().__init__(message, retryable=True, code="pull.answer")
        self.result = result


def parse_json(body: bytes, *, where: str) -> Any:
    """
    Return a reply in JSON; numbers with a fraction keep every digit. An empty body is None.

    Raises:
        PeerError: it is not JSON; a gateway's page, most often, which passes.
    """
    if not body.strip():
        return None
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise PeerError(
            Text(
                vi=f"Nguồn {shown_address(where)} trả lời không phải JSON "
                f"({type(error).__name__}); sẽ tự thử lại; nếu luôn vậy, xem url và headers",
                en=f"the source {shown_address(where)} does not answer in JSON "
                f"({type(error).__name__}); it is tried again; if it stays so, check url and "
                "headers",
            ),
            retryable=True,
            code="pull.reply",
        ) from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def check_result(reply: Any, *, error: str | None, success: Collection[str], where: str) -> None:
    """Raise ResultRefused where the reply's own result code is none that means success."""
    if error is None:
        return
    found = look(reply, error)
    if isinstance(found, bool):
        found = str(found).lower()
    result = "?" if found is ABSENT or isinstance(found, dict | list) else str(found)
    if result in success:
        return
    shown = result if len(result) <= 20 and result.isprintable() else "…"
    raise ResultRefused(
        Text(
            vi=f"Nguồn {shown_address(where)} trả lời «{error}» = {shown}, không thuộc success; "
            "không nhận gì từ câu trả lời này",
            en=f"the source {shown_address(where)} answers '{error}' = {shown}, which is not in "
            "success; nothing of this answer is taken",
        ),
        result=result,
    )


def records_in(reply: Any, *, path: str, may_be_null: bool) -> list[dict[str, Any]]:
    """
    Return the records of a reply.

    Args:
        reply: Parsed.
        path: Where they are.
        may_be_null: Nothing at all there counts as none: many services say so of an empty list, and
            some of one they failed to read, so it is believed only where nothing follows from it.

    Raises:
        ConfigError: something else is there.
    """
    found = look(reply, path)
    if found is None and may_be_null:
        return []
    if isinstance(found, list) and all(isinstance(record, dict) for record in found):
        return found
    kind = "-" if found is ABSENT else type(found).__name__
    raise ConfigError(
        Text(
            vi=f"Tại «{path}» (records) cần danh sách đối tượng, gặp {kind}; câu trả lời có: "
            f"{shown_names(reply)}",
            en=f"expected a list of objects at '{path}' (records), found {kind}; the reply has: "
            f"{shown_names(reply)}",
        ),
        code="pull.reply",
    )

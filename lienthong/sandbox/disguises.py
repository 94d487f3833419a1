"""
Answers that mean what they always mean, and are written as somebody else might: for misbehaviour.

An answer in JSON is an object with a code and a text under names that depend on its shape; one in
XML is the response element, before it is put into an envelope.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from adapters.charsets import encode
from lienthong.sandbox.misbehaviour import Mode
from schemas.parser import parse_xml

if TYPE_CHECKING:
    from lienthong.sandbox.misbehaviour import Misbehaviour

JSON: Final = "application/json; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"
SUCCESS_TEXT: Final = "Thành công"
SENTENCE: Final = "Đồng bộ hồ sơ thành công"
_CODES: Final = ("error_code", "StatusCode", "Status")
_MESSAGES: Final = ("message", "Message", "Description")


def disguise_json(body: bytes, strike: Misbehaviour | None) -> tuple[bytes, str]:
    """Return an answer and its content type as a misbehaviour wants them."""
    if strike is None or strike.mode not in _OF_JSON:
        return body, JSON
    if strike.mode is Mode.TEXT_ANSWER:
        return SENTENCE.encode(), TEXT
    values = json.loads(body)
    if strike.mode is Mode.WRAPPED:
        values = {"response_code": "0", "response_data": body.decode()}
    else:
        _change(values, strike.mode)
    return json.dumps(values, ensure_ascii=False).encode(), JSON


def _change(values: dict[str, Any], mode: Mode) -> None:
    code = next(name for name in _CODES if name in values)
    message = next(name for name in _MESSAGES if name in values)
    if mode is Mode.SUCCESS_TEXT:
        values[message] = SUCCESS_TEXT
    elif mode is Mode.CODE_NUMBER and isinstance(values[code], str):
        values[code] = int(values[code])


_OF_JSON: Final = frozenset(
    {
        Mode.TEXT_ANSWER,
        Mode.WRAPPED,
        Mode.SUCCESS_TEXT,
        Mode.CODE_NUMBER,
    }
)


def disguise_element(body: bytes, strike: Misbehaviour | None) -> bytes:
    """Return a response element as a misbehaviour wants it."""
    if strike is None or strike.mode is not Mode.SUCCESS_TEXT:
        return body
    root = parse_xml(body)
    root[1].text = SUCCESS_TEXT
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def recode(body: bytes, charset: str) -> bytes:
    """Return an answer that is UTF-8 in another charset."""
    text = body.decode()
    return text.encode(charset) if charset == "utf-16" else encode(text, charset)

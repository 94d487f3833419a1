"""What a peer is told, in its own spelling: JSON of a code and a text, SOAP answers and faults."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lxml import etree

from lienthong.channels.headers import WSA, XROAD, XROAD_IDS
from lienthong.inbound.soap_requests import (
    ID_HEADERS,
)
from lienthong.soap import CONTENT_TYPES, build_fault
from schemas.building import SOAP_11
from schemas.problem import Language
from signing import NoCanonicalForm, canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from lienthong.inbound.profile import PeerAnswers
    from lienthong.inbound.refusals import NotTaken
    from lienthong.inbound.soap_requests import Request

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer as it goes out."""

    status: int
    content: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


def say_taken(answers: PeerAnswers, *, is_repeat: bool) -> tuple[str, str]:
    """Return code and text of what is durable."""
    if is_repeat and answers.repeat_code is not None:
        return answers.repeat_code, answers.repeat_text
    return answers.success_code, answers.success_text


def say_refused(answers: PeerAnswers, refused: NotTaken) -> tuple[str, str]:
    """Return code and text of what is not taken over."""
    return answers.refused_code, refused.say(Language(answers.language))


def status_of(answers: PeerAnswers, refused: NotTaken) -> int:
    """Return the HTTP status of a refusal."""
    is_quiet = refused.is_about_content and answers.http_status == "always-200"
    return 200 if is_quiet else refused.status


def write_json(answers: PeerAnswers, code: str, text: str) -> bytes:
    """Return an answer's body in JSON."""
    said = {
        answers.code_name: int(code) if answers.numbers else code,
        answers.message_name: text,
    }
    return json.dumps(said, ensure_ascii=False).encode(errors="replace")


def write_fault(refused: NotTaken, *, soap: str) -> tuple[int, bytes]:
    """Return status and element of a fault; its reasons are in both languages."""
    is_ours = refused.status >= 500
    code, particular = "Receiver" if is_ours else "Sender", refused.fault
    if particular is not None and particular[0] in CONTENT_TYPES:
        code, particular = particular[1], None
    reason = f"{refused.say(Language.VI)} / {refused.say(Language.EN)}"
    body = build_fault(soap, code=code, reason=reason, particular=particular)
    # 500 in SOAP 1.1 (Basic Profile); 400 for what the sender did wrong in SOAP 1.2.
    if refused.status in (408, 411, 413, 415, 429, 503):
        return refused.status, body
    return 500 if is_ours or soap == SOAP_11 else 400, body


def answer_headers(request: Request | None) -> list[bytes]:
    """Return the header blocks of the answer to a request: what it answers, in its own words."""
    if request is None:
        return []
    blocks = []
    asked = request.headers.get(ID_HEADERS["addressing"])
    if asked is not None and asked.text:
        relates = escape(asked.text.strip())
        blocks.append(f'<wsa:RelatesTo xmlns:wsa="{WSA}">{relates}</wsa:RelatesTo>'.encode())
    # A security server compares these with the request's, block by block.
    for (namespace, _), block in request.headers.items():
        if namespace in (XROAD, XROAD_IDS):
            with suppress(NoCanonicalForm):
                blocks.append(canonical_bytes(_without_ids(block)))
    return blocks


def _without_ids(block: _Element) -> _Element:
    """Return a copy without ids, which the request's signature needed and the answer's must not."""
    block = copy.deepcopy(block)
    for element in block.iter(etree.Element):
        for name in list(element.attrib):
            if etree.QName(name).localname.casefold() == "id":
                del element.attrib[name]
    return block

"""
A SOAP service that is asked for what is new: requests by its WSDL, replies by the hardened parser.

A reply becomes names and texts: elements by their local names, repeated ones as lists, attributes
as @name, xsi:nil as null. A text that holds JSON or XML stays a text, which the mapping opens.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from lienthong.channels.local_wsdl import LocalOperation, username_token
from lienthong.pull.http import Caller, Request, shown_address
from lienthong.pull.listing import Listing
from lienthong.pull.paths import ABSENT, look, shown_names
from lienthong.pull.replies import check_result
from lienthong.pull.templates import fill, fill_address
from lienthong.pull.tokens import common_headers
from schemas.errors import ConfigError, PeerError
from schemas.parser import Limits, XmlRefused, parse_xml
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from lienthong.pull.marks import Mark
    from lienthong.pull.page import Page, PulledRow
    from lienthong.pull.soap_profile import SoapPull
    from lienthong.pull.tokens import Tokens

ENVELOPES: Final = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z:._-]{0,60}")
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class SoapSource:
    """
    One service.

    Raises:
        ConfigError: the WSDL cannot be used, or a certificate or key.
    """

    def __init__(self, profile: SoapPull, *, clock: Callable[[], datetime], tokens: Tokens) -> None:
        self._profile = profile
        self._tokens = tokens
        self._operation = LocalOperation(
            profile.wsdl, operation=profile.operation, soap=profile.soap
        )
        self._caller = Caller(profile, clock=clock)
        self._listing = Listing(profile, ask=self._ask, clock=clock, find=records_of)

    @property
    def address(self) -> str:
        """Where it is, as people may see it."""
        return shown_address(self._profile.url)

    def pages(self, *, low: Mark | None) -> Generator[Page]:
        """Yield what there is; see `sources.Source`."""
        return self._listing.pages(low=low)

    def lines(self, rows: Sequence[PulledRow]) -> list[bytes]:
        """Return the lines of rows: they are whole."""
        return [row.line for row in rows]

    def probe(self) -> None:
        """Ask for the first page; see `sources.Source`."""
        next(self.pages(low=self._profile.first_mark), None)

    def close(self) -> None:
        """Give back what it holds."""
        self._caller.close()

    def _ask(self, values: Mapping[str, Any], _address: str | None) -> Any:
        profile = self._profile

        def send(token: str | None) -> Any:
            filled = {**values, "token": token}
            body = self._caller.call(self._request(filled))
            reply = read_body(body, profile, shown=self.address)
            check_result(reply, error=profile.error, success=profile.success, where=self.address)
            return reply

        return self._tokens.using(profile, self._caller, send)

    def _request(self, values: Mapping[str, Any]) -> Request:
        profile = self._profile
        token = None
        headers = common_headers(profile, values)
        if profile.username_token is not None:
            token = username_token(
                profile.user or "",
                profile.password.get_secret_value(),
                is_digest=profile.username_token == "digest",  # noqa: S105 - a kind
            )
            if profile.token is None:
                del headers["Authorization"]
        body = self._operation.request(
            fill(profile.parameters, values),
            headers=fill(profile.soap_headers, values),
            token=token,
        )
        return Request(
            method="POST",
            address=fill_address(profile.url, values),
            body=body,
            headers={**self._kind(), **headers},
            shown=self.address,
            is_told_by_body=True,
        )

    def _kind(self) -> dict[str, str]:
        action = self._operation.action
        if self._profile.soap == "1.1":
            return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        return {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'}


def read_body(body: bytes, profile: SoapPull, *, shown: str) -> Any:
    """
    Return the Body of a reply as names and texts.

    Raises:
        PeerError: it is no envelope, or says that something went wrong.
    """
    try:
        root = parse_xml(body, limits=Limits(max_bytes=profile.max_reply_bytes))
    except XmlRefused as error:
        raise _no_envelope(shown, error.code) from error
    namespace = ENVELOPES[profile.soap]
    found = root.find(f"{{{namespace}}}Body")
    if root.tag != f"{{{namespace}}}Envelope" or found is None:
        raise _no_envelope(shown, etree.QName(root).localname[:40])
    fault = found.find(f"{{{namespace}}}Fault")
    if fault is not None:
        raise _fault(shown, fault)
    return _tree(found, profile.lists) or {}


def _tree(element: _Element, lists: frozenset[str]) -> Any:
    if element.get(_NIL) in ("true", "1"):
        return None
    names: dict[str, Any] = {
        f"@{etree.QName(str(name)).localname}": str(value)
        for name, value in element.attrib.items()
        if not str(name).startswith("{http://www.w3.org/2001/XMLSchema-instance}")
    }
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name, value = etree.QName(child).localname, _tree(child, lists)
        if name not in names:
            names[name] = _Several([value]) if name in lists else value
        elif isinstance(names[name], _Several):
            names[name].append(value)
        else:
            names[name] = _Several([names[name], value])
    if not names:
        return text
    if text.strip():
        names["#text"] = text
    return names


class _Several(list[Any]):
    """Elements of one name."""


def records_of(
    reply: Any,
    *,
    path: str,
    may_be_null: bool,  # noqa: ARG001 - XML shows an empty list as nothing, on every page
) -> list[dict[str, Any]]:
    """
    Return the records of a reply: a list of one looks like what is not a list.

    A text becomes a record with its one field, named after its element.

    Raises:
        ConfigError: the first name of the path is not there: it is another reply.
    """
    first, _, _ = path.partition(".")
    if look(reply, first) is ABSENT:
        raise ConfigError(
            Text(
                vi=f"Câu trả lời không có «{first}» (records); có: {shown_names(reply)}",
                en=f"the reply has no '{first}' (records); it has: {shown_names(reply)}",
            ),
            code="pull.reply",
        )
    found = look(reply, path)
    if found is ABSENT or found is None or found == "":
        return []
    name = path.rpartition(".")[2]
    several = found if isinstance(found, list) else [found]
    return [each if isinstance(each, dict) else {name: each} for each in several]


def _no_envelope(shown: str, found: str) -> PeerError:
    return PeerError(
        Text(
            vi=f"Nguồn {shown} trả lời không phải SOAP ({found}); sẽ tự thử lại; nếu luôn vậy, xem "
            "url và soap",
            en=f"the source {shown} does not answer in SOAP ({found}); it is tried again; if it "
            "stays so, check url and soap",
        ),
        retryable=True,
        code="pull.reply",
    )


def _fault(shown: str, fault: _Element) -> PeerError:
    # Its code, which is a name; never its words, which may quote a person's data.
    code = next((each.text for each in fault.iter("{*}faultcode", "{*}Value")), None)
    said = (code or "").strip()
    said = said if _CODE.fullmatch(said) else "?"
    return PeerError(
        Text(
            vi=f"Nguồn {shown} báo lỗi SOAP {said}; sẽ tự thử lại; kiểm tra parameters, user và "
            "mật khẩu nếu lỗi lặp lại",
            en=f"the source {shown} answers with the SOAP fault {said}; it is tried again; check "
            "parameters, user and password if it stays",
        ),
        retryable=True,
        code="pull.answer",
    )

"""
The message inside a proven SOAP request: which service it is of, its id, and its bytes.

Of the portal's services the message is the document (`BanTin`), not the request around it: that
has the number and the time of the attempt, and differs each time the same message is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from lienthong.inbound.json_messages import check_id
from lienthong.inbound.message import Fields, Message, fields_of
from lienthong.inbound.refusals import INVALID, NotTaken, invalid, not_taken, service_unknown
from lienthong.inbound.soap_requests import ID_HEADERS
from schemas.building import build_response
from schemas.errors import InputError
from schemas.inbound import NAMESPACE, OPERATION, build_inbound_response, read_inbound_request
from schemas.model import version_of_namespace
from signing import NoCanonicalForm, canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from lienthong.inbound.checking import Checker
    from lienthong.inbound.profile import PeerService, PeerSoap
    from lienthong.inbound.soap_requests import Request

_ID, _UNIT = "MaBanTin", "MaDonVi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a request wants done, and how that is answered."""

    namespace: str
    name: str

    @property
    def is_generic(self) -> bool:
        """Whether it is ours, for services without a schema."""
        return self.namespace == NAMESPACE

    def respond(self, *, code: str, text: str) -> bytes:
        """Return the answer's element."""
        if self.is_generic:
            return build_inbound_response(error_code=code, message=text)
        version = version_of_namespace(self.namespace)
        assert version is not None, "operations are of installed versions"
        return build_response(version, self.name, error_code=code, message=text)


def operation_of(element: _Element, *, checker: Checker) -> Operation:
    """
    Return the operation that a request is of.

    Raises:
        NotTaken: there is none such.
    """
    name = etree.QName(element)
    operation = Operation(namespace=name.namespace or "", name=name.localname)
    known = checker.knows_namespace(operation.namespace) and checker.knows(operation.name)
    if known or (operation.is_generic and operation.name == OPERATION):
        return operation
    raise not_taken(
        400,
        "inbound.operation",
        "Không có thao tác này",
        "There is no such operation",
    )


def read_message(
    request: Request,
    operation: Operation,
    *,
    profile: PeerSoap,
    services: Mapping[str, PeerService],
    checker: Checker,
) -> Message:
    """
    Return the one message of a request.

    Raises:
        NotTaken: with everything that is wrong with it.
    """
    if operation.is_generic:
        return _generic(request, profile=profile, services=services, checker=checker)
    if operation.name not in services:
        raise service_unknown()
    service, element = operation.name, request.element
    problems = checker.check_request(element, namespace=operation.namespace)
    if problems:
        raise invalid(problems, service=service)
    document = next(element.iter(f"{{{operation.namespace}}}BanTin"))
    stated = document.findtext(f"{{{operation.namespace}}}{_ID}")
    unit = document.findtext(f"{{{operation.namespace}}}{_UNIT}")
    return _message(
        request, service, document, profile=profile, stated=stated, envelope={_UNIT: unit}
    )


def _generic(
    request: Request,
    *,
    profile: PeerSoap,
    services: Mapping[str, PeerService],
    checker: Checker,
) -> Message:
    try:
        said = read_inbound_request(request.element)
    except InputError as error:
        raise NotTaken(INVALID, (error.problem,)) from error
    if said.service not in services:
        raise service_unknown()
    if checker.knows(said.service):
        # Otherwise it would get past the schema.
        raise not_taken(
            INVALID,
            "inbound.operation",
            f"{said.service} có thao tác riêng, không gửi trong {OPERATION}",
            f"{said.service} has an operation of its own, and is not sent in {OPERATION}",
        )
    return _message(
        request,
        said.service,
        said.content,
        profile=profile,
        stated=said.message_id,
        envelope={_UNIT: said.unit},
    )


def _message(
    request: Request,
    service: str,
    element: _Element,
    *,
    profile: PeerSoap,
    stated: str | None,
    envelope: Fields,
) -> Message:
    try:
        key = _message_id(request, profile=profile, stated=stated)
        body = canonical_bytes(element)
    except NotTaken as error:
        error.service = service
        raise
    except NoCanonicalForm as error:
        raise not_taken(
            INVALID,
            "inbound.canonical",
            "Bản tin có không gian tên không phải URI tuyệt đối",
            "The message has a namespace that is no absolute URI",
        ) from error
    return Message(
        service=service,
        body=body,
        file_name=f"{service}.xml",
        key=key,
        fields=fields_of(element),
        envelope=envelope,
    )


def _message_id(request: Request, *, profile: PeerSoap, stated: str | None) -> str:
    if profile.message_id == "element":
        return check_id(stated, name=_ID)
    namespace, name = ID_HEADERS[profile.message_id]
    header = request.headers.get((namespace, name))
    return check_id(None if header is None else header.text, name=name)

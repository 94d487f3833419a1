"""
Reads messages of the exchange from parsed elements, strictly: what is not expected is refused.

The version follows from the namespace of the root. Signatures are stepped over, not looked at:
whoever needs proof verifies first and reads only the verified element. A wrong shape is an
`InputError` that names the element; nothing here assumes that a validator ran before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lxml import etree

from schemas.building import VIETNAM, LookUpResult, Values
from schemas.errors import InputError
from schemas.model import version_of_namespace
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from lxml.etree import _Element

    from schemas.model import Field, Group, SchemaVersion

XMLDSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
_SIGNATURE: Final = f"{{{XMLDSIG}}}Signature"
_PACKETS: Final = ("DongBoHoSoMC", "CapNhatTienDoHoSoMC")
# The first three children of a document; the holder of the fields follows.
_HEAD: Final = ("MaBanTin", "MaDonVi", "ThoiDiemTao")
_is_attempt: Final = re.compile("[1-9][0-9]{0,8}").fullmatch
_is_time: Final = re.compile("[0-9]{14}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as its agency made it."""

    version: SchemaVersion
    packet: str
    message_id: str
    agency_code: str
    created_at: datetime
    dossier_code: str
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One attempt to deliver a document."""

    version: SchemaVersion
    packet: str
    is_updating: bool | None
    """None for "CapNhatTienDoHoSoMC", which has no such flag."""
    attempt: int
    sent_at: datetime
    document_element: _Element


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpRequest:
    """A question for one dossier."""

    version: SchemaVersion
    agency_code: str
    dossier_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a portal says it received."""

    version: SchemaVersion
    message_id: str
    dossier_code: str
    digest: str
    """Lower-case hex SHA-256 of the document as received."""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The answer to a delivery."""

    version: SchemaVersion
    operation: str
    error_code: str
    message: str
    receipt_element: _Element | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpResponse:
    """The answer to a look-up; no results means that the dossier is not known."""

    version: SchemaVersion
    error_code: str
    message: str
    results: tuple[LookUpResult, ...]


def read_document(element: _Element) -> Document:
    """
    Return the document in a `BanTin` element, signed or not.

    Raises:
        InputError: "document.…": not such an element, or not of its shape.
    """
    version = _version(element, "BanTin")
    children = _children(element, version)
    texts = [_take(children, name) for name in _HEAD]
    message_id, agency_code, created_at = map(_text, texts)
    if element.get("Id") != f"bt-{message_id}":
        raise _wrong("document.id", element, vi="Id phải là bt- và MaBanTin", en="bt- and MaBanTin")
    holder = children.pop(0) if children else None
    _nothing_left(children)
    for packet, group in version.packets.items():
        if holder is not None and _name(holder) == version.element_of(packet):
            values = _values(holder, group, version)
            return Document(
                version=version,
                packet=packet,
                message_id=message_id,
                agency_code=agency_code,
                created_at=_time(texts[2], created_at),
                dossier_code=_dossier_code(holder, values),
                values=values,
            )
    raise _wrong("document.element_missing", element, vi="HoSo hoặc TienDo", en="HoSo or TienDo")


def read_request(element: _Element) -> Request:
    """
    Return the request whose body is `element`; its document is not read yet.

    Raises:
        InputError: "document.…": not a request, or not of its shape.
    """
    packet = _name(element)
    if packet not in _PACKETS:
        raise _wrong("document.root", element, vi=" / ".join(_PACKETS), en=" or ".join(_PACKETS))
    version = _version(element, packet)
    children = _children(element, version)
    is_updating = None
    if packet == "DongBoHoSoMC":
        flag = _take(children, "isUpdating")
        is_updating = {"True": True, "False": False}.get(_text(flag))
        if is_updating is None:
            raise _wrong("document.value", flag, vi="True hoặc False", en="True or False")
    attempt, sent_at = _take(children, "LanGui"), _take(children, "ThoiDiemGui")
    if not _is_attempt(_text(attempt)):
        raise _wrong("document.value", attempt, vi="số nguyên từ 1", en="an integer from 1")
    data = _take(children, "data")
    _nothing_left(children)
    inside = _children(data, version)
    document = _take(inside, "BanTin") if inside else None
    _nothing_left(inside)
    if document is None:
        raise _wrong("document.element_missing", data, vi="BanTin", en="BanTin")
    return Request(
        version=version,
        packet=packet,
        is_updating=is_updating,
        attempt=int(_text(attempt)),
        sent_at=_time(sent_at, _text(sent_at)),
        document_element=document,
    )


def read_look_up(element: _Element) -> LookUpRequest:
    """Return the question in a `TraCuuHoSo` element; raises InputError on a wrong shape."""
    version = _version(element, "TraCuuHoSo")
    children = _children(element, version)
    agency_code, dossier_code = (_text(_take(children, name)) for name in ("madonvi", "mahoso"))
    _nothing_left(children)
    return LookUpRequest(version=version, agency_code=agency_code, dossier_code=dossier_code)


def read_receipt(element: _Element) -> Receipt:
    """Return the receipt in a `BienNhan` element; raises InputError on a wrong shape."""
    version = _version(element, "BienNhan")
    children = _children(element, version)
    names = ("MaBanTin", "MaHoSo", "GiaTriBam", "ThoiDiemNhan")
    parts = [_take(children, name) for name in names]
    _nothing_left(children)
    message_id, dossier_code, digest, received_at = map(_text, parts)
    if element.get("Id") != f"bn-{message_id}":
        raise _wrong("document.id", element, vi="Id phải là bn- và MaBanTin", en="bn- and MaBanTin")
    return Receipt(
        version=version,
        message_id=message_id,
        dossier_code=dossier_code,
        digest=digest,
        received_at=_time(parts[3], received_at),
    )


def read_response(element: _Element) -> Response:
    """Return the answer to a delivery; raises InputError on a wrong shape."""
    operation = _name(element).removesuffix("Response")
    if operation not in _PACKETS or not _name(element).endswith("Response"):
        expected = [f"{packet}Response" for packet in _PACKETS]
        raise _wrong("document.root", element, vi=" / ".join(expected), en=" or ".join(expected))
    version = _version(element, _name(element))
    children = _children(element, version)
    error_code, message = (_text(_take(children, name)) for name in ("error_code", "message"))
    receipt = _take(children, "BienNhan") if children else None
    _nothing_left(children)
    return Response(
        version=version,
        operation=operation,
        error_code=error_code,
        message=message,
        receipt_element=receipt,
    )


def read_look_up_response(element: _Element) -> LookUpResponse:
    """Return the answer to a look-up; raises InputError on a wrong shape."""
    version = _version(element, "TraCuuHoSoResponse")
    children = _children(element, version)
    error_code, message = (_text(_take(children, name)) for name in ("error_code", "message"))
    results = []
    while children:
        results.append(_result(_take(children, "result"), version))
    return LookUpResponse(
        version=version, error_code=error_code, message=message, results=tuple(results)
    )


def _result(element: _Element, version: SchemaVersion) -> LookUpResult:
    children = _children(element, version)
    dossier_code, status = (_text(_take(children, name)) for name in ("MaHoSo", "TrangThaiHoSo"))
    message_id, digest = (_take_text(children, name) for name in ("MaBanTin", "GiaTriBam"))
    received_at = _take(children, "ThoiDiemNhan")
    progress = []
    while children:
        row = _children(_take(children, "TienDo"), version)
        pair = [_text(_take(row, name)) for name in ("MaBanTin", "GiaTriBam")]
        _nothing_left(row)
        progress.append((pair[0], pair[1]))
    return LookUpResult(
        dossier_code=dossier_code,
        status=status,
        message_id=message_id,
        digest=digest,
        received_at=_time(received_at, _text(received_at)),
        progress=tuple(progress),
    )


def _values(element: _Element, group: Group, version: SchemaVersion) -> Values:
    values: dict[str, str | list[Values]] = {}
    for child in _children(element, version):
        field = group.fields.get(_name(child))
        if field is None:
            raise _wrong(
                "document.field_unknown", child, vi="một trường đã biết", en="a known field"
            )
        _add(values, field, child, version)
    return values


def _add(
    values: dict[str, str | list[Values]], field: Field, child: _Element, version: SchemaVersion
) -> None:
    if field.group is not None:
        items = values.setdefault(field.name, [])
        assert isinstance(items, list), "a nested array only ever gets items"
        items.append(_values(child, field.group, version))
    elif field.name in values:
        raise _wrong("document.field_repeated", child, vi="một lần duy nhất", en="only one of them")
    else:
        values[field.name] = _text(child)


def _dossier_code(holder: _Element, values: Values) -> str:
    code = values.get("MaHoSo")
    if not isinstance(code, str) or not code:
        raise _wrong("document.element_missing", holder, vi="MaHoSo", en="MaHoSo")
    return code


def _version(element: _Element, name: str) -> SchemaVersion:
    tag = etree.QName(element)
    version = version_of_namespace(tag.namespace or "")
    if tag.localname != name:
        raise _wrong("document.root", element, vi=name, en=name)
    if version is None:
        raise _wrong(
            "document.namespace",
            element,
            vi="không gian tên của một phiên bản đã cài",
            en="the namespace of an installed version",
        )
    return version


def _children(element: _Element, version: SchemaVersion) -> list[_Element]:
    """Return the children in the version's namespace; a signature at the end is left out."""
    children = list(element)
    if children and children[-1].tag == _SIGNATURE:
        children.pop()
    start = f"{{{version.namespace}}}"
    for child in children:
        if not (isinstance(child.tag, str) and child.tag.startswith(start)):
            raise _wrong(
                "document.element_unexpected",
                child,
                vi=f"phần tử thuộc {version.namespace}",
                en=f"an element of {version.namespace}",
            )
    return children


def _take(children: list[_Element], name: str) -> _Element:
    if children and _name(children[0]) == name:
        return children.pop(0)
    place = children[0] if children else None
    raise _wrong("document.element_missing", place, vi=name, en=name)


def _take_text(children: list[_Element], name: str) -> str | None:
    if children and _name(children[0]) == name:
        return _text(children.pop(0))
    return None


def _nothing_left(children: list[_Element]) -> None:
    if children:
        raise _wrong(
            "document.element_unexpected", children[0], vi="không có gì thêm", en="nothing more"
        )


def _text(element: _Element) -> str:
    # A processing instruction would hide the text after it, so it counts as a child.
    if len(element):
        raise _wrong("document.value", element, vi="chỉ có văn bản", en="text only")
    return element.text or ""


def _time(element: _Element, text: str) -> datetime:
    if _is_time(text):
        try:
            local = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _wrong("document.value", element, vi="yyyyMMddHHmmss", en="yyyyMMddHHmmss")


def _name(element: _Element) -> str:
    # Cutting the string is several times quicker than asking etree.QName.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "?"


def _wrong(code: str, element: _Element | None, *, vi: str, en: str) -> InputError:
    if element is None:
        found, place = Text(vi="hết phần tử", en="nothing more"), Place()
    else:
        name = _name(element)
        found = Text(vi=name, en=name)
        place = Place(path=_path(element), line=element.sourceline)
    return InputError(
        Problem(
            code=code,
            message=Text(vi=f"cần {vi}, thấy {found.vi}", en=f"expected {en}, found {found.en}"),
            place=place,
            suggestion=Text(
                vi="Kiểm tra bên gửi có dùng đúng phiên bản lược đồ không",
                en="check that the sender uses this version of the schema",
            ),
        )
    )


def _path(element: _Element) -> str:
    names = [_name(ancestor) for ancestor in element.iterancestors()]
    return "/" + "/".join([*reversed(names), _name(element)])

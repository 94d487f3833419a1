"""
A packet of edXML from its bytes, by the one hardened parser.

Read by name: the order of fields differs between implementations. What a signature is worth is not
decided here, only what kind it is; attachments stay as they are encoded, `adapters` unpacks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from schemas.edxml import names
from schemas.edxml.fields import Fields, is_signature_name, text_of, texts_of
from schemas.edxml.findings import (
    finding,
    is_standard_signature,
    local_name,
    namespace_of,
    path_of,
    place_of,
)
from schemas.edxml.model import load_model
from schemas.edxml.names import Packet
from schemas.errors import InputError
from schemas.parser import LIBXML2_MAX_TEXT_BYTES, Limits, XmlRefused, parse_xml
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from schemas.edxml.names import Values

MAX_ATTACHMENTS = 1000


class SignatureKind(Enum):
    """What kind of signature a packet holds."""

    NONE = "none"
    """None, or an empty element in the place of one."""
    STANDARD = "standard"
    """Of XMLDSig, in its own namespace: it can be verified, and says nothing until it is."""
    UNOFFICIAL = "unofficial"
    """Called so, in another namespace, as some libraries write: nobody can verify it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One line of the manifest."""

    content_id: str
    """Without "cid:"."""
    content_type: str
    description: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """One attachment as it stands in the file."""

    content_id: str
    """Without "cid:"."""
    content_type: str
    description: str
    name: str
    encoded: str
    """Base64, of a ZIP or of the file itself."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPacket:
    """One file."""

    packet: Packet
    namespace: str
    fields: Values
    """Of the packet itself, by their published names; traces under "TraceHeaderList"."""
    places: Mapping[str, Place]
    """By path in `fields`, for example "To[0].OrganId"."""
    place: Place
    """Of the packet as a whole."""
    references: tuple[Reference, ...]
    enclosed: tuple[Enclosed, ...]
    signature: SignatureKind
    problems: tuple[Problem, ...]
    """Everything wrong with how it is put together."""

    def place_at(self, path: str) -> Place:
        """Return where a field stands, or what it would stand in."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path.rpartition(".")[0]
        return self.place


def read_packet(
    data: bytes,
    *,
    file_name: str,
    namespaces: Sequence[str] = (names.QCVN,),
    max_bytes: int = 16 * 1024 * 1024,
) -> ReadPacket:
    """
    Return what a file holds, with everything that is wrong with how it is put together.

    Args:
        data: The file; plain XML, no SOAP envelope around it.
        file_name: As its sender knows it.
        namespaces: In which elements may stand.
        max_bytes: Of the file; one text may have 10 million bytes, whatever this says.

    Raises:
        InputError: it is no XML, no edXML, or neither a document nor a status.
    """
    limits = Limits(max_bytes=max_bytes, max_text_bytes=min(max_bytes, LIBXML2_MAX_TEXT_BYTES))
    try:
        root = parse_xml(data, limits=limits)
    except XmlRefused as refused:
        raise InputError(_refused(refused, file_name)) from refused
    return _Reader(root, file_name=file_name, namespaces=namespaces).packet()


class _Reader:
    def __init__(self, root: _Element, *, file_name: str, namespaces: Sequence[str]) -> None:
        self._root = root
        self._model = load_model()
        self._fields = Fields(file_name=file_name, namespaces=frozenset(namespaces))
        self._check_root(namespaces)
        # Of that project's names only the root's is known, so that no other is taken literally.
        self._is_loose = local_name(root) == names.GO_VN_ROOT

    def packet(self) -> ReadPacket:
        root, fields = self._root, self._fields
        envelope = root if self._is_loose else self._needed(root, names.ENVELOPE)
        header = self._needed(envelope, names.HEADER)
        found = [(one, self._only(header, one.value)) for one in Packet]
        held = [(one, element) for one, element in found if element is not None]
        if len(held) != 1:
            raise InputError(self._neither(header, len(held)))
        packet, element = held[0]
        values = dict(fields.packet(element, self._model.packets[packet]))
        traces = self._only(header, names.TRACES)
        if traces is not None:
            values[names.TRACES] = fields.packet(traces, self._model.traces, path=names.TRACES)
            fields.places[names.TRACES] = place_of(traces, file_name=fields.file_name)
        references = self._references(envelope)
        enclosed = self._enclosed()
        self._report_unknown(root, names.ENVELOPE, names.HEADER, names.BODY, names.ENCLOSED)
        self._report_unknown(envelope, names.HEADER, names.BODY, names.ENCLOSED)
        parts = (*(one.value for one in Packet), names.TRACES, names.ENCLOSED)
        self._report_unknown(header, *parts)
        return ReadPacket(
            packet=packet,
            namespace=namespace_of(root),
            fields=values,
            places=fields.places,
            place=place_of(element, file_name=fields.file_name),
            references=references,
            enclosed=enclosed,
            signature=self._signature(),
            problems=tuple(fields.problems),
        )

    def _check_root(self, namespaces: Sequence[str]) -> None:
        name, namespace = local_name(self._root), namespace_of(self._root)
        is_other = name == names.GO_VN_ROOT and namespace == names.GO_VN
        if namespace in namespaces and (name == names.ROOT or is_other):
            return
        known = ", ".join(namespaces)
        text = Text(
            vi=f"không phải edXML: phần tử gốc là <{name[:80]}>, không gian tên "
            f"'{namespace[:200]}'; cần <edXML> thuộc {known}",
            en=f"no edXML: the root is <{name[:80]}>, namespace '{namespace[:200]}'; expected "
            f"<edXML> in {known}",
        )
        advice = Text(
            vi="gửi đúng tệp .edxml, không có phong bì SOAP; nếu bên gửi dùng không gian tên khác, "
            "khai báo nó ở namespaces",
            en="send the .edxml file itself without a SOAP envelope; if the sender uses another "
            "namespace, declare it under namespaces",
        )
        place = Place(file=self._fields.file_name, line=self._root.sourceline, path=f"/{name[:80]}")
        raise InputError(finding("root", text, place=place, suggestion=advice))

    def _named(self, parent: _Element, name: str) -> list[_Element]:
        return [
            child
            for child in parent.iterchildren("*")
            if namespace_of(child) in self._fields.namespaces and self._is(child, name)
        ]

    def _is(self, element: _Element, name: str) -> bool:
        found = local_name(element)
        return found == name or (self._is_loose and found.casefold() == name.casefold())

    def _only(self, parent: _Element, name: str) -> _Element | None:
        found = self._named(parent, name)
        if len(found) > 1:
            self._fields.report("element_repeated", _several(name, len(found)), found[1])
        return found[0] if found else None

    def _needed(self, parent: _Element, name: str) -> _Element:
        found = self._only(parent, name)
        if found is not None:
            return found
        text = Text(
            vi=f"<{local_name(parent)}> thiếu phần tử <{name}>",
            en=f"<{local_name(parent)}> lacks the element <{name}>",
        )
        place = place_of(parent, file_name=self._fields.file_name)
        raise InputError(finding("element_missing", text, place=place))

    def _neither(self, header: _Element, count: int) -> Problem:
        expected = " / ".join(one.value for one in Packet)
        text = Text(
            vi=f"<{names.HEADER}> cần đúng một trong {expected}, thực tế có {count}",
            en=f"<{names.HEADER}> needs exactly one of {expected}, found {count}",
        )
        return finding(
            "packet_unclear", text, place=place_of(header, file_name=self._fields.file_name)
        )

    def _report_unknown(self, parent: _Element, *known: str) -> None:
        """Say what stands beside the parts of a packet: it is not read."""
        for child in parent.iterchildren("*"):
            if not is_signature_name(child) and not any(self._is(child, one) for one in known):
                text = _not_read(local_name(child))
                self._fields.report("element_unknown", text, child, is_warning=True)

    def _references(self, envelope: _Element) -> tuple[Reference, ...]:
        body = self._only(envelope, names.BODY)
        manifest = None if body is None else self._only(body, names.MANIFEST)
        if manifest is None:
            return ()
        elements = self._bounded(self._named(manifest, names.REFERENCE))
        shown = f"{path_of(manifest)}/{names.REFERENCE}"
        return tuple(
            self._reference(one, path=f"{shown}[{n}]") for n, one in enumerate(elements, start=1)
        )

    def _bounded(self, elements: list[_Element]) -> list[_Element]:
        if len(elements) > MAX_ATTACHMENTS:
            text = _too_many(len(elements))
            self._fields.report("attachments_many", text, elements[MAX_ATTACHMENTS])
        return elements[:MAX_ATTACHMENTS]

    def _reference(self, element: _Element, *, path: str) -> Reference:
        found = texts_of(self._fields, element)
        content_id = _bare_id(text_of(found.get("ContentId")))
        linked = _bare_id(element.get(f"{{{names.XLINK}}}href") or "")
        if linked and content_id and linked != content_id:
            self._fields.report("reference_unclear", _two_ids(content_id, linked), element)
        return Reference(
            content_id=content_id or linked,
            content_type=text_of(found.get("ContentType")).strip(),
            description=text_of(found.get("Description")).strip(),
            name=text_of(found.get("AttachmentName")).strip(),
            place=place_of(element, file_name=self._fields.file_name, path=path),
        )

    def _enclosed(self) -> tuple[Enclosed, ...]:
        for one in self._root.iter(f"{{*}}{names.ENCLOSED}"):
            if one.getparent() is not self._root:
                self._fields.report("attachment_misplaced", _MISPLACED, one)
        held = self._only(self._root, names.ENCLOSED)
        if held is None:
            return ()
        elements = self._bounded(self._named(held, names.ATTACHMENT))
        shown = f"{path_of(held)}/{names.ATTACHMENT}"
        return tuple(
            self._attachment(one, path=f"{shown}[{n}]") for n, one in enumerate(elements, start=1)
        )

    def _attachment(self, element: _Element, *, path: str) -> Enclosed:
        found = texts_of(self._fields, element)
        content = found.get(names.CONTENT)
        if content is not None and len(content):
            self._fields.report("attachment_shape", _NOT_TEXT, content)
        return Enclosed(
            content_id=_bare_id(text_of(found.get("ContentId"))),
            content_type=text_of(found.get("ContentType")).strip(),
            description=text_of(found.get("Description")).strip(),
            name=text_of(found.get("AttachmentName")).strip(),
            encoded="" if content is None else content.text or "",
            place=place_of(element, file_name=self._fields.file_name, path=path),
        )

    def _signature(self) -> SignatureKind:
        """The strongest kind that is there; a signature inside of one is a part of it."""
        kinds = set()
        for element in self._root.iter("{*}Signature", "{*}DigitalSignature"):
            if is_standard_signature(element):
                kinds.add(SignatureKind.STANDARD)
            elif is_signature_name(element) and (len(element) or (element.text or "").strip()):
                kinds.add(SignatureKind.UNOFFICIAL)
        for kind in (SignatureKind.STANDARD, SignatureKind.UNOFFICIAL):
            if kind in kinds:
                return kind
        return SignatureKind.NONE


def _bare_id(text: str) -> str:
    text = text.strip()
    is_marked = text[: len(names.CONTENT_ID)].lower() == names.CONTENT_ID
    return text[len(names.CONTENT_ID) :] if is_marked else text


def _refused(refused: XmlRefused, file_name: str) -> Problem:
    return Problem(
        code=refused.code,
        message=Text(vi=refused.vi, en=refused.en),
        place=Place(file=file_name, line=refused.line),
        suggestion=_TOO_LARGE if refused.code in _SIZES else _BROKEN,
    )


_SIZES = ("xml.too_large", "xml.text_too_long")
_TOO_LARGE = Text(
    vi="gửi các tệp lớn bằng đường khác hoặc chia văn bản; nếu cả tệp lớn hơn giới hạn, tăng "
    "max_record_bytes (một tệp đính kèm đã mã hóa luôn tối đa 10 MB)",
    en="send large files in another way, or split the document; if the whole file is larger than "
    "its limit, raise max_record_bytes (one encoded attachment has at most 10 MB in any case)",
)
_BROKEN = Text(
    vi="gửi tài liệu XML đúng cú pháp, mã UTF-8, không có DOCTYPE",
    en="send well-formed XML in UTF-8 without a DOCTYPE",
)
_MISPLACED = Text(
    vi=f"<{names.ENCLOSED}> phải là phần tử con của phần tử gốc",
    en=f"<{names.ENCLOSED}> must be a child of the root",
)
_NOT_TEXT = Text(
    vi=f"<{names.CONTENT}> chứa phần tử con, cần base64",
    en=f"<{names.CONTENT}> holds elements, expected base64",
)


def _several(name: str, count: int) -> Text:
    return Text(
        vi=f"<{name}> có {count} lần, chỉ được có một",
        en=f"<{name}> stands {count} times, expected once",
    )


def _not_read(name: str) -> Text:
    return Text(
        vi=f"<{name[:80]}> không thuộc cấu trúc edXML đã biết nên không được đọc",
        en=f"<{name[:80]}> is no part of edXML that is known, and is not read",
    )


def _two_ids(first: str, second: str) -> Text:
    return Text(
        vi=f"Reference có hai mã khác nhau: '{first[:80]}' và xlink:href '{second[:80]}'",
        en=f"the Reference has two different ids: '{first[:80]}' and xlink:href '{second[:80]}'",
    )


def _too_many(count: int) -> Text:
    return Text(
        vi=f"có {count} tệp đính kèm, tối đa {MAX_ATTACHMENTS}",
        en=f"{count} attachments, at most {MAX_ATTACHMENTS}",
    )

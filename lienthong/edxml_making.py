"""
Packets of edXML made by hand: from a description in YAML or JSON, and the answer to a document.

A description has the fields by their published names, nested as they are; `packet: status` makes a
status. `Attachments` lists files beside the description.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from adapters.edxml_files import pack_file, plain_name
from adapters.writers.edxml_packets import MAX_FILE_BYTES
from lienthong.edxml import MAX_BYTES, needs_document
from mappings.dates import VIETNAM
from mappings.yaml_nodes import Items, Table, YamlRefused, parse_yaml
from schemas.edxml import names
from schemas.edxml.answering import answer, judge_order, with_document_id
from schemas.edxml.building import NewAttachment, NewPacket, build_packet
from schemas.edxml.judging import judge_fields, known_fields, texts_at
from schemas.edxml.names import Packet
from schemas.edxml.reading import read_packet
from schemas.errors import ConfigError
from schemas.problem import Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mappings.yaml_nodes import Node
    from schemas.edxml.names import Values

_PACKETS = {"document": Packet.DOCUMENT, "status": Packet.STATUS}
_FILE_KEYS = ("file", "name", "type", "description")
_TYPES = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
_ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What somebody wants to have made."""

    packet: Packet
    fields: Values
    attachments: tuple[NewAttachment, ...]

    @classmethod
    def of_status(cls, fields: Values) -> Description:
        """Return the description of a status."""
        return cls(packet=Packet.STATUS, fields=fields, attachments=())


def read_description(data: bytes, *, file_name: str, folder: Path) -> Description:
    """
    Return what a description says, its files read.

    Args:
        data: YAML, or JSON, which is YAML.
        file_name: In places.
        folder: In which its files are.

    Raises:
        ConfigError: with everything that is wrong.
    """
    try:
        value = _texts(parse_yaml(data))
    except YamlRefused as refused:
        place = Place(file=file_name, line=refused.line)
        found = Problem(code=refused.code, message=refused.text, place=place, suggestion=_MEND)
        raise _wrong([found]) from refused
    if not isinstance(value, dict):
        raise _wrong([_problem("description", _NO_FIELDS, file_name)])
    rest = dict(value)
    kind = rest.pop("packet", "document")
    packet = _PACKETS.get(kind) if isinstance(kind, str) else None
    if packet is None:
        raise _wrong([_problem("description", _NO_PACKET, file_name, path="packet")])
    files = rest.pop("Attachments", None) or []
    attachments, problems = _attachments(files, file_name=file_name, folder=folder)
    if attachments and packet is Packet.STATUS:
        problems.append(_problem("description", _NO_FILES, file_name, path="Attachments"))
    if problems:
        raise _wrong(problems)
    return Description(
        packet=packet,
        fields=cast("Values", rest),
        attachments=attachments,
    )


def make_packet(
    description: Description, *, file_name: str, document_id: str, at: datetime
) -> bytes:
    """
    Return the packet of a description.

    Args:
        description: What it says.
        file_name: In places.
        document_id: Where DocumentId stands: one of `building.DOCUMENT_ID_PLACES`.
        at: Aware; when it is sent, where the description has no traces.

    Raises:
        ConfigError: with everything that is wrong.
    """
    fields = description.fields
    if description.packet is Packet.DOCUMENT:
        fields = _with_traces(with_document_id(fields), at)
    problems = [
        replace(one, suggestion=_MEND)
        for one in judge_fields(
            description.packet,
            fields,
            place_at=lambda path: Place(file=file_name, path=path or None),
        )
        # Nothing that somebody wrote is left out in silence.
        if one.severity is Severity.ERROR or one.code == "edxml.field_unknown"
    ]
    if problems:
        raise _wrong(problems)
    return build_packet(
        NewPacket(
            packet=description.packet,
            fields=known_fields(description.packet, fields),
            attachments=description.attachments,
            document_id=document_id,
        )
    )


def answer_document(  # noqa: PLR0913 - the parts of a status
    data: bytes,
    *,
    file_name: str,
    namespaces: Sequence[str],
    code: str,
    after: str | None,
    sender: Mapping[str, str],
    staff: Mapping[str, str],
    description: str,
    at: datetime,
) -> tuple[Values, Text | None]:
    """
    Return the fields of the status that answers a document, and what is unusual about it.

    Args:
        data: The document.
        file_name: In places.
        namespaces: In which its elements may stand.
        code: Of the status.
        after: Code of the status before; None: nobody says.
        sender: Fields of `From`.
        staff: Fields of `StaffInfo`, some perhaps "".
        description: "": the meaning of the code.
        at: Aware.

    Raises:
        InputError: it is no document.
    """
    packet = read_packet(data, file_name=file_name, namespaces=namespaces, max_bytes=MAX_BYTES)
    needs_document(packet)
    fields = answer(
        packet.fields,
        code=code,
        sender=sender,
        at=at.astimezone(VIETNAM),
        description=description,
        staff={name: text for name, text in staff.items() if text},
    )
    return fields, None if after is None else judge_order(code, after=after)


def _with_traces(fields: Values, at: datetime) -> Values:
    sender = texts_at(fields, "From.OrganId")
    if names.TRACES in fields or not sender:
        return fields
    moment = at.astimezone(VIETNAM).strftime(names.TIME)
    return {**fields, names.TRACES: {"TraceHeader": [{"OrganId": sender, "Timestamp": moment}]}}


def _attachments(
    value: object, *, file_name: str, folder: Path
) -> tuple[tuple[NewAttachment, ...], list[Problem]]:
    if not isinstance(value, list):
        return (), [_problem("description", _FILES, file_name, path="Attachments")]
    made: list[NewAttachment] = []
    problems: list[Problem] = []
    for number, one in enumerate(value):
        path = f"Attachments[{number}]"
        if not isinstance(one, dict) or not one.get("file") or set(one) - set(_FILE_KEYS):
            problems.append(_problem("description", _FILES, file_name, path=path))
            continue
        texts = {key: str(found) for key, found in one.items()}
        try:
            data = (folder / texts["file"]).read_bytes()
        except OSError as error:
            unread = _unread(texts["file"], error)
            problems.append(_problem("attachment_missing", unread, file_name, path=path))
            continue
        if not 0 < len(data) <= MAX_FILE_BYTES:
            text = _size(texts["file"], len(data))
            problems.append(_problem("attachment_size", text, file_name, path=path))
            continue
        attachment = _attachment(texts, data, number=number + 1)
        if plain_name(attachment.name) != attachment.name:
            problems.append(_problem("attachment_path", _NO_NAME, file_name, path=path))
        made.append(attachment)
    return tuple(made), problems


def _attachment(texts: Mapping[str, str], data: bytes, *, number: int) -> NewAttachment:
    name = texts.get("name") or Path(texts["file"]).name
    return NewAttachment(
        content_id=f"{number}-{hashlib.sha256(data).hexdigest()[:32]}",
        content_type=texts.get("type") or _TYPES.get(Path(name).suffix.lower(), _ANY_TYPE),
        description=texts.get("description", ""),
        name=name,
        encoded=pack_file(name, data),
    )


def _texts(node: Node) -> object:
    """Return the values as they are written: a code like 012 is no number."""
    if isinstance(node, Items):
        return [_texts(one) for one in node.nodes]
    if isinstance(node, Table):
        found = {key: _texts(one) for key, (_, one) in node.entries.items()}
        return {key: one for key, one in found.items() if one is not None}
    return None if not node.is_quoted and node.text in _NOTHING else node.text


_NOTHING = frozenset({"", "~", "null"})


def _problem(code: str, text: Text, file_name: str, *, path: str | None = None) -> Problem:
    place = Place(file=file_name, path=path)
    return Problem(code=f"edxml.{code}", message=text, place=place, suggestion=_MEND)


def _wrong(problems: Sequence[Problem]) -> ConfigError:
    text = Text(
        vi=f"Không tạo được gói edXML: {len(problems)} lỗi",
        en=f"The edXML packet cannot be made: {len(problems)} mistakes",
    )
    return ConfigError(text, problems=tuple(problems), code="edxml.description")


_MEND = Text(
    vi="sửa bản mô tả hoặc tùy chọn của lệnh, xem docs/edxml.md",
    en="mend the description, or the options of the command; see docs/edxml.md",
)
_NO_FIELDS = Text(
    vi="cần các trường theo tên đã công bố: From, To, Code…",
    en="expected the fields by their published names: From, To, Code…",
)
_NO_PACKET = Text(vi="cần document hoặc status", en="expected document or status")
_NO_NAME = Text(
    vi="tên tệp chứa thư mục hoặc ký tự không in được",
    en="the file's name holds folders, or characters that cannot be printed",
)
_NO_FILES = Text(vi="gói trạng thái không có tệp đính kèm", en="a status has no attachments")
_FILES = Text(
    vi=f"cần danh sách tệp, mỗi tệp có file và tùy chọn {', '.join(_FILE_KEYS[1:])}",
    en=f"expected a list of files, each with file and perhaps {', '.join(_FILE_KEYS[1:])}",
)


def _unread(file: str, error: OSError) -> Text:
    return Text(
        vi=f"không đọc được tệp '{file}': {error.strerror}",
        en=f"file '{file}' cannot be read: {error.strerror}",
    )


def _size(file: str, size: int) -> Text:
    return Text(
        vi=f"tệp '{file}' có {size} byte; cần từ 1 đến {MAX_FILE_BYTES}",
        en=f"file '{file}' has {size} bytes; expected 1 to {MAX_FILE_BYTES}",
    )

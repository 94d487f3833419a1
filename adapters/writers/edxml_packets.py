"""
One row -> one packet of edXML: the reverse of `adapters.edxml_packets`.

Files come as base64 in `ContentTransferEncoded` and are put into a ZIP here. The same row gives the
same bytes; what would not be as the XSD says is not written.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from adapters.edxml_files import pack_file, plain_name
from adapters.options.faults import OptionsWrong
from adapters.writers.cells import (
    MEND,
    Column,
    Fault,
    ValueRefused,
    check,
    control_fault,
    kind_fault,
    rows_of,
    text_of,
    xml_fault,
)
from adapters.writers.edxml_columns import ATTACHMENT, column_faults, fields_of
from adapters.writers.encoding import Encoder
from schemas.edxml import names
from schemas.edxml.answering import with_document_id
from schemas.edxml.building import NewAttachment, NewPacket, build_packet
from schemas.edxml.judging import judge_fields
from schemas.edxml.names import Packet
from schemas.parser import LIBXML2_MAX_TEXT_BYTES
from schemas.problem import Place, Remedy, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.writers.cells import Row
    from adapters.writers.targets import EdxmlTarget
    from schemas.edxml.names import Values
    from schemas.model import Field

    Tree = dict[str, "str | Tree | list[str | Tree]"]

MAX_FILE_BYTES = LIBXML2_MAX_TEXT_BYTES * 3 // 4 - 1024
"""Of one attachment: longer texts no reader of XML takes without being told to."""
_PACKETS = {"document": Packet.DOCUMENT, "status": Packet.STATUS}
_BINARY = "application/octet-stream"


def make(target: EdxmlTarget, columns: Sequence[Column]) -> EdxmlWriter:
    """Return the writer; see `adapters.writers.make_writer`."""
    return EdxmlWriter(target, columns)


class EdxmlWriter:
    """Writes packets of one kind."""

    media_type = "application/xml"
    suffix = ".edxml"
    encoding: str | None = "utf-8"
    is_single = True

    def __init__(self, target: EdxmlTarget, columns: Sequence[Column]) -> None:
        self._packet = _PACKETS[target.packet]
        self._document_id = target.document_id
        self._columns = tuple(columns)
        self._fields = fields_of(self._packet)
        faults = column_faults(self._packet, columns)
        if faults:
            raise OptionsWrong(tuple(faults))

    def fault(self, column: Column, text: str) -> Fault | None:
        """Return why `text` cannot stand in an element."""
        if column.name.rpartition("/")[2] == names.CONTENT:
            return _file_fault(text)
        found = kind_fault(column, text) or control_fault(text) or _ENCODER.fault(text)
        if found is None and column.name == _NAME and plain_name(text) != text:
            return Fault("target.file_name", _NOT_A_NAME, MEND)
        return found or xml_fault(text)

    def faults_of(self, rows: Sequence[Row]) -> Sequence[tuple[str, Fault]]:
        """Return why the one row is no packet as the XSD says."""
        (row,) = rows
        values = self._values(row)
        found = judge_fields(self._packet, values, place_at=lambda path: Place(path=path))
        faults = [
            ((one.place.path or "").replace(".", "/"), Fault(one.code, one.message, MEND))
            for one in found
            if one.severity is Severity.ERROR
        ]
        files = self._files(row)
        faults += [
            (f"{ATTACHMENT}/{one.name}", Fault("edxml.field_missing", _MISSING, MEND))
            for file in files
            for one in _OF_FILES
            if one.name in (_NAME, names.CONTENT) and not text_of(file, one)
        ]
        ids = [text_of(one, _ID) for one in files]
        given = [one for one in ids if one]
        if len(set(given)) != len(given):
            faults.append((ATTACHMENT, Fault("target.edxml_ids", _IDS, MEND)))
        return faults

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the packet; see `Writer.write`."""
        if len(rows) != 1:
            raise ValueRefused(f"expected one row, found {len(rows)}")
        for name, fault in self.faults_of(rows):
            raise ValueRefused(f"{name}: {fault.text.en}")
        values = self._values(rows[0])
        files = [_attachment(one, number) for number, one in enumerate(self._files(rows[0]), 1)]
        return build_packet(
            NewPacket(
                packet=self._packet,
                fields=values,
                attachments=files,
                document_id=self._document_id,
            )
        )

    def _values(self, row: Row) -> Values:
        values: Tree = {}
        for column in self._columns:
            if column.name == ATTACHMENT:
                continue
            if column.columns:
                entries = [_entry(one, column) for one in rows_of(row, column)]
                _put(values, column.name, [one for one in entries if one])
            else:
                text = text_of(row, column)
                check(self, column, text)
                _put(values, column.name, text)
        values = _shaped(values, self._fields)
        return with_document_id(values) if self._packet is Packet.DOCUMENT else values

    def _files(self, row: Row) -> Sequence[Row]:
        column = next((one for one in self._columns if one.name == ATTACHMENT), None)
        return () if column is None else rows_of(row, column)


def _entry(row: Row, column: Column) -> str | Tree:
    """Return one item of a list: its fields, or its text where it is a single value."""
    if len(column.columns) == 1 and column.name.rpartition("/")[2] == column.columns[0].name:
        return text_of(row, column.columns[0])
    values: Tree = {}
    for inner in column.columns:
        if inner.columns:
            _put(values, inner.name, [_entry(one, inner) for one in rows_of(row, inner)])
        else:
            _put(values, inner.name, text_of(row, inner))
    return values


def _shaped(values: Tree, fields: Mapping[str, Field]) -> Tree:
    """Return the values with a list where an element may repeat and one path was named."""
    made: Tree = {}
    for name, value in values.items():
        field = fields[name]
        items = [_inside(one, field) for one in (value if isinstance(value, list) else [value])]
        made[name] = items if field.repeated else items[0]
    return made


def _inside(value: str | Tree, field: Field) -> str | Tree:
    if isinstance(value, str) or field.group is None:
        return value
    return _shaped(value, field.group.fields)


def _put(values: Tree, path: str, value: str | list[str | Tree]) -> None:
    if not value:
        return
    *steps, last = path.split("/")
    for step in steps:
        inner = values.setdefault(step, {})
        assert isinstance(inner, dict), "columns do not overlap"
        values = inner
    values[last] = value


def _attachment(row: Row, number: int) -> NewAttachment:
    texts = {one.name: text_of(row, one) for one in _OF_FILES}
    data = base64.b64decode("".join(texts[names.CONTENT].split()), validate=True)
    digest = hashlib.sha256(data).hexdigest()
    return NewAttachment(
        content_id=texts["ContentId"] or f"{number}-{digest[:32]}",
        content_type=texts["ContentType"] or _BINARY,
        description=texts["Description"],
        name=texts["AttachmentName"],
        encoded=pack_file(texts["AttachmentName"], data),
    )


def _file_fault(text: str) -> Fault | None:
    try:
        size = len(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        return Fault("target.not_base64", _NOT_BASE64, MEND)
    if size > MAX_FILE_BYTES:
        return Fault("target.file_too_large", _too_large(size), _SMALLER)
    return None


_NAME = "AttachmentName"
_ENCODER = Encoder("utf-8")
_ID = Column(name="ContentId")
_OF_FILES = tuple(
    Column(name=name)
    for name in ("ContentId", "ContentType", "Description", "AttachmentName", names.CONTENT)
)
_NOT_BASE64 = Text(
    vi="nội dung tệp không phải base64, có thể bị cắt cụt",
    en="the file's content is no base64, or was cut off",
)
_NOT_A_NAME = Text(
    vi="tên tệp chứa thư mục hoặc ký tự không in được",
    en="the file's name holds folders, or characters that cannot be printed",
)
_MISSING = Text(vi="thiếu", en="it is missing")
_IDS = Text(vi="hai tệp đính kèm có cùng ContentId", en="two attachments have the same ContentId")
_SMALLER = Remedy(
    Text(vi="gửi tệp này bằng đường khác", en="send this file in another way"),
    Text(vi="bỏ tệp lớn khỏi cột này bằng `when`", en="leave large files out by `when`"),
)


def _too_large(size: int) -> Text:
    return Text(
        vi=f"tệp có {size} byte, tối đa {MAX_FILE_BYTES}",
        en=f"the file has {size} bytes, at most {MAX_FILE_BYTES}",
    )

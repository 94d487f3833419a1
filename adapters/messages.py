"""
One message of a service with a schema: our XML document or its JSON, whichever it begins like.

Both give records of the same paths, so one mapping reads what peers send by either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import json_array, xml_elements
from adapters.options import XmlOptions
from adapters.source import open_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.options import MessageOptions
    from adapters.record import SourceRecord, UnreadableRecord

_MARK = b"\xef\xbb\xbf"
_LOOKED_AT = 4096
"""Bytes; the namespace stands in the first tag."""


def read(
    source: BinaryIO, *, file_name: str, options: MessageOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    beginning = _beginning(source)
    stream = open_bytes(source, head=beginning)
    if beginning.removeprefix(_MARK).lstrip()[:1] != b"<":
        yield from json_array.read(cast("BinaryIO", stream), file_name=file_name, options=options)
        return
    namespace = next(
        (one for one in options.namespaces if one.encode() in beginning), options.namespaces[0]
    )
    path = "".join(f"/m:{step}" for step in options.elements)
    xml = XmlOptions(
        records=path, namespaces={"m": namespace}, max_record_bytes=options.max_record_bytes
    )
    yield from xml_elements.read(cast("BinaryIO", stream), file_name=file_name, options=xml)


def _beginning(source: BinaryIO) -> bytes:
    beginning = b""
    while len(beginning) < _LOOKED_AT and (chunk := source.read(_LOOKED_AT - len(beginning))):
        beginning += chunk
    return beginning

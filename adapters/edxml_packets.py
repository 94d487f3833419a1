"""
edXML: one packet is one record, its fields by their published names.

`Packet` says what it is, `MessageHeader` or `MessageStatus`; `Attachments` has the files. What may
stand several times is always a list. A signature is not judged here, and nothing of it is taken.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters.edxml_files import unpack_files
from adapters.record import Part, SourceRecord, UnreadableRecord
from adapters.refusal import TOO_LARGE, empty_input, refuse
from adapters.source import read_head, refuse_workbook
from schemas.edxml.reading import read_packet
from schemas.problem import Place, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.edxml_files import AttachedFile
    from adapters.options import EdxmlOptions
    from adapters.record import Value

PACKET = "Packet"
ATTACHMENTS = "Attachments"


def read(
    source: BinaryIO, *, file_name: str, options: EdxmlOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the one record; see `adapters.read_records`."""
    place = Place(file=file_name)
    packet = read_packet(
        _whole(source, place, limit=options.max_record_bytes),
        file_name=file_name,
        namespaces=options.namespaces,
        max_bytes=options.max_record_bytes,
    )
    files, wrong = unpack_files(packet, limits=options)
    problems = (*packet.problems, *wrong)
    if any(one.severity is Severity.ERROR for one in problems):
        yield UnreadableRecord(number=1, problems=problems)
        return
    values: dict[str, Value] = {
        **cast("Mapping[str, Value]", packet.fields),
        # After the fields: an element that is called so is not taken for ours.
        PACKET: packet.packet.value,
        ATTACHMENTS: [_values(one) for one in files],
    }
    yield SourceRecord(
        number=1,
        values=values,
        place=packet.place,
        encoded=frozenset({f"{ATTACHMENTS}.data"}),
        warnings=problems,
        parts=_parts(packet.places, files),
    )


def _whole(source: BinaryIO, place: Place, *, limit: int) -> bytes:
    data = read_head(source)
    if not data:
        raise empty_input(place)
    refuse_workbook(data, place)
    pieces = [data]
    size = len(data)
    while size <= limit and (chunk := source.read(limit + 1 - size)):
        pieces.append(chunk)
        size += len(chunk)
    if size > limit:
        vi, en = f"tệp dài hơn giới hạn {limit} byte", f"the file is longer than {limit} bytes"
        raise refuse("edxml.too_large", Text(vi=vi, en=en), place=place, remedy=TOO_LARGE)
    return b"".join(pieces)


def _values(one: AttachedFile) -> dict[str, Value]:
    return {
        "name": one.name,
        "type": one.type,
        "description": one.description,
        "data": base64.b64encode(one.data).decode(),
        "size": len(one.data),
        "sha256": one.sha256,
    }


def _parts(places: Mapping[str, Place], files: Sequence[AttachedFile]) -> dict[str, Part]:
    parts = {path: Part(place=place) for path, place in places.items()}
    for number, one in enumerate(files):
        parts[f"{ATTACHMENTS}[{number}]"] = Part(place=one.place)
    return parts

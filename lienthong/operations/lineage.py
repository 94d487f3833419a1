"""
The record that a message came from beside the document it became, field by field.

The record is read again from what was received, so it is there as long as that is kept; what was
corrected for this message stands in it. The rules
are those of the mapping as it is now: where the message was made by another version, the answer
says so.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.access.rights import Right
from lienthong.agencies import stamp_of
from lienthong.differences import coded_fields, shape_of, without_indices
from lienthong.flows.preview import Choice, InboundPreviewer, Previewer, Seen
from lienthong.flows.reread import source_erased
from lienthong.operations.masking import finding_of, hide_quoted, place_of, words_of
from lienthong.operations.messages import agency_of_message, note_reveal
from lienthong.operations.views import (
    AllowedValue,
    FieldOrigin,
    OriginStep,
    RecordView,
    SourceValue,
)
from lienthong.store.correcting import kept_corrections
from lienthong.store.database import reading
from lienthong.store.pieces import PieceReader
from lienthong.store.tables import messages, submissions
from mappings import load_mapping
from mappings.allowed import allowed_values
from mappings.language import DOSSIER
from mappings.lineage import fields_in
from schemas.building import VIETNAM
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lienthong.access.rights import Principal
    from lienthong.flows.preview import Preview
    from lienthong.operations.messages import Reveal
    from lienthong.wiring import Installation
    from mappings import MappingFile
    from mappings.lineage import FieldLineage, Leaf, Step

MOST_BYTES = 64 * 1024 * 1024
"""Of a submission that is read for one of its records; larger ones take minutes."""


def see_record(
    installation: Installation,
    principal: Principal,
    message_id: str,
    *,
    reveal: Reveal | None = None,
) -> RecordView:
    """
    Return the source of a message beside what the present mapping makes of it.

    Raises:
        Forbidden: it may be seen, but not revealed.
        InputError: there is none that whoever asks may see, it was erased, or it cannot be read.
        ConfigError: its agency's mapping cannot be used now.
    """
    agency = agency_of_message(installation, principal, message_id)
    if reveal is not None:
        principal.need(Right.REVEAL, agency)
    query = (
        select(
            messages.c.id,
            messages.c.record,
            messages.c.corrections,
            messages.c.corrected_paths,
            messages.c.mapping,
            submissions.c.id.label("submission"),
            submissions.c.file_name,
            submissions.c.size,
            submissions.c.service,
            submissions.c.erased_at,
        )
        .join(submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id == message_id)
    )
    with reading(installation.store) as connection:
        row = connection.execute(query).one()
    if row.erased_at is not None:
        raise source_erased(row.erased_at)
    if row.size > MOST_BYTES:
        raise InputError(_too_large(row.size))
    mapping = load_mapping(installation.mappings.path(agency))
    preview = _preview(installation, mapping, row)
    if reveal is not None:
        note_reveal(installation, principal, message_id, reveal)
    present = stamp_of(installation.mappings.get(agency))
    codes = coded_fields(mapping.schema)
    allowed = _allowed(installation, mapping, row.service)
    is_revealed = reveal is not None
    return RecordView(
        place=place_of(preview.place),
        made_by=row.mapping,
        mapping=present,
        is_same_mapping=row.mapping == present,
        fields=[
            _field(packet.name, field, codes=codes, allowed=allowed, is_revealed=is_revealed)
            for packet in preview.packets
            for field in fields_in(packet.fields)
        ],
        used=[
            _source_value(leaf, is_revealed=is_revealed) for leaf in preview.source if leaf.is_used
        ],
        unused=[
            _source_value(leaf, is_revealed=is_revealed)
            for leaf in preview.source
            if not leaf.is_used
        ],
        findings=[finding_of(each, is_revealed=is_revealed) for each in preview.problems],
        is_revealed=is_revealed,
    )


def _preview(installation: Installation, mapping: MappingFile, row: Any) -> Preview:
    now = installation.clock()
    previewer: Previewer | InboundPreviewer
    if row.service is None:
        previewer = Previewer(mapping, services=installation.services, now=now)
    else:
        service = next((one for one in mapping.inbound if one.service == row.service), None)
        if service is None:
            raise InputError(_no_service(row.service))
        previewer = InboundPreviewer(service, now=now)
    corrected = kept_corrections(installation.store.vault, row)
    choice = Choice(record=row.record, corrected=corrected)
    source = io.BufferedReader(PieceReader(installation.store, row.submission, size=row.size))
    with source:
        (found,) = previewer.records(source, file_name=row.file_name, choice=choice, seen=Seen())
    return found


def _allowed(
    installation: Installation, mapping: MappingFile, service: str | None
) -> Mapping[str, list[AllowedValue]]:
    """Return what may stand where each field is read; of what comes down, nobody says so."""
    if service is not None:
        return {}
    today = installation.clock().astimezone(VIETNAM).date()
    return {
        name: [
            AllowedValue(
                value=one.value,
                code=one.code,
                meaning=None if one.meaning is None else words_of(one.meaning),
            )
            for one in values
        ]
        for name, values in allowed_values(mapping, day=today).items()
    }


def _field(
    packet: str,
    field: FieldLineage,
    *,
    codes: Collection[str],
    allowed: Mapping[str, list[AllowedValue]],
    is_revealed: bool,
) -> FieldOrigin:
    prefix = "" if packet == DOSSIER else f"{packet}."
    name = prefix + without_indices(field.field)
    is_code = name in codes
    return FieldOrigin(
        packet=packet,
        field=field.field,
        about=words_of(field.about),
        value=_shown(field.value, is_revealed=is_revealed or is_code),
        steps=[_step(step, is_revealed=is_revealed) for step in field.steps],
        findings=[finding_of(each, is_revealed=is_revealed) for each in field.problems],
        allowed=allowed.get(name, []),
    )


def _step(step: Step, *, is_revealed: bool) -> OriginStep:
    return OriginStep(
        kind=step.kind.value,
        mapping_line=step.line,
        path=step.path,
        whole_path=step.whole_path,
        place=None if step.place is None else place_of(step.place),
        before=_shown(step.before, is_revealed=is_revealed),
        after=_shown(step.after, is_revealed=is_revealed),
        words=words_of(step.words) if is_revealed else hide_quoted(step.words, but=(step.path,)),
    )


def _source_value(leaf: Leaf, *, is_revealed: bool) -> SourceValue:
    return SourceValue(
        path=leaf.path,
        place=place_of(leaf.place),
        value=_shown(leaf.text, is_revealed=is_revealed),
    )


def _shown(value: str | None, *, is_revealed: bool) -> str | None:
    return value if value is None or is_revealed else shape_of(value)


def _too_large(size: int) -> Problem:
    return Problem(
        code="record.file_too_large",
        message=Text(
            vi=f"Tệp gốc lớn {size} byte: đọc lại một bản ghi mất quá lâu",
            en=f"The file has {size} bytes: reading one record of it again takes too long",
        ),
        suggestion=Text(
            vi="Dùng dòng lệnh với tệp gốc: lienthong mapping preview TỆP --record SỐ",
            en="Use the command with the file: lienthong mapping preview FILE --record NUMBER",
        ),
    )


def _no_service(service: str) -> Problem:
    return Problem(
        code="record.service_gone",
        message=Text(
            vi=f"Ánh xạ hiện nay không còn dịch vụ {service}",
            en=f"The present mapping has no service {service} any more",
        ),
        suggestion=Text(
            vi="Thêm dịch vụ vào `inbound` của ánh xạ", en="Add it to `inbound` of the mapping"
        ),
    )

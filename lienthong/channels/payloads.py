"""What a target is sent of one document, made from it again: for who looks at an attempt later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.port import Packet
from schemas.errors import InputError
from schemas.lgsp import LgspWriter
from schemas.parser import XmlRefused, parse_xml
from schemas.portal_json import JsonWriter
from schemas.reading import read_document

if TYPE_CHECKING:
    from lienthong.channels.profile import TargetProfile


def is_derived(profile: TargetProfile | None) -> bool:
    """Tell whether a target is sent what is derived from documents, and not the documents."""
    return profile is not None and profile.channel != "soap"


def derive_again(profile: TargetProfile, document: bytes) -> bytes | None:
    """
    Return what a target is sent of a document that goes in a call of its own.

    Whether it is what was sent once, only its digest tells: settings change, and several progress
    rows may have gone in one call.

    Returns:
        None where this target is sent documents themselves, or does not take this one.
    """
    try:
        read = read_document(parse_xml(document))
        if profile.json_adapter is not None:
            form = profile.json_adapter.json_form
            return b"[" + JsonWriter(read.version, read.packet, form=form).write(read).item + b"]"
        if profile.lgsp is not None:
            lgsp, is_dossier = profile.lgsp, read.packet == Packet.DOSSIER.value
            fields = lgsp.dossier if is_dossier else lgsp.progress
            writer = LgspWriter(read.packet, form=lgsp.form_of(fields, is_dossier=is_dossier))
            return writer.write(read)
    except (InputError, XmlRefused):
        return None
    return None

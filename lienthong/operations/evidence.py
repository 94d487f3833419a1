"""Evidence packs for who may audit: the same pack, and the same rows of the log, as the command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.evidence.packing import Wanted, name_of_pack
from lienthong.operations.dossiers import dossier_not_found, find_dossier
from lienthong.operations.downloads import Turns, make_download
from lienthong.proving import Proving
from lienthong.store.database import reading
from lienthong.store.queries import read_agency
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import KeyUnusable

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.operations.downloads import Download
    from lienthong.wiring import Installation

__all__ = ["Wanted", "export_evidence"]

MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"
_TURNS = Turns(2)


def export_evidence(
    installation: Installation, principal: Principal, wanted: Wanted, *, reason: str
) -> Download:
    """
    Return the evidence pack of one dossier, or of one message by its id.

    Args:
        installation: The site.
        principal: Who takes it; stands in the audit log.
        wanted: Which; files as they came, with the dossiers of others in them, are never in it.
        reason: Why; it goes into the audit log.

    Raises:
        Forbidden: it may be seen, but not audited.
        InputError: there is none that whoever asks may see, several are meant, or others are being
            made.
        ConfigError: the operator's key cannot sign now.
    """
    principal.need(Right.VIEW)
    code, agency = _whose(installation, principal, wanted)
    principal.need(Right.AUDIT, agency)
    mine = replace(wanted, dossier=code, agency=agency, whole_files=False)
    proving = Proving(installation)
    try:
        with _TURNS.taking():
            # What a witness was not told stands in its alarms; a pack is made all the same.
            proving.begin_export(mine, actor=principal.name, reason=reason)
            packer = proving.make_packer(waits=True)
            return make_download(
                installation,
                name=name_of_pack(code),
                media_type=MEDIA_TYPE,
                write=lambda file: packer.pack(file, mine),
            )
    except KeyUnusable as error:
        raise ConfigError(Text(vi=error.vi, en=error.en), code=error.code) from error


def _whose(installation: Installation, principal: Principal, wanted: Wanted) -> tuple[str, str]:
    """Return what is asked for, and its agency."""
    with reading(installation.store) as connection:
        found = find_dossier(connection, principal, wanted.dossier, agency=wanted.agency)
        if found is not None:
            return found
        agency = read_agency(connection, wanted.dossier)
    is_meant = wanted.agency in (None, agency)
    if agency is None or not is_meant or not principal.may(Right.VIEW, agency):
        raise dossier_not_found(wanted.dossier)
    return wanted.dossier, agency

"""Which mappings are installed, what made messages, and how far the catalogue is connected."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.access.rights import EVERY, Right
from lienthong.catalogue_coverage import Connection, by_group, cover
from lienthong.operations.mapping_views import (
    MappingDetail,
    UnfilledField,
    VersionsView,
    VersionView,
)
from lienthong.operations.masking import words_of
from lienthong.operations.site_views import (
    CatalogueView,
    Filled,
    GroupView,
    MappingsView,
    MappingView,
)
from lienthong.operations.views import Words
from lienthong.store.database import reading
from lienthong.store.deliveries import count_delivered
from lienthong.store.mapping_uses import mapping_uses
from lienthong.store.work import tell_time
from mappings import Cover, Need, cover_fields, load_mapping
from mappings.catalogue import load_catalogue
from schemas.errors import ConfigError, InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.store.mapping_uses import MappingUse
    from lienthong.wiring import Installation
    from mappings import Coverage, MappingFile

LOOKED_BACK = timedelta(days=30)
MOST_MESSAGES = 100_000
"""That are looked at for versions, the latest."""


def see_mappings(installation: Installation, principal: Principal) -> MappingsView:
    """
    Return the installed mappings of agencies for which these may be seen.

    Raises:
        Forbidden: that is for none.
    """
    principal.need(Right.MAPPINGS)
    names = _names(installation, principal)
    return MappingsView(mappings=[_view(name, _load(installation, name)) for name in names])


def see_mapping(installation: Installation, principal: Principal, agency: str) -> MappingDetail:
    """
    Return one installed mapping, and which fields of the portal it does not fill.

    Raises:
        Forbidden: its agency may be seen, but not its mapping.
        InputError: there is none that whoever asks may see.
    """
    need_mapping(installation, principal, agency)
    file = _load(installation, agency)
    unfilled = [] if isinstance(file, ConfigError) else _unfilled(cover_fields([file]))
    return MappingDetail(**_view(agency, file).model_dump(), not_filled=unfilled)


def see_versions(installation: Installation, principal: Principal, agency: str) -> VersionsView:
    """
    Return which versions of a mapping made messages that changed in the last 30 days.

    Raises:
        Forbidden: its agency may be seen, but not its mapping.
        InputError: there is none that whoever asks may see.
    """
    need_mapping(installation, principal, agency)
    file = _load(installation, agency)
    trouble = _unusable(file) if isinstance(file, ConfigError) else None
    installed = None
    if not isinstance(file, ConfigError):
        installed = f"{file.name}@{file.version} sha256:{file.digest}"
    store = installation.store
    with reading(store) as connection:
        since = tell_time(store, connection, at=installation.clock) - LOOKED_BACK
        found = mapping_uses(connection, agency, since=since, most=MOST_MESSAGES)
    return VersionsView(
        agency=agency,
        installed=installed,
        trouble=trouble,
        since=since,
        is_whole=sum(one.messages for one in found) < MOST_MESSAGES,
        versions=[_version(one, installed) for one in found],
    )


def need_mapping(installation: Installation, principal: Principal, agency: str) -> None:
    """
    Return where the mapping of an agency is there and may be seen.

    Raises:
        Forbidden: mappings may be seen of no agency, or of this one everything else.
        InputError: there is none that whoever asks may see.
    """
    principal.need(Right.MAPPINGS)
    if agency not in installation.mappings.names() or not (
        principal.may(Right.VIEW, agency) or principal.may(Right.MAPPINGS, agency)
    ):
        raise InputError(_NO_AGENCY)
    principal.need(Right.MAPPINGS, agency)


def see_catalogue(installation: Installation, principal: Principal) -> CatalogueView:
    """
    Return how many services of each group are connected, by the agencies that may be seen.

    It reads every message that was delivered, as `catalogue coverage` does.

    Raises:
        Forbidden: mappings may be seen of no agency.
    """
    principal.need(Right.MAPPINGS)
    names = _names(installation, principal)
    seen = principal.agencies(Right.MAPPINGS)
    loaded = (_load(installation, name) for name in names)
    files = [file for file in loaded if not isinstance(file, ConfigError)]
    day = installation.clock().date()
    try:
        catalogue = load_catalogue(installation.catalogue_file)
    except ConfigError as error:
        return CatalogueView(day=day, groups=[], trouble=_unusable(error))
    with reading(installation.store) as connection:
        delivered = [
            one for one in count_delivered(connection) if seen is EVERY or one.agency in seen
        ]
    groups = by_group(cover(catalogue, files, delivered, day=day))
    return CatalogueView(
        day=day,
        groups=[
            GroupView(
                code=line.group.code,
                name=line.group.name,
                delivered=line.counts[Connection.DELIVERED],
                mapped=line.counts[Connection.MAPPED],
                none=line.counts[Connection.NONE],
                total=line.total,
            )
            for line in groups
        ],
        trouble=None,
    )


def _names(installation: Installation, principal: Principal) -> list[str]:
    seen = principal.agencies(Right.MAPPINGS)
    return [name for name in installation.mappings.names() if seen is EVERY or name in seen]


def _load(installation: Installation, name: str) -> MappingFile | ConfigError:
    try:
        return load_mapping(installation.mappings.path(name))
    except ConfigError as error:
        return error


def _unfilled(covered: Coverage) -> list[UnfilledField]:
    there = (Cover.MAPPED, Cover.CONSTANT, Cover.UNKNOWN)
    return [
        UnfilledField(
            packet=row.packet,
            field=row.field,
            about=words_of(row.about),
            is_mandatory=row.need is Need.ALWAYS,
        )
        for row in covered.rows
        if row.need in (Need.ALWAYS, Need.OPTIONAL) and row.covers[0] not in there
    ]


def _version(use: MappingUse, installed: str | None) -> VersionView:
    head, _, digest = use.stamp.partition(" sha256:")
    version = head.rpartition("@")[2]
    return VersionView(
        mapping=use.stamp,
        version=int(version) if version.isdecimal() else None,
        sha256=digest or None,
        first_at=use.first_at,
        last_at=use.last_at,
        messages=use.messages,
        is_installed=use.stamp == installed,
    )


def _view(name: str, file: MappingFile | ConfigError) -> MappingView:
    if isinstance(file, ConfigError):
        return MappingView(
            name=name,
            agency_code=None,
            agency_name=None,
            group=None,
            version=None,
            sha256=None,
            schema_version=None,
            mandatory=None,
            optional=None,
            trouble=_unusable(file),
        )
    covered = cover_fields([file])
    mandatory, optional = (covered.count(0, need) for need in (Need.ALWAYS, Need.OPTIONAL))
    return MappingView(
        name=name,
        agency_code=file.agency_code,
        agency_name=file.agency_name,
        group=file.agency_group,
        version=file.version,
        sha256=file.digest,
        schema_version=file.schema.name,
        mandatory=Filled(filled=mandatory[0], of=mandatory[1]),
        optional=Filled(filled=optional[0], of=optional[1]),
        trouble=None,
    )


def _unusable(error: ConfigError) -> Words:
    # Its own words name files of the machine, which is for its operator.
    return Words(
        vi=f"Hiện không dùng được ({error.code}); xem: lienthong mapping check",
        en=f"It cannot be used now ({error.code}); see: lienthong mapping check",
    )


_NO_AGENCY = Problem(
    code="agency.not_found",
    message=Text(vi="Không có ánh xạ của cơ quan này", en="There is no mapping of this agency"),
    suggestion=Text(
        vi="Dùng tên ánh xạ như trong danh sách ánh xạ đã cài",
        en="Use the name of its mapping, as the list of installed mappings has it",
    ),
)

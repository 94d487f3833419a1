"""Which mappings are installed, and how far the catalogue is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import EVERY, Right
from lienthong.catalogue_coverage import Connection, by_group, cover
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
from mappings import Need, cover_fields, load_mapping
from mappings.catalogue import load_catalogue
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.wiring import Installation
    from mappings import MappingFile


def see_mappings(installation: Installation, principal: Principal) -> MappingsView:
    """
    Return the installed mappings of agencies for which these may be seen.

    Raises:
        Forbidden: that is for none.
    """
    principal.need(Right.MAPPINGS)
    names = _names(installation, principal)
    return MappingsView(mappings=[_look(installation, name) for name in names])


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


def _look(installation: Installation, name: str) -> MappingView:
    file = _load(installation, name)
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

"""An agency as the flows see it: how its files are read, converted and signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lienthong.conversion import Pipeline
from lienthong.inbound_conversion import InboundPipeline
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters import SourceOptions
    from lienthong.attachments.manifest import FileLimits
    from mappings import Converter
    from mappings.catalogue import Service
    from signing import XadesSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """One agency, compiled once."""

    name: str
    """Name of its mapping, as given on the command line."""
    code: str
    """The agency's own code, as it stands in its messages."""
    version: int
    """Of its mapping."""
    source: SourceOptions
    read_columns: frozenset[str]
    """What some rule of its mapping reads, as `adapters.read_records` takes it."""
    pipeline: Pipeline | InboundPipeline
    mapping_stamp: str
    """name@version sha256:…, written down with every message."""
    one_row_per_dossier: bool


AgencyFinder: TypeAlias = "Callable[[str, str | None], Agency]"
"""
Gives an agency by name, for what it sends (service None) or for what peers send to it.

Raises ConfigError where it cannot be used, signing.KeyUnusable where it has no key to sign with.
"""


def stamp_of(converter: Converter) -> str:
    """Return what is written down of the mapping with every message that it made."""
    return f"{converter.name}@{converter.version} sha256:{converter.digest}"


def make_receiver(converter: Converter, service: str) -> Agency:
    """
    Put together what makes files for an agency of what peers send to it; needs no key.

    Raises:
        ConfigError: its mapping says nothing of that service.
    """
    inbound = converter.inbound.get(service)
    if inbound is None:
        raise ConfigError(
            Text(
                vi=f"ánh xạ {converter.name} chưa có dịch vụ {service!r} trong `inbound`",
                en=f"mapping {converter.name} has no service {service!r} under `inbound`",
            ),
            code="mapping.inbound_missing",
        )
    return Agency(
        name=converter.name,
        code=converter.agency_code,
        version=converter.version,
        source=inbound.source,
        read_columns=inbound.read_columns,
        pipeline=InboundPipeline(inbound),
        mapping_stamp=stamp_of(converter),
        one_row_per_dossier=False,
    )


def make_agency(
    converter: Converter,
    *,
    signer: XadesSigner,
    services: Mapping[str, Sequence[Service]] | None = None,
    limits: FileLimits | None = None,
) -> Agency:
    """Put an agency together from its compiled mapping, its signer and the catalogue."""
    return Agency(
        name=converter.name,
        code=converter.agency_code,
        version=converter.version,
        source=converter.source,
        read_columns=converter.columns_read,
        pipeline=Pipeline(converter, signer=signer, services=services, limits=limits),
        mapping_stamp=stamp_of(converter),
        one_row_per_dossier=converter.one_row_per_dossier,
    )

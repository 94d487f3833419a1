"""
What of a document is shared: the fields that a profile names, and nothing else of it.

The same document gives the same bytes each time, so that whoever filters it again after a crash
hands over a repeat. The signature stays behind: it covers what is not shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from lienthong.channels.port import Packet
from lienthong.sharing.profile import DOSSIER_CODE
from schemas.errors import ConfigError
from schemas.model import load_version, version_names, version_of_namespace
from schemas.parser import parse_xml
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Collection

    from lxml.etree import _Element

    from lienthong.sharing.profile import SharingProfile
    from schemas.model import Group

SHOWN = 3
"""Characters at the end of a masked value that stay."""


class Filter:
    """
    One profile, ready to be applied. Thread-safe.

    Raises:
        ConfigError: it names a field that no installed schema version has.
    """

    def __init__(self, name: str, profile: SharingProfile) -> None:
        self._fields = {
            Packet.DOSSIER: frozenset({DOSSIER_CODE, *profile.fields}),
            Packet.PROGRESS: frozenset({DOSSIER_CODE, *profile.progress})
            if profile.progress
            else frozenset(),
        }
        self._masked = frozenset(profile.masked)
        for packet, names in self._fields.items():
            _check_names(name, packet, names)

    def shares(self, packet: Packet) -> bool:
        """Tell whether anything of such a document is shared."""
        return bool(self._fields[packet])

    def apply(self, document: bytes, *, packet: Packet) -> bytes:
        """
        Return what is shared of a signed document: BanTin with the element of its packet.

        Raises:
            ConfigError: it is of a schema version that is not installed.
        """
        root = parse_xml(document)
        namespace = etree.QName(root).namespace or ""
        version = version_of_namespace(namespace)
        if version is None:
            raise ConfigError(
                Text(
                    vi=f"không có phiên bản lược đồ nào của {namespace}: cài phiên bản đó rồi chạy "
                    "lienthong sharing send",
                    en=f"no schema version of {namespace} is installed: install it, then run "
                    "lienthong sharing send",
                ),
                code="schema.unknown_version",
            )
        name = version.element_of(packet.value)
        source = root.find(f"{{{namespace}}}{name}")
        assert source is not None, "a signed document has the element of its packet"
        shared = etree.Element(root.tag, nsmap={None: namespace})
        target = etree.SubElement(shared, source.tag)
        self._copy(source, target, self._fields[packet], prefix="", is_masked=False)
        return etree.tostring(shared, method="c14n", exclusive=True)

    def _copy(
        self,
        source: _Element,
        target: _Element,
        names: Collection[str],
        *,
        prefix: str,
        is_masked: bool,
    ) -> None:
        for child in source:
            path = f"{prefix}{etree.QName(child).localname}"
            is_whole = path in names
            if is_whole or any(name.startswith(f"{path}.") for name in names):
                copied = etree.SubElement(target, child.tag)
                # The name of a list that is masked masks all that stands in it.
                hides = is_masked or path in self._masked
                if len(child):
                    inner = [*names, *self._below(child, path)] if is_whole else names
                    self._copy(child, copied, inner, prefix=f"{path}.", is_masked=hides)
                else:
                    text = child.text or ""
                    copied.text = _mask(text) if hides else text

    @staticmethod
    def _below(element: _Element, path: str) -> list[str]:
        return [f"{path}.{etree.QName(child).localname}" for child in element]


def _mask(text: str) -> str:
    hidden = max(len(text) - SHOWN, 0) if len(text) > 2 * SHOWN else len(text)
    return "*" * hidden + text[hidden:]


def _check_names(profile: str, packet: Packet, names: Collection[str]) -> None:
    """Raise ConfigError unless some installed version has each of these fields."""
    known: set[str] = set()
    for version in version_names():
        known |= set(_paths(load_version(version).packets[packet.value], prefix=""))
    strange = sorted(set(names) - known)
    if strange:
        raise ConfigError(
            Text(
                vi=f"sharing.{profile}: {packet.value} không có trường {', '.join(strange)}",
                en=f"sharing.{profile}: {packet.value} has no field {', '.join(strange)}",
            ),
            code="sharing.field_unknown",
        )


def _paths(group: Group, *, prefix: str) -> list[str]:
    found = []
    for name, field in group.fields.items():
        found.append(f"{prefix}{name}")
        if field.group is not None:
            found += _paths(field.group, prefix=f"{prefix}{name}.")
    return found

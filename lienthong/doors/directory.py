"""The agencies as a door knows them: by the name of their mapping, or by their official code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import ConfigError

if TYPE_CHECKING:
    from adapters import SourceOptions
    from mappings import Agencies, Converter


class Directory:
    """Looks agencies up; a mapping that is wrong hides nobody but itself. Thread-safe."""

    def __init__(self, mappings: Agencies) -> None:
        self._mappings = mappings

    def is_named(self, name: str, called: str) -> bool:
        """Tell whether the agency with this mapping is called so, by name or by code."""
        if name not in self._mappings.names():
            return False
        converter = None if called == name else self._converter(name)
        return called == name or (converter is not None and converter.agency_code == called)

    def find(self, called: str) -> list[str]:
        """Return the names of the mappings of whoever is called so; several may share a code."""
        names = self._mappings.names()
        if called in names:
            return [called]
        return [name for name in names if self.is_named(name, called)]

    def source(self, name: str) -> SourceOptions | None:
        """Return the format of an agency's files, or None when its mapping cannot be used now."""
        converter = self._converter(name)
        return None if converter is None else converter.source

    def _converter(self, name: str) -> Converter | None:
        try:
            return self._mappings.get(name)
        except ConfigError:
            return None

"""Which columns of a source its mapping reads: of a text in any other nothing is ever sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.source_leaves import source_paths_of

if TYPE_CHECKING:
    from mappings import MappingFile


def columns_read(mapping: MappingFile) -> frozenset[str]:
    """
    Return the paths of the texts that some rule of a mapping reads, without positions in lists.

    They are those of which a preview says that a rule reads them, found before any record is.
    """
    paths = source_paths_of(mapping)
    # An entry that is no object is read as `value` of its list, an element by its own text.
    return paths | {path.removesuffix(".value") for path in paths} | {f"{p}.#text" for p in paths}

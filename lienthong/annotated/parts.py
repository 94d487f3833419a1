"""What parts of a workbook say of other parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def relate(listing: _Element, id_: str, kind: str, part: str) -> None:
    """Add a relationship to a list of them."""
    etree.SubElement(
        listing,
        f"{{{PACKAGE}/relationships}}Relationship",
        Id=id_,
        Type=f"{RELATIONSHIPS}/{kind}",
        Target=f"/{part}",
    )


def listing_of(part: str) -> str:
    """Return the name of the part with the relationships of another."""
    folder, _, base = part.rpartition("/")
    return f"{folder}/_rels/{base}.rels".lstrip("/")


def free_name(base: str, is_free: Callable[[str], bool], *, between: str = "") -> str:
    """Return `base`, with the first number behind it that makes it a new one if it is none."""
    name, number = base, 1
    while not is_free(name):
        number += 1
        name = f"{base}{between}{number}"
    return name


def written(root: _Element) -> bytes:
    """Return a part as it stands in the package."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)

"""Find what could mislead a reader of a signed document: ids, instructions, foreign signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from signing.profile import DS, XADES

if TYPE_CHECKING:
    from lxml.etree import _Element

# Any attribute that some library might take for an id: ID, id, Id, xml:id, wsu:Id.
_IDS = etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']", smart_strings=False)
_HAS_SIGNATURE_NAMES = etree.XPath(
    "boolean(//*[namespace-uri()=$ds or namespace-uri()=$xades]"
    " | //@*[namespace-uri()=$ds or namespace-uri()=$xades])"
)


def ids_in(root: _Element) -> list[str]:
    """Return the value of every id in the document, repeated ones as often as they occur."""
    return [str(one) for one in _IDS(root)]


def has_instructions(root: _Element) -> bool:
    """Tell whether processing instructions stand inside the root; they cut values apart."""
    return next(root.iter(etree.ProcessingInstruction), None) is not None


def has_signature_names(root: _Element) -> bool:
    """Tell whether any element or attribute is in a namespace of signatures."""
    return bool(_HAS_SIGNATURE_NAMES(root, ds=DS, xades=XADES))

"""
The exclusive canonical form of an element: the only text that is digested, signed and sent.

Source: W3C Exclusive XML Canonicalization 1.0, without comments.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from lxml import etree

from signing.errors import NoCanonicalForm

if TYPE_CHECKING:
    from lxml.etree import _Element


def canonical_bytes(element: _Element) -> bytes:
    """
    Return the exclusive canonical form of `element`, UTF-8, wherever it stands in its document.

    Use it to cut a signed document out of a SOAP message: the text no longer depends on the
    envelope, and its signature still holds. Comments, and what follows the element, are left out.

    Raises:
        NoCanonicalForm: a namespace of the document is not an absolute URI.
    """
    if element.getparent() is None and _has_siblings(element):
        # libxml2 would write the document's comments and processing instructions too.
        element = copy.deepcopy(element)
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    except etree.C14NError as exc:
        raise NoCanonicalForm from exc


def _has_siblings(element: _Element) -> bool:
    return element.getprevious() is not None or element.getnext() is not None

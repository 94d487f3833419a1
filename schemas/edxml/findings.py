"""What is found in packets of edXML, in both languages, and the places of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from schemas.edxml.names import XMLDSIG
from schemas.problem import LONGEST_VALUE, Place, Problem, Severity, Text

if TYPE_CHECKING:
    from lxml.etree import _Element

_LAST_LINE = 65535
"""libxml2 keeps lines up to here; from there on it may repeat this number."""
MEND = Text(
    vi="sửa ở hệ thống đã tạo văn bản rồi gửi lại cả tệp",
    en="mend it in the system that made the document, and send the whole file again",
)


def finding(
    code: str,
    text: Text,
    *,
    place: Place,
    value: str | None = None,
    suggestion: Text = MEND,
    is_warning: bool = False,
) -> Problem:
    """Return one finding."""
    return Problem(
        code=f"edxml.{code}",
        message=text,
        severity=Severity.WARNING if is_warning else Severity.ERROR,
        place=place,
        value=None if value is None else value[:LONGEST_VALUE],
        suggestion=suggestion,
    )


def place_of(element: _Element, *, file_name: str, path: str | None = None) -> Place:
    """
    Return where an element stands: its path by local names, and its line where it is known.

    Args:
        element: In its document.
        file_name: Of that.
        path: Where whoever asks knows it already: finding it takes as long as there are siblings.
    """
    line = element.sourceline
    is_known = line is not None and line < _LAST_LINE
    path = path_of(element) if path is None else path
    return Place(file=file_name, line=line if is_known else None, path=path)


def path_of(element: _Element) -> str:
    """Return "/edXML/edXMLEnvelope/…", with positions from 1 where a name stands repeatedly."""
    steps: list[str] = []
    node: _Element | None = element
    while node is not None:
        parent, step = node.getparent(), local_name(node)
        same = [] if parent is None else parent.findall(str(node.tag))
        steps.append(f"{step}[{same.index(node) + 1}]" if len(same) > 1 else step)
        node = parent
    return "/" + "/".join(reversed(steps))


def local_name(element: _Element) -> str:
    """Return the name without its namespace."""
    return etree.QName(element).localname


def namespace_of(element: _Element) -> str:
    """Return the namespace, "" for none."""
    return etree.QName(element).namespace or ""


def is_standard_signature(element: _Element) -> bool:
    """Return whether an element is a signature that XMLDSig knows."""
    return namespace_of(element) == XMLDSIG

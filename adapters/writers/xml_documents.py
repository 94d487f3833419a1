"""
Rows -> one XML document with an element per row: the reverse of `adapters.xml_elements`.

A name with dots makes elements inside each other; "@name" at its end is an attribute, "#text" the
own text of an element that has attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from adapters.options.faults import OptionsWrong
from adapters.writers.cells import (
    Fault,
    ValueRefused,
    check,
    control_fault,
    kind_fault,
    rows_of,
    text_of,
    xml_fault,
)
from adapters.writers.encoding import Encoder
from adapters.writers.nesting import nest
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from adapters.writers.cells import Column, Row
    from adapters.writers.nesting import Tree
    from adapters.writers.targets import XmlTarget

_BAD_NAME = Text(vi="không phải tên phần tử XML", en="not a name of an XML element")


def make(target: XmlTarget, columns: Sequence[Column]) -> XmlWriter:
    """Return the writer; see `adapters.writers.make_writer`."""
    return XmlWriter(target, columns)


class XmlWriter:
    """Writes documents."""

    media_type = "application/xml"
    suffix = ".xml"

    def __init__(self, target: XmlTarget, columns: Sequence[Column]) -> None:
        self.encoding: str | None = target.encoding
        self._encoder = Encoder(target.encoding)
        self._namespaces = dict(target.namespaces)
        self._path = [self._qualified(step) for step in target.records.strip("/").split("/")]
        self.is_single = len(self._path) == 1
        own, _, _ = self._path[-1].rpartition("}")
        self._space = f"{own}}}" if own and target.qualified else ""
        self._writes_empty = target.empty == "text"
        self._trees: dict[int, Tree] = {}
        faults = [(step, _BAD_NAME) for step in self._path if not _is_name(step)]
        faults += self._nest(columns)
        self._tree, _ = nest(columns)
        if faults:
            raise OptionsWrong(tuple(faults))

    def fault(self, column: Column, text: str) -> Fault | None:
        """Return why `text` cannot stand in an element."""
        found = kind_fault(column, text) or control_fault(text) or self._encoder.fault(text)
        return found or xml_fault(text)

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the document; see `Writer.write`."""
        if self.is_single and len(rows) != 1:
            raise ValueRefused(f"expected one row, found {len(rows)}")
        root = etree.Element(self._path[0], nsmap=self._namespaces)
        parent = root
        for step in self._path[1:-1]:
            parent = etree.SubElement(parent, step)
        for row in rows:
            record = root if self.is_single else etree.SubElement(parent, self._path[-1])
            self._fill(record, row, self._tree)
        return etree.tostring(root, encoding=self.encoding, xml_declaration=True)

    def _fill(self, element: _Element, row: Row, tree: Tree) -> None:
        for name, node in tree.items():
            if isinstance(node, dict):
                inner = etree.SubElement(element, self._space + name)
                self._fill(inner, row, node)
                if not self._writes_empty and not (len(inner) or inner.text or inner.attrib):
                    element.remove(inner)
            else:
                self._put(element, name, row, node)  # type: ignore[arg-type]

    def _put(self, element: _Element, name: str, row: Row, column: Column) -> None:
        if column.columns:
            for below in rows_of(row, column):
                self._fill(
                    etree.SubElement(element, self._space + name), below, self._trees[id(column)]
                )
            return
        text = text_of(row, column)
        check(self, column, text)
        if not text and not self._writes_empty:
            return
        if name.startswith("@"):
            element.set(name[1:], text)
        elif name == "#text":
            element.text = text or None
        else:
            etree.SubElement(element, self._space + name).text = text or None

    def _qualified(self, step: str) -> str:
        prefix, _, name = step.rpartition(":")
        return f"{{{self._namespaces[prefix]}}}{name}" if prefix else name

    def _nest(self, columns: Sequence[Column]) -> list[tuple[str, Text]]:
        _, faults = nest(columns)
        for column in columns:
            *above, last = column.name.split(".")
            own = last.removeprefix("@") if not column.columns else last
            names = above if last == "#text" and above else [*above, own]
            faults += [(column.name, _BAD_NAME) for name in names if not _is_name(name)]
            if column.columns:
                self._trees[id(column)], _ = nest(column.columns)
                faults += self._nest(column.columns)
        return faults


def _is_name(text: str) -> bool:
    try:
        name = etree.QName(text)
    except ValueError:
        return False
    return bool(name.localname)

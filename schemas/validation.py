"""
Tells whether a document suits the schema of its version, and explains when it does not.

libxml2 answers the common question in microseconds; only a document it refuses is looked at
again by `schemas.explaining`, which is a hundred times slower and names every mistake.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lxml import etree

from schemas.parser import XmlRefused, parse_xml
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from lxml.etree import _Element

    from schemas.model import SchemaVersion


class Validator:
    """Validates every message of one schema version. Thread-safe."""

    def __init__(self, version: SchemaVersion) -> None:
        self._version = version
        self._compiled = _Compiled(version)

    def problems(self, document: bytes) -> list[Problem]:
        """
        Return everything wrong with one message; an empty list when it is valid.

        Args:
            document: Any global element of the version's messages, signed or not, with or
                without an XML declaration. Signatures are not verified here.
        """
        try:
            root = parse_xml(document)
        except XmlRefused as exc:
            return [_unreadable(exc)]
        return self.problems_of_element(root)

    def problems_of_element(self, element: _Element) -> list[Problem]:
        """Return everything wrong with an element that was parsed by `schemas.parser`."""
        schema = self._compiled.schema
        if schema.validate(element):
            return []
        complaint = str(schema.error_log.last_error and schema.error_log.last_error.message)
        # xmlschema takes a quarter of a second to import and is needed for bad documents only.
        from schemas.explaining import explain  # noqa: PLC0415

        return explain(element, version=self._version, complaint=complaint)


class _Compiled(threading.local):
    """One compiled schema per thread, because its error log belongs to the object."""

    def __init__(self, version: SchemaVersion) -> None:
        self.schema = etree.XMLSchema(etree.parse(version.folder / "messages.xsd"))


def _unreadable(exc: XmlRefused) -> Problem:
    return Problem(
        code=exc.code,
        message=Text(vi=exc.vi, en=exc.en),
        place=Place(line=exc.line),
        suggestion=Text(
            vi="Gửi tài liệu XML đúng cú pháp, mã UTF-8, không có DOCTYPE",
            en="send well-formed XML in UTF-8 without a DOCTYPE",
        ),
    )

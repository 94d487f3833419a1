"""
Names of edXML that stand around the fields, as they are published or were met.

Sources: code of five implementations. `Bussiness` is spelled so.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QCVN = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
E_DOC = "http://www.e-doc.vn/Schema/"
"""An older constant."""
GO_VN = "http://www.go.vn/eDoc"
"""Of one project, later withdrawn as wrong; its root is the envelope itself."""
NAMESPACES = (QCVN, E_DOC, GO_VN)
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
XLINK = "http://www.w3.org/1999/xlink"

PREFIX = "edXML"
ROOT = "edXML"
ENVELOPE = "edXMLEnvelope"
GO_VN_ROOT = "EdXMLEnvelope"
HEADER = "edXMLHeader"
BODY = "edXMLBody"
MANIFEST = "edXMLManifest"
REFERENCE = "Reference"
TRACES = "TraceHeaderList"
ENCLOSED = "AttachmentEncoded"
ATTACHMENT = "Attachment"
CONTENT = "ContentTransferEncoded"
SIGNATURES = frozenset({"Signature", "DigitalSignature"})
CONTENT_ID = "cid:"
"""What stands before an id in the manifest."""
ZIP_TYPE = "application/zip"

DATE = "%Y/%m/%d"
TIME = "%Y/%m/%d %H:%M:%S"
"""Of Vietnam's clock."""

Values: TypeAlias = "Mapping[str, str | Values | Sequence[str | Values]]"
"""Fields by their published names, nested as they are; what may repeat is a list."""


class Packet(Enum):
    """What a file is; the values are the names of what stands in its header."""

    DOCUMENT = "MessageHeader"
    STATUS = "MessageStatus"


def signature_places() -> frozenset[tuple[tuple[str, str], ...]]:
    """Return the paths, from the root, of the element in which a signature stands."""
    places = {((one, ROOT), (one, ENVELOPE), (one, HEADER)) for one in NAMESPACES}
    return frozenset(places | {((GO_VN, GO_VN_ROOT), (GO_VN, HEADER))})

"""Packets as several implementations write them; every agency and file in them is invented."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass

from adapters import make_options, read_records
from schemas.edxml.names import GO_VN, QCVN
from schemas.edxml.reading import read_packet

PDF = b"%PDF-1.7 cong van"
FIELDS = {
    "From": {"OrganId": "000.00.15.H29", "OrganName": "Sở Xây dựng"},
    "To": [
        {"OrganId": "000.00.01.H29", "OrganName": "Văn phòng UBND Thành phố"},
        {"OrganId": "000.07.27.H29", "OrganName": "UBND Phường Bến Nghé"},
    ],
    "DocumentId": "000.00.15.H29,2026/11/20,12/SXD-VP",
    "Code": {"CodeNumber": "12", "CodeNotation": "SXD-VP"},
    "PromulgationInfo": {"Place": "TP. Hồ Chí Minh", "PromulgationDate": "2026/11/20"},
    "DocumentType": {"Type": "18", "TypeName": "Công văn"},
    "Subject": "V/v lấy ý kiến",
}
HEADER = (
    "<From><OrganId>000.00.15.H29</OrganId><OrganName>Sở Xây dựng</OrganName></From>"
    "<To><OrganId>000.00.01.H29</OrganId><OrganName>Văn phòng UBND Thành phố</OrganName></To>"
    "<To><OrganId>000.07.27.H29</OrganId><OrganName>UBND Phường Bến Nghé</OrganName></To>"
    "<DocumentId>000.00.15.H29,2026/11/20,12/SXD-VP</DocumentId>"
    "<Code><CodeNumber>12</CodeNumber><CodeNotation>SXD-VP</CodeNotation></Code>"
    "<PromulgationInfo><Place>TP. Hồ Chí Minh</Place>"
    "<PromulgationDate>2026/11/20</PromulgationDate></PromulgationInfo>"
    "<DocumentType><Type>18</Type><TypeName>Công văn</TypeName></DocumentType>"
    "<Subject>V/v lấy ý kiến</Subject>"
)
STATUS = (
    "<ResponseFor><OrganId>000.00.15.H29</OrganId><Code>12/SXD-VP</Code>"
    "<PromulgationDate>2026/11/20</PromulgationDate>"
    "<DocumentId>000.00.15.H29,2026/11/20,12/SXD-VP</DocumentId></ResponseFor>"
    "<From><OrganId>000.00.01.H29</OrganId><OrganName>Văn phòng</OrganName></From>"
    "<StatusCode>03</StatusCode><Description>Đã tiếp nhận</Description>"
    "<Timestamp>2026/11/20 09:30:00</Timestamp>"
)
TRACES = (
    "<edXML:TraceHeaderList version='1.0'><TraceHeader><OrganId>000.00.15.H29</OrganId>"
    "<Timestamp>2026/11/20 08:00:00</Timestamp></TraceHeader>"
    "<Bussiness><BussinessDocType>0</BussinessDocType></Bussiness></edXML:TraceHeaderList>"
)


def zipped(*members: tuple[str, bytes]) -> str:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return plain(out.getvalue())


def plain(data: bytes) -> str:
    return base64.b64encode(data).decode()


def reference(content_id="cid:f1", name="cv.pdf", kind="application/pdf", extra=""):
    return (
        f"<Reference{extra}><ContentId>{content_id}</ContentId><ContentType>{kind}</ContentType>"
        f"<AttachmentName>{name}</AttachmentName></Reference>"
    )


def attachment(content, content_id="f1", name="cv.pdf", kind="application/zip"):
    return (
        f"<Attachment><ContentId>{content_id}</ContentId><ContentType>{kind}</ContentType>"
        f"<Description>-</Description><AttachmentName>{name}</AttachmentName>"
        f"<ContentTransferEncoded>{content}</ContentTransferEncoded></Attachment>"
    )


@dataclass(frozen=True)
class Sample:
    """What a packet is made of."""

    header: str = HEADER
    packet: str = "MessageHeader"
    traces: str = TRACES
    signature: str = ""
    references: str = reference()
    attachments: str = attachment(zipped(("cv.pdf", PDF)))
    namespace: str = QCVN
    before: str = ""

    def data(self) -> bytes:
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>{self.before}\n'
            f'<edXML xmlns="{self.namespace}">\n'
            f'<edXML:edXMLEnvelope xmlns:edXML="{self.namespace}"><edXML:edXMLHeader>\n'
            f"<edXML:{self.packet}>{self.header}</edXML:{self.packet}>"
            f"{self.traces}{self.signature}</edXML:edXMLHeader>"
            f'<edXML:edXMLBody><edXML:edXMLManifest version="1.0">{self.references}'
            "</edXML:edXMLManifest></edXML:edXMLBody></edXML:edXMLEnvelope>\n"
            f"<AttachmentEncoded>{self.attachments}</AttachmentEncoded></edXML>\n"
        ).encode()


NO_FILES = {"references": "", "attachments": ""}


def go_vn() -> bytes:
    return (
        f'<EdXMLEnvelope xmlns="{GO_VN}"><EdXMLHeader><MessageHeader>{HEADER}</MessageHeader>'
        "</EdXMLHeader><EdXMLBody><EdXMLManifest/></EdXMLBody></EdXMLEnvelope>"
    ).encode()


def status(**changes) -> bytes:
    whole = {"header": STATUS, "packet": "MessageStatus", "traces": "", **NO_FILES, **changes}
    return Sample(**whole).data()


def records(data, **options):
    made = make_options({"format": "edxml", **options})
    return list(read_records(io.BytesIO(data), file_name="cv.edxml", options=made))


def packet(data, **options):
    return read_packet(data, file_name="cv.edxml", **options)

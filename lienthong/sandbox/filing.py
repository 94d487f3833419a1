"""
What is filed at the sandbox's portal, and the messages that bring it down to an installation.

A dossier is judged by the newest schema version, as a portal would, before anything is filed; what
other services carry (payments, tax notices) goes down as it is. One filing is one message for ever:
the same item in JSON, the same document in SOAP, however often it has to be sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lxml import etree
from pydantic import BaseModel, ConfigDict, Field

from lienthong.sandbox.judging import values_of
from schemas.building import SOAP_11, VIETNAM, DocumentBuilder, build_request, format_time
from schemas.inbound import NAMESPACE, OPERATION
from signing.wss import SecurityWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.model import SchemaVersion
    from signing import SigningKey

DOSSIER: Final = "DongBoHoSoMC"
PAYMENT: Final = "ChungTuThue"
MOST_REPEATS: Final = 100
SAMPLE_UNIT: Final = "000.15.29.H29"
"""Of the packaged land registration office, whose codes are sample codes as well."""


class DoorWish(BaseModel):
    """Where an installation takes messages, as an order names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://[!-~]+/(json|soap)$", max_length=500)
    token: str = Field(default="", repr=False, pattern=r"^[!-~]*$", max_length=500)
    security_key: str = Field(default="", repr=False, max_length=500)


class FilingWish(BaseModel):
    """One order to file something."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str = Field(default=DOSSIER, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    item: dict[str, Any] | None = Field(default=None, description="none: a sample of ours")
    unit: str | None = Field(default=None, min_length=1, max_length=100)
    """Code of the unit that it is for; None: what stands before the first '-' of MaHoSo."""
    is_updating: bool = Field(default=False, description="of a dossier that is there already")
    repeats: int = Field(default=0, ge=0, le=MOST_REPEATS)
    """How often it is sent again after it was acknowledged."""
    door: DoorWish | None = Field(default=None, description="none: the last one named")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where an installation takes messages, and what proves us there."""

    url: str
    """Ends in /json or /soap: the peers' doors of an installation."""
    token: str = field(default="", repr=False)
    security_key: str = field(default="", repr=False)
    """JSON only: the envelope is then the one with SecurityKey."""

    @property
    def is_soap(self) -> bool:
        """Whether messages go as SOAP."""
        return urlsplit(self.url).path.endswith("/soap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """Something that was filed; `item` is all that the portal has of it."""

    service: str
    unit: str
    message_id: str
    filed_at: datetime
    item: bytes
    """One JSON object."""
    is_updating: bool


def dossier_code_of(item: Mapping[str, Any]) -> str | None:
    """Return the dossier that something is about."""
    code = item.get("MaHoSo")
    return code if isinstance(code, str) and code.isprintable() and code else None


def json_message(filing: Filing, door: Door) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of the message for the JSON door."""
    flag = str(filing.is_updating)
    item = json.loads(filing.item)
    around: dict[str, object] = {
        "madonvi": filing.unit,
        "service": filing.service,
        "isUpdating": flag,
        "data": [item],
    }
    if door.security_key:
        around = {
            "SecurityKey": door.security_key,
            "Service": filing.service,
            "Ngay": format_time(filing.filed_at),
            "IsUpdating": flag,
            "MaDonVi": filing.unit,
            "Data": item,
        }
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if door.token:
        headers["Authorization"] = f"Bearer {door.token}"
    return json.dumps(around, ensure_ascii=False, separators=(",", ":")).encode(), headers


class SoapMessages:
    """Writes messages for the SOAP door, signed with the sandbox's key (WS-Security)."""

    def __init__(self, version: SchemaVersion, *, key: SigningKey) -> None:
        self._version = version
        self._writer = SecurityWriter(soap=SOAP_11, key=key)

    def write(
        self, filing: Filing, door: Door, *, attempt: int, now: datetime
    ) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of one attempt; the message in it is always the same."""
        body = self._request(filing, attempt=attempt, now=now)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        if door.token:
            headers["Authorization"] = f"Bearer {door.token}"
        return self._writer.write(body, at=now).envelope, headers

    def _request(self, filing: Filing, *, attempt: int, now: datetime) -> bytes:
        values = json.loads(filing.item)
        if filing.service not in self._version.packets:
            return _generic(filing, values)
        document = DocumentBuilder(self._version, filing.service).build(
            values_of(values),
            message_id=filing.message_id,
            agency_code=filing.unit,
            created_at=filing.filed_at,
        )
        return build_request(
            filing.service,
            version=self._version,
            document=document,
            attempt=attempt,
            sent_at=now,
            is_updating=filing.is_updating if filing.service == DOSSIER else None,
        )


def _generic(filing: Filing, values: Mapping[str, Any]) -> bytes:
    root = etree.Element(f"{{{NAMESPACE}}}{OPERATION}", nsmap={None: NAMESPACE})
    for name, text in (
        ("MaBanTin", filing.message_id),
        ("DichVu", filing.service),
        ("MaDonVi", filing.unit),
    ):
        etree.SubElement(root, f"{{{NAMESPACE}}}{name}").text = text
    data = etree.SubElement(root, f"{{{NAMESPACE}}}DuLieu")
    _put(etree.SubElement(data, filing.service), values)
    return etree.tostring(root)


def _put(element: etree._Element, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            child = etree.SubElement(element, name)
            if isinstance(one, dict):
                _put(child, one)
            elif one is not None:
                child.text = str(one)


def sample_item(service: str, *, unit: str, number: int, now: datetime) -> dict[str, Any]:
    """Return something invented to file: the `number`th of this portal."""
    local = now.astimezone(VIETNAM)
    code = f"{unit}-{local:%y%m%d}-{number:04d}"
    if service == PAYMENT:
        return {
            "MaHoSo": code,
            "MaSoThue": "8000000042",
            "HoTenNguoiNopTien": "Trần Văn Mẫu",
            "SoCMTNguoiNopTien": "079000000042",
            "DiaChiNguoiNopTien": "12/3 đường số 5",
            "TinhNguoiNopTien": "79",
            "HuyenNguoiNopTien": "769",
            "XaNguoiNopTien": "27112",
            "UrlFileChungTu": f"https://dvc.example.vn/ct/{number}",
            "ThongTinThanhToan": {
                "NoiDungThanhToan": "Lệ phí trước bạ",
                "ThoiGianThanhToan": format_time(now),
                "MaThongBaoThue": f"TB-{number:04d}",
                "TrangThaiThanhToan": 1,
                "SoTien": 1250000,
            },
        }
    return {
        "MaHoSo": code,
        "MaTTHC": "1.012784",
        "TenTTHC": "Tách thửa hoặc hợp thửa đất.",
        "MaLinhVuc": "G10-DD01",
        "TenLinhVuc": "Đất đai",
        "KenhThucHien": "2",
        "ChuHoSo": "Nguyễn Thị Mẫu",
        "LoaiDoiTuong": "1",
        "SoDienThoai": "0900000042",
        "TrichYeuHoSo": "Tách thửa 112, tờ 07",
        "NgayTiepNhan": format_time(now),
        "NgayHenTra": format_time(now + timedelta(days=15)),
        "TrangThaiHoSo": "1",
        "HinhThuc": "0",
        "DonViXuLy": "Văn phòng Đăng ký đất đai",
        "TaiLieuNop": [
            {
                "TepDinhKemId": str(number),
                "TenTepDinhKem": "don-de-nghi.pdf",
                "IsDeleted": "False",
                "DuongDanTaiTepTin": f"https://dvc.example.vn/tep/{number}",
            }
        ],
    }

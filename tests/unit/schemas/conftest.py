from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.building import DocumentBuilder
from schemas.model import load_version

MESSAGE_ID = "01935f8e-7c00-7a3b-8f00-1234567890ab"

DOSSIER = {
    "MaHoSo": "000.19.26.H29-210305-0042",
    "MaTTHC": "1.001193",
    "TenTTHC": "Thủ tục đăng ký khai sinh",
    "MaLinhVuc": "G15-TP08",
    "TenLinhVuc": "Hộ tịch",
    "LoaiDoiTuong": "1",
    "NgayTiepNhan": "20210305081500",
    "TrangThaiHoSo": "4",
    "HinhThuc": "0",
    "DonViXuLy": "UBND Phường 1",
}
PROGRESS = {
    "MaHoSo": "000.19.26.H29-210305-0042",
    "NguoiXuLy": "Trần Văn Mẫu",
    "ThoiDiemXuLy": "20210306091500",
    "NoiDungXuLy": "Thẩm định hồ sơ",
    "TrangThai": "4",
}


@pytest.fixture(params=["dvcqg-2020", "dvcqg-2022"])
def version(request):
    return load_version(request.param)


@pytest.fixture
def version_2022():
    return load_version("dvcqg-2022")


@pytest.fixture
def dossier():
    """The smallest dossier the portal takes; every person in it is invented."""
    return dict(DOSSIER)


@pytest.fixture
def progress():
    return dict(PROGRESS)


@pytest.fixture
def build():
    """Build a document from a packet's values."""

    def make(version, values, *, packet="DongBoHoSoMC", message_id=MESSAGE_ID) -> bytes:
        return DocumentBuilder(version, packet).build(
            values,
            message_id=message_id,
            agency_code="000.19.26.H29",
            created_at=datetime(2021, 3, 5, 18, 30, 0, tzinfo=UTC),
        )

    return make

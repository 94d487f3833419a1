"""A channel to a JSON adapter, opened as the installation opens it."""

from __future__ import annotations

from datetime import UTC, datetime

from lienthong.channels.dvcqg_json import JsonChannel, session_owner
from lienthong.channels.profile import TargetProfile
from lienthong.channels.sessions import Session, SessionFile
from schemas.building import DocumentBuilder
from schemas.model import load_version

MESSAGE = "019abcde-0000-7000-8000-000000000001"
DOSSIER = "H29.14-261124-0001"
AGENCY = "000.00.00.H29"
MADE_AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ADAPTER = {
    "auth_endpoint": "/auth",
    "integration_endpoint": "/integration",
    "username": "tich-hop",
    "password": "mat-khau",
    "madonvi": AGENCY,
}
VALUES = {
    "MaHoSo": DOSSIER,
    "MaTTHC": "1.001193",
    "TenTTHC": "Thủ tục đăng ký khai sinh",
    "MaLinhVuc": "G15-TP08",
    "TenLinhVuc": "Hộ tịch",
    "LoaiDoiTuong": "1",
    "NgayTiepNhan": "20261124081500",
    "TrangThaiHoSo": "4",
    "HinhThuc": "0",
    "DonViXuLy": "UBND Phường 1",
}
PROGRESS_VALUES = {
    "MaHoSo": DOSSIER,
    "NguoiXuLy": "Trần Văn Mẫu",
    "ThoiDiemXuLy": "20261124091500",
    "NoiDungXuLy": "Thẩm định hồ sơ",
    "TrangThai": "4",
}


def build_document(values=VALUES, *, packet="DongBoHoSoMC", version="dvcqg-2020"):
    """Return an unsigned document: what the channel reads of it, the signature is not part of."""
    builder = DocumentBuilder(load_version(version), packet)
    return builder.build(values, message_id=MESSAGE, agency_code=AGENCY, created_at=MADE_AT)


JSON_DOCUMENT = build_document()


class Openly:
    """Seals nothing, so that a test can see what is kept."""

    def seal(self, plain):
        return plain

    def open(self, sealed):
        return sealed


def open_json(url, *, folder, clock, session="phien-1", adapter=None, sealing=None, **settings):
    """Open the channel; `session` is one that is there already, None for none."""
    table = ADAPTER | (adapter or {})
    if table.get("form") == "facade":
        table = {key: value for key, value in table.items() if key in {"madonvi", *adapter}}
    profile = TargetProfile(endpoint=url, channel="dvcqg-json", json=table, **settings)
    file = SessionFile(folder / "portal-session", sealing=sealing or Openly())
    if session is not None:
        file.write(Session(value=session, made_at=clock()), session_owner(profile))
    return JsonChannel(profile, clock=clock, session_file=file)

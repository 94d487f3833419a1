"""One peer over a store in a file, with keys of the tests' own and a clock that stands still."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from broker.memory import MemoryBroker
from lienthong.inbound.peer import Peer, PeerKeys
from lienthong.inbound.profile import PeerProfile
from lienthong.inbound.taking import Taking, holder_of
from lienthong.store.database import reading
from lienthong.store.pieces import PieceReader
from lienthong.store.tables import audit, submissions
from lienthong.store.tokens import make_token
from lienthong.store.work import begin
from schemas.building import SOAP_11, DocumentBuilder, build_envelope, build_request
from schemas.model import load_version
from signing import load_pem, load_policy
from signing.devpki import make_development_pki

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LAND, HEALTH = "land-registration", "health-department"
UNIT = "000.00.15.H29"
SECRET = "bi-mat-cua-thue-2026"
MESSAGE_ID = "019abcde-0000-7000-8000-000000000001"
ITEM = {
    "MaHoSo": "000.00.15.H29-260302-0001",
    "MaTTHC": "1.001193",
    "TenTTHC": "Đăng ký đất đai",
    "MaLinhVuc": "G15-DD01",
    "TenLinhVuc": "Đất đai",
    "KenhThucHien": "2",
    "ChuHoSo": "Nguyễn Thị Bưởi",
    "LoaiDoiTuong": "1",
    "NgayTiepNhan": "20260302081500",
    "TrangThaiHoSo": "1",
    "HinhThuc": "0",
    "DonViXuLy": "Văn phòng đăng ký",
}


@dataclass
class Site:
    """An installation with one peer, as its doors have it."""

    store: object
    pki: object
    agencies: tuple = (LAND, HEALTH)

    def peer(self, **settings):
        values = {
            "services": {"DongBoHoSoMC": {}, "CapNhatTienDoHoSoMC": {}, "ChungTuThue": {}},
            "routes": {"units": {UNIT: LAND}},
        }
        profile = PeerProfile(**(values | settings))
        trust = None
        if profile.soap is not None and profile.soap.trust:
            trust = load_policy(profile.soap.trust)
        return Peer(
            "portal",
            profile,
            taking=Taking(
                store=lambda: self.store,
                publisher=MemoryBroker(clock=self.clock),
                clock=self.clock,
                agencies=lambda: self.agencies,
                retry_after_seconds=5,
            ),
            keys=PeerKeys(trust=trust, signing=lambda: self.operator),
            clock=self.clock,
            retry_after_seconds=5,
        )

    @staticmethod
    def clock():
        return NOW

    @property
    def operator(self):
        return load_pem(self.pki.operator.key, self.pki.operator.certificate, passphrase=None)

    @property
    def portal(self):
        return load_pem(self.pki.portal.key, self.pki.portal.certificate, passphrase=None)

    def token(self, holder=None):
        with begin(self.store, at=NOW) as work:
            return make_token(work, holder or holder_of("portal"), expires_at=None)

    def kept(self):
        """Return what is durable: agency, file name, key and bytes of every submission."""
        with reading(self.store) as connection:
            rows = connection.execute(select(submissions).order_by(submissions.c.id)).all()
        return [
            (
                row.agency,
                row.file_name,
                row.key,
                PieceReader(self.store, row.id, size=row.size).read(),
            )
            for row in rows
        ]

    def audited(self, action):
        with reading(self.store) as connection:
            rows = connection.execute(
                select(audit.c.subject, audit.c.detail).where(audit.c.action == action)
            ).all()
        return [(row.subject, json.loads(row.detail)) for row in rows]

    @staticmethod
    def document(values=None, *, unit=UNIT, message_id=MESSAGE_ID, packet="DongBoHoSoMC"):
        version = load_version("dvcqg-2020")
        return DocumentBuilder(version, packet).build(
            values or ITEM, message_id=message_id, agency_code=unit, created_at=NOW
        )

    @staticmethod
    def request(message, *, attempt=1, packet="DongBoHoSoMC"):
        return build_request(
            packet,
            version=load_version("dvcqg-2020"),
            document=message,
            attempt=attempt,
            sent_at=NOW,
            is_updating=False if packet == "DongBoHoSoMC" else None,
        )

    @staticmethod
    def envelope(body, *, soap=SOAP_11, headers=()):
        return build_envelope(body, soap=soap, headers=headers)


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return make_development_pki(tmp_path_factory.mktemp("keys"), now=NOW, agencies={})


@pytest.fixture
def site(store, pki):
    return Site(store, pki)


@pytest.fixture
def item():
    return dict(ITEM)

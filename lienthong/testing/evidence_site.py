"""An installation that has delivered a few dossiers, without servers: for what proves it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.channels.profile import TargetProfile
from lienthong.flows.receive import Offer, receive
from lienthong.ids import make_id
from lienthong.moving import Moving
from lienthong.proving import Proving
from lienthong.roles import Role, Workers
from lienthong.samples import generate_large_csv
from lienthong.settings import Settings, StoreSettings
from lienthong.wiring import Installation
from schemas.building import SOAP_11, DocumentBuilder, build_receipt, build_request
from schemas.model import load_version
from signing import XadesSigner, make_development_pki
from signing.wss import SecurityWriter

if TYPE_CHECKING:
    from pathlib import Path

    from lienthong.channels.port import Channel, SendRequest

AGENCY = "land-registration"
MADE_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAYS = 3_000
NEIGHBOUR = "ministry-profile"
SHARED = {
    "from": AGENCY,
    "to": NEIGHBOUR,
    "procedures": ["*"],
    "fields": ["MaTTHC", "TrangThaiHoSo", "ChuHoSo", "NgayTiepNhan"],
    "masked": ["ChuHoSo"],
    "purpose": "Thử nghiệm",
    "legal_basis": "Nghị định 47/2020/NĐ-CP",
    "until": "2100-12-31",
}
FILED = {
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
"""What the portal says of a dossier that was filed there, but for its code."""


@dataclass(frozen=True, slots=True)
class SigningPortal:
    """Takes everything and gives a signed receipt for it; `gives` None: no receipts."""

    signer: XadesSigner | None

    def send(self, request: SendRequest) -> Answer:
        """Answer with a receipt."""
        receipt = None
        if self.signer is not None:
            receipt = self.signer.sign(
                build_receipt(
                    load_version("dvcqg-2020"),
                    message_id=request.message_id,
                    dossier_code=request.dossier_code,
                    digest=hashlib.sha256(request.document).hexdigest(),
                    received_at=request.sent_at,
                ),
                signed_at=request.sent_at,
            )
        return Answer(
            outcome=Outcome.DELIVERED,
            code="0",
            raw=b"<ok/>",
            receipt=receipt,
            headers=b"Accept: a\n\n<h>1</h>",
        )

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:  # noqa: ARG002
        """Know nothing."""
        return LookUp(found=Found.FAILED)

    def close(self) -> None:
        """Hold nothing."""


class QuietSite(Installation):
    """An installation whose portal is in memory, and whose clock is steady and of one day."""

    roles: tuple[Role, ...] = (Role.EXPAND, Role.DELIVER)

    def __init__(
        self,
        folder: Path,
        *,
        receipts: bool = True,
        store_url: str | None = None,
        now: datetime = MADE_AT,
        **tables: Any,
    ) -> None:
        keys = folder / "keys"
        if not keys.exists():
            agency = {AGENCY: ("000.00.15.H29", "Văn phòng Đăng ký đất đai")}
            make_development_pki(keys, agencies=agency, now=MADE_AT, days=DAYS, kind="ec")
        settings = Settings(
            data_dir=folder / "data",
            keys_dir=keys,
            target=TargetProfile(endpoint="http://127.0.0.1:9/", receipts="none"),
            store=StoreSettings(url=store_url),
            **tables,
        )
        super().__init__(settings)
        self._gives_receipts = receipts
        self._now = now
        self._ticking = Lock()

    def clock(self) -> datetime:
        """Return a moment later than the last one."""
        # Roles ask from threads of their own, and it must never go back.
        with self._ticking:
            self._now += timedelta(milliseconds=1)
            return self._now

    def open_channel(self) -> Channel:
        """Open the portal in memory."""
        signer = XadesSigner(self.keyring.portal_key()) if self._gives_receipts else None
        return SigningPortal(signer)

    def hand_in(self, source: bytes, *, file_name: str = "so-dat-dai.csv") -> None:
        """Take a file over, deliver all of it, and seal the log."""
        with self.open_broker() as broker:
            receive(
                Offer(
                    source=BytesIO(source),
                    file_name=file_name,
                    agency=AGENCY,
                    door="file",
                    sender="test",
                ),
                store=self.store,
                broker=broker,
                clock=self.clock,
            )
        self.work()
        Moving(self).make_acknowledger().step()
        Proving(self).make_sealer().step()

    def work(self) -> None:
        """Do all that there is to do."""
        assert Workers(self, self.roles, Event(), until_idle=True).run()


class TownSite(QuietSite):
    """The same; the portal sends to the land office, which lets a ministry know of its dossiers."""

    roles = (Role.EXPAND, Role.DELIVER, Role.HAND_OVER, Role.SHARE)

    def __init__(self, folder: Path, *, now: datetime = MADE_AT) -> None:
        ways = {name: {"folder": folder / name} for name in (AGENCY, NEIGHBOUR)}
        for way in ways.values():
            way["folder"].mkdir(exist_ok=True)
        portal = {
            "soap": {"trust": [folder / "keys" / "portal.cert.pem"]},
            "services": {"DongBoHoSoMC": {}},
            "routes": {"otherwise": AGENCY},
        }
        super().__init__(
            folder,
            now=now,
            peers={"portal": portal},
            receivers=ways,
            sharing={"land-to-ministry": SHARED},
        )

    def send_down(self, dossier: str) -> None:
        """Have the portal file a dossier, and hand it over."""
        version = load_version("dvcqg-2020")
        document = DocumentBuilder(version, "DongBoHoSoMC").build(
            FILED | {"MaHoSo": dossier},
            message_id=make_id(self.clock()),
            agency_code="000.00.15.H29",
            created_at=MADE_AT,
        )
        request = build_request(
            "DongBoHoSoMC",
            version=version,
            document=document,
            attempt=1,
            sent_at=MADE_AT,
            is_updating=False,
        )
        writer = SecurityWriter(soap=SOAP_11, key=self.keyring.portal_key())
        envelope = writer.write(request, at=self.clock()).envelope
        with self.open_broker() as broker:
            peer = Moving(self).make_peers(broker)["portal"]
            answered = peer.answer_soap(envelope, bearer=None, content_type="text/xml")
        assert answered.status == 200, answered.content
        self.work()
        Proving(self).make_sealer().step()


def dossier_in(head: bytes, row: bytes) -> str:
    """Return of which dossier a row of land registration is."""
    return row.split(b";")[head.split(b";").index(b"MaHoSoMotCua")].decode()


def land_rows(folder: Path, *, size_bytes: int) -> bytes:
    """Return a table of land registration of at least that size; every row a dossier of its own."""
    file = folder / "rows.csv"
    generate_large_csv(file, size_bytes=size_bytes)
    return file.read_bytes()

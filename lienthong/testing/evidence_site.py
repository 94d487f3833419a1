"""An installation that has delivered a few dossiers, without servers: for what proves it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import Event
from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.channels.profile import TargetProfile
from lienthong.flows.receive import Offer, receive
from lienthong.moving import Moving
from lienthong.proving import Proving
from lienthong.roles import Role, Workers
from lienthong.samples import generate_large_csv
from lienthong.settings import Settings, StoreSettings
from lienthong.wiring import Installation
from schemas.building import build_receipt
from schemas.model import load_version
from signing import XadesSigner, make_development_pki

if TYPE_CHECKING:
    from pathlib import Path

    from lienthong.channels.port import Channel, SendRequest

AGENCY = "land-registration"
MADE_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAYS = 3_000


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

    def __init__(
        self, folder: Path, *, receipts: bool = True, store_url: str | None = None
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
        )
        super().__init__(settings)
        self._gives_receipts = receipts
        self._now = MADE_AT

    def clock(self) -> datetime:
        """Return a moment later than the last one."""
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
        roles = (Role.EXPAND, Role.DELIVER)
        assert Workers(self, roles, Event(), until_idle=True).run()
        Moving(self).make_acknowledger().step()
        Proving(self).make_sealer().step()


def land_rows(folder: Path, *, size_bytes: int) -> bytes:
    """Return a table of land registration of at least that size; every row a dossier of its own."""
    file = folder / "rows.csv"
    generate_large_csv(file, size_bytes=size_bytes)
    return file.read_bytes()

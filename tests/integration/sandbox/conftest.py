"""A sandbox in a thread, an agency that signs, and a channel between the two."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import pytest
import urllib3

from lienthong.channels.port import Packet, SendRequest
from lienthong.channels.profile import TargetProfile
from lienthong.channels.security import SecurityKeys
from lienthong.channels.soap import SoapChannel
from lienthong.sandbox import SandboxConfig, SecurityDemands, read_ledger, serve, target_settings
from schemas.building import DocumentBuilder
from schemas.model import load_version
from signing import XadesSigner, load_pem, load_policy
from signing.devpki import DevelopmentPki, make_development_pki
from tests.contract.json_site import MADE_AT, open_json

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
AGENCY = "000.00.00.H29"
SECRET = "mật khẩu thử"
SNAPSHOT = {
    "MaHoSo": "H29.14-261124-0001",
    "MaTTHC": "1.001612",
    "TenTTHC": "Đăng ký thành lập hộ kinh doanh",
    "MaLinhVuc": "G05-KD01",
    "TenLinhVuc": "Thành lập và hoạt động hộ kinh doanh",
    "KenhThucHien": "2",
    "ChuHoSo": "Trương Thị <Mẫu> & Con",
    "LoaiDoiTuong": "1",
    "NgayTiepNhan": "20261124081500",
    "TrangThaiHoSo": "2",
    "HinhThuc": "0",
    "DonViXuLy": "UBND phường Sài Gòn",
    "TaiLieuNop": [{"TepDinhKemId": "1", "TenTepDinhKem": "đơn.pdf", "IsDeleted": "False"}],
}
PROGRESS = {
    "MaHoSo": "H29.14-261124-0001",
    "NguoiXuLy": "Nguyễn Văn Mẫu",
    "ThoiDiemXuLy": "20261124090000",
    "NoiDungXuLy": "Đang thẩm định",
    "TrangThai": "4",
}


@dataclass
class Agency:
    """Makes signed requests."""

    signer: XadesSigner
    version: str = "dvcqg-2020"
    code: str = AGENCY

    def document(self, number, values, *, packet=Packet.DOSSIER):
        builder = DocumentBuilder(load_version(self.version), packet.value)
        unsigned = builder.build(
            values, message_id=message_id(number), agency_code=self.code, created_at=NOW
        )
        return self.signer.sign(unsigned, signed_at=NOW)

    def request(self, number, *, packet=Packet.DOSSIER, is_updating=False, **changes):
        values = (SNAPSHOT if packet is Packet.DOSSIER else PROGRESS) | changes
        return SendRequest(
            agency="land-registration",
            packet=packet,
            message_id=message_id(number),
            dossier_code=values["MaHoSo"],
            document=self.document(number, values, packet=packet),
            is_updating=is_updating,
            attempt=1,
            sent_at=NOW,
        )


@dataclass
class Sandbox:
    """A running sandbox."""

    url: str
    control_url: str
    config: SandboxConfig
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def misbehave(self, mode, **order):
        body = json.dumps({"mode": mode, **order})
        answer = self.http.request("POST", f"{self.control_url}/misbehave", body=body)
        assert answer.status == 200, answer.data
        return answer.json()

    def clear(self):
        self.http.request("POST", f"{self.control_url}/clear")

    def state(self):
        return self.http.request("GET", f"{self.control_url}/state").json()

    def ledger(self):
        return read_ledger(self.config.ledger)


def message_id(number):
    return f"019abcde-0000-7000-8000-{number:012d}"


@pytest.fixture(scope="session")
def pki(tmp_path_factory) -> DevelopmentPki:
    folder = tmp_path_factory.mktemp("pki") / "keys"
    agencies = {"sotttt": (AGENCY, "Sở thử nghiệm"), "khac": ("000.00.00.H22", "Đơn vị khác")}
    return make_development_pki(folder, agencies=agencies, now=NOW, kind="ec")


@pytest.fixture(scope="session")
def agency(pki) -> Agency:
    return Agency(signer=load_signer(pki.agencies["sotttt"]))


@pytest.fixture(scope="session")
def other_agency(pki) -> Agency:
    return Agency(signer=load_signer(pki.agencies["khac"]), code="000.00.00.H22")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory) -> Agency:
    """An agency with the right code under a root that nobody trusts."""
    folder = tmp_path_factory.mktemp("pki") / "strange"
    pki = make_development_pki(
        folder, agencies={"sotttt": (AGENCY, "Sở thử nghiệm")}, now=NOW, kind="ec"
    )
    return Agency(signer=load_signer(pki.agencies["sotttt"]))


def load_signer(files):
    return XadesSigner(load_pem(files.key, files.certificate, passphrase=None))


@pytest.fixture
def config(tmp_path, pki) -> SandboxConfig:
    return SandboxConfig(
        ledger=tmp_path / "sandbox" / "ledger.sqlite",
        trust=(pki.root.certificate,),
        receipt_key=pki.portal.key,
        receipt_certificate=pki.portal.certificate,
    )


@pytest.fixture
def start(config):
    """Start sandboxes; each ends with the test."""
    with ExitStack() as stack:

        def start_(**changes) -> Sandbox:
            ours = replace(config, **changes)
            stop, addresses = Event(), SimpleQueue()
            thread = Thread(
                target=serve,
                args=(ours,),
                kwargs={
                    "stop": stop,
                    "ready": lambda *urls: addresses.put(urls),
                    "clock": lambda: NOW,
                },
                daemon=True,
            )
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(stop.set)
            url, control_url = addresses.get(timeout=20)
            sandbox = Sandbox(url=url, control_url=control_url, config=ours)
            stack.callback(sandbox.http.clear)
            return sandbox

        yield start_


@pytest.fixture
def connect():
    """Open channels to sandboxes; each is closed with the test."""
    with ExitStack() as stack:

        def connect_(sandbox: Sandbox, **settings: Any) -> SoapChannel:
            values = target_settings(sandbox.url, config=sandbox.config) | settings
            profile = TargetProfile(
                **(values | {"read_timeout_seconds": 5, "look_up_attempts": 1} | settings)
            )
            policy = load_policy([Path(file) for file in profile.receipt_trust])
            channel = SoapChannel(profile, receipt_policy=policy, clock=lambda: NOW)
            stack.callback(channel.close)
            return channel

        yield connect_


@pytest.fixture
def connect_json(tmp_path):
    """Open channels to the JSON side of sandboxes."""
    channels = []

    def connect_(sandbox, **login):
        settings = target_settings(sandbox.url, config=sandbox.config)
        settings |= {"read_timeout_seconds": 5, "look_up_attempts": 1}
        url, table = settings.pop("endpoint"), settings.pop("json") | login
        del settings["channel"]
        channels.append(
            open_json(
                url,
                folder=tmp_path,
                clock=lambda: MADE_AT,
                session=None,
                adapter=table,
                **settings,
            )
        )
        return channels[-1]

    yield connect_
    for channel in channels:
        channel.close()


@pytest.fixture
def digest_of():
    return lambda request: sha256(request.document).hexdigest()


@pytest.fixture
def samples():
    """Valid fields of each packet."""
    return {Packet.DOSSIER: SNAPSHOT, Packet.PROGRESS: PROGRESS}


@pytest.fixture
def operator(pki):
    return load_pem(pki.operator.key, pki.operator.certificate, passphrase=None)


@pytest.fixture
def demands(pki):
    return SecurityDemands(
        trust=(pki.root.certificate,), logins={"tich-hop": SECRET}, signs_answers=True
    )


@pytest.fixture
def secure(operator, agency):
    """Open channels with WS-Security to sandboxes; `security` changes what fits them."""
    with ExitStack() as stack:

        def secure_(sandbox, *, key=operator, clock=None, security=None, digest=None, **settings):
            fitting = target_settings(sandbox.url, config=sandbox.config)
            table = fitting.pop("security") | (security or {})
            values = {"read_timeout_seconds": 5, "look_up_attempts": 1, "security": table}
            profile = TargetProfile(**(fitting | values | settings))
            answers = None
            if profile.security.signed_answers:
                answers = load_policy(profile.security.answer_trust)
            channel = SoapChannel(
                profile,
                receipt_policy=load_policy(profile.receipt_trust),
                clock=clock or (lambda: agency.request(1).sent_at),
                security_keys=SecurityKeys(
                    signing=key if callable(key) else lambda: key, answers=answers, digest=digest
                ),
            )
            stack.callback(channel.close)
            return channel

        yield secure_

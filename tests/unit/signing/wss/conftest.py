"""A sender and a receiver who trust each other, and a message between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from signing import Passphrase
from signing.wss import Login, ReplayMemory, SecurityPolicy, SecurityWriter, verify_message
from signing.wss.names import SOAP_11

BODY = (
    '<DongBoHoSoMC xmlns="urn:x"><LanGui>1</LanGui><data><BanTin xmlns="urn:x" Id="bt-1">'
    "<ChuHoSo>Trương Thị Mẫu &amp; con</ChuHoSo></BanTin></data></DongBoHoSoMC>"
).encode()
LOGIN = Login(username="tich-hop", password=Passphrase("mật khẩu thử 1"))


@dataclass
class Receiver:
    """Judges messages as one receiver does."""

    policy: SecurityPolicy
    now: object
    memory: ReplayMemory = field(default_factory=ReplayMemory)

    def take(self, envelope, *, now=None, confirms=None, **changes):
        return verify_message(
            envelope,
            policy=replace(self.policy, **changes),
            memory=self.memory,
            now=now or self.now,
            confirms=confirms,
        )


@pytest.fixture
def receiver(workshop):
    return Receiver(policy=SecurityPolicy(certificates=workshop.policy), now=workshop.now)


@dataclass
class Sender:
    """Writes messages; by default signed by the agency's key, with their time."""

    workshop: object
    body: bytes = BODY
    login: Login = LOGIN

    def write(self, body=BODY, *, soap=SOAP_11, by=None, at=None, message=None, **options):
        key = (by or self.workshop.agency).signing_key()
        writer = SecurityWriter(soap=soap, **({"key": key} | options))
        return writer.write(body, at=at or self.workshop.now, **(message or {})).envelope


@pytest.fixture
def sender(workshop):
    return Sender(workshop)

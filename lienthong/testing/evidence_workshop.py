"""A place where evidence packs are made, and spoilt on purpose."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZipFile

from cryptography.hazmat import asn1
from sqlalchemy import update

from lienthong.evidence.container import Container
from lienthong.evidence.packing import Wanted
from lienthong.evidence.sealing import newest_seal
from lienthong.proving import Proving
from lienthong.store.database import reading
from lienthong.store.queries import list_messages
from lienthong.store.selection import Selection
from lienthong.store.tables import seals
from lienthong.testing.authority import Authority
from lienthong.testing.evidence_site import (
    AGENCY,
    MADE_AT,
    QuietSite,
    TownSite,
    dossier_in,
    land_rows,
)
from signing import load_pem, make_development_pki
from signing.timestamp_shapes import TimeStampReq
from signing.timestamps import make_request

if TYPE_CHECKING:
    from pathlib import Path

    from signing import SigningKey

Files = dict[str, bytes]
"""What is in a pack, by name."""

MANIFEST = "manifest.json"


@dataclass(slots=True, kw_only=True)
class Workshop:
    """What packs are made and spoilt with."""

    site: QuietSite
    stranger: SigningKey
    """Under a root of its own."""
    dossiers: list[str] = field(default_factory=list)
    good: bytes = b""
    other: bytes = b""
    """The pack of another dossier."""
    down: bytes = b""
    """That of a dossier that came down from the portal, went up, and was shared."""
    witness: bytes = b""
    """Lines of a witness."""

    @property
    def operator(self) -> SigningKey:
        """The operator's key, which the second attacker has."""
        return self.site.keyring.operator_key()

    @property
    def agency(self) -> SigningKey:
        """The agency's key."""
        return self.site.keyring.agency_key(AGENCY, "", "")

    @property
    def stamp_root(self) -> bytes:
        """PEM of the root of the time-stamp authority."""
        files = (self.site.keyring.folder / "trust-timestamp").glob("*.pem")
        return b"".join(file.read_bytes() for file in sorted(files))

    def sign(self, files: Files, *, key: SigningKey | None = None, relist: bool = True) -> bytes:
        """Put files into a container signed by the operator, or by another."""
        target = BytesIO()
        container = Container(target)
        if relist:
            files = relisted(files)
        for name, content in files.items():
            container.add(name, content)
        container.finish(key=key or self.operator, at=MADE_AT)
        return target.getvalue()


def open_workshop(folder: Path) -> Workshop:
    """Deliver two dossiers, and one that came down, and make their packs."""
    strangers = make_development_pki(folder / "stranger", agencies={}, now=MADE_AT, kind="ec")
    site = QuietSite(folder)
    head, *rows = land_rows(folder, size_bytes=2_000).split(b"\r\n")
    for row in rows[:2]:
        site.hand_in(b"\r\n".join((head, row, b"")))
        _stamp(site)
    with reading(site.store) as connection:
        lines = list_messages(connection, Selection(), vault=site.store.vault)
    made = Workshop(
        site=site,
        stranger=load_pem(strangers.operator.key, strangers.operator.certificate, passphrase=None),
        dossiers=sorted((line.dossier_code or "" for line in lines), key=lambda one: one[-7:]),
    )
    made.good = _pack(site, made.dossiers[0])
    made.other = _pack(site, made.dossiers[1])
    made.down = _pack(*_bring_down(site, folder, head, rows[2]))
    files = (site.settings.data_dir / "witness").glob("seals-*.jsonl")
    made.witness = b"".join(file.read_bytes() for file in sorted(files))
    return made


def _bring_down(site: QuietSite, folder: Path, head: bytes, row: bytes) -> tuple[QuietSite, str]:
    """Have a dossier filed at the portal, sent up by its agency, and shared."""
    town, dossier = TownSite(folder, now=site.clock()), dossier_in(head, row)
    town.send_down(dossier)
    town.hand_in(b"\r\n".join((head, row, b"")))
    _stamp(town)
    return town, dossier


def _stamp(site: QuietSite) -> None:
    """Have the newest seal time-stamped by the development authority."""
    folder = site.keyring.folder
    key = load_pem(folder / "timestamps.key.pem", folder / "timestamps.cert.pem", passphrase=None)
    with reading(site.store) as connection:
        newest = newest_seal(connection)
    assert newest is not None
    asked = asn1.decode_der(TimeStampReq, make_request(newest.body.encode()).body)
    token = Authority(key=key, clock=site.clock).issue(asked)
    with site.store.engine.begin() as connection:
        connection.execute(
            update(seals).where(seals.c.id == newest.content.number).values(stamp=token)
        )


def _pack(site: QuietSite, dossier: str) -> bytes:
    target = BytesIO()
    Proving(site).make_packer().pack(target, Wanted(dossier=dossier))
    return target.getvalue()


def contents(pack: bytes) -> Files:
    """Return the files of a pack but those that only make it a container."""
    with ZipFile(BytesIO(pack)) as source:
        return {
            name: source.read(name)
            for name in source.namelist()
            if name != "mimetype" and not name.startswith("META-INF/")
        }


def name_in(files: Files, ending: str) -> str:
    return next(name for name in files if name.endswith(ending))


def flip(data: bytes) -> bytes:
    """Return the same with one bit of its middle changed."""
    middle = len(data) // 2
    return data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :]


def relisted(files: Files) -> Files:
    """Return the files with a list of them in manifest.json that is right."""
    values = json.loads(files[MANIFEST])
    listed = [
        {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in files.items()
        if name != MANIFEST
    ]
    return files | {MANIFEST: json.dumps(values | {"files": listed}).encode()}

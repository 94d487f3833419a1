"""Installing a new key beside the old one: checked first, never over anything, told in the log."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lienthong.held_keys import IN_TOKEN, beside, load_key
from lienthong.keyring import OPERATOR
from lienthong.store.work import begin as begin_work
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import (
    Signer,
    add_development_key,
    certificate_reasons,
    read_signer,
)

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from lienthong.wiring import Installation
    from signing import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """The files that somebody hands in."""

    p12: Path | None = None
    token: Path | None = None
    """The file that stands for a key in a PKCS#11 token."""
    key: Path | None = None
    certificate: Path | None = None
    passphrase: Path | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is a whole key."""
        is_pair = self.key is not None and self.certificate is not None
        return self.p12 is not None or self.token is not None or is_pair

    def parts(self) -> dict[str, Path]:
        """Return the files by the ending that they get; what makes it a key comes last."""
        files = {
            "pass": self.passphrase,
            "cert.pem": None if self.p12 else self.certificate,
            "key.pem": None if self.p12 or self.token else self.key,
            IN_TOKEN: None if self.p12 else self.token,
            "p12": self.p12,
        }
        return {ending: file for ending, file in files.items() if file is not None}


def install_key(installation: Installation, holder: str, new: NewKey, *, actor: str) -> Signer:
    """
    Check a key and copy its files to where `holder` has its further keys.

    Raises:
        ConfigError: it is another's, untrusted, expired or there already, or a file cannot be
            read or written.
        signing.KeyUnusable: it cannot be loaded, is weak or not for signing.
    """
    folder = installation.keyring.stem(holder)
    code = None if holder == OPERATOR else installation.agency_code(holder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as place:
            stem = Path(place) / "key"
            for ending, file in new.parts().items():
                _write(beside(stem, ending), file.read_bytes())
            key = load_key(stem)
            signer = read_signer(key.certificate)
            _check(installation, holder, key, code=code)
            for ending in new.parts():
                # A link fails where something stands; a rename would write over it.
                os.link(beside(stem, ending), beside(folder / signer.serial, ending))
    except FileExistsError as error:
        raise _there_already(holder) from error
    except OSError as error:
        raise ConfigError(
            Text(
                vi=f"Không đọc hoặc ghi được tệp khóa ({error.strerror}: {error.filename})",
                en=f"a key file cannot be read or written ({error.strerror}: {error.filename})",
            ),
            code="keys.file",
        ) from error
    _tell(installation, holder, signer, actor=actor)
    return signer


def install_development_key(
    installation: Installation, holder: str, *, begin: datetime, life: timedelta, actor: str
) -> Signer:
    """
    Make one more development key of `holder`, to rehearse a change.

    Raises:
        ConfigError: nobody has this name.
        signing.KeyUnusable: there is no development root here.
    """
    keyring = installation.keyring
    title, code = "Development operator", None
    if holder != OPERATOR:
        found = installation.mappings.get(holder)
        title, code = found.agency_name, found.agency_code
    stem = keyring.stem(holder) / f"development-{begin:%Y%m%d%H%M%S}"
    add_development_key(
        keyring.folder,
        str(stem.relative_to(keyring.folder)),
        title=title,
        agency_code=code,
        term=(begin, begin + life),
    )
    signer = read_signer(load_key(stem).certificate)
    _tell(installation, holder, signer, actor=actor)
    return signer


def _check(installation: Installation, holder: str, key: SigningKey, *, code: str | None) -> None:
    signer = read_signer(key.certificate)
    now = installation.clock()
    if signer.not_after <= now:
        raise _refused(
            vi=f"chứng thư mới đã hết hạn ngày {signer.not_after:%Y-%m-%d}",
            en=f"the new certificate expired on {signer.not_after:%Y-%m-%d}",
        )
    if code is not None and signer.agency_code not in (None, code):
        raise _refused(
            vi=f"chứng thư ghi mã đơn vị {signer.agency_code}, của {holder} là {code}",
            en=f"the certificate has the agency code {signer.agency_code}, {holder} has {code}",
        )
    reasons = certificate_reasons(
        key.certificate,
        intermediates=key.chain,
        policy=installation.policy_of_keys(holder),
        signed_at=max(now, signer.not_before),
    )
    if reasons:
        raise _refused(vi=reasons[0].vi, en=reasons[0].en)
    known = [one.key for one in installation.keyring.held(holder) if one.key is not None]
    if any(one.certificate == key.certificate for one in known):
        raise _there_already(holder)


def _write(file: Path, data: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _tell(installation: Installation, holder: str, signer: Signer, *, actor: str) -> None:
    with begin_work(installation.store, at=installation.clock, actor=actor) as work:
        work.note(
            "key.installed",
            holder,
            fingerprint=signer.fingerprint,
            not_before=signer.not_before.isoformat(),
            not_after=signer.not_after.isoformat(),
        )


def _refused(*, vi: str, en: str) -> ConfigError:
    return ConfigError(
        Text(vi=f"Khóa mới không được nhận: {vi}", en=f"the new key is not taken: {en}"),
        code="keys.refused",
    )


def _there_already(holder: str) -> ConfigError:
    return ConfigError(
        Text(vi=f"{holder} đã có khóa này", en=f"{holder} has this key already"),
        code="keys.there_already",
    )

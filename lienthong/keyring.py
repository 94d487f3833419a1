"""
The keys and the trust of one installation, in one folder:

    root.cert.pem, trust/*.pem                     the pinned roots
    agencies/{name}.key.pem + {name}.cert.pem      an agency's key, or
    agencies/{name}.p12                            the same in one file
    agencies/{name}.pass                           the passphrase of either, where it has one
    operator.key.pem + operator.cert.pem, …        the operator's own, in the same ways: seals

Where nobody has configured keys or a target, development keys are made on first use, so that a
first look needs no preparation; their certificates say that they are for development.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from schemas.errors import ConfigError
from schemas.problem import Text
from signing import (
    Passphrase,
    SigningKey,
    VerificationPolicy,
    load_pem,
    load_pkcs12,
    load_policy,
    make_development_pki,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

log = structlog.get_logger()


class Keyring:
    """Loads keys and trust from `folder`; makes development keys only where it may."""

    def __init__(
        self,
        folder: Path,
        *,
        may_make_development_keys: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self.folder = folder
        self._may_make = may_make_development_keys
        self._clock = clock

    @property
    def makes_keys(self) -> bool:
        """Whether keys for development are made where there are none."""
        return self._may_make

    def make_development_keys(self, agencies: Mapping[str, tuple[str, str]]) -> None:
        """Make a root, a portal, an operator and the given agencies (name to code and title)."""
        make_development_pki(self.folder, agencies=agencies, now=self._clock())

    def agency_key(self, name: str, code: str, title: str) -> SigningKey:
        """
        Load an agency's key.

        Raises:
            signing.KeyUnusable: it is not there, locked, or not what it should be.
        """
        stem = self.folder / "agencies" / name
        if self._may_make and not _has_key(stem):
            log.warning("keys.development_made", agency=name, folder=str(self.folder))
            self.make_development_keys({name: (code, title)})
        return _load(stem)

    def operator_key(self) -> SigningKey:
        """
        Load the key of who runs this installation; it seals the audit log.

        Raises:
            signing.KeyUnusable: it is not there, locked, or not what it should be.
        """
        stem = self.folder / "operator"
        if self._may_make and not _has_key(stem):
            log.warning("keys.development_made", operator=True, folder=str(self.folder))
            self.make_development_keys({})
        return _load(stem)

    def stamp(self, name: str) -> tuple[tuple[int, int] | None, ...]:
        """Return what changes when an agency's key files do, so that new keys are noticed."""
        folder = self.folder / "agencies"
        endings = ("p12", "key.pem", "cert.pem", "pass")
        return tuple(_changed_at(folder / f"{name}.{ending}") for ending in endings)

    def names(self) -> list[str]:
        """Return the names of the agencies that have a key here."""
        folder = self.folder / "agencies"
        files = [*folder.glob("*.key.pem"), *folder.glob("*.p12")]
        return sorted({file.name.removesuffix(".p12").removesuffix(".key.pem") for file in files})

    def portal_key(self) -> SigningKey:
        """Load the sandbox's own key, which signs receipts in development."""
        if not (self.folder / "portal.key.pem").exists() and self._may_make:
            self.make_development_keys({})
        return load_pem(
            self.folder / "portal.key.pem", self.folder / "portal.cert.pem", passphrase=None
        )

    def policy(self) -> VerificationPolicy:
        """
        Return what is trusted here.

        Raises:
            ConfigError: no root is pinned.
        """
        files = sorted((self.folder / "trust").glob("*.pem"))
        root = self.folder / "root.cert.pem"
        if root.exists():
            files.append(root)
        if not files:
            raise ConfigError(
                Text(
                    vi=f"Chưa có chứng thư gốc tin cậy: đặt tệp .pem vào {self.folder / 'trust'} "
                    "hoặc tạo khóa thử nghiệm bằng: lienthong keys make",
                    en=f"No root is trusted: put its .pem file into {self.folder / 'trust'} "
                    "or make development keys with: lienthong keys make",
                ),
                code="keys.no_trust",
            )
        return load_policy(files)


def _has_key(stem: Path) -> bool:
    return any(_beside(stem, ending).exists() for ending in ("p12", "key.pem"))


def _load(stem: Path) -> SigningKey:
    passphrase = _passphrase(_beside(stem, "pass"))
    bundle = _beside(stem, "p12")
    if bundle.exists():
        return load_pkcs12(bundle, passphrase=passphrase)
    return load_pem(_beside(stem, "key.pem"), _beside(stem, "cert.pem"), passphrase=passphrase)


def _beside(stem: Path, ending: str) -> Path:
    return stem.with_name(f"{stem.name}.{ending}")


def _passphrase(file: Path) -> Passphrase | None:
    try:
        return Passphrase(file.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise ConfigError(
            Text(
                vi=f"Không đọc được tệp mật khẩu khóa {file}: {cause}",
                en=f"The passphrase file {file} cannot be read: {cause}",
            ),
            code="keys.passphrase_unreadable",
        ) from error


def _changed_at(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino

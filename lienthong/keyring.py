"""
The keys and the trust of one installation, in one folder:

    root.cert.pem, trust/*.pem                     the pinned roots
    trust-timestamp/*.pem                          those of time-stamp authorities
    agencies/{name}.key.pem + {name}.cert.pem      an agency's key, or
    agencies/{name}.p12                            the same in one file
    agencies/{name}.pkcs11.toml                    where the key is, if it is in a PKCS#11 token
    agencies/{name}.pass                           the passphrase or PIN, where it has one
    agencies/{name}/…                              further keys of it, see `held_keys`
    operator.key.pem + operator.cert.pem, …        the operator's own, in the same ways: seals

Where nobody has configured keys or a target, development keys are made on first use, so that a
first look needs no preparation; their certificates say that they are for development.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from lienthong.held_keys import (
    HeldKey,
    beside,
    choose,
    load_held,
    load_key,
    names_in,
    stamp_of,
    stems_of,
)
from schemas.errors import ConfigError
from schemas.problem import Text
from signing import (
    SigningKey,
    TrustUnusable,
    VerificationPolicy,
    load_pem,
    load_policy,
    make_development_pki,
    read_signer,
)
from signing.devpki import TIMESTAMP_TRUST
from signing.timestamps import TimestampPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

log = structlog.get_logger()

TOKEN_PATIENCE_SECONDS = 10.0
"""Before a key whose token was in trouble is looked for again."""
NEVER = inf
OPERATOR = "operator"
"""Who runs the installation, among the holders of keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was loaded."""

    stamp: object
    held: list[HeldKey]
    again_at: float
    """Monotonic second from which it is loaded again, though its files are the same."""


class Keyring:
    """Loads keys and trust from `folder`; makes development keys only where it may."""

    def __init__(
        self,
        folder: Path,
        *,
        may_make_development_keys: bool,
        clock: Callable[[], datetime],
        memory: Path | None = None,
    ) -> None:
        """
        Prepare for a folder.

        Args:
            folder: Of the keys; it may be read-only.
            may_make_development_keys: Where there are none.
            clock: Says which of them is valid.
            memory: A folder to write in, see `load_key`.
        """
        self.folder = folder
        self._memory = memory
        self._may_make = may_make_development_keys
        self._clock = clock
        self._known: dict[Path, _Known] = {}
        self._lock = Lock()

    @property
    def makes_keys(self) -> bool:
        """Whether keys for development are made where there are none."""
        return self._may_make

    def make_development_keys(self, agencies: Mapping[str, tuple[str, str]]) -> None:
        """Make a root, a portal, an operator and the given agencies (name to code and title)."""
        make_development_pki(self.folder, agencies=agencies, now=self._clock())

    def agency_key(self, name: str, code: str, title: str) -> SigningKey:
        """
        Return the key with which an agency signs now.

        Raises:
            signing.KeyUnusable: there is none, or none of them can be used.
        """
        return self._key(self._agency(name), {name: (code, title)})

    def operator_key(self) -> SigningKey:
        """
        Return the key of who runs this installation; it seals the audit log.

        Raises:
            signing.KeyUnusable: there is none, or none of them can be used.
        """
        return self._key(self.folder / OPERATOR, {})

    def held(self, holder: str) -> list[HeldKey]:
        """Return every key of an agency, or of `operator`."""
        return self._held(self.stem(holder))

    def stem(self, holder: str) -> Path:
        """Return where the keys of an agency, or of `operator`, begin."""
        return self.folder / OPERATOR if holder == OPERATOR else self._agency(holder)

    def stamp(self, name: str) -> tuple[object, ...]:
        """Return what changes when an agency's key files do, so that new keys are noticed."""
        return stamp_of(self._agency(name))

    def names(self) -> list[str]:
        """Return the names of the agencies that have a key here."""
        folder = self.folder / "agencies"
        further = {one.name for one in folder.glob("*/") if stems_of(one)}
        return sorted(names_in(folder) | further)

    def _agency(self, name: str) -> Path:
        return self.folder / "agencies" / name

    def _key(self, stem: Path, agencies: Mapping[str, tuple[str, str]]) -> SigningKey:
        if self._may_make and not stems_of(stem):
            log.warning("keys.development_made", of=stem.name, folder=str(self.folder))
            self.make_development_keys(agencies)
        found = choose(self._held(stem), now=self._clock())
        # Without any, loading says what is missing.
        return load_key(stem, memory=self._memory) if found is None else found

    def _held(self, stem: Path) -> list[HeldKey]:
        """
        Return a holder's keys; loading one takes 30 ms, so only when its files have changed.

        A token that is back changes no file: what could not be loaded from one is tried again.
        """
        with self._lock:
            stamp, now = stamp_of(stem), monotonic()
            known = self._known.get(stem)
            if known is None or known.stamp != stamp or known.again_at <= now:
                held = load_held(stem, memory=self._memory)
                waits = any(one.trouble is not None and one.is_in_token for one in held)
                again_at = now + TOKEN_PATIENCE_SECONDS if waits else NEVER
                known = self._known[stem] = _Known(stamp=stamp, held=held, again_at=again_at)
            return known.held

    def portal_key(self) -> SigningKey:
        """Load the sandbox's own key, which signs receipts in development."""
        if not (self.folder / "portal.key.pem").exists() and self._may_make:
            self.make_development_keys({})
        return load_pem(
            self.folder / "portal.key.pem", self.folder / "portal.cert.pem", passphrase=None
        )

    def policy(self) -> VerificationPolicy:
        """
        Return what is trusted here, and for time-stamps, if anybody is.

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
        return replace(load_policy(files), timestamps=self.believed_timestamps())

    def seal_policy(self) -> VerificationPolicy:
        """
        Return by which policy seals are judged: under the same roots, nobody but the operator may
        have signed one, with a certificate that stands here, also where its key is gone.

        Raises:
            ConfigError: no root is pinned.
        """
        policy = self.policy()
        held = self.held(OPERATOR)
        found = [one.key.certificate for one in held if one.key is not None]
        stem = self.folder / OPERATOR
        files = [beside(stem, "cert.pem"), *sorted(stem.glob("*.cert.pem"))]
        found += load_policy([one for one in files if one.exists()]).trust_anchors
        is_known = found and all(one.key is not None or one.has_certificate for one in held)
        # A bundle or a token that is locked tells nobody whose it is.
        named = frozenset(read_signer(one).fingerprint for one in found) if is_known else None
        return replace(policy, signers=named)

    def believed_timestamps(self) -> TimestampPolicy:
        """Return which time-stamps are believed here; none where nobody is rightly pinned."""
        # Whoever asks for time-stamps is told what is wrong with their roots.
        try:
            return self.timestamp_policy()
        except (ConfigError, TrustUnusable):
            return TimestampPolicy()

    def timestamp_policy(self) -> TimestampPolicy:
        """
        Return which time-stamps are believed here.

        Raises:
            ConfigError: no root is pinned for time-stamps.
        """
        folder = self.folder / TIMESTAMP_TRUST
        files = sorted(folder.glob("*.pem"))
        if not files:
            raise ConfigError(
                Text(
                    vi="Chưa có chứng thư gốc nào được tin cậy cho dấu thời gian: đặt tệp .pem của "
                    f"tổ chức cấp dấu thời gian vào {folder}",
                    en="no root is pinned for time-stamps: put the authority's .pem file into "
                    f"{folder}",
                ),
                code="keys.no_timestamp_trust",
            )
        return TimestampPolicy(trust_anchors=load_policy(files).trust_anchors)

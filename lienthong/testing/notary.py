"""Sealing and checking an audit log with a key of the tests' own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lienthong.evidence.checking import check_log
from lienthong.evidence.sealing import seal_next
from lienthong.evidence.stamp_checking import StampJudge
from lienthong.store.database import reading
from signing import load_pem, load_policy, make_development_pki
from signing.timestamps import TimestampPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from lienthong.evidence.checking import Checked
    from lienthong.evidence.seals import SignedSeal
    from lienthong.evidence.witnesses import Memory
    from lienthong.store.database import Store
    from signing import SigningKey, VerificationPolicy

_MADE_AT = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notary:
    """A sealer's key, and whom a check trusts."""

    key: SigningKey
    policy: VerificationPolicy
    stamping_key: SigningKey
    """Of a time-stamp authority."""

    @property
    def stamp_policy(self) -> TimestampPolicy:
        """Which time-stamps a check believes: those of the authority."""
        return TimestampPolicy(trust_anchors=self.policy.trust_anchors)

    def seal(self, engine: Engine, *, now: datetime) -> SignedSeal | None:
        """Make one seal, if there is something to seal."""
        return seal_next(engine, key=self.key, now=now)

    def check(
        self, store: Store, *, witnesses: Sequence[Memory] = (), now: datetime | None = None
    ) -> Checked:
        """Check the whole log, time-stamps as of now."""
        judge = StampJudge(policy=self.stamp_policy, now=now or datetime.now(UTC))
        with reading(store) as connection:
            return check_log(
                connection,
                vault=store.vault,
                policy=self.policy,
                stamps=judge,
                witnesses=witnesses,
            )


@cache
def make_notary() -> Notary:
    """Return the notary of this process; the key is made once."""
    with tempfile.TemporaryDirectory() as folder:
        pki = make_development_pki(Path(folder), agencies={}, now=_MADE_AT, days=3_000)
        return Notary(
            key=load_pem(pki.operator.key, pki.operator.certificate, passphrase=None),
            policy=load_policy([pki.root.certificate]),
            stamping_key=load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None),
        )

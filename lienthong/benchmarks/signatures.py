"""
What signing and verifying one document costs, beside the bare calls that it cannot do without.

The documents are those of a conversion; the keys are made for the run, one RSA and one on P-256.
"""

from __future__ import annotations

import hashlib
import tempfile
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree

from lienthong.benchmarks.measuring import Cost, Meter, Primitive, Stage
from schemas.parser import parse_xml
from schemas.problem import Text
from signing import XadesSigner, load_pem, load_policy, make_development_pki, verify
from signing.second import SecondOpinion
from signing.values import algorithm_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from signing import SigningKey, VerificationPolicy

T = TypeVar("T")
WARM_UP = 20


def measure_signatures(documents: Sequence[bytes], *, now: datetime) -> list[Stage]:
    """
    Time signing, signing with the second look, and verifying, with each kind of key.

    Args:
        documents: Unsigned, each with an `Id`.
        now: Aware; when they are signed.
    """
    with tempfile.TemporaryDirectory() as folder:
        pki = make_development_pki(Path(folder), agencies={"bench": ("H29", "Bench")}, now=now)
        agency, portal = pki.agencies["bench"], pki.portal
        keys = {
            "RSA-2048": load_pem(agency.key, agency.certificate, passphrase=None),
            "P-256": load_pem(portal.key, portal.certificate, passphrase=None),
        }
        policy = load_policy([pki.root.certificate])
    return [
        stage
        for name, key in keys.items()
        for stage in _Run(name, key, documents=documents, policy=policy, now=now).stages()
    ]


class _Run:
    """The stages with one key."""

    def __init__(
        self,
        name: str,
        key: SigningKey,
        *,
        documents: Sequence[bytes],
        policy: VerificationPolicy,
        now: datetime,
    ) -> None:
        self._name = name
        self._key = key
        self._documents = documents
        self._policy = policy
        self._now = now

    def stages(self) -> list[Stage]:
        signer, second = XadesSigner(self._key), SecondOpinion(self._key.certificate)
        careful = XadesSigner(self._key, second=second)
        signed = [signer.sign(one, signed_at=self._now) for one in self._documents]
        parse = self._primitive("parse", parse_xml, self._documents)
        roots = [parse_xml(one) for one in self._documents]
        c14n = self._primitive(
            "c14n", lambda root: etree.tostring(root, method="c14n", exclusive=True), roots
        )
        digest = self._primitive("sha256", hashlib.sha256, self._documents)
        algorithm = algorithm_of(self._key)
        bare = partial(self._key.sign, algorithm=algorithm)
        sign = self._primitive("sign", bare, self._documents)
        values = list(zip((bare(one) for one in self._documents), self._documents, strict=True))
        check = self._primitive("verify", lambda pair: self._check(*pair), values)
        look = self._primitive("second", second, signed)
        once = partial(signer.sign, signed_at=self._now)
        twice = partial(careful.sign, signed_at=self._now)
        judge = partial(verify, policy=self._policy, now=self._now)
        making, judging = (parse, c14n, digest, sign), (parse, c14n, digest, check)
        return [
            self._stage("sign", "ký", "sign", (once, self._documents, making)),
            self._stage(
                "sign_second",
                "ký, kiểm tra lần hai",
                "sign, second look",
                (twice, self._documents, (*making, look)),
            ),
            self._stage("verify", "kiểm tra", "verify", (judge, signed, judging)),
        ]

    def _check(self, value: bytes, data: bytes) -> None:
        algorithm, public_key = algorithm_of(self._key), self._key.public_key
        if isinstance(public_key, rsa.RSAPublicKey):
            assert algorithm.padding is not None
            public_key.verify(value, data, algorithm.padding, algorithm.hash)
        else:
            public_key.verify(value, data, ec.ECDSA(algorithm.hash))

    def _primitive(self, key: str, work: Callable[[T], object], things: Sequence[T]) -> Primitive:
        return Primitive(key=key, name=Text(vi=key, en=key), cost=_cost(work, things))

    def _stage(
        self,
        key: str,
        vi: str,
        en: str,
        way: tuple[Callable[[bytes], object], Sequence[bytes], tuple[Primitive, ...]],
    ) -> Stage:
        work, things, primitives = way
        return Stage(
            key=f"{key} {self._name}",
            name=Text(vi=f"{vi}, {self._name}", en=f"{en}, {self._name}"),
            cost=_cost(work, things),
            primitives=primitives,
        )


def _cost(work: Callable[[T], object], things: Sequence[T]) -> Cost:
    for one, _ in zip(cycle(things), range(WARM_UP), strict=False):
        work(one)

    def run() -> None:
        for one in things:
            work(one)

    return Meter().measure(run, dossiers=len(things))

"""
Time-stamps (RFC 3161): ask for one, and judge what came back, at once or years later.

A token says that somebody's digest was known to an authority at a time. It is believed only if
its authority leads to a root that is pinned for time-stamps and was valid at the time it states;
so judging needs no network, and holds when the authority's certificate has long expired.

The signature is checked by rfc3161-client (OpenSSL); whom to trust, for what, over which bytes and
when is decided here, so that each finding has words of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat import asn1
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from signing import timestamp_reasons as reasons
from signing import timestamp_shapes as shapes
from signing.certificates import Signer, is_for_timestamps, read_signer, weakness_of
from signing.errors import Reason, SigningError
from signing.policy import VerificationPolicy
from signing.timestamp_policy import TimestampPolicy
from signing.timestamp_tokens import names_its_certificate, read_token
from signing.trust import find_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography import x509

    from signing.timestamp_tokens import TokenClaims

__all__ = [
    "MOST_BYTES",
    "Timestamp",
    "TimestampPolicy",
    "TimestampRefused",
    "TimestampRequest",
    "judge_answer",
    "judge_token",
    "make_request",
]

MOST_BYTES = 64 * 1024
"""Of an answer or a token; one has 2 to 8 KB."""
_GRANTED = (0, 1)
"""PKIStatus; 1 is "with modifications", which are judged like everything else."""
_VERIFY_ERROR = "certificate verify error"
"""OpenSSL's words for a chain, not a signature, that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """What a token proves."""

    at: datetime
    """UTC: the bytes were there by then."""
    accuracy: timedelta | None
    """How far that may be off to either side, as the authority says; None: it says nothing."""
    authority: Signer
    policy: str
    """Dotted; under which the authority issued it."""
    serial: int
    method: str
    """Of the digest that was stamped; a name in hashlib."""
    token: bytes
    path: tuple[x509.Certificate, ...]
    """From the authority's certificate to the pinned one, both included."""

    @property
    def latest(self) -> datetime:
        """By when the bytes were there for certain."""
        return self.at + (self.accuracy or timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampRequest:
    """A request for one time-stamp; its answer is judged against it."""

    data: bytes
    method: str
    nonce: int
    body: bytes
    """What is sent, as application/timestamp-query."""


class TimestampRefused(SigningError):
    """A time-stamp is not believed; `reasons` has at least one finding."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(
            Reason(
                code=reasons[0].code,
                vi="; ".join(reason.vi for reason in reasons),
                en="; ".join(reason.en for reason in reasons),
            )
        )
        self.reasons = tuple(reasons)


def make_request(data: bytes, *, method: str = "sha256") -> TimestampRequest:
    """
    Return a request for a time-stamp over `data`, of which only the digest is sent.

    Args:
        data: The bytes that the token will be over.
        method: sha256, sha384 or sha512.
    """
    nonce = secrets.randbits(63)
    body = shapes.TimeStampReq(
        version=1,
        imprint=shapes.MessageImprint(
            method=shapes.AlgorithmIdentifier(algorithm=shapes.HASHES[method], parameters=None),
            digest=hashlib.new(method, data).digest(),
        ),
        policy=None,
        nonce=nonce,
        cert_req=True,
    )
    return TimestampRequest(data=data, method=method, nonce=nonce, body=asn1.encode_der(body))


def judge_answer(
    answer: bytes, request: TimestampRequest, *, policy: TimestampPolicy, now: datetime
) -> Timestamp:
    """
    Return what the authority's answer to `request` proves.

    Raises:
        TimestampRefused: the authority refused ("timestamp.refused"), or the token is not what
            was asked for or not believed, as of `judge_token`.
    """
    token = _token_in(answer)
    return _judge(token, request.data, policy=policy, now=now, request=request)


def judge_token(
    token: bytes,
    data: bytes,
    *,
    policy: TimestampPolicy,
    now: datetime,
    further: tuple[x509.Certificate, ...] = (),
) -> Timestamp:
    """
    Return what `token` proves about `data`.

    Args:
        token: Of anybody.
        data: What it must be over.
        policy: Whom to believe.
        now: Bounds the time that it states.
        further: Certificates beside those in the token that may lead to a pinned root.

    Raises:
        TimestampRefused: with everything that speaks against it; "timestamp.unreadable",
            "….other_data", "….untrusted", "….not_for_timestamps", "….expired",
            "….signature_wrong", "….algorithm_forbidden" and others.
    """
    return _judge(token, data, policy=policy, now=now, request=None, further=further)


def _token_in(answer: bytes) -> bytes:
    if len(answer) > MOST_BYTES:
        raise TimestampRefused([reasons.too_large(len(answer), MOST_BYTES)])
    try:
        stated = decode_timestamp_response(answer)
        if stated.status not in _GRANTED:
            raise TimestampRefused([reasons.refused(stated.status, stated.status_string)])
        return asn1.encode_der(asn1.decode_der(shapes.Granted, answer).token)
    except ValueError as exc:
        raise TimestampRefused([reasons.unreadable(str(exc))]) from exc


def _judge(
    token: bytes,
    data: bytes,
    *,
    policy: TimestampPolicy,
    now: datetime,
    request: TimestampRequest | None,
    further: tuple[x509.Certificate, ...] = (),
) -> Timestamp:
    if len(token) > MOST_BYTES:
        raise TimestampRefused([reasons.too_large(len(token), MOST_BYTES)])
    try:
        claims = read_token(token)
    except ValueError as exc:
        raise TimestampRefused([reasons.unreadable(str(exc))]) from exc
    claims = replace(claims, chain=(*claims.chain, *further))
    path, of_authority = _judge_authority(claims, policy)
    found = [
        *of_authority,
        *_content_reasons(claims, data, request),
    ]
    if claims.at > now + policy.clock_skew:
        found.append(reasons.in_future(claims.at))
    # What is over other data, or of a stranger, is told as that; its signature says no more.
    found = found or _signature_reasons(token, claims, data, policy)
    if found:
        raise TimestampRefused(found)
    return Timestamp(
        at=claims.at,
        accuracy=claims.accuracy,
        authority=read_signer(claims.certificate),
        policy=claims.info.policy.dotted_string,
        serial=claims.info.serial,
        method=shapes.HASH_NAMES[claims.info.imprint.method.algorithm],
        token=token,
        path=path,
    )


def _content_reasons(
    claims: TokenClaims, data: bytes, request: TimestampRequest | None
) -> list[Reason]:
    """Return what speaks against what was stamped."""
    found = []
    imprint = claims.info.imprint
    method = shapes.HASH_NAMES.get(imprint.method.algorithm)
    if method is None or (request is not None and method != request.method):
        found.append(reasons.forbidden(imprint.method.algorithm))
    elif not hmac.compare_digest(hashlib.new(method, data).digest(), imprint.digest):
        found.append(reasons.OTHER_DATA)
    if claims.signer.digest_method.algorithm not in shapes.HASH_NAMES:
        found.append(reasons.forbidden(claims.signer.digest_method.algorithm))
    if request is not None and claims.info.nonce != request.nonce:
        found.append(reasons.OTHER_NONCE)
    return found


def _judge_authority(
    claims: TokenClaims, policy: TimestampPolicy
) -> tuple[tuple[x509.Certificate, ...], list[Reason]]:
    """Return the chain of who issued it, and what speaks against them at the stated time."""
    certificate = claims.certificate
    found = []
    if not is_for_timestamps(certificate):
        found.append(reasons.not_for_timestamps(certificate))
    weakness = weakness_of(certificate, min_rsa_bits=policy.min_rsa_bits)
    if weakness is not None:
        found.append(weakness)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= claims.at <= end:
        found.append(reasons.out_of_time(certificate, claims.at))
    # Judged within the certificate's own dates, so that one cause gives one reason.
    at = min(max(claims.at, begin), end)
    path, against = find_path(certificate, claims.chain, _of_signatures(policy), at)
    for one in against:
        is_stranger = one.code == "certificate.untrusted"
        found.append(reasons.untrusted(certificate, one.en) if is_stranger else one)
    return path, found


def _of_signatures(policy: TimestampPolicy) -> VerificationPolicy:
    """Return the same, for the rules of chains."""
    return VerificationPolicy(
        trust_anchors=policy.trust_anchors,
        min_rsa_bits=policy.min_rsa_bits,
        max_intermediates=policy.max_intermediates,
    )


def _signature_reasons(
    token: bytes, claims: TokenClaims, data: bytes, policy: TimestampPolicy
) -> list[Reason]:
    if not names_its_certificate(claims):
        return [reasons.SIGNATURE_WRONG]
    granted = shapes.Granted(
        status=shapes.PkiStatusInfo(status=0, words=None, fail_info=None),
        token=asn1.decode_der(asn1.TLV, token),
    )
    verifier = VerifierBuilder(
        roots=list(policy.trust_anchors), intermediates=list(claims.chain)
    ).build()
    try:
        verifier.verify_message(decode_timestamp_response(asn1.encode_der(granted)), data)
    except (VerificationError, ValueError) as exc:
        if _VERIFY_ERROR in str(exc):
            return [reasons.untrusted(claims.certificate, "OpenSSL")]
        return [reasons.SIGNATURE_WRONG]
    return []

"""
Verify signed documents, each form under one strict profile, and say in words what is wrong.

Only the bytes that were proven are handed on: `Verified.content` is digested, and
`Verified.element` is parsed from it. Which form is expected is the caller's decision, by the
function that is called: no document decides how strictly it is read.

What stands in the signature is a claim until its digests and value are right, and the name in a
certificate until its chain ends in a pinned root; the functions that inspect tell these two apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.parser import parse_xml
from signing.canonical import canonical_bytes
from signing.certificates import read_signer
from signing.enclosed import check_authority, check_values
from signing.errors import SignatureRefused
from signing.findings import Findings
from signing.locating import find_beside, find_inside, limits_of, name_of
from signing.profile import Form
from signing.proving import (
    DOCUMENT,
    FILE,
    check_certificate,
    check_signing_time,
    prove_plain,
    prove_xades,
)
from signing.reading import XadesClaims, read_detached, read_enveloped, read_plain
from signing.stamped import check_timestamp
from signing.verdicts import Inspection, Verified, VerifiedFile, VerifiedPlain

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from signing.certificates import Signer
    from signing.policy import VerificationPolicy
    from signing.reading import Claims


def verify(document: bytes, *, policy: VerificationPolicy, now: datetime) -> Verified:
    """
    Return the proven content of a document with a XAdES signature inside.

    Args:
        document: The signed element in its exclusive canonical form; cut it out of a message
            with `canonical_bytes`.
        policy: Whom to trust and what to accept.
        now: Aware; bounds the stated signing time.

    Raises:
        SignatureRefused: with every reason; trying again does not help.
    """
    findings = _examine_enveloped(document, policy=policy, now=now)
    content, claims = _accepted(findings)
    assert isinstance(claims, XadesClaims)
    return Verified(
        content=content,
        element=parse_xml(content, limits=limits_of(policy)),
        digest=hashlib.sha256(document).hexdigest(),
        signer=_signer(claims, policy),
        signed_at=claims.properties.signed_at,
        timestamp=findings.timestamp,
        notices=findings.notices,
    )


def verify_detached(
    signature: bytes, content: bytes, *, name: str, policy: VerificationPolicy, now: datetime
) -> VerifiedFile:
    """
    Return the proven file that a XAdES signature beside it is of; nothing is fetched.

    Args:
        signature: A document of its own, its root `ds:Signature`, in exclusive canonical form.
        content: The file. Its size is the caller's to bound: it is in memory already.
        name: The relative URI under which the file must have been signed (`relative_uri`).
        policy: Whom to trust and what to accept; its `elements` have no meaning here.
        now: Aware; bounds the stated signing time.

    Raises:
        SignatureRefused: with every reason; trying again does not help.
    """
    findings = _examine_detached(signature, content, name=name, policy=policy, now=now)
    proven, claims = _accepted(findings)
    assert isinstance(claims, XadesClaims)
    return VerifiedFile(
        content=proven,
        name=name,
        signature_digest=hashlib.sha256(signature).hexdigest(),
        signer=_signer(claims, policy),
        signed_at=claims.properties.signed_at,
        timestamp=findings.timestamp,
        notices=findings.notices,
    )


def verify_plain(document: bytes, *, policy: VerificationPolicy, at: datetime) -> VerifiedPlain:
    """
    Return the proven content of a document with an XML signature without XAdES inside.

    Such a signature states no time of signing and does not sign its certificate along. So whether
    the certificate was valid is judged at a time that the caller knows from elsewhere: when the
    document was received, for example. A certificate that ended since may still be accepted, and
    one that had not begun when the document was really signed, too: the time is the caller's word.

    Args:
        document: The signed element, in its exclusive canonical form unless the policy accepts
            others.
        policy: Whom to trust and what to accept.
        at: Aware; when the certificate must have been valid.

    Raises:
        SignatureRefused: with every reason; trying again does not help.
    """
    findings = _examine_plain(document, policy=policy, at=at)
    content, claims = _accepted(findings)
    return VerifiedPlain(
        content=content,
        element=parse_xml(content, limits=limits_of(policy)),
        digest=hashlib.sha256(document).hexdigest(),
        signer=_signer(claims, policy),
        notices=findings.notices,
    )


def inspect(document: bytes, *, policy: VerificationPolicy, now: datetime) -> Inspection:
    """Say what is signed, by whom, whether it is intact and trusted, and why not; never raises."""
    return _report(_examine_enveloped(document, policy=policy, now=now), policy, Form.ENVELOPED)


def inspect_detached(
    signature: bytes, content: bytes, *, name: str, policy: VerificationPolicy, now: datetime
) -> Inspection:
    """Say the same of a file and the signature beside it; `id` is the signature's."""
    found = _examine_detached(signature, content, name=name, policy=policy, now=now)
    return replace(_report(found, policy, Form.DETACHED), file=name)


def inspect_plain(document: bytes, *, policy: VerificationPolicy, at: datetime) -> Inspection:
    """Say the same of a document with a signature without XAdES, judged at the time given."""
    return _report(_examine_plain(document, policy=policy, at=at), policy, Form.PLAIN)


def _examine_enveloped(document: bytes, *, policy: VerificationPolicy, now: datetime) -> Findings:
    findings = Findings()
    signature = find_inside(document, form=Form.ENVELOPED, policy=policy, findings=findings)
    if signature is None or findings.root is None:
        return findings
    claims = read_enveloped(signature, root_id=findings.root.get("Id"))
    if isinstance(claims, list):
        findings.reasons += claims
        return findings
    content = _content_without(signature, findings.root)
    findings.claims, findings.content = claims, content
    prove_xades(claims, content, what=DOCUMENT, policy=policy, findings=findings)
    _judge(claims, policy=policy, findings=findings, now=now)
    return findings


def _examine_detached(
    document: bytes, content: bytes, *, name: str, policy: VerificationPolicy, now: datetime
) -> Findings:
    findings = Findings()
    signature = find_beside(document, policy=policy, findings=findings)
    if signature is None:
        return findings
    claims = read_detached(signature, name=name)
    if isinstance(claims, list):
        findings.reasons += claims
        return findings
    findings.claims, findings.content = claims, content
    prove_xades(claims, content, what=FILE, policy=policy, findings=findings)
    _judge(claims, policy=policy, findings=findings, now=now)
    return findings


def _examine_plain(document: bytes, *, policy: VerificationPolicy, at: datetime) -> Findings:
    findings = Findings()
    signature = find_inside(document, form=Form.PLAIN, policy=policy, findings=findings)
    if signature is None or findings.root is None:
        return findings
    claims = read_plain(signature, root_id=findings.root.get("Id"), legacy=policy.legacy)
    if isinstance(claims, list):
        findings.reasons += claims
        return findings
    content = _content_without(signature, findings.root)
    findings.claims, findings.content = claims, content
    prove_plain(claims, content, policy=policy, findings=findings)
    check_certificate(claims, policy=policy, findings=findings, at=at, now=None)
    return findings


def _content_without(signature: _Element, root: _Element) -> bytes:
    parent = signature.getparent()
    assert parent is not None, "it was found inside the document"
    tail, before = signature.tail, signature.getprevious()
    # lxml takes the text behind an element for a part of it; of the document it is none.
    parent.remove(signature)
    if tail and before is None:
        parent.text = (parent.text or "") + tail
    elif tail and before is not None:
        before.tail = (before.tail or "") + tail
    return canonical_bytes(root)


def _judge(
    claims: XadesClaims, *, policy: VerificationPolicy, findings: Findings, now: datetime
) -> None:
    signed_at = claims.properties.signed_at
    check_signing_time(signed_at, policy=policy, findings=findings, now=now)
    at = check_timestamp(claims, policy=policy, findings=findings, now=now)
    values = claims.values
    check_certificate(claims, policy=policy, findings=findings, at=at, now=now, values=values)
    stamp = findings.timestamp
    standings = (
        ()
        if stamp is None
        else check_authority(stamp, values=values, policy=policy, findings=findings, now=now)
    )
    if values is not None:
        check_values(values, of_authority=standings, policy=policy, findings=findings, now=now)


def _accepted(findings: Findings) -> tuple[bytes, Claims]:
    if findings.reasons:
        raise SignatureRefused(tuple(findings.reasons))
    assert findings.content is not None
    assert findings.claims is not None
    return findings.content, findings.claims


def _signer(claims: Claims, policy: VerificationPolicy) -> Signer:
    return read_signer(claims.certificates[0], agency_attribute=policy.agency_attribute)


def _report(findings: Findings, policy: VerificationPolicy, form: Form) -> Inspection:
    root, claims = findings.root, findings.claims
    return Inspection(
        element=None if root is None else name_of(root),
        id=None if root is None else root.get("Id"),
        signer=None if claims is None else _signer(claims, policy),
        signed_at=claims.properties.signed_at if isinstance(claims, XadesClaims) else None,
        timestamp=findings.timestamp,
        intact=findings.intact,
        trusted=findings.trusted,
        reasons=tuple(findings.reasons),
        notices=findings.notices,
        algorithm=None if claims is None else claims.algorithm,
        certificate=findings.certificate,
        values=findings.values,
        form=form,
    )

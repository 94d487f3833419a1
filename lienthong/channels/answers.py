"""
What a portal's answer means: plain functions of the reply and the target's profile, no I/O.

Success needs a positive answer from a list and, where the target gives receipts, a valid one for
the very bytes that were sent. A refusal or a promise that nothing was done needs a list as well.
What is left is unrecognised, where an answer came whole, or unknown, where it did not.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from lienthong.channels.envelopes import Fault, Opened, open_reply, read_content, short
from lienthong.channels.json_profile import FAILURE_TEXTS
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.channels.profile import says, says_success
from lienthong.channels.statuses import (
    REFUSED_STATUSES,
    judge_refusal,
    judge_status,
    read_retry_after,
)
from lienthong.channels.wire import one_line
from schemas.errors import InputError
from schemas.parser import XmlRefused
from schemas.reading import read_look_up_response, read_receipt, read_response
from signing import NoCanonicalForm, SignatureRefused, Verified, canonical_bytes, verify
from signing.wss import SecurityRefused

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from lienthong.channels.headers import CallHeaders
    from lienthong.channels.port import SendRequest
    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.security import MessageSecurity
    from lienthong.channels.wire import Reply
    from schemas.reading import Response
    from signing import VerificationPolicy
    from signing.wss import SecuredMessage

_CERTIFICATE = re.compile(rb"<ds:X509Certificate>([^<]*)</")
"""In a document that was signed here; the signer's own stands first."""
SIGNED_IN_FUTURE = "signature.signed_in_future"
REVOCATION_UNKNOWN = "revocation."
"""How the reasons begin that say that nothing is known of a certificate's revocation."""
ENVELOPE_FAULTS = frozenset(
    {
        "VersionMismatch",
        "MustUnderstand",
        "UnsupportedSecurityToken",
        "UnsupportedAlgorithm",
        "InvalidSecurity",
        "InvalidSecurityToken",
        "FailedAuthentication",
        "FailedCheck",
        "SecurityTokenUnavailable",
        "MessageExpired",
    }
)
"""Faults about the envelope (SOAP, WS-Security 1.1): every message of ours would get them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a reply is judged by, besides the profile: what it would be the reply to."""

    message: SecuredMessage
    headers: CallHeaders


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges the replies of one target."""

    profile: TargetProfile
    receipt_policy: VerificationPolicy | None
    """Whose receipts count; None only where the profile expects none."""
    security: MessageSecurity | None = None
    """Judges signatures of answers; None where messages have no security header."""

    def answer(self, reply: Reply, *, request: SendRequest, call: Call, now: datetime) -> Answer:
        """Return what `reply` to `call` means for `request`."""
        try:
            answer = self._judge(reply, request=request, call=call, now=now)
        except SecurityRefused as error:
            # Somebody else may have written it, so it says nothing of what became of the message.
            answer = self._finish(reply, Outcome.UNKNOWN, _unproven(error))
        return replace(answer, retry_after=read_retry_after(reply, profile=self.profile, now=now))

    def look_up(self, reply: Reply, *, dossier_code: str, call: Call, now: datetime) -> LookUp:
        """Return what `reply` to `call` says about one dossier; FAILED unless it is plain."""
        try:
            opened = self._read(reply, call=call, now=now)
        except SecurityRefused as error:
            found = LookUp(found=Found.FAILED, detail=_unproven(error), raw=reply.body)
        else:
            strange = _is_strange(opened, call)
            if strange is None:
                found = self._judge_look_up(reply, opened.content, dossier_code=dossier_code)
            else:
                found = LookUp(found=Found.FAILED, detail=strange[1], raw=reply.body)
        found = replace(found, http_status=reply.status)
        if found.found is not Found.FAILED:
            return found
        return replace(found, retry_after=read_retry_after(reply, profile=self.profile, now=now))

    def _read(self, reply: Reply, *, call: Call, now: datetime) -> Opened:
        """Return what `reply` holds; only what is proven, where that is asked."""
        opened = open_reply(reply)
        if opened.content is None or self.security is None or not self.security.judges_answers:
            return opened
        proven = self.security.open_answer(reply.body, request=call.message, now=now)
        return Opened(content=read_content(proven.body), headers=tuple(proven.headers.values()))

    def _judge(self, reply: Reply, *, request: SendRequest, call: Call, now: datetime) -> Answer:
        refusal = REFUSED_STATUSES.get(reply.status)
        if refusal is not None:
            # Before any fault in the body: a login that is wanted is not the message's fault.
            detail = f"HTTP {reply.status}: the target {refusal}"
            return self._finish(reply, Outcome.TARGET, detail)
        opened = self._read(reply, call=call, now=now)
        content = opened.content
        strange = _is_strange(opened, call)
        if strange is not None:
            return self._finish(reply, *strange)
        if isinstance(content, Fault):
            return replace(
                self._finish(reply, *self._judge_fault(content), code=content.codes[0]),
                message=content.reason,
            )
        by_status = judge_status(reply.status, has_body=content is not None, profile=self.profile)
        if by_status is not None:
            return self._finish(reply, *by_status)
        if content is None:
            return self._finish(reply, *_judge_no_soap(reply))
        try:
            response = read_response(content)
        except InputError as error:
            return self._finish(reply, Outcome.UNRECOGNISED, f"not a response: {error.code}")
        if response.operation != request.packet.value:
            detail = "the answer of another operation"
            return self._finish(reply, Outcome.UNRECOGNISED, detail)
        answer = self._judge_response(reply, response, request=request, now=now)
        return replace(answer, message=one_line(response.message))

    def _judge_look_up(
        self, reply: Reply, content: _Element | Fault | None, *, dossier_code: str
    ) -> LookUp:
        if isinstance(content, Fault):
            detail = f"fault {content.codes[0]}"
            return LookUp(found=Found.FAILED, detail=detail, raw=reply.body)
        if content is None or reply.status != 200:
            detail = f"HTTP {reply.status} without a usable answer"
            return LookUp(found=Found.FAILED, detail=detail, raw=reply.body)
        try:
            response = read_look_up_response(content)
        except InputError as error:
            detail = f"not a response: {error.code}"
            return LookUp(found=Found.FAILED, detail=detail, raw=reply.body)
        if short(response.error_code) not in self.profile.success_codes:
            detail = f"error_code {short(response.error_code)}"
            return LookUp(found=Found.FAILED, detail=detail, raw=reply.body)
        if says(response.message, texts=FAILURE_TEXTS):
            detail = f"error_code {short(response.error_code)}, but the text is one of failure"
            return LookUp(found=Found.FAILED, detail=detail, raw=reply.body)
        if not response.results:
            return LookUp(found=Found.ABSENT, detail="no such dossier", raw=reply.body)
        results = [one for one in response.results if one.dossier_code == dossier_code]
        if len(results) != 1:
            detail = f"{len(results)} of {len(response.results)} results are about this dossier"
            return LookUp(found=Found.FAILED, detail=detail, raw=reply.body, copies=len(results))
        (result,) = results
        found = LookUp(
            found=Found.PRESENT,
            detail="the portal has it",
            status=result.status,
            copies=1,
            raw=reply.body,
        )
        if not self.profile.shows_content:
            # Digests of a look-up that is not known to show what is in effect prove nothing.
            return found
        progress = frozenset(digest for _, digest in result.progress)
        return replace(
            found,
            message_id=result.message_id,
            digest=result.digest,
            progress_digests=progress,
            repeated_progress=len(result.progress) - len(progress),
        )

    def _finish(
        self, reply: Reply, outcome: Outcome, detail: str, *, code: str | None = None
    ) -> Answer:
        return Answer(
            outcome=outcome,
            code=code,
            detail=detail,
            http_status=reply.status,
            raw=reply.body,
        )

    def _judge_fault(self, fault: Fault) -> tuple[Outcome, str]:
        detail = f"fault {fault.codes[0]}"
        codes, refused = fault.codes, frozenset[str]()
        if self.profile.xroad is not None and "." in codes[0]:
            # A security server's, ours or theirs: "Server" and "Client" alone would say of it what
            # they say of the portal's own faults, which know whether anything was done.
            codes = tuple(code for code in codes if "." in code)
            refused = frozenset(self.profile.xroad.refused_faults)
        for code in codes:
            if code in refused:
                return Outcome.TARGET, detail
            if code in self.profile.busy_faults:
                return Outcome.BUSY, detail
            if code in self.profile.rejected_faults:
                return Outcome.REJECTED, detail
            if code in ENVELOPE_FAULTS:
                return Outcome.TARGET, detail
        # A server that failed may have failed after its commit: only asking tells.
        return Outcome.UNKNOWN, detail

    def _judge_response(
        self, reply: Reply, response: Response, *, request: SendRequest, now: datetime
    ) -> Answer:
        code, message = short(response.error_code), response.message
        profile = self.profile
        detail = f"error_code {code}"
        if code in profile.success_codes:
            return self._judge_success(reply, response, request=request, now=now)
        if response.receipt_element is not None:
            outcome, detail = Outcome.UNRECOGNISED, f"a receipt beside {detail}"
        else:
            outcome = judge_refusal(code, message, profile=profile)
        if outcome is not Outcome.UNRECOGNISED and says_success(message, profile=profile):
            outcome, detail = Outcome.UNRECOGNISED, f"{detail}, but the text is one of success"
        return self._finish(reply, outcome, detail, code=code)

    def _judge_success(
        self, reply: Reply, response: Response, *, request: SendRequest, now: datetime
    ) -> Answer:
        code = short(response.error_code)
        profile = self.profile
        if profile.success_texts and not says(response.message, texts=profile.success_texts):
            detail = f"error_code {code}, but the text is not one of success"
            return self._finish(reply, Outcome.UNRECOGNISED, detail, code=code)
        if not profile.wants_receipts:
            # Nothing but code and words speaks here, so they must not contradict each other.
            others = (*FAILURE_TEXTS, *profile.exists_texts, *profile.missing_texts)
            if says(response.message, texts=others):
                detail = f"error_code {code}, but the text says something else"
                return self._finish(reply, Outcome.UNRECOGNISED, detail, code=code)
            return self._finish(reply, Outcome.DELIVERED, f"error_code {code}", code=code)
        if response.receipt_element is None:
            detail = f"error_code {code}, but no receipt"
            return self._finish(reply, Outcome.UNRECOGNISED, detail, code=code)
        try:
            receipt = canonical_bytes(response.receipt_element)
        except NoCanonicalForm:
            detail = f"error_code {code}, but its receipt has no canonical form"
            return self._finish(reply, Outcome.UNRECOGNISED, detail, code=code)
        judged = self._judge_receipt(receipt, request=request, now=now)
        if not isinstance(judged, Verified):
            outcome, words = judged
            return self._finish(reply, outcome, f"error_code {code}, but {words}", code=code)
        return Answer(
            outcome=Outcome.DELIVERED,
            code=code,
            detail=f"error_code {code}, receipt verified",
            http_status=reply.status,
            raw=reply.body,
            receipt=receipt,
            receipt_signer=judged.signer,
        )

    def _judge_receipt(
        self, receipt: bytes, *, request: SendRequest, now: datetime
    ) -> Verified | tuple[Outcome, str]:
        """Return a receipt that counts, or what its fault makes of the answer, in words."""
        assert self.receipt_policy is not None
        try:
            verified = verify(receipt, policy=self.receipt_policy, now=now)
            found = read_receipt(verified.element)
        except SignatureRefused as error:
            codes = [reason.code for reason in error.reasons]
            if codes == [SIGNED_IN_FUTURE]:
                # All right but for the time: one of two clocks is wrong, and asking tells more.
                return Outcome.UNKNOWN, "its receipt is ahead of our time: check both clocks"
            if all(code.startswith(REVOCATION_UNKNOWN) for code in codes):
                # An authority that is silent for now says nothing against the receipt.
                return Outcome.UNKNOWN, f"its receipt cannot be judged yet: {', '.join(codes)}"
            return Outcome.UNRECOGNISED, f"its receipt is not valid: {', '.join(codes)}"
        except (InputError, XmlRefused) as error:
            return Outcome.UNRECOGNISED, f"its receipt cannot be read: {error.code}"
        signers = self.profile.receipt_signers
        if signers and verified.signer.common_name not in signers:
            serial = verified.signer.serial
            return Outcome.UNRECOGNISED, f"its receipt is signed by another (certificate {serial})"
        if verified.signer.fingerprint == _own_fingerprint(request.document):
            # Where one issuer vouches for both, only this tells an agency from the portal.
            return Outcome.UNRECOGNISED, "its receipt is signed with the key of the message itself"
        expected = {
            "message": (request.message_id, found.message_id),
            "dossier": (request.dossier_code, found.dossier_code),
            "content": (sha256(request.document).hexdigest(), found.digest),
        }
        others = [name for name, (ours, theirs) in expected.items() if ours != theirs]
        if others:
            return Outcome.UNRECOGNISED, f"its receipt is for another {' and '.join(others)}"
        return verified


def _own_fingerprint(document: bytes) -> str | None:
    """Return the fingerprint of whose key signed a document of ours; None for an unsigned one."""
    found = _CERTIFICATE.search(document)
    return None if found is None else sha256(b64decode(found[1])).hexdigest()


def _is_strange(opened: Opened, call: Call) -> tuple[Outcome, str] | None:
    """Return why a reply is no answer to `call`, going by its headers, or None if it may be."""
    if opened.content is None:
        return None
    return call.headers.judge(opened.headers, is_fault=isinstance(opened.content, Fault))


def _unproven(error: SecurityRefused) -> str:
    codes = ", ".join(reason.code for reason in error.reasons)
    return f"the answer's WS-Security is not valid: {codes}"


def _judge_no_soap(reply: Reply) -> tuple[Outcome, str]:
    if not reply.is_framed:
        # No length was announced, so a SOAP answer cut short looks just like this.
        return Outcome.UNKNOWN, f"HTTP {reply.status} with an answer that may have been cut"
    return Outcome.UNRECOGNISED, f"HTTP {reply.status} with something that is not SOAP"

"""
One peer: its requests in, its answers out. Whoever carries bytes (HTTP) asks this and nothing else.

The order is always the same: who sends, what it says, for whom it is, whether it can be right; then
it is made durable; then it is answered. A crash anywhere before the answer costs a repeat at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from lienthong.inbound.answers import (
    JSON_TYPE,
    Answered,
    answer_headers,
    say_refused,
    say_taken,
    status_of,
    write_fault,
    write_json,
)
from lienthong.inbound.checking import Checker, check_required
from lienthong.inbound.json_messages import (
    check_security_key,
    read_envelope,
    read_messages,
    token_in,
)
from lienthong.inbound.refusals import BUSY, LATER, UNPROVEN, NotTaken, invalid, later, unproven
from lienthong.inbound.routing import agency_of
from lienthong.inbound.soap_messages import operation_of, read_message
from lienthong.inbound.soap_requests import ID_HEADERS, read_request, soap_of
from lienthong.inbound.taking import JSON_DOOR, SOAP_DOOR, Refusal
from lienthong.soap import CONTENT_TYPES
from schemas.building import SOAP_11, SOAP_12, build_envelope
from schemas.model import load_version
from schemas.problem import Problem, Text
from signing import Passphrase, SigningError
from signing.wss import SecurityPolicy, SecurityWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pydantic import SecretStr

    from lienthong.inbound.message import Message
    from lienthong.inbound.profile import PeerProfile, PeerSoap
    from lienthong.inbound.soap_messages import Operation
    from lienthong.inbound.soap_requests import Request
    from lienthong.inbound.taking import Taking
    from signing import SigningKey, VerificationPolicy

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerKeys:
    """What proves one side to the other over SOAP."""

    trust: VerificationPolicy | None
    """Of the peer's signatures; None where it does not sign."""
    signing: Callable[[], SigningKey]
    """Returns the key that signs answers now."""


@dataclass(slots=True, kw_only=True)
class Credentials:
    """What proved the sender of one request, as the audit log keeps it."""

    signer: str | None = None
    """SHA-256 of the certificate that signed."""
    has_password: bool = False
    token: str | None = None
    """Its id."""
    has_security_key: bool = False

    def values(self) -> dict[str, str]:
        """Return what is written down of it: no secret, and nothing that could be tried out."""
        ways = {
            "signature": self.signer is not None,
            "password": self.has_password,
            "token": self.token is not None,
            "security-key": self.has_security_key,
        }
        named = {"signer": self.signer, "token": self.token}
        return {"proven_by": " ".join(way for way, was_used in ways.items() if was_used)} | {
            name: value for name, value in named.items() if value is not None
        }


class Peer:
    """What one peer may do. Thread-safe."""

    def __init__(
        self,
        name: str,
        profile: PeerProfile,
        *,
        taking: Taking,
        keys: PeerKeys,
        clock: Callable[[], datetime],
        retry_after_seconds: int,
    ) -> None:
        """Prepare; schemas are read here."""
        self.name = name
        self.profile = profile
        self._taking = taking
        self._keys = keys
        self._clock = clock
        self._retry_after_seconds = retry_after_seconds
        self._checker = Checker(
            [load_version(one) for one in profile.schema_versions],
            takes_unknown_fields=profile.json_ is not None and profile.json_.takes_unknown_fields,
        )
        self._policy = None if profile.soap is None else self._policy_of(profile.soap)
        self._lock = Lock()
        self._writers: tuple[SigningKey, dict[str, SecurityWriter]] | None = None

    def check_bearer(self, door: str, bearer: str | None) -> None:
        """
        Refuse a request whose header shows already that it proves nobody, before it is read.

        Raises:
            NotTaken: so it is; one in JSON without a bearer may have its token in its body.
        """
        profile = self.profile.soap if door == SOAP_DOOR else self.profile.json_
        if profile is not None and profile.token and (bearer or door == SOAP_DOOR):
            self._token(bearer)

    def answer_json(self, body: bytes, *, bearer: str | None) -> Answered:
        """Return the answer to a request in JSON; when it says yes, nothing of it can be lost."""
        profile, answers = self.profile.json_, self.profile.answers
        assert profile is not None
        is_proven = False
        noted = _without(profile.security_key, body)
        try:
            envelope = read_envelope(body, profile=profile)
            noted = b"\n".join(envelope.items)
            proof = Credentials()
            if profile.token:
                proof.token = self._token(bearer or token_in(envelope, profile=profile))
            is_proven = True
            proof.has_security_key = check_security_key(envelope, profile=profile)
            messages = read_messages(envelope, profile=profile, services=self.profile.services)
            is_repeat = self._take(JSON_DOOR, messages, self._wrong_items(messages), proof)
        except NotTaken as refused:
            is_proven = is_proven and refused.status != UNPROVEN
            self._note(JSON_DOOR, refused, noted, is_proven=is_proven)
            return self.refuse_json(refused)
        code, text = say_taken(answers, is_repeat=is_repeat)
        return _json(200, write_json(answers, code, text))

    def refuse_json(self, refused: NotTaken) -> Answered:
        """Return the answer that says why nothing was taken over."""
        answers = self.profile.answers
        body = write_json(answers, *say_refused(answers, refused))
        answered = _json(status_of(answers, refused), body)
        return _with_headers(answered, refused)

    def answer_soap(self, data: bytes, *, bearer: str | None, content_type: str) -> Answered:
        """Return the answer to a SOAP request; when it says yes, nothing of it can be lost."""
        profile, now = self.profile.soap, self._clock()
        assert profile is not None
        request: Request | None = None
        operation: Operation | None = None
        try:
            proof = Credentials()
            if profile.token:
                proof.token = self._token(bearer)
            request = read_request(
                data,
                profile=profile,
                policy=self._policy,
                max_bytes=self.profile.max_message_bytes,
                now=now,
            )
            proof.signer, proof.has_password = request.signer, request.has_password
            operation = operation_of(request.element, checker=self._checker)
            message = read_message(
                request,
                operation,
                profile=profile,
                services=self.profile.services,
                checker=self._checker,
            )
            is_repeat = self._take(SOAP_DOOR, [message], [], proof)
        except NotTaken as refused:
            noted = _without(profile.password, data)
            self._note(SOAP_DOOR, refused, noted, is_proven=request is not None)
            if request is None or operation is None or not refused.is_about_content:
                return self.refuse_soap(refused, content_type=content_type, request=request)
            code, text = say_refused(self.profile.answers, refused)
            status = status_of(self.profile.answers, refused)
            body = operation.respond(code=code, text=text)
            return self._soap(status, body, soap=request.soap, request=request)
        code, text = say_taken(self.profile.answers, is_repeat=is_repeat)
        body = operation.respond(code=code, text=text)
        return self._soap(200, body, soap=request.soap, request=request)

    def refuse_soap(
        self, refused: NotTaken, *, content_type: str, request: Request | None = None
    ) -> Answered:
        """Return the fault that says why nothing was taken over."""
        soap = refused.soap or soap_of(content_type)
        soap = soap if request is None else request.soap
        signature = refused.signature if request is None else request.signature
        status, body = write_fault(refused, soap=soap)
        answered = self._soap(status, body, soap=soap, request=request, signature=signature)
        return _with_headers(answered, refused)

    def _token(self, presented: str | None) -> str:
        found = self._taking.find_token(self.name, presented)
        if found is None:
            raise unproven()
        return found

    def _wrong_items(self, messages: Sequence[Message]) -> list[Problem]:
        problems: list[Problem] = []
        now = self._clock()
        for number, message in enumerate(messages, start=1):
            if self._checker.knows(message.service):
                found = self._checker.check_item(message.service, message.fields, now=now)
                problems += _numbered(found, number, of=len(messages))
        return problems

    def _take(
        self,
        door: str,
        messages: Sequence[Message],
        problems: list[Problem],
        proof: Credentials,
    ) -> bool:
        """Make all messages durable; return whether every one was here before."""
        routed: list[tuple[str, Message]] = []
        for number, message in enumerate(messages, start=1):
            service = self.profile.services[message.service]
            problems += _numbered(check_required(message, service), number, of=len(messages))
            try:
                routed.append((agency_of(message, self.profile.routes), message))
            except NotTaken as refused:
                problems += _numbered(refused.problems, number, of=len(messages))
        if problems:
            raise invalid(problems, service=messages[0].service)
        taken = self._taking.take(self.name, door, routed, proof=proof.values())
        is_repeat = all(one.is_repeat for one in taken)
        log.info(
            "inbound.received",
            peer=self.name,
            door=door,
            service=messages[0].service,
            submissions=[one.submission_id for one in taken],
            repeated=is_repeat,
        )
        return is_repeat

    def note_unread(self, door: str, refused: NotTaken) -> None:
        """Have it written down that a request was refused before it was read to its end."""
        self._note(door, refused, None, is_proven=False)

    def _note(self, door: str, refused: NotTaken, body: bytes | None, *, is_proven: bool) -> None:
        log.info("inbound.refused", peer=self.name, status=refused.status, code=refused.codes)
        if refused.status in (BUSY, LATER):
            return  # it is no fault of the peer's, and comes again
        self._taking.note(
            Refusal(
                peer=self.name,
                door=door,
                codes=refused.codes,
                status=refused.status,
                service=refused.service,
                body=body,
                is_proven=is_proven,
            )
        )

    def _soap(
        self,
        status: int,
        body: bytes,
        *,
        soap: str,
        request: Request | None,
        signature: bytes | None = None,
    ) -> Answered:
        assert self.profile.soap is not None
        headers = answer_headers(request)
        media_type = CONTENT_TYPES[soap]
        if not self.profile.soap.signed_answers:
            content = build_envelope(body, soap=soap, headers=headers)
            return Answered(status=status, content=content, media_type=media_type)
        confirms = signature if request is None else request.signature
        try:
            content = (
                self._writer(soap)
                .write(body, at=self._clock(), headers=headers, confirms=confirms)
                .envelope
            )
        except SigningError as error:
            # What is durable stays so: the peer asks again, and is answered as the first time.
            log.error("inbound.unsigned", peer=self.name, cause=error.code)  # noqa: TRY400 - words
            refused = later(self._retry_after_seconds)
            status, body = write_fault(refused, soap=soap)
            content = build_envelope(body, soap=soap)
            answered = Answered(status=status, content=content, media_type=media_type)
            return _with_headers(answered, refused)
        return Answered(status=status, content=content, media_type=media_type)

    def _writer(self, soap: str) -> SecurityWriter:
        key = self._keys.signing()
        with self._lock:
            if self._writers is None or self._writers[0] is not key:
                made = {one: SecurityWriter(soap=one, key=key) for one in (SOAP_11, SOAP_12)}
                self._writers = (key, made)
            return self._writers[1][soap]

    def _policy_of(self, profile: PeerSoap) -> SecurityPolicy | None:
        if not profile.trust and not profile.username:
            return None
        header = ID_HEADERS.get(profile.message_id)
        passwords = None
        if profile.username:
            passwords = {profile.username: Passphrase(profile.password.get_secret_value())}
        return SecurityPolicy(
            certificates=self._keys.trust,
            signers=frozenset(profile.signers),
            passwords=passwords,
            allows_password_text=profile.password_form == "text",  # noqa: S105 - no secret
            needs_signed_tokens=profile.needs_signed_tokens,
            # An id that is not signed could be changed on the way, and a repeat pass as new.
            signed_headers=frozenset({header} if header and profile.trust else ()),
            longest_life=timedelta(seconds=profile.validity_seconds),
            clock_skew=timedelta(seconds=profile.clock_skew_seconds),
            max_bytes=self.profile.max_message_bytes,
        )


def _numbered(problems: Sequence[Problem], number: int, *, of: int) -> list[Problem]:
    """Return the same reasons, saying of which of several messages they are."""
    if of == 1:
        return list(problems)
    return [
        replace(
            one,
            message=Text(*(f"[{number}] {words}" for words in one.message)),
            field=None if one.field is None else f"[{number}] {one.field}",
        )
        for one in problems
    ]


def _with_headers(answered: Answered, refused: NotTaken) -> Answered:
    return replace(answered, headers=dict(refused.headers))


def _without(secret: SecretStr, body: bytes) -> bytes | None:
    """Return a body unless the secret stands in it."""
    text = secret.get_secret_value().encode()
    return None if text and text in body else body


def _json(status: int, content: bytes) -> Answered:
    return Answered(status=status, content=content, media_type=JSON_TYPE)

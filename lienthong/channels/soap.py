"""
The SOAP channel: the signed document goes out as the bytes that were signed.

zeep reads the packaged WSDL when the channel is opened and says how to call; the envelope is our
own bytes around the document, because building it from objects would write the document anew.
Look-ups go the same way, so that the same limits of time and size hold for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid4, uuid5

from lienthong.channels.answers import Call, Judge
from lienthong.channels.asking import ask_patiently
from lienthong.channels.headers import CallHeaders, service_of, write_addressing, write_xroad
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.channels.security import MessageSecurity
from lienthong.channels.sent_headers import keep_headers, trace_headers
from lienthong.channels.wire import Wire, one_line
from schemas.building import SOAP_11, SOAP_12, build_envelope, build_look_up, build_request
from schemas.errors import ConfigError
from schemas.model import load_version
from signing import SigningError
from signing.wss import SecuredMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.channels.port import SendRequest
    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.security import SecurityKeys
    from schemas.model import SchemaVersion
    from signing import VerificationPolicy

LOOK_UP = "TraCuuHoSo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One request, ready to go."""

    call: Call
    http: dict[str, str]

    @property
    def kept(self) -> bytes:
        """What is kept of its headers."""
        return keep_headers(self.http, envelope=self.call.message.envelope)


class SoapChannel:
    """A portal behind our WSDL. Thread-safe."""

    def __init__(
        self,
        profile: TargetProfile,
        *,
        receipt_policy: VerificationPolicy | None,
        clock: Callable[[], datetime],
        security_keys: SecurityKeys | None = None,
    ) -> None:
        """
        Open the channel; nothing is connected yet.

        Args:
            profile: Of the target.
            receipt_policy: Trust in receipts; may be None only where the profile expects none.
            clock: Tells the aware time in UTC, by which a look-up's `Retry-After` is read.
            security_keys: For WS-Security; may be None only where the profile has none.

        Raises:
            ConfigError: for TLS files, a schema version or a WSDL that cannot be used.
        """
        # Here and not above: zeep takes a third of a second to import.
        from lienthong.channels.binding import read_actions  # noqa: PLC0415

        if profile.wants_receipts and receipt_policy is None:
            raise ConfigError(
                "target.receipts is 'required', but there is no trust to verify receipts with: "
                "set target.receipt_trust, or target.receipts to 'none'",
                code="target.receipts",
            )
        self._clock = clock
        self._versions = tuple(load_version(name) for name in profile.schema_versions)
        self._actions = {
            version.namespace: read_actions(version.name, soap=profile.soap)
            for version in self._versions
        }
        self._soap = SOAP_11 if profile.soap == "1.1" else SOAP_12
        self._profile = profile
        self._security = None
        if profile.security is not None:
            assert security_keys is not None, "the profile has security, so it needs keys"
            self._security = MessageSecurity(profile.security, soap=self._soap, keys=security_keys)
        self._judge = Judge(
            profile=profile,
            receipt_policy=_for_receipts(receipt_policy, self._versions),
            security=self._security,
        )
        self._wire = Wire(profile)

    def send(self, request: SendRequest) -> Answer:
        """Make exactly one attempt; see the port."""
        version = self._version_of(request.document)
        if version is None:
            return Answer(
                outcome=Outcome.WITHHELD,
                detail="nothing was sent: the document is of no schema version of this target "
                f"({', '.join(self._profile.schema_versions)})",
            )
        body = build_request(
            request.packet.value,
            version=version,
            document=request.document,
            attempt=request.attempt,
            sent_at=request.sent_at,
            is_updating=request.is_updating if request.packet is Packet.DOSSIER else None,
        )
        begun = monotonic()
        try:
            written = self._write(
                body,
                at=request.sent_at,
                version=version,
                operation=request.packet.value,
                ids=_ids_of(request),
            )
        except (SigningError, ConfigError) as error:
            detail = f"nothing was sent: {one_line(error)}"
            return Answer(outcome=Outcome.WITHHELD, detail=detail)
        reply = self._wire.post(written.call.message.envelope, headers=written.http)
        if isinstance(reply, Answer):
            is_gone = reply.outcome is not Outcome.NOT_SENT
            return replace(reply, headers=written.kept) if is_gone else reply
        now = request.sent_at + timedelta(seconds=monotonic() - begun)
        answer = self._judge.answer(reply, request=request, call=written.call, now=now)
        return replace(answer, headers=written.kept)

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:
        """Ask for one dossier, a few times within one call's time where no answer comes."""
        deadline = monotonic() + self._profile.call_timeout_seconds
        return ask_patiently(
            lambda: self._ask(agency_code, dossier_code, deadline),
            attempts=self._profile.look_up_attempts,
        )

    def close(self) -> None:
        """Close kept-alive connections."""
        self._wire.close()

    def _ask(self, agency_code: str, dossier_code: str, deadline: float) -> LookUp:
        version = self._versions[0]
        body = build_look_up(version, agency_code=agency_code, dossier_code=dossier_code)
        try:
            written = self._write(
                body,
                at=self._clock(),
                version=version,
                operation=LOOK_UP,
                ids=(str(uuid4()), str(uuid4())),
            )
        except (SigningError, ConfigError) as error:
            detail = f"nothing was asked: {one_line(error)}"
            return LookUp(found=Found.WITHHELD, detail=detail)
        reply = self._wire.post(
            written.call.message.envelope, headers=written.http, deadline=deadline
        )
        if isinstance(reply, Answer):
            found = LookUp(found=Found.FAILED, detail=reply.detail, raw=reply.raw, cut=reply.cut)
        else:
            found = self._judge.look_up(
                reply, dossier_code=dossier_code, call=written.call, now=self._clock()
            )
        return replace(found, headers=written.kept)

    def _write(
        self,
        body: bytes,
        *,
        at: datetime,
        version: SchemaVersion,
        operation: str,
        ids: tuple[str, str],
    ) -> Written:
        """Return one attempt's request; another one has other headers around the same body."""
        action = self._actions[version.namespace][operation]
        headers = self._call_headers(action, operation, ids=ids)
        http = self._headers(action)
        if self._security is not None:
            message = self._security.write(body, at=at, headers=headers.blocks)
        else:
            blocks = [block.text for block in headers.blocks]
            envelope = build_envelope(body, soap=self._soap, headers=blocks)
            message = SecuredMessage(envelope=envelope, signature=None)
        return Written(call=Call(message=message, headers=headers), http=http)

    def _call_headers(self, action: str, operation: str, *, ids: tuple[str, str]) -> CallHeaders:
        """Return the header blocks of a call; `ids` are its WS-Addressing's and its X-Road's."""
        addressing, xroad = self._profile.addressing, self._profile.xroad
        headers, message_id = CallHeaders(), f"urn:uuid:{ids[0]}"
        if addressing is not None:
            headers = CallHeaders(
                blocks=write_addressing(
                    addressing,
                    soap=self._soap,
                    endpoint=self._profile.endpoint,
                    message_id=message_id,
                    action=action,
                ),
                message_id=message_id,
                needs_relation=addressing.answers_relate,
            )
        if xroad is not None:
            blocks = write_xroad(xroad, message_id=ids[1], operation=operation)
            headers = replace(
                headers,
                blocks=headers.blocks + blocks,
                xroad_id=ids[1],
                service=service_of(xroad, operation),
            )
        return headers

    def _version_of(self, document: bytes) -> SchemaVersion | None:
        # The document is its own canonical form, so its namespace stands first.
        for version in self._versions:
            if document.startswith(f'<BanTin xmlns="{version.namespace}"'.encode()):
                return version
        return None

    def _headers(self, action: str) -> dict[str, str]:
        common = {"Accept-Encoding": "identity", "User-Agent": "lienthong"}
        common |= trace_headers(self._profile)
        if self._soap == SOAP_11:
            return common | {
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": f'"{action}"',
            }
        content_type = f'application/soap+xml; charset=utf-8; action="{action}"'
        return common | {"Content-Type": content_type}


def _ids_of(request: SendRequest) -> tuple[str, str]:
    """Return the ids of an attempt: of its message, and one that X-Road has seen only once."""
    # The same again for the same attempt, so that it can be looked for in X-Road's log even when
    # this process did not live to store it.
    name = f"urn:uuid:{request.message_id}#{request.attempt}"
    return request.message_id, str(uuid5(NAMESPACE_URL, name))


def _for_receipts(
    policy: VerificationPolicy | None, versions: tuple[SchemaVersion, ...]
) -> VerificationPolicy | None:
    """Return the policy narrowed to receipts: another signed element is none."""
    if policy is None:
        return None
    elements = frozenset((version.namespace, "BienNhan") for version in versions)
    return replace(policy, elements=elements)

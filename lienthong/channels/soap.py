"""
The SOAP channel: the signed document goes out as the bytes that were signed.

zeep reads the packaged WSDL when the channel is opened and says how to call; the envelope is our
own bytes around the document, because building it from objects would write the document anew.
Look-ups go the same way, so that the same limits of time and size hold for them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from lienthong.channels.answers import Judge
from lienthong.channels.asking import ask_patiently
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.channels.security import MessageSecurity
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
            message = self._write(body, at=request.sent_at)
        except (SigningError, ConfigError) as error:
            detail = f"nothing was sent: {one_line(error)}"
            return Answer(outcome=Outcome.WITHHELD, detail=detail)
        reply = self._wire.post(
            message.envelope, headers=self._headers(version, request.packet.value)
        )
        if isinstance(reply, Answer):
            return reply
        now = request.sent_at + timedelta(seconds=monotonic() - begun)
        return self._judge.answer(reply, request=request, message=message, now=now)

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
            message = self._write(body, at=self._clock())
        except (SigningError, ConfigError) as error:
            detail = f"nothing was asked: {one_line(error)}"
            return LookUp(found=Found.WITHHELD, detail=detail)
        reply = self._wire.post(
            message.envelope, headers=self._headers(version, LOOK_UP), deadline=deadline
        )
        if isinstance(reply, Answer):
            return LookUp(found=Found.FAILED, detail=reply.detail, raw=reply.raw, cut=reply.cut)
        return self._judge.look_up(
            reply, dossier_code=dossier_code, message=message, now=self._clock()
        )

    def _write(self, body: bytes, *, at: datetime) -> SecuredMessage:
        """Return the envelope of one attempt; another one has another security header."""
        if self._security is not None:
            return self._security.write(body, at=at)
        return SecuredMessage(envelope=build_envelope(body, soap=self._soap), signature=None)

    def _version_of(self, document: bytes) -> SchemaVersion | None:
        # The document is its own canonical form, so its namespace stands first.
        for version in self._versions:
            if document.startswith(f'<BanTin xmlns="{version.namespace}"'.encode()):
                return version
        return None

    def _headers(self, version: SchemaVersion, operation: str) -> dict[str, str]:
        action = self._actions[version.namespace][operation]
        common = {"Accept-Encoding": "identity", "User-Agent": "lienthong"}
        if self._soap == SOAP_11:
            return common | {
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": f'"{action}"',
            }
        content_type = f'application/soap+xml; charset=utf-8; action="{action}"'
        return common | {"Content-Type": content_type}


def _for_receipts(
    policy: VerificationPolicy | None, versions: tuple[SchemaVersion, ...]
) -> VerificationPolicy | None:
    """Return the policy narrowed to receipts: another signed element is none."""
    if policy is None:
        return None
    elements = frozenset((version.namespace, "BienNhan") for version in versions)
    return replace(policy, elements=elements)

"""
A hook: every document is posted to an address of the agency, signed as Standard Webhooks say.

The agency checks `webhook-signature` with the secret that both know, and takes `webhook-id` for
the identity of the message: the same id again is the same document again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from lienthong.channels.port import Answer, Outcome
from lienthong.channels.retry_after import parse_retry_after
from lienthong.channels.wire import Reply, Wire
from lienthong.receivers.profile import secret_bytes

if TYPE_CHECKING:
    from lienthong.channels.port import HandedFile, SendRequest
    from lienthong.receivers.profile import HookProfile

LATER = frozenset({408, 425, 429})
"""Statuses below 500 that say nothing about the file."""


class HookReceiver:
    """Posts documents to one address. Thread-safe. Raises ConfigError where TLS cannot be used."""

    def __init__(self, profile: HookProfile, *, name: str) -> None:
        self._profile = profile
        self._wire = Wire(profile, name=f"receivers.{name}.hook")
        self._secret = secret_bytes(profile.secret.get_secret_value())

    def hand_over(self, request: SendRequest) -> Answer:
        """Post one document, once."""
        assert request.file is not None
        reply = self._wire.post(request.document, headers=self._headers(request, request.file))
        if isinstance(reply, Reply):
            return self._judge(reply, request)
        if reply.http_status is None:
            return reply
        # It has answered: that what it says besides is too long or breaks off changes nothing.
        told = Reply(status=reply.http_status, body=reply.raw or b"", is_framed=False)
        return replace(self._judge(told, request), cut=reply.cut)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._wire.close()

    def _headers(self, request: SendRequest, file: HandedFile) -> dict[str, str]:
        stamp = str(int(request.sent_at.timestamp()))
        digest = base64.b64encode(hashlib.sha256(request.document).digest()).decode()
        headers = {
            "Content-Type": file.media_type,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
            "Content-Digest": f"sha-256=:{digest}:",
            "Idempotency-Key": request.message_id,
            "X-Lienthong-Service": file.service,
            "webhook-id": request.message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": sign_hook(
                self._secret, request.message_id, stamp, request.document
            ),
        }
        token = self._profile.token.get_secret_value()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _judge(self, reply: Reply, request: SendRequest) -> Answer:
        status = reply.status
        outcome, words = Outcome.BUSY, "it does not take it now"
        if 200 <= status < 300:
            outcome, words = Outcome.DELIVERED, "taken by its hook"
        elif status in self._profile.rejected_statuses:
            outcome, words = Outcome.REJECTED, "refused by its hook"
        elif status < 500 and status not in LATER:
            # Its address, login or set-up is wrong: nothing that another attempt would do harm to.
            words = "its hook does not work: address or login"
        wait = parse_retry_after(
            reply.retry_after,
            date=reply.date,
            now=request.sent_at,
            longest=timedelta(seconds=self._profile.retry_after_limit_seconds),
        )
        return Answer(
            outcome=outcome,
            code=str(status),
            detail=f"{words} (HTTP {status})",
            http_status=status,
            raw=reply.body,
            retry_after=wait if outcome is Outcome.BUSY else None,
        )


def sign_hook(secret: bytes, message_id: str, stamp: str, body: bytes) -> str:
    """
    Return the value of `webhook-signature`.

    Source: Standard Webhooks 1.0, symmetric signatures.
    """
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()

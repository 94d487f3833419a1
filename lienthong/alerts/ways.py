"""The ways to tell somebody: one mail, or one signed request, of many notices, or none of them."""

from __future__ import annotations

import json
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Protocol

import structlog

from lienthong.alert_settings import MAIL
from lienthong.alerts.words import body_of, subject_of
from lienthong.channels.wire import Reply, Wire
from lienthong.receivers.hook import sign_hook
from lienthong.receivers.profile import secret_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lienthong.alert_settings import AlertSettings, HookSettings, MailSettings
    from lienthong.alerting import Notice


log = structlog.get_logger()


class NotSent(Exception):
    """It was not taken; trying again may help."""

    def __init__(self, cause: str) -> None:
        """Keep why, in words that quote nobody."""
        super().__init__(cause)
        self.cause = cause


class Way(Protocol):
    """One channel."""

    def send(self, notices: Sequence[Notice], *, id_: str, at: datetime) -> None:
        """
        Tell all of these at once.

        Args:
            notices: What.
            id_: The same whenever the same is sent again.
            at: The present moment.

        Raises:
            NotSent: they are told again later.
        """


def open_way(settings: AlertSettings, channel: str) -> Way:
    """Return the way of a name; nothing is connected. Raises ConfigError for files of TLS."""
    if channel == MAIL:
        assert settings.mail is not None
        return MailWay(settings.mail, name=settings.name)
    return HookWay(settings.webhooks[channel], channel=channel, name=settings.name)


class MailWay:
    """Hands a mail to a server over SMTP."""

    def __init__(self, settings: MailSettings, *, name: str) -> None:
        self._settings = settings
        self._name = name

    def send(self, notices: Sequence[Notice], *, id_: str, at: datetime) -> None:
        """See the port."""
        try:
            self._hand_over(self._write(notices, id_=id_, at=at))
        except smtplib.SMTPResponseException as error:
            # Not its words: a server may quote the address, or what it did not like.
            raise NotSent(f"{type(error).__name__} {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotSent(type(error).__name__) from error

    def _write(self, notices: Sequence[Notice], *, id_: str, at: datetime) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = " ".join(subject_of(notices, name=self._name).split())
        mail["From"] = self._settings.sender
        mail["To"] = ", ".join(self._settings.to)
        mail["Date"] = format_datetime(at)
        domain = self._settings.sender.rpartition("@")[2]
        mail["Message-ID"] = f"<{id_}@{domain}>" if id_ else make_msgid(domain=domain)
        # RFC 3834: nobody's holiday answers it.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(body_of(notices, name=self._name))
        return mail

    def _hand_over(self, mail: EmailMessage) -> None:
        server = self._connect()
        try:
            if self._settings.security == "starttls":
                server.starttls(context=self._tls())
            if self._settings.user is not None:
                server.login(self._settings.user, self._settings.password.get_secret_value())
            refused = server.send_message(mail)
            if refused:
                # The others have it: sent again, they would have it twice.
                log.warning("alerts.address_refused", addresses=len(refused))
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        where, patience = (self._settings.host, self._settings.port), self._settings.timeout_seconds
        if self._settings.security == "tls":
            return smtplib.SMTP_SSL(*where, timeout=patience, context=self._tls())
        return smtplib.SMTP(*where, timeout=patience)

    def _tls(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        return ssl.create_default_context(cafile=None if file is None else str(file))


class HookWay:
    """Posts signed JSON to one address; never follows it elsewhere."""

    def __init__(self, settings: HookSettings, *, channel: str, name: str) -> None:
        self._wire = Wire(settings, name=f"alerts.webhooks.{channel}")
        self._secret = secret_bytes(settings.secret.get_secret_value())
        self._name = name

    def send(self, notices: Sequence[Notice], *, id_: str, at: datetime) -> None:
        """See the port."""
        body = json.dumps(
            {
                "installation": self._name,
                "at": at.isoformat(),
                "notices": [notice_values(one) for one in notices],
            },
            ensure_ascii=False,
        ).encode()
        stamp = str(int(at.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "lienthong",
            "webhook-id": id_,
            "webhook-timestamp": stamp,
            "webhook-signature": sign_hook(self._secret, id_, stamp, body),
        }
        reply = self._wire.post(body, headers=headers)
        self._wire.close()
        status = reply.status if isinstance(reply, Reply) else reply.http_status
        if status is None or not 200 <= status < 300:
            raise NotSent("no answer" if status is None else f"HTTP {status}")


def notice_values(one: Notice) -> dict[str, object]:
    """Return what a webhook is told of one notice."""
    return {
        "kind": one.kind.value,
        "alert": one.rule,
        "subject": one.subject,
        "severity": one.severity.value,
        "since": one.since.isoformat(),
        "words": {"vi": one.words.vi, "en": one.words.en},
        "next_step": {"vi": one.step.vi, "en": one.step.en},
    }

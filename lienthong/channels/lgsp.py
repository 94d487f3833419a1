"""
The channel `lgsp`: the LGSP document schema, with client-credentials tokens or keys in a header.

The payload is derived from the signed document, the same bytes at each attempt. There is no flag
for an update and there are no receipts: the answer as it came is the proof. An attempt is made once
more only where the token was not taken, which is looked at before anything else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from lienthong.channels.asking import ask_patiently, fail_look_up
from lienthong.channels.deriving import Payload, read_signed, refuse_values
from lienthong.channels.json_answers import VerdictRules
from lienthong.channels.json_replies import NotJson, read_object
from lienthong.channels.lgsp_answers import CODE_FIELD, LgspJudge, LgspReply
from lienthong.channels.logins import Login, judge_login, refused_login
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.channels.sent_headers import keep_headers, trace_headers
from lienthong.channels.sessions import Sessions
from lienthong.channels.wire import Wire
from schemas.errors import ConfigError
from schemas.lgsp import LgspWriter, wrong_lgsp_paths
from schemas.model import load_version
from schemas.portal_json import ValuesRefused
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lienthong.channels.port import SendRequest
    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.sessions import SessionFile
    from lienthong.channels.wire import Reply
    from schemas.lgsp import LgspForm
    from schemas.model import SchemaVersion

LONGEST_TOKEN_SECONDS = 86_400
_is_token = re.compile(r"[!-~]{1,8192}").fullmatch
"""As one header takes it: ASCII, nothing that ends a line."""
_is_seconds = re.compile(r"[0-9]{1,9}", re.ASCII).fullmatch


class LgspChannel:
    """A province's LGSP. Thread-safe."""

    def __init__(
        self,
        profile: TargetProfile,
        *,
        clock: Callable[[], datetime],
        session_file: SessionFile,
    ) -> None:
        """
        Open the channel; nothing is connected yet.

        Args:
            profile: Of the target, with its table `lgsp`.
            clock: Tells the aware time in UTC.
            session_file: Where processes share the token.

        Raises:
            ConfigError: for TLS files, a schema version or paths of fields that cannot be used.
        """
        assert profile.lgsp is not None, "the profile of this channel has its table"
        self._profile = profile
        self._lgsp = profile.lgsp
        self._clock = clock
        self._versions = [load_version(name) for name in profile.schema_versions]
        forms = {
            Packet.DOSSIER: self._lgsp.form_of(self._lgsp.dossier, is_dossier=True),
            Packet.PROGRESS: self._lgsp.form_of(self._lgsp.progress, is_dossier=False),
        }
        _check_paths(forms, self._versions)
        self._writers = {
            packet: LgspWriter(packet.value, form=form) for packet, form in forms.items()
        }
        rules = VerdictRules(
            profile=profile, failure_texts=self._lgsp.failure_texts, code_field=CODE_FIELD
        )
        self._judge = LgspJudge(profile=profile, lgsp=self._lgsp, rules=rules)
        self._base = urlsplit(profile.endpoint).path.rstrip("/")
        self._wire = Wire(profile)
        self._token_wire, self._token_path = self._open_token_wire()
        self._sessions = Sessions(
            log_in=self._log_in,
            owner=token_owner(profile),
            lifetime=timedelta(seconds=self._lgsp.token_seconds),
            file=session_file,
            clock=clock,
        )

    def send(self, request: SendRequest) -> Answer:
        """Make one attempt; see the port."""
        payload = self._derive(request)
        if isinstance(payload, Answer):
            return payload
        begun = monotonic()
        path = self._lgsp.progress_endpoint
        if request.packet is Packet.DOSSIER:
            path = self._lgsp.dossier_endpoint
        deadline = begun + self._profile.call_timeout_seconds
        came = self._call("POST", path, payload.data, deadline=deadline)
        kept: bytes | None = self._kept_headers()
        if isinstance(came, Answer):
            answer = came
            kept = kept if came.outcome is Outcome.UNKNOWN else None
        else:
            now = request.sent_at + timedelta(seconds=monotonic() - begun)
            answer = self._judge.answer(came, dossier_code=request.dossier_code, now=now)
        return replace(answer, payload_digest=payload.digest, headers=kept)

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:  # noqa: ARG002 - the port
        """Ask for one dossier, a few times within one call's time where no answer comes."""
        if not self._lgsp.look_up_endpoint:
            detail = "nothing was asked: this LGSP has no look_up_endpoint"
            return LookUp(found=Found.WITHHELD, detail=detail)
        deadline = monotonic() + self._profile.call_timeout_seconds
        return ask_patiently(
            lambda: self._ask(dossier_code, deadline), attempts=self._profile.look_up_attempts
        )

    def close(self) -> None:
        """Close kept-alive connections."""
        self._wire.close()
        self._token_wire.close()

    def _open_token_wire(self) -> tuple[Wire, str]:
        lgsp, profile = self._lgsp, self._profile
        parts = urlsplit(lgsp.token_endpoint)
        if not parts.scheme:
            return self._wire, self._base + lgsp.token_endpoint
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        changes: dict[str, object] = {"endpoint": lgsp.token_endpoint}
        is_elsewhere = parts.hostname != urlsplit(profile.endpoint).hostname
        if is_elsewhere or lgsp.token_client_certificate is not None:
            # A certificate says who we are: only who is meant to know is shown it.
            changes["client_certificate"] = lgsp.token_client_certificate
            changes["client_key"] = lgsp.token_client_key
        return Wire(profile.model_copy(update=changes)), path

    def _derive(self, request: SendRequest) -> Payload | Answer:
        document = read_signed(request, versions=self._versions)
        if isinstance(document, Answer):
            return document
        try:
            data = self._writers[request.packet].write(document)
        except ValuesRefused as error:
            return refuse_values(error)
        return Payload(data=data, digest=sha256(data).hexdigest())

    def _ask(self, dossier_code: str, deadline: float) -> LookUp:
        path = f"{self._lgsp.look_up_endpoint}?{CODE_FIELD}={quote(dossier_code, safe='')}"
        came = self._call("GET", path, None, deadline=deadline)
        if isinstance(came, Answer):
            return fail_look_up(came)
        found = self._judge.look_up(came, dossier_code=dossier_code, now=self._clock())
        return replace(found, headers=self._kept_headers())

    def _call(
        self, method: str, path: str, body: bytes | None, *, deadline: float
    ) -> LgspReply | Answer:
        """Make a call; with a new token, once, where the old one was not taken."""
        target, headers = self._base + path, self._headers()
        if not self._lgsp.token_endpoint:
            reply = self._wire.call(method, target, body, headers=headers, deadline=deadline)
            return reply if isinstance(reply, Answer) else self._judge.read(reply)
        stale = None
        while True:
            token = self._sessions.get(deadline=deadline, stale=stale)
            if isinstance(token, Answer):
                return token
            headers["Authorization"] = f"Bearer {token}"
            reply = self._wire.call(method, target, body, headers=headers, deadline=deadline)
            if isinstance(reply, Answer):
                return reply
            if not self._judge.is_expired(reply):
                return self._judge.read(reply)
            if stale is not None:
                return refused_login("the token was refused right after the login", reply)
            stale = token

    def _log_in(self, deadline: float) -> Login | Answer:
        lgsp = self._lgsp
        values = {"grant_type": "client_credentials"} | (
            {"scope": lgsp.scope} if lgsp.scope else {}
        )
        secret = lgsp.client_secret.get_secret_value()
        headers = _COMMON | {"Content-Type": "application/x-www-form-urlencoded"}
        if lgsp.client_login == "basic":
            # RFC 6749, section 2.3.1: each is encoded as in a form before it is joined.
            pair = f"{quote(lgsp.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            values |= {"client_id": lgsp.client_id, "client_secret": secret}
        reply = self._token_wire.call(
            "POST", self._token_path, urlencode(values).encode(), headers=headers, deadline=deadline
        )
        came = judge_login(reply, profile=self._profile, now=self._clock())
        return came if isinstance(came, Answer) else _read_token(came)

    def _headers(self) -> dict[str, str]:
        headers = _COMMON | {"Content-Type": "application/json; charset=utf-8"}
        headers |= trace_headers(self._profile)
        access = self._lgsp.access
        return headers if access is None else headers | {access.header: access.value}

    def _kept_headers(self) -> bytes:
        headers = self._headers()
        if self._lgsp.token_endpoint:
            headers["Authorization"] = ""
        return keep_headers(headers, secret=self._lgsp.secret_headers)


_COMMON = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "lienthong",
}


def token_owner(profile: TargetProfile) -> str:
    """Return what tells one client's tokens from another's."""
    assert profile.lgsp is not None
    login = (profile.lgsp.token_endpoint, profile.lgsp.client_id, profile.lgsp.scope)
    return sha256("\n".join(("lgsp", profile.endpoint, *login)).encode()).hexdigest()


def _read_token(reply: Reply) -> Login | Answer:
    try:
        found = read_object(reply.body)
    except NotJson as error:
        return refused_login(f"the answer is {error}", reply)
    token, kind = found.get("access_token"), found.get("token_type", "Bearer")
    may_keep = not token
    if reply.status != 200:
        return refused_login(f"HTTP {reply.status}", reply, may_keep=may_keep)
    if not isinstance(token, str) or not _is_token(token):
        return refused_login("an answer without a usable access_token", reply, may_keep=may_keep)
    if not isinstance(kind, str) or kind.casefold() != "bearer":
        return refused_login("a token that is no Bearer", reply, may_keep=False)
    seconds = found.get("expires_in")
    if not isinstance(seconds, str) or not _is_seconds(seconds) or int(seconds) == 0:
        return Login(value=token)
    lifetime = timedelta(seconds=min(int(seconds), LONGEST_TOKEN_SECONDS))
    return Login(value=token, lifetime=lifetime)


def _check_paths(forms: dict[Packet, LgspForm], versions: Sequence[SchemaVersion]) -> None:
    wrong = [
        text
        for packet, form in forms.items()
        for text in wrong_lgsp_paths(form, packet.value, versions)
    ]
    if wrong:
        raise ConfigError(
            Text(
                vi="target.lgsp: " + "; ".join(text.vi for text in wrong),
                en="target.lgsp: " + "; ".join(text.en for text in wrong),
            ),
            code="target.lgsp",
        )

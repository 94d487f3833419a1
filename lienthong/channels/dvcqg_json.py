"""
The channel `dvcqg-json`: the JSON adapter's protocol, and the façades of provinces.

The payload is derived from the signed document, the same bytes at each attempt; what changes from
attempt to attempt (session, isUpdating) stands around it. Several progress rows are several items
of one payload. There are no receipts: the answer as it came is the proof. An attempt is made once
more only where the target said that the session had ended, which it looks at before anything else.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from lienthong.channels.asking import ask_patiently, fail_look_up
from lienthong.channels.deriving import read_signed, refuse_values
from lienthong.channels.dictionaries import Dictionary, no_answer, no_dictionaries
from lienthong.channels.json_answers import JsonJudge, VerdictRules
from lienthong.channels.json_replies import NotJson, plain_line, read_object
from lienthong.channels.logins import Login, judge_login, refused_login
from lienthong.channels.port import TO_PORTAL, Answer, Found, LookUp, Outcome, Packet
from lienthong.channels.sent_headers import keep_headers, trace_headers
from lienthong.channels.sessions import Sessions
from lienthong.channels.wire import Wire, one_line
from schemas.errors import ConfigError
from schemas.model import load_version
from schemas.portal_json import JsonWriter, ValuesRefused, wrong_paths
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lienthong.channels.json_answers import JsonReply
    from lienthong.channels.port import SendRequest
    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.sessions import SessionFile
    from lienthong.channels.wire import Reply
    from schemas.portal_json import JsonForm, Written

LOOK_UP = "TraCuuHoSo"
MAX_SESSION_CHARACTERS = 4096


class JsonChannel:
    """A portal behind the JSON adapter or a façade. Thread-safe."""

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
            profile: Of the target, with its table `json`.
            clock: Tells the aware time in UTC.
            session_file: Where processes share the session.

        Raises:
            ConfigError: for TLS files, a schema version or paths of fields that cannot be used.
        """
        assert profile.json_adapter is not None, "the profile of this channel has its table"
        self._profile = profile
        self._json = profile.json_adapter
        self._clock = clock
        self._versions = [load_version(name) for name in profile.schema_versions]
        _check_paths(self._json.json_form, [version.name for version in self._versions])
        self._writers = {
            (version.namespace, packet): JsonWriter(
                version, packet.value, form=self._json.json_form
            )
            for version in self._versions
            for packet in TO_PORTAL
        }
        rules = VerdictRules(
            profile=profile, failure_texts=self._json.failure_texts, code_field="MaHoSo"
        )
        self._judge = JsonJudge(profile=profile, json=self._json, rules=rules)
        self._base = urlsplit(profile.endpoint).path.rstrip("/")
        self._wire = Wire(profile)
        self._sessions = Sessions(
            log_in=self._log_in,
            owner=session_owner(profile),
            lifetime=timedelta(seconds=self._json.session_seconds),
            file=session_file,
            clock=clock,
        )

    def send(self, request: SendRequest) -> Answer:
        """Make one attempt; see the port."""
        (answer,) = self.send_rows([request])
        return answer

    def send_rows(self, requests: Sequence[SendRequest]) -> list[Answer]:
        """Make one attempt for several progress rows, or for one message; see the port."""
        derived = [self._derive(request) for request in requests]
        rows = [
            (request, one)
            for request, one in zip(requests, derived, strict=True)
            if not isinstance(one, Answer)
        ]
        answers = iter(self._send(rows) if rows else ())
        return [one if isinstance(one, Answer) else next(answers) for one in derived]

    def look_up(self, *, agency_code: str, dossier_code: str) -> LookUp:  # noqa: ARG002 - the port
        """Ask for one dossier, a few times within one call's time where no answer comes."""
        if self._json.form == "facade" and not self._json.look_up_endpoint:
            detail = "nothing was asked: this façade has no look_up_endpoint"
            return LookUp(found=Found.WITHHELD, detail=detail)
        deadline = monotonic() + self._profile.call_timeout_seconds
        return ask_patiently(
            lambda: self._ask(dossier_code, deadline), attempts=self._profile.look_up_attempts
        )

    def fetch(self, dictionary: Dictionary, *, code: str = "") -> tuple[Any, ...]:
        """
        Return the entries of a dictionary of the portal's, as it names them; numbers are texts.

        Args:
            dictionary: Which.
            code: Of the procedure, for `Dictionary.PROCEDURE`.

        Raises:
            ConfigError: the target has no such service.
            PeerError: no usable answer came.
        """
        path = self._json.integration_endpoint
        if dictionary is not Dictionary.PROCEDURE:
            path = self._json.share_endpoint
        if not path:
            raise no_dictionaries()
        values = {"maTTHC": code} if dictionary is Dictionary.PROCEDURE else {}
        deadline = monotonic() + self._profile.call_timeout_seconds
        came = self._call(dictionary.value, values, path=path, deadline=deadline)
        if isinstance(came, Answer):
            raise no_answer(dictionary, came.detail)
        verdict = came.verdicts[-1] if came.verdicts else None
        if came.reply.status != 200 or verdict is None:
            raise no_answer(dictionary, f"HTTP {came.reply.status}, {came.fault or 'an error'}")
        if verdict.code not in self._profile.success_codes or verdict.results is None:
            raise no_answer(dictionary, f"code {verdict.code}")
        return verdict.results

    def close(self) -> None:
        """Close kept-alive connections."""
        self._wire.close()

    def _derive(self, request: SendRequest) -> Written | Answer:
        document = read_signed(request, versions=self._versions)
        if isinstance(document, Answer):
            return document
        writer = self._writers[document.version.namespace, request.packet]
        try:
            return writer.write(document)
        except ValuesRefused as error:
            return refuse_values(error)

    def _send(self, rows: Sequence[tuple[SendRequest, Written]]) -> list[Answer]:
        """Make one call with all of these; return the answer for each."""
        first, count = rows[0][0], len(rows)
        data = b"[" + b",".join(written.item for _, written in rows) + b"]"
        begun = monotonic()
        came = self._deliver(first, data, deadline=begun + self._profile.call_timeout_seconds)
        if isinstance(came, Answer):
            answer = came
        else:
            now = first.sent_at + timedelta(seconds=monotonic() - begun)
            codes = [request.dossier_code for request, _ in rows]
            answer = self._judge.rules.answer(came, dossier_codes=codes, now=now)
        is_gone = not isinstance(came, Answer) or came.outcome is Outcome.UNKNOWN
        answer = replace(
            answer,
            payload_digest=sha256(data).hexdigest(),
            headers=keep_headers(self._headers()) if is_gone else None,
            rows=count,
        )
        return [
            replace(answer, detail="; ".join((answer.detail, *_notes(written, number, count))))
            for number, (_, written) in enumerate(rows, start=1)
        ]

    def _deliver(self, request: SendRequest, data: bytes, *, deadline: float) -> JsonReply | Answer:
        packet, is_dossier = request.packet.value, request.packet is Packet.DOSSIER
        flag = {"isUpdating": str(request.is_updating)} if is_dossier else {}
        if self._json.form == "adapter":
            return self._call(packet, flag, data=data, deadline=deadline)
        path, query = self._json.progress_endpoint, {"MaDinhDanhDV": self._json.madonvi}
        if is_dossier:
            path = self._json.dossier_endpoint
            query |= flag
        if self._json.update_endpoint:
            # A façade with an address for each kind of call: nothing else needs to be said.
            query = {}
            if is_dossier and request.is_updating:
                path = self._json.update_endpoint
        target = f"{path}?{urlencode(query)}" if query else path
        reply = self._post(target, data, deadline=deadline)
        return reply if isinstance(reply, Answer) else self._judge.read(reply)

    def _ask(self, dossier_code: str, deadline: float) -> LookUp:
        if self._json.form == "adapter":
            came = self._call(LOOK_UP, {"mahoso": dossier_code}, deadline=deadline)
        else:
            target = f"{self._json.look_up_endpoint}?mahoso={quote(dossier_code, safe='')}"
            reply = self._wire.call(
                "GET", self._base + target, None, headers=self._headers(), deadline=deadline
            )
            came = reply if isinstance(reply, Answer) else self._judge.read(reply)
        if not isinstance(came, Answer):
            return self._judge.look_up(came, dossier_code=dossier_code, now=self._clock())
        return fail_look_up(came)

    def _call(
        self,
        service: str,
        values: dict[str, str],
        *,
        data: bytes | None = None,
        path: str | None = None,
        deadline: float,
    ) -> JsonReply | Answer:
        """Call a service of the adapter; with a new session, once, where the old one had ended."""
        stale = None
        while True:
            session = self._sessions.get(deadline=deadline, stale=stale)
            if isinstance(session, Answer):
                return session
            named = {
                "session": session,
                "madonvi": self._json.madonvi,
                "service": service,
                **values,
            }
            body = _dump(named)
            if data is not None:
                # The payload's own bytes, not what another writer would make of them.
                body = b"".join((body[:-1], b',"data":', data, b"}"))
            reply = self._post(path or self._json.integration_endpoint, body, deadline=deadline)
            if isinstance(reply, Answer):
                return reply
            came = self._judge.read(reply)
            if not self._judge.is_expired(came):
                return came
            if stale is not None:
                return refused_login("the session was refused right after the login", reply)
            stale = session

    def _log_in(self, deadline: float) -> Login | Answer:
        json_ = self._json
        body = _dump({"username": json_.username, "password": json_.password.get_secret_value()})
        reply = self._post(json_.auth_endpoint, body, deadline=deadline)
        came = judge_login(reply, profile=self._profile, now=self._clock())
        return came if isinstance(came, Answer) else self._read_session(came)

    def _read_session(self, reply: Reply) -> Login | Answer:
        try:
            found = read_object(reply.body)
        except NotJson as error:
            return refused_login(f"the answer is {error}", reply)
        code, session = found.get("error_code"), found.get("session")
        if not isinstance(code, str) or code not in self._profile.success_codes:
            told = f"code {plain_line(code)[:64]}" if isinstance(code, str) else "no code"
            return refused_login(told, reply, may_keep=not session)
        if not isinstance(session, str) or not 0 < len(session) <= MAX_SESSION_CHARACTERS:
            return refused_login("a success without a session", reply)
        if not session.isprintable():
            return refused_login("a session that cannot be sent back", reply, may_keep=False)
        return Login(value=session)

    def _post(self, path: str, body: bytes, *, deadline: float) -> Reply | Answer:
        return self._wire.call(
            "POST", self._base + path, body, headers=self._headers(), deadline=deadline
        )

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Charset": "utf-8",
            "User-Agent": "lienthong",
        } | trace_headers(self._profile)
        # On the test system it must be absent, not blank.
        return headers | ({"dstcode": self._json.dstcode} if self._json.dstcode else {})


def session_owner(profile: TargetProfile) -> str:
    """Return what tells one login's sessions from another's."""
    assert profile.json_adapter is not None
    login = (profile.json_adapter.username, profile.json_adapter.dstcode)
    return sha256("\n".join((profile.endpoint, *login)).encode()).hexdigest()


def _notes(written: Written, number: int, count: int) -> list[str]:
    """Return what an operator should know of one row of a call."""
    notes = []
    if written.left_out:
        notes.append(one_line(f"left out, too long: {', '.join(written.left_out)}"))
    if count > 1:
        notes.append(f"row {number} of {count} in one call")
    return notes


def _check_paths(form: JsonForm, versions: list[str]) -> None:
    wrong = [text for name in versions for text in wrong_paths(form, load_version(name))]
    if wrong:
        raise ConfigError(
            Text(
                vi="target.json: " + "; ".join(text.vi for text in wrong),
                en="target.json: " + "; ".join(text.en for text in wrong),
            ),
            code="target.json",
        )


def _dump(values: dict[str, str]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()

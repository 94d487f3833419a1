"""
What an LGSP's answer means: plain functions of the reply and the target's profile, no I/O.

Two shapes are known: MResult, a Status and a Message; and HCM LGSP's, whose StatusCode, Status and
ThrowException may disagree. Where they do, nobody guesses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lienthong.channels.json_answers import LOGIN_WANTED, JsonReply, VerdictRules
from lienthong.channels.json_replies import NotJson, codes_named, read_object, read_verdict
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.channels.profile import says
from lienthong.channels.statuses import read_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from lienthong.channels.lgsp_profile import LgspProfile
    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.wire import Reply

CODE_FIELD = "DocCode"
_NAMES = {"mresult": ("Status", "Message"), "hcm": ("StatusCode", "Description")}
RESULT = "ResultObject"
_NO_EXCEPTION: tuple[object, ...] = (None, "", False, [], {})


@dataclass(frozen=True, slots=True, kw_only=True)
class LgspReply:
    """A reply and what was read in it, once."""

    came: JsonReply
    disagreement: str = ""
    """Why its parts do not say the same, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LgspJudge:
    """Judges the replies of one target."""

    profile: TargetProfile
    lgsp: LgspProfile
    rules: VerdictRules

    def read(self, reply: Reply) -> LgspReply:
        """Return `reply` with what it says."""
        code, message = _NAMES[self.lgsp.answer]
        try:
            found = read_object(reply.body)
        except NotJson as error:
            return LgspReply(came=JsonReply(reply=reply, verdicts=(), fault=str(error)))
        verdict = read_verdict(found, code=code, message=message, result=RESULT)
        if verdict.code is None:
            fault = f"JSON without {code}"
            return LgspReply(came=JsonReply(reply=reply, verdicts=(), fault=fault))
        return LgspReply(
            came=JsonReply(reply=reply, verdicts=(verdict,)),
            disagreement=self._disagreement(found, verdict.code)
            if self.lgsp.answer == "hcm"
            else "",
        )

    def is_expired(self, reply: Reply) -> bool:
        """Return whether the token is not taken any more, which proves that nothing was done."""
        return reply.status == LOGIN_WANTED

    def answer(self, read: LgspReply, *, dossier_code: str, now: datetime) -> Answer:
        """Return what the reply to a delivery means."""
        answer = self.rules.answer(read.came, dossier_codes=(dossier_code,), now=now)
        if read.disagreement and read.came.reply.status == 200:
            return replace(answer, outcome=Outcome.UNRECOGNISED, detail=read.disagreement)
        return answer

    def look_up(self, read: LgspReply, *, dossier_code: str, now: datetime) -> LookUp:
        """Return what the reply says about one dossier; FAILED unless it is plain."""
        reply = read.came.reply
        found, detail = self._judge_look_up(read, dossier_code=dossier_code)
        if found is not Found.FAILED:
            return LookUp(found=found, detail=detail, raw=reply.body, http_status=reply.status)
        wait = read_retry_after(reply, profile=self.profile, now=now)
        return LookUp(
            found=found,
            detail=detail,
            raw=reply.body,
            http_status=reply.status,
            retry_after=wait,
        )

    def _disagreement(self, found: Mapping[str, Any], code: str) -> str:
        status, exception = found.get("Status"), found.get("ThrowException")
        says_success = isinstance(status, str) and status in self.lgsp.success_words
        has_exception = exception not in _NO_EXCEPTION
        if code not in self.profile.success_codes:
            return f"StatusCode {code}, but Status is one of success" if says_success else ""
        if not says_success:
            return f"StatusCode {code}, but Status is none of success"
        return f"StatusCode {code}, but there is a ThrowException" if has_exception else ""

    def _judge_look_up(self, read: LgspReply, *, dossier_code: str) -> tuple[Found, str]:
        came = read.came
        if came.reply.status != 200 or not came.verdicts:
            return Found.FAILED, f"HTTP {came.reply.status} without a usable answer"
        (verdict,) = came.verdicts
        if read.disagreement:
            return Found.FAILED, read.disagreement
        if verdict.code not in self.profile.success_codes:
            return Found.FAILED, f"code {verdict.code}"
        if says(verdict.message, texts=self.lgsp.failure_texts):
            return Found.FAILED, f"code {verdict.code}, but the text is one of failure"
        if verdict.results is None:
            return Found.FAILED, f"code {verdict.code} without {RESULT}"
        if not verdict.results:
            return Found.ABSENT, "no such dossier"
        # Unlike the portal's, this look-up has no published form: a dossier has to be named.
        named = codes_named(verdict.results, CODE_FIELD)
        if len(verdict.results) != 1 or named != [dossier_code]:
            count = named.count(dossier_code)
            detail = f"{count} of {len(verdict.results)} results are about this dossier"
            return Found.FAILED, detail
        return Found.PRESENT, "the LGSP has it"

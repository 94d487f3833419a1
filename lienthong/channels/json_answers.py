"""
What an answer in JSON means: plain functions of the reply and the target's profile, no I/O.

There are no receipts here. Success needs a code from the list, the text where the profile wants
one, and nothing in the answer that contradicts it: a text of failure, an item with an error of its
own, another dossier. Where code and text disagree, in either direction, nobody guesses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lienthong.channels.json_replies import NotJson, Verdict, codes_named, read_verdicts
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.channels.profile import says, says_success
from lienthong.channels.statuses import (
    REFUSED_STATUSES,
    judge_refusal,
    judge_status,
    read_retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from lienthong.channels.json_profile import JsonProfile
    from lienthong.channels.profile import TargetProfile
    from lienthong.channels.wire import Reply

LOGIN_WANTED = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonReply:
    """A reply and what was read in it, once."""

    reply: Reply
    verdicts: tuple[Verdict, ...]
    """Empty where it is no answer of the protocol; the last is the one that counts."""
    fault: str = ""
    """Why it is none, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRules:
    """What an answer with a code and a text means for a delivery, whatever the two are called."""

    profile: TargetProfile
    failure_texts: tuple[str, ...]
    code_field: str
    """What an item of a result calls the dossier's code."""

    def answer(self, came: JsonReply, *, dossier_codes: Collection[str], now: datetime) -> Answer:
        """Return what the reply to a delivery means, for all of these dossiers."""
        verdict = came.verdicts[-1] if came.verdicts else None
        outcome, detail = self._judge(came, dossier_codes=dossier_codes)
        return Answer(
            outcome=outcome,
            code=None if verdict is None else verdict.code,
            detail=detail,
            message=None if verdict is None else verdict.message,
            http_status=came.reply.status,
            raw=came.reply.body,
            retry_after=read_retry_after(came.reply, profile=self.profile, now=now),
        )

    def _judge(self, came: JsonReply, *, dossier_codes: Collection[str]) -> tuple[Outcome, str]:
        status = came.reply.status
        if status in REFUSED_STATUSES:
            return Outcome.TARGET, f"HTTP {status}: the target {REFUSED_STATUSES[status]}"
        by_status = judge_status(status, has_body=bool(came.verdicts), profile=self.profile)
        if by_status is not None:
            return by_status
        if not came.verdicts:
            if not came.reply.is_framed:
                # No length was announced, so an answer cut short looks just like this.
                return Outcome.UNKNOWN, f"HTTP {status} with an answer that may have been cut"
            return Outcome.UNRECOGNISED, f"HTTP {status}, and the answer is {came.fault}"
        *outer, verdict = came.verdicts
        detail = f"code {verdict.code}"
        # A façade that worked may pass on a refusal; one that did not cannot pass on a success.
        fitting = {*self.profile.success_codes, verdict.code, None}
        for one in outer:
            if one.code not in fitting:
                return Outcome.UNRECOGNISED, f"{detail} inside an answer with code {one.code}"
        if verdict.code in self.profile.success_codes:
            return self._judge_success(verdict, detail, dossier_codes=dossier_codes)
        outcome = judge_refusal(verdict.code, verdict.message, profile=self.profile)
        if outcome is not Outcome.UNRECOGNISED and self.says_success(verdict.message):
            return Outcome.UNRECOGNISED, f"{detail}, but the text is one of success"
        items = codes_named(verdict.results or (), "error_code")
        if len(dossier_codes) > 1 and set(items) & set(self.profile.success_codes):
            # Then something was done: to send all of them again would double it.
            return Outcome.UNRECOGNISED, f"{detail}, but an item of the result has one of success"
        return outcome, detail

    def _judge_success(
        self, verdict: Verdict, detail: str, *, dossier_codes: Collection[str]
    ) -> tuple[Outcome, str]:
        profile, message = self.profile, verdict.message
        if says(message, texts=self.failure_texts):
            return Outcome.UNRECOGNISED, f"{detail}, but the text is one of failure"
        if says(message, texts=profile.exists_texts):
            return Outcome.UNRECOGNISED, f"{detail}, but the text says that it exists"
        if says(message, texts=profile.missing_texts):
            return Outcome.UNRECOGNISED, f"{detail}, but the text says that it is missing"
        if profile.success_texts and not self.says_success(message):
            return Outcome.UNRECOGNISED, f"{detail}, but the text is not one of success"
        results = verdict.results or ()
        errors = set(codes_named(results, "error_code")) - set(profile.success_codes)
        if errors:
            return Outcome.UNRECOGNISED, f"{detail}, but an item of the result has another code"
        named = set(codes_named(results, self.code_field))
        if named - set(dossier_codes):
            return Outcome.UNRECOGNISED, f"{detail}, but the result is about another dossier"
        if named and named != set(dossier_codes):
            return Outcome.UNRECOGNISED, f"{detail}, but the result is about some of the rows only"
        return Outcome.DELIVERED, detail

    def says_success(self, message: str) -> bool:
        """Return whether a text is one of success."""
        return says_success(message, profile=self.profile, failure_texts=self.failure_texts)


def _says_something(item: dict[str, Any]) -> bool:
    # A server that found nothing may write the object all the same, with nothing in it.
    return any(
        value.strip() if isinstance(value, str) else value not in (None, [], {})
        for value in item.values()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonJudge:
    """Judges the replies of one target."""

    profile: TargetProfile
    json: JsonProfile
    rules: VerdictRules
    """What an answer to a delivery is judged by."""

    def read(self, reply: Reply) -> JsonReply:
        """Return `reply` with what it says."""
        try:
            verdicts = read_verdicts(reply.body, may_wrap=self.json.form == "facade")
        except NotJson as error:
            return JsonReply(reply=reply, verdicts=(), fault=str(error))
        if verdicts[-1].code is None:
            return JsonReply(reply=reply, verdicts=(), fault="JSON without a code")
        return JsonReply(reply=reply, verdicts=verdicts)

    def is_expired(self, came: JsonReply) -> bool:
        """Return whether the session has ended, which proves that nothing was done."""
        if self.json.form == "facade":
            return False
        if came.reply.status == LOGIN_WANTED:
            return True
        if not came.verdicts or came.verdicts[-1].code not in self.json.expired_codes:
            return False
        texts, message = self.json.expired_texts, came.verdicts[-1].message
        if self.rules.says_success(message):
            return False
        return not texts or says(message, texts=texts)

    def look_up(self, came: JsonReply, *, dossier_code: str, now: datetime) -> LookUp:
        """Return what the reply says about one dossier; FAILED unless it is plain."""
        found, detail = self._judge_look_up(came, dossier_code=dossier_code)
        answer = LookUp(
            found=found, detail=detail, raw=came.reply.body, http_status=came.reply.status
        )
        if found is not Found.FAILED:
            return answer
        wait = read_retry_after(came.reply, profile=self.profile, now=now)
        return replace(answer, retry_after=wait)

    def _judge_look_up(self, came: JsonReply, *, dossier_code: str) -> tuple[Found, str]:
        if came.reply.status != 200 or not came.verdicts:
            return Found.FAILED, f"HTTP {came.reply.status} without a usable answer"
        *outer, verdict = came.verdicts
        codes = {one.code for one in outer} - {None}
        if verdict.code in self.json.absent_codes and codes <= set(self.profile.success_codes):
            return Found.ABSENT, f"code {verdict.code}: no such dossier"
        if not codes | {verdict.code} <= set(self.profile.success_codes):
            return Found.FAILED, f"code {verdict.code}"
        if says(verdict.message, texts=self.json.failure_texts):
            return Found.FAILED, f"code {verdict.code}, but the text is one of failure"
        results = verdict.results
        if results is None and verdict.says_null and self.json.null_is_absent:
            results = ()
        if results is None:
            return Found.FAILED, f"code {verdict.code} without a result"
        if not results:
            return Found.ABSENT, "no such dossier"
        if not all(isinstance(one, dict) and _says_something(one) for one in results):
            return Found.FAILED, "the result is no list of objects that say something"
        if set(codes_named(results, "error_code")) - set(self.profile.success_codes):
            return Found.FAILED, f"code {verdict.code}, but an item of the result has another code"
        named = codes_named(results, "MaHoSo")
        if len(results) > 1 or set(named) - {dossier_code}:
            count = named.count(dossier_code)
            return Found.FAILED, f"{count} of {len(results)} results are about this dossier"
        # Implementers of the portal go by an answer that is not empty; it need not name anything.
        return Found.PRESENT, "the portal has it"

"""The explanation of one verified document, for readers and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.problem import Language, Text
from signing import Step, StepResult, Words, explain

if TYPE_CHECKING:
    from lienthong.documents import DocumentFindings
    from signing import Reason, VerificationPolicy

RESULTS = {
    StepResult.PASSED: Text(vi="đạt", en="passed"),
    StepResult.NOTED: Text(vi="lưu ý", en="noted"),
    StepResult.FAILED: Text(vi="KHÔNG ĐẠT", en="FAILED"),
    StepResult.SKIPPED: Text(vi="bỏ qua", en="skipped"),
}
_SCHEMA = Words(vi="Lược đồ và mã cơ quan", en="Schema and agency code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Every step, those of the signature first, then what the application itself looks at."""

    steps: tuple[Step, ...]
    faults: tuple[Text, ...] | None
    """Of the schema, or of the agency that the document names; None: it has no schema of ours."""
    is_good: bool

    def lines(self, language: Language) -> list[tuple[str, str, list[str]]]:
        """Return for each step its title, its result, and what was found."""
        rows = [
            (
                _say(step.title, language),
                RESULTS[step.result].say(language),
                [
                    *(_say(one, language) for one in step.found),
                    *(_say(one, language) for one in step.reasons),
                ],
            )
            for step in self.steps
        ]
        found = [fault.say(language) for fault in self.faults or ()]
        return [*rows, (_say(_SCHEMA, language), RESULTS[self._of_schema].say(language), found)]

    @property
    def _of_schema(self) -> StepResult:
        if self.faults is None:
            return StepResult.SKIPPED
        return StepResult.FAILED if self.faults else StepResult.PASSED

    def values(self) -> list[dict[str, Any]]:
        """Return the same for machines, in both languages."""
        steps = [
            {
                "step": step.name,
                "title": _both(step.title),
                "result": step.result.value,
                "found": [_both(one) for one in step.found],
                "reasons": [{"code": one.code, **_both(one)} for one in step.reasons],
            }
            for step in self.steps
        ]
        document = {
            "step": "document",
            "title": _both(_SCHEMA),
            "result": self._of_schema.value,
            "found": [_both(one) for one in self.faults or ()],
            "reasons": [],
        }
        return [*steps, document]


def explain_document(findings: DocumentFindings, *, policy: VerificationPolicy) -> Explanation:
    """Return how `findings` came about; `policy` is the one that they were asked with."""
    return Explanation(
        steps=explain(findings.inspection, policy=policy),
        faults=None
        if findings.faults is None
        else tuple(fault.message for fault in findings.faults),
        is_good=findings.is_good,
    )


def _say(words: Words | Reason, language: Language) -> str:
    return words.vi if language is Language.VI else words.en


def _both(words: Words | Reason | Text) -> dict[str, str]:
    return {"vi": words.vi, "en": words.en}

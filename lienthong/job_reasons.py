"""Why a bulk replay stands where it stands: the product's own sentences, which have numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.problem import Text


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence that is stored in English; numbers stand in braces."""

    en: str
    vi: str

    def write(self, **numbers: int) -> str:
        """Return it as it is stored."""
        return self.en.format(**numbers)

    def read(self, stored: str) -> str | None:
        """Return the Vietnamese of what was stored; None: it is not this sentence."""
        shape = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[0-9]+)", re.escape(self.en))
        found = re.fullmatch(shape, stored)
        return None if found is None else self.vi.format(**found.groupdict())


CHANGED = Sentence(
    en="{messages} messages and {mappings} mappings changed",
    vi="{messages} thông điệp và {mappings} ánh xạ đã thay đổi từ khi yêu cầu",
)
FAILING = Sentence(
    en="{percent} % of the last {judged} failed, more than {most} %",
    vi="{percent} % trong {judged} thông điệp gần nhất bị lỗi, quá mức {most} %",
)


def job_reason_words(stored: str) -> Text:
    """Return why a job stands there in both languages; what a person wrote stays as it is."""
    known = (sentence.read(stored) for sentence in (CHANGED, FAILING))
    return Text(vi=next(filter(None, known), stored), en=stored)

"""
The doctor at the door of a mapping: records as they come, their texts reported or repaired.

Right text costs a look at its words, which are remembered. With `on`, the first records wait until
their columns are judged; after that nothing does.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.doctor import forms
from adapters.doctor.column import RIGHT_COLUMN, ColumnVote, Judgement
from adapters.doctor.diagnosis import Diagnosis, Verdict
from adapters.doctor.losses import has_lost_letters
from adapters.doctor.misreading import Misreading
from adapters.doctor.repair import REPAIRED, Repair, encoding_of
from adapters.doctor.values import column_of, replaced, texts_of
from adapters.doctor.weighing import weigh
from adapters.record import SourceRecord
from schemas.errors import InputError
from schemas.problem import LONGEST_VALUE, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.record import UnreadableRecord

    Item = SourceRecord | UnreadableRecord

WINDOW_RECORDS = 200
WINDOW_CHARACTERS = 1024 * 1024
"""How much waits, at most, until the columns are judged."""

_MOST_WORDS = 50_000
_MARKUP_STEPS = frozenset({"references", "tags"})
_SIGN = re.compile(r"[\^(+`~&<]")
_MARKUP = re.compile(r"&(?:#|[A-Za-z]{2,24};)|</?[A-Za-z]|<!--")


def examined(
    records: Iterable[Item],
    *,
    is_repairing: bool,
    encoding: str = "",
    read_columns: frozenset[str] | None = None,
) -> Iterator[Item]:
    """
    Yield the records, with a warning for every value that was or should be repaired.

    Args:
        records: As their reader yields them; what it raises is raised after those before it.
        is_repairing: Whether values are changed; else they are only reported.
        encoding: What the texts are known to be misread from; "" where the columns are judged.
        read_columns: Warn of these alone, for nobody reads the others; None: of all. What is
            changed does not depend on it.
    """
    surgery = _Surgery(is_repairing=is_repairing, read_columns=read_columns)
    if encoding:
        surgery.everywhere = Judgement(
            misreadings=(Misreading(encoding),), is_pure=True, values=0, evidence=0.0
        )
        yield from map(surgery.examine, records)
        return
    if not is_repairing:
        yield from map(surgery.examine, records)
        return
    source = iter(records)
    waiting, refusal = _window(source)
    surgery.judge(waiting)
    yield from map(surgery.examine, waiting)
    if refusal is not None:
        raise refusal
    yield from map(surgery.examine, source)


def _window(source: Iterator[Item]) -> tuple[list[Item], InputError | None]:
    waiting: list[Item] = []
    room = WINDOW_CHARACTERS
    try:
        for item in source:
            waiting.append(item)
            if isinstance(item, SourceRecord):
                room -= sum(len(text) for _, text in texts_of(item.values))
            if room < 0 or len(waiting) >= WINDOW_RECORDS:
                break
    except InputError as error:
        return waiting, error
    return waiting, None


class _Surgery:
    """What is known of the columns and of the words of one input."""

    def __init__(self, *, is_repairing: bool, read_columns: frozenset[str] | None) -> None:
        self.everywhere: Judgement | None = None
        self._is_repairing = is_repairing
        self._read_columns = read_columns
        self._columns: dict[str, Judgement] = {}
        self._right_words: set[str] = set()

    def judge(self, items: Iterable[Item]) -> None:
        """Judge the columns by `items`; those that are right are not kept."""
        votes: dict[str, ColumnVote] = {}
        for item in items:
            if isinstance(item, SourceRecord):
                for path, text in _texts_of(item):
                    votes.setdefault(column_of(path), ColumnVote()).add(text)
        judged = {column: vote.judge() for column, vote in votes.items()}
        self._columns = {column: found for column, found in judged.items() if found.misreadings}

    def examine(self, item: Item) -> Item:
        """Return one record with its warnings, and its repairs where they are wanted."""
        if not isinstance(item, SourceRecord):
            return item
        is_plain = self.everywhere is None and not self._columns and not item.fonts
        if is_plain and self._is_right(item):
            return item
        found = [
            (path, diagnosis)
            for path, text in _texts_of(item)
            if self._is_worth_a_warning(diagnosis := self._diagnose(path, text, item))
        ]
        if not found:
            return item
        warnings = [
            _warning(item, path, diagnosis, is_repairing=self._is_repairing)
            for path, diagnosis in found
            if self._read_columns is None or column_of(path) in self._read_columns
        ]
        values = item.values
        if self._is_repairing:
            repairs = {p: d.text for p, d in found if d.verdict is Verdict.REPAIRED}
            values = replaced(values, repairs)
        return replace(item, values=values, warnings=(*item.warnings, *warnings))

    def _is_worth_a_warning(self, diagnosis: Diagnosis) -> bool:
        if diagnosis.verdict is Verdict.RIGHT:
            return False
        # Mappings have rules for markup (unescape_html, strip_tags): that it is there is no news.
        is_markup = diagnosis.steps != () and _MARKUP_STEPS.issuperset(diagnosis.steps)
        return self._is_repairing or not is_markup

    def _diagnose(self, path: str, text: str, item: SourceRecord) -> Diagnosis:
        judgement = self.everywhere or self._columns.get(column_of(path), RIGHT_COLUMN)
        return judgement.diagnose(text, font=item.fonts.get(path))

    def _is_right(self, item: SourceRecord) -> bool:
        """Fast path: whether no text has anything to look at twice (docs/text-doctor.md: cost)."""
        text = " ".join([text for _, text in _texts_of(item)])
        if is_suspect(text):
            return False
        if text.isascii():
            return True
        known = self._right_words
        words = text.split(" ")
        if known.issuperset(words):
            return True
        fresh = {word for word in words if not word.isascii()} - known
        if len(known) > _MOST_WORDS:
            known.clear()
        right = {word for word in fresh if _is_right_word(word)}
        known |= right
        return len(right) == len(fresh)


def _texts_of(item: SourceRecord) -> Iterator[tuple[str, str]]:
    texts = texts_of(item.values)
    if not item.encoded:
        return texts
    return ((path, text) for path, text in texts if column_of(path) not in item.encoded)


def is_suspect(text: str) -> bool:
    """Return whether `text` may be VIQR, a reference or a tag in its ASCII, or lacks letters."""
    if has_lost_letters(text):
        return True
    for sign in _SIGN.finditer(text):
        at = sign.start()
        if text[at] in "&<":
            if _MARKUP.match(text, at):
                return True
        elif text[at - 1 : at].isalpha():
            return True
    return False


def _is_right_word(word: str) -> bool:
    weighed = weigh(word)
    return (
        weighed.oddity == 0
        and weighed.wrong_words == 0
        and forms.compose(word) == word
        and forms.replace_look_alikes(word) == word
        and forms.may_be_look_alike(word) is None
    )


def _warning(
    record: SourceRecord, path: str, diagnosis: Diagnosis, *, is_repairing: bool
) -> Problem:
    place = record.place_of(path)
    original = _shown(diagnosis.original)
    if diagnosis.is_lossy:
        return Problem(
            code="text.doubtful",
            severity=Severity.WARNING,
            message=Text(
                vi=f"{original} bị mất chữ (thành dấu hỏi) khi lưu tệp; giữ nguyên",
                en=f"letters of {original} were lost when the file was saved; left as it is",
            ),
            place=place,
            suggestion=_SUGGEST_AGAIN,
        )
    if diagnosis.verdict is Verdict.DOUBTFUL:
        others = " / ".join(map(_shown, diagnosis.alternatives))
        return Problem(
            code="text.doubtful",
            severity=Severity.WARNING,
            message=Text(
                vi=f"{original} có thể sai bảng mã, đúng ra là {others}; giữ nguyên",
                en=f"{original} may be misread text, for {others}; left as it is",
            ),
            place=place,
            suggestion=_SUGGEST_COMPARE,
            for_integrator=_SUGGEST_LOOK,
        )
    steps, read = ", ".join(diagnosis.steps), _shown(diagnosis.text)
    if is_repairing:
        text = Text(
            vi=f"{original} đã được sửa thành {read} ({steps})",
            en=f"{original} was repaired to {read} ({steps})",
        )
        return Repair(
            code=REPAIRED,
            severity=Severity.WARNING,
            message=text,
            place=place,
            value=diagnosis.original[:LONGEST_VALUE],
            suggestion=_SUGGEST_SOURCE,
            encoding=encoding_of(diagnosis.steps),
        )
    return Problem(
        code="text.misread",
        severity=Severity.WARNING,
        message=Text(
            vi=f"{original} là văn bản hỏng, đúng ra là {read} ({steps}); giữ nguyên",
            en=f"{original} is damaged text, for {read} ({steps}); left as it is",
        ),
        place=place,
        suggestion=_SUGGEST_RETYPE,
        for_integrator=_SUGGEST_ON,
    )


_SUGGEST_LOOK = Text(
    vi="xem cả cột bằng: lienthong text check; biết chắc bảng mã thì khai báo repair_encoding",
    en="look at the whole column: lienthong text check; if the encoding is known, declare "
    "repair_encoding",
)
_SUGGEST_AGAIN = Text(
    vi="lấy lại giá trị từ nguồn và lưu tệp dạng UTF-8; chữ đã mất không khôi phục được",
    en="take the value from the source again and save the file in UTF-8; lost letters cannot be "
    "had back",
)
_SUGGEST_COMPARE = Text(
    vi="đối chiếu tại nguồn; nếu đúng như đang có thì không phải làm gì",
    en="compare it at the source; if it is right as it stands there is nothing to do",
)
_SUGGEST_SOURCE = Text(
    vi="nếu sửa sai, báo cho người phụ trách kết nối; tốt nhất là sửa tại nguồn",
    en="if that is wrong, tell whoever set up the connection; best is to mend it at the source",
)
_SUGGEST_RETYPE = Text(
    vi="sửa tại nguồn: gõ lại bằng Unicode", en="mend it at the source: type it again in Unicode"
)
_SUGGEST_ON = Text(
    vi="hoặc khai báo repair: on trong source", en="or declare repair: on in the source"
)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 80 else f"{text[:80]!r}…"

"""
How well a text goes as Vietnamese, as it stands and read otherwise; in nats of evidence.

Nothing here decides: `diagnosis` and `column` do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.doctor.misreading import Misreading, undo
from adapters.doctor.syllables import WORD, Spelling, spelling, surprise

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROOF = re.compile("[ăđĩũơưĂĐĨŨƠƯ\u1ea0-\u1ef9]")
_SIGN = "\x01-\x08\x0e-\x1f\x80-\xbf×÷€‚ƒ„†‡ˆ‰Š‹ŒŽ˜™š›œžŸ"
_SIGN_IN_WORD = re.compile(f"[A-Za-z\u00c0-\u00ff][{_SIGN}]|[{_SIGN}][A-Za-z\u00c0-\u00ff]")
_MEASURE = re.compile("(?<=m)[²³]|[°½¼¾®©™]|µ(?=[mglsF])|(?<=[0-9])[ªº]")
"""Signs that stand in right text beside letters: 120m², 5 µm, 1º."""
_CAPITAL_IN_WORD = re.compile("[a-z\u00df-\u00ff][\u00c0-\u00de]|[\u00c0-\u00de]{2}")
_TYPED_MARK = re.compile(r"[a-zA-Z][\^(+`~]['`?~.]?(?=[a-zA-Z,;:\s)\\]|$)")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")

_ODDITY = 2.0
_MOST_ODDITIES = 3
_WEIGHT_OF_RUN = {1: 0.0, 2: 4.5, 3: 6.0, 4: 6.0}
"""By the bytes of a character."""
_DEPTH = 3
"""How often UTF-8 was read wrong, at most."""
_WRONG_WORD = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AsItIs:
    """A text as it stands."""

    oddity: float
    """What speaks against it: signs and capitals inside words, marks as typed in VIQR."""
    wrong_words: int
    """Words with letters beyond ASCII that orthography does not know; foreign names are such."""
    is_proven: bool
    """Whether it has letters that only right Vietnamese text has, in words that are right."""

    @property
    def is_right(self) -> bool:
        """Whether nothing speaks against it."""
        return self.is_proven or (self.oddity == 0 and self.wrong_words == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text read otherwise."""

    text: str
    misreadings: tuple[Misreading, ...]
    """In the order in which they are undone."""
    evidence: float
    """What the words that change say for it."""
    wrong_words: int
    """Of the words that change."""

    @property
    def net(self) -> float:
        """What is left of the evidence after the words that are wrong."""
        return self.evidence - _WRONG_WORD * self.wrong_words


def weigh(text: str) -> AsItIs:
    """Return what speaks for and against `text` as it stands."""
    if text.isascii():
        typed = len(_TYPED_MARK.findall(text)) + len(_CONTROL.findall(text))
        return AsItIs(oddity=_ODDITY * min(typed, _MOST_ODDITIES), wrong_words=0, is_proven=False)
    plain = _MEASURE.sub(" ", text)
    words = [word for word in WORD.findall(plain) if not word.isascii()]
    wrong = sum(spelling(word) is Spelling.IMPOSSIBLE for word in words)
    odd = len(_SIGN_IN_WORD.findall(plain)) + len(_CONTROL.findall(text))
    odd += sum(not word.isupper() and bool(_CAPITAL_IN_WORD.search(word)) for word in words)
    return AsItIs(
        oddity=_ODDITY * min(odd, _MOST_ODDITIES),
        wrong_words=wrong,
        is_proven=_PROOF.search(text) is not None,
    )


def read_as(text: str, misreading: Misreading) -> Reading | None:
    """Return `text` with one misreading undone; None when it cannot be, or nothing changes."""
    if misreading is Misreading.UTF_8:
        return _read_utf_8(text)
    read = undo(text, misreading)
    if read is None or read == text:
        return None
    before = set(WORD.findall(text))
    changed = [w for w in WORD.findall(read) if not w.isascii() and w not in before]
    wrong = sum(spelling(word) is Spelling.IMPOSSIBLE for word in changed)
    if misreading is Misreading.VIQR:
        wrong += len(_TYPED_MARK.findall(read))
    return Reading(
        text=read,
        misreadings=(misreading,),
        evidence=sum(map(surprise, changed)),
        wrong_words=wrong,
    )


def read_through(text: str, misreadings: Sequence[Misreading]) -> Reading | None:
    """Return `text` with several misreadings undone, in their order; None where one cannot be."""
    reading: Reading | None = None
    for misreading in misreadings:
        step = read_as(text if reading is None else reading.text, misreading)
        if step is None:
            return None
        reading = step if reading is None else _after(reading, step)
    return reading


def readings(text: str) -> list[Reading]:
    """Return every other reading of `text`, the best first; of equal texts the likelier only."""
    found: dict[str, Reading] = {}
    kinds = (Misreading.VIQR,) if text.isascii() else tuple(Misreading)[:-1]
    for kind in kinds:
        reading = read_as(text, kind)
        if reading is not None:
            _keep(found, reading)
            # What comes out right is not read once more.
            if kind is Misreading.UTF_8 and not weigh(reading.text).is_right:
                for other in readings(reading.text):
                    _keep(found, _after(reading, other))
    return sorted(found.values(), key=lambda each: -each.net)


def _keep(found: dict[str, Reading], reading: Reading) -> None:
    known = found.get(reading.text)
    if known is None or reading.net > known.net:
        found[reading.text] = reading


def _after(first: Reading, second: Reading) -> Reading:
    return Reading(
        text=second.text,
        misreadings=first.misreadings + second.misreadings,
        evidence=first.evidence + second.evidence,
        wrong_words=second.wrong_words,
    )


def _read_utf_8(text: str) -> Reading | None:
    """Undo UTF-8; that bytes fit it by chance is so rare that the words need not be asked."""
    reading: Reading | None = None
    source, evidence, times = text, 0.0, 0
    while times < _DEPTH:
        read = undo(source, Misreading.UTF_8)
        if read is None or read == source:
            break
        times += 1
        evidence += sum(_WEIGHT_OF_RUN[len(character.encode())] for character in read)
        source = read
        # Between two misreadings there may be control characters, at the end there are none.
        if not _CONTROL.search(read):
            reading = Reading(
                text=read,
                misreadings=(Misreading.UTF_8,),
                evidence=evidence,
                wrong_words=0,
            )
    return reading

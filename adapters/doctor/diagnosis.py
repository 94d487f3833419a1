"""
One value, looked at alone or with what its column is known to be.

Text that is right stays as it is, to the letter. What is repaired keeps its original and the names
of the steps; what could be either stays as it is and is reported with its alternatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from adapters.doctor import forms
from adapters.doctor.losses import has_lost_letters
from adapters.doctor.misreading import WITHOUT_CAPITALS, Misreading, undo
from adapters.doctor.weighing import read_through, readings, weigh

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.doctor.weighing import AsItIs, Reading

ENOUGH = 4.0
"""Evidence (nats) from which a lone value is repaired: the odds are 50 to 1."""
_MARGIN = 2.0
_MOST_ALTERNATIVES = 3


class Verdict(Enum):
    """What became of a value."""

    RIGHT = "right"
    REPAIRED = "repaired"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found out about one value."""

    verdict: Verdict
    original: str
    text: str
    """The repaired text; `original` unless the verdict says so."""
    steps: tuple[str, ...] = ()
    """What was done, in order: values of `Misreading`, or a name of `FORMS`, or "capitals"."""
    alternatives: tuple[str, ...] = ()
    """For a doubtful value, the likeliest first."""
    is_lossy: bool = False
    """Doubtful because letters of it were lost: there is nothing to read it as."""


FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("references", forms.resolve_references),
    ("tags", forms.drop_tags),
    ("composed", forms.compose),
)
"""Steps that come before any encoding is asked for."""
LOOK_ALIKES = "look-alikes"
CAPITALS = "capitals"


def diagnose(
    text: str,
    *,
    column: tuple[Misreading, ...] = (),
    is_pure: bool = False,
    font: str | None = None,
) -> Diagnosis:
    """
    Return what is wrong with `text`, if anything, and its repair.

    Args:
        text: One value as its format gave it.
        column: What the other values of its column were misread from, where they agree.
        is_pure: Whether that is so for the whole column, so that words which are right either
            way are read like the others.
        font: The font it is shown in; .Vn… and VNI-… fonts say what its letters are.
    """
    formed, steps = _formed(text)
    by_font = None if font is None else _by_font(formed, font)
    if by_font is not None:
        return _repaired(text, by_font[0], (*steps, *by_font[1]))
    if has_lost_letters(formed):
        return Diagnosis(verdict=Verdict.DOUBTFUL, original=text, text=text, is_lossy=True)
    as_it_is = weigh(formed)
    if column and not as_it_is.is_proven:
        found = _in_column(formed, as_it_is, column, is_pure=is_pure)
        if isinstance(found, Diagnosis):
            return found if found.original == text else _doubtful(text, found.alternatives)
        if found is not None:
            read, more = _finished(found.text, found.misreadings)
            return _repaired(text, read, (*steps, *more))
        if is_pure and (raised := _raised(formed, column)) != formed:
            return _repaired(text, raised, (*steps, CAPITALS))
    genuine = forms.replace_look_alikes(formed)
    if genuine != formed and (as_it_is.is_proven or _is_faultless(genuine)):
        others = [] if as_it_is.is_proven else [each.text for each in _likely(formed)]
        if all(other == genuine for other in others):
            return _repaired(text, genuine, (*steps, LOOK_ALIKES))
        return _doubtful(text, (genuine, *others[:_MOST_ALTERNATIVES]))
    if as_it_is.is_right:
        other = forms.may_be_look_alike(formed)
        if other is not None and formed == text:
            return _doubtful(text, (other,))
        return _repaired(text, formed, steps)
    return _alone(text, formed, steps, as_it_is)


def font_encoding(font: str) -> tuple[Misreading, bool] | None:
    """
    Return what a legacy font's letters are and whether it draws capitals; None for other fonts.

    .VnTimeH and its like draw small letters as capitals; the H at the end says so.
    """
    name = font.strip()
    if name.startswith((".Vn", ".VN")):
        return Misreading.TCVN3, name.upper().endswith("H")
    return (Misreading.VNI, False) if name.upper().startswith("VNI-") else None


def _formed(text: str) -> tuple[str, tuple[str, ...]]:
    steps = []
    for name, form in FORMS:
        formed = form(text)
        if formed != text:
            steps.append(name)
            text = formed
    return text, tuple(steps)


def _finished(text: str, misreadings: tuple[Misreading, ...]) -> tuple[str, tuple[str, ...]]:
    """Return a text read otherwise with its lost capitals, and the steps to it."""
    steps = tuple(misreading.value for misreading in misreadings)
    raised = _raised(text, misreadings)
    return (text, steps) if raised == text else (raised, (*steps, CAPITALS))


def _raised(text: str, misreadings: tuple[Misreading, ...]) -> str:
    small = WITHOUT_CAPITALS.get(misreadings[-1])
    return text if small is None else forms.raise_capitals(text, small)


def _is_faultless(text: str) -> bool:
    weighed = weigh(text)
    return weighed.oddity == 0 and weighed.wrong_words == 0


def _by_font(text: str, font: str) -> tuple[str, tuple[str, ...]] | None:
    known = font_encoding(font)
    if known is None or weigh(text).is_proven:
        return None
    misreading, has_capitals = known
    read = undo(text, misreading)
    if read is None:
        return None
    steps = (misreading.value,) if read != text else ()
    # An address is what it is, however it is drawn.
    is_address = "@" in read or "://" in read
    if has_capitals and not is_address and read.upper() != read:
        return read.upper(), (*steps, CAPITALS)
    return (read, steps) if steps else None


def _in_column(
    text: str, as_it_is: AsItIs, column: tuple[Misreading, ...], *, is_pure: bool
) -> Reading | Diagnosis | None:
    """Return how the column reads a value, a doubt, or None where it does not concern it."""
    reading = read_through(text, column)
    if reading is None:
        return None
    if reading.wrong_words > as_it_is.wrong_words and as_it_is.oddity == 0:
        return None
    if as_it_is.oddity or as_it_is.wrong_words > reading.wrong_words:
        return reading
    if reading.wrong_words == 0 and is_pure:
        return reading
    shown, _ = _finished(reading.text, reading.misreadings)
    return _doubtful(text, (shown,))


def _alone(text: str, formed: str, steps: tuple[str, ...], as_it_is: AsItIs) -> Diagnosis:
    found = _likely(formed)
    if not found:
        return _repaired(text, formed, steps)
    best, weight = found[0], as_it_is.oddity + found[0].net
    is_clear = len(found) == 1 or best.net - found[1].net >= _MARGIN
    # VIQR is read word by word: one left over shows that something else is meant by its signs.
    is_whole = best.wrong_words == 0 or best.misreadings != (Misreading.VIQR,)
    if weight >= ENOUGH and is_clear and is_whole:
        read, more = _finished(best.text, best.misreadings)
        return _repaired(text, read, (*steps, *more))
    shown = [_finished(each.text, each.misreadings)[0] for each in found[:_MOST_ALTERNATIVES]]
    return _doubtful(text, tuple(shown))


def _likely(text: str) -> list[Reading]:
    return [each for each in readings(text) if each.net > 0]


def _repaired(original: str, text: str, steps: tuple[str, ...]) -> Diagnosis:
    if text == original:
        return Diagnosis(verdict=Verdict.RIGHT, original=original, text=text)
    return Diagnosis(verdict=Verdict.REPAIRED, original=original, text=text, steps=steps)


def _doubtful(original: str, alternatives: tuple[str, ...]) -> Diagnosis:
    return Diagnosis(
        verdict=Verdict.DOUBTFUL, original=original, text=original, alternatives=alternatives
    )

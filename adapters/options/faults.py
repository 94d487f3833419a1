"""What may be wrong with a source section of a mapping, in words that help to mend it."""

from __future__ import annotations

import difflib

from schemas.problem import Text


class OptionsWrong(Exception):
    """A mapping's source section is wrong; `faults` has (key, sentence) for every mistake."""

    def __init__(self, faults: tuple[tuple[str, Text], ...]) -> None:
        super().__init__("; ".join(f"{key}: {text.en}" for key, text in faults))
        self.faults = faults


class Fault(Exception):
    """The value of one key is wrong, in one way or, where it has parts, in several."""

    def __init__(self, *texts: Text) -> None:
        super().__init__("; ".join(text.en for text in texts))
        self.texts = texts

    @classmethod
    def of(cls, vi: str, en: str) -> Fault:
        """Return a fault of one sentence."""
        return cls(Text(vi=vi, en=en))


def inside(part: str, texts: tuple[Text, ...]) -> list[Text]:
    """Return the sentences with the part of the value they speak of before them."""
    return [Text(vi=f"{part}: {text.vi}", en=f"{part}: {text.en}") for text in texts]


def unknown_choice(value: object, choices: tuple[str, ...]) -> Text:
    """Say that `value` is none of `choices`, and which is meant perhaps."""
    if value is None:
        names = ", ".join(choices)
        return Text(vi=f"thiếu; chọn một trong: {names}", en=f"missing; choose one of: {names}")
    vi, en = _suggest(str(value), choices)
    return Text(vi=f"không có giá trị '{value}'{vi}", en=f"unknown value '{value}'{en}")


def unknown_key(key: str, choices: tuple[str, ...]) -> Text:
    """Say that there is no such key, and which is meant perhaps."""
    vi, en = _suggest(key, choices)
    return Text(vi=f"không có khóa này{vi}", en=f"unknown key{en}")


def required_key() -> Text:
    """Say that a key must be there."""
    return Text(vi="thiếu khóa bắt buộc", en="required key is missing")


def _suggest(word: str, choices: tuple[str, ...]) -> tuple[str, str]:
    close = difflib.get_close_matches(word, choices, n=1)
    if close:
        return f"; có phải '{close[0]}'?", f"; did you mean '{close[0]}'?"
    names = ", ".join(choices)
    return f"; các giá trị: {names}", f"; known: {names}"

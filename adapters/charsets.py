"""
The Vietnamese character sets that came before Unicode, as Python codecs.

`tcvn3` (ABC fonts), `vni` (VNI-Windows) and `viscii` (RFC 1456) come from the packaged tables;
`windows-1258` is Python's cp1258 followed by NFC. Decoding is strict: a byte that no table gives
a letter is refused, never guessed. What the tables say about ambiguous bytes:

- The fonts of TCVN3 and VNI were made for Western Windows, so 80-9F are its punctuation; A0 and
  the other positions without a letter are refused.
- TCVN3 has bytes for seven accented capitals only. Text in a capital-letter font (.VnTimeH)
  decodes to small letters; only a rule of the field can mend that.
- VNI in the wild has a small diacritic after a capital base, and long forms (I + tone, Y + dot,
  9F and FF for Y with dot); all are accepted.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import ReadableBuffer as Buffer


CHARSETS = ("tcvn3", "vni", "viscii", "windows-1258")
"""The names that `decode` and `encode` know."""

UNDECODABLE = "lienthong_undecodable"
"""Name of the error handler that turns each undecodable byte into U+DC00 + byte, a lone surrogate
that no text contains: so one bad byte costs one record and not the file."""

_NO_LETTER = "\ufffe"
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_MARK_BASE = 0xE000
_VNI_LONG_FORMS = {
    **{f"{base}{tone}": f"{base}{mark}" for base in "Ii" for tone, mark in zip(
        ("D8", "D9", "DB", "D5", "CF"), ("\u0300", "\u0301", "\u0309", "\u0303", "\u0323"),
        strict=True,
    )},
    "YCF": "Y\u0323",
    "yCF": "y\u0323",
}  # fmt: skip


def decode(data: bytes, charset: str) -> str:
    """
    Return `data` as NFC text.

    Raises:
        UnicodeDecodeError: A byte has no letter in `charset`; names the byte and its offset.
        LookupError: `charset` is none of `CHARSETS`.
    """
    _check_name(charset)
    text = data.decode(charset)
    return unicodedata.normalize("NFC", text) if charset == "windows-1258" else text


def encode(text: str, charset: str, *, fold_capitals: bool = False) -> bytes:
    """
    Return `text` (any Unicode form) in `charset`.

    With `fold_capitals`, the accented capitals that TCVN3 has no byte for become small letters.

    Raises:
        UnicodeEncodeError: A character has no bytes in `charset`; the position counts in NFC.
        LookupError: `charset` is none of `CHARSETS`.
    """
    _check_name(charset)
    text = unicodedata.normalize("NFC", text)
    if charset == "windows-1258":
        return _tones_apart(text).encode("cp1258")
    if fold_capitals:
        known = _byte_letters(charset)[1]
        text = "".join(c if c in known else c.lower() for c in text)
    return text.encode(charset)


def register() -> None:
    """Make the codecs and the error handler known to Python; again does no harm."""
    try:
        codecs.lookup_error(UNDECODABLE)
    except LookupError:
        codecs.register_error(UNDECODABLE, _mark_undecodable)
        codecs.register(_search)


def _check_name(charset: str) -> None:
    if charset not in CHARSETS:
        raise LookupError(f"unknown charset {charset!r}; known: {', '.join(CHARSETS)}")
    register()


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


def _search(name: str) -> codecs.CodecInfo | None:
    if name in {"tcvn3", "viscii"}:
        return _single_byte_codec(name)
    return _vni_codec() if name == "vni" else None


@cache
def _rows(charset: str) -> tuple[tuple[bytes, str], ...]:
    file = resources.files("adapters").joinpath("data", f"{charset}.csv")
    reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    return tuple((bytes.fromhex(row["bytes_hex"]), row["unicode_char"]) for row in reader)


def _western(byte: int) -> str:
    """Return what Western Windows has at a byte of the punctuation range, 80-9F."""
    return bytes([byte]).decode("cp1252", "replace").replace("\ufffd", _NO_LETTER)


@cache
def _byte_letters(charset: str) -> tuple[str, Mapping[str, bytes]]:
    """Return the decoding table of the single bytes, and all letters with their bytes."""
    table = [chr(byte) for byte in range(0x80)]
    table += [_western(byte) if charset != "viscii" else _NO_LETTER for byte in range(0x80, 0xA0)]
    table += [_NO_LETTER] * (0x100 - len(table))
    for code, letter in _rows(charset):
        if len(code) == 1:
            table[code[0]] = letter
    letters = {c: bytes([byte]) for byte, c in enumerate(table) if c != _NO_LETTER}
    letters |= {letter: code for code, letter in _rows(charset)}
    return "".join(table), letters


def _single_byte_codec(name: str) -> codecs.CodecInfo:
    table, letters = _byte_letters(name)
    encoding = {ord(letter): code for letter, code in letters.items()}

    def decode_all(data: bytes, errors: str = "strict") -> tuple[str, int]:
        try:
            return codecs.charmap_decode(data, errors, table)
        except UnicodeDecodeError as error:
            error.encoding = name
            raise

    def encode_all(text: str, errors: str = "strict") -> tuple[bytes, int]:
        try:
            return codecs.charmap_encode(text, errors, encoding)
        except UnicodeEncodeError as error:
            error.encoding = name
            raise

    class Decoder(codecs.IncrementalDecoder):
        def decode(self, data: Buffer, final: bool = False) -> str:  # noqa: ARG002
            return decode_all(bytes(data), self.errors)[0]

    return codecs.CodecInfo(
        encode=encode_all,
        decode=decode_all,  # type: ignore[arg-type]
        incrementaldecoder=Decoder,
        name=name,
    )


@cache
def _vni_tables() -> tuple[str, Mapping[str, str], re.Pattern[str]]:
    """Return the table of single bytes, base + mark pairs, and what finds both and orphans."""
    table = list(_byte_letters("vni")[0])
    table[0x9F], table[0xFF] = "Ỵ", "ỵ"
    codes = {code: letter for code, letter in _rows("vni") if len(code) == 2}
    for form, letter in _VNI_LONG_FORMS.items():
        mark = int(form[1:], 16) + (0x20 if form[0].islower() else 0)
        codes[bytes([ord(form[0]), mark])] = unicodedata.normalize("NFC", letter)
    for (base, mark), letter in list(codes.items()):
        if letter.isupper():
            codes.setdefault(bytes([base, mark + 0x20]), letter)
    for mark in {mark for _, mark in codes}:
        table[mark] = chr(_MARK_BASE + mark)
    pairs = {table[base] + table[mark]: letter for (base, mark), letter in codes.items()}
    bases = "".join(sorted({pair[0] for pair in pairs}))
    marks = "".join(sorted({pair[1] for pair in pairs}))
    return "".join(table), pairs, re.compile(f"[{bases}][{marks}]|[{marks}]")


def _decode_vni(data: bytes, errors: str = "strict") -> tuple[str, int]:
    table, pairs, pattern = _vni_tables()
    try:
        text, _ = codecs.charmap_decode(data, errors, table)
    except UnicodeDecodeError as error:
        error.encoding = "vni"
        raise

    def letter(match: re.Match[str]) -> str:
        found = pairs.get(match[0])
        if found is not None:
            return found
        reason = "diacritic without its base letter"
        end = match.end()
        error = UnicodeDecodeError("vni", data, end - 1, end, reason)
        replacement, _ = codecs.lookup_error(errors)(error)
        return match[0][:-1] + str(replacement)

    return pattern.sub(letter, text), len(data)


def _vni_codec() -> codecs.CodecInfo:
    letters = _byte_letters("vni")[1]
    bases = bytes(sorted({code[0] for code, _ in _rows("vni") if len(code) == 2} | {0x49, 0x69}))

    def encode_all(text: str, errors: str = "strict") -> tuple[bytes, int]:
        out = bytearray()
        for position, character in enumerate(text):
            code = letters.get(character)
            if code is None:
                wrong = UnicodeEncodeError("vni", text, position, position + 1, "no such letter")
                replacement, _ = codecs.lookup_error(errors)(wrong)
                code = replacement if isinstance(replacement, bytes) else replacement.encode()
            out += code
        return bytes(out), len(text)

    class Decoder(codecs.BufferedIncrementalDecoder):
        def _buffer_decode(self, data: Buffer, errors: str, final: bool) -> tuple[str, int]:
            # A base letter at the end of a chunk may find its mark in the next one.
            held = bytes(data)
            waits = not final and held != b"" and held[-1] in bases
            return _decode_vni(held[:-1] if waits else held, errors)

    return codecs.CodecInfo(
        encode=encode_all,
        decode=_decode_vni,  # type: ignore[arg-type]
        incrementaldecoder=Decoder,
        name="vni",
    )


def _tones_apart(text: str) -> str:
    """Return `text` with each tone mark after its letter, the form windows-1258 can write."""
    if text.isascii():
        return text
    out = []
    for character in text:
        parts = unicodedata.normalize("NFD", character)
        tone = "".join(part for part in parts if part in _TONES)
        letter = unicodedata.normalize("NFC", "".join(p for p in parts if p not in _TONES))
        out.append(letter + tone if tone else character)
    return "".join(out)

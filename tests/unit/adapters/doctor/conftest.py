"""
Texts as old programs wrote them, made apart from what reads them.

The encoders here know nothing of `adapters.charsets`: VISCII and windows-1258 come from iconv and
Python, TCVN3, VNI and VIQR from the tables in tests/data/charsets, letter by letter.
"""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
import unicodedata
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[4]
TABLES = ROOT / "tests" / "data" / "charsets"
LISTS = ROOT / "mappings" / "data"

ENCODINGS = ("tcvn3", "vni", "viscii", "windows-1258", "utf-8", "utf-8 twice", "viqr")

FAMILY = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Lâm Trương Mai Tô "
    "Hà Cao Đoàn Tạ Kiều Thái Từ Ông Quách"
)
MIDDLE = (
    "Văn Thị Minh Ngọc Thanh Hữu Đức Quang Thu Kim Gia Bảo Xuân Hồng Như Thùy Đình Công Anh Diệu"
)
GIVEN = (
    "An Ánh Bình Châu Dũng Giang Hạnh Hiếu Hương Khánh Lan Linh Long Mai Nam Nga Nhung Phúc Phương "
    "Quân Quyên Sơn Tâm Thảo Thủy Trang Trung Tuấn Uyên Vân Vy Xuân Yến Ưng Ý Tú Hòa Hòe Lý Ẩn"
)


@cache
def columns() -> dict[str, tuple[str, ...]]:
    """Return the columns of right text, by what they hold."""
    chance = random.Random(20250701)
    family, middle, given = FAMILY.split(), MIDDLE.split(), GIVEN.split()
    names = tuple(
        f"{chance.choice(family)} {chance.choice(middle)} {chance.choice(given)}"
        for _ in range(1000)
    )
    found = {
        "procedures": _column("procedures.csv", "ten_tthc"),
        "fields": tuple(dict.fromkeys(_column("procedures.csv", "linh_vuc"))),
        "wards": _column("hcm_wards_2025.csv", "name"),
        "provinces": _column("provinces.csv", "name"),
        "names": names,
        "names in capitals": tuple(name.upper() for name in names),
        "single words": tuple(chance.choice(family + middle + given) for _ in range(500)),
    }
    return {
        name: tuple(unicodedata.normalize("NFC", value) for value in values)
        for name, values in found.items()
    }


def _column(file: str, column: str) -> tuple[str, ...]:
    with (LISTS / file).open(encoding="utf-8-sig", newline="") as source:
        return tuple(row[column] for row in csv.DictReader(source))


@cache
def _table(name: str) -> dict[str, bytes]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    if name == "viqr":
        return {row["unicode_char"]: row["viqr_ascii"].encode() for row in rows}
    return {row["unicode_char"]: bytes.fromhex(row["bytes_hex"]) for row in rows}


def expected(text: str, encoding: str) -> str:
    """Return what can be had back: TCVN3 keeps capitals only where its fonts have them."""
    is_shouted = text.isupper() and sum(c.isascii() and c.isalpha() for c in text) > 1
    if encoding != "tcvn3" or is_shouted:
        return text
    known = _table("tcvn3")
    return "".join(c if c.isascii() or c in known else c.lower() for c in text)


def encode(values: Sequence[str], encoding: str) -> list[bytes | None]:
    """Return each text in an old encoding; None when it has something that encoding has not."""
    if encoding == "viscii" and shutil.which("iconv"):
        return _by_iconv(values)
    write = {"windows-1258": _windows_1258, "viqr": _viqr}.get(encoding)
    return [write(text) if write else _by_table(text, encoding) for text in values]


def _by_iconv(values: Sequence[str]) -> list[bytes | None]:
    table = _table("viscii")
    sayable = [all(c.isascii() or c in table for c in text) for text in values]
    lines = "\n".join(text for text, can in zip(values, sayable, strict=True) if can)
    command = ["iconv", "-f", "UTF-8", "-t", "VISCII"]
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=True)
    written = iter(done.stdout.split(b"\n"))
    return [next(written) if can else None for can in sayable]


def _by_table(text: str, encoding: str) -> bytes | None:
    table, out = _table(encoding), bytearray()
    for character in text:
        code = table.get(character)
        if code is None and encoding == "tcvn3":
            code = table.get(character.lower())
        if code is None:
            if encoding == "viscii" and not character.isascii():
                return None
            code = character.encode("cp1252")
        out += code
    return bytes(out)


def _windows_1258(text: str) -> bytes:
    out = bytearray()
    for character in text:
        try:
            out += character.encode("cp1258")
        except UnicodeEncodeError:
            loose = unicodedata.normalize("NFD", character)
            tone = "".join(mark for mark in loose if mark in "\u0300\u0301\u0303\u0309\u0323")
            letter = "".join(mark for mark in loose if mark not in tone)
            out += (unicodedata.normalize("NFC", letter) + tone).encode("cp1258")
    return bytes(out)


def _viqr(text: str) -> bytes | None:
    table, out = _table("viqr"), bytearray()
    before = ""
    for character in text:
        if character in table:
            out += table[character]
        elif character.isascii():
            if character in "'`?~.^(+" and (before in table or before.lower() in set("aeiouy")):
                out += b"\\"
            out += character.encode()
        else:
            return None
        before = character
    return bytes(out)


def misread(values: Sequence[str], encoding: str) -> list[tuple[str, str]]:
    """Return (what can be had back, what Western Windows shows of it), of those it can write."""
    return _misread(tuple(values), encoding)


@cache
def _misread(values: tuple[str, ...], encoding: str) -> list[tuple[str, str]]:
    if encoding.startswith("utf-8"):
        shown = [western(text.encode()) for text in values]
        if encoding.endswith("twice"):
            shown = [western(text.encode()) for text in shown]
        return list(zip(values, shown, strict=True))
    return [
        (expected(text, encoding), western(data))
        for text, data in zip(values, encode(values, encoding), strict=True)
        if data is not None
    ]


UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
SHOWN = [chr(byte) if byte in UNDEFINED else bytes([byte]).decode("cp1252") for byte in range(256)]


def western(data: bytes) -> str:
    """Return bytes as Windows-1252 shows them; it leaves five bytes to Latin-1."""
    return "".join(SHOWN[byte] for byte in data)


@pytest.fixture(scope="session")
def corpus():
    """Return the corpus: `columns()`, `encode`, `misread`, `expected`, `western`."""
    return SimpleNamespace(
        columns=columns,
        encode=encode,
        misread=misread,
        expected=expected,
        western=western,
        encodings=ENCODINGS,
    )

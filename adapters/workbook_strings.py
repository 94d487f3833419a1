"""The shared strings of a workbook: in memory while they are few, in a temporary file after."""

from __future__ import annotations

import os
import re
import tempfile
from array import array
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import text as texts
from adapters.package import damaged, xml_refused
from adapters.workbook_fonts import font_of_runs
from schemas.parser import Limits, XmlRefused, iter_elements

if TYPE_CHECKING:
    from lxml.etree import _Element

    from adapters.package import Package
    from schemas.problem import Text

_MEMORY_BYTES = 48 * 1024 * 1024
_STRING_OVERHEAD = 80
_CHUNKS_BYTES = 128 * 1024
"""The parser counts an item together with the chunks it begins and ends in."""
_MAX_STRINGS = 10_000_000
"""Their offsets alone take 80 MB."""
_MAX_FONTS = 1_000_000
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def unescape(text: str) -> str:
    """Return `text` in NFC with its `_xHHHH_` escapes resolved (ISO/IEC 29500-1, ST_Xstring)."""
    if "_x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
        # Two escapes may be the halves of one character.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return texts.nfc(text)


def rich_text(element: _Element, *, namespace: str) -> str:
    """Return the text of a string item: its own, or its runs joined; phonetic hints left out."""
    plain, run = f"{{{namespace}}}t", f"{{{namespace}}}r"
    parts = []
    for child in element:
        if child.tag == plain:
            parts.append(child.text or "")
        elif child.tag == run:
            parts += [item.text or "" for item in child if item.tag == plain]
    return unescape("".join(parts))


class SharedStrings:
    """The strings by their index; `close` removes the temporary file, if there is one."""

    def __init__(self, *, memory_bytes: int = _MEMORY_BYTES) -> None:
        self.faults: dict[int, tuple[str, Text]] = {}
        """Index -> what makes a string unreadable."""
        self.fonts: dict[int, str] = {}
        """Index -> the font its runs name, as `font_of_runs` returns it; only of strings that
        name one in a run."""
        self._room = memory_bytes
        self._strings: list[str] = []
        self._file: BinaryIO | None = None
        self._offsets = array("Q", [0])

    def __len__(self) -> int:
        return len(self._strings) + len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        if index < len(self._strings):
            return self._strings[index]
        position = index - len(self._strings)
        start, end = self._offsets[position], self._offsets[position + 1]
        assert self._file is not None
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass")

    def add(self, text: str) -> None:
        """Append one string; beyond the room in memory it goes to disk."""
        if not texts.is_clean(text):
            found = texts.fault(text, marks=False)
            if found is not None:
                self.faults[len(self)] = found
        self._room -= 2 * len(text) + _STRING_OVERHEAD
        if self._room >= 0:
            self._strings.append(text)
            return
        if self._file is None:
            self._file = cast("BinaryIO", tempfile.TemporaryFile(prefix="strings-"))  # noqa: SIM115
        data = text.encode("utf-8", "surrogatepass")
        self._file.write(data)
        self._offsets.append(self._offsets[-1] + len(data))

    def finish(self) -> None:
        """Make everything added readable; to be called once, before the first look-up."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Give back the temporary file."""
        if self._file is not None:
            self._file.close()


def load_strings(
    package: Package, *, name: str, namespace: str, max_string_bytes: int
) -> SharedStrings:
    """
    Return the strings of part `name`.

    Raises:
        InputError: The part is damaged, or has a string above the limit.
    """
    strings = SharedStrings()
    limits = Limits(max_bytes=2 * max_string_bytes + _CHUNKS_BYTES, max_text_bytes=max_string_bytes)
    path = ((namespace, "sst"), (namespace, "si"))
    try:
        with package.open(name) as part:
            for item in iter_elements(cast("BinaryIO", part), path=path, limits=limits):
                if len(strings) >= _MAX_STRINGS:
                    vi = f"có hơn {_MAX_STRINGS} chuỗi dùng chung"
                    en = f"more than {_MAX_STRINGS} shared strings"
                    raise damaged(package.place, vi, en, code="xlsx.too_large")
                font = font_of_runs(item, namespace=namespace)
                if font is not None and len(strings.fonts) < _MAX_FONTS:
                    strings.fonts[len(strings)] = font
                strings.add(rich_text(item, namespace=namespace))
    except XmlRefused as refused:
        raise xml_refused(refused, name=name, place=package.place) from refused
    strings.finish()
    return strings

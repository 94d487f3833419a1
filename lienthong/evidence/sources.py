"""
What an agency handed in, as far as an evidence pack may show it.

A file may hold the dossiers of other people. So the pack holds the dossier's own records as they
are read from the file, and the file itself only where nothing else is in it, or where whoever
exports asks for it and so discloses the others.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from adapters import (
    CsvOptions,
    FixedOptions,
    JsonLinesOptions,
    JsonOptions,
    SourceRecord,
    XmlOptions,
    read_records,
)
from lienthong.agencies import make_receiver, stamp_of
from lienthong.store.expansions import Opened
from lienthong.store.pieces import open_source
from lienthong.store.vault import SealBroken
from schemas.errors import ConfigError, InputError
from schemas.problem import Language, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from adapters import SourceOptions
    from lienthong.evidence.gathering import HandedIn
    from lienthong.store.database import Store
    from mappings import Converter

LARGEST_WHOLE = 1024**3
"""Bytes of a file that still goes into a pack."""
# Without sheets, deleted rows or other files beside the records.
_PLAIN = (CsvOptions, FixedOptions, JsonLinesOptions, JsonOptions, XmlOptions)


class Sources:
    """Reads submissions again, by the agencies' present mappings."""

    def __init__(self, store: Store, converters: Callable[[str], Converter]) -> None:
        """`converters` returns an agency's mapping, or raises ConfigError."""
        self._store = store
        self._converters = converters

    def why_not_whole(self, of: HandedIn, *, whole_files: bool) -> Text | None:
        """Return why a file does not go into the pack; None: it does."""
        if of.erasure is not None:
            return Text(vi="nội dung đã bị xóa", en="its bytes were erased")
        if of.size > LARGEST_WHOLE:
            return Text(vi="tệp quá lớn", en="the file is too large")
        if whole_files or (of.is_alone and self._is_plain(of)):
            return None
        return Text(
            vi="tệp có thể có dữ liệu của người khác; xuất với --whole-files nếu được phép",
            en="it may hold data of others; exported with --whole-files where that is allowed",
        )

    def _is_plain(self, of: HandedIn) -> bool:
        try:
            return isinstance(self._options(of), _PLAIN)
        except ConfigError:
            return False

    def _options(self, of: HandedIn) -> SourceOptions:
        """Return how a submission is read. Raises ConfigError where nobody says it now."""
        converter = self._converters(of.agency)
        if of.service is None:
            return converter.source
        return make_receiver(converter, of.service).source

    def open(self, of: HandedIn) -> BinaryIO:
        """Return the bytes of a submission. Raises SealBroken or OSError, also while reading."""
        return open_source(self._store, _opened(of), {})

    def records(self, of: HandedIn) -> Iterator[tuple[int, bytes]]:
        """
        Give the records of the dossier, each as JSON, by their numbers.

        Raises:
            InputError, ConfigError, SealBroken, OSError: it cannot be read, or not any further.
        """
        converter, options = self._converters(of.agency), self._options(of)
        wanted = set(of.records)
        with self.open(of) as source:
            for record in read_records(
                source, file_name=of.file_name, options=options, read_columns=frozenset()
            ):
                if record.number not in wanted:
                    continue
                wanted.discard(record.number)
                yield record.number, _write(record, read_by=stamp_of(converter))
                if not wanted:
                    return


UNREADABLE = (InputError, ConfigError, SealBroken, OSError)
"""What keeps records from being read again."""


def words_of(error: Exception) -> Text:
    """Return why records could not be read again, without quoting them."""
    code = getattr(error, "code", type(error).__name__)
    return Text(vi=f"không đọc lại được ({code})", en=f"it cannot be read again ({code})")


def _write(record: Any, *, read_by: str) -> bytes:
    place = record.place if isinstance(record, SourceRecord) else record.problems[0].place
    values = {
        "record": record.number,
        "place": place.say(Language.VI),
        "read_by": read_by,
        "values": record.values,
    }
    return json.dumps(values, ensure_ascii=False, indent=1, default=_plain).encode() + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return dict(value) if hasattr(value, "keys") else str(value)  # type: ignore[call-overload]


def _opened(of: HandedIn) -> Opened:
    return Opened(
        id=of.id,
        agency=of.agency,
        arrival=0,
        file_name=of.file_name,
        size=of.size,
        records_done=0,
        due_at=of.received_at,
        tries=0,
        left_out=0,
    )

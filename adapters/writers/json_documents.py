"""Rows -> one JSON document, or one object per line: the reverse of the JSON readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from adapters.options.faults import OptionsWrong
from adapters.writers.cells import (
    Fault,
    ValueRefused,
    check,
    control_fault,
    kind_fault,
    rows_of,
    text_of,
)
from adapters.writers.encoding import Encoder
from adapters.writers.nesting import nest
from adapters.writers.targets import JsonLinesTarget, JsonTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.writers.cells import Column, Row
    from adapters.writers.nesting import Tree
    from schemas.problem import Text

_EMPTY: dict[str, Any] = {"null": None, "text": ""}
_ENCODER = msgspec.json.Encoder()


def make(
    target: JsonTarget | JsonLinesTarget, columns: Sequence[Column]
) -> JsonWriter | JsonLinesWriter:
    """Return the writer; see `adapters.writers.make_writer`."""
    if isinstance(target, JsonTarget):
        return JsonWriter(target, columns)
    return JsonLinesWriter(target, columns)


class _Objects:
    """Builds the objects of rows."""

    def __init__(self, target: JsonTarget | JsonLinesTarget, columns: Sequence[Column]) -> None:
        self.encoding: str | None = target.encoding
        self._encoder = Encoder(target.encoding, fold_capitals=target.fold_capitals)
        self._empty = target.empty
        self._trees: dict[int, Tree] = {}
        faults = self._nest(columns)
        self._tree, _ = nest(columns)
        if faults:
            raise OptionsWrong(tuple(faults))

    def fault(self, column: Column, text: str) -> Fault | None:
        """Return why `text` cannot stand under a key."""
        return kind_fault(column, text) or control_fault(text) or self._encoder.fault(text)

    def _nest(self, columns: Sequence[Column]) -> list[tuple[str, Text]]:
        _, faults = nest(columns)
        for column in columns:
            found = control_fault(column.name) or self._encoder.fault(column.name)
            if found is not None:
                faults.append((column.name, found.text))
            if column.columns:
                self._trees[id(column)], _ = nest(column.columns)
                faults += self._nest(column.columns)
        return faults

    def _object(self, row: Row, tree: Tree) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, node in tree.items():
            if isinstance(node, dict):
                value: Any = self._object(row, node)
                is_empty = not value
            else:
                value = self._value(row, node)  # type: ignore[arg-type]
                is_empty = value in ("", [])
            if not is_empty:
                made[key] = value
            elif self._empty != "omit":
                made[key] = value if isinstance(value, list | dict) else _EMPTY[self._empty]
        return made

    def _value(self, row: Row, column: Column) -> Any:
        if column.columns:
            tree = self._trees[id(column)]
            return [self._object(inner, tree) for inner in rows_of(row, column)]
        text = text_of(row, column)
        check(self, column, text)  # type: ignore[arg-type]
        if text and column.kind != "text":
            # A number goes out digit for digit.
            return text == "true" if column.kind == "boolean" else msgspec.Raw(text.encode())
        return text

    def _encode(self, value: Any) -> str:
        return _ENCODER.encode(value).decode()


class JsonWriter(_Objects):
    """Writes documents with the rows at one path."""

    media_type = "application/json"
    suffix = ".json"

    def __init__(self, target: JsonTarget, columns: Sequence[Column]) -> None:
        super().__init__(target, columns)
        self._steps = target.records.split(".") if target.records else []
        self.is_single = not target.array

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the document; see `Writer.write`."""
        if self.is_single and len(rows) != 1:
            raise ValueRefused(f"expected one row, found {len(rows)}")
        objects = [self._object(row, self._tree) for row in rows]
        document: Any = objects[0] if self.is_single else objects
        for step in reversed(self._steps):
            document = {step: document}
        return self._encoder.encode_document(self._encode(document) + "\n")


class JsonLinesWriter(_Objects):
    """Writes an object per line."""

    media_type = "application/x-ndjson"
    suffix = ".jsonl"
    is_single = False

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the lines; see `Writer.write`."""
        lines = (self._encode(self._object(row, self._tree)) + "\n" for row in rows)
        return self._encoder.encode_document("".join(lines))

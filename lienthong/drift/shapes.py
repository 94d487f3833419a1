"""
The shape of one answer: which keys stand where, of which type, its codes and how large it is.

A shape is a set of features. "key a.b" says that b stands in a (always, or sometimes where a
comes several times); "type a.b text", "code error_code "0"", "value Status 11", "namespace a URI",
"size sum 9". Nothing of an answer's values is kept, apart from codes in the fields that hold codes,
and names and codes that look as if somebody's data stood in them become "*".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from schemas.parser import XmlRefused, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

    from lienthong.drifts import Fingerprint

ALWAYS, SOMETIMES = "always", "sometimes"
OTHER: Final = "*"
"""Stands for a name or a code that may be somebody's data."""
MAX_FEATURES: Final = 500
"""Of one answer; what comes after is not looked at."""
MAX_LEAVES: Final = 20_000
MAX_DEPTH: Final = 16
MOST_DIGITS: Final = 4
"""In a name or a code: identity numbers and dossier codes have more."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)
_CODE: Final = re.compile(r"[+-]?[A-Za-z0-9_.-]{1,16}", re.ASCII)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9:/._#-]{1,128}", re.ASCII)
_NOT_OURS: Final = frozenset({"Signature", "Security", "EncryptedData"})
"""Elements of security: what is inside changes with keys and methods, not with the contract."""
_LOOKED_UP: Final = "TraCuuHoSoResponse.result"
_PROGRESS: Final = "TienDo"
"""Stands there where a dossier has progress rows: that tells of it, and nothing of the contract."""
_SOAP_NAMES: Final = re.compile(rb"<(?:[A-Za-z0-9_.-]+:)?Fault[\s>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What is known beforehand of a target's answers."""

    code_names: frozenset[str]
    """Of the fields that say how a call ended."""
    listed: Mapping[str, frozenset[str]]
    """Fields with a code list in the schema, and their codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One answer."""

    form: str
    """json, xml, fault, html, text, empty; cut where only its beginning is known."""
    features: Fingerprint
    codes: tuple[str, ...]
    """As they are meant, without quotes; the innermost comes last."""
    is_partial: bool
    """Whether it was too much to look at all of it: then what is not here may be there."""


@dataclass(slots=True)
class _Notes:
    looks: Looks
    types: set[str] = field(default_factory=set)
    instances: dict[str, int] = field(default_factory=dict)
    """Of the objects at each path."""
    keys: dict[str, int] = field(default_factory=dict)
    """In how many of these each key stands."""
    codes: list[str] = field(default_factory=list)
    leaves: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.types) + len(self.keys) >= MAX_FEATURES or self.leaves >= MAX_LEAVES

    def note_object(self, path: str, names: Iterable[str]) -> None:
        self.types.add(f"type {path} object")
        self.instances[path] = self.instances.get(path, 0) + 1
        for name in list(dict.fromkeys(names))[:MAX_FEATURES]:
            key = _join(path, name)
            self.keys[key] = self.keys.get(key, 0) + 1

    def note_leaf(self, path: str, kind: str, value: str, *, literal: str) -> None:
        self.leaves += 1
        self.types.add(f"type {path} {kind}")
        name = path.rpartition(".")[2]
        if name in self.looks.code_names and "[]" not in path:
            self.types.add(f"code {path} {plain_code(literal)}")
            self.codes.append(plain_code(value))
        listed = self.looks.listed.get(name)
        if listed is not None and value and value not in listed:
            self.types.add(f"value {path} {plain_code(value)}")

    def features(self, *, size: int, per_leaf: bool) -> Fingerprint:
        features = dict.fromkeys(self.types, SOMETIMES)
        for key, count in self.keys.items():
            parent = key.rpartition(".")[0]
            is_always = count >= self.instances.get(parent, 1)
            features[f"key {key}"] = ALWAYS if is_always else SOMETIMES
        features["size"] = str((size // max(self.leaves, 1) if per_leaf else size).bit_length())
        return features


def read_shape(
    body: bytes, *, looks: Looks, is_whole: bool = True, per_leaf: bool = False
) -> Shape:
    """
    Return the shape of an answer, whatever it is.

    Args:
        body: As it came.
        looks: What is known beforehand.
        is_whole: False where only the beginning is at hand: then only its size is told.
        per_leaf: Measure its size by value, where it may hold any number of them.
    """
    notes = _Notes(looks)
    form = "cut"
    if is_whole:
        form = _read(body, notes)
    return Shape(
        form=form,
        features=notes.features(size=len(body), per_leaf=per_leaf),
        codes=tuple(notes.codes),
        is_partial=notes.is_full or not is_whole,
    )


@lru_cache(maxsize=4_096)
def plain_name(name: str) -> str:
    """Return a name that is plainly one of a contract's, else "*"."""
    return name if _NAME.fullmatch(name) and _digits(name) <= MOST_DIGITS else OTHER


def plain_code(literal: str) -> str:
    """Return a code that is plainly one, with its quotes, else "*"."""
    bare = literal.strip('"')
    is_code = _CODE.fullmatch(bare) and _digits(bare) <= MOST_DIGITS
    return literal if is_code else OTHER


@lru_cache(maxsize=256)
def plain_address(address: str) -> str:
    """Return a namespace, or "*" where it is none of the usual kind."""
    return address if _ADDRESS.fullmatch(address) else OTHER


def _digits(text: str) -> int:
    return sum(one.isdigit() for one in text)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _read(body: bytes, notes: _Notes) -> str:
    start = body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "empty"
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    if start.startswith(b"<"):
        return _read_xml(body, notes)
    if start.startswith((b"{", b"[")):
        return _read_json(body, notes)
    return "text"


def _read_json(body: bytes, notes: _Notes) -> str:
    try:
        value = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return "text"
    _walk_json(value, "", notes, depth=0)
    return "json"


def _walk_json(value: Any, path: str, notes: _Notes, *, depth: int) -> None:
    if notes.is_full or depth > MAX_DEPTH:
        return
    match value:
        case dict():
            named = [(plain_name(str(key)), inner) for key, inner in value.items()]
            notes.note_object(path, [name for name, _ in named])
            for name, inner in named:
                _walk_json(inner, _join(path, name), notes, depth=depth + 1)
        case list():
            notes.types.add(f"type {path} list")
            for inner in value:
                _walk_json(inner, f"{path}[]", notes, depth=depth + 1)
        case str():
            inner = _inside(value)
            if inner is None:
                notes.note_leaf(path, "text", value, literal=f'"{value}"')
            else:
                # A façade hands the national answer on as a text.
                notes.types.add(f"type {path} text/json")
                _walk_json(inner, f"{path}:", notes, depth=depth + 1)
        case bool():
            notes.note_leaf(path, "boolean", str(value).lower(), literal=str(value).lower())
        case None:
            notes.note_leaf(path, "null", "", literal="null")
        case _:
            notes.note_leaf(path, "number", str(value), literal=str(value))


def _inside(text: str) -> Any | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return msgspec.json.decode(text.encode(errors="replace"))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _read_xml(body: bytes, notes: _Notes) -> str:
    try:
        root = parse_xml(body)
    except XmlRefused:
        return "text"
    if _SOAP_NAMES.search(body) and any(_local(one) == "Fault" for one in root.iter("{*}Fault")):
        return "fault"
    name = _local(root)
    notes.note_object("", [name])
    _walk_xml(root, name, "", notes, depth=0)
    return "xml"


def _walk_xml(element: _Element, path: str, outer: str, notes: _Notes, *, depth: int) -> None:
    if notes.is_full or depth > MAX_DEPTH:
        return
    own = str(element.tag).rpartition("}")[0][1:]
    if own != outer:
        notes.types.add(f"namespace {path} {plain_address(own)}")
    children = [child for child in element if isinstance(child.tag, str)]
    if path.endswith(_LOOKED_UP):
        children = [child for child in children if _local(child) != _PROGRESS]
    names = [_local(child) for child in children]
    attributes = [_attribute(str(one)) for one in element.attrib]
    if path.rpartition(".")[2] in _NOT_OURS:
        return
    if names or any(attributes):
        notes.note_object(path, [*names, *filter(None, attributes)])
    if not children:
        text = (element.text or "").strip()
        notes.note_leaf(path, "text" if text else "empty", text, literal=f'"{text}"')
    for name, child in zip(names, children, strict=True):
        _walk_xml(child, _join(path, name), own, notes, depth=depth + 1)


def _local(element: _Element) -> str:
    return plain_name(str(element.tag).rpartition("}")[2])


def _attribute(name: str) -> str | None:
    """Return an attribute as a key; None for ids, which stand where something is signed."""
    local = name.rpartition("}")[2]
    return None if local.lower() == "id" else f"@{plain_name(local)}"

"""
The schema versions and the dossier model, read from the XSD files themselves.

What a field is, whether it is required, how long it may be and which codes it takes is written
in the XSD of a version and nowhere else; mappings, builders and explanations ask here. The
files of a version are listed with their digests in its manifest, the manifests in the index, so
a file changed by accident is found before it is used.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from schemas.errors import ConfigError
from schemas.parser import parse_xml
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

_FOLDER: Final = Path(__file__).parent
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"

DATETIME_TYPE: Final = "ThoiDiem"
"""The simple type of times: the portal's own writing, so XSD's base types cannot tell it."""
BOOLEAN_TYPE: Final = "DungSai"
_TEXT_TYPE: Final = "VanBan"
_T = TypeVar("_T")
_INTEGERS: Final = frozenset({"int", "integer", "long", "positiveInteger", "nonNegativeInteger"})
_PACKETS: Final = {"DongBoHoSoMC": "HoSo", "CapNhatTienDoHoSoMC": "TienDo"}


class Kind(Enum):
    """What a field holds; every scalar is a string in the portal's own writing."""

    TEXT = "text"
    DATETIME = "datetime"
    """yyyyMMddHHmmss in the zone Asia/Ho_Chi_Minh."""
    CODE = "code"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    """ "True" or "False", as published."""
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a packet or of a nested array."""

    name: str
    kind: Kind
    required: bool
    repeated: bool
    max_length: int | None
    """In characters."""
    pattern: str | None
    """Of the whole value, in a writing that Python and XSD read alike; None for plain text."""
    form: Text | None
    """The pattern in words, where there is one and the schema says it."""
    codes: Mapping[str, Text]
    """Allowed values with their meaning; empty where any value goes."""
    about: Text
    group: Group | None
    """The fields inside, for GROUP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Fields in the order of the XSD."""

    name: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SchemaVersion:
    """One version of the portal's schema; one object per version and process."""

    name: str
    """For example "dvcqg-2020"."""
    namespace: str
    sha256: str
    """Hex digest of the manifest, which holds the digests of the files."""
    packets: Mapping[str, Group]
    """By the published names "DongBoHoSoMC" and "CapNhatTienDoHoSoMC"."""
    folder: Path
    """Where the files lie; for programs that follow `schemaLocation` themselves."""

    def element_of(self, packet: str) -> str:
        """Return the local name of the element that holds the fields of `packet`."""
        return _PACKETS[packet]


class _Entry(msgspec.Struct, frozen=True):
    name: str
    folder: str
    sha256: str


class _Index(msgspec.Struct, frozen=True):
    versions: list[_Entry]


class _Manifest(msgspec.Struct, frozen=True):
    name: str
    version: str
    namespace: str
    files: dict[str, str]


@cache
def _entries() -> dict[str, _Entry]:
    index = _decode(_FOLDER / "index.json", type_=_Index)
    return {entry.name: entry for entry in index.versions}


def version_names() -> tuple[str, ...]:
    """Return the names of the installed versions, oldest first."""
    return tuple(_entries())


@cache
def load_version(name: str) -> SchemaVersion:
    """
    Return one version after checking the digests of its files.

    Raises:
        ConfigError: unknown name, or a file is missing or not the one the manifest lists.
    """
    entry = _entries().get(name)
    if entry is None:
        known = ", ".join(version_names())
        raise ConfigError(
            f"schema: expected one of {known}, found {name!r}", code="schema.unknown_version"
        )
    problems = _check_files(entry)
    if problems:
        raise ConfigError(
            "; ".join(problem.message.en for problem in problems),
            problems=problems,
            code="schema.files",
        )
    folder = _FOLDER / entry.folder
    manifest = _manifest(folder)
    groups = _Reader(parse_xml(_read(folder / "dossier.xsd")))
    return SchemaVersion(
        name=name,
        namespace=manifest.namespace,
        sha256=entry.sha256,
        packets=MappingProxyType(
            {packet: groups.group(type_name) for packet, type_name in _PACKETS.items()}
        ),
        folder=folder,
    )


def version_of_namespace(namespace: str) -> SchemaVersion | None:
    """Return the installed version whose elements are in `namespace`, or None."""
    for name in version_names():
        version = load_version(name)
        if version.namespace == namespace:
            return version
    return None


def read_file(version: SchemaVersion, name: str) -> bytes:
    """
    Return one file of the version, for example "portal.wsdl" or "messages.xsd".

    Raises:
        ConfigError: the version has no such file.
    """
    files = _manifest(version.folder).files
    if name not in files:
        known = ", ".join(files)
        raise ConfigError(f"{version.name}: expected one of {known}, found {name!r}")
    return _read(version.folder / name)


def read_folder(name: str) -> Mapping[str, bytes]:
    """
    Return the files of a folder of schemas that is in no index, by name, after checking them.

    Raises:
        ConfigError: a file is missing or not the one that the folder's manifest lists.
    """
    folder = _FOLDER / name
    files = _manifest(folder).files
    checked = [_check_file(folder / file, expected=digest) for file, digest in files.items()]
    problems = tuple(problem for problem in checked if problem is not None)
    if problems:
        raise ConfigError(
            "; ".join(problem.message.en for problem in problems),
            problems=problems,
            code="schema.files",
        )
    return MappingProxyType({file: _read(folder / file) for file in files})


def read_group(xsd: bytes, name: str) -> Group:
    """Return the fields of one complex type of a schema of ours."""
    return _Reader(parse_xml(xsd)).group(name)


def check_installed() -> tuple[Problem, ...]:
    """Return what is wrong with the installed schema files; empty when all are as listed."""
    try:
        entries = _entries().values()
    except ConfigError as exc:
        return (_file_problem("index.json", vi=f"không dùng được: {exc}", en=f"unusable: {exc}"),)
    return tuple(problem for entry in entries for problem in _check_files(entry))


def _check_files(entry: _Entry) -> tuple[Problem, ...]:
    folder = _FOLDER / entry.folder
    wrong = [_check_file(folder / "manifest.json", expected=entry.sha256)]
    if wrong == [None]:
        files = _manifest(folder).files.items()
        wrong = [_check_file(folder / name, expected=digest) for name, digest in files]
    return tuple(problem for problem in wrong if problem is not None)


def _check_file(path: Path, *, expected: str) -> Problem | None:
    shown = f"{path.parent.name}/{path.name}"
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        return _file_problem(
            shown, vi=f"không đọc được tệp: {exc.strerror}", en=f"cannot be read: {exc.strerror}"
        )
    if found == expected:
        return None
    return _file_problem(
        shown,
        vi=f"cần SHA-256 {expected}, thấy {found}",
        en=f"expected SHA-256 {expected}, found {found}",
    )


def _file_problem(shown: str, *, vi: str, en: str) -> Problem:
    return Problem(
        code="schema.file_changed",
        message=Text(vi=f"Tệp lược đồ {shown}: {vi}", en=f"schema file {shown}: {en}"),
        place=Place(file=shown),
        suggestion=Text(
            vi="Cài đặt lại sản phẩm, hoặc cập nhật manifest nếu tệp được thay có chủ ý",
            en="install the product again, or update the manifest if the change is intended",
        ),
    )


def _manifest(folder: Path) -> _Manifest:
    return _decode(folder / "manifest.json", type_=_Manifest)


def _decode(path: Path, *, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(_read(path), type=type_)
    except msgspec.MsgspecError as exc:
        message = f"schema file {path.name}: {exc}; install again"
        raise ConfigError(message, code="schema.files") from exc


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        message = f"schema file {path.name} cannot be read: {exc.strerror}; install again"
        raise ConfigError(message, code="schema.files") from exc


class _Reader:
    """Reads the model from one schema document; types are looked up by name in it."""

    def __init__(self, root: _Element) -> None:
        self._types = {
            child.get("name"): child
            for child in root
            if child.tag in (f"{_XS}simpleType", f"{_XS}complexType")
        }

    def group(self, name: str) -> Group:
        return self._group(name, self._types[name])

    def _group(self, name: str, node: _Element) -> Group:
        elements = node.iterfind(f"{_XS}sequence/{_XS}element")
        fields = [self._field(element) for element in elements]
        return Group(name=name, fields=MappingProxyType({field.name: field for field in fields}))

    def _field(self, element: _Element) -> Field:
        name = element.get("name", "")
        type_name = element.get("type", "")
        inline = element.find(f"{_XS}complexType")
        node = inline if inline is not None else self._types.get(type_name)
        if node is not None and node.tag == f"{_XS}complexType":
            group = self._group(name, node)
            return _make_field(element, kind=Kind.GROUP, group=group)
        simple = element.find(f"{_XS}simpleType") if node is None else node
        return self._scalar(element, simple=simple, type_name=type_name)

    def _scalar(self, element: _Element, *, simple: _Element | None, type_name: str) -> Field:
        names, max_length, pattern, form = [type_name], None, None, None
        codes: dict[str, Text] = {}
        while simple is not None:
            restriction = simple.find(f"{_XS}restriction")
            assert restriction is not None, "only restrictions are used for fields"
            if max_length is None and (node := restriction.find(f"{_XS}maxLength")) is not None:
                max_length = int(node.get("value", ""))
            # Text only has to be not blank, which nobody needs as a pattern.
            node = restriction.find(f"{_XS}pattern")
            if pattern is None and node is not None and names[-1] != _TEXT_TYPE:
                pattern, form = node.get("value"), _about(simple)
            codes = codes or {
                value.get("value", ""): _about(value)
                for value in restriction.iterfind(f"{_XS}enumeration")
            }
            names.append(restriction.get("base", ""))
            simple = self._types.get(names[-1])
        return _make_field(
            element,
            kind=_kind(names, codes=bool(codes)),
            max_length=max_length,
            pattern=pattern,
            form=form if form is not None and form.vi else None,
            codes=codes,
        )


def _kind(names: list[str], *, codes: bool) -> Kind:
    if DATETIME_TYPE in names:
        return Kind.DATETIME
    if BOOLEAN_TYPE in names:
        return Kind.BOOLEAN
    if codes:
        return Kind.CODE
    if names[-1].partition(":")[2] in _INTEGERS:
        return Kind.INTEGER
    return Kind.TEXT


def _make_field(  # noqa: PLR0913 - what differs between kinds of fields
    element: _Element,
    *,
    kind: Kind,
    max_length: int | None = None,
    pattern: str | None = None,
    form: Text | None = None,
    codes: Mapping[str, Text] = MappingProxyType({}),
    group: Group | None = None,
) -> Field:
    return Field(
        name=element.get("name", ""),
        kind=kind,
        required=element.get("minOccurs", "1") != "0",
        repeated=element.get("maxOccurs", "1") != "1",
        max_length=max_length,
        pattern=pattern,
        form=form,
        codes=MappingProxyType(dict(codes)),
        about=_about(element),
        group=group,
    )


def _about(element: _Element) -> Text:
    # What has a source attribute says where a rule comes from, which no error message needs.
    texts = {
        node.get(_LANG): " ".join((node.text or "").split())
        for node in element.iterfind(f"{_XS}annotation/{_XS}documentation")
        if node.get("source") is None
    }
    return Text(vi=texts.get("vi", ""), en=texts.get("en", ""))

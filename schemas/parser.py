"""
The one way the product reads XML that came from outside, hardened and with named limits.

No document type, so no entities and no external files; no network; limits on size, depth,
elements, attributes and text, each with its own code. Comments are dropped while parsing, so
that the text of an element is one piece: a comment inside a value must not hide half of it.
Imports nothing of ours, because `signing` uses it too.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypedDict

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from lxml.etree import _Element

    _Pull = etree.XMLPullParser[_Element]

_CHUNK_BYTES: Final = 64 * 1024
# A prolog holds a declaration and perhaps a licence comment; longer ones only hide something.
_MAX_PROLOG_BYTES: Final = _CHUNK_BYTES
# Built into libxml2 as long as huge trees stay switched off; limits above these have no effect.
LIBXML2_MAX_DEPTH: Final = 256
LIBXML2_MAX_TEXT_BYTES: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one document (or one streamed element) may hold."""

    max_bytes: int = 16 * 1024 * 1024
    max_depth: int = 64
    """Levels, the root being 1; libxml2 itself refuses more than 256."""
    max_elements: int = 200_000
    max_attributes: int = 64
    """Per element; namespace declarations are not counted."""
    max_namespaces: int = 256
    """Declared and in force at one place of a whole document: canonical XML goes through all of
    them for each name, so that thousands cost minutes."""
    max_text_bytes: int = 8 * 1024 * 1024
    """Per text or attribute value, in UTF-8; libxml2 itself refuses more than 10 million."""


DEFAULT_LIMITS: Final = Limits()


class XmlRefused(Exception):
    """
    The input is not XML, or not XML we are willing to read.

    `code` is one of "xml.doctype", "xml.too_large", "xml.too_deep", "xml.too_many_elements",
    "xml.too_many_attributes", "xml.too_many_namespaces", "xml.text_too_long", "xml.syntax" and
    "xml.encoding".
    """

    def __init__(self, code: str, *, vi: str, en: str, line: int | None = None) -> None:
        super().__init__(en if line is None else f"line {line}: {en}")
        self.code = code
        self.vi = vi
        self.en = en
        self.line = line


def parse_xml(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> _Element:
    """
    Return the root element of one whole document.

    What could make the tree large is refused before it is built: a document type, too many
    bytes, too many tags. Processing instructions are kept, because canonical XML keeps them.

    Raises:
        XmlRefused: the code says which rule was broken.
    """
    if len(data) > limits.max_bytes:
        raise _too_large(len(data), limits=limits)
    _check_start(data[:_MAX_PROLOG_BYTES], whole=len(data) <= _MAX_PROLOG_BYTES)
    # Closing tags aside, every "<" may be an element; those in CDATA are counted along.
    opened = data.count(b"<") - data.count(b"</")
    if opened > 2 * limits.max_elements:
        raise _too_many_elements(limits)
    try:
        root = etree.fromstring(data, _PARSERS.parser)
    except etree.XMLSyntaxError as exc:
        raise _translate(exc, limits=limits) from exc
    _check_no_doctype(root)
    _check_tree(root, limits=limits, size=_Size(len(data), opened, data.count(b"=")))
    # In UTF-16 the word is not found, but NUL bytes are.
    declared = data.count(b"xmlns") or (len(data) if b"\0" in data[:4] else 0)
    if declared > limits.max_namespaces and _has_more_namespaces(root, limits.max_namespaces):
        raise _too_many_namespaces(limits)
    return root


def iter_elements(
    source: BinaryIO,
    *,
    path: tuple[tuple[str | None, str], ...],
    through: frozenset[str] = frozenset(),
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[_Element]:
    """
    Yield every element at `path`, in order, holding one chunk and one element at a time.

    The whole input may be of any size; `limits` hold for each yielded element. An element is
    cleared when the next one is asked for, so take out of it what is needed. `sourceline` is
    the line of its start tag.

    Args:
        source: Read from where it stands to its end; not closed.
        path: From the root down, each step (namespace or None, local name); None means that
            the element is in no namespace.
        through: Tags ("{namespace}name") of elements that may stand between the steps of the path,
            such as groups of rows.
        limits: For each yielded element, whose own level counts as 1.

    Raises:
        XmlRefused: after the elements before the fault were yielded.
    """
    head = _read_head(source)
    _check_start(head, whole=len(head) < _MAX_PROLOG_BYTES)
    tags = [etree.QName(namespace, name).text for namespace, name in path]
    # The root is asked for by name because the parser hands out nothing but filtered events.
    wanted = (_root_tag(head, limits=limits), tags[-1])
    parser = etree.XMLPullParser(("start", "end"), tag=wanted, remove_pis=True, **_OPTIONS)
    root: _Element | None = None
    chunk, pending = head, 0
    while chunk:
        fault = _feed(parser, chunk, limits=limits)
        pending += len(chunk)
        last: _Element | None = None
        # Fast path: one look at the whole small tree instead of one per element (12 -> 4 us each).
        looked_at = (
            root is not None
            and pending <= 4 * _CHUNK_BYTES
            and _fault_in(root, limits=limits, size=_Size(pending)) is None
        )
        for event, element in parser.read_events():
            if root is None:
                root = element
                _check_no_doctype(root)
            if event == "end" and _stands_at(element, tags, through):
                if not looked_at:
                    _check_tree(element, limits=limits, size=_Size(pending))
                yield element
                element.clear(keep_tail=True)
                last, pending = element, len(chunk)
        if fault is not None:
            raise fault
        if root is None or not _drop_what_is_done(root, tags=tags, through=through, last=last):
            pending = 0
        elif pending > limits.max_bytes:
            raise _too_large(pending, limits=limits)
        chunk = source.read(_CHUNK_BYTES)
    if fault := _finish(parser, limits=limits):
        raise fault


class _Options(TypedDict):
    resolve_entities: bool
    no_network: bool
    load_dtd: bool
    dtd_validation: bool
    attribute_defaults: bool
    huge_tree: bool
    recover: bool
    remove_comments: bool


_OPTIONS: Final[_Options] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
}


class _Parsers(threading.local):
    """One parser per thread: making one costs a third of what parsing a small document does."""

    def __init__(self) -> None:
        self.parser = etree.XMLParser(**_OPTIONS)


_PARSERS: Final = _Parsers()

# Atomic and possessive, so that a hostile prolog cannot make the search go back.
_PROLOG: Final = re.compile(rb"(?>\s+|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DECLARED: Final = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
# All of them extend ASCII, or are UTF-16: a document type cannot be written in any other way.
_ENCODINGS: Final = re.compile(
    rb"utf-?8|utf-?16(le|be)?|us-ascii|ascii|iso-8859-1|(windows-|cp)125[0-9]", re.IGNORECASE
)
_NOT_READ: Final = (
    b"\0\0\xfe\xff",
    b"\xff\xfe\0\0",
    b"\0\0\0<",
    b"<\0\0\0",
    b"\x4c\x6f\xa7\x94",
)


def _check_start(head: bytes, *, whole: bool) -> None:
    """Refuse a document type and encodings in which one could hide, before anything is parsed."""
    head = _in_ascii(head)
    declared = _DECLARED.match(head)
    if declared and not _ENCODINGS.fullmatch(declared[1]):
        raise _encoding_refused(declared[1].decode("ascii"))
    if whole and b"<!DOCTYPE" not in head:
        return
    prolog = _PROLOG.match(head)
    rest = head[prolog.end() if prolog else 0 :]
    if rest.startswith(b"<!DOCTYPE"):
        raise _doctype(line=head[: len(head) - len(rest)].count(b"\n") + 1)
    if not whole and (not rest or rest.startswith((b"<!--", b"<?")) or len(rest) < _DOCTYPE_BYTES):
        raise XmlRefused(
            "xml.too_large",
            vi=f"phần mở đầu trước phần tử gốc dài hơn {_MAX_PROLOG_BYTES} byte",
            en=f"what stands before the root element is longer than {_MAX_PROLOG_BYTES} bytes",
        )


def _in_ascii(head: bytes) -> bytes:
    """Return the start of the document in an encoding that extends ASCII, without its mark."""
    start = head[:4]
    if start in _NOT_READ:
        raise _encoding_refused("UTF-32 / EBCDIC")
    if start.startswith(b"\xef\xbb\xbf"):
        return head[3:]
    if start.startswith(b"\xff\xfe") or start[1:2] == b"\0":
        wide = head.decode("utf-16-le", "ignore")
    elif start.startswith(b"\xfe\xff") or start[:1] == b"\0":
        wide = head.decode("utf-16-be", "ignore")
    else:
        return head
    return wide.removeprefix("\ufeff").encode("utf-8", "ignore")


_DOCTYPE_BYTES: Final = len(b"<!DOCTYPE")


@dataclass(frozen=True, slots=True)
class _Size:
    """Upper bounds known without looking at the tree; most documents need no closer look."""

    bytes: int
    tags: int = -1
    equal_signs: int = -1


@lru_cache
def _deeper_than(levels: int) -> etree.XPath:
    return etree.XPath("boolean(" + "/".join("*" * levels) + ")")


@lru_cache
def _more_attributes_than(number: int) -> etree.XPath:
    return etree.XPath(f"boolean(descendant-or-self::*/@*[{number + 1}])")


def _has_more_namespaces(root: _Element, number: int) -> bool:
    in_force = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_force += 1 if event == "start-ns" else -1
        if in_force > number:
            return True
    return False


_COUNT: Final = etree.XPath("count(descendant-or-self::*)")


def _check_tree(root: _Element, *, limits: Limits, size: _Size) -> None:
    if fault := _fault_in(root, limits=limits, size=size):
        raise fault


def _fault_in(root: _Element, *, limits: Limits, size: _Size) -> XmlRefused | None:
    tags = size.tags if size.tags >= 0 else size.bytes // len("<a/>")
    if tags > limits.max_elements and _COUNT(root) > limits.max_elements:
        return _too_many_elements(limits)
    if tags > limits.max_depth and _deeper_than(limits.max_depth)(root):
        return _too_deep(limits)
    equal_signs = size.equal_signs if size.equal_signs >= 0 else size.bytes // len(' a=""')
    if equal_signs > limits.max_attributes and _more_attributes_than(limits.max_attributes)(root):
        return XmlRefused(
            "xml.too_many_attributes",
            vi=f"một phần tử có hơn {limits.max_attributes} thuộc tính",
            en=f"an element has more than {limits.max_attributes} attributes",
        )
    if size.bytes > limits.max_text_bytes:
        return _long_text_in(root, limits=limits)
    return None


def _long_text_in(root: _Element, *, limits: Limits) -> XmlRefused | None:
    for element in root.iter():
        for text in (element.text, element.tail, *element.attrib.values()):
            if text and len(text.encode()) > limits.max_text_bytes:
                return _text_too_long(limits, line=element.sourceline)
    return None


def _check_no_doctype(root: _Element) -> None:
    """The second lock: whatever the look at the prolog missed, libxml2 has seen."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype(line=None)


def _read_head(source: BinaryIO) -> bytes:
    """Read the longest prolog we accept, or all there is; a pipe may give less at a time."""
    head = b""
    while len(head) < _MAX_PROLOG_BYTES and (piece := source.read(_MAX_PROLOG_BYTES - len(head))):
        head += piece
    return head


def _root_tag(head: bytes, *, limits: Limits) -> str:
    parser = etree.XMLPullParser(("start",), **_OPTIONS)
    fault = _feed(parser, head, limits=limits)
    for _, element in parser.read_events():
        return str(element.tag)
    if fault is None and len(head) >= _MAX_PROLOG_BYTES:
        fault = XmlRefused(
            "xml.too_large",
            vi=f"thẻ mở của phần tử gốc dài hơn {_MAX_PROLOG_BYTES} byte",
            en=f"the start tag of the root element is longer than {_MAX_PROLOG_BYTES} bytes",
        )
    fault = fault or _finish(parser, limits=limits)
    if fault is None:
        # libxml2 looks at the first four bytes only once there are more, or the end: "<a/>".
        for _, element in parser.read_events():
            return str(element.tag)
    assert fault is not None, "a document without a root is not well-formed"
    raise fault


def _feed(parser: _Pull, chunk: bytes, *, limits: Limits) -> XmlRefused | None:
    """Return the fault instead of raising it: the elements before it come first."""
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as exc:
        return _translate(exc, limits=limits)
    return None


def _finish(parser: _Pull, *, limits: Limits) -> XmlRefused | None:
    try:
        parser.close()
    except etree.XMLSyntaxError as exc:
        return _translate(exc, limits=limits)
    return None


def _stands_at(element: _Element, tags: list[str], through: frozenset[str]) -> bool:
    node: _Element | None = element
    for tag in reversed(tags):
        while node is not None and node.tag in through:
            node = node.getparent()
        if node is None or node.tag != tag:
            return False
        node = node.getparent()
    return node is None


def _drop_what_is_done(
    root: _Element, *, tags: list[str], through: frozenset[str], last: _Element | None
) -> bool:
    """
    Drop every finished branch of the tree; return whether an element at the path is still open.

    Only the last child of a node can still be open, so everything before it may go.
    """
    node, level, on_path = root, 0, root.tag == tags[0]
    while True:
        if on_path and level == len(tags) - 1:
            return node is not last
        del node[:-1]
        if not len(node):
            return False
        node = node[0]
        if node.tag in through:
            continue
        level += 1
        on_path = on_path and level < len(tags) and node.tag == tags[level]


def _translate(exc: etree.XMLSyntaxError, *, limits: Limits) -> XmlRefused:
    code, line = exc.code, exc.lineno
    message = (exc.msg or "").split("\n")[0]
    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT and "depth" in message:
        return _too_deep(limits, line=line)
    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return _text_too_long(limits, line=line)
    if code in _ENCODING_ERRORS:
        return XmlRefused(
            "xml.encoding",
            vi="các byte không đúng với bảng mã của tài liệu; hãy lưu lại bằng UTF-8",
            en="the bytes do not fit the document's encoding; save it as UTF-8",
            line=line,
        )
    return XmlRefused(
        "xml.syntax",
        vi=f"không phải XML đúng cú pháp: {message}",
        en=f"not well-formed XML: {message}",
        line=line,
    )


_ENCODING_ERRORS: Final = (
    etree.ErrorTypes.ERR_INVALID_ENCODING,
    etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
    etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
    etree.ErrorTypes.I18N_CONV_FAILED,
    etree.ErrorTypes.I18N_NO_HANDLER,
)


def _doctype(*, line: int | None) -> XmlRefused:
    return XmlRefused(
        "xml.doctype",
        vi="tài liệu XML có khai báo DOCTYPE; hãy bỏ khai báo này",
        en="the XML has a DOCTYPE declaration; remove it",
        line=line,
    )


def _too_large(size: int, *, limits: Limits) -> XmlRefused:
    return XmlRefused(
        "xml.too_large",
        vi=f"dài ít nhất {size} byte, giới hạn là {limits.max_bytes} byte",
        en=f"at least {size} bytes long, the limit is {limits.max_bytes} bytes",
    )


def _too_many_elements(limits: Limits) -> XmlRefused:
    return XmlRefused(
        "xml.too_many_elements",
        vi=f"có hơn {limits.max_elements} phần tử",
        en=f"more than {limits.max_elements} elements",
    )


def _too_many_namespaces(limits: Limits) -> XmlRefused:
    return XmlRefused(
        "xml.too_many_namespaces",
        vi=f"có hơn {limits.max_namespaces} khai báo không gian tên cùng có hiệu lực",
        en=f"more than {limits.max_namespaces} namespace declarations are in force at one place",
    )


def _too_deep(limits: Limits, *, line: int | None = None) -> XmlRefused:
    depth = min(limits.max_depth, LIBXML2_MAX_DEPTH)
    return XmlRefused(
        "xml.too_deep",
        vi=f"các phần tử lồng nhau hơn {depth} cấp",
        en=f"elements are nested more than {depth} levels deep",
        line=line,
    )


def _text_too_long(limits: Limits, *, line: int | None) -> XmlRefused:
    size = min(limits.max_text_bytes, LIBXML2_MAX_TEXT_BYTES)
    return XmlRefused(
        "xml.text_too_long",
        vi=f"một giá trị dài hơn {size} byte",
        en=f"a single value is longer than {size} bytes",
        line=line,
    )


def _encoding_refused(name: str) -> XmlRefused:
    return XmlRefused(
        "xml.encoding",
        vi=f"bảng mã {name} không được nhận; hãy lưu lại bằng UTF-8",
        en=f"the encoding {name} is not accepted; save the file as UTF-8",
    )

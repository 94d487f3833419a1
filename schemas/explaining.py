"""
Explains an invalid message: every mistake at once, with its path, in words for an official.

The structure of the fields is compared with the model, because a content model stops at its
first mistake; values, and what stands around the fields, are judged by `xmlschema`. Imported
only when a document was refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

import xmlschema
from lxml import etree
from xmlschema.validators import (
    XMLSchemaChildrenValidationError,
    XsdAttributeGroup,
    XsdEnumerationFacets,
    XsdMaxLengthFacet,
    XsdMinLengthFacet,
    XsdPatternFacets,
)

from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from schemas.model import Field, Group, SchemaVersion

_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_LONGEST_QUOTE: Final = 80
# Of each kind. A hostile document can hold a mistake in each of 200,000 elements.
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class _Spot:
    """An element that holds fields, or a field, and how it is called in messages."""

    name: str
    field: Field | None = None
    group: Group | None = None


def explain(element: _Element, *, version: SchemaVersion, complaint: str) -> list[Problem]:
    """
    Return the mistakes of a message that libxml2 refused, in the order of the document.

    Args:
        element: The message.
        version: The version it was validated against.
        complaint: What libxml2 said; reported when nothing else explains the refusal.

    Returns:
        At least one problem.
    """
    if element.tag not in _xsd(version).maps.elements:
        return [_unknown_root(element, version)]
    spots = dict(_spots(element, version))
    order = {node: number for number, node in enumerate(element.iter())}
    structure = (
        item for node, spot in spots.items() for item in _structure(node, spot, spots, element)
    )
    found = [*islice(structure, _MOST), *islice(_values(element, version, spots), _MOST)]
    found.sort(key=lambda item: order.get(item[0], 0))
    unique = {(problem.code, problem.place.path): problem for _, problem in reversed(found)}
    return list(reversed(unique.values())) or [_refused(element, complaint)]


def _spots(root: _Element, version: SchemaVersion) -> Iterator[tuple[_Element, _Spot]]:
    """Yield every element of the model below any document in the message."""
    for packet, group in version.packets.items():
        tag = f"{{{version.namespace}}}{version.element_of(packet)}"
        for holder in root.iter(tag):
            parent = holder.getparent()
            if parent is not None and parent.tag == f"{{{version.namespace}}}BanTin":
                yield holder, _Spot("", group=group)
                yield from _fields(holder, group, version, prefix="")


def _fields(
    holder: _Element, group: Group, version: SchemaVersion, *, prefix: str
) -> Iterator[tuple[_Element, _Spot]]:
    numbers: dict[str, int] = {}
    for child in holder:
        name = _local(child, version)
        field = group.fields.get(name or "")
        if field is None:
            continue
        numbers[field.name] = number = numbers.get(field.name, 0) + 1
        full = f"{prefix}{field.name}[{number}]" if field.repeated else f"{prefix}{field.name}"
        yield child, _Spot(full, field=field, group=field.group)
        if field.group is not None:
            yield from _fields(child, field.group, version, prefix=f"{full}.")


def _structure(
    holder: _Element, spot: _Spot, spots: dict[_Element, _Spot], root: _Element
) -> Iterator[tuple[_Element, Problem]]:
    group = spot.group
    if group is None:
        return
    prefix = f"{spot.name}." if spot.name else ""
    place = Place(line=holder.sourceline, path=_path(holder, root))
    ranks = {name: rank for rank, name in enumerate(group.fields)}
    seen: set[str] = set()
    highest, before = -1, ""
    for child in holder.iterchildren(etree.Element):
        inside = spots.get(child)
        if inside is None or inside.field is None:
            yield child, _unexpected(child, root, prefix=prefix)
            continue
        field = inside.field
        if field.name in seen and not field.repeated:
            yield child, _repeated(child, root, spot=inside)
        elif ranks[field.name] < highest:
            yield child, _misplaced(child, root, spot=inside, before=before)
        if ranks[field.name] > highest:
            highest, before = ranks[field.name], field.name
        seen.add(field.name)
    for field in group.fields.values():
        if field.required and field.name not in seen:
            yield holder, _missing(field, place=place, prefix=prefix)


@lru_cache
def _xsd(version: SchemaVersion) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(version.folder / "messages.xsd"), allow="local")


def _values(
    root: _Element, version: SchemaVersion, spots: dict[_Element, _Spot]
) -> Iterator[tuple[_Element, Problem]]:
    # xmlschema takes trees of lxml, which its annotations do not say.
    source: Any = root
    for error in _xsd(version).iter_errors(source):
        node: _Element = root if error.elem is None else cast("Any", error.elem)
        spot = spots.get(node) or _Spot(etree.QName(node).localname)
        if isinstance(error, XMLSchemaChildrenValidationError):
            if spot.group is None:
                yield node, _wrong_child(error, node, root)
        else:
            yield node, _wrong_value(error, node, root, spot=spot)


def _wrong_value(error: Any, node: _Element, root: _Element, *, spot: _Spot) -> Problem:
    place = Place(line=node.sourceline, path=_path(node, root))
    validator, value = error.validator, node.text or ""
    reason = str(error.reason or "")
    if isinstance(validator, XsdAttributeGroup) or reason.startswith("attribute "):
        return _problem(
            "schema.attribute", spot, place, vi=f"thuộc tính không đúng ({reason})", en=reason
        )
    if isinstance(validator, XsdPatternFacets | XsdMinLengthFacet) and not value.strip():
        return _problem(
            "schema.blank",
            spot,
            place,
            vi="không được trống",
            en="must not be blank",
            advice=Text(
                vi="Bỏ hẳn trường không bắt buộc khi không có giá trị",
                en="leave an optional field out altogether when it has no value",
            ),
        )
    if isinstance(validator, XsdEnumerationFacets):
        return _wrong_code(validator, value, place, spot=spot)
    if isinstance(validator, XsdMaxLengthFacet):
        limit, length = validator.value, len(value)
        return _problem(
            "schema.too_long",
            spot,
            place,
            vi=f"tối đa {limit} ký tự, thấy {length} ký tự",
            en=f"expected at most {limit} characters, found {length}",
            advice=Text(vi="Rút ngắn ở nguồn", en="shorten it at the source"),
            for_integrator=Text(vi="hoặc dùng quy tắc truncate", en="or use the rule truncate"),
        )
    if isinstance(validator, XsdPatternFacets):
        form = _form(validator)
        return _problem(
            "schema.pattern",
            spot,
            place,
            vi=f"cần dạng: {form.vi}; thấy {_quote(value)}",
            en=f"expected the form: {form.en}; found {_quote(value)}",
        )
    return _problem(
        "schema.value",
        spot,
        place,
        vi=f"giá trị {_quote(value)} không đúng kiểu ({reason})",
        en=f"the value {_quote(value)} is not of its type ({reason})",
    )


def _wrong_code(
    validator: XsdEnumerationFacets, value: str, place: Place, *, spot: _Spot
) -> Problem:
    known = spot.field.codes if spot.field else {}
    codes = known or {str(code): Text(vi="", en="") for code in validator.enumeration}
    return _problem(
        "schema.code_unknown",
        spot,
        place,
        vi=f"cần một trong {_list(codes, vi=True)}; thấy {_quote(value)}",
        en=f"expected one of {_list(codes, vi=False)}; found {_quote(value)}",
        for_integrator=Text(
            vi="đổi giá trị này sang một mã trong danh sách",
            en="map this value to a code of the list",
        ),
    )


def _wrong_child(error: Any, node: _Element, root: _Element) -> Problem:
    expected = [etree.QName(part.name).localname for part in error.expected or () if part.name]
    child = node[error.index] if error.index < len(node) else None
    found = _tag(child) if child is not None else Text(vi="không còn gì", en="nothing more")
    path = _path(node, root)
    name = _tag(child).en if child is not None else (expected or [_tag(node).en])[0]
    names = ", ".join(expected)
    return Problem(
        code="schema.element",
        message=Text(
            vi=f"{path}: cần {names or 'không có gì thêm'}, thấy {found.vi}",
            en=f"{path}: expected {names or 'nothing more'}, found {found.en}",
        ),
        place=Place(line=node.sourceline, path=path if child is None else _path(child, root)),
        field=name,
        suggestion=_CHECK_VERSION,
    )


def _missing(field: Field, *, place: Place, prefix: str) -> Problem:
    return Problem(
        code="schema.field_missing",
        message=Text(
            vi=f"{prefix}{field.name}: thiếu trường bắt buộc ({field.about.vi})",
            en=f"{prefix}{field.name}: a required field is missing ({field.about.en})",
        ),
        place=place.at(path=f"{place.path}/{field.name}"),
        field=f"{prefix}{field.name}",
        suggestion=Text(
            vi="Điền giá trị này ở nguồn, nếu hồ sơ có",
            en="fill it at the source, where there is one",
        ),
        for_integrator=Text(vi="Bổ sung quy tắc cho trường này", en="map this field"),
    )


def _unexpected(child: _Element, root: _Element, *, prefix: str) -> Problem:
    name = _tag(child)
    return Problem(
        code="schema.field_unknown",
        message=Text(
            vi=f"{prefix}{name.vi}: phiên bản lược đồ này không có trường này",
            en=f"{prefix}{name.en}: this version of the schema has no such field",
        ),
        place=Place(line=child.sourceline, path=_path(child, root)),
        field=f"{prefix}{name.en}",
        suggestion=_CHECK_VERSION,
    )


def _repeated(child: _Element, root: _Element, *, spot: _Spot) -> Problem:
    place = Place(line=child.sourceline, path=_path(child, root))
    return _problem(
        "schema.field_repeated",
        spot,
        place,
        vi="chỉ được xuất hiện một lần",
        en="may stand there only once",
    )


def _misplaced(child: _Element, root: _Element, *, spot: _Spot, before: str) -> Problem:
    place = Place(line=child.sourceline, path=_path(child, root))
    return _problem(
        "schema.field_misplaced",
        spot,
        place,
        vi=f"phải đứng trước {before}",
        en=f"must stand before {before}",
    )


def _unknown_root(element: _Element, version: SchemaVersion) -> Problem:
    found = etree.QName(element)
    names = [etree.QName(tag) for tag in _xsd(version).maps.elements]
    known = ", ".join(sorted(n.localname for n in names if n.namespace == version.namespace))
    return Problem(
        code="schema.root_unknown",
        message=Text(
            vi=f"cần một trong các phần tử {known} thuộc {version.namespace}; thấy {found.text}",
            en=f"expected one of the elements {known} of {version.namespace}; found {found.text}",
        ),
        place=Place(line=element.sourceline, path=f"/{found.localname}"),
        field=found.localname,
        suggestion=_CHECK_VERSION,
    )


def _refused(element: _Element, complaint: str) -> Problem:
    spot = _Spot(_tag(element).en)
    place = Place(line=element.sourceline, path=_path(element, element))
    return _problem("schema.invalid", spot, place, vi=f"không hợp lệ: {complaint}", en=complaint)


_CHECK_VERSION: Final = Text(
    vi="Kiểm tra phiên bản lược đồ của tài liệu",
    en="check which version of the schema the document is meant for",
)
_CHECK_VALUE: Final = Text(vi="Sửa giá trị ở nguồn", en="mend the value at the source")
_CHECK_RULE: Final = Text(vi="hoặc sửa quy tắc của trường này", en="or mend the rule of the field")


def _problem(  # noqa: PLR0913 - what is said, in two languages and to two readers
    code: str,
    spot: _Spot,
    place: Place,
    *,
    vi: str,
    en: str,
    advice: Text = _CHECK_VALUE,
    for_integrator: Text = _CHECK_RULE,
) -> Problem:
    return Problem(
        code=code,
        message=Text(vi=f"{spot.name}: {vi}", en=f"{spot.name}: {en}"),
        place=place,
        field=spot.name,
        suggestion=advice,
        for_integrator=for_integrator,
    )


def _form(validator: XsdPatternFacets) -> Text:
    """Return what the documentation of the type says; the pattern itself where it says nothing."""
    annotation = getattr(validator.parent, "annotation", None)
    texts = {
        node.get(_LANG): " ".join((node.text or "").split())
        for node in (annotation.documentation if annotation is not None else ())
        if node.get("source") is None
    }
    pattern = " | ".join(validator.regexps)
    return Text(vi=texts.get("vi") or pattern, en=texts.get("en") or pattern)


def _list(codes: Any, *, vi: bool) -> str:
    shown = ((code, text.vi if vi else text.en) for code, text in codes.items())
    return ", ".join(f"{code} ({text})" if text else code for code, text in shown)


def _quote(value: str) -> str:
    shown = value if len(value) <= _LONGEST_QUOTE else f"{value[:_LONGEST_QUOTE]}…"
    return f"“{shown}”"


def _local(element: _Element, version: SchemaVersion) -> str | None:
    if not isinstance(element.tag, str):
        return None
    name = etree.QName(element)
    return name.localname if name.namespace == version.namespace else None


def _tag(element: _Element) -> Text:
    name = etree.QName(element).localname if isinstance(element.tag, str) else "?"
    return Text(vi=name, en=name)


def _path(element: _Element, root: _Element) -> str:
    """Return the path from the message down; [n] only where a name stands more than once."""
    steps: list[str] = []
    node: _Element | None = element
    while node is not None:
        parent = None if node is root else node.getparent()
        same = [] if parent is None else [child for child in parent if child.tag == node.tag]
        number = f"[{same.index(node) + 1}]" if len(same) > 1 else ""
        steps.append(f"{_tag(node).en}{number}")
        node = parent
    return "/" + "/".join(reversed(steps))

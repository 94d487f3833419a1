"""
Builds every message of the exchange as text, each document in its own canonical form.

What is signed is written here once, byte for byte as exclusive canonicalisation would write it,
and never serialised again: no declaration, attributes in double quotes, "&amp;", "&lt;", "&gt;"
and "&#xD;" for the four characters that need it, no empty-element tags. Whether the values suit
the schema is the validator's question, not asked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from schemas.errors import InputError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from schemas.model import Group, SchemaVersion

Values: TypeAlias = "Mapping[str, str | Sequence[Values]]"
"""Fields by published name: scalars as the portal writes them, nested arrays as sequences."""

SOAP_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12: Final = "http://www.w3.org/2003/05/soap-envelope"

# A fixed offset since 1975, and quicker than the zone database.
VIETNAM: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
_DATETIME: Final = "%Y%m%d%H%M%S"

# What needs an escape, and what XML 1.0 cannot hold at all, in one search.
_FORBIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_find_special: Final = re.compile(f"[&<>\r{_FORBIDDEN}]").search
_find_forbidden: Final = re.compile(f"[{_FORBIDDEN}]").search
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_is_id: Final = re.compile("[A-Za-z0-9._-]+").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpResult:
    """What a portal shows of one dossier."""

    dossier_code: str
    status: str
    received_at: datetime
    message_id: str | None = None
    """Message of the last snapshot that took effect, where the portal shows it."""
    digest: str | None = None
    """Hex SHA-256 of that snapshot's document, where the portal shows it."""
    progress: tuple[tuple[str, str], ...] = ()
    """Message id and digest of every progress row, where the portal shows them."""


class _Part(NamedTuple):
    """A field prepared for writing; unpacking a tuple is what makes the loop quick."""

    name: str
    start: str
    end: str
    inside: _Inside | None


class _Inside(NamedTuple):
    parts: tuple[_Part, ...]
    known: frozenset[str]


class DocumentBuilder:
    """Builds the documents of one packet; what can be prepared once is prepared on making it."""

    def __init__(self, version: SchemaVersion, packet: str) -> None:
        group = version.packets[packet]
        self._fields = _prepare(group)
        holder = version.element_of(packet)
        self._start = f'<BanTin xmlns="{version.namespace}" Id="bt-'
        self._open = f"</ThoiDiemTao><{holder}>"
        self._close = f"</{holder}></BanTin>"

    def build(
        self, values: Values, *, message_id: str, agency_code: str, created_at: datetime
    ) -> bytes:
        """
        Return the unsigned document: UTF-8, canonical, fields in the order of the schema.

        Args:
            values: A field that is absent here is absent in the document.
            message_id: UUID of the message.
            agency_code: Code of the agency as the portal knows it.
            created_at: Aware.

        Raises:
            InputError: "xml.forbidden_character" or "document.empty_group"; the place's path
                says where.
            ValueError: a bug: unknown field, a text where a nested array belongs, naive time.
        """
        out = [
            f'{self._start}{_id(message_id)}"><MaBanTin>{message_id}</MaBanTin><MaDonVi>',
            _escape(agency_code, where="MaDonVi"),
            "</MaDonVi><ThoiDiemTao>",
            format_time(created_at),
            self._open,
        ]
        _write(self._fields, values, out, where="")
        out.append(self._close)
        return "".join(out).encode()


def build_request(
    packet: str,
    *,
    version: SchemaVersion,
    document: bytes,
    attempt: int,
    sent_at: datetime,
    is_updating: bool | None,
) -> bytes:
    """
    Return the request around a signed document, whose bytes stay as they are.

    Args:
        packet: "DongBoHoSoMC" or "CapNhatTienDoHoSoMC".
        version: The version the document was built for.
        document: The signed document.
        attempt: 1-based.
        sent_at: Aware.
        is_updating: Required for "DongBoHoSoMC"; None for the other, which has no such flag.
    """
    if (is_updating is None) == (packet == "DongBoHoSoMC"):
        raise ValueError(f"is_updating={is_updating} does not go with {packet}")
    flag = "" if is_updating is None else f"<isUpdating>{is_updating}</isUpdating>"
    head = (
        f'<{packet} xmlns="{version.namespace}">{flag}<LanGui>{attempt}</LanGui>'
        f"<ThoiDiemGui>{format_time(sent_at)}</ThoiDiemGui><data>"
    )
    return b"".join((head.encode(), document, f"</data></{packet}>".encode()))


def build_look_up(version: SchemaVersion, *, agency_code: str, dossier_code: str) -> bytes:
    """Return the request that asks for one dossier."""
    return (
        f'<TraCuuHoSo xmlns="{version.namespace}">'
        f"{_element('madonvi', agency_code)}{_element('mahoso', dossier_code)}</TraCuuHoSo>"
    ).encode()


def build_response(
    version: SchemaVersion,
    operation: str,
    *,
    error_code: str,
    message: str,
    receipt: bytes | None = None,
) -> bytes:
    """Return the answer to a delivery; the bytes of `receipt` stay as they are."""
    name = f"{operation}Response"
    head = (
        f'<{name} xmlns="{version.namespace}">'
        f"{_element('error_code', error_code)}{_element('message', message)}"
    )
    return b"".join((head.encode(), receipt or b"", f"</{name}>".encode()))


def build_look_up_response(
    version: SchemaVersion,
    *,
    error_code: str,
    message: str,
    results: Sequence[LookUpResult] = (),
) -> bytes:
    """Return the answer to a look-up; no results means that the dossier is not known."""
    return (
        f'<TraCuuHoSoResponse xmlns="{version.namespace}">'
        f"{_element('error_code', error_code)}{_element('message', message)}"
        f"{''.join(map(_result, results))}</TraCuuHoSoResponse>"
    ).encode()


def build_receipt(
    version: SchemaVersion,
    *,
    message_id: str,
    dossier_code: str,
    digest: str,
    received_at: datetime,
) -> bytes:
    """
    Return an unsigned receipt in canonical form.

    Args:
        version: The version of the message.
        message_id: The message received.
        dossier_code: Its dossier.
        digest: Lower-case hex SHA-256 of the document as received, signature included.
        received_at: Aware.
    """
    return (
        f'<BienNhan xmlns="{version.namespace}" Id="bn-{_id(message_id)}">'
        f"<MaBanTin>{message_id}</MaBanTin>{_element('MaHoSo', dossier_code)}"
        f"{_element('GiaTriBam', digest)}"
        f"<ThoiDiemNhan>{format_time(received_at)}</ThoiDiemNhan></BienNhan>"
    ).encode()


def build_envelope(body: bytes, *, soap: str, headers: Sequence[bytes] = ()) -> bytes:
    """
    Return a SOAP envelope around `body`, whose bytes stay as they are.

    Args:
        body: One element, without a declaration.
        soap: SOAP_11 or SOAP_12.
        headers: Header blocks, one element each, without declarations.
    """
    if soap not in (SOAP_11, SOAP_12):
        raise ValueError(f"unknown SOAP namespace {soap!r}")
    start = f'<soap:Envelope xmlns:soap="{soap}">'.encode()
    header = (b"<soap:Header>", *headers, b"</soap:Header>") if headers else ()
    return b"".join((start, *header, b"<soap:Body>", body, b"</soap:Body></soap:Envelope>"))


def in_vietnam(moment: datetime | None) -> datetime | None:
    """Return a moment as aware: one without a zone is Việt Nam's."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=VIETNAM)


def format_time(at: datetime) -> str:
    """Return the moment as the portal writes it: yyyyMMddHHmmss in Asia/Ho_Chi_Minh."""
    if at.tzinfo is None:
        raise ValueError("the time has no zone")
    return at.astimezone(VIETNAM).strftime(_DATETIME)


def _prepare(group: Group) -> _Inside:
    parts = tuple(
        _Part(
            field.name,
            f"<{field.name}>",
            f"</{field.name}>",
            None if field.group is None else _prepare(field.group),
        )
        for field in group.fields.values()
    )
    return _Inside(parts, frozenset(group.fields))


def _write(fields: _Inside, values: Values, out: list[str], *, where: str) -> None:
    if not fields.known.issuperset(values):
        raise ValueError(f"unknown fields {sorted(set(values) - fields.known)} in {where!r}")
    for name, start, end, inside in fields.parts:
        value = values.get(name)
        if value is None:
            continue
        if inside is None:
            if not isinstance(value, str):
                raise ValueError(f"{where}{name} is a text, not a nested array")
            if _find_special(value) is not None:
                value = _escape(value, where=f"{where}{name}")
            out += (start, value, end)
        elif isinstance(value, str):
            raise ValueError(f"{where}{name} is a nested array, not a text")
        else:
            for number, item in enumerate(value, start=1):
                at = f"{where}{name}[{number}]"
                if not item:
                    raise _empty_group(at)
                out.append(start)
                _write(inside, item, out, where=f"{at}.")
                out.append(end)


def _element(name: str, value: str) -> str:
    return f"<{name}>{_escape(value, where=name)}</{name}>"


def _result(result: LookUpResult) -> str:
    optional = (("MaBanTin", result.message_id), ("GiaTriBam", result.digest))
    shown = "".join(_element(name, value) for name, value in optional if value is not None)
    progress = "".join(
        f"<TienDo>{_element('MaBanTin', message_id)}{_element('GiaTriBam', digest)}</TienDo>"
        for message_id, digest in result.progress
    )
    return (
        f"<result>{_element('MaHoSo', result.dossier_code)}"
        f"{_element('TrangThaiHoSo', result.status)}{shown}"
        f"{_element('ThoiDiemNhan', format_time(result.received_at))}{progress}</result>"
    )


def _escape(value: str, *, where: str) -> str:
    if _find_special(value) is None:
        return value
    found = _find_forbidden(value)
    if found is not None:
        raise _forbidden_character(ord(found[0]), position=found.start() + 1, where=where)
    return value.translate(_ESCAPES)


def _id(message_id: str) -> str:
    if not _is_id(message_id):
        raise ValueError(f"not a message id: {message_id!r}")
    return message_id


def _forbidden_character(code_point: int, *, position: int, where: str) -> InputError:
    return InputError(
        Problem(
            code="xml.forbidden_character",
            message=Text(
                vi=f"{where}: ký tự thứ {position} là U+{code_point:04X}, XML không chứa được",
                en=f"{where}: character {position} is U+{code_point:04X}, which XML cannot hold",
            ),
            place=Place(path=where),
            field=where,
            suggestion=Text(
                vi="Xoá ký tự điều khiển này trong dữ liệu nguồn",
                en="remove this control character from the source",
            ),
        )
    )


def _empty_group(where: str) -> InputError:
    return InputError(
        Problem(
            code="document.empty_group",
            message=Text(
                vi=f"{where}: mục này không có trường nào",
                en=f"{where}: this item has no field at all",
            ),
            place=Place(path=where),
            field=where,
            suggestion=Text(
                vi="Bỏ mục trống, hoặc ánh xạ ít nhất một trường của nó",
                en="leave the empty item out, or map at least one of its fields",
            ),
        )
    )

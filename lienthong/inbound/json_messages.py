"""
Reading what a peer sends in JSON: its envelope, its proof, and each item in its own bytes.

Two envelopes are known, and how their keys are spelled is set: {session, madonvi, service,
isUpdating, data} and {SecurityKey, Service, Ngay, IsUpdating, Data}. Read strictly, as answers are.
"""

from __future__ import annotations

import codecs
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from lienthong.channels.json_replies import NotJson, read_object
from lienthong.inbound.message import Fields, Message, texts_named
from lienthong.inbound.refusals import (
    INVALID,
    MALFORMED,
    NotTaken,
    not_taken,
    service_unknown,
    unproven,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lienthong.inbound.profile import PeerJson, PeerService

MOST_ITEMS = 1000
"""In one request: they become durable in one transaction."""
MOST_VALUES = 500_000
"""In one request; what is counted are commas and brackets, also those inside texts. Millions of
empty values would take many times the memory of their bytes."""
LONGEST_ID = 200
"""Characters of a message id."""
_DOSSIER = "MaHoSo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A request in JSON whose sender is not proven yet."""

    values: Fields
    items: tuple[bytes, ...]
    """What stands in `data`, each item as it came."""
    objects: tuple[Any, ...]
    """The same, read."""


def read_envelope(body: bytes, *, profile: PeerJson) -> Envelope:
    """
    Return what a request holds.

    Raises:
        NotTaken: it is no JSON that we are willing to read.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise _not_json(f"more than {MOST_VALUES} values")
    try:
        values = read_object(body)
        parts = msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8), type=dict[str, msgspec.Raw])
    except NotJson as error:
        raise _not_json(str(error)) from error
    except msgspec.DecodeError as error:
        raise _not_json("not JSON") from error
    name = _one_of(profile.data_names, values)
    if name is None:
        return Envelope(values=values, items=(), objects=())
    data = values[name]
    items: tuple[bytes, ...] = ()
    if isinstance(data, list):
        if len(data) <= MOST_ITEMS:
            items = tuple(map(bytes, msgspec.json.decode(parts[name], type=list[msgspec.Raw])))
    else:
        data, items = [data], (bytes(parts[name]),)
    return Envelope(values=values, items=items, objects=tuple(data))


def token_in(envelope: Envelope, *, profile: PeerJson) -> str | None:
    """Return the token that stands in the envelope, if one does."""
    found = envelope.values.get(profile.token_name)
    return found if isinstance(found, str) else None


def check_security_key(envelope: Envelope, *, profile: PeerJson) -> bool:
    """
    Prove the sender by the key that it shares with us; return whether it has one.

    Raises:
        NotTaken: it is missing or wrong, or stands where it would be kept.
    """
    wanted = profile.security_key.get_secret_value()
    if not wanted:
        return False
    given = envelope.values.get(profile.security_key_name)
    said = given.encode(errors="replace") if isinstance(given, str) else b""
    if not hmac.compare_digest(said, wanted.encode()):
        raise unproven()
    if any(wanted in text for one in envelope.objects for text in _texts(one)):
        raise not_taken(
            INVALID,
            "inbound.secret_in_data",
            f"Khóa bảo mật chỉ được đứng ở {profile.security_key_name}, không nằm trong dữ liệu",
            f"The security key may stand in {profile.security_key_name} only, not in the data",
        )
    return True


def read_messages(
    envelope: Envelope, *, profile: PeerJson, services: Mapping[str, PeerService]
) -> list[Message]:
    """
    Return the messages of a request whose sender is proven.

    Raises:
        NotTaken: the service may not be sent, or what is in `data` are no messages.
    """
    name = _one_of(profile.service_names, envelope.values)
    service = None if name is None else envelope.values[name]
    if not isinstance(service, str) or service not in services:
        raise service_unknown()
    try:
        return list(_messages(envelope, service, profile=profile, services=services))
    except NotTaken as error:
        error.service = service
        raise


def _messages(
    envelope: Envelope,
    service: str,
    *,
    profile: PeerJson,
    services: Mapping[str, PeerService],
) -> Iterator[Message]:
    objects = envelope.objects
    if not 1 <= len(objects) <= MOST_ITEMS or not all(isinstance(one, dict) for one in objects):
        shown = " / ".join(profile.data_names)
        raise not_taken(
            INVALID,
            "inbound.data",
            f"{shown} phải là một đối tượng, hoặc một mảng có từ 1 đến {MOST_ITEMS} đối tượng",
            f"{shown} must be an object, or a list of 1 to {MOST_ITEMS} objects",
        )
    hidden = {*profile.data_names, profile.token_name, profile.security_key_name}
    outer = {name: value for name, value in envelope.values.items() if name not in hidden}
    seen: dict[str, bytes] = {}
    for number, (fields, body) in enumerate(zip(objects, envelope.items, strict=True), start=1):
        key = _shared_key(envelope, number, profile=profile)
        if key is None:
            key = _own_key(fields, body, id_field=services[service].id_field)
        if seen.setdefault(key, body) != body:
            raise not_taken(
                INVALID,
                "inbound.id_twice",
                f"Hai bản tin khác nhau trong cùng yêu cầu mang cùng mã (bản tin thứ {number})",
                f"Two different messages of one request have the same id (message {number})",
            )
        yield Message(
            service=service,
            body=body,
            file_name=f"{service}.json",
            key=key,
            fields=fields,
            envelope=outer,
        )


def _shared_key(envelope: Envelope, number: int, *, profile: PeerJson) -> str | None:
    if profile.message_id_name is None:
        return None
    key = check_id(envelope.values.get(profile.message_id_name), name=profile.message_id_name)
    return key if len(envelope.objects) == 1 else f"{key}#{number}"


def _own_key(fields: Fields, body: bytes, *, id_field: str | None) -> str:
    if id_field is not None:
        return check_id(fields.get(id_field), name=id_field)
    digest = hashlib.sha256(body).hexdigest()
    dossier, *others = texts_named(fields, _DOSSIER) or ("",)
    is_usable = not others and dossier.isprintable() and 0 < len(dossier) <= LONGEST_ID
    return f"{dossier}:{digest}" if is_usable else digest


def check_id(value: object, *, name: str) -> str:
    """
    Return a message id as it stands.

    Raises:
        NotTaken: it is none that can be told apart from others for certain.
    """
    if isinstance(value, str):
        text = value.strip()
        if text and len(text) <= LONGEST_ID and text.isprintable():
            return text
    raise not_taken(
        INVALID,
        "inbound.message_id",
        f"{name} phải là mã của bản tin: một dòng, từ 1 đến {LONGEST_ID} ký tự",
        f"{name} must be the message's id: one line, 1 to {LONGEST_ID} characters",
        name=name,
    )


def _one_of(names: tuple[str, ...], values: Fields) -> str | None:
    """Return under which of its spellings something stands; two at once say nothing certain."""
    found = [name for name in names if name in values]
    if len(found) > 1:
        raise not_taken(
            MALFORMED,
            "inbound.key_twice",
            f"Yêu cầu có cả {' và '.join(found)}: chỉ được có một",
            f"The request has {' and '.join(found)}: only one of them may be there",
        )
    return found[0] if found else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _not_json(cause: str) -> NotTaken:
    return not_taken(
        MALFORMED,
        "inbound.json",
        f"Nội dung không phải JSON dùng được ({cause}): gửi một đối tượng JSON, mã UTF-8",
        f"The body is not usable JSON ({cause}): send one JSON object, in UTF-8",
    )

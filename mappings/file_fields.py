"""What a mapping can say of one attachment, in the shape of a group of the portal's fields."""

from __future__ import annotations

from types import MappingProxyType

from schemas.model import Field, Group, Kind
from schemas.problem import Text

KEY = "attachments"
WAYS = ("url", "data", "file")
"""How the bytes come: fetched from an address, in the record as base64, or from a file beside."""


def _field(
    name: str, *, vi: str, en: str, pattern: str | None = None, form: Text | None = None
) -> Field:
    return Field(
        name=name,
        kind=Kind.TEXT,
        required=False,
        repeated=False,
        max_length=None if name == "data" else 2_000,
        pattern=pattern,
        form=form,
        codes=MappingProxyType({}),
        about=Text(vi=vi, en=en),
        group=None,
    )


_FIELDS = (
    _field("name", vi="tên tệp", en="its name"),
    _field("url", vi="địa chỉ tải tệp", en="the address it is fetched from"),
    _field("data", vi="nội dung tệp, base64", en="its bytes, as base64"),
    _field(
        "file",
        vi="đường dẫn trong thư mục của cơ quan hoặc trong tệp ZIP",
        en="its path in the agency's folder or in the ZIP",
    ),
    _field(
        "size",
        vi="kích thước khai báo, byte",
        en="its declared size in bytes",
        pattern="[0-9]{1,15}",
        form=Text(vi="số byte, chỉ gồm chữ số", en="a number of bytes, digits only"),
    ),
    _field(
        "sha256",
        vi="SHA-256 khai báo, dạng hex",
        en="its declared SHA-256, in hex",
        pattern="[0-9A-Fa-f]{64}",
        form=Text(vi="64 chữ số hex", en="64 hex digits"),
    ),
    _field("type", vi="loại khai báo: pdf, application/pdf", en="its declared type or MIME type"),
    _field("component", vi="mã thành phần hồ sơ", en="the code of the paper it is"),
)
FILE = Group(name=KEY, fields=MappingProxyType({one.name: one for one in _FIELDS}))

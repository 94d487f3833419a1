"""
What a message of an agency must be before it is taken over: decided from the message alone.

The rules are the contract of `docs/agencies/guide.md`. What the bytes are is not looked at here:
a message that says one thing and is another is refused by the reader of its format, with the place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.options import FORMATS
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from adapters import SourceOptions
    from broker.port import Incoming

MIB = 1024 * 1024
LARGEST_BYTES = 8 * MIB
"""Of one message, unless the settings say otherwise; larger ones come by HTTP or folder."""

_FIXED = ("text/plain",)
_DBF = ("application/vnd.dbf", "application/x-dbf", "application/dbase")
_CSV = ("text/csv", "application/csv")
_XLSX = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel.sheet.macroenabled.12",
)
_XLS = ("application/vnd.ms-excel",)
_ODS = ("application/vnd.oasis.opendocument.spreadsheet",)
_JSON = ("application/json", "text/json")
_JSON_LINES = (
    "application/x-ndjson",
    "application/jsonl",
    "application/json-lines",
    "application/x-jsonlines",
)
_ZIP = ("application/zip", "application/x-zip-compressed")
_XML = ("application/xml", "text/xml")
CONTENT_TYPES: dict[str, tuple[str, ...]] = {
    "csv": _CSV,
    "fixed": _FIXED,
    "dbf": _DBF,
    "xlsx": _XLSX,
    "xls": _XLS,
    "ods": _ODS,
    "json": _JSON,
    "jsonl": _JSON_LINES,
    "xml": _XML,
    "edxml": _XML,
    "zip": _ZIP,
}
"""By format, as mappings name it; the first of each is the one to recommend."""
SAYS_NOTHING = "application/octet-stream"
NO_COMPRESSION = frozenset({"identity", "binary", "utf-8", "utf8", "us-ascii"})
"""Content encodings that change no byte; several libraries put the character set there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What the profile of an agency says about its messages."""

    name: str
    """Of its mapping."""
    code: str
    """Its official code; a message may name either."""
    format: str


def format_of(source: SourceOptions) -> str:
    """Return the name of a source's format, as mappings name it; also the file's ending."""
    return next(name for name, options in FORMATS.items() if type(source) is options)


def file_name_of(message: Incoming, sender: Sender | None) -> str:
    """Return the name under which places in a message are told: its id, with a format's ending."""
    stem = re.sub(r"[/\\]", "_", message.message_id or "message")
    return stem if sender is None else f"{stem}.{sender.format}"


def check(message: Incoming, sender: Sender | None, *, largest_bytes: int) -> Problem | None:
    """
    Return why `message` is refused, or None when it can be taken over.

    Args:
        message: As it came.
        sender: None when the agency's mapping cannot be used now; its content type is not checked
            then, and the submission waits for the mapping.
        largest_bytes: The limit.
    """
    return (
        _check_id(message)
        or _check_sender(message, sender)
        or _check_size(message, largest_bytes)
        or _check_encoding(message)
        or _check_type(message, sender)
    )


def _check_id(message: Incoming) -> Problem | None:
    if not message.message_id:
        return _problem(
            "message.id_missing",
            vi="Bản tin không có message_id; không có nó thì lần gửi lại không nhận ra được",
            en="The message has no message_id, without which a repeat cannot be recognised",
            vi_help="Đặt message_id duy nhất cho mỗi nội dung, giữ nguyên khi gửi lại",
            en_help="Set a message_id of its own for each content, and keep it when sending again",
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in message.message_id):
        return _problem(
            "message.id_unusable",
            vi="message_id chứa ký tự điều khiển",
            en="The message_id contains control characters",
            vi_help="Dùng chữ, số và dấu câu, tối đa 255 byte",
            en_help="Use letters, digits and punctuation, 255 bytes at most",
        )
    return None


def _check_sender(message: Incoming, sender: Sender | None) -> Problem | None:
    if message.unreadable:
        return _problem(
            "message.headers_unreadable",
            vi="Không đọc được header của bản tin (thường do thời điểm tính bằng mili giây)",
            en="The headers cannot be read (often a time in milliseconds instead of seconds)",
            vi_help="Bỏ header đó hoặc gửi dưới dạng văn bản",
            en_help="Leave that header out, or send it as text",
        )
    allowed = {message.agency} | ({sender.code} if sender else set())
    if message.claimed_agency is None or message.claimed_agency in allowed:
        return None
    return _problem(
        "message.agency_mismatch",
        vi=f"Header agency không phải của tài khoản gửi ({message.agency})",
        en=f"The header agency is not the one of the account that sent it ({message.agency})",
        vi_help="Gửi bằng tài khoản của chính cơ quan đó, hoặc bỏ header",
        en_help="Send it with that agency's own account, or leave the header out",
    )


def _check_size(message: Incoming, largest_bytes: int) -> Problem | None:
    size = len(message.body)
    if not size:
        return _problem(
            "message.empty",
            vi="Bản tin rỗng",
            en="The message has no body",
            vi_help="Kiểm tra bước xuất dữ liệu rồi gửi dưới message_id mới",
            en_help="Check the export, and send it under a new message_id",
        )
    if size <= largest_bytes:
        return None
    limit = largest_bytes / MIB
    return _problem(
        "message.too_large",
        vi=f"Bản tin có {size / MIB:.1f} MiB, giới hạn {limit:g} MiB",
        en=f"The message has {size / MIB:.1f} MiB; the limit is {limit:g} MiB",
        vi_help="Chia nhỏ, hoặc gửi qua HTTP (POST /v1/agencies/{mã}/records) hay thư mục",
        en_help="Split it, or send it by HTTP (POST /v1/agencies/{code}/records) or folder",
    )


def _check_encoding(message: Incoming) -> Problem | None:
    encoding = (message.content_encoding or "identity").lower()
    if encoding in NO_COMPRESSION:
        return None
    return _problem(
        "message.encoding_unsupported",
        vi="Không nhận nội dung nén (content_encoding)",
        en="A compressed body (content_encoding) is not accepted",
        vi_help="Gửi nội dung không nén; bỏ content_encoding",
        en_help="Send the body as it is, without content_encoding",
    )


def _check_type(message: Incoming, sender: Sender | None) -> Problem | None:
    told = (message.content_type or SAYS_NOTHING).partition(";")[0].strip().lower()
    if told == SAYS_NOTHING or sender is None or told in CONTENT_TYPES[sender.format]:
        return None
    wanted = CONTENT_TYPES[sender.format][0]
    if any(told in types for types in CONTENT_TYPES.values()):
        return _problem(
            "message.content_type_other",
            vi=f"Hồ sơ cấu hình của cơ quan là {sender.format}, bản tin ghi content_type khác",
            en=f"The agency's profile says {sender.format}, and the content_type another format",
            vi_help=f"Gửi đúng định dạng với content_type {wanted}, hoặc nhờ đổi cấu hình",
            en_help=f"Send that format with content_type {wanted}, or have the profile changed",
        )
    return _problem(
        "message.content_type_unknown",
        vi="Không có định dạng nào ứng với content_type của bản tin",
        en="No format goes by the content_type of the message",
        vi_help=f"Đặt content_type {wanted}, hoặc bỏ trống",
        en_help=f"Set content_type {wanted}, or none",
    )


def _problem(code: str, *, vi: str, en: str, vi_help: str, en_help: str) -> Problem:
    return Problem(code=code, message=Text(vi=vi, en=en), suggestion=Text(vi=vi_help, en=en_help))

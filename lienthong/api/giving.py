"""Giving files: always to be kept, never to be shown, whatever is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from lienthong.operations.downloads import Download


def give(download: Download) -> StreamingResponse:
    """Answer with a file, piece by piece."""
    return StreamingResponse(
        download.pieces(),
        media_type=download.media_type,
        headers={
            "Content-Length": str(download.size),
            "Content-Disposition": disposition(download.name),
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def disposition(name: str) -> str:
    """Return the header by which a browser keeps a file under a name; RFC 6266, section 4."""
    plain = "".join(
        one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_of(*media_types: str) -> dict[int | str, dict[str, object]]:
    """Return what the description says of an answer that is a file."""
    return {200: {"description": "A file.", "content": {name: {} for name in media_types}}}

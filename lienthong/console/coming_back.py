"""Where a page on an error leads back to: the page that was left, or the nearest one above."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.routing import Match

from lienthong.console.asking import own_path

if TYPE_CHECKING:
    from fastapi import FastAPI, Request


def way_back(request: Request) -> str | None:
    """
    Return the address of a page of this console, other than the one that was asked for.

    A browser says where it comes from; what is of another host, or no page, is not gone to.
    Without that it is the page above: of `/jobs/1/approve` it is `/jobs/1`. None: the first page.
    """
    own = request.url.path
    path, query = _came_from(request) or (own, "")
    if path != own and _is_page(request.app, path):
        return own_path(f"{path}?{query}" if query else path)
    if request.method == "GET":
        path = path.rpartition("/")[0]
    while path.rstrip("/"):
        if _is_page(request.app, path):
            return own_path(path)
        path = path.rpartition("/")[0]
    return None


def _came_from(request: Request) -> tuple[str, str] | None:
    try:
        came = urlsplit(request.headers.get("Referer", ""))
        is_ours = came.hostname is not None and came.hostname == request.url.hostname
    except ValueError:
        return None
    return (came.path, came.query) if is_ours else None


def _is_page(app: FastAPI, path: str) -> bool:
    if not path.startswith("/") or path.startswith("/static/"):
        return False
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)

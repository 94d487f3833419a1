"""Settings and answers of a JSON target that a test plays itself."""

import json

from lienthong.testing.portal_site import AGENCY_CODE

ADAPTER = {
    "auth_endpoint": "/auth",
    "integration_endpoint": "/goi",
    "username": "tich-hop",
    "password": "mat-khau",
    "madonvi": AGENCY_CODE,
}
FACADE = {
    "form": "facade",
    "madonvi": AGENCY_CODE,
    "dossier_endpoint": "/ho-so",
    "progress_endpoint": "/tien-do",
}


def target(peer, table, **settings):
    """Return `[target]` settings that lead to a scripted peer."""
    return {"endpoint": peer.url, "channel": "dvcqg-json", "json": table, **settings}


def say(code, message="", **more):
    """Return an answer of the adapter's."""
    values = {"error_code": code, "message": message, **more}
    return json.dumps(values, ensure_ascii=False).encode()

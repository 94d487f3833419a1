"""What peers send, in the OpenAPI document: paths, and the envelopes with their usual spelling."""

from __future__ import annotations

from typing import Any

_PEER = {
    "name": "peer",
    "in": "path",
    "required": True,
    "description": "Name of the peer in the settings.",
    "schema": {"type": "string"},
}
_REFUSALS = {
    400: "It is not what is read here.",
    401: "The token or the security key is missing, wrong or expired.",
    404: "There is no such peer.",
    408: "The bytes came too slowly.",
    413: "Larger than the peer's limit.",
    415: "Another type, another charset, or compressed.",
    429: "The peer sends too much at once; see Retry-After.",
    503: "It cannot be made durable now: send the very same again; see Retry-After.",
}


def peer_paths() -> dict[str, Any]:
    """Return the paths; the same each time."""
    return {
        "/v1/peers/{peer}/json": {"post": _json()},
        "/v1/peers/{peer}/soap": {"post": _soap(), "get": _wsdl()},
        "/v1/peers/{peer}/schemas/{folder}/{name}": {"get": _schema()},
    }


def peer_schemas() -> dict[str, Any]:
    """Return the schemas that the paths name."""
    data = {
        "description": "One message, or a list of 1 to 1,000: taken over all or none.",
        "oneOf": [
            {"type": "object"},
            {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "object"}},
        ],
    }
    return {
        "PeerRequest": {
            "type": "object",
            "required": ["service", "data"],
            "description": "Or with Service, Data, Ngay, IsUpdating; spelling is a setting.",
            "properties": {
                "session": {"type": "string", "description": "A token, in place of the header."},
                "SecurityKey": {"type": "string", "description": "Where one is agreed."},
                "madonvi": {"type": "string"},
                "service": {"type": "string"},
                "isUpdating": {"type": "string"},
                "data": data,
            },
        },
        "PeerAnswer": {
            "type": "object",
            "required": ["error_code", "message"],
            "description": "Names, codes and texts are settings of the peer.",
            "properties": {
                "error_code": {"type": ["string", "integer"]},
                "message": {"type": "string"},
            },
        },
    }


def _json() -> dict[str, Any]:
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/PeerAnswer"}}}
    return {
        "operationId": "sendDown",
        "summary": "Send messages to agencies; a code of success means that they are durable.",
        "security": [{"token": []}, {}],
        "parameters": [_PEER],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/PeerRequest"}}
            },
        },
        "responses": {
            "200": {
                "description": "Durable; or refused for what it says, where the peer wants 200.",
                "content": answer,
            },
            "409": {"description": "An id came before with other content.", "content": answer},
            "422": {"description": "Refused for what it says.", "content": answer},
        }
        | {
            str(status): {"description": words, "content": answer}
            for status, words in _REFUSALS.items()
        },
    }


def _soap() -> dict[str, Any]:
    content: dict[str, Any] = {"text/xml": {}, "application/soap+xml": {}}
    return {
        "operationId": "sendDownSoap",
        "summary": "The same as a SOAP service (1.1 and 1.2), which its WSDL describes.",
        "security": [{"token": []}, {}],
        "parameters": [_PEER],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "An answer with a code and a text.", "content": content},
            "default": {"description": "A SOAP fault.", "content": content},
        },
    }


def _wsdl() -> dict[str, Any]:
    return {
        "operationId": "describePeer",
        "summary": "The WSDL.",
        "security": [],
        "parameters": [
            _PEER,
            {
                "name": "wsdl",
                "in": "query",
                "required": True,
                "allowEmptyValue": True,
                "description": "Empty, or a version of the schema.",
                "schema": {"type": "string"},
            },
        ],
        "responses": _file(),
    }


def _schema() -> dict[str, Any]:
    names = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("folder", "name")
    ]
    return {
        "operationId": "peerSchema",
        "summary": "A schema that the WSDL imports.",
        "security": [],
        "parameters": [_PEER, *names],
        "responses": _file(),
    }


def _file() -> dict[str, Any]:
    return {
        "200": {"description": "The file.", "content": {"text/xml": {}}},
        "404": {"description": "There is none such.", "content": {"text/plain": {}}},
    }

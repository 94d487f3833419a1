"""The HTTP door as OpenAPI 3.1: served at /v1/openapi.json, and kept in docs/openapi.json."""

from __future__ import annotations

from typing import Any

from lienthong.doors.openapi_peers import peer_paths, peer_schemas
from lienthong.flows.incoming import CONTENT_TYPES, SAYS_NOTHING
from schemas.receipts import Statement

VERSION = "1.1.1"
_TEXT = {
    "type": "object",
    "required": ["vi", "en"],
    "properties": {"vi": {"type": "string"}, "en": {"type": "string"}},
}
_NULL_TEXT = {"type": ["string", "null"]}
_NULL_NUMBER = {"type": ["integer", "null"]}
_AGENCY = {
    "name": "agency",
    "in": "path",
    "required": True,
    "description": "Name of the agency's mapping, or its code (MaDonVi).",
    "schema": {"type": "string"},
}
KINDS = (
    "received",
    "receipt",
    "refused",
    "broken_off",
    "rejected",
    "held",
    "repeated",
    "left_out",
    "delivered",
    "parked",
    "quarantined",
    "superseded",
    "discarded",
    "reissued",
)
_ERRORS = {
    401: "The token is missing, wrong, expired or revoked.",
    403: "The token belongs to another agency.",
    404: "There is no such agency, submission or receipt.",
    408: "The bytes came too slowly; nothing was kept.",
    409: "The key came before with other bytes, and nothing was kept; or the submission is not "
    "read to its end yet.",
    410: "Its bytes were erased when their retention ended.",
    411: "Neither Content-Length nor chunked transfer.",
    413: "Larger than the limit.",
    415: "Not of the agency's format, or compressed.",
    422: "A header, a parameter or the file cannot be used.",
    429: "This agency sends too many files at once; see Retry-After.",
    503: "Too much at once, or the store cannot be reached, or a receipt not be signed; see "
    "Retry-After.",
}


def document() -> dict[str, Any]:
    """Return the document; the same each time."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lienthong: the agencies' HTTP door",
            "version": VERSION,
            "description": "Hand a file over, and read what became of it. What is answered with "
            "201 or 200 is durable and cannot be lost.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {
            "/v1/agencies/{agency}/records": {"post": _records()},
            "/v1/agencies/{agency}/results": {"get": _results()},
            "/v1/agencies/{agency}/submissions/{submission}": {"get": _submission()},
            "/v1/agencies/{agency}/submissions/{submission}/annotated": {"get": _annotated()},
            "/v1/agencies/{agency}/submissions/{submission}/receipt": {"get": _receipt()},
            **peer_paths(),
            "/v1/openapi.json": {"get": _open("describe", "This document.")},
            "/health/live": {"get": _open("live", "The process answers.")},
            "/health/ready": {"get": _ready()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas() | peer_schemas(),
            "responses": {
                f"E{status}": _error(status, description) for status, description in _ERRORS.items()
            },
        },
    }


def _error(status: int, description: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": description,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return answer


def _answers(name: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }


def _refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/E{status}"} for status in statuses}


def _records() -> dict[str, Any]:
    return {
        "operationId": "handOver",
        "summary": "Hand over a file in the agency's own format, of any size.",
        "parameters": [
            _AGENCY,
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Your own id of this hand-over: with it, trying again is harmless. "
                "1 to 255 printable ASCII characters.",
                "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
            },
            {
                "name": "Content-Disposition",
                "in": "header",
                "description": 'attachment; filename="…"',
                "schema": {"type": "string"},
            },
            {
                "name": "file_name",
                "in": "query",
                "description": "In place of Content-Disposition.",
                "schema": {"type": "string"},
            },
        ],
        "requestBody": {
            "required": True,
            "description": "The file itself, not a form. Content-Type is that of the agency's "
            "format, or application/octet-stream, or absent.",
            "content": {
                media: {}
                for media in (*(types[0] for types in CONTENT_TYPES.values()), SAYS_NOTHING)
            },
        },
        "responses": {
            "201": _answers("Taken", "It is here, and cannot be lost."),
            "200": _answers("Taken", "It was here before: the same key with the same bytes."),
            **_refusals(401, 403, 404, 408, 409, 411, 413, 415, 422, 429, 503),
        },
    }


def _results() -> dict[str, Any]:
    return {
        "operationId": "readResults",
        "summary": "What became of what was handed over, in order; nothing is left out.",
        "parameters": [
            _AGENCY,
            {
                "name": "after",
                "in": "query",
                "description": "`next` of the last page; without it or empty: from the beginning.",
                "schema": {"type": "string", "pattern": "^[0-9]{0,18}$"},
            },
            {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
            },
        ],
        "responses": {
            "200": _answers("Results", "A page; an empty one means that there is no more yet."),
            **_refusals(401, 403, 404, 422, 503),
        },
    }


def _submission() -> dict[str, Any]:
    return {
        "operationId": "showSubmission",
        "summary": "Where one submission stands.",
        "parameters": [
            _AGENCY,
            {"name": "submission", "in": "path", "required": True, "schema": {"type": "string"}},
        ],
        "responses": {
            "200": _answers("Submission", "Its state and counts."),
            **_refusals(401, 403, 404, 503),
        },
    }


def _annotated() -> dict[str, Any]:
    return {
        "operationId": "annotateSubmission",
        "summary": "Your own file with what is wrong with it: CSV with a column of errors, a "
        "workbook with notes on coloured cells (XLS and ODS as XLSX), DBF and fixed width as CSV "
        "to look at, else a list of errors as JSON that says why.",
        "parameters": [
            _AGENCY,
            {"name": "submission", "in": "path", "required": True, "schema": {"type": "string"}},
            {
                "name": "lang",
                "in": "query",
                "description": "Language of the column or the notes; a list has both.",
                "schema": {"enum": ["vi", "en"], "default": "vi"},
            },
            {
                "name": "only_bad",
                "in": "query",
                "description": "1: leave out rows of CSV, DBF and fixed width with which nothing "
                "is wrong.",
                "schema": {"enum": [0, 1], "default": 0},
            },
            {
                "name": "errors_only",
                "in": "query",
                "description": "1: leave warnings out, which stop nothing; with `only_bad` also "
                "rows that have nothing else. A list says how many.",
                "schema": {"enum": [0, 1], "default": 0},
            },
        ],
        "responses": {
            "200": {
                "description": "The file, under the name that Content-Disposition gives it.",
                "content": {
                    "text/csv": {},
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {},
                    "application/json": {"schema": {"$ref": "#/components/schemas/Listed"}},
                },
            },
            **_refusals(401, 403, 404, 409, 410, 422, 503),
        },
    }


def _receipt() -> dict[str, Any]:
    return {
        "operationId": "readReceipt",
        "summary": "The signed receipt for what was handed over; the same bytes each time.",
        "parameters": [
            _AGENCY,
            {
                "name": "submission",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
            },
            {
                "name": "statement",
                "in": "query",
                "description": "refused: what is signed about a file that was refused as a whole.",
                "schema": {"enum": [one.value for one in Statement], "default": "received"},
            },
        ],
        "responses": {
            "200": {
                "description": "BienNhanTiepNhan, signed with XAdES by the operator.",
                "content": {"application/xml": {"schema": {"type": "string"}}},
            },
            **_refusals(401, 403, 404, 422, 503),
        },
    }


def _open(operation: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "security": [],
        "responses": {
            "200": {
                "description": summary,
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    }


def _ready() -> dict[str, Any]:
    return {
        "operationId": "ready",
        "summary": "The store and the exchange answer, and a key can sign.",
        "security": [],
        "responses": {
            "200": _answers("Health", "All of it."),
            "503": _answers("Health", "Not all of it."),
        },
    }


def _schemas() -> dict[str, Any]:
    return {
        "Taken": _object(
            {
                "submission": {"type": "string"},
                "agency": {"type": "string"},
                "sha256": {"type": "string"},
                "bytes": {"type": "integer"},
                "repeated": {"type": "boolean"},
                "receipt": {"type": "string", "description": "Path of its signed receipt."},
            }
        ),
        "Results": _object(
            {
                "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}},
                "next": {"type": "string", "description": "`after` of the next page."},
            }
        ),
        "Result": _result(),
        "Error": _object(
            {
                "code": {"type": "string"},
                "severity": {"enum": ["error", "warning"]},
                "dossier": {
                    "type": ["string", "null"],
                    "description": "MaHoSo, or what stands where it is read from.",
                },
                "message": _TEXT,
                "source": {
                    "type": "object",
                    "description": "file, sheet, row, column, line, path; what applies.",
                },
                "field": _NULL_TEXT,
                "value": _NULL_TEXT,
                "suggestion": {"oneOf": [_TEXT, {"type": "null"}]},
            }
        ),
        "Submission": _object(
            {
                "submission": {"type": "string"},
                "agency": {"type": "string"},
                "door": {"type": "string"},
                "key": _NULL_TEXT,
                "file": {"type": "string"},
                "sha256": {"type": "string"},
                "bytes": {"type": "integer"},
                "state": {"enum": ["received", "expanded", "held", "refused"]},
                "received_at": {"type": "string", "format": "date-time"},
                "expanded_at": {"type": ["string", "null"], "format": "date-time"},
                "records": {"type": "integer"},
                "repeats": {"type": "integer"},
                "left_out": {"type": "integer", "description": "Records, by the mapping."},
                "messages": {"type": "object", "additionalProperties": {"type": "integer"}},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}},
            }
        ),
        "Listed": _object(
            {
                "file": {"type": "string"},
                "why": _TEXT,
                "warnings_left_out": {"type": "integer"},
                "groups": {"type": "array", "items": {"$ref": "#/components/schemas/Group"}},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}},
            }
        ),
        "Group": _object(
            {
                "code": {"type": "string"},
                "severity": {"enum": ["error", "warning"]},
                "field": _NULL_TEXT,
                "column": _NULL_TEXT,
                "count": {"type": "integer"},
                "values": {
                    "type": "array",
                    "description": "The most frequent forms of what stands there, digits as 9.",
                    "items": _object({"form": {"type": "string"}, "count": {"type": "integer"}}),
                },
                "places": {
                    "type": "array",
                    "description": "The first few: as `source`, with the `dossier`.",
                    "items": {"type": "object"},
                },
                "message": _TEXT,
                "suggestion": {"oneOf": [_TEXT, {"type": "null"}]},
            }
        ),
        "Health": _object({"status": {"enum": ["ok", "failed"]}, "checks": {"type": "object"}}),
        "Problem": {
            "type": "object",
            "description": "RFC 9457.",
            "required": ["type", "title", "status", "code", "message"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "message": _TEXT,
                "suggestion": _TEXT,
            },
        },
    }


def _result() -> dict[str, Any]:
    return _object(
        {
            "id": {"type": "string", "description": "The same however often it is told."},
            "kind": {"enum": list(KINDS)},
            "at": {"type": "string", "format": "date-time"},
            "agency": {"type": "string"},
            "submission": _NULL_TEXT,
            "key": _NULL_TEXT,
            "again": {"type": "boolean", "description": "Of received: a repeated hand-over."},
            "file": _NULL_TEXT,
            "record": _NULL_NUMBER,
            "item": _NULL_NUMBER,
            "dossier": _NULL_TEXT,
            "message_id": _NULL_TEXT,
            "event_key": _NULL_TEXT,
            "state": _NULL_TEXT,
            "reason": _NULL_TEXT,
            "reason_vi": _NULL_TEXT,
            "receipt": {
                "description": "Of receipt, and of received again: ours, for what you sent "
                "(docs/doors.md); else the portal's, for what was delivered.",
                "oneOf": [
                    _object({"document": {"type": "string"}, "digest": {"type": "string"}}),
                    {"type": "null"},
                ],
            },
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}

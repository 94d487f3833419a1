"""
What somebody with the operator's key can forge by rows that nobody sealed.

Anybody can write such a row, so it may speak for nothing: where a sealed row says otherwise the
pack is false, and where no sealed row says it the pack proves too little.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lienthong.testing.evidence_forgeries import edit, put_rows, redigested, rows_in, unsigned
from lienthong.testing.evidence_site import AGENCY, MADE_AT, NEIGHBOUR
from lienthong.testing.evidence_workshop import MANIFEST, name_in
from signing import XadesSigner

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.testing.evidence_workshop import Files, Workshop

DOWN, UP = "inbound", "DongBoHoSoMC"
LATER = "2026-03-02T07:00:00.000000+00:00"


def _message(values: Any, *, agency: str = AGENCY, packet: str = UP) -> Any:
    wanted = (agency, packet)
    return next(one for one in values["messages"] if (one["agency"], one["packet"]) == wanted)


def _read(files: Files) -> Any:
    return json.loads(files[MANIFEST])


def _add_unsealed(
    files: Files,
    like: tuple[str, str],
    *,
    old: str = "",
    new: str = "",
    instead: bool = False,
    **head: object,
) -> None:
    """
    Put a row that nobody sealed first.

    Args:
        files: Of the pack.
        like: Subject and action of a row that is there, which it is like.
        old: A text in its details.
        new: What stands there in its place.
        instead: Leave the row out that it is like.
        head: What else is other.
    """
    rows = rows_in(files)
    row = next(one for one in rows if (one["subject"], one["action"]) == like)
    if instead:
        rows.remove(row)
    nobodys = row | {"row": 10**6, "seal": None, "path": None} | head
    put_rows(files, [redigested(nobodys, detail=row["detail"].replace(old, new)), *rows])
    edit(files, lambda values: values["audit"].update(rows=len(rows) + 1))


def _digest(files: Files, name: str) -> str:
    return sha256(files[name]).hexdigest()


# --- of what went to the portal -----------------------------------------------------------------


def _document(shop: Workshop, files: Files) -> None:
    """Have the agency's key sign again: it lies with the operator."""
    name = name_in(files, "document.xml")
    old = _digest(files, name)
    files[name] = XadesSigner(shop.agency).sign(unsigned(files[name]), signed_at=MADE_AT)
    new = _digest(files, name)
    edit(files, lambda values: _message(values)["document"].update(sha256=new))
    _add_unsealed(files, (_message(_read(files))["id"], "message.ready"), old=old, new=new)


def _receipt(shop: Workshop, files: Files) -> None:
    name = name_in(files, "/receipt.xml")
    old = _digest(files, name)
    files[name] = XadesSigner(shop.operator).sign(unsigned(files[name]), signed_at=MADE_AT)
    like = (_message(_read(files))["id"], "message.delivered")
    _add_unsealed(files, like, old=old, new=_digest(files, name))


def _own_receipt(shop: Workshop, files: Files) -> None:
    name = name_in(files, "receipt-received.xml")
    old = _digest(files, name)
    files[name] = XadesSigner(shop.operator).sign(unsigned(files[name]), signed_at=MADE_AT)
    like = (_read(files)["submissions"][0]["id"], "receipt.made")
    _add_unsealed(files, like, old=old, new=_digest(files, name))


def _proof(_shop: Workshop, files: Files) -> None:
    edit(files, lambda values: _message(values).update(proof="query"))
    like = (_message(_read(files))["id"], "message.delivered")
    _add_unsealed(files, like, old='"proof":"receipt"', new='"proof":"query"')


def _delivery(_shop: Workshop, files: Files) -> None:
    _add_unsealed(files, (_message(_read(files))["id"], "message.delivered"), instead=True)


def _attachments(_shop: Workshop, files: Files) -> None:
    """Say that files were there before it was sent: numbers of rows without a seal are free."""
    name = "messages/attachments.json"
    files[name] = b"[]"
    edit(files, lambda values: _message(values).update(attachments=name))
    rows = rows_in(files)
    forged = rows[0] | {"row": 0, "seal": None, "path": None, "action": "message.files_complete"}
    forged |= {"subject": _message(_read(files))["id"]}
    detail = json.dumps({"files": 1, "bytes": 1, "manifest": _digest(files, name)})
    put_rows(files, [redigested(forged, detail=detail), *rows])
    edit(files, lambda values: values["audit"].update(rows=len(rows) + 1))


# --- of what came down, and was shared ----------------------------------------------------------


def _down(files: Files) -> str:
    return str(_message(_read(files), packet=DOWN)["id"])


def _file(_shop: Workshop, files: Files) -> None:
    document = _message(_read(files), packet=DOWN)["document"]
    files[document["file"]] += b"1;2;3\r\n"
    new = _digest(files, document["file"])
    edit(files, lambda values: _message(values, packet=DOWN)["document"].update(sha256=new))
    _add_unsealed(files, (_down(files), "message.ready"), old=document["sha256"], new=new)


def _attempt(files: Files, **changes: object) -> None:
    edit(files, lambda values: _message(values, packet=DOWN)["attempts"][0].update(changes))


def _attempt_moved(_shop: Workshop, files: Files) -> None:
    _attempt(files, started_at=LATER)
    _add_unsealed(files, (_down(files), "message.sending"), instead=True, at=LATER)


def _attempt_added(_shop: Workshop, files: Files) -> None:
    def add(values: Any) -> None:
        attempts = _message(values, packet=DOWN)["attempts"]
        more = {"number": 2, "started_at": LATER, "answer": None, "headers": None, "proof": None}
        attempts.append(attempts[0] | more)

    edit(files, add)
    _add_unsealed(files, (_down(files), "message.sending"), at=LATER)


def _outcome(_shop: Workshop, files: Files) -> None:
    words = "taken by its hook (HTTP 200)"
    old = _message(_read(files), packet=DOWN)["attempts"][0]["detail"]
    _attempt(files, detail=words)
    _add_unsealed(files, (_down(files), "message.delivered"), old=old, new=words, instead=True)


def _terms(_shop: Workshop, files: Files) -> None:
    def share_in(values: Any) -> Any:
        id_ = _message(values, agency=NEIGHBOUR, packet=DOWN)["submission"]
        return next(one for one in values["submissions"] if one["id"] == id_)

    share = share_in(_read(files))
    name, old = share["shared"]["file"], share["shared"]["terms"]
    files[name] = files[name].replace(b"ChuHoSo", b"DiaChi", 1)
    new = _digest(files, name)
    edit(files, lambda values: share_in(values)["shared"].update(terms=new))
    _add_unsealed(files, (share["id"], "submission.received"), old=old, new=new)


UNSEALED: dict[str, tuple[str, tuple[str, ...], Callable[[Workshop, Files], None]]] = {
    "document-and-unsealed-row": (
        "the document signed again with the agency's key, and a row of it that nobody sealed",
        ("document.other_than_logged",),
        _document,
    ),
    "receipt-and-unsealed-row": (
        "a receipt that the operator's key signed, and a row of it that nobody sealed",
        ("receipt.other_than_logged",),
        _receipt,
    ),
    "own-receipt-and-unsealed-row": (
        "the operator's receipt signed anew, and a row of it that nobody sealed",
        ("operator_receipt.other_than_logged",),
        _own_receipt,
    ),
    "proof-and-unsealed-row": (
        "what proved the delivery, and a row of it that nobody sealed: too little is proven",
        (),
        _proof,
    ),
    "delivery-unsealed": (
        "that it was delivered only a row says that nobody sealed: too little is proven",
        (),
        _delivery,
    ),
    "attachments-and-unsealed-row": (
        "a manifest of attachments, and a row of it that nobody sealed: too little is proven",
        (),
        _attachments,
    ),
}

DOWN_UNSEALED: dict[str, tuple[str, tuple[str, ...], Callable[[Workshop, Files], None]]] = {
    "file-and-unsealed-row": (
        "the agency's file, its digest, and a row of it that nobody sealed",
        ("document.other_than_logged",),
        _file,
    ),
    "terms-and-unsealed-row": (
        "the sharing profile, its digest, and a row of it that nobody sealed, before the others",
        ("sharing.terms_differ",),
        _terms,
    ),
    "attempt-moved-and-unsealed-row": (
        "the time of an attempt, and its row, which nobody sealed: too little is proven",
        (),
        _attempt_moved,
    ),
    "attempt-added-and-unsealed-row": (
        "an attempt more, and a row of it that nobody sealed: too little is proven",
        (),
        _attempt_added,
    ),
    "outcome-and-unsealed-row": (
        "how it was taken, and the row of that, which nobody sealed: too little is proven",
        (),
        _outcome,
    ),
}

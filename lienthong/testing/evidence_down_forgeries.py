"""
What somebody with the operator's key can forge of what came down and of what was shared.

A file for an agency has no signature: what keeps it as it was is the log, and so the witness.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lienthong.testing.evidence_forgeries import edit, put_rows, reseal, rewrite_log, rows_in
from lienthong.testing.evidence_site import AGENCY, NEIGHBOUR
from lienthong.testing.evidence_workshop import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.testing.evidence_workshop import Files, Workshop

DOWN, UP = "inbound", "DongBoHoSoMC"


def _message(values: Any, *, agency: str = AGENCY, packet: str = DOWN) -> Any:
    wanted = (agency, packet)
    return next(one for one in values["messages"] if (one["agency"], one["packet"]) == wanted)


def _submission(values: Any, *, agency: str = AGENCY, packet: str = DOWN) -> Any:
    id_ = _message(values, agency=agency, packet=packet)["submission"]
    return next(one for one in values["submissions"] if one["id"] == id_)


def _read(files: Files) -> Any:
    return json.loads(files[MANIFEST])


def _file_changed(_shop: Workshop, files: Files) -> None:
    files[_message(_read(files))["document"]["file"]] += b"1;2;3\r\n"


def _file_digest_changed(shop: Workshop, files: Files) -> None:
    _file_changed(shop, files)
    digest = sha256(files[_message(_read(files))["document"]["file"]]).hexdigest()
    edit(files, lambda values: _message(values)["document"].update(sha256=digest))


def _file_and_log(shop: Workshop, files: Files) -> None:
    old = _message(_read(files))["document"]["sha256"]
    _file_digest_changed(shop, files)
    rewrite_log(files, old, _message(_read(files))["document"]["sha256"])
    reseal(files, key=shop.operator)


def _original_changed(_shop: Workshop, files: Files) -> None:
    name = _submission(_read(files))["file"]
    files[name] = files[name].replace(b"<ChuHoSo>", b"<ChuHoSo>1", 1)


def _original_digest_changed(shop: Workshop, files: Files) -> None:
    _original_changed(shop, files)
    digest = sha256(files[_submission(_read(files))["file"]]).hexdigest()
    edit(files, lambda values: _submission(values).update(sha256=digest))


def _made_of_another(_shop: Workshop, files: Files) -> None:
    other = _submission(_read(files), agency=NEIGHBOUR)["id"]
    edit(files, lambda values: _message(values).update(submission=other))


def _mapping_changed(_shop: Workshop, files: Files) -> None:
    edit(files, lambda values: _message(values).update(mapping="land-registration@1 sha256:00"))


def _sender_changed(_shop: Workshop, files: Files) -> None:
    edit(files, lambda values: _submission(values).update(sender="tax"))


def _received_removed(_shop: Workshop, files: Files) -> None:
    """Take out the row that says that something came down; what is left proves too little."""
    id_ = _submission(_read(files))["id"]
    rows = [
        row
        for row in rows_in(files)
        if (row["subject"], row["action"]) != (id_, "submission.received")
    ]
    put_rows(files, rows)
    edit(files, lambda values: values["audit"].update(rows=len(rows)))


def _attempt_removed(_shop: Workshop, files: Files) -> None:
    edit(files, lambda values: _message(values)["attempts"].clear())


def _attempt_moved(_shop: Workshop, files: Files) -> None:
    at = "2026-03-02T07:00:00.000000+00:00"
    edit(files, lambda values: _message(values)["attempts"][0].update(started_at=at))


def _outcome_changed(_shop: Workshop, files: Files) -> None:
    words = "taken by its hook (HTTP 200)"
    edit(files, lambda values: _message(values)["attempts"][0].update(detail=words))


def _delivery_denied(_shop: Workshop, files: Files) -> None:
    edit(files, lambda values: _message(values).update(state="parked", proof=None))


def _signature_evaded(_shop: Workshop, files: Files) -> None:
    """Say of another document than the signed one that it went to an agency, which signs none."""
    name = _message(_read(files), packet=UP)["document"]["file"]
    files[name] = b"another"

    def change(values: Any) -> None:
        message = _message(values, packet=UP)
        message.update(packet=DOWN, receipt=None)
        message["document"]["sha256"] = sha256(b"another").hexdigest()

    edit(files, change)


def _terms_changed(_shop: Workshop, files: Files) -> None:
    name = _submission(_read(files), agency=NEIGHBOUR)["shared"]["file"]
    files[name] = files[name].replace(b"ChuHoSo", b"DiaChi", 1)


def _terms_digest_changed(shop: Workshop, files: Files) -> None:
    _terms_changed(shop, files)
    name = _submission(_read(files), agency=NEIGHBOUR)["shared"]["file"]
    digest = sha256(files[name]).hexdigest()
    edit(files, lambda values: _submission(values, agency=NEIGHBOUR)["shared"].update(terms=digest))


def _terms_hidden(_shop: Workshop, files: Files) -> None:
    edit(
        files,
        lambda values: _submission(values, agency=NEIGHBOUR).update(shared=None, door="folder"),
    )


def _share(shop: Workshop, files: Files, change: Callable[[bytes], bytes]) -> None:
    """Have shared something else, and the log written anew around it."""
    submission = _submission(_read(files), agency=NEIGHBOUR)
    name, old = submission["file"], submission["sha256"]
    files[name] = change(files[name])
    new = sha256(files[name]).hexdigest()
    edit(files, lambda values: _submission(values, agency=NEIGHBOUR).update(sha256=new))
    rewrite_log(files, old, new)
    reseal(files, key=shop.operator)


def _shared_too_much(shop: Workshop, files: Files) -> None:
    more = b"<SoDienThoai>0900000042</SoDienThoai></HoSo>"
    _share(shop, files, lambda data: data.replace(b"</HoSo>", more))


def _shared_unmasked(shop: Workshop, files: Files) -> None:
    _share(shop, files, lambda data: data.replace(b"<ChuHoSo>*", b"<ChuHoSo>T"))


def _shared_something_else(shop: Workshop, files: Files) -> None:
    _share(shop, files, lambda data: data.replace(b"<TrangThaiHoSo>", b"<TrangThaiHoSo>1"))


def _shares_without_end(_shop: Workshop, files: Files) -> None:
    """Name a share so often that comparing each with its document would take hours."""

    def change(values: Any) -> None:
        share = _submission(values, agency=NEIGHBOUR)
        bare = share | {"file": None, "records": {}, "receipts": {}}
        bare["shared"] = share["shared"] | {"file": None}
        values["submissions"] += [bare | {"id": f"share-{number}"} for number in range(2_000)]

    edit(files, change)


DOWN_FORGERIES: dict[str, tuple[str, tuple[str, ...], Callable[[Workshop, Files], None]]] = {
    "file-changed": ("the file for the agency", ("document.changed",), _file_changed),
    "file-digest-changed": (
        "the file for the agency, and its digest in manifest.json",
        ("document.other_than_logged",),
        _file_digest_changed,
    ),
    "file-and-log": (
        "the file for the agency, and the log written anew around it",
        ("seal.other_than_witness",),
        _file_and_log,
    ),
    "original-changed": ("what came down", ("source.changed",), _original_changed),
    "original-digest-changed": (
        "what came down, and its digest in manifest.json",
        ("source.other_than_logged",),
        _original_digest_changed,
    ),
    "made-of-another": (
        "of which message the file was made",
        ("handed.of_another",),
        _made_of_another,
    ),
    "mapping-changed": (
        "by which mapping the file was made",
        ("handed.mapping_differs",),
        _mapping_changed,
    ),
    "sender-changed": ("from whom it came", ("sender.other_than_logged",), _sender_changed),
    "received-removed": (
        "the row that says that something came down is gone, and not counted: too little is proven",
        (),
        _received_removed,
    ),
    "attempt-removed": ("an attempt is gone", ("attempts.other_than_logged",), _attempt_removed),
    "attempt-moved": (
        "the time of an attempt",
        ("attempts.other_than_logged",),
        _attempt_moved,
    ),
    "outcome-changed": (
        "how it was taken",
        ("attempts.outcome_differs",),
        _outcome_changed,
    ),
    "delivery-denied": (
        "what was handed over is said to be parked",
        ("message.state_differs",),
        _delivery_denied,
    ),
    "signature-evaded": (
        "a document without a signature, said to have gone to an agency",
        ("message.direction_differs",),
        _signature_evaded,
    ),
    "terms-changed": ("the sharing profile", ("sharing.terms_changed",), _terms_changed),
    "terms-digest-changed": (
        "the sharing profile, and its digest in manifest.json",
        ("sharing.terms_differ",),
        _terms_digest_changed,
    ),
    "terms-hidden": (
        "what was shared is said to have come through another door",
        ("sender.other_than_logged",),
        _terms_hidden,
    ),
    "shared-too-much": (
        "a field more than the profile names, and the log written anew",
        ("seal.other_than_witness", "sharing.beyond_terms"),
        _shared_too_much,
    ),
    "shared-unmasked": (
        "a field that was to be masked, and the log written anew",
        ("seal.other_than_witness", "sharing.unmasked"),
        _shared_unmasked,
    ),
    "shares-without-end": (
        "more shares than anybody can check",
        ("manifest.too_many_shares",),
        _shares_without_end,
    ),
    "shared-something-else": (
        "another value than in the signed document, and the log written anew",
        ("seal.other_than_witness", "sharing.other_than_document"),
        _shared_something_else,
    ),
}

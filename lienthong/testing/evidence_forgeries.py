"""
What somebody can forge who has the operator's key: the container's signature is right.

What he cannot make are the agency's and the portal's signatures, and the seal that a witness has.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from lienthong.evidence.merkle import path_of, root_of
from lienthong.evidence.seals import SealBody, hash_row
from lienthong.store.audit import digest_detail, digest_row
from lienthong.testing.evidence_site import MADE_AT
from lienthong.testing.evidence_workshop import MANIFEST, contents, flip, name_in
from signing import XadesSigner, read_signer, sign_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.testing.evidence_workshop import Files, Workshop
    from signing import SigningKey

ROWS = "audit/rows.jsonl"
SEALS = "audit/seals.jsonl"
CHAIN = "audit/chain.jsonl"


def edit(files: Files, change: Callable[[Any], object]) -> None:
    """Change manifest.json."""
    values = json.loads(files[MANIFEST])
    change(values)
    files[MANIFEST] = json.dumps(values).encode()


def rows_in(files: Files) -> list[dict[str, Any]]:
    """Return the rows of the log."""
    return [json.loads(line) for line in files[ROWS].splitlines()]


def put_rows(files: Files, rows: list[dict[str, Any]]) -> None:
    """Put rows of the log in place of those that are there."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    files[ROWS] = "".join(lines).encode()


def redigested(row: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Return a row with changes, whose digest is right."""
    new = row | changes
    of_detail = digest_detail(bytes.fromhex(new["salt"]), new["detail"])
    digest = digest_row(
        datetime.fromisoformat(new["at"]), new["actor"], new["action"], new["subject"], of_detail
    )
    return new | {"digest": digest.hex()}


def _set_document(files: Files, document: bytes, *, also_in_log: bool = False) -> None:
    """Put another document in, with its digest in manifest.json, and in the log if asked."""
    name = name_in(files, "document.xml")
    digest = sha256(document).hexdigest()
    old = sha256(files[name]).hexdigest()
    files[name] = document

    def change(values: Any) -> None:
        values["messages"][0]["document"]["sha256"] = digest

    edit(files, change)
    if also_in_log:
        rewrite_log(files, old, digest)


def rewrite_log(files: Files, old: str, new: str) -> None:
    """Put another text in place of one in the details of the log; the digests are right."""
    rows = [
        redigested(row, detail=row["detail"].replace(old, new)) if old in row["detail"] else row
        for row in rows_in(files)
    ]
    put_rows(files, rows)


def _document_changed(_shop: Workshop, files: Files) -> None:
    document = files[name_in(files, "document.xml")]
    _set_document(files, document.replace(b"<MaHoSo>", b"<MaHoSo>1", 1))


def _log_rewritten(shop: Workshop, files: Files) -> None:
    """Write the whole log anew around another document: right in itself, and against a witness."""
    document = XadesSigner(shop.stranger).sign(
        unsigned(files[name_in(files, "document.xml")]), signed_at=MADE_AT
    )
    _set_document(files, document, also_in_log=True)
    reseal(files, key=shop.operator)


def unsigned(document: bytes) -> bytes:
    """Return a document without its signature."""
    start, end = document.index(b"<ds:Signature "), document.index(b"</ds:Signature>") + 15
    return document[:start] + document[end:]


def reseal(files: Files, *, key: SigningKey) -> None:
    """Make one seal of one's own over exactly the rows that are there, and no other."""
    rows = rows_in(files)
    leaves = [hash_row(row["row"], bytes.fromhex(row["digest"])) for row in rows]
    first = json.loads(json.loads(files[SEALS].splitlines()[0])["body"])
    body = SealBody(
        **first
        | {
            "entries": len(rows),
            "first": rows[0]["row"],
            "last": rows[-1]["row"],
            "total": len(rows),
            "root": root_of(leaves).hex(),
        }
    ).write()
    put_rows(
        files,
        [
            row
            | {
                "seal": first["number"],
                "index": index,
                "path": [one.hex() for one in path_of(index, leaves)],
            }
            for index, row in enumerate(rows)
        ],
    )
    signer = read_signer(key.certificate).fingerprint
    signature = b64encode(sign_bytes(key, body.encode())).decode()
    line = {"body": body, "signature": signature, "signer": signer}
    files[SEALS] = json.dumps(line).encode() + b"\n"
    files[CHAIN] = json.dumps({"body": body}).encode() + b"\n"
    pem = key.certificate.public_bytes(Encoding.PEM)
    files[f"certificates/seal-signer-{signer[:16]}.pem"] = pem

    # A time-stamp over the old seal would only give it away.
    for name in [name for name in files if name.endswith(".tsr")]:
        del files[name]

    def change(values: Any) -> None:
        values["seal_signers"] = [f"certificates/seal-signer-{signer[:16]}.pem"]
        values["audit"]["stamps"] = {}

    edit(files, change)


def _receipt_swapped(shop: Workshop, files: Files) -> None:
    others = contents(shop.other)
    files[name_in(files, "/receipt.xml")] = others[name_in(others, "/receipt.xml")]


def _receipt_forged(shop: Workshop, files: Files) -> None:
    """Sign a receipt for these very bytes with the key of who sent them."""
    name = name_in(files, "/receipt.xml")
    receipt = unsigned(files[name])
    files[name] = XadesSigner(shop.agency).sign(receipt, signed_at=MADE_AT)


def _receipt_forged_and_logged(shop: Workshop, files: Files) -> None:
    name = name_in(files, "/receipt.xml")
    old = sha256(files[name]).hexdigest()
    _receipt_forged(shop, files)
    rewrite_log(files, old, sha256(files[name]).hexdigest())
    reseal(files, key=shop.operator)


def _answer_changed(_shop: Workshop, files: Files) -> None:
    files[name_in(files, "-answer")] += b" "


def _own_receipt_swapped(shop: Workshop, files: Files) -> None:
    others = contents(shop.other)
    ending = "receipt-received.xml"
    files[name_in(files, ending)] = others[name_in(others, ending)]


def _receipt_changed(_shop: Workshop, files: Files) -> None:
    name = name_in(files, "/receipt.xml")
    files[name] = files[name].replace(b"<ThoiDiemNhan>2026", b"<ThoiDiemNhan>2025", 1)


def _document_of_another(shop: Workshop, files: Files) -> None:
    others = contents(shop.other)
    _set_document(files, others[name_in(others, "document.xml")], also_in_log=True)
    reseal(files, key=shop.operator)


def _document_unsigned(shop: Workshop, files: Files) -> None:
    document = unsigned(files[name_in(files, "document.xml")])
    _set_document(files, document, also_in_log=True)
    reseal(files, key=shop.operator)


def _document_wrapped(shop: Workshop, files: Files) -> None:
    """Put the signed document into another one that says something else."""
    document = files[name_in(files, "document.xml")]
    start = document.index(b">") + 1
    head = document[:start].replace(b'Id="', b'Id="x')
    inner = b"<BanTin Id=" + document.partition(b" Id=")[2]
    wrapped = head + b"<MaBanTin>1</MaBanTin>" + inner + b"</BanTin>"
    _set_document(files, wrapped, also_in_log=True)
    reseal(files, key=shop.operator)


def _row_changed(_shop: Workshop, files: Files) -> None:
    first, *rest = rows_in(files)
    put_rows(files, [first | {"actor": "tess"}, *rest])


def _row_redigested(_shop: Workshop, files: Files) -> None:
    first, *rest = rows_in(files)
    put_rows(files, [redigested(first, actor="tess"), *rest])


def _row_added(_shop: Workshop, files: Files) -> None:
    rows = rows_in(files)
    put_rows(files, [*rows, redigested(rows[-1], actor="an") | {"row": 999}])


def _row_twice(_shop: Workshop, files: Files) -> None:
    rows = rows_in(files)
    put_rows(files, [*rows, rows[0]])


def _row_removed(_shop: Workshop, files: Files) -> None:
    put_rows(files, rows_in(files)[:-1])


def _delivery_removed(_shop: Workshop, files: Files) -> None:
    rows = [row for row in rows_in(files) if row["action"] != "message.delivered"]
    put_rows(files, rows)

    def change(values: Any) -> None:
        values["audit"]["rows"] = len(rows)

    edit(files, change)


def _proof_changed(_shop: Workshop, files: Files) -> None:
    first, *rest = rows_in(files)
    path = ["00" * 32, *first["path"][1:]]
    put_rows(files, [first | {"path": path}, *rest])


def _index_changed(_shop: Workshop, files: Files) -> None:
    first, *rest = rows_in(files)
    put_rows(files, [first | {"index": first["index"] + 1}, *rest])


def _seal_changed(_shop: Workshop, files: Files) -> None:
    files[SEALS] = files[SEALS].replace(b'\\"at\\":\\"2026', b'\\"at\\":\\"2025', 1)


def _seal_by_stranger(shop: Workshop, files: Files) -> None:
    reseal(files, key=shop.stranger)


def _chain_changed(_shop: Workshop, files: Files) -> None:
    head, _, rest = files[CHAIN].partition(b"\n")
    at, entries, *more = json.loads(rest.splitlines()[0])
    files[CHAIN] = head + b"\n" + json.dumps([at, entries + 1, *more]).encode() + b"\n"


def _chain_cut(_shop: Workshop, files: Files) -> None:
    files[CHAIN] = files[CHAIN].partition(b"\n")[0] + b"\n"


def _stamp_swapped(shop: Workshop, files: Files) -> None:
    others = contents(shop.other)
    files[name_in(files, ".tsr")] = others[name_in(others, ".tsr")]


def _stamp_changed(_shop: Workshop, files: Files) -> None:
    name = name_in(files, ".tsr")
    files[name] = files[name].replace(f"{MADE_AT:%Y%m%d%H}".encode(), b"2025010108", 1)


def _stamp_garbage(_shop: Workshop, files: Files) -> None:
    files[name_in(files, ".tsr")] = b"\x30\x84\xff\xff\xff\xff"


def _source_changed(_shop: Workshop, files: Files) -> None:
    name = name_in(files, "/source")
    files[name] = flip(files[name])


def _source_digest_changed(_shop: Workshop, files: Files) -> None:
    _source_changed(_shop, files)
    digest = sha256(files[name_in(files, "/source")]).hexdigest()

    def change(values: Any) -> None:
        values["submissions"][0]["sha256"] = digest

    edit(files, change)


def _submission_left_out(_shop: Workshop, files: Files) -> None:
    """Have no mention of what the message came from, and none of its files."""
    for name in [name for name in files if name.startswith("submissions/")]:
        del files[name]
    edit(files, lambda values: values["submissions"].clear())


def _manifest_deep(_shop: Workshop, files: Files) -> None:
    edit(files, lambda values: values.update(messages=["x"]))


FORGERIES: dict[str, tuple[str, tuple[str, ...], Callable[[Workshop, Files], None]]] = {
    "document-changed": (
        "another document, with its digest in manifest.json",
        ("document.other_than_logged",),
        _document_changed,
    ),
    "log-rewritten": (
        "another document, and the log written anew around it, rows, proofs and seals",
        ("certificate.untrusted", "receipt.of_another", "seal.other_than_witness"),
        _log_rewritten,
    ),
    "document-of-another": (
        "the document of another dossier, and the log written anew",
        ("document.of_another", "seal.other_than_witness"),
        _document_of_another,
    ),
    "document-unsigned": (
        "the document without its signature, and the log written anew",
        ("seal.other_than_witness", "signature.not_single"),
        _document_unsigned,
    ),
    "document-wrapped": (
        "the signed document inside another one, and the log written anew",
        ("seal.other_than_witness", "signature.not_single"),
        _document_wrapped,
    ),
    "receipt-swapped": (
        "the receipt of another message",
        ("receipt.of_another",),
        _receipt_swapped,
    ),
    "receipt-forged": (
        "a receipt that the agency's key signed",
        ("receipt.other_than_logged",),
        _receipt_forged,
    ),
    "receipt-forged-and-logged": (
        "a receipt that the agency's key signed, and the log written anew",
        ("receipt.self_signed", "seal.other_than_witness"),
        _receipt_forged_and_logged,
    ),
    "answer-changed": (
        "the portal's answer",
        ("answer.other_than_logged",),
        _answer_changed,
    ),
    "own-receipt-swapped": (
        "the operator's receipt for another file",
        ("operator_receipt.of_another",),
        _own_receipt_swapped,
    ),
    "receipt-changed": (
        "the time in the receipt",
        ("receipt.digest_differs",),
        _receipt_changed,
    ),
    "row-changed": ("a row of the log", ("row.changed",), _row_changed),
    "row-redigested": ("a row and its digest", ("row.proof_wrong",), _row_redigested),
    "row-added": (
        "a row more",
        ("row.count_differs", "row.proof_wrong"),
        _row_added,
    ),
    "row-twice": ("a row twice", ("file.malformed",), _row_twice),
    "row-removed": (
        "a row is gone",
        ("row.count_differs",),
        _row_removed,
    ),
    "delivery-removed": (
        "the row of the delivery is gone, and not counted",
        ("message.delivery_not_logged",),
        _delivery_removed,
    ),
    "proof-changed": ("the path of a row", ("row.proof_wrong",), _proof_changed),
    "index-changed": ("the place of a row", ("row.proof_wrong",), _index_changed),
    "seal-changed": (
        "the time in a seal",
        ("chain.broken", "seal.other_than_witness", "seal.signature_wrong", "stamp.of_another"),
        _seal_changed,
    ),
    "seal-by-stranger": (
        "rows sealed anew by a key under another root",
        ("seal.other_than_witness", "seal.signer_untrusted"),
        _seal_by_stranger,
    ),
    "chain-changed": ("a seal of the chain", ("chain.broken",), _chain_changed),
    "chain-cut": ("the end of the chain is gone", ("chain.broken",), _chain_cut),
    "stamp-swapped": (
        "the time-stamp of another seal",
        ("stamp.of_another",),
        _stamp_swapped,
    ),
    "stamp-changed": ("the time in a time-stamp", ("stamp.signature_wrong",), _stamp_changed),
    "stamp-garbage": ("a time-stamp that is none", ("stamp.unreadable",), _stamp_garbage),
    "source-changed": ("the source", ("source.changed",), _source_changed),
    "source-digest-changed": (
        "the source, and its digest in manifest.json",
        ("operator_receipt.of_another", "source.other_than_logged"),
        _source_digest_changed,
    ),
    "submission-left-out": (
        "what the message came from is not there: too little is proven",
        (),
        _submission_left_out,
    ),
    "manifest-malformed": (
        "a manifest of another shape",
        ("file.malformed",),
        _manifest_deep,
    ),
}

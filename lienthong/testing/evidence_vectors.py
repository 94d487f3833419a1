"""
Evidence packs to test verifiers with: one that is right, and every way to tamper with it.

Three attackers. The first has a pack and no key. The second has the operator's key (`forgeries`).
The third has a key of his own, under no root that anybody trusts, or only for another use.
"""

from __future__ import annotations

import json
import struct
import warnings
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from cryptography.hazmat.primitives.serialization import Encoding

from lienthong.testing.evidence_down_forgeries import DOWN_FORGERIES
from lienthong.testing.evidence_forgeries import FORGERIES, ROWS, SEALS, reseal
from lienthong.testing.evidence_unsealed import DOWN_UNSEALED, UNSEALED
from lienthong.testing.evidence_workshop import MANIFEST, contents, flip, name_in
from signing import SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lienthong.testing.evidence_workshop import Files, Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One pack, and what every verifier must say of it."""

    name: str
    about: str
    """What was done to it."""
    pack: bytes
    verdict: str
    """`proven`, `not_proven` or `false`."""
    codes: tuple[str, ...] = ()
    """Everything that is false in it, by code, sorted."""
    with_witness: bool = True
    """Whether the witness's seals are given."""
    with_root: bool = True
    pins_operator: bool = False
    """Whether the operator's certificate is named."""


def make_vectors(shop: Workshop) -> Iterator[Vector]:
    """Give every vector."""
    yield Vector(name="good", about="as it was exported", pack=shop.good, verdict="proven")
    yield Vector(name="good-other", about="of another dossier", pack=shop.other, verdict="proven")
    yield Vector(
        name="good-no-witness",
        about="the same; no witness's seal is given",
        pack=shop.good,
        verdict="proven",
        with_witness=False,
    )
    yield Vector(
        name="good-no-root",
        about="the same; no root is given",
        pack=shop.good,
        verdict="not_proven",
        with_root=False,
    )
    for name, (about, code, spoil) in _WITHOUT_KEY.items():
        pack = spoil(shop)
        yield Vector(name=name, about=about, pack=pack, verdict="false", codes=(code,))
    for name, (about, codes, change) in (FORGERIES | UNSEALED).items():
        files = contents(shop.good)
        change(shop, files)
        yield Vector(
            name=f"operator-{name}",
            about=f"by who has the operator's key: {about}",
            pack=shop.sign(files),
            verdict="false" if codes else "not_proven",
            codes=codes,
        )
    yield from _others(shop)
    yield from _down(shop)


def _down(shop: Workshop) -> Iterator[Vector]:
    """Give packs of a dossier that came down, went up and was shared."""
    yield Vector(
        name="good-down",
        about="of a dossier that came down, went up and was shared; as it was made",
        pack=shop.down,
        verdict="proven",
    )
    for ending, about in (("/file", "the file for the agency"), ("terms.json", "the terms")):
        files = _everything(shop.down)
        name = name_in(files, ending)
        yield Vector(
            name=f"down-{ending.strip('/').partition('.')[0]}-byte",
            about=f"a bit of {about}",
            pack=rezip(files | {name: flip(files[name])}),
            verdict="false",
            codes=("container.file_changed",),
        )
    for name, (about, codes, change) in (DOWN_FORGERIES | DOWN_UNSEALED).items():
        files = contents(shop.down)
        change(shop, files)
        yield Vector(
            name=f"operator-down-{name}",
            about=f"by who has the operator's key: {about}",
            pack=shop.sign(files),
            verdict="false" if codes else "not_proven",
            codes=codes,
        )


def _others(shop: Workshop) -> Iterator[Vector]:
    files = contents(shop.good)
    yield Vector(
        name="stranger-signed",
        about="signed anew by a key under another root",
        pack=shop.sign(files, key=shop.stranger),
        verdict="false",
        codes=("certificate.untrusted",),
    )
    yield Vector(
        name="agency-signed",
        about="signed anew by the agency's key, which leads to the same root; the operator's "
        "certificate is named",
        pack=shop.sign(files, key=shop.agency),
        verdict="false",
        codes=("container.other_signer",),
        pins_operator=True,
    )
    unlisted = files | {"more.txt": b"more"}
    yield Vector(
        name="operator-file-unlisted",
        about="by who has the operator's key: a file that manifest.json does not list",
        pack=shop.sign(unlisted, relist=False),
        verdict="false",
        codes=("manifest.file_unlisted",),
    )
    agencys = contents(shop.good)
    reseal(agencys, key=shop.agency)
    yield Vector(
        name="agency-seals",
        about="seals signed anew by the agency's key; the operator's certificate is named",
        pack=shop.sign(agencys),
        verdict="false",
        codes=("seal.other_signer", "seal.other_than_witness"),
        pins_operator=True,
    )


# --- by who has no key --------------------------------------------------------------------------


def _everything(pack: bytes) -> Files:
    with ZipFile(BytesIO(pack)) as source:
        return {name: source.read(name) for name in source.namelist()}


def rezip(files: Files | list[tuple[str, bytes]], *, first: int = ZIP_STORED) -> bytes:
    """Return a ZIP file of these files, `mimetype` stored unless `first` says otherwise."""
    target = BytesIO()
    pairs = files.items() if isinstance(files, dict) else files
    with ZipFile(target, "w") as archive, warnings.catch_warnings():
        # Of a name that stands twice.
        warnings.simplefilter("ignore")
        for name, content in pairs:
            entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = first if name == "mimetype" else ZIP_DEFLATED
            # What the library refuses to write is what this is for.
            entry.filename = name
            with archive.open(entry, "w") as out:
                out.write(content)
    return target.getvalue()


def _changed(ending: str, change: Callable[[bytes], bytes]) -> Callable[[Workshop], bytes]:
    def spoil(shop: Workshop) -> bytes:
        files = _everything(shop.good)
        name = name_in(files, ending)
        files[name] = change(files[name])
        return rezip(files)

    return spoil


def _from_other(ending: str) -> Callable[[Workshop], bytes]:
    def spoil(shop: Workshop) -> bytes:
        files, others = _everything(shop.good), _everything(shop.other)
        files[name_in(files, ending)] = others[name_in(others, ending)]
        return rezip(files)

    return spoil


def _with(name: str, content: bytes = b"more") -> Callable[[Workshop], bytes]:
    return lambda shop: rezip([*_everything(shop.good).items(), (name, content)])


def _without(ending: str) -> Callable[[Workshop], bytes]:
    def spoil(shop: Workshop) -> bytes:
        files = _everything(shop.good)
        del files[name_in(files, ending)]
        return rezip(files)

    return spoil


def _manifest_remade(shop: Workshop) -> bytes:
    files = _everything(shop.good)
    values = json.loads(files[MANIFEST])
    values["messages"][0]["state"] = "rejected"
    return rezip(files | {MANIFEST: json.dumps(values).encode()})


def _first_row(data: bytes) -> bytes:
    return data.replace(b'"actor":"test"', b'"actor":"tess"', 1)


def _bomb(shop: Workshop) -> bytes:
    """Say in the headers of one file that it unpacks to almost four gibibytes, three times."""
    files = [*_everything(shop.good).items(), *((f"bomb{one}", b"") for one in range(3))]
    data = bytearray(rezip(files))
    for number in range(3):
        name = b"bomb%d" % number
        local, central = data.index(name) - 30, data.rindex(name) - 46
        struct.pack_into("<L", data, local + 22, 0xFFFF_FFF0)
        struct.pack_into("<L", data, central + 24, 0xFFFF_FFF0)
    return bytes(data)


def _headers_differ(shop: Workshop) -> bytes:
    """Name a file otherwise in its own header than in the list."""
    data = bytearray(shop.good)
    place = data.index(b"manifest.json")
    data[place : place + 8] = b"manifesu"
    return bytes(data)


_SECRET = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


def _flip_value(data: bytes) -> bytes:
    start = data.index(b"<ds:SignatureValue>") + 19
    return data[:start] + (b"B" if data[start : start + 1] == b"A" else b"A") + data[start + 1 :]


def _swap_certificate(shop: Workshop) -> bytes:
    files = _everything(shop.good)
    old, new = (
        b64encode(key.certificate.public_bytes(Encoding.DER))
        for key in (shop.operator, shop.agency)
    )
    files[SIGNATURES] = files[SIGNATURES].replace(old, new)
    return rezip(files)


def _damage(pack: bytes) -> bytes:
    """Spoil the compressed bytes of one file and keep its checksum."""
    with ZipFile(BytesIO(pack)) as source:
        entry = source.getinfo("summary.html")
    middle = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    return pack[:middle] + bytes((pack[middle] ^ 0xFF,)) + pack[middle + 1 :]


_WITHOUT_KEY: dict[str, tuple[str, str, Callable[[Workshop], bytes]]] = {
    "source-byte": ("a bit of the source", "container.file_changed", _changed("/source", flip)),
    "document-byte": (
        "a bit of the signed document",
        "container.file_changed",
        _changed("document.xml", flip),
    ),
    "receipt-swapped": (
        "the receipt of another dossier",
        "container.file_changed",
        _from_other("/receipt.xml"),
    ),
    "row-changed": ("a row of the log", "container.file_changed", _changed(ROWS, _first_row)),
    "row-removed": (
        "a row of the log is gone",
        "container.file_changed",
        _changed(ROWS, lambda data: data.partition(b"\n")[2]),
    ),
    "seal-swapped": ("the seals of another pack", "container.file_changed", _from_other(SEALS)),
    "summary-changed": ("the summary", "container.file_changed", _changed("summary.html", flip)),
    "manifest-remade": ("manifest.json", "container.file_changed", _manifest_remade),
    "file-added": ("a file more", "container.file_added", _with("messages/more.xml")),
    "file-removed": ("the receipt is gone", "container.file_removed", _without("/receipt.xml")),
    "signature-of-another": (
        "the signature of another pack",
        "container.file_added",
        _from_other(SIGNATURES),
    ),
    "signature-missing": ("no signature", "file.missing", _without(SIGNATURES)),
    "signature-byte": (
        "the signature's value",
        "signature.value_wrong",
        _changed(SIGNATURES, _flip_value),
    ),
    "signature-doctype": (
        "a signature with a document type and an entity",
        "xml.doctype",
        _changed(SIGNATURES, lambda _: _SECRET),
    ),
    "signature-certificate": (
        "the certificate in the signature",
        "signature.certificate_swapped",
        _swap_certificate,
    ),
    "second-signatures": (
        "a second file of signatures",
        "container.file_added",
        _with("META-INF/signatures2.xml"),
    ),
    "list-differs": (
        "META-INF/manifest.xml names a file that is not there",
        "container.list_differs",
        _changed("META-INF/manifest.xml", lambda data: data.replace(b"receipt", b"riceipt")),
    ),
    "name-twice": ("two files of one name", "container.name_twice", _with(MANIFEST)),
    "name-twice-by-case": (
        "two names that differ in case",
        "container.name_twice",
        _with("Manifest.json"),
    ),
    "name-upwards": ("a name that leads upwards", "container.name_unsafe", _with("../etc/x")),
    "name-absolute": ("a name from the root", "container.name_unsafe", _with("/etc/x")),
    "name-backslash": ("a name with backslashes", "container.name_unsafe", _with("a\\..\\x")),
    "bomb": ("files that say they unpack to 12 GiB", "container.too_large", _bomb),
    "headers-differ": (
        "a file with two names",
        "container.malformed",
        _headers_differ,
    ),
    "bytes-before": ("bytes before it", "container.malformed", lambda shop: b"x" + shop.good),
    "bytes-behind": ("bytes behind it", "container.malformed", lambda shop: shop.good + b"x"),
    "cut-off": ("its end is gone", "container.malformed", lambda shop: shop.good[:-30]),
    "mimetype-packed": (
        "mimetype is compressed",
        "container.malformed",
        lambda shop: rezip(_everything(shop.good), first=ZIP_DEFLATED),
    ),
    "content-damaged": (
        "a bit of a compressed file",
        "file.damaged",
        lambda shop: _damage(shop.good),
    ),
}

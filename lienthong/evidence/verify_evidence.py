"""
Check an evidence pack of Lienthong, alone: `python verify_evidence.py PACK --root root.pem`.

One file for anyone: it needs Python 3.9 or newer, `cryptography` (45 or newer) and `lxml`, no
network, and nothing of Lienthong. It says line by line what is proven, what is not and why, and
what is false. It is written apart from the program that makes packs and shares no code with it.

    exit code 0   everything that must be proven is; what is still open is said
    exit code 1   something is false, or must be proven and is not (no --root, for one)
    exit code 2   it cannot be judged: no such file, a root that is no certificate

What a pack is: an ASiC-E container with XAdES (ETSI EN 319 162-1), whose one signature refers to
every file. In it: signed documents byte for byte, receipts, answers, files that went to agencies
and what they were made of, rows of the audit log with their Merkle paths (RFC 6962) to seals, the
chain of seals, and certificates for information.

    digest of the detail = SHA-256(salt · detail)
    digest of a row      = SHA-256(JSON [at, actor, action, subject] · digest of the detail)
    leaf of a row        = SHA-256(0x00 · number as 8 bytes · digest of the row)
    node of the tree     = SHA-256(0x01 · left · right); a last odd one goes up as it is
    seal                 = canonical JSON with root, number and digest of the seal before; signed

Whoever made the pack chose what is in it. Believe the roots that you bring, and no others.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import struct
import sys
import zipfile
import zlib
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import IO

PACK_TYPES = ("lienthong-evidence/1", "lienthong-evidence/2")
"""The second may have what came down to agencies."""
SEAL_TYPE = "lienthong-seal/1"
DOWN = "inbound"
"""The packet of what went to an agency, as its own file."""
SHARING = "sharing"
"""The door of what one agency shares with another."""
PROGRESS = "CapNhatTienDoHoSoMC"
CONTAINER_TYPE = b"application/vnd.etsi.asic-e+zip"
SIGNATURES = "META-INF/signatures.xml"
ODF_MANIFEST = "META-INF/manifest.xml"
MANIFEST = "manifest.json"
ROWS = "audit/rows.jsonl"
SEALS = "audit/seals.jsonl"
CHAIN = "audit/chain.jsonl"

MIB = 1024 * 1024
MAX_PACK = 2048 * MIB
MAX_CONTENT = 4095 * MIB
"""Of all files together, unpacked; they are never in memory together."""
MAX_FILES = 20_000
MAX_XML = 16 * MIB
MAX_PATH = 300
"""Of the names above a value, in characters; the schemas have three steps."""
MAX_NAMESPACES = 256
MAX_MANIFEST = 16 * MIB
MAX_LINE = MIB
MAX_ROWS = 200_000
MAX_LINES = 64 * MIB
"""Of rows of the log, and of seals besides those of the chain: these are in memory."""
MAX_SHARES = 2_000
MAX_FIELDS = 50_000
"""In what is shared, and in the document that it is of: each share is compared with all of them."""
MAX_CERTIFICATES = 8
MAX_REVOCATION = 20 * MIB
MAX_TOLD = 50
"""Findings of one kind that are told one by one; more are counted."""
SKEW = timedelta(minutes=5)
VIETNAM = timedelta(hours=7)
CHUNK = 256 * 1024

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
ASIC = "http://uri.etsi.org/02918/v1.2.1#"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_HASHES: dict[str, Any] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
METHODS: dict[str, tuple[str, Any]] = {}
"""Signature methods by XML name: kind and hash. What is not named here is not accepted."""
for _size, _hash in _HASHES.items():
    METHODS["http://www.w3.org/2001/04/xmldsig-more#rsa-sha" + _size] = ("rsa", _hash)
    METHODS["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha" + _size] = ("ec", _hash)
    METHODS["http://www.w3.org/2007/05/xmldsig-more#sha" + _size + "-rsa-MGF1"] = ("pss", _hash)
CURVES = ("secp256r1", "secp384r1")
# A certificate with no purpose besides these signs no documents.
OTHER_PURPOSES = frozenset(
    {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
    }
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)

PROVEN, OPEN, FALSE = "proven", "not_proven", "false"

ODD = (
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    ArithmeticError,
    RecursionError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What is raised by values that are not what they should be, wherever they are first used."""


class Refused(Exception):
    """Something is not as it must be; in both languages, with a stable code."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code, self.vi, self.en = code, vi, en


class Unusable(Exception):
    """What was handed in beside the pack cannot be used."""


class Line:
    """One finding: proven, not proven (and why), or false."""

    def __init__(self, kind: str, code: str, vi: str, en: str, essential: bool = False) -> None:
        self.kind, self.code, self.essential = kind, code, essential
        # Names and numbers of the pack stand in the words: nothing that a terminal would obey.
        self.vi, self.en = _visible(vi), _visible(en)


class Report:
    """Everything that was found, in order."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.dossier: str | None = None
        self.trusted: list[tuple[Certificate, list[Certificate], datetime]] = []
        """Who signed what is proven, with who may have issued their certificates, and when."""
        self._told: dict[tuple[str, str], int] = {}

    def add(self, kind: str, code: str, vi: str, en: str, essential: bool = False) -> None:
        """Tell one thing; of very many of one kind the first ones are told."""
        count = self._told[(kind, code)] = self._told.get((kind, code), 0) + 1
        if count <= MAX_TOLD:
            self.lines.append(Line(kind, code, vi, en, essential))
        elif count == MAX_TOLD + 1:
            self.lines.append(Line(kind, code, "… và nữa", "… and more", essential))

    def proven(self, code: str, vi: str, en: str) -> None:
        """Tell what is proven."""
        self.add(PROVEN, code, vi, en)

    def open(self, code: str, vi: str, en: str, essential: bool = False) -> None:
        """Tell what is not proven, and why; `essential`: without it the pack proves too little."""
        self.add(OPEN, code, vi, en, essential)

    def false(self, code: str, vi: str, en: str) -> None:
        """Tell what is false."""
        self.add(FALSE, code, vi, en)

    @property
    def verdict(self) -> str:
        """`proven`, `not_proven` (something essential is open) or `false`."""
        if any(line.kind == FALSE for line in self.lines):
            return FALSE
        return OPEN if any(line.essential for line in self.lines) else PROVEN

    def values(self) -> dict[str, Any]:
        """Return everything for a program."""
        return {
            "dossier": self.dossier,
            "verdict": self.verdict,
            "findings": [
                {"kind": one.kind, "code": one.code, "vi": one.vi, "en": one.en}
                for one in self.lines
            ],
        }


class Means:
    """What the one who checks brings along."""

    def __init__(
        self,
        roots: Iterable[Certificate] = (),
        receipt_roots: Iterable[Certificate] = (),
        stamp_roots: Iterable[Certificate] = (),
        operators: Iterable[str] = (),
        witness: Mapping[int, str] | None = None,
        sources: Iterable[str] = (),
        now: datetime | None = None,
    ) -> None:
        self.roots = list(roots)
        self.receipt_roots = list(receipt_roots)
        self.stamp_roots = list(stamp_roots)
        self.operators = [one.lower().replace(":", "") for one in operators]
        self.witness = dict(witness or {})
        """Number of a seal to its digest, as somebody else remembers it."""
        self.sources = list(sources)
        """SHA-256 of files that the one who checks has."""
        self.now = now or datetime.now(timezone.utc)


def verify(file: IO[bytes], means: Means) -> Report:
    """Check one pack, an open binary file; return a `Report`. Raises nothing for a bad pack."""
    report = Report()
    try:
        pack = Pack(file)
    except Refused as refused:
        report.false(refused.code, refused.vi, refused.en)
        return report
    for step in (_check_container, _check_contents):
        try:
            step(pack, means, report)
        except Refused as refused:
            report.false(refused.code, refused.vi, refused.en)
            break
    return report


# --- the ZIP file -------------------------------------------------------------------------------


class Pack:
    """The files of a pack; nothing is unpacked to disk, no header is believed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        count = _check_end(file)
        try:
            self._zip = zipfile.ZipFile(file)
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise _no_container("its list of files cannot be read") from error
        if len(entries) != count:
            raise _no_container("its list of files has another length than it says")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        _check_entries(file, entries)
        self._entries = {one.filename: one for one in entries}
        if self.read("mimetype", 100) != CONTAINER_TYPE:
            raise _no_container("its mimetype is another one")

    @property
    def names(self) -> list[str]:
        """Every name, in order."""
        return list(self._entries)

    def has(self, name: object) -> bool:
        """Tell whether there is a file of that name."""
        return isinstance(name, str) and name in self._entries

    def chunks(self, name: Any) -> Iterator[bytes]:
        """Give the bytes of a file, piece by piece."""
        if not self.has(name):
            shown = str(name)[:100]
            raise Refused("file.missing", "thiếu tệp " + shown, "the file " + shown + " is missing")
        try:
            with self._zip.open(self._entries[name]) as source:
                while True:
                    piece = source.read(CHUNK)
                    if not piece:
                        return
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise Refused(
                "file.damaged", "tệp " + name + " bị hỏng", "the file " + name + " is damaged"
            ) from error

    def read(self, name: Any, limit: int) -> bytes:
        """Return a whole file of at most `limit` bytes."""
        if self.has(name) and self._entries[name].file_size > limit:
            raise Refused(
                "file.too_large",
                "tệp " + name + " quá lớn",
                "the file " + name + " is larger than " + str(limit) + " bytes",
            )
        return b"".join(self.chunks(name))

    def digest(self, name: Any) -> tuple[bytes, int]:
        """Return the SHA-256 of a file, and its size."""
        found, size = hashlib.sha256(), 0
        for piece in self.chunks(name):
            found.update(piece)
            size += len(piece)
        return found.digest(), size

    def few(self, name: str) -> Iterator[Any]:
        """Give the JSON values of a file that will be in memory together."""
        is_large = self.has(name) and self._entries[name].file_size > MAX_LINES
        for count, values in enumerate(() if is_large else self.records(name)):
            if count == MAX_ROWS:
                is_large = True
                break
            yield values
        if is_large:
            raise Refused("file.too_large", name + " quá dài", name + " is too long")

    def records(self, name: str) -> Iterator[Any]:
        """Give the JSON values of a file, one per line."""
        rest = b""
        for piece in self.chunks(name):
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            if len(rest) > MAX_LINE:
                raise _no_json(name)
            for line in lines:
                yield read_json(line, name)
        if rest:
            yield read_json(rest, name)


def _check_end(file: IO[bytes]) -> int:
    """Check the end record; return how many files there are. Only one reading is possible."""
    size = file.seek(0, 2)
    if size > MAX_PACK:
        raise Refused("container.too_large", "gói quá lớn", "the pack is too large")
    if size < 22:
        raise _no_container("it is too short")
    file.seek(size - 22)
    end = struct.unpack("<4s4H2LH", file.read(22))
    mark, disk, first_disk, here, count, length, start, comment = end
    if mark != b"PK\x05\x06" or disk or first_disk or here != count or comment:
        raise _no_container("it does not end as one")
    if count > MAX_FILES:
        raise Refused("container.too_many_files", "quá nhiều tệp", "it has too many files")
    if start + length != size - 22:
        raise _no_container("something stands before, behind or between its parts")
    return int(count)


def _check_entries(file: IO[bytes], entries: list[zipfile.ZipInfo]) -> None:
    """Check every header of the file against its twin, and that nothing lies between the files."""
    seen, position, total = set(), 0, 0
    if not entries or entries[0].orig_filename != "mimetype" or entries[0].compress_type:
        raise _no_container("mimetype must come first and be stored as it is")
    for entry in entries:
        name = entry.orig_filename
        if not NAME.fullmatch(name) or len(name) > 200 or entry.filename != name:
            raise Refused(
                "container.name_unsafe",
                "tên tệp không an toàn: " + ascii(name)[:100],
                "a name of a file is not safe: " + ascii(name)[:100],
            )
        if name.lower() in seen:
            raise Refused(
                "container.name_twice",
                "hai tệp cùng tên " + name,
                "two files have the name " + name,
            )
        seen.add(name.lower())
        total += entry.file_size
        if total > MAX_CONTENT:
            raise Refused(
                "container.too_large",
                "nội dung giải nén quá lớn",
                "what it unpacks to is too large",
            )
        file.seek(position)
        head = file.read(30 + len(name))
        if len(head) < 30 + len(name) or entry.header_offset != position:
            raise _no_container("its files do not follow each other")
        mark, _, flags, method, _, _, crc, packed, size, _, extra = struct.unpack(
            "<4s5H3L2H", head[:30]
        )
        twin = (entry.flag_bits, entry.compress_type, entry.CRC, entry.compress_size)
        if (
            mark != b"PK\x03\x04"
            or (flags, method, crc, packed) != twin
            or size != entry.file_size
            or head[30:] != name.encode("ascii")
            or (flags, extra, entry.extra) != (0, 0, b"")
            or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        ):
            raise _no_container("the two headers of " + name + " differ, or are of another kind")
        position += 30 + len(name) + packed
    file.seek(0, 2)
    if position != file.tell() - 22 - sum(46 + len(one.filename) for one in entries):
        raise _no_container("something stands between its parts")


def _no_container(why: str) -> Refused:
    return Refused(
        "container.malformed",
        "không phải gói chứng cứ ASiC-E đúng dạng (" + why + ")",
        "it is no evidence pack in ASiC-E form: " + why,
    )


def read_json(data: bytes, where: str) -> Any:
    """Return a JSON value; a name that stands twice in an object makes it none."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _no_json(where) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_json(where: str) -> Refused:
    return Refused(
        "file.malformed",
        "nội dung của " + where + " không đọc được",
        "the content of " + where + " cannot be read",
    )


# --- certificates -------------------------------------------------------------------------------


class Certificate:
    """A certificate of which everything that is looked at can be read."""

    def __init__(self, der: bytes) -> None:
        try:
            self.x509 = x509.load_der_x509_certificate(der)
            self.key = self.x509.public_key()
            self.begin = self.x509.not_valid_before_utc
            self.end = self.x509.not_valid_after_utc
            self.extensions = [one.value for one in self.x509.extensions]
            self.names = {
                oid: [str(one.value) for one in self.x509.subject.get_attributes_for_oid(oid)]
                for oid in (
                    NameOID.COMMON_NAME,
                    NameOID.ORGANIZATION_NAME,
                    NameOID.ORGANIZATION_IDENTIFIER,
                )
            }
            self.issuer = self.x509.issuer.public_bytes()
        except (
            ValueError,
            TypeError,
            UnsupportedAlgorithm,
            x509.DuplicateExtension,
            x509.InvalidVersion,
            x509.UnsupportedGeneralNameType,
        ) as error:
            raise Refused(
                "certificate.unreadable",
                "chứng thư không đọc được",
                "a certificate cannot be read",
            ) from error
        self.der = der
        self.fingerprint = hashlib.sha256(der).hexdigest()

    @property
    def name(self) -> str:
        """The holder, as the certificate says."""
        found = self.names[NameOID.COMMON_NAME] + self.names[NameOID.ORGANIZATION_NAME]
        return ", ".join(dict.fromkeys(_plain(one) for one in found)) or "(không tên)"

    @property
    def issuer_serial(self) -> bytes:
        """IssuerSerial in DER, as XAdES names it (RFC 5035)."""
        number = self.x509.serial_number
        digits = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
        name = _der(0x30, _der(0xA4, self.issuer))
        return _der(0x30, name + _der(0x02, digits))


def load_pem(data: bytes) -> list[Certificate]:
    """Return the certificates of a PEM text. Raises `Refused`."""
    try:
        found = x509.load_pem_x509_certificates(data)
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise Refused(
            "certificate.unreadable", "chứng thư không đọc được", "a certificate cannot be read"
        ) from error
    return [Certificate(one.public_bytes(Encoding.DER)) for one in found]


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _plain(text: str) -> str:
    return _visible(text)[:120]


def _visible(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)


def certificate_fault(
    certificate: Certificate,
    others: Sequence[Certificate],
    roots: Sequence[Certificate],
    at: datetime,
) -> Refused | None:
    """Return why a certificate may not have signed at a time, as `Refused`, or None."""
    name = certificate.name
    weak = _weakness(certificate)
    if weak:
        return weak
    usages = [one for one in certificate.extensions if isinstance(one, x509.KeyUsage)]
    is_authority = any(
        one.ca for one in certificate.extensions if isinstance(one, x509.BasicConstraints)
    )
    is_for_others = any(
        isinstance(one, x509.ExtendedKeyUsage) and OTHER_PURPOSES.issuperset(one)
        for one in certificate.extensions
    )
    may_sign = any(one.digital_signature or one.content_commitment for one in usages)
    if is_authority or is_for_others or not may_sign:
        return Refused(
            "certificate.not_for_signing",
            "chứng thư " + name + " không dùng để ký số",
            "the certificate of " + name + " is not meant for signing",
        )
    if at > certificate.end:
        return Refused(
            "certificate.expired_when_signed",
            "chứng thư " + name + " đã hết hạn trước khi ký",
            "the certificate of " + name + " had expired before signing",
        )
    if at < certificate.begin:
        return Refused(
            "certificate.not_yet_valid_when_signed",
            "chứng thư " + name + " chưa có hiệu lực khi ký",
            "the certificate of " + name + " was not valid yet when it signed",
        )
    return _path_fault(certificate, others, roots, at)


def _weakness(certificate: Certificate) -> Refused | None:
    key = certificate.key
    if isinstance(key, rsa.RSAPublicKey):
        is_strong = key.key_size >= 2048
    else:
        is_strong = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES
    if is_strong:
        return None
    return Refused(
        "certificate.weak",
        "khóa của chứng thư " + certificate.name + " không đủ mạnh",
        "the key of the certificate of " + certificate.name + " is not strong enough",
    )


def _path_fault(
    certificate: Certificate,
    others: Sequence[Certificate],
    roots: Sequence[Certificate],
    at: datetime,
) -> Refused | None:
    anchors = [one for one in roots if one.begin <= at <= one.end]
    links = [one for one in others if one.begin <= at <= one.end]
    why = "no root that was given was valid then"
    if anchors:
        authorities = (
            ExtensionPolicy.permit_all()
            .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
            .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_may_issue)
        )
        builder = PolicyBuilder().store(Store([one.x509 for one in anchors])).time(at)
        verifier = (
            builder.max_chain_depth(3)
            .extension_policies(ca_policy=authorities, ee_policy=ExtensionPolicy.permit_all())
            .build_client_verifier()
        )
        try:
            path = verifier.verify(certificate.x509, [one.x509 for one in links]).chain
        except (VerificationError, ValueError) as error:
            why = str(error).split(" (encountered", 1)[0].replace("validation failed: ", "")
        else:
            weak = [_weakness(Certificate(one.public_bytes(Encoding.DER))) for one in path[1:]]
            return next((one for one in weak if one), None)
    return Refused(
        "certificate.untrusted",
        "chứng thư " + certificate.name + " không dẫn tới chứng thư gốc nào đã đưa (" + why + ")",
        "the certificate of " + certificate.name + " leads to no root that was given: " + why,
    )


def _check_may_issue(_policy: object, _certificate: object, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("a certificate on the way may not issue others")


# --- XML signatures -----------------------------------------------------------------------------


class Signature:
    """One `ds:Signature` of the strict profile, whose parts still have to be proven."""

    def __init__(self, element: Any, expected: int | None) -> None:
        """
        Read it.

        Args:
            element: In its document.
            expected: How many references besides that to the signed properties; None: any number.
        """
        self.element = element
        self.info, value, key_info, held = _children(
            element, "SignedInfo SignatureValue KeyInfo Object"
        )
        parts = list(self.info)
        if len(parts) < 3 or parts[0].tag != _ds("CanonicalizationMethod"):
            raise _structure("SignedInfo")
        method = METHODS.get(parts[1].get("Algorithm") or "")
        is_named = parts[1].tag == _ds("SignatureMethod") and not len(parts[1])
        if parts[0].get("Algorithm") != C14N or len(parts[0]) or not method or not is_named:
            raise Refused(
                "signature.algorithm_forbidden",
                "chữ ký dùng thuật toán không được phép",
                "the signature uses an algorithm that is not allowed",
            )
        self.method = method
        self.references = parts[2:]
        if any(one.tag != _ds("Reference") for one in self.references) or (
            expected is not None and len(self.references) != expected + 1
        ):
            raise _reference("another number or kind of references")
        self.value = _bytes(value)
        (data,) = _children(key_info, "X509Data")
        if not 1 <= len(data) <= MAX_CERTIFICATES:
            raise _structure("X509Data")
        found = _children(data, " ".join(["X509Certificate"] * len(data)))
        self.certificates = [Certificate(_bytes(one)) for one in found]
        self._read_properties(held)

    def _read_properties(self, held: Any) -> None:
        (qualifying,) = _children(held, "QualifyingProperties", XADES)
        if not self.element.get("Id") or qualifying.get("Target") != "#" + self.element.get("Id"):
            raise _structure("QualifyingProperties")
        (self.properties,) = _children(qualifying, "SignedProperties", XADES)
        base = "{%s}SignedSignatureProperties/{%s}" % (XADES, XADES)
        times = self.properties.findall(base + "SigningTime")
        certificates = self.properties.findall(base + "SigningCertificateV2/{%s}Cert" % XADES)
        if len(times) != 1 or len(certificates) != 1:
            raise _structure("SignedProperties")
        self.signed_at = read_moment((times[0].text or "").strip())
        digests = certificates[0].findall("{%s}CertDigest" % XADES)
        serials = certificates[0].findall("{%s}IssuerSerialV2" % XADES)
        if len(digests) != 1 or len(serials) > 1:
            raise _structure("SigningCertificateV2")
        self._named = _digest_of(*_children(digests[0], "DigestMethod DigestValue"))
        self._serial = _bytes(serials[0]) if serials else None

    @property
    def signer(self) -> Certificate:
        """The certificate of who signed."""
        return self.certificates[0]

    def check(self) -> None:
        """Raise `Refused` unless properties, certificate and value belong together."""
        last = self.references[-1]
        identifier = self.properties.get("Id")
        if (
            last.get("Type") != PROPERTIES_TYPE
            or not identifier
            or (last.get("URI") != "#" + identifier)
        ):
            raise _reference("the last one is not to the signed properties")
        method, digest = read_reference(last, [C14N])
        if not _same(hashlib.new(method, canonical(self.properties)).digest(), digest):
            raise _differs("thuộc tính ký", "the signed properties")
        method, digest = self._named
        if not _same(hashlib.new(method, self.signer.der).digest(), digest) or (
            self._serial not in (None, self.signer.issuer_serial)
        ):
            raise Refused(
                "signature.certificate_swapped",
                "chứng thư kèm theo không phải chứng thư mà người ký đã ghi",
                "the certificate is not the one that the signed properties name",
            )
        if not self._is_value_right(canonical(self.info)):
            raise Refused(
                "signature.value_wrong",
                "giá trị chữ ký không khớp với khóa trong chứng thư",
                "the signature value does not fit the key of the certificate",
            )

    def _is_value_right(self, data: bytes) -> bool:
        kind, hash_ = self.method
        key = self.signer.key
        try:
            if isinstance(key, rsa.RSAPublicKey) and kind != "ec":
                scheme: Any = padding.PKCS1v15()
                if kind == "pss":
                    scheme = padding.PSS(padding.MGF1(hash_), padding.PSS.DIGEST_LENGTH)
                key.verify(self.value, data, scheme, hash_)
                return True
            if isinstance(key, ec.EllipticCurvePublicKey) and kind == "ec":
                size = (key.curve.key_size + 7) // 8
                if len(self.value) != 2 * size:
                    return False
                r = int.from_bytes(self.value[:size], "big")
                s = int.from_bytes(self.value[size:], "big")
                key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hash_))
                return True
        except (InvalidSignature, ValueError):
            return False
        return False


class SignedDocument:
    """A document with an enveloped signature that is right; who signed is still to be trusted."""

    def __init__(self, data: bytes) -> None:
        """Check it, by one reading: its text must be its own canonical form. Raises `Refused`."""
        root = parse_xml(data)
        if canonical(root) != data:
            raise Refused(
                "document.not_canonical",
                "văn bản không ở dạng chuẩn tắc",
                "the text is not in its canonical form",
            )
        ids = [
            value
            for one in root.iter()
            for key, value in one.items()
            if key.rpartition("}")[2].lower() == "id"
        ]
        if len(ids) != len(set(ids)):
            raise Refused(
                "signature.duplicate_id", "một Id xuất hiện hai lần", "an Id occurs twice"
            )
        found = list(root.iter(_ds("Signature")))
        if len(found) != 1 or root[-1] is not found[0] or found[0].tail:
            raise Refused(
                "signature.not_single",
                "phải có đúng một chữ ký, là phần tử con cuối cùng",
                "there must be exactly one signature, as the last child",
            )
        self.signature = Signature(found[0], expected=1)
        reference = self.signature.references[0]
        method, digest = read_reference(reference, [ENVELOPED, C14N])
        if not root.get("Id") or reference.get("URI") != "#" + root.get("Id"):
            raise _reference("the first one is not to the document")
        self.signature.check()
        root.remove(found[0])
        content = canonical(root)
        if not _same(hashlib.new(method, content).digest(), digest):
            raise _differs("tài liệu", "the document")
        self.root = parse_xml(content)
        """Of exactly what was digested."""

    def text(self, path: str) -> str | None:
        """Return the text of one element in the namespace of the root, or None."""
        namespace = self.root.tag.rpartition("}")[0]
        steps = [one if one == "*" else namespace + "}" + one for one in path.split("/")]
        found = self.root.findall("/".join(steps))
        return (found[0].text or "") if len(found) == 1 else None


def parse_xml(data: bytes) -> Any:
    """Return the root; no document type, no entities, UTF-8 whatever it says, no comments."""
    if len(data) > MAX_XML or data.count(b"<") > 500_000:
        raise Refused("xml.too_large", "XML quá lớn", "the XML is too large")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise Refused("xml.doctype", "XML có DOCTYPE", "the XML has a document type")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused("xml.syntax", "không phải XML", "it is no well-formed XML") from error
    if root.getroottree().docinfo.doctype or any(
        not isinstance(one.tag, str) for one in root.iter()
    ):
        raise Refused(
            "xml.doctype",
            "XML có chú thích, chỉ thị hoặc thực thể",
            "the XML has comments, instructions or entities",
        )
    # Canonical XML goes through all that are in force, for each name.
    in_force = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_force += 1 if event == "start-ns" else -1
        if in_force > MAX_NAMESPACES:
            raise Refused(
                "xml.too_many_namespaces",
                "XML có quá nhiều không gian tên",
                "the XML has too many namespaces",
            )
    return root


def canonical(element: Any) -> bytes:
    """Return the exclusive canonical form of an element, without comments."""
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    except etree.C14NError as error:
        raise Refused(
            "document.no_canonical_form",
            "tài liệu không có dạng chuẩn tắc",
            "the document has no canonical form",
        ) from error


def read_reference(reference: Any, transforms: list[str]) -> tuple[str, bytes]:
    """Return method and value of the digest of a reference with exactly these transforms."""
    if transforms:
        chain, method, value = _children(reference, "Transforms DigestMethod DigestValue")
        found = [one.get("Algorithm") for one in chain]
        if found != transforms or any(len(one) or one.tag != _ds("Transform") for one in chain):
            raise _reference("one has other transforms")
    else:
        method, value = _children(reference, "DigestMethod DigestValue")
    return _digest_of(method, value)


def _digest_of(method: Any, value: Any) -> tuple[str, bytes]:
    name = DIGESTS.get(method.get("Algorithm") or "")
    if name is None or len(method):
        raise Refused(
            "signature.algorithm_forbidden",
            "chữ ký dùng hàm băm không được phép",
            "the signature uses a digest method that is not allowed",
        )
    return name, _bytes(value)


def _children(parent: Any, names: str, namespace: str = DS) -> list[Any]:
    children = list(parent)
    if [one.tag for one in children] != ["{%s}%s" % (namespace, one) for one in names.split()]:
        raise _structure(etree.QName(parent).localname)
    texts = [parent.text] + [one.tail for one in children]
    if any(text and not text.isspace() for text in texts):
        raise _structure(etree.QName(parent).localname)
    return children


def _bytes(element: Any) -> bytes:
    # A child is no text: nothing that base64 knows.
    text = "<" if len(element) else "".join((element.text or "").split())
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise _structure(etree.QName(element).localname) from error


def _ds(name: str) -> str:
    return "{%s}%s" % (DS, name)


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)


def _structure(where: str) -> Refused:
    return Refused(
        "signature.structure",
        "cấu trúc chữ ký sai ở " + where,
        "the structure of the signature is wrong at " + where,
    )


def _reference(why: str) -> Refused:
    return Refused(
        "signature.reference_forbidden",
        "chữ ký có tham chiếu không được phép (" + why + ")",
        "the signature has references that are not allowed: " + why,
    )


def _differs(vi: str, en: str) -> Refused:
    return Refused(
        "signature.digest_differs",
        "giá trị băm của " + vi + " không khớp: đã bị thay đổi sau khi ký",
        "the digest of " + en + " differs: it was changed after signing",
    )


def read_moment(text: str) -> datetime:
    """Return a moment with its zone. Raises `Refused`."""
    whole = text.replace("Z", "+00:00") if MOMENT.fullmatch(text) else ""
    try:
        has_fraction = "." in whole
        form = "%Y-%m-%dT%H:%M:%S.%f%z" if has_fraction else "%Y-%m-%dT%H:%M:%S%z"
        return datetime.strptime(whole, form).astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise Refused(
            "time.malformed", "thời điểm sai dạng", "a moment is not written as one"
        ) from error


# --- revocation ---------------------------------------------------------------------------------


def _check_revocation(pack: Pack, names: list[str], report: Report) -> None:
    """Check what authorities say of those who signed; of their own certificates, not of theirs."""
    if not names:
        report.open(
            "revocation.not_judged",
            "Việc chứng thư có bị thu hồi hay không: không xét, gói không có dữ liệu thu hồi",
            "Whether certificates were revoked is not judged: there is no revocation data here",
        )
    sayings: list[RevocationList | StatusAnswer] = []
    for name in names:
        data = pack.read(name, MAX_REVOCATION)
        try:
            if name.endswith(".crl"):
                sayings.append(RevocationList(data))
            else:
                sayings.append(StatusAnswer(data))
        except ODD:
            report.open("revocation.unreadable", name + " không đọc được", name + " cannot be read")
    signed: dict[str, tuple[Certificate, dict[str, Certificate], list[datetime]]] = {}
    for signer, issuers, at in report.trusted:
        _, known, times = signed.setdefault(signer.fingerprint, (signer, {}, []))
        known.update((one.fingerprint, one) for one in issuers)
        times.append(at)
    for signer, known, times in signed.values() if names else ():
        able = [one for one in known.values() if _has_issued(one, signer)]
        said = [
            found
            for saying in sayings
            for issuer in able
            for found in [_said_about(saying, signer, issuer)]
            if found is not None
        ]
        _report_standing(signer, said, max(times), report)


def _said_about(
    saying: RevocationList | StatusAnswer, signer: Certificate, issuer: Certificate
) -> tuple[datetime, datetime | None] | None:
    try:
        return saying.about(signer, issuer)
    except ODD:
        # Whatever is wrong in it, it says nothing.
        return None


def _report_standing(
    signer: Certificate,
    said: list[tuple[datetime, datetime | None]],
    last: datetime,
    report: Report,
) -> None:
    name = signer.name
    revoked = [when for _, when in said if when is not None]
    latest = max((at for at, _ in said), default=None)
    if revoked and min(revoked) <= last:
        at = _show(min(revoked))
        report.false(
            "revocation.revoked_before",
            "chứng thư " + name + " đã bị thu hồi từ " + at + ", trước khi ký",
            "the certificate of " + name + " was revoked on " + at + ", before it signed",
        )
    elif revoked:
        at = _show(min(revoked))
        report.open(
            "revocation.revoked_later",
            "Chứng thư " + name + " bị thu hồi từ " + at + ", sau thời điểm ký đã ghi; chỉ dấu "
            "thời gian mới chứng minh được là ký trước đó",
            "The certificate of " + name + " was revoked on " + at + ", after the time that it "
            "states; that it signed before then only a time-stamp proves",
        )
    elif latest is None:
        report.open(
            "revocation.not_judged",
            "Chứng thư " + name + " có bị thu hồi không: không xét, gói không có dữ liệu",
            "Whether the certificate of " + name + " was revoked is not judged: no data is here",
        )
    elif latest < last - SKEW:
        report.open(
            "revocation.stale",
            "Dữ liệu thu hồi về " + name + " (" + _show(latest) + ") cũ hơn chữ ký",
            "What is said of " + name + " (" + _show(latest) + ") is older than the signature",
        )
    else:
        report.proven(
            "revocation.good",
            "Chứng thư " + name + " chưa bị thu hồi tính đến " + _show(latest),
            "The certificate of " + name + " was not revoked as of " + _show(latest),
        )


def _has_issued(issuer: Certificate, certificate: Certificate) -> bool:
    try:
        certificate.x509.verify_directly_issued_by(issuer.x509)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_strong(hash_: Any) -> bool:
    return hash_ is not None and hash_.name in ("sha256", "sha384", "sha512")


class RevocationList:
    """A list of what an authority has revoked (RFC 5280); one in another's name is not taken."""

    def __init__(self, der: bytes) -> None:
        self._list = x509.load_der_x509_crl(der)
        self._at = self._list.last_update_utc
        # What is only about some certificates, or a change of another list, says too little.
        for one in self._list.extensions:
            if one.critical:
                raise ValueError("a list of another kind")

    def about(
        self, certificate: Certificate, issuer: Certificate
    ) -> tuple[datetime, datetime | None] | None:
        """Return of when it is and since when the certificate is revoked; None: it is silent."""
        if self._list.issuer != issuer.x509.subject or not (
            _is_strong(self._list.signature_hash_algorithm)
            and self._list.is_signature_valid(issuer.x509.public_key())  # type: ignore[arg-type]
        ):
            return None
        found = self._list.get_revoked_certificate_by_serial_number(certificate.x509.serial_number)
        if found is None:
            return self._at, None
        # When its key is thought to have got into other hands may be long before.
        stated = [
            one.value for one in found.extensions if isinstance(one.value, x509.InvalidityDate)
        ]
        return self._at, min(
            [found.revocation_date_utc, *(one.invalidity_date_utc for one in stated)]
        )


class StatusAnswer:
    """An OCSP answer (RFC 6960), by the issuer itself or by who has its leave."""

    def __init__(self, der: bytes) -> None:
        self._answer = ocsp.load_der_ocsp_response(der)
        if self._answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise ValueError("no answer")
        self._at = self._answer.this_update_utc
        # Read lazily by the library: what it does not know shall surface here.
        if self._answer.hash_algorithm.name not in ("sha1", "sha256", "sha384", "sha512"):
            raise ValueError("another hash")
        _ = self._answer.signature_hash_algorithm

    def about(
        self, certificate: Certificate, issuer: Certificate
    ) -> tuple[datetime, datetime | None] | None:
        """Return the same as a list does."""
        answer = self._answer
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            certificate.x509, issuer.x509, answer.hash_algorithm
        )
        asked = builder.build()
        is_about = (answer.serial_number, answer.issuer_key_hash, answer.issuer_name_hash) == (
            asked.serial_number,
            asked.issuer_key_hash,
            asked.issuer_name_hash,
        )
        if not is_about or not self._is_signed(issuer):
            return None
        if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            return self._at, answer.revocation_time_utc
        is_good = answer.certificate_status is ocsp.OCSPCertStatus.GOOD
        return (self._at, None) if is_good else None

    def _is_signed(self, issuer: Certificate) -> bool:
        answer = self._answer
        if not _is_strong(answer.signature_hash_algorithm):
            return False
        able = [issuer]
        for one in answer.certificates[:MAX_CERTIFICATES]:
            held = Certificate(one.public_bytes(Encoding.DER))
            usages = [use for use in held.extensions if isinstance(use, x509.ExtendedKeyUsage)]
            may = any(ExtendedKeyUsageOID.OCSP_SIGNING in use for use in usages)
            if may and _has_issued(issuer, held) and held.begin <= self._at <= held.end:
                able.append(held)
        return any(self._is_value_of(one) for one in able)

    def _is_value_of(self, signer: Certificate) -> bool:
        answer, key = self._answer, signer.key
        data, hash_ = answer.tbs_response_bytes, answer.signature_hash_algorithm
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(answer.signature, data, padding.PKCS1v15(), hash_)  # type: ignore[arg-type]
                return True
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(answer.signature, data, ec.ECDSA(hash_))  # type: ignore[arg-type]
                return True
        except (InvalidSignature, ValueError):
            return False
        return False


# --- time-stamps --------------------------------------------------------------------------------


class TimeStamp:
    """A time-stamp token (RFC 3161, in CMS) whose signature is right; its authority is a claim."""

    def __init__(self, token: bytes, data: bytes) -> None:
        """Check what it says of `data`. Raises `Refused`."""
        try:
            self._read(token, data)
        except (ValueError, IndexError, OverflowError) as error:
            raise _stamp("unreadable", "không đọc được", "it cannot be read") from error

    def _read(self, token: bytes, data: bytes) -> None:
        (whole,) = der_items(token)
        kind, explicit = der_items(whole.content)
        if kind.content != SIGNED_DATA:
            raise ValueError("no signed data")
        (signed,) = der_items(explicit.content)
        _, _, holder, *rest = der_items(signed.content)
        content_kind, content = der_items(holder.content)
        if content_kind.content != TST_INFO:
            raise ValueError("no time-stamp")
        (octets,) = der_items(content.content)
        held = [one for one in rest if one.tag == 0xA0]
        (signers,) = (one for one in rest if one.tag == 0x31)
        (signer,) = der_items(signers.content)
        certificates = [one.whole for part in held for one in der_items(part.content)]
        if len(certificates) > MAX_CERTIFICATES:
            raise ValueError("too many certificates")
        self.certificates = [Certificate(one) for one in certificates]
        self._read_info(octets.content, data)
        self._check_signer(signer.content, octets.content)

    def _read_info(self, info: bytes, data: bytes) -> None:
        (whole,) = der_items(info)
        _, _, imprint, _, at, *_ = der_items(whole.content)
        method, digest = der_items(imprint.content)
        name = _hash_of(method)
        if not _same(hashlib.new(name, data).digest(), digest.content):
            raise _stamp("of_another", "cho dữ liệu khác", "it is over other data")
        text = at.content.decode("ascii")
        form = "%Y%m%d%H%M%S.%f%z" if "." in text else "%Y%m%d%H%M%S%z"
        if at.tag != 0x18 or not text.endswith("Z"):
            raise ValueError("no time")
        self.at = datetime.strptime(text[:-1] + "+0000", form).astimezone(timezone.utc)

    def _check_signer(self, content: bytes, info: bytes) -> None:
        _, named, digest_method, attributes, method, value, *_ = der_items(content)
        issuer, serial = der_items(named.content)
        number = int.from_bytes(serial.content, "big", signed=True)
        own = [
            one
            for one in self.certificates
            if one.issuer == issuer.whole and one.x509.serial_number == number
        ]
        if not own or attributes.tag != 0xA0:
            raise ValueError("no certificate of its signer")
        self.signer = own[0]
        self.others = [one for one in self.certificates if one is not self.signer]
        found = {}
        for one in der_items(attributes.content):
            kind, values = der_items(one.content)
            found[kind.content] = der_items(values.content)[0]
        name = _hash_of(digest_method)
        is_right = (
            (
                found[CONTENT_TYPE].content == TST_INFO
                and _same(found[MESSAGE_DIGEST].content, hashlib.new(name, info).digest())
                and self._is_named(found)
                # What is signed are the attributes as a SET, not under the tag that they have here.
                and self._is_value_right(
                    b"\x31" + attributes.whole[1:], method, name, value.content
                )
            )
            if CONTENT_TYPE in found and MESSAGE_DIGEST in found
            else False
        )
        if not is_right:
            raise _stamp("signature_wrong", "chữ ký không đúng", "its signature is wrong")

    def _is_named(self, found: Mapping[bytes, Item]) -> bool:
        """Tell whether the certificate is the one that was signed along (RFC 5816)."""
        named = found.get(SIGNING_CERTIFICATE_V2)
        if named is None:
            # The form of 2001 has SHA-1 only, which proves nothing: the pinned root must do.
            return SIGNING_CERTIFICATE in found
        first = der_items(der_items(named.content)[0].content)[0]
        parts = der_items(first.content)
        name = _hash_of(parts[0]) if parts[0].tag == 0x30 else "sha256"
        digest = next(one.content for one in parts if one.tag == 0x04)
        return _same(digest, hashlib.new(name, self.signer.der).digest())

    def _is_value_right(self, data: bytes, method: Item, name: str, value: bytes) -> bool:
        oid, key = der_items(method.content)[0].content, self.signer.key
        hash_ = _HASHES[name[3:]]
        try:
            if isinstance(key, rsa.RSAPublicKey) and RSA_METHODS.get(oid) in ("", name):
                key.verify(value, data, padding.PKCS1v15(), hash_)
                return True
            if isinstance(key, ec.EllipticCurvePublicKey) and EC_METHODS.get(oid) == name:
                key.verify(value, data, ec.ECDSA(hash_))
                return True
        except (InvalidSignature, ValueError):
            return False
        return False

    def fault(self, roots: Sequence[Certificate]) -> Refused | None:
        """Return why its authority is not to be believed, or None."""
        signer = self.signer
        is_meant = any(
            isinstance(one.value, x509.ExtendedKeyUsage)
            and one.critical
            and list(one.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
            for one in signer.x509.extensions
        )
        if not is_meant:
            return _stamp(
                "not_for_timestamps",
                "chứng thư không để cấp dấu thời gian",
                "its certificate is not for time-stamps",
            )
        if not signer.begin <= self.at <= signer.end:
            return _stamp(
                "expired",
                "chứng thư không có hiệu lực lúc đó",
                "its certificate was not valid then",
            )
        return _weakness(signer) or _path_fault(signer, self.others, roots, self.at)


class Item:
    """One value in DER."""

    def __init__(self, tag: int, content: bytes, whole: bytes) -> None:
        self.tag, self.content, self.whole = tag, content, whole


def der_items(data: bytes) -> list[Item]:
    """Return the values that stand in `data`, one after the other. Raises ValueError."""
    found, place = [], 0
    while place < len(data):
        tag, size, start = data[place], data[place + 1], place + 2
        if tag & 0x1F == 0x1F:
            raise ValueError("a tag of several bytes")
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[start : start + count], "big")
            start += count
            if not 1 <= count <= 4 or size < 0x80:
                raise ValueError("a length that is none")
        if start + size > len(data):
            raise ValueError("it is cut off")
        found.append(Item(tag, data[start : start + size], data[place : start + size]))
        place = start + size
    return found


def _oid(text: str) -> bytes:
    first, second, *rest = (int(one) for one in text.split("."))
    out = bytes((40 * first + second,))
    for number in rest:
        part, more = [number & 0x7F], number >> 7
        while more:
            part.append(0x80 | more & 0x7F)
            more >>= 7
        out += bytes(reversed(part))
    return out


SIGNED_DATA = _oid("1.2.840.113549.1.7.2")
TST_INFO = _oid("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = _oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = _oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE = _oid("1.2.840.113549.1.9.16.2.12")
SIGNING_CERTIFICATE_V2 = _oid("1.2.840.113549.1.9.16.2.47")
HASH_OIDS = {
    _oid("2.16.840.1.101.3.4.2.1"): "sha256",
    _oid("2.16.840.1.101.3.4.2.2"): "sha384",
    _oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
RSA_METHODS = {
    # Plain rsaEncryption leaves the hash to the digest method.
    _oid("1.2.840.113549.1.1.1"): "",
    _oid("1.2.840.113549.1.1.11"): "sha256",
    _oid("1.2.840.113549.1.1.12"): "sha384",
    _oid("1.2.840.113549.1.1.13"): "sha512",
}
EC_METHODS = {
    _oid("1.2.840.10045.4.3.2"): "sha256",
    _oid("1.2.840.10045.4.3.3"): "sha384",
    _oid("1.2.840.10045.4.3.4"): "sha512",
}


def _hash_of(method: Item) -> str:
    name = HASH_OIDS.get(der_items(method.content)[0].content)
    if name is None:
        raise _stamp(
            "algorithm_forbidden",
            "dùng hàm băm không được phép",
            "it uses a digest method that is not allowed",
        )
    return name


def _stamp(code: str, vi: str, en: str) -> Refused:
    return Refused("stamp." + code, "dấu thời gian: " + vi, "time-stamp: " + en)


# --- the container ------------------------------------------------------------------------------


def _check_container(pack: Pack, means: Means, report: Report) -> None:
    """Check the signature over all files."""
    root = parse_xml(pack.read(SIGNATURES, MAX_XML))
    if root.tag != "{%s}XAdESSignatures" % ASIC or [one.tag for one in root] != [_ds("Signature")]:
        raise _structure(SIGNATURES)
    signature = Signature(root[0], expected=None)
    signature.check()
    named = {}
    for reference in signature.references[:-1]:
        uri = reference.get("URI") or ""
        if uri in named or not NAME.fullmatch(uri) or uri.upper().startswith("META-INF/"):
            raise _reference("one to " + ascii(uri)[:80])
        named[uri] = read_reference(reference, [])
    present = [one for one in pack.names if one not in ("mimetype", ODF_MANIFEST, SIGNATURES)]
    for name in present:
        if name not in named:
            raise Refused(
                "container.file_added",
                "tệp " + name + " không được chữ ký của gói bao phủ",
                "the file " + name + " is not covered by the signature of the pack",
            )
    for name, (method, digest) in named.items():
        if not pack.has(name):
            raise Refused(
                "container.file_removed",
                "tệp " + name + " đã bị lấy khỏi gói",
                "the file " + name + " was taken out of the pack",
            )
        found = hashlib.new(method)
        for piece in pack.chunks(name):
            found.update(piece)
        if not _same(found.digest(), digest):
            raise Refused(
                "container.file_changed",
                "tệp " + name + " đã bị thay đổi sau khi đóng gói",
                "the file " + name + " was changed after the pack was signed",
            )
    if pack.has(ODF_MANIFEST):
        _check_odf(pack, present)
    _report_signer(
        signature,
        signature.signed_at,
        means,
        report,
        code="container",
        vi="Gói (" + str(len(present)) + " tệp) nguyên vẹn, do {} ký lúc {}",
        en="The pack (" + str(len(present)) + " files) is whole, signed by {} at {}",
    )


def _check_odf(pack: Pack, present: list[str]) -> None:
    """META-INF is not signed, so what stands there must say nothing of its own."""
    root = parse_xml(pack.read(ODF_MANIFEST, MAX_XML))
    namespace = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
    listed = [one.get(namespace + "full-path") for one in root]
    if root.tag != namespace + "manifest" or listed != ["/"] + present:
        raise Refused(
            "container.list_differs",
            ODF_MANIFEST + " không khớp với các tệp",
            ODF_MANIFEST + " does not list the files that are there",
        )


def _report_signer(
    signature: Signature,
    at: datetime,
    means: Means,
    report: Report,
    code: str,
    vi: str,
    en: str,
    is_operator: bool = True,
    roots: list[Certificate] | None = None,
) -> bool:
    """Say who signed, and whether that is proven; return whether it is."""
    roots = means.roots if roots is None else roots
    signer = signature.signer
    shown = "%s (%s…)" % (signer.name, signer.fingerprint[:16])
    told = (vi.format(shown, _show(at)), en.format(shown, _show(at)))
    if at > means.now + SKEW:
        report.false(
            code + ".signed_in_future", told[0] + ": ở tương lai", told[1] + ": in the future"
        )
        return False
    if is_operator and means.operators and signer.fingerprint not in means.operators:
        report.false(
            code + ".other_signer",
            told[0] + ": không phải chứng thư đã nêu bằng --operator",
            told[1] + ": that is not the certificate named by --operator",
        )
        return False
    if not roots:
        report.open(
            code + ".signer_unknown",
            told[0] + "; CHƯA CHỨNG MINH người ký: chưa đưa chứng thư gốc nào (--root)",
            told[1] + "; who that is is NOT proven: no root was given (--root)",
            essential=True,
        )
        return False
    fault = certificate_fault(signer, signature.certificates[1:], roots, at)
    if fault is not None:
        report.false(fault.code, told[0] + ": " + fault.vi, told[1] + ": " + fault.en)
        return False
    report.proven(code + ".signed", *told)
    report.trusted.append((signer, signature.certificates[1:] + list(roots), at))
    return True


def _show(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


# --- what is in it ------------------------------------------------------------------------------


def _check_contents(pack: Pack, means: Means, report: Report) -> None:
    """Check every claim of the manifest against what proves it."""
    manifest = read_json(pack.read(MANIFEST, MAX_MANIFEST), MANIFEST)
    try:
        if manifest["type"] not in PACK_TYPES:
            raise Refused(
                "manifest.type_unknown",
                "loại gói không rõ; có thể do phiên bản mới hơn tạo ra",
                "a pack of a kind that is not known here; a newer version may have made it",
            )
        report.dossier = _plain(str(manifest["dossier"]))
        _check_files(pack, manifest)
        _check_names(manifest)
        shares = _shares_in(manifest)
        log = Log(pack, manifest, means, report)
        log.check()
        signers: set[str] = set()
        submissions = {one["id"] for one in manifest["submissions"]}
        for message in manifest["messages"]:
            _check_message(pack, manifest, message, log, means, report, signers)
            _check_origin(message, submissions, report)
            _check_told(message, shares.get(message["id"], []), log, report)
        for submission in manifest["submissions"]:
            _check_submission(pack, submission, log, means, report)
            _check_sender(submission, log, report)
        _check_shares(pack, manifest, shares, log, report)
        _check_revocation(pack, manifest["revocation"], report)
        _say_what_is_open(manifest, report)
    except ODD as error:
        raise _no_json(MANIFEST) from error


def _check_files(pack: Pack, manifest: Any) -> None:
    listed = {one["name"]: one["sha256"] for one in manifest["files"]}
    for name in pack.names:
        if name in ("mimetype", ODF_MANIFEST, SIGNATURES, MANIFEST):
            continue
        if name not in listed:
            raise Refused(
                "manifest.file_unlisted",
                "manifest.json không kể tệp " + name,
                "manifest.json does not list the file " + name,
            )
        if pack.digest(name)[0].hex() != listed.pop(name):
            raise Refused(
                "manifest.file_differs",
                "tệp " + name + " khác với manifest.json",
                "the file " + name + " is not the one that manifest.json lists",
            )
    for name in listed:
        raise Refused(
            "manifest.file_missing",
            "thiếu tệp " + str(name),
            "the file " + str(name) + ", which manifest.json lists, is missing",
        )


def _check_names(manifest: Any) -> None:
    """Each file and each id has one meaning: else one file stands for many, and takes for ever."""
    messages, submissions = manifest["messages"], manifest["submissions"]
    names = [one["file"] for each in messages for one in (each["document"], each["receipt"]) if one]
    tries = [one for each in messages for one in each["attempts"]]
    # Packs of before do not name what went with an attempt.
    names += [one["answer"] for one in tries] + [one.get("headers") for one in tries]
    names += [each.get("attachments") for each in messages]
    names += [one["file"] for one in submissions]
    names += [(one.get("shared") or {}).get("file") for one in submissions]
    for one in submissions:
        names += [*one["records"].values(), *one["receipts"].values()]
    names += [*manifest["audit"]["stamps"].values(), *manifest["seal_signers"]]
    names += manifest["revocation"]
    ids = [one["id"] for one in messages], [one["id"] for one in submissions]
    for every in (*ids, [name for name in names if name is not None]):
        if len(every) != len(set(every)):
            raise Refused(
                "manifest.named_twice",
                "manifest.json nêu một tệp hoặc một mã nhiều lần",
                "manifest.json names a file or an id several times",
            )


def _check_message(
    pack: Pack,
    manifest: Any,
    message: Any,
    log: Log,
    means: Means,
    report: Report,
    signers: set[str],
) -> None:
    """Check one message: its document, its receipt, and its rows of the log."""
    id_, document = message["id"], message["document"]
    short, is_down = str(id_)[:40], message["packet"] == DOWN
    if not _check_direction(message, log, report):
        return
    _check_state(message, log, report)
    _check_attachments(pack, message, log, report)
    rows = [row for row in log.rows_of(id_) if (row["parsed"] or {}).get("digest") is not None]
    digests = {row["parsed"]["digest"] for row in rows}
    sealed = [row for row in rows if row["proven"]]
    if document is None:
        if digests or message["state"] == "delivered":
            report.false(
                "document.missing",
                "thông điệp " + short + ": gói không kể tài liệu, dù nhật ký có hoặc đã gửi",
                "message " + short + ": no document is named, though the log has one or it was "
                "delivered",
            )
        return
    # Of a file for an agency nothing but the log says anything, so no row may say otherwise.
    known = {row["parsed"]["digest"] for row in (rows if is_down else sealed or rows)}
    if known and (document["sha256"] not in known or (is_down and len(known) > 1)):
        report.false(
            "document.other_than_logged",
            "thông điệp " + short + ": tài liệu khác với giá trị băm trong nhật ký",
            "message " + short + ": the document is not the one whose digest the log has",
        )
        return
    if not sealed:
        # A signed document proves itself.
        report.open(
            "document.not_logged",
            "thông điệp " + short + ": không dòng nhật ký đã niêm phong nào trong gói có giá trị "
            "băm của tài liệu",
            "message " + short + ": no sealed row of the log here has the digest of its document",
            essential=is_down,
        )
    if is_down:
        _check_handed(pack, message, rows, log, report)
        return
    if document["file"] is None:
        _say_erased(
            document, "tài liệu của thông điệp " + short, "message " + short + ", document", report
        )
        return
    data = pack.read(document["file"], MAX_XML)
    if hashlib.sha256(data).hexdigest() != document["sha256"]:
        report.false(
            "document.changed",
            "thông điệp " + short + ": tài liệu khác với manifest.json",
            "message " + short + ": the document is not the one that manifest.json names",
        )
        return
    try:
        signed = SignedDocument(data)
    except Refused as refused:
        report.false(
            refused.code,
            "thông điệp " + short + ": " + refused.vi,
            "message " + short + ": " + refused.en,
        )
        return
    if (signed.text("MaBanTin"), signed.text("*/MaHoSo")) != (id_, manifest["dossier"]):
        report.false(
            "document.of_another",
            "thông điệp " + short + ": tài liệu thuộc thông điệp hoặc hồ sơ khác",
            "message " + short + ": the document is of another message or dossier",
        )
        return
    signers.add(signed.signature.signer.fingerprint)
    _report_signer(
        signed.signature,
        signed.signature.signed_at,
        means,
        report,
        code="document",
        vi="Thông điệp " + short + ": tài liệu nguyên vẹn, do {} ký lúc {}",
        en="Message " + short + ": its document is whole, signed by {} at {}",
        is_operator=False,
    )
    named = [row for row in sealed if row["parsed"]["digest"] == document["sha256"]]
    if named:
        log.say_when(
            named[0],
            "Thông điệp " + short + ": giá trị băm của tài liệu",
            "Message " + short + ": the digest of its document",
        )
    _check_delivery(pack, message, data, log, means, report, signers)


def _check_attachments(pack: Pack, message: Any, log: Log, report: Report) -> None:
    """Check that the manifest of its files is what the log knew before it was sent."""
    short, name = str(message["id"])[:40], message.get("attachments")
    complete = log.rows_of(message["id"], "message.files_complete")
    sealed = [one for one in complete if one["proven"]]
    if name is None:
        if complete:
            report.open(
                "attachments.not_included",
                "Thông điệp " + short + ": danh mục tệp đính kèm không có ở đây (hết thời hạn lưu "
                "trữ hoặc bị lấy đi); nhật ký còn giá trị băm",
                "Message " + short + ": the manifest of its attachments is not here (its retention "
                "ended, or somebody took it out); the log still has its digest",
            )
        return
    digest = hashlib.sha256(pack.read(name, MAX_MANIFEST)).hexdigest()
    logged = log.stated(message["id"], "message.files_complete", "manifest")
    if not logged:
        report.open(
            "attachments.not_logged",
            "Thông điệp " + short + ": nhật ký trong gói không ghi tệp đính kèm đã đủ",
            "Message " + short + ": no row of the log here says that its files were all there",
        )
        return
    if digest not in logged:
        report.false(
            "attachments.other_than_logged",
            "thông điệp " + short + ": danh mục tệp đính kèm khác với giá trị băm trong nhật ký",
            "message " + short + ": the manifest of its attachments is not the one that the log "
            "knows",
        )
        return
    sent = [one["row"] for one in log.rows_of(message["id"], "message.sending")]
    # The numbers of rows without a seal are anybody's.
    if sent and min(sent) < min(one["row"] for one in sealed or complete):
        report.false(
            "attachments.late",
            "thông điệp " + short + ": được gửi trước khi đủ tệp đính kèm",
            "message " + short + ": it was sent before its attachments were all there",
        )
        return
    named = [one for one in sealed if (one["parsed"] or {}).get("manifest") == digest]
    if not named:
        report.open(
            "attachments.not_sealed",
            "thông điệp " + short + ": giá trị băm của danh mục tệp đính kèm chỉ có ở một dòng "
            "nhật ký chưa niêm phong",
            "message " + short + ": only a row that is not sealed has the digest of the manifest "
            "of its attachments",
            essential=True,
        )
        return
    log.say_when(
        named[0],
        "Thông điệp " + short + ": tệp đính kèm đủ và đúng khai báo",
        "Message " + short + ": that its attachments were all there, as declared",
    )


def _check_state(message: Any, log: Log, report: Report) -> None:
    """Check that what manifest.json says of a delivery is what the log says."""
    short = str(message["id"])[:40]
    rows = log.rows_of(message["id"], "message.delivered")
    sealed = [row for row in rows if row["proven"]]
    proofs = log.stated(message["id"], "message.delivered", "proof")
    sealed_proofs = log.stated(message["id"], "message.delivered", "proof", is_sealed=True)
    if message["state"] == "delivered" and not rows:
        report.false(
            "message.delivery_not_logged",
            "thông điệp " + short + ": ghi là đã gửi, nhật ký không có dòng đó",
            "message " + short + ": it is said to be delivered, and the log has no such row",
        )
    elif rows and message["state"] not in ("delivered", "reissued"):
        report.false(
            "message.state_differs",
            "thông điệp " + short + ": nhật ký ghi đã nhận, manifest.json ghi khác",
            "message " + short + ": the log says that it was delivered, manifest.json says "
            "something else",
        )
    elif proofs and message["proof"] not in proofs:
        report.false(
            "message.proof_differs",
            "thông điệp " + short + ": nhật ký ghi cách chứng minh khác với manifest.json",
            "message " + short + ": the log names another kind of proof than manifest.json",
        )
    elif rows and (not sealed or (sealed_proofs and message["proof"] not in sealed_proofs)):
        report.open(
            "message.delivery_not_sealed",
            "thông điệp " + short + ": việc đã nhận, hoặc cách chứng minh điều đó, chỉ có ở dòng "
            "nhật ký chưa niêm phong",
            "message " + short + ": only rows that are not sealed say that it was delivered, or by "
            "what that is proven",
            essential=True,
        )
    elif sealed:
        log.say_when(
            sealed[-1],
            "Thông điệp " + short + ": việc " + _taker(message)[0] + " đã nhận",
            "Message " + short + ": that it was delivered",
        )


def _check_delivery(
    pack: Pack, message: Any, data: bytes, log: Log, means: Means, report: Report, signers: set[str]
) -> None:
    short = str(message["id"])[:40]
    _check_answer(pack, message, log, report)
    receipt = message["receipt"]
    if receipt is None:
        if log.stated(message["id"], "message.delivered", "receipt"):
            report.false(
                "receipt.missing",
                "thông điệp " + short + ": nhật ký có giá trị băm của biên nhận, gói không có nó",
                "message " + short + ": the log has the digest of a receipt, which is not here",
            )
        elif message["state"] == "delivered":
            report.open(
                "receipt.none",
                "thông điệp "
                + short
                + ": không có biên nhận có chữ ký của Cổng ("
                + _plain(str(message["proof_words_vi"]))
                + ")",
                "message "
                + short
                + ": there is no receipt signed by the portal: "
                + _plain(str(message["proof_words_en"])),
            )
        return
    try:
        signed = SignedDocument(pack.read(receipt["file"], MAX_XML))
    except Refused as refused:
        report.false(
            "receipt." + refused.code.rpartition(".")[2],
            "biên nhận của " + short + ": " + refused.vi,
            "receipt of " + short + ": " + refused.en,
        )
        return
    found = (
        etree.QName(signed.root).localname,
        signed.text("MaBanTin"),
        signed.text("GiaTriBam"),
    )
    if found != ("BienNhan", message["id"], hashlib.sha256(data).hexdigest()):
        report.false(
            "receipt.of_another",
            "biên nhận của " + short + ": cho tài liệu khác",
            "receipt of " + short + ": it is for other bytes than those that were sent",
        )
        return
    logged = log.stated(message["id"], "message.delivered", "receipt")
    # The first receipt stays, and it is sealed first.
    sealed = log.stated(message["id"], "message.delivered", "receipt", is_sealed=True)
    if logged and pack.digest(receipt["file"])[0].hex() not in (sealed or logged):
        report.false(
            "receipt.other_than_logged",
            "biên nhận của " + short + ": khác với giá trị băm trong nhật ký",
            "receipt of " + short + ": it is not the one whose digest the log has",
        )
        return
    if signed.signature.signer.fingerprint in signers:
        report.false(
            "receipt.self_signed",
            "biên nhận của " + short + ": do chính bên gửi ký",
            "receipt of " + short + ": who signed the document signed it, too",
        )
        return
    if logged and not sealed:
        # A signed receipt proves itself.
        report.open(
            "receipt.not_sealed",
            "biên nhận của " + short + ": giá trị băm chỉ có ở một dòng nhật ký chưa niêm phong",
            "receipt of " + short + ": only a row that is not sealed has its digest",
        )
    _report_signer(
        signed.signature,
        signed.signature.signed_at,
        means,
        report,
        code="receipt",
        vi="Thông điệp " + short + ": biên nhận đúng cho từng byte đã gửi, do {} ký lúc {}",
        en="Message " + short + ": a receipt for exactly the bytes sent, signed by {} at {}",
        is_operator=False,
        roots=means.receipt_roots or means.roots,
    )


def _check_answer(pack: Pack, message: Any, log: Log, report: Report) -> None:
    """Check that the portal's answer that proved the delivery is the one that the log knows."""
    delivered = log.rows_of(message["id"], "message.delivered")
    logged = {
        str(one["parsed"]["answer"]): one
        for one in sorted(delivered, key=lambda one: bool(one["proven"]))
        if one["parsed"] and one["parsed"].get("answer")
    }
    short, (vi, en) = str(message["id"])[:40], _taker(message)
    if logged and not any(one["proof"] and one["answer"] for one in message["attempts"]):
        report.open(
            "answer.not_included",
            "Thông điệp " + short + ": câu trả lời của " + vi + " không có ở đây (hết thời hạn "
            "lưu trữ hoặc bị lấy đi); nhật ký còn giá trị băm",
            "Message " + short + ": " + en + "'s answer is not here (its retention ended, or "
            "somebody took it out); the log still has its digest",
        )
    for one in message["attempts"]:
        # Of an answer that was too long only its beginning is kept.
        if not logged or one["proof"] is None or not one["answer"] or not one["answer_whole"]:
            continue
        row = logged.get(pack.digest(one["answer"])[0].hex())
        if row is not None and not row["proven"]:
            report.open(
                "answer.not_sealed",
                "thông điệp " + short + ": giá trị băm câu trả lời của " + vi + " chỉ có ở một "
                "dòng nhật ký chưa niêm phong",
                "message "
                + short
                + ": only a row that is not sealed has the digest of "
                + en
                + "'s answer",
                essential=True,
            )
        elif row is not None:
            report.proven(
                "answer.logged",
                "Thông điệp " + short + ": câu trả lời của " + vi + " đúng như giá trị băm trong "
                "nhật ký",
                "Message " + short + ": " + en + "'s answer is the one whose digest the log has",
            )
        else:
            report.false(
                "answer.other_than_logged",
                "thông điệp " + short + ": câu trả lời của " + vi + " khác với giá trị băm trong "
                "nhật ký",
                "message " + short + ": " + en + "'s answer is not the one that the log knows",
            )


def _check_own_receipts(
    pack: Pack, submission: Any, log: Log, means: Means, report: Report
) -> None:
    """Check what the operator signed for the agency about what was received."""
    short = str(submission["id"])[:40]
    logged: dict[str, set[str]] = {}
    sealed: dict[str, set[str]] = {}
    for row in log.rows_of(submission["id"], "receipt.made"):
        if row["parsed"]:
            said = row["parsed"]
            for known in (logged, sealed) if row["proven"] else (logged,):
                known.setdefault(str(said["statement"]), set()).add(str(said["digest"]))
    for statement in sorted(set(logged) - set(submission["receipts"])):
        report.false(
            "operator_receipt.missing",
            "biên nhận tiếp nhận của " + short + ": nhật ký ghi đã ký (" + statement + "), gói "
            "không có",
            "the operator's receipt of "
            + short
            + ": the log says that it was signed ("
            + statement
            + "), and it is not here",
        )
    for statement, name in submission["receipts"].items():
        try:
            signed = SignedDocument(pack.read(name, MAX_XML))
        except Refused as refused:
            report.false(
                "operator_receipt." + refused.code.rpartition(".")[2],
                "biên nhận tiếp nhận của " + short + ": " + refused.vi,
                "the operator's receipt of " + short + ": " + refused.en,
            )
            continue
        found = (
            etree.QName(signed.root).localname,
            signed.text("MaLanGui"),
            signed.text("GiaTriBam"),
        )
        if found != ("BienNhanTiepNhan", submission["id"], submission["sha256"]):
            report.false(
                "operator_receipt.of_another",
                "biên nhận tiếp nhận của " + short + ": cho tệp khác",
                "the operator's receipt of " + short + ": it is for another file",
            )
            continue
        digests = sealed.get(statement) or logged.get(statement)
        if digests and pack.digest(name)[0].hex() not in digests:
            report.false(
                "operator_receipt.other_than_logged",
                "biên nhận tiếp nhận của " + short + ": khác với giá trị băm trong nhật ký",
                "the operator's receipt of " + short + ": it is not the one that the log knows",
            )
            continue
        if digests and statement not in sealed:
            report.open(
                "operator_receipt.not_sealed",
                "biên nhận tiếp nhận của " + short + ": giá trị băm chỉ có ở một dòng nhật ký chưa "
                "niêm phong",
                "the operator's receipt of " + short + ": only a row that is not sealed has its "
                "digest",
            )
        _report_signer(
            signed.signature,
            signed.signature.signed_at,
            means,
            report,
            code="operator_receipt",
            vi="Tệp " + short + ": biên nhận tiếp nhận đúng cho tệp đó, do {} ký lúc {}",
            en="Submission " + short + ": a receipt for that very file, signed by {} at {}",
        )


def _check_submission(pack: Pack, submission: Any, log: Log, means: Means, report: Report) -> None:
    """Check what an agency handed in."""
    id_, digest = submission["id"], submission["sha256"]
    short = str(id_)[:40]
    rows = [row for row in log.rows_of(id_, "submission.received") if row["parsed"] is not None]
    _check_own_receipts(pack, submission, log, means, report)
    if any(row["parsed"].get("sha256") != digest for row in rows):
        report.false(
            "source.other_than_logged",
            "tệp " + short + ": giá trị băm khác với nhật ký",
            "submission " + short + ": its digest is not the one that the log has",
        )
        return
    is_logged = any(row["proven"] for row in rows)
    if not is_logged:
        report.open(
            "source.not_logged",
            "tệp " + short + ": không dòng nhật ký đã niêm phong nào trong gói có giá trị băm của "
            "tệp đã nhận",
            "submission " + short + ": no sealed row of the log here has the digest of what was "
            "received",
        )
    else:
        log.say_when(
            _sealed_first(rows),
            "Tệp " + short + ": giá trị băm của tệp đã nhận",
            "Submission " + short + ": the digest of the file that was received",
        )
    if submission["file"] is not None:
        if pack.digest(submission["file"])[0].hex() != digest:
            report.false(
                "source.changed",
                "tệp " + short + ": nội dung khác với khi nhận",
                "submission " + short + ": its bytes are not those that were received",
            )
        elif is_logged:
            report.proven(
                "source.whole",
                "Tệp " + short + ": có nguyên văn trong gói",
                "Submission " + short + ": it is here, byte for byte",
            )
        return
    if digest in means.sources:
        report.proven(
            "source.given",
            "Tệp " + short + ": đúng là tệp mà người kiểm tra đưa (--source)",
            "Submission " + short + ": it is the file that was given (--source)",
        )
        return
    if submission["erased"] is not None:
        _say_erased(submission, "tệp " + short, "submission " + short, report)
        return
    report.open(
        "source.not_included",
        "Tệp "
        + short
        + ": không có trong gói ("
        + _plain(str(submission["why_vi"]))
        + "); bản ghi trích ra chưa được chứng minh là của tệp đó. Nếu có tệp: --source TỆP",
        "Submission "
        + short
        + ": the file is not here ("
        + _plain(str(submission["why_en"]))
        + "); that the record was in it is not proven. If you have it: --source FILE",
    )


# --- what came down to an agency ----------------------------------------------------------------


def _taker(message: Any) -> tuple[str, str]:
    """Return who takes a message, in words."""
    if message["packet"] == DOWN:
        return "cơ quan nhận", "the agency"
    return "Cổng", "the portal"


def _sealed_first(rows: list[Any]) -> Any:
    """Return the row that speaks for all of these: anybody can write one that is not sealed."""
    return next((one for one in rows if one["proven"]), rows[0])


def _check_direction(message: Any, log: Log, report: Report) -> bool:
    """
    Check which way a message went; return whether to go on.

    What is said to have gone to an agency needs no signature, so that it did must be in the log.
    """
    short, is_down = str(message["id"])[:40], message["packet"] == DOWN
    rows = [
        one
        for one in log.rows_of(message["submission"], "submission.received")
        if one["parsed"] is not None
    ]
    came = [one["parsed"] for one in rows]
    if any(("service" in one) != is_down for one in came):
        report.false(
            "message.direction_differs",
            "thông điệp " + short + ": nhật ký ghi chiều gửi khác với manifest.json",
            "message " + short + ": the log says that it went the other way than manifest.json",
        )
        return False
    if is_down and not any(one["proven"] for one in rows):
        report.open(
            "message.direction_not_logged",
            "thông điệp " + short + ": gói không có dòng nhật ký đã niêm phong về bản tin gốc đã "
            "nhận",
            "message " + short + ": no sealed row of the log here says that what it is made of "
            "was received",
            essential=True,
        )
    if is_down and (message["receipt"] or message.get("attachments")):
        raise _no_json(MANIFEST)
    return True


def _check_origin(message: Any, submissions: set[str], report: Report) -> None:
    """Check that a message is not shown without what it was made of."""
    if message["submission"] not in submissions:
        short = str(message["id"])[:40]
        report.open(
            "message.submission_not_included",
            "thông điệp " + short + ": gói không nêu tệp hoặc bản tin mà thông điệp được lập từ đó",
            "message " + short + ": manifest.json does not name what it was made of",
            essential=True,
        )


def _check_handed(pack: Pack, message: Any, rows: list[Any], log: Log, report: Report) -> None:
    """Check the file that went to an agency: what it is, of what and by what it was made."""
    short, document = str(message["id"])[:40], message["document"]
    _check_made(message, rows, log, report)
    if document["file"] is None:
        _say_erased(document, "tệp của thông điệp " + short, "message " + short + ", file", report)
    elif pack.digest(document["file"])[0].hex() != document["sha256"]:
        report.false(
            "document.changed",
            "thông điệp " + short + ": tệp khác với manifest.json",
            "message " + short + ": the file is not the one that manifest.json names",
        )
        return
    elif rows:
        log.say(
            _sealed_first(rows),
            "handed.whole",
            "Thông điệp " + short + ": tệp giao cho cơ quan có nguyên văn, đúng giá trị băm trong "
            "nhật ký",
            "Message " + short + ": the file for the agency is here, byte for byte as its digest "
            "in the log",
        )
    _check_attempts(message, log, report)
    _check_answer(pack, message, log, report)
    if message["state"] == "delivered":
        report.open(
            "handed.unsigned",
            "Thông điệp " + short + ": cơ quan nhận không ký; việc đã nhận là điều bên vận hành "
            "ghi lúc đó",
            "Message " + short + ": agencies sign nothing; that it was taken is what the operator "
            "wrote down then",
        )


def _check_made(message: Any, rows: list[Any], log: Log, report: Report) -> None:
    """Check the link from a file back to the record and the mapping that it was made of."""
    short = str(message["id"])[:40]
    said = [row for row in rows if "submission" in row["parsed"]]
    for row in said:
        stated = row["parsed"]
        if (stated["submission"], stated.get("record")) != (
            message["submission"],
            message["record"],
        ):
            report.false(
                "handed.of_another",
                "thông điệp " + short + ": nhật ký ghi tệp được lập từ bản tin hoặc bản ghi khác",
                "message " + short + ": the log says that the file was made of another message or "
                "record",
            )
            return
        if stated.get("mapping", message["mapping"]) != message["mapping"]:
            report.false(
                "handed.mapping_differs",
                "thông điệp " + short + ": nhật ký ghi phiên bản ánh xạ khác với manifest.json",
                "message " + short + ": the log names another version of the mapping than "
                "manifest.json",
            )
            return
    made = [row for row in said if row["proven"] and "mapping" in row["parsed"]]
    if not made:
        report.open(
            "handed.not_logged",
            "Thông điệp " + short + ": không dòng nhật ký đã niêm phong nào trong gói ghi tệp được "
            "lập từ gì, bằng ánh xạ nào (đã xóa, hoặc từ trước khi nhật ký ghi điều đó)",
            "Message " + short + ": no sealed row of the log here says of what and by which "
            "mapping its file was made (erased, or from before the log had it)",
        )
        return
    origin = (str(message["submission"])[:40], _plain(str(message["mapping"])))
    log.say(
        made[0],
        "handed.made",
        "Thông điệp {}: tệp được lập từ bản tin {}, bằng ánh xạ {}".format(short, *origin),
        "Message {}: its file was made of submission {}, by mapping {}".format(short, *origin),
    )


def _check_attempts(message: Any, log: Log, report: Report) -> None:
    """Check that attempts are those that the log knows, by their moments, and none is missing."""
    short = str(message["id"])[:40]
    listed = [(one["kind"], one["started_at"]) for one in message["attempts"]]
    sends = log.rows_of(message["id"], "message.sending")
    asked = log.rows_of(message["id"], "message.looked_up")
    logged = [("send", row["at"]) for row in sends] + [("lookup", row["at"]) for row in asked]
    if sorted(listed) != sorted(logged):
        report.false(
            "attempts.other_than_logged",
            "thông điệp " + short + ": các lần bàn giao khác với nhật ký",
            "message " + short + ": its attempts are not those that the log knows",
        )
        return
    taken = log.stated(message["id"], "message.delivered", "taken")
    told = {str(one["detail"]) for one in message["attempts"] if one["proof"] is not None}
    # An answer that came too late has an attempt of its own, and another one settled it.
    if taken and told and not taken <= told:
        report.false(
            "attempts.outcome_differs",
            "thông điệp " + short + ": nhật ký ghi cách nhận khác với manifest.json",
            "message " + short + ": the log says otherwise how it was taken than manifest.json",
        )
        return
    if not all(row["proven"] for row in sends + asked):
        report.open(
            "attempts.not_sealed",
            "thông điệp " + short + ": có lần bàn giao chỉ ở dòng nhật ký chưa niêm phong",
            "message " + short + ": of some attempts only rows that are not sealed know",
            essential=True,
        )
    elif sends:
        words = sorted(log.stated(message["id"], "message.delivered", "taken", is_sealed=True))
        how = " (" + _plain("; ".join(words)) + ")" if words else ""
        log.say(
            sends[-1],
            "attempts.logged",
            "Thông điệp {}: {} lần bàn giao, đủ như nhật ký{}".format(short, len(sends), how),
            "Message {}: {} attempts, all that the log knows{}".format(short, len(sends), how),
        )


WAYS = {
    "signature": ("chữ ký WS-Security", "a WS-Security signature"),
    "password": ("tên và mật khẩu", "a login"),
    "token": ("mã truy cập", "a token"),
    "security-key": ("khóa bảo mật trong bản tin", "the security key in the message"),
}
"""How a peer proved itself at the door."""


def _check_sender(submission: Any, log: Log, report: Report) -> None:
    """Check from whom something came down, and say what proved it then."""
    short = str(submission["id"])[:40]
    rows = log.rows_of(submission["id"], "submission.received")
    said = [one["parsed"] for one in rows if one["parsed"]]
    came_down = [one for one in said if "service" in one]
    if submission.get("service") is None and not came_down:
        return
    names = ("agency", "door", "sender", "service")
    if any(name in one and one[name] != submission.get(name) for one in said for name in names):
        report.false(
            "sender.other_than_logged",
            "bản tin " + short + ": nhật ký ghi bên gửi, cơ quan, dịch vụ hoặc cửa khác",
            "submission " + short + ": the log names another sender, agency, service or door",
        )
        return
    if submission.get("shared") is not None:
        return
    spoken = [one for one in rows if one["parsed"] and one["parsed"].get("proven_by")]
    proofs = [
        tuple(one["parsed"].get(name) for name in ("proven_by", "signer", "token"))
        for one in spoken
    ]
    if any(one != proofs[0] for one in proofs):
        report.false(
            "sender.other_than_logged",
            "bản tin " + short + ": các dòng nhật ký ghi bên gửi được xác thực khác nhau",
            "submission " + short + ": rows of the log differ on what proved its sender",
        )
        return
    if not spoken:
        report.open(
            "sender.not_logged",
            "Bản tin " + short + ": nhật ký trong gói không ghi bên gửi được xác thực bằng gì",
            "Submission " + short + ": no row of the log here says what proved its sender",
        )
        return
    row = _sealed_first(spoken)
    stated = row["parsed"]
    ways = [WAYS.get(one, (one, one)) for one in str(stated["proven_by"]).split()]
    which = [str(stated[one]) for one in ("signer", "token") if one in stated]
    more = " (" + _plain(", ".join(which)) + ")" if which else ""
    sender = _plain(str(submission.get("sender")))
    log.say(
        row,
        "sender.logged",
        "Bản tin {}: từ {}, tại cửa được xác thực bằng {}{}".format(
            short, sender, ", ".join(vi for vi, _ in ways), more
        ),
        "Submission {}: from {}, proven at the door by {}{}".format(
            short, sender, ", ".join(en for _, en in ways), more
        ),
    )
    report.open(
        "sender.operator_word",
        "Bản tin "
        + short
        + ": bản thân chữ ký hoặc mã của bên gửi không có ở đây; rằng nó đúng là "
        "điều bên vận hành ghi khi nhận",
        "Submission " + short + ": the sender's own signature or credential is not here; that it "
        "was right is what the operator wrote down on receiving",
    )


def _shares_in(manifest: Any) -> dict[Any, list[Any]]:
    """Return what was shared, by the message that it is of. Raises `Refused` if it is too much."""
    found: dict[Any, list[Any]] = {}
    count = 0
    for one in manifest["submissions"]:
        shared = one.get("shared")
        if (shared is None) == (one.get("door") == SHARING):
            raise _no_json(MANIFEST)
        if shared is not None:
            count += 1
            found.setdefault(shared["message"], []).append(one)
    if count > MAX_SHARES:
        raise Refused(
            "manifest.too_many_shares",
            "gói nêu hơn " + str(MAX_SHARES) + " lần chia sẻ, quá nhiều để kiểm tra: xuất gói của "
            "từng thông điệp",
            "the pack names more than " + str(MAX_SHARES) + " shares, too many to check: export "
            "packs of single messages",
        )
    return found


def _check_told(message: Any, shares: list[Any], log: Log, report: Report) -> None:
    """Say what was shared of a message, as the log knows, and is not here."""
    here = {(one["shared"]["profile"], one["agency"], one["sha256"]) for one in shares}
    rows = [one for one in log.rows_of(message["id"], "dossier.shared") if one["proven"]]
    said = [one["parsed"] for one in rows if one["parsed"] is not None]
    told = {(one.get("profile"), one.get("to"), one.get("sha256")) for one in said}
    # To whom is not known any more where details were erased; that it was shared is.
    lacking = len(told - here) + max(0, len(rows) - len(said) - len(here - told))
    if not lacking:
        return
    short = str(message["id"])[:40]
    names = _plain(", ".join(sorted(str(one[1]) for one in told - here)) or "?")
    report.open(
        "sharing.not_included",
        "Thông điệp {}: nhật ký ghi đã chia sẻ ({}), gói không có {} lần chia sẻ đó".format(
            short, names, lacking
        ),
        "Message {}: the log says that it was shared ({}), and {} of these shares are not "
        "here".format(short, names, lacking),
    )


def _check_shares(
    pack: Pack, manifest: Any, shares: Mapping[Any, list[Any]], log: Log, report: Report
) -> None:
    """Check what was shared, message by message: one document is in memory, and read once."""
    files = {
        one["id"]: one["document"]["file"]
        for one in manifest["messages"]
        if one["packet"] != DOWN and one["document"]
    }
    for message_id, of_it in shares.items():
        origin = Origin(pack, files.get(message_id))
        for one in of_it:
            _check_shared(pack, one, origin, log, report)


class Origin:
    """The values of a signed document that was shared, read once for however many shares."""

    def __init__(self, pack: Pack, file: Any) -> None:
        self._pack, self._file = pack, file
        self._fields: list[tuple[str, str]] | None = None
        self._fault: Refused | None = None

    def fields(self) -> list[tuple[str, str]] | None:
        """Return path and text of every value; None: it is not here. Raises `Refused`."""
        if self._file and self._fields is None and self._fault is None:
            try:
                self._fields = _fields_of(parse_xml(self._pack.read(self._file, MAX_XML)))
            except Refused as refused:
                self._fault = refused
        if self._fault is not None:
            raise self._fault
        return self._fields


def _check_shared(pack: Pack, submission: Any, origin: Origin, log: Log, report: Report) -> None:
    """Check on which terms something was shared, and that nothing beyond them was."""
    shared, short = submission["shared"], str(submission["id"])[:40]
    rows = log.rows_of(submission["id"], "submission.received")
    said = [one for one in rows if one["parsed"] and "terms" in one["parsed"]]
    if not any(one["proven"] for one in said):
        report.open(
            "sharing.not_logged",
            "Chia sẻ " + short + ": không dòng nhật ký đã niêm phong nào trong gói ghi chia sẻ "
            "theo hồ sơ nào",
            "Share " + short + ": no sealed row of the log here says on which terms it was shared",
        )
    if not said:
        return
    row = _sealed_first(said)
    if any(
        (one["parsed"]["terms"], one["parsed"].get("shared"))
        != (shared["terms"], shared["message"])
        for one in said
    ):
        report.false(
            "sharing.terms_differ",
            "chia sẻ " + short + ": nhật ký ghi điều kiện hoặc thông điệp khác với manifest.json",
            "share " + short + ": the log names other terms or another message than manifest.json",
        )
        return
    if shared["file"] is None:
        report.open(
            "sharing.terms_not_included",
            "Chia sẻ " + short + ": hồ sơ chia sẻ không có ở đây; nhật ký còn giá trị băm",
            "Share " + short + ": its profile is not here; the log still has its digest",
        )
        return
    data = pack.read(shared["file"], MIB)
    if hashlib.sha256(data).hexdigest() != shared["terms"]:
        report.false(
            "sharing.terms_changed",
            "chia sẻ " + short + ": hồ sơ chia sẻ khác với giá trị băm trong nhật ký",
            "share " + short + ": its profile is not the one whose digest the log has",
        )
        return
    terms = read_json(data, str(shared["file"]))
    words = [_plain(str(terms[one])) for one in ("from", "to", "purpose", "legal_basis")]
    log.say(
        row,
        "sharing.terms",
        "Chia sẻ {}: {} → {}, mục đích «{}», căn cứ «{}», đúng hồ sơ chia sẻ lúc đó".format(
            short, *words
        ),
        "Share {}: {} → {}, for '{}', on the basis of '{}', by the profile as it was then".format(
            short, *words
        ),
    )
    if submission["file"] is None:
        return
    try:
        _check_within(pack, submission, terms, row, origin)
    except Refused as refused:
        report.false(
            refused.code,
            "chia sẻ " + short + ": " + refused.vi,
            "share " + short + ": " + refused.en,
        )
        return
    log.say(
        row,
        "sharing.within",
        "Chia sẻ " + short + ": chỉ có trường mà hồ sơ nêu, che đúng trường phải che",
        "Share " + short + ": nothing but fields that the profile names, masked where it says so",
    )


def _check_within(pack: Pack, submission: Any, terms: Any, row: Any, origin: Origin) -> None:
    """Raise `Refused` unless what was shared is what the terms allow of the document."""
    at = read_moment(row["at"]) + VIETNAM
    # It was written down a moment after it was decided.
    first, last = (moment.date().isoformat() for moment in (at - SKEW, at + SKEW))
    is_in_force = (terms["since"] or "") <= last and first <= terms["until"]
    if terms["to"] != submission["agency"] or not is_in_force:
        raise _beyond("cơ quan nhận hoặc ngày", "the receiver or the day")
    root = parse_xml(pack.read(submission["file"], MAX_XML))
    found = _fields_of(root)
    if not _has_nothing_else(root):
        raise _malformed()
    names = set(terms["progress" if submission["service"] == PROGRESS else "fields"]) | {"MaHoSo"}
    # A list of which nothing is shared leaves an empty element.
    strange = [path for path, text in found if text and not _is_named(path, names)]
    if strange:
        raise _beyond(strange[0], strange[0])
    masked = set(terms["masked"])
    for path, text in found:
        if _is_named(path, masked) and text != _mask(text):
            raise Refused(
                "sharing.unmasked",
                "trường " + path + " không được che",
                "the field " + path + " is not masked",
            )
    signed = origin.fields()
    if signed is None:
        return
    expected = [
        (path, _mask(text) if _is_named(path, masked) else text)
        for path, text in signed
        if _is_named(path, names)
    ]
    if [one for one in found if _is_named(one[0], names)] != expected:
        raise Refused(
            "sharing.other_than_document",
            "nội dung khác với tài liệu đã ký mà nó lấy từ đó",
            "it says something else than the signed document that it is of",
        )


def _fields_of(root: Any) -> list[tuple[str, str]]:
    """Return path and text of every value in the packet of a message (HoSo, TienDo), in order."""
    packets = [one for one in root if etree.QName(one).localname in ("HoSo", "TienDo")]
    if len(packets) != 1:
        raise _malformed()
    found = list(islice(_leaves(packets[0], ""), MAX_FIELDS + 1))
    if len(found) > MAX_FIELDS:
        raise _malformed()
    return found


def _has_nothing_else(root: Any) -> bool:
    """Tell whether what was shared holds nothing beside its values: they alone are compared."""
    namespace = etree.QName(root).namespace
    return len(root) == 1 and all(
        not one.attrib
        and etree.QName(one).namespace == namespace
        and not (one.tail or "").strip()
        and not (len(one) and (one.text or "").strip())
        for one in root.iter()
    )


def _malformed() -> Refused:
    return Refused("sharing.malformed", "không phải bản tin của Cổng", "it is no such message")


def _leaves(element: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for child in element:
        path = prefix + etree.QName(child).localname
        if len(path) > MAX_PATH:
            raise _malformed()
        if len(child):
            yield from _leaves(child, path + ".")
        else:
            yield path, child.text or ""


def _is_named(path: str, names: set[str]) -> bool:
    steps = path.split(".")
    return any(".".join(steps[:count]) in names for count in range(1, len(steps) + 1))


def _mask(text: str) -> str:
    """Return a masked value: of a long one the last three characters stay."""
    shown = text[-3:] if len(text) > 6 else ""
    return "*" * (len(text) - len(shown)) + shown


def _beyond(vi: str, en: str) -> Refused:
    return Refused(
        "sharing.beyond_terms",
        "hồ sơ chia sẻ không cho phép: " + vi,
        "the profile does not allow it: " + en,
    )


def _say_erased(thing: Any, vi: str, en: str, report: Report) -> None:
    erased = thing["erased"] or {}
    row = "" if erased.get("row") is None else ", #" + str(erased["row"])
    why = _plain(str(erased.get("by", "?"))) + ": " + _plain(str(erased.get("why", "?"))) + row
    report.open(
        "content.erased",
        "Nội dung " + vi + " đã bị xóa (" + why + "); giá trị băm vẫn còn trong nhật ký",
        en + ": its content was erased (" + why + "); its digest is still in the log",
    )


def _say_what_is_open(manifest: Any, report: Report) -> None:
    """Say what no pack can prove, and what this one does not hold."""
    report.open(
        "log.completeness",
        "Không chứng minh được rằng gói chứa mọi dòng nhật ký về hồ sơ: chỉ chứng minh các dòng "
        "có ở đây là đúng",
        "That these are all rows about the dossier is not proven; those that are here are true",
    )
    report.open(
        "operator.word",
        "summary.html, các bản ghi trích ra (record-….json) và những gì manifest.json ghi mà không "
        "được nêu ở trên: chỉ là lời của bên vận hành",
        "summary.html, records as they were read (record-….json), and what manifest.json says "
        "beyond what is told above: the operator's word only",
    )
    if any(one.get("answer") for each in manifest["messages"] for one in each["attempts"]):
        report.open(
            "answer.unsigned",
            "Các câu trả lời nguyên văn (attempts/) của Cổng hoặc cơ quan nhận không có chữ ký: là "
            "bản do bên vận hành giữ",
            "Raw answers (attempts/) of the portal and of agencies carry no signature: they are as "
            "the operator kept them",
        )


# --- the audit log ------------------------------------------------------------------------------


class Log:
    """The rows of the audit log in a pack, their seals, and the chain of seals."""

    def __init__(self, pack: Pack, manifest: Any, means: Means, report: Report) -> None:
        self._pack, self._manifest = pack, manifest
        self._means, self._report = means, report
        self._rows: dict[str, list[Any]] = {}
        self._seals: dict[int, dict[str, Any]] = {}
        self._bad: set[int] = set()
        self._good: set[int] = set()
        self.anchored = 0
        """The highest number of a seal that a witness has."""
        self._agreed: set[int] = set()
        """Seals here that a witness has."""
        self._log: str | None = None
        self._texts: dict[int, str] = {}
        self._linked_from: int | None = None
        """The seals from this one up to the newest here follow each other."""

    def rows_of(self, subject: str, action: str | None = None) -> list[Any]:
        """Return the rows about one message or submission that are as they were written."""
        rows = self._rows.get(subject, [])
        return rows if action is None else [one for one in rows if one["action"] == action]

    def stated(self, subject: str, action: str, name: str, *, is_sealed: bool = False) -> set[str]:
        """Return what rows of one action about a subject, or sealed ones, state under a name."""
        said = [
            one["parsed"]
            for one in self.rows_of(subject, action)
            if one["parsed"] and (one["proven"] or not is_sealed)
        ]
        return {str(one[name]) for one in said if one.get(name)}

    def check(self) -> None:
        """Check everything; findings go to the report."""
        self._read_seals()
        self._check_rows()
        try:
            self._check_chain()
        except Refused as refused:
            # Documents are judged all the same.
            self._report.false(refused.code, refused.vi, refused.en)
        self._check_witness()
        self._check_stamps()

    def _read_seals(self) -> None:
        chains = {}
        for name in self._manifest["seal_signers"]:
            found = load_pem(self._pack.read(name, MIB))
            chains[found[0].fingerprint] = found
        trusted: dict[Any, Refused | None] = {}
        faults: set[tuple[str, str]] = set()
        for values in self._pack.few(SEALS):
            body = read_seal(values["body"])
            number = body["number"]
            if number in self._seals or self._log not in (None, body["log"]):
                raise Refused(
                    "seal.twice",
                    "hai niêm phong cùng số " + str(number) + ", hoặc của nhật ký khác",
                    "two seals have the number " + str(number) + ", or are of other logs",
                )
            self._log = body["log"]
            body["digest"] = hashlib.sha256(values["body"].encode()).hexdigest()
            self._seals[number] = body
            self._texts[number] = values["body"]
            chain = chains.get(values["signer"])
            if chain is None or not _is_signed(chain[0], values):
                self._bad.add(number)
                self._report.false(
                    "seal.signature_wrong",
                    "niêm phong số " + str(number) + ": chữ ký không đúng",
                    "seal " + str(number) + ": its signature is wrong",
                )
                continue
            self._check_signer(chain, body, trusted, faults)
        if self._good and not self._bad:
            names = sorted({chains[one][0].name for one in chains})
            self._report.proven(
                "seal.signed",
                "Niêm phong (" + str(len(self._good)) + ") do " + "; ".join(names) + " ký",
                "Seals (" + str(len(self._good)) + ") are signed by " + "; ".join(names),
            )

    def _check_signer(
        self,
        chain: list[Certificate],
        body: Any,
        trusted: dict[Any, Refused | None],
        faults: set[tuple[str, str]],
    ) -> None:
        number, signer = body["number"], chain[0]
        at = read_moment(body["at"])
        operators = self._means.operators
        if operators and signer.fingerprint not in operators:
            fault: Refused | None = Refused(
                "seal.other_signer",
                "người niêm phong không phải chứng thư đã nêu bằng --operator",
                "who sealed is not the certificate named by --operator",
            )
        elif not self._means.roots:
            if signer.fingerprint not in trusted:
                trusted[signer.fingerprint] = None
                self._report.open(
                    "seal.signer_unknown",
                    "Niêm phong do " + signer.name + " ký; CHƯA CHỨNG MINH là ai: thiếu --root",
                    "Seals are signed by " + signer.name + "; who that is is NOT proven: no --root",
                    essential=True,
                )
            return
        else:
            key = (signer.fingerprint, at.date())
            if key not in trusted:
                trusted[key] = certificate_fault(signer, chain[1:], self._means.roots, at)
            fault = trusted[key]
        if fault is None:
            self._good.add(number)
            self._report.trusted.append((signer, chain[1:] + self._means.roots, at))
            return
        self._bad.add(number)
        if (fault.code, signer.fingerprint) not in faults:
            faults.add((fault.code, signer.fingerprint))
            self._report.false(
                fault.code if fault.code.startswith("seal.") else "seal.signer_untrusted",
                "niêm phong số " + str(number) + ": " + fault.vi,
                "seal " + str(number) + ": " + fault.en,
            )

    def _check_rows(self) -> None:
        seen, unsealed, proven, erased, last = set(), 0, 0, 0, ""
        reasons: dict[str, None] = {}
        for row in self._pack.few(ROWS):
            number = row["row"]
            if type(number) is not int or number in seen:
                raise _no_json(ROWS)
            seen.add(number)
            if not _is_as_written(row):
                self._report.false(
                    "row.changed",
                    "dòng nhật ký " + str(number) + ": nội dung đã bị sửa",
                    "row " + str(number) + " of the log: its content was changed",
                )
                continue
            if "erased" in row:
                erased += 1
                by = _plain(str(row.get("erased_by", "?")))
                reasons[by + ": " + _plain(str(row.get("erased_why", "?")))] = None
            if row["seal"] is None:
                unsealed += 1
            elif not self._is_in_its_seal(row):
                continue
            # Of a seal that is false every row is as open as one without.
            row["proven"] = row["seal"] is not None and row["seal"] not in self._bad
            if row["proven"]:
                proven += 1
                last = row["at"]
            self._keep(row)
        if proven:
            self._report.proven(
                "log.rows",
                str(proven) + " dòng nhật ký đúng như khi niêm phong (dòng cuối lúc " + last + ")",
                str(proven) + " rows of the log are as they were sealed (the last of " + last + ")",
            )
        if erased:
            why = "; ".join(list(reasons)[:5])
            self._report.open(
                "row.erased",
                str(erased) + " dòng nhật ký đã bị xóa chi tiết (" + why + "); chứng minh vẫn còn",
                str(erased) + " rows of the log had their detail erased (" + why + "); they stay "
                "proven",
            )
        if unsealed:
            self._report.open(
                "row.unsealed",
                str(unsealed) + " dòng nhật ký chưa được niêm phong: chỉ là lời của bên vận hành",
                str(unsealed) + " rows of the log are not sealed yet: the operator's word only",
            )
        if len(seen) != self._manifest["audit"]["rows"]:
            self._report.false(
                "row.count_differs",
                "số dòng nhật ký khác với manifest.json",
                "there is another number of rows than manifest.json says",
            )

    def _keep(self, row: Any) -> None:
        row["parsed"] = read_json(row["detail"].encode(), ROWS) if "detail" in row else None
        self._rows.setdefault(row["subject"], []).append(row)

    def _is_in_its_seal(self, row: Any) -> bool:
        body = self._seals.get(row["seal"])
        leaf = hashlib.sha256(
            b"\x00" + row["row"].to_bytes(8, "big", signed=True) + bytes.fromhex(row["digest"])
        ).digest()
        path = [bytes.fromhex(one) for one in row["path"]]
        if (
            body is None
            or type(row["index"]) is not int
            or (root_from(leaf, row["index"], body["entries"], path) != body["root"])
        ):
            self._report.false(
                "row.proof_wrong",
                "dòng nhật ký " + str(row["row"]) + ": không thuộc niêm phong mà nó nêu",
                "row " + str(row["row"]) + " of the log: it is not in the seal that it names",
            )
            return False
        return True

    def _check_chain(self) -> None:
        audit = self._manifest["audit"]
        if not self._seals:
            return
        if not self._pack.has(CHAIN):
            self._report.open(
                "chain.not_included",
                "Chuỗi niêm phong không có trong gói: " + _plain(str(audit["chain_why_vi"])),
                "The chain of seals is not here: " + _plain(str(audit["chain_why_en"])),
            )
            return
        missing = set(self._seals)
        body: dict[str, Any] | None = None
        count = 0
        for values in self._pack.records(CHAIN):
            body, digest = _next_seal(body, values)
            number = body["number"]
            count += 1
            known = self._seals.get(number)
            if known is not None:
                missing.discard(number)
                if known["digest"] != digest:
                    raise _broken_chain(number)
            self._compare(number, digest)
        if missing:
            raise _broken_chain(min(missing))
        # What comes after the last seal that is signed here nobody has said.
        if body is not None and body["number"] not in self._seals:
            raise _broken_chain(body["number"])
        if body is not None:
            self._linked_from = body["number"] - count + 1
        if body is not None and count > 1:
            self._report.proven(
                "chain.linked",
                str(count) + " niêm phong nối tiếp nhau đến số " + str(body["number"]),
                str(count) + " seals follow each other up to number " + str(body["number"]),
            )

    def _compare(self, number: int, digest: str) -> None:
        remembered = self._means.witness.get(number)
        if remembered is None:
            return
        if remembered != digest:
            self._report.false(
                "seal.other_than_witness",
                "niêm phong số " + str(number) + " khác với niêm phong mà nhân chứng giữ",
                "seal " + str(number) + " is another one than the witness has",
            )
        elif number not in self._bad:
            self.anchored = max(self.anchored, number)
            self._agreed.add(number)

    def _check_witness(self) -> None:
        for number, body in self._seals.items():
            self._compare(number, body["digest"])
        if not self._means.witness:
            self._report.open(
                "witness.none",
                "Chưa đối chiếu với nhân chứng niêm phong (--witness): bên vận hành có khóa niêm "
                "phong vẫn có thể đã viết lại nhật ký",
                "No witness's seal was given (--witness): who has the key of the seals could have "
                "written the log anew",
            )
        elif self._agreed:
            self._say_witnessed()
        else:
            self._report.open(
                "witness.elsewhere",
                "Nhân chứng không giữ niêm phong nào trong chuỗi này: xuất lại gói, hoặc đưa niêm "
                "phong khác",
                "The witness has none of these seals: export the pack again, or give another seal",
            )

    def _say_witnessed(self) -> None:
        """A witness's seal stands for those before it only where the chain between them is here."""
        if self._linked_from is None:
            loose = sorted(set(self._seals) - self._agreed)
            listed = ", ".join(map(str, sorted(self._agreed)[:10]))
            self._report.proven(
                "witness.agrees",
                "Niêm phong số " + listed + " đúng như nhân chứng giữ",
                "Seal " + listed + ": as the witness has it",
            )
            if loose:
                self._report.open(
                    "witness.unlinked",
                    "Không có chuỗi niêm phong, nên niêm phong số " + str(loose[0]) + " chưa có "
                    "nhân chứng: đưa niêm phong số đó của nhân chứng",
                    "Without the chain of seals, seal " + str(loose[0]) + " is not witnessed: give "
                    "the witness's own seal of that number",
                )
            return
        self._report.proven(
            "witness.agrees",
            "Các niêm phong đến số " + str(self.anchored) + " đúng như nhân chứng giữ",
            "Seals up to number " + str(self.anchored) + " are as the witness has them",
        )
        if any(one > self.anchored for one in self._seals):
            self._report.open(
                "witness.earlier",
                "Các niêm phong sau số " + str(self.anchored) + " chưa có nhân chứng",
                "Seals after number " + str(self.anchored) + " are not witnessed here",
            )

    def _check_stamps(self) -> None:
        stamps = self._manifest["audit"]["stamps"]
        if not stamps:
            self._report.open(
                "stamp.none",
                "Không có dấu thời gian của bên thứ ba: mọi thời điểm là theo đồng hồ của bên ký",
                "There is no third party's time-stamp: every time is the signer's own clock",
            )
        for number, name in stamps.items():
            try:
                self._check_stamp(int(number), self._pack.read(name, MIB))
            except Refused as refused:
                self._report.false(
                    refused.code,
                    "niêm phong số " + number + ": " + refused.vi,
                    "seal " + number + ": " + refused.en,
                )

    def _check_stamp(self, number: int, token: bytes) -> None:
        """Check one token, which is over the body of a seal and so over all before it."""
        if number not in self._texts:
            raise _stamp("no_seal", "thiếu niêm phong của nó", "its seal is not here")
        stamp = TimeStamp(token, self._texts[number].encode())
        first = number
        if self._linked_from is not None and self._linked_from <= number:
            first = self._linked_from
        span = str(number) if first == number else str(first) + "–" + str(number)
        at, name = _show(stamp.at), stamp.signer.name
        told = (
            "Niêm phong số " + span + " có trước " + at + ", theo dấu thời gian của " + name,
            "Seals " + span + " were there by " + at + ", by a time-stamp of " + name,
        )
        if not self._means.stamp_roots:
            self._report.open(
                "stamp.signer_unknown",
                told[0] + "; CHƯA CHỨNG MINH: chưa đưa chứng thư gốc của nơi cấp (--stamp-root)",
                told[1] + "; NOT proven: no root of its authority was given (--stamp-root)",
            )
            return
        fault = stamp.fault(self._means.stamp_roots)
        if fault is None and stamp.at > self._means.now + SKEW:
            fault = _stamp("in_future", "ở tương lai", "it is of the future")
        if fault is not None:
            code = fault.code if fault.code.startswith("stamp.") else "stamp.untrusted"
            raise Refused(code, fault.vi, fault.en)
        self._report.proven("stamp.given", *told)

    def say(self, row: Any, code: str, vi: str, en: str) -> None:
        """Say what a row proves, where its seal does."""
        if row["proven"]:
            self._report.proven(code, vi, en)

    def say_when(self, row: Any, vi: str, en: str) -> None:
        """Say since when something stands in the log, as far as that is proven."""
        if not row["proven"]:
            return
        number = str(row["seal"])
        told = (
            "{}: trong nhật ký từ {}, dòng {}, niêm phong {}",
            "{}: in the log since {}, row {}, seal {}",
        )
        at = _plain(str(row["at"]))
        self._report.proven(
            "log.since",
            told[0].format(vi, at, row["row"], number),
            told[1].format(en, at, row["row"], number),
        )


def _is_signed(certificate: Certificate, values: Any) -> bool:
    data = values["body"].encode()
    try:
        signature = b64decode(values["signature"], validate=True)
        key = certificate.key
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            hash_ = hashes.SHA384() if key.curve.key_size > 256 else hashes.SHA256()
            key.verify(signature, data, ec.ECDSA(hash_))
            return True
    except (InvalidSignature, ValueError):
        return False
    return False


def read_seal(text: str) -> dict[str, Any]:
    """Return what a seal says. Raises `Refused` unless it is the canonical JSON of one."""
    body = read_json(text.encode(), SEALS)
    numbers = ("number", "entries", "first", "last", "total")
    texts = ("log", "at", "root", "previous", "type")
    try:
        is_right = (
            sorted(body) == sorted(numbers + texts)
            and all(type(body[one]) is int for one in numbers)
            and all(type(body[one]) is str for one in texts)
            and body["type"] == SEAL_TYPE
            and write_seal(body) == text
            and HEX.fullmatch(body["root"]) is not None
        )
    except TypeError:
        is_right = False
    if not is_right:
        raise Refused("seal.malformed", "không phải niêm phong", "something is not a seal")
    return dict(body)


def write_seal(body: Mapping[str, Any]) -> str:
    """Return the canonical JSON of a seal, which is what is signed."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _next_seal(before: dict[str, Any] | None, values: Any) -> tuple[dict[str, Any], str]:
    """Return the next seal of the chain and its digest; what can be derived is not written."""
    if before is None:
        body = read_seal(values["body"])
    else:
        at, entries, first, last, root = values
        if type(entries) is not int or not isinstance(root, str):
            raise _no_json(CHAIN)
        body = {
            "type": SEAL_TYPE,
            "log": before["log"],
            "number": before["number"] + 1,
            "at": at,
            "entries": entries,
            "first": first,
            "last": last,
            "total": before["total"] + entries,
            "root": root,
            "previous": before["digest"],
        }
    digest = hashlib.sha256(write_seal({k: v for k, v in body.items() if k != "digest"}).encode())
    body["digest"] = digest.hexdigest()
    return body, body["digest"]


def _broken_chain(number: int) -> Refused:
    return Refused(
        "chain.broken",
        "chuỗi niêm phong đứt ở số " + str(number),
        "the chain of seals does not lead through seal " + str(number),
    )


def _is_as_written(row: Any) -> bool:
    if "detail" in row:
        of_detail = hashlib.sha256(bytes.fromhex(row["salt"]) + row["detail"].encode()).digest()
    else:
        of_detail = bytes.fromhex(row["erased"])
    head = [row["at"], row["actor"], row["action"], row["subject"]]
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode() + of_detail).hexdigest() == str(row["digest"])


def root_from(leaf: bytes, index: int, size: int, path: list[bytes]) -> str | None:
    """Return the root (hexadecimal) that a path leads to from leaf `index` of `size`, or None."""
    if not 0 <= index < size:
        return None
    rest, found = list(path), leaf
    while size > 1:
        if index % 2 or index + 1 < size:
            if not rest or len(rest[0]) != 32:
                return None
            beside = rest.pop(0)
            pair = beside + found if index % 2 else found + beside
            found = hashlib.sha256(b"\x01" + pair).digest()
        index, size = index // 2, (size + 1) // 2
    return None if rest else found.hex()


# --- the command --------------------------------------------------------------------------------


def read_roots(files: Iterable[str]) -> list[Certificate]:
    """Return the certificates of PEM files. Raises `Unusable`."""
    found = []
    for name in files:
        try:
            with open(name, "rb") as file:
                found += load_pem(file.read(MIB))
        except OSError as error:
            raise Unusable("{}: {}".format(name, error.strerror)) from error
        except Refused as refused:
            raise Unusable("{}: {} / {}".format(name, refused.vi, refused.en)) from refused
    return found


def read_witness(names: Iterable[str]) -> dict[int, str]:
    """Return number to digest of seals: files of a witness, or `number:digest` from a page."""
    found = {}
    for name in names:
        printed = re.fullmatch(r"\s*(\d{1,18})\s*:\s*([0-9a-fA-F\s]+)", name)
        if printed:
            found[int(printed.group(1))] = "".join(printed.group(2).split()).lower()
            continue
        try:
            with open(name, "rb") as file:
                before = len(found)
                for line in iter(lambda: file.readline(MAX_LINE), b""):
                    try:
                        text = read_json(line, name)["body"]
                        body = read_seal(text)
                    except (Refused, *ODD):
                        continue
                    found[body["number"]] = hashlib.sha256(text.encode()).hexdigest()
                if len(found) == before:
                    raise Unusable(name + ": không có niêm phong nào / there is no seal in it")
        except OSError as error:
            raise Unusable("{}: {}".format(name, error.strerror)) from error
    return found


def digest_files(names: Iterable[str]) -> list[str]:
    """Return the SHA-256 of files. Raises `Unusable`."""
    found = []
    for name in names:
        digest = hashlib.sha256()
        try:
            with open(name, "rb") as file:
                for piece in iter(lambda: file.read(CHUNK), b""):
                    digest.update(piece)
        except OSError as error:
            raise Unusable("{}: {}".format(name, error.strerror)) from error
        found.append(digest.hexdigest())
    return found


MARKS = {PROVEN: "[✓]", OPEN: "[?]", FALSE: "[✗]"}
VERDICTS = {
    PROVEN: (
        "KẾT LUẬN: những gì cần chứng minh đã được chứng minh; các mục [?] còn để ngỏ",
        "VERDICT: what must be proven is proven; what is marked [?] is open",
    ),
    OPEN: (
        "KẾT LUẬN: CHƯA ĐỦ để chứng minh; xem các mục [?]",
        "VERDICT: NOT ENOUGH to prove it; see what is marked [?]",
    ),
    FALSE: (
        "KẾT LUẬN: SAI; gói này hoặc một phần của nó không đáng tin, xem các mục [✗]",
        "VERDICT: FALSE; this pack or a part of it must not be believed, see what is marked [✗]",
    ),
}


def write_report(report: Report, language: str = "both") -> str:
    """Return a report in words: `vi`, `en` or `both`."""
    lines = []
    for one in report.lines:
        words = {"vi": [one.vi], "en": [one.en], "both": [one.vi, one.en]}[language]
        lines.append("{} {}".format(MARKS[one.kind], words[0]))
        lines += ["    " + more for more in words[1:]]
    vi, en = VERDICTS[report.verdict]
    lines += {"vi": [vi], "en": [en], "both": [vi, en]}[language]
    return "\n".join(lines) + "\n"


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the arguments of the command."""
    parser = argparse.ArgumentParser(
        description="Kiểm tra gói chứng cứ / check an evidence pack",
        epilog="0: proven; 1: false or not enough; 2: it cannot be judged",
    )
    parser.add_argument("pack")
    add = parser.add_argument
    add("--root", action="append", default=[], help="PEM: chứng thư gốc tin cậy / trusted root")
    add("--receipt-root", action="append", default=[], help="PEM: only for the portal's receipts")
    add("--stamp-root", action="append", default=[], help="PEM: of the time-stamp authority")
    add("--operator", action="append", default=[], help="SHA-256 of the operator's certificate")
    add("--witness", action="append", default=[], help="file of a witness, or number:digest")
    add("--source", action="append", default=[], help="a file that the agency handed in")
    add("--json", action="store_true", help="for programs")
    add("--lang", choices=("vi", "en", "both"), default="both")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A console, or a file on Windows, that has no Vietnamese gets marks in place of it.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    asked = make_parser().parse_args(arguments)
    try:
        means = Means(
            roots=read_roots(asked.root),
            receipt_roots=read_roots(asked.receipt_root),
            stamp_roots=read_roots(asked.stamp_root),
            operators=asked.operator,
            witness=read_witness(asked.witness),
            sources=digest_files(asked.source),
        )
        with open(asked.pack, "rb") as file:
            report = verify(file, means)
    except Unusable as error:
        sys.stderr.write(str(error) + "\n")
        return 2
    except OSError as error:
        sys.stderr.write("{}: {}\n".format(asked.pack, error.strerror))
        return 2
    if asked.json:
        sys.stdout.write(json.dumps(report.values(), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(write_report(report, asked.lang))
    return 0 if report.verdict == PROVEN else 1


if __name__ == "__main__":
    sys.exit(main())

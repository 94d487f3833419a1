"""
Writing an evidence pack: everything that proves what became of one dossier, in one container.

    manifest.json                       what is here, what is not, and why
    summary.html                        the same for people
    submissions/{n}/source              the file as it came, or not: see `sources`
    submissions/{n}/receipt-{s}.xml     the operator's own, which the agency got
    submissions/{n}/record-{k}.json     the dossier's records, as they are read from it
    submissions/{n}/terms.json          of what was shared: the whole profile, as it was then
    messages/{n}-{id}/document.xml      signed, byte for byte as it was sent
    messages/{n}-{id}/file              what went to an agency, byte for byte
    messages/{n}-{id}/attachments.json  the manifest of its files, which are not here
    messages/{n}-{id}/receipt.xml       the portal's, where it gives some
    messages/{n}-{id}/attempts/…        raw answers of portal or agency, and headers that went out
    audit/rows.jsonl, seals.jsonl, chain.jsonl, stamps/{seal}.tsr      see `proofs`
    certificates/…                      for information; nobody is trusted by being here

`verify_evidence.py` is what checks it, and says what each of these proves.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.exc import DataError

from lienthong.attachments.manifest import encode_manifest, entry_of
from lienthong.evidence.container import Container
from lienthong.evidence.gathering import Erasure, gather
from lienthong.evidence.proofs import LONGEST_CHAIN, Proven, Prover, write_line
from lienthong.evidence.sources import UNREADABLE, Sources, words_of
from lienthong.evidence.summary import MOST_STEPS, write_summary
from lienthong.proofs import HANDED_OVER, WORDS, Proof
from lienthong.store.attachments import load_files
from lienthong.store.database import reading
from lienthong.store.sealed import (
    answer_context,
    document_context,
    headers_context,
    receipt_context,
    submission_receipt_context,
)
from lienthong.store.tables import attempts, messages, receipts, submission_receipts
from lienthong.store.vault import SealBroken
from schemas.errors import InputError
from schemas.problem import Language, Problem, Text
from signing import Kind, read_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from typing import IO

    from sqlalchemy import Column, Connection

    from lienthong.evidence.gathering import Gathered, HandedIn, Sent, Shared, Tried
    from lienthong.store.database import Store
    from mappings import Converter
    from signing import Evidence, RevocationSource, SigningKey

TYPE = "lienthong-evidence/1"
TYPE_DOWN = "lienthong-evidence/2"
"""Of a pack with something that came down, which verifiers of before do not know."""
PIECE = 256 * 1024
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_CERTIFICATE = re.compile(rb"X509Certificate>([A-Za-z0-9+/=\s]+)</")
_ODD = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, MemoryError, DataError)
"""What reading values raises that somebody put into the store by hand."""
_DAMAGED = Erasure(by="?", why="hỏng trong kho, không mở được / damaged in the store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which pack."""

    dossier: str
    agency: str | None = None
    whole_files: bool = False
    """Files as they came, with whatever else is in them."""
    whole_chain: bool = False
    """The chain of seals, however long it is."""
    language: Language = Language.VI
    """Of the summary."""
    with_sources: bool = True
    """Read what agencies handed in again, which may take long; without it the pack says less."""


@dataclass(slots=True, kw_only=True)
class Packed:
    """What a pack holds."""

    messages: int = 0
    documents: int = 0
    receipts: int = 0
    rows: int = 0
    unsealed: int = 0
    files: int = 0
    left_out: list[Text] = field(default_factory=list)
    """Files that agencies handed in and that are not in it."""


def name_of_pack(dossier: str) -> str:
    """Return what the file of a pack is called."""
    name = "".join(one if one.isalnum() or one in "._-" else "-" for one in dossier)
    return f"{name.lstrip('.-')[:100] or 'dossier'}.asice"


class Packer:
    """Writes packs of one installation."""

    def __init__(
        self,
        store: Store,
        *,
        converters: Callable[[str], Converter],
        key: Callable[[], SigningKey],
        roots: Sequence[x509.Certificate],
        clock: Callable[[], datetime],
        revocation: Callable[[], RevocationSource | None] = lambda: None,
    ) -> None:
        """
        Put it together.

        Args:
            store: Of the installation.
            converters: Returns an agency's mapping, or raises ConfigError.
            key: The operator's, which signs packs.
            roots: Trusted here; they go along for information.
            clock: Asked once per pack.
            revocation: Returns who knows what authorities have revoked, if anybody does.
        """
        self._store = store
        self._sources = Sources(store, converters)
        self._key = key
        self._roots = roots
        self._clock = clock
        self._revocation = revocation

    def pack(self, target: IO[bytes], wanted: Wanted) -> Packed:
        """
        Write the pack of one dossier to `target`, which must be seekable.

        Raises:
            InputError: there is no such dossier, or the store is damaged.
            signing.KeyUnusable: the operator's key cannot sign now.
        """
        key = self._key()
        try:
            # The dossier and its rows of the log are of one moment: they have to agree.
            with reading(self._store) as connection:
                gathered = gather(connection, wanted.dossier, agency=wanted.agency)
                container = Container(target)
                writing = _Writing(self._store, self._sources, gathered, wanted)
                log = writing.add_log(container, connection)
            return writing.run(
                container,
                log=log,
                key=key,
                roots=self._roots,
                at=self._clock(),
                revocation=self._revocation(),
            )
        except _ODD as error:
            raise _damaged_store() from error


class _Writing:
    """One pack that is being written."""

    def __init__(self, store: Store, sources: Sources, gathered: Gathered, wanted: Wanted) -> None:
        self._store = store
        self._sources = sources
        self._gathered = gathered
        self._wanted = wanted
        self._packed = Packed(messages=len(gathered.messages))
        self._certificates: dict[str, list[bytes]] = {}
        """PEM of signers by the name of their file."""
        self._signers: dict[tuple[x509.Certificate, ...], None] = {}
        """Each with what was sent along."""

    def run(
        self,
        container: Container,
        *,
        log: tuple[dict[str, Any], list[dict[str, Any]], list[str]],
        key: SigningKey,
        roots: Sequence[x509.Certificate],
        at: datetime,
        revocation: RevocationSource | None,
    ) -> Packed:
        handed_in = [
            self._add_submission(container, number, one)
            for number, one in enumerate(self._gathered.submissions, start=1)
        ]
        sent = [
            self._add_message(container, number, one)
            for number, one in enumerate(self._gathered.messages, start=1)
        ]
        audit, steps, signers = log
        self._add_certificates(container, roots)
        self._signers[(key.certificate, *key.chain)] = None
        manifest = {
            "type": TYPE_DOWN if any(one.is_down for one in self._gathered.messages) else TYPE,
            "dossier": self._gathered.dossier,
            "agency": self._gathered.agency,
            "made_at": _moment(at),
            "made_by": f"lienthong {version('lienthong')}",
            "made_for": read_signer(key.certificate).common_name,
            "submissions": handed_in,
            "messages": sent,
            "audit": audit,
            "seal_signers": signers,
            "revocation": self._add_revocation(container, roots, revocation),
        }
        page = write_summary(manifest, steps, language=self._wanted.language)
        with container.adding("summary.html") as write:
            for piece in page:
                write(piece.encode("utf-8", "replace"))
        listed = [
            {"name": one.name, "size": one.size, "sha256": one.sha256.hex()}
            for one in container.files
        ]
        text = json.dumps(manifest | {"files": listed}, ensure_ascii=False, indent=1)
        container.add("manifest.json", text.encode("utf-8", "replace") + b"\n")
        container.finish(key=key, at=at)
        self._packed.files = len(container.files)
        return self._packed

    def _add_submission(self, container: Container, number: int, of: HandedIn) -> dict[str, Any]:
        folder = f"submissions/{number}"
        why: Text | None = _NOT_ASKED
        if self._wanted.with_sources:
            why = self._sources.why_not_whole(of, whole_files=self._wanted.whole_files)
        file = None
        if why is None:
            file, why = self._add_source(container, f"{folder}/source", of)
        if why is not None:
            self._packed.left_out.append(why)
        records, no_records = self._add_records(container, folder, of)
        return {
            "id": of.id,
            "sha256": of.sha256,
            "size": of.size,
            "file_name": of.file_name,
            "agency": of.agency,
            "door": of.door,
            "sender": of.sender,
            "service": of.service,
            "shared": None if of.shared is None else self._add_shared(container, folder, of.shared),
            "received_at": _moment(of.received_at),
            "file": file,
            "why_vi": None if why is None else why.vi,
            "why_en": None if why is None else why.en,
            "erased": None if of.erasure is None else asdict(of.erasure),
            "records": records,
            "records_why_vi": None if no_records is None else no_records.vi,
            "records_why_en": None if no_records is None else no_records.en,
            "receipts": self._add_own_receipts(container, folder, of),
        }

    def _add_shared(self, container: Container, folder: str, of: Shared) -> dict[str, str | None]:
        """Add on which terms something was shared, byte for byte as their digest is logged."""
        name = None
        if of.text is not None:
            name = container.add(f"{folder}/terms.json", of.text.encode()).name
        return {
            "message": of.message,
            "profile": of.profile,
            "terms": of.terms,
            "file": name,
        }

    def _add_own_receipts(self, container: Container, folder: str, of: HandedIn) -> dict[str, str]:
        """Add what the operator signed for the agency about what was received; return the names."""
        table = submission_receipts
        query = select(table.c.statement, table.c.document).where(table.c.submission_id == of.id)
        with reading(self._store) as connection:
            rows = connection.execute(query.order_by(table.c.statement)).all()
        names = {}
        for row in rows:
            context = submission_receipt_context(of.id, row.statement)
            with suppress(SealBroken):
                receipt = self._store.vault.open(row.document, context=context)
                name = f"{folder}/receipt-{_safe(row.statement)}.xml"
                names[row.statement] = container.add(name, receipt).name
                self._note_certificates("operator", receipt)
        return names

    def _add_source(
        self, container: Container, name: str, of: HandedIn
    ) -> tuple[str | None, Text | None]:
        try:
            source = self._sources.open(of)
        except UNREADABLE as error:
            return None, words_of(error)
        with source:
            first = b""
            # What cannot be opened is told, instead of an empty file.
            try:
                first = source.read(PIECE)
            except UNREADABLE as error:
                return None, words_of(error)
            with container.adding(name) as write:
                write(first)
                while piece := source.read(PIECE):
                    write(piece)
        return name, None

    def _add_records(
        self, container: Container, folder: str, of: HandedIn
    ) -> tuple[dict[str, str], Text | None]:
        if of.erasure is not None:
            return {}, Text(vi="nội dung đã bị xóa", en="its bytes were erased")
        if not self._wanted.with_sources:
            return {}, _NOT_ASKED
        names = {}
        try:
            for number, record in self._sources.records(of):
                names[str(number)] = f"{folder}/record-{number}.json"
                container.add(names[str(number)], record)
        except UNREADABLE as error:
            return names, words_of(error)
        return names, None

    def _add_message(self, container: Container, number: int, of: Sent) -> dict[str, Any]:
        folder = f"messages/{number:04}-{_safe(of.id)}"
        proof = _proof_words(of)
        return {
            "id": of.id,
            "submission": of.submission,
            "record": of.record,
            "item": of.item,
            "packet": of.packet,
            "agency": of.agency,
            "handed": None if of.file is None else asdict(of.file),
            "sequence": of.sequence,
            "state": of.state,
            "reason": of.reason,
            "mapping": of.mapping,
            "reissue_of": of.reissue_of,
            "created_at": _moment(of.created_at),
            "updated_at": _moment(of.updated_at),
            "document": self._add_document(container, folder, of),
            "attachments": self._add_attachments(container, folder, of),
            "receipt": self._add_receipt(container, folder, of),
            "proof": of.proof,
            "proof_words_vi": proof.vi,
            "proof_words_en": proof.en,
            "attempts": [self._add_attempt(container, folder, of.id, one) for one in of.attempts],
        }

    def _add_document(self, container: Container, folder: str, of: Sent) -> dict[str, Any] | None:
        if of.document_digest is None:
            return None
        erasure, name = of.erasure, None
        query = select(messages.c.document).where(messages.c.id == of.id)
        try:
            document = self._payload(query, document_context(of.id))
        except SealBroken:
            document, erasure = None, _DAMAGED
        if document is not None:
            kind = "file" if of.is_down else "document.xml"
            name = container.add(f"{folder}/{kind}", document).name
            self._packed.documents += 1
            if not of.is_down:
                self._note_certificates("signer", document)
        elif erasure is None:
            # Between the look at the dossier and now.
            erasure = Erasure(by="?", why="vừa bị xóa / erased just now")
        return {
            "sha256": of.document_digest,
            "file": name,
            "erased": None if document is not None or erasure is None else asdict(erasure),
        }

    def _add_attachments(self, container: Container, folder: str, of: Sent) -> str | None:
        """Add the manifest of the files of a message, byte for byte as its digest is logged."""
        try:
            with reading(self._store) as connection:
                files = load_files(connection, of.id, vault=self._store.vault)
        except SealBroken:
            return None
        known = [file.prepared for file in files if file.prepared is not None]
        if not known or len(known) < len(files):
            # There are none, or their names were erased with the document.
            return None
        manifest = encode_manifest([entry_of(one.declared, one.found) for one in known])
        return container.add(f"{folder}/attachments.json", manifest).name

    def _add_receipt(self, container: Container, folder: str, of: Sent) -> dict[str, str] | None:
        if not of.has_receipt:
            return None
        query = select(receipts.c.document).where(receipts.c.message_id == of.id)
        with suppress(SealBroken):
            receipt = self._payload(query, receipt_context(of.id))
            if receipt is not None:
                self._packed.receipts += 1
                self._note_certificates("receipt-signer", receipt)
                return {"file": container.add(f"{folder}/receipt.xml", receipt).name}
        return None

    def _add_attempt(
        self, container: Container, folder: str, id_: str, of: Tried
    ) -> dict[str, Any]:
        key = (id_, of.kind, of.number)
        place = f"{folder}/attempts/{_safe(of.kind)}-{of.number}"

        def add(column: Column[bytes], context: str, name: str) -> str | None:
            query = select(column).where(
                attempts.c.message_id == id_,
                attempts.c.kind == of.kind,
                attempts.c.number == of.number,
            )
            with suppress(SealBroken):
                value = self._payload(query, context)
                return None if value is None else container.add(f"{place}-{name}", value).name
            return None

        return {
            "kind": of.kind,
            "number": of.number,
            "started_at": _moment(of.started_at),
            "ended_at": None if of.ended_at is None else _moment(of.ended_at),
            "outcome": of.outcome,
            "code": of.code,
            "http_status": of.http_status,
            "is_updating": of.is_updating,
            "detail": of.detail,
            "answer": add(attempts.c.answer, answer_context(*key), "answer")
            if of.has_answer
            else None,
            "headers": add(attempts.c.headers, headers_context(*key), "headers")
            if of.has_headers
            else None,
            "answer_whole": of.answer_whole,
            "proof": of.proof,
        }

    def _payload(self, query: Any, context: str) -> bytes | None:
        """Return one sealed value, opened; None where it is not there any more."""
        with reading(self._store) as connection:
            sealed = connection.execute(query).scalar()
        return None if sealed is None else self._store.vault.open(sealed, context=context)

    def add_log(
        self, container: Container, connection: Connection
    ) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
        """Add what proves it by the log; return what it is, its first steps, and seal signers."""
        proven = Proven()
        steps: list[dict[str, Any]] = []
        prover = Prover(connection)
        with container.adding("audit/rows.jsonl") as write:
            for row in prover.rows(self._gathered.subjects, proven):
                write(write_line(row))
                if len(steps) < MOST_STEPS:
                    steps.append(row)
        newest = prover.newest()
        tokens = prover.stamps(sorted(proven.seals))
        numbers = proven.seals | {number for number, _ in tokens}
        if newest is not None:
            numbers.add(newest)
        fingerprints: set[str] = set()
        lines = prover.seals(sorted(numbers), fingerprints.add)
        _add_lines(container, "audit/seals.jsonl", lines)
        why = self._add_chain(container, prover, sorted(numbers))
        stamps = {
            str(number): container.add(f"audit/stamps/{number}.tsr", token).name
            for number, token in tokens
        }
        signers = []
        for one, pem in sorted(prover.certificates(sorted(fingerprints)).items()):
            name = f"certificates/seal-signer-{_safe(one)[:16]}.pem"
            signers.append(container.add(name, pem.encode()).name)
            with suppress(ValueError):
                self._signers[tuple(x509.load_pem_x509_certificates(pem.encode()))] = None
        self._packed.rows, self._packed.unsealed = proven.rows, proven.unsealed
        audit = {
            "rows": proven.rows,
            "unsealed": proven.unsealed,
            "seals": sorted(proven.seals),
            "newest": newest,
            "chain_why_vi": None if why is None else why.vi,
            "chain_why_en": None if why is None else why.en,
            "stamps": stamps,
        }
        return audit, steps, signers

    def _add_chain(
        self, container: Container, prover: Prover, numbers: Sequence[int]
    ) -> Text | None:
        """Add the chain of seals; return why not."""
        if not numbers:
            return Text(vi="chưa có niêm phong nào", en="there is no seal yet")
        length = numbers[-1] - numbers[0] + 1
        if length > LONGEST_CHAIN and not self._wanted.whole_chain:
            return Text(
                vi=f"dài {length} niêm phong; xuất với --whole-chain, hoặc đối chiếu từng niêm "
                "phong với nhân chứng",
                en=f"it has {length} seals; export with --whole-chain, or compare the seals that "
                "are here with the witness",
            )
        _add_lines(container, "audit/chain.jsonl", prover.chain(numbers[0], numbers[-1]))
        return None

    def _note_certificates(self, role: str, document: bytes) -> None:
        """Remember the certificates in a signature, to lie beside it in a form that tools read."""
        found = []
        for text in _CERTIFICATE.findall(document)[:8]:
            with suppress(ValueError):
                found.append(x509.load_der_x509_certificate(b64decode(text)))
        if found:
            digest = sha256(found[0].public_bytes(Encoding.DER)).hexdigest()
            self._signers[tuple(found)] = None
            name = f"certificates/{role}-{digest[:16]}.pem"
            self._certificates[name] = [one.public_bytes(Encoding.PEM) for one in found]

    def _add_revocation(
        self,
        container: Container,
        roots: Sequence[x509.Certificate],
        source: RevocationSource | None,
    ) -> list[str]:
        """Add what authorities say of the signers; return the names of these files."""
        names: dict[str, None] = {}
        if source is None:
            return []
        for signer, *others in self._signers:
            issuer = _issuer_of(signer, (*others, *roots))
            if issuer is None:
                continue
            for evidence in source.find(signer, issuer=issuer).evidence:
                with suppress(ValueError):
                    data = _as_der(evidence)
                    digest = sha256(data).hexdigest()
                    name = f"revocation/{digest[:16]}.{evidence.kind.value}"
                    if name not in names:
                        container.add(name, data)
                        names[name] = None
        return list(names)

    def _add_certificates(self, container: Container, roots: Sequence[x509.Certificate]) -> None:
        for name, certificates in sorted(self._certificates.items()):
            container.add(name, b"".join(certificates))
        if roots:
            container.add(
                "certificates/roots-for-information.pem",
                b"".join(one.public_bytes(Encoding.PEM) for one in roots),
            )


def _damaged_store() -> InputError:
    return InputError(
        Problem(
            code="evidence.store_damaged",
            message=Text(
                vi="Dữ liệu trong kho đã bị sửa đến mức không đọc được, không lập được gói",
                en="The store was changed so that it cannot be read, and no pack can be made of it",
            ),
            suggestion=Text(
                vi="Giữ nguyên hiện trạng, chạy: lienthong audit verify",
                en="Keep everything as it is, run: lienthong audit verify",
            ),
        )
    )


def _issuer_of(
    certificate: x509.Certificate, among: Iterable[x509.Certificate]
) -> x509.Certificate | None:
    for one in among:
        with suppress(ValueError, TypeError, InvalidSignature):
            certificate.verify_directly_issued_by(one)
            return one
    return None


def _as_der(evidence: Evidence) -> bytes:
    if evidence.kind is Kind.CRL and evidence.data.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_crl(evidence.data).public_bytes(Encoding.DER)
    return evidence.data


def _proof_words(of: Sent) -> Text:
    if of.is_down:
        return HANDED_OVER if of.proof else _NOT_HANDED_OVER
    return WORDS[Proof(of.proof)] if of.proof else _NOT_PROVEN


_NOT_ASKED = Text(vi="không được yêu cầu", en="it was not asked for")
_NOT_PROVEN = Text(
    vi="chưa có gì chứng minh Cổng đã nhận",
    en="nothing proves yet that the portal has it",
)

_NOT_HANDED_OVER = Text(
    vi="chưa có gì cho thấy cơ quan nhận đã nhận",
    en="nothing says yet that the receiving agency took it",
)


def _add_lines(container: Container, name: str, lines: Iterable[bytes]) -> None:
    with container.adding(name) as write:
        for line in lines:
            write(line)


def _safe(identifier: str) -> str:
    """Return an identifier as the name of a folder; ours are, but the store may be anybody's."""
    if _SAFE.fullmatch(identifier):
        return identifier
    return sha256(identifier.encode("utf-8", "replace")).hexdigest()[:32]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")

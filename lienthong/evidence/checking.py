"""
Checking the whole audit log: every row, every seal, and what the witnesses remember.

What it finds, though somebody may write to the database as they like, without the key of the
seals, the store's key file, and the witness:

    a row changed         its digest or its tag is not what it must be, or the root of its seal
    a detail taken out    no row of an erasure names it
    a row put in          it has no right tag, or it is a copy, or its seal has one row too many
    a row taken out       its seal lacks one; of rows without a seal this is not seen (the tail)
    rows swapped          the root of their seal
    a seal changed, taken out, put in, made anew     signature, number, link to the one before
    a time-stamp changed, swapped or taken out       see `stamp_checking`
    the end cut off, or an old backup put back       a witness has a seal that the log lacks

The log may be of any size: a thousand rows are in memory at a time.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lienthong.evidence.erasures import Erasures
from lienthong.evidence.merkle import root_of
from lienthong.evidence.sealing import as_seal, certificates_of
from lienthong.evidence.seals import FIRST_SEAL, hash_row, read_moment
from lienthong.evidence.stamp_checking import StampCheck, StampJudge
from lienthong.evidence.stamps import NOTED
from lienthong.evidence.witnesses import WitnessAway
from lienthong.store.as_found import columns_of, reading_any_text
from lienthong.store.audit import is_as_written
from lienthong.store.tables import audit, in_slices, seals
from schemas.problem import Text
from signing import certificate_reasons, is_signed_by, load_certificates, read_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from cryptography import x509
    from sqlalchemy import Connection, CursorResult, Row, Select

    from lienthong.evidence.seals import SealBody, SignedSeal
    from lienthong.evidence.stamp_checking import Proven
    from lienthong.evidence.witnesses import Memory, Remembered
    from lienthong.store.vault import Vault
    from signing import VerificationPolicy

AT_ONCE = 1_000
"""Rows in memory."""
MOST_IN_SEAL = 10_000
"""Rows of one seal that are looked at; the sealer puts far fewer into one."""
MOST_FAULTS = 1_000
"""Faults that are told; more are counted."""
_SHOWN = 20
_WITHOUT_TAG = frozenset({("vault.keys_changed", "data_keys"), ("store.upgraded", "store")})
"""Steps, with their subjects, that are written before the store's keys are open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is not as it was written; either of the two numbers says where."""

    code: str
    words: Text
    row: int | None = None
    seal: int | None = None

    def __str__(self) -> str:
        return self.words.en


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessReport:
    """What comparing with one witness gave."""

    name: str
    seals: int
    """That it has."""
    newest: int | None
    trouble: Text | None = None
    """Why it could not be asked."""


@dataclass(slots=True, kw_only=True)
class Checked:
    """What a walk over the whole log found."""

    rows: int = 0
    seals: int = 0
    unsealed: int = 0
    """Rows after the last seal: written, not yet sealed."""
    erased: int = 0
    """Rows whose detail was erased, with their proof whole."""
    untagged: int = 0
    """Rows that were written without the store's key: before it, or without encryption."""
    tail_since: datetime | None = None
    """When the oldest unsealed row was written."""
    faults: list[Fault] = field(default_factory=list)
    """The first position first; at most 1,000."""
    more_faults: int = 0
    witnesses: list[WitnessReport] = field(default_factory=list)
    signers: dict[str, int] = field(default_factory=dict)
    """Seals by the fingerprint of who signed them."""
    stamps: int = 0
    """Seals that have a time-stamp."""
    proven: Proven | None = None
    """What the newest time-stamp that holds proves."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed."""
        return not self.faults

    def add(
        self, code: str, *, vi: str, en: str, row: int | None = None, seal: int | None = None
    ) -> None:
        """Tell one more fault."""
        if len(self.faults) >= MOST_FAULTS:
            self.more_faults += 1
            return
        self.faults.append(Fault(code=code, words=Text(vi=vi, en=en), row=row, seal=seal))


def check_log(
    connection: Connection,
    *,
    vault: Vault,
    policy: VerificationPolicy,
    stamps: StampJudge,
    witnesses: Sequence[Memory] = (),
    progress: Callable[[int], object] = lambda _rows: None,
) -> Checked:
    """
    Check everything; nothing is changed.

    Args:
        connection: Reading, of one moment.
        vault: Of the store, for the tags.
        policy: Who may have signed seals.
        stamps: Which time-stamps are believed.
        witnesses: Asked for the seals they have.
        progress: Is told how many rows were checked; what it raises ends the check.
    """
    walk = _Walk(connection, vault=vault, policy=policy, stamps=stamps, progress=progress)
    return walk.run(witnesses)


def check_seals(
    connection: Connection,
    *,
    vault: Vault,
    policy: VerificationPolicy,
    first: int,
    last: int,
    stamps: StampJudge | None = None,
) -> Checked:
    """
    Check some seals with their rows, and that they follow the one before; nothing is changed.

    Args:
        connection: Reading, of one moment.
        vault: Of the store, for the tags.
        policy: Who may have signed seals.
        first: Number of a seal.
        last: The same.
        stamps: Which time-stamps are believed; None: they are not looked at.
    """
    walk = _Walk(connection, vault=vault, policy=policy, stamps=stamps, progress=lambda _rows: None)
    return walk.run_part(first, last)


class _Walk:
    """One check of a log."""

    def __init__(
        self,
        connection: Connection,
        *,
        vault: Vault,
        policy: VerificationPolicy,
        stamps: StampJudge | None,
        progress: Callable[[int], object],
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._policy = policy
        self._progress = progress
        self._found = Checked()
        self._open = ExitStack()
        """Of what is read in parts: closed also where `progress` ends the walk."""
        self._stamps = None if stamps is None else StampCheck(self._found.add, stamps)
        self._erasures = Erasures(connection, vault)
        self._signers: dict[str, tuple[x509.Certificate, ...] | None] = {}

    def run(self, witnesses: Sequence[Memory]) -> Checked:
        with reading_any_text(self._connection), self._open:
            newest = self._check_seals()
            self._check_tail()
            self._check_strays()
            self._check_copies()
        if self._stamps is not None:
            self._stamps.finish()
            self._found.stamps, self._found.proven = self._stamps.count, self._stamps.proven
        for witness in witnesses:
            self._found.witnesses.append(self._ask(witness, newest=newest))
        return self._found

    def run_part(self, first: int, last: int) -> Checked:
        with reading_any_text(self._connection), self._open:
            self._check_seals(first, last)
        return self._found

    def _check_seals(self, first: int = 1, last: int | None = None) -> int:
        """Check seals with their rows, all unless told which; return the number of the last one."""
        every = select(*columns_of(seals)).order_by(seals.c.id)
        if first > 1:
            every = every.where(seals.c.id >= first)
        if last is not None:
            every = every.where(seals.c.id <= last)
        number, previous, total, log = self._before(first)
        for mark in self._in_parts(every):
            if type(mark.id) is not int:
                self._tell_odd_number(mark)
                continue
            if mark.id < 1:
                self._check_before_first(mark)
                continue
            if mark.id != number + 1:
                self._found.add(
                    "seal.missing",
                    vi=f"thiếu niêm phong số {number + 1}"
                    + (f" đến {mark.id - 1}" if mark.id > number + 2 else ""),
                    en=f"seal {number + 1}"
                    + (f" to {mark.id - 1} are missing" if mark.id > number + 2 else " is missing"),
                    seal=number + 1,
                )
            self._found.seals += 1
            seal = as_seal(mark)
            body = self._read(mark, seal)
            if body is not None:
                total = self._check_link(
                    body, number=number, previous=previous, total=total, log=log
                )
                log = log or body.log
                self._check_signature(seal, body)
                if self._stamps is not None:
                    self._stamps.see_seal(seal, body, mark.stamp)
                self._check_rows(body)
            number, previous = mark.id, seal.digest.hex()
        return number

    def _in_parts(self, query: Select[Any]) -> CursorResult[Any]:
        rows = self._connection.execute(query.execution_options(yield_per=AT_ONCE))
        self._open.callback(rows.close)
        return rows

    def _tell_odd_number(self, mark: Row[Any]) -> None:
        """SQLite takes anything for a number; rows that name such a seal are strays."""
        shown = ascii(mark.id)[:_SHOWN]
        self._found.add(
            "seal.put_in",
            vi=f"một niêm phong mang số {shown} đã bị chèn vào",
            en=f"a seal was put in whose number is {shown}",
        )

    def _check_before_first(self, mark: Row[Any]) -> None:
        """Nothing comes before seal 1; the rows of what stands there were put in with it."""
        self._found.add(
            "seal.put_in",
            vi=f"niêm phong số {mark.id} đã bị chèn vào trước niêm phong đầu tiên",
            en=f"seal {mark.id} was put in before the first one",
            seal=mark.id,
        )
        body = self._read(mark, as_seal(mark))
        if body is not None:
            self._check_rows(body)

    def _before(self, first: int) -> tuple[int, str, int, str | None]:
        """Return number, digest, rows and log of the seal before; one that is no seal any more is
        found where it is checked itself."""
        if first <= 1:
            return 0, FIRST_SEAL, 0, None
        before = select(*columns_of(seals)).where(seals.c.id == first - 1)
        row = self._connection.execute(before).first()
        if row is None:
            return first - 1, FIRST_SEAL, 0, None
        seal = as_seal(row)
        with suppress(ValueError):
            return row.id, seal.digest.hex(), seal.content.total, seal.content.log
        return row.id, seal.digest.hex(), 0, None

    def _read(self, mark: Row[Any], seal: SignedSeal) -> SealBody | None:
        with suppress(ValueError):
            body = seal.content
            stated = (body.number, seal.digest, body.entries, read_moment(body.at))
            if stated == (mark.id, mark.digest, mark.entries, mark.at):
                return body
        self._found.add(
            "seal.changed",
            vi=f"niêm phong số {mark.id}: nội dung đã bị sửa",
            en=f"seal {mark.id}: its content was changed",
            seal=mark.id,
        )
        return None

    def _check_link(
        self, body: SealBody, *, number: int, previous: str, total: int, log: str | None
    ) -> int:
        """Compare with the seal before; return the rows up to this one."""
        follows = (
            body.number != number + 1
            or (body.previous == previous and body.total == total + body.entries)
        ) and log in (None, body.log)
        if not follows:
            self._found.add(
                "seal.not_following",
                vi=f"niêm phong số {body.number} không nối tiếp niêm phong trước nó",
                en=f"seal {body.number} does not follow the seal before it",
                seal=body.number,
            )
        return body.total

    def _check_signature(self, seal: SignedSeal, body: SealBody) -> None:
        certificates = self._certificates(seal.signer)
        if certificates is None or not is_signed_by(
            certificates[0], seal.body.encode(), seal.signature
        ):
            self._found.add(
                "seal.signature_wrong",
                vi=f"niêm phong số {body.number}: chữ ký không đúng",
                en=f"seal {body.number}: its signature is wrong",
                seal=body.number,
            )
            return
        reasons = certificate_reasons(
            certificates[0],
            intermediates=certificates[1:],
            policy=self._policy,
            signed_at=read_moment(body.at),
        )
        if reasons:
            self._found.add(
                "seal.signer_untrusted",
                vi=f"niêm phong số {body.number}: {reasons[0].vi}",
                en=f"seal {body.number}: {reasons[0].en}",
                seal=body.number,
            )
        self._found.signers[seal.signer] = self._found.signers.get(seal.signer, 0) + 1

    def _certificates(self, fingerprint: str) -> tuple[x509.Certificate, ...] | None:
        if fingerprint not in self._signers:
            self._signers[fingerprint] = self._load(fingerprint)
        return self._signers[fingerprint]

    def _load(self, fingerprint: str) -> tuple[x509.Certificate, ...] | None:
        text = certificates_of(self._connection, fingerprint)
        try:
            found = tuple(load_certificates(text.encode()))
        except ValueError:
            return None
        return found if read_signer(found[0]).fingerprint == fingerprint else None

    def _check_rows(self, body: SealBody) -> None:
        """Check the rows of one seal, and that they are those that were sealed."""
        rows = self._connection.execute(
            select(*columns_of(audit))
            .where(audit.c.seal_id == body.number)
            .order_by(audit.c.id)
            # One more tells that there are too many, however many were put in.
            .limit(min(max(body.entries, 0), MOST_IN_SEAL) + 1)
        ).all()
        before = len(self._found.faults) + self._found.more_faults
        for row in rows:
            self._check_row(row)
        self._found.rows += len(rows)
        self._progress(self._found.rows)
        found = root_of([hash_row(row.id, row.digest or b"") for row in rows])
        if found.hex() == body.root and len(rows) == body.entries:
            return
        span = f"{body.first}–{body.last}" if body.last > body.first else f"{body.first}"
        if len(rows) != body.entries:
            missing = self._missing(body, {row.id for row in rows})
            self._found.add(
                "seal.rows_differ",
                vi=f"niêm phong số {body.number} (các dòng {span}): có "
                f"{'nhiều hơn ' if len(rows) > body.entries else ''}"
                f"{min(len(rows), body.entries)} dòng, đã niêm phong {body.entries}{missing.vi}",
                en=f"seal {body.number} (rows {span}): "
                f"{'more than ' if len(rows) > body.entries else ''}"
                f"{min(len(rows), body.entries)} rows are there, {body.entries} were "
                f"sealed{missing.en}",
                row=body.first,
                seal=body.number,
            )
        elif len(self._found.faults) + self._found.more_faults == before:
            self._found.add(
                "seal.root_differs",
                vi=f"niêm phong số {body.number}: trong các dòng {span} có dòng bị sửa hoặc đổi "
                "chỗ",
                en=f"seal {body.number}: among the rows {span} one was changed, or two were "
                "swapped",
                row=body.first,
                seal=body.number,
            )

    def _missing(self, body: SealBody, have: set[int]) -> Text:
        """Name the row numbers of a seal's span that no row has: most often what was deleted."""
        if len(have) > body.entries or body.last - body.first > 100 * AT_ONCE:
            return Text(vi="", en="")
        elsewhere = self._connection.execute(
            select(audit.c.id).where(audit.c.id.between(body.first, body.last))
        ).scalars()
        gone = sorted(set(range(body.first, body.last + 1)) - have - set(elsewhere))[:_SHOWN]
        if not gone:
            return Text(vi="", en="")
        listed = ", ".join(map(str, gone))
        return Text(
            vi=f"; không còn dòng nào mang số {listed}", en=f"; no row has the number {listed}"
        )

    def _check_row(self, row: Row[Any]) -> None:
        if not is_as_written(row):
            self._found.add(
                "row.changed",
                vi=f"dòng {row.id}: nội dung đã bị sửa sau khi ghi",
                en=f"row {row.id}: its content was changed after it was written",
                row=row.id,
                seal=row.seal_id,
            )
        elif row.id < 1:
            # Rows are counted from 1: nothing else gives such a number.
            self._forged(row)
        elif row.tag is None:
            self._found.untagged += 1
            is_known = (row.action, row.subject) in _WITHOUT_TAG
            if self._vault.encrypt and not is_known and self._is_late(row):
                self._forged(row)
        elif not self._vault.has_tagged(row.tag, row.digest):
            self._forged(row)
        if row.detail is None:
            self._check_erased(row)
        if row.action == NOTED and self._stamps is not None:
            self._stamps.see_note(row)

    def _is_late(self, row: Row[Any]) -> bool:
        """Tell whether rows had tags when this one was written: by its number or by its seal."""
        first, first_seal = self._first_tagged
        if first is None:
            return False
        if row.id > first:
            return True
        if first_seal is None:
            return False
        return row.seal_id is None or bool(row.seal_id > first_seal)

    @cached_property
    def _first_tagged(self) -> tuple[int | None, int | None]:
        """The lowest number of a row with a tag, and of a seal of one; asked only where one has
        none, for it may take a walk over all that have none."""
        is_tagged = audit.c.tag.is_not(None)
        first = select(func.min(audit.c.id)).where(is_tagged)
        first_seal = select(func.min(audit.c.seal_id)).where(is_tagged, audit.c.seal_id >= 1)
        return (
            self._connection.execute(first).scalar_one(),
            self._connection.execute(first_seal).scalar_one(),
        )

    def _check_erased(self, row: Row[Any]) -> None:
        self._found.erased += 1
        if not self._erasures.have(row.id):
            self._found.add(
                "row.erased_by_stranger",
                vi=f"dòng {row.id}: chi tiết đã bị xóa, nhật ký không ghi ai xóa",
                en=f"row {row.id}: its detail was erased, and no row of the log says by whom",
                row=row.id,
                seal=row.seal_id,
            )

    def _forged(self, row: Row[Any]) -> None:
        self._found.add(
            "row.forged",
            vi=f"dòng {row.id}: không do chương trình này ghi (không có khóa của kho)",
            en=f"row {row.id}: it was not written by this program (without the store's key)",
            row=row.id,
            seal=row.seal_id,
        )

    def _check_tail(self) -> None:
        """Check the rows that have no seal yet."""
        every = select(*columns_of(audit)).where(audit.c.seal_id.is_(None)).order_by(audit.c.id)
        for row in self._in_parts(every):
            self._check_row(row)
            self._found.rows += 1
            self._found.unsealed += 1
            self._found.tail_since = self._found.tail_since or row.at
            if self._found.unsealed % AT_ONCE == 0:
                self._progress(self._found.rows)

    def _check_strays(self) -> None:
        """Find rows that name a seal that there is not."""
        of_seals = select(seals.c.id)
        if self._connection.dialect.name == "sqlite":
            of_seals = of_seals.where(func.typeof(seals.c.id) == "integer")
        strays = self._connection.execute(
            select(audit.c.id)
            .where(audit.c.seal_id.is_not(None), audit.c.seal_id.not_in(of_seals))
            .order_by(audit.c.id)
            .execution_options(yield_per=AT_ONCE)
        ).scalars()
        for number in strays:
            self._found.rows += 1
            self._found.add(
                "row.seal_missing",
                vi=f"dòng {number}: niêm phong của nó không còn",
                en=f"row {number}: the seal it names is not there",
                row=number,
            )

    def _check_copies(self) -> None:
        """Find rows that were put in as copies of others: salts make all digests differ."""
        first = func.min(audit.c.id)
        copies = self._connection.execute(
            select(first, func.max(audit.c.id))
            .group_by(audit.c.digest)
            .having(func.count() > 1)
            .order_by(first)
            .limit(MOST_FAULTS)
        )
        for original, copy in copies:
            self._found.add(
                "row.copied",
                vi=f"dòng {copy} là bản chép của dòng {original}",
                en=f"row {copy} is a copy of row {original}",
                row=copy,
            )

    def _ask(self, witness: Memory, *, newest: int) -> WitnessReport:
        count, last = 0, None
        try:
            for part in _parts(witness.remembered()):
                count += len(part)
                numbers = [one.number for one in part]
                last = max(numbers) if last is None else max(last, *numbers)
                newest = max(newest, self._compare(witness.name, part, newest=newest))
        except WitnessAway as error:
            return WitnessReport(name=witness.name, seals=count, newest=last, trouble=error.text)
        if last is not None and last > newest:
            self._found.add(
                "log.cut_off",
                vi=f"nhân chứng {witness.name} có niêm phong đến số {last}, nhật ký chỉ đến số "
                f"{newest}: phần cuối bị cắt hoặc cơ sở dữ liệu bị đưa về bản cũ",
                en=f"the witness {witness.name} has seals up to {last}, the log only up to "
                f"{newest}: its end was cut off, or an old backup was put back",
                seal=newest + 1,
            )
        return WitnessReport(name=witness.name, seals=count, newest=last)

    def _compare(self, name: str, part: Sequence[Remembered], *, newest: int) -> int:
        """Compare with the log; return the number of the newest seal of these that it has."""
        have = _digests(self._connection, [one.number for one in part])
        later = [one.number for one in part if one.number > newest]
        if later:
            # The log that is checked is of one moment; a witness is told of what was sealed since,
            # and only once that is there.
            with self._connection.engine.connect() as now:
                have |= _digests(now.execution_options(lienthong_reading=True), later)
        for one in part:
            number = one.number
            if have.get(number, one.digest) != one.digest:
                self._found.add(
                    "log.rewritten",
                    vi=f"niêm phong số {number} khác với niêm phong mà nhân chứng {name} giữ",
                    en=f"seal {number} is another one than the witness {name} has",
                    seal=number,
                )
        return max(have, default=0)


def _digests(connection: Connection, numbers: Sequence[int]) -> dict[int, bytes]:
    have: dict[int, bytes] = {}
    for slice_ in in_slices(numbers):
        query = select(seals.c.id, seals.c.digest).where(seals.c.id.in_(slice_))
        have |= {row.id: row.digest for row in connection.execute(query)}
    return have


def _parts(seals_: Iterable[Remembered]) -> Iterable[list[Remembered]]:
    part: list[Remembered] = []
    for one in seals_:
        part.append(one)
        if len(part) == AT_ONCE:
            yield part
            part = []
    if part:
        yield part

"""
Receipts for agencies: what was received is signed with the operator's key, off the way in.

A submission is durable and acknowledged before anything is signed about it, so a key that is
missing, locked or slow holds nobody up: its receipts wait, and are made when it can sign. What was
signed is kept, and is the same bytes however often it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import structlog

from lienthong.store.database import reading
from lienthong.store.submission_receipts import (
    SignedReceipt,
    due_receipts,
    write_receipts,
)
from lienthong.store.traced import origins_of_submissions
from lienthong.store.work import begin, tell_time
from lienthong.traces.recording import ending
from lienthong.traces.spans import receipt_span
from schemas.errors import ConfigError
from schemas.problem import Text
from schemas.receipts import SubmissionReceipt, build_submission_receipt
from signing import SigningError, read_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lienthong.store.database import Store
    from lienthong.store.submission_receipts import DueReceipt
    from lienthong.traces.context import Origin
    from signing import Signer, XadesSigner

log = structlog.get_logger()

BATCH = 200
"""Submissions per transaction; about 0.1 s of signing before it."""


@dataclass(frozen=True, slots=True)
class _Signing:
    """By whom, and when by the store: a worker's clock may be wrong."""

    signer: XadesSigner
    who: Signer
    at: datetime


class Acknowledger:
    """
    The role `receipts`; one instance per thread.

    Several processes may have it: what two of them signed is written by one of them.

    Args:
        store: Where the submissions are.
        signer: Returns what signs with the operator's key now.
        installation: How the installation calls itself; None: as the operator's certificate does.
        agency_codes: Returns an agency's code, by the name of its mapping.
        clock: Tells the time.
    """

    def __init__(
        self,
        *,
        store: Store,
        signer: Callable[[], XadesSigner],
        installation: str | None,
        agency_codes: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._signer = signer
        self._installation = installation
        self._agency_codes = agency_codes
        self._clock = clock
        self.trouble: Text | None = None
        """Why nothing can be signed now."""

    def step(self) -> int:
        """
        Make the receipts that are longest due; return of how many submissions, 0 for nothing to do.

        Raises:
            DBAPIError: the store fails; trying again helps.
        """
        return len(self._make(only=None))

    def make(self, submission_id: str) -> bool:
        """
        Make the receipts of one submission now; return False where the key cannot sign.

        Raises:
            DBAPIError: the store fails; trying again helps.
        """
        self._make(only=submission_id)
        return self.trouble is None

    def _make(self, *, only: str | None) -> Sequence[DueReceipt]:
        with reading(self._store) as connection:
            due = due_receipts(connection, vault=self._store.vault, limit=BATCH, only=only)
            received = origins_of_submissions(connection, {one.submission_id for one in due})
            now = tell_time(self._store, connection, at=self._clock)
        if not due:
            return ()
        try:
            signer = self._signer()
            signing = _Signing(signer, read_signer(signer.key.certificate), at=now)
            made = [
                (one, self._sign_traced(one, received.get(one.submission_id), signing))
                for one in due
            ]
        except SigningError as error:
            self._is_in_trouble(error.code, Text(vi=error.vi, en=error.en))
            return ()
        with begin(self._store, at=self._clock) as work:
            write_receipts(work, made)
        self._is_well()
        return due

    def _sign_traced(
        self, due: DueReceipt, received: Origin | None, signing: _Signing
    ) -> list[SignedReceipt]:
        with ending(receipt_span(due.submission_id, origin=received, now=signing.at)):
            return self._sign(due, signing)

    def _sign(self, due: DueReceipt, signing: _Signing) -> list[SignedReceipt]:
        signed, who = [], signing.who
        for statement in due.statements:
            unsigned = build_submission_receipt(
                SubmissionReceipt(
                    installation=self._installation or who.common_name or who.fingerprint,
                    agency=due.agency,
                    agency_code=self._code_of(due.agency),
                    door=due.door,
                    sender=due.sender,
                    submission_id=due.submission_id,
                    digest=due.digest,
                    size=due.size,
                    received_at=due.received_at,
                    statement=statement,
                    codes=due.codes,
                )
            )
            document = signing.signer.sign(unsigned, signed_at=signing.at)
            signed.append(
                SignedReceipt(
                    submission_id=due.submission_id,
                    statement=statement,
                    document=document,
                    digest=sha256(document).hexdigest(),
                    signer=who.fingerprint,
                )
            )
        return signed

    def _code_of(self, agency: str) -> str | None:
        try:
            return self._agency_codes(agency)
        except ConfigError:
            # Its mapping is wrong or gone: what was received was received all the same.
            return None

    def _is_in_trouble(self, code: str, words: Text) -> None:
        if self.trouble is None:
            log.error("receipts.trouble", code=code, words=words.en)
        self.trouble = words

    def _is_well(self) -> None:
        if self.trouble is not None:
            log.info("receipts.well_again")
        self.trouble = None

"""
`GET …/submissions/{submission}/receipt`: what we signed about it, the same bytes each time.

A hand-over is answered without waiting for a signature. Whoever asks before the receipt is made has
it made now; where the key cannot sign, it is asked for again later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.doors import refusal
from lienthong.moving import Moving
from lienthong.store.database import reading
from lienthong.store.submission_receipts import read_receipts
from lienthong.store.tables import submissions
from lienthong.web.answer import Answer

if TYPE_CHECKING:
    from lienthong.wiring import Installation
    from schemas.receipts import Statement

MEDIA_TYPE = "application/xml"


class ReceiptFiles:
    """Answers with receipts. Thread-safe."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._retry_after = installation.settings.http.retry_after_seconds

    def answer(self, submission_id: str, *, agency: str, statement: Statement) -> Answer:
        """
        Return the answer.

        Raises:
            Refused: there is no such submission or receipt, or it cannot be signed now.
        """
        is_due = self._is_due(submission_id, agency=agency)
        document = self._find(submission_id, statement)
        if document is None and is_due:
            can_sign = Moving(self._installation).make_acknowledger().make(submission_id)
            document = self._find(submission_id, statement)
            if document is None and not can_sign:
                raise refusal.receipt_not_yet(self._retry_after)
        if document is None:
            raise refusal.no_receipt()
        name = f'attachment; filename="{statement.value}-{submission_id}.xml"'
        headers = {"Content-Disposition": name}
        return Answer(document, status=200, media_type=MEDIA_TYPE, headers=headers)

    def _is_due(self, submission_id: str, *, agency: str) -> bool:
        query = select(submissions.c.receipt_due_at).where(
            submissions.c.id == submission_id, submissions.c.agency == agency
        )
        with reading(self._installation.store) as connection:
            row = connection.execute(query).first()
        if row is None:
            raise refusal.no_submission()
        return row.receipt_due_at is not None

    def _find(self, submission_id: str, statement: Statement) -> bytes | None:
        store = self._installation.store
        with reading(store) as connection:
            found = read_receipts(connection, submission_id, vault=store.vault)
        return next((one.document for one in found if one.statement is statement), None)

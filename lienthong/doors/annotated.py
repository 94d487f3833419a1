"""
`GET …/submissions/{submission}/annotated`: the agency's own file with what is wrong with it.

It is made whole before the first byte is answered, in memory up to a size and beyond that in a file
without a name; so few at once that nobody's uploads wait for them.
"""

from __future__ import annotations

import tempfile
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import quote

import structlog
from starlette.responses import StreamingResponse

from lienthong.doors import refusal
from lienthong.flows.annotate import Annotator, name_of
from lienthong.flows.incoming import CONTENT_TYPES
from lienthong.store.database import reading
from lienthong.store.findings import find_submitted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.annotated import Annotated
    from lienthong.doors.directory import Directory
    from lienthong.store.findings import Submitted
    from lienthong.wiring import Installation
    from schemas.problem import Language

log = structlog.get_logger()

AT_ONCE = 2
IN_MEMORY_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 256 * 1024


class AnnotatedFiles:
    """Makes the answers of one process. Thread-safe."""

    def __init__(self, installation: Installation, directory: Directory) -> None:
        self._installation = installation
        self._directory = directory
        self._retry_after = installation.settings.http.retry_after_seconds
        self._places = BoundedSemaphore(AT_ONCE)

    def answer(
        self,
        submission_id: str,
        *,
        agency: str,
        language: Language,
        only_bad: bool,
        errors_only: bool,
    ) -> StreamingResponse:
        """
        Return the answer.

        Raises:
            Refused: there is no such submission, it is not read yet, its bytes are gone, or as many
                as can be are being made.
        """
        submitted = self._find(submission_id, agency)
        options = self._directory.source(agency)
        if options is None:
            raise refusal.no_mapping()
        if not self._places.acquire(blocking=False):
            raise refusal.busy(self._retry_after)
        target = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - answered
        try:
            done = Annotator(
                store=self._installation.store, columns=self._installation.column_of
            ).write(
                submitted,
                target=cast("BinaryIO", target),
                options=options,
                language=language,
                only_bad=only_bad,
                errors_only=errors_only,
            )
        except BaseException:
            target.close()
            raise
        finally:
            self._places.release()
        size = target.seek(0, 2)
        log.info("http.annotated", submission=submitted.id, copy=done.is_copy, size=size)
        return _answer(cast("BinaryIO", target), submitted, done)

    def _find(self, submission_id: str, agency: str) -> Submitted:
        with reading(self._installation.store) as connection:
            submitted = find_submitted(connection, submission_id, agency=agency)
        if submitted is None:
            raise refusal.no_submission()
        if submitted.is_erased:
            raise refusal.erased()
        if not submitted.is_read:
            raise refusal.not_read_yet(self._retry_after)
        return submitted


def _answer(target: BinaryIO, submitted: Submitted, done: Annotated) -> StreamingResponse:
    media_type = CONTENT_TYPES[done.format or "json"][0]
    target.seek(0)
    name = quote(name_of(submitted, done))
    return StreamingResponse(
        _chunks(target),
        media_type=media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _chunks(target: BinaryIO) -> Iterator[bytes]:
    with target:
        while chunk := target.read(CHUNK_BYTES):
            yield chunk

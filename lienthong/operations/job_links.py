"""Which of the bulk replays that reasons name may be seen by who reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.job_marks import job_in
from lienthong.store.replay_jobs import agencies_of_jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from lienthong.access.rights import Principal


def seen_jobs(
    connection: Connection, principal: Principal, ids: Iterable[str | None]
) -> frozenset[str]:
    """Return those of the ids that are of jobs all of whose agencies may be seen."""
    named = [id_ for id_ in ids if id_ is not None]
    return frozenset(
        id_
        for id_, agencies in agencies_of_jobs(connection, named).items()
        if all(principal.may(Right.VIEW, agency) for agency in agencies)
    )


def job_named(detail: Mapping[str, object] | None) -> str | None:
    """Return the job that the reason in a row of the log ends with."""
    reason = None if detail is None else detail.get("reason")
    return job_in(reason) if isinstance(reason, str) else None

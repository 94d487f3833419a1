"""Searching the audit log, and checking that nobody changed it."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from lienthong.access.rights import Right
from lienthong.evidence.telling import tell_checked
from lienthong.operations.audit_views import CheckedView, FaultView, ToldView, WitnessView
from lienthong.operations.downloads import Turns
from lienthong.operations.masking import words_of
from lienthong.operations.messages import log_entries
from lienthong.operations.views import LogPage
from lienthong.proving import Proving
from lienthong.store.audit import read_lines
from lienthong.store.audit_search import condition_of
from lienthong.store.database import reading
from schemas.errors import ConfigError, InputError
from schemas.problem import Problem, Text
from signing import SigningError

if TYPE_CHECKING:
    from datetime import datetime

    from lienthong.access.rights import Principal
    from lienthong.evidence.checking import Checked
    from lienthong.store.audit_search import Wanted
    from lienthong.wiring import Installation

LONGEST_SECONDS = 60.0
"""Of a check over HTTP, enough for a million rows; the command checks logs of any length."""
MOST_FAULTS = 100
"""That are shown; more are counted."""
_TURNS = Turns(1, code="audit.busy")


def search_audit(
    installation: Installation, principal: Principal, wanted: Wanted, *, limit: int
) -> LogPage:
    """
    Return rows of the audit log, the latest first.

    Who has the right for some agencies sees what is about their messages and files, and nothing of
    keys, accounts and settings.

    Raises:
        Forbidden: the right to audit is had for no agency.
    """
    principal.need(Right.AUDIT)
    asked = replace(wanted, agencies=principal.agencies(Right.AUDIT))
    with reading(installation.store) as connection:
        lines = list(
            read_lines(connection, condition_of(asked), limit=limit + 1, is_latest_first=True)
        )
        shown = lines[:limit]
        rows = log_entries(connection, principal, shown)
    return LogPage(
        rows=rows,
        next=shown[-1].id if len(lines) > limit else None,
    )


def verify_audit(installation: Installation, principal: Principal) -> CheckedView:
    """
    Check the whole audit log, as `lienthong audit verify` does, with the configured witnesses.

    Raises:
        Forbidden: the right to audit is not had for every agency.
        InputError: another check is under way, or the log is too long to be checked here.
    """
    principal.need_every(Right.AUDIT)
    last = monotonic() + LONGEST_SECONDS

    def look(rows: int) -> None:
        if monotonic() > last:
            raise _too_long(rows)

    at = installation.clock()
    try:
        with _TURNS.taking(), reading(installation.store) as connection:
            found = Proving(installation).check_log(connection, progress=look)
    except SigningError as error:
        raise ConfigError(Text(vi=error.vi, en=error.en), code=error.code) from error
    return _view(found, at)


def _view(found: Checked, at: datetime) -> CheckedView:
    shown = found.faults[:MOST_FAULTS]
    hidden = len(found.faults) - len(shown)
    told = tell_checked(replace(found, faults=shown, more_faults=found.more_faults + hidden))
    return CheckedView(
        at=at,
        is_whole=found.is_whole,
        rows=found.rows,
        seals=found.seals,
        unsealed=found.unsealed,
        erased=found.erased,
        untagged=found.untagged,
        stamps=found.stamps,
        stamped_seal=None if found.proven is None else found.proven.seal,
        stamped_at=None if found.proven is None else found.proven.at,
        witnesses=[
            WitnessView(
                name=one.name,
                seals=one.seals,
                newest=one.newest,
                trouble=None if one.trouble is None else words_of(one.trouble),
            )
            for one in found.witnesses
        ],
        faults=[
            FaultView(code=one.code, row=one.row, seal=one.seal, words=words_of(one.words))
            for one in shown
        ],
        more_faults=found.more_faults + hidden,
        words=[ToldView(words=words_of(one.text), tone=one.tone) for one in told],
    )


def _too_long(rows: int) -> InputError:
    return InputError(
        Problem(
            code="audit.too_long",
            message=Text(
                vi=f"Nhật ký quá dài để kiểm tra ở đây: mới đến {rows} dòng thì hết giờ; chưa kết "
                "luận gì",
                en=f"The log is too long to be checked here: time was over after {rows} rows, and "
                "nothing is said of it",
            ),
            suggestion=Text(
                vi="Chạy trên máy chủ: lienthong audit verify",
                en="Run on the machine: lienthong audit verify",
            ),
        )
    )

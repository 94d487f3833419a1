"""
Failures grouped by cause: seeing them, and deciding about them.

Who views some agencies sees their problems and no others; those of the target (the portal cannot be
reached, …) are of all, and are for who views every agency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lienthong.access.rights import EVERY, Forbidden, Right
from lienthong.agencies import stamp_of
from lienthong.failures import DOWN
from lienthong.operations.masking import words_of
from lienthong.operations.messages import read_cursor, summaries
from lienthong.operations.problem_views import (
    DecisionView,
    OtherMapping,
    ProblemDetail,
    ProblemGroup,
    ProblemPage,
    StepView,
)
from lienthong.operations.problem_words import tell_groups, words_in
from lienthong.owners import STEP_WORDS
from lienthong.problem_states import ALLOWED, Act
from lienthong.store.database import reading
from lienthong.store.group_problems import no_group
from lienthong.store.indexing import is_indexed
from lienthong.store.problem_groups import (
    count_ever,
    decide,
    example_ids,
    hold_group,
    load_groups,
    read_group,
    read_mapping,
)
from lienthong.store.selection import ANY, Cursor, Selection
from lienthong.store.work import begin
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.access.rights import Principal
    from lienthong.operations.problem_words import Told
    from lienthong.owners import Owner
    from lienthong.problem_groups import Group
    from lienthong.problem_states import GroupState
    from lienthong.wiring import Installation

EXAMPLES = 5
"""Messages that are shown of one problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedProblems:
    """Which problems; what is not given does not matter."""

    agency: str | None = None
    owner: Owner | None = None
    states: Collection[GroupState] = ()
    code: str | None = None
    """Of the cause, or its beginning and `*`."""
    since: datetime | None = None
    """Aware; the last failure is not before it."""
    text: str | None = None
    """Words of what is said of it; each must stand there."""

    def is_met(self, group: Group, told: Told) -> bool:
        """Tell whether a problem is one of these; whose it is, is not looked at."""
        code, wanted = group.cause.code, (self.code or "").strip()
        begins = wanted.removesuffix(ANY)
        return (
            (not wanted or code == wanted or (begins != wanted and code.startswith(begins)))
            and (self.owner is None or told.owner is self.owner)
            and (not self.states or group.standing.state in self.states)
            and (self.since is None or group.last_at >= self.since)
            and (self.text is None or told.says(group, words_in(self.text)))
        )


def find_problems(
    installation: Installation,
    principal: Principal,
    wanted: WantedProblems,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> ProblemPage:
    """
    Return problems that whoever asks may see, what failed last first.

    Raises:
        Forbidden: the right to view is had for no agency.
        InputError: the cursor is not one of ours.
    """
    principal.need(Right.VIEW)
    agencies = principal.agencies(Right.VIEW)
    if wanted.agency is not None:
        may_see = agencies is EVERY or wanted.agency in agencies
        agencies = frozenset({wanted.agency}) if may_see else frozenset()
    before = None if cursor is None else read_cursor(cursor)
    store = installation.store
    with reading(store) as connection:
        groups = load_groups(connection, agencies=agencies)
        told = tell_groups(connection, groups, vault=store.vault)
        wanted_ones = [group for group in groups if wanted.is_met(group, told[group.id])]
        found = _in_order([one for one in wanted_ones if before is None or _is_after(one, before)])
        shown = found[:limit]
        ever = count_ever(connection, [group.id for group in shown])
        is_whole = is_indexed(connection)
    last = shown[-1] if len(found) > limit else None
    return ProblemPage(
        problems=[
            ProblemGroup(**_group(principal, one, told[one.id], ever[one.id])) for one in shown
        ],
        next=None if last is None else str(Cursor(last.last_at, last.id)),
        count=len(wanted_ones),
        is_whole=is_whole,
    )


def see_problem(installation: Installation, principal: Principal, group_id: str) -> ProblemDetail:
    """
    Return one problem and a few of its messages.

    Raises:
        InputError: there is none that whoever asks may see.
    """
    with reading(installation.store) as connection:
        group = _seen(principal, read_group(connection, group_id))
        values = _values(installation, connection, principal, group)
        ids = example_ids(connection, group.id, limit=EXAMPLES)
        vault = installation.store.vault
        found = {one.id: one for one in summaries(connection, Selection(ids=ids), vault=vault)}
        made_by = read_mapping(connection, ids[0]) if _is_of_mapping(group) else None
    examples = [found[message_id] for message_id in ids if message_id in found]
    other = None if made_by is None else _other_mapping(installation, group, ids[0], made_by)
    return ProblemDetail(**values, examples=examples, other_mapping=other)


def _is_of_mapping(group: Group) -> bool:
    """Tell whether another mapping may do what one could not, for a message that waits for it."""
    cause = group.cause
    return (
        cause.code.startswith("mapping.") and cause.direction != DOWN and group.counts.affected > 0
    )


def _other_mapping(
    installation: Installation, group: Group, message_id: str, made_by: str
) -> OtherMapping | None:
    try:
        installed = stamp_of(installation.mappings.get(group.cause.agency or ""))
    except ConfigError:
        # There is none of this agency any more, or it cannot be used.
        return None
    if installed == made_by:
        return None
    return OtherMapping(installed=installed, made_by=made_by, message=message_id)


def decide_problem(
    installation: Installation,
    principal: Principal,
    group_id: str,
    act: Act,
    *,
    reason: str,
    version: int | None = None,
) -> ProblemGroup:
    """
    Acknowledge, resolve, ignore or reopen a problem.

    Args:
        installation: The site.
        principal: Who decides.
        group_id: Of the problem.
        act: What is decided.
        reason: Why; it goes into the audit log.
        version: Of the problem as they saw it; None: as it is now.

    Raises:
        Forbidden: it may be seen, but not decided about.
        InputError: there is none that whoever asks may see, another one has decided since, or it is
            not possible where it stands.
    """
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        group = _seen(principal, hold_group(work, group_id))
        if not _may_decide(principal, group):
            raise Forbidden(Right.STEER, group.cause.agency)
        decide(work, group, act, reason=reason, version=version)
        group = read_group(work.connection, group_id)
        values = _values(installation, work.connection, principal, group)
    return ProblemGroup(**values)


def _seen(principal: Principal, group: Group) -> Group:
    if not _has(principal, Right.VIEW, group):
        raise no_group()
    return group


def _may_decide(principal: Principal, group: Group) -> bool:
    return _has(principal, Right.STEER, group)


def _has(principal: Principal, right: Right, group: Group) -> bool:
    agency = group.cause.agency
    return principal.agencies(right) is EVERY if agency is None else principal.may(right, agency)


def _in_order(groups: list[Group]) -> list[Group]:
    by_id = sorted(groups, key=lambda group: group.id)
    return sorted(by_id, key=lambda group: group.last_at, reverse=True)


def _is_after(group: Group, cursor: Cursor) -> bool:
    at, group_id = cursor
    return group.last_at < at or (group.last_at == at and group.id > group_id)


def _values(
    installation: Installation, connection: Connection, principal: Principal, group: Group
) -> dict[str, Any]:
    told = tell_groups(connection, [group], vault=installation.store.vault)[group.id]
    return _group(principal, group, told, count_ever(connection, [group.id])[group.id])


def _group(principal: Principal, group: Group, told: Told, ever: int) -> dict[str, Any]:
    cause, standing = group.cause, group.standing
    may = _may_decide(principal, group)
    return {
        "id": group.id,
        "agency": cause.agency,
        "direction": cause.direction,
        "code": cause.code,
        "field": cause.field or None,
        "answer": cause.answer or None,
        "title": words_of(told.title),
        "remedy": None if told.remedy is None else words_of(told.remedy),
        "for_integrator": None if told.for_integrator is None else words_of(told.for_integrator),
        "owner": told.owner,
        "next": [StepView(step=step, words=words_of(STEP_WORDS[step])) for step in told.steps],
        "state": standing.state,
        "is_reopened": standing.is_reopened,
        "is_by_itself": standing.is_by_itself,
        "first_seen": group.first_at,
        "last_seen": group.last_at,
        "affected": group.counts.affected,
        "affected_ever": ever,
        "dossiers": group.counts.dossiers,
        "decision": _decision(group),
        "version": group.version,
        "may": [act for act in Act if may and standing.state in ALLOWED[act]],
    }


def _decision(group: Group) -> DecisionView | None:
    if group.decided_at is None or group.decided_by is None:
        return None
    return DecisionView(
        state=group.decided, by=group.decided_by, at=group.decided_at, reason=group.reason
    )

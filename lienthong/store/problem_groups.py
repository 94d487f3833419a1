"""
Failures grouped by cause, as they are now, and what people decide about each group.

Groups are few: each is one row. When it was last seen, and which message failed last, is the end of
an index; how many messages stand in it is counted over those that do, and over no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, true, update

from lienthong.failures import GROUP_ID, Cause, plain_field
from lienthong.problem_groups import Counts, Group
from lienthong.problem_states import AFTER, ALLOWED, EVENTS, GroupState
from lienthong.store.bulk import among
from lienthong.store.group_problems import changed, no_group, wrong_state
from lienthong.store.problems import open_problems
from lienthong.store.sealed import problems_context
from lienthong.store.selection import STANDS
from lienthong.store.tables import failures, in_slices, messages, problem_groups
from lienthong.store.vault import SealBroken

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from lienthong.problem_states import Act
    from lienthong.store.vault import Vault
    from lienthong.store.work import Work
    from schemas.problem import Problem

_LATEST = (failures.c.last_at.desc(), failures.c.message_id.desc())


def _last(column: ColumnElement[Any]) -> ColumnElement[Any]:
    last = select(column).where(failures.c.cause == problem_groups.c.id)
    return last.order_by(*_LATEST).limit(1).scalar_subquery()


_GROUPS = select(
    problem_groups,
    _last(failures.c.last_at).label("last_at"),
    _last(failures.c.message_id).label("message_id"),
)
_STAND = (
    select(
        failures.c.cause,
        func.count().label("affected"),
        func.count(messages.c.dossier_code.distinct()).label("dossiers"),
    )
    .select_from(failures.join(messages, messages.c.id == failures.c.message_id))
    .where(failures.c.is_open, STANDS)
    .group_by(failures.c.cause)
)


def load_groups(
    connection: Connection, *, agencies: Collection[str] | None, with_target: bool = False
) -> list[Group]:
    """
    Return all groups of agencies, in no order.

    Args:
        connection: One that sees one moment.
        agencies: Whose; None: of all, and of the target.
        with_target: Those of the target, too.
    """
    agency = problem_groups.c.agency
    of: ColumnElement[bool] = true()
    if agencies is not None:
        of = agency.in_(sorted(agencies))
        of = or_(of, agency.is_(None)) if with_target else of
    rows = connection.execute(_GROUPS.where(of)).all()
    counts = _count(connection, None if agencies is None else [row.id for row in rows])
    return [_group(row, counts) for row in rows if row.last_at is not None]


def read_group(connection: Connection, group_id: str) -> Group:
    """
    Return one group.

    Raises:
        InputError: there is none.
    """
    row = None
    if GROUP_ID.fullmatch(group_id):
        row = connection.execute(_GROUPS.where(problem_groups.c.id == group_id)).first()
    if row is None or row.last_at is None:
        raise no_group()
    return _group(row, _count(connection, [group_id]))


def _count(connection: Connection, ids: Sequence[str] | None) -> dict[str, Counts]:
    of = true() if ids is None else among(failures.c.cause, "_ids")
    found = connection.execute(_STAND.where(of), {} if ids is None else {"_ids": ids})
    return {row.cause: Counts(row.affected, row.dossiers) for row in found}


def _group(row: Row[Any], counts: Mapping[str, Counts]) -> Group:
    return Group(
        id=row.id,
        cause=Cause(
            agency=row.agency,
            direction=row.direction,
            code=row.code,
            field=row.field,
            answer=row.answer,
        ),
        first_at=row.first_at,
        last_at=row.last_at,
        last_message=row.message_id,
        counts=counts.get(row.id, Counts(0, 0)),
        decided=GroupState(row.state),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
        version=row.version,
    )


def count_ever(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Return how many messages ever failed of each, by an index alone."""
    query = select(failures.c.cause, func.count()).where(among(failures.c.cause, "_ids"))
    rows = connection.execute(query.group_by(failures.c.cause), {"_ids": list(ids)})
    return dict(rows.all())


def example_ids(connection: Connection, group_id: str, *, limit: int) -> list[str]:
    """Return messages of a group: those that stand in it, then others, the latest first."""
    of = select(failures.c.message_id).where(failures.c.cause == group_id)
    joined = of.join(messages, messages.c.id == failures.c.message_id)
    stand = joined.where(failures.c.is_open, STANDS).order_by(*_LATEST).limit(limit)
    found = list(connection.execute(stand).scalars())
    if len(found) < limit:
        others = connection.execute(of.order_by(*_LATEST).limit(limit)).scalars()
        found += [message_id for message_id in others if message_id not in found]
    return found[:limit]


def read_mapping(connection: Connection, message_id: str) -> str:
    """Return the mapping by which a message was made: name@version sha256:…"""
    query = select(messages.c.mapping).where(messages.c.id == message_id)
    return str(connection.execute(query).scalar_one())


def last_findings(
    connection: Connection, groups: Sequence[Group], *, vault: Vault
) -> dict[str, Problem]:
    """
    Return, by id, what was said when a group was last seen; values stand in it.

    Groups of deliveries are not in it, nor those whose last message had its findings erased.
    """
    by_message = {group.last_message: None for group in groups}
    sealed: dict[str, bytes | None] = {}
    for part in in_slices(list(by_message)):
        query = select(messages.c.id, messages.c.problems).where(among(messages.c.id, "_ids"))
        sealed |= {row.id: row.problems for row in connection.execute(query, {"_ids": part})}
    found: dict[str, Problem] = {}
    for group in groups:
        context = problems_context(group.last_message)
        try:
            said = open_problems(vault, sealed.get(group.last_message), context=context)
        except SealBroken:
            continue
        cause = group.cause
        for one in said:
            if (one.code, plain_field(one.field)) == (cause.code, cause.field):
                found.setdefault(group.id, one)
    return found


def decide(work: Work, group: Group, act: Act, *, reason: str, version: int | None) -> None:
    """
    Write down what a person decides about a group that was read with `hold_group`.

    Args:
        work: Of whoever decides.
        group: As it is now.
        act: What.
        reason: Why; it goes into the audit log.
        version: Of the group as they saw it; None: as it is.

    Raises:
        InputError: somebody has decided since, or not from where it stands.
    """
    if version is not None and version != group.version:
        raise changed(group)
    if group.standing.state not in ALLOWED[act]:
        raise wrong_state(group, act)
    work.connection.execute(
        update(problem_groups)
        .where(problem_groups.c.id == group.id)
        .values(
            state=AFTER[act].value,
            # What has failed until now is meant by it, whatever the clocks say.
            decided_at=max(work.at, group.last_at),
            decided_by=work.actor,
            reason=reason,
            version=group.version + 1,
        )
    )
    work.note(
        EVENTS[act],
        group.id,
        was=group.standing.state.value,
        code=group.cause.code,
        field=group.cause.field,
        answer=group.cause.answer,
        agency=group.cause.agency,
        affected=group.counts.affected,
        reason=reason,
    )


def hold_group(work: Work, group_id: str) -> Group:
    """
    Return one group, held until the end of the transaction: nothing fails of it meanwhile.

    Raises:
        InputError: there is none.
    """
    if GROUP_ID.fullmatch(group_id):
        holding = select(problem_groups.c.id).where(problem_groups.c.id == group_id)
        work.connection.execute(holding.with_for_update()).all()
    return read_group(work.connection, group_id)

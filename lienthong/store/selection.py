"""
Which messages are meant, and finding them by an index, the latest change first.

A list goes on after a cursor, the last change and the id of its last line, so that a later page
costs as much as the first. Without a dossier, a person or a problem each agency's latest messages
are taken in the order of their index and put together: nothing sorts the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, false, func, literal, or_, select, true, union_all

from lienthong.failures import GROUP_ID
from lienthong.reasons import reasons_saying
from lienthong.states import IN_TROUBLE
from lienthong.store.bulk import among
from lienthong.store.indexing import person_digest
from lienthong.store.tables import (
    failures,
    in_slices,
    message_problems,
    messages,
    person_index,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from lienthong.states import State
    from lienthong.store.vault import Vault

ANY = "*"
"""Ends the beginning of a code."""
_LAST = "\x7f"
"""After every sign of a code."""
COMMON = 50_000
"""Messages that have a code which is common."""
MOST_COUNTED = 1_000
"""Of what is more, nobody needs to know how many there are."""
LOOKED_AT = 10_000
"""The latest messages that are looked at to count what no index leads to; of all agencies."""
_WRITING = "%Y%m%dT%H%M%S.%fZ"
_ORDER = (messages.c.updated_at.desc(), messages.c.id)
STANDS = messages.c.state.in_(sorted(state.value for state in IN_TROUBLE))
"""Whether a message that has failed still stands in what it failed of."""


class Cursor(NamedTuple):
    """After which message of a list it goes on."""

    updated_at: datetime
    id: str

    def __str__(self) -> str:
        return f"{self.updated_at.astimezone(UTC):{_WRITING}}_{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """
        Return the cursor that `str` gave.

        Raises:
            ValueError: it is none.
        """
        moment, _, message_id = text.partition("_")
        if not message_id:
            raise ValueError("a cursor is a time, '_' and the id of a message")
        return cls(datetime.strptime(moment, _WRITING).replace(tzinfo=UTC), message_id)


class Counted(NamedTuple):
    """How many there are; at least, where it is not exact."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which messages; what is not given does not matter."""

    states: Sequence[State] = ()
    agency: str | None = None
    agencies: Collection[str] | None = None
    """Those that may be seen; None: all. Of none of them nothing is selected."""
    dossier_code: str | None = None
    """The whole code."""
    person: str | None = None
    """An identity number as typed; what is none selects nothing."""
    problem: str | None = None
    """Code of a problem that the message has, or its beginning and `*`; or the id of a group of
    failures: only what stands in it now."""
    text: str | None = None
    """Words of an error; whoever knows what is said of each cause makes `causes` of it."""
    causes: Collection[str] | None = None
    """Ids of groups of failures: what ever failed of any of them."""
    why: str | None = None
    """Part of the reason of the present state, in either language."""
    ids: Sequence[str] | None = None
    """Only of these; not so many that one IN cannot carry them."""
    since: datetime | None = None
    """Aware; the latest change is not before it."""
    until: datetime | None = None
    """Aware; the latest change is before it."""
    before: Cursor | None = None
    """Only what comes after it in the list."""
    limit: int = 50

    def find(
        self, connection: Connection, columns: Sequence[ColumnElement[Any]], *, vault: Vault
    ) -> list[Any]:
        """
        Return `columns` of these messages, the latest change first.

        Args:
            connection: One that sees one moment.
            columns: Of `messages`, the id among them.
            vault: Has the key of the index by person.
        """
        is_common = self._is_common(connection)
        given = self._given(vault, is_common=is_common)
        allowed = self._allowed()
        if given is None or allowed == set():
            return []
        if self.before is not None:
            given = and_(given, _comes_after(self.before))
        is_narrow = self._is_narrow and not is_common
        if is_narrow or (allowed is not None and len(allowed) == 1):
            query = select(*columns).where(given, _of_agencies(allowed))
            return list(connection.execute(query.order_by(*_ORDER).limit(self.limit)))
        names = agencies_with_messages(connection) if allowed is None else sorted(allowed)
        latest: list[Any] = []
        for part in in_slices(names):
            each = union_all(*(self._latest(name, given) for name in part)).subquery()
            query = select(each).order_by(each.c.updated_at.desc(), each.c.id).limit(self.limit)
            latest += connection.execute(query)
        latest.sort(key=lambda row: row.id)
        latest.sort(key=lambda row: row.updated_at, reverse=True)
        ids = [row.id for row in latest[: self.limit]]
        # By their keys: a join would be planned as one with many.
        query = select(*columns).where(among(messages.c.id, "_ids"))
        rows = {row.id: row for row in connection.execute(query, {"_ids": ids})}
        return [rows[message_id] for message_id in ids]

    def count(self, connection: Connection, *, vault: Vault) -> Counted:
        """Return how many these are, whatever the cursor and the limit; it looks at few rows."""
        is_common = self._is_common(connection)
        given = self._given(vault, is_common=is_common)
        allowed = self._allowed()
        if given is None or allowed == set():
            return Counted(0, is_exact=True)
        if self._is_narrow and not is_common:
            return _count(connection, given, _of_agencies(allowed))
        # Named, also if it is all of them: the indexes begin with the agency.
        names = agencies_with_messages(connection) if allowed is None else sorted(allowed)
        is_timed = self.since is not None or self.until is not None
        if is_common or self.why is not None or (is_timed and self.states):
            return self._count_latest(connection, given, names)
        return _count(connection, given, messages.c.agency.in_(names))

    def _count_latest(
        self, connection: Connection, given: ColumnElement[bool], names: Sequence[str]
    ) -> Counted:
        """Count them among the latest messages of each agency; all of one, if it has few."""
        most = max(1, LOOKED_AT // max(1, len(names)))
        fits = select(case((given, 1), else_=0).label("fits")).order_by(*_ORDER).limit(most)
        number, is_exact = 0, True
        for name in names:
            latest = fits.where(messages.c.agency == name, *self._timed()).subquery()
            looked_at, found = connection.execute(
                select(func.count(), func.coalesce(func.sum(latest.c.fits), 0))
            ).one()
            number += found
            is_exact = is_exact and looked_at < most
        is_more = number > MOST_COUNTED
        return Counted(MOST_COUNTED if is_more else number, is_exact and not is_more)

    def condition(self, vault: Vault) -> ColumnElement[bool]:
        """Return the condition that a message is one of these, whatever the limit."""
        given = self._given(vault)
        allowed = self._allowed()
        if given is None or allowed == set():
            return false()
        return and_(given, _of_agencies(allowed))

    @property
    def _is_narrow(self) -> bool:
        narrow = (self.dossier_code, self.person, self.problem, self.causes, self.ids)
        return any(one is not None for one in narrow)

    def _is_common(self, connection: Connection) -> bool:
        """
        Tell whether a code is looked for that very many messages have.

        To read all of them, for the latest few, takes longer than to look at the latest messages
        until enough of them have it.
        """
        wanted = (self.problem or "").strip()
        others = (self.dossier_code, self.person, self.causes, self.ids)
        if not wanted or GROUP_ID.fullmatch(wanted) or any(one is not None for one in others):
            return False
        some = select(message_problems.c.code).where(_has_code(wanted)).limit(COMMON)
        count = select(func.count()).select_from(some.subquery())
        return bool(connection.execute(count).scalar_one() >= COMMON)

    def _allowed(self) -> set[str] | None:
        """Return the agencies whose messages are selected; None for all."""
        if self.agency is None:
            return None if self.agencies is None else set(self.agencies)
        return {self.agency} if self.agencies is None or self.agency in self.agencies else set()

    def _latest(self, agency: str, given: ColumnElement[bool]) -> Select[Any]:
        query = select(messages.c.id, messages.c.updated_at)
        query = query.where(messages.c.agency == agency, given)
        return select(query.order_by(*_ORDER).limit(self.limit).subquery())

    def _of_problems(self, *, is_common: bool) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if self.problem is not None and is_common:
            # A value, not a condition on rows: that the planner would join with all that have it.
            found = select(message_problems.c.message_id).where(
                message_problems.c.message_id == messages.c.id, _has_code(self.problem.strip())
            )
            conditions.append(found.limit(1).scalar_subquery().is_not(None))
        elif self.problem is not None:
            conditions += _has_problem(self.problem.strip())
        if self.text is not None and self.causes is None:
            # To leave a condition out would select more than was meant.
            raise RuntimeError("nobody has made causes of the text")
        if self.causes is not None:
            failed = select(failures.c.message_id).where(failures.c.cause.in_(sorted(self.causes)))
            conditions.append(messages.c.id.in_(failed))
        return conditions

    def _given(self, vault: Vault, *, is_common: bool = False) -> ColumnElement[bool] | None:
        """Return the condition on messages, whatever their agency; None if nothing meets it."""
        conditions = self._timed()
        if self.states:
            conditions.append(messages.c.state.in_([state.value for state in self.states]))
        if self.dossier_code is not None:
            conditions.append(messages.c.dossier_code == self.dossier_code.strip())
        if self.person is not None:
            digest = person_digest(vault, self.person)
            if digest is None:
                return None
            of_person = select(person_index.c.message_id).where(person_index.c.digest == digest)
            conditions.append(messages.c.id.in_(of_person))
        conditions += self._of_problems(is_common=is_common)
        if self.ids is not None:
            conditions.append(messages.c.id.in_(self.ids))
        if self.why is not None:
            said = messages.c.reason.contains(self.why, autoescape=True)
            conditions.append(or_(said, messages.c.reason.in_(reasons_saying(self.why))))
        return and_(*conditions)

    def _timed(self) -> list[ColumnElement[bool]]:
        # Of all, but SQLite uses the index of lists for nothing that does not say so.
        conditions: list[ColumnElement[bool]] = [messages.c.updated_at.is_not(None)]
        if self.since is not None:
            conditions.append(messages.c.updated_at >= self.since)
        if self.until is not None:
            conditions.append(messages.c.updated_at < self.until)
        return conditions


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> Counted:
    some = select(literal(1)).select_from(messages).where(*conditions).limit(MOST_COUNTED + 1)
    query = select(func.count()).select_from(some.subquery())
    number = connection.execute(query).scalar_one()
    return Counted(min(number, MOST_COUNTED), number <= MOST_COUNTED)


def _of_agencies(names: set[str] | None) -> ColumnElement[bool]:
    if names is None:
        return true()
    agency = messages.c.agency
    return agency == next(iter(names)) if len(names) == 1 else agency.in_(sorted(names))


def _has_problem(wanted: str) -> list[ColumnElement[bool]]:
    if GROUP_ID.fullmatch(wanted):
        stands = select(failures.c.message_id).where(failures.c.cause == wanted, failures.c.is_open)
        return [messages.c.id.in_(stands), STANDS]
    with_code = select(message_problems.c.message_id).where(_has_code(wanted))
    return [messages.c.id.in_(with_code)]


def _has_code(wanted: str) -> ColumnElement[bool]:
    code = message_problems.c.code
    beginning = wanted.removesuffix(ANY)
    if beginning == wanted:
        return code == beginning
    return and_(code >= beginning, code < beginning + _LAST)


def _comes_after(cursor: Cursor) -> ColumnElement[bool]:
    at, message_id = cursor
    # The first condition is what an index can begin at.
    return and_(
        messages.c.updated_at <= at,
        or_(messages.c.updated_at < at, messages.c.id > message_id),
    )


def agencies_with_messages(connection: Connection) -> list[str]:
    """Return the agencies that have messages: one look into the index for each."""
    first = select(func.min(messages.c.agency).label("name")).cte("each_agency", recursive=True)
    following = select(func.min(messages.c.agency)).where(messages.c.agency > first.c.name)
    each = first.union_all(select(following.scalar_subquery()).where(first.c.name.is_not(None)))
    query = select(each.c.name).where(each.c.name.is_not(None))
    return list(connection.execute(query).scalars())

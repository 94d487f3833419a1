"""
What the portal's own list and our store say after a siege, against what the agencies were promised.

Effects are matched by dossier, operation and status, in order: what must have happened is known
from the load alone. Everything is a list of findings in words; nothing is counted twice.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from lienthong.states import State
from lienthong.store.tables import (
    attempts,
    message_problems,
    messages,
    receipts,
    repeats,
    submissions,
)
from lienthong.testing.chaos.load import Effect, Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from lienthong.testing.chaos.feeding import Truth
    from lienthong.testing.chaos.listening import Told

SHOWN = 20
"""Findings of a kind that are put into words; the rest is counted."""
ENDS = frozenset({State.DELIVERED, State.REJECTED, State.SUPERSEDED, State.PARKED})


@dataclass(slots=True)
class Findings:
    """What is wrong, by kind; all empty when nothing is."""

    lost: list[str] = field(default_factory=list)
    """Promised to an agency, and not in effect at the portal."""
    doubled: list[str] = field(default_factory=list)
    """A second effect, an effect nobody asked for, or a send after the receipt was stored."""
    disordered: list[str] = field(default_factory=list)
    """Dossiers whose effects did not happen in the agency's order."""
    misreported: list[str] = field(default_factory=list)
    """Told or stored otherwise than it is."""
    stuck: list[str] = field(default_factory=list)
    """Not ended by itself in the time given."""

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "disordered": len(self.disordered),
            "misreported": len(self.misreported),
            "stuck": len(self.stuck),
        }

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.counts.values())


class Done(NamedTuple):
    """One effect as the portal wrote it down."""

    message_id: str
    dossier: str
    effect: Effect
    digest: str


class Came(NamedTuple):
    """One delivery that reached the portal, whatever became of it."""

    message_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalList:
    """The portal's own record, in its order."""

    effects: Sequence[Done]
    deliveries: Sequence[Came]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One message as our store has it."""

    id: str
    dossier: str | None
    state: State
    digest: str | None
    event: tuple[str, int, int]
    """Key of the submission, record, item."""
    receipt_at: datetime | None
    sends: Mapping[int, datetime]
    """When each send was written down, by its number."""
    codes: tuple[str, ...] = ()
    """Of its problems."""

    @property
    def stands(self) -> str:
        """Its state in words, and why."""
        return " ".join([self.state.value, *(f"({code})" for code in self.codes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything our store has."""

    messages: Sequence[StoredMessage]
    repeated: frozenset[tuple[str, int]]
    """Key and record of what came again."""


def read_portal(ledger: Path) -> PortalList:
    """Read the portal's record."""
    with closing(sqlite3.connect(ledger, timeout=30)) as connection:
        effects = connection.execute(
            "SELECT message_id, dossier_code, packet, status, digest FROM effects ORDER BY id"
        ).fetchall()
        deliveries = connection.execute(
            "SELECT message_id, attempt FROM arrivals"
            " WHERE message_id IS NOT NULL AND attempt IS NOT NULL ORDER BY id"
        ).fetchall()
    return PortalList(
        effects=[
            Done(message_id, dossier, Effect(packet, status or ""), digest)
            for message_id, dossier, packet, status, digest in effects
        ],
        deliveries=[Came(*row) for row in deliveries],
    )


def read_store(connection: Connection) -> Stored:
    """Read our store."""
    keys = {
        row.id: key_of(row.file_name)
        for row in connection.execute(select(submissions.c.id, submissions.c.file_name))
    }
    sends: dict[str, dict[int, datetime]] = defaultdict(dict)
    for row in connection.execute(select(attempts).where(attempts.c.kind == "send")):
        sends[row.message_id][row.number] = row.started_at
    codes: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(select(message_problems.c.message_id, message_problems.c.code)):
        codes[row.message_id].add(row.code)
    receipt_times = dict(
        connection.execute(select(receipts.c.message_id, receipts.c.verified_at)).all()
    )
    columns = (
        messages.c.id,
        messages.c.dossier_code,
        messages.c.state,
        messages.c.document_digest,
        messages.c.submission_id,
        messages.c.record,
        messages.c.item,
    )
    return Stored(
        messages=[
            StoredMessage(
                id=row.id,
                dossier=row.dossier_code,
                state=State(row.state),
                digest=row.document_digest,
                event=(keys[row.submission_id], row.record, row.item),
                receipt_at=receipt_times.get(row.id),
                sends=sends.get(row.id, {}),
                codes=tuple(sorted(codes.get(row.id, ()))),
            )
            for row in connection.execute(select(*columns))
        ],
        repeated=frozenset(
            (keys[row.submission_id], row.record)
            for row in connection.execute(select(repeats).where(repeats.c.item == 0))
        ),
    )


def key_of(file_name: str) -> str:
    """Return the key of the submission whose file has that name, whatever door it came by."""
    return file_name.rpartition(".")[0]


def judge(
    truth: Truth, portal: PortalList, stored: Stored, told: Sequence[Told] | None
) -> Findings:
    """Compare them; `told` is None where nobody reads results."""
    findings = Findings()
    _compare_effects(truth, portal, findings)
    _compare_sends(portal, stored, findings)
    _compare_states(truth, portal, stored, findings)
    _compare_records(truth, stored, findings)
    if told is not None:
        _compare_told(truth, portal, told, findings)
    return findings


def _compare_effects(truth: Truth, portal: PortalList, findings: Findings) -> None:
    first: dict[str, Done] = {}
    for done in portal.effects:
        if done.message_id in first:
            findings.doubled.append(f"{done.dossier}: {done.message_id} took effect again")
        else:
            first[done.message_id] = done
    happened: dict[str, list[Effect]] = defaultdict(list)
    for done in first.values():
        happened[done.dossier].append(done.effect)
    for dossier in {*truth.effects, *happened}:
        wanted, got = truth.effects.get(dossier, []), happened.get(dossier, [])
        if wanted == got:
            continue
        missing, extra = Counter(wanted) - Counter(got), Counter(got) - Counter(wanted)
        findings.lost += [f"{dossier}: {_said(effect)}" for effect in missing.elements()]
        findings.doubled += [
            f"{dossier}: {_said(effect)}, which was not asked for" for effect in extra.elements()
        ]
        if _without(wanted, missing) != _without(got, extra):
            findings.disordered.append(f"{dossier}: {_row(got)} instead of {_row(wanted)}")


def _compare_sends(portal: PortalList, stored: Stored, findings: Findings) -> None:
    known = {message.id: message for message in stored.messages}
    for came, times in Counter(portal.deliveries).items():
        if times > 1:
            findings.doubled.append(f"{came.message_id}: attempt {came.attempt} came {times} times")
        message = known.get(came.message_id)
        if message is None or came.attempt not in message.sends:
            findings.doubled.append(
                f"{came.message_id}: attempt {came.attempt} came and was never written down"
            )
    for message in stored.messages:
        if message.receipt_at is None:
            continue
        findings.doubled += [
            f"{message.id}: attempt {number} began after its receipt was stored"
            for number, at in message.sends.items()
            if at > message.receipt_at
        ]


def _compare_states(truth: Truth, portal: PortalList, stored: Stored, findings: Findings) -> None:
    in_effect = {done.message_id: done.digest for done in portal.effects}
    for message in stored.messages:
        name = f"{message.dossier}: {message.id}"
        is_refused = message.dossier in truth.refused
        if message.state is State.DELIVERED:
            if message.id not in in_effect:
                findings.misreported.append(f"{name} is delivered, without an effect")
            elif in_effect[message.id] != message.digest:
                findings.misreported.append(f"{name} is in effect with another document")
        elif is_refused and message.state is State.HELD and message.event[2] > 0:
            # A progress row goes only after its dossier, and the portal does not take that one.
            continue
        elif message.state not in ENDS:
            findings.stuck.append(f"{name} is {message.stands}")
        elif message.id in in_effect:
            findings.misreported.append(f"{name} is {message.stands}, and in effect")
        elif message.state is State.PARKED and not is_refused:
            findings.misreported.append(f"{name} is parked, without a reason to be")


def _compare_records(truth: Truth, stored: Stored, findings: Findings) -> None:
    """Every record that an agency handed over has the fate that it must have."""
    snapshots = {message.event[:2]: message for message in stored.messages if message.event[2] == 0}
    fates = {(key, record): fate for key, record, fate in _records(truth)}
    findings.misreported += [
        f"{message.event}: a progress row is {message.stands}"
        for message in stored.messages
        if message.event[2] > 0
        and message.state in ENDS - {State.DELIVERED}
        and fates.get(message.event[:2]) is Fate.EFFECT
    ]
    wanted = {
        Fate.EFFECT: {State.DELIVERED},
        Fate.REJECTED: {State.REJECTED, State.SUPERSEDED},
        Fate.REFUSED: {State.PARKED, State.SUPERSEDED},
    }
    for key, record, fate in _records(truth):
        event = (key, record)
        if fate is Fate.REPEAT:
            if event not in stored.repeated:
                findings.misreported.append(f"{key} record {record} is not known as a repeat")
            continue
        snapshot = snapshots.get(event)
        if snapshot is None:
            findings.lost.append(f"{key} record {record} is not in the store")
        elif snapshot.state not in wanted[fate] and snapshot.state in ENDS:
            findings.misreported.append(
                f"{key} record {record} is {snapshot.stands}, and should be {fate.value}"
            )


def _compare_told(
    truth: Truth, portal: PortalList, told: Sequence[Told], findings: Findings
) -> None:
    """Every agency was told of each of its records what is so, and nothing that is not."""
    in_effect = {done.message_id for done in portal.effects}
    received: set[str] = set()
    of_snapshots: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in told:
        name = f"{one.agency}, {one.file} record {one.record}"
        if one.agency != one.queue_of:
            findings.misreported.append(f"{name}: told to {one.queue_of}")
        if one.kind == State.DELIVERED.value and one.message_id not in in_effect:
            findings.misreported.append(f"{name}: told as delivered, without an effect")
        key = key_of(one.file or "")
        if one.kind == "received":
            received.add(key)
        elif one.record is not None and (one.item or 0) == 0:
            of_snapshots[key, one.record].add(one.kind)
    keys = {key for key, _, _ in _records(truth)}
    findings.misreported += [
        f"{key}: its agency was not told that it was received" for key in keys - received
    ]
    for key, record, fate in _records(truth):
        kinds = of_snapshots.get((key, record), set())
        if not kinds & _TOLD[fate] or kinds & _NEVER_TOLD[fate]:
            said = ", ".join(sorted(kinds)) or "nothing"
            findings.misreported.append(f"{key} record {record}: told {said}, and is {fate.value}")


_TOLD = {
    Fate.EFFECT: {"delivered"},
    Fate.REPEAT: {"repeated"},
    Fate.REJECTED: {"rejected"},
    Fate.REFUSED: {"parked", "superseded"},
}
_NEVER_TOLD = {
    Fate.EFFECT: {"rejected", "parked", "quarantined", "superseded", "repeated", "refused"},
    Fate.REPEAT: {"rejected", "refused"},
    Fate.REJECTED: {"delivered", "parked", "repeated"},
    Fate.REFUSED: {"delivered", "rejected"},
}


def _records(truth: Truth) -> Iterable[tuple[str, int, Fate]]:
    for fates in truth.fates.values():
        yield from fates


def _without(row: Sequence[Effect], surplus: Counter[Effect]) -> list[Effect]:
    """Return the row without the last ones of what is too many in it."""
    left = Counter(surplus)
    kept = []
    for effect in reversed(row):
        if left[effect] > 0:
            left[effect] -= 1
        else:
            kept.append(effect)
    return kept[::-1]


def _said(effect: Effect) -> str:
    return f"{effect.packet} with status {effect.status}"


def _row(effects: Sequence[Effect]) -> str:
    return " ".join(f"{effect.packet[:2]}{effect.status}" for effect in effects)

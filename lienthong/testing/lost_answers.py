"""
Answers that are lost after the portal's commit, many times over, and what became of everything.

The sandbox commits and closes the connection; which deliveries that hits is drawn by its seed. Each
dossier is an add, then an update with a progress row. What counts is the portal's own ledger beside
the store: an effect that is there twice, a message that failed though the portal took it, an order
that was not kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.channels.port import Packet
from lienthong.sandbox import LookUpShows, SandboxConfig
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.tables import attempts
from lienthong.testing.portal_site import Portal, PortalSite, record, step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lienthong.sandbox.ledger import EffectRow, Ledger
    from lienthong.store.queries import MessageLine
    from signing.devpki import DevelopmentPki

SHARE = 0.8
"""Of the deliveries that lose their answer. With all of them an update that nothing can prove would
lose it for ever."""
FEWEST, MOST = 20, 400
"""Dossiers that are handed in at a time."""
LOST_EACH = 6
"""Answers that a dossier may cost: fewer are handed in than could be needed, never many more."""
WAVE_SECONDS = 900.0
FAILED = frozenset({State.PARKED, State.QUARANTINED, State.REJECTED})
NEVER = 1_000_000_000
SETTINGS = {
    # Lost answers are all that there is: pauses for them would only make it long.
    "delivery": {"breaker_threshold": NEVER, "breaker_minimum_calls": NEVER}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried."""

    channel: str
    """soap or dvcqg-json."""
    count: int
    """Answers that are lost, at least."""
    idempotent: bool = False
    """Whether the portal knows a repeat by its message id; the JSON side never does."""
    look_up_shows: LookUpShows = LookUpShows.CONTENT
    """Of the SOAP side; the JSON side shows existence at most."""
    rows_per_call: int = 1
    """Progress rows of several dossiers that may go in one call; the JSON side only."""
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of it; the last five must be 0."""

    lost: int
    """Answers, after the commit."""
    dossiers: int
    messages: int
    delivered: int
    unknown: int
    """Progress rows left to a person, because nothing that the portal shows proves them."""
    repeated_updates: int
    """Snapshots that were sent again, because existence proves no update: harmless in order."""
    seconds: float
    doubled_dossiers: int
    """Adds that reached the portal again although it had the dossier, whatever it did with them."""
    doubled_rows: int
    """Progress rows that took effect more than once."""
    wrongly_failed: int
    """Messages that are parked, quarantined or rejected: the portal took every one."""
    unfinished: int
    """Messages in any other state than delivered or unknown."""
    misplaced: int
    """Dossiers whose effects are not their messages in order, a repeated update aside."""

    @property
    def is_good(self) -> bool:
        """Return whether nothing was doubled, failed wrongly, was lost or came out of order."""
        wrong = (self.doubled_dossiers, self.doubled_rows, self.wrongly_failed)
        return not any((*wrong, self.unfinished, self.misplaced))


def lose_answers(
    trial: Trial, *, folder: Path, pki: DevelopmentPki, tell: Callable[[int], None]
) -> Verdict:
    """
    Run a trial in an empty folder.

    Args:
        trial: What is tried.
        folder: For the installation and the portal's ledger.
        pki: Keys, those of the agency among them.
        tell: Called with the answers lost so far.
    """
    config = SandboxConfig(
        ledger=folder / "portal.sqlite",
        trust=(pki.root.certificate,),
        receipt_key=pki.portal.key,
        receipt_certificate=pki.portal.certificate,
        channel=trial.channel,
        idempotent=trial.idempotent,
        look_up_shows=trial.look_up_shows,
        progress_rows=trial.rows_per_call,
        seed=trial.seed,
    )
    portal, begun = Portal(config), monotonic()
    try:
        target = portal.target
        if trial.rows_per_call > 1:
            target |= {"progress_rows_per_call": trial.rows_per_call}
        site = PortalSite(folder / "site", pki.root.certificate.parent, target, SETTINGS)
        portal.misbehave("commit_then_drop", share=SHARE)
        lost = dossiers = 0
        while lost < trial.count:
            many = min(max((trial.count - lost) // LOST_EACH, FEWEST), MOST)
            numbers = range(dossiers + 1, dossiers + many + 1)
            _submit(site, numbers)
            site.work(seconds=WAVE_SECONDS)
            lost, dossiers = portal.hits(), numbers[-1]
            tell(lost)
        verdict = _judge(site, portal.ledger, trial, lost=lost, seconds=monotonic() - begun)
        site.close()
        return verdict
    finally:
        portal.close()


def _submit(site: PortalSite, numbers: range) -> None:
    site.submit(*(record(number) for number in numbers))
    site.submit(
        *(
            record(number, event=2, trangThai="đang xử lý", quaTrinh=[step(number, 1)])
            for number in numbers
        )
    )


def _judge(site: PortalSite, ledger: Ledger, trial: Trial, *, lost: int, seconds: float) -> Verdict:
    lines = site.messages()
    states = Counter(line.state for line in lines)
    ids = _ids_at_the_portal(site, trial)
    by_dossier: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        by_dossier[line.dossier_code or ""].append(ids.get(line.id, ""))
    taken = Counter(_known_as(effect, trial) for effect in ledger.effects)
    packets = {_known_as(effect, trial): effect.packet for effect in ledger.effects}
    again = {id_: count - 1 for id_, count in taken.items() if count > 1}
    rows = {id_ for id_ in again if packets[id_] == Packet.PROGRESS.value}
    adds = Counter(
        row.dossier_code
        for row in ledger.arrivals
        if row.operation == Packet.DOSSIER.value and row.is_updating is False
    )
    return Verdict(
        lost=lost,
        dossiers=len(by_dossier),
        messages=len(lines),
        delivered=states[State.DELIVERED],
        unknown=_unproven(lines),
        repeated_updates=sum(again[id_] for id_ in again.keys() - rows),
        seconds=seconds,
        doubled_dossiers=sum(count - 1 for count in adds.values()),
        doubled_rows=sum(again[id_] for id_ in rows),
        wrongly_failed=sum(states[state] for state in FAILED),
        unfinished=len(lines)
        - sum(states[one] for one in FAILED | {State.DELIVERED})
        - _unproven(lines),
        misplaced=sum(
            [
                one
                for one, _ in groupby(
                    _known_as(effect, trial) for effect in ledger.effects_by_dossier.get(code, ())
                )
            ]
            != wanted
            for code, wanted in by_dossier.items()
        ),
    )


def _unproven(lines: list[MessageLine]) -> int:
    return sum(
        line.state is State.UNKNOWN and line.packet is Packet.PROGRESS and line.due_at is None
        for line in lines
    )


def _ids_at_the_portal(site: PortalSite, trial: Trial) -> dict[str, str]:
    """Return what the ledger knows each message by; see `_known_as`."""
    if trial.channel == "soap":
        return {line.id: line.id for line in site.messages()}
    query = select(attempts.c.message_id, attempts.c.payload_digest).where(
        attempts.c.payload_digest.is_not(None)
    )
    with reading(site.installation.store) as connection:
        found: dict[str, str] = dict(connection.execute(query).all())
    rows = [line for line in site.messages() if line.packet is Packet.PROGRESS]
    return found | {line.id: line.dossier_code or "" for line in rows}


def _known_as(effect: EffectRow, trial: Trial) -> str:
    """
    Return what an effect is known by: the id of its message, or the digest of what was sent.

    Of a progress row that may have come with others: its dossier, which has one row in a trial.
    """
    is_row = effect.packet == Packet.PROGRESS.value
    return effect.dossier_code if is_row and trial.channel != "soap" else effect.message_id

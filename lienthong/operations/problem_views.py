"""What operations show of problems: failures of one cause."""

from __future__ import annotations

from datetime import datetime

from lienthong.operations.views import MessageSummary, View, Words
from lienthong.owners import Owner, Step
from lienthong.problem_states import Act, GroupState


class StepView(View):
    """One thing that helps."""

    step: Step
    words: Words


class DecisionView(View):
    """What a person decided last about a problem."""

    state: GroupState
    by: str
    at: datetime
    reason: str


class ProblemGroup(View):
    """Failures of one cause."""

    id: str
    """Stable; `GET /v1/messages?problem=` with it lists the messages that stand in it now."""
    agency: str | None
    """Null: of the target, whoever's messages they are."""
    direction: str
    """up: to the portal; down: to an agency."""
    code: str
    """Stable."""
    field: str | None
    """The portal's, as published, without numbers of items."""
    answer: str | None
    """The portal's own code, or the agency's."""
    title: Words
    """What is wrong; of findings as it was said last, values masked."""
    remedy: Words | None
    """Null: what was said of it is erased."""
    for_integrator: Words | None
    """What whoever writes the mapping can do, where that is something else."""
    owner: Owner
    """Who must act."""
    next: list[StepView]
    """What helps, the first one first."""
    state: GroupState
    is_reopened: bool
    """It failed again after a person had resolved it."""
    is_by_itself: bool
    """It is resolved because no message stands in it any more; nobody said so."""
    first_seen: datetime
    last_seen: datetime
    """When a message last failed so."""
    affected: int
    """Messages that stand in it now."""
    affected_ever: int
    dossiers: int
    """Of the messages that stand in it now."""
    decision: DecisionView | None
    version: int
    """Send it with a decision: another one's, made meanwhile, is then not overwritten."""
    may: list[Act]
    """What whoever asks may do with it where it stands."""


class ProblemPage(View):
    """A part of the list, what failed last first."""

    problems: list[ProblemGroup]
    next: str | None
    """Give it as `cursor` for what comes after; null: this is the end."""
    count: int
    """Of all parts."""
    is_whole: bool
    """False: older messages are not counted yet; the operator of the server runs `lienthong store
    index`."""


class OtherMapping(View):
    """That a mapping was installed since a message failed of the mapping."""

    installed: str
    """The agency's mapping as it is now: name@version sha256:…"""
    made_by: str
    """The one that the message was made by."""
    message: str
    """The latest that stands in the problem: its preview tells whether a reissue would do."""


class ProblemDetail(ProblemGroup):
    """One problem, with some of its messages."""

    other_mapping: OtherMapping | None = None
    """Null: nothing stands in it, its cause is not of the mapping, or the mapping is the same."""

    examples: list[MessageSummary]
    """Those that stand in it first, then the latest others; values are masked."""

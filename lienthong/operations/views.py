"""
What operations show: the models of the HTTP API, one field for one fact.

Personal data stands only in the fields that say so, and only where it was asked for with a reason.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from lienthong.channels.port import Found, Packet
from lienthong.flowing import Flowing
from lienthong.pauses import What
from lienthong.proofs import Proof
from lienthong.replay_previews import Document, Verb
from lienthong.states import State
from schemas.problem import Severity


class View(BaseModel):
    """What every model has."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Words(View):
    """One sentence in both languages."""

    vi: str
    en: str


class WherePlace(View):
    """Where something stands in the agency's own input; what does not apply is null."""

    file: str | None
    sheet: str | None
    row: int | None
    column: str | None
    line: int | None
    path: str | None


class Finding(View):
    """One finding about a record."""

    code: str
    """Stable; `docs/errors.md` explains each."""
    severity: Severity
    message: Words
    """Values in it are masked, unless they were revealed."""
    suggestion: Words | None
    field: str | None
    """The portal's, as published."""
    value: str | None
    """Personal data: masked (letters x, digits 9), unless it was revealed."""
    place: WherePlace


class MessageSummary(View):
    """One message of a list."""

    id: str
    agency: str
    dossier: str | None
    packet: Packet
    state: State
    reason: Words
    """Why it stands there."""
    attempts: int
    due_at: datetime | None
    """When it is taken up again; null: not by itself."""
    created_at: datetime
    updated_at: datetime
    place: WherePlace
    findings: list[Finding]


class Count(View):
    """How many a search finds, as far as it was counted."""

    number: int
    """1,000 at most."""
    is_exact: bool
    """False: there are so many at least."""


class MessagePage(View):
    """A part of a list, the latest change first."""

    messages: list[MessageSummary]
    next: str | None
    """Give it as `cursor` for what comes after; null: this is the end."""
    is_whole: bool
    """False: older messages are not in the index by person and problem yet; the operator of the
    server runs `lienthong store index`."""
    count: Count | None = None
    """Of all parts; null: it was not asked for."""


class Attempt(View):
    """One attempt or look-up."""

    kind: str
    """send or lookup."""
    number: int
    is_updating: bool
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    code: str | None
    """The portal's."""
    http_status: int | None
    detail: str
    """In our words."""
    message: str | None
    """Personal data: the portal's own words; null unless they were revealed."""
    proof: Proof | None
    answer_size: int | None
    answer_sha256: str | None
    is_answer_whole: bool | None
    payload_sha256: str | None


class ManifestLine(View):
    """One file of a dossier."""

    number: int
    way: str
    name: str | None
    """Personal data: masked, unless it was revealed; null: erased."""
    component: str | None
    size: int | None
    sha256: str | None
    type: str | None
    is_kept: bool


class LogEntry(View):
    """One row of the audit log."""

    row: int
    at: datetime
    actor: str
    action: str
    subject: str
    """What it is about: the id of a message, a file, a token …"""
    detail: dict[str, Any] | None
    """Null: erased."""
    seal: int | None
    """Null: not sealed yet."""
    job: str | None = None
    """The bulk replay in which it was done; null where it is in none that you may see."""


class LogPage(View):
    """A part of the audit log, the latest row first."""

    rows: list[LogEntry]
    next: int | None
    """Give it as `before` for what was written earlier; null: this is the first row."""


class ReceiptView(View):
    """The portal's receipt."""

    sha256: str
    signer: str | None
    signer_name: str | None
    verified_at: datetime


class CorrectionView(View):
    """One value of a record that is not as the agency sent it."""

    path: str
    """From the root of the record, as its mapping reads it."""
    place: WherePlace | None = None
    before: str | None = None
    """What the agency wrote. Personal data: masked, unless it was revealed; null: erased."""
    after: str | None = None
    """What a person put in its place; as `before`."""


class MessageDetail(MessageSummary):
    """One message with everything that is known of it."""

    submission: str
    record: int
    """1-based, in the submission."""
    mapping: str
    """By which it was made: name@version sha256:…."""
    document_sha256: str | None
    proof: Proof | None
    proof_words: Words | None
    receipt: ReceiptView | None
    superseded_by: str | None
    reissue_of: str | None
    reissued_as: str | None
    corrections: list[CorrectionView]
    """What a person corrected in its record before it was made; the log says who and why."""
    files: list[ManifestLine]
    tries: list[Attempt]
    history: list[LogEntry]
    may: list[str]
    """What may be done to it in its state: resend, reissue, correct, discard."""
    is_revealed: bool
    """Whether personal data stands in it."""


class OriginStep(View):
    """One thing that was done on the way from the source to a field."""

    kind: str
    mapping_line: int
    """In the mapping file."""
    path: str | None
    """As the mapping has it."""
    whole_path: str | None
    """The same from the root of the record: by it the value is corrected."""
    place: WherePlace | None
    before: str | None
    """Personal data: masked, unless it was revealed."""
    after: str | None
    """Personal data: masked, unless it was revealed."""
    words: Words


class AllowedValue(View):
    """One of the values that the mapping knows for a field."""

    value: str
    """As the agency writes it."""
    code: str
    """What the portal gets for it."""
    meaning: Words | None
    """Of the code, by the portal's schema."""


class FieldOrigin(View):
    """One field of the portal, and how it got its value."""

    packet: str
    field: str
    """With the numbers of items: "TaiLieuNop[2].TenGiayTo"."""
    about: Words
    value: str | None
    """Personal data: masked, unless it was revealed or is a code; null: absent, or refused."""
    steps: list[OriginStep]
    findings: list[Finding]
    allowed: list[AllowedValue] = []
    """What may stand where it is read, if that is a list of 300 at most."""


class SourceValue(View):
    """One value of the source that no rule reads."""

    path: str
    place: WherePlace
    value: str | None
    """Personal data: masked, unless it was revealed."""


class RecordView(View):
    """The record that a message came from beside the document that it becomes."""

    place: WherePlace
    made_by: str
    """The mapping by which the message was made."""
    mapping: str
    """The mapping by which this view was made: as it is now."""
    is_same_mapping: bool
    fields: list[FieldOrigin]
    used: list[SourceValue]
    """What stands in the record where a rule reads it."""
    unused: list[SourceValue]
    findings: list[Finding]
    is_revealed: bool


class StepView(View):
    """One thing that happened to a dossier."""

    at: datetime
    step: str
    text: Words
    detail: Words | None
    actor: str | None
    """Null: the product by itself."""
    message: str | None
    submission: str | None
    audit_row: int | None
    job: str | None
    """The bulk replay in which it was done; null where it is in none that you may see."""


class StandingView(View):
    """One message of a dossier as it stands."""

    id: str
    packet: str
    sequence: int | None
    state: State
    reason: Words
    errors: list[str]
    due_at: datetime | None


class DossierView(View):
    """Everything that ever happened to a dossier, oldest first, and what happens next."""

    dossier: str
    agency: str
    acknowledged: bool
    """By the portal, to us."""
    now: Words
    next: list[Words]
    messages: list[StandingView]
    messages_before: int
    """Earlier ones, which are not here."""
    steps: list[StepView]
    steps_before: int
    """Earlier ones, which are not here: ask with a larger `limit`."""


class AgencyStanding(View):
    """How the messages of one agency flow in one direction."""

    agency: str
    direction: str
    """up: what it sends to the portal; down: what goes to it."""
    flow: Flowing
    words: Words
    """What `flow` means."""
    flow_since: datetime | None
    """Of what is stalled or unattended."""
    delivered: list[int]
    """In each five minutes of the last hour, the oldest first."""
    delivered_last_hour: int
    backlog: int
    """Messages that go on by themselves: ready, sending, retrying, unknown."""
    estimate_seconds: float | None
    """How long the backlog takes at the pace of the last minutes; null: no end is in sight."""
    waiting: int
    """Messages that have not ended, the backlog among them."""
    needs_somebody: int
    """Parked, quarantined, rejected."""
    oldest_at: datetime | None
    """When the oldest of what waits was made."""
    oldest_message: str | None
    overdue: int
    """Dossiers that the portal does not have all of, and whose NgayHenTra is past."""
    due_soon: int
    """The same within a day."""
    failures_today: int
    """Messages that failed since midnight in Việt Nam, whatever became of them."""
    submissions: int
    """Ever received."""
    submissions_waiting: int
    states: dict[State, int]
    """Messages that have not ended, and rejected ones."""


class WorkerPace(View):
    """How one worker delivers."""

    worker: str
    pace: str
    words: Words
    until: datetime | None
    allowed: int
    delivered: int


class LeftView(View):
    """What has not come to its end of what was taken in."""

    submissions: int
    """Not expanded to the end."""
    moving: int
    """Messages that go on by themselves."""
    waiting: int
    """Messages that stand behind others of their dossier, or need a person."""
    is_drained: bool
    """Nothing goes on by itself any more; while the drain lasts, nothing is added."""


class PauseView(View):
    """One thing that a person stopped."""

    agency: str | None
    """Null: it is about the portal."""
    target: str | None
    """`portal`, or null."""
    what: What
    reason: str
    by: str
    since: datetime
    until: datetime | None
    """When it ends by itself; null: when somebody resumes."""
    words: Words
    left: LeftView | None
    """Of a drain; of the portal's only for who sees every agency."""


class PausesView(View):
    """Everything that is stopped, the longest first."""

    pauses: list[PauseView]


class ResumedView(View):
    """What goes on again."""

    ended: list[PauseView]
    """Empty: nothing of it was stopped."""


class Overview(View):
    """Whether dossiers flow."""

    at: datetime
    """When this was seen; all but the pauses may be some seconds old."""
    since_midnight: datetime
    """From when on failures of today are counted."""
    agencies: list[AgencyStanding]
    """What needs a person soonest first."""
    backlog: int | None
    """Due for the portal; null for who does not see every agency."""
    backlog_to_agencies: int | None
    per_minute: float | None
    estimate_seconds: float | None
    failures_today: int | None
    """Because of the portal as a whole, whoever's messages they were: null for who does not see
    every agency."""
    workers: list[WorkerPace]
    pauses: list[PauseView]
    """What people have stopped of these agencies, and for the portal."""
    to_approve: int
    """Bulk replays of others that wait for your decision, of the latest 1,000 that wait."""


class DeadlineView(View):
    """One dossier that the portal does not have all of, and whose deadline is near or past."""

    dossier: str | None
    agency: str
    deadline: datetime
    """Its NgayHenTra."""
    is_past: bool
    waiting: int
    """Messages of it that have not ended."""
    message: str
    """The first of them: the others wait for it."""
    state: State
    """Of that message."""
    reason: Words


class DeadlinesView(View):
    """Dossiers at risk, the earliest deadline first."""

    deadlines: list[DeadlineView]
    is_all: bool
    """Whether there are no more."""


class ChangeView(View):
    """One field that a new document says otherwise."""

    field: str
    """With the numbers of items."""
    before: str
    """Personal data: masked, unless it was revealed or is a code; "" for nothing."""
    after: str
    """Personal data: masked, unless it was revealed or is a code; "" for nothing."""


class OutlookView(View):
    """What is known here of the dossier."""

    acknowledged: bool
    """Whether the portal has taken a snapshot of it."""
    newer_snapshots: list[str]
    """Messages behind this one that say all of the dossier."""
    progress_behind: int
    is_turn: bool | None
    """Whether it would be its turn at once."""
    waits_for: str | None
    """The message that would go before it."""
    awaits_files: bool
    is_updating: bool | None
    """Whether it would go as an update."""


class PortalSaysView(View):
    """What the portal says of the dossier now."""

    found: Found
    proves: bool
    """Whether the answer says anything about the dossier."""
    detail: str
    """Why there is no answer."""
    status: str | None
    message: str | None
    """Whose snapshot is in effect, where the portal shows it."""
    discrepancy: Words | None


class PreviewView(View):
    """What a resend or a reissue would do to one message."""

    id: str
    verb: Verb
    would_be_done: bool
    problem: Finding | None
    """Why nothing would be done."""
    made_by: str | None
    """The mapping by which the message was made."""
    made_now_by: str | None
    """Of a reissue: the mapping as it is now."""
    findings: list[Finding]
    """Of a reissue: everything that mapping and schema find now."""
    document: Document
    """What is left of the document that would go again, or that the new one is compared with."""
    document_sha256: str | None
    """Of the document that was sent; a resend sends these bytes."""
    new_documents: int
    is_compared: bool
    """Whether `changes` says all that differs."""
    changes: list[ChangeView]
    outlook: OutlookView
    portal: PortalSaysView | None
    """Where it was asked."""
    is_revealed: bool


class ActedView(View):
    """What was done to a message."""

    id: str
    new_id: str | None
    """Of a reissue: the new message."""


class GrantView(View):
    """One role for some agencies."""

    role: str
    agencies: list[str] | None
    """Null: every agency."""
    rights: list[str]


class Me(View):
    """Who asks."""

    name: str
    grants: list[GrantView]


class ReplayProgress(View):
    """How far a bulk replay has got."""

    done: int
    refused: dict[str, int]
    """By code; `replay.changed`: the message was not as it was frozen, and was not touched."""
    failed_again: int
    """Of those done: parked, quarantined or rejected again since."""
    left: int
    estimate_seconds: float | None
    """At the job's rate; null where it does not run."""


class ReplayJobSummary(View):
    """One bulk replay of a list."""

    id: str
    verb: str
    """resend, reissue or discard."""
    state: str
    """asked, running, paused, stopped, declined, stale, cancelled or done."""
    why: str
    """It stands there; empty where there is nothing to say."""
    why_words: Words
    """The same in both languages; a person's own words stay as they are."""
    agencies: list[str]
    """Whose messages are in it."""
    count: int
    digest: str
    """SHA-256 of what was frozen; whoever approves it sends it back."""
    reason: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    ended_at: datetime | None


class ReplayJobView(ReplayJobSummary):
    """One bulk replay."""

    selection: dict[str, Any]
    """As it was asked for."""
    mappings: dict[str, str]
    """Of a reissue: by agency the mapping that it goes by."""
    rate: float
    stop_percent: int
    progress: ReplayProgress


class SelectedView(View):
    """What would be frozen now."""

    count: Count
    messages: list[MessageSummary]
    """20 at most, the latest change first; values are masked."""


class ReplayJobPage(View):
    """A part of the list, the latest first."""

    jobs: list[ReplayJobSummary]
    next: str | None
    """Give it as `before` for what was asked for earlier; null: this is the end."""


class ReplayItemView(View):
    """One message of a bulk replay."""

    number: int
    """The order of acting."""
    message: str
    dossier: str | None
    """Its code; null: the record has none."""
    state: State
    """When it was frozen."""
    updated_at: datetime
    """When it was frozen."""
    outcome: str | None
    """done, or the code of why not; null: not yet."""
    new_id: str | None
    acted_at: datetime | None
    state_now: State | None
    """Of the message, or of the new one."""
    failed_again: bool
    """It was done, and needs somebody again."""


class ReplayItemPage(View):
    """A part of the messages of a bulk replay, in the order of acting."""

    items: list[ReplayItemView]
    next: int | None
    """Give it as `after` for what comes after; null: this is the end."""


class ChangedField(View):
    """One field that new documents say otherwise than those that were sent."""

    field: str
    """Without the numbers of items."""
    messages: int
    examples: list[ChangeView]
    """Of the first messages."""


class RefusedItem(View):
    """One message to which nothing would be done."""

    message: str
    dossier: str | None
    problem: Finding


class ReplayJobPreview(View):
    """What a bulk replay would do to messages that it has not acted on."""

    looked_at: int
    is_cut: bool
    """Time was over before all that was asked for was looked at."""
    would_be_done: int
    made_first: int
    """Of these: there never was a document, so that there is nothing to compare with."""
    changed: int
    """Of these: the new document says something else than the one that was sent."""
    fields: list[ChangedField]
    """What it says otherwise; the field that changes most often first."""
    refused: dict[str, int]
    """By the code of the problem."""
    refusals: list[RefusedItem]
    """The first of them."""
    next: int | None
    """Give it as `after` to look at what comes after; null: this is the end, or time was over."""

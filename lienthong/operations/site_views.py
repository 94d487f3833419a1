"""What operations show of an installation: mappings, catalogue, sources, queues, keys."""

from __future__ import annotations

from datetime import date, datetime

from lienthong.held_keys import KeyState
from lienthong.operations.views import View, Words


class Filled(View):
    """How many of some fields a mapping fills."""

    filled: int
    of: int
    """Fields that its schema has."""


class MappingView(View):
    """One mapping as it is installed now."""

    name: str
    """Of the agency everywhere else."""
    agency_code: str | None
    agency_name: str | None
    group: str | None
    """One of the 23, where the mapping says which."""
    version: int | None
    sha256: str | None
    schema_version: str | None
    """Of the portal's packets."""
    mandatory: Filled | None
    optional: Filled | None
    trouble: Words | None
    """Why it cannot be used; then all that is not known of it is null."""


class MappingsView(View):
    """The installed mappings."""

    mappings: list[MappingView]


class GroupView(View):
    """One of the 23 groups, and how many of its services are connected."""

    code: str
    name: str
    delivered: int
    """Services of which something was delivered."""
    mapped: int
    """Services whose code a mapping writes down, and nothing was delivered yet."""
    none: int
    total: int


class CatalogueView(View):
    """How far the services of the catalogue are connected."""

    day: date
    groups: list[GroupView]
    trouble: Words | None
    """Why the list cannot be read."""


class DoorView(View):
    """One way in or out."""

    kind: str
    """In: http, amqp, folder, pull. Out: folder, hook, queue."""
    name: str | None
    """Of a source of [pull]."""
    read_at: datetime | None
    """Of a source: when it was last read to its end."""
    tried_at: datetime | None
    due_at: datetime | None
    rows: int | None
    """Of a source: taken over, ever."""
    trouble: str | None
    """Code of what keeps a source from being read."""


class HeardView(View):
    """The last thing that came."""

    door: str
    at: datetime


class SourceView(View):
    """One agency: by which ways it sends and gets, and what was heard of it."""

    agency: str
    agency_name: str | None
    """What people call it, as its mapping has it."""
    doors: list[DoorView]
    """By which it can send."""
    receiver: DoorView | None
    """How it gets what peers send and others share."""
    last_up: HeardView | None
    """What it sent."""
    last_down: HeardView | None
    """What was sent to it."""
    waiting: int
    """Submissions that are not expanded to the end."""
    backlog: int
    """Messages on their way, up and down."""


class SourcesView(View):
    """The agencies that may be seen."""

    sources: list[SourceView]


class QueueView(View):
    """One queue of the exchange."""

    name: str
    messages: int | None
    """That lie in it, lent to nobody; null: it is not there."""


class DriftView(View):
    """One exchange or queue that is not as it should be."""

    name: str
    trouble: str
    words: Words


class QueuesView(View):
    """The exchange."""

    kind: str
    """sqlite or rabbitmq."""
    is_reachable: bool
    trouble: Words | None
    """Why it could not be asked."""
    queues: list[QueueView]
    is_checked: bool
    """Whether its queues were compared with the plan; that needs the right to configure them."""
    drifts: list[DriftView]


class KeyView(View):
    """One key that signs, did or will."""

    holder: str
    """An agency, or operator."""
    state: KeyState
    subject: str | None
    serial: str | None
    fingerprint: str | None
    not_before: datetime | None
    not_after: datetime | None
    is_development: bool
    is_in_token: bool
    trouble: Words | None
    """Why it cannot be used."""


class HolderView(View):
    """Until when one holder can sign."""

    holder: str
    ends_at: datetime | None
    """No later key takes over then; null: its files cannot be read."""


class TrustView(View):
    """One certificate that is trusted."""

    use: str
    """documents, timestamps or receipts."""
    subject: str
    fingerprint: str
    ends_at: datetime


class KeysView(View):
    """Keys and trust."""

    holders: list[HolderView]
    keys: list[KeyView]
    trust: list[TrustView]
    """Empty for who does not see the whole installation."""
    unreadable: list[str]
    """Holders and uses whose files cannot be read now."""

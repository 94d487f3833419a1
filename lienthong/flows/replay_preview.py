"""
Replay with a preview: what a resend or a reissue of messages would do, without doing it.

Each message is acted on by the very functions that act on it in earnest (`lienthong.flows.replay`),
in a transaction that is rolled back, so that a preview and the act cannot disagree. Nothing is
sent, claimed, hinted at or written down, and no row of the audit log is spent. What is made anew is
signed, too, because a key that cannot sign is a reason to refuse; then it is thrown away.

Messages of one dossier are judged together, in the order of the act: the second of two equal
records is refused because the first would be there. Where that cannot be (an order so long that
its sources are read in several parts, a rejected record whose dossier was not known before), a
message says without which one it was judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.channels.port import Packet
from lienthong.corrections import check_wishes
from lienthong.differences import coded_fields, flat, without_indices
from lienthong.flows.replay import RESENDING, Order, do, in_order, reissuing
from lienthong.flows.reread import Source
from lienthong.replay_previews import Change, Document, Outlook, Preview, Verb
from lienthong.states import MAY_CORRECT
from lienthong.store.database import reading
from lienthong.store.delivery import which_update
from lienthong.store.replaying import read_kept, read_outlook, read_stored
from lienthong.store.tables import in_slices, messages
from lienthong.store.work import trying
from mappings.language import DOSSIER
from schemas.errors import InputError
from schemas.parser import XmlRefused, parse_xml
from schemas.problem import Text
from schemas.reading import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.admission import Ledger
    from lienthong.agencies import AgencyFinder
    from lienthong.conversion import PreparedEvent
    from lienthong.corrections import Wish
    from lienthong.flows.replay import Acted, Deed
    from lienthong.replay_previews import Asks, PortalSays, Stored
    from lienthong.store.database import Store
    from lienthong.store.reissuing import Made
    from lienthong.store.work import Work
    from schemas.model import SchemaVersion
    from schemas.problem import Problem

TOGETHER = 10
"""Messages per transaction, but all of one dossier in one: whoever delivers waits for it."""
BYTES = "SHA-256"
"""Stands for the fields of a document that has none of ours: a file for an agency."""
AGENCY_CODE = "MaDonVi"
_ORDER = Order(actor="preview", reason="preview")
"""It stands in no log: nothing of what it does stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """What the act did to one message before it was undone."""

    acted: Acted
    stored: Stored | None
    outlook: Outlook
    new_ids: frozenset[str]


class Previewer:
    """Says what orders would do. One per order."""

    def __init__(
        self,
        *,
        store: Store,
        agencies: AgencyFinder,
        clock: Callable[[], datetime],
        portals: Collection[str] = frozenset(),
        portal: Asks | None = None,
    ) -> None:
        """
        Put it together.

        Args:
            store: Of the messages; nothing is written to it.
            agencies: As of a reissue.
            clock: Tells the time, aware.
            portals: Peers that are the portal, as delivery knows them.
            portal: Asked about each dossier that goes to the portal; None: it is not asked.
        """
        self._store = store
        self._agencies = agencies
        self._clock = clock
        self._portals = portals
        self._portal = portal
        self._said: dict[str, PortalSays] = {}
        self._coded: dict[str, frozenset[str]] = {}
        self._before: dict[str, str] = {}
        """The last message of each ledger that a reissue would act on, of groups that are done."""

    def resend(self, message_ids: Sequence[str]) -> Iterator[Preview]:
        """Say what a resend of messages would do, one after the other, in the act's order."""
        for part in self._in_groups(message_ids):
            for tried in self._try(part, RESENDING):
                yield self._tell(tried, Verb.RESEND, self._kept(tried)[0])

    def reissue(self, message_ids: Sequence[str]) -> Iterator[Preview]:
        """Say what a reissue of messages would do, in the act's order, sources read as it does."""
        source = Source(self._store, self._agencies, clock=self._clock)
        yield from self._reissue(message_ids, source, reissuing(source))

    def correct(self, message_id: str, wishes: Sequence[Wish]) -> Preview:
        """
        Say what a reissue of a message would do once some values of its record are corrected.

        Raises:
            InputError: what is wanted cannot be tried.
        """
        check_wishes(wishes)
        source = Source(self._store, self._agencies, clock=self._clock, wishes={message_id: wishes})
        deed = reissuing(source, allowed=MAY_CORRECT)
        (one,) = self._reissue([message_id], source, deed)
        return one

    def _reissue(self, message_ids: Sequence[str], source: Source, deed: Deed) -> Iterator[Preview]:
        for some in in_slices(list(message_ids)):
            source.read(some)
            for part in self._in_groups(some):
                ledgers = dict(part)
                acted: dict[str, str] = {}
                for tried in self._try(part, deed, source=source):
                    message_id = tried.acted.message_id
                    made = source.find(message_id)
                    ledger = ledgers[message_id] or _ledger_of(made)
                    if ledger is not None and tried.acted.problem is None:
                        acted[ledger] = message_id
                    yield self._tell_new(tried, made, ledger)
                self._before |= acted

    def _in_groups(self, message_ids: Sequence[str]) -> Iterator[list[tuple[str, str | None]]]:
        """Give a few messages at a time; those of one dossier all at once."""
        self._said = {}
        group: list[tuple[str, str | None]] = []
        for message_id, ledger in in_order(self._store, message_ids):
            if len(group) >= TOGETHER and (ledger is None or ledger != group[-1][1]):
                yield group
                group, self._said = [], {}
            group.append((message_id, ledger))
        if group:
            yield group

    def _try(
        self, group: Sequence[tuple[str, str | None]], deed: Deed, *, source: Source | None = None
    ) -> list[_Tried]:
        """Act on messages, look at what came of it, and have all of it undone."""
        ids = [message_id for message_id, _ in group]
        with trying(self._store, at=self._clock) as work:
            stored = read_stored(work.connection, ids)
            tried = [_try_one(work, message_id, deed, stored.get(message_id)) for message_id in ids]
            made = {} if source is None else _new_ids(work.connection, tried, source)
            going = [
                one.acted.new_id or one.acted.message_id
                for one in tried
                if one.acted.problem is None
            ]
            updating = which_update(work.connection, going, portals=self._portals)
            packets = _packets(work.connection, going)
        stands_for = {new: old for old, ids in made.items() for new in ids}
        return [
            replace(
                one,
                acted=replace(one.acted, problem=_named(one.acted.problem, stands_for)),
                new_ids=made.get(one.acted.message_id, frozenset()),
                outlook=_named_turn(_with_update(one, packets, updating), stands_for),
            )
            for one in tried
        ]

    def _tell(self, tried: _Tried, verb: Verb, document: Document) -> Preview:
        """Return what is said of a message whatever is done to it."""
        return Preview(
            message_id=tried.acted.message_id,
            verb=verb,
            problem=tried.acted.problem,
            stored=tried.stored,
            document=document,
            outlook=tried.outlook,
            portal=None if tried.stored is None else self._ask(tried.stored),
        )

    def _tell_new(self, tried: _Tried, made: Made | None, ledger: str | None) -> Preview:
        kind, document = self._kept(tried)
        without = None if ledger is None else self._before.get(ledger)
        told = replace(self._tell(tried, Verb.REISSUE, kind), judged_without=without)
        if made is None or tried.stored is None:
            return told
        events = _events(made, tried)
        changes: tuple[Change, ...] = ()
        if events and kind in (Document.KEPT, Document.NONE):
            before = [] if document is None else [(tried.stored.packet, document)]
            changes = self._compare(before, [(event.packet, event.document) for event in events])
        return replace(
            told,
            made_now_by=made.origin.mapping,
            findings=(*_corrected(made), *made.record.problems),
            new_documents=len(events),
            changes=changes,
        )

    def _kept(self, tried: _Tried) -> tuple[Document, bytes | None]:
        if tried.stored is None:
            return Document.NONE, None
        with reading(self._store) as connection:
            return read_kept(connection, tried.acted.message_id, vault=self._store.vault)

    def _compare(
        self, before: Sequence[tuple[Packet, bytes]], after: Sequence[tuple[Packet, bytes]]
    ) -> tuple[Change, ...]:
        old, _ = self._fields(before)
        new, codes = self._fields(after)
        return tuple(
            Change(
                field=name,
                before=old.get(name, ""),
                after=new.get(name, ""),
                is_code=without_indices(name) in codes,
            )
            for name in (*old, *(name for name in new if name not in old))
            if old.get(name, "") != new.get(name, "")
        )

    def _fields(
        self, documents: Sequence[tuple[Packet, bytes]]
    ) -> tuple[dict[str, str], frozenset[str]]:
        """Return what documents say, flat, and which fields without item numbers hold codes."""
        found: dict[str, str] = {}
        codes = frozenset({BYTES, AGENCY_CODE})
        row = 0
        for packet, document in documents:
            read = _read(packet, document)
            if read is None:
                found[BYTES] = sha256(document).hexdigest()
                continue
            version, agency_code, values = read
            codes |= self._codes_of(version)
            prefix = ""
            if packet.value != DOSSIER:
                row += 1
                prefix = f"{packet.value}[{row}]."
            found |= {AGENCY_CODE: agency_code, **{prefix + name: values[name] for name in values}}
        return found, codes

    def _codes_of(self, version: SchemaVersion) -> frozenset[str]:
        if version.name not in self._coded:
            self._coded[version.name] = coded_fields(version)
        return self._coded[version.name]

    def _ask(self, stored: Stored) -> PortalSays | None:
        """Return what the portal says of a message's dossier, asked once."""
        code = stored.dossier_code
        if self._portal is None or code is None or stored.packet is Packet.INBOUND:
            return None
        if code not in self._said:
            self._said[code] = self._portal.ask(code, agency=stored.agency)
        return self._said[code]


def _corrected(made: Made) -> Iterator[Problem]:
    """Yield what the agency will be told of corrections."""
    if made.corrected is not None:
        for one in made.corrected.corrections:
            yield one.finding()


def _ledger_of(made: Made | None) -> str | None:
    """Return where something is now made for; of a rejected record nobody may know before."""
    if made is None or not made.record.events:
        return None
    return made.origin.ledger(made.record.events[0].dossier_code)


def _try_one(work: Work, message_id: str, deed: Deed, stored: Stored | None) -> _Tried:
    outlook = Outlook()
    if stored is not None:
        outlook = read_outlook(work.connection, message_id, stored)
    acted, ledger = do(work, message_id, deed, order=_ORDER)
    if ledger is not None:
        outlook = _with_turn(outlook, ledger, acted.new_id or message_id)
    return _Tried(acted=acted, stored=stored, outlook=outlook, new_ids=frozenset())


def _with_turn(outlook: Outlook, ledger: Ledger, message_id: str) -> Outlook:
    turn = ledger.next_to_go()
    is_turn = turn is not None and turn.id == message_id
    return replace(
        outlook,
        is_turn=is_turn,
        waits_for=None if turn is None or is_turn else turn.id,
        awaits_files=any(
            one.id == message_id and one.awaits_files is not None for one in ledger.messages
        ),
    )


def _with_update(tried: _Tried, packets: dict[str, Packet], updating: Collection[str]) -> Outlook:
    message_id = tried.acted.new_id or tried.acted.message_id
    if packets.get(message_id) is not Packet.DOSSIER:
        return tried.outlook
    return replace(tried.outlook, is_updating=message_id in updating)


def _named_turn(outlook: Outlook, stands_for: Mapping[str, str]) -> Outlook:
    waits_for = outlook.waits_for
    if waits_for is None:
        return outlook
    return replace(outlook, waits_for=stands_for.get(waits_for, waits_for))


def _named(problem: Problem | None, stands_for: Mapping[str, str]) -> Problem | None:
    """Return a problem without ids of messages that were never there: by the old ones' names."""
    if problem is None or not stands_for:
        return problem

    def named(words: Text) -> Text:
        vi, en = words
        for new, old in stands_for.items():
            vi = vi.replace(new, f"lập lại từ {old}")
            en = en.replace(new, f"reissued from {old}")
        return Text(vi=vi, en=en)

    suggestion = None if problem.suggestion is None else named(problem.suggestion)
    return replace(problem, message=named(problem.message), suggestion=suggestion)


def _packets(connection: Connection, ids: Sequence[str]) -> dict[str, Packet]:
    found: dict[str, Packet] = {}
    for part in in_slices(ids):
        query = select(messages.c.id, messages.c.packet).where(messages.c.id.in_(part))
        found |= {row.id: Packet(row.packet) for row in connection.execute(query)}
    return found


def _new_ids(
    connection: Connection, tried: Sequence[_Tried], source: Source
) -> dict[str, frozenset[str]]:
    """Return which of the events made of each message were put in its place."""
    found: dict[str, frozenset[str]] = {}
    for one in tried:
        made = source.find(one.acted.message_id)
        if made is None or one.acted.problem is not None:
            continue
        ids = [event.message_id for event in made.record.events]
        query = select(messages.c.id).where(
            messages.c.id.in_(ids), messages.c.reissue_of == one.acted.message_id
        )
        found[one.acted.message_id] = frozenset(connection.execute(query).scalars())
    return found


def _events(made: Made, tried: _Tried) -> list[PreparedEvent]:
    """Return what would go of a record; of what would be refused, what it would be about."""
    events = made.record.events
    if tried.acted.problem is None:
        return [event for event in events if event.message_id in tried.new_ids]
    if tried.stored is not None and tried.stored.digest is not None:
        return list(events[made.item : made.item + 1])
    return list(events)


def _read(packet: Packet, document: bytes) -> tuple[SchemaVersion, str, dict[str, str]] | None:
    """Return version, agency and fields of a document; None for one of an agency's format."""
    if packet is Packet.INBOUND:
        return None
    try:
        read = read_document(parse_xml(document))
    except (XmlRefused, InputError):
        return None
    return read.version, read.agency_code, dict(flat(read.values))

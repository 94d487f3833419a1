"""
Everything that ever happened to one dossier, as steps in time, and what happens next.

What the store has of it is gathered as for an evidence pack; here it is put in order and in words.
No value of the dossier is in it, and nothing that the portal said: looking at it is no look at
personal data.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lienthong.channels.port import Packet
from lienthong.detail_words import attempt_words, detail_name, detail_value
from lienthong.discrepancies import WORDS as DISCREPANCIES
from lienthong.evidence.gathering import gather
from lienthong.job_marks import job_in
from lienthong.proofs import HANDED_OVER, WORDS, Proof
from lienthong.reasons import REASONS
from lienthong.states import State
from lienthong.step_words import word_of
from lienthong.store.audit import AuditLine
from lienthong.store.ledgers import ledger_of, load_ledgers
from lienthong.store.problems import open_problems
from lienthong.store.reconciliations import findings_about
from lienthong.store.sealed import problems_context
from lienthong.store.tables import audit, in_slices, messages
from lienthong.store.work import PRODUCT
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from lienthong.admission import Known
    from lienthong.discrepancies import Discrepancy
    from lienthong.evidence.gathering import Gathered, HandedIn, Sent, Tried
    from lienthong.store.vault import Vault

OF_FILES = (
    "submission.received",
    "submission.expanded",
    "submission.held",
    "submission.refused",
    "submission.repeated",
    "submission.key_conflict",
    "receipt.made",
)
"""What is told of files; the rest is about the records of others."""
OF_ATTEMPTS = ("message.sending", "message.looked_up")
"""Told by the attempts themselves, with what came of them."""

TOLD = (
    "submission",
    "record",
    "path",
    "mapping",
    "statement",
    "codes",
    "outcome",
    "files",
    "bytes",
    "manifest",
)
"""What is shown of the details of rows of the log, beside proof and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened."""

    at: datetime
    name: str
    """Stable: of the audit log ("message.parked"), or "attempt.send", "attempt.lookup"."""
    text: Text
    detail: Text | None = None
    """How, or why."""
    actor: str | None = None
    """Who did it; None: the product by itself."""
    message: str | None = None
    submission: str | None = None
    row: int | None = None
    """Of the audit log."""
    job: str | None = None
    """The bulk replay that its reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One message as it stands."""

    id: str
    packet: str
    sequence: int | None
    state: State
    reason: Text
    errors: tuple[str, ...]
    """Codes, with the fields they are about."""
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One dossier."""

    dossier: str
    agency: str
    acknowledged: bool
    """By the portal, to us."""
    messages: tuple[Standing, ...]
    """In their order; the last ones."""
    messages_before: int
    """Earlier ones, which are not here."""
    steps: tuple[Step, ...]
    """Oldest first; the last ones."""
    steps_before: int
    now: Text
    next: tuple[Text, ...]
    """What follows, by itself or by whom."""


def tell_timeline(
    connection: Connection, dossier: str, *, agency: str | None, limit: int, vault: Vault
) -> Timeline:
    """
    Return what happened to a dossier.

    Args:
        connection: Reading, of one moment.
        dossier: Its code.
        agency: Needed where several agencies have messages of that code.
        limit: At most so many steps, and messages, the latest ones.
        vault: Opens what is wrong with records.

    Raises:
        InputError: there is none, or it must be said of which agency.
    """
    gathered = gather(connection, dossier, agency=agency, for_pack=False)
    rows = _AuditRows(connection, gathered, limit=limit)
    tries = [(one.id, each) for one in gathered.messages for each in one.attempts]
    found = findings_about(connection, dossier, agency=gathered.agency, limit=limit)
    down = _down(gathered)
    every = chain(
        (_attempted(message, each, is_down=message in down) for message, each in tries),
        (_logged(line, gathered, down) for line in rows.lines),
        map(_compared, found),
    )
    steps = sorted(heapq.nlargest(limit, every, key=_order), key=_order)
    ledger = load_ledgers(connection, [dossier], agency=gathered.agency)[dossier]
    turn = ledger.next_to_go()
    turns = [turn] if turn is not None else []
    turns += _turns_down(connection, dossier, gathered)
    shown = gathered.messages[-limit:]
    return Timeline(
        dossier=dossier,
        agency=gathered.agency,
        acknowledged=ledger.acknowledged,
        messages=tuple(_standings(connection, shown, vault)),
        messages_before=len(gathered.messages) - len(shown),
        steps=tuple(steps),
        steps_before=len(tries) + rows.count + len(found) - len(steps),
        now=_now(gathered.messages, acknowledged=ledger.acknowledged, turn=turn),
        next=tuple(_next(gathered.messages, turns)),
    )


def _down(gathered: Gathered) -> frozenset[str]:
    """Return the ids of what came for agencies: messages and submissions."""
    inbound = [one for one in gathered.messages if one.packet == Packet.INBOUND.value]
    return frozenset(chain((one.id for one in inbound), (one.submission for one in inbound)))


def _turns_down(connection: Connection, dossier: str, gathered: Gathered) -> list[Known]:
    """Return the messages whose turn it is among those to agencies, one for each agency."""
    agencies = {one.agency for one in gathered.messages if one.packet == Packet.INBOUND.value}
    codes = [ledger_of(Packet.INBOUND, dossier, agency) for agency in sorted(agencies)]
    ledgers = load_ledgers(connection, codes, agency="")
    turns = [ledgers[code].next_to_go() for code in codes]
    return [turn for turn in turns if turn is not None]


class _AuditRows:
    """The latest rows of the log about a dossier, and how many there are."""

    def __init__(self, connection: Connection, gathered: Gathered, *, limit: int) -> None:
        self._connection = connection
        self.count = 0
        lines: list[AuditLine] = []
        for condition in _conditions(gathered):
            query = select(func.count()).select_from(audit).where(*condition)
            self.count += connection.execute(query).scalar_one()
            lines = heapq.nlargest(
                limit, chain(lines, self._read(condition, limit)), key=attrgetter("id")
            )
        self.lines = lines

    def _read(self, condition: Sequence[ColumnElement[bool]], limit: int) -> Iterator[AuditLine]:
        query = select(audit).where(*condition).order_by(audit.c.id.desc()).limit(limit)
        for row in self._connection.execute(query):
            yield AuditLine(
                id=row.id,
                at=row.at,
                actor=row.actor,
                action=row.action,
                subject=row.subject,
                detail=row.detail,
                seal=row.seal_id,
            )


def _conditions(gathered: Gathered) -> Iterator[Sequence[ColumnElement[bool]]]:
    for part in in_slices([one.id for one in gathered.messages]):
        yield audit.c.subject.in_(part), audit.c.action.not_in(OF_ATTEMPTS)
    for part in in_slices([one.id for one in gathered.submissions]):
        yield audit.c.subject.in_(part), audit.c.action.in_(OF_FILES)
    erasures = [one.erasure for one in gathered.messages]
    erasures += [one.erasure for one in gathered.submissions]
    numbers = {erasure.row for erasure in erasures if erasure and erasure.row is not None}
    for numbered in in_slices(sorted(numbers)):
        yield (audit.c.id.in_(numbered),)


def _attempted(message: str, tried: Tried, *, is_down: bool) -> Step:
    updating = Text(vi=", cập nhật", en=", an update") if tried.is_updating else Text(vi="", en="")
    outcome = word_of(tried.outcome or "out", is_down=is_down)
    kind = word_of(tried.kind, is_down=is_down)
    detail = attempt_words(tried.detail)
    known = []
    if tried.code is not None and f"error_code {tried.code}" not in tried.detail:
        known.append(attempt_words(f"error_code {tried.code}"))
    if tried.http_status is not None:
        known.append(_same(f"HTTP {tried.http_status}"))
    if tried.ended_at is not None:
        known.append(_same(f"{(tried.ended_at - tried.started_at).total_seconds():.1f} s"))
    if tried.detail:
        known.append(detail)
    return Step(
        at=tried.started_at,
        name=f"attempt.{tried.kind}",
        text=Text(
            vi=f"Lần {kind.vi} {tried.number}{updating.vi}: {outcome.vi}",
            en=f"{kind.en} {tried.number}{updating.en}: {outcome.en}",
        ),
        detail=_joined(known, by=", "),
        message=message,
    )


def _compared(found: Discrepancy) -> Step:
    words = DISCREPANCIES[found.kind]
    return Step(
        at=found.found_at,
        name=f"reconcile.{found.kind.value}",
        text=Text(vi=f"Đối soát: {words.vi}", en=f"compared: {words.en}"),
        detail=_same(found.detail) if found.detail else None,
        message=found.message_id,
    )


def _logged(line: AuditLine, gathered: Gathered, down: frozenset[str]) -> Step:
    detail = None if line.detail is None else json.loads(line.detail)
    files = {one.id: one for one in gathered.submissions}
    file = files.get(line.subject)
    is_erasure = line.action == "retention.erased"
    return Step(
        at=line.at,
        name=line.action,
        text=word_of(line.action, is_down=line.subject in down),
        detail=_detail(line, detail, file, is_down=line.subject in down),
        actor=None if line.actor == PRODUCT else line.actor,
        message=None if file or is_erasure else line.subject,
        submission=None if file is None else file.id,
        row=line.id,
        job=job_in(str((detail or {}).get("reason") or "")),
    )


def _detail(
    line: AuditLine, detail: dict[str, Any] | None, file: HandedIn | None, *, is_down: bool
) -> Text | None:
    if detail is None:
        return Text(vi="(chi tiết đã xóa)", en="(detail erased)")
    parts: list[Text] = []
    if file is not None and line.action == "submission.received":
        records = ", ".join(map(str, file.records[:10])) + ("…" if len(file.records) > 10 else "")
        parts.append(
            Text(
                vi=f"{file.file_name}, qua {file.door}, bản ghi {records}",
                en=f"{file.file_name}, by {file.door}, record {records}",
            )
        )
    if line.action == "retention.erased":
        parts.append(_same(line.subject))
    if proof := detail.get("proof"):
        parts.append(HANDED_OVER if is_down else WORDS[Proof(proof)])
    if reason := detail.get("reason"):
        parts.append(_reason(reason))
    parts += [_told(one, detail[one]) for one in TOLD if detail.get(one) not in (None, "")]
    return _joined(parts)


def _told(key: str, value: Any) -> Text:
    name, said = detail_name(key), detail_value(key, value)
    return Text(vi=f"{name.vi} {said.vi}", en=f"{key} {value}")


def _same(words: str) -> Text:
    return Text(vi=words, en=words)


def _reason(reason: str) -> Text:
    return Text(vi=REASONS.get(reason, reason), en=reason)


def _joined(parts: Iterable[Text], *, by: str = "; ") -> Text | None:
    every = list(parts)
    if not every:
        return None
    return Text(vi=by.join(one.vi for one in every), en=by.join(one.en for one in every))


def _standings(connection: Connection, shown: Sequence[Sent], vault: Vault) -> Iterator[Standing]:
    sealed: dict[str, bytes] = {}
    told = (State.REJECTED.value, State.HELD.value)
    wrong = [one.id for one in shown if one.state in told]
    for part in in_slices(wrong):
        query = select(messages.c.id, messages.c.problems).where(messages.c.id.in_(part))
        sealed |= {row.id: row.problems for row in connection.execute(query)}
    for one in shown:
        problems = open_problems(vault, sealed.get(one.id), context=problems_context(one.id))
        yield Standing(
            id=one.id,
            packet=one.packet,
            sequence=one.sequence,
            state=State(one.state),
            reason=_reason(one.reason),
            errors=tuple(
                dict.fromkeys(" ".join(filter(None, (p.code, p.field))) for p in problems)
            ),
            due_at=one.due_at,
        )


def _order(step: Step) -> tuple[datetime, int]:
    # An attempt before what came of it in the same moment.
    return step.at, step.row or 0


def _now(every: Sequence[Sent], *, acknowledged: bool, turn: Known | None) -> Text:
    up = [one for one in every if one.packet != Packet.INBOUND.value]
    if not up:
        taken = sum(one.state == State.DELIVERED.value for one in every)
        return Text(
            vi=f"Hồ sơ gửi xuống, cơ quan chưa gửi gì lên Cổng; cơ quan đã nhận {taken} tệp",
            en=f"It came down, and its agency sent nothing up yet; {taken} files are handed over",
        )
    delivered = sum(one.state == State.DELIVERED.value for one in up)
    there = (
        Text(
            vi=f"Cổng đã nhận ({delivered} thông điệp)",
            en=f"The portal has taken it ({delivered} messages)",
        )
        if acknowledged
        else Text(vi="Cổng chưa nhận", en="The portal has not taken it yet")
    )
    if turn is None:
        return there
    state = word_of(f"message.{turn.state.value}")
    return Text(
        vi=f"{there.vi}; thông điệp {turn.id}: {state.vi}",
        en=f"{there.en}; message {turn.id}: {state.en}",
    )


def _at_rest(every: Sequence[Sent]) -> Text:
    """Say what is left to do where nothing goes on by itself."""
    rejected = None
    for one in every:
        if one.state == State.REJECTED.value:
            rejected = one
        elif one.state == State.DELIVERED.value:
            rejected = None
    if rejected is None:
        return Text(vi="Không còn gì phải làm", en="Nothing is left to do")
    return Text(
        vi=f"Thông điệp {rejected.id} bị từ chối: cơ quan gửi bản mới, hoặc sửa giá trị rồi lập "
        "lại",
        en=f"Message {rejected.id} is rejected: its agency sends a new record, or a value is "
        "corrected and it is reissued",
    )


def _next(every: Sequence[Sent], turns: Sequence[Known]) -> Iterator[Text]:
    if not turns:
        yield _at_rest(every)
        return
    for turn in turns:
        due_at = next((one.due_at for one in every if one.id == turn.id), None)
        yield _next_of(turn, due_at)
    first = {turn.id for turn in turns}
    waiting = sum(one.state == State.HELD.value and one.id not in first for one in every)
    if waiting:
        yield Text(
            vi=f"{waiting} thông điệp chờ sau nó, sẽ tự đi tiếp",
            en=f"{waiting} messages wait behind it, and follow by themselves",
        )


def _next_of(turn: Known, due_at: datetime | None) -> Text:
    at = Text(vi="", en="") if due_at is None else _moment(due_at)
    id_ = turn.id
    if turn.awaits_files is not None:
        return Text(
            vi=f"Chờ tệp đính kèm, tự đi tiếp khi đủ; tệp nào: xem thông điệp {id_}",
            en="It waits for its attachments, and goes on by itself when all are there; which: see "
            f"message {id_}",
        )
    match turn.state:
        case State.READY | State.RETRYING | State.HELD:
            return Text(vi=f"Tự được gửi{at.vi}", en=f"It is sent by itself{at.en}")
        case State.SENDING:
            return Text(
                vi=f"Đang gửi; nếu không có trả lời, Cổng được hỏi{at.vi}",
                en=f"It is being sent; without an answer the portal is asked{at.en}",
            )
        case State.UNKNOWN if due_at is not None:
            return Text(vi=f"Cổng tự được hỏi{at.vi}", en=f"The portal is asked by itself{at.en}")
        case State.UNKNOWN:
            return Text(
                vi=f"Người vận hành hỏi Cổng, rồi gửi lại (resend) thông điệp {id_}",
                en=f"The operator asks the portal, then resends message {id_}",
            )
        case State.REJECTED:
            return Text(
                vi=f"Cơ quan sửa bản ghi rồi gửi lại; lỗi ghi ở thông điệp {id_}",
                en=f"The agency mends its record and sends it again; "
                f"what is wrong stands in message {id_}",
            )
        case _:
            if turn.packet is Packet.INBOUND:
                return Text(
                    vi=f"Người vận hành xem thông điệp {id_} rồi chọn: gửi lại (resend), lập lại "
                    "(reissue) hoặc bỏ (discard)",
                    en=f"The operator looks at message {id_} and chooses: resend, reissue or "
                    "discard",
                )
            return Text(
                vi=f"Cơ quan gửi bản đúng hơn, hoặc người vận hành xem thông điệp {id_} rồi chọn: "
                "gửi lại (resend), lập lại (reissue) hoặc bỏ (discard)",
                en=f"The agency sends a better one, or the operator looks at message {id_} and "
                "chooses: resend, reissue or discard",
            )


def _moment(at: datetime) -> Text:
    local = f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
    return Text(vi=f" từ {local}", en=f" from {local} on")

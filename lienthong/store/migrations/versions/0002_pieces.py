"""
Raw bytes in the store, sealed payloads, an agency's submissions in its own order, results.

Every table is made anew and filled from the old one: SQLite cannot change a column, and a payload
gets a byte before it that says "plain" (0x00), so that nothing is read twice. Raw bytes come in
from their folder afterwards (`lienthong.store.spool`), because they may be many and are safe there.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Progress = Callable[[str, int, int], object]

revision = "0002"
down_revision = "0001"

CHUNK = 5_000
"""Rows per statement: between two of them progress is told."""

_TIME = sa.DateTime(timezone=True)
_COUNT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NO_DEADLINE = datetime(9000, 1, 1, tzinfo=UTC)
_VIETNAM = timezone(timedelta(hours=7))
_DEADLINE = re.compile(rb"NgayHenTra>(\d{14})<")
_MAY_STILL_GO = ("held", "ready", "sending", "retrying", "unknown", "parked", "quarantined")
_metadata = sa.MetaData()

agencies = sa.Table(
    "agencies",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="of the mapping"),
    sa.Column("next_arrival", sa.BigInteger, nullable=False),
)
expansions = sa.Table(
    "expansions",
    _metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("lease_until", _TIME, comment="of the worker that expands its submissions"),
    sa.Column("fence", sa.BigInteger, nullable=False),
)
submissions = sa.Table(
    "submissions",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, nullable=False, comment="name of the agency's mapping"),
    sa.Column(
        "arrival", sa.BigInteger, nullable=False, comment="order of the agency's submissions"
    ),
    sa.Column("door", sa.Text, nullable=False, comment="how it came: file, amqp, http, folder"),
    sa.Column("key", sa.Text, comment="the sender's own id of this hand-over"),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False, comment="bytes"),
    sa.Column("state", sa.Text, nullable=False, comment="received, expanded, held, refused"),
    sa.Column("records_done", sa.BigInteger, nullable=False, comment="where it resumes"),
    sa.Column("tries", sa.Integer, nullable=False, comment="begun since it last got on"),
    sa.Column("problems", sa.LargeBinary, comment="sealed JSON, of the file as a whole"),
    sa.Column("received_at", _TIME, nullable=False),
    sa.Column("expanded_at", _TIME),
    sa.Column("due_at", _TIME, comment="when expansion goes on; empty when it has ended"),
    sa.Column("erased_at", _TIME, comment="when its bytes were erased"),
)
sa.Table(
    "submission_pieces",
    _metadata,
    sa.Column("submission_id", sa.Text, primary_key=True, comment="may come before its row"),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, comment="0-based"),
    sa.Column("body", sa.LargeBinary, nullable=False, comment="sealed"),
    sa.Column("taken_at", _TIME, nullable=False),
)
dossiers = sa.Table(
    "dossiers",
    _metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("next_sequence", sa.Integer, nullable=False),
    sa.Column("acknowledged", sa.Boolean, nullable=False, comment="by the portal, to us"),
    sa.Column("at_portal", sa.Boolean, nullable=False, comment="as far as is known"),
    sa.Column("lease_until", _TIME),
    sa.Column("fence", sa.BigInteger, nullable=False),
)
messages = sa.Table(
    "messages",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("submission_id", sa.Text, sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("record", sa.BigInteger, nullable=False, comment="1-based, in the submission"),
    sa.Column("item", sa.Integer, nullable=False, comment="0 the snapshot, 1… its progress rows"),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("dossier_code", sa.Text, comment="empty when the record has none"),
    sa.Column("packet", sa.Text, nullable=False),
    sa.Column("event_key", sa.Text),
    sa.Column("version", sa.Text, comment="the agency's own order of snapshots, where it has one"),
    sa.Column("content_digest", sa.Text, comment="of the mapped values"),
    sa.Column("sequence", sa.Integer, comment="place in its dossier"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document", sa.LargeBinary, comment="sealed; signed, exactly as sent"),
    sa.Column("document_digest", sa.Text),
    sa.Column("place", sa.Text, nullable=False, comment="JSON, where the record stands"),
    sa.Column("problems", sa.LargeBinary, comment="sealed JSON"),
    sa.Column("mapping", sa.Text, nullable=False, comment="name@version sha256:…"),
    sa.Column("deadline", _TIME, nullable=False, comment="NgayHenTra, by which it is urgent"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, comment="in a row"),
    sa.Column("abandons", sa.Integer, nullable=False, comment="attempts nobody ended"),
    sa.Column("was_update", sa.Boolean, nullable=False, comment="in the last attempt"),
    sa.Column("unknown_since", _TIME),
    sa.Column("due_at", _TIME, comment="when it is taken up again; empty when not by itself"),
    sa.Column("proof", sa.Text, comment="receipt or lookup, once delivered"),
    sa.Column("superseded_by", sa.Text),
    sa.Column("reissue_of", sa.Text, comment="the message whose source this was made from again"),
    sa.Column("reissued_as", sa.Text),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("updated_at", _TIME, nullable=False),
)
repeats = sa.Table(
    "repeats",
    _metadata,
    sa.Column("submission_id", sa.Text, sa.ForeignKey("submissions.id"), primary_key=True),
    sa.Column("record", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), nullable=False),
    comment="events that came again: acknowledged with the first answer, not delivered again",
)
attempts = sa.Table(
    "attempts",
    _metadata,
    sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True, comment="send or lookup"),
    sa.Column(
        "number",
        sa.Integer,
        primary_key=True,
        autoincrement=False,
        comment="1-based per message and kind",
    ),
    sa.Column("is_updating", sa.Boolean, nullable=False),
    sa.Column("started_at", _TIME, nullable=False),
    sa.Column("ended_at", _TIME),
    sa.Column("outcome", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("http_status", sa.Integer),
    sa.Column("detail", sa.Text, nullable=False, comment="our words, for logs too"),
    sa.Column("message", sa.LargeBinary, comment="sealed; the peer's own words, never logged"),
    sa.Column("answer", sa.LargeBinary, comment="sealed"),
)
receipts = sa.Table(
    "receipts",
    _metadata,
    sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False, comment="sealed"),
    sa.Column("verified_at", _TIME, nullable=False),
)
sa.Table(
    "results",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, comment="received, refused, delivered, …"),
    sa.Column("submission_id", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("key", sa.Text, comment="the sender's id of the hand-over it answers"),
    sa.Column("detail", sa.Text, nullable=False, comment="JSON, no personal data"),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("published_at", _TIME),
    sa.Column("number", sa.BigInteger, comment="its place in the list that its agency reads"),
    comment="what the agencies are told; written with what it tells of, published afterwards",
)
sa.Table(
    "result_lists",
    _metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("next_number", sa.BigInteger, nullable=False),
    comment="counts the results of an agency that reads them as a list",
)
sa.Table(
    "paces",
    _metadata,
    sa.Column("worker", sa.Text, primary_key=True, comment="host and process"),
    sa.Column("pace", sa.Text, nullable=False, comment="closed, open, probing, …"),
    sa.Column("until", _TIME, comment="when it changes by itself, where that is known"),
    sa.Column("allowed", sa.Integer, nullable=False, comment="calls at once"),
    sa.Column("delivered", sa.Integer, nullable=False, comment="in the last minutes"),
    sa.Column("minutes", sa.Integer, nullable=False, comment="how many these were"),
    sa.Column("at", _TIME, nullable=False),
    comment="how fast each worker delivers now; for people only, nothing is decided by it",
)
sa.Table(
    "door_tokens",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="stands in the token"),
    sa.Column("agency", sa.Text, nullable=False, comment="name of its mapping"),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the whole token"),
    sa.Column("made_at", _TIME, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("expires_at", _TIME, comment="empty: not by itself"),
    sa.Column("revoked_at", _TIME),
    comment="what opens the HTTP door; the tokens themselves are nowhere",
)
audit = sa.Table(
    "audit",
    _metadata,
    sa.Column("id", _COUNT, primary_key=True, autoincrement=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, comment="canonical JSON, no personal data"),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("seal_id", sa.BigInteger, comment="empty until sealed"),
    sqlite_autoincrement=True,
)
seals = sa.Table(
    "seals",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("previous", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
sa.Table(
    "data_keys",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False, comment="nonce, ciphertext, tag"),
    sa.Column(
        "master_id", sa.Text, nullable=False, comment="of the key file, which is not in here"
    ),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("retired_at", _TIME, comment="seals nothing new since then; opens as before"),
)

_INDEXES = (
    ("submissions_arrival", "submissions", ("agency", "arrival"), "unique"),
    ("submissions_key", "submissions", ("agency", "key"), "unique"),
    ("submissions_due", "submissions", ("agency", "arrival"), "due_at IS NOT NULL"),
    ("messages_dossier", "messages", ("dossier_code", "agency"), ""),
    ("messages_due", "messages", ("deadline", "due_at"), "due_at IS NOT NULL"),
    ("messages_state", "messages", ("agency", "state"), ""),
    ("messages_event_key", "messages", ("agency", "event_key"), "event_key IS NOT NULL"),
    ("messages_submission", "messages", ("submission_id", "record", "item"), ""),
    ("results_unpublished", "results", ("created_at", "id"), "published_at IS NULL"),
    ("results_agency", "results", ("agency", "number", "created_at", "id"), ""),
    ("audit_seal", "audit", ("seal_id", "id"), ""),
    ("audit_subject", "audit", ("subject",), ""),
)
_OLD = (
    "receipts", "attempts", "repeats", "messages", "dossiers", "submissions", "audit", "seals",
)  # fmt: skip
"""Those that refer to others before those."""


def upgrade() -> None:
    """Make the new tables, fill them from the old ones, remove those."""
    connection = op.get_bind()
    for name in _OLD:
        _set_aside(connection, name)
    _metadata.create_all(connection, checkfirst=False)
    config = op.get_context().config
    assert config is not None
    _Filling(connection, progress=config.attributes["progress"]).run()
    for name in _OLD:
        op.drop_table(_old(name))
    for name, table, columns, what in _INDEXES:
        where = sa.text(what) if " " in what else None
        op.create_index(
            name,
            table,
            list(columns),
            unique=what == "unique",
            postgresql_where=where,
            sqlite_where=where,
        )


def _old(name: str) -> str:
    return f"{name}_0001"


def _set_aside(connection: sa.Connection, name: str) -> None:
    op.rename_table(name, _old(name))
    if connection.dialect.name == "postgresql":
        # What stands behind a table keeps its name, which the new table's would be given.
        op.execute(f"ALTER INDEX {name}_pkey RENAME TO {_old(name)}_pkey")
        if name == "audit":
            op.execute(f"ALTER SEQUENCE audit_id_seq RENAME TO {_old(name)}_id_seq")


class _Filling:
    """The way of the rows from the old tables to the new ones."""

    def __init__(self, connection: sa.Connection, *, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        old = sa.MetaData()
        self._old = {
            name: sa.Table(_old(name), old, autoload_with=connection, resolve_fks=False)
            for name in _OLD
        }

    def run(self) -> None:
        self._copy_submissions()
        self._copy(dossiers, by="code")
        self._copy_messages()
        self._copy(repeats)
        words = {
            "message": self._plain_text(self._old["attempts"].c.message),
            "answer": self._plain(self._old["attempts"].c.answer),
        }
        self._copy(attempts, by="id", computed=words)
        document = {"document": self._plain(self._old["receipts"].c.document)}
        self._copy(receipts, by="message_id", computed=document)
        self._copy(audit, by="id")
        self._copy(seals)
        if self._connection.dialect.name == "postgresql":
            # It has counted nothing yet.
            op.execute(
                "SELECT setval('audit_id_seq', max(id)) FROM audit HAVING max(id) IS NOT NULL"
            )

    def _copy_submissions(self) -> None:
        old = self._old["submissions"]
        arrival = sa.func.row_number().over(
            partition_by=old.c.agency, order_by=(old.c.received_at, old.c.id)
        )
        computed: dict[str, sa.ColumnElement[Any]] = {
            "arrival": arrival,
            "tries": sa.literal(0),
            "problems": self._plain_problems(old.c.problems),
        }
        self._copy(submissions, computed=computed)
        counted = sa.select(old.c.agency, sa.func.count() + 1).group_by(old.c.agency)
        self._insert(agencies, ["name", "next_arrival"], counted)
        once = sa.select(old.c.agency, sa.literal(0)).group_by(old.c.agency)
        self._insert(expansions, ["agency", "fence"], once)

    def _copy_messages(self) -> None:
        old = self._old["messages"]
        computed = {
            "document": self._plain(old.c.document),
            "problems": self._plain_problems(old.c.problems),
            "deadline": sa.literal(_NO_DEADLINE, _TIME),
            "abandons": sa.literal(0),
            # An attempt that nobody ended is found by being due.
            "due_at": sa.case(
                (old.c.state == "sending", sa.func.coalesce(old.c.due_at, old.c.updated_at)),
                else_=old.c.due_at,
            ),
        }
        self._copy(messages, by="id", computed=computed, afterwards=self._set_deadlines)

    def _set_deadlines(self, part: sa.ColumnElement[bool]) -> None:
        """Give each message that may still go the deadline of its record."""
        old = self._old["messages"]
        of_record = old.alias()
        rows = self._connection.execute(
            sa.select(old.c.id, of_record.c.document)
            .join(
                of_record,
                sa.and_(
                    of_record.c.submission_id == old.c.submission_id,
                    of_record.c.record == old.c.record,
                ),
            )
            .where(part, old.c.state.in_(_MAY_STILL_GO), of_record.c.document.is_not(None))
            .order_by(old.c.id, of_record.c.item)
        )
        found: dict[str, datetime] = {}
        for message_id, document in rows:
            if message_id not in found and (deadline := _find_deadline(document)) is not None:
                found[message_id] = deadline
        if found:
            self._connection.execute(
                sa.update(messages).where(messages.c.id == sa.bindparam("_id")),
                [{"_id": key, "deadline": deadline} for key, deadline in found.items()],
            )

    def _copy(
        self,
        table: sa.Table,
        *,
        by: str | None = None,
        computed: Mapping[str, sa.ColumnElement[Any]] | None = None,
        afterwards: Callable[[sa.ColumnElement[bool]], None] | None = None,
    ) -> None:
        """
        Copy one table.

        Args:
            table: The new one.
            by: A unique column of the old one, to go by in parts; None for few rows.
            computed: The columns that the old one does not have as they are to be.
            afterwards: Done for every part; is given the condition that finds it in the old one.
        """
        old = self._old[table.name]
        values: dict[str, sa.ColumnElement[Any]] = {
            column.name: old.c[column.name] for column in table.c if column.name in old.c
        }
        values |= computed or {}
        total: int = self._connection.execute(
            sa.select(sa.func.count()).select_from(old)
        ).scalar_one()
        done = 0
        self._progress(table.name, done, total)
        for part in [sa.true()] if by is None else self._parts(old.c[by]):
            query = sa.select(*values.values()).where(part)
            done += self._insert(table, list(values), query)
            if afterwards is not None:
                afterwards(part)
            self._progress(table.name, done, total)
        if done != total:
            raise AssertionError(f"{done} of {total} rows of {table.name} were copied")

    def _insert(self, table: sa.Table, names: list[str], query: sa.Select[Any]) -> int:
        insertion = sa.insert(table).from_select(names, query)
        return self._connection.execute(
            insertion, execution_options={"preserve_rowcount": True}
        ).rowcount

    def _parts(self, column: sa.Column[Any]) -> Iterator[sa.ColumnElement[bool]]:
        after: sa.ColumnElement[bool] = sa.true()
        while True:
            part = sa.select(column).where(after).order_by(column).limit(CHUNK).subquery()
            last = self._connection.execute(sa.select(sa.func.max(part.c[0]))).scalar()
            if last is None:
                return
            yield sa.and_(after, column <= last)
            after = column > last

    def _plain(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the bytes of a column after the byte that says: plain."""
        if self._connection.dialect.name == "postgresql":
            return sa.literal_column("decode('00', 'hex')").op("||")(column)
        # SQLite joins the bytes, and calls the result a text.
        joined = sa.literal_column("x'00'").op("||")(column)
        return sa.cast(joined, sa.LargeBinary)

    def _plain_text(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        if self._connection.dialect.name == "postgresql":
            return self._plain(sa.func.convert_to(column, "UTF8"))
        return self._plain(column)

    def _plain_problems(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.case((column == "[]", None), else_=self._plain_text(column))


def _find_deadline(document: bytes) -> datetime | None:
    found = _DEADLINE.search(document)
    if found is None:
        return None
    try:
        local = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=_VIETNAM)
    except ValueError:
        return None
    # SQLite keeps no zone: what is written there is UTC.
    return local.astimezone(UTC)

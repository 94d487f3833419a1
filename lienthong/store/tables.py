"""
The tables of the message store: what is durable, and nothing of how it is used.

Every time is aware UTC. Identifiers are UUID version 7, except audit rows and seals, which are
counted, and dossiers and agencies, which have names of their own. Bytes under "sealed" are
encrypted by the vault (`lienthong.store.vault`); the context of each is its table, column and row.
A change here needs a migration (`lienthong/store/migrations`); a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    from sqlalchemy.engine import Dialect

    T = TypeVar("T")


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse naive times: a time without a zone is a bug."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time reached the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the stored time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


SLICE = 500
"""How many values one IN list carries."""
NO_DEADLINE = datetime(9000, 1, 1, tzinfo=UTC)
"""Stands for a deadline nobody named: after every other, also in an index."""
NO_QUEUE = datetime(9000, 1, 1, tzinfo=UTC)
"""Stands for when a result was published whose agency has no results queue."""


def in_slices(values: Sequence[T]) -> list[Sequence[T]]:
    """Cut `values` into lists that one IN can carry."""
    return [values[start : start + SLICE] for start in range(0, len(values), SLICE)]


# SQLite counts rows only in an INTEGER primary key.
_Count = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

agencies = Table(
    "agencies",
    metadata,
    # Of every line of submissions (`submissions.line_of`); an agency's own has its name.
    Column("name", Text, primary_key=True, comment="of the mapping"),
    Column("next_arrival", BigInteger, nullable=False, default=1),
)

# Apart from the counter: whoever receives for an agency does not wait for whoever expands.
expansions = Table(
    "expansions",
    metadata,
    # A line of submissions, as in `agencies`.
    Column("agency", Text, primary_key=True),
    Column("lease_until", UtcTime, comment="of the worker that expands its submissions"),
    Column("fence", BigInteger, nullable=False, default=0),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agency", Text, nullable=False, comment="name of the agency's mapping"),
    Column("arrival", BigInteger, nullable=False, comment="order of the agency's submissions"),
    Column("door", Text, nullable=False, comment="how it came: file, amqp, http, folder"),
    Column("key", Text, comment="the sender's own id of this hand-over"),
    Column("sender", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False, comment="bytes"),
    Column("state", Text, nullable=False, comment="received, expanded, held, refused"),
    Column("records_done", BigInteger, nullable=False, default=0, comment="where it resumes"),
    Column("tries", Integer, nullable=False, default=0, comment="begun since it last got on"),
    Column("problems", LargeBinary, comment="sealed JSON, of the file as a whole"),
    Column("received_at", UtcTime, nullable=False),
    Column("expanded_at", UtcTime),
    Column("due_at", UtcTime, comment="when expansion goes on; empty when it has ended"),
    Column("erased_at", UtcTime, comment="when its bytes were erased"),
    Column(
        "left_out",
        BigInteger,
        nullable=False,
        default=0,
        server_default="0",
        comment="of the records done, by the mapping",
    ),
    Column("receipt_due_at", UtcTime, comment="since when a receipt is to be made; empty: none"),
    Column(
        "line",
        Text,
        nullable=False,
        server_default="",
        comment="in which it is expanded: its agency, or what a peer sends to that agency",
    ),
    Column("service", Text, comment="of a message of a peer, as it is published; empty: none"),
    Column("trace", Text, comment="traceparent of its receiving; empty: not traced"),
    Index("submissions_arrival", "line", "arrival", unique=True),
    Index("submissions_key", "line", "key", unique=True),
    Index(
        "submissions_due",
        "line",
        "arrival",
        postgresql_where=text("due_at IS NOT NULL"),
        sqlite_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "submissions_receipt_due",
        "receipt_due_at",
        "id",
        postgresql_where=text("receipt_due_at IS NOT NULL"),
        sqlite_where=text("receipt_due_at IS NOT NULL"),
    ),
)

submission_pieces = Table(
    "submission_pieces",
    metadata,
    Column("submission_id", Text, primary_key=True, comment="may come before its row"),
    Column("number", Integer, primary_key=True, comment="0-based"),
    Column("body", LargeBinary, nullable=False, comment="sealed"),
    Column("taken_at", UtcTime, nullable=False),
)

dossiers = Table(
    "dossiers",
    metadata,
    # Of the ledger (`ledgers.ledger_of`): the dossier's, or that of what one agency is told of it.
    Column("code", Text, primary_key=True),
    Column("agency", Text, nullable=False),
    Column("next_sequence", Integer, nullable=False, default=1),
    Column("acknowledged", Boolean, nullable=False, default=False, comment="by the portal, to us"),
    Column("at_portal", Boolean, nullable=False, default=False, comment="as far as is known"),
    Column("missing_since", UtcTime, comment="when the portal was last proven not to have it"),
    Column("lease_until", UtcTime),
    Column("fence", BigInteger, nullable=False, default=0),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("submission_id", Text, ForeignKey("submissions.id"), nullable=False),
    Column("record", BigInteger, nullable=False, comment="1-based, in the submission"),
    Column("item", Integer, nullable=False, comment="0 the snapshot, 1… its progress rows"),
    Column("agency", Text, nullable=False),
    Column("dossier_code", Text, comment="empty when the record has none"),
    Column("packet", Text, nullable=False),
    Column("event_key", Text),
    Column("version", Text, comment="the agency's own order of snapshots, where it has one"),
    Column("content_digest", Text, comment="of the mapped values"),
    Column("sequence", Integer, comment="place in its dossier"),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("document", LargeBinary, comment="sealed; signed, exactly as sent"),
    Column("document_digest", Text),
    Column("place", Text, nullable=False, comment="JSON, where the record stands"),
    Column("problems", LargeBinary, comment="sealed JSON"),
    Column("mapping", Text, nullable=False, comment="name@version sha256:…"),
    Column("deadline", UtcTime, nullable=False, comment="NgayHenTra, by which it is urgent"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0, comment="in a row"),
    Column("abandons", Integer, nullable=False, default=0, comment="attempts nobody ended"),
    Column("was_update", Boolean, nullable=False, default=False, comment="in the last attempt"),
    Column("unknown_since", UtcTime),
    Column("due_at", UtcTime, comment="when it is taken up again; empty when not by itself"),
    Column("proof", Text, comment="receipt, answer or query, once delivered"),
    Column("superseded_by", Text),
    Column("reissue_of", Text, comment="the message whose source this was made from again"),
    Column("reissued_as", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("procedure", Text, comment="MaTTHC; empty where it was not kept"),
    Column("status", Text, comment="TrangThaiHoSo of a snapshot; empty where it was not kept"),
    Column("file", Text, comment="JSON: name, type and service of what goes to an agency"),
    Column("share_due_at", UtcTime, comment="since when others may be told of it; empty: not"),
    Column(
        "awaits_files",
        Integer,
        comment="how often its files were looked for in vain; empty when it waits for none",
    ),
    Column("corrected_paths", Text, comment="JSON: what a person corrected in its record"),
    Column("corrections", LargeBinary, comment="sealed JSON: paths and values"),
    Column(
        "source_digest",
        Text,
        comment="content_digest of its record as it came, where that was corrected",
    ),
    Index("messages_dossier", "dossier_code", "agency"),
    # One for each direction, and in it one for each agency that gets files: what waits in one
    # holds up no look into another.
    Index(
        "messages_due",
        "deadline",
        "due_at",
        postgresql_where=text("due_at IS NOT NULL AND packet <> 'inbound'"),
        sqlite_where=text("due_at IS NOT NULL AND packet <> 'inbound'"),
    ),
    # By agency, too, for while one of them is paused: what is due of it is then no way to others.
    Index(
        "messages_due_of_agency",
        "agency",
        "deadline",
        "due_at",
        postgresql_where=text("due_at IS NOT NULL AND packet <> 'inbound'"),
        sqlite_where=text("due_at IS NOT NULL AND packet <> 'inbound'"),
    ),
    Index(
        "messages_due_inbound",
        "agency",
        "deadline",
        "due_at",
        postgresql_where=text("due_at IS NOT NULL AND packet = 'inbound'"),
        sqlite_where=text("due_at IS NOT NULL AND packet = 'inbound'"),
    ),
    Index(
        "messages_share_due",
        "share_due_at",
        "id",
        postgresql_where=text("share_due_at IS NOT NULL"),
        sqlite_where=text("share_due_at IS NOT NULL"),
    ),
    # With the packet, so that counting needs no other look at a message.
    Index("messages_state", "agency", "state", "packet"),
    Index(
        "messages_event_key",
        "agency",
        "event_key",
        postgresql_where=text("event_key IS NOT NULL"),
        sqlite_where=text("event_key IS NOT NULL"),
    ),
    Index("messages_submission", "submission_id", "record", "item"),
    # For lists with the latest change first. SQLite, which keeps no statistics, would take it for
    # what is due as well, were it not for a condition that only lists name.
    Index(
        "messages_latest",
        "agency",
        "updated_at",
        "id",
        sqlite_where=text("updated_at IS NOT NULL"),
    ),
)

# Both without a foreign key, which costs more than the row: who writes them has the message.
person_index = Table(
    "person_index",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="HMAC of an identity number"),
    Column("message_id", Text, primary_key=True),
    Index("person_index_message", "message_id"),
    comment="messages by the identity numbers in them; erased with the document",
)

message_problems = Table(
    "message_problems",
    metadata,
    # In the order of its bytes, so that the beginning of a code is a range.
    Column("code", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("field", Text, primary_key=True, comment="without numbers of items; may be blank"),
    Column("severity", Text, nullable=False),
    Index("message_problems_message", "message_id"),
    comment="codes of what `messages.problems` holds; they quote nothing, and stay when it is "
    "erased",
)

problem_groups = Table(
    "problem_groups",
    metadata,
    Column("id", Text, primary_key=True, comment="digest of the five that follow"),
    Column("agency", Text, comment="whose messages; empty: of the target, whoever's they are"),
    Column("direction", Text, nullable=False, comment="up or down"),
    Column("code", Text, nullable=False),
    Column("field", Text, nullable=False, comment="without numbers of items; may be blank"),
    Column("answer", Text, nullable=False, comment="the other side's own code; may be blank"),
    Column("first_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False, comment="what was decided last; open: nothing yet"),
    Column("decided_at", UtcTime),
    Column("decided_by", Text),
    Column("reason", Text, nullable=False, default="", server_default=""),
    Column("version", Integer, nullable=False, comment="how often somebody decided"),
    Index("problem_groups_code", "agency", "direction", "code"),
    comment="causes of failures, and what people decided about each; no value of anybody",
)

failures = Table(
    "failures",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("cause", Text, primary_key=True, comment="id in problem_groups"),
    Column("last_at", UtcTime, nullable=False, comment="when it last failed so"),
    Column("is_open", Boolean, nullable=False, comment="it has not failed otherwise, or ended"),
    Index("failures_cause", "cause", "last_at", "message_id"),
    Index(
        "failures_open",
        "cause",
        "message_id",
        postgresql_where=text("is_open"),
        sqlite_where=text("is_open = 1"),
    ),
    comment="of what each message ever failed; written only for those that do",
)

search_keys = Table(
    "search_keys",
    metadata,
    Column("name", Text, primary_key=True, comment="of what it is for"),
    Column("secret", LargeBinary, nullable=False, comment="sealed; of the digests in person_index"),
)

backfills = Table(
    "backfills",
    metadata,
    Column("name", Text, primary_key=True),
    Column("after", Text, nullable=False, comment="where it goes on"),
    Column("until", Text, nullable=False, comment="the last message"),
    comment="what messages from before an upgrade are still gone through for; nothing: no row",
)

attachments = Table(
    "attachments",
    metadata,
    Column("message_id", Text, ForeignKey("messages.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="1-based, as in the record"),
    Column("way", Text, nullable=False, comment="url, file, or data in the record"),
    Column(
        "declared",
        LargeBinary,
        comment="sealed JSON: name, place, address; erased with the document",
    ),
    Column("size", BigInteger, comment="bytes, as found; empty until then"),
    Column("sha256", Text, comment="as found"),
    Column("kind", Text, comment="as found: pdf, jpg, …"),
    Column("blob", Text, comment="its name in the file store; empty: not kept there"),
    Column("checked_at", UtcTime),
    Index("attachments_blob", "blob"),
    comment="the manifest of a dossier's files; nothing of it goes to the portal",
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True, comment="of the bytes before sealing"),
    Column("name", Text, nullable=False, comment="in the file store; never used again"),
    Column("size", BigInteger, nullable=False),
    Column("kept_at", UtcTime, nullable=False, comment="when it was last asked for"),
    comment="files in the file store, each once",
)

fetches = Table(
    "fetches",
    metadata,
    Column("message_id", Text, ForeignKey("messages.id"), primary_key=True),
    Column("agency", Text, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime, comment="of the worker that fetches"),
    Column("fence", BigInteger, nullable=False, default=0),
    Column("told", Text, comment="what its agency was told that it waits for: code and file"),
    Index("fetches_due", "due_at"),
    comment="messages whose files are to be fetched",
)

repeats = Table(
    "repeats",
    metadata,
    Column("submission_id", Text, ForeignKey("submissions.id"), primary_key=True),
    Column("record", BigInteger, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("message_id", Text, ForeignKey("messages.id"), nullable=False),
    comment="events that came again: acknowledged with the first answer, not delivered again",
)

attempts = Table(
    "attempts",
    metadata,
    Column("message_id", Text, ForeignKey("messages.id"), primary_key=True),
    Column("kind", Text, primary_key=True, comment="send or lookup"),
    Column("number", Integer, primary_key=True, comment="1-based per message and kind"),
    Column("is_updating", Boolean, nullable=False, default=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("outcome", Text),
    Column("code", Text),
    Column("http_status", Integer),
    Column("detail", Text, nullable=False, default="", comment="our words, for logs too"),
    Column("message", LargeBinary, comment="sealed; the peer's own words, never logged"),
    Column("answer", LargeBinary, comment="sealed"),
    Column("answer_size", BigInteger, comment="bytes that came, also those that were not kept"),
    Column("answer_digest", Text, comment="SHA-256 of these; erased with the answer"),
    Column("answer_whole", Boolean, comment="whether these are all there were"),
    Column("proof", Text, comment="receipt, answer or query, of the one that proved the delivery"),
    Column(
        "payload_digest",
        Text,
        comment="SHA-256 of what was derived from the document; erased with the answer",
    ),
    Column("headers", LargeBinary, comment="sealed; without passwords, tokens and keys"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("message_id", Text, ForeignKey("messages.id"), primary_key=True),
    Column("document", LargeBinary, nullable=False, comment="sealed"),
    Column("verified_at", UtcTime, nullable=False),
    Column("digest", Text, comment="SHA-256 of the document; empty before version 0007"),
    Column("signer", Text, comment="fingerprint of its certificate; empty before version 0007"),
    Column("signer_name", Text, comment="as its certificate says"),
)

submission_receipts = Table(
    "submission_receipts",
    metadata,
    Column("submission_id", Text, ForeignKey("submissions.id"), primary_key=True),
    Column("statement", Text, primary_key=True, comment="received or refused"),
    Column("document", LargeBinary, nullable=False, comment="sealed; signed, exactly as given"),
    Column("digest", Text, nullable=False, comment="SHA-256 of the document"),
    Column("signer", Text, nullable=False, comment="fingerprint of its certificate"),
    Column("made_at", UtcTime, nullable=False),
    comment="what the operator signed for agencies about what was received from them",
)

results = Table(
    "results",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agency", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="received, refused, delivered, …"),
    Column("submission_id", Text),
    Column("message_id", Text),
    Column("key", Text, comment="the sender's id of the hand-over it answers"),
    Column("detail", Text, nullable=False, default="{}", comment="JSON, no personal data"),
    Column("created_at", UtcTime, nullable=False),
    Column("published_at", UtcTime),
    Column("number", BigInteger, comment="its place in the list that its agency reads"),
    Index(
        "results_unpublished",
        "created_at",
        "id",
        postgresql_where=text("published_at IS NULL"),
        sqlite_where=text("published_at IS NULL"),
    ),
    # Those that have no number yet, in order, as well as those that have.
    Index("results_agency", "agency", "number", "created_at", "id"),
    comment="what the agencies are told; written with what it tells of, published afterwards",
)

result_lists = Table(
    "result_lists",
    metadata,
    Column("agency", Text, primary_key=True),
    Column("next_number", BigInteger, nullable=False, default=1),
    comment="counts the results of an agency that reads them as a list",
)

paces = Table(
    "paces",
    metadata,
    Column("worker", Text, primary_key=True, comment="host and process"),
    Column("pace", Text, nullable=False, comment="closed, open, probing, …"),
    Column("until", UtcTime, comment="when it changes by itself, where that is known"),
    Column("allowed", Integer, nullable=False, comment="calls at once"),
    Column("delivered", Integer, nullable=False, comment="in the last minutes"),
    Column("minutes", Integer, nullable=False, comment="how many these were"),
    Column("at", UtcTime, nullable=False),
    comment="how fast each worker delivers now; for people only, nothing is decided by it",
)

door_tokens = Table(
    "door_tokens",
    metadata,
    Column("id", Text, primary_key=True, comment="stands in the token"),
    Column("agency", Text, nullable=False, comment="name of its mapping"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the whole token"),
    Column("made_at", UtcTime, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_at", UtcTime, comment="empty: not by itself"),
    Column("revoked_at", UtcTime),
    comment="what opens the HTTP door; the tokens themselves are nowhere",
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Text, primary_key=True, comment="stands in the token"),
    Column("name", Text, nullable=False, comment="who uses it, as the audit log calls them"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the whole token"),
    Column("grants", Text, nullable=False, comment="JSON: roles, and for which agencies"),
    Column("made_at", UtcTime, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_at", UtcTime, comment="empty: not by itself"),
    Column("revoked_at", UtcTime),
    comment="what opens the operators' HTTP API; the tokens themselves are nowhere",
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, comment="as the audit log calls them; NFC, lower case"),
    Column("full_name", Text, nullable=False, comment="as it is shown"),
    Column("password", Text, comment="Argon2id with its parameters; empty: none is set"),
    Column("grants", Text, nullable=False, comment="JSON: roles, and for which agencies"),
    Column("totp", LargeBinary, comment="sealed; empty: no authenticator app"),
    Column("totp_next", LargeBinary, comment="sealed; one whose first code has not come yet"),
    Column("totp_step", BigInteger, comment="whose code was used last"),
    Column("recovery", Text, nullable=False, comment="JSON: SHA-256 of codes that are left"),
    Column("must_change", Boolean, nullable=False, comment="a password that is not good enough"),
    Column("failures", Integer, nullable=False, comment="of logins, in a row"),
    Column("locked_until", UtcTime),
    Column("disabled_at", UtcTime),
    Column("made_at", UtcTime, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("last_login_at", UtcTime),
    Column(
        "by_provider",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="signs in through the identity provider, and not by a password",
    ),
    Column("provider_issuer", Text, comment="who proved it first; empty: nobody has yet"),
    Column("provider_subject", Text, comment="whom it proved: one person for ever"),
    Index("accounts_name", "name", unique=True),
    Index("accounts_subject", "provider_issuer", "provider_subject", unique=True),
    comment="people who sign in",
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True, comment="stands in the token"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the whole token"),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("totp_done", Boolean, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False, comment="to the minute"),
    Column("expires_at", UtcTime, nullable=False, comment="at the latest"),
    Index("sessions_account", "account_id"),
    Index("sessions_expires", "expires_at"),
    comment="people who are signed in; the tokens themselves are nowhere",
)

access_codes = Table(
    "access_codes",
    metadata,
    Column("id", Text, primary_key=True, comment="stands in the code"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the whole code"),
    Column("account_id", Text, ForeignKey("accounts.id"), comment="empty: of the first one"),
    Column("expires_at", UtcTime, nullable=False),
    Index("access_codes_account", "account_id"),
    comment="codes by which a password is set once",
)

api_requests = Table(
    "api_requests",
    metadata,
    Column("principal", Text, primary_key=True, comment="who asked"),
    Column("key", Text, primary_key=True, comment="the caller's own id of the request"),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of what was asked for"),
    Column("answer", Text, comment="JSON, no personal data; empty while there is none"),
    Column("made_at", UtcTime, nullable=False),
    Index("api_requests_made", "made_at"),
    comment="requests that a caller may repeat and get the first answer to",
)

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("principal", Text, primary_key=True, comment="whose; as the audit log calls them"),
    Column("page", Text, primary_key=True, comment="messages or problems"),
    Column("name", Text, primary_key=True, comment="NFC"),
    Column("query", Text, nullable=False, comment="as an address has it; no number of a person"),
    Column("saved_at", UtcTime, nullable=False, comment="last"),
    comment="searches that people come back to",
)

pulls = Table(
    "pulls",
    metadata,
    Column("source", Text, primary_key=True, comment="its name in the settings"),
    Column("mark", Text, comment="JSON: up to where it was read; empty before the first row"),
    Column("salt", LargeBinary, nullable=False, comment="sealed; of its digests in pull_seen"),
    Column("lease_until", UtcTime, comment="of the worker that reads it"),
    Column("fence", BigInteger, nullable=False, default=0),
    Column("due_at", UtcTime, nullable=False, comment="when it is read next"),
    Column("tried_at", UtcTime, comment="when it was last read, well or not"),
    Column("read_at", UtcTime, comment="when it was last read to its end"),
    Column("rows", BigInteger, nullable=False, default=0, comment="taken over, ever"),
    Column("trouble", Text, comment="code of what kept it from being read; empty when all is well"),
    comment="sources that are read by us; one moves on with the submission that holds its rows",
)

pull_seen = Table(
    "pull_seen",
    metadata,
    Column("source", Text, primary_key=True),
    Column("name", LargeBinary, primary_key=True, comment="salted digest of mark and key"),
    Column("digest", LargeBinary, nullable=False, comment="salted, of all values"),
    Column("place", BigInteger, nullable=False, comment="of the mark, to forget it by"),
    Index("pull_seen_place", "source", "place"),
    comment="rows of the overlap that were taken over; they are read again and not taken again",
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("occasion", Text, comment="what it was begun for by itself, once; empty: by a person"),
    Column("agency", Text, comment="only its dossiers; empty: all"),
    Column("since", UtcTime, comment="only dossiers that moved since; empty: all"),
    Column("source", Text, comment="SHA-256 of the agency's list; empty: without one"),
    Column("phase", Text, nullable=False, comment="comparing, confirming, done"),
    Column("after", Text, nullable=False, default="", comment="where it goes on"),
    Column("total", BigInteger, nullable=False, comment="to compare, as counted at the beginning"),
    Column("compared", BigInteger, nullable=False, default=0),
    Column("asked", BigInteger, nullable=False, default=0, comment="look-ups at the portal"),
    Column("present", BigInteger, nullable=False, default=0, comment="of these: it was there"),
    Column("unreadable", BigInteger, nullable=False, default=0, comment="records of the list"),
    Column("started_at", UtcTime, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("ended_at", UtcTime),
    Column("lease_until", UtcTime, comment="of the process that works on it"),
    Column("fence", BigInteger, nullable=False, default=0),
    Index("reconciliations_occasion", "occasion", unique=True),
    comment="comparisons of agency, store and portal, and how far each has got",
)

discrepancies = Table(
    "discrepancies",
    metadata,
    Column("run", Text, ForeignKey("reconciliations.id"), primary_key=True),
    Column("dossier_code", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("agency", Text, nullable=False),
    Column("message_id", Text, comment="which should be in effect, or waits"),
    Column("fields", Text, nullable=False, comment="JSON: names; codes and digests, no other data"),
    Column("detail", Text, nullable=False, default=""),
    Column("times", Integer, nullable=False, comment="the portal was asked and it was so"),
    Column("found_at", UtcTime, nullable=False, comment="first"),
    Column("sent_at", UtcTime, comment="when it was let go again"),
    Index("discrepancies_dossier", "dossier_code", "found_at"),
    comment="what a comparison found that does not agree",
)

replay_jobs = Table(
    "replay_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("verb", Text, nullable=False, comment="resend, reissue or discard"),
    Column("selection", Text, nullable=False, comment="JSON, as asked for"),
    Column("agencies", Text, nullable=False, comment="JSON: whose messages are in it"),
    Column("mappings", Text, nullable=False, comment="JSON: by agency, what a reissue goes by"),
    Column("count", BigInteger, nullable=False),
    Column("digest", Text, nullable=False, comment="SHA-256 of what was frozen"),
    Column("reason", Text, nullable=False),
    Column("rate", Double, nullable=False, comment="messages a second at most"),
    Column("stop_percent", Integer, nullable=False, comment="failing, above which it stops"),
    Column("state", Text, nullable=False),
    Column("judged_from", BigInteger, nullable=False, comment="items up to it are not judged"),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("decided_by", Text, comment="who approved or declined it"),
    Column("decided_at", UtcTime),
    Column("lease_until", UtcTime, comment="of the process that works on it"),
    Column("fence", BigInteger, nullable=False),
    Column("ended_at", UtcTime),
    Column("why", Text, nullable=False, comment="it stands where it stands"),
    Index("replay_jobs_state", "state", "id"),
    comment="what one person asked to be done to many messages, and another approved",
)

replay_items = Table(
    "replay_items",
    metadata,
    Column("job", Text, ForeignKey("replay_jobs.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, comment="1-based, the order of acting"),
    Column("message_id", Text, nullable=False),
    Column("state", Text, nullable=False, comment="when it was frozen"),
    Column("updated_at", UtcTime, nullable=False, comment="when it was frozen"),
    Column("outcome", Text, comment="done, or the code of why not; empty: not yet"),
    Column("new_id", Text, comment="of a reissue"),
    Column("acted_at", UtcTime),
    Index(
        "replay_items_left",
        "job",
        "number",
        postgresql_where=text("outcome IS NULL"),
        sqlite_where=text("outcome IS NULL"),
    ),
    comment="the messages of a bulk replay as they were frozen, and what became of each",
)

pauses = Table(
    "pauses",
    metadata,
    Column("subject", Text, primary_key=True, comment="an agency, or target:portal"),
    Column("what", Text, primary_key=True, comment="intake, delivery or drain"),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, comment="it ends by itself then; empty: when somebody ends it"),
    comment="what people keep from being taken in or sent",
)

contracts = Table(
    "contracts",
    metadata,
    Column("target", Text, primary_key=True, comment="its endpoint"),
    Column("subject", Text, primary_key=True, comment="kind of answer, document or dictionary"),
    Column("fingerprint", Text, nullable=False, comment="JSON: names, types, codes; no values"),
    Column("answers", Integer, nullable=False, comment="that it was learnt from"),
    Column("settled_at", UtcTime, comment="when it was learnt; empty: still learning"),
    Column("seen_at", UtcTime, nullable=False),
    comment="what a target's answers, documents and dictionaries look like",
)

drifts = Table(
    "drifts",
    metadata,
    Column("id", Text, primary_key=True, comment="of the difference: the same in every process"),
    Column("target", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("patch", Text, nullable=False, comment="JSON: what accepting it does to the contract"),
    Column("touched", Text, nullable=False, comment="JSON: mappings and their fields"),
    Column("ending", Text, nullable=False, comment="open, accepted, returned"),
    Column("found_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False, comment="last"),
    Column("ended_at", UtcTime),
    Column("ended_by", Text),
    Column("reason", Text),
    Index("drifts_subject", "target", "subject", "ending"),
    comment="how a target differs from its contract, once each",
)

alerts = Table(
    "alerts",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("subject", Text, primary_key=True, comment="what tells it from others of its rule"),
    Column("since", UtcTime, nullable=False, comment="found without a pause"),
    Column("seen_at", UtcTime, nullable=False, comment="last"),
    Column("fired_at", UtcTime, comment="when somebody was told first; empty: not yet"),
    Column("gone_at", UtcTime, comment="since when it is not found any more"),
    Column("told_at", UtcTime, comment="when somebody was told last that it holds"),
    Column("silenced_until", UtcTime, comment="no reminders before"),
    Column("detail", Text, nullable=False, comment="JSON: severity, words; no personal data"),
    comment="what needs somebody, as the role `alerts` found it",
)

alert_notices = Table(
    "alert_notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False, comment="mail, or a webhook's name"),
    Column("detail", Text, nullable=False, comment="JSON: what is told; no personal data"),
    Column("made_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False, comment="in vain"),
    Column("lease_until", UtcTime, comment="of the process that sends it"),
    Column("sent_at", UtcTime),
    Index("alert_notices_channel", "channel", "sent_at"),
    comment="what somebody is told of alerts, by each way; sent ones go after a while",
)

alert_turns = Table(
    "alert_turns",
    metadata,
    Column("name", Text, primary_key=True, comment="looking, or a channel"),
    Column("at", UtcTime, nullable=False),
    comment="one process at a time looks for alerts, or sends by a channel",
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Count, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, comment="canonical JSON, no personal data; empty once erased"),
    Column("salt", LargeBinary, comment="of the detail; erased with it"),
    Column("erased", LargeBinary, comment="salted digest of the detail that was erased"),
    Column("digest", LargeBinary, nullable=False),
    Column("tag", LargeBinary, comment="of the digest, by a key of the vault"),
    Column("seal_id", BigInteger, comment="empty until sealed"),
    Index("audit_seal", "seal_id", "id"),
    Index("audit_subject", "subject"),
    sqlite_autoincrement=True,
)

seals = Table(
    "seals",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the body"),
    Column("body", Text, nullable=False, comment="canonical JSON, what is signed"),
    Column("signature", LargeBinary, nullable=False),
    Column("signer", Text, nullable=False, comment="fingerprint of the certificate"),
    Column("stamp", LargeBinary, comment="RFC 3161 token over the digest; empty until it is there"),
    comment="each seals a batch of rows of the audit log and names the seal before it",
)

seal_signers = Table(
    "seal_signers",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("certificates", Text, nullable=False, comment="PEM, the signer's own first"),
    comment="certificates of the keys that seals were signed with",
)

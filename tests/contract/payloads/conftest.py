"""A store with payloads in every sealed column, on each database."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from lienthong.store.data_keys import SqlKeyStore
from lienthong.store.database import open_postgresql, open_sqlite, open_store, reading
from lienthong.store.master_keys import MasterKeyFile
from lienthong.store.pieces import PIECE_BYTES
from lienthong.store.rotation import rotate
from lienthong.store.sealed import (
    answer_context,
    attachment_context,
    corrections_context,
    document_context,
    headers_context,
    next_totp_context,
    piece_context,
    problems_context,
    receipt_context,
    salt_context,
    submission_problems_context,
    submission_receipt_context,
    totp_context,
    words_context,
)
from lienthong.store.tables import (
    NO_DEADLINE,
    accounts,
    attachments,
    attempts,
    audit,
    messages,
    pulls,
    receipts,
    results,
    submission_pieces,
    submission_receipts,
    submissions,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class Payloads:
    """A store on one of the databases, and short words for putting payloads into it."""

    engine: object
    key_file: object
    store: object = field(init=False)
    _numbers: object = field(init=False, default_factory=lambda: itertools.count(1))

    def __post_init__(self):
        self.open()

    def open(self, *, encrypt=True):
        """Open the store as a process does when it starts."""
        opened = open_store(self.engine, key_file=self.key_file, encrypt=encrypt, now=NOW)
        self.store = replace(opened, has_clock=False)
        return self.store

    def rotate(self):
        return rotate(MasterKeyFile(self.key_file), SqlKeyStore(self.engine), now=NOW)

    def seal(self, plain, context):
        return self.store.vault.seal(plain, context=context)

    def pull(self, source):
        """Put a source there that was never read."""
        salt = self.seal(b"salt", salt_context(source))
        with self.engine.begin() as connection:
            connection.execute(
                insert(pulls).values(source=source, salt=salt, due_at=NOW, fence=0, rows=0)
            )

    def account(self, id_):
        """Put an account there that has an authenticator app, and sets another one up."""
        with self.engine.begin() as connection:
            connection.execute(
                insert(accounts).values(
                    id=id_,
                    name="an",
                    full_name="An",
                    grants="[]",
                    totp=self.seal(b"JBSW", totp_context(id_)),
                    totp_next=self.seal(b"Y3DP", next_totp_context(id_)),
                    recovery="[]",
                    must_change=False,
                    failures=0,
                    made_at=NOW,
                    made_by="test",
                )
            )

    def submission(self, id_, *, age=1000, state="expanded", size=3, **fields):
        """Put a submission there whose expansion ended `age` days ago, with its pieces."""
        at = NOW - timedelta(days=age)
        body = b"x" * size
        pieces = [body[place : place + PIECE_BYTES] for place in range(0, size, PIECE_BYTES)]
        row = {
            "id": id_,
            "agency": "land",
            "arrival": next(self._numbers),
            "door": "file",
            "sender": "test",
            "file_name": "a.csv",
            "sha256": "00",
            "size": size,
            "state": state,
            "problems": self.seal(b"[]", submission_problems_context(id_)),
            "received_at": at,
            "expanded_at": at,
            "due_at": None,
            **fields,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(submissions).values(row))
            for number, piece in enumerate(pieces):
                context = piece_context(id_, number, is_last=number == len(pieces) - 1)
                sealed = self.seal(piece, context)
                connection.execute(
                    insert(submission_pieces).values(
                        submission_id=id_, number=number, body=sealed, taken_at=at
                    )
                )

    def message(self, id_, *, of="s1", state="delivered", age=5000):
        """Put a message there that changed last `age` days ago, with an attempt and a receipt."""
        at = NOW - timedelta(days=age)
        with self.engine.begin() as connection:
            connection.execute(
                insert(messages).values(
                    id=id_,
                    submission_id=of,
                    record=1,
                    item=0,
                    agency="land",
                    dossier_code=f"D-{id_}",
                    packet="DongBoHoSoMC",
                    state=state,
                    document=self.seal(f"<{id_}/>".encode(), document_context(id_)),
                    document_digest=f"sha-{id_}",
                    problems=self.seal(b"[]", problems_context(id_)),
                    corrections=self.seal(b"[]", corrections_context(id_)),
                    place="{}",
                    mapping="land@1",
                    deadline=NO_DEADLINE,
                    created_at=at,
                    updated_at=at,
                )
            )
            connection.execute(
                insert(attempts).values(
                    message_id=id_,
                    kind="send",
                    number=1,
                    started_at=at,
                    ended_at=at,
                    outcome="delivered",
                    code="0",
                    message=self.seal("đã nhận".encode(), words_context(id_, "send", 1)),
                    answer=self.seal(b"<ok/>", answer_context(id_, "send", 1)),
                    answer_size=5,
                    answer_digest="cd",
                    payload_digest="ef",
                    headers=self.seal(b"Accept: x", headers_context(id_, "send", 1)),
                )
            )
            connection.execute(
                insert(receipts).values(
                    message_id=id_,
                    document=self.seal(b"<receipt/>", receipt_context(id_)),
                    verified_at=at,
                )
            )

    def attachment(self, message_id):
        """Put a file of a message there."""
        declared = self.seal(b"{}", attachment_context(message_id, 1))
        with self.engine.begin() as connection:
            connection.execute(
                insert(attachments).values(
                    message_id=message_id, number=1, way="data", declared=declared
                )
            )

    def receipt(self, submission_id):
        """Put there what was signed about a submission."""
        context = submission_receipt_context(submission_id, "received")
        with self.engine.begin() as connection:
            connection.execute(
                insert(submission_receipts).values(
                    submission_id=submission_id,
                    statement="received",
                    document=self.seal(b"<ours/>", context),
                    digest="00",
                    signer="ab",
                    made_at=NOW,
                )
            )

    def result(self, id_, *, age, made=2000):
        """Put a result there made and published so many days ago; None is not yet."""
        published = None if age is None else NOW - timedelta(days=age)
        with self.engine.begin() as connection:
            connection.execute(
                insert(results).values(
                    id=id_,
                    agency="land",
                    kind="delivered",
                    created_at=NOW - timedelta(days=made),
                    published_at=published,
                )
            )

    def column(self, column):
        """Return the values of one column, in the order of the rows' keys."""
        with reading(self.store) as connection:
            query = select(column).order_by(*column.table.primary_key)
            return list(connection.execute(query).scalars())

    def logged(self, action):
        """Return (actor, subject, detail) of the audit rows of one action."""
        query = select(audit.c.actor, audit.c.subject, audit.c.detail)
        with reading(self.store) as connection:
            found = connection.execute(query.where(audit.c.action == action).order_by(audit.c.id))
            return [tuple(row) for row in found]


@pytest.fixture(params=["sqlite", "postgresql"])
def payloads(request, tmp_path):
    """Give an empty store on each database."""
    if request.param == "sqlite":
        engine = open_sqlite(tmp_path / "store.sqlite")
    else:
        engine = open_postgresql(request.getfixturevalue("make_database")(tables=True))
    made = Payloads(engine, tmp_path / "store.key")
    yield made
    engine.dispose()

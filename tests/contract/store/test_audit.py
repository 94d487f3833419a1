"""
The audit log under somebody who may write to the database as they like, and to its backups, but
has neither the key of the seals, nor the store's key file, nor the witness.
"""

import json
import resource
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import delete, event, insert, select, text, update

from lienthong.evidence import checking, sealing
from lienthong.evidence.merkle import root_of
from lienthong.evidence.seals import SignedSeal, hash_row
from lienthong.evidence.witnesses import FolderWitness, PrintedWitness, WitnessAway
from lienthong.flows.erase import erase_details
from lienthong.store.audit import digest_detail, digest_row
from lienthong.store.audit_search import Wanted
from lienthong.store.database import reading
from lienthong.store.tables import audit, seal_signers, seals
from lienthong.store.work import begin
from lienthong.testing.notary import make_notary
from signing import KeyUnusable, load_pem, make_development_pki, read_signer

NOTARY = make_notary()


@dataclass
class Log:
    """Eleven rows: the first is of the store's key; five seals of two; one row of the tail."""

    store: object
    clock: object
    witness: FolderWitness

    def write(self, *subjects, action="message.ready"):
        for subject in subjects:
            with begin(self.store, at=self.clock(), actor="an") as work:
                work.note(action, subject, reason="Đúng hạn")

    def seal(self):
        made = NOTARY.seal(self.store.engine, now=self.clock())
        with reading(self.store) as connection:
            certificates = sealing.certificates_of(connection, made.signer)
        self.witness.put(made, certificates=certificates)
        return made

    def rows(self):
        with reading(self.store) as connection:
            return connection.execute(select(audit).order_by(audit.c.id)).all()

    def seals(self):
        with reading(self.store) as connection:
            return connection.execute(select(seals).order_by(seals.c.id)).all()

    def attack(self, *statements):
        with self.store.engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    def found(self, *, witnesses=None):
        checked = NOTARY.check(
            self.store, witnesses=[self.witness] if witnesses is None else witnesses
        )
        return [(fault.code, fault.row, fault.seal) for fault in checked.faults]


@pytest.fixture
def log(store, clock, tmp_path):
    log = Log(store, clock, FolderWitness(tmp_path / "witness"))
    for number in range(5):
        log.write(*(["a"] if number == 0 else ["b", "c"]))
        log.seal()
    log.write("d")
    return log


def redigested(row, **changes):
    """Return a row's values with changes, and the digest that fits them."""
    values = dict(row._mapping) | changes
    of_detail = digest_detail(values["salt"], values["detail"])
    values["digest"] = digest_row(
        values["at"], values["actor"], values["action"], values["subject"], of_detail
    )
    return {key: value for key, value in values.items() if key != "id"}


def test_an_untouched_log_holds(log):
    checked = NOTARY.check(log.store, witnesses=[log.witness])

    assert checked.faults == []
    assert (checked.rows, checked.seals, checked.unsealed, checked.untagged) == (11, 5, 1, 1)
    assert checked.tail_since == log.clock()
    assert [(one.seals, one.newest, one.trouble) for one in checked.witnesses] == [(5, 5, None)]
    assert checked.signers == {log.seals()[0].signer: 5}


def change(row, **values):
    return update(audit).where(audit.c.id == row).values(**values)


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "other"), ("detail", "[]"), ("action", "message.parked"), ("subject", "z")],
)
@pytest.mark.parametrize(("row", "seal"), [(4, 2), (11, None)], ids=["sealed", "tail"])
def test_a_changed_row_is_named(log, column, value, row, seal):
    log.attack(change(row, **{column: value}))

    assert log.found() == [("row.changed", row, seal)]


@pytest.mark.parametrize(("row", "seal"), [(4, 2), (11, None)], ids=["sealed", "tail"])
def test_a_row_that_was_changed_together_with_its_digest_is_named(log, row, seal):
    log.attack(change(row, **redigested(log.rows()[row - 1], actor="other")))

    assert log.found() == [("row.forged", row, seal)]


def test_a_changed_row_without_a_tag_is_named(log):
    log.attack(change(4, **redigested(log.rows()[3], actor="other", tag=None)))

    assert ("row.forged", 4, 2) in log.found()


def test_swapped_rows_are_found_in_their_seal(log):
    third, fourth = log.rows()[2:4]
    contents = [
        {k: v for k, v in row._mapping.items() if k not in ("id", "seal_id")}
        for row in (third, fourth)
    ]
    log.attack(change(3, **contents[1]), change(4, **contents[0]))

    assert log.found() == [("seal.root_differs", 3, 2)]


def test_a_deleted_row_is_named_by_its_seal_and_number(log):
    log.attack(delete(audit).where(audit.c.id == 4))

    checked = NOTARY.check(log.store)

    assert [(fault.code, fault.seal) for fault in checked.faults] == [("seal.rows_differ", 2)]
    assert "no row has the number 4" in str(checked.faults[0])


def test_a_row_put_into_a_seal_is_found(log):
    row = log.rows()[3]
    log.attack(insert(audit).values(id=50, **redigested(row, subject="x")))

    assert log.found() == [("row.forged", 50, 2), ("seal.rows_differ", 3, 2)]


@pytest.mark.parametrize("tag", ["copied", "none"])
def test_a_row_put_behind_the_last_seal_is_found_before_it_is_sealed_and_after(log, tag):
    row = log.rows()[3]
    changes = {"subject": "x", "seal_id": None} | ({"tag": None} if tag == "none" else {})
    log.attack(insert(audit).values(id=50, **redigested(row, **changes)))

    assert log.found() == [("row.forged", 50, None)]
    log.seal()
    assert log.found() == [("row.forged", 50, 6)]


def test_a_copy_of_a_row_is_found(log):
    values = dict(log.rows()[3]._mapping) | {"id": 50, "seal_id": None}
    log.attack(insert(audit).values(**values))

    assert log.found() == [("row.copied", 50, None)]


def test_rows_moved_to_another_seal_or_out_of_all_are_found(log):
    log.attack(change(4, seal_id=3))
    assert {fault[2] for fault in log.found()} == {2, 3}
    log.attack(change(4, seal_id=None))
    assert [fault[2] for fault in log.found()] == [2]
    log.attack(change(4, seal_id=99))
    assert [fault[:2] for fault in log.found()] == [
        ("seal.rows_differ", 3),
        ("row.seal_missing", 4),
    ]


@pytest.mark.parametrize("column", ["body", "signature", "digest", "signer"])
def test_a_changed_seal_is_named(log, column):
    value = getattr(log.seals()[2], column)
    other = value.replace("c", "d", 1) if isinstance(value, str) else bytes(value)[::-1]
    log.attack(update(seals).where(seals.c.id == 3).values({column: other}))

    assert {fault[2] for fault in log.found(witnesses=[])} <= {3, 4}
    assert log.found()[0][2] == 3


def test_a_deleted_seal_is_named(log):
    log.attack(delete(seals).where(seals.c.id == 3))

    assert ("seal.missing", None, 3) in log.found(witnesses=[])


@pytest.mark.parametrize("number", [0, -1])
def test_rows_under_a_seal_before_the_first_are_found(log, number):
    body = json.loads(log.seals()[0].body) | {"number": number}
    text_of_seal = json.dumps(body, sort_keys=True, separators=(",", ":"))
    seal = dict(log.seals()[0]._mapping)
    seal |= {"id": number, "body": text_of_seal, "digest": sha256(text_of_seal.encode()).digest()}
    row = redigested(log.rows()[3], actor="other") | {"seal_id": number}
    log.attack(insert(seals).values(**seal), insert(audit).values(**row))

    found = log.found(witnesses=[])

    assert ("seal.put_in", None, number) in found
    assert ("row.forged", 12, number) in found


def test_seals_made_anew_with_another_key_are_found_though_everything_fits(log, tmp_path):
    """The whole log is written anew by somebody with a key of their own."""
    pki = make_development_pki(tmp_path / "foreign", agencies={}, now=log.clock())
    key = load_pem(pki.operator.key, pki.operator.certificate, passphrase=None)
    log.attack(
        delete(seals),
        delete(seal_signers),
        update(audit).values(seal_id=None),
        change(4, seal_id=1),
    )
    log.attack(change(4, seal_id=None))
    while sealing.seal_next(log.store.engine, key=key, now=log.clock()):
        pass

    assert ("seal.signer_untrusted", None, 1) in log.found(witnesses=[])


def test_a_seal_with_a_root_that_fits_changed_rows_needs_the_key(log):
    row = redigested(log.rows()[3], actor="other")
    log.attack(change(4, **row))
    mark = log.seals()[1]
    rows = [one for one in log.rows() if one.seal_id == 2]
    root = root_of([hash_row(one.id, one.digest) for one in rows]).hex()
    body = json.dumps(json.loads(mark.body) | {"root": root}, sort_keys=True, separators=(",", ":"))
    digest = sha256(body.encode()).digest()
    log.attack(update(seals).where(seals.c.id == 2).values(body=body, digest=digest))

    found = log.found(witnesses=[])

    assert ("seal.signature_wrong", None, 2) in found
    assert ("seal.not_following", None, 3) in found


def cut_off(log, *, keep):
    """Take the log back to what it was when it had `keep` seals, as an old backup would."""
    last = [row.id for row in log.rows() if row.seal_id == keep][-1]
    log.attack(
        delete(seals).where(seals.c.id > keep),
        delete(audit).where(audit.c.id > last),
    )


def test_an_old_backup_is_told_by_the_witness_and_by_paper(log):
    printed = log.seals()[4]
    cut_off(log, keep=3)

    assert log.found(witnesses=[]) == []
    assert log.found() == [("log.cut_off", None, 4)]
    paper = PrintedWitness.read([f"5: {bytes(printed.digest).hex().upper()}"])
    assert log.found(witnesses=[paper]) == [("log.cut_off", None, 4)]


def test_an_old_backup_that_work_went_on_with_is_told_by_the_witness(log):
    cut_off(log, keep=3)
    log.write("later", "later still")
    log.clock.tick(seconds=1)
    for _ in range(3):
        log.write("more")
        NOTARY.seal(log.store.engine, now=log.clock())

    assert log.found(witnesses=[]) == []
    assert log.found() == [("log.rewritten", None, 4), ("log.rewritten", None, 5)]


def test_everything_taken_out_is_told_by_the_witness(log):
    log.attack(delete(seals), delete(audit), delete(seal_signers))

    assert log.found() == [("log.cut_off", None, 1)]


def test_a_row_that_committed_late_is_sealed_by_a_later_seal(log):
    if log.store.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time: numbers come in the order of commits")
    with log.store.engine.connect() as slow:
        transaction = slow.begin()
        slow.execute(text("SELECT nextval('audit_id_seq')"))
        log.write("fast")
        log.seal()
        transaction.rollback()

    assert log.found() == []


def test_what_is_erased_is_gone_and_stays_proven(log, clock):
    before = log.rows()
    count = erase_details(
        log.store, Wanted(subject="b"), actor="an", reason="decision 12", clock=clock
    )

    after = log.rows()
    checked = NOTARY.check(log.store, witnesses=[log.witness])
    assert count == 4
    assert (checked.faults, checked.erased) == ([], 4)
    assert [(row.detail, row.salt) for row in after if row.subject == "b"] == [(None, None)] * 4
    assert [row.digest for row in after[: len(before)]] == [row.digest for row in before]
    # Whoever knows the only text that it can have been still cannot tell that it was this.
    erased = next(row for row in after if row.subject == "b").erased
    assert erased != sha256('{"reason":"Đúng hạn"}'.encode()).digest()
    assert json.loads(after[-1].detail) == {
        "reason": "decision 12",
        "rows": 4,
        "numbers": "3,5,7,9",
    }


def test_an_erased_row_cannot_be_changed_nor_given_another_detail(log, clock):
    erase_details(log.store, Wanted(subject="b"), actor="an", reason="x", clock=clock)
    log.attack(change(3, actor="other"))
    assert log.found() == [("row.changed", 3, 2)]
    log.attack(change(3, actor="an", detail="{}", salt=b"0" * 16))
    assert log.found() == [("row.changed", 3, 2)]
    log.attack(change(3, detail=None, salt=None, erased=None))
    assert log.found() == [("row.changed", 3, 2)]


def test_the_log_is_never_in_memory_as_a_whole(log, monkeypatch):
    monkeypatch.setattr(checking, "AT_ONCE", 2)
    cursors = []

    def note(_connection, cursor, statement, *_rest):
        if statement.startswith("SELECT seals.id AS id, CASE WHEN (seals.at"):
            cursors.append(type(cursor).__name__)

    event.listen(log.store.engine, "after_cursor_execute", note)

    assert log.found() == []

    # Any other cursor of psycopg has fetched everything before its first row is read.
    in_parts = "ServerCursor" if log.store.engine.dialect.name == "postgresql" else "Cursor"
    assert cursors == [in_parts]


def test_a_seal_with_very_many_rows_put_in_takes_no_memory(log):
    row = dict(log.rows()[3]._mapping)
    log.attack(insert(audit).values([row | {"id": 1_000 + number} for number in range(500)]))

    found = log.found(witnesses=[])

    assert ("seal.rows_differ", 3, 2) in found
    assert sum(code == "row.copied" for code, *_ in found) == 1


def test_a_step_that_fails_leaves_no_row(store, clock):
    before = NOTARY.check(store).rows

    def step():
        with begin(store, at=clock()) as work:
            work.note("message.ready", "m1")
            raise LookupError

    with pytest.raises(LookupError):
        step()

    assert NOTARY.check(store).rows == before


def test_a_key_that_is_not_valid_now_seals_nothing_and_nothing_is_lost(log):
    log.write("later")
    with pytest.raises(KeyUnusable) as refused:
        sealing.seal_next(
            log.store.engine, key=NOTARY.key, now=log.clock() + timedelta(days=40_000)
        )

    assert refused.value.code == "key.expired"
    assert NOTARY.check(log.store).unsealed == 2


def test_a_last_seal_that_was_changed_is_told_and_stops_nobody(log):
    log.attack(update(seals).where(seals.c.id == 5).values(body="{}"))
    sealer = sealing.Sealer(
        log.store.engine, key=lambda: NOTARY.key, witnesses=[log.witness], clock=log.clock
    )

    assert sealer.step() == 0

    assert "seal 5 was changed" in sealer.troubles["log"].en
    log.write("later")
    assert ("seal.changed", None, 5) in log.found()


def test_a_last_seal_of_somebody_else_is_neither_followed_nor_told(log, tmp_path):
    """Signed rightly, with a certificate of the stranger's own."""
    pki = make_development_pki(tmp_path / "foreign", agencies={}, now=log.clock())
    key = load_pem(pki.operator.key, pki.operator.certificate, passphrase=None)
    sealing.seal_next(log.store.engine, key=key, now=log.clock())
    ours = read_signer(NOTARY.key.certificate).fingerprint
    sealer = sealing.Sealer(
        log.store.engine,
        key=lambda: NOTARY.key,
        witnesses=[log.witness],
        clock=log.clock,
        operators=lambda: frozenset({ours}),
    )

    assert sealer.step() == 0
    log.write("later")
    assert sealer.step() == 0

    assert "seal 6 is not signed by the operator" in sealer.troubles["log"].en
    assert log.witness.last().content.number == 5
    assert ("seal.signer_untrusted", None, 6) in log.found()


@pytest.mark.parametrize("number", [0, -5, -(2**63)])
def test_a_row_put_in_before_the_first_one_is_found_before_it_is_sealed_and_after(log, number):
    """Rows from before tags were there have none; that lets nobody put one before them."""
    row = redigested(log.rows()[3], action="message.delivered", subject="x", seal_id=None, tag=None)
    log.attack(insert(audit).values(id=number, **row))

    assert log.found() == [("row.forged", number, None)]
    log.seal()
    assert log.found() == [("row.forged", number, 6)]


def test_a_row_without_a_tag_under_a_number_that_was_left_out_is_found(log):
    """On PostgreSQL numbers are left out by transactions that did not commit."""
    log.attack(change(1, id=-9), update(audit).where(audit.c.id == 11).values(seal_id=None))
    row = redigested(log.rows()[3], subject="x", seal_id=None, tag=None)
    log.attack(insert(audit).values(id=1, **row))

    assert ("row.forged", 1, None) in log.found()


def test_steps_of_the_store_without_a_tag_are_only_about_the_store(log):
    row = redigested(log.rows()[3], action="store.upgraded", subject="x", seal_id=None, tag=None)
    log.attack(insert(audit).values(id=50, **row))

    assert log.found() == [("row.forged", 50, None)]


@pytest.mark.parametrize(("number", "seal"), [(4, 2), (11, None)], ids=["sealed", "tail"])
def test_a_detail_that_a_stranger_took_out_as_if_it_had_been_erased_is_found(log, number, seal):
    row = log.rows()[number - 1]
    proof = digest_detail(row.salt, row.detail)
    log.attack(change(number, detail=None, salt=None, erased=proof))

    assert log.found() == [("row.erased_by_stranger", number, seal)]


def test_a_stranger_cannot_write_down_an_erasure(log):
    row = log.rows()[3]
    proof = digest_detail(row.salt, row.detail)
    log.attack(change(4, detail=None, salt=None, erased=proof))
    note = {"action": "audit.erased", "subject": "audit", "detail": '{"numbers":"1-99"}'}
    log.attack(insert(audit).values(id=50, **redigested(row, **note, seal_id=None)))

    assert log.found() == [("row.erased_by_stranger", 4, 2), ("row.forged", 50, None)]


def test_what_says_that_something_was_erased_is_never_erased(log, clock):
    erase_details(log.store, Wanted(subject="b"), actor="an", reason="x", clock=clock)
    count = erase_details(log.store, Wanted(actor="an"), actor="an", reason="y", clock=clock)

    assert count == 6
    assert [row.detail is None for row in log.rows()[-2:]] == [False, False]
    assert log.found() == []


@pytest.mark.parametrize("column", ["at", "entries"])
def test_a_seal_is_not_kept_with_another_time_or_count_than_it_states(log, column):
    value = {"at": log.clock() + timedelta(days=1), "entries": 7}[column]
    log.attack(update(seals).where(seals.c.id == 3).values({column: value}))

    assert log.found()[0] == ("seal.changed", None, 3)


@pytest.mark.parametrize("field", ["number", "entries", "first", "last", "total"])
@pytest.mark.parametrize("value", [-5, 0, 2**62, 10**30, -(10**30)])
@pytest.mark.parametrize("number", [3, 5])
def test_a_seal_with_any_number_in_it_is_found_and_stops_nobody(log, field, value, number):
    body = json.loads(log.seals()[number - 1].body) | {field: value}
    changed = json.dumps(body, sort_keys=True, separators=(",", ":"))
    digest = sha256(changed.encode()).digest()
    log.attack(update(seals).where(seals.c.id == number).values(body=changed, digest=digest))

    assert number in {fault[2] for fault in log.found()}
    make_sealer(log).step()


def make_sealer(log):
    return sealing.Sealer(
        log.store.engine, key=lambda: NOTARY.key, witnesses=[log.witness], clock=log.clock
    )


OF_ANOTHER_KIND = [
    ("audit", "detail", "x'ff00fe'", 4),
    ("audit", "detail", "cast(x'ff00fe' as text)", 4),
    ("audit", "detail", "cast(detail as blob)", 4),
    ("audit", "actor", "x'ff'", 4),
    ("audit", "at", "'garbage'", 4),
    ("audit", "at", "'2026-02-31 00:00:00.000000'", 4),
    ("audit", "at", "5", 4),
    ("audit", "digest", "'text'", 4),
    ("audit", "digest", "7", 11),
    ("audit", "salt", "'text'", 4),
    ("audit", "salt", "999999999999", 4),
    ("audit", "tag", "'text'", 4),
    ("audit", "tag", "x''", 4),
    ("audit", "tag", "5", 4),
    ("audit", "seal_id", "'abc'", 4),
    ("audit", "seal_id", "1.5", 4),
    ("seals", "body", "x'7b7d'", 3),
    ("seals", "body", "cast(body as blob)", 5),
    ("seals", "body", "7", 3),
    ("seals", "id", "'abc'", 3),
    ("seals", "id", "3.5", 3),
    ("seals", "at", "'garbage'", 3),
    ("seals", "digest", "'x'", 3),
    ("seals", "signature", "'x'", 3),
    ("seals", "signer", "x'ff'", 3),
    ("seals", "stamp", "'x'", 3),
    ("seals", "stamp", "999999999999", 3),
    ("seal_signers", "certificates", "x'ff'", None),
    ("seal_signers", "certificates", "5", None),
]


@pytest.mark.parametrize(("table", "column", "value", "number"), OF_ANOTHER_KIND)
def test_a_value_of_another_kind_is_found_and_stops_nobody(log, table, column, value, number):
    """SQLite keeps anything in any column."""
    if log.store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps only what fits")
    where = "" if number is None else f" WHERE id = {number}"
    log.attack(text(f"UPDATE {table} SET {column} = {value}{where}"))

    assert log.found() != []
    if number in (4, 11):
        assert {fault[1] for fault in log.found()} & {number, 3}
    elif number is not None:
        assert {fault[2] for fault in log.found()} & {number}
    make_sealer(log).step()


def test_rows_under_a_seal_whose_number_is_text_are_found(log):
    if log.store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps only what fits")
    seal = dict(log.seals()[0]._mapping)
    log.attack(insert(seals).values(**seal | {"id": 99}))
    row = redigested(log.rows()[3], actor="other") | {"seal_id": 99}
    log.attack(
        insert(audit).values(id=50, **row),
        text("UPDATE seals SET id = 'abc' WHERE id = 99"),
        text("UPDATE audit SET seal_id = 'abc' WHERE id = 50"),
    )

    assert [fault[:2] for fault in log.found(witnesses=[])] == [
        ("seal.put_in", None),
        ("row.seal_missing", 50),
    ]


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"])
@pytest.mark.parametrize(("table", "number"), [("audit", 4), ("seals", 3)])
def test_a_time_that_python_has_not_is_found_and_stops_nobody(log, moment, table, number):
    if log.store.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no such times")
    log.attack(text(f"UPDATE {table} SET at = '{moment}' WHERE id = {number}"))

    code = {"audit": ("row.changed", 4, 2), "seals": ("seal.changed", None, 3)}[table]
    assert code in log.found()
    make_sealer(log).step()


class Meanwhile:
    """A witness; while it is asked the log goes on, and it is told of that before it answers."""

    name = "meanwhile"

    def __init__(self, log, *, cut=False):
        self.log = log
        self.cut = cut

    def remembered(self):
        self.log.write("e")
        self.log.seal()
        if self.cut:
            self.log.attack(
                update(audit).where(audit.c.seal_id == 6).values(seal_id=None),
                delete(seals).where(seals.c.id == 6),
            )
        yield from self.log.witness.remembered()


def test_what_is_sealed_while_the_log_is_checked_is_no_end_that_was_cut_off(log):
    assert log.found(witnesses=[Meanwhile(log)]) == []


def test_a_seal_that_is_gone_before_the_check_ends_was_cut_off(log):
    assert log.found(witnesses=[Meanwhile(log, cut=True)]) == [("log.cut_off", None, 6)]


def test_a_seal_of_meanwhile_is_the_one_that_the_witness_has(log):
    class Other(Meanwhile):
        def remembered(self):
            for one in super().remembered():
                yield replace(one, digest=b"x" * 32) if one.number == 6 else one

    assert log.found(witnesses=[Other(log)]) == [("log.rewritten", None, 6)]


@pytest.mark.parametrize("signer", ["../../trusted", "/tmp/trusted", "x", "ab" * 32])
def test_a_seal_that_somebody_put_in_is_carried_to_no_witness(log, tmp_path, signer):
    """Else whoever writes to the database writes files of ours: a root that is trusted, say."""
    body = json.loads(log.seals()[4].body) | {"number": 6}
    changed = json.dumps(body, sort_keys=True, separators=(",", ":"))
    seal = dict(log.seals()[4]._mapping)
    seal |= {"id": 6, "body": changed, "digest": sha256(changed.encode()).digest()}
    log.attack(
        insert(seals).values(**seal | {"signer": signer}),
        insert(seal_signers).values(fingerprint=signer, certificates="a certificate of mine"),
        update(audit).where(audit.c.seal_id.is_(None)).values(seal_id=6),
    )
    before = sorted(tmp_path.rglob("*"))

    sealer = make_sealer(log)
    sealer.step()

    assert sorted(tmp_path.rglob("*")) == before
    assert [one.number for one in log.witness.remembered()] == [1, 2, 3, 4, 5]
    assert list(sealer.troubles) == ["log"]


def test_a_witness_takes_no_path_for_a_fingerprint(log, tmp_path):
    made = log.seals()[4]
    seal = SignedSeal(body=made.body, signature=made.signature, signer="../../trusted")
    witness = FolderWitness(tmp_path / "other" / "witness")
    (tmp_path / "other" / "witness" / "signers").mkdir(parents=True)

    with pytest.raises(WitnessAway):
        witness.put(seal, certificates="a certificate of mine")

    assert list(tmp_path.rglob("trusted.pem")) == []


def test_a_witness_whose_disk_is_full_is_told_again(log, tmp_path):
    """A disk that is nearly full takes the beginning of a line without an error."""
    witness = FolderWitness(tmp_path / "full")
    made = log.seals()[4]
    seal = SignedSeal(body=made.body, signature=made.signature, signer=made.signer)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    try:
        with pytest.raises(WitnessAway):
            witness.put(seal, certificates="x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    assert list(witness.remembered()) == []
    witness.put(seal, certificates="x")
    assert [one.number for one in witness.remembered()] == [5]

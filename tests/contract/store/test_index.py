"""Messages are found by person, by problem and by time, and the index says what is true."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.event import listen

from lienthong.channels.port import Packet
from lienthong.conversion import Prepared, PreparedEvent
from lienthong.flows.index import begin_again, count_unindexed, index_messages
from lienthong.flows.reread import Source
from lienthong.flows.reseal import reseal
from lienthong.flows.retain import PayloadClass, retain
from lienthong.states import State
from lienthong.store import selection
from lienthong.store.data_keys import SqlKeyStore
from lienthong.store.database import open_store, reading
from lienthong.store.indexing import is_indexed, note_search, replace_problems
from lienthong.store.queries import list_messages, select_ids
from lienthong.store.rotation import rotate
from lienthong.store.selection import Cursor, Selection
from lienthong.store.tables import (
    NO_DEADLINE,
    audit,
    backfills,
    message_problems,
    messages,
    metadata,
    person_index,
)
from lienthong.store.work import begin
from schemas.identities import identity_numbers, identity_numbers_of
from schemas.parser import parse_xml
from schemas.problem import Place, Problem, Severity, Text

LAN, HOA = "079185000123", "024000000"


def problem(code, field=None, severity=Severity.ERROR):
    return Problem(code=code, message=Text(vi=LAN, en=LAN), field=field, severity=severity)


class PersonPipeline:
    """One snapshot per row `dossier,content`; the content is the owner's number, or "bad"."""

    made = 0

    def prepare(self, item, *, now):
        del now
        dossier, number = item.values["dossier"], item.values["content"]
        place = Place(file="a.csv", row=item.number + 1)
        common = {"record": item.number, "place": place, "dossier_code": dossier}
        if number == "bad":
            found = (problem("mapping.code_unknown", "DanhSachLePhi[3].Gia"),)
            return Prepared(events=(), problems=found, **common)
        self.made += 1
        document = f"<BanTin><SoGiayToChuHoSo>{number}</SoGiayToChuHoSo></BanTin>".encode()
        event = PreparedEvent(
            message_id=f"m{self.made:04}",
            packet=Packet.DOSSIER,
            dossier_code=dossier,
            key=None,
            version=None,
            content_digest=sha256(f"{dossier} {number}".encode()).hexdigest(),
            document=document,
            document_digest=sha256(document).hexdigest(),
            identities=identity_numbers({"SoGiayToChuHoSo": number}),
        )
        return Prepared(events=(event,), problems=(), **common)


@pytest.fixture
def desk(desk):
    desk.pipeline = PersonPipeline()
    return desk


def find(store, **wanted):
    with reading(store) as connection:
        return select_ids(connection, Selection(**wanted), vault=store.vault)


def index_of(store):
    """Return what the index says: (digest, message) and (code, message, field)."""
    with reading(store) as connection:
        persons = select(person_index.c.digest, person_index.c.message_id)
        codes = select(
            message_problems.c.code, message_problems.c.message_id, message_problems.c.field
        )
        return (
            sorted(map(tuple, connection.execute(persons))),
            sorted(map(tuple, connection.execute(codes))),
        )


def truth_of(store):
    """Return what it should say of numbers, by the documents that are kept."""
    found = []
    with reading(store) as connection:
        rows = connection.execute(
            select(messages.c.id, messages.c.document).where(messages.c.document.is_not(None))
        ).all()
    for row in rows:
        document = store.vault.open(row.document, context=f"messages.document:{row.id}")
        found += [
            (store.vault.search_digest(number), row.id)
            for number in identity_numbers_of(parse_xml(document))
        ]
    return sorted(found)


def run_through(desk):
    """Have dossiers delivered, repeated, corrected, rejected and reissued."""
    desk.receive(f"H1,{LAN}", f"H2,{HOA}", "H3,bad", "H4,079 185 000 123", key="k1")
    desk.receive(f"H1,{LAN}", f"H2,{LAN}", "H5,", "H6,*********123", key="k2")
    desk.run()
    desk.exchange.step(rounds=8)
    (delivered,) = find(desk.exchange.store, dossier_code="H4")
    desk.exchange.act("reissue", delivered, agencies=desk.agency)


def test_what_was_expanded_and_reissued_is_found_by_person(desk):
    run_through(desk)

    store = desk.exchange.store
    assert index_of(store)[0] == truth_of(store)
    with reading(store) as connection:
        lines = list_messages(connection, Selection(person=" 079.185.000-123"), vault=store.vault)
    assert {line.dossier_code for line in lines} == {"H1", "H2", "H4"}
    assert len(find(store, person=LAN, dossier_code="H4 ")) == 2
    assert len(find(store, person=HOA)) == 1
    assert find(store, person="079185000124") == []
    assert find(store, person="") == []
    assert find(store, person="*********123") == []


def test_erasing_a_document_erases_by_whom_it_is_found(desk):
    run_through(desk)
    store = desk.exchange.store
    desk.exchange.clock.tick(days=10)

    retain(
        store,
        ages={PayloadClass.DOCUMENTS: timedelta(days=1)},
        unqueued=(),
        clock=desk.exchange.clock,
        apply=True,
    )

    assert index_of(store)[0] == truth_of(store)
    assert len(find(store, dossier_code="H1")) == 1
    assert find(store, dossier_code="H1", person=LAN) == []
    assert find(store, problem="mapping.code_unknown") != []


def test_no_table_has_a_number_in_clear_text(desk):
    run_through(desk)
    store = desk.exchange.store
    with begin(store, at=desk.exchange.clock(), actor="an") as work:
        note_search(work, LAN, found=3)

    with reading(store) as connection:
        dump = "\n".join(
            repr(tuple(row))
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        )

    # The sealed ones apart, nobody could tell an unsalted digest of so few digits from the number.
    plain_digest = sha256(LAN.encode()).digest()
    assert len(dump) > 5_000
    assert [word for word in (LAN, HOA, plain_digest.hex()) if word in dump] == []
    assert repr(plain_digest[:16])[2:-1] not in dump


def test_a_search_is_noted_by_whom_and_without_the_number(desk):
    store = desk.exchange.store
    for _ in range(2):
        with begin(store, at=desk.exchange.clock(), actor="an") as work:
            note_search(work, LAN, found=3)

    with reading(store) as connection:
        rows = connection.execute(
            select(audit.c.actor, audit.c.subject, audit.c.detail).where(
                audit.c.action == "message.searched"
            )
        ).all()
    assert [(row.actor, row.subject) for row in rows] == [("an", "person")] * 2
    # Salted each: nobody can tell that both looked for the same person.
    assert rows[0].detail != rows[1].detail
    shape = r'\{"digest":"[0-9a-f]{32}","found":3,"salt":"[0-9a-f]{32}"\}'
    assert all(re.fullmatch(shape, row.detail) for row in rows)


def test_a_person_is_found_after_keys_were_rotated_and_all_was_sealed_anew(desk, tmp_path):
    run_through(desk)
    store = desk.exchange.store
    before = find(store, person=LAN)
    key_file = tmp_path / "store.keys"

    rotate(store.vault.file, SqlKeyStore(store.engine), now=desk.exchange.clock())
    reseal(store, clock=desk.exchange.clock)
    opened = open_store(store.engine, key_file=key_file, now=desk.exchange.clock())

    assert before
    assert find(opened, person=LAN) == before
    assert find(opened, person=LAN) == find(store, person=LAN)


@pytest.mark.parametrize("wanted", ["mapping.code_unknown", "mapping.*", "xsd.*"])
def test_a_code_that_very_many_have_finds_the_same(
    store, exchange, event, clock, monkeypatch, wanted
):
    for number in range(30):
        clock.tick(seconds=1)
        found = ("mapping.code_unknown", "mapping.date", "xsd.length")[: number % 4]
        made = Prepared(
            record=1,
            place=Place(file="a.csv", row=2),
            dossier_code=f"D-{number}",
            events=(event(f"m{number:02}", f"D-{number}"),),
            problems=tuple(problem(code, severity=Severity.WARNING) for code in found),
        )
        exchange.take(made, agency="land" if number % 3 else "health")

    def pages(**more):
        cursor, pages = None, []
        while True:
            wish = Selection(problem=wanted, before=cursor, limit=4, **more)
            with reading(store) as connection:
                lines = list_messages(connection, wish, vault=store.vault)
            pages.append([line.id for line in lines])
            if len(lines) < 4:
                return pages
            cursor = lines[-1].cursor

    ways = [{}, {"agency": "land"}, {"agencies": ["health", "land"], "states": [State.READY]}]
    before = [pages(**way) for way in ways]
    monkeypatch.setattr(selection, "COMMON", 1)

    assert [pages(**way) for way in ways] == before
    assert sum(map(len, before[0])) > 5


def test_codes_follow_what_is_told_of_a_message(desk):
    run_through(desk)
    store = desk.exchange.store
    (rejected,) = find(store, problem="mapping.code_unknown")

    assert index_of(store)[1] == [("mapping.code_unknown", rejected, "DanhSachLePhi.Gia")]
    assert find(store, problem="mapping.*") == [rejected]
    assert find(store, problem="*") == [rejected]
    assert find(store, problem="mapping.code") == []
    assert find(store, problem="mapping_*") == []

    with begin(store, at=desk.exchange.clock()) as work:
        replace_problems(
            work,
            rejected,
            [
                problem("attachments.missing", "TaiLieuNop[1]"),
                problem("attachments.missing", "TaiLieuNop[2]", Severity.WARNING),
                problem("text.repaired", f"cột {LAN}", Severity.WARNING),
            ],
        )
    assert index_of(store)[1] == [
        ("attachments.missing", rejected, "TaiLieuNop"),
        ("text.repaired", rejected, ""),
    ]
    with reading(store) as connection:
        severities = set(connection.execute(select(message_problems.c.severity)).scalars())
    assert severities == {"error", "warning"}


def test_what_was_there_before_the_index_is_gone_through_once(desk, monkeypatch):
    monkeypatch.setattr("lienthong.flows.index.BATCH", 2)
    run_through(desk)
    store, clock = desk.exchange.store, desk.exchange.clock
    before = index_of(store)
    with store.engine.begin() as connection:
        for table in (person_index, message_problems):
            connection.execute(delete(table))
        last = connection.execute(select(func.max(messages.c.id))).scalar()
        connection.execute(insert(backfills).values(name="index", after="", until=last))
    source = Source(store, desk.agency, clock=clock)

    class Stop(Exception):
        pass

    def stop(done, _total):
        if done >= 4:
            raise Stop

    total = count_unindexed(store)
    with pytest.raises(Stop):
        index_messages(store, source, clock=clock, on_progress=stop)
    left = count_unindexed(store)
    told = []
    done = index_messages(store, source, clock=clock, on_progress=lambda *at: told.append(at))

    assert (total, left, done.messages, done.unread) == (total, total - 4, total - 4, ())
    assert told[-1] == (left, left)
    assert index_of(store) == before
    with reading(store) as connection:
        assert is_indexed(connection)
    assert index_messages(store, source, clock=clock).messages == 0


def test_going_through_all_anew_changes_nothing_that_was_right(desk):
    run_through(desk)
    store, clock = desk.exchange.store, desk.exchange.clock
    before = index_of(store)
    with store.engine.begin() as connection:
        broken = connection.execute(
            update(messages)
            .where(messages.c.id == find(store, dossier_code="H1")[0])
            .values(document=b"\x01 changed by somebody, and long enough to be sealed")
            .returning(messages.c.id)
        ).scalar()

    begin_again(store, clock=clock)
    with reading(store) as connection:
        assert not is_indexed(connection)
    done = index_messages(store, Source(store, desk.agency, clock=clock), clock=clock)

    assert done.unread == (broken,)
    assert index_of(store)[0] == [row for row in before[0] if row[1] != broken]
    assert index_of(store)[1] == before[1]


AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def listed(exchange, record, event):
    """Give a store with messages of three agencies that changed at known times."""
    exchange.take(record(1, event("z", "D-0")), agency="land")
    rows = [
        {
            "id": f"{agency}{number:02}",
            "submission_id": "s1",
            "record": number,
            "item": 0,
            "agency": agency,
            "dossier_code": f"D-{number}",
            "packet": "DongBoHoSoMC",
            "state": "parked" if number % 2 else "delivered",
            "place": "{}",
            "mapping": "land@1",
            "deadline": NO_DEADLINE,
            "created_at": AT,
            # Three at a time.
            "updated_at": AT + timedelta(minutes=number // 3),
        }
        for agency in ("land", "health", "trade")
        for number in range(12)
    ]
    with exchange.store.engine.begin() as connection:
        connection.execute(delete(messages).where(messages.c.id == "z"))
        connection.execute(insert(messages), rows)
    order = sorted(rows, key=lambda row: row["id"])
    order.sort(key=lambda row: row["updated_at"], reverse=True)
    return exchange.store, order


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"agencies": {"land", "trade"}},
        {"agencies": {"health"}},
        {"agency": "land", "agencies": {"land", "trade"}},
        {"agency": "health", "agencies": {"land", "trade"}},
        {"agencies": set()},
        {"states": [State.PARKED], "agencies": {"land", "health", "nobody"}},
        {"since": AT + timedelta(minutes=1), "until": AT + timedelta(minutes=3)},
        {"dossier_code": "D-4", "agencies": {"land", "health"}},
    ],
)
@pytest.mark.parametrize("size", [2, 7, 100])
def test_pages_put_together_are_the_whole_list(listed, wanted, size):
    store, order = listed
    expected = [
        row["id"]
        for row in order
        if row["agency"] in wanted.get("agencies", {"land", "health", "trade"})
        and row["agency"] == wanted.get("agency", row["agency"])
        and ("states" not in wanted or row["state"] == "parked")
        and wanted.get("since", AT) <= row["updated_at"]
        and row["updated_at"] < wanted.get("until", AT + timedelta(days=1))
        and row["dossier_code"] == wanted.get("dossier_code", row["dossier_code"])
    ]

    found, cursor = [], None
    while True:
        selection = Selection(**wanted, before=cursor, limit=size)
        with reading(store) as connection:
            page = list_messages(connection, selection, vault=store.vault)
        found += [line.id for line in page]
        if len(page) < size:
            break
        cursor = Cursor.parse(str(page[-1].cursor))

    assert found == expected


def count(store, **wanted):
    with reading(store) as connection:
        return Selection(**wanted).count(connection, vault=store.vault)


ODD = {"states": [State.PARKED]}
LATE = {"since": AT + timedelta(minutes=2)}


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ({}, 36),
        ({"agencies": set()}, 0),
        ({"agencies": {"land", "trade"}}, 24),
        ({"agency": "health", "agencies": {"land", "trade"}}, 0),
        (ODD, 18),
        ({**ODD, "agencies": {"land", "nobody"}}, 6),
        (LATE, 18),
        ({**LATE, **ODD}, 9),
        ({"why": "nobody says so"}, 0),
        ({"dossier_code": "D-4", "agencies": {"land", "health"}}, 2),
        ({"person": "079185000123"}, 0),
        ({"problem": "mapping.*"}, 0),
    ],
)
def test_what_a_search_finds_is_counted(listed, wanted, number):
    store, order = listed
    middle = Cursor(order[9]["updated_at"], order[9]["id"])

    assert count(store, **wanted, before=middle, limit=2) == (number, True)


def test_nobody_counts_further_than_anybody_wants_to_know(listed, monkeypatch):
    store, _ = listed
    monkeypatch.setattr(selection, "MOST_COUNTED", 17)

    assert count(store) == (17, False)
    assert count(store, **ODD) == (17, False)
    assert count(store, why="") == (17, False)
    assert count(store, agency="land") == (12, True)


def test_what_no_index_leads_to_is_counted_among_the_latest(listed, monkeypatch):
    store, _ = listed
    monkeypatch.setattr(selection, "LOOKED_AT", 3 * 6)

    assert count(store, **ODD, **LATE) == (9, False)
    assert count(store, **ODD, since=AT + timedelta(minutes=3)) == (6, True)
    assert count(store, **ODD) == (18, True)


@pytest.mark.parametrize("text", ["", "x", "2026_m1", "20260302T080000.000000Z_"])
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(ValueError, match=r"cursor|time data"):
        Cursor.parse(text)


MANY = 20_000
PLANNED = {
    "dossier": ({"dossier_code": "D-77"}, "messages_dossier"),
    "person": ({"person": LAN}, "person_index_pkey"),
    "problem": ({"problem": "mapping.rare"}, "message_problems_pkey"),
    "beginning of a problem": ({"problem": "mapping.ra*"}, "message_problems_pkey"),
    "one agency": ({"agencies": {"a3"}}, "messages_latest"),
    "several agencies": ({"agencies": {"a3", "a7", "a9"}}, "messages_latest"),
    "all agencies": ({}, "messages_latest"),
}


@pytest.fixture
def crowd(exchange, record, event):
    """Give a store with many messages of ten agencies."""
    exchange.take(record(1, event("z", "D-0")))
    store = exchange.store
    if store.engine.dialect.name != "postgresql":
        pytest.skip("it plans by what stands in its tables")
    digest = store.vault.search_digest(LAN)
    with store.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO messages (id, submission_id, record, item, agency, dossier_code, "
                "packet, state, reason, place, mapping, deadline, attempts, failures, abandons, "
                "was_update, created_at, updated_at) "
                "SELECT 'm' || lpad(n::text, 8, '0'), 's1', n, 0, 'a' || n % 10, 'D-' || n, "
                "'DongBoHoSoMC', 'delivered', '', '{}', 'x', now(), 1, 0, 0, false, now(), "
                "now() - n * interval '1 second' FROM generate_series(1, :many) n"
            ),
            {"many": MANY},
        )
        connection.execute(
            text(
                "INSERT INTO person_index SELECT CASE WHEN n % 5000 = 0 THEN :digest ELSE "
                "decode(md5(n::text), 'hex') END, 'm' || lpad(n::text, 8, '0') "
                "FROM generate_series(1, :many) n"
            ),
            {"digest": digest, "many": MANY},
        )
        connection.execute(
            text(
                "INSERT INTO message_problems SELECT CASE WHEN n % 5000 = 0 THEN 'mapping.rare' "
                "ELSE 'text.repaired' END, 'm' || lpad(n::text, 8, '0'), '', 'warning' "
                "FROM generate_series(1, :many) n"
            ),
            {"many": MANY},
        )
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return store


def plans(store, ask):
    """Return how the database does what `ask` asks of a connection."""
    asked = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        asked.append((statement, parameters))

    listen(store.engine, "before_cursor_execute", note)
    with reading(store) as connection:
        ask(connection)
        return "\n".join(
            row
            for statement, parameters in asked[:]
            for row in connection.exec_driver_sql(
                f"EXPLAIN ANALYZE {statement}", parameters
            ).scalars()
        )


@pytest.mark.parametrize(
    "wanted",
    [
        *(wanted for wanted, _ in PLANNED.values()),
        {"states": [State.DELIVERED]},
        {"states": [State.PARKED]},
        {"states": [State.DELIVERED], "agencies": {"a3", "a7"}},
        {"states": [State.PARKED], "since": AT},
        {"why": "nobody says so"},
        {"problem": "text.*"},
        {"problem": "text.repaired", "states": [State.PARKED]},
    ],
)
def test_counting_looks_at_no_more_than_its_bound(crowd, wanted, monkeypatch):
    monkeypatch.setattr(selection, "MOST_COUNTED", 40)
    monkeypatch.setattr(selection, "LOOKED_AT", 400)
    monkeypatch.setattr(selection, "COMMON", 1_000)

    plan = plans(crowd, lambda store: Selection(**wanted).count(store, vault=crowd.vault))

    assert "Seq Scan" not in plan
    rows = [int(found) for found in re.findall(r"actual time=\S+ rows=(\d+)", plan)]
    skipped = [int(found) for found in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert 0 < max(rows) <= 1_000
    assert max(skipped, default=0) <= 1_000


@pytest.mark.parametrize(("wanted", "index"), PLANNED.values(), ids=PLANNED)
def test_the_database_finds_them_by_an_index(crowd, wanted, index):
    plan = plans(
        crowd,
        lambda store: Selection(**wanted).find(store, [messages.c.id], vault=crowd.vault),
    )

    assert index in plan
    assert "Seq Scan" not in plan
    # Of each agency as many as are asked for, and no more.
    rows = [int(found) for found in re.findall(r"actual time=\S+ rows=(\d+)", plan)]
    assert 0 < max(rows) <= 10 * 50 + 10


def test_sqlite_takes_the_index_of_lists_for_lists(listed):
    store, _ = listed
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by what stands in its tables")
    asked = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        asked.append((statement, parameters))

    listen(store.engine, "before_cursor_execute", note)
    for wanted in ({}, {"agency": "land"}):
        find(store, **wanted)
    with store.engine.connect() as connection:
        plans = [
            "\n".join(
                row.detail
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            )
            for statement, given in asked[:]
            if "ORDER BY" in statement
        ]

    assert len(plans) == 2
    assert all("messages_latest" in plan and "SCAN messages" not in plan for plan in plans)

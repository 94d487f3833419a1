"""What agencies are told: nothing is passed over, whoever commits late, and the words are whole."""

import hashlib
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from time import sleep

import pytest
from sqlalchemy import update
from sqlalchemy.event import listen

from broker.port import BrokerUnavailable, NotTold
from lienthong.channels.port import Answer, Outcome
from lienthong.flows.hints import DELIVER, hint
from lienthong.flows.receive import receive, small_offer
from lienthong.flows.tell import Teller
from lienthong.ids import make_id
from lienthong.store.database import reading
from lienthong.store.expansions import Ended, finish_expansions, open_submissions
from lienthong.store.portal_answers import fields_named
from lienthong.store.results import (
    list_results,
    mark_published,
    may_publish,
    pending,
    result_values,
)
from lienthong.store.submissions import SubmissionState
from lienthong.store.tables import messages, results
from lienthong.store.work import begin
from schemas.problem import Place, Problem, Text

DELIVERED = Answer(outcome=Outcome.DELIVERED, receipt=b"<receipt/>")


@pytest.fixture
def told(exchange):
    """Return what the agency's list holds behind a number."""

    def read(after=0, limit=100, agency="land"):
        return list_results(
            exchange.store, agency=agency, after=after, limit=limit, clock=exchange.clock
        )

    return read


def send(exchange, *records, answer):
    exchange.portal.answers = [answer]
    due = exchange.take(*records)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    exchange.step()


def tell(exchange, kind, *, agency="land"):
    with begin(exchange.store, at=exchange.clock) as work:
        work.tell(agency, kind)


def test_a_delivered_message_is_told_with_its_receipt(exchange, told, event, record):
    send(exchange, record(1, event("m1", "D-1", key="e1")), answer=DELIVERED)

    received, delivered = (result_values(result) for result in told())

    assert (received["kind"], received["state"], received["file"]) == (
        "received",
        "received",
        "a.csv",
    )
    assert received["message_id"] is received["receipt"] is None
    assert delivered == {
        "id": delivered["id"],
        "kind": "delivered",
        "at": "2026-03-02T08:00:00+00:00",
        "agency": "land",
        "submission": "s1",
        "key": None,
        "again": False,
        "file": "a.csv",
        "record": 1,
        "item": 0,
        "dossier": "D-1",
        "message_id": "m1",
        "event_key": "e1",
        "state": "delivered",
        "reason": None,
        "reason_vi": None,
        "receipt": {
            "document": "PHJlY2VpcHQvPg==",
            "digest": "sha256:" + hashlib.sha256(b"<receipt/>").hexdigest(),
        },
        "errors": [],
    }


def test_a_repeat_is_told_with_the_state_and_receipt_of_the_first(exchange, told, event, record):
    send(exchange, record(1, event("m1")), answer=DELIVERED)
    exchange.take(record(3, event("m2")))

    repeated = result_values(told()[-1])

    assert (repeated["kind"], repeated["state"], repeated["message_id"]) == (
        "repeated",
        "delivered",
        "m1",
    )
    assert (repeated["submission"], repeated["record"]) == ("s2", 3)
    assert b64decode(repeated["receipt"]["document"]) == b"<receipt/>"


def test_a_rejected_record_is_told_with_every_error_at_its_place(exchange, told, record):
    exchange.take(record(4, dossier="D-1"))

    rejected = result_values(told()[-1])

    assert (rejected["kind"], rejected["state"], rejected["record"]) == ("rejected", "rejected", 4)
    assert rejected["dossier"] == "D-1"
    assert rejected["errors"] == [
        {
            "code": "mapping.field_missing",
            "severity": "error",
            "dossier": "D-1",
            "message": {"vi": "thiếu", "en": "missing"},
            "source": {},
            "field": None,
            "value": None,
            "suggestion": None,
        }
    ]


def test_a_parked_message_is_told_with_the_portals_own_words(exchange, told, event, record):
    answer = Answer(outcome=Outcome.REJECTED, code="07", message="Mã thủ tục không đúng")
    send(exchange, record(1, event("m1")), answer=answer)

    parked = result_values(told()[-1])

    assert (parked["kind"], parked["state"]) == ("parked", "parked")
    assert (parked["reason"], parked["reason_vi"]) == ("refused by the portal", "Cổng từ chối")
    (error,) = parked["errors"]
    assert error["message"]["vi"] == "Cổng trả lời: 07: Mã thủ tục không đúng"


def test_an_answer_that_names_a_field_is_told_at_its_column(exchange, event, record):
    words = "MaHoSo D-1: NgayTiepNhan sai, Email sai; xem NgayTiepNhan"
    answer = Answer(outcome=Outcome.REJECTED, code="07", message=words)
    send(exchange, record(1, event("m1")), answer=answer)
    asked = []

    def columns(mapping, packet, field):
        asked.append((packet, field))
        return {"NgayTiepNhan": "Ngày nhận"}.get(field)

    told = list_results(
        exchange.store, agency="land", after=0, limit=9, clock=exchange.clock, columns=columns
    )
    parked = result_values(told[-1])

    assert asked == [("DongBoHoSoMC", "NgayTiepNhan"), ("DongBoHoSoMC", "Email")]
    assert [error["field"] for error in parked["errors"]] == ["NgayTiepNhan", "Email"]
    first, second = (error["source"] for error in parked["errors"])
    assert first == {**second, "column": "Ngày nhận"}
    assert second["row"] == 2


def test_an_answer_in_plain_words_is_told_at_the_record(exchange, told, event, record):
    answer = Answer(outcome=Outcome.REJECTED, code="07", message="Hồ sơ thiếu thông tin")
    send(exchange, record(1, event("m1")), answer=answer)

    [error] = result_values(told()[-1])["errors"]

    assert (error["field"], error["source"]["row"]) == (None, 2)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", []),
        ("MaHoSo 1 không hợp lệ", ["MaHoSo"]),
        ("/BanTin/HoSo/NgayHenTra: sai", ["NgayHenTra"]),
        ("TaiLieuNop[2].TenTepDinhKem quá dài", ["TaiLieuNop[2].TenTepDinhKem"]),
        ("ngaytiepnhan, XNgayTiepNhan, NgayTiepNhan2", []),
        ("MaTTHC TenTTHC MaLinhVuc TenLinhVuc ChuHoSo LoaiDoiTuong", []),
        ("a." * 50_000, []),
    ],
)
def test_only_fields_by_their_published_names_are_taken_from_an_answer(words, named):
    assert fields_named(words, packet="DongBoHoSoMC") == named


def test_a_refused_file_is_told_with_its_problem_and_the_senders_key(exchange, told):
    parts = {"store": exchange.store, "broker": exchange.broker, "clock": exchange.clock}
    offer = small_offer(
        b"x", file_name="a.csv", agency="land", door="http", sender="an", key="hand-over-7"
    )
    taken = receive(offer, **parts)
    problem = Problem(
        code="csv.empty", message=Text(vi="trống", en="empty"), place=Place(file="a.csv", row=2)
    )
    with begin(exchange.store, at=exchange.clock) as work:
        (opened,) = open_submissions(work.connection, "land", after=0, limit=1)
        ended = Ended(
            submission=opened,
            records_done=0,
            left_out=0,
            state=SubmissionState.REFUSED,
            problems=[problem],
        )
        finish_expansions(work, [ended])

    received, refused = (result_values(result) for result in told())

    assert [received["kind"], refused["kind"]] == ["received", "refused"]
    assert received["errors"] == []
    assert received["key"] == refused["key"] == "hand-over-7"
    assert refused["submission"] == taken.submission_id
    assert refused["errors"][0]["source"] == {"file": "a.csv", "row": 2}


def test_what_cannot_be_opened_is_told_without_its_words(exchange, told, record):
    exchange.take(record(1, dossier="D-1"))
    with exchange.store.engine.begin() as connection:
        connection.execute(update(messages).values(problems=b"\x01damaged"))

    rejected = result_values(told()[-1])

    assert rejected["kind"] == "rejected"
    assert rejected["errors"][0]["code"].startswith("vault.")


def test_the_list_goes_on_where_the_reader_stopped(exchange, told):
    for number in range(5):
        tell(exchange, f"k{number}")
        tell(exchange, "other", agency="health")

    first = told(limit=2)
    second = told(after=first[-1].number, limit=2)
    third = told(after=second[-1].number, limit=2)

    assert [r.kind for r in (*first, *second, *third)] == ["k0", "k1", "k2", "k3", "k4"]
    assert told(after=third[-1].number) == []
    assert [r.number for r in told(agency="health")] == [1, 2, 3, 4, 5]


def test_a_clock_that_goes_back_hides_nothing(exchange, told):
    tell(exchange, "before")
    (seen,) = told()
    exchange.clock.now -= timedelta(days=1)
    tell(exchange, "after")

    assert [result.kind for result in told(after=seen.number)] == ["after"]


def test_a_transaction_that_commits_late_is_not_passed_over(exchange, told):
    if exchange.store.engine.dialect.name == "sqlite":
        pytest.skip("one writes at a time")
    late = begin(exchange.store, at=exchange.clock)
    work = late.__enter__()
    work.tell("land", "late")
    work.write()
    work._results = []
    exchange.clock.tick(seconds=5)
    tell(exchange, "quick")

    (seen,) = told()
    late.__exit__(None, None, None)

    assert seen.kind == "quick"
    assert [result.kind for result in told(after=seen.number)] == ["late"]


def test_readers_and_writers_at_once_pass_nothing_over(exchange, told):
    count, writers = 40, 3
    seen = {"a": [], "b": []}

    def write(name):
        for number in range(count):
            tell(exchange, f"{name}-{number}")

    def read(name):
        while len(seen[name]) < count * writers:
            after = seen[name][-1].number if seen[name] else 0
            seen[name] += told(after=after, limit=7)

    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(write, name) for name in range(writers)]
        jobs += [pool.submit(read, name) for name in seen]
        for job in jobs:
            job.result(timeout=120)

    for found in seen.values():
        assert [result.number for result in found] == list(range(1, count * writers + 1))
        assert len({result.kind for result in found}) == count * writers


def test_what_is_published_is_not_pending_any_more(exchange):
    for kind in ("a", "b", "c"):
        tell(exchange, kind)
    store = exchange.store
    with reading(store) as connection:
        first = pending(connection, vault=store.vault, limit=2)
    with begin(store, at=exchange.clock) as work:
        mark_published(work, [result.id for result in first])

    with reading(store) as connection:
        rest = pending(connection, vault=store.vault, limit=10)

    assert [[r.kind for r in part] for part in (first, rest)] == [["a", "b"], ["c"]]


def test_one_publishes_at_a_time_so_that_results_stay_in_order(exchange):
    if exchange.store.engine.dialect.name == "sqlite":
        pytest.skip("one writes at a time")
    store = exchange.store
    with begin(store, at=exchange.clock) as one, begin(store, at=exchange.clock) as other:
        answers = [may_publish(one), may_publish(other)]
    with begin(store, at=exchange.clock) as later:
        answers.append(may_publish(later))

    assert answers == [True, False, True]


def test_who_began_earlier_and_waited_is_told_later(exchange):
    if exchange.store.engine.dialect.name == "sqlite":
        pytest.skip("one writes at a time")
    store = replace(exchange.store, has_clock=True)
    with begin(store, at=exchange.clock) as waiting:
        with begin(store, at=exchange.clock) as going_on:
            going_on.tell("land", "first")
        waiting.tell("land", "second")

    with reading(store) as connection:
        told = pending(connection, vault=store.vault, limit=9)
    assert [result.kind for result in told] == ["first", "second"]


def test_what_one_transaction_tells_stays_in_order_whatever_ids_are_made_meanwhile(exchange):
    store = exchange.store
    kinds = [f"k{number}" for number in range(20)]
    with begin(store, at=exchange.clock) as work:
        for kind in kinds:
            work.tell("land", kind)
            make_id(exchange.clock() + timedelta(seconds=1))

    with reading(store) as connection:
        told = pending(connection, vault=store.vault, limit=99)
    assert [result.kind for result in told] == kinds


def teller(exchange, *agencies, outbox=None):
    return Teller(
        outbox=outbox or Queues(),
        agencies=agencies,
        store=exchange.store,
        clock=exchange.clock,
        patience=timedelta(seconds=30),
        steady=exchange.clock.steady,
    )


class SmallQueue:
    """An agency's queue that takes no more when it is full."""

    def __init__(self, *, room):
        self.room = room
        self.queue = []
        self.read = []

    def publish(self, results):
        taken = results[: max(self.room - len(self.queue), 0)]
        self.queue += [result.about for result in taken]
        if len(taken) == len(results):
            return {}
        full = BrokerUnavailable("full")
        return {results[0].agency: NotTold(error=full, taken=len(taken))}


def test_an_agency_that_reads_slowly_gets_each_result_once(exchange):
    store = exchange.store
    keys = [str(number) for number in range(30)]
    with begin(store, at=exchange.clock) as work:
        for key in keys:
            work.tell("land", "refused", key=key, code="c", vi="v", en="e")
    outbox = SmallQueue(room=10)
    here = teller(exchange, "land", outbox=outbox)
    for _ in range(7):
        here.step()
        outbox.read += outbox.queue[:5]
        del outbox.queue[:5]
        exchange.clock.tick(seconds=31)

    assert outbox.read + outbox.queue == keys


def test_a_clock_that_was_set_back_keeps_no_agency_waiting(exchange):
    store, clock = exchange.store, exchange.clock
    outbox = SmallQueue(room=1)
    here = teller(exchange, "land", outbox=outbox)
    with begin(store, at=clock) as work:
        for key in "12":
            work.tell("land", "refused", key=key, code="c", vi="v", en="e")
    clock.jump(days=30)
    assert here.step() == 1
    outbox.room = 2
    clock.jump(days=-30)

    assert here.step() == 0
    clock.tick(seconds=31)
    assert here.step() == 1


def test_an_exchange_that_confirms_late_does_not_get_the_same_results_again(exchange):
    store = exchange.store
    if store.engine.dialect.name == "sqlite":
        pytest.skip("nothing is published inside a transaction")

    def be_impatient(connection, _record):
        connection.execute("SET idle_in_transaction_session_timeout = 200")
        connection.commit()

    listen(store.engine, "connect", be_impatient)
    store.engine.dispose()
    with begin(store, at=exchange.clock) as work:
        work.tell("land", "refused", key="1", code="c", vi="v", en="e")
    published = []

    class Late:
        def publish(self, results):
            published.extend(result.about for result in results)
            sleep(0.6)
            return {}

    here = teller(exchange, "land", outbox=Late())

    assert [here.step(), here.step()] == [1, 0]
    assert published == ["1"]


def test_reading_the_list_and_publishing_do_not_meddle(exchange, told):
    tell(exchange, "a")
    store = exchange.store
    told()
    with begin(store, at=exchange.clock) as work:
        found = pending(work.connection, vault=store.vault, limit=9)
        mark_published(work, [result.id for result in found])

    assert [result.kind for result in told()] == ["a"]
    with store.engine.begin() as connection:
        assert connection.execute(results.select()).one().published_at is not None


class Queues:
    """Takes everything, and remembers whose it was."""

    def __init__(self):
        self.told = []

    def publish(self, posted):
        self.told += [result.agency for result in posted]
        return {}


def unpublished(exchange):
    with reading(exchange.store) as connection:
        found = pending(connection, vault=exchange.store.vault, limit=99)
    return [result.agency for result in found]


def test_an_agency_without_a_queue_is_never_tried(exchange):
    for agency in ("health", "land", "health"):
        tell(exchange, "refused", agency=agency)
    here = teller(exchange, "land")

    assert here.step() == 1
    assert here.step() == 0
    assert here._outbox.told == ["land"]


def test_what_is_never_published_does_not_lie_in_the_way(exchange, told):
    for agency in ("health", "land"):
        tell(exchange, "refused", agency=agency)

    teller(exchange, "land").sort_out()

    assert unpublished(exchange) == ["land"]
    assert len(told(agency="health")) == 1


def test_an_agency_that_gets_a_queue_is_told_what_was_set_aside(exchange):
    for agency in ("health", "land"):
        tell(exchange, "refused", agency=agency)
    before = teller(exchange, "land")
    before.sort_out()
    before.step()

    after = teller(exchange, "land", "health")
    after.sort_out()
    after.step()

    assert after._outbox.told == ["health"]

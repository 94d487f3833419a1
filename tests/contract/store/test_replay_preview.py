"""Previews of resend and reissue: the same as the act would do, and nothing of it stays."""

from datetime import timedelta
from random import Random

import pytest
from lxml import etree
from sqlalchemy import select, text, update

from lienthong.agencies import make_agency
from lienthong.breaker import Breaker
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.flows.replay_preview import TOGETHER, Previewer
from lienthong.pacing import Pacer
from lienthong.reconciliation.asking import PoliteAsker
from lienthong.reconciliation.comparing import CompareRules
from lienthong.reconciliation.looking import PortalView
from lienthong.replay_previews import Document, Totals
from lienthong.retry import Backoff
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.tables import audit, messages, metadata, submissions
from lienthong.store.work import begin
from mappings import compile_mapping, load_mapping

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
MAPPING = """
mapping: land
version: 1
schema: dvcqg-2020
agency: {code: "000.00.15.H29", name: "Sở Thử nghiệm"}
source: {format: csv}
dossier:
  MaHoSo: dossier
  MaTTHC: {constant: "1.001612"}
  TenTTHC: {constant: Thủ tục}
  MaLinhVuc: {constant: G01-TN01}
  TenLinhVuc: {constant: Lĩnh vực}
  ChuHoSo: content
  LoaiDoiTuong: {constant: "1"}
  NgayTiepNhan: {constant: "20260302000000"}
  TrangThaiHoSo: {constant: "2"}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: Đơn vị}
  DanhSachGiayToKetQua:
    split: {from: content, separator: " "}
    fields: {TenGiayTo: value, DuongDanTepTinKetQua: {constant: "https://hoso.example.vn/1"}}
tests: []
"""


class Paper:
    """Signs nothing, which is no matter here."""

    def sign_parsed(self, document, *, signed_at):
        return etree.tostring(document, encoding="UTF-8")


def dump(store):
    """Return everything that the store holds, the numbers it has given out included."""
    told = {}
    with reading(store) as connection:
        for table in metadata.sorted_tables:
            told[table.name] = sorted(map(repr, connection.execute(select(table)).all()))
        counters = {
            "sqlite": "SELECT * FROM sqlite_sequence",
            "postgresql": "SELECT sequencename, last_value FROM pg_sequences",
        }
        query = text(counters[store.engine.dialect.name])
        told["numbers"] = sorted(map(repr, connection.execute(query).all()))
    return told


def rows(desk):
    with reading(desk.exchange.store) as connection:
        return connection.execute(
            select(messages).order_by(messages.c.dossier_code, messages.c.sequence, messages.c.id)
        ).all()


def deliver(desk, *answers, rounds=4):
    desk.exchange.portal.answers = list(answers)
    desk.exchange.clock.tick(seconds=2)
    desk.exchange.step(rounds)


def set_state(desk, message_id, state):
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(
            update(messages).where(messages.c.id == message_id).values(state=state.value)
        )


def portal_view(desk):
    exchange = desk.exchange
    backoff = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=5))
    asker = PoliteAsker(
        channel=exchange.portal,
        pacer=Pacer(breaker=Breaker(threshold=5, backoff=backoff, random=Random(1))),
        agency_codes=lambda _name: "000.00.15.H29",
        clock=exchange.clock,
        wait=lambda seconds: exchange.clock.tick(seconds=seconds),
    )
    rules = CompareRules(shows_content=False, quiet_period=timedelta(minutes=10))
    return PortalView(store=exchange.store, asker=asker, rules=rules, clock=exchange.clock)


def preview(desk, verb, *ids, **more):
    previewer = Previewer(
        store=desk.exchange.store, agencies=desk.agency, clock=desk.exchange.clock, **more
    )
    return list(getattr(previewer, verb)(ids))


def act(desk, verb, *ids):
    more = {"agencies": desk.agency} if verb == "reissue" else {}
    return desk.exchange.act(verb, *ids, **more)


def agree(desk, verb, *ids):
    """Preview, look that nothing stayed, act; return both, which say the same."""
    before = dump(desk.exchange.store)
    told = preview(desk, verb, *ids)
    assert dump(desk.exchange.store) == before
    acted = act(desk, verb, *ids)
    assert [one.message_id for one in told] == [one.message_id for one in acted]
    assert [one.problem for one in told] == [one.problem for one in acted]
    return told, acted


@pytest.fixture
def mapped(desk, tmp_path):
    """Give a desk whose agency has a real mapping, which can be changed: mapped.change(…)."""

    def change(*changes):
        words = MAPPING
        for old, new in changes:
            assert old in words
            words = words.replace(old, new)
        path = tmp_path / "land.yaml"
        path.write_text(words, "utf-8")
        made = make_agency(compile_mapping(load_mapping(path)), signer=Paper())
        desk.agency = lambda _name, _service=None: made

    change()
    desk.change = change
    return desk


def code(number):
    return f"H29.15-260302-{number:04}"


def park_all(desk):
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(update(messages).values(state="parked", due_at=None))


def test_a_changed_mapping_is_told_field_by_field_and_nothing_of_it_stays(mapped):
    mapped.receive(*(f"{code(number)},An Bình" for number in range(1_000)))
    mapped.run()
    park_all(mapped)
    ids = [row.id for row in rows(mapped)]
    assert len(ids) == 1_000
    before = dump(mapped.exchange.store)
    mapped.change(
        ("version: 1", "version: 2"),
        ("{constant: Đơn vị}", "{constant: Một cửa}"),
        ('HinhThuc: {constant: "0"}', 'HinhThuc: {constant: "1"}'),
        ("https://hoso.example.vn/1", "https://hoso.example.vn/2"),
    )

    totals = Totals()
    for one in preview(mapped, "reissue", *ids):
        totals.add(one)
        assert {change.field: (change.before, change.after) for change in one.changes} == {
            "DonViXuLy": ("Đơn vị", "Một cửa"),
            "HinhThuc": ("0", "1"),
            "DanhSachGiayToKetQua[1].DuongDanTepTinKetQua": (
                "https://hoso.example.vn/1",
                "https://hoso.example.vn/2",
            ),
            "DanhSachGiayToKetQua[2].DuongDanTepTinKetQua": (
                "https://hoso.example.vn/1",
                "https://hoso.example.vn/2",
            ),
        }
        assert [change.field for change in one.changes if change.is_code] == ["HinhThuc"]
        assert one.stored.mapping.startswith("land@1 sha256:")
        assert one.made_now_by.startswith("land@2 sha256:")

    assert dump(mapped.exchange.store) == before
    assert (totals.would_go, totals.changed, totals.refused) == (1_000, 1_000, {})
    assert {name: change.dossiers for name, change in totals.differences.by_weight()} == {
        "DonViXuLy": 1_000,
        "HinhThuc": 1_000,
        "DanhSachGiayToKetQua.DuongDanTepTinKetQua": 1_000,
    }


def test_an_unchanged_mapping_changes_nothing(mapped):
    mapped.receive(f"{code(1)},An")
    mapped.run()
    park_all(mapped)

    (told,), _ = agree(mapped, "reissue", *[row.id for row in rows(mapped)])

    assert (told.document, told.is_compared, told.changes) == (Document.KEPT, True, ())


def test_of_a_rejected_record_everything_is_new(mapped):
    mapped.change(
        ('TrangThaiHoSo: {constant: "2"}', 'TrangThaiHoSo: {from: content, codes: {"Mới": "2"}}')
    )
    mapped.receive(f"{code(1)},An")
    mapped.run()
    (old,) = rows(mapped)
    assert old.state == "rejected"
    mapped.change()

    (told,), _ = agree(mapped, "reissue", old.id)

    assert told.document is Document.NONE
    assert {change.before for change in told.changes} == {""}
    after = {change.field: change.after for change in told.changes}
    assert after["MaHoSo"] == code(1)
    assert after["DanhSachGiayToKetQua[1].TenGiayTo"] == "An"
    assert after["MaDonVi"] == "000.00.15.H29"


def test_everything_that_is_still_wrong_is_told_with_its_place(mapped):
    mapped.receive(f"{code(1)},An")
    mapped.run()
    park_all(mapped)
    (old,) = rows(mapped)
    mapped.change(
        ('TrangThaiHoSo: {constant: "2"}', 'TrangThaiHoSo: {from: content, codes: {"Mới": "2"}}'),
        ('NgayTiepNhan: {constant: "20260302000000"}', "NgayTiepNhan: content"),
    )

    (told,), _ = agree(mapped, "reissue", old.id)

    assert {problem.field for problem in told.findings} == {"TrangThaiHoSo", "NgayTiepNhan"}
    assert {problem.place.row for problem in told.findings} == {2}
    assert told.problem == told.findings[0]
    assert (told.new_documents, told.changes, told.is_compared) == (0, (), False)


@pytest.mark.parametrize("verb", ["resend", "reissue"])
def test_preview_and_act_agree_for_every_state(desk, verb):
    desk.pipeline.surprises["D-never"] = KeyError("a bug")
    desk.receive("D-never,a", *(f"D-{state.value},a" for state in State))
    desk.run()
    desk.pipeline.surprises.clear()
    for state in State:
        (row,) = [row for row in rows(desk) if row.dossier_code == f"D-{state.value}"]
        set_state(desk, row.id, state)

    told, _ = agree(desk, verb, "no-such", *[row.id for row in rows(desk)])

    would_go = {one.stored.state.value for one in told if one.problem is None}
    assert (
        would_go
        == {
            "resend": {"parked", "quarantined", "unknown"},
            "reissue": {"parked", "quarantined", "rejected", "delivered"},
        }[verb]
    )
    assert len(told) == len(State) + 2


def reject_equal_records(desk, count):
    desk.pipeline.surprises["D-1"] = KeyError("a bug")
    for _ in range(count):
        desk.receive("D-1,a")
    desk.run()
    desk.pipeline.surprises.clear()
    return [row.id for row in rows(desk)]


def with_code(desk, ids):
    """Have rejected records known by their dossier."""
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(update(messages).values(dossier_code="D-1"))
    return ids


def test_of_two_equal_records_the_second_is_refused_as_in_earnest(desk):
    ids = with_code(desk, reject_equal_records(desk, 2))

    told = preview(desk, "reissue", *ids)

    acted = act(desk, "reissue", *ids)
    assert [one.refused_by for one in told] == [None, "reissue.there_already"]
    assert [one.problem and one.problem.code for one in acted] == [None, "reissue.there_already"]
    # The new message of a preview is never there, and is named by the old one.
    assert told[1].problem.message.en.endswith(
        f"message reissued from {told[0].message_id} already"
    )


def test_one_dossier_is_judged_as_a_whole_however_many_of_its_messages_are_meant(desk):
    ids = with_code(desk, reject_equal_records(desk, TOGETHER + 2))

    told = preview(desk, "reissue", *ids)

    assert [one.problem is None for one in told] == [True] + [False] * (TOGETHER + 1)
    assert {one.judged_without for one in told} == {None}


def test_records_of_an_unknown_dossier_say_without_which_they_were_judged(desk):
    ids = reject_equal_records(desk, TOGETHER + 2)
    assert {row.dossier_code for row in rows(desk)} == {None}

    told = preview(desk, "reissue", *ids)

    going = [one for one in told if one.problem is None]
    assert [one.judged_without for one in going] == [None, going[0].message_id]


def test_a_delivered_message_with_a_newer_snapshot_is_refused_alike(desk):
    for content in "ab":
        desk.receive(f"D-1,{content}")
        desk.run()
        deliver(desk)
    older, newer = rows(desk)

    told, _ = agree(desk, "reissue", older.id)

    assert [one.refused_by for one in told] == ["reissue.not_latest"]
    assert told[0].outlook.newer_snapshots == (newer.id,)
    assert told[0].outlook.acknowledged


def test_an_erased_source_is_refused_with_its_reason(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk)
    (old,) = rows(desk)
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(update(submissions).values(erased_at=desk.exchange.clock()))
        connection.execute(update(messages).values(document=None))

    (told,), _ = agree(desk, "reissue", old.id)

    assert told.refused_by == "reissue.source_erased"
    assert told.document is Document.ERASED
    assert told.made_now_by is None


def test_where_the_kept_document_is_gone_no_field_is_said_to_change(mapped):
    mapped.receive(f"{code(1)},An")
    mapped.run()
    park_all(mapped)
    (old,) = rows(mapped)
    with mapped.exchange.store.engine.begin() as connection:
        connection.execute(update(messages).values(document=b"\x01" + bytes(60)))

    (told,), _ = agree(mapped, "reissue", old.id)

    assert (told.problem, told.document) == (None, Document.UNREADABLE)
    assert (told.new_documents, told.changes, told.is_compared) == (1, (), False)


def test_a_resend_says_what_goes_again_and_how_it_went_before(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk)
    desk.receive("D-1,b")
    desk.run()
    deliver(desk, REJECTED)
    desk.receive("D-1,c")
    desk.run()
    (_, old, *_) = rows(desk)
    with desk.exchange.store.engine.begin() as connection:
        connection.execute(update(messages).where(messages.c.id == old.id).values(state="unknown"))

    (told,), _ = agree(desk, "resend", old.id)

    assert told.document is Document.KEPT
    assert told.stored.digest == old.document_digest
    assert told.stored.attempts == 1
    assert (told.stored.last_attempt.outcome, told.stored.last_attempt.code) == ("rejected", "-1")
    assert (told.outlook.is_turn, told.outlook.is_updating) == (True, True)
    deliver(desk)
    (sent, *_) = [one for one in desk.exchange.portal.sent if one.attempt == 2]
    assert (sent.message_id, sent.is_updating) == (old.id, True)


def test_what_would_wait_says_for_which(desk):
    desk.receive("D-1,a", "D-1,b")
    desk.run()
    first, second = rows(desk)
    set_state(desk, second.id, State.QUARANTINED)

    (told,), _ = agree(desk, "resend", second.id)

    assert (told.outlook.is_turn, told.outlook.waits_for) == (False, first.id)


def test_nobody_waits_for_whoever_reads_a_preview(desk):
    desk.receive(*(f"D-{number},a" for number in range(3)))
    desk.run()
    deliver(desk, *[REJECTED] * 3)
    previewer = Previewer(
        store=desk.exchange.store, agencies=desk.agency, clock=desk.exchange.clock
    )
    telling = previewer.resend([row.id for row in rows(desk)])
    next(telling)

    with begin(desk.exchange.store, at=desk.exchange.clock) as work:
        work.note("test.noted", "x")

    assert len(list(telling)) == 2


def test_no_hint_is_published(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, REJECTED)
    (old,) = rows(desk)
    desk.exchange.broker = None

    assert [one.problem for one in preview(desk, "resend", old.id)] == [None]


def test_the_portal_is_asked_only_where_that_is_wanted_and_once_per_dossier(desk):
    desk.receive("D-1,a", "D-1,b", "D-2,a")
    desk.run()
    deliver(desk, REJECTED, REJECTED, REJECTED, rounds=8)
    ids = [row.id for row in rows(desk)]
    preview(desk, "resend", *ids)
    preview(desk, "reissue", *ids)
    assert desk.exchange.portal.asked == []
    before = dump(desk.exchange.store)
    desk.exchange.portal.look_ups = [
        LookUp(found=Found.PRESENT, status="4"),
        LookUp(found=Found.ABSENT),
    ]

    told = preview(desk, "resend", *ids, portal=portal_view(desk))

    assert desk.exchange.portal.asked == ["D-1", "D-2"]
    assert dump(desk.exchange.store) == before
    by_dossier = {one.stored.dossier_code: one.portal for one in told}
    assert (by_dossier["D-1"].found, by_dossier["D-1"].status) == (Found.PRESENT, "4")
    assert by_dossier["D-1"].discrepancy.kind.value == "unexpected"
    assert (by_dossier["D-2"].found, by_dossier["D-2"].proves) == (Found.ABSENT, True)


def test_an_absence_soon_after_a_delivery_proves_nothing(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk)
    (old,) = rows(desk)
    desk.exchange.portal.look_ups = [LookUp(found=Found.ABSENT)]

    (told,) = preview(desk, "reissue", old.id, portal=portal_view(desk))

    assert (told.problem, told.portal.found, told.portal.proves) == (None, Found.ABSENT, False)


def test_a_portal_that_cannot_be_reached_is_told_in_words_and_left_alone(desk):
    desk.receive("D-1,a", "D-2,a", "D-3,a")
    desk.run()
    deliver(desk, REJECTED, REJECTED, REJECTED)
    failed = LookUp(found=Found.FAILED, detail="connection refused")
    desk.exchange.portal.look_ups = [failed] * 9

    told = preview(desk, "resend", *[row.id for row in rows(desk)], portal=portal_view(desk))

    assert [one.problem for one in told] == [None] * 3
    assert {one.portal.found for one in told} == {Found.FAILED}
    assert all("connection refused" in one.portal.detail for one in told)
    assert set(desk.exchange.portal.asked) == {"D-1"}


def test_a_later_part_of_a_long_order_says_what_it_was_judged_without(desk, monkeypatch):
    desk.receive("D-1,a", "D-1,b", "D-2,a")
    desk.run()
    park_all(desk)
    first, second, other = (row.id for row in rows(desk))
    monkeypatch.setattr("lienthong.store.tables.SLICE", 1)

    told = preview(desk, "reissue", first, second, other)

    assert [one.judged_without for one in told] == [None, first, None]


def test_a_document_with_none_of_our_fields_is_compared_byte_by_byte(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, REJECTED)
    (old,) = rows(desk)
    desk.pipeline.mapped = "mended-{}"

    (told,), (acted,) = agree(desk, "reissue", old.id)

    new = next(row for row in rows(desk) if row.id == acted.new_id)
    (change,) = told.changes
    assert (change.field, change.is_code) == ("SHA-256", True)
    assert (change.before, change.after) == (old.document_digest, new.document_digest)


def test_the_log_is_as_long_as_before(desk):
    desk.receive("D-1,a")
    desk.run()
    deliver(desk, REJECTED)
    (old,) = rows(desk)
    with reading(desk.exchange.store) as connection:
        before = connection.execute(select(audit.c.id)).all()

    preview(desk, "reissue", old.id)
    act(desk, "reissue", old.id)

    with reading(desk.exchange.store) as connection:
        after = connection.execute(select(audit.c.id)).scalars().all()
    assert after == list(range(1, len(after) + 1))
    assert len(after) > len(before)


def test_only_snapshots_are_said_to_update(desk, record, event):
    exchange = desk.exchange
    exchange.take(record(1, event("m1"), event("m2", content="p", packet=Packet.PROGRESS)))
    set_state(desk, "m2", State.PARKED)

    (told,) = preview(desk, "resend", "m2")

    assert told.outlook.is_updating is None

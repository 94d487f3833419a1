"""
The 21 failure modes that implementers of the portal's connection have met, one test each.

Each runs the real roles on a real store against the sandbox, or, where the sandbox would never
say such a thing, against a peer that does. docs/traps.md lists them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import closing
from datetime import timedelta
from itertools import groupby

import pytest
from structlog.testing import capture_logs

from lienthong.channels.port import Packet
from lienthong.channels.soap import SoapChannel
from lienthong.flows.replay import Order, Replayer
from lienthong.sandbox import AdapterLogin, LookUpShows
from lienthong.states import State
from lienthong.testing import forked
from lienthong.testing.portal_site import dossier_code, record, step
from tests.integration.show.scripted import ADAPTER, FACADE, say, target

CHANNELS = ["soap", "dvcqg-json"]
DELIVERED, PARKED, REJECTED = State.DELIVERED, State.PARKED, State.REJECTED
ONLY = dossier_code(1)


def sent_as(portal, dossier=ONLY):
    """Return isUpdating and outcome of each delivery of a dossier."""
    rows = [row for row in portal.ledger.arrivals if row.operation == "DongBoHoSoMC"]
    return [(row.is_updating, row.outcome) for row in rows if row.dossier_code == dossier]


def deliveries(portal):
    operations = {packet.value for packet in Packet}
    return [row for row in portal.ledger.arrivals if row.operation in operations]


def problems_of(site):
    """Return field and code of what is wrong, message by message."""
    return [[(one.field, one.code) for one in line.problems] for line in site.messages()]


@pytest.mark.parametrize("channel", CHANNELS)
def test_mode_01_a_dossier_that_the_portal_has_is_updated_and_no_other(both, open_site, channel):
    here = both(channel)
    here.site.submit(record(1))
    here.site.work()
    here.site.submit(record(1, event=2, trangThai="đang xử lý"))
    here.site.work()
    known = sent_as(here.portal)

    other = open_site(here.portal.target)
    other.submit(record(1, event=3, trangThai="xong"))
    other.work()

    assert known == [(False, "0"), (True, "0")]
    assert sent_as(here.portal)[2:] == [(False, "3"), (True, "0")]
    (line,) = other.messages()
    assert (line.state, line.attempts) == (DELIVERED, 2)
    assert len(here.portal.ledger.effects) == 3


def test_mode_02_a_session_that_ends_is_renewed_and_nothing_of_it_is_seen(both):
    login = AdapterLogin(session_lifetime=timedelta(seconds=0.5))
    # We think that it lasts longer than it does, as with an adapter that was restarted.
    here = both("dvcqg-json", sandbox={"adapter": login}, target={"json": {"session_seconds": 600}})
    for number in (1, 2, 3):
        here.site.submit(record(number))
        here.site.work()

    tries = [here.site.show(line).attempts for line in here.site.messages()]
    logins = [row for row in here.portal.ledger.arrivals if row.operation == "login"]
    assert here.site.states() == [DELIVERED] * 3
    assert [len(attempts) for attempts in tries] == [1, 1, 1]
    assert len(logins) > 1
    assert "10" in {row.outcome for row in deliveries(here.portal)}


@pytest.mark.parametrize("channel", CHANNELS)
def test_mode_03_an_answer_that_comes_too_late_is_asked_for_and_the_add_not_repeated(both, channel):
    times = {"read_timeout_seconds": 0.3, "call_timeout_seconds": 2, "quiet_period_seconds": 3}
    here = both(channel, target=times)
    here.site.submit(record(2))
    here.site.work()
    here.portal.misbehave("slow", delay_seconds=1.2, count=1)
    here.site.submit(record(1))
    here.site.work()

    (line,) = here.site.messages(ONLY)
    seen = here.site.show(line)
    assert line.state is DELIVERED
    assert sent_as(here.portal) == [(False, "0")]
    assert len(here.portal.ledger.effects_by_dossier[ONLY]) == 1
    first, *others = seen.attempts
    assert (first.kind, first.outcome) == ("send", "unknown")
    assert [one.kind for one in others] == ["lookup"] * len(others)


def test_mode_04_a_note_that_is_too_long_stops_its_own_dossier_or_is_left_out_of_it_alone(both):
    # 2,000 characters are the schema's limit; some targets take 500.
    limits = {"max_lengths": {"GhiChu": 500}}
    here = both("dvcqg-json", target={"json": limits})
    lengths = (2001, 501, 500)
    here.site.submit(*(record(n, ghiChu="a" * size) for n, size in enumerate(lengths, start=1)))
    here.site.work()
    rejected, parked, delivered = here.site.messages()

    here.site.open(target={"json": limits | {"too_long": "leave_out"}})
    here.site.submit(record(4, ghiChu="a" * 501))
    here.site.work()

    assert (rejected.state, parked.state, delivered.state) == (REJECTED, PARKED, DELIVERED)
    assert [one.field for one in rejected.problems] == ["GhiChu"]
    (attempt,) = here.site.show(parked).attempts
    assert "GhiChu" in attempt.detail
    assert "this target takes 500" in attempt.detail
    (left_out,) = here.site.messages(dossier_code(4))
    assert left_out.state is DELIVERED
    assert "left out, too long: GhiChu" in here.site.show(left_out).attempts[0].detail


def test_mode_05_a_step_without_words_is_named_and_never_sent_empty(both):
    here = both()
    empty = enumerate([None, "", "  "], start=1)
    here.site.submit(
        *(record(n, quaTrinh=[step(n, 1), step(n, 2, noiDung=words)]) for n, words in empty)
    )
    here.site.work()
    refused, arrivals = here.site.messages(), here.portal.ledger.arrivals
    here.site.submit(record(1, quaTrinh=[step(1, 1), step(1, 2)]))
    here.site.work()

    problems = [one for line in refused for one in line.problems]
    assert [line.state for line in refused] == [REJECTED] * 3
    assert {(one.field, one.code) for one in problems} == {("NoiDungXuLy", "mapping.field_missing")}
    assert [one.place.path for one in problems] == [
        f"data[{n}].quaTrinh[1].noiDung" for n in range(3)
    ]
    assert arrivals == ()
    assert Counter(here.site.states(ONLY)) == {State.SUPERSEDED: 1, DELIVERED: 3}


def test_mode_06_a_time_that_is_missing_is_named_and_never_replaced_by_now(both):
    here = both("dvcqg-json")
    empty = enumerate([None, "", "0000-00-00"], start=1)
    here.site.submit(*(record(n, quaTrinh=[step(n, 1, luc=time)]) for n, time in empty))
    here.site.work()

    missing, date = "mapping.field_missing", "mapping.date_invalid"
    assert here.site.states() == [REJECTED] * 3
    assert problems_of(here.site) == [[("ThoiDiemXuLy", code)] for code in (missing, missing, date)]
    assert here.portal.ledger.arrivals == ()


def test_mode_07_a_status_that_the_target_does_not_take_stops_its_dossier_unless_it_is_mapped(both):
    # It takes 2 and 5 only; which of them 4 is to be is written down by a person.
    codes = {"2": "2", "5": "5", "4": "2"}
    here = both("dvcqg-json", target={"json": {"codes": {"TrangThaiHoSo": codes}}})
    words = ["mới", "bổ sung", "đang xử lý", "xong"]
    here.site.submit(*(record(n, trangThai=word) for n, word in enumerate(words, start=1)))
    here.site.work()

    *_, parked = here.site.messages()
    assert here.site.states() == [DELIVERED, DELIVERED, DELIVERED, PARKED]
    (attempt,) = here.site.show(parked).attempts
    assert "TrangThaiHoSo" in attempt.detail
    assert parked.due_at is None
    assert len(deliveries(here.portal)) == 3


def test_mode_08_a_status_without_a_code_is_never_sent_blank(both):
    here = both("dvcqg-json")
    here.site.submit(record(1, trangThai="treo"), record(2, trangThai=""), record(3))
    here.site.work()

    assert here.site.states() == [REJECTED, REJECTED, DELIVERED]
    assert problems_of(here.site) == [
        [("TrangThaiHoSo", "mapping.code_unknown")],
        [("TrangThaiHoSo", "mapping.field_missing")],
        [],
    ]
    unknown = here.site.messages()[0].problems[0]
    assert (unknown.value, unknown.place.path) == ("treo", "data[0].trangThai")
    assert unknown.suggestion is not None
    assert {row.dossier_code for row in deliveries(here.portal)} == {dossier_code(3)}


def test_mode_09_a_local_procedure_code_is_never_sent_as_if_it_were_national(both):
    here = both("dvcqg-json")
    here.site.submit(record(1, thuTuc="HT_KS01"), record(2, thuTuc="9.999999"), record(3))
    here.site.work()

    assert here.site.states() == [REJECTED, REJECTED, DELIVERED]
    assert problems_of(here.site)[:2] == [
        [("MaTTHC", "mapping.value_refused"), ("TenTTHC", "mapping.lookup_unknown")],
        [("TenTTHC", "mapping.lookup_unknown")],
    ]
    assert {row.dossier_code for row in deliveries(here.portal)} == {dossier_code(3)}


@pytest.mark.parametrize("shows", [LookUpShows.CONTENT, LookUpShows.EXISTENCE])
def test_mode_10_progress_waits_for_its_dossier_and_each_row_has_its_own_fate(both, shows):
    here = both(sandbox={"look_up_shows": shows, "idempotent": True})
    here.portal.misbehave("reject", count=1)
    here.site.submit(record(1, quaTrinh=[step(1, n) for n in (1, 2, 3)]))
    here.site.work()
    waiting, arrived = here.site.states(), deliveries(here.portal)
    here.portal.misbehave("drop_before", share=0.3, count=3)
    here.portal.misbehave("unavailable", share=0.4, count=3)
    here.site.submit(record(1, event=2, chuHoSo="Trần Thị Mẫu"))
    # Where the look-up cannot show a row, a lost one is a person's, and holds up those behind it.
    here.site.work()

    assert waiting == [PARKED, State.HELD, State.HELD, State.HELD]
    assert [row.operation for row in arrived] == ["DongBoHoSoMC"]
    effects = here.portal.ledger.effects
    by_digest = {here.site.show(line).document_digest: line for line in here.site.messages()}
    fates = [by_digest[effect.digest] for effect in effects]
    assert [effect.packet for effect in effects] == [
        "DongBoHoSoMC",
        *["CapNhatTienDoHoSoMC"] * (len(effects) - 1),
    ]
    assert {line.state for line in fates} == {DELIVERED}
    rows = [line for line in here.site.messages() if line.packet is Packet.PROGRESS]
    assert [line.id for line in rows if line.state is DELIVERED] == [one.id for one in fates[1:]]
    if shows is LookUpShows.CONTENT:
        assert {line.state for line in rows} == {DELIVERED}


def test_mode_11_one_error_poisons_no_queue_and_what_passes_is_tried_until_it_has_passed(both):
    here = both("dvcqg-json")
    here.portal.misbehave("reject", count=1)
    here.site.submit(record(1))
    here.site.work()
    here.portal.misbehave("unavailable", count=15)
    here.site.submit(record(1, event=2, ghiChu="đã sửa"), record(2), record(3))
    here.site.work()

    assert [line.state for line in here.site.messages(ONLY)] == [State.SUPERSEDED, DELIVERED]
    assert here.site.states(dossier_code(2)) == here.site.states(dossier_code(3)) == [DELIVERED]
    assert sum(line.attempts for line in here.site.messages()) == 1 + 15 + 3


@pytest.mark.parametrize(
    ("channel", "point"),
    [
        ("soap", "deliver.calling"),
        ("soap", "deliver.answered"),
        ("dvcqg-json", "deliver.answered"),
    ],
)
def test_mode_12_a_crash_between_sent_and_acknowledged_skips_nothing_and_doubles_nothing(
    both, channel, point
):
    here = both(
        channel,
        sandbox={"idempotent": False},
        delivery={"lease_seconds": 3},
        target={"read_timeout_seconds": 1, "call_timeout_seconds": 2},
    )
    here.site.submit(record(1))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIENTHONG_")}
    words = ("run", "--roles", "expand,deliver", "--until-idle")
    killed = forked.run(
        [sys.executable, "-P", "-m", "lienthong", "--settings", here.site.file, *words],
        capture_output=True,
        timeout=60,
        env=kept | {"LIENTHONG_FAILPOINTS": f"{point}=kill@1"},
    )
    between = here.site.states()
    here.site.work()

    assert killed.returncode == -9
    assert between == [State.SENDING]
    assert here.site.states() == [DELIVERED]
    assert len(here.portal.ledger.effects) == 1
    assert here.portal.ledger.doubled_effects == ()


@pytest.mark.parametrize("channel", CHANNELS)
def test_mode_13_each_dossier_keeps_its_order_while_many_calls_are_out_and_some_fail(both, channel):
    here = both(channel, delivery={"slots": 8})
    here.portal.misbehave("unavailable", share=0.2)
    here.portal.misbehave("drop_before", share=0.1)
    words = ["mới", "đang xử lý", "bổ sung", "đang xử lý", "xong"]
    for event, word in enumerate(words, start=1):
        here.site.submit(*(record(n, event=event, trangThai=word) for n in range(1, 13)))
    here.site.work()

    assert set(here.site.states()) == {DELIVERED}
    for number in range(1, 13):
        lines = here.site.messages(dossier_code(number))
        digests = [here.site.show(line).attempts[-1].payload_digest for line in lines]
        if channel == "soap":
            digests = [here.site.show(line).document_digest for line in lines]
        effects = here.portal.ledger.effects_by_dossier[dossier_code(number)]
        # An update whose fate nothing shows goes again, before anything that came after it.
        assert [digest for digest, _ in groupby(effect.digest for effect in effects)] == digests


def test_mode_14_a_person_resends_what_failed_and_cannot_reset_what_arrived(both):
    here = both()
    here.portal.misbehave("reject", count=1)
    here.site.submit(record(1))
    here.site.work()
    here.site.submit(record(2))
    here.site.work()
    parked, arrived = here.site.messages()
    before = here.site.show(parked)
    with closing(here.site.installation.open_broker()) as broker:
        replayer = Replayer(
            store=here.site.installation.store, broker=broker, clock=here.site.installation.clock
        )
        order = Order(actor="an", reason="đã sửa ở Cổng")
        acted = list(replayer.resend([parked.id, arrived.id, "không có"], order=order))
    here.site.work()

    after = here.site.show(parked)
    assert [one.problem is None for one in acted] == [True, False, False]
    assert here.site.states() == [DELIVERED, DELIVERED]
    assert after.document_digest == before.document_digest
    assert after.attempts[0] == before.attempts[0]
    assert len(after.attempts) == 2
    _, resent = [one for one in after.history if one.action == "message.ready"]
    assert (resent.actor, json.loads(resent.detail)["was"]) == ("an", "parked")
    assert "đã sửa ở Cổng" in resent.detail
    assert len(here.portal.ledger.effects) == 2


def test_mode_15_a_bug_of_ours_and_a_page_of_theirs_are_kept_with_their_reason(both, monkeypatch):
    here = both()
    send = SoapChannel.send

    def fail_at_the_first(channel, request):
        if request.dossier_code == ONLY:
            raise KeyError("một lỗi lập trình")
        return send(channel, request)

    monkeypatch.setattr(SoapChannel, "send", fail_at_the_first)
    here.portal.misbehave("maintenance", count=1, pattern=dossier_code(2))
    here.site.submit(record(1), record(2), record(3))
    with capture_logs() as logs:
        here.site.work()

    bug, page, fine = here.site.messages()
    assert [line.state for line in (bug, page, fine)] == [
        State.QUARANTINED,
        State.QUARANTINED,
        DELIVERED,
    ]
    assert here.site.show(bug).attempts[-1].detail == "internal error, see the log"
    (failed,) = [one for one in logs if one["event"] == "delivery.failed"]
    assert failed["message_id"] == bug.id
    assert "KeyError" in str(failed)
    assert "lỗi lập trình" not in str(logs)
    attempt = here.site.show(page).attempts[-1]
    assert attempt.is_answer_whole
    assert attempt.answer_kept == attempt.answer_size > 0


def test_mode_16_months_hours_and_zones_of_a_time_stay_what_they_are(both, values_of):
    here = both()
    times = {
        "2026-03-24T17:45:59Z": "20260325004559",
        "2026-03-24T08:05:06+07:00": "20260324080506",
        "2026-03-24T13:05:00": "20260324130500",
        "2026-12-31T23:59:59-01:00": "20270101075959",
    }
    written = [*times, "2026-13-24T10:00:00"]
    here.site.submit(*(record(n, ngayNhan=time) for n, time in enumerate(written, start=1)))
    here.site.work()

    *good, wrong = here.site.messages()
    sent = [values_of(here.site, line)["NgayTiepNhan"] for line in good]
    assert sent == list(times.values())
    assert [(one.field, one.code) for one in wrong.problems] == [
        ("NgayTiepNhan", "mapping.date_invalid")
    ]


def test_mode_17_a_dossier_without_a_right_number_is_never_given_one(both):
    here = both("dvcqg-json")
    for event in (1, 2):
        here.site.submit(*(record(1, event=event) | {"so": so} for so in ("0042/2026", "", None)))
        here.site.work()
    refused = here.site.messages()
    here.site.submit(record(1, event=3))
    here.site.work()

    assert [line.state for line in refused] == [REJECTED] * 6
    assert {one.field for line in refused for one in line.problems} == {"MaHoSo"}
    assert {row.dossier_code for row in deliveries(here.portal)} == {ONLY}
    assert len(here.portal.ledger.effects) == 1


def test_mode_18_null_blank_and_absent_are_the_same_and_no_record_is_left_lying(both, values_of):
    here = both("dvcqg-json")
    absent = {key: value for key, value in record(3).items() if key != "loai"}
    here.site.submit(record(1, loai=None), record(2, loai=""), absent, record(4, loai="0"))
    here.site.work()

    *same, zero = here.site.messages()
    assert [line.state for line in same] == [DELIVERED] * 3
    assert {values_of(here.site, line)["LoaiDoiTuong"] for line in same} == {"1"}
    assert (zero.state, zero.problems[0].field) == (REJECTED, "LoaiDoiTuong")
    assert [line for line in here.site.messages() if line.due_at is not None] == []


def test_mode_19_words_of_success_alone_are_no_success(json_peer, open_site):
    answers = {
        dossier_code(1): "Đồng bộ thành công".encode(),
        dossier_code(2): "<html>thành công</html>".encode(),
        dossier_code(3): say("0", "Đồng bộ không thành công"),
        dossier_code(4): say("0", "Hồ sơ đã tồn tại, cập nhật thành công"),
        dossier_code(5): say("-7", "thành công"),
        dossier_code(6): say("0", "thành công"),
    }
    peer = json_peer(lambda call: answers[json.loads(call.body)[0]["MaHoSo"]])
    # Several in a row are the portal's trouble; here each is looked at for itself.
    here = open_site(
        target(peer, FACADE, success_texts=["thành công"]), delivery={"strange_answers": 99}
    )
    here.submit(*(record(number) for number in range(1, 7)))
    here.work()

    assert here.states() == [*[State.QUARANTINED] * 5, DELIVERED]
    for line in here.messages():
        (attempt,) = here.show(line).attempts
        assert (line.due_at, attempt.answer_kept) == (None, len(answers[line.dossier_code]))
        assert attempt.detail != ""
    assert len(peer.seen) == 6


@pytest.mark.parametrize(("given", "lines"), [("", 0), ("VN-H29", 1)])
def test_mode_20_dstcode_is_absent_on_the_test_system_and_not_blank(
    json_peer, open_site, given, lines
):
    peer = json_peer(lambda _call: say("0", "Thành công"))
    here = open_site(target(peer, ADAPTER | {"dstcode": given}))
    here.submit(record(1, quaTrinh=[step(1, 1)]))
    here.work()

    assert here.states() == [DELIVERED, DELIVERED]
    assert len(peer.seen) == 3
    assert {call.head.count("dstcode") for call in peer.seen} == {lines}


def test_mode_21_one_dossier_goes_in_each_call_and_an_item_s_own_error_counts(json_peer, open_site):
    def answer(call):
        (item,) = json.loads(call.body)["data"]
        code = "-1" if item["MaHoSo"] == dossier_code(2) else "0"
        return say("0", "Thành công", result=[{"MaHoSo": item["MaHoSo"], "error_code": code}])

    peer = json_peer(answer)
    here = open_site(target(peer, ADAPTER))
    here.submit(*(record(number) for number in (1, 2, 3)))
    here.work()

    assert here.states() == [DELIVERED, State.QUARANTINED, DELIVERED]
    calls = [json.loads(call.body) for call in peer.seen if call.path.endswith("/goi")]
    assert [len(call["data"]) for call in calls] == [1, 1, 1]
    detail = here.show(here.messages()[1]).attempts[-1].detail
    assert detail == "code 0, but an item of the result has another code"

"""Asking authorities over real sockets: nobody waits for them, nothing of theirs is believed."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.revocation import online
from lienthong.revocation.shelf import Shelf
from lienthong.testing.responder import Mood
from signing import Demand, Revocation, Status, VerificationPolicy, Withdrawn, XadesSigner, inspect

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DOCUMENT = b'<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-1"></BanTin>'


@pytest.fixture(params=["crl", "ocsp"])
def key(request, world):
    return world.by_list() if request.param == "crl" else world.by_answer()


def codes(standing):
    return [one.code for one in standing.reasons]


def test_the_first_question_waits_for_nobody_and_the_next_knows(world, key):
    source = world.source()

    assert codes(world.judge(source, key)) == ["revocation.missing"]
    assert source.wait(seconds=5)
    assert world.judge(source, key).status is Status.GOOD
    assert len(world.responder.asked) == 1


def test_a_command_waits_for_the_answer(world, key):
    assert world.judge(world.source(waits=True), key).status is Status.GOOD


def test_who_was_revoked_is_found(world, key):
    world.responder.withdrawn.append(
        Withdrawn(serial=key.certificate.serial_number, at=world.clock.now - DAY)
    )

    standing = world.judge(world.source(waits=True), key)

    assert standing.status is Status.REVOKED
    assert standing.revoked_at == world.clock.now - DAY


def test_a_slow_authority_delays_no_delivery(world, key):
    world.responder.mood = Mood.SLOW
    source = world.source(timeout=timedelta(seconds=1))

    # Whoever waited for its answer would be told that it cannot be reached.
    told = {code for _ in range(50) for code in codes(world.judge(source, key))}

    assert "revocation.unreachable" not in told
    assert source.wait(seconds=5)
    assert len(world.responder.asked) == 1
    assert codes(world.judge(source, key)) == ["revocation.unreachable"]


def test_a_list_of_100_mb_is_not_read_to_its_end(world, key):
    world.responder.mood = Mood.HUGE
    source = world.source(waits=True)

    tracemalloc.start()
    try:
        standing = world.judge(source, key)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert codes(standing) == ["revocation.unreachable"]
    assert peak < 20 * 1024 * 1024
    assert not any(world.folder.glob("*"))


@pytest.mark.parametrize(
    ("mood", "expected"),
    [
        (Mood.STALE, "revocation.stale"),
        (Mood.BROKEN, "revocation.unreachable"),
        (Mood.GARBAGE, "revocation.unreadable"),
        (Mood.REDIRECTING, "revocation.unreachable"),
    ],
)
def test_each_trouble_has_its_own_reason(world, key, mood, expected):
    world.responder.mood = mood

    standing = world.judge(world.source(waits=True), key)

    assert codes(standing) == [expected]
    assert "http://127.0.0.1" in standing.reasons[0].vi
    assert "/elsewhere" not in world.responder.asked


def test_an_answer_for_another_certificate_is_told(world):
    world.by_answer()
    key = world.by_answer()
    world.responder.mood = Mood.OTHER_CERTIFICATE

    standing = world.judge(world.source(waits=True), key)

    assert codes(standing) == ["revocation.other_certificate"]


def test_a_server_that_is_gone_is_left_alone_for_a_while(world, key):
    world.responder.mood = Mood.BROKEN
    source = world.source()

    for minutes in (0, 0, 0.5, 1.5, 2, 3):
        world.clock.now += timedelta(minutes=minutes)
        world.judge(source, key)
        assert source.wait(seconds=5)

    # At 0, after 1 and after 2 more minutes: each pause is twice as long.
    assert len(world.responder.asked) == 3


def test_a_clock_that_was_set_back_leaves_no_server_alone_for_longer(world, key):
    world.responder.mood = Mood.BROKEN
    source = world.source()
    world.clock.jump(timedelta(days=30))
    world.judge(source, key)
    assert source.wait(seconds=5)
    world.clock.jump(timedelta(days=-30))

    world.clock.now += timedelta(minutes=2)
    world.judge(source, key)
    assert source.wait(seconds=5)

    assert len(world.responder.asked) == 2


def test_traffic_goes_on_with_what_is_held_while_the_authority_is_down(world, key):
    source = world.source()
    world.judge(source, key)
    assert source.wait(seconds=5)
    world.responder.mood = Mood.BROKEN

    world.clock.now += timedelta(hours=13)
    assert world.judge(source, key).status is Status.GOOD
    assert source.wait(seconds=5)
    assert len(world.responder.asked) == 2

    world.clock.now += timedelta(hours=13)
    assert codes(world.judge(source, key))[0] == "revocation.stale"


@pytest.mark.parametrize("mood", [Mood.GARBAGE, Mood.STALE, Mood.HUGE])
def test_rubbish_does_not_replace_what_is_held(world, key, mood):
    source = world.source(waits=True)
    held = world.judge(source, key)
    world.responder.mood = mood

    world.clock.now += timedelta(hours=13)
    again = world.judge(source, key)

    assert again.status is Status.GOOD
    assert again.this_update == held.this_update
    assert len(world.responder.asked) == 2


def test_a_new_list_is_fetched_before_the_old_one_ends(world, key):
    source = world.source()
    world.judge(source, key)
    assert source.wait(seconds=5)
    world.responder.withdrawn.append(
        Withdrawn(serial=key.certificate.serial_number, at=world.clock.now)
    )

    world.clock.now += timedelta(hours=11)
    world.judge(source, key)
    assert len(world.responder.asked) == 1
    world.clock.now += timedelta(hours=2)
    world.judge(source, key)
    assert source.wait(seconds=5)

    assert world.judge(source, key).status is Status.REVOKED


def test_what_was_asked_for_is_kept_fresh_while_no_message_comes(world, key, monkeypatch):
    monkeypatch.setattr(online, "RENEW_SECONDS", 0)
    source = world.source()
    world.judge(source, key)
    assert source.wait(seconds=5)

    for _ in range(6):
        world.clock.now += timedelta(hours=13)
        source.renew()
        assert source.wait(seconds=5)
        source.renew()
    world.responder.mood = Mood.BROKEN

    assert world.judge(source, key).status is Status.GOOD
    assert len(world.responder.asked) == 7


def test_the_next_process_finds_what_was_fetched(world, key):
    world.judge(world.source(waits=True), key)
    world.responder.mood = Mood.BROKEN

    assert world.judge(world.source(), key).status is Status.GOOD
    assert len(world.responder.asked) == 1


def test_a_file_that_somebody_changed_is_worth_nothing(world, key):
    world.judge(world.source(waits=True), key)
    (file,) = world.folder.iterdir()
    for changed in (b"", b"{}\n", b"\xff" * 100, file.read_bytes()[:-10]):
        file.write_bytes(changed)
        world.responder.mood = Mood.BROKEN
        assert world.judge(world.source(), key).status is Status.UNDECIDED


def test_many_who_ask_at_once_make_one_call(world):
    key = world.by_list()
    source = world.source()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: world.judge(source, key), range(200)))
    assert source.wait(seconds=5)

    assert world.responder.asked == ["/ca.crl"]


def test_a_forged_certificate_makes_nobody_call(world, tmp_path):
    key = world.issue(lists=[world.responder.list_url], answers=[world.responder.ocsp_url])
    signed = XadesSigner(key).sign(DOCUMENT, signed_at=world.clock.now)
    source = world.source(waits=True)
    revocation = Revocation(demand=Demand.REQUIRED, source=source)

    nobody = inspect(signed, policy=VerificationPolicy(revocation=revocation), now=world.clock.now)
    assert [one.code for one in nobody.reasons] == ["certificate.untrusted"]
    assert world.responder.asked == []

    roots = (world.responder.authority.certificate,)
    policy = VerificationPolicy(trust_anchors=roots, revocation=revocation)
    assert inspect(signed, policy=policy, now=world.clock.now).reasons == ()
    assert sorted(world.responder.asked) == ["/ca.crl", "/ocsp"]


@pytest.mark.parametrize(
    "url",
    [
        "ldap://127.0.0.1/cn=ca",
        "file:///etc/passwd",
        "ftp://127.0.0.1/ca.crl",
        "http://user:secret@127.0.0.1/ca.crl",
        "http:///ca.crl",
        "http://127.0.0.1:99999/ca.crl",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/" + "a" * 3000,
        "http://[::1/ca.crl",
        "",
    ],
)
def test_strange_addresses_are_not_called(world, url):
    key = world.issue(lists=[url])

    assert codes(world.judge(world.source(waits=True), key)) == ["revocation.missing"]


@pytest.mark.parametrize(
    "url", ["http://a..b/ca.crl", "http://127.0.0.1:1/ca.crl", "https://127.0.0.1:1/"]
)
def test_addresses_that_lead_nowhere_are_a_reason_and_no_crash(world, url):
    key = world.issue(lists=[url])

    assert codes(world.judge(world.source(waits=True), key)) == ["revocation.unreachable"]


def test_a_certificate_full_of_addresses_makes_four_calls(world):
    urls = [f"{world.responder.list_url}?{number}" for number in range(100)]
    key = world.issue(lists=urls)

    world.judge(world.source(waits=True), key)

    assert len(world.responder.asked) == 4


def test_a_list_that_certificates_do_not_name_can_be_configured(world):
    key = world.issue()

    source = world.source(waits=True, further_lists=(world.responder.list_url,))

    assert world.judge(source, key).status is Status.GOOD


def test_a_folder_that_cannot_be_written_is_told(world):
    key = world.by_list()
    world.folder.write_text("a file, where a folder should be")

    standing = world.judge(world.source(waits=True), key)

    assert codes(standing) == ["revocation.not_kept"]


def test_what_is_old_is_removed(world, key):
    world.judge(world.source(waits=True), key)
    shelf = Shelf(world.folder, max_bytes=1024 * 1024)
    (file,) = world.folder.iterdir()
    begin = file.stat().st_mtime

    at = datetime.fromtimestamp(begin, UTC)
    shelf.remove_old(now=at + 80 * DAY)
    assert file.exists()
    shelf.remove_old(now=at + 100 * DAY)
    assert not file.exists()

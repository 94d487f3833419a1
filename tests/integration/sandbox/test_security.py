"""The whole way under WS-Security: channel, wire and portal, and everybody who is not let in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import urllib3

from lienthong.channels.port import Found, Outcome, Packet
from schemas.building import SOAP_11, build_look_up
from schemas.model import load_version
from signing import KeyUnusable, Reason, load_pem
from signing.wss import SecurityWriter

SECRET = "mật khẩu thử"
SOAPS = pytest.mark.parametrize("soap", ["1.1", "1.2"])


@SOAPS
def test_a_dossier_arrives_and_is_found_with_signatures_both_ways(
    start, secure, demands, agency, digest_of, soap
):
    sandbox = start(security=demands)
    channel = secure(sandbox, soap=soap)
    request = agency.request(1)

    answer = channel.send(request)
    found = channel.look_up(agency_code=agency.code, dossier_code=request.dossier_code)

    assert (answer.outcome, answer.detail) == (
        Outcome.DELIVERED,
        "error_code 0, receipt verified",
    )
    assert b"SignatureConfirmation" in answer.raw
    assert found.found is Found.PRESENT
    assert found.digest == digest_of(request)
    progress = agency.request(2, packet=Packet.PROGRESS)
    assert channel.send(progress).outcome is Outcome.DELIVERED
    assert [row.outcome for row in sandbox.ledger().arrivals] == ["0", "looked_up", "0"]


def test_the_signed_document_reaches_the_portal_byte_for_byte(
    start, secure, demands, agency, digest_of
):
    sandbox = start(security=demands)
    request = agency.request(1)

    secure(sandbox).send(request)

    assert sandbox.ledger().latest_snapshots == {request.dossier_code: digest_of(request)}


def test_a_resend_has_another_header_around_the_same_document(start, secure, demands, agency):
    sandbox = start(security=demands)
    channel = secure(sandbox)
    request = agency.request(1)

    first = channel.send(request)
    second = channel.send(replace(request, attempt=2))

    assert (first.outcome, second.outcome) == (Outcome.DELIVERED, Outcome.DELIVERED)
    assert first.receipt == second.receipt
    assert sandbox.ledger().repeats == 1
    assert sandbox.ledger().doubled_effects == ()


def test_an_agencys_key_and_a_login_alone_are_let_in(start, secure, demands, agency, pki):
    files = pki.agencies["sotttt"]
    key = load_pem(files.key, files.certificate, passphrase=None)
    assert secure(start(security=demands), key=key).send(agency.request(1)).outcome is (
        Outcome.DELIVERED
    )

    alone = start(security=replace(demands, trust=(), signs_answers=False))
    other = agency.request(2, MaHoSo="H29.14-261124-0002")
    assert secure(alone).send(other).outcome is Outcome.DELIVERED


@SOAPS
@pytest.mark.parametrize(
    ("security", "fault"),
    [
        ({"password": "khác"}, "FailedAuthentication"),
        ({"username": "ai"}, "FailedAuthentication"),
        ({"username": None, "password": ""}, "InvalidSecurity"),
        ({"timestamp": False}, "InvalidSecurity"),
        ({"actor": "urn:other", "answers_confirm": False}, "InvalidSecurity"),
        ({"signature": False, "answers_confirm": False}, "InvalidSecurity"),
    ],
    ids=["password", "name", "no login", "no time", "for another", "not signed"],
)
def test_a_header_that_is_not_as_demanded_stops_the_target_and_not_the_message(
    start, secure, demands, agency, soap, security, fault
):
    sandbox = start(security=demands)

    answer = secure(sandbox, soap=soap, security=security).send(agency.request(1))

    assert (answer.outcome, answer.code) == (Outcome.TARGET, fault)
    assert sandbox.ledger().effects == ()
    assert SECRET not in f"{answer}"


def test_a_wrong_clock_stops_the_target(start, secure, demands, agency):
    sandbox = start(security=demands)
    request = agency.request(1)
    channel = secure(sandbox, security={"clock_skew_seconds": 3600})

    for minutes in (-7, 2):
        late = replace(request, sent_at=request.sent_at + timedelta(minutes=minutes))
        answer = channel.send(late)
        assert (answer.outcome, answer.code) == (Outcome.TARGET, "MessageExpired")

    assert "wss.expired" in sandbox.ledger().arrivals[0].outcome
    assert channel.send(request).outcome is Outcome.DELIVERED


def test_a_key_of_nobody_stops_the_target(start, secure, demands, agency, stranger):
    sandbox = start(security=demands)
    channel = secure(sandbox, key=stranger.signer.key)

    answer = channel.send(agency.request(1))

    assert (answer.outcome, answer.code) == (Outcome.TARGET, "FailedAuthentication")
    assert "certificate.untrusted" in answer.message


def test_a_message_that_is_sent_twice_by_somebody_else_is_refused(start, demands, operator, agency):
    sandbox = start(security=replace(demands, logins={}))
    body = build_look_up(
        load_version("dvcqg-2020"), agency_code=agency.code, dossier_code="H29.14-261124-0001"
    )
    writer = SecurityWriter(soap=SOAP_11, key=operator)
    envelope = writer.write(body, at=agency.request(1).sent_at).envelope
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    with urllib3.PoolManager() as http:
        first, second = (
            http.request("POST", sandbox.url, body=envelope, headers=headers) for _ in range(2)
        )

    assert (first.status, second.status) == (200, 500)
    assert b"InvalidSecurity" in second.data
    assert b"wss.replayed" in second.data
    assert [row.outcome for row in sandbox.ledger().arrivals] == ["looked_up", "wss.replayed"]


def test_answers_are_signed_where_nothing_is_demanded_of_requests(start, secure, demands, agency):
    sandbox = start(security=replace(demands, trust=(), logins={}))
    plain = {"signature": False, "timestamp": False}

    assert secure(sandbox, security=plain).send(agency.request(1)).outcome is Outcome.DELIVERED


def test_an_unsigned_answer_says_nothing(start, secure, demands, agency):
    """Somebody on the way may have written it: whether the dossier arrived has to be asked."""
    sandbox = start(security=replace(demands, signs_answers=False))
    trust = [str(sandbox.config.receipt_certificate)]
    channel = secure(sandbox, security={"signed_answers": True, "answer_trust": trust})

    answer = channel.send(agency.request(1))
    found = channel.look_up(agency_code=agency.code, dossier_code="H29.14-261124-0001")

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.detail == "the answer's WS-Security is not valid: wss.missing"
    assert found.found is Found.FAILED


def test_an_unsigned_fault_does_not_refuse_a_message(start, secure, demands, agency):
    sandbox = start(security=replace(demands, signs_answers=False))
    trust = [str(sandbox.config.receipt_certificate)]
    settings = {"signed_answers": True, "answer_trust": trust, "password": "khác"}

    answer = secure(sandbox, security=settings).send(agency.request(1))

    assert answer.outcome is Outcome.UNKNOWN


def test_an_answer_that_another_signed_says_nothing(start, secure, demands, agency, pki):
    sandbox = start(security=demands)
    channel = secure(sandbox, security={"answer_trust": [str(pki.operator.certificate)]})
    named = secure(sandbox, security={"answer_signers": ["Cổng"]})

    assert "certificate.untrusted" in channel.send(agency.request(1)).detail
    assert "wss.signer_unknown" in named.send(agency.request(1)).detail


def test_without_a_usable_key_nothing_is_sent(start, secure, demands, agency):
    sandbox = start(security=demands)

    def gone():
        raise KeyUnusable(Reason(code="key.missing", vi="không có khóa", en="there is no key"))

    channel = secure(sandbox, key=gone)

    answer = channel.send(agency.request(1))
    found = channel.look_up(agency_code=agency.code, dossier_code="H29.14-261124-0001")

    assert (answer.outcome, answer.detail) == (
        Outcome.WITHHELD,
        "nothing was sent: there is no key",
    )
    assert found.found is Found.WITHHELD
    assert sandbox.ledger().arrivals == ()


def test_a_new_key_takes_over_without_a_new_channel(start, secure, demands, agency, pki, operator):
    files = pki.agencies["sotttt"]
    keys = [operator, load_pem(files.key, files.certificate, passphrase=None)]
    channel = secure(start(security=demands), key=lambda: keys[0])

    assert channel.send(agency.request(1)).outcome is Outcome.DELIVERED
    keys.reverse()
    assert channel.send(agency.request(2, MaHoSo="H29.14-261124-0002")).outcome is (
        Outcome.DELIVERED
    )

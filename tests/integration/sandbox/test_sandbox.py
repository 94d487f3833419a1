"""The sandbox as a portal: what it checks, what it writes down, what it answers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import urllib3

from lienthong.channels.port import Found, Outcome, Packet
from lienthong.sandbox import LookUpShows
from schemas.building import SOAP_11, build_envelope, build_request
from schemas.model import load_version
from signing import load_policy, verify

ONE = "019abcde-0000-7000-8000-000000000001"
DOSSIER = "H29.14-261124-0001"


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
@pytest.mark.parametrize("version", ["dvcqg-2020", "dvcqg-2022"])
def test_a_signed_dossier_is_accepted_and_the_receipt_verifies(
    start, connect, agency, pki, soap, version, digest_of
):
    sandbox = start()
    request = replace(agency, version=version).request(1)

    answer = connect(sandbox, soap=soap).send(request)

    assert (answer.outcome, answer.code) == (Outcome.DELIVERED, "0")
    policy = load_policy([pki.portal.certificate])
    verified = verify(answer.receipt, policy=policy, now=request.sent_at)
    assert digest_of(request).encode() in verified.content
    assert sandbox.ledger().latest_snapshots == {DOSSIER: digest_of(request)}


def test_a_dossier_goes_its_way_in_order(start, connect, agency, digest_of):
    sandbox = start()
    channel = connect(sandbox)
    requests = [
        agency.request(1),
        agency.request(2, packet=Packet.PROGRESS),
        agency.request(3, is_updating=True, TrangThaiHoSo="4"),
        agency.request(4, packet=Packet.PROGRESS, TrangThai="9"),
    ]

    outcomes = [channel.send(request).outcome for request in requests]

    assert outcomes == [Outcome.DELIVERED] * 4
    ledger = sandbox.ledger()
    assert [effect.packet for effect in ledger.effects_by_dossier[DOSSIER]] == [
        "DongBoHoSoMC",
        "CapNhatTienDoHoSoMC",
        "DongBoHoSoMC",
        "CapNhatTienDoHoSoMC",
    ]
    assert ledger.latest_snapshots == {DOSSIER: digest_of(requests[2])}
    assert (ledger.repeats, ledger.doubled_effects) == (0, ())


# ---- rules


def test_an_add_of_an_existing_dossier_is_told_to_exist(start, connect, agency):
    channel = connect(start())
    channel.send(agency.request(1))

    answer = channel.send(agency.request(2))

    assert (answer.outcome, answer.code) == (Outcome.EXISTS, "3")
    assert "Hồ sơ đã tồn tại".encode() in answer.raw


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"is_updating": True}, id="update"),
        pytest.param({"packet": Packet.PROGRESS}, id="progress row"),
    ],
)
def test_what_needs_a_dossier_is_refused_before_it(start, connect, agency, change):
    sandbox = start()

    answer = connect(sandbox).send(agency.request(1, **change))

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, "4")
    assert sandbox.ledger().effects == ()


def test_a_repeat_gets_the_first_answer_and_no_second_effect(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    request = agency.request(1)

    first = channel.send(request)
    second = channel.send(replace(request, is_updating=True, attempt=2))

    assert second.outcome is Outcome.DELIVERED
    assert second.receipt == first.receipt
    ledger = sandbox.ledger()
    assert len(ledger.effects) == 1
    assert [row.attempt for row in ledger.arrivals_by_message[ONE]] == [1, 2]
    assert [row.is_updating for row in ledger.arrivals_by_message[ONE]] == [False, True]
    assert ledger.repeats == 1


def test_a_known_id_with_other_bytes_is_refused(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    channel.send(agency.request(1))

    answer = channel.send(agency.request(1, is_updating=True, TrangThaiHoSo="4"))

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, "5")
    assert len(sandbox.ledger().effects) == 1


def test_without_idempotence_every_accepted_arrival_is_an_effect(start, connect, agency):
    sandbox = start(idempotent=False)
    channel = connect(sandbox)
    channel.send(agency.request(1))
    row = agency.request(2, packet=Packet.PROGRESS)

    outcomes = [channel.send(row).outcome for _ in range(2)]

    assert outcomes == [Outcome.DELIVERED] * 2
    assert sandbox.ledger().doubled_effects == ("019abcde-0000-7000-8000-000000000002",)


# ---- signatures


def test_a_changed_document_is_refused(start, connect, agency):
    sandbox = start()
    request = agency.request(1)
    changed = request.document.replace("Trương".encode(), "Trường".encode())

    answer = connect(sandbox).send(replace(request, document=changed))

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, "6")
    assert "signature.digest_differs" in answer.message
    assert sandbox.ledger().effects == ()


def test_a_signature_nobody_trusts_is_refused(start, connect, stranger):
    answer = connect(start()).send(stranger.request(1))

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, "6")
    assert "certificate.untrusted" in answer.message


def test_an_agency_cannot_sign_for_another(start, connect, agency, other_agency):
    impostor = replace(other_agency, code=agency.code)

    answer = connect(start()).send(impostor.request(1))

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, "7")


def test_an_unsigned_document_is_refused(start, connect, agency):
    request = agency.request(1)
    start_of_signature = request.document.index(b"<ds:Signature")
    bare = request.document[:start_of_signature] + b"</BanTin>"

    answer = connect(start()).send(replace(request, document=bare))

    assert answer.outcome is Outcome.REJECTED
    assert answer.code in {"-1", "6"}


# ---- structure


def test_a_document_against_the_schema_is_refused_with_the_field(start, connect, agency):
    sandbox = start()

    answer = connect(sandbox).send(agency.request(1, TrangThaiHoSo="99"))

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, "-1")
    assert b"TrangThaiHoSo" in answer.raw
    assert [row.outcome for row in sandbox.ledger().arrivals] == ["-1"]


@pytest.mark.parametrize("attempt", ["+1", "01", " 1 "])
def test_an_attempt_that_only_the_schema_takes_is_refused(start, agency, attempt):
    sandbox = start()
    document = agency.request(1).document
    body = (
        f'<CapNhatTienDoHoSoMC xmlns="urn:lienthong:dvcqg:2020"><LanGui>{attempt}</LanGui>'
        "<ThoiDiemGui>20261124100000</ThoiDiemGui><data>"
    ).encode() + document
    data = build_envelope(body + b"</data></CapNhatTienDoHoSoMC>", soap=SOAP_11)

    answer = sandbox.http.request("POST", sandbox.url, body=data)

    assert (answer.status, b"<error_code>-1</error_code>" in answer.data) == (200, True)


def test_a_document_in_another_operations_request_is_refused(start, connect, agency):
    request = replace(agency.request(1), packet=Packet.PROGRESS)

    answer = connect(start()).send(request)

    assert (answer.outcome, answer.code) == (Outcome.REJECTED, "-1")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", b"Client"),
        (b"not XML", b"Client"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"Client"),
        (b"<a/>", b"expected a SOAP envelope"),
        (build_envelope(b"", soap=SOAP_11), b"found 0"),
        (build_envelope(b"<a/><b/>", soap=SOAP_11), b"found 2"),
        (build_envelope(b'<Xoa xmlns="urn:lienthong:dvcqg:2020"/>', soap=SOAP_11), b"operation"),
        (build_envelope(b'<DongBoHoSoMC xmlns="urn:x"/>', soap=SOAP_11), b"operation"),
    ],
)
def test_what_is_not_a_request_gets_a_fault(start, data, words):
    sandbox = start()

    answer = sandbox.http.request("POST", sandbox.url, body=data)

    assert answer.status == 500
    assert words in answer.data


def test_an_empty_request_element_is_refused_and_still_written_down(start):
    sandbox = start()
    data = build_envelope(b'<DongBoHoSoMC xmlns="urn:lienthong:dvcqg:2020"/>', soap=SOAP_11)

    answer = sandbox.http.request("POST", sandbox.url, body=data)

    assert answer.status == 200
    assert b"<error_code>-1</error_code>" in answer.data
    (arrival,) = sandbox.ledger().arrivals
    assert (arrival.operation, arrival.message_id, arrival.outcome) == ("DongBoHoSoMC", None, "-1")


def test_a_request_over_the_limit_is_not_read(start):
    sandbox = start(max_request_bytes=1000)

    answer = sandbox.http.request("POST", sandbox.url, body=b"x" * 1001, retries=False)

    assert answer.status == 413


def test_a_request_without_a_length_is_refused(start):
    sandbox = start()

    answer = sandbox.http.request("POST", sandbox.url, body=iter([b"x"]), chunked=True)

    assert answer.status == 411


# ---- look-ups


@pytest.mark.parametrize(
    ("shows", "found", "has_content"),
    [
        (LookUpShows.NOTHING, Found.ABSENT, False),
        (LookUpShows.EXISTENCE, Found.PRESENT, False),
        (LookUpShows.CONTENT, Found.PRESENT, True),
    ],
)
def test_a_look_up_shows_what_is_configured(
    start, connect, agency, digest_of, shows, found, has_content
):
    channel = connect(start(look_up_shows=shows))
    requests = [agency.request(1), agency.request(2, packet=Packet.PROGRESS)]
    for request in requests:
        channel.send(request)

    answer = channel.look_up(agency_code=agency.code, dossier_code=DOSSIER)

    assert answer.found is found
    assert answer.digest == (digest_of(requests[0]) if has_content else None)
    assert answer.message_id == (ONE if has_content else None)
    assert answer.progress_digests == (
        frozenset({digest_of(requests[1])}) if has_content else frozenset()
    )


def test_a_dossier_that_is_not_there_is_absent(start, connect, agency):
    sandbox = start()

    answer = connect(sandbox).look_up(agency_code=agency.code, dossier_code=DOSSIER)

    assert answer.found is Found.ABSENT
    assert [row.outcome for row in sandbox.ledger().arrivals] == ["looked_up"]


# ---- the description


def test_the_description_names_the_sandboxs_own_address(start):
    sandbox = start()
    base = sandbox.url.removesuffix("/portal")

    for path in ("/?wsdl", "/portal?wsdl", "/portal/dvcqg-2020?wsdl"):
        page = sandbox.http.request("GET", base + path)
        assert page.status == 200
        assert page.data.count(f'location="{sandbox.url}"'.encode()) == 2
        assert b"urn:lienthong:dvcqg:2020" in page.data
    for name in ("dossier.xsd", "messages.xsd"):
        assert sandbox.http.request("GET", f"{sandbox.url}/{name}").status == 200
    assert sandbox.http.request("GET", f"{base}/etc/passwd").status == 404


# ---- what is written down


def test_arrivals_are_durable_before_duplicates_are_looked_for(start, agency):
    # The delay lies between writing down and judging.
    sandbox = start()
    request = agency.request(1)
    body = build_request(
        "DongBoHoSoMC",
        version=load_version("dvcqg-2020"),
        document=request.document,
        attempt=1,
        sent_at=request.sent_at,
        is_updating=False,
    )
    sandbox.misbehave("slow", delay_seconds=600)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        sandbox.http.request(
            "POST",
            sandbox.url,
            body=build_envelope(body, soap=SOAP_11),
            timeout=0.5,
            retries=False,
        )

    ledger = sandbox.ledger()

    assert [(row.message_id, row.outcome) for row in ledger.arrivals] == [(ONE, "pending")]
    assert ledger.effects == ()


def test_the_record_is_fully_synchronous(start):
    sandbox = start()

    with closing(sqlite3.connect(sandbox.config.ledger)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_sandbox_goes_on_where_it_was_stopped(start, connect, agency):
    request = agency.request(1)
    first = connect(start()).send(request)

    again = connect(start()).send(request)

    assert again.receipt == first.receipt

"""WS-Addressing and X-Road on the whole way: channel, WS-Security, sandbox, and another client."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from zeep import Client, Settings
from zeep.exceptions import Fault
from zeep.wsa import WsAddressingPlugin

from lienthong.channels.port import Found, Outcome, Packet
from lienthong.sandbox import HeaderDemands, target_settings
from schemas.building import SOAP_11, build_envelope, build_look_up, build_response
from schemas.model import load_version
from schemas.parser import parse_xml
from signing import Hash, load_pem
from signing.wss import SecurityWriter
from tests.contract.peers import answering, http, peer

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
BOTH = HeaderDemands(addressing=True, xroad=True)
DOSSIER = "H29.14-261124-0001"
WSA = "http://www.w3.org/2005/08/addressing"


def test_a_dossier_is_delivered_and_found_with_the_headers_both_ways(start, connect, agency):
    sandbox = start(headers=BOTH)
    channel = connect(sandbox)
    request = agency.request(1)

    answer = channel.send(request)
    found = channel.look_up(agency_code=agency.code, dossier_code=DOSSIER)
    progress = channel.send(agency.request(2, packet=Packet.PROGRESS))

    blocks = [one.tag.partition("}")[2] for one in parse_xml(answer.raw)[0]]
    assert answer.outcome is Outcome.DELIVERED
    assert blocks == ["RelatesTo", "Action", "client", "service", "id", "protocolVersion"]
    assert found.found is Found.PRESENT
    assert progress.outcome is Outcome.DELIVERED
    assert [row.outcome for row in sandbox.ledger().arrivals] == ["0", "looked_up", "0"]


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_addressing_is_demanded_and_its_absence_told_with_the_published_code(
    start, connect, agency, soap
):
    sandbox = start(headers=HeaderDemands(addressing=True))

    answer = connect(sandbox, soap=soap, addressing=None).send(agency.request(1))
    with_it = connect(sandbox, soap=soap).send(agency.request(1))

    assert answer.code == "MessageAddressingHeaderRequired"
    assert with_it.outcome is Outcome.DELIVERED
    assert [row.outcome for row in sandbox.ledger().arrivals] == [
        "MessageAddressingHeaderRequired",
        "0",
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (None, "Client.MissingHeaderField"),
        ({"service": "client"}, "Server.ServerProxy.UnknownService"),
        ({"client": "service"}, "Server.ClientProxy.UnknownMember"),
        ({"protocol_version": "4.1"}, "Client.InvalidProtocolVersion"),
        ({"service_version": "v9"}, "Server.ServerProxy.UnknownService"),
    ],
)
def test_what_xroad_refuses_is_unknown_until_the_settings_say_that_it_was_not_forwarded(
    start, connect, agency, change, code
):
    sandbox = start(headers=HeaderDemands(xroad=True))
    fitting = target_settings(sandbox.url, config=sandbox.config)["xroad"]
    table = None
    if change is not None:
        table = fitting | {key: fitting.get(value, value) for key, value in change.items()}
    told = None if table is None else table | {"refused_faults": [code]}

    unsure = connect(sandbox, xroad=table).send(agency.request(1))
    sure = connect(sandbox, xroad=told or table).send(agency.request(1))

    assert unsure.code == code
    if change is not None:
        assert (unsure.outcome, sure.outcome) == (Outcome.UNKNOWN, Outcome.TARGET)
    assert sandbox.ledger().effects == ()


@pytest.mark.parametrize("demands", [HeaderDemands(addressing=True), HeaderDemands(xroad=True)])
def test_an_answer_that_names_another_message_leaves_it_open_and_the_look_up_settles_it(
    start, connect, agency, demands
):
    sandbox = start(headers=demands)
    channel = connect(sandbox)
    sandbox.misbehave("wrong_echo", count=1)

    answer = channel.send(agency.request(1))
    found = channel.look_up(agency_code=agency.code, dossier_code=DOSSIER)

    assert (answer.outcome, answer.receipt) == (Outcome.UNKNOWN, None)
    assert "another message" in answer.detail
    assert found.found is Found.PRESENT
    assert len(sandbox.ledger().effects) == 1


def test_a_security_server_that_did_not_forward_leaves_it_open(start, connect, agency):
    sandbox = start(headers=HeaderDemands(xroad=True))
    sandbox.misbehave("proxy_fault", count=1)

    answer = connect(sandbox).send(agency.request(1))

    assert (answer.outcome, answer.code) == (
        Outcome.UNKNOWN,
        "Server.ClientProxy.NetworkError",
    )
    assert sandbox.ledger().effects == ()


# ---- with WS-Security


@pytest.mark.parametrize("digest", [None, *Hash])
def test_the_headers_are_signed_both_ways_with_each_hash(start, secure, demands, agency, digest):
    sandbox = start(security=replace(demands, signs_headers=True), headers=BOTH)

    answer = secure(sandbox, digest=digest).send(agency.request(1))

    assert answer.outcome is Outcome.DELIVERED
    name = (digest or Hash.SHA256).uri
    # 10 header blocks, time, certificate, login and body; WS-Security itself is the signature.
    assert answer.headers.count(f'<ds:DigestMethod Algorithm="{name}">'.encode()) == 12
    assert answer.headers.count(b"<ds:DigestMethod ") == 12


def test_only_those_headers_are_signed_that_the_settings_name(start, secure, demands, agency):
    strict = start(security=replace(demands, signs_headers=True), headers=BOTH)
    lenient = start(security=demands, headers=BOTH)
    security = {"signed_headers": ["wsa:MessageID", "xroad:id"]}

    refused = secure(strict, security=security).send(agency.request(1))
    taken = secure(lenient, security=security).send(agency.request(1))

    assert refused.code == "MessageAddressingHeaderRequired"
    assert taken.outcome is Outcome.DELIVERED
    assert taken.headers.count(b'Id="wss-header-') == 2


def test_none_may_be_signed(start, secure, demands, agency):
    sandbox = start(security=demands, headers=BOTH)

    answer = secure(sandbox, security={"signed_headers": []}).send(agency.request(1))

    assert answer.outcome is Outcome.DELIVERED
    assert b"wss-header-" not in answer.headers


@pytest.mark.parametrize(
    ("place", "outcome"),
    [("headers", Outcome.DELIVERED), ("unsigned", Outcome.UNRECOGNISED)],
)
def test_an_echo_that_nobody_signed_counts_for_nothing(
    start, secure, demands, agency, pki, place, outcome
):
    """The answer is signed; somebody on the way may have put a header around it."""
    sandbox = start(security=replace(demands, trust=(), logins={}))
    request = agency.request(1)
    key = load_pem(pki.portal.key, pki.portal.certificate, passphrase=None)
    body = build_response(
        load_version("dvcqg-2020"), "DongBoHoSoMC", error_code="0", message="Thành công"
    )
    echo = f'<a:RelatesTo xmlns:a="{WSA}">urn:uuid:{request.message_id}</a:RelatesTo>'.encode()
    answer = SecurityWriter(soap=SOAP_11, key=key).write(body, at=NOW, **{place: [echo]})
    settings = {
        "receipts": "none",
        "addressing": {"answers_relate": True},
        "security": {"signature": False, "timestamp": False},
    }

    with peer(answering(http(200, answer.envelope))) as target:
        got = secure(sandbox, endpoint=target.url, **settings).send(request)

    assert got.outcome is outcome


# ---- somebody else's client


def test_zeeps_addressing_is_taken_and_ours_names_what_zeeps_names(start, connect, agency):
    sandbox = start(headers=HeaderDemands(addressing=True))
    plain = Client(f"{sandbox.url}?wsdl", settings=Settings(strict=True))
    client = Client(f"{sandbox.url}?wsdl", plugins=[WsAddressingPlugin()])

    with pytest.raises(Fault) as refused:
        plain.service.TraCuuHoSo(madonvi=agency.code, mahoso=DOSSIER)
    found = client.service.TraCuuHoSo(madonvi=agency.code, mahoso=DOSSIER)

    asked = connect(sandbox).look_up(agency_code=agency.code, dossier_code=DOSSIER)
    theirs = client.create_message(
        client.service, "TraCuuHoSo", madonvi=agency.code, mahoso=DOSSIER
    )
    ours = parse_xml(asked.headers.partition(b"\n\n")[2].join((b"<all>", b"</all>")))
    assert "MessageAddressingHeaderRequired" in refused.value.code
    assert found.error_code == "0"
    assert asked.found is Found.ABSENT
    for name in ("Action", "To"):
        assert ours.findtext(f"{{{WSA}}}{name}") == theirs.findtext(f".//{{{WSA}}}{name}")
    assert ours.findtext(f"{{{WSA}}}MessageID").startswith("urn:uuid:")
    assert theirs.findtext(f".//{{{WSA}}}MessageID").startswith("urn:uuid:")


def test_headers_that_stand_twice_are_refused(start):
    sandbox = start(headers=HeaderDemands(addressing=True))
    block = f'<a:MessageID xmlns:a="{WSA}">urn:x</a:MessageID>'.encode()
    body = build_look_up(load_version("dvcqg-2020"), agency_code="x", dossier_code=DOSSIER)
    data = build_envelope(body, soap=SOAP_11, headers=[block, block])

    answer = sandbox.http.request("POST", sandbox.url, body=data)

    assert answer.status == 500
    assert "MessageAddressingHeaderRequired" in answer.data.decode()

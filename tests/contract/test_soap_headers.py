"""Which headers go out around a message, and which answers they make answers to it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from lienthong.channels.port import Found, Outcome, Packet, SendRequest
from lienthong.channels.profile import TargetProfile
from lienthong.channels.soap import SoapChannel
from schemas.building import (
    SOAP_11,
    SOAP_12,
    build_envelope,
    build_look_up_response,
    build_response,
)
from schemas.model import load_version
from schemas.parser import parse_xml
from signing import canonical_bytes
from tests.contract.peers import answering, http, peer, read_request

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MESSAGE = "019abcde-0000-7000-8000-000000000001"
OTHER = "019abcde-0000-7000-8000-000000000002"
DOSSIER = "H29.14-261124-0001"
VERSION = load_version("dvcqg-2020")
DOCUMENT = f'<BanTin xmlns="{VERSION.namespace}" Id="bt-{MESSAGE}"></BanTin>'.encode()
REQUEST = SendRequest(
    agency="land-registration",
    packet=Packet.DOSSIER,
    message_id=MESSAGE,
    dossier_code=DOSSIER,
    document=DOCUMENT,
    is_updating=False,
    attempt=1,
    sent_at=NOW,
)
WSA = "http://www.w3.org/2005/08/addressing"
XROAD = "http://x-road.eu/xsd/xroad.xsd"
IDS = "http://x-road.eu/xsd/identifiers"
US = {
    "instance": "VN",
    "member_class": "GOV",
    "member_code": "H29",
    "subsystem_code": "motcua",
}
THEM = {"instance": "VN", "member_class": "GOV", "member_code": "G22", "subsystem_code": "dvcqg"}
ADDRESSED = {"addressing": {}}
BY_XROAD = {"xroad": {"client": US, "service": THEM}}


@pytest.fixture
def open_channel():
    with ExitStack() as stack:

        def open_(url, **settings):
            values = {
                "receipts": "none",
                "read_timeout_seconds": 1,
                "connect_timeout_seconds": 1,
                "call_timeout_seconds": 2,
                "look_up_attempts": 1,
            }
            profile = TargetProfile(endpoint=url, **(values | settings))
            channel = SoapChannel(profile, receipt_policy=None, clock=lambda: NOW)
            stack.callback(channel.close)
            return channel

        yield open_


def said(*headers, code="0", soap=SOAP_11):
    body = build_response(VERSION, "DongBoHoSoMC", error_code=code, message="Thành công")
    return http(200, build_envelope(body, soap=soap, headers=headers))


def relates_to(value, kind=""):
    return f'<a:RelatesTo xmlns:a="{WSA}"{kind}>{value}</a:RelatesTo>'.encode()


def header(body):
    """Return the blocks of a request's header, each in canonical form."""
    return [canonical_bytes(one).decode() for one in parse_xml(body)[0]]


def send(open_channel, answer, request=REQUEST, **settings):
    with peer(answering(answer)) as target:
        result = open_channel(target.url, **settings).send(request)
    return result, target.seen[0][1]


# ---- WS-Addressing


def test_without_a_setting_there_is_no_header_at_all(open_channel):
    answer, sent = send(open_channel, said())

    assert answer.outcome is Outcome.DELIVERED
    assert b"Header" not in sent


@pytest.mark.parametrize(("soap", "namespace"), [("1.1", SOAP_11), ("1.2", SOAP_12)])
def test_the_headers_of_addressing_name_the_message_the_target_and_the_action(
    open_channel, soap, namespace
):
    with peer(answering(said(soap=namespace))) as target:
        channel = open_channel(target.url, soap=soap, addressing={"must_understand": True})
        answer = channel.send(REQUEST)
        url = target.url

    root = parse_xml(target.seen[0][1])
    assert header(target.seen[0][1]) == [
        f'<wsa:MessageID xmlns:wsa="{WSA}">urn:uuid:{MESSAGE}</wsa:MessageID>',
        f'<wsa:To xmlns:wsa="{WSA}">{url}</wsa:To>',
        (
            f'<wsa:Action xmlns:soap="{namespace}" xmlns:wsa="{WSA}" soap:mustUnderstand="1">'
            "urn:lienthong:dvcqg:2020:DongBoHoSoMC</wsa:Action>"
        ),
        f'<wsa:ReplyTo xmlns:wsa="{WSA}"><wsa:Address>{WSA}/anonymous</wsa:Address></wsa:ReplyTo>',
    ]
    assert root.tag == f"{{{namespace}}}Envelope"
    assert answer.outcome is Outcome.DELIVERED


def test_a_resend_is_the_same_message_to_addressing(open_channel):
    _, first = send(open_channel, said(), **ADDRESSED)
    _, again = send(open_channel, said(), replace(REQUEST, attempt=2), **ADDRESSED)

    assert header(first)[0] == header(again)[0]


def test_an_address_of_the_settings_is_written_as_text(open_channel):
    _, sent = send(open_channel, said(), addressing={"to": "urn:x?a=1&b=<2>"})

    assert header(sent)[1] == f'<wsa:To xmlns:wsa="{WSA}">urn:x?a=1&amp;b=&lt;2&gt;</wsa:To>'


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ((), Outcome.DELIVERED),
        ((relates_to(f"urn:uuid:{MESSAGE}"),), Outcome.DELIVERED),
        ((relates_to(f"\n urn:uuid:{MESSAGE} "),), Outcome.DELIVERED),
        ((relates_to(f"urn:uuid:{OTHER}"),), Outcome.UNKNOWN),
        ((relates_to(MESSAGE),), Outcome.UNKNOWN),
        ((relates_to(""),), Outcome.UNKNOWN),
        ((relates_to(f"urn:uuid:{MESSAGE}"), relates_to(f"urn:uuid:{OTHER}")), Outcome.UNKNOWN),
        (
            (relates_to(f"urn:uuid:{OTHER}", f' RelationshipType="{WSA}/reply"'),),
            Outcome.UNKNOWN,
        ),
        (
            (relates_to(f"urn:uuid:{OTHER}", ' RelationshipType="urn:batch"'),),
            Outcome.DELIVERED,
        ),
        ((b'<RelatesTo xmlns="urn:another">x</RelatesTo>',), Outcome.DELIVERED),
    ],
)
def test_an_answer_to_another_message_is_no_success(open_channel, headers, outcome):
    answer, _ = send(open_channel, said(*headers), **ADDRESSED)

    assert answer.outcome is outcome


def test_an_answer_to_another_message_is_no_refusal_either(open_channel):
    answer, _ = send(
        open_channel,
        said(relates_to(f"urn:uuid:{OTHER}"), code="44"),
        rejected_codes=["44"],
        **ADDRESSED,
    )

    assert (answer.outcome, answer.detail) == (
        Outcome.UNKNOWN,
        "the answer is to another message (wsa:RelatesTo)",
    )
    assert answer.raw is not None


def test_a_relation_may_be_demanded(open_channel):
    settings = {"addressing": {"answers_relate": True}}

    without, _ = send(open_channel, said(), **settings)
    nobody, _ = send(open_channel, said(relates_to(f"{WSA}/unspecified")), **settings)
    related, _ = send(open_channel, said(relates_to(f"urn:uuid:{MESSAGE}")), **settings)

    assert (without.outcome, without.detail) == (
        Outcome.UNRECOGNISED,
        "an answer without wsa:RelatesTo",
    )
    assert nobody.outcome is Outcome.UNRECOGNISED
    assert related.outcome is Outcome.DELIVERED


def test_a_fault_to_another_message_refuses_nothing(open_channel):
    own = fault("s:Client", relates_to(f"urn:uuid:{MESSAGE}"))
    nobody = fault("s:Client", relates_to(f"{WSA}/unspecified"))
    other = fault("s:Client", relates_to(f"urn:uuid:{OTHER}"))

    outcomes = [send(open_channel, one, **ADDRESSED)[0].outcome for one in (own, nobody, other)]

    assert outcomes == [Outcome.REJECTED, Outcome.REJECTED, Outcome.UNKNOWN]


def test_a_look_up_that_is_answered_for_another_has_failed(open_channel):
    body = build_look_up_response(VERSION, error_code="0", message="")
    ids = []

    def related(connection, seen):
        request = read_request(connection)
        seen.append(request)
        ids.append(parse_xml(request[1])[0][0].text)
        own = ids[-1] if len(ids) < 3 else ids[0]
        envelope = build_envelope(body, soap=SOAP_11, headers=[relates_to(own)])
        connection.sendall(http(200, envelope, headers=["Connection: close"]))

    with peer(related) as target:
        channel = open_channel(target.url, **ADDRESSED)
        found = [channel.look_up(agency_code="x", dossier_code=DOSSIER) for _ in range(3)]

    assert [one.found for one in found] == [Found.ABSENT, Found.ABSENT, Found.FAILED]
    assert found[2].detail == "the answer is to another message (wsa:RelatesTo)"
    assert len(set(ids)) == 3


# ---- X-Road


def xroad_header(sent):
    return {one.partition(">")[0].partition(" ")[0][1:]: one for one in header(sent)}


def echo(*, id_, service="DongBoHoSoMC", version="", member="G22", without=""):
    """Return what a service of X-Road copies from the request into its answer."""
    last = f"<i:serviceVersion>{version}</i:serviceVersion>" if version else ""
    blocks = {
        "service": f'<x:service xmlns:x="{XROAD}" xmlns:i="{IDS}" i:objectType="SERVICE">'
        f"<i:xRoadInstance>VN</i:xRoadInstance><i:memberClass>GOV</i:memberClass>"
        f"<i:memberCode>{member}</i:memberCode><i:subsystemCode>dvcqg</i:subsystemCode>"
        f"<i:serviceCode>{service}</i:serviceCode>{last}</x:service>",
        "id": f'<x:id xmlns:x="{XROAD}">{id_}</x:id>',
    }
    return [text.encode() for name, text in blocks.items() if name != without]


def fault(code, *headers, status=500):
    text = (
        f'<s:Fault xmlns:s="{SOAP_11}"><faultcode>{code}</faultcode>'
        "<faultstring>why</faultstring></s:Fault>"
    )
    return http(status, build_envelope(text.encode(), soap=SOAP_11, headers=headers))


def test_the_headers_of_xroad_are_as_published(open_channel):
    xroad = {
        "client": US,
        "service": THEM,
        "service_version": "v1",
        "user_id": "VN012345678901",
        "issue": "A & B",
    }

    _, sent = send(open_channel, said(), xroad=xroad)

    id_ = parse_xml(sent)[0][3].text
    ns = f'xmlns:id="{IDS}" xmlns:xroad="{XROAD}"'
    assert header(sent) == [
        (
            f'<xroad:client {ns} id:objectType="SUBSYSTEM"><id:xRoadInstance>VN</id:xRoadInstance>'
            "<id:memberClass>GOV</id:memberClass><id:memberCode>H29</id:memberCode>"
            "<id:subsystemCode>motcua</id:subsystemCode></xroad:client>"
        ),
        (
            f'<xroad:service {ns} id:objectType="SERVICE"><id:xRoadInstance>VN</id:xRoadInstance>'
            "<id:memberClass>GOV</id:memberClass><id:memberCode>G22</id:memberCode>"
            "<id:subsystemCode>dvcqg</id:subsystemCode><id:serviceCode>DongBoHoSoMC</id:serviceCode>"
            "<id:serviceVersion>v1</id:serviceVersion></xroad:service>"
        ),
        f'<xroad:userId xmlns:xroad="{XROAD}">VN012345678901</xroad:userId>',
        f'<xroad:id xmlns:xroad="{XROAD}">{id_}</xroad:id>',
        f'<xroad:issue xmlns:xroad="{XROAD}">A &amp; B</xroad:issue>',
        f'<xroad:protocolVersion xmlns:xroad="{XROAD}">4.0</xroad:protocolVersion>',
    ]
    assert UUID(id_).version == 5
    # The element in the body is named as the service's code: section 2.3.
    assert parse_xml(sent)[1][0].tag == f"{{{VERSION.namespace}}}DongBoHoSoMC"


def test_each_attempt_has_an_id_of_its_own_that_can_be_computed_again(open_channel):
    sent = [
        send(open_channel, said(), replace(REQUEST, attempt=number), **BY_XROAD)[1]
        for number in (1, 2, 1)
    ]

    ids = [parse_xml(one)[0][2].text for one in sent]
    assert ids == [uuid(1), uuid(2), uuid(1)]


def uuid(attempt):
    """Return what whoever looks for an attempt in X-Road's log computes."""
    return str(uuid5(NAMESPACE_URL, f"urn:uuid:{MESSAGE}#{attempt}"))


@pytest.fixture
def own_id(open_channel):
    _, sent = send(open_channel, said(), **BY_XROAD)
    return xroad_header(sent)["xroad:id"].partition(">")[2].partition("<")[0]


def test_the_echo_of_id_and_service_makes_an_answer(open_channel, own_id):
    answer, _ = send(open_channel, said(*echo(id_=own_id)), **BY_XROAD)

    assert answer.outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("change", "outcome", "words"),
    [
        ({"id_": OTHER}, Outcome.UNKNOWN, "to another message (X-Road id)"),
        ({"service": "CapNhatTienDoHoSoMC"}, Outcome.UNKNOWN, "of another service"),
        ({"version": "v1"}, Outcome.UNKNOWN, "of another service"),
        ({"member": "G23"}, Outcome.UNKNOWN, "of another service"),
        ({"without": "id"}, Outcome.UNRECOGNISED, "without X-Road's id and service"),
        ({"without": "service"}, Outcome.UNRECOGNISED, "without X-Road's id and service"),
    ],
)
def test_an_answer_without_the_right_echo_is_no_success(
    open_channel, own_id, change, outcome, words
):
    answer, _ = send(open_channel, said(*echo(**({"id_": own_id} | change))), **BY_XROAD)

    assert answer.outcome is outcome
    assert words in answer.detail


def test_an_echo_that_stands_twice_is_none(open_channel, own_id):
    blocks = echo(id_=own_id)

    answer, _ = send(open_channel, said(*blocks, *blocks), **BY_XROAD)

    assert answer.outcome is Outcome.UNRECOGNISED


@pytest.mark.parametrize(
    ("code", "settings", "outcome"),
    [
        ("Server.ServerProxy.AccessDenied", {}, Outcome.UNKNOWN),
        ("Server.ClientProxy.UnknownMember", {}, Outcome.UNKNOWN),
        ("Client.MissingHeaderField", {}, Outcome.UNKNOWN),
        ("SOAP-ENV:Client", {}, Outcome.REJECTED),
        ("SOAP-ENV:Server", {}, Outcome.UNKNOWN),
        ("Server.ClientProxy.UnknownMember", {"refused": ["Server.ClientProxy"]}, Outcome.TARGET),
        ("Server.ServerProxy.AccessDenied", {"refused": ["Server.ClientProxy"]}, Outcome.UNKNOWN),
        ("Server.ClientProxyX.Gone", {"refused": ["Server.ClientProxy"]}, Outcome.UNKNOWN),
        ("Server.ClientProxy", {"refused": ["Server.ClientProxy"]}, Outcome.TARGET),
        (
            "Server.ClientProxy.NetworkError",
            {"busy_faults": ["Server.ClientProxy.NetworkError"], "refused": ["Server.ClientProxy"]},
            Outcome.BUSY,
        ),
        (
            "Client.InvalidBody",
            {"rejected_faults": ["Client", "Client.InvalidBody"]},
            Outcome.REJECTED,
        ),
        ("Client.InvalidBody", {"busy_faults": ["Client"], "rejected_faults": []}, Outcome.UNKNOWN),
        ("Server." * 5000 + "X", {}, Outcome.UNKNOWN),
        (".", {}, Outcome.UNKNOWN),
    ],
)
def test_a_fault_of_a_security_server_says_only_what_the_settings_make_of_it(
    open_channel, code, settings, outcome
):
    xroad = BY_XROAD["xroad"] | {"refused_faults": settings.pop("refused", [])}

    answer, _ = send(open_channel, fault(code), xroad=xroad, **settings)

    assert answer.outcome is outcome


def test_a_fault_that_names_another_message_says_nothing_of_ours(open_channel):
    xroad = BY_XROAD["xroad"] | {"refused_faults": ["Server.ClientProxy"]}

    answer, _ = send(
        open_channel, fault("Server.ClientProxy.UnknownMember", *echo(id_=OTHER)), xroad=xroad
    )

    assert answer.outcome is Outcome.UNKNOWN


# ---- what is kept


def test_the_headers_are_kept_with_the_answer_and_with_a_lost_one(open_channel, own_id):
    answer, sent = send(open_channel, said(*echo(id_=own_id)), **BY_XROAD, **ADDRESSED)
    lost, _ = send(open_channel, b"", **ADDRESSED)

    http_part, _, soap_part = answer.headers.decode().partition("\n\n")
    assert http_part.splitlines()[-1] == 'SOAPAction: "urn:lienthong:dvcqg:2020:DongBoHoSoMC"'
    assert soap_part.encode() in sent
    assert soap_part.startswith("<wsa:MessageID ")
    assert soap_part.endswith("</xroad:protocolVersion>")
    assert lost.outcome is Outcome.UNKNOWN
    assert f"urn:uuid:{MESSAGE}".encode() in lost.headers


def test_of_what_never_left_no_headers_are_kept(open_channel):
    answer = open_channel("http://no-such-host.invalid/", **ADDRESSED).send(REQUEST)

    assert (answer.outcome, answer.headers) == (Outcome.NOT_SENT, None)

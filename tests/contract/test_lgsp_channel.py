"""What goes out to an LGSP, what its answers mean, and that its secrets go nowhere else."""

import json
import ssl
import threading
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs

import pytest

from lienthong.channels.payloads import derive_again
from lienthong.channels.port import Found, Outcome, Packet, SendRequest
from lienthong.channels.profile import TargetProfile
from schemas.errors import ConfigError
from tests.contract.json_site import (
    DOSSIER,
    JSON_DOCUMENT,
    MADE_AT,
    MESSAGE,
    PROGRESS_VALUES,
    VALUES,
    build_document,
)
from tests.contract.lgsp_site import LGSP, open_lgsp
from tests.contract.peers import answering, http, make_tls, peer, read_request

REQUEST = SendRequest(
    agency="land-registration",
    packet=Packet.DOSSIER,
    message_id=MESSAGE,
    dossier_code=DOSSIER,
    document=JSON_DOCUMENT,
    is_updating=False,
    attempt=1,
    sent_at=MADE_AT,
)
PROGRESS = replace(
    REQUEST,
    packet=Packet.PROGRESS,
    document=build_document(PROGRESS_VALUES, packet="CapNhatTienDoHoSoMC"),
)
PATIENCE = {
    "read_timeout_seconds": 1,
    "connect_timeout_seconds": 1,
    "call_timeout_seconds": 2,
    "look_up_attempts": 1,
}
OK = {"Status": 0, "Message": "Thành công"}
TOKEN = {"access_token": "the-2", "token_type": "Bearer", "expires_in": 3600, "scope": "x"}
ACCESS = {
    "app_name": "mot-cua",
    "access_key": "khoa-truy-cap",
    "secret_key": "khoa-bi-mat",
    "partner_code": "H29",
}
NO_TOKEN = {"token_endpoint": "", "client_id": "", "client_secret": "", "access": ACCESS}
HCM = {
    "StatusCode": 200,
    "Status": "SUCCESS",
    "ThrowException": None,
    "Description": "ok",
    "ResultObject": None,
}


class Time:
    def __init__(self):
        self.now = MADE_AT

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def open_channel(tmp_path, clock):
    channels = []

    def open_(url, **settings):
        channel = open_lgsp(url, folder=tmp_path, clock=clock, **(PATIENCE | settings))
        channels.append(channel)
        return channel

    yield open_
    for channel in channels:
        channel.close()


def said(value, *, status=200):
    data = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return http(status, data)


def send(open_channel, *answers, request=REQUEST, **settings):
    """Send once to a peer that gives these answers on one connection."""
    with peer(answering(*answers)) as target:
        answer = open_channel(target.url, **settings).send(request)
    return answer, target


def header_of(request, name):
    for line in request[0].decode().split("\r\n"):
        if line.lower().startswith(f"{name}:"):
            return line.partition(": ")[2]
    return None


# ---- what goes out


def test_a_dossier_goes_out_as_one_object_with_the_token(open_channel):
    answer, target = send(open_channel, said(OK))

    head, body = target.seen[0]
    assert head.startswith(b"POST /portal/Document/SyncDocument HTTP/1.1\r\n")
    assert header_of(target.seen[0], "authorization") == "Bearer the-1"
    assert json.loads(body)["DocCode"] == DOSSIER
    assert answer.outcome is Outcome.DELIVERED
    assert answer.payload_digest == sha256(body).hexdigest()
    assert (answer.receipt, answer.raw) == (None, json.dumps(OK, ensure_ascii=False).encode())


def test_what_was_sent_can_be_made_again_from_the_document(open_channel):
    with peer(answering(said(OK))) as target:
        channel = open_channel(target.url)
        answer = channel.send(REQUEST)

    again = derive_again(channel._profile, REQUEST.document)
    assert sha256(again).hexdigest() == answer.payload_digest


def test_a_row_of_progress_goes_to_its_own_address(open_channel):
    answer, target = send(open_channel, said(OK), request=PROGRESS)

    assert target.seen[0][0].startswith(b"POST /portal/Document/UpdateDocumentTraces HTTP")
    assert json.loads(target.seen[0][1])["OrganizationInchargeName"] == "Sở thử nghiệm"
    assert answer.outcome is Outcome.DELIVERED


def test_an_update_and_a_resend_are_the_same_bytes(open_channel):
    first, one = send(open_channel, said(OK))
    again, other = send(
        open_channel, said(OK), request=replace(REQUEST, is_updating=True, attempt=7)
    )

    assert one.seen[0][1] == other.seen[0][1]
    assert first.payload_digest == again.payload_digest


def test_what_the_dossier_cannot_give_stops_it_with_every_reason_before_a_byte_leaves(
    open_channel,
):
    document = build_document({**VALUES, "LoaiDoiTuong": "3"})

    answer, target = send(
        open_channel,
        said(OK),
        request=replace(REQUEST, document=document),
        lgsp={"dossier": {"max_lengths": {"ProcessingOrganName": 3}}},
    )

    assert answer.outcome is Outcome.UNSENDABLE
    for name in (
        "CitizenName: required by the LGSP",
        "ApplicantsId: required by the LGSP",
        "ApplicantsType: the code list",
        "Phone: required by the LGSP",
        "DateAppointed: required by the LGSP",
        "ReturnedDate: required by the LGSP",
        "ProcessingOrganName: 13 characters, and this target takes 3",
    ):
        assert name in answer.detail
    assert target.seen == []


def test_paths_that_are_no_fields_are_told_when_the_channel_is_opened(open_channel):
    lgsp = {"dossier": {"left_out": ["Phone", "Fon"]}, "progress": {"constants": {"DocType": "x"}}}

    with pytest.raises(ConfigError, match=r"Fon: not a field.*Phone: required.*DocType: not a"):
        open_channel("http://127.0.0.1/", lgsp=lgsp)


# ---- tokens


def test_a_token_is_asked_for_with_client_credentials_and_used(open_channel):
    answer, target = send(open_channel, said(TOKEN), said(OK), session=None)

    head, body = target.seen[0]
    assert head.startswith(b"POST /portal/token HTTP/1.1\r\n")
    assert header_of(target.seen[0], "content-type") == "application/x-www-form-urlencoded"
    assert parse_qs(body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["tich-hop"],
        "client_secret": ["bi-mat"],
    }
    assert header_of(target.seen[1], "authorization") == "Bearer the-2"
    assert answer.outcome is Outcome.DELIVERED


def test_the_client_may_be_named_by_basic(open_channel):
    lgsp = {"client_login": "basic", "client_secret": "bí:mật", "scope": "a b"}

    _, target = send(open_channel, said(TOKEN), said(OK), session=None, lgsp=lgsp)

    kind, _, value = header_of(target.seen[0], "authorization").partition(" ")
    assert kind == "Basic"
    # RFC 6749, section 2.3.1.
    assert b64decode(value) == b"tich-hop:b%C3%AD%3Am%E1%BA%ADt"
    assert target.seen[0][1] == b"grant_type=client_credentials&scope=a+b"


def test_the_token_may_come_from_another_host(open_channel):
    with peer(answering(said(TOKEN))) as authority, peer(answering(said(OK))) as target:
        lgsp = {"token_endpoint": f"{authority.url}/oauth?x=1"}
        answer = open_channel(target.url, session=None, lgsp=lgsp).send(REQUEST)

    assert authority.seen[0][0].startswith(b"POST /portal/oauth?x=1 HTTP")
    assert b"the-2" in target.seen[0][0]
    assert answer.outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("target_host", "lgsp", "shows"),
    [
        ("localhost", {}, False),
        ("127.0.0.1", {}, True),
        ("localhost", {"token_client_certificate": True}, True),
    ],
)
def test_another_host_that_gives_tokens_sees_no_client_certificate_unless_it_is_set(
    open_channel, tmp_path, target_host, lgsp, shows
):
    context, file = make_tls(tmp_path)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(file)
    shown = []

    def authority(connection, seen):
        seen.append(read_request(connection))
        shown.append(connection.getpeercert() or None)
        connection.sendall(said(TOKEN))

    with peer(authority, tls=context) as tokens, peer(answering(said(OK))) as target:
        lgsp = {"token_endpoint": f"{tokens.url}/oauth"} | {key: str(file) for key in lgsp}
        files = {"ca_file": file, "client_certificate": file}
        url = target.url.replace("127.0.0.1", target_host)
        answer = open_channel(url, session=None, lgsp=lgsp, **files).send(REQUEST)

    assert answer.outcome is Outcome.DELIVERED
    assert [one is not None for one in shown] == [shows]


@pytest.mark.parametrize(
    ("expires_in", "passed", "logins"),
    [(100, 89, 1), (100, 91, 2), ("100", 91, 2), (None, 539, 1), (None, 541, 2), (0, 539, 1)],
)
def test_a_token_is_renewed_after_nine_tenths_of_what_its_answer_says(
    open_channel, clock, expires_in, passed, logins
):
    token = TOKEN | {"expires_in": expires_in}
    answers = [said(token), said(OK), said(OK)]
    if logins == 2:
        answers.insert(2, said(TOKEN))

    with peer(answering(*answers)) as target:
        channel = open_channel(target.url, session=None)
        channel.send(REQUEST)
        clock.now += timedelta(seconds=passed)
        answer = channel.send(REQUEST)

    asked = [request for request in target.seen if b"/token HTTP" in request[0]]
    assert answer.outcome is Outcome.DELIVERED
    assert len(asked) == logins


def test_processes_share_a_token_and_its_lifetime(open_channel, clock):
    with peer(answering(said(TOKEN | {"expires_in": 50}), said(OK)), answering(said(OK))) as target:
        open_channel(target.url, session=None).send(REQUEST)
        other = open_channel(target.url, session=None)
        outcome = other.send(REQUEST).outcome
        clock.now += timedelta(seconds=46)

        assert outcome is Outcome.DELIVERED
        assert len([one for one in target.seen if b"/token HTTP" in one[0]]) == 1
        assert other._sessions._good(other._sessions._held, None) is None


def test_a_token_that_is_not_taken_is_renewed_once_and_the_attempt_made_again(open_channel):
    answer, target = send(open_channel, said(b"{}", status=401), said(TOKEN), said(OK))

    tokens = [header_of(request, "authorization") for request in target.seen]
    assert tokens == ["Bearer the-1", None, "Bearer the-2"]
    assert target.seen[0][1] == target.seen[2][1]
    assert answer.outcome is Outcome.DELIVERED


def test_a_token_that_is_refused_right_after_the_login_is_the_targets_refusal(open_channel):
    refused = said(b"{}", status=401)

    answer, target = send(open_channel, refused, said(TOKEN), refused)

    assert (answer.outcome, len(target.seen)) == (Outcome.TARGET, 3)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (said({"error": "invalid_client"}, status=401), Outcome.TARGET),
        (said({"error": "invalid_client"}, status=400), Outcome.TARGET),
        (said({"error": "x", "access_token": "the-9"}, status=400), Outcome.TARGET),
        (said({"token_type": "Bearer"}), Outcome.TARGET),
        (said(TOKEN | {"access_token": "a b"}), Outcome.TARGET),
        (said(TOKEN | {"access_token": "a\r\nX: y"}), Outcome.TARGET),
        (said(TOKEN | {"access_token": ""}), Outcome.TARGET),
        (said(TOKEN | {"access_token": ["the-9"]}), Outcome.TARGET),
        (said(TOKEN | {"token_type": "mac"}), Outcome.TARGET),
        (said(b"<html/>"), Outcome.TARGET),
        (said(b"<html/>", status=503), Outcome.BUSY),
        (said(b"<html/>", status=502), Outcome.NOT_SENT),
        (b"", Outcome.NOT_SENT),
    ],
)
def test_without_a_token_nothing_of_the_message_leaves(open_channel, reply, outcome):
    answer, target = send(open_channel, reply, session=None)

    assert answer.outcome is outcome
    assert "login: " in answer.detail
    assert [b"/token HTTP" in request[0] for request in target.seen] == [True]
    assert answer.headers is None
    for secret in (b"the-9", b"the-2", b"bi-mat"):
        assert secret not in (answer.raw or b"")
        assert secret.decode() not in answer.detail


def test_a_wrong_secret_is_tried_once_and_not_by_every_thread(open_channel):
    refused = said({"error": "invalid_client"}, status=401)
    gate = threading.Event()

    def slow(connection, seen):
        while (request := read_request(connection)) is not None:
            seen.append(request)
            gate.wait(2)
            connection.sendall(refused)

    with peer(slow) as target:
        channel = open_channel(target.url, session=None)
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(channel.send(REQUEST))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        threading.Event().wait(0.3)
        gate.set()
        for thread in threads:
            thread.join(5)

    assert [answer.outcome for answer in answers] == [Outcome.TARGET] * 4
    assert len(target.seen) == 1


# ---- keys in a header


def test_keys_of_the_city_go_as_base64_in_their_header_and_are_kept_nowhere(open_channel):
    answer, target = send(open_channel, said(OK), lgsp=NO_TOKEN)

    value = header_of(target.seen[0], "lgspaccesstoken")
    assert json.loads(b64decode(value)) == {
        "AppName": "mot-cua",
        "AccessKey": "khoa-truy-cap",
        "SecretKey": "khoa-bi-mat",
        "PartnerCode": "H29",
    }
    assert header_of(target.seen[0], "authorization") is None
    assert b"lgspaccesstoken: ***" in answer.headers
    assert value.encode() not in answer.headers
    assert value not in repr(answer)


def test_they_may_stand_in_authorization(open_channel):
    lgsp = NO_TOKEN | {"access": ACCESS | {"header": "Authorization"}}

    answer, target = send(open_channel, said(b"{}", status=401), lgsp=lgsp)

    assert header_of(target.seen[0], "authorization").startswith("eyJBcHBOYW1l")
    # There is nothing to renew.
    assert (answer.outcome, len(target.seen)) == (Outcome.TARGET, 1)
    assert answer.headers.splitlines()[-1] == b"Authorization: ***"


def test_both_may_be_needed(open_channel):
    answer, target = send(open_channel, said(OK), lgsp={"access": ACCESS})

    assert header_of(target.seen[0], "authorization") == "Bearer the-1"
    assert header_of(target.seen[0], "lgspaccesstoken") is not None
    assert answer.headers.count(b"***") == 2
    assert b"the-1" not in answer.headers


# ---- what answers mean


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ({"Status": 0}, Outcome.DELIVERED),
        ({"Status": "00", "Message": "Thành công"}, Outcome.DELIVERED),
        ({"Status": 1, "Message": "Thành công"}, Outcome.UNRECOGNISED),
        ({"Status": 44, "Message": "Sai"}, Outcome.REJECTED),
        ({"Status": 44, "Message": "Thành công"}, Outcome.UNRECOGNISED),
        ({"Status": 0, "Message": "Cập nhật không thành công"}, Outcome.UNRECOGNISED),
        ({"Status": 0, "Message": "Hồ sơ đã tồn tại"}, Outcome.UNRECOGNISED),
        ({"Status": 3, "Message": "Hồ sơ đã tồn tại"}, Outcome.EXISTS),
        ({"Status": 55}, Outcome.BUSY),
        ({"Status": True}, Outcome.UNRECOGNISED),
        ({"Status": None}, Outcome.UNRECOGNISED),
        ({"status": 0}, Outcome.UNRECOGNISED),
        ({"Status": 0.0}, Outcome.UNRECOGNISED),
        ([{"Status": 0}], Outcome.UNRECOGNISED),
        ({"Status": 0, "ResultObject": {"DocCode": "H29-1"}}, Outcome.UNRECOGNISED),
        ({"Status": 0, "ResultObject": {"DocCode": DOSSIER}}, Outcome.DELIVERED),
        (b'{"Status":1,"Status":0}', Outcome.UNRECOGNISED),
        (b'{"Status":0', Outcome.UNRECOGNISED),
    ],
)
def test_an_mresult_is_judged_by_the_lists(open_channel, value, outcome):
    answer, _ = send(open_channel, said(value), rejected_codes=["44"], busy_codes=["55"])

    assert answer.outcome is outcome


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, Outcome.DELIVERED),
        ({"StatusCode": "200"}, Outcome.DELIVERED),
        ({"ThrowException": ""}, Outcome.DELIVERED),
        ({"Status": "FAIL"}, Outcome.UNRECOGNISED),
        ({"Status": "success"}, Outcome.UNRECOGNISED),
        ({"Status": None}, Outcome.UNRECOGNISED),
        ({"ThrowException": "System.NullReferenceException"}, Outcome.UNRECOGNISED),
        ({"ThrowException": {"Message": "x"}}, Outcome.UNRECOGNISED),
        ({"ThrowException": 1}, Outcome.UNRECOGNISED),
        ({"StatusCode": 500}, Outcome.UNRECOGNISED),
        ({"StatusCode": 500, "Status": "FAIL"}, Outcome.UNRECOGNISED),
        ({"StatusCode": 400, "Status": "FAIL", "Description": "Sai"}, Outcome.REJECTED),
        ({"StatusCode": 400}, Outcome.UNRECOGNISED),
        ({"Description": "thất bại"}, Outcome.UNRECOGNISED),
        ({"StatusCode": None}, Outcome.UNRECOGNISED),
    ],
)
def test_where_the_three_of_the_city_disagree_nobody_guesses(open_channel, change, outcome):
    answer, _ = send(
        open_channel,
        said(HCM | change),
        lgsp={"answer": "hcm"},
        success_codes=["200"],
        rejected_codes=["400"],
    )

    assert answer.outcome is outcome
    if outcome is Outcome.REJECTED:
        assert (answer.code, answer.message) == ("400", "Sai")


def test_a_lost_answer_is_unknown_and_keeps_what_went_out(open_channel):
    answer, target = send(open_channel, b"")

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.payload_digest == sha256(target.seen[0][1]).hexdigest()
    assert answer.headers.endswith(b"\nAuthorization: ***")


# ---- look-ups


def test_without_an_address_nobody_is_asked(open_channel):
    with peer(answering(said(OK))) as target:
        channel = open_channel(target.url, lgsp={"look_up_endpoint": ""})
        found = channel.look_up(agency_code="", dossier_code=DOSSIER)

    assert found.found is Found.WITHHELD
    assert target.seen == []


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ([{"DocCode": DOSSIER}], Found.PRESENT),
        ({"DocCode": DOSSIER}, Found.PRESENT),
        ([], Found.ABSENT),
        (None, Found.FAILED),
        ([{}], Found.FAILED),
        ([{"DocCode": "x"}], Found.FAILED),
        (["x"], Found.FAILED),
        ([{"DocCode": DOSSIER}, {"DocCode": DOSSIER}], Found.FAILED),
    ],
)
def test_a_look_up_says_only_what_is_plain(open_channel, result, found):
    with peer(answering(said(OK | {"ResultObject": result}))) as target:
        got = open_channel(target.url).look_up(agency_code="", dossier_code=DOSSIER)

    assert got.found is found
    assert target.seen[0][0].startswith(
        b"GET /portal/Document/Find?DocCode=H29.14-261124-0001 HTTP"
    )


def test_a_client_that_is_refused_is_not_tried_again_by_a_look_up(open_channel):
    refused = said({"error": "invalid_client"}, status=401)

    with peer(answering(refused)) as target:
        channel = open_channel(target.url, session=None, look_up_attempts=5)
        got = channel.look_up(agency_code="", dossier_code=DOSSIER)

    assert got.found is Found.FAILED
    assert len(target.seen) == 1


# ---- settings


@pytest.mark.parametrize(
    ("lgsp", "words"),
    [
        ({"client_secret": ""}, "belong together"),
        (NO_TOKEN | {"access": None}, "a token_endpoint or the table access is needed"),
        ({"access": ACCESS | {"header": "Authorization"}}, "Authorization is the token's"),
        ({"access": ACCESS | {"header": "a: b"}}, "the name of a header"),
        ({"token_endpoint": "ftp://x/"}, "a path like /token, or a URL"),
        ({"dossier_endpoint": "/a?b=c"}, "no ? and no #"),
        ({"token_client_key": "k.pem"}, "token_client_key needs token_client_certificate"),
        ({"attachment_id": "AttachmentID"}, "Attachmentld"),
    ],
)
def test_settings_that_cannot_work_are_told(open_channel, lgsp, words):
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        open_channel("http://127.0.0.1/", lgsp=lgsp)


def test_what_a_success_is_must_be_said():
    with pytest.raises(ValueError, match="no source says what an LGSP's success is"):
        TargetProfile(endpoint="http://127.0.0.1/", channel="lgsp", lgsp=LGSP)
    with pytest.raises(ValueError, match="the table lgsp belongs to channel 'lgsp'"):
        TargetProfile(endpoint="http://127.0.0.1/", lgsp=LGSP)

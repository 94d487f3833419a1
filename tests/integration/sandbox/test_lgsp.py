"""The sandbox's LGSP side checks by the published schema, and keeps the same ledger."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from lienthong.channels.port import Found, Outcome, Packet, SendRequest
from lienthong.sandbox import LgspClient, LookUpShows, target_settings
from tests.contract.json_site import (
    DOSSIER,
    JSON_DOCUMENT,
    MADE_AT,
    MESSAGE,
    PROGRESS_VALUES,
    VALUES,
    build_document,
)
from tests.contract.lgsp_site import open_lgsp

ADD = SendRequest(
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
    ADD,
    packet=Packet.PROGRESS,
    document=build_document(PROGRESS_VALUES, packet="CapNhatTienDoHoSoMC"),
)
RICH = {
    **VALUES,
    "TaiLieuNop": [{"TepDinhKemId": "1", "TenTepDinhKem": "đơn.pdf", "IsDeleted": "False"}],
    "DanhSachLePhi": [{"TenPhiLePhi": "Lệ phí", "Gia": "100000.50"}],
    "DanhSachHoSoBoSung": [{"HoSoBoSungId": "7", "NgayBoSung": "20261124081500"}],
}
ACCESS = {"AppName": "a", "AccessKey": "b", "SecretKey": "c", "PartnerCode": "H29"}
ROW = {
    "DocTypeCode": "1.001612",
    "DocTypeName": "x",
    "DocCode": DOSSIER,
    "CitizenName": "x",
    "ApplicantsId": "x",
    "ApplicantsType": 1,
    "Phone": "x",
    "DateReceived": "2021-03-05T08:15:00.000Z",
    "DateAppointed": "2021-03-10T17:00:00+07:00",
    "IsSuccess": False,
    "SuccessDate": "0000-00-00T00:00:00.000+0700",
    "IsReturned": "false",
    "ReturnedDate": "2021-03-10T17:00:00.000Z",
    "ReturnedType": 0,
    "Status": 1,
    "ProcessingOrganName": "x",
    "Attachments": [
        {"Attachmentld": 5, "AttachmentName": "a", "Base64": "JVBERi0=", "IsVerified": False}
    ],
    "OrganInchargeIdLevel1": "H29.30",
    "OrganInchargeName": "x",
}


@pytest.fixture
def sandbox(start):
    return start(channel="lgsp")


@pytest.fixture
def connect(tmp_path):
    channels = []

    def connect_(sandbox, **lgsp):
        settings = target_settings(sandbox.url, config=sandbox.config)
        settings |= {"read_timeout_seconds": 5, "look_up_attempts": 1}
        url, table = settings.pop("endpoint"), settings.pop("lgsp") | lgsp
        del settings["channel"]
        channels.append(
            open_lgsp(
                url, folder=tmp_path, clock=lambda: MADE_AT, session=None, lgsp=table, **settings
            )
        )
        return channels[-1]

    yield connect_
    for channel in channels:
        channel.close()


@pytest.fixture
def call(sandbox):
    base = sandbox.url.removesuffix("/portal") + "/lgsp"
    fields = {
        "grant_type": "client_credentials",
        "client_id": "thu-nghiem",
        "client_secret": "thu-nghiem",
    }
    given = sandbox.http.request("POST", f"{base}/token", fields=fields, encode_multipart=False)
    token = given.json()["access_token"]

    def call_(body, path="/Document/SyncDocument"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        return sandbox.http.request("POST", base + path, body=data, headers=headers).json()

    return call_


@pytest.mark.parametrize("answer", ["mresult", "hcm"])
@pytest.mark.parametrize("access", [{}, ACCESS])
def test_a_dossier_its_update_and_its_progress_take_effect_in_order(start, connect, answer, access):
    sandbox = start(channel="lgsp", lgsp=LgspClient(answer=answer, access=access))
    channel = connect(sandbox)
    rich = replace(ADD, document=build_document(RICH))

    answers = [channel.send(one) for one in (PROGRESS, ADD, rich, PROGRESS)]

    assert [one.outcome for one in answers] == [
        Outcome.REJECTED,
        Outcome.DELIVERED,
        Outcome.DELIVERED,
        Outcome.DELIVERED,
    ]
    ledger = sandbox.ledger()
    assert [row.outcome for row in ledger.arrivals] == ["0", "4", "0", "0", "0"]
    assert ledger.arrivals[0].operation == "token"
    assert [row.packet for row in ledger.effects] == [
        "DongBoHoSoMC",
        "DongBoHoSoMC",
        "CapNhatTienDoHoSoMC",
    ]
    assert [row.digest for row in ledger.effects] == [one.payload_digest for one in answers[1:]]


def test_a_look_up_tells_of_a_dossier_and_its_absence(sandbox, connect):
    channel = connect(sandbox)
    before = channel.look_up(agency_code="", dossier_code=DOSSIER)
    channel.send(ADD)

    assert before.found is Found.ABSENT
    assert channel.look_up(agency_code="", dossier_code=DOSSIER).found is Found.PRESENT


def test_a_look_up_may_show_nothing(start, connect):
    sandbox = start(channel="lgsp", look_up_shows=LookUpShows.NOTHING)
    channel = connect(sandbox)
    channel.send(ADD)

    assert channel.look_up(agency_code="", dossier_code=DOSSIER).found is Found.ABSENT


@pytest.mark.parametrize("login", ["body", "basic"])
def test_a_client_is_let_in_by_its_secret_alone(sandbox, connect, login):
    wrong = connect(sandbox, client_secret="sai", client_login=login).send(ADD)
    right = connect(sandbox, client_login=login).send(ADD)

    assert (wrong.outcome, right.outcome) == (Outcome.TARGET, Outcome.DELIVERED)
    assert len(sandbox.ledger().effects) == 1


def test_wrong_keys_in_the_header_are_refused(start, connect):
    sandbox = start(channel="lgsp", lgsp=LgspClient(access=ACCESS))

    answer = connect(sandbox, access={"app_name": "a", "access_key": "b", "secret_key": "x"}).send(
        ADD
    )

    assert answer.outcome is Outcome.TARGET
    assert sandbox.ledger().effects == ()


@pytest.mark.parametrize("answer", ["mresult", "hcm"])
@pytest.mark.parametrize(
    ("mode", "outcome", "effects"),
    [
        ("commit_then_drop", Outcome.UNKNOWN, 1),
        ("drop_before", Outcome.UNKNOWN, 0),
        ("fault", Outcome.UNKNOWN, 0),
        ("unavailable", Outcome.BUSY, 0),
        ("maintenance", Outcome.UNRECOGNISED, 0),
        ("unknown_code", Outcome.UNRECOGNISED, 0),
        ("unknown_success", Outcome.UNRECOGNISED, 1),
        ("reject", Outcome.REJECTED, 0),
        ("exists", Outcome.EXISTS, 0),
        ("session_expired", Outcome.DELIVERED, 1),
    ],
)
def test_it_misbehaves_as_ordered(start, connect, mode, outcome, effects, answer):
    sandbox = start(channel="lgsp", lgsp=LgspClient(answer=answer))
    channel = connect(sandbox)
    channel.look_up(agency_code="", dossier_code=DOSSIER)
    sandbox.misbehave(mode=mode, count=1)

    got = channel.send(ADD)

    assert got.outcome is outcome
    assert len(sandbox.ledger().effects) == effects


def test_a_token_ends_after_its_lifetime(start, connect):
    sandbox = start(channel="lgsp", lgsp=LgspClient(token_lifetime=timedelta(0)))

    assert connect(sandbox).send(ADD).outcome is Outcome.TARGET


def test_what_the_published_schema_allows_is_taken_in_both_spellings(sandbox, call):
    assert call(ROW) == {"Status": 0, "Message": "Thành công"}
    other = {"AttachmentId": 5, "AttachmentName": "a", "IsVerified": True}
    assert call(ROW | {"IsReturned": True, "Attachments": [other]})["Status"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DocCode": None}, "DocCode: sai kiểu"),
        ({"Phone": ""}, "Phone: sai kiểu"),
        ({"ApplicantsType": "1"}, "ApplicantsType: sai kiểu"),
        ({"ApplicantsType": True}, "ApplicantsType: sai kiểu"),
        ({"IsSuccess": "false"}, "IsSuccess: sai kiểu"),
        ({"DateReceived": "20210305081500"}, "DateReceived: sai kiểu"),
        ({"SuccessDate": ""}, "SuccessDate: sai kiểu"),
        ({"MaHoSo": "x"}, "MaHoSo: trường không có trong lgsp_schema"),
        ({"Attachments": []}, "Attachments: cần một mảng có phần tử"),
        ({"Attachments": [{"Url": "x"}]}, "Attachments.Url: trường không có"),
        ({"DocFees": [{"Price": 1}]}, "DocFees.FeeName: thiếu"),
        ({"DocFees": [{"FeeName": "a", "FeeType": 4, "Price": "1"}]}, "DocFees.Price: sai kiểu"),
    ],
)
def test_an_object_that_is_not_as_published_is_refused(sandbox, call, change, words):
    said = call(ROW | change)

    assert said["Status"] == -1
    assert words in said["Message"]
    assert sandbox.ledger().effects == ()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"[" * 5000, b'{"DocCode":"\\ud800"}'])
def test_what_is_no_object_is_answered_and_written_down(sandbox, call, data):
    assert call(data)["Status"] == -1
    assert sandbox.ledger().arrivals[-1].outcome == "-1"


def test_without_a_token_nobody_is_let_in_and_it_is_written_down(sandbox):
    base = sandbox.url.removesuffix("/portal") + "/lgsp/Document"

    sent = sandbox.http.request("POST", f"{base}/SyncDocument", body=json.dumps(ROW))
    asked = sandbox.http.request("GET", f"{base}/Find?DocCode={DOSSIER}")

    assert (sent.status, asked.status) == (401, 401)
    assert [row.outcome for row in sandbox.ledger().arrivals] == ["10", "10"]

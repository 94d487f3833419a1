"""The sandbox's JSON side checks as strictly as its SOAP side, and keeps the same ledger."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from lienthong.channels.port import Found, Outcome, Packet, SendRequest
from lienthong.sandbox import AdapterLogin, LookUpShows
from tests.contract.json_site import (
    DOSSIER,
    JSON_DOCUMENT,
    MADE_AT,
    MESSAGE,
    PROGRESS_VALUES,
    VALUES,
    build_document,
)

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
UPDATE = replace(ADD, is_updating=True)
PROGRESS = replace(
    ADD,
    packet=Packet.PROGRESS,
    document=build_document(PROGRESS_VALUES, packet="CapNhatTienDoHoSoMC"),
)


@pytest.fixture
def sandbox(start):
    return start(channel="dvcqg-json")


def call(sandbox, path="integration", **values):
    url = f"{sandbox.url.removesuffix('/portal')}/adapter/{path}"
    return sandbox.http.request("POST", url, body=json.dumps(values)).json()


@pytest.fixture
def session(sandbox):
    said = call(sandbox, "auth", username="thu-nghiem", password="thu-nghiem")
    return {"session": said["session"], "madonvi": "000.00.00.H29"}


def test_a_dossier_its_update_and_its_progress_take_effect_in_order(sandbox, connect_json):
    channel = connect_json(sandbox)

    answers = [channel.send(request) for request in (PROGRESS, ADD, ADD, UPDATE, PROGRESS)]

    assert [answer.outcome for answer in answers] == [
        Outcome.REJECTED,
        Outcome.DELIVERED,
        Outcome.EXISTS,
        Outcome.DELIVERED,
        Outcome.DELIVERED,
    ]
    ledger = sandbox.ledger()
    assert [row.outcome for row in ledger.arrivals] == ["0", "4", "0", "3", "0", "0"]
    assert ledger.arrivals[0].operation == "login"
    assert [row.packet for row in ledger.effects] == [
        "DongBoHoSoMC",
        "DongBoHoSoMC",
        "CapNhatTienDoHoSoMC",
    ]
    assert ledger.effects[0].digest == answers[1].payload_digest
    assert [row.is_updating for row in ledger.arrivals] == [None, None, False, False, True, None]


def test_a_look_up_tells_of_a_dossier_and_its_absence(sandbox, connect_json):
    channel = connect_json(sandbox)
    before = channel.look_up(agency_code="", dossier_code=DOSSIER)
    channel.send(ADD)

    assert before.found is Found.ABSENT
    assert channel.look_up(agency_code="", dossier_code=DOSSIER).found is Found.PRESENT


def test_a_look_up_may_show_nothing(start, connect_json):
    sandbox = start(channel="dvcqg-json", look_up_shows=LookUpShows.NOTHING)
    channel = connect_json(sandbox)
    channel.send(ADD)

    assert channel.look_up(agency_code="", dossier_code=DOSSIER).found is Found.ABSENT


def test_a_wrong_password_is_refused(sandbox, connect_json):
    answer = connect_json(sandbox, password="sai").send(ADD)

    assert (answer.outcome, answer.detail) == (
        Outcome.TARGET,
        "login: code 11; nothing was sent",
    )
    assert sandbox.ledger().effects == ()


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
def test_it_misbehaves_as_ordered(sandbox, connect_json, mode, outcome, effects):
    channel = connect_json(sandbox)
    channel.look_up(agency_code="", dossier_code=DOSSIER)
    sandbox.misbehave(mode=mode, count=1)

    answer = channel.send(ADD)

    assert answer.outcome is outcome
    assert len(sandbox.ledger().effects) == effects


def test_a_session_nobody_was_given_is_refused(sandbox):
    said = call(sandbox, session="la", madonvi="x", service="TraCuuHoSo", mahoso=DOSSIER)

    assert (said["error_code"], said["message"]) == ("10", "Phiên làm việc đã hết hạn")


def test_a_session_ends_after_its_lifetime(start):
    sandbox = start(channel="dvcqg-json", adapter=AdapterLogin(session_lifetime=timedelta(0)))
    session = call(sandbox, "auth", username="thu-nghiem", password="thu-nghiem")["session"]

    said = call(sandbox, session=session, madonvi="x", service="TraCuuHoSo", mahoso=DOSSIER)

    assert said["error_code"] == "10"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"MaHoSo": 7}, "MaHoSo: cần một chuỗi"),
        ({"Fax": None}, "Fax: cần một chuỗi"),
        ({"GhiChuu": "x"}, "GhiChuu: trường không có trong quy định"),
        ({"MaBanTin": MESSAGE}, "MaBanTin: trường không có trong quy định"),
        ({"TaiLieuNop": {}}, "TaiLieuNop: cần một mảng"),
        ({"TrangThaiHoSo": "77"}, "TrangThaiHoSo"),
        ({"MaTTHC": ""}, "MaTTHC"),
    ],
)
def test_an_item_that_is_not_as_published_is_refused(sandbox, session, change, words):
    item = {**VALUES, **change}

    said = call(sandbox, **session, service="DongBoHoSoMC", isUpdating="False", data=[item])

    assert said["error_code"] == "-1"
    assert words in said["message"]
    assert sandbox.ledger().effects == ()


@pytest.mark.parametrize(
    "values",
    [
        {"service": "DongBoHoSoMC", "isUpdating": False, "data": [VALUES]},
        {"service": "DongBoHoSoMC", "isUpdating": "true", "data": [VALUES]},
        {"service": "DongBoHoSoMC", "data": [VALUES]},
        {"service": "DongBoHoSoMC", "isUpdating": "False", "data": VALUES},
        {"service": "DongBoHoSoMC", "isUpdating": "False", "data": []},
        {"service": "DongBoHoSoMC", "isUpdating": "False", "data": [VALUES, VALUES]},
        {"service": "XoaHoSo"},
        {"service": "\ud800"},
        {},
    ],
)
def test_a_call_that_is_not_as_published_is_refused_and_written_down(sandbox, session, values):
    said = call(sandbox, **session, **values)

    assert said["error_code"] == "-1"
    assert sandbox.ledger().arrivals[-1].outcome == "-1"


def rows(*numbers, **changes):
    return [{**PROGRESS_VALUES, "MaHoSo": f"{DOSSIER[:-1]}{n}", **changes} for n in numbers]


@pytest.fixture
def of_three(start):
    """A sandbox that takes three progress rows in a call and has two dossiers; a call to it."""
    sandbox = start(channel="dvcqg-json", progress_rows=3)
    said = call(sandbox, "auth", username="thu-nghiem", password="thu-nghiem")
    session = {"session": said["session"], "madonvi": "000.00.00.H29"}
    for item in ({**VALUES, "MaHoSo": row["MaHoSo"]} for row in rows(1, 2)):
        call(sandbox, **session, service="DongBoHoSoMC", isUpdating="False", data=[item])

    def send(data, **changes):
        return call(sandbox, **session | {"service": "CapNhatTienDoHoSoMC", "data": data} | changes)

    return sandbox, send


def progress(sandbox):
    return [e.dossier_code for e in sandbox.ledger().effects if e.packet == "CapNhatTienDoHoSoMC"]


def test_several_progress_rows_take_effect_in_their_order_each_under_its_own_digest(of_three):
    sandbox, send = of_three

    together, alone = send(rows(2, 1, 1)), send(rows(2))

    assert [together["error_code"], alone["error_code"]] == ["0", "0"]
    assert [code[-1] for code in progress(sandbox)] == ["2", "1", "1", "2"]
    found = sandbox.ledger().effects[-4:]
    assert found[0].digest == found[3].digest
    assert found[1].digest == found[2].digest != found[0].digest


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (rows(1, 2, 3), "4"),
        ([*rows(1), *rows(2, NoiDungXuLy="")], "-1"),
        ([*rows(1), 7], "-1"),
        (rows(1, 2, 1, 2), "-1"),
        ([], "-1"),
    ],
    ids=["of a dossier that is not there", "not as published", "no item", "too many", "none"],
)
def test_of_several_rows_all_take_effect_or_none(of_three, data, code):
    sandbox, send = of_three

    assert send(data)["error_code"] == code
    assert progress(sandbox) == []
    assert sandbox.ledger().arrivals[-1].outcome == code


def test_dossiers_still_come_one_in_a_call(of_three):
    _, send = of_three

    said = send([VALUES, VALUES], service="DongBoHoSoMC", isUpdating="True")

    assert said["error_code"] == "-1"


def test_an_order_about_a_dossier_is_about_every_call_that_it_stands_in(of_three):
    sandbox, send = of_three
    sandbox.misbehave(mode="reject", pattern="*2")

    assert send(rows(1, 2))["error_code"] == "8"
    assert send(rows(1))["error_code"] == "0"


@pytest.mark.parametrize("data", [b"", b"{", b"<a/>", b"[" * 5000, b'{"session":"\\ud800"}'])
def test_what_is_no_call_is_answered_and_written_down(sandbox, data):
    url = f"{sandbox.url.removesuffix('/portal')}/adapter/integration"

    said = json.loads(sandbox.http.request("POST", url, body=data).data)

    assert said["error_code"] == "10"
    assert sandbox.ledger().arrivals[-1].outcome == "10"

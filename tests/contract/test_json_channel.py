"""What goes out over the JSON adapter, what its answers mean, and that nobody logs in too often."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from lienthong.channels.dictionaries import Dictionary
from lienthong.channels.payloads import derive_again
from lienthong.channels.port import Found, Outcome, Packet, SendRequest
from schemas.errors import ConfigError, PeerError
from tests.contract.json_site import (
    AGENCY,
    DOSSIER,
    JSON_DOCUMENT,
    MADE_AT,
    MESSAGE,
    PROGRESS_VALUES,
    VALUES,
    build_document,
    open_json,
)
from tests.contract.peers import answering, closing_after_reading, http, peer, read_request

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
HG = {
    "form": "facade",
    "dossier_endpoint": "/api/DongBoHoSoMC",
    "progress_endpoint": "/api/CapNhatTienDoHoSoMC",
}
TD = HG | {"update_endpoint": "/api/CapNhatHoSo"}
EXPIRED = {"expired_codes": ["-5"], "expired_texts": ["phiên"]}
OK = {"error_code": "0", "message": "Thành công", "result": []}
LOGGED_IN = {"session": "phien-2", "error_code": 0, "message": ""}


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
        channel = open_json(url, folder=tmp_path, clock=clock, **(PATIENCE | settings))
        channels.append(channel)
        return channel

    yield open_
    for channel in channels:
        channel.close()


def said(value, *, status=200):
    data = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return http(status, data)


def body_of(request):
    return json.loads(request[1])


def paths_of(target):
    return [head.split(b" ")[1].decode() for head, _ in target.seen]


def send(open_channel, *answers, request=REQUEST, **settings):
    """Send once to a peer that gives these answers on one connection."""
    with peer(answering(*answers)) as target:
        answer = open_channel(target.url, **settings).send(request)
    return answer, target


# ---- what goes out


def test_a_dossier_goes_out_in_the_published_envelope_and_nothing_of_ours_with_it(open_channel):
    answer, target = send(open_channel, said(OK), adapter={"dstcode": "VN:GOV:000:dvcqg"})

    head, body = target.seen[0]
    data = body.partition(b'"data":')[2][:-1]
    assert body.startswith(
        b'{"session":"phien-1","madonvi":"000.00.00.H29","service":"DongBoHoSoMC",'
        b'"isUpdating":"False","data":[{"MaHoSo":"H29.14-261124-0001",'
    )
    assert answer.outcome is Outcome.DELIVERED
    assert answer.payload_digest == sha256(data).hexdigest()
    assert (answer.receipt, answer.raw) == (None, json.dumps(OK, ensure_ascii=False).encode())
    assert head.endswith(b"\r\ndstcode: VN:GOV:000:dvcqg")
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert head.startswith(b"POST /portal/integration HTTP/1.1\r\n")
    for ours in (MESSAGE, "BanTin", "LanGui", "Signature"):
        assert ours.encode() not in body


def test_what_was_sent_can_be_made_again_from_the_document(open_channel):
    with peer(answering(said(OK))) as target:
        channel = open_channel(target.url)
        answer = channel.send(REQUEST)

    again = derive_again(channel._profile, REQUEST.document)
    assert sha256(again).hexdigest() == answer.payload_digest
    assert derive_again(channel._profile, b"<other/>") is None


def test_the_test_system_gets_no_dstcode_at_all(open_channel):
    _, target = send(open_channel, said(OK))

    assert b"dstcode" not in target.seen[0][0].lower()


def test_an_update_is_said_in_words_and_sends_the_same_payload(open_channel):
    first, _ = send(open_channel, said(OK))
    again, target = send(
        open_channel, said(OK), request=replace(REQUEST, is_updating=True, attempt=7)
    )

    assert body_of(target.seen[0])["isUpdating"] == "True"
    assert again.payload_digest == first.payload_digest


def test_a_progress_row_has_no_flag(open_channel):
    answer, target = send(open_channel, said(OK), request=PROGRESS)

    sent = body_of(target.seen[0])
    assert answer.outcome is Outcome.DELIVERED
    assert list(sent) == ["session", "madonvi", "service", "data"]
    assert sent["service"] == "CapNhatTienDoHoSoMC"
    assert sent["data"][0]["NoiDungXuLy"] == "Thẩm định hồ sơ"


def test_a_value_the_target_does_not_take_stops_the_document_before_a_byte_leaves(open_channel):
    document = build_document({**VALUES, "GhiChu": "x" * 501})
    adapter = {"max_lengths": {"GhiChu": 500}, "codes": {"LoaiDoiTuong": {"2": "2"}}}

    answer, target = send(
        open_channel, said(OK), request=replace(REQUEST, document=document), adapter=adapter
    )

    assert answer.outcome is Outcome.UNSENDABLE
    assert answer.detail == (
        "nothing was sent: LoaiDoiTuong: the code list of this target does not have the field's "
        "value; GhiChu: 501 characters, and this target takes 500"
    )
    assert target.seen == []


def test_what_was_left_out_by_setting_is_told(open_channel):
    document = build_document({**VALUES, "GhiChu": "x" * 501})
    adapter = {"max_lengths": {"GhiChu": 500}, "too_long": "leave_out"}

    answer, target = send(
        open_channel, said(OK), request=replace(REQUEST, document=document), adapter=adapter
    )

    assert answer.detail == "code 0; left out, too long: GhiChu"
    assert "GhiChu" not in body_of(target.seen[0])["data"][0]


@pytest.mark.parametrize(
    "document",
    [b"", b"<BanTin", b"{}", JSON_DOCUMENT.replace(b"<MaTTHC>", b"<MaTTHX>")],
    ids=["empty", "cut", "JSON", "with a field nobody knows"],
)
def test_a_stored_document_that_cannot_be_read_is_not_sent(open_channel, document):
    answer, target = send(open_channel, said(OK), request=replace(REQUEST, document=document))

    assert answer.outcome is Outcome.UNSENDABLE
    assert target.seen == []


def test_paths_that_are_no_fields_are_told_when_the_channel_is_opened(open_channel):
    with pytest.raises(ConfigError, match=r"GhiChuu: not a field.*MaHoSo: required"):
        open_channel("http://127.0.0.1/", adapter={"left_out": ["GhiChuu", "MaHoSo"]})


# ---- several progress rows in one call


def rows_of(*numbers, **values):
    """Return requests for a progress row of each of some dossiers."""
    requests = []
    for number in numbers:
        code = f"H29.14-261124-{number:04}"
        fields = {**PROGRESS_VALUES, "MaHoSo": code, **values.get(f"of_{number}", {})}
        document = build_document(fields, packet="CapNhatTienDoHoSoMC")
        requests.append(replace(PROGRESS, dossier_code=code, document=document))
    return requests


def send_rows(open_channel, requests, *answers, **settings):
    with peer(answering(*answers)) as target:
        return open_channel(target.url, **settings).send_rows(requests), target


@pytest.mark.parametrize("adapter", [{}, HG], ids=["adapter", "façade"])
def test_rows_go_in_one_call_in_their_order_and_each_attempt_has_the_digest_of_what_was_sent(
    open_channel, adapter
):
    answers, target = send_rows(open_channel, rows_of(1, 3, 2), said(OK), adapter=adapter)

    (request,) = target.seen
    data = request[1] if adapter else request[1].partition(b'"data":')[2][:-1]
    assert [item["MaHoSo"][-1] for item in json.loads(data)] == ["1", "3", "2"]
    assert {answer.payload_digest for answer in answers} == {sha256(data).hexdigest()}
    assert [(answer.outcome, answer.rows) for answer in answers] == [(Outcome.DELIVERED, 3)] * 3
    assert [answer.detail for answer in answers] == [
        "code 0; row 1 of 3 in one call",
        "code 0; row 2 of 3 in one call",
        "code 0; row 3 of 3 in one call",
    ]
    assert {answer.raw for answer in answers} == {json.dumps(OK, ensure_ascii=False).encode()}


def test_a_row_goes_as_the_same_bytes_alone_and_among_others(open_channel):
    (first, second) = rows_of(1, 2)
    _, alone = send(open_channel, said(OK), request=second)
    _, among = send_rows(open_channel, [first, second], said(OK))

    item = alone.seen[0][1].partition(b'"data":[')[2][:-2]
    assert among.seen[0][1].endswith(b"," + item + b"]}")


def test_a_row_that_cannot_be_sent_is_left_out_of_the_call_and_stops_no_other(open_channel):
    long = {"of_2": {"NoiDungXuLy": "x" * 501}}
    adapter = {"max_lengths": {"NoiDungXuLy": 500}}

    answers, target = send_rows(open_channel, rows_of(1, 2, 3, **long), said(OK), adapter=adapter)
    none, untouched = send_rows(open_channel, rows_of(2, **long), said(OK), adapter=adapter)

    assert [answer.outcome for answer in answers] == [
        Outcome.DELIVERED,
        Outcome.UNSENDABLE,
        Outcome.DELIVERED,
    ]
    assert [len(body_of(one)["data"]) for one in target.seen] == [2]
    assert [answer.rows for answer in answers] == [2, 1, 2]
    assert ([one.outcome for one in none], untouched.seen) == ([Outcome.UNSENDABLE], [])


def test_what_is_left_of_a_call_is_a_call_of_its_own_row(open_channel):
    long = {"of_2": {"NoiDungXuLy": "x" * 501}}
    answers, _ = send_rows(
        open_channel,
        rows_of(1, 2, **long),
        said({"error_code": "-1"}),
        adapter={"max_lengths": {"NoiDungXuLy": 500}},
        rejected_codes=["-1"],
    )

    assert [(one.outcome, one.rows) for one in answers] == [
        (Outcome.REJECTED, 1),
        (Outcome.UNSENDABLE, 1),
    ]


def item(number, code="0"):
    return {"MaHoSo": f"H29.14-261124-{number:04}", "error_code": code}


@pytest.mark.parametrize(
    ("code", "result", "outcome"),
    [
        ("0", [], Outcome.DELIVERED),
        ("0", [item(1), item(2)], Outcome.DELIVERED),
        ("0", [item(1), item(2, "-1")], Outcome.UNRECOGNISED),
        # Of the other nothing is said.
        ("0", [item(2)], Outcome.UNRECOGNISED),
        ("0", [item(1), item(2), item(3)], Outcome.UNRECOGNISED),
        ("-1", [], Outcome.REJECTED),
        ("-1", [item(2, "-1")], Outcome.REJECTED),
        # What was done of it must not be sent again as if nothing had been.
        ("-1", [item(1), item(2, "-1")], Outcome.UNRECOGNISED),
    ],
)
def test_an_answer_counts_for_all_rows_of_a_call_or_for_none(open_channel, code, result, outcome):
    value = {"error_code": code, "message": "", "result": result}

    answers, _ = send_rows(open_channel, rows_of(1, 2), said(value), rejected_codes=["-1"])

    assert [answer.outcome for answer in answers] == [outcome] * 2


def test_rows_whose_answer_is_lost_are_all_open(open_channel):
    with peer(closing_after_reading) as target:
        answers = open_channel(target.url).send_rows(rows_of(1, 2))

    assert [(one.outcome, one.rows) for one in answers] == [(Outcome.UNKNOWN, 2)] * 2


# ---- façades


def test_a_facade_gets_the_bare_array_and_the_flag_in_the_query(open_channel):
    _, target = send(open_channel, said(OK), adapter=HG)
    national, _ = send(open_channel, said(OK))
    facade, other = send(open_channel, said(OK), request=PROGRESS, adapter=HG)

    head, body = target.seen[0]
    assert head.startswith(
        b"POST /portal/api/DongBoHoSoMC?MaDinhDanhDV=000.00.00.H29&isUpdating=False HTTP/1.1"
    )
    assert sha256(body).hexdigest() == national.payload_digest
    assert paths_of(other) == ["/portal/api/CapNhatTienDoHoSoMC?MaDinhDanhDV=000.00.00.H29"]
    assert facade.outcome is Outcome.DELIVERED


def test_a_facade_of_three_addresses_tells_add_and_update_by_address(open_channel):
    update = replace(REQUEST, is_updating=True)

    _, added = send(open_channel, said(OK), adapter=TD)
    _, updated = send(open_channel, said(OK), request=update, adapter=TD)

    assert paths_of(added) == ["/portal/api/DongBoHoSoMC"]
    assert paths_of(updated) == ["/portal/api/CapNhatHoSo"]


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ({"response_code": "00", "response_data": "OK"}, Outcome.DELIVERED),
        ({"response_code": "-1", "response_data": "Sai"}, Outcome.REJECTED),
        ({"error_code": "0", "message": json.dumps(OK)}, Outcome.DELIVERED),
        ({"response_code": "00", "response_data": json.dumps(OK)}, Outcome.DELIVERED),
        ({"response_code": "00", "response_data": OK}, Outcome.DELIVERED),
        ({"message": json.dumps(OK)}, Outcome.DELIVERED),
        ({"error_code": "0", "message": '{"error_code":"-1","message":"Sai"}'}, Outcome.REJECTED),
        (
            {"error_code": "0", "message": '{"error_code":"3","message":"Hồ sơ đã tồn tại"}'},
            Outcome.EXISTS,
        ),
        ({"error_code": "-1", "message": json.dumps(OK)}, Outcome.UNRECOGNISED),
        ({"error_code": "0", "message": '{"error_code":"0"'}, Outcome.UNRECOGNISED),
        # Half a surrogate pair, which no text of ours may hold, inside what is wrapped.
        (b'{"error_code":"0","message":"{\\ud800"}', Outcome.UNRECOGNISED),
        (
            b'{"error_code":"0","message":"{\\"error_code\\":\\"0\\",\\"x\\":\\"\\ud800\\"}"}',
            Outcome.UNRECOGNISED,
        ),
        (b"Thanh cong", Outcome.UNRECOGNISED),
    ],
)
def test_what_a_facade_wraps_is_what_counts_and_a_contradiction_is_not_guessed(
    open_channel, value, outcome
):
    answer, _ = send(open_channel, said(value), adapter=HG, rejected_codes=["-1"])

    assert answer.outcome is outcome


def test_the_adapter_itself_wraps_nothing(open_channel):
    answer, _ = send(open_channel, said({"response_code": "00", "response_data": "OK"}))

    assert answer.outcome is Outcome.UNRECOGNISED


def test_a_facade_without_look_ups_is_not_asked(open_channel):
    with peer(answering(said(OK))) as target:
        found = open_channel(target.url, adapter=HG).look_up(agency_code="", dossier_code=DOSSIER)

    assert found.found is Found.WITHHELD
    assert target.seen == []


def test_a_facade_with_look_ups_is_asked_by_get(open_channel):
    found = {"error_code": "0", "message": json.dumps(OK | {"result": [{"MaHoSo": DOSSIER}]})}
    adapter = HG | {"look_up_endpoint": "/api/TraCuuHoSo"}

    def script(connection, seen):
        seen.append(connection.recv(65536))
        connection.sendall(said(found))

    with peer(script) as target:
        answer = open_channel(target.url, adapter=adapter).look_up(
            agency_code="", dossier_code=DOSSIER
        )

    assert answer.found is Found.PRESENT
    assert target.seen[0].startswith(b"GET /portal/api/TraCuuHoSo?mahoso=H29.14-261124-0001 HTTP")


# ---- hostile and contradicting answers


DEEP = b'{"error_code":"0","result":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param(b'{"error_code":0}', Outcome.DELIVERED, id="a number"),
        pytest.param(b'{"error_code":"00"}', Outcome.DELIVERED, id="two zeros"),
        pytest.param(b'\xef\xbb\xbf{"error_code":"0"}', Outcome.DELIVERED, id="BOM"),
        pytest.param(b'{"error_code":0.0}', Outcome.UNRECOGNISED, id="zero as a fraction"),
        pytest.param(b'{"error_code":-0}', Outcome.UNRECOGNISED, id="minus zero"),
        pytest.param(b'{"error_code":false}', Outcome.UNRECOGNISED, id="false"),
        pytest.param(b'{"error_code":null}', Outcome.UNRECOGNISED, id="null"),
        pytest.param(b'{"error_code":["0"]}', Outcome.UNRECOGNISED, id="a list"),
        pytest.param(b'{"ERROR_CODE":"0"}', Outcome.UNRECOGNISED, id="another case"),
        pytest.param(b'{"message":"ok"}', Outcome.UNRECOGNISED, id="no code"),
        pytest.param(b'"0"', Outcome.UNRECOGNISED, id="a text"),
        pytest.param(b'[{"error_code":"0"}]', Outcome.UNRECOGNISED, id="an array"),
        pytest.param(b'{"error_code":"0"', Outcome.UNRECOGNISED, id="cut"),
        pytest.param(b'{"error_code":"0"}{}', Outcome.UNRECOGNISED, id="two values"),
        pytest.param(
            b'{"error_code":"-1","error_code":"0"}', Outcome.UNRECOGNISED, id="a key twice"
        ),
        pytest.param(
            b'{"error_code":"0","result":[{"a":1,"a":2}]}',
            Outcome.UNRECOGNISED,
            id="a key twice, deeper",
        ),
        pytest.param(b'{"error_code":"0","a":NaN}', Outcome.UNRECOGNISED, id="NaN"),
        pytest.param(DEEP, Outcome.UNRECOGNISED, id="deep"),
        pytest.param(
            b'{"error_code":' + b"9" * 100_000 + b"}", Outcome.UNRECOGNISED, id="a long number"
        ),
        pytest.param('{"error_code":"0"}'.encode("utf-16"), Outcome.UNRECOGNISED, id="UTF-16"),
        pytest.param(b'{"error_code":"0","message":"\xd0"}', Outcome.UNRECOGNISED, id="cp1258"),
        pytest.param(
            b'{"error_code":"0","message":"\\ud800"}', Outcome.DELIVERED, id="half a surrogate"
        ),
        pytest.param(
            b'{"error_code":"0","message":7,"result":{}}', Outcome.DELIVERED, id="odd kinds"
        ),
    ],
)
def test_a_hostile_answer_is_judged_without_a_guess_and_kept(open_channel, body, outcome):
    answer, _ = send(open_channel, said(body))

    assert (answer.outcome, answer.raw) == (outcome, body)


def test_what_no_store_takes_is_in_no_code_and_no_words(open_channel):
    body = b'{"error_code":"7\\u0000\\ud800","message":"a\\u0000\\udfffb\\n\\u001bc"}'

    answer, _ = send(open_channel, said(body))

    assert (answer.code, answer.message) == ("7\ufffd\ufffd", "a\ufffd\ufffdb \ufffdc")
    assert answer.detail == "code 7\ufffd\ufffd"


def test_an_answer_cut_short_without_a_length_leaves_the_fate_open(open_channel):
    answer, _ = send(open_channel, b'HTTP/1.1 200 OK\r\n\r\n{"error_code":"0"')

    assert (answer.outcome, answer.raw) == (Outcome.UNKNOWN, b'{"error_code":"0"')


@pytest.mark.parametrize(
    ("code", "message", "result", "outcome"),
    [
        ("0", "Không thành công", [], Outcome.UNRECOGNISED),
        ("0", "Thất bại", [], Outcome.UNRECOGNISED),
        ("0", "Hồ sơ đã tồn tại", [], Outcome.UNRECOGNISED),
        ("0", "Hồ sơ chưa tồn tại", [], Outcome.UNRECOGNISED),
        ("-1", "Không thành công", [], Outcome.REJECTED),
        ("-1", "Thêm mới thành công", [], Outcome.UNRECOGNISED),
        ("3", "Đã tồn tại, cập nhật thành công", [], Outcome.UNRECOGNISED),
        ("0", "Thành công", [{"MaHoSo": DOSSIER, "error_code": "0"}], Outcome.DELIVERED),
        ("0", "Thành công", [{"MaHoSo": DOSSIER, "error_code": "-1"}], Outcome.UNRECOGNISED),
        ("0", "Thành công", [{"MAHOSO": "H29.14-261124-0002"}], Outcome.UNRECOGNISED),
        ("0", "Thành công", {"MaHoSo": "H29.14-261124-0002"}, Outcome.UNRECOGNISED),
        ("0", "Thành công", None, Outcome.DELIVERED),
    ],
)
def test_where_code_text_and_result_disagree_nobody_guesses(
    open_channel, code, message, result, outcome
):
    value = {"error_code": code, "message": message, "result": result}

    answer, _ = send(open_channel, said(value), rejected_codes=["-1"])

    assert answer.outcome is outcome
    assert "ành công" not in answer.detail


def test_the_word_of_failure_is_no_word_of_success(open_channel):
    demands = {"success_texts": ["thành công"]}

    good, _ = send(open_channel, said(OK), **demands)
    silent, _ = send(open_channel, said(OK | {"message": ""}), **demands)
    bad, _ = send(open_channel, said(OK | {"message": "KHÔNG THÀNH CÔNG"}), **demands)

    assert good.outcome is Outcome.DELIVERED
    assert silent.outcome is Outcome.UNRECOGNISED
    assert bad.outcome is Outcome.UNRECOGNISED


def test_a_dropped_connection_after_the_commit_leaves_the_fate_open_and_the_digest_kept(
    open_channel,
):
    with peer(closing_after_reading) as target:
        answer = open_channel(target.url).send(REQUEST)

    data = target.seen[0][1].partition(b'"data":')[2][:-1]
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.payload_digest == sha256(data).hexdigest()


# ---- look-ups


@pytest.mark.parametrize(
    ("value", "adapter", "found"),
    [
        ({"error_code": 0, "result": []}, {}, Found.ABSENT),
        ({"error_code": 0, "result": None}, {}, Found.FAILED),
        ({"error_code": 0, "result": None}, {"null_is_absent": True}, Found.ABSENT),
        ({"error_code": 0}, {"null_is_absent": True}, Found.FAILED),
        ({"error_code": "0", "result": ""}, {}, Found.FAILED),
        ({"error_code": "0", "result": [None]}, {}, Found.FAILED),
        ({"error_code": "0", "result": [{}]}, {}, Found.FAILED),
        # An object of nothing, as a server writes one that it did not find.
        ({"error_code": "0", "result": [{"MaHoSo": None, "TrangThai": ""}]}, {}, Found.FAILED),
        ({"error_code": "0", "result": [{"Ten": [], "Kieu": {}, "Ma": " "}]}, {}, Found.FAILED),
        # What an item says of itself contradicts the answer around it.
        ({"error_code": "0", "result": [{"error_code": -1, "message": "Sai"}]}, {}, Found.FAILED),
        ({"error_code": "0", "result": {"error_code": "0", "TrangThai": "4"}}, {}, Found.PRESENT),
        ({"error_code": "-4", "message": "Không có"}, {}, Found.FAILED),
        ({"error_code": "-4", "message": "Không có"}, {"absent_codes": ["-4"]}, Found.ABSENT),
        ({"error_code": "0", "message": "Thất bại", "result": []}, {}, Found.FAILED),
        ({"error_code": "0", "result": {"MaHoSo": DOSSIER}}, {}, Found.PRESENT),
        ({"error_code": "0", "result": [{"TRANGTHAI": "4"}]}, {}, Found.PRESENT),
        ({"error_code": "0", "result": [{"mahoso": "H29.14-261124-0002"}]}, {}, Found.FAILED),
    ],
)
def test_what_a_look_up_proves_is_the_profiles(open_channel, value, adapter, found):
    with peer(answering(said(value))) as target:
        channel = open_channel(target.url, adapter=adapter)
        answer = channel.look_up(agency_code="", dossier_code=DOSSIER)

    assert answer.found is found
    assert answer.raw == json.dumps(value, ensure_ascii=False).encode()
    assert body_of(target.seen[0]) == {
        "session": "phien-1",
        "madonvi": AGENCY,
        "service": "TraCuuHoSo",
        "mahoso": DOSSIER,
    }


# ---- login and session


def test_a_login_gives_the_session_of_all_later_calls(open_channel):
    with peer(answering(said(LOGGED_IN), said(OK), said(OK))) as target:
        channel = open_channel(target.url, session=None)
        outcomes = [channel.send(REQUEST).outcome for _ in range(2)]

    assert outcomes == [Outcome.DELIVERED] * 2
    assert paths_of(target) == ["/portal/auth", "/portal/integration", "/portal/integration"]
    assert body_of(target.seen[0]) == {"username": "tich-hop", "password": "mat-khau"}
    assert [body_of(one)["session"] for one in target.seen[1:]] == ["phien-2"] * 2


def test_another_process_takes_the_session_that_is_there(open_channel):
    with peer(answering(said(LOGGED_IN), said(OK)), answering(said(OK))) as target:
        open_channel(target.url, session=None).send(REQUEST)
        other = open_channel(target.url, session=None).send(REQUEST)

    assert other.outcome is Outcome.DELIVERED
    assert paths_of(target).count("/portal/auth") == 1


def test_the_session_of_another_login_is_not_taken(open_channel):
    with peer(answering(said(LOGGED_IN), said(OK))) as target:
        open_channel(target.url)
        open_channel(target.url, session=None, adapter={"username": "khac"}).send(REQUEST)

    assert paths_of(target) == ["/portal/auth", "/portal/integration"]


@pytest.mark.parametrize(
    ("passed", "logins"),
    [
        (timedelta(minutes=8, seconds=59), 0),
        (timedelta(minutes=9), 1),
        (timedelta(hours=3), 1),
        (-timedelta(hours=3), 1),
    ],
    ids=["young", "before its end", "three hours later", "from three hours ahead"],
)
def test_a_session_is_renewed_before_it_ends(open_channel, clock, passed, logins):
    answers = [said(LOGGED_IN)] * logins + [said(OK)]
    with peer(answering(*answers)) as target:
        channel = open_channel(target.url)
        clock.now += passed
        answer = channel.send(REQUEST)

    assert answer.outcome is Outcome.DELIVERED
    assert paths_of(target).count("/portal/auth") == logins


@pytest.mark.parametrize(
    "ended",
    [
        said({"error_code": "-5", "message": "Phiên làm việc đã hết hạn"}),
        http(401, b"<html/>"),
    ],
    ids=["by its code and text", "by its status"],
)
def test_a_session_that_ended_is_renewed_once_and_the_same_payload_goes_again(open_channel, ended):
    answer, target = send(open_channel, ended, said(LOGGED_IN), said(OK), adapter=EXPIRED)

    assert answer.outcome is Outcome.DELIVERED
    assert paths_of(target) == ["/portal/integration", "/portal/auth", "/portal/integration"]
    first, again = body_of(target.seen[0]), body_of(target.seen[2])
    assert (first["session"], again["session"]) == ("phien-1", "phien-2")
    assert first["data"] == again["data"]


def test_a_session_that_is_refused_again_is_the_targets_fault_and_no_circle(open_channel):
    ended = said({"error_code": "-5", "message": "Hết phiên"})

    answer, target = send(open_channel, ended, said(LOGGED_IN), ended, adapter=EXPIRED)

    assert answer.outcome is Outcome.TARGET
    assert len(target.seen) == 3


@pytest.mark.parametrize(
    "value",
    [
        {"error_code": "-5", "message": "Dữ liệu sai"},
        {"error_code": "-5", "message": "Thành công, phiên đã hết hạn"},
    ],
    ids=["another text", "a word of success"],
)
def test_what_does_not_prove_that_nothing_was_done_is_not_sent_again(open_channel, value):
    answer, target = send(open_channel, said(value), adapter=EXPIRED)

    assert answer.outcome is Outcome.UNRECOGNISED
    assert len(target.seen) == 1


def test_a_look_up_renews_the_session_too(open_channel):
    ended = said({"error_code": "-5", "message": "Hết phiên"})
    with peer(answering(ended, said(LOGGED_IN), said(OK))) as target:
        channel = open_channel(target.url, adapter=EXPIRED)
        found = channel.look_up(agency_code="", dossier_code=DOSSIER)

    assert found.found is Found.ABSENT


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        pytest.param(said({"error_code": "-1", "message": "Sai"}), Outcome.TARGET, id="refused"),
        pytest.param(said({"error_code": "0"}), Outcome.TARGET, id="no session"),
        pytest.param(said({"session": "", "error_code": "0"}), Outcome.TARGET, id="blank"),
        pytest.param(said({"session": "x"}), Outcome.TARGET, id="no code"),
        pytest.param(
            said({"session": "x" * 5000, "error_code": "0"}), Outcome.TARGET, id="endless"
        ),
        pytest.param(
            said(b'{"session":"\\ud800","error_code":"0"}'), Outcome.TARGET, id="half a surrogate"
        ),
        pytest.param(said(b"<html/>"), Outcome.TARGET, id="a web page"),
        pytest.param(http(401), Outcome.TARGET, id="401"),
        pytest.param(http(404), Outcome.TARGET, id="404"),
        pytest.param(http(503), Outcome.BUSY, id="503"),
        pytest.param(http(502), Outcome.NOT_SENT, id="502"),
        pytest.param(b"", Outcome.NOT_SENT, id="closed"),
    ],
)
def test_without_a_login_nothing_is_sent_and_nothing_is_unknown(open_channel, told, outcome):
    answer, target = send(open_channel, told, said(OK), session=None)

    assert answer.outcome is outcome
    assert paths_of(target) == ["/portal/auth"]


def test_a_look_up_does_not_try_a_wrong_password_again(open_channel):
    told = said({"error_code": "-1", "message": "Sai mật khẩu"})
    with peer(answering(told, told, told)) as target:
        channel = open_channel(target.url, session=None, look_up_attempts=3)
        found = channel.look_up(agency_code="", dossier_code=DOSSIER)

    assert (found.found, found.detail) == (Found.FAILED, "login: code -1; nothing was sent")
    assert len(target.seen) == 1


def test_of_many_calls_one_logs_in(open_channel):
    def serve(connection, seen):
        while (request := read_request(connection)) is not None:
            seen.append(request)
            is_login = b"/auth " in request[0].split(b"\r\n")[0]
            if is_login:
                threading.Event().wait(0.2)
            connection.sendall(said(LOGGED_IN if is_login else OK))

    with peer(serve) as target:
        channel = open_channel(target.url, session=None)
        outcomes = in_threads(8, lambda: channel.send(REQUEST).outcome)
        channel.close()

    assert outcomes == [Outcome.DELIVERED] * 8
    assert paths_of(target).count("/portal/auth") == 1


def test_a_wrong_password_is_tried_once_by_all_who_wait(open_channel):
    def refuse(connection, seen):
        while (request := read_request(connection)) is not None:
            seen.append(request)
            threading.Event().wait(0.3)
            connection.sendall(said({"error_code": "-1", "message": "Sai mật khẩu"}))

    with peer(refuse) as target:
        channel = open_channel(target.url, session=None)
        outcomes = in_threads(6, lambda: channel.send(REQUEST).outcome)
        channel.close()

    assert outcomes == [Outcome.TARGET] * 6
    assert len(target.seen) == 1


def test_two_processes_take_turns_at_logging_in(open_channel):
    def serve(connection, seen):
        while (request := read_request(connection)) is not None:
            seen.append(request)
            is_login = b"/auth " in request[0].split(b"\r\n")[0]
            if is_login:
                threading.Event().wait(0.3)
            connection.sendall(said(LOGGED_IN if is_login else OK))

    with peer(serve) as target:
        # Each channel has its own lock and its own handle of the file, as a process has.
        channels = [open_channel(target.url, session=None) for _ in range(3)]
        waiting = iter(channels)
        outcomes = in_threads(3, lambda: next(waiting).send(REQUEST).outcome)
        for channel in channels:
            channel.close()

    assert outcomes == [Outcome.DELIVERED] * 3
    assert paths_of(target).count("/portal/auth") == 1


def in_threads(count, call):
    results = []
    threads = [threading.Thread(target=lambda: results.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return results


@pytest.mark.parametrize("found", [b"", b"{", b'{"owner":1}', b"\xff" * 100, b"[" * 50_000])
def test_a_damaged_session_file_means_a_login_and_no_more(open_channel, tmp_path, found):
    with peer(answering(said(LOGGED_IN), said(OK))) as target:
        channel = open_channel(target.url, session=None)
        (tmp_path / "portal-session").write_bytes(found)
        answer = channel.send(REQUEST)

    assert answer.outcome is Outcome.DELIVERED
    assert paths_of(target)[0] == "/portal/auth"


def test_where_nothing_can_be_sealed_no_session_is_written(open_channel, tmp_path):
    class Never:
        def seal(self, plain):
            return None

        def open(self, sealed):
            return None

    with peer(answering(said(LOGGED_IN), said(OK), said(OK))) as target:
        channel = open_channel(target.url, session=None, sealing=Never())
        outcomes = [channel.send(REQUEST).outcome for _ in range(2)]

    assert outcomes == [Outcome.DELIVERED] * 2
    assert not (tmp_path / "portal-session").exists()


def test_a_session_is_in_no_answer_and_no_representation(open_channel):
    odd = {"session": "phien-bi-mat", "error_code": "-1", "message": "?"}

    answer, _ = send(open_channel, said(odd), session=None)

    assert answer.outcome is Outcome.TARGET
    assert "phien-bi-mat" not in repr(answer)


# ---- dictionaries


def test_a_dictionary_comes_from_the_share_endpoint_as_the_portal_names_it(open_channel):
    rows = [{"MATTHC": "1.001193", "TENTTHC": "Đăng ký khai sinh</p>"}]
    with peer(answering(said(OK | {"result": rows}), said(OK | {"result": rows}))) as target:
        channel = open_channel(target.url, adapter={"share_endpoint": "/share"})
        found = channel.fetch(Dictionary.PROCEDURES)
        channel.fetch(Dictionary.PROCEDURE, code="1.001193")

    assert found == tuple(rows)
    assert paths_of(target) == ["/portal/share", "/portal/integration"]
    assert body_of(target.seen[0])["service"] == "LayDanhSachTTHC"
    assert body_of(target.seen[1])["maTTHC"] == "1.001193"


@pytest.mark.parametrize(
    "raw",
    [
        said({"error_code": "-1", "message": "Sai"}),
        said({"error_code": "0"}),
        said(b"<html/>"),
        said(OK, status=500),
        http(401),
        b"",
    ],
    ids=["an error", "no result", "a web page", "a server error", "401", "closed"],
)
def test_a_dictionary_that_did_not_come_is_the_peers_error(open_channel, raw):
    with peer(answering(raw)) as target, pytest.raises(PeerError, match="LayDanhMucCoQuan"):
        open_channel(target.url, adapter={"share_endpoint": "/s"}).fetch(Dictionary.AGENCIES)


def test_a_target_without_dictionaries_is_told(open_channel):
    with pytest.raises(ConfigError, match="share_endpoint"):
        open_channel("http://127.0.0.1:1/x").fetch(Dictionary.FIELDS)

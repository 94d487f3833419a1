"""What peers send in JSON: taken over whole and once, or refused with every reason."""

import hashlib
import json

import pytest

LAND, HEALTH = "land-registration", "health-department"
UNIT = "000.00.15.H29"
SECRET = "bi-mat-cua-thue-2026"
DOSSIER = "000.00.15.H29-260302-0001"
TAX = {
    "json": {"security_key": SECRET},
    "services": {"ChungTuThue": {"every_field": True}, "ThongBaoThue": {"required": ["A.B"]}},
    "routes": {"otherwise": LAND},
}


@pytest.fixture
def portal(site, item):
    """Give a peer that proves itself by a token, and send to it."""
    token = site.token()

    def send(data=..., *, bearer=token, settings=None, **changes):
        peer = site.peer(**({"json": {"token": True}} | (settings or {})))
        values = {"madonvi": UNIT, "service": "DongBoHoSoMC", "isUpdating": "False"}
        values |= {"data": [item] if data is ... else data} | changes
        body = json.dumps(values, ensure_ascii=False).encode()
        return peer.answer_json(body, bearer=bearer)

    return send


@pytest.fixture
def tax(site):
    """Give a peer that proves itself by a key in the body, and send to it."""

    def send(data, *, key=SECRET, settings=None, **changes):
        peer = site.peer(**(TAX | (settings or {})))
        values = {"SecurityKey": key, "Service": "ChungTuThue", "IsUpdating": "False"}
        body = json.dumps(values | {"Data": data} | changes)
        return peer.answer_json(body.encode(), bearer=None)

    return send


def said(answered):
    return json.loads(answered.content)


def test_each_item_becomes_one_submission_in_its_own_bytes(site, portal, item):
    other = item | {"MaHoSo": "000.00.15.H29-260302-0002"}

    answered = portal([item, other])

    assert (answered.status, said(answered)) == (
        200,
        {"error_code": "0", "message": "Thành công"},
    )
    bodies = [json.dumps(one, ensure_ascii=False).encode() for one in (item, other)]
    keys = [
        f"{one['MaHoSo']}:{hashlib.sha256(body).hexdigest()}"
        for one, body in zip((item, other), bodies, strict=True)
    ]
    assert site.kept() == [
        (LAND, "DongBoHoSoMC.json", keys[0], bodies[0]),
        (LAND, "DongBoHoSoMC.json", keys[1], bodies[1]),
    ]


def test_the_log_says_which_token_proved_the_sender_and_has_no_secret(site, portal, tax):
    portal()
    tax({"MaHoSo": DOSSIER})

    (_, by_token), (_, by_key) = site.audited("submission.received")
    assert (by_token["sender"], by_token["proven_by"]) == ("portal", "token")
    assert len(by_token["token"]) == 16
    assert by_key["proven_by"] == "security-key"
    assert SECRET not in json.dumps(by_key)


def test_the_bytes_of_an_item_are_those_that_came(site):
    raw = b'{ "MaHoSo" : "x\\u0031",\n "SoTien": 1.50e3 , "Ten":"\xc3\x81" }'
    peer = site.peer(**TAX)

    peer.answer_json(
        b'\xef\xbb\xbf{"SecurityKey":"%b","Service":"ChungTuThue","Data":%b}'
        % (SECRET.encode(), raw),
        bearer=None,
    )

    assert [kept[3] for kept in site.kept()] == [raw]


def test_a_repeat_is_answered_as_the_first_was_and_kept_once(site, portal):
    first, again = portal(), portal()

    assert (again.status, again.content) == (first.status, first.content)
    assert len(site.kept()) == 1
    assert len(site.audited("submission.repeated")) == 1


def test_a_peer_may_want_a_repeat_told_with_a_code_of_its_own(portal):
    settings = {"answers": {"repeat_code": "1", "repeat_text": "đã có", "numbers": True}}

    portal(settings=settings)
    again = portal(settings=settings)

    assert said(again) == {"error_code": 1, "message": "đã có"}


def test_the_same_id_with_other_content_is_refused_and_audited(site, tax):
    settings = {"services": {"ChungTuThue": {"id_field": "MaHoSo"}}}
    tax({"MaHoSo": "a", "SoTien": "1"}, settings=settings)

    answered = tax([{"MaHoSo": "b"}, {"MaHoSo": "a", "SoTien": "2"}], settings=settings)

    assert (answered.status, said(answered)["error_code"]) == (200, "-1")
    assert said(answered)["message"].startswith("Mã của bản tin thứ 2 đã được dùng")
    assert [kept[2] for kept in site.kept()] == ["a"]
    (conflict,) = site.audited("submission.key_conflict")
    other = hashlib.sha256(b'{"MaHoSo": "a", "SoTien": "2"}').hexdigest()
    assert conflict[1]["sha256"] == other
    (refusal,) = site.audited("inbound.refused")
    assert (refusal[0], refusal[1]["codes"]) == ("portal", "submission.key_conflict")


def test_two_messages_of_one_request_may_not_share_an_id(site, tax):
    settings = {"services": {"ChungTuThue": {"id_field": "MaHoSo"}}}

    answered = tax([{"MaHoSo": "a", "X": "1"}, {"MaHoSo": "a", "X": "2"}], settings=settings)

    assert said(answered)["error_code"] == "-1"
    assert site.kept() == []


def test_an_id_of_the_envelope_numbers_its_messages(site, tax):
    settings = {"json": {"security_key": SECRET, "message_id_name": "refId"}}

    tax([{"MaHoSo": "a"}, {"MaHoSo": "b"}], settings=settings, refId="r-1")
    tax({"MaHoSo": "c"}, settings=settings, refId="r-2")

    assert [kept[2] for kept in site.kept()] == ["r-1#1", "r-1#2", "r-2"]


def test_every_mistake_of_every_item_is_told_at_once(site, portal, item):
    bad = {**item, "TrangThaiHoSo": "99", "TenTTHC": "", "La": "x", "TaiLieuNop": "y"}

    answered = portal([item, bad, item | {"NgayTiepNhan": "2026"}])

    told = said(answered)["message"]
    assert said(answered)["error_code"] == "-1"
    for name in ("[2] La", "[2] TaiLieuNop", "TenTTHC", "TrangThaiHoSo", "NgayTiepNhan"):
        assert name in told
    assert "[1]" not in told
    assert site.kept() == []


def test_a_field_that_the_schema_lacks_is_taken_where_that_is_set(site, portal, item):
    settings = {"json": {"token": True, "takes_unknown_fields": True}}

    answered = portal([item | {"TruongMoi": "x"}], settings=settings)

    assert said(answered)["error_code"] == "0"
    assert b"TruongMoi" in site.kept()[0][3]


def test_services_without_a_schema_are_judged_by_what_is_required(tax):
    empty = tax({"MaHoSo": "", "ThongTinThanhToan": {"SoTien": None, "Ngay": "x"}})
    path = tax({"A": [{"B": "1"}, {"B": " "}]}, Service="ThongBaoThue")
    absent = tax({"A": {}}, Service="ThongBaoThue")

    assert said(empty)["message"] == ("MaHoSo thiếu hoặc để trống; SoTien thiếu hoặc để trống")
    one = "A.B thiếu hoặc để trống. Điền các trường này rồi gửi lại"
    assert said(path)["message"] == said(absent)["message"] == one


@pytest.mark.parametrize("bearer", [None, "lt_0123456789abcdef_" + "x" * 43, "", "\x00", "của ai"])
def test_nobody_is_let_in_without_a_valid_token(site, portal, bearer):
    answered = portal(bearer=bearer)

    assert (answered.status, said(answered)["error_code"]) == (401, "-1")
    assert site.kept() == []


def test_an_agencys_token_opens_nothing_for_peers(site, portal):
    assert portal(bearer=site.token(LAND)).status == 401
    assert portal(bearer=site.token("peer:other")).status == 401


def test_a_token_may_stand_where_the_adapter_has_its_session(site, portal):
    assert portal(bearer=None, session=site.token()).status == 200
    assert b"session" not in site.kept()[0][3]


@pytest.mark.parametrize("key", ["", "bi-mat", SECRET + "x", None, 5, ["x"]])
def test_a_wrong_security_key_is_refused_and_written_down(site, tax, key):
    answered = tax({"MaHoSo": "a"}, key=key)

    assert answered.status == 401
    assert site.kept() == []
    (refusal,) = site.audited("inbound.refused")
    assert (refusal[1]["codes"], refusal[1]["proven"]) == ("inbound.unproven", False)


def test_the_security_key_is_in_nothing_that_is_kept(site, tax):
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in SECRET)
    peer = site.peer(**TAX)
    hidden = f'{{"SecurityKey":"{SECRET}","Service":"ChungTuThue","Data":{{"X":["a{escaped}"]}}}}'

    good = tax({"MaHoSo": "a"})
    bad = peer.answer_json(hidden.encode(), bearer=None)

    assert (said(good)["error_code"], said(bad)["error_code"]) == ("0", "-1")
    assert [kept[3] for kept in site.kept()] == [b'{"MaHoSo": "a"}']
    assert SECRET not in json.dumps(site.audited("inbound.refused"))


def test_the_digest_of_a_refusal_is_of_the_data_and_not_of_the_secret(site, tax):
    tax({"MaHoSo": ""})
    peer = site.peer(**TAX)
    peer.answer_json(f'{{"SecurityKey":"{SECRET}"'.encode(), bearer=None)

    first, second = (detail["sha256"] for _, detail in site.audited("inbound.refused"))

    assert first == hashlib.sha256(b'{"MaHoSo": ""}').hexdigest()
    assert second is None


def test_strangers_cannot_fill_the_audit_log(site):
    peer = site.peer(**TAX)

    for _ in range(100):
        peer.answer_json(b"{}", bearer=None)

    assert len(site.audited("inbound.refused")) == 60


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"service": "LayThuTuc"}, "inbound.service_unknown"),
        ({"service": None}, "inbound.service_unknown"),
        ({"service": ["DongBoHoSoMC"]}, "inbound.service_unknown"),
        ({"madonvi": "000.00.99.H29"}, "inbound.agency_unknown"),
        ({"data": []}, "inbound.data"),
        ({"data": "x"}, "inbound.data"),
        ({"data": None}, "inbound.data"),
        ({"data": [1]}, "inbound.data"),
        ({"data": [{}] * 1001}, "inbound.data"),
    ],
)
def test_what_is_refused_leaves_its_reason_and_nothing_else(site, portal, changes, code):
    answered = portal(**changes)

    assert (answered.status, said(answered)["error_code"]) == (200, "-1")
    assert site.kept() == []
    (refusal,) = site.audited("inbound.refused")
    assert refusal[1]["codes"] == code
    assert set(refusal[1]) == {
        "door", "codes", "status", "service", "proven", "sha256", "size",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Bao tri</body></html>",
        b"[]",
        b'{"a":1,"a":2}',
        b'{"data":[{"a":1,"a":2}]}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\xe1"}',
        '{"a":"á"}'.encode("utf-16"),
        '{"a":"á"}'.encode("cp1258"),
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"a":"' + b"\x01" + b'"}',
        b'{"a":"\\ud800"}',
        b'{"data":[],"Data":[]}',
    ],
)
def test_what_is_no_json_is_refused(site, body):
    answered = site.peer(json={"token": True}).answer_json(body, bearer=site.token())

    assert (answered.status, said(answered)["error_code"]) == (400, "-1")


def test_statuses_may_tell_the_kind_of_a_refusal(portal):
    settings = {"answers": {"http_status": "by-kind", "language": "en"}}

    answered = portal(settings=settings, service="x")

    assert answered.status == 422
    assert said(answered)["message"] == (
        "There is no such service, or the sender may not send it. Check the service's name; ask "
        "the operator to allow it if need be"
    )


def test_an_agency_that_is_not_here_yet_makes_the_peer_wait(site, portal):
    site.agencies = (HEALTH,)

    answered = portal()

    assert (answered.status, answered.headers["Retry-After"]) == (503, "5")
    assert site.kept() == []


@pytest.mark.parametrize(
    ("routes", "agency"),
    [
        ({"procedures": {"1.001193": HEALTH}}, HEALTH),
        ({"units": {"x": LAND}, "procedures": {"1.001193": HEALTH}}, HEALTH),
        ({"units": {UNIT: LAND}, "procedures": {"1.001193": HEALTH}}, LAND),
        ({"units": {"Văn phòng đăng ký": HEALTH}, "unit_field": "DonViXuLy"}, HEALTH),
        ({"otherwise": HEALTH}, HEALTH),
    ],
)
def test_a_message_reaches_the_agency_that_the_settings_name(site, portal, routes, agency):
    portal(settings={"routes": routes})

    assert [kept[0] for kept in site.kept()] == [agency]


def test_millions_of_empty_values_are_refused_before_they_take_memory(site):
    peer = site.peer(**TAX)
    body = b'{"Data":[%b]}' % b",".join([b"[]"] * 1_000_000)

    answered = peer.answer_json(body, bearer=None)

    assert answered.status == 400
    assert "500000" in said(answered)["message"]

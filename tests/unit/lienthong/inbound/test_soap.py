"""What peers send over SOAP: only what a signature covers goes on; all else is a fault."""

import json
from datetime import timedelta

import pytest
from lxml import etree

from schemas.building import SOAP_11, SOAP_12
from signing import Passphrase, load_policy, read_signer
from signing.wss import Login, PasswordForm, SecurityPolicy, SecurityWriter, verify_message

LAND = "land-registration"
UNIT = "000.00.15.H29"
MESSAGE_ID = "019abcde-0000-7000-8000-000000000001"
OTHER_ID = "019abcde-0000-7000-8000-000000000002"
IN = "urn:lienthong:inbound:1"
NS = "urn:lienthong:dvcqg:2020"
WSA = "http://www.w3.org/2005/08/addressing"
XML = "text/xml"


@pytest.fixture
def signed(site, pki):
    """Give a peer that signs: settings, a writer of its messages, and sending."""

    class Signed:
        def write(self, body, *, key=None, soap=SOAP_11, at=None, headers=()):
            writer = SecurityWriter(soap=soap, key=key or site.portal)
            return writer.write(body, at=at or site.clock(), headers=headers).envelope

        def send(self, data, *, settings=None, content_type=XML, **soap):
            peer = site.peer(
                **({"soap": {"trust": (pki.portal.certificate,)} | soap} | (settings or {}))
            )
            return peer.answer_soap(data, bearer=None, content_type=content_type)

    return Signed()


@pytest.fixture
def plain(site):
    """Send to a peer that proves itself by a token."""
    token = site.token()

    def send(data, *, settings=None, bearer=token, content_type=XML, **soap):
        peer = site.peer(**({"soap": {"token": True} | soap} | (settings or {})))
        return peer.answer_soap(data, bearer=bearer, content_type=content_type)

    return send


def read(answered):
    """Return code and text of an answer, or code and reason of a fault."""
    root = etree.fromstring(answered.content)
    body = root.find("{*}Body")[0]
    if etree.QName(body).localname != "Fault":
        return body.findtext("{*}error_code"), body.findtext("{*}message")
    if root.tag == f"{{{SOAP_11}}}Envelope":
        return body.findtext("faultcode"), body.findtext("faultstring")
    value = body.find("{*}Code/{*}Subcode/{*}Value")
    value = body.find("{*}Code/{*}Value") if value is None else value
    return value.text, body.findtext("{*}Reason/{*}Text")


def generic(content="<D xmlns='urn:x'><MaHoSo>a</MaHoSo></D>", *, service="ChungTuThue", key="m-1"):
    stated = f"<MaBanTin>{key}</MaBanTin>" if key else ""
    return (
        f'<NhanBanTin xmlns="{IN}">{stated}<DichVu>{service}</DichVu>'
        f"<MaDonVi>{UNIT}</MaDonVi><DuLieu>{content}</DuLieu></NhanBanTin>"
    ).encode()


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
def test_the_signed_document_becomes_a_submission_as_it_came(site, signed, soap):
    message = site.document()

    answered = signed.send(signed.write(site.request(message), soap=soap))

    assert (answered.status, read(answered)) == (200, ("0", "Thành công"))
    assert site.kept() == [(LAND, "DongBoHoSoMC.xml", MESSAGE_ID, message)]


def test_the_log_says_whose_signature_proved_the_sender(site, signed, pki):
    signed.send(signed.write(site.request(site.document())))

    ((_, detail),) = site.audited("submission.received")
    assert (detail["sender"], detail["proven_by"]) == ("portal", "signature")
    assert detail["signer"] == read_signer(site.portal.certificate).fingerprint


def test_the_same_message_in_another_attempt_is_the_same_submission(site, signed):
    message = site.document()

    first = signed.send(signed.write(site.request(message, attempt=1)))
    again = signed.send(signed.write(site.request(message, attempt=2)))

    assert again.content == first.content
    assert len(site.kept()) == 1


def test_the_very_same_bytes_are_a_repeat_and_no_replay(site, signed):
    data = signed.write(site.request(site.document()))

    first, again = signed.send(data), signed.send(data)

    assert (first.content, read(again)[0]) == (again.content, "0")
    assert len(site.kept()) == 1


def test_a_replayed_id_with_other_content_is_a_conflict(site, signed, item):
    signed.send(signed.write(site.request(site.document())))

    other = site.document(item | {"ChuHoSo": "Trần Văn Mít"})
    answered = signed.send(signed.write(site.request(other)))

    assert (answered.status, read(answered)[0]) == (200, "-1")
    assert len(site.kept()) == 1
    assert len(site.audited("submission.key_conflict")) == 1


def test_a_progress_row_is_of_its_own_service(site, signed):
    values = {
        "MaHoSo": "000.00.15.H29-260302-0001",
        "NguoiXuLy": "Lê Thị Ổi",
        "ThoiDiemXuLy": "20260302081500",
        "PhongBanXuLy": "Một cửa",
        "NoiDungXuLy": "Tiếp nhận",
        "TrangThai": "1",
        "NgayBatDau": "20260302081500",
    }
    message = site.document(values, packet="CapNhatTienDoHoSoMC")

    answered = signed.send(signed.write(site.request(message, packet="CapNhatTienDoHoSoMC")))

    assert read(answered)[0] == "0", read(answered)
    assert site.kept()[0][1] == "CapNhatTienDoHoSoMC.xml"


def test_every_mistake_of_a_document_is_told_at_once(site, signed, item):
    bad = site.document(item | {"TrangThaiHoSo": "99", "NgayTiepNhan": "2026"})

    answered = signed.send(signed.write(site.request(bad)))

    code, text = read(answered)
    assert code == "-1"
    assert "TrangThaiHoSo" in text
    assert "NgayTiepNhan" in text
    assert site.kept() == []


def test_messages_of_other_services_go_on_as_they_came(site, plain):
    content = '<d:D xmlns:d="urn:x"><MaHoSo>1 &amp; 2</MaHoSo><!-- x --><B  b="1"/></d:D>'

    answered = plain(site.envelope(generic(content)))

    assert (answered.status, read(answered)[0]) == (200, "0"), read(answered)
    ((agency, name, key, body),) = site.kept()
    assert (agency, name, key) == (LAND, "ChungTuThue.xml", "m-1")
    assert body == (
        b'<d:D xmlns:d="urn:x"><MaHoSo xmlns="urn:lienthong:inbound:1">1 &amp; 2</MaHoSo>'
        b'<B xmlns="urn:lienthong:inbound:1" b="1"></B></d:D>'
    )


def test_required_fields_are_asked_of_xml_too(plain, site):
    services = {"ChungTuThue": {"required": ["MaHoSo", "ThongTin.SoTien"], "every_field": True}}
    content = "<D xmlns=''><MaHoSo> </MaHoSo><ThongTin><Ngay/></ThongTin></D>"

    answered = plain(site.envelope(generic(content)), settings={"services": services})

    told = read(answered)[1]
    assert told == (
        "MaHoSo thiếu hoặc để trống; ThongTin.SoTien thiếu hoặc để trống; Ngay thiếu hoặc để trống"
    )


@pytest.mark.parametrize("where", ["stranger", "expired", "changed", "unsigned"])
def test_what_is_not_proven_is_a_fault_of_ws_security(site, signed, where):
    data = signed.write(site.request(site.document()))
    if where == "stranger":
        data = signed.write(site.request(site.document()), key=site.operator)
    elif where == "expired":
        at = site.clock() - timedelta(hours=1)
        data = signed.write(site.request(site.document()), at=at)
    elif where == "changed":
        data = data.replace("Bưởi".encode(), b"Chanh")
    else:
        data = site.envelope(site.request(site.document()))

    answered = signed.send(data)

    code, reason = read(answered)
    assert answered.status == 500
    assert code.startswith("q:")
    assert " / " in reason
    assert site.kept() == []
    ((_, detail),) = site.audited("inbound.refused")
    assert (detail["proven"], detail["door"]) == (False, "portal-soap")


def test_a_wrapped_signature_carries_nothing_in(site, signed, item):
    """The signed body is moved into a header, and another one stands in its place."""
    root = etree.fromstring(signed.write(site.request(site.document())))
    header, body = root
    forged = site.request(site.document(item | {"ChuHoSo": "Kẻ gian"}, message_id=OTHER_ID))
    wrapper = etree.SubElement(header, "{urn:x}Wrapper")
    root.remove(body)
    wrapper.append(body)
    fresh = etree.SubElement(root, f"{{{SOAP_11}}}Body")
    fresh.append(etree.fromstring(forged))

    answered = signed.send(etree.tostring(root))

    assert answered.status == 500
    assert site.kept() == []


def test_a_second_element_beside_the_signed_one_is_refused(site, signed):
    data = signed.write(site.request(site.document()))
    forged = site.request(site.document(message_id=OTHER_ID))

    answered = signed.send(data.replace(b"</soap:Body>", forged + b"</soap:Body>"))

    assert answered.status == 500
    assert site.kept() == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "s:Client"),
        (b"{}", "s:Client"),
        (b"<html><body>B\xe1\xba\xa3o tr\xc3\xac<br></body></html>", "s:Client"),
        (b"<a/>", "s:Client"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "s:Client"),
        (b"<soap:Envelope xmlns:soap='urn:old'/>", "s:VersionMismatch"),
        (b"<?xml version='1.0' encoding='UTF-8'?><a>\xe1</a>", "s:Client"),
        (b"<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>", "s:Client"),
        (b"<a>" * 300 + b"</a>" * 300, "s:Client"),
    ],
)
def test_what_is_no_soap_is_answered_with_a_fault(site, plain, data, code):
    answered = plain(data)

    assert (answered.status, read(answered)[0]) == (500, code)
    assert answered.media_type == "text/xml; charset=utf-8"
    assert site.kept() == []


def test_a_version_of_soap_that_is_not_taken_is_a_mismatch(site, plain):
    data = site.envelope(generic(), soap=SOAP_12)

    answered = plain(data, versions=("1.1",), content_type="application/soap+xml")

    assert read(answered)[0] == "s:VersionMismatch"
    assert etree.fromstring(answered.content).tag == f"{{{SOAP_11}}}Envelope"


def test_a_version_is_told_by_the_envelope_and_answered_in_kind(site, plain):
    answered = plain(site.envelope(generic(), soap=SOAP_12))

    assert answered.media_type.startswith("application/soap+xml")
    assert read(answered)[0] == "0"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<x xmlns='urn:x'/>", "s:Client"),
        (b"<TraCuuHoSo xmlns='urn:lienthong:dvcqg:2020'/>", "s:Client"),
        (generic() + generic(key="m-2"), "s:Client"),
        (generic(service="LayThuTuc"), "-1"),
        (generic(service="DongBoHoSoMC"), "-1"),
        (generic(key=""), "-1"),
        (generic(key="x" * 201), "-1"),
        (generic("<a/><b/>"), "-1"),
        (generic("chu"), "-1"),
        (generic(content="<D><MaDonVi>x</MaDonVi></D>").replace(UNIT.encode(), b"0"), "-1"),
        (b"<DongBoHoSoMC xmlns='urn:lienthong:dvcqg:2020'/>", "-1"),
        (generic("<D xmlns='urn:x'><?a b?></D>"), "s:Client"),
        (generic("<D xmlns='khong'/>"), "-1"),
    ],
)
def test_bad_requests_are_refused_with_a_reason_that_is_kept(site, plain, body, code):
    answered = plain(site.envelope(body))

    assert read(answered)[0] == code
    assert site.kept() == []
    assert len(site.audited("inbound.refused")) == 1


def test_a_header_that_must_be_understood_and_is_not_is_told(site, plain):
    block = f'<h xmlns="urn:x" xmlns:s="{SOAP_11}" s:mustUnderstand="1"/>'.encode()

    answered = plain(site.envelope(generic(), headers=[block]))

    assert read(answered)[0] == "s:MustUnderstand"
    assert site.kept() == []


def test_an_addressing_id_is_the_key_and_is_related_to(site, signed):
    block = f'<wsa:MessageID xmlns:wsa="{WSA}">urn:uuid:1</wsa:MessageID>'.encode()

    answered = signed.send(signed.write(generic(key=""), headers=[block]), message_id="addressing")

    assert read(answered)[0] == "0", read(answered)
    assert site.kept()[0][2] == "urn:uuid:1"
    relates = etree.fromstring(answered.content).findtext(f".//{{{WSA}}}RelatesTo")
    assert relates == "urn:uuid:1"


def test_an_id_that_nobody_signed_is_not_believed(site, signed):
    data = signed.write(generic(key=""))
    block = f'<wsa:MessageID xmlns:wsa="{WSA}">urn:uuid:1</wsa:MessageID>'.encode()
    data = data.replace(b"<soap:Header>", b"<soap:Header>" + block)

    answered = signed.send(data, message_id="addressing")

    assert answered.status == 500
    assert site.kept() == []


def test_x_road_headers_come_back_as_they_came(site, plain):
    xrd = "http://x-road.eu/xsd/xroad.xsd"
    blocks = [
        f'<xrd:{name} xmlns:xrd="{xrd}">{value}</xrd:{name}>'.encode()
        for name, value in (("id", "q-1"), ("userId", "VN1"), ("protocolVersion", "4.0"))
    ]

    answered = plain(site.envelope(generic(key=""), headers=blocks), message_id="x-road")

    assert site.kept()[0][2] == "q-1"
    assert all(block in answered.content for block in blocks)


def test_signed_x_road_headers_come_back_in_a_signed_answer(site, signed):
    xrd = "http://x-road.eu/xsd/xroad.xsd"
    block = f'<xrd:id xmlns:xrd="{xrd}">q-1</xrd:id>'.encode()
    data = signed.write(generic(key=""), headers=[block])

    answered = signed.send(data, message_id="x-road", signed_answers=True)

    assert (answered.status, read(answered)[0]) == (200, "0")
    assert etree.fromstring(answered.content).findtext(f".//{{{xrd}}}id") == "q-1"


def test_a_password_that_was_sent_openly_is_not_even_digested(site):
    settings = {"soap": {"username": "cong", "password": "mat-khau-dai", "password_form": "text"}}
    login = Login(username="cong", password=Passphrase("mat-khau-dai"), form=PasswordForm.TEXT)
    data = SecurityWriter(soap=SOAP_11, key=None, login=login).write(
        generic(service="x"), at=site.clock()
    )

    site.peer(**settings).answer_soap(data.envelope, bearer=None, content_type=XML)

    ((_, detail),) = site.audited("inbound.refused")
    assert (detail["codes"], detail["sha256"]) == ("inbound.service_unknown", None)


def test_a_login_is_demanded_where_it_is_set(site):
    settings = {"soap": {"username": "cong", "password": "mat-khau-dai"}}

    def send(password):
        login = Login(username="cong", password=Passphrase(password), form=PasswordForm.DIGEST)
        writer = SecurityWriter(soap=SOAP_11, key=None, login=login)
        data = writer.write(generic(), at=site.clock()).envelope
        return site.peer(**settings).answer_soap(data, bearer=None, content_type=XML)

    wrong, right = send("mat-khau-sai"), send("mat-khau-dai")

    assert read(wrong)[0] == "q:FailedAuthentication"
    assert read(right)[0] == "0"
    assert "mat-khau" not in json.dumps(site.audited("inbound.refused"))


def test_a_token_is_demanded_beside_a_signature_where_both_are_set(site, signed):
    data = signed.write(site.request(site.document()))

    answered = signed.send(data, token=True)

    assert read(answered)[0] == "s:Client"
    assert site.kept() == []


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
def test_answers_are_signed_by_the_operator_and_confirm_the_request(site, pki, signed, soap):
    good = signed.send(signed.write(site.request(site.document()), soap=soap), signed_answers=True)
    fault = signed.send(b"<a/>", signed_answers=True)

    policy = SecurityPolicy(
        certificates=load_policy((pki.operator.certificate,)), needs_signed_tokens=False
    )
    for answered, name in ((good, "DongBoHoSoMCResponse"), (fault, "Fault")):
        verified = verify_message(answered.content, policy=policy, memory=None, now=site.clock())
        assert etree.QName(verified.body).localname == name
    assert b"SignatureConfirmation" in good.content


def test_what_is_durable_stays_so_when_the_answer_cannot_be_signed(site, signed, monkeypatch):
    data = signed.write(site.request(site.document()))
    later = site.operator.certificate.not_valid_after_utc + timedelta(days=1)
    monkeypatch.setattr("lienthong.inbound.peer.Peer._writer", _expired(site, later))

    waits = signed.send(data, signed_answers=True)
    monkeypatch.undo()
    again = signed.send(data, signed_answers=True)

    assert (waits.status, waits.headers["Retry-After"]) == (503, "5")
    assert read(again)[0] == "0"
    assert len(site.kept()) == 1


def _expired(site, at):
    def writer(self, soap):
        site.operator.check_usable_at(at)
        raise AssertionError("it is usable")

    return writer

"""Whatever bytes come, a peer gets an answer in its form, and nothing wrong is kept."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

SECRET = "bi-mat-cua-thue-2026"
CALM = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
PIECES = st.lists(
    st.sampled_from(
        [
            b"<NhanBanTin xmlns='urn:lienthong:inbound:1'>",
            b"<DichVu>ChungTuThue</DichVu>",
            b"<MaBanTin>m</MaBanTin>",
            b"<DuLieu><a/></DuLieu>",
            b"</NhanBanTin>",
            b"<soap:Header>",
            b"</soap:Header>",
            b"<!-- x -->",
            b"<?x y?>",
            b"\xff",
            b"&#0;",
            b"text",
        ]
    ),
    max_size=9,
).map(b"".join)


@pytest.fixture
def peer(site):
    return site.peer(
        json={"security_key": SECRET},
        soap={"token": True},
        services={"ChungTuThue": {"every_field": True}, "DongBoHoSoMC": {"required": ["MaHoSo"]}},
        routes={"otherwise": "land-registration"},
    )


@CALM
@given(st.binary(max_size=200))
def test_any_bytes(peer, data):
    answered = peer.answer_json(data, bearer=None)
    fault = peer.answer_soap(data, bearer=None, content_type="application/soap+xml")

    assert json.loads(answered.content)["error_code"] == "-1"
    assert etree.fromstring(fault.content).find(".//{*}Fault") is not None


@CALM
@given(st.sampled_from(["ChungTuThue", "DongBoHoSoMC"]), VALUES)
def test_any_data_in_json(site, peer, service, data):
    body = json.dumps({"SecurityKey": SECRET, "service": service, "data": data}).encode()
    before = len(site.kept())

    answered = peer.answer_json(body, bearer=None)

    code = json.loads(answered.content)["error_code"]
    assert (code == "0") or len(site.kept()) == before
    assert answered.status in (200, 400)


@CALM
@given(PIECES)
def test_any_order_of_parts_in_soap(site, peer, body):
    token = site.token()
    soap = b"http://schemas.xmlsoap.org/soap/envelope/"
    data = b"<soap:Envelope xmlns:soap='%b'><soap:Body>%b</soap:Body></soap:Envelope>"

    answered = peer.answer_soap(data % (soap, body), bearer=token, content_type="text/xml")

    root = etree.fromstring(answered.content)
    assert root.find("{*}Body")[0] is not None
    assert answered.status in (200, 500)

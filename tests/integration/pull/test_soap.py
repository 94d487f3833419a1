"""SOAP services that are asked for what is new, by their WSDL."""

import json
import re

import pytest
from lxml import etree

SOAP = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
WSDL = """<?xml version="1.0"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:tiepnhan"
    xmlns:s11="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:tiepnhan">
  <wsdl:types><x:schema targetNamespace="urn:tiepnhan" elementFormDefault="qualified">{include}
    <x:element name="LayDanhSach"><x:complexType><x:sequence>
      <x:element name="tuNgay" type="x:dateTime" minOccurs="0"/>
      <x:element name="trang" type="x:int" minOccurs="0"/>
      <x:element name="maDonVi" type="x:string" minOccurs="0"/>
    </x:sequence></x:complexType></x:element>
    <x:element name="LayDanhSachResponse"><x:complexType><x:sequence>
      <x:any/></x:sequence></x:complexType></x:element>
    <x:element name="XacThuc"><x:complexType><x:sequence>
      <x:element name="khoa" type="x:string"/></x:sequence></x:complexType></x:element>
  </x:schema></wsdl:types>
  <wsdl:message name="vao"><wsdl:part name="p" element="t:LayDanhSach"/></wsdl:message>
  <wsdl:message name="dau"><wsdl:part name="h" element="t:XacThuc"/></wsdl:message>
  <wsdl:message name="ra"><wsdl:part name="p" element="t:LayDanhSachResponse"/></wsdl:message>
  <wsdl:portType name="P"><wsdl:operation name="LayDanhSach">
    <wsdl:input message="t:vao"/><wsdl:output message="t:ra"/></wsdl:operation></wsdl:portType>
{bindings}
</wsdl:definitions>
"""
BINDING = """  <wsdl:binding name="B{n}" type="t:P">
    <s{n}:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
    <wsdl:operation name="LayDanhSach"><s{n}:operation soapAction="urn:tiepnhan/LayDanhSach"/>
      <wsdl:input><s{n}:header message="t:dau" part="h" use="literal"/><s{n}:body use="literal"/>
      </wsdl:input><wsdl:output><s{n}:body use="literal"/></wsdl:output></wsdl:operation>
  </wsdl:binding>"""
NAMED = "{urn:tiepnhan}"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"


def write_wsdl(folder, *, include="", head=""):
    bindings = "\n".join(BINDING.format(n=n) for n in (11, 12))
    text = WSDL.format(include=include, bindings=bindings)
    path = folder / "tiep nhan.wsdl"
    path.write_text(text.replace("?>\n", f"?>\n{head}", 1), encoding="utf-8")
    return path


def record(number):
    at = f"2026-03-02T14:{number:02}:00"
    return f"<HoSo stt='{number}'><MaHoSo>H{number}</MaHoSo><NgaySua>{at}</NgaySua></HoSo>"


def reply(inner, *, soap="1.1"):
    return (
        f'<s:Envelope xmlns:s="{SOAP[soap]}"><s:Body><LayDanhSachResponse xmlns="urn:tiepnhan">'
        f"{inner}</LayDanhSachResponse></s:Body></s:Envelope>"
    ).encode()


@pytest.fixture
def make(web, make_reader, tmp_path):
    def make(**options):
        plain = {
            "url": f"{web.url}/ws",
            "wsdl": options.pop("wsdl", None) or write_wsdl(tmp_path),
            "operation": "LayDanhSach",
            "records": "LayDanhSachResponse.Ds.HoSo",
            "key": ["MaHoSo"],
            "watermark": "NgaySua",
        }
        return make_reader(kind="soap", **plain | options)

    return make


def asked_for(asked, name):
    return etree.fromstring(asked.body).findtext(f".//{NAMED}{name}")


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_records_are_read_page_by_page_from_an_overlap_on(web, make, soap):
    pages = {"1": record(1) + record(2), "2": record(3), "3": ""}
    web.answer = lambda asked: (
        200,
        reply(f"<Ds>{pages[asked_for(asked, 'trang')]}</Ds>", soap=soap),
    )
    reader = make(
        soap=soap,
        parameters={"tuNgay": "{since}", "trang": "{page}", "maDonVi": "H29"},
        paging={"kind": "page"},
    )

    assert (reader.read().rows, reader.read().rows) == (3, 0)
    assert reader.lines()[0] == {"@stt": "1", "MaHoSo": "H1", "NgaySua": "2026-03-02T14:01:00"}
    assert asked_for(web.asked[0], "tuNgay") is None
    assert asked_for(web.asked[3], "tuNgay") == "2026-03-02T13:48:00+07:00"
    kind = web.asked[0].headers["Content-Type"]
    action = web.asked[0].headers.get("SOAPAction") or kind
    assert "urn:tiepnhan/LayDanhSach" in action
    assert kind.startswith("text/xml" if soap == "1.1" else "application/soap+xml")


def test_text_that_holds_json_or_xml_stays_text(web, make):
    inside = json.dumps({"data": "<hoTich><ten>Nguyễn &amp; Ánh</ten></hoTich>"})
    escaped = inside.replace("&", "&amp;").replace("<", "&lt;")
    web.answer = lambda _: (200, reply(f"<LayDanhSachResult>{escaped}</LayDanhSachResult>"))
    reader = make(records="LayDanhSachResponse.LayDanhSachResult", key=[], watermark=None)

    assert (reader.read().rows, reader.read().rows) == (1, 0)
    assert reader.lines() == [{"LayDanhSachResult": inside}]


def test_nil_is_null_and_nested_lists_are_lists(web, make):
    nil = '<x xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    web.answer = lambda _: (
        200,
        reply(f"<Ds><HoSo><MaHoSo>1</MaHoSo>{nil}<T><A>1</A><A>2</A></T><E/></HoSo></Ds>"),
    )
    reader = make(watermark=None, lists=["E"])
    reader.read()

    assert reader.lines() == [{"MaHoSo": "1", "x": None, "T": {"A": ["1", "2"]}, "E": [""]}]


@pytest.mark.parametrize("kind", ["text", "digest"])
def test_a_username_token_is_sent(web, make, kind):
    web.answer = lambda _: (200, reply("<Ds/>"))
    make(user="lt", password="s3cret", username_token=kind).read()
    sent = etree.fromstring(web.asked[0].body)

    assert sent.findtext(f".//{WSSE}Username") == "lt"
    assert (sent.findtext(f".//{WSSE}Password") == "s3cret") is (kind == "text")
    assert "Authorization" not in web.asked[0].headers


def test_a_header_of_the_wsdl_and_a_token_are_sent(web, make):
    web.answer = lambda asked: (
        (200, {"access_token": "abc"}) if asked.path == "/login" else (200, reply("<Ds/>"))
    )
    make(
        soap_headers={"h": {"khoa": "{api_key}"}},
        api_key="k1",
        user="lt",
        token={"kind": "login", "url": f"{web.url}/login", "body": {"u": "{user}"}},
    ).read()

    assert web.asked[1].headers["Authorization"] == "Bearer abc"
    assert asked_for(web.asked[1], "khoa") == "k1"


FAULT = (
    f'<s:Envelope xmlns:s="{SOAP["1.1"]}"><s:Body><s:Fault><faultcode>s:Server</faultcode>'
    "<faultstring>Nguyen Van A 079123456789</faultstring></s:Fault></s:Body></s:Envelope>"
).encode()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((500, FAULT), "pull.answer"),
        ((200, FAULT), "pull.answer"),
        ((500, b"<html>oops</html>"), "pull.reply"),
        ((500, b""), "pull.unreachable"),
        ((200, b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + reply("<Ds>&b;</Ds>")), "pull.reply"),
        ((200, b"<a>" * 100_000), "pull.reply"),
        ((200, reply("<Ds/>", soap="1.2")), "pull.reply"),
        ((200, reply("").replace(b"LayDanhSachResponse", b"Khac")), "pull.reply"),
        ((200, reply("<Ds><HoSo><NgaySua>x</NgaySua></HoSo></Ds>")), "pull.mark_kind"),
        ((200, reply("<Ds><HoSo><A>1</A></HoSo></Ds>")), "pull.columns"),
        ((401, b""), "pull.refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_service_is_told_and_nothing_is_taken(web, make, answer, code):
    web.answer = lambda _: answer
    done = make().read()

    assert (done.rows, done.trouble.code) == (0, code)
    assert "079123456789" not in str(done.trouble.text)


@pytest.mark.parametrize(
    "include",
    [
        '<x:import namespace="urn:o" schemaLocation="http://127.0.0.1:1/o.xsd"/>',
        '<x:import namespace="urn:o" schemaLocation="../o.xsd"/>',
        '<x:import namespace="urn:o" schemaLocation="file:///etc/passwd"/>',
        '<x:import namespace="urn:o" schemaLocation="missing.xsd"/>',
    ],
    ids=["remote", "above", "file", "missing"],
)
def test_nothing_is_fetched_for_a_wsdl(web, make, tmp_path, include):
    (tmp_path / "o.xsd").write_text("<x/>")
    (tmp_path / "in").mkdir()
    done = make(wsdl=write_wsdl(tmp_path / "in", include=include)).read()

    assert (done.trouble.code, web.asked) == ("pull.wsdl", [])


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"operation": "LayDanhSac"}, "pull.wsdl", "there are: LayDanhSach"),
        ({"parameters": {"tuNgai": "x"}}, "pull.query", "tuNgai"),
        ({"parameters": {"maDonVi": "\x00"}}, "pull.query", "ValueError"),
        ({"wsdl": "/nowhere.wsdl"}, "pull.wsdl", "cannot be read"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_a_profile_that_does_not_fit_its_wsdl_is_told(web, make, options, code, said):
    done = make(**options).read()

    assert (done.trouble.code, web.asked) == (code, [])
    assert said in done.trouble.text.en


def test_a_wsdl_with_a_document_type_is_refused(make, tmp_path):
    head = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'

    assert make(wsdl=write_wsdl(tmp_path, head=head)).read().trouble.code == "pull.wsdl"
    assert re.search("DOCTYPE", (tmp_path / "tiep nhan.wsdl").read_text())

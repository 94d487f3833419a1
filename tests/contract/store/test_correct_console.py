"""Correcting in the console: from the message's page by a preview to the new message."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest
from lxml import etree, html
from sqlalchemy import select

from lienthong.agencies import make_agency
from lienthong.console.app import make_console
from lienthong.store.database import reading
from lienthong.store.tables import audit, messages
from mappings import compile_mapping, load_agencies, load_mapping
from tests.contract.store.accounts_site import PASSWORD, Accounts

CODE = "H29.15-260302-0001"
MAPPING = """
mapping: land
version: 1
schema: dvcqg-2020
agency: {code: "000.00.15.H29", name: "Sở Thử nghiệm"}
source: {format: csv}
dossier:
  MaHoSo: dossier
  ChuHoSo: content
  LoaiDoiTuong: {constant: "1"}
  MaTTHC: {constant: "1.001612"}
  TenTTHC: {constant: "Thủ tục"}
  MaLinhVuc: {constant: "G07-KH02"}
  TenLinhVuc: {constant: "Lĩnh vực"}
  NgayTiepNhan: {from: received, date: ["dd/MM/yyyy"]}
  TrangThaiHoSo: {from: status, codes: {moi: "2"}}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: "Sở Thử nghiệm"}
tests: []
"""


class Paper:
    """Signs nothing, which is no matter here."""

    def sign_parsed(self, document, *, signed_at):
        return etree.tostring(document, encoding="UTF-8")


class Browser:
    def __init__(self, client):
        self.client = client
        self.page = None

    def open(self, path):
        self.page = self.client.get(path)
        return self.page

    def send(self, action, **filled):
        """Send the form of the page that goes to `action`, some of its fields filled in."""
        (form,) = [
            one
            for one in html.fromstring(self.page.text).iter("form")
            if one.get("action", "").endswith(action)
        ]
        fields = [(one.get("name"), one.get("value") or "") for one in form.iter("input")]
        given: dict = {}
        path = None
        for name, value in fields:
            if name == "path":
                path = value
            elif name == "value" and path in filled.get("values", {}):
                given.setdefault(name, []).append(filled["values"][path])
                continue
            given.setdefault(name, []).append(filled.get(name, value))
        self.page = self.client.post(form.get("action"), data=given)
        return self.page


@pytest.fixture
def site(desk, tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "land.yaml").write_text(MAPPING, encoding="utf-8")
    converter = compile_mapping(load_mapping(tmp_path / "maps" / "land.yaml"))
    made = make_agency(converter, signer=Paper())
    desk.agency = lambda _name, _service=None: made
    site = Accounts(desk.exchange.store, desk.exchange.clock, totp_required=False)
    site.installation.agency = desk.agency
    site.installation.mappings = load_agencies(tmp_path / "maps")
    site.installation.services = {}
    site.installation.portals = frozenset()
    site.app.state.site = replace(site.app.state.site, publisher=desk.exchange.broker)
    site.app.mount("", make_console(site.app.state.site))
    site.client.headers["Accept"] = "text/html"
    return site


@pytest.fixture
def rejected(desk, site):
    row = f"{CODE},Nguyễn Thị Mẫu,02/03/2026,mới"
    desk.receive(row, header="dossier,content,received,status")
    desk.run()
    (row,) = rows(desk)
    assert row.state == "rejected"
    return row.id


def rows(desk):
    with reading(desk.exchange.store) as connection:
        return connection.execute(select(messages)).all()


@pytest.fixture
def an(site):
    by = site.first().json()["token"]
    site.account(by, role="operator", agencies=["land"])
    browser = Browser(site.client)
    browser.open("/sign-in")
    browser.send("/sign-in", name="an", password=PASSWORD)
    return browser


def test_a_value_is_corrected_from_its_page_by_a_preview(desk, rejected, an):
    page = an.open(f"/messages/{rejected}")
    assert f"/messages/{rejected}/correct" in page.text
    page = an.open(f"/messages/{rejected}/correct")
    assert page.status_code == 200
    paths = re.findall(r'name="path" value="([^"]*)"', page.text)
    assert (paths[0], set(paths)) == ("status", {"dossier", "content", "received", "status"})
    assert "Nguyễn" not in page.text

    page = an.send("/correct/preview", values={"status": "moi"})
    assert "record.corrected" in page.text
    assert [row.id for row in rows(desk)] == [rejected]
    page = an.send("/correct", reason="theo điện thoại")

    (new,) = [row for row in rows(desk) if row.reissue_of == rejected]
    assert str(page.url).endswith(f"/messages/{new.id}?done=correct")
    assert "Đã sửa trong bản ghi" in unescape(page.text)
    with reading(desk.exchange.store) as connection:
        logged = connection.execute(
            select(audit).where(audit.c.action == "message.corrected")
        ).one()
    assert (logged.actor, json.loads(logged.detail)["path"]) == ("an", "status")


def test_the_values_that_the_mapping_knows_are_offered_with_what_they_mean(rejected, an):
    page = html.fromstring(an.open(f"/messages/{rejected}/correct").text)

    fields = [one for one in page.iter("input") if one.get("name") == "value"]
    offered = {
        one.get("aria-label"): [
            (each.get("value"), each.text) for each in page.get_element_by_id(one.get("list"))
        ]
        for one in fields
        if one.get("list")
    }
    assert offered == {"status": [("moi", "2 Được tiếp nhận")]}
    assert len(fields) == 4
    an.client.cookies.set("lienthong-language", "en")
    assert "moi <small>→ 2 " in an.open(f"/messages/{rejected}/correct").text


def test_a_problem_of_the_mapping_says_that_another_one_is_installed(
    desk, site, rejected, an, tmp_path
):
    (made,) = [row.mapping for row in rows(desk)]

    def notices():
        (found,) = site.client.get("/v1/problems", headers=token).json()["problems"]
        page = html.fromstring(an.open(f"/problems/{found['id']}").text)
        said = site.client.get(f"/v1/problems/{found['id']}", headers=token).json()
        links = page.xpath("//p[@class='notice']/a/@href")
        return said["other_mapping"], links

    token = {"Authorization": f"Bearer {site.login().json()['token']}"}
    assert notices() == (None, [])

    newer = MAPPING.replace("version: 1", "version: 2").replace(
        '{moi: "2"}', '{moi: "2", mới: "2"}'
    )
    (tmp_path / "maps" / "land.yaml").write_text(newer, encoding="utf-8")
    site.installation.mappings = load_agencies(tmp_path / "maps")
    said, links = notices()

    assert said["installed"].startswith("land@2 sha256:")
    assert said | {"installed": ""} == {"installed": "", "made_by": made, "message": rejected}
    assert links == [f"/messages/{rejected}/preview?verb=reissue"]
    assert an.open(links[0]).status_code == 200

    (tmp_path / "maps" / "land.yaml").unlink()
    site.installation.mappings = load_agencies(tmp_path / "maps")
    assert notices() == (None, [])


def test_nothing_filled_in_asks_again_and_what_is_wrong_is_said(desk, rejected, an):
    an.open(f"/messages/{rejected}/correct")

    again = an.send("/correct/preview")
    assert 'name="path"' in again.text
    wrong = an.send("/correct/preview", values={"status": "vẫn sai"})

    assert wrong.status_code == 200
    assert "mapping.code_unknown" in wrong.text
    assert 'action="/messages/' + rejected + '/correct"' not in wrong.text
    assert [row.id for row in rows(desk)] == [rejected]


def test_who_may_not_edit_gets_no_form(site, rejected, an):
    by = site.login("chi").json()["token"]
    site.account(by, name="be", role="viewer", agencies=["land"])
    site.client.cookies.clear()
    other = Browser(site.client)
    other.open("/sign-in")
    other.send("/sign-in", name="be", password=PASSWORD)

    assert "/correct" not in other.open(f"/messages/{rejected}").text
    assert other.open(f"/messages/{rejected}/correct").status_code == 403

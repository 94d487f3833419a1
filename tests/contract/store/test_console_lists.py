"""The console's lists of messages and problems: the search above them, and what they say."""

import pytest
from lxml import html

from lienthong.channels.port import Answer, Outcome
from lienthong.flows.hints import DELIVER, hint
from lienthong.store import selection
from tests.contract.store.accounts_site import PASSWORD, Accounts, Browser

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1", message="không được")


@pytest.fixture
def browser(exchange, event, record):
    """Have m1 of land refused by the portal, m2 of health taken, and an operator signed in."""
    exchange.portal.answers = [REJECTED]
    for agency, made in (("land", event("m1")), ("health", event("m2", "D-2"))):
        due = exchange.take(record(1, made), agency=agency)
        exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
        exchange.step(2)
    site = Accounts(exchange.store, exchange.clock, totp_required=False)
    site.account(site.first().json()["token"], role="operator")
    browser = Browser(site)
    browser.sign_in()
    return browser


def fold_of(page):
    """Return whether the search form is unfolded on a small screen, and what stands above it."""
    (fold,) = html.fromstring(page.text).find_class("fold")
    assert fold.getnext().get("class") == "filter"
    return fold.get("open") is not None, " ".join(fold.text_content().split())


@pytest.mark.parametrize(
    ("path", "is_open", "said"),
    [
        ("/messages", False, "Bộ lọc"),
        ("/messages?agency=land&state=parked", False, "Bộ lọc Cơ quan: Đất đai <&> dừng chờ"),
        ("/messages?dossier=%3Cb%3E", True, "Bộ lọc Hồ sơ: <b>"),
        ("/messages?since=2026-03-01T08:00", False, "Bộ lọc Từ: 01/03/2026 08:00:00"),
        ("/problems", False, "Bộ lọc chưa ai nhận đang xử lý"),
        ("/problems?owner=portal&state=ignored", True, "Bộ lọc Ai phải xử lý: Cổng hoặc bên gửi"),
    ],
)
def test_a_folded_search_says_what_was_chosen(browser, path, is_open, said):
    was_open, shown = fold_of(browser.open(path))

    assert was_open is is_open
    assert shown.startswith(said)


def said(page):
    """Return the words above the list."""
    (acts,) = html.fromstring(page.text).xpath("//main/p[@class='acts'][not(ancestor::form)]")
    return " ".join(acts.text_content().split())


def test_a_list_says_how_many_there_are(browser, monkeypatch):
    assert said(browser.open("/messages")).startswith("2 kết quả")
    assert said(browser.open("/messages?limit=1")).startswith("2 kết quả")
    assert said(browser.open("/messages?state=parked")).startswith("1 kết quả")
    assert said(browser.open("/problems")).startswith("1 kết quả")
    monkeypatch.setattr(selection, "MOST_COUNTED", 1)
    assert said(browser.open("/messages?limit=1")).startswith("ít nhất 2 kết quả")


def test_the_api_counts_when_it_is_asked_to(browser):
    def ask(path):
        return browser.client.get(f"/v1{path}", headers=headers).json()

    token = browser.client.post("/v1/session", json={"name": "an", "password": PASSWORD}).json()
    headers = {"Authorization": f"Bearer {token['token']}"}

    assert ask("/messages")["count"] is None
    assert ask("/messages?count=true&limit=1")["count"] == {"number": 2, "is_exact": True}
    assert ask("/messages?count=true&agency=land")["count"] == {"number": 1, "is_exact": True}
    assert ask("/problems?state=ignored")["count"] == 0


def test_an_agency_is_called_by_its_name_with_what_it_is_called_elsewhere(browser):
    shown = [
        " ".join(one.text_content().split())
        for one in html.fromstring(browser.open("/messages").text).find_class("agency")
    ]
    choices = html.fromstring(browser.page.text).xpath("//select[@name='agency']/option")

    assert sorted(shown) == ["health", "Đất đai <&> land"]
    assert [(one.get("value"), one.text) for one in choices] == [
        ("", "tất cả"),
        ("health", "health"),
        ("land", "Đất đai <&> (land)"),
    ]
    assert "Đất đai &lt;&amp;&gt; (land)" in browser.open("/deadlines").text


def test_nobody_learns_the_name_of_an_agency_that_they_may_not_see(exchange):
    site = Accounts(exchange.store, exchange.clock, totp_required=False)
    site.account(site.first().json()["token"], agencies=["health"])
    browser = Browser(site)
    browser.sign_in()

    assert "Đất đai" not in browser.open("/messages?agency=land").text


def test_what_would_be_frozen_is_seen_before_it_is(browser):
    page = html.fromstring(browser.open("/jobs/new?agency=land&verb=resend&problem=").text)
    cells = [" ".join(one.text_content().split()) for one in page.xpath("//main//tbody/tr/*")]

    assert cells == ["D-1 hồ sơ", "Đất đai <&> land", "dừng chờ", "02/03/2026 15:00:00"]
    assert said(browser.page).startswith("1 kết quả Xem cả danh sách")
    (whole,) = page.xpath("//main/p[@class='acts']/a/@href")
    assert "D-1" in browser.open(whole).text
    browser.open("/jobs/new?agency=land&verb=resend")
    made = browser.send(
        "/jobs", verb="resend", state=["parked", "quarantined"], agency="land", reason="Cổng mở lại"
    )
    assert made.status_code == 303
    assert "D-1" in browser.open(made.headers["Location"]).text


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/jobs/new", "Chọn trạng thái"),
        ("/jobs/new?state=delivered&state=rejected&state=quarantined&state=held", "chọn ít trạng"),
        ("/jobs/new?state=quarantined", "Không có thông điệp nào như vậy."),
    ],
)
def test_where_nothing_could_be_frozen_there_is_no_form_for_it(browser, path, words):
    page = browser.open(path)

    assert words in page.text
    assert 'action="/jobs"' not in page.text


def test_the_api_tells_what_would_be_frozen(browser):
    token = browser.client.post("/v1/session", json={"name": "an", "password": PASSWORD}).json()
    asked = {"verb": "resend", "selection": {"states": ["parked"]}}
    headers = {"Authorization": f"Bearer {token['token']}"}

    found = browser.client.post("/v1/replay-jobs/selection", json=asked, headers=headers).json()
    assert found["count"] == {"number": 1, "is_exact": True}
    assert [one["id"] for one in found["messages"]] == ["m1"]
    asked["selection"] = {}
    wrong = browser.client.post("/v1/replay-jobs/selection", json=asked, headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "replay.states")
    assert browser.client.get("/v1/replay-jobs", headers=headers).json()["jobs"] == []

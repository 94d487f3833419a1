"""The console's pages without a browser: who gets in, what forms need, what bad input gets."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import insert

from lienthong.access.rights import Role
from lienthong.console.rendering import POLICY
from lienthong.operations.signing_in import make_first_code
from lienthong.store.tables import saved_filters
from tests.contract.store.accounts_site import PASSWORD, Accounts, Browser

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def site(store, clock):
    return Accounts(store, clock, totp_required=False)


@pytest.fixture
def browser(site):
    return Browser(site)


@pytest.fixture
def an(site, browser):
    """Sign a viewer of one agency in."""
    by = site.first().json()["token"]
    site.account(by, agencies=["land"])
    browser.sign_in()
    return browser


def test_nobody_sees_a_page_before_they_sign_in_and_then_come_where_they_wanted(site, browser):
    site.account(site.first().json()["token"])

    asked = browser.open("/messages?state=parked&dossier=H29%2F1")

    assert urlsplit(str(asked.url)).path == "/sign-in"
    to = parse_qs(urlsplit(str(asked.url)).query)["to"][0]
    answer = browser.sign_in(to=to)
    assert answer.headers["Location"] == "/messages?state=parked&dossier=H29%2F1"


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(site, browser, to):
    site.account(site.first().json()["token"])

    assert browser.sign_in(to=to).headers["Location"] == "/"


@pytest.mark.parametrize("full_name", ["", "x" * 201, "Chị\x00", "Chị\nLê"])
def test_a_form_takes_no_more_than_the_api(site, browser, full_name):
    code = make_first_code(site.installation).code
    browser.open("/first")

    refused = browser.send(
        "/first", code=code, name="chi", full_name=full_name, password=PASSWORD, again=PASSWORD
    )
    long = browser.send("/sign-in", form="", name="chi", password="x" * 1_001)

    assert (refused.status_code, long.status_code) == (422, 422)
    assert site.first(code=code).status_code == 200


def test_a_session_is_a_cookie_that_no_script_reads(an):
    cookie = an.page.headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


def test_behind_tls_the_cookie_goes_by_tls_alone(store, clock):
    site = Accounts(store, clock, totp_required=False, behind_proxy=True)
    site.account(site.first().json()["token"])
    browser = Browser(site)

    cookie = browser.sign_in().headers["Set-Cookie"]

    assert cookie.startswith("__Host-lienthong=lts_")
    assert "Secure" in cookie


def test_a_wrong_login_is_said_on_the_page_with_the_name_and_never_the_password(site, browser):
    site.account(site.first().json()["token"])

    answer = browser.sign_in(name=SCRIPT, password="không phải")

    assert answer.status_code == 401
    assert "Sai tên, mật khẩu" in answer.text
    assert SCRIPT not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "không phải" not in answer.text


def test_every_page_lets_nothing_run_but_its_own_files(an):
    page = an.open("/messages")

    assert page.headers["Content-Security-Policy"] == POLICY
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?! src=\"/static/)|\son\w+=|style=", page.text)
    (script, *_) = re.findall(r'src="(/static/[^"]+)"', page.text)
    assert "immutable" in an.open(script).headers["Cache-Control"]


def test_a_form_of_another_session_or_site_does_nothing(site, an):
    refused = an.send("/sign-out", form="0" * 64)
    assert refused.status_code == 403
    assert "chưa làm gì cả" in refused.text

    an.open("/account")
    form = re.search(r'name="form" value="([^"]*)"', an.page.text)[1]
    an.client.headers["Sec-Fetch-Site"] = "cross-site"
    assert an.send("/sign-out", form=form).status_code == 403
    del an.client.headers["Sec-Fetch-Site"]

    assert an.open("/messages").status_code == 200
    assert an.send("/sign-out", form=form).headers["Location"] == "/sign-in"
    assert urlsplit(str(an.open("/messages").url)).path == "/sign-in"


def test_the_language_and_the_look_are_a_switch(an):
    assert '<html lang="vi" data-theme="auto">' in an.open("/").text

    an.send("/look", language="en", theme="dark", to="/messages?state=parked")

    assert an.page.headers["Location"] == "/messages?state=parked"
    assert '<html lang="en" data-theme="dark">' in an.open("/messages").text
    assert "There is no such message." in an.page.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/messages/nothing", 404),
        ("/dossiers/a/b", 404),
        ("/messages?state=cooked", 422),
        ("/messages?since=yesterday", 422),
        ("/messages?cursor=%00", 422),
        ("/messages?dossier=" + "x" * 10_000, 422),
        ("/audit", 403),
        ("/accounts", 403),
        ("/jobs/new", 403),
        ("/jobs/nothing", 404),
        ("/messages/nothing/preview?verb=explode", 422),
    ],
)
def test_bad_requests_get_a_page_with_words_and_a_code(an, path, status):
    page = an.open(path)

    assert page.status_code == status
    assert "<code>" in page.text
    assert "→" in page.text


@pytest.mark.parametrize("name", ["why", "dossier", "agency", "problem"])
def test_what_no_database_can_hold_is_no_trouble_of_ours(an, name):
    assert an.open(f"/messages?{name}=%00").status_code in (200, 422)


def test_what_a_page_asks_for_by_itself_does_not_keep_a_session_alive(site, an):
    for _ in range(40):
        site.clock.tick(minutes=1)
        an.client.get("/home/now", headers={"HX-Request": "true"})

    gone = an.client.get("/home/now", headers={"HX-Request": "true"})

    assert (gone.status_code, gone.headers["HX-Refresh"]) == (204, "true")
    assert urlsplit(str(an.open("/messages").url)).path == "/sign-in"


def test_somebody_of_whom_an_app_is_needed_is_led_to_it(store, clock):
    site = Accounts(store, clock)
    site.first()
    browser = Browser(site)

    assert browser.sign_in("chi").headers["Location"] == "/account"
    assert urlsplit(str(browser.open("/accounts").url)).path == "/account"
    assert browser.send("/account/totp", password=PASSWORD).status_code == 200
    assert "<svg" in browser.page.text
    secret = re.search(r'<code class="whole">(\w+)</code>', browser.page.text)[1]
    confirmed = browser.send("/account/totp/confirm", code=site.code(secret))

    assert len(re.findall(r"<li><code>", confirmed.text)) == 10
    assert browser.open("/accounts").status_code == 200


def test_an_administrator_makes_an_account_whose_owner_sets_the_password(site, browser):
    site.first()
    browser.sign_in("chi")
    browser.open("/accounts")

    made = browser.send(
        "/accounts", name="dung", full_name=SCRIPT, role=Role.VIEWER.value, agencies="land, health"
    )
    code = re.search(r"ltc_[\w-]+", made.text)[0]
    assert SCRIPT not in browser.open("/accounts").text
    browser.send("/sign-out")

    browser.open("/code")
    assert browser.send("/code", code=code, password=PASSWORD, again="x" * 12).status_code == 422
    assert "không giống nhau" in browser.page.text
    assert browser.send("/code", code=code, password=PASSWORD, again=PASSWORD).status_code == 303
    assert "land" in browser.open("/account").text


def kept_of(page):
    """Return the kept searches of a page: what each is called, leads to, and whether it is it."""
    (shown,) = re.findall(r'<nav class="kept".*?</nav>', page.text, re.DOTALL) or [""]
    found = re.findall(r'<a href="([^"]*)"( aria-current="page")?>([^<]*)</a>', shown)
    return [(name, address.replace("&amp;", "&"), bool(now)) for address, now, name in found]


@pytest.mark.parametrize(
    ("page", "asked", "query"),
    [
        ("messages", "state=parked&why=a+b&dossier=&cursor=&limit=20", "state=parked&why=a+b"),
        ("problems", "owner=agency&state=open&since=", "owner=agency&state=open"),
    ],
)
def test_a_search_is_kept_on_its_page_and_comes_back_by_a_link(an, page, asked, query):
    seen = an.open(f"/{page}?{asked}")
    (said,) = re.findall(r'name="query" value="([^"]*)"', seen.text)
    kept = an.send(f"/filters/{page}", name=SCRIPT, query=said.replace("&amp;", "&"))

    assert (kept.status_code, kept.headers["Location"]) == (303, f"/{page}?{query}")
    text = SCRIPT.replace("<", "&lt;").replace(">", "&gt;")
    assert kept_of(an.open(kept.headers["Location"])) == [(text, f"/{page}?{query}", True)]
    assert SCRIPT not in an.page.text
    assert kept_of(an.open(f"/{page}")) == [(text, f"/{page}?{query}", False)]
    assert 'class="keep"' not in an.page.text
    other = {"messages": "problems", "problems": "messages"}[page]
    assert kept_of(an.open(f"/{other}")) == []

    an.open(f"/{page}?{query}")
    gone = an.send(f"/filters/{page}/delete", name=SCRIPT, to=f"/{page}?{query}")
    assert (gone.status_code, gone.headers["Location"]) == (303, f"/{page}?{query}")
    assert kept_of(an.open(f"/{page}?{query}")) == []
    assert an.send(f"/filters/{page}/delete", name=SCRIPT).status_code == 404


@pytest.mark.parametrize(
    "said",
    [
        {"query": "person=079080001234"},
        {"query": "state=cooked"},
        {"query": "colour=red"},
        {"query": "why=" + "x" * 10_000},
        {"query": "why=" + "x" * 201},
        {"query": "text=079080001234"},
        {"query": "state=parked&" * 100},
        {"query": "why=%ff%00", "name": "a\nb"},
        {"name": "079080001234"},
        {"name": ""},
        {"name": "x" * 81},
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_told_in_words_and_not_kept(an, said):
    an.open("/messages?state=parked")

    refused = an.send("/filters/messages", **({"name": "x", "query": "state=parked"} | said))

    assert refused.status_code == 422
    assert "→" in refused.text
    assert "079080001234" not in refused.text
    assert kept_of(an.open("/messages")) == []


def test_a_search_by_a_persons_number_has_no_form_to_keep_it(an):
    an.open("/messages?state=parked")
    assert 'class="keep"' in an.page.text

    found = an.send("/messages", person="079080001234")

    assert found.status_code == 200
    assert 'class="keep"' not in found.text


def test_forms_of_kept_searches_are_of_the_session_that_sends_them(an):
    refused = [
        an.send(path, form="0" * 64, name="x", query="state=parked")
        for path in ("/filters/messages", "/filters/messages/delete")
    ]

    assert [one.status_code for one in refused] == [403, 403]
    assert kept_of(an.open("/messages")) == []


def test_nobody_sees_what_others_keep(site, browser):
    by = site.first().json()["token"]
    for name in ("an", "binh"):
        site.account(by, name=name, agencies=["land"])
    browser.sign_in("an")
    browser.open("/messages?state=parked")
    browser.send("/filters/messages", name="của An", query="state=parked")
    browser.open("/messages")
    browser.send("/sign-out")

    browser.sign_in("binh")

    assert kept_of(browser.open("/messages")) == []
    assert browser.send("/filters/messages/delete", name="của An").status_code == 404


def test_a_kept_search_that_fits_no_more_says_so_beside_its_name(site, an):
    with site.store.engine.begin() as connection:
        old = {"name": "cũ", "query": "state=cooked", "saved_at": site.clock()}
        connection.execute(insert(saved_filters).values(principal="an", page="messages", **old))

    page = an.open("/messages")

    assert page.status_code == 200
    assert "cũ – không còn dùng được" in page.text
    assert kept_of(page) == []
    assert an.send("/filters/messages/delete", name="cũ", to="/messages").status_code == 303

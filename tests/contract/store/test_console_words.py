"""What a person who knows only the pages reads: no English words, and always a way on."""

import json
import re

import pytest
from sqlalchemy import insert

from lienthong.ids import make_id
from lienthong.store.tables import replay_jobs
from lienthong.store.work import begin
from tests.contract.store.accounts_site import Accounts, Browser


@pytest.fixture
def site(store, clock):
    return Accounts(store, clock, totp_required=False)


@pytest.fixture
def sign_in(site):
    """Sign somebody in."""
    by = site.first().json()["token"]

    def as_one(name, role, agencies=None):
        site.account(by, name=name, role=role, agencies=agencies)
        browser = Browser(site)
        browser.sign_in(name)
        return browser

    return as_one


def test_roles_have_names_beside_their_codes(sign_in):
    own = sign_in("an", "operator").open("/account").text
    others = sign_in("root", "administrator")

    assert "người vận hành <code>operator</code>" in own
    assert "người vận hành" in others.open("/accounts").text
    assert "người vận hành <code>operator</code>" in others.open("/accounts/an").text


def test_the_audit_log_says_steps_and_details_in_words(site, sign_in):
    with begin(site.store, at=site.clock, actor="binh") as work:
        work.note("replay.approved", "job-1", verb="resend", left=3, why=None)

    page = sign_in("an", "auditor").open("/audit?event=replay.").text

    assert "Duyệt chạy hàng loạt <small><code>replay.approved</code></small>" in page
    assert '<span class="quiet">việc</span> Gửi lại' in page
    assert '<span class="quiet">còn lại</span> 3' in page
    assert "None" not in page


def links(page):
    """Return where a page on an error leads, beside the menu."""
    return re.findall(r'<p><a href="([^"]*)">', page.text.partition('class="problem')[2])


@pytest.mark.parametrize(
    ("came_from", "back"),
    [
        (None, "/jobs/nothing"),
        ("http://testserver/jobs?before=x", "/jobs?before=x"),
        ("http://testserver/messages/x/reveal", "/messages/x"),
        ("http://testserver/account/password", "/account"),
        ("http://evil.example/jobs", "/jobs/nothing"),
        ("http://testserver//evil.example/", "/"),
        ("http://[", "/jobs/nothing"),
        ("javascript:alert(1)", "/jobs/nothing"),
    ],
)
def test_what_was_refused_keeps_the_menu_and_leads_back(sign_in, came_from, back):
    an = sign_in("an", "operator")
    an.open("/account")
    assert an.page.headers["Referrer-Policy"] == "same-origin"
    if came_from is not None:
        an.client.headers["Referer"] = came_from

    refused = an.send("/jobs/nothing/approve", digest="0" * 64)

    assert refused.status_code == 404
    assert '<a href="/messages">Thông điệp</a>' in refused.text.partition("<main")[0]
    assert 'action="/sign-out"' in refused.text
    assert links(refused)[:1] == [back]


def test_nobodys_page_on_an_error_has_no_menu(site):
    page = Browser(site).open("/nothing")

    assert page.status_code == 404
    assert 'class="rooms"' not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"


def ask_for(site, by, *agencies, state="asked"):
    """Have a bulk replay stand there, as it is stored."""
    with begin(site.store, at=site.clock, actor=by) as work:
        row = {"id": make_id(work.at), "verb": "resend", "selection": "{}", "mappings": "{}"}
        row |= {"agencies": json.dumps(agencies), "count": 1, "digest": "0" * 64, "reason": "thử"}
        row |= {"rate": 10.0, "stop_percent": 20, "state": state, "judged_from": 0, "fence": 0}
        row |= {"asked_by": by, "asked_at": work.at, "why": ""}
        work.connection.execute(insert(replay_jobs).values(**row))
        return row["id"]


def test_the_first_page_tells_an_approver_what_waits_for_them_and_nobody_else(site, sign_in):
    binh = sign_in("binh", "approver", ["land", "health"])
    assert "đang chờ bạn duyệt" not in binh.open("/").text

    waiting = ask_for(site, "an", "land")
    own = ask_for(site, "Binh", "land")
    ended = ask_for(site, "an", "land", state="done")
    others = ask_for(site, "an", "land", "police")

    said = '<a href="/jobs?state=asked">1 yêu cầu chạy hàng loạt đang chờ bạn duyệt</a>'
    assert said in binh.open("/").text
    assert said in binh.open("/home/now").text
    listed = binh.open("/jobs?state=asked").text
    assert [one in listed for one in (waiting, own, ended, others)] == [True, True, False, False]
    assert "đang chờ bạn duyệt" not in sign_in("dung", "operator").open("/").text
    token = site.login("binh").json()["token"]
    assert site.ask("GET", "/overview", token).json()["to_approve"] == 1


def test_a_part_of_a_code_that_finds_nothing_is_told_that_the_whole_is_needed(sign_in):
    an = sign_in("an", "operator")

    assert "cần mã đầy đủ" in an.open("/find?q=250109-0057").text
    assert "cần mã đầy đủ" not in an.open("/messages?state=parked").text


def test_the_log_leads_to_a_bulk_replay_for_who_may_see_it(site, sign_in):
    seen = ask_for(site, "an", "land")
    unseen = ask_for(site, "an", "land", "police")
    for job in (seen, unseen):
        with begin(site.store, at=site.clock, actor="an") as work:
            work.note("token.made", "land", reason=f"bà con chờ [{job}]")

    binh = sign_in("binh", "auditor")
    page = binh.open("/audit?event=token.").text
    assert [f'<a href="/jobs/{job}">' in page for job in (seen, unseen)] == [True, True]
    assert f"[{seen}]" not in page
    assert "bà con chờ" in page

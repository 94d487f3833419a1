"""What a person who knows only the pages reads: no English words, and always a way on."""

import pytest

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

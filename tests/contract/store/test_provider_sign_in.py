"""Signing in through an identity provider: a real one on loopback, through the whole console."""

import base64
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from lienthong.access.rights import Grant, Role
from lienthong.oidc.examining import examine_provider
from lienthong.oidc.profile import RETURN_PATH
from lienthong.oidc.provider import AT_ONCE
from lienthong.operations.accounts import disable_account, make_account, reset_account
from lienthong.operations.provider_accounts import move_account, release_account
from lienthong.testing.identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    Mood,
    User,
    new_key,
    served,
)
from schemas.errors import ConfigError, InputError
from tests.contract.peers import make_tls
from tests.contract.store.accounts_site import PASSWORD, ROOT, Accounts, Browser

PUBLIC = "http://127.0.0.1:8590"
SCRIPT = "<script>alert(1)</script>"
KEY = new_key("one")
OTHER_KEY = new_key("two")
VIEWER = (Grant(role=Role.VIEWER, agencies=frozenset({"land"})),)
APPROVER = (Grant(role=Role.APPROVER, agencies=frozenset({"land"})),)


@pytest.fixture
def provider(clock):
    with served(
        IdentityProvider(clock=clock, return_url=PUBLIC + RETURN_PATH, key=KEY)
    ) as provider:
        yield provider


def make_site(store, clock, provider, **more):
    oidc = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "public_url": PUBLIC,
        "timeout_seconds": 20,
    } | more.pop("oidc", {})
    return Accounts(store, clock, oidc=oidc, **more)


@pytest.fixture
def site(store, clock, provider):
    site = make_site(store, clock, provider)
    give(site, "an")
    return site


@pytest.fixture
def browser(site):
    return Guest(site)


def give(site, name, *, grants=VIEWER, **more):
    return make_account(
        site.installation, ROOT, name, full_name=name, grants=grants, by_provider=True, **more
    )


def give_password(site, name, *, grants=VIEWER):
    """Make an account that signs in by a password; return the token of its first session."""
    made = make_account(site.installation, ROOT, name, full_name=name, grants=grants)
    return site.ask("POST", "/session/code", code=made.code, password=PASSWORD).json()["token"]


class Guest(Browser):
    """A browser that goes to the provider and comes back."""

    def __init__(self, site, *, client=None, ca=None):
        self.ca = ca
        if client is None:
            super().__init__(site)
        else:
            self.client, self.page = client, None

    def go(self, **to):
        """Go to the provider, and return the address by which it sends the browser back."""
        self.client.follow_redirects = False
        self.open("/sign-in/provider", params=to)
        assert self.page.status_code == 303, self.page.text
        return self.at_provider(self.page.headers["Location"])

    def at_provider(self, address):
        with urllib3.PoolManager(ca_certs=self.ca) as pool:
            answer = pool.request("GET", address, redirect=False)
            assert answer.status == 302, answer.data
            return answer.headers["Location"]

    def come_back(self, address):
        assert address.startswith(PUBLIC + RETURN_PATH + "?")
        return self.open(address.removeprefix(PUBLIC))

    def sign_in_there(self, **to):
        return self.come_back(self.go(**to))

    def sign_out(self):
        self.open("/account")
        return self.send("/sign-out")

    def is_signed_in(self):
        return self.client.get("/account", follow_redirects=False).status_code == 200


def refusals(site):
    return [detail["why"] for _, action, detail in logged(site) if action == "access.login_refused"]


def logged(site):
    return [(actor, action, json.loads(detail)) for actor, action, detail in site.logged()]


def test_who_has_an_account_signs_in_and_comes_where_they_wanted(site, browser):
    browser.open("/sign-in?to=/messages%3Fstate%3Dparked")
    assert "/sign-in/provider?to=%2Fmessages%3Fstate%3Dparked" in browser.page.text

    answer = browser.sign_in_there(to="/messages?state=parked")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/messages?state=parked")
    assert browser.client.get("/messages").status_code == 200
    me = browser.client.get("/account").text
    assert "máy chủ định danh" in me
    assert 'name="password"' not in me
    actions = [(actor, action) for actor, action, _ in logged(site)]
    assert actions[-2:] == [("an", "access.provider_pinned"), ("an", "access.login")]
    browser.sign_out()
    assert not browser.is_signed_in()
    assert browser.sign_in_there().headers["Location"] == "/"


def test_the_session_is_one_like_any_other(site, browser, clock):
    browser.sign_in_there()
    clock.tick(minutes=29)
    assert browser.is_signed_in()
    clock.tick(minutes=31)
    assert not browser.is_signed_in()

    browser.sign_in_there()
    disable_account(site.installation, ROOT, "an", reason="thử")
    assert not browser.is_signed_in()


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(browser, to):
    assert browser.sign_in_there(to=to).headers["Location"] == "/"


def test_what_is_asked_for_is_bound_to_this_client_and_to_its_configured_address(
    site, provider, browser
):
    browser.client.headers["Host"] = "evil.example"
    browser.client.follow_redirects = False
    asked = urlsplit(browser.open("/sign-in/provider").headers["Location"])
    said = {name: values[0] for name, values in parse_qs(asked.query).items()}

    assert f"{asked.scheme}://{asked.netloc}" == provider.address
    assert said["redirect_uri"] == PUBLIC + RETURN_PATH
    assert (said["response_type"], said["code_challenge_method"]) == ("code", "S256")
    assert (said["client_id"], said["scope"]) == (CLIENT, "openid profile")
    cookie = browser.page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    for each in ("state", "nonce"):
        assert len(said[each]) >= 43
        assert said[each] not in cookie


def test_behind_tls_what_the_browser_keeps_goes_by_tls_alone(store, clock, provider):
    provider.return_url = "https://lienthong.example.gov.vn" + RETURN_PATH
    site = make_site(
        store,
        clock,
        provider,
        behind_proxy=True,
        oidc={"public_url": "https://lienthong.example.gov.vn"},
    )
    browser = Guest(site)
    browser.client.follow_redirects = False

    cookie = browser.open("/sign-in/provider").headers["Set-Cookie"]

    assert cookie.startswith("__Host-lienthong-provider=")
    assert "Secure" in cookie


@pytest.mark.parametrize("change", ["wrong", "none"])
def test_a_state_that_is_not_of_this_sign_in_is_refused(site, browser, change, provider):
    address = browser.go()
    state = parse_qs(urlsplit(address).query)["state"][0]

    replaced = address.replace(state, "A" * len(state) if change == "wrong" else "")
    refused = browser.come_back(replaced)

    assert refused.status_code == 401
    assert "access.provider_state" in refused.text
    assert not browser.is_signed_in()
    assert refusals(site) == ["access.provider_state"]
    assert "/token" not in provider.asked


def test_an_answer_is_good_once(site, browser):
    browser.client.follow_redirects = False
    begun = browser.open("/sign-in/provider")
    kept = begun.headers["Set-Cookie"].partition(";")[0]
    address = browser.at_provider(begun.headers["Location"])
    browser.come_back(address)
    thief = TestClient(site.app)

    without = thief.get(address.removeprefix(PUBLIC))
    with_cookie = thief.get(address.removeprefix(PUBLIC), headers={"Cookie": kept})

    assert without.status_code == 401
    assert "access.provider_state" in without.text
    # Even with the cookie of that browser: the provider takes no code twice.
    assert with_cookie.status_code == 502
    assert thief.get("/account", follow_redirects=False).status_code == 303


def test_nobody_is_signed_in_as_somebody_else_by_a_link(site, browser):
    attacker = browser
    victim = Guest(site, client=TestClient(site.app, follow_redirects=False))
    address = attacker.go()

    assert victim.come_back(address).status_code == 401
    victim.go()
    assert victim.come_back(address).status_code == 401
    assert not victim.is_signed_in()


def test_a_sign_in_that_took_too_long_is_begun_again(browser, clock):
    address = browser.go()
    clock.tick(minutes=10)

    assert "access.provider_state" in browser.come_back(address).text


@pytest.mark.parametrize("cookie", ["", "x", "A" * 100, "A" * 5_000, "é", "ltc_1"])
def test_a_cookie_that_is_none_of_ours_is_no_sign_in(site, cookie):
    client = TestClient(Browser(site).client.app, follow_redirects=False)
    header = f"lienthong-provider={cookie}".encode()

    answer = client.get(RETURN_PATH + "?state=x&code=y", headers={b"Cookie": header})

    assert answer.status_code == 401


FORGED = {
    "another nonce": ({"nonce": "x" * 43}, "access.provider_wrong"),
    "no nonce": ({"nonce": None}, "access.provider_wrong"),
    "for another client": ({"aud": "other"}, "access.provider_wrong"),
    "for others, too, and given to them": (
        {"aud": [CLIENT, "other"], "azp": "other"},
        "access.provider_wrong",
    ),
    "for others, too, and no word to whom": ({"aud": [CLIENT, "other"]}, "access.provider_wrong"),
    "for nobody": ({"aud": None}, "access.provider_wrong"),
    "of another issuer": ({"iss": "https://evil.example"}, "access.provider_wrong"),
    "over": ({"exp": 1_000_000_000}, "access.provider_wrong"),
    "without an end": ({"exp": None}, "access.provider_wrong"),
    "with an end that is none": ({"exp": "9999999999"}, "access.provider_wrong"),
    "of the future": ({"iat": 9_999_999_999}, "access.provider_wrong"),
    "not good yet": ({"nbf": 9_999_999_999}, "access.provider_wrong"),
    "of nobody": ({"sub": None}, "access.provider_wrong"),
    "of a number": ({"sub": 7}, "access.provider_wrong"),
    "of an endless subject": ({"sub": "7" * 256}, "access.provider_wrong"),
    "without the claim": ({"preferred_username": None}, "access.provider_unknown"),
    "with a claim that is no name": ({"preferred_username": ["an"]}, "access.provider_unknown"),
    "with a name that no store takes": ({"preferred_username": "a\0n"}, "access.provider_unknown"),
}


@pytest.mark.parametrize(("claims", "code"), FORGED.values(), ids=FORGED)
def test_a_token_that_is_not_right_in_one_thing_signs_nobody_in(
    site, provider, browser, claims, code
):
    provider.claims = claims

    refused = browser.sign_in_there()

    assert refused.status_code in (403, 502)
    assert f"<code>{code}</code>" in refused.text
    assert not browser.is_signed_in()
    assert refusals(site) == [code]


def parts(header, claims):
    written = (json.dumps(value).encode() for value in (header, claims))
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in written)


def by_secret(secret, claims):
    signed = parts({"alg": "HS256", "kid": "one"}, claims)
    tag = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + tag).decode()


def unsigned(claims):
    return parts({"alg": "none", "kid": "one"}, claims).decode() + "."


def by_public_key(claims):
    """Sign with what everybody has: the provider's public key, as if it were a secret."""
    return by_secret(KEY.as_pem(private=False), claims)


def by_client_secret(claims):
    return by_secret(SECRET.encode(), claims)


def by_strange_key(claims):
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, OTHER_KEY)


def by_own_key(claims):
    """Bring the key along in the header."""
    header = {"alg": "RS256", "kid": "one", "jwk": OTHER_KEY.as_dict(private=False)}
    return jwt.encode(header, claims, OTHER_KEY)


def by_key_of_another_kind(claims):
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims, ECKey.generate_key("P-256"))


def torn(claims):
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)[:-8]


def no_token(_claims):
    return "a.b.c"


def deep(_claims):
    return base64.urlsafe_b64encode(b"[" * 60_000).decode() + ".x.y"


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        by_public_key,
        by_client_secret,
        by_strange_key,
        by_own_key,
        by_key_of_another_kind,
        torn,
        no_token,
        deep,
    ],
)
def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(site, provider, browser, forge):
    provider.forge = forge

    refused = browser.sign_in_there()

    assert refused.status_code == 502
    assert "access.provider_wrong" in refused.text
    assert not browser.is_signed_in()
    assert refusals(site) == ["access.provider_wrong"]


@pytest.mark.parametrize(
    ("algorithm", "key"), [("PS256", KEY), ("ES256", ECKey.generate_key("P-256", {"kid": "ec"}))]
)
def test_the_other_algorithms_that_are_taken(provider, browser, algorithm, key):
    provider.algorithm, provider.key = algorithm, key

    assert browser.sign_in_there().headers["Location"] == "/"


def test_a_new_key_of_the_provider_is_learnt_and_not_asked_for_by_everybody(
    provider, browser, monkeypatch
):
    browser.sign_in_there()
    browser.sign_out()
    provider.key = OTHER_KEY

    assert browser.sign_in_there().headers["Location"] == "/"
    browser.sign_out()
    assert provider.asked.count("/keys") == 2

    provider.forge = lambda claims: jwt.encode({"alg": "RS256", "kid": "x"}, claims, OTHER_KEY)
    for _ in range(3):
        assert browser.sign_in_there().status_code == 502
    assert provider.asked.count("/keys") == 2
    monkeypatch.setattr("lienthong.oidc.provider.ASKED_AGAIN_SECONDS", 0)
    browser.sign_in_there()
    assert provider.asked.count("/keys") == 3
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def test_another_person_of_the_same_name_is_refused_until_an_administrator_releases_it(
    site, provider, browser
):
    browser.sign_in_there()
    browser.sign_out()
    provider.user = User(subject="other", name="an")

    refused = browser.sign_in_there()

    assert refused.status_code == 403
    assert "access.provider_other_person" in refused.text
    assert not browser.is_signed_in()
    actor, action, detail = logged(site)[-1]
    assert (actor, action) == ("lienthong", "access.login_refused")
    assert (detail["name"], detail["why"]) == ("an", "access.provider_other_person")

    release_account(site.installation, ROOT, "an", reason="tạo lại")
    assert browser.sign_in_there().headers["Location"] == "/"
    released = [detail for _, action, detail in logged(site) if action.endswith("released")]
    assert [(one["name"], one["reason"]) for one in released] == [("an", "tạo lại")]
    browser.sign_out()
    provider.user = User(subject="7f1c", name="an")
    assert browser.sign_in_there().status_code == 403


def test_a_person_who_got_another_name_does_not_get_the_account_of_that_name(
    site, provider, browser
):
    give(site, "chi", grants=(Grant(role=Role.AUDITOR, agencies=None),))
    browser.sign_in_there()
    browser.sign_out()
    provider.user = User(subject="7f1c", name="chi")

    assert "access.provider_renamed" in browser.sign_in_there().text
    assert not browser.is_signed_in()


def test_who_has_no_account_is_told_so_by_name_and_the_log_has_no_stranger(site, provider, browser):
    provider.user = User(subject="9", name=SCRIPT)

    refused = browser.sign_in_there()

    assert refused.status_code == 403
    assert "&lt;script&gt;" in refused.text
    assert SCRIPT not in refused.text
    assert "chưa ai cấp cho bạn tài khoản" in refused.text
    assert SCRIPT not in site.dumped()
    assert refusals(site) == ["access.provider_unknown"]


def test_the_name_of_an_account_with_a_password_opens_nothing(site, provider, browser):
    give_password(site, "binh")
    provider.user = User(subject="9", name="binh")

    assert "access.provider_unknown" in browser.sign_in_there().text
    assert site.login("binh").status_code == 200


def test_a_disabled_account_is_told_so(site, browser):
    browser.sign_in_there()
    disable_account(site.installation, ROOT, "an", reason="thử")

    assert "access.provider_disabled" in browser.sign_in_there().text
    assert not browser.is_signed_in()


def test_an_account_of_the_provider_has_no_password_and_nobody_locks_it(site, browser):
    for _ in range(6):
        assert site.login("an", PASSWORD).status_code == 401
    with pytest.raises(InputError) as refused:
        reset_account(site.installation, ROOT, "an", reason="thử")

    assert refused.value.code == "access.by_provider"
    assert browser.sign_in_there().headers["Location"] == "/"
    token = browser.client.cookies["lienthong"]
    said = {"password": PASSWORD, "new_password": PASSWORD}
    assert site.ask("POST", "/session/password", token, **said).status_code == 409
    assert site.ask("POST", "/session/totp", token, password=PASSWORD).status_code == 409


PROOFS = {
    "none": ({}, {}, 403),
    "not one that counts": ({"second_factor_amr": ["otp"]}, {"amr": ["pwd"]}, 403),
    "amr": ({"second_factor_amr": ["otp", "hwk"]}, {"amr": ["pwd", "hwk"]}, 303),
    "amr that is no list": ({"second_factor_amr": ["otp"]}, {"amr": "otp"}, 403),
    "acr": ({"second_factor_acr": ["2"]}, {"acr": "2"}, 303),
    "another acr": ({"second_factor_acr": ["2"]}, {"acr": "1"}, 403),
}


@pytest.mark.parametrize(("settings", "claims", "status"), PROOFS.values(), ids=PROOFS)
def test_strong_roles_need_a_second_factor_that_the_provider_proves(
    store, clock, provider, settings, claims, status
):
    site = make_site(store, clock, provider, oidc=settings)
    give(site, "an", grants=APPROVER)
    provider.claims = claims
    browser = Guest(site)

    answer = browser.sign_in_there()

    assert answer.status_code == status
    assert browser.is_signed_in() is (status == 303)
    if status == 403:
        assert refusals(site) == ["access.provider_second_factor"]
    else:
        token = browser.client.cookies["lienthong"]
        assert site.ask("GET", "/session", token).json()["needs"] == []


def test_where_no_second_factor_is_required_none_is_asked_for(store, clock, provider):
    site = make_site(store, clock, provider, totp_required=False)
    give(site, "an", grants=APPROVER)

    assert Guest(site).sign_in_there().status_code == 303


@pytest.mark.parametrize("claims", [{"email": "an"}, {"email": "an", "email_verified": "true"}])
def test_an_address_that_nobody_verified_is_no_name(store, clock, provider, claims):
    site = make_site(store, clock, provider, oidc={"claim": "email"})
    give(site, "an")
    browser = Guest(site)

    provider.claims = claims
    assert "access.provider_unknown" in browser.sign_in_there().text
    provider.claims = {"email": "an", "email_verified": True}
    assert browser.sign_in_there().status_code == 303


@pytest.mark.parametrize("issuer", ["https://evil.example", ""])
def test_an_answer_of_another_provider_is_refused_before_the_code_is_sent_anywhere(
    site, provider, browser, issuer
):
    provider.answer = {"iss": issuer}

    assert browser.sign_in_there().status_code == 502
    assert "/token" not in provider.asked


def test_a_provider_that_does_not_promise_iss_need_not_say_it(provider, browser):
    provider.discovery = {"authorization_response_iss_parameter_supported": False}
    address = browser.go()
    said = parse_qs(urlsplit(address).query)

    answer = browser.come_back(
        f"{PUBLIC}{RETURN_PATH}?state={said['state'][0]}&code={said['code'][0]}"
    )

    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("access_denied", "Bạn đã hủy"),
        ("temporarily_unavailable", "(temporarily_unavailable)"),
        (SCRIPT, "(?)"),
    ],
)
def test_a_no_of_the_provider_is_told_and_its_own_words_are_not_shown(
    site, provider, browser, error, said
):
    provider.answer = {"error": error, "error_description": SCRIPT}

    refused = browser.sign_in_there()

    assert refused.status_code == 401
    assert said in refused.text
    assert "alert(1)" not in refused.text
    assert refusals(site) == ["access.provider_refused"]


def test_a_page_on_what_failed_has_no_code_and_no_state_in_it(provider, browser):
    provider.claims = {"aud": "other"}
    address = browser.go()
    said = parse_qs(urlsplit(address).query)

    refused = browser.come_back(address)

    assert refused.headers["Referrer-Policy"] == "no-referrer"
    assert refused.headers["Cache-Control"] == "no-store"
    assert said["code"][0] not in refused.text
    assert said["state"][0] not in refused.text


WRONG_WORDS = {
    "issuer": "https://evil.example",
    "token_endpoint": "http://sso.example.gov.vn/token",
    "authorization_endpoint": "javascript:alert(1)",
    "jwks_uri": None,
    "code_challenge_methods_supported": ["plain"],
    "id_token_signing_alg_values_supported": ["HS256", "none"],
    "response_types_supported": "code",
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
}


@pytest.mark.parametrize("name", WRONG_WORDS)
def test_a_provider_that_says_of_itself_what_cannot_be_used_is_not_gone_to(
    site, provider, browser, name
):
    provider.discovery = {name: WRONG_WORDS[name]}

    refused = browser.open("/sign-in/provider")

    assert refused.status_code == 502
    assert "access.provider_wrong" in refused.text


@pytest.mark.parametrize("moody", ["/.well-known/openid-configuration", "/token", "/keys"])
@pytest.mark.parametrize("mood", [mood for mood in Mood if mood not in (Mood.WELL, Mood.HELD)])
def test_a_provider_in_any_mood_is_told_in_words_and_passwords_go_on(
    store, clock, provider, mood, moody
):
    patience = 2 if mood is Mood.SLOW else 20
    site = make_site(store, clock, provider, oidc={"timeout_seconds": patience})
    give(site, "an")
    browser = Guest(site)
    if moody.startswith("/."):
        provider.mood = mood
        refused = browser.open("/sign-in/provider")
    else:
        address = browser.go()
        provider.mood, provider.moody = mood, moody
        refused = browser.come_back(address)

    assert refused.status_code == (502 if mood is Mood.HTML else 503)
    assert "máy chủ định danh" in refused.text.lower()
    assert "alert(1)" not in refused.text
    give_password(site, "binh")
    assert site.login("binh").status_code == 200


def test_a_provider_is_asked_by_tls_and_believed_if_its_certificate_is_trusted(
    store, clock, tmp_path
):
    tls, file = make_tls(tmp_path)
    provider = IdentityProvider(clock=clock, return_url=PUBLIC + RETURN_PATH, key=KEY)
    with served(provider, tls=tls):
        strange = Guest(make_site(store, clock, provider))
        site = make_site(store, clock, provider, oidc={"ca_file": str(file)})
        give(site, "an")

        assert strange.open("/sign-in/provider").status_code == 503
        assert provider.asked == []
        assert Guest(site, ca=str(file)).sign_in_there().status_code == 303
        with pytest.raises(ConfigError):
            Guest(make_site(store, clock, provider, oidc={"ca_file": str(tmp_path / "none")}))


def test_a_provider_that_hangs_holds_up_few_and_no_passwords(store, clock, provider):
    site = make_site(store, clock, provider, oidc={"timeout_seconds": 60})
    give_password(site, "binh")
    Browser(site)
    provider.mood = Mood.HELD

    def begin():
        client = TestClient(site.app, follow_redirects=False)
        return client.get("/sign-in/provider").status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(begin) for _ in range(AT_ONCE)]
        try:
            while len(provider.asked) < AT_ONCE:
                time.sleep(0.05)
            assert begin() == 503
            assert site.login("binh").status_code == 200
            assert not any(one.done() for one in waiting)
        finally:
            provider.released.set()
    assert [one.result() for one in waiting] == [303] * AT_ONCE


def test_a_provider_that_is_down_counts_against_nobody(store, clock, provider):
    site = make_site(store, clock, provider, login_attempts=5)
    give(site, "an")
    by = make_account(site.installation, ROOT, "chi", full_name="Chị", grants=VIEWER)
    browser = Guest(site)
    for _ in range(6):
        provider.mood = Mood.WELL
        address = browser.go()
        provider.mood = Mood.BROKEN
        assert browser.come_back(address).status_code == 503

    assert site.ask("POST", "/session/code", code=by.code, password=PASSWORD).status_code == 200
    assert site.login("chi").status_code == 200


def test_one_address_may_fail_so_often(store, clock, provider):
    site = make_site(store, clock, provider, login_attempts=5)
    browser = Guest(site)

    answers = [browser.open(RETURN_PATH + "?state=x&code=y") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "601"
    give_password(site, "binh")
    assert site.login("binh").status_code == 200


def test_nothing_of_the_provider_is_in_the_store_or_the_log(site, provider, browser, capfd):
    address = browser.go()
    said = parse_qs(urlsplit(address).query)
    tokens = []
    provider.forge = lambda claims: tokens.append(provider.sign(claims)) or tokens[-1]
    browser.come_back(address)
    provider.forge = lambda claims: tokens.append(by_strange_key(claims)) or tokens[-1]
    browser.sign_out()
    browser.sign_in_there()

    kept = site.dumped() + "".join(capfd.readouterr())

    for each in (said["code"][0], said["state"][0], *tokens, SECRET):
        assert each not in kept


def test_an_account_is_moved_both_ways_and_what_proved_it_before_counts_no_more(
    site, provider, browser
):
    token = give_password(site, "binh")

    moved = move_account(site.installation, ROOT, "binh", by_provider=True, reason="thử")

    assert moved.code is None
    assert site.ask("GET", "/me", token).status_code == 401
    assert site.login("binh").status_code == 401
    provider.user = User(subject="9", name="binh")
    assert browser.sign_in_there().status_code == 303
    back = move_account(site.installation, ROOT, "binh", by_provider=False, reason="thử")
    assert not browser.is_signed_in()
    assert "access.provider_unknown" in browser.sign_in_there().text
    assert site.ask("POST", "/session/code", code=back.code, password=PASSWORD).status_code == 200


def test_the_last_administrator_with_a_password_stays(site):
    administrator = (Grant(role=Role.ADMINISTRATOR, agencies=None),)
    give_password(site, "chi", grants=administrator)
    give(site, "dung", grants=administrator)

    for act in (
        lambda: move_account(site.installation, ROOT, "chi", by_provider=True, reason="thử"),
        lambda: disable_account(site.installation, ROOT, "chi", reason="thử"),
    ):
        with pytest.raises(InputError) as refused:
            act()
        assert refused.value.code == "access.last_administrator"


def test_without_a_provider_there_is_no_button_and_no_such_account(store, clock):
    site = Accounts(store, clock)
    browser = Browser(site)

    with pytest.raises(InputError) as refused:
        give(site, "an")

    assert refused.value.code == "access.no_provider"
    assert "/sign-in/provider" not in browser.open("/sign-in").text
    assert urlsplit(str(browser.open("/sign-in/provider").url)).path == "/sign-in"
    assert urlsplit(str(browser.open(RETURN_PATH + "?code=x").url)).path == "/sign-in"


def examined(site):
    console = site.installation.settings.console
    return [
        (remark.is_fault, remark.found.en)
        for remark in examine_provider(console.oidc, totp_required=True, clock=site.clock)
    ]


def test_doctor_says_what_is_wrong_with_the_provider(store, clock, provider, tmp_path):
    well = make_site(store, clock, provider, oidc={"second_factor_acr": ["2"]})
    assert examined(well) == []

    [(is_fault, weak)] = examined(make_site(store, clock, provider))
    assert not is_fault
    assert "counts as a second factor" in weak

    provider.discovery = {"issuer": "https://evil.example"}
    [(is_fault, lying)] = examined(well)
    assert is_fault
    assert "its issuer is not" in lying
    provider.discovery, provider.mood = {}, Mood.BROKEN
    [(is_fault, away)] = examined(well)
    assert is_fault
    assert "HTTP 500" in away

    no_file = {"client_secret": "", "client_secret_file": str(tmp_path / "none")}
    [(is_fault, unread)] = examined(
        make_site(store, clock, provider, oidc={"second_factor_acr": ["2"], **no_file})
    )
    assert is_fault
    assert "client_secret_file" in unread


def test_the_secret_is_read_from_a_file(store, clock, provider, tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    secret = {"client_secret": "", "client_secret_file": str(file)}
    site = make_site(store, clock, provider, oidc=secret)
    give(site, "an")

    assert Guest(site).sign_in_there().status_code == 303

    file.write_text("ngắn quá", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Guest(make_site(store, clock, provider, oidc=secret))
    assert caught.value.code == "console.oidc.secret"


def test_an_administrator_does_all_this_at_the_console(store, clock, provider):
    site = make_site(store, clock, provider, totp_required=False)
    site.first()
    browser = Guest(site)
    browser.client.follow_redirects = False
    Browser.sign_in(browser, "chi")
    because = {"reason": "thử", "key": ""}

    browser.open("/accounts")
    fields = {"name": "an", "full_name": "An", "role": "viewer", "every_agency": "true"}
    made = browser.send("/accounts", by_provider="true", **fields)
    assert made.headers["Location"] == "/accounts/an"
    page = browser.open("/accounts/an").text
    assert "chờ lần đăng nhập đầu" in page
    assert "/release" not in page
    assert "/reset" not in page

    assert Guest(site, client=TestClient(site.app)).sign_in_there().status_code == 303
    assert "/accounts/an/release" in browser.open("/accounts/an").text
    assert browser.send("/accounts/an/release", **because).status_code == 303
    assert "/release" not in browser.open("/accounts/an").text
    code = browser.send("/accounts/an/to-password", **because)
    assert "ltc_" in code.text
    browser.open("/accounts/an")
    assert browser.send("/accounts/an/to-provider", **because).status_code == 303
    refused = browser.send("/accounts/an/to-provider", form=form_in(browser), **because)
    assert refused.status_code == 409


def form_in(browser):
    browser.open("/accounts")
    return browser.page.text.partition('name="form" value="')[2].partition('"')[0]


def test_the_same_over_the_api(site):
    by, *_ = administrator_of(site)
    grants = [{"role": "viewer", "agencies": ["land"]}]

    made = site.ask(
        "POST", "/accounts", by, name="binh", full_name="B", grants=grants, by_provider=True
    )
    seen = site.ask("GET", "/accounts/binh", by).json()
    moved = site.act("move", "binh", by, by_provider=False)
    released = site.act("release", "an", by)
    wrong = site.act("release", "binh", by)
    viewer = give_password(site, "dung")

    assert (made.status_code, made.json()["code"]) == (201, None)
    assert (seen["by_provider"], seen["is_pinned"], seen["has_password"]) == (True, False, False)
    assert moved.json()["code"].startswith("ltc_")
    assert (released.status_code, wrong.status_code) == (204, 409)
    assert site.act("move", "an", viewer, by_provider=False).status_code == 403
    assert site.act("release", "an", viewer).status_code == 403


def administrator_of(site):
    token = give_password(site, "chi", grants=(Grant(role=Role.ADMINISTRATOR, agencies=None),))
    return token, *site.enrol(token)

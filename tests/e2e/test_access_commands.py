"""Accounts on the command line: made, listed, reset, ended, and never with a secret in the log."""

import getpass

import pytest

LAND = ("--agency", "land-registration")
WHY = ("--reason", "thử")


@pytest.fixture
def cli(site):
    return site.cli


def account(cli, *words, **more):
    return cli("access", "account", *words, **more)


def test_accounts_are_made_changed_and_ended(cli):
    made = account(cli, "make", "An", "--full-name", "Nguyễn An", "--role", "operator", *LAND)
    code = made.out.strip()
    twice = account(cli, "make", "an", "--full-name", "An", "--role", "viewer", "--every-agency")
    listed = account(cli, "list", "--json").json
    table = account(cli, "list", lang="vi")

    assert (made.code, twice.code) == (0, 1)
    assert code.startswith("ltc_")
    assert "access.name_taken" in twice.err
    assert [(each["name"], each["has_password"]) for each in listed] == [("an", False)]
    assert "chưa đặt mật khẩu" in table.out

    granted = account(cli, "grant", "an", "--role", "auditor", "--every-agency", *WHY)
    reset = account(cli, "reset", "an", *WHY, "--json").json
    ended = account(cli, "disable", "an", *WHY)
    opened = account(cli, "enable", "an", *WHY, lang="vi")

    assert [granted.code, ended.code, opened.code] == [0, 0, 0]
    assert reset["code"] != code
    assert "Đã mở tài khoản an" in opened.out
    [grant] = account(cli, "list", "--json").json[0]["grants"]
    assert (grant["role"], grant["agencies"]) == ("auditor", None)
    found = cli("audit", "search", "--json").out
    assert "access.account_made" in found
    assert getpass.getuser() in found
    assert code[-30:] not in found
    assert reset["code"][-30:] not in found


def test_a_token_with_an_accounts_name_is_made_for_it_alone(cli):
    account(cli, "make", "an", "--full-name", "An", "--role", "viewer", *LAND)
    make = ("access", "token", "make")

    refused = cli(*make, "AN", "--role", "viewer", *LAND)
    made = cli(*make, "an", "--role", "viewer", *LAND, "--for-account")
    nobody = cli(*make, "binh", "--role", "viewer", *LAND, "--for-account")

    assert (refused.code, made.code, nobody.code) == (1, 0, 1)
    assert "access.name_taken" in refused.err
    assert "account.not_found" in nobody.err


def test_an_account_that_is_not_there_is_said_not_to_be(cli):
    for verb in ("disable", "enable", "reset"):
        done = account(cli, verb, "nobody", *WHY)
        assert (done.code, "account.not_found" in done.err) == (1, True)


def test_an_account_signs_in_through_the_provider_where_there_is_one(cli):
    words = ("make", "an", "--full-name", "An", "--role", "viewer", *LAND, "--by-provider")
    refused = account(cli, *words)
    oidc = f"""
        [console.oidc]
        issuer = "https://sso.example.gov.vn"
        client_id = "lienthong"
        client_secret = "{"x" * 32}"
        public_url = "http://127.0.0.1:8590"
    """
    with (cli.folder / "lienthong.toml").open("a", encoding="utf-8") as file:
        file.write(oidc)

    made = account(cli, *words, lang="vi")
    listed = account(cli, "list", lang="vi")
    reset = account(cli, "reset", "an", *WHY)
    released = account(cli, "release", "an", *WHY)
    moved = account(cli, "move", "an", "--to", "password", *WHY)
    again = account(cli, "move", "an", "--to", "password", *WHY)
    wrong = account(cli, "release", "an", *WHY)

    assert (refused.code, "access.no_provider" in refused.err) == (1, True)
    assert (made.code, released.code, moved.code) == (0, 0, 0)
    assert "qua máy chủ định danh" in made.out + made.err
    assert "chờ lần đầu" in listed.out
    assert (reset.code, "access.by_provider" in reset.err) == (1, True)
    assert moved.out.startswith("ltc_")
    assert {(one.code, "access.wrong_way" in one.err) for one in (again, wrong)} == {(1, True)}

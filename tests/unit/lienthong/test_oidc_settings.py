"""The settings of an identity provider: what would be unsafe or could not work is refused."""

from pathlib import Path

import pytest

from lienthong.settings import load_settings
from schemas.errors import ConfigError

GOOD = {
    "issuer": "https://sso.example.gov.vn/realms/city",
    "client_id": "lienthong",
    "client_secret_file": "/etc/lienthong/oidc-secret",
    "public_url": "https://lienthong.example.gov.vn",
}


@pytest.fixture
def load(tmp_path):
    def load(*, console="behind_proxy = true", **changes):
        table = {name: value for name, value in (GOOD | changes).items() if value is not None}
        lines = "\n".join(f'{name} = "{value}"' for name, value in table.items())
        file = tmp_path / "lienthong.toml"
        file.write_text(f"[console]\n{console}\n[console.oidc]\n{lines}\n", encoding="utf-8")
        return load_settings(file=file).console.oidc

    return load


def test_a_few_lines_are_enough(load):
    settings = load()

    assert settings.return_url == ("https://lienthong.example.gov.vn/sign-in/provider/return")
    assert (settings.claim, settings.scopes) == ("preferred_username", ("openid", "profile"))
    assert (settings.second_factor_acr, settings.second_factor_amr) == ((), ())


def test_the_secret_may_come_from_the_environment_and_is_not_shown(load, monkeypatch):
    monkeypatch.setenv("LIENTHONG_CONSOLE__OIDC__CLIENT_SECRET", "hai mươi ký tự trở lên")

    settings = load(client_secret_file=None)

    assert settings.client_secret.get_secret_value() == "hai mươi ký tự trở lên"
    assert "hai mươi" not in repr(settings)


BAD = {
    "an issuer without TLS": ({"issuer": "http://sso.example.gov.vn"}, "console.oidc.issuer"),
    "an issuer with a user": ({"issuer": "https://a:b@sso.example"}, "console.oidc.issuer"),
    "an issuer with a query": ({"issuer": "https://sso.example?x=1"}, "console.oidc.issuer"),
    "no address of an issuer": ({"issuer": "sso.example"}, "console.oidc.issuer"),
    "no issuer": ({"issuer": None}, "console.oidc.issuer"),
    "a path": ({"public_url": "https://a.example/console"}, "console.oidc.public_url"),
    "a slash": ({"public_url": "https://a.example/"}, "console.oidc.public_url"),
    "no TLS": ({"public_url": "http://a.example"}, "console.oidc.public_url"),
    "two secrets": ({"client_secret": "x" * 16}, "console.oidc"),
    "no secret": ({"client_secret_file": None}, "console.oidc"),
    "a short secret": ({"client_secret_file": None, "client_secret": "x" * 15}, "console.oidc"),
    "another key": ({"clientid": "x"}, "console.oidc.clientid"),
}


@pytest.mark.parametrize(("changes", "place"), BAD.values(), ids=BAD)
def test_what_would_be_unsafe_is_refused_with_its_place(load, changes, place):
    with pytest.raises(ConfigError) as caught:
        load(**changes)

    assert [problem.place.path for problem in caught.value.problems] == [place]


@pytest.mark.parametrize(
    ("console", "public_url"),
    [("", "https://a.example"), ("behind_proxy = true", "http://127.0.0.1:8590")],
)
def test_the_public_address_has_tls_where_the_console_has(load, console, public_url):
    with pytest.raises(ConfigError) as caught:
        load(console=console, public_url=public_url)

    assert [problem.place.path for problem in caught.value.problems] == ["console"]


def test_a_wrong_key_is_answered_with_the_closest(load):
    with pytest.raises(ConfigError) as caught:
        load(clame="sub")

    assert caught.value.problems[0].suggestion.en == "did you mean 'claim'?"
    assert Path("/etc/lienthong/oidc-secret") == load().client_secret_file

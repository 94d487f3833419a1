"""[pull.NAME] tables of web services: every mistake is told, with what was probably meant."""

import pytest

from lienthong.settings import load_settings
from schemas.errors import ConfigError

IGATE = """
[pull.igate]
kind = "rest"
url = "https://igate.example/hoso"
key = ["MaHoSo"]
watermark = "NgayCapNhat"
query = {p = "{page}"}
user = "lt"

[pull.igate.paging]
kind = "page"

[pull.igate.token]
kind = "login"
url = "https://igate.example/login"
body = {client_id = "{user}", secret = "{password}"}
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text):
        (tmp_path / "lienthong.toml").write_text(text, encoding="utf-8")
        return load_settings(file=None)

    return load


def test_secrets_come_from_the_environment(load, monkeypatch):
    monkeypatch.setenv("LIENTHONG_PULL__IGATE__PASSWORD", "s3cret")
    monkeypatch.setenv("LIENTHONG_PULL__IGATE__API_KEY", "k3y")

    profile = load(IGATE).pull["igate"]

    assert profile.password.get_secret_value() == "s3cret"
    assert profile.api_key.get_secret_value() == "k3y"
    assert "s3cret" not in repr(profile)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("https://igate.example/hoso", "http://igate.example/hoso"), "allow_http"),
        (("https://igate.example/hoso", "https://a:b@igate.example/hoso"), "must not carry"),
        (("https://igate.example/hoso", "igate.example"), "expected https://"),
        (("https://igate.example/login", "http://igate.example/login"), "allow_http"),
        (('kind = "rest"', 'kind = "resst"'), "kind is one of"),
        (('kind = "rest"', ""), "kind is missing"),
        (('"{page}"', '"{pag}"'), "did you mean {page}?"),
        (('"{page}"', '"1"'), "belongs to paging.kind"),
        (('watermark = "NgayCapNhat"', 'headers = {a = "{since}"}'), "needs watermark"),
        (('kind = "page"', 'kind = "next"'), "a path in the reply"),
        (('user = "lt"', 'user = "lt"\nbody = {a = "b"}'), 'body needs method = "POST"'),
        (('user = "lt"', 'user = "lt"\nwatermark_format = "ISO"'), "no watermark format"),
        (('user = "lt"', 'user = "lt"\nexpired = ["-2"]'), "expired needs error"),
        (('user = "lt"', 'user = "lt"\nclient_key = "a.pem"'), "client_certificate"),
        (('"{user}"', '"{usr}"'), "did you mean {user}?"),
        (("body = {client_id", "#"), "login needs body"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_profile_is_told(load, change, said):
    with pytest.raises(ConfigError) as told:
        load(IGATE.replace(*change))

    messages = [problem.message for problem in told.value.problems]
    assert any(said in message.en for message in messages), messages
    assert all(message.vi != message.en for message in messages)


@pytest.mark.parametrize(
    ("change", "path", "line", "meant"),
    [
        (("watermark =", "watermarc ="), "pull.igate.watermarc", 6, "watermark"),
        (('kind = "page"', 'kind = "page"\nsise = 3'), "pull.igate.paging.sise", 12, "size"),
        (("body = {c", "bodi = {c"), "pull.igate.token.bodi", 16, "body"),
    ],
    ids=["source", "paging", "token"],
)
def test_a_misspelt_key_is_told_with_its_line(load, change, path, line, meant):
    with pytest.raises(ConfigError) as told:
        load(IGATE.replace(*change))

    found = {problem.place.path: problem for problem in told.value.problems}
    assert found[path].place.line == line
    assert found[path].suggestion.en == f"did you mean '{meant}'?"

"""The [pull.NAME] tables: every mistake is told, and secrets come from the environment."""

import pytest

from lienthong.settings import load_settings
from schemas.errors import ConfigError

LAND = """
[pull.land-office]
kind = "sql"
url = "postgresql://reader@db/land"
table = "hoso"
columns = ["ma", "sua_luc"]
watermark = "sua_luc"
key = ["ma"]
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(text):
        (tmp_path / "lienthong.toml").write_text(text, encoding="utf-8")
        return load_settings(file=None)

    return load


def test_a_password_comes_from_the_environment_where_names_have_no_hyphen(load, monkeypatch):
    monkeypatch.setenv("LIENTHONG_PULL__LAND_OFFICE__PASSWORD", "s3cret")

    profile = load(LAND).pull["land-office"]

    assert profile.password.get_secret_value() == "s3cret"
    assert profile.url == "postgresql://reader@db/land"
    assert "s3cret" not in repr(load(LAND))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("reader@db", "reader:s3cret@db"), "must not carry a password"),
        (('"postgresql://reader@db/land"', '"nonsense"'), "expected postgresql://"),
        (('"postgresql://reader@db/land"', '"sqlite:///a.sqlite"'), "hold its writers up"),
        (('table = "hoso"', ""), "either query, or table"),
        (('table = "hoso"', 'table = "hoso"\nquery = "SELECT 1"'), "either query, or table"),
        (('["ma", "sua_luc"]', '["sua_luc"]'), "columns must also name ma"),
        (('key = ["ma"]', 'key = ["ma"]\ntime_zone = "Asia/Saigonn"'), "no time zone"),
        (('key = ["ma"]', 'key = ["ma"]\nstart = "hôm qua"'), "a number, a day or a time"),
        (('table = "hoso"', 'query = "SELECT :limit"'), "found :limit"),
        (('table = "hoso"', 'query = "SELECT :watermark"'), "needs start"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_profile_is_told(load, change, said):
    with pytest.raises(ConfigError) as told:
        load(LAND.replace(*change))

    (problem,) = told.value.problems
    assert said in problem.message.en
    assert "s3cret" not in str(told.value.problems)


def test_a_misspelt_key_is_told_with_its_line(load):
    with pytest.raises(ConfigError) as told:
        load(LAND.replace("watermark", "watermarc"))

    found = {problem.place.path: problem for problem in told.value.problems}
    assert found["pull.land-office.watermarc"].place.line == 7
    assert found["pull.land-office.watermarc"].suggestion.en == "did you mean 'watermark'?"


@pytest.mark.parametrize("query", ["SELECT a::text FROM t", "SELECT to_char(a, 'HH24:MI') FROM t"])
def test_colons_of_sql_are_no_parameters(load, query):
    profile = load(LAND.replace('table = "hoso"', f'query = "{query}"')).pull["land-office"]

    assert not profile.takes_mark

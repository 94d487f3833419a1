"""Settings: every mistake at once, with its line, and who wins over whom."""

from pathlib import Path

import pytest

from lienthong.settings import load_settings
from schemas.errors import ConfigError


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load settings from a text."""
    monkeypatch.chdir(tmp_path)

    def load(text, **options):
        file = tmp_path / "lienthong.toml"
        file.write_text(text, encoding="utf-8")
        return load_settings(file=file, **options)

    return load


def test_without_a_file_everything_has_a_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    settings = load_settings(file=None)

    assert (settings.data_dir, settings.target) == (Path("lienthong-data"), None)
    assert settings.delivery.slots == 8


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(load, monkeypatch):
    monkeypatch.setenv("LIENTHONG_DATA_DIR", "from-env")
    monkeypatch.setenv("LIENTHONG_DELIVERY__SLOTS", "3")
    text = 'data_dir = "from-file"\n[delivery]\nslots = 2\nlease_seconds = 90\n'

    settings = load(text)
    assert settings.data_dir == Path("from-env")
    assert (settings.delivery.slots, settings.delivery.lease_seconds) == (3, 90)

    assert load(text, data_dir=Path("from-option")).data_dir == Path("from-option")


def test_every_mistake_is_reported_at_once_with_its_line(load):
    text = 'data_dirr = "x"\n\n[delivery]\nslots = 0\nleas_seconds = 5\n[target]\nsoap = "1.3"\n'

    with pytest.raises(ConfigError) as caught:
        load(text)

    found = {(p.place.path, p.place.line) for p in caught.value.problems}
    assert found >= {("data_dirr", 1), ("delivery.slots", 4), ("delivery.leas_seconds", 5)}
    assert {path for path, _ in found} >= {"target.soap", "target.endpoint"}
    suggestions = {p.place.path: p.suggestion for p in caught.value.problems if p.suggestion}
    assert suggestions["data_dirr"].en == "did you mean 'data_dir'?"


def test_a_lease_must_outlast_the_longest_call(load):
    text = '[delivery]\nlease_seconds = 60\n[target]\nendpoint = "http://127.0.0.1:1/x"\n'

    with pytest.raises(ConfigError) as caught:
        load(text)

    assert "longest call" in caught.value.problems[0].message.en


def test_a_wrong_maintenance_window_is_named_with_its_line_in_both_languages(load):
    text = (
        '[target]\nendpoint = "http://127.0.0.1:1/x"\n'
        'maintenance_windows = ["Sun 22:00-04:00", "CN 22:00-04:00"]\n'
    )

    with pytest.raises(ConfigError) as caught:
        load(text)

    (problem,) = caught.value.problems
    assert (problem.place.path, problem.place.line) == ("target.maintenance_windows", 3)
    assert "window 'CN 22:00-04:00': expected a form like 'Sun 22:00-04:00'" in problem.message.en
    assert "khung giờ bảo trì «CN 22:00-04:00»: cần một trong các dạng" in problem.message.vi


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"[delivery\n", "settings.syntax"), (b"\xff\xfe", "settings.unreadable")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, code):
    file = tmp_path / "lienthong.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load_settings(file=file)

    assert caught.value.code == code


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_settings(file=tmp_path / "none.toml")

    assert caught.value.code == "settings.missing"


def test_retention_is_in_days_or_for_ever(load):
    retention = load('[retention]\nsubmissions = 30\ndocuments = "forever"\n').retention

    assert (retention.submissions, retention.documents) == (30, None)
    assert (retention.answers, retention.results) == (365, 30)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "true", '"soon"', "40000"])
def test_what_is_no_number_of_days_is_refused_with_its_line(load, value):
    with pytest.raises(ConfigError) as caught:
        load(f"[retention]\nanswers = {value}\n")

    (problem,) = caught.value.problems
    assert (problem.place.line, problem.place.path) == (2, "retention.answers")
    assert "days" in problem.message.en
    assert "số ngày" in problem.message.vi


def test_a_lease_stays_below_the_consumer_timeout_of_the_broker(tmp_path):
    """RabbitMQ ends the connection of who holds a message for 30 minutes (celery 6954)."""
    file = tmp_path / "lienthong.toml"
    file.write_text("[delivery]\nlease_seconds = 1800\n", encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_settings(file=file)

    assert caught.value.problems[0].place.path == "delivery.lease_seconds"


def test_the_table_of_the_json_adapter_is_read_and_its_mistakes_have_their_places(
    tmp_path, monkeypatch
):
    file = tmp_path / "lienthong.toml"
    text = (
        '[target]\nendpoint = "http://127.0.0.1:1/x"\nchannel = "dvcqg-json"\n'
        '[target.json]\nmadonvi = "H29"\nauth_endpoint = "/a"\nintegration_endpoint = "/b"\n'
        'username = "u"\n'
    )
    monkeypatch.setenv("LIENTHONG_TARGET__JSON__PASSWORD", "p")
    file.write_text(text)

    profile = load_settings(file=file).target
    file.write_text(f"{text}sesion_seconds = 9\n[target.json.max_lengths]\nGhiChu = 0\n")
    with pytest.raises(ConfigError) as refused:
        load_settings(file=file)

    assert profile.json_adapter.password.get_secret_value() == "p"
    found = {one.place.path: one.place.line for one in refused.value.problems}
    assert found == {"target.json.sesion_seconds": 9, "target.json.max_lengths.GhiChu": 11}
    assert any(
        "session_seconds" in one.suggestion.en for one in refused.value.problems if one.suggestion
    )


def test_the_secrets_of_an_lgsp_come_from_the_environment_and_no_mistake_shows_them(
    tmp_path, monkeypatch
):
    file = tmp_path / "lienthong.toml"
    text = (
        '[target]\nendpoint = "http://127.0.0.1:1/x"\nchannel = "lgsp"\nsuccess_codes = ["0"]\n'
        '[target.lgsp]\ntoken_endpoint = "/token"\nclient_id = "u"\n'
        '[target.lgsp.access]\napp_name = "a"\n'
    )
    monkeypatch.setenv("LIENTHONG_TARGET__LGSP__CLIENT_SECRET", "bi-mat-1")
    monkeypatch.setenv("LIENTHONG_TARGET__LGSP__ACCESS__ACCESS_KEY", "bi-mat-2")
    monkeypatch.setenv("LIENTHONG_TARGET__LGSP__ACCESS__SECRET_KEY", "bi-mat-3")
    file.write_text(text)

    profile = load_settings(file=file).target
    file.write_text(text.replace('app_name = "a"', 'app_name = "a"\nheader = "Authorization"'))
    with pytest.raises(ConfigError) as refused:
        load_settings(file=file)

    assert profile.lgsp.client_secret.get_secret_value() == "bi-mat-1"
    assert profile.lgsp.access.secret_key.get_secret_value() == "bi-mat-3"
    (problem,) = refused.value.problems
    assert "Authorization is the token's" in problem.message.en
    assert profile.lgsp.access.value.startswith("eyJ")
    assert "bi-mat" not in f"{problem} {profile!r}"
    assert profile.lgsp.access.value not in f"{profile!r}"
